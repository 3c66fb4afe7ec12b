/** System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2) (ipc/msg.c). */
import { E2BIG, EAGAIN, EIDRM, EINVAL, ENOMSG, EPERM } from "../../abi/errno.ts";
import { IPC_NOWAIT, MSG_COPY, MSG_EXCEPT, MSG_NOERROR } from "../../abi/ipc.ts";
import { WaitQueue } from "../../base/wait-queue.ts";
import { block, ERESTARTNOHAND, type SyscallResult } from "../control.ts";
import { isPrivileged } from "../credentials.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task.ts";
import { IpcIds, type IpcObject, IpcPermissions } from "./ids.ts";

export interface Message {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** What msgrcv(2) asks for. */
export interface ReceiveRequest {
  /** Bytes that the buffer takes. */
  readonly size: number;
  readonly type: number;
  readonly flags: number;
}

interface Receiver {
  readonly task: Task;
  readonly request: ReceiveRequest;
  readonly queue: WaitQueue;
  /** The message that a sender handed over, or -errno. */
  result: Message | number | undefined;
}

export class MessageQueue implements IpcObject {
  readonly perm: IpcPermissions;
  readonly messages: Message[] = [];
  receivers: Receiver[] = [];
  /** Senders wait for room here. */
  readonly room = new WaitQueue();
  /** msg_qbytes. */
  maxBytes: number;
  bytes = 0;
  sendTime = 0;
  receiveTime = 0;
  changeTime: number;
  lastSender = 0;
  lastReceiver = 0;

  constructor(perm: IpcPermissions, maxBytes: number, now: number) {
    this.perm = perm;
    this.maxBytes = maxBytes;
    this.changeTime = now;
  }

  fits(size: number): boolean {
    return this.bytes + size <= this.maxBytes && this.messages.length + 1 <= this.maxBytes;
  }
}

/** testmsg() without SEARCH_NUMBER: whether a message is among those asked for. */
function matches(message: Message, { type, flags }: ReceiveRequest): boolean {
  if (type === 0) return true;
  if (type < 0) return message.type <= -type;
  return flags & MSG_EXCEPT ? message.type !== type : message.type === type;
}

/** find_msg(): where the message is that `request` gets, or -1. */
function find(queue: MessageQueue, request: ReceiveRequest): number {
  const { messages } = queue;
  if (request.flags & MSG_COPY) return request.type >= 0 && request.type < messages.length ? request.type : -1;
  let found = -1;
  for (const [index, message] of messages.entries()) {
    if (!matches(message, request)) continue;
    if (request.type >= 0) return index;
    if (found < 0 || message.type < messages[found].type) found = index;
  }
  return found;
}

/** The bytes that a receiver gets. */
function cut(message: Message, size: number): Message {
  return message.bytes.length <= size ? message : { type: message.type, bytes: message.bytes.subarray(0, size) };
}

export class MessageQueues {
  readonly ids = new IpcIds<MessageQueue>();
  readonly #kernel: Kernel;
  /** kernel.msgmax, msgmnb, msgmni. */
  maxMessage = 8192;
  maxQueueBytes = 16384;
  maxQueues = 32000;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get #now(): number {
    return this.#kernel.clock.realtime().sec;
  }

  /** msgget(2). */
  get(task: Task, key: number, flags: number): number {
    const create = (): MessageQueue | number => {
      const perm = new IpcPermissions(task, key, flags & 0o777);
      const queue = new MessageQueue(perm, this.maxQueueBytes, this.#now);
      const failed = this.ids.add(queue, this.maxQueues);
      return failed < 0 ? failed : queue;
    };
    return this.ids.get(task, key, flags, create, () => 0);
  }

  /** do_msgsnd() behind the copy from the guest. */
  send(task: Task, id: number, message: Message, flags: number): SyscallResult {
    const queue = this.ids.byId(id);
    return typeof queue === "number" ? queue : this.#sendTo(task, queue, message, flags);
  }

  #sendTo(task: Task, queue: MessageQueue, message: Message, flags: number): SyscallResult {
    if (queue.perm.deleted) return -EIDRM;
    const refused = queue.perm.check(task, 0o222);
    if (refused < 0) return refused;
    if (!queue.fits(message.bytes.length)) {
      if (flags & IPC_NOWAIT) return -EAGAIN;
      return block({
        queues: [queue.room],
        resume: () => this.#sendTo(task, queue, message, flags),
        interrupted: () => (queue.perm.deleted ? -EIDRM : -ERESTARTNOHAND),
      });
    }
    queue.lastSender = task.pid;
    queue.sendTime = this.#now;
    if (this.#handOver(queue, message)) return 0;
    queue.messages.push(message);
    queue.bytes += message.bytes.length;
    return 0;
  }

  /** pipelined_send(): a receiver that waits for it gets the message; one whose buffer is too small learns that. */
  #handOver(queue: MessageQueue, message: Message): boolean {
    for (const receiver of [...queue.receivers]) {
      const { request, task } = receiver;
      if (task.state === "dead" || !matches(message, request)) continue;
      if (request.size < message.bytes.length && !(request.flags & MSG_NOERROR)) {
        this.#finish(queue, receiver, -E2BIG);
        continue;
      }
      queue.lastReceiver = task.pid;
      queue.receiveTime = this.#now;
      this.#finish(queue, receiver, message);
      return true;
    }
    return false;
  }

  #finish(queue: MessageQueue, receiver: Receiver, result: Message | number): void {
    queue.receivers = queue.receivers.filter((other) => other !== receiver);
    receiver.result = result;
    receiver.queue.wake();
  }

  /** do_msgrcv(): `deliver` copies the message to the guest and says the result. */
  receive(task: Task, id: number, request: ReceiveRequest, deliver: (message: Message) => number): SyscallResult {
    const { flags, size } = request;
    if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT))) return -EINVAL;
    const queue = this.ids.byId(id);
    if (typeof queue === "number") return queue;
    const refused = queue.perm.check(task, 0o444);
    if (refused < 0) return refused;
    const at = find(queue, request);
    if (at >= 0) {
      const message = queue.messages[at];
      if (size < message.bytes.length && !(flags & MSG_NOERROR)) return -E2BIG;
      if (!(flags & MSG_COPY)) this.#take(task, queue, at);
      return deliver(cut(message, size));
    }
    if (flags & IPC_NOWAIT) return -ENOMSG;
    const receiver: Receiver = { task, request, queue: new WaitQueue(), result: undefined };
    queue.receivers.push(receiver);
    const settle = (otherwise: number): number => {
      queue.receivers = queue.receivers.filter((other) => other !== receiver);
      const { result } = receiver;
      if (result === undefined) return otherwise;
      return typeof result === "number" ? result : deliver(cut(result, size));
    };
    return block({
      queues: [receiver.queue],
      resume: () => settle(-ENOMSG),
      interrupted: () => settle(-ERESTARTNOHAND),
    });
  }

  #take(task: Task, queue: MessageQueue, at: number): void {
    const [message] = queue.messages.splice(at, 1);
    queue.bytes -= message.bytes.length;
    queue.receiveTime = this.#now;
    queue.lastReceiver = task.pid;
    queue.room.wake();
  }

  /** IPC_RMID. */
  remove(task: Task, id: number): number {
    const queue = this.ids.owned(task, id);
    if (typeof queue === "number") return queue;
    this.ids.remove(queue);
    for (const receiver of [...queue.receivers]) this.#finish(queue, receiver, -EIDRM);
    queue.room.wake();
    return 0;
  }

  /** IPC_SET. */
  set(
    task: Task,
    id: number,
    change: { readonly uid: number; readonly gid: number; readonly mode: number; readonly maxBytes: number },
  ): number {
    const queue = this.ids.owned(task, id);
    if (typeof queue === "number") return queue;
    if (change.maxBytes > this.maxQueueBytes && !isPrivileged(task.creds)) return -EPERM;
    const failed = queue.perm.update(change);
    if (failed < 0) return failed;
    queue.maxBytes = change.maxBytes;
    queue.changeTime = this.#now;
    queue.room.wake();
    return 0;
  }

  /** All messages and their bytes. */
  get totals(): { readonly messages: number; readonly bytes: number } {
    let messages = 0;
    let bytes = 0;
    for (const queue of this.ids) {
      messages += queue.messages.length;
      bytes += queue.bytes;
    }
    return { messages, bytes };
  }
}
