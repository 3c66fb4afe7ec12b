/** Generating signals: who may, what is dropped, who is woken. Rules of kernel/signal.c; names as there. */
import { EAGAIN, EINVAL, EPERM, ESRCH } from "../abi/errno.ts";
import { RLIMIT_SIGPENDING } from "../abi/resource.ts";
import {
  NSIG,
  SI_USER,
  SIG_DFL,
  SIG_IGN,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGRTMIN,
  SIGSTOP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
} from "../abi/signal.ts";
import { isPrivileged } from "./credentials.ts";
import { DEFAULT_ACTION } from "./sighand.ts";
import { type SigInfo, sigInfo } from "./siginfo.ts";
import { SignalSet } from "./signal-set.ts";
import type { Task } from "./task.ts";
import { interruptSleep } from "./task-sleep.ts";
import type { ThreadGroup } from "./thread-group.ts";

/** SIG_KERNEL_STOP_MASK. */
export const STOP_SIGNALS = SignalSet.of(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU);
/** SIG_KERNEL_IGNORE_MASK: ignored by default. */
export const IGNORED_BY_DEFAULT = SignalSet.of(SIGCONT, SIGCHLD, SIGWINCH, SIGURG);
const CONTINUE = SignalSet.of(SIGCONT);

/** Sends `info` to a process; any thread that does not block it may take it. 0 or -EAGAIN. */
export function sendToGroup(group: ThreadGroup, info: SigInfo): number {
  const leader = group.tasks.get(group.pid);
  if (group.zombie || leader === undefined) return 0;
  return queueSignal(leader, group, info, true);
}

/** Sends `info` to one thread. 0 or -EAGAIN. */
export function sendToTask(task: Task, info: SigInfo): number {
  if (task.state === "dead") return 0;
  return queueSignal(task, task.group, info, false);
}

function queueSignal(target: Task, group: ThreadGroup, info: SigInfo, shared: boolean): number {
  const { signo } = info;
  if (!prepareSignal(target, group, signo)) {
    // A debugger sees ignored signals too (sig_ignored() of a traced task).
    if (group.exitStatus === undefined) target.kernel.observers.signal(target, info, false);
    return 0;
  }
  const pending = shared ? group.pending : target.pending;
  if (signo >= SIGRTMIN && info.code !== SI_USER) {
    const queued = pending.length;
    if (queued >= group.rlimits.get(RLIMIT_SIGPENDING).cur) return -EAGAIN;
  }
  pending.push(info);
  group.signalArrived.wake();
  completeSignal(target, group, signo, shared);
  return 0;
}

/** Stop and continue signals cancel each other; ignored signals are dropped here (prepare_signal()). */
function prepareSignal(target: Task, group: ThreadGroup, signo: number): boolean {
  if (group.exitStatus !== undefined) return false;
  if (STOP_SIGNALS.has(signo)) discardEverywhere(group, CONTINUE);
  else if (signo === SIGCONT) {
    discardEverywhere(group, STOP_SIGNALS);
    continueGroup(group);
  }
  return !isIgnored(target, signo);
}

function discardEverywhere(group: ThreadGroup, signals: SignalSet): void {
  group.pending.discard(signals);
  for (const task of group.tasks.values()) task.pending.discard(signals);
}

/** SIGCONT resumes a stopped group even if it is blocked or ignored. */
function continueGroup(group: ThreadGroup): void {
  if (group.stopSignal === 0) return;
  group.stopSignal = 0;
  group.continued = true;
  for (const task of group.liveTasks()) {
    if (task.state !== "stopped") continue;
    task.state = "runnable";
    task.kernel.scheduler.enqueue(task);
  }
  group.parent?.childChanged.wake();
}

/** sig_ignored(): a blocked signal is never dropped, its handler may change before it is unblocked. */
export function isIgnored(task: Task, signo: number): boolean {
  if (task.blocked.has(signo)) return false;
  return actionIgnores(task, signo);
}

/** The disposition is SIG_IGN, or SIG_DFL of a signal that is ignored by default. */
export function actionIgnores(task: Task, signo: number): boolean {
  const { handler } = task.group.sighand.get(signo);
  return handler === SIG_IGN || (handler === SIG_DFL && IGNORED_BY_DEFAULT.has(signo));
}

/** Chooses a thread that can take the signal now and wakes it (complete_signal()). */
function completeSignal(target: Task, group: ThreadGroup, signo: number, shared: boolean): void {
  if (signo === SIGKILL) {
    for (const task of group.liveTasks()) wakeForSignal(task, true);
    return;
  }
  const able = (task: Task): boolean => task.state !== "dead" && !task.blocked.has(signo);
  if (able(target)) return wakeForSignal(target, false);
  if (!shared) return;
  for (const task of group.tasks.values()) if (able(task)) return wakeForSignal(task, false);
}

function wakeForSignal(task: Task, fatal: boolean): void {
  if (task.state === "stopped" && fatal) {
    task.state = "runnable";
    task.kernel.scheduler.enqueue(task);
  }
  interruptSleep(task, fatal);
}

/**
 * A signal that the running instruction caused: it cannot be blocked or ignored (force_sig_info_to_task()). The action then
 * becomes SIG_DFL.
 */
export function forceSignal(task: Task, info: SigInfo): void {
  const { sighand } = task.group;
  const blocked = task.blocked.has(info.signo);
  const ignored = sighand.get(info.signo).handler === SIG_IGN;
  if (blocked || ignored) {
    sighand.set(info.signo, { ...sighand.get(info.signo), handler: SIG_DFL });
    if (blocked) task.blocked.delete(info.signo);
  }
  task.pending.push(info);
}

/** force_fatal_sig(): the default action, whatever the task asked for. */
export function forceFatalSignal(task: Task, info: SigInfo): void {
  task.group.sighand.set(info.signo, DEFAULT_ACTION);
  task.blocked.delete(info.signo);
  task.pending.push(info);
}

/** May `sender` signal `target`? kill_ok_by_cred(), and SIGCONT within a session. 0, -EPERM, -EINVAL. */
export function checkKillPermission(sender: Task, target: Task, signo: number): number {
  if (signo < 0 || signo > NSIG) return -EINVAL;
  if (sender.group === target.group) return 0;
  const { euid, uid } = sender.creds;
  const { suid, uid: targetUid } = target.creds;
  if (euid === suid || euid === targetUid || uid === suid || uid === targetUid) return 0;
  if (isPrivileged(sender.creds)) return 0;
  if (signo === SIGCONT && sender.group.sid === target.group.sid) return 0;
  return -EPERM;
}

/** kill(2): pid > 0, 0 (own group), -1 (all but init and oneself), < -1 (a process group). */
export function kill(sender: Task, pid: number, signo: number): number {
  const { kernel } = sender;
  const info = sigInfo({ signo, code: SI_USER, layout: "kill", pid: sender.pid, uid: sender.creds.uid });
  if (pid > 0) {
    const group = kernel.groups.get(pid);
    return group === undefined ? -ESRCH : killGroup(sender, group, info);
  }
  if (pid === -1) {
    const others = [...kernel.groups.values()].filter((group) => group.pid > 1 && group !== sender.group);
    return killMany(sender, others, info, true);
  }
  const pgid = pid === 0 ? sender.group.pgid : -pid;
  return killMany(
    sender,
    [...kernel.groups.values()].filter((group) => group.pgid === pgid),
    info,
    false,
  );
}

function killGroup(sender: Task, group: ThreadGroup, info: SigInfo): number {
  const denied = checkKillPermission(sender, group.leader, info.signo);
  if (denied !== 0) return denied;
  return info.signo === 0 ? 0 : sendToGroup(group, info);
}

/** __kill_pgrp_info(): success if one succeeded. kill(-1) ignores -EPERM (kill_something_info()). */
function killMany(sender: Task, groups: readonly ThreadGroup[], info: SigInfo, everyone: boolean): number {
  let error = -ESRCH;
  let succeeded = false;
  for (const group of groups) {
    const result = killGroup(sender, group, info);
    if (result === 0) succeeded = true;
    else if (!(everyone && result === -EPERM)) error = result;
    if (everyone && result === -EPERM) error = 0;
  }
  return succeeded ? 0 : error;
}

/** tgkill(2) and tkill(2) (`tgid` undefined). */
export function tgkill(sender: Task, tgid: number | undefined, tid: number, info: SigInfo): number {
  const target = sender.kernel.tasks.get(tid);
  if (target === undefined || target.state === "dead" || (tgid !== undefined && target.pid !== tgid)) return -ESRCH;
  const denied = checkKillPermission(sender, target, info.signo);
  if (denied !== 0) return denied;
  return info.signo === 0 ? 0 : sendToTask(target, info);
}
