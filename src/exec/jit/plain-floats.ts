/** Which vector registers and temporaries a region knows to hold plain floats (src/exec/emit/float-plain.ts), element by element. */
import { TEMP_COUNT, TEMPS, YMM, YMM_STRIDE } from "../../isa/cpu-block.ts";
import { CONST_SLOT, type OpDef, type ResultType } from "../../isa/ir/ops.ts";
import type { FloatFormat } from "../emit/emitter.ts";

const YMM_END = YMM + 16 * YMM_STRIDE;
const TEMPS_END = TEMPS + 16 * TEMP_COUNT;

/** A set of elements of 16 bytes: bits 0 and 1 for doubles, bits 4 to 7 for singles. */
type Elements = number;
const ALL: Elements = 0xf3;
const ELEMENTS: Record<FloatFormat, Elements> = { f64: 1, f32: 0x10, f64x2: 3, f32x4: 0xf0 };

/** Elements that `size` bytes at `offset` are part of. */
function touched(offset: number, size: number): Elements {
  let elements = 0;
  for (let i = 0; i < 2; i++) if (offset < 8 * i + 8 && offset + size > 8 * i) elements |= 1 << i;
  for (let i = 0; i < 4; i++) if (offset < 4 * i + 4 && offset + size > 4 * i) elements |= 0x10 << i;
  return elements;
}

/** The elements as they lie `from` bytes above them in the same 16 bytes. */
function moved(elements: Elements, from: number): Elements {
  return ((elements & 0xf) >> (from >> 3)) | (((elements >> 4) >> (from >> 2)) << 4);
}

function movedUp(elements: Elements, by: number): Elements {
  return (((elements & 0xf) << (by >> 3)) & 3) | ((((elements >> 4) << (by >> 2)) & 0xf) << 4);
}

function isTracked(slot: number): boolean {
  return (slot >= YMM && slot < YMM_END) || (slot >= TEMPS && slot < TEMPS_END);
}

const SIZES: Record<ResultType, number> = {
  none: 0,
  flags: 0,
  i8: 1,
  i16: 2,
  lane32: 4,
  f32: 4,
  i32: 8,
  i64: 8,
  f64: 8,
  v128: 16,
};

export class PlainFloats {
  readonly #plain: Map<number, Elements>;
  /** Elements of the result that the operation's emitter has found plain. */
  result: Elements = 0;

  constructor(plain: ReadonlyMap<number, Elements> = new Map()) {
    this.#plain = new Map(plain);
  }

  copy(): PlainFloats {
    return new PlainFloats(this.#plain);
  }

  #of(slot: number): Elements {
    if (!isTracked(slot)) return 0;
    return moved(this.#plain.get(slot & ~15) ?? 0, slot & 15);
  }

  holds(slot: number, format: FloatFormat): boolean {
    const wanted = ELEMENTS[format];
    return (this.#of(slot) & wanted) === wanted;
  }

  note(slot: number, format: FloatFormat): void {
    if (!isTracked(slot) || slot >= CONST_SLOT) return;
    const cell = slot & ~15;
    this.#plain.set(cell, (this.#plain.get(cell) ?? 0) | movedUp(ELEMENTS[format], slot & 15));
  }

  noteResult(format: FloatFormat): void {
    this.result = ELEMENTS[format];
  }

  /** The operation has written its result to `slot`. */
  written(def: OpDef, slot: number, args: (index: number) => number): void {
    const elements = this.result | this.#passed(def, args);
    this.result = 0;
    if (!isTracked(slot)) return;
    const cell = slot & ~15;
    const offset = slot & 15;
    const old = (this.#plain.get(cell) ?? 0) & ~touched(offset, SIZES[def.result]);
    this.#plain.set(cell, old | (movedUp(elements, offset) & touched(offset, SIZES[def.result])));
  }

  /** What moves and shuffles pass on. */
  #passed(def: OpDef, args: (index: number) => number): Elements {
    switch (def.name) {
      case "movV":
        return this.#of(args(0));
      case "mov64":
        return this.#of(args(0)) & 0x31;
      case "movLane32":
        return this.#of(args(0)) & 0x10;
      case "vZero":
        return ALL;
      case "loadZ64":
        return 0xc2;
      case "loadZ32":
        return 0xe2;
      case "unpackLo64":
        return this.#dwords([0, 1, 4, 5], args);
      case "unpackHi64":
        return this.#dwords([2, 3, 6, 7], args);
      case "unpackLo32":
        return this.#dwords([0, 4, 1, 5], args);
      case "unpackHi32":
        return this.#dwords([2, 6, 3, 7], args);
      case "shufD":
        return this.#dwords(
          [0, 2, 4, 6].map((shift) => (args(1) >> shift) & 3),
          args,
        );
      case "shufPS":
        return this.#dwords(
          [0, 2, 4, 6].map((shift) => ((args(2) >> shift) & 3) + (shift >= 4 ? 4 : 0)),
          args,
        );
      default:
        return 0;
    }
  }

  /** Elements of a vector of the dwords `from` of the first (0 to 3) and second argument (4 to 7). */
  #dwords(from: readonly number[], args: (index: number) => number): Elements {
    let elements = 0;
    for (const [to, dword] of from.entries()) {
      const source = this.#of(args(dword >> 2));
      if ((source >> (4 + (dword & 3))) & 1) elements |= 0x10 << to;
      const isPair = (to & 1) === 0 && (dword & 1) === 0 && from[to + 1] === dword + 1;
      if (isPair && (source >> ((dword & 3) >> 1)) & 1) elements |= 1 << (to >> 1);
    }
    return elements;
  }
}
