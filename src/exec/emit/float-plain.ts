/**
 * SSE arithmetic in regions. What goes on behind an operation are plain numbers only (zeros and normal ones), so that an operand
 * that is known to be plain needs no test. A coarse test of the result sends what it cannot tell, zeros among it, to code out of
 * line. That asks the precise question and takes the helper, and leaves the region if the operands or the result are not plain:
 * then the interpreter executes the instruction. Helpers may have set flags by then; they are sticky, and it sets the same ones.
 */
import { FP_SLOW } from "../../isa/cpu-block.ts";
import { BLOCK_VOID, W } from "../../wasm/opcodes.ts";
import type { Emit, FloatFacts } from "./emitter.ts";
import {
  denormalLanes,
  exponentIs,
  isDenormal,
  isNan,
  type Kind,
  type PackedKind,
  pushBits,
  pushSlowMode,
  raiseUnmasked,
  shiftedBits,
} from "./float-kinds.ts";

/** How a zero or the smallest normal number as a result may be inexact: by which operands it must not be zero. */
export type Underflow = "none" | "first" | "all";

/** Pushes a condition: the float may be other than plain. Its exponent plus 1 is below 4, modulo the field's size. */
function coarse(e: Emit, kind: Kind, local: number): void {
  const { c } = e;
  c.get(local);
  c.op(kind.reinterpret);
  if (kind.int === "i64") {
    c.i64Const(32);
    c.op(W.i64_shr_u);
    c.op(W.i32_wrap_i64);
    c.i32Const(0x0010_0000);
    c.op(W.i32_add);
    c.i32Const(0x7fc0_0000);
  } else {
    c.i32Const(0x0080_0000);
    c.op(W.i32_add);
    c.i32Const(0x7e00_0000);
  }
  c.op(W.i32_and);
  c.op(W.i32_eqz);
}

/** Pushes a condition: the float is denormal, infinite or a NaN. */
function isOdd(e: Emit, kind: Kind, local: number): void {
  const { c } = e;
  shiftedBits(e, kind, local);
  kind.constant(e, 0, 1);
  c.op(kind.sub);
  kind.constant(e, 1, -1);
  c.op(kind.ltU);
  shiftedBits(e, kind, local);
  kind.constant(e, kind.int === "i64" ? 0x7ff : 0xff, -1);
  c.op(kind.gtU);
  c.op(W.i32_or);
}

function isNotZero(e: Emit, kind: Kind, local: number): void {
  shiftedBits(e, kind, local);
  if (kind.int === "i64") e.c.i64Const(0);
  else e.c.i32Const(0);
  e.c.op(kind.int === "i64" ? W.i64_ne : W.i32_ne);
}

/** Pushes a condition: the result is zero or the smallest normal number, though the operands are not zero. */
function mayUnderflow(e: Emit, kind: Kind, args: readonly number[], r: number): void {
  const { c } = e;
  shiftedBits(e, kind, r);
  kind.constant(e, 1, 1);
  c.op(kind.ltU);
  for (const arg of args) {
    isNotZero(e, kind, arg);
    c.op(W.i32_and);
  }
}

/**
 * `r` holds what the plain operator makes of the operation's arguments; pushes the right result. `underflow` says which
 * arguments are not zero where a result that is zero has underflowed.
 */
export function plainScalar(
  e: Emit,
  facts: FloatFacts,
  kind: Kind,
  args: readonly number[],
  r: number,
  underflow: Underflow,
  helper: string,
): void {
  const { c } = e;
  const unknown = args.flatMap((local, index) => (facts.isPlain(index, kind.format) ? [] : [{ local, index }]));
  c.open(W.block, BLOCK_VOID);
  c.open(W.block, BLOCK_VOID);
  pushSlowMode(e);
  c.brIfUnlikely(0);
  for (const { local } of unknown) {
    coarse(e, kind, local);
    c.brIfUnlikely(0);
  }
  coarse(e, kind, r);
  c.brIfUnlikely(0);
  c.br(1);
  c.end();
  for (const { local } of unknown) {
    isOdd(e, kind, local);
    facts.leaveIf(1);
  }
  pushSlowMode(e);
  if (underflow !== "none") {
    mayUnderflow(e, kind, underflow === "all" ? args : args.slice(0, 1), r);
    c.op(W.i32_or);
  }
  isOdd(e, kind, r);
  c.op(W.i32_or);
  c.open(W.if, BLOCK_VOID);
  pushBits(e, kind, args);
  e.callHelper(helper);
  c.op(kind.from);
  c.set(r);
  raiseUnmasked(e, 2);
  isOdd(e, kind, r);
  facts.leaveIf(2);
  c.end();
  c.end();
  c.get(r);
  for (const { index } of unknown) facts.notePlain(index, kind.format);
  facts.plainResult(kind.format);
}

/** Leaves the region if an operand is not plain. For operations on plain numbers that are exact and raise nothing. */
export function plainOperands(e: Emit, facts: FloatFacts, kind: Kind, args: readonly number[]): void {
  for (const [index, local] of args.entries()) {
    if (facts.isPlain(index, kind.format)) continue;
    e.c.open(W.block, BLOCK_VOID);
    e.c.open(W.block, BLOCK_VOID);
    coarse(e, kind, local);
    e.c.brIfUnlikely(0);
    e.c.br(1);
    e.c.end();
    isOdd(e, kind, local);
    facts.leaveIf(1);
    e.c.end();
    facts.notePlain(index, kind.format);
  }
}

/** Lanes whose sign bit is set if the exponent field is 0 or 1 (`add`: one of the two greatest). */
function lanesSign(e: Emit, kind: PackedKind, local: number, opcode: number): void {
  e.c.get(local);
  e.vectorConst(kind.exponent);
  e.c.op(W.v128_and);
  e.vectorConst(kind.twoUnits);
  e.c.op(opcode);
}

/** Pushes a condition: a lane is denormal, infinite or a NaN. */
function hasOdd(e: Emit, kind: PackedKind, local: number): void {
  exponentIs(e, kind, local, true);
  denormalLanes(e, kind, local);
  e.c.op(W.v128_or);
  e.c.op(W.v128_any_true);
}

/** Lanes whose magnitude is above `limit` (a bit pattern): no sign is left, so that signed comparisons will do. */
function magnitudeAbove(e: Emit, kind: PackedKind, local: number, limit: readonly number[]): void {
  const { c } = e;
  c.get(local);
  c.v128Const(kind.magnitude);
  c.op(W.v128_and);
  c.v128Const(limit);
  c.op(kind.gtS);
}

/** As `plainScalar`, on all elements. */
export function plainPacked(
  e: Emit,
  facts: FloatFacts,
  kind: PackedKind,
  args: readonly number[],
  r: number,
  underflow: Underflow,
  helper: string,
): void {
  const { c } = e;
  const unknown = args.flatMap((local, index) => (facts.isPlain(index, kind.format) ? [] : [{ local, index }]));
  c.open(W.block, BLOCK_VOID);
  c.open(W.block, BLOCK_VOID);
  // Operands that are not finite give a result that is not, or a zero.
  lanesSign(e, kind, r, kind.add);
  for (const { local } of [...unknown, { local: r }]) {
    lanesSign(e, kind, local, kind.sub);
    c.op(W.v128_or);
  }
  c.op(kind.bitmask);
  c.i32Const(0);
  c.memory(W.i32_load, FP_SLOW);
  c.op(W.i32_or);
  c.brIfUnlikely(0);
  c.br(1);
  c.end();
  for (const { local } of unknown) {
    hasOdd(e, kind, local);
    facts.leaveIf(1);
  }
  pushSlowMode(e);
  if (underflow !== "none") {
    magnitudeAbove(e, kind, args[0] as number, kind.zero);
    if (underflow === "all") {
      magnitudeAbove(e, kind, args[1] as number, kind.zero);
      c.op(W.v128_and);
    }
    magnitudeAbove(e, kind, r, kind.unit);
    c.op(W.v128_andnot);
    c.op(W.v128_any_true);
    c.op(W.i32_or);
  }
  hasOdd(e, kind, r);
  c.op(W.i32_or);
  c.open(W.if, BLOCK_VOID);
  for (const arg of args) c.get(arg);
  e.callHelper(helper);
  c.set(r);
  raiseUnmasked(e, 2);
  hasOdd(e, kind, r);
  facts.leaveIf(2);
  c.end();
  c.end();
  c.get(r);
  for (const { index } of unknown) facts.notePlain(index, kind.format);
  facts.plainResult(kind.format);
}

/** As `plainOperands`, for all elements. */
export function plainPackedOperands(e: Emit, facts: FloatFacts, kind: PackedKind, args: readonly number[]): void {
  for (const [index, local] of args.entries()) {
    if (facts.isPlain(index, kind.format)) continue;
    e.c.open(W.block, BLOCK_VOID);
    e.c.open(W.block, BLOCK_VOID);
    lanesSign(e, kind, local, kind.add);
    lanesSign(e, kind, local, kind.sub);
    e.c.op(W.v128_or);
    e.c.op(kind.bitmask);
    e.c.brIfUnlikely(0);
    e.c.br(1);
    e.c.end();
    hasOdd(e, kind, local);
    facts.leaveIf(1);
    e.c.end();
    facts.notePlain(index, kind.format);
  }
}

/**
 * What COMISD and UCOMISD do but for the flags: of a NaN or denormal among the arguments the helper tells MXCSR. With DAZ set
 * the helper's flags differ from those of the bits, so that regions leave to the interpreter then.
 */
export function plainComparison(e: Emit, facts: FloatFacts, kind: Kind, helper: string): void {
  const { c } = e;
  const args = [e.local(0), e.local(1)];
  const unknown = args.filter((_, index) => !facts.isPlain(index, kind.format));
  if (unknown.length === 0) return;
  c.open(W.block, BLOCK_VOID);
  c.open(W.block, BLOCK_VOID);
  for (const local of unknown) {
    coarse(e, kind, local);
    c.brIfUnlikely(0);
  }
  c.br(1);
  c.end();
  for (const local of unknown) {
    isDenormal(e, kind, local);
    facts.leaveIf(1);
  }
  for (const [index, local] of unknown.entries()) {
    isNan(e, local, kind);
    if (index > 0) c.op(W.i32_or);
  }
  c.open(W.if, BLOCK_VOID);
  pushBits(e, kind, args);
  e.callHelper(helper);
  c.op(W.drop);
  raiseUnmasked(e, 2);
  c.end();
  c.end();
}
