import { describe, expect, it } from "vitest";
import { type Abi, type Builds, build, canBuild, runNative } from "./programs.ts";

/*
 * The guest libc against the glibc of this machine: the same source, linked to either, prints the same. The counts here are
 * short forms; larger ones are a matter of the arguments (count, seed).
 */
const PROGRAMS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  printf: [
    ["20000", "1"],
    ["5000", "2", "modes"],
  ],
  strtod: [
    ["3000", "1"],
    ["1000", "2", "modes"],
  ],
  scanf: [["10000", "1"]],
  strings: [["150", "1"]],
  stdlib: [["1"]],
  stdio: [["1"], ["3"]],
  unix: [[]],
  math: [["1000", "1"]],
  exit: [..."abcdefghijklmnopqr"].map((way) => [way]),
};

const built = new Map<string, Builds>();
function builds(name: string, abi: Abi): Builds {
  const key = `${name} ${abi}`;
  const found = built.get(key) ?? build(name, abi);
  built.set(key, found);
  return found;
}

/** Where two texts part, with the line: a whole text of megabytes helps nobody. */
function firstDifference(expected: string, actual: string): string {
  if (expected === actual) return "";
  const [left, right] = [expected.split("\n"), actual.split("\n")];
  const line = left.findIndex((text, i) => text !== right[i]);
  const at = line < 0 ? left.length : line;
  return `line ${at + 1}:\n- ${left[at] ?? "(end)"}\n+ ${right[at] ?? "(end)"}`;
}

for (const abi of ["amd64", "i386"] as const) {
  describe.skipIf(!canBuild(abi))(`guest libc, natively, ${abi}`, () => {
    for (const [name, runs] of Object.entries(PROGRAMS)) {
      it.each(runs.map((args) => [args.join(" "), args] as const))(`${name} %s`, (_, args) => {
        const { real, guest } = builds(name, abi);
        const input = "line one\nline two\n";
        const expected = runNative(real, args, input);
        const actual = runNative(guest, args, input);
        expect(firstDifference(expected.stdout, actual.stdout)).toBe("");
        expect(firstDifference(expected.stderr, actual.stderr)).toBe("");
        expect([actual.status, actual.signal]).toEqual([expected.status, expected.signal]);
      });
    }
  });
}
