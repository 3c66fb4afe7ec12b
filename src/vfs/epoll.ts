/** epoll(7) (fs/eventpoll.c): an interest list and a ready list, level- and edge-triggered. */
import { EBADF, EEXIST, EINVAL, ELOOP, ENOENT, ENOMEM, EPERM } from "../abi/errno.ts";
import { O_RDWR } from "../abi/fcntl.ts";
import { EPOLLET, EPOLLONESHOT, EPOLLWAKEUP, POLLERR, POLLHUP, POLLIN, POLLRDNORM } from "../abi/poll.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import { anonymousDentry } from "./eventfd.ts";
import { File } from "./file.ts";
import type { SuperBlock } from "./inode.ts";

/** struct epoll_event; the data are two int32 halves. */
export interface EpollEvent {
  readonly events: number;
  readonly dataLo: number;
  readonly dataHi: number;
}

interface Item {
  readonly fd: number;
  readonly file: File;
  event: EpollEvent;
  readonly release: () => void;
}

/** What an item takes of the machine's memory (struct epitem and its wait queue entry). */
const ITEM_BYTES = 256;
/** EP_MAX_NESTS: how far epoll files may watch epoll files. */
const MAX_NESTS = 4;

/** Bits that are no events but say how to report them (EP_PRIVATE_BITS). */
const PRIVATE_BITS = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | (1 << 28);

export class EpollFile extends File {
  readonly #items = new Map<File, Map<number, Item>>();
  /** Items that may have events, in the order in which they got ready. */
  readonly #ready = new Set<Item>();
  /** Epoll files that watch this one. */
  readonly #watchers = new Set<EpollFile>();
  readonly #queue = new WaitQueue();

  constructor(sb: SuperBlock) {
    super(anonymousDentry(sb, "eventpoll"), O_RDWR);
  }

  override get splices(): boolean {
    return false;
  }

  override get seekable(): boolean {
    return false;
  }

  /** EPIOCSPARAMS and its like only. */
  override ioctl(): number {
    return -EINVAL;
  }

  override get canRead(): boolean {
    return false;
  }

  override get canWrite(): boolean {
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
    for (const item of this.#ready) if (eventsOf(item) !== 0) return POLLIN | POLLRDNORM;
    return 0;
  }

  protected override release(): void {
    for (const items of [...this.#items.values()]) for (const item of [...items.values()]) this.#drop(item);
  }

  #find(fd: number, file: File): Item | undefined {
    return this.#items.get(file)?.get(fd);
  }

  /** Epoll files that this one watches. */
  #watched(): EpollFile[] {
    return [...this.#items.keys()].filter((file) => file instanceof EpollFile);
  }

  /** How many levels of epoll files lie below; Infinity if `target` is among them (ep_loop_check_proc). */
  #depthBelow(target: EpollFile): number {
    let depth = 0;
    for (const file of this.#watched()) {
      depth = Math.max(depth, file === target ? Number.POSITIVE_INFINITY : file.#depthBelow(target) + 1);
    }
    return depth;
  }

  /** How many levels of epoll files watch this one. */
  #depthAbove(): number {
    let depth = 0;
    for (const watcher of this.#watchers) depth = Math.max(depth, watcher.#depthAbove() + 1);
    return depth;
  }

  /**
   * EPOLL_CTL_ADD: 0, -EEXIST, -EPERM for files that cannot be polled, -EINVAL for this file itself, -ELOOP for epoll files
   * that watch each other in a circle or too deep, -ENOMEM.
   */
  add(fd: number, file: File, event: EpollEvent): number {
    if (file === this) return -EINVAL;
    if (!file.pollable) return -EPERM;
    if (file instanceof EpollFile && file.#depthBelow(this) + 1 + this.#depthAbove() > MAX_NESTS) return -ELOOP;
    if (this.#find(fd, file) !== undefined) return -EEXIST;
    const { frames } = this.inode.sb.context;
    if (frames.scarce) return -ENOMEM;
    frames.chargeKernel(ITEM_BYTES);
    const unhook: (() => void)[] = [];
    const item: Item = {
      fd,
      file,
      event,
      release: () => {
        for (const hook of unhook) hook();
      },
    };
    const removeWaker = file.waitQueue?.add(() => this.#note(item));
    if (removeWaker !== undefined) unhook.push(removeWaker);
    unhook.push(file.onClose(() => this.#drop(item)));
    const items = this.#items.get(file);
    if (items === undefined) this.#items.set(file, new Map([[fd, item]]));
    else items.set(fd, item);
    if (file instanceof EpollFile) file.#watchers.add(this);
    if (eventsOf(item) !== 0) this.#note(item);
    return 0;
  }

  modify(fd: number, file: File, event: EpollEvent): number {
    if (file === this) return -EINVAL;
    if (!file.pollable) return -EPERM;
    const item = this.#find(fd, file);
    if (item === undefined) return -ENOENT;
    item.event = event;
    if (eventsOf(item) !== 0) this.#note(item);
    return 0;
  }

  remove(fd: number, file: File | undefined): number {
    if (file === undefined) return -EBADF;
    if (file === this) return -EINVAL;
    const item = this.#find(fd, file);
    if (item === undefined) return file.pollable ? -ENOENT : -EPERM;
    this.#drop(item);
    return 0;
  }

  #drop(item: Item): void {
    const { fd, file } = item;
    const items = this.#items.get(file);
    if (items === undefined || !items.delete(fd)) return;
    this.inode.sb.context.frames.chargeKernel(-ITEM_BYTES);
    item.release();
    this.#ready.delete(item);
    if (items.size > 0) return;
    this.#items.delete(file);
    if (file instanceof EpollFile) file.#watchers.delete(this);
  }

  /** Something happened to the file of an item (ep_poll_callback). */
  #note(item: Item): void {
    if ((item.event.events & ~PRIVATE_BITS) === 0) return;
    this.#ready.add(item);
    this.#queue.wake();
  }

  /** Takes up to `max` events off the ready list; level-triggered items go to its end again (ep_send_events). */
  collect(max: number): EpollEvent[] {
    const found: EpollEvent[] = [];
    const again: Item[] = [];
    for (const item of this.#ready) {
      if (found.length >= max) break;
      this.#ready.delete(item);
      const events = eventsOf(item);
      if (events === 0) continue;
      const { dataLo, dataHi } = item.event;
      found.push({ events, dataLo, dataHi });
      if (item.event.events & EPOLLONESHOT) item.event = { ...item.event, events: item.event.events & PRIVATE_BITS };
      else if (!(item.event.events & EPOLLET)) again.push(item);
    }
    for (const item of again) this.#ready.add(item);
    return found;
  }
}

function eventsOf(item: Item): number {
  const wanted = item.event.events & ~PRIVATE_BITS;
  return wanted === 0 ? 0 : item.file.poll() & (wanted | POLLERR | POLLHUP);
}
