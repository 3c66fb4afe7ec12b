/**
 * Taking signals on the way back to user mode: default actions, handler frames, restarts (kernel/signal.c get_signal();
 * arch/x86/kernel/signal.c arch_do_signal_or_restart()).
 */
import {
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SI_KERNEL,
  SIG_DFL,
  SIG_IGN,
  SIGALRM,
  SIGCONT,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SS_AUTODISARM,
  SS_DISABLE,
} from "../abi/signal.ts";
import { clearFpState } from "./fp-state.ts";
import { EFLAGS_DF, EFLAGS_RF, EFLAGS_TF } from "./registers.ts";
import { isOrphanedPgrp } from "./sessions.ts";
import type { SigAction } from "./sighand.ts";
import { type SigInfo, sigInfo } from "./siginfo.ts";
import { setupFrameAmd64 } from "./signal-frame-amd64.ts";
import { setupFrameI386 } from "./signal-frame-i386.ts";
import { SignalSet } from "./signal-set.ts";
import { restartSyscall, settleInterruptedSyscall } from "./syscall-entry.ts";
import type { Task } from "./task.ts";
import { exitGroup, stopGroup } from "./task-exit.ts";
import { forceFatalSignal, forceSignal, IGNORED_BY_DEFAULT, STOP_SIGNALS } from "./task-signals.ts";

/** A signal whose handler is to run. */
interface Caught {
  readonly info: SigInfo;
  readonly action: SigAction;
}

/** Takes pending signals of the current task. False if it does not go on to user mode (it ended, or stopped). */
export function prepareUserMode(task: Task): boolean {
  if (task.group.exitStatus !== undefined) {
    exitGroup(task, task.group.exitStatus);
    return false;
  }
  if (task.syscall === undefined && task.savedBlocked === undefined && !task.signalPending) return true;
  for (;;) {
    const caught = nextCaughtSignal(task);
    if (task.state !== "runnable") return false;
    if (caught === undefined) break;
    handleSignal(task, caught);
    if (!task.signalPending) return true;
  }
  restartSyscall(task);
  if (task.savedBlocked !== undefined) {
    setBlocked(task, task.savedBlocked);
    task.savedBlocked = undefined;
  }
  return true;
}

/** get_signal(): performs default actions until a caught signal is found. */
function nextCaughtSignal(task: Task): Caught | undefined {
  for (;;) {
    const info = dequeueSignal(task, task.blocked);
    if (info === undefined) return undefined;
    const { signo } = info;
    const action = task.group.sighand.get(signo);
    const handled = action.handler !== SIG_DFL && action.handler !== SIG_IGN && signo !== SIGKILL;
    task.kernel.observers.signal(task, info, handled);
    if (handled) {
      if (action.flags & SA_RESETHAND) task.group.sighand.set(signo, { ...action, handler: SIG_DFL });
      return { info, action };
    }
    if (action.handler === SIG_IGN && signo !== SIGKILL) continue;
    if (IGNORED_BY_DEFAULT.has(signo) || signo === SIGCONT) continue;
    if (STOP_SIGNALS.has(signo)) {
      if (signo !== SIGSTOP && isOrphanedPgrp(task)) continue;
      stopGroup(task, signo);
      return undefined;
    }
    exitGroup(task, signo, info);
    return undefined;
  }
}

/** dequeue_signal(): the task's own signals before those of its group. */
export function dequeueSignal(task: Task, blocked: SignalSet): SigInfo | undefined {
  for (const pending of [task.pending, task.group.pending]) {
    const signo = pending.next(blocked);
    if (signo === 0) continue;
    const info = pending.take(signo);
    if (signo === SIGALRM) task.group.itimers?.rearm();
    return info?.rearm === undefined ? info : { ...info, overrun: info.rearm() };
  }
  return undefined;
}

/** handle_signal(). */
function handleSignal(task: Task, caught: Caught): void {
  const { info, action } = caught;
  const { state } = task.kernel.cpu;
  settleInterruptedSyscall(task, (action.flags & SA_RESTART) !== 0);
  const mask = task.savedBlocked ?? task.blocked;
  const setup = task.programAbi === "amd64" ? setupFrameAmd64 : setupFrameI386;
  if (setup(task, info, action, mask) < 0) {
    forceSegv(task, info.signo);
    return;
  }
  state.eflags &= ~(EFLAGS_DF | EFLAGS_RF | EFLAGS_TF);
  clearFpState(task);
  task.savedBlocked = undefined;
  const blocked = task.blocked.union(action.mask);
  if (!(action.flags & SA_NODEFER)) blocked.add(info.signo);
  setBlocked(task, blocked);
  if (task.altStack.flags & SS_AUTODISARM) task.altStack = { sp: 0, size: 0, flags: SS_DISABLE };
}

/** force_sigsegv(): the frame of `signo` could not be written. */
export function forceSegv(task: Task, signo: number): void {
  const info = sigInfo({ signo: SIGSEGV, code: SI_KERNEL });
  if (signo === SIGSEGV) forceFatalSignal(task, info);
  else forceSignal(task, info);
}

const UNBLOCKABLE = SignalSet.of(SIGKILL, SIGSTOP);

/** Sets the signal mask; SIGKILL and SIGSTOP cannot be blocked. */
export function setBlocked(task: Task, mask: SignalSet): void {
  task.blocked = mask.without(UNBLOCKABLE);
}

/** The state of the alternate stack for a stack pointer `sp`: 0, SS_ONSTACK or SS_DISABLE (sas_ss_flags()). */
export function altStackFlags(task: Task, sp: number): number {
  if (task.altStack.size === 0) return SS_DISABLE;
  return onAltStack(task, sp) ? 1 : 0;
}

/** on_sig_stack(). With SS_AUTODISARM the stack is never "on". */
export function onAltStack(task: Task, sp: number): boolean {
  const { altStack } = task;
  if (altStack.flags & SS_AUTODISARM) return false;
  return sp > altStack.sp && sp - altStack.sp <= altStack.size;
}

/**
 * Where a frame begins to grow down from (get_sigframe()): behind the red zone, or at the top of the alternate stack.
 * `entering` is true when the alternate stack is in use.
 */
export function frameStack(
  task: Task,
  sp: number,
  action: SigAction,
  redZone: number,
): { sp: number; onStack: boolean } {
  const nested = onAltStack(task, sp);
  const below = sp - redZone;
  if (action.flags & SA_ONSTACK && altStackFlags(task, below) === 0) {
    return { sp: task.altStack.sp + task.altStack.size, onStack: true };
  }
  return { sp: below, onStack: nested };
}

/** A frame must lie wholly on the alternate stack that it is meant for. */
export function frameOverflows(task: Task, sp: number, onStack: boolean): boolean {
  const { altStack } = task;
  return onStack && !(sp > altStack.sp && sp - altStack.sp <= altStack.size);
}
