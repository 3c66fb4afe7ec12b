/**
 * Real programs whose output is numbers (Perl, awk, Python, libcrypto): on both tiers, native's output in the same run. Only
 * with FOLIO_FULL=1; programs this machine lacks are skipped.
 */
import * as path from "node:path";
import { expect, test } from "vitest";
import { command, folio } from "../support/folio.ts";
import { FULL } from "../support/recordings.ts";

const CASES = [
  ["/usr/bin/perl", "arithmetic.pl"],
  ["/usr/bin/gawk", "-f", "arithmetic.awk"],
  ["/usr/bin/mawk", "-f", "arithmetic.awk"],
  ["/usr/bin/python3", "arithmetic.py"],
  ["/usr/bin/python3", "libcrypto.py"],
] as const;
const OPTIONS = {
  cwd: path.join(import.meta.dirname, "numeric"),
  env: { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8", TZ: "UTC", HOME: "/nonexistent" },
};

/** Native's run, or undefined if the program or a library it needs is not there. */
function native(program: string, args: readonly string[]): ReturnType<typeof command> | undefined {
  if (!FULL) return undefined;
  try {
    const result = command(program, args, OPTIONS);
    return result.status === 0 ? result : undefined;
  } catch {
    return undefined;
  }
}

for (const [program, ...args] of CASES) {
  const expected = native(program, args);
  test.skipIf(expected === undefined)(`${program} ${args.join(" ")}`, { timeout: 300_000 }, () => {
    for (const tier of ["auto", "interp"]) {
      const under = folio(["run", "--tier", tier, program, ...args], OPTIONS);
      expect(under.stdout.split("\n"), tier).toEqual(expected?.stdout.split("\n"));
      expect(under, tier).toEqual(expected);
    }
  });
}
