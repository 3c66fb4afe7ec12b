/** Requests that an instruction makes of the dispatcher: what no IR operation computes. */
import { SCRATCH } from "../cpu-block.ts";
import type { LifterTable } from "./context.ts";

/** Slot that carries an argument to the dispatcher. */
export const HOST_ARGUMENT = SCRATCH + 0x3f0;
export const HOST_VALUE = SCRATCH + 0x3e8;
export const HOST_RSP = SCRATCH + 0x3e0;
export const HOST_FLAGS = SCRATCH + 0x3d8;
export const HOST_SS = SCRATCH + 0x3d0;

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
  /**
   * Segment in bits 15:8, instruction length in bits 20:16; the selector is at HOST_ARGUMENT. If bit 21 is set, HOST_VALUE goes
   * to the general register in bits 25:22 with the size in bits 29:26 once the load has been found good.
   */
  loadSegment: 8,
  /** EFLAGS were loaded; TF may have changed. */
  flagsChanged: 9,
  /** Register in bits 15:8, size in bits 20:16; the selector is at HOST_ARGUMENT. */
  lar: 10,
  lsl: 11,
  verr: 12,
  verw: 13,
  /**
   * JMP (0), CALL (1), RET (2), IRET (3) in bits 15:8, instruction length in bits 20:16: selector at HOST_ARGUMENT, offset at
   * HOST_VALUE, the new rSP at HOST_RSP; for IRET EFLAGS at HOST_FLAGS, its size in bits 25:22, and in 64-bit code SS at HOST_SS.
   */
  far: 14,
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
