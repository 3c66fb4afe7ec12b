// Every exported function of the embedded libc is called by a program that prints the same on it as on this machine's glibc: the
// programs in functions/, the same file run natively and in folio, and those of test/libc/guest, linked to our objects.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import * as os from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command, folio } from "../../support/folio.ts";
import { scratchDirectory } from "../../support/native.ts";
import { type Abi, canBuild } from "../guest/programs.ts";

const own = join(import.meta.dirname, "functions");
const guests = join(import.meta.dirname, "../guest/native");
const lists = join(import.meta.dirname, "../../../src/libc/guest/image");
const scratch = scratchDirectory();

const FLAGS = ["-O0", "-std=gnu11", "-w", "-fno-builtin", "-fno-stack-protector", "-U_FORTIFY_SOURCE"];
const INPUT = "12 34 5 6 7 8 a line\nand one\nmore\nthe last\n";

const RUNS: Readonly<Record<string, readonly string[]>> = {
  math: [""],
  fortify: [""],
  characters: [""],
  stdio: [""],
  calls: [""],
  memory: [""],
  threads: [""],
  patterns: [""],
  ends: [..."abcdefgh"],
};

/** Programs that read standard input. */
const READS = ["stdio", "fortify", "patterns"];

/** Called before main, by what gcc links in. */
const AT_START = ["__libc_start_main"];

const compile = (abi: Abi, ...args: string[]): void => {
  execFileSync("gcc", [abi === "i386" ? "-m32" : "-m64", ...FLAGS, ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
};

function namesIn(abi: Abi): Set<string> {
  const names = new Set<string>(AT_START);
  for (const [directory, files] of [own, guests].map((path) => [path, readdirSync(path)] as const)) {
    for (const file of files.filter((name) => name.endsWith(".c") && name !== "shim.c")) {
      const object = join(scratch, `${file}.${abi}.o`);
      compile(abi, "-c", join(directory, file), "-o", object);
      for (const line of execFileSync("nm", ["-u", object], { encoding: "latin1" }).split("\n")) {
        const symbol = line.trim().split(/\s+/)[1];
        if (symbol !== undefined) names.add(symbol.replace(/@.*/, ""));
      }
    }
  }
  return names;
}

describe.each(["amd64", "i386"] as const)("functions of the embedded libc, %s", (abi) => {
  const able = canBuild(abi);
  const runs = Object.entries(RUNS).flatMap(([name, ways]) => ways.map((way) => [`${name} ${way}`.trim(), name, way]));

  it.skipIf(!able).each(runs)("%s", { timeout: 60_000 }, (_title, name, way) => {
    const places = ["native", "folio"].map((place) => join(scratch, `${name}${way}.${abi}`, place));
    for (const place of places) mkdirSync(place, { recursive: true });
    const [native, ours] = places;
    compile(abi, join(own, `${name}.c`), "-o", join(native, name), "-lm");
    copyFileSync(join(native, name), join(ours, name));
    const program = [`./${name}`, ...(way === "" ? [] : [way])];
    const input = READS.includes(name) ? INPUT : "";
    const real = command("env", ["-i", ...program], { cwd: native, input });
    const signal = real.signal === null ? 0 : os.constants.signals[real.signal as NodeJS.Signals];
    const status = signal === 0 ? real.status : 128 + signal;
    const outcome = folio(["run", "--libc", "embedded", "-i", ...program], { cwd: ours, input });
    expect(outcome).toEqual({ ...real, signal: null, status });
  });

  it.skipIf(!able)("are all called by a program", { timeout: 60_000 }, () => {
    const called = namesIn(abi);
    const listed = readFileSync(join(lists, `exports.${abi}.txt`), "utf8")
      .trim()
      .split("\n");
    const missing = listed.map((line) => line.split(" ")[1]).filter((name) => !called.has(name));
    expect([...new Set(missing)]).toEqual([]);
  });
});
