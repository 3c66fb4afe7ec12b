/** The host's standard streams as files of the guest. They are the only files through which the guest's writes leave it. */
import { EAGAIN, EINVAL, ESPIPE } from "../abi/errno.ts";
import { SEEK_CUR, SEEK_END, SEEK_SET } from "../abi/fcntl.ts";
import { POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../abi/poll.ts";
import { S_IFCHR, S_IFIFO, S_IFMT, S_IFREG } from "../abi/stat.ts";
import type { WaitQueue } from "../base/wait-queue.ts";
import type { HostStat, HostStdio } from "../host/host.ts";
import { Dentry } from "./dentry.ts";
import { File } from "./file.ts";
import { HostInput } from "./host-input.ts";
import { Inode, type SuperBlock } from "./inode.ts";
import { Terminal } from "./terminal.ts";
import type { IoResult, Kstat, UserMemory } from "./types.ts";

export class StreamInode extends Inode {
  readonly stdio: HostStdio;
  readonly hostFd: number;
  readonly terminal: Terminal | undefined;
  /** Where a read may have to wait, and the host can tell whether it would. */
  readonly input: HostInput | undefined;
  /** As the host told it last. */
  #stat: HostStat;

  constructor(sb: SuperBlock, stdio: HostStdio, hostFd: number, stat: HostStat) {
    super(sb, stat.mode, stat);
    this.stdio = stdio;
    this.hostFd = hostFd;
    this.#stat = stat;
    const isTerminal = stdio.isTerminal(hostFd);
    if (stdio.readNow !== undefined && (isTerminal || this.isFifo)) {
      this.input = new HostInput(stdio, hostFd);
      sb.context.inputs.push(this.input);
    }
    if (isTerminal) this.terminal = new Terminal(() => stdio.windowSize(hostFd));
  }

  get isFifo(): boolean {
    return (this.mode & S_IFMT) === S_IFIFO;
  }

  /** The host's view now: a file that stdout is redirected to grows. */
  override getattr(): Kstat {
    const stat = this.stdio.stat(this.hostFd);
    if (typeof stat !== "number") this.#stat = stat;
    return { ...super.getattr(), ...this.#stat, mode: this.mode };
  }

  override get size(): number {
    const stat = this.stdio.stat(this.hostFd);
    return typeof stat === "number" ? 0 : stat.size;
  }

  override open(dentry: Dentry, flags: number): File {
    return new StreamFile(dentry, flags, this);
  }
}

export class StreamFile extends File {
  readonly #inode: StreamInode;

  constructor(dentry: Dentry, flags: number, inode: StreamInode) {
    super(dentry, flags);
    this.#inode = inode;
  }

  /** Regular files behind a stream keep a position that counts what went through; only the host can move its own. */
  override get seekable(): boolean {
    return (this.#inode.mode & S_IFMT) === S_IFREG;
  }

  override get pollable(): boolean {
    return !this.seekable;
  }

  override get waitQueue(): WaitQueue | undefined {
    return this.#inode.input?.queue;
  }

  override read(into: Uint8Array): IoResult {
    const { input, stdio, hostFd } = this.#inode;
    const count = input?.read(into) ?? stdio.read(hostFd, into);
    if (count === -EAGAIN && input !== undefined && !this.nonBlocking) return input.queue;
    if (count > 0) this.offset += count;
    return count;
  }

  override write(from: Uint8Array): IoResult {
    const count = this.#inode.stdio.write(this.#inode.hostFd, from);
    if (count > 0) this.offset += count;
    return count;
  }

  /** Writing never waits in the guest: the host takes everything (HostStdio.write). */
  override poll(): number {
    const { input, terminal, isFifo } = this.#inode;
    let events = this.writable ? POLLOUT | POLLWRNORM : 0;
    if (!this.readable) return isFifo ? events : super.poll();
    if (input === undefined) return super.poll();
    const found = input.look();
    if (found === "data" || (found === "end" && terminal !== undefined)) events |= POLLIN | POLLRDNORM;
    else if (found === "end") events |= POLLHUP;
    return events;
  }

  /** Reports the position; moving it is not possible through the host seam. */
  override seek(offset: number, whence: number): number {
    if (!this.seekable) return -ESPIPE;
    const target =
      whence === SEEK_SET
        ? offset
        : whence === SEEK_CUR
          ? this.offset + offset
          : whence === SEEK_END
            ? this.inode.size + offset
            : -1;
    if (target < 0) return -EINVAL;
    return target === this.offset ? target : -ESPIPE;
  }

  override ioctl(command: number, argument: number, memory: UserMemory): IoResult {
    return this.#inode.terminal?.ioctl(command, argument, memory) ?? super.ioctl(command, argument, memory);
  }

  get terminal(): Terminal | undefined {
    return this.#inode.terminal;
  }
}

/**
 * The file of host descriptor `fd`, or undefined if it is closed. `name` is what /proc/self/fd shows: the host's own link
 * text where the host has one.
 */
export function openStream(
  sb: SuperBlock,
  stdio: HostStdio,
  fd: number,
  flags: number,
  name: string,
): File | undefined {
  const stat = stdio.stat(fd);
  if (typeof stat === "number") return undefined;
  const inode = new StreamInode(sb, stdio, fd, stat);
  return new StreamFile(new Dentry(name, undefined, inode), flags, inode);
}

/** The name of a stream when the host does not tell it. */
export function streamName(stdio: HostStdio, fd: number, stat: HostStat): string {
  if (stdio.isTerminal(fd)) return "/dev/tty";
  return (stat.mode & S_IFMT) === S_IFCHR ? "/dev/null" : `pipe:[${stat.ino}]`;
}
