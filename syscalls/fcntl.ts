/** fcntl(2): fs/fcntl.c, fs/locks.c. */
import { EAGAIN, EBADF, EBUSY, EDEADLK, EFAULT, EINVAL, EOVERFLOW, EPERM } from "../src/abi/errno.ts";
import * as F from "../src/abi/fcntl.ts";
import { RLIMIT_NOFILE } from "../src/abi/resource.ts";
import { structOf } from "../src/abi/struct.ts";
import { block, ERESTARTSYS, type SyscallResult } from "../src/kernel/control.ts";
import type { Task } from "../src/kernel/task.ts";
import { isWritablyMapped } from "../src/mm/munmap.ts";
import type { File } from "../src/vfs/file.ts";
import type { RecordLock } from "../src/vfs/locks.ts";
import { PipeFile } from "../src/vfs/pipe.ts";
import { RegularInode } from "../src/vfs/regular.ts";
import { enumOf, fd, flagsOf, ulongAs } from "./codecs.ts";
import { type CallView, defineSyscall, renamed } from "./define.ts";
import { openFlagsText, SEEK_NAMES } from "./format-file.ts";
import { anyFile, fileOf, installFile, readBytes } from "./io.ts";
import { addressText, enumText, flagsText, hex, type NameTable, peek } from "./strace-text.ts";

const COMMANDS: NameTable = [
  [F.F_DUPFD, "F_DUPFD"],
  [F.F_GETFD, "F_GETFD"],
  [F.F_SETFD, "F_SETFD"],
  [F.F_GETFL, "F_GETFL"],
  [F.F_SETFL, "F_SETFL"],
  [F.F_GETLK, "F_GETLK"],
  [F.F_SETLK, "F_SETLK"],
  [F.F_SETLKW, "F_SETLKW"],
  [F.F_SETOWN, "F_SETOWN"],
  [F.F_GETOWN, "F_GETOWN"],
  [F.F_SETSIG, "F_SETSIG"],
  [F.F_GETSIG, "F_GETSIG"],
  [F.F_GETLK64, "F_GETLK64"],
  [F.F_SETLK64, "F_SETLK64"],
  [F.F_SETLKW64, "F_SETLKW64"],
  [F.F_SETOWN_EX, "F_SETOWN_EX"],
  [F.F_GETOWN_EX, "F_GETOWN_EX"],
  [F.F_OFD_GETLK, "F_OFD_GETLK"],
  [F.F_OFD_SETLK, "F_OFD_SETLK"],
  [F.F_OFD_SETLKW, "F_OFD_SETLKW"],
  [F.F_SETLEASE, "F_SETLEASE"],
  [F.F_GETLEASE, "F_GETLEASE"],
  [F.F_NOTIFY, "F_NOTIFY"],
  [F.F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"],
  [F.F_SETPIPE_SZ, "F_SETPIPE_SZ"],
  [F.F_GETPIPE_SZ, "F_GETPIPE_SZ"],
  [F.F_ADD_SEALS, "F_ADD_SEALS"],
  [F.F_GET_SEALS, "F_GET_SEALS"],
];

const LOCK_TYPES: NameTable = [
  [F.F_RDLCK, "F_RDLCK"],
  [F.F_WRLCK, "F_WRLCK"],
  [F.F_UNLCK, "F_UNLCK"],
];

const SEALS: NameTable = [
  [F.F_SEAL_SEAL, "F_SEAL_SEAL"],
  [F.F_SEAL_SHRINK, "F_SEAL_SHRINK"],
  [F.F_SEAL_GROW, "F_SEAL_GROW"],
  [F.F_SEAL_WRITE, "F_SEAL_WRITE"],
  [F.F_SEAL_FUTURE_WRITE, "F_SEAL_FUTURE_WRITE"],
  [F.F_SEAL_EXEC, "F_SEAL_EXEC"],
];

const FLOCK_FIELDS = { l_type: "s16", l_whence: "s16", l_start: "long", l_len: "long", l_pid: "s32" } as const;
const FLOCK = { amd64: structOf("amd64", FLOCK_FIELDS), i386: structOf("i386", FLOCK_FIELDS) } as const;
/** struct flock64 of i386: the offsets have 64 bits, aligned to 4. */
const FLOCK64_I386 = structOf("i386", { l_type: "s16", l_whence: "s16", l_start: "s64", l_len: "s64", l_pid: "s32" });

const LOCK_COMMANDS: readonly number[] = [F.F_GETLK, F.F_SETLK, F.F_SETLKW, F.F_GETLK64, F.F_SETLK64, F.F_SETLKW64];
const OFD_COMMANDS: readonly number[] = [F.F_OFD_GETLK, F.F_OFD_SETLK, F.F_OFD_SETLKW];
const GETLK_COMMANDS: readonly number[] = [F.F_GETLK, F.F_GETLK64, F.F_OFD_GETLK];
const WAIT_COMMANDS: readonly number[] = [F.F_SETLKW, F.F_SETLKW64, F.F_OFD_SETLKW];

function flockStruct(abi: Task["abi"], command: number) {
  return abi === "i386" && command > F.F_SETLKW ? FLOCK64_I386 : FLOCK[abi];
}

/** OFFSET_MAX. */
const OFFSET_MAX = 2 ** 63;

interface LockRequest {
  readonly l_type: number;
  readonly l_whence: number;
  readonly l_start: number;
  readonly l_len: number;
}

/** flock_to_posix_lock(): first and last byte, or -errno. */
function lockRange(file: File, request: LockRequest): { start: number; end: number } | number {
  const { l_whence, l_start, l_len } = request;
  if (l_whence < 0 || l_whence > F.SEEK_END) return -EINVAL;
  const origin = l_whence === F.SEEK_CUR ? file.offset : l_whence === F.SEEK_END ? file.inode.size : 0;
  const start = origin + l_start;
  if (start >= OFFSET_MAX) return -EOVERFLOW;
  if (start < 0) return -EINVAL;
  if (l_len === 0) return { start, end: Number.POSITIVE_INFINITY };
  if (l_len < 0) return start + l_len < 0 ? -EINVAL : { start: start + l_len, end: start - 1 };
  return start + l_len - 1 >= OFFSET_MAX ? -EOVERFLOW : { start, end: start + l_len - 1 };
}

/** F_GETLK and F_SETLK in their variants (fcntl_getlk, fcntl_setlk). */
function lock(task: Task, file: File, command: number, address: number): SyscallResult {
  const struct = flockStruct(task.abi, command);
  const bytes = readBytes(task, address, struct.size);
  if (bytes === undefined) return -EFAULT;
  const request = struct.decode(bytes);
  const get = GETLK_COMMANDS.includes(command);
  const ofd = OFD_COMMANDS.includes(command);
  // a query for any lock of one's own, since 6.3
  const own = command === F.F_OFD_GETLK && request.l_type === F.F_UNLCK;
  if (get && !own && request.l_type !== F.F_RDLCK && request.l_type !== F.F_WRLCK) return -EINVAL;
  const range = lockRange(file, request);
  if (typeof range === "number") return range;
  if (request.l_type < F.F_RDLCK || request.l_type > F.F_UNLCK) return -EINVAL;
  if (ofd && request.l_pid !== 0) return -EINVAL;
  const owner = ofd ? file : task.files;
  const wanted = { owner, pid: ofd ? -1 : task.pid, type: request.l_type, ...range };
  if (get) {
    const found = own ? file.inode.locks?.owned(wanted) : file.inode.locks?.conflict(wanted);
    if (found === undefined) return task.mm.write(address, struct.encode({ ...request, l_type: F.F_UNLCK }));
    const { type, pid, start, end } = found;
    const l_len = end === Number.POSITIVE_INFINITY ? 0 : end - start + 1;
    return task.mm.write(address, struct.encode({ l_type: type, l_whence: 0, l_start: start, l_len, l_pid: pid }));
  }
  if (request.l_type === F.F_RDLCK && !file.readable) return -EBADF;
  if (request.l_type === F.F_WRLCK && !file.writable) return -EBADF;
  return setLock(file, wanted, WAIT_COMMANDS.includes(command), !ofd);
}

/** do_lock_file_wait(). Only locks of processes are looked at for deadlocks. */
function setLock(file: File, wanted: RecordLock, waits: boolean, findsDeadlocks: boolean): SyscallResult {
  const locks = file.inode.makeLocks();
  const found = locks.conflict(wanted);
  if (found === undefined) return locks.set(wanted);
  if (!waits) return -EAGAIN;
  const { lockWaits } = file.inode.sb.context;
  if (findsDeadlocks && lockWaits.deadlock(wanted.owner, found.owner)) return -EDEADLK;
  const stopWaiting = lockWaits.add(wanted.owner, found.owner);
  return block({
    queues: [locks.queue],
    resume: () => {
      stopWaiting();
      return setLock(file, wanted, waits, findsDeadlocks);
    },
    interrupted: () => {
      stopWaiting();
      return -ERESTARTSYS;
    },
  });
}

/** Flags that F_SETFL may change (SETFL_MASK). */
const SETFL_MASK = F.O_APPEND | F.O_NONBLOCK | F.O_ASYNC | F.O_DIRECT | F.O_NOATIME;

function seals(file: File): RegularInode | undefined {
  const { inode } = file;
  return inode instanceof RegularInode && inode.seals !== undefined ? inode : undefined;
}

/** memfd_add_seals(). */
function addSeals(task: Task, file: File, added: number): number {
  const inode = seals(file);
  if (!file.writable) return -EPERM;
  if (inode === undefined || added & ~0x3f) return -EINVAL;
  const before = inode.seals ?? 0;
  if (before & F.F_SEAL_SEAL) return -EPERM;
  const { spaces } = task.kernel.memorySystem;
  if (added & ~before & F.F_SEAL_WRITE && isWritablyMapped(spaces, inode.dev, inode.ino)) return -EBUSY;
  inode.seals = before | added;
  if (added & F.F_SEAL_EXEC && inode.mode & 0o111) {
    inode.seals |= F.F_SEAL_SHRINK | F.F_SEAL_GROW | F.F_SEAL_WRITE | F.F_SEAL_FUTURE_WRITE;
  }
  return 0;
}

function setPipeSize(task: Task, file: File, size: number): number {
  return file instanceof PipeFile ? file.setCapacity(size, task.creds.euid === 0) : -EBADF;
}

/** F_OWNER_TID for a file without an owner, F_OWNER_PID, F_OWNER_PGRP (f_getown_ex()). */
function ownerType(owner: number): number {
  return owner === 0 ? 0 : owner > 0 ? 1 : 2;
}

function setStatusFlags(file: File, flags: number): number {
  file.flags = (file.flags & ~SETFL_MASK) | (flags & SETFL_MASK);
  return 0;
}

/** What O_PATH descriptors allow (check_fcntl_cmd). */
const PATH_COMMANDS: readonly number[] = [F.F_DUPFD, F.F_DUPFD_CLOEXEC, F.F_GETFD, F.F_SETFD, F.F_GETFL];

function control(task: Task, number: number, command: number, argument: number): SyscallResult {
  const file = PATH_COMMANDS.includes(command) ? anyFile(task, number) : fileOf(task, number);
  if (typeof file === "number") return file;
  switch (command) {
    case F.F_DUPFD:
    case F.F_DUPFD_CLOEXEC:
      if (argument >= task.group.rlimits.get(RLIMIT_NOFILE).cur) return -EINVAL;
      return installFile(task, file.get(), command === F.F_DUPFD_CLOEXEC, argument);
    case F.F_GETFD:
      return task.files.closeOnExec(number) ? F.FD_CLOEXEC : 0;
    case F.F_SETFD:
      task.files.setCloseOnExec(number, (argument & F.FD_CLOEXEC) !== 0);
      return 0;
    case F.F_GETFL:
      return file.flags;
    case F.F_SETFL:
      return setStatusFlags(file, argument);
    case F.F_SETOWN:
      file.owner = argument | 0;
      return 0;
    case F.F_GETOWN:
      return file.owner;
    case F.F_GETOWN_EX:
      return task.mm.writeU32(argument, ownerType(file.owner)) || task.mm.writeU32(argument + 4, Math.abs(file.owner));
    case F.F_GETSIG:
      return 0;
    case F.F_SETSIG:
      // SIGIO, which nothing sends
      return argument === 0 ? 0 : -EINVAL;
    case F.F_GETLEASE:
      return F.F_UNLCK;
    case F.F_SETPIPE_SZ:
      return setPipeSize(task, file, argument);
    case F.F_GETPIPE_SZ:
      return file instanceof PipeFile ? file.capacity : -EBADF;
    case F.F_ADD_SEALS:
      return addSeals(task, file, argument);
    case F.F_GET_SEALS:
      return seals(file)?.seals ?? -EINVAL;
    default:
      if (LOCK_COMMANDS.includes(command) || OFD_COMMANDS.includes(command)) return lock(task, file, command, argument);
      return -EINVAL;
  }
}

function flockText(call: CallView, command: number, address: number): string | undefined {
  const struct = flockStruct(call.abi, command);
  const bytes = peek(call.task, address, struct.size);
  if (bytes === undefined) return undefined;
  const { l_type, l_whence, l_start, l_len, l_pid } = struct.decode(bytes);
  const type = enumText(l_type, LOCK_TYPES, "F_???");
  const whence = enumText(l_whence, SEEK_NAMES, "SEEK_???");
  const pid = GETLK_COMMANDS.includes(command) ? `, l_pid=${l_pid}` : "";
  return `{l_type=${type}, l_whence=${whence}, l_start=${l_start}, l_len=${l_len}${pid}}`;
}

const WITHOUT_ARGUMENT: readonly number[] = [
  F.F_GETFD,
  F.F_GETFL,
  F.F_GETOWN,
  F.F_GETSIG,
  F.F_GETLEASE,
  F.F_GETPIPE_SZ,
  F.F_GET_SEALS,
];

function argumentText(value: number, call: CallView, at: number): string | undefined {
  const command = call.values[1] as number;
  if (WITHOUT_ARGUMENT.includes(command)) return undefined;
  switch (command) {
    case F.F_DUPFD:
    case F.F_DUPFD_CLOEXEC:
    case F.F_SETOWN:
    case F.F_SETPIPE_SZ:
      return String(value | 0);
    case F.F_SETFD:
      return flagsText(value, [[F.FD_CLOEXEC, "FD_CLOEXEC"]], "FD_???");
    case F.F_SETFL:
      return openFlagsText(value | 0);
    case F.F_ADD_SEALS:
      return flagsText(value, SEALS, "F_SEAL_???");
    case F.F_GETOWN_EX: {
      const bytes = peek(call.task, value, 8);
      if (bytes === undefined || (call.result ?? -1) < 0) return addressText(call, at);
      const type = ["F_OWNER_TID", "F_OWNER_PID", "F_OWNER_PGRP"][bytes[0]] ?? hex(bytes[0]);
      return `{type=${type}, pid=${new DataView(bytes.buffer).getInt32(4, true)}}`;
    }
  }
  const isLock = LOCK_COMMANDS.includes(command) || OFD_COMMANDS.includes(command);
  const failed = GETLK_COMMANDS.includes(command) && (call.result ?? -1) < 0;
  if (isLock && !failed) return flockText(call, command, value) ?? addressText(call, at);
  return isLock ? addressText(call, at) : hex(value);
}

function resultText(value: number, call: CallView): string {
  switch (call.values[1]) {
    case F.F_GETFD:
      return value === 0 ? "0" : `${hex(value)} (flags ${flagsText(value, [[F.FD_CLOEXEC, "FD_CLOEXEC"]], "FD_???")})`;
    case F.F_GETFL:
      return `${hex(value)} (flags ${openFlagsText(value)})`;
    case F.F_GETLEASE:
      return `${hex(value)} (${enumText(value, LOCK_TYPES, "F_???")})`;
    case F.F_GET_SEALS:
      return value === 0 ? "0" : `${hex(value)} (seals ${flagsText(value, SEALS, "F_SEAL_???")})`;
    default:
      return String(value);
  }
}

export const fcntl = defineSyscall(
  "fcntl",
  [fd(), enumOf("cmd", COMMANDS, "F_???"), ulongAs("arg", argumentText, "exit")],
  control,
  {
    support: "partial",
    note: "no leases, notifications or SIGIO",
    result: resultText,
  },
);

export const fcntl64 = renamed(fcntl, "fcntl64");

/** flock(2): sleeps until the lock is free, unless LOCK_NB. */
function flockFile(file: File, kind: number, waits: boolean): SyscallResult {
  const locks = file.inode.makeLocks();
  if (locks.flock(file, kind)) return 0;
  if (!waits) return -EAGAIN;
  return block({ queues: [locks.queue], resume: () => flockFile(file, kind, waits) });
}

export const flock = defineSyscall(
  "flock",
  [
    fd(),
    flagsOf(
      "operation",
      [
        [F.LOCK_SH, "LOCK_SH"],
        [F.LOCK_EX, "LOCK_EX"],
        [F.LOCK_NB, "LOCK_NB"],
        [F.LOCK_UN, "LOCK_UN"],
      ],
      "LOCK_???",
    ),
  ],
  (task, number, operation) => {
    const kind = operation & ~F.LOCK_NB;
    if (kind !== F.LOCK_SH && kind !== F.LOCK_EX && kind !== F.LOCK_UN) return -EINVAL;
    const file = fileOf(task, number);
    if (typeof file === "number") return file;
    // opened for neither (access mode 3)
    if (kind !== F.LOCK_UN && !file.readable && !file.writable) return -EBADF;
    return flockFile(file, kind, (operation & F.LOCK_NB) === 0);
  },
  { support: "full" },
);
