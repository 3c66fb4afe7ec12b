/** signalfd(2) (fs/signalfd.c): signals that are read. Whose they are is decided by who reads. */
import { EAGAIN, EINVAL } from "../abi/errno.ts";
import { O_NONBLOCK, O_RDWR } from "../abi/fcntl.ts";
import { POLLIN } from "../abi/poll.ts";
import { SIGKILL, SIGSTOP } from "../abi/signal.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import { anonymousDentry } from "../vfs/eventfd.ts";
import { File } from "../vfs/file.ts";
import type { IoResult } from "../vfs/types.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { Kernel } from "./kernel.ts";
import type { SigInfo } from "./siginfo.ts";
import { dequeueSignal } from "./signal-delivery.ts";
import { SignalSet } from "./signal-set.ts";

/** struct signalfd_siginfo. */
const INFO_SIZE = 128;
const UNCATCHABLE = SignalSet.of(SIGKILL, SIGSTOP);

export class SignalFile extends File {
  readonly #kernel: Kernel;
  #wanted: SignalSet;
  /** Sleepers for a change of the mask. */
  readonly #idle = new WaitQueue();

  constructor(kernel: Kernel, wanted: SignalSet, flags: number) {
    super(anonymousDentry(kernel.vfs.anonymous, "signalfd"), O_RDWR | (flags & O_NONBLOCK));
    this.#kernel = kernel;
    this.#wanted = wanted.without(UNCATCHABLE);
  }

  /** A later signalfd(2) of the same descriptor. */
  setMask(wanted: SignalSet): void {
    this.#wanted = wanted.without(UNCATCHABLE);
    this.waitQueue.wake();
  }

  /** In /proc/PID/fdinfo. */
  get mask(): SignalSet {
    return this.#wanted;
  }

  override get splices(): boolean {
    return false;
  }

  override get seekable(): boolean {
    return false;
  }

  override get readsWhole(): boolean {
    return true;
  }

  override get canWrite(): boolean {
    return false;
  }

  /** noop_llseek(). */
  override seek(): number {
    return 0;
  }

  override get waitQueue(): WaitQueue {
    return this.#kernel.current?.group.signalArrived ?? this.#idle;
  }

  override read(into: Uint8Array): IoResult {
    const task = this.#kernel.current;
    if (into.length < INFO_SIZE || task === undefined) return -EINVAL;
    let done = 0;
    while (done + INFO_SIZE <= into.length) {
      const info = dequeueSignal(task, this.#wanted.complement());
      if (info === undefined) break;
      into.set(encode(info), done);
      done += INFO_SIZE;
    }
    if (done > 0) return done;
    return this.nonBlocking ? -EAGAIN : task.group.signalArrived;
  }

  override write(): IoResult {
    return -EINVAL;
  }

  override poll(): number {
    const task = this.#kernel.current;
    if (task === undefined) return 0;
    const blocked = this.#wanted.complement();
    return task.pending.next(blocked) !== 0 || task.group.pending.next(blocked) !== 0 ? POLLIN : 0;
  }
}

/** signalfd_copyinfo(). */
function encode(info: SigInfo): Uint8Array {
  const out = new FrameWriter(INFO_SIZE);
  out.u32(0, info.signo);
  out.u32(4, info.errno);
  out.u32(8, info.code);
  switch (info.layout) {
    case "kill":
      out.u32(12, info.pid);
      out.u32(16, info.uid);
      break;
    case "rt":
      out.u32(12, info.pid);
      out.u32(16, info.uid);
      value(out, info);
      break;
    case "timer":
      out.u32(24, info.timerId);
      out.u32(32, info.overrun);
      value(out, info);
      break;
    case "poll":
      out.u32(28, info.band);
      out.u32(20, info.fd);
      break;
    case "chld":
      out.u32(12, info.pid);
      out.u32(16, info.uid);
      out.u32(40, info.status);
      out.u64(56, info.utime);
      out.u64(64, info.stime);
      break;
    case "fault":
      out.u64(72, info.address);
      break;
    case "sys":
      out.u64(88, info.address);
      out.u32(84, info.syscall);
      out.u32(96, info.arch);
      break;
  }
  return out.bytes;
}

function value(out: FrameWriter, info: SigInfo): void {
  out.u32(44, info.valueLo);
  out.u32(48, info.valueLo);
  out.u32(52, info.valueHi);
}
