/** Descriptors that stand for a process (pidfd_open(2), fs/pidfs.c). */
import { O_NONBLOCK, O_RDWR } from "../abi/fcntl.ts";
import { POLLHUP, POLLIN, POLLRDNORM } from "../abi/poll.ts";
import type { WaitQueue } from "../base/wait-queue.ts";
import { anonymousDentry } from "../vfs/eventfd.ts";
import { File } from "../vfs/file.ts";
import type { Kernel } from "./kernel.ts";
import type { ThreadGroup } from "./thread-group.ts";

export class PidFile extends File {
  readonly group: ThreadGroup;

  constructor(kernel: Kernel, group: ThreadGroup, flags: number) {
    super(anonymousDentry(kernel.vfs.anonymous, "pidfd"), O_RDWR | (flags & O_NONBLOCK));
    this.group = group;
  }

  /** The process has been waited for. */
  get reaped(): boolean {
    return this.group.kernel.groups.get(this.group.pid) !== this.group;
  }

  override get splices(): boolean {
    return false;
  }

  override get seekable(): boolean {
    return false;
  }

  override get waitQueue(): WaitQueue {
    return this.group.exited;
  }

  override get canRead(): boolean {
    return false;
  }

  override get canWrite(): boolean {
    return false;
  }

  override poll(): number {
    if (this.reaped) return POLLIN | POLLRDNORM | POLLHUP;
    return this.group.zombie ? POLLIN | POLLRDNORM : 0;
  }
}
