/** POSIX timers: timer_create(2) and its family (kernel/time/posix-timers.c). */
import { EAGAIN, EINVAL } from "../abi/errno.ts";
import { SI_TIMER, SIGALRM, SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD_ID } from "../abi/signal.ts";
import type { HostTime } from "../host/host.ts";
import { isCpuClock, isRealtimeClock } from "./clock-ids.ts";
import { sigInfo } from "./siginfo.ts";
import type { Task } from "./task.ts";
import { sendToGroup, sendToTask } from "./task-signals.ts";
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
  deadlineNs: number;
  intervalNs: number;
  overrun: number;
  lastOverrun: number;
  cancel: (() => void) | undefined;
}

const MAX_TIMERS = 65536;

export class PosixTimers {
  readonly #group: ThreadGroup;
  readonly #timers = new Map<number, PosixTimer>();
  #nextId = 0;

  constructor(group: ThreadGroup) {
    this.#group = group;
  }

  /** timer_create(): the new timer's id. Without an event the timer sends SIGALRM with its id as value. */
  create(clockId: number, event: SigEvent | undefined): number {
    if (this.#timers.size >= MAX_TIMERS) return -EAGAIN;
    const id = this.#nextId++;
    const stopped = { deadlineNs: 0, intervalNs: 0, overrun: 0, lastOverrun: 0, cancel: undefined };
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
    const left = timer.cancel === undefined ? 0 : Math.max(1, timer.deadlineNs - this.#now(timer));
    return { valueNs: left, intervalNs: timer.intervalNs };
  }

  /** timer_settime(): `deadlineNs` in the timer's own time, 0 disarms. */
  set(id: number, deadlineNs: number, intervalNs: number): number {
    const timer = this.#timers.get(id);
    if (timer === undefined) return -EINVAL;
    timer.cancel?.();
    timer.cancel = undefined;
    timer.deadlineNs = deadlineNs;
    timer.intervalNs = intervalNs;
    timer.overrun = 0;
    timer.lastOverrun = 0;
    if (deadlineNs > 0) this.#schedule(timer);
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
    if (timer.intervalNs === 0) return;
    timer.deadlineNs += timer.intervalNs;
    this.#schedule(timer);
  }

  /** Sends the signal; while the last one is still pending the expiration is an overrun. */
  #notify(timer: PosixTimer): void {
    const { event } = timer;
    if (event.notify === SIGEV_NONE) return;
    const target = event.notify === SIGEV_THREAD_ID ? this.#group.tasks.get(event.tid) : undefined;
    if (this.#isPending(timer, target)) {
      timer.overrun++;
      return;
    }
    timer.lastOverrun = timer.overrun;
    timer.overrun = 0;
    const info = sigInfo({
      signo: event.signo,
      code: SI_TIMER,
      layout: "timer",
      timerId: timer.id,
      overrun: timer.lastOverrun,
      valueLo: event.valueLo,
      valueHi: event.valueHi,
    });
    if (target !== undefined) sendToTask(target, info);
    else sendToGroup(this.#group, info);
  }

  #isPending(timer: PosixTimer, target: Task | undefined): boolean {
    const pending = target?.pending ?? this.#group.pending;
    return pending.find((info) => info.code === SI_TIMER && info.timerId === timer.id) !== undefined;
  }
}
