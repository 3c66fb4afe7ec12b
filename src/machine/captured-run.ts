/** Runs a program with its streams kept in memory: stdin is empty, stdout and stderr are pipes. */
import { S_IFCHR, S_IFIFO } from "../abi/stat.ts";
import type { Host, HostStat, HostStdio } from "../host/host.ts";
import { textOf } from "../host/text.ts";
import { isLoadFailure, type LoadFailure } from "../loader/exec-file.ts";
import type { MachineProfile } from "../profiles/machine-profile.ts";
import type { MemorySnapshot } from "../report/model/memory.ts";
import { createMachine, type MachineEnd, type MachineOptions, type Program } from "./create-machine.ts";
import { MomentObserver } from "./moment.ts";

export interface CapturedRun {
  readonly end: MachineEnd;
  /** Binary strings. */
  readonly stdout: string;
  readonly stderr: string;
  /** The memory at the first sleep, or at exit. */
  readonly memory: MemorySnapshot | undefined;
}

const NEVER = { sec: 0, nsec: 0 };
const DEV_NULL = 0x103;

function streamStat(fd: number): HostStat {
  const isNull = fd === 0;
  return {
    dev: isNull ? 6 : 14,
    ino: isNull ? 4 : 20000 + fd,
    mode: isNull ? S_IFCHR | 0o666 : S_IFIFO | 0o600,
    nlink: 1,
    uid: 0,
    gid: 0,
    rdev: isNull ? DEV_NULL : 0,
    size: 0,
    blksize: 4096,
    blocks: 0,
    atime: NEVER,
    mtime: NEVER,
    ctime: NEVER,
  };
}

class CapturedStdio implements HostStdio {
  readonly #chunks: Record<number, string[]> = { 1: [], 2: [] };

  read(): number {
    return 0;
  }

  write(fd: number, from: Uint8Array): number {
    this.#chunks[fd]?.push(textOf(from));
    return from.length;
  }

  isTerminal(): boolean {
    return false;
  }

  stat(fd: number): HostStat {
    return streamStat(fd);
  }

  windowSize(): undefined {
    return undefined;
  }

  text(fd: number): string {
    return (this.#chunks[fd] ?? []).join("");
  }
}

export interface CapturedRequest {
  readonly profile: MachineProfile;
  readonly host: Host;
  readonly options: MachineOptions;
  readonly program: Program;
  /** Host files to show in the guest, by guest path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Runs the program to its end. */
export function captureRun({
  profile,
  host,
  options,
  program,
  files = {},
}: CapturedRequest): CapturedRun | LoadFailure {
  const stdio = new CapturedStdio();
  const moment = new MomentObserver("sleep");
  const machine = createMachine({ profile, host: { ...host, stdio }, options, observers: [moment] });
  for (const [guestPath, hostPath] of Object.entries(files)) machine.kernel.vfs.exposeHostFile(hostPath, guestPath);
  const task = machine.start(program);
  if (isLoadFailure(task)) return task;
  let end = machine.run();
  // The snapshot stops the machine once.
  while (end.reason === "stopped") end = machine.run();
  return { end, stdout: stdio.text(1), stderr: stdio.text(2), memory: moment.snapshot };
}
