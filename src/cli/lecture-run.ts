/** Runs the lecture's programs one after the other and compares each with its recording. */
import * as fs from "node:fs";
import { RLIMIT_AS } from "../abi/resource.ts";
import { UsageError } from "../base/errors.ts";
import { parseElf } from "../elf/image.ts";
import { buildIdOf } from "../elf/notes.ts";
import { isElfError } from "../elf/reader.ts";
import { createNodeHost } from "../host-node/host.ts";
import { isLoadFailure } from "../loader/exec-file.ts";
import { type CapturedRun, captureRun } from "../machine/captured-run.ts";
import { DEFAULT_MACHINE } from "../profiles/machines/machines.ts";
import { mapsText } from "../report/format/maps.ts";
import {
  type FixtureProgram,
  type FixtureRun,
  type Fixtures,
  findFixtures,
  programPath,
  type Recording,
  readRecordedMaps,
  readRecording,
  recordedText,
} from "./fixtures.ts";
import { sysrootOf } from "./machine-options.ts";
import { writeBinary } from "./output.ts";

export interface LectureOptions {
  readonly sysroot?: string;
  readonly build?: string;
  readonly all?: boolean;
}

type Verdict = "equal" | "differs" | "not comparable" | "skipped";

const WORDS: Readonly<Record<Verdict, string>> = {
  equal: "same as the real machine",
  differs: "NOT as on the real machine",
  "not comparable": "not compared",
  skipped: "skipped",
};

/** One run of one build. */
interface Outcome {
  readonly verdict: Verdict;
  readonly detail: string;
  readonly captured?: CapturedRun;
}

interface Job {
  readonly fixtures: Fixtures;
  readonly sysroot: string | undefined;
  readonly program: FixtureProgram;
  readonly build: string;
  readonly run: FixtureRun;
}

const RAM = 512 * 1024 ** 2;

/** The status as a shell shows it. */
function statusOf(captured: CapturedRun): number | undefined {
  const { status } = captured.end;
  if (status === undefined) return undefined;
  const signal = status & 0x7f;
  return signal === 0 ? status >> 8 : 128 + signal;
}

function mapsOf(captured: CapturedRun): string {
  return captured.memory === undefined ? "" : mapsText(captured.memory);
}

/** Maps without device and inode, which are the disk's. */
function withoutInodes(maps: string): string {
  return maps.replace(/^(\S+ \S+ \S+) \S+ \d+ */gm, "$1 ");
}

function libraryId(file: string): string | undefined {
  try {
    const image = parseElf(fs.readFileSync(file));
    return isElfError(image) ? undefined : buildIdOf(image);
  } catch {
    return undefined;
  }
}

/** Pages of ld.so.cache, which ld.so maps below libc while it looks for that. */
function cachePages(sysroot: string | undefined): number {
  const size = fs.statSync(`${sysroot ?? ""}/etc/ld.so.cache`, { throwIfNoEntry: false })?.size ?? 0;
  return Math.ceil(size / 4096);
}

/** Whether the sysroot's libraries are those of the recording, and lie where they lay. */
function sameLibraries(sysroot: string | undefined, { libraries, recorder }: Recording): boolean {
  if (libraries.length > 0 && cachePages(sysroot) !== Math.ceil(recorder.ldSoCacheSize / 4096)) return false;
  return libraries.every(({ path, buildId }) => libraryId(`${sysroot ?? ""}${path}`) === buildId);
}

/** Runs under folio as the recording was made: same path, empty environment, no randomisation, stdout a pipe. */
function runUnderFolio({ fixtures, sysroot, program, build, run }: Job, directory: string): CapturedRun | string {
  const { addressSpace } = run;
  const rlimits = new Map(addressSpace === undefined ? [] : [[RLIMIT_AS, { cur: addressSpace, max: addressSpace }]]);
  const captured = captureRun({
    profile: DEFAULT_MACHINE,
    host: createNodeHost(),
    options: {
      aslr: false,
      seed: "lecture",
      ramBytes: RAM,
      rlimits,
      user: { uid: 0, gid: 0, groups: [0] },
      ...(sysroot === undefined ? {} : { sysroot }),
    },
    program: {
      path: `./${program.name}`,
      argv: [`./${program.name}`, ...run.args],
      envp: Object.entries(run.env).map(([name, value]) => `${name}=${value}`),
      cwd: directory,
    },
    files: { [`${directory}/${program.name}`]: programPath(fixtures, program.name, build) },
  });
  return isLoadFailure(captured) ? captured.reason : captured;
}

function outcomeOf(job: Job): Outcome {
  const { fixtures, sysroot, program, build, run } = job;
  const { interpreter } = fixtures.builds[build];
  const sysrootPrefix = sysroot === "/" ? "" : sysroot;
  if (interpreter !== null && (sysrootPrefix === undefined || !fs.existsSync(sysrootPrefix + interpreter))) {
    return { verdict: "skipped", detail: `${interpreter} is not there, so no C library for it` };
  }
  const recording = readRecording(fixtures, program.name, build);
  const recorded = recording?.runs.find(({ run: id, stdoutKind }) => id === run.id && stdoutKind === "pipe");
  const captured = runUnderFolio(job, recording?.directory ?? `/tmp/folio/${build}`);
  if (typeof captured === "string") return { verdict: "differs", detail: captured };
  if (recording === undefined || recorded === undefined)
    return { verdict: "not comparable", detail: "not recorded", captured };
  const same = sameLibraries(sysrootPrefix, recording);
  if (!same && (run.depends.includes("libc") || run.depends.includes("addresses"))) {
    return { verdict: "not comparable", detail: "the C library here is another one than the recorded", captured };
  }
  const differences: string[] = [];
  if (statusOf(captured) !== recorded.status) differences.push(`status ${statusOf(captured)}, not ${recorded.status}`);
  if (captured.stdout !== recordedText(recorded, "stdout")) differences.push("stdout");
  if (captured.stderr !== recordedText(recorded, "stderr")) differences.push("stderr");
  const maps = same && run === program.runs[0] ? readRecordedMaps(fixtures, program.name, build) : undefined;
  if (maps !== undefined && withoutInodes(mapsOf(captured)) !== withoutInodes(maps)) differences.push("memory map");
  if (differences.length > 0) return { verdict: "differs", detail: differences.join(", "), captured };
  return {
    verdict: "equal",
    detail: maps === undefined ? "output and status" : "output, status and memory map",
    captured,
  };
}

function indent(text: string): string {
  return text.replace(/^(?=[^\n])/gm, "    ");
}

/** The line about one run; `full` adds output and memory map. */
function describe({ program, build, run }: Job, outcome: Outcome, full: boolean): string {
  const { verdict, detail, captured } = outcome;
  const environment = Object.entries(run.env).map(([name, value]) => `${name}=${value}`);
  const command = [
    ...environment,
    `./${program.name}`,
    ...run.args.map((arg) => (/^[\w./-]+$/.test(arg) ? arg : `'${arg}'`)),
  ];
  const head = `  ${build.padEnd(20)} ${command.join(" ")}: ${WORDS[verdict]} (${detail})\n`;
  if (!full || captured === undefined) return head;
  const output = captured.stdout + captured.stderr;
  const newline = output === "" || output.endsWith("\n") ? "" : "\n";
  return `${head}\n${indent(output)}${newline}    [status ${statusOf(captured) ?? "none"}]\n\n${indent(mapsOf(captured))}\n`;
}

/** Runs everything; the exit status: 1 if something differs. */
export function lecture(options: LectureOptions): number {
  const fixtures = findFixtures();
  const sysroot = sysrootOf(options);
  const programs = fixtures.programs.filter(({ slide }) => slide !== null);
  const builds = new Set(programs.flatMap((program) => program.builds));
  if (options.build !== undefined && !builds.has(options.build)) {
    throw new UsageError(`no build is called ${options.build}: there are ${[...builds].join(", ")}`);
  }
  const counts: Record<Verdict, number> = { equal: 0, differs: 0, "not comparable": 0, skipped: 0 };
  const exceptions: string[] = [];
  for (const program of programs) {
    writeBinary(1, `\nSlide ${program.slide}: ${program.name}, ${program.what}\n\n`);
    let shown = false;
    for (const build of program.builds) {
      if (options.build !== undefined && options.build !== build) continue;
      for (const run of program.runs) {
        if (run.builds !== undefined && !run.builds.includes(build)) continue;
        const job = { fixtures, sysroot, program, build, run };
        const outcome = outcomeOf(job);
        counts[outcome.verdict]++;
        if (outcome.verdict !== "equal") {
          exceptions.push(`  ${program.name} ${build} ${run.id}: ${WORDS[outcome.verdict]}, ${outcome.detail}\n`);
        }
        writeBinary(1, describe(job, outcome, options.all === true || !shown));
        shown ||= outcome.captured !== undefined;
      }
    }
  }
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const { equal, differs, skipped } = counts;
  writeBinary(
    1,
    `\n${total} runs: ${equal} same as the real machine, ${differs} not, ${counts["not comparable"]} not compared, ${skipped} skipped\n`,
  );
  writeBinary(1, exceptions.join(""));
  return differs === 0 ? 0 : 1;
}
