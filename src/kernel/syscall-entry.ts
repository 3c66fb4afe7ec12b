/**
 * The way into the kernel: argument registers, the call's row in the table, its result. The kernel is given its tables; it
 * knows no single call.
 */
import type { Abi } from "../abi/abi.ts";
import { EINTR, ENOSYS } from "../abi/errno.ts";
import {
  asControl,
  type BlockControl,
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  ERESTARTSYS,
  type SyscallResult,
} from "./control.ts";
import type { RegisterState } from "./cpu.ts";
import { Gpr } from "./registers.ts";
import type { CallFrame, SyscallFrame, Task } from "./task.ts";
import { putToSleep, type SleepEnd } from "./task-sleep.ts";

/** A row of the table, as the kernel needs it. */
export interface SyscallRow {
  readonly name: string;
  call(task: Task, words: Int32Array, abi: Abi): SyscallResult;
}

export type SyscallTables = Readonly<Record<Abi, ReadonlyMap<number, SyscallRow>>>;

/** Argument registers in order: System V x86-64 (syscall), i386 (int 0x80). */
const ARGUMENTS: Readonly<Record<Abi, readonly number[]>> = {
  amd64: [Gpr.rdi, Gpr.rsi, Gpr.rdx, Gpr.r10, Gpr.r8, Gpr.r9],
  i386: [Gpr.rbx, Gpr.rcx, Gpr.rdx, Gpr.rsi, Gpr.rdi, Gpr.rbp],
};

/** Runs the call that the registers of the current task ask for. */
export function enterSyscall(task: Task, abi: Abi): void {
  const { kernel, frame } = task;
  readFrame(frame, kernel.cpu.state, abi);
  task.syscall = frame;
  kernel.syscalls++;
  if (!kernel.observers.idle) kernel.observers.syscallEnter(task, frame);
  runSyscall(task, frame);
}

function readFrame(frame: CallFrame, state: RegisterState, abi: Abi): void {
  const { words } = frame;
  const registers = ARGUMENTS[abi];
  const wide = abi === "amd64";
  for (let i = 0; i < 6; i++) {
    const register = registers[i];
    words[2 * i] = state.gprLo(register);
    words[2 * i + 1] = wide ? state.gprHi(register) : 0;
  }
  frame.number = state.gprLo(Gpr.rax);
  frame.abi = abi;
}

function dispatch(task: Task, frame: SyscallFrame): SyscallResult {
  const row = task.kernel.tables[frame.abi].get(frame.number);
  if (row !== undefined) return row.call(task, frame.words, frame.abi);
  task.kernel.observers.unknownSyscall(task, frame);
  return -ENOSYS;
}

/** The end of a call that has a result: of the guest's own, or of one that a trap makes. */
type Finish = (task: Task, frame: SyscallFrame, result: number) => void;

/**
 * Runs the call `frame` in its ABI, or `step` as the rest of it, then hands the result to `finish` or puts the task to sleep.
 */
function runSyscall(
  task: Task,
  frame: SyscallFrame,
  finish: Finish = finishSyscall,
  step?: (() => SyscallResult) | undefined,
): void {
  task.abi = frame.abi;
  const result = step === undefined ? dispatch(task, frame) : step();
  task.abi = task.programAbi;
  if (typeof result === "number") return finish(task, frame, result);
  const control = asControl(result);
  switch (control.kind) {
    case "exit":
      return;
    case "registersSet":
      task.kernel.observers.syscallExit(task, frame, control.value);
      task.syscall = undefined;
      return;
    case "block":
      task.kernel.observers.sleep(task, frame, control.deadlineNs);
      return putToSleep(task, control, (end) => wakeInSyscall(task, frame, control, end, finish));
  }
}

function wakeInSyscall(task: Task, frame: SyscallFrame, control: BlockControl, end: SleepEnd, finish: Finish): void {
  if (end === "interrupted") return finish(task, frame, control.interrupted());
  const { resume } = control;
  runSyscall(task, frame, finish, resume === undefined ? undefined : () => resume(end));
}

/**
 * Makes a call of the program's ABI for a trap of the current task (traps.ts): observers see it as any other, the registers stay.
 * `then` gets the result; it is not called if the task ended, or if a signal interrupted the call and the trap is to run again.
 */
export function callForTrap(task: Task, number: number, args: readonly number[], then: (result: number) => void): void {
  const words = new Int32Array(12);
  for (const [i, value] of args.entries()) {
    words[2 * i] = value;
    words[2 * i + 1] = task.programAbi === "amd64" ? Math.floor(value / 0x1_0000_0000) : 0;
  }
  const frame = { number, abi: task.programAbi, words };
  task.kernel.syscalls++;
  task.kernel.observers.syscallEnter(task, frame);
  runSyscall(task, frame, (_, call, result) => {
    task.kernel.observers.syscallExit(task, call, result);
    if (!needsRestart(result)) then(result);
  });
}

function finishSyscall(task: Task, frame: SyscallFrame, result: number): void {
  const { observers, cpu } = task.kernel;
  if (!observers.idle) observers.syscallExit(task, frame, result);
  cpu.state.setGprNumber(Gpr.rax, result);
  if (!needsRestart(result)) task.syscall = undefined;
}

function needsRestart(result: number): boolean {
  return result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK;
}

/**
 * On the way to user mode without a handler: a call that was interrupted runs again (arch/x86/kernel/signal.c,
 * arch_do_signal_or_restart()).
 */
export function restartSyscall(task: Task): void {
  const frame = task.syscall;
  if (frame === undefined) return;
  const { state } = task.kernel.cpu;
  const result = state.gprLo(Gpr.rax);
  const number = result === -ERESTART_RESTARTBLOCK ? RESTART_SYSCALL[frame.abi] : frame.number;
  state.setGprNumber(Gpr.rax, number);
  state.rip -= SYSCALL_LENGTH;
  task.syscall = undefined;
}

/** Before a handler runs: the interrupted call fails with EINTR, or is restarted after the handler (handle_signal()). */
export function settleInterruptedSyscall(task: Task, restartFlag: boolean): void {
  const frame = task.syscall;
  if (frame === undefined) return;
  const { state } = task.kernel.cpu;
  const result = state.gprLo(Gpr.rax);
  const fails =
    result === -ERESTART_RESTARTBLOCK || result === -ERESTARTNOHAND || (result === -ERESTARTSYS && !restartFlag);
  if (fails) state.setGprNumber(Gpr.rax, -EINTR);
  else {
    state.setGprNumber(Gpr.rax, frame.number);
    state.rip -= SYSCALL_LENGTH;
  }
  task.syscall = undefined;
}

/** `syscall` and `int 0x80` are both two bytes long. */
const SYSCALL_LENGTH = 2;
/** __NR_restart_syscall. */
const RESTART_SYSCALL: Readonly<Record<Abi, number>> = { amd64: 219, i386: 0 };
