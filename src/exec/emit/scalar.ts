/** Emitters of integer operations. */
import { BLOCK_VOID, W } from "../../wasm/opcodes.ts";
import type { Emitter, EmitterTable } from "./emitter.ts";

/** All arguments, then the opcodes. */
function plain(...opcodes: number[]): Emitter {
  return (e) => {
    e.pushAll();
    for (const opcode of opcodes) e.c.op(opcode);
  };
}

/** Unary with a constant: `x op constant` in 32 or 64 bits. */
function with32(constant: number, opcode: number): Emitter {
  return (e) => {
    e.push(0);
    e.c.i32Const(constant);
    e.c.op(opcode);
  };
}

function wide(name: string): number {
  return W[name as keyof typeof W];
}

const binary: Record<string, string> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  and: "and",
  or: "or",
  xor: "xor",
  shl: "shl",
  shrU: "shr_u",
  shrS: "shr_s",
  rotl: "rotl",
  rotr: "rotr",
  eq: "eq",
  ne: "ne",
  ltS: "lt_s",
  ltU: "lt_u",
  leS: "le_s",
  leU: "le_u",
  divU: "div_u",
  remU: "rem_u",
  divS: "div_s",
  remS: "rem_s",
  clz: "clz",
  ctz: "ctz",
  popcnt: "popcnt",
  eqz: "eqz",
};

function effectiveAddress(bits: 32 | 64): Emitter {
  return (e) => {
    const i64 = bits === 64;
    e.push(0);
    e.push(1);
    e.push(2);
    if (i64) e.c.op(W.i64_extend_i32_u);
    e.c.op(i64 ? W.i64_shl : W.i32_shl);
    e.c.op(i64 ? W.i64_add : W.i32_add);
    e.push(3);
    if (i64) e.c.op(W.i64_extend_i32_s);
    e.c.op(i64 ? W.i64_add : W.i32_add);
  };
}

/** The upper half of a 128-bit product, from four products of halves. */
function mulHigh(signed: boolean): Emitter {
  return (e) => {
    const c = e.c;
    const [a, b] = [e.local(0), e.local(1)];
    const [low, middle] = [e.scratch("i64", 3), e.scratch("i64", 4)];
    const half = (local: number, high: boolean) => {
      c.get(local);
      if (high) c.i64Const(32);
      else c.i64Const(-1, 0);
      c.op(high ? W.i64_shr_u : W.i64_and);
    };
    const product = (highA: boolean, highB: boolean) => {
      half(a, highA);
      half(b, highB);
      c.op(W.i64_mul);
    };
    // middle = a1 * b0 + (a0 * b0 >> 32); low = a0 * b1 + its low half: neither overflows 64 bits.
    product(true, false);
    product(false, false);
    c.i64Const(32);
    c.op(W.i64_shr_u);
    c.op(W.i64_add);
    c.set(middle);
    product(false, true);
    half(middle, false);
    c.op(W.i64_add);
    c.set(low);
    product(true, true);
    half(middle, true);
    c.op(W.i64_add);
    half(low, true);
    c.op(W.i64_add);
    if (!signed) return;
    for (const [sign, other] of [
      [a, b],
      [b, a],
    ] as const) {
      c.get(sign);
      c.i64Const(63);
      c.op(W.i64_shr_s);
      c.get(other);
      c.op(W.i64_and);
      c.op(W.i64_sub);
    }
  };
}

/** Of a 128-bit dividend: by one wasm operation where its upper half only extends the lower one, else by the helper. */
function divide128(name: "Quotient" | "Remainder" | "Overflows", signed: boolean): Emitter {
  return (e) => {
    const c = e.c;
    const [high, low, divisor] = [e.local(0), e.local(1), e.local(2)];
    const result = e.scratch(name === "Overflows" ? "i32" : "i64", 3);
    c.get(high);
    if (signed) {
      c.get(low);
      c.i64Const(63);
      c.op(W.i64_shr_s);
      c.op(W.i64_eq);
    } else c.op(W.i64_eqz);
    c.open(W.if, BLOCK_VOID);
    if (name === "Overflows") {
      // Only the smallest number by -1.
      c.get(low);
      c.i64Const(0, 0x8000_0000 | 0);
      c.op(W.i64_eq);
      c.get(divisor);
      c.i64Const(-1);
      c.op(W.i64_eq);
      c.op(W.i32_and);
    } else {
      c.get(low);
      c.get(divisor);
      const [quotient, remainder] = signed ? [W.i64_div_s, W.i64_rem_s] : [W.i64_div_u, W.i64_rem_u];
      c.op(name === "Quotient" ? quotient : remainder);
    }
    c.set(result);
    c.byte(W.else);
    for (const local of [high, low, divisor]) c.get(local);
    e.callHelper(`${signed ? "divs" : "divu"}${name}128`);
    c.set(result);
    c.end();
    c.get(result);
  };
}

export const scalarEmitters: EmitterTable = {
  divU128: divide128("Quotient", false),
  remU128: divide128("Remainder", false),
  divS128: divide128("Quotient", true),
  remS128: divide128("Remainder", true),
  divS128Overflows: divide128("Overflows", true),
  mulHiU64: mulHigh(false),
  mulHiS64: mulHigh(true),
  mov64: plain(),
  mov32: plain(),
  mov8: plain(),
  mov16: plain(),
  movLane32: plain(),
  movV: plain(),
  zext8: with32(0xff, W.i32_and),
  zext16: with32(0xffff, W.i32_and),
  sext8: plain(W.i32_extend8_s),
  sext16: plain(W.i32_extend16_s),
  sext8to64: plain(W.i64_extend_i32_u, W.i64_extend8_s),
  sext16to64: plain(W.i64_extend_i32_u, W.i64_extend16_s),
  sext32to64: plain(W.i64_extend_i32_s),
  zext32: plain(W.i64_extend_i32_u),
  not64: (e) => {
    e.push(0);
    e.c.i64Const(-1);
    e.c.op(W.i64_xor);
  },
  not32: with32(-1, W.i32_xor),
  neg64: (e) => {
    e.c.i64Const(0);
    e.push(0);
    e.c.op(W.i64_sub);
  },
  neg32: (e) => {
    e.c.i32Const(0);
    e.push(0);
    e.c.op(W.i32_sub);
  },
  bswap32: (e) => {
    const x = e.local(0);
    e.c.get(x);
    e.c.i32Const(8);
    e.c.op(W.i32_rotl);
    e.c.i32Const(0x00ff_00ff);
    e.c.op(W.i32_and);
    e.c.get(x);
    e.c.i32Const(8);
    e.c.op(W.i32_rotr);
    e.c.i32Const(0xff00_ff00 | 0);
    e.c.op(W.i32_and);
    e.c.op(W.i32_or);
  },
  bswap64: (e) => {
    const c = e.c;
    const x = e.local(0);
    const y = e.scratch("i64", 3);
    c.get(x);
    c.set(y);
    for (const [mask, shift] of [
      [0x00ff_00ff, 8],
      [0x0000_ffff, 16],
    ] as const) {
      c.get(y);
      c.i64Const(shift);
      c.op(W.i64_shr_u);
      c.i64Const(mask, mask);
      c.op(W.i64_and);
      c.get(y);
      c.i64Const(mask, mask);
      c.op(W.i64_and);
      c.i64Const(shift);
      c.op(W.i64_shl);
      c.op(W.i64_or);
      c.set(y);
    }
    c.get(y);
    c.i64Const(32);
    c.op(W.i64_rotl);
  },
  select64: plain(W.select),
  select32: plain(W.select),
  ea64: effectiveAddress(64),
  ea32: effectiveAddress(32),
  eaDisp64: (e) => {
    e.push(0);
    e.push(1);
    e.c.op(W.i64_extend_i32_s);
    e.c.op(W.i64_add);
  },
  eaDisp32: plain(W.i32_add),
};

for (const [ours, theirs] of Object.entries(binary)) {
  scalarEmitters[`${ours}64`] = plain(wide(`i64_${theirs}`));
  scalarEmitters[`${ours}32`] = plain(wide(`i32_${theirs}`));
}
