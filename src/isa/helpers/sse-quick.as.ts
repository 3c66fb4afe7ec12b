/**
 * The common cases of SSE arithmetic, with wasm's own operators: round to nearest, everything masked, no DAZ or FTZ, operands
 * zero or normal, a result that is exact (or PE is set already, so that inexactness adds nothing) and neither tiny nor special.
 * `add64` and so on return whether that holds; the result is then in `result64` or `result32`.
 */

export let result64: u64 = 0;
export let result32: u32 = 0;

const EXPONENT64: u64 = 0x7ff0000000000000;
const FRACTION64: u64 = 0x000fffffffffffff;
const EXPONENT32: u32 = 0x7f800000;
const FRACTION32: u32 = 0x007fffff;

/** Zero or normal. */
function plain64(x: u64): bool {
  const exponent = x & EXPONENT64;
  return exponent !== EXPONENT64 && (exponent !== 0 || (x & FRACTION64) === 0);
}
function normal64(x: u64): bool {
  const exponent = x & EXPONENT64;
  return exponent !== 0 && exponent !== EXPONENT64;
}
/** A normal result that was not rounded up to the smallest one: that is tiny (SDM volume 1, section 4.9.1.5). */
function settled64(x: u64): bool {
  return normal64(x) && x << 1 !== 0x0020000000000000;
}
function plain32(x: u32): bool {
  const exponent = x & EXPONENT32;
  return exponent !== EXPONENT32 && (exponent !== 0 || (x & FRACTION32) === 0);
}
function normal32(x: u32): bool {
  const exponent = x & EXPONENT32;
  return exponent !== 0 && exponent !== EXPONENT32;
}

function settled32(x: u32): bool {
  return normal32(x) && x << 1 !== 0x01000000;
}

/** Trailing zero bits of the significand of a normal number. */
function trailing64(x: u64): u64 {
  return ctz(x | 0x0010000000000000);
}

/** x + y; the error of the sum is computed exactly (Knuth, TAOCP volume 2, theorem 4.2.2 B). */
export function add64(a: u64, b: u64, pe: bool): bool {
  if (!plain64(a) || !plain64(b)) return false;
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  const sum = x + y;
  const bits = reinterpret<u64>(sum);
  if (!plain64(bits)) return false;
  if (!pe) {
    const v = sum - x;
    if (x - (sum - v) + (y - v) !== 0) return false;
  }
  result64 = bits;
  return true;
}

/** x × y is exact if the significands have at most 53 bits together. */
export function mul64(a: u64, b: u64, pe: bool): bool {
  if (!plain64(a) || !plain64(b)) return false;
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  const bits = reinterpret<u64>(x * y);
  if (x !== 0 && y !== 0) {
    if (!settled64(bits)) return false;
    if (!pe && trailing64(a) + trailing64(b) < 53) return false;
  }
  result64 = bits;
  return true;
}

/** x / y = q is exact if q × y is, and gives x back. */
export function div64(a: u64, b: u64, pe: bool): bool {
  if (!plain64(a) || !normal64(b)) return false;
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  const q = x / y;
  const bits = reinterpret<u64>(q);
  if (x !== 0) {
    if (!settled64(bits)) return false;
    if (!pe && (trailing64(bits) + trailing64(b) < 53 || q * y !== x)) return false;
  }
  result64 = bits;
  return true;
}

export function sqrt64(a: u64, pe: bool): bool {
  if (a === 0) {
    result64 = 0;
    return true;
  }
  if (!normal64(a) || a >> 63 !== 0) return false;
  const x = reinterpret<f64>(a);
  const root = Math.sqrt(x);
  const bits = reinterpret<u64>(root);
  if (!pe && (trailing64(bits) < 27 || root * root !== x)) return false;
  result64 = bits;
  return true;
}

export function add32(a: u32, b: u32, pe: bool): bool {
  if (!plain32(a) || !plain32(b)) return false;
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  const sum: f32 = x + y;
  const bits = reinterpret<u32>(sum);
  if (!plain32(bits)) return false;
  if (!pe) {
    const v: f32 = sum - x;
    const error: f32 = x - (sum - v) + (y - v);
    if (error !== 0) return false;
  }
  result32 = bits;
  return true;
}

/** A product of two 24-bit significands is exact in double precision, which tells whether the float is. */
export function mul32(a: u32, b: u32, pe: bool): bool {
  if (!plain32(a) || !plain32(b)) return false;
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  const product: f32 = x * y;
  const bits = reinterpret<u32>(product);
  if (x !== 0 && y !== 0) {
    if (!settled32(bits)) return false;
    if (!pe && f64(product) !== f64(x) * f64(y)) return false;
  }
  result32 = bits;
  return true;
}

export function div32(a: u32, b: u32, pe: bool): bool {
  if (!plain32(a) || !normal32(b)) return false;
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  const q: f32 = x / y;
  const bits = reinterpret<u32>(q);
  if (x !== 0) {
    if (!settled32(bits)) return false;
    if (!pe && f64(q) * f64(y) !== f64(x)) return false;
  }
  result32 = bits;
  return true;
}

export function sqrt32(a: u32, pe: bool): bool {
  if (a === 0) {
    result32 = 0;
    return true;
  }
  if (!normal32(a) || a >> 31 !== 0) return false;
  const x = reinterpret<f32>(a);
  const root: f32 = Mathf.sqrt(x);
  if (!pe && f64(root) * f64(root) !== f64(x)) return false;
  result32 = reinterpret<u32>(root);
  return true;
}

/** Normal, with an exponent that keeps sums and error terms of products far from overflow and underflow. */
function middling64(x: u64, range: u32): bool {
  const exponent = u32(x >> 52) & 0x7ff;
  return exponent - (1023 - range) < 2 * range;
}

/**
 * a × b + c, inexact or not. The product is split into two floats without error (Dekker), added to c without error, and what
 * does not fit is rounded to odd, so that the last addition rounds once (Boldo and Melquiond, "Emulation of FMA and correctly
 * rounded sums", 2008, algorithm 5).
 */
export function fma64(a: u64, b: u64, c: u64): bool {
  if (!middling64(a, 250) || !middling64(b, 250) || !middling64(c, 500)) return false;
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  const addend = reinterpret<f64>(c);
  const high = x * y;
  const xs = x * 134217729.0;
  const xh = xs - (xs - x);
  const xl = x - xh;
  const ys = y * 134217729.0;
  const yh = ys - (ys - y);
  const yl = y - yh;
  const low = xl * yl - (high - xh * yh - xl * yh - xh * yl);
  const th = addend + low;
  let v = th - addend;
  const tl = addend - (th - v) + (low - v);
  const uh = high + th;
  v = uh - high;
  const ul = high - (uh - v) + (th - v);
  const z = tl + ul;
  v = z - tl;
  const lost = tl - (z - v) + (ul - v);
  let odd = reinterpret<u64>(z);
  if (lost !== 0 && (odd & 1) === 0) odd += lost > 0 === z > 0 ? 1 : -1;
  const bits = reinterpret<u64>(uh + reinterpret<f64>(odd));
  if (!normal64(bits)) return false;
  result64 = bits;
  return true;
}

/** The product of two floats is exact in double precision; the sum is right unless it lies half-way between two floats. */
export function fma32(a: u32, b: u32, c: u32): bool {
  if (!plain32(a) || !plain32(b) || !plain32(c)) return false;
  const sum = f64(reinterpret<f32>(a)) * f64(reinterpret<f32>(b)) + f64(reinterpret<f32>(c));
  if ((reinterpret<u64>(sum) & 0x1fffffff) === 0x10000000) return false;
  const bits = reinterpret<u32>(f32(sum));
  if (!normal32(bits) || (bits & 0x7fffffff) === 0x00800000) return false;
  result32 = bits;
  return true;
}
