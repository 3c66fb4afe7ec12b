/** Process groups and sessions: setpgid(2), setsid(2) (kernel/sys.c). */
import { EACCES, EINVAL, EPERM, ESRCH } from "../abi/errno.ts";
import type { Task } from "./task.ts";
import type { ThreadGroup } from "./thread-group.ts";

function groupOf(task: Task, pid: number): ThreadGroup | undefined {
  return pid === 0 ? task.group : task.kernel.groups.get(pid);
}

export function getpgidOf(task: Task, pid: number): number {
  return groupOf(task, pid)?.pgid ?? -ESRCH;
}

export function getsidOf(task: Task, pid: number): number {
  return groupOf(task, pid)?.sid ?? -ESRCH;
}

export function setpgid(task: Task, pid: number, pgid: number): number {
  if (pgid < 0) return -EINVAL;
  if ((pgid === 0 ? pid : pgid) < 0) return -EINVAL;
  const target = groupOf(task, pid);
  if (target === undefined) return -ESRCH;
  if (target !== task.group) {
    if (target.parent !== task.group) return -ESRCH;
    if (target.sid !== task.group.sid) return -EPERM;
    if (target.hasExeced) return -EACCES;
  }
  // A session leader stays in its group.
  if (target.sid === target.pid) return -EPERM;
  const wanted = pgid === 0 ? target.pid : pgid;
  if (wanted !== target.pid && !groupExists(task, wanted)) return -EPERM;
  target.pgid = wanted;
  return 0;
}

function groupExists(task: Task, pgid: number): boolean {
  for (const group of task.kernel.groups.values()) if (group.pgid === pgid && group.sid === task.group.sid) return true;
  return false;
}

/** The new session's id, or -EPERM for a process group leader. */
export function setsid(task: Task): number {
  const { group, kernel } = task;
  for (const other of kernel.groups.values()) if (other.pgid === group.pid) return -EPERM;
  group.sid = group.pid;
  group.pgid = group.pid;
  return group.pid;
}

/**
 * is_current_pgrp_orphaned(): no member has a parent in another group of the same session, who could continue it. The
 * machine's first process was started by a shell, which is not in the machine.
 */
export function isOrphanedPgrp(task: Task): boolean {
  const { kernel, group } = task;
  for (const member of kernel.groups.values()) {
    if (member.pgid !== group.pgid || member.zombie) continue;
    const { parent } = member;
    if (parent === undefined && member.sid === kernel.config.parentPid && member.pid === kernel.config.firstPid) {
      return false;
    }
    if (parent !== undefined && parent.pgid !== group.pgid && parent.sid === group.sid) return false;
  }
  return true;
}
