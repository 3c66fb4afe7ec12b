/** Copies from file to file: sendfile(2), copy_file_range(2), splice(2) (fs/read_write.c, fs/splice.c). */
import { EAGAIN, EBADF, EFAULT, EINVAL, EISDIR, EPIPE, ESPIPE, EXDEV } from "../src/abi/errno.ts";
import { MAX_RW_COUNT, O_APPEND } from "../src/abi/fcntl.ts";
import { WaitQueue } from "../src/base/wait-queue.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import { counted } from "../src/kernel/io-counters.ts";
import type { Task } from "../src/kernel/task.ts";
import { AnonymousInode } from "../src/vfs/eventfd.ts";
import type { File } from "../src/vfs/file.ts";
import { PipeFile } from "../src/vfs/pipe.ts";
import { fd, flagsOf, iovec, pointerTo, sizeT, uintHex, ulong } from "./codecs.ts";
import type { CallView } from "./define.ts";
import { defineSyscall } from "./define.ts";
import { readIovec } from "./file.ts";
import { fileOf, raiseSigpipe, readBuffers, readBytes, type UserBuffer } from "./io.ts";
import { peek } from "./strace-text.ts";

const CHUNK = 1 << 16;

/** An offset in guest memory that the call moves on; the file's own position without one. */
interface Cursor {
  readonly file: File;
  offset: number | undefined;
}

function readAt(cursor: Cursor, into: Uint8Array) {
  return cursor.offset === undefined ? cursor.file.read(into) : cursor.file.pread(into, cursor.offset);
}

function writeAt(cursor: Cursor, from: Uint8Array) {
  return cursor.offset === undefined ? cursor.file.write(from) : cursor.file.pwrite(from, cursor.offset);
}

/** Moves up to `length` bytes; what the target does not take goes back to a source that can seek. */
function copy(task: Task, source: Cursor, target: Cursor, length: number): SyscallResult {
  let done = 0;
  while (done < length) {
    // A full pipe must be noticed before the source gives bytes away.
    const bytes = new Uint8Array(Math.min(CHUNK, length - done));
    const count = readAt(source, bytes);
    if (count instanceof WaitQueue) return done > 0 ? done : count;
    if (count <= 0) return done > 0 ? done : count;
    const written = writeAt(target, bytes.subarray(0, count));
    const taken = written instanceof WaitQueue ? 0 : Math.max(0, written);
    if (source.offset !== undefined) source.offset += taken;
    else if (source.file.seekable) source.file.offset -= count - taken;
    if (target.offset !== undefined) target.offset += taken;
    done += taken;
    if (written instanceof WaitQueue) return done > 0 ? done : target.file.nonBlocking ? -EAGAIN : written;
    if (written < 0) {
      if (written === -EPIPE) raiseSigpipe(task);
      return done > 0 ? done : written;
    }
    if (taken < count) break;
  }
  return done;
}

/** How wide an offset in memory is. */
type Width = 4 | 8;

function readOffset(task: Task, address: number, width: Width): number | undefined {
  const bytes = readBytes(task, address, width);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer);
  return width === 4 ? view.getInt32(0, true) : view.getInt32(4, true) * 0x1_0000_0000 + view.getUint32(0, true);
}

function writeOffset(task: Task, address: number, width: Width, value: number): number {
  return width === 4 ? task.mm.writeU32(address, value) : task.mm.writeU64(address, value);
}

/** rw_verify_area(): a count that is negative as ssize_t. */
function isNegativeSize(task: Task, count: number): boolean {
  return count >= (task.kernel.generation.kernelBits === 32 ? 2 ** 31 : 2 ** 63);
}

function doSendfile(
  task: Task,
  out: number,
  input: number,
  address: number,
  count: number,
  width: Width,
): SyscallResult {
  const start = address === 0 ? undefined : readOffset(task, address, width);
  if (address !== 0 && start === undefined) return -EFAULT;
  const source = fileOf(task, input);
  if (typeof source === "number") return source;
  if (!source.readable) return -EBADF;
  if (start !== undefined && !source.seekable) return -ESPIPE;
  if ((start !== undefined && start < 0) || isNegativeSize(task, count)) return -EINVAL;
  const target = fileOf(task, out);
  if (typeof target === "number") return target;
  if (!target.writable) return -EBADF;
  if (count === 0 && (target instanceof PipeFile || source.inode instanceof AnonymousInode)) return 0;
  if (!source.seekable || target.flags & O_APPEND) return -EINVAL;
  if (!source.splices) return -EINVAL;
  // no splice_write(), which is asked for when there is something to write
  if (target.inode instanceof AnonymousInode && source.inode.size > (start ?? source.offset)) return -EINVAL;
  const cursor: Cursor = { file: source, offset: start };
  const copied = copy(task, cursor, { file: target, offset: undefined }, Math.min(count, MAX_RW_COUNT));
  const result = counted(task, "write", counted(task, "read", copied, source.dentry), target.dentry);
  if (address !== 0 && typeof result === "number" && writeOffset(task, address, width, cursor.offset ?? 0) < 0) {
    return -EFAULT;
  }
  return result;
}

/** `[5] => [15]` needs the value before the call; strace's text is made when it is over, so only the later one is there. */
const offsetText = (width: (call: CallView) => Width) => (address: number, call: CallView) => {
  const bytes = peek(call.task, address, width(call));
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer);
  const after =
    bytes.length === 4 ? view.getInt32(0, true) : view.getInt32(4, true) * 0x1_0000_0000 + view.getUint32(0, true);
  const moved = Math.max(0, call.result ?? 0);
  return moved === 0 ? `[${after}]` : `[${after - moved}] => [${after}]`;
};

const nativeWidth = (call: CallView): Width => (call.abi === "amd64" ? 8 : 4);
const wideWidth = (): Width => 8;

export const sendfile = defineSyscall(
  "sendfile",
  [fd("out_fd"), fd("in_fd"), pointerTo("offset", "exit", offsetText(nativeWidth)), sizeT("count")],
  (task, out, input, address, count) => doSendfile(task, out, input, address, count, task.abi === "amd64" ? 8 : 4),
  { support: "full" },
);

export const sendfile64 = defineSyscall(
  "sendfile64",
  [fd("out_fd"), fd("in_fd"), pointerTo("offset", "exit", offsetText(wideWidth)), sizeT("count")],
  (task, out, input, address, count) => doSendfile(task, out, input, address, count, 8),
  { support: "full" },
);

const offset64 = (name: string) => pointerTo(name, "exit", offsetText(wideWidth));

/** Both offsets in memory, or -EFAULT. */
function cursors(task: Task, from: File, fromAddress: number, to: File, toAddress: number): [Cursor, Cursor] | number {
  const start = fromAddress === 0 ? undefined : readOffset(task, fromAddress, 8);
  const end = toAddress === 0 ? undefined : readOffset(task, toAddress, 8);
  if ((fromAddress !== 0 && start === undefined) || (toAddress !== 0 && end === undefined)) return -EFAULT;
  return [
    { file: from, offset: start },
    { file: to, offset: end },
  ];
}

function store(task: Task, pair: [Cursor, Cursor], fromAddress: number, toAddress: number): number {
  const [source, target] = pair;
  if (source.offset !== undefined && writeOffset(task, fromAddress, 8, source.offset) < 0) return -EFAULT;
  if (target.offset !== undefined && writeOffset(task, toAddress, 8, target.offset) < 0) return -EFAULT;
  return 0;
}

export const copyFileRange = defineSyscall(
  "copy_file_range",
  [fd("fd_in"), offset64("off_in"), fd("fd_out"), offset64("off_out"), sizeT("len"), uintHex("flags")],
  (task, input, inAddress, output, outAddress, length, flags) => {
    const from = fileOf(task, input);
    if (typeof from === "number") return from;
    const to = fileOf(task, output);
    if (typeof to === "number") return to;
    const pair = cursors(task, from, inAddress, to, outAddress);
    if (typeof pair === "number") return pair;
    if (flags !== 0) return -EINVAL;
    if (from.inode.isDirectory || to.inode.isDirectory) return -EISDIR;
    if (!from.inode.isRegular || !to.inode.isRegular) return -EINVAL;
    if (!from.readable || !to.writable || to.flags & O_APPEND) return -EBADF;
    if (from.inode.sb !== to.inode.sb) return -EXDEV;
    const start = pair[0].offset ?? from.offset;
    const end = pair[1].offset ?? to.offset;
    const count = Math.min(length, MAX_RW_COUNT, Math.max(0, from.inode.size - start));
    if (from.inode === to.inode && end + count > start && end < start + count) return -EINVAL;
    const result = copy(task, pair[0], pair[1], count);
    return (
      store(task, pair, inAddress, outAddress) ||
      counted(task, "write", counted(task, "read", result, from.dentry), to.dentry)
    );
  },
  { support: "full" },
);

const SPLICE_FLAGS = [
  [1, "SPLICE_F_MOVE"],
  [2, "SPLICE_F_NONBLOCK"],
  [4, "SPLICE_F_MORE"],
  [8, "SPLICE_F_GIFT"],
] as const;

export const tee = defineSyscall(
  "tee",
  [fd("fd_in"), fd("fd_out"), sizeT("len"), flagsOf("flags", SPLICE_FLAGS, "SPLICE_F_???")],
  (task, input, output, length, flags) => {
    if (flags & ~15) return -EINVAL;
    if (length === 0) return 0;
    const from = fileOf(task, input);
    if (typeof from === "number") return from;
    const to = fileOf(task, output);
    if (typeof to === "number") return to;
    if (!from.readable || !to.writable) return -EBADF;
    if (!(from instanceof PipeFile) || !(to instanceof PipeFile) || from.inode === to.inode) return -EINVAL;
    const result = from.tee(to, length, (flags & 2) !== 0);
    if (result === -EPIPE) raiseSigpipe(task);
    return result;
  },
  { support: "partial", note: "bytes are copied" },
);

export const vmsplice = defineSyscall(
  "vmsplice",
  [fd(), iovec("iov", 2, "in"), ulong("nr_segs"), flagsOf("flags", SPLICE_FLAGS, "SPLICE_F_???")],
  (task, number, address, count, flags) => {
    if (flags & ~15) return -EINVAL;
    const file = fileOf(task, number);
    if (typeof file === "number") return file;
    if (!file.writable && !file.readable) return -EBADF;
    const buffers = readIovec(task, address, count);
    if (typeof buffers === "number") return buffers;
    if (buffers.every(({ length }) => length === 0)) return 0;
    if (!(file instanceof PipeFile)) return -EBADF;
    if (!file.writable) return readBuffers(task, file, buffers);
    return fillPipe(task, file, buffers, (flags & 2) !== 0);
  },
  { support: "partial", note: "bytes are copied" },
);

/** vmsplice_to_pipe(). */
function fillPipe(task: Task, pipe: PipeFile, buffers: readonly UserBuffer[], nonBlocking: boolean): SyscallResult {
  let done = 0;
  for (const { base, length } of buffers) {
    const bytes = new Uint8Array(Math.min(length, MAX_RW_COUNT));
    const readable = task.mm.readPart(base, bytes);
    if (readable === 0 && length > 0) return done > 0 ? done : -EFAULT;
    const count = pipe.give(bytes.subarray(0, readable), base % 4096);
    if (count < 0) {
      if (count === -EPIPE) raiseSigpipe(task);
      return done > 0 ? done : count;
    }
    done += count;
    if (count < length) break;
  }
  if (done > 0) return done;
  return nonBlocking ? -EAGAIN : pipe.waitQueue;
}

export const splice = defineSyscall(
  "splice",
  [
    fd("fd_in"),
    offset64("off_in"),
    fd("fd_out"),
    offset64("off_out"),
    sizeT("len"),
    flagsOf("flags", SPLICE_FLAGS, "SPLICE_F_???"),
  ],
  (task, input, inAddress, output, outAddress, length, flags) => {
    if (length === 0) return 0;
    if (flags & ~15) return -EINVAL;
    const from = fileOf(task, input);
    if (typeof from === "number") return from;
    const to = fileOf(task, output);
    if (typeof to === "number") return to;
    const [pipeIn, pipeOut] = [from instanceof PipeFile, to instanceof PipeFile];
    if ((pipeIn && inAddress !== 0) || (pipeOut && outAddress !== 0)) return -ESPIPE;
    if (!from.readable || !to.writable) return -EBADF;
    if (!pipeIn && !pipeOut) return -EINVAL;
    if (pipeIn && pipeOut && from.inode === to.inode) return -EINVAL;
    // no splice_write()
    if (to.inode instanceof AnonymousInode) return -EINVAL;
    const pair = cursors(task, from, inAddress, to, outAddress);
    if (typeof pair === "number") return pair;
    if (pair.some(({ offset }) => offset !== undefined && offset < 0) || isNegativeSize(task, length)) return -EINVAL;
    if (!pipeOut && to.flags & O_APPEND) return -EINVAL;
    if (!from.splices) return -EINVAL;
    // What a pipe gives away must fit into the target at once.
    const room = to instanceof PipeFile ? to.capacity - to.available : length;
    if (room === 0) return flags & 2 || to.nonBlocking ? -EAGAIN : (to.waitQueue ?? -EAGAIN);
    const available = pipeIn && from.available > 0 ? from.available : length;
    const result = copy(task, pair[0], pair[1], Math.min(length, room, available, MAX_RW_COUNT));
    return store(task, pair, inAddress, outAddress) || result;
  },
  { support: "partial", note: "bytes are copied" },
);
