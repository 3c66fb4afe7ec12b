/** Moves, stack, conversions of width, conditional moves, flag transfers. SDM volume 2. */
import { EFLAGS_REST, FLAG_AUX, FLAG_RESULT, FS_BASE, GS_BASE, SELECTORS } from "../cpu-block.ts";
import { OperandKind, Segment } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import { type Address, type Lift, type Lifter, type LifterTable, RAX, RBP, RBX, RDX, RSP } from "./context.ts";
import { HOST_ARGUMENT, HOST_VALUE, HostCall } from "./host-call.ts";

/** The stack location `offset` bytes from rSP. */
export function stackAt(x: Lift, offset: number): Address {
  return { slot: x.gpr(RSP), disp: offset };
}

/** rSP + delta, as a value of the stack width. */
export function stackPointerPlus(x: Lift, delta: number): Value {
  return x.op(x.is64 ? "eaDisp64" : "eaDisp32", x.gpr(RSP), delta);
}

export function adjustStack(x: Lift, delta: number): void {
  x.setGpr(RSP, x.wordSize, stackPointerPlus(x, delta));
}

export function pushValue(x: Lift, size: number, value: Value): void {
  x.store(stackAt(x, -size), size, value);
  adjustStack(x, -size);
}

function move(x: Lift): void {
  const [to, from] = [x.operand(0), x.operand(1)];
  if (to.kind === OperandKind.seg) {
    loadSegment(x, to.reg, x.read(1));
    return;
  }
  if (from.kind === OperandKind.seg) {
    const selector = x.op("zext16", SELECTORS + 2 * from.reg);
    if (to.kind === OperandKind.mem) x.store(x.address(), 2, selector);
    else x.setGpr(to.reg, to.size, selector);
    return;
  }
  if (to.kind === OperandKind.control || to.kind === OperandKind.debug) return x.raise(13);
  if (from.kind === OperandKind.control || from.kind === OperandKind.debug) return x.raise(13);
  const value = x.read(1);
  x.write(0, value);
}

/**
 * The dispatcher loads a segment register: it needs the descriptor tables, and may raise #GP or #NP. If it does not, a general
 * register is written along with it.
 */
export function loadSegment(
  x: Lift,
  segment: number,
  selector: Value,
  along?: { reg: number; size: number; value: Value },
): void {
  if (segment === Segment.cs) return x.raise(6);
  x.b.setSlot(HOST_ARGUMENT, 4, x.op("zext16", selector));
  let request: number = HostCall.loadSegment | (segment << 8) | (x.insn.length << 16);
  if (along !== undefined) {
    x.b.setSlot(HOST_VALUE, 8, along.value);
    request |= (1 << 21) | (along.reg << 22) | (along.size << 26);
  }
  x.leave(HostCall.leave, request);
}

function extend(signed: boolean): Lifter {
  return (x) => {
    const size = x.operand(0).size;
    const from = x.operand(1).size;
    const value = x.read(1);
    if (signed && size === 8) x.write(0, x.op(`sext${8 * from}to64`, value));
    else if (from === 4) x.write(0, x.op("mov32", value));
    else x.write(0, signed ? x.signExtend(value, from) : x.isMem(1) ? value : x.zeroExtend(value, from));
  };
}

function push(x: Lift): void {
  const operand = x.operand(0);
  const size = x.insn.operandSize;
  const value = operand.kind === OperandKind.seg ? x.op("zext16", SELECTORS + 2 * operand.reg) : x.read(0);
  pushValue(x, size, value);
}

function pop(x: Lift): void {
  const operand = x.operand(0);
  const size = x.insn.operandSize;
  const value = x.load(stackAt(x, 0), size);
  if (operand.kind === OperandKind.mem) {
    // An address based on rSP is computed after the increment.
    const address = x.address();
    const disp = x.insn.base === RSP && address.slot === x.gpr(RSP) ? address.disp + size : address.disp;
    const slot =
      x.insn.base === RSP && address.slot !== x.gpr(RSP) ? x.op("eaDisp64", address.slot, size) : address.slot;
    x.writesSegment();
    x.store({ slot, disp }, size, value);
    adjustStack(x, size);
    return;
  }
  if (operand.kind === OperandKind.seg) {
    const rsp = x.op("mov64", stackPointerPlus(x, size));
    return loadSegment(x, operand.reg, value, { reg: RSP, size: x.wordSize, value: rsp });
  }
  adjustStack(x, size);
  x.write(0, value);
}

function pushAll(x: Lift): void {
  const size = x.insn.operandSize;
  // A fault in the middle leaves what was pushed before it, and rSP.
  for (let reg = 0; reg < 8; reg++) x.store(stackAt(x, -size * (reg + 1)), size, x.gpr(reg));
  adjustStack(x, -8 * size);
}

function popAll(x: Lift): void {
  const size = x.insn.operandSize;
  for (let i = 0; i < 8; i++) {
    const reg = 7 - i;
    const value = x.load(stackAt(x, size * i), size);
    if (reg !== RSP) x.setGpr(reg, size, value);
  }
  adjustStack(x, 8 * size);
}

function leaveFrame(x: Lift): void {
  const size = x.insn.operandSize;
  const saved = x.load({ slot: x.gpr(RBP), disp: 0 }, size);
  x.setGpr(RSP, x.wordSize, x.op(x.is64 ? "eaDisp64" : "eaDisp32", x.gpr(RBP), size));
  x.setGpr(RBP, size, saved);
}

/** ENTER with nesting level: the outer frame pointers are copied, then this frame's own. */
function enterFrame(x: Lift): void {
  const size = x.insn.operandSize;
  const level = x.insn.imm2 & 31;
  const bytes = size * (level + 1);
  const allocated = x.insn.immLo & 0xffff;
  x.checkAligned(stackAt(x, 0), size);
  x.checkAligned(stackAt(x, -bytes - allocated), size);
  x.op("probeWrite", x.gpr(RSP), -bytes, bytes);
  // The processor checks that the new top of the stack can be written.
  x.op("probeWrite", x.gpr(RSP), -bytes - allocated, 1);
  const frame = stackPointerPlus(x, -size);
  // The outer frame pointers are read as the pushes go on, which may have overwritten them: read twice, faults come first.
  const outer = (i: number): Value => x.load({ slot: x.gpr(RBP), disp: -size * i }, size);
  for (let i = 1; i < level; i++) outer(i);
  x.store(stackAt(x, -size), size, x.gpr(RBP));
  for (let i = 1; i < level; i++) x.store(stackAt(x, -size * (i + 1)), size, outer(i));
  if (level > 0) x.store(stackAt(x, -size * (level + 1)), size, frame);
  adjustStack(x, -bytes - allocated);
  x.setGpr(RBP, size, frame);
}

/** The EFLAGS image as PUSHF shows it: RF and VM clear, IF and bit 1 set. */
export function flagsImage(x: Lift): Value {
  const image = x.op("or32", x.op("flagsImage", FLAG_RESULT, FLAG_AUX), EFLAGS_REST);
  return x.op("or32", x.op("and32", image, x.const(~0x30000)), x.const(0x202));
}

/** EFLAGS bits other than the arithmetic ones that POPF changes in user mode: TF, DF, NT, AC, ID. */
const POPF_REST = 0x24_4500;

function popFlags(x: Lift): void {
  const size = x.insn.operandSize;
  const image = x.load(stackAt(x, 0), size);
  const mask = size === 2 ? POPF_REST & 0xffff : POPF_REST;
  x.op("flagsSet", image);
  x.flagsOther();
  const kept = x.op("and32", EFLAGS_REST, x.const(~mask));
  x.b.setSlot(EFLAGS_REST, 4, x.op("or32", kept, x.op("and32", image, x.const(mask))));
  adjustStack(x, size);
  x.leave(HostCall.leave, HostCall.flagsChanged);
}

function conditionalMove(code: number): Lifter {
  return (x) => {
    const size = x.operand(0).size;
    const value = x.read(1);
    x.write(0, x.sized("select", size, value, x.read(0), x.condition(code)));
  };
}

function setOn(code: number): Lifter {
  return (x) => x.write(0, x.condition(code));
}

/** Jcc, SETcc, CMOVcc suffixes in encoding order, as the tables spell them. */
export const CONDITIONS = ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

function segmentBase(slot: Value, write: boolean): Lifter {
  return (x) => {
    const size = x.operand(0).size;
    if (write) {
      const value = size === 8 ? x.read(0) : x.op("zext32", x.read(0));
      if (size === 8) {
        const sign = x.op("shrS64", x.op("shl64", value, x.const(16)), x.const(16));
        x.trapIf(x.op("ne64", sign, value), 13);
      }
      x.b.setSlot(slot, 8, value);
    } else x.write(0, slot);
  };
}

export const moveLifters: LifterTable = {
  mov: move,
  movzx: extend(false),
  movsx: extend(true),
  movsxd: extend(true),
  lea: (x) => x.write(0, x.effectiveAddress(x.operand(0).size)),
  xchg: (x) => {
    x.readModifyWrite();
    const size = x.operand(0).size;
    const a = x.read(0);
    const b = x.read(1);
    const keep = (value: Value) => (size === 8 ? x.op("mov64", value) : x.op("mov32", value));
    const [oldA, oldB] = [keep(a), keep(b)];
    x.write(0, oldB);
    x.write(1, oldA);
  },
  // 16-bit operands are undefined; the processors give 0.
  bswap: (x) => x.write(0, x.operand(0).size === 2 ? x.const(0) : x.sized("bswap", x.operand(0).size, x.read(0))),
  movbe: (x) => {
    const size = x.operand(0).size;
    const value = x.read(1);
    const swapped = x.sized("bswap", size, value);
    x.write(0, size === 2 ? x.op("shrU32", swapped, x.const(16)) : swapped);
  },
  push,
  pop,
  pusha: pushAll,
  popa: popAll,
  enter: enterFrame,
  leave: leaveFrame,
  pushf: (x) => pushValue(x, x.insn.operandSize, flagsImage(x)),
  popf: popFlags,
  lahf: (x) => {
    const image = x.op("or32", x.op("flagsImage", FLAG_RESULT, FLAG_AUX), x.const(2));
    x.b.setSlot(x.gpr(RAX) + 1, 1, image);
  },
  sahf: (x) => {
    const overflow = x.op("and32", FLAG_AUX, x.const(0x800));
    const low = x.op("and32", x.gpr(RAX) + 1, x.const(0xd5));
    x.op("flagsSet", x.op("or32", overflow, low));
    x.flagsOther();
  },
  cmc: (x) => x.setAux(x.op("xor32", FLAG_AUX, x.const(1))),
  clc: (x) => x.setAux(x.op("and32", FLAG_AUX, x.const(~1))),
  stc: (x) => x.setAux(x.op("or32", FLAG_AUX, x.const(1))),
  cld: (x) => x.b.setSlot(EFLAGS_REST, 4, x.op("and32", EFLAGS_REST, x.const(~0x400))),
  std: (x) => x.b.setSlot(EFLAGS_REST, 4, x.op("or32", EFLAGS_REST, x.const(0x400))),
  salc: (x) => x.b.setSlot(x.gpr(RAX), 1, x.op("neg32", x.carry())),
  // CBW, CWDE, CDQE and CWD, CDQ, CQO by operand size.
  cbw: (x) => {
    const size = x.insn.operandSize;
    if (size === 8) x.setGpr(RAX, 8, x.op("sext32to64", x.gpr(RAX)));
    else x.setGpr(RAX, size, x.op(size === 4 ? "sext16" : "sext8", x.gpr(RAX)));
  },
  cwd: (x) => {
    const size = x.insn.operandSize;
    if (size === 8) x.setGpr(RDX, 8, x.op("shrS64", x.gpr(RAX), x.const(63)));
    else x.setGpr(RDX, size, x.op("shrS32", x.signExtend(x.gpr(RAX), size), x.const(31)));
  },
  xlat: (x) => {
    const { addressSize } = x.insn;
    const al = x.op("zext8", x.gpr(RAX));
    const sum = x.op(addressSize === 8 ? "ea64" : "ea32", x.gpr(RBX), al, 0, 0);
    const ea = addressSize === 2 ? x.op("zext16", sum) : sum;
    x.b.setSlot(x.gpr(RAX), 1, x.load(stringAddress(x, ea, x.insn.segment), 1));
  },
  rdfsbase: segmentBase(FS_BASE, false),
  rdgsbase: segmentBase(GS_BASE, false),
  wrfsbase: segmentBase(FS_BASE, true),
  wrgsbase: segmentBase(GS_BASE, true),
};

for (const [code, name] of CONDITIONS.entries()) {
  moveLifters[`cmov${name}`] = conditionalMove(code);
  moveLifters[`set${name}`] = setOn(code);
}

/** Address `ea` (already cut to the address size) with the base of a segment override, if one is in force. */
export function stringAddress(x: Lift, ea: Value, segment: number): Address {
  const base = segment === Segment.fs ? FS_BASE : segment === Segment.gs ? GS_BASE : 0;
  const wide = x.is64 && x.insn.addressSize !== 8 ? x.op("zext32", ea) : ea;
  if (base === 0) return { slot: wide, disp: 0 };
  return { slot: x.op(x.is64 ? "add64" : "add32", base, wide), disp: 0 };
}
