/** Requests that an instruction makes of the dispatcher: what no IR operation computes. */
import { SCRATCH } from "../cpu-block.ts";
import type { LifterTable } from "./context.ts";

/** Slot that carries an argument to the dispatcher. */
export const HOST_ARGUMENT = SCRATCH + 0x3f0;

export const HostCall = {
  /** Exit reason (src/exec/layout.ts `Leave.host`). */
  leave: 19,
  cpuid: 1,
  rdtsc: 2,
  rdtscp: 3,
  rdpid: 4,
  xgetbv: 5,
  rdrand: 6,
  rdseed: 7,
  /** Segment in bits 15:8, instruction length from bit 16; the selector is at HOST_ARGUMENT. */
  loadSegment: 8,
  /** EFLAGS were loaded; TF may have changed. */
  flagsChanged: 9,
} as const;

export const hostCallLifters: LifterTable = {
  cpuid: (x) => x.leave(HostCall.leave, HostCall.cpuid),
  rdtsc: (x) => x.leave(HostCall.leave, HostCall.rdtsc),
  rdtscp: (x) => x.leave(HostCall.leave, HostCall.rdtscp),
  rdpid: (x) => x.leave(HostCall.leave, HostCall.rdpid | (x.operand(0).reg << 8)),
  xgetbv: (x) => x.leave(HostCall.leave, HostCall.xgetbv | (x.insn.length << 16)),
  rdrand: (x) => x.leave(HostCall.leave, HostCall.rdrand | (x.operand(0).reg << 8) | (x.operand(0).size << 16)),
  rdseed: (x) => x.leave(HostCall.leave, HostCall.rdseed | (x.operand(0).reg << 8) | (x.operand(0).size << 16)),
};
