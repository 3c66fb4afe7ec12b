/** Programs that print what the kernel did: under folio and natively, in the same run, they print the same. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command, FOLIO, folio } from "../support/folio.ts";
import { compileC, hasTool, scratchDirectory } from "../support/native.ts";

/** Seeds of test/guest/programs/random-calls.c; others were run while it was written. */
const RANDOM_SEEDS = [2, 7, 12, 17, 23, 29, 1037, 1042];
const scratch = scratchDirectory();
const usable = process.platform === "linux" && process.arch === "x64" && hasTool("gcc");

function compiled(name: string, ...flags: string[]): string | undefined {
  if (!usable) return undefined;
  const source = fs.readFileSync(join(import.meta.dirname, `programs/${name}.c`), "utf8");
  return compileC(source, join(scratch, `${name}${flags.join("")}`), "-O1", "-static", "-pthread", ...flags);
}

/** Programs that need what not every processor has. */
const FEATURES: Record<string, string> = { "fp-frames": "avx", steps: "avx" };

/** Whether this machine can run the program natively. */
function supported(name: string): boolean {
  const feature = FEATURES[name];
  if (feature === undefined || !usable) return true;
  return fs.readFileSync("/proc/cpuinfo", "latin1").split(/\s/).includes(feature);
}

/** A fresh working directory: folio's writes stay in memory, the native run's do not. */
function directory(name: string): string {
  const path = join(scratch, `${name}.d`);
  fs.rmSync(path, { recursive: true, force: true });
  fs.mkdirSync(path);
  return path;
}

/** Programs that depend on how code runs, with the ways to run it. */
const TIERS: Record<string, readonly (readonly string[])[]> = {
  code: [
    ["--tier", "interp"],
    ["--jit-threshold", "20"],
  ],
  "tiny-floats": [
    ["--tier", "interp"],
    ["--jit-threshold", "20"],
  ],
  steps: [
    ["--tier", "interp"],
    ["--tier", "jit", "--jit-threshold", "0"],
  ],
  strings: [
    ["--tier", "interp"],
    ["--jit-threshold", "20"],
  ],
  "float-conversions": [
    ["--tier", "interp"],
    ["--jit-threshold", "20"],
  ],
};

describe.each(["", "-m32"])("%s", (bits) => {
  const random = compiled("random-calls", ...(bits === "" ? [] : [bits, "-D_FILE_OFFSET_BITS=64"]));
  it.skipIf(random === undefined).each(RANDOM_SEEDS)("random calls, seed %i", (seed) => {
    const args = [String(seed), "400"];
    const options = { timeout: 60_000 };
    const under = folio(["run", random ?? "", ...args], { ...options, cwd: directory("random") });
    const native = command(random ?? "", args, { ...options, cwd: directory("random") });
    expect(native.stdout.split("\n").length).toBeGreaterThan(400);
    expect(under.stdout.split("\n")).toEqual(native.stdout.split("\n"));
    expect(under.status).toBe(native.status);
  });

  for (const name of [
    "locks",
    "fsize",
    "code",
    "ptys",
    "exec-thread",
    "tiny-floats",
    "float-conversions",
    "transfers",
    "privileges",
    "fp-frames",
    "steps",
    "strings",
  ]) {
    const file = compiled(name, ...(bits === "" ? [] : [bits, "-msse2"]));
    it.skipIf(file === undefined || !supported(name))(name, { timeout: 60_000 }, () => {
      const options = { timeout: 60_000 };
      const native = command(file ?? "", [], { ...options, cwd: directory(name) });
      expect(native.stdout.length).toBeGreaterThan(0);
      for (const tier of TIERS[name] ?? [[]]) {
        const under = folio(["run", ...tier, file ?? ""], { ...options, cwd: directory(name) });
        expect(under, tier.join(" ")).toEqual(native);
      }
    });
  }
});

/** Runs programs/stdin.c behind a pipe (Node's own are sockets): data comes when it has said "ready", the end after "done". */
function fedThroughPipe(run: string): Promise<string> {
  const child = spawn("sh", ["-c", `cat | ${run}`], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    const before = output;
    output += data.toString("latin1");
    if (!before.includes("ready\n") && output.includes("ready\n")) child.stdin.write("hello world\n");
    if (!before.includes("done\n") && output.includes("done\n")) child.stdin.end();
  });
  return new Promise((resolve) => child.on("close", () => resolve(output)));
}

it.skipIf(!usable)("stdin that has nothing yet", { timeout: 60_000 }, async () => {
  const file = compiled("stdin") ?? "";
  const native = await fedThroughPipe(file);
  expect(native).toContain("others go on 1");
  for (const clock of ["virtual", "real"]) {
    expect(await fedThroughPipe(`${process.execPath} ${FOLIO} run --clock ${clock} ${file}`), clock).toBe(native);
  }
});
