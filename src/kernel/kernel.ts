/** The kernel of one machine: its tasks, its time and the loop that runs them. */
import { EAGAIN } from "../abi/errno.ts";
import { Scratch } from "../base/bytes.ts";
import type { Host, HostRandom } from "../host/host.ts";
import type { LoadFailure } from "../loader/exec-file.ts";
import { drawRandom, type RandomDraws } from "../loader/random-draws.ts";
import { VdsoPages } from "../loader/vdso/vdso.ts";
import type { PhysicalMemory } from "../memory/physical.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import { unmapFilePages } from "../mm/munmap.ts";
import { MemorySystem } from "../mm/system.ts";
import { NetNamespace } from "../net/namespace.ts";
import type { SocketUser } from "../net/socket.ts";
import { Observers } from "../observe/observer.ts";
import type { KernelGeneration, TaskLayout } from "../profiles/kernel-generation.ts";
import type { File } from "../vfs/file.ts";
import { InotifyLimits } from "../vfs/inotify.ts";
import type { Vfs } from "../vfs/vfs.ts";
import { type Clock, RealClock, VirtualClock } from "./clock.ts";
import type { KernelConfig, UtsName } from "./config.ts";
import type { CpuRunner } from "./cpu.ts";
import { FutexTable } from "./futex.ts";
import { IpcNamespace } from "./ipc/namespace.ts";
import { PosixQueues } from "./mqueue/namespace.ts";
import { Outside } from "./outside.ts";
import { Ptys } from "./pty/devpts.ts";
import { type RunEnd, Scheduler } from "./scheduler.ts";
import type { SigInfo } from "./siginfo.ts";
import { type SpawnRequest, spawn } from "./spawn.ts";
import type { SyscallTables } from "./syscall-entry.ts";
import type { Task } from "./task.ts";
import { segmentDescriptor } from "./task-tls.ts";
import type { ThreadGroup } from "./thread-group.ts";
import { TimerQueue } from "./timers.ts";
import { Traps } from "./traps.ts";

/** THREAD_SIZE: a kernel stack. */
const THREAD_SIZE = 16 * 1024;
/** A stack and a task_struct, and what belongs to it. */
const TASK_BYTES = THREAD_SIZE + 10 * 1024;
/** RESERVED_PIDS: what wraps around starts there. */
const RESERVED_PIDS = 300;

/** What a watch is reckoned to take (INOTIFY_WATCH_COST): a hundredth of the memory may go for them. */
const WATCH_BYTES = 1360;

/** fs.inotify.max_user_watches at the start (inotify_user_setup()). */
function inotifyWatches(frames: number): number {
  return Math.min(Math.max(Math.floor((Math.floor(frames / 100) * 4096) / WATCH_BYTES), 8192), 1048576);
}

export interface KernelInit {
  readonly host: Host;
  readonly physical: PhysicalMemory;
  readonly cpu: CpuRunner;
  readonly vfs: Vfs;
  readonly generation: KernelGeneration;
  readonly config: KernelConfig;
  readonly tables: SyscallTables;
  /** Shared memory state; made here if none is given. */
  readonly memorySystem?: MemorySystem;
  /** The machine's random numbers, from its seed. */
  readonly random: HostRandom;
}

export class Kernel {
  readonly host: Host;
  readonly physical: PhysicalMemory;
  readonly cpu: CpuRunner;
  readonly vfs: Vfs;
  readonly generation: KernelGeneration;
  readonly config: KernelConfig;
  readonly tables: SyscallTables;
  readonly random: HostRandom;
  readonly observers = new Observers<Task, SigInfo>();
  readonly clock: Clock;
  readonly timers = new TimerQueue();
  readonly futexes = new FutexTable();
  readonly traps = new Traps();
  readonly net: NetNamespace;
  readonly ptys = new Ptys(this);
  readonly ipc = new IpcNamespace(this);
  readonly queues: PosixQueues;
  readonly inotify: InotifyLimits;
  /** For data between files and guest memory, within one step of a call. */
  readonly scratch = new Scratch();
  readonly outside = new Outside(this);
  readonly scheduler: Scheduler;
  readonly memorySystem: MemorySystem;
  readonly vdso: VdsoPages;
  readonly groups = new Map<number, ThreadGroup>();
  readonly tasks = new Map<number, Task>();
  /** sethostname and setdomainname change it. */
  uts: UtsName;
  #nextPid: number;
  readonly #mms = new Map<AddressSpace, { users: number; readonly exe: File | undefined }>();
  /** Wait status of the first process, once it has ended. */
  initStatus: number | undefined;
  /** Forks since boot, for /proc/stat and /proc/loadavg. */
  forks = 0;
  /** System calls since boot; one that is restarted counts again, as on the real machine. */
  syscalls = 0;

  constructor(init: KernelInit) {
    this.host = init.host;
    this.physical = init.physical;
    this.cpu = init.cpu;
    this.vfs = init.vfs;
    this.generation = init.generation;
    this.config = init.config;
    this.tables = init.tables;
    this.random = init.random;
    this.uts = init.config.uts;
    this.net = new NetNamespace(init.vfs);
    this.net.writer = () => this.current && this.socketUser(this.current);
    const { config } = init;
    this.clock =
      config.clock === "real"
        ? new RealClock(init.host.clock, config.uptimeNs)
        : new VirtualClock(init.cpu, config.realtime, config.uptimeNs);
    this.#nextPid = config.firstPid;
    this.memorySystem = init.memorySystem ?? new MemorySystem(init.physical, init.generation);
    this.vdso = new VdsoPages(init.physical, init.generation);
    this.scheduler = new Scheduler(this);
    this.inotify = new InotifyLimits(inotifyWatches(init.physical.totalFrames));
    this.queues = new PosixQueues(init.vfs);
    init.vfs.context.currentProcess = () => this.current?.group;
    init.vfs.context.unmapPages = (dev, ino, firstPage) =>
      unmapFilePages(this.memorySystem.spaces, dev, ino, firstPage);
    init.cpu.descriptor = (selector) => this.current && segmentDescriptor(this.current, selector);
  }

  /** A task as the sockets see it. */
  socketUser(task: Task): SocketUser {
    const { euid: uid, egid: gid } = task.creds;
    return { user: task, vfs: this.vfs, pid: task.pid, uid, gid };
  }

  addTask(task: Task): void {
    this.tasks.set(task.tid, task);
    this.groups.set(task.pid, task.group);
    this.physical.chargeKernel(TASK_BYTES);
  }

  /** release_task(): the id is free again. */
  forgetTask(task: Task): void {
    if (this.tasks.delete(task.tid)) this.physical.chargeKernel(-TASK_BYTES);
  }

  /** `task` takes the id of `leader`, which is no more. */
  renameTask(task: Task, leader: Task): void {
    this.forgetTask(leader);
    this.tasks.delete(task.tid);
    task.tid = leader.tid;
    this.tasks.set(task.tid, task);
  }

  /** kernel.threads-max: as many as would fill an eighth of the memory with stacks (kernel/fork.c, set_max_threads()). */
  get maxThreads(): number {
    return Math.max(20, Math.floor((this.physical.totalFrames * 4096) / (8 * THREAD_SIZE)));
  }

  /** A fresh address space with its first user; `exe` is the file of /proc/PID/exe (its reference is handed over). */
  addMm(mm: AddressSpace, exe: File | undefined): void {
    this.#mms.set(mm, { users: 1, exe });
  }

  /** CLONE_VM: one more task uses `mm`. */
  shareMm(mm: AddressSpace): void {
    const entry = this.#mms.get(mm);
    if (entry !== undefined) entry.users++;
  }

  mmUsers(mm: AddressSpace): number {
    return this.#mms.get(mm)?.users ?? 0;
  }

  /** The program of an address space. */
  exeOf(mm: AddressSpace): File | undefined {
    return this.#mms.get(mm)?.exe;
  }

  /** mmput(): a task leaves `mm`; the last one frees it. */
  releaseMm(mm: AddressSpace): void {
    const entry = this.#mms.get(mm);
    if (entry === undefined || --entry.users > 0) return;
    this.#mms.delete(mm);
    mm.destroy();
    entry.exe?.put();
  }

  /** The random numbers of one execve: the machine's own, or those of a scene. */
  drawRandom(layout: TaskLayout, randomize: boolean): RandomDraws {
    return this.config.draws?.(layout, randomize) ?? drawRandom(this.random, layout, randomize);
  }

  /** Starts the first program; see spawn.ts. */
  spawn(request: SpawnRequest): Task | LoadFailure {
    return spawn(this, request);
  }

  /** Runs the machine until its first process has ended, or something else stops it. */
  run(): RunEnd {
    return this.scheduler.run();
  }

  /** The next free pid (kernel/pid.c: cyclic, from 300 after the first round), or -EAGAIN if there is none. */
  allocatePid(): number {
    if (this.tasks.size >= this.config.pidMax - RESERVED_PIDS - 1) return -EAGAIN;
    while (this.tasks.has(this.#nextPid) || this.groups.has(this.#nextPid)) this.#advancePid();
    const pid = this.#nextPid;
    this.#advancePid();
    return pid;
  }

  #advancePid(): void {
    this.#nextPid = this.#nextPid + 1 >= this.config.pidMax ? RESERVED_PIDS : this.#nextPid + 1;
  }

  /** The task whose registers are in the CPU. */
  get current(): Task | undefined {
    return this.scheduler.current;
  }
}
