// folio maps, pmap, pmap -x, /proc/PID/status and smaps of memtest while it sleeps, against those of the real machine.
import { beforeAll, describe, expect, test } from "vitest";
import { smapsRecords } from "../../src/kernel/procfs/maps.ts";
import { statmText, statusText } from "../../src/kernel/procfs/status.ts";
import { type Expectation, expectation, programs, written } from "../fixtures/programs.ts";
import { AtSleep, runFixture } from "../support/fixture-run.ts";
import { folio } from "../support/folio.ts";
import {
  FULL,
  missingInterpreter,
  readExpectation,
  readRecorded,
  recordings,
  sameLibraries,
  whyNoRecording,
} from "../support/recordings.ts";

const MINUTES = 60_000;
const recording = recordings();
recording.catch(() => undefined);

const memtest = programs.find(({ name }) => name === "memtest")!;
const faults = programs.find(({ name }) => name === "probe-faults")!;

function obstacle(program: string, build: string): string | undefined {
  const interpreter = missingInterpreter(build);
  if (interpreter !== undefined) return `${interpreter} is not there`;
  if (whyNoRecording !== undefined && !sameLibraries(expectation(program, build)))
    return `another C library than the recorded one, and ${whyNoRecording}`;
  return undefined;
}

/** Lines of maps or of smaps without device and inode, which are the disk's. */
function withoutInodes(text: string): string[] {
  return text
    .trimEnd()
    .replace(/^([0-9a-f]+-[0-9a-f]+ \S+ \S+) \S+ \d+ */gm, "$1 ")
    .split("\n");
}

function withoutPid(text: string): string[] {
  return text.trimEnd().replace(/^\d+:/, "PID:").split("\n");
}

type Entry = Readonly<Record<string, string>> & { readonly mapping: string };

/** smaps as one object a mapping; every line of it counts. */
function smapsEntries(text: string): Entry[] {
  const entries: Record<string, string>[] = [];
  for (const line of withoutInodes(text)) {
    const field = line.match(/^(\w+):\s*(.*?)\s*$/);
    if (field === null) entries.push({ mapping: line.trimEnd() });
    else entries[entries.length - 1][field[1]] = field[2];
  }
  return entries as Entry[];
}

const kib = (entry: Entry, key: string): number => Number.parseInt(entry[key], 10);

/**
 * Other processes of the real machine map libc too: its pages are shared then, and only a part of each counts for this
 * process. folio's machine has one process. Where the real entry has clean shared pages, they are compared as clean.
 */
function withoutNeighbours(entry: Entry, real: Entry): Entry {
  if (kib(real, "Shared_Clean") === 0) return entry;
  const clean = kib(entry, "Shared_Clean") + kib(entry, "Private_Clean");
  const { Pss: _, Shared_Clean: __, Private_Clean: ___, ...rest } = entry;
  return { ...rest, Clean: `${clean} kB` } as unknown as Entry;
}

function field(text: string, key: string): string | undefined {
  return text.match(new RegExp(`^${key}:\\s*(.*)$`, "m"))?.[1];
}

const MEMORY_FIELDS = [
  ...["VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem"],
  ...["VmData", "VmStk", "VmExe", "VmLib", "VmPTE", "VmSwap"],
];

let directory: string;
beforeAll(async () => {
  directory = await recording;
}, 5 * MINUTES);

for (const build of memtest.builds) {
  const missing = FULL ? undefined : obstacle("memtest", build);
  if (missing !== undefined) {
    test.skip(`memtest ${build}: ${missing}`, () => undefined);
    continue;
  }
  describe(`memtest ${build}`, () => {
    const view = (command: string, ...options: string[]): string => {
      const cwd = `/tmp/folio/${build}`;
      const { status, stdout, stderr } = folio([command, ...options, "--aslr", "off", "-i", "./memtest"], { cwd });
      expect({ status, stderr: stderr.replace(/^Test: .*\n/gm, "") }).toEqual({ status: 0, stderr: "" });
      return stdout;
    };

    test.skipIf(whyNoRecording !== undefined)("maps", { timeout: MINUTES }, () => {
      expect(withoutInodes(view("maps"))).toEqual(withoutInodes(readRecorded(directory, "memtest", `${build}.maps`)));
    });

    test.skipIf(whyNoRecording !== undefined)("pmap", { timeout: MINUTES }, () => {
      expect(withoutPid(view("pmap"))).toEqual(withoutPid(readRecorded(directory, "memtest", `${build}.pmap`)));
    });

    test.skipIf(whyNoRecording !== undefined)("pmap -x", { timeout: MINUTES }, () => {
      const real = readRecorded(directory, "memtest", `${build}.pmap-x`);
      expect(withoutPid(view("pmap", "-x"))).toEqual(withoutPid(real));
    });

    test("status, statm and smaps", { timeout: MINUTES }, () => {
      const seen = { smaps: "", status: "", statm: "" };
      const look = new AtSleep((task) => {
        seen.smaps = [...smapsRecords(task.mm, Number.NEGATIVE_INFINITY)].map(({ text }) => text).join("");
        seen.status = statusText(task);
        seen.statm = statmText(task);
      });
      runFixture({ program: memtest, build, run: memtest.runs[0], kind: "file", observers: [look] });
      const status = readRecorded(directory, "memtest", `${build}.status`);
      for (const key of MEMORY_FIELDS) expect(`${key} ${field(seen.status, key)}`).toBe(`${key} ${field(status, key)}`);
      expect(seen.statm).toBe(readRecorded(directory, "memtest", `${build}.statm`));
      const real = smapsEntries(readRecorded(directory, "memtest", `${build}.smaps`));
      const ours = smapsEntries(seen.smaps);
      expect(ours.map((entry, i) => (real[i] === undefined ? entry : withoutNeighbours(entry, real[i])))).toEqual(
        real.map((entry) => withoutNeighbours(entry, entry)),
      );
    });
  });
}

describe("probe-faults: minor faults and smaps fields of each step", () => {
  for (const build of faults.builds) {
    const missing = FULL ? undefined : obstacle("probe-faults", build);
    if (missing !== undefined) {
      test.skip(`${build}: ${missing}`, () => undefined);
      continue;
    }
    test(build, { timeout: MINUTES }, () => {
      const { stdout, status } = runFixture({ program: faults, build, run: faults.runs[0] });
      const expected: Expectation = readExpectation(directory, "probe-faults", build);
      const row = expected.runs.find(({ stdoutKind }) => stdoutKind === "pipe")!;
      expect(status).toBe(0);
      expect(stdout.split("\n").length).toBeGreaterThan(22);
      expect(stdout.split("\n")).toEqual(written(row, "stdout")?.toString("latin1").split("\n"));
    });
  }
});
