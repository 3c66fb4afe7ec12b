/**
 * Segments, far transfers and the descriptor table registers as user mode sees them. SDM volume 2. SGDT, SIDT, SLDT, SMSW and
 * STR give what Linux makes of them where the processor has UMIP (arch/x86/kernel/umip.c): no secret, the same everywhere.
 */
import { SELECTORS } from "../cpu-block.ts";
import { OperandKind, Segment } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import { setZeroFlag } from "./arith.ts";
import { type Lift, type Lifter, type LifterTable, RSP } from "./context.ts";
import { HOST_ARGUMENT, HOST_FLAGS, HOST_RSP, HOST_SS, HOST_VALUE, HostCall } from "./host-call.ts";
import { loadSegment, stackAt, stackPointerPlus } from "./move.ts";

const INVALID_OPCODE = 6;
/** UMIP_DUMMY_GDT_BASE, UMIP_DUMMY_IDT_BASE (low halves); CR0_STATE; GDT_ENTRY_TSS * 8. */
const GDT_BASE = 0xfffe_0000;
const IDT_BASE = 0xffff_0000;
const CR0_STATE = 0x8005_0033;
const TASK_SELECTOR = 0x40;
const Far = { jump: 0, call: 1, ret: 2, iret: 3 } as const;

function tableRegister(base: number): Lifter {
  return (x) => {
    const address = x.address();
    const size = x.is64 ? 8 : 4;
    x.op("probeWrite", address.slot, address.disp, 2 + size);
    x.store(address, 2, x.const(0));
    x.store(address, size, x.const(base | 0, -1), 2);
  };
}

/** Linux writes as many bytes of a register as the operand has, and leaves the rest; 2 bytes of memory. */
function machineWord(value: number): Lifter {
  return (x) => {
    const { kind, reg, size } = x.operand(0);
    const word = x.const(value | 0, 0);
    if (kind === OperandKind.mem) x.store(x.address(), 2, word);
    else if (size === 4) x.setGpr(reg, 8, x.op("or64", x.op("and64", x.gpr(reg), x.const(0, -1)), word));
    else x.setGpr(reg, size, word);
  };
}

function inspect(request: number): Lifter {
  return (x) => {
    const verifies = request === HostCall.verr || request === HostCall.verw;
    x.b.setSlot(HOST_ARGUMENT, 4, x.op("zext16", x.read(verifies ? 0 : 1)));
    const { reg, size } = x.operand(0);
    x.leave(HostCall.leave, request | (verifies ? 0 : (reg << 8) | (size << 16)));
  };
}

/** A far pointer in memory: offset of the operand size, then the selector. */
function farPointer(x: Lift, size: number): [selector: Value, offset: Value] {
  const offset = x.load(x.address(), size);
  return [x.load(x.address(), 2, false, size), offset];
}

function loadFarPointer(segment: number): Lifter {
  return (x) => {
    const { kind } = x.operand(1);
    if (kind !== OperandKind.mem) return x.raise(INVALID_OPCODE);
    const { reg, size } = x.operand(0);
    const [selector, offset] = farPointer(x, size);
    const value = size === 8 ? offset : x.op("zext32", offset);
    loadSegment(x, segment, selector, { reg, size, value });
  };
}

/** Leaves for the dispatcher to check the selector and go there; rSP becomes rSP + `delta`. */
function transfer(x: Lift, kind: number, selector: Value, offset: Value, size: number, rsp: Value): void {
  x.b.setSlot(HOST_ARGUMENT, 4, x.op("zext16", selector));
  x.b.setSlot(HOST_VALUE, 8, size === 8 ? offset : x.op("zext32", x.zeroExtend(offset, size)));
  x.b.setSlot(HOST_RSP, 8, rsp);
  const flagsSize = kind === Far.iret && size > 2 ? 4 : 0;
  x.leave(HostCall.leave, HostCall.far | (kind << 8) | (x.insn.length << 16) | (flagsSize << 22));
}

function newStackPointer(x: Lift, delta: number): Value {
  return delta === 0 ? x.gpr(RSP) : x.op("mov64", stackPointerPlus(x, delta));
}

function farTarget(x: Lift, size: number): [selector: Value, offset: Value] {
  if (x.operand(0).kind === OperandKind.mem) return farPointer(x, size);
  return [x.const(x.insn.imm2), x.const(x.insn.immLo, 0)];
}

function farCall(x: Lift): void {
  const size = x.insn.operandSize;
  const [selector, offset] = farTarget(x, size);
  x.op("probeWrite", x.gpr(RSP), -2 * size, 2 * size);
  x.store(stackAt(x, -size), size, x.op("zext16", SELECTORS + 2 * Segment.cs));
  x.store(stackAt(x, -2 * size), size, x.const(x.nextLo, x.nextHi));
  transfer(x, Far.call, selector, offset, size, newStackPointer(x, -2 * size));
}

function farReturn(x: Lift): void {
  const size = x.insn.operandSize;
  const offset = x.load(stackAt(x, 0), size);
  const selector = x.load(stackAt(x, size), size);
  const drop = x.operand(0).kind === OperandKind.imm ? x.insn.immLo & 0xffff : 0;
  transfer(x, Far.ret, selector, offset, size, newStackPointer(x, 2 * size + drop));
}

function interruptReturn(x: Lift): void {
  const size = x.insn.operandSize;
  const word = (index: number): Value => x.load(stackAt(x, size * index), size);
  const [offset, selector, flags] = [word(0), word(1), word(2)];
  x.b.setSlot(HOST_FLAGS, 4, flags);
  let rsp = newStackPointer(x, 3 * size);
  if (x.is64) {
    const stack = word(3);
    rsp = size === 8 ? stack : x.op("zext32", x.zeroExtend(stack, size));
    x.b.setSlot(HOST_SS, 4, word(4));
  }
  transfer(x, Far.iret, selector, offset, size, rsp);
}

export const systemLifters: LifterTable = {
  sgdt: tableRegister(GDT_BASE),
  sidt: tableRegister(IDT_BASE),
  smsw: machineWord(CR0_STATE),
  sldt: machineWord(0),
  str: machineWord(TASK_SELECTOR),
  lar: inspect(HostCall.lar),
  lsl: inspect(HostCall.lsl),
  verr: inspect(HostCall.verr),
  verw: inspect(HostCall.verw),
  les: loadFarPointer(Segment.es),
  lds: loadFarPointer(Segment.ds),
  lss: loadFarPointer(Segment.ss),
  lfs: loadFarPointer(Segment.fs),
  lgs: loadFarPointer(Segment.gs),
  jmpf: (x) => {
    const size = x.insn.operandSize;
    transfer(x, Far.jump, ...farTarget(x, size), size, x.gpr(RSP));
  },
  callf: farCall,
  retf: farReturn,
  iret: interruptReturn,
  // RPL of the destination is raised to that of the source.
  arpl: (x) => {
    x.readModifyWrite();
    const [to, from] = [x.zeroExtend(x.read(0), 2), x.zeroExtend(x.read(1), 2)];
    const wanted = x.op("and32", from, x.const(3));
    const raises = x.op("ltU32", x.op("and32", to, x.const(3)), wanted);
    const raised = x.op("or32", x.op("and32", to, x.const(~3)), wanted);
    setZeroFlag(x, raises);
    x.write(0, x.op("select32", raised, to, raises));
  },
};
