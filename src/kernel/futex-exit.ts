/** What the kernel does with futexes when a task ends (kernel/futex/core.c, exit_robust_list()). */
import { FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS, ROBUST_LIST_LIMIT } from "../abi/futex.ts";
import type { Task } from "./task.ts";

/** Wakes one waiter of a shared futex word; CLONE_CHILD_CLEARTID does so. */
export function wakeFutexAt(task: Task, address: number): void {
  const { futexes } = task.kernel;
  if (futexes.wake(task, address, 1, false, ~0) <= 0) futexes.wake(task, address, 1, true, ~0);
}

/** Marks the robust futexes that the task holds as OWNER_DIED and wakes a waiter of each; hands its PI locks over. */
export function exitRobustList(task: Task): void {
  walkRobustList(task);
  task.kernel.futexes.pi.release(task);
}

function walkRobustList(task: Task): void {
  const head = task.robustListHead;
  task.robustListHead = 0;
  if (head === 0) return;
  const { mm } = task;
  const word = mm.wordSize;
  let entry = mm.readWord(head);
  const offset = signedWord(mm.readWord(head + word), word);
  const pending = mm.readWord(head + 2 * word);
  if (entry < 0 || pending < 0) return;
  for (let i = 0; i < ROBUST_LIST_LIMIT && entry !== head; i++) {
    const next = mm.readWord(entry - (entry % 2));
    if (entry !== pending && !futexDeath(task, entry - (entry % 2) + offset, entry % 2 === 1)) return;
    if (next < 0) return;
    entry = next;
  }
  if (pending !== 0) futexDeath(task, pending - (pending % 2) + offset, pending % 2 === 1);
}

function signedWord(value: number, size: number): number {
  const bits = size * 8;
  return value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
}

/** handle_futex_death(); false ends the walk. */
function futexDeath(task: Task, address: number, isPi: boolean): boolean {
  if (address % 4 !== 0) return false;
  const value = task.mm.readU32(address);
  if (value < 0) return false;
  if ((value & FUTEX_TID_MASK) !== task.tid) return true;
  if (task.mm.writeU32(address, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED) < 0) return false;
  if (value & FUTEX_WAITERS && !isPi) wakeFutexAt(task, address);
  return true;
}
