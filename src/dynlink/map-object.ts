/** Opening and mapping an object (elf/dl-load.c, open_verify and _dl_map_object_from_fd). */
import { EM_386, EM_X86_64, ET_DYN, PT_DYNAMIC, PT_LOAD, PT_PHDR, PT_TLS } from "../elf/constants.ts";
import { type LinkMap, readSegment, type Segment } from "./link-map.ts";
import type { LinkMemory } from "./memory.ts";
import type { Namespace } from "./namespace.ts";
import { linkError, mapPages, type Routine, syscall } from "./routine.ts";
import type { Scratch } from "./scratch.ts";

const PAGE = 4096;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const O_CLOEXEC = 0o2000000;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_DENYWRITE = 0x800;

const pageDown = (address: number): number => Math.floor(address / PAGE) * PAGE;
const pageUp = (address: number): number => Math.ceil(address / PAGE) * PAGE;

/** What the linker knows while it works: the objects, and where its buffers are. */
export interface Work {
  readonly namespace: Namespace;
  readonly scratch: Scratch;
}

/** open(2) as this version of ld.so calls it. */
export function* openFile({ namespace, scratch }: Work, path: string): Routine<number> {
  scratch.reset();
  const name = scratch.text(path);
  if (namespace.version.modernCalls) return yield* syscall("openat", AT_FDCWD, name, O_CLOEXEC, 0);
  return yield* syscall("open", name, 0, 0);
}

export interface FileStat {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly size: number;
}

/** fstat(2): struct stat of amd64, struct stat64 of i386. */
export function* statFile({ namespace, scratch }: Work, fd: number): Routine<FileStat | number> {
  const { memory, version } = namespace;
  const buffer = scratch.take(144);
  const result = version.modernCalls
    ? yield* syscall(memory.is64 ? "newfstatat" : "fstatat64", fd, scratch.text(""), buffer, AT_EMPTY_PATH)
    : yield* syscall(memory.is64 ? "fstat" : "fstat64", fd, buffer);
  if (result < 0) return result;
  if (memory.is64) {
    const [dev, ino, size] = [0, 8, 48].map((at) => memory.word(buffer + at));
    return { dev, ino, size, mode: memory.u32(buffer + 24) };
  }
  return {
    dev: memory.u32(buffer),
    ino: memory.u32(buffer + 88),
    mode: memory.u32(buffer + 16),
    size: memory.u32(buffer + 44),
  };
}

/** An object that was opened and looks right. */
export interface OpenedObject {
  readonly fd: number;
  readonly path: string;
  /** The first bytes of the file, in guest memory. */
  readonly head: number;
  readonly headBytes: number;
}

/**
 * open_verify: undefined if there is no such file, or one for another ABI where others are to be tried; throws a LinkError for
 * a file that is no library.
 */
export function* openObject(work: Work, path: string): Routine<OpenedObject | undefined> {
  const fd = yield* openFile(work, path);
  if (fd < 0) return undefined;
  const { memory, sizes } = work.namespace;
  const head = work.scratch.take(sizes.fileBuffer);
  const headBytes = yield* syscall("read", fd, head, sizes.fileBuffer);
  const problem =
    headBytes < 0 ? linkError(path, "cannot read file data", -headBytes) : headProblem(memory, path, head, headBytes);
  if (problem === undefined) return { fd, path, head, headBytes };
  yield* syscall("close", fd);
  if (problem === "other") return undefined;
  throw problem;
}

function headProblem(
  memory: LinkMemory,
  path: string,
  head: number,
  length: number,
): ReturnType<typeof linkError> | "other" | undefined {
  if (length < (memory.is64 ? 64 : 52)) return linkError(path, "file too short");
  if (memory.u32(head) !== 0x464c457f) return linkError(path, "invalid ELF header");
  if (memory.u8(head + 4) !== (memory.is64 ? 2 : 1)) return "other";
  if (memory.u8(head + 5) !== 1) return linkError(path, "ELF file data encoding not little-endian");
  if (memory.u16(head + 18) !== (memory.is64 ? EM_X86_64 : EM_386)) return "other";
  if (memory.u16(head + 16) !== ET_DYN) return linkError(path, "only ET_DYN and ET_EXEC can be loaded");
  return undefined;
}

/** Protection of a segment, from its flags. */
function protection({ flags }: Segment): number {
  return ((flags & 4) >> 2) | (flags & 2) | ((flags & 1) << 2);
}

/** Maps the object as its program headers say and closes the file. The new object is at the end of the chain. */
export function* mapObject(work: Work, opened: OpenedObject, wanted: string): Routine<LinkMap> {
  const { namespace, scratch } = work;
  const { memory } = namespace;
  const { fd, path, head } = opened;
  const stat = yield* statFile(work, fd);
  if (typeof stat === "number") return yield* fail(work, fd, path, "cannot stat shared object", -stat);
  const same = namespace.maps().find((map) => map.ino !== 0 && map.ino === stat.ino && map.dev === stat.dev);
  if (same !== undefined) {
    yield* syscall("close", fd);
    return same;
  }
  const segments = yield* readHeaders(work, opened);
  const loads = segments.filter((segment) => segment.type === PT_LOAD);
  if (loads.length === 0) return yield* fail(work, fd, path, "object file has no loadable segments");
  const crooked = loads.some((s) => s.align % PAGE !== 0 || (s.vaddr - s.offset) % Math.max(s.align, 1) !== 0);
  if (crooked) return yield* fail(work, fd, path, "ELF load command address/offset not properly aligned");
  const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
  if (dynamic === undefined) return yield* fail(work, fd, path, "object file has no dynamic section");
  const map = yield* namespace.newObject(path, wanted);
  const base = yield* mapSegments(work, fd, path, loads);
  map.base = base;
  map.ld = base + dynamic.vaddr;
  map.setFile(stat.dev, stat.ino);
  map.setMapped(base + pageDown(loads[0].vaddr), base + Math.max(...loads.map((s) => s.vaddr + s.memsz)));
  map.entry = base + memory.word(head + 24);
  const phnum = memory.u16(head + (memory.is64 ? 56 : 44));
  const phoff = memory.word(head + (memory.is64 ? 32 : 28));
  map.phnum = phnum;
  map.phdr = base + headersAddress(segments, loads, phoff);
  if (segments.some((segment) => segment.type === PT_TLS && segment.memsz > 0)) {
    map.setTls(freeTlsModule(namespace), 0);
  }
  yield* syscall("close", fd);
  scratch.reset();
  namespace.append(map);
  return map;
}

/** _dl_next_tls_modid: a number that dlclose has given back, or the next one. */
function freeTlsModule(namespace: Namespace): number {
  const used = new Set(namespace.maps().map(({ tlsModule }) => tlsModule));
  let module = 1;
  while (used.has(module)) module++;
  namespace.set("tlsModules", Math.max(namespace.get("tlsModules"), module));
  return module;
}

/** Where the program headers are in memory, by address in the file. */
function headersAddress(segments: readonly Segment[], loads: readonly Segment[], phoff: number): number {
  const own = segments.find((segment) => segment.type === PT_PHDR);
  if (own !== undefined) return own.vaddr;
  const holder = loads.find((s) => s.offset <= phoff && phoff < s.offset + s.filesz);
  return holder === undefined ? 0 : phoff - holder.offset + holder.vaddr;
}

function* readHeaders(work: Work, opened: OpenedObject): Routine<readonly Segment[]> {
  const { memory } = work.namespace;
  const { fd, path, head, headBytes } = opened;
  const count = memory.u16(head + (memory.is64 ? 56 : 44));
  const offset = memory.word(head + (memory.is64 ? 32 : 28));
  const size = memory.is64 ? 56 : 32;
  let at = head + offset;
  if (offset + count * size > headBytes) {
    at = work.scratch.take(count * size);
    const got = memory.is64
      ? yield* syscall("pread64", fd, at, count * size, offset)
      : yield* syscall("pread64", fd, at, count * size, offset, 0);
    if (got !== count * size) return yield* fail(work, fd, path, "cannot read file data", Math.max(0, -got));
  }
  return Array.from({ length: count }, (_, i) => readSegment(memory, at + i * size));
}

function* fail(_work: Work, fd: number, path: string, message: string, errno = 0): Routine<never> {
  yield* syscall("close", fd);
  throw linkError(path, message, errno);
}

/**
 * Maps all segments: the first one over the whole span, the hole made inaccessible, the others over it, bss behind. Returns
 * the load bias.
 */
function* mapSegments(work: Work, fd: number, path: string, loads: readonly Segment[]): Routine<number> {
  const { memory } = work.namespace;
  const [first] = loads;
  const last = loads[loads.length - 1];
  const start = pageDown(first.vaddr);
  const span = last.vaddr + last.memsz - start;
  const flags = MAP_PRIVATE | MAP_DENYWRITE;
  const at = yield* mapPages(memory.is64, 0, span, protection(first), flags, fd, pageDown(first.offset));
  if (at < 0) return yield* fail(work, fd, path, "failed to map segment from shared object", -at);
  const base = at - start;
  // The hole, when the next segment does not follow at once.
  const firstEnd = pageUp(first.vaddr + first.filesz);
  const holes = loads.slice(1).some((segment, i) => pageUp(loads[i].vaddr + loads[i].filesz) < pageDown(segment.vaddr));
  if (holes) {
    const until = pageDown(last.vaddr);
    if (until > firstEnd) yield* syscall("mprotect", base + firstEnd, until - firstEnd, 0);
  }
  for (const segment of loads) {
    const from = pageDown(segment.vaddr);
    const fileEnd = segment.vaddr + segment.filesz;
    if (segment !== first && pageUp(fileEnd) > from) {
      const length = pageUp(fileEnd) - from;
      const result = yield* mapPages(
        memory.is64,
        base + from,
        length,
        protection(segment),
        flags | MAP_FIXED,
        fd,
        pageDown(segment.offset),
      );
      if (result < 0) return yield* fail(work, fd, path, "failed to map segment from shared object", -result);
    }
    if (segment.memsz <= segment.filesz) continue;
    const zeroEnd = segment.vaddr + segment.memsz;
    const page = Math.min(pageUp(fileEnd), zeroEnd);
    if (page > fileEnd) memory.fill(base + fileEnd, page - fileEnd);
    if (zeroEnd > page) {
      const anonymous = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS;
      yield* mapPages(memory.is64, base + page, zeroEnd - page, protection(segment), anonymous, -1, 0);
    }
  }
  return base;
}
