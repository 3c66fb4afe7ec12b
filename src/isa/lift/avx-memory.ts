/** AVX and AVX2 accesses of single elements: masked moves and gathers. SDM volume 1, sections 14.1.2 and 14.9. */
import { FS_BASE, GS_BASE } from "../cpu-block.ts";
import { NO_REG, OperandKind, Segment } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import type { Lift, Lifter, LifterTable } from "./context.ts";
import { finishVector, laneCount } from "./vector.ts";

const YMM_BYTES = 32;

/** 1 if the sign bit of the element at byte `at` of the mask register is set. */
function chosen(x: Lift, mask: number, at: number, size: 4 | 8): Value {
  return x.op("ltS32", x.vec(mask, at + size - 4), x.const(0));
}

/** VMASKMOVPS and its kin: elements whose mask has the sign bit set; the others are not accessed, and load as 0. */
function maskedMove(size: 4 | 8): Lifter {
  const bits = 8 * size;
  return (x) => {
    const { slot, disp } = x.address();
    const mask = x.operand(1).reg;
    const bytes = 16 * laneCount(x);
    const conditions: Value[] = [];
    for (let at = 0; at < bytes; at += size) conditions.push(chosen(x, mask, at, size));
    if (x.operand(0).kind === OperandKind.vec) {
      const to = x.operand(0).reg;
      for (const [i, condition] of conditions.entries()) {
        x.b.setSlot(x.vec(to, size * i), size, x.op(`loadIf${bits}`, slot, disp + size * i, condition, x.const(0)));
      }
      if (bytes < YMM_BYTES) finishVector(x, to);
      return;
    }
    const from = x.operand(2).reg;
    // All faults come before the first store; if nothing is stored, the segment does not matter either.
    for (const [i, condition] of conditions.entries()) {
      x.writesSegment(condition);
      x.op(`storeCheckIf${bits}`, slot, disp + size * i, condition);
    }
    for (const [i, condition] of conditions.entries()) {
      x.op(`storeIf${bits}`, slot, disp + size * i, condition, x.vec(from, size * i));
    }
  };
}

/** Linear address of the element whose index stands in `index` (sign-extended to 64 bits). */
function elementAddress(x: Lift, index: Value): Value {
  const { base, scale, dispLo, addressSize, segment } = x.insn;
  const from = base === NO_REG ? x.const(0) : x.gpr(base);
  const shift = 31 - Math.clz32(scale);
  let ea = x.op(addressSize === 8 ? "ea64" : "ea32", from, index, shift, dispLo);
  if (addressSize !== 8 && x.is64) ea = x.op("zext32", ea);
  const segmentBase = segment === Segment.fs ? FS_BASE : segment === Segment.gs ? GS_BASE : 0;
  return segmentBase === 0 ? ea : x.op(x.is64 ? "add64" : "add32", segmentBase, ea);
}

/**
 * Gathers. Each element is written, and its mask cleared, before the next one is read: a fault leaves what was gathered before
 * it, and executing the instruction again goes on there.
 */
function gather(size: 4 | 8, indexSize: 4 | 8): Lifter {
  const bits = 8 * size;
  return (x) => {
    const to = x.operand(0).reg;
    const mask = x.operand(2).reg;
    const count = (16 * laneCount(x)) / Math.max(size, indexSize);
    for (let i = 0; i < count; i++) {
      const slot = x.vec(x.insn.index, indexSize * i);
      const index = indexSize === 4 && x.insn.addressSize === 8 ? x.op("sext32to64", slot) : slot;
      const old = x.vec(to, size * i);
      const condition = chosen(x, mask, size * i, size);
      const value = x.op(`loadIf${bits}`, elementAddress(x, index), 0, condition, old);
      x.b.setSlot(old, size, value);
      x.b.setSlot(x.vec(mask, size * i), size, x.const(0));
      x.b.commit();
    }
    for (let half = 0; half < YMM_BYTES; half += 16) x.b.setSlot(x.vec(mask, half), 16, x.op("vZero"));
    if (size * count === 8) x.b.setSlot(x.vec(to, 8), 8, x.const(0));
    if (size * count < YMM_BYTES) finishVector(x, to);
  };
}

export const avxMemoryLifters: LifterTable = {
  vmaskmovps: maskedMove(4),
  vmaskmovpd: maskedMove(8),
  vpmaskmovd: maskedMove(4),
  vpmaskmovq: maskedMove(8),
  vgatherdps: gather(4, 4),
  vgatherdpd: gather(8, 4),
  vgatherqps: gather(4, 8),
  vgatherqpd: gather(8, 8),
  vpgatherdd: gather(4, 4),
  vpgatherdq: gather(8, 4),
  vpgatherqd: gather(4, 8),
  vpgatherqq: gather(8, 8),
};
