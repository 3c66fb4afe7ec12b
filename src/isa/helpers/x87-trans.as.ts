/**
 * F2XM1, FYL2X, FYL2XP1, and FSIN, FCOS, FSINCOS, FPTAN, FPATAN in x87-trig.as.ts: computed to about 120 bits and rounded once by RC. Hardware is not
 * correctly rounded; on AMD Zen 3 about one result of a hundred differs from ours in the last bit. The argument of FSIN and its
 * kin is reduced with the 66-bit π that CPUs use (SDM vol. 1, 8.3.8), exactly.
 */
import { PE, UE, ZE } from "./block.as";
import * as core from "./core.as";
import { A, B, FINITE, INF, R, TOP_BIT, X, ZERO } from "./core.as";
import * as f from "./float128.as";
import { V } from "./float128.as";
import * as x from "./x87-core.as";
import { EXPM1, LN2_HI, LN2_LO, ODD, TWO_LOG2E_HI, TWO_LOG2E_LO } from "./x87-tables.as";

/** √2 as a significand. */
const SQRT2: u64 = 0xb504f333f9de6484;

// --- 2^x - 1 --------------------------------------------------------------------------------------------------------------

/** F2XM1 of ST(0) in [-1, 1]; beyond, the operand stays as it is (Zen 3). */
export function x87F2xm1(): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0)) {
    x.underflow(0, 0);
    return 0;
  }
  x.start();
  x.readA(0);
  if (!x.special1()) {
    if (A.kind === INF) {
      if (A.sign === 0) f.setInf(0);
      else f.setConstant(1, 0, TOP_BIT);
    } else if (A.kind === ZERO) core.moveAtoR();
    else if (A.exp > 0 || (A.exp === 0 && A.sig !== TOP_BIT)) {
      core.moveAtoR();
      X.flags |= PE;
    } else if (A.exp === 0) {
      // 2^-1 - 1 is exact, 2^1 - 1 comes out just below 1, and both are flagged as inexact (Zen 3)
      f.setConstant(A.sign, -1, A.sign !== 0 ? TOP_BIT : 0xffffffffffffffff);
      if (A.sign === 0) R.lo = 0xffffffffffffffff;
      X.flags |= PE;
    } else {
      f.setV(A.sign, A.exp, A.sig, 0);
      f.mulV(-1, LN2_HI, LN2_LO);
      const e = V.exp;
      const h = V.hi;
      const l = V.lo;
      f.toFixed();
      f.poly(EXPM1, 31, A.sign !== 0);
      f.mulV(e, h, l);
      f.inexact();
    }
  }
  x.deliver(0, 0, true);
  return 0;
}

// --- logarithms -----------------------------------------------------------------------------------------------------------

/** V = log2((1 + s)/(1 - s)) for s = V in (-0.18, 0.18). */
function logOfRatio(): void {
  const e = V.exp;
  const h = V.hi;
  const l = V.lo;
  f.mulV(e, h, l);
  f.toFixed();
  f.poly(ODD, 26, false);
  f.mulV(e, h, l);
  f.mulV(1, TWO_LOG2E_HI, TWO_LOG2E_LO);
}

/** R = log2 of the number (exp, hi, lo), 0 for a power of two: exponent plus logarithm of the significand. */
function log2(exp: i32, hi: u64, lo: u64): void {
  let e: i32 = 0;
  if (hi > SQRT2) {
    e = -1;
    exp++;
  }
  if (hi === TOP_BIT && lo === 0) f.setZero(0);
  else {
    core.addFinite(0, 0, TOP_BIT, 0, 0, e, hi, lo);
    const dh = R.hi;
    const dl = R.lo;
    const de = R.exp;
    core.addFinite(0, e, hi, lo, 1, 0, TOP_BIT, 0);
    f.moveRtoV();
    f.divV(de, dh, dl);
    logOfRatio();
    f.moveVtoR();
  }
  if (exp === 0) return;
  const m = u64(abs(exp));
  const n = clz<u64>(m);
  if (R.kind === ZERO) f.setConstant(u32(exp < 0), 63 - i32(n), m << n);
  else core.addFinite(u32(exp < 0), 63 - i32(n), m << n, 0, R.sign, R.exp, R.hi, R.lo);
}

/** R = R × B, which are finite or zero; sticky unless the logarithm was exact. */
function timesB(exact: bool): void {
  const sign = R.sign ^ B.sign;
  if (R.kind === ZERO || B.kind === ZERO) {
    f.setZero(sign);
    return;
  }
  const lost = R.hi !== 0 && exact ? 0 : 1;
  if (exact) {
    const lo = R.hi * B.sig;
    f.setV(sign, R.exp, R.hi, 0);
    f.mulV(B.exp, B.sig, 0);
    V.lo |= u64(lo << 1 !== 0 && V.lo === 0);
  } else {
    f.moveRtoV();
    V.sign = sign;
    f.mulV(B.exp, B.sig, 0);
  }
  f.moveVtoR();
  R.lo |= u64(lost);
  // inexact even where the product is exact (Zen 3)
  X.flags |= R.exp < -16382 ? UE | PE : PE;
}

/** FYL2X: ST(1) × log2(ST(0)), popped (SDM table 3-59). */
export function x87Fyl2x(): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0) || x.isEmpty(1)) {
    x.underflow(1, 1);
    return 0;
  }
  x.start();
  x.readA(1);
  core.moveAtoB();
  x.readA(0);
  if (!x.special2()) {
    if (A.kind === ZERO) {
      if (B.kind === ZERO) core.invalid();
      else {
        if (B.kind === FINITE) X.flags = ZE;
        f.setInf(B.sign ^ 1);
      }
    } else if (A.sign !== 0) core.invalid();
    else if (A.kind === INF) {
      if (B.kind === ZERO) core.invalid();
      else f.setInf(B.sign);
    } else if (B.kind === INF) {
      if (A.exp === 0 && A.sig === TOP_BIT) core.invalid();
      else f.setInf(B.sign ^ u32(A.exp < 0));
    } else if (A.exp === 0 && A.sig === TOP_BIT) f.setZero(B.sign);
    else if (B.kind === ZERO) f.setZero(B.sign ^ u32(A.exp < 0));
    else {
      log2(A.exp, A.sig, 0);
      timesB(A.sig === TOP_BIT);
    }
  }
  x.deliver(1, 1, true);
  return 0;
}

/** FYL2XP1: ST(1) × log2(ST(0) + 1), popped. */
export function x87Fyl2xp1(): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0) || x.isEmpty(1)) {
    x.underflow(1, 1);
    return 0;
  }
  x.start();
  x.readA(1);
  core.moveAtoB();
  x.readA(0);
  if (!x.special2()) {
    if (A.kind === INF) {
      if (A.sign !== 0 || B.kind === ZERO) core.invalid();
      else f.setInf(B.sign);
    } else if (A.kind === ZERO) {
      if (B.kind === INF) core.invalid();
      else f.setZero(A.sign ^ B.sign);
    } else if (B.kind === INF) f.setInf(B.sign ^ A.sign);
    else if (B.kind === ZERO) f.setZero(B.sign ^ A.sign);
    else if (A.exp < -2) {
      core.addFinite(0, 1, TOP_BIT, 0, A.sign, A.exp, A.sig, 0);
      f.setV(A.sign, A.exp, A.sig, 0);
      f.divV(R.exp, R.hi, R.lo);
      logOfRatio();
      f.moveVtoR();
      timesB(false);
    } else if (A.sign !== 0 && A.exp >= 0) {
      core.moveAtoR();
      X.flags |= PE;
    } else {
      core.addFinite(0, 0, TOP_BIT, 0, A.sign, A.exp, A.sig, 0);
      const exact = R.hi === TOP_BIT && R.lo === 0;
      log2(R.exp, R.hi, R.lo);
      timesB(exact);
    }
  }
  x.deliver(1, 1, true);
  return 0;
}
