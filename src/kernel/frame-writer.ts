/** Little-endian words in a byte buffer: signal frames and siginfo. */

export class FrameWriter {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  u8(at: number, value: number): void {
    this.bytes[at] = value;
  }

  u16(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }

  u32(at: number, value: number): void {
    this.#view.setUint32(at, value >>> 0, true);
  }

  /** A 64-bit value from its halves. */
  pair(at: number, lo: number, hi: number): void {
    this.u32(at, lo);
    this.u32(at + 4, hi);
  }

  /** A 64-bit value from a number; negative numbers are sign-extended. */
  u64(at: number, value: number): void {
    this.u32(at, value % 0x1_0000_0000);
    this.u32(at + 4, Math.floor(value / 0x1_0000_0000));
  }
}

/** Little-endian words of bytes that came from the guest. */
export class FrameReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  i32(at: number): number {
    return this.#view.getInt32(at, true);
  }

  /** An unsigned 64-bit value; exact below 2^53. */
  u64(at: number): number {
    return this.u32(at + 4) * 0x1_0000_0000 + this.u32(at);
  }

  /** A signed 64-bit value; exact within ±2^53. */
  i64(at: number): number {
    return this.i32(at + 4) * 0x1_0000_0000 + this.u32(at);
  }
}
