/**
 * Long runs of mutated encodings, by hand: `node fixtures/native/cpu/hunt.mjs --bytes [--bits 32|64] [--seed n] [--count n]
 * [--limit failures shown] [--found file: failing cases, added to it] [--record file: all that agree]`. A form's bytes get prefixes in any order and number,
 * or some of their bits change; one step of the result (TF) must end on folio as it does on the processor, #UD and #GP
 * included. The other hunts only execute what folio's decoder took for the form that was meant.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { DecodeStatus, type Form, OperandKind, Segment } from "../../src/isa/instruction.ts";
import { FORMS } from "../../src/isa/tables/forms.ts";
import { type Below, CASE_BYTES, CODE_BASE, type CpuCase, casesRandom, Field } from "./cpu-case.ts";
import { differences, record } from "./cpu-compare.ts";
import { encodeCorpus, type RecordedCase } from "./cpu-corpus.ts";
import { encode, generate, isComparable } from "./cpu-generator.ts";
import { FolioCpu } from "./folio-cpu.ts";
import { inputs, runNative } from "./native-cpu.ts";

const BATCH = 4000;
const PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3];
const TF = 0x100;
const STACK = 0xff00_0000;
const TRAP_UD = 6;

function option(name: string, fallback: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? "");
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

const insn = newInstruction();

/** What the bytes are to folio's decoder: a form, or undefined. */
function decoded(code: Uint8Array, codeBits: 32 | 64): Form | undefined {
  const buffer = new Uint8Array(32);
  buffer.set(code);
  return decode(buffer, 0, 15, codeBits, insn) === DecodeStatus.ok ? insn.form : undefined;
}

/** More prefixes than this may make what is no instruction too long for one, and that is #GP. */
const PREFIXES_COMPARED = 5;

/** Where prefixes end. */
function opcodeAt(code: Uint8Array): number {
  return code.findIndex((byte) => !PREFIXES.includes(byte) && (byte & 0xf0) !== 0x40);
}

/** What this processor has and no CPU model offers: SSE4A, CLZERO, RDPRU, MONITORX and their like, LOCK MOV CR0 as MOV CR8, XSAVES, INVPCID, VAES, VPCLMULQDQ. */
function isNotOffered(code: Uint8Array, codeBits: 32 | 64): boolean {
  // In 32-bit code 40–4F are instructions.
  const at = codeBits === 64 ? opcodeAt(code) : code.findIndex((byte) => !PREFIXES.includes(byte));
  const [first, second, third, fourth] = code.slice(at);
  if (first === 0x0f && second === 0x38) return third === 0x82;
  if (first === 0x0f) return [0x20, 0x22, 0x78, 0x79, 0x2b, 0xc7].includes(second) || (second === 0x01 && third > 0xc0);
  if (first !== 0xc4 || (third & 4) === 0) return false;
  return ((second & 31) === 2 && fourth >= 0xdc && fourth <= 0xdf) || ((second & 31) === 3 && fourth === 0x44);
}

/** Enters the kernel, whatever the decoder takes it for. */
function entersKernel(code: Uint8Array): boolean {
  const [first, second] = code.slice(opcodeAt(code));
  return first === 0xcd || first === 0xf1 || (first === 0x0f && (second === 0x05 || second === 0x34));
}

function mutate(code: number[], below: Below): Uint8Array {
  const out = [...code];
  const prefixes = below(4) === 0 ? 0 : 1 + below(3);
  for (let i = 0; i < prefixes; i++) out.splice(below(8) === 0 ? below(3) : 0, 0, PREFIXES[below(11)] as number);
  if (below(12) === 0) out.splice(below(prefixes + 1), 0, 0x40 | below(16));
  if (below(40) === 0) out.unshift(...new Array<number>(below(14)).fill(PREFIXES[below(8)] as number));
  const flips = below(3) === 0 ? 1 + below(2) : 0;
  for (let i = 0; i < flips; i++) {
    const at = below(Math.min(out.length, 6));
    out[at] = below(2) ? (out[at] as number) ^ (1 << below(8)) : below(256);
  }
  while (out.length < 15) out.push(below(256));
  return Uint8Array.from(out.slice(0, 15));
}

function isFair(code: Uint8Array, codeBits: 32 | 64): boolean {
  if (entersKernel(code)) return false;
  const form = decoded(code, codeBits);
  if (form === undefined) return opcodeAt(code) <= PREFIXES_COMPARED && !isNotOffered(code, codeBits);
  if (!isComparable(form, codeBits) && !form.privileged) return false;
  // The bases of FS and GS are the runner's.
  if (insn.segment !== Segment.fs && insn.segment !== Segment.gs) return true;
  const { mem, stringSource, stringDest } = OperandKind;
  if (/maskmov|xlat/.test(form.mnemonic)) return false;
  return !insn.operands.some(({ kind }) => kind === mem || kind === stringSource || kind === stringDest);
}

function makeCase(form: Form, codeBits: 32 | 64, seed: number): CpuCase | undefined {
  const below = casesRandom(seed ^ 0x3c6ef372);
  const base = below(2) === 0 ? generate(form, codeBits, seed) : undefined;
  const code = mutate(base === undefined ? encode(form, codeBits, below).slice(0, 12) : [...base.code], below);
  if (!isFair(code, codeBits)) return undefined;
  const overrides: [number, number][] = [...((base?.overrides ?? []) as [number, number][])];
  overrides.push([Field.eflags, 0x202 | (seed & 0x8d5) | TF]);
  return { codeBits, seed, rip: CODE_BASE + 0x800, code, overrides };
}

export function huntBytes(): void {
  const count = Number(option("count", "20000"));
  const firstSeed = Number(option("seed", "1"));
  const limit = Number(option("limit", "2"));
  const [foundFile, recordFile] = [option("found", ""), option("record", "")];
  const agreeing: RecordedCase[] = [];
  const folio = new FolioCpu();
  const output = new DataView(new ArrayBuffer(CASE_BYTES));
  const failures = new Map<string, number>();
  const kept: RecordedCase[] = [];
  let [total, undefinedOpcodes] = [0, 0];
  for (const codeBits of option("bits", "64,32").split(",").map(Number) as (32 | 64)[]) {
    for (let from = 0; from < count; from += BATCH) {
      const cases: CpuCase[] = [];
      for (let i = from; i < Math.min(count, from + BATCH); i++) {
        const below = casesRandom(firstSeed + i);
        const test = makeCase(FORMS[below(FORMS.length)] as Form, codeBits, firstSeed + i);
        if (test !== undefined) cases.push(test);
      }
      const records = inputs(cases);
      const native = runNative(codeBits, records);
      for (const [i, test] of cases.entries()) {
        const form = decoded(test.code, codeBits);
        const name = form?.mnemonic ?? "?";
        total++;
        if (record(native, i).getUint32(Field.trap, true) === TRAP_UD) undefinedOpcodes++;
        let found: string[];
        try {
          folio.run(codeBits, record(records, i), output);
          // The runner's stack.
          if (output.getUint32(Field.cr2, true) >= STACK && codeBits === 32) continue;
          found = differences(name, record(native, i), output);
        } catch (error) {
          found = [String(error instanceof Error ? error.stack : error)];
        }
        if (found.length === 0) {
          if (recordFile !== "") agreeing.push({ test, input: record(records, i), native: record(native, i) });
          continue;
        }
        const key = `${codeBits} ${name} ${found.map((line) => line.replace(/ .*/, "")).slice(0, 3)}`;
        const seen = failures.get(key) ?? 0;
        failures.set(key, seen + 1);
        kept.push({ test, input: record(records, i), native: record(native, i) });
        if (seen >= limit) continue;
        console.log(`${codeBits} ${name} (${form?.opcode}) seed ${test.seed} [${hex(test.code)}]`);
        for (const line of found.slice(0, 5)) console.log(`    ${line}`);
      }
      console.log(`${codeBits}: ${total} cases, ${undefinedOpcodes} #UD, ${kept.length} failures`);
    }
  }
  if (recordFile !== "") writeFileSync(recordFile, encodeCorpus(agreeing));
  for (const [name, n] of failures) console.log(`  ${name}: ${n}`);
  if (foundFile !== "" && kept.length > 0) {
    writeFileSync(foundFile, encodeCorpus(kept, existsSync(foundFile) ? readFileSync(foundFile) : undefined));
  }
}
