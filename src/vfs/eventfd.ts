/** eventfd(2) (fs/eventfd.c): a 64-bit counter behind a descriptor. */
import { EAGAIN, EINVAL, EOPNOTSUPP } from "../abi/errno.ts";
import { EFD_SEMAPHORE, O_NONBLOCK, O_RDWR } from "../abi/fcntl.ts";
import { POLLIN, POLLOUT } from "../abi/poll.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import { Dentry } from "./dentry.ts";
import { File } from "./file.ts";
import { Inode, type SuperBlock } from "./inode.ts";
import type { IoResult } from "./types.ts";

/** The inode behind files that have none of their own (anon_inodefs): mode 0600 without a type. */
export class AnonymousInode extends Inode {
  /** anon_inode_setattr(), since 6.15. */
  override get attributesFixed(): number {
    return -EOPNOTSUPP;
  }
}

/** One inode for all of them: their locks are the same ones. */
const INODES = new WeakMap<SuperBlock, AnonymousInode>();

export function anonymousDentry(sb: SuperBlock, kind: string): Dentry {
  const inode = INODES.get(sb) ?? new AnonymousInode(sb, 0o600, { ino: 1 });
  INODES.set(sb, inode);
  return new Dentry(`anon_inode:[${kind}]`, undefined, inode);
}

const MAX = 0xffff_ffff_ffff_ffffn;

export class EventFile extends File {
  #count: bigint;
  readonly #semaphore: boolean;
  readonly #queue = new WaitQueue();

  constructor(sb: SuperBlock, initial: number, flags: number) {
    super(anonymousDentry(sb, "eventfd"), O_RDWR | (flags & O_NONBLOCK));
    this.#count = BigInt(initial);
    this.#semaphore = (flags & EFD_SEMAPHORE) !== 0;
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

  override get writesApart(): boolean {
    return true;
  }

  /** noop_llseek(). */
  override seek(): number {
    return 0;
  }

  override get waitQueue(): WaitQueue {
    return this.#queue;
  }

  override read(into: Uint8Array): IoResult {
    if (into.length < 8) return -EINVAL;
    if (this.#count === 0n) return this.nonBlocking ? -EAGAIN : this.#queue;
    const value = this.#semaphore ? 1n : this.#count;
    this.#count -= value;
    new DataView(into.buffer, into.byteOffset).setBigUint64(0, value, true);
    this.#queue.wake();
    return 8;
  }

  override write(from: Uint8Array): IoResult {
    if (from.length !== 8) return -EINVAL;
    const value = new DataView(from.buffer, from.byteOffset).getBigUint64(0, true);
    if (value === MAX) return -EINVAL;
    if (value >= MAX - this.#count) return this.nonBlocking ? -EAGAIN : this.#queue;
    this.#count += value;
    this.#queue.wake();
    return 8;
  }

  override poll(): number {
    return (this.#count > 0n ? POLLIN : 0) | (this.#count < MAX - 1n ? POLLOUT : 0);
  }
}
