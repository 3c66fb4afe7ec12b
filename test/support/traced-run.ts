/** Runs a program in a machine of its own and keeps its output and its trace. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { Strace } from "../../src/debug/strace/strace.ts";
import type { HostStdio } from "../../src/host/host.ts";
import { textOf } from "../../src/host/text.ts";
import { createNodeHost } from "../../src/host-node/host.ts";
import type { RunEnd } from "../../src/kernel/scheduler.ts";
import { isLoadFailure } from "../../src/loader/exec-file.ts";
import { createMachine, type MachineOptions } from "../../src/machine/create-machine.ts";
import type { CpuFeature } from "../../src/profiles/cpu-model.ts";
import { current } from "../../src/profiles/machines/current.ts";
import { TABLE_AMD64 } from "../../syscalls/table.amd64.ts";
import { TABLE_I386 } from "../../syscalls/table.i386.ts";

export interface TracedRun {
  readonly reason: RunEnd;
  /** In the form of wait(2). */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly trace: readonly string[];
  readonly instructions: number;
  /** How often trap sites were reached. */
  readonly traps: number;
}

const NEVER = { sec: 0, nsec: 0 };

/** Standard streams that are files: stdin is empty, stdout is kept. */
function keptStdio(chunks: string[]): HostStdio {
  const stat = { dev: 1, ino: 1, mode: 0o100644, nlink: 1, uid: 0, gid: 0, rdev: 0, size: 0, blksize: 4096, blocks: 0 };
  return {
    read: () => 0,
    write: (fd, from) => {
      if (fd === 1) chunks.push(textOf(from));
      return from.length;
    },
    isTerminal: () => false,
    stat: () => ({ ...stat, atime: NEVER, mtime: NEVER, ctime: NEVER }),
    windowSize: () => undefined,
  };
}

/** Runs the program at host path `program` with an empty environment and without address randomisation. */
export function tracedRun(program: string, options: MachineOptions = {}, extra: readonly string[] = []): TracedRun {
  const chunks: string[] = [];
  const trace: string[] = [];
  const tables = { amd64: TABLE_AMD64, i386: TABLE_I386 };
  const strace = new Strace({ sink: (line) => trace.push(line), tables });
  const cpu = { ...current.cpu, features: [...current.cpu.features, ...(extra as readonly CpuFeature[])] };
  const machine = createMachine({
    profile: { ...current, cpu },
    host: { ...createNodeHost(), stdio: keptStdio(chunks) },
    options: { aslr: false, seed: "test", ramBytes: 64 << 20, ...options },
    observers: [strace],
  });
  const name = basename(program);
  machine.kernel.vfs.exposeHostFile(program, `/${name}`);
  const task = machine.start({ path: `./${name}`, argv: [`./${name}`], envp: [], cwd: "/" });
  if (isLoadFailure(task)) throw new Error(task.reason);
  const end = machine.run();
  const { instructions } = machine.kernel.cpu;
  const traps = machine.kernel.traps.entered;
  return { reason: end.reason, status: end.status, stdout: chunks.join(""), trace, instructions, traps };
}

/** A recorded file as a binary string. */
export function recorded(path: string): string {
  return readFileSync(path, "latin1");
}
