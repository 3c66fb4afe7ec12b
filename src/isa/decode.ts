/**
 * Bytes to Instruction: prefixes, opcode, ModR/M and SIB, then the operands by the recipes of the form.
 * SDM volume 2, chapter 2 (instruction format) and appendix A.
 */

import { operandWidth, Recipe, Width } from "./decode-operands.ts";
import {
  compileEntry,
  entries,
  entryIndex,
  FormFlag,
  formFlags,
  LEAF_SHIFT,
  leaves,
  OpcodeMap,
  PrefixColumn,
  recipes,
  Shape,
} from "./decode-tables.ts";
import { BASE_RIP, DecodeStatus, type Instruction, NO_REG, type Operand, OperandKind, Segment } from "./instruction.ts";
import { FORMS } from "./tables/forms.ts";

/** Longest instruction, SDM volume 3, section 6.15 (#GP). */
const MAX_LENGTH = 15;

const EVEX_FORM = FORMS.findIndex((form) => form.mnemonic === "evex");
const NOP_XCHG = 0x90;

/** Prefix classes by byte; 64-bit code adds REX. */
const Prefix = { none: 0, operandSize: 1, addressSize: 2, lock: 3, rep: 4, segment: 5, rex: 6 } as const;
const prefixes32 = prefixClasses(false);
const prefixes64 = prefixClasses(true);

function prefixClasses(rex: boolean): Uint8Array {
  const classes = new Uint8Array(256);
  classes[0x66] = Prefix.operandSize;
  classes[0x67] = Prefix.addressSize;
  classes[0xf0] = Prefix.lock;
  classes[0xf2] = classes[0xf3] = Prefix.rep;
  for (const byte of [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]) classes[byte] = Prefix.segment;
  if (rex) classes.fill(Prefix.rex, 0x40, 0x50);
  return classes;
}

/** An instruction object to hand to `decode`, again and again. */
export function newInstruction(): Instruction {
  const operand = (): Operand => ({ kind: OperandKind.none, size: 0, reg: 0 });
  return {
    form: FORMS[0],
    length: 0,
    codeBits: 64,
    operandSize: 4,
    addressSize: 8,
    rex: 0,
    lock: false,
    rep: 0,
    segment: Segment.none,
    mod: -1,
    reg: 0,
    rm: 0,
    base: NO_REG,
    index: NO_REG,
    scale: 1,
    dispLo: 0,
    dispHi: 0,
    immLo: 0,
    immHi: 0,
    imm2: 0,
    vexLength: 0,
    vexW: 0,
    vvvv: 0,
    operands: [operand(), operand(), operand(), operand()],
  };
}

/** Position behind what the helpers below have read. */
let position = 0;

/**
 * Decodes the instruction at `bytes[offset]`; reads no byte at or beyond `end`.
 *
 * `ok`: `out` is the instruction. `truncated`: more bytes are needed. `invalid`: #UD; if the encoding is a known one
 * that no CPU model offers (feature `unsupported`: TSX, protection keys, AVX-512, …), `out` is complete nevertheless,
 * so that it can be skipped over or named; otherwise `out.length` is 0. `tooLong`: #GP.
 *
 * The decoder knows all features; who runs the instruction compares `form.feature` with the CPU model, and takes
 * `form.fallback` (or #UD, if null) where the model lacks it.
 */
export function decode(
  bytes: Uint8Array,
  offset: number,
  end: number,
  codeBits: 32 | 64,
  out: Instruction,
): DecodeStatus {
  const long = codeBits === 64;
  const limit = Math.min(end, offset + MAX_LENGTH);
  const short = end < offset + MAX_LENGTH ? DecodeStatus.truncated : DecodeStatus.tooLong;
  out.length = 0;

  let p = offset;
  let rex = 0;
  let lock = false;
  let rep: 0 | 0xf2 | 0xf3 = 0;
  let prefix66 = false;
  let prefix67 = false;
  let segment: number = Segment.none;
  let byte = 0;
  const classes = long ? prefixes64 : prefixes32;
  for (;;) {
    if (p >= limit) return short;
    byte = bytes[p++];
    const prefix = classes[byte];
    if (prefix === Prefix.none) break;
    if (prefix === Prefix.rex) {
      rex = byte;
      continue;
    }
    // A REX prefix counts only right before the opcode.
    rex = 0;
    if (prefix === Prefix.operandSize) prefix66 = true;
    else if (prefix === Prefix.addressSize) prefix67 = true;
    else if (prefix === Prefix.lock) lock = true;
    else if (prefix === Prefix.rep) rep = byte as 0xf2 | 0xf3;
    else if (byte >= 0x64) segment = byte - 0x60;
    else if (!long) segment = (byte - 0x26) >> 3;
  }

  let map: number = OpcodeMap.primary;
  let rexR = (rex & 4) << 1;
  let rexX = (rex & 2) << 2;
  let rexB = (rex & 1) << 3;
  let w: 0 | 1 = rex & 8 ? 1 : 0;
  let l = 0;
  let vvvv = 0;
  let vexLength: 0 | 128 | 256 = 0;
  let column: number = PrefixColumn.none;
  if (byte === 0x0f) {
    if (p >= limit) return short;
    byte = bytes[p++];
    map = OpcodeMap.map0F;
    if (byte === 0x38 || byte === 0x3a) {
      map = byte === 0x38 ? OpcodeMap.map0F38 : OpcodeMap.map0F3A;
      if (p >= limit) return short;
      byte = bytes[p++];
    }
    column =
      rep === 0
        ? prefix66
          ? PrefixColumn.p66
          : PrefixColumn.none
        : rep === 0xf3
          ? PrefixColumn.pF3
          : PrefixColumn.pF2;
  } else if (byte === 0xc4 || byte === 0xc5 || byte === 0x62) {
    if (p >= limit) return short;
    const second = bytes[p];
    // In 32-bit code these are LES, LDS and BOUND unless ModR/M would name a register.
    if (long || second >= 0xc0) {
      if (byte === 0x62) return decodeEvex(bytes, offset, p, limit, short, codeBits, prefix67, out);
      if (prefix66 || rep !== 0 || lock || rex !== 0) return DecodeStatus.invalid;
      const vex3 = byte === 0xc4;
      if (p + (vex3 ? 3 : 2) > limit) return short;
      let last = second;
      map = OpcodeMap.vexBase + 1;
      if (vex3) {
        map = OpcodeMap.vexBase + (second & 0x1f);
        if ((second & 0x1f) === 0 || (second & 0x1f) > 3) return DecodeStatus.invalid;
        last = bytes[p + 1];
        w = last & 0x80 ? 1 : 0;
        if (long) {
          rexX = second & 0x40 ? 0 : 8;
          rexB = second & 0x20 ? 0 : 8;
        }
      }
      if (long) rexR = second & 0x80 ? 0 : 8;
      p += vex3 ? 2 : 1;
      byte = bytes[p++];
      vvvv = (~last >> 3) & 15;
      l = (last >> 2) & 1;
      vexLength = l ? 256 : 128;
      const pp = last & 3;
      column = pp;
    }
  } else if (rep === 0xf3) column = PrefixColumn.pF3;
  else if (rep === 0xf2) column = PrefixColumn.pF2;
  else if (prefix66) column = PrefixColumn.p66;

  // 90 is xchg with itself only while REX.B does not make it R8: then the form is that of 91–97.
  const opcode = byte === NOP_XCHG && rexB !== 0 && map === OpcodeMap.primary ? NOP_XCHG + 1 : byte;
  let entry = entries[entryIndex(codeBits, map, opcode)];
  if (entry === 0) entry = compileEntry(codeBits, map, opcode);

  let modrm = -1;
  let key = entry >> LEAF_SHIFT;
  if ((entry & 0xff) !== 0) {
    if (entry & Shape.modrm) {
      if (p >= limit) return short;
      modrm = bytes[p++];
      if (entry & Shape.anymod) modrm |= 0xc0;
    }
    let at = 0;
    if (entry & Shape.prefix) at = column;
    if (entry & Shape.reg) at = at * 8 + ((modrm >> 3) & 7);
    if (entry & Shape.mod) at = at * 2 + (modrm >= 0xc0 ? 1 : 0);
    if (entry & Shape.rm) at = at * 8 + (modrm & 7);
    if (entry & Shape.w) at = at * 2 + w;
    if (entry & Shape.l) at = at * 2 + l;
    key += at;
  }
  const formIndex = leaves[key];
  if (formIndex < 0) return DecodeStatus.invalid;
  const flags = formFlags[formIndex];

  if (lock && ((flags & FormFlag.lockable) === 0 || modrm >= 0xc0)) return DecodeStatus.invalid;
  if (vvvv !== 0 && (flags & (FormFlag.usesVvvv | FormFlag.unsupported)) === 0) return DecodeStatus.invalid;

  out.form = FORMS[formIndex];
  out.codeBits = codeBits;
  out.rex = rex;
  out.lock = lock;
  out.rep = flags & FormFlag.takesRep ? 0 : rep;
  out.segment = segment;
  out.vexLength = vexLength;
  out.vexW = vexLength === 0 ? 0 : w;
  // 32-bit code has eight registers; its bit 3 is ignored when vvvv names one.
  out.vvvv = long ? vvvv : vvvv & 7;
  const size16 = prefix66 && (flags & FormFlag.takes66) === 0;
  if (!long) out.operandSize = size16 ? 2 : 4;
  else if (w !== 0 || (flags & FormFlag.f64) !== 0) out.operandSize = 8;
  else if (size16) out.operandSize = 2;
  else out.operandSize = flags & FormFlag.d64 ? 8 : 4;
  const addressSize = long ? (prefix67 ? 4 : 8) : prefix67 ? 2 : 4;
  out.addressSize = addressSize;
  out.base = NO_REG;
  out.index = NO_REG;
  out.scale = 1;
  out.dispLo = 0;
  out.dispHi = 0;
  out.immLo = 0;
  out.immHi = 0;
  out.imm2 = 0;

  if (modrm < 0) {
    out.mod = -1;
    out.reg = 0;
    out.rm = byte & 7;
  } else {
    out.mod = modrm >> 6;
    out.reg = rexR | ((modrm >> 3) & 7);
    out.rm = rexB | (modrm & 7);
    if (modrm < 0xc0) {
      p =
        addressSize === 2
          ? readAddress16(bytes, p, limit, modrm, out)
          : readAddress(bytes, p, limit, modrm, rexX, rexB, (flags & FormFlag.vsib) !== 0, out);
      if (p > limit) return short;
      if (p < 0) return DecodeStatus.invalid;
    } else if (flags & FormFlag.vsib) return DecodeStatus.invalid;
  }

  position = p;
  const operands = out.operands;
  for (let i = 0; i < 4; i++) {
    const recipe = recipes[formIndex * 4 + i];
    const operand = operands[i];
    if (recipe === 0) {
      operand.kind = OperandKind.none;
      continue;
    }
    if (!readOperand(bytes, limit, recipe, operand, out, rexB, byte)) {
      return position > limit ? short : DecodeStatus.invalid;
    }
  }
  out.length = position - offset;
  return flags & FormFlag.unsupported ? DecodeStatus.invalid : DecodeStatus.ok;
}

/** Memory operand with 16-bit addressing, SDM volume 2, table 2-1; the result is beyond `limit` if bytes lack. */
function readAddress16(bytes: Uint8Array, p: number, limit: number, modrm: number, out: Instruction): number {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (mod === 0 && rm === 6) {
    if (p + 2 > limit) return limit + 1;
    out.dispLo = bytes[p] | (bytes[p + 1] << 8);
    return p + 2;
  }
  // BX+SI, BX+DI, BP+SI, BP+DI, SI, DI, BP, BX
  out.base = rm < 2 || rm === 7 ? 3 : rm === 4 ? 6 : rm === 5 ? 7 : 5;
  if (rm < 4) out.index = 6 + (rm & 1);
  if (mod === 0) return p;
  if (p + mod > limit) return limit + 1;
  const disp = mod === 1 ? (bytes[p] << 24) >> 24 : ((bytes[p] | (bytes[p + 1] << 8)) << 16) >> 16;
  out.dispLo = disp;
  out.dispHi = disp >> 31;
  return p + mod;
}

/** Memory operand with 32- and 64-bit addressing, SDM volume 2, tables 2-2 and 2-3; -1: vector SIB lacks its SIB. */
function readAddress(
  bytes: Uint8Array,
  p: number,
  limit: number,
  modrm: number,
  rexX: number,
  rexB: number,
  vsib: boolean,
  out: Instruction,
): number {
  const mod = modrm >> 6;
  let base = modrm & 7;
  let noBase = false;
  if (base === 4) {
    if (p >= limit) return limit + 1;
    const sib = bytes[p++];
    const index = ((sib >> 3) & 7) | rexX;
    if (index !== 4 || vsib) {
      out.index = index;
      out.scale = 1 << (sib >> 6);
    }
    base = sib & 7;
    noBase = base === 5 && mod === 0;
  } else if (vsib) {
    return -1;
  } else if (base === 5 && mod === 0) {
    noBase = true;
    if (out.codeBits === 64) out.base = BASE_RIP;
  }
  if (!noBase) out.base = base | rexB;
  let disp = 0;
  if (mod === 1) {
    if (p >= limit) return limit + 1;
    disp = (bytes[p++] << 24) >> 24;
  } else if (mod === 2 || noBase) {
    if (p + 4 > limit) return limit + 1;
    disp = bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24);
    p += 4;
  } else return p;
  out.dispLo = disp;
  out.dispHi = disp >> 31;
  return p;
}

/** Reads one operand; false if it is invalid or, with `position` beyond the limit, if bytes lack. */
function readOperand(
  bytes: Uint8Array,
  limit: number,
  recipe: number,
  operand: Operand,
  out: Instruction,
  rexB: number,
  opcode: number,
): boolean {
  let width = (recipe >> 8) & 0xff;
  switch (recipe & 0xff) {
    case Recipe.gprRm:
      if (out.mod !== 3) return memory(operand, recipe >> 16, out);
      return general(operand, width, out.rm, out);
    case Recipe.gprReg:
      return general(operand, width, out.reg, out);
    case Recipe.gprOpcode:
      return general(operand, width, rexB | (opcode & 7), out);
    case Recipe.gprVvvv:
      return general(operand, width, out.vvvv, out);
    case Recipe.gprFixed:
      operand.kind = OperandKind.gpr;
      operand.size = width < Width.dynamic ? width : operandWidth(width, out);
      operand.reg = recipe >> 16;
      return true;
    case Recipe.vecRm:
      if (out.mod !== 3) return memory(operand, recipe >> 16, out);
      return vector(operand, width, out.rm, out);
    case Recipe.vecReg:
      return vector(operand, width, out.reg, out);
    case Recipe.vecVvvv:
      return vector(operand, width, out.vvvv, out);
    case Recipe.vecFixed:
      return vector(operand, width, recipe >> 16, out);
    case Recipe.vecImm: {
      if (position >= limit) return lacks(limit);
      const reg = bytes[position++] >> 4;
      return vector(operand, width, out.codeBits === 64 ? reg : reg & 7, out);
    }
    case Recipe.mmxRm:
      if (out.mod !== 3) return memory(operand, recipe >> 16, out);
      operand.kind = OperandKind.mmx;
      operand.size = width;
      operand.reg = out.rm & 7;
      return true;
    case Recipe.mmxReg:
      operand.kind = OperandKind.mmx;
      operand.size = width;
      operand.reg = out.reg & 7;
      return true;
    case Recipe.imm:
      return immediate(bytes, limit, operand, width, out);
    case Recipe.imm2:
      if (position >= limit) return lacks(limit);
      out.imm2 = bytes[position++];
      operand.kind = OperandKind.imm2;
      operand.size = 1;
      return true;
    case Recipe.immSigned: {
      // At most 32 bits are in the instruction, except in B8–BF.
      const size = width < Width.dynamic ? out.operandSize : operandWidth(width, out);
      const encoded = width === 1 ? 1 : width === Width.v ? size : size === 2 ? 2 : 4;
      operand.kind = OperandKind.imm;
      operand.size = width === 1 || width === Width.v ? size : out.operandSize;
      return signed(bytes, limit, encoded, out);
    }
    case Recipe.rel:
      width = width === 1 ? 1 : out.operandSize === 2 ? 2 : 4;
      operand.kind = OperandKind.rel;
      operand.size = width;
      return signed(bytes, limit, width, out);
    case Recipe.seg:
      operand.kind = OperandKind.seg;
      operand.size = 2;
      operand.reg = out.reg & 7;
      // CS is no destination of MOV.
      return operand.reg < 6 && (operand.reg !== Segment.cs || operand !== out.operands[0]);
    case Recipe.segFixed:
      operand.kind = OperandKind.seg;
      operand.size = 2;
      operand.reg = recipe >> 16;
      return true;
    case Recipe.control:
      operand.kind = OperandKind.control;
      operand.size = out.operandSize;
      operand.reg = out.reg;
      return out.reg === 0 || out.reg === 2 || out.reg === 3 || out.reg === 4 || out.reg === 8;
    case Recipe.debug:
      operand.kind = OperandKind.debug;
      operand.size = out.operandSize;
      operand.reg = out.reg;
      return out.reg < 8;
    case Recipe.offset:
      return absolute(bytes, limit, operand, width, out);
    case Recipe.far:
      operand.kind = OperandKind.far;
      operand.size = out.operandSize + 2;
      if (!signed(bytes, limit, out.operandSize, out)) return false;
      if (position + 2 > limit) return lacks(limit);
      out.imm2 = bytes[position] | (bytes[position + 1] << 8);
      position += 2;
      return true;
    case Recipe.stringSource:
    case Recipe.stringDest:
      operand.kind = (recipe & 0xff) === Recipe.stringSource ? OperandKind.stringSource : OperandKind.stringDest;
      operand.size = width < Width.dynamic ? width : operandWidth(width, out);
      operand.reg = 0;
      return true;
    case Recipe.one:
      operand.kind = OperandKind.one;
      operand.size = 1;
      operand.reg = 1;
      return true;
    case Recipe.stFixed:
    case Recipe.stRm:
      operand.kind = OperandKind.st;
      operand.size = 10;
      operand.reg = (recipe & 0xff) === Recipe.stFixed ? 0 : out.rm & 7;
      return true;
    default:
      return false;
  }
}

function lacks(limit: number): false {
  position = limit + 1;
  return false;
}

function general(operand: Operand, width: number, reg: number, out: Instruction): true {
  operand.size = width < Width.dynamic ? width : operandWidth(width, out);
  // Without REX, the byte registers 4–7 are AH, CH, DH, BH.
  if (width === 1 && reg >= 4 && reg < 8 && out.rex === 0) {
    operand.kind = OperandKind.gprHigh;
    operand.reg = reg - 4;
  } else {
    operand.kind = OperandKind.gpr;
    operand.reg = reg;
  }
  return true;
}

function vector(operand: Operand, width: number, reg: number, out: Instruction): true {
  operand.kind = OperandKind.vec;
  operand.size = width < Width.dynamic ? width : operandWidth(width, out);
  operand.reg = reg;
  return true;
}

function memory(operand: Operand, width: number, out: Instruction): true {
  operand.kind = OperandKind.mem;
  operand.size = width < Width.dynamic ? width : operandWidth(width, out);
  operand.reg = 0;
  return true;
}

/** Zero-extended immediate of 1 or 2 bytes. */
function immediate(bytes: Uint8Array, limit: number, operand: Operand, width: number, out: Instruction): boolean {
  if (position + width > limit) return lacks(limit);
  const value = width === 1 ? bytes[position] : bytes[position] | (bytes[position + 1] << 8);
  position += width;
  operand.size = width;
  operand.kind = OperandKind.imm;
  out.immLo = value;
  return true;
}

/** Sign-extended value of 1, 2, 4 or 8 bytes to `immLo`/`immHi`. */
function signed(bytes: Uint8Array, limit: number, width: number, out: Instruction): boolean {
  const p = position;
  if (p + width > limit) return lacks(limit);
  position = p + width;
  if (width === 1) {
    out.immLo = (bytes[p] << 24) >> 24;
    out.immHi = out.immLo >> 31;
    return true;
  }
  if (width === 2) {
    out.immLo = ((bytes[p] | (bytes[p + 1] << 8)) << 16) >> 16;
    out.immHi = out.immLo >> 31;
    return true;
  }
  out.immLo = bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24);
  out.immHi =
    width === 4 ? out.immLo >> 31 : bytes[p + 4] | (bytes[p + 5] << 8) | (bytes[p + 6] << 16) | (bytes[p + 7] << 24);
  return true;
}

/** Absolute address in the instruction (A0–A3), of address size and zero-extended. */
function absolute(bytes: Uint8Array, limit: number, operand: Operand, width: number, out: Instruction): boolean {
  const p = position;
  const size = out.addressSize;
  if (p + size > limit) return lacks(limit);
  out.dispLo = bytes[p] | (bytes[p + 1] << 8);
  if (size > 2) out.dispLo |= (bytes[p + 2] << 16) | (bytes[p + 3] << 24);
  if (size > 4) out.dispHi = bytes[p + 4] | (bytes[p + 5] << 8) | (bytes[p + 6] << 16) | (bytes[p + 7] << 24);
  position = p + size;
  return memory(operand, width, out);
}

/**
 * EVEX: only its length is of interest (AVX-512 is not offered). SDM volume 2, section 2.7: four prefix bytes, opcode,
 * ModR/M, SIB, disp8 or disp32, and an imm8 in map 3 and a few opcodes of map 1.
 */
function decodeEvex(
  bytes: Uint8Array,
  offset: number,
  p: number,
  limit: number,
  short: DecodeStatus,
  codeBits: 32 | 64,
  prefix67: boolean,
  out: Instruction,
): DecodeStatus {
  if (p + 5 > limit) return short;
  const map = bytes[p] & 7;
  if ((bytes[p] & 8) !== 0 || (bytes[p + 1] & 4) === 0 || map === 0 || map === 4 || map === 7)
    return DecodeStatus.invalid;
  const opcode = bytes[p + 3];
  const modrm = bytes[p + 4];
  p += 5;
  out.codeBits = codeBits;
  if (modrm < 0xc0) {
    if (codeBits === 32 && prefix67) p = readAddress16(bytes, p, limit, modrm, out);
    else p = readAddress(bytes, p, limit, modrm, 0, 0, false, out);
  }
  const imm8 =
    map === 3 ||
    (map === 1 && ((opcode >= 0x70 && opcode <= 0x73) || opcode === 0xc2 || (opcode >= 0xc4 && opcode <= 0xc6)));
  if (imm8) p++;
  if (p > limit) return short;
  out.form = FORMS[EVEX_FORM];
  out.length = p - offset;
  for (const operand of out.operands) operand.kind = OperandKind.none;
  return DecodeStatus.invalid;
}
