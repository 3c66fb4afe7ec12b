import { ENOMEM } from "../../abi/errno.ts";
import { clearNextsize, fileChunk, linkFront, unlinkChunk } from "./bins.ts";
import { consolidate } from "./consolidate.ts";
import { type Heap, NON_MAIN_ARENA, PREV_INUSE } from "./heap.ts";
import { WIDE } from "./memory.ts";
import { sysmalloc } from "./sysmalloc.ts";
import {
  tcacheCreate,
  tcacheForStash,
  tcacheGet,
  tcacheIndex,
  tcachePointer,
  tcachePut,
  tcacheRoom,
} from "./tcache.ts";

const MAX_ITERS = 10000;

/** checked_request2size: the chunk size for a request, or -1 (ENOMEM) if the version refuses it outright. */
export function checkedRequest2size(h: Heap, bytes: number): number {
  if (bytes < 0x7fffffff) return h.request2size(bytes);
  const ptrdiff = h.version.largestRequest === "ptrdiff_max";
  if (h.W === 4) {
    if (ptrdiff ? bytes > 0x7fffffff : bytes >= 0x100000000 - 2 * h.minSize) return -1;
  } else if (bytes >= WIDE && h.wideRequest >= (ptrdiff ? 2n ** 63n : 2n ** 64n - BigInt(2 * h.minSize))) return -1;
  return h.request2size(bytes);
}

/** Marks a chunk as used: its neighbour's PREV_INUSE, and NON_MAIN_ARENA outside main_arena. */
function markUsed(h: Heap, av: number, p: number, size: number): void {
  h.orBits(p + size, PREV_INUSE);
  if (av !== h.main) h.orBits(p, NON_MAIN_ARENA);
}

function finish(h: Heap, p: number, bytes: number): number {
  const mem = p + h.header;
  h.allocPerturb(mem, bytes);
  return mem;
}

/** A message found while allocating; the value to return if the program goes on, or -1 to hand the chunk out (2.11). */
function failed(h: Heap, text: string, pointer: number): 0 | -1 {
  h.printerr(text, pointer);
  return h.version.checks.mallocErrorReturnsNull ? 0 : -1;
}

/** _int_malloc: the user pointer of a chunk for `bytes` from arena `av` (0: mmap only), or 0 with errno ENOMEM. */
export function intMalloc(h: Heap, av: number, bytes: number): number {
  const { version } = h;
  const nb = checkedRequest2size(h, bytes);
  if (nb < 0) {
    h.guest.setErrno(ENOMEM);
    return 0;
  }
  if (av === 0) {
    const mem = sysmalloc(h, nb, av);
    if (mem !== 0) h.allocPerturb(mem, bytes);
    return mem;
  }
  if (version.fastbins && nb <= h.maxFast()) {
    const mem = fromFastbin(h, av, nb, bytes);
    if (mem >= 0) return mem;
  }
  const small = nb < h.minLarge;
  let index: number;
  if (small) {
    index = h.smallIndex(nb);
    const bin = h.binAt(av, index);
    const victim = h.bk(bin);
    if (victim !== bin) return fromSmallbin(h, av, bin, victim, nb, bytes);
  } else {
    index = h.largeIndex(nb);
    if (h.haveFast(av)) consolidate(h, av);
  }
  for (;;) {
    const sorted = sortUnsorted(h, av, nb, bytes, small);
    if (sorted >= 0) return sorted;
    if (!small) {
      const mem = fromLargebin(h, av, h.binAt(av, index), nb, bytes);
      if (mem >= 0) return mem;
    }
    const binned = fromLargerBin(h, av, index + 1, nb, bytes, small);
    if (binned >= 0) return binned;
    const victim = h.top(av);
    const size = h.chunkSize(victim);
    if (version.checks.topSize && size > h.systemMem(av)) h.printerr("malloc(): corrupted top size", victim);
    if (size >= nb + h.minSize) {
      splitTop(h, av, victim, size, nb);
      return finish(h, victim, bytes);
    }
    if (!h.haveFast(av)) {
      const mem = sysmalloc(h, nb, av);
      if (mem !== 0) h.allocPerturb(mem, bytes);
      return mem;
    }
    consolidate(h, av);
  }
}

/** Cuts `nb` bytes from the start of top. A top whose size was overwritten with something huge is split exactly. */
export function splitTop(h: Heap, av: number, victim: number, size: number, nb: number): void {
  const { m } = h;
  if (nb >= WIDE) {
    splitTopWide(h, av, victim, h.exactSize(nb));
    return;
  }
  const remainder = m.pointer(victim + nb);
  h.setTop(av, remainder);
  if (size < WIDE) {
    h.setHead(victim, nb + PREV_INUSE + (av !== h.main ? NON_MAIN_ARENA : 0));
    h.setHead(remainder, size - nb + PREV_INUSE);
  } else {
    m.setWordDifference(remainder + h.W, victim + h.W, nb, PREV_INUSE);
    h.setHead(victim, nb + PREV_INUSE + (av !== h.main ? NON_MAIN_ARENA : 0));
  }
}

/** Up to 2.29 a request may exceed half the address space: with a damaged top it carries top around to any address. */
function splitTopWide(h: Heap, av: number, victim: number, nb: bigint): void {
  const { m } = h;
  const low = BigInt(m.lowBits(victim + h.W) & ~7);
  const size = BigInt.asUintN(64, (BigInt(m.lowBits(victim + h.W + 4)) << 32n) + BigInt.asUintN(32, low));
  const remainder = BigInt.asUintN(64, BigInt(victim) + nb);
  m.setExact(av + h.state.top, remainder);
  m.setExact(victim + h.W, nb + BigInt(PREV_INUSE + (av !== h.main ? NON_MAIN_ARENA : 0)));
  m.setExact(Number(remainder) + h.W, BigInt.asUintN(64, size - nb) + BigInt(PREV_INUSE));
}

function fromFastbin(h: Heap, av: number, nb: number, bytes: number): number {
  const { m, version } = h;
  const index = h.fastbinIndex(nb);
  const bin = av + h.state.fastbins + h.W * index;
  const victim = m.word(bin);
  if (victim === 0) return -1;
  const { safeLinking } = version;
  if (safeLinking && h.misalignedAt(bin, true)) {
    h.printerr("malloc(): unaligned fastbin chunk detected 2", victim);
  }
  popFastbin(h, bin, victim);
  if (h.fastbinIndex(m.lowBits(victim + h.W) & ~7) !== index) {
    const result = failed(h, "malloc(): memory corruption (fast)", victim + h.header);
    if (result === 0) return 0;
  }
  const tc = h.tc;
  if (tc !== null) {
    const slot = tcacheIndex(h, nb);
    const tcache = tcachePointer(h);
    if (tcache !== 0 && slot < h.par(h.parAt.tcacheBins)) {
      while (tcacheRoom(h, tc, tcache, slot)) {
        const chunk = m.word(bin);
        if (chunk === 0) break;
        if (safeLinking && h.misalignedAt(bin, true)) {
          h.printerr("malloc(): unaligned fastbin chunk detected 3", chunk);
        }
        popFastbin(h, bin, chunk);
        tcachePut(h, tc, tcache, chunk, slot);
      }
    }
  }
  return finish(h, victim, bytes);
}

/** Takes the head off a fastbin. With threads REMOVE_FB looks at the next chunk's alignment. */
function popFastbin(h: Heap, bin: number, victim: number): void {
  const link = victim + h.header;
  if (h.version.safeLinking && !h.guest.singleThreaded() && h.reveal(link) !== 0 && h.misalignedLink(link, true)) {
    h.printerr("malloc(): unaligned fastbin chunk detected", victim);
  }
  h.revealInto(bin, link);
}

function fromSmallbin(h: Heap, av: number, bin: number, victim: number, nb: number, bytes: number): number {
  const bck = h.bk(victim);
  if (h.fd(bck) !== victim) {
    const result = failed(h, "malloc(): smallbin double linked list corrupted", victim + h.header);
    if (result === 0) return 0;
  }
  h.orBits(victim + nb, PREV_INUSE);
  h.setBk(bin, bck);
  h.setFd(bck, bin);
  if (av !== h.main) h.orBits(victim, NON_MAIN_ARENA);
  const tc = h.tc;
  if (tc !== null) {
    const slot = tcacheIndex(h, nb);
    const tcache = tcacheForStash(h, tc, av, slot);
    while (tcache !== 0 && tcacheRoom(h, tc, tcache, slot)) {
      const chunk = h.bk(bin);
      if (chunk === bin) break;
      const before = h.bk(chunk);
      markUsed(h, av, chunk, nb);
      h.setBk(bin, before);
      h.setFd(before, bin);
      tcachePut(h, tc, tcache, chunk, slot);
    }
  }
  return finish(h, victim, bytes);
}

/** The five checks of 2.29 on every unsorted chunk, or the one of before. */
function checkUnsorted(h: Heap, av: number, unsorted: number, victim: number, bck: number, size: number): void {
  const { m } = h;
  const systemMem = h.systemMem(av);
  if (!h.version.checks.unsorted) {
    const head = m.word(victim + h.W);
    if (head <= 2 * h.W || head > systemMem) h.printerr("malloc(): memory corruption", victim + h.header);
    return;
  }
  if (size <= h.header || size > systemMem) h.printerr("malloc(): invalid size (unsorted)", victim);
  const next = victim + size;
  const nextHead = m.word(next + h.W);
  if (nextHead < h.header || nextHead > systemMem) h.printerr("malloc(): invalid next size (unsorted)", victim);
  const foot = m.word(next);
  if (foot - (foot & 7) !== size) h.printerr("malloc(): mismatching next->prev_size (unsorted)", victim);
  if (h.fd(bck) !== victim || h.fd(victim) !== unsorted) {
    h.printerr("malloc(): unsorted double linked list corrupted", victim);
  }
  if ((nextHead & PREV_INUSE) !== 0) h.printerr("malloc(): invalid next->prev_inuse (unsorted)", victim);
}

/** The unsorted loop: returns a user pointer, or -1 when the search has to go on in the bins. */
function sortUnsorted(h: Heap, av: number, nb: number, bytes: number, small: boolean): number {
  const { tc } = h;
  const unsorted = h.binAt(av, 1);
  const slot = tc === null ? -1 : tcacheIndex(h, nb);
  const caches = tc !== null && slot < h.par(h.parAt.tcacheBins) && (tc.lazy || tcachePointer(h) !== 0);
  let cached = false;
  let filed = 0;
  for (let iterations = 0; iterations < MAX_ITERS; ) {
    const victim = h.bk(unsorted);
    if (victim === unsorted) break;
    const bck = h.bk(victim);
    const size = h.chunkSize(victim);
    checkUnsorted(h, av, unsorted, victim, bck, size);
    if (small && bck === unsorted && victim === h.m.word(av + h.state.lastRemainder) && size > nb + h.minSize) {
      splitLastRemainder(h, av, unsorted, victim, size, nb);
      return finish(h, victim, bytes);
    }
    h.setBk(unsorted, bck);
    h.setFd(bck, unsorted);
    if (size === nb) {
      markUsed(h, av, victim, size);
      if (tc?.lazy) tcacheCreate(h, tc, av);
      const tcache = caches ? tcachePointer(h) : 0;
      if (tc === null || tcache === 0 || !tcacheRoom(h, tc, tcache, slot)) return finish(h, victim, bytes);
      tcachePut(h, tc, tcache, victim, slot);
      cached = true;
      continue;
    }
    fileChunk(h, av, victim, size);
    filed++;
    if (cached && tc !== null) {
      const limit = h.par(h.parAt.tcacheUnsortedLimit);
      if (limit > 0 && filed > limit) return tcacheGet(h, tc, tcachePointer(h), slot);
    }
    iterations++;
  }
  if (cached && tc !== null) return tcacheGet(h, tc, tcachePointer(h), slot);
  return -1;
}

function splitLastRemainder(h: Heap, av: number, unsorted: number, victim: number, size: number, nb: number): void {
  const remainder = victim + nb;
  h.setBk(unsorted, remainder);
  h.setFd(unsorted, remainder);
  h.m.setWord(av + h.state.lastRemainder, remainder);
  h.setBk(remainder, unsorted);
  h.setFd(remainder, unsorted);
  clearNextsize(h, remainder, size - nb);
  setSplitHeads(h, av, victim, size, nb);
}

/** Headers of a chunk cut in two: `nb` used, the rest free. */
function setSplitHeads(h: Heap, av: number, victim: number, size: number, nb: number): void {
  const remainder = victim + nb;
  h.setHead(victim, nb + PREV_INUSE + (av !== h.main ? NON_MAIN_ARENA : 0));
  h.setHead(remainder, size - nb + PREV_INUSE);
  h.setFoot(remainder, size - nb);
}

/** A large request's own bin: the smallest chunk that fits; of equal ones the second, to spare the nextsize ring. */
function fromLargebin(h: Heap, av: number, bin: number, nb: number, bytes: number): number {
  const { m, W } = h;
  const first = h.fd(bin);
  if (first === bin || m.word(first + W) < nb) return -1;
  let victim = m.word(first + 5 * W);
  let size = h.chunkSize(victim);
  while (size < nb) {
    victim = m.word(victim + 5 * W);
    size = h.chunkSize(victim);
  }
  if (victim !== h.bk(bin)) {
    const second = h.fd(victim);
    if (m.word(victim + W) === m.word(second + W)) victim = second;
  }
  return carve(h, av, victim, size, nb, bytes, false, "malloc(): corrupted unsorted chunks");
}

/** Unlinks a chunk, gives its first `nb` bytes out and the rest, if it is a chunk, to the front of unsorted. */
function carve(
  h: Heap,
  av: number,
  victim: number,
  size: number,
  nb: number,
  bytes: number,
  remember: boolean,
  message: string,
): number {
  unlinkChunk(h, victim, "victim");
  if (size - nb < h.minSize) {
    markUsed(h, av, victim, size);
    return finish(h, victim, bytes);
  }
  const remainder = victim + nb;
  const unsorted = h.binAt(av, 1);
  if (h.bk(h.fd(unsorted)) !== unsorted) {
    const result = failed(h, message, victim + h.header);
    if (result === 0) return 0;
  }
  linkFront(h, unsorted, remainder, size - nb);
  if (remember) h.m.setWord(av + h.state.lastRemainder, remainder);
  setSplitHeads(h, av, victim, size, nb);
  return finish(h, victim, bytes);
}

/** The next larger non-empty bin, by binmap; bits of bins found empty are cleared on the way. */
function fromLargerBin(h: Heap, av: number, from: number, nb: number, bytes: number, small: boolean): number {
  const { m } = h;
  for (let block = from >>> 5; block < 4; block++) {
    const address = av + h.state.binmap + 4 * block;
    let map = m.lowBits(address);
    const first = block === from >>> 5 ? from & 31 : 0;
    let rest = (map >>> first) << first;
    while (rest !== 0) {
      const bit = rest & -rest;
      const bin = h.binAt(av, (block << 5) + 31 - Math.clz32(bit));
      const victim = h.bk(bin);
      if (victim !== bin) {
        const size = h.chunkSize(victim);
        h.assert(
          size >= nb,
          h.version.messages.lines.binSize,
          "_int_malloc",
          "(unsigned long) (size) >= (unsigned long) (nb)",
        );
        return carve(h, av, victim, size, nb, bytes, small, "malloc(): corrupted unsorted chunks 2");
      }
      map &= ~bit;
      m.setInt(address, map);
      rest &= ~bit;
    }
  }
  return -1;
}
