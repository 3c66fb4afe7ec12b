import { type Heap, PREV_INUSE } from "./heap.ts";
import { assertFailed } from "./messages.ts";

/** Offsets of fd_nextsize and bk_nextsize in a chunk, in words. */
const FD_NEXTSIZE = 4;
const BK_NEXTSIZE = 5;

/** unlink_chunk (a macro up to 2.28): takes a free chunk out of its bin. `name` is the macro's argument, for its assertions. */
export function unlinkChunk(h: Heap, p: number, name: string): void {
  const { m, W } = h;
  const { unlinkSize } = h.version.checks;
  const head = m.word(p + W);
  const size = head - (head & 7);
  if (unlinkSize && size !== m.word(m.pointer(p + size))) h.printerr("corrupted size vs. prev_size", p);
  const fd = h.fd(p);
  const bk = h.bk(p);
  if (h.bk(fd) !== p || h.fd(bk) !== p) {
    h.printerr("corrupted double-linked list", p);
    return;
  }
  h.setBk(fd, bk);
  h.setFd(bk, fd);
  if (size < h.minLarge) return;
  const next = m.word(p + FD_NEXTSIZE * W);
  if (next === 0) return;
  const previous = m.word(p + BK_NEXTSIZE * W);
  if (unlinkSize) {
    if (m.word(next + BK_NEXTSIZE * W) !== p || m.word(previous + FD_NEXTSIZE * W) !== p) {
      h.printerr("corrupted double-linked list (not small)", p);
    }
  } else {
    // The line numbers of these two in builds of that time are not known.
    if (m.word(next + BK_NEXTSIZE * W) !== p) {
      assertFailed(h, 0, "unlink", `${name}->fd_nextsize->bk_nextsize == ${name}`);
    }
    if (m.word(previous + FD_NEXTSIZE * W) !== p) {
      assertFailed(h, 0, "unlink", `${name}->bk_nextsize->fd_nextsize == ${name}`);
    }
  }
  if (m.word(fd + FD_NEXTSIZE * W) === 0) {
    if (next === p) {
      m.setWord(fd + FD_NEXTSIZE * W, fd);
      m.setWord(fd + BK_NEXTSIZE * W, fd);
    } else {
      m.setWord(fd + FD_NEXTSIZE * W, next);
      m.setWord(fd + BK_NEXTSIZE * W, previous);
      m.setWord(next + BK_NEXTSIZE * W, fd);
      m.setWord(previous + FD_NEXTSIZE * W, fd);
    }
  } else {
    m.setWord(next + BK_NEXTSIZE * W, previous);
    m.setWord(previous + FD_NEXTSIZE * W, next);
  }
}

/** Puts a chunk at the front of a bin whose `bin->fd->bk == bin` was checked; large chunks lose their nextsize links. */
export function linkFront(h: Heap, bin: number, p: number, size: number): void {
  const front = h.fd(bin);
  h.setBk(p, bin);
  h.setFd(p, front);
  h.setFd(bin, p);
  h.setBk(front, p);
  clearNextsize(h, p, size);
}

export function clearNextsize(h: Heap, p: number, size: number): void {
  if (size < h.minLarge) return;
  h.m.setWord(p + FD_NEXTSIZE * h.W, 0);
  h.m.setWord(p + BK_NEXTSIZE * h.W, 0);
}

/** The filing step of _int_malloc's unsorted loop: into the small bin's front, or its place in the sorted large bin. */
export function fileChunk(h: Heap, av: number, p: number, size: number): void {
  let bck: number;
  let fwd: number;
  let index: number;
  if (size < h.minLarge) {
    index = h.smallIndex(size);
    bck = h.binAt(av, index);
    fwd = h.fd(bck);
  } else {
    index = h.largeIndex(size);
    bck = h.binAt(av, index);
    fwd = placeLarge(h, bck, p, size + PREV_INUSE);
    bck = h.bk(fwd);
  }
  h.markBin(av, index);
  h.setBk(p, bck);
  h.setFd(p, fwd);
  h.setBk(fwd, p);
  h.setFd(bck, p);
}

/**
 * Finds the chunk before which a large chunk goes and ties the nextsize ring. `head` is the size with PREV_INUSE. Returns the
 * bin itself for "at the end": an empty bin, or smaller than everything in it.
 */
function placeLarge(h: Heap, bin: number, p: number, head: number): number {
  const { m, W } = h;
  const { largebin } = h.version.checks;
  const { largeMain } = h.version.messages.lines;
  let fwd = h.fd(bin);
  if (fwd === bin) {
    m.setWord(p + FD_NEXTSIZE * W, p);
    m.setWord(p + BK_NEXTSIZE * W, p);
    return bin;
  }
  const last = h.bk(bin);
  h.assert((h.bits(last) & 4) === 0, largeMain[0], "_int_malloc", "chunk_main_arena (bck->bk)");
  if (head < m.word(last + W)) {
    const before = m.word(fwd + BK_NEXTSIZE * W);
    if (largebin === "insert_smallest" && m.word(before + FD_NEXTSIZE * W) !== fwd) {
      h.printerr("malloc(): largebin double linked list corrupted (nextsize)", p);
    }
    m.setWord(p + FD_NEXTSIZE * W, fwd);
    m.setWord(p + BK_NEXTSIZE * W, before);
    m.setWord(before + FD_NEXTSIZE * W, p);
    m.setWord(fwd + BK_NEXTSIZE * W, p);
    return bin;
  }
  h.assert((h.bits(fwd) & 4) === 0, largeMain[1], "_int_malloc", "chunk_main_arena (fwd)");
  while (head < m.word(fwd + W)) {
    fwd = m.word(fwd + FD_NEXTSIZE * W);
    h.assert((h.bits(fwd) & 4) === 0, largeMain[2], "_int_malloc", "chunk_main_arena (fwd)");
  }
  if (head === m.word(fwd + W)) return checkBk(h, h.fd(fwd), p);
  const before = m.word(fwd + BK_NEXTSIZE * W);
  m.setWord(p + FD_NEXTSIZE * W, fwd);
  m.setWord(p + BK_NEXTSIZE * W, before);
  if (largebin !== "no" && m.word(before + FD_NEXTSIZE * W) !== fwd) {
    h.printerr("malloc(): largebin double linked list corrupted (nextsize)", p);
  }
  m.setWord(fwd + BK_NEXTSIZE * W, p);
  m.setWord(before + FD_NEXTSIZE * W, p);
  return checkBk(h, fwd, p);
}

function checkBk(h: Heap, fwd: number, p: number): number {
  if (h.version.checks.largebin !== "no" && h.fd(h.bk(fwd)) !== fwd) {
    h.printerr("malloc(): largebin double linked list corrupted (bk)", p);
  }
  return fwd;
}
