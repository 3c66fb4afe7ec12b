/**
 * Emitters of SSE arithmetic. The plain wasm operator serves where it provably gives the SDM's result and flags: FP_SLOW is 0
 * (round to nearest, all exceptions masked, PE already set), neither operand nor result is denormal (DE, UE, DAZ, FTZ), and the
 * result's class raises nothing. Everything else goes to the exact helper of the same name. SDM volume 1, sections 10.2.3 and 11.5.
 */
import { FP_SLOW } from "../../isa/cpu-block.ts";
import { W } from "../../wasm/opcodes.ts";
import type { Emit, Emitter, EmitterTable, FloatFormat } from "./emitter.ts";
import {
  chooseExact,
  denormalLanes,
  exponentIs,
  F32,
  F64,
  isDenormal,
  isNan,
  type Kind,
  type PackedKind,
  PD,
  PE_CLEAR,
  PS,
  pushBits,
  pushSlowMode,
  raiseUnmasked,
} from "./float-kinds.ts";
import { plainOperands, plainPacked, plainPackedOperands, plainScalar, type Underflow } from "./float-plain.ts";

/** condition on the stack: nonzero takes the helper, zero the local `fast`. */
function choose(e: Emit, kind: Kind, helper: string, args: readonly number[], fast: number): void {
  chooseExact(e, fast, () => {
    pushBits(e, kind, args);
    e.callHelper(helper);
    e.c.op(kind.from);
  });
}

/** Where the exponent field's lowest bit is, and the field. */
function exponentField(e: Emit, kind: Kind, local: number): void {
  const { c } = e;
  c.get(local);
  c.op(kind.reinterpret);
  if (kind.int === "i64") c.i64Const(0, 0x7ff0_0000);
  else c.i32Const(0x7f80_0000);
  c.op(kind.int === "i64" ? W.i64_and : W.i32_and);
}

function exponentUnits(e: Emit, kind: Kind, units: number): void {
  if (kind.int === "i64") e.c.i64Const(0, units << 20);
  else e.c.i32Const(units << 23);
}

/** A number whose sign bit is set if the float is zero, denormal, or has the exponent of the smallest normal number. */
function smallSign(e: Emit, kind: Kind, local: number): void {
  exponentField(e, kind, local);
  exponentUnits(e, kind, 2);
  e.c.op(kind.sub);
}

/** A number whose sign bit is set if the float is infinite or a NaN. */
function specialSign(e: Emit, kind: Kind, local: number): void {
  exponentField(e, kind, local);
  exponentUnits(e, kind, 1);
  e.c.op(kind.int === "i64" ? W.i64_add : W.i32_add);
}

/**
 * Pushes 1 if the helper has to look: FP_SLOW is set, an operand or the result is small, the result is special. That may be
 * more often than needed (zeros): the helper begins with the precise question. The smallest normal number may have been rounded
 * up to: then it is tiny (SDM volume 1, section 4.9.1.5: after rounding as if the exponent had no bounds).
 */
function arithmeticWants(e: Emit, kind: Kind, args: readonly number[], r: number): void {
  const { c } = e;
  const or = kind.int === "i64" ? W.i64_or : W.i32_or;
  specialSign(e, kind, r);
  for (const arg of [...args, r]) {
    smallSign(e, kind, arg);
    c.op(or);
  }
  c.i32Const(0);
  c.memory(kind.int === "i64" ? W.i64_load32_s : W.i32_load, FP_SLOW);
  c.op(or);
  if (kind.int === "i64") c.i64Const(0);
  else c.i32Const(0);
  c.op(kind.int === "i64" ? W.i64_lt_s : W.i32_lt_s);
}

function arithmetic(kind: Kind, opcode: number, helper: string, underflow: Underflow): Emitter {
  return (e) => {
    const c = e.c;
    const args = [e.local(0), e.local(1)];
    const r = e.scratch(kind.float, 2);
    for (const arg of args) c.get(arg);
    c.op(opcode);
    c.set(r);
    if (e.floats !== undefined && !e.floats.isExact()) {
      plainScalar(e, e.floats, kind, args, r, underflow, helper);
      return;
    }
    arithmeticWants(e, kind, args, r);
    choose(e, kind, helper, args, r);
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
    if (e.floats !== undefined && !e.floats.isExact()) {
      plainScalar(e, e.floats, kind, [a], r, "none", helper);
      return;
    }
    arithmeticWants(e, kind, [a], r);
    choose(e, kind, helper, [a], r);
  };
}

/** MINSD, MAXSD: the second operand unless the first is strictly less (greater). */
function minMax(kind: Kind, compare: number, helper: string): Emitter {
  return (e) => {
    const c = e.c;
    const args = [e.local(0), e.local(1)] as const;
    const [a, b] = args;
    const r = e.scratch(kind.float, 2);
    c.get(a);
    c.get(b);
    c.get(a);
    c.get(b);
    c.op(compare);
    c.op(W.select);
    c.set(r);
    if (e.floats !== undefined && !e.floats.isExact()) {
      plainOperands(e, e.floats, kind, args);
      c.get(r);
      e.floats.plainResult(kind.format);
      return;
    }
    pushSlowMode(e);
    c.i32Const(PE_CLEAR);
    c.op(W.i32_gt_u);
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

/** Lanes whose sign bit is set if the float is small as in `smallSign` (`add`: infinite or a NaN). */
function lanesSign(e: Emit, kind: PackedKind, local: number, opcode: number): void {
  e.c.get(local);
  e.c.v128Const(kind.exponent);
  e.c.op(W.v128_and);
  e.c.v128Const(opcode === kind.sub ? kind.twoUnits : kind.unit);
  e.c.op(opcode);
}

/** As `arithmetic`, on all lanes. */
function packed(kind: PackedKind, opcode: number, helper: string, operands: 1 | 2, underflow: Underflow): Emitter {
  return (e) => {
    const c = e.c;
    const args = operands === 1 ? [e.local(0)] : [e.local(0), e.local(1)];
    const r = e.scratch("v128", 4);
    for (const arg of args) c.get(arg);
    c.op(opcode);
    c.set(r);
    if (e.floats !== undefined && !e.floats.isExact()) {
      plainPacked(e, e.floats, kind, args, r, underflow, helper);
      return;
    }
    lanesSign(e, kind, r, kind.add);
    for (const arg of [...args, r]) {
      lanesSign(e, kind, arg, kind.sub);
      c.op(W.v128_or);
    }
    c.op(kind.bitmask);
    pushSlowMode(e);
    c.op(W.i32_or);
    chooseExact(e, r, () => {
      for (const arg of args) c.get(arg);
      e.callHelper(helper);
    });
  };
}

/** MINPS and its kin: the second operand unless the first is strictly less (greater). */
function packedMinMax(kind: PackedKind, compare: number, helper: string): Emitter {
  return (e) => {
    const c = e.c;
    const [a, b] = [e.local(0), e.local(1)];
    const r = e.scratch("v128", 4);
    c.get(a);
    c.get(b);
    c.get(a);
    c.get(b);
    c.op(compare);
    c.op(W.v128_bitselect);
    c.set(r);
    if (e.floats !== undefined && !e.floats.isExact()) {
      plainPackedOperands(e, e.floats, kind, [a, b]);
      c.get(r);
      e.floats.plainResult(kind.format);
      return;
    }
    exponentIs(e, kind, a, true);
    exponentIs(e, kind, b, true);
    c.op(W.v128_or);
    for (const arg of [a, b]) {
      denormalLanes(e, kind, arg);
      c.op(W.v128_or);
    }
    c.op(W.v128_any_true);
    pushSlowMode(e);
    c.i32Const(PE_CLEAR);
    c.op(W.i32_gt_u);
    c.op(W.i32_or);
    chooseExact(e, r, () => {
      c.get(a);
      c.get(b);
      e.callHelper(helper);
    });
  };
}

/** 1 if either float in the locals is a NaN or denormal: then comparisons may raise something. */
function compareWants(e: Emit, kind: Kind, a: number, b: number): void {
  isNan(e, a, kind);
  isNan(e, b, kind);
  e.c.op(W.i32_or);
  isDenormal(e, kind, a);
  e.c.op(W.i32_or);
  isDenormal(e, kind, b);
  e.c.op(W.i32_or);
}

/** UCOMISD and its kin: CF = less, ZF = equal (SDM, table of UCOMISD). */
function compareFlags(kind: Kind, helper: string): Emitter {
  return (e) => {
    const c = e.c;
    const a = e.local(0);
    const b = e.local(1);
    const flags = e.scratch("i32", 2);
    c.get(a);
    c.get(b);
    c.op(kind.int === "i64" ? W.f64_lt : W.f32_lt);
    c.get(a);
    c.get(b);
    c.op(kind.int === "i64" ? W.f64_eq : W.f32_eq);
    c.i32Const(6);
    c.op(W.i32_shl);
    c.op(W.i32_or);
    c.set(flags);
    compareWants(e, kind, a, b);
    chooseExact(e, flags, () => {
      pushBits(e, kind, [a, b]);
      e.callHelper(helper);
    });
  };
}

/** Predicates 0–7 of CMPxx: comparison of ordered operands (undefined: false), and whether it is inverted. */
const PREDICATES = [
  ["Eq", "eq", false],
  ["Lt", "lt", false],
  ["Le", "le", false],
  ["Unord", undefined, false],
  ["Neq", "eq", true],
  ["Nlt", "lt", true],
  ["Nle", "le", true],
  ["Ord", undefined, true],
] as const;

/** Comparisons of plain numbers raise nothing. */
function bothPlain(e: Emit, format: FloatFormat): boolean {
  return e.floats?.isPlain(0, format) === true && e.floats.isPlain(1, format);
}

function compareScalar(kind: Kind, suffix: string, predicate: number): Emitter {
  const [, comparison, inverted] = PREDICATES[predicate] as (typeof PREDICATES)[number];
  const wide = kind.int === "i64";
  return (e) => {
    const c = e.c;
    const a = e.local(0);
    const b = e.local(1);
    const mask = e.scratch(kind.int, 2);
    if (comparison === undefined) c.i32Const(0);
    else {
      c.get(a);
      c.get(b);
      c.op(W[`${kind.float}_${comparison}`]);
    }
    if (wide) c.op(W.i64_extend_i32_u);
    // true is all ones: 0 - truth, or truth - 1 for the inverse
    if (inverted) {
      if (wide) c.i64Const(1);
      else c.i32Const(1);
      c.op(kind.sub);
      c.set(mask);
    } else {
      c.set(mask);
      if (wide) c.i64Const(0);
      else c.i32Const(0);
      c.get(mask);
      c.op(kind.sub);
      c.set(mask);
    }
    if (bothPlain(e, kind.format)) {
      c.get(mask);
      return;
    }
    compareWants(e, kind, a, b);
    chooseExact(e, mask, () => {
      pushBits(e, kind, [a, b]);
      c.i32Const(predicate);
      e.callHelper(`fCmp${suffix}`);
    });
  };
}

function comparePacked(kind: PackedKind, shape: "f64x2" | "f32x4", suffix: string, predicate: number): Emitter {
  const [, comparison, inverted] = PREDICATES[predicate] as (typeof PREDICATES)[number];
  return (e) => {
    const c = e.c;
    const a = e.local(0);
    const b = e.local(1);
    const mask = e.scratch("v128", 4);
    if (comparison === undefined) c.v128Const(kind.zero);
    else {
      c.get(a);
      c.get(b);
      c.op(W[`${shape}_${comparison}`]);
    }
    if (inverted) c.op(W.v128_not);
    if (bothPlain(e, kind.format)) return;
    c.set(mask);
    exponentIs(e, kind, a, true);
    exponentIs(e, kind, b, true);
    c.op(W.v128_or);
    for (const arg of [a, b]) {
      denormalLanes(e, kind, arg);
      c.op(W.v128_or);
    }
    c.op(W.v128_any_true);
    chooseExact(e, mask, () => {
      c.get(a);
      c.get(b);
      c.i32Const(predicate);
      e.callHelper(`fCmp${suffix}`);
    });
  };
}

export const floatEmitters: EmitterTable = {
  fTrap: (e) => raiseUnmasked(e, 0),
};

for (const [suffix, kind] of [
  ["64", F64],
  ["32", F32],
] as const) {
  const of = (name: string) => W[`${kind.float}_${name}` as keyof typeof W];
  floatEmitters[`fAdd${suffix}`] = arithmetic(kind, of("add"), `fAdd${suffix}`, "none");
  floatEmitters[`fSub${suffix}`] = arithmetic(kind, of("sub"), `fSub${suffix}`, "none");
  floatEmitters[`fMul${suffix}`] = arithmetic(kind, of("mul"), `fMul${suffix}`, "all");
  floatEmitters[`fDiv${suffix}`] = arithmetic(kind, of("div"), `fDiv${suffix}`, "first");
  floatEmitters[`fSqrt${suffix}`] = squareRoot(kind, of("sqrt"), `fSqrt${suffix}`);
  floatEmitters[`fMin${suffix}`] = minMax(kind, of("lt"), `fMin${suffix}`);
  floatEmitters[`fMax${suffix}`] = minMax(kind, of("gt"), `fMax${suffix}`);
  floatEmitters[`fUcomi${suffix}`] = compareFlags(kind, `fUcomi${suffix}`);
  floatEmitters[`fComi${suffix}`] = compareFlags(kind, `fComi${suffix}`);
  for (const [code, [name]] of PREDICATES.entries()) {
    floatEmitters[`fCmp${name}${suffix}`] = compareScalar(kind, suffix, code);
  }
}
for (const [suffix, kind, shape] of [
  ["Pd", PD, "f64x2"],
  ["Ps", PS, "f32x4"],
] as const) {
  const of = (name: string) => W[`${shape}_${name}` as keyof typeof W];
  floatEmitters[`fAdd${suffix}`] = packed(kind, of("add"), `fAdd${suffix}`, 2, "none");
  floatEmitters[`fSub${suffix}`] = packed(kind, of("sub"), `fSub${suffix}`, 2, "none");
  floatEmitters[`fMul${suffix}`] = packed(kind, of("mul"), `fMul${suffix}`, 2, "all");
  floatEmitters[`fDiv${suffix}`] = packed(kind, of("div"), `fDiv${suffix}`, 2, "first");
  floatEmitters[`fSqrt${suffix}`] = packed(kind, of("sqrt"), `fSqrt${suffix}`, 1, "none");
  floatEmitters[`fMin${suffix}`] = packedMinMax(kind, of("lt"), `fMin${suffix}`);
  floatEmitters[`fMax${suffix}`] = packedMinMax(kind, of("gt"), `fMax${suffix}`);
  for (const [code, [name]] of PREDICATES.entries()) {
    floatEmitters[`fCmp${name}${suffix}`] = comparePacked(kind, shape, suffix, code);
  }
}
