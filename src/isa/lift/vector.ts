/**
 * Operands of vector instructions. One lifter serves the MMX, the legacy SSE and the VEX form of an instruction: it works on
 * lanes of 16 bytes (MMX: one of 8, in the low half), reads its sources with `source` and hands its results to `setLanes`.
 * SDM volume 1, sections 9.2 (MMX), 10.4 and 11.4 (SSE), 14.1 (VEX: bits above the result are cleared).
 */
import { FPR, FPR_STRIDE, YMM, YMM_STRIDE } from "../cpu-block.ts";
import { OperandKind } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import type { Lift } from "./context.ts";

const MATH_FAULT = 16;
const XMM_BYTES = 16;

export function isVex(x: Lift): boolean {
  return x.insn.vexLength !== 0;
}

/** The form works on MMX registers (CVTPI2PS and the like have them as one operand). */
export function isMmx(x: Lift): boolean {
  return x.operand(0).kind === OperandKind.mmx || x.operand(1).kind === OperandKind.mmx;
}

export function laneCount(x: Lift): 1 | 2 {
  return x.insn.vexLength === 256 ? 2 : 1;
}

/** Index of the first source: VEX forms name it, legacy ones have it in the destination. */
export function first(x: Lift): 0 | 1 {
  return isVex(x) ? 1 : 0;
}

/** Index of the second source. */
export function second(x: Lift): 1 | 2 {
  return isVex(x) ? 2 : 1;
}

/** Slot of MMX register `reg`: the significand of the physical x87 register. */
export function mmxSlot(reg: number): Value {
  return FPR + FPR_STRIDE * reg;
}

/** An MMX instruction raises a pending x87 exception before anything else. Call it before the first access. */
export function checkMmx(x: Lift): void {
  x.trapIf(x.op("h_x87Check"), MATH_FAULT);
}

/** The x87 state becomes MMX's: TOP = 0, no register empty. Call it after the last access. */
export function enterMmx(x: Lift): void {
  x.op("h_mmxEnter");
}

/** Loads the memory operand, or the 16 bytes of it that belong to `lane`. Legacy forms want 16-byte operands aligned. */
function loadLane(x: Lift, size: number, lane: number): Value {
  const address = x.address();
  const offset = XMM_BYTES * lane;
  switch (size) {
    case 2:
      return x.load(address, 2, false, offset);
    case 4:
      return x.op("loadZ32", address.slot, address.disp + offset);
    case 8:
      return x.op("loadZ64", address.slot, address.disp + offset);
    default:
      return isVex(x)
        ? x.op("loadV", address.slot, address.disp + offset)
        : x.op("loadVA", address.slot, address.disp + offset);
  }
}

/** Operand `index` as a vector: its lane of 16 bytes, or the 8 bytes of an MMX register; above a narrower one is garbage. */
export function source(x: Lift, index: number, lane = 0): Value {
  const operand = x.operand(index);
  if (operand.kind === OperandKind.mem) return loadLane(x, operand.size, lane);
  if (operand.kind === OperandKind.mmx) return mmxSlot(operand.reg);
  return x.vec(operand.reg, XMM_BYTES * lane);
}

/** Operand `index` as 16 bytes that need no alignment in memory. */
export function unalignedSource(x: Lift, index: number): Value {
  return x.isMem(index) ? x.load(x.address(), XMM_BYTES) : source(x, index);
}

/** The low `size` bytes of operand `index` as a scalar: a slot that f32, f64, i32 and i64 operations can read. */
export function scalar(x: Lift, index: number, size: 4 | 8): Value {
  const operand = x.operand(index);
  if (operand.kind === OperandKind.mem) return x.load(x.address(), size);
  if (operand.kind === OperandKind.mmx) return mmxSlot(operand.reg);
  return x.vec(operand.reg);
}

/** Queues the write of MMX register `reg`: the exponent field becomes all ones (SDM volume 1, section 9.2.1). */
export function setMmx(x: Lift, reg: number, value: Value): void {
  x.b.setSlot(mmxSlot(reg), 8, value);
  x.b.setSlot(mmxSlot(reg) + 8, 2, x.const(0xffff));
}

/** Queues zeros for the bytes of vector register `reg` from `from` (8 or a multiple of 16) up to the 16th. */
function clearHigh(x: Lift, reg: number): void {
  x.b.setSlot(YMM + YMM_STRIDE * reg + XMM_BYTES, 16, x.op("vZero"));
}

/** A VEX form of 128 bits or a scalar clears bits 255:128 of its destination; legacy forms keep them. */
export function finishVector(x: Lift, reg: number): void {
  if (isVex(x)) clearHigh(x, reg);
}

/** Queues the whole result: to operand 0, one value a lane. A memory destination is stored to instead. */
export function setLanes(x: Lift, values: readonly Value[]): void {
  const { kind, reg } = x.operand(0);
  if (kind === OperandKind.mmx) return setMmx(x, reg, values[0] as Value);
  for (const [lane, value] of values.entries()) x.b.setSlot(x.vec(reg, XMM_BYTES * lane), 16, value);
  if (values.length === 1) finishVector(x, reg);
}

/** Queues a scalar result of `size` bytes: legacy forms keep what lies above, VEX ones take it from the first source. */
export function setScalar(x: Lift, size: 4 | 8, value: Value): void {
  const to = x.operand(0).reg;
  x.b.setSlot(x.vec(to), size, value);
  if (!isVex(x)) return;
  const from = x.operand(1).reg;
  if (from !== to) {
    if (size === 4) x.b.setSlot(x.vec(to, 4), 4, x.vec(from, 4));
    x.b.setSlot(x.vec(to, 8), 8, x.vec(from, 8));
  }
  clearHigh(x, to);
}

/**
 * Runs `compute` on each lane and queues the results; the frame that MMX, SSE and VEX forms share. All sources are read before
 * anything is written; `compute` must leave an MMX result in the low 8 bytes.
 */
export function lanes(x: Lift, compute: (lane: number) => Value): void {
  const mmx = isMmx(x);
  if (mmx) checkMmx(x);
  const values: Value[] = [];
  for (let lane = 0; lane < laneCount(x); lane++) values.push(compute(lane));
  if (mmx) enterMmx(x);
  setLanes(x, values);
}

/** Lets both halves of a 256-bit memory operand fault, in order, before an operation on the lower half changes MXCSR. */
export function touchHalves(x: Lift): void {
  if (laneCount(x) === 1) return;
  for (let index = 1; index < 3; index++) {
    if (!x.isMem(index) || x.operand(index).size !== 2 * XMM_BYTES) continue;
    for (const offset of [0, XMM_BYTES]) x.load(x.address(), XMM_BYTES, false, offset);
  }
}

/** As `lanes`, for operations that set MXCSR. */
export function floatLanes(x: Lift, compute: (lane: number) => Value): void {
  touchHalves(x);
  lanes(x, compute);
}

/** Raises #XM if the helper called last met an unmasked exception. */
export function floatTrap(x: Lift): void {
  x.op("fTrap");
}
