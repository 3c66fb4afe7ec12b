/** Pending signals of a task or of a thread group (struct sigpending). */
import { SIGBUS, SIGFPE, SIGILL, SIGRTMIN, SIGSEGV, SIGSYS, SIGTRAP } from "../abi/signal.ts";
import type { SigInfo } from "./siginfo.ts";
import { SignalSet } from "./signal-set.ts";

/** Signals that the running instruction caused are delivered first (kernel/signal.c, SYNCHRONOUS_MASK). */
const SYNCHRONOUS = SignalSet.of(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);

export class PendingSignals {
  readonly set = new SignalSet();
  #queue: SigInfo[] = [];

  get length(): number {
    return this.#queue.length;
  }

  /** Queues a signal; a standard signal that is pending already is dropped (signal(7)). Returns whether it was queued. */
  push(info: SigInfo): boolean {
    if (info.signo < SIGRTMIN && this.set.has(info.signo)) return false;
    this.set.add(info.signo);
    this.#queue.push(info);
    return true;
  }

  /** The next signal outside `blocked`, lowest number first, synchronous ones before all others (next_signal()). */
  next(blocked: SignalSet): number {
    const ready = this.set.without(blocked);
    if (ready.empty) return 0;
    const synchronous = ready.intersect(SYNCHRONOUS);
    return (synchronous.empty ? ready : synchronous).list()[0];
  }

  /** Removes and returns the oldest entry of `signal`. */
  take(signal: number): SigInfo | undefined {
    const at = this.#queue.findIndex((info) => info.signo === signal);
    if (at < 0) return undefined;
    const [info] = this.#queue.splice(at, 1);
    if (!this.#queue.some((other) => other.signo === signal)) this.set.delete(signal);
    return info;
  }

  /** Drops all entries of `signals` (flush_sigqueue_mask()). */
  discard(signals: SignalSet): void {
    this.#queue = this.#queue.filter((info) => !signals.has(info.signo));
    this.set.lo &= ~signals.lo;
    this.set.hi &= ~signals.hi;
  }

  /** A pending entry that `matches`, for timers that merge overruns. */
  find(matches: (info: SigInfo) => boolean): SigInfo | undefined {
    return this.#queue.find(matches);
  }
}
