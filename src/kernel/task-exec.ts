/** execve(2): planning and loading are the loader's, the change of the task is here (fs/exec.c, begin_new_exec()). */
import type { Abi } from "../abi/abi.ts";
import { ENOMEM } from "../abi/errno.ts";
import { IN_ACCESS } from "../abi/inotify.ts";
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_STACK } from "../abi/resource.ts";
import { SI_KERNEL, SIGKILL, SIGSEGV } from "../abi/signal.ts";
import type { ExecFile, LoadFailure } from "../loader/exec-file.ts";
import { failure, isLoadFailure } from "../loader/exec-file.ts";
import { type LoadedProgram, loadProgram } from "../loader/load.ts";
import { type ExecPlan, planExec } from "../loader/plan.ts";
import { AddressSpace } from "../mm/address-space.ts";
import type { MmLimits } from "../mm/limits.ts";
import type { File } from "../vfs/file.ts";
import type { FsUser } from "../vfs/namei.ts";
import { notifyFile } from "../vfs/notify.ts";
import { EXIT, registersSet, type SyscallResult } from "./control.ts";
import { type Credentials, isPrivileged } from "./credentials.ts";
import { countExec } from "./io-counters.ts";
import type { Kernel } from "./kernel.ts";
import { Gpr, SegmentRegister } from "./registers.ts";
import type { Rlimits } from "./rlimits.ts";
import { sigInfo } from "./siginfo.ts";
import type { Task } from "./task.ts";
import { exitGroup, exitTask, releaseMemory } from "./task-exit.ts";
import { forceFatalSignal } from "./task-signals.ts";
import { userSelectors } from "./task-tls.ts";

/** personality(2) bits. */
const ADDR_NO_RANDOMIZE = 0x0040000;
const ADDR_COMPAT_LAYOUT = 0x0200000;
/** TASK_COMM_LEN - 1. */
const COMM_LENGTH = 15;

/** A program to execute, and who executes it. */
export interface ImageRequest {
  readonly path: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  readonly user: FsUser & { readonly creds: Credentials };
  readonly rlimits: Rlimits;
  readonly personality: number;
}

/** A program in a fresh address space, before a task runs it. */
export interface Image {
  readonly mm: AddressSpace;
  readonly plan: ExecPlan;
  readonly loaded: LoadedProgram;
  /** The program's file: /proc/PID/exe. Holds a reference. */
  readonly exe: File;
}

/** What memory calls ask of a process. */
export function mmLimits(rlimits: Rlimits, creds: () => Credentials): MmLimits {
  return {
    get as() {
      return rlimits.get(RLIMIT_AS).cur;
    },
    get data() {
      return rlimits.get(RLIMIT_DATA).cur;
    },
    get stack() {
      return rlimits.get(RLIMIT_STACK).cur;
    },
    get memlock() {
      return rlimits.get(RLIMIT_MEMLOCK).cur;
    },
    get capIpcLock() {
      return isPrivileged(creds());
    },
    get capSysRawio() {
      return isPrivileged(creds());
    },
    get capSysAdmin() {
      return isPrivileged(creds());
    },
  };
}

/** Files that an exec opened; all but the program's own are closed when it is loaded. */
class OpenedFiles {
  readonly #files = new Map<ExecFile, File>();
  readonly #kernel: Kernel;
  readonly #user: FsUser;

  constructor(kernel: Kernel, user: FsUser) {
    this.#kernel = kernel;
    this.#user = user;
  }

  open(path: string): ExecFile | number {
    const file = this.#kernel.vfs.openExecutable(this.#user, path);
    if (typeof file === "number") return file;
    const execFile: ExecFile = {
      path: file.dentry.path(),
      size: file.inode.size,
      mapped: file,
      read: (offset, into) => {
        const count = file.pread(into, offset);
        notifyFile(file.dentry, IN_ACCESS);
        return typeof count === "number" ? count : 0;
      },
    };
    this.#files.set(execFile, file);
    return execFile;
  }

  /** The file behind `kept`, with its reference; the others are closed. */
  closeAllBut(kept: ExecFile | undefined): File | undefined {
    let result: File | undefined;
    for (const [execFile, file] of this.#files) {
      if (execFile === kept) result = file;
      else file.put();
    }
    return result;
  }
}

/** The part of execve before the point of no return: a plan, or why not. */
function planImage(kernel: Kernel, request: ImageRequest, files: OpenedFiles): ExecPlan | LoadFailure {
  return planExec({
    open: (path) => files.open(path),
    filename: request.path,
    argv: request.argv,
    envp: request.envp,
    generation: kernel.generation,
    stackLimit: request.rlimits.get(RLIMIT_STACK).cur,
  });
}

function loadImage(
  kernel: Kernel,
  request: ImageRequest,
  plan: ExecPlan,
): { mm: AddressSpace; loaded: LoadedProgram } | LoadFailure {
  const limits = mmLimits(request.rlimits, () => request.user.creds);
  const mm = new AddressSpace(kernel.physical, kernel.generation, plan.abi, limits, kernel.memorySystem);
  if (!mm.valid) return failure(ENOMEM, "no memory for its page tables");
  const { uid, euid, gid, egid } = request.user.creds;
  const randomize = (request.personality & ADDR_NO_RANDOMIZE) === 0;
  const loaded = loadProgram(mm, plan, {
    draws: kernel.drawRandom(mm.layout, randomize),
    identity: { uid, euid, gid, egid, secure: uid !== euid || gid !== egid },
    cpu: kernel.config.cpuAuxv,
    vdso: kernel.vdso,
    legacyLayout: (request.personality & ADDR_COMPAT_LAYOUT) !== 0,
  });
  if (!isLoadFailure(loaded)) return { mm, loaded };
  mm.destroy();
  return loaded;
}

/** Plans and loads a program for a new process. */
export function createImage(kernel: Kernel, request: ImageRequest): Image | LoadFailure {
  const files = new OpenedFiles(kernel, request.user);
  const plan = planImage(kernel, request, files);
  const image = isLoadFailure(plan) ? plan : loadImage(kernel, request, plan);
  const exe = files.closeAllBut(isLoadFailure(plan) || isLoadFailure(image) ? undefined : plan.program.file);
  if (isLoadFailure(plan)) return plan;
  if (isLoadFailure(image)) return image;
  if (exe === undefined) return failure(ENOMEM, "its file was not opened");
  return { ...image, plan, exe };
}

/** execve(2) by a running task. */
export function execve(task: Task, path: string, argv: readonly string[], envp: readonly string[]): SyscallResult {
  const { kernel, group } = task;
  const request: ImageRequest = {
    path,
    argv,
    envp,
    user: task,
    rlimits: group.rlimits,
    personality: task.personality,
  };
  const files = new OpenedFiles(kernel, task);
  const plan = planImage(kernel, request, files);
  if (isLoadFailure(plan)) {
    files.closeAllBut(undefined);
    return -plan.errno;
  }
  const image = loadImage(kernel, request, plan);
  const exe = files.closeAllBut(isLoadFailure(image) ? undefined : plan.program.file);
  if (isLoadFailure(image) || exe === undefined) {
    // Behind the point of no return: the old program is gone.
    forceFatalSignal(task, sigInfo({ signo: SIGSEGV, code: SI_KERNEL }));
    exitGroup(task, SIGSEGV);
    return EXIT;
  }
  killOtherThreads(task);
  releaseMemory(task);
  group.hasExeced = true;
  installImage(task, { ...image, plan, exe });
  kernel.scheduler.activate(task);
  return registersSet(0);
}

/** de_thread(): only the caller survives, and it is the leader from now on. */
function killOtherThreads(task: Task): void {
  const { group, kernel } = task;
  for (const other of group.liveTasks()) if (other !== task) exitTask(other, SIGKILL);
  if (task.tid === group.pid) return;
  const { leader } = group;
  kernel.renameTask(task, leader);
  group.tasks.clear();
  group.tasks.set(task.tid, task);
}

/** Makes `image` the task's program: memory, registers, signals, names. The registers must be on the CPU. */
export function installImage(task: Task, image: Image): void {
  const { kernel, group } = task;
  const { mm, plan, loaded } = image;
  setMm(task, mm, loaded, image.exe);
  task.abi = plan.abi;
  task.programAbi = plan.abi;
  task.comm = commOf(plan.filename);
  task.keepCaps = false;
  if (task.files.shared) {
    const own = task.files.clone();
    task.files.release();
    task.files = own;
  }
  task.files.closeForExec();
  group.sighand = group.sighand.copy();
  group.sighand.flush();
  group.posixTimers?.deleteAll();
  group.dumpable = 1;
  task.altStack = { sp: 0, size: 0, flags: task.altStack.flags };
  task.tls = [undefined, undefined, undefined];
  task.ldt = undefined;
  task.clearChildTid = 0;
  task.robustListHead = 0;
  task.rseq = undefined;
  task.restart = undefined;
  countExec(task, plan);
  startThread(task, plan.abi, loaded.entry, loaded.sp);
  kernel.observers.exec(task, { path: plan.filename, argv: plan.argv, envp: plan.envp });
}

function setMm(task: Task, mm: AddressSpace, loaded: LoadedProgram, exe: File): void {
  task.mm = mm;
  task.kernel.addMm(mm, exe);
  task.auxv = loaded.auxv;
  const symbol = (name: string): number => loaded.vdsoSymbols.get(name) ?? 0;
  task.vdso = {
    sigreturn: symbol("__kernel_sigreturn"),
    rtSigreturn: symbol("__kernel_rt_sigreturn"),
    vsyscall: symbol("__kernel_vsyscall"),
  };
}

/** start_thread(): all registers are 0, flags have IF only. */
function startThread(task: Task, abi: Abi, entry: number, sp: number): void {
  const { state } = task.kernel.cpu;
  state.reset(abi === "amd64" ? 64 : 32);
  state.eflags = 0x202;
  state.rip = entry;
  state.setGprNumber(Gpr.rsp, sp);
  const { cs, ds } = userSelectors(task);
  const data = abi === "amd64" ? 0 : ds;
  state.setSelector(SegmentRegister.cs, cs);
  state.setSelector(SegmentRegister.ss, ds);
  state.setSelector(SegmentRegister.ds, data);
  state.setSelector(SegmentRegister.es, data);
  state.setSelector(SegmentRegister.fs, 0);
  state.setSelector(SegmentRegister.gs, 0);
  state.fsBase = 0;
  state.gsBase = 0;
}

function commOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).slice(0, COMM_LENGTH);
}
