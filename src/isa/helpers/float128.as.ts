/**
 * Unsigned 128-bit significand arithmetic for the transcendental instructions: results are good to about 2^-125, far beyond the
 * 64 bits they are rounded to. A number is an exponent and a significand hi:lo with bit 127 set; fixed-point numbers are Q0.128
 * (below 1) and Q1.127 (below 2).
 */
import { FINITE, INF, R, TOP_BIT, ZERO } from "./core.as";
import { div128, mulHi } from "./wide.as";

/** A second register beside core's R: the operand, and the result of the functions below. */
export class V {
  static sign: u32 = 0;
  static exp: i32 = 0;
  static hi: u64 = 0;
  static lo: u64 = 0;
}

export function moveRtoV(): void {
  V.sign = R.sign;
  V.exp = R.exp;
  V.hi = R.hi;
  V.lo = R.lo;
}
export function moveVtoR(): void {
  R.kind = FINITE;
  R.sign = V.sign;
  R.exp = V.exp;
  R.hi = V.hi;
  R.lo = V.lo;
}
export function setV(sign: u32, exp: i32, hi: u64, lo: u64): void {
  V.sign = sign;
  V.exp = exp;
  V.hi = hi;
  V.lo = lo;
}

/** Upper 128 bits of the product, in V.hi:V.lo. */
export function mulWide(ah: u64, al: u64, bh: u64, bl: u64): void {
  const m1 = ah * bl;
  const low = m1 + al * bh;
  const l1 = ah * bh;
  const l2 = l1 + mulHi(ah, bl);
  const l3 = l2 + mulHi(al, bh);
  const l4 = l3 + u64(low < m1);
  V.hi = mulHi(ah, bh) + u64(l2 < l1) + u64(l3 < l2) + u64(l4 < l3);
  V.lo = l4;
}

/** V = V × the number (exp, hi, lo). */
export function mulV(exp: i32, hi: u64, lo: u64): void {
  mulWide(V.hi, V.lo, hi, lo);
  V.exp += exp + 1;
  normalize();
}

/** Shifts V's significand, which is not 0, up to bit 127. */
export function normalize(): void {
  if (V.hi === 0) {
    V.hi = V.lo;
    V.lo = 0;
    V.exp -= 64;
  }
  const n = clz<u64>(V.hi);
  if (n !== 0) {
    V.hi = (V.hi << n) | (V.lo >> (64 - n));
    V.lo <<= n;
    V.exp -= i32(n);
  }
}

/** One quotient digit of (u2:u1:u0) / (v1:v0), v normalised and greater than u2:u1; the remainder in D (Knuth, algorithm D). */
class D {
  static r1: u64 = 0;
  static r0: u64 = 0;
}
function digit(u2: u64, u1: u64, u0: u64, v1: u64, v0: u64): u64 {
  let q: u64 = 0xffffffffffffffff;
  if (u2 < v1) q = div128(u2, u1, v1);
  // u - q·v, taken back while it is negative (at most twice)
  const p0 = q * v0;
  const a = mulHi(q, v0);
  const b = q * v1;
  const p1 = a + b;
  const p2 = mulHi(q, v1) + u64(p1 < a);
  let r0 = u0 - p0;
  const c0 = u64(u0 < p0);
  let r1 = u1 - p1 - c0;
  const c1 = u64(u1 < p1 || (u1 === p1 && c0 !== 0));
  let r2 = u2 - p2 - c1;
  while (i64(r2) < 0) {
    q--;
    r0 += v0;
    const k0 = u64(r0 < v0);
    const t = r1 + v1;
    const s = t + k0;
    r2 += u64(t < r1) + u64(s < t);
    r1 = s;
  }
  D.r1 = r1;
  D.r0 = r0;
  return q;
}

/** V = V / the number (exp, hi, lo). */
export function divV(exp: i32, hi: u64, lo: u64): void {
  V.exp -= exp;
  let u2 = V.hi;
  let u1 = V.lo;
  let u0: u64 = 0;
  if (u2 > hi || (u2 === hi && u1 >= lo)) {
    u0 = u1 << 63;
    u1 = (u1 >> 1) | (u2 << 63);
    u2 >>= 1;
  } else V.exp--;
  V.hi = digit(u2, u1, u0, hi, lo);
  V.lo = digit(D.r1, D.r0, 0, hi, lo);
}

/** Turns V, which is below 1, into Q0.128 in hi:lo. */
export function toFixed(): void {
  const n = u32(-1 - V.exp);
  if (n === 0) return;
  if (n >= 128) {
    V.hi = 0;
    V.lo = 0;
  } else if (n >= 64) {
    V.lo = V.hi >> (n - 64);
    V.hi = 0;
  } else {
    V.lo = (V.lo >> n) | (V.hi << (64 - n));
    V.hi >>= n;
  }
}

/**
 * V = Σ table[k] (±z)^k for k below `count`, as a number of exponent 0 after normalising; z is V's fixed point, and the terms
 * alternate in sign with `minus`. The sum lies in (0, 2).
 */
export function poly(table: usize, count: u32, minus: bool): void {
  const zh = V.hi;
  const zl = V.lo;
  let at = table + (usize(count - 1) << 4);
  let h = load<u64>(at);
  let l = load<u64>(at + 8);
  while (at > table) {
    at -= 16;
    mulWide(h, l, zh, zl);
    const ch = load<u64>(at);
    const cl = load<u64>(at + 8);
    if (minus) {
      l = cl - V.lo;
      h = ch - V.hi - u64(cl < V.lo);
    } else {
      l = cl + V.lo;
      h = ch + V.hi + u64(l < cl);
    }
  }
  V.hi = h;
  V.lo = l;
  V.exp = 0;
  normalize();
}

export function setConstant(sign: u32, exp: i32, sig: u64): void {
  R.kind = FINITE;
  R.sign = sign;
  R.exp = exp;
  R.hi = sig;
  R.lo = 0;
}
export function setZero(sign: u32): void {
  R.kind = ZERO;
  R.sign = sign;
  R.hi = 0;
  R.lo = 0;
}
export function setInf(sign: u32): void {
  R.kind = INF;
  R.sign = sign;
  R.hi = TOP_BIT;
  R.lo = 0;
}
/** R = V, an irrational result: at least sticky. */
export function inexact(): void {
  moveVtoR();
  R.lo |= 1;
}
