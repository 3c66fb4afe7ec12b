/** Packed integer instructions on MMX, XMM and YMM registers. SDM volume 1, sections 9.4, 11.4.2, 12.6, 14.6. */
import { OperandKind } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import type { Lift, Lifter, LifterTable } from "./context.ts";
import { checkMmx, enterMmx, first, isMmx, isVex, lanes, second, source } from "./vector.ts";

/** result = op(first source, second source), lane by lane. */
function binary(op: string): Lifter {
  return (x) => lanes(x, (lane) => x.op(op, source(x, first(x), lane), source(x, second(x), lane)));
}

function unary(op: string): Lifter {
  return (x) => lanes(x, (lane) => x.op(op, source(x, 1, lane)));
}

function sameRegisters(x: Lift): boolean {
  const [a, b] = [x.operand(first(x)), x.operand(second(x))];
  return a.kind === OperandKind.vec && b.kind === OperandKind.vec && a.reg === b.reg;
}

/** XOR and subtraction of a register from itself give 0 whatever it held. */
function cancelling(op: string): Lifter {
  const general = binary(op);
  return (x) => (sameRegisters(x) ? lanes(x, () => x.op("vZero")) : general(x));
}

/** The two 8-byte MMX sources as one vector, first source low. */
function joined(x: Lift): Value {
  return x.op("unpackLo64", source(x, 0), source(x, 1));
}

/** Operations that mix the lanes of both sources (pack, horizontal sums): for MMX on the joined sources. */
function mixing(op: (x: Lift, a: Value, b: Value) => Value): Lifter {
  return (x) =>
    lanes(x, (lane) => {
      if (isMmx(x)) {
        const both = joined(x);
        return op(x, both, both);
      }
      return op(x, source(x, first(x), lane), source(x, second(x), lane));
    });
}

function pack(op: string): Lifter {
  return mixing((x, a, b) => x.op(op, a, b));
}

/** Interleave of high halves: an MMX register's high half is the high half of the interleaved low 8 bytes. */
function unpackHigh(width: number): Lifter {
  return (x) =>
    lanes(x, (lane) => {
      const [a, b] = [source(x, first(x), lane), source(x, second(x), lane)];
      return isMmx(x) ? x.op(`unpackLo${width}`, a, b) + 8 : x.op(`unpackHi${width}`, a, b);
    });
}

/** Interleave of low halves. The MMX forms read only 4 bytes of memory. */
function unpackLow(width: number): Lifter {
  return binary(`unpackLo${width}`);
}

/** A shift by an immediate, or by the low 64 bits of the last operand, which saturates. */
function shift(op: string): Lifter {
  return (x) => {
    const from = first(x);
    const last = x.operand(second(x));
    if (last.kind === OperandKind.imm) {
      const count = x.const(x.insn.immLo & 0xff);
      return lanes(x, (lane) => x.op(op, source(x, from, lane), count));
    }
    let count: Value = 0;
    lanes(x, (lane) => {
      if (lane === 0) count = x.op("vShiftCount", source(x, second(x)));
      return x.op(op, source(x, from, lane), count);
    });
  };
}

/** PSLLDQ, PSRLDQ: counts above 15 give 0. */
function byteShift(left: boolean): Lifter {
  return (x) => {
    const count = Math.min(x.insn.immLo & 0xff, 16);
    lanes(x, (lane) => {
      const value = source(x, first(x), lane);
      const zero = x.op("vZero");
      return left ? x.op("vAlign", zero, value, 16 - count) : x.op("vAlign", value, zero, count);
    });
  };
}

/** PALIGNR: the first source is the high part. */
function align(x: Lift): void {
  const count = x.insn.immLo & 0xff;
  lanes(x, (lane) => {
    const high = source(x, first(x), lane);
    const low = source(x, second(x), lane);
    if (!isMmx(x)) return x.op("vAlign", low, high, count);
    return x.op("vAlign", x.op("unpackLo64", low, high), x.op("vZero"), count);
  });
}

function shuffle(op: string): Lifter {
  return (x) => lanes(x, (lane) => x.op(op, source(x, 1, lane), x.insn.immLo & 0xff));
}

/** PMOVMSKB, MOVMSKPS, MOVMSKPD: the lanes' sign bits to a general register. */
function signMask(op: string, bits: number): Lifter {
  return (x) => {
    const mmx = isMmx(x);
    if (mmx) checkMmx(x);
    let mask = x.op(op, source(x, 1));
    if (mmx) {
      mask = x.op("and32", mask, x.const(0xff));
      enterMmx(x);
    }
    if (x.insn.vexLength === 256) {
      const high = x.op(op, source(x, 1, 1));
      mask = x.op("or32", mask, x.op("shl32", high, x.const(bits)));
    }
    // The upper half of the register is cleared with or without REX.W.
    x.setGpr(x.operand(0).reg, 8, mask);
  };
}

/** Horizontal sum or difference of neighbouring lanes. */
function horizontal(width: 16 | 32, op: string): Lifter {
  return mixing((x, a, b) => x.op(op, x.op(`vEven${width}`, a, b), x.op(`vOdd${width}`, a, b)));
}

/** PTEST: ZF = (source AND destination) is 0, CF = (source AND NOT destination) is 0; the other flags are cleared. */
function test(x: Lift): void {
  let both: Value | undefined;
  let notFirst: Value | undefined;
  for (let lane = 0; lane < (x.insn.vexLength === 256 ? 2 : 1); lane++) {
    const [a, b] = [source(x, 0, lane), source(x, 1, lane)];
    const and = x.op("vAnd", a, b);
    const andNot = x.op("vAndNot", a, b);
    both = both === undefined ? and : x.op("vOr", both, and);
    notFirst = notFirst === undefined ? andNot : x.op("vOr", notFirst, andNot);
  }
  const zero = x.op("eqz32", x.op("vAnyTrue", both as Value));
  const carry = x.op("eqz32", x.op("vAnyTrue", notFirst as Value));
  x.op("flagsSet", x.op("or32", x.op("shl32", zero, x.const(6)), carry));
  x.flagsOther();
}

/** PMOVSX, PMOVZX: lanes of the low part of the source, widened. */
function widen(op: string, ratio: 2 | 4 | 8): Lifter {
  return (x) =>
    lanes(x, (lane) => {
      const operand = x.operand(1);
      if (lane === 0) {
        if (operand.kind === OperandKind.mem && operand.size === 16) return x.op(op, x.load(x.address(), 16));
        return x.op(op, source(x, 1));
      }
      const offset = 16 / ratio;
      if (operand.kind === OperandKind.vec) return x.op(op, x.vec(operand.reg, offset));
      return x.op(op, x.load(x.address(), offset, false, offset));
    });
}

/** PBLENDVB and the like: the mask is XMM0, or the last operand of a VEX form. */
function blendVariable(op: string): Lifter {
  return (x) =>
    lanes(x, (lane) => {
      const mask = isVex(x) ? source(x, 3, lane) : x.vec(0);
      return x.op(op, source(x, first(x), lane), source(x, second(x), lane), mask);
    });
}

/** PBLENDW, BLENDPS, BLENDPD, VPBLENDD: elements of the second source where the immediate's bits are set. */
function blendImmediate(width: 2 | 4 | 8): Lifter {
  return (x) =>
    lanes(x, (lane) => {
      const imm = x.insn.immLo >> (width === 2 ? 0 : (16 / width) * lane);
      let bytes = 0;
      for (let i = 0; i < 16; i++) if ((imm >> Math.floor(i / width)) & 1) bytes |= 1 << i;
      return x.op("vBlend", source(x, first(x), lane), source(x, second(x), lane), bytes);
    });
}

/** MPSADBW: the immediate's three bits for each lane choose the blocks. */
function multipleSad(x: Lift): void {
  lanes(x, (lane) => {
    const imm = (x.insn.immLo >> (3 * lane)) & 7;
    return x.op("mpsadbw", source(x, first(x), lane), source(x, second(x), lane), imm);
  });
}

const BINARY: Record<string, string> = {
  paddb: "i8x16Add",
  paddw: "i16x8Add",
  paddd: "i32x4Add",
  paddq: "i64x2Add",
  paddsb: "i8x16AddSatS",
  paddsw: "i16x8AddSatS",
  paddusb: "i8x16AddSatU",
  paddusw: "i16x8AddSatU",
  psubsb: "i8x16SubSatS",
  psubsw: "i16x8SubSatS",
  psubusb: "i8x16SubSatU",
  psubusw: "i16x8SubSatU",
  pand: "vAnd",
  andps: "vAnd",
  andpd: "vAnd",
  por: "vOr",
  orps: "vOr",
  orpd: "vOr",
  pandn: "vAndNot",
  andnps: "vAndNot",
  andnpd: "vAndNot",
  pcmpeqb: "i8x16Eq",
  pcmpeqw: "i16x8Eq",
  pcmpeqd: "i32x4Eq",
  pcmpeqq: "i64x2Eq",
  pcmpgtb: "i8x16GtS",
  pcmpgtw: "i16x8GtS",
  pcmpgtd: "i32x4GtS",
  pcmpgtq: "i64x2GtS",
  pmullw: "i16x8Mul",
  pmulld: "i32x4Mul",
  pmulhw: "i16x8MulhiS",
  pmulhuw: "i16x8MulhiU",
  pmulhrsw: "i16x8MulRoundS",
  pmuludq: "i64x2MulU32",
  pmuldq: "i64x2MulS32",
  pmaddwd: "i32x4DotS",
  pmaddubsw: "i16x8DotUS",
  psadbw: "i8x16SadU",
  pavgb: "i8x16AvgrU",
  pavgw: "i16x8AvgrU",
  pminsb: "i8x16MinS",
  pminsw: "i16x8MinS",
  pminsd: "i32x4MinS",
  pminub: "i8x16MinU",
  pminuw: "i16x8MinU",
  pminud: "i32x4MinU",
  pmaxsb: "i8x16MaxS",
  pmaxsw: "i16x8MaxS",
  pmaxsd: "i32x4MaxS",
  pmaxub: "i8x16MaxU",
  pmaxuw: "i16x8MaxU",
  pmaxud: "i32x4MaxU",
  psignb: "i8x16Sign",
  psignw: "i16x8Sign",
  psignd: "i32x4Sign",
};

const CANCELLING: Record<string, string> = {
  pxor: "vXor",
  xorps: "vXor",
  xorpd: "vXor",
  psubb: "i8x16Sub",
  psubw: "i16x8Sub",
  psubd: "i32x4Sub",
  psubq: "i64x2Sub",
};

export const packedIntLifters: LifterTable = {
  punpcklbw: unpackLow(8),
  punpcklwd: unpackLow(16),
  punpckldq: unpackLow(32),
  punpcklqdq: unpackLow(64),
  unpcklps: unpackLow(32),
  unpcklpd: unpackLow(64),
  punpckhbw: unpackHigh(8),
  punpckhwd: unpackHigh(16),
  punpckhdq: unpackHigh(32),
  punpckhqdq: unpackHigh(64),
  unpckhps: unpackHigh(32),
  unpckhpd: unpackHigh(64),
  packsswb: pack("i8x16NarrowS"),
  packuswb: pack("i8x16NarrowU"),
  packssdw: pack("i16x8NarrowS"),
  packusdw: pack("i16x8NarrowU"),
  psllw: shift("i16x8Shl"),
  pslld: shift("i32x4Shl"),
  psllq: shift("i64x2Shl"),
  psrlw: shift("i16x8ShrU"),
  psrld: shift("i32x4ShrU"),
  psrlq: shift("i64x2ShrU"),
  psraw: shift("i16x8ShrS"),
  psrad: shift("i32x4ShrS"),
  pslldq: byteShift(true),
  psrldq: byteShift(false),
  palignr: align,
  pshufd: shuffle("shufD"),
  pshuflw: shuffle("shufLW"),
  pshufhw: shuffle("shufHW"),
  pshufb: (x) => binary(isMmx(x) ? "vShuffleBytes8" : "vShuffleBytes")(x),
  pmovmskb: signMask("i8x16Bitmask", 16),
  movmskps: signMask("i32x4Bitmask", 4),
  movmskpd: signMask("i64x2Bitmask", 2),
  pabsb: unary("i8x16Abs"),
  pabsw: unary("i16x8Abs"),
  pabsd: unary("i32x4Abs"),
  phaddw: horizontal(16, "i16x8Add"),
  phaddd: horizontal(32, "i32x4Add"),
  phaddsw: horizontal(16, "i16x8AddSatS"),
  phsubw: horizontal(16, "i16x8Sub"),
  phsubd: horizontal(32, "i32x4Sub"),
  phsubsw: horizontal(16, "i16x8SubSatS"),
  phminposuw: unary("minPosition"),
  ptest: test,
  mpsadbw: multipleSad,
  pblendvb: blendVariable("vBlendBytes"),
  blendvps: blendVariable("vBlendDwords"),
  blendvpd: blendVariable("vBlendQwords"),
  pblendw: blendImmediate(2),
  blendps: blendImmediate(4),
  blendpd: blendImmediate(8),
  pmovsxbw: widen("widenS8to16", 2),
  pmovsxbd: widen("widenS8to32", 4),
  pmovsxbq: widen("widenS8to64", 8),
  pmovsxwd: widen("widenS16to32", 2),
  pmovsxwq: widen("widenS16to64", 4),
  pmovsxdq: widen("widenS32to64", 2),
  pmovzxbw: widen("widenU8to16", 2),
  pmovzxbd: widen("widenU8to32", 4),
  pmovzxbq: widen("widenU8to64", 8),
  pmovzxwd: widen("widenU16to32", 2),
  pmovzxwq: widen("widenU16to64", 4),
  pmovzxdq: widen("widenU32to64", 2),
};

for (const [name, op] of Object.entries(BINARY)) packedIntLifters[name] = binary(op);
for (const [name, op] of Object.entries(CANCELLING)) packedIntLifters[name] = cancelling(op);
/** Every VEX form does on its lanes what the legacy form does. */
for (const [name, lifter] of Object.entries(packedIntLifters)) packedIntLifters[`v${name}`] = lifter;
/** PSHUFW is PSHUFLW on an MMX register; it has no VEX form. */
packedIntLifters.pshufw = shuffle("shufLW");
