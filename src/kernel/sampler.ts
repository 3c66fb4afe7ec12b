/** Who looks at the running tasks now and then (`--profile`); no task notices, since budgets end between any two instructions. */
import type { Task } from "./task.ts";

export interface Sampler {
  /** The task is about to run in user mode. Returns after about how many instructions it is to be looked at, at least 1. */
  enter(task: Task): number;
  /** The task has run so many instructions; its registers are still in the CPU. `due`: it stopped to be looked at. */
  leave(task: Task, instructions: number, due: boolean): void;
}
