/**
 * The decoded instruction: what the decoder hands to the lifters.
 *
 * Operand notation follows the Intel SDM volume 2, appendix A.2 ("Key to abbreviations").
 */

/** The CPU features that gate a form (names as in CPUID and /proc/cpuinfo). */
export type Feature =
  | "base"
  | "x64"
  | "cmov"
  | "cx8"
  | "cx16"
  | "fpu"
  | "mmx"
  | "fxsr"
  | "sse"
  | "sse2"
  | "sse3"
  | "ssse3"
  | "sse4_1"
  | "sse4_2"
  | "popcnt"
  | "lzcnt"
  | "bmi1"
  | "bmi2"
  | "adx"
  | "movbe"
  | "aes"
  | "pclmulqdq"
  | "sha"
  | "f16c"
  | "fma"
  | "avx"
  | "avx2"
  | "xsave"
  | "rdrand"
  | "rdseed"
  | "fsgsbase"
  | "rdtscp"
  | "lahf_lm"
  | "clflush"
  | "prefetchw"
  | "clflushopt"
  | "clwb"
  | "rdpid"
  | "xsaveopt"
  | "xsavec"
  | "cet"
  /** Known to the decoder (length, name), offered by no CPU model: always #UD. */
  | "unsupported";

/** One row of the opcode tables: an instruction form in SDM notation. */
export interface Form {
  /** Dense index over all forms, stable within one build. */
  readonly id: number;
  /** SDM mnemonic in lower case without size suffix where the size is an operand's (`movs`, not `movsb`). */
  readonly mnemonic: string;
  /** Encoding in SDM notation, for instance `66 0F 6F /r` or `VEX.256.66.0F.WIG 6F /r`. */
  readonly opcode: string;
  /** Operand codes of appendix A.2, destination first: `["Ev", "Gv"]`. */
  readonly operands: readonly string[];
  readonly feature: Feature;
  /** LOCK is legal with a memory destination. */
  readonly lockable: boolean;
  /** #GP(0) outside ring 0 (port I/O and CLI/STI: without IOPL), hence always in a Linux process. */
  readonly privileged: boolean;
  /** What the same bytes are on a CPU without `feature` (bsf for tzcnt, nop for endbr64); null: #UD there. */
  readonly fallback: Form | null;
}

export const OperandKind = {
  none: 0,
  /** General register `reg` (0–15), low `size` bytes. */
  gpr: 1,
  /** AH, CH, DH, BH: bits 15:8 of general register `reg` (0–3). */
  gprHigh: 2,
  /** Memory of `size` bytes at the instruction's effective address. */
  mem: 3,
  /** Immediate `immLo`/`immHi` (already sign-extended as the form asks). */
  imm: 4,
  /** Second immediate `imm2` (ENTER, EXTRQ). */
  imm2: 5,
  /** Branch displacement, relative to the next instruction, in `immLo`/`immHi`. */
  rel: 6,
  /** Segment register `reg` (ES CS SS DS FS GS). */
  seg: 7,
  /** Control register `reg`. */
  control: 8,
  /** Debug register `reg`. */
  debug: 9,
  /** MMX register `reg` (0–7). */
  mmx: 10,
  /** Vector register `reg` (0–15), low `size` bytes significant (4, 8, 16 or 32). */
  vec: 11,
  /** x87 stack register ST(`reg`). */
  st: 12,
  /** Far pointer in the instruction: offset `immLo`, selector `imm2`. */
  far: 13,
  /** A constant that the opcode implies (the 1 of `D1 /4`): value in `reg`. */
  one: 14,
  /** Memory at [rSI] / [rDI] of a string instruction; segment of the source in `insn.segment`. */
  stringSource: 15,
  stringDest: 16,
} as const;
export type OperandKind = (typeof OperandKind)[keyof typeof OperandKind];

export interface Operand {
  kind: OperandKind;
  /** Width in bytes; 0 where it has no meaning (`lea`'s memory operand). */
  size: number;
  reg: number;
}

/** Register number that stands for RIP/EIP as a base. */
export const BASE_RIP = 16;
export const NO_REG = -1;

/** Segment numbers as encoded in the SDM: ES 0, CS 1, SS 2, DS 3, FS 4, GS 5. */
export const Segment = { none: -1, es: 0, cs: 1, ss: 2, ds: 3, fs: 4, gs: 5 } as const;

/**
 * One decoded instruction. The decoder fills one reused object, so that decoding allocates nothing;
 * who keeps an instruction copies what it needs.
 */
export interface Instruction {
  form: Form;
  /** Bytes of the encoding, 1–15. */
  length: number;
  /** Default code size: 32 or 64. */
  codeBits: 32 | 64;
  /** Effective operand size of `v` operands in bytes: 2, 4 or 8. */
  operandSize: 2 | 4 | 8;
  /** Effective address size in bytes: 2, 4 or 8. */
  addressSize: 2 | 4 | 8;
  /** REX byte, 0 if absent. */
  rex: number;
  lock: boolean;
  /** Last of F2/F3 if present and not part of the opcode (a repeat prefix), else 0. */
  rep: 0 | 0xf2 | 0xf3;
  /** Segment override in force (in 64-bit code only FS and GS count), else `Segment.none`. */
  segment: number;
  /** ModR/M fields with their REX/VEX extension; `mod` is -1 without a ModR/M byte. */
  mod: number;
  reg: number;
  rm: number;
  /** Memory operand: registers 0–15, `BASE_RIP` or `NO_REG`; scale 1, 2, 4, 8; displacement as a signed 64-bit pair. */
  base: number;
  index: number;
  scale: number;
  dispLo: number;
  dispHi: number;
  /** Immediate as a signed 64-bit pair (both halves int32). */
  immLo: number;
  immHi: number;
  imm2: number;
  /** VEX: vector length in bits (128, 256) or 0 without VEX; W; the vvvv register. */
  vexLength: 0 | 128 | 256;
  vexW: 0 | 1;
  vvvv: number;
  /** Operands 0–3, destination first; `kind` none beyond the last one. */
  readonly operands: readonly [Operand, Operand, Operand, Operand];
}

export const DecodeStatus = {
  ok: 0,
  /** The bytes end before the instruction does. */
  truncated: -1,
  /** No such instruction in this mode: #UD. */
  invalid: -2,
  /** Longer than 15 bytes: #GP. */
  tooLong: -3,
} as const;
export type DecodeStatus = (typeof DecodeStatus)[keyof typeof DecodeStatus];
