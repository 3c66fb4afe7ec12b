/**
 * PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM vol. 2, 4.1): one export compares, two derive the index or the mask.
 * The comparison's result is IntRes2 in bits 15:0 and EFLAGS (CF, ZF, SF, OF; AF = PF = 0) in bits 31:16.
 */

/** Element i of v under data format imm[1:0]: u8, u16, s8, s16. */
const SPILL: usize = memory.data(32, 16);
function element(side: usize, i: u32, format: u32): i32 {
  if (format === 0) return i32(load<u8>(SPILL + side + i));
  if (format === 1) return i32(load<u16>(SPILL + side + (i << 1)));
  if (format === 2) return i32(load<i8>(SPILL + side + i));
  return i32(load<i16>(SPILL + side + (i << 1)));
}

/** `la`, `lb`: valid elements of a (the first operand) and b. */
function compare(a: v128, b: v128, la: u32, lb: u32, imm: u32): u32 {
  v128.store(SPILL, a);
  v128.store(SPILL + 16, b);
  const format = imm & 3;
  const count: u32 = (imm & 1) !== 0 ? 8 : 16;
  const mode = (imm >> 2) & 3;
  let res: u32 = 0;
  for (let j: u32 = 0; j < count; j++) {
    let hit: u32 = 0;
    if (mode === 0) {
      // equal any: b[j] is one of a's elements
      if (j < lb) {
        const y = element(16, j, format);
        for (let i: u32 = 0; i < la; i++) if (element(0, i, format) === y) hit = 1;
      }
    } else if (mode === 1) {
      // ranges: a holds pairs low, high
      if (j < lb) {
        const y = element(16, j, format);
        for (let i: u32 = 0; i + 1 < la; i += 2) {
          if (y >= element(0, i, format) && y <= element(0, i + 1, format)) hit = 1;
        }
      }
    } else if (mode === 2) {
      // equal each: both ended compare equal
      if (j < la && j < lb) hit = u32(element(0, j, format) === element(16, j, format));
      else hit = u32(j >= la && j >= lb);
    } else {
      // equal ordered: a is a substring of b at j; what lies beyond the register matches
      hit = 1;
      for (let i: u32 = 0; i < la && i + j < count; i++) {
        if (i + j >= lb || element(0, i, format) !== element(16, i + j, format)) {
          hit = 0;
          break;
        }
      }
    }
    res |= hit << j;
  }
  const all = (1 << count) - 1;
  if ((imm & 0x10) !== 0) res ^= (imm & 0x20) !== 0 ? (1 << lb) - 1 : all;
  res &= all;
  const flags = u32(res !== 0) | (u32(lb < count) << 6) | (u32(la < count) << 7) | ((res & 1) << 11);
  return res | (flags << 16);
}

/** Saturated absolute value of an explicit length. */
function explicitLength(n: i64, count: u64): u32 {
  const m = n < 0 ? 0 - u64(n) : u64(n);
  return u32(m > count ? count : m);
}

/** la, lb: RAX and RDX, or EAX and EDX sign-extended. */
export function pcmpestr(a: v128, b: v128, la: i64, lb: i64, imm: u32): u32 {
  const count: u64 = (imm & 1) !== 0 ? 8 : 16;
  return compare(a, b, explicitLength(la, count), explicitLength(lb, count), imm);
}

/** Elements before the first zero. */
function implicitLength(v: v128, imm: u32): u32 {
  const words = imm & 1;
  const zero = i64x2.splat(0);
  const m = words !== 0 ? v128.bitmask<i16>(v128.eq<i16>(v, zero)) : v128.bitmask<i8>(v128.eq<i8>(v, zero));
  const count: u32 = words !== 0 ? 8 : 16;
  return m === 0 ? count : u32(ctz<i32>(m));
}
export function pcmpistr(a: v128, b: v128, imm: u32): u32 {
  return compare(a, b, implicitLength(a, imm), implicitLength(b, imm), imm);
}

/** ECX of PCMPxSTRI from the comparison's result: lowest (imm bit 6 clear) or highest set element, or the element count. */
export function pcmpIndex(result: u32, imm: u32): u32 {
  const res = result & 0xffff;
  if (res === 0) return (imm & 1) !== 0 ? 8 : 16;
  return (imm & 0x40) !== 0 ? 31 - clz<u32>(res) : ctz<u32>(res);
}

/** XMM0 of PCMPxSTRM: the bits themselves (imm bit 6 clear), or whole elements. */
export function pcmpMask(result: u32, imm: u32): v128 {
  const res = i32(result & 0xffff);
  if ((imm & 0x40) === 0) return v128.replace_lane<u64>(i64x2.splat(0), 0, u64(res));
  if ((imm & 1) !== 0) {
    const bits = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
    return v128.eq<i16>(v128.and(i16x8.splat(i16(res)), bits), bits);
  }
  const bits = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  const spread = v128.swizzle(i16x8.splat(i16(res)), i8x16(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
  return v128.eq<i8>(v128.and(spread, bits), bits);
}
