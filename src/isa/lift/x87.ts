/**
 * x87 instructions, FXSAVE and FXRSTOR: thin calls of the exact helpers (src/isa/helpers/x87*.as.ts). SDM volume 1, chapter 8.
 *
 * Order within an instruction: the check for a pending exception (#MF), accesses to memory that may fault, then the helper,
 * which changes the x87 state. Stores compute first (`h_x87Store…`), write memory if `h_x87Stores` says so, then commit.
 */
import { FCS, FCW, FDP, FDS, FIP, FOP, FSW, SCRATCH, SELECTORS } from "../cpu-block.ts";
import { OperandKind, Segment } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import { type Lift, type Lifter, type LifterTable, RAX } from "./context.ts";

const GENERAL_PROTECTION = 13;
const MATH_FAULT = 16;

/** Waiting instructions fault first if an unmasked exception is pending (ES). */
function check(x: Lift): void {
  x.trapIf(x.op("and32", FSW, x.const(0x80)), MATH_FAULT);
}

function hasMemory(x: Lift): boolean {
  return x.insn.operands.some((operand) => operand.kind === OperandKind.mem);
}

/** Instruction pointer, data pointer and opcode, as FSTENV would show them after this instruction. */
function pointers(x: Lift): [fip: Value, fdp: Value, fop: Value] {
  const { form, mod, reg, rm } = x.insn;
  const modrm = (mod << 6) | ((reg & 7) << 3) | (rm & 7);
  const opcode = ((Number.parseInt(form.opcode.slice(0, 2), 16) & 7) << 8) | modrm;
  return [x.const(x.ipLo, x.ipHi), hasMemory(x) ? x.effectiveAddress(8) : x.const(0), x.const(opcode)];
}

/** Records the pointers of an instruction that is not a control instruction, with CS and DS. */
function note(x: Lift): void {
  const [fip, fdp, fop] = pointers(x);
  x.b.setSlot(FIP, 8, fip);
  x.b.setSlot(FOP, 4, fop);
  x.b.setSlot(FCS, 2, SELECTORS + 2 * Segment.cs);
  if (!hasMemory(x)) return;
  x.b.setSlot(FDP, 8, fdp);
  x.b.setSlot(FDS, 2, SELECTORS + 2 * Segment.ds);
}

/** The instruction is one helper call on constants. */
function plain(name: string, ...args: number[]): Lifter {
  return (x) => {
    check(x);
    x.op(`h_${name}`, ...args.map((arg) => x.const(arg)));
    note(x);
  };
}

/** The instruction is one helper call on the register of operand `index`, then constants. */
function onRegister(name: string, index: number, ...args: number[]): Lifter {
  return (x) => {
    check(x);
    x.op(`h_${name}`, x.const(x.operand(index).reg), ...args.map((arg) => x.const(arg)));
    note(x);
  };
}

/** The memory operand, converted to i64 from a signed integer. */
function loadInteger(x: Lift, index: number): Value {
  const size = x.operand(index).size;
  const value = x.load(x.address(), size);
  return size === 8 ? value : x.op(size === 2 ? "sext16to64" : "sext32to64", value);
}

/** FADD … FDIVR by the reg field of D8 /r, with the pops of their P forms. */
function arith(op: number, pops: number): Lifter {
  return (x) => {
    check(x);
    if (x.isMem(1)) {
      const size = x.operand(1).size;
      x.op(size === 8 ? "h_x87ArithM64" : "h_x87ArithM32", x.const(op), x.load(x.address(), size));
    } else {
      x.op("h_x87Arith", x.const(op), x.const(x.operand(0).reg), x.const(x.operand(1).reg), x.const(pops));
    }
    note(x);
  };
}

/** FIADD … FIDIVR. */
function arithInteger(op: number): Lifter {
  return (x) => {
    check(x);
    x.op("h_x87ArithInt", x.const(op), loadInteger(x, 1));
    note(x);
  };
}

function compare(quiet: number, pops: number): Lifter {
  return (x) => {
    check(x);
    if (x.isMem(1)) {
      const size = x.operand(1).size;
      x.op(size === 8 ? "h_x87ComM64" : "h_x87ComM32", x.load(x.address(), size), x.const(pops));
    } else {
      x.op("h_x87Com", x.const(x.operand(1).reg), x.const(quiet), x.const(pops));
    }
    note(x);
  };
}

function compareInteger(pops: number): Lifter {
  return (x) => {
    check(x);
    x.op("h_x87ComInt", loadInteger(x, 1), x.const(pops));
    note(x);
  };
}

/** FCOMI and its kin: ZF, PF, CF from the comparison, the other three 0. */
function compareToFlags(quiet: number, pops: number): Lifter {
  return (x) => {
    check(x);
    const flags = x.op("h_x87Comi", x.const(x.operand(1).reg), x.const(quiet), x.const(pops));
    note(x);
    x.op("flagsSet", flags);
    x.flagsOther();
  };
}

function conditionalMove(code: number): Lifter {
  return (x) => {
    check(x);
    x.op("h_x87Fcmov", x.const(x.operand(1).reg), x.condition(code));
    note(x);
  };
}

function fld(x: Lift): void {
  check(x);
  const { kind, size, reg } = x.operand(0);
  if (kind === OperandKind.st) x.op("h_x87FldSt", x.const(reg));
  else if (size === 10) {
    const low = x.load(x.address(), 8);
    x.op("h_x87FldM80", low, x.load(x.address(), 2, false, 8));
  } else x.op(size === 8 ? "h_x87FldM64" : "h_x87FldM32", x.load(x.address(), size));
  note(x);
}

function fild(x: Lift): void {
  check(x);
  x.op("h_x87Fild", loadInteger(x, 0));
  note(x);
}

function fbld(x: Lift): void {
  check(x);
  const low = x.load(x.address(), 8);
  x.op("h_x87Fbld", low, x.load(x.address(), 2, false, 8));
  note(x);
}

/** Stores what `compute` gives (with `high`, 16 bits more behind 8 bytes), unless an unmasked exception forbids it. */
function storeWith(x: Lift, pops: number, compute: () => Value, high?: string): void {
  check(x);
  const value = compute();
  const upper = high === undefined ? 0 : x.op(high);
  const stores = x.op("h_x87Stores");
  const { size } = x.operand(0);
  const { slot, disp } = x.address();
  x.checkAligned({ slot, disp }, high === undefined ? size : 8);
  // a page fault comes before the exception, even where that suppresses the store
  x.op("probeWrite", slot, disp, high === undefined ? size : 10);
  x.op(`storeIf${high === undefined ? 8 * size : 64}`, slot, disp, stores, value);
  if (high !== undefined) x.op("storeIf16", slot, disp + 8, stores, upper);
  x.op("h_x87StoreCommit", x.const(pops));
  note(x);
}

function fst(pops: number): Lifter {
  return (x) => {
    const { kind, size, reg } = x.operand(0);
    if (kind === OperandKind.st) {
      check(x);
      x.op("h_x87FstSt", x.const(reg), x.const(pops));
      note(x);
    } else if (size === 10) storeWith(x, pops, () => x.op("h_x87StoreSig"), "h_x87StoreSe");
    else storeWith(x, pops, () => x.op(size === 8 ? "h_x87StoreF64" : "h_x87StoreF32"));
  };
}

function fist(truncate: number, pops: number): Lifter {
  return (x) => {
    const bits = 8 * x.operand(0).size;
    storeWith(x, pops, () => x.op("h_x87StoreInt", x.const(bits), x.const(truncate)));
  };
}

function fnstsw(x: Lift): void {
  if (x.isMem(0)) x.store(x.address(), 2, FSW);
  else x.setGpr(RAX, 2, FSW);
}

// --- images ---------------------------------------------------------------------------------------------------------------

/** Pieces of at most 8 bytes that cover `length` bytes. */
function pieces(length: number): [offset: number, size: number][] {
  const out: [number, number][] = [];
  for (let at = 0; at < length; ) {
    const size = [8, 4, 2].find((n) => n <= length - at) as number;
    out.push([at, size]);
    at += size;
  }
  return out;
}

/** FNSTENV, FNSAVE: the image is made in SCRATCH, copied out, then the state changes. */
function storeImage(registers: 0 | 1, commit: string): Lifter {
  return (x) => {
    const size16 = x.insn.operandSize === 2 ? 1 : 0;
    const length = (size16 ? 14 : 28) + 80 * registers;
    const address = x.address();
    x.op("probeWrite", address.slot, address.disp, length);
    x.op("h_x87EnvImage", x.const(size16), x.const(registers));
    for (const [at, size] of pieces(length)) x.store(address, size, SCRATCH + at, at);
    x.op(commit);
  };
}

function loadImage(registers: 0 | 1): Lifter {
  return (x) => {
    check(x);
    const size16 = x.insn.operandSize === 2 ? 1 : 0;
    const length = (size16 ? 14 : 28) + 80 * registers;
    for (const [at, size] of pieces(length)) {
      x.op("h_scratchWrite64", x.const(at), x.load(x.address(), size, false, at));
    }
    x.op("h_x87LoadEnv", x.const(size16), x.const(registers));
  };
}

/** FXSAVE and FXRSTOR want 16-byte alignment. */
function checkAligned(x: Lift): void {
  const { slot, disp } = x.address();
  const low = x.op("and32", x.op("add32", slot, x.const(disp)), x.const(15));
  x.trapIf(low, GENERAL_PROTECTION);
}

/** Bytes of the image before the XMM registers, whose slots the lifters must name (a tier may hold them elsewhere). */
const LEGACY_X87 = 160;

/** Registers in the image: the legacy area holds XMM8–15 in 64-bit mode only. */
function xmmCount(x: Lift): number {
  return x.is64 ? 16 : 8;
}

function fxsave(wide: number): Lifter {
  return (x) => {
    checkAligned(x);
    const address = x.address();
    x.op("probeWrite", address.slot, address.disp, LEGACY_X87 + 16 * xmmCount(x));
    x.op("h_fxSaveImage", x.const(wide));
    for (let at = 0; at < LEGACY_X87; at += 16) x.store(address, 16, SCRATCH + at, at);
    for (let i = 0; i < xmmCount(x); i++) x.store(address, 16, x.vec(i), LEGACY_X87 + 16 * i);
  };
}

function fxrstor(wide: number): Lifter {
  return (x) => {
    checkAligned(x);
    const load = (at: number) => x.load(x.address(), 16, false, at);
    const xmm = Array.from({ length: xmmCount(x) }, (_, i) => load(LEGACY_X87 + 16 * i));
    for (let at = 0; at < LEGACY_X87; at += 16) x.op("h_scratchWriteV", x.const(at), load(at));
    x.trapIf(x.op("h_fxRestore", x.const(wide)), GENERAL_PROTECTION);
    for (const [i, value] of xmm.entries()) x.b.setSlot(x.vec(i), 16, value);
  };
}

const ARITH = { add: 0, mul: 1, sub: 4, subr: 5, div: 6, divr: 7 } as const;
const CONSTANTS = ["fld1", "fldl2t", "fldl2e", "fldpi", "fldlg2", "fldln2", "fldz"];
const FCMOV = { b: 2, e: 4, be: 6, u: 10, nb: 3, ne: 5, nbe: 7, nu: 11 } as const;

export const x87Lifters: LifterTable = {
  fld,
  fild,
  fbld,
  fst: fst(0),
  fstp: fst(1),
  fstpnce: onRegister("x87FstpNce", 0),
  fist: fist(0, 0),
  fistp: fist(0, 1),
  fisttp: fist(1, 1),
  fbstp: (x) => storeWith(x, 1, () => x.op("h_x87StoreBcd"), "h_x87StoreBcdHigh"),
  fxch: onRegister("x87Fxch", 0),
  ffree: onRegister("x87Ffree", 0, 0),
  ffreep: onRegister("x87Ffree", 0, 1),
  fcom: compare(0, 0),
  fcomp: compare(0, 1),
  fucom: compare(1, 0),
  fucomp: compare(1, 1),
  fcompp: plain("x87Com", 1, 0, 2),
  fucompp: plain("x87Com", 1, 1, 2),
  ficom: compareInteger(0),
  ficomp: compareInteger(1),
  fcomi: compareToFlags(0, 0),
  fcomip: compareToFlags(0, 1),
  fucomi: compareToFlags(1, 0),
  fucomip: compareToFlags(1, 1),
  ftst: plain("x87ComInt", 0, 0),
  fxam: plain("x87Fxam"),
  fchs: plain("x87Sign", 0),
  fabs: plain("x87Sign", 1),
  fsqrt: plain("x87Fsqrt"),
  frndint: plain("x87Frndint"),
  fscale: plain("x87Fscale"),
  fxtract: plain("x87Fxtract"),
  fprem: plain("x87Fprem", 0),
  fprem1: plain("x87Fprem", 1),
  f2xm1: plain("x87F2xm1"),
  fyl2x: plain("x87Fyl2x"),
  fyl2xp1: plain("x87Fyl2xp1"),
  fptan: plain("x87Fptan"),
  fpatan: plain("x87Fpatan"),
  fsin: plain("x87Fsin"),
  fcos: plain("x87Fcos"),
  fsincos: plain("x87Fsincos"),
  fincstp: plain("x87Rotate", 1),
  fdecstp: plain("x87Rotate", 7),
  // FNENI, FNDISI and FNSETPM of the 8087 and 80287 (DB E0, DB E1, DB E4) do not wait.
  fnop: (x) => {
    if (!x.insn.form.opcode.startsWith("D9")) return;
    check(x);
    note(x);
  },
  fwait: check,
  fninit: (x) => void x.op("h_x87Fninit"),
  fnclex: (x) => void x.op("h_x87Fnclex"),
  fldcw: (x) => {
    check(x);
    x.op("h_x87Fldcw", x.load(x.address(), 2));
  },
  fnstcw: (x) => x.store(x.address(), 2, FCW),
  fnstsw,
  fnstenv: storeImage(0, "h_x87EnvCommit"),
  fnsave: storeImage(1, "h_x87SaveCommit"),
  fldenv: loadImage(0),
  frstor: loadImage(1),
  fxsave: fxsave(0),
  fxsave64: fxsave(1),
  fxrstor: fxrstor(0),
  fxrstor64: fxrstor(1),
};
for (const [name, op] of Object.entries(ARITH)) {
  x87Lifters[`f${name}`] = arith(op, 0);
  x87Lifters[`f${name}p`] = arith(op, 1);
  x87Lifters[`fi${name}`] = arithInteger(op);
}
for (const [k, name] of CONSTANTS.entries()) x87Lifters[name] = plain("x87FldConst", k);
for (const [name, code] of Object.entries(FCMOV)) x87Lifters[`fcmov${name}`] = conditionalMove(code);
