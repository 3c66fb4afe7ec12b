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
const TOP_MASK: u32 = 0x3800;

/** The control word rounds to nearest at 64 bits with PE masked. */
export function isPlain(): bool {
  return (load<u32>(FCW) & 0xf20) === 0x320;
}

/** Address of ST(i) if it is not empty, else 0. */
export function slotOf(sw: u32, i: u32): usize {
  const r = ((sw >> 11) + i) & 7;
  return ((load<u32>(FTW) >> r) & 1) !== 0 ? FPR + (usize(r) << 4) : 0;
}

/** The status word with TOP moved by n and C1 clear. */
function turned(sw: u32, n: u32): u32 {
  return (sw & ~(TOP_MASK | C1)) | ((sw + (n << 11)) & TOP_MASK);
}

/** Pushes a register image unchanged; false, with nothing changed, if the stack is full. */
export function fastPush(sig: u64, se: u32): bool {
  const sw = turned(load<u32>(FSW), 7);
  const r = (sw >> 11) & 7;
  const tags = load<u32>(FTW);
  if (((tags >> r) & 1) !== 0) return false;
  const at = FPR + (usize(r) << 4);
  store<u64>(at, sig);
  store<u16>(at + 8, u16(se));
  store<u32>(FTW, tags | (1 << r));
  store<u32>(FSW, sw);
  return true;
}

/** Pops once, ORs flags that are masked, sets C1 as given. */
export function popWith(flags: u32, c1: u32): void {
  const sw = load<u32>(FSW);
  store<u32>(FTW, load<u32>(FTW) & ~(1 << ((sw >> 11) & 7)));
  store<u32>(FSW, turned(sw, 1) | flags | (c1 !== 0 ? C1 : 0));
}

/** ST(dst) = ST(dst) op ST(src), then a pop if `pop` is 1. */
export function fastRegisters(op: u32, dst: u32, src: u32, pop: u32): bool {
  if (!isPlain()) return false;
  const sw = load<u32>(FSW);
  const tags = load<u32>(FTW);
  const top = sw >> 11;
  const to = (top + dst) & 7;
  const from = (top + src) & 7;
  if (((tags >> to) & (tags >> from) & 1) === 0) return false;
  const at = FPR + (usize(to) << 4);
  const other = FPR + (usize(from) << 4);
  const next = pop !== 0 ? turned(sw, 1) : sw;
  const a = load<u64>(at);
  const b = load<u64>(other);
  if (!fastArith(op, at, next, a, u32(load<u16>(at + 8)), b, u32(load<u16>(other + 8)))) return false;
  if (pop !== 0) store<u32>(FTW, tags & ~(1 << (top & 7)));
  return true;
}

/**
 * Relation of ST(0) and ST(i): 1 less, 2 equal, 4 greater; 0 if either is empty, or neither zero nor normal. Raises nothing.
 */
export function fastRelation(i: u32): u32 {
  const sw = load<u32>(FSW);
  const to = slotOf(sw, 0);
  const from = slotOf(sw, i);
  if (to === 0 || from === 0) return 0;
  const a = load<u64>(to);
  const b = load<u64>(from);
  const ae = u32(load<u16>(to + 8));
  const be = u32(load<u16>(from + 8));
  if (!isNormal(a, ae) && (a !== 0 || (ae & 0x7fff) !== 0)) return 0;
  if (!isNormal(b, be) && (b !== 0 || (be & 0x7fff) !== 0)) return 0;
  if ((a | b) === 0) return 2;
  const sign = ae >> 15;
  // Of zero and a number, and of numbers of different sign, the sign of the number (or of the first) decides.
  if (a === 0) return be >> 15 !== 0 ? 4 : 1;
  if (b === 0 || sign !== be >> 15) return sign !== 0 ? 1 : 4;
  if (ae === be && a === b) return 2;
  const less = ae === be ? a < b : (ae & 0x7fff) < (be & 0x7fff);
  return u32(less) !== sign ? 1 : 4;
}

function isNormal(sig: u64, se: u32): bool {
  return sig >> 63 !== 0 && ((se + 1) & 0x7fff) > 1;
}

/** Rounds hi:lo to nearest and stores it with biased exponent e and status word sw; false beyond the normal range. */
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
