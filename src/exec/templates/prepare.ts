/**
 * Templates made at build time, from the code of programs: what most code needs is there when a machine starts. They hold for
 * every CPU model that has the features of their set; instructions of other features are left to the machine.
 */
import { decode, newInstruction } from "../../isa/decode.ts";
import { DecodeStatus, type Instruction } from "../../isa/instruction.ts";
import type { Lifter } from "../../isa/lift/context.ts";
import { lifterOf } from "../../isa/lift/table.ts";
import { ARENA } from "../layout.ts";
import * as F from "./format.ts";
import type { Lacking } from "./recorder.ts";
import { type Made, PREPARED_SETS, Templates, type TranslateModule } from "./templates.ts";

/** Code to learn from: a copy of an executable segment. */
export interface TrainingCode {
  readonly bytes: Uint8Array;
  readonly codeBits: 32 | 64;
}

/** A memory of at least PREPARE_BYTES, and the module on it. */
export interface Workshop {
  readonly buffer: ArrayBuffer;
  readonly module: TranslateModule;
}

const CODE = 0x800_0000;
const LIMIT = 48;
/** Bytes that the code may take in the workshop's memory. */
const CODE_BYTES = 0x400_0000;
export const PREPARE_BYTES = CODE + CODE_BYTES;

/** Names of the sets that can be prepared. */
export const SETS: readonly string[] = Object.keys(PREPARED_SETS);

/**
 * Translates all code once, counting templates, then makes those that were used at least `uses` times afresh, the more used
 * ones in front, for CPU models with the features of `set`. Returns the bytes that belong at F.PREFIXES.
 */
export function prepareTemplates(
  set: string,
  code: readonly TrainingCode[],
  uses: number,
  workshop: () => Workshop,
): Uint8Array {
  const features = PREPARED_SETS[set] as readonly string[];
  const preparedLifter = (insn: Instruction): Lifter | null =>
    features.includes(insn.form.feature) ? (lifterOf(insn.form.mnemonic) ?? null) : null;
  const first = workshop();
  const u8 = new Uint8Array(first.buffer);
  let at = CODE;
  const parts = code.map(({ bytes, codeBits }) => {
    const start = at;
    u8.set(bytes, start);
    at = (start + bytes.length + 15) & ~15;
    return { start, end: start + bytes.length, codeBits };
  });
  const history: Made[] = [];
  const templates = new Templates(first.buffer, first.module, preparedLifter);
  templates.history = history;
  const counts = new Map<number, number>();
  for (const { start, end, codeBits } of parts) sweep(templates, first.buffer, start, end, codeBits, counts);
  for (const codeBits of [32, 64] as const) {
    const start = at;
    at = writeConditionalJumps(history, first.buffer, at, codeBits);
    sweep(templates, first.buffer, start, at, codeBits, counts);
    at = (at + 15) & ~15;
  }

  countPlain(history, counts);

  const second = workshop();
  new Uint8Array(second.buffer).set(u8.subarray(CODE, at), CODE);
  const kept = new Templates(second.buffer, second.module, preparedLifter);
  const moved = new Map<number, number>();
  for (const { template, lacking, end } of history) {
    const enough = (counts.get(template) ?? 0) >= uses;
    const flags = new Int32Array(first.buffer)[(template + F.T_FLAGS) >> 2] as number;
    if (!enough || flags & F.SLOW) continue;
    const before = lacking.previous;
    const source = before === undefined ? undefined : moved.get(before.template);
    if (before !== undefined && source === undefined) continue;
    const previous = before === undefined || source === undefined ? undefined : { ...before, template: source };
    moved.set(template, kept.add({ ...lacking, previous }, end));
  }
  for (const table of [F.OPCODES, F.OPCODES_FREE]) {
    new Uint8Array(second.buffer).set(u8.subarray(table, table + 512 * F.OPCODE_MAPS), table);
  }
  return kept.image();
}

/**
 * Writes each kind of instruction that flags come from, in turn with each conditional jump, to `at`: any may stand before any.
 * Returns the end of this code.
 */
function writeConditionalJumps(history: readonly Made[], buffer: ArrayBuffer, at: number, codeBits: 32 | 64): number {
  const u8 = new Uint8Array(buffer);
  const words = new Int32Array(buffer);
  const insn = newInstruction();
  const producers = new Map<number, { readonly at: number; readonly end: number }>();
  for (const { template, lacking, end } of history) {
    const source = words[(template + F.T_SOURCE) >> 2] as number;
    const bits = lacking.rest & F.KEY_LONG ? 64 : 32;
    if (source !== 0 && bits === codeBits && !producers.has(source)) producers.set(source, { at: lacking.at, end });
  }
  let to = at;
  for (const producer of producers.values()) {
    decode(u8, producer.at, producer.end, codeBits, insn);
    for (let condition = 0; condition < 16; condition++) {
      for (const jump of [
        [0x70 | condition, 2],
        [0x0f, 0x80 | condition, 4, 0, 0, 0],
      ]) {
        u8.copyWithin(to, producer.at, producer.at + insn.length);
        u8.set(jump, to + insn.length);
        to += insn.length + jump.length;
      }
    }
  }
  return to;
}

/** Translates [start, end) block by block, as if each one followed the other. */
function sweep(
  templates: Templates,
  buffer: ArrayBuffer,
  start: number,
  end: number,
  codeBits: 32 | 64,
  counts: Map<number, number>,
): void {
  const words = new Int32Array(buffer);
  const u8 = new Uint8Array(buffer);
  const insn = newInstruction();
  const count = (template: number) => counts.set(template, (counts.get(template) ?? 0) + 1);
  for (let at = start; at < end; ) {
    if (templates.translate(at, end, at, 0, codeBits, LIMIT, ARENA) === 0) {
      at += decode(u8, at, end, codeBits, insn) === DecodeStatus.ok ? insn.length : 1;
      continue;
    }
    const instructions = words[F.RESULT_COUNT >> 2] as number;
    for (let i = 0; i < instructions; i++) count(words[(F.LIST + F.LIST_BYTES * i + F.LIST_TEMPLATE) >> 2] as number);
    at += words[(F.LIST + F.LIST_BYTES * (instructions - 1) + F.LIST_NEXT) >> 2] as number;
  }
}

/** A template that is found by way of another one counts for that one, too. */
function countPlain(history: readonly Made[], counts: Map<number, number>): void {
  const OF = F.KEY_IMM | F.KEY_FLAGS;
  const key = ({ keyLo, keyHi, rest }: Lacking) => `${keyLo} ${keyHi} ${rest & ~OF}`;
  const plain = new Map(history.filter(({ lacking }) => !(lacking.rest & OF)).map((made) => [key(made.lacking), made]));
  for (const { template, lacking } of history) {
    const found = lacking.rest & OF ? plain.get(key(lacking)) : undefined;
    if (found === undefined) continue;
    counts.set(found.template, (counts.get(found.template) ?? 0) + (counts.get(template) ?? 0));
  }
}
