/**
 * x87 arithmetic, loads and register moves. Return values: 0 done, 16 #MF (a waiting instruction found an unmasked
 * exception pending and did nothing). Registers are named by their ST index.
 */
import { FCS, FCW, FDP, FDS, FIP, FOP, FSW, FTW, IE } from "./block.as";
import * as core from "./core.as";
import { A, FINITE, TOP_BIT, X } from "./core.as";
import * as x from "./x87-core.as";
import * as f from "./x87-fast.as";

/** 16 if an unmasked exception is pending (WAIT/FWAIT and the first step of every waiting instruction). */
export function x87Check(): i32 {
  return x.waiting() ? x.MF : 0;
}

/** A op B by the reg field of D8 /r: 0 add, 1 mul, 4 sub, 5 subr, 6 div, 7 divr. Rounded into ST(dst). */
function arith(op: u32, dst: u32, pops: u32): void {
  if (!x.special2()) {
    if (op === 0) core.add(0);
    else if (op === 1) core.mul();
    else {
      if ((op & 1) !== 0) x.swapAB();
      if (op < 6) core.add(1);
      else core.div();
    }
  }
  x.deliver(dst, pops, false);
}

/** ST(dst) = ST(dst) op ST(src), then `pop` pops. */
export function x87Arith(op: u32, dst: u32, src: u32, pop: u32): i32 {
  if (x.waiting()) return x.MF;
  if (f.fastRegisters(op, dst, src, pop)) return 0;
  if (x.isEmpty(dst) || x.isEmpty(src)) {
    x.underflow(dst, pop);
    return 0;
  }
  x.start();
  x.readA(src);
  core.moveAtoB();
  x.readA(dst);
  arith(op, dst, pop);
  return 0;
}

/** ST(0) = ST(0) op the memory operand of significand `sig` and exponent F.se, if it is normal (sig not 0) and so on. */
function fastMemory(op: u32, sig: u64): bool {
  if (sig === 0) return false;
  const sw = load<u32>(FSW);
  const to = f.slotOf(sw, 0);
  return to !== 0 && f.fastArith(op, to, sw, load<u64>(to), u32(load<u16>(to + 8)), sig, f.F.se);
}

/** ST(0) = ST(0) op m32fp. */
export function x87ArithM32(op: u32, bits: u32): i32 {
  if (x.waiting()) return x.MF;
  if (f.isPlain() && fastMemory(op, f.fromSingle(bits))) return 0;
  if (x.isEmpty(0)) {
    x.underflow(0, 0);
    return 0;
  }
  x.start();
  core.unpackA32(bits, 0);
  core.moveAtoB();
  x.readA(0);
  arith(op, 0, 0);
  return 0;
}

/** ST(0) = ST(0) op m64fp. */
export function x87ArithM64(op: u32, bits: u64): i32 {
  if (x.waiting()) return x.MF;
  if (f.isPlain() && fastMemory(op, f.fromDouble(bits))) return 0;
  if (x.isEmpty(0)) {
    x.underflow(0, 0);
    return 0;
  }
  x.start();
  core.unpackA64(bits, 0);
  core.moveAtoB();
  x.readA(0);
  arith(op, 0, 0);
  return 0;
}

/** ST(0) = ST(0) op m16int or m32int (FIADD …). */
export function x87ArithInt(op: u32, n: i32): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0)) {
    x.underflow(0, 0);
    return 0;
  }
  x.start();
  x.integerA(i64(n));
  core.moveAtoB();
  x.readA(0);
  arith(op, 0, 0);
  return 0;
}

/** FLD m32fp. */
export function x87FldM32(bits: u32): i32 {
  if (x.waiting()) return x.MF;
  const sig = f.fromSingle(bits);
  if (sig !== 0) {
    pushRaw(sig, f.F.se);
    return 0;
  }
  x.start();
  core.unpackA32(bits, 0);
  if (!x.special1()) core.moveAtoR();
  x.deliverPush();
  return 0;
}

/** FLD m64fp. */
export function x87FldM64(bits: u64): i32 {
  if (x.waiting()) return x.MF;
  const sig = f.fromDouble(bits);
  if (sig !== 0) {
    pushRaw(sig, f.F.se);
    return 0;
  }
  x.start();
  core.unpackA64(bits, 0);
  if (!x.special1()) core.moveAtoR();
  x.deliverPush();
  return 0;
}

/** Pushes a register image unchanged. */
function pushRaw(sig: u64, se: u32): void {
  if (!f.fastPush(sig, se)) x.pushOverflow();
}

/** FLD m80fp: no exception but stack overflow. */
export function x87FldM80(sig: u64, se: u32): i32 {
  if (x.waiting()) return x.MF;
  pushRaw(sig, se);
  return 0;
}

/** FLD ST(i). */
export function x87FldSt(i: u32): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(i)) {
    if (!x.raise(IE | x.SF, 0)) {
      x.rotate(7);
      x.writeIndefinite(0);
    }
  } else pushRaw(x.rawSig(i), x.rawSe(i));
  return 0;
}

/** FILD: any integer is exact. */
export function x87Fild(n: i64): i32 {
  if (x.waiting()) return x.MF;
  if (n === 0) {
    pushRaw(0, 0);
    return 0;
  }
  const magnitude = n < 0 ? 0 - u64(n) : u64(n);
  const shift = clz<u64>(magnitude);
  pushRaw(magnitude << shift, (n < 0 ? 0x8000 : 0) | (16383 + 63 - u32(shift)));
  return 0;
}

/** FBLD: 18 packed decimal digits in lo and the low byte of hi's, sign in bit 15 of hi. Digits above 9 are undefined. */
export function x87Fbld(lo: u64, hi: u32): i32 {
  if (x.waiting()) return x.MF;
  x.start();
  let n: u64 = 0;
  let word = u64(hi & 0xff);
  n = (word >> 4) * 10 + (word & 15);
  word = lo;
  for (let i = 0; i < 16; i++) {
    n = n * 10 + (word >> 60);
    word <<= 4;
  }
  core.fromInteger((hi >> 15) & 1, n);
  x.deliverPush();
  return 0;
}

/** The constants of FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ (k = 0–6, opcodes D9 E8+k), rounded by RC. */
export function x87FldConst(k: u32): i32 {
  if (x.waiting()) return x.MF;
  x.start();
  // 64 bits rounded toward zero; the next bits of each decide upward rounding
  let sig: u64 = TOP_BIT;
  let se: u32 = 0x3fff;
  let nearestUp: u64 = 0;
  if (k === 1) {
    sig = 0xd49a784bcd1b8afe;
    se = 0x4000;
  } else if (k === 2) {
    sig = 0xb8aa3b295c17f0bb;
    nearestUp = 1;
  } else if (k === 3) {
    sig = 0xc90fdaa22168c234;
    se = 0x4000;
    nearestUp = 1;
  } else if (k === 4) {
    sig = 0x9a209a84fbcff798;
    se = 0x3ffd;
    nearestUp = 1;
  } else if (k === 5) {
    sig = 0xb17217f7d1cf79ab;
    se = 0x3ffe;
    nearestUp = 1;
  } else if (k === 6) {
    sig = 0;
    se = 0;
  }
  if (k !== 0 && k !== 6) sig += X.rc === 0 ? nearestUp : u64(X.rc === 2);
  pushRaw(sig, se);
  return 0;
}

/** FST ST(i), FSTP ST(i). */
export function x87FstSt(i: u32, pop: u32): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0)) {
    x.underflow(i, pop);
    return 0;
  }
  if (i !== 0) x.writeRaw(i, x.rawSig(0), x.rawSe(0));
  if (pop !== 0) f.popWith(0, 0);
  else x.raise(0, 0);
  return 0;
}

/** The alias D9 D8+i of FSTP ST(i): without a stack underflow, an empty ST(0) is only popped (AMD APM vol. 3, A.1.3). */
export function x87FstpNce(i: u32): i32 {
  if (x.waiting()) return x.MF;
  if (!x.isEmpty(0)) x.writeRaw(i, x.rawSig(0), x.rawSe(0));
  x.raise(0, 0);
  x.pop(1);
  return 0;
}

/** FXCH ST(i). */
export function x87Fxch(i: u32): i32 {
  if (x.waiting()) return x.MF;
  const sw = load<u32>(FSW);
  const to = f.slotOf(sw, 0);
  const from = f.slotOf(sw, i);
  if (to !== 0 && from !== 0) {
    const sig = load<u64>(to);
    const se = load<u16>(to + 8);
    store<u64>(to, load<u64>(from));
    store<u16>(to + 8, load<u16>(from + 8));
    store<u64>(from, sig);
    store<u16>(from + 8, se);
    store<u32>(FSW, sw & ~x.C1);
    return 0;
  }
  const e0 = to === 0;
  const ei = from === 0;
  if (x.raise(IE | x.SF, 0)) return 0;
  if (e0) x.writeIndefinite(0);
  if (ei) x.writeIndefinite(i);
  const sig = x.rawSig(0);
  const se = x.rawSe(0);
  x.writeRaw(0, x.rawSig(i), x.rawSe(i));
  x.writeRaw(i, sig, se);
  return 0;
}

/** FCHS (op 0), FABS (op 1). */
export function x87Sign(op: u32): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0)) {
    x.underflow(0, 0);
    return 0;
  }
  const se = x.rawSe(0);
  x.writeRaw(0, x.rawSig(0), op === 0 ? se ^ 0x8000 : se & 0x7fff);
  x.raise(0, 0);
  return 0;
}

/** FSQRT. */
export function x87Fsqrt(): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0)) {
    x.underflow(0, 0);
    return 0;
  }
  x.start();
  x.readA(0);
  if (!x.special1()) core.sqrt();
  x.deliver(0, 0, false);
  return 0;
}

/** FRNDINT. */
export function x87Frndint(): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0)) {
    x.underflow(0, 0);
    return 0;
  }
  x.start();
  x.readA(0);
  if (!x.special1()) {
    core.moveAtoR();
    if (A.kind === FINITE && A.exp < 63) {
      core.fromInteger(A.sign, core.toInteger());
    }
  }
  x.deliverExact(0);
  return 0;
}

/** FFREE ST(i), which also pops for FFREEP (`pop` 1). */
export function x87Ffree(i: u32, pop: u32): i32 {
  if (x.waiting()) return x.MF;
  x.free(i);
  x.raise(0, 0);
  x.pop(pop);
  return 0;
}

/** FDECSTP (n = 7), FINCSTP (n = 1). */
export function x87Rotate(n: u32): i32 {
  if (x.waiting()) return x.MF;
  x.rotate(n);
  x.raise(0, 0);
  return 0;
}

/** FCMOVcc: ST(0) = ST(i) if `condition`. */
export function x87Fcmov(i: u32, condition: u32): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0) || x.isEmpty(i)) {
    x.underflow(0, 0);
    return 0;
  }
  if (condition !== 0) x.writeRaw(0, x.rawSig(i), x.rawSe(i));
  return 0;
}

/** FNINIT: the pointers and the opcode are cleared too. */
export function x87Fninit(): void {
  store<u32>(FCW, 0x37f);
  store<u32>(FSW, 0);
  store<u32>(FTW, 0);
  store<u32>(FOP, 0);
  store<u64>(FIP, 0);
  store<u64>(FDP, 0);
  store<u16>(FCS, 0);
  store<u16>(FDS, 0);
}

/** FNCLEX. */
export function x87Fnclex(): void {
  store<u32>(FSW, load<u32>(FSW) & 0x7f00);
}

/** FLDCW: bits 6 and 13–15 are reserved, bit 6 reads as 1; a flag that becomes unmasked is pending at once. */
export function x87Fldcw(value: u32): i32 {
  if (x.waiting()) return x.MF;
  store<u32>(FCW, (value & 0x1f3f) | 0x40);
  x.updateES();
  return 0;
}

/** MMX instruction: TOP = 0, all tags valid. Call `x87Check` first. */
export function mmxEnter(): void {
  store<u32>(FSW, load<u32>(FSW) & ~0x3800);
  store<u32>(FTW, 0xff);
}

/** EMMS: all registers empty, TOP = 0. */
export function mmxEmms(): void {
  store<u32>(FSW, load<u32>(FSW) & ~0x3800);
  store<u32>(FTW, 0);
}
