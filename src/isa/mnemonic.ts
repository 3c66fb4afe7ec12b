/** The spelling of an instruction's mnemonic in Intel syntax, as disassemblers (capstone, objdump -M intel) print it. */

import type { Instruction } from "./instruction.ts";

const SIZE_SUFFIX: Readonly<Record<number, string>> = { 1: "b", 2: "w", 4: "d", 8: "q" };

/** By operand size: 2, 4, 8 bytes. */
const BY_OPERAND_SIZE: Readonly<Record<string, readonly [string, string, string]>> = {
  cbw: ["cbw", "cwde", "cdqe"],
  cwd: ["cwd", "cdq", "cqo"],
  pusha: ["pushaw", "pushal", "pushal"],
  popa: ["popaw", "popal", "popal"],
  pushf: ["pushf", "pushfd", "pushfq"],
  popf: ["popf", "popfd", "popfq"],
  iret: ["iret", "iretd", "iretq"],
  retf: ["retf", "retf", "retfq"],
  sysret: ["sysret", "sysret", "sysretq"],
  sysexit: ["sysexit", "sysexit", "sysexitq"],
  rdssp: ["rdsspd", "rdsspd", "rdsspq"],
  incssp: ["incsspd", "incsspd", "incsspq"],
  wrss: ["wrssd", "wrssd", "wrssq"],
};

const STRING_INSTRUCTIONS = new Set(["movs", "cmps", "stos", "lods", "scas", "ins", "outs"]);

const RENAMED: Readonly<Record<string, string>> = {
  callf: "lcall",
  jmpf: "ljmp",
  fwait: "wait",
  xlat: "xlatb",
  fcomip: "fcompi",
  fucomip: "fucompi",
};

/** Predicates of cmpps and its kin, SDM volume 2, table 3-1; AVX has all 32 (table 3-9). */
const PREDICATES =
  "eq lt le unord neq nlt nle ord eq_uq nge ngt false neq_oq ge gt true eq_os lt_oq le_oq unord_s neq_us nlt_uq nle_uq ord_s eq_us nge_uq ngt_uq false_os neq_os ge_oq gt_oq true_us".split(
    " ",
  );

/** Capstone 5's spelling of the mnemonic, without prefixes (`rep`, `lock`). */
export function mnemonicOf(insn: Instruction): string {
  const name = insn.form.mnemonic;
  const bySize = BY_OPERAND_SIZE[name];
  if (bySize !== undefined) return bySize[insn.operandSize === 2 ? 0 : insn.operandSize === 4 ? 1 : 2];
  if (name in RENAMED) return RENAMED[name];
  if (STRING_INSTRUCTIONS.has(name)) {
    const memory = insn.operands[name === "outs" ? 1 : name === "lods" ? 1 : 0];
    return name + SIZE_SUFFIX[memory.size];
  }
  if (name === "jcxz") return insn.addressSize === 2 ? "jcxz" : insn.addressSize === 4 ? "jecxz" : "jrcxz";
  if (name === "mov" && insn.codeBits === 64) {
    const code = insn.form.operands;
    if (code.includes("Ov") || code.includes("Ob") || (code[1] === "Iv" && insn.operandSize === 8)) return "movabs";
  }
  const compare = /^(v?cmp)([ps][sd])$/.exec(name);
  if (compare !== null && insn.form.operands.includes("Ib")) {
    const predicate = insn.immLo < (insn.vexLength === 0 ? 8 : 32) ? PREDICATES[insn.immLo] : "";
    return compare[1] + predicate + compare[2];
  }
  return name;
}
