/**
 * Decimal adjustment of AL and AX (SDM vol. 2, AAA AAS AAM AAD DAA DAS). Each takes AX and EFLAGS and returns the new AX in bits
 * 15:0, the six arithmetic flags at their places of EFLAGS in bits 31:16. Flags that the SDM leaves undefined are as AMD Zen 3
 * gives them.
 */
const CF: u32 = 1;
const PF: u32 = 4;
const AF: u32 = 0x10;
const ZF: u32 = 0x40;
const SF: u32 = 0x80;

function resultFlags(al: u32): u32 {
  const parity: u32 = (popcnt<u32>(al & 0xff) & 1) !== 0 ? 0 : PF;
  return parity | ((al & 0xff) === 0 ? ZF : 0) | (al & SF);
}
/** OF of the 8-bit sum or difference `r` of a and b. */
function overflowAdd(a: u32, b: u32, r: u32): u32 {
  return ((a ^ r) & (b ^ r) & 0x80) << 4;
}
function overflowSub(a: u32, b: u32, r: u32): u32 {
  return ((a ^ b) & (a ^ r) & 0x80) << 4;
}

export function bcdDaa(ax: u32, flags: u32): u32 {
  const al = ax & 0xff;
  let out = al;
  let f: u32 = 0;
  if ((al & 15) > 9 || (flags & AF) !== 0) {
    out += 6;
    f |= AF;
  }
  if (al > 0x99 || (flags & CF) !== 0) {
    out += 0x60;
    f |= CF;
  }
  const o = overflowAdd(al, out - al, out);
  out &= 0xff;
  return (ax & 0xff00) | out | ((f | o | resultFlags(out)) << 16);
}

export function bcdDas(ax: u32, flags: u32): u32 {
  const al = ax & 0xff;
  let out = al;
  let f: u32 = 0;
  if ((al & 15) > 9 || (flags & AF) !== 0) {
    if (al < 6) f |= CF;
    out -= 6;
    f |= AF;
  }
  if (al > 0x99 || (flags & CF) !== 0) {
    out -= 0x60;
    f |= CF;
  }
  const o = overflowSub(al, al - out, out);
  out &= 0xff;
  return (ax & 0xff00) | out | ((f | o | resultFlags(out)) << 16);
}

/** SF, ZF, OF of the 16-bit AX ± 0x106, PF of its low byte. */
function flags16(r: u32, overflow: u32): u32 {
  const parity: u32 = (popcnt<u32>(r & 0xff) & 1) !== 0 ? 0 : PF;
  return parity | ((r & 0xffff) === 0 ? ZF : 0) | ((r >> 8) & SF) | ((overflow & 0x8000) >> 4);
}

export function bcdAaa(ax: u32, flags: u32): u32 {
  const adjust = (ax & 15) > 9 || (flags & AF) !== 0;
  const r = adjust ? ax + 0x106 : ax;
  return (r & 0xff0f) | (((adjust ? AF | CF : 0) | flags16(r, ~ax & r)) << 16);
}

export function bcdAas(ax: u32, flags: u32): u32 {
  const adjust = (ax & 15) > 9 || (flags & AF) !== 0;
  const r = adjust ? ax - 0x106 : ax;
  return (r & 0xff0f) | (((adjust ? AF | CF : 0) | flags16(r, ax & ~r)) << 16);
}

/** AAM with its immediate, which must not be 0 (#DE). */
export function bcdAam(ax: u32, base: u32): u32 {
  const al = ax & 0xff;
  const out = ((al / base) << 8) | (al % base);
  return out | (resultFlags(out) << 16);
}

/** AAD with its immediate. CF, AF and OF are those of the 8-bit addition. */
export function bcdAad(ax: u32, base: u32): u32 {
  const al = ax & 0xff;
  const product = (((ax >> 8) & 0xff) * base) & 0xff;
  const sum = al + product;
  const f = (sum >> 8) | ((al ^ product ^ sum) & AF) | overflowAdd(al, product, sum);
  return (sum & 0xff) | ((f | resultFlags(sum)) << 16);
}
