/** From command line to a machine with its program loaded: what `run` and the views share. */
import * as fs from "node:fs";
import { UsageError } from "../base/errors.ts";
import type { Host } from "../host/host.ts";
import { createNodeHost } from "../host-node/host.ts";
import type { SigInfo } from "../kernel/siginfo.ts";
import type { Task } from "../kernel/task.ts";
import { isLoadFailure, type LoadFailure } from "../loader/exec-file.ts";
import { createMachine, loadProblem, type Machine, type MachineEnd } from "../machine/create-machine.ts";
import type { Observer } from "../observe/observer.ts";
import { findProgram } from "./find-program.ts";
import { binary, environmentOf, type MachineCliOptions, profileOf, sysrootOf, tiersOf } from "./machine-options.ts";
import { complain } from "./output.ts";

export interface Launch {
  readonly machine: Machine;
  /** The first process. */
  readonly task: Task;
}

export interface LaunchRequest {
  readonly program: string;
  readonly args: readonly string[];
  readonly options: MachineCliOptions;
  readonly observers?: readonly Observer<Task, SigInfo>[];
  /** Wraps the host, for views that keep stdout to themselves. */
  readonly wrapHost?: (host: Host) => Host;
}

const ELSE = "or give --sysroot DIR with one, or --libc embedded";

/** What to do about a missing interpreter. */
function interpreterAdvice(interpreter: string): string {
  if (/ld-musl/.test(interpreter)) return "install musl, or give --sysroot DIR with one";
  if (/ld-linux\.so\.2$/.test(interpreter)) return `install libc6:i386 (libc6-i386), ${ELSE}`;
  if (/ld-linux-x86-64/.test(interpreter)) return `install libc6 for amd64, ${ELSE}`;
  return "give --sysroot DIR with it";
}

/** Whose C library the program gets unless --libc says it: a machine of the past has no other than the embedded one. */
function libcOf(options: MachineCliOptions): "sysroot" | "embedded" {
  if (options.libc !== undefined) return options.libc;
  const { glibc } = profileOf(options);
  const inSysroot = options.sysroot !== undefined || glibc === undefined || !OLD_GLIBCS.includes(glibc);
  return inSysroot ? "sysroot" : "embedded";
}

/** Versions that no host has any more. */
const OLD_GLIBCS: readonly string[] = ["2.11.1", "2.13"];

/** getgroups(2) of folio itself: Node's own answer has the effective group in it too. */
function supplementaryGroups(): readonly number[] {
  try {
    const [, list] = /^Groups:\s*(.*)$/m.exec(fs.readFileSync("/proc/self/status", "latin1")) ?? [];
    if (list !== undefined) return list.split(" ").filter(Boolean).map(Number);
  } catch {
    // not Linux
  }
  return process.getgroups?.() ?? [];
}

/** Builds the machine and loads the program; UsageError if it cannot be. */
export function launch(request: LaunchRequest): Launch {
  const { options, program } = request;
  const libc = libcOf(options);
  const launched = attempt(request, libc);
  if ("machine" in launched) return launched;
  const { missingInterpreter } = launched;
  // Where nobody said which library to take, and there is none, folio's own is better than nothing.
  const own = missingInterpreter !== undefined && /\/ld-linux/.test(missingInterpreter);
  if (own && options.libc === undefined && options.sysroot === undefined && libc === "sysroot") {
    const again = attempt(request, "embedded");
    if ("machine" in again) {
      complain(`${missingInterpreter} is not there: the program gets the embedded C library (--libc embedded)`);
      return again;
    }
  }
  const problem = loadProblem(program, launched);
  const advice = missingInterpreter === undefined ? "" : `: ${interpreterAdvice(missingInterpreter)}`;
  throw new UsageError(`${problem.message}${advice}`, problem.status);
}

function attempt(request: LaunchRequest, libc: "sysroot" | "embedded"): Launch | LoadFailure {
  const { program, args, options, observers = [], wrapHost } = request;
  const sysroot = sysrootOf(options);
  const envp = environmentOf(options);
  const searched = envp.find((entry) => entry.startsWith("PATH="))?.slice(5) ?? "/usr/local/bin:/usr/bin:/bin";
  const found = findProgram(program, sysroot, options.cwd, searched);
  const nodeHost = createNodeHost();
  const host = wrapHost?.(nodeHost) ?? nodeHost;
  const machine = createMachine({
    profile: profileOf(options),
    host,
    observers,
    options: {
      aslr: options.aslr === "on",
      clock: options.clock,
      libc,
      tiers: tiersOf(options),
      rlimits: options.ulimit,
      user: {
        uid: process.getuid?.() ?? 0,
        gid: process.getgid?.() ?? 0,
        groups: supplementaryGroups(),
      },
      ...(sysroot === undefined ? {} : { sysroot }),
      ...(options.malloc === undefined ? {} : { malloc: options.malloc }),
      ...(options.ram === undefined ? {} : { ramBytes: options.ram }),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      ...(options.maxInstructions === undefined ? {} : { maxInstructions: options.maxInstructions }),
    },
  });
  if (found.expose !== undefined && machine.kernel.vfs.exposeHostFile(found.expose, found.guestPath) < 0) {
    throw new UsageError(`${program}: cannot be read`, 126);
  }
  const task = machine.start({
    path: found.guestPath,
    argv: [options.argv0 === undefined ? binary(program) : binary(options.argv0), ...args.map(binary)],
    envp,
    cwd: found.cwd,
    umask: process.umask(),
  });
  return isLoadFailure(task) ? task : { machine, task };
}

/** folio's exit status for how the machine ended: the guest's, 128 + n for signal n. */
export function exitStatus(end: MachineEnd): number {
  if (end.reason === "instruction-limit") throw new UsageError("the limit of --max-instructions is reached");
  if (end.status === undefined) {
    if (end.reason === "deadlock") throw new UsageError("every process of the guest waits for ever");
    return 0;
  }
  const signal = end.status & 0x7f;
  return signal === 0 ? (end.status >> 8) & 0xff : 128 + signal;
}
