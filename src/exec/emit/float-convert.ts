/**
 * Emitters of SSE conversions and roundings. As in float.ts the plain wasm operator serves where it provably gives the SDM's result
 * and flags; none of these instructions but CVTSS2SD and CVTSD2SS reports denormal operands (SDM volume 2, their exceptions).
 */
import { W } from "../../wasm/opcodes.ts";
import type { Emit, Emitter, EmitterTable } from "./emitter.ts";
import {
  chooseExact,
  denormalLanes,
  exponentIs,
  F32,
  F64,
  isAbnormal,
  isDenormal,
  isNan,
  type Kind,
  lanes,
  type PackedKind,
  PD,
  PE_CLEAR,
  PS,
  pushBits,
  pushSlowMode,
  shiftedBits,
} from "./float-kinds.ts";

/** Integer to float: inexact results need the exact path only while FP_SLOW is set. */
function fromInteger(from: "i32" | "i64", kind: Kind): Emitter {
  const bits = kind.int === "i64" ? 53 : 24;
  return (e) => {
    const c = e.c;
    const value = e.local(0);
    const r = e.scratch(kind.float, 2);
    e.floats?.plainResult(kind.format);
    c.get(value);
    c.op(W[`${kind.float}_convert_${from}_s`]);
    if (from === "i32" && kind.int === "i64") return;
    c.set(r);
    // Magnitudes below 2^bits are exact.
    c.get(value);
    if (from === "i32") c.op(W.i64_extend_i32_s);
    c.i64Const(bits >= 32 ? 0 : 1 << bits, bits >= 32 ? 1 << (bits - 32) : 0);
    c.op(W.i64_add);
    c.i64Const(bits + 1);
    c.op(W.i64_shr_u);
    c.op(W.i64_eqz);
    c.op(W.i32_eqz);
    pushSlowMode(e);
    c.i32Const(0);
    c.op(W.i32_ne);
    c.op(W.i32_and);
    chooseExact(e, r, () => {
      c.get(value);
      if (from === "i32") c.op(W.i64_extend_i32_s);
      e.callHelper(kind.int === "i64" ? "fCvtI64To64" : "fCvtI64To32");
      c.op(kind.from);
    });
  };
}

/** Float to integer, of what surely fits; inexact results need the exact path while FP_SLOW is set. */
function toInteger(kind: Kind, to: "i32" | "i64", truncate: boolean, helper: string): Emitter {
  return (e) => {
    const c = e.c;
    const value = e.local(0);
    const rounded = e.scratch(kind.float, 2);
    const r = e.scratch(to, 3);
    c.get(value);
    c.op(W[`${kind.float}_${truncate ? "trunc" : "nearest"}`]);
    c.tee(rounded);
    c.op(W[`${to}_trunc_sat_${kind.float}_s`]);
    c.set(r);
    // |value| < 2^31 or 2^63 holds for no NaN.
    c.get(rounded);
    c.op(W[`${kind.float}_abs`]);
    pushPower(e, kind, to === "i32" ? 31 : 63);
    c.op(W[`${kind.float}_lt`]);
    c.op(W.i32_eqz);
    pushSlowMode(e);
    c.i32Const(0);
    c.op(W.i32_ne);
    c.get(rounded);
    c.get(value);
    c.op(W[`${kind.float}_ne`]);
    c.op(W.i32_and);
    c.op(W.i32_or);
    chooseExact(e, r, () => {
      pushBits(e, kind, [value]);
      e.callHelper(helper);
    });
  };
}

/** Pushes 2^exponent. */
function pushPower(e: Emit, kind: Kind, exponent: number): void {
  if (kind.int === "i64") e.c.i64Const(0, (1023 + exponent) << 20);
  else e.c.i32Const((127 + exponent) << 23);
  e.c.op(kind.from);
}

/** CVTSS2SD is exact but for NaNs and denormals, whatever MXCSR holds. */
const widen: Emitter = (e) => {
  const c = e.c;
  const value = e.local(0);
  const r = e.scratch("f64", 2);
  c.get(value);
  c.op(W.f64_promote_f32);
  c.set(r);
  isNan(e, value, F32);
  isDenormal(e, F32, value);
  c.op(W.i32_or);
  chooseExact(e, r, () => {
    pushBits(e, F32, [value]);
    e.callHelper("fCvt32To64");
    c.op(F64.from);
  });
};

/** CVTSD2SS: results that are normal for certain, and zeros from zeros. */
const narrow: Emitter = (e) => {
  const c = e.c;
  const value = e.local(0);
  const r = e.scratch("f32", 2);
  c.get(value);
  c.op(W.f32_demote_f64);
  c.set(r);
  pushSlowMode(e);
  c.i32Const(0);
  c.op(W.i32_ne);
  isAbnormal(e, F32, r);
  c.op(W.i32_or);
  shiftedBits(e, F64, value);
  c.i64Const(0);
  c.op(W.i64_ne);
  c.op(W.i32_and);
  chooseExact(e, r, () => {
    pushBits(e, F64, [value]);
    e.callHelper("fCvt64To32");
    c.op(F32.from);
  });
};

/** A packed conversion: the `opcodes` in turn unless FP_SLOW is set or `special` pushes a nonzero value. */
function convertPacked(
  opcodes: readonly number[],
  helper: string,
  special: (e: Emit, value: number, result: number) => void,
): Emitter {
  return (e) => {
    const c = e.c;
    const value = e.local(0);
    const r = e.scratch("v128", 4);
    c.get(value);
    for (const opcode of opcodes) c.op(opcode);
    c.set(r);
    special(e, value, r);
    pushSlowMode(e);
    c.op(W.i32_or);
    chooseExact(e, r, () => {
      c.get(value);
      e.callHelper(helper);
    });
  };
}

/** CVTPS2PD: only the low two elements count. */
const widenPacked = convertPacked([W.f64x2_promote_low_f32x4], "fCvtPs2Pd", (e, value) => {
  exponentIs(e, PS, value, true);
  denormalLanes(e, PS, value);
  e.c.op(W.v128_or);
  e.c.lane(W.i64x2_extract_lane, 0);
  e.c.i64Const(0);
  e.c.op(W.i64_ne);
});

/** Pushes a condition: the exponent field of an element says 2^31 or more, or infinite, or a NaN. */
function hasLarge(e: Emit, kind: PackedKind, value: number): void {
  const { c } = e;
  c.get(value);
  c.v128Const(kind.exponent);
  c.op(W.v128_and);
  c.v128Const(kind === PD ? lanes(8, [255, 255, 255, 255, 255, 255, 0xdf, 0x41]) : lanes(4, [255, 255, 0x7f, 0x4e]));
  c.op(kind.gtS);
  c.op(W.v128_any_true);
}

/** CVTPS2DQ, CVTPD2DQ and their truncating forms: magnitudes below 2^31. A double that rounds up to 2^31 saturates. */
function toIntegers(kind: PackedKind, opcodes: readonly number[], helper: string): Emitter {
  return convertPacked(opcodes, helper, (e, value, result) => {
    hasLarge(e, kind, value);
    if (kind === PS) return;
    e.c.get(result);
    e.c.v128Const(lanes(4, [255, 255, 255, 127]));
    e.c.op(W.i32x4_eq);
    e.c.op(W.v128_any_true);
    e.c.op(W.i32_or);
  });
}

/** CVTPD2PS: results that are normal for certain; zeros are left to the helper. */
const narrowPacked = convertPacked([W.f32x4_demote_f64x2_zero], "fCvtPd2Ps", (e, _value, result) => {
  const { c } = e;
  // The sign is set for exponent fields 0 and 1 (the smallest normal number may have been rounded up to), or 254 and 255.
  for (const [opcode, bound] of [
    [PS.sub, PS.twoUnits],
    [PS.add, PS.unit],
  ] as const) {
    c.get(result);
    c.v128Const(PS.exponent);
    c.op(W.v128_and);
    c.v128Const(bound);
    c.op(opcode);
  }
  c.op(W.v128_or);
  c.op(PS.bitmask);
  c.i32Const(3);
  c.op(W.i32_and);
});

/** Rounding by bits 1:0 of the immediate of ROUNDSD and its kin; with bit 2 by MXCSR, which rounds to nearest where FP_SLOW allows it. */
const ROUNDINGS = ["nearest", "floor", "ceil", "trunc"] as const;
const BY_MXCSR = 4;
const SUPPRESS_PRECISION = 8;

/**
 * ROUNDSD and its kin. A NaN goes to the helper, and so does what may set PE while it is clear; a denormal, if it may be rounded
 * away from 0, which MXCSR.DAZ forbids.
 */
function round(shape: "f64" | "f32" | "f64x2" | "f32x4", helper: string): Emitter {
  const kind = shape === "f64" ? F64 : shape === "f32" ? F32 : undefined;
  const ne = W[`${shape}_ne`];
  return (e) => {
    const { c } = e;
    const imm = e.known(1);
    const value = e.local(0);
    const r = e.scratch(kind?.float ?? "v128", kind === undefined ? 4 : 2);
    if (imm === undefined) c.i32Const(1);
    else {
      c.get(value);
      c.op(W[`${shape}_${imm & BY_MXCSR ? "nearest" : (ROUNDINGS[imm & 3] as "nearest")}`]);
      c.set(r);
      c.get(value);
      c.get(value);
      c.op(ne);
      const mayGrow = (imm & BY_MXCSR) === 0 && ["floor", "ceil"].includes(ROUNDINGS[imm & 3] as string);
      if (kind === undefined) {
        if (mayGrow) {
          denormalLanes(e, shape === "f64x2" ? PD : PS, value);
          c.op(W.v128_or);
        }
        c.op(W.v128_any_true);
      } else if (mayGrow) {
        isDenormal(e, kind, value);
        c.op(W.i32_or);
      }
      pushSlowMode(e);
      c.i32Const(imm & SUPPRESS_PRECISION ? PE_CLEAR : 0);
      c.op(W.i32_gt_u);
      c.op(W.i32_or);
    }
    chooseExact(e, r, () => {
      if (kind === undefined) c.get(value);
      else pushBits(e, kind, [value]);
      e.push(1);
      e.callHelper(helper);
      if (kind !== undefined) c.op(kind.from);
    });
  };
}

export const floatConvertEmitters: EmitterTable = {
  fCvtI32To64: fromInteger("i32", F64),
  fCvtI64To64: fromInteger("i64", F64),
  fCvtI32To32: fromInteger("i32", F32),
  fCvtI64To32: fromInteger("i64", F32),
  fCvt32To64: widen,
  fCvt64To32: narrow,
  fCvtPs2Pd: widenPacked,
  fCvtPd2Ps: narrowPacked,
  fCvtPs2Dq: toIntegers(PS, [W.f32x4_nearest, W.i32x4_trunc_sat_f32x4_s], "fCvtPs2Dq"),
  fCvttPs2Dq: toIntegers(PS, [W.i32x4_trunc_sat_f32x4_s], "fCvttPs2Dq"),
  fCvtPd2Dq: toIntegers(PD, [W.f64x2_nearest, W.i32x4_trunc_sat_f64x2_s_zero], "fCvtPd2Dq"),
  fCvttPd2Dq: toIntegers(PD, [W.i32x4_trunc_sat_f64x2_s_zero], "fCvttPd2Dq"),
  fCvtDq2Ps: convertPacked([W.f32x4_convert_i32x4_s], "fCvtDq2Ps", (e) => e.c.i32Const(0)),
  fRound64: round("f64", "fRound64"),
  fRound32: round("f32", "fRound32"),
  fRoundPd: round("f64x2", "fRoundPd"),
  fRoundPs: round("f32x4", "fRoundPs"),
};

for (const [suffix, kind] of [
  ["64", F64],
  ["32", F32],
] as const) {
  for (const to of ["i32", "i64"] as const) {
    const bits = to === "i32" ? "I32" : "I64";
    floatConvertEmitters[`fCvt${suffix}To${bits}`] = toInteger(kind, to, false, `fCvt${suffix}To${bits}`);
    floatConvertEmitters[`fCvtt${suffix}To${bits}`] = toInteger(kind, to, true, `fCvtt${suffix}To${bits}`);
  }
}
