/**
 * The CPU block: the one place in the host area of wasm memory that holds the running task's user-visible registers.
 * Addresses are absolute wasm byte offsets. Interpreter, regions, helpers and the kernel's RegisterState share it.
 *
 * Flags are kept as two values (`FLAG_RESULT`, `FLAG_AUX`), from which EFLAGS follow:
 *   ZF = result == 0;  SF = (result < 0) ^ aux[31];  PF = even parity of (result ^ (aux >> 16)) & 0xff;
 *   CF, AF, OF = bits 0, 4, 11 of aux, their places in EFLAGS.
 * The result is sign-extended from the operation's size to 64 bits. Bits 16–23 and 31 of aux are 0 but after POPF, SAHF and
 * the like, where ZF, SF and PF need not agree with any single result.
 */
export const CPU_BASE = 0x1000;

export const GPR = CPU_BASE + 0x000;
export const RIP = CPU_BASE + 0x080;
export const FLAG_RESULT = CPU_BASE + 0x088;
export const FLAG_AUX = CPU_BASE + 0x090;
/** EFLAGS bits other than the arithmetic six: DF, TF, AC, ID, NT, RF (u32). */
export const EFLAGS_REST = CPU_BASE + 0x098;
export const FS_BASE = CPU_BASE + 0x0a0;
export const GS_BASE = CPU_BASE + 0x0a8;
/** Six u16 selectors: ES CS SS DS FS GS. */
export const SELECTORS = CPU_BASE + 0x0b0;

/** Why the run loop stopped: u32 reason, u32 detail, u32 block record, i64 address. */
export const EXIT_REASON = CPU_BASE + 0x0c0;
export const EXIT_DETAIL = CPU_BASE + 0x0c4;
export const EXIT_BLOCK = CPU_BASE + 0x0c8;
export const EXIT_INSN = CPU_BASE + 0x0cc;
export const EXIT_ADDRESS = CPU_BASE + 0x0d0;
/** Instructions left in this run (i32). */
export const FUEL = CPU_BASE + 0x0d8;

/**
 * MXCSR (u32), and what it allows the plain wasm float operators (u32): 0 their results and flags are right where neither
 * operands nor result are denormal; else bit 31 and 1: likewise, but PE is still clear, so that only exact results are;
 * 2: another rounding mode or an unmasked exception.
 */
export const MXCSR = CPU_BASE + 0x0e0;
export const FP_SLOW = CPU_BASE + 0x0e4;
/** Nonzero (u32) after a helper found an unmasked SSE exception: raise #XM before any register changes, then clear it. */
export const FP_TRAP = CPU_BASE + 0x0e8;

/** x87 environment (u32 each): control, status (TOP included), abridged tags (bit i: physical register i is not empty), opcode. */
export const FCW = CPU_BASE + 0x0f0;
export const FSW = CPU_BASE + 0x0f4;
export const FTW = CPU_BASE + 0x0f8;
export const FOP = CPU_BASE + 0x0fc;
/** Last instruction and data pointers (u64), their selectors (u32). */
export const FIP = CPU_BASE + 0x100;
export const FDP = CPU_BASE + 0x108;
export const FCS = CPU_BASE + 0x110;
export const FDS = CPU_BASE + 0x114;
/** Physical x87 registers R0–R7, 16 bytes each: significand u64 at +0, sign and exponent u16 at +8. MMi is the significand of Ri. */
export const FPR = CPU_BASE + 0x120;
export const FPR_STRIDE = 16;

/** YMM0–15, 32 bytes each; XMMi is the low half. */
export const YMM = CPU_BASE + 0x200;
export const YMM_STRIDE = 32;

/** Staging area for images such as FXSAVE's (1 KiB). */
export const SCRATCH = CPU_BASE + 0x400;

/** IR temporaries, 16 bytes each. */
export const TEMPS = CPU_BASE + 0x800;
export const TEMP_COUNT = 320;

/** Static data of the helper module lies in [HELPER_DATA, HELPER_DATA_END). */
export const HELPER_DATA = 0x10000;
export const HELPER_DATA_END = 0x40000;
