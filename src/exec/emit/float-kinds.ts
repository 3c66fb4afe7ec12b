/** Formats of SSE floats, and the questions that their emitters ask of a value. */
import { FP_SLOW, FP_TRAP } from "../../isa/cpu-block.ts";
import { W } from "../../wasm/opcodes.ts";
import type { Emit, FloatFormat } from "./emitter.ts";

export interface Kind {
  format: FloatFormat;
  float: "f32" | "f64";
  int: "i32" | "i64";
  reinterpret: number;
  from: number;
  shl: number;
  sub: number;
  ltU: number;
  gtU: number;
  /** Pushes an integer constant `high << (bits - 12 or 9)`, plus `low`. */
  constant(e: Emit, units: number, low: number): void;
}

export const F64: Kind = {
  format: "f64",
  float: "f64",
  int: "i64",
  reinterpret: W.i64_reinterpret_f64,
  from: W.f64_reinterpret_i64,
  shl: W.i64_shl,
  sub: W.i64_sub,
  ltU: W.i64_lt_u,
  gtU: W.i64_gt_u,
  // bits << 1 puts the exponent at bit 53
  constant: (e, units, low) => e.c.i64Const(low, (units << 21) + (low < 0 ? -1 : 0)),
};
export const F32: Kind = {
  format: "f32",
  float: "f32",
  int: "i32",
  reinterpret: W.i32_reinterpret_f32,
  from: W.f32_reinterpret_i32,
  shl: W.i32_shl,
  sub: W.i32_sub,
  ltU: W.i32_lt_u,
  gtU: W.i32_gt_u,
  // bits << 1 puts the exponent at bit 24
  constant: (e, units, low) => e.c.i32Const((units << 24) + low),
};

export function shiftedBits(e: Emit, kind: Kind, local: number): void {
  e.c.get(local);
  e.c.op(kind.reinterpret);
  if (kind.int === "i64") e.c.i64Const(1);
  else e.c.i32Const(1);
  e.c.op(kind.shl);
}

/** 1 if the float in the local is denormal: 0 < bits << 1 < 1 exponent unit, that is (bits << 1) - 1 <u unit - 1. */
export function isDenormal(e: Emit, kind: Kind, local: number): void {
  shiftedBits(e, kind, local);
  kind.constant(e, 0, 1);
  e.c.op(kind.sub);
  kind.constant(e, 1, -1);
  e.c.op(kind.ltU);
}

/** 1 unless normal, and also with the exponent of the smallest normal number, which may have been rounded up to. */
export function isAbnormal(e: Emit, kind: Kind, local: number): void {
  shiftedBits(e, kind, local);
  kind.constant(e, 2, 0);
  e.c.op(kind.sub);
  kind.constant(e, kind.int === "i64" ? 0x7fd : 0xfd, -1);
  e.c.op(kind.gtU);
}

export function isNan(e: Emit, local: number, kind: Kind): void {
  e.c.get(local);
  e.c.get(local);
  e.c.op(kind.int === "i64" ? W.f64_ne : W.f32_ne);
}

export function pushSlowMode(e: Emit): void {
  e.c.i32Const(0);
  e.c.memory(W.i32_load, FP_SLOW);
}

/** FP_SLOW where nothing but a clear PE is in the way. */
export const PE_CLEAR = 0x8000_0001 | 0;

const SIMD_EXCEPTION = 19;

/** Raises #XM if the last helper met an unmasked exception; `depth` blocks are open around. */
export function raiseUnmasked(e: Emit, depth: number): void {
  const c = e.c;
  c.i32Const(0);
  c.memory(W.i32_load, FP_TRAP);
  c.openUnlikely();
  c.i32Const(0);
  c.i32Const(0);
  c.memory(W.i32_store, FP_TRAP);
  c.i32Const(1);
  e.trapIfConst(SIMD_EXCEPTION, depth + 1);
  c.end();
}

/** condition on the stack: nonzero puts the value that `exact` pushes (by a helper) into the local `fast`. Pushes `fast`. */
export function chooseExact(e: Emit, fast: number, exact: () => void): void {
  const c = e.c;
  c.openUnlikely();
  exact();
  c.set(fast);
  raiseUnmasked(e, 1);
  c.end();
  c.get(fast);
}

export function pushBits(e: Emit, kind: Kind, args: readonly number[]): void {
  for (const arg of args) {
    e.c.get(arg);
    e.c.op(kind.reinterpret);
  }
}

export interface PackedKind {
  format: FloatFormat;
  exponent: number[];
  shl: number;
  eq: number;
  zero: number[];
  /** The exponent field's lowest bit. */
  unit: number[];
  bitmask: number;
  magnitude: number[];
  gtS: number;
  twoUnits: number[];
  /** Of integers. */
  add: number;
  sub: number;
}

export function lanes(width: 4 | 8, bytes: number[]): number[] {
  return Array.from({ length: 16 }, (_, i) => bytes[i % width] as number);
}

export const PD: PackedKind = {
  format: "f64x2",
  exponent: lanes(8, [0, 0, 0, 0, 0, 0, 0xf0, 0x7f]),
  shl: W.i64x2_shl,
  eq: W.i64x2_eq,
  zero: lanes(8, [0, 0, 0, 0, 0, 0, 0, 0]),
  unit: lanes(8, [0, 0, 0, 0, 0, 0, 0x10, 0]),
  bitmask: W.i64x2_bitmask,
  magnitude: lanes(8, [255, 255, 255, 255, 255, 255, 255, 127]),
  gtS: W.i64x2_gt_s,
  twoUnits: lanes(8, [0, 0, 0, 0, 0, 0, 0x20, 0]),
  add: W.i64x2_add,
  sub: W.i64x2_sub,
};
export const PS: PackedKind = {
  format: "f32x4",
  exponent: lanes(4, [0, 0, 0x80, 0x7f]),
  shl: W.i32x4_shl,
  eq: W.i32x4_eq,
  zero: lanes(4, [0, 0, 0, 0]),
  unit: lanes(4, [0, 0, 0x80, 0]),
  bitmask: W.i32x4_bitmask,
  magnitude: lanes(4, [255, 255, 255, 127]),
  gtS: W.i32x4_gt_s,
  twoUnits: lanes(4, [0, 0, 0, 1]),
  add: W.i32x4_add,
  sub: W.i32x4_sub,
};

/** Mask of lanes whose exponent field is all ones (top) or zero. */
export function exponentIs(e: Emit, kind: PackedKind, local: number, top: boolean): void {
  e.c.get(local);
  e.c.v128Const(kind.exponent);
  e.c.op(W.v128_and);
  e.c.v128Const(top ? kind.exponent : kind.zero);
  e.c.op(kind.eq);
}

/** Mask of denormal lanes: exponent zero, value not. */
export function denormalLanes(e: Emit, kind: PackedKind, local: number): void {
  exponentIs(e, kind, local, false);
  e.c.get(local);
  e.c.i32Const(1);
  e.c.op(kind.shl);
  e.c.v128Const(kind.zero);
  e.c.op(kind.eq);
  e.c.op(W.v128_andnot);
}
