import { EINVAL, ENOMEM } from "../../abi/errno.ts";
import { type Heap, IS_MMAPPED, PAGE, PREV_INUSE } from "./heap.ts";
import { intFree } from "./int-free.ts";
import { checkedRequest2size, intMalloc } from "./int-malloc.ts";
import { intMemalign, powerOf2 } from "./memalign.ts";
import { mremapChunk, munmapChunk } from "./mmapped.ts";
import { MORECORE_FAILURE, sbrk } from "./morecore.ts";
import { intRealloc } from "./realloc.ts";

/*
 * MALLOC_CHECK_: the debugging hooks of hooks.c (up to 2.33) and malloc-check.c (libc_malloc_debug, 2.34). Each block ends
 * in a magic byte right behind the requested length and, from its last usable byte down to it, a chain of distances.
 */

/** Whether the hooks are in place. A libc whose flag is not known has hooks of its own, if any (traps/malloc-traps.ts). */
export function checking(h: Heap): boolean {
  if (Number.isNaN(h.at.usingMallocChecking)) return false;
  return h.m.int(h.at.usingMallocChecking) !== 0;
}

function magicByte(h: Heap, p: number): number {
  const low = p % 0x100000000;
  const value = ((low >>> 3) ^ (Math.floor(p / 2048) % 256)) & 0xff;
  return value === 1 && h.version.magicNotOne ? 2 : value;
}

/** Bytes of a chunk behind its header that belong to the block. */
function blockSize(h: Heap, p: number): number {
  const mapped = (h.bits(p) & IS_MMAPPED) !== 0;
  const size = h.chunkSize(p);
  if (mapped && !h.version.mmapSizeWithoutHeader) return size - h.header;
  return size - h.W;
}

/** mem2mem_check: writes chain and magic byte. */
function instrument(h: Heap, mem: number, bytes: number): number {
  if (mem === 0) return 0;
  const p = mem - h.header;
  const magic = magicByte(h, p);
  let i = blockSize(h, p) - 1;
  while (i > bytes) {
    let step = Math.min(i - bytes, 0xff);
    if (step === magic && h.version.magicNotOne) step--;
    h.m.setByte(mem + i, step);
    // Up to 2.21 a distance below 256 ends the chain: it leads straight to the magic byte.
    i -= step;
  }
  h.m.setByte(mem + bytes, magic);
  return mem;
}

/** Follows the chain down to the magic byte; its offset from the chunk, or -1 if the chain is broken. */
function findMagic(h: Heap, p: number): number {
  const magic = magicByte(h, p);
  let at = h.header + blockSize(h, p) - 1;
  for (;;) {
    const c = h.m.byte(p + at);
    if (c === magic) return at;
    if (c === 0 || at < c + h.header) return -1;
    at -= c;
  }
}

const MAPPED_OFFSETS: readonly number[] = [0, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 0x400, 0x800, 0x1000];

/** mem2chunk_check: the address of the block's magic byte, which is flipped; -1 if `mem` is no block of ours. */
function claim(h: Heap, mem: number): number {
  const { m } = h;
  if ((mem & h.mask) !== 0) return -1;
  const p = mem - h.header;
  const bits = h.bits(p);
  const size = h.chunkSize(p);
  if ((bits & IS_MMAPPED) === 0) {
    const contiguous = h.contiguous(h.main);
    const base = h.par(h.parAt.sbrkBase);
    if (contiguous && (p < base || p + size >= base + h.systemMem(h.main))) return -1;
    if (size < h.minSize || size % h.alignment !== 0 || !h.inuse(p)) return -1;
    if ((bits & PREV_INUSE) === 0) {
      const prevSize = m.word(p);
      if (prevSize % h.alignment !== 0) return -1;
      const previous = m.pointer(p - prevSize);
      if (contiguous && previous < base) return -1;
      if (m.pointer(previous + h.chunkSize(previous)) !== p) return -1;
    }
  } else {
    const offset = mem % PAGE;
    if (offset !== h.alignment && !MAPPED_OFFSETS.includes(offset) && offset < 0x2000) return -1;
    if ((bits & PREV_INUSE) !== 0) return -1;
    const lead = m.word(p);
    const total = lead + size + (h.version.mmapSizeWithoutHeader ? h.header : 0);
    if (m.pointer(p - lead) % PAGE !== 0 || total % PAGE !== 0) return -1;
  }
  const at = findMagic(h, p);
  if (at < 0) return -1;
  m.setByte(p + at, m.byte(p + at) ^ 0xff);
  return p + at;
}

/** top_check: false if top is damaged and no new one can be had. Up to 2.26 a new top is set up if the message lets it. */
function topSound(h: Heap): boolean {
  const { m, main } = h;
  const top = h.top(main);
  if (top === h.binAt(main, 1)) return true;
  const size = h.chunkSize(top);
  const bits = h.bits(top);
  const end = h.par(h.parAt.sbrkBase) + h.systemMem(main);
  const inPlace = !h.contiguous(main) || top + size === end;
  if ((bits & IS_MMAPPED) === 0 && size >= h.minSize && (bits & PREV_INUSE) !== 0 && inPlace) return true;
  h.printerr("malloc: top chunk is corrupt", top);
  const brk = sbrk(h, 0);
  const misaligned = (brk + h.header) & h.mask;
  const lead = misaligned > 0 ? h.alignment - misaligned : 0;
  let grow = lead + h.par(h.parAt.topPad) + h.minSize;
  grow += PAGE - ((brk + grow) % PAGE);
  const fresh = sbrk(h, grow);
  if (fresh === MORECORE_FAILURE) {
    h.guest.setErrno(ENOMEM);
    return false;
  }
  m.setWord(main + h.state.systemMem, fresh - h.par(h.parAt.sbrkBase) + grow);
  h.setTop(main, brk + lead);
  h.setHead(brk + lead, grow - lead + PREV_INUSE);
  return true;
}

/** malloc_check. */
export function mallocCheck(h: Heap, bytes: number): number {
  h.lock(h.main);
  const mem = topSound(h) ? intMalloc(h, h.main, bytes + 1) : 0;
  h.unlock();
  return instrument(h, mem, bytes);
}

/** free_check. */
export function freeCheck(h: Heap, mem: number): void {
  if (mem === 0) return;
  h.lock(h.main);
  if (claim(h, mem) < 0) {
    h.unlock();
    h.printerr("free(): invalid pointer", mem);
    return;
  }
  const p = mem - h.header;
  if ((h.bits(p) & IS_MMAPPED) !== 0) {
    h.unlock();
    munmapChunk(h, p);
    return;
  }
  intFree(h, h.main, p, true);
  h.unlock();
}

/** realloc_check. */
export function reallocCheck(h: Heap, oldMem: number, bytes: number): number {
  const { m } = h;
  if (oldMem === 0) return mallocCheck(h, bytes);
  if (bytes === 0) {
    freeCheck(h, oldMem);
    return 0;
  }
  h.lock(h.main);
  const magic = claim(h, oldMem);
  h.unlock();
  if (magic < 0) {
    h.printerr("realloc(): invalid pointer", oldMem);
    return mallocCheck(h, bytes);
  }
  const p = oldMem - h.header;
  const oldSize = h.chunkSize(p);
  const nb = checkedRequest2size(h, bytes + 1);
  h.lock(h.main);
  let mem = 0;
  if (nb < 0) h.guest.setErrno(ENOMEM);
  else if ((h.bits(p) & IS_MMAPPED) !== 0) {
    const moved = mremapChunk(h, p, nb);
    if (moved !== 0) mem = moved + h.header;
    else if (oldSize - h.W >= nb) mem = oldMem;
    else {
      if (topSound(h)) mem = intMalloc(h, h.main, bytes + 1);
      if (mem !== 0) {
        m.copy(mem, oldMem, oldSize - h.header);
        munmapChunk(h, p);
      }
    }
  } else if (topSound(h)) mem = intRealloc(h, h.main, p, oldSize, nb);
  if (mem === 0) m.setByte(magic, m.byte(magic) ^ 0xff);
  h.unlock();
  return instrument(h, mem, bytes);
}

/** memalign_check. */
export function memalignCheck(h: Heap, wanted: number, bytes: number): number {
  const sizeMax = h.W === 8 ? 2 ** 64 : 2 ** 32;
  if (wanted <= h.alignment) return mallocCheck(h, bytes);
  let alignment = Math.max(wanted, h.minSize);
  if (h.version.memalignLimit) {
    if (alignment > sizeMax / 2) {
      h.guest.setErrno(EINVAL);
      return 0;
    }
    if (bytes > sizeMax - alignment - h.minSize) {
      h.guest.setErrno(ENOMEM);
      return 0;
    }
  }
  alignment = powerOf2(h, alignment);
  h.lock(h.main);
  const mem = topSound(h) ? intMemalign(h, h.main, alignment, bytes + 1) : 0;
  h.unlock();
  return instrument(h, mem, bytes);
}

/** malloc_usable_size under the hooks (2.17 and later): the requested length, found by the chain. */
export function checkedUsable(h: Heap, mem: number): number {
  const at = findMagic(h, mem - h.header);
  if (at < 0) h.printerr("malloc_check_get_size: memory corruption", mem);
  return at - h.header;
}
