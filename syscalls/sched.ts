/** Scheduling: sched_yield(2), sched_getaffinity(2), getpriority(2). One CPU runs all tasks in turn. */
import { E2BIG, EACCES, EFAULT, EINVAL, EPERM, ESRCH } from "../src/abi/errno.ts";
import { RLIMIT_RTPRIO } from "../src/abi/resource.ts";
import { SCHED_DEADLINE, SCHED_EXT, SCHED_FIFO, SCHED_NAMES, SCHED_RESET_ON_FORK, SCHED_RR } from "../src/abi/sched.ts";
import { isPrivileged } from "../src/kernel/credentials.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import type { Task } from "../src/kernel/task.ts";
import { toTime, writeTimespec } from "../src/kernel/time-values.ts";
import { enumOf, int, pointer, pointerTo, sizeT } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { enumText, type NameTable, peek } from "./strace-text.ts";
import { timespec } from "./struct-text.ts";

const FULL = { support: "full" } as const;

export const schedYield = defineSyscall(
  "sched_yield",
  [],
  (task) => {
    task.kernel.scheduler.yield();
    return 0;
  },
  FULL,
);

function targetOf(task: Task, pid: number): Task | undefined {
  return pid === 0 ? task : task.kernel.tasks.get(pid);
}

/** Bytes of the kernel's cpumask: whole longs. */
function maskBytes(task: Task): number {
  const word = task.mm.wordSize;
  return Math.ceil(task.kernel.config.cpuCount / (8 * word)) * word;
}

/** `[0 1]`. */
function cpuSetText(address: number, call: CallView, size: number): string | undefined {
  const bytes = peek(call.task, address, size);
  if (bytes === undefined) return undefined;
  const cpus: number[] = [];
  bytes.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) cpus.push(8 * i + bit);
  });
  return `[${cpus.join(" ")}]`;
}

export const schedGetaffinity = defineSyscall(
  "sched_getaffinity",
  [
    int("pid"),
    sizeT("cpusetsize"),
    pointerTo("mask", "exit", (address, call) => cpuSetText(address, call, call.result ?? 0)),
  ],
  (task, pid, size, address) => {
    const { cpuCount } = task.kernel.config;
    if (size * 8 < cpuCount || size % task.mm.wordSize !== 0) return -EINVAL;
    if (targetOf(task, pid) === undefined) return -ESRCH;
    const length = Math.min(size, maskBytes(task));
    const mask = new Uint8Array(length);
    const { affinity } = targetOf(task, pid) ?? task;
    for (let cpu = 0; cpu < cpuCount; cpu++) {
      const bit = 1 << (cpu & 7);
      mask[cpu >> 3] |= affinity === undefined ? bit : affinity[cpu >> 3] & bit;
    }
    return task.mm.write(address, mask) < 0 ? -EFAULT : length;
  },
  FULL,
);

export const schedSetaffinity = defineSyscall(
  "sched_setaffinity",
  [
    int("pid"),
    sizeT("cpusetsize"),
    pointerTo("mask", "entry", (address, call) => cpuSetText(address, call, Math.min(Number(call.values[1]), 128))),
  ],
  (task, pid, size, address) => {
    const bytes = new Uint8Array(Math.min(size, maskBytes(task)));
    if (task.mm.read(address, bytes) < 0) return -EFAULT;
    const target = targetOf(task, pid);
    if (target === undefined) return -ESRCH;
    const own = task.creds.euid === target.creds.uid || task.creds.euid === target.creds.euid;
    if (!own && !isPrivileged(task.creds)) return -EPERM;
    const { cpuCount } = task.kernel.config;
    const mask = new Uint8Array(maskBytes(task));
    for (let cpu = 0; cpu < cpuCount; cpu++) mask[cpu >> 3] |= bytes[cpu >> 3] & (1 << (cpu & 7));
    if (mask.every((byte) => byte === 0)) return -EINVAL;
    target.affinity = mask;
    return 0;
  },
  { support: "partial", note: "kept; there is one CPU" },
);

export const schedGetscheduler = defineSyscall(
  "sched_getscheduler",
  [int("pid")],
  (task, pid) => {
    if (pid < 0) return -EINVAL;
    const target = targetOf(task, pid);
    return target === undefined ? -ESRCH : target.policy | (target.resetOnFork ? SCHED_RESET_ON_FORK : 0);
  },
  { support: "full", result: (value) => `${value} (${enumText(value, SCHED_NAMES, "SCHED_???")})` },
);

const paramText = (address: number, call: CallView): string | undefined => {
  const bytes = peek(call.task, address, 4);
  return bytes === undefined ? undefined : `[${new FrameReader(bytes).i32(0)}]`;
};

export const schedGetparam = defineSyscall(
  "sched_getparam",
  [int("pid"), pointerTo("param", "exit", paramText)],
  (task, pid, address) => {
    if (address === 0 || pid < 0) return -EINVAL;
    const target = targetOf(task, pid);
    if (target === undefined) return -ESRCH;
    return task.mm.writeU32(address, isRealtime(target.policy) ? target.rtPriority : 0) < 0 ? -EFAULT : 0;
  },
  FULL,
);

function isRealtime(policy: number): boolean {
  return policy === SCHED_FIFO || policy === SCHED_RR;
}

/** 4 was never used. SCHED_EXT (6.12) has bounds, but needs a scheduler that somebody loads. */
function knownPolicy(policy: number): boolean {
  return policy >= 0 && policy <= SCHED_EXT && policy !== 4;
}

/** __sched_setscheduler(): 0 or -errno. */
function change(task: Task, target: Task, policy: number, priority: number, resetOnFork: boolean): number {
  if (!knownPolicy(policy) || policy === SCHED_EXT || priority < 0 || priority > 99) return -EINVAL;
  // a deadline needs its parameters
  if (policy === SCHED_DEADLINE) return -EINVAL;
  if (isRealtime(policy) !== (priority !== 0)) return -EINVAL;
  if (!isPrivileged(task.creds)) {
    const limit = target.group.rlimits.get(RLIMIT_RTPRIO).cur;
    if (
      isRealtime(policy) &&
      ((policy !== target.policy && limit === 0) || priority > Math.max(limit, target.rtPriority))
    ) {
      return -EPERM;
    }
    if (task.creds.euid !== target.creds.uid && task.creds.euid !== target.creds.euid) return -EPERM;
    if (target.resetOnFork && !resetOnFork) return -EPERM;
  }
  target.policy = policy;
  target.rtPriority = priority;
  target.resetOnFork = resetOnFork;
  return 0;
}

function setPolicy(task: Task, pid: number, policy: number | undefined, address: number): number {
  if (address === 0 || pid < 0 || (policy !== undefined && policy < 0)) return -EINVAL;
  const priority = task.mm.readU32(address);
  if (priority < 0) return -EFAULT;
  const target = targetOf(task, pid);
  if (target === undefined) return -ESRCH;
  const wanted = policy === undefined ? target.policy : policy & ~SCHED_RESET_ON_FORK;
  const reset = policy === undefined ? target.resetOnFork : (policy & SCHED_RESET_ON_FORK) !== 0;
  return change(task, target, wanted, priority | 0, reset);
}

const policyArgument = enumOf("policy", SCHED_NAMES, "SCHED_???");
const SETS_NOTHING = { support: "partial", note: "kept, but all tasks get equal slices" } as const;

export const schedSetscheduler = defineSyscall(
  "sched_setscheduler",
  [int("pid"), policyArgument, pointerTo("param", "entry", paramText)],
  (task, pid, policy, address) => setPolicy(task, pid, policy, address),
  SETS_NOTHING,
);
export const schedSetparam = defineSyscall(
  "sched_setparam",
  [int("pid"), pointerTo("param", "entry", paramText)],
  (task, pid, address) => setPolicy(task, pid, undefined, address),
  SETS_NOTHING,
);

function priorityBound(policy: number, realtime: number): number {
  if (policy === SCHED_FIFO || policy === SCHED_RR) return realtime;
  return knownPolicy(policy) ? 0 : -EINVAL;
}

export const schedGetPriorityMax = defineSyscall(
  "sched_get_priority_max",
  [policyArgument],
  (_task, policy) => priorityBound(policy, 99),
  FULL,
);
export const schedGetPriorityMin = defineSyscall(
  "sched_get_priority_min",
  [policyArgument],
  (_task, policy) => priorityBound(policy, 1),
  FULL,
);

function rrInterval(width: "native" | "64") {
  return (task: Task, pid: number, address: number): number => {
    if (pid < 0) return -EINVAL;
    if (targetOf(task, pid) === undefined) return -ESRCH;
    return writeTimespec(task, address, toTime(task.kernel.config.sliceInstructions), width);
  };
}

export const schedRrGetInterval = defineSyscall(
  "sched_rr_get_interval",
  [int("pid"), timespec("tp", "exit")],
  rrInterval("native"),
  FULL,
);
export const schedRrGetIntervalTime64 = defineSyscall(
  "sched_rr_get_interval_time64",
  [int("pid"), timespec("tp", "exit", "64")],
  rrInterval("64"),
  FULL,
);

/** struct sched_attr: size, policy, flags, nice, priority, … */
const SCHED_ATTR_SIZE = 56;

export const schedGetattr = defineSyscall(
  "sched_getattr",
  [int("pid"), pointer("attr"), int("size"), int("flags")],
  (task, pid, address, size, flags) => {
    if (address === 0 || pid < 0 || size < 48 || size > 4096 || flags !== 0) return -EINVAL;
    const target = targetOf(task, pid);
    if (target === undefined) return -ESRCH;
    const out = new FrameWriter(Math.min(size, SCHED_ATTR_SIZE));
    out.u32(0, out.bytes.length);
    out.u32(4, target.policy);
    out.u64(8, target.resetOnFork ? 1 : 0);
    out.u32(16, isRealtime(target.policy) ? 0 : target.nice);
    out.u32(20, isRealtime(target.policy) ? target.rtPriority : 0);
    return task.mm.write(address, out.bytes) < 0 ? -EFAULT : 0;
  },
  { support: "partial", note: "strace's text shows addresses" },
);

/** SCHED_FLAG_ALL, and those that leave a part as it is. */
const KEEP_POLICY = 8;
const KEEP_PARAMS = 16;
const KNOWN_FLAGS = 0x7f;
const SCHED_ATTR_SIZE_VER0 = 48;

export const schedSetattr = defineSyscall(
  "sched_setattr",
  [int("pid"), pointer("attr"), int("flags")],
  (task, pid, address, flags) => {
    if (address === 0 || pid < 0 || flags !== 0) return -EINVAL;
    const size = task.mm.readU32(address);
    if (size < 0) return -EFAULT;
    const length = size === 0 ? SCHED_ATTR_SIZE_VER0 : size;
    if (length < SCHED_ATTR_SIZE_VER0 || length > 4096)
      return task.mm.writeU32(address, SCHED_ATTR_SIZE) < 0 ? -EFAULT : -E2BIG;
    const bytes = new Uint8Array(length);
    if (task.mm.read(address, bytes) < 0) return -EFAULT;
    if (bytes.subarray(SCHED_ATTR_SIZE).some((byte) => byte !== 0)) return -E2BIG;
    const from = new FrameReader(bytes);
    const [policy, bits] = [from.i32(4), from.u32(8)];
    if (policy < 0 || bits & ~KNOWN_FLAGS) return -EINVAL;
    const target = targetOf(task, pid);
    if (target === undefined) return -ESRCH;
    const wanted = bits & KEEP_POLICY ? target.policy : policy;
    const priority = bits & KEEP_PARAMS ? target.rtPriority : from.u32(20);
    const failed = change(task, target, wanted, priority, (bits & 1) !== 0);
    if (failed === 0 && !(bits & KEEP_PARAMS) && !isRealtime(wanted)) {
      target.nice = Math.max(-20, Math.min(19, from.i32(16)));
    }
    return failed;
  },
  { support: "partial", note: "kept, but all tasks get equal slices; no deadlines" },
);

const PRIO_NAMES: NameTable = [
  [0, "PRIO_PROCESS"],
  [1, "PRIO_PGRP"],
  [2, "PRIO_USER"],
];

function priorityTargets(task: Task, which: number, who: number): Task[] | number {
  const tasks = [...task.kernel.tasks.values()];
  switch (which) {
    case 0:
      return tasks.filter((other) => other.tid === (who === 0 ? task.tid : who));
    case 1:
      return tasks.filter((other) => other.group.pgid === (who === 0 ? task.group.pgid : who));
    case 2:
      return tasks.filter((other) => other.creds.uid === (who === 0 ? task.creds.uid : who));
    default:
      return -EINVAL;
  }
}

/** The kernel returns 20 - nice. */
export const getpriority = defineSyscall(
  "getpriority",
  [enumOf("which", PRIO_NAMES, "PRIO_???"), int("who")],
  (task, which, who) => {
    const targets = priorityTargets(task, which, who);
    if (typeof targets === "number") return targets;
    if (targets.length === 0) return -ESRCH;
    return 20 - Math.min(...targets.map((target) => target.nice));
  },
  FULL,
);

export const setpriority = defineSyscall(
  "setpriority",
  [enumOf("which", PRIO_NAMES, "PRIO_???"), int("who"), int("prio")],
  (task, which, who, prio) => {
    const targets = priorityTargets(task, which, who);
    if (typeof targets === "number") return targets;
    if (targets.length === 0) return -ESRCH;
    const nice = Math.max(-20, Math.min(19, prio));
    for (const target of targets) {
      if (nice < target.nice && !isPrivileged(task.creds)) return -EACCES;
      target.nice = nice;
    }
    return 0;
  },
  { support: "partial", note: "kept, but all tasks get equal slices" },
);

export const nice = defineSyscall(
  "nice",
  [int("inc")],
  (task, increment) => {
    const wanted = Math.max(-20, Math.min(19, task.nice + increment));
    if (wanted < task.nice && !isPrivileged(task.creds)) return -EPERM;
    task.nice = wanted;
    return 0;
  },
  { support: "partial", note: "kept, but all tasks get equal slices" },
);
