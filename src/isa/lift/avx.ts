/** What only VEX forms have: 128-bit lanes moved and broadcast, FMA, half floats. SDM volume 1, chapter 14. */
import { OperandKind } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import type { Lift, Lifter, LifterTable } from "./context.ts";
import { finishVector, floatLanes, floatTrap, laneCount, lanes, scalar, setLanes, source } from "./vector.ts";

/** Queues zeros for bits 255:128, or all bits, of the registers this mode has. */
function zeroRegisters(whole: boolean): Lifter {
  return (x) => {
    for (let reg = 0; reg < (x.is64 ? 16 : 8); reg++) {
      if (whole) x.b.setSlot(x.vec(reg), 16, x.op("vZero"));
      x.b.setSlot(x.vec(reg, 16), 16, x.op("vZero"));
    }
  };
}

/** One element of the source to every element of the destination. */
function broadcast(size: 1 | 2 | 4 | 8): Lifter {
  const splat = ({ 1: "i8x16Splat", 2: "i16x8Splat", 4: "i32x4Splat", 8: "i64x2Splat" } as const)[size];
  return (x) => {
    const from = x.operand(1);
    const value = x.op(splat, from.kind === OperandKind.mem ? x.load(x.address(), size) : x.vec(from.reg));
    setLanes(x, laneCount(x) === 2 ? [value, value] : [value]);
  };
}

/** The 16 bytes of memory to both lanes. */
function broadcastLane(x: Lift): void {
  const value = x.load(x.address(), 16);
  setLanes(x, [value, value]);
}

function insertLane(x: Lift): void {
  const value = source(x, 2);
  const to = x.insn.immLo & 1;
  setLanes(x, to === 0 ? [value, source(x, 1, 1)] : [source(x, 1), value]);
}

function extractLane(x: Lift): void {
  const value = source(x, 1, x.insn.immLo & 1);
  if (x.isMem(0)) x.store(x.address(), 16, value);
  else setLanes(x, [value]);
}

/** VPERM2F128: each lane chosen by two bits of the immediate, or cleared by bit 3. */
function permuteLanes(x: Lift): void {
  const choices = [source(x, 1), source(x, 1, 1), source(x, 2), source(x, 2, 1)];
  const pick = (imm: number) => (imm & 8 ? x.op("vZero") : (choices[imm & 3] as Value));
  setLanes(x, [pick(x.insn.immLo), pick(x.insn.immLo >> 4)]);
}

/** VPERMQ, VPERMPD: each qword chosen by two bits of the immediate. */
function permuteQwords(x: Lift): void {
  const from = [source(x, 1), source(x, 1, 1)] as const;
  const to = x.operand(0).reg;
  for (let i = 0; i < 4; i++) {
    const index = (x.insn.immLo >> (2 * i)) & 3;
    x.b.setSlot(x.vec(to, 8 * i), 8, (from[index >> 1] as Value) + 8 * (index & 1));
  }
}

/** VPERMD, VPERMPS: each dword chosen by the low three bits of the first source's. */
function permuteDwords(x: Lift): void {
  const [low, high] = [source(x, 2), source(x, 2, 1)];
  setLanes(x, [x.op("vPermute8", low, high, source(x, 1)), x.op("vPermute8", low, high, source(x, 1, 1))]);
}

/** VPERMILPS: dwords within a lane, by the immediate or by the low two bits of the second source's. */
function permuteInLanePs(x: Lift): void {
  const immediate = x.operand(2).kind === OperandKind.imm;
  lanes(x, (lane) =>
    immediate
      ? x.op("shufD", source(x, 1, lane), x.insn.immLo & 0xff)
      : x.op("vPermute4", source(x, 1, lane), source(x, 2, lane)),
  );
}

/** VPERMILPD: qwords within a lane, by bits of the immediate or by bit 1 of the second source's. */
function permuteInLanePd(x: Lift): void {
  const immediate = x.operand(2).kind === OperandKind.imm;
  lanes(x, (lane) => {
    const from = source(x, 1, lane);
    if (immediate) {
      const half = (bit: number) => ((x.insn.immLo >> (2 * lane + bit)) & 1 ? 0b1110 : 0b0100);
      return x.op("shufD", from, half(0) | (half(1) << 4));
    }
    const [low, high] = [x.op("unpackLo64", from, from), x.op("unpackHi64", from, from)];
    return x.op("vBlendQwords", low, high, x.op("i64x2Shl", source(x, 2, lane), x.const(62)));
  });
}

/** VPSLLVx, VPSRLVx, VPSRAVD. */
function shiftEach(op: string): Lifter {
  return (x) => lanes(x, (lane) => x.op(op, source(x, 1, lane), source(x, 2, lane)));
}

/** VTESTPS, VTESTPD: as VPTEST, of the sign bits. */
function testSigns(bitmask: string): Lifter {
  return (x) => {
    const masks: [Value, Value][] = [];
    for (let lane = 0; lane < laneCount(x); lane++) {
      const [a, b] = [source(x, 0, lane), source(x, 1, lane)];
      masks.push([x.op(bitmask, x.op("vAnd", a, b)), x.op(bitmask, x.op("vAndNot", a, b))]);
    }
    const [both, notFirst] = [0, 1].map((which) => {
      const [low, high] = masks.map((pair) => pair[which] as Value);
      return x.op("eqz32", high === undefined ? (low as Value) : x.op("or32", low as Value, high));
    }) as [Value, Value];
    x.op("flagsSet", x.op("or32", x.op("shl32", both, x.const(6)), notFirst));
    x.flagsOther();
  };
}

/** VPBLENDD. */
function blendDwords(x: Lift): void {
  lanes(x, (lane) => {
    let bytes = 0;
    for (let i = 0; i < 4; i++) if ((x.insn.immLo >> (4 * lane + i)) & 1) bytes |= 15 << (4 * i);
    return x.op("vBlend", source(x, 1, lane), source(x, 2, lane), bytes);
  });
}

/** Which operands the digits of VFMADD132, 213 and 231 name: two factors, then the addend. */
const ORDERS: Record<string, readonly [number, number, number]> = { 132: [0, 2, 1], 213: [1, 0, 2], 231: [1, 2, 0] };

/** FMA: `negate` as in the helper fFma64; `alternate` as in fFmaPd. */
function fusedMultiplyAdd(format: "64" | "32" | "Pd" | "Ps", order: string, negate: number, alternate: number): Lifter {
  const places = ORDERS[order] as readonly [number, number, number];
  if (format === "64" || format === "32") {
    const size = format === "64" ? 8 : 4;
    return (x) => {
      const [a, b, c] = places.map((index) => scalar(x, index, size)) as [Value, Value, Value];
      const value = x.op(`h_fFma${format}`, a, b, c, x.const(negate));
      floatTrap(x);
      // Bits 127 up of the destination stay: it is the first source too.
      x.b.setSlot(x.vec(x.operand(0).reg), size, value);
      x.b.setSlot(x.vec(x.operand(0).reg, 16), 16, x.op("vZero"));
    };
  }
  return (x) =>
    floatLanes(x, (lane) => {
      const [a, b, c] = places.map((index) => source(x, index, lane)) as [Value, Value, Value];
      const value = x.op(`h_fFma${format}`, a, b, c, x.const(negate), x.const(alternate));
      floatTrap(x);
      return value;
    });
}

/** VCVTPH2PS: four halves give a lane. */
function fromHalf(x: Lift): void {
  const operand = x.operand(1);
  const half = (lane: number) =>
    operand.kind === OperandKind.vec ? x.vec(operand.reg, 8 * lane) : x.load(x.address(), 8, false, 8 * lane);
  if (x.isMem(1)) x.checkAligned(x.address(), 8 * laneCount(x));
  const sources = laneCount(x) === 2 ? [half(0), half(1)] : [half(0)];
  const values = sources.map((value) => x.op("h_fCvtPh2Ps", value));
  floatTrap(x);
  setLanes(x, values);
}

/** VCVTPS2PH: a lane gives four halves. */
function toHalf(x: Lift): void {
  const [to, count] = [x.operand(0), laneCount(x)];
  const imm = x.const(x.insn.immLo & 0xff);
  if (to.kind === OperandKind.mem) {
    const { slot, disp } = x.address();
    x.writesSegment();
    x.checkAligned(x.address(), 8 * count);
    x.op(`storeCheckIf${64 * count}`, slot, disp, x.const(1));
  }
  const halves: Value[] = [];
  for (let lane = 0; lane < count; lane++) halves.push(x.op("h_fCvtPs2Ph", source(x, 1, lane), imm));
  floatTrap(x);
  for (let lane = 0; lane < 2; lane++) {
    const value = halves[lane];
    if (to.kind !== OperandKind.mem) x.b.setSlot(x.vec(to.reg, 8 * lane), 8, value ?? x.const(0));
    else if (value !== undefined) x.store(x.address(), 8, value, 8 * lane);
  }
  if (to.kind !== OperandKind.mem) finishVector(x, to.reg);
}

export const avxLifters: LifterTable = {
  vzeroupper: zeroRegisters(false),
  vzeroall: zeroRegisters(true),
  vbroadcastss: broadcast(4),
  vbroadcastsd: broadcast(8),
  vpbroadcastb: broadcast(1),
  vpbroadcastw: broadcast(2),
  vpbroadcastd: broadcast(4),
  vpbroadcastq: broadcast(8),
  vbroadcastf128: broadcastLane,
  vbroadcasti128: broadcastLane,
  vinsertf128: insertLane,
  vinserti128: insertLane,
  vextractf128: extractLane,
  vextracti128: extractLane,
  vperm2f128: permuteLanes,
  vperm2i128: permuteLanes,
  vpermq: permuteQwords,
  vpermpd: permuteQwords,
  vpblendd: blendDwords,
  vpermd: permuteDwords,
  vpermps: permuteDwords,
  vpermilps: permuteInLanePs,
  vpermilpd: permuteInLanePd,
  vpsllvd: shiftEach("i32x4ShlV"),
  vpsllvq: shiftEach("i64x2ShlV"),
  vpsrlvd: shiftEach("i32x4ShrUV"),
  vpsrlvq: shiftEach("i64x2ShrUV"),
  vpsravd: shiftEach("i32x4ShrSV"),
  vtestps: testSigns("i32x4Bitmask"),
  vtestpd: testSigns("i64x2Bitmask"),
  vcvtps2ph: toHalf,
  vcvtph2ps: fromHalf,
};

for (const [suffix, format] of [
  ["sd", "64"],
  ["ss", "32"],
  ["pd", "Pd"],
  ["ps", "Ps"],
] as const) {
  for (const order of Object.keys(ORDERS)) {
    avxLifters[`vfmadd${order}${suffix}`] = fusedMultiplyAdd(format, order, 0, 0);
    avxLifters[`vfmsub${order}${suffix}`] = fusedMultiplyAdd(format, order, 1, 0);
    avxLifters[`vfnmadd${order}${suffix}`] = fusedMultiplyAdd(format, order, 2, 0);
    avxLifters[`vfnmsub${order}${suffix}`] = fusedMultiplyAdd(format, order, 3, 0);
    if (format === "64" || format === "32") continue;
    avxLifters[`vfmaddsub${order}${suffix}`] = fusedMultiplyAdd(format, order, 0, 1);
    avxLifters[`vfmsubadd${order}${suffix}`] = fusedMultiplyAdd(format, order, 0, 2);
  }
}
