/** dlopen, dlsym, dlclose, dladdr and dlerror (elf/dl-open.c, dl-sym.c, dl-close.c, dl-addr.c). */
import { ERRNO_TEXTS } from "../abi/errno.ts";
import { DT_GNU_HASH, DT_HASH, DT_SYMTAB, SHN_UNDEF, STT_GNU_IFUNC, STT_TLS } from "../elf/constants.ts";
import { takeConstructors, takeDestructors } from "./init-order.ts";
import { DF_1_NODELETE, DT_FLAGS_1, type LinkMap, MapFlag } from "./link-map.ts";
import { type DynamicSymbol, lookup, lookupIn, symbolAddress, symbolAt } from "./lookup.ts";
import type { Work } from "./map-object.ts";
import type { Namespace } from "./namespace.ts";
import { relocate } from "./relocate.ts";
import { callGuest, isLinkError, linkError, type Routine, syscall } from "./routine.ts";
import { loadDependencies, loadObject, unloadCache } from "./search.ts";
import { releaseTls, tlsAddress, useSurplus } from "./tls.ts";
import { missingVersions } from "./versions-check.ts";

const RTLD_LAZY = 1;
const RTLD_NOW = 2;
const RTLD_NOLOAD = 4;
const RTLD_GLOBAL = 0x100;
const RTLD_NODELETE = 0x1000;
/** RTLD_DEFAULT and RTLD_NEXT. */
const HANDLE_DEFAULT = 0;

/** Runs `work` and turns what it throws into dlerror's text and a result of `failed`. */
export function* catching(namespace: Namespace, failed: number, work: Routine<number>): Routine<number> {
  try {
    return yield* work;
  } catch (thrown) {
    if (!isLinkError(thrown)) throw thrown;
    const { object, message, errno, occasion } = thrown;
    const parts = [object, occasion, message, errno === 0 ? "" : (ERRNO_TEXTS[errno] ?? `Error ${errno}`)];
    const text = parts.filter((part) => part !== undefined && part !== "" && part !== "symbol lookup error").join(": ");
    namespace.set("error", yield* namespace.text(text));
    return failed;
  }
}

/** dlerror: the text of the last failure, once. */
export function takeError(namespace: Namespace): number {
  const text = namespace.get("error");
  namespace.set("error", 0);
  return text;
}

/** dlopen: the handle is the address of the link_map. */
export function* open(work: Work, nameAddress: number, mode: number, caller: number, tp: number): Routine<number> {
  const { namespace } = work;
  const { memory } = namespace;
  if ((mode & (RTLD_LAZY | RTLD_NOW)) === 0) throw linkError("", "invalid mode for dlopen()", 22);
  const name = nameAddress === 0 ? "" : memory.text(nameAddress);
  if (name === "") return namespace.main.address;
  const loader = namespace.covering(caller) ?? namespace.main;
  if ((mode & RTLD_NOLOAD) !== 0 && namespace.byName(name) === undefined) return 0;
  const before = new Set(namespace.maps());
  const map = yield* loadObject(work, name, loader);
  const loaded = yield* loadDependencies(work, [map]);
  yield* unloadCache(work);
  const fresh = namespace.maps().filter((other) => !before.has(other));
  for (const other of fresh) {
    const [missing] = missingVersions(namespace, other);
    if (missing !== undefined) throw linkError(missing.object, missing.message);
  }
  for (const other of fresh) if (other.tlsModule !== 0) yield* useSurplus(namespace, other, tp);
  if ((mode & RTLD_GLOBAL) !== 0) for (const other of loaded) other.set(MapFlag.global);
  const now = (mode & RTLD_NOW) !== 0 || namespace.get("bindNow") !== 0;
  for (const other of [...fresh].reverse()) yield* relocate(namespace, other, now);
  for (const other of loaded) {
    other.references += 1;
    if ((mode & RTLD_NODELETE) !== 0 || ((other.dynamic(DT_FLAGS_1) ?? 0) & DF_1_NODELETE) !== 0) {
      other.set(MapFlag.noDelete);
    }
  }
  const { W } = memory;
  const stack = namespace.get("stack");
  const argc = memory.u32(stack);
  for (const run of takeConstructors(namespace, [map])) {
    yield* callGuest(run, argc, stack + W, stack + (argc + 2) * W);
  }
  return map.address;
}

/** dlclose: objects that nothing refers to any more are finished and unmapped. */
export function* close(work: Work, handle: number, tp: number): Routine<number> {
  const { namespace } = work;
  const map = namespace.maps().find((candidate) => candidate.address === handle);
  if (map === undefined) throw linkError("", "invalid handle");
  if (map.has(MapFlag.main) || map.references === 0) return 0;
  const group = namespace.dependencies(map);
  for (const other of group) if (other.references > 0) other.references -= 1;
  const gone = group.filter((other) => other.references === 0 && !keeps(other));
  for (const destructor of takeDestructors(namespace, gone)) yield* callGuest(destructor);
  for (const other of gone) {
    if (other.tlsModule !== 0) releaseTls(namespace, other, tp);
    namespace.unlink(other);
    const end = Math.ceil(other.mapEnd / 4096) * 4096;
    yield* syscall("munmap", other.mapStart, end - other.mapStart);
  }
  return 0;
}

/** Loaded at start, or never to be unloaded. */
function keeps(map: LinkMap): boolean {
  const fixed = MapFlag.main | MapFlag.ld | MapFlag.vdso | MapFlag.noDelete;
  return (map.flags & fixed) !== 0 || map.has(MapFlag.global);
}

/** dlsym and dlvsym; `versionAddress` 0 for the default version. */
export function* find(
  namespace: Namespace,
  handle: number,
  nameAddress: number,
  versionAddress: number,
  caller: number,
  tp: number,
): Routine<number> {
  const { memory } = namespace;
  const name = memory.text(nameAddress);
  const wanted = versionAddress === 0 ? undefined : { name: memory.text(versionAddress), file: undefined, exact: true };
  const options = { version: wanted, newest: true };
  const next = memory.is64 ? 2 ** 64 - 1 : 2 ** 32 - 1;
  let scope: readonly LinkMap[];
  let from = namespace.covering(caller) ?? namespace.main;
  if (handle === HANDLE_DEFAULT) scope = namespace.scopeOf(from);
  else if (handle >= next) {
    const all = namespace.scopeOf(from);
    scope = all.slice(all.indexOf(from) + 1);
  } else {
    const map = namespace.maps().find((candidate) => candidate.address === handle);
    if (map === undefined) throw linkError("", "invalid handle");
    scope = map.has(MapFlag.main) ? namespace.globalScope() : namespace.dependencies(map);
    from = map;
  }
  const found = lookup(scope, name, namespace.tables, options);
  // The message names the object of the handle, or else the caller's (dl-sym.c do_sym).
  if (found === undefined || found.shndx === SHN_UNDEF) {
    const version = wanted === undefined ? "" : `, version ${wanted.name}`;
    throw linkError(from.has(MapFlag.main) ? programOf(namespace) : from.name, `undefined symbol: ${name}${version}`);
  }
  return yield* addressOf(namespace, found, tp);
}

function programOf(namespace: Namespace): string {
  const argv0 = namespace.memory.word(namespace.get("stack") + namespace.memory.W);
  return argv0 === 0 ? "" : namespace.memory.text(argv0);
}

function* addressOf(namespace: Namespace, symbol: DynamicSymbol, tp: number): Routine<number> {
  if (symbol.type === STT_GNU_IFUNC) return yield* callGuest(symbolAddress(symbol));
  if (symbol.type !== STT_TLS) return symbolAddress(symbol);
  const { memory } = namespace;
  const index = yield* namespace.allocate(2 * memory.W);
  memory.setWord(index, symbol.map.tlsModule);
  memory.setWord(index + memory.W, symbol.value);
  return yield* tlsAddress(namespace, tp, index);
}

/** Number of dynamic symbols: nchain of the old hash table, or the end of the last chain of the new one. */
function symbolCount(map: LinkMap): number {
  const { memory } = map;
  const sysv = map.dynamic(DT_HASH);
  if (sysv !== undefined) return memory.u32(sysv + 4);
  const gnu = map.dynamic(DT_GNU_HASH);
  if (gnu === undefined) return 0;
  const [buckets, base, bloom] = [0, 4, 8].map((at) => memory.u32(gnu + at));
  const table = gnu + 16 + bloom * memory.W;
  let last = 0;
  for (let i = 0; i < buckets; i++) last = Math.max(last, memory.u32(table + 4 * i));
  if (last < base) return base;
  for (const chains = table + 4 * buckets; ; last++) if (memory.u32(chains + 4 * (last - base)) & 1) return last + 1;
}

/** The defined symbol nearest below an address (dl-addr.c determine_info). */
export function nearestSymbol(map: LinkMap, address: number): DynamicSymbol | undefined {
  if (map.dynamic(DT_SYMTAB) === undefined) return undefined;
  let best: DynamicSymbol | undefined;
  const count = symbolCount(map);
  for (let index = 1; index < count; index++) {
    const symbol = symbolAt(map, index);
    if (symbol.shndx === SHN_UNDEF && symbol.value === 0) continue;
    if (symbol.type === STT_TLS || (symbol.binding !== 1 && symbol.binding !== 2)) continue;
    const at = symbolAddress(symbol);
    const inside = symbol.size === 0 ? at === address : address >= at && address < at + symbol.size;
    if (inside && (best === undefined || at > symbolAddress(best))) best = symbol;
  }
  return best;
}

/** dladdr: fills Dl_info (file, base, symbol name, symbol address); 0 if the address is in no object. */
export function describeAddress(namespace: Namespace, address: number, info: number): number {
  const { memory } = namespace;
  const { W } = memory;
  const map = namespace.covering(address);
  if (map === undefined) return 0;
  const argv0 = memory.word(namespace.get("stack") + W);
  memory.setWord(info, map.has(MapFlag.main) ? argv0 : map.nameAddress);
  memory.setWord(info + W, map.mapStart);
  const symbol = nearestSymbol(map, address);
  const strings = map.dynamic(5) ?? 0;
  const at = (map.dynamic(DT_SYMTAB) ?? 0) + (symbol?.index ?? 0) * (memory.is64 ? 24 : 16);
  memory.setWord(info + 2 * W, symbol === undefined ? 0 : strings + memory.u32(at));
  memory.setWord(info + 3 * W, symbol === undefined ? 0 : symbolAddress(symbol));
  return 1;
}

/** dl_iterate_phdr: fills struct dl_phdr_info for the object number `index`; 0 behind the last. */
export function describeObject(namespace: Namespace, index: number, info: number): number {
  const map = namespace.maps()[index];
  if (map === undefined) return 0;
  const { memory } = namespace;
  const { W } = memory;
  memory.setWord(info, map.base);
  memory.setWord(info + W, map.nameAddress);
  memory.setWord(info + 2 * W, map.phdr);
  memory.setU32(info + 3 * W, map.phnum);
  return 1;
}

export { lookupIn };
