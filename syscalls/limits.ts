/** Resource limits and usage: prlimit(2), getrlimit(2), getrusage(2). */
import { EFAULT, EINVAL, EPERM, ESRCH } from "../src/abi/errno.ts";
import {
  RLIM_INFINITY,
  RLIM_NLIMITS,
  RLIMIT_CPU,
  RLIMIT_NAMES,
  RLIMIT_NOFILE,
  RUSAGE_CHILDREN,
  RUSAGE_SELF,
  RUSAGE_THREAD,
} from "../src/abi/resource.ts";
import { watchCpuLimit } from "../src/kernel/cpu-limit.ts";
import { isPrivileged } from "../src/kernel/credentials.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import type { Rlimit } from "../src/kernel/rlimits.ts";
import type { Task } from "../src/kernel/task.ts";
import { enumOf, int, pointerTo } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { rusageBytes, rusageText } from "./rusage.ts";
import { type NameTable, peek } from "./strace-text.ts";

const RESOURCES: NameTable = RLIMIT_NAMES.map((name, number) => [number, `RLIMIT_${name}`] as const);
const FULL = { support: "full" } as const;
/** fs.nr_open: RLIMIT_NOFILE goes no higher. */
const NR_OPEN = 1048576;

/** How a limit lies in memory: 64 bits (prlimit64), a long (setrlimit), or a long where more than 2^31-1 is cut (old getrlimit). */
type Form = "64" | "long" | "old";

function limitSize(task: Task, form: Form): number {
  return form === "64" || task.abi === "amd64" ? 8 : 4;
}

function readLimit(task: Task, address: number, form: Form): Rlimit | number {
  const size = limitSize(task, form);
  const bytes = new Uint8Array(2 * size);
  if (task.mm.read(address, bytes) < 0) return -EFAULT;
  const from = new FrameReader(bytes);
  return { cur: decodeLimit(from, 0, size), max: decodeLimit(from, size, size) };
}

function decodeLimit(from: FrameReader, at: number, size: number): number {
  if (size === 4) return from.u32(at) === 0xffff_ffff ? RLIM_INFINITY : from.u32(at);
  return from.u32(at) === 0xffff_ffff && from.u32(at + 4) === 0xffff_ffff ? RLIM_INFINITY : from.u64(at);
}

function writeLimit(task: Task, address: number, limit: Rlimit, form: Form): number {
  const size = limitSize(task, form);
  const out = new FrameWriter(2 * size);
  [limit.cur, limit.max].forEach((value, i) => {
    if (size === 8) {
      if (value === RLIM_INFINITY) out.pair(8 * i, -1, -1);
      else out.u64(8 * i, value);
    } else {
      const most = form === "old" ? 0x7fff_ffff : 0xffff_ffff;
      out.u32(4 * i, Math.min(value, most));
    }
  });
  return task.mm.write(address, out.bytes) < 0 ? -EFAULT : 0;
}

/** do_prlimit(). */
function setLimit(task: Task, target: Task, resource: number, limit: Rlimit): number {
  if (limit.cur > limit.max) return -EINVAL;
  if (resource === RLIMIT_NOFILE && limit.max > NR_OPEN) return -EPERM;
  if (limit.max > target.group.rlimits.get(resource).max && !isPrivileged(task.creds)) return -EPERM;
  target.group.rlimits.set(resource, limit);
  if (resource === RLIMIT_CPU) watchCpuLimit(target.group);
  return 0;
}

/** rlim_t: powers of two as `8192*1024`, infinity by name (strace resource.c, sprint_rlim64). */
function rlimText(value: number, name: string): string {
  if (value === RLIM_INFINITY) return name;
  return value > 1024 && value % 1024 === 0 ? `${value / 1024}*1024` : String(value);
}

function limitText(address: number, call: CallView, form: Form): string | undefined {
  const size = form === "64" || call.abi === "amd64" ? 8 : 4;
  const bytes = peek(call.task, address, 2 * size);
  if (bytes === undefined) return undefined;
  const from = new FrameReader(bytes);
  const infinity = size === 8 ? "RLIM64_INFINITY" : "RLIM_INFINITY";
  const show = (at: number) => rlimText(decodeLimit(from, at, size), infinity);
  return `{rlim_cur=${show(0)}, rlim_max=${show(size)}}`;
}

const limitArgument = (name: string, when: "entry" | "exit", form: Form) =>
  pointerTo(name, when, (address, call) => limitText(address, call, form));
const resourceArgument = enumOf("resource", RESOURCES, "RLIMIT_???");

export const prlimit64 = defineSyscall(
  "prlimit64",
  [int("pid"), resourceArgument, limitArgument("new_limit", "entry", "64"), limitArgument("old_limit", "exit", "64")],
  (task, pid, resource, newLimit, oldLimit) => {
    if (resource < 0 || resource >= RLIM_NLIMITS) return -EINVAL;
    let limit: Rlimit | undefined;
    if (newLimit !== 0) {
      const given = readLimit(task, newLimit, "64");
      if (typeof given === "number") return given;
      limit = given;
    }
    const target = pid === 0 ? task : task.kernel.tasks.get(pid);
    if (target === undefined) return -ESRCH;
    if (target.group !== task.group && !isPrivileged(task.creds) && target.creds.uid !== task.creds.uid) return -EPERM;
    const old = target.group.rlimits.get(resource);
    if (limit !== undefined) {
      const result = setLimit(task, target, resource, limit);
      if (result < 0) return result;
    }
    return oldLimit === 0 ? 0 : writeLimit(task, oldLimit, old, "64");
  },
  FULL,
);

function getLimit(task: Task, resource: number, address: number, form: Form): number {
  if (resource < 0 || resource >= RLIM_NLIMITS) return -EINVAL;
  return writeLimit(task, address, task.group.rlimits.get(resource), form);
}

export const getrlimit = defineSyscall(
  "getrlimit",
  [resourceArgument, limitArgument("rlim", "exit", "long")],
  (task, resource, address) => getLimit(task, resource, address, "long"),
  FULL,
);
/** i386's first getrlimit: values above 2^31-1 are cut. */
export const oldGetrlimit = defineSyscall(
  "getrlimit",
  [resourceArgument, limitArgument("rlim", "exit", "old")],
  (task, resource, address) => getLimit(task, resource, address, "old"),
  FULL,
);
export const ugetrlimit = defineSyscall(
  "ugetrlimit",
  [resourceArgument, limitArgument("rlim", "exit", "long")],
  (task, resource, address) => getLimit(task, resource, address, "long"),
  FULL,
);
export const setrlimit = defineSyscall(
  "setrlimit",
  [resourceArgument, limitArgument("rlim", "entry", "long")],
  (task, resource, address) => {
    const limit = readLimit(task, address, "long");
    if (typeof limit === "number") return limit;
    if (resource < 0 || resource >= RLIM_NLIMITS) return -EINVAL;
    return setLimit(task, task, resource, limit);
  },
  FULL,
);

const WHO: NameTable = [
  [RUSAGE_SELF, "RUSAGE_SELF"],
  [RUSAGE_CHILDREN, "RUSAGE_CHILDREN"],
  [RUSAGE_THREAD, "RUSAGE_THREAD"],
];

export const getrusage = defineSyscall(
  "getrusage",
  [enumOf("who", WHO, "RUSAGE_???"), pointerTo("usage", "exit", rusageText)],
  (task, who, address) => {
    const { group, mm } = task;
    const maxRssKb = mm.hiwaterRss * 4;
    const { minorFaults, majorFaults } = mm;
    let bytes: Uint8Array;
    if (who === RUSAGE_SELF) {
      bytes = rusageBytes(task.abi, { userNs: group.runningUserNs, minorFaults, majorFaults, maxRssKb });
    } else if (who === RUSAGE_THREAD) {
      bytes = rusageBytes(task.abi, { userNs: task.userNs, minorFaults, majorFaults, maxRssKb });
    } else if (who === RUSAGE_CHILDREN) {
      bytes = rusageBytes(task.abi, { ...group.reaped, maxRssKb: group.reaped.maxRssPages * 4 });
    } else return -EINVAL;
    return task.mm.write(address, bytes) < 0 ? -EFAULT : 0;
  },
  { support: "partial", note: "context switches, signals and block operations are 0; faults are those of the process" },
);
