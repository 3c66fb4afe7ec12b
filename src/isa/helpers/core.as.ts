/**
 * Binary floating point on unpacked operands, the core of SSE and x87 alike. An unpacked finite number is
 * (-1)^sign × sig/2^63 × 2^exp with bit 63 of sig set; NaNs keep their payload left-aligned, the quiet bit in bit 62.
 * Operations take A and B (and C), leave an exact or sticky 128-bit result in R, and raise flags in `X.flags`;
 * `roundR` rounds once to any precision and exponent range (SDM vol. 1, 4.8.4 and 4.9).
 */
import { DE, IE, OE, PE, UE, ZE } from "./block.as";
import { div128, mulHi, sqrt128, W } from "./wide.as";

export const ZERO: u32 = 0;
export const FINITE: u32 = 1;
export const INF: u32 = 2;
export const NAN: u32 = 3;
/** x87 only: pseudo-infinity, pseudo-NaN, unnormal. */
export const UNSUPPORTED: u32 = 4;

export const TOP_BIT: u64 = 0x8000000000000000;
export const QUIET: u64 = 0x4000000000000000;

export class A {
  static sign: u32 = 0;
  static exp: i32 = 0;
  static sig: u64 = 0;
  static kind: u32 = 0;
}
export class B {
  static sign: u32 = 0;
  static exp: i32 = 0;
  static sig: u64 = 0;
  static kind: u32 = 0;
}
export class C {
  static sign: u32 = 0;
  static exp: i32 = 0;
  static sig: u64 = 0;
  static kind: u32 = 0;
}
/** The result: significand hi:lo, the last bit of lo sticky. */
export class R {
  static sign: u32 = 0;
  static exp: i32 = 0;
  static hi: u64 = 0;
  static lo: u64 = 0;
  static kind: u32 = 0;
}
export class X {
  /** Exceptions of the current operation. */
  static flags: u32 = 0;
  /** 1 if the last rounding moved away from zero (C1 of the x87 status word). */
  static up: u32 = 0;
  /** Rounding control: nearest even, down, up, toward zero. */
  static rc: u32 = 0;
  /** Exceptions that are masked, as IE…PE bits. */
  static masked: u32 = 0;
}

export function moveAtoB(): void {
  B.sign = A.sign;
  B.exp = A.exp;
  B.sig = A.sig;
  B.kind = A.kind;
}
export function moveAtoC(): void {
  C.sign = A.sign;
  C.exp = A.exp;
  C.sig = A.sig;
  C.kind = A.kind;
}
export function moveAtoR(): void {
  R.sign = A.sign;
  R.exp = A.exp;
  R.hi = A.sig;
  R.lo = 0;
  R.kind = A.kind;
}
export function moveBtoR(): void {
  R.sign = B.sign;
  R.exp = B.exp;
  R.hi = B.sig;
  R.lo = 0;
  R.kind = B.kind;
}

/** Unpacks into A a number of `sign`, biased exponent `e` (all ones: `special`), and fraction left-aligned at bit 62. */
export function unpackA(sign: u32, e: i32, special: i32, frac: u64, daz: u32): void {
  A.sign = sign;
  if (e === 0) {
    if (frac === 0 || daz !== 0) {
      A.kind = ZERO;
      A.sig = 0;
      return;
    }
    X.flags |= DE;
    const n = clz<u64>(frac);
    A.kind = FINITE;
    A.sig = frac << n;
    A.exp = 1 - (special >> 1) - i32(n);
    return;
  }
  A.sig = frac | TOP_BIT;
  if (e === special) {
    A.kind = frac === 0 ? INF : NAN;
    return;
  }
  A.kind = FINITE;
  A.exp = e - (special >> 1);
}

export function unpackA64(bits: u64, daz: u32): void {
  unpackA(u32(bits >> 63), i32(bits >> 52) & 0x7ff, 0x7ff, (bits << 12) >> 1, daz);
}
export function unpackA32(bits: u32, daz: u32): void {
  unpackA(bits >> 31, i32(bits >> 23) & 0xff, 0xff, (u64(bits) << 41) >> 1, daz);
}
export function unpackA16(bits: u32): void {
  unpackA((bits >> 15) & 1, i32(bits >> 10) & 0x1f, 0x1f, (u64(bits) << 54) >> 1, 0);
}

export function pack64(): u64 {
  const s = u64(R.sign) << 63;
  if (R.kind === ZERO) return s;
  const f = (R.hi << 1) >> 12;
  if (R.kind === FINITE) return R.hi >> 63 !== 0 ? s | (u64(R.exp + 1023) << 52) | f : s | f;
  return s | 0x7ff0000000000000 | (R.kind === INF ? 0 : f);
}
export function pack32(): u32 {
  const s = R.sign << 31;
  if (R.kind === ZERO) return s;
  const f = u32((R.hi << 1) >> 41);
  if (R.kind === FINITE) return R.hi >> 63 !== 0 ? s | (u32(R.exp + 127) << 23) | f : s | f;
  return s | 0x7f800000 | (R.kind === INF ? 0 : f);
}
export function pack16(): u32 {
  const s = R.sign << 15;
  if (R.kind === ZERO) return s;
  const f = u32((R.hi << 1) >> 54);
  if (R.kind === FINITE) return R.hi >> 63 !== 0 ? s | (u32(R.exp + 15) << 10) | f : s | f;
  return s | 0x7c00 | (R.kind === INF ? 0 : f);
}

/** The default NaN ("QNaN floating-point indefinite"), raised by an invalid operation. */
export function invalid(): void {
  X.flags = IE;
  R.kind = NAN;
  R.sign = 1;
  R.hi = TOP_BIT | QUIET;
  R.lo = 0;
}

/** R = A + B, or A - B with `negate`. Neither is a NaN. */
export function add(negate: u32): void {
  const bs = B.sign ^ negate;
  if (A.kind === INF) {
    if (B.kind === INF && A.sign !== bs) invalid();
    else moveAtoR();
    return;
  }
  if (B.kind !== FINITE) {
    if (B.kind === INF) {
      moveBtoR();
      R.sign = bs;
      return;
    }
    moveAtoR();
    if (A.kind === ZERO && A.sign !== bs) R.sign = u32(X.rc === 1);
    return;
  }
  if (A.kind === ZERO) {
    moveBtoR();
    R.sign = bs;
    return;
  }
  addFinite(A.sign, A.exp, A.sig, 0, bs, B.exp, B.sig, 0);
}

/** R = the sum of two finite numbers with 128-bit significands (bit 127 set). */
export function addFinite(s1: u32, e1: i32, h1: u64, l1: u64, s2: u32, e2: i32, h2: u64, l2: u64): void {
  if (e1 < e2 || (e1 === e2 && (h1 < h2 || (h1 === h2 && l1 < l2)))) {
    const s = s1;
    const e = e1;
    const h = h1;
    const l = l1;
    s1 = s2;
    e1 = e2;
    h1 = h2;
    l1 = l2;
    s2 = s;
    e2 = e;
    h2 = h;
    l2 = l;
  }
  const d = u32(e1 - e2);
  if (d !== 0) {
    if (d < 64) {
      const lost = u64(l2 << (64 - d) !== 0);
      l2 = (l2 >> d) | (h2 << (64 - d)) | lost;
      h2 >>= d;
    } else {
      if (d < 128) l2 = d === 64 ? h2 | u64(l2 !== 0) : (h2 >> (d - 64)) | u64(h2 << (128 - d) !== 0 || l2 !== 0);
      else l2 = 1;
      h2 = 0;
    }
  }
  R.kind = FINITE;
  R.sign = s1;
  R.exp = e1;
  if (s1 === s2) {
    const l = l1 + l2;
    const c = u64(l < l1);
    const h = h1 + h2;
    const h3 = h + c;
    if (h < h1 || h3 < h) {
      R.hi = (h3 >> 1) | TOP_BIT;
      R.lo = (l >> 1) | (h3 << 63) | (l & 1);
      R.exp = e1 + 1;
    } else {
      R.hi = h3;
      R.lo = l;
    }
    return;
  }
  let h = h1 - h2 - u64(l1 < l2);
  let l = l1 - l2;
  if (h === 0) {
    if (l === 0) {
      R.kind = ZERO;
      R.sign = u32(X.rc === 1);
      return;
    }
    h = l;
    l = 0;
    R.exp -= 64;
  }
  const n = clz<u64>(h);
  if (n !== 0) {
    h = (h << n) | (l >> (64 - n));
    l <<= n;
    R.exp -= i32(n);
  }
  R.hi = h;
  R.lo = l;
}

/** R = A × B. Neither is a NaN. */
export function mul(): void {
  R.sign = A.sign ^ B.sign;
  R.lo = 0;
  if (A.kind === FINITE && B.kind === FINITE) {
    const lo = A.sig * B.sig;
    const hi = mulHi(A.sig, B.sig);
    R.kind = FINITE;
    if (hi >> 63 !== 0) {
      R.exp = A.exp + B.exp + 1;
      R.hi = hi;
      R.lo = lo;
    } else {
      R.exp = A.exp + B.exp;
      R.hi = (hi << 1) | (lo >> 63);
      R.lo = lo << 1;
    }
    return;
  }
  if (A.kind === INF || B.kind === INF) {
    if (A.kind === ZERO || B.kind === ZERO) invalid();
    else {
      R.kind = INF;
      R.hi = TOP_BIT;
    }
    return;
  }
  R.kind = ZERO;
  R.hi = 0;
}

/** R = A / B. Neither is a NaN. */
export function div(): void {
  R.sign = A.sign ^ B.sign;
  R.lo = 0;
  if (A.kind === FINITE && B.kind === FINITE) {
    R.kind = FINITE;
    R.exp = A.exp - B.exp;
    if (A.sig >= B.sig) {
      R.hi = div128(A.sig >> 1, A.sig << 63, B.sig);
    } else {
      R.hi = div128(A.sig, 0, B.sig);
      R.exp--;
    }
    const rem = W.lo;
    if (rem !== 0) R.lo = rem >= B.sig - rem ? (rem === B.sig - rem ? TOP_BIT : TOP_BIT | 1) : 1;
    return;
  }
  if (A.kind === B.kind) {
    invalid();
    return;
  }
  if (B.kind === ZERO) {
    if (A.kind === FINITE) X.flags = ZE;
    R.kind = INF;
    R.hi = TOP_BIT;
    return;
  }
  R.kind = A.kind === INF ? INF : ZERO;
  R.hi = A.kind === INF ? TOP_BIT : 0;
}

/** R = √A. A is no NaN. */
export function sqrt(): void {
  if (A.kind === ZERO || (A.kind === INF && A.sign === 0)) {
    moveAtoR();
    return;
  }
  if (A.sign !== 0) {
    invalid();
    return;
  }
  R.kind = FINITE;
  R.sign = 0;
  R.exp = A.exp >> 1;
  const root = (A.exp & 1) !== 0 ? sqrt128(A.sig, 0) : sqrt128(A.sig >> 1, A.sig << 63);
  R.hi = root;
  if (W.hi !== 0 || W.lo > root) R.lo = TOP_BIT | 1;
  else R.lo = u64(W.lo !== 0);
}

/** Shifts R's significand right by n >= 1, keeping the sticky bit. */
export function shiftRightR(n: u32): void {
  if (n < 64) {
    R.lo = (R.lo >> n) | (R.hi << (64 - n)) | u64(R.lo << (64 - n) !== 0);
    R.hi >>= n;
  } else if (n < 128) {
    R.lo = n === 64 ? R.hi | u64(R.lo !== 0) : (R.hi >> (n - 64)) | u64(R.hi << (128 - n) !== 0 || R.lo !== 0);
    R.hi = 0;
  } else {
    R.lo = 1;
    R.hi = 0;
  }
}

/** Whether a remainder `frac` (of 2^64) below an `odd` or even last place rounds away from zero. */
export function roundsUp(frac: u64, odd: u64, sign: u32): bool {
  if (X.rc === 0) return frac > TOP_BIT || (frac === TOP_BIT && odd !== 0);
  if (X.rc === 3) return false;
  return frac !== 0 && (X.rc === 2) === (sign === 0);
}

/** The part of R's significand below `prec` bits, as a fraction of 2^64 with sticky last bit. */
function fraction(prec: u32): u64 {
  return prec === 64 ? R.lo : (R.hi << prec) | u64(R.lo !== 0);
}

/**
 * Rounds the finite R to `prec` bits and exponents emin…emax; raises OE, UE, PE. Underflow is detected after rounding
 * (SDM vol. 1, 4.9.1.5). `wrap` is the bias adjustment of an unmasked overflow or underflow (x87 registers: 24576), or 0.
 * Leaves a denormal with bit 63 clear and exp = emin. Returns whether the result was tiny.
 */
export function roundR(prec: u32, emin: i32, emax: i32, wrap: i32): bool {
  const unit = u64(1) << (64 - prec);
  let tiny = false;
  if (R.exp < emin) {
    tiny = true;
    if (R.exp === emin - 1 && ~R.hi < unit) {
      if (roundsUp(fraction(prec), 1, R.sign)) tiny = false;
    }
    if (tiny && (X.masked & UE) === 0) {
      // unmasked: rounded as if the exponent were unbounded, delivered (x87 registers only) with its bias adjusted
      X.flags |= UE;
      R.exp += wrap;
      if (wrap !== 0 && R.exp < emin) {
        // too small even so (FSCALE): zero
        R.kind = ZERO;
        X.flags |= PE;
        return true;
      }
    } else {
      shiftRightR(u32(min(emin - R.exp, 128)));
      R.exp = emin;
    }
  }
  const frac = fraction(prec);
  const up = roundsUp(frac, R.hi & unit, R.sign);
  R.hi &= ~(unit - 1);
  R.lo = 0;
  X.up = u32(up);
  if (up) {
    R.hi += unit;
    if (R.hi === 0) {
      R.hi = TOP_BIT;
      R.exp++;
    }
  }
  if (frac !== 0) X.flags |= tiny && (X.masked & UE) !== 0 ? UE | PE : PE;
  if (R.hi === 0) R.kind = ZERO;
  if (R.exp > emax) {
    X.flags |= OE;
    if ((X.masked & OE) === 0) {
      R.exp -= wrap;
      if (wrap !== 0 && R.exp > emax) {
        R.kind = INF;
        R.hi = TOP_BIT;
        X.up = 1;
        X.flags |= PE;
      }
    } else {
      X.flags |= PE;
      if (X.rc === 0 || (X.rc === 2 && R.sign === 0) || (X.rc === 1 && R.sign !== 0)) {
        R.kind = INF;
        R.hi = TOP_BIT;
        X.up = 1;
      } else {
        R.exp = emax;
        R.hi = ~(unit - 1);
        X.up = 0;
      }
    }
  }
  return tiny;
}

/** Order of A and B as a bit: less 1, equal 2, greater 4, unordered 8. */
export function relation(): u32 {
  if (A.kind >= NAN || B.kind >= NAN) return 8;
  if (A.kind === ZERO && B.kind === ZERO) return 2;
  const less: u32 = A.sign !== 0 ? 4 : 1;
  if (A.kind === ZERO) return B.sign !== 0 ? 4 : 1;
  if (B.kind === ZERO || A.sign !== B.sign) return A.sign !== 0 ? 1 : 4;
  if (A.kind !== B.kind) return A.kind < B.kind ? less : 5 - less;
  if (A.kind === INF) return 2;
  if (A.exp !== B.exp) return A.exp < B.exp ? less : 5 - less;
  if (A.sig !== B.sig) return A.sig < B.sig ? less : 5 - less;
  return 2;
}

/**
 * The finite or zero A as an integer of at most 64 bits, rounded by X.rc: magnitude returned, X.up and PE set;
 * `W.hi` is 1 if it is 2^64 or more. No invalid exception is raised here.
 */
export function toInteger(): u64 {
  X.up = 0;
  W.hi = 0;
  if (A.kind === ZERO) return 0;
  if (A.exp > 63) {
    W.hi = 1;
    return 0;
  }
  let n: u64 = 0;
  let frac: u64 = 0;
  if (A.exp === 63) n = A.sig;
  else if (A.exp >= 0) {
    n = A.sig >> (63 - A.exp);
    frac = A.sig << (A.exp + 1);
  } else frac = A.exp === -1 ? A.sig : 1;
  if (frac !== 0) {
    X.flags |= PE;
    if (roundsUp(frac, n & 1, A.sign)) {
      X.up = 1;
      n++;
      if (n === 0) W.hi = 1;
    }
  }
  return n;
}

/** R = the integer of magnitude n. */
export function fromInteger(sign: u32, n: u64): void {
  R.sign = sign;
  R.lo = 0;
  if (n === 0) {
    R.kind = ZERO;
    R.hi = 0;
    return;
  }
  const z = clz<u64>(n);
  R.kind = FINITE;
  R.hi = n << z;
  R.exp = 63 - i32(z);
}

/** Whether the last `toInteger` exceeded 64 bits. */
export function overflowed(): bool {
  return W.hi !== 0;
}
