/**
 * What the real machine does with the fixtures: recorded by fixtures/native/record.sh once in each test run, where that is
 * possible (Linux on x86-64 with setarch, script, strace, pmap and the loaders of both ABIs), else the committed recordings.
 */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseElf } from "../../src/elf/image.ts";
import { buildIdOf } from "../../src/elf/notes.ts";
import { isElfError } from "../../src/elf/reader.ts";
import { builds, type Expectation, fixturesPath } from "../fixtures/programs.ts";
import { hasTool } from "./native.ts";

/** With FOLIO_FULL=1 nothing may be skipped: what is missing is an error. */
export const FULL = process.env.FOLIO_FULL === "1";

const PREFIX = "folio-recordings-";

/** Why no recording can be made here; undefined if it can. */
export const whyNoRecording = ((): string | undefined => {
  if (process.platform !== "linux" || process.arch !== "x64") return "this is not Linux on x86-64";
  for (const tool of ["setarch", "script", "strace", "pmap"]) if (!hasTool(tool)) return `${tool} is not installed`;
  const missing = missingInterpreters()[0];
  if (missing !== undefined) return `${missing} is not there`;
  const works = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: "ignore" }).status === 0;
  if (!works("setarch", "-R", "true")) return "setarch -R is not allowed";
  if (!works("strace", "-o", "/dev/null", "true")) return "strace is not allowed";
  return undefined;
})();

function missingInterpreters(): string[] {
  const interpreters = new Set(Object.values(builds).map(({ interpreter }) => interpreter ?? "/"));
  return [...interpreters].filter((file) => process.platform !== "linux" || !fs.existsSync(file));
}

/** The loader that this build needs and this machine lacks. */
export function missingInterpreter(build: string): string | undefined {
  return missingInterpreters().find((file) => file === builds[build].interpreter);
}

/** The moment a process began, so that a reused pid is told apart; "" if there is none. */
function startTime(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return "";
  }
}

function removeOld(): void {
  for (const name of fs.readdirSync(os.tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const [pid, start] = name.slice(PREFIX.length).split("-");
    if (startTime(Number(pid)) !== start) fs.rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
  }
}

async function record(directory: string): Promise<void> {
  const log = path.join(directory, "log");
  const fd = fs.openSync(log, "w");
  const child = spawn("sh", [`${fixturesPath}native/record.sh`, "--to", directory], { stdio: ["ignore", fd, fd] });
  const status = await new Promise((resolve) => child.on("close", resolve));
  fs.closeSync(fd);
  if (status !== 0) throw new Error(`record.sh failed:\n${fs.readFileSync(log, "utf8")}`);
}

let begun: Promise<string> | undefined;

/**
 * The directory of `<program>/expect/<build>.json`. All files of one test run share one recording; the first one to ask
 * makes it. Call it early: making one takes half a minute, most of it asleep.
 */
export function recordings(): Promise<string> {
  begun ??= shared();
  return begun;
}

async function shared(): Promise<string> {
  if (whyNoRecording !== undefined) {
    if (FULL) throw new Error(`FOLIO_FULL: no native recording: ${whyNoRecording}`);
    return `${fixturesPath}programs`;
  }
  const directory = path.join(os.tmpdir(), `${PREFIX}${process.ppid}-${startTime(process.ppid)}`);
  const done = path.join(directory, "done");
  const failed = path.join(directory, "failed");
  try {
    fs.mkdirSync(directory);
  } catch {
    while (!fs.existsSync(done)) {
      if (fs.existsSync(failed)) throw new Error(fs.readFileSync(failed, "utf8"));
      await delay(200);
    }
    return directory;
  }
  removeOld();
  try {
    await record(directory);
  } catch (error) {
    fs.writeFileSync(failed, String(error));
    throw error;
  }
  fs.writeFileSync(done, "");
  return directory;
}

/** One build's recording. */
export function readExpectation(directory: string, program: string, build: string): Expectation {
  return JSON.parse(fs.readFileSync(`${directory}/${program}/expect/${build}.json`, "utf8")) as Expectation;
}

/** A file that record.sh leaves beside the JSON: `<build>.<kind>`. */
export function readRecorded(directory: string, program: string, file: string): string {
  return fs.readFileSync(`${directory}/${program}/expect/${file}`, "latin1");
}

/** The size of ld.so.cache, which ld.so maps below libc; 0 if there is none. */
export function ldSoCacheSize(): number {
  return fs.statSync("/etc/ld.so.cache", { throwIfNoEntry: false })?.size ?? 0;
}

/** Whether the libraries here are those that the recording was made with. */
export function sameLibraries(expectation: Expectation): boolean {
  const pages = (bytes: number) => Math.ceil(bytes / 4096);
  const dynamic = expectation.libraries.length > 0;
  if (dynamic && pages(ldSoCacheSize()) !== pages(Number(expectation.recorder.ldSoCacheSize))) return false;
  return expectation.libraries.every(({ path: file, buildId }) => {
    if (!fs.existsSync(file)) return false;
    const image = parseElf(fs.readFileSync(file));
    return !isElfError(image) && buildIdOf(image) === buildId;
  });
}
