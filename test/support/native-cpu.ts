/** Runs CPU test cases on the processor of this machine, through fixtures/native/cpu/runner.c. */
import { spawnSync } from "node:child_process";
import * as path from "node:path";
import { CASE_BYTES, type CpuCase, writeInput } from "./cpu-case.ts";
import { scratchDirectory } from "./native.ts";

const SOURCE = path.join(import.meta.dirname, "../../fixtures/native/cpu/runner.c");
const built = new Map<32 | 64, string>();

/** Builds the runner; undefined where the compiler (or its 32-bit part) is missing. */
export function nativeRunner(codeBits: 32 | 64): string | undefined {
  const known = built.get(codeBits);
  if (known !== undefined) return known;
  const out = path.join(scratchDirectory(), `runner${codeBits}`);
  const flags = ["-O1", "-fno-stack-protector", "-mno-avx", "-static", ...(codeBits === 32 ? ["-m32"] : [])];
  if (spawnSync("gcc", [...flags, SOURCE, "-o", out]).status !== 0) return undefined;
  built.set(codeBits, out);
  return out;
}

/** The input records of the cases, one after the other. */
export function inputs(cases: readonly CpuCase[]): Uint8Array {
  const bytes = new Uint8Array(cases.length * CASE_BYTES);
  for (const [i, test] of cases.entries()) writeInput(test, new DataView(bytes.buffer, i * CASE_BYTES, CASE_BYTES));
  return bytes;
}

/** The processor's results for input records of one code size. */
export function runNative(codeBits: 32 | 64, records: Uint8Array): Uint8Array {
  const runner = nativeRunner(codeBits);
  if (runner === undefined) throw new Error("the native runner cannot be built");
  const result = spawnSync(runner, [], { input: records, maxBuffer: records.length + 4096 });
  if (result.status !== 0 || result.stdout.length !== records.length) {
    throw new Error(`the native runner ended with ${result.status ?? result.signal}`);
  }
  return new Uint8Array(result.stdout.buffer, result.stdout.byteOffset, result.stdout.length);
}
