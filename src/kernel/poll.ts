/** Waiting for files to get ready: poll(2), select(2) and their kin share it (fs/select.c). */
import { POLLERR, POLLHUP, POLLNVAL } from "../abi/poll.ts";
import type { WaitQueue } from "../base/wait-queue.ts";
import type { File } from "../vfs/file.ts";
import { block, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, type SyscallResult } from "./control.ts";
import { setBlocked } from "./signal-delivery.ts";
import type { SignalSet } from "./signal-set.ts";
import type { Task } from "./task.ts";

export interface PollEntry {
  /** Undefined: the descriptor is not open (POLLNVAL). */
  readonly file: File | undefined;
  readonly events: number;
  revents: number;
}

export interface PollRequest {
  readonly entries: readonly PollEntry[];
  /** CLOCK_MONOTONIC at which the wait ends; Infinity for never. */
  readonly deadlineNs: number;
  /** Stores the results; `ready` entries have events. Its result is that of the call. */
  readonly finish: (ready: number) => SyscallResult;
  /** After a signal without handler the wait goes on by itself (poll) or the call is made again (select, ppoll). */
  readonly restart: "block" | "call";
}

function look(entries: readonly PollEntry[]): number {
  let ready = 0;
  for (const entry of entries) {
    const { file, events } = entry;
    entry.revents = file === undefined ? POLLNVAL : file.poll() & (events | POLLERR | POLLHUP);
    if (entry.revents !== 0) ready++;
  }
  return ready;
}

/** Looks, and sleeps on the files' wait queues until one is ready or the time is up. */
export function pollFiles(task: Task, request: PollRequest): SyscallResult {
  const { entries, deadlineNs, finish } = request;
  const ready = look(entries);
  if (ready > 0 || deadlineNs <= task.kernel.clock.monotonicNs) return finish(ready);
  const queues: WaitQueue[] = [];
  for (const { file } of entries) if (file?.waitQueue !== undefined) queues.push(file.waitQueue);
  return block({
    queues,
    deadlineNs,
    resume: (reason) => (reason === "timeout" ? finish(look(entries)) : pollFiles(task, request)),
    interrupted: () => {
      if (request.restart === "call") return -ERESTARTNOHAND;
      task.restart = () => pollFiles(task, request);
      return -ERESTART_RESTARTBLOCK;
    },
  });
}

/** set_user_sigmask(): the mask holds for the wait; a signal that ends it is delivered before the old one is back. */
export function waitWithMask(task: Task, mask: SignalSet | undefined): void {
  if (mask === undefined) return;
  task.savedBlocked = task.blocked;
  setBlocked(task, mask);
}

/** restore_saved_sigmask(): the wait ended by itself. */
export function restoreMask(task: Task): void {
  if (task.savedBlocked === undefined) return;
  setBlocked(task, task.savedBlocked);
  task.savedBlocked = undefined;
}
