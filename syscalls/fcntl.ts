/** fcntl(2): fs/fcntl.c, fs/locks.c. */
import { EBADF, EFAULT, EINVAL, EPERM } from "../src/abi/errno.ts";
import * as F from "../src/abi/fcntl.ts";
import { RLIMIT_NOFILE } from "../src/abi/resource.ts";
import { structOf } from "../src/abi/struct.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import type { Task } from "../src/kernel/task.ts";
import type { File } from "../src/vfs/file.ts";
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
];

const FLOCK_FIELDS = { l_type: "s16", l_whence: "s16", l_start: "long", l_len: "long", l_pid: "s32" } as const;
const FLOCK = { amd64: structOf("amd64", FLOCK_FIELDS), i386: structOf("i386", FLOCK_FIELDS) } as const;
/** struct flock64 of i386: the offsets have 64 bits, aligned to 4. */
const FLOCK64_I386 = structOf("i386", { l_type: "s16", l_whence: "s16", l_start: "s64", l_len: "s64", l_pid: "s32" });

const LOCK_COMMANDS: readonly number[] = [F.F_GETLK, F.F_SETLK, F.F_SETLKW, F.F_GETLK64, F.F_SETLK64, F.F_SETLKW64];
const OFD_COMMANDS: readonly number[] = [F.F_OFD_GETLK, F.F_OFD_SETLK, F.F_OFD_SETLKW];
const GETLK_COMMANDS: readonly number[] = [F.F_GETLK, F.F_GETLK64, F.F_OFD_GETLK];

function flockStruct(abi: Task["abi"], command: number) {
  return abi === "i386" && command > F.F_SETLKW ? FLOCK64_I386 : FLOCK[abi];
}

/**
 * Record locks. Guests are alone with their files as long as one process runs, so no lock conflicts: requests are checked
 * and granted, F_GETLK finds nothing in the way.
 */
function lock(task: Task, file: File, command: number, address: number): number {
  const struct = flockStruct(task.abi, command);
  const bytes = readBytes(task, address, struct.size);
  if (bytes === undefined) return -EFAULT;
  const request = struct.decode(bytes);
  if (request.l_whence < 0 || request.l_whence > F.SEEK_END) return -EINVAL;
  if (request.l_type < F.F_RDLCK || request.l_type > F.F_UNLCK) return -EINVAL;
  const get = GETLK_COMMANDS.includes(command);
  if (get && request.l_type === F.F_UNLCK) return -EINVAL;
  if (OFD_COMMANDS.includes(command) && request.l_pid !== 0) return -EINVAL;
  if (!get && request.l_type === F.F_RDLCK && !file.readable) return -EBADF;
  if (!get && request.l_type === F.F_WRLCK && !file.writable) return -EBADF;
  const origin = request.l_whence === F.SEEK_CUR ? file.offset : request.l_whence === F.SEEK_END ? file.inode.size : 0;
  if (origin + request.l_start + Math.min(0, request.l_len) < 0) return -EINVAL;
  return get ? task.mm.write(address, struct.encode({ ...request, l_type: F.F_UNLCK })) : 0;
}

/** Flags that F_SETFL may change (SETFL_MASK). */
const SETFL_MASK = F.O_APPEND | F.O_NONBLOCK | F.O_ASYNC | F.O_DIRECT | F.O_NOATIME;

function seals(file: File): RegularInode | undefined {
  const { inode } = file;
  return inode instanceof RegularInode && inode.seals !== undefined ? inode : undefined;
}

function addSeals(file: File, added: number): number {
  const inode = seals(file);
  if (!file.writable) return -EPERM;
  if (inode === undefined || added & ~0x1f) return -EINVAL;
  if ((inode.seals ?? 0) & F.F_SEAL_SEAL) return -EPERM;
  inode.seals = (inode.seals ?? 0) | added;
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
    case F.F_GETLEASE:
      return F.F_UNLCK;
    case F.F_SETPIPE_SZ:
      return setPipeSize(task, file, argument);
    case F.F_GETPIPE_SZ:
      return file instanceof PipeFile ? file.capacity : -EBADF;
    case F.F_ADD_SEALS:
      return addSeals(file, argument);
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
    note: "record locks never conflict; no leases, notifications or SIGIO",
    result: resultText,
  },
);

export const fcntl64 = renamed(fcntl, "fcntl64");

/** flock(2): as with record locks, nobody else is there to hold one. */
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
    return typeof file === "number" ? file : 0;
  },
  { support: "partial", note: "locks never conflict" },
);
