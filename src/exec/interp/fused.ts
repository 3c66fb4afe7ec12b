/**
 * Sequences of operations that the interpreter executes without a dispatch between them. The records stay as they are: the
 * first one of a sequence only has the number of the whole sequence in place of its own, so that an exit inside one leaves
 * the program counter at the record that it belongs to, and execution resumes there.
 */
import { InternalError } from "../../base/errors.ts";
import { OPS, type OpDef, opId, opsFingerprint } from "../../isa/ir/ops.ts";
import { FUSED_NUMBERS, FUSED_ROW_BYTES, FUSED_ROWS } from "../templates/format.ts";

/**
 * What follows what most often, weighted by executions, in python3, gzip, sqlite3, bash, perl, cc1 and three kernels (two of
 * them i386) under `--tier interp`; each sequence is one of the list, or one operation, plus one operation. Few of them access
 * memory: such handlers are long, and V8 compiles all in the first milliseconds.
 */
const SEQUENCES = [
  "eqz32 jumpIf",
  "load64 eaDisp64",
  "store64 eaDisp64",
  "sub32 flagsSub32",
  "sub32 flagsSub32 eq32",
  "sub32 flagsSub32 eq32 jumpIf",
  "sub32 flagsSub32 ltU32",
  "sub32 flagsSub32 leU32",
  "sub32 flagsSub8",
  "sub32 flagsSub8 condZ",
  "sub32 flagsSub8 condZ jumpIf",
  "sub64 flagsSub64",
  "sub64 flagsSub64 eq64",
  "sub64 flagsSub64 eq64 jumpIf",
  "and32 flagsLogic32",
  "and32 flagsLogic32 eqz32",
  "and32 flagsLogic8",
  "and32 flagsLogic8 condZ",
  "and32 flagsLogic8 condZ jumpIf",
  "and64 flagsLogic64",
  "and64 flagsLogic64 eqz64",
  "and64 flagsLogic64 eqz64 jumpIf",
  "add64 flagsAdd64",
  "add32 flagsAdd32",
  "xor32 flagsLogic32",
  "enter load64",
  "enter load32",
  "enter mov32",
  "enter mov64",
  "enter sext32to64",
  "mov64 jumpTo",
  "trapNonCanonical mov64",
  "trapNonCanonical mov64 jumpTo",
  "mov64 mov64",
  "mov32 mov32",
  "store32 eaDisp32",
  "load32 eaDisp32",
  "ne64 and32",
  "ne64 and32 mul32",
  "ne64 and32 mul32 or32",
  "ne64 and32 mul32 or32 mov32",
  "zext32 shrU64",
  "zext32 shl64",
  "flagsLogic32 mov32",
  "sext32to64 mul64",
  "sext32to64 mul64 sext32to64",
] as const;

/** A sequence and its number, which is beyond those of the operations. */
export interface Fused {
  readonly id: number;
  readonly ops: readonly OpDef[];
}

export const FUSED: readonly Fused[] = SEQUENCES.map((names, index) => ({
  id: OPS.length + index,
  ops: names.split(" ").map((name) => OPS[opId(name)] as OpDef),
}));

/** Numbers of operations and sequences. */
export const RECORD_KINDS = OPS.length + FUSED.length;

/** The first operation of the record that begins with the word. */
export function firstOp(word: number): OpDef {
  const id = word & 0xffff;
  const def = id < OPS.length ? OPS[id] : FUSED[id - OPS.length]?.ops[0];
  if (def === undefined) throw new InternalError(`no record kind ${id}`);
  return def;
}

/** A fingerprint of the operations and sequences: an interpreter built from other ones must not run these records. */
export function recordsFingerprint(): number {
  let hash = opsFingerprint();
  for (const { ops } of FUSED) for (const { id } of [...ops, { id: 0xffff }]) hash = Math.imul(hash ^ id, 0x01000193);
  return hash;
}

/**
 * Writes the tables by which translations find sequences into the host area: for each number, at FUSED_NUMBERS (u8), that of
 * its row, 0 for none; in the row, at FUSED_ROWS (u16 an operation), the number of the sequence that the operation makes of it.
 */
export function writeFusedTables(memory: Uint8Array): void {
  const rowOf = new Map<number, number>();
  const view = new DataView(memory.buffer);
  const byNames = new Map(FUSED.map(({ id, ops }) => [ops.map(({ name }) => name).join(" "), id]));
  for (const { id, ops } of FUSED) {
    const before = ops.slice(0, -1);
    const last = ops.at(-1) as OpDef;
    const head = before.length === 1 ? (before[0] as OpDef).id : byNames.get(before.map(({ name }) => name).join(" "));
    if (head === undefined) throw new InternalError(`the sequence before ${last.name} is not in the list`);
    const row = rowOf.get(head) ?? rowOf.size + 1;
    rowOf.set(head, row);
    memory[FUSED_NUMBERS + head] = row;
    view.setUint16(FUSED_ROWS + row * FUSED_ROW_BYTES + 2 * last.id, id, true);
  }
}

/** Finds sequences in records as they are written: `next` tells the number that the head of the sequence gets. */
export class Fuser {
  readonly #memory: Uint8Array;
  readonly #view: DataView;
  #head = 0;

  constructor(memory: Uint8Array) {
    this.#memory = memory;
    this.#view = new DataView(memory.buffer);
  }

  /** The first record of a block is of operation `id`. */
  begin(id: number): void {
    this.#head = id;
  }

  /** The next record is of operation `id`: the number for the head, or 0 if the record is a head of its own. */
  next(id: number): number {
    const row = this.#memory[FUSED_NUMBERS + this.#head] as number;
    const fused = row === 0 ? 0 : this.#view.getUint16(FUSED_ROWS + row * FUSED_ROW_BYTES + 2 * id, true);
    this.#head = fused === 0 ? id : fused;
    return fused;
  }
}
