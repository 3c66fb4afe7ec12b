/** `--profile`: a program whose functions have known shares of the work and known callers. */
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, it, vi } from "vitest";
import { fixture, folio } from "../support/folio.ts";
import { compileC, hasTool, scratchDirectory } from "../support/native.ts";

vi.setConfig({ testTimeout: 60_000 });

const SOURCE = `
#include <signal.h>
#include <stdio.h>
#define FUNCTION __attribute__((noinline, noclone)) static void
static volatile unsigned sum;
FUNCTION work(unsigned n) { while (n-- > 0) sum += n; }
/* What follows the call keeps it from becoming a jump. */
FUNCTION three(unsigned n) { work(3 * n); sum++; }
FUNCTION one(unsigned n) { work(n); sum++; }
FUNCTION handler(int signo) { work(400000 + signo); sum++; }
int main(void) {
  for (int i = 0; i < 100; i++) { three(10000); one(10000); }
  signal(SIGUSR1, handler);
  raise(SIGUSR1);
  printf("%u\\n", sum);
  return 0;
}`;

interface Profile {
  readonly type: string;
  readonly name: string;
  readonly unit: string;
  readonly startValue: number;
  readonly endValue: number;
  readonly samples: number[][];
  readonly weights: number[];
}
interface ProfileFile {
  readonly $schema: string;
  readonly name: string;
  readonly shared: { readonly frames: { readonly name: string; readonly file?: string }[] };
  readonly profiles: Profile[];
}

const scratch = scratchDirectory();

/** Checks what https://www.speedscope.app/file-format-schema.json and speedscope's importer ask of a sampled profile. */
function checkFormat(file: ProfileFile): void {
  expect(file.$schema).toBe("https://www.speedscope.app/file-format-schema.json");
  expect(typeof file.name).toBe("string");
  for (const frame of file.shared.frames) {
    expect(frame.name).toMatch(/./);
    expect(["string", "undefined"]).toContain(typeof frame.file);
    expect(Object.keys(frame).filter((key) => key !== "name" && key !== "file")).toEqual([]);
  }
  for (const { type, name, unit, startValue, endValue, samples, weights } of file.profiles) {
    expect(type).toBe("sampled");
    expect(name).toMatch(/./);
    expect(["none", "nanoseconds"]).toContain(unit);
    expect(weights).toHaveLength(samples.length);
    expect(weights.every((weight) => Number.isSafeInteger(weight) && weight >= 0)).toBe(true);
    expect(endValue - startValue).toBe(weights.reduce((sum, weight) => sum + weight, 0));
    expect(samples.flat().every((index) => file.shared.frames[index] !== undefined)).toBe(true);
    expect(samples.every((stack) => stack.length > 0)).toBe(true);
  }
}

function profile(program: string, ...options: string[]): { file: ProfileFile; stdout: string; instructions: number } {
  const to = path.join(scratch, "profile.json");
  const args = ["run", "-i", "--seed", "1", "--stats", "--profile", to, ...options, program];
  const { status, stdout, stderr } = folio(args);
  expect(status, stderr).toBe(0);
  const file = JSON.parse(fs.readFileSync(to, "utf8")) as ProfileFile;
  checkFormat(file);
  return { file, stdout, instructions: Number(/instructions +(\d+)/.exec(stderr)?.[1]) };
}

/** Instructions by stack, innermost function last. */
function byStack({ shared, profiles }: ProfileFile): Map<string, number> {
  const sums = new Map<string, number>();
  const [{ samples, weights }] = profiles;
  for (const [i, stack] of samples.entries()) {
    const name = stack.map((index) => shared.frames[index].name).join(";");
    sums.set(name, (sums.get(name) ?? 0) + weights[i]);
  }
  return sums;
}

function sumOf(stacks: ReadonlyMap<string, number>, pattern: RegExp): number {
  return [...stacks].reduce((sum, [name, weight]) => sum + (pattern.test(name) ? weight : 0), 0);
}

describe.each([
  ["amd64", []],
  ["amd64, static", ["-static"]],
  ["i386", ["-m32"]],
] as const)("--profile, %s", (name, flags) => {
  const file = path.join(scratch, name.replace(", ", "-"));
  const interpreter = name === "i386" ? "/lib/ld-linux.so.2" : "/lib64/ld-linux-x86-64.so.2";
  const runs = hasTool("gcc") && fs.existsSync(interpreter);
  const program = runs ? compileC(SOURCE, file, "-O2", ...flags) : undefined;

  it.skipIf(program === undefined)("shares and callers are the program's", () => {
    const run = profile(program as string, "--profile-interval", "20000");
    const { stdout, stderr } = folio(["run", "-i", "--seed", "1", "--stats", program as string]);
    expect(run.stdout).toBe(stdout);
    const stacks = byStack(run.file);
    const all = sumOf(stacks, /./);
    expect(all).toBe(run.instructions);
    expect(stderr).toMatch(new RegExp(`instructions +${all}\n`));
    const ratio = sumOf(stacks, /;main;three;work$/) / sumOf(stacks, /;main;one;work$/);
    expect(ratio).toBeGreaterThan(2.8);
    expect(ratio).toBeLessThan(3.2);
    // Each stack of work goes back to main, that of the handler through the interrupted raise. The vDSO that a handler of
    // i386 returns to does not describe its frame.
    const handler =
      name === "i386" ? /^\[unknown caller\];\[vdso\]\+0x[0-9a-f]+;handler;work$/ : /main;.*;handler;work$/;
    expect(sumOf(stacks, /(^|;)work(;|$)/)).toBe(sumOf(stacks, /main;(three|one);work$/) + sumOf(stacks, handler));
    expect(sumOf(stacks, handler) / all).toBeGreaterThan(0.05);
    expect(run.file.profiles.map(({ unit }) => unit)).toEqual(["none", "nanoseconds"]);
    const frame = run.file.shared.frames.find((one) => one.name === "work");
    expect(frame?.file).toBe(program);
  });

  it.skipIf(program === undefined)("a stripped file's functions are called by where they are", () => {
    const stripped = compileC(SOURCE, `${file}-stripped`, "-O2", "-s", ...flags) as string;
    const names = [...byStack(profile(stripped).file).keys()].join(";").split(";");
    const own = names.filter((one) => one.startsWith(`${path.basename(stripped)}+0x`));
    expect(new Set(own).size).toBeGreaterThan(3);
    expect(names).not.toContain("work");
  });
});

it("--profile without call frame information says that callers are unknown, and counts everything", () => {
  const run = profile(fixture("getpagesize", "i386-static-musl"), "--profile-interval", "50");
  const stacks = byStack(run.file);
  expect(sumOf(stacks, /./)).toBe(run.instructions);
  expect(sumOf(stacks, /^\[unknown caller\];/)).toBeGreaterThan(0);
});

it("--profile is refused with one line where it cannot be written", () => {
  const result = folio(["run", "-i", "--profile", "/nonexistent/x", fixture("hello", "amd64-static-musl")]);
  expect(result).toMatchObject({ status: 125, stdout: "" });
  expect(result.stderr).toMatch(/^folio: --profile \/nonexistent\/x: [^\n]*\n$/);
});
