/**
 * F2XM1, FYL2X, FYL2XP1, FSIN, FCOS, FSINCOS, FPTAN, FPATAN: computed to about 120 bits and rounded once by RC. Hardware is not
 * correctly rounded; on AMD Zen 3 about one result of a hundred differs from ours in the last bit. The argument of FSIN and its
 * kin is reduced with the 66-bit π that CPUs use (SDM vol. 1, 8.3.8), exactly.
 */
import { FSW, IE, PE, UE, ZE } from "./block.as";
import * as core from "./core.as";
import { A, B, FINITE, INF, R, TOP_BIT, X, ZERO } from "./core.as";
import * as f from "./float128.as";
import { V } from "./float128.as";
import * as x from "./x87-core.as";
import { ATAN, COS, EXPM1, LN2_HI, LN2_LO, ODD, PI_HI, PI_LO, SIN, TWO_LOG2E_HI, TWO_LOG2E_LO } from "./x87-tables.as";

/** √2 as a significand. */
const SQRT2: u64 = 0xb504f333f9de6484;

function setConstant(sign: u32, exp: i32, sig: u64): void {
  R.kind = FINITE;
  R.sign = sign;
  R.exp = exp;
  R.hi = sig;
  R.lo = 0;
}
function setZero(sign: u32): void {
  R.kind = ZERO;
  R.sign = sign;
  R.hi = 0;
  R.lo = 0;
}
function setInf(sign: u32): void {
  R.kind = INF;
  R.sign = sign;
  R.hi = TOP_BIT;
  R.lo = 0;
}
/** R = V, an irrational result: at least sticky. */
function inexact(): void {
  f.moveVtoR();
  R.lo |= 1;
}

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
      if (A.sign === 0) setInf(0);
      else setConstant(1, 0, TOP_BIT);
    } else if (A.kind === ZERO) core.moveAtoR();
    else if (A.exp > 0 || (A.exp === 0 && A.sig !== TOP_BIT)) {
      core.moveAtoR();
      X.flags |= PE;
    } else if (A.exp === 0) {
      // 2^-1 - 1 is exact, 2^1 - 1 comes out just below 1, and both are flagged as inexact (Zen 3)
      setConstant(A.sign, -1, A.sign !== 0 ? TOP_BIT : 0xffffffffffffffff);
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
      inexact();
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
  if (hi === TOP_BIT && lo === 0) setZero(0);
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
  if (R.kind === ZERO) setConstant(u32(exp < 0), 63 - i32(n), m << n);
  else core.addFinite(u32(exp < 0), 63 - i32(n), m << n, 0, R.sign, R.exp, R.hi, R.lo);
}

/** R = R × B, which are finite or zero; sticky unless the logarithm was exact. */
function timesB(exact: bool): void {
  const sign = R.sign ^ B.sign;
  if (R.kind === ZERO || B.kind === ZERO) {
    setZero(sign);
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
        setInf(B.sign ^ 1);
      }
    } else if (A.sign !== 0) core.invalid();
    else if (A.kind === INF) {
      if (B.kind === ZERO) core.invalid();
      else setInf(B.sign);
    } else if (B.kind === INF) {
      if (A.exp === 0 && A.sig === TOP_BIT) core.invalid();
      else setInf(B.sign ^ u32(A.exp < 0));
    } else if (A.exp === 0 && A.sig === TOP_BIT) setZero(B.sign);
    else if (B.kind === ZERO) setZero(B.sign ^ u32(A.exp < 0));
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
      else setInf(B.sign);
    } else if (A.kind === ZERO) {
      if (B.kind === INF) core.invalid();
      else setZero(A.sign ^ B.sign);
    } else if (B.kind === INF) setInf(B.sign ^ A.sign);
    else if (B.kind === ZERO) setZero(B.sign ^ A.sign);
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

// --- trigonometry ---------------------------------------------------------------------------------------------------------

/** π/2 in units of 2^-65: the upper 66 bits of π. */
const HALF_PI_HI: u64 = 3;
const HALF_PI_LO: u64 = 0x243f6a8885a308d3;

class T {
  static quadrant: u32 = 0;
  static zero: bool = false;
  static sign: u32 = 0;
  static exp: i32 = 0;
  static hi: u64 = 0;
  static lo: u64 = 0;
}

/** Reduces the finite A to T in [-π/4, π/4] and a quadrant. Exact. Precondition: |A| < 2^63. */
function reduce(): void {
  T.quadrant = 0;
  T.zero = false;
  T.sign = 0;
  if (A.exp < -1) {
    T.exp = A.exp;
    T.hi = A.sig;
    T.lo = 0;
    return;
  }
  let hi: u64 = 0;
  let lo = A.sig;
  let q: u32 = 0;
  for (let i = A.exp + 2; i > 0; i--) {
    hi = (hi << 1) | (lo >> 63);
    lo <<= 1;
    q <<= 1;
    if (hi > HALF_PI_HI || (hi === HALF_PI_HI && lo >= HALF_PI_LO)) {
      hi = hi - HALF_PI_HI - u64(lo < HALF_PI_LO);
      lo -= HALF_PI_LO;
      q++;
    }
  }
  // beyond π/4: the distance to the next quadrant
  const rl = HALF_PI_LO - lo;
  const rh = HALF_PI_HI - hi - u64(HALF_PI_LO < lo);
  if (hi > rh || (hi === rh && lo > rl)) {
    hi = rh;
    lo = rl;
    q++;
    T.sign = 1;
  }
  T.quadrant = q & 3;
  if (hi === 0 && lo === 0) {
    T.zero = true;
    return;
  }
  f.setV(0, 62, hi, lo);
  f.normalize();
  T.exp = V.exp;
  T.hi = V.hi;
  T.lo = V.lo;
}

/** V = sine of T's magnitude. */
function sinKernel(): void {
  f.setV(0, T.exp, T.hi, T.lo);
  f.mulV(T.exp, T.hi, T.lo);
  f.toFixed();
  f.poly(SIN, 17, true);
  f.mulV(T.exp, T.hi, T.lo);
}
/** V = cosine of T. */
function cosKernel(): void {
  if (T.zero) {
    f.setV(0, 0, TOP_BIT, 0);
    return;
  }
  f.setV(0, T.exp, T.hi, T.lo);
  f.mulV(T.exp, T.hi, T.lo);
  f.toFixed();
  f.poly(COS, 17, true);
  // truncated products leave the sum above the cosine: keep it from looking like a tie when it is just below one
  if (T.hi !== TOP_BIT && V.lo > 4) V.lo -= 4;
}

/** R = sin (turn 0) or cos (turn 1) of the reduced A. */
function trig(turn: u32): void {
  const q = (T.quadrant + turn) & 3;
  const useCos = (q & 1) !== 0;
  let sign = q >> 1;
  if (turn === 0) sign ^= A.sign;
  if (useCos) {
    cosKernel();
    V.sign = sign;
    // just below 1
    if (!T.zero && V.hi === TOP_BIT && V.lo === 0) f.setV(sign, -1, 0xffffffffffffffff, 0xffffffffffffffff);
  } else {
    if (T.zero) {
      setZero(sign);
      return;
    }
    sinKernel();
    V.sign = sign ^ T.sign;
    // a tiny angle's sine lies below it
    if (T.exp < -62 && V.lo === 0) {
      if (V.hi === TOP_BIT) {
        V.exp--;
        V.hi = 0xffffffffffffffff;
      } else V.hi--;
      V.lo = 0xffffffffffffffff;
    }
  }
  inexact();
}

/** Sets C2 of an argument out of range, |ST(0)| >= 2^63, which leaves everything else alone. True if so. */
function outOfRange(): bool {
  const out = A.kind === FINITE && A.exp >= 63;
  store<u32>(FSW, out ? (load<u32>(FSW) | x.C2) & ~x.C1 : load<u32>(FSW) & ~x.C2);
  return out;
}

/** FSIN (turn 0), FCOS (turn 1). */
function sinOrCos(turn: u32): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0)) {
    store<u32>(FSW, load<u32>(FSW) & ~x.C2);
    x.underflow(0, 0);
    return 0;
  }
  x.start();
  x.readA(0);
  if (outOfRange()) return 0;
  if (!x.special1()) {
    if (A.kind === INF) core.invalid();
    else if (A.kind === ZERO) {
      if (turn !== 0) setConstant(0, 0, TOP_BIT);
      else setZero(A.sign);
    } else {
      reduce();
      trig(turn);
    }
  }
  x.deliver(0, 0, true);
  return 0;
}
export function x87Fsin(): i32 {
  return sinOrCos(0);
}
export function x87Fcos(): i32 {
  return sinOrCos(1);
}

/** Both FSINCOS and FPTAN write ST(0) and push; the stack must have room. False if the instruction is over. */
function beginPair(): bool {
  store<u32>(FSW, load<u32>(FSW) & ~x.C2);
  if (!x.isEmpty(0) && x.isEmpty(7)) return true;
  if (!x.raise(IE | x.SF, u32(!x.isEmpty(0)))) {
    x.writeIndefinite(0);
    x.rotate(7);
    x.writeIndefinite(0);
  }
  return false;
}
/** NaN or invalid in R goes to both registers. */
function deliverSame(): void {
  if (x.raise(X.flags, 0) && x.stopped()) return;
  x.writeR(0);
  x.rotate(7);
  x.writeR(0);
}

/** FSINCOS: ST(0) = sine, then pushes the cosine. */
export function x87Fsincos(): i32 {
  if (x.waiting()) return x.MF;
  if (!beginPair()) return 0;
  x.start();
  x.readA(0);
  if (outOfRange()) return 0;
  if (x.special1()) {
    deliverSame();
    return 0;
  }
  if (A.kind === INF) {
    core.invalid();
    deliverSame();
    return 0;
  }
  if (A.kind === FINITE) {
    reduce();
    trig(0);
  } else setZero(A.sign);
  if (x.stopped()) {
    x.raise(X.flags & 7, 0);
    return 0;
  }
  x.deliver(0, 0, true);
  const c1 = load<u32>(FSW) & x.C1;
  if (A.kind === FINITE) trig(1);
  else setConstant(0, 0, TOP_BIT);
  x.rotate(7);
  x.deliver(0, 0, true);
  store<u32>(FSW, (load<u32>(FSW) & ~x.C1) | c1);
  return 0;
}

/** FPTAN: ST(0) = tangent, then pushes 1. */
export function x87Fptan(): i32 {
  if (x.waiting()) return x.MF;
  if (!beginPair()) return 0;
  x.start();
  x.readA(0);
  if (outOfRange()) return 0;
  if (x.special1()) {
    deliverSame();
    return 0;
  }
  if (A.kind === INF) {
    core.invalid();
    deliverSame();
    return 0;
  }
  if (A.kind === ZERO) setZero(A.sign);
  else {
    reduce();
    tangent();
  }
  if (x.stopped()) {
    x.raise(X.flags & 7, 0);
    return 0;
  }
  x.deliver(0, 0, true);
  x.rotate(7);
  x.writeRaw(0, TOP_BIT, 0x3fff);
  return 0;
}

/** R = tan of the reduced A. */
function tangent(): void {
  const swap = (T.quadrant & 1) !== 0;
  if (A.exp < -34) {
    // the CPU's quotient is x or its neighbour on either side, by bits of its own; nearest rounding always gives x
    core.moveAtoR();
    X.flags |= R.exp < -16382 ? UE | PE : PE;
    return;
  }
  if (T.zero) {
    if (swap) setInf(A.sign);
    else setZero(A.sign);
    return;
  }
  const sign = A.sign ^ T.sign ^ u32(swap);
  sinKernel();
  const se = V.exp;
  const sh = V.hi;
  const sl = V.lo;
  cosKernel();
  if (swap) f.divV(se, sh, sl);
  else {
    const ce = V.exp;
    const ch = V.hi;
    const cl = V.lo;
    f.setV(0, se, sh, sl);
    f.divV(ce, ch, cl);
  }
  V.sign = sign;
  inexact();
}

/** V = atan(V) for V in (0, 1]. */
function atanKernel(): void {
  let base: u32 = 0;
  let sign: u32 = 0;
  if (V.exp >= -4) {
    // nearest j/8, then atan(t) = atan(c) + atan((t - c)/(1 + tc))
    const eighths = (V.hi >> (60 - V.exp - 1)) + 1;
    base = u32(eighths >> 1);
    if (base !== 0) {
      const n = clz<u64>(u64(base));
      const ch = u64(base) << n;
      const ce = 60 - i32(n);
      const te = V.exp;
      const th = V.hi;
      const tl = V.lo;
      f.mulV(ce, ch, 0);
      core.addFinite(0, 0, TOP_BIT, 0, 0, V.exp, V.hi, V.lo);
      const de = R.exp;
      const dh = R.hi;
      const dl = R.lo;
      core.addFinite(0, te, th, tl, 1, ce, ch, 0);
      if (R.kind === ZERO) {
        setAtanTable(base);
        return;
      }
      f.moveRtoV();
      sign = R.sign;
      f.divV(de, dh, dl);
    }
  }
  const e = V.exp;
  const h = V.hi;
  const l = V.lo;
  f.mulV(e, h, l);
  f.toFixed();
  f.poly(ODD, 18, true);
  f.mulV(e, h, l);
  if (base === 0) {
    V.sign = 0;
    return;
  }
  const ze = V.exp;
  const zh = V.hi;
  const zl = V.lo;
  setAtanTable(base);
  core.addFinite(0, V.exp, V.hi, V.lo, sign, ze, zh, zl);
  f.moveRtoV();
}
function setAtanTable(j: u32): void {
  const at = ATAN + (usize(j - 1) << 4);
  f.setV(0, 0, load<u64>(at), load<u64>(at + 8));
  f.normalize();
}

/** R = a multiple of π/4 (n = 1, 2, 3, 4), rounded like any result. */
function setQuarterPi(sign: u32, n: u32): void {
  if (n === 3) core.addFinite(sign, 0, PI_HI, PI_LO, sign, -1, PI_HI, PI_LO);
  R.kind = FINITE;
  if (n !== 3) {
    R.exp = n === 4 ? 1 : n === 2 ? 0 : -1;
    R.hi = PI_HI;
    R.lo = PI_LO;
  }
  R.sign = sign;
  R.lo |= 1;
}

/** FPATAN: arctangent of ST(1)/ST(0) in the quadrant of their signs, popped (SDM table 3-40). */
export function x87Fpatan(): i32 {
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
    const sign = B.sign;
    if (B.kind === ZERO || (A.kind === INF && B.kind !== INF)) {
      if (A.sign !== 0) setQuarterPi(sign, 4);
      else setZero(sign);
    } else if (A.kind === ZERO || (B.kind === INF && A.kind !== INF)) setQuarterPi(sign, 2);
    else if (A.kind === INF) setQuarterPi(sign, A.sign !== 0 ? 3 : 1);
    else arctangent(sign);
  }
  x.deliver(1, 1, true);
  return 0;
}

/** R = atan2(B, A) of two finite numbers. */
function arctangent(sign: u32): void {
  const steep = B.exp > A.exp || (B.exp === A.exp && B.sig > A.sig);
  if (steep) {
    f.setV(0, A.exp, A.sig, 0);
    f.divV(B.exp, B.sig, 0);
  } else {
    f.setV(0, B.exp, B.sig, 0);
    f.divV(A.exp, A.sig, 0);
  }
  if (V.exp < -64) {
    // atan(t) = t to 128 bits
    if (!steep && A.sign === 0) {
      V.sign = sign;
      inexact();
      return;
    }
  }
  atanKernel();
  if (steep) core.addFinite(0, 0, PI_HI, PI_LO, A.sign ^ 1, V.exp, V.hi, V.lo);
  else if (A.sign !== 0) core.addFinite(0, 1, PI_HI, PI_LO, 1, V.exp, V.hi, V.lo);
  else f.moveVtoR();
  R.kind = FINITE;
  R.sign = sign;
  R.lo |= 1;
}
