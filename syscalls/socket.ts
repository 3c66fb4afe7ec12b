/** Sockets: socket(2), connect(2), sendmsg(2), … (net/socket.c). */
import {
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  EFAULT,
  EINTR,
  EINVAL,
  ENOMEM,
  ENOTCONN,
  ENOTSOCK,
  EOPNOTSUPP,
  EPIPE,
} from "../src/abi/errno.ts";
import { O_CLOEXEC, O_NONBLOCK } from "../src/abi/fcntl.ts";
import { AF_UNIX, MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_TRUNC, SOCK_TYPE_MASK } from "../src/abi/socket.ts";
import { WaitQueue } from "../src/base/wait-queue.ts";
import { block, ERESTARTSYS, type SyscallResult } from "../src/kernel/control.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import type { Task } from "../src/kernel/task.ts";
import { readTimespec, type TimeWidth, toNs } from "../src/kernel/time-values.ts";
import { checkUnix, SOCK_MAX } from "../src/net/namespace.ts";
import { type Received, type SendRequest, SocketFile } from "../src/net/socket.ts";
import { UnixSocket } from "../src/net/unix.ts";
import { fd, int, pointer, sizeT, uint, uintHex } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { fileOf, installFile, raiseSigpipe, readBytes, type UserBuffer } from "./io.ts";
import {
  type MessageHeader,
  messageHeaderSize,
  readAddress,
  readControl,
  readHeader,
  writeAddress,
  writeControl,
  writeHeader,
} from "./socket-address.ts";
import { getOption, setOption } from "./socket-options.ts";

const TEXT = {
  support: "partial",
  note: "loopback and AF_UNIX only; strace's text shows addresses and numbers",
} as const;
const CREATE_FLAGS = O_CLOEXEC | O_NONBLOCK;

function socketOf(task: Task, number: number): SocketFile | number {
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  return file instanceof SocketFile ? file : -ENOTSOCK;
}

export const socket = defineSyscall(
  "socket",
  [int("domain"), uintHex("type"), int("protocol")],
  (task, domain, type, protocol) => {
    if (type & ~SOCK_TYPE_MASK & ~CREATE_FLAGS) return -EINVAL;
    const made = task.kernel.net.create(domain, type & SOCK_TYPE_MASK, protocol, type, task.creds.euid === 0);
    return typeof made === "number" ? made : installFile(task, made, (type & O_CLOEXEC) !== 0);
  },
  TEXT,
);

export const socketpair = defineSyscall(
  "socketpair",
  [int("domain"), uintHex("type"), int("protocol"), pointer("sv")],
  (task, domain, type, protocol, address) => {
    if (type & ~SOCK_TYPE_MASK & ~CREATE_FLAGS) return -EINVAL;
    const { net } = task.kernel;
    if (domain === AF_UNIX && (type & SOCK_TYPE_MASK) >= SOCK_MAX) return -EINVAL;
    if (domain !== AF_UNIX) {
      const made = net.create(domain, type & SOCK_TYPE_MASK, protocol, 0, task.creds.euid === 0);
      if (typeof made === "number") return made;
      made.put();
      return domain < 0 ? -EAFNOSUPPORT : -EOPNOTSUPP;
    }
    const kind = checkUnix(type & SOCK_TYPE_MASK, protocol);
    if (kind < 0) return kind;
    const { euid: uid, egid: gid } = task.creds;
    const pair = UnixSocket.pair(net, net.unix, kind, type, { pid: task.pid, uid, gid });
    const closeOnExec = (type & O_CLOEXEC) !== 0;
    const first = installFile(task, pair[0], closeOnExec);
    if (first < 0) pair[1].put();
    const second = first < 0 ? first : installFile(task, pair[1], closeOnExec);
    const out = new FrameWriter(8);
    out.u32(0, first);
    out.u32(4, second);
    const failed = second < 0 ? second : task.mm.write(address, out.bytes) < 0 ? -EFAULT : 0;
    if (failed < 0) for (const number of [first, second]) if (number >= 0) task.files.close(number);
    return failed;
  },
  TEXT,
);

export const bind = defineSyscall(
  "bind",
  [fd("sockfd"), pointer("addr"), int("addrlen")],
  (task, number, address, length) =>
    withAddress(task, number, address, length, true, (file, bytes) => file.bind(bytes, user(task))),
  TEXT,
);

export const connect = defineSyscall(
  "connect",
  [fd("sockfd"), pointer("addr"), int("addrlen")],
  (task, number, address, length) =>
    withAddress(task, number, address, length, false, (file, bytes) => {
      const result = file.connect(bytes, user(task));
      return typeof result === "number"
        ? result
        : timed(task, result, file.sendTimeoutNs, () => file.connect(bytes, user(task)));
    }),
  TEXT,
);

function user(task: Task) {
  return task.kernel.socketUser(task);
}

/** bind(2) wants a socket before it looks at the address, connect(2) after. */
function withAddress(
  task: Task,
  number: number,
  address: number,
  length: number,
  socketFirst: boolean,
  then: (file: SocketFile, bytes: Uint8Array) => SyscallResult,
): SyscallResult {
  const file = socketOf(task, number);
  if (typeof file === "number" && (socketFirst || file === -EBADF)) return file;
  const bytes = readAddress(task, address, length);
  if (typeof bytes === "number") return bytes;
  return typeof file === "number" ? file : then(file, bytes);
}

/** Sleeps at `queue` until `attempt` has a result, or SO_RCVTIMEO or SO_SNDTIMEO is over: EAGAIN. */
function timed<T extends SyscallResult>(
  task: Task,
  queue: WaitQueue,
  timeoutNs: number,
  attempt: () => T | number | WaitQueue,
): SyscallResult {
  const { clock } = task.kernel;
  const deadlineNs = clock.monotonicNs + timeoutNs;
  const sleep = (at: WaitQueue): SyscallResult =>
    block({
      queues: [at],
      deadlineNs,
      resume: (reason) => {
        const result = attempt();
        if (!(result instanceof WaitQueue)) return result;
        return reason === "timeout" ? -EAGAIN : sleep(result);
      },
      // with a timeout the rest of it would be lost: no restart (sock_intr_errno())
      interrupted: () => (timeoutNs === Number.POSITIVE_INFINITY ? -ERESTARTSYS : -EINTR),
    });
  return sleep(queue);
}

export const listen = defineSyscall(
  "listen",
  [fd("sockfd"), int("backlog")],
  (task, number, backlog) => {
    const file = socketOf(task, number);
    return typeof file === "number" ? file : file.listen(backlog, user(task));
  },
  TEXT,
);

function acceptOn(task: Task, number: number, address: number, lengthAddress: number, flags: number): SyscallResult {
  const file = socketOf(task, number);
  if (file === -EBADF) return file;
  if (flags & ~CREATE_FLAGS) return -EINVAL;
  if (typeof file === "number") return file;
  const attempt = (): number | WaitQueue => {
    const next = file.accept(flags & O_NONBLOCK);
    if (typeof next === "number" || next instanceof WaitQueue) return next;
    const peer = next.peerAddress ?? Uint8Array.of(next.domain, 0);
    const accepted = installFile(task, next, (flags & O_CLOEXEC) !== 0);
    if (accepted < 0 || address === 0) return accepted;
    const failed = writeAddress(task, peer, address, lengthAddress);
    if (failed < 0) task.files.close(accepted);
    return failed < 0 ? failed : accepted;
  };
  const first = attempt();
  return typeof first === "number" ? first : timed(task, first, file.receiveTimeoutNs, attempt);
}

const acceptArgs = [fd("sockfd"), pointer("addr"), pointer("addrlen")] as const;
export const accept = defineSyscall(
  "accept",
  acceptArgs,
  (task, number, address, length) => acceptOn(task, number, address, length, 0),
  TEXT,
);
export const accept4 = defineSyscall("accept4", [...acceptArgs, uintHex("flags")], acceptOn, TEXT);

function nameCall(name: string, of: (file: SocketFile) => Uint8Array | undefined) {
  return defineSyscall(
    name,
    acceptArgs,
    (task, number, address, length) => {
      const file = socketOf(task, number);
      if (typeof file === "number") return file;
      const value = of(file);
      return value === undefined ? -ENOTCONN : writeAddress(task, value, address, length);
    },
    TEXT,
  );
}

export const getsockname = nameCall("getsockname", (file) => file.localAddress);
export const getpeername = nameCall("getpeername", (file) => file.peerAddress);

export const shutdown = defineSyscall(
  "shutdown",
  [fd("sockfd"), int("how")],
  (task, number, how) => {
    const file = socketOf(task, number);
    return typeof file === "number" ? file : file.shutdown(how);
  },
  TEXT,
);

const optionArgs = [fd("sockfd"), int("level"), int("optname"), pointer("optval")] as const;
export const setsockopt = defineSyscall(
  "setsockopt",
  [...optionArgs, int("optlen")],
  (task, number, level, name, address, length) => {
    const file = socketOf(task, number);
    return typeof file === "number" ? file : setOption(task, file, level, name, address, length);
  },
  TEXT,
);
export const getsockopt = defineSyscall(
  "getsockopt",
  [...optionArgs, pointer("optlen")],
  (task, number, level, name, address, length) => {
    const file = socketOf(task, number);
    return typeof file === "number" ? file : getOption(task, file, level, name, address, length);
  },
  TEXT,
);

/** Sends all of it (a stream may take it in parts). EPIPE comes with SIGPIPE, unless MSG_NOSIGNAL. */
function sendAll(task: Task, file: SocketFile, request: SendRequest): SyscallResult {
  let done = 0;
  const attempt = (): number | WaitQueue => {
    for (;;) {
      const rest = done === 0 ? request : { ...request, bytes: request.bytes.subarray(done), files: [] };
      const result = file.send(rest);
      if (result instanceof WaitQueue) return result;
      if (result < 0) {
        if (result === -EPIPE && !(request.flags & MSG_NOSIGNAL) && done === 0) raiseSigpipe(task);
        if (done === 0) for (const held of request.files) held.put();
        return done > 0 ? done : result;
      }
      done += result;
      if (done >= request.bytes.length || !file.isStream) return done;
      if (file.nonBlocking || request.flags & MSG_DONTWAIT) return done;
    }
  };
  const first = attempt();
  if (typeof first === "number") return first;
  const waiting = timed(task, first, file.sendTimeoutNs, attempt);
  if (typeof waiting === "number" || waiting instanceof WaitQueue || waiting.kind !== "block") return waiting;
  const { interrupted } = waiting;
  return { ...waiting, interrupted: () => (done > 0 ? done : interrupted()) };
}

function gatherAll(task: Task, buffers: readonly UserBuffer[]): Uint8Array | number {
  const size = buffers.reduce((sum, { length }) => sum + length, 0);
  if (task.kernel.physical.scarce && size > 4096) return -ENOMEM;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { base, length } of buffers) {
    if (length > 0 && task.mm.read(base, bytes.subarray(at, at + length)) < 0) return -EFAULT;
    at += length;
  }
  return bytes;
}

export const sendto = defineSyscall(
  "sendto",
  [fd("sockfd"), pointer("buf"), sizeT("len"), uintHex("flags"), pointer("dest_addr"), int("addrlen")],
  (task, number, buffer, length, flags, address, addressLength) => {
    const file = socketOf(task, number);
    if (typeof file === "number") return file;
    const to = address === 0 ? undefined : readAddress(task, address, addressLength);
    if (typeof to === "number") return to;
    const bytes = gatherAll(task, [{ base: buffer, length: Math.min(length, 0x7fff_f000) }]);
    if (typeof bytes === "number") return bytes;
    return sendAll(task, file, { bytes, flags, address: to, files: [], credentials: undefined, by: user(task) });
  },
  TEXT,
);

function sendMessage(task: Task, file: SocketFile, at: number, flags: number): SyscallResult {
  const header = readHeader(task, at);
  if (typeof header === "number") return header;
  const to =
    header.name === 0 || header.nameLength === 0 ? undefined : readAddress(task, header.name, header.nameLength);
  if (typeof to === "number") return to;
  const blocked = file.sendBlocked;
  if (blocked < 0) return blocked;
  const control = readControl(task, header, file);
  if (typeof control === "number") return control;
  const bytes = gatherAll(task, header.buffers);
  if (typeof bytes === "number") {
    for (const held of control.files) held.put();
    return bytes;
  }
  return sendAll(task, file, { bytes, flags, address: to, ...control, by: user(task) });
}

export const sendmsg = defineSyscall(
  "sendmsg",
  [fd("sockfd"), pointer("msg"), uintHex("flags")],
  (task, number, at, flags) => {
    const file = socketOf(task, number);
    return typeof file === "number" ? file : sendMessage(task, file, at, flags);
  },
  TEXT,
);

/** Receives into `buffers`, then hands what came to `finish`. */
function receiveInto(
  task: Task,
  file: SocketFile,
  buffers: readonly UserBuffer[],
  flags: number,
  finish: (got: Received) => number,
): SyscallResult {
  const size = buffers.reduce((sum, { length }) => sum + length, 0);
  const attempt = (): number | WaitQueue => {
    const got = file.receive(size, flags);
    if (got instanceof WaitQueue) return got;
    if (typeof got === "number") {
      if (got < 0) return got;
      return finish({
        bytes: new Uint8Array(0),
        length: 0,
        truncated: false,
        from: undefined,
        files: [],
        credentials: undefined,
      });
    }
    let at = 0;
    for (const { base, length } of buffers) {
      const part = got.bytes.subarray(at, at + length);
      if (part.length > 0 && task.mm.write(base, part) < 0) {
        for (const held of got.files) held.put();
        return -EFAULT;
      }
      at += part.length;
    }
    return finish(got);
  };
  const first = attempt();
  return typeof first === "number" ? first : timed(task, first, file.receiveTimeoutNs, attempt);
}

export const recvfrom = defineSyscall(
  "recvfrom",
  [fd("sockfd"), pointer("buf"), sizeT("len"), uintHex("flags"), pointer("src_addr"), pointer("addrlen")],
  (task, number, buffer, length, flags, address, lengthAddress) => {
    const file = socketOf(task, number);
    if (typeof file === "number") return file;
    const buffers = [{ base: buffer, length: Math.min(length, 0x7fff_f000) }];
    return receiveInto(task, file, buffers, flags, (got) => {
      for (const held of got.files) held.put();
      if (address === 0) return got.length;
      const from =
        got.from === undefined || (file.isStream && file.domain !== AF_UNIX) ? new Uint8Array(0) : named(got.from);
      const failed = writeAddress(task, from, address, lengthAddress);
      return failed < 0 ? failed : got.length;
    });
  },
  TEXT,
);

/** An unnamed sender has no address at all. */
function named(from: Uint8Array): Uint8Array {
  return from.length <= 2 ? new Uint8Array(0) : from;
}

function receiveMessage(task: Task, file: SocketFile, at: number, flags: number): SyscallResult {
  const header = readHeader(task, at);
  if (typeof header === "number") return header;
  return receiveInto(task, file, header.buffers, flags, (got) => finishMessage(task, file, header, got, flags));
}

function finishMessage(task: Task, file: SocketFile, header: MessageHeader, got: Received, flags: number): number {
  const control = writeControl(task, header, got, file, flags);
  const hasName = got.from !== undefined && !(file.isStream && file.domain !== AF_UNIX);
  const from = hasName && got.from !== undefined ? named(got.from) : new Uint8Array(0);
  if (header.name !== 0 && task.mm.write(header.name, from.subarray(0, header.nameLength)) < 0) return -EFAULT;
  const shown = control.flags | (got.truncated ? MSG_TRUNC : 0) | (flags & MSG_CMSG_CLOEXEC);
  const failed = writeHeader(task, header, { nameLength: from.length, controlLength: control.length, flags: shown });
  return failed < 0 ? failed : got.length;
}

export const recvmsg = defineSyscall(
  "recvmsg",
  [fd("sockfd"), pointer("msg"), uintHex("flags")],
  (task, number, at, flags) => {
    const file = socketOf(task, number);
    return typeof file === "number" ? file : receiveMessage(task, file, at, flags);
  },
  TEXT,
);

/** struct mmsghdr: a header and the length, padded. */
function messageStep(task: Task): number {
  return messageHeaderSize(task) + (task.abi === "amd64" ? 8 : 4);
}

/** Takes one message after the other; the first error counts only if nothing went before it. */
function eachMessage(
  task: Task,
  at: number,
  count: number,
  one: (header: number, index: number) => SyscallResult,
  done = 0,
): SyscallResult {
  for (let index = done; index < Math.min(count, 1024); index++) {
    const header = at + index * messageStep(task);
    const result = one(header, index);
    const store = (value: number): SyscallResult => {
      if (value < 0) return index > 0 ? index : value;
      if (task.mm.writeU32(header + messageHeaderSize(task), value) < 0) return -EFAULT;
      return eachMessage(task, at, count, one, index + 1);
    };
    if (typeof result !== "number") {
      if (result instanceof WaitQueue || result.kind !== "block") return result;
      if (index > 0) return index;
      const { resume } = result;
      return { ...result, resume: (reason) => then(resume?.(reason) ?? 0, store) };
    }
    if (result < 0) return index > 0 ? index : result;
    if (task.mm.writeU32(header + messageHeaderSize(task), result) < 0) return -EFAULT;
  }
  return Math.min(count, 1024);
}

function then(result: SyscallResult, next: (value: number) => SyscallResult): SyscallResult {
  if (typeof result === "number") return next(result);
  if (result instanceof WaitQueue || result.kind !== "block") return result;
  const { resume } = result;
  return { ...result, resume: (reason) => then(resume?.(reason) ?? 0, next) };
}

export const sendmmsg = defineSyscall(
  "sendmmsg",
  [fd("sockfd"), pointer("msgvec"), uint("vlen"), uintHex("flags")],
  (task, number, at, count, flags) => {
    const file = socketOf(task, number);
    if (typeof file === "number") return file;
    return eachMessage(task, at, count, (header) => sendMessage(task, file, header, flags));
  },
  TEXT,
);

const MSG_WAITFORONE = 0x10000;

function receiveMany(width: TimeWidth) {
  return (task: Task, number: number, at: number, count: number, flags: number, timeout: number): SyscallResult => {
    const time = timeout === 0 ? undefined : readTimespec(task, timeout, width);
    if (typeof time === "number") return time;
    const file = socketOf(task, number);
    if (typeof file === "number") return file;
    const endNs = time === undefined ? Number.POSITIVE_INFINITY : task.kernel.clock.monotonicNs + toNs(time);
    return eachMessage(task, at, count, (header, index) => {
      if (index > 0 && task.kernel.clock.monotonicNs >= endNs) return -EAGAIN;
      const once = flags & MSG_WAITFORONE && index > 0 ? MSG_DONTWAIT : 0;
      return receiveMessage(task, file, header, (flags & ~MSG_WAITFORONE) | once);
    });
  };
}

const manyArgs = [fd("sockfd"), pointer("msgvec"), uint("vlen"), uintHex("flags"), pointer("timeout")] as const;
export const recvmmsg = defineSyscall("recvmmsg", manyArgs, receiveMany("native"), TEXT);
export const recvmmsg64 = defineSyscall("recvmmsg_time64", manyArgs, receiveMany("64"), TEXT);

/** socketcall(2) of i386: calls by number, arguments in memory. */
const CALLS = [
  undefined,
  socket,
  bind,
  connect,
  listen,
  accept,
  getsockname,
  getpeername,
  socketpair,
  undefined,
  undefined,
  sendto,
  recvfrom,
  shutdown,
  setsockopt,
  getsockopt,
  sendmsg,
  recvmsg,
  accept4,
  recvmmsg,
  sendmmsg,
] as const;
const SYS_SEND = 9;
const SYS_RECV = 10;

export const socketcall = defineSyscall(
  "socketcall",
  [int("call"), pointer("args")],
  (task, call, address) => {
    const definition = call === SYS_SEND ? sendto : call === SYS_RECV ? recvfrom : CALLS[call];
    if (definition === undefined) return -EINVAL;
    const count = call === SYS_SEND || call === SYS_RECV ? 4 : definition.args.length;
    const bytes = readBytes(task, address, 4 * count);
    if (bytes === undefined) return -EFAULT;
    const words = new Int32Array(12);
    const from = new FrameReader(bytes);
    for (let index = 0; index < count; index++) words[2 * index] = from.i32(4 * index);
    return definition.call(task, words, "i386");
  },
  TEXT,
);
