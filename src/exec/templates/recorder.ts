/**
 * Makes templates (format.ts): lifts an instruction twice, as it stands and with another displacement, immediate and address,
 * and finds out which words of the IR follow from which of these. Where it cannot tell, there is no template.
 */

import { FLAG_AUX, FLAG_RESULT, GPR, TEMPS, YMM, YMM_STRIDE } from "../../isa/cpu-block.ts";
import { decode, newInstruction } from "../../isa/decode.ts";
import { DecodeStatus, type Instruction } from "../../isa/instruction.ts";
import { Builder, type FlagsSource, KILLED, opWords, overwritesAll, TEMP_BYTES } from "../../isa/ir/builder.ts";
import { CONST_SLOT, OPS, type OpDef } from "../../isa/ir/ops.ts";
import { Lift, type Lifter } from "../../isa/lift/context.ts";
import * as F from "./format.ts";

const TWO32 = 0x1_0000_0000;
/**
 * What changes in the second lift: no byte stays, nor does a sign. Displacement and immediate, of the instruction and of the one
 * before, change each in a way of its own, so that equal values can be told apart.
 */
const DIFFERENCE = {
  disp: [0x91, 0xa3, 0x35, 0xc7, 0x59, 0xeb, 0x6d, 0x83],
  imm: [0x5d, 0x1b, 0x97, 0x21, 0x73, 0x3f, 0xa5, 0xc9],
  previousDisp: [0x2f, 0x67, 0xe1, 0x4d, 0x85, 0x93, 0x1f, 0xb7],
  previousImm: [0x43, 0xd9, 0x0b, 0x7f, 0x31, 0x57, 0xc3, 0x95],
} as const;
/** Linear address of the second lift (halves). */
const OTHER_LO = 0x6978_8796;
const OTHER_HI = 0x3c5a;
/** Instructions whose lifters do nothing with an immediate but take it as a constant. */
const PLAIN_IMMEDIATE = /^(add|or|adc|sbb|and|sub|xor|cmp|test|mov|push|imul|j.*|call|loop.*)$/;
const MAX_CELLS = 32;
/** Registers that can be filled in (format.ts), without REX and with it; the same where OPCODES_FREE holds. */
const LOW = [3, 2, 1, 0];
const HIGH = [7, 6, 5, 4];
const ALL = [15, 14, 11, 10, 9, 8, 7, 6, 3, 2, 1, 0, 13, 12, 5, 4];
const REGISTERS = [7, 6, 5];
const REGISTERS_REX = [15, 14, 11, 10, 9, 8, 7, 6, 3, 13, 12, 5];

/** Where an instruction stands, and how it is laid out (LIST_FIELDS, LIST_SHAPE). */
export interface Place {
  /** Host address. */
  readonly at: number;
  readonly fields: number;
  readonly shape: number;
}

/** What the wasm side says about the instruction that lacks a template. */
export interface Lacking extends Place {
  readonly keyLo: number;
  readonly keyHi: number;
  readonly rest: number;
  readonly extra: number;
  /** The instruction that the flags come from, and its template, if `rest` has KEY_FLAGS. */
  readonly previous: (Place & { readonly template: number }) | undefined;
}

/** One instruction as it stands, or changed. */
interface Sample {
  readonly insn: Instruction;
  /** LIST_FIELDS. */
  fields: number;
  ipLo: number;
  ipHi: number;
}

/** What the words may follow from: of one lift. */
interface Values {
  readonly fields: number;
  readonly ip: Pair;
  readonly next: Pair;
  readonly target: Pair;
  readonly rip: Pair;
  readonly disp: number;
  readonly immSigned: Pair;
  readonly immZero: Pair;
}
type Pair = readonly [lo: number, hi: number];

/** The operations of one lift, with its constants. */
interface Lifted {
  readonly words: Int32Array;
  readonly from: number;
  readonly length: number;
  readonly constLo: readonly number[];
  readonly constHi: readonly number[];
  /** What the flags come from behind it, and the temporaries that are in use. */
  readonly flags: FlagsSource | undefined;
  readonly temps: number;
}

const samePair = (a: Pair, b: Pair): boolean => a[0] === b[0] && a[1] === b[1];

function plus(a: Pair, lo: number, hi: number, long: boolean): Pair {
  const sum = (a[0] >>> 0) + (lo >>> 0);
  return [sum | 0, long ? (a[1] + hi + (sum >= TWO32 ? 1 : 0)) | 0 : 0];
}

/** Changes `count` bytes from `at` on. */
function change(window: Uint8Array, at: number, count: number, difference: readonly number[]): void {
  for (let i = 0; i < count; i++) window[at + i] = (window[at + i] as number) ^ (difference[8 - count + i] as number);
}

/**
 * Other numbers for the registers that are filled into the instructions: equal ones stay equal, and each can stand where it does
 * without the encoding getting another shape. Undefined if there are none.
 */
function changedRegisters(
  places: readonly Place[],
  bytes: readonly Uint8Array[],
): ReadonlyMap<number, number> | undefined {
  const allowed = new Map<number, Set<number>>();
  for (const [i, { at, fields, shape }] of places.entries()) {
    const filled = (shape >> 28) & 7;
    if (filled === 0) continue;
    const modrm = (bytes[i] as Uint8Array)[at + ((shape >> 8) & 0xff)] as number;
    const rex = ((shape >> 16) & 0xff) !== 0xff;
    for (let field = 0; field < 3; field++) {
      if (!(filled & (1 << field))) continue;
      const register = (fields >> (8 * field)) & 0xff;
      const isBase = field === 1 && modrm < 0xc0;
      const candidates = shape >= 0 ? (rex ? REGISTERS_REX : REGISTERS) : rex ? ALL : register < 4 ? LOW : HIGH;
      const fit = candidates.filter((other) => {
        // MMX registers have three bits.
        if ((other & 7) === (register & 7) || (field === 2 && other === 4)) return false;
        if (isBase && (modrm & 7) !== 4 && (other & 7) === 4) return false;
        return !(isBase && modrm < 0x40 && (other & 7) === 5);
      });
      const known = allowed.get(register);
      allowed.set(register, new Set(known === undefined ? fit : fit.filter((other) => known.has(other))));
    }
  }
  const from = [...allowed.keys()];
  const chosen = new Map<number, number>();
  const choose = (i: number): boolean => {
    if (i === from.length) return true;
    const register = from[i] as number;
    for (const other of allowed.get(register) as Set<number>) {
      if ([...chosen.values()].includes(other)) continue;
      chosen.set(register, other);
      if (choose(i + 1)) return true;
      chosen.delete(register);
    }
    return false;
  };
  return choose(0) ? chosen : undefined;
}

/** LIST_FIELDS with the other registers. */
function changedFields(fields: number, shape: number, registers: ReadonlyMap<number, number>): number {
  let result = fields;
  for (let field = 0; field < 3; field++) {
    if (!((shape >> 28) & (1 << field))) continue;
    const shift = 8 * field;
    result = (result & ~(0xff << shift)) | ((registers.get((fields >> shift) & 0xff) as number) << shift);
  }
  return result;
}

/** Encodes the fields into ModR/M, SIB and REX. */
function setFields(window: Uint8Array, shape: number, fields: number): void {
  const filled = (shape >> 28) & 7;
  if (filled === 0) return;
  const at = (shape >> 8) & 0xff;
  const rexAt = (shape >> 16) & 0xff;
  let modrm = window[at] as number;
  let sib = window[at + 1] as number;
  let rex = rexAt === 0xff ? 0 : (window[rexAt] as number);
  const hasSib = modrm < 0xc0 && (modrm & 7) === 4;
  const part = (field: number) => (fields >> (8 * field)) & 0xff;
  const high = (field: number, bit: number) => {
    rex = (rex & ~bit) | (part(field) & 8 ? bit : 0);
  };
  if (filled & 1) {
    modrm = (modrm & ~0x38) | ((part(0) & 7) << 3);
    high(0, 4);
  }
  if (filled & 2) {
    if (hasSib) sib = (sib & ~7) | (part(1) & 7);
    else modrm = (modrm & ~7) | (part(1) & 7);
    high(1, 1);
  }
  if (filled & 4) {
    sib = (sib & ~0x38) | ((part(2) & 7) << 3);
    high(2, 2);
  }
  window[at] = modrm;
  if (hasSib) window[at + 1] = sib;
  if (rexAt !== 0xff) window[rexAt] = rex;
}

/** Whether registers of 8 bytes (`wide`: of 32) begin at the address, or a part of them, or AH to BH, numbered 4 to 7. */
function isRegisterBase(address: number, wide: number): boolean {
  if (wide) return address >= YMM && address < YMM + YMM_STRIDE;
  // No odd part: it could be taken for AH to BH.
  return (address >= GPR && address < GPR + 8 && (address & 1) === 0) || address === GPR - 31;
}

function isRegister(slot: number): boolean {
  return (slot >= GPR && slot < GPR + 128) || (slot >= YMM && slot < YMM + 16 * YMM_STRIDE);
}

export class Recorder {
  readonly #u8: Uint8Array;
  readonly #words: Int32Array;
  readonly #lifterOf: (insn: Instruction) => Lifter | undefined | null;
  readonly #builder = new Builder();
  readonly #lift: Lift;
  readonly #actual = newInstruction();
  readonly #changed = newInstruction();
  readonly #previousActual = newInstruction();
  readonly #previousChanged = newInstruction();
  readonly #window = new Uint8Array(16);
  readonly #previousWindow = new Uint8Array(16);
  /** Where the next template goes. */
  #free = F.TEMPLATES;

  /** `lifterOf` gives the lifter, or null or undefined if the instruction is not known to the CPU model or to folio. */
  constructor(buffer: ArrayBuffer, lifterOf: (insn: Instruction) => Lifter | undefined | null) {
    this.#u8 = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#lifterOf = lifterOf;
    this.#lift = new Lift(this.#builder, this.#actual);
  }

  get end(): number {
    return this.#free;
  }
  set end(value: number) {
    this.#free = value;
  }

  /** Makes the template that is lacking, and returns its address; 0 if there is no room. `end` is where readable bytes end. */
  record(lacking: Lacking, end: number): number {
    if (this.#free > F.TEMPLATES_END - 0x8000) return 0;
    const { rest, previous } = lacking;
    const bits = rest & F.KEY_LONG ? 64 : 32;
    if (decode(this.#u8, lacking.at, end, bits, this.#actual) !== DecodeStatus.ok) return this.#emit(lacking, F.SLOW);
    const { form } = this.#actual;
    const lifter = this.#lifterOf(this.#actual);
    const immBytes = this.#actual.length - (lacking.shape & 0xff) - ((lacking.shape >> 24) & 15);
    const imm = immBytes << 8;
    if (!lifter || ![0, 1, 2, 4, 8].includes(immBytes)) return this.#emit(lacking, F.SLOW);
    if (immBytes > 0 && !PLAIN_IMMEDIATE.test(form.mnemonic) && !(rest & F.KEY_IMM)) {
      return this.#emit(lacking, (immBytes <= 4 ? F.BY_IMM : F.SLOW) | imm);
    }
    let made = 0;
    if (previous !== undefined) {
      const known = this.#words[(previous.template + F.T_FLAGS) >> 2] as number;
      const registers = changedRegisters([lacking, previous], [this.#u8, this.#u8]);
      if (
        decode(this.#u8, previous.at, end, bits, this.#previousActual) === DecodeStatus.ok &&
        registers !== undefined &&
        this.#change(lacking, lacking.rest, immBytes, registers, this.#window, DIFFERENCE.disp, DIFFERENCE.imm) &&
        this.#decodeChanged(this.#window, bits, this.#actual, this.#changed) &&
        this.#changePrevious(previous, (known >> 8) & 15, registers, bits)
      )
        made = this.#compare(lacking, lifter, immBytes, registers);
    }
    if (made !== 0) return made;
    const registers = changedRegisters([lacking], [this.#u8]);
    if (
      registers !== undefined &&
      this.#change(lacking, lacking.rest, immBytes, registers, this.#window, DIFFERENCE.disp, DIFFERENCE.imm) &&
      this.#decodeChanged(this.#window, bits, this.#actual, this.#changed)
    )
      made = this.#compare({ ...lacking, previous: undefined }, lifter, immBytes, registers);
    return made || this.#emit(lacking, F.SLOW | imm);
  }

  /** Decodes the changed bytes; false if they are another instruction. */
  #decodeChanged(window: Uint8Array, bits: 32 | 64, actual: Instruction, changed: Instruction): boolean {
    const same = decode(window, 0, 16, bits, changed) === DecodeStatus.ok;
    return same && changed.form === actual.form && changed.length === actual.length;
  }

  #changePrevious(
    previous: Place & { readonly template: number },
    immBytes: number,
    registers: ReadonlyMap<number, number>,
    bits: 32 | 64,
  ): boolean {
    const rest = this.#words[(previous.template + F.T_KEY_REST) >> 2] as number;
    const window = this.#previousWindow;
    return (
      this.#change(previous, rest, immBytes, registers, window, DIFFERENCE.previousDisp, DIFFERENCE.previousImm) &&
      this.#decodeChanged(window, bits, this.#previousActual, this.#previousChanged)
    );
  }

  /** Copies the instruction into `window` with its registers, displacement and immediate changed. */
  #change(
    { at, shape, fields }: Place,
    rest: number,
    immBytes: number,
    registers: ReadonlyMap<number, number>,
    window: Uint8Array,
    disp: readonly number[],
    imm: readonly number[],
  ): boolean {
    const key = shape & 0xff;
    const dispBytes = (shape >> 24) & 15;
    const length = key + dispBytes + immBytes;
    window.fill(0).set(this.#u8.subarray(at, at + length));
    if (!(rest & F.KEY_NO_DISP)) change(window, key, dispBytes, disp);
    if (!(rest & F.KEY_IMM)) change(window, key + dispBytes, immBytes, imm);
    setFields(window, shape, changedFields(fields, shape, registers));
    return true;
  }

  /** Lifts both samples; returns the template, or 0 if they cannot be reconciled. */
  #compare(lacking: Lacking, lifter: Lifter, immBytes: number, registers: ReadonlyMap<number, number>): number {
    const { at, rest, previous, fields, shape } = lacking;
    const long = (rest & F.KEY_LONG) !== 0;
    const a: Sample = { insn: this.#actual, fields, ipLo: at, ipHi: 0 };
    const b: Sample = {
      insn: this.#changed,
      fields: changedFields(fields, shape, registers),
      ipLo: OTHER_LO,
      ipHi: long ? OTHER_HI : 0,
    };
    const before = previous === undefined ? undefined : this.#previousSamples(previous, registers, a, b);
    const liftedA = this.#liftOne(a, before?.[0], lifter);
    const builder = this.#builder;
    let flags = (builder.ended ? F.ENDS : 0) | (builder.flagsAsked ? F.CONSUMES : 0) | (immBytes << 8);
    if (builder.branch !== undefined) flags |= builder.branch === "call" ? F.IS_CALL : F.IS_RETURN;
    const liftedB = this.#liftOne(b, before?.[1], lifter);
    const dispChanged = ((shape >> 24) & 15) > 0 && !(rest & F.KEY_NO_DISP);
    const explain = new Explanation(values(a, long, immBytes), values(b, long, immBytes), dispChanged);
    if (before !== undefined && previous !== undefined) {
      const known = this.#words[(previous.template + F.T_FLAGS) >> 2] as number;
      const previousImm = (known >> 8) & 15;
      explain.previousCells = this.#cellsOf(previous.template, before, long, previousImm);
      explain.previousFields = [before[0].fields, before[1].fields];
    }
    explain.free = shape < 0 && before === undefined;
    if (!reconcile(liftedA, liftedB, explain)) return 0;
    if (explain.cells.length > MAX_CELLS) return 0;
    const source = rest & F.KEY_FLAGS ? 0 : explain.sourceOf(liftedA, liftedB);
    if (source !== 0) flags |= F.PRODUCES;
    return this.#emit(lacking, flags, explain, source);
  }

  /** The instruction that the flags come from, as it stands and changed, right before the samples. */
  #previousSamples(previous: Place, registers: ReadonlyMap<number, number>, a: Sample, b: Sample): [Sample, Sample] {
    const { length } = this.#previousActual;
    const { fields, shape } = previous;
    return [
      { insn: this.#previousActual, fields, ipLo: a.ipLo - length, ipHi: a.ipHi },
      {
        insn: this.#previousChanged,
        fields: changedFields(fields, shape, registers),
        ipLo: b.ipLo - length,
        ipHi: b.ipHi,
      },
    ];
  }

  /** What the cells of the previous instruction hold in both lifts. */
  #cellsOf(template: number, [a, b]: [Sample, Sample], long: boolean, immBytes: number): { a: Pair; b: Pair }[] {
    const words = this.#words;
    const kinds = template + F.T_HEADER + 5 * (words[(template + F.T_WORDS) >> 2] as number);
    const count = words[(template + F.T_CELLS) >> 2] as number;
    const [ofA, ofB] = [values(a, long, immBytes), values(b, long, immBytes)];
    const cells: { a: Pair; b: Pair }[] = [];
    for (let i = 0; i < count; i++) {
      const kind = this.#u8[kinds + i] as number;
      cells.push({ a: cellValue(kind, ofA), b: cellValue(kind, ofB) });
    }
    return cells;
  }

  #liftOne(sample: Sample, previous: Sample | undefined, lifter: Lifter): Lifted {
    const builder = this.#builder;
    builder.reset();
    if (previous !== undefined) {
      const first = this.#lifterOf(previous.insn) as Lifter;
      this.#run(previous, first);
    }
    builder.flagsAsked = false;
    const from = builder.length;
    this.#run(sample, lifter);
    const { length } = builder;
    return {
      words: builder.words.slice(0, length),
      from,
      length,
      constLo: builder.constLo.slice(),
      constHi: builder.constHi.slice(),
      flags: builder.flags === undefined ? undefined : { ...builder.flags },
      temps: builder.temps,
    };
  }

  #run(sample: Sample, lifter: Lifter): void {
    this.#lift.insn = sample.insn;
    this.#lift.begin(sample.ipLo, sample.ipHi);
    lifter(this.#lift);
    this.#builder.endInstruction();
  }

  /** Writes the template; without `made` one without words. */
  #emit(lacking: Lacking, flags: number, made?: Explanation, source = 0): number {
    const start = this.#free;
    const words = this.#words;
    const count = made?.words.length ?? 0;
    const cells = made?.cells.length ?? 0;
    const header = [
      lacking.keyLo,
      lacking.keyHi,
      lacking.rest,
      lacking.extra,
      flags | (made?.flags ?? 0),
      count,
      cells,
      made?.flagsAt ?? 0,
      made?.flagsWords ?? 0,
      source,
    ];
    words.set(header, start >> 2);
    let at = start + F.T_HEADER + 4 * count;
    const literals = (at + count + cells + 7) & ~7;
    if (made !== undefined) {
      for (let i = 0; i < count; i++) {
        const literal = made.literalOf[i] as number;
        words[(start + F.T_HEADER + 4 * i) >> 2] = literal >= 0 ? literals + 8 * literal : (made.words[i] as number);
        this.#u8[at++] = made.kinds[i] as number;
      }
      for (const kind of made.cells) this.#u8[at++] = kind;
      for (const [i, [lo, hi]] of made.literals.entries()) {
        words[(literals >> 2) + 2 * i] = lo;
        words[(literals >> 2) + 2 * i + 1] = hi;
      }
    }
    this.#free = literals + 8 * (made?.literals.length ?? 0);
    return start;
  }
}

function values(sample: Sample, long: boolean, immBytes: number): Values {
  const { insn } = sample;
  const ip: Pair = [sample.ipLo | 0, long ? sample.ipHi | 0 : 0];
  const next = plus(ip, insn.length, 0, long);
  // An address in place of ModR/M (A0–A3) is for the wasm side an immediate.
  const offset = insn.mod < 0;
  const [immLo, immHi] = offset && insn.dispLo !== 0 ? [insn.dispLo, insn.dispHi] : [insn.immLo, insn.immHi];
  const dispLo = offset ? 0 : insn.dispLo;
  // The decoder has extended the immediate as the form wants; the wasm side knows its bytes only.
  const shift = immBytes < 4 ? 32 - 8 * immBytes : 0;
  const signedLo = immBytes === 0 ? 0 : (immLo << shift) >> shift;
  const immSigned: Pair = [signedLo, immBytes === 8 ? immHi : signedLo >> 31];
  const zeroLo = immBytes === 0 ? 0 : (immLo << shift) >>> shift;
  const immZero: Pair = [zeroLo | 0, immBytes === 8 ? immHi : 0];
  return {
    fields: sample.fields,
    ip,
    next,
    target: plus(next, immSigned[0], immSigned[1], long),
    rip: plus(next, dispLo, dispLo >> 31, long),
    disp: dispLo,
    immSigned,
    immZero,
  };
}

function cellValue(kind: number, v: Values): Pair {
  switch (kind) {
    case F.CELL_IMM:
      return v.immSigned;
    case F.CELL_IMM_ZERO:
      return v.immZero;
    case F.CELL_NEXT:
      return v.next;
    case F.CELL_IP:
      return v.ip;
    case F.CELL_RIP:
      return v.rip;
    case F.CELL_DISP:
      return [v.disp, v.disp >> 31];
    case F.CELL_DISP_ZERO:
      return [v.disp, 0];
    default:
      return v.target;
  }
}

const CELL_KINDS = [
  F.CELL_IMM,
  F.CELL_IMM_ZERO,
  F.CELL_RIP,
  F.CELL_NEXT,
  F.CELL_TARGET,
  F.CELL_IP,
  F.CELL_DISP,
  F.CELL_DISP_ZERO,
];

/** The words of the template in the making, and where each comes from. */
class Explanation {
  readonly words: number[] = [];
  readonly kinds: number[] = [];
  /** Index of the literal whose address the word is, or -1. */
  readonly literalOf: number[] = [];
  readonly cells: number[] = [];
  readonly literals: Pair[] = [];
  flags = 0;
  flagsAt = 0;
  flagsWords = 0;
  readonly #a: Values;
  readonly #b: Values;
  readonly #dispChanged: boolean;
  /** Of the instruction before: its cells and its fields in both lifts. */
  previousCells: readonly { a: Pair; b: Pair }[] = [];
  previousFields: readonly [number, number] = [0, 0];
  /** The instruction uses no registers but those that are filled in. */
  free = false;

  constructor(a: Values, b: Values, dispChanged: boolean) {
    this.#a = a;
    this.#b = b;
    this.#dispChanged = dispChanged;
  }

  add(word: number, kind: number, literal = -1): void {
    this.words.push(word);
    this.kinds.push(kind);
    this.literalOf.push(literal);
  }

  /** A word that is no slot: the same in both lifts, or one that follows. */
  word(a: number, b: number): boolean {
    if (a === b) {
      this.add(a, F.WORD);
      return true;
    }
    const [va, vb] = [this.#a, this.#b];
    if (this.#dispChanged && ((a - va.disp) | 0) === ((b - vb.disp) | 0)) {
      this.add((a - va.disp) | 0, F.WORD_DISP);
      return true;
    }
    // Addresses stand in two words, the low half first; the high half is that of the same address.
    const last = this.kinds.at(-1);
    for (const [lo, hi, ofA, ofB] of [
      [F.WORD_TARGET_LO, F.WORD_TARGET_HI, va.target, vb.target],
      [F.WORD_NEXT_LO, F.WORD_NEXT_HI, va.next, vb.next],
      [F.WORD_IP_LO, F.WORD_IP_HI, va.ip, vb.ip],
    ] as const) {
      const half = last === lo ? 1 : 0;
      if (a === ofA[half] && b === ofB[half]) {
        this.add(0, half === 0 ? lo : hi);
        return true;
      }
    }
    return false;
  }

  /** A slot: the same in both lifts, or part of a register that is filled in. */
  slot(a: number, b: number): boolean {
    if (a === b) {
      if (this.free && isRegister(a)) return false;
      this.add(a, F.WORD);
      return true;
    }
    for (const [kind, ofA, ofB] of [
      [F.WORD_FIELD, this.#a.fields, this.#b.fields],
      [F.WORD_PREVIOUS_FIELD, ...this.previousFields],
    ] as const) {
      for (let field = 0; field < 3; field++) {
        const [x, y] = [(ofA >> (8 * field)) & 0xff, (ofB >> (8 * field)) & 0xff];
        for (const wide of [0, 1]) {
          const shift = 3 + 2 * wide;
          const base = a - (x << shift);
          if (x === y || base !== b - (y << shift) || !isRegisterBase(base, wide)) continue;
          this.add(base, kind + 2 * field + wide);
          return true;
        }
      }
    }
    return false;
  }

  /**
   * What the instruction behind this one may know of where the flags come from, in 32 bits: templates for it are shared by all
   * instructions of which the same is known. 0 if there is nothing to know, or no room to say it.
   */
  sourceOf(a: Lifted, b: Lifted): number {
    const [x, y] = [a.flags, b.flags];
    if (x === undefined || y === undefined || x.kind !== y.kind || x.size !== y.size || a.temps !== b.temps) return 0;
    if (x.size < 4 || a.temps >= SOURCE_TEMPS) return 0;
    let source = (a.temps << 3) | (FLAGS_KINDS.indexOf(x.kind) << 1) | (x.size >> 3);
    let known = false;
    for (const [i, key] of (["a", "b", "result"] as const).entries()) {
      const code = this.#sourceCode(a, b, x[key], y[key]);
      if (code < 0) return 0;
      if (code > 0) known = true;
      source |= code << (8 * (i + 1));
    }
    return known ? source : 0;
  }

  /** The code of a value of FlagsSource, which has these slots in the two lifts; -1 if it has none. */
  #sourceCode(a: Lifted, b: Lifted, x: number, y: number): number {
    if (x < 0 || y < 0) return x === y ? 0 : -1;
    if (x >= CONST_SLOT && y >= CONST_SLOT) {
      const [ofA, ofB] = [constantAt(a, x), constantAt(b, y)];
      const cell = this.cells.findIndex(
        (kind) => samePair(cellValue(kind, this.#a), ofA) && samePair(cellValue(kind, this.#b), ofB),
      );
      if (cell >= 0) return SOURCE_CELL + cell;
      const constant = samePair(ofA, ofB) ? SOURCE_CONSTANTS.findIndex((pair) => samePair(pair, ofA)) : -1;
      return constant < 0 ? -1 : SOURCE_CONSTANT + constant;
    }
    for (let field = 0; field < 3; field++) {
      const [ofA, ofB] = [(this.#a.fields >> (8 * field)) & 0xff, (this.#b.fields >> (8 * field)) & 0xff];
      if (ofA !== ofB && x === GPR + 8 * ofA && y === GPR + 8 * ofB) return SOURCE_FIELD + field;
    }
    if (x !== y) return -1;
    const temp = (x - TEMPS) / TEMP_BYTES;
    if (temp >= 0 && temp < SOURCE_TEMPS) return SOURCE_TEMP + temp;
    return !this.free && x >= GPR && x < GPR + 128 && (x & 7) === 0 ? SOURCE_GPR + (x - GPR) / 8 : -1;
  }

  /** A constant's slot. */
  constant(a: Pair, b: Pair): boolean {
    if (samePair(a, b)) {
      let literal = this.literals.findIndex((known) => samePair(known, a));
      if (literal < 0) literal = this.literals.push(a) - 1;
      this.add(0, F.WORD, literal);
      return true;
    }
    for (const kind of CELL_KINDS) {
      if (samePair(cellValue(kind, this.#a), a) && samePair(cellValue(kind, this.#b), b)) {
        let cell = this.cells.indexOf(kind);
        if (cell < 0) cell = this.cells.push(kind) - 1;
        this.add(cell, F.WORD_CELL);
        return true;
      }
    }
    for (const [i, known] of this.previousCells.entries()) {
      if (samePair(known.a, a) && samePair(known.b, b)) {
        this.add(i, F.WORD_PREVIOUS);
        return true;
      }
    }
    return false;
  }
}

const FLAGS_KINDS = ["add", "sub", "logic", "other"];
/** Codes of a value that flags come from, 8 bits: 0 none, then temporaries, fields, cells, general registers, constants. */
const SOURCE_TEMP = 1;
const SOURCE_FIELD = 33;
const SOURCE_CELL = 40;
const SOURCE_GPR = 80;
const SOURCE_CONSTANT = 100;
const SOURCE_CONSTANTS: readonly Pair[] = [
  [0, 0],
  [1, 0],
  [-1, -1],
];
const SOURCE_TEMPS = SOURCE_FIELD - SOURCE_TEMP;

/** Goes through both lifts side by side; false if they differ in a way that nothing explains. */
function reconcile(a: Lifted, b: Lifted, into: Explanation): boolean {
  let [atA, atB] = [a.from, b.from];
  let flagOps = 0;
  let overwritten = false;
  for (;;) {
    while (atA < a.length && (a.words[atA] as number) & KILLED) atA += opWords(defAt(a, atA));
    while (atB < b.length && (b.words[atB] as number) & KILLED) atB += opWords(defAt(b, atB));
    if (atA >= a.length || atB >= b.length) break;
    const def = defAt(a, atA);
    if (defAt(b, atB) !== def) return false;
    const start = into.words.length;
    into.add(def.id, F.WORD_HEAD);
    let [x, y] = [atA + 1, atB + 1];
    if (def.result !== "none" && def.result !== "flags") {
      if (!into.slot(a.words[x++] as number, b.words[y++] as number)) return false;
    }
    let sees = def.mayExit;
    for (const type of def.args) {
      const [va, vb] = [a.words[x++] as number, b.words[y++] as number];
      if (type === "imm") {
        if (!into.word(va, vb)) return false;
      } else if (va >= CONST_SLOT || vb >= CONST_SLOT) {
        if (va < CONST_SLOT || vb < CONST_SLOT) return false;
        if (!into.constant(constantAt(a, va), constantAt(b, vb))) return false;
      } else {
        if (va >= FLAG_RESULT && va < FLAG_AUX + 8) sees = true;
        if (!into.slot(va, vb)) return false;
      }
    }
    if (sees) {
      if (!overwritten) into.flags |= F.SEES;
      if (flagOps > 0 && def.result !== "flags") into.flags |= F.SEES_AFTER;
    }
    if (def.result === "flags") {
      flagOps++;
      into.flags &= ~F.SEES_AFTER;
      into.flagsAt = start;
      into.flagsWords = into.words.length - start;
      if (overwritesAll(def)) {
        overwritten = true;
        into.flags |= F.OVERWRITES;
      }
    }
    atA = x;
    atB = y;
  }
  return atA >= a.length && atB >= b.length;
}

function defAt(lifted: Lifted, at: number): OpDef {
  return OPS[(lifted.words[at] as number) & 0xffff] as OpDef;
}

function constantAt(lifted: Lifted, slot: number): Pair {
  return [lifted.constLo[slot - CONST_SLOT] as number, lifted.constHi[slot - CONST_SLOT] as number];
}
