/** Which accesses go through SS: their non-canonical addresses raise #SS(0), not #GP(0). SDM volume 1, section 3.3.7. */
import { type Instruction, OperandKind, Segment } from "./instruction.ts";

const RSP = 4;
const RBP = 5;
const IMPLIED = /^(push|pop|call|ret|enter|leave)/;
/** How far from RSP an implied access may lie. */
const NEAR = 64;

/** Whether the instruction's access to the address (its low 32 bits) is one to the stack segment; `rsp` likewise. */
export function isStackAccess(insn: Instruction, address: number, rsp: number): boolean {
  const implied = IMPLIED.test(insn.form.mnemonic);
  const memory = insn.operands.some((operand) => operand.kind === OperandKind.mem);
  if (implied && (!memory || Math.abs((address - rsp) | 0) <= NEAR)) return true;
  const overridden = insn.segment === Segment.fs || insn.segment === Segment.gs;
  return memory && !overridden && (insn.base === RSP || insn.base === RBP);
}
