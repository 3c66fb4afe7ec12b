/**
 * Long runs of the differential CPU test, by hand: `node fixtures/native/cpu/hunt.mjs [--bits 32|64] [--seed n] [--count n per
 * form] [--only regexp of mnemonics] [--feature regexp] [--eflags bits to set]
 * [--limit failures shown per mnemonic] [--tier interp|jit]
 * [--record file: all cases with the processor's results] [--found file: those in which folio differs, added to it]`.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { FORMS } from "../../src/isa/tables/forms.ts";
import { CASE_BYTES, type CpuCase, Field } from "./cpu-case.ts";
import { differences, record } from "./cpu-compare.ts";
import { encodeCorpus, type RecordedCase } from "./cpu-corpus.ts";
import { generate, isComparable } from "./cpu-generator.ts";
import { FolioCpu } from "./folio-cpu.ts";
import { inputs, runNative } from "./native-cpu.ts";

const BATCH = 4000;

function option(name: string, fallback: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? "");
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

export function hunt(): void {
  const count = Number(option("count", "50"));
  const firstSeed = Number(option("seed", "1"));
  const only = new RegExp(option("only", "."));
  const feature = new RegExp(option("feature", "."));
  const limit = Number(option("limit", "2"));
  const folio = new FolioCpu(option("tier", "interp") === "jit" ? "jit" : "interp");
  const recorded: RecordedCase[] = [];
  const kept: RecordedCase[] = [];
  const [recordFile, foundFile] = [option("record", ""), option("found", "")];
  const failures = new Map<string, number>();
  const unsupported = new Set<string>();
  const flags = Number(option("eflags", "0"));
  const notGenerated = new Set<string>();
  let total = 0;
  for (const codeBits of option("bits", "64,32").split(",").map(Number) as (32 | 64)[]) {
    let cases: CpuCase[] = [];
    let names: string[] = [];
    const flush = () => {
      const input = inputs(cases);
      const native = runNative(codeBits, input);
      const output = new DataView(new ArrayBuffer(CASE_BYTES));
      for (const [i, test] of cases.entries()) {
        const name = names[i] as string;
        let answer = { unsupported: "" };
        let found: string[];
        try {
          answer = folio.run(codeBits, record(input, i), output);
          found = differences(name.split(" ")[0] as string, record(native, i), output);
        } catch (error) {
          found = [String(error instanceof Error ? error.stack : error)];
        }
        if (recordFile !== "") recorded.push({ test, input: record(input, i), native: record(native, i) });
        if (answer.unsupported !== "") {
          unsupported.add(name);
          continue;
        }
        if (found.length === 0) continue;
        const seen = failures.get(name) ?? 0;
        if (foundFile !== "") kept.push({ test, input: record(input, i), native: record(native, i) });
        failures.set(name, seen + 1);
        if (seen < limit) {
          console.log(`${codeBits} ${name} seed ${test.seed} [${hex(test.code)}] at ${test.rip.toString(16)}`);
          for (const line of found.slice(0, 8)) console.log(`    ${line}`);
        }
      }
      total += cases.length;
      cases = [];
      names = [];
    };
    for (const form of FORMS) {
      if (!isComparable(form, codeBits) || !only.test(form.mnemonic) || !feature.test(form.feature)) continue;
      let made = 0;
      for (let i = 0; i < count; i++) {
        const test = generate(form, codeBits, firstSeed + i * 4096 + form.id);
        if (test === undefined) continue;
        if (flags !== 0) test.overrides.push([Field.eflags, 0x202 | (test.seed & 0x8d5) | flags]);
        made++;
        cases.push(test);
        names.push(`${form.mnemonic} (${form.opcode})`);
        if (cases.length === BATCH) flush();
      }
      if (made === 0) notGenerated.add(`${form.mnemonic} (${form.opcode})`);
    }
    flush();
  }
  if (recordFile !== "") writeFileSync(recordFile, encodeCorpus(recorded));
  if (kept.length > 0) {
    writeFileSync(foundFile, encodeCorpus(kept, existsSync(foundFile) ? readFileSync(foundFile) : undefined));
  }
  console.log(`${total} cases, ${[...failures.values()].reduce((a, b) => a + b, 0)} failures`);
  for (const [name, n] of failures) console.log(`  ${name}: ${n}`);
  if (unsupported.size > 0)
    console.log(`not supported: ${[...unsupported].map((name) => name.split(" ")[0]).join(" ")}`);
  if (process.argv.includes("--verbose")) console.log(`not generated: ${[...notGenerated].join(", ")}`);
}
