/** timespec, timeval and their kin between guest memory and nanoseconds (include/linux/time64.h). */
import type { Abi } from "../abi/abi.ts";
import { EFAULT, EINVAL } from "../abi/errno.ts";
import { NSEC_PER_SEC, NSEC_PER_USEC } from "../abi/time.ts";
import type { HostTime } from "../host/host.ts";
import { FrameReader, FrameWriter } from "./frame-writer.ts";
import type { Task } from "./task.ts";

/** Which struct: `native` has two longs of the ABI, `64` two 64-bit members (clock_gettime64 and its family). */
export type TimeWidth = "native" | "64";

function wide(abi: Abi, width: TimeWidth): boolean {
  return width === "64" || abi === "amd64";
}

export function timespecSize(abi: Abi, width: TimeWidth = "native"): number {
  return wide(abi, width) ? 16 : 8;
}

/** Two members as they lie in memory, or -EFAULT. */
function readPair(task: Task, address: number, width: TimeWidth): { first: number; second: number } | number {
  const bytes = new Uint8Array(timespecSize(task.abi, width));
  if (task.mm.read(address, bytes) < 0) return -EFAULT;
  const from = new FrameReader(bytes);
  if (!wide(task.abi, width)) return { first: from.i32(0), second: from.i32(4) };
  // The padding of a 64-bit tv_nsec is ignored in i386.
  return { first: from.i64(0), second: task.abi === "i386" ? from.u32(8) : from.i64(8) };
}

function pairBytes(abi: Abi, width: TimeWidth, first: number, second: number): Uint8Array {
  const out = new FrameWriter(timespecSize(abi, width));
  if (wide(abi, width)) {
    out.u64(0, first);
    out.u64(8, second);
  } else {
    out.u32(0, first);
    out.u32(4, second);
  }
  return out.bytes;
}

/** get_timespec64(): -EFAULT, or -EINVAL if tv_sec < 0 or tv_nsec is not in [0, 10^9). */
export function readTimespec(task: Task, address: number, width: TimeWidth = "native"): HostTime | number {
  const pair = readPair(task, address, width);
  if (typeof pair === "number") return pair;
  if (pair.first < 0 || pair.second < 0 || pair.second >= NSEC_PER_SEC) return -EINVAL;
  return { sec: pair.first, nsec: pair.second };
}

/** put_timespec64(): 0 or -EFAULT. */
export function writeTimespec(task: Task, address: number, time: HostTime, width: TimeWidth = "native"): number {
  return task.mm.write(address, pairBytes(task.abi, width, time.sec, time.nsec)) < 0 ? -EFAULT : 0;
}

/** struct timeval: -EFAULT; members are not checked. */
export function readTimeval(task: Task, address: number): { sec: number; usec: number } | number {
  const pair = readPair(task, address, "native");
  return typeof pair === "number" ? pair : { sec: pair.first, usec: pair.second };
}

export function writeTimeval(task: Task, address: number, time: HostTime): number {
  return task.mm.write(address, timevalBytes(task.abi, time)) < 0 ? -EFAULT : 0;
}

export function timevalBytes(abi: Abi, time: HostTime): Uint8Array {
  return pairBytes(abi, "native", time.sec, Math.floor(time.nsec / NSEC_PER_USEC));
}

export function timespecBytes(abi: Abi, time: HostTime, width: TimeWidth = "native"): Uint8Array {
  return pairBytes(abi, width, time.sec, time.nsec);
}

export function toTime(ns: number): HostTime {
  const sec = Math.floor(ns / NSEC_PER_SEC);
  return { sec, nsec: ns - sec * NSEC_PER_SEC };
}

/** Nanoseconds of a duration; saturates at the largest exact number (104 days). */
export function toNs(time: HostTime): number {
  return Math.min(Number.MAX_SAFE_INTEGER, time.sec * NSEC_PER_SEC + time.nsec);
}
