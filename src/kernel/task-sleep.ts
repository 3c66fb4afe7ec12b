/** Sleeping and waking. A wake-up only makes the task runnable; what it was doing continues when it is next on the CPU. */
import type { BlockControl, WakeReason } from "./control.ts";
import type { Task } from "./task.ts";

export type SleepEnd = WakeReason | "interrupted";

/** Takes the task off the run queue until a queue of `control` wakes it, its deadline comes, or a signal arrives. */
export function putToSleep(task: Task, control: BlockControl, proceed: (end: SleepEnd) => void): void {
  if (task.signalPending && !control.killableOnly) {
    task.resumption = () => proceed("interrupted");
    return;
  }
  const { kernel } = task;
  const removers: (() => void)[] = [];
  const end = (reason: SleepEnd): void => {
    for (const remove of removers) remove();
    task.sleep = undefined;
    task.resumption = () => proceed(reason);
    if (task.state !== "sleeping") return;
    task.state = "runnable";
    kernel.scheduler.enqueue(task);
  };
  for (const queue of control.queues) removers.push(queue.add(() => end("wake")));
  if (control.deadlineNs !== Number.POSITIVE_INFINITY) {
    removers.push(kernel.timers.add(control.deadlineNs, () => end("timeout")));
  }
  task.sleep = { control, end };
  task.state = "sleeping";
  kernel.scheduler.dequeue(task);
}

/** A signal arrived (signal_wake_up()): interruptible sleeps end; `fatal` ones end killable sleeps too. */
export function interruptSleep(task: Task, fatal: boolean): void {
  const { sleep } = task;
  if (sleep !== undefined && (fatal || !sleep.control.killableOnly)) sleep.end("interrupted");
}
