/** msgget(2), msgsnd(2), msgrcv(2), msgctl(2). */
import { type Abi, WORD_SIZE } from "../src/abi/abi.ts";
import { EFAULT, EINVAL } from "../src/abi/errno.ts";
import {
  IPC_INFO,
  IPC_NOWAIT,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  MSG_COPY,
  MSG_EXCEPT,
  MSG_INFO,
  MSG_NOERROR,
  MSG_STAT,
  MSG_STAT_ANY,
} from "../src/abi/ipc.ts";
import { type IpcForm, MSGINFO, msqidStruct } from "../src/abi/ipc-structs.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import type { Message, MessageQueue } from "../src/kernel/ipc/msg.ts";
import type { Task } from "../src/kernel/task.ts";
import { flagsOf, int, long, pointer, pointerTo, signedWordAt, ssizeT } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { readBytes } from "./io.ts";
import { commandOf, formOf, getFlags, key, permissionValues, put, take } from "./ipc-common.ts";
import { type NameTable, peek, quote, STRING_LIMIT } from "./strace-text.ts";

const NOTE = { support: "partial", note: "strace's text shows addresses" } as const;
/** MSGSSZ, and MSGSEG: an unsigned short, full. */
const MSGSSZ = 16;
const MSGSEG = 0xffff;

export const msgget = defineSyscall(
  "msgget",
  [key, getFlags("msgflg")],
  (task, id, flags) => task.kernel.ipc.msg.get(task, id, flags),
  { support: "full" },
);

/** ksys_msgsnd(): struct msgbuf is a long with the type, then the text. */
export function doMsgsnd(task: Task, id: number, address: number, size: number, flags: number): SyscallResult {
  const { msg } = task.kernel.ipc;
  const word = WORD_SIZE[task.abi];
  const head = readBytes(task, address, word);
  if (head === undefined) return -EFAULT;
  const type = signedWordAt(head, 0, task.abi);
  if (size > msg.maxMessage || size < 0 || id < 0 || type < 1) return -EINVAL;
  const bytes = size === 0 ? new Uint8Array(0) : readBytes(task, address + word, size);
  return bytes === undefined ? -EFAULT : msg.send(task, id, { type, bytes }, flags);
}

/** do_msg_fill(): the count of the text's bytes, or -EFAULT. */
function deliver(task: Task, address: number, message: Message, abi: Abi): number {
  const { mm } = task;
  const failed = abi === "amd64" ? mm.writeU64(address, message.type) : mm.writeU32(address, message.type);
  if (failed < 0) return -EFAULT;
  const { bytes } = message;
  return bytes.length > 0 && mm.write(address + WORD_SIZE[abi], bytes) < 0 ? -EFAULT : bytes.length;
}

export function doMsgrcv(
  task: Task,
  id: number,
  address: number,
  size: number,
  type: number,
  flags: number,
): SyscallResult {
  if (id < 0 || size < 0) return -EINVAL;
  const { abi } = task;
  return task.kernel.ipc.msg.receive(task, id, { size, type, flags }, (message) =>
    deliver(task, address, message, abi),
  );
}

const SEND_FLAGS: NameTable = [[IPC_NOWAIT, "IPC_NOWAIT"]];
const RECEIVE_FLAGS: NameTable = [
  [IPC_NOWAIT, "IPC_NOWAIT"],
  [MSG_NOERROR, "MSG_NOERROR"],
  [MSG_EXCEPT, "MSG_EXCEPT"],
  [MSG_COPY, "MSG_COPY"],
];

/** `{mtype=3, mtext="hello"}`. */
function messageText(address: number, call: CallView, size: number): string | undefined {
  const word = WORD_SIZE[call.abi];
  const head = peek(call.task, address, word);
  const text = peek(call.task, address + word, Math.min(size, STRING_LIMIT));
  if (head === undefined || text === undefined) return undefined;
  return `{mtype=${signedWordAt(head, 0, call.abi)}, mtext=${quote(text)}${size > STRING_LIMIT ? "..." : ""}}`;
}

const sent = pointerTo("msgp", "entry", (address, call) => messageText(address, call, Number(call.values[2])));
/** strace shows all of the buffer. */
const received = pointerTo("msgp", "exit", (address, call) => messageText(address, call, Number(call.values[2])));

export const msgsnd = defineSyscall(
  "msgsnd",
  [int("msqid"), sent, ssizeT("msgsz"), flagsOf("msgflg", SEND_FLAGS, "MSG_???")],
  doMsgsnd,
  { support: "full" },
);

export const msgrcv = defineSyscall(
  "msgrcv",
  [int("msqid"), received, ssizeT("msgsz"), long("msgtyp"), flagsOf("msgflg", RECEIVE_FLAGS, "MSG_???")],
  doMsgrcv,
  { support: "full" },
);

/** msgctl_info(). */
function info(task: Task, address: number, used: boolean): number {
  const { msg } = task.kernel.ipc;
  const { maxMessage: msgmax, maxQueueBytes: msgmnb, maxQueues: msgmni } = msg;
  const { messages, bytes } = msg.totals;
  const counts = used
    ? { msgpool: msg.ids.inUse, msgmap: messages, msgtql: bytes }
    : { msgpool: Math.floor((32000 * 16384) / 1024), msgmap: 16384, msgtql: 16384 };
  const values = { msgmax, msgmnb, msgmni, msgssz: MSGSSZ, msgseg: MSGSEG, ...counts };
  return put(task, address, MSGINFO, values, Math.max(0, msg.ids.maxIndex));
}

function putQueue(task: Task, address: number, queue: MessageQueue, form: IpcForm, result: number): number {
  const { bytes, maxBytes } = queue;
  const count = queue.messages.length;
  const cap = (value: number): number => Math.min(value, 0xffff);
  const sizes =
    form === "old" ? { bytes: cap(bytes), count: cap(count), maxBytes: cap(maxBytes) } : { bytes, count, maxBytes };
  const times = { stime: queue.sendTime, rtime: queue.receiveTime, ctime: queue.changeTime };
  const pids = { lspid: queue.lastSender, lrpid: queue.lastReceiver };
  return put(
    task,
    address,
    msqidStruct(form),
    { ...permissionValues(queue.perm), ...times, ...sizes, ...pids },
    result,
  );
}

/** ksys_msgctl(). */
export function doMsgctl(task: Task, id: number, command: number, address: number, form: IpcForm): number {
  const { msg } = task.kernel.ipc;
  if (id < 0 || command < 0) return -EINVAL;
  switch (command) {
    case IPC_INFO:
    case MSG_INFO:
      return info(task, address, command === MSG_INFO);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: {
      const how = command === IPC_STAT ? "id" : command === MSG_STAT ? "index" : "any";
      const queue = msg.ids.forStat(task, id, how);
      return typeof queue === "number" ? queue : putQueue(task, address, queue, form, how === "id" ? 0 : queue.perm.id);
    }
    case IPC_SET: {
      const values = take(task, address, msqidStruct(form));
      if (typeof values === "number") return values;
      // the old struct has a short, or a long beside it if that is 0 (copy_msqid_from_user())
      const maxBytes = values.maxBytes !== 0 ? values.maxBytes : (values.longMaxBytes ?? 0);
      return msg.set(task, id, { uid: values.uid, gid: values.gid, mode: values.mode, maxBytes });
    }
    case IPC_RMID:
      return msg.remove(task, id);
    default:
      return -EINVAL;
  }
}

const COMMANDS: NameTable = [
  [IPC_RMID, "IPC_RMID"],
  [IPC_SET, "IPC_SET"],
  [IPC_STAT, "IPC_STAT"],
  [IPC_INFO, "IPC_INFO"],
  [MSG_STAT, "MSG_STAT"],
  [MSG_INFO, "MSG_INFO"],
  [MSG_STAT_ANY, "MSG_STAT_ANY"],
];

export const msgctl = defineSyscall(
  "msgctl",
  [int("msqid"), commandOf(COMMANDS, "MSG_???"), pointer("buf")],
  (task, id, command, address) => doMsgctl(task, id, command, address, formOf(task.abi)),
  NOTE,
);
