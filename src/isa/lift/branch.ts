/** Control transfer, traps and the instructions that user mode may not execute. SDM volume 2; volume 3 chapter 6. */
import { GPR } from "../cpu-block.ts";
import { OperandKind } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import { type Lift, type Lifter, type LifterTable, RCX } from "./context.ts";
import { adjustStack, CONDITIONS, flagsImage, pushValue, stackAt } from "./move.ts";

/** Reasons as src/exec/layout.ts numbers them; exceptions raised behind the instruction (#BP, #OF) have their own. */
const LEAVE_SYSCALL = 1;
const LEAVE_INT80 = 2;
const LEAVE_SYSENTER = 3;
const LEAVE_EXCEPTION = 20;

const GENERAL_PROTECTION = 13;
const INVALID_OPCODE = 6;

/** A near branch to an address that is not canonical raises #GP(0) at the branch itself (SDM volume 2, CALL, JMP, RET). */
function canonical(x: Lift, target: Value): Value {
  x.op("trapNonCanonical", target);
  return target;
}

/** Target of an indirect near branch, cut to the operand size. A CALL finds first that it cannot push (`pushes`). */
function indirect(x: Lift, pushes: boolean): Value {
  const value = x.read(0);
  const size = x.insn.operandSize;
  if (size === 8 && pushes) {
    const stack = stackAt(x, -size);
    x.checkAligned(stack, size);
    const extended = x.op("shrS64", x.op("shl64", value, x.const(16)), x.const(16));
    const wild = x.op("ne64", extended, value);
    x.op("storeCheckIf64", stack.slot, stack.disp, wild);
    x.trapIf(wild, GENERAL_PROTECTION);
    return value;
  }
  if (size === 8) return canonical(x, value);
  return size === 4 ? x.op("zext32", value) : x.op("zext32", x.zeroExtend(value, 2));
}

function call(x: Lift): void {
  x.b.branch = "call";
  const size = x.insn.operandSize;
  const target = x.operand(0).kind === OperandKind.rel ? undefined : x.op("mov64", indirect(x, true));
  pushValue(x, size, x.const(x.nextLo, x.nextHi));
  if (target === undefined) x.jump(...x.branchTarget());
  else x.jumpTo(target);
}

function ret(x: Lift): void {
  x.b.branch = "return";
  const size = x.insn.operandSize;
  const value = x.load(stackAt(x, 0), size);
  const drop = x.operand(0).kind === OperandKind.imm ? x.insn.immLo & 0xffff : 0;
  adjustStack(x, size + drop);
  x.jumpTo(size === 8 ? canonical(x, value) : x.op("zext32", value));
}

function jcc(code: number): Lifter {
  return (x) => x.jumpIf(x.condition(code), ...x.branchTarget());
}

/** rCX cut to the address size, less one if `count`. */
function counter(x: Lift, count: boolean): Value {
  const { addressSize } = x.insn;
  const less = (name: string, value: Value) => (count ? x.op(name, value, x.const(1)) : value);
  if (addressSize === 8) return less("sub64", x.gpr(RCX));
  const value = less("sub32", x.gpr(RCX));
  return addressSize === 4 ? x.op("zext32", value) : x.op("zext32", x.zeroExtend(value, 2));
}

/** LOOP, LOOPE, LOOPNE. On AMD's processors REPE and REPNE before the latter two say which of them it is. */
function loop(opcodeCode: number | undefined): Lifter {
  return (x) => {
    const { rep } = x.insn;
    const code = opcodeCode === undefined || rep === 0 ? opcodeCode : rep === 0xf3 ? 4 : 5;
    const left = counter(x, true);
    let taken = x.op("ne64", left, x.const(0));
    if (code !== undefined) taken = x.op("and32", taken, x.condition(code));
    x.setGpr(RCX, x.insn.addressSize, left);
    x.jumpIf(taken, ...x.branchTarget());
  };
}

function privileged(x: Lift): void {
  x.raise(GENERAL_PROTECTION);
}

export const branchLifters: LifterTable = {
  call,
  ret,
  jmp: (x) => {
    if (x.operand(0).kind === OperandKind.rel) x.jump(...x.branchTarget());
    else x.jumpTo(x.op("mov64", indirect(x, false)));
  },
  jcxz: (x) => x.jumpIf(x.op("eqz64", counter(x, false)), ...x.branchTarget()),
  loop: loop(undefined),
  loope: loop(4),
  loopne: loop(5),
  int3: (x) => x.leave(LEAVE_EXCEPTION, 3),
  int1: (x) => x.leave(LEAVE_EXCEPTION, 1),
  int: (x) => {
    const vector = x.insn.immLo & 0xff;
    if (vector === 0x80) x.leave(LEAVE_INT80);
    else if (vector === 3 || vector === 4) x.leave(LEAVE_EXCEPTION, vector);
    else x.raise(GENERAL_PROTECTION, vector * 8 + 2);
  },
  into: (x) => {
    x.op("jumpOutIf", x.condition(1), x.nextLo, x.nextHi, 0, 0);
    x.leave(LEAVE_EXCEPTION, 4);
  },
  bound: (x) => {
    const size = x.operand(0).size;
    const address = x.address();
    const lower = x.signExtend(x.load(address, size), size);
    const upper = x.signExtend(x.load(address, size, false, size), size);
    const value = x.readS(0);
    x.trapIf(x.op("or32", x.op("ltS32", value, lower), x.op("ltS32", upper, value)), 5);
  },
  syscall: (x) => {
    if (!x.is64) return x.raise(INVALID_OPCODE);
    const image = flagsImage(x);
    x.setGpr(RCX, 8, x.const(x.nextLo, x.nextHi));
    x.b.setSlot(GPR + 8 * 11, 8, image);
    x.leave(LEAVE_SYSCALL);
  },
  sysenter: (x) => {
    if (x.is64) return x.raise(INVALID_OPCODE);
    x.leave(LEAVE_SYSENTER);
  },
  ud0: (x) => x.raise(INVALID_OPCODE),
  ud1: (x) => x.raise(INVALID_OPCODE),
  ud2: (x) => x.raise(INVALID_OPCODE),
};

for (const [code, name] of CONDITIONS.entries()) branchLifters[`j${name}`] = jcc(code);

/** Ring 0 instructions, and I/O without IOPL: #GP(0). */
for (const name of "ins outs in out hlt cli sti lldt ltr lgdt lidt lmsw invlpg clts invd wbinvd wrmsr rdmsr rdpmc sysret sysexit swapgs xsetbv".split(
  " ",
)) {
  branchLifters[name] = privileged;
}

/** No effect on the state of a user-mode program. */
for (const name of (
  "nop pause endbr32 endbr64 rdssp prefetch prefetchw prefetchwt1 prefetchnta prefetcht0 prefetcht1 prefetcht2 " +
  "lfence mfence sfence"
).split(" ")) {
  branchLifters[name] = () => {};
}

/** Cache line instructions are permitted where a byte may be read (SDM, CLFLUSH). */
for (const name of ["clflush", "clflushopt", "clwb"]) {
  branchLifters[name] = (x) => {
    x.load(x.address(), 1);
  };
}
