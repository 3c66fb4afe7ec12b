/** Argument codecs, named after the C types of the man pages. Each decodes register halves and prints strace 6.1's text. */
import { type Abi, WORD_SIZE } from "../src/abi/abi.ts";
import { EFAULT, ENAMETOOLONG } from "../src/abi/errno.ts";
import { fromSignedWords, fromWords } from "../src/base/address.ts";
import { bytesOf } from "../src/host/text.ts";
import type { Task } from "../src/kernel/task.ts";
import { ArgumentFault, type CallView, type Codec } from "./define.ts";
import {
  addressText,
  bufferText,
  cStringText,
  enumText,
  flagsText,
  hex,
  type NameTable,
  pathText,
  peek,
  pointerText,
  quote,
} from "./strace-text.ts";

const ONE = { amd64: 1, i386: 1 } as const;
const WIDE = { amd64: 1, i386: 2 } as const;
const PATH_MAX = 4096;
/** AT_FDCWD of include/uapi/linux/fcntl.h. */
const AT_FDCWD = -100;

function signed(words: Int32Array, at: number, abi: Abi): number {
  return abi === "amd64" ? fromSignedWords(words[2 * at], words[2 * at + 1]) : words[2 * at];
}

function unsigned(words: Int32Array, at: number, abi: Abi): number {
  return abi === "amd64" ? fromWords(words[2 * at], words[2 * at + 1]) : words[2 * at] >>> 0;
}

type NumberFormat = (value: number, call: CallView, at: number) => string | undefined;
type NumberDecode = (words: Int32Array, at: number, abi: Abi) => number;

function numeric(
  name: string,
  decode: NumberDecode,
  format: NumberFormat,
  when: "entry" | "exit" = "entry",
): Codec<number> {
  return { name, when, slots: ONE, decode, format };
}

const asInt: NumberDecode = (words, at) => words[2 * at];
const asUint: NumberDecode = (words, at) => words[2 * at] >>> 0;
const decimal: NumberFormat = (value) => String(value);

/** Decimal digits of a 64-bit register, exact. */
function exactDecimal(call: CallView, at: number, isSigned: boolean): string {
  const lo = call.words[2 * at] >>> 0;
  const hi = isSigned ? call.words[2 * at + 1] : call.words[2 * at + 1] >>> 0;
  return (BigInt(hi) * 0x1_0000_0000n + BigInt(lo)).toString();
}

/** `int`, printed in decimal. */
export function int(name: string): Codec<number> {
  return numeric(name, asInt, decimal);
}

/** `unsigned int`, printed in decimal. */
export function uint(name: string): Codec<number> {
  return numeric(name, asUint, decimal);
}

/** `unsigned int`, printed in hexadecimal. */
export function uintHex(name: string): Codec<number> {
  return numeric(name, asUint, hex);
}

/** `mode_t` as strace prints it: octal with a leading 0, three digits at least. */
export function mode(name: string): Codec<number> {
  return numeric(name, asUint, (value) => modeText(value));
}

export function modeText(value: number): string {
  return value === 0 ? "000" : `0${value.toString(8)}`.padStart(3, "0");
}

/** `long`: signed, of the ABI's width. */
export function long(name: string): Codec<number> {
  return numeric(name, signed, (value, call, at) => (call.abi === "amd64" ? exactDecimal(call, at, true) : `${value}`));
}

/** `unsigned long`: exact below 2^53, rounded above. */
export function ulong(name: string): Codec<number> {
  return numeric(name, unsigned, (value, call, at) =>
    call.abi === "amd64" ? exactDecimal(call, at, false) : `${value}`,
  );
}

/** `unsigned long` printed in hexadecimal. */
export function ulongHex(name: string): Codec<number> {
  return numeric(name, unsigned, (_value, call, at) => addressText(call, at).replace("NULL", "0"));
}

/** `size_t`. */
export const sizeT = ulong;
/** `ssize_t`. */
export const ssizeT = long;

/** `off_t`: signed long of the ABI. */
export const off = long;

/** `loff_t`: 64 bits; in i386 two registers, low half first. */
export function loff(name: string): Codec<number> {
  return {
    name,
    when: "entry",
    slots: WIDE,
    decode: (words, at, abi) => wide(words, at, abi),
    format: (_value, call, at) => {
      const lo = BigInt(call.words[2 * at] >>> 0);
      const hi = BigInt(call.words[call.abi === "amd64" ? 2 * at + 1 : 2 * at + 2]);
      return (hi * 0x1_0000_0000n + lo).toString();
    },
  };
}

function wide(words: Int32Array, at: number, abi: Abi): number {
  return fromSignedWords(words[2 * at], abi === "amd64" ? words[2 * at + 1] : words[2 * at + 2]);
}

/** An argument that strace does not print (padding registers, `rt_sigreturn`). */
export function hidden(name: string): Codec<number> {
  return numeric(name, unsigned, () => undefined);
}

/** `int fd`. */
export function fd(name = "fd"): Codec<number> {
  return int(name);
}

/** `int dirfd`: AT_FDCWD by name. */
export function dirfd(name = "dirfd"): Codec<number> {
  return numeric(name, asInt, (value) => (value === AT_FDCWD ? "AT_FDCWD" : String(value)));
}

/** An address: `NULL` or hexadecimal. */
export function pointer(name: string): Codec<number> {
  return numeric(name, unsigned, (_value, call, at) => addressText(call, at));
}

/** An address whose pointee is printed by `format`, before (`entry`) or after the call (`exit`; then only if it succeeded). */
export function pointerTo(
  name: string,
  when: "entry" | "exit",
  format: (address: number, call: CallView) => string | undefined,
): Codec<number> {
  return numeric(
    name,
    unsigned,
    (value, call, at) => {
      if (value === 0) return "NULL";
      if (when === "exit" && (call.result ?? -1) < 0) return addressText(call, at);
      return format(value, call) ?? addressText(call, at);
    },
    when,
  );
}

/** `int` printed as one name of `names`; `unknown` is strace's comment for others (`SEEK_???`). */
export function enumOf(name: string, names: NameTable, unknown: string): Codec<number> {
  return numeric(name, asInt, (value) => enumText(value, names, unknown));
}

/** `unsigned int` printed as flags; `unknown` is strace's comment for others (`PROT_???`). */
export function flagsOf(name: string, names: NameTable, unknown: string): Codec<number> {
  return numeric(name, asUint, (value) => flagsText(value, names, unknown));
}

/** A number with a format of its own. */
export function intAs(
  name: string,
  format: (value: number, call: CallView) => string | undefined,
  when: "entry" | "exit" = "entry",
): Codec<number> {
  return numeric(name, asInt, format, when);
}

/** An `unsigned long` with a format of its own (ioctl's and fcntl's third argument). */
export function ulongAs(
  name: string,
  format: (value: number, call: CallView, at: number) => string | undefined,
  when: "entry" | "exit" = "entry",
): Codec<number> {
  return numeric(name, unsigned, format, when);
}

/** `const char *pathname`: the handler gets the string; EFAULT and ENAMETOOLONG are answered before it runs. */
export function path(name = "pathname"): Codec<string> {
  return {
    name,
    when: "entry",
    slots: ONE,
    decode: (words, at, abi, task) => decodePath(unsigned(words, at, abi), task),
    format: (value, call, at) => pathArgumentText(value, call, at),
  };
}

/** A path that may be NULL (utimensat): the handler gets null then. */
export function pathOrNull(name = "pathname"): Codec<string | null> {
  return {
    name,
    when: "entry",
    slots: ONE,
    decode: (words, at, abi, task) => {
      const address = unsigned(words, at, abi);
      return address === 0 ? null : decodePath(address, task);
    },
    format: (value, call, at) => (value === null ? "NULL" : pathArgumentText(value, call, at)),
  };
}

/** getname(9): at most PATH_MAX bytes with the NUL. */
function decodePath(address: number, task: Task): string | ArgumentFault {
  const text = task.mm.readCString(address, PATH_MAX);
  if (typeof text !== "number") return text;
  return new ArgumentFault(text === -ENAMETOOLONG ? -ENAMETOOLONG : -EFAULT);
}

function pathArgumentText(value: unknown, call: CallView, at: number): string {
  return typeof value === "string" ? pathText(bytesOf(value)) : addressText(call, at);
}

/** A C string that is not a path: abbreviated as any string. The handler gets its address. */
export function cString(name: string, limit?: number): Codec<number> {
  return pointerTo(name, "entry", (address, call) => cStringText(call.task, address, limit));
}

function valueAt(call: CallView, index: number): number {
  const value = call.values[index];
  return typeof value === "number" ? value : 0;
}

/** `const void *buf` of a call that takes `args[lengthIndex]` bytes (write). The handler gets the address. */
export function bufferIn(name: string, lengthIndex: number): Codec<number> {
  return numeric(name, unsigned, (value, call, at) => bufferText(call, at, value, valueAt(call, lengthIndex)));
}

/** `void *buf` that the call fills with `result` bytes (read). The handler gets the address. */
export function bufferOut(name: string): Codec<number> {
  return numeric(
    name,
    unsigned,
    (value, call, at) => {
      const result = call.result ?? -1;
      return result < 0 ? addressText(call, at) : bufferText(call, at, value, result);
    },
    "exit",
  );
}

/** strace prints at most so many elements of an array before `...`. */
const ARRAY_LIMIT = 32;

/** `struct iovec *` with `args[countIndex]` elements; "in" prints all bytes, "out" as many as the call returned. */
export function iovec(name: string, countIndex: number, direction: "in" | "out"): Codec<number> {
  return numeric(
    name,
    unsigned,
    (value, call, at) => {
      if (direction === "out" && (call.result ?? -1) < 0) return addressText(call, at);
      return iovecText(call, at, value, valueAt(call, countIndex), direction === "out" ? call.result : undefined);
    },
    direction === "in" ? "entry" : "exit",
  );
}

function iovecText(call: CallView, at: number, address: number, count: number, total: number | undefined): string {
  if (address === 0) return "NULL";
  if (count === 0) return "[]";
  const word = WORD_SIZE[call.abi];
  const items: string[] = [];
  let left = total ?? Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    if (i >= ARRAY_LIMIT) {
      items.push("...");
      break;
    }
    const bytes = peek(call.task, address + i * 2 * word, 2 * word);
    if (bytes === undefined) {
      if (i === 0) return addressText(call, at);
      items.push(`... /* ${pointerText(address + i * 2 * word)} */`);
      break;
    }
    const base = wordAt(bytes, 0, call.abi);
    const length = wordAt(bytes, word, call.abi);
    items.push(`{iov_base=${iovBaseText(call, base, length, Math.min(left, length))}, iov_len=${length}}`);
    left = Math.max(0, left - length);
  }
  return `[${items.join(", ")}]`;
}

function iovBaseText(call: CallView, base: number, length: number, shown: number): string {
  if (base === 0) return "NULL";
  const bytes = peek(call.task, base, Math.min(shown, 32));
  if (bytes === undefined) return pointerText(base);
  return shown === 0 && length === 0 ? '""' : bufferQuote(bytes, shown);
}

function bufferQuote(bytes: Uint8Array, length: number): string {
  return quote(bytes) + (length > 32 ? "..." : "");
}

/** A word of the ABI in a byte array, unsigned. */
export function wordAt(bytes: Uint8Array, offset: number, abi: Abi): number {
  const lo = u32At(bytes, offset);
  return abi === "i386" ? lo : u32At(bytes, offset + 4) * 0x1_0000_0000 + lo;
}

/** A word of the ABI in a byte array, signed. */
export function signedWordAt(bytes: Uint8Array, offset: number, abi: Abi): number {
  const lo = u32At(bytes, offset);
  return abi === "i386" ? lo | 0 : (u32At(bytes, offset + 4) | 0) * 0x1_0000_0000 + lo;
}

export function u32At(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) | (bytes[offset + 3] << 24)) >>> 0;
}
