/** FCOM, FUCOM, FICOM, FTST, FCOMI, FXAM. Return values as in x87.as.ts. */
import { FSW, IE } from "./block.as";
import * as core from "./core.as";
import { A, FINITE, NAN, QUIET, UNSUPPORTED, X, ZERO } from "./core.as";
import * as x from "./x87-core.as";
import * as f from "./x87-fast.as";

/** Relation of A and B (1 less, 2 equal, 4 greater, 8 unordered); IE for NaNs as FCOM (`quiet` 0) or FUCOM (1) has it. */
function relate(quiet: u32): u32 {
  const r = core.relation();
  if (r === 8) {
    const bad =
      A.kind === UNSUPPORTED ||
      core.B.kind === UNSUPPORTED ||
      (A.kind === NAN && (A.sig & QUIET) === 0) ||
      (core.B.kind === NAN && (core.B.sig & QUIET) === 0);
    X.flags = bad || quiet === 0 ? IE : 0;
  }
  return r;
}

/** C3, C2, C0 for a relation. */
function codeOf(relation: u32): u32 {
  if (relation === 8) return x.C3 | x.C2 | x.C0;
  return relation === 2 ? x.C3 : relation === 1 ? x.C0 : 0;
}

/** Sets C3, C2, C0 from a relation, raises X.flags and pops; an unmasked exception prevents only the pop (Zen 3). */
function deliverCompare(relation: u32, pops: u32): void {
  const stop = x.raise(X.flags, 0);
  store<u32>(FSW, (load<u32>(FSW) & ~(x.C3 | x.C2 | x.C0)) | codeOf(relation));
  if (!stop) x.pop(pops);
}

/** Stack underflow of a comparison: unordered. */
function compareUnderflow(pops: u32): void {
  x.start();
  X.flags = IE | x.SF;
  deliverCompare(8, pops);
}

/** FCOM, FCOMP, FCOMPP (quiet 0), FUCOM, FUCOMP, FUCOMPP (quiet 1) with ST(i). */
export function x87Com(i: u32, quiet: u32, pops: u32): i32 {
  if (x.waiting()) return x.MF;
  const known = f.fastRelation(i);
  if (known !== 0) {
    store<u32>(FSW, (load<u32>(FSW) & ~(x.C3 | x.C2 | x.C1 | x.C0)) | codeOf(known));
    x.pop(pops);
    return 0;
  }
  if (x.isEmpty(0) || x.isEmpty(i)) {
    compareUnderflow(pops);
    return 0;
  }
  x.start();
  x.readA(i);
  core.moveAtoB();
  x.readA(0);
  deliverCompare(relate(quiet), pops);
  return 0;
}

/** FCOM(P) m32fp. */
export function x87ComM32(bits: u32, pops: u32): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0)) {
    compareUnderflow(pops);
    return 0;
  }
  x.start();
  core.unpackA32(bits, 0);
  core.moveAtoB();
  x.readA(0);
  deliverCompare(relate(0), pops);
  return 0;
}

/** FCOM(P) m64fp. */
export function x87ComM64(bits: u64, pops: u32): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0)) {
    compareUnderflow(pops);
    return 0;
  }
  x.start();
  core.unpackA64(bits, 0);
  core.moveAtoB();
  x.readA(0);
  deliverCompare(relate(0), pops);
  return 0;
}

/** FICOM(P) m16int, m32int; FTST with n = 0 and no pop. */
export function x87ComInt(n: i32, pops: u32): i32 {
  if (x.waiting()) return x.MF;
  if (x.isEmpty(0)) {
    compareUnderflow(pops);
    return 0;
  }
  x.start();
  x.integerA(i64(n));
  core.moveAtoB();
  x.readA(0);
  deliverCompare(relate(0), pops);
  return 0;
}

function flagsOf(relation: u32): i32 {
  return relation === 8 ? 0x45 : relation === 4 ? 0 : relation === 1 ? 1 : 0x40;
}

/**
 * FCOMI(P) (quiet 0), FUCOMI(P) (quiet 1) with ST(i): ZF, PF, CF at their places in EFLAGS, OF = SF = AF = 0. C1 is
 * cleared by stack underflow alone; an unmasked one prevents only the pop (Zen 3). Precondition: x87Check() returned 0.
 */
export function x87Comi(i: u32, quiet: u32, pops: u32): i32 {
  let r = f.fastRelation(i);
  if (r !== 0) {
    if (pops !== 0) f.popWith(0, load<u32>(FSW) & x.C1);
    return flagsOf(r);
  }
  x.start();
  r = 8;
  if (x.isEmpty(0) || x.isEmpty(i)) X.flags = IE | x.SF;
  else {
    x.readA(i);
    core.moveAtoB();
    x.readA(0);
    r = relate(quiet);
  }
  const c1 = (X.flags & x.SF) !== 0 ? 0 : load<u32>(FSW) & x.C1;
  if (!x.raise(X.flags, c1)) x.pop(pops);
  return flagsOf(r);
}

/** FXAM: class of ST(0) in C3, C2, C0, its sign in C1 (SDM table 3-37). Not affected by pending operands' exceptions. */
export function x87Fxam(): i32 {
  if (x.waiting()) return x.MF;
  x.start();
  x.readA(0);
  let cc: u32 = 0;
  if (x.isEmpty(0)) cc = x.C3 | x.C0;
  else if (A.kind === NAN) cc = x.C0;
  else if (A.kind === core.INF) cc = x.C2 | x.C0;
  else if (A.kind === ZERO) cc = x.C3;
  else if (A.kind === FINITE) cc = X.flags !== 0 ? x.C3 | x.C2 : x.C2;
  if (A.sign !== 0) cc |= x.C1;
  store<u32>(FSW, (load<u32>(FSW) & ~(x.C3 | x.C2 | x.C1 | x.C0)) | cc);
  return 0;
}
