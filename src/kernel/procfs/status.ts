/** /proc/PID/status, stat, statm, limits (fs/proc/array.c, fs/proc/task_mmu.c, fs/proc/base.c). */
import {
  RLIMIT_AS,
  RLIMIT_CORE,
  RLIMIT_CPU,
  RLIMIT_DATA,
  RLIMIT_FSIZE,
  RLIMIT_LOCKS,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RSS,
  RLIMIT_RTPRIO,
  RLIMIT_RTTIME,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
} from "../../abi/resource.ts";
import type { AddressSpace } from "../../mm/address-space.ts";
import { isPrivileged } from "../credentials.ts";
import type { SignalSet } from "../signal-set.ts";
import type { Task } from "../task.ts";

const STATES = {
  runnable: "R (running)",
  sleeping: "S (sleeping)",
  stopped: "T (stopped)",
  dead: "Z (zombie)",
} as const;

/** All capabilities of a 6.x kernel (CAP_LAST_CAP 40), and of 2.6 (33). */
const ALL_CAPABILITIES = { modern: "000001ffffffffff", old: "ffffffffffffffff" } as const;

function setText(set: SignalSet): string {
  const half = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  return half(set.hi) + half(set.lo);
}

function pages(count: number): string {
  return `${String(count * 4).padStart(8)} kB`;
}

/** Pages of code: text of the program, and executable mappings of libraries. */
function codePages(mm: AddressSpace): { exe: number; lib: number } {
  const start = Math.floor(mm.startCode / 4096);
  const end = Math.ceil(mm.endCode / 4096);
  const exe = end - start;
  return { exe, lib: Math.max(0, mm.execVm - exe) };
}

/** `1-3,5`-style list of CPUs; all are allowed. */
function cpuList(count: number): string {
  return count === 1 ? "0" : `0-${count - 1}`;
}

/** Memory lines: in kB by key. A task without an address space (a zombie) has none. */
function memoryValue(mm: AddressSpace, key: string): string | undefined {
  switch (key) {
    case "VmPeak":
      return pages(mm.hiwaterVm);
    case "VmSize":
      return pages(mm.totalVm);
    case "VmLck":
      return pages(mm.lockedVm);
    case "VmPin":
      return pages(mm.pinnedVm);
    case "VmHWM":
      return pages(mm.hiwaterRss);
    case "VmRSS":
      return pages(mm.rss);
    case "RssAnon":
      return pages(mm.anonPages);
    case "RssFile":
      return pages(mm.filePages);
    case "RssShmem":
      return pages(mm.shmemPages);
    case "VmData":
      return pages(mm.vmData);
    case "VmStk":
      return pages(mm.stackVm);
    case "VmExe":
      return pages(codePages(mm).exe);
    case "VmLib":
      return pages(codePages(mm).lib);
    case "VmPTE":
      return pages(Math.floor(mm.pteBytes / 4096));
    case "VmSwap":
    case "HugetlbPages":
      return pages(0);
    case "CoreDumping":
      return "0";
    case "THP_enabled":
      return "1";
    case "untag_mask":
      return "0xffffffffffffffff";
    default:
      return undefined;
  }
}

function identityValue(task: Task, key: string): string | undefined {
  const { creds, group } = task;
  switch (key) {
    case "Name":
      return task.comm.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
    case "Umask":
      return task.fs.umask.toString(8).padStart(4, "0");
    case "State":
      return STATES[task.state];
    case "Tgid":
    case "NStgid":
      return String(group.pid);
    case "Pid":
    case "NSpid":
      return String(task.tid);
    case "PPid":
      return String(parentPid(task));
    case "NSpgid":
      return String(group.pgid);
    case "NSsid":
      return String(group.sid);
    case "Uid":
      return [creds.uid, creds.euid, creds.suid, creds.fsuid].join("\t");
    case "Gid":
      return [creds.gid, creds.egid, creds.sgid, creds.fsgid].join("\t");
    case "FDSize":
      return String(task.files.size);
    case "Groups":
      return `${creds.groups.join(" ")} `;
    default:
      return undefined;
  }
}

/** The parent's pid; the first process has the one that its machine names. */
export function parentPid(task: Task): number {
  return task.group.parent?.pid ?? task.kernel.config.parentPid;
}

function signalValue(task: Task, key: string): string | undefined {
  const { group } = task;
  switch (key) {
    case "Threads":
      return String(group.liveTasks().length);
    case "SigQ":
      return `${task.pending.length + group.pending.length}/${group.rlimits.get(RLIMIT_SIGPENDING).cur}`;
    case "SigPnd":
      return setText(task.pending.set);
    case "ShdPnd":
      return setText(group.pending.set);
    case "SigBlk":
      return setText(task.blocked);
    case "SigIgn":
      return setText(group.sighand.summary().ignored);
    case "SigCgt":
      return setText(group.sighand.summary().caught);
    default:
      return undefined;
  }
}

function otherValue(task: Task, key: string): string {
  const all = task.kernel.generation.procfs.statFields === 52 ? ALL_CAPABILITIES.modern : ALL_CAPABILITIES.old;
  const cpus = task.kernel.config.cpuCount;
  switch (key) {
    case "CapPrm":
    case "CapEff":
      return isPrivileged(task.creds) ? all : "0".repeat(16);
    case "CapBnd":
      return all;
    case "CapInh":
    case "CapAmb":
      return "0".repeat(16);
    case "NoNewPrivs":
      return task.noNewPrivs ? "1" : "0";
    case "Speculation_Store_Bypass":
      return "not vulnerable";
    case "SpeculationIndirectBranch":
      return "always enabled";
    case "Cpus_allowed":
      return ((1 << cpus) - 1).toString(16);
    case "Cpus_allowed_list":
      return cpuList(cpus);
    case "Mems_allowed":
      return "00000000,00000001";
    case "Mems_allowed_list":
      return "0";
    default:
      // Ngid, TracerPid, Kthread, Seccomp, Seccomp_filters, context switches
      return "0";
  }
}

export function statusText(task: Task): string {
  let text = "";
  for (const key of task.kernel.generation.procfs.status) {
    const memory = memoryValue(task.mm, key);
    if (memory !== undefined && task.state === "dead") continue;
    const value = memory ?? identityValue(task, key) ?? signalValue(task, key) ?? otherValue(task, key);
    text += `${key}:\t${value}\n`;
  }
  return text;
}

export function statmText(task: Task): string {
  const { mm } = task;
  if (task.state === "dead") return "0 0 0 0 0 0 0\n";
  const shared = mm.filePages + (mm.generation.hasRssShmem ? mm.shmemPages : 0);
  return `${mm.totalVm} ${mm.rss} ${shared} ${codePages(mm).exe} 0 ${mm.statmData} 0\n`;
}

/** Nanoseconds as clock ticks of USER_HZ. */
function ticks(ns: number): number {
  return Math.floor(ns / 10_000_000);
}

/** Controlling terminal of the session and its foreground group: 0 and -1 for none. */
const NO_TTY = [0, -1] as const;
/** PF_RANDOMIZE; the other bits are the kernel's own business. */
const TASK_FLAGS = 0x40_0000;
const EXIT_SIGNAL = 17;

/** One line of 44 or 52 fields (proc_pid_stat(5)). */
export function statText(task: Task, wholeGroup: boolean): string {
  const { mm, group, kernel } = task;
  const userNs = wholeGroup ? group.userNs : task.userNs;
  const dead = task.state === "dead";
  const reaped = group.reaped;
  const signals = [task.pending.set, task.blocked, group.sighand.summary().ignored, group.sighand.summary().caught];
  const rss = group.rlimits.get(RLIMIT_RSS).cur;
  const fields: (number | string)[] = [
    task.tid,
    `(${task.comm})`,
    STATES[task.state][0],
    parentPid(task),
    group.pgid,
    group.sid,
    ...NO_TTY,
    TASK_FLAGS,
    mm.minorFaults,
    reaped.minorFaults,
    mm.majorFaults,
    reaped.majorFaults,
    ticks(userNs),
    0,
    ticks(reaped.userNs),
    0,
    20 + task.nice,
    task.nice,
    group.liveTasks().length,
    0,
    ticks(group.startNs),
    dead ? 0 : mm.totalVm * 4096,
    dead ? 0 : mm.rss,
    Number.isFinite(rss) ? rss : kernel.generation.kernelBits === 64 ? "18446744073709551615" : "4294967295",
    ...(dead ? [0, 0, 0] : [mm.startCode, mm.endCode, mm.startStack]),
    0,
    0,
    ...signals.map((set) => set.lo & 0x7fffffff),
    0,
    0,
    0,
    EXIT_SIGNAL,
    0,
    0,
    0,
    0,
    0,
    0,
  ];
  if (kernel.generation.procfs.statFields === 52) {
    const { startData, endData, startBrk, argStart, argEnd, envStart, envEnd } = mm;
    fields.push(...(dead ? [0, 0, 0, 0, 0, 0, 0] : [startData, endData, startBrk, argStart, argEnd, envStart, envEnd]));
    fields.push(dead ? task.exitStatus : 0);
  }
  return `${fields.join(" ")}\n`;
}

const LIMITS: readonly (readonly [resource: number, name: string, unit: string])[] = [
  [RLIMIT_CPU, "Max cpu time", "seconds"],
  [RLIMIT_FSIZE, "Max file size", "bytes"],
  [RLIMIT_DATA, "Max data size", "bytes"],
  [RLIMIT_STACK, "Max stack size", "bytes"],
  [RLIMIT_CORE, "Max core file size", "bytes"],
  [RLIMIT_RSS, "Max resident set", "bytes"],
  [RLIMIT_NPROC, "Max processes", "processes"],
  [RLIMIT_NOFILE, "Max open files", "files"],
  [RLIMIT_MEMLOCK, "Max locked memory", "bytes"],
  [RLIMIT_AS, "Max address space", "bytes"],
  [RLIMIT_LOCKS, "Max file locks", "locks"],
  [RLIMIT_SIGPENDING, "Max pending signals", "signals"],
  [RLIMIT_MSGQUEUE, "Max msgqueue size", "bytes"],
  [RLIMIT_NICE, "Max nice priority", ""],
  [RLIMIT_RTPRIO, "Max realtime priority", ""],
  [RLIMIT_RTTIME, "Max realtime timeout", "us"],
];

export function limitsText(task: Task): string {
  const line = (name: string, soft: string, hard: string, unit: string) =>
    `${name.padEnd(25)} ${soft.padEnd(20)} ${hard.padEnd(20)} ${unit === "" ? "" : unit.padEnd(10)}\n`;
  const value = (limit: number) => (Number.isFinite(limit) ? String(limit) : "unlimited");
  let text = line("Limit", "Soft Limit", "Hard Limit", "Units");
  for (const [resource, name, unit] of LIMITS) {
    const { cur, max } = task.group.rlimits.get(resource);
    text += line(name, value(cur), value(max), unit);
  }
  return text;
}
