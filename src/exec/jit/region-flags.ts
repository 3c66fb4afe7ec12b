/** Flags in a region's wasm: deferred, asked for conditions, computed when somebody reads them (flags.ts has the shapes). */
import { FLAG_AUX, FLAG_RESULT } from "../../isa/cpu-block.ts";
import type { OpDef } from "../../isa/ir/ops.ts";
import type { Code } from "../../wasm/code.ts";
import { BLOCK_VOID, W } from "../../wasm/opcodes.ts";
import type { FlagEmitter } from "../emit/emitter.ts";
import { emitterOf } from "../emit/table.ts";
import { PENDING_B, PENDING_C, PENDING_KIND, PENDING_R } from "../layout.ts";
import { argumentSources, flagEmit, shapeOf } from "./flags.ts";
import type { RegionBlock } from "./region.ts";
import { DYNAMIC, type FlagMode, RegionValues } from "./region-values.ts";

/** Value of the pending-kind local while the flags in memory are still those of the entry. */
export const UNTOUCHED = -1;

export function sameFlags(a: FlagMode, b: FlagMode): boolean {
  return a.mode === b.mode && (a.mode !== "pending" || b.mode !== "pending" || a.kind === b.kind);
}

export class RegionFlags extends RegionValues {
  /** Function index of materialize(). */
  readonly #materializeWords: number;

  constructor(codeBits: 32 | 64, first: RegionBlock, materialize: number) {
    super(codeBits, first);
    this.#materializeWords = materialize;
  }

  /** Notes a flags operation instead of computing it. */
  protected defer(kind: number): void {
    const shape = shapeOf(kind);
    const flags = this.flagLocals();
    const sources = argumentSources(shape);
    if (shape.conditional) {
      this.push(sources.indexOf("c"));
      this.c.open(W.if, BLOCK_VOID);
    }
    for (const [index, source] of sources.entries()) {
      if (source === "c") {
        if (shape.name === "Inc" || shape.name === "Dec") this.pushCarry();
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
      this.flags = DYNAMIC;
    } else this.flags = { mode: "pending", kind };
  }

  /** Notes the comparison of two floats, whose locals are given. */
  protected deferComparison(kind: number, a: number, b: number): void {
    const c = this.c;
    const flags = this.flagLocals();
    const { size } = shapeOf(kind);
    for (const [from, bits, name] of [
      [a, flags.r, "flagFloatA"],
      [b, flags.b, "flagFloatB"],
    ] as const) {
      c.get(from);
      c.tee(this.locals.named(name + size, size === 64 ? "f64" : "f32"));
      c.op(size === 64 ? W.i64_reinterpret_f64 : W.i32_reinterpret_f32);
      if (size === 32) c.op(W.i64_extend_i32_u);
      c.set(bits);
    }
    c.i32Const(kind);
    c.set(flags.kind);
    this.flags = { mode: "pending", kind };
  }

  /** Pushes whether one of the relations holds between the floats compared last. */
  #compareFloats(size: number, relations: readonly ("lt" | "gt" | "ge" | "eq")[]): void {
    const float = size === 64 ? "f64" : "f32";
    for (const [index, relation] of relations.entries()) {
      for (const name of ["flagFloatA", "flagFloatB"]) this.c.get(this.locals.named(name + size, float));
      this.c.op(W[`${float}_${relation}`]);
      if (index > 0) this.c.op(W.i32_or);
    }
  }

  /** Conditions on UCOMISD and its kin: of unordered floats ZF, PF and CF are set. */
  #floatCondition(def: OpDef, size: number): boolean {
    const unless = (...relations: readonly ("lt" | "gt" | "ge" | "eq")[]) => {
      this.#compareFloats(size, relations);
      this.c.op(W.i32_eqz);
      return true;
    };
    switch (def.name) {
      case "condZ":
        return unless("lt", "gt");
      case "condB":
        return unless("ge");
      case "condBE":
        return unless("gt");
      case "condP":
        return unless("ge", "lt");
      default:
        return false;
    }
  }

  /** CF as 0 or 1 (i32), from what is pending if that is known. */
  protected pushCarry(): void {
    const c = this.c;
    const flags = this.flagLocals();
    if (this.flags.mode === "pending") {
      const { name, size } = shapeOf(this.flags.kind);
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
        case "Ucomi":
          this.#compareFloats(size, ["ge"]);
          c.op(W.i32_eqz);
          return;
        default:
      }
    }
    this.materialize();
    c.get(flags.aux);
    c.i32Const(1);
    c.op(W.i32_and);
  }

  /** A pending operand shifted to the top of 64 bits, so that comparisons of any size are 64-bit ones. */
  #pushPending(what: "a" | "b" | "r", size: number): void {
    const flags = this.flagLocals();
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
  protected carryOnly(def: OpDef): boolean {
    if (def.name !== "and32" || this.word(0) !== FLAG_AUX) return false;
    const mask = this.constant(1);
    if (mask === undefined || mask[0] !== 1) return false;
    this.pushCarry();
    return true;
  }

  /** Conditions on pending flags of a known kind. */
  protected condition(def: OpDef): boolean {
    if (!def.name.startsWith("cond") || this.flags.mode !== "pending") return false;
    if (this.word(0) !== FLAG_RESULT || this.word(1) !== FLAG_AUX) return false;
    const { name, size } = shapeOf(this.flags.kind);
    if (name === "Ucomi") return this.#floatCondition(def, size);
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
        this.pushCarry();
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

  protected requireFlagArguments(): void {
    for (const [index, type] of this.def.args.entries()) {
      const slot = this.word(index);
      if (type !== "imm" && (slot === FLAG_RESULT || slot === FLAG_AUX)) this.materialize();
    }
  }

  /** FLAG_AUX alone is written: FLAG_RESULT must be up to date. Both are written: FLAG_RESULT comes first. */
  protected beforeFlagWrite(slot: number): void {
    if (slot === FLAG_AUX) this.materialize();
  }

  /** Brings the flag words into their locals. */
  protected materialize(): void {
    const c = this.c;
    const flags = this.flagLocals();
    if (this.flags.mode === "raw") return;
    if (this.flags.mode === "dynamic") {
      this.storeFlags(c);
      c.call(this.#materializeWords);
      c.i32Const(0);
      c.memory(W.i64_load, FLAG_RESULT);
      c.set(flags.result);
      c.i32Const(0);
      c.memory(W.i32_load, FLAG_AUX);
      c.set(flags.aux);
      this.flagsRaw();
      return;
    }
    const shape = shapeOf(this.flags.kind);
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
    this.flagsRaw();
  }

  /** Writes the flags to memory, computed or pending, unless they are still those of the entry. */
  protected storeFlags(c: Code): void {
    const flags = this.flagLocals();
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
}
