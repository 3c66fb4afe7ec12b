/** System V semaphores: semget(2), semop(2), semctl(2) (ipc/sem.c). Operations that wait are granted in order. */
import { E2BIG, EAGAIN, EFBIG, EIDRM, EINTR, EINVAL, ENOSPC, ERANGE } from "../../abi/errno.ts";
import { IPC_NOWAIT, SEM_UNDO, SEMAEM, SEMVMX } from "../../abi/ipc.ts";
import { WaitQueue } from "../../base/wait-queue.ts";
import { block, type SyscallResult } from "../control.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task.ts";
import { IpcIds, type IpcObject, IpcPermissions } from "./ids.ts";
import { SemUndoList } from "./sem-undo.ts";

/** struct sembuf. */
export interface SemOperation {
  readonly number: number;
  readonly change: number;
  readonly flags: number;
}

/** A call that waits: what it wants, and how it ended. */
interface SemWaiter {
  readonly task: Task;
  readonly operations: readonly SemOperation[];
  readonly undo: SemUndoList | undefined;
  readonly queue: WaitQueue;
  /** The operation that cannot be done now. */
  blocking: SemOperation;
  result: number | undefined;
}

export class SemaphoreSet implements IpcObject {
  readonly perm: IpcPermissions;
  readonly values: Int32Array;
  /** Who changed each one last. */
  readonly pids: Int32Array;
  operationTime = 0;
  changeTime: number;
  waiters: SemWaiter[] = [];

  constructor(perm: IpcPermissions, count: number, now: number) {
    this.perm = perm;
    this.values = new Int32Array(count);
    this.pids = new Int32Array(count);
    this.changeTime = now;
  }

  get count(): number {
    return this.values.length;
  }

  /** GETNCNT and GETZCNT: calls that wait for one semaphore to grow, or to become 0. */
  waiting(number: number, forZero: boolean): number {
    const counts = ({ blocking: { number: at, change } }: SemWaiter) =>
      at === number && (forZero ? change === 0 : change < 0);
    return this.waiters.filter(counts).length;
  }
}

/** Blocked: the operation that could not be done. */
type Attempt = 0 | number | SemOperation;

export class SemaphoreSets {
  readonly ids = new IpcIds<SemaphoreSet>();
  readonly #kernel: Kernel;
  readonly #undoLists = new Set<SemUndoList>();
  /** kernel.sem: semaphores a set, in all, operations a call, sets. */
  limits = { perSet: 32000, total: 1024000000, operations: 500, sets: 32000 };
  /** Semaphores of all sets. */
  used = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get #now(): number {
    return this.#kernel.clock.realtime().sec;
  }

  /** semget(2). */
  get(task: Task, key: number, count: number, flags: number): number {
    if (count < 0 || count > this.limits.perSet) return -EINVAL;
    return this.ids.get(
      task,
      key,
      flags,
      () => this.#create(task, key, count, flags),
      (set) => (count > set.count ? -EINVAL : 0),
    );
  }

  #create(task: Task, key: number, count: number, flags: number): SemaphoreSet | number {
    if (count === 0) return -EINVAL;
    if (this.used + count > this.limits.total) return -ENOSPC;
    const set = new SemaphoreSet(new IpcPermissions(task, key, flags & 0o777), count, this.#now);
    const failed = this.ids.add(set, this.limits.sets);
    if (failed < 0) return failed;
    this.used += count;
    return set;
  }

  /** semtimedop(2) behind the copies from the guest; `deadlineNs` of CLOCK_MONOTONIC. */
  operate(task: Task, id: number, operations: readonly SemOperation[], deadlineNs: number): SyscallResult {
    if (operations.length < 1 || id < 0) return -EINVAL;
    if (operations.length > this.limits.operations) return -E2BIG;
    const set = this.ids.byId(id);
    if (typeof set === "number") return set;
    if (operations.some(({ number }) => number >= set.count)) return -EFBIG;
    const alters = operations.some(({ change }) => change !== 0);
    const refused = set.perm.check(task, alters ? 0o222 : 0o444);
    if (refused < 0) return refused;
    const undo = operations.some(({ flags }) => flags & SEM_UNDO) ? this.#undoListOf(task) : undefined;
    const attempt = this.#attempt(set, task, operations, undo);
    if (typeof attempt === "number") {
      if (attempt === 0) this.#changed(set, alters);
      return attempt;
    }
    const waiter: SemWaiter = { task, operations, undo, queue: new WaitQueue(), blocking: attempt, result: undefined };
    set.waiters.push(waiter);
    /** What was granted, or the end of the wait for another reason. */
    const settle = (otherwise: number): number => {
      set.waiters = set.waiters.filter((other) => other !== waiter);
      return waiter.result ?? otherwise;
    };
    return block({
      queues: [waiter.queue],
      deadlineNs,
      resume: () => settle(-EAGAIN),
      interrupted: () => settle(-EINTR),
    });
  }

  /** perform_atomic_semop(): all operations or none. */
  #attempt(set: SemaphoreSet, task: Task, operations: readonly SemOperation[], undo: SemUndoList | undefined): Attempt {
    const values = set.values.slice();
    const undone = undo?.of(set).slice();
    for (const operation of operations) {
      const { number, change, flags } = operation;
      const value = values[number] + change;
      if (value < 0 || (change === 0 && value !== 0)) return flags & IPC_NOWAIT ? -EAGAIN : operation;
      if (value > SEMVMX) return -ERANGE;
      if (flags & SEM_UNDO && undone !== undefined) {
        undone[number] -= change;
        if (undone[number] < -SEMAEM - 1 || undone[number] > SEMAEM) return -ERANGE;
      }
      values[number] = value;
    }
    set.values.set(values);
    if (undone !== undefined) undo?.of(set).set(undone);
    for (const { number } of operations) set.pids[number] = task.pid;
    return 0;
  }

  /** do_smart_update(): a call succeeded; who waits may go on now. */
  #changed(set: SemaphoreSet, altered: boolean): void {
    set.operationTime = this.#now;
    if (altered) this.#grant(set);
  }

  #grant(set: SemaphoreSet): void {
    for (let again = true; again; ) {
      again = false;
      const altering = ({ operations }: SemWaiter) => operations.some(({ change }) => change !== 0);
      // who only waits for zero comes first
      const order = [...set.waiters.filter((waiter) => !altering(waiter)), ...set.waiters.filter(altering)];
      for (const waiter of order) {
        if (waiter.task.state === "dead") continue;
        const attempt = this.#attempt(set, waiter.task, waiter.operations, waiter.undo);
        if (typeof attempt !== "number") {
          waiter.blocking = attempt;
          continue;
        }
        this.#finish(set, waiter, attempt);
        if (attempt < 0) continue;
        set.operationTime = this.#now;
        if (!altering(waiter)) continue;
        again = true;
        break;
      }
    }
  }

  #finish(set: SemaphoreSet, waiter: SemWaiter, result: number): void {
    set.waiters = set.waiters.filter((other) => other !== waiter);
    waiter.result = result;
    waiter.queue.wake();
  }

  /** SETVAL of one semaphore, SETALL without a number. */
  setValues(task: Task, set: SemaphoreSet, values: ArrayLike<number>, number?: number): void {
    for (let index = 0; index < values.length; index++) {
      const at = number ?? index;
      set.values[at] = values[index];
      set.pids[at] = task.pid;
      for (const list of this.#undoLists) list.forget(set, at);
    }
    set.changeTime = this.#now;
    this.#grant(set);
  }

  /** IPC_RMID. */
  remove(task: Task, id: number): number {
    const set = this.ids.owned(task, id);
    if (typeof set === "number") return set;
    this.ids.remove(set);
    this.used -= set.count;
    for (const list of this.#undoLists) list.drop(set);
    for (const waiter of [...set.waiters]) this.#finish(set, waiter, -EIDRM);
    return 0;
  }

  /** IPC_SET. */
  set(task: Task, id: number, change: { readonly uid: number; readonly gid: number; readonly mode: number }): number {
    const set = this.ids.owned(task, id);
    if (typeof set === "number") return set;
    const failed = set.perm.update(change);
    if (failed === 0) set.changeTime = this.#now;
    return failed;
  }

  #undoListOf(task: Task): SemUndoList {
    task.semUndo ??= new SemUndoList();
    this.#undoLists.add(task.semUndo);
    return task.semUndo;
  }

  /** copy_semundo() with CLONE_SYSVSEM: the list that `task` and its new thread have in common. */
  shareUndo(task: Task): SemUndoList {
    return this.#undoListOf(task).share();
  }

  /** exit_sem(): the task is gone; with the last one that shares its list, what it did is undone. */
  exit(task: Task): void {
    const list = task.semUndo;
    task.semUndo = undefined;
    if (list === undefined || !list.leave()) return;
    this.#undoLists.delete(list);
    for (const [set, changes] of list.entries()) {
      for (let index = 0; index < changes.length; index++) {
        if (changes[index] === 0) continue;
        set.values[index] = Math.min(Math.max(set.values[index] + changes[index], 0), SEMVMX);
        set.pids[index] = task.pid;
      }
      this.#changed(set, true);
    }
  }
}
