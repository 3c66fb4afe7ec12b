/**
 * Calls that the real vdso answers without entering the kernel. folio's vdso asks the kernel instead, so a trace that is to
 * look like the real one leaves them out.
 */
import {
  CLOCK_BOOTTIME,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_MONOTONIC_RAW,
  CLOCK_REALTIME,
  CLOCK_REALTIME_COARSE,
  CLOCK_TAI,
} from "../../abi/time.ts";
import { syscallName } from "../../abi/unistd.ts";
import { PAGE_SIZE } from "../../base/address.ts";
import type { Task } from "../../kernel/task.ts";
import type { SyscallEvent } from "../../observe/observer.ts";

/** Clocks that vvar pages describe (lib/vdso/gettimeofday.c, VDSO_HRES, VDSO_RAW, VDSO_COARSE). */
const VDSO_CLOCKS: readonly number[] = [
  CLOCK_REALTIME,
  CLOCK_MONOTONIC,
  CLOCK_MONOTONIC_RAW,
  CLOCK_REALTIME_COARSE,
  CLOCK_MONOTONIC_COARSE,
  CLOCK_BOOTTIME,
  CLOCK_TAI,
];
const CLOCK_CALLS = ["clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64"];
const OTHER_CALLS = ["gettimeofday", "time", "getcpu"];
/** __kernel_vsyscall is no longer than this. */
const VSYSCALL_LENGTH = 16;

/** True for a call made by one of the vdso's time functions (not through __kernel_vsyscall). */
export function isVdsoCall(task: Task, event: SyscallEvent): boolean {
  const { vdsoBase } = task.mm;
  const { rip } = task.kernel.cpu.state;
  const size = task.kernel.generation.vdso.pages * PAGE_SIZE;
  if (vdsoBase === 0 || rip < vdsoBase || rip >= vdsoBase + size) return false;
  const { vsyscall } = task.vdso;
  if (event.abi === "i386" && rip > vsyscall && rip <= vsyscall + VSYSCALL_LENGTH) return false;
  const name = syscallName(event.abi, event.number) ?? "";
  if (CLOCK_CALLS.includes(name)) return VDSO_CLOCKS.includes(event.words[0]);
  return OTHER_CALLS.includes(name);
}
