/**
 * A task: one thread of execution (struct task_struct). Its behaviour is spread over task-*.ts by aspect; this file holds
 * the state.
 */
import type { Abi } from "../abi/abi.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import type { FdTable } from "../vfs/fd-table.ts";
import type { Path } from "../vfs/path.ts";
import type { BlockControl, SyscallResult } from "./control.ts";
import type { Credentials } from "./credentials.ts";
import { IoCounters } from "./io-counters.ts";
import type { SemUndoList } from "./ipc/sem-undo.ts";
import type { Kernel } from "./kernel.ts";
import { PendingSignals } from "./pending-signals.ts";
import { SignalSet } from "./signal-set.ts";
import type { SleepEnd } from "./task-sleep.ts";
import type { ThreadGroup } from "./thread-group.ts";
import type { TlsDescriptor } from "./tls.ts";

/** struct fs_struct: root, working directory, umask; shared with CLONE_FS. */
export interface FsStruct {
  root: Path;
  cwd: Path;
  umask: number;
}

/** The alternate signal stack (sigaltstack(2)). */
export interface AltStack {
  readonly sp: number;
  readonly size: number;
  readonly flags: number;
}

/** `dead`: ended; a leader stays in that state until its group is reaped. */
export type TaskState = "runnable" | "sleeping" | "stopped" | "dead";

/** A sleep in progress. */
export interface Sleep {
  readonly control: BlockControl;
  /** Ends it: the task becomes runnable and leaves the wait queues and the timer. */
  readonly end: (reason: SleepEnd) => void;
}

/** The call that a task is in, kept while it sleeps and for restarts. */
export interface SyscallFrame {
  readonly number: number;
  readonly abi: Abi;
  /** Six argument registers as int32 halves: lo0 hi0 lo1 hi1 … */
  readonly words: Int32Array;
}

/** A frame that is filled anew for each call of its task. */
export interface CallFrame extends SyscallFrame {
  number: number;
  abi: Abi;
}

export interface TaskInit {
  readonly kernel: Kernel;
  readonly tid: number;
  readonly group: ThreadGroup;
  readonly abi: Abi;
  readonly mm: AddressSpace;
  readonly files: FdTable;
  readonly fs: FsStruct;
  readonly creds: Credentials;
  readonly comm: string;
}

export class Task {
  readonly kernel: Kernel;
  /** execve(2) by another thread than the leader takes the leader's. */
  tid: number;
  readonly group: ThreadGroup;
  /** The ABI of the program; during an int 0x80 call of 64-bit code, that of the call. */
  abi: Abi;
  /** The ABI of the program, always. */
  programAbi: Abi;
  mm: AddressSpace;
  files: FdTable;
  fs: FsStruct;
  creds: Credentials;
  /** Name of at most 15 bytes (PR_SET_NAME). */
  comm: string;

  state: TaskState = "runnable";
  sleep: Sleep | undefined;
  /** What to do when the task is next on the CPU, before user mode: the rest of a call that slept. */
  resumption: (() => void) | undefined;
  /** The call in progress, or whose result may still be turned into a restart. */
  syscall: SyscallFrame | undefined;
  /** The registers of its calls: one at a time is in progress. */
  readonly frame: CallFrame;
  /** Continues a call that restart_syscall(2) resumes (struct restart_block). */
  restart: (() => SyscallResult) | undefined;
  /** Registers while another task is on the CPU. */
  saved: Uint8Array | undefined;
  /** Nanoseconds of the virtual clock spent running. */
  userNs = 0;
  readonly io = new IoCounters();

  blocked = new SignalSet();
  /** The mask to restore after sigsuspend and its kin, once a handler was set up or none was needed. */
  savedBlocked: SignalSet | undefined;
  readonly pending = new PendingSignals();
  altStack: AltStack = { sp: 0, size: 0, flags: 0 };
  /** Last exception, for the signal frame (struct thread_struct). */
  trapNumber = 0;
  errorCode = 0;
  cr2 = 0;

  /** set_tid_address, CLONE_CHILD_CLEARTID. */
  clearChildTid = 0;
  /** set_robust_list. */
  robustListHead = 0;
  rseq: { address: number; length: number; signature: number } | undefined;
  /** GDT entries 12–14 (set_thread_area). */
  tls: (TlsDescriptor | undefined)[] = [undefined, undefined, undefined];
  /** Entries of the LDT that modify_ldt wrote, by index. */
  ldt: ReadonlyMap<number, TlsDescriptor> | undefined;
  /** The vdso's functions that the kernel knows: where i386 handlers return to, and the system call entry; 0 if absent. */
  vdso = { sigreturn: 0, rtSigreturn: 0, vsyscall: 0 };
  /** The auxiliary vector, as /proc/PID/auxv shows it. */
  auxv: Uint8Array = new Uint8Array(0);
  /** Text of the last instruction that folio lacks; printed if its SIGILL kills. */
  unsupportedInstruction = "";
  /** The thread that cloned this one (PR_SET_PDEATHSIG). */
  parentTask: Task | undefined;
  personality = 0;
  /** What semop(2) with SEM_UNDO is to take back at exit. */
  semUndo: SemUndoList | undefined;
  /** PR_SET_PDEATHSIG. */
  parentDeathSignal = 0;
  noNewPrivs = false;
  timerSlackNs = 50_000;
  nice = 0;
  /** ioprio_set(2). */
  ioPriority = 0;
  /** PR_SET_KEEPCAPS, until execve. */
  keepCaps = false;
  /** SCHED_* and static priority; they are kept, but all tasks get equal slices. */
  policy = 0;
  rtPriority = 0;
  /** SCHED_RESET_ON_FORK. */
  resetOnFork = false;
  /** sched_setaffinity: the CPUs, by bit; undefined for all. There is one CPU, whatever this says. */
  affinity: Uint8Array | undefined;
  /** The parent of vfork sleeps until this is called (mm released). */
  vforkDone: (() => void) | undefined;
  /** Status in the form of wait(2), once the task is dead. */
  exitStatus = 0;

  constructor(init: TaskInit) {
    this.kernel = init.kernel;
    this.tid = init.tid;
    this.group = init.group;
    this.abi = init.abi;
    this.programAbi = init.abi;
    this.frame = { number: 0, abi: init.abi, words: new Int32Array(12) };
    this.mm = init.mm;
    this.files = init.files;
    this.fs = init.fs;
    this.creds = init.creds;
    this.comm = init.comm;
    init.group.tasks.set(init.tid, this);
    init.group.liveCount++;
  }

  get pid(): number {
    return this.group.pid;
  }

  /** True if `signal` is pending and not blocked, for the task or its group (signal_pending()). */
  get signalPending(): boolean {
    const { blocked } = this;
    const own = this.pending.set;
    const shared = this.group.pending.set;
    return (((own.lo | shared.lo) & ~blocked.lo) | ((own.hi | shared.hi) & ~blocked.hi)) !== 0;
  }
}
