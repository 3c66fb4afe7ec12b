/** getsockopt(2), setsockopt(2) (net/core/sock.c). */
import { EDOM, EFAULT, EINVAL, ENOPROTOOPT, EOPNOTSUPP } from "../src/abi/errno.ts";
import * as S from "../src/abi/socket.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import type { Task } from "../src/kernel/task.ts";
import { readTimeval, timevalBytes, toTime } from "../src/kernel/time-values.ts";
import type { SocketFile } from "../src/net/socket.ts";
import { readBytes } from "./io.ts";

/** SOL_SOCKET's plain switches. */
const SWITCHES: readonly number[] = [
  S.SO_DEBUG,
  S.SO_REUSEADDR,
  S.SO_DONTROUTE,
  S.SO_BROADCAST,
  S.SO_KEEPALIVE,
  S.SO_OOBINLINE,
  S.SO_REUSEPORT,
];
/** SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF (net/core/sock.h). */
const MIN_SEND = 4608;
const MIN_RECEIVE = 2304;
const NS_PER_SEC = 1_000_000_000;

function word(value: number): Uint8Array {
  const out = new FrameWriter(4);
  out.u32(0, value);
  return out.bytes;
}

function timeout(task: Task, name: number, ns: number): Uint8Array {
  const time = toTime(ns === Number.POSITIVE_INFINITY ? 0 : ns);
  if (name === S.SO_RCVTIMEO || name === S.SO_SNDTIMEO) return timevalBytes(task.abi, time);
  const out = new FrameWriter(16);
  out.u64(0, time.sec);
  out.u64(8, Math.floor(time.nsec / 1000));
  return out.bytes;
}

function socketOption(task: Task, socket: SocketFile, name: number): Uint8Array | number {
  switch (name) {
    case S.SO_TYPE:
      return word(socket.type);
    case S.SO_PROTOCOL:
      return word(socket.protocol);
    case S.SO_DOMAIN:
      return word(socket.domain);
    case S.SO_ERROR:
      return word(-socket.takeError());
    case S.SO_SNDBUF:
      return word(socket.sendBuffer);
    case S.SO_RCVBUF:
      return word(socket.receiveBuffer);
    case S.SO_ACCEPTCONN:
      return word(socket.listening ? 1 : 0);
    case S.SO_PASSCRED:
      return socket.domain === S.AF_UNIX ? word(socket.passCredentials ? 1 : 0) : -EOPNOTSUPP;
    case S.SO_SNDLOWAT:
      return word(1);
    case S.SO_RCVLOWAT:
      return socket.options.get(`1 ${name}`) ?? word(1);
    case S.SO_RCVTIMEO:
    case S.SO_RCVTIMEO_NEW:
      return timeout(task, name, socket.receiveTimeoutNs);
    case S.SO_SNDTIMEO:
    case S.SO_SNDTIMEO_NEW:
      return timeout(task, name, socket.sendTimeoutNs);
    case S.SO_LINGER:
      return socket.options.get(`1 ${name}`) ?? new Uint8Array(8);
    case S.SO_PEERCRED: {
      const { pid, uid, gid } = socket.peerCredentials;
      const out = new FrameWriter(12);
      for (const [index, value] of [pid, uid, gid].entries()) out.u32(4 * index, value);
      return out.bytes;
    }
    case S.SO_PRIORITY:
      return socket.options.get(`1 ${name}`) ?? word(0);
    default:
      return SWITCHES.includes(name) ? (socket.options.get(`1 ${name}`) ?? word(0)) : -ENOPROTOOPT;
  }
}

/** Defaults of the options of TCP, IP and IPv6 that programs ask for; what was set is given back. */
const DEFAULTS: Readonly<Record<string, number>> = {
  "6 1": 0,
  "6 2": 32768,
  "6 3": 0,
  "6 4": 7200,
  "6 5": 75,
  "6 6": 9,
  "6 18": 0,
  "6 23": 0,
  "0 1": 0,
  "0 2": 64,
  "0 10": 0,
  "0 11": 0,
  "41 26": 0,
  "41 16": 64,
  "41 67": 0,
};

/** getsockopt(): 0 or -errno. */
export function getOption(
  task: Task,
  socket: SocketFile,
  level: number,
  name: number,
  address: number,
  lengthAddress: number,
): number {
  const lengthBytes = readBytes(task, lengthAddress, 4);
  if (lengthBytes === undefined) return -EFAULT;
  const room = new FrameReader(lengthBytes).i32(0);
  if (room < 0) return -EINVAL;
  const value = level === S.SOL_SOCKET ? socketOption(task, socket, name) : protocolOption(socket, level, name);
  if (typeof value === "number") return value;
  if (task.mm.write(address, value.subarray(0, room)) < 0) return -EFAULT;
  return task.mm.writeU32(lengthAddress, Math.min(room, value.length)) < 0 ? -EFAULT : 0;
}

function speaks(socket: SocketFile, level: number): boolean {
  if (socket.domain === S.AF_UNIX) return false;
  if (level === S.IPPROTO_TCP || level === S.IPPROTO_UDP) return socket.protocol === level;
  return level === S.IPPROTO_IP || (level === S.IPPROTO_IPV6 && socket.domain === S.AF_INET6);
}

function protocolOption(socket: SocketFile, level: number, name: number): Uint8Array | number {
  if (!speaks(socket, level)) return -EOPNOTSUPP;
  const initial = DEFAULTS[`${level} ${name}`];
  if (initial === undefined) return -ENOPROTOOPT;
  return socket.options.get(`${level} ${name}`) ?? word(initial);
}

/** setsockopt(): 0 or -errno. */
export function setOption(
  task: Task,
  socket: SocketFile,
  level: number,
  name: number,
  address: number,
  length: number,
): number {
  if (length < 0) return -EINVAL;
  if (level !== S.SOL_SOCKET) return setProtocolOption(task, socket, level, name, address, length);
  if (length < 4) return -EINVAL;
  const bytes = readBytes(task, address, 4);
  if (bytes === undefined) return -EFAULT;
  const value = new FrameReader(bytes).i32(0);
  switch (name) {
    case S.SO_SNDBUF:
      socket.sendBuffer = Math.max(MIN_SEND, 2 * Math.min(value >>> 0, S.MAX_BUFFER));
      return 0;
    case S.SO_RCVBUF:
      socket.receiveBuffer = Math.max(MIN_RECEIVE, 2 * Math.min(value >>> 0, S.MAX_BUFFER));
      return 0;
    case S.SO_PASSCRED:
      if (socket.domain !== S.AF_UNIX) return -EOPNOTSUPP;
      socket.passCredentials = value !== 0;
      return 0;
    case S.SO_RCVTIMEO:
    case S.SO_SNDTIMEO:
    case S.SO_RCVTIMEO_NEW:
    case S.SO_SNDTIMEO_NEW:
      return setTimeout(task, socket, name, address, length);
    case S.SO_LINGER: {
      const linger = length < 8 ? undefined : readBytes(task, address, 8);
      if (linger === undefined) return length < 8 ? -EINVAL : -EFAULT;
      socket.options.set(`1 ${name}`, linger);
      return 0;
    }
    case S.SO_PRIORITY:
    case S.SO_RCVLOWAT:
      socket.options.set(`1 ${name}`, bytes);
      return 0;
    default:
      if (!SWITCHES.includes(name)) return -ENOPROTOOPT;
      socket.options.set(`1 ${name}`, word(value === 0 ? 0 : 1));
      return 0;
  }
}

/** sock_set_timeout(): 0 means for ever. */
function setTimeout(task: Task, socket: SocketFile, name: number, address: number, length: number): number {
  const isNew = name === S.SO_RCVTIMEO_NEW || name === S.SO_SNDTIMEO_NEW;
  if (length < (isNew || task.abi === "amd64" ? 16 : 8)) return -EINVAL;
  let time: { sec: number; usec: number } | number;
  if (isNew) {
    const bytes = readBytes(task, address, 16);
    time = bytes === undefined ? -EFAULT : { sec: new FrameReader(bytes).i64(0), usec: new FrameReader(bytes).i64(8) };
  } else time = readTimeval(task, address);
  if (typeof time === "number") return time;
  if (time.usec < 0 || time.usec >= 1_000_000) return -EDOM;
  const ns = time.sec < 0 ? 0 : time.sec * NS_PER_SEC + time.usec * 1000;
  const value = ns === 0 && time.sec >= 0 ? Number.POSITIVE_INFINITY : ns;
  if (name === S.SO_RCVTIMEO || name === S.SO_RCVTIMEO_NEW) socket.receiveTimeoutNs = value;
  else socket.sendTimeoutNs = value;
  return 0;
}

function setProtocolOption(
  task: Task,
  socket: SocketFile,
  level: number,
  name: number,
  address: number,
  length: number,
): number {
  if (!speaks(socket, level)) return socket.domain === S.AF_UNIX ? -EOPNOTSUPP : -ENOPROTOOPT;
  if (DEFAULTS[`${level} ${name}`] === undefined) return -ENOPROTOOPT;
  if (length < 4) return length < 1 || level === S.IPPROTO_TCP ? -EINVAL : 0;
  const bytes = readBytes(task, address, 4);
  if (bytes === undefined) return -EFAULT;
  const value = new FrameReader(bytes).i32(0);
  if (level === S.IPPROTO_TCP && name === 1) socket.options.set("6 1", word(value === 0 ? 0 : 1));
  else socket.options.set(`${level} ${name}`, bytes);
  return 0;
}
