/**
 * Where folio's decoder and capstone 5.0 disagree on purpose, each class with its reason. What the reasons call "the
 * CPU" was measured by executing the bytes on an AMD Zen 3 at the end of a page (length and SIGILL or not).
 */

import { DecodeStatus, type Instruction } from "../../src/isa/instruction.ts";

/** Capstone's spelling → folio's. */
export const SPELLINGS: readonly { capstone: string; folio: string; reason: string }[] = [
  { capstone: "sal", folio: "shl", reason: "/6 of the shift groups is an alias of /4; the SDM knows one mnemonic SHL" },
  { capstone: "jmp", folio: "ljmp", reason: "FF /5 is a far jump; capstone says ljmp for EA only" },
  { capstone: "call", folio: "lcall", reason: "FF /3 is a far call; capstone says lcall for 9A only" },
  { capstone: "fdisi8087_nop", folio: "fnop", reason: "a no-operation since the 287" },
  { capstone: "feni8087_nop", folio: "fnop", reason: "a no-operation since the 287" },
  { capstone: "fsetpm", folio: "fnop", reason: "a no-operation since the 387" },
  { capstone: "bndmov", folio: "nop", reason: "MPX is not offered: its opcodes are hint nops" },
  { capstone: "bndmk", folio: "nop", reason: "MPX" },
  { capstone: "bndldx", folio: "nop", reason: "MPX" },
  { capstone: "bndstx", folio: "nop", reason: "MPX" },
  { capstone: "bndcl", folio: "nop", reason: "MPX" },
  { capstone: "bndcu", folio: "nop", reason: "MPX" },
  { capstone: "bndcn", folio: "nop", reason: "MPX" },
  { capstone: "wbnoinvd", folio: "wbinvd", reason: "not offered: F3 before WBINVD is ignored" },
  { capstone: "cldemote", folio: "nop", reason: "not offered: a hint nop" },
  { capstone: "xchg", folio: "pause", reason: "F3 REX 90 without REX.B is still pause" },
  { capstone: "jrcxz", folio: "jecxz", reason: "67 wins also when F2 or F3 stands before the opcode" },
  { capstone: "mov", folio: "movabs", reason: "A0–A3 with 67 are the same instruction" },
  { capstone: "pushf", folio: "pushfq", reason: "REX.W beats 66 (SDM volume 2, section 2.2.1.2)" },
  { capstone: "popf", folio: "popfq", reason: "REX.W beats 66" },
  { capstone: "insw", folio: "insd", reason: "REX.W beats 66" },
  { capstone: "outsw", folio: "outsd", reason: "REX.W beats 66" },
];

export interface Comparison {
  readonly bytes: Uint8Array;
  readonly codeBits: 32 | 64;
  /** Legacy prefixes in front. */
  readonly prefixes: readonly number[];
  readonly capstoneLength: number;
  readonly capstoneMnemonic: string;
  readonly status: DecodeStatus;
  readonly insn: Instruction;
  readonly mnemonic: string;
  /** Index of the opcode's first byte: behind prefixes and REX. */
  readonly opcodeAt: number;
}

/** Instruction sets that no CPU model of folio has, as capstone's mnemonics. */
const NOT_OFFERED = new RegExp(
  `^(${[
    "rsm|getsec|vm(read|write|ptrld|ptrst|clear|xon|xoff|call|func|launch|resume|run|load|save|mcall)|inv(ept|vpid|lpga)|skinit|stgi|clgi",
    "femms|pf\\w+|pi2f[dw]|pmulhrw|pavgusb|pswapd",
    "vpermil2p[sd]|vpc(om|mov)\\w*|vprot\\w|vpsh[al][bwdq]|vph(add|sub)\\w+|vpmacs\\w+|vpmadcs\\w+|vpperm|vfrcz\\w+",
    "blc\\w+|bls(fill|ic)|t1mskc|tzmsk|llwpcb|slwpcb|lwp(ins|val)|bextr",
    "bnd\\w+|mov(nts[sd]|diri|dir64b)|enqcmd\\w?|encls|enclu|enclv|pconfig|wruss[dq]|ptwrite|clrssbsy|setssbsy|cldemote",
    "v?gf2p8\\w+|vpdp\\w+|xstore|xcrypt\\w+|xsha\\w+|montmul|clac|stac|monitorx?|mwaitx?|clzero|rdpru",
    "xbegin|xabort|xresldtrk|xsusldtrk|hreset|tdcall|seam\\w+|uiret|clui|stui|testui|senduipi|v4f\\w+|k[a-z]+[bwdq]",
    "umonitor|umwait|tpause|cl(zero|gi)",
  ].join("|")})$`,
);

const isLegacyMapped = (c: Comparison): boolean => c.bytes[c.opcodeAt] === 0x0f;
const isVex = (c: Comparison): boolean => c.bytes[c.opcodeAt] === 0xc4 || c.bytes[c.opcodeAt] === 0xc5;
const has = (c: Comparison, ...prefixes: number[]): boolean => c.prefixes.some((p) => prefixes.includes(p));
const folioRejects = (c: Comparison): boolean => c.insn.length === 0;
const capstoneRejects = (c: Comparison): boolean => c.capstoneLength === 0;

/** Classes of disagreement over legality, length or the choice of the instruction. */
export const DIFFERENCES: readonly { name: string; reason: string; covers: (c: Comparison) => boolean }[] = [
  {
    name: "lock",
    reason: "LOCK where it is not allowed is #UD (SDM volume 2, LOCK); capstone checks a part of the instructions",
    covers: (c) => folioRejects(c) && has(c, 0xf0),
  },
  {
    name: "LOCK VERW",
    reason: "the CPU executes LOCK before VERW with a memory operand, of its group alone",
    covers: (c) => capstoneRejects(c) && has(c, 0xf0) && c.mnemonic === "verw",
  },
  {
    name: "reserved prefix column",
    reason: "a prefix whose column of tables A-3 to A-5 is empty is #UD, on the CPU too; capstone takes another column",
    covers: (c) => folioRejects(c) && isLegacyMapped(c) && has(c, 0x66, 0xf2, 0xf3),
  },
  {
    name: "F2 and F3 beat 66",
    reason: "SDM volume 2, section 2.1.2 and the CPU; capstone goes by the order of the prefixes",
    covers: (c) => isLegacyMapped(c) && has(c, 0x66) && has(c, 0xf2, 0xf3),
  },
  {
    name: "last of F2 and F3",
    reason: "the last one counts, as on the CPU; capstone goes by the first",
    covers: (c) => has(c, 0xf2) && has(c, 0xf3),
  },
  {
    name: "not offered",
    reason: "virtualisation, SMM, 3DNow!, XOP, FMA4, TBM, SSE4A, MPX and others: #UD on all CPU models of folio",
    covers: (c) => c.status === DecodeStatus.invalid && NOT_OFFERED.test(c.capstoneMnemonic),
  },
  {
    name: "offered in part",
    reason: "mask registers and EVEX are known by their length alone; capstone checks them in full",
    covers: (c) => c.status === DecodeStatus.invalid && c.insn.length !== 0 && capstoneRejects(c),
  },
  {
    name: "control and debug registers",
    reason: "CR1, CR5–CR7, CR9–CR15 and DR8–DR15 are #UD; MOV CS is #UD",
    covers: (c) => folioRejects(c) && /^(mov)$/.test(c.capstoneMnemonic),
  },
  {
    name: "near branches with 66 in 64-bit code",
    reason: "66 is ignored there (SDM volume 2, appendix A.2.5, f64); capstone and AMD read a rel16",
    covers: (c) => c.codeBits === 64 && has(c, 0x66) && c.insn.operands[0].kind === 6,
  },
  {
    name: "ret, call and jmp with 66 in 64-bit code",
    reason: "as for near branches",
    covers: (c) => c.codeBits === 64 && has(c, 0x66) && /^(ret|call|jmp)$/.test(c.mnemonic),
  },
  {
    name: "UD0 and UD1",
    reason: "both have a ModR/M byte (SDM volume 2, UD); capstone's have none",
    covers: (c) => c.mnemonic === "ud0" || c.mnemonic === "ud1",
  },
  {
    name: "hint nops and prefetches",
    reason: "0F 0D and 0F 18–1F are no-operations in all their forms; capstone knows some",
    covers: (c) => capstoneRejects(c) && /^(nop|prefetch)/.test(c.mnemonic),
  },
  {
    name: "x87 aliases",
    reason: "reserved encodings that every x87 executes (AMD APM volume 3, table A-15)",
    covers: (c) => capstoneRejects(c) && /^(fxch|fcomp?|fstp|fstpnce|fnop|ffreep)$/.test(c.mnemonic),
  },
  {
    name: "ignored repeat prefix",
    reason: "F2 and F3 are ignored before an opcode that does not ask for them; capstone rejects some, many with 67",
    covers: (c) => capstoneRejects(c) && has(c, 0xf2, 0xf3),
  },
  {
    name: "67 taken for 66",
    reason: "capstone does so in group 15: 67 0F AE /6 and /7",
    covers: (c) => has(c, 0x67) && /^(clflushopt|clwb|tpause)$/.test(c.capstoneMnemonic),
  },
  {
    name: "fences",
    reason: "ModR/M.rm of LFENCE, MFENCE and SFENCE is ignored (SDM volume 2); capstone wants 0",
    covers: (c) => capstoneRejects(c) && /fence$/.test(c.mnemonic),
  },
  {
    name: "movsxd without REX.W",
    reason: "MOVSXD r16, r/m16 and r32, r/m32 exist (SDM volume 2, MOVSX); capstone rejects some with 66 or 67",
    covers: (c) => capstoneRejects(c) && c.mnemonic === "movsxd" && has(c, 0x66, 0x67),
  },
  {
    name: "swapgs in 32-bit code",
    reason: "invalid there (SDM volume 2, SWAPGS)",
    covers: (c) => c.codeBits === 32 && c.capstoneMnemonic === "swapgs",
  },
  {
    name: "VEX.W and L",
    reason: "reserved values are #UD by the SDM's opcode column, ignored ones are ignored, on the CPU too",
    covers: (c) => isVex(c) && (folioRejects(c) || capstoneRejects(c)),
  },
];
