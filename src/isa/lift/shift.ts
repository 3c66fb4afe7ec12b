/** Shifts, rotates and bit tests. SDM volume 2, "SAL/SAR/SHL/SHR", "RCL/RCR/ROL/ROR", "SHLD", "BT". */
import { FLAG_AUX, FLAG_RESULT } from "../cpu-block.ts";
import { OperandKind } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import { CONST_SLOT } from "../ir/ops.ts";
import { setZeroFlag } from "./arith.ts";
import { type Lift, type LifterTable, RCX } from "./context.ts";
import { stringAddress } from "./move.ts";

/** The masked count as a number if the instruction holds it, else as a value. */
function shiftCount(x: Lift, index: number, size: number): number | Value {
  const mask = size === 8 ? 63 : 31;
  const operand = x.operand(index);
  if (operand.kind === OperandKind.imm) return x.const(x.insn.immLo & mask);
  if (operand.kind === OperandKind.one) return x.const(1);
  return x.op("and32", x.gpr(RCX), x.const(mask));
}

function constantOf(x: Lift, value: Value): number | undefined {
  return value >= CONST_SLOT ? (x.b.constLo[value - CONST_SLOT] as number) : undefined;
}

/** The low `size` bytes zero- or sign-extended to 64 bits. */
function widen(x: Lift, value: Value, size: number, signed: boolean): Value {
  if (size === 8) return value;
  if (signed) return x.op(`sext${8 * size}to64`, value);
  return x.op("zext32", x.zeroExtend(value, size));
}

/** Bit `bit` of a 64-bit value as 0 or 1. */
function bitOf(x: Lift, value: Value, bit: number): Value {
  const shifted = bit === 0 ? value : x.op("shrU64", value, x.const(bit));
  return x.op("and32", shifted, x.const(1));
}

/**
 * Writes result and flags, the latter only if the count is not 0. `of` and `cf` are 0 or 1. What the SDM leaves undefined is as
 * AMD's family 19h has it: OF of counts above 1 by the rule for 1, AF set by shifts.
 */
function finish(x: Lift, size: number, count: Value, result: Value, cf: Value, of: Value, all: boolean): void {
  const carryOverflow = x.op("or32", cf, x.op("shl32", of, x.const(11)));
  const others = all ? x.const(0x10) : x.op("and32", FLAG_AUX, x.const(~0x801));
  const aux = x.op("or32", others, carryOverflow);
  const extended = all ? (size === 8 ? result : x.op(`sext${8 * size}to64`, result)) : FLAG_RESULT;
  if (constantOf(x, count) !== undefined) {
    if (all) x.setFlagWords(extended, aux);
    else x.setAux(aux);
  } else {
    const changed = x.op("ne32", count, x.const(0));
    const newAux = x.op("select32", aux, FLAG_AUX, changed);
    if (all) x.setFlagWords(x.op("select64", extended, FLAG_RESULT, changed), newAux);
    else x.setAux(newAux);
  }
  x.write(0, size === 4 ? x.op("mov32", result) : result);
}

/** A count of 0 changes nothing but clears the upper half of a 32-bit register. */
function isNothing(x: Lift, count: Value, size: number): boolean {
  if (constantOf(x, count) !== 0) return false;
  const value = x.read(0);
  if (!x.isMem(0) && size === 4) x.write(0, x.op("mov32", value));
  return true;
}

function shift(kind: "shl" | "shr" | "sar") {
  return (x: Lift) => {
    const size = x.operand(0).size;
    const bits = 8 * size;
    x.readModifyWrite();
    const count = shiftCount(x, 1, size);
    if (isNothing(x, count, size)) return;
    const value = widen(x, x.read(0), size, kind === "sar");
    // The i64 shifts read the whole slot of the count, which and32 and constants zero-extend.
    const name = { shl: "shl64", shr: "shrU64", sar: "shrS64" }[kind];
    const result = x.op(name, value, count);
    // A variable count may be 0, which leaves the flags alone.
    const variable = constantOf(x, count) === undefined;
    const flags = { shl: "Shl", shr: "Shr", sar: "Sar" }[kind];
    x.op(`flags${flags}${variable ? "V" : ""}${bits}`, value, result, count);
    if (variable) x.flagsOther();
    else x.b.flagsAre({ kind: "other", size, a: -1, b: -1, result });
    x.write(0, size === 4 ? x.op("mov32", result) : result);
  };
}

function rotate(kind: "rol" | "ror") {
  return (x: Lift) => {
    const size = x.operand(0).size;
    const bits = 8 * size;
    x.readModifyWrite();
    const count = shiftCount(x, 1, size);
    if (isNothing(x, count, size)) return;
    const value = x.read(0);
    let result: Value;
    if (size >= 4) result = x.sized(kind === "rol" ? "rotl" : "rotr", size, value, count);
    else {
      // Fill 32 bits with copies, then rotate those.
      const cut = x.zeroExtend(value, size);
      let copies = x.op("or32", cut, x.op("shl32", cut, x.const(bits)));
      if (size === 1) copies = x.op("or32", copies, x.op("shl32", copies, x.const(16)));
      result = x.op(kind === "rol" ? "rotl32" : "rotr32", copies, count);
    }
    const top = bitOf(x, result, bits - 1);
    const cf = kind === "rol" ? bitOf(x, result, 0) : top;
    const of = x.op("xor32", top, kind === "rol" ? cf : bitOf(x, result, bits - 2));
    finish(x, size, count, result, cf, of, false);
  };
}

/** RCL, RCR: the value with CF above it is a ring of bits + 1. */
function rotateThroughCarry(left: boolean) {
  return (x: Lift) => {
    const size = x.operand(0).size;
    const bits = 8 * size;
    x.readModifyWrite();
    const masked = shiftCount(x, 1, size);
    if (isNothing(x, masked, size)) return;
    const known = constantOf(x, masked);
    let count = masked;
    if (size < 4) count = known === undefined ? x.op("remU32", count, x.const(bits + 1)) : x.const(known % (bits + 1));
    const value = widen(x, x.read(0), size, false);
    const carryIn = x.carry();
    const c64 = x.op("zext32", count);
    const minus = x.op("sub64", x.const(size === 8 ? 64 : bits + 1), c64);
    let result: Value;
    let cf: Value;
    if (size === 8) {
      const carryWide = x.op("zext32", carryIn);
      const less = x.op("sub64", c64, x.const(1));
      const half = x.op(left ? "shrU64" : "shl64", value, x.const(1));
      const inner = x.op(
        "or64",
        x.op(left ? "shl64" : "shrU64", value, c64),
        x.op(left ? "shrU64" : "shl64", half, minus),
      );
      result = x.op("or64", inner, x.op("shl64", carryWide, left ? less : minus));
      cf = left ? bitOf(x, x.op("shrU64", value, minus), 0) : bitOf(x, x.op("shrU64", value, less), 0);
    } else {
      const ring = x.op("or64", value, x.op("shl64", x.op("zext32", carryIn), x.const(bits)));
      const [forward, back] = left ? ["shl64", "shrU64"] : ["shrU64", "shl64"];
      result = x.op("or64", x.op(forward as string, ring, c64), x.op(back as string, ring, minus));
      cf = bitOf(x, result, bits);
    }
    const overflow = () => x.op("xor32", bitOf(x, result, bits - 1), left ? cf : bitOf(x, result, bits - 2));
    if (constantOf(x, count) === undefined) {
      const changed = x.op("ne32", count, x.const(0));
      cf = x.op("select32", cf, carryIn, changed);
      result = x.op("select64", result, value, changed);
      // A whole turn (9 of 8 bits, 17 of 16) leaves CF and the operand, but sets OF.
      const oldOf = bitOf(x, FLAG_AUX, 11);
      const turned = size < 4 ? x.op("ne32", masked, x.const(0)) : changed;
      finish(x, size, x.const(1), result, cf, x.op("select32", overflow(), oldOf, turned), false);
    } else finish(x, size, x.const(1), result, cf, overflow(), false);
  };
}

/**
 * SHLD, SHRD. For 16-bit operands a count above 16 is undefined; as on hardware the source comes round again. CF and OF are
 * those of SHL and SHR, but that OF of SHRD sees the bits shifted in.
 */
function doubleShift(left: boolean) {
  return (x: Lift) => {
    const size = x.operand(0).size;
    const bits = 8 * size;
    x.readModifyWrite();
    const count = shiftCount(x, 2, size);
    if (isNothing(x, count, size)) return;
    const value = widen(x, x.read(0), size, false);
    const source = widen(x, x.read(1), size, false);
    const c64 = x.op("zext32", count);
    let result: Value;
    let cf: Value;
    let top: Value | undefined;
    if (size === 8) {
      const minus = x.op("sub64", x.const(63), c64);
      const half = x.op(left ? "shrU64" : "shl64", source, x.const(1));
      const other = x.op(left ? "shrU64" : "shl64", half, minus);
      result = x.op("or64", x.op(left ? "shl64" : "shrU64", value, c64), other);
      cf = left
        ? bitOf(x, x.op("shrU64", value, x.op("sub64", x.const(64), c64)), 0)
        : bitOf(x, x.op("shrU64", value, x.op("sub64", c64, x.const(1))), 0);
    } else if (left) {
      // value:source, and for 16 bits source:value:source (bits above 31 take part for counts above 16)
      let ring = x.op("or64", x.op("shl64", value, x.const(bits)), source);
      if (size === 2) ring = x.op("or64", x.op("shl64", ring, x.const(16)), source);
      result = x.op("shrU64", x.op("shl64", ring, c64), x.const(size === 2 ? 32 : bits));
      top = x.op("shl64", value, c64);
      cf = bitOf(x, top, bits);
    } else {
      let ring = x.op("or64", value, x.op("shl64", source, x.const(bits)));
      if (size === 2) ring = x.op("or64", ring, x.op("shl64", source, x.const(32)));
      result = x.op("shrU64", ring, c64);
      cf = bitOf(x, x.op("shrU64", value, x.op("sub64", c64, x.const(1))), 0);
    }
    const of = left
      ? x.op("xor32", bitOf(x, top ?? result, bits - 1), cf)
      : x.op("xor32", bitOf(x, result, bits - 1), bitOf(x, result, bits - 2));
    finish(x, size, count, result, cf, of, true);
  };
}

/** CF = bit; the other flags stay. */
function setCarry(x: Lift, bit: Value): void {
  x.setAux(x.op("or32", x.op("and32", FLAG_AUX, x.const(~1)), bit));
}

function bitTest(change: "none" | "set" | "reset" | "complement") {
  return (x: Lift) => {
    const size = x.operand(0).size;
    const bits = 8 * size;
    const immediate = x.operand(1).kind === OperandKind.imm;
    const writes = change !== "none";
    const log = 31 - Math.clz32(bits);
    let value: Value;
    let store: (result: Value) => void = (result) => x.write(0, result);
    const offset = immediate ? x.const(x.insn.immLo & (bits - 1)) : x.read(1);
    if (x.isMem(0) && !immediate) {
      // The register is a signed bit offset from the operand's address.
      const wide = size === 8 ? offset : x.op(`sext${bits}to64`, offset);
      const element = x.op("shl64", x.op("shrS64", wide, x.const(log)), x.const(log - 3));
      const { addressSize, segment } = x.insn;
      const base = x.effectiveAddress(addressSize);
      const sum = x.op(addressSize === 8 ? "ea64" : "ea32", base, element, 0, 0);
      const address = stringAddress(x, addressSize === 2 ? x.op("zext16", sum) : sum, segment);
      if (writes) x.writesSegment();
      value = x.load(address, size, writes);
      store = (result) => x.store(address, size, result);
    } else {
      if (writes) x.readModifyWrite();
      value = x.read(0);
    }
    const place = immediate ? offset : x.op("and32", offset, x.const(bits - 1));
    const bit = x.op("and32", x.op(size === 8 ? "shrU64" : "shrU32", value, place), x.const(1));
    setCarry(x, bit);
    if (!writes) return;
    const mask = x.sized("shl", size, x.const(1), place);
    if (change === "set") store(x.sized("or", size, value, mask));
    else if (change === "complement") store(x.sized("xor", size, value, mask));
    else store(x.sized("and", size, value, x.sized("not", size, mask)));
  };
}

/** BSF, BSR: a zero source sets ZF and leaves the destination; the other flags stay (AMD64 APM; SDM: undefined). */
function bitScan(forward: boolean) {
  return (x: Lift) => {
    const size = x.operand(0).size;
    const source = x.readZ(1);
    const name = forward ? "ctz" : "clz";
    let index = x.sized(name, size, source);
    if (!forward) index = x.sized("xor", size, index, x.const(size === 8 ? 63 : 31));
    const zero = x.sized("eqz", size, source);
    setZeroFlag(x, zero);
    if (size === 4) x.setGpr(x.operand(0).reg, 8, x.op("select64", x.read(0), x.op("zext32", index), zero));
    else x.write(0, x.sized("select", size, x.read(0), index, zero));
  };
}

/** TZCNT, LZCNT: CF = source is 0, ZF = result is 0. As on AMD's processors OF stays and the other flags are 0 (SDM: undefined). */
function countZeros(forward: boolean) {
  return (x: Lift) => {
    const size = x.operand(0).size;
    const bits = 8 * size;
    let source = x.readZ(1);
    const zero = x.sized("eqz", size, source);
    if (size === 2) source = forward ? x.op("or32", source, x.const(0x10000)) : source;
    let count = x.sized(forward ? "ctz" : "clz", size, source);
    if (size === 2 && !forward) count = x.op("sub32", count, x.const(32 - bits));
    const nothing = x.sized("eqz", size, count);
    const kept = x.op("and32", FLAG_AUX, x.const(0x800));
    // The result word 1 has odd parity, 0 needs a correction.
    const aux = x.op("or32", x.op("or32", kept, zero), x.op("shl32", nothing, x.const(16)));
    x.setFlagWords(x.op("zext32", x.op("eqz32", nothing)), aux);
    x.write(0, count);
  };
}

export const shiftLifters: LifterTable = {
  shl: shift("shl"),
  shr: shift("shr"),
  sar: shift("sar"),
  rol: rotate("rol"),
  ror: rotate("ror"),
  rcl: rotateThroughCarry(true),
  rcr: rotateThroughCarry(false),
  shld: doubleShift(true),
  shrd: doubleShift(false),
  bt: bitTest("none"),
  bts: bitTest("set"),
  btr: bitTest("reset"),
  btc: bitTest("complement"),
  bsf: bitScan(true),
  bsr: bitScan(false),
  tzcnt: countZeros(true),
  lzcnt: countZeros(false),
  popcnt: (x) => {
    const size = x.operand(0).size;
    const source = x.readZ(1);
    const zero = x.sized("eqz", size, source);
    // All flags but ZF are cleared: the result word 1 has odd parity, 0 needs a correction.
    x.setFlagWords(x.op("xor64", zero, x.const(1)), x.op("shl32", zero, x.const(16)));
    x.write(0, x.sized("popcnt", size, source));
  },
};
