import { ENOMEM } from "../../abi/errno.ts";
import type { Heap } from "./heap.ts";

/** What MORECORE returns when the break cannot be moved. */
export const MORECORE_FAILURE = -1;

/** glibc's sbrk (misc/sbrk.c): the old break, or MORECORE_FAILURE with errno ENOMEM. `__curbrk` spares the query. */
export function sbrk(h: Heap, increment: number): number {
  const { m, at } = h;
  if (m.word(at.curbrk) === 0) m.setWord(at.curbrk, m.brk(0));
  const old = m.word(at.curbrk);
  if (increment === 0) return old;
  const wanted = old + increment;
  if (wanted < 0 || wanted >= (h.W === 8 ? 2 ** 64 : 2 ** 32)) {
    h.guest.setErrno(ENOMEM);
    return MORECORE_FAILURE;
  }
  const reached = m.brk(wanted);
  m.setWord(at.curbrk, reached);
  if (reached < wanted) {
    h.guest.setErrno(ENOMEM);
    return MORECORE_FAILURE;
  }
  return old;
}

/** systrim: gives whole pages at the end of main_arena's top back, keeping `pad` bytes. Returns 1 if the break moved. */
export function systrim(h: Heap, av: number, pad: number): 0 | 1 {
  const topSize = h.chunkSize(h.top(av));
  const area = topSize - h.minSize - 1;
  let extra: number;
  if (h.version.systrim === "positive") {
    extra = h.pageDown(area - pad);
    if (extra <= 0) return 0;
  } else {
    // `top_area <= pad` compares a long with a size_t: a top of just MINSIZE (area -1) passes, and the break grows.
    if (area >= 0 && area <= pad) return 0;
    extra = h.pageDown(area - pad);
    if (extra === 0) return 0;
  }
  const current = sbrk(h, 0);
  if (current !== h.top(av) + topSize) return 0;
  sbrk(h, -extra);
  const reached = sbrk(h, 0);
  const released = current - reached;
  if (released === 0) return 0;
  h.m.setWord(av + h.state.systemMem, h.systemMem(av) - released);
  h.setHead(h.top(av), topSize - released + 1);
  return 1;
}
