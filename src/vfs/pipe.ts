/** Pipes and FIFOs (pipe(7), fs/pipe.c). */
import { EAGAIN, EBUSY, EINVAL, ENOMEM, ENXIO, EPERM, EPIPE } from "../abi/errno.ts";
import { O_ACCMODE, O_NONBLOCK, O_RDONLY, O_WRONLY } from "../abi/fcntl.ts";
import { FIONREAD } from "../abi/ioctl.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../abi/poll.ts";
import { copyBytes } from "../base/bytes.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import type { PhysicalMemory } from "../memory/physical.ts";
import { Dentry } from "./dentry.ts";
import { File } from "./file.ts";
import { Inode, type InodeInit, type SuperBlock } from "./inode.ts";
import type { IoResult, UserMemory } from "./types.ts";
import { writeInt } from "./user-memory.ts";

const PAGE = 4096;
const DEFAULT_CAPACITY = 16 * PAGE;
/** /proc/sys/fs/pipe-max-size. */
const MAX_CAPACITY = 1 << 20;

/** One page of a pipe: bytes [start, end) are to be read yet. */
interface PipePage {
  readonly bytes: Uint8Array;
  start: number;
  end: number;
}

/**
 * The bytes in flight, in pages as the kernel keeps them (fs/pipe.c): a page is free only when all of it was read, and a
 * write adds to the last page only if its odd part fits in there. So a pipe can be full with few bytes in it.
 */
class PipeBuffer {
  readonly #frames: PhysicalMemory;
  #pages: PipePage[] = [];
  /** A page that was read, for the next write (tmp_page of struct pipe_inode_info). */
  #spare: Uint8Array | undefined;
  #slots = DEFAULT_CAPACITY / PAGE;

  constructor(frames: PhysicalMemory) {
    this.#frames = frames;
  }

  get length(): number {
    let sum = 0;
    for (const { start, end } of this.#pages) sum += end - start;
    return sum;
  }

  get capacity(): number {
    return this.#slots * PAGE;
  }

  get empty(): boolean {
    return this.#pages.length === 0;
  }

  /** pipe_full(). */
  get full(): boolean {
    return this.#pages.length >= this.#slots;
  }

  get usedPages(): number {
    return this.#pages.length;
  }

  /** Takes as much as there is room for; 0 if that is nothing, -ENOMEM if the machine's memory is used up. */
  push(from: Uint8Array): number {
    const odd = from.length % PAGE;
    let done = 0;
    const last = this.#pages.at(-1);
    if (last !== undefined && odd > 0 && last.end + odd <= PAGE) {
      copyBytes(from, 0, last.bytes, last.end, odd);
      last.end += odd;
      done = odd;
    }
    while (done < from.length && !this.full) {
      if (this.#spare === undefined && this.#frames.scarce) return done === 0 ? -ENOMEM : done;
      const count = Math.min(PAGE, from.length - done);
      const bytes = this.#spare ?? this.#newPage();
      this.#spare = undefined;
      copyBytes(from, done, bytes, 0, count);
      this.#pages.push({ bytes, start: 0, end: count });
      done += count;
    }
    return done;
  }

  #newPage(): Uint8Array {
    this.#frames.chargeKernel(PAGE);
    return new Uint8Array(PAGE);
  }

  shift(into: Uint8Array): number {
    let done = 0;
    while (done < into.length && this.#pages.length > 0) {
      const page = this.#pages[0];
      const count = Math.min(into.length - done, page.end - page.start);
      copyBytes(page.bytes, page.start, into, done, count);
      page.start += count;
      done += count;
      if (page.start < page.end) break;
      this.#pages.shift();
      if (this.#spare !== undefined) this.#frames.chargeKernel(-PAGE);
      this.#spare = page.bytes;
    }
    return done;
  }

  /** Nobody holds the pipe any more (free_pipe_info). */
  drop(): void {
    this.#frames.chargeKernel(-PAGE * (this.#pages.length + (this.#spare === undefined ? 0 : 1)));
    this.#pages = [];
    this.#spare = undefined;
    this.#slots = DEFAULT_CAPACITY / PAGE;
  }

  resize(capacity: number): void {
    this.#slots = capacity / PAGE;
  }
}

/** A pipe's inode, or a FIFO's: the buffer and who holds its ends. */
export class PipeInode extends Inode {
  readonly buffer: PipeBuffer;
  /** Readers and writers both sleep here, as in kernels before 5.5; each looks again. */
  readonly queue = new WaitQueue();
  readers = 0;
  writers = 0;

  constructor(sb: SuperBlock, mode = 0o010600, init: InodeInit = {}) {
    super(sb, mode, init);
    this.buffer = new PipeBuffer(sb.context.frames);
  }

  /** FIFO open rules of fifo(7): each side waits for the other unless O_NONBLOCK. */
  override open(dentry: Dentry, flags: number): File | number | WaitQueue {
    const access = flags & O_ACCMODE;
    if (access === O_WRONLY && this.readers === 0) return flags & O_NONBLOCK ? -ENXIO : this.queue;
    if (access === O_RDONLY && this.writers === 0 && !(flags & O_NONBLOCK)) {
      return !this.buffer.empty ? new PipeFile(dentry, flags, this) : this.#announceReader();
    }
    return new PipeFile(dentry, flags, this);
  }

  /** A reader that waits for a writer lets writers in meanwhile. */
  #announceReader(): WaitQueue {
    this.readers++;
    this.queue.wake();
    this.readers--;
    return this.queue;
  }
}

export class PipeFile extends File {
  readonly #pipe: PipeInode;

  constructor(dentry: Dentry, flags: number, pipe: PipeInode) {
    super(dentry, flags);
    this.#pipe = pipe;
    if (this.readable) pipe.readers++;
    if (this.writable) pipe.writers++;
    pipe.queue.wake();
  }

  protected override release(): void {
    if (this.readable) this.#pipe.readers--;
    if (this.writable) this.#pipe.writers--;
    if (this.#pipe.readers === 0 && this.#pipe.writers === 0) this.#pipe.buffer.drop();
    this.#pipe.queue.wake();
  }

  override get seekable(): boolean {
    return false;
  }

  override get waitQueue(): WaitQueue {
    return this.#pipe.queue;
  }

  override read(into: Uint8Array): IoResult {
    const { buffer, queue, writers } = this.#pipe;
    if (into.length === 0) return 0;
    if (!buffer.empty) {
      const count = buffer.shift(into);
      queue.wake();
      return count;
    }
    if (writers === 0) return 0;
    return this.nonBlocking ? -EAGAIN : queue;
  }

  /** Up to PIPE_BUF bytes (a page) go in whole or not at all; of more, as many as there is room for (pipe(7)). */
  override write(from: Uint8Array): IoResult {
    const { buffer, queue, readers } = this.#pipe;
    if (from.length === 0) return 0;
    if (readers === 0) return -EPIPE;
    const count = buffer.push(from);
    if (count === 0) return this.nonBlocking ? -EAGAIN : queue;
    if (count > 0) queue.wake();
    return count;
  }

  override poll(): number {
    const { buffer, readers, writers } = this.#pipe;
    let events = 0;
    if (this.readable) {
      if (!buffer.empty) events |= POLLIN | POLLRDNORM;
      if (writers === 0) events |= POLLHUP;
    }
    if (this.writable) {
      if (!buffer.full) events |= POLLOUT | POLLWRNORM;
      if (readers === 0) events |= POLLERR;
    }
    return events;
  }

  override ioctl(command: number, argument: number, memory: UserMemory): IoResult {
    if (command === FIONREAD) return writeInt(memory, argument, this.#pipe.buffer.length);
    return super.ioctl(command, argument, memory);
  }

  override get available(): number {
    return this.#pipe.buffer.length;
  }

  get capacity(): number {
    return this.#pipe.buffer.capacity;
  }

  /** F_SETPIPE_SZ: rounds up to a power of two of pages; the new capacity or -errno. */
  setCapacity(bytes: number, privileged: boolean): number {
    if (bytes < 0 || bytes > 0x8000_0000) return -EINVAL;
    let capacity = PAGE;
    while (capacity < bytes) capacity *= 2;
    if (capacity > MAX_CAPACITY && !privileged) return -EPERM;
    if (capacity / PAGE < this.#pipe.buffer.usedPages) return -EBUSY;
    this.#pipe.buffer.resize(capacity);
    this.#pipe.queue.wake();
    return capacity;
  }
}

/** pipe2(2): a read end and a write end; `flags` may hold O_NONBLOCK and O_DIRECT. */
export function createPipe(sb: SuperBlock, flags: number, owner: { fsuid: number; fsgid: number }): [File, File] {
  const pipe = new PipeInode(sb, 0o010600, { uid: owner.fsuid, gid: owner.fsgid });
  const dentry = new Dentry(`pipe:[${pipe.ino}]`, undefined, pipe);
  return [new PipeFile(dentry, O_RDONLY | flags, pipe), new PipeFile(dentry, O_WRONLY | flags, pipe)];
}
