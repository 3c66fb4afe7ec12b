/** The lifter tables as a whole; what each lifter does is compared with the processor in test/exec/diff.test.ts. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { LIFTER_TABLES, lifterOf } from "../../../src/isa/lift/table.ts";
import { FORMS } from "../../../src/isa/tables/forms.ts";

const gaps = JSON.parse(
  readFileSync(path.join(import.meta.dirname, "../../../fixtures/native/cpu/known-gaps.json"), "utf8"),
) as { unsupported: string[] };

test("a mnemonic stands in one table only", () => {
  const seen = new Set<string>();
  const twice = LIFTER_TABLES.flatMap((table) => Object.keys(table)).filter((name) => {
    const known = seen.has(name);
    seen.add(name);
    return known;
  });
  expect(twice).toEqual([]);
});

test("the vector features up to SSE4.2 are complete", () => {
  const features = new Set(
    "mmx sse sse2 ssse3 sse4_1 sse4_2 aes pclmulqdq sha bmi1 bmi2 adx popcnt lzcnt fma".split(" "),
  );
  const missing = FORMS.filter((form) => features.has(form.feature) && lifterOf(form.mnemonic) === undefined);
  expect(missing.map((form) => form.mnemonic)).toEqual([]);
});

test("the known gaps are gaps", () => {
  expect(gaps.unsupported.filter((mnemonic) => lifterOf(mnemonic) !== undefined)).toEqual([]);
});
