/** Scalar SSE helpers on raw bits. Each reads MXCSR, delivers its exceptions there, and sets FP_TRAP for an unmasked one. */
import { MXCSR } from "./block.as";
import { X } from "./core.as";
import * as e from "./sse-core.as";

/** Recomputes FP_SLOW after MXCSR was written (LDMXCSR, FXRSTOR, a signal frame). */
export function fpUpdateMode(): void {
  e.fpUpdateMode();
}

export function fAdd64(a: u64, b: u64): u64 {
  e.begin();
  const r = e.arith64(e.ADD, a, b);
  e.deliver();
  return r;
}
export function fSub64(a: u64, b: u64): u64 {
  e.begin();
  const r = e.arith64(e.SUB, a, b);
  e.deliver();
  return r;
}
export function fMul64(a: u64, b: u64): u64 {
  e.begin();
  const r = e.arith64(e.MUL, a, b);
  e.deliver();
  return r;
}
export function fDiv64(a: u64, b: u64): u64 {
  e.begin();
  const r = e.arith64(e.DIV, a, b);
  e.deliver();
  return r;
}
export function fSqrt64(a: u64): u64 {
  e.begin();
  const r = e.sqrt64(a);
  e.deliver();
  return r;
}
export function fMin64(a: u64, b: u64): u64 {
  e.begin();
  const r = e.minmax64(0, a, b);
  e.deliver();
  return r;
}
export function fMax64(a: u64, b: u64): u64 {
  e.begin();
  const r = e.minmax64(1, a, b);
  e.deliver();
  return r;
}

export function fAdd32(a: u32, b: u32): u32 {
  e.begin();
  const r = e.arith32(e.ADD, a, b);
  e.deliver();
  return r;
}
export function fSub32(a: u32, b: u32): u32 {
  e.begin();
  const r = e.arith32(e.SUB, a, b);
  e.deliver();
  return r;
}
export function fMul32(a: u32, b: u32): u32 {
  e.begin();
  const r = e.arith32(e.MUL, a, b);
  e.deliver();
  return r;
}
export function fDiv32(a: u32, b: u32): u32 {
  e.begin();
  const r = e.arith32(e.DIV, a, b);
  e.deliver();
  return r;
}
export function fSqrt32(a: u32): u32 {
  e.begin();
  const r = e.sqrt32(a);
  e.deliver();
  return r;
}
export function fMin32(a: u32, b: u32): u32 {
  e.begin();
  const r = e.minmax32(0, a, b);
  e.deliver();
  return r;
}
export function fMax32(a: u32, b: u32): u32 {
  e.begin();
  const r = e.minmax32(1, a, b);
  e.deliver();
  return r;
}

/** ZF, PF, CF of a comparison at their places in EFLAGS; OF, SF, AF are 0 (SDM, COMISD). */
function eflags(relation: u32): u32 {
  return relation === 8 ? 0x45 : relation === 4 ? 0 : relation === 1 ? 1 : 0x40;
}

/** UCOMISD: EFLAGS bits ZF, PF, CF; quiet NaNs raise nothing. */
export function fUcomi64(a: u64, b: u64): u32 {
  e.begin();
  const r = e.relate64(0, a, b);
  e.deliver();
  return eflags(r);
}
/** COMISD: as UCOMISD, but every NaN is invalid. */
export function fComi64(a: u64, b: u64): u32 {
  e.begin();
  const r = e.relate64(1, a, b);
  e.deliver();
  return eflags(r);
}
/** UCOMISS. */
export function fUcomi32(a: u32, b: u32): u32 {
  e.begin();
  const r = e.relate32(0, a, b);
  e.deliver();
  return eflags(r);
}
/** COMISS. */
export function fComi32(a: u32, b: u32): u32 {
  e.begin();
  const r = e.relate32(1, a, b);
  e.deliver();
  return eflags(r);
}

/** CMPSD, VCMPSD: all ones if predicate imm (0–31) holds, else 0. */
export function fCmp64(a: u64, b: u64, imm: u32): u64 {
  e.begin();
  const r = e.relate64(e.cmpSignals(imm), a, b);
  e.deliver();
  return 0 - u64(e.cmpHolds(imm, r));
}
/** CMPSS, VCMPSS. */
export function fCmp32(a: u32, b: u32, imm: u32): u32 {
  e.begin();
  const r = e.relate32(e.cmpSignals(imm), a, b);
  e.deliver();
  return 0 - e.cmpHolds(imm, r);
}

/** a × b + c rounded once. neg: bit 0 subtracts c (FMSUB), bit 1 negates the product (FNMADD, FNMSUB). */
export function fFma64(a: u64, b: u64, c: u64, neg: u32): u64 {
  e.begin();
  const r = e.fma64(neg, a, b, c);
  e.deliver();
  return r;
}
export function fFma32(a: u32, b: u32, c: u32, neg: u32): u32 {
  e.begin();
  const r = e.fma32(neg, a, b, c);
  e.deliver();
  return r;
}

/** CVTSS2SD. */
export function fCvt32To64(a: u32): u64 {
  e.begin();
  const r = e.widen(a);
  e.deliver();
  return r;
}
/** CVTSD2SS. */
export function fCvt64To32(a: u64): u32 {
  e.begin();
  const r = e.narrow(a);
  e.deliver();
  return r;
}

/** CVTSD2SI to int32. */
export function fCvt64ToI32(a: u64): i32 {
  e.begin();
  const r = e.toInt64(32, X.rc, a);
  e.deliver();
  return i32(r);
}
/** CVTTSD2SI to int32. */
export function fCvtt64ToI32(a: u64): i32 {
  e.begin();
  const r = e.toInt64(32, 3, a);
  e.deliver();
  return i32(r);
}
/** CVTSD2SI to int64. */
export function fCvt64ToI64(a: u64): i64 {
  e.begin();
  const r = e.toInt64(64, X.rc, a);
  e.deliver();
  return r;
}
/** CVTTSD2SI to int64. */
export function fCvtt64ToI64(a: u64): i64 {
  e.begin();
  const r = e.toInt64(64, 3, a);
  e.deliver();
  return r;
}
/** CVTSS2SI to int32. */
export function fCvt32ToI32(a: u32): i32 {
  e.begin();
  const r = e.toInt32(32, X.rc, a);
  e.deliver();
  return i32(r);
}
/** CVTTSS2SI to int32. */
export function fCvtt32ToI32(a: u32): i32 {
  e.begin();
  const r = e.toInt32(32, 3, a);
  e.deliver();
  return i32(r);
}
/** CVTSS2SI to int64. */
export function fCvt32ToI64(a: u32): i64 {
  e.begin();
  const r = e.toInt32(64, X.rc, a);
  e.deliver();
  return r;
}
/** CVTTSS2SI to int64. */
export function fCvtt32ToI64(a: u32): i64 {
  e.begin();
  const r = e.toInt32(64, 3, a);
  e.deliver();
  return r;
}

/** CVTSI2SD from int64 (int32 converts exactly: use f64.convert_i32_s). */
export function fCvtI64To64(a: i64): u64 {
  e.begin();
  const r = e.fromInt64(a);
  e.deliver();
  return r;
}
/** CVTSI2SS from int32 or int64. */
export function fCvtI64To32(a: i64): u32 {
  e.begin();
  const r = e.fromInt32(a);
  e.deliver();
  return r;
}

/** ROUNDSD with its immediate. */
export function fRound64(a: u64, imm: u32): u64 {
  e.begin();
  const r = e.round64(imm, a);
  e.deliver();
  return r;
}
/** ROUNDSS with its immediate. */
export function fRound32(a: u32, imm: u32): u32 {
  e.begin();
  const r = e.round32(imm, a);
  e.deliver();
  return r;
}

/** One element of VCVTPH2PS. */
export function fCvt16To32(a: u32): u32 {
  e.begin();
  const r = e.halfToSingle(a);
  e.deliver();
  return r;
}
/** One element of VCVTPS2PH with its immediate. */
export function fCvt32To16(a: u32, imm: u32): u32 {
  e.begin();
  const r = e.singleToHalf(imm, a);
  e.deliver();
  return r;
}

/** LDMXCSR: returns 1, changing nothing, if a reserved bit is set (#GP); MXCSR_MASK is 0x2ffff on this CPU. */
export function fLoadMxcsr(value: u32): u32 {
  if ((value & ~0x2ffff) !== 0) return 1;
  store<u32>(MXCSR, value);
  e.fpUpdateMode();
  return 0;
}
