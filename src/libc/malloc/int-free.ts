import { heapTrim } from "./arena.ts";
import { linkFront, unlinkChunk } from "./bins.ts";
import { consolidate } from "./consolidate.ts";
import { type Heap, IS_MMAPPED, PREV_INUSE } from "./heap.ts";
import { munmapChunk } from "./mmapped.ts";
import { systrim } from "./morecore.ts";
import { tcacheFree } from "./tcache.ts";

/** From this merged size on free consolidates and trims. */
const FASTBIN_CONSOLIDATION_THRESHOLD = 65536;

/** _int_free_check: false if a message was printed and the program goes on. */
function freeCheck(h: Heap, p: number, size: number): boolean {
  const limit = h.W === 8 ? 2 ** 64 : 2 ** 32;
  if (p > limit - size || size === 0 || h.misalignedChunk(p)) {
    h.printerr("free(): invalid pointer", p + h.header);
    return false;
  }
  const unaligned = h.version.checks.freeSizeAligned && (h.m.lowBits(p + h.W) & ~7 & h.mask) !== 0;
  if (size < h.minSize || unaligned) {
    h.printerr("free(): invalid size", p + h.header);
    return false;
  }
  return true;
}

/** _int_free up to 2.41: checks, tcache, then the arena. `locked` = called from inside another malloc function. */
export function intFree(h: Heap, av: number, p: number, locked: boolean): void {
  const size = h.chunkSize(p);
  if (!freeCheck(h, p, size)) return;
  if (h.tc !== null && tcacheFree(h, h.tc, p, size)) return;
  intFreeChunk(h, av, p, size, locked);
}

/** Freeing as realloc and sysmalloc do it: by the tcache as well up to 2.41, straight to the arena later. */
export function innerFree(h: Heap, av: number, p: number): void {
  if (h.version.innerFree === "whole") intFree(h, av, p, true);
  else intFreeChunk(h, av, p, h.chunkSize(p), true);
}

/** _int_free_chunk: to a fastbin, or merged into the bins or top, or unmapped. */
export function intFreeChunk(h: Heap, av: number, p: number, size: number, locked: boolean): void {
  if (h.version.fastbins && size <= h.maxFast()) freeFast(h, av, p, size, locked);
  else if ((h.bits(p) & IS_MMAPPED) !== 0) munmapChunk(h, p);
  else mergeChunk(h, av, p, size);
}

function freePerturb(h: Heap, p: number, size: number): void {
  if (!h.perturbSet()) return;
  const headerWords = h.version.freePerturbWord === "one_word" ? 1 : 2;
  h.m.fill(p + h.header, h.perturbByte(), size - headerWords * h.W);
}

function freeFast(h: Heap, av: number, p: number, size: number, locked: boolean): void {
  const { m, W, version } = h;
  const nextHead = m.word(p + size + W);
  if (nextHead <= h.header || nextHead - (nextHead & 7) >= h.systemMem(av)) {
    h.printerr("free(): invalid next size (fast)", p + h.header);
    return;
  }
  freePerturb(h, p, size);
  h.setHaveFast(av, true);
  const index = h.fastbinIndex(size);
  const bin = av + h.state.fastbins + W * index;
  const old = m.word(bin);
  if (old === p) {
    h.printerr("double free or corruption (fasttop)", p + h.header);
    return;
  }
  const { fastbinEntry } = version.checks;
  const checked = fastbinEntry === "always" || (fastbinEntry === "with_lock" && locked);
  const wrong = checked && old !== 0 && h.fastbinIndex(m.lowBits(old + W) & ~7) !== index;
  // 2.12 to 2.26 look before linking (and return if the message lets them), 2.27 and later after it.
  if (wrong && fastbinEntry === "always") {
    h.printerr("invalid fastbin entry (free)", p + h.header);
    return;
  }
  m.setWord(p + h.header, h.protect(p + h.header, old));
  m.setWord(bin, p);
  if (wrong) h.printerr("invalid fastbin entry (free)", p + h.header);
}

/** _int_free_merge_chunk. */
export function mergeChunk(h: Heap, av: number, chunk: number, chunkSize: number): void {
  const { m, version } = h;
  let p = chunk;
  let size = chunkSize;
  const mem = p + h.header;
  const next = m.pointer(p + size);
  const top = h.top(av);
  if (p === top) {
    h.printerr("double free or corruption (top)", mem);
    return;
  }
  if (h.contiguous(av) && next >= m.pointer(top + h.chunkSize(top))) {
    h.printerr("double free or corruption (out)", mem);
    return;
  }
  const nextHead = m.word(next + h.W);
  if ((h.bits(next) & PREV_INUSE) === 0) {
    h.printerr("double free or corruption (!prev)", mem);
    return;
  }
  const nextSize = nextHead - (nextHead & 7);
  if (nextHead <= h.header || nextSize >= h.systemMem(av)) {
    h.printerr("free(): invalid next size (normal)", mem);
    return;
  }
  freePerturb(h, p, size);
  if ((h.bits(p) & PREV_INUSE) === 0) {
    const prevSize = m.word(p);
    size += prevSize;
    p = m.pointer(p - prevSize);
    if (version.checks.consolidate && h.chunkSize(p) !== prevSize) {
      h.printerr("corrupted size vs. prev_size while consolidating", mem);
    }
    unlinkChunk(h, p, "p");
  }
  const merged = createChunk(h, av, p, size, next, nextSize, mem);
  if (merged > 0) maybeTrim(h, av, merged);
}

/**
 * _int_free_create_chunk: merges with the chunk behind, sets up the free chunk and puts it in a bin or makes it top. Returns the
 * size; 0 if a message was printed and the program goes on.
 */
export function createChunk(
  h: Heap,
  av: number,
  p: number,
  chunkSize: number,
  next: number,
  nextSize: number,
  mem: number,
): number {
  let size = chunkSize;
  if (next === h.top(av)) {
    size += nextSize;
    h.setHead(p, size + PREV_INUSE);
    h.setTop(av, p);
    return size;
  }
  if ((h.bits(h.m.pointer(next + nextSize)) & PREV_INUSE) === 0) {
    unlinkChunk(h, next, "nextchunk");
    size += nextSize;
  } else h.clearInuse(next);
  const direct = h.version.freeToSmallbin && size < h.minLarge;
  const bin = h.binAt(av, direct ? h.smallIndex(size) : 1);
  if (h.bk(h.fd(bin)) !== bin) {
    h.printerr(direct ? "free(): chunks in smallbin corrupted" : "free(): corrupted unsorted chunks", mem);
    return 0;
  }
  if (direct) h.markBin(av, h.smallIndex(size));
  linkFront(h, bin, p, size);
  h.setHead(p, size + PREV_INUSE);
  h.setFoot(p, size);
  return size;
}

/** _int_free_maybe_consolidate (2.43: _int_free_maybe_trim). */
export function maybeTrim(h: Heap, av: number, size: number): void {
  if (size < FASTBIN_CONSOLIDATION_THRESHOLD) return;
  if (h.haveFast(av)) consolidate(h, av);
  if (av === h.main) {
    if (h.chunkSize(h.top(av)) >= h.par(h.parAt.trimThreshold)) systrim(h, av, h.par(h.parAt.topPad));
  } else heapTrim(h, h.heapForPtr(h.top(av)), h.par(h.parAt.topPad));
}
