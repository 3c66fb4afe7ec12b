// Longer than most: it is the whole mapping of IR to a region's wasm, and falls apart into no independent halves.
/** Emits one region as one WebAssembly function, with the emitters that the interpreter is made of. */
import { InternalError } from "../../base/errors.ts";
import { CPU_BASE, FLAG_AUX, FLAG_RESULT, FUEL, GPR, RIP, YMM } from "../../isa/cpu-block.ts";
import { type ArgType, CONST_SLOT, OPS, type OpDef, type ResultType } from "../../isa/ir/ops.ts";
import { Code } from "../../wasm/code.ts";
import { BLOCK_VOID, type ValTypeName, W } from "../../wasm/opcodes.ts";
import type { Emit, Emitter, FlagEmitter } from "../emit/emitter.ts";
import { emitterOf } from "../emit/table.ts";
import { pushTags } from "../interp/support.ts";
import {
  PENDING_B,
  PENDING_C,
  PENDING_KIND,
  PENDING_R,
  TLB,
  TLB_ADDEND,
  TLB_READ_BASE,
  TLB_READ_LENGTH,
  TLB_WRITE_BASE,
  TLB_WRITE_LENGTH,
} from "../layout.ts";
import { argumentSources, flagEmit, flagReaders, kindOf, shapeOf } from "./flags.ts";
import { type Graph, type Structure, structure } from "./graph.ts";
import { type Region, type RegionBlock, type Target, targetsOf } from "./region.ts";
import { Locals, placeOf } from "./slots.ts";

/** The region uses something that only the interpreter does. */
export class CannotCompile extends Error {}

/** What the compiler provides: exit sites, links, and the function indices of imports. */
export interface RegionLinks {
  /** Address of a new exit site: RIP and the fuel to give back. */
  site(lo: number, hi: number, fuel: number): number;
  /** Address of a new link cell to a static target. */
  link(lo: number, hi: number): number;
  /** Address of a copy of the bytes. */
  table(bytes: Uint8Array): number;
  helper(name: string): number;
  readonly materialize: number;
}

type FlagMode =
  | { readonly mode: "dynamic" }
  | { readonly mode: "raw" }
  | { readonly mode: "pending"; readonly kind: number };
const DYNAMIC: FlagMode = { mode: "dynamic" };
const RAW: FlagMode = { mode: "raw" };
/** Vector registers are held in halves (slots.ts). */
const VEC_BYTES = 16;

function sameFlags(a: FlagMode, b: FlagMode): boolean {
  return a.mode === b.mode && (a.mode !== "pending" || b.mode !== "pending" || a.kind === b.kind);
}

/** Value of the pending-kind local while the flags in memory are still those of the entry. */
const UNTOUCHED = -1;

const LOAD: Record<Exclude<ArgType, "imm">, number> = {
  i32: W.i32_load,
  i64: W.i64_load,
  f32: W.f32_load,
  f64: W.f64_load,
  v128: W.v128_load,
};

type Label = { readonly kind: "block" | "loop"; readonly node: number } | { readonly kind: "if" };

export class RegionEmit implements Emit {
  readonly c = new Code();
  readonly locals = new Locals(0);
  readonly #region: Region;
  readonly #links: RegionLinks;
  readonly #graph: Structure;
  readonly #labels: Label[] = [];
  readonly #need: number;
  /** The node to which indirect jumps go, behind the blocks' nodes. */
  readonly #dispatch: number | undefined;
  readonly #wide: boolean;
  /** Registers in locals, and those that the region may have changed. */
  readonly #gprs = new Set<number>();
  readonly #vecs = new Set<number>();
  readonly #dirtyGprs = new Set<number>();
  readonly #dirtyVecs = new Set<number>();
  /** Nodes that look at the flags they are entered with. */
  readonly #readsFlags: readonly boolean[];
  /** What the forward edges into a merge point bring, as far as they agree. */
  readonly #mergedFlags: FlagMode[] = [];
  #flags: FlagMode = DYNAMIC;
  #tempTypes = new Map<number, ValTypeName>();
  #block: RegionBlock;
  #def: OpDef = OPS[0] as OpDef;
  #at = 0;
  #loaded = new Map<number, number>();
  #extents = 0;
  readonly #fuel: number;
  readonly #link: number;
  readonly #next: number;

  constructor(region: Region, links: RegionLinks) {
    this.#region = region;
    this.#links = links;
    this.#wide = region.codeBits === 64;
    this.#block = region.blocks[0] as RegionBlock;
    this.#dispatch = region.dispatched.length > 0 ? region.blocks.length : undefined;
    this.#need = region.blocks.reduce((sum, block) => sum + block.instructions, 0);
    const successors: (readonly number[])[] = region.blocks.map(({ exit }) => {
      const inside = targetsOf(exit).flatMap(({ block: to }) => (to >= 0 ? [to] : []));
      const dispatches = exit.kind === "jumpTo" && exit.dispatch && this.#dispatch !== undefined;
      return dispatches ? [...inside, this.#dispatch as number] : inside;
    });
    if (this.#dispatch !== undefined) successors.push(region.dispatched);
    const graph: Graph = { successors, branchTable: this.#dispatch };
    this.#graph = structure(graph);
    this.#readsFlags = flagReaders(region, graph);
    this.#fuel = this.locals.named("fuel", "i32");
    this.#link = this.locals.named("link", "i32");
    this.#next = this.locals.named("next", "i64");
  }

  /** Fuel that the region must have to be entered. */
  get need(): number {
    return this.#need;
  }

  /** Emits everything; returns the function body. */
  emit(): Uint8Array {
    const head = this.#siteAt(this.#region.blocks[0] as RegionBlock);
    this.#checkFuel(head, 0);
    this.#bringFlags(0);
    this.#tree(0);
    const body = this.c.finish();
    const out = new Code();
    out.i32Const(0);
    out.memory(W.i32_load, FUEL);
    out.set(this.#fuel);
    out.i32Const(UNTOUCHED);
    out.set(this.#flagLocals().kind);
    for (const reg of this.#gprs) {
      out.i32Const(0);
      out.memory(this.#wide ? W.i64_load : W.i32_load, GPR + 8 * reg);
      out.set(this.#gprLocal(reg));
    }
    for (const reg of this.#vecs) {
      out.i32Const(0);
      out.memory(W.v128_load, YMM + VEC_BYTES * reg);
      out.set(this.#vecLocal(reg));
    }
    out.open(W.block, BLOCK_VOID);
    out.append(body);
    out.byte(W.unreachable);
    out.end();
    this.#tail(out);
    return out.finish();
  }

  // --- control flow -----------------------------------------------------------------------------------------------------

  #tree(node: number): void {
    const { isLoopHeader, merges, isMerge } = this.#graph;
    if (isMerge[node] || isLoopHeader[node]) this.#flags = this.#entryFlags(node);
    if (isLoopHeader[node]) {
      this.c.open(W.loop, BLOCK_VOID);
      this.#labels.push({ kind: "loop", node });
    }
    this.#within(node, merges[node] as readonly number[], 0);
    if (isLoopHeader[node]) {
      this.#labels.pop();
      this.c.end();
    }
  }

  /** The node, followed by the merge points it dominates from `index` on. */
  #within(node: number, followers: readonly number[], index: number): void {
    const follower = followers[index];
    if (follower === undefined) {
      this.#body(node);
      return;
    }
    this.c.open(W.block, BLOCK_VOID);
    this.#labels.push({ kind: "block", node: follower });
    this.#within(node, followers, index + 1);
    this.#labels.pop();
    this.c.end();
    this.#tree(follower);
  }

  #body(node: number): void {
    if (node === this.#dispatch) {
      this.#dispatchBody(node);
      return;
    }
    const block = this.#region.blocks[node] as RegionBlock;
    this.#block = block;
    this.#tempTypes = new Map();
    this.c.get(this.#fuel);
    this.c.i32Const(block.instructions);
    this.c.op(W.i32_sub);
    this.c.set(this.#fuel);
    const { words } = block.lifted;
    for (let at = 0; at < block.words; ) at += this.#operation(words, at);
    const { exit } = block;
    if (exit.kind === "jump") this.#branch(node, exit.to);
    else if (exit.kind === "jumpTo") {
      this.#begin(words, exit.at);
      this.push(0);
      this.c.set(this.#next);
      const flags = this.#flags;
      for (const target of exit.expected) {
        if (target.block < 0 || !this.#graph.keeps(node, target.block)) continue;
        this.c.get(this.#next);
        this.c.i64Const(target.lo, target.hi);
        this.c.op(W.i64_eq);
        this.c.open(W.if, BLOCK_VOID);
        this.#labels.push({ kind: "if" });
        this.#flags = flags;
        this.#branch(node, target);
        this.#labels.pop();
        this.c.end();
      }
      if (exit.dispatch && this.#dispatch !== undefined && this.#graph.keeps(node, this.#dispatch)) {
        this.#flags = flags;
        this.#branch(node, { lo: 0, hi: 0, block: this.#dispatch });
      } else this.#leaveForNext(0);
    } else {
      this.#begin(words, exit.at);
      this.#requireFlagArguments();
      this.push(0);
      const flags = this.#flags;
      this.c.open(W.if, BLOCK_VOID);
      this.#labels.push({ kind: "if" });
      this.#branch(node, exit.taken);
      this.c.byte(W.else);
      this.#flags = flags;
      this.#branch(node, exit.other);
      this.#labels.pop();
      this.c.end();
    }
  }

  /** Leaves for the address in the local `next`. */
  #leaveForNext(nesting: number): void {
    this.c.i32Const(0);
    this.c.get(this.#next);
    this.c.memory(W.i64_store, RIP);
    this.c.i32Const(0);
    this.c.set(this.#link);
    this.#leave(nesting);
  }

  /** Goes to the block at the address in `next`, if it is one that indirect jumps have been seen to reach. */
  #dispatchBody(node: number): void {
    const { c } = this;
    const { blocks, dispatched, hi } = this.#region;
    const targets = dispatched.filter((to) => this.#graph.keeps(node, to));
    if (targets.length === 0) {
      this.#leaveForNext(0);
      return;
    }
    const starts = targets.map((to) => (blocks[to] as RegionBlock).start);
    const first = Math.min(...starts);
    const table = new Uint8Array(Math.max(...starts) - first + 1).fill(targets.length);
    for (const [index, start] of starts.entries()) table[start - first] = index;
    const offset = this.scratch("i64", 31);
    for (const to of targets) this.#bringFlags(to);
    c.get(this.#next);
    c.i64Const(first, hi);
    c.op(W.i64_sub);
    c.tee(offset);
    c.i64Const(table.length);
    c.op(W.i64_ge_u);
    c.get(this.#fuel);
    c.i32Const(this.#need);
    c.op(W.i32_lt_s);
    c.op(W.i32_or);
    c.open(W.if, BLOCK_VOID);
    this.#leaveForNext(1);
    c.end();
    c.open(W.block, BLOCK_VOID);
    c.get(offset);
    c.op(W.i32_wrap_i64);
    c.memory(W.i32_load8_u, this.#links.table(table));
    c.byte(W.br_table);
    c.u32(targets.length);
    for (const to of targets) c.u32(this.#depthOf(node, to) + 1);
    c.u32(0);
    c.end();
    this.#leaveForNext(0);
  }

  /** Branch depth of the label that stands for `to`. */
  #depthOf(from: number, to: number): number {
    const { order } = this.#graph;
    const wanted = (order[to] as number) <= (order[from] as number) ? "loop" : "block";
    for (let depth = this.#labels.length - 1; depth >= 0; depth--) {
      const label = this.#labels[depth] as Label;
      if (label.kind === wanted && label.node === to) return this.#labels.length - 1 - depth;
    }
    throw new InternalError("a region branches to a label that is not open");
  }

  #branch(from: number, target: Target): void {
    const { order, isMerge, keeps } = this.#graph;
    const to = target.block;
    if (to < 0 || !keeps(from, to)) {
      this.c.i32Const(this.#links.link(target.lo, target.hi));
      this.c.set(this.#link);
      this.#leave(0);
      return;
    }
    const back = (order[to] as number) <= (order[from] as number);
    this.#bringFlags(to);
    // The dispatch looks at the fuel itself.
    if (back && to !== this.#dispatch) this.#checkFuel(this.#siteAt(this.#region.blocks[to] as RegionBlock), 0);
    if (back || isMerge[to]) {
      this.c.br(this.#depthOf(from, to));
      return;
    }
    const block = this.#block;
    this.#tree(to);
    this.#block = block;
  }

  /** Leaves for the interpreter unless the fuel suffices for a pass through the region. */
  #checkFuel(site: number, nesting: number): void {
    this.c.get(this.#fuel);
    this.c.i32Const(this.#need);
    this.c.op(W.i32_lt_s);
    this.c.open(W.if, BLOCK_VOID);
    this.c.i32Const(site);
    this.c.set(this.#link);
    this.#leave(nesting + 1);
    this.c.end();
  }

  #siteAt(block: RegionBlock): number {
    return this.#links.site(block.start, this.#region.hi, 0);
  }

  /** Branches to the tail; `nesting` counts wasm blocks opened since the last label. */
  #leave(nesting: number): void {
    this.c.br(this.#labels.length + nesting);
  }

  /** Leaves at the instruction of the current operation, which the interpreter then executes. */
  #leaveInstruction(nesting: number): void {
    const block = this.#block;
    const index = ((block.lifted.words[this.#at] as number) >> 16) & 0x7fff;
    const lo = block.start + (block.lifted.offsets[index] as number);
    this.c.i32Const(this.#links.site(lo, this.#region.hi, block.instructions - index));
    this.c.set(this.#link);
    this.#leave(nesting);
  }

  /** Writes everything back and returns where to go on: a site, a link cell, or 0 for RIP (regionsFunction goes there). */
  #tail(c: Code): void {
    const store = (address: number, opcode: number, local: number) => {
      c.i32Const(0);
      c.get(local);
      c.memory(opcode, address);
    };
    for (const reg of this.#dirtyGprs)
      store(GPR + 8 * reg, this.#wide ? W.i64_store : W.i32_store, this.#gprLocal(reg));
    for (const reg of this.#dirtyVecs) store(YMM + VEC_BYTES * reg, W.v128_store, this.#vecLocal(reg));
    this.#storeFlags(c);
    store(FUEL, W.i32_store, this.#fuel);
    c.get(this.#link);
  }

  // --- operations ---------------------------------------------------------------------------------------------------------

  #begin(words: Int32Array, at: number): OpDef {
    this.#def = OPS[(words[at] as number) & 0xffff] as OpDef;
    this.#at = at;
    this.#loaded = new Map();
    return this.#def;
  }

  /** Emits the operation at `at`; returns its number of words. */
  #operation(words: Int32Array, at: number): number {
    const def = this.#begin(words, at);
    const hasDst = def.result !== "none" && def.result !== "flags";
    const size = 1 + (hasDst ? 1 : 0) + def.args.length;
    const kind = kindOf(def);
    if (kind !== undefined) {
      this.#defer(kind);
      return size;
    }
    if (this.#condition(def) || this.#carryOnly(def)) {
      this.#writeSlot(words[at + 1] as number, def.result);
      return size;
    }
    this.#requireFlagArguments();
    const emitter = emitterOf(def.name);
    if (def.result === "flags") {
      const { result, aux } = emitter as FlagEmitter;
      const flags = this.#flagLocals();
      const value = this.locals.named("flagsNew", "i64");
      result(this);
      this.c.set(value);
      aux(this);
      this.c.set(flags.aux);
      this.c.get(value);
      this.c.set(flags.result);
      this.#flagsRaw();
      return size;
    }
    if (hasDst) this.#beforeFlagWrite(words[at + 1] as number);
    (emitter as Emitter)(this);
    if (hasDst) this.#writeSlot(words[at + 1] as number, def.result);
    return size;
  }

  // --- flags --------------------------------------------------------------------------------------------------------------

  /** On an edge to `to`: a place where several edges meet and that looks at the flags is entered with the flag words. */
  #bringFlags(to: number): void {
    const { isMerge, isLoopHeader } = this.#graph;
    if (!isMerge[to] && !isLoopHeader[to]) return;
    if (this.#readsFlags[to]) this.#materialize();
    const merged = this.#mergedFlags[to];
    this.#mergedFlags[to] = merged === undefined || sameFlags(merged, this.#flags) ? this.#flags : DYNAMIC;
  }

  /** What is known of the flags where several edges meet; of a loop's back edges nothing is known yet. */
  #entryFlags(node: number): FlagMode {
    if (this.#readsFlags[node]) return RAW;
    return this.#graph.isLoopHeader[node] ? DYNAMIC : (this.#mergedFlags[node] ?? DYNAMIC);
  }

  #flagLocals() {
    return {
      kind: this.locals.named("flagKind", "i32"),
      b: this.locals.named("flagB", "i64"),
      r: this.locals.named("flagR", "i64"),
      c: this.locals.named("flagC", "i32"),
      result: this.locals.named("flagResult", "i64"),
      aux: this.locals.named("flagAux", "i32"),
    };
  }

  #flagsRaw(): void {
    this.c.i32Const(0);
    this.c.set(this.#flagLocals().kind);
    this.#flags = RAW;
  }

  /** Notes a flags operation instead of computing it. */
  #defer(kind: number): void {
    const shape = shapeOf(kind);
    const flags = this.#flagLocals();
    const sources = argumentSources(shape);
    if (shape.conditional) {
      this.push(sources.indexOf("c"));
      this.c.open(W.if, BLOCK_VOID);
    }
    for (const [index, source] of sources.entries()) {
      if (source === "c") {
        if (shape.name === "Inc" || shape.name === "Dec") this.#pushCarry();
        else this.push(index);
        this.c.set(flags.c);
        continue;
      }
      this.push(index);
      if (!shape.wide) this.c.op(W.i64_extend_i32_u);
      this.c.set(source === "b" ? this.locals.named("flagB2", "i64") : this.locals.named("flagR2", "i64"));
    }
    for (const source of sources) {
      if (source === "c") continue;
      this.c.get(this.locals.named(source === "b" ? "flagB2" : "flagR2", "i64"));
      this.c.set(source === "b" ? flags.b : flags.r);
    }
    this.c.i32Const(kind);
    this.c.set(flags.kind);
    if (shape.conditional) {
      this.c.end();
      this.#flags = DYNAMIC;
    } else this.#flags = { mode: "pending", kind };
  }

  /** CF as 0 or 1 (i32), from what is pending if that is known. */
  #pushCarry(): void {
    const c = this.c;
    const flags = this.#flagLocals();
    if (this.#flags.mode === "pending") {
      const { name, size } = shapeOf(this.#flags.kind);
      switch (name) {
        case "Logic":
          c.i32Const(0);
          return;
        case "Inc":
        case "Dec":
          c.get(flags.c);
          return;
        case "Add":
          this.#pushPending("r", size);
          this.#pushPending("b", size);
          c.op(W.i64_lt_u);
          return;
        case "Sub":
          this.#pushPending("a", size);
          this.#pushPending("b", size);
          c.op(W.i64_lt_u);
          return;
        default:
      }
    }
    this.#materialize();
    c.get(flags.aux);
    c.i32Const(1);
    c.op(W.i32_and);
  }

  /** A pending operand shifted to the top of 64 bits, so that comparisons of any size are 64-bit ones. */
  #pushPending(what: "a" | "b" | "r", size: number): void {
    const flags = this.#flagLocals();
    const c = this.c;
    c.get(what === "b" ? flags.b : flags.r);
    if (what === "a") {
      // a = r + b of r = a - b
      c.get(flags.b);
      c.op(W.i64_add);
    }
    if (size !== 64) {
      c.i64Const(64 - size);
      c.op(W.i64_shl);
    }
  }

  /** `and32 FLAG_AUX, 1` asks for CF only. */
  #carryOnly(def: OpDef): boolean {
    if (def.name !== "and32" || this.#word(0) !== FLAG_AUX) return false;
    const mask = this.#constant(1);
    if (mask === undefined || mask[0] !== 1) return false;
    this.#pushCarry();
    return true;
  }

  /** Conditions on pending flags of a known kind. */
  #condition(def: OpDef): boolean {
    if (!def.name.startsWith("cond") || this.#flags.mode !== "pending") return false;
    if (this.#word(0) !== FLAG_RESULT || this.#word(1) !== FLAG_AUX) return false;
    const { name, size } = shapeOf(this.#flags.kind);
    const c = this.c;
    const compare = (left: "a" | "r", opcode: number) => {
      this.#pushPending(left, size);
      if (left === "a") this.#pushPending("b", size);
      else c.i64Const(0);
      c.op(opcode);
    };
    switch (def.name) {
      case "condZ":
        compare("r", W.i64_eq);
        return true;
      case "condS":
        compare("r", W.i64_lt_s);
        return true;
      case "condB":
        if (name === "AddC" || name === "SubC") return false;
        this.#pushCarry();
        return true;
      case "condBE":
        if (name !== "Sub") return false;
        compare("a", W.i64_le_u);
        return true;
      case "condL":
        if (name !== "Sub" && name !== "Logic") return false;
        compare(name === "Sub" ? "a" : "r", W.i64_lt_s);
        return true;
      case "condLE":
        if (name !== "Sub" && name !== "Logic") return false;
        compare(name === "Sub" ? "a" : "r", W.i64_le_s);
        return true;
      default:
        return false;
    }
  }

  #requireFlagArguments(): void {
    for (const [index, type] of this.#def.args.entries()) {
      const slot = this.#word(index);
      if (type !== "imm" && (slot === FLAG_RESULT || slot === FLAG_AUX)) this.#materialize();
    }
  }

  /** FLAG_AUX alone is written: FLAG_RESULT must be up to date. Both are written: FLAG_RESULT comes first. */
  #beforeFlagWrite(slot: number): void {
    if (slot === FLAG_AUX) this.#materialize();
  }

  /** Brings the flag words into their locals. */
  #materialize(): void {
    const c = this.c;
    const flags = this.#flagLocals();
    if (this.#flags.mode === "raw") return;
    if (this.#flags.mode === "dynamic") {
      this.#storeFlags(c);
      c.call(this.#links.materialize);
      c.i32Const(0);
      c.memory(W.i64_load, FLAG_RESULT);
      c.set(flags.result);
      c.i32Const(0);
      c.memory(W.i32_load, FLAG_AUX);
      c.set(flags.aux);
      this.#flagsRaw();
      return;
    }
    const shape = shapeOf(this.#flags.kind);
    const sources = argumentSources(shape).map((source) => {
      if (source === "c") return flags.c;
      const wide = source === "b" ? flags.b : flags.r;
      if (shape.wide) return wide;
      const narrow = this.locals.named(`flag${source}Narrow`, "i32");
      c.get(wide);
      c.op(W.i32_wrap_i64);
      c.set(narrow);
      return narrow;
    });
    const emit = flagEmit(c, sources, (type, which = 0) => this.locals.named(`flagScratch${type}${which}`, type));
    const emitter = emitterOf(`flags${shape.name}${shape.size}`) as FlagEmitter;
    emitter.result(emit);
    c.set(flags.result);
    emitter.aux(emit);
    c.set(flags.aux);
    this.#flagsRaw();
  }

  /** Writes the flags to memory, computed or pending, unless they are still those of the entry. */
  #storeFlags(c: Code): void {
    const flags = this.#flagLocals();
    const store = (address: number, opcode: number, local: number) => {
      c.i32Const(0);
      c.get(local);
      c.memory(opcode, address);
    };
    c.get(flags.kind);
    c.i32Const(0);
    c.op(W.i32_ge_s);
    c.open(W.if, BLOCK_VOID);
    store(PENDING_KIND, W.i32_store, flags.kind);
    c.get(flags.kind);
    c.open(W.if, BLOCK_VOID);
    store(PENDING_B, W.i64_store, flags.b);
    store(PENDING_R, W.i64_store, flags.r);
    store(PENDING_C, W.i32_store, flags.c);
    c.byte(W.else);
    store(FLAG_RESULT, W.i64_store, flags.result);
    store(FLAG_AUX, W.i32_store, flags.aux);
    c.end();
    c.end();
  }

  // --- slots --------------------------------------------------------------------------------------------------------------

  #gprLocal(reg: number): number {
    this.#gprs.add(reg);
    return this.locals.named(`r${reg}`, this.#wide ? "i64" : "i32");
  }

  #vecLocal(reg: number): number {
    this.#vecs.add(reg);
    return this.locals.named(`v${reg}`, "v128");
  }

  #word(index: number): number {
    const hasDst = this.#def.result !== "none" && this.#def.result !== "flags";
    return this.#block.lifted.words[this.#at + 1 + (hasDst ? 1 : 0) + index] as number;
  }

  /** The argument's value if it is a constant: [lo, hi]. */
  #constant(index: number): readonly [number, number] | undefined {
    const slot = this.#word(index);
    if (this.#def.args[index] === "imm" || slot < CONST_SLOT) return undefined;
    const { constLo, constHi } = this.#block.lifted;
    return [constLo[slot - CONST_SLOT] as number, constHi[slot - CONST_SLOT] as number];
  }

  push(index: number): void {
    const known = this.#loaded.get(index);
    if (known !== undefined) {
      this.c.get(known);
      return;
    }
    const type = this.#def.args[index] as ArgType;
    if (type === "imm") {
      this.c.i32Const(this.#word(index));
      return;
    }
    const constant = this.#constant(index);
    if (constant === undefined) this.#readSlot(this.#word(index), type);
    else if (type === "i32") this.c.i32Const(constant[0]);
    else if (type === "i64") this.c.i64Const(constant[0], constant[1]);
    else throw new CannotCompile("a float or vector constant");
  }

  known(index: number): number | undefined {
    return this.#def.args[index] === "imm" ? this.#word(index) : this.#constant(index)?.[0];
  }

  pushAll(): void {
    for (let i = 0; i < this.#def.args.length; i++) this.push(i);
  }

  local(index: number): number {
    const known = this.#loaded.get(index);
    if (known !== undefined) return known;
    const type = this.#def.args[index] as ArgType;
    const local = this.scratch(type === "imm" ? "i32" : type, 10 + index);
    this.push(index);
    this.c.set(local);
    this.#loaded.set(index, local);
    return local;
  }

  scratch(type: ValTypeName, which = 0): number {
    return this.locals.named(`scratch${type}${which}`, type);
  }

  callHelper(name: string): void {
    this.c.call(this.#links.helper(name));
  }

  #readSlot(slot: number, type: Exclude<ArgType, "imm">): void {
    const c = this.c;
    const place = placeOf(slot);
    switch (place.kind) {
      case "gpr":
        c.get(this.#gprLocal(place.reg));
        this.#convert(this.#wide ? "i64" : "i32", place.offset, type);
        return;
      case "vec":
        c.get(this.#vecLocal(place.reg));
        this.#lane(place.offset, type);
        return;
      case "temp": {
        const stored = this.#tempTypes.get(place.index);
        if (stored === undefined) throw new CannotCompile("a temporary is read before it is written");
        c.get(this.locals.named(`t${place.index}${stored}`, stored));
        if (stored === "v128") this.#lane(place.offset, type);
        else this.#convert(stored, place.offset, type);
        return;
      }
      case "flagResult":
        if (type !== "i64") throw new CannotCompile("a flag word read at another width");
        c.get(this.#flagLocals().result);
        return;
      case "flagAux":
        c.get(this.#flagLocals().aux);
        if (type === "i64") c.op(W.i64_extend_i32_u);
        return;
      case "memory":
        c.i32Const(0);
        c.memory(LOAD[type], place.address);
        return;
    }
  }

  /** The scalar on the stack (of type `from`, `offset` bytes of it skipped) as another type. */
  #convert(from: ValTypeName, offset: number, to: ValTypeName): void {
    const c = this.c;
    let type = from;
    if (type === "f64") {
      if (to === "f64" && offset === 0) return;
      c.op(W.i64_reinterpret_f64);
      type = "i64";
    } else if (type === "f32") {
      if (to === "f32" && offset === 0) return;
      c.op(W.i32_reinterpret_f32);
      type = "i32";
    }
    if (offset > 0) {
      if (type === "i64") c.i64Const(8 * offset);
      else c.i32Const(8 * offset);
      c.op(type === "i64" ? W.i64_shr_u : W.i32_shr_u);
    }
    const wide = to === "i64" || to === "f64";
    if (to === "v128") throw new CannotCompile("a scalar read as a vector");
    if (wide && type === "i32") c.op(W.i64_extend_i32_u);
    if (!wide && type === "i64") c.op(W.i32_wrap_i64);
    if (to === "f64") c.op(W.f64_reinterpret_i64);
    if (to === "f32") c.op(W.f32_reinterpret_i32);
  }

  /** Part of the vector on the stack, from byte `offset` on. */
  #lane(offset: number, type: Exclude<ArgType, "imm">): void {
    const c = this.c;
    if (type === "v128") {
      if (offset !== 0) throw new CannotCompile("a vector read across registers");
      return;
    }
    const width = type === "i64" || type === "f64" ? 8 : 4;
    if (offset % width === 0) {
      const opcode = {
        i64: W.i64x2_extract_lane,
        f64: W.f64x2_extract_lane,
        i32: W.i32x4_extract_lane,
        f32: W.f32x4_extract_lane,
      }[type];
      c.lane(opcode, offset / width);
      return;
    }
    if (type !== "i32") throw new CannotCompile("an unaligned vector lane");
    // Only the low bytes of an unaligned lane count (a byte or word is cut out of it next).
    c.lane(W.i64x2_extract_lane, offset >> 3);
    c.i64Const(8 * (offset & 7));
    c.op(W.i64_shr_u);
    c.op(W.i32_wrap_i64);
    if ((offset & 7) > 6) throw new CannotCompile("a vector lane that crosses halves");
  }

  /** Writes the value on the stack to the result slot. */
  #writeSlot(slot: number, result: ResultType): void {
    const c = this.c;
    const place = placeOf(slot);
    switch (place.kind) {
      case "gpr":
        this.#writeGpr(place.reg, place.offset, result);
        return;
      case "vec":
        this.#writeVec(place.reg, place.offset, result);
        return;
      case "temp": {
        if (place.offset !== 0 || result === "i8" || result === "i16") throw new CannotCompile("part of a temporary");
        const type = (result === "lane32" ? "i32" : result) as ValTypeName;
        this.#tempTypes.set(place.index, type);
        c.set(this.locals.named(`t${place.index}${type}`, type));
        return;
      }
      case "flagResult":
        if (result === "i32") c.op(W.i64_extend_i32_u);
        c.set(this.#flagLocals().result);
        this.#flagsRaw();
        return;
      case "flagAux":
        if (result === "i64") c.op(W.i32_wrap_i64);
        c.set(this.#flagLocals().aux);
        this.#flagsRaw();
        return;
      case "memory":
        this.#writeMemory(place.address, result);
        return;
    }
  }

  #writeGpr(reg: number, offset: number, result: ResultType): void {
    const c = this.c;
    const local = this.#gprLocal(reg);
    this.#dirtyGprs.add(reg);
    if (result === "i8" || result === "i16") {
      const mask = (result === "i8" ? 0xff : 0xffff) << (8 * offset);
      c.i32Const(result === "i8" ? 0xff : 0xffff);
      c.op(W.i32_and);
      if (offset > 0) {
        c.i32Const(8 * offset);
        c.op(W.i32_shl);
      }
      if (this.#wide) {
        c.op(W.i64_extend_i32_u);
        c.get(local);
        c.i64Const(~mask);
        c.op(W.i64_and);
        c.op(W.i64_or);
      } else {
        c.get(local);
        c.i32Const(~mask);
        c.op(W.i32_and);
        c.op(W.i32_or);
      }
      c.set(local);
      return;
    }
    if (offset !== 0) throw new CannotCompile("part of a general register");
    if (result === "f64") c.op(W.i64_reinterpret_f64);
    const wide = result === "i64" || result === "f64";
    if (!wide && result !== "i32") throw new CannotCompile("a narrow result in a general register");
    if (this.#wide && !wide) c.op(W.i64_extend_i32_u);
    if (!this.#wide && wide) c.op(W.i32_wrap_i64);
    c.set(local);
  }

  #writeVec(reg: number, offset: number, result: ResultType): void {
    const c = this.c;
    const local = this.#vecLocal(reg);
    this.#dirtyVecs.add(reg);
    if (result === "v128") {
      if (offset !== 0) throw new CannotCompile("a vector written across registers");
      c.set(local);
      return;
    }
    if (result === "i32") c.op(W.i64_extend_i32_u);
    const [type, opcode, width] = (
      {
        i8: ["i32", W.i8x16_replace_lane, 1],
        i16: ["i32", W.i16x8_replace_lane, 2],
        lane32: ["i32", W.i32x4_replace_lane, 4],
        i32: ["i64", W.i64x2_replace_lane, 8],
        i64: ["i64", W.i64x2_replace_lane, 8],
        f32: ["f32", W.f32x4_replace_lane, 4],
        f64: ["f64", W.f64x2_replace_lane, 8],
      } as Record<string, [ValTypeName, number, number]>
    )[result] as [ValTypeName, number, number];
    if (offset % width !== 0) throw new CannotCompile("an unaligned vector lane");
    const value = this.scratch(type, 30);
    c.set(value);
    c.get(local);
    c.get(value);
    c.lane(opcode, offset / width);
    c.set(local);
  }

  #writeMemory(address: number, result: ResultType): void {
    const c = this.c;
    if (address < CPU_BASE) throw new InternalError("a result slot below the CPU block");
    const [type, opcode] = (
      {
        i8: ["i32", W.i32_store8],
        i16: ["i32", W.i32_store16],
        lane32: ["i32", W.i32_store],
        i32: ["i64", W.i64_store],
        i64: ["i64", W.i64_store],
        f32: ["f32", W.f32_store],
        f64: ["f64", W.f64_store],
        v128: ["v128", W.v128_store],
      } as Record<string, [ValTypeName, number]>
    )[result] as [ValTypeName, number];
    if (result === "i32") c.op(W.i64_extend_i32_u);
    const value = this.scratch(type, 30);
    c.set(value);
    c.i32Const(0);
    c.get(value);
    c.memory(opcode, address);
  }

  // --- memory and traps -----------------------------------------------------------------------------------------------------

  /**
   * Three steps: the extent that this site (or all accesses through the same register) used last, in locals; the TLB, which
   * also gives the next extent; the exit.
   */
  hostAddress(address: number, size: number, forWrite: boolean): void {
    const c = this.c;
    const { base, limit, addend, reserve } = this.#extent(size, forWrite);
    c.get(address);
    c.get(base);
    c.op(W.i64_sub);
    c.get(limit);
    c.op(W.i64_ge_u);
    c.open(W.if, BLOCK_VOID);
    const entry = this.#probeTlb(address, size, forWrite, 1);
    c.get(entry);
    c.memory(W.i64_load, TLB + (forWrite ? TLB_WRITE_BASE : TLB_READ_BASE));
    c.set(base);
    c.get(entry);
    c.memory(W.i64_load, TLB + (forWrite ? TLB_WRITE_LENGTH : TLB_READ_LENGTH));
    if (reserve > 0) {
      c.i64Const(reserve);
      c.op(W.i64_sub);
    }
    c.set(limit);
    c.get(entry);
    c.memory(W.i32_load, TLB + TLB_ADDEND);
    c.set(addend);
    c.end();
    c.get(address);
    c.op(W.i32_wrap_i64);
    c.get(addend);
    c.op(W.i32_add);
  }

  /** Locals of the extent for the current access. `reserve`: bytes at its end where an access might not fit. */
  #extent(size: number, forWrite: boolean): { base: number; limit: number; addend: number; reserve: number } {
    const place = placeOf(this.#word(0));
    const shared = this.#def.args[0] === "i64" && this.#word(0) < CONST_SLOT && place.kind === "gpr";
    const key = shared ? `r${place.kind === "gpr" ? place.reg : 0}${forWrite ? "w" : "r"}` : `s${this.#extents++}`;
    return {
      base: this.locals.named(`base${key}`, "i64"),
      limit: this.locals.named(`limit${key}`, "i64"),
      addend: this.locals.named(`addend${key}`, "i32"),
      reserve: shared ? 31 : size - 1,
    };
  }

  store(address: number, size: number, opcode: number, ...values: readonly (() => void)[]): void {
    const c = this.c;
    this.hostAddress(address, size, true);
    const host = this.scratch("i32", 9);
    if (values.length > 1) c.set(host);
    for (const [i, value] of values.entries()) {
      if (values.length > 1) c.get(host);
      value();
      c.memory(opcode, 16 * i);
    }
  }

  when(body: () => void): void {
    this.c.open(W.if, BLOCK_VOID);
    this.#labels.push({ kind: "if" });
    body();
    this.#labels.pop();
    this.c.end();
  }

  /** Leaves unless the access lies in one page of the TLB; returns the local with the entry's offset. */
  #probeTlb(address: number, size: number, forWrite: boolean, nesting: number): number {
    const c = this.c;
    const entry = this.scratch("i32", 8);
    pushTags(c, address, size, forWrite, entry);
    c.op(W.i64_ne);
    c.open(W.if, BLOCK_VOID);
    this.#leaveInstruction(nesting + 1);
    c.end();
    return entry;
  }

  trapIf(): void {
    this.trapIfConst(0);
  }

  trapIfConst(_vector: number, depth = 0): void {
    this.c.open(W.if, BLOCK_VOID);
    this.#leaveInstruction(1 + depth);
    this.c.end();
  }

  #refuse(): never {
    throw new CannotCompile(`${this.#def.name} is the interpreter's`);
  }
  probe = (): void => this.#refuse();
  trap = (): void => this.#refuse();
  enter = (): void => this.#refuse();
  enterRegion = (): void => this.#refuse();
  jump = (): void => this.#refuse();
  jumpIf = (): void => this.#refuse();
  jumpTo = (): void => this.#refuse();
  jumpOutIf = (): void => this.#refuse();
  leave = (): void => this.#refuse();
  bulkString = (): void => this.#refuse();
}
