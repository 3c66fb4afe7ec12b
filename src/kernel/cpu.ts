/**
 * The kernel's view of a processor. The kernel never sees instructions, translations or WebAssembly: it loads a register
 * state, lets the CPU run for so many instructions, and is told why it stopped.
 */
import type { AddressTranslation } from "../memory/translation.ts";

/** The user-visible registers. 64-bit values cross as pairs of int32 halves, or as numbers where they are addresses. */
export interface RegisterState {
  /** 64: long mode code; 32: compatibility or protected mode code. */
  readonly codeBits: 32 | 64;
  /** General registers in encoding order: rax rcx rdx rbx rsp rbp rsi rdi r8–r15. */
  gprLo(index: number): number;
  gprHi(index: number): number;
  setGpr(index: number, lo: number, hi: number): void;
  /** The whole register as an unsigned number (exact below 2^53). */
  gpr(index: number): number;
  /** Sets a register from a number; negative numbers are sign-extended to 64 bits (in 32-bit code the high half is 0). */
  setGprNumber(index: number, value: number): void;
  rip: number;
  /** The whole EFLAGS image, bit 1 set, IF set. Writing takes all bits that user mode may change, TF and AC included. */
  eflags: number;
  /** Selectors ES CS SS DS FS GS. */
  selector(segment: number): number;
  setSelector(segment: number, selector: number): void;
  fsBase: number;
  gsBase: number;
  /** Writes the 512-byte FXSAVE image (64-bit or 32-bit form) / reads it back. SDM volume 1, section 10.5. */
  fxsave(into: Uint8Array): void;
  fxrstor(from: Uint8Array): void;
  /** Upper halves of YMM0–15 (256 bytes), for XSAVE frames. */
  ymmHigh(into: Uint8Array): void;
  setYmmHigh(from: Uint8Array): void;
  /** Clears everything to the state after execve(2): registers 0, FCW 0x37f, MXCSR 0x1f80. */
  reset(codeBits: 32 | 64): void;
  /** A copy of the whole register block, and its inverse; used at task switches and signal tests. */
  save(): Uint8Array;
  restore(saved: Uint8Array): void;
}

export const ExitReason = {
  /** The instruction budget is used up; RIP is at the next instruction. */
  budget: 0,
  /** `syscall` (64-bit code); RIP is behind the instruction, RCX and R11 are set as the SDM says. */
  syscall: 1,
  /** `int 0x80`; RIP is behind the instruction. */
  int80: 2,
  /** `sysenter` (32-bit code). */
  sysenter: 3,
  /** A processor exception; `fault` has the details; RIP is at the faulting instruction (behind it for #BP, #OF, #DB of TF). */
  exception: 4,
  /** A trap site (src/kernel/traps.ts); RIP is at it, and it does not count as an instruction. */
  trap: 5,
} as const;
export type ExitReason = (typeof ExitReason)[keyof typeof ExitReason];

/** SDM volume 3, table 6-1. */
export const Vector = {
  divideError: 0,
  debug: 1,
  breakpoint: 3,
  overflow: 4,
  boundRange: 5,
  invalidOpcode: 6,
  deviceNotAvailable: 7,
  segmentNotPresent: 11,
  stackFault: 12,
  generalProtection: 13,
  pageFault: 14,
  x87FloatingPoint: 16,
  alignmentCheck: 17,
  simdFloatingPoint: 19,
} as const;

/** Details of the last exception; one object, overwritten by each. */
export interface CpuFault {
  vector: number;
  errorCode: number;
  /** #PF: the linear address (CR2), one of the kernel's half as a negative number. #DB: DR6, as far as it says why. Else 0. */
  address: number;
  /** For #UD of an instruction that folio does not know: its bytes and mnemonic, for the one line on stderr; else "". */
  unsupported: string;
}

export interface CpuRunner {
  readonly state: RegisterState;
  readonly fault: CpuFault;
  /** The number of the trap site that the last run ended at (`ExitReason.trap`). */
  readonly trap: number;
  /** Instructions executed since the machine started, exact (`rep` counts one an iteration). */
  readonly instructions: number;
  /**
   * Set by the kernel: the descriptor (SDM volume 3, figure 3-8; low and high half) that a selector names for the running task,
   * or undefined if there is none for user mode.
   */
  descriptor: ((selector: number) => readonly [lo: number, hi: number] | undefined) | undefined;
  /** Makes `space` the address space of the code that runs next. */
  activate(space: AddressTranslation): void;
  /** The next run executes the instruction at RIP even if it is a trap site. */
  passTrap(): void;
  /**
   * Runs until something needs the kernel, at most `budget` instructions; with `wholeBlocks` perhaps some less, so that it
   * ends, and goes on, where translated code has a seam.
   */
  run(budget: number, wholeBlocks?: boolean): ExitReason;
}
