/**
 * x87 stores to memory, in two steps: `x87Store…` computes the value without changing any state; after the guest's memory has
 * taken it (if `x87Stores` returned 1), `x87StoreCommit` applies flags and pop. Precondition of all: `x87Check()` returned 0.
 */
import { FCW, FSW, IE, OE, PE, UE } from "./block.as";
import * as core from "./core.as";
import { A, FINITE, QUIET, R, TOP_BIT, X } from "./core.as";
import * as x from "./x87-core.as";
import * as f from "./x87-fast.as";

class P {
  static flags: u32 = 0;
  static up: u32 = 0;
  static skip: u32 = 0;
}

/** Remembers the flags of the value just computed; `stops` are those that, unmasked, suppress the store. */
function settle(stops: u32): void {
  P.skip = u32((X.flags & stops & ~X.masked) !== 0);
  P.flags = P.skip !== 0 ? X.flags & ~PE : X.flags;
  P.up = P.skip !== 0 ? 0 : X.up;
}

/** Unpacks ST(0); false, with an invalid operation in R, if it is empty. */
function source(): bool {
  x.start();
  if (x.isEmpty(0)) {
    core.invalid();
    X.flags |= x.SF;
    return false;
  }
  x.readA(0);
  X.flags = 0;
  return true;
}

/** FST(P) m32fp: the bits to store. */
export function x87StoreF32(): u32 {
  if (source() && !x.special1()) {
    core.moveAtoR();
    if (R.kind === FINITE) core.roundR(24, -126, 127, 0);
  }
  settle(IE | OE | UE);
  return core.pack32();
}

/** FST(P) m64fp. */
export function x87StoreF64(): u64 {
  const sw = load<u32>(FSW);
  const from = f.slotOf(sw, 0);
  if (from !== 0 && f.isPlain()) {
    const sig = load<u64>(from);
    const se = u32(load<u16>(from + 8));
    const e = (se & 0x7fff) - 15360;
    if (sig >> 63 !== 0 && e - 1 < 0x7fd) {
      // a normal double below the last binade, which rounding cannot leave
      const rest = sig & 0x7ff;
      const up = u64(rest > 0x400 || (rest === 0x400 && (sig & 0x800) !== 0));
      P.flags = rest !== 0 ? PE : 0;
      P.up = u32(up);
      P.skip = 0;
      return (u64(se >> 15) << 63) | ((u64(e) << 52) + ((sig << 1) >> 12) + up);
    }
  }
  if (source() && !x.special1()) {
    core.moveAtoR();
    if (R.kind === FINITE) core.roundR(53, -1022, 1023, 0);
  }
  settle(IE | OE | UE);
  return core.pack64();
}

/** FSTP m80fp: the significand; sign and exponent follow from `x87StoreSe`. */
export function x87StoreSig(): u64 {
  x.start();
  const empty = x.isEmpty(0);
  if (empty) X.flags = IE | x.SF;
  settle(IE);
  return empty ? TOP_BIT | QUIET : x.rawSig(0);
}
export function x87StoreSe(): u32 {
  return x.isEmpty(0) ? 0xffff : x.rawSe(0);
}

/** FIST(P) and, with `truncate`, FISTTP to an integer of `bits` (16, 32, 64) bits. */
export function x87StoreInt(bits: u32, truncate: u32): i64 {
  const limit = u64(1) << u64(bits - 1);
  let out = i64(0 - limit);
  if (source()) {
    if (truncate !== 0) X.rc = 3;
    if (A.kind > FINITE) X.flags = IE;
    else {
      const n = core.toInteger();
      if (core.overflowed() || n > limit - 1 + u64(A.sign)) {
        X.flags = IE;
        X.up = 0;
      } else out = A.sign !== 0 ? -i64(n) : i64(n);
    }
  }
  settle(IE);
  return out;
}

class D {
  static hi: u32 = 0;
}
/** FBSTP: the low 16 digits; the upper 16 bits follow from `x87StoreBcdHigh`. */
export function x87StoreBcd(): u64 {
  let lo: u64 = 0xc000000000000000;
  D.hi = 0xffff;
  if (source()) {
    if (A.kind > FINITE) X.flags = IE;
    else {
      let n = core.toInteger();
      if (core.overflowed() || n > 999999999999999999) {
        X.flags = IE;
        X.up = 0;
      } else {
        lo = 0;
        for (let i: u64 = 0; i < 64; i += 4) {
          lo |= (n % 10) << i;
          n /= 10;
        }
        D.hi = u32((n / 10) * 16 + (n % 10)) | (A.sign << 15);
      }
    }
  }
  settle(IE);
  return lo;
}
export function x87StoreBcdHigh(): u32 {
  return D.hi;
}

/** 1 if the value just computed is to be stored, 0 if an unmasked exception forbids it. */
export function x87Stores(): u32 {
  return P.skip ^ 1;
}

/** After the guest store: applies the flags of the last `x87Store…` and, if it stored, pops `pops` registers. */
export function x87StoreCommit(pops: u32): void {
  if (P.skip === 0 && pops === 1 && (P.flags & 0x3f & ~load<u32>(FCW)) === 0) {
    f.popWith(P.flags, P.up);
    return;
  }
  x.raise(P.flags, P.up);
  if (P.skip === 0) x.pop(pops);
}
