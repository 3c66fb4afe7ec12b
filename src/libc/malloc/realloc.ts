import { unlinkChunk } from "./bins.ts";
import { type Heap, NON_MAIN_ARENA, PREV_INUSE } from "./heap.ts";
import { innerFree } from "./int-free.ts";
import { intMalloc } from "./int-malloc.ts";
import { WIDE } from "./memory.ts";

/** set_head_size with the arena's flag: PREV_INUSE and whatever else the chunk had stay. */
function setUsedSize(h: Heap, av: number, p: number, size: number): void {
  const bits = h.bits(p) | (av !== h.main ? NON_MAIN_ARENA : 0);
  h.setHead(p, size + bits);
}

/** _int_realloc: the chunk resized in place, extended, or moved. A user pointer or 0. */
export function intRealloc(h: Heap, av: number, oldp: number, oldSize: number, nb: number): number {
  const { m, W } = h;
  const mem = oldp + h.header;
  const systemMem = h.systemMem(av);
  if (m.word(oldp + W) <= h.header || oldSize >= systemMem) {
    h.printerr("realloc(): invalid old size", mem);
    return 0;
  }
  const next = m.pointer(oldp + oldSize);
  const nextHead = m.word(next + W);
  const nextSize = nextHead - (nextHead & 7);
  if (nextHead <= h.header || nextSize >= systemMem) {
    h.printerr("realloc(): invalid next size", mem);
    return 0;
  }
  let newp = oldp;
  let newSize = oldSize;
  if (oldSize < nb) {
    const top = h.top(av);
    const joined = oldSize + nextSize;
    if (next === top && joined >= nb + h.minSize) {
      setUsedSize(h, av, oldp, nb);
      h.setTop(av, oldp + nb);
      h.setHead(oldp + nb, joined - nb + PREV_INUSE);
      return mem;
    }
    if (next !== top && joined >= nb && (h.bits(m.pointer(next + nextSize)) & PREV_INUSE) === 0) {
      newSize = joined;
      unlinkChunk(h, next, "next");
    } else {
      const bytes = nb < WIDE ? nb - h.mask : h.request(h.exactSize(nb) - BigInt(h.mask));
      const fresh = intMalloc(h, av, bytes);
      if (fresh === 0) return 0;
      newp = fresh - h.header;
      newSize = h.chunkSize(newp);
      if (newp !== next) {
        m.copy(fresh, mem, oldSize - W);
        innerFree(h, av, oldp);
        return fresh;
      }
      newSize += oldSize;
      newp = oldp;
    }
  }
  const rest = newSize - nb;
  if (rest < h.minSize) {
    setUsedSize(h, av, newp, newSize);
    h.orBits(newp + newSize, PREV_INUSE);
  } else {
    const remainder = newp + nb;
    setUsedSize(h, av, newp, nb);
    h.setHead(remainder, rest + PREV_INUSE + (av !== h.main ? NON_MAIN_ARENA : 0));
    h.orBits(remainder + rest, PREV_INUSE);
    innerFree(h, av, remainder);
  }
  return newp + h.header;
}
