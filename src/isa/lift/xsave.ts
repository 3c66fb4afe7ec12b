/**
 * XSAVE and its kin (SDM volume 1, chapter 13). The processor's state components are x87, SSE and AVX; which of them XINUSE
 * holds follows AMD's processors: each whose registers are not in their initial state.
 */
import { MXCSR, SCRATCH } from "../cpu-block.ts";
import type { Value } from "../ir/builder.ts";
import { type Lift, type Lifter, type LifterTable, RAX } from "./context.ts";

const GENERAL_PROTECTION = 13;
/** XCR0 of every CPU model that has XSAVE. */
export const XCR0 = 7;
const X87 = 1;
const SSE = 2;
const AVX = 4;
/** Offsets in the area; both formats have them alike, since there is no component behind AVX. */
const MXCSR_AT = 24;
const ST_AT = 32;
const XMM_AT = 160;
const HEADER_AT = 512;
const XCOMP_BV_AT = HEADER_AT + 8;
const AVX_AT = 576;
const INITIAL_MXCSR = 0x1f80;
const COMPACTED = 0x8000_0000 | 0;

type Variant = "xsave" | "xsaveopt" | "xsavec";

function checkAligned(x: Lift): void {
  const { slot, disp } = x.address();
  x.trapIf(x.op("and32", x.op("add32", slot, x.const(disp)), x.const(63)), GENERAL_PROTECTION);
}

function registerCount(x: Lift): number {
  return x.is64 ? 16 : 8;
}

/** 1 if any of the registers' halves (at byte `offset`) is not 0. */
function anyNonZero(x: Lift, offset: 0 | 16): Value {
  let all = x.vec(0, offset);
  for (let i = 1; i < registerCount(x); i++) all = x.op("vOr", all, x.vec(i, offset));
  return x.op("vAnyTrue", all);
}

function inUse(x: Lift, variant: Variant): Value {
  let sse = anyNonZero(x, 0);
  // XSAVEC alone has MXCSR in the component that it may leave out (SDM, XSAVEC).
  if (variant === "xsavec") sse = x.op("or32", sse, x.op("ne32", MXCSR, x.const(INITIAL_MXCSR)));
  sse = x.op("shl32", sse, x.const(1));
  const avx = x.op("shl32", anyNonZero(x, 16), x.const(2));
  return x.op("or32", x.op("h_xInUse"), x.op("or32", sse, avx));
}

function save(variant: Variant, wide: 0 | 1): Lifter {
  return (x) => {
    checkAligned(x);
    const { slot, disp } = x.address();
    const requested = x.op("and32", x.gpr(RAX), x.const(XCR0));
    const present = x.op("and32", requested, inUse(x, variant));
    // XSAVE writes what was asked for, the others only what is in use.
    const written = variant === "xsave" ? requested : present;
    const has = (bits: number) => x.op("and32", written, x.const(bits));
    const [x87, sse, avx] = [has(X87), has(SSE), has(AVX)];
    // The lower half of the area is accessed as a whole, whatever is written to it.
    x.op("probeWrite", slot, disp, AVX_AT);
    const last = AVX_AT + 16 * (registerCount(x) - 1);
    for (const at of [AVX_AT, last]) x.op("storeCheckIf128", slot, disp + at, avx);
    const old = x.load(x.address(), 8, false, HEADER_AT);
    x.op("h_fxSaveImage", x.const(wide));
    x.op("storeIfV", slot, disp, x87, SCRATCH);
    x.op("storeIf64", slot, disp + 16, x87, SCRATCH + 16);
    // The standard format has MXCSR whenever SSE or AVX is asked for, in use or not.
    const mxcsr = variant === "xsavec" ? sse : x.op("and32", requested, x.const(SSE | AVX));
    x.op("storeIf64", slot, disp + MXCSR_AT, mxcsr, SCRATCH + MXCSR_AT);
    for (let i = 0; i < 8; i++) x.op("storeIfV", slot, disp + ST_AT + 16 * i, x87, SCRATCH + ST_AT + 16 * i);
    for (let i = 0; i < registerCount(x); i++) {
      x.op("storeIfV", slot, disp + XMM_AT + 16 * i, sse, x.vec(i));
      x.op("storeIfV", slot, disp + AVX_AT + 16 * i, avx, x.vec(i, 16));
    }
    const bits = x.op("zext32", present);
    if (variant === "xsavec") {
      x.store(x.address(), 8, bits, HEADER_AT);
      x.store(x.address(), 8, x.op("or64", x.op("zext32", requested), x.const(0, COMPACTED)), XCOMP_BV_AT);
      return;
    }
    const kept = x.op("and64", old, x.op("not64", x.op("zext32", requested)));
    x.store(x.address(), 8, x.op("or64", kept, bits), HEADER_AT);
  };
}

function restore(wide: 0 | 1): Lifter {
  return (x) => {
    checkAligned(x);
    const { slot, disp } = x.address();
    const requested = x.op("and32", x.gpr(RAX), x.const(XCR0));
    for (let at = HEADER_AT; at < AVX_AT; at += 16) {
      x.op("h_scratchWriteV", x.const(at), x.load(x.address(), 16, false, at));
    }
    x.trapIf(x.op("h_xHeaderInvalid"), GENERAL_PROTECTION);
    const loaded = x.op("and32", requested, SCRATCH + HEADER_AT);
    const has = (from: Value, bits: number) => x.op("and32", from, x.const(bits));
    const x87 = has(loaded, X87);
    for (let at = 0; at < XMM_AT; at += 16) {
      // MXCSR stands in the second piece and is loaded with SSE or AVX.
      const condition = at === 16 ? requested : x87;
      x.op("h_scratchWriteV", x.const(at), x.op("loadIfV", slot, disp + at, condition, x.op("vZero")));
    }
    for (const [offset, from, bit] of [
      [0, XMM_AT, SSE],
      [16, AVX_AT, AVX],
    ] as const) {
      const condition = has(loaded, bit);
      // A component that is asked for and not in the area becomes 0; one that is not asked for stays.
      const keep = x.op("i32x4Splat", x.op("neg32", x.op("eqz32", has(requested, bit))));
      for (let i = 0; i < registerCount(x); i++) {
        const kept = x.op("vAnd", x.vec(i, offset), keep);
        x.b.setSlot(x.vec(i, offset), 16, x.op("loadIfV", slot, disp + from + 16 * i, condition, kept));
      }
    }
    x.trapIf(x.op("h_xRestore", x.const(wide), requested), GENERAL_PROTECTION);
  };
}

export const xsaveLifters: LifterTable = {
  xrstor: restore(0),
  xrstor64: restore(1),
};
for (const variant of ["xsave", "xsaveopt", "xsavec"] as const) {
  xsaveLifters[variant] = save(variant, 0);
  xsaveLifters[`${variant}64`] = save(variant, 1);
}
