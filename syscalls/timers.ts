/** Timers that send signals: alarm(2), setitimer(2), timer_create(2). */
import type { Abi } from "../src/abi/abi.ts";
import { EFAULT, EINVAL, EOPNOTSUPP } from "../src/abi/errno.ts";
import { ITIMER_PROF, NSEC_PER_SEC, TIMER_ABSTIME } from "../src/abi/time.ts";
import { isReadOnlyClock, isTimerClock } from "../src/kernel/clock-ids.ts";
import { FrameReader } from "../src/kernel/frame-writer.ts";
import { IntervalTimers } from "../src/kernel/itimers.ts";
import { PosixTimers, type SigEvent } from "../src/kernel/posix-timers.ts";
import type { Task } from "../src/kernel/task.ts";
import {
  readTimespec,
  readTimeval,
  type TimeWidth,
  timespecBytes,
  timespecSize,
  timevalBytes,
  toNs,
  toTime,
} from "../src/kernel/time-values.ts";
import { enumOf, flagsOf, int, pointerTo, uint } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { enumText, type NameTable, peek, pointerText } from "./strace-text.ts";
import { itimer, signalText } from "./struct-text.ts";
import { clockid, TIMER_FLAGS } from "./time.ts";

const ITIMER_NAMES: NameTable = [
  [0, "ITIMER_REAL"],
  [1, "ITIMER_VIRTUAL"],
  [2, "ITIMER_PROF"],
];

function intervalTimers(task: Task): IntervalTimers {
  task.group.itimers ??= new IntervalTimers(task.group);
  return task.group.itimers;
}

export const alarm = defineSyscall(
  "alarm",
  [uint("seconds")],
  (task, seconds) => {
    const old = intervalTimers(task).set(0, { valueNs: seconds * NSEC_PER_SEC, intervalNs: 0 });
    // An alarm that is set never reads as 0 seconds; halves are rounded up (alarm_setitimer()).
    const sec = Math.floor(old.valueNs / NSEC_PER_SEC);
    const rest = old.valueNs % NSEC_PER_SEC;
    return sec + ((sec === 0 && rest > 0) || rest >= NSEC_PER_SEC / 2 ? 1 : 0);
  },
  { support: "full" },
);

function itimerBytes(task: Task, value: { valueNs: number; intervalNs: number }): Uint8Array {
  const size = timespecSize(task.abi);
  const bytes = new Uint8Array(2 * size);
  bytes.set(timevalBytes(task.abi, toTime(value.intervalNs)));
  bytes.set(timevalBytes(task.abi, toTime(value.valueNs)), size);
  return bytes;
}

export const getitimer = defineSyscall(
  "getitimer",
  [enumOf("which", ITIMER_NAMES, "ITIMER_???"), itimer("curr_value", "exit", "val")],
  (task, which, address) => {
    if (which < 0 || which > ITIMER_PROF) return -EINVAL;
    return task.mm.write(address, itimerBytes(task, intervalTimers(task).get(which))) < 0 ? -EFAULT : 0;
  },
  { support: "full" },
);

export const setitimer = defineSyscall(
  "setitimer",
  [
    enumOf("which", ITIMER_NAMES, "ITIMER_???"),
    itimer("new_value", "entry", "val"),
    itimer("old_value", "exit", "val"),
  ],
  (task, which, newValue, oldValue) => {
    let value = { valueNs: 0, intervalNs: 0 };
    if (newValue !== 0) {
      const interval = readTimeval(task, newValue);
      const first = readTimeval(task, newValue + timespecSize(task.abi));
      if (typeof interval === "number" || typeof first === "number") return -EFAULT;
      for (const part of [interval, first]) {
        if (part.sec < 0 || part.usec < 0 || part.usec >= 1_000_000) return -EINVAL;
      }
      const ns = (part: { sec: number; usec: number }) => toNs({ sec: part.sec, nsec: part.usec * 1000 });
      value = { valueNs: ns(first), intervalNs: ns(interval) };
    }
    if (which < 0 || which > ITIMER_PROF) return -EINVAL;
    const old = intervalTimers(task).set(which, value);
    return oldValue !== 0 && task.mm.write(oldValue, itimerBytes(task, old)) < 0 ? -EFAULT : 0;
  },
  { support: "full" },
);

const SIGEV_NAMES: NameTable = [
  [0, "SIGEV_SIGNAL"],
  [1, "SIGEV_NONE"],
  [2, "SIGEV_THREAD"],
  [4, "SIGEV_THREAD_ID"],
];

/** struct sigevent: value (word), signo, notify, tid. */
export function decodeSigEvent(bytes: Uint8Array): SigEvent {
  const from = new FrameReader(bytes);
  const word = bytes.length - 12;
  return {
    valueLo: from.i32(0),
    valueHi: word === 8 ? from.i32(4) : 0,
    signo: from.i32(word),
    notify: from.i32(word + 4),
    tid: from.i32(word + 8),
  };
}

/** What the kernel reads of a struct sigevent here: up to the thread's id. */
export function sigEventSize(abi: Abi): number {
  return abi === "amd64" ? 20 : 16;
}

export function sigEventText(address: number, call: CallView): string | undefined {
  const wide = call.abi === "amd64";
  const bytes = peek(call.task, address, sigEventSize(call.abi));
  if (bytes === undefined) return undefined;
  const event = decodeSigEvent(bytes);
  const value = wide ? new FrameReader(bytes).u64(0) : new FrameReader(bytes).u32(0);
  const head = `{sigev_value={sival_int=${event.valueLo}, sival_ptr=${pointerText(value)}}`;
  const tail = event.notify === 4 ? `, sigev_notify_thread_id=${event.tid}}` : "}";
  return `${head}, sigev_signo=${signalText(event.signo)}, sigev_notify=${enumText(event.notify, SIGEV_NAMES, "SIGEV_???")}${tail}`;
}

function posixTimers(task: Task): PosixTimers {
  task.group.posixTimers ??= new PosixTimers(task.group);
  return task.group.posixTimers;
}

const timerIdOut = pointerTo("timerid", "exit", (address, call) => {
  const bytes = peek(call.task, address, 4);
  return bytes === undefined ? undefined : `[${new FrameReader(bytes).i32(0)}]`;
});

export const timerCreate = defineSyscall(
  "timer_create",
  [clockid("clockid"), pointerTo("sevp", "entry", sigEventText), timerIdOut],
  (task, id, sevp, timerid) => {
    if (isReadOnlyClock(id)) return -EOPNOTSUPP;
    if (!isTimerClock(id)) return -EINVAL;
    let event: SigEvent | undefined;
    if (sevp !== 0) {
      const bytes = new Uint8Array(sigEventSize(task.abi));
      if (task.mm.read(sevp, bytes) < 0) return -EFAULT;
      event = decodeSigEvent(bytes);
      if (![0, 1, 2, 4].includes(event.notify)) return -EINVAL;
      if (event.notify !== 1 && (event.signo < 1 || event.signo > 64)) return -EINVAL;
      if (event.notify === 4 && !task.group.tasks.has(event.tid)) return -EINVAL;
    }
    const timers = posixTimers(task);
    const timer = timers.create(id, event);
    if (timer < 0) return timer;
    if (task.mm.writeU32(timerid, timer) < 0) {
      timers.delete(timer);
      return -EFAULT;
    }
    return 0;
  },
  { support: "full" },
);

function timerSettime(width: TimeWidth) {
  return (task: Task, timer: number, flags: number, newValue: number, oldValue: number): number => {
    if (newValue === 0) return -EINVAL;
    const interval = readTimespec(task, newValue, width);
    if (typeof interval === "number") return interval;
    const value = readTimespec(task, newValue + timespecSize(task.abi, width), width);
    if (typeof value === "number") return value;
    const timers = posixTimers(task);
    const old = timers.get(timer);
    if (old === undefined) return -EINVAL;
    const disarm = value.sec === 0 && value.nsec === 0;
    const deadline = disarm ? 0 : timers.deadline(timer, value, (flags & TIMER_ABSTIME) !== 0);
    timers.set(timer, deadline, toNs(interval));
    return oldValue === 0 ? 0 : writeItimerspec(task, oldValue, old, width);
  };
}

export function writeItimerspec(
  task: Task,
  address: number,
  value: { valueNs: number; intervalNs: number },
  width: TimeWidth,
): number {
  const size = timespecSize(task.abi, width);
  const bytes = new Uint8Array(2 * size);
  bytes.set(timespecBytes(task.abi, toTime(value.intervalNs), width));
  bytes.set(timespecBytes(task.abi, toTime(value.valueNs), width), size);
  return task.mm.write(address, bytes) < 0 ? -EFAULT : 0;
}

function timerGettime(width: TimeWidth) {
  return (task: Task, timer: number, address: number): number => {
    const value = posixTimers(task).get(timer);
    return value === undefined ? -EINVAL : writeItimerspec(task, address, value, width);
  };
}

const settimeArgs = (width: TimeWidth) =>
  [
    int("timerid"),
    flagsOf("flags", TIMER_FLAGS, "TIMER_???"),
    itimer("new_value", "entry", "spec", width),
    itimer("old_value", "exit", "spec", width),
  ] as const;

export const timerSettimeNative = defineSyscall("timer_settime", settimeArgs("native"), timerSettime("native"), {
  support: "full",
});
export const timerSettime64 = defineSyscall("timer_settime64", settimeArgs("64"), timerSettime("64"), {
  support: "full",
});
export const timerGettimeNative = defineSyscall(
  "timer_gettime",
  [int("timerid"), itimer("curr_value", "exit", "spec")],
  timerGettime("native"),
  { support: "full" },
);
export const timerGettime64 = defineSyscall(
  "timer_gettime64",
  [int("timerid"), itimer("curr_value", "exit", "spec", "64")],
  timerGettime("64"),
  { support: "full" },
);
export const timerGetoverrun = defineSyscall(
  "timer_getoverrun",
  [int("timerid")],
  (task, timer) => posixTimers(task).overrun(timer),
  { support: "full" },
);
export const timerDelete = defineSyscall(
  "timer_delete",
  [int("timerid")],
  (task, timer) => posixTimers(task).delete(timer),
  {
    support: "full",
  },
);
