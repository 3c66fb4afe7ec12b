/** /proc/PID and /proc/PID/task/TID (fs/proc/base.c, fs/proc/fd.c). */
import { EINVAL, EIO, ENOENT, ESRCH } from "../../abi/errno.ts";
import { O_CLOEXEC } from "../../abi/fcntl.ts";
import { textOf } from "../../host/text.ts";
import type { AddressSpace } from "../../mm/address-space.ts";
import { clearRefs } from "../../mm/clear-refs.ts";
import type { Dentry } from "../../vfs/dentry.ts";
import type { File } from "../../vfs/file.ts";
import type { Inode, InodeInit, SuperBlock } from "../../vfs/inode.ts";
import { PipeFile } from "../../vfs/pipe.ts";
import { isPrivileged } from "../credentials.ts";
import type { Task } from "../task.ts";
import { mapsRecords, readPagemap, smapsRecords, smapsRollup } from "./maps.ts";
import { mountInfoText, mountStatsText, mountsText } from "./mounts.ts";
import {
  MagicLink,
  type ProcContent,
  ProcDirectory,
  ProcLink,
  ProcTable,
  ProcText,
  type ProcTextOptions,
  parseInteger,
} from "./nodes.ts";
import type { Procfs } from "./procfs.ts";
import { limitsText, statmText, statText, statusText } from "./status.ts";
import { childrenText, NAMESPACE_NAMES, namespaceText, schedText, syscallText, timersText } from "./task-more.ts";

/** Bytes [start, end) of a process's memory as text; what cannot be read ends it. */
function memoryText(mm: AddressSpace, start: number, end: number): string {
  if (start === 0 || end <= start) return "";
  const bytes = new Uint8Array(end - start);
  return textOf(bytes, 0, mm.readPart(start, bytes));
}

/** proc_pid_cmdline: the argument strings; a program that overwrote the last NUL (setproctitle) runs on into its environment. */
function cmdline(mm: AddressSpace): string {
  const text = memoryText(mm, mm.argStart, mm.argEnd);
  if (text === "" || text.endsWith("\0")) return text;
  const whole = text + memoryText(mm, mm.argEnd, Math.min(mm.envEnd, mm.argEnd + 4096));
  const end = whole.indexOf("\0");
  return end < 0 ? whole : whole.slice(0, end + 1);
}

/** proc_mem_open(): a process that has ended has no memory. */
function hasMemory(task: Task): number {
  return task.state === "dead" ? -ESRCH : 0;
}

/** Reads and writes another process's memory at an address. */
function memoryFile(task: Task): ProcTextOptions {
  return {
    mayOpen: () => hasMemory(task),
    pread: (into, offset) => {
      if (into.length === 0) return 0;
      const count = task.mm.readPart(offset, into);
      return count > 0 ? count : -EIO;
    },
  };
}

function auxvOptions(task: Task): ProcTextOptions {
  return {
    mayOpen: () => hasMemory(task),
    pread: (into, offset) => {
      const part = task.auxv.subarray(Math.min(offset, task.auxv.length), offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** One name of a process directory. */
interface Entry {
  readonly mode: number;
  /** Only in /proc/PID, not in task/TID, or the other way round. */
  readonly only?: "process" | "thread";
  /** `thread`: the file is in task/TID. */
  make(task: Task, procfs: Procfs, thread: boolean): ProcTextOptions;
}

/** A text of the task; -ESRCH once it is gone. */
function text(mode: number, read: (task: Task, procfs: Procfs) => ProcContent, only?: Entry["only"]): Entry {
  const make = (task: Task, procfs: Procfs) => ({ read: () => (procfs.alive(task) ? read(task, procfs) : -ESRCH) });
  return only === undefined ? { mode, make } : { mode, make, only };
}

function setting(
  mode: number,
  read: (task: Task, procfs: Procfs) => ProcContent,
  write: (task: Task, value: string, procfs: Procfs) => number,
): Entry {
  return {
    mode,
    make: (task, procfs) => ({
      read: () => (procfs.alive(task) ? read(task, procfs) : -ESRCH),
      write: (value) => write(task, value, procfs),
    }),
  };
}

function writer(procfs: Procfs, task: Task): Task {
  return procfs.kernel.current ?? task;
}

/** The first user namespace: all ids as they are. */
const ALL_IDS = `${"0".padStart(10)} ${"0".padStart(10)} ${"4294967295".padStart(10)}\n`;
/** No login was ever noted (audit). */
const UNSET_ID = "4294967295";
const DEFAULT_TIMER_SLACK_NS = 50_000;

/** Takes one whole number, as such files do; nothing can be read. */
function command(run: (task: Task, value: number) => number): Entry {
  return {
    mode: 0o200,
    only: "process",
    make: (task) => ({
      write: (value) => {
        const number = parseInteger(value);
        return number === undefined ? -EINVAL : run(task, number);
      },
    }),
  };
}

const FILES: Readonly<Record<string, Entry>> = {
  arch_status: text(0o444, () => ""),
  autogroup: text(0o644, (task) => `/autogroup-${task.group.sid} nice 0\n`, "process"),
  auxv: { mode: 0o400, make: auxvOptions },
  cgroup: text(0o444, () => "0::/\n"),
  children: text(0o444, childrenText, "thread"),
  clear_refs: command((task, kind) => clearRefs(task.mm, kind)),
  cmdline: text(0o444, (task) => cmdline(task.mm)),
  cpuset: text(0o444, () => "/\n"),
  comm: setting(
    0o644,
    (task) => `${task.comm}\n`,
    (task, value) => {
      task.comm = value.slice(0, 15);
      return 0;
    },
  ),
  coredump_filter: text(0o644, () => "00000033\n", "process"),
  environ: {
    mode: 0o400,
    make: (task) => ({
      mayOpen: () => hasMemory(task),
      read: () => memoryText(task.mm, task.mm.envStart, task.mm.envEnd),
    }),
  },
  gid_map: text(0o644, () => ALL_IDS),
  io: { mode: 0o400, make: (task, _procfs, thread) => ({ read: () => (thread ? task : task.group).io.text() }) },
  limits: text(0o444, limitsText),
  loginuid: text(0o644, () => UNSET_ID, "process"),
  maps: text(0o444, (task) => (after) => (task.state === "dead" ? [] : mapsRecords(task.mm, after))),
  mem: { mode: 0o600, make: memoryFile },
  mountinfo: text(0o444, (task) => mountInfoText(task.kernel.vfs)),
  mounts: text(0o444, (task) => mountsText(task.kernel.vfs)),
  mountstats: text(0o400, (task) => mountStatsText(task.kernel.vfs), "process"),
  oom_adj: setting(
    0o644,
    (task, procfs) => `${procfs.oom.oldAdjustment(task.group)}\n`,
    (task, value, procfs) => {
      const number = parseInteger(value);
      return number === undefined ? -EINVAL : procfs.oom.setOldAdjustment(task.group, number, writer(procfs, task));
    },
  ),
  oom_score: text(0o444, (task, procfs) => `${procfs.oom.score(task)}\n`),
  oom_score_adj: setting(
    0o644,
    (task, procfs) => `${procfs.oom.scoreAdjustment(task.group)}\n`,
    (task, value, procfs) => {
      const number = parseInteger(value);
      return number === undefined ? -EINVAL : procfs.oom.setScoreAdjustment(task.group, number, writer(procfs, task));
    },
  ),
  pagemap: {
    mode: 0o400,
    make: (task, procfs) => ({
      pread: (into, offset) => readPagemap(task.mm, into, offset, isPrivileged(writer(procfs, task).creds)) ?? -EINVAL,
    }),
  },
  personality: text(0o400, (task) => `${task.personality.toString(16).padStart(8, "0")}\n`),
  projid_map: text(0o644, () => ALL_IDS),
  sched: text(0o644, schedText),
  schedstat: text(0o444, (task) => `${task.userNs} 0 ${task.userNs === 0 ? 0 : 1}\n`),
  sessionid: text(0o444, () => UNSET_ID),
  setgroups: text(0o644, () => "allow\n", "process"),
  smaps: text(0o444, (task) => (after) => (task.state === "dead" ? [] : smapsRecords(task.mm, after))),
  smaps_rollup: text(0o444, (task) => smapsRollup(task.mm)),
  stat: text(0o444, (task) => statText(task, true)),
  statm: text(0o444, statmText),
  status: text(0o444, statusText),
  syscall: text(0o400, syscallText),
  timens_offsets: text(0o644, () => "monotonic           0         0\nboottime            0         0\n", "process"),
  timers: text(0o444, timersText, "process"),
  timerslack_ns: setting(
    0o666,
    (task) => `${task.timerSlackNs}\n`,
    (task, value) => {
      const number = parseInteger(value);
      if (number === undefined || number < 0) return -EINVAL;
      task.timerSlackNs = number === 0 ? DEFAULT_TIMER_SLACK_NS : number;
      return 0;
    },
  ),
  uid_map: text(0o644, () => ALL_IDS),
  wchan: text(0o444, () => "0"),
};

/** Files that a generation lacks: smaps_rollup came with 4.14, oom_score_adj with 2.6.36. */
function present(name: string, procfs: Procfs, thread: boolean): boolean {
  const { only } = FILES[name];
  if (only !== undefined && (only === "thread") !== thread) return false;
  const { oomScore } = procfs.kernel.generation.procfs;
  if (name === "smaps_rollup") return oomScore === "pages";
  return name !== "oom_score_adj" || oomScore !== "badness";
}

/** Links with their targets. */
const LINKS: Readonly<Record<string, (task: Task) => Dentry | number>> = {
  cwd: (task) => task.fs.cwd,
  exe: (task) => task.kernel.exeOf(task.mm)?.dentry ?? -ENOENT,
  root: (task) => task.fs.root,
};

export class TaskDirectory extends ProcDirectory {
  readonly #procfs: Procfs;
  readonly #task: Task;
  readonly #thread: boolean;

  /** `thread`: this is task/TID. */
  constructor(sb: SuperBlock, procfs: Procfs, task: Task, thread: boolean) {
    const key = `${task.tid}${thread ? "/task" : ""}`;
    super(sb, 0o555, { ...procfs.ownedBy(task), ino: procfs.ino(key), nlink: thread ? 6 : 9 });
    this.#procfs = procfs;
    this.#task = task;
    this.#thread = thread;
  }

  override names(): readonly string[] {
    const files = Object.keys(FILES).filter((name) => present(name, this.#procfs, this.#thread));
    const directories = this.#thread ? ["fd", "fdinfo", "ns"] : ["fd", "fdinfo", "ns", "task"];
    return [...directories, ...files, ...Object.keys(LINKS)];
  }

  override lookup(name: string): Inode | number {
    const task = this.#task;
    if (!this.#procfs.alive(task)) return -ENOENT;
    const init = { ...this.#procfs.ownedBy(task), ino: this.#procfs.ino(`${task.tid}/${this.#thread}/${name}`) };
    if (name === "fd" || name === "fdinfo") return new FdDirectory(this.sb, this.#procfs, task, name, init.ino);
    if (name === "ns") return this.#namespaces(init);
    if (name === "task" && !this.#thread) return new ThreadsDirectory(this.sb, this.#procfs, task, init.ino);
    const link = Object.hasOwn(LINKS, name) ? LINKS[name] : undefined;
    if (link !== undefined)
      return new MagicLink(
        this.sb,
        0o777,
        () => link(task),
        () => this.#procfs.viewRoot(),
        init,
      );
    const entry = Object.hasOwn(FILES, name) && present(name, this.#procfs, this.#thread) ? FILES[name] : undefined;
    if (entry === undefined) return -ENOENT;
    return new ProcText(this.sb, entry.mode, {
      ...init,
      ofTask: true,
      ...entry.make(task, this.#procfs, this.#thread),
    });
  }

  /** Links that name the namespaces; there is one of each kind. */
  #namespaces(init: InodeInit): Inode {
    const entries = new Map<string, () => Inode>();
    for (const name of NAMESPACE_NAMES) {
      const ino = this.#procfs.ino(`${this.#task.tid}/ns/${name}`);
      entries.set(name, () => new ProcLink(this.sb, () => namespaceText(name), { ...init, ino }));
    }
    return new ProcTable(this.sb, 0o511, entries, init);
  }
}

class ThreadsDirectory extends ProcDirectory {
  readonly #procfs: Procfs;
  readonly #task: Task;

  constructor(sb: SuperBlock, procfs: Procfs, task: Task, ino: number) {
    super(sb, 0o555, { ...procfs.ownedBy(task), ino, nlink: 2 + task.group.liveTasks().length });
    this.#procfs = procfs;
    this.#task = task;
  }

  override names(): readonly string[] {
    return [...this.#task.group.tasks.keys()].sort((a, b) => a - b).map(String);
  }

  override lookup(name: string): Inode | number {
    const task = this.#task.group.tasks.get(Number(name));
    if (task === undefined || String(task.tid) !== name) return -ENOENT;
    return new TaskDirectory(this.sb, this.#procfs, task, true);
  }
}

/** fd/ and fdinfo/. The descriptors are those of the moment of each look. */
class FdDirectory extends ProcDirectory {
  readonly #procfs: Procfs;
  readonly #task: Task;
  readonly #kind: "fd" | "fdinfo";

  constructor(sb: SuperBlock, procfs: Procfs, task: Task, kind: "fd" | "fdinfo", ino: number) {
    super(sb, kind === "fd" ? 0o500 : 0o555, { ...procfs.ownedBy(task), ino });
    this.#procfs = procfs;
    this.#task = task;
    this.#kind = kind;
  }

  /** Since 6.2 the size of fd/ is the number of descriptors. */
  override get size(): number {
    return this.#kind === "fd" && this.#procfs.kernel.generation.procfs.statFields === 52 ? this.names().length : 0;
  }

  override names(): readonly string[] {
    return [...this.#task.files.entries()].map(([fd]) => String(fd));
  }

  override lookup(name: string): Inode | number {
    const fd = Number(name);
    const task = this.#task;
    const file = /^(0|[1-9]\d*)$/.test(name) ? task.files.get(fd) : undefined;
    if (file === undefined) return -ENOENT;
    const init = { ...this.#procfs.ownedBy(task), ino: this.#procfs.ino(`${task.tid}/${this.#kind}/${name}`) };
    if (this.#kind === "fdinfo") {
      return new ProcText(this.sb, 0o400, { ...init, ofTask: true, read: () => fdinfoText(task, fd, file) });
    }
    const mode = 0o100 | (file.readable ? 0o400 : 0) | (file.writable ? 0o200 : 0);
    const target = () => task.files.get(fd)?.dentry ?? -ENOENT;
    return new MagicLink(this.sb, mode, target, () => this.#procfs.viewRoot(), init);
  }
}

function fdinfoText(task: Task, fd: number, file: File): string {
  const flags = file.flags | (task.files.closeOnExec(fd) ? O_CLOEXEC : 0);
  const mount = task.kernel.vfs.mountOf(file.dentry);
  const mountId = file instanceof PipeFile ? 14 : mount.id;
  return `pos:\t${file.offset}\nflags:\t0${(flags >>> 0).toString(8)}\nmnt_id:\t${mountId}\nino:\t${file.inode.ino}\n`;
}
