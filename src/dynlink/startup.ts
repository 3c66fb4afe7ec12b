/** From the kernel to the program's entry point (elf/rtld.c, dl_main), in the order of glibc's own system calls. */
import { ERRNO_TEXTS } from "../abi/errno.ts";
import { PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_PHDR, PT_TLS } from "../elf/constants.ts";
import { preInitialisers, takeConstructors } from "./init-order.ts";
import { DT_DEBUG, type LinkMap, MapFlag, readSegment, type Segment } from "./link-map.ts";
import { lookup } from "./lookup.ts";
import type { Work } from "./map-object.ts";
import type { Namespace } from "./namespace.ts";
import { protectRelro, relocate } from "./relocate.ts";
import { isLinkError, type LinkError, type Routine, syscall } from "./routine.ts";
import { askNohwcap, loadDependencies, loadObject, unloadCache } from "./search.ts";
import { auxiliary, initTls } from "./tls.ts";
import { missingVersions } from "./versions-check.ts";

const AT_PHDR = 3;
const AT_PHNUM = 5;
const AT_ENTRY = 9;
const AT_SECURE = 23;
const AT_RANDOM = 25;
const AT_SYSINFO_EHDR = 33;
const R_OK = 4;

/** What the guest does when the linker is done: these functions, then the program. */
export interface Started {
  readonly entry: number;
  readonly constructors: readonly number[];
  /** Load addresses of the objects by soname. */
  readonly bases: ReadonlyMap<string, number>;
}

/** The environment as the kernel left it. */
function environment(namespace: Namespace): ReadonlyMap<string, number> {
  const { memory } = namespace;
  const { W } = memory;
  const stack = namespace.get("stack");
  const variables = new Map<string, number>();
  for (let at = stack + (memory.word(stack) + 2) * W; memory.word(at) !== 0; at += W) {
    const entry = memory.word(at);
    const text = memory.text(entry);
    const equals = text.indexOf("=");
    if (text.startsWith("LD_") && equals > 0) variables.set(text.slice(0, equals), entry + equals + 1);
  }
  return variables;
}

/** Whole text of what went wrong, as _dl_fatal_printf writes it: one writev of its pieces. */
export function* complain({ namespace, scratch }: Work, pieces: readonly string[]): Routine<void> {
  const { memory } = namespace;
  const { W } = memory;
  scratch.reset();
  const used = pieces.filter((piece) => piece !== "");
  const vector = scratch.take(used.length * 2 * W);
  used.forEach((piece, i) => {
    memory.setWord(vector + 2 * i * W, scratch.text(piece));
    memory.setWord(vector + (2 * i + 1) * W, piece.length);
  });
  yield* syscall("writev", 2, vector, used.length);
}

function programName(namespace: Namespace): string {
  const argv0 = namespace.memory.word(namespace.get("stack") + namespace.memory.W);
  return argv0 === 0 ? "<program name unknown>" : namespace.memory.text(argv0);
}

/** _dl_signal_error without anyone to catch it. */
function* giveUp(work: Work, error: LinkError): Routine<never> {
  const occasion = error.occasion ?? "error while loading shared libraries";
  const object = error.object === "" ? [] : [error.object, ": "];
  const errno = error.errno === 0 ? [] : [": ", ERRNO_TEXTS[error.errno] ?? `Error ${error.errno}`];
  yield* complain(work, [programName(work.namespace), ": ", occasion, ": ", ...object, error.message, ...errno, "\n"]);
  return yield* leave(127);
}

function* leave(status: number): Routine<never> {
  for (;;) yield* syscall("exit_group", status);
}

/** The link_map of ld.so, which lies in its own data. */
function ownMap(namespace: Namespace): LinkMap {
  const { base, symbols, memory } = namespace;
  const map = namespace.mapAt(base + symbols.map);
  const header = {
    phdr: memory.word(base + (memory.is64 ? 32 : 28)),
    phnum: memory.u16(base + (memory.is64 ? 56 : 44)),
  };
  map.base = base;
  map.phdr = base + header.phdr;
  map.phnum = header.phnum;
  map.ld = base + symbols.dynamic;
  map.set(MapFlag.ld | MapFlag.initialised);
  setSpan(map);
  return map;
}

function setSpan(map: LinkMap): void {
  const loads = map.segments(PT_LOAD);
  if (loads.length === 0) return;
  const start = Math.floor(loads[0].vaddr / 4096) * 4096;
  map.setMapped(map.base + start, map.base + Math.max(...loads.map((segment) => segment.vaddr + segment.memsz)));
}

/** The program, which the kernel has mapped. */
function* programMap(namespace: Namespace): Routine<LinkMap> {
  const map = yield* namespace.newObject("", "");
  const phdr = auxiliary(namespace, AT_PHDR);
  map.phdr = phdr;
  map.phnum = auxiliary(namespace, AT_PHNUM);
  const [own] = map.segments(PT_PHDR);
  map.base = own === undefined ? 0 : phdr - own.vaddr;
  const [dynamic] = map.segments(PT_DYNAMIC);
  if (dynamic !== undefined) map.ld = map.base + dynamic.vaddr;
  map.entry = auxiliary(namespace, AT_ENTRY);
  map.set(MapFlag.main | MapFlag.global);
  setSpan(map);
  if (map.segments(PT_TLS).some((segment) => segment.memsz > 0)) {
    namespace.set("tlsModules", 1);
    map.setTls(1, 0);
  }
  namespace.append(map);
  return map;
}

/** The path in the program's PT_INTERP, which ld.so takes for its own name. */
function interpreterName(namespace: Namespace): number | undefined {
  const [segment] = programHeaders(namespace).filter(({ type }) => type === PT_INTERP);
  if (segment === undefined) return undefined;
  const own = programHeaders(namespace).find(({ type }) => type === PT_PHDR);
  return segment.vaddr + (own === undefined ? 0 : auxiliary(namespace, AT_PHDR) - own.vaddr);
}

function programHeaders(namespace: Namespace): readonly Segment[] {
  const { memory } = namespace;
  const at = auxiliary(namespace, AT_PHDR);
  const count = auxiliary(namespace, AT_PHNUM);
  return Array.from({ length: count }, (_, i) => readSegment(memory, at + i * (memory.is64 ? 56 : 32)));
}

function* vdsoMap(namespace: Namespace): Routine<void> {
  const ehdr = auxiliary(namespace, AT_SYSINFO_EHDR);
  if (ehdr === 0) return;
  const { memory } = namespace;
  const map = yield* namespace.newObject("", "");
  map.phdr = ehdr + memory.word(ehdr + (memory.is64 ? 32 : 28));
  map.phnum = memory.u16(ehdr + (memory.is64 ? 56 : 44));
  const [load] = map.segments(PT_LOAD);
  map.base = ehdr - (load?.vaddr ?? 0);
  const [dynamic] = map.segments(PT_DYNAMIC);
  if (dynamic !== undefined) map.ld = map.base + dynamic.vaddr;
  map.set(MapFlag.vdso | MapFlag.relocated | MapFlag.initialised);
  setSpan(map);
  if (map.soname !== undefined) map.nameAddress = map.dynamic(5) === undefined ? map.nameAddress : sonameAddress(map);
  namespace.append(map);
}

function sonameAddress(map: LinkMap): number {
  return (map.dynamic(5) ?? 0) + (map.dynamic(14) ?? 0);
}

/** r_debug of link.h: version, first object, breakpoint, state, ld.so's base. */
function publishDebug(namespace: Namespace, main: LinkMap): void {
  const { memory, base, symbols } = namespace;
  const { W } = memory;
  const at = base + symbols.rDebug;
  memory.setU32(at, 1);
  memory.setWord(at + W, main.address);
  memory.setWord(at + 2 * W, 0);
  memory.setWord(at + 4 * W, base);
  const slot = main.dynamicSlot(DT_DEBUG);
  if (slot !== undefined) memory.setWord(slot, at);
}

/** What LD_PRELOAD names: between blanks and colons. */
function* preload(work: Work, variables: ReadonlyMap<string, number>): Routine<LinkMap[]> {
  const { namespace } = work;
  const { main } = namespace;
  const text = variables.get("LD_PRELOAD");
  const maps: LinkMap[] = [];
  const names = text === undefined ? [] : namespace.memory.text(text).split(/[ :]+/);
  for (const name of names.filter((part) => part !== "")) {
    try {
      maps.push(yield* loadObject(work, name, main));
    } catch (thrown) {
      if (!isLinkError(thrown)) throw thrown;
      const problem = `object '${name}' from LD_PRELOAD cannot be preloaded: ignored.`;
      yield* complain(work, ["ERROR: ld.so: ", problem, "\n"]);
    }
  }
  return maps;
}

/** Places ld.so behind whatever asked for it first, or last. */
function link(namespace: Namespace, own: LinkMap): void {
  own.wantedAddress = sonameAddress(own);
  own.set(MapFlag.global);
  namespace.append(own);
}

/** Puts the objects of the global scope in the order in which they were found. */
function* start(work: Work): Routine<Started> {
  const { namespace, scratch } = work;
  const { memory, symbols, base } = namespace;
  const own = ownMap(namespace);
  own.nameAddress = interpreterName(namespace) ?? sonameAddress(own);
  yield* syscall("brk", 0);
  const secure = auxiliary(namespace, AT_SECURE) !== 0;
  memory.setU32(base + symbols.enableSecure, secure ? 1 : 0);
  const variables = environment(namespace);
  const bindNow = variables.get("LD_BIND_NOW");
  namespace.set("bindNow", bindNow !== undefined && memory.text(bindNow) !== "" ? 1 : 0);
  if (!secure) namespace.set("libraryPath", variables.get("LD_LIBRARY_PATH") ?? 0);
  const main = yield* programMap(namespace);
  yield* vdsoMap(namespace);
  yield* askNohwcap(work);
  yield* namespace.allocate(namespace.sizes.searchDirs);
  publishDebug(namespace, main);
  scratch.reset();
  yield* syscall("access", scratch.text("/etc/ld.so.preload"), R_OK);
  const preloaded = secure ? [] : yield* preload(work, variables);
  link(namespace, own);
  const loaded = yield* loadDependencies(work, [main, ...preloaded]);
  moveToEnd(namespace, own, loaded);
  for (const map of loaded) map.set(MapFlag.global);
  yield* checkVersions(work);
  const random = auxiliary(namespace, AT_RANDOM);
  const canary = memory.bytes(random, memory.W);
  canary[0] = 0;
  const tp = yield* initTls(work, canary, memory.bytes(random + memory.W, memory.W));
  if (namespace.version.registersThread) yield* registerThread(namespace, tp);
  memory.setWord(base + symbols.stackEnd, namespace.get("stack"));
  memory.setWord(base + symbols.argv, namespace.get("stack") + memory.W);
  const now = namespace.get("bindNow") !== 0;
  for (const map of [...namespace.maps()].reverse()) if (map !== own) yield* relocate(namespace, map, now);
  yield* protectRelro(own);
  yield* unloadCache(work);
  const malloc = lookup(namespace.globalScope(), "malloc", namespace.tables, {});
  namespace.set("running", malloc === undefined ? 1 : malloc.value + malloc.map.base);
  const functions = [...preInitialisers(main), ...takeConstructors(namespace, [main, ...preloaded])];
  const bases = new Map(namespace.maps().map((map) => [map.soname ?? "", map.base]));
  return { entry: main.entry, constructors: functions, bases };
}

/** __tls_init_tp of 2.34 and later: where the kernel clears the thread's id, and its list of robust mutexes. */
function* registerThread(namespace: Namespace, tp: number): Routine<void> {
  const { memory } = namespace;
  const { W } = memory;
  const [tid, robust] = memory.is64 ? [tp + 0x2d0, tp + 0x2e0] : [tp + 0x68, tp + 0x6c];
  yield* syscall("set_tid_address", tid);
  memory.setWord(robust, robust);
  yield* syscall("set_robust_list", robust, 3 * W);
}

/** In the chain ld.so stands where it was asked for; without that, last. */
function moveToEnd(namespace: Namespace, own: LinkMap, loaded: readonly LinkMap[]): void {
  const at = loaded.indexOf(own);
  const before =
    at > 0
      ? loaded[at - 1]
      : namespace
          .maps()
          .filter((map) => map !== own)
          .at(-1);
  namespace.unlink(own);
  own.next = 0;
  own.prev = 0;
  if (before === undefined) return;
  own.prev = before.address;
  own.next = before.next;
  if (before.next !== 0) namespace.mapAt(before.next).prev = own.address;
  before.next = own.address;
}

function* checkVersions(work: Work): Routine<void> {
  const { namespace } = work;
  const { sizes } = namespace;
  let failed = false;
  for (const map of namespace.maps()) {
    if (map.has(MapFlag.vdso)) continue;
    for (const { object, message } of missingVersions(namespace, map)) {
      failed = true;
      yield* complain(work, [programName(namespace), ": ", object, ": ", message, "\n"]);
    }
    // l_versions: one for each index up to the highest.
    const versions = Math.max(0, ...namespace.tables.defined(map).keys()) + 1;
    yield* namespace.allocate(versions * sizes.foundVersion);
  }
  if (failed) yield* leave(1);
}

/** The whole start; ends the process with a message when something is missing. */
export function* startProgram(work: Work): Routine<Started> {
  try {
    return yield* start(work);
  } catch (thrown) {
    if (!isLinkError(thrown)) throw thrown;
    return yield* giveUp(work, thrown);
  }
}
