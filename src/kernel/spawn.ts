/** The first process of a machine. */
import { RLIMIT_NOFILE } from "../abi/resource.ts";
import { isLoadFailure, type LoadFailure } from "../loader/exec-file.ts";
import { FdTable } from "../vfs/fd-table.ts";
import type { Path } from "../vfs/path.ts";
import { watchCpuLimit } from "./cpu-limit.ts";
import { credentials } from "./credentials.ts";
import type { Kernel } from "./kernel.ts";
import { initialRlimits } from "./rlimits.ts";
import { SigHand } from "./sighand.ts";
import type { FsStruct } from "./task.ts";
import { Task } from "./task.ts";
import { createImage, installImage } from "./task-exec.ts";
import { ThreadGroup } from "./thread-group.ts";

export interface SpawnRequest {
  /** Guest path of the program, absolute or relative to `cwd`. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  readonly cwd: Path;
  readonly umask?: number;
}

/** Starts a program as a new process with the host's standard streams; it has not run yet. */
export function spawn(kernel: Kernel, request: SpawnRequest): Task | LoadFailure {
  const { config, vfs } = kernel;
  const fs: FsStruct = { root: vfs.root, cwd: request.cwd, umask: request.umask ?? 0o022 };
  const creds = credentials(config.uid, config.gid, config.groups);
  const rlimits = initialRlimits(config.rlimits);
  const image = createImage(kernel, {
    path: request.path,
    argv: request.argv,
    envp: request.envp,
    user: { fs, creds },
    rlimits,
    personality: config.personality,
  });
  if (isLoadFailure(image)) return image;
  const pid = kernel.allocatePid();
  const group = new ThreadGroup({
    kernel,
    pid,
    parent: undefined,
    pgid: pid,
    sid: config.parentPid,
    rlimits,
    sighand: new SigHand(),
    exitSignal: 0,
  });
  const files = new FdTable();
  vfs.standardStreams().forEach((file, fd) => {
    if (file !== undefined) files.install(file, false, rlimits.get(RLIMIT_NOFILE).cur, fd);
  });
  const { mm, plan } = image;
  const task = new Task({ kernel, tid: pid, group, abi: plan.abi, mm, files, fs, creds, comm: "" });
  task.personality = config.personality;
  kernel.addTask(task);
  kernel.scheduler.switchTo(task);
  installImage(task, image);
  watchCpuLimit(group);
  kernel.scheduler.enqueue(task);
  return task;
}
