/** The lecture's programs as `fixtures/` ships them, with what the real machine printed. */
import * as fs from "node:fs";
import * as path from "node:path";
import { UsageError } from "../base/errors.ts";

export interface FixtureRun {
  readonly id: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What its output depends on: `addresses`, `libc`, `kernel`. */
  readonly depends: readonly string[];
  readonly builds?: readonly string[];
  /** RLIMIT_AS in bytes. */
  readonly addressSpace?: number;
}

export interface FixtureProgram {
  readonly name: string;
  readonly what: string;
  /** Row of the list of slides, null for probes. */
  readonly slide: number | null;
  readonly builds: readonly string[];
  readonly files: readonly string[];
  readonly runs: readonly FixtureRun[];
  readonly views?: boolean;
}

export interface FixtureBuild {
  readonly abi: "amd64" | "i386";
  readonly libc: string;
  readonly interpreter: string | null;
}

export interface RecordedRun {
  readonly run: string;
  readonly stdoutKind: "pipe" | "file" | "tty";
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBase64?: string;
  readonly stderrBase64?: string;
}

export interface Recording {
  /** Where it ran: the path lies on the initial stack. */
  readonly directory: string;
  readonly recorder: { readonly kernel: string; readonly system: string; readonly ldSoCacheSize: number };
  readonly libraries: readonly { readonly path: string; readonly buildId: string }[];
  readonly runs: readonly RecordedRun[];
}

export interface Fixtures {
  readonly directory: string;
  readonly builds: Readonly<Record<string, FixtureBuild>>;
  readonly programs: readonly FixtureProgram[];
}

/** `fixtures/` of the installation: beside the bundle's directory, or above it. */
export function findFixtures(): Fixtures {
  const script = fs.realpathSync(process.argv[1]);
  for (let at = path.dirname(script); ; at = path.dirname(at)) {
    const directory = path.join(at, "fixtures");
    const list = path.join(directory, "programs.json");
    if (fs.existsSync(list)) return { directory, ...JSON.parse(fs.readFileSync(list, "utf8")) };
    if (path.dirname(at) === at) throw new UsageError("fixtures/programs.json is not there");
  }
}

export function programPath(fixtures: Fixtures, program: string, build: string): string {
  return path.join(fixtures.directory, "programs", program, "bin", build);
}

/** What the real machine did with this build; undefined if it was not recorded. */
export function readRecording(fixtures: Fixtures, program: string, build: string): Recording | undefined {
  const file = path.join(fixtures.directory, "programs", program, "expect", `${build}.json`);
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : undefined;
}

/** The recorded /proc/PID/maps; undefined if there is none. */
export function readRecordedMaps(fixtures: Fixtures, program: string, build: string): string | undefined {
  const file = path.join(fixtures.directory, "programs", program, "expect", `${build}.maps`);
  return fs.existsSync(file) ? fs.readFileSync(file, "latin1") : undefined;
}

/** A recorded stream as a binary string. */
export function recordedText(run: RecordedRun, stream: "stdout" | "stderr"): string {
  const encoded = stream === "stdout" ? run.stdoutBase64 : run.stderrBase64;
  return encoded === undefined
    ? Buffer.from(run[stream], "utf8").toString("latin1")
    : Buffer.from(encoded, "base64").toString("latin1");
}
