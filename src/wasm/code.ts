/**
 * A growing buffer of WebAssembly code. Methods append one instruction each; nothing is checked here (tests validate the
 * modules that come out).
 */
import { BLOCK_VOID, W } from "./opcodes.ts";

export class Code {
  bytes = new Uint8Array(1024);
  length = 0;
  /** Places of `if` and `br_if` instructions whose condition hardly ever holds, ascending (branch hinting proposal). */
  readonly unlikely: number[] = [];

  byte(value: number): void {
    if (this.length === this.bytes.length) this.#grow(1);
    this.bytes[this.length++] = value;
  }

  append(other: Uint8Array, count = other.length): void {
    if (this.length + count > this.bytes.length) this.#grow(count);
    this.bytes.set(count === other.length ? other : other.subarray(0, count), this.length);
    this.length += count;
  }

  /** Appends what another buffer holds, its hints with it. */
  appendCode(other: Code): void {
    for (const at of other.unlikely) this.unlikely.push(this.length + at);
    this.append(other.bytes, other.length);
  }

  /** Unsigned LEB128 of a uint32. */
  u32(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of an int32. */
  s32(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && !(low & 0x40)) || (rest === -1 && low & 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  /** Signed LEB128 of a 64-bit value in two halves. */
  s64(lo: number, hi: number): void {
    let l = lo | 0;
    let h = hi | 0;
    for (;;) {
      const low = l & 0x7f;
      l = (l >>> 7) | (h << 25);
      h >>= 7;
      if ((l === 0 && h === 0 && !(low & 0x40)) || (l === -1 && h === -1 && low & 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  /** An opcode without immediates, plain or prefixed. */
  op(opcode: number): void {
    if (opcode < 0x100) {
      this.byte(opcode);
      return;
    }
    this.byte(opcode >>> 16);
    this.u32(opcode & 0xffff);
  }

  i32Const(value: number): void {
    this.byte(W.i32_const);
    this.s32(value);
  }

  i64Const(lo: number, hi = lo >> 31): void {
    this.byte(W.i64_const);
    this.s64(lo, hi);
  }

  v128Const(bytes: ArrayLike<number>): void {
    this.op(W.v128_const);
    for (let i = 0; i < 16; i++) this.byte(bytes[i] as number);
  }

  shuffle(lanes: ArrayLike<number>): void {
    this.op(W.i8x16_shuffle);
    for (let i = 0; i < 16; i++) this.byte(lanes[i] as number);
  }

  /** A lane instruction (extract, replace). */
  lane(opcode: number, lane: number): void {
    this.op(opcode);
    this.byte(lane);
  }

  /** A load or store with alignment hint 0 (guest data may lie anywhere). */
  memory(opcode: number, offset: number): void {
    this.op(opcode);
    this.byte(0);
    this.u32(offset);
  }

  get(local: number): void {
    this.byte(W.local_get);
    this.u32(local);
  }

  set(local: number): void {
    this.byte(W.local_set);
    this.u32(local);
  }

  tee(local: number): void {
    this.byte(W.local_tee);
    this.u32(local);
  }

  call(func: number): void {
    this.byte(W.call);
    this.u32(func);
  }

  /** block, loop or if with a block type byte. */
  open(opcode: number, blockType: number): void {
    this.byte(opcode);
    this.byte(blockType);
  }

  /** An `if` without results whose body is hardly ever executed: the engine may move it out of the way. */
  openUnlikely(): void {
    this.unlikely.push(this.length);
    this.open(W.if, BLOCK_VOID);
  }

  br(depth: number): void {
    this.byte(W.br);
    this.u32(depth);
  }

  brIf(depth: number): void {
    this.byte(W.br_if);
    this.u32(depth);
  }

  /** A `br_if` that is hardly ever taken. */
  brIfUnlikely(depth: number): void {
    this.unlikely.push(this.length);
    this.brIf(depth);
  }

  end(): void {
    this.byte(W.end);
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  #grow(extra: number): void {
    const bigger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + extra));
    bigger.set(this.bytes.subarray(0, this.length));
    this.bytes = bigger;
  }
}
