/** The composition root: plugs host, memory, CPU, file system, kernel and system calls together. */
import { TABLE_AMD64 } from "../../syscalls/table.amd64.ts";
import { TABLE_I386 } from "../../syscalls/table.i386.ts";
import { ENOENT } from "../abi/errno.ts";
import { RLIMIT_STACK } from "../abi/resource.ts";
import { UsageError } from "../base/errors.ts";
import { createCpu } from "../exec/cpu.ts";
import type { TierPolicy } from "../exec/hot-code.ts";
import type { Host, HostTime } from "../host/host.ts";
import type { KernelConfig } from "../kernel/config.ts";
import { credentials } from "../kernel/credentials.ts";
import { Kernel } from "../kernel/kernel.ts";
import { mountProcfs } from "../kernel/procfs/procfs.ts";
import { initialRlimits, type Rlimit } from "../kernel/rlimits.ts";
import type { RunEnd } from "../kernel/scheduler.ts";
import type { SigInfo } from "../kernel/siginfo.ts";
import type { Task } from "../kernel/task.ts";
import { glibcTraps } from "../libc/malloc/traps/glibc-traps.ts";
import type { MallocVersion } from "../libc/malloc/version.ts";
import { checkSegments } from "../loader/check.ts";
import { type ExecFile, isLoadFailure, type LoadFailure } from "../loader/exec-file.ts";
import { planExec } from "../loader/plan.ts";
import type { RandomDraws } from "../loader/random-draws.ts";
import { HOST_AREA_BYTES, PhysicalMemory } from "../memory/physical.ts";
import { MemorySystem } from "../mm/system.ts";
import type { Observer } from "../observe/observer.ts";
import { cpuinfoFlags } from "../profiles/cpu-features.ts";
import { type CpuModel, cpuidLeaf1Edx, hwcap2, minSigStackSize, xsaveState } from "../profiles/cpu-model.ts";
import type { TaskLayout } from "../profiles/kernel-generation.ts";
import type { MachineProfile } from "../profiles/machine-profile.ts";
import type { Path } from "../vfs/path.ts";
import { Vfs } from "../vfs/vfs.ts";
import { cpuIdentity } from "./cpu-identity.ts";
import { installEmbedded } from "./embedded.ts";
import { seededRandom } from "./seeded-random.ts";

/** ADDR_NO_RANDOMIZE of personality(2). */
const ADDR_NO_RANDOMIZE = 0x0040000;
/** Instructions of a time slice: 4 ms of virtual time. */
const SLICE_INSTRUCTIONS = 4_000_000;
const FIRST_PID = 1000;
/** The machine has been up for an hour. */
const UPTIME_NS = 3600e9;
const MAX_RAM = 3.5 * 1024 ** 3;
const MIN_RAM = 16 * 1024 ** 2;

export interface MachineOptions {
  /** Host directory that the guest sees as `/`; undefined: an empty tree. */
  readonly sysroot?: string;
  readonly ramBytes?: number;
  /** Makes all random numbers repeatable. */
  readonly seed?: string;
  /** Address-space layout randomisation; on by default. */
  readonly aslr?: boolean;
  readonly clock?: "virtual" | "real";
  /** CLOCK_REALTIME at the start; the host's by default. */
  readonly realtime?: HostTime;
  readonly maxInstructions?: number;
  /** How translated code runs. */
  readonly tiers?: TierPolicy;
  readonly rlimits?: ReadonlyMap<number, Rlimit>;
  /** folio's malloc in place of that of a real libc: of this version, or (undefined) of the libc's own. */
  readonly malloc?: { readonly version: MallocVersion | undefined };
  /** Who runs programs; the profile's user has precedence. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
  /** Whose C library programs get: the sysroot's, or the one that folio brings along. */
  readonly libc?: "sysroot" | "embedded";
  /** Bytes of /etc/ld.so.cache of the embedded library, if not those of the profile. */
  readonly ldSoCacheSize?: number;
  /** Pid of the first process. */
  readonly firstPid?: number;
  /** A scene's random numbers. */
  readonly draws?: (layout: TaskLayout, randomize: boolean) => RandomDraws;
}

export interface MachineInit {
  readonly profile: MachineProfile;
  readonly host: Host;
  readonly options?: MachineOptions;
  readonly observers?: readonly Observer<Task, SigInfo>[];
}

export interface Program {
  /** Guest path, absolute or relative to `cwd`. */
  readonly path: string;
  /** Arguments, argv[0] included; binary strings. */
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  /** Guest directory. */
  readonly cwd: string;
  readonly umask?: number;
}

/** How a run ended; `status` is that of wait(2) for the first process, once it has ended. */
export interface MachineEnd {
  readonly reason: RunEnd;
  readonly status: number | undefined;
}

export class Machine {
  readonly profile: MachineProfile;
  readonly kernel: Kernel;
  readonly cpu: ReturnType<typeof createCpu>;

  constructor(profile: MachineProfile, kernel: Kernel, cpu: ReturnType<typeof createCpu>) {
    this.profile = profile;
    this.kernel = kernel;
    this.cpu = cpu;
  }

  /** Loads the machine's first program; it has not run yet. */
  start(program: Program): Task | LoadFailure {
    const { vfs } = this.kernel;
    const cwd = vfs.walk(vfs.superuser(), program.cwd);
    if (typeof cwd === "number") throw new UsageError(`${program.cwd}: no such directory in the guest`);
    if (!cwd.inode.isDirectory) throw new UsageError(`${program.cwd}: not a directory`);
    const problem = this.#check(program, cwd);
    if (problem !== undefined) return problem;
    const { path, argv, envp, umask } = program;
    return this.kernel.spawn({ path, argv, envp, cwd, ...(umask === undefined ? {} : { umask }) });
  }

  /** Runs until the first process has ended or an observer stopped the machine. */
  run(): MachineEnd {
    const reason = this.kernel.run();
    return { reason, status: this.kernel.initStatus };
  }

  /** Refuses what the kernel would load, but no run would survive. */
  #check(program: Program, cwd: Path): LoadFailure | undefined {
    const { vfs, config, generation } = this.kernel;
    const creds = credentials(config.uid, config.gid, config.groups);
    const user = { fs: { root: vfs.root, cwd, umask: 0 }, creds };
    const opened: { put(): void }[] = [];
    const open = (path: string): ExecFile | number => {
      const file = vfs.openExecutable(user, path);
      if (typeof file === "number") return file;
      opened.push(file);
      const read = (offset: number, into: Uint8Array): number => {
        const count = file.pread(into, offset);
        return typeof count === "number" ? count : 0;
      };
      return { path, size: file.inode.size, mapped: file, read };
    };
    const { path, argv, envp } = program;
    const stackLimit = initialRlimits(config.rlimits).get(RLIMIT_STACK).cur;
    const plan = planExec({ open, filename: path, argv, envp, generation, stackLimit });
    const problem = isLoadFailure(plan) ? plan : checkSegments(plan.program);
    for (const file of opened) file.put();
    return problem;
  }
}

/** A machine of this profile; nothing runs in it yet. */
export function createMachine({ profile, host, options = {}, observers = [] }: MachineInit): Machine {
  const ramBytes = options.ramBytes ?? profile.ramBytes;
  if (ramBytes < MIN_RAM || ramBytes > MAX_RAM) throw new UsageError("RAM must be from 16 MiB to 3.5 GiB");
  const { generation } = profile;
  const random = options.seed === undefined ? host.random : seededRandom(options.seed);
  const physical = createPhysicalMemory(host, ramBytes);
  const cpu = createCpu({
    phys: physical,
    wasm: host.wasm,
    clock: host.clock,
    identity: cpuIdentity(profile.cpu, random),
    ...(options.tiers === undefined ? {} : { tiers: options.tiers }),
  });
  const config = kernelConfig(profile, options, options.realtime ?? host.clock.realtime());
  // The file system stamps its first inodes before the kernel's clock runs.
  let running: Kernel | undefined;
  const vfs = new Vfs({
    host,
    frames: physical,
    sysroot: options.sysroot,
    now: () => running?.clock.realtime() ?? config.realtime,
    random,
  });
  const memorySystem = new MemorySystem(physical, generation);
  const tables = { amd64: TABLE_AMD64, i386: TABLE_I386 };
  const kernel: Kernel = new Kernel({ host, physical, cpu, vfs, generation, config, tables, memorySystem, random });
  mountProcfs(kernel, { ...profile.cpu, flags: cpuinfoFlags(profile.cpu.features) });
  if (options.libc === "embedded") {
    const { ldSoCacheSize } = options;
    installEmbedded(kernel, profile, ldSoCacheSize === undefined ? {} : { ldSoCacheSize });
  }
  if (options.malloc !== undefined) vfs.context.findTraps = glibcTraps(kernel, options.malloc.version);
  running = kernel;
  for (const observer of observers) kernel.observers.add(observer);
  return new Machine(profile, kernel, cpu);
}

function createPhysicalMemory(host: Host, ramBytes: number): PhysicalMemory {
  const pages = Math.ceil((HOST_AREA_BYTES + ramBytes) / 65536);
  return new PhysicalMemory(host.wasm.createMemory(pages), ramBytes);
}

function kernelConfig(profile: MachineProfile, options: MachineOptions, realtime: HostTime): KernelConfig {
  const user = profile.user ?? options.user ?? { uid: 0, gid: 0 };
  const groups = options.user?.groups ?? [user.gid];
  const { cpu } = profile;
  return {
    uts: profile.uname,
    uid: user.uid,
    gid: user.gid,
    groups,
    rlimits: options.rlimits ?? new Map(),
    firstPid: options.firstPid ?? FIRST_PID,
    parentPid: (options.firstPid ?? FIRST_PID) - 1,
    pidMax: 32768,
    personality: options.aslr === false ? ADDR_NO_RANDOMIZE : 0,
    cpuCount: 1,
    uptimeNs: UPTIME_NS,
    realtime,
    clock: options.clock ?? "virtual",
    sliceInstructions: SLICE_INSTRUCTIONS,
    maxInstructions: options.maxInstructions ?? Number.POSITIVE_INFINITY,
    cpuAuxv: { hwcap: cpuidLeaf1Edx(cpu), hwcap2: hwcap2(cpu), minSigStackSize: minSigStackSize(cpu) },
    ...xstate(cpu),
    ...(options.draws === undefined ? {} : { draws: options.draws }),
  };
}

function xstate(model: CpuModel): { xstateSize: number; xstateFeatures: number } {
  const state = xsaveState(model);
  return { xstateSize: state?.size ?? 0, xstateFeatures: state?.features ?? 0 };
}

/** The user's words for why a program cannot run, and folio's exit status: 127 if it was not found, else 126. */
export function loadProblem(name: string, problem: LoadFailure): UsageError {
  const status = problem.errno === ENOENT && problem.missingInterpreter === undefined ? 127 : 126;
  return new UsageError(`${name}: ${problem.reason}`, status);
}
