/** Bounded little-endian reads. Whoever reads has checked the range with `holds` first. */

/** A malformed file: one clear line, without the file's name. */
export interface ElfError {
  readonly error: string;
}

export function isElfError(value: object): value is ElfError {
  return "error" in value;
}

/** Whether `[offset, offset + length)` lies inside a file of `size` bytes; safe for values beyond 2^53. */
export function holds(size: number, offset: number, length: number): boolean {
  return offset >= 0 && length >= 0 && offset <= size && length <= size - offset;
}

export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

export function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** An unsigned 64-bit value as a number: exact below 2^53, rounded (and still above every valid address) beyond. */
export function u64(bytes: Uint8Array, at: number): number {
  return u32(bytes, at + 4) * 0x1_0000_0000 + u32(bytes, at);
}

/** A word of the class: 4 bytes in ELF32, 8 in ELF64. */
export function word(bytes: Uint8Array, at: number, is64: boolean): number {
  return is64 ? u64(bytes, at) : u32(bytes, at);
}

/** No name in an ELF file is longer; mangled C++ names stay far below. It bounds the work on overlapping strings. */
const MAX_STRING = 16384;

/** The NUL-terminated binary string at `at`, not reaching `end`; undefined when it does, or is absurdly long. */
export function cString(bytes: Uint8Array, at: number, end: number): string | undefined {
  const limit = Math.min(end, bytes.length, at + MAX_STRING);
  let text = "";
  for (let i = at; i < limit; i++) {
    if (bytes[i] === 0) return text;
    text += String.fromCharCode(bytes[i]);
  }
  return undefined;
}

/** Lower-case hex with 0x, for messages. */
export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
