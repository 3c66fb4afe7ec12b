/**
 * One SSE element operation at a time: NaN rules of SDM vol. 1, table 4-7 (first operand wins), DAZ, FTZ, masked responses.
 * An exported helper is `begin(); …element operations…; deliver();`: the flags of all elements are delivered together, as an
 * instruction does.
 */
import { DAZ, DE, FP_SLOW, FP_TRAP, FTZ, IE, MXCSR, PE, UE } from "./block.as";
import * as core from "./core.as";
import { A, B, C, FINITE, NAN, QUIET, R, X, ZERO } from "./core.as";
import * as quick from "./sse-quick.as";

export class S {
  /** Exceptions of all elements so far. */
  static all: u32 = 0;
  static csr: u32 = 0;
  static daz: u32 = 0;
}

/** Reads MXCSR into the operation state. */
export function begin(): void {
  const csr = load<u32>(MXCSR);
  S.csr = csr;
  S.all = 0;
  S.daz = csr & DAZ;
  X.rc = (csr >> 13) & 3;
  X.masked = (csr >> 7) & 0x3f;
}

/**
 * ORs the exceptions into MXCSR. With an unmasked one, FP_TRAP is set; exceptions found before the computation (IE, DE, ZE)
 * then keep those found after it from being flagged.
 */
export function deliver(): void {
  let flags = S.all;
  const unmasked = flags & ~X.masked;
  if (unmasked !== 0) {
    if ((unmasked & 7) !== 0) flags &= 7;
    store<u32>(FP_TRAP, 1);
  }
  if ((S.csr & flags) !== flags) {
    store<u32>(MXCSR, S.csr | flags);
    fpUpdateMode();
  }
}

/** Delivers the flags of one step of DPPS and begins the next; false if an unmasked exception ends the instruction here. */
export function nextStep(): bool {
  const trapped = (S.all & ~X.masked) !== 0;
  deliver();
  begin();
  return !trapped;
}

/** Nearest rounding, all masked, no DAZ, no FTZ, and PE is set. */
export function isPlainMode(): bool {
  return (load<u32>(MXCSR) & (0xffc0 | PE)) === (PLAIN_CSR | PE);
}

/** Recomputes FP_SLOW (src/isa/cpu-block.ts). */
export function fpUpdateMode(): void {
  const csr = load<u32>(MXCSR);
  store<u32>(FP_SLOW, (csr & 0x7f80) !== PLAIN_CSR ? 0x80000002 : (csr & PE) !== 0 ? 0 : 0x80000001);
}

/** MXCSR without its flags: round to nearest, all masked, no DAZ, no FTZ. */
const PLAIN_CSR: u32 = 0x1f80;

/** Whether A or B is a NaN; then R is the NaN result and IE is set for a signalling one. */
export function nan2(): bool {
  if (A.kind !== NAN && B.kind !== NAN) return false;
  X.flags = (A.kind === NAN && (A.sig & QUIET) === 0) || (B.kind === NAN && (B.sig & QUIET) === 0) ? IE : 0;
  if (A.kind === NAN) core.moveAtoR();
  else core.moveBtoR();
  R.hi |= QUIET;
  return true;
}

/** As `nan2`, for A alone. */
export function nan1(): bool {
  if (A.kind !== NAN) return false;
  X.flags = (A.sig & QUIET) === 0 ? IE : 0;
  core.moveAtoR();
  R.hi |= QUIET;
  return true;
}

/** Rounds R to the format and adds the element's flags to the instruction's. */
export function finish(prec: u32, emin: i32): void {
  if (R.kind === FINITE) {
    const tiny = core.roundR(prec, emin, 1 - emin, 0);
    if (tiny && (S.csr & FTZ) !== 0 && (X.masked & UE) !== 0) {
      R.kind = ZERO;
      X.flags |= UE | PE;
    }
  }
  S.all |= X.flags;
}

export const ADD: u32 = 0;
export const SUB: u32 = 1;
export const MUL: u32 = 2;
export const DIV: u32 = 3;

/** R = A op B, unrounded. */
function arith(op: u32): void {
  if (nan2()) return;
  if (op <= SUB) core.add(op);
  else if (op === MUL) core.mul();
  else core.div();
}

function quick64(op: u32, a: u64, b: u64): bool {
  const pe = (S.csr & PE) !== 0;
  if (op === ADD) return quick.add64(a, b, pe);
  if (op === SUB) return quick.add64(a, b ^ 0x8000000000000000, pe);
  if (op === MUL) return quick.mul64(a, b, pe);
  return op === DIV && quick.div64(a, b, pe);
}

export function arith64(op: u32, a: u64, b: u64): u64 {
  if ((S.csr & 0xffc0) === PLAIN_CSR && quick64(op, a, b)) return quick.result64;
  X.flags = 0;
  core.unpackA64(b, S.daz);
  core.moveAtoB();
  core.unpackA64(a, S.daz);
  arith(op);
  finish(53, -1022);
  return core.pack64();
}

function quick32(op: u32, a: u32, b: u32): bool {
  const pe = (S.csr & PE) !== 0;
  if (op === ADD) return quick.add32(a, b, pe);
  if (op === SUB) return quick.add32(a, b ^ 0x80000000, pe);
  if (op === MUL) return quick.mul32(a, b, pe);
  return op === DIV && quick.div32(a, b, pe);
}

export function arith32(op: u32, a: u32, b: u32): u32 {
  if ((S.csr & 0xffc0) === PLAIN_CSR && quick32(op, a, b)) return quick.result32;
  X.flags = 0;
  core.unpackA32(b, S.daz);
  core.moveAtoB();
  core.unpackA32(a, S.daz);
  arith(op);
  finish(24, -126);
  return core.pack32();
}

export function sqrt64(a: u64): u64 {
  if ((S.csr & 0xffc0) === PLAIN_CSR && quick.sqrt64(a, (S.csr & PE) !== 0)) return quick.result64;
  X.flags = 0;
  core.unpackA64(a, S.daz);
  if (!nan1()) core.sqrt();
  finish(53, -1022);
  return core.pack64();
}

export function sqrt32(a: u32): u32 {
  if ((S.csr & 0xffc0) === PLAIN_CSR && quick.sqrt32(a, (S.csr & PE) !== 0)) return quick.result32;
  X.flags = 0;
  core.unpackA32(a, S.daz);
  if (!nan1()) core.sqrt();
  finish(24, -126);
  return core.pack32();
}

/** Which operand MINxx (max = 0) or MAXxx (max = 1) gives: true for the first; NaNs and equal zeros give the second. */
function pickFirst(max: u32): bool {
  if (A.kind === NAN || B.kind === NAN) {
    X.flags = IE;
    return false;
  }
  return (core.relation() & (max !== 0 ? 4 : 1)) !== 0;
}

export function minmax64(max: u32, a: u64, b: u64): u64 {
  X.flags = 0;
  core.unpackA64(b, S.daz);
  core.moveAtoB();
  core.unpackA64(a, S.daz);
  const first = pickFirst(max);
  S.all |= X.flags;
  const r = first ? a : b;
  return (first ? A.kind : B.kind) === ZERO ? r & core.TOP_BIT : r;
}

export function minmax32(max: u32, a: u32, b: u32): u32 {
  X.flags = 0;
  core.unpackA32(b, S.daz);
  core.moveAtoB();
  core.unpackA32(a, S.daz);
  const first = pickFirst(max);
  S.all |= X.flags;
  const r = first ? a : b;
  return (first ? A.kind : B.kind) === ZERO ? r & 0x80000000 : r;
}

/** The relation of A and B (core.relation); IE for a signalling NaN, or any NaN if `signal`. */
function relate(signal: u32): u32 {
  const r = core.relation();
  if (r === 8) {
    const snan = (A.kind === NAN && (A.sig & QUIET) === 0) || (B.kind === NAN && (B.sig & QUIET) === 0);
    X.flags = snan || signal !== 0 ? IE : 0;
  }
  S.all |= X.flags;
  return r;
}

export function relate64(signal: u32, a: u64, b: u64): u32 {
  X.flags = 0;
  core.unpackA64(b, S.daz);
  core.moveAtoB();
  core.unpackA64(a, S.daz);
  return relate(signal);
}

export function relate32(signal: u32, a: u32, b: u32): u32 {
  X.flags = 0;
  core.unpackA32(b, S.daz);
  core.moveAtoB();
  core.unpackA32(a, S.daz);
  return relate(signal);
}

/** Whether CMPxx predicate `imm` (0–31, SDM CMPPD table 3-1) signals on quiet NaNs. */
export function cmpSignals(imm: u32): u32 {
  return (((imm + 1) >> 1) & 1) ^ ((imm >> 4) & 1);
}

/** Whether predicate `imm` holds for a relation: one nibble of relations for each of the 16 predicates. */
export function cmpHolds(imm: u32, relation: u32): u32 {
  return u32((u32(0xf4650b9a7ced8312 >> (u64(imm & 15) << 2)) & relation & 15) !== 0);
}

/** R = A × B + C with one rounding, unrounded; the signs of product and addend are flipped by `negProduct`, `negAddend`. */
function fma(negProduct: u32, negAddend: u32): void {
  if (A.kind === NAN || B.kind === NAN || C.kind === NAN) {
    X.flags =
      (A.kind === NAN && (A.sig & QUIET) === 0) ||
      (B.kind === NAN && (B.sig & QUIET) === 0) ||
      (C.kind === NAN && (C.sig & QUIET) === 0)
        ? IE
        : 0;
    if (A.kind === NAN) core.moveAtoR();
    else if (B.kind === NAN) core.moveBtoR();
    else {
      R.sign = C.sign;
      R.hi = C.sig;
      R.kind = NAN;
    }
    R.hi |= QUIET;
    return;
  }
  core.mul();
  if (R.kind === NAN) return;
  R.sign ^= negProduct;
  const cs = C.sign ^ negAddend;
  if (R.kind === FINITE && C.kind === FINITE) {
    core.addFinite(R.sign, R.exp, R.hi, R.lo, cs, C.exp, C.sig, 0);
    return;
  }
  if (C.kind === core.INF) {
    if (R.kind === core.INF && R.sign !== cs) {
      core.invalid();
      return;
    }
    R.kind = core.INF;
    R.sign = cs;
    return;
  }
  if (R.kind === ZERO) {
    if (C.kind === ZERO) {
      if (R.sign !== cs) R.sign = u32(X.rc === 1);
      return;
    }
    R.kind = FINITE;
    R.sign = cs;
    R.exp = C.exp;
    R.hi = C.sig;
    R.lo = 0;
  }
}

/** `neg`: bit 0 subtracts the addend (FMSUB), bit 1 negates the product (FNMADD). */
export function fma64(neg: u32, a: u64, b: u64, c: u64): u64 {
  if ((S.csr & (0xffc0 | PE)) === (PLAIN_CSR | PE)) {
    if (quick.fma64(a ^ (u64(neg >> 1) << 63), b, c ^ (u64(neg & 1) << 63))) return quick.result64;
  }
  X.flags = 0;
  core.unpackA64(c, S.daz);
  core.moveAtoC();
  core.unpackA64(b, S.daz);
  core.moveAtoB();
  core.unpackA64(a, S.daz);
  fma(neg >> 1, neg & 1);
  finish(53, -1022);
  return core.pack64();
}

export function fma32(neg: u32, a: u32, b: u32, c: u32): u32 {
  if ((S.csr & (0xffc0 | PE)) === (PLAIN_CSR | PE)) {
    if (quick.fma32(a ^ ((neg >> 1) << 31), b, c ^ ((neg & 1) << 31))) return quick.result32;
  }
  X.flags = 0;
  core.unpackA32(c, S.daz);
  core.moveAtoC();
  core.unpackA32(b, S.daz);
  core.moveAtoB();
  core.unpackA32(a, S.daz);
  fma(neg >> 1, neg & 1);
  finish(24, -126);
  return core.pack32();
}

/** CVTSS2SD. */
export function widen(a: u32): u64 {
  X.flags = 0;
  core.unpackA32(a, S.daz);
  if (!nan1()) core.moveAtoR();
  S.all |= X.flags;
  return core.pack64();
}

/** CVTSD2SS. */
export function narrow(a: u64): u32 {
  X.flags = 0;
  core.unpackA64(a, S.daz);
  if (!nan1()) core.moveAtoR();
  finish(24, -126);
  return core.pack32();
}

/** A as a signed integer of `bits` bits, rounded by `rc`; the integer indefinite, with IE, if it does not fit. */
function toInt(bits: u32, rc: u32): i64 {
  const limit = u64(1) << u64(bits - 1);
  X.flags = 0;
  const indefinite = i64(0 - limit);
  let out = indefinite;
  if (A.kind > FINITE) X.flags = IE;
  else {
    const keep = X.rc;
    X.rc = rc;
    const n = core.toInteger();
    X.rc = keep;
    if (core.overflowed() || n > limit - 1 + u64(A.sign)) X.flags = IE;
    else out = A.sign !== 0 ? -i64(n) : i64(n);
  }
  S.all |= X.flags;
  return out;
}

export function toInt64(bits: u32, rc: u32, a: u64): i64 {
  core.unpackA64(a, S.daz);
  return toInt(bits, rc);
}
export function toInt32(bits: u32, rc: u32, a: u32): i64 {
  core.unpackA32(a, S.daz);
  return toInt(bits, rc);
}

export function fromInt64(a: i64): u64 {
  X.flags = 0;
  core.fromInteger(u32(a < 0), a < 0 ? 0 - u64(a) : u64(a));
  finish(53, -1022);
  return core.pack64();
}
export function fromInt32(a: i64): u32 {
  X.flags = 0;
  core.fromInteger(u32(a < 0), a < 0 ? 0 - u64(a) : u64(a));
  finish(24, -126);
  return core.pack32();
}

/** R = A as an integral number; imm as in ROUNDSD: bits 1:0 rounding, bit 2 use MXCSR's, bit 3 no precision exception. */
function roundIntegral(imm: u32): void {
  if (nan1()) return;
  X.flags = 0;
  core.moveAtoR();
  if (A.kind !== FINITE || A.exp > 62) return;
  const keep = X.rc;
  if ((imm & 4) === 0) X.rc = imm & 3;
  core.fromInteger(A.sign, core.toInteger());
  X.rc = keep;
  if ((imm & 8) !== 0) X.flags &= ~PE;
}

export function round64(imm: u32, a: u64): u64 {
  X.flags = 0;
  core.unpackA64(a, S.daz);
  roundIntegral(imm);
  S.all |= X.flags;
  return core.pack64();
}
export function round32(imm: u32, a: u32): u32 {
  X.flags = 0;
  core.unpackA32(a, S.daz);
  roundIntegral(imm);
  S.all |= X.flags;
  return core.pack32();
}

/** VCVTPH2PS. Neither DAZ nor DE applies (SDM). */
export function halfToSingle(a: u32): u32 {
  X.flags = 0;
  core.unpackA16(a);
  X.flags &= ~DE;
  if (!nan1()) core.moveAtoR();
  S.all |= X.flags;
  return core.pack32();
}

/** VCVTPS2PH; imm bits 1:0 rounding, bit 2 use MXCSR's. FTZ does not apply. */
export function singleToHalf(imm: u32, a: u32): u32 {
  X.flags = 0;
  core.unpackA32(a, S.daz);
  if (!nan1()) core.moveAtoR();
  if (R.kind === FINITE) {
    const keep = X.rc;
    if ((imm & 4) === 0) X.rc = imm & 3;
    core.roundR(11, -14, 15, 0);
    X.rc = keep;
  }
  S.all |= X.flags;
  return core.pack16();
}
