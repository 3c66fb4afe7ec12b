/** Socket addresses, message headers and control messages between guest memory and the kernel (net/socket.c, net/core/scm.c). */
import { EBADF, EFAULT, EINVAL, EMSGSIZE, ENOBUFS, EPERM, ETOOMANYREFS } from "../src/abi/errno.ts";
import {
  AF_UNIX,
  MAX_ADDRESS,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  SCM_CREDENTIALS,
  SCM_MAX_FD,
  SCM_RIGHTS,
  SOL_SOCKET,
} from "../src/abi/socket.ts";
import { isPrivileged } from "../src/kernel/credentials.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import type { Task } from "../src/kernel/task.ts";
import type { PeerCredentials, Received, SocketFile } from "../src/net/socket.ts";
import type { File } from "../src/vfs/file.ts";
import { signedWordAt, wordAt } from "./codecs.ts";
import { readIovec } from "./file.ts";
import { fileOf, installFile, readBytes, type UserBuffer } from "./io.ts";

const UIO_MAXIOV = 1024;
/** net.core.optmem_max of kernels before 6.8. */
const MAX_CONTROL = 20480;

/** move_addr_to_kernel(). */
export function readAddress(task: Task, address: number, length: number): Uint8Array | number {
  if (length < 0 || length > MAX_ADDRESS) return -EINVAL;
  if (length === 0) return new Uint8Array(0);
  return readBytes(task, address, length) ?? -EFAULT;
}

/** move_addr_to_user(): as much as there is room for; the length word says how long it is. 0 or -errno. */
export function writeAddress(task: Task, value: Uint8Array, address: number, lengthAddress: number): number {
  const bytes = readBytes(task, lengthAddress, 4);
  if (bytes === undefined) return -EFAULT;
  const room = new FrameReader(bytes).i32(0);
  if (room < 0) return -EINVAL;
  if (room > 0 && task.mm.write(address, value.subarray(0, room)) < 0) return -EFAULT;
  return task.mm.writeU32(lengthAddress, value.length) < 0 ? -EFAULT : 0;
}

/** struct user_msghdr. */
export interface MessageHeader {
  readonly at: number;
  readonly name: number;
  readonly nameLength: number;
  readonly buffers: readonly UserBuffer[];
  readonly control: number;
  readonly controlLength: number;
}

export function messageHeaderSize(task: Task): number {
  return task.abi === "amd64" ? 56 : 28;
}

export function readHeader(task: Task, at: number): MessageHeader | number {
  const { abi } = task;
  const bytes = readBytes(task, at, messageHeaderSize(task));
  if (bytes === undefined) return -EFAULT;
  const word = abi === "amd64" ? 8 : 4;
  const name = wordAt(bytes, 0, abi);
  const nameLength = name === 0 ? 0 : new FrameReader(bytes).i32(word);
  if (nameLength < 0) return -EINVAL;
  const count = wordAt(bytes, 3 * word, abi);
  const buffers = readIovec(task, wordAt(bytes, 2 * word, abi), count);
  if (typeof buffers === "number") return count > UIO_MAXIOV ? -EMSGSIZE : buffers;
  const control = wordAt(bytes, 4 * word, abi);
  const controlLength = signedWordAt(bytes, 5 * word, abi);
  return { at, name, nameLength: Math.min(nameLength, MAX_ADDRESS), buffers, control, controlLength };
}

/** Writes back what recvmsg(2) changes in the header: name length, control length, flags. */
export function writeHeader(
  task: Task,
  header: MessageHeader,
  result: { nameLength: number; controlLength: number; flags: number },
): number {
  const word = task.abi === "amd64" ? 8 : 4;
  const { mm } = task;
  const out = new FrameWriter(2 * word);
  if (word === 8) out.u64(0, result.controlLength);
  else out.u32(0, result.controlLength);
  out.u32(word, result.flags);
  if (mm.write(header.at + 5 * word, out.bytes.subarray(0, word + 4)) < 0) return -EFAULT;
  if (header.name === 0) return 0;
  return mm.writeU32(header.at + word, result.nameLength) < 0 ? -EFAULT : 0;
}

function layout(task: Task): { head: number; align: number } {
  return task.abi === "amd64" ? { head: 16, align: 8 } : { head: 12, align: 4 };
}

export interface Control {
  readonly files: readonly File[];
  readonly credentials: PeerCredentials | undefined;
}

/** scm_send(): SCM_RIGHTS and SCM_CREDENTIALS. -EINVAL, -EBADF, -EPERM, -ETOOMANYREFS. */
export function readControl(task: Task, header: MessageHeader, socket: SocketFile): Control | number {
  const files: File[] = [];
  let credentials: PeerCredentials | undefined;
  const fail = (error: number): number => {
    for (const file of files) file.put();
    return error;
  };
  if (header.controlLength < 0 || header.controlLength > MAX_CONTROL) return -ENOBUFS;
  const bytes = header.control === 0 ? new Uint8Array(0) : readBytes(task, header.control, header.controlLength);
  if (bytes === undefined) return -EFAULT;
  const { head, align } = layout(task);
  const from = new FrameReader(bytes);
  for (let at = 0; at + head <= bytes.length; ) {
    const length = wordAt(bytes, at, task.abi);
    if (length < head || at + length > bytes.length) return fail(-EINVAL);
    const level = from.i32(at + head - 8);
    const type = from.i32(at + head - 4);
    const size = length - head;
    if (level === SOL_SOCKET) {
      if (socket.domain !== AF_UNIX) return fail(-EINVAL);
      if (type === SCM_RIGHTS) {
        const count = Math.floor(size / 4);
        if (files.length + count > SCM_MAX_FD) return fail(-EINVAL);
        for (let i = 0; i < count; i++) {
          const file = fileOf(task, from.i32(at + head + 4 * i));
          if (typeof file === "number") return fail(-EBADF);
          files.push(file.get());
        }
      } else if (type === SCM_CREDENTIALS) {
        if (size !== 12) return fail(-EINVAL);
        const [pid, uid, gid] = [0, 4, 8].map((offset) => from.i32(at + head + offset));
        const { creds } = task;
        const own = pid === task.pid && [creds.uid, creds.euid, creds.suid].includes(uid >>> 0);
        if (!own && !isPrivileged(creds)) return fail(-EPERM);
        credentials = { pid, uid: uid >>> 0, gid: gid >>> 0 };
      } else return fail(-EINVAL);
    }
    at += Math.ceil(length / align) * align;
  }
  return files.length > SCM_MAX_FD ? fail(-ETOOMANYREFS) : { files, credentials };
}

/** scm_recv(): stores the control messages; their length, and MSG_CTRUNC if they did not all fit. */
export function writeControl(
  task: Task,
  header: MessageHeader,
  got: Received,
  socket: SocketFile,
  flags: number,
): { length: number; flags: number } {
  const { head, align } = layout(task);
  const room = header.control === 0 ? 0 : header.controlLength;
  let at = 0;
  let truncated = 0;
  const put = (type: number, payload: Uint8Array): void => {
    const space = room - at;
    if (space < head) {
      truncated = MSG_CTRUNC;
      return;
    }
    const length = Math.min(head + payload.length, space);
    if (length < head + payload.length) truncated = MSG_CTRUNC;
    const out = new FrameWriter(length);
    if (align === 8) out.u64(0, length);
    else out.u32(0, length);
    out.u32(head - 8, SOL_SOCKET);
    out.u32(head - 4, type);
    out.bytes.set(payload.subarray(0, length - head), head);
    if (task.mm.write(header.control + at, out.bytes) < 0) return;
    at += Math.min(space, Math.ceil(length / align) * align);
  };
  if (socket.passCredentials) {
    const { pid, uid, gid } = got.credentials ?? { pid: 0, uid: 0xfffe, gid: 0xfffe };
    const out = new FrameWriter(12);
    out.u32(0, pid);
    out.u32(4, uid);
    out.u32(8, gid);
    put(SCM_CREDENTIALS, out.bytes);
  }
  if (got.files.length > 0) {
    const fits = Math.max(0, Math.floor((room - at - head) / 4));
    const numbers: number[] = [];
    for (const [index, file] of got.files.entries()) {
      if (index >= fits) file.put();
      const number = index < fits ? installFile(task, file, (flags & MSG_CMSG_CLOEXEC) !== 0) : -1;
      if (number < 0) truncated = MSG_CTRUNC;
      else numbers.push(number);
    }
    const out = new FrameWriter(4 * numbers.length);
    for (const [index, number] of numbers.entries()) out.u32(4 * index, number);
    if (numbers.length > 0) put(SCM_RIGHTS, out.bytes);
  }
  return { length: at, flags: truncated };
}
