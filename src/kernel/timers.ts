/** The kernel's timer queue: callbacks due at times of CLOCK_MONOTONIC, in order of time, then of their creation. */

export interface Timer {
  readonly deadlineNs: number;
  readonly sequence: number;
  readonly expire: () => void;
}

export class TimerQueue {
  #timers: Timer[] = [];
  #sequence = 0;

  /** Calls `expire` once when the clock reaches `deadlineNs`. Returns the canceller; cancelling twice is harmless. */
  add(deadlineNs: number, expire: () => void): () => void {
    const timer: Timer = { deadlineNs, sequence: this.#sequence++, expire };
    const at = this.#timers.findIndex((other) => other.deadlineNs > deadlineNs);
    if (at < 0) this.#timers.push(timer);
    else this.#timers.splice(at, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  /** The earliest deadline; Infinity without timers. */
  get nextNs(): number {
    return this.#timers.length === 0 ? Number.POSITIVE_INFINITY : this.#timers[0].deadlineNs;
  }

  /** Runs what is due at `nowNs`. */
  runDue(nowNs: number): void {
    while (this.#timers.length > 0 && this.#timers[0].deadlineNs <= nowNs) this.#timers.shift()?.expire();
  }
}
