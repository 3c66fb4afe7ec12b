/** Integer arithmetic and logic. SDM volume 2. */
import { FLAG_AUX, FLAG_RESULT } from "../cpu-block.ts";
import { OperandKind } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import { type Lift, type LifterTable, RAX, RBX, RCX, RDX } from "./context.ts";

function sameRegister(x: Lift): boolean {
  const [a, b] = [x.operand(0), x.operand(1)];
  return a.kind === OperandKind.gpr && b.kind === OperandKind.gpr && a.reg === b.reg && a.size >= 4;
}

function logic(name: "and" | "or" | "xor", writes = true) {
  return (x: Lift) => {
    const size = x.operand(0).size;
    if (name === "xor" && sameRegister(x)) {
      const zero = x.const(0);
      x.flagsLogic(size, zero);
      x.write(0, zero);
      return;
    }
    if (writes) x.readModifyWrite();
    const result = x.sized(name, size, x.read(0), x.read(1));
    if (writes) x.write(0, result);
    x.flagsLogic(size, result);
  };
}

function addSub(kind: "add" | "sub", writes = true) {
  return (x: Lift) => {
    const size = x.operand(0).size;
    if (writes) x.readModifyWrite();
    const a = x.read(0);
    const b = x.read(1);
    const result = x.sized(kind, size, a, b);
    if (writes) x.write(0, result);
    if (kind === "add") x.flagsAdd(size, a, b, result);
    else x.flagsSub(size, a, b, result);
  };
}

function withCarry(kind: "add" | "sub") {
  return (x: Lift) => {
    const size = x.operand(0).size;
    x.readModifyWrite();
    const a = x.read(0);
    const b = x.read(1);
    const carry = x.carry();
    const result = x.sized(kind, size, x.sized(kind, size, a, b), carry);
    x.write(0, result);
    x.op(`flags${kind === "add" ? "Add" : "Sub"}C${8 * size}`, b, result, carry);
    x.flagsOther();
  };
}

function step(kind: "add" | "sub") {
  return (x: Lift) => {
    const size = x.operand(0).size;
    x.readModifyWrite();
    const result = x.sized(kind, size, x.read(0), x.const(1));
    x.write(0, result);
    x.op(`flags${kind === "add" ? "Inc" : "Dec"}${8 * size}`, result, FLAG_AUX);
    x.b.flagsAre({ kind: "other", size, a: -1, b: -1, result });
  };
}

/** The low `size` bytes of a slot, zero-extended to 64 bits. */
function wide(x: Lift, value: Value, size: number, signed: boolean): Value {
  if (size === 8) return value;
  if (signed) return x.op(`sext${8 * size}to64`, value);
  return size === 4 ? x.op("zext32", value) : x.op("zext32", x.zeroExtend(value, size));
}

/** CF = OF = `overflow` (0 or 1); the other flags are left as they are (the SDM leaves them undefined). */
function setCarryOverflow(x: Lift, overflow: Value): void {
  const kept = x.op("and32", FLAG_AUX, x.const(~0x801));
  x.setAux(x.op("or32", kept, x.op("mul32", overflow, x.const(0x801))));
}

/** MUL and one-operand IMUL. */
function multiply(signed: boolean) {
  return (x: Lift) => {
    const size = x.operand(0).size;
    const source = x.read(0);
    if (size === 8) {
      const lo = x.op("mul64", x.gpr(RAX), source);
      const hi = x.op(signed ? "mulHiS64" : "mulHiU64", x.gpr(RAX), source);
      const expected = signed ? x.op("shrS64", lo, x.const(63)) : x.const(0);
      setCarryOverflow(x, x.op("ne64", hi, expected));
      x.setGpr(RAX, 8, lo);
      x.setGpr(RDX, 8, hi);
      return;
    }
    const product = x.op("mul64", wide(x, x.gpr(RAX), size, signed), wide(x, source, size, signed));
    const low = wide(x, product, size, signed);
    setCarryOverflow(x, x.op("ne64", product, low));
    if (size === 1) {
      x.setGpr(RAX, 2, product);
      return;
    }
    x.setGpr(RAX, size, product);
    x.setGpr(RDX, size, x.op("shrU64", product, x.const(8 * size)));
  };
}

/** IMUL with two and three operands. */
function multiplyTruncated(x: Lift): void {
  const size = x.operand(0).size;
  const one = x.operand(2).kind === OperandKind.none;
  const a = x.read(one ? 0 : 1);
  const b = x.read(one ? 1 : 2);
  if (size === 8) {
    const lo = x.op("mul64", a, b);
    const hi = x.op("mulHiS64", a, b);
    setCarryOverflow(x, x.op("ne64", hi, x.op("shrS64", lo, x.const(63))));
    x.write(0, lo);
    return;
  }
  const product = x.op("mul64", wide(x, a, size, true), wide(x, b, size, true));
  setCarryOverflow(x, x.op("ne64", product, wide(x, product, size, true)));
  x.write(0, size === 4 ? x.op("mov32", product) : product);
}

/**
 * DIV and IDIV: #DE for a zero divisor or a quotient that does not fit. Flags (undefined in the SDM) as AMD's family 19h leaves
 * them: CF and OF stay, AF is set, the others are 0; a result word of 1 has odd parity.
 */
function divide(signed: boolean) {
  return (x: Lift) => {
    x.setFlagWords(x.const(1), x.op("or32", x.op("and32", FLAG_AUX, x.const(0x801)), x.const(0x10)));
    const size = x.operand(0).size;
    const divisor = wide(x, x.read(0), size, signed);
    x.trapIf(x.op("eqz64", divisor), 0);
    if (size === 8) {
      const args = [x.gpr(RDX), x.gpr(RAX), divisor] as const;
      x.trapIf(signed ? x.op("divS128Overflows", ...args) : x.op("leU64", divisor, x.gpr(RDX)), 0);
      const quotient = x.op(signed ? "divS128" : "divU128", ...args);
      x.setGpr(RDX, 8, x.op(signed ? "remS128" : "remU128", ...args));
      x.setGpr(RAX, 8, quotient);
      return;
    }
    let dividend: Value;
    if (size === 1) dividend = wide(x, x.gpr(RAX), 2, signed);
    else {
      const high = wide(x, x.gpr(RDX), size, signed);
      dividend = x.op("or64", x.op("shl64", high, x.const(8 * size)), wide(x, x.gpr(RAX), size, false));
    }
    if (signed && size === 4) {
      const smallest = x.op("eq64", dividend, x.const(0, 0x8000_0000 | 0));
      x.trapIf(x.op("and32", smallest, x.op("eq64", divisor, x.const(-1))), 0);
    }
    const quotient = x.op(signed ? "divS64" : "divU64", dividend, divisor);
    const remainder = x.op(signed ? "remS64" : "remU64", dividend, divisor);
    x.trapIf(x.op("ne64", quotient, wide(x, quotient, size, signed)), 0);
    if (size === 1) {
      x.b.setSlot(x.gpr(RAX), 1, quotient);
      x.b.setSlot(x.gpr(RAX) + 1, 1, remainder);
      return;
    }
    x.setGpr(RAX, size, quotient);
    x.setGpr(RDX, size, remainder);
  };
}

function compareExchange(x: Lift): void {
  const size = x.operand(0).size;
  x.readModifyWrite();
  const old = x.read(0);
  const accumulator = x.gpr(RAX);
  const difference = x.sized("sub", size, accumulator, old);
  const [a, b] = size < 4 ? [x.zeroExtend(accumulator, size), x.zeroExtend(old, size)] : [accumulator, old];
  const equal = x.sized("eq", size, a, b);
  const stored = x.sized("select", size, x.read(1), old, equal);
  x.flagsSub(size, accumulator, old, difference);
  const to = x.operand(0);
  const accumulatorIsTarget = to.kind === OperandKind.gpr && to.reg === RAX;
  // EAX, or a 32-bit register destination, is written (and its upper half cleared) only if its value changes hands.
  if (to.kind === OperandKind.gpr && size === 4) {
    x.setGpr(to.reg, 8, x.op("select64", x.op("zext32", x.read(1)), x.gpr(to.reg), equal));
  } else x.write(0, stored);
  if (accumulatorIsTarget) return;
  if (size === 4) x.setGpr(RAX, 8, x.op("select64", accumulator, x.op("zext32", old), equal));
  else x.setGpr(RAX, size, x.sized("select", size, accumulator, old, equal));
}

/** ZF = equal; the other flags stay. */
export function setZeroFlag(x: Lift, equal: Value): void {
  const image = x.op("flagsImage", FLAG_RESULT, FLAG_AUX);
  const cleared = x.op("and32", image, x.const(~0x40));
  x.op("flagsSet", x.op("or32", cleared, x.op("shl32", equal, x.const(6))));
  x.flagsOther();
}

function compareExchange8(x: Lift): void {
  const address = x.address();
  const old = x.load(address, 8, true);
  const high = (value: Value) => x.op("shl64", x.op("zext32", value), x.const(32));
  const expected = x.op("or64", high(x.gpr(RDX)), x.op("zext32", x.gpr(RAX)));
  const replacement = x.op("or64", high(x.gpr(RCX)), x.op("zext32", x.gpr(RBX)));
  const equal = x.op("eq64", old, expected);
  x.store(address, 8, x.op("select64", replacement, old, equal));
  setZeroFlag(x, equal);
  const oldHigh = x.op("shrU64", old, x.const(32));
  x.setGpr(RAX, 8, x.op("select64", x.gpr(RAX), x.op("zext32", old), equal));
  x.setGpr(RDX, 8, x.op("select64", x.gpr(RDX), oldHigh, equal));
}

function compareExchange16(x: Lift): void {
  const address = x.address();
  const linear = x.op("eaDisp64", address.slot, address.disp);
  const misaligned = x.op("and64", linear, x.const(15));
  x.trapIf(x.op("ne64", misaligned, x.const(0)), 13);
  const lo = x.load(address, 8, true);
  const hi = x.load(address, 8, true, 8);
  const equal = x.op("and32", x.op("eq64", lo, x.gpr(RAX)), x.op("eq64", hi, x.gpr(RDX)));
  x.store(address, 8, x.op("select64", x.gpr(RBX), lo, equal));
  x.store(address, 8, x.op("select64", x.gpr(RCX), hi, equal), 8);
  setZeroFlag(x, equal);
  x.setGpr(RAX, 8, x.op("select64", x.gpr(RAX), lo, equal));
  x.setGpr(RDX, 8, x.op("select64", x.gpr(RDX), hi, equal));
}

export const arithLifters: LifterTable = {
  add: addSub("add"),
  sub: addSub("sub"),
  cmp: addSub("sub", false),
  adc: withCarry("add"),
  sbb: withCarry("sub"),
  and: logic("and"),
  or: logic("or"),
  xor: logic("xor"),
  test: logic("and", false),
  inc: step("add"),
  dec: step("sub"),
  neg: (x) => {
    const size = x.operand(0).size;
    x.readModifyWrite();
    const value = x.read(0);
    const zero = x.const(0);
    const result = x.sized("sub", size, zero, value);
    x.write(0, result);
    x.flagsSub(size, zero, value, result);
  },
  not: (x) => {
    const size = x.operand(0).size;
    x.readModifyWrite();
    x.write(0, x.sized("not", size, x.read(0)));
  },
  xadd: (x) => {
    const size = x.operand(0).size;
    x.readModifyWrite();
    const a = x.read(0);
    const b = x.read(1);
    const result = x.sized("add", size, a, b);
    x.flagsAdd(size, a, b, result);
    // Of two writes to one register the sum is the last.
    if (x.isMem(0)) {
      x.write(0, result);
      x.write(1, a);
    } else {
      x.write(1, size === 8 ? x.op("mov64", a) : x.op("mov32", a));
      x.write(0, result);
    }
  },
  cmpxchg: compareExchange,
  cmpxchg8b: compareExchange8,
  cmpxchg16b: compareExchange16,
  mul: multiply(false),
  imul: (x) => (x.operand(1).kind === OperandKind.none ? multiply(true)(x) : multiplyTruncated(x)),
  div: divide(false),
  idiv: divide(true),
};
