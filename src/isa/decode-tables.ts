/**
 * The decoder's lookup arrays, compiled from the opcode rows an opcode at a time when it is first met.
 *
 * An opcode of a map has one `entry`: which of prefix column, ModR/M fields, W and L select the form (its *shape*), and
 * where its block of `leaves` begins. The block is indexed by the selecting values in mixed radix; a leaf is a form's
 * index in FORMS or -1. SDM volume 2, section 2.1.2 (mandatory prefixes) and appendix A.1 (how to read the maps).
 */

import { Recipe, recipeOf } from "./decode-operands.ts";
import type { Form } from "./instruction.ts";
import { FORMS, ROWS } from "./tables/forms.ts";

/** Opcode maps: legacy 0–3 (one byte, 0F, 0F 38, 0F 3A) and VEX, whose map is `vexBase` + mmmmm. */
export const OpcodeMap = { primary: 0, map0F: 1, map0F38: 2, map0F3A: 3, vexBase: 3 } as const;

const MAP_COUNT = 7;

/** Columns of table A-3 and later: no prefix, 66, F3, F2. */
export const PrefixColumn = { none: 0, p66: 1, pF3: 2, pF2: 3 } as const;

/** Bits of an entry; the leaf block's first index is above them, from bit `LEAF_SHIFT` on. */
export const Shape = {
  compiled: 0x100,
  modrm: 0x01,
  prefix: 0x02,
  reg: 0x04,
  mod: 0x08,
  rm: 0x10,
  w: 0x20,
  l: 0x40,
  /** ModR/M.mod is read as 11B. */
  anymod: 0x80,
} as const;
export const LEAF_SHIFT = 9;

/** Bits of `formFlags`. */
export const FormFlag = {
  lockable: 0x01,
  /** The form names F2 or F3: it is no repeat prefix. */
  takesRep: 0x02,
  /** The form names 66: it is no operand-size prefix. */
  takes66: 0x04,
  d64: 0x08,
  f64: 0x10,
  /** VEX.vvvv names an operand; if not, it must be 1111B. */
  usesVvvv: 0x20,
  /** The index of SIB is a vector register (gather). */
  vsib: 0x40,
  unsupported: 0x80,
} as const;

interface Pattern {
  readonly form: number;
  readonly plusR: boolean;
  /** -1: any; otherwise a `PrefixColumn`. */
  readonly column: number;
  readonly w: number;
  readonly l: number;
  readonly digit: number;
  /** Whole ModR/M byte or -1; with `plusI` its low three bits are open. */
  readonly modrmByte: number;
  readonly plusI: boolean;
  readonly hasModrm: boolean;
  /** -1 any, 0 memory only, 1 register only. */
  readonly register: number;
  readonly modes: number;
  readonly anymod: boolean;
}

const CHAR_PLUS = 0x2b;
const CHAR_DOT = 0x2e;
const CHAR_0 = 0x30;
const CHAR_2 = 0x32;
const CHAR_3 = 0x33;
const CHAR_6 = 0x36;
const CHAR_8 = 0x38;
const CHAR_A = 0x41;
const CHAR_E = 0x45;
const CHAR_F = 0x46;
const CHAR_N = 0x4e;
const CHAR_R = 0x52;
const CHAR_V = 0x56;

const MODE_32 = 1;
const MODE_64 = 2;

/** Entry of (mode, map, opcode), at `entryIndex(…)`; 0 until compiled. */
export const entries = new Int32Array(2 * MAP_COUNT * 256);
/** Leaf blocks; replaced by a longer copy when full. */
export let leaves = new Int16Array(8192);
let leafCount = 0;

export const formFlags = new Uint8Array(FORMS.length);
/** Four operand recipes a form. */
export const recipes = new Int32Array(FORMS.length * 4);

export function entryIndex(codeBits: 32 | 64, map: number, opcode: number): number {
  return ((codeBits === 64 ? MAP_COUNT : 0) + map) * 256 + opcode;
}

/** Rows by (map, opcode), in the order of ROWS. */
let rowsOfOpcode: (number[] | undefined)[] | undefined;

/** Result of `locate`: map of the row, -1 for EVEX, and where its opcode byte begins. */
let locatedMap = 0;
let locatedAt = 0;

/** Finds map and opcode byte of an opcode column; by characters, as it runs over all rows at start-up. */
function locate(opcode: string): void {
  const first = opcode.charCodeAt(0);
  locatedAt = 0;
  if (first === CHAR_E && opcode.charCodeAt(1) === CHAR_V) {
    locatedMap = -1;
    return;
  }
  if (first === CHAR_V) {
    locatedAt = opcode.indexOf(" ") + 1;
    const map = opcode.indexOf(".0F") + 3;
    const next = opcode.charCodeAt(map);
    locatedMap = OpcodeMap.vexBase + (next === CHAR_DOT ? 1 : opcode.charCodeAt(map + 1) === CHAR_8 ? 2 : 3);
    return;
  }
  let at = 0;
  for (; ; at += 3) {
    const high = opcode.charCodeAt(at);
    const low = opcode.charCodeAt(at + 1);
    if (high === CHAR_R) at = opcode.indexOf(" ", at) - 2;
    else if (
      high !== CHAR_N &&
      (high !== CHAR_6 || low !== CHAR_6) &&
      (high !== CHAR_F || (low !== CHAR_2 && low !== CHAR_3))
    )
      break;
  }
  locatedMap = OpcodeMap.primary;
  if (opcode.charCodeAt(at) === CHAR_0 && opcode.charCodeAt(at + 1) === CHAR_F) {
    at += 3;
    locatedMap = OpcodeMap.map0F;
    if (opcode.charCodeAt(at) === CHAR_3) {
      const low = opcode.charCodeAt(at + 1);
      if (low === CHAR_8) locatedMap = OpcodeMap.map0F38;
      else if (low === CHAR_A) locatedMap = OpcodeMap.map0F3A;
      if (locatedMap !== OpcodeMap.map0F) at += 3;
    }
  }
  locatedAt = at;
}

function hexDigit(char: number): number {
  return char < 0x40 ? char - 0x30 : char - 0x37;
}

function indexRows(): (number[] | undefined)[] {
  const index: (number[] | undefined)[] = new Array(MAP_COUNT * 256).fill(undefined);
  for (let form = 0; form < ROWS.length; form++) {
    const opcode = ROWS[form][0];
    locate(opcode);
    if (locatedMap < 0) continue;
    const byte = hexDigit(opcode.charCodeAt(locatedAt)) * 16 + hexDigit(opcode.charCodeAt(locatedAt + 1));
    const slot = locatedMap * 256 + byte;
    const count = opcode.charCodeAt(locatedAt + 2) === CHAR_PLUS ? 8 : 1;
    for (let i = 0; i < count; i++) {
      const rows = index[slot + i];
      if (rows === undefined) index[slot + i] = [form];
      else rows.push(form);
    }
  }
  return index;
}

const COLUMNS: Readonly<Record<string, number>> = {
  NP: PrefixColumn.none,
  "66": PrefixColumn.p66,
  F3: PrefixColumn.pF3,
  F2: PrefixColumn.pF2,
};

/** Reads the opcode column of row `form`. */
function parseRow(form: number, map: number): Pattern {
  const row = ROWS[form];
  const attributes = row[4] ?? "";
  const tokens = row[0].split(" ");
  let at = 0;
  let column = -1;
  let w = -1;
  let l = -1;
  if (map > OpcodeMap.vexBase) {
    const fields = tokens[0].split(".");
    column = PrefixColumn.none;
    for (let i = 1; i < fields.length; i++) {
      const field = fields[i];
      if (field === "256") l = 1;
      else if (field === "128" || field === "L0") l = 0;
      else if (field === "W0") w = 0;
      else if (field === "W1") w = 1;
      else if (field in COLUMNS) column = COLUMNS[field];
    }
    at = 1;
  } else {
    // A lone 66, F2 or F3 can be an opcode byte of no row, so that here they are always prefixes.
    while (tokens[at] in COLUMNS) column = COLUMNS[tokens[at++]];
    if (tokens[at].startsWith("REX.W")) w = tokens[at++] === "REX.W" ? 1 : 0;
    at += map === OpcodeMap.primary ? 0 : map === OpcodeMap.map0F ? 1 : 2;
  }
  const byte = tokens[at++];
  let digit = -1;
  let modrmByte = -1;
  let plusI = false;
  let hasModrm = false;
  const next = tokens[at] ?? "";
  if (next.startsWith("/")) {
    hasModrm = true;
    if (next !== "/r") digit = next.charCodeAt(1) - 0x30;
  } else if (/^[0-9A-F]{2}(\+i)?$/.test(next)) {
    hasModrm = true;
    modrmByte = Number.parseInt(next.slice(0, 2), 16);
    plusI = next.endsWith("+i");
  }
  const operands = row[2];
  const memoryOnly = /(^| )(M|V?M)[^ /]*/.test(operands) && !operands.includes("/");
  const registerOnly = !operands.includes("/") && /(^| )[RUN][a-z]/.test(operands);
  return {
    form,
    plusR: byte.endsWith("+r"),
    column,
    w,
    l,
    digit,
    modrmByte,
    plusI,
    hasModrm,
    register: memoryOnly ? 0 : registerOnly ? 1 : -1,
    modes: attributes.includes("i64") ? MODE_32 : attributes.includes("o64") ? MODE_64 : MODE_32 | MODE_64,
    anymod: attributes.includes("anymod"),
  };
}

function patternsOf(map: number, opcode: number): Pattern[] {
  rowsOfOpcode ??= indexRows();
  const rows = rowsOfOpcode[map * 256 + opcode] ?? [];
  return rows.map((form) => {
    compileForm(form);
    return parseRow(form, map);
  });
}

/** The forms of an opcode, and the ModR/M.reg that selects each (-1: any). */
export function formsOfOpcode(map: number, opcode: number): { form: Form; digit: number }[] {
  return patternsOf(map, opcode).map(({ form, digit, modrmByte }) => ({
    form: FORMS[form],
    digit: modrmByte >= 0 ? (modrmByte >> 3) & 7 : digit,
  }));
}

function compileForm(form: number): void {
  const row = ROWS[form];
  const opcode = row[0];
  const feature = row[3];
  const attributes = row[4] ?? "";
  const operands = FORMS[form].operands;
  let flags = 0;
  if (FORMS[form].lockable) flags |= FormFlag.lockable;
  if (/^(F2|F3) /.test(opcode)) flags |= FormFlag.takesRep;
  if (opcode.startsWith("66 ")) flags |= FormFlag.takes66;
  if (attributes.includes("d64")) flags |= FormFlag.d64;
  if (attributes.includes("f64")) flags |= FormFlag.f64;
  if (attributes.includes("vsib")) flags |= FormFlag.vsib;
  if (feature === "unsupported") flags |= FormFlag.unsupported;
  for (let i = 0; i < operands.length; i++) {
    let recipe = recipeOf(operands[i]);
    const method = recipe & 0xff;
    if (method === Recipe.imm && operands[i - 1]?.startsWith("I")) recipe = Recipe.imm2;
    recipes[form * 4 + i] = recipe;
    if (method === Recipe.vecVvvv || method === Recipe.gprVvvv) flags |= FormFlag.usesVvvv;
  }
  formFlags[form] = flags;
}

/** More specific rows are written over less specific ones. */
function specificity(p: Pattern): number {
  return (
    (p.modrmByte >= 0 ? (p.plusI ? 16 : 32) : 0) +
    (p.digit >= 0 ? 8 : 0) +
    (p.column >= 0 ? 4 : 0) +
    (p.w >= 0 ? 2 : 0) +
    (p.plusR ? 0 : 1)
  );
}

/** Compiles the entry of (mode, map, opcode) and returns it. */
export function compileEntry(codeBits: 32 | 64, map: number, opcode: number): number {
  const mode = codeBits === 64 ? MODE_64 : MODE_32;
  const patterns = patternsOf(map, opcode).filter((p) => (p.modes & mode) !== 0);
  patterns.sort((a, b) => specificity(a) - specificity(b));
  let shape: number = Shape.compiled;
  for (const p of patterns) {
    if (p.hasModrm) shape |= Shape.modrm;
    if (p.anymod) shape |= Shape.anymod;
    if (p.column >= 0) shape |= Shape.prefix;
    if (p.w >= 0) shape |= Shape.w;
    if (p.l >= 0) shape |= Shape.l;
    if (p.digit >= 0) shape |= Shape.reg;
    if (p.register >= 0) shape |= Shape.mod;
    if (p.modrmByte >= 0) shape |= Shape.reg | Shape.mod | (p.plusI ? 0 : Shape.rm);
  }
  const columns = shape & Shape.prefix ? 4 : 1;
  const regs = shape & Shape.reg ? 8 : 1;
  const mods = shape & Shape.mod ? 2 : 1;
  const rms = shape & Shape.rm ? 8 : 1;
  const ws = shape & Shape.w ? 2 : 1;
  const ls = shape & Shape.l ? 2 : 1;
  const first = leafCount;
  leafCount += columns * regs * mods * rms * ws * ls;
  if (leafCount > leaves.length) {
    const longer = new Int16Array(leafCount * 2);
    longer.set(leaves);
    leaves = longer;
  }
  let at = first;
  for (let column = 0; column < columns; column++)
    for (let reg = 0; reg < regs; reg++)
      for (let mod = 0; mod < mods; mod++)
        for (let rm = 0; rm < rms; rm++)
          for (let w = 0; w < ws; w++)
            for (let l = 0; l < ls; l++) leaves[at++] = select(patterns, column, reg, mod, rm, w, l);
  const entry = shape | (first << LEAF_SHIFT);
  entries[entryIndex(codeBits, map, opcode)] = entry;
  return entry;
}

/** The last (most specific) pattern that fits; a dimension that no pattern uses is 0 here and asked by none. */
function select(
  patterns: readonly Pattern[],
  column: number,
  reg: number,
  mod: number,
  rm: number,
  w: number,
  l: number,
): number {
  for (let i = patterns.length - 1; i >= 0; i--) {
    const p = patterns[i];
    if (p.column >= 0 && p.column !== column) continue;
    if (p.w >= 0 && p.w !== w) continue;
    if (p.l >= 0 && p.l !== l) continue;
    if (p.digit >= 0 && p.digit !== reg) continue;
    if (p.register >= 0 && p.register !== mod) continue;
    if (p.modrmByte >= 0) {
      if (mod !== 1 || reg !== ((p.modrmByte >> 3) & 7)) continue;
      if (!p.plusI && rm !== (p.modrmByte & 7)) continue;
    }
    return p.form;
  }
  return -1;
}
