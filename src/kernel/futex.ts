/** Futexes (kernel/futex/): wait queues named by an address. */
import { EAGAIN, EFAULT, EINVAL, ENOSYS, ETIMEDOUT } from "../abi/errno.ts";
import {
  FUTEX_OP_ADD,
  FUTEX_OP_ANDN,
  FUTEX_OP_CMP_EQ,
  FUTEX_OP_CMP_GE,
  FUTEX_OP_CMP_GT,
  FUTEX_OP_CMP_LE,
  FUTEX_OP_CMP_LT,
  FUTEX_OP_CMP_NE,
  FUTEX_OP_OPARG_SHIFT,
  FUTEX_OP_OR,
  FUTEX_OP_SET,
  FUTEX_OP_XOR,
} from "../abi/futex.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import { block, ERESTART_RESTARTBLOCK, ERESTARTNOINTR, ERESTARTSYS, type SyscallResult } from "./control.ts";
import { type FutexKey, futexKey, sameKey } from "./futex-key.ts";
import { type PiLock, PiLocks, type PiWaiter } from "./futex-pi.ts";
import type { Task } from "./task.ts";

interface Waiter {
  key: FutexKey;
  readonly bitset: number;
  readonly queue: WaitQueue;
  /** FUTEX_WAIT_REQUEUE_PI: the lock to be requeued to. */
  readonly target?: RequeueTarget;
}

interface RequeueTarget {
  readonly task: Task;
  readonly key: FutexKey;
  /** Requeued: in line for the lock. */
  inLine: { readonly lock: PiLock; readonly waiter: PiWaiter } | undefined;
  acquired: boolean;
}

export interface FutexWait {
  readonly address: number;
  readonly value: number;
  readonly isPrivate: boolean;
  readonly bitset: number;
  /** CLOCK_MONOTONIC; Infinity without a timeout. */
  readonly deadlineNs: number;
  /** The restarted call takes its deadline from the restart block (FUTEX_WAIT with its relative timeout). */
  readonly relative: boolean;
}

export class FutexTable {
  #waiters: Waiter[] = [];
  readonly pi = new PiLocks();

  /** futex_wait(): 0 when woken, -EAGAIN if the word differs, -ETIMEDOUT. */
  wait(task: Task, wait: FutexWait): SyscallResult {
    if (wait.bitset === 0) return -EINVAL;
    const key = futexKey(task, wait.address, wait.isPrivate);
    if (typeof key === "number") return key;
    const word = task.mm.readU32(wait.address);
    if (word < 0) return -EFAULT;
    if (word !== wait.value) return -EAGAIN;
    const waiter: Waiter = { key, bitset: wait.bitset, queue: new WaitQueue() };
    this.#waiters.push(waiter);
    return block({
      queues: [waiter.queue],
      deadlineNs: wait.deadlineNs,
      resume: (reason) => {
        this.#remove(waiter);
        return reason === "wake" ? 0 : -ETIMEDOUT;
      },
      interrupted: () => {
        this.#remove(waiter);
        if (wait.deadlineNs === Number.POSITIVE_INFINITY) return -ERESTARTSYS;
        task.restart = () => this.wait(task, wait);
        return wait.relative ? -ERESTART_RESTARTBLOCK : -ERESTARTSYS;
      },
    });
  }

  #remove(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
  }

  /** futex_wake(): wakes at most `count` waiters whose bitset meets `bitset`; the number woken. */
  wake(task: Task, address: number, count: number, isPrivate: boolean, bitset: number): number {
    if (bitset === 0) return -EINVAL;
    const key = futexKey(task, address, isPrivate);
    return typeof key === "number" ? key : this.#wakeKey(key, count, bitset);
  }

  #wakeKey(key: FutexKey, count: number, bitset: number): number {
    // A count of 0 wakes one waiter, as the kernel's loop checks after the first.
    const most = Math.max(1, count);
    let woken = 0;
    for (const waiter of this.#waiters.filter((other) => sameKey(other.key, key))) {
      if (waiter.target !== undefined) return -EINVAL;
      if (!(waiter.bitset & bitset)) continue;
      this.#remove(waiter);
      waiter.queue.wake();
      if (++woken >= most) break;
    }
    return woken;
  }

  /** futex_requeue(): wakes `wakeCount`, moves up to `moveCount` others to `to`. `expected` undefined does not compare. */
  requeue(
    task: Task,
    from: number,
    to: number,
    counts: { readonly wake: number; readonly move: number },
    isPrivate: boolean,
    expected: number | undefined,
  ): number {
    if (counts.wake < 0 || counts.move < 0) return -EINVAL;
    const fromKey = futexKey(task, from, isPrivate);
    if (typeof fromKey === "number") return fromKey;
    const toKey = futexKey(task, to, isPrivate);
    if (typeof toKey === "number") return toKey;
    if (expected !== undefined) {
      const word = task.mm.readU32(from);
      if (word < 0) return -EFAULT;
      if (word !== expected) return -EAGAIN;
    }
    const woken = counts.wake === 0 ? 0 : this.#wakeKey(fromKey, counts.wake, ~0);
    let moved = 0;
    if (woken < 0) return woken;
    for (const waiter of this.#waiters.filter((other) => sameKey(other.key, fromKey))) {
      if (moved >= counts.move) break;
      if (waiter.target !== undefined) return -EINVAL;
      waiter.key = toKey;
      moved++;
    }
    return woken + moved;
  }

  /** futex_wait_requeue_pi(): waits at `wait.address` to be put in line for the lock at `lockAddress`. */
  waitRequeuePi(task: Task, wait: FutexWait, lockAddress: number): SyscallResult {
    if (wait.address === lockAddress || wait.bitset === 0) return -EINVAL;
    const lockKey = futexKey(task, lockAddress, wait.isPrivate, true);
    if (typeof lockKey === "number") return lockKey;
    const key = futexKey(task, wait.address, wait.isPrivate);
    if (typeof key === "number") return key;
    const word = task.mm.readU32(wait.address);
    if (word < 0) return -EFAULT;
    if (word !== wait.value) return -EAGAIN;
    if (sameKey(key, lockKey)) return -EINVAL;
    const target: RequeueTarget = { task, key: lockKey, inLine: undefined, acquired: false };
    const waiter: Waiter = { key, bitset: wait.bitset, queue: new WaitQueue(), target };
    this.#waiters.push(waiter);
    const proceed = (result: number): SyscallResult => {
      const { inLine } = target;
      if (target.acquired || inLine?.waiter.acquired) return 0;
      if (inLine !== undefined && result === 0)
        return this.pi.waitFor(inLine.lock, inLine.waiter, wait.deadlineNs, -EAGAIN);
      if (inLine !== undefined) this.pi.giveUp(inLine.lock, inLine.waiter);
      this.#remove(waiter);
      return result;
    };
    return block({
      queues: [waiter.queue],
      deadlineNs: wait.deadlineNs,
      resume: (reason) => proceed(reason === "timeout" ? -ETIMEDOUT : 0),
      interrupted: () => proceed(target.inLine === undefined ? -ERESTARTNOINTR : -EAGAIN) as number,
    });
  }

  /** FUTEX_CMP_REQUEUE_PI: the first waiter gets the lock if it is free, the others get in line for it. */
  requeuePi(
    task: Task,
    from: number,
    to: number,
    counts: { readonly wake: number; readonly move: number },
    isPrivate: boolean,
    expected: number,
  ): number {
    if (counts.wake < 0 || counts.move < 0 || from === to || counts.wake !== 1) return -EINVAL;
    const fromKey = futexKey(task, from, isPrivate);
    if (typeof fromKey === "number") return fromKey;
    const toKey = futexKey(task, to, isPrivate, true);
    if (typeof toKey === "number") return toKey;
    if (sameKey(fromKey, toKey)) return -EINVAL;
    const word = task.mm.readU32(from);
    if (word < 0) return -EFAULT;
    if (word !== expected) return -EAGAIN;
    let moved = 0;
    for (const waiter of this.#waiters.filter((other) => sameKey(other.key, fromKey))) {
      if (moved - counts.wake >= counts.move) break;
      const { target } = waiter;
      if (target === undefined || !sameKey(target.key, toKey)) return -EINVAL;
      const lock = this.pi.acquire(target.task, toKey, to, counts.move > 0);
      if (typeof lock === "number" && lock < 0) return moved > 0 ? moved : lock;
      this.#remove(waiter);
      moved++;
      if (typeof lock === "number") target.acquired = true;
      else target.inLine = { lock, waiter: this.pi.enqueue(target.task, lock) };
      waiter.queue.wake();
    }
    return moved;
  }

  /** futex_wake_op(): changes the word at `second`, wakes at `first`, and at `second` if its old value compares so. */
  wakeOp(
    task: Task,
    first: number,
    second: number,
    counts: { readonly first: number; readonly second: number },
    isPrivate: boolean,
    encoded: number,
  ): number {
    const firstKey = futexKey(task, first, isPrivate);
    if (typeof firstKey === "number") return firstKey;
    const secondKey = futexKey(task, second, isPrivate);
    if (typeof secondKey === "number") return secondKey;
    const old = task.mm.readU32(second);
    if (old < 0) return -EFAULT;
    const next = applyWakeOp(old, encoded);
    if (next === undefined) return -ENOSYS;
    if (task.mm.writeU32(second, next) < 0) return -EFAULT;
    const compared = compareWakeOp(old | 0, encoded);
    if (compared === undefined) return -ENOSYS;
    let woken = this.#wakeKey(firstKey, counts.first, ~0);
    if (woken < 0) return woken;
    if (compared) woken += this.#wakeKey(secondKey, counts.second, ~0);
    return woken;
  }
}

function signExtend12(value: number): number {
  return (value << 20) >> 20;
}

/** futex_atomic_op_inuser(). */
function applyWakeOp(old: number, encoded: number): number | undefined {
  const op = (encoded >>> 28) & 7;
  let argument = signExtend12((encoded >>> 12) & 0xfff);
  if ((encoded >>> 28) & FUTEX_OP_OPARG_SHIFT) argument = 1 << (argument & 31);
  switch (op) {
    case FUTEX_OP_SET:
      return argument;
    case FUTEX_OP_ADD:
      return (old + argument) | 0;
    case FUTEX_OP_OR:
      return old | argument;
    case FUTEX_OP_ANDN:
      return old & ~argument;
    case FUTEX_OP_XOR:
      return old ^ argument;
    default:
      return undefined;
  }
}

function compareWakeOp(old: number, encoded: number): boolean | undefined {
  const argument = signExtend12(encoded & 0xfff);
  switch ((encoded >>> 24) & 15) {
    case FUTEX_OP_CMP_EQ:
      return old === argument;
    case FUTEX_OP_CMP_NE:
      return old !== argument;
    case FUTEX_OP_CMP_LT:
      return old < argument;
    case FUTEX_OP_CMP_GE:
      return old >= argument;
    case FUTEX_OP_CMP_LE:
      return old <= argument;
    case FUTEX_OP_CMP_GT:
      return old > argument;
    default:
      return undefined;
  }
}
