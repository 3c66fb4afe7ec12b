import { ENOMEM } from "../../abi/errno.ts";
import { type Heap, IS_MMAPPED, NON_MAIN_ARENA, PREV_INUSE } from "./heap.ts";
import { createChunk, intFree, maybeTrim, mergeChunk } from "./int-free.ts";
import { checkedRequest2size, intMalloc } from "./int-malloc.ts";
import { WIDE } from "./memory.ts";
import { shiftMappedChunk } from "./mmapped.ts";

/** _int_memalign: a larger chunk, its lead and tail given back. `alignment` is a power of two above MALLOC_ALIGNMENT. */
export function intMemalign(h: Heap, av: number, alignment: number, bytes: number): number {
  const nb = checkedRequest2size(h, bytes);
  const half = h.W === 8 ? 2 ** 63 : 2 ** 31;
  if (nb < 0 || (h.version.memalignPtrdiff && alignment >= half)) {
    h.guest.setErrno(ENOMEM);
    return 0;
  }
  const sum = nb + alignment + h.minSize;
  const wanted = sum < WIDE ? h.m.pointer(sum) : h.request(h.exactSize(nb) + BigInt(alignment + h.minSize));
  const mem = intMalloc(h, av, wanted);
  if (mem === 0) return 0;
  const p = mem - h.header;
  if ((h.bits(p) & IS_MMAPPED) !== 0) return alignMapped(h, p, mem, alignment);
  const aligned = mem % alignment === 0 ? p : cutLead(h, av, p, mem, alignment);
  cutTail(h, av, aligned, nb);
  return aligned + h.header;
}

/** Exact also for large numbers, whose logarithm is rounded. */
export function isPowerOf2(n: number): boolean {
  return n > 0 && 2 ** Math.round(Math.log2(n)) === n;
}

/** Rounds an alignment that is no power of two up to one of at least twice MALLOC_ALIGNMENT. */
export function powerOf2(h: Heap, alignment: number): number {
  if (isPowerOf2(alignment)) return alignment;
  let power = 2 * h.alignment;
  while (power < alignment) power *= 2;
  return power;
}

/** The chunk address for an aligned block at or behind `mem`, leaving room for a lead chunk. */
function alignedPlace(h: Heap, p: number, mem: number, alignment: number): number {
  if (h.version.memalign === "align_up") {
    return Math.ceil((mem + h.minSize) / alignment) * alignment - h.header;
  }
  const place = Math.ceil(mem / alignment) * alignment - h.header;
  return place - p < h.minSize ? place + alignment : place;
}

function alignMapped(h: Heap, p: number, mem: number, alignment: number): number {
  if (h.version.memalign === "align_up") {
    // 2.43 rewrites the header even where nothing moves.
    return shiftMappedChunk(h, p, Math.ceil(mem / alignment) * alignment - h.header);
  }
  if (mem % alignment === 0) return mem;
  return shiftMappedChunk(h, p, alignedPlace(h, p, mem, alignment));
}

function cutLead(h: Heap, av: number, p: number, mem: number, alignment: number): number {
  const place = alignedPlace(h, p, mem, alignment);
  const lead = place - p;
  const size = h.chunkSize(p) - lead;
  const arena = av !== h.main ? NON_MAIN_ARENA : 0;
  h.setHead(place, size + PREV_INUSE + arena);
  h.orBits(place + size, PREV_INUSE);
  h.setHead(p, lead + (h.bits(p) | arena));
  if (h.version.memalign === "free_both") intFree(h, av, p, true);
  else mergeChunk(h, av, p, lead);
  return place;
}

function cutTail(h: Heap, av: number, p: number, nb: number): void {
  const size = h.chunkSize(p);
  const rest = size - nb;
  const remainder = p + nb;
  if (h.version.memalign === "free_both") {
    if (rest <= h.minSize) return;
    h.setHead(remainder, rest + PREV_INUSE + (av !== h.main ? NON_MAIN_ARENA : 0));
    h.setHeadSize(p, nb);
    intFree(h, av, remainder, true);
    return;
  }
  if (rest <= 0 || (h.version.memalign === "align_up" && rest < h.minSize)) return;
  const next = p + size;
  const nextSize = h.chunkSize(next);
  const joins = next === h.top(av) || (h.bits(h.m.pointer(next + nextSize)) & PREV_INUSE) === 0;
  if (rest < h.minSize && !joins) return;
  h.setHeadSize(p, nb);
  const freed = createChunk(h, av, remainder, rest, next, nextSize, remainder + h.header);
  if (freed > 0) maybeTrim(h, av, freed);
}
