/** Clocks and sleeping: clock_gettime(2), gettimeofday(2), nanosleep(2), times(2). */
import { EFAULT, EINVAL, EOPNOTSUPP, EPERM } from "../src/abi/errno.ts";
import { CLOCK_NAMES, CLOCK_THREAD_CPUTIME_ID, NSEC_PER_SEC, TIMER_ABSTIME, USER_HZ } from "../src/abi/time.ts";
import {
  clockNow,
  clockResolution,
  deadlineOf,
  isReadOnlyClock,
  isSettable,
  isSleepable,
} from "../src/kernel/clock-ids.ts";
import { ERESTARTSYS } from "../src/kernel/control.ts";
import { isPrivileged } from "../src/kernel/credentials.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import { sleepUntil } from "../src/kernel/sleep.ts";
import type { Task } from "../src/kernel/task.ts";
import {
  readTimespec,
  readTimeval,
  type TimeWidth,
  toNs,
  toTime,
  writeTimespec,
  writeTimeval,
} from "../src/kernel/time-values.ts";
import { flagsOf, intAs, pointer, pointerTo } from "./codecs.ts";
import { type CallView, type Codec, defineSyscall } from "./define.ts";
import { addressText, enumText, type NameTable, peek } from "./strace-text.ts";
import { timespec, timespecAt, timeval } from "./struct-text.ts";

/** clockid_t: names, or the CPU clock of a process (`MAKE_PROCESS_CPUCLOCK`). */
function clockText(id: number): string {
  if (id >= 0) return enumText(id, CLOCK_NAMES, "CLOCK_???");
  const kind = ["CPUCLOCK_PROF", "CPUCLOCK_VIRT", "CPUCLOCK_SCHED"][id & 3] ?? String(id & 3);
  const maker = id & 4 ? "MAKE_THREAD_CPUCLOCK" : "MAKE_PROCESS_CPUCLOCK";
  return `${maker}(${~(id >> 3)}, ${kind})`;
}

export const clockid = (name: string) => intAs(name, clockText);

export const TIMER_FLAGS: NameTable = [[TIMER_ABSTIME, "TIMER_ABSTIME"]];
function getTime(width: TimeWidth) {
  return (task: Task, id: number, address: number): number => {
    const time = clockNow(task, id);
    return typeof time === "number" ? time : writeTimespec(task, address, time, width);
  };
}

export const clockGettime = defineSyscall(
  "clock_gettime",
  [clockid("clockid"), timespec("tp", "exit")],
  getTime("native"),
  { support: "full" },
);
export const clockGettime64 = defineSyscall(
  "clock_gettime64",
  [clockid("clockid"), timespec("tp", "exit", "64")],
  getTime("64"),
  { support: "full" },
);

function getResolution(width: TimeWidth) {
  return (task: Task, id: number, address: number): number => {
    const ns = clockResolution(task, id);
    if (ns < 0) return ns;
    return address === 0 ? 0 : writeTimespec(task, address, toTime(ns), width);
  };
}

export const clockGetres = defineSyscall(
  "clock_getres",
  [clockid("clockid"), timespec("res", "exit")],
  getResolution("native"),
  { support: "full" },
);
export const clockGetresTime64 = defineSyscall(
  "clock_getres_time64",
  [clockid("clockid"), timespec("res", "exit", "64")],
  getResolution("64"),
  { support: "full" },
);

function setTime(width: TimeWidth) {
  return (task: Task, id: number, address: number): number => {
    if (!isSettable(id)) return -EINVAL;
    const time = readTimespec(task, address, width);
    if (typeof time === "number") return time;
    if (!isPrivileged(task.creds)) return -EPERM;
    task.kernel.clock.setRealtime(time);
    return 0;
  };
}

const SET_NOTE = {
  support: "partial",
  note: "sets the guest's clock only; sleeps until absolute times are not moved",
} as const;
export const clockSettime = defineSyscall(
  "clock_settime",
  [clockid("clockid"), timespec("tp", "entry")],
  setTime("native"),
  SET_NOTE,
);
export const clockSettime64 = defineSyscall(
  "clock_settime64",
  [clockid("clockid"), timespec("tp", "entry", "64")],
  setTime("64"),
  SET_NOTE,
);

export const gettimeofday = defineSyscall(
  "gettimeofday",
  [timeval("tv", "exit"), pointerTo("tz", "exit", timezoneText)],
  (task, tv, tz) => {
    if (tv !== 0 && writeTimeval(task, tv, task.kernel.clock.realtime()) < 0) return -EFAULT;
    return tz !== 0 && task.mm.fill(tz, 8) < 0 ? -EFAULT : 0;
  },
  { support: "full" },
);

function timezoneText(address: number, call: CallView): string | undefined {
  const bytes = peek(call.task, address, 8);
  if (bytes === undefined) return undefined;
  const from = new FrameReader(bytes);
  return `{tz_minuteswest=${from.i32(0)}, tz_dsttime=${from.i32(4)}}`;
}

export const settimeofday = defineSyscall(
  "settimeofday",
  [timeval("tv", "entry"), pointerTo("tz", "entry", timezoneText)],
  (task, tv) => {
    if (tv === 0) return isPrivileged(task.creds) ? 0 : -EPERM;
    const time = readTimeval(task, tv);
    if (typeof time === "number") return time;
    if (time.usec < 0 || time.usec >= 1_000_000) return -EINVAL;
    if (!isPrivileged(task.creds)) return -EPERM;
    task.kernel.clock.setRealtime({ sec: time.sec, nsec: time.usec * 1000 });
    return 0;
  },
  { support: "partial", note: "the time zone is ignored" },
);

export const time = defineSyscall(
  "time",
  [
    pointerTo("tloc", "exit", (address, call) => {
      const bytes = peek(call.task, address, call.abi === "amd64" ? 8 : 4);
      if (bytes === undefined) return undefined;
      const from = new FrameReader(bytes);
      return `[${bytes.length === 8 ? from.i64(0) : from.i32(0)}]`;
    }),
  ],
  (task, address) => {
    const { sec } = task.kernel.clock.realtime();
    return address !== 0 && task.mm.writeWord(address, sec) < 0 ? -EFAULT : sec;
  },
  { support: "full" },
);

export const stime = defineSyscall(
  "stime",
  [pointer("t")],
  (task, address) => {
    const sec = task.mm.readU32(address);
    if (sec < 0) return sec;
    if (!isPrivileged(task.creds)) return -EPERM;
    task.kernel.clock.setRealtime({ sec, nsec: 0 });
    return 0;
  },
  { support: "full" },
);

/** The remaining time is written, and printed, only after an interruption. */
function remaining(name: string, width: TimeWidth = "native"): Codec<number> {
  return {
    ...pointer(name),
    when: "exit",
    format: (address, call, at) => {
      const interrupted = (call.result ?? 0) <= -ERESTARTSYS && address !== 0;
      return (interrupted ? timespecAt(call, address, width) : undefined) ?? addressText(call, at);
    },
  };
}

function sleep(width: TimeWidth) {
  return (task: Task, request: number, rem: number) => {
    const time = readTimespec(task, request, width);
    if (typeof time === "number") return time;
    return sleepUntil(task, task.kernel.clock.monotonicNs + toNs(time), { remaining: rem, width });
  };
}

export const nanosleep = defineSyscall("nanosleep", [timespec("req", "entry"), remaining("rem")], sleep("native"), {
  support: "full",
});

function clockSleep(width: TimeWidth) {
  return (task: Task, id: number, flags: number, request: number, rem: number) => {
    if (isReadOnlyClock(id) || id === CLOCK_THREAD_CPUTIME_ID) return -EOPNOTSUPP;
    if (!isSleepable(id) && typeof clockNow(task, id) === "number") return -EINVAL;
    const time = readTimespec(task, request, width);
    if (typeof time === "number") return time;
    if (!isSleepable(id)) return -EINVAL;
    const absolute = (flags & TIMER_ABSTIME) !== 0;
    const deadline = deadlineOf(task, id, time, absolute);
    return sleepUntil(task, deadline, { remaining: absolute ? 0 : rem, width, absolute });
  };
}

export const clockNanosleep = defineSyscall(
  "clock_nanosleep",
  [clockid("clockid"), flagsOf("flags", TIMER_FLAGS, "TIMER_???"), timespec("request", "entry"), remaining("remain")],
  clockSleep("native"),
  { support: "partial", note: "CPU-time clocks give EINVAL" },
);
export const clockNanosleepTime64 = defineSyscall(
  "clock_nanosleep_time64",
  [
    clockid("clockid"),
    flagsOf("flags", TIMER_FLAGS, "TIMER_???"),
    timespec("request", "entry", "64"),
    remaining("remain", "64"),
  ],
  clockSleep("64"),
  { support: "partial", note: "CPU-time clocks give EINVAL" },
);

export const times = defineSyscall(
  "times",
  [
    pointerTo("buf", "exit", (address, call) => {
      const wide = call.abi === "amd64";
      const bytes = peek(call.task, address, wide ? 32 : 16);
      if (bytes === undefined) return undefined;
      const from = new FrameReader(bytes);
      const value = (i: number) => (wide ? from.i64(8 * i) : from.i32(4 * i));
      return `{tms_utime=${value(0)}, tms_stime=${value(1)}, tms_cutime=${value(2)}, tms_cstime=${value(3)}}`;
    }),
  ],
  (task, address) => {
    const ticks = (ns: number) => Math.floor(ns / (NSEC_PER_SEC / USER_HZ));
    if (address !== 0) {
      const word = task.mm.wordSize;
      const out = new FrameWriter(4 * word);
      const values = [ticks(task.group.userNs), 0, ticks(task.group.reaped.userNs), 0];
      values.forEach((value, i) => {
        if (word === 8) out.u64(8 * i, value);
        else out.u32(4 * i, value);
      });
      if (task.mm.write(address, out.bytes) < 0) return -EFAULT;
    }
    return ticks(task.kernel.clock.monotonicNs);
  },
  { support: "full" },
);
