import { EINVAL, ENOMEM } from "../../abi/errno.ts";
import { arenaGet, arenaRetry, setThreadArena } from "./arena.ts";
import { checking, freeCheck, mallocCheck, memalignCheck, reallocCheck } from "./check.ts";
import { consolidate } from "./consolidate.ts";
import { type Heap, IS_MMAPPED, PAGE } from "./heap.ts";
import { ptmallocInit, usable } from "./init.ts";
import { intFree, intFreeChunk } from "./int-free.ts";
import { checkedRequest2size, intMalloc } from "./int-malloc.ts";
import { intMemalign, isPowerOf2, powerOf2 } from "./memalign.ts";
import { adjustThreshold, mremapChunk, munmapChunk } from "./mmapped.ts";
import { intRealloc } from "./realloc.ts";
import { tcacheFreeLazy, tcacheGetAligned, tcacheInit, tcachePointer, tcacheTryGet } from "./tcache.ts";
import type { AssertSite } from "./version.ts";

/*
 * The public functions of malloc.c (public_mALLOc … in 2.11, __libc_malloc … later). A request from 2^53 on comes as a
 * rounded number with Heap.wideRequest exact.
 */

/** ptmalloc_init where the version does it on the way; true if this very call did it. */
function ensureInit(h: Heap): boolean {
  if (h.version.initAtStart) return false;
  if (h.m.int(h.at.mallocInitialized) > 0) return false;
  ptmallocInit(h);
  return true;
}

/** The functions' last assertion: what they return lies in the arena they took it from. */
function assertArena(h: Heap, mem: number, av: number, site: AssertSite, multi = !h.guest.singleThreaded()): void {
  if (mem === 0) return;
  const p = mem - h.header;
  if ((h.bits(p) & IS_MMAPPED) !== 0 || h.arenaForChunk(p) === av) return;
  const { lines } = h.version.messages;
  const { variable, arena } = SITES[site];
  const name = h.version.arenaAssertNames[site];
  const expression = `!${variable} || chunk_is_mmapped (mem2chunk (${variable})) || ${multi ? arena[1] : arena[0]} == arena_for_chunk (mem2chunk (${variable}))`;
  h.assert(false, lines[site][multi ? 1 : 0], name, expression);
}

const SITES: Readonly<Record<AssertSite, { readonly variable: string; readonly arena: readonly [string, string] }>> = {
  malloc: { variable: "victim", arena: ["&main_arena", "ar_ptr"] },
  calloc: { variable: "mem", arena: ["av", "av"] },
  realloc: { variable: "newp", arena: ["ar_ptr", "ar_ptr"] },
  memalign: { variable: "p", arena: ["&main_arena", "ar_ptr"] },
};

/** Takes the lock of the arena for the time of `work`, so that messages and retries know it is held. */
function locked(h: Heap, av: number, work: () => number): number {
  if (av !== 0) h.enter(av);
  const result = work();
  h.unlock();
  return result;
}

/** _int_malloc from the thread's arena, and once more from another if that fails and the version retries. */
function fromArena(h: Heap, bytes: number, site: AssertSite, work: (av: number) => number): number {
  const single = h.version.singleThread && h.guest.singleThreaded();
  let av = arenaGet(h, bytes, false);
  if (av === 0 && h.version.arenas === "trylock") return 0;
  if (av !== 0) h.enter(av);
  let mem = work(av);
  h.unlock();
  if (mem === 0 && av !== 0 && !single) {
    av = arenaRetry(h, av, bytes);
    if (av !== 0 || h.version.arenas === "limited") mem = locked(h, av, () => work(av));
  }
  assertArena(h, mem, av, site);
  return mem;
}

/** The tcache's answer for a request: a user pointer, 0 for none, -1 for a request refused with ENOMEM. */
function fromTcache(h: Heap, bytes: number): number {
  const { tc } = h;
  if (tc === null) return 0;
  const nb = checkedRequest2size(h, bytes);
  if (nb < 0) {
    h.guest.setErrno(ENOMEM);
    return -1;
  }
  if (!tc.lazy) tcacheInit(h);
  return tcacheTryGet(h, tc, tcachePointer(h), nb);
}

export function malloc(h: Heap, bytes: number): number {
  ensureInit(h);
  if (checking(h)) return mallocCheck(h, bytes);
  const cached = fromTcache(h, bytes);
  if (cached < 0) return 0;
  if (cached > 0) return cached;
  return fromArena(h, bytes, "malloc", (av) => intMalloc(h, av, bytes));
}

export function free(h: Heap, mem: number): void {
  if (mem === 0) return;
  if (checking(h)) {
    freeCheck(h, mem);
    return;
  }
  const p = mem - h.header;
  const { tc } = h;
  if (tc?.lazy) {
    freeLazy(h, mem, p);
    return;
  }
  if ((h.bits(p) & IS_MMAPPED) !== 0) {
    adjustThreshold(h, p);
    munmapChunk(h, p);
    return;
  }
  if (tc !== null) tcacheInit(h);
  const av = h.arenaForChunk(p);
  h.enter(av);
  intFree(h, av, p, false);
  h.unlock();
}

/** __libc_free of 2.43: the tcache comes before every test but alignment. */
function freeLazy(h: Heap, mem: number, p: number): void {
  if (h.misalignedChunk(p)) h.printerr("free(): invalid pointer", mem);
  const size = h.chunkSize(p);
  if (h.tc !== null && tcacheFreeLazy(h, h.tc, p, size)) return;
  if (size < h.minSize || p + size - h.minSize >= (h.W === 8 ? 2 ** 64 : 2 ** 32)) {
    h.printerr("free(): invalid size", mem);
  }
  const av = h.arenaForChunk(p);
  if ((h.bits(p) & IS_MMAPPED) !== 0) {
    adjustThreshold(h, p);
    munmapChunk(h, p);
    return;
  }
  h.enter(av);
  intFreeChunk(h, av, p, size, false);
  h.unlock();
}

export function realloc(h: Heap, oldMem: number, bytes: number): number {
  const { version } = h;
  ensureInit(h);
  if (checking(h)) return reallocCheck(h, oldMem, bytes);
  if (oldMem === 0) return malloc(h, bytes);
  if (bytes === 0) {
    free(h, oldMem);
    return 0;
  }
  const oldp = oldMem - h.header;
  if (version.reallocEarly !== "no") {
    const room = usable(h, oldMem);
    const spare = room - bytes;
    if (spare >= 0 && (spare < 2 * h.W || (version.reallocEarly === "mmapped" && spare <= PAGE && mapped(h, oldp)))) {
      return oldMem;
    }
  }
  const oldSize = h.chunkSize(oldp);
  const isMapped = mapped(h, oldp);
  if (!isMapped && version.reallocInitsTcache) {
    tcacheInit(h);
    // The arena is looked up here, ahead of the checks: a damaged NON_MAIN_ARENA bit faults.
    h.arenaForChunk(oldp);
  }
  if (oldp > (h.W === 8 ? 2 ** 64 : 2 ** 32) - oldSize || oldSize === 0 || h.misalignedChunk(oldp)) {
    h.printerr("realloc(): invalid pointer", oldMem);
    return 0;
  }
  const nb = checkedRequest2size(h, bytes);
  if (nb < 0) {
    h.guest.setErrno(ENOMEM);
    return 0;
  }
  if (isMapped) return reallocMapped(h, oldp, oldSize, bytes, nb);
  const av = h.arenaForChunk(oldp);
  if (version.reallocSetsArena) setThreadArena(h, av);
  const mem = locked(h, av, () => intRealloc(h, av, oldp, oldSize, nb));
  assertArena(h, mem, av, "realloc");
  if (mem !== 0 || (version.singleThread && h.guest.singleThreaded())) return mem;
  const fresh = malloc(h, bytes);
  if (fresh !== 0) {
    h.m.copy(fresh, oldMem, oldSize - h.W);
    if (version.innerFree === "whole") intFree(h, av, oldp, false);
    else intFreeChunk(h, av, oldp, oldSize, false);
  }
  return fresh;
}

function mapped(h: Heap, p: number): boolean {
  return (h.bits(p) & IS_MMAPPED) !== 0;
}

function reallocMapped(h: Heap, oldp: number, oldSize: number, bytes: number, nb: number): number {
  const oldMem = oldp + h.header;
  const moved = mremapChunk(h, oldp, nb);
  if (moved !== 0) return moved + h.header;
  if (h.version.mmapSizeWithoutHeader ? bytes <= oldSize - h.W : oldSize - h.W >= nb) return oldMem;
  const fresh = malloc(h, bytes);
  if (fresh === 0) return 0;
  h.m.copy(fresh, oldMem, oldSize - h.header);
  munmapChunk(h, oldp);
  return fresh;
}

/** calloc of `bytes`, the product having been found not to overflow. */
export function calloc(h: Heap, bytes: number): number {
  const { m, version, tc } = h;
  if (ensureInit(h) && version.hookIni && !checking(h)) return clearRequest(h, malloc(h, bytes), bytes);
  if (checking(h)) return clearRequest(h, mallocCheck(h, bytes), bytes);
  if (version.callocTcache === "takes") {
    const cached = fromTcache(h, bytes);
    if (cached < 0) return 0;
    if (cached > 0) return clearRequest(h, cached, cachedLength(h, cached, bytes));
  } else if (version.callocTcache === "inits" && tc !== null) tcacheInit(h);
  let oldTop = 0;
  let everUsed = 0;
  const mem = fromArena(h, bytes, "calloc", (av) => {
    if (oldTop === 0 && av !== 0) {
      oldTop = h.top(av);
      everUsed = h.chunkSize(oldTop);
      everUsed = Math.max(everUsed, clearedBefore(h, av, oldTop));
    }
    return intMalloc(h, av, bytes);
  });
  if (mem === 0) return 0;
  const p = mem - h.header;
  if (mapped(h, p)) return h.perturbSet() ? clearRequest(h, mem, bytes) : mem;
  let size = h.chunkSize(p);
  if (p === oldTop && size > everUsed && !h.perturbSet()) size = everUsed;
  m.fillLast(mem, 0, size - h.W);
  return mem;
}

/** Bytes of a block from the tcache that calloc clears: by its size word, from 2.42 on by its bin where that tells the size. */
function cachedLength(h: Heap, mem: number, bytes: number): number {
  const nb = h.request2size(bytes);
  return h.tc?.lazy && nb < h.minSize + 64 * h.alignment ? nb - h.W : h.chunkSize(mem - h.header) - h.W;
}

/** How much behind the old top was in use once: the break's highest reach, or what mprotect opened. */
function clearedBefore(h: Heap, av: number, top: number): number {
  if (av === h.main) {
    return h.m.pointer(h.par(h.parAt.sbrkBase) + h.m.word(av + h.state.maxSystemMem) - top);
  }
  const heap = h.heapForPtr(top);
  return heap + h.m.word(heap + 3 * h.W) - top;
}

function clearRequest(h: Heap, mem: number, bytes: number): number {
  if (mem !== 0) h.m.fillLast(mem, 0, bytes);
  return mem;
}

/** memalign: a user pointer, or 0 with errno. */
export function memalign(h: Heap, wanted: number, bytes: number): number {
  ensureInit(h);
  if (checking(h)) return memalignCheck(h, wanted, bytes);
  if (wanted <= h.alignment) return malloc(h, bytes);
  let alignment = Math.max(wanted, h.minSize);
  if (h.version.memalignLimit && alignment > (h.W === 8 ? 2 ** 63 : 2 ** 31)) {
    h.guest.setErrno(EINVAL);
    return 0;
  }
  alignment = powerOf2(h, alignment);
  if (h.version.memalignTcache && h.tc !== null) {
    const nb = checkedRequest2size(h, bytes);
    if (nb < 0) {
      h.guest.setErrno(ENOMEM);
      return 0;
    }
    const cached = tcacheGetAligned(h, h.tc, nb, alignment);
    if (cached !== 0) return cached;
  }
  return fromArena(h, bytes + alignment + h.minSize, "memalign", (av) => intMemalign(h, av, alignment, bytes));
}

/** posix_memalign: the error number and the block. */
export function posixMemalign(h: Heap, alignment: number, bytes: number): { error: number; mem: number } {
  if (alignment % h.W !== 0 || !isPowerOf2(alignment / h.W)) {
    return { error: EINVAL, mem: 0 };
  }
  const mem = memalign(h, alignment, bytes);
  return mem !== 0 ? { error: 0, mem } : { error: ENOMEM, mem: 0 };
}

/** aligned_alloc: memalign, from 2.38 on only with a power of two. */
export function alignedAlloc(h: Heap, alignment: number, bytes: number): number {
  if (h.version.alignedAllocPowerOf2 && !isPowerOf2(alignment)) {
    h.guest.setErrno(EINVAL);
    return 0;
  }
  return memalign(h, alignment, bytes);
}

/** valloc. Up to 2.14 it consolidates first, and the hooks see it as any memalign. */
export function valloc(h: Heap, bytes: number): number {
  ensureInit(h);
  if (h.version.vallocConsolidates && !checking(h)) consolidate(h, h.main);
  return memalign(h, PAGE, bytes);
}

export function pvalloc(h: Heap, bytes: number): number {
  ensureInit(h);
  const sum = bytes + PAGE - 1;
  if (sum >= (h.W === 8 ? 2 ** 64 : 2 ** 32)) {
    h.guest.setErrno(ENOMEM);
    return 0;
  }
  if (h.version.vallocConsolidates && !checking(h)) consolidate(h, h.main);
  let rounded = h.pageDown(sum);
  // & -(pagesize - 1) clears bits 1 to 11 and leaves bit 0.
  if (h.version.pvallocMask === "pagesize_minus_1") rounded += sum % 2;
  return memalign(h, PAGE, rounded);
}
