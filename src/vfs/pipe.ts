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
  /** Not the pipe's own: no write adds to it (PIPE_BUF_FLAG_CAN_MERGE is clear). */
  readonly shared: boolean;
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
    if (last !== undefined && !last.shared && odd > 0 && last.end + odd <= PAGE) {
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
      this.#pages.push({ bytes, start: 0, end: count, shared: false });
      done += count;
    }
    return done;
  }

  /** Pages as splice(2) puts them in: each takes a slot, nothing is added to one that is there. `offset` within the first. */
  pushPages(from: Uint8Array, offset: number): number {
    let done = 0;
    while (done < from.length && !this.full) {
      if (this.#frames.scarce) return done === 0 ? -ENOMEM : done;
      const count = Math.min(PAGE - ((offset + done) % PAGE), from.length - done);
      const bytes = this.#newPage();
      copyBytes(from, done, bytes, 0, count);
      this.#pages.push({ bytes, start: 0, end: count, shared: true });
      done += count;
    }
    return done;
  }

  /** The pages in order, up to `length` bytes of them, for tee(2). */
  peek(length: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let left = length;
    for (const { bytes, start, end } of this.#pages) {
      if (left <= 0) break;
      parts.push(bytes.subarray(start, Math.min(end, start + left)));
      left -= end - start;
    }
    return parts;
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

  /** How often the pipe was opened for reading and for writing: what those wait for who open the other end. */
  readerCount = 0;
  writerCount = 0;

  /** FIFO open rules of fifo(7): each side waits for the other unless O_NONBLOCK. */
  override open(dentry: Dentry, flags: number): File | number {
    if ((flags & O_ACCMODE) === O_ACCMODE) return -EINVAL;
    if ((flags & O_ACCMODE) === O_WRONLY && this.readers === 0 && flags & O_NONBLOCK) return -ENXIO;
    const file = new PipeFile(dentry, flags, this);
    file.awaitPeer();
    return file;
  }
}

export class PipeFile extends File {
  readonly #pipe: PipeInode;
  #peerCame: (() => boolean) | undefined;
  /** No POLLHUP before there was a writer. */
  #quietUntil = -1;

  constructor(dentry: Dentry, flags: number, pipe: PipeInode) {
    super(dentry, flags);
    this.#pipe = pipe;
    if (this.readable) {
      pipe.readers++;
      pipe.readerCount++;
    }
    if (this.writable) {
      pipe.writers++;
      pipe.writerCount++;
    }
    pipe.queue.wake();
  }

  /** Opened as a FIFO while nobody has the other end (fifo_open()). */
  awaitPeer(): void {
    const pipe = this.#pipe;
    if (!this.writable && pipe.writers === 0) {
      this.#quietUntil = pipe.writerCount;
      const { writerCount } = pipe;
      if (!this.nonBlocking) this.#peerCame = () => pipe.writerCount !== writerCount;
    } else if (!this.readable && pipe.readers === 0) {
      const { readerCount } = pipe;
      this.#peerCame = () => pipe.readerCount !== readerCount;
    }
  }

  override get opening(): { readonly queue: WaitQueue; readonly done: () => boolean } | undefined {
    const done = this.#peerCame;
    return done && { queue: this.#pipe.queue, done };
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

  /** vmsplice(2), tee(2) into the pipe: the count, 0 if it is full, -EPIPE. */
  give(from: Uint8Array, offset: number): number {
    const { buffer, queue, readers } = this.#pipe;
    if (readers === 0) return -EPIPE;
    const count = buffer.pushPages(from, offset);
    if (count > 0) queue.wake();
    return count;
  }

  /** tee(2): copies up to `length` bytes into `target` and keeps them; a queue to sleep at, or the count or -errno. */
  tee(target: PipeFile, length: number, nonBlocking: boolean): IoResult {
    const { buffer, queue, writers } = this.#pipe;
    if (buffer.empty) return writers === 0 ? 0 : nonBlocking ? -EAGAIN : queue;
    let done = 0;
    for (const part of buffer.peek(length)) {
      const count = target.give(part, 0);
      if (count <= 0) {
        if (count < 0 && done === 0) return count;
        break;
      }
      done += count;
      if (count < part.length) break;
    }
    if (done > 0) return done;
    return nonBlocking ? -EAGAIN : target.waitQueue;
  }

  override poll(): number {
    const { buffer, readers, writers } = this.#pipe;
    let events = 0;
    if (this.readable) {
      if (!buffer.empty) events |= POLLIN | POLLRDNORM;
      if (writers === 0 && this.#quietUntil !== this.#pipe.writerCount) events |= POLLHUP;
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
