// Every dynamic fixture on the embedded libc: of 2.36 with the output, status and heap addresses of the recorded glibc 2.36; of
// the lecture's machines where the output depends on nothing but the program.
import { describe, expect, test } from "vitest";
import { quadamd, ubu64 } from "../../../src/profiles/machines/lecture.ts";
import { DEFAULT_MACHINE } from "../../../src/profiles/machines/machines.ts";
import {
  builds,
  type Expectation,
  expectation,
  type Program,
  programs,
  type Run,
  written,
} from "../../fixtures/programs.ts";
import { type FixtureOutcome, runFixture } from "../../support/fixture-run.ts";
import { FULL } from "../../support/recordings.ts";

type Outcome = Pick<FixtureOutcome, "status" | "stdout" | "stderr">;

const OLD = { amd64: ubu64, i386: quadamd } as const;
const UNLIKE: Readonly<Record<string, string>> = {
  LD_PRELOAD: "libc_malloc_debug.so.0 is a part of the real glibc",
  oom2: "our libraries are smaller: more blocks fit into the address space",
};
const UNLIKE_OLD: Readonly<Record<string, string>> = {
  uname: "prints what the machine is",
  "probe-signals": "the buffer of stdout is a mapping, in the hole that the program has made for a fault",
};

function recorded(expected: Expectation, run: Run): Outcome {
  const row = expected.runs.find((candidate) => candidate.run === run.id && candidate.stdoutKind === "pipe");
  if (row === undefined) throw new Error(`${expected.program} ${expected.build} ${run.id}: no recording`);
  const text = (stream: "stdout" | "stderr"): string => written(row, stream)?.toString("latin1") ?? "";
  return { status: row.status, stdout: text("stdout"), stderr: text("stderr") };
}

/** Addresses below the stack move with the libraries' sizes, by whole pages; all others are the real ones. */
function withoutMappings({ status, stdout, stderr }: Outcome): Outcome {
  const masked = stdout.replace(/0x(?:7ffff7|f[67])[0-9a-f]+([0-9a-f]{3})\b/g, "MAPPING+$1");
  return { status, stdout: masked, stderr };
}

function jobs(): { name: string; program: Program; build: string; run: Run }[] {
  const found = [];
  for (const program of programs) {
    for (const build of program.builds.filter((name) => builds[name].interpreter !== null)) {
      for (const run of program.runs) {
        if (run.builds !== undefined && !run.builds.includes(build)) continue;
        if (UNLIKE[program.name] !== undefined || Object.keys(run.env).some((name) => UNLIKE[name])) continue;
        found.push({ name: `${program.name} ${build} ${run.id}`, program, build, run });
      }
    }
  }
  return found;
}

describe("fixtures on the embedded libc", () => {
  const short = jobs().filter(({ build }) => FULL || ["amd64", "i386-pie"].includes(build));
  test.each(short)("$name", ({ program, build, run }) => {
    const outcome = runFixture({ program, build, run, embedded: DEFAULT_MACHINE });
    expect(withoutMappings(outcome)).toEqual(withoutMappings(recorded(expectation(program.name, build), run)));
  });

  test.each(["amd64", "i386", "amd64-pie", "i386-pie"])("oom2 %s", (build) => {
    const program = programs.find(({ name }) => name === "oom2");
    const run = program?.runs[0];
    if (program === undefined || run === undefined) throw new Error("no oom2");
    const outcome = runFixture({ program, build, run, embedded: DEFAULT_MACHINE });
    const expected = recorded(expectation("oom2", build), run);
    // As many lines as blocks of 1 MiB and a page fit beside what is mapped.
    expect(outcome.stdout.startsWith(expected.stdout)).toBe(true);
    const blocks = outcome.stdout.split("\n").length - 1;
    expect(blocks).toBeLessThanOrEqual(Math.floor((run.addressSpace ?? 0) / 0x101000));
    expect([outcome.status, outcome.stderr]).toEqual([expected.status, expected.stderr]);
  });
});

const plain = jobs().filter(
  ({ program: { name }, build, run }) =>
    builds[build].type === "ET_EXEC" && run.depends.length === 0 && UNLIKE_OLD[name] === undefined,
);

describe("fixtures on the lecture's machines", () => {
  test.each(plain)("$name", ({ program, build, run }) => {
    const { status, stdout, stderr } = runFixture({ program, build, run, embedded: OLD[builds[build].abi] });
    expect({ status, stdout, stderr }).toEqual(recorded(expectation(program.name, build), run));
  });
});
