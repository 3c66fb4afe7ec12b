/** Integer helpers: 64-bit multiply and divide, bit deposit and extract. */
import { div128, W } from "./wide.as";

/** Quotient of hi:lo / d (DIV r/m64). Precondition: no overflow. */
export function divuQuotient128(hi: u64, lo: u64, d: u64): u64 {
  return div128(hi, lo, d);
}

/** Remainder of hi:lo / d. Precondition: no overflow. */
export function divuRemainder128(hi: u64, lo: u64, d: u64): u64 {
  div128(hi, lo, d);
  return W.lo;
}

class S {
  static hi: u64 = 0;
  static lo: u64 = 0;
  static d: u64 = 0;
}
/** Magnitudes of a signed dividend and divisor, into S. */
function magnitudes(hi: i64, lo: u64, d: i64): void {
  S.d = d < 0 ? 0 - u64(d) : u64(d);
  S.lo = hi < 0 ? 0 - lo : lo;
  S.hi = hi < 0 ? ~u64(hi) + u64(lo === 0) : u64(hi);
}

/** 1 if IDIV r/m64 raises #DE: divisor zero, or a quotient outside -2^63…2^63-1. */
export function divsOverflows128(hi: i64, lo: u64, d: i64): u32 {
  magnitudes(hi, lo, d);
  if (S.hi >= S.d) return 1;
  const q = div128(S.hi, S.lo, S.d);
  return u32(q > 0x7fffffffffffffff + u64((hi ^ d) < 0));
}

/** Quotient of hi:lo / d, truncated toward zero (IDIV r/m64). Precondition: no overflow. */
export function divsQuotient128(hi: i64, lo: u64, d: i64): i64 {
  magnitudes(hi, lo, d);
  const q = i64(div128(S.hi, S.lo, S.d));
  return (hi ^ d) < 0 ? -q : q;
}

/** Remainder of hi:lo / d, with the dividend's sign. Precondition: no overflow. */
export function divsRemainder128(hi: i64, lo: u64, d: i64): i64 {
  magnitudes(hi, lo, d);
  div128(S.hi, S.lo, S.d);
  return hi < 0 ? -i64(W.lo) : i64(W.lo);
}

/** PDEP: the low bits of `source` go to the places where `mask` has ones. */
export function pdep64(source: u64, mask: u64): u64 {
  let out: u64 = 0;
  while (mask !== 0) {
    if ((source & 1) !== 0) out |= mask & (0 - mask);
    mask &= mask - 1;
    source >>= 1;
  }
  return out;
}

/** PEXT: the bits of `source` where `mask` has ones, gathered at the low end. */
export function pext64(source: u64, mask: u64): u64 {
  let out: u64 = 0;
  let bit: u64 = 1;
  while (mask !== 0) {
    if ((source & mask & (0 - mask)) !== 0) out |= bit;
    mask &= mask - 1;
    bit <<= 1;
  }
  return out;
}

/** BSWAP r64. */
export function bswap64(a: u64): u64 {
  return bswap<u64>(a);
}
/** BSWAP r32. */
export function bswap32(a: u32): u32 {
  return bswap<u32>(a);
}
