/** The /proc file system of one kernel (proc(5)): everything is made when it is looked at, nothing is kept but inode numbers. */
import { EIO, ENOENT } from "../../abi/errno.ts";
import { makeDev, PROC_SUPER_MAGIC, SYSFS_MAGIC } from "../../abi/stat.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { type Inode, type InodeInit, SuperBlock } from "../../vfs/inode.ts";
import { isPrivileged } from "../credentials.ts";
import type { Kernel } from "../kernel.ts";
import { mountDevpts } from "../pty/devpts.ts";
import type { Task } from "../task.ts";
import { type CpuIdentity, cpuinfoText } from "./cpuinfo.ts";
import { type ProcContent, ProcDirectory, ProcLink, ProcTable, ProcText } from "./nodes.ts";
import { OomScores } from "./oom.ts";
import { TaskDirectory } from "./process.ts";
import { SETTINGS, settingMode, settingOptions } from "./sysctl.ts";
import { SYSTEM_FILES } from "./system.ts";
import { SYSVIPC_FILES } from "./sysvipc.ts";

/** PROC_DYNAMIC_FIRST: numbers of the nodes that exist from the start. */
const FIRST_STATIC_INO = 0xf000_0000;

export class Procfs {
  readonly kernel: Kernel;
  readonly oom: OomScores;
  readonly sb: SuperBlock;
  readonly #cpu: CpuIdentity | undefined;
  readonly #inos = new Map<string, number>();

  constructor(kernel: Kernel, cpu: CpuIdentity | undefined) {
    this.kernel = kernel;
    this.oom = new OomScores(kernel);
    this.#cpu = cpu;
    this.sb = new SuperBlock(kernel.vfs.context, "proc", makeDev(0, 21), PROC_SUPER_MAGIC, 10000);
    this.#inos.set("self", FIRST_STATIC_INO);
    this.#inos.set("thread-self", FIRST_STATIC_INO + 1);
  }

  /** The inode number of a node: the same at each look. */
  ino(key: string): number {
    let number = this.#inos.get(key);
    if (number === undefined) {
      number = this.sb.nextIno();
      this.#inos.set(key, number);
    }
    return number;
  }

  /** Owner of a task's files: its effective ids while it is dumpable (task_dump_owner()). */
  ownedBy(task: Task): InodeInit {
    const open = task.group.dumpable === 1 || isPrivileged(task.creds);
    return open ? { uid: task.creds.euid, gid: task.creds.egid } : { uid: 0, gid: 0 };
  }

  alive(task: Task): boolean {
    return this.kernel.tasks.get(task.tid) === task;
  }

  /** The root that link texts are relative to: the reader's. */
  viewRoot(): Dentry | undefined {
    return this.kernel.current?.fs.root;
  }

  /** The root directory, to be mounted on /proc. */
  root(): Dentry {
    return new Dentry("", undefined, new ProcRoot(this));
  }

  /** The entries with fixed names. */
  fixed(): Map<string, () => Inode> {
    const entries = new Map<string, () => Inode>();
    const text = (name: string, read: () => ProcContent) =>
      entries.set(name, () => new ProcText(this.sb, 0o444, { ino: this.ino(name), mapError: -EIO, read }));
    const { kernel } = this;
    for (const [name, read] of Object.entries(SYSTEM_FILES)) text(name, () => read(kernel));
    const cpu = this.#cpu;
    if (cpu !== undefined) {
      text("cpuinfo", () => cpuinfoText(cpu, kernel.config.cpuCount, kernel.generation.kernelBits));
    }
    const self = (): number | undefined => kernel.current?.pid;
    const link = (name: string, target: () => string | number) =>
      entries.set(name, () => new ProcLink(this.sb, target, { ino: this.ino(name) }));
    link("self", () => self()?.toString() ?? -ENOENT);
    link("mounts", () => "self/mounts");
    if (kernel.generation.procfs.statFields === 52) {
      link("thread-self", () => (kernel.current ? `${self()}/task/${kernel.current.tid}` : -ENOENT));
    }
    entries.set("sys", () => this.#sysctlDirectory(""));
    entries.set("sysvipc", () => this.#sysvipcDirectory());
    return entries;
  }

  #sysvipcDirectory(): Inode {
    const entries = new Map<string, () => Inode>();
    for (const [name, read] of Object.entries(SYSVIPC_FILES)) {
      const init = { ino: this.ino(`sysvipc/${name}`), mapError: -EIO, read: () => read(this.kernel) };
      entries.set(name, () => new ProcText(this.sb, 0o444, init));
    }
    return new ProcTable(this.sb, 0o555, entries, { ino: this.ino("sysvipc") });
  }

  /** A directory of /proc/sys; `prefix` is its path with a slash at the end, or "". */
  #sysctlDirectory(prefix: string): Inode {
    const entries = new Map<string, () => Inode>();
    for (const [path, setting] of Object.entries(SETTINGS)) {
      if (!path.startsWith(prefix)) continue;
      const [name, ...rest] = path.slice(prefix.length).split("/");
      const init = { ino: this.ino(`sys/${prefix}${name}`) };
      if (rest.length > 0) entries.set(name, () => this.#sysctlDirectory(`${prefix}${name}/`));
      else {
        const options = settingOptions(this.kernel, setting);
        entries.set(name, () => new ProcText(this.sb, settingMode(setting), { ...init, ...options }));
      }
    }
    return new ProcTable(this.sb, 0o555, entries, { ino: this.ino(`sys/${prefix}`), nlink: 1 });
  }
}

class ProcRoot extends ProcDirectory {
  readonly #procfs: Procfs;
  readonly #fixed: ReadonlyMap<string, () => Inode>;

  constructor(procfs: Procfs) {
    super(procfs.sb, 0o555, { ino: 1 });
    this.#procfs = procfs;
    this.#fixed = procfs.fixed();
  }

  override names(): readonly string[] {
    const pids = [...this.#procfs.kernel.groups.keys()].sort((a, b) => a - b).map(String);
    return [...this.#fixed.keys(), ...pids];
  }

  override lookup(name: string): Inode | number {
    const fixed = this.#fixed.get(name);
    if (fixed !== undefined) return fixed();
    // Threads can be looked up by their tid too, they are only not listed.
    const task = /^[1-9]\d*$/.test(name) ? this.#procfs.kernel.tasks.get(Number(name)) : undefined;
    return task === undefined ? -ENOENT : new TaskDirectory(this.sb, this.#procfs, task, false);
  }
}

/** The files of /sys that C libraries read: processors, and huge pages (madvise only). */
const SYS_FILES: readonly (readonly [path: string, text: (cpus: string) => string])[] = [
  ["devices/system/cpu/online", (cpus) => `${cpus}\n`],
  ["devices/system/cpu/possible", (cpus) => `${cpus}\n`],
  ["devices/system/cpu/present", (cpus) => `${cpus}\n`],
  ["devices/system/node/online", () => "0\n"],
  ["devices/system/node/possible", () => "0\n"],
  ["kernel/mm/transparent_hugepage/enabled", () => "always [madvise] never\n"],
  ["kernel/mm/transparent_hugepage/hpage_pmd_size", () => "2097152\n"],
];

/** A directory of /sys; `prefix` is its path with a slash at the end, or "". Its nodes are made at the first look. */
function sysDirectory(sb: SuperBlock, prefix: string, cpus: string): Inode {
  const entries = new Map<string, () => Inode>();
  for (const [path, text] of SYS_FILES) {
    if (!path.startsWith(prefix)) continue;
    const [name, ...rest] = path.slice(prefix.length).split("/");
    if (entries.has(name)) continue;
    let node: Inode | undefined;
    const make = () =>
      rest.length > 0
        ? sysDirectory(sb, `${prefix}${name}/`, cpus)
        : new ProcText(sb, 0o444, { read: () => text(cpus) });
    entries.set(name, () => {
      node ??= make();
      return node;
    });
  }
  return new ProcTable(sb, 0o555, entries);
}

/** Mounts /proc, and the little of /sys that is there, in the kernel's tree. */
export function mountProcfs(kernel: Kernel, cpu?: CpuIdentity): Procfs {
  const procfs = new Procfs(kernel, cpu);
  const options = "rw,nosuid,nodev,noexec,relatime";
  mountDevpts(kernel);
  kernel.vfs.mount("/proc", procfs.root(), { type: "proc", source: "proc", options, superOptions: "rw" });
  const sb = new SuperBlock(kernel.vfs.context, "sysfs", makeDev(0, 22), SYSFS_MAGIC);
  const { cpuCount } = kernel.config;
  const root = new Dentry("", undefined, sysDirectory(sb, "", cpuCount === 1 ? "0" : `0-${cpuCount - 1}`));
  kernel.vfs.mount("/sys", root, { type: "sysfs", source: "sysfs", options, superOptions: "rw" });
  return procfs;
}
