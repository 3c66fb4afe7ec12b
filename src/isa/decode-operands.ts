/**
 * Operand codes compiled to small integers: bits 7:0 the method (`Recipe`), bits 15:8 the width of the register or
 * value, bits 23:16 the width of the memory operand (or, for a register that the opcode implies, its number).
 */

import { InternalError } from "../base/errors.ts";
import type { Instruction } from "./instruction.ts";

/** How an operand is found; the letters are the addressing methods of SDM volume 2, appendix A.2.1. */
export const Recipe = {
  none: 0,
  /** E, M, R: general register or memory by ModR/M.rm. */
  gprRm: 1,
  /** G. */
  gprReg: 2,
  /** Z: low three bits of the opcode. */
  gprOpcode: 3,
  gprFixed: 4,
  /** W, U. */
  vecRm: 5,
  /** V. */
  vecReg: 6,
  /** H. */
  vecVvvv: 7,
  /** L. */
  vecImm: 8,
  vecFixed: 9,
  /** Q, N. */
  mmxRm: 10,
  /** P. */
  mmxReg: 11,
  /** Ib, Iw: zero-extended. */
  imm: 12,
  /** Ibs, Iz, Iv: sign-extended to the operand size. */
  immSigned: 13,
  /** J. */
  rel: 14,
  /** S. */
  seg: 15,
  segFixed: 16,
  /** C. */
  control: 17,
  /** D. */
  debug: 18,
  /** O. */
  offset: 19,
  /** A. */
  far: 20,
  /** X. */
  stringSource: 21,
  /** Y. */
  stringDest: 22,
  one: 23,
  stFixed: 24,
  stRm: 25,
  /** B. */
  gprVvvv: 26,
  /** A second immediate, always one byte. */
  imm2: 27,
} as const;

/** Widths: below `Width.dynamic` bytes, from there on depending on the instruction. */
export const Width = {
  dynamic: 0x80,
  /** v: operand size. */
  v: 0x80,
  /** z: 2 for 16-bit operand size, else 4. */
  z: 0x81,
  /** y: 8 with W in 64-bit mode, else 4. */
  y: 0x82,
  /** x, ps, pd: vector length. */
  x: 0x83,
  /** p: far pointer, offset of operand size and selector. */
  p: 0x84,
  /** a: pair of bounds. */
  a: 0x85,
  /** s: pseudo-descriptor. */
  s: 0x86,
  /** e: x87 environment. */
  e: 0x87,
  /** g: x87 state. */
  g: 0x88,
  /** fx: 512 bytes. */
  fx: 0x89,
} as const;

const WIDTHS: Readonly<Record<string, number>> = {
  b: 1,
  w: 2,
  d: 4,
  q: 8,
  dq: 16,
  qq: 32,
  ss: 4,
  sd: 8,
  pi: 8,
  t: 10,
  "0": 0,
  v: Width.v,
  z: Width.z,
  y: Width.y,
  x: Width.x,
  ps: Width.x,
  pd: Width.x,
  p: Width.p,
  a: Width.a,
  s: Width.s,
  e: Width.e,
  g: Width.g,
  fx: Width.fx,
};

const METHODS: Readonly<Record<string, number>> = {
  E: Recipe.gprRm,
  M: Recipe.gprRm,
  R: Recipe.gprRm,
  G: Recipe.gprReg,
  Z: Recipe.gprOpcode,
  W: Recipe.vecRm,
  U: Recipe.vecRm,
  V: Recipe.vecReg,
  H: Recipe.vecVvvv,
  L: Recipe.vecImm,
  Q: Recipe.mmxRm,
  N: Recipe.mmxRm,
  P: Recipe.mmxReg,
  J: Recipe.rel,
  S: Recipe.seg,
  C: Recipe.control,
  D: Recipe.debug,
  O: Recipe.offset,
  A: Recipe.far,
  X: Recipe.stringSource,
  Y: Recipe.stringDest,
  B: Recipe.gprVvvv,
};

function recipe(method: number, width: number, memoryWidthOrNumber: number): number {
  return method | (width << 8) | (memoryWidthOrNumber << 16);
}

const NAMED: Readonly<Record<string, number>> = {
  AL: recipe(Recipe.gprFixed, 1, 0),
  CL: recipe(Recipe.gprFixed, 1, 1),
  AX: recipe(Recipe.gprFixed, 2, 0),
  DX: recipe(Recipe.gprFixed, 2, 2),
  eAX: recipe(Recipe.gprFixed, Width.z, 0),
  rAX: recipe(Recipe.gprFixed, Width.v, 0),
  XMM0: recipe(Recipe.vecFixed, 16, 0),
  ES: recipe(Recipe.segFixed, 2, 0),
  CS: recipe(Recipe.segFixed, 2, 1),
  SS: recipe(Recipe.segFixed, 2, 2),
  DS: recipe(Recipe.segFixed, 2, 3),
  FS: recipe(Recipe.segFixed, 2, 4),
  GS: recipe(Recipe.segFixed, 2, 5),
  ST0: recipe(Recipe.stFixed, 10, 0),
  STi: recipe(Recipe.stRm, 10, 0),
  "1": recipe(Recipe.one, 1, 1),
  Ib: recipe(Recipe.imm, 1, 0),
  Iw: recipe(Recipe.imm, 2, 0),
  Ibs: recipe(Recipe.immSigned, 1, 0),
  Iz: recipe(Recipe.immSigned, Width.z, 0),
  Iv: recipe(Recipe.immSigned, Width.v, 0),
};

/** The recipe of one operand code; throws on a code that does not exist (a mistake in the tables). */
export function recipeOf(code: string): number {
  if (code in NAMED) return NAMED[code];
  const slash = code.indexOf("/");
  const registerCode = slash < 0 ? code : code.slice(0, slash);
  const memoryCode = slash < 0 ? code : code.slice(slash + 1);
  const method = METHODS[registerCode[0]];
  const width = WIDTHS[registerCode.slice(1)];
  const memoryWidth = WIDTHS[memoryCode.slice(1)];
  if (method === undefined || width === undefined || memoryWidth === undefined)
    throw new InternalError(`operand code ${code}`);
  return recipe(method, width, memoryWidth);
}

/** Bytes of a `Width` for this instruction. */
export function operandWidth(width: number, insn: Instruction): number {
  switch (width) {
    case Width.v:
      return insn.operandSize;
    case Width.z:
      return insn.operandSize === 2 ? 2 : 4;
    case Width.y:
      return insn.operandSize === 8 ? 8 : 4;
    case Width.x:
      return insn.vexLength === 256 ? 32 : 16;
    case Width.p:
      return insn.operandSize + 2;
    case Width.a:
      return insn.operandSize * 2;
    case Width.s:
      return insn.codeBits === 64 ? 10 : 6;
    case Width.e:
      return insn.operandSize === 2 ? 14 : 28;
    case Width.g:
      return insn.operandSize === 2 ? 94 : 108;
    case Width.fx:
      return 512;
    default:
      return width;
  }
}
