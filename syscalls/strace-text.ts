/**
 * The building blocks of strace 6.1's texts: quoted strings, addresses, flag words. Formats as strace prints them by
 * default (abbreviated, 32 characters of a string, symbolic names).
 */
import type { Task } from "../src/kernel/task.ts";
import type { CallView } from "./define.ts";

/** strace's default limit of printed string bytes (-s). */
export const STRING_LIMIT = 32;
const PATH_MAX = 4096;

/** Value and name; the order is the order in which strace tests and prints them. */
export type NameTable = readonly (readonly [number, string])[];

/** Bytes of guest memory, or undefined where they cannot all be read. */
export function peek(task: Task, address: number, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  return task.mm.read(address, bytes) < 0 ? undefined : bytes;
}

/** A NUL-terminated string of at most `limit` bytes: `complete` is false when no NUL was met. */
export function peekString(
  task: Task,
  address: number,
  limit: number,
): { bytes: Uint8Array; complete: boolean } | undefined {
  const bytes: number[] = [];
  const byte = new Uint8Array(1);
  while (bytes.length < limit) {
    if (task.mm.read(address + bytes.length, byte) < 0) return undefined;
    if (byte[0] === 0) return { bytes: Uint8Array.from(bytes), complete: true };
    bytes.push(byte[0]);
  }
  return { bytes: Uint8Array.from(bytes), complete: false };
}

/** `"text"` with C escapes; octal escapes are as short as the next byte allows (strace util.c, string_quote). */
export function quote(bytes: Uint8Array): string {
  let text = '"';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    const plain = ESCAPES[byte];
    if (plain !== undefined) text += plain;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else {
      const next = bytes[i + 1];
      const digitFollows = next !== undefined && next >= 0x30 && next <= 0x39;
      text += `\\${digitFollows ? byte.toString(8).padStart(3, "0") : byte.toString(8)}`;
    }
  }
  return `${text}"`;
}

const ESCAPES: Readonly<Record<number, string>> = {
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/** A buffer of `length` bytes: its first 32, quoted, and `...` if there are more. */
export function bufferText(call: CallView, at: number, address: number, length: number): string {
  if (address === 0) return "NULL";
  const bytes = peek(call.task, address, Math.min(length, STRING_LIMIT));
  if (bytes === undefined) return addressText(call, at);
  return quote(bytes) + (length > STRING_LIMIT ? "..." : "");
}

/** A C string argument, abbreviated to `limit` bytes. */
export function cStringText(task: Task, address: number, limit = STRING_LIMIT): string {
  if (address === 0) return "NULL";
  const found = peekString(task, address, limit + 1);
  if (found === undefined) return hex(address);
  return quote(found.bytes.subarray(0, limit)) + (found.bytes.length > limit ? "..." : "");
}

/** A path: never abbreviated below PATH_MAX. */
export function pathText(bytes: Uint8Array): string {
  return quote(bytes.subarray(0, PATH_MAX)) + (bytes.length >= PATH_MAX ? "..." : "");
}

/** `0x…` of a number. */
export function hex(value: number): string {
  return value === 0 ? "0" : `0x${(value < 0 ? value + 2 ** 32 : value).toString(16)}`;
}

/** The register at `at` as hexadecimal digits, exact for all 64 bits. */
export function wordHex(call: CallView, at: number): string {
  const lo = call.words[2 * at] >>> 0;
  const hi = call.abi === "amd64" ? call.words[2 * at + 1] >>> 0 : 0;
  return hi === 0 ? lo.toString(16) : hi.toString(16) + lo.toString(16).padStart(8, "0");
}

/** A pointer argument: `NULL` or `0x…`. */
export function addressText(call: CallView, at: number): string {
  const digits = wordHex(call, at);
  return digits === "0" ? "NULL" : `0x${digits}`;
}

/** A pointer that is not in a register: `NULL` or `0x…`. */
export function pointerText(address: number): string {
  return address === 0 ? "NULL" : `0x${address.toString(16)}`;
}

/**
 * A flag word: known names joined by `|`, the rest in hexadecimal; `0x…` with the unknown-comment when no bit is known. `zero` is the
 * text of 0 if no table entry is 0 (strace util.c, printflags).
 */
export function flagsText(value: number, names: NameTable, unknown: string): string {
  const found: string[] = [];
  let rest = value >>> 0;
  for (const [bits, name] of names) {
    const mask = bits >>> 0;
    if (mask === 0) {
      if (value === 0) return name;
      continue;
    }
    if ((rest & mask) >>> 0 === mask) {
      found.push(name);
      rest = (rest & ~mask) >>> 0;
    }
  }
  if (found.length === 0) return rest === 0 ? "0" : `0x${rest.toString(16)} /* ${unknown} */`;
  if (rest !== 0) found.push(`0x${rest.toString(16)}`);
  return found.join("|");
}

/** One name of an enumeration, or `0x…` with the unknown-comment (strace util.c, printxval). */
export function enumText(value: number, names: NameTable, unknown: string): string {
  for (const [number, name] of names) if (number === value) return name;
  return `${value === 0 ? "0" : `0x${(value >>> 0).toString(16)}`} /* ${unknown} */`;
}
