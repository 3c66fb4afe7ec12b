/**
 * Bytes to Instruction: prefixes, opcode, ModR/M and SIB, then the operands by the recipes of the form.
 * SDM volume 2, chapter 2 (instruction format) and appendix A.
 */

import { readAddress, readAddress16 } from "./decode-address.ts";
import { readOperand } from "./decode-read.ts";
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
import { DecodeStatus, type Instruction, NO_REG, type Operand, OperandKind, Segment } from "./instruction.ts";
import { FORMS } from "./tables/forms.ts";

/** Longest instruction, SDM volume 3, section 6.15 (#GP). */
const MAX_LENGTH = 15;

const EVEX_FORM = FORMS.findIndex((form) => form.mnemonic === "evex");
const NOP_XCHG = 0x90;

/** Prefix classes by byte; 64-bit code adds REX. */
export const Prefix = { none: 0, operandSize: 1, addressSize: 2, lock: 3, rep: 4, segment: 5, rex: 6 } as const;
export const prefixes32 = prefixClasses(false);
export const prefixes64 = prefixClasses(true);

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
  // #UD, once its length is known: the processor finds first that it is too long.
  let illegal = false;
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
      const vex3 = byte === 0xc4;
      if (p + (vex3 ? 3 : 2) > limit) return short;
      illegal = prefix66 || rep !== 0 || lock || rex !== 0;
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

  if (lock && ((flags & FormFlag.lockable) === 0 || modrm >= 0xc0)) illegal = true;
  if (vvvv !== 0 && (flags & (FormFlag.usesVvvv | FormFlag.unsupported)) === 0) illegal = true;

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
      if (p < 0 || (flags & FormFlag.vsib && (addressSize === 2 || gatherOverlaps(out)))) return DecodeStatus.invalid;
    } else if (flags & FormFlag.vsib) return DecodeStatus.invalid;
  }

  const operands = out.operands;
  for (let i = 0; i < 4; i++) {
    const recipe = recipes[formIndex * 4 + i];
    if (recipe === 0) {
      operands[i].kind = OperandKind.none;
      continue;
    }
    p = readOperand(bytes, p, limit, recipe, operands[i], out, rexB, byte);
    if (p < 0) return DecodeStatus.invalid;
    if (p > limit) return short;
  }
  if (illegal) return DecodeStatus.invalid;
  out.length = p - offset;
  return flags & FormFlag.unsupported ? DecodeStatus.invalid : DecodeStatus.ok;
}

/** VGATHER with two of destination, index and mask the same is #UD, as it is with 16-bit addresses. SDM volume 2, VGATHERDPS. */
function gatherOverlaps(out: Instruction): boolean {
  return out.reg === out.index || out.reg === out.vvvv || out.index === out.vvvv;
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
