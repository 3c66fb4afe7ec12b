/** Emits one region as one WebAssembly function, with the emitters that the interpreter is made of. */
import { InternalError } from "../../base/errors.ts";
import { FUEL, GPR, RIP, YMM } from "../../isa/cpu-block.ts";
import { opDef } from "../../isa/ir/builder.ts";
import { OPS } from "../../isa/ir/ops.ts";
import { RAX, RCX, RDI, RSI } from "../../isa/lift/context.ts";
import { Code } from "../../wasm/code.ts";
import { BLOCK_VOID, W } from "../../wasm/opcodes.ts";
import type { Emit, Emitter, FlagEmitter, FloatFacts } from "../emit/emitter.ts";
import { F32, F64 } from "../emit/float-kinds.ts";
import { plainComparison } from "../emit/float-plain.ts";
import { emitterOf } from "../emit/table.ts";
import { pushTags } from "../interp/support.ts";
import { SITE_COUNT, TLB, TLB_ADDEND } from "../layout.ts";
import { flagReaders, kindOf } from "./flags.ts";
import { type Graph, type Structure, structure } from "./graph.ts";
import { PlainFloats } from "./plain-floats.ts";
import { type Region, type RegionBlock, type Target, targetsOf } from "./region.ts";
import { RegionFlags, sameFlags, UNTOUCHED } from "./region-flags.ts";
import { CannotCompile, DYNAMIC, type FlagMode, RAW } from "./region-values.ts";

/** What the compiler provides: exit sites, links, and the function indices of imports. */
export interface RegionLinks {
  /** Address of a new exit site: RIP and the fuel to give back. */
  site(lo: number, hi: number, fuel: number): number;
  /** As `site`, for an instruction that is left because of the floats it meets. */
  floatSite(lo: number, hi: number, fuel: number): number;
  /** Whether regions have been left at the address again and again because of floats. */
  leavesOften(lo: number, hi: number): boolean;
  /** Address of a new link cell to a static target. */
  link(lo: number, hi: number): number;
  /** Address of a copy of the bytes. */
  table(bytes: Uint8Array): number;
  helper(name: string): number;
  /** The interpreter module's function of that name (interp/support.ts). */
  bulk(name: "bulkMovs" | "bulkStos"): number;
  readonly materialize: number;
}

/** Up to so many iterations of REP MOVS and STOS take no longer one by one. */
const FEW_ITERATIONS = 8;

/** Vector registers are held in halves (slots.ts). */
const VEC_BYTES = 16;

const COMPARISONS = new Map([
  ["fUcomi64", F64],
  ["fComi64", F64],
  ["fUcomi32", F32],
  ["fComi32", F32],
]);

type Label = { readonly kind: "block" | "loop"; readonly node: number } | { readonly kind: "if" };
export class RegionEmit extends RegionFlags implements Emit {
  readonly #region: Region;
  readonly #links: RegionLinks;
  readonly #graph: Structure;
  readonly #labels: Label[] = [];
  readonly #need: number;
  /** The node to which indirect jumps go, behind the blocks' nodes. */
  readonly #dispatch: number | undefined;
  /** Nodes that look at the flags they are entered with. */
  readonly #readsFlags: readonly boolean[];
  /** What the forward edges into a merge point bring, as far as they agree. */
  readonly #mergedFlags: FlagMode[] = [];
  #plain = new PlainFloats();
  readonly #fuel: number;
  readonly #link: number;
  readonly #next: number;

  constructor(region: Region, links: RegionLinks) {
    super(region.codeBits, region.blocks[0] as RegionBlock, links.materialize);
    this.#region = region;
    this.#links = links;
    this.#dispatch = region.dispatched.length > 0 ? region.blocks.length : undefined;
    this.#need = region.blocks.reduce((sum, block) => sum + block.instructions, 0);
    const successors: (readonly number[])[] = region.blocks.map((block) => {
      const { exit } = block;
      const inside = targetsOf(block).flatMap(({ block: to }) => (to >= 0 ? [to] : []));
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
  emit(): Code {
    const head = this.#siteAt(this.#region.blocks[0] as RegionBlock);
    this.#checkFuel(head, 0);
    this.#bringFlags(0);
    this.#tree(0);
    const out = new Code();
    out.i32Const(0);
    out.memory(W.i32_load, FUEL);
    out.set(this.#fuel);
    out.i32Const(UNTOUCHED);
    out.set(this.flagLocals().kind);
    for (const reg of this.gprs) {
      out.i32Const(0);
      out.memory(this.wide ? W.i64_load : W.i32_load, GPR + 8 * reg);
      out.set(this.gprLocal(reg));
    }
    for (const reg of this.vecs) {
      out.i32Const(0);
      out.memory(W.v128_load, YMM + VEC_BYTES * reg);
      out.set(this.vecLocal(reg));
    }
    for (const [local, bytes] of this.constants) {
      out.i32Const(0);
      out.memory(W.v128_load, this.#links.table(new Uint8Array(bytes)));
      out.set(local);
    }
    out.open(W.block, BLOCK_VOID);
    out.appendCode(this.c);
    out.byte(W.unreachable);
    out.end();
    this.#tail(out);
    return out;
  }

  // --- control flow -----------------------------------------------------------------------------------------------------

  #tree(node: number): void {
    const { isLoopHeader, merges, isMerge } = this.#graph;
    if (isMerge[node] || isLoopHeader[node]) {
      this.flags = this.#entryFlags(node);
      this.#plain = new PlainFloats();
    }
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
    this.block = block;
    this.tempTypes = new Map();
    this.c.get(this.#fuel);
    this.c.i32Const(block.instructions);
    this.c.op(W.i32_sub);
    this.c.set(this.#fuel);
    const { words } = block.lifted;
    for (let at = 0; at < block.words; ) at += this.#operation(words, at);
    const { exit } = block;
    if (exit.kind === "jump") this.#branch(node, exit.to);
    else if (exit.kind === "jumpTo") {
      this.begin(words, exit.at);
      this.push(0);
      this.c.set(this.#next);
      const { flags } = this;
      const plain = this.#plain;
      for (const target of exit.expected) {
        if (target.block < 0 || !this.#graph.keeps(node, target.block)) continue;
        this.c.get(this.#next);
        this.c.i64Const(target.lo, target.hi);
        this.c.op(W.i64_eq);
        this.c.open(W.if, BLOCK_VOID);
        this.#labels.push({ kind: "if" });
        this.flags = flags;
        this.#plain = plain.copy();
        this.#branch(node, target);
        this.#labels.pop();
        this.c.end();
      }
      if (exit.dispatch && this.#dispatch !== undefined && this.#graph.keeps(node, this.#dispatch)) {
        this.flags = flags;
        this.#branch(node, { lo: 0, hi: 0, block: this.#dispatch });
      } else this.#leaveForNext(0);
    } else {
      this.begin(words, exit.at);
      this.requireFlagArguments();
      this.push(0);
      const { flags } = this;
      const plain = this.#plain.copy();
      this.c.open(W.if, BLOCK_VOID);
      this.#labels.push({ kind: "if" });
      this.#branch(node, exit.taken);
      this.c.byte(W.else);
      this.flags = flags;
      this.#plain = plain;
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
    const block = this.block;
    this.#tree(to);
    this.block = block;
  }

  /** Leaves for the interpreter unless the fuel suffices for a pass through the region. */
  #checkFuel(site: number, nesting: number): void {
    this.c.get(this.#fuel);
    this.c.i32Const(this.#need);
    this.c.op(W.i32_lt_s);
    this.c.openUnlikely();
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
    const { lo, left } = this.#instruction();
    this.c.i32Const(this.#links.site(lo, this.#region.hi, left));
    this.c.set(this.#link);
    this.#leave(nesting);
  }

  /** The address of the current instruction, and how many the block has from there on. */
  #instruction(): { lo: number; left: number } {
    const { block } = this;
    const index = ((block.lifted.words[this.at] as number) >> 16) & 0x7fff;
    return { lo: block.start + (block.lifted.offsets[index] as number), left: block.instructions - index };
  }

  readonly floats: FloatFacts = {
    isPlain: (index, format) => this.#plain.holds(this.word(index), format),
    notePlain: (index, format) => this.#plain.note(this.word(index), format),
    plainResult: (format) => this.#plain.noteResult(format),
    isExact: () => this.#links.leavesOften(this.#instruction().lo, this.#region.hi),
    leaveIf: (depth) => {
      const { c } = this;
      const { lo, left } = this.#instruction();
      const site = this.#links.floatSite(lo, this.#region.hi, left);
      c.openUnlikely();
      c.i32Const(0);
      c.i32Const(0);
      c.memory(W.i32_load, site + SITE_COUNT);
      c.i32Const(1);
      c.op(W.i32_add);
      c.memory(W.i32_store, site + SITE_COUNT);
      c.i32Const(site);
      c.set(this.#link);
      this.#leave(1 + depth);
      c.end();
    },
  };

  /** Writes everything back and returns where to go on: a site, a link cell, or 0 for RIP (regionsFunction goes there). */
  #tail(c: Code): void {
    const store = (address: number, opcode: number, local: number) => {
      c.i32Const(0);
      c.get(local);
      c.memory(opcode, address);
    };
    for (const reg of this.dirtyGprs) store(GPR + 8 * reg, this.wide ? W.i64_store : W.i32_store, this.gprLocal(reg));
    for (const reg of this.dirtyVecs) store(YMM + VEC_BYTES * reg, W.v128_store, this.vecLocal(reg));
    this.storeFlags(c);
    store(FUEL, W.i32_store, this.#fuel);
    c.get(this.#link);
  }

  // --- operations ---------------------------------------------------------------------------------------------------------

  /** Emits the operation at `at`; returns its number of words. */
  #operation(words: Int32Array, at: number): number {
    const def = this.begin(words, at);
    const hasDst = def.result !== "none" && def.result !== "flags";
    const size = 1 + (hasDst ? 1 : 0) + def.args.length;
    const fused = this.#floatComparison(words, at);
    if (fused > 0) return fused;
    const kind = kindOf(def);
    if (kind !== undefined) {
      this.defer(kind);
      return size;
    }
    if (this.condition(def) || this.carryOnly(def)) {
      this.#writeResult(words[at + 1] as number);
      return size;
    }
    this.requireFlagArguments();
    const emitter = emitterOf(def.name);
    if (def.result === "flags") {
      const { result, aux } = emitter as FlagEmitter;
      const flags = this.flagLocals();
      const value = this.locals.named("flagsNew", "i64");
      result(this);
      this.c.set(value);
      aux(this);
      this.c.set(flags.aux);
      this.c.get(value);
      this.c.set(flags.result);
      this.flagsRaw();
      return size;
    }
    if (hasDst) this.beforeFlagWrite(words[at + 1] as number);
    (emitter as Emitter)(this);
    if (hasDst) this.#writeResult(words[at + 1] as number);
    return size;
  }

  /** UCOMISD or COMISD and the flagsSet behind it as one comparison; returns the number of words, or 0 if this is none. */
  #floatComparison(words: Int32Array, at: number): number {
    const kind = COMPARISONS.get(this.def.name);
    const next = at + 2 + this.def.args.length;
    if (kind === undefined || OPS[(words[next] as number) & 0xffff]?.name !== "flagsSet") return 0;
    if (words[next + 1] !== words[at + 1] || this.floats.isExact()) return 0;
    plainComparison(this, this.floats, kind, this.def.name);
    this.deferComparison(kindOf(opDef(`flagsUcomi${kind === F64 ? 64 : 32}`)) as number, this.local(0), this.local(1));
    return next + 2 - at;
  }

  #writeResult(slot: number): void {
    this.writeSlot(slot, this.def.result);
    this.#plain.written(this.def, slot, (index) => this.word(index));
  }

  callHelper(name: string): void {
    this.c.call(this.#links.helper(name));
  }

  // --- flags where edges meet ---

  /** On an edge to `to`: a place where several edges meet and that looks at the flags is entered with the flag words. */
  #bringFlags(to: number): void {
    const { isMerge, isLoopHeader } = this.#graph;
    if (!isMerge[to] && !isLoopHeader[to]) return;
    if (this.#readsFlags[to]) this.materialize();
    const merged = this.#mergedFlags[to];
    this.#mergedFlags[to] = merged === undefined || sameFlags(merged, this.flags) ? this.flags : DYNAMIC;
  }

  /** What is known of the flags where several edges meet; of a loop's back edges nothing is known yet. */
  #entryFlags(node: number): FlagMode {
    if (this.#readsFlags[node]) return RAW;
    return this.#graph.isLoopHeader[node] ? DYNAMIC : (this.#mergedFlags[node] ?? DYNAMIC);
  }

  // --- memory and traps -----------------------------------------------------------------------------------------------------

  /** Leaves unless the access lies in one page of the TLB; pushes its place in host memory. */
  hostAddress(address: number, size: number, forWrite: boolean): void {
    const c = this.c;
    const entry = this.scratch("i32", 8);
    pushTags(c, address, size, forWrite, entry);
    c.op(W.i64_ne);
    c.openUnlikely();
    this.#leaveInstruction(1);
    c.end();
    c.get(address);
    c.op(W.i32_wrap_i64);
    c.get(entry);
    c.memory(W.i32_load, TLB + TLB_ADDEND);
    c.op(W.i32_add);
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

  probe(address: number, _length: number, forWrite: boolean): void {
    const length = this.known(2);
    if (length === undefined) this.#refuse();
    this.hostAddress(address, length, forWrite);
    this.c.op(W.drop);
  }

  when(body: () => void): void {
    this.c.open(W.if, BLOCK_VOID);
    this.#labels.push({ kind: "if" });
    body();
    this.#labels.pop();
    this.c.end();
  }

  trapIf(): void {
    this.trapIfConst(0);
  }

  trapIfConst(_vector: number, depth = 0): void {
    this.c.openUnlikely();
    this.#leaveInstruction(1 + depth);
    this.c.end();
  }

  #refuse(): never {
    throw new CannotCompile(`${this.def.name} is the interpreter's`);
  }
  trap = (): void => this.#refuse();
  enter = (): void => this.#refuse();
  enterRegion = (): void => this.#refuse();
  jump = (): void => this.#refuse();
  jumpIf = (): void => this.#refuse();
  jumpTo = (): void => this.#refuse();
  leave = (): void => this.#refuse();

  /** A repeated string instruction has nothing to do. */
  jumpOutIf(): void {
    const { out } = this.block;
    if (out === undefined) this.#refuse();
    const { flags } = this;
    this.push(0);
    this.when(() => this.#branch(this.#region.blocks.indexOf(this.block), out));
    this.flags = flags;
  }

  /** The registers go through memory; what is left of the fuel suffices for the rest of the region. */
  bulkString(stos: boolean): void {
    const { c } = this;
    const moved = stos ? [RCX, RDI] : [RCX, RSI, RDI];
    const done = this.scratch("i32", 9);
    c.get(this.gprLocal(RCX));
    if (this.wide) {
      c.i64Const(FEW_ITERATIONS);
      c.op(W.i64_gt_u);
    } else {
      c.i32Const(FEW_ITERATIONS);
      c.op(W.i32_gt_u);
    }
    c.open(W.if, BLOCK_VOID);
    for (const reg of stos ? [RAX, ...moved] : moved) {
      c.i32Const(0);
      c.get(this.gprLocal(reg));
      c.memory(this.wide ? W.i64_store : W.i32_store, GPR + 8 * reg);
    }
    this.push(0);
    this.push(1);
    c.get(this.#fuel);
    c.i32Const(this.#need);
    c.op(W.i32_sub);
    c.call(this.#links.bulk(stos ? "bulkStos" : "bulkMovs"));
    c.set(done);
    c.get(this.#fuel);
    c.get(done);
    c.op(W.i32_sub);
    c.set(this.#fuel);
    for (const reg of moved) {
      c.i32Const(0);
      c.memory(this.wide ? W.i64_load : W.i32_load, GPR + 8 * reg);
      c.set(this.gprLocal(reg));
      this.dirtyGprs.add(reg);
    }
    c.end();
  }
}
