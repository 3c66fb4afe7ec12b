/** POSIX message queues: mq_open(2) and its family. */
import { EBADF, EFAULT, EINVAL, EMSGSIZE } from "../src/abi/errno.ts";
import { O_CREAT, O_NONBLOCK } from "../src/abi/fcntl.ts";
import { MQ_PRIO_MAX, mqAttrStruct, NOTIFY_COOKIE_LEN } from "../src/abi/mqueue.ts";
import { SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD } from "../src/abi/signal.ts";
import { WaitQueue } from "../src/base/wait-queue.ts";
import { deadlineOf } from "../src/kernel/clock-ids.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import { MessageQueueFile } from "../src/kernel/mqueue/queue.ts";
import type { Task } from "../src/kernel/task.ts";
import { readTimespec, type TimeWidth } from "../src/kernel/time-values.ts";
import { bufferIn, fd, intAs, modeText, path, pointerTo, sizeT, uint } from "./codecs.ts";
import { type CallView, type Codec, defineSyscall } from "./define.ts";
import { openFlagsText } from "./format-file.ts";
import { fileOf, installFile, readBytes } from "./io.ts";
import { flagsText, type NameTable, peek } from "./strace-text.ts";
import { timespec } from "./struct-text.ts";
import { decodeSigEvent, sigEventSize, sigEventText } from "./timers.ts";

const FULL = { support: "full" } as const;
const MQ_FLAGS: NameTable = [[O_NONBLOCK, "O_NONBLOCK"]];

function queueFile(task: Task, number: number): MessageQueueFile | number {
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  return file instanceof MessageQueueFile ? file : -EBADF;
}

function attributesAt(task: Task, address: number): { flags: number; maxmsg: number; msgsize: number } | number {
  const struct = mqAttrStruct(task.abi);
  const bytes = readBytes(task, address, struct.size);
  return bytes === undefined ? -EFAULT : struct.decode(bytes);
}

/** `{mq_flags=0, mq_maxmsg=10, mq_msgsize=8192, mq_curmsgs=0}`. */
function attributesText(address: number, call: CallView): string | undefined {
  const struct = mqAttrStruct(call.abi);
  const bytes = peek(call.task, address, struct.size);
  if (bytes === undefined) return undefined;
  const { flags, maxmsg, msgsize, curmsgs } = struct.decode(bytes);
  const names = flagsText(flags, MQ_FLAGS, "O_???");
  return `{mq_flags=${names}, mq_maxmsg=${maxmsg}, mq_msgsize=${msgsize}, mq_curmsgs=${curmsgs}}`;
}

const created = (call: CallView): boolean => (Number(call.values[1]) & O_CREAT) !== 0;

const attributes = pointerTo("attr", "entry", attributesText);
/** strace prints it where the queue may be made. */
const newAttributes: Codec<number> = {
  ...attributes,
  format: (value, call, at) => (created(call) ? attributes.format(value, call, at) : undefined),
};

export const mqOpen = defineSyscall(
  "mq_open",
  [
    path("name"),
    intAs("oflag", (value) => openFlagsText(value)),
    intAs("mode", (value, call) => (created(call) ? modeText(value >>> 0) : undefined)),
    newAttributes,
  ],
  (task, name, flags, mode, address) => {
    // the compat call fetches them only where they may be needed
    const fetched = address !== 0 && (task.abi === "amd64" || (flags & O_CREAT) !== 0);
    const wanted = fetched ? attributesAt(task, address) : undefined;
    if (typeof wanted === "number") return wanted;
    const file = task.kernel.queues.open(task, name, flags, mode, wanted);
    if (typeof file === "number") return file;
    return file instanceof WaitQueue ? file : installFile(task, file, true);
  },
  FULL,
);

export const mqUnlink = defineSyscall(
  "mq_unlink",
  [path("name")],
  (task, name) => task.kernel.queues.unlink(task, name),
  FULL,
);

/** An absolute time of CLOCK_REALTIME as a deadline; Infinity without one; -errno. */
function deadlineAt(task: Task, address: number, width: TimeWidth): number {
  if (address === 0) return Number.POSITIVE_INFINITY;
  const time = readTimespec(task, address, width);
  return typeof time === "number" ? time : Math.max(0, deadlineOf(task, 0, time, true));
}

function timedsend(width: TimeWidth) {
  return (
    task: Task,
    number: number,
    address: number,
    length: number,
    priority: number,
    timeout: number,
  ): SyscallResult => {
    const deadlineNs = deadlineAt(task, timeout, width);
    if (deadlineNs < 0) return deadlineNs;
    if (priority >= MQ_PRIO_MAX) return -EINVAL;
    const file = queueFile(task, number);
    if (typeof file === "number") return file;
    if (!file.writable) return -EBADF;
    const tooLong = file.checkSize(length);
    if (tooLong < 0) return tooLong;
    const bytes = readBytes(task, address, length);
    if (bytes === undefined) return -EFAULT;
    return file.queue.send(task, { priority, bytes }, file.nonBlocking, deadlineNs);
  };
}

function timedreceive(width: TimeWidth) {
  return (
    task: Task,
    number: number,
    address: number,
    length: number,
    priorityAddress: number,
    timeout: number,
  ): SyscallResult => {
    const deadlineNs = deadlineAt(task, timeout, width);
    if (deadlineNs < 0) return deadlineNs;
    const file = queueFile(task, number);
    if (typeof file === "number") return file;
    if (!file.readable) return -EBADF;
    if (length < file.queue.messageSize) return -EMSGSIZE;
    return file.queue.receive(task, file.nonBlocking, deadlineNs, ({ priority, bytes }) => {
      if (priorityAddress !== 0 && task.mm.writeU32(priorityAddress, priority) < 0) return -EFAULT;
      return task.mm.write(address, bytes) < 0 ? -EFAULT : bytes.length;
    });
  };
}

const sendArgs = (width: TimeWidth) =>
  [
    fd("mqdes"),
    bufferIn("msg_ptr", 2),
    sizeT("msg_len"),
    uint("msg_prio"),
    timespec("timeout", "entry", width),
  ] as const;

const priorityOut = pointerTo("msg_prio", "exit", (address, call) => {
  const bytes = peek(call.task, address, 4);
  return bytes === undefined ? undefined : `[${new DataView(bytes.buffer).getUint32(0, true)}]`;
});

const receiveArgs = (width: TimeWidth) =>
  [
    fd("mqdes"),
    { ...bufferIn("msg_ptr", 2), when: "exit" },
    sizeT("msg_len"),
    priorityOut,
    timespec("timeout", "entry", width),
  ] as const;

export const mqTimedsend = defineSyscall("mq_timedsend", sendArgs("native"), timedsend("native"), FULL);
export const mqTimedsendTime64 = defineSyscall("mq_timedsend_time64", sendArgs("64"), timedsend("64"), FULL);
export const mqTimedreceive = defineSyscall("mq_timedreceive", receiveArgs("native"), timedreceive("native"), FULL);
export const mqTimedreceiveTime64 = defineSyscall(
  "mq_timedreceive_time64",
  receiveArgs("64"),
  timedreceive("64"),
  FULL,
);

export const mqNotify = defineSyscall(
  "mq_notify",
  [fd("mqdes"), pointerTo("sevp", "entry", sigEventText)],
  (task, number, address) => {
    const bytes = address === 0 ? undefined : readBytes(task, address, sigEventSize(task.abi));
    if (address !== 0 && bytes === undefined) return -EFAULT;
    const event = bytes === undefined ? undefined : decodeSigEvent(bytes);
    if (event !== undefined) {
      if (![SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD].includes(event.notify)) return -EINVAL;
      if (event.notify === SIGEV_SIGNAL && (event.signo < 0 || event.signo > 64)) return -EINVAL;
      if (event.notify === SIGEV_THREAD) {
        const cookie = event.valueLo >>> 0 || event.valueHi !== 0 ? event.valueHi * 2 ** 32 + (event.valueLo >>> 0) : 0;
        // it names a netlink socket, and there is none
        return readBytes(task, cookie, NOTIFY_COOKIE_LEN) === undefined ? -EFAULT : -EBADF;
      }
    }
    const file = queueFile(task, number);
    if (typeof file === "number") return file;
    if (event !== undefined) return file.queue.register(task.group, event);
    file.queue.unregister(task.group);
    return 0;
  },
  { support: "partial", note: "no netlink sockets, hence no SIGEV_THREAD" },
);

export const mqGetsetattr = defineSyscall(
  "mq_getsetattr",
  [fd("mqdes"), pointerTo("newattr", "entry", attributesText), pointerTo("oldattr", "exit", attributesText)],
  (task, number, newAddress, oldAddress) => {
    const wanted = newAddress === 0 ? undefined : attributesAt(task, newAddress);
    if (typeof wanted === "number") return wanted;
    if (wanted !== undefined && wanted.flags & ~O_NONBLOCK) return -EINVAL;
    const file = queueFile(task, number);
    if (typeof file === "number") return file;
    const { maxMessages: maxmsg, messageSize: msgsize, count: curmsgs } = file.queue;
    const old = { flags: file.flags & O_NONBLOCK, maxmsg, msgsize, curmsgs };
    if (wanted !== undefined) file.flags = (file.flags & ~O_NONBLOCK) | (wanted.flags & O_NONBLOCK);
    if (oldAddress === 0) return 0;
    return task.mm.write(oldAddress, mqAttrStruct(task.abi).encode(old)) < 0 ? -EFAULT : 0;
  },
  FULL,
);
