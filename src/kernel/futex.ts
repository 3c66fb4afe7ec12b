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
import { VM_SHARED } from "../mm/vm-flags.ts";
import { block, ERESTART_RESTARTBLOCK, ERESTARTSYS, type SyscallResult } from "./control.ts";
import type { Task } from "./task.ts";

interface Waiter {
  key: FutexKey;
  readonly bitset: number;
  readonly queue: WaitQueue;
}

/** Private futexes belong to an address space, shared ones to an object and an offset in it. */
interface FutexKey {
  readonly object: object;
  readonly offset: number;
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
    for (const waiter of this.#waiters.filter((other) => sameKey(other.key, fromKey))) {
      if (moved >= counts.move) break;
      waiter.key = toKey;
      moved++;
    }
    return woken + moved;
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
    if (compared) woken += this.#wakeKey(secondKey, counts.second, ~0);
    return woken;
  }
}

/** get_futex_key(): aligned to 4, readable memory. */
function futexKey(task: Task, address: number, isPrivate: boolean): FutexKey | number {
  if (address % 4 !== 0) return -EINVAL;
  if (address < 0 || address >= task.mm.layout.taskSize) return -EFAULT;
  const own = { object: task.mm, offset: address };
  if (isPrivate) return own;
  if (task.mm.readU32(address) < 0) return -EFAULT;
  const vma = task.mm.vmas.find(address);
  if (vma === undefined || vma.start > address || !(vma.flags & VM_SHARED)) return own;
  const object = vma.file?.mappable ?? vma.mappable;
  if (object === undefined) return own;
  return { object, offset: vma.pgoff * 4096 + (address - vma.start) };
}

function sameKey(a: FutexKey, b: FutexKey): boolean {
  return a.object === b.object && a.offset === b.offset;
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
