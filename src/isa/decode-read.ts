/** Operands of an instruction by their recipes: registers from ModR/M, VEX or the opcode, immediates, displacements. */

import { operandWidth, Recipe, Width } from "./decode-operands.ts";
import { type Instruction, type Operand, OperandKind, Segment } from "./instruction.ts";

/** Position that stands for #UD. */
const INVALID = -1;

/**
 * Fills `operand` after its recipe, reading what follows ModR/M at `p`. Returns the position behind it: beyond `limit`
 * if bytes are lacking, `INVALID` if there is no such operand (#UD).
 */
export function readOperand(
  bytes: Uint8Array,
  p: number,
  limit: number,
  recipe: number,
  operand: Operand,
  out: Instruction,
  rexB: number,
  opcode: number,
): number {
  let width = (recipe >> 8) & 0xff;
  // In the order of frequency, as the cases are compared one by one until the function is compiled.
  switch (recipe & 0xff) {
    case Recipe.gprRm:
      if (out.mod !== 3) {
        memory(operand, recipe >> 16, out);
        return p;
      }
      general(operand, width, out.rm, out);
      return p;
    case Recipe.gprReg:
      general(operand, width, out.reg, out);
      return p;
    case Recipe.gprOpcode:
      general(operand, width, rexB | (opcode & 7), out);
      return p;
    case Recipe.imm:
      return immediate(bytes, p, limit, operand, width, out);
    case Recipe.imm2:
      if (p >= limit) return limit + 1;
      out.imm2 = bytes[p++];
      operand.kind = OperandKind.imm2;
      operand.size = 1;
      return p;
    case Recipe.immSigned: {
      // At most 32 bits are in the instruction, except in B8–BF.
      const size = width < Width.dynamic ? out.operandSize : operandWidth(width, out);
      const encoded = width === 1 ? 1 : width === Width.v ? size : size === 2 ? 2 : 4;
      operand.kind = OperandKind.imm;
      operand.size = width === 1 || width === Width.v ? size : out.operandSize;
      return signed(bytes, p, limit, encoded, out);
    }
    case Recipe.rel:
      width = width === 1 ? 1 : out.operandSize === 2 ? 2 : 4;
      operand.kind = OperandKind.rel;
      operand.size = width;
      return signed(bytes, p, limit, width, out);
    case Recipe.gprVvvv:
      general(operand, width, out.vvvv, out);
      return p;
    case Recipe.gprFixed:
      operand.kind = OperandKind.gpr;
      operand.size = width < Width.dynamic ? width : operandWidth(width, out);
      operand.reg = recipe >> 16;
      return p;
    case Recipe.vecRm:
      if (out.mod !== 3) {
        memory(operand, recipe >> 16, out);
        return p;
      }
      vector(operand, width, out.rm, out);
      return p;
    case Recipe.vecReg:
      vector(operand, width, out.reg, out);
      return p;
    case Recipe.vecVvvv:
      vector(operand, width, out.vvvv, out);
      return p;
    case Recipe.vecFixed:
      vector(operand, width, recipe >> 16, out);
      return p;
    case Recipe.vecImm: {
      if (p >= limit) return limit + 1;
      const reg = bytes[p++] >> 4;
      vector(operand, width, out.codeBits === 64 ? reg : reg & 7, out);
      return p;
    }
    case Recipe.mmxRm:
      if (out.mod !== 3) {
        memory(operand, recipe >> 16, out);
        return p;
      }
      operand.kind = OperandKind.mmx;
      operand.size = width;
      operand.reg = out.rm & 7;
      return p;
    case Recipe.mmxReg:
      operand.kind = OperandKind.mmx;
      operand.size = width;
      operand.reg = out.reg & 7;
      return p;
    case Recipe.seg:
      operand.kind = OperandKind.seg;
      operand.size = 2;
      operand.reg = out.reg & 7;
      // CS is no destination of MOV.
      return operand.reg < 6 && (operand.reg !== Segment.cs || operand !== out.operands[0]) ? p : INVALID;
    case Recipe.segFixed:
      operand.kind = OperandKind.seg;
      operand.size = 2;
      operand.reg = recipe >> 16;
      return p;
    case Recipe.control:
      operand.kind = OperandKind.control;
      operand.size = out.operandSize;
      operand.reg = out.reg;
      return (out.reg >= 2 && out.reg <= 4) || out.reg === 0 || out.reg === 8 ? p : INVALID;
    case Recipe.debug:
      operand.kind = OperandKind.debug;
      operand.size = out.operandSize;
      operand.reg = out.reg;
      return out.reg < 8 ? p : INVALID;
    case Recipe.offset:
      return absolute(bytes, p, limit, operand, width, out);
    case Recipe.far:
      operand.kind = OperandKind.far;
      operand.size = out.operandSize + 2;
      p = signed(bytes, p, limit, out.operandSize, out);
      if (p + 2 > limit) return limit + 1;
      out.imm2 = bytes[p] | (bytes[p + 1] << 8);
      return p + 2;
    case Recipe.stringSource:
    case Recipe.stringDest:
      operand.kind = (recipe & 0xff) === Recipe.stringSource ? OperandKind.stringSource : OperandKind.stringDest;
      operand.size = width < Width.dynamic ? width : operandWidth(width, out);
      operand.reg = 0;
      return p;
    case Recipe.one:
      operand.kind = OperandKind.one;
      operand.size = 1;
      operand.reg = 1;
      return p;
    case Recipe.stFixed:
    case Recipe.stRm:
      operand.kind = OperandKind.st;
      operand.size = 10;
      operand.reg = (recipe & 0xff) === Recipe.stFixed ? 0 : out.rm & 7;
      return p;
    default:
      return INVALID;
  }
}

function general(operand: Operand, width: number, reg: number, out: Instruction): void {
  operand.size = width < Width.dynamic ? width : operandWidth(width, out);
  // Without REX, the byte registers 4–7 are AH, CH, DH, BH.
  if (width === 1 && reg >= 4 && reg < 8 && out.rex === 0) {
    operand.kind = OperandKind.gprHigh;
    operand.reg = reg - 4;
  } else {
    operand.kind = OperandKind.gpr;
    operand.reg = reg;
  }
}

function vector(operand: Operand, width: number, reg: number, out: Instruction): void {
  operand.kind = OperandKind.vec;
  operand.size = width < Width.dynamic ? width : operandWidth(width, out);
  operand.reg = reg;
}

function memory(operand: Operand, width: number, out: Instruction): void {
  operand.kind = OperandKind.mem;
  operand.size = width < Width.dynamic ? width : operandWidth(width, out);
  operand.reg = 0;
}

/** Zero-extended immediate of 1 or 2 bytes. */
function immediate(
  bytes: Uint8Array,
  p: number,
  limit: number,
  operand: Operand,
  width: number,
  out: Instruction,
): number {
  if (p + width > limit) return limit + 1;
  operand.kind = OperandKind.imm;
  operand.size = width;
  out.immLo = width === 1 ? bytes[p] : bytes[p] | (bytes[p + 1] << 8);
  return p + width;
}

/** Sign-extended value of 1, 2, 4 or 8 bytes to `immLo`/`immHi`. */
function signed(bytes: Uint8Array, p: number, limit: number, width: number, out: Instruction): number {
  if (p + width > limit) return limit + 1;
  let low: number;
  if (width === 1) low = (bytes[p] << 24) >> 24;
  else if (width === 2) low = ((bytes[p] | (bytes[p + 1] << 8)) << 16) >> 16;
  else low = dword(bytes, p);
  out.immLo = low;
  out.immHi = width === 8 ? dword(bytes, p + 4) : low >> 31;
  return p + width;
}

/** Absolute address in the instruction (A0–A3), of address size and zero-extended. */
function absolute(
  bytes: Uint8Array,
  p: number,
  limit: number,
  operand: Operand,
  width: number,
  out: Instruction,
): number {
  const size = out.addressSize;
  if (p + size > limit) return limit + 1;
  out.dispLo = size === 2 ? bytes[p] | (bytes[p + 1] << 8) : dword(bytes, p);
  out.dispHi = size === 8 ? dword(bytes, p + 4) : 0;
  memory(operand, width, out);
  return p + size;
}

function dword(bytes: Uint8Array, p: number): number {
  return bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24);
}
