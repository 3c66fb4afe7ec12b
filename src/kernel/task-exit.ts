/** The end of tasks and processes, and job-control stops (kernel/exit.c, kernel/signal.c). */
import {
  CLD_CONTINUED,
  CLD_EXITED,
  CLD_KILLED,
  CLD_STOPPED,
  SA_NOCLDSTOP,
  SA_NOCLDWAIT,
  SI_USER,
  SIG_IGN,
  SIGCHLD,
  SIGCONT,
  SIGILL,
  SIGKILL,
} from "../abi/signal.ts";
import { exitRobustList, wakeFutexAt } from "./futex-exit.ts";
import { type SigInfo, sigInfo } from "./siginfo.ts";
import type { Task } from "./task.ts";
import { sendToGroup, sendToTask } from "./task-signals.ts";
import type { ThreadGroup } from "./thread-group.ts";

/** Clock ticks a second in siginfo (USER_HZ). */
const USER_HZ = 100;
const NS_PER_TICK = 1_000_000_000 / USER_HZ;

/** Ends the calling process: do_group_exit(). `status` is in the form of wait(2): code << 8, or a signal number. */
export function exitGroup(task: Task, status: number, info?: SigInfo): void {
  const { group } = task;
  if (info !== undefined) reportKill(task, info);
  if (group.exitStatus === undefined) {
    group.exitStatus = status;
    wakeOthers(task);
  }
  exitTask(task, group.exitStatus);
}

/** zap_other_threads(): each ends when it is next on the CPU. */
function wakeOthers(task: Task): void {
  for (const other of task.group.tasks.values()) {
    if (other === task || other.state === "dead") continue;
    other.sleep?.end("interrupted");
    if (other.state === "stopped") other.state = "runnable";
    task.kernel.scheduler.enqueue(other);
  }
}

/** One line when an instruction that folio lacks kills the guest. */
function reportKill(task: Task, info: SigInfo): void {
  if (info.signo === SIGILL && task.unsupportedInstruction !== "") {
    task.kernel.host.log.line(`folio: ${task.comm}[${task.pid}]: ${task.unsupportedInstruction}`);
  }
}

/** Ends one task: do_exit(). The last one of a group makes it a zombie. */
export function exitTask(task: Task, status: number): void {
  const { kernel, group } = task;
  const last = group.liveCount === 1;
  task.exitStatus = status;
  if (last) {
    group.exitStatus ??= status;
    group.itimers?.cancelAll();
    group.posixTimers?.deleteAll();
    group.cancelCpuLimit?.();
  }
  kernel.observers.exit(task, status);
  releaseMemory(task);
  kernel.ipc.sem.exit(task);
  task.files.release();
  group.deadThreadsUserNs += task.userNs;
  task.sleep?.end("interrupted");
  task.state = "dead";
  group.liveCount--;
  kernel.scheduler.remove(task);
  if (task.tid !== group.pid) forgetTask(task);
  signalParentDeath(task);
  if (last) groupExited(group);
}

/** exit_mm(): robust futexes, CLONE_CHILD_CLEARTID, then the address space. */
export function releaseMemory(task: Task): void {
  exitRobustList(task);
  const { clearChildTid, mm } = task;
  task.clearChildTid = 0;
  if (clearChildTid !== 0 && task.kernel.mmUsers(mm) > 1 && mm.writeU32(clearChildTid, 0) === 0) {
    wakeFutexAt(task, clearChildTid);
  }
  task.vforkDone?.();
  task.vforkDone = undefined;
  task.kernel.releaseMm(mm);
}

function forgetTask(task: Task): void {
  task.group.tasks.delete(task.tid);
  task.kernel.forgetTask(task);
}

/** PR_SET_PDEATHSIG of children whose parent thread this was. */
function signalParentDeath(task: Task): void {
  for (const child of task.group.children) {
    for (const member of child.liveTasks()) {
      if (member.parentDeathSignal === 0 || member.parentTask !== task) continue;
      sendToTask(
        member,
        sigInfo({ signo: member.parentDeathSignal, code: SI_USER, pid: task.pid, uid: task.creds.uid }),
      );
    }
  }
}

/** exit_notify(): children go to a reaper, the parent is told. */
function groupExited(group: ThreadGroup): void {
  const { kernel } = group;
  reparentChildren(group);
  group.zombie = true;
  group.exited.wake();
  if (group.sid === group.pid) kernel.ptys.leaderGone(group.sid);
  const { parent } = group;
  if (parent === undefined) {
    kernel.initStatus ??= group.exitStatus ?? 0;
    reapGroup(group);
    return;
  }
  const action = parent.sighand.get(SIGCHLD);
  const ignored = group.exitSignal === SIGCHLD && (action.handler === SIG_IGN || (action.flags & SA_NOCLDWAIT) !== 0);
  if (group.exitSignal !== 0 && !(ignored && action.handler === SIG_IGN)) {
    sendToGroup(parent, childInfo(group, group.exitSignal));
  }
  if (ignored) reapGroup(group);
  parent.childChanged.wake();
}

/** find_new_reaper(): the nearest subreaper; without one the children have no parent in this machine. */
function reparentChildren(group: ThreadGroup): void {
  let reaper = group.parent;
  while (reaper !== undefined && !reaper.childSubreaper) reaper = reaper.parent;
  for (const child of [...group.children]) {
    group.children.delete(child);
    child.parent = reaper;
    reaper?.children.add(child);
    if (child.zombie && reaper === undefined) reapGroup(child);
    else if (child.zombie) reaper?.childChanged.wake();
  }
}

/** release_task(): the pid is free again. */
export function reapGroup(group: ThreadGroup): void {
  const { kernel } = group;
  for (const task of group.tasks.values()) kernel.forgetTask(task);
  kernel.groups.delete(group.pid);
  group.exited.wake();
  group.parent?.children.delete(group);
}

/** SIGCHLD's siginfo (do_notify_parent()). */
export function childInfo(group: ThreadGroup, signo: number): SigInfo {
  const status = group.exitStatus ?? 0;
  const killed = (status & 0x7f) !== 0;
  const leader = group.leader;
  return sigInfo({
    signo,
    code: killed ? CLD_KILLED : CLD_EXITED,
    layout: "chld",
    pid: group.pid,
    uid: leader.creds.uid,
    status: killed ? status & 0x7f : (status >> 8) & 0xff,
    utime: Math.floor(group.userNs / NS_PER_TICK),
    stime: 0,
  });
}

/** do_signal_stop(): all threads stop, the parent is told. */
export function stopGroup(task: Task, signo: number): void {
  const { group, kernel } = task;
  group.stopSignal = signo;
  group.stopReported = false;
  for (const member of group.liveTasks()) {
    if (member.state === "sleeping") continue;
    member.state = "stopped";
    kernel.scheduler.dequeue(member);
  }
  notifyStop(group, CLD_STOPPED, signo);
}

/** do_notify_parent_cldstop(). */
export function notifyStop(group: ThreadGroup, code: typeof CLD_STOPPED | typeof CLD_CONTINUED, signo: number): void {
  const { parent } = group;
  if (parent === undefined) return;
  const action = parent.sighand.get(SIGCHLD);
  if (action.handler !== SIG_IGN && !(action.flags & SA_NOCLDSTOP)) {
    const status = code === CLD_CONTINUED ? SIGCONT : signo;
    const uid = group.leader.creds.uid;
    sendToGroup(parent, sigInfo({ signo: SIGCHLD, code, layout: "chld", pid: group.pid, uid, status }));
  }
  parent.childChanged.wake();
}

/** A wait status that says "killed by SIGKILL", for tasks that execve of a sibling ends. */
export const KILLED = SIGKILL;
