/**
 * Emitters of the flag words (layout: src/isa/cpu-block.ts) and of conditions. SDM volume 1, section 3.4.3.1 and volume 2
 * appendix "EFLAGS condition codes".
 */
import { W } from "../../wasm/opcodes.ts";
import type { Emit, Emitter, EmitterTable, FlagEmitter } from "./emitter.ts";

type Size = 8 | 16 | 32 | 64;

function ops(size: Size) {
  return size === 64
    ? { add: W.i64_add, sub: W.i64_sub, xor: W.i64_xor, and: W.i64_and, ltU: W.i64_lt_u, shrU: W.i64_shr_u }
    : { add: W.i32_add, sub: W.i32_sub, xor: W.i32_xor, and: W.i32_and, ltU: W.i32_lt_u, shrU: W.i32_shr_u };
}

/** The result sign-extended to 64 bits. */
function pushResult(e: Emit, index: number, size: Size): void {
  e.push(index);
  if (size === 64) return;
  if (size === 8) e.c.op(W.i32_extend8_s);
  if (size === 16) e.c.op(W.i32_extend16_s);
  e.c.op(W.i64_extend_i32_s);
}

/** Pushes an i32 local cut to the operation's size (zero-extended), or the i64 local. */
function pushCut(e: Emit, local: number, size: Size): void {
  e.c.get(local);
  if (size === 8 || size === 16) {
    e.c.i32Const(size === 8 ? 0xff : 0xffff);
    e.c.op(W.i32_and);
  }
}

/** Turns the wide value on the stack, in whose bit `size - 1` the answer stands, into OF's place (bit 11) as i32. */
function signToOverflow(e: Emit, size: Size): void {
  if (size === 64) {
    e.c.i64Const(52);
    e.c.op(W.i64_shr_u);
    e.c.op(W.i32_wrap_i64);
  } else if (size === 32) {
    e.c.i32Const(20);
    e.c.op(W.i32_shr_u);
  } else if (size === 16) {
    e.c.i32Const(4);
    e.c.op(W.i32_shr_u);
  } else {
    e.c.i32Const(4);
    e.c.op(W.i32_shl);
  }
  e.c.i32Const(0x800);
  e.c.op(W.i32_and);
}

/**
 * CF, AF, OF of r = a + b + c or r = a - b - c, from b, r and c: a is recovered from them. Carry out of an addition is
 * (a & b) | ((a | b) & ~r) in its top bit; without carry-in it is r < b.
 */
function auxOf(kind: "Add" | "Sub", size: Size, carryIn: boolean): Emitter {
  return (e) => {
    const c = e.c;
    const o = ops(size);
    const type = size === 64 ? "i64" : "i32";
    const b = e.local(0);
    const r = e.local(1);
    const a = e.scratch(type, 0);
    // a = r - b - c for additions, r + b + c for subtractions.
    c.get(r);
    c.get(b);
    c.op(kind === "Add" ? o.sub : o.add);
    if (carryIn) {
      e.push(2);
      if (size === 64) c.op(W.i64_extend_i32_u);
      c.op(kind === "Add" ? o.sub : o.add);
    }
    c.set(a);
    // CF
    if (!carryIn) {
      pushCut(e, kind === "Add" ? r : a, size);
      pushCut(e, b, size);
      c.op(o.ltU);
    } else {
      // Carry: r < b, or r == b with a carry in. Borrow: a < b, or a == b with a borrow in.
      const left = kind === "Add" ? r : a;
      pushCut(e, left, size);
      pushCut(e, b, size);
      c.op(o.ltU);
      pushCut(e, left, size);
      pushCut(e, b, size);
      c.op(size === 64 ? W.i64_eq : W.i32_eq);
      e.push(2);
      c.op(W.i32_and);
      c.op(W.i32_or);
    }
    // AF: bit 4 of a ^ b ^ r.
    c.get(a);
    c.get(b);
    c.op(o.xor);
    c.get(r);
    c.op(o.xor);
    if (size === 64) c.op(W.i32_wrap_i64);
    c.i32Const(0x10);
    c.op(W.i32_and);
    c.op(W.i32_or);
    // OF: Add (a ^ r) & (b ^ r), Sub (a ^ b) & (a ^ r), top bit.
    c.get(a);
    c.get(kind === "Add" ? r : b);
    c.op(o.xor);
    c.get(kind === "Add" ? b : a);
    c.get(r);
    c.op(o.xor);
    c.op(o.and);
    signToOverflow(e, size);
    c.op(W.i32_or);
  };
}

/** INC, DEC: OF when the result is the smallest (largest) value, AF when the low digit wrapped; CF stays. */
function auxStep(kind: "Inc" | "Dec", size: Size): Emitter {
  return (e) => {
    const c = e.c;
    const r = e.local(0);
    const shift = 64 - size;
    const wide = () => {
      c.get(r);
      if (size !== 64) c.op(W.i64_extend_i32_u);
      c.i64Const(shift);
      c.op(W.i64_shl);
    };
    e.push(1);
    c.i32Const(1);
    c.op(W.i32_and);
    // OF: result is 0x80…0 after INC, 0x7f…f after DEC.
    wide();
    if (kind === "Dec") {
      // add one unit back: 0x7f…f becomes 0x80…0
      if (shift < 32) c.i64Const(1, 0);
      else c.i64Const(0, 1 << (shift - 32));
      c.op(W.i64_add);
    }
    c.i64Const(0, 0x8000_0000 | 0);
    c.op(W.i64_eq);
    c.i32Const(11);
    c.op(W.i32_shl);
    c.op(W.i32_or);
    // AF: low digit 0 after INC, 15 after DEC.
    c.get(r);
    if (size === 64) c.op(W.i32_wrap_i64);
    c.i32Const(15);
    c.op(W.i32_and);
    c.i32Const(kind === "Inc" ? 0 : 15);
    c.op(W.i32_eq);
    c.i32Const(4);
    c.op(W.i32_shl);
    c.op(W.i32_or);
  };
}

/**
 * CF, OF and AF of a shift, from the operand extended to 64 bits, the 64-bit result and the count (at least 1). What the SDM
 * leaves undefined is as AMD's family 19h has it: AF is set, OF of counts above 1 follows the rule for 1.
 */
function auxShift(kind: "Shl" | "Shr" | "Sar", size: Size): Emitter {
  return (e) => {
    const c = e.c;
    /** Bit `bit` of argument `index`, as i32. */
    const pushBit = (index: number, bit: number) => {
      e.push(index);
      c.i64Const(bit);
      c.op(W.i64_shr_u);
      c.op(W.i32_wrap_i64);
      c.i32Const(1);
      c.op(W.i32_and);
    };
    const carry = e.scratch("i32", 2);
    if (kind === "Shl" && size < 64) pushBit(1, size);
    else {
      // The bit shifted out last: of 64 for SHL, bit 64 - count; else bit count - 1.
      e.push(0);
      if (kind === "Shl") c.i32Const(0);
      e.push(2);
      if (kind !== "Shl") c.i32Const(1);
      c.op(W.i32_sub);
      c.op(W.i64_extend_i32_u);
      c.op(kind === "Sar" ? W.i64_shr_s : W.i64_shr_u);
      c.op(W.i32_wrap_i64);
      c.i32Const(1);
      c.op(W.i32_and);
    }
    c.tee(carry);
    c.i32Const(0x10);
    c.op(W.i32_or);
    if (kind === "Sar") return;
    // OF: for SHL the carry against the new sign, for SHR the bit below the sign (for a count of 1 the old sign).
    if (kind === "Shl") {
      pushBit(1, size - 1);
      c.get(carry);
      c.op(W.i32_xor);
    } else pushBit(1, size - 2);
    c.i32Const(11);
    c.op(W.i32_shl);
    c.op(W.i32_or);
  };
}

/** The low `size` bits of a 64-bit result, sign-extended. */
function pushNarrowed(e: Emit, index: number, size: Size): void {
  e.push(index);
  if (size === 8) e.c.op(W.i64_extend8_s);
  if (size === 16) e.c.op(W.i64_extend16_s);
  if (size === 32) e.c.op(W.i64_extend32_s);
}

function pushAuxBit(e: Emit, mask: number): void {
  e.push(1);
  e.c.i32Const(mask);
  e.c.op(W.i32_and);
}

/** SF as 0 or 1. */
function pushSign(e: Emit): void {
  e.push(0);
  e.c.i64Const(63);
  e.c.op(W.i64_shr_u);
  e.c.op(W.i32_wrap_i64);
  e.push(1);
  e.c.i32Const(31);
  e.c.op(W.i32_shr_u);
  e.c.op(W.i32_xor);
}

/** PF as 0 or 1: even parity of the low byte of result ^ (aux >> 16). */
function pushParity(e: Emit): void {
  e.push(0);
  e.c.op(W.i32_wrap_i64);
  e.push(1);
  e.c.i32Const(16);
  e.c.op(W.i32_shr_u);
  e.c.op(W.i32_xor);
  e.c.i32Const(0xff);
  e.c.op(W.i32_and);
  e.c.op(W.i32_popcnt);
  e.c.i32Const(1);
  e.c.op(W.i32_and);
  e.c.op(W.i32_eqz);
}

function pushZero(e: Emit): void {
  e.push(0);
  e.c.op(W.i64_eqz);
}

function pushOverflow(e: Emit): void {
  e.push(1);
  e.c.i32Const(11);
  e.c.op(W.i32_shr_u);
  e.c.i32Const(1);
  e.c.op(W.i32_and);
}

function pushLess(e: Emit): void {
  pushSign(e);
  pushOverflow(e);
  e.c.op(W.i32_xor);
}

/** EFLAGS image → words. ZF wants result 0; SF and PF are then set by their correction bits in aux. */
const flagsSet: FlagEmitter = {
  // result = ZF ? 0 : 1
  result: (e) => {
    e.push(0);
    e.c.i32Const(6);
    e.c.op(W.i32_shr_u);
    e.c.i32Const(1);
    e.c.op(W.i32_and);
    e.c.op(W.i32_eqz);
    e.c.op(W.i64_extend_i32_u);
  },
  // aux = CF|AF|OF, SF to bit 31, and in bits 16–23 a byte whose parity with the result's low byte is PF:
  // the result's low byte is !ZF, so the correction is !ZF ^ !PF in bit 16.
  aux: (e) => {
    const c = e.c;
    const f = e.local(0);
    c.get(f);
    c.i32Const(0x811);
    c.op(W.i32_and);
    c.get(f);
    c.i32Const(24);
    c.op(W.i32_shl);
    c.i32Const(0x8000_0000 | 0);
    c.op(W.i32_and);
    c.op(W.i32_or);
    c.get(f);
    c.i32Const(6);
    c.op(W.i32_shr_u);
    c.get(f);
    c.i32Const(2);
    c.op(W.i32_shr_u);
    c.op(W.i32_xor);
    c.i32Const(1);
    c.op(W.i32_and);
    c.i32Const(16);
    c.op(W.i32_shl);
    c.op(W.i32_or);
  },
};

/** UCOMISD of two bit patterns: ZF and CF as the SDM's table has them; PF only if the floats are unordered, and ZF is set then. */
function flagsUcomi(float: "f64" | "f32", reinterpret: number): FlagEmitter {
  const compare = (e: Emit, opcode: number) => {
    for (const index of [0, 1]) {
      e.push(index);
      e.c.op(reinterpret);
    }
    e.c.op(opcode);
  };
  return {
    // result = ZF ? 0 : 1
    result: (e) => {
      compare(e, W[`${float}_lt`]);
      compare(e, W[`${float}_gt`]);
      e.c.op(W.i32_or);
      e.c.op(W.i64_extend_i32_u);
    },
    // aux = CF, and in bit 16 the correction !ZF ^ !PF (see flagsSet)
    aux: (e) => {
      compare(e, W[`${float}_ge`]);
      e.c.op(W.i32_eqz);
      compare(e, W[`${float}_eq`]);
      e.c.i32Const(16);
      e.c.op(W.i32_shl);
      e.c.op(W.i32_or);
    },
  };
}

export const flagEmitters: EmitterTable = {
  flagsUcomi64: flagsUcomi("f64", W.f64_reinterpret_i64),
  flagsUcomi32: flagsUcomi("f32", W.f32_reinterpret_i32),
  condO: (e) => pushOverflow(e),
  condB: (e) => pushAuxBit(e, 1),
  condZ: pushZero,
  condBE: (e) => {
    pushAuxBit(e, 1);
    pushZero(e);
    e.c.op(W.i32_or);
  },
  condS: pushSign,
  condP: pushParity,
  condL: pushLess,
  condLE: (e) => {
    pushLess(e);
    pushZero(e);
    e.c.op(W.i32_or);
  },
  flagsImage: (e) => {
    const c = e.c;
    pushAuxBit(e, 0x811);
    pushParity(e);
    c.i32Const(2);
    c.op(W.i32_shl);
    c.op(W.i32_or);
    pushZero(e);
    c.i32Const(6);
    c.op(W.i32_shl);
    c.op(W.i32_or);
    pushSign(e);
    c.i32Const(7);
    c.op(W.i32_shl);
    c.op(W.i32_or);
  },
  flagsSet,
};

for (const size of [8, 16, 32, 64] as const) {
  for (const kind of ["Add", "Sub"] as const) {
    flagEmitters[`flags${kind}${size}`] = { result: (e) => pushResult(e, 1, size), aux: auxOf(kind, size, false) };
    flagEmitters[`flags${kind}C${size}`] = { result: (e) => pushResult(e, 1, size), aux: auxOf(kind, size, true) };
  }
  for (const kind of ["Inc", "Dec"] as const) {
    flagEmitters[`flags${kind}${size}`] = { result: (e) => pushResult(e, 0, size), aux: auxStep(kind, size) };
  }
  flagEmitters[`flagsLogic${size}`] = { result: (e) => pushResult(e, 0, size), aux: (e) => e.c.i32Const(0) };
  for (const kind of ["Shl", "Shr", "Sar"] as const) {
    const emitter = { result: (e: Emit) => pushNarrowed(e, 1, size), aux: auxShift(kind, size) };
    flagEmitters[`flags${kind}${size}`] = emitter;
    flagEmitters[`flags${kind}V${size}`] = { ...emitter, when: (e) => e.push(2) };
  }
}
