/** Open file descriptions (struct file): what dup(2) and fork(2) share. */
import { EBADF, EINVAL, ENOTDIR, ENOTTY, ESPIPE } from "../abi/errno.ts";
import {
  O_ACCMODE,
  O_APPEND,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from "../abi/fcntl.ts";
import { IN_CLOSE_NOWRITE, IN_CLOSE_WRITE } from "../abi/inotify.ts";
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../abi/poll.ts";
import type { WaitQueue } from "../base/wait-queue.ts";
import type { Mappable, MappedFile } from "../mm/mappable.ts";
import type { Dentry } from "./dentry.ts";
import type { Inode } from "./inode.ts";
import { notifyFile, notifyIfGone } from "./notify.ts";
import type { DirEntry, IoResult, UserMemory } from "./types.ts";

/** What an open file description takes of the machine's memory. */
const FILE_BYTES = 512;

export abstract class File implements MappedFile {
  readonly dentry: Dentry;
  /** O_ACCMODE and status flags, as F_GETFL gives them. */
  flags: number;
  offset = 0;
  /** F_SETOWN, kept for F_GETOWN. */
  owner = 0;
  #references = 1;
  #closeHooks: Set<() => void> | undefined;

  constructor(dentry: Dentry, flags: number) {
    this.dentry = dentry;
    this.flags = flags;
    this.#count(1);
  }

  #count(files: 1 | -1): void {
    const { context } = this.inode.sb;
    context.openFiles += files;
    this.inode.openFiles += files;
    context.frames.chargeKernel(files * FILE_BYTES);
  }

  get inode(): Inode {
    return this.dentry.inode;
  }

  get readable(): boolean {
    const access = this.flags & O_ACCMODE;
    return (access === O_RDONLY || access === O_RDWR) && !(this.flags & O_PATH);
  }

  get writable(): boolean {
    const access = this.flags & O_ACCMODE;
    return (access === O_WRONLY || access === O_RDWR) && !(this.flags & O_PATH);
  }

  get nonBlocking(): boolean {
    return (this.flags & O_NONBLOCK) !== 0;
  }

  /** A FIFO whose other end is awaited: open(2) goes on when `done`. */
  get opening(): { readonly queue: WaitQueue; readonly done: () => boolean } | undefined {
    return undefined;
  }

  /** False for pipes, terminals and the like: lseek and pread give ESPIPE. */
  get seekable(): boolean {
    return true;
  }

  /** False where there is no such operation at all (FMODE_CAN_READ): EINVAL, whatever the buffer. */
  get canRead(): boolean {
    return true;
  }

  get canWrite(): boolean {
    return true;
  }

  /** One read fills all buffers of readv(2) (read_iter); else each is a read of its own. */
  get readsWhole(): boolean {
    return false;
  }

  /** Each buffer of writev(2) is a write of its own (no write_iter). */
  get writesApart(): boolean {
    return false;
  }

  /** Whether splice(2) and sendfile(2) can take from it (splice_read). */
  get splices(): boolean {
    return true;
  }

  get mappable(): Mappable | undefined {
    return undefined;
  }

  /** A further holder: dup(2), fork(2), a mapping. */
  get(): this {
    this.#references++;
    return this;
  }

  /** A holder is gone; the last one closes. */
  put(): void {
    if (--this.#references > 0) return;
    this.#count(-1);
    if (!(this.flags & O_PATH)) notifyFile(this.dentry, this.writable ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    this.inode.locks?.releaseRecords(this);
    this.inode.locks?.releaseFlock(this);
    for (const hook of this.#closeHooks ?? []) hook();
    this.release();
    notifyIfGone(this.inode);
  }

  /** A descriptor of it was closed (filp_close()'s flush) by `holder`, a process. */
  flushed(_holder: object | undefined): void {}

  openForMap(): void {
    this.get();
  }

  closeForMap(): void {
    this.put();
  }

  /** Calls `hook` when the last holder is gone (epoll, locks). Returns the remover. */
  onClose(hook: () => void): () => void {
    this.#closeHooks ??= new Set();
    this.#closeHooks.add(hook);
    return () => this.#closeHooks?.delete(hook);
  }

  /** The last holder is gone. */
  protected release(): void {}

  /** Reads at `offset` without moving the file's own; never called on files that cannot seek. */
  pread(_into: Uint8Array, _offset: number): IoResult {
    return -EINVAL;
  }

  pwrite(_from: Uint8Array, _offset: number): IoResult {
    return -EINVAL;
  }

  read(into: Uint8Array): IoResult {
    const count = this.pread(into, this.offset);
    if (typeof count === "number" && count > 0) this.offset += count;
    return count;
  }

  /** With O_APPEND at the end of the file. A file that blocks may take only a part: the rest is the caller's to offer again. */
  write(from: Uint8Array): IoResult {
    if (this.flags & O_APPEND) this.offset = this.inode.size;
    const count = this.pwrite(from, this.offset);
    if (typeof count === "number" && count > 0) this.offset += count;
    return count;
  }

  /** lseek(2) for SEEK_SET, SEEK_CUR and SEEK_END; files with holes add the others. */
  seek(offset: number, whence: number): number {
    if (!this.seekable) return -ESPIPE;
    const base =
      whence === SEEK_SET ? 0 : whence === SEEK_CUR ? this.offset : whence === SEEK_END ? this.inode.size : -1;
    if (base < 0) return -EINVAL;
    const target = base + offset;
    if (target < 0) return -EINVAL;
    this.offset = target;
    return target;
  }

  /** The ready events (POLL*). */
  poll(): number {
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
  }

  /** Where to sleep until poll() may have changed; undefined for files that are always ready. */
  get waitQueue(): WaitQueue | undefined {
    return undefined;
  }

  /** Whether epoll takes the file: regular files and directories are always ready and refused. */
  get pollable(): boolean {
    return this.waitQueue !== undefined;
  }

  ioctl(_command: number, _argument: number, _memory: UserMemory): IoResult {
    return -ENOTTY;
  }

  /** Entries from the current position on, `.` and `..` included; `offset` counts entries. */
  readdir(): readonly DirEntry[] | number {
    return -ENOTDIR;
  }

  truncate(_size: number): number {
    return -EINVAL;
  }

  /** Bytes that FIONREAD reports, or -ENOTTY. */
  get available(): number {
    return -ENOTTY;
  }
}

/** A description opened with O_PATH: it names a place and nothing else. */
export class PathFile extends File {
  override pread(): number {
    return -EBADF;
  }

  override pwrite(): number {
    return -EBADF;
  }

  override poll(): number {
    return 0;
  }
}
