import { clearNextsize, unlinkChunk } from "./bins.ts";
import { type Heap, PREV_INUSE } from "./heap.ts";

/** malloc_consolidate (up to 2.42): empties the fastbins, merging every chunk with its free neighbours. */
export function consolidate(h: Heap, av: number): void {
  const { m, W } = h;
  const { checks, safeLinking } = h.version;
  h.setHaveFast(av, false);
  for (let index = 0; index < h.fastbins; index++) {
    const bin = av + h.state.fastbins + W * index;
    let p = m.word(bin);
    if (p === 0) continue;
    let misaligned = safeLinking && h.misalignedAt(bin, true);
    m.setWord(bin, 0);
    while (p !== 0) {
      if (misaligned) h.printerr("malloc_consolidate(): unaligned fastbin chunk detected", p);
      if (checks.fastbinSize && h.fastbinIndex(m.lowBits(p + W) & ~7) !== index) {
        h.printerr("malloc_consolidate(): invalid chunk size", p);
      }
      misaligned = safeLinking && h.misalignedLink(p + h.header, true);
      const next = h.reveal(p + h.header);
      consolidateChunk(h, av, p);
      p = next;
    }
  }
}

function consolidateChunk(h: Heap, av: number, chunk: number): void {
  const { m } = h;
  let p = chunk;
  let size = h.chunkSize(p);
  const next = m.pointer(p + size);
  const nextSize = h.chunkSize(next);
  if ((h.bits(p) & PREV_INUSE) === 0) {
    const prevSize = m.word(p);
    size += prevSize;
    p = m.pointer(p - prevSize);
    if (h.version.checks.consolidate && h.chunkSize(p) !== prevSize) {
      h.printerr("corrupted size vs. prev_size in fastbins", p);
    }
    unlinkChunk(h, p, "p");
  }
  if (next === h.top(av)) {
    h.setHead(p, size + nextSize + PREV_INUSE);
    h.setTop(av, p);
    return;
  }
  if ((h.bits(m.pointer(next + nextSize)) & PREV_INUSE) === 0) {
    size += nextSize;
    unlinkChunk(h, next, "nextchunk");
  } else h.clearInuse(next);
  const unsorted = h.binAt(av, 1);
  const front = h.fd(unsorted);
  h.setFd(unsorted, p);
  h.setBk(front, p);
  clearNextsize(h, p, size);
  h.setHead(p, size + PREV_INUSE);
  h.setBk(p, unsorted);
  h.setFd(p, front);
  h.setFoot(p, size);
}
