/** wait4(2) and waitid(2) (kernel/exit.c, do_wait()). */
import { ECHILD } from "../abi/errno.ts";
import { CLD_CONTINUED, CLD_STOPPED, SIGCHLD, SIGCONT } from "../abi/signal.ts";
import { __WALL, __WCLONE, WCONTINUED, WEXITED, WNOHANG, WNOWAIT, WUNTRACED } from "../abi/wait.ts";
import { block, ERESTARTSYS, type SyscallResult } from "./control.ts";
import { type SigInfo, sigInfo } from "./siginfo.ts";
import type { Task } from "./task.ts";
import { childInfo, reapGroup } from "./task-exit.ts";
import type { ThreadGroup } from "./thread-group.ts";

/** A child that changed state. */
export interface WaitEvent {
  readonly pid: number;
  /** Status in the form of wait(2). */
  readonly status: number;
  readonly info: SigInfo;
  readonly userNs: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
}

export interface WaitRequest {
  readonly matches: (child: ThreadGroup) => boolean;
  /** WEXITED included for wait4. */
  readonly options: number;
  /** Stores the event; its result is the call's. Undefined for WNOHANG without an event. */
  readonly finish: (event: WaitEvent | undefined) => number;
}

/** Waits for a child that `request` matches: ECHILD if there is none. */
export function waitForChild(task: Task, request: WaitRequest): SyscallResult {
  const result = lookForChild(task, request);
  if (result !== undefined) return result;
  if (request.options & WNOHANG) return request.finish(undefined);
  return block({
    queues: [task.group.childChanged],
    resume: () => waitForChild(task, request),
    // the signal may be the one that tells of the child: children come first
    interrupted: () => lookForChild(task, request) ?? -ERESTARTSYS,
  });
}

/** The event of a child that changed state, -ECHILD without any, undefined if it must be waited for. */
function lookForChild(task: Task, request: WaitRequest): number | undefined {
  const candidates = [...task.group.children].filter((child) => eligible(child, request));
  if (candidates.length === 0) return -ECHILD;
  for (const child of candidates) {
    const event = takeEvent(task, child, request.options);
    if (event !== undefined) return request.finish(event);
  }
  return undefined;
}

/** eligible_child(): __WCLONE asks for children that do not send SIGCHLD. */
function eligible(child: ThreadGroup, request: WaitRequest): boolean {
  if (!request.matches(child)) return false;
  if (request.options & __WALL) return true;
  return (child.exitSignal !== SIGCHLD) === ((request.options & __WCLONE) !== 0);
}

function takeEvent(task: Task, child: ThreadGroup, options: number): WaitEvent | undefined {
  if (child.zombie) return options & WEXITED ? takeZombie(task, child, options) : undefined;
  if (options & WUNTRACED && child.stopSignal !== 0 && !child.stopReported) {
    if (!(options & WNOWAIT)) child.stopReported = true;
    return stateEvent(child, CLD_STOPPED, child.stopSignal, (child.stopSignal << 8) | 0x7f);
  }
  if (options & WCONTINUED && child.continued) {
    if (!(options & WNOWAIT)) child.continued = false;
    return stateEvent(child, CLD_CONTINUED, SIGCONT, 0xffff);
  }
  return undefined;
}

function stateEvent(child: ThreadGroup, code: number, signal: number, status: number): WaitEvent {
  const { uid } = child.leader.creds;
  const info = sigInfo({ signo: SIGCHLD, code, layout: "chld", pid: child.pid, uid, status: signal });
  return { pid: child.pid, status, info, userNs: child.userNs, minorFaults: 0, majorFaults: 0 };
}

function takeZombie(task: Task, child: ThreadGroup, options: number): WaitEvent {
  const { mm } = child.leader;
  const event: WaitEvent = {
    pid: child.pid,
    status: child.exitStatus ?? 0,
    info: childInfo(child, SIGCHLD),
    userNs: child.userNs + child.reaped.userNs,
    minorFaults: mm.minorFaults + child.reaped.minorFaults,
    majorFaults: mm.majorFaults + child.reaped.majorFaults,
  };
  if (options & WNOWAIT) return event;
  const { reaped } = task.group;
  reaped.userNs += event.userNs;
  reaped.minorFaults += event.minorFaults;
  reaped.majorFaults += event.majorFaults;
  reaped.maxRssPages = Math.max(reaped.maxRssPages, mm.hiwaterRss, child.reaped.maxRssPages);
  reapGroup(child);
  return event;
}
