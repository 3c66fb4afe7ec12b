/** nanosleep(2) and clock_nanosleep(2) (kernel/time/hrtimer.c, hrtimer_nanosleep()). */
import { block, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, type SyscallResult } from "./control.ts";
import type { Task } from "./task.ts";
import { type TimeWidth, toTime, writeTimespec } from "./time-values.ts";

export interface SleepOptions {
  /** Where the rest goes after an interruption; 0 for nowhere. */
  readonly remaining: number;
  readonly width: TimeWidth;
  /** TIMER_ABSTIME: a restart needs no restart block. */
  readonly absolute?: boolean;
}

/** Sleeps until `deadlineNs` of CLOCK_MONOTONIC: 0, or an interruption. */
export function sleepUntil(task: Task, deadlineNs: number, options: SleepOptions): SyscallResult {
  const { clock } = task.kernel;
  if (deadlineNs <= clock.monotonicNs) return 0;
  return block({
    deadlineNs,
    resume: () => 0,
    interrupted: () => {
      if (options.absolute) return -ERESTARTNOHAND;
      const left = toTime(Math.max(0, deadlineNs - clock.monotonicNs));
      if (options.remaining !== 0) {
        const failed = writeTimespec(task, options.remaining, left, options.width);
        if (failed < 0) return failed;
      }
      task.restart = () => sleepUntil(task, deadlineNs, options);
      return -ERESTART_RESTARTBLOCK;
    },
  });
}
