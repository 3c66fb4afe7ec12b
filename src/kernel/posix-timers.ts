/** POSIX timers: timer_create(2) and its family (kernel/time/posix-timers.c). */
import { EAGAIN, EINVAL } from "../abi/errno.ts";
import { SI_TIMER, SIGALRM, SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD_ID } from "../abi/signal.ts";
import type { HostTime } from "../host/host.ts";
import { isCpuClock, isRealtimeClock } from "./clock-ids.ts";
import { sigInfo } from "./siginfo.ts";
import type { Task } from "./task.ts";
import { isIgnored, sendToGroup, sendToTask } from "./task-signals.ts";
import type { ThreadGroup } from "./thread-group.ts";
import { toNs } from "./time-values.ts";

/** struct sigevent, as far as the kernel reads it. */
export interface SigEvent {
  readonly notify: number;
  readonly signo: number;
  readonly valueLo: number;
  readonly valueHi: number;
  readonly tid: number;
}

interface PosixTimer {
  readonly id: number;
  readonly clockId: number;
  readonly event: SigEvent;
  /** In the timer's own time; the last expiration while its signal waits to be taken. 0: disarmed. */
  deadlineNs: number;
  intervalNs: number;
  /** Expirations that the last signal stood for, beside its own. */
  lastOverrun: number;
  cancel: (() => void) | undefined;
  /** It expired while its signal was ignored; it runs again when the signal is not (posix_timers of 6.13). */
  ignored: boolean;
  /** Changed by each setting: signals of older ones arm nothing. */
  generation: number;
}

const MAX_TIMERS = 65536;

export class PosixTimers {
  readonly #group: ThreadGroup;
  readonly #timers = new Map<number, PosixTimer>();
  #nextId = 0;

  constructor(group: ThreadGroup) {
    this.#group = group;
  }

  [Symbol.iterator](): Iterator<{ readonly id: number; readonly clockId: number; readonly event: SigEvent }> {
    return this.#timers.values();
  }

  /** timer_create(): the new timer's id. Without an event the timer sends SIGALRM with its id as value. */
  create(clockId: number, event: SigEvent | undefined): number {
    if (this.#timers.size >= MAX_TIMERS) return -EAGAIN;
    const id = this.#nextId++;
    const stopped = { deadlineNs: 0, intervalNs: 0, lastOverrun: 0, cancel: undefined, ignored: false, generation: 0 };
    const ownEvent = event ?? { notify: SIGEV_SIGNAL, signo: SIGALRM, valueLo: id, valueHi: 0, tid: 0 };
    this.#timers.set(id, { id, clockId, event: ownEvent, ...stopped });
    return id;
  }

  delete(id: number): number {
    const timer = this.#timers.get(id);
    if (timer === undefined) return -EINVAL;
    timer.cancel?.();
    this.#timers.delete(id);
    return 0;
  }

  deleteAll(): void {
    for (const id of [...this.#timers.keys()]) this.delete(id);
  }

  /** timer_gettime(): time left and interval, or undefined for an unknown id. */
  get(id: number): { valueNs: number; intervalNs: number } | undefined {
    const timer = this.#timers.get(id);
    if (timer === undefined) return undefined;
    return { valueNs: this.#left(timer), intervalNs: timer.intervalNs };
  }

  #left(timer: PosixTimer): number {
    if (timer.deadlineNs === 0) return 0;
    const now = this.#now(timer);
    // no signal: nothing else moves the timer on
    if (timer.event.notify === SIGEV_NONE || timer.ignored) forward(timer, now);
    if (timer.deadlineNs > now) return timer.deadlineNs - now;
    if (timer.intervalNs === 0) return timer.event.notify === SIGEV_NONE || timer.cancel === undefined ? 0 : 1;
    // its signal is pending: the next expiration counts
    return timer.intervalNs - ((now - timer.deadlineNs) % timer.intervalNs);
  }

  /** timer_settime(): `deadlineNs` in the timer's own time, 0 disarms. */
  set(id: number, deadlineNs: number, intervalNs: number): number {
    const timer = this.#timers.get(id);
    if (timer === undefined) return -EINVAL;
    timer.cancel?.();
    timer.cancel = undefined;
    timer.deadlineNs = deadlineNs;
    timer.intervalNs = intervalNs;
    timer.lastOverrun = 0;
    timer.ignored = false;
    timer.generation++;
    if (deadlineNs > 0 && timer.event.notify !== SIGEV_NONE) this.#schedule(timer);
    return 0;
  }

  /** timer_getoverrun(). */
  overrun(id: number): number {
    return this.#timers.get(id)?.lastOverrun ?? -EINVAL;
  }

  /** The deadline for `set`, in the timer's own time. */
  deadline(id: number, time: HostTime, absolute: boolean): number {
    const timer = this.#timers.get(id);
    if (timer === undefined) return 0;
    if (!absolute) return this.#now(timer) + toNs(time);
    const { clock } = this.#group.kernel;
    return Math.max(1, isRealtimeClock(timer.clockId) ? clock.monotonicOf(time) : toNs(time));
  }

  #now(timer: PosixTimer): number {
    return isCpuClock(timer.clockId) ? this.#group.runningUserNs : this.#group.kernel.clock.monotonicNs;
  }

  #schedule(timer: PosixTimer): void {
    const { clock, timers } = this.#group.kernel;
    const atNs = clock.monotonicNs + Math.max(0, timer.deadlineNs - this.#now(timer));
    timer.cancel = timers.add(atNs, () => this.#expire(timer));
  }

  #expire(timer: PosixTimer): void {
    if (this.#now(timer) < timer.deadlineNs) return this.#schedule(timer);
    timer.cancel = undefined;
    this.#notify(timer);
  }

  /** Sends the signal; a periodic timer runs on when that is dequeued, so that none is ever queued twice. */
  #notify(timer: PosixTimer): void {
    const { event, generation } = timer;
    const target = event.notify === SIGEV_THREAD_ID ? this.#group.tasks.get(event.tid) : undefined;
    if (isIgnored(target ?? this.#group.leader, event.signo)) {
      timer.ignored = true;
      return;
    }
    if (this.#isPending(timer, target)) return;
    const info = sigInfo({
      signo: event.signo,
      code: SI_TIMER,
      layout: "timer",
      timerId: timer.id,
      valueLo: event.valueLo,
      valueHi: event.valueHi,
      rearm: () => (timer.generation === generation ? this.#rearm(timer) : 0),
    });
    if (target !== undefined) sendToTask(target, info);
    else sendToGroup(this.#group, info);
  }

  /** posixtimer_rearm(): the overruns. */
  #rearm(timer: PosixTimer): number {
    if (timer.intervalNs === 0) return 0;
    timer.lastOverrun = Math.min(forward(timer, this.#now(timer)) - 1, 0x7fffffff);
    this.#schedule(timer);
    return timer.lastOverrun;
  }

  /** The disposition of a signal changed: timers that were stopped by it being ignored run again. */
  unignore(signo: number): void {
    for (const timer of this.#timers.values()) {
      if (!timer.ignored || timer.event.signo !== signo) continue;
      timer.ignored = false;
      this.#schedule(timer);
    }
  }

  #isPending(timer: PosixTimer, target: Task | undefined): boolean {
    const pending = target?.pending ?? this.#group.pending;
    return pending.find((info) => info.code === SI_TIMER && info.timerId === timer.id) !== undefined;
  }
}

/** hrtimer_forward(): moves a periodic timer's deadline behind `now`; how many expirations that passes. */
function forward(timer: PosixTimer, now: number): number {
  if (timer.intervalNs === 0 || now < timer.deadlineNs) return 0;
  const count = Math.floor((now - timer.deadlineNs) / timer.intervalNs) + 1;
  timer.deadlineNs += count * timer.intervalNs;
  return count;
}
