/** inotify(7) instances: watches, and the queue of their events (fs/notify/inotify). */
import { EAGAIN, EEXIST, EINVAL, ENOSPC } from "../abi/errno.ts";
import { O_NONBLOCK, O_RDONLY } from "../abi/fcntl.ts";
import {
  IN_ALL_EVENTS,
  IN_EXCL_UNLINK,
  IN_IGNORED,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_ONESHOT,
  IN_Q_OVERFLOW,
} from "../abi/inotify.ts";
import { FIONREAD } from "../abi/ioctl.ts";
import { POLLIN, POLLRDNORM } from "../abi/poll.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import { bytesOf } from "../host/text.ts";
import { Dentry } from "./dentry.ts";
import { anonymousDentry } from "./eventfd.ts";
import { File } from "./file.ts";
import type { Inode, SuperBlock } from "./inode.ts";
import type { Watch } from "./notify.ts";
import type { IoResult, UserMemory } from "./types.ts";

/** struct inotify_event; names are padded to a multiple of it. */
const EVENT_SIZE = 16;
/** Bits of the mask that are kept with the watch. */
const KEPT = (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT) >>> 0;

/** fs.inotify: the limits, and what is in use by user. */
export class InotifyLimits {
  queuedEvents = 16384;
  instances = 128;
  watches: number;
  readonly #instances = new Map<number, number>();
  readonly #watches = new Map<number, number>();

  constructor(watches: number) {
    this.watches = watches;
  }

  /** False at the limit. */
  takeInstance(uid: number): boolean {
    return take(this.#instances, uid, this.instances);
  }

  takeWatch(uid: number): boolean {
    return take(this.#watches, uid, this.watches);
  }

  giveInstance(uid: number): void {
    this.#instances.set(uid, (this.#instances.get(uid) ?? 0) - 1);
  }

  giveWatch(uid: number): void {
    this.#watches.set(uid, (this.#watches.get(uid) ?? 0) - 1);
  }
}

function take(counts: Map<number, number>, uid: number, limit: number): boolean {
  const count = counts.get(uid) ?? 0;
  if (count >= limit) return false;
  counts.set(uid, count + 1);
  return true;
}

interface QueuedEvent {
  readonly wd: number;
  readonly mask: number;
  readonly cookie: number;
  readonly name: string;
}

function sizeOf(event: QueuedEvent): number {
  const length = bytesOf(event.name).length;
  return EVENT_SIZE + (length === 0 ? 0 : Math.ceil((length + 1) / EVENT_SIZE) * EVENT_SIZE);
}

class InotifyWatch implements Watch {
  readonly wd: number;
  readonly inode: Inode;
  mask: number;
  readonly #file: InotifyFile;

  constructor(file: InotifyFile, wd: number, inode: Inode, mask: number) {
    this.#file = file;
    this.wd = wd;
    this.inode = inode;
    this.mask = mask;
  }

  event(mask: number, cookie: number, name: string, unlinked: boolean): void {
    if ((this.mask & mask & IN_ALL_EVENTS) === 0) return;
    if (unlinked && this.mask & IN_EXCL_UNLINK) return;
    this.#file.push({ wd: this.wd, mask, cookie, name });
    if (this.mask & IN_ONESHOT) this.ended();
  }

  ended(): void {
    this.#file.drop(this);
  }
}

export class InotifyFile extends File {
  readonly #limits: InotifyLimits;
  readonly #uid: number;
  readonly #queue = new WaitQueue();
  readonly #watches = new Map<number, InotifyWatch>();
  #events: QueuedEvent[] = [];
  #nextWd = 1;

  constructor(sb: SuperBlock, limits: InotifyLimits, uid: number, flags: number) {
    const { inode } = anonymousDentry(sb, "inotify");
    super(new Dentry("anon_inode:inotify", undefined, inode), O_RDONLY | (flags & O_NONBLOCK));
    this.#limits = limits;
    this.#uid = uid;
  }

  /** inotify_update_watch(): the watch descriptor, -EEXIST or -ENOSPC. */
  watch(inode: Inode, mask: number): number {
    const kept = mask & KEPT;
    for (const known of this.#watches.values()) {
      if (known.inode !== inode) continue;
      if (mask & IN_MASK_CREATE) return -EEXIST;
      known.mask = mask & IN_MASK_ADD ? known.mask | kept : kept;
      return known.wd;
    }
    if (!this.#limits.takeWatch(this.#uid)) return -ENOSPC;
    const watch = new InotifyWatch(this, this.#nextWd++, inode, kept);
    this.#watches.set(watch.wd, watch);
    inode.watches ??= new Set();
    inode.watches.add(watch);
    return watch.wd;
  }

  /** inotify_rm_watch(2). */
  unwatch(wd: number): number {
    const watch = this.#watches.get(wd);
    if (watch === undefined) return -EINVAL;
    this.drop(watch);
    return 0;
  }

  /** The watch ends: IN_IGNORED is its last event. */
  drop(watch: InotifyWatch): void {
    if (!this.#watches.has(watch.wd)) return;
    this.#forget(watch);
    this.push({ wd: watch.wd, mask: IN_IGNORED, cookie: 0, name: "" });
  }

  #forget(watch: InotifyWatch): void {
    this.#watches.delete(watch.wd);
    this.#limits.giveWatch(this.#uid);
    const { watches } = watch.inode;
    watches?.delete(watch);
    if (watches?.size === 0) watch.inode.watches = undefined;
  }

  /** fsnotify_insert_event(): an event that is like the last one is not queued again. */
  push(event: QueuedEvent): void {
    const last = this.#events.at(-1);
    if (this.#events.length >= this.#limits.queuedEvents) {
      if (last?.mask !== IN_Q_OVERFLOW) this.#events.push({ wd: -1, mask: IN_Q_OVERFLOW, cookie: 0, name: "" });
      return;
    }
    const same = last?.wd === event.wd && last.mask === event.mask && last.name === event.name;
    if (same && event.mask !== IN_IGNORED) return;
    this.#events.push(event);
    this.#queue.wake();
  }

  override get splices(): boolean {
    return false;
  }

  override get seekable(): boolean {
    return false;
  }

  /** noop_llseek(). */
  override seek(): number {
    return 0;
  }

  override get waitQueue(): WaitQueue {
    return this.#queue;
  }

  override poll(): number {
    return this.#events.length > 0 ? POLLIN | POLLRDNORM : 0;
  }

  override ioctl(command: number, argument: number, memory: UserMemory): IoResult {
    if (command !== FIONREAD) return super.ioctl(command, argument, memory);
    const bytes = new Uint8Array(4);
    const waiting = this.#events.reduce((sum, event) => sum + sizeOf(event), 0);
    new DataView(bytes.buffer).setInt32(0, waiting, true);
    return memory.write(argument, bytes);
  }

  /** Whole events, as many as there is room for. */
  override read(into: Uint8Array): IoResult {
    if (this.#events.length === 0) return this.nonBlocking ? -EAGAIN : this.#queue;
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    let done = 0;
    let taken = 0;
    for (const event of this.#events) {
      const size = sizeOf(event);
      if (done + size > into.length) break;
      view.setInt32(done, event.wd, true);
      view.setUint32(done + 4, event.mask >>> 0, true);
      view.setUint32(done + 8, event.cookie, true);
      view.setUint32(done + 12, size - EVENT_SIZE, true);
      into.fill(0, done + EVENT_SIZE, done + size);
      into.set(bytesOf(event.name), done + EVENT_SIZE);
      done += size;
      taken++;
    }
    if (taken === 0) return -EINVAL;
    this.#events = this.#events.slice(taken);
    return done;
  }

  protected override release(): void {
    for (const watch of [...this.#watches.values()]) this.#forget(watch);
    this.#limits.giveInstance(this.#uid);
  }
}
