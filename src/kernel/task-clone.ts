/** clone(2), fork(2), vfork(2), clone3(2) (kernel/fork.c, copy_process()). */

import { EAGAIN, EFAULT, EINVAL } from "../abi/errno.ts";
import { RLIMIT_NOFILE, RLIMIT_NPROC } from "../abi/resource.ts";
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_DETACHED,
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_SETTLS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
} from "../abi/sched.ts";
import { SS_DISABLE } from "../abi/signal.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import { block, type SyscallResult } from "./control.ts";
import { watchCpuLimit } from "./cpu-limit.ts";
import { isPrivileged } from "./credentials.ts";
import { PidFile } from "./pid-file.ts";
import { Gpr } from "./registers.ts";
import { DEFAULT_ACTION, type SigHand } from "./sighand.ts";
import { Task } from "./task.ts";
import { mmLimits } from "./task-exec.ts";
import { loadTls, setThreadArea } from "./task-tls.ts";
import { ThreadGroup } from "./thread-group.ts";

/** struct kernel_clone_args. */
export interface CloneArgs {
  readonly flags: number;
  /** CLONE_CLEAR_SIGHAND of clone3. */
  readonly clearSighand: boolean;
  readonly exitSignal: number;
  /** Stack pointer of the child; 0 keeps the parent's. */
  readonly stack: number;
  readonly parentTid: number;
  readonly childTid: number;
  readonly tls: number;
  /** CLONE_PIDFD: where the descriptor goes. */
  readonly pidfd: number;
}

const NAMESPACES =
  CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

/** Flags that cannot go together, and what folio lacks (namespaces). */
function checkFlags(flags: number): number {
  if (flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)) return -EINVAL;
  if (flags & CLONE_SIGHAND && !(flags & CLONE_VM)) return -EINVAL;
  if (flags & CLONE_PIDFD && flags & (CLONE_THREAD | CLONE_DETACHED)) return -EINVAL;
  return flags & NAMESPACES ? -EINVAL : 0;
}

/** The new task's id in the parent; the child starts with 0 in its result register. */
export function cloneTask(parent: Task, args: CloneArgs): SyscallResult {
  const { flags } = args;
  const invalid = checkFlags(flags);
  if (invalid < 0) return invalid;
  const { kernel } = parent;
  const limit = parent.group.rlimits.get(RLIMIT_NPROC).cur;
  if (kernel.tasks.size >= limit && !isPrivileged(parent.creds)) return -EAGAIN;
  if (kernel.tasks.size >= kernel.maxThreads || kernel.physical.scarce) return -EAGAIN;
  const mm = copyMm(parent, flags);
  if (typeof mm === "number") return mm;
  const tid = kernel.allocatePid();
  if (tid < 0) {
    kernel.releaseMm(mm);
    return tid;
  }
  const group = flags & CLONE_THREAD ? parent.group : newGroup(parent, tid, args);
  const child = new Task({
    kernel,
    tid,
    group,
    abi: parent.programAbi,
    mm,
    files: flags & CLONE_FILES ? parent.files.share() : parent.files.clone(),
    fs: flags & CLONE_FS ? parent.fs : { ...parent.fs },
    creds: parent.creds,
    comm: parent.comm,
  });
  inherit(parent, child, args);
  const failed = setTlsAndIds(parent, child, args) || installPidfd(parent, child, args);
  if (failed < 0) {
    discard(child);
    return failed;
  }
  kernel.addTask(child);
  kernel.forks++;
  kernel.observers.clone(parent, child);
  kernel.scheduler.enqueue(child);
  return flags & CLONE_VFORK ? waitForVfork(child) : tid;
}

/** Takes back a task that never ran. */
function discard(child: Task): void {
  const { group } = child;
  group.tasks.delete(child.tid);
  group.liveCount--;
  if (group.tasks.size === 0) {
    group.parent?.children.delete(group);
    group.cancelCpuLimit?.();
  }
  child.files.release();
  child.kernel.ipc.sem.exit(child);
  child.kernel.releaseMm(child.mm);
}

function copyMm(parent: Task, flags: number): AddressSpace | number {
  const { kernel } = parent;
  if (flags & CLONE_VM) {
    kernel.shareMm(parent.mm);
    return parent.mm;
  }
  const mm = parent.mm.fork();
  if (typeof mm !== "number") kernel.addMm(mm, kernel.exeOf(parent.mm)?.get());
  return mm;
}

function newGroup(parent: Task, pid: number, args: CloneArgs): ThreadGroup {
  const { group, kernel } = parent;
  const sighand = args.flags & CLONE_SIGHAND ? group.sighand : group.sighand.copy();
  const child = new ThreadGroup({
    kernel,
    pid,
    parent: args.flags & CLONE_PARENT ? group.parent : group,
    pgid: group.pgid,
    sid: group.sid,
    rlimits: group.rlimits.copy(),
    sighand: args.clearSighand ? clearHandlers(sighand) : sighand,
    exitSignal: args.flags & CLONE_PARENT ? group.exitSignal : args.exitSignal,
  });
  child.dumpable = group.dumpable;
  watchCpuLimit(child);
  return child;
}

/** CLONE_CLEAR_SIGHAND: caught signals get their default action. */
function clearHandlers(sighand: SigHand): SigHand {
  const { caught } = sighand.summary();
  const copy = sighand.copy();
  for (const signo of caught.list()) copy.set(signo, DEFAULT_ACTION);
  return copy;
}

function inherit(parent: Task, child: Task, args: CloneArgs): void {
  const { flags } = args;
  if (!(flags & CLONE_VM)) {
    child.mm.limits = mmLimits(child.group.rlimits, () => child.creds);
    child.rseq = parent.rseq;
  }
  if (flags & CLONE_SYSVSEM) child.semUndo = parent.kernel.ipc.sem.shareUndo(parent);
  child.blocked = parent.blocked.copy();
  child.personality = parent.personality;
  const keepsPolicy = !parent.resetOnFork;
  child.nice = keepsPolicy ? parent.nice : Math.max(0, parent.nice);
  child.ioPriority = parent.ioPriority;
  child.policy = keepsPolicy ? parent.policy : 0;
  child.rtPriority = keepsPolicy ? parent.rtPriority : 0;
  child.affinity = parent.affinity;
  child.noNewPrivs = parent.noNewPrivs;
  child.timerSlackNs = parent.timerSlackNs;
  child.vdso = parent.vdso;
  child.auxv = parent.auxv;
  child.tls = [...parent.tls];
  child.ldt = parent.ldt;
  child.parentTask = parent;
  child.trapNumber = parent.trapNumber;
  child.errorCode = parent.errorCode;
  child.cr2 = parent.cr2;
  // A thread, and a CLONE_VM child that does not block its parent, must not use the parent's alternate stack.
  const sharesStack = (flags & (CLONE_VM | CLONE_VFORK)) === CLONE_VM;
  child.altStack = sharesStack ? { sp: 0, size: 0, flags: SS_DISABLE } : parent.altStack;
}

/** Builds the child's registers on the CPU, then puts the parent's back; writes the ids. */
function setTlsAndIds(parent: Task, child: Task, args: CloneArgs): number {
  const { state } = parent.kernel.cpu;
  const { flags } = args;
  const own = state.save();
  state.setGprNumber(Gpr.rax, 0);
  if (args.stack !== 0) state.setGprNumber(Gpr.rsp, args.stack);
  let result = 0;
  if (flags & CLONE_SETTLS) result = setChildTls(parent, child, args.tls);
  child.saved = state.save();
  state.restore(own);
  loadTls(parent);
  if (result < 0) return result;
  if (flags & CLONE_PARENT_SETTID) parent.mm.writeU32(args.parentTid, child.tid);
  if (flags & CLONE_CHILD_SETTID) child.mm.writeU32(args.childTid, child.tid);
  if (flags & CLONE_CHILD_CLEARTID) child.clearChildTid = args.childTid;
  return 0;
}

/** CLONE_PIDFD: a descriptor of the child, in the parent. 0 or -errno. */
function installPidfd(parent: Task, child: Task, args: CloneArgs): number {
  if (!(args.flags & CLONE_PIDFD)) return 0;
  const file = new PidFile(parent.kernel, child.group, 0);
  const fd = parent.files.install(file, true, parent.group.rlimits.get(RLIMIT_NOFILE).cur);
  if (fd < 0) file.put();
  else if (parent.mm.writeU32(args.pidfd, fd) < 0) {
    parent.files.close(fd);
    return -EFAULT;
  }
  return Math.min(fd, 0);
}

/** CLONE_SETTLS: the FS base in x86-64, a struct user_desc in i386. */
function setChildTls(parent: Task, child: Task, tls: number): number {
  if (parent.programAbi === "i386") return setThreadArea(child, tls);
  if (tls >= parent.mm.layout.taskSize) return -EFAULT;
  parent.kernel.cpu.state.fsBase = tls;
  return 0;
}

/** CLONE_VFORK: the parent sleeps until the child has called execve or ended. */
function waitForVfork(child: Task): SyscallResult {
  const done = child.group.signalArrived;
  let finished = false;
  child.vforkDone = () => {
    finished = true;
    done.wake();
  };
  const wait = (): SyscallResult =>
    finished ? child.tid : block({ queues: [done], resume: wait, interrupted: () => child.tid, killableOnly: true });
  return wait();
}
