/**
 * Addresses in the CPU block, as src/isa/cpu-block.ts defines them (a test compares the two), and the few typed accessors on it.
 * The helper module cannot import that file: it is compiled by AssemblyScript.
 */
export const SELECTORS: usize = 0x10b0;
export const MXCSR: usize = 0x10e0;
export const FP_SLOW: usize = 0x10e4;
export const FP_TRAP: usize = 0x10e8;
export const FCW: usize = 0x10f0;
export const FSW: usize = 0x10f4;
export const FTW: usize = 0x10f8;
export const FOP: usize = 0x10fc;
export const FIP: usize = 0x1100;
export const FDP: usize = 0x1108;
export const FCS: usize = 0x1110;
export const FDS: usize = 0x1114;
export const FPR: usize = 0x1120;
export const YMM: usize = 0x1200;
export const SCRATCH: usize = 0x1400;

/** Exception bits, the same in MXCSR and in the x87 status word (SDM vol. 1, 10.2.3 and 8.1.3). */
export const IE: u32 = 1;
export const DE: u32 = 2;
export const ZE: u32 = 4;
export const OE: u32 = 8;
export const UE: u32 = 16;
export const PE: u32 = 32;

/** MXCSR: denormals are zeros, flush to zero. */
export const DAZ: u32 = 1 << 6;
export const FTZ: u32 = 1 << 15;
