/** Interval timers of a process: setitimer(2), alarm(2) (kernel/time/itimer.c). Times in nanoseconds. */
import { SI_KERNEL, SIGALRM, SIGPROF, SIGVTALRM } from "../abi/signal.ts";
import { ITIMER_REAL, ITIMER_VIRTUAL } from "../abi/time.ts";
import { sigInfo } from "./siginfo.ts";
import { sendToGroup } from "./task-signals.ts";
import type { ThreadGroup } from "./thread-group.ts";

export interface ItimerValue {
  readonly valueNs: number;
  readonly intervalNs: number;
}

interface Armed {
  /** CLOCK_MONOTONIC for ITIMER_REAL, user time of the group for the others. */
  deadlineNs: number;
  intervalNs: number;
  cancel: () => void;
}

const SIGNALS = [SIGALRM, SIGVTALRM, SIGPROF] as const;

export class IntervalTimers {
  readonly #group: ThreadGroup;
  /** ITIMER_REAL between an expiration and the taking of its signal. */
  #stopped: Armed | undefined;
  readonly #armed: (Armed | undefined)[] = [undefined, undefined, undefined];

  constructor(group: ThreadGroup) {
    this.#group = group;
  }

  /** A SIGALRM was dequeued: ITIMER_REAL runs on (kernel/time/itimer.c, posixtimer_rearm_itimer()). */
  rearm(): void {
    const armed = this.#stopped;
    if (armed === undefined || armed !== this.#armed[ITIMER_REAL]) return;
    this.#stopped = undefined;
    const late = this.#now(ITIMER_REAL) - armed.deadlineNs;
    armed.deadlineNs += (Math.floor(late / armed.intervalNs) + 1) * armed.intervalNs;
    this.#schedule(ITIMER_REAL, armed);
  }

  /** Time left and interval of a timer; zeros if it is not armed. */
  get(which: number): ItimerValue {
    const armed = this.#armed[which];
    if (armed === undefined) return { valueNs: 0, intervalNs: 0 };
    // An armed timer never shows 0.
    return { valueNs: Math.max(1000, armed.deadlineNs - this.#now(which)), intervalNs: armed.intervalNs };
  }

  /** Arms a timer, or disarms it if the value is 0; returns the old setting. */
  set(which: number, value: ItimerValue): ItimerValue {
    const old = this.get(which);
    this.#armed[which]?.cancel();
    this.#armed[which] = undefined;
    if (value.valueNs > 0) this.#arm(which, this.#now(which) + value.valueNs, value.intervalNs);
    return old;
  }

  cancelAll(): void {
    for (const which of [0, 1, 2]) this.set(which, { valueNs: 0, intervalNs: 0 });
  }

  /** ITIMER_REAL runs on the clock; the CPU timers on what the group has executed. */
  #now(which: number): number {
    return which === ITIMER_REAL ? this.#group.kernel.clock.monotonicNs : this.#group.runningUserNs;
  }

  #arm(which: number, deadlineNs: number, intervalNs: number): void {
    const armed: Armed = { deadlineNs, intervalNs, cancel: () => undefined };
    this.#armed[which] = armed;
    this.#schedule(which, armed);
  }

  #schedule(which: number, armed: Armed): void {
    const { clock, timers } = this.#group.kernel;
    // User time never runs faster than the clock, so a CPU timer is looked at no later than it can be due.
    const atNs = which === ITIMER_REAL ? armed.deadlineNs : clock.monotonicNs + armed.deadlineNs - this.#now(which);
    armed.cancel = timers.add(atNs, () => this.#expire(which, armed));
  }

  #expire(which: number, armed: Armed): void {
    if (this.#now(which) < armed.deadlineNs) return this.#schedule(which, armed);
    if (armed.intervalNs === 0) this.#armed[which] = undefined;
    else if (which !== ITIMER_REAL) {
      armed.deadlineNs += armed.intervalNs;
      this.#schedule(which, armed);
    } else this.#stopped = armed;
    // ITIMER_VIRTUAL and ITIMER_PROF send SEND_SIG_PRIV, ITIMER_REAL too: the kernel is the sender.
    const signo = SIGNALS[which] ?? SIGNALS[ITIMER_VIRTUAL];
    sendToGroup(this.#group, sigInfo({ signo, code: SI_KERNEL }));
  }
}
