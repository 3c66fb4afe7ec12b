/** What tasks share: unshare(2), kcmp(2), and I/O priorities (ioprio_get(2), ioprio_set(2)). */
import { EBADF, EINVAL, EPERM, ESRCH } from "../src/abi/errno.ts";
import {
  CLONE_FILES,
  CLONE_FLAG_NAMES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
} from "../src/abi/sched.ts";
import { isPrivileged } from "../src/kernel/credentials.ts";
import type { Task } from "../src/kernel/task.ts";
import { enumOf, flagsOf, int, intAs, ulong } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { hex, type NameTable } from "./strace-text.ts";

/** Namespaces of all kinds, and of time. */
const NAMESPACES = 0x7e02_0080;
const KNOWN =
  CLONE_THREAD | CLONE_FS | 0x0002_0000 | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM | NAMESPACES;

/** ksys_unshare(): what the task shares with others becomes its own. */
function doUnshare(task: Task, flags: number): number {
  if (flags & ~KNOWN) return -EINVAL;
  const alone = task.group.liveTasks().length === 1;
  if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) && !alone) return -EINVAL;
  if (flags & NAMESPACES) return -EPERM;
  if (flags & CLONE_FS) task.fs = { ...task.fs };
  if (flags & CLONE_FILES && task.files.shared) {
    const own = task.files.clone();
    task.files.release();
    task.files = own;
  }
  if (flags & CLONE_SYSVSEM) task.kernel.ipc.sem.exit(task);
  return 0;
}

export const unshare = defineSyscall("unshare", [flagsOf("flags", CLONE_FLAG_NAMES, "CLONE_???")], doUnshare, {
  support: "partial",
  note: "no namespaces: they give EPERM",
});

const KCMP_NAMES: NameTable = [
  "KCMP_FILE",
  "KCMP_VM",
  "KCMP_FILES",
  "KCMP_FS",
  "KCMP_SIGHAND",
  "KCMP_IO",
  "KCMP_SYSVSEM",
  "KCMP_EPOLL_TFD",
].map((name, value) => [value, name] as const);

/** 0 for the same, 3 for others: their order in the kernel's memory is nobody's business here. */
function same(a: object | undefined, b: object | undefined): number {
  return a === b ? 0 : KCMP_OTHER;
}

const KCMP_OTHER = 3;

/** kcmp(2). */
function compare(task: Task, pid1: number, pid2: number, type: number, index1: number, index2: number): number {
  const a = task.kernel.tasks.get(pid1);
  const b = task.kernel.tasks.get(pid2);
  if (a === undefined || b === undefined) return -ESRCH;
  const foreign = (other: Task): boolean => other.creds.uid !== task.creds.uid && !isPrivileged(task.creds);
  if (foreign(a) || foreign(b)) return -EPERM;
  switch (type) {
    case 0: {
      const [file1, file2] = [a.files.get(index1), b.files.get(index2)];
      return file1 === undefined || file2 === undefined ? -EBADF : same(file1, file2);
    }
    case 1:
      return same(a.mm, b.mm);
    case 2:
      return same(a.files, b.files);
    case 3:
      return same(a.fs, b.fs);
    case 4:
      return same(a.group.sighand, b.group.sighand);
    case 5:
      return same(undefined, undefined);
    case 6:
      return same(a.semUndo, b.semUndo);
    default:
      return -EINVAL;
  }
}

export const kcmp = defineSyscall(
  "kcmp",
  [int("pid1"), int("pid2"), enumOf("type", KCMP_NAMES, "KCMP_???"), ulong("idx1"), ulong("idx2")],
  compare,
  { support: "partial", note: "what is not the same has no order: 3; no KCMP_EPOLL_TFD" },
);

const WHICH: NameTable = [
  [1, "IOPRIO_WHO_PROCESS"],
  [2, "IOPRIO_WHO_PGRP"],
  [3, "IOPRIO_WHO_USER"],
];
const CLASS_SHIFT = 13;
const RT = 1;
const IDLE = 3;

/** The tasks that `which` and `who` name; -EINVAL, or -ESRCH for none. */
function addressed(task: Task, which: number, who: number): Task[] | number {
  if (which < 1 || which > 3) return -EINVAL;
  const all = [...task.kernel.tasks.values()];
  const found = all.filter((other) => {
    if (which === 1) return other.tid === (who === 0 ? task.tid : who);
    if (which === 2) return other.group.pgid === (who === 0 ? task.group.pgid : who);
    return other.creds.uid === (who === 0 ? task.creds.uid : who);
  });
  return found.length > 0 ? found : -ESRCH;
}

export const ioprioGet = defineSyscall(
  "ioprio_get",
  [enumOf("which", WHICH, "IOPRIO_WHO_???"), int("who")],
  (task, which, who) => {
    const found = addressed(task, which, who);
    if (typeof found === "number") return found;
    // the best of them
    return found.map(({ ioPriority }) => ioPriority).reduce((a, b) => (a === 0 ? b : b === 0 ? a : Math.min(a, b)));
  },
  { support: "partial", note: "priorities are kept, but there are no disks" },
);

export const ioprioSet = defineSyscall(
  "ioprio_set",
  [enumOf("which", WHICH, "IOPRIO_WHO_???"), int("who"), intAs("ioprio", (value) => hex(value))],
  (task, which, who, priority) => {
    const kind = (priority >> CLASS_SHIFT) & 7;
    if (kind > IDLE || (kind === 0 && (priority & 7) !== 0)) return -EINVAL;
    if (kind === RT && !isPrivileged(task.creds)) return -EPERM;
    const found = addressed(task, which, who);
    if (typeof found === "number") return found;
    for (const other of found) other.ioPriority = priority;
    return 0;
  },
  { support: "partial", note: "priorities are kept, but there are no disks" },
);
