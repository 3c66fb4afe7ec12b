/** Scalar and packed floating-point instructions. SDM volume 1, sections 10.4.1, 11.4.1, 12.3; exceptions 11.5. */
import { OperandKind } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import type { Lift, Lifter, LifterTable } from "./context.ts";
import {
  checkMmx,
  enterMmx,
  first,
  floatLanes,
  floatTrap,
  isMmx,
  laneCount,
  scalar,
  second,
  setLanes,
  setScalar,
  source,
  touchHalves,
} from "./vector.ts";

type Format = "64" | "32" | "Pd" | "Ps";
const SUFFIX = { sd: "64", ss: "32", pd: "Pd", ps: "Ps" } as const;

function sizeOf(format: Format): 4 | 8 {
  return format === "64" ? 8 : 4;
}

function isScalar(format: Format): boolean {
  return format === "64" || format === "32";
}

/** result = op(first source, second source). The operation itself raises #XM. */
function binary(op: string, format: Format): Lifter {
  const size = sizeOf(format);
  if (isScalar(format))
    return (x) => setScalar(x, size, x.op(op, x.vec(x.operand(first(x)).reg), scalar(x, second(x), size)));
  return (x) => floatLanes(x, (lane) => x.op(op, source(x, first(x), lane), source(x, second(x), lane)));
}

/** result = op(second source); a scalar one leaves the rest as `setScalar` says. */
function unary(op: string, format: Format): Lifter {
  const size = sizeOf(format);
  if (isScalar(format)) return (x) => setScalar(x, size, x.op(op, scalar(x, second(x), size)));
  return (x) => floatLanes(x, (lane) => x.op(op, source(x, 1, lane)));
}

/** Calls a helper with the immediate (if it takes one) and raises its #XM. */
function helper(name: string, format: Format, sources: 1 | 2, immediate: boolean): Lifter {
  const size = sizeOf(format);
  const compute = (x: Lift, args: readonly Value[]) => {
    const value = x.op(`h_${name}`, ...args, ...(immediate ? [x.const(x.insn.immLo & 0xff)] : []));
    floatTrap(x);
    return value;
  };
  if (isScalar(format)) {
    return (x) => {
      const b = scalar(x, second(x), size);
      setScalar(x, size, compute(x, sources === 1 ? [b] : [x.vec(x.operand(first(x)).reg), b]));
    };
  }
  return (x) =>
    floatLanes(x, (lane) => {
      const b = source(x, sources === 1 ? 1 : second(x), lane);
      return compute(x, sources === 1 ? [b] : [source(x, first(x), lane), b]);
    });
}

const PREDICATES = ["Eq", "Lt", "Le", "Unord", "Neq", "Nlt", "Nle", "Ord"];

/** CMPPS and its kin: legacy forms know predicates 0–7, VEX ones 0–31. */
function compare(format: Format): Lifter {
  return (x) => {
    const vex = x.insn.vexLength !== 0;
    const predicate = x.insn.immLo & (vex ? 31 : 7);
    if (predicate < 8) return binary(`fCmp${PREDICATES[predicate]}${format}`, format)(x);
    const size = sizeOf(format);
    const imm = x.const(predicate);
    const compute = (a: Value, b: Value) => {
      const value = x.op(`h_fCmp${format}`, a, b, imm);
      floatTrap(x);
      return value;
    };
    if (isScalar(format)) setScalar(x, size, compute(x.vec(x.operand(1).reg), scalar(x, 2, size)));
    else floatLanes(x, (lane) => compute(source(x, 1, lane), source(x, 2, lane)));
  };
}

/** UCOMISD and its kin: ZF, PF, CF by the relation, OF, SF, AF cleared. */
function compareFlags(op: string, size: 4 | 8): Lifter {
  return (x) => {
    const image = x.op(op, x.vec(x.operand(0).reg), scalar(x, 1, size));
    x.op("flagsSet", image);
    x.flagsOther();
  };
}

/** CVTSI2SD, CVTSI2SS from a general register or memory. */
function fromInteger(format: "64" | "32"): Lifter {
  return (x) => {
    const index = second(x);
    const wide = x.operand(index).size === 8;
    const value = x.read(index);
    setScalar(x, sizeOf(format), x.op(`fCvtI${wide ? 64 : 32}To${format}`, value));
  };
}

/** CVTSD2SI, CVTTSD2SI and the single forms. */
function toInteger(op: "fCvt" | "fCvtt", format: "64" | "32"): Lifter {
  return (x) => {
    const wide = x.operand(0).size === 8;
    x.write(0, x.op(`${op}${format}ToI${wide ? 64 : 32}`, scalar(x, 1, sizeOf(format))));
  };
}

/** HADDPS and its kin: the operation on the even and the odd elements of both sources. */
function horizontal(op: string, format: "Pd" | "Ps"): Lifter {
  return (x) =>
    floatLanes(x, (lane) => {
      const [a, b] = [source(x, first(x), lane), source(x, second(x), lane)];
      const even = format === "Pd" ? x.op("unpackLo64", a, b) : x.op("shufPS", a, b, 0x88);
      const odd = format === "Pd" ? x.op("unpackHi64", a, b) : x.op("shufPS", a, b, 0xdd);
      return x.op(op, even, odd);
    });
}

/** ROUNDPS and its kin; the scalar forms have a source between destination and operand in VEX encodings. */
function round(format: Format): Lifter {
  const size = sizeOf(format);
  const op = `fRound${format}`;
  if (isScalar(format)) {
    return (x) => setScalar(x, size, x.op(op, scalar(x, second(x), size), x.insn.immLo & 0xff));
  }
  return (x) => floatLanes(x, (lane) => x.op(op, source(x, 1, lane), x.insn.immLo & 0xff));
}

/** Conversions whose result is half as wide: two lanes give one (CVTPD2PS, CVTPD2DQ, CVTTPD2DQ). */
function narrow(name: string): Lifter {
  return (x) => {
    const convert = (lane: number) => x.op(name, source(x, 1, lane));
    touchHalves(x);
    const low = convert(0);
    setLanes(x, [laneCount(x) === 1 ? low : x.op("unpackLo64", low, convert(1))]);
  };
}

/** Conversions whose result is twice as wide (CVTPS2PD, CVTDQ2PD): each lane from 8 bytes of the source. */
function widen(op: string): Lifter {
  return (x) => {
    const half = (lane: number): Value => {
      const operand = x.operand(1);
      if (operand.kind === OperandKind.vec) return x.vec(operand.reg, 8 * lane);
      return x.op("loadZ64", x.address().slot, x.address().disp + 8 * lane);
    };
    if (x.isMem(1)) x.checkAligned(x.address(), 8 * laneCount(x));
    const sources = laneCount(x) === 1 ? [half(0)] : [half(0), half(1)];
    setLanes(
      x,
      sources.map((value) => x.op(op, value)),
    );
  };
}

/** Conversions between MMX integers and packed floats; the memory operand is read before MMX state is entered. */
function toMmx(name: string): Lifter {
  return (x) => {
    checkMmx(x);
    // CVTPS2PI reads two elements: the upper half must not raise what they would.
    const from = source(x, 1);
    const value = x.op(`h_${name}`, name.includes("Ps") ? x.op("unpackLo64", from, x.op("vZero")) : from);
    // The processor has entered MMX state when it raises #XM.
    enterMmx(x);
    floatTrap(x);
    setLanes(x, [value]);
  };
}

/** CVTPI2PS: two floats to the low half; the high half stays. CVTPI2PD is exact. Memory operands leave MMX state alone. */
function fromMmx(double: boolean): Lifter {
  return (x) => {
    const to = x.operand(0).reg;
    const mmx = isMmx(x);
    if (mmx) checkMmx(x);
    const value = source(x, 1);
    if (double) {
      if (mmx) enterMmx(x);
      x.b.setSlot(x.vec(to), 16, x.op("f64x2FromI32", value));
      return;
    }
    // The two upper elements are 0, which converts without exceptions.
    const result = x.op("h_fCvtDq2Ps", x.op("unpackLo64", value, x.op("vZero")));
    if (mmx) enterMmx(x);
    floatTrap(x);
    x.b.setSlot(x.vec(to), 8, result);
  };
}

export const floatLifters: LifterTable = {
  ucomisd: compareFlags("fUcomi64", 8),
  ucomiss: compareFlags("fUcomi32", 4),
  comisd: compareFlags("fComi64", 8),
  comiss: compareFlags("fComi32", 4),
  cvtsi2sd: fromInteger("64"),
  cvtsi2ss: fromInteger("32"),
  cvtsd2si: toInteger("fCvt", "64"),
  cvtss2si: toInteger("fCvt", "32"),
  cvttsd2si: toInteger("fCvtt", "64"),
  cvttss2si: toInteger("fCvtt", "32"),
  cvtss2sd: (x) => setScalar(x, 8, x.op("fCvt32To64", scalar(x, second(x), 4))),
  cvtsd2ss: (x) => setScalar(x, 4, x.op("fCvt64To32", scalar(x, second(x), 8))),
  cvtpd2ps: narrow("fCvtPd2Ps"),
  cvtpd2dq: narrow("fCvtPd2Dq"),
  cvttpd2dq: narrow("fCvttPd2Dq"),
  cvtps2pd: widen("fCvtPs2Pd"),
  cvtdq2pd: widen("f64x2FromI32"),
  cvtdq2ps: unary("fCvtDq2Ps", "Ps"),
  cvtps2dq: unary("fCvtPs2Dq", "Ps"),
  cvttps2dq: unary("fCvttPs2Dq", "Ps"),
  rcpss: helper("fRcp32", "32", 1, false),
  rcpps: helper("fRcpPs", "Ps", 1, false),
  rsqrtss: helper("fRsqrt32", "32", 1, false),
  rsqrtps: helper("fRsqrtPs", "Ps", 1, false),
  haddps: horizontal("fAddPs", "Ps"),
  haddpd: horizontal("fAddPd", "Pd"),
  hsubps: horizontal("fSubPs", "Ps"),
  hsubpd: horizontal("fSubPd", "Pd"),
  addsubps: helper("fAddSubPs", "Ps", 2, false),
  addsubpd: helper("fAddSubPd", "Pd", 2, false),
  roundsd: round("64"),
  roundss: round("32"),
  roundps: round("Ps"),
  roundpd: round("Pd"),
  dpps: helper("fDpPs", "Ps", 2, true),
  dppd: helper("fDpPd", "Pd", 2, true),
};

for (const [suffix, format] of Object.entries(SUFFIX)) {
  for (const op of ["Add", "Sub", "Mul", "Div", "Min", "Max"]) {
    floatLifters[`${op.toLowerCase()}${suffix}`] = binary(`f${op}${format}`, format);
  }
  floatLifters[`sqrt${suffix}`] = unary(`fSqrt${format}`, format);
  floatLifters[`cmp${suffix}`] = compare(format);
}
for (const [name, lifter] of Object.entries(floatLifters)) floatLifters[`v${name}`] = lifter;

Object.assign(floatLifters, {
  cvtpi2ps: fromMmx(false),
  cvtpi2pd: fromMmx(true),
  cvtps2pi: toMmx("fCvtPs2Dq"),
  cvttps2pi: toMmx("fCvttPs2Dq"),
  cvtpd2pi: toMmx("fCvtPd2Dq"),
  cvttpd2pi: toMmx("fCvttPd2Dq"),
} satisfies LifterTable);
