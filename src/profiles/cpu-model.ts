/** CPU models: which instructions a machine's processor has, and what it tells programs about itself. Data only. */

/**
 * A feature by its name in /proc/cpuinfo. The list holds what user mode can see; features that only a kernel uses (vme,
 * mtrr…) are part of CPUID.1:EDX, which programs see as AT_HWCAP.
 */
export type CpuFeature =
  | "fpu"
  | "vme"
  | "de"
  | "pse"
  | "tsc"
  | "msr"
  | "pae"
  | "mce"
  | "cx8"
  | "apic"
  | "sep"
  | "mtrr"
  | "pge"
  | "mca"
  | "cmov"
  | "pat"
  | "pse36"
  | "clflush"
  | "mmx"
  | "fxsr"
  | "sse"
  | "sse2"
  | "ht"
  | "syscall"
  | "nx"
  | "lm"
  | "fsgsbase";

/** Bits of CPUID.01H:EDX (SDM volume 2, table 3-11). */
const LEAF1_EDX: Partial<Record<CpuFeature, number>> = {
  fpu: 0,
  vme: 1,
  de: 2,
  pse: 3,
  tsc: 4,
  msr: 5,
  pae: 6,
  mce: 7,
  cx8: 8,
  apic: 9,
  sep: 11,
  mtrr: 12,
  pge: 13,
  mca: 14,
  cmov: 15,
  pat: 16,
  pse36: 17,
  clflush: 19,
  mmx: 23,
  fxsr: 24,
  sse: 25,
  sse2: 26,
  ht: 28,
};

export interface CpuModel {
  /** Name of the model, as `--machine` data gives it. */
  readonly name: string;
  /** CPUID leaf 0: twelve characters. */
  readonly vendor: string;
  /** CPUID leaves 80000002H–4H: at most 47 characters. */
  readonly brand: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  readonly features: readonly CpuFeature[];
  /**
   * AT_MINSIGSTKSZ: the largest signal frame (arch/x86/kernel/signal.c init_sigframe_size). Linux 6.18 gives 1776 with an
   * XSAVE area of 836 bytes, so 1776 - (836 - 512), rounded up to 16, with FXSAVE alone.
   */
  readonly minSigStackSize: number;
}

const I686_FEATURES: readonly CpuFeature[] = [
  "fpu",
  "vme",
  "de",
  "pse",
  "tsc",
  "msr",
  "pae",
  "mce",
  "cx8",
  "apic",
  "sep",
  "mtrr",
  "pge",
  "mca",
  "cmov",
  "pat",
  "pse36",
  "clflush",
  "mmx",
  "fxsr",
  "sse",
  "sse2",
  "ht",
  "nx",
];

/** A 32-bit processor with SSE2, as Debian's i386 port and 2010's machines have it. */
export const i686: CpuModel = Object.freeze<CpuModel>({
  name: "i686",
  vendor: "GenuineIntel",
  brand: "folio i686 with SSE2",
  family: 6,
  model: 13,
  stepping: 8,
  features: I686_FEATURES,
  minSigStackSize: 1456,
});

/** The baseline of the x86-64 psABI, with FSGSBASE, which kernels since 5.9 announce in AT_HWCAP2. */
export const x86_64: CpuModel = Object.freeze<CpuModel>({
  name: "x86-64",
  vendor: "GenuineIntel",
  brand: "folio x86-64 baseline",
  family: 6,
  model: 15,
  stepping: 11,
  features: [...I686_FEATURES, "syscall", "lm", "fsgsbase"],
  minSigStackSize: 1456,
});

/** CPUID.01H:EDX, which the kernel hands to programs as AT_HWCAP. */
export function cpuidLeaf1Edx(model: CpuModel): number {
  let bits = 0;
  for (const feature of model.features) {
    const bit = LEAF1_EDX[feature];
    if (bit !== undefined) bits |= 1 << bit;
  }
  return bits >>> 0;
}

/** AT_HWCAP2 (arch/x86/include/uapi/asm/hwcap2.h): bit 1 FSGSBASE. */
export function hwcap2(model: CpuModel): number {
  return model.features.includes("fsgsbase") ? 2 : 0;
}
