import { arenaGet, arenaRetry } from "./arena.ts";
import type { Heap } from "./heap.ts";
import { intFreeChunk } from "./int-free.ts";
import { intMalloc } from "./int-malloc.ts";
import { WIDE } from "./memory.ts";
import type { TcacheTraits } from "./version.ts";

/*
 * The per-thread cache (malloc.c, 2.26 and later): an array of 16-bit counters and an array of list heads. A cached block's
 * first word links to the next one (safe-linked from 2.32 on), its second is the double-free key.
 */

/** The thread's `tcache` variable; 0 if there is none. */
export function tcachePointer(h: Heap): number {
  return h.tc === null ? 0 : h.m.word(h.guest.threadPointer() + h.at.tls.tcache);
}

function setTcachePointer(h: Heap, value: number): void {
  h.m.setWord(h.guest.threadPointer() + h.at.tls.tcache, value);
}

/** csize2tidx. */
export function tcacheIndex(h: Heap, size: number): number {
  const padding = h.tc?.lazy ? 0 : h.mask;
  return Math.floor((size - h.minSize + padding) / h.alignment);
}

/** large_csize2tidx (2.42): one bin for each power of two above the small ones. */
function largeIndex(h: Heap, size: number): number {
  const smallMax = 63 * h.alignment + h.minSize;
  return 64 + Math.clz32(smallMax) - Math.clz32(size);
}

/** The bin of a size that the cache may hold, or -1. `nb` is below mp_.tcache_max_bytes in the lazy version. */
function lazyIndex(h: Heap, nb: number): number {
  const index = tcacheIndex(h, nb);
  return index < 64 ? index : largeIndex(h, nb);
}

/** 2.42: `tcache` points at a dummy in libc until the first free, or for good when the cache is off. */
function inactive(h: Heap, tcache: number): boolean {
  return tcache === h.at.tcacheDummy;
}

/** The thread has a cache of its own. */
export function tcacheUsable(h: Heap, tc: TcacheTraits, tcache: number): boolean {
  if (!tc.lazy) return tcache !== 0;
  return tcache !== h.at.tcacheDummy && tcache !== h.at.tcacheDummy + 1;
}

/** Whether bin `index` has room for one more. */
export function tcacheRoom(h: Heap, tc: TcacheTraits, tcache: number, index: number): boolean {
  const counter = h.m.half(tcache + 2 * index);
  if (tc.counter === "num_slots") return counter !== 0;
  return counter < h.par(h.parAt.tcacheCount);
}

/** tcache_put. */
export function tcachePut(h: Heap, tc: TcacheTraits, tcache: number, chunk: number, index: number): void {
  const { m, W } = h;
  const entry = chunk + h.header;
  const head = tcache + h.tcacheEntries + W * index;
  writeKey(h, tc, tcache, entry);
  m.setWord(entry, h.protect(entry, m.word(head)));
  m.setWord(head, entry);
  count(h, tc, tcache, index, 1);
}

function count(h: Heap, tc: TcacheTraits, tcache: number, index: number, blocks: 1 | -1): void {
  const address = tcache + 2 * index;
  const step = tc.counter === "counts" ? blocks : -blocks;
  h.m.setHalf(address, (h.m.half(address) + step) & 0xffff);
}

function writeKey(h: Heap, tc: TcacheTraits, tcache: number, entry: number): void {
  if (tc.key === "struct") h.m.setWord(entry + h.W, tcache);
  else h.m.setWordXor(entry + h.W, h.at.tcacheKey, 0);
}

function keyMatches(h: Heap, tc: TcacheTraits, tcache: number, entry: number): boolean {
  if (tc.key === "struct") return h.m.word(entry + h.W) === tcache;
  return h.m.sameWord(entry + h.W, h.at.tcacheKey);
}

/** tcache_get_n: takes the block that the link word `position` (a list head, or a block's own link) points to. */
function take(h: Heap, tc: TcacheTraits, tcache: number, index: number, position: number, head: boolean): number {
  const { m } = h;
  if (h.version.safeLinking && (head ? h.misalignedAt(position, false) : h.misalignedLink(position, false))) {
    h.printerr("malloc(): unaligned tcache chunk detected", 0);
  }
  const entry = head ? m.word(position) : h.reveal(position);
  if (head) h.revealInto(position, entry);
  else m.setWord(position, h.protect(position, h.reveal(entry)));
  count(h, tc, tcache, index, -1);
  m.setWord(entry + h.W, 0);
  return entry;
}

export function tcacheGet(h: Heap, tc: TcacheTraits, tcache: number, index: number): number {
  return take(h, tc, tcache, index, tcache + h.tcacheEntries + h.W * index, true);
}

/** The user pointer of a cached block of `nb` bytes, or 0. Does not create the cache. */
export function tcacheTryGet(h: Heap, tc: TcacheTraits, tcache: number, nb: number): number {
  if (tc.lazy) {
    if (nb >= h.par(h.parAt.tcacheMaxBytes)) return 0;
    const index = tcacheIndex(h, nb);
    if (index >= 64) return takeLarge(h, tc, tcache, nb);
    if (h.m.word(tcache + h.tcacheEntries + h.W * index) === 0) return 0;
    return tcacheGet(h, tc, tcache, index);
  }
  if (tcache === 0) return 0;
  const index = tcacheIndex(h, nb);
  if (index >= h.par(h.parAt.tcacheBins) || h.m.half(tcache + 2 * index) === 0) return 0;
  return tcacheGet(h, tc, tcache, index);
}

/** tcache_location_large: the first link whose block is not smaller than `nb`; lists of the large bins ascend. */
function locateLarge(
  h: Heap,
  tcache: number,
  index: number,
  nb: number,
): { position: number; head: boolean; entry: number } {
  let position = tcache + h.tcacheEntries + h.W * index;
  let head = true;
  let entry = h.m.word(position);
  while (entry !== 0 && h.chunkSize(entry - h.header) < nb) {
    position = entry;
    head = false;
    entry = h.reveal(position);
  }
  return { position, head, entry };
}

function takeLarge(h: Heap, tc: TcacheTraits, tcache: number, nb: number): number {
  const index = largeIndex(h, nb);
  const { position, head, entry } = locateLarge(h, tcache, index, nb);
  if (entry === 0 || h.chunkSize(entry - h.header) !== nb) return 0;
  return take(h, tc, tcache, index, position, head);
}

/** A cached block of exactly `nb` bytes with the alignment (memalign, 2.38), or 0. */
export function tcacheGetAligned(h: Heap, tc: TcacheTraits, nb: number, alignment: number): number {
  const tcache = tcachePointer(h);
  let index: number;
  if (tc.lazy) {
    if (nb >= h.par(h.parAt.tcacheMaxBytes)) return 0;
    index = lazyIndex(h, nb);
  } else {
    index = tcacheIndex(h, nb);
    if (tcache === 0 || index >= h.par(h.parAt.tcacheBins) || h.m.half(tcache + 2 * index) === 0) return 0;
  }
  let position = tcache + h.tcacheEntries + h.W * index;
  let head = true;
  let entry = h.m.word(position);
  while (entry !== 0) {
    const size = tc.lazy ? h.chunkSize(entry - h.header) : nb;
    if (size > nb) return 0;
    // A damaged link from 2^53 on reads rounded, and looks aligned; following it faults, as it does in glibc.
    if (size === nb && entry < WIDE && entry % alignment === 0) return take(h, tc, tcache, index, position, head);
    position = entry;
    head = false;
    entry = h.reveal(position);
  }
  return 0;
}

/** tcache_double_free_verify: the key matches; search the bin, or every bin (2.42), for the block itself. */
function verifyDoubleFree(h: Heap, tc: TcacheTraits, tcache: number, entry: number, index: number): void {
  const limit = h.par(h.parAt.tcacheCount);
  const first = tc.verify === "all_bins" ? 0 : index;
  const last = tc.verify === "all_bins" ? tc.bins - 1 : index;
  for (let bin = first; bin <= last; bin++) {
    let position = tcache + h.tcacheEntries + h.W * bin;
    let head = true;
    let block = h.m.word(position);
    for (let n = 0; block !== 0; n++) {
      if (tc.verify !== "bin" && n >= limit) h.printerr("free(): too many chunks detected in tcache", 0);
      if (h.version.safeLinking && (head ? h.misalignedAt(position, false) : h.misalignedLink(position, false))) {
        h.printerr("free(): unaligned chunk detected in tcache 2", 0);
      }
      if (block === entry) h.printerr("free(): double free detected in tcache 2", entry);
      position = block;
      head = false;
      block = h.reveal(position);
    }
  }
}

/** The tcache part of _int_free up to 2.41: true if the chunk was taken in. */
export function tcacheFree(h: Heap, tc: TcacheTraits, p: number, size: number): boolean {
  const tcache = tcachePointer(h);
  if (tcache === 0) return false;
  const index = tcacheIndex(h, size);
  if (index < 0 || index >= h.par(h.parAt.tcacheBins)) return false;
  const entry = p + h.header;
  if (keyMatches(h, tc, tcache, entry)) verifyDoubleFree(h, tc, tcache, entry, index);
  if (!tcacheRoom(h, tc, tcache, index)) return false;
  tcachePut(h, tc, tcache, p, index);
  return true;
}

/** The tcache part of free from 2.42 on; creates the cache when the first block comes. */
export function tcacheFreeLazy(h: Heap, tc: TcacheTraits, p: number, size: number): boolean {
  for (;;) {
    if (size >= h.par(h.parAt.tcacheMaxBytes)) return false;
    const tcache = tcachePointer(h);
    const entry = p + h.header;
    if (keyMatches(h, tc, tcache, entry)) {
      verifyDoubleFree(h, tc, tcache, entry, 0);
      h.m.setWord(entry + h.W, 0);
      continue;
    }
    const index = tcacheIndex(h, size);
    if (index >= 0 && index < 64) {
      if (h.m.half(tcache + 2 * index) !== 0) {
        tcachePut(h, tc, tcache, p, index);
        return true;
      }
    } else if (size >= h.minSize) {
      const large = largeIndex(h, size);
      if (h.m.half(tcache + 2 * large) !== 0) {
        putLarge(h, tc, tcache, p, large);
        return true;
      }
    }
    if (!inactive(h, tcache)) return false;
    tcacheInitLazy(h, tc, 0);
  }
}

function putLarge(h: Heap, tc: TcacheTraits, tcache: number, p: number, index: number): void {
  const { m } = h;
  const { position, head } = locateLarge(h, tcache, index, h.chunkSize(p));
  const entry = p + h.header;
  writeKey(h, tc, tcache, entry);
  const next = head ? m.word(position) : h.reveal(position);
  m.setWord(entry, h.protect(entry, next));
  m.setWord(position, head ? entry : h.protect(position, entry));
  count(h, tc, tcache, index, 1);
}

/** MAYBE_INIT_TCACHE (2.26-2.41): the struct comes from the thread's arena before anything else is served. */
export function tcacheInit(h: Heap): void {
  const { m } = h;
  const thread = h.guest.threadPointer();
  if (m.word(thread + h.at.tls.tcache) !== 0 || m.byte(thread + h.at.tls.tcacheShuttingDown) !== 0) return;
  let av = arenaGet(h, h.tcacheSize, true);
  let victim = intMalloc(h, av, h.tcacheSize);
  if (victim === 0 && av !== 0) {
    av = arenaRetry(h, av, h.tcacheSize);
    victim = intMalloc(h, av, h.tcacheSize);
  }
  if (victim === 0) return;
  setTcachePointer(h, victim);
  m.fill(victim, 0, h.tcacheSize);
}

/** tcache_init of 2.42: `av` is the arena being worked on, 0 from free. */
export function tcacheInitLazy(h: Heap, tc: TcacheTraits, av: number): void {
  const { m } = h;
  setTcachePointer(h, h.at.tcacheDummy + 1);
  const slots = h.par(h.parAt.tcacheCount);
  if (slots === 0) return;
  let victim: number;
  if (av !== 0) victim = intMalloc(h, av, h.request2size(h.tcacheSize));
  else {
    let arena = arenaGet(h, h.tcacheSize, false);
    victim = intMalloc(h, arena, h.tcacheSize);
    if (victim === 0 && arena !== 0 && !h.guest.singleThreaded()) {
      arena = arenaRetry(h, arena, h.tcacheSize);
      victim = intMalloc(h, arena, h.tcacheSize);
    }
  }
  if (victim === 0) return;
  setTcachePointer(h, victim);
  m.fill(victim, 0, h.tcacheSize);
  for (let i = 0; i < tc.bins; i++) m.setHalf(victim + 2 * i, slots);
}

/** The cache into which _int_malloc moves blocks of the wanted size, or 0. In 2.42 it is created here if missing. */
export function tcacheForStash(h: Heap, tc: TcacheTraits, av: number, index: number): number {
  if (index < 0 || index >= h.par(h.parAt.tcacheBins)) return 0;
  const tcache = tcachePointer(h);
  if (!tc.lazy) return tcache;
  tcacheCreate(h, tc, av);
  return tcachePointer(h);
}

/** 2.42: creates the cache from inside _int_malloc if the thread has none yet. */
export function tcacheCreate(h: Heap, tc: TcacheTraits, av: number): void {
  if (inactive(h, tcachePointer(h))) tcacheInitLazy(h, tc, av);
}

/** tcache_thread_shutdown: at thread exit every cached block and the struct itself go back by free. */
export function tcacheThreadShutdown(h: Heap, tc: TcacheTraits, free: (mem: number) => void): void {
  const { m } = h;
  const tcache = tcachePointer(h);
  const thread = h.guest.threadPointer();
  if (tc.lazy) setTcachePointer(h, h.at.tcacheDummy + 1);
  else m.setByte(thread + h.at.tls.tcacheShuttingDown, 1);
  if (!tcacheUsable(h, tc, tcache)) return;
  if (!tc.lazy) setTcachePointer(h, 0);
  for (let i = 0; i < tc.bins; i++) {
    const head = tcache + h.tcacheEntries + h.W * i;
    for (let entry = m.word(head); entry !== 0; entry = m.word(head)) {
      if (h.version.safeLinking && h.misalignedAt(head, false)) {
        h.printerr("tcache_thread_shutdown(): unaligned tcache chunk detected", 0);
      }
      h.revealInto(head, entry);
      if (tc.lazy) m.setWord(entry + h.W, 0);
      releaseCached(h, tc, entry, free);
    }
  }
  releaseCached(h, tc, tcache, free);
}

function releaseCached(h: Heap, tc: TcacheTraits, mem: number, free: (mem: number) => void): void {
  if (!tc.lazy) {
    free(mem);
    return;
  }
  const p = mem - h.header;
  intFreeChunk(h, h.arenaForChunk(p), p, h.chunkSize(p), false);
}
