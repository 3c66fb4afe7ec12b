import { MREMAP_MAYMOVE, PROT_READ, PROT_WRITE } from "../../abi/mman.ts";
import { type Heap, IS_MMAPPED, PAGE, PREV_INUSE } from "./heap.ts";
import { WIDE } from "./memory.ts";

/** What a mapped chunk's size word leaves out of the mapping besides the lead: nothing, or its header (2.43). */
function hidden(h: Heap): number {
  return h.version.mmapSizeWithoutHeader ? h.header : 0;
}

/** `nb + extra` rounded up to a page as a size_t, exact for requests from 2^53 on. */
export function pageUpRequest(h: Heap, nb: number, extra: number): number {
  if (nb < WIDE) {
    const size = h.pageUp(nb + extra);
    return h.W === 4 ? size % 0x100000000 : size;
  }
  return Number(BigInt.asUintN(64, (h.exactSize(nb) + BigInt(extra) + 4095n) & ~4095n));
}

/** Whether a mapping's size is above the chunk's, that is, did not wrap around. */
export function exceeds(h: Heap, size: number, nb: number): boolean {
  return nb < WIDE ? size > nb : BigInt(size) > h.exactSize(nb);
}

function raiseMaximum(h: Heap, offset: number, value: number): void {
  if (value > h.par(offset)) h.setPar(offset, value);
}

/** sysmalloc_mmap: a chunk with a mapping of its own. Returns its user pointer or 0. */
export function sysmallocMmap(h: Heap, nb: number): number {
  const { m, parAt } = h;
  const lead = h.alignment - h.header;
  const size = pageUpRequest(h, nb, hidden(h) > 0 ? lead + h.header : h.W + (lead > 0 ? h.mask : 0));
  if (!exceeds(h, size, nb)) return 0;
  const block = m.mmap(0, size, PROT_READ | PROT_WRITE, 0);
  if (block < 0) return 0;
  const p = block + lead;
  if (lead > 0) m.setWord(p, lead);
  h.setHead(p, size - lead - hidden(h) + IS_MMAPPED);
  const count = m.int(h.mp + parAt.nMmaps) + 1;
  m.setInt(h.mp + parAt.nMmaps, count);
  if (count > m.int(h.mp + parAt.maxNMmaps)) m.setInt(h.mp + parAt.maxNMmaps, count);
  const sum = h.par(parAt.mmappedMem) + size;
  h.setPar(parAt.mmappedMem, sum);
  raiseMaximum(h, parAt.maxMmappedMem, sum);
  return p + h.header;
}

/** The page test shared by munmap_chunk and mremap_chunk. */
function plausible(h: Heap, mem: number, block: number, total: number): boolean {
  if (block % PAGE !== 0 || total % PAGE !== 0) return false;
  const offset = mem % PAGE;
  return !h.version.checks.mmappedOffset || (offset & (offset - 1)) === 0;
}

/** munmap_chunk. */
export function munmapChunk(h: Heap, p: number): void {
  const { m, parAt } = h;
  const lead = m.word(p);
  const block = m.pointer(p - lead);
  const total = lead + h.chunkSize(p) + hidden(h);
  if (!plausible(h, p + h.header, block, total)) {
    h.printerr("munmap_chunk(): invalid pointer", p + h.header);
    return;
  }
  m.setInt(h.mp + parAt.nMmaps, m.int(h.mp + parAt.nMmaps) - 1);
  h.setPar(parAt.mmappedMem, m.pointer(h.par(parAt.mmappedMem) - total));
  m.munmap(block, total);
}

/** free's first step for a mapped chunk: the dynamic mmap threshold follows the largest freed mapping. */
export function adjustThreshold(h: Heap, p: number): void {
  const { m, parAt } = h;
  if (m.int(h.mp + parAt.noDynThreshold) !== 0) return;
  const head = m.word(p + h.W);
  if (head <= h.par(parAt.mmapThreshold) || head > h.mmapThresholdMax) return;
  const size = head - (head & 7);
  h.setPar(parAt.mmapThreshold, size);
  h.setPar(parAt.trimThreshold, 2 * size);
}

/** mremap_chunk: the chunk resized, or 0 if the kernel cannot. */
export function mremapChunk(h: Heap, p: number, nb: number): number {
  const { m, parAt } = h;
  const lead = m.word(p);
  const size = h.chunkSize(p);
  const block = m.pointer(p - lead);
  const total = lead + size + hidden(h);
  if (!h.version.checks.mremap) {
    const expression = "((size + offset) & (mp_.pagesize-1)) == 0";
    h.assert(total % PAGE === 0, h.version.messages.lines.mremap, "mremap_chunk", expression);
  } else if (!plausible(h, p + h.header, block, total)) {
    h.printerr("mremap_chunk(): invalid pointer", p + h.header);
  }
  const newTotal = pageUpRequest(h, nb, lead + (hidden(h) > 0 ? h.header : h.W));
  if (newTotal === total) return p;
  const moved = m.mremap(block, total, newTotal, MREMAP_MAYMOVE);
  if (moved < 0) return 0;
  const chunk = moved + lead;
  h.setHead(chunk, newTotal - lead - hidden(h) + IS_MMAPPED);
  // 2.43 still subtracts size and offset only, so every mremap counts the header anew.
  const sum = m.pointer(h.par(parAt.mmappedMem) + newTotal - size - lead);
  h.setPar(parAt.mmappedMem, sum);
  raiseMaximum(h, parAt.maxMmappedMem, sum);
  return chunk;
}

/** memalign inside a mapping: a new header `lead` bytes behind the old one, within the same mapping. */
export function shiftMappedChunk(h: Heap, p: number, newp: number): number {
  const { m } = h;
  const lead = newp - p;
  const size = h.chunkSize(p);
  m.setWord(newp, m.word(p) + lead);
  h.setHead(newp, size - lead + IS_MMAPPED);
  return newp + h.header;
}

/** Whether the chunk's PREV_INUSE bit is set: never for a sound mapped chunk. */
export function prevInuse(h: Heap, p: number): boolean {
  return (h.bits(p) & PREV_INUSE) !== 0;
}
