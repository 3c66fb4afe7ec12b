/** What the clock ids of clock_gettime(2) mean (kernel/time/posix-timers.c, posix-cpu-timers.c). */
import { EINVAL } from "../abi/errno.ts";
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
  CLOCK_THREAD_CPUTIME_ID,
  COARSE_NS,
} from "../abi/time.ts";
import type { HostTime } from "../host/host.ts";
import type { Task } from "./task.ts";
import { toNs, toTime } from "./time-values.ts";

/** CLOCK_REALTIME and clocks that tick with it (TAI has no offset set). */
export function isRealtimeClock(id: number): boolean {
  return id === CLOCK_REALTIME || id === CLOCK_REALTIME_COARSE || id === CLOCK_REALTIME_ALARM || id === CLOCK_TAI;
}

function isMonotonicClock(id: number): boolean {
  return (
    id === CLOCK_MONOTONIC ||
    id === CLOCK_MONOTONIC_RAW ||
    id === CLOCK_MONOTONIC_COARSE ||
    id === CLOCK_BOOTTIME ||
    id === CLOCK_BOOTTIME_ALARM
  );
}

/** CPU-time clocks: the process's, the thread's, or of another one by a negative id. */
export function isCpuClock(id: number): boolean {
  return id === CLOCK_PROCESS_CPUTIME_ID || id === CLOCK_THREAD_CPUTIME_ID || id < 0;
}

function isCoarse(id: number): boolean {
  return id === CLOCK_REALTIME_COARSE || id === CLOCK_MONOTONIC_COARSE;
}

/** The time of a clock, or -EINVAL. */
export function clockNow(task: Task, id: number): HostTime | number {
  const { clock } = task.kernel;
  if (isCpuClock(id)) return cpuClock(task, id);
  if (!isRealtimeClock(id) && !isMonotonicClock(id)) return -EINVAL;
  const time = isRealtimeClock(id) ? clock.realtime() : toTime(clock.monotonicNs);
  return isCoarse(id) ? { sec: time.sec, nsec: time.nsec - (time.nsec % COARSE_NS) } : time;
}

/** MAKE_PROCESS_CPUCLOCK and MAKE_THREAD_CPUCLOCK: pid in the upper bits, bit 2 per thread, bits 0–1 the kind. */
function cpuClock(task: Task, id: number): HostTime | number {
  if (id === CLOCK_PROCESS_CPUTIME_ID) return toTime(task.group.runningUserNs);
  if (id === CLOCK_THREAD_CPUTIME_ID) return toTime(task.userNs);
  if ((id & 3) === 3) return -EINVAL;
  const pid = ~(id >> 3);
  if (id & 4) {
    const thread = pid === 0 ? task : task.group.tasks.get(pid);
    return thread === undefined ? -EINVAL : toTime(thread.userNs);
  }
  const group = pid === 0 ? task.group : task.kernel.groups.get(pid);
  return group === undefined ? -EINVAL : toTime(group.runningUserNs);
}

/** clock_getres(2) in nanoseconds, or -EINVAL. */
export function clockResolution(task: Task, id: number): number {
  if (typeof clockNow(task, id) === "number") return -EINVAL;
  return isCoarse(id) ? COARSE_NS : 1;
}

/** clock_settime(2) may set it. */
export function isSettable(id: number): boolean {
  return id === CLOCK_REALTIME;
}

/** clock_nanosleep(2) may sleep on it; the CPU clock of the own thread, coarse and raw clocks give errors. */
export function isSleepable(id: number): boolean {
  return [CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM, CLOCK_TAI].some(
    (known) => known === id,
  );
}

/** It can be read, but nothing waits for it: EOPNOTSUPP. */
export function isReadOnlyClock(id: number): boolean {
  return id === CLOCK_MONOTONIC_RAW || isCoarse(id);
}

/** timer_create(2) knows it. */
export function isTimerClock(id: number): boolean {
  return isSleepable(id) || isCpuClock(id);
}

/** CLOCK_MONOTONIC deadline of a time on clock `id`, counted from now unless `absolute`. */
export function deadlineOf(task: Task, id: number, time: HostTime, absolute: boolean): number {
  const { clock } = task.kernel;
  if (!absolute) return clock.monotonicNs + toNs(time);
  return isRealtimeClock(id) ? clock.monotonicOf(time) : toNs(time);
}
