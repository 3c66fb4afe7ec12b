/** Symbol look-up by hash table and version (glibc's elf/dl-lookup.c, do_lookup_x and check_match). */
import {
  DT_GNU_HASH,
  DT_HASH,
  DT_SYMTAB,
  DT_VERDEF,
  DT_VERDEFNUM,
  DT_VERNEED,
  DT_VERNEEDNUM,
  DT_VERSYM,
  SHN_UNDEF,
  STB_GLOBAL,
  STB_WEAK,
  STT_TLS,
  VER_FLG_BASE,
  VERSYM_HIDDEN,
} from "../elf/constants.ts";
import { type LinkMap, MapFlag } from "./link-map.ts";

/** STB_GNU_UNIQUE. */
const STB_GNU_UNIQUE = 10;

export interface DynamicSymbol {
  readonly map: LinkMap;
  readonly index: number;
  readonly name: string;
  readonly value: number;
  readonly size: number;
  readonly type: number;
  readonly binding: number;
  readonly shndx: number;
}

/** A version that a reference asks for. */
export interface WantedVersion {
  readonly name: string;
  /** The library that is to define it, as DT_NEEDED names it; undefined for dlvsym. */
  readonly file: string | undefined;
  /** dlvsym: an unversioned definition is not good enough. */
  readonly exact?: boolean;
}

/** What a reference must not be satisfied by. */
export const LookupClass = {
  any: 0,
  /** A PLT slot: not by the address of another program's PLT entry. */
  plt: 1,
  /** A copy relocation: not by the program itself. */
  copy: 2,
} as const;

export function symbolAt(map: LinkMap, index: number): DynamicSymbol {
  const { memory } = map;
  const at = (map.dynamic(DT_SYMTAB) ?? 0) + index * (memory.is64 ? 24 : 16);
  const info = memory.u8(at + (memory.is64 ? 4 : 12));
  return {
    map,
    index,
    name: map.string(memory.u32(at)),
    value: memory.word(at + (memory.is64 ? 8 : 4)),
    size: memory.word(at + (memory.is64 ? 16 : 8)),
    type: info & 15,
    binding: info >> 4,
    shndx: memory.u16(at + (memory.is64 ? 6 : 14)),
  };
}

/** The address that a symbol stands for. */
export function symbolAddress(symbol: DynamicSymbol): number {
  return symbol.value + symbol.map.base;
}

function gnuHash(name: string): number {
  let hash = 5381;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 33) + name.charCodeAt(i)) >>> 0;
  return hash;
}

function sysvHash(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) {
    hash = ((hash << 4) + name.charCodeAt(i)) >>> 0;
    const top = hash & 0xf000_0000;
    if (top !== 0) hash ^= top >>> 24;
    hash = (hash & 0x0fff_ffff) >>> 0;
  }
  return hash;
}

/** Indices of the symbols in the hash chain of `name`, by the GNU table or the old one. */
function* candidates(map: LinkMap, name: string): Generator<number> {
  const { memory } = map;
  const gnu = map.dynamic(DT_GNU_HASH);
  if (gnu !== undefined) {
    const [buckets, base, bloomWords, shift] = [0, 4, 8, 12].map((at) => memory.u32(gnu + at));
    const hash = gnuHash(name);
    const bits = memory.W * 8;
    const filter = gnu + 16;
    const bloom = filter + (Math.floor(hash / bits) % bloomWords) * memory.W;
    const bit = (of: number): boolean => (memory.u32(bloom + (of >= 32 ? 4 : 0)) & (1 << (of % 32))) !== 0;
    if (!bit(hash % bits) || !bit((hash >>> shift) % bits)) return;
    const table = filter + bloomWords * memory.W;
    let index = memory.u32(table + (hash % buckets) * 4);
    if (index === 0) return;
    for (const chains = table + buckets * 4; ; index++) {
      const entry = memory.u32(chains + (index - base) * 4);
      if ((entry ^ hash) >>> 1 === 0) yield index;
      if ((entry & 1) !== 0) return;
    }
  }
  const sysv = map.dynamic(DT_HASH);
  if (sysv === undefined) return;
  const buckets = memory.u32(sysv);
  let index = memory.u32(sysv + 8 + (sysvHash(name) % buckets) * 4);
  for (; index !== 0; index = memory.u32(sysv + 8 + (buckets + index) * 4)) yield index;
}

export interface DefinedVersion {
  readonly name: string;
  readonly isBase: boolean;
}

/** The versions that an object defines, by their index. */
export function definedVersions(map: LinkMap): ReadonlyMap<number, DefinedVersion> {
  const { memory } = map;
  const versions = new Map<number, DefinedVersion>();
  let at = map.dynamic(DT_VERDEF);
  for (let left = map.dynamic(DT_VERDEFNUM) ?? 0; at !== undefined && left > 0; left--) {
    const name = map.string(memory.u32(at + memory.u32(at + 12)));
    versions.set(memory.u16(at + 4) & ~VERSYM_HIDDEN, { name, isBase: (memory.u16(at + 2) & VER_FLG_BASE) !== 0 });
    const next = memory.u32(at + 16);
    if (next === 0) break;
    at += next;
  }
  return versions;
}

export interface NeededVersion extends WantedVersion {
  readonly file: string;
  readonly index: number;
  readonly weak: boolean;
}

/** The versions that an object asks of others. */
export function neededVersions(map: LinkMap): readonly NeededVersion[] {
  const { memory } = map;
  const versions: NeededVersion[] = [];
  let at = map.dynamic(DT_VERNEED);
  for (let left = map.dynamic(DT_VERNEEDNUM) ?? 0; at !== undefined && left > 0; left--) {
    const file = map.string(memory.u32(at + 4));
    let aux = at + memory.u32(at + 8);
    for (let count = memory.u16(at + 2); count > 0; count--) {
      const weak = (memory.u16(aux + 4) & 2) !== 0;
      versions.push({ file, name: map.string(memory.u32(aux + 8)), index: memory.u16(aux + 6), weak });
      const next = memory.u32(aux + 12);
      if (next === 0) break;
      aux += next;
    }
    const next = memory.u32(at + 12);
    if (next === 0) break;
    at += next;
  }
  return versions;
}

/** Tables that are the same for every look-up in an object; made when first asked for. */
export class VersionTables {
  readonly #defined = new Map<LinkMap, ReadonlyMap<number, DefinedVersion>>();
  readonly #needed = new Map<LinkMap, ReadonlyMap<number, NeededVersion>>();

  defined(map: LinkMap): ReadonlyMap<number, DefinedVersion> {
    let known = this.#defined.get(map);
    if (known === undefined) {
      known = definedVersions(map);
      this.#defined.set(map, known);
    }
    return known;
  }

  /** The version that symbol `index` of `map` refers to. */
  wanted(map: LinkMap, index: number): WantedVersion | undefined {
    const versym = map.dynamic(DT_VERSYM);
    if (versym === undefined) return undefined;
    let needed = this.#needed.get(map);
    if (needed === undefined) {
      needed = new Map(neededVersions(map).map((version) => [version.index, version]));
      this.#needed.set(map, needed);
    }
    const number = map.memory.u16(versym + 2 * index) & ~VERSYM_HIDDEN;
    const version = needed.get(number);
    if (version !== undefined) return version;
    // A definition of its own: look for the same version elsewhere first (interposition).
    const own = number > 1 ? this.defined(map).get(number) : undefined;
    return own === undefined || own.isBase ? undefined : { name: own.name, file: undefined };
  }
}

export interface LookupOptions {
  readonly version?: WantedVersion | undefined;
  readonly kind?: number;
  /** dlsym: the default version rather than the oldest one. */
  readonly newest?: boolean;
}

/** The definition of `name` in one object; undefined if it has none that fits. */
export function lookupIn(
  map: LinkMap,
  name: string,
  tables: VersionTables,
  { version, kind = LookupClass.any, newest = false }: LookupOptions,
): DynamicSymbol | undefined {
  const { memory } = map;
  const versym = map.dynamic(DT_VERSYM);
  let only: DynamicSymbol | undefined;
  let versions = 0;
  for (const index of candidates(map, name)) {
    const symbol = symbolAt(map, index);
    if (symbol.name !== name) continue;
    if (symbol.value === 0 && symbol.shndx !== 0xfff1 && symbol.type !== STT_TLS) continue;
    if (kind === LookupClass.plt && symbol.shndx === SHN_UNDEF) continue;
    if (symbol.shndx === SHN_UNDEF && symbol.value === 0) continue;
    if (![STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE].includes(symbol.binding)) continue;
    if (versym === undefined) return symbol;
    const raw = memory.u16(versym + 2 * index);
    const number = raw & ~VERSYM_HIDDEN;
    const hidden = (raw & VERSYM_HIDDEN) !== 0;
    if (version !== undefined) {
      const defined = tables.defined(map).get(number);
      // The program's copy of a variable bears the version under which it is imported.
      if ((defined ?? tables.wanted(map, index))?.name === version.name) return symbol;
      // A reference accepts an unversioned definition of a library that it does not name.
      if (version.exact !== true && !hidden && (defined === undefined || defined.isBase) && number <= 1) return symbol;
      // An undefined symbol with a value is the program's PLT entry, which stands for the function.
      if (symbol.shndx === SHN_UNDEF) return symbol;
      continue;
    }
    if (number < (newest ? 2 : 3) || symbol.shndx === SHN_UNDEF) return symbol;
    if (!hidden && versions++ === 0) only = symbol;
  }
  return versions === 1 ? only : undefined;
}

/** The first definition along `scope`; a weak one is as good as a global one (LD_DYNAMIC_WEAK is not set). */
export function lookup(
  scope: Iterable<LinkMap>,
  name: string,
  tables: VersionTables,
  options: LookupOptions,
): DynamicSymbol | undefined {
  for (const map of scope) {
    if (options.kind === LookupClass.copy && map.has(MapFlag.main)) continue;
    const found = lookupIn(map, name, tables, options);
    if (found !== undefined) return found;
  }
  return undefined;
}
