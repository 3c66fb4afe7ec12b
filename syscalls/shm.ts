/** shmget(2), shmat(2), shmdt(2), shmctl(2). */
import { EINVAL } from "../src/abi/errno.ts";
import {
  IPC_INFO,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  SHM_EXEC,
  SHM_HUGETLB,
  SHM_INFO,
  SHM_LOCK,
  SHM_NORESERVE,
  SHM_RDONLY,
  SHM_REMAP,
  SHM_RND,
  SHM_STAT,
  SHM_STAT_ANY,
  SHM_UNLOCK,
} from "../src/abi/ipc.ts";
import { type IpcForm, shmInfoStruct, shmidStruct, shminfoStruct } from "../src/abi/ipc-structs.ts";
import { SHM_UNLIMITED } from "../src/kernel/ipc/shm.ts";
import type { SharedSegment } from "../src/kernel/ipc/shm-segment.ts";
import type { Task } from "../src/kernel/task.ts";
import { flagsOf, int, pointer, sizeT } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { commandOf, formOf, getFlags, key, permissionValues, put, take } from "./ipc-common.ts";
import { hex, type NameTable } from "./strace-text.ts";

export function doShmget(task: Task, key: number, size: number, flags: number): number {
  return task.kernel.ipc.shm.get(task, key, size, flags);
}

export const shmget = defineSyscall(
  "shmget",
  [
    key,
    sizeT("size"),
    getFlags("shmflg", [
      [SHM_HUGETLB, "SHM_HUGETLB"],
      [SHM_NORESERVE, "SHM_NORESERVE"],
    ]),
  ],
  doShmget,
  { support: "partial", note: "no huge pages: SHM_HUGETLB gives ENOMEM" },
);

const AT_FLAGS: NameTable = [
  [SHM_RDONLY, "SHM_RDONLY"],
  [SHM_RND, "SHM_RND"],
  [SHM_REMAP, "SHM_REMAP"],
  [SHM_EXEC, "SHM_EXEC"],
];

export const shmat = defineSyscall(
  "shmat",
  [int("shmid"), pointer("shmaddr"), flagsOf("shmflg", AT_FLAGS, "SHM_???")],
  (task, id, address, flags) => task.kernel.ipc.shm.attach(task, id, address, flags),
  { support: "full", result: hex },
);

export const shmdt = defineSyscall(
  "shmdt",
  [pointer("shmaddr")],
  (task, address) => task.kernel.ipc.shm.detach(task, address),
  { support: "full" },
);

/** What is above is cut off in i386 (copy_compat_shminfo_to_user()). */
const COMPAT_SHMMAX = 0x7fff_ffff;

/** A size in words, low half first. */
function halves(value: number): number[] {
  return value === SHM_UNLIMITED ? [0xfeff_ffff, 0xffff_ffff] : [value >>> 0, Math.floor(value / 0x1_0000_0000)];
}

function info(task: Task, address: number, form: IpcForm): number {
  const { shm } = task.kernel.ipc;
  const wide = form === "amd64";
  const size = wide ? shm.maxBytes : Math.min(shm.maxBytes, COMPAT_SHMMAX);
  const words = (value: number): number[] => halves(value).slice(0, wide ? 2 : 1);
  const counts = { shmmin: 1, shmmni: shm.maxSegments, shmseg: shm.maxSegments };
  const values = { shmmax: words(size), ...counts, shmall: words(shm.maxPages) };
  return put(task, address, shminfoStruct(form), values, Math.max(0, shm.ids.maxIndex));
}

function use(task: Task, address: number, form: IpcForm): number {
  const { shm } = task.kernel.ipc;
  const values = { used: shm.ids.inUse, total: shm.totalPages, rss: shm.residentPages };
  return put(task, address, shmInfoStruct(form === "amd64" ? "amd64" : "i386"), values, Math.max(0, shm.ids.maxIndex));
}

function putSegment(task: Task, address: number, segment: SharedSegment, form: IpcForm, result: number): number {
  const { size, attachTime, detachTime, changeTime, creator, lastPid, attachments } = segment;
  const at = { atime: attachTime, dtime: detachTime, ctime: changeTime };
  const values = { ...permissionValues(segment.perm), size, ...at, cpid: creator, lpid: lastPid, nattch: attachments };
  return put(task, address, shmidStruct(form), values, result);
}

export function doShmctl(task: Task, id: number, command: number, address: number, form: IpcForm): number {
  const { shm } = task.kernel.ipc;
  if (command < 0 || id < 0) return -EINVAL;
  switch (command) {
    case IPC_INFO:
      return info(task, address, form);
    case SHM_INFO:
      return use(task, address, form);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY: {
      const how = command === IPC_STAT ? "id" : command === SHM_STAT ? "index" : "any";
      const segment = shm.ids.forStat(task, id, how);
      if (typeof segment === "number") return segment;
      return putSegment(task, address, segment, form, how === "id" ? 0 : segment.perm.id);
    }
    case IPC_SET: {
      const values = take(task, address, shmidStruct(form));
      return typeof values === "number"
        ? values
        : shm.set(task, id, { uid: values.uid, gid: values.gid, mode: values.mode });
    }
    case IPC_RMID:
      return shm.remove(task, id);
    case SHM_LOCK:
    case SHM_UNLOCK:
      return shm.lock(task, id, command === SHM_LOCK);
    default:
      return -EINVAL;
  }
}

const COMMANDS: NameTable = [
  [IPC_RMID, "IPC_RMID"],
  [IPC_SET, "IPC_SET"],
  [IPC_STAT, "IPC_STAT"],
  [IPC_INFO, "IPC_INFO"],
  [SHM_LOCK, "SHM_LOCK"],
  [SHM_UNLOCK, "SHM_UNLOCK"],
  [SHM_STAT, "SHM_STAT"],
  [SHM_INFO, "SHM_INFO"],
  [SHM_STAT_ANY, "SHM_STAT_ANY"],
];

export const shmctl = defineSyscall(
  "shmctl",
  [int("shmid"), commandOf(COMMANDS, "SHM_???"), pointer("buf")],
  (task, id, command, address) => doShmctl(task, id, command, address, formOf(task.abi)),
  { support: "partial", note: "strace's text shows addresses" },
);
