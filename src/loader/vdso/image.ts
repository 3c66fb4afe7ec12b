/**
 * Builds the vdso: a small ET_DYN image with one PT_LOAD at address 0, PT_DYNAMIC, DT_HASH, versioned symbols and the
 * code of functions.ts. No section headers: ld.so and musl find everything through the program headers.
 */
import type { Abi } from "../../abi/abi.ts";
import { InternalError } from "../../base/errors.ts";
import {
  DT_HASH,
  DT_NULL,
  DT_SONAME,
  DT_STRSZ,
  DT_STRTAB,
  DT_SYMENT,
  DT_SYMTAB,
  DT_VERDEF,
  DT_VERDEFNUM,
  DT_VERSYM,
  ELFCLASS32,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_386,
  EM_X86_64,
  ET_DYN,
  EV_CURRENT,
  PF_R,
  PF_X,
  PT_DYNAMIC,
  PT_LOAD,
  STB_GLOBAL,
  STB_WEAK,
  STT_FUNC,
  VER_FLG_BASE,
} from "../../elf/constants.ts";
import { phdrSize } from "../../elf/program-headers.ts";
import { VDSO_SONAME, vdsoFunctions } from "./functions.ts";

export interface VdsoImage {
  /** The image, not padded to pages. */
  readonly bytes: Uint8Array;
  /** Offsets of the functions by name, aliases included. */
  readonly symbols: ReadonlyMap<string, number>;
}

interface Export {
  readonly name: string;
  readonly value: number;
  readonly size: number;
  readonly binding: number;
  readonly versionIndex: number;
}

const CODE_ALIGN = 16;
const align = (value: number, to: number): number => Math.ceil(value / to) * to;

/** A growing little-endian byte buffer. */
class ByteWriter {
  readonly bytes: number[] = [];
  u8(...values: number[]): this {
    this.bytes.push(...values);
    return this;
  }
  u16(...values: number[]): this {
    for (const value of values) this.u8(value & 0xff, (value >> 8) & 0xff);
    return this;
  }
  u32(...values: number[]): this {
    for (const value of values) this.u16(value & 0xffff, value >>> 16);
    return this;
  }
  word(is64: boolean, ...values: number[]): this {
    for (const value of values) {
      this.u32(value);
      if (is64) this.u32(0);
    }
    return this;
  }
}

/** The SysV hash of gabi chapter 5, "Hash Table". */
export function sysvHash(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) {
    hash = (hash * 16 + name.charCodeAt(i)) >>> 0;
    const high = hash & 0xf0000000;
    hash = (hash ^ (high >>> 24) ^ high) >>> 0;
  }
  return hash;
}

function hashTable(names: readonly string[]): ByteWriter {
  const bucketCount = 3;
  const buckets = new Array<number>(bucketCount).fill(0);
  const chains = new Array<number>(names.length + 1).fill(0);
  names.forEach((name, i) => {
    const bucket = sysvHash(name) % bucketCount;
    chains[i + 1] = buckets[bucket];
    buckets[bucket] = i + 1;
  });
  return new ByteWriter().u32(bucketCount, chains.length, ...buckets, ...chains);
}

function versionDefinitions(names: readonly string[], stringOffset: (text: string) => number): ByteWriter {
  const out = new ByteWriter();
  names.forEach((name, i) => {
    const isLast = i === names.length - 1;
    out.u16(1, i === 0 ? VER_FLG_BASE : 0, i + 1, 1).u32(sysvHash(name), 20, isLast ? 0 : 28);
    out.u32(stringOffset(name), 0);
  });
  return out;
}

function symbolTable(exports: readonly Export[], is64: boolean, stringOffset: (text: string) => number): ByteWriter {
  const out = new ByteWriter().word(is64, 0, 0).u32(0, 0);
  // Any defined section index serves: there are no section headers.
  const section = 1;
  for (const { name, value, size, binding } of exports) {
    const info = (binding << 4) | STT_FUNC;
    out.u32(stringOffset(name));
    if (is64) out.u8(info, 0).u16(section).word(true, value, size);
    else out.u32(value, size).u8(info, 0).u16(section);
  }
  return out;
}

/** Builds the image of the ABI's vdso. */
export function buildVdso(abi: Abi): VdsoImage {
  const is64 = abi === "amd64";
  const functions = vdsoFunctions(abi);
  const soname = VDSO_SONAME[abi];
  const versions = [soname, ...new Set(functions.map((f) => f.version))];

  const strings = new ByteWriter().u8(0);
  const offsets = new Map<string, number>();
  const stringOffset = (text: string): number => {
    const known = offsets.get(text);
    if (known !== undefined) return known;
    const offset = strings.bytes.length;
    offsets.set(text, offset);
    for (let i = 0; i < text.length; i++) strings.u8(text.charCodeAt(i));
    strings.u8(0);
    return offset;
  };

  const code = new ByteWriter();
  const exports: Export[] = [];
  for (const { name, alias, version, code: body } of functions) {
    while (code.bytes.length % CODE_ALIGN !== 0) code.u8(0x90);
    const common = { value: code.bytes.length, size: body.length, versionIndex: versions.indexOf(version) + 1 };
    exports.push({ name, binding: STB_GLOBAL, ...common });
    if (alias !== undefined) exports.push({ name: alias, binding: STB_WEAK, ...common });
    code.u8(...body);
  }

  const symtabSize = (exports.length + 1) * (is64 ? 24 : 16);
  const hash = hashTable(exports.map((e) => e.name));
  const verdef = versionDefinitions(versions, stringOffset);
  const versym = new ByteWriter().u16(0, ...exports.map((e) => e.versionIndex));
  symbolTable(exports, is64, stringOffset);

  const headerSize = is64 ? 64 : 52;
  let at = headerSize + 2 * phdrSize(is64);
  const place = (size: number, alignment: number): number => {
    const start = align(at, alignment);
    at = start + size;
    return start;
  };
  const hashAt = place(hash.bytes.length, 8);
  const symtabAt = place(symtabSize, 8);
  const verdefAt = place(verdef.bytes.length, 8);
  const versymAt = place(versym.bytes.length, 2);
  const stringsAt = place(strings.bytes.length, 1);
  const dynamic: readonly (readonly [number, number])[] = [
    [DT_SONAME, stringOffset(soname)],
    [DT_HASH, hashAt],
    [DT_STRTAB, stringsAt],
    [DT_SYMTAB, symtabAt],
    [DT_STRSZ, strings.bytes.length],
    [DT_SYMENT, is64 ? 24 : 16],
    [DT_VERDEF, verdefAt],
    [DT_VERDEFNUM, versions.length],
    [DT_VERSYM, versymAt],
    [DT_NULL, 0],
  ];
  const dynamicSize = dynamic.length * (is64 ? 16 : 8);
  const dynamicAt = place(dynamicSize, 8);
  const codeAt = place(code.bytes.length, CODE_ALIGN);
  const total = at;

  const placed = exports.map((e) => ({ ...e, value: codeAt + e.value }));
  const bytes = new Uint8Array(total);
  const put = (offset: number, part: ByteWriter): void => bytes.set(part.bytes, offset);
  put(0, elfHeader(is64, headerSize));
  put(headerSize, programHeader(is64, PT_LOAD, PF_R | PF_X, 0, total, 4096));
  put(headerSize + phdrSize(is64), programHeader(is64, PT_DYNAMIC, PF_R, dynamicAt, dynamicSize, 8));
  put(hashAt, hash);
  put(symtabAt, symbolTable(placed, is64, stringOffset));
  put(verdefAt, verdef);
  put(versymAt, versym);
  put(stringsAt, strings);
  put(dynamicAt, new ByteWriter().word(is64, ...dynamic.flat()));
  put(codeAt, code);
  if (stringsAt + strings.bytes.length > dynamicAt) throw new InternalError("vdso strings grew after they were placed");
  return { bytes, symbols: new Map(placed.map((e) => [e.name, e.value])) };
}

function elfHeader(is64: boolean, headerSize: number): ByteWriter {
  const out = new ByteWriter().u8(0x7f, 0x45, 0x4c, 0x46, is64 ? ELFCLASS64 : ELFCLASS32, ELFDATA2LSB, EV_CURRENT, 0);
  out
    .u32(0, 0)
    .u16(ET_DYN, is64 ? EM_X86_64 : EM_386)
    .u32(EV_CURRENT);
  out.word(is64, 0, headerSize, 0).u32(0);
  return out.u16(headerSize, phdrSize(is64), 2, is64 ? 64 : 40, 0, 0);
}

/** A segment whose file offset, address and sizes agree. */
function programHeader(
  is64: boolean,
  type: number,
  flags: number,
  at: number,
  size: number,
  alignment: number,
): ByteWriter {
  const out = new ByteWriter().u32(type);
  if (is64) out.u32(flags);
  out.word(is64, at, at, at, size, size);
  if (!is64) out.u32(flags);
  return out.word(is64, alignment);
}
