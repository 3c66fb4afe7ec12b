/**
 * Instructions on folio against what the processor did (recorded on an AMD Zen 3 by fixtures/native/cpu/hunt.mjs --record).
 * What folio lacks is listed in fixtures/native/cpu/known-gaps.json.
 */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { CASE_BYTES } from "../support/cpu-case.ts";
import { differences } from "../support/cpu-compare.ts";
import { decodeCorpus } from "../support/cpu-corpus.ts";
import { FolioCpu } from "../support/folio-cpu.ts";

const FOLDER = path.join(import.meta.dirname, "../../fixtures/native/cpu");
const gaps = JSON.parse(readFileSync(path.join(FOLDER, "known-gaps.json"), "utf8")) as {
  unsupported: string[];
  differ: Record<string, string>;
};
/** Compilation takes its time: regions are tried with every so many'th case. */
const STEPS: Record<string, number> = {
  "corpus.gz": 29,
  "gathers.gz": 3,
  "modes.gz": 11,
  "sequences.gz": 2,
  "bytes.gz": 5,
};
const insn = newInstruction();

/** Replays every `step`-th case; returns what differs, a line a case, and the mnemonics that folio lacks. */
function replay(
  file: string,
  tier: "interp" | "jit",
  step: number,
): { count: number; failures: string[]; lacking: Set<string> } {
  const folio = new FolioCpu(tier);
  const output = new DataView(new ArrayBuffer(CASE_BYTES));
  const failures: string[] = [];
  const lacking = new Set<string>();
  let count = 0;
  let index = 0;
  for (const { test: recorded, input, native } of decodeCorpus(readFileSync(path.join(FOLDER, file)))) {
    if (index++ % step !== 0) continue;
    decode(recorded.code, 0, recorded.code.length, recorded.codeBits, insn);
    const { mnemonic } = insn.form;
    if (gaps.differ[mnemonic] !== undefined) continue;
    const { unsupported } = folio.run(recorded.codeBits, input, output);
    if (unsupported !== "") {
      lacking.add(mnemonic);
      continue;
    }
    count++;
    const found = differences(mnemonic, native, output);
    if (found.length === 0) continue;
    const bytes = Array.from(recorded.code, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    failures.push(`${recorded.codeBits} ${mnemonic} [${bytes}] seed ${recorded.seed}: ${found.slice(0, 4).join("; ")}`);
  }
  return { count, failures, lacking };
}

describe.each(["corpus.gz", "gathers.gz", "modes.gz", "sequences.gz", "bytes.gz"])("%s", (file) => {
  test("the interpreter does what the processor did", { timeout: 120_000 }, () => {
    const { count, failures, lacking } = replay(file, "interp", 1);
    expect(failures).toEqual([]);
    expect([...lacking].filter((mnemonic) => !gaps.unsupported.includes(mnemonic))).toEqual([]);
    expect(count).toBeGreaterThan(0);
  });

  test("so do compiled regions", { timeout: 120_000 }, () => {
    expect(replay(file, "jit", STEPS[file] ?? 1).failures).toEqual([]);
  });
});
