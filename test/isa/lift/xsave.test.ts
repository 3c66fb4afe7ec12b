/**
 * XSAVE, XSAVEOPT, XSAVEC, XRSTOR, FXSAVE, FXRSTOR and XGETBV: what fixtures/native/cpu/xsave.c prints on the processor (fxsave,
 * fxsave64, fxrstor, fxrstor64, xsave64, xrstor64, xsavec64 and xsaveopt64 share their lifters).
 */
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { folio } from "../../support/folio.ts";
import { compileC, native, scratchDirectory } from "../../support/native.ts";

const SOURCE = path.join(import.meta.dirname, "../../../fixtures/native/cpu/xsave.c");
const directory = scratchDirectory();

/** The program, or undefined where it cannot be built or the processor lacks XSAVEC. */
function build(bits: 32 | 64): string | undefined {
  if (!existsSync("/proc/cpuinfo") || !/ xsavec\b/.test(readFileSync("/proc/cpuinfo", "latin1"))) return undefined;
  const flags = bits === 64 ? [] : ["-m32", "-mfpmath=387"];
  const source = readFileSync(SOURCE, "latin1");
  return compileC(source, path.join(directory, `xsave${bits}`), "-O1", "-mavx", ...flags);
}

/** Whether a register that holds 0 is in use is the processor's own matter. */
function lines(output: string): string[] {
  return output.replace(/ bv [0-9a-f]+/g, "").split("\n");
}

const PROGRAMS = { 64: build(64), 32: build(32) } as const;

for (const bits of [64, 32] as const) {
  const program = PROGRAMS[bits];
  test.skipIf(program === undefined)(`in ${bits}-bit code as the processor does`, { timeout: 300_000 }, () => {
    const expected = lines(native(program as string));
    expect(expected.length).toBeGreaterThan(1000);
    for (const tier of bits === 64 ? ["interp", "jit"] : ["interp"]) {
      const found = lines(folio(["run", "--tier", tier, program as string]).stdout);
      expect(found.filter((line, i) => line !== expected[i])).toEqual([]);
      expect(found.length).toBe(expected.length);
    }
  });
}
