/**
 * Events of the running machine. All observers default to nothing; strace, views and statistics implement what they need.
 * `T` is the kernel's Task: this folder knows no kernel types.
 */
import type { Abi } from "../abi/abi.ts";

/** A system call as the registers hold it. */
export interface SyscallEvent {
  readonly number: number;
  readonly abi: Abi;
  /** Six argument registers as int32 halves: lo0 hi0 lo1 hi1 … */
  readonly words: Int32Array;
}

/** A program that begins. */
export interface ExecEvent {
  readonly path: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
}

/** A signal that is about to be delivered or to kill. */
export interface SignalEvent {
  readonly signo: number;
  readonly code: number;
}

export interface Observer<T, Info extends SignalEvent = SignalEvent> {
  /** A call begins (not again when it is restarted within the kernel). */
  syscallEnter?(task: T, call: SyscallEvent): void;
  /** A call ends with `result` (-errno and -ERESTART… included). */
  syscallExit?(task: T, call: SyscallEvent, result: number): void;
  /** A task goes to sleep in `call` until `deadlineNs` (Infinity for ever). */
  sleep?(task: T, call: SyscallEvent, deadlineNs: number): void;
  /** A signal is taken: `handled` by a handler, or by its default action. Ignored signals are reported too. */
  signal?(task: T, info: Info, handled: boolean): void;
  /** A processor exception that became a signal. */
  fault?(task: T, vector: number, errorCode: number, address: number): void;
  /** execve succeeded: the task has its new image and has not run yet. */
  exec?(task: T, program: ExecEvent): void;
  /** The task ends; its memory is still there. `status` is in the form of wait(2). */
  exit?(task: T, status: number): void;
  /** A new task (fork, clone). */
  clone?(parent: T, child: T): void;
  /** A call that folio does not have was answered with ENOSYS. */
  unknownSyscall?(task: T, call: SyscallEvent): void;
  /** An instruction that folio does not know raised #UD. */
  unsupportedInstruction?(task: T, text: string): void;
}

/** Calls every observer in order. */
export class Observers<T, Info extends SignalEvent = SignalEvent> implements Required<Observer<T, Info>> {
  readonly #list: Observer<T, Info>[] = [];

  /** True if nobody listens: callers skip preparing events. */
  get idle(): boolean {
    return this.#list.length === 0;
  }

  add(observer: Observer<T, Info>): void {
    this.#list.push(observer);
  }

  syscallEnter(task: T, call: SyscallEvent): void {
    for (const observer of this.#list) observer.syscallEnter?.(task, call);
  }

  syscallExit(task: T, call: SyscallEvent, result: number): void {
    for (const observer of this.#list) observer.syscallExit?.(task, call, result);
  }

  sleep(task: T, call: SyscallEvent, deadlineNs: number): void {
    for (const observer of this.#list) observer.sleep?.(task, call, deadlineNs);
  }

  signal(task: T, info: Info, handled: boolean): void {
    for (const observer of this.#list) observer.signal?.(task, info, handled);
  }

  fault(task: T, vector: number, errorCode: number, address: number): void {
    for (const observer of this.#list) observer.fault?.(task, vector, errorCode, address);
  }

  exec(task: T, program: ExecEvent): void {
    for (const observer of this.#list) observer.exec?.(task, program);
  }

  exit(task: T, status: number): void {
    for (const observer of this.#list) observer.exit?.(task, status);
  }

  clone(parent: T, child: T): void {
    for (const observer of this.#list) observer.clone?.(parent, child);
  }

  unknownSyscall(task: T, call: SyscallEvent): void {
    for (const observer of this.#list) observer.unknownSyscall?.(task, call);
  }

  unsupportedInstruction(task: T, text: string): void {
    for (const observer of this.#list) observer.unsupportedInstruction?.(task, text);
  }
}
