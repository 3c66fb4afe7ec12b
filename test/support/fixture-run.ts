/** Runs a fixture on a machine in this process, the way fixtures/native/record.sh ran it on the real one. */
import * as os from "node:os";
import { RLIMIT_AS, RLIMIT_CORE, RLIMIT_STACK } from "../../src/abi/resource.ts";
import { S_IFCHR, S_IFIFO, S_IFREG } from "../../src/abi/stat.ts";
import type { TierPolicy } from "../../src/exec/hot-code.ts";
import type { HostStat, HostStdio } from "../../src/host/host.ts";
import { textOf } from "../../src/host/text.ts";
import { createNodeHost } from "../../src/host-node/host.ts";
import type { SigInfo } from "../../src/kernel/siginfo.ts";
import type { Task } from "../../src/kernel/task.ts";
import { isLoadFailure } from "../../src/loader/exec-file.ts";
import { createMachine } from "../../src/machine/create-machine.ts";
import type { Observer, SyscallEvent } from "../../src/observe/observer.ts";
import type { MachineProfile } from "../../src/profiles/machine-profile.ts";
import { DEFAULT_MACHINE } from "../../src/profiles/machines/machines.ts";
import { type Program, programFile, type Run } from "../fixtures/programs.ts";
import { whyNoRecording } from "./recordings.ts";

export type StreamKind = "pipe" | "file" | "tty";

export const INTERPRETED: TierPolicy = { tier: "interp", threshold: 0 };
export const COMPILED_AT_ONCE: TierPolicy = { tier: "jit", threshold: 0 };
export const COMPILED_WHEN_WARM: TierPolicy = { tier: "jit", threshold: 100 };

const MODES: Readonly<Record<StreamKind, number>> = {
  pipe: S_IFIFO | 0o600,
  file: S_IFREG | 0o644,
  tty: S_IFCHR | 0o620,
};
const NEVER = { sec: 0, nsec: 0 };
const DEV_NULL = 0x103;
const DEV_PTS = 0x8800;
const RAM = 256 * 1024 ** 2;

/** Streams in memory: stdin is /dev/null; stdout and stderr are pipes, files, or one terminal. */
class StreamsInMemory implements HostStdio {
  readonly #kind: StreamKind;
  readonly #text: Record<number, string> = { 1: "", 2: "" };

  constructor(kind: StreamKind) {
    this.#kind = kind;
  }

  read(): number {
    return 0;
  }

  write(fd: number, from: Uint8Array): number {
    const terminal = this.#kind === "tty";
    // The line discipline's ONLCR.
    const text = terminal ? textOf(from).replaceAll("\n", "\r\n") : textOf(from);
    this.#text[terminal ? 1 : fd] += text;
    return from.length;
  }

  isTerminal(fd: number): boolean {
    return fd !== 0 && this.#kind === "tty";
  }

  stat(fd: number): HostStat {
    const mode = fd === 0 ? S_IFCHR | 0o666 : MODES[this.#kind];
    const rdev = fd === 0 ? DEV_NULL : this.#kind === "tty" ? DEV_PTS : 0;
    const times = { atime: NEVER, mtime: NEVER, ctime: NEVER };
    const size = this.#kind === "file" ? (this.#text[fd]?.length ?? 0) : 0;
    const blksize = this.isTerminal(fd) ? 1024 : 4096;
    return { dev: 14, ino: 20000 + fd, mode, nlink: 1, uid: 0, gid: 0, rdev, size, blksize, blocks: 0, ...times };
  }

  windowSize(fd: number): { rows: number; cols: number } | undefined {
    return this.isTerminal(fd) ? { rows: 0, cols: 0 } : undefined;
  }

  text(fd: number): string {
    return this.#text[fd];
  }
}

/** Calls `look` at the first sleep that time ends. */
export class AtSleep implements Observer<Task, SigInfo> {
  readonly #look: (task: Task) => void;
  #seen = false;

  constructor(look: (task: Task) => void) {
    this.#look = look;
  }

  sleep(task: Task, _call: SyscallEvent, deadlineNs: number): void {
    if (this.#seen || deadlineNs === Number.POSITIVE_INFINITY) return;
    this.#seen = true;
    this.#look(task);
  }
}

export interface FixtureJob {
  readonly program: Program;
  readonly build: string;
  readonly run: Run;
  readonly kind?: StreamKind;
  readonly tiers?: TierPolicy;
  /** With folio's own C library and nothing of the host's, on this machine (the default one otherwise). */
  readonly embedded?: MachineProfile;
  readonly observers?: readonly Observer<Task, SigInfo>[];
}

export interface FixtureOutcome {
  /** As a shell shows it. */
  readonly status: number;
  /** Binary strings. */
  readonly stdout: string;
  readonly stderr: string;
  readonly instructions: number;
}

/** The default machine; with the kernel's name of the machine that records in the same test run. */
const profile =
  whyNoRecording === undefined
    ? {
        ...DEFAULT_MACHINE,
        uname: { ...DEFAULT_MACHINE.uname, nodename: os.hostname(), release: os.release(), version: os.version() },
      }
    : DEFAULT_MACHINE;

const user =
  whyNoRecording === undefined
    ? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, groups: process.getgroups?.() ?? [] }
    : { uid: 0, gid: 0, groups: [0] };

/** Runs to the end. */
export function runFixture({ program, build, run, kind = "pipe", ...how }: FixtureJob): FixtureOutcome {
  const stdio = new StreamsInMemory(kind);
  const space = run.addressSpace ?? Number.POSITIVE_INFINITY;
  const machine = createMachine({
    profile: how.embedded ?? profile,
    host: { ...createNodeHost(), stdio },
    options: {
      aslr: false,
      seed: "fixtures",
      ramBytes: RAM,
      tiers: how.tiers ?? INTERPRETED,
      rlimits: new Map([
        [RLIMIT_AS, { cur: space, max: space }],
        [RLIMIT_CORE, { cur: 0, max: 0 }],
        [RLIMIT_STACK, { cur: 8 * 1024 ** 2, max: Number.POSITIVE_INFINITY }],
      ]),
      user,
      ...(how.embedded === undefined
        ? process.platform === "linux"
          ? { sysroot: "/" }
          : {}
        : { libc: "embedded" as const }),
    },
    observers: how.observers ?? [],
  });
  const directory = `/tmp/folio/${build}`;
  const { vfs } = machine.kernel;
  vfs.exposeHostFile(programFile(program.name, `bin/${build}`), `${directory}/${program.name}`);
  for (const file of program.files) vfs.exposeHostFile(programFile(program.name, file), `${directory}/${file}`);
  const task = machine.start({
    path: `./${program.name}`,
    argv: [`./${program.name}`, ...run.args],
    envp: Object.entries(run.env).map(([name, value]) => `${name}=${value}`),
    cwd: directory,
    umask: 0o22,
  });
  if (isLoadFailure(task)) throw new Error(`${program.name} ${build}: ${task.reason}`);
  const { reason, status } = machine.run();
  if (status === undefined) throw new Error(`${program.name} ${build}: ${reason}`);
  const signal = status & 0x7f;
  return {
    status: signal === 0 ? status >> 8 : 128 + signal,
    stdout: stdio.text(1),
    stderr: stdio.text(2),
    instructions: machine.cpu.instructions,
  };
}
