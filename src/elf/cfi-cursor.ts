/** Reading the number formats of DWARF and .eh_frame from bytes that lie at a known link-time address. */

export interface CfiCursor {
  readonly bytes: Uint8Array;
  /** Link-time address of the first byte. */
  readonly address: number;
  readonly wordSize: 4 | 8;
  at: number;
}

export function cursorAt(bytes: Uint8Array, address: number, wordSize: 4 | 8, at: number): CfiCursor {
  return { bytes, address, wordSize, at };
}

/** Little-endian; bytes beyond the end are 0. Exact below 2^53. */
export function unsigned(cursor: CfiCursor, size: number): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value * 256 + (cursor.bytes[cursor.at + i] ?? 0);
  cursor.at += size;
  return value;
}

export function signed(cursor: CfiCursor, size: number): number {
  const value = unsigned(cursor, size);
  if (((cursor.bytes[cursor.at - 1] ?? 0) & 0x80) === 0) return value;
  // The two's complement, without the rounding of large unsigned values.
  let rest = 0;
  for (let i = 1; i <= size; i++) rest = rest * 256 + (0xff - (cursor.bytes[cursor.at - i] ?? 0));
  return -rest - 1;
}

/** Unsigned LEB128 (DWARF 4, section 7.6). */
export function uleb(cursor: CfiCursor): number {
  let value = 0;
  for (let scale = 1; cursor.at < cursor.bytes.length; scale *= 128) {
    const byte = cursor.bytes[cursor.at++];
    value += (byte & 0x7f) * scale;
    if ((byte & 0x80) === 0) break;
  }
  return value;
}

/** Signed LEB128. */
export function sleb(cursor: CfiCursor): number {
  let value = 0;
  for (let scale = 1; cursor.at < cursor.bytes.length; ) {
    const byte = cursor.bytes[cursor.at++];
    value += (byte & 0x7f) * scale;
    scale *= 128;
    if ((byte & 0x80) === 0) return byte & 0x40 ? value - scale : value;
  }
  return value;
}

/** A NUL-terminated string. */
export function text(cursor: CfiCursor): string {
  let value = "";
  for (; cursor.at < cursor.bytes.length && cursor.bytes[cursor.at] !== 0; cursor.at++) {
    value += String.fromCharCode(cursor.bytes[cursor.at]);
  }
  cursor.at++;
  return value;
}

/**
 * A pointer in an encoding of the LSB ("DWARF Exception Header Encoding"); `dataBase` is what data-relative ones count from.
 * Undefined if it is omitted, indirect or relative to what is not known.
 */
export function pointer(cursor: CfiCursor, encoding: number, dataBase?: number): number | undefined {
  const base = cursor.address + cursor.at;
  const value = plainValue(cursor, encoding & 15);
  if (value === undefined || encoding & 0x80) return undefined;
  const limit = cursor.wordSize === 4 ? 2 ** 32 : undefined;
  const wrap = (sum: number): number => (limit === undefined ? sum : ((sum % limit) + limit) % limit);
  switch (encoding & 0x70) {
    case 0x00:
      return wrap(value);
    case 0x10:
      return wrap(base + value);
    case 0x30:
      return dataBase === undefined ? undefined : wrap(dataBase + value);
    default:
      return undefined;
  }
}

function plainValue(cursor: CfiCursor, format: number): number | undefined {
  switch (format) {
    case 0x00:
      return unsigned(cursor, cursor.wordSize);
    case 0x01:
      return uleb(cursor);
    case 0x02:
    case 0x03:
    case 0x04:
      return unsigned(cursor, 1 << (format - 1));
    case 0x09:
      return sleb(cursor);
    case 0x0a:
    case 0x0b:
    case 0x0c:
      return signed(cursor, 1 << (format - 9));
    default:
      return undefined;
  }
}
