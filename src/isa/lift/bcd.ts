/** Decimal adjustment; the helpers (src/isa/helpers/bcd.as.ts) give AX and the flags in one number. SDM volume 2. */
import { FLAG_AUX, FLAG_RESULT } from "../cpu-block.ts";
import type { Value } from "../ir/builder.ts";
import { type Lift, type Lifter, type LifterTable, RAX } from "./context.ts";

const DIVIDE_ERROR = 0;

function finish(x: Lift, result: Value): void {
  x.setGpr(RAX, 2, result);
  x.op("flagsSet", x.op("shrU32", result, x.const(16)));
  x.flagsOther();
}

function adjust(name: string): Lifter {
  return (x) => {
    const ax = x.op("zext16", x.gpr(RAX));
    finish(x, x.op(`h_${name}`, ax, x.op("flagsImage", FLAG_RESULT, FLAG_AUX)));
  };
}

/** AAM and AAD take their base from the immediate; AAM divides by it. */
function withBase(name: string, divides: boolean): Lifter {
  return (x) => {
    const base = x.insn.immLo & 0xff;
    if (divides && base === 0) return x.raise(DIVIDE_ERROR);
    finish(x, x.op(`h_${name}`, x.op("zext16", x.gpr(RAX)), x.const(base)));
  };
}

export const bcdLifters: LifterTable = {
  aaa: adjust("bcdAaa"),
  aas: adjust("bcdAas"),
  daa: adjust("bcdDaa"),
  das: adjust("bcdDas"),
  aad: withBase("bcdAad", false),
  aam: withBase("bcdAam", true),
};
