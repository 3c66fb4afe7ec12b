/** `folio run PROGRAM [ARG…]`: stdio passes through, the status is the guest's. */
import { type Command, InvalidArgumentError } from "commander";
import type { SigInfo } from "../kernel/siginfo.ts";
import type { Task } from "../kernel/task.ts";
import type { Machine } from "../machine/create-machine.ts";
import type { Observer } from "../observe/observer.ts";
import { addMachineOptions, type MachineCliOptions } from "./machine-options.ts";

function interval(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be a whole number above 0.");
}

interface RunOptions extends MachineCliOptions {
  readonly strace?: boolean;
  readonly straceOutput?: string;
  readonly expression?: string;
  readonly stats?: boolean;
  readonly profile?: string;
  readonly profileInterval: number;
}

/** strace's text on stderr, or in the file of -o. */
async function straceObserver(options: RunOptions): Promise<Observer<Task, SigInfo>> {
  const { straceTo } = await import("./strace.ts");
  return straceTo(options.straceOutput, options.expression);
}

/** Has the machine profiled; returns what writes the profile once it has run. */
async function profiler(machine: Machine, file: string, { profileInterval }: RunOptions): Promise<() => void> {
  const { profileTo } = await import("./profile.ts");
  return profileTo(machine, file, profileInterval);
}

async function run(program: string, args: readonly string[], options: RunOptions): Promise<number> {
  const { exitStatus, launch } = await import("./launch.ts");
  const traced = options.strace === true || options.straceOutput !== undefined || options.expression !== undefined;
  const observers = traced ? [await straceObserver(options)] : [];
  const { machine } = launch({ program, args, options, observers });
  const writeProfile = options.profile === undefined ? undefined : await profiler(machine, options.profile, options);
  const started = process.hrtime.bigint();
  const end = machine.run();
  if (options.stats) {
    const { statsText } = await import("./stats.ts");
    const { user, system } = process.cpuUsage();
    statsText(machine, { wall: Number(process.hrtime.bigint() - started) / 1e9, cpu: (user + system) / 1e6 });
  }
  writeProfile?.();
  return exitStatus(end);
}

export function addRunCommand(program: Command, done: (status: number) => void): void {
  const command = program
    .command("run", { isDefault: false })
    .description("run a program; its status is folio's, 128+n when signal n killed it")
    .argument("<program>", "ELF program or script; without a slash it is searched on the PATH")
    .argument("[args...]", "its arguments")
    .passThroughOptions();
  addMachineOptions(command)
    .option("--strace", "system calls on stderr, as strace prints them")
    .option("-o, --strace-output <file>", "system calls to a file")
    .option("-e, --expression <expr>", "only these system calls: trace=open,close, or trace=!read")
    .option("--stats", "what the run has cost, on stderr")
    .option("--profile <file>", "functions of the guest that ran, with their callers, as a file for speedscope")
    .option("--profile-interval <n>", "instructions from one sample of --profile to the next", interval, 100_000)
    .action(async (name: string, args: string[], options: RunOptions) => done(await run(name, args, options)));
}
