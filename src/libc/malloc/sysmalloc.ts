import { ENOMEM } from "../../abi/errno.ts";
import { PROT_READ, PROT_WRITE } from "../../abi/mman.ts";
import { growThreadHeap } from "./arena.ts";
import { type Heap, PAGE, PREV_INUSE } from "./heap.ts";
import { innerFree } from "./int-free.ts";
import { splitTop } from "./int-malloc.ts";
import { reportCorruption } from "./messages.ts";
import { exceeds, pageUpRequest, sysmallocMmap } from "./mmapped.ts";
import { MORECORE_FAILURE, sbrk } from "./morecore.ts";

const MMAP_AS_MORECORE_SIZE = 1 << 20;

const OLD_TOP = {
  old:
    "(old_top == (((mbinptr) (((char *) &((av)->bins[((1) - 1) * 2])) - __builtin_offsetof (struct malloc_chunk, fd)))) " +
    "&& old_size == 0) || ((unsigned long) (old_size) >= (unsigned long)((((__builtin_offsetof (struct malloc_chunk, " +
    "fd_nextsize))+((2 * (sizeof(size_t))) - 1)) & ~((2 * (sizeof(size_t))) - 1))) && ((old_top)->size & 0x1) && " +
    "((unsigned long)old_end & pagemask) == 0)",
  new:
    "(old_top == initial_top (av) && old_size == 0) || ((unsigned long) (old_size) >= MINSIZE && prev_inuse (old_top) " +
    "&& ((unsigned long) old_end & (pagesize - 1)) == 0)",
} as const;

/** sysmalloc: memory from the system for `nb` bytes that neither bins nor top can serve. A user pointer, or 0 with ENOMEM. */
export function sysmalloc(h: Heap, nb: number, av: number): number {
  const { m, parAt } = h;
  let triedMmap = false;
  const mapped = nb >= h.par(parAt.mmapThreshold) && m.int(h.mp + parAt.nMmaps) < m.int(h.mp + parAt.nMmapsMax);
  if (av === 0 || mapped) {
    const mem = sysmallocMmap(h, nb);
    if (mem !== 0) return mem;
    triedMmap = true;
  }
  if (av === 0) return 0;
  for (;;) {
    checkOldTop(h, av);
    if (av === h.main) {
      growMain(h, nb);
      break;
    }
    if (growThreadHeap(h, av, nb) || triedMmap) break;
    triedMmap = true;
    const mem = sysmallocMmap(h, nb);
    if (mem !== 0) return mem;
    if (!h.version.sysmallocAgain) break;
  }
  const systemMem = h.systemMem(av);
  if (systemMem > m.word(av + h.state.maxSystemMem)) m.setWord(av + h.state.maxSystemMem, systemMem);
  const p = h.top(av);
  const size = h.chunkSize(p);
  if (size >= nb + h.minSize) {
    splitTop(h, av, p, size, nb);
    return p + h.header;
  }
  h.guest.setErrno(ENOMEM);
  return 0;
}

function checkOldTop(h: Heap, av: number): void {
  const oldTop = h.top(av);
  const oldSize = h.chunkSize(oldTop);
  const sound =
    (oldTop === h.binAt(av, 1) && oldSize === 0) ||
    (oldSize >= h.minSize && (h.bits(oldTop) & PREV_INUSE) !== 0 && (oldTop + oldSize) % PAGE === 0);
  const { lines } = h.version.messages;
  const expanded = h.version.expandedAsserts;
  h.assert(sound, lines.oldTop, expanded ? "sYSMALLOc" : "sysmalloc", expanded ? OLD_TOP.old : OLD_TOP.new);
  // The next assertion of malloc.c, old_size < nb + MINSIZE, cannot fail here: top was found too small.
}

/** A break that moved, or the mapping in its place. */
interface Extension {
  readonly brk: number;
  readonly size: number;
  /** End of a mapping; MORECORE_FAILURE for the break itself. */
  readonly end: number;
}

function extend(h: Heap, nb: number, contiguous: boolean, oldSize: number): Extension | undefined {
  const topPad = h.par(h.parAt.topPad);
  const size = pageUpRequest(h, nb, topPad + h.minSize - (contiguous ? oldSize : 0));
  if (size > 0 && size < (h.W === 8 ? 2 ** 63 : 2 ** 31)) {
    const brk = sbrk(h, size);
    if (brk !== MORECORE_FAILURE) return { brk, size, end: MORECORE_FAILURE };
  }
  const mapping = fallbackSize(h, nb, size, contiguous, oldSize);
  if (mapping === 0) return undefined;
  const brk = h.m.mmap(0, mapping, PROT_READ | PROT_WRITE, 0);
  if (brk < 0) return undefined;
  h.setNoncontiguous(h.main);
  return { brk, size: mapping, end: brk + mapping };
}

/** How much to map when brk fails; 0 if the size would wrap. */
function fallbackSize(h: Heap, nb: number, wanted: number, contiguous: boolean, oldSize: number): number {
  let size = wanted;
  switch (h.version.fallbackMmap) {
    case "whole":
      return Math.max(pageUpRequest(h, nb, h.par(h.parAt.topPad) + h.minSize), MMAP_AS_MORECORE_SIZE);
    case "swapped":
      if (contiguous) size = Math.ceil((size + oldSize) / MMAP_AS_MORECORE_SIZE) * MMAP_AS_MORECORE_SIZE;
      size = Math.max(size, PAGE);
      break;
    case "minimum_mib":
      if (contiguous) size = h.pageUp(size + oldSize);
      size = Math.max(size, MMAP_AS_MORECORE_SIZE);
      break;
  }
  size %= h.W === 8 ? 2 ** 64 : 2 ** 32;
  return exceeds(h, size, nb) ? size : 0;
}

function addSystemMem(h: Heap, amount: number): void {
  h.m.setWord(h.main + h.state.systemMem, h.systemMem(h.main) + amount);
}

function growMain(h: Heap, nb: number): void {
  const { parAt, main } = h;
  const oldTop = h.top(main);
  const oldSize = h.chunkSize(oldTop);
  const oldEnd = oldTop + oldSize;
  const extension = extend(h, nb, h.contiguous(main), oldSize);
  if (extension === undefined) return;
  const { brk, size } = extension;
  if (h.par(parAt.sbrkBase) === 0) h.setPar(parAt.sbrkBase, brk);
  addSystemMem(h, size);
  if (brk === oldEnd && extension.end === MORECORE_FAILURE) {
    h.setHead(oldTop, size + oldSize + PREV_INUSE);
    return;
  }
  if (h.contiguous(main) && oldSize !== 0 && brk < oldEnd) {
    reportCorruption(h, "break adjusted to free malloc space", brk, 3);
    return;
  }
  const misaligned = (brk + h.header) & h.mask;
  const lead = misaligned > 0 ? h.alignment - misaligned : 0;
  const aligned = brk + lead;
  let correction = 0;
  let end = extension.end;
  if (h.contiguous(main)) {
    if (oldSize !== 0) addSystemMem(h, brk - oldEnd);
    correction = lead + oldSize;
    const wanted = brk + size + correction;
    correction += h.pageUp(wanted) - wanted;
    end = sbrk(h, correction);
    if (end === MORECORE_FAILURE) {
      correction = 0;
      end = sbrk(h, 0);
    }
  } else if (end === MORECORE_FAILURE) end = sbrk(h, 0);
  if (end === MORECORE_FAILURE) return;
  h.setTop(main, aligned);
  h.setHead(aligned, end - aligned + correction + PREV_INUSE);
  addSystemMem(h, correction);
  if (oldSize !== 0) fenceOldTop(h, oldTop, oldSize);
}

/** Two fencepost chunks at the end of an old top that no longer borders on the new one; what is before them is freed. */
function fenceOldTop(h: Heap, oldTop: number, oldSize: number): void {
  const usable = oldSize - 2 * h.header;
  const size = usable - (usable & h.mask);
  h.setHead(oldTop, size + PREV_INUSE);
  h.setHead(oldTop + size, h.header + PREV_INUSE);
  h.setHead(oldTop + size + h.header, h.header + PREV_INUSE);
  if (size >= h.minSize) innerFree(h, h.main, oldTop);
}
