import { MADV_DONTNEED, MAP_FIXED, MAP_NORESERVE, PROT_NONE, PROT_READ, PROT_WRITE } from "../../abi/mman.ts";
import { unlinkChunk } from "./bins.ts";
import { type Heap, PAGE, PREV_INUSE } from "./heap.ts";
import { initState } from "./init.ts";
import { innerFree } from "./int-free.ts";

/** Arenas beside main_arena: heaps of HEAP_MAX_SIZE, aligned to it, of which a growing start is readable (arena.c). */

const HEAP_MIN_SIZE = 32 * 1024;

/** Offsets within heap_info, in words. */
const AR_PTR = 0;
const PREV = 1;
const SIZE = 2;
const MPROTECT_SIZE = 3;
const PAGESIZE = 4;

function field(h: Heap, heap: number, index: number): number {
  return h.m.word(heap + index * h.W);
}

function setField(h: Heap, heap: number, index: number, value: number): void {
  h.m.setWord(heap + index * h.W, value);
}

/** new_heap: 0 if there is no room for one. */
function newHeap(h: Heap, wanted: number, topPad: number): number {
  const { m, heapMax } = h;
  let size = wanted;
  if (size + topPad < HEAP_MIN_SIZE) size = HEAP_MIN_SIZE;
  else if (size + topPad <= heapMax) size += topPad;
  else if (size > heapMax) return 0;
  else size = heapMax;
  size = h.pageUp(size);
  const flags = h.version.heapNoReserve ? MAP_NORESERVE : 0;
  const heap = alignedArea(h, flags);
  if (heap === 0) return 0;
  if (m.mprotect(heap, size, PROT_READ | PROT_WRITE) !== 0) {
    m.munmap(heap, heapMax);
    return 0;
  }
  setField(h, heap, SIZE, size);
  setField(h, heap, MPROTECT_SIZE, size);
  if (h.version.heapPagesize) setField(h, heap, PAGESIZE, PAGE);
  return heap;
}

/** HEAP_MAX_SIZE bytes aligned to as much: the place behind the last heap if it was remembered, or cut from twice as much. */
function alignedArea(h: Heap, flags: number): number {
  const { m, heapMax, at } = h;
  const remembered = m.word(at.alignedHeapArea);
  if (remembered !== 0) {
    const p = m.mmap(remembered, heapMax, PROT_NONE, flags);
    m.setWord(at.alignedHeapArea, 0);
    if (p >= 0 && p % heapMax === 0) return p;
    if (p >= 0) m.munmap(p, heapMax);
  }
  const wide = m.mmap(0, 2 * heapMax, PROT_NONE, flags);
  if (wide >= 0) {
    const aligned = Math.ceil(wide / heapMax) * heapMax;
    const front = aligned - wide;
    if (front !== 0) m.munmap(wide, front);
    else m.setWord(at.alignedHeapArea, aligned + heapMax);
    m.munmap(aligned + heapMax, heapMax - front);
    return aligned;
  }
  const narrow = m.mmap(0, heapMax, PROT_NONE, flags);
  if (narrow < 0) return 0;
  if (narrow % heapMax === 0) return narrow;
  m.munmap(narrow, heapMax);
  return 0;
}

function growHeap(h: Heap, heap: number, difference: number): boolean {
  const size = field(h, heap, SIZE) + h.pageUp(difference);
  if (size > h.heapMax) return false;
  const readable = field(h, heap, MPROTECT_SIZE);
  if (size > readable) {
    if (h.m.mprotect(heap + readable, size - readable, PROT_READ | PROT_WRITE) !== 0) return false;
    setField(h, heap, MPROTECT_SIZE, size);
  }
  setField(h, heap, SIZE, size);
  return true;
}

function shrinkHeap(h: Heap, heap: number, difference: number): boolean {
  const size = field(h, heap, SIZE) - difference;
  if (size < h.heapInfoSize) return false;
  if (h.guest.mayShrinkHeap()) {
    if (h.m.mmap(heap + size, difference, PROT_NONE, MAP_FIXED) < 0) return false;
    setField(h, heap, MPROTECT_SIZE, size);
  } else h.m.madvise(heap + size, difference, MADV_DONTNEED);
  setField(h, heap, SIZE, size);
  return true;
}

/** sysmalloc's part for a thread arena: grow the heap, or add another. False if neither can be done. */
export function growThreadHeap(h: Heap, av: number, nb: number): boolean {
  const { m } = h;
  const oldTop = h.top(av);
  const oldSize = h.chunkSize(oldTop);
  const oldHeap = h.heapForPtr(oldTop);
  const oldHeapSize = field(h, oldHeap, SIZE);
  const missing = h.minSize + nb - oldSize;
  if (missing > 0 && growHeap(h, oldHeap, missing)) {
    const size = field(h, oldHeap, SIZE);
    m.setWord(av + h.state.systemMem, h.systemMem(av) + size - oldHeapSize);
    h.setHead(oldTop, oldHeap + size - oldTop + PREV_INUSE);
    return true;
  }
  const heap = newHeap(h, nb + h.minSize + h.heapInfoSize, h.par(h.parAt.topPad));
  if (heap === 0) return false;
  setField(h, heap, AR_PTR, av);
  setField(h, heap, PREV, oldHeap);
  const size = field(h, heap, SIZE);
  m.setWord(av + h.state.systemMem, h.systemMem(av) + size);
  h.setTop(av, heap + h.heapInfoSize);
  h.setHead(heap + h.heapInfoSize, size - h.heapInfoSize + PREV_INUSE);
  const usable = oldSize - h.minSize;
  const old = usable - (usable & h.mask);
  h.setHead(oldTop + old + h.header, PREV_INUSE);
  if (old >= h.minSize) {
    h.setHead(oldTop + old, h.header + PREV_INUSE);
    h.setFoot(oldTop + old, h.header);
    h.setHead(oldTop, old + PREV_INUSE + 4);
    innerFree(h, av, oldTop);
  } else {
    h.setHead(oldTop, old + h.header + PREV_INUSE);
    h.setFoot(oldTop, old + h.header);
  }
  return true;
}

/** heap_trim: unmaps heaps that hold nothing but top, then gives the end of the last one back. */
export function heapTrim(h: Heap, last: number, pad: number): boolean {
  const { m, at } = h;
  const av = field(h, last, AR_PTR);
  let heap = last;
  let top = h.top(av);
  while (top === heap + h.heapInfoSize) {
    const previous = field(h, heap, PREV);
    const previousSize = field(h, previous, SIZE);
    let p = previous + previousSize - (h.minSize - h.header);
    const misalign = p & h.mask;
    p -= misalign;
    h.assert(m.word(p + h.W) === PREV_INUSE, 0, "heap_trim", "chunksize_nomask (p) == (0 | PREV_INUSE)");
    p = m.pointer(p - m.word(p));
    let size = h.chunkSize(p) + (h.minSize - h.header) + misalign;
    h.assert(size > 0 && size < 2 * h.minSize, 0, "heap_trim", "new_size > 0 && new_size < (long) (2 * MINSIZE)");
    const free = (h.bits(p) & PREV_INUSE) === 0;
    if (free) size += m.word(p);
    h.assert(size > 0 && size < h.heapMax, 0, "heap_trim", "new_size > 0 && new_size < max_size");
    if (size + (h.heapMax - previousSize) < pad + h.minSize + PAGE) break;
    m.setWord(av + h.state.systemMem, h.systemMem(av) - field(h, heap, SIZE));
    if (heap + h.heapMax === m.word(at.alignedHeapArea)) m.setWord(at.alignedHeapArea, 0);
    m.munmap(heap, h.heapMax);
    heap = previous;
    if (free) {
      p = m.pointer(p - m.word(p));
      unlinkChunk(h, p, "p");
    }
    top = p;
    h.setTop(av, p);
    h.setHead(p, size + PREV_INUSE);
  }
  const topSize = h.chunkSize(top);
  if (h.version.heapTrimThreshold && topSize < h.par(h.parAt.trimThreshold)) return false;
  const area = topSize - h.minSize - 1;
  if (area < 0 || area <= pad) return false;
  const extra = h.pageDown(area - pad);
  if (extra === 0 || !shrinkHeap(h, heap, extra)) return false;
  m.setWord(av + h.state.systemMem, h.systemMem(av) - extra);
  h.setHead(top, topSize - extra + PREV_INUSE);
  return true;
}

function threadArena(h: Heap): number {
  return h.m.word(h.guest.threadPointer() + h.at.tls.threadArena);
}

export function setThreadArena(h: Heap, av: number): void {
  h.m.setWord(h.guest.threadPointer() + h.at.tls.threadArena, av);
}

/** The lock could be taken: no other thread was stopped inside malloc with it, nor does the current call hold it. */
function tryLock(h: Heap, av: number): boolean {
  return h.held !== av && h.m.int(av + h.state.mutex) === 0;
}

function attach(h: Heap, av: number, change: 1 | -1): void {
  const address = av + h.state.attachedThreads;
  h.m.setWord(address, h.m.word(address) + change);
}

/** arena_get. `plain` leaves SINGLE_THREAD_P's short cut to main_arena out. */
export function arenaGet(h: Heap, bytes: number, plain: boolean): number {
  if (!plain && h.version.singleThread && h.guest.singleThreaded()) return h.main;
  const av = threadArena(h);
  if (h.version.arenas === "limited") return av !== 0 ? av : arenaGet2(h, bytes, 0);
  return av !== 0 && tryLock(h, av) ? av : arenaGet2(h, bytes, av);
}

/**
 * arena_get2. Without PER_THREAD (2.14 and before): the first arena whose lock is free, else a new one; `avoid` is the
 * thread's own, 0 if it has none. Later: a free-listed arena, a new one below the limit, or sharing round robin.
 */
function arenaGet2(h: Heap, bytes: number, avoid: number): number {
  const { m, at } = h;
  if (h.version.arenas === "trylock") {
    const start = avoid === 0 ? h.main : m.word(avoid + h.state.next);
    const stop = avoid === 0 ? h.main : avoid;
    let av = start;
    do {
      if (tryLock(h, av)) {
        setThreadArena(h, av);
        return av;
      }
      av = m.word(av + h.state.next);
    } while (av !== stop);
    return newArena(h, bytes);
  }
  const free = m.word(at.freeList);
  if (free !== 0) {
    m.setWord(at.freeList, m.word(free + h.state.nextFree));
    m.setWord(free + h.state.attachedThreads, 1);
    const replaced = threadArena(h);
    if (replaced !== 0) attach(h, replaced, -1);
    setThreadArena(h, free);
    return free;
  }
  let limit = m.word(at.narenasLimit);
  const count = m.word(at.narenas);
  if (limit === 0) {
    const maximum = h.par(h.parAt.arenaMax);
    if (maximum !== 0) limit = maximum;
    else if (count > h.par(h.parAt.arenaTest)) {
      const processors = h.guest.nprocs();
      limit = (processors >= 1 ? processors : 2) * (h.W === 4 ? 2 : 8);
    }
    if (limit !== 0) m.setWord(at.narenasLimit, limit);
  }
  // narenas_limit - 1 wraps to the largest size_t while no limit is known.
  if (limit !== 0 && count > limit - 1) return reusedArena(h, avoid);
  m.setWord(at.narenas, count + 1);
  const av = newArena(h, bytes);
  if (av === 0) m.setWord(at.narenas, count);
  return av;
}

/** _int_new_arena: an arena at the start of a heap of its own; the thread takes it. */
function newArena(h: Heap, bytes: number): number {
  const { m, at } = h;
  const fixed = h.heapInfoSize + h.state.sizeof + h.alignment;
  const topPad = h.par(h.parAt.topPad);
  let heap = newHeap(h, bytes + fixed, topPad);
  if (heap === 0) heap = newHeap(h, fixed, topPad);
  if (heap === 0) return 0;
  const av = heap + h.heapInfoSize;
  const size = field(h, heap, SIZE);
  setField(h, heap, AR_PTR, av);
  initState(h, av);
  m.setWord(av + h.state.systemMem, size);
  m.setWord(av + h.state.maxSystemMem, size);
  let p = av + h.state.sizeof;
  const misaligned = (p + h.header) & h.mask;
  if (misaligned > 0) p += h.alignment - misaligned;
  h.setTop(av, p);
  h.setHead(p, heap + size - p + PREV_INUSE);
  const replaced = threadArena(h);
  setThreadArena(h, av);
  m.setWord(av + h.state.next, m.word(h.main + h.state.next));
  m.setWord(h.main + h.state.next, av);
  if (h.version.arenas === "limited") {
    m.setWord(av + h.state.attachedThreads, 1);
    if (replaced !== 0) attach(h, replaced, -1);
  } else m.setWord(at.arenaMem, m.word(at.arenaMem) + size);
  return av;
}

/** reused_arena: round robin from `next_to_use`. */
function reusedArena(h: Heap, avoid: number): number {
  const { m, at } = h;
  const start = m.word(at.nextToUse) === 0 ? h.main : m.word(at.nextToUse);
  let av = start;
  while (!tryLock(h, av)) {
    av = m.word(av + h.state.next);
    if (av === start) {
      if (av === avoid) av = m.word(av + h.state.next);
      break;
    }
  }
  const replaced = threadArena(h);
  if (replaced !== 0) attach(h, replaced, -1);
  removeFromFreeList(h, av);
  attach(h, av, 1);
  setThreadArena(h, av);
  m.setWord(at.nextToUse, m.word(av + h.state.next));
  return av;
}

function removeFromFreeList(h: Heap, av: number): void {
  const { m } = h;
  let link = h.at.freeList;
  for (let p = m.word(link); p !== 0; p = m.word(link)) {
    if (p === av) {
      m.setWord(link, m.word(p + h.state.nextFree));
      return;
    }
    link = p + h.state.nextFree;
  }
}

/** arena_get_retry (up to 2.14: the same steps in public_mALLOc): main_arena after another, another after main_arena. */
export function arenaRetry(h: Heap, av: number, bytes: number): number {
  if (av !== h.main) return h.main;
  if (h.version.arenas === "limited") return arenaGet2(h, bytes, av);
  h.held = h.main;
  const other = arenaGet2(h, bytes, av);
  h.held = 0;
  return other;
}

/** __malloc_arena_thread_freeres: the thread's arena goes to the free list when no other thread uses it. */
export function threadArenaFreeres(h: Heap): void {
  const { m, at } = h;
  const av = threadArena(h);
  setThreadArena(h, 0);
  if (av === 0 || h.version.arenas !== "limited") return;
  attach(h, av, -1);
  if (m.word(av + h.state.attachedThreads) !== 0) return;
  m.setWord(av + h.state.nextFree, m.word(at.freeList));
  m.setWord(at.freeList, av);
}
