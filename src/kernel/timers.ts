/** The kernel's timer queue: callbacks due at times of CLOCK_MONOTONIC, in order of time, then of their creation. */

interface Timer {
  readonly deadlineNs: number;
  readonly sequence: number;
  readonly expire: () => void;
  /** Where it is in the heap; -1 when it is not. */
  index: number;
}

/** A binary heap: the parent of entry i is entry (i - 1) / 2, and due before it. */
export class TimerQueue {
  readonly #heap: Timer[] = [];
  #sequence = 0;

  /** Calls `expire` once when the clock reaches `deadlineNs`. Returns the canceller; cancelling twice is harmless. */
  add(deadlineNs: number, expire: () => void): () => void {
    const timer: Timer = { deadlineNs, sequence: this.#sequence++, expire, index: this.#heap.length };
    this.#heap.push(timer);
    this.#up(timer);
    return () => this.#remove(timer);
  }

  /** The earliest deadline; Infinity without timers. */
  get nextNs(): number {
    return this.#heap.length === 0 ? Number.POSITIVE_INFINITY : this.#heap[0].deadlineNs;
  }

  /** Runs what is due at `nowNs`. */
  runDue(nowNs: number): void {
    while (this.#heap.length > 0 && this.#heap[0].deadlineNs <= nowNs) {
      const timer = this.#heap[0];
      this.#remove(timer);
      timer.expire();
    }
  }

  #remove(timer: Timer): void {
    const { index } = timer;
    if (index < 0) return;
    timer.index = -1;
    const last = this.#heap.pop() as Timer;
    if (last === timer) return;
    this.#put(last, index);
    this.#up(last);
    this.#down(last);
  }

  #put(timer: Timer, index: number): void {
    this.#heap[index] = timer;
    timer.index = index;
  }

  #up(timer: Timer): void {
    while (timer.index > 0) {
      const above = this.#heap[(timer.index - 1) >> 1];
      if (!before(timer, above)) return;
      const { index } = above;
      this.#put(above, timer.index);
      this.#put(timer, index);
    }
  }

  #down(timer: Timer): void {
    for (;;) {
      const left = 2 * timer.index + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const below = this.#heap[right < this.#heap.length && before(this.#heap[right], this.#heap[left]) ? right : left];
      if (!before(below, timer)) return;
      const { index } = below;
      this.#put(below, timer.index);
      this.#put(timer, index);
    }
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.deadlineNs < b.deadlineNs || (a.deadlineNs === b.deadlineNs && a.sequence < b.sequence);
}
