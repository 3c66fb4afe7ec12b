/**
 * What a system call gives back. Plain results are numbers, control flow is a value too (design.md, section 4):
 * nothing throws, and a blocked call is resumed by the scheduler.
 */
import { WaitQueue } from "../base/wait-queue.ts";

/** In-kernel results that ask for a restart (include/linux/errno.h); user mode never sees them. */
export const ERESTARTSYS = 512;
export const ERESTARTNOINTR = 513;
export const ERESTARTNOHAND = 514;
export const ERESTART_RESTARTBLOCK = 516;

/** What ended a sleep. */
export type WakeReason = "wake" | "timeout";

/** The task sleeps. */
export interface BlockControl {
  readonly kind: "block";
  readonly queues: readonly WaitQueue[];
  /** Virtual CLOCK_MONOTONIC time in nanoseconds at which the sleep ends by itself; Infinity for never. */
  readonly deadlineNs: number;
  /** Called when the sleep ends; its result takes the place of this one. Without it the handler runs again from its start. */
  readonly resume: ((reason: WakeReason) => SyscallResult) | undefined;
  /** Called when a signal ends the sleep; the result, usually `-ERESTARTSYS`. */
  readonly interrupted: () => number;
  /** A sleep that no signal but SIGKILL ends (TASK_KILLABLE: vfork's wait). */
  readonly killableOnly: boolean;
}

/** The registers are set as they must be (sigreturn, a successful execve): no result is written. `value` is what strace prints. */
export interface RegistersSetControl {
  readonly kind: "registersSet";
  readonly value: number;
}

/** The task is no more. */
export interface ExitControl {
  readonly kind: "exit";
}

export type SyscallControl = BlockControl | RegistersSetControl | ExitControl;

/**
 * `>= 0` is the result, `< 0` is -errno. A bare `WaitQueue` means: sleep there, then run the handler again from its start;
 * a signal gives -ERESTARTSYS. A result in [-4095, -1] can only be an error, in both ABIs.
 */
export type SyscallResult = number | WaitQueue | SyscallControl;

export interface BlockOptions {
  readonly queues?: readonly WaitQueue[];
  readonly deadlineNs?: number;
  readonly resume?: (reason: WakeReason) => SyscallResult;
  readonly interrupted?: () => number;
  readonly killableOnly?: boolean;
}

/** Puts the calling task to sleep; see `BlockControl` for the options' defaults. */
export function block(options: BlockOptions): BlockControl {
  return {
    kind: "block",
    queues: options.queues ?? [],
    deadlineNs: options.deadlineNs ?? Number.POSITIVE_INFINITY,
    resume: options.resume,
    interrupted: options.interrupted ?? interruptedRestart,
    killableOnly: options.killableOnly ?? false,
  };
}

function interruptedRestart(): number {
  return -ERESTARTSYS;
}

/** A bare `WaitQueue` as the block that it stands for. */
export function asControl(result: WaitQueue | SyscallControl): SyscallControl {
  return result instanceof WaitQueue ? block({ queues: [result] }) : result;
}

export const EXIT: ExitControl = { kind: "exit" };

export function registersSet(value: number): RegistersSetControl {
  return { kind: "registersSet", value };
}

/** True for results that the ABI reports as errors: -4095 … -1 (include/linux/err.h, IS_ERR_VALUE). */
export function isError(result: number): boolean {
  return result < 0 && result >= -4095;
}
