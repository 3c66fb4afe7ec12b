/** BMI1, BMI2 and ADX. SDM volume 1, sections 5.22 and 5.1.13; volume 2 for each instruction. */
import { FLAG_AUX } from "../cpu-block.ts";
import type { Value } from "../ir/builder.ts";
import { type Lift, type Lifter, type LifterTable, RDX } from "./context.ts";

/** ZF and SF by the result, CF as given (0 or 1), OF clear. */
function setFlags(x: Lift, size: number, result: Value, carry: Value): void {
  x.setFlagWords(size === 8 ? result : x.op("sext32to64", result), carry);
}

/** BLSI, BLSMSK, BLSR: `compute` of the source and the source less one; CF = source is 0 (BLSI: is not). */
function lowestBit(compute: (x: Lift, size: number, source: Value) => Value, carryIfZero: boolean): Lifter {
  return (x) => {
    const size = x.operand(0).size;
    const source = x.read(1);
    const result = compute(x, size, source);
    const zero = x.sized("eqz", size, source);
    setFlags(x, size, result, carryIfZero ? zero : x.op("eqz32", zero));
    x.write(0, result);
  };
}

function lessOne(x: Lift, size: number, value: Value): Value {
  return x.sized("sub", size, value, x.const(1));
}

/** SARX, SHLX, SHRX: the count is masked, no flags change. */
function shiftWithoutFlags(op: string): Lifter {
  return (x) => {
    const size = x.operand(0).size;
    const value = x.read(1);
    const count = x.op("and32", x.read(2), x.const(8 * size - 1));
    x.write(0, x.sized(op, size, value, count));
  };
}

/** Bits [0, count) set, as 64 bits; all from a count of 64 on. */
function lowMask(x: Lift, count: Value): Value {
  const mask = x.op("sub64", x.op("shl64", x.const(1), count), x.const(1));
  return x.op("select64", mask, x.const(-1), x.op("ltU64", count, x.const(64)));
}

function bitField(x: Lift): void {
  const size = x.operand(0).size;
  const source = x.read(1);
  const control = x.read(2);
  const start = x.op("zext8", control);
  const length = x.op("zext8", x.op("shrU32", control, x.const(8)));
  const wide = size === 8 ? source : x.op("zext32", source);
  const shifted = x.op("select64", x.op("shrU64", wide, start), x.const(0), x.op("ltU64", start, x.const(64)));
  const result = x.op("and64", shifted, lowMask(x, length));
  // AF and SF are undefined in the SDM: AMD's family 19h sets AF and clears SF (bit 31 of the auxiliary word turns it round).
  const high = size === 8 ? x.op("shrU64", result, x.const(32)) : result;
  setFlags(x, size, result, x.op("or32", x.op("and32", high, x.const(0x8000_0000 | 0)), x.const(0x10)));
  x.write(0, size === 8 ? result : x.op("mov32", result));
}

function zeroHigh(x: Lift): void {
  const size = x.operand(0).size;
  const source = x.read(1);
  const count = x.op("zext8", x.read(2));
  const result = x.op("and64", size === 8 ? source : x.op("zext32", source), lowMask(x, count));
  setFlags(x, size, result, x.op("eqz32", x.op("ltU32", count, x.const(8 * size))));
  x.write(0, size === 8 ? result : x.op("mov32", result));
}

/** MULX: the high half to operand 0, the low to operand 1; of one register the high half stays. */
function multiply(x: Lift): void {
  const size = x.operand(0).size;
  const factor = x.read(2);
  if (size === 8) {
    const low = x.op("mul64", x.gpr(RDX), factor);
    const high = x.op("mulHiU64", x.gpr(RDX), factor);
    if (x.operand(0).reg !== x.operand(1).reg) x.write(1, low);
    x.write(0, high);
    return;
  }
  const product = x.op("mul64", x.op("zext32", x.gpr(RDX)), x.op("zext32", factor));
  if (x.operand(0).reg !== x.operand(1).reg) x.write(1, x.op("mov32", product));
  x.write(0, x.op("mov32", x.op("shrU64", product, x.const(32))));
}

/** PDEP, PEXT: the mask is the last operand. */
function bits(name: string): Lifter {
  return (x) => {
    const size = x.operand(0).size;
    const source = x.read(1);
    const mask = x.read(2);
    if (size === 8) x.write(0, x.op(`h_${name}64`, source, mask));
    else x.write(0, x.op("mov32", x.op(`h_${name}64`, x.op("zext32", source), x.op("zext32", mask))));
  };
}

/** ADCX, ADOX: the carry goes in and out through bit `flag` of EFLAGS alone (CF 0, OF 11). */
function addWithFlag(flag: 0 | 11): Lifter {
  return (x) => {
    const size = x.operand(0).size;
    const b = x.read(1);
    const a = x.read(0);
    const carryIn = x.op("and32", x.op("shrU32", FLAG_AUX, x.const(flag)), x.const(1));
    const partial = x.sized("add", size, a, b);
    const result = x.sized("add", size, partial, carryIn);
    const carryOut = x.op("or32", x.sized("ltU", size, partial, a), x.sized("ltU", size, result, partial));
    const kept = x.op("and32", FLAG_AUX, x.const(~(1 << flag)));
    x.setAux(x.op("or32", kept, x.op("shl32", carryOut, x.const(flag))));
    x.write(0, result);
  };
}

export const bmiLifters: LifterTable = {
  andn: (x) => {
    const size = x.operand(0).size;
    const b = x.read(2);
    const result = x.sized("and", size, x.sized("not", size, x.read(1)), b);
    x.flagsLogic(size, result);
    x.write(0, result);
  },
  blsi: lowestBit((x, size, value) => x.sized("and", size, value, x.sized("neg", size, value)), false),
  blsmsk: lowestBit((x, size, value) => x.sized("xor", size, value, lessOne(x, size, value)), true),
  blsr: lowestBit((x, size, value) => x.sized("and", size, value, lessOne(x, size, value)), true),
  bextr: bitField,
  bzhi: zeroHigh,
  mulx: multiply,
  pdep: bits("pdep"),
  pext: bits("pext"),
  rorx: (x) => {
    const size = x.operand(0).size;
    x.write(0, x.sized("rotr", size, x.read(1), x.const(x.insn.immLo & (8 * size - 1))));
  },
  sarx: shiftWithoutFlags("shrS"),
  shlx: shiftWithoutFlags("shl"),
  shrx: shiftWithoutFlags("shrU"),
  adcx: addWithFlag(0),
  adox: addWithFlag(11),
};
