/** Emitters of integer operations. */
import { W } from "../../wasm/opcodes.ts";
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

export const scalarEmitters: EmitterTable = {
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
