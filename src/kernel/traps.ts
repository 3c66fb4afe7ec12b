/**
 * Traps: places in guest code (`Inode.traps`) where a function of folio runs in place of the guest's instructions. The CPU
 * stops at such a site with nothing changed and nothing counted; the trap reads and writes registers and guest memory and
 * moves RIP on, as if the code had run. It leaves RIP where it is, and everything else as it was, if it could not be done yet.
 */
import { InternalError } from "../base/errors.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import { PF_WRITE } from "../memory/translation.ts";
import { asControl, type BlockControl } from "./control.ts";
import { Vector } from "./cpu.ts";
import { callForTrap } from "./syscall-entry.ts";
import type { Task } from "./task.ts";
import { raiseException } from "./task-faults.ts";
import { putToSleep } from "./task-sleep.ts";

/** Number of a trap in `Kernel.traps`: what the maps of `Inode.traps` hold. */
export type TrapId = number;

/** A guest access of the trap faulted: the page fault of the guest at the site. If it can be repaired the trap runs again. */
export interface TrapFault {
  readonly kind: "fault";
  readonly address: number;
  readonly write: boolean;
}

/**
 * A system call that may block, made by the trap as the guest's code would make it. `resume` takes its result and goes on.
 * Without `resume`, or when a signal interrupts the call, the trap runs again from its start.
 */
export interface TrapSyscall {
  readonly kind: "syscall";
  readonly number: number;
  readonly args: readonly number[];
  readonly resume?: (result: number) => TrapResult;
}

/** Nothing was done: the guest's own instructions run this time. */
export interface TrapNative {
  readonly kind: "native";
}

export const NATIVE: TrapNative = { kind: "native" };

/** Undefined: done, RIP is set. A wait queue or a block: sleep there, then run again from the start. */
export type TrapResult = undefined | WaitQueue | BlockControl | TrapFault | TrapSyscall | TrapNative;

/** What a trap does for the current task, whose registers are in the CPU. */
export type Trap = (task: Task) => TrapResult;

/** The traps of one machine, by number. */
export class Traps {
  readonly #list: Trap[] = [];
  /** How often a site was reached; for statistics. */
  entered = 0;

  add(trap: Trap): TrapId {
    return this.#list.push(trap) - 1;
  }

  /** Runs trap `id` for the task. */
  handle(task: Task, id: TrapId): TrapResult {
    const trap = this.#list[id];
    this.entered++;
    if (trap === undefined) throw new InternalError(`no trap has the number ${id}`);
    return trap(task);
  }
}

/** The CPU stopped at a trap site. */
export function enterTrap(task: Task): void {
  const { kernel } = task;
  settle(task, kernel.traps.handle(task, kernel.cpu.trap));
}

/** The canonical halves of 64-bit addresses (SDM volume 1, section 3.3.7.1). */
const USER_END = 2 ** 47;
const KERNEL_START = 2 ** 64 - 2 ** 47;

function settle(task: Task, result: TrapResult): void {
  if (result === undefined) return;
  if ("kind" in result && result.kind === "native") return task.kernel.cpu.passTrap();
  if (result instanceof WaitQueue || result.kind === "block") {
    // The registers are as they were: whatever ends the sleep, the task comes to the site again.
    return putToSleep(task, asControl(result) as BlockControl, () => undefined);
  }
  if (result.kind === "syscall") {
    const { number, args, resume } = result;
    return callForTrap(task, number, args, (value) => settle(task, resume?.(value)));
  }
  const { fault } = task.kernel.cpu;
  const canonical = result.address < USER_END || result.address >= KERNEL_START;
  fault.vector = canonical ? Vector.pageFault : Vector.generalProtection;
  fault.errorCode = result.write ? PF_WRITE : 0;
  fault.address = canonical ? result.address : 0;
  fault.unsupported = "";
  raiseException(task);
}
