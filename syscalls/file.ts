/** Opening, reading, writing and seeking: fs/open.c, fs/read_write.c. */
import { WORD_SIZE } from "../src/abi/abi.ts";
import { E2BIG, EBADF, EFAULT, EINVAL, EOPNOTSUPP, EOVERFLOW, ESPIPE } from "../src/abi/errno.ts";
import {
  __O_TMPFILE,
  CLOSE_RANGE_CLOEXEC,
  CLOSE_RANGE_UNSHARE,
  MAX_RW_COUNT,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_LARGEFILE,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RWF_APPEND,
  SEEK_HOLE,
  UIO_MAXIOV,
} from "../src/abi/fcntl.ts";
import { RLIMIT_NOFILE } from "../src/abi/resource.ts";
import { WaitQueue } from "../src/base/wait-queue.ts";
import { block, ERESTARTSYS, type SyscallResult } from "../src/kernel/control.ts";
import type { Task } from "../src/kernel/task.ts";
import type { File } from "../src/vfs/file.ts";
import type { WalkOptions } from "../src/vfs/namei.ts";
import {
  bufferIn,
  bufferOut,
  dirfd,
  enumOf,
  fd,
  flagsOf,
  hidden,
  intAs,
  iovec,
  loff,
  long,
  mode,
  modeText,
  off,
  path,
  pointerTo,
  sizeT,
  uint,
  ulong,
  wordAt,
} from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { openFlagsText, SEEK_NAMES } from "./format-file.ts";
import { anyFile, baseOf, fileOf, installFile, readBuffers, readBytes, type UserBuffer, writeBuffers } from "./io.ts";
import { peek, pointerText } from "./strace-text.ts";

const openFlags = intAs("flags", (value) => openFlagsText(value));
/** strace prints the mode only where it counts. */
const openMode = (flagsIndex: number) =>
  intAs("mode", (value, call) => {
    const flags = call.values[flagsIndex] as number;
    return flags & O_CREAT || (flags & O_TMPFILE) === O_TMPFILE ? modeText(value >>> 0) : undefined;
  });

/** build_open_flags(). */
function checkOpenFlags(flags: number): number {
  if (flags & O_PATH) return 0;
  if (flags & O_CREAT && flags & O_DIRECTORY) return -EINVAL;
  return flags & __O_TMPFILE && (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) === O_RDONLY) ? -EINVAL : 0;
}

function openAt(task: Task, base: WalkOptions | number, name: string, flags: number, bits: number): SyscallResult {
  const refused = checkOpenFlags(flags);
  if (refused < 0) return refused;
  if (typeof base === "number") return base;
  const large = task.abi === "amd64" ? O_LARGEFILE : 0;
  const file = task.kernel.vfs.open(task, name, flags | large, bits, base);
  if (typeof file === "number" || file instanceof WaitQueue) return file;
  return file.opening === undefined ? installFile(task, file, (flags & O_CLOEXEC) !== 0) : awaitPeer(task, file, flags);
}

/** wait_for_partner(): a FIFO is open once its other end was. */
function awaitPeer(task: Task, file: File, flags: number): SyscallResult {
  const { opening } = file;
  if (opening === undefined || opening.done()) return installFile(task, file, (flags & O_CLOEXEC) !== 0);
  return block({
    queues: [opening.queue],
    resume: () => awaitPeer(task, file, flags),
    interrupted: () => {
      file.put();
      return -ERESTARTSYS;
    },
  });
}

export const open = defineSyscall(
  "open",
  [path(), openFlags, openMode(1)],
  (task, name, flags, bits) => openAt(task, {}, name, flags, bits),
  { support: "full", first: (_name: unknown, flags: number) => checkOpenFlags(flags) },
);

export const creat = defineSyscall(
  "creat",
  [path(), mode("mode")],
  (task, name, bits) => openAt(task, {}, name, O_CREAT | O_WRONLY | O_TRUNC, bits),
  { support: "full" },
);

export const openat = defineSyscall(
  "openat",
  [dirfd(), path(), openFlags, openMode(2)],
  (task, dir, name, flags, bits) => openAt(task, baseOf(task, dir, name), name, flags, bits),
  { support: "full", first: (_dir: unknown, _name: unknown, flags: number) => checkOpenFlags(flags) },
);

/** struct open_how: flags, mode, resolve, 64 bits each. */
const OPEN_HOW_SIZE = 24;

function openHowText(address: number, call: CallView): string | undefined {
  const bytes = peek(call.task, address, OPEN_HOW_SIZE);
  if (bytes === undefined) return undefined;
  const flags = wordAt(bytes, 0, "i386");
  const bits = wordAt(bytes, 8, "i386");
  const resolve = wordAt(bytes, 16, "i386");
  const hasMode = flags & O_CREAT || (flags & O_TMPFILE) === O_TMPFILE;
  return `{flags=${openFlagsText(flags)}${hasMode ? `, mode=${modeText(bits)}` : ""}, resolve=${resolve === 0 ? "0" : `0x${resolve.toString(16)}`}}`;
}

export const openat2 = defineSyscall(
  "openat2",
  [dirfd(), path(), pointerTo("how", "entry", openHowText), sizeT("size")],
  (task, dir, name, how, size) => {
    if (size < OPEN_HOW_SIZE) return -EINVAL;
    if (size > 4096) return -E2BIG;
    const bytes = readBytes(task, how, OPEN_HOW_SIZE);
    if (bytes === undefined) return -EFAULT;
    const flags = wordAt(bytes, 0, "i386");
    const bits = wordAt(bytes, 8, "i386");
    const resolve = wordAt(bytes, 16, "i386");
    if (wordAt(bytes, 4, "i386") !== 0 || wordAt(bytes, 20, "i386") !== 0 || resolve > 0x3f) return -EINVAL;
    if (bits !== 0 && !(flags & O_CREAT) && (flags & O_TMPFILE) !== O_TMPFILE) return -EINVAL;
    const base = baseOf(task, dir, name);
    return openAt(task, typeof base === "number" ? base : { ...base, resolve }, name, flags, bits);
  },
  { support: "full" },
);

export const close = defineSyscall("close", [fd()], (task, number) => task.files.close(number), { support: "full" });

export const closeRange = defineSyscall(
  "close_range",
  [
    uint("first"),
    uint("last"),
    flagsOf(
      "flags",
      [
        [CLOSE_RANGE_UNSHARE, "CLOSE_RANGE_UNSHARE"],
        [CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC"],
      ],
      "CLOSE_RANGE_???",
    ),
  ],
  (task, first, last, flags) => {
    if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last) return -EINVAL;
    if (flags & CLOSE_RANGE_UNSHARE && task.files.shared) {
      const own = task.files.clone();
      task.files.release();
      task.files = own;
    }
    for (const [number] of [...task.files.entries()]) {
      if (number < first || number > last) continue;
      if (flags & CLOSE_RANGE_CLOEXEC) task.files.setCloseOnExec(number, true);
      else task.files.close(number);
    }
    return 0;
  },
  { support: "full" },
);

function readOne(task: Task, number: number, base: number, length: number, offset?: number): SyscallResult {
  const file = fileOf(task, number);
  return typeof file === "number" ? file : readBuffers(task, file, [{ base, length }], offset);
}

function writeOne(task: Task, number: number, base: number, length: number, offset?: number): SyscallResult {
  const file = fileOf(task, number);
  return typeof file === "number" ? file : writeBuffers(task, file, [{ base, length }], offset);
}

export const read = defineSyscall(
  "read",
  [fd(), bufferOut("buf"), sizeT("count")],
  (task, number, base, length) => readOne(task, number, base, length),
  { support: "full" },
);

export const write = defineSyscall(
  "write",
  [fd(), bufferIn("buf", 2), sizeT("count")],
  (task, number, base, length) => writeOne(task, number, base, length),
  { support: "full" },
);

/** pread64 and pwrite64 refuse negative offsets before they look at the descriptor. */
export const pread64 = defineSyscall(
  "pread64",
  [fd(), bufferOut("buf"), sizeT("count"), loff("pos")],
  (task, number, base, length, offset) => (offset < 0 ? -EINVAL : readOne(task, number, base, length, offset)),
  { support: "full" },
);

export const pwrite64 = defineSyscall(
  "pwrite64",
  [fd(), bufferIn("buf", 2), sizeT("count"), loff("pos")],
  (task, number, base, length, offset) => (offset < 0 ? -EINVAL : writeOne(task, number, base, length, offset)),
  { support: "full" },
);

/** import_iovec: the buffers of an iovec array, or -errno. */
export function readIovec(task: Task, address: number, count: number): UserBuffer[] | number {
  if (count > UIO_MAXIOV || count < 0) return -EINVAL;
  const word = WORD_SIZE[task.abi];
  const bytes = readBytes(task, address, count * 2 * word);
  if (bytes === undefined) return -EFAULT;
  const buffers: UserBuffer[] = [];
  const negative = word === 4 ? 0x8000_0000 : 2 ** 63;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const base = wordAt(bytes, i * 2 * word, task.abi);
    const length = wordAt(bytes, (i * 2 + 1) * word, task.abi);
    if (length >= negative) return -EINVAL;
    buffers.push({ base, length: Math.min(length, MAX_RW_COUNT - total) });
    total += buffers[i].length;
  }
  return buffers;
}

type Transfer = typeof readBuffers;

/** `flags`: RWF_* of preadv2 and pwritev2, looked at when all else is right. */
function vector(
  task: Task,
  number: number,
  address: number,
  count: number,
  transfer: Transfer,
  offset?: number,
  flags = 0,
): SyscallResult {
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  if (offset !== undefined && !file.seekable) return -ESPIPE;
  if (transfer === readBuffers ? !file.readable : !file.writable) return -EBADF;
  const buffers = readIovec(task, address, count);
  if (typeof buffers === "number") return buffers;
  const operation = transfer === readBuffers ? file.canRead : file.canWrite;
  if (!operation) return -EINVAL;
  if (buffers.every(({ length }) => length === 0)) return 0;
  if (flags & ~RWF_SUPPORTED) return -EOPNOTSUPP;
  if (transfer === writeBuffers && file.writesApart && flags & ~RWF_HIPRI) return -EOPNOTSUPP;
  if (!(flags & RWF_APPEND) || transfer === readBuffers || !file.inode.isRegular) {
    return transfer(task, file, buffers, offset);
  }
  const own = file.flags;
  file.flags |= O_APPEND;
  const result = transfer(task, file, buffers, offset);
  file.flags = own;
  return result;
}

export const readv = defineSyscall(
  "readv",
  [fd(), iovec("iov", 2, "out"), ulong("iovcnt")],
  (task, number, address, count) => vector(task, number, address, count, readBuffers),
  { support: "full" },
);

export const writev = defineSyscall(
  "writev",
  [fd(), iovec("iov", 2, "in"), ulong("iovcnt")],
  (task, number, address, count) => vector(task, number, address, count, writeBuffers),
  { support: "full" },
);

/** The offset of preadv and its kin: on x86-64 the low register holds all of it, on i386 two make it. */
function vectorOffset(task: Task, low: number, high: number): number {
  return task.abi === "amd64" ? low : high * 0x1_0000_0000 + (low >>> 0);
}

const offsetLow = long("pos_l");
const offsetHigh = hidden("pos_h");

function positioned(name: string, direction: "in" | "out", transfer: Transfer) {
  return defineSyscall(
    name,
    [fd(), iovec("iov", 2, direction), ulong("iovcnt"), offsetLow, offsetHigh],
    (task, number, address, count, low, high) => {
      const offset = vectorOffset(task, low, high | 0);
      return offset < 0 ? -EINVAL : vector(task, number, address, count, transfer, offset);
    },
    { support: "full" },
  );
}

export const preadv = positioned("preadv", "out", readBuffers);
export const pwritev = positioned("pwritev", "in", writeBuffers);

const RWF_SUPPORTED = 0x1f;
const RWF_HIPRI = 1;
const RWF_NAMES = [
  [1, "RWF_HIPRI"],
  [2, "RWF_DSYNC"],
  [4, "RWF_SYNC"],
  [8, "RWF_NOWAIT"],
  [16, "RWF_APPEND"],
] as const;

function positioned2(name: string, direction: "in" | "out", transfer: Transfer) {
  return defineSyscall(
    name,
    [fd(), iovec("iov", 2, direction), ulong("iovcnt"), offsetLow, offsetHigh, flagsOf("flags", RWF_NAMES, "RWF_???")],
    (task, number, address, count, low, high, flags) => {
      const offset = vectorOffset(task, low, high | 0);
      if (offset < -1) return -EINVAL;
      return vector(task, number, address, count, transfer, offset === -1 ? undefined : offset, flags);
    },
    { support: "partial", note: "RWF_HIPRI, RWF_DSYNC, RWF_SYNC and RWF_NOWAIT change nothing" },
  );
}

export const preadv2 = positioned2("preadv2", "out", readBuffers);
export const pwritev2 = positioned2("pwritev2", "in", writeBuffers);

const whence = enumOf("whence", SEEK_NAMES, "SEEK_???");

export const lseek = defineSyscall(
  "lseek",
  [fd(), off("offset"), whence],
  (task, number, offset, from) => {
    const file = fileOf(task, number);
    if (typeof file === "number") return file;
    if (from < 0 || from > SEEK_HOLE) return -EINVAL;
    const position = file.seek(offset, from);
    return task.abi === "i386" && position > 0x7fff_ffff ? -EOVERFLOW : position;
  },
  { support: "full" },
);

/** i386: the position goes to memory, the offset comes as high and low word. */
export const llseek = defineSyscall(
  "_llseek",
  [
    fd(),
    intAs("offset_high", () => undefined),
    intAs("offset_low", (value, call) => {
      const high = call.values[1] as number;
      return (BigInt(high) * 0x1_0000_0000n + BigInt(value >>> 0)).toString();
    }),
    pointerTo("result", "exit", (address, call) => {
      const bytes = peek(call.task, address, 8);
      if (bytes === undefined) return pointerText(address);
      return `[${wordAt(bytes, 4, "i386") * 0x1_0000_0000 + wordAt(bytes, 0, "i386")}]`;
    }),
    whence,
  ],
  (task, number, high, low, result, from) => {
    const file = fileOf(task, number);
    if (typeof file === "number") return file;
    if (from < 0 || from > SEEK_HOLE) return -EINVAL;
    const position = file.seek(high * 0x1_0000_0000 + (low >>> 0), from);
    if (position < 0) return position;
    return task.mm.writeU64(result, position);
  },
  { support: "full" },
);

function duplicate(task: Task, from: number, to: number, closeOnExec: boolean): number {
  const file = anyFile(task, from);
  if (typeof file === "number") return file;
  if (to < 0 || to >= task.group.rlimits.get(RLIMIT_NOFILE).cur) return -EBADF;
  task.files.replace(to, file.get(), closeOnExec);
  return to;
}

export const dup = defineSyscall(
  "dup",
  [fd("oldfd")],
  (task, number) => {
    const file = anyFile(task, number);
    return typeof file === "number" ? file : installFile(task, file.get(), false);
  },
  { support: "full" },
);

export const dup2 = defineSyscall(
  "dup2",
  [fd("oldfd"), fd("newfd")],
  (task, from, to) => {
    if (from !== to) return duplicate(task, from, to, false);
    const file = anyFile(task, from);
    return typeof file === "number" ? file : to;
  },
  { support: "full" },
);

export const dup3 = defineSyscall(
  "dup3",
  [fd("oldfd"), fd("newfd"), flagsOf("flags", [[O_CLOEXEC, "O_CLOEXEC"]], "O_???")],
  (task, from, to, flags) => {
    if (flags & ~O_CLOEXEC || from === to) return -EINVAL;
    return duplicate(task, from, to, (flags & O_CLOEXEC) !== 0);
  },
  { support: "full" },
);
