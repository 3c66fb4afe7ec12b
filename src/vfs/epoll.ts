/** epoll(7) (fs/eventpoll.c): an interest list and a ready list, level- and edge-triggered. */
import { EBADF, EEXIST, EINVAL, ENOENT, EPERM } from "../abi/errno.ts";
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

/** Bits that are no events but say how to report them (EP_PRIVATE_BITS). */
const PRIVATE_BITS = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | (1 << 28);

export class EpollFile extends File {
  readonly #items: Item[] = [];
  /** Items that may have events, in the order in which they got ready. */
  readonly #ready: Item[] = [];
  readonly #queue = new WaitQueue();

  constructor(sb: SuperBlock) {
    super(anonymousDentry(sb, "eventpoll"), O_RDWR);
  }

  override get seekable(): boolean {
    return false;
  }

  override get waitQueue(): WaitQueue {
    return this.#queue;
  }

  override poll(): number {
    return this.#ready.some((item) => eventsOf(item) !== 0) ? POLLIN | POLLRDNORM : 0;
  }

  protected override release(): void {
    for (const item of [...this.#items]) this.#drop(item);
  }

  #find(fd: number, file: File): Item | undefined {
    return this.#items.find((item) => item.fd === fd && item.file === file);
  }

  /** EPOLL_CTL_ADD: 0, -EEXIST, -EPERM for files that cannot be polled, -EINVAL for this file itself. */
  add(fd: number, file: File, event: EpollEvent): number {
    if (file === this) return -EINVAL;
    if (!file.pollable) return -EPERM;
    if (this.#find(fd, file) !== undefined) return -EEXIST;
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
    this.#items.push(item);
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
    item.release();
    for (const list of [this.#items, this.#ready]) {
      const at = list.indexOf(item);
      if (at >= 0) list.splice(at, 1);
    }
  }

  /** Something happened to the file of an item (ep_poll_callback). */
  #note(item: Item): void {
    if ((item.event.events & ~PRIVATE_BITS) === 0) return;
    if (!this.#ready.includes(item)) this.#ready.push(item);
    this.#queue.wake();
  }

  /** Takes up to `max` events off the ready list; level-triggered items go to its end again (ep_send_events). */
  collect(max: number): EpollEvent[] {
    const found: EpollEvent[] = [];
    const again: Item[] = [];
    while (this.#ready.length > 0 && found.length < max) {
      const item = this.#ready.shift() as Item;
      const events = eventsOf(item);
      if (events === 0) continue;
      const { dataLo, dataHi } = item.event;
      found.push({ events, dataLo, dataHi });
      if (item.event.events & EPOLLONESHOT) item.event = { ...item.event, events: item.event.events & PRIVATE_BITS };
      else if (!(item.event.events & EPOLLET)) again.push(item);
    }
    this.#ready.push(...again);
    return found;
  }
}

function eventsOf(item: Item): number {
  const wanted = item.event.events & ~PRIVATE_BITS;
  return wanted === 0 ? 0 : item.file.poll() & (wanted | POLLERR | POLLHUP);
}
