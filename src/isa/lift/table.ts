/** All lifters by mnemonic; a mnemonic stands in one table only (a test checks it). */
import { arithLifters } from "./arith.ts";
import { avxLifters } from "./avx.ts";
import { avxMemoryLifters } from "./avx-memory.ts";
import { bcdLifters } from "./bcd.ts";
import { bmiLifters } from "./bmi.ts";
import { branchLifters } from "./branch.ts";
import type { Lifter, LifterTable } from "./context.ts";
import { hostCallLifters } from "./host-call.ts";
import { moveLifters } from "./move.ts";
import { shiftLifters } from "./shift.ts";
import { floatLifters } from "./sse-float.ts";
import { packedIntLifters } from "./sse-int.ts";
import { vectorMoveLifters } from "./sse-move.ts";
import { specialLifters } from "./sse-special.ts";
import { stringLifters } from "./string.ts";
import { systemLifters } from "./system.ts";
import { x87Lifters } from "./x87.ts";
import { xsaveLifters } from "./xsave.ts";

export const LIFTER_TABLES: readonly LifterTable[] = [
  arithLifters,
  shiftLifters,
  moveLifters,
  stringLifters,
  branchLifters,
  bcdLifters,
  bmiLifters,
  avxLifters,
  avxMemoryLifters,
  hostCallLifters,
  vectorMoveLifters,
  packedIntLifters,
  floatLifters,
  specialLifters,
  x87Lifters,
  xsaveLifters,
  systemLifters,
];

const all: LifterTable = Object.assign({}, ...LIFTER_TABLES);

/** The lifter of a mnemonic, or undefined if folio lacks the instruction. */
export function lifterOf(mnemonic: string): Lifter | undefined {
  return all[mnemonic];
}
