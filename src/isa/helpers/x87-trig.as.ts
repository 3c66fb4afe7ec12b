/** FSIN, FCOS, FSINCOS, FPTAN, FPATAN; their accuracy is told in x87-trans.as.ts. */
import { FSW, IE, PE, UE } from "./block.as";
import * as core from "./core.as";
import { A, B, FINITE, INF, R, TOP_BIT, X, ZERO } from "./core.as";
import * as f from "./float128.as";
import { V } from "./float128.as";
import * as x from "./x87-core.as";
import { ATAN, COS, ODD, PI_HI, PI_LO, SIN } from "./x87-tables.as";

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
      f.setZero(sign);
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
  f.inexact();
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
      if (turn !== 0) f.setConstant(0, 0, TOP_BIT);
      else f.setZero(A.sign);
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
  } else f.setZero(A.sign);
  if (x.stopped()) {
    x.raise(X.flags & 7, 0);
    return 0;
  }
  x.deliver(0, 0, true);
  const c1 = load<u32>(FSW) & x.C1;
  if (A.kind === FINITE) trig(1);
  else f.setConstant(0, 0, TOP_BIT);
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
  if (A.kind === ZERO) f.setZero(A.sign);
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
    if (swap) f.setInf(A.sign);
    else f.setZero(A.sign);
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
  f.inexact();
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
      else f.setZero(sign);
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
      f.inexact();
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
