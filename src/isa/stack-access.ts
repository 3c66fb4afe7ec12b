/** Which accesses go through SS: their addresses beyond the segment raise #SS(0), not #GP(0). SDM volume 1, section 3.3.7. */
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
  const overridden = memory || /^(lods|xlat|v?maskmov)/.test(insn.form.mnemonic);
  if (insn.segment !== Segment.none) return overridden && insn.segment === Segment.ss;
  return memory && (insn.base === RSP || insn.base === RBP);
}

/** Bytes that the instruction's accesses to memory take one by one. */
export function accessSize(insn: Instruction): number {
  const { mem, stringSource, stringDest } = OperandKind;
  const { mnemonic } = insn.form;
  if (mnemonic === "xlat") return 1;
  const memory = insn.operands.find(({ kind }) => kind === mem || kind === stringSource || kind === stringDest);
  if (memory === undefined) return insn.operandSize;
  if (mnemonic === "bound") return memory.size / 2;
  if (/^vp?maskmov/.test(mnemonic)) return /(d|ps)$/.test(mnemonic) ? 4 : 8;
  return memory.size;
}
