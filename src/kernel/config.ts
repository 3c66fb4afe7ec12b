/** What a machine tells its kernel; plain data, made from a machine profile by src/machine. */
import type { HostTime } from "../host/host.ts";
import type { CpuAuxv } from "../loader/auxv.ts";
import type { RandomDraws } from "../loader/random-draws.ts";
import type { TaskLayout } from "../profiles/kernel-generation.ts";
import type { Rlimit } from "./rlimits.ts";

/** struct new_utsname without the domain's suffix rules. */
export interface UtsName {
  readonly sysname: string;
  readonly nodename: string;
  readonly release: string;
  readonly version: string;
  /** uname -m of the kernel: `x86_64`, `i686`. */
  readonly machine: string;
  readonly domainname: string;
}

export interface KernelConfig {
  readonly uts: UtsName;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly rlimits: ReadonlyMap<number, Rlimit>;
  /** Pid of the first process, and of its parent. */
  readonly firstPid: number;
  readonly parentPid: number;
  readonly pidMax: number;
  /** personality(2) of the first process: ADDR_NO_RANDOMIZE for `--aslr off`. */
  readonly personality: number;
  /** CPUs that sched_getaffinity and sysinfo report. */
  readonly cpuCount: number;
  readonly uptimeNs: number;
  /** CLOCK_REALTIME at the start of the machine. */
  readonly realtime: HostTime;
  readonly clock: "virtual" | "real";
  /** Instructions of one time slice. */
  readonly sliceInstructions: number;
  /** The machine stops when so many instructions have run. */
  readonly maxInstructions: number;
  /** AT_HWCAP, AT_HWCAP2, AT_MINSIGSTKSZ of the CPU model. */
  readonly cpuAuxv: CpuAuxv;
  /** A scene's random numbers for execve, in place of those of the seed. */
  readonly draws?: (layout: TaskLayout, randomize: boolean) => RandomDraws;
  /** Size of the extended state area in XSAVE signal frames and its XCR0; 0 for FXSAVE frames (no XSAVE in the CPU model). */
  readonly xstateSize: number;
  readonly xstateFeatures: number;
}
