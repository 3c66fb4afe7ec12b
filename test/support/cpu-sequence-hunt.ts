/**
 * Long runs of random instruction sequences on both tiers and on the processor, by hand: `node fixtures/native/cpu/hunt.mjs
 * --sequences [--bits 32|64] [--seed n] [--count n] [--limit failures shown] [--found file: failing cases, shrunk, added to it]
 * [--record file: all that agree, with the processor's results]`.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { CASE_BYTES, type CpuCase, Field } from "./cpu-case.ts";
import { differences, record } from "./cpu-compare.ts";
import { encodeCorpus, type RecordedCase } from "./cpu-corpus.ts";
import { assemble, describe, generateSequence, type Sequence, simplifications } from "./cpu-sequences.ts";
import { FolioCpu, SIGALRM } from "./folio-cpu.ts";
import { inputs, runNative } from "./native-cpu.ts";

const BATCH = 1000;

function option(name: string, fallback: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? "");
}

interface Verdict {
  /** Lines that say what differs; empty if nothing does. */
  found: string[];
  skipped: boolean;
  instructions: number;
}

/** Both tiers and the processor on one case. */
class Judge {
  readonly #interp = new FolioCpu("interp");
  /** Mostly the one that compiles less often, to get through more sequences. */
  readonly #jit = [new FolioCpu("jit", 0), new FolioCpu("jit", 2), new FolioCpu("jit", 3), new FolioCpu("jit", 9)];
  readonly #a = new DataView(new ArrayBuffer(CASE_BYTES));
  readonly #b = new DataView(new ArrayBuffer(CASE_BYTES));

  judge(test: CpuCase, input: DataView, native: DataView): Verdict {
    const run = (folio: FolioCpu, output: DataView) => {
      const before = folio.cpu.instructions;
      const { unsupported } = folio.run(test.codeBits, input, output);
      return { unsupported, instructions: folio.cpu.instructions - before };
    };
    try {
      const first = run(this.#interp, this.#a);
      const { instructions } = first;
      const second = run(this.#jit[test.seed & 3] as FolioCpu, this.#b);
      const found = differences("sequence", this.#a, this.#b).map((line) => `jit ${line}`);
      if (instructions !== second.instructions)
        found.push(`instructions: interp ${instructions} jit ${second.instructions}`);
      // folio's budget ended what the processor finished in time, or both loop, or folio lacks an instruction.
      const slow = this.#a.getUint32(Field.signo, true) === SIGALRM || native.getUint32(Field.signo, true) === SIGALRM;
      if (slow || first.unsupported !== "") return { found, skipped: true, instructions };
      found.push(...differences("sequence", native, this.#a));
      return { found, skipped: false, instructions };
    } catch (error) {
      return { found: [String(error instanceof Error ? error.stack : error)], skipped: false, instructions: 0 };
    }
  }
}

function shrink(judge: Judge, sequence: Sequence): Sequence {
  let best = sequence;
  for (let again = true, rounds = 0; again && rounds < 40; rounds++) {
    again = false;
    const tries = [...simplifications(best)].flatMap((candidate) => {
      const test = assemble(candidate);
      return test === undefined ? [] : [{ candidate, test }];
    });
    if (tries.length === 0) break;
    const records = inputs(tries.map(({ test }) => test));
    const native = runNative(best.codeBits, records);
    for (const [i, { candidate, test }] of tries.entries()) {
      const { found, skipped } = judge.judge(test, record(records, i), record(native, i));
      if (skipped || found.length === 0) continue;
      best = candidate;
      again = true;
      break;
    }
  }
  return best;
}

export function huntSequences(): void {
  const count = Number(option("count", "1000"));
  const firstSeed = Number(option("seed", "1"));
  const limit = Number(option("limit", "10"));
  const [foundFile, recordFile] = [option("found", ""), option("record", "")];
  const agreeing: RecordedCase[] = [];
  let judge = new Judge();
  let [total, failures, skipped, instructions, faults] = [0, 0, 0, 0, 0];
  const kept: RecordedCase[] = [];
  for (const codeBits of option("bits", "64,32").split(",").map(Number) as (32 | 64)[]) {
    for (let from = 0; from < count; from += BATCH) {
      // V8 keeps every instance that has imported a table as long as the table lives.
      judge = new Judge();
      const batch: { sequence: Sequence; test: CpuCase }[] = [];
      for (let i = from; i < Math.min(count, from + BATCH); i++) {
        const sequence = generateSequence(codeBits, firstSeed + i);
        const test = assemble(sequence);
        if (test !== undefined) batch.push({ sequence, test });
      }
      const records = inputs(batch.map(({ test }) => test));
      const native = runNative(codeBits, records);
      for (const [i, { sequence, test }] of batch.entries()) {
        const verdict = judge.judge(test, record(records, i), record(native, i));
        total++;
        instructions += verdict.instructions;
        if (verdict.skipped) skipped++;
        if (record(native, i).getUint32(Field.trap, true) !== 3) faults++;
        if (verdict.found.length === 0) {
          if (recordFile !== "" && !verdict.skipped)
            agreeing.push({ test, input: record(records, i), native: record(native, i) });
          continue;
        }
        failures++;
        if (failures > limit) continue;
        const small = shrink(judge, sequence);
        const smallTest = assemble(small) as CpuCase;
        const input = inputs([smallTest]);
        const result = runNative(codeBits, input);
        const again = judge.judge(smallTest, record(input, 0), record(result, 0));
        console.log(describe(small));
        for (const line of (again.found.length > 0 ? again : verdict).found.slice(0, 8)) console.log(`    ! ${line}`);
        kept.push({ test: smallTest, input: record(input, 0), native: record(result, 0) });
        // An internal error leaves a processor in no state to go on.
        if (verdict.found.some((line) => line.includes("Error"))) judge = new Judge();
      }
      console.log(
        `${codeBits}: ${total} sequences, ${instructions} instructions, ${faults} faulted, ${skipped} skipped, ${failures} failures`,
      );
    }
  }
  if (recordFile !== "") writeFileSync(recordFile, encodeCorpus(agreeing));
  if (foundFile !== "" && kept.length > 0) {
    writeFileSync(foundFile, encodeCorpus(kept, existsSync(foundFile) ? readFileSync(foundFile) : undefined));
  }
}
