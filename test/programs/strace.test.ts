// --strace of every fixture against strace's own text of the same run: every line, addresses included.
import { describe, expect, test } from "vitest";
import { Strace } from "../../src/debug/strace/strace.ts";
import { TABLE_AMD64 } from "../../syscalls/table.amd64.ts";
import { TABLE_I386 } from "../../syscalls/table.i386.ts";
import { builds, expectation, programs } from "../fixtures/programs.ts";
import { runFixture } from "../support/fixture-run.ts";
import {
  FULL,
  ldSoCacheSize,
  missingInterpreter,
  readRecorded,
  recordings,
  sameLibraries,
  whyNoRecording,
} from "../support/recordings.ts";

const MINUTES = 60_000;
const recording = recordings();
recording.catch(() => undefined);

/**
 * Lines without what differs from run to run: process ids (and the column of a result behind one), random bytes, the
 * processor time of getrusage; the first line's environment lies in the process that started the program. `cacheSizes`: those
 * of ld.so.cache that stand for each other; it grows with each library that is installed.
 */
function masked(lines: readonly string[], cacheSizes: readonly number[]): string[] {
  const pids = new Set<string>();
  for (const line of lines) {
    const pid = line.match(/^(?:set_tid_address\(.*|gettid\(\)|getpid\(\)) *= (\d+)$/)?.[1];
    if (pid !== undefined) pids.add(pid);
  }
  return lines.map((line) => {
    const text = line
      .replace(/^(execve\(.*\], )0x[0-9a-f]+( \/\*)/, "$1ENVP$2")
      .replace(/^(getrandom\()"[^"]*"/, '$1"RANDOM"')
      .replace(/(?<=^getrusage\(.*tv_u?sec=)\d+/g, "TIME")
      .replace(/(?<![\w.-])\d+(?![\w.-])/g, (number) => (pids.has(number) ? "PID" : number))
      .replace(/si_pid=\d+/, "si_pid=PID")
      .replace(/(?<=^\w*stat.*stx?_size=|^mmap2?\(NULL, |^munmap\(0x[0-9a-f]+, )\d+/, (number) =>
        cacheSizes.includes(Number(number)) ? "SIZE" : number,
      );
    return /PID|TIME|SIZE/.test(text) ? text.replace(/ +(= \S+)$/, " $1") : text;
  });
}

function obstacle(program: string, build: string): string | undefined {
  const interpreter = missingInterpreter(build);
  if (interpreter !== undefined) return `${interpreter} is not there`;
  if (whyNoRecording !== undefined && !sameLibraries(expectation(program, build)))
    return `another C library than the recorded one, and ${whyNoRecording}`;
  return undefined;
}

for (const program of programs) {
  describe(program.name, () => {
    for (const build of program.builds) {
      for (const run of program.runs) {
        if (run.builds !== undefined && !run.builds.includes(build)) continue;
        const name = `${builds[build].interpreter === null ? "static" : "dynamic"} ${build}, run ${run.id}`;
        const missing = FULL ? undefined : obstacle(program.name, build);
        if (missing !== undefined) {
          test.skip(`${name}: ${missing}`, () => undefined);
          continue;
        }
        test(name, { timeout: 5 * MINUTES }, async () => {
          const lines: string[] = [];
          const tables = { amd64: TABLE_AMD64, i386: TABLE_I386 };
          const strace = new Strace({ sink: (line) => lines.push(line), tables });
          runFixture({ program, build, run, observers: [strace] });
          const expected = readRecorded(await recording, program.name, `${build}.${run.id}.strace`);
          const recorded = Number(expectation(program.name, build).recorder.ldSoCacheSize);
          const sizes = whyNoRecording === undefined ? [] : [recorded, ldSoCacheSize()];
          expect(masked(lines, sizes)).toEqual(masked(expected.trimEnd().split("\n"), sizes));
        });
      }
    }
  });
}
