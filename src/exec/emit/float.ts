/**
 * Emitters of SSE arithmetic. The plain wasm operator serves where it provably gives the SDM's result and flags: FP_SLOW is 0
 * (round to nearest, all exceptions masked, PE already set, no DAZ, no FTZ), no operand is denormal (DE), and the result's
 * class raises nothing. Everything else goes to the exact helper of the same name. SDM volume 1, sections 10.2.3 and 11.5.
 */
import { FP_SLOW, FP_TRAP } from "../../isa/cpu-block.ts";
import { BLOCK_VOID, W } from "../../wasm/opcodes.ts";
import type { Emit, Emitter, EmitterTable } from "./emitter.ts";

interface Kind {
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

const F64: Kind = {
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
const F32: Kind = {
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

function shiftedBits(e: Emit, kind: Kind, local: number): void {
  e.c.get(local);
  e.c.op(kind.reinterpret);
  if (kind.int === "i64") e.c.i64Const(1);
  else e.c.i32Const(1);
  e.c.op(kind.shl);
}

/** 1 if the float in the local is denormal: 0 < bits << 1 < 1 exponent unit, that is (bits << 1) - 1 <u unit - 1. */
function isDenormal(e: Emit, kind: Kind, local: number): void {
  shiftedBits(e, kind, local);
  kind.constant(e, 0, 1);
  e.c.op(kind.sub);
  kind.constant(e, 1, -1);
  e.c.op(kind.ltU);
}

/** 1 if infinite or NaN. */
function isSpecial(e: Emit, kind: Kind, local: number): void {
  shiftedBits(e, kind, local);
  kind.constant(e, kind.int === "i64" ? 0x7ff : 0xff, -1);
  e.c.op(kind.gtU);
}

/** 1 unless normal. */
function isAbnormal(e: Emit, kind: Kind, local: number): void {
  shiftedBits(e, kind, local);
  kind.constant(e, 1, 0);
  e.c.op(kind.sub);
  kind.constant(e, kind.int === "i64" ? 0x7fe : 0xfe, -1);
  e.c.op(kind.gtU);
}

function isNan(e: Emit, local: number, kind: Kind): void {
  e.c.get(local);
  e.c.get(local);
  e.c.op(kind.int === "i64" ? W.f64_ne : W.f32_ne);
}

function pushSlowMode(e: Emit): void {
  e.c.i32Const(0);
  e.c.memory(W.i32_load, FP_SLOW);
}

/** condition on the stack: nonzero takes the helper, zero the local `fast`. */
function choose(e: Emit, kind: Kind, helper: string, args: readonly number[], fast: number): void {
  const c = e.c;
  c.open(W.if, BLOCK_VOID);
  for (const arg of args) {
    c.get(arg);
    c.op(kind.reinterpret);
  }
  e.callHelper(helper);
  c.op(kind.from);
  c.set(fast);
  c.end();
  c.get(fast);
}

function arithmetic(kind: Kind, opcode: number, helper: string, exactZero: boolean): Emitter {
  return (e) => {
    const c = e.c;
    const a = e.local(0);
    const b = e.local(1);
    const r = e.scratch(kind.float, 2);
    c.get(a);
    c.get(b);
    c.op(opcode);
    c.set(r);
    pushSlowMode(e);
    (exactZero ? isSpecial : isAbnormal)(e, kind, r);
    c.op(W.i32_or);
    isDenormal(e, kind, a);
    c.op(W.i32_or);
    isDenormal(e, kind, b);
    c.op(W.i32_or);
    choose(e, kind, helper, [a, b], r);
  };
}

function squareRoot(kind: Kind, opcode: number, helper: string): Emitter {
  return (e) => {
    const c = e.c;
    const a = e.local(0);
    const r = e.scratch(kind.float, 2);
    c.get(a);
    c.op(opcode);
    c.set(r);
    pushSlowMode(e);
    isAbnormal(e, kind, r);
    c.op(W.i32_or);
    isDenormal(e, kind, a);
    c.op(W.i32_or);
    choose(e, kind, helper, [a], r);
  };
}

/** MINSD, MAXSD: the second operand unless the first is strictly less (greater). */
function minMax(kind: Kind, compare: number, helper: string): Emitter {
  return (e) => {
    const c = e.c;
    const a = e.local(0);
    const b = e.local(1);
    const r = e.scratch(kind.float, 2);
    c.get(a);
    c.get(b);
    c.get(a);
    c.get(b);
    c.op(compare);
    c.op(W.select);
    c.set(r);
    pushSlowMode(e);
    isNan(e, a, kind);
    c.op(W.i32_or);
    isNan(e, b, kind);
    c.op(W.i32_or);
    isDenormal(e, kind, a);
    c.op(W.i32_or);
    isDenormal(e, kind, b);
    c.op(W.i32_or);
    choose(e, kind, helper, [a, b], r);
  };
}

interface PackedKind {
  exponent: number[];
  shl: number;
  eq: number;
  zero: number[];
}

function lanes(width: 4 | 8, bytes: number[]): number[] {
  return Array.from({ length: 16 }, (_, i) => bytes[i % width] as number);
}

const PD: PackedKind = {
  exponent: lanes(8, [0, 0, 0, 0, 0, 0, 0xf0, 0x7f]),
  shl: W.i64x2_shl,
  eq: W.i64x2_eq,
  zero: lanes(8, [0, 0, 0, 0, 0, 0, 0, 0]),
};
const PS: PackedKind = {
  exponent: lanes(4, [0, 0, 0x80, 0x7f]),
  shl: W.i32x4_shl,
  eq: W.i32x4_eq,
  zero: lanes(4, [0, 0, 0, 0]),
};

/** Mask of lanes whose exponent field is all ones (top) or zero. */
function exponentIs(e: Emit, kind: PackedKind, local: number, top: boolean): void {
  e.c.get(local);
  e.c.v128Const(kind.exponent);
  e.c.op(W.v128_and);
  e.c.v128Const(top ? kind.exponent : kind.zero);
  e.c.op(kind.eq);
}

/** Mask of denormal lanes: exponent zero, value not. */
function denormalLanes(e: Emit, kind: PackedKind, local: number): void {
  exponentIs(e, kind, local, false);
  e.c.get(local);
  e.c.i32Const(1);
  e.c.op(kind.shl);
  e.c.v128Const(kind.zero);
  e.c.op(kind.eq);
  e.c.op(W.v128_andnot);
}

type PackedClass = "addSub" | "mulDiv" | "minMax" | "sqrt";

function packed(kind: PackedKind, opcode: number, helper: string, group: PackedClass): Emitter {
  return (e) => {
    const c = e.c;
    const a = e.local(0);
    const args = group === "sqrt" ? [a] : [a, e.local(1)];
    const r = e.scratch("v128", 4);
    if (group === "minMax") {
      const b = args[1] as number;
      c.get(a);
      c.get(b);
      c.get(a);
      c.get(b);
      c.op(opcode);
      c.op(W.v128_bitselect);
    } else {
      for (const arg of args) c.get(arg);
      c.op(opcode);
    }
    c.set(r);
    if (group === "minMax") {
      exponentIs(e, kind, a, true);
      exponentIs(e, kind, args[1] as number, true);
      c.op(W.v128_or);
    } else {
      exponentIs(e, kind, r, true);
      if (group !== "addSub") {
        exponentIs(e, kind, r, false);
        c.op(W.v128_or);
      }
    }
    for (const arg of args) {
      denormalLanes(e, kind, arg);
      c.op(W.v128_or);
    }
    c.op(W.v128_any_true);
    pushSlowMode(e);
    c.op(W.i32_or);
    c.open(W.if, BLOCK_VOID);
    for (const arg of args) c.get(arg);
    e.callHelper(helper);
    c.set(r);
    c.end();
    c.get(r);
  };
}

export const floatEmitters: EmitterTable = {
  fTrap: (e) => {
    e.c.i32Const(0);
    e.c.memory(W.i32_load, FP_TRAP);
    e.trapIfConst(19);
  },
};

for (const [suffix, kind] of [
  ["64", F64],
  ["32", F32],
] as const) {
  const of = (name: string) => W[`${kind.float}_${name}` as keyof typeof W];
  floatEmitters[`fAdd${suffix}`] = arithmetic(kind, of("add"), `fAdd${suffix}`, true);
  floatEmitters[`fSub${suffix}`] = arithmetic(kind, of("sub"), `fSub${suffix}`, true);
  floatEmitters[`fMul${suffix}`] = arithmetic(kind, of("mul"), `fMul${suffix}`, false);
  floatEmitters[`fDiv${suffix}`] = arithmetic(kind, of("div"), `fDiv${suffix}`, false);
  floatEmitters[`fSqrt${suffix}`] = squareRoot(kind, of("sqrt"), `fSqrt${suffix}`);
  floatEmitters[`fMin${suffix}`] = minMax(kind, of("lt"), `fMin${suffix}`);
  floatEmitters[`fMax${suffix}`] = minMax(kind, of("gt"), `fMax${suffix}`);
}
for (const [suffix, kind, shape] of [
  ["Pd", PD, "f64x2"],
  ["Ps", PS, "f32x4"],
] as const) {
  const of = (name: string) => W[`${shape}_${name}` as keyof typeof W];
  floatEmitters[`fAdd${suffix}`] = packed(kind, of("add"), `fAdd${suffix}`, "addSub");
  floatEmitters[`fSub${suffix}`] = packed(kind, of("sub"), `fSub${suffix}`, "addSub");
  floatEmitters[`fMul${suffix}`] = packed(kind, of("mul"), `fMul${suffix}`, "mulDiv");
  floatEmitters[`fDiv${suffix}`] = packed(kind, of("div"), `fDiv${suffix}`, "mulDiv");
  floatEmitters[`fSqrt${suffix}`] = packed(kind, of("sqrt"), `fSqrt${suffix}`, "sqrt");
  floatEmitters[`fMin${suffix}`] = packed(kind, of("lt"), `fMin${suffix}`, "minMax");
  floatEmitters[`fMax${suffix}`] = packed(kind, of("gt"), `fMax${suffix}`, "minMax");
}
