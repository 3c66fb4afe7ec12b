/** What the file calls share: descriptors to files, and the copies between files and guest memory. */
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EFBIG,
  EINTR,
  EINVAL,
  EISDIR,
  ENFILE,
  ENOENT,
  ENOTDIR,
  EPIPE,
  ESPIPE,
} from "../src/abi/errno.ts";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, MAX_RW_COUNT, O_APPEND, O_PATH } from "../src/abi/fcntl.ts";
import { RLIMIT_FSIZE, RLIMIT_NOFILE } from "../src/abi/resource.ts";
import { SI_USER, SIGPIPE, SIGXFSZ } from "../src/abi/signal.ts";
import { WaitQueue } from "../src/base/wait-queue.ts";
import { block, type SyscallResult } from "../src/kernel/control.ts";
import { counted } from "../src/kernel/io-counters.ts";
import { sigInfo } from "../src/kernel/siginfo.ts";
import type { Task } from "../src/kernel/task.ts";
import { sendToTask } from "../src/kernel/task-signals.ts";
import { SocketFile } from "../src/net/socket.ts";
import type { File } from "../src/vfs/file.ts";
import type { WalkOptions } from "../src/vfs/namei.ts";
import type { Path } from "../src/vfs/path.ts";
import { modeAfterWrite } from "../src/vfs/permission.ts";

/** Bytes that travel at once between a file and guest memory. */
const CHUNK = 1 << 20;

/** The file of a descriptor, O_PATH ones included, or -EBADF (fdget_raw). */
export function anyFile(task: Task, fd: number): File | number {
  return task.files.get(fd) ?? -EBADF;
}

/** The file of a descriptor that is open for more than its path, or -EBADF (fdget). */
export function fileOf(task: Task, fd: number): File | number {
  const file = task.files.get(fd);
  return file === undefined || file.flags & O_PATH ? -EBADF : file;
}

/** Gives `file` (reference handed over) a descriptor; it is closed again if there is none. */
export function installFile(task: Task, file: File, closeOnExec: boolean, from = 0): number {
  if (task.kernel.physical.scarce) {
    file.put();
    return -ENFILE;
  }
  const fd = task.files.install(file, closeOnExec, task.group.rlimits.get(RLIMIT_NOFILE).cur, from);
  if (fd < 0) file.put();
  return fd;
}

/** Where a path relative to `dirfd` starts, or -errno. Absolute paths never look at `dirfd` (openat(2)). */
export function baseOf(task: Task, dirfd: number, path: string): WalkOptions | number {
  if (path === "") return -ENOENT;
  if (path[0] === "/" || dirfd === AT_FDCWD) return {};
  const file = anyFile(task, dirfd);
  if (typeof file === "number") return file;
  if (!file.inode.isDirectory) return -ENOTDIR;
  return { base: file.dentry };
}

/** The file that `dirfd`, `path` and AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH name, or -errno. */
export function lookupAt(task: Task, dirfd: number, path: string, flags: number): Path | number {
  if (path === "") {
    if (!(flags & AT_EMPTY_PATH)) return -ENOENT;
    if (dirfd === AT_FDCWD) return task.fs.cwd;
    const file = anyFile(task, dirfd);
    return typeof file === "number" ? file : file.dentry;
  }
  const base = baseOf(task, dirfd, path);
  if (typeof base === "number") return base;
  return task.kernel.vfs.walk(task, path, { ...base, follow: !(flags & AT_SYMLINK_NOFOLLOW) });
}

/** TASK_SIZE of a 32-bit kernel, and of a 64-bit one. */
const NATIVE_I386_TASK_SIZE = 0xc000_0000;
const AMD64_TASK_SIZE = 0x7fff_ffff_f000;

/** access_ok: the whole buffer lies in user space. */
export function inUserSpace(task: Task, address: number, length: number): boolean {
  const { taskSize } = task.mm.layout;
  // a 64-bit kernel checks programs of both ABIs against its own limit
  const limit = taskSize > NATIVE_I386_TASK_SIZE && task.mm.wordSize === 4 ? AMD64_TASK_SIZE : taskSize;
  return address >= 0 && address + length <= limit;
}

/** A part of guest memory. */
export interface UserBuffer {
  readonly base: number;
  readonly length: number;
}

/** read, pread64, readv, preadv: fills the buffers in order; `offset` undefined means the file's own position. */
export function readBuffers(task: Task, file: File, buffers: readonly UserBuffer[], offset?: number): SyscallResult {
  if (offset !== undefined && !file.seekable) return -ESPIPE;
  if (!file.readable) return -EBADF;
  if (!file.canRead) return -EINVAL;
  for (const { base, length } of buffers) if (!inUserSpace(task, base, length)) return -EFAULT;
  if (file.inode.isDirectory) return -EISDIR;
  const result = file.readsWhole ? readMessage(task, file, buffers) : readStream(task, file, buffers, offset);
  return counted(task, "read", result, file.dentry);
}

function readStream(task: Task, file: File, buffers: readonly UserBuffer[], offset: number | undefined): SyscallResult {
  let done = 0;
  for (const { base, length } of buffers) {
    const left = Math.min(length, MAX_RW_COUNT - done);
    for (let at = 0; at < left || (left === 0 && buffers.length === 1); ) {
      const bytes = task.kernel.scratch.take(Math.min(left - at, CHUNK));
      const count = offset === undefined ? file.read(bytes) : file.pread(bytes, offset + done);
      if (count instanceof WaitQueue) return done > 0 ? done : count;
      if (count <= 0) return done > 0 ? done : count;
      const copied = task.mm.writePart(base + at, count === bytes.length ? bytes : bytes.subarray(0, count));
      done += copied;
      at += copied;
      if (copied < count) {
        if (offset === undefined && file.seekable) file.offset -= count - copied;
        return done > 0 ? done : -EFAULT;
      }
      if (count < bytes.length) return done;
      // A stream that gave all that was asked for may have no more: asking again could block.
      if (!file.seekable && at === left && done >= total(buffers)) return done;
    }
  }
  return done;
}

/** A message goes into all buffers at once, and ends with them. */
function readMessage(task: Task, file: File, buffers: readonly UserBuffer[]): SyscallResult {
  const bytes = new Uint8Array(Math.min(total(buffers), CHUNK));
  if (bytes.length === 0) return file instanceof SocketFile ? 0 : -EINVAL;
  const count = file.read(bytes);
  if (count instanceof WaitQueue || count <= 0) return waitForData(task, file, buffers, count);
  let at = 0;
  for (const { base, length } of buffers) {
    const part = bytes.subarray(at, Math.min(count, at + length));
    if (part.length > 0 && task.mm.write(base, part) < 0) return -EFAULT;
    at += part.length;
  }
  return count;
}

/** SO_RCVTIMEO holds for read(2) too. */
function waitForData(
  task: Task,
  file: File,
  buffers: readonly UserBuffer[],
  result: number | WaitQueue,
): SyscallResult {
  if (typeof result === "number" || !(file instanceof SocketFile)) return result;
  if (file.receiveTimeoutNs === Number.POSITIVE_INFINITY) return result;
  return block({
    queues: [result],
    deadlineNs: task.kernel.clock.monotonicNs + file.receiveTimeoutNs,
    resume: (reason) => (reason === "timeout" ? -EAGAIN : readMessage(task, file, buffers)),
    interrupted: () => -EINTR,
  });
}

function total(buffers: readonly UserBuffer[]): number {
  let sum = 0;
  for (let i = 0; i < buffers.length; i++) sum += buffers[i].length;
  return sum;
}

/** write, pwrite64, writev, pwritev. A blocking pipe takes all before the call ends; a signal ends it with what went in. */
export function writeBuffers(task: Task, file: File, buffers: readonly UserBuffer[], offset?: number): SyscallResult {
  if (offset !== undefined && !file.seekable) return -ESPIPE;
  if (!file.writable) return -EBADF;
  if (!file.canWrite) return -EINVAL;
  for (const { base, length } of buffers) if (!inUserSpace(task, base, length)) return -EFAULT;
  return counted(task, "write", writeParts(task, file, buffers, offset), file.dentry);
}

function writeParts(task: Task, file: File, buffers: readonly UserBuffer[], offset: number | undefined): SyscallResult {
  const parts = buffers.filter(({ length }) => length > 0);
  if (!file.writesApart || parts.length < 2) return writeFrom(task, file, buffers, offset, 0);
  let done = 0;
  for (const part of parts) {
    const count = writeFrom(task, file, [part], offset, 0);
    if (typeof count !== "number") return done > 0 ? done : count;
    if (count < 0) return done > 0 ? done : count;
    done += count;
    if (count < part.length) break;
  }
  return done;
}

/** Gathers at most CHUNK bytes behind `skip`; fewer when a fault cuts the data short. */
function gather(task: Task, buffers: readonly UserBuffer[], skip: number): Uint8Array {
  const wanted = Math.min(total(buffers) - skip, CHUNK, MAX_RW_COUNT - skip);
  const bytes = task.kernel.scratch.take(Math.max(0, wanted));
  let got = 0;
  let before = 0;
  for (let i = 0; i < buffers.length; i++) {
    const { base, length } = buffers[i];
    const from = Math.max(0, skip - before);
    before += length;
    if (from >= length || got === bytes.length) continue;
    const count = Math.min(bytes.length - got, length - from);
    const part = count === bytes.length ? bytes : bytes.subarray(got, got + count);
    const copied = task.mm.readPart(base + from, part);
    got += copied;
    if (copied < count) break;
  }
  return got === bytes.length ? bytes : bytes.subarray(0, got);
}

function writeFrom(
  task: Task,
  file: File,
  buffers: readonly UserBuffer[],
  offset: number | undefined,
  start: number,
): SyscallResult {
  const length = Math.min(total(buffers), MAX_RW_COUNT);
  let done = start;
  do {
    let bytes = gather(task, buffers, done);
    if (bytes.length > 0 && file.inode.isRegular) {
      const end = file.flags & O_APPEND ? file.inode.size : file.offset;
      const room = fileSizeRoom(task, offset === undefined || file.flags & O_APPEND ? end : offset + done);
      if (room <= 0) {
        if (done > 0) return done;
        raiseSignal(task, SIGXFSZ);
        return -EFBIG;
      }
      if (room < bytes.length) bytes = bytes.subarray(0, room);
    }
    if (bytes.length === 0 && length > done) return done > 0 ? done : -EFAULT;
    const { inode } = file;
    if (inode.isRegular && inode.mode & 0o6000 && bytes.length > 0) inode.mode = modeAfterWrite(inode.mode, task.creds);
    const count = offset === undefined ? file.write(bytes) : file.pwrite(bytes, offset + done);
    if (count instanceof WaitQueue) {
      if (done === 0) return count;
      const resume = () => writeFrom(task, file, buffers, offset, done);
      return block({ queues: [count], resume, interrupted: () => done });
    }
    if (count < 0) {
      if (count === -EPIPE) raiseSigpipe(task);
      return done > 0 ? done : count;
    }
    done += count;
    if (count < bytes.length && (file.nonBlocking || file.seekable)) return done;
  } while (done < length);
  return done;
}

/** Bytes that RLIMIT_FSIZE leaves from `position` on (generic_write_check_limits). */
function fileSizeRoom(task: Task, position: number): number {
  return task.group.rlimits.get(RLIMIT_FSIZE).cur - position;
}

/** inode_newsize_ok(): a file may not grow beyond RLIMIT_FSIZE; 0, or -EFBIG and SIGXFSZ. */
export function checkNewSize(task: Task, size: number, newSize: number): number {
  if (newSize <= size || fileSizeRoom(task, newSize) >= 0) return 0;
  raiseSignal(task, SIGXFSZ);
  return -EFBIG;
}

/** send_sig(SIGPIPE, current, 0): the writer of a pipe that nobody reads. */
export function raiseSigpipe(task: Task): void {
  raiseSignal(task, SIGPIPE);
}

function raiseSignal(task: Task, signo: number): void {
  sendToTask(task, sigInfo({ signo, code: SI_USER, pid: task.pid, uid: task.creds.uid }));
}

/** The bytes of a guest struct, or undefined for -EFAULT. */
export function readBytes(task: Task, address: number, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(length);
  return task.mm.read(address, bytes) < 0 ? undefined : bytes;
}
