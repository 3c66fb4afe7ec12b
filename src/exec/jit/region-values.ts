/** Slots as values in a region's wasm: registers and temporaries in locals, constants folded. */
import { InternalError } from "../../base/errors.ts";
import { CPU_BASE } from "../../isa/cpu-block.ts";
import { type ArgType, CONST_SLOT, OPS, type OpDef, type ResultType } from "../../isa/ir/ops.ts";
import { Code } from "../../wasm/code.ts";
import { type ValTypeName, W } from "../../wasm/opcodes.ts";
import type { RegionBlock } from "./region.ts";
import { Locals, placeOf } from "./slots.ts";

/** The region uses something that only the interpreter does. */
export class CannotCompile extends Error {}

/**
 * What is known of the flags: nothing (`dynamic`: the local `flagKind` says), that their words are in locals (`raw`), or that
 * the operation `kind` (flags.ts) is pending.
 */
export type FlagMode =
  | { readonly mode: "dynamic" }
  | { readonly mode: "raw" }
  | { readonly mode: "pending"; readonly kind: number };
export const DYNAMIC: FlagMode = { mode: "dynamic" };
export const RAW: FlagMode = { mode: "raw" };

const LOAD: Record<Exclude<ArgType, "imm">, number> = {
  i32: W.i32_load,
  i64: W.i64_load,
  f32: W.f32_load,
  f64: W.f64_load,
  v128: W.v128_load,
};

export class RegionValues {
  readonly c = new Code();
  readonly locals = new Locals(0);
  protected readonly wide: boolean;
  /** Registers in locals, and those that the region may have changed. */
  protected readonly gprs = new Set<number>();
  protected readonly vecs = new Set<number>();
  protected readonly dirtyGprs = new Set<number>();
  protected readonly dirtyVecs = new Set<number>();
  protected flags: FlagMode = DYNAMIC;
  protected tempTypes = new Map<number, ValTypeName>();
  /** The operation that is being emitted: its block, definition, place in the block's words, arguments in locals. */
  protected block: RegionBlock;
  protected def: OpDef = OPS[0] as OpDef;
  protected at = 0;
  protected loaded = new Map<number, number>();

  constructor(codeBits: 32 | 64, first: RegionBlock) {
    this.wide = codeBits === 64;
    this.block = first;
  }

  protected begin(words: Int32Array, at: number): OpDef {
    this.def = OPS[(words[at] as number) & 0xffff] as OpDef;
    this.at = at;
    this.loaded = new Map();
    return this.def;
  }

  protected flagLocals() {
    return {
      kind: this.locals.named("flagKind", "i32"),
      b: this.locals.named("flagB", "i64"),
      r: this.locals.named("flagR", "i64"),
      c: this.locals.named("flagC", "i32"),
      result: this.locals.named("flagResult", "i64"),
      aux: this.locals.named("flagAux", "i32"),
    };
  }

  protected flagsRaw(): void {
    this.c.i32Const(0);
    this.c.set(this.flagLocals().kind);
    this.flags = RAW;
  }

  protected gprLocal(reg: number): number {
    this.gprs.add(reg);
    return this.locals.named(`r${reg}`, this.wide ? "i64" : "i32");
  }

  protected vecLocal(reg: number): number {
    this.vecs.add(reg);
    return this.locals.named(`v${reg}`, "v128");
  }

  protected word(index: number): number {
    const hasDst = this.def.result !== "none" && this.def.result !== "flags";
    return this.block.lifted.words[this.at + 1 + (hasDst ? 1 : 0) + index] as number;
  }

  /** The argument's value if it is a constant: [lo, hi]. */
  protected constant(index: number): readonly [number, number] | undefined {
    const slot = this.word(index);
    if (this.def.args[index] === "imm" || slot < CONST_SLOT) return undefined;
    const { constLo, constHi } = this.block.lifted;
    return [constLo[slot - CONST_SLOT] as number, constHi[slot - CONST_SLOT] as number];
  }

  push(index: number): void {
    const known = this.loaded.get(index);
    if (known !== undefined) {
      this.c.get(known);
      return;
    }
    const type = this.def.args[index] as ArgType;
    if (type === "imm") {
      this.c.i32Const(this.word(index));
      return;
    }
    const constant = this.constant(index);
    if (constant === undefined) this.readSlot(this.word(index), type);
    else if (type === "i32") this.c.i32Const(constant[0]);
    else if (type === "i64") this.c.i64Const(constant[0], constant[1]);
    else throw new CannotCompile("a float or vector constant");
  }

  known(index: number): number | undefined {
    return this.def.args[index] === "imm" ? this.word(index) : this.constant(index)?.[0];
  }

  pushAll(): void {
    for (let i = 0; i < this.def.args.length; i++) this.push(i);
  }

  local(index: number): number {
    const known = this.loaded.get(index);
    if (known !== undefined) return known;
    const type = this.def.args[index] as ArgType;
    const local = this.scratch(type === "imm" ? "i32" : type, 10 + index);
    this.push(index);
    this.c.set(local);
    this.loaded.set(index, local);
    return local;
  }

  scratch(type: ValTypeName, which = 0): number {
    return this.locals.named(`scratch${type}${which}`, type);
  }

  /** Vector constants in locals, loaded on entry: V8 would compute them anew at each use. */
  protected readonly constants = new Map<number, readonly number[]>();

  vectorConst(bytes: readonly number[]): void {
    const local = this.locals.named(`constant${bytes}`, "v128");
    this.constants.set(local, bytes);
    this.c.get(local);
  }

  protected readSlot(slot: number, type: Exclude<ArgType, "imm">): void {
    const c = this.c;
    const place = placeOf(slot);
    switch (place.kind) {
      case "gpr":
        c.get(this.gprLocal(place.reg));
        this.#convert(this.wide ? "i64" : "i32", place.offset, type);
        return;
      case "vec":
        c.get(this.vecLocal(place.reg));
        this.#lane(place.offset, type);
        return;
      case "temp": {
        const stored = this.tempTypes.get(place.index);
        if (stored === undefined) throw new CannotCompile("a temporary is read before it is written");
        c.get(this.locals.named(`t${place.index}${stored}`, stored));
        if (stored === "v128") this.#lane(place.offset, type);
        else this.#convert(stored, place.offset, type);
        return;
      }
      case "flagResult":
        if (type !== "i64") throw new CannotCompile("a flag word read at another width");
        c.get(this.flagLocals().result);
        return;
      case "flagAux":
        c.get(this.flagLocals().aux);
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
  protected writeSlot(slot: number, result: ResultType): void {
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
        this.tempTypes.set(place.index, type);
        c.set(this.locals.named(`t${place.index}${type}`, type));
        return;
      }
      case "flagResult":
        if (result === "i32") c.op(W.i64_extend_i32_u);
        c.set(this.flagLocals().result);
        this.flagsRaw();
        return;
      case "flagAux":
        if (result === "i64") c.op(W.i32_wrap_i64);
        c.set(this.flagLocals().aux);
        this.flagsRaw();
        return;
      case "memory":
        this.#writeMemory(place.address, result);
        return;
    }
  }

  #writeGpr(reg: number, offset: number, result: ResultType): void {
    const c = this.c;
    const local = this.gprLocal(reg);
    this.dirtyGprs.add(reg);
    if (result === "i8" || result === "i16") {
      const mask = (result === "i8" ? 0xff : 0xffff) << (8 * offset);
      c.i32Const(result === "i8" ? 0xff : 0xffff);
      c.op(W.i32_and);
      if (offset > 0) {
        c.i32Const(8 * offset);
        c.op(W.i32_shl);
      }
      if (this.wide) {
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
    if (this.wide && !wide) c.op(W.i64_extend_i32_u);
    if (!this.wide && wide) c.op(W.i32_wrap_i64);
    c.set(local);
  }

  #writeVec(reg: number, offset: number, result: ResultType): void {
    const c = this.c;
    const local = this.vecLocal(reg);
    this.dirtyVecs.add(reg);
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
}
