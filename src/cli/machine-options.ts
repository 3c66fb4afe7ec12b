/** The options that `run` and all views share: which machine, which program, where and as whom. */
import * as fs from "node:fs";
import * as path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  RLIMIT_AS,
  RLIMIT_CORE,
  RLIMIT_CPU,
  RLIMIT_DATA,
  RLIMIT_FSIZE,
  RLIMIT_MEMLOCK,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_STACK,
} from "../abi/resource.ts";
import { UsageError } from "../base/errors.ts";
import { DEFAULT_TIERS, type TierPolicy } from "../exec/hot-code.ts";
import type { Rlimit } from "../kernel/rlimits.ts";
import type { MallocVersion } from "../libc/malloc/version.ts";
import { MALLOC_VERSIONS, mallocVersion } from "../libc/malloc/versions/all.ts";
import { CPU_MODELS } from "../profiles/cpu-model.ts";
import type { MachineProfile } from "../profiles/machine-profile.ts";
import { DEFAULT_MACHINE, MACHINES, machineByName } from "../profiles/machines/machines.ts";

export interface MachineCliOptions {
  readonly machine: string;
  readonly cpu?: string;
  readonly sysroot?: string;
  readonly libc?: "sysroot" | "embedded";
  readonly env: readonly string[];
  readonly ignoreEnvironment?: boolean;
  readonly cwd?: string;
  readonly ram?: number;
  readonly seed?: string;
  readonly aslr: "on" | "off";
  readonly clock: "virtual" | "real";
  readonly maxInstructions?: number;
  readonly tier: TierPolicy["tier"];
  readonly jitThreshold?: number;
  readonly ulimit: ReadonlyMap<number, Rlimit>;
  readonly argv0?: string;
  readonly malloc?: { readonly version: MallocVersion | undefined };
}

const ULIMITS: Readonly<Record<string, number>> = {
  as: RLIMIT_AS,
  core: RLIMIT_CORE,
  cpu: RLIMIT_CPU,
  data: RLIMIT_DATA,
  fsize: RLIMIT_FSIZE,
  memlock: RLIMIT_MEMLOCK,
  nofile: RLIMIT_NOFILE,
  nproc: RLIMIT_NPROC,
  stack: RLIMIT_STACK,
};

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** `512M`, `2G`, `1.5G`, or bytes. */
export function parseSize(text: string): number {
  const match = text.match(/^(\d+(?:\.\d+)?)([KMG]?)(?:i?B)?$/i);
  if (match === null) throw new InvalidArgumentError("A size is a number with K, M or G behind it.");
  return Math.floor(Number(match[1]) * UNITS[match[2].toUpperCase()]);
}

function parseCount(text: string): number {
  const value = /^\d+$/.test(text)
    ? Number(text)
    : /^\d+(\.\d+)?e\d+$/i.test(text)
      ? Math.floor(Number(text))
      : Number.NaN;
  if (!(value > 0)) throw new InvalidArgumentError("It must be a positive number.");
  return value;
}

function parseThreshold(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It must be a number from 0.");
  return Number(text);
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** `ts`, or `ts:VERSION`. */
function parseMalloc(text: string): { version: MallocVersion | undefined } {
  const [, name] = text.match(/^ts(?::(.+))?$/) ?? [undefined, text];
  const version = name === undefined ? undefined : mallocVersion(name);
  if (name !== undefined && version === undefined) {
    throw new InvalidArgumentError(`It is ts or ts:VERSION, VERSION ${MALLOC_VERSIONS.map((v) => v.name).join(", ")}.`);
  }
  return { version };
}

function parseLimit(text: string): number {
  return text === "unlimited" ? Number.POSITIVE_INFINITY : parseSize(text);
}

/** `as=64M`, `stack=unlimited`, `nofile=100:200`. */
function parseUlimit(text: string, before: ReadonlyMap<number, Rlimit>): ReadonlyMap<number, Rlimit> {
  const [, name = "", soft = "", hard = soft] = text.match(/^(\w+)=([^=:]+)(?::([^=:]+))?$/) ?? [];
  if (!Object.hasOwn(ULIMITS, name)) {
    throw new InvalidArgumentError(`It is NAME=SOFT[:HARD] with NAME one of ${Object.keys(ULIMITS).join(", ")}.`);
  }
  const limit = { cur: parseLimit(soft), max: parseLimit(hard) };
  if (limit.cur > limit.max) throw new InvalidArgumentError("The soft limit is above the hard one.");
  return new Map([...before, [ULIMITS[name], limit]]);
}

/** Declares the common options on a command. */
export function addMachineOptions(command: Command): Command {
  const machines = MACHINES.map(({ name }) => name);
  return command
    .addOption(new Option("--machine <name>", "machine profile").choices(machines).default(DEFAULT_MACHINE.name))
    .addOption(
      new Option("--cpu <model>", "processor, instead of the machine's").choices(CPU_MODELS.map(({ name }) => name)),
    )
    .option("-L, --sysroot <dir>", "directory that the program sees as / (read-only); on Linux the host's /")
    .addOption(new Option("--libc <whose>", "C library of the program").choices(["sysroot", "embedded"]))
    .addOption(
      new Option("-E, --env <name=value>", "set a variable, or pass one on (NAME); repeatable")
        .argParser<readonly string[]>(collect)
        .default([], "none"),
    )
    .option("-i, --ignore-environment", "start with an empty environment")
    .option("--cwd <dir>", "working directory of the program")
    .option("--ram <size>", "memory of the machine, 16M to 3.5G; 2G unless given", parseSize)
    .option("--seed <text>", "make all random numbers repeatable")
    .addOption(new Option("--aslr <mode>", "random addresses").choices(["on", "off"]).default("on"))
    .addOption(new Option("--clock <kind>", "time of the guest").choices(["virtual", "real"]).default("virtual"))
    .addOption(new Option("--tier <which>", "how code runs").choices(["interp", "jit", "auto"]).default("auto"))
    .option("--jit-threshold <n>", "executions after which a block is compiled; 0: at once", parseThreshold)
    .option("--max-instructions <n>", "stop with status 125 when so many have run", parseCount)
    .addOption(
      new Option("--ulimit <name=soft[:hard]>", `resource limit, repeatable: ${Object.keys(ULIMITS).join(", ")}`)
        .argParser<ReadonlyMap<number, Rlimit>>(parseUlimit)
        .default(new Map(), "none"),
    )
    .option(
      "--malloc <ts[:version]>",
      "folio's malloc in place of the libc's, of this glibc version or the libc's",
      parseMalloc,
    )
    .option("-0, --argv0 <text>", "argv[0] of the program");
}

/** How code runs, as `--tier` and `--jit-threshold` say. */
export function tiersOf(options: MachineCliOptions): TierPolicy {
  const { tier, jitThreshold } = options;
  return jitThreshold === undefined ? { ...DEFAULT_TIERS, tier } : { tier, threshold: jitThreshold };
}

/** The profile that `--machine` names, with the processor that `--cpu` does. */
export function profileOf(options: MachineCliOptions): MachineProfile {
  const machine = machineByName(options.machine) ?? DEFAULT_MACHINE;
  const cpu = CPU_MODELS.find(({ name }) => name === options.cpu) ?? machine.cpu;
  if (machine.generation.kernelBits === 64 && !cpu.features.includes("lm")) {
    throw new UsageError(`--cpu ${cpu.name}: ${machine.name} has a 64-bit kernel, which this processor cannot run`);
  }
  return { ...machine, cpu };
}

/** The host's / on Linux; elsewhere there is no libc to be had, only static programs run. */
export function sysrootOf(options: { readonly sysroot?: string }): string | undefined {
  if (options.sysroot === undefined) return process.platform === "linux" ? "/" : undefined;
  const sysroot = path.resolve(options.sysroot);
  let stat: fs.Stats;
  try {
    stat = fs.statSync(sysroot);
  } catch {
    throw new UsageError(`--sysroot ${options.sysroot}: no such directory`);
  }
  if (!stat.isDirectory()) throw new UsageError(`--sysroot ${options.sysroot}: not a directory`);
  return sysroot;
}

/** UTF-8 bytes as a binary string, the form of guest strings. */
export function binary(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The environment of the program, as NAME=VALUE. */
export function environmentOf(options: MachineCliOptions): readonly string[] {
  const variables = new Map<string, string>();
  if (!options.ignoreEnvironment) {
    for (const [name, value] of Object.entries(process.env)) if (value !== undefined) variables.set(name, value);
  }
  for (const entry of options.env) {
    const equals = entry.indexOf("=");
    if (equals === 0) throw new UsageError(`--env ${entry}: the name is missing`);
    if (equals > 0) variables.set(entry.slice(0, equals), entry.slice(equals + 1));
    else if (process.env[entry] !== undefined) variables.set(entry, process.env[entry]);
  }
  return [...variables].map(([name, value]) => binary(`${name}=${value}`));
}
