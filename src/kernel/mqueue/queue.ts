/** A POSIX message queue and its open descriptions (ipc/mqueue.c, struct mqueue_inode_info). */
import { EAGAIN, EBUSY, EMSGSIZE, ETIMEDOUT } from "../../abi/errno.ts";
import { O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC } from "../../abi/fcntl.ts";
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../abi/poll.ts";
import { SIGEV_NONE, SIGEV_SIGNAL } from "../../abi/signal.ts";
import { WaitQueue } from "../../base/wait-queue.ts";
import { bytesOf } from "../../host/text.ts";
import type { Dentry } from "../../vfs/dentry.ts";
import { File } from "../../vfs/file.ts";
import { Inode, type InodeInit, type SuperBlock } from "../../vfs/inode.ts";
import { block, ERESTARTSYS, type SyscallResult } from "../control.ts";
import type { SigEvent } from "../posix-timers.ts";
import { sigInfo } from "../siginfo.ts";
import type { Task } from "../task.ts";
import { sendToGroup } from "../task-signals.ts";
import type { ThreadGroup } from "../thread-group.ts";

/** FILENT_SIZE: what the size of a queue's file is said to be. */
const FILE_SIZE = 80;
/** si_code of a signal that tells of a message. */
const SI_MESGQ = -3;

export interface QueuedMessage {
  readonly priority: number;
  readonly bytes: Uint8Array;
}

/** A call that waits: to send `message`, or for one. */
interface Waiter {
  readonly task: Task;
  readonly queue: WaitQueue;
  message: QueuedMessage | undefined;
  done: boolean;
}

export class MessageQueueInode extends Inode {
  readonly maxMessages: number;
  readonly messageSize: number;
  readonly #changed = new WaitQueue();
  /** By priority, the highest first; of one priority the oldest first. */
  readonly #messages: QueuedMessage[] = [];
  #senders: Waiter[] = [];
  #receivers: Waiter[] = [];
  #notify: { readonly owner: ThreadGroup; readonly event: SigEvent } | undefined;
  #users = 0;
  #size = FILE_SIZE;
  readonly #onEnd: () => void;

  constructor(
    sb: SuperBlock,
    mode: number,
    limits: { readonly maxMessages: number; readonly messageSize: number },
    init: InodeInit,
    onEnd: () => void,
  ) {
    super(sb, mode, init);
    this.maxMessages = limits.maxMessages;
    this.messageSize = limits.messageSize;
    this.#onEnd = onEnd;
  }

  override get size(): number {
    return this.#size;
  }

  /** It has no meaning, but can be set. */
  override truncate(size: number): number {
    this.#size = size;
    return 0;
  }

  get count(): number {
    return this.#messages.length;
  }

  get changed(): WaitQueue {
    return this.#changed;
  }

  override open(dentry: Dentry, flags: number): File {
    this.#users++;
    return new MessageQueueFile(dentry, flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC), this);
  }

  /** A description of it is gone; the queue ends with the last one once its name is gone too. */
  closed(): void {
    this.#users--;
    this.evict();
  }

  override evict(): void {
    if (this.#users > 0 || this.nlink > 0) return;
    this.#onEnd();
    super.evict();
  }

  /** What read(2) gives. */
  text(): string {
    const bytes = this.#messages.reduce((sum, message) => sum + message.bytes.length, 0);
    const { event, owner } = this.#notify ?? {};
    const signo = event?.notify === SIGEV_SIGNAL ? event.signo : 0;
    const cell = (value: number, width: number): string => String(value).padEnd(width);
    const notify = `NOTIFY:${cell(event?.notify ?? 0, 5)} SIGNO:${cell(signo, 5)} NOTIFY_PID:${cell(owner?.pid ?? 0, 6)}`;
    return `QSIZE:${cell(bytes, 10)} ${notify}\n`;
  }

  /** do_mq_timedsend() behind its checks. */
  send(task: Task, message: QueuedMessage, nonBlocking: boolean, deadlineNs: number): SyscallResult {
    if (this.count >= this.maxMessages) {
      if (nonBlocking) return -EAGAIN;
      const waiter: Waiter = { task, queue: new WaitQueue(), message, done: false };
      this.#senders.push(waiter);
      return this.#wait(waiter, deadlineNs, () => 0);
    }
    const receiver = this.#receivers.find((waiter) => waiter.task.state !== "dead");
    if (receiver !== undefined) {
      this.#receivers = this.#receivers.filter((other) => other !== receiver);
      this.#finish(receiver, message);
    } else {
      this.#insert(message);
      this.#tellOwner(task);
      this.#changed.wake();
    }
    return 0;
  }

  /** do_mq_timedreceive() behind its checks. */
  receive(
    task: Task,
    nonBlocking: boolean,
    deadlineNs: number,
    deliver: (message: QueuedMessage) => number,
  ): SyscallResult {
    const message = this.#messages.shift();
    if (message === undefined) {
      if (nonBlocking) return -EAGAIN;
      const waiter: Waiter = { task, queue: new WaitQueue(), message: undefined, done: false };
      this.#receivers.push(waiter);
      return this.#wait(waiter, deadlineNs, deliver);
    }
    const sender = this.#senders.find((waiter) => waiter.task.state !== "dead");
    if (sender?.message !== undefined) {
      this.#senders = this.#senders.filter((other) => other !== sender);
      this.#insert(sender.message);
      this.#finish(sender, sender.message);
    } else this.#changed.wake();
    return deliver(message);
  }

  #wait(waiter: Waiter, deadlineNs: number, then: (message: QueuedMessage) => number): SyscallResult {
    const settle = (otherwise: number): number => {
      this.#senders = this.#senders.filter((other) => other !== waiter);
      this.#receivers = this.#receivers.filter((other) => other !== waiter);
      return waiter.done && waiter.message !== undefined ? then(waiter.message) : otherwise;
    };
    return block({
      queues: [waiter.queue],
      deadlineNs,
      resume: () => settle(-ETIMEDOUT),
      interrupted: () => settle(-ERESTARTSYS),
    });
  }

  #finish(waiter: Waiter, message: QueuedMessage): void {
    waiter.message = message;
    waiter.done = true;
    waiter.queue.wake();
  }

  #insert(message: QueuedMessage): void {
    const at = this.#messages.findIndex((other) => other.priority < message.priority);
    this.#messages.splice(at < 0 ? this.count : at, 0, message);
  }

  /** __do_notify(): the first message since the queue was empty, and nobody waits for it. */
  #tellOwner(sender: Task): void {
    const notify = this.#notify;
    if (notify === undefined || this.count !== 1) return;
    this.#notify = undefined;
    const { event, owner } = notify;
    if (event.notify !== SIGEV_SIGNAL || event.signo === 0) return;
    const { signo, valueLo, valueHi } = event;
    const from = { pid: sender.pid, uid: sender.creds.uid };
    sendToGroup(owner, sigInfo({ signo, code: SI_MESGQ, layout: "rt", ...from, valueLo, valueHi }));
  }

  /** mq_notify(2) of an event. */
  register(owner: ThreadGroup, event: SigEvent): number {
    if (this.#notify !== undefined) return -EBUSY;
    this.#notify = { owner, event: event.notify === SIGEV_SIGNAL ? event : { ...event, notify: SIGEV_NONE } };
    return 0;
  }

  /** mq_notify(2) without one, and any close by the process that registered. */
  unregister(owner: ThreadGroup | undefined): void {
    if (this.#notify?.owner === owner) this.#notify = undefined;
  }
}

export class MessageQueueFile extends File {
  readonly queue: MessageQueueInode;

  constructor(dentry: Dentry, flags: number, queue: MessageQueueInode) {
    super(dentry, flags);
    this.queue = queue;
  }

  override get splices(): boolean {
    return false;
  }

  override get canWrite(): boolean {
    return false;
  }

  override pread(into: Uint8Array, offset: number): number {
    const bytes = bytesOf(this.queue.text()).subarray(offset, offset + into.length);
    into.set(bytes);
    return bytes.length;
  }

  override truncate(size: number): number {
    return this.queue.truncate(size);
  }

  override get waitQueue(): WaitQueue {
    return this.queue.changed;
  }

  override poll(): number {
    const { count, maxMessages } = this.queue;
    return (count > 0 ? POLLIN | POLLRDNORM : 0) | (count < maxMessages ? POLLOUT | POLLWRNORM : 0);
  }

  override flushed(holder: object | undefined): void {
    this.queue.unregister(holder as ThreadGroup | undefined);
  }

  protected override release(): void {
    this.queue.closed();
  }

  /** 0, or -EMSGSIZE for a message that is too long. */
  checkSize(length: number): number {
    return length > this.queue.messageSize ? -EMSGSIZE : 0;
  }
}
