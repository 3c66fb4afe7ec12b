// Every fixture in every build on both tiers, and as the default mixes them: output, status and all printed addresses are those of the real machine.
import { beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_TIERS } from "../../src/exec/hot-code.ts";
import { builds, type Expectation, expectation, programs, written } from "../fixtures/programs.ts";
import {
  COMPILED_AT_ONCE,
  COMPILED_WHEN_WARM,
  type FixtureJob,
  INTERPRETED,
  runFixture,
  type StreamKind,
} from "../support/fixture-run.ts";
import {
  FULL,
  missingInterpreter,
  readExpectation,
  recordings,
  sameLibraries,
  whyNoRecording,
} from "../support/recordings.ts";

const MINUTES = 60_000;

/** Recording goes on while folio runs the programs. */
const recording = recordings();
recording.catch(() => undefined);

/** Why this run cannot be compared here. */
function obstacle({ program, build, run }: FixtureJob): string | undefined {
  const interpreter = missingInterpreter(build);
  if (interpreter !== undefined) return `${interpreter} is not there`;
  if (whyNoRecording === undefined) return undefined;
  const depends = run.depends.includes("libc") || run.depends.includes("addresses");
  if (depends && builds[build].interpreter !== null && !sameLibraries(expectation(program.name, build)))
    return `another C library than the recorded one, and ${whyNoRecording}`;
  return undefined;
}

/**
 * To compile the loader's and libc's start, where nearly every block runs once, takes seconds a run: static programs are
 * compiled from the first execution on, and so is one dynamic program of each ABI; the others once code is warm.
 */
function compiled({ program, build }: FixtureJob): typeof COMPILED_AT_ONCE {
  const { interpreter, type } = builds[build];
  const atOnce = interpreter === null || (program.name === "probe-signals" && type === "ET_EXEC");
  return atOnce ? COMPILED_AT_ONCE : COMPILED_WHEN_WARM;
}

function recorded(expected: Expectation, run: string, kind: StreamKind): object {
  const row = expected.runs.find((candidate) => candidate.run === run && candidate.stdoutKind === kind);
  if (row === undefined) throw new Error(`${expected.program} ${expected.build} ${run}: no recording on a ${kind}`);
  const text = (stream: "stdout" | "stderr") => written(row, stream)?.toString("latin1");
  return { status: row.status, stdout: text("stdout"), stderr: text("stderr") };
}

beforeAll(() => {
  if (FULL && whyNoRecording !== undefined) throw new Error(`FOLIO_FULL: ${whyNoRecording}`);
});

for (const program of programs) {
  describe(program.name, () => {
    for (const build of program.builds) {
      for (const run of program.runs) {
        if (run.builds !== undefined && !run.builds.includes(build)) continue;
        const job = { program, build, run };
        const missing = FULL ? undefined : obstacle(job);
        const name = `${build}, run ${run.id}`;
        if (missing !== undefined) {
          test.skip(`${name}: ${missing}`, () => undefined);
          continue;
        }
        test(name, { timeout: 5 * MINUTES }, async () => {
          const { instructions, ...interpreted } = runFixture({ ...job, tiers: INTERPRETED });
          expect(runFixture({ ...job, tiers: compiled(job) })).toEqual({ ...interpreted, instructions });
          const expected = readExpectation(await recording, program.name, build);
          expect(interpreted).toEqual(recorded(expected, run.id, "pipe"));
          for (const kind of ["file", "tty"] as const) {
            const tiers = kind === "file" ? DEFAULT_TIERS : INTERPRETED;
            const { instructions: _, ...other } = runFixture({ ...job, kind, tiers });
            expect({ kind, ...other }).toEqual({ kind, ...recorded(expected, run.id, kind) });
          }
        });
      }
    }
  });
}
