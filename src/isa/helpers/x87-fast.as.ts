/**
 * The common case of x87 arithmetic without the detour over unpacked operands: two normal numbers, 64-bit precision, rounding to
 * nearest, PE masked, a normal result. Everything else returns false, with nothing changed, and takes the exact path.
 */
import { FCW, FPR, FSW, FTW, PE } from "./block.as";
import { TOP_BIT } from "./core.as";
import { div128, mulHi, W } from "./wide.as";
import { C1 } from "./x87-core.as";

const BIAS: i32 = 16383;
const MAX_EXP: i32 = 0x7ffe;

/** The control word rounds to nearest at 64 bits with PE masked. */
export function isPlain(): bool {
  return (load<u32>(FCW) & 0xf20) === 0x320;
}

/** Address of ST(i) if it is not empty, else 0. */
export function slotOf(sw: u32, i: u32): usize {
  const r = ((sw >> 11) + i) & 7;
  return ((load<u32>(FTW) >> r) & 1) !== 0 ? FPR + (usize(r) << 4) : 0;
}

function isNormal(sig: u64, se: u32): bool {
  return sig >> 63 !== 0 && ((se + 1) & 0x7fff) > 1;
}

/** Rounds hi:lo to nearest and stores it with biased exponent e; false beyond the normal range. */
function finish(at: usize, sw: u32, sign: u32, e: i32, hi: u64, lo: u64): bool {
  const up = u32(lo > TOP_BIT || (lo === TOP_BIT && (hi & 1) !== 0));
  hi += u64(up);
  if (hi === 0) {
    hi = TOP_BIT;
    e++;
  }
  if (e < 1 || e > MAX_EXP) return false;
  store<u64>(at, hi);
  store<u16>(at + 8, u16(sign | u32(e)));
  store<u32>(FSW, (sw & ~C1) | (lo !== 0 ? PE : 0) | (up !== 0 ? C1 : 0));
  return true;
}

function fastAdd(at: usize, sw: u32, a: u64, ae: u32, b: u64, be: u32): bool {
  let ea = i32(ae & 0x7fff);
  let eb = i32(be & 0x7fff);
  if (ea < eb || (ea === eb && a < b)) {
    const t = a;
    a = b;
    b = t;
    const te = ae;
    ae = be;
    be = te;
    const x = ea;
    ea = eb;
    eb = x;
  }
  const d = ea - eb;
  if (d > 63) return false;
  let lo = d === 0 ? 0 : b << (64 - d);
  let hi = b >> d;
  if (((ae ^ be) & 0x8000) === 0) {
    hi += a;
    if (hi < a) {
      lo = (lo >> 1) | (hi << 63) | (lo & 1);
      hi = (hi >> 1) | TOP_BIT;
      ea++;
    }
  } else {
    hi = a - hi - u64(lo !== 0);
    lo = 0 - lo;
    if (hi === 0) return false;
    const n = clz<u64>(hi);
    if (n !== 0) {
      hi = (hi << n) | (lo >> (64 - n));
      lo <<= n;
      ea -= i32(n);
    }
  }
  return finish(at, sw, ae & 0x8000, ea, hi, lo);
}

/** a op b (op as in x87Arith) into the register at `at`. The operands are significands with sign and exponent words. */
export function fastArith(op: u32, at: usize, sw: u32, a: u64, ae: u32, b: u64, be: u32): bool {
  if (!isNormal(a, ae) || !isNormal(b, be)) return false;
  if (op === 0) return fastAdd(at, sw, a, ae, b, be);
  if (op === 4) return fastAdd(at, sw, a, ae, b, be ^ 0x8000);
  if (op === 5) return fastAdd(at, sw, b, be, a, ae ^ 0x8000);
  const sign = (ae ^ be) & 0x8000;
  const ea = i32(ae & 0x7fff);
  const eb = i32(be & 0x7fff);
  if (op === 1) {
    const hi = mulHi(a, b);
    const lo = a * b;
    const e = ea + eb - BIAS;
    if (hi >> 63 !== 0) return finish(at, sw, sign, e + 1, hi, lo);
    return finish(at, sw, sign, e, (hi << 1) | (lo >> 63), lo << 1);
  }
  const n = op === 6 ? a : b;
  const d = op === 6 ? b : a;
  let e = (op === 6 ? ea - eb : eb - ea) + BIAS;
  let q: u64 = 0;
  if (n >= d) q = div128(n >> 1, n << 63, d);
  else {
    q = div128(n, 0, d);
    e--;
  }
  const r = W.lo;
  const lo: u64 = r === 0 ? 0 : r > d - r ? TOP_BIT | 1 : r === d - r ? TOP_BIT : 1;
  return finish(at, sw, sign, e, q, lo);
}

/** The normal double `bits` as significand (returned) and sign-exponent word (`F.se`); 0 if it is not normal. */
export class F {
  static se: u32 = 0;
}
export function fromDouble(bits: u64): u64 {
  const e = u32(bits >> 52) & 0x7ff;
  if (((e + 1) & 0x7ff) <= 1) return 0;
  F.se = (u32(bits >> 48) & 0x8000) | (e + 15360);
  return (bits << 11) | TOP_BIT;
}
export function fromSingle(bits: u32): u64 {
  const e = (bits >> 23) & 0xff;
  if (((e + 1) & 0xff) <= 1) return 0;
  F.se = ((bits >> 16) & 0x8000) | (e + 16256);
  return (u64(bits) << 40) | TOP_BIT;
}
