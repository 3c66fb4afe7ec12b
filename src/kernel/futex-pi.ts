/**
 * Futexes with priority inheritance (kernel/futex/pi.c, requeue.c). The kernel hands a lock over itself, to the waiter that
 * has waited longest: all tasks have one priority here.
 */
import { EAGAIN, EDEADLK, EFAULT, EINVAL, EPERM, ESRCH, ETIMEDOUT } from "../abi/errno.ts";
import { FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from "../abi/futex.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import { block, ERESTARTNOINTR, type SyscallResult } from "./control.ts";
import { type FutexKey, futexKey, sameKey } from "./futex-key.ts";
import type { Task } from "./task.ts";

interface Waiter {
  readonly task: Task;
  readonly queue: WaitQueue;
  /** The lock is its own. */
  acquired: boolean;
}

/** A lock that somebody waits for (struct futex_pi_state). */
interface PiLock {
  readonly key: FutexKey;
  /** The word, in the address space of whoever waited first. */
  readonly address: number;
  owner: Task | undefined;
  readonly waiters: Waiter[];
}

export interface PiRequest {
  readonly address: number;
  readonly isPrivate: boolean;
  /** CLOCK_MONOTONIC; Infinity without a timeout. */
  readonly deadlineNs: number;
}

export class PiLocks {
  #locks: PiLock[] = [];

  #find(key: FutexKey): PiLock | undefined {
    return this.#locks.find((lock) => sameKey(lock.key, key));
  }

  /** FUTEX_LOCK_PI: 0 once the lock is the caller's. FUTEX_TRYLOCK_PI never waits. */
  lock(task: Task, request: PiRequest, wait: boolean): SyscallResult {
    const key = futexKey(task, request.address, request.isPrivate, true);
    if (typeof key === "number") return key;
    const taken = this.acquire(task, key, request.address, false);
    if (typeof taken === "number") return taken;
    if (!wait) return -EAGAIN;
    if (this.#waitsFor(taken.owner, task)) return -EDEADLK;
    return this.#sleep(task, taken, request.deadlineNs);
  }

  /** Takes a free lock for `task` (futex_lock_pi_atomic): 0, -errno, or the lock that it must wait for. */
  acquire(task: Task, key: FutexKey, address: number, setWaiters: boolean): PiLock | number {
    const word = task.mm.readU32(address);
    if (word < 0) return -EFAULT;
    const holder = word & FUTEX_TID_MASK;
    if (holder === task.tid) return -EDEADLK;
    const known = this.#find(key);
    if (known !== undefined) return known;
    if (holder === 0) {
      const value = (word & FUTEX_OWNER_DIED) | task.tid | (setWaiters ? FUTEX_WAITERS : 0);
      return task.mm.writeU32(address, value >>> 0) < 0 ? -EFAULT : 0;
    }
    if (task.mm.writeU32(address, (word | FUTEX_WAITERS) >>> 0) < 0) return -EFAULT;
    const owner = task.kernel.tasks.get(holder);
    if (owner === undefined || owner.state === "dead") return -ESRCH;
    return { key, address, owner, waiters: [] };
  }

  /** Whether `owner` waits, over others perhaps, for a lock of `task`. */
  #waitsFor(owner: Task | undefined, task: Task): boolean {
    let at = owner;
    for (let steps = 0; at !== undefined && steps < 1024; steps++) {
      if (at === task) return true;
      const waiting: Task = at;
      at = this.#locks.find(({ waiters }) => waiters.some((waiter) => waiter.task === waiting))?.owner;
    }
    return false;
  }

  /** Puts a task in line; `release` takes it out again. */
  enqueue(task: Task, lock: PiLock): Waiter {
    if (lock.waiters.length === 0) this.#locks.push(lock);
    const waiter = { task, queue: new WaitQueue(), acquired: false };
    lock.waiters.push(waiter);
    return waiter;
  }

  /** Takes a waiter out of the line. */
  giveUp(lock: PiLock, waiter: Waiter): void {
    const at = lock.waiters.indexOf(waiter);
    if (at >= 0) lock.waiters.splice(at, 1);
    if (lock.waiters.length === 0) this.#locks = this.#locks.filter((other) => other !== lock);
  }

  #sleep(task: Task, lock: PiLock, deadlineNs: number): SyscallResult {
    const waiter = this.enqueue(task, lock);
    return this.waitFor(lock, waiter, deadlineNs, -ERESTARTNOINTR);
  }

  /** Sleeps until the lock is handed over; `interrupted` is the result if a signal comes first. */
  waitFor(lock: PiLock, waiter: Waiter, deadlineNs: number, interrupted: number): SyscallResult {
    const end = (result: number): number => {
      if (waiter.acquired) return 0;
      this.giveUp(lock, waiter);
      return result;
    };
    return block({
      queues: [waiter.queue],
      deadlineNs,
      resume: (reason) => end(reason === "timeout" ? -ETIMEDOUT : 0),
      interrupted: () => end(interrupted),
    });
  }

  /** FUTEX_UNLOCK_PI. */
  unlock(task: Task, address: number, isPrivate: boolean): number {
    const word = task.mm.readU32(address);
    if (word < 0) return -EFAULT;
    if ((word & FUTEX_TID_MASK) !== task.tid) return -EPERM;
    const key = futexKey(task, address, isPrivate, true);
    if (typeof key === "number") return key;
    const lock = this.#find(key);
    if (lock === undefined) return task.mm.writeU32(address, 0) < 0 ? -EFAULT : 0;
    if (lock.owner !== task) return -EINVAL;
    this.#handOver(lock, 0);
    return 0;
  }

  /** The longest waiter becomes the owner (wake_futex_pi). */
  #handOver(lock: PiLock, died: number): void {
    const next = lock.waiters[0];
    next.acquired = true;
    this.giveUp(lock, next);
    lock.owner = next.task;
    next.task.mm.writeU32(lock.address, (FUTEX_WAITERS | next.task.tid | died) >>> 0);
    next.queue.wake();
  }

  /** exit_pi_state_list(): locks that a task held when it ended. */
  release(task: Task): void {
    for (const lock of [...this.#locks]) if (lock.owner === task) this.#handOver(lock, FUTEX_OWNER_DIED);
  }
}

export type { PiLock, Waiter as PiWaiter };
