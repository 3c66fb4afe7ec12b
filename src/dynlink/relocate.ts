/** Relocation (psABI x86-64 4.4, psABI i386 4.4; glibc's sysdeps/{x86_64,i386}/dl-machine.h and elf/do-rel.h). */
import {
  DT_FLAGS,
  DT_REL,
  DT_RELA,
  DT_VERSYM,
  PT_GNU_RELRO,
  PT_LOAD,
  SHN_UNDEF,
  STB_LOCAL,
  STB_WEAK,
  STT_GNU_IFUNC,
} from "../elf/constants.ts";
import { DF_TEXTREL, DT_PLTGOT, DT_RELASZ, DT_RELSZ, DT_TEXTREL, type LinkMap, MapFlag } from "./link-map.ts";
import { type DynamicSymbol, LookupClass, lookup, symbolAddress, symbolAt } from "./lookup.ts";
import type { Namespace } from "./namespace.ts";
import { callGuest, isLinkError, linkError, type Routine, syscall } from "./routine.ts";
import { EMBEDDED_LIBRARIES } from "./version.ts";

/** What a relocation type does, the same for both ABIs. */
type Kind =
  | "none"
  | "absolute"
  | "pc-relative"
  | "got"
  | "jump-slot"
  | "relative"
  | "copy"
  | "tls-module"
  | "tls-offset"
  | "tp-offset"
  | "tp-offset-positive"
  | "size"
  | "irelative";

interface RelocationType {
  readonly kind: Kind;
  /** Bytes that are written. */
  readonly width: 4 | 8;
}

const wide = (kind: Kind): RelocationType => ({ kind, width: 8 });
const narrow = (kind: Kind): RelocationType => ({ kind, width: 4 });

const AMD64: Readonly<Record<number, RelocationType>> = {
  0: wide("none"),
  1: wide("absolute"), // R_X86_64_64
  2: narrow("pc-relative"), // PC32
  5: wide("copy"),
  6: wide("got"), // GLOB_DAT
  7: wide("jump-slot"),
  8: wide("relative"),
  10: narrow("absolute"), // 32
  11: narrow("absolute"), // 32S
  16: wide("tls-module"), // DTPMOD64
  17: wide("tls-offset"), // DTPOFF64
  18: wide("tp-offset"), // TPOFF64
  24: wide("pc-relative"), // PC64
  32: narrow("size"), // SIZE32
  33: wide("size"), // SIZE64
  37: wide("irelative"),
};

const I386: Readonly<Record<number, RelocationType>> = {
  0: narrow("none"),
  1: narrow("absolute"), // R_386_32
  2: narrow("pc-relative"), // PC32
  5: narrow("copy"),
  6: narrow("got"), // GLOB_DAT
  7: narrow("jump-slot"),
  8: narrow("relative"),
  14: narrow("tp-offset"), // TLS_TPOFF
  35: narrow("tls-module"), // TLS_DTPMOD32
  36: narrow("tls-offset"), // TLS_DTPOFF32
  37: narrow("tp-offset-positive"), // TLS_TPOFF32
  38: narrow("size"), // SIZE32
  42: narrow("irelative"),
};

interface Relocation {
  /** Where it is applied. */
  readonly at: number;
  readonly type: number;
  readonly symbol: number;
  /** Undefined: what stands there (REL). */
  readonly addend: number | undefined;
}

function readRelocation(map: LinkMap, at: number, rela: boolean): Relocation {
  const { memory, base } = map;
  const offset = memory.word(at) + base;
  const info = memory.u32(at + memory.W);
  const addend = rela ? memory.signed(at + 2 * memory.W) : undefined;
  if (!memory.is64) return { at: offset, type: info & 0xff, symbol: info >>> 8, addend };
  return { at: offset, type: info, symbol: memory.u32(at + 12), addend };
}

/** Bytes of an entry: the x86-64 ABI has Elf64_Rela only, i386 Elf32_Rel. */
function entrySize(map: LinkMap): number {
  return map.memory.is64 ? 24 : 8;
}

/** How messages call an object: its path, and the program by argv[0]. */
export function displayName(namespace: Namespace, map: LinkMap): string {
  if (!map.has(MapFlag.main)) return map.name;
  const argv0 = namespace.memory.word(namespace.get("stack") + namespace.memory.W);
  return argv0 === 0 ? "<program name unknown>" : namespace.memory.text(argv0);
}

/** The definition for symbol `index` of `map`; undefined for a weak one without. Throws a LinkError for the others. */
function resolveSymbol(namespace: Namespace, map: LinkMap, index: number, kind: number): DynamicSymbol | undefined {
  const symbol = symbolAt(map, index);
  // Local symbols, and those that no other object can define.
  const visibility =
    map.memory.u8((map.dynamic(6) ?? 0) + index * (map.memory.is64 ? 24 : 16) + (map.memory.is64 ? 5 : 13)) & 3;
  if (symbol.binding === STB_LOCAL || (symbol.shndx !== SHN_UNDEF && visibility !== 0)) return symbol;
  const version = map.dynamic(DT_VERSYM) === undefined ? undefined : namespace.tables.wanted(map, index);
  const found = lookup(namespace.scopeOf(map), symbol.name, namespace.tables, { version, kind });
  if (found !== undefined || symbol.binding === STB_WEAK) return found;
  const wanted = version === undefined ? "" : `, version ${version.name}`;
  throw linkError(displayName(namespace, map), `undefined symbol: ${symbol.name}${wanted}`, 0, "symbol lookup error");
}

/** The value of a definition as a reference sees it: an indirect function is asked which one it is. */
function* symbolValue(symbol: DynamicSymbol | undefined): Routine<number> {
  if (symbol === undefined) return 0;
  const address = symbolAddress(symbol);
  if (symbol.type === STT_GNU_IFUNC && symbol.shndx !== SHN_UNDEF) return yield* callGuest(address);
  return address;
}

function write(map: LinkMap, at: number, value: number, width: 4 | 8): void {
  if (width === 8) map.memory.setWord(at, value);
  else map.memory.setU32(at, value);
}

function* apply(namespace: Namespace, map: LinkMap, entry: Relocation): Routine<void> {
  const { memory } = map;
  const type = (memory.is64 ? AMD64 : I386)[entry.type];
  if (type === undefined) {
    const name = displayName(namespace, map);
    throw linkError(name, `unexpected reloc type 0x${entry.type.toString(16).padStart(2, "0")}`);
  }
  const { kind, width } = type;
  const addend = (): number => entry.addend ?? memory.i32(entry.at);
  const find = (lookupClass: number = LookupClass.any): DynamicSymbol | undefined =>
    entry.symbol === 0 ? undefined : resolveSymbol(namespace, map, entry.symbol, lookupClass);
  switch (kind) {
    case "none":
      return;
    case "relative":
      return write(map, entry.at, map.base + addend(), width);
    case "irelative":
      return write(map, entry.at, yield* callGuest(map.base + addend()), width);
    case "absolute":
      return write(map, entry.at, (yield* symbolValue(find())) + addend(), width);
    case "pc-relative":
      return write(map, entry.at, (yield* symbolValue(find())) + addend() - entry.at, width);
    case "got":
      return write(map, entry.at, (yield* symbolValue(find())) + (entry.addend ?? 0), width);
    case "jump-slot":
      return write(map, entry.at, (yield* symbolValue(find(LookupClass.plt))) + (entry.addend ?? 0), width);
    case "size":
      return write(map, entry.at, (find()?.size ?? 0) + addend(), width);
    case "copy": {
      const found = find(LookupClass.copy);
      if (found === undefined) return;
      const size = Math.min(symbolAt(map, entry.symbol).size, found.size);
      return memory.setBytes(entry.at, memory.bytes(symbolAddress(found), size));
    }
    case "tls-module":
      return write(map, entry.at, (find()?.map ?? map).tlsModule, width);
    case "tls-offset":
      return write(map, entry.at, (find()?.value ?? 0) + (entry.addend ?? memory.i32(entry.at)), width);
    case "tp-offset":
    case "tp-offset-positive": {
      const found = find();
      const value = (found?.value ?? 0) + addend() - (found?.map ?? map).tlsOffset;
      return write(map, entry.at, kind === "tp-offset" ? value : -value, width);
    }
  }
}

/** Fills GOT[1] and GOT[2] for lazy binding (elf_machine_runtime_setup). */
function setUpLazy(namespace: Namespace, map: LinkMap): void {
  const got = map.dynamic(DT_PLTGOT);
  if (got === undefined) return;
  const { memory } = map;
  memory.setWord(got + memory.W, map.address);
  memory.setWord(got + 2 * memory.W, namespace.base + namespace.symbols.resolve);
}

/**
 * The definition that a lazy slot will get. A function that folio's own C library lacks is told at once, since the program
 * would stop at it later; other missing functions are found missing when they are called, as ever.
 */
function findNow(namespace: Namespace, map: LinkMap, index: number): DynamicSymbol | undefined {
  try {
    return resolveSymbol(namespace, map, index, LookupClass.plt);
  } catch (thrown) {
    const file = namespace.tables.wanted(map, index)?.file;
    if (!isLinkError(thrown) || (file !== undefined && EMBEDDED_LIBRARIES.has(file))) throw thrown;
    return undefined;
  }
}

/** elf_machine_lazy_rel: the slot still points into the PLT, at its address in the file. */
function* makeLazy(namespace: Namespace, map: LinkMap, entry: Relocation): Routine<void> {
  const { memory, base } = map;
  const kind = (memory.is64 ? AMD64 : I386)[entry.type]?.kind;
  if (kind !== "jump-slot") return yield* apply(namespace, map, entry);
  const found = findNow(namespace, map, entry.symbol);
  // Indirect functions are asked now, so that a later look-up needs no call.
  if (found?.type === STT_GNU_IFUNC) return yield* apply(namespace, map, entry);
  memory.setWord(entry.at, memory.word(entry.at) + base);
}

/** Segments that have to be writable while they are relocated (DT_TEXTREL). */
function* protectText(map: LinkMap, extra: number): Routine<void> {
  for (const segment of map.segments(PT_LOAD)) {
    if ((segment.flags & 2) !== 0) continue;
    const start = Math.floor((map.base + segment.vaddr) / 4096) * 4096;
    const end = Math.ceil((map.base + segment.vaddr + segment.memsz) / 4096) * 4096;
    const prot = ((segment.flags & 4) >> 2) | ((segment.flags & 1) << 2);
    yield* syscall("mprotect", start, end - start, prot | extra);
  }
}

/** _dl_relocate_object: all relocations of one object, then its RELRO pages become read-only. */
export function* relocate(namespace: Namespace, map: LinkMap, bindNow: boolean): Routine<void> {
  if (map.has(MapFlag.relocated)) return;
  map.set(MapFlag.relocated);
  const text = map.dynamic(DT_TEXTREL) !== undefined || ((map.dynamic(DT_FLAGS) ?? 0) & DF_TEXTREL) !== 0;
  if (text) yield* protectText(map, 2);
  const rela = map.memory.is64;
  const size = entrySize(map);
  const table = map.dynamic(rela ? DT_RELA : DT_REL) ?? 0;
  const bytes = map.dynamic(rela ? DT_RELASZ : DT_RELSZ) ?? 0;
  const plt = map.pltRelocations;
  const lazy = !bindNow && !map.bindsNow;
  if (lazy && plt.size > 0) setUpLazy(namespace, map);
  for (let at = table; at + size <= table + bytes; at += size) {
    if (at >= plt.at && at < plt.at + plt.size) continue;
    yield* apply(namespace, map, readRelocation(map, at, rela));
  }
  for (let at = plt.at; at + size <= plt.at + plt.size; at += size) {
    const entry = readRelocation(map, at, rela);
    if (lazy) yield* makeLazy(namespace, map, entry);
    else yield* apply(namespace, map, entry);
  }
  if (text) yield* protectText(map, 0);
  yield* protectRelro(map);
}

/** _dl_protect_relro. */
export function* protectRelro(map: LinkMap): Routine<void> {
  for (const segment of map.segments(PT_GNU_RELRO)) {
    const start = Math.floor((map.base + segment.vaddr) / 4096) * 4096;
    const end = Math.floor((map.base + segment.vaddr + segment.memsz) / 4096) * 4096;
    if (end > start) yield* syscall("mprotect", start, end - start, 1);
  }
}

/** _dl_fixup: binds the PLT slot `index` (i386: byte offset of its relocation) and returns the function. */
export function bindLazily(namespace: Namespace, map: LinkMap, index: number): number {
  const size = entrySize(map);
  const entry = readRelocation(map, map.pltRelocations.at + (map.memory.is64 ? index * size : index), map.memory.is64);
  const found = resolveSymbol(namespace, map, entry.symbol, LookupClass.plt);
  const address = (found === undefined ? 0 : symbolAddress(found)) + (entry.addend ?? 0);
  map.memory.setWord(entry.at, address);
  return address;
}
