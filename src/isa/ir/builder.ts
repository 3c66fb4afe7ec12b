/**
 * Builds the IR of one block, instruction by instruction, and holds law 2 of docs/architecture.md: within an instruction no
 * register or flag changes before the last access that can fault. Lifters therefore never write registers directly; they
 * queue writes (`setSlot`, flags, the jump), and `endInstruction` emits them last.
 */
import { InternalError } from "../../base/errors.ts";
import { FLAG_AUX, FLAG_RESULT, GPR, TEMP_COUNT, TEMPS } from "../cpu-block.ts";
import { CONST_SLOT, OPS, type OpDef, opId } from "./ops.ts";

/** A slot address, or a constant (CONST_SLOT and above). */
export type Value = number;
export type FlagsKind = "add" | "sub" | "logic" | "other";

/** What the flag words were last computed from, as long as those slots still hold it. */
export interface FlagsSource {
  kind: FlagsKind;
  size: number;
  a: Value;
  b: Value;
  result: Value;
}

interface Commit {
  slot: number;
  bytes: number;
  value: Value;
  op: OpDef;
}

/** Marks an operation that was found dead; its words stay where they are. */
export const KILLED = 0x8000_0000 | 0;
const MAX_WORDS = 1 << 14;
/** Bytes from one temporary to the next. */
export const TEMP_BYTES = 16;
const byName = new Map(OPS.map((def) => [def.name, def]));

/** The definition of operation `name`. */
export function opDef(name: string): OpDef {
  const def = byName.get(name);
  if (def === undefined) throw new InternalError(`no IR operation ${name}`);
  return def;
}

const MOV64 = opDef("mov64");
const MOV32 = opDef("mov32");
const MOV16 = opDef("mov16");
const MOV8 = opDef("mov8");
const MOV_LANE32 = opDef("movLane32");
const MOV_V = opDef("movV");
const CHECK_ALIGNED = opDef("checkAligned");
const FLAGS_LOGIC_IDS = new Set(OPS.filter((def) => def.result === "flags" && overwritesAll(def)).map((def) => def.id));

/** The flag operation depends on no earlier flags. */
export function overwritesAll(def: OpDef): boolean {
  return !/^flags(Inc|Dec|AddC|SubC|Sh[lr]V|SarV)/.test(def.name);
}

export class Builder {
  /** Words: operation | instruction << 16, result slot if any, arguments. A dead operation has KILLED set. */
  readonly words = new Int32Array(MAX_WORDS);
  /** EFLAGS.AC is set: every access is checked for alignment. */
  checksAlignment = false;
  length = 0;
  readonly constLo: number[] = [];
  readonly constHi: number[] = [];
  /** Number of instructions begun. */
  instructions = 0;
  /** The last instruction ended the block. */
  ended = false;
  flags: FlagsSource | undefined;
  /** A lifter has looked at `flags`; to be cleared by who wants to know. */
  flagsAsked = false;
  /** What kind of branch ended the block, if it is one that regions treat specially. */
  branch: "call" | "return" | undefined;

  #temps = 0;
  #start = 0;
  readonly #commits: Commit[] = [];
  #pendingFlags: FlagsSource | undefined;
  #flagsOpAt = -1;
  #flagsNeeded = true;
  #jump: { def: OpDef; args: Value[] } | undefined;

  reset(): void {
    this.length = 0;
    this.constLo.length = 0;
    this.constHi.length = 0;
    this.instructions = 0;
    this.ended = false;
    this.branch = undefined;
    this.flags = undefined;
    this.#temps = 0;
    this.#flagsOpAt = -1;
    this.#flagsNeeded = true;
    this.#commits.length = 0;
    this.#jump = undefined;
    this.#pendingFlags = undefined;
  }

  /** Whether another instruction may be added (temporaries and words are bounded). */
  hasRoom(): boolean {
    return this.#temps < TEMP_COUNT - 128 && this.length < MAX_WORDS - 2048 && this.instructions < 64;
  }

  beginInstruction(): void {
    this.#start = this.length;
    this.instructions++;
  }

  temp(): Value {
    if (this.#temps >= TEMP_COUNT) throw new InternalError("an instruction needs too many temporaries");
    return TEMPS + TEMP_BYTES * this.#temps++;
  }

  /** How many temporaries are in use. */
  get temps(): number {
    return this.#temps;
  }

  /** A constant of 64 bits; `lo` alone is sign-extended. */
  constant(lo: number, hi = lo >> 31): Value {
    const { constLo, constHi } = this;
    // A block has few constants, and the last ones come again soonest.
    for (let i = constLo.length - 1; i >= 0; i--) {
      if (constLo[i] === (lo | 0) && constHi[i] === (hi | 0)) return CONST_SLOT + i;
    }
    constLo.push(lo | 0);
    constHi.push(hi | 0);
    return CONST_SLOT + constLo.length - 1;
  }

  /** Emits an operation with a result into a new temporary, or without one; returns the temporary (or 0). */
  emit(def: OpDef, ...args: Value[]): Value {
    return this.#emitArgs(def, args);
  }

  #emitArgs(def: OpDef, args: readonly Value[]): Value {
    if (args.length !== def.args.length) throw new InternalError(`${def.name} takes ${def.args.length} arguments`);
    if (this.checksAlignment && def.access > 1) {
      this.#emitArgs(CHECK_ALIGNED, [args[0] as Value, args[1] as Value, def.access]);
    }
    const words = this.words;
    let dst = 0;
    const at = this.length;
    words[this.length++] = def.id | ((this.instructions - 1) << 16);
    if (def.result === "flags") this.#noteFlagsOp(def, at);
    else if (def.result !== "none") {
      dst = this.temp();
      words[this.length++] = dst;
    }
    for (const arg of args) {
      if (arg === FLAG_RESULT || arg === FLAG_AUX) this.#flagsNeeded = true;
      words[this.length++] = arg;
    }
    if (def.mayExit) this.#flagsNeeded = true;
    return dst;
  }

  /** A flags operation makes an earlier one dead if nothing between them could see it. */
  #noteFlagsOp(def: OpDef, at: number): void {
    if (this.#flagsOpAt >= 0 && !this.#flagsNeeded && FLAGS_LOGIC_IDS.has(def.id))
      this.words[this.#flagsOpAt] = (this.words[this.#flagsOpAt] as number) | KILLED;
    this.#flagsOpAt = at;
    this.#flagsNeeded = false;
  }

  op(name: string, ...args: Value[]): Value {
    return this.#emitArgs(opDef(name), args);
  }

  /** Queues the write of the low `bytes` of `value` to a slot; 4 bytes of a general register clear its upper half. */
  setSlot(slot: number, bytes: 1 | 2 | 4 | 8 | 16, value: Value): void {
    const isGpr = slot < GPR + 128;
    const op =
      bytes === 16
        ? MOV_V
        : bytes === 8
          ? MOV64
          : bytes === 4
            ? isGpr
              ? MOV32
              : MOV_LANE32
            : bytes === 2
              ? MOV16
              : MOV8;
    this.#commits.push({ slot, bytes: bytes === 4 && isGpr ? 8 : bytes, value, op });
  }

  /** Says what the flag words now stand for; call it beside the operation that computes them. */
  flagsAre(source: FlagsSource): void {
    this.#pendingFlags = source;
  }

  /** Queues the operation that ends the block. */
  end(name: string, ...args: Value[]): void {
    this.#jump = { def: opDef(name), args };
  }

  endInstruction(): void {
    this.commit();
    if (this.#pendingFlags !== undefined) {
      this.flags = this.#pendingFlags;
      this.#pendingFlags = undefined;
    }
    if (this.#jump !== undefined) {
      const { def, args } = this.#jump;
      this.#jump = undefined;
      this.#emitArgs(def, args);
      this.ended = true;
    }
  }

  /**
   * Emits the queued writes. Only endInstruction calls it, and the instructions that the SDM lets stop half-way: what was
   * committed stays when a later access faults, and the instruction is then executed again from its beginning.
   */
  commit(): void {
    const commits = this.#commits;
    for (let i = 0; i < commits.length; i++) {
      const commit = commits[i] as Commit;
      if (this.#pendingFlags !== undefined) dropStale(this.#pendingFlags, commit.slot, commit.bytes);
      if (this.#retarget(commit, i)) {
        this.#replaceLater(commit.value, commit.slot, i + 1);
        continue;
      }
      this.#protectReaders(commit, i);
      this.#move(commit);
    }
    for (const { slot, bytes } of commits) this.#clobbered(slot, bytes);
    commits.length = 0;
    this.#start = this.length;
  }

  #move(commit: Commit): void {
    this.words[this.length++] = commit.op.id | ((this.instructions - 1) << 16);
    this.words[this.length++] = commit.slot;
    this.words[this.length++] = commit.value;
  }

  /** If the committed value is a temporary whose operation can write the slot itself, lets it do so. */
  #retarget(commit: Commit, index: number): boolean {
    const value = commit.value;
    if (value < TEMPS || value >= TEMPS + TEMP_COUNT * TEMP_BYTES) return false;
    const words = this.words;
    let producer = -1;
    for (let at = this.#start; at < this.length; at += sizeAt(words, at)) {
      if ((words[at] as number) < 0) continue;
      const def = OPS[(words[at] as number) & 0xffff] as OpDef;
      const hasDst = def.result !== "none" && def.result !== "flags";
      if (producer < 0) {
        if (hasDst && words[at + 1] === value) {
          if (!sameWidth(def, commit)) return false;
          producer = at;
        }
        continue;
      }
      if (def.mayExit) return false;
      if (hasDst && overlaps(words[at + 1] as number, 16, commit)) return false;
      const first = at + (hasDst ? 2 : 1);
      for (let i = 0; i < def.args.length; i++) {
        if (def.args[i] !== "imm" && overlaps(words[first + i] as number, argBytes(def, i), commit)) return false;
      }
    }
    if (producer < 0) return false;
    for (let i = index + 1; i < this.#commits.length; i++) {
      const other = this.#commits[i] as Commit;
      if (overlaps(other.value, other.bytes, commit) || overlaps(other.slot, other.bytes, commit)) return false;
    }
    if (this.#jump?.args.some((arg) => overlaps(arg, 8, commit))) return false;
    words[producer + 1] = commit.slot;
    for (let at = producer + sizeAt(words, producer); at < this.length; at += sizeAt(words, at)) {
      if ((words[at] as number) < 0) continue;
      const def = OPS[(words[at] as number) & 0xffff] as OpDef;
      const first = at + (def.result !== "none" && def.result !== "flags" ? 2 : 1);
      for (let i = 0; i < def.args.length; i++) {
        if (def.args[i] !== "imm" && words[first + i] === value) words[first + i] = commit.slot;
      }
    }
    return true;
  }

  #replaceLater(from: Value, to: Value, index: number): void {
    for (let i = index; i < this.#commits.length; i++) {
      const commit = this.#commits[i] as Commit;
      if (commit.value === from) commit.value = to;
    }
    const flags = this.#pendingFlags;
    if (flags !== undefined) {
      if (flags.a === from) flags.a = to;
      if (flags.b === from) flags.b = to;
      if (flags.result === from) flags.result = to;
    }
    if (this.#jump !== undefined) {
      this.#jump.args = this.#jump.args.map((arg, i) => (this.#jump?.def.args[i] !== "imm" && arg === from ? to : arg));
    }
  }

  /** Later commits and the jump may still read the slot that is about to change: keep the old value in a temporary. */
  #protectReaders(commit: Commit, index: number): void {
    let saved = 0;
    const save = (bytes: number, slot: number): Value => {
      if (saved === 0) {
        saved = this.temp();
        this.words[this.length++] = (bytes === 16 ? MOV_V.id : MOV64.id) | ((this.instructions - 1) << 16);
        this.words[this.length++] = saved;
        this.words[this.length++] = slot;
      }
      return saved;
    };
    for (let i = index + 1; i < this.#commits.length; i++) {
      const other = this.#commits[i] as Commit;
      if (overlaps(other.value, other.bytes, commit)) {
        saved = 0;
        other.value = save(other.bytes, other.value);
      }
    }
    const jump = this.#jump;
    if (jump !== undefined) {
      for (const [i, arg] of jump.args.entries()) {
        if (jump.def.args[i] !== "imm" && overlaps(arg, 8, commit)) {
          saved = 0;
          jump.args[i] = save(8, arg);
        }
      }
    }
  }

  #clobbered(slot: number, bytes: number): void {
    const flags = this.flags;
    if (flags !== undefined) dropStale(flags, slot, bytes);
  }
}

/** Forgets those sources that the write of [slot, slot + bytes) destroys. */
function dropStale(flags: FlagsSource, slot: number, bytes: number): void {
  const hit = (value: Value) => value < CONST_SLOT && value >= 0 && value < slot + bytes && value + 8 > slot;
  if (hit(flags.a)) flags.a = -1;
  if (hit(flags.b)) flags.b = -1;
  if (hit(flags.result)) flags.result = -1;
}

function overlaps(value: Value, bytes: number, commit: Commit): boolean {
  return value < CONST_SLOT && value < commit.slot + commit.bytes && value + bytes > commit.slot;
}

function argBytes(def: OpDef, index: number): number {
  const type = def.args[index];
  return type === "v128" ? 16 : type === "i32" || type === "f32" ? 4 : 8;
}

function sameWidth(def: OpDef, commit: Commit): boolean {
  switch (commit.op) {
    case MOV64:
      return def.result === "i64" || def.result === "f64";
    case MOV32:
      return def.result === "i32";
    case MOV_LANE32:
      return def.result === "f32" || def.result === "lane32";
    case MOV_V:
      return def.result === "v128";
    default:
      return false;
  }
}

/** Words of the operation at `at`. */
export function sizeAt(words: Int32Array, at: number): number {
  return opWords(OPS[(words[at] as number) & 0xffff] as OpDef);
}

/** Words of an operation in the builder and in the interpreter's records alike. */
export function opWords(def: OpDef): number {
  return 1 + (def.result !== "none" && def.result !== "flags" ? 1 : 0) + def.args.length;
}

export const ENTER = opId("enter");
