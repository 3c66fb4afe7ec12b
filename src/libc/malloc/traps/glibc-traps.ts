/** `--malloc ts`: the entries of malloc's functions in every real libc.so.6 that a machine maps are trapped in place. */
import { UsageError } from "../../../base/errors.ts";
import { u16, u32, word } from "../../../elf/reader.ts";
import { textOf } from "../../../host/text.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import type { TrapFinder } from "../../../vfs/types.ts";
import type { MallocVersion } from "../version.ts";
import { MALLOC_VERSIONS } from "../versions/all.ts";
import { findMalloc, glibcVersion, mallocOfGlibc } from "./glibc-image.ts";
import { createMallocTraps } from "./malloc-traps.ts";

type Read = (into: Uint8Array, offset: number) => number;

const ET_DYN = 3;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_STRTAB = 5;
const DT_SONAME = 14;
const SONAME = "libc.so.6";

/** What `Vfs.context.findTraps` is to be; `version` undefined: that of the libc. Throws UsageError for a libc without a malloc here. */
export function glibcTraps(kernel: Kernel, version: MallocVersion | undefined): TrapFinder {
  return (size, read) => {
    if (sonameOf(read) !== SONAME) return undefined;
    const bytes = new Uint8Array(size);
    if (read(bytes, 0) < 0) return undefined;
    const name = glibcVersion(bytes);
    const chosen = version ?? (name === undefined ? undefined : mallocOfGlibc(name));
    if (chosen === undefined) {
      const known = MALLOC_VERSIONS.map((each) => each.name).join(", ");
      throw new UsageError(`--malloc ts: this libc is ${name ?? "no glibc"}; there is malloc of ${known} (ts:VERSION)`);
    }
    const found = findMalloc(bytes, chosen);
    if ("error" in found) throw new UsageError(`--malloc ts:${chosen.name}: this libc cannot be used: ${found.error}`);
    const traps = createMallocTraps(found.image);
    return new Map(
      found.sites.map(({ name, address, fileOffset }) => [fileOffset, kernel.traps.add(traps.trap(name, address))]),
    );
  };
}

/** DT_SONAME of an ELF shared object, read piece by piece; undefined if the file is none. */
function sonameOf(read: Read): string | undefined {
  const part = (offset: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    return read(bytes, offset) < 0 ? new Uint8Array(length) : bytes;
  };
  const header = part(0, 64);
  if (u32(header, 0) !== 0x464c457f || u16(header, 16) !== ET_DYN) return undefined;
  const is64 = header[4] === 2;
  const W = is64 ? 8 : 4;
  const entry = is64 ? 56 : 32;
  const table = part(word(header, is64 ? 32 : 28, is64), entry * u16(header, is64 ? 56 : 44));
  const segments: { type: number; offset: number; vaddr: number; filesz: number }[] = [];
  for (let at = 0; at + entry <= table.length; at += entry) {
    segments.push({
      type: u32(table, at),
      offset: word(table, at + W, is64),
      vaddr: word(table, at + 2 * W, is64),
      filesz: word(table, at + 4 * W, is64),
    });
  }
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined || dynamic.filesz > 0x10000) return undefined;
  const entries = part(dynamic.offset, dynamic.filesz);
  const value = (tag: number): number | undefined => {
    for (let at = 0; at + 2 * W <= entries.length; at += 2 * W) {
      if (u32(entries, at) === tag) return word(entries, at + W, is64);
    }
    return undefined;
  };
  const strings = value(DT_STRTAB);
  const name = value(DT_SONAME);
  if (strings === undefined || name === undefined) return undefined;
  const at = strings + name;
  const holder = segments.find(({ type, vaddr, filesz }) => type === PT_LOAD && at >= vaddr && at < vaddr + filesz);
  if (holder === undefined) return undefined;
  const text = textOf(part(at - holder.vaddr + holder.offset, SONAME.length + 1));
  return text.slice(0, Math.max(0, text.indexOf("\0")));
}
