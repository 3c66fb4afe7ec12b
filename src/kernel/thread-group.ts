/** A process: the threads that share a pid (struct signal_struct). */
import { WaitQueue } from "../base/wait-queue.ts";
import { IoCounters } from "./io-counters.ts";
import type { IntervalTimers } from "./itimers.ts";
import type { Kernel } from "./kernel.ts";
import { PendingSignals } from "./pending-signals.ts";
import type { PosixTimers } from "./posix-timers.ts";
import type { Rlimits } from "./rlimits.ts";
import type { SigHand } from "./sighand.ts";
import type { Task } from "./task.ts";

export interface ThreadGroupInit {
  readonly kernel: Kernel;
  readonly pid: number;
  readonly parent: ThreadGroup | undefined;
  readonly pgid: number;
  readonly sid: number;
  readonly rlimits: Rlimits;
  readonly sighand: SigHand;
  /** Signal that the parent gets when the group ends; 0 for none. */
  readonly exitSignal: number;
}

/** Times of children that were waited for, in nanoseconds, and their fault counters. */
export interface ChildUsage {
  userNs: number;
  minorFaults: number;
  majorFaults: number;
  maxRssPages: number;
}

export class ThreadGroup {
  readonly kernel: Kernel;
  readonly pid: number;
  parent: ThreadGroup | undefined;
  readonly children = new Set<ThreadGroup>();
  /** Threads by tid; the leader stays until the group is reaped. */
  readonly tasks = new Map<number, Task>();
  /** Threads that have not ended. */
  liveCount = 0;
  pgid: number;
  sid: number;
  rlimits: Rlimits;
  sighand: SigHand;
  readonly pending = new PendingSignals();
  exitSignal: number;
  /** Set by exit_group, execve and fatal signals: wait status that all threads end with. */
  exitStatus: number | undefined;
  /** The last thread is gone; waits for its parent. */
  zombie = false;
  /** wait4 of this group's tasks sleeps here; children that change state wake it. */
  readonly childChanged = new WaitQueue();
  /** Those who watch over a pidfd sleep here. */
  readonly exited = new WaitQueue();
  /** sigtimedwait and signalfd of this group's tasks look at it. */
  readonly signalArrived = new WaitQueue();
  readonly reaped: ChildUsage = { userNs: 0, minorFaults: 0, majorFaults: 0, maxRssPages: 0 };
  /** User time of threads that ended. */
  deadThreadsUserNs = 0;
  /** Of all its threads, ended ones too. */
  readonly io = new IoCounters();
  itimers: IntervalTimers | undefined;
  posixTimers: PosixTimers | undefined;
  /** Stops the watch over RLIMIT_CPU. */
  cancelCpuLimit: (() => void) | undefined;
  /** Virtual time of the fork, for /proc/PID/stat. */
  readonly startNs: number;
  /** PR_SET_DUMPABLE. */
  dumpable = 1;
  /** PR_SET_CHILD_SUBREAPER. */
  childSubreaper = false;
  /** The process called execve (setpgid of a parent then fails with EACCES). */
  hasExeced = false;
  /** A job-control stop is in force, with the signal that caused it. */
  stopSignal = 0;
  /** The parent has been told of the stop / continue (wait4 with WUNTRACED, WCONTINUED). */
  stopReported = true;
  continued = false;

  constructor(init: ThreadGroupInit) {
    this.kernel = init.kernel;
    this.pid = init.pid;
    this.parent = init.parent;
    this.pgid = init.pgid;
    this.sid = init.sid;
    this.rlimits = init.rlimits;
    this.sighand = init.sighand;
    this.exitSignal = init.exitSignal;
    this.startNs = init.kernel.clock.monotonicNs;
    init.parent?.children.add(this);
  }

  /** The thread whose tid is the pid. */
  get leader(): Task {
    const leader = this.tasks.get(this.pid);
    if (leader === undefined) throw new RangeError(`thread group ${this.pid} has no leader`);
    return leader;
  }

  /** User time including what the running thread has executed since it was put on the CPU. */
  get runningUserNs(): number {
    const { scheduler } = this.kernel;
    return this.userNs + (scheduler.current?.group === this ? scheduler.unaccountedNs : 0);
  }

  /** User time of all threads, in nanoseconds of the virtual clock. */
  get userNs(): number {
    let sum = this.deadThreadsUserNs;
    for (const task of this.tasks.values()) if (task.state !== "dead") sum += task.userNs;
    return sum;
  }

  /** Threads that have not ended. */
  liveTasks(): Task[] {
    return [...this.tasks.values()].filter((task) => task.state !== "dead");
  }
}
