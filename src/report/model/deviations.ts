/**
 * Where folio's processor is known to differ from the one its results are recorded on (AMD family 19h, under KVM): what, why, how far,
 * and how it was measured. Everything else that a program can see is meant to be the same; docs/instructions.md shows the list.
 */
export interface Deviation {
  /** Mnemonics of the instructions; none if it is about addresses or code in general. */
  readonly instructions: readonly string[];
  readonly what: string;
  readonly cause: string;
  readonly bound: string;
  readonly measured: string;
}

const hunt = (options: string) => `\`node fixtures/native/cpu/hunt.mjs ${options}\``;

export const DEVIATIONS: readonly Deviation[] = [
  {
    instructions: ["f2xm1", "fyl2x", "fyl2xp1", "fptan", "fpatan", "fsin", "fcos", "fsincos"],
    what: "The last bit of the 64-bit significand, and C1, which says whether it was rounded up.",
    cause:
      "The processor's results are not correctly rounded, and its polynomials are not published; folio rounds correctly.",
    bound:
      "One unit in the last place. 2134 of 240,000 cases: F2XM1 1.1 %, FYL2X 1.0 %, FYL2XP1 1.3 %, FPTAN 0.7 %, FPATAN 1.4 %, " +
      "FSIN 0.7 %, FCOS 0.8 %, FSINCOS 0.1 %.",
    measured: hunt("--only '^(f2xm1|fyl2x|fyl2xp1|fptan|fpatan|fcos|fsin|fsincos)$' --count 30000 --bits 64 --seed 31"),
  },
  {
    instructions: [],
    what: "Segment limits are not checked in 32-bit code, and a null selector in DS or ES does not make accesses through it fault.",
    cause:
      "A check at every access for what no flat program does. Bases count for FS and GS; other bases are refused when loaded.",
    bound: "Programs that set a limit with modify_ldt or set_thread_area, or load 0 into DS or ES, and rely on #GP.",
    measured: "By design; test/kernel/faults.test.ts holds what loads, LSL, LAR, VERR and VERW see of descriptors.",
  },
  {
    instructions: ["popa", "enter"],
    what: "What is done when a later access of the instruction faults: folio does nothing, the processor keeps what came before.",
    cause:
      "Law 2 of docs/architecture.md. How far it gets is the processor's own matter; executed again it comes to the same.",
    bound:
      "Registers that POPA loads, and stack below RSP that ENTER writes, as a signal handler sees them at a fault.",
    measured: `${hunt("--only '^(popa|enter)$'")}; cases that fault compare the vector only`,
  },
  {
    instructions: ["vmovups", "vmovupd", "vmovdqu"],
    what: "With EFLAGS.AC set, a misaligned store of 32 bytes to a page that it may not write raises #AC; the processor may raise #PF.",
    cause: "Which of two faults of one access comes first is the processor's own matter.",
    bound: "1 of 43,547 cases of AVX instructions with AC set.",
    measured: hunt("--eflags 262144 --count 100 --bits 32 --feature '^avx' --seed 77"),
  },
  {
    instructions: [],
    what: "When a 256-bit operation ends in #XM because of one half, MXCSR may lack flags of the other, or have its PE, UE and OE too.",
    cause: "folio computes the halves one after the other; the processor knows what both raise before it sets a flag.",
    bound:
      "Bits 0 to 5 of MXCSR as a SIGFPE handler sees them, with an exception unmasked: 13 of 3,300 cases of ten instructions.",
    measured:
      "The comparison of the differential test (test/support/cpu-compare.ts) leaves out these bits in this case, and nothing else.",
  },
  {
    instructions: ["int1"],
    what: "#DB leaves RIP behind INT1; on the recording machine it is at INT1.",
    cause: "A hypervisor's doing: without one the processor does as folio does (SDM volume 2, INT1).",
    bound: "RIP in a SIGTRAP handler.",
    measured: "A program that executes F1 and prints RIP of the signal frame.",
  },
  {
    instructions: ["sysenter", "syscall"],
    what: "In 32-bit code SYSENTER calls the kernel as INT 80H does, on every model, and SYSCALL raises #UD.",
    cause:
      "That is what Intel's processors have. On AMD's, under a 64-bit kernel, SYSENTER raises #UD and SYSCALL is the vDSO's.",
    bound: "32-bit programs that execute either outside the vDSO; folio's vDSO uses INT 80H.",
    measured: "A program that executes both and prints the signals.",
  },
  {
    instructions: ["xsave", "xsave64", "xsaveopt", "xsaveopt64", "xsavec", "xsavec64"],
    what: "XSTATE_BV has no bit for a component whose registers all hold their initial values.",
    cause:
      "XINUSE is the processor's own matter (SDM volume 1, section 13.6); AMD's may keep it set until XRSTOR or VZEROUPPER.",
    bound: "Bits 0 to 2 of XSTATE_BV; XRSTOR gives the same registers.",
    measured: "fixtures/native/cpu/xsave.c, which prints XSTATE_BV apart; test/isa/lift/xsave.test.ts",
  },
];
