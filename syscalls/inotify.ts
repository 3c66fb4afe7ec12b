/** inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2). */
import { EINVAL, EMFILE, ENOTDIR } from "../src/abi/errno.ts";
import { O_CLOEXEC, O_NONBLOCK } from "../src/abi/fcntl.ts";
import {
  IN_ALL_EVENTS,
  IN_DONT_FOLLOW,
  IN_EXCL_UNLINK,
  IN_IGNORED,
  IN_ISDIR,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_NAMES,
  IN_ONESHOT,
  IN_ONLYDIR,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
} from "../src/abi/inotify.ts";
import type { Task } from "../src/kernel/task.ts";
import { InotifyFile } from "../src/vfs/inotify.ts";
import { inodePermission, MAY_READ } from "../src/vfs/permission.ts";
import { fd, flagsOf, int, path } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { fileOf, installFile } from "./io.ts";
import type { NameTable } from "./strace-text.ts";

const FULL = { support: "full" } as const;
const INIT_FLAGS: NameTable = [
  [O_NONBLOCK, "IN_NONBLOCK"],
  [O_CLOEXEC, "IN_CLOEXEC"],
];
/** ALL_INOTIFY_BITS. */
const KNOWN =
  IN_ALL_EVENTS |
  IN_UNMOUNT |
  IN_Q_OVERFLOW |
  IN_IGNORED |
  IN_ONLYDIR |
  IN_DONT_FOLLOW |
  IN_EXCL_UNLINK |
  IN_MASK_CREATE |
  IN_MASK_ADD |
  IN_ISDIR |
  IN_ONESHOT;

function create(task: Task, flags: number): number {
  if (flags & ~(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
  const { kernel, creds } = task;
  if (!kernel.inotify.takeInstance(creds.uid)) return -EMFILE;
  const file = new InotifyFile(kernel.vfs.anonymous, kernel.inotify, creds.uid, flags);
  return installFile(task, file, (flags & O_CLOEXEC) !== 0);
}

export const inotifyInit = defineSyscall("inotify_init", [], (task) => create(task, 0), FULL);
export const inotifyInit1 = defineSyscall("inotify_init1", [flagsOf("flags", INIT_FLAGS, "IN_???")], create, FULL);

export const inotifyAddWatch = defineSyscall(
  "inotify_add_watch",
  [fd(), path("pathname"), flagsOf("mask", IN_NAMES, "IN_???")],
  (task, number, name, mask) => {
    if (mask & ~KNOWN || (mask & KNOWN) === 0) return -EINVAL;
    const file = fileOf(task, number);
    if (typeof file === "number") return file;
    if (mask & IN_MASK_ADD && mask & IN_MASK_CREATE) return -EINVAL;
    if (!(file instanceof InotifyFile)) return -EINVAL;
    const found = task.kernel.vfs.walk(task, name, { follow: !(mask & IN_DONT_FOLLOW) });
    if (typeof found === "number") return found;
    if (mask & IN_ONLYDIR && !found.inode.isDirectory) return -ENOTDIR;
    const denied = inodePermission(found.inode, MAY_READ, task.creds);
    return denied < 0 ? denied : file.watch(found.inode, mask);
  },
  FULL,
);

export const inotifyRmWatch = defineSyscall(
  "inotify_rm_watch",
  [fd(), int("wd")],
  (task, number, wd) => {
    const file = fileOf(task, number);
    if (typeof file === "number") return file;
    return file instanceof InotifyFile ? file.unwatch(wd) : -EINVAL;
  },
  FULL,
);
