/** Moves of MMX, XMM and YMM registers, insertions and extractions, MXCSR. SDM volume 1, sections 9.4.1, 10.4.1, 11.4.1. */
import { MXCSR } from "../cpu-block.ts";
import { OperandKind } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import type { Lift, Lifter, LifterTable } from "./context.ts";
import { stringAddress } from "./move.ts";
import {
  checkMmx,
  enterMmx,
  finishVector,
  first,
  isMmx,
  isVex,
  laneCount,
  mmxSlot,
  scalar,
  second,
  setLanes,
  setMmx,
  source,
} from "./vector.ts";

const RDI = 7;
const GENERAL_PROTECTION = 13;

/** Whole-register moves. Aligned forms want 16 (VEX.256: 32) bytes' alignment, the others none. */
function moveWhole(aligned: boolean): Lifter {
  return (x) => {
    const memory = x.isMem(0) || x.isMem(1);
    const count = laneCount(x);
    if (!memory) {
      setLanes(x, count === 2 ? [source(x, 1), source(x, 1, 1)] : [source(x, 1)]);
      return;
    }
    const address = x.address();
    if (aligned && count === 2) {
      const linear = address.disp === 0 ? address.slot : x.op("eaDisp64", address.slot, address.disp);
      x.trapIf(x.op("ne64", x.op("and64", linear, x.const(31)), x.const(0)), GENERAL_PROTECTION);
    }
    const suffix = aligned && count === 1 ? "VA" : "V";
    if (x.isMem(1)) {
      const values: Value[] = [];
      for (let lane = 0; lane < count; lane++)
        values.push(x.op(`load${suffix}`, address.slot, address.disp + 16 * lane));
      setLanes(x, values);
      return;
    }
    const { reg } = x.operand(1);
    if (count === 2) x.op("store2V", address.slot, address.disp, x.vec(reg), x.vec(reg, 16));
    else x.op(`store${suffix}`, address.slot, address.disp, x.vec(reg));
  };
}

/** Sets bytes 0–7 and 8–15 of a vector register; `high` undefined keeps them. */
function setHalves(x: Lift, reg: number, low: Value, high: Value): void {
  x.b.setSlot(x.vec(reg), 8, low);
  x.b.setSlot(x.vec(reg, 8), 8, high);
  finishVector(x, reg);
}

/** MOVD and MOVQ between general, MMX and vector registers and memory. */
function moveScalar(size: 4 | 8): Lifter {
  return (x) => {
    const [to, from] = [x.operand(0), x.operand(1)];
    const mmx = isMmx(x);
    if (mmx) checkMmx(x);
    if (to.kind === OperandKind.vec) {
      if (from.kind === OperandKind.mem) setLanes(x, [source(x, 1)]);
      else {
        const value = from.kind === OperandKind.vec ? x.vec(from.reg) : x.read(1);
        setHalves(x, to.reg, size === 4 ? x.op("mov32", value) : value, x.const(0));
      }
      return;
    }
    if (to.kind === OperandKind.mmx) {
      const value = from.kind === OperandKind.mmx ? mmxSlot(from.reg) : x.read(1);
      enterMmx(x);
      setMmx(x, to.reg, size === 4 && from.kind !== OperandKind.mem ? x.op("mov32", value) : value);
      return;
    }
    x.write(0, from.kind === OperandKind.mmx ? mmxSlot(from.reg) : x.vec(from.reg));
    if (mmx) enterMmx(x);
  };
}

/** MOVSS, MOVSD: a load clears the rest of the register, a move between registers keeps it (VEX: takes the first source's). */
function moveFloat(size: 4 | 8): Lifter {
  return (x) => {
    const to = x.operand(0);
    if (to.kind === OperandKind.mem) return x.store(x.address(), size, x.vec(x.operand(1).reg));
    if (x.isMem(1)) return setLanes(x, [source(x, 1)]);
    const from = x.operand(second(x)).reg;
    x.b.setSlot(x.vec(to.reg), size, x.vec(from));
    if (!isVex(x)) return;
    const rest = x.operand(1).reg;
    if (size === 4) x.b.setSlot(x.vec(to.reg, 4), 4, x.vec(rest, 4));
    x.b.setSlot(x.vec(to.reg, 8), 8, x.vec(rest, 8));
    finishVector(x, to.reg);
  };
}

/** MOVLPS, MOVHPS and the register forms MOVHLPS, MOVLHPS: `half` of the destination from byte `offset` of the source. */
function moveHalf(half: 0 | 8, offset: 0 | 8): Lifter {
  return (x) => {
    const to = x.operand(0);
    if (to.kind === OperandKind.mem) return x.store(x.address(), 8, x.vec(x.operand(1).reg, half));
    const from = x.operand(second(x));
    const value = from.kind === OperandKind.mem ? x.load(x.address(), 8) : x.vec(from.reg, offset);
    x.b.setSlot(x.vec(to.reg, half), 8, value);
    if (!isVex(x)) return;
    x.b.setSlot(x.vec(to.reg, 8 - half), 8, x.vec(x.operand(1).reg, 8 - half));
    finishVector(x, to.reg);
  };
}

/** MOVDDUP, MOVSLDUP, MOVSHDUP. */
function duplicate(op: string, selector?: number): Lifter {
  return (x) => {
    const values: Value[] = [];
    for (let lane = 0; lane < laneCount(x); lane++) {
      const value = source(x, 1, lane);
      values.push(selector === undefined ? x.op(op, value, value) : x.op(op, value, selector));
    }
    setLanes(x, values);
  };
}

/** PINSRB, PINSRW, PINSRD, PINSRQ. */
function insert(size: 1 | 2 | 4 | 8): Lifter {
  return (x) => {
    const to = x.operand(0);
    const from = second(x);
    const at = (x.insn.immLo & (16 / size - 1)) * size;
    const mmx = isMmx(x);
    if (mmx) checkMmx(x);
    const value = x.isMem(from) ? x.load(x.address(), size) : x.read(from);
    if (mmx) {
      enterMmx(x);
      x.b.setSlot(mmxSlot(to.reg) + (at & 7), 2, value);
      x.b.setSlot(mmxSlot(to.reg) + 8, 2, x.const(0xffff));
      return;
    }
    const rest = x.operand(first(x)).reg;
    if (rest !== to.reg) x.b.setSlot(x.vec(to.reg), 16, x.vec(rest));
    x.b.setSlot(x.vec(to.reg, at), size, value);
    finishVector(x, to.reg);
  };
}

/** PEXTRB, PEXTRW, PEXTRD, PEXTRQ, EXTRACTPS: a register takes the element zero-extended. */
function extract(size: 1 | 2 | 4 | 8): Lifter {
  return (x) => {
    const to = x.operand(0);
    const from = x.operand(1);
    const mmx = isMmx(x);
    if (mmx) checkMmx(x);
    const at = (x.insn.immLo & ((mmx ? 8 : 16) / size - 1)) * size;
    const value = (mmx ? mmxSlot(from.reg) : x.vec(from.reg)) + at;
    if (to.kind === OperandKind.mem) return x.store(x.address(), size, value);
    if (mmx) enterMmx(x);
    x.setGpr(to.reg, size === 8 ? 8 : 4, x.zeroExtend(value, size));
  };
}

/** SHUFPD: an element of the first source, then one of the second. */
function shufflePd(x: Lift): void {
  const a: Value[] = [];
  const b: Value[] = [];
  for (let lane = 0; lane < laneCount(x); lane++) {
    const imm = x.insn.immLo >> (2 * lane);
    a.push(source(x, first(x), lane) + 8 * (imm & 1));
    b.push(source(x, second(x), lane) + 8 * ((imm >> 1) & 1));
  }
  const to = x.operand(0).reg;
  for (const lane of a.keys()) {
    x.b.setSlot(x.vec(to, 16 * lane), 8, a[lane] as Value);
    x.b.setSlot(x.vec(to, 16 * lane + 8), 8, b[lane] as Value);
  }
  if (a.length === 1) finishVector(x, to);
}

function shufflePs(x: Lift): void {
  const values: Value[] = [];
  for (let lane = 0; lane < laneCount(x); lane++) {
    values.push(x.op("shufPS", source(x, first(x), lane), source(x, second(x), lane), x.insn.immLo & 0xff));
  }
  setLanes(x, values);
}

/** INSERTPS: bits 7:6 the element of a register source, 5:4 the place, 3:0 elements to clear. */
function insertPs(x: Lift): void {
  const to = x.operand(0).reg;
  const from = second(x);
  const imm = x.insn.immLo & 0xff;
  const value = x.isMem(from) ? x.load(x.address(), 4) : x.vec(x.operand(from).reg, 4 * (imm >> 6));
  const rest = x.operand(first(x)).reg;
  for (let i = 0; i < 4; i++) {
    const slot = x.vec(to, 4 * i);
    if ((imm >> i) & 1) x.b.setSlot(slot, 4, x.const(0));
    else if (i === ((imm >> 4) & 3)) x.b.setSlot(slot, 4, value);
    else if (rest !== to) x.b.setSlot(slot, 4, x.vec(rest, 4 * i));
  }
  finishVector(x, to);
}

/** MASKMOVDQU, MASKMOVQ: bytes of the first operand whose mask has bit 7 set, to [rDI]. */
function maskMove(x: Lift): void {
  const mmx = isMmx(x);
  if (mmx) checkMmx(x);
  const { addressSize, segment } = x.insn;
  const rdi = x.gpr(RDI);
  const address = stringAddress(x, addressSize === 2 ? x.op("zext16", rdi) : rdi, segment);
  // The processor has entered MMX state when the store faults.
  if (mmx) enterMmx(x);
  x.writesSegment();
  // Bytes that are not chosen are written back as they are; the page must be writable even if none is.
  const size = mmx ? 8 : 16;
  const old = x.load(address, size, true);
  x.store(address, size, x.op("vBlendBytes", old, source(x, 0), source(x, 1)));
}

export const vectorMoveLifters: LifterTable = {
  movaps: moveWhole(true),
  movapd: moveWhole(true),
  movdqa: moveWhole(true),
  movups: moveWhole(false),
  movupd: moveWhole(false),
  movdqu: moveWhole(false),
  lddqu: moveWhole(false),
  movntps: moveWhole(true),
  movntpd: moveWhole(true),
  movntdq: moveWhole(true),
  movntdqa: moveWhole(true),
  movd: moveScalar(4),
  movq: moveScalar(8),
  movss: moveFloat(4),
  movsd: moveFloat(8),
  movlps: moveHalf(0, 0),
  movlpd: moveHalf(0, 0),
  movhlps: moveHalf(0, 8),
  movhps: moveHalf(8, 0),
  movhpd: moveHalf(8, 0),
  movlhps: moveHalf(8, 0),
  movddup: duplicate("unpackLo64"),
  movsldup: duplicate("shufD", 0b10_10_00_00),
  movshdup: duplicate("shufD", 0b11_11_01_01),
  pinsrb: insert(1),
  pinsrw: insert(2),
  pinsrd: insert(4),
  pinsrq: insert(8),
  pextrb: extract(1),
  pextrw: extract(2),
  pextrd: extract(4),
  pextrq: extract(8),
  extractps: extract(4),
  shufps: shufflePs,
  shufpd: shufflePd,
  insertps: insertPs,
  maskmovdqu: maskMove,
  ldmxcsr: (x) => x.trapIf(x.op("h_fLoadMxcsr", x.load(x.address(), 4)), GENERAL_PROTECTION),
  stmxcsr: (x) => x.store(x.address(), 4, MXCSR),
};
for (const [name, lifter] of Object.entries(vectorMoveLifters)) vectorMoveLifters[`v${name}`] = lifter;

Object.assign(vectorMoveLifters, {
  movnti: (x) => x.write(0, x.read(1)),
  movntq: (x) => {
    checkMmx(x);
    x.store(x.address(), 8, mmxSlot(x.operand(1).reg));
    enterMmx(x);
  },
  maskmovq: maskMove,
  movq2dq: (x) => {
    checkMmx(x);
    enterMmx(x);
    setHalves(x, x.operand(0).reg, mmxSlot(x.operand(1).reg), x.const(0));
  },
  movdq2q: (x) => {
    checkMmx(x);
    enterMmx(x);
    setMmx(x, x.operand(0).reg, scalar(x, 1, 8));
  },
  emms: (x) => {
    checkMmx(x);
    x.op("h_mmxEmms");
  },
} satisfies LifterTable);
