/**
 * By hand, through fixtures/native/fp/record.mjs: `--record` writes the corpus with this processor's results; `--count n [--seed s]
 * [--only regexp]` compares n random records a group with the processor and prints what differs.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Field, GROUPS, RECORD_BYTES } from "./cases.ts";
import { CORPUS_COUNT, packCorpus } from "./corpus.ts";
import { loadHelpers } from "./harness.ts";
import { fixedRandom } from "./operands.ts";
import { differences, inputRecords } from "./replay.ts";

export async function main(directory: string, helpersFile: string, args: readonly string[]): Promise<void> {
  const option = (name: string, fallback: string): string => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? fallback : (args[at + 1] ?? "");
  };
  const scratch = mkdtempSync(join(tmpdir(), "folio-fp-"));
  const build = (bits: 32 | 64): string => {
    const out = join(scratch, `runner${bits}`);
    execFileSync("gcc", [`-m${bits}`, "-O1", "-mno-red-zone", "-o", out, join(directory, "runner.c")]);
    return out;
  };
  const runners = { 32: build(32), 64: build(64) };
  const run = (bits: 32 | 64, input: Uint8Array): Uint8Array => {
    const { status, signal, stdout } = spawnSync(runners[bits], [], { input, maxBuffer: input.length + 4096 });
    if (status !== 0 || stdout.length !== input.length) throw new Error(`the runner ended with ${status ?? signal}`);
    return new Uint8Array(stdout);
  };
  if (args.includes("--record")) {
    const outputs = GROUPS.map((group) => {
      const input = inputRecords(group, CORPUS_COUNT, fixedRandom(`fp ${group.name}`));
      return { input, output: run(group.bits, input) };
    });
    writeFileSync(join(directory, "corpus.bin.gz"), packCorpus(outputs));
    return;
  }
  const helpers = await loadHelpers(helpersFile);
  const only = new RegExp(option("only", "."));
  const count = Number(option("count", "1000"));
  let total = 0;
  let bad = 0;
  for (const group of GROUPS.filter(({ name }) => only.test(name))) {
    const input = inputRecords(group, count, fixedRandom(`${option("seed", "1")} ${group.name}`));
    const output = run(group.bits, input);
    let shown = 0;
    for (let i = 0; i < count; i++) {
      const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset + i * RECORD_BYTES, RECORD_BYTES);
      const found = differences(helpers, group.name, view(input), view(output));
      total++;
      if (found === "") continue;
      bad++;
      const code = Array.from({ length: view(input).getUint8(0) }, (_, k) => view(input).getUint8(Field.code + k));
      if (shown++ < 3) console.log(`${group.name} [${code.map((b) => b.toString(16)).join(" ")}]: ${found}`);
    }
  }
  console.log(`${total} records, ${bad} differ`);
}
