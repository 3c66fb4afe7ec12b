/**
 * String instructions. With a repeat prefix one execution of the instruction is one iteration: it leaves if rCX is 0, does
 * the step, and jumps to itself while there is more. MOVS and STOS do most of it in bulk first. SDM volume 2, "REP".
 */
import { EFLAGS_REST } from "../cpu-block.ts";
import { Segment } from "../instruction.ts";
import type { Value } from "../ir/builder.ts";
import { type Lift, type Lifter, type LifterTable, RAX, RCX, RDI, RSI } from "./context.ts";
import { stringAddress } from "./move.ts";

/** An index register cut to the address size. */
function index(x: Lift, reg: number): Value {
  const { addressSize } = x.insn;
  if (addressSize === 8) return x.gpr(reg);
  return addressSize === 4 ? x.op("mov32", x.gpr(reg)) : x.op("zext16", x.gpr(reg));
}

/** `size` or, with DF set, `-size` (32-bit value). */
function stride(x: Lift, size: number): Value {
  const log = 31 - Math.clz32(2 * size);
  const back = x.op("and32", x.op("shrU32", EFLAGS_REST, x.const(10 - log)), x.const(2 * size));
  return x.op("sub32", x.const(size), back);
}

function advance(x: Lift, reg: number, by: Value): void {
  const { addressSize } = x.insn;
  if (addressSize === 8) x.setGpr(reg, 8, x.op("add64", x.gpr(reg), x.op("sext32to64", by)));
  else x.setGpr(reg, addressSize, x.op("add32", x.gpr(reg), by));
}

type Step = (x: Lift, size: number) => (() => Value) | undefined;

function string(step: Step, bulk?: "bulkMovs" | "bulkStos"): Lifter {
  return (x) => {
    const { insn } = x;
    const first = insn.operands[0];
    const size = insn.operands.find((o) => o.kind >= 15)?.size ?? first.size;
    if (insn.rep === 0) {
      step(x, size);
      return;
    }
    const { addressSize } = insn;
    const count = index(x, RCX);
    const sized = addressSize === 8 ? "64" : "32";
    x.op("jumpOutIf", x.op(`eqz${sized}`, count), x.nextLo, x.nextHi, 0, 0);
    const overridden = insn.segment === Segment.fs || insn.segment === Segment.gs;
    let left = count;
    if (bulk !== undefined && addressSize !== 2 && !overridden && !x.b.checksAlignment) {
      x.op(bulk, size, addressSize === 8 ? -1 : 0);
      left = index(x, RCX);
    }
    const more = step(x, size);
    const less = x.op(`sub${sized}`, left, x.const(1));
    x.setGpr(RCX, addressSize, less);
    let again = x.op(addressSize === 8 ? "ne64" : "ne32", less, x.const(0));
    if (more !== undefined) again = x.op("and32", again, more());
    x.jumpIf(again, x.ipLo, x.is64 ? x.ipHi : 0);
  };
}

function source(x: Lift, size: number): Value {
  return x.load(stringAddress(x, index(x, RSI), x.insn.segment), size);
}

function compare(x: Lift, size: number, a: Value, b: Value): () => Value {
  const difference = x.sized("sub", size, a, b);
  x.flagsSub(size, a, b, difference);
  return () => {
    // REPE goes on while equal, REPNE while not.
    const [p, q] = size < 4 ? [x.zeroExtend(a, size), x.zeroExtend(b, size)] : [a, b];
    return x.sized(x.insn.rep === 0xf2 ? "ne" : "eq", size, p, q);
  };
}

export const stringLifters: LifterTable = {
  movs: string((x, size) => {
    const value = source(x, size);
    x.store(stringAddress(x, index(x, RDI), Segment.none), size, value);
    const by = stride(x, size);
    advance(x, RSI, by);
    advance(x, RDI, by);
    return undefined;
  }, "bulkMovs"),
  stos: string((x, size) => {
    x.store(stringAddress(x, index(x, RDI), Segment.none), size, x.gpr(RAX));
    advance(x, RDI, stride(x, size));
    return undefined;
  }, "bulkStos"),
  lods: string((x, size) => {
    const value = source(x, size);
    advance(x, RSI, stride(x, size));
    x.setGpr(RAX, size, value);
    return undefined;
  }),
  scas: string((x, size) => {
    const value = x.load(stringAddress(x, index(x, RDI), Segment.none), size);
    advance(x, RDI, stride(x, size));
    return compare(x, size, x.gpr(RAX), value);
  }),
  cmps: string((x, size) => {
    // Of two faults the processor reports that of rDI.
    const b = x.load(stringAddress(x, index(x, RDI), Segment.none), size);
    const a = source(x, size);
    const by = stride(x, size);
    advance(x, RSI, by);
    advance(x, RDI, by);
    return compare(x, size, a, b);
  }),
};
