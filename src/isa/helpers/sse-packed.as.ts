/**
 * Packed SSE helpers: the element operations of sse-core on each lane, the flags of all lanes delivered together. 256-bit forms
 * call them once for each half.
 */
import { X } from "./core.as";
import { rcp32, rsqrt32 } from "./rcp-table.as";
import * as e from "./sse-core.as";

function s(v: v128, i: u8): u32 {
  return i === 0
    ? v128.extract_lane<u32>(v, 0)
    : i === 1
      ? v128.extract_lane<u32>(v, 1)
      : i === 2
        ? v128.extract_lane<u32>(v, 2)
        : v128.extract_lane<u32>(v, 3);
}
function d(v: v128, i: u8): u64 {
  return i === 0 ? v128.extract_lane<u64>(v, 0) : v128.extract_lane<u64>(v, 1);
}
function ps(a: u32, b: u32, c: u32, f: u32): v128 {
  let v = i32x4.splat(i32(a));
  v = v128.replace_lane<u32>(v, 1, b);
  v = v128.replace_lane<u32>(v, 2, c);
  return v128.replace_lane<u32>(v, 3, f);
}
function pd(a: u64, b: u64): v128 {
  return v128.replace_lane<u64>(i64x2.splat(i64(a)), 1, b);
}

function isZeroPs(v: v128): v128 {
  return i32x4.eq(i32x4.shl(v, 1), i32x4.splat(0));
}
function isZeroPd(v: v128): v128 {
  return i64x2.eq(i64x2.shl(v, 1), i64x2.splat(0));
}
/** Zero or denormal. */
function isSmallPs(v: v128): v128 {
  return i32x4.eq(v128.and(v, i32x4.splat(0x7f800000)), i32x4.splat(0));
}
function isSmallPd(v: v128): v128 {
  return i64x2.eq(v128.and(v, i64x2.splat(0x7ff0000000000000)), i64x2.splat(0));
}

/**
 * Whether wasm's own result r = a op b is right in all lanes in the plain mode: no operand is denormal, no result special, and
 * products and quotients are small only where a factor or the dividend is 0.
 */
function isPlainPs(op: u32, a: v128, b: v128, r: v128): bool {
  const exponent = i32x4.splat(0x7f800000);
  const zeroA = isZeroPs(a);
  const zeroB = isZeroPs(b);
  let bad = v128.or(v128.andnot(isSmallPs(a), zeroA), v128.andnot(isSmallPs(b), zeroB));
  bad = v128.or(bad, i32x4.eq(v128.and(r, exponent), exponent));
  if (op >= e.MUL) {
    const zero = op === e.MUL ? v128.or(zeroA, zeroB) : zeroA;
    bad = v128.or(bad, v128.andnot(i32x4.le_s(v128.and(r, i32x4.splat(0x7fffffff)), i32x4.splat(0x00800000)), zero));
  }
  return !v128.any_true(bad);
}
function isPlainPd(op: u32, a: v128, b: v128, r: v128): bool {
  const exponent = i64x2.splat(0x7ff0000000000000);
  const zeroA = isZeroPd(a);
  const zeroB = isZeroPd(b);
  let bad = v128.or(v128.andnot(isSmallPd(a), zeroA), v128.andnot(isSmallPd(b), zeroB));
  bad = v128.or(bad, i64x2.eq(v128.and(r, exponent), exponent));
  if (op >= e.MUL) {
    const zero = op === e.MUL ? v128.or(zeroA, zeroB) : zeroA;
    bad = v128.or(
      bad,
      v128.andnot(i64x2.le_s(v128.and(r, i64x2.splat(0x7fffffffffffffff)), i64x2.splat(0x0010000000000000)), zero),
    );
  }
  return !v128.any_true(bad);
}

function arithPs(op: u32, a: v128, b: v128): v128 {
  if (e.isPlainMode()) {
    let r: v128;
    if (op === e.ADD) r = f32x4.add(a, b);
    else if (op === e.SUB) r = f32x4.sub(a, b);
    else if (op === e.MUL) r = f32x4.mul(a, b);
    else r = f32x4.div(a, b);
    if (isPlainPs(op, a, b, r)) return r;
  }
  e.begin();
  const r = ps(
    e.arith32(op, s(a, 0), s(b, 0)),
    e.arith32(op, s(a, 1), s(b, 1)),
    e.arith32(op, s(a, 2), s(b, 2)),
    e.arith32(op, s(a, 3), s(b, 3)),
  );
  e.deliver();
  return r;
}
function arithPd(op: u32, a: v128, b: v128): v128 {
  if (e.isPlainMode()) {
    let r: v128;
    if (op === e.ADD) r = f64x2.add(a, b);
    else if (op === e.SUB) r = f64x2.sub(a, b);
    else if (op === e.MUL) r = f64x2.mul(a, b);
    else r = f64x2.div(a, b);
    if (isPlainPd(op, a, b, r)) return r;
  }
  e.begin();
  const r = pd(e.arith64(op, d(a, 0), d(b, 0)), e.arith64(op, d(a, 1), d(b, 1)));
  e.deliver();
  return r;
}

export function fAddPs(a: v128, b: v128): v128 {
  return arithPs(e.ADD, a, b);
}
export function fAddPd(a: v128, b: v128): v128 {
  return arithPd(e.ADD, a, b);
}
export function fSubPs(a: v128, b: v128): v128 {
  return arithPs(e.SUB, a, b);
}
export function fSubPd(a: v128, b: v128): v128 {
  return arithPd(e.SUB, a, b);
}
export function fMulPs(a: v128, b: v128): v128 {
  return arithPs(e.MUL, a, b);
}
export function fMulPd(a: v128, b: v128): v128 {
  return arithPd(e.MUL, a, b);
}
export function fDivPs(a: v128, b: v128): v128 {
  return arithPs(e.DIV, a, b);
}
export function fDivPd(a: v128, b: v128): v128 {
  return arithPd(e.DIV, a, b);
}

function minmaxPs(max: u32, a: v128, b: v128): v128 {
  e.begin();
  const r = ps(
    e.minmax32(max, s(a, 0), s(b, 0)),
    e.minmax32(max, s(a, 1), s(b, 1)),
    e.minmax32(max, s(a, 2), s(b, 2)),
    e.minmax32(max, s(a, 3), s(b, 3)),
  );
  e.deliver();
  return r;
}
function minmaxPd(max: u32, a: v128, b: v128): v128 {
  e.begin();
  const r = pd(e.minmax64(max, d(a, 0), d(b, 0)), e.minmax64(max, d(a, 1), d(b, 1)));
  e.deliver();
  return r;
}

export function fMinPs(a: v128, b: v128): v128 {
  return minmaxPs(0, a, b);
}
export function fMinPd(a: v128, b: v128): v128 {
  return minmaxPd(0, a, b);
}
export function fMaxPs(a: v128, b: v128): v128 {
  return minmaxPs(1, a, b);
}
export function fMaxPd(a: v128, b: v128): v128 {
  return minmaxPd(1, a, b);
}

export function fSqrtPs(a: v128): v128 {
  e.begin();
  const r = ps(e.sqrt32(s(a, 0)), e.sqrt32(s(a, 1)), e.sqrt32(s(a, 2)), e.sqrt32(s(a, 3)));
  e.deliver();
  return r;
}

export function fSqrtPd(a: v128): v128 {
  e.begin();
  const r = pd(e.sqrt64(d(a, 0)), e.sqrt64(d(a, 1)));
  e.deliver();
  return r;
}

/** CVTDQ2PS. (CVTDQ2PD is exact: use f64x2.convert_low_i32x4_s.) */
export function fCvtDq2Ps(a: v128): v128 {
  e.begin();
  const r = ps(
    e.fromInt32(i64(i32(s(a, 0)))),
    e.fromInt32(i64(i32(s(a, 1)))),
    e.fromInt32(i64(i32(s(a, 2)))),
    e.fromInt32(i64(i32(s(a, 3)))),
  );
  e.deliver();
  return r;
}

/** CVTPS2DQ. */
export function fCvtPs2Dq(a: v128): v128 {
  e.begin();
  const r = ps(
    u32(e.toInt32(32, X.rc, s(a, 0))),
    u32(e.toInt32(32, X.rc, s(a, 1))),
    u32(e.toInt32(32, X.rc, s(a, 2))),
    u32(e.toInt32(32, X.rc, s(a, 3))),
  );
  e.deliver();
  return r;
}

/** CVTTPS2DQ. */
export function fCvttPs2Dq(a: v128): v128 {
  e.begin();
  const r = ps(
    u32(e.toInt32(32, 3, s(a, 0))),
    u32(e.toInt32(32, 3, s(a, 1))),
    u32(e.toInt32(32, 3, s(a, 2))),
    u32(e.toInt32(32, 3, s(a, 3))),
  );
  e.deliver();
  return r;
}

/** CVTPD2DQ: upper half zero. */
export function fCvtPd2Dq(a: v128): v128 {
  e.begin();
  const r = ps(u32(e.toInt64(32, X.rc, d(a, 0))), u32(e.toInt64(32, X.rc, d(a, 1))), 0, 0);
  e.deliver();
  return r;
}

/** CVTTPD2DQ: upper half zero. */
export function fCvttPd2Dq(a: v128): v128 {
  e.begin();
  const r = ps(u32(e.toInt64(32, 3, d(a, 0))), u32(e.toInt64(32, 3, d(a, 1))), 0, 0);
  e.deliver();
  return r;
}

/** CVTPS2PD of the low two elements. */
export function fCvtPs2Pd(a: v128): v128 {
  e.begin();
  const r = pd(e.widen(s(a, 0)), e.widen(s(a, 1)));
  e.deliver();
  return r;
}

/** CVTPD2PS: upper half zero. */
export function fCvtPd2Ps(a: v128): v128 {
  e.begin();
  const r = ps(e.narrow(d(a, 0)), e.narrow(d(a, 1)), 0, 0);
  e.deliver();
  return r;
}

/** CMPPS, VCMPPS with predicate imm (0–31). */
export function fCmpPs(a: v128, b: v128, imm: u32): v128 {
  e.begin();
  const q = e.cmpSignals(imm);
  const r0 = e.cmpHolds(imm, e.relate32(q, s(a, 0), s(b, 0)));
  const r1 = e.cmpHolds(imm, e.relate32(q, s(a, 1), s(b, 1)));
  const r2 = e.cmpHolds(imm, e.relate32(q, s(a, 2), s(b, 2)));
  const r3 = e.cmpHolds(imm, e.relate32(q, s(a, 3), s(b, 3)));
  e.deliver();
  return ps(0 - r0, 0 - r1, 0 - r2, 0 - r3);
}
/** CMPPD, VCMPPD. */
export function fCmpPd(a: v128, b: v128, imm: u32): v128 {
  e.begin();
  const q = e.cmpSignals(imm);
  const r0 = e.cmpHolds(imm, e.relate64(q, d(a, 0), d(b, 0)));
  const r1 = e.cmpHolds(imm, e.relate64(q, d(a, 1), d(b, 1)));
  e.deliver();
  return pd(0 - u64(r0), 0 - u64(r1));
}

/** a × b + c on each lane; neg as in fFma64. `alternate` flips the addend's sign: 1 on even lanes (FMADDSUB), 2 on odd (FMSUBADD). */
export function fFmaPs(a: v128, b: v128, c: v128, neg: u32, alternate: u32): v128 {
  e.begin();
  const even = neg ^ (alternate & 1);
  const odd = neg ^ (alternate >> 1);
  const r = ps(
    e.fma32(even, s(a, 0), s(b, 0), s(c, 0)),
    e.fma32(odd, s(a, 1), s(b, 1), s(c, 1)),
    e.fma32(even, s(a, 2), s(b, 2), s(c, 2)),
    e.fma32(odd, s(a, 3), s(b, 3), s(c, 3)),
  );
  e.deliver();
  return r;
}
export function fFmaPd(a: v128, b: v128, c: v128, neg: u32, alternate: u32): v128 {
  e.begin();
  const r = pd(
    e.fma64(neg ^ (alternate & 1), d(a, 0), d(b, 0), d(c, 0)),
    e.fma64(neg ^ (alternate >> 1), d(a, 1), d(b, 1), d(c, 1)),
  );
  e.deliver();
  return r;
}

/** ROUNDPS with its immediate. */
export function fRoundPs(a: v128, imm: u32): v128 {
  e.begin();
  const r = ps(e.round32(imm, s(a, 0)), e.round32(imm, s(a, 1)), e.round32(imm, s(a, 2)), e.round32(imm, s(a, 3)));
  e.deliver();
  return r;
}
/** ROUNDPD with its immediate. */
export function fRoundPd(a: v128, imm: u32): v128 {
  e.begin();
  const r = pd(e.round64(imm, d(a, 0)), e.round64(imm, d(a, 1)));
  e.deliver();
  return r;
}

/** ADDSUBPS: even lanes subtract, odd lanes add. */
export function fAddSubPs(a: v128, b: v128): v128 {
  e.begin();
  const r = ps(
    e.arith32(e.SUB, s(a, 0), s(b, 0)),
    e.arith32(e.ADD, s(a, 1), s(b, 1)),
    e.arith32(e.SUB, s(a, 2), s(b, 2)),
    e.arith32(e.ADD, s(a, 3), s(b, 3)),
  );
  e.deliver();
  return r;
}
/** ADDSUBPD. */
export function fAddSubPd(a: v128, b: v128): v128 {
  e.begin();
  const r = pd(e.arith64(e.SUB, d(a, 0), d(b, 0)), e.arith64(e.ADD, d(a, 1), d(b, 1)));
  e.deliver();
  return r;
}

/** DPPS: products chosen by imm bits 7:4, summed as (p0 + p1) + (p2 + p3), the sum placed by imm bits 3:0. */
export function fDpPs(a: v128, b: v128, imm: u32): v128 {
  e.begin();
  const p0 = (imm & 0x10) !== 0 ? e.arith32(e.MUL, s(a, 0), s(b, 0)) : 0;
  const p1 = (imm & 0x20) !== 0 ? e.arith32(e.MUL, s(a, 1), s(b, 1)) : 0;
  const p2 = (imm & 0x40) !== 0 ? e.arith32(e.MUL, s(a, 2), s(b, 2)) : 0;
  const p3 = (imm & 0x80) !== 0 ? e.arith32(e.MUL, s(a, 3), s(b, 3)) : 0;
  if (!e.nextStep()) return a;
  const s0 = e.arith32(e.ADD, p0, p1);
  const s1 = e.arith32(e.ADD, p2, p3);
  if (!e.nextStep()) return a;
  const sum = e.arith32(e.ADD, s0, s1);
  e.deliver();
  return ps((imm & 1) !== 0 ? sum : 0, (imm & 2) !== 0 ? sum : 0, (imm & 4) !== 0 ? sum : 0, (imm & 8) !== 0 ? sum : 0);
}
/** DPPD: products chosen by imm bits 5:4, the sum placed by imm bits 1:0. */
export function fDpPd(a: v128, b: v128, imm: u32): v128 {
  e.begin();
  const p0 = (imm & 0x10) !== 0 ? e.arith64(e.MUL, d(a, 0), d(b, 0)) : 0;
  const p1 = (imm & 0x20) !== 0 ? e.arith64(e.MUL, d(a, 1), d(b, 1)) : 0;
  if (!e.nextStep()) return a;
  const sum = e.arith64(e.ADD, p0, p1);
  e.deliver();
  return pd((imm & 1) !== 0 ? sum : 0, (imm & 2) !== 0 ? sum : 0);
}

/** VCVTPH2PS of the four halves in `a`. */
export function fCvtPh2Ps(a: u64): v128 {
  e.begin();
  const r = ps(
    e.halfToSingle(u32(a) & 0xffff),
    e.halfToSingle(u32(a >> 16) & 0xffff),
    e.halfToSingle(u32(a >> 32) & 0xffff),
    e.halfToSingle(u32(a >> 48)),
  );
  e.deliver();
  return r;
}
/** VCVTPS2PH to four halves; imm as in fCvt32To16. */
export function fCvtPs2Ph(a: v128, imm: u32): u64 {
  e.begin();
  const r =
    u64(e.singleToHalf(imm, s(a, 0))) |
    (u64(e.singleToHalf(imm, s(a, 1))) << 16) |
    (u64(e.singleToHalf(imm, s(a, 2))) << 32) |
    (u64(e.singleToHalf(imm, s(a, 3))) << 48);
  e.deliver();
  return r;
}

/** RCPSS: the approximation of AMD Zen 3, bit for bit. */
export function fRcp32(a: u32): u32 {
  return rcp32(a);
}
/** RSQRTSS, likewise. */
export function fRsqrt32(a: u32): u32 {
  return rsqrt32(a);
}
/** RCPPS. */
export function fRcpPs(a: v128): v128 {
  return ps(rcp32(s(a, 0)), rcp32(s(a, 1)), rcp32(s(a, 2)), rcp32(s(a, 3)));
}
/** RSQRTPS. */
export function fRsqrtPs(a: v128): v128 {
  return ps(rsqrt32(s(a, 0)), rsqrt32(s(a, 1)), rsqrt32(s(a, 2)), rsqrt32(s(a, 3)));
}
