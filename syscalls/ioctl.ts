/** ioctl(2): what holds for every descriptor here, the rest in the file (fs/ioctl.c). */
import { EBADF, EFAULT, EINVAL, EISDIR, ENOTTY, EOPNOTSUPP, EXDEV } from "../src/abi/errno.ts";
import { O_ASYNC, O_CLOEXEC, O_NONBLOCK } from "../src/abi/fcntl.ts";
import * as I from "../src/abi/ioctl.ts";
import { WaitQueue } from "../src/base/wait-queue.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import { PtyMaster } from "../src/kernel/pty/pty.ts";
import type { Task } from "../src/kernel/task.ts";
import type { File } from "../src/vfs/file.ts";
import { readInt, writeInt } from "../src/vfs/user-memory.ts";
import { fd, intAs, ulongAs } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { IOCTL_NAMES, ioctlCodeText, termiosText } from "./format-ioctl.ts";
import { fileOf, installFile } from "./io.ts";
import { addressText, peek } from "./strace-text.ts";

function setFlag(task: Task, file: File, bit: number, address: number): number {
  const on = readInt(task.mm, address);
  if (on === undefined) return -EFAULT;
  file.flags = on === 0 ? file.flags & ~bit : file.flags | bit;
  return 0;
}

/** FICLONE (ioctl_ficlonerange(2)): checked as far as the file system, which shares no extents. */
function clone(target: File, source: File | number): number {
  if (typeof source === "number" || !target.writable || !source.readable) return -EBADF;
  if (source.inode.isDirectory || target.inode.isDirectory) return -EISDIR;
  if (!source.inode.isRegular || !target.inode.isRegular) return -EINVAL;
  return source.inode.sb === target.inode.sb ? -EOPNOTSUPP : -EXDEV;
}

function control(task: Task, number: number, command: number, argument: number): SyscallResult {
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  switch (command >>> 0) {
    case I.FIOCLEX:
      task.files.setCloseOnExec(number, true);
      return 0;
    case I.FIONCLEX:
      task.files.setCloseOnExec(number, false);
      return 0;
    case I.FIONBIO:
      return setFlag(task, file, O_NONBLOCK, argument);
    case I.FIOASYNC:
      return setFlag(task, file, O_ASYNC, argument);
    case I.FIONREAD:
      // negative behind the end of the file
      if (file.inode.isRegular) return writeInt(task.mm, argument, file.inode.size - file.offset);
      break;
    case I.FIGETBSZ:
      if (file.inode.isRegular || file.inode.isDirectory) return writeInt(task.mm, argument, file.inode.blksize);
      break;
    case I.FIOQSIZE:
      if (!file.inode.isRegular && !file.inode.isDirectory) break;
      return task.mm.writeU64(argument, file.inode.blocks * 512);
    case I.TIOCGPTPEER:
      return openPeer(task, file, argument);
    case I.FICLONE:
      return clone(file, fileOf(task, argument | 0));
  }
  return file.ioctl(command >>> 0, argument, task.mm);
}

/** TIOCGPTPEER: the terminal of a master, without looking its name up. */
function openPeer(task: Task, file: File, flags: number): SyscallResult {
  if (!(file instanceof PtyMaster)) return -ENOTTY;
  const opened = task.kernel.vfs.open(task, `/dev/pts/${file.pty.index}`, flags);
  if (typeof opened === "number" || opened instanceof WaitQueue) return opened;
  return installFile(task, opened, (flags & O_CLOEXEC) !== 0);
}

const INT_RESULTS: readonly number[] = [I.FIONREAD, I.TIOCOUTQ, I.TIOCGPGRP, I.TIOCGSID, I.FIGETBSZ];
const INT_ARGUMENTS: readonly number[] = [I.FIONBIO, I.FIOASYNC, I.TIOCSPGRP];

function argumentText(value: number, call: CallView, at: number): string | undefined {
  const command = (call.values[1] as number) >>> 0;
  const failed = (call.result ?? -1) < 0;
  if (command === I.FIOCLEX || command === I.FIONCLEX) return undefined;
  if (command === I.FICLONE || command === I.TCSBRK) return String(value | 0);
  if (INT_ARGUMENTS.includes(command) || (INT_RESULTS.includes(command) && !failed)) {
    const bytes = peek(call.task, value, 4);
    return bytes === undefined ? addressText(call, at) : `[${new DataView(bytes.buffer).getInt32(0, true)}]`;
  }
  const terminalOut = command === I.TCGETS || command === I.TIOCGWINSZ;
  if (terminalOut && failed) return addressText(call, at);
  return termiosText(command, value, call) ?? addressText(call, at);
}

export const ioctl = defineSyscall(
  "ioctl",
  [
    fd(),
    intAs("request", (value) => IOCTL_NAMES.get(value >>> 0) ?? ioctlCodeText(value >>> 0)),
    ulongAs("argp", argumentText, "exit"),
  ],
  control,
  { support: "partial", note: "terminal settings are kept but the host's terminal keeps its own; others ENOTTY" },
);
