/**
 * x87 register stack, status word and exceptions (SDM vol. 1, chapter 8), shared by the x87 helpers.
 *
 * An operation is `waiting()` (16 if an unmasked exception is pending: #MF), `start()`, the computation, then one of the
 * `deliver…` functions, which set flags, C1 and ES, write the result and pop; after an unmasked exception found before the
 * computation they write and pop nothing.
 */
import { DE, FCW, FPR, FSW, FTW, IE } from "./block.as";
import * as core from "./core.as";
import { A, B, FINITE, INF, NAN, QUIET, R, TOP_BIT, UNSUPPORTED, X, ZERO } from "./core.as";

/** #MF, the return value of a waiting instruction that must fault. */
export const MF: i32 = 16;

export const SF: u32 = 0x40;
export const ES: u32 = 0x80;
export const C0: u32 = 0x100;
export const C1: u32 = 0x200;
export const C2: u32 = 0x400;
export const C3: u32 = 0x4000;
const BUSY: u32 = 0x8000;
const TOP_SHIFT: u32 = 11;
const TOP_MASK: u32 = 0x3800;

/** Bias adjustment of an unmasked overflow or underflow: 3 × 2^13 (SDM vol. 1, 8.5.4). */
const WRAP: i32 = 24576;
const EMIN: i32 = -16382;
const EMAX: i32 = 16383;

export function waiting(): bool {
  return (load<u32>(FSW) & ES) !== 0;
}

/** Begins an operation: control word into X, C1 cleared. */
export function start(): void {
  const cw = load<u32>(FCW);
  X.rc = (cw >> 10) & 3;
  X.masked = cw & 0x3f;
  X.flags = 0;
  X.up = 0;
}

/** Significand bits of the precision control; the reserved value 01 acts as 64 bits. */
function precision(): u32 {
  const pc = (load<u32>(FCW) >> 8) & 3;
  return pc === 0 ? 24 : pc === 2 ? 53 : 64;
}

/** Physical number of ST(i). */
export function phys(i: u32): u32 {
  return ((load<u32>(FSW) >> TOP_SHIFT) + i) & 7;
}
function slot(i: u32): usize {
  return FPR + (usize(phys(i)) << 4);
}
export function isEmpty(i: u32): bool {
  return ((load<u32>(FTW) >> phys(i)) & 1) === 0;
}
/** Turns the stack: ST(i) becomes ST(0). */
export function rotate(i: u32): void {
  const sw = load<u32>(FSW);
  store<u32>(FSW, (sw & ~TOP_MASK) | ((sw + (i << TOP_SHIFT)) & TOP_MASK));
}
export function free(i: u32): void {
  store<u32>(FTW, load<u32>(FTW) & ~(1 << phys(i)));
}
export function pop(n: u32): void {
  while (n !== 0) {
    free(0);
    rotate(1);
    n--;
  }
}
export function rawSig(i: u32): u64 {
  return load<u64>(slot(i));
}
export function rawSe(i: u32): u32 {
  return u32(load<u16>(slot(i) + 8));
}
export function writeRaw(i: u32, sig: u64, se: u32): void {
  const at = slot(i);
  store<u64>(at, sig);
  store<u16>(at + 8, u16(se));
  store<u32>(FTW, load<u32>(FTW) | (1 << phys(i)));
}

/** Unpacks a double extended number; unnormals, pseudo-NaNs and pseudo-infinities become UNSUPPORTED. */
export function unpackA80(sig: u64, se: u32): void {
  A.sign = (se >> 15) & 1;
  const e = i32(se & 0x7fff);
  if (e === 0) {
    if (sig === 0) {
      A.kind = ZERO;
      A.sig = 0;
      return;
    }
    X.flags |= DE;
    const n = clz<u64>(sig);
    A.kind = FINITE;
    A.sig = sig << n;
    A.exp = EMIN - i32(n);
    return;
  }
  A.sig = sig;
  if (sig >> 63 === 0) A.kind = UNSUPPORTED;
  else if (e === 0x7fff) A.kind = sig === TOP_BIT ? INF : NAN;
  else {
    A.kind = FINITE;
    A.exp = e - EMAX;
  }
}
export function readA(i: u32): void {
  const at = slot(i);
  unpackA80(load<u64>(at), u32(load<u16>(at + 8)));
}

/** Sign and exponent word of R. */
export function packSe(): u32 {
  const s = R.sign << 15;
  if (R.kind === ZERO) return s;
  if (R.kind === FINITE) return R.hi >> 63 !== 0 ? s | u32(R.exp + EMAX) : s;
  return s | 0x7fff;
}
export function packSig(): u64 {
  return R.kind === ZERO ? 0 : R.hi;
}
export function writeR(i: u32): void {
  writeRaw(i, packSig(), packSe());
}
export function writeIndefinite(i: u32): void {
  writeRaw(i, TOP_BIT | QUIET, 0xffff);
}

/** ORs exceptions (and SF) into the status word, sets C1 and, for an unmasked one, ES and B. True if one is unmasked. */
export function raise(flags: u32, c1: u32): bool {
  let sw = (load<u32>(FSW) & ~C1) | flags;
  if (c1 !== 0) sw |= C1;
  const unmasked = (flags & 0x3f & ~load<u32>(FCW)) !== 0;
  if (unmasked) sw |= ES | BUSY;
  store<u32>(FSW, sw);
  return unmasked;
}

/** Sets ES and B from the flags and masks, after either was loaded. */
export function updateES(): void {
  const sw = load<u32>(FSW) & ~(ES | BUSY);
  store<u32>(FSW, (sw & 0x3f & ~load<u32>(FCW)) !== 0 ? sw | ES | BUSY : sw);
}

/** Stack underflow: the masked response puts the indefinite into ST(dst) and pops. */
export function underflow(dst: u32, pops: u32): void {
  if (raise(IE | SF, 0)) return;
  writeIndefinite(dst);
  pop(pops);
}

/** Whether the operation was stopped by an unmasked exception found before its computation (IE, DE, ZE). */
export function stopped(): bool {
  return (X.flags & 7 & ~X.masked) !== 0;
}

/** Rounds R to the precision control (`full`: to 64 bits), writes it to ST(dst), raises the flags and pops. */
export function deliver(dst: u32, pops: u32, full: bool): void {
  if (stopped()) {
    raise(X.flags & 7, 0);
    return;
  }
  if (R.kind === FINITE) core.roundR(full ? 64 : precision(), EMIN, EMAX, WRAP);
  writeR(dst);
  raise(X.flags, X.up);
  pop(pops);
}

/** Writes R, which needs no rounding (its direction is in X.up already), to ST(dst) and raises the flags. */
export function deliverExact(dst: u32): void {
  if (stopped()) {
    raise(X.flags & 7, 0);
    return;
  }
  writeR(dst);
  raise(X.flags, X.up);
}

/** Pushes R, which is exact, with the flags of its conversion; an unmasked DE does not prevent it (Zen 3). */
export function deliverPush(): void {
  if (!isEmpty(7)) {
    pushOverflow();
    return;
  }
  if ((X.flags & ~X.masked & IE) !== 0) {
    raise(X.flags, 0);
    return;
  }
  rotate(7);
  writeR(0);
  raise(X.flags, X.up);
}

/** Stack overflow: the masked response pushes the indefinite. */
export function pushOverflow(): void {
  if (raise(IE | SF, 1)) return;
  rotate(7);
  writeIndefinite(0);
}

function isSnan(kind: u32, sig: u64): bool {
  return kind === NAN && (sig & QUIET) === 0;
}

/**
 * NaN and unsupported operands of a two-operand instruction (SDM vol. 1, table 4-7, x87 column): the larger significand wins
 * among two quiet or two signalling NaNs, the quiet one over a signalling one. True if R and the flags are final.
 */
export function special2(): bool {
  if (A.kind < NAN && B.kind < NAN) return false;
  if (A.kind === UNSUPPORTED || B.kind === UNSUPPORTED) {
    core.invalid();
    return true;
  }
  const aS = isSnan(A.kind, A.sig);
  const bS = isSnan(B.kind, B.sig);
  X.flags = aS || bS ? IE : 0;
  let first = A.kind === NAN;
  if (A.kind === NAN && B.kind === NAN) {
    if (aS !== bS) first = bS;
    else first = A.sig === B.sig ? A.sign === 0 : A.sig > B.sig;
  }
  if (first) core.moveAtoR();
  else core.moveBtoR();
  R.hi |= QUIET;
  return true;
}

/** As `special2` for A alone. */
export function special1(): bool {
  if (A.kind < NAN) return false;
  if (A.kind === UNSUPPORTED) {
    core.invalid();
    return true;
  }
  X.flags = isSnan(A.kind, A.sig) ? IE : 0;
  core.moveAtoR();
  R.hi |= QUIET;
  return true;
}

export function swapAB(): void {
  const s = A.sign;
  const e = A.exp;
  const m = A.sig;
  const k = A.kind;
  A.sign = B.sign;
  A.exp = B.exp;
  A.sig = B.sig;
  A.kind = B.kind;
  B.sign = s;
  B.exp = e;
  B.sig = m;
  B.kind = k;
}

/** A = the integer n. */
export function integerA(n: i64): void {
  core.fromInteger(u32(n < 0), n < 0 ? 0 - u64(n) : u64(n));
  A.sign = R.sign;
  A.exp = R.exp;
  A.sig = R.hi;
  A.kind = R.kind;
}
