/** timerfd_create(2) and its family. */
import { EINVAL, EPERM } from "../src/abi/errno.ts";
import { O_CLOEXEC, O_NONBLOCK } from "../src/abi/fcntl.ts";
import {
  CLOCK_BOOTTIME,
  CLOCK_BOOTTIME_ALARM,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM,
} from "../src/abi/time.ts";
import { isPrivileged } from "../src/kernel/credentials.ts";
import type { Task } from "../src/kernel/task.ts";
import { readTimespec, type TimeWidth, timespecSize } from "../src/kernel/time-values.ts";
import { TimerFile } from "../src/kernel/timer-file.ts";
import { fd, flagsOf } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { fileOf, installFile } from "./io.ts";
import type { NameTable } from "./strace-text.ts";
import { itimer } from "./struct-text.ts";
import { clockid } from "./time.ts";
import { writeItimerspec } from "./timers.ts";

const TFD_TIMER_ABSTIME = 1;
const TFD_TIMER_CANCEL_ON_SET = 2;

const CREATE_FLAGS: NameTable = [
  [O_CLOEXEC, "TFD_CLOEXEC"],
  [O_NONBLOCK, "TFD_NONBLOCK"],
];
const SET_FLAGS: NameTable = [
  [TFD_TIMER_ABSTIME, "TFD_TIMER_ABSTIME"],
  [TFD_TIMER_CANCEL_ON_SET, "TFD_TIMER_CANCEL_ON_SET"],
];

const CLOCKS: readonly number[] = [
  CLOCK_REALTIME,
  CLOCK_MONOTONIC,
  CLOCK_BOOTTIME,
  CLOCK_REALTIME_ALARM,
  CLOCK_BOOTTIME_ALARM,
];

export const timerfdCreate = defineSyscall(
  "timerfd_create",
  [clockid("clockid"), flagsOf("flags", CREATE_FLAGS, "TFD_???")],
  (task, clock, flags) => {
    if (flags & ~(O_CLOEXEC | O_NONBLOCK) || !CLOCKS.includes(clock)) return -EINVAL;
    if ((clock === CLOCK_REALTIME_ALARM || clock === CLOCK_BOOTTIME_ALARM) && !isPrivileged(task.creds)) return -EPERM;
    return installFile(task, new TimerFile(task.kernel, clock, flags), (flags & O_CLOEXEC) !== 0);
  },
  { support: "full" },
);

function timerFile(task: Task, number: number): TimerFile | number {
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  return file instanceof TimerFile ? file : -EINVAL;
}

function settime(width: TimeWidth) {
  return (task: Task, number: number, flags: number, newValue: number, oldValue: number): number => {
    const interval = readTimespec(task, newValue, width);
    if (typeof interval === "number") return interval;
    const value = readTimespec(task, newValue + timespecSize(task.abi, width), width);
    if (typeof value === "number") return value;
    if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) return -EINVAL;
    const file = timerFile(task, number);
    if (typeof file === "number") return file;
    const old = file.set(value, interval, (flags & TFD_TIMER_ABSTIME) !== 0);
    return oldValue === 0 ? 0 : writeItimerspec(task, oldValue, old, width);
  };
}

function gettime(width: TimeWidth) {
  return (task: Task, number: number, address: number): number => {
    const file = timerFile(task, number);
    return typeof file === "number" ? file : writeItimerspec(task, address, file.remaining(), width);
  };
}

const settimeArgs = (width: TimeWidth) =>
  [
    fd(),
    flagsOf("flags", SET_FLAGS, "TFD_???"),
    itimer("new_value", "entry", "spec", width),
    itimer("old_value", "exit", "spec", width),
  ] as const;

const PARTIAL = { support: "partial", note: "TFD_TIMER_CANCEL_ON_SET is accepted and ignored" } as const;

export const timerfdSettime = defineSyscall("timerfd_settime", settimeArgs("native"), settime("native"), PARTIAL);
export const timerfdSettime64 = defineSyscall("timerfd_settime64", settimeArgs("64"), settime("64"), PARTIAL);
export const timerfdGettime = defineSyscall(
  "timerfd_gettime",
  [fd(), itimer("curr_value", "exit", "spec")],
  gettime("native"),
  { support: "full" },
);
export const timerfdGettime64 = defineSyscall(
  "timerfd_gettime64",
  [fd(), itimer("curr_value", "exit", "spec", "64")],
  gettime("64"),
  { support: "full" },
);
