/** Dispositions, and calls that sleep until a signal comes (kernel/signal.c). */
import { EAGAIN, EFAULT, EINTR, EINVAL } from "../abi/errno.ts";
import { NSIG, SIGKILL, SIGSTOP } from "../abi/signal.ts";
import { block, ERESTARTNOHAND, type SyscallResult } from "./control.ts";
import type { SigAction } from "./sighand.ts";
import type { SigInfo } from "./siginfo.ts";
import { encodeSigInfo } from "./siginfo-layout.ts";
import { dequeueSignal, setBlocked } from "./signal-delivery.ts";
import { SignalSet } from "./signal-set.ts";
import type { Task } from "./task.ts";
import { actionIgnores } from "./task-signals.ts";

const UNCATCHABLE = SignalSet.of(SIGKILL, SIGSTOP);

/** do_sigaction(): the old action, or -EINVAL. A signal that is now ignored is no longer pending. */
export function setAction(task: Task, signo: number, action: SigAction | undefined): SigAction | number {
  if (signo < 1 || signo > NSIG || (action !== undefined && UNCATCHABLE.has(signo))) return -EINVAL;
  const { group } = task;
  const old = group.sighand.get(signo);
  if (action === undefined) return old;
  group.sighand.set(signo, { ...action, mask: action.mask.without(UNCATCHABLE) });
  if (actionIgnores(task, signo)) {
    const gone = SignalSet.of(signo);
    group.pending.discard(gone);
    for (const member of group.tasks.values()) member.pending.discard(gone);
  } else group.posixTimers?.unignore(signo);
  return old;
}

/** rt_sigsuspend(2): the mask until a handler has run. */
export function sigsuspend(task: Task, mask: SignalSet): SyscallResult {
  task.savedBlocked = task.blocked;
  setBlocked(task, mask);
  return pauseTask(task);
}

/** pause(2). */
export function pauseTask(_task: Task): SyscallResult {
  return block({ resume: () => pauseTask(_task), interrupted: () => -ERESTARTNOHAND });
}

/** rt_sigtimedwait(2): takes a signal of `wanted`; `timeoutNs` undefined waits for ever, 0 only looks. */
export function sigtimedwait(
  task: Task,
  wanted: SignalSet,
  infoAddress: number,
  timeoutNs: number | undefined,
): SyscallResult {
  const set = wanted.without(UNCATCHABLE);
  const deadlineNs = timeoutNs === undefined ? Number.POSITIVE_INFINITY : task.kernel.clock.monotonicNs + timeoutNs;
  const take = (): number | undefined => {
    const info = dequeueSignal(task, set.complement());
    return info === undefined ? undefined : storeInfo(task, info, infoAddress);
  };
  const attempt = (): SyscallResult => take() ?? wait();
  const wait = (): SyscallResult =>
    block({
      queues: [task.group.signalArrived],
      deadlineNs,
      resume: (reason) => (reason === "timeout" ? (take() ?? -EAGAIN) : attempt()),
      interrupted: () => take() ?? -EINTR,
    });
  const first = take();
  if (first !== undefined) return first;
  return timeoutNs === 0 ? -EAGAIN : wait();
}

function storeInfo(task: Task, info: SigInfo, address: number): number {
  if (address !== 0 && task.mm.write(address, encodeSigInfo(info, task.abi)) < 0) return -EFAULT;
  return info.signo;
}
