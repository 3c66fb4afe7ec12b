/** 128-bit integer arithmetic. Results wider than 64 bits leave their second half in `W`. */

export class W {
  /** Low half of a product; remainder of a division. */
  static lo: u64 = 0;
  static hi: u64 = 0;
}

/** High 64 bits of the unsigned product; the low ones are `a * b`. */
export function mulHi(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const mid = a1 * b0 + ((a0 * b0) >> 32);
  const mid2 = a0 * b1 + (mid & 0xffffffff);
  return a1 * b1 + (mid >> 32) + (mid2 >> 32);
}

/**
 * Quotient of hi:lo by `d`, remainder in `W.lo`. Precondition: hi < d.
 * Two 64/32 steps on a normalised divisor (Knuth, TAOCP vol. 2, 4.3.1, algorithm D).
 */
export function div128(hi: u64, lo: u64, d: u64): u64 {
  if (hi === 0) {
    const q = lo / d;
    W.lo = lo - q * d;
    return q;
  }
  const s = clz<u64>(d);
  if (s !== 0) {
    d <<= s;
    hi = (hi << s) | (lo >> (64 - s));
    lo <<= s;
  }
  const d1 = d >> 32;
  const d0 = d & 0xffffffff;
  let q1 = hi / d1;
  let r = hi - q1 * d1;
  while (q1 >> 32 !== 0 || q1 * d0 > ((r << 32) | (lo >> 32))) {
    q1--;
    r += d1;
    if (r >> 32 !== 0) break;
  }
  const mid = ((hi << 32) | (lo >> 32)) - q1 * d;
  let q0 = mid / d1;
  r = mid - q0 * d1;
  while (q0 >> 32 !== 0 || q0 * d0 > ((r << 32) | (lo & 0xffffffff))) {
    q0--;
    r += d1;
    if (r >> 32 !== 0) break;
  }
  W.lo = (((mid << 32) | (lo & 0xffffffff)) - q0 * d) >> s;
  return (q1 << 32) + q0;
}

/** Root of the 128-bit hi:lo (hi >= 2^62), rounded down; the remainder is left in `W.hi`:`W.lo`. */
export function sqrt128(hi: u64, lo: u64): u64 {
  // The double root is right to about 2^-52; one Newton step leaves an error of a few units, which the loops remove.
  const est = Math.sqrt(f64(hi) * 18446744073709551616.0 + f64(lo));
  let r: u64 = est >= 18446744073709551615.0 ? 0xffffffffffffffff : u64(est);
  let sqHi = mulHi(r, r);
  let sqLo = r * r;
  // signed difference N - r² is below 2^78, so its top 64 bits shifted give enough for the correction
  let dHi = hi - sqHi - u64(lo < sqLo);
  let dLo = lo - sqLo;
  const diff = f64(i64(dHi)) * 18446744073709551616.0 + f64(dLo);
  const step = i64(diff / (2.0 * est));
  const stepped = r + u64(step);
  r = step > 0 && stepped < r ? 0xffffffffffffffff : stepped;
  sqHi = mulHi(r, r);
  sqLo = r * r;
  while (sqHi > hi || (sqHi === hi && sqLo > lo)) {
    r--;
    sqHi = mulHi(r, r);
    sqLo = r * r;
  }
  dHi = hi - sqHi - u64(lo < sqLo);
  dLo = lo - sqLo;
  // the remainder of the floor root is at most 2r
  while (dHi > r >> 63 || (dHi === r >> 63 && dLo > r << 1)) {
    const sub = (r << 1) + 1;
    const subHi = r >> 63;
    dHi = dHi - subHi - u64(dLo < sub);
    dLo -= sub;
    r++;
  }
  W.hi = dHi;
  W.lo = dLo;
  return r;
}
