/** FSCALE, FXTRACT, FPREM, FPREM1. */
import { FSW, IE, ZE } from "./block.as";
import * as core from "./core.as";
import { A, B, FINITE, INF, R, TOP_BIT, X, ZERO } from "./core.as";
import { div128, W } from "./wide.as";
import * as x from "./x87-core.as";

/** FSCALE: ST(0) × 2^trunc(ST(1)). */
export function x87Fscale(): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0) || x.isEmpty(1)) {
    x.underflow(0, 0);
    return 0;
  }
  x.start();
  x.readA(1);
  core.moveAtoB();
  x.readA(0);
  if (!x.special2()) {
    core.moveAtoR();
    if (B.kind === INF) {
      if (B.sign === 0) {
        if (A.kind === ZERO) core.invalid();
        else {
          R.kind = INF;
          R.hi = TOP_BIT;
        }
      } else if (A.kind === INF) core.invalid();
      else {
        R.kind = ZERO;
        R.hi = 0;
      }
    } else if (A.kind === FINITE && B.kind === FINITE && B.exp >= 0) {
      // beyond 2^16 every result overflows or underflows
      const n = B.exp > 16 ? 0x20000 : i32(B.sig >> (63 - B.exp));
      R.exp += B.sign !== 0 ? -n : n;
    }
  }
  x.deliver(0, 0, true);
  return 0;
}

/** FXTRACT: ST(0) becomes its exponent, then its significand is pushed. */
export function x87Fxtract(): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0) || !x.isEmpty(7)) {
    const c1 = u32(!x.isEmpty(0));
    if (!x.raise(IE | x.SF, c1)) {
      x.writeIndefinite(0);
      x.rotate(7);
      x.writeIndefinite(0);
    }
    return 0;
  }
  x.start();
  x.readA(0);
  if (x.special1()) {
    if (!x.raise(X.flags, 0)) {
      x.writeR(0);
      x.rotate(7);
      x.writeR(0);
    }
    return 0;
  }
  if (A.kind === ZERO) X.flags = ZE;
  if (x.raise(X.flags, 0) && x.stopped()) return 0;
  const sign = A.sign;
  if (A.kind === FINITE) {
    core.fromInteger(u32(A.exp < 0), u64(abs(A.exp)));
    x.writeR(0);
    core.moveAtoR();
    R.exp = 0;
  } else {
    core.moveAtoR();
    R.kind = INF;
    R.hi = TOP_BIT;
    R.sign = u32(A.kind === ZERO);
    x.writeR(0);
    core.moveAtoR();
    R.sign = sign;
  }
  x.rotate(7);
  x.writeR(0);
  return 0;
}

/** Sets C2 (incomplete), and C0, C3, C1 from bits 2, 1, 0 of the quotient. */
function setQuotient(q: u64, incomplete: u32): void {
  let sw = load<u32>(FSW) & ~(x.C0 | x.C1 | x.C2 | x.C3);
  if (incomplete !== 0) sw |= x.C2;
  else {
    if ((q & 4) !== 0) sw |= x.C0;
    if ((q & 2) !== 0) sw |= x.C3;
    if ((q & 1) !== 0) sw |= x.C1;
  }
  store<u32>(FSW, sw);
}

/** R = rem/2^63 × 2^exp with the sign `sign`. */
function setRemainder(sign: u32, rem: u64, exp: i32): void {
  R.sign = sign;
  R.lo = 0;
  if (rem === 0) {
    R.kind = ZERO;
    R.hi = 0;
    return;
  }
  const n = clz<u64>(rem);
  R.kind = FINITE;
  R.hi = rem << n;
  R.exp = exp - i32(n);
}

class Q {
  static quotient: u64 = 0;
  static incomplete: u32 = 0;
}

/** R = the partial remainder of the finite A by the finite B; the quotient into Q. */
function remainder(nearest: u32): void {
  const d = A.exp - B.exp;
  core.moveAtoR();
  if (d >= 64) {
    // the exponent difference falls by N = 32…63, chosen so that a multiple of 32 is left (Zen 3)
    Q.incomplete = 1;
    const n = u32((d & 31) | 32);
    div128(A.sig >> (64 - n), A.sig << n, B.sig);
    setRemainder(A.sign, W.lo, A.exp - i32(n));
    return;
  }
  if (d < -1 || (d === -1 && (nearest === 0 || A.sig <= B.sig))) return;
  if (d === -1) {
    Q.quotient = 1;
    setRemainder(A.sign ^ 1, B.sig - (A.sig - B.sig), A.exp);
    return;
  }
  let rem = A.sig;
  let q: u64 = 0;
  if (d > 0) {
    q = div128(A.sig >> (64 - d), A.sig << d, B.sig);
    rem = W.lo;
  } else if (rem >= B.sig) {
    q = 1;
    rem -= B.sig;
  }
  let sign = A.sign;
  if (nearest !== 0) {
    const rest = B.sig - rem;
    if (rem > rest || (rem === rest && (q & 1) !== 0)) {
      q++;
      rem = rest;
      sign ^= 1;
    }
  }
  Q.quotient = q;
  setRemainder(sign, rem, B.exp);
}

/** FPREM (nearest 0), FPREM1 (nearest 1): the partial remainder of ST(0) by ST(1). */
export function x87Fprem(nearest: u32): i32 {
  if (x.waiting()) return x.MF;
  store<u32>(FSW, load<u32>(FSW) & ~x.C2);
  if (x.isEmpty(0) || x.isEmpty(1)) {
    x.underflow(0, 0);
    return 0;
  }
  x.start();
  x.readA(1);
  core.moveAtoB();
  x.readA(0);
  Q.quotient = 0;
  Q.incomplete = 0;
  let reduced = false;
  if (!x.special2()) {
    if (A.kind === INF || B.kind === ZERO) core.invalid();
    else {
      reduced = true;
      if (A.kind === FINITE && B.kind === FINITE) remainder(nearest);
      else core.moveAtoR();
    }
  }
  const stop = x.stopped();
  x.deliver(0, 0, true);
  if (reduced && !stop) setQuotient(Q.quotient, Q.incomplete);
  return 0;
}
