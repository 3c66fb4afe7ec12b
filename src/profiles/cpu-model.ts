/** CPU models: which instructions a machine's processor has, and what it tells programs about itself. Data only. */
import { type CpuFeature, featureBits } from "./cpu-features.ts";

export type { CpuFeature } from "./cpu-features.ts";

/** A level of cache (CPUID.4). */
export interface CpuCache {
  readonly type: "data" | "instruction" | "unified";
  readonly level: 1 | 2 | 3;
  readonly ways: number;
  readonly sets: number;
}

export interface CpuModel {
  /** Name of the model, as `--cpu` takes it. */
  readonly name: string;
  /** CPUID leaf 0: twelve characters. */
  readonly vendor: "GenuineIntel" | "AuthenticAMD";
  /** CPUID leaves 80000002H–4H: at most 47 characters. */
  readonly brand: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  readonly features: readonly CpuFeature[];
  /** Lines have 64 bytes. */
  readonly caches: readonly CpuCache[];
}

const CACHES: readonly CpuCache[] = [
  { type: "data", level: 1, ways: 8, sets: 64 },
  { type: "instruction", level: 1, ways: 8, sets: 64 },
  { type: "unified", level: 2, ways: 8, sets: 1024 },
  { type: "unified", level: 3, ways: 16, sets: 8192 },
];

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
  caches: CACHES,
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
  caches: CACHES,
});

/** The psABI's x86-64-v2: the processors of 2009. */
export const x86_64_v2: CpuModel = Object.freeze<CpuModel>({
  name: "x86-64-v2",
  vendor: "GenuineIntel",
  brand: "folio x86-64-v2",
  family: 6,
  model: 26,
  stepping: 5,
  features: [...x86_64.features, "cx16", "lahf_lm", "popcnt", "sse3", "ssse3", "sse4_1", "sse4_2", "rdtscp"],
  caches: CACHES,
});

/**
 * The psABI's x86-64-v3, and what the processor has that folio's results are recorded on (AMD family 19h): what the SDM leaves
 * undefined comes out as there. AVX-512 and the 256-bit forms of AES and PCLMULQDQ are not offered.
 */
export const x86_64_v3: CpuModel = Object.freeze<CpuModel>({
  name: "x86-64-v3",
  vendor: "AuthenticAMD",
  brand: "folio x86-64-v3",
  family: 25,
  model: 1,
  stepping: 1,
  features: [
    ...x86_64_v2.features,
    "avx",
    "avx2",
    "bmi1",
    "bmi2",
    "f16c",
    "fma",
    "lzcnt",
    "movbe",
    "xsave",
    "xsaveopt",
    "xsavec",
    "xgetbv1",
    "aes",
    "pclmulqdq",
    "sha",
    "adx",
    "rdrand",
    "rdseed",
    "rdpid",
    "clflushopt",
    "clwb",
    "prefetchw",
    "topoext",
    "erms",
    "fsrm",
  ],
  caches: CACHES,
});

/** The models that `--cpu` knows. */
export const CPU_MODELS: readonly CpuModel[] = [i686, x86_64, x86_64_v2, x86_64_v3];

/** CPUID.01H:EDX, which the kernel hands to programs as AT_HWCAP. */
export function cpuidLeaf1Edx(model: CpuModel): number {
  return featureBits(model.features, 1, "edx") >>> 0;
}

/** AT_HWCAP2 (arch/x86/include/uapi/asm/hwcap2.h): bit 1 FSGSBASE. */
export function hwcap2(model: CpuModel): number {
  return model.features.includes("fsgsbase") ? 2 : 0;
}

const XSAVE_AREA = 576;
const XSAVE_AREA_AVX = 832;

/** XCR0 and the size of the XSAVE area it gives (SDM volume 1, sections 13.3 and 13.4); undefined without XSAVE. */
export function xsaveState(model: CpuModel): { readonly features: number; readonly size: number } | undefined {
  if (!model.features.includes("xsave")) return undefined;
  return model.features.includes("avx") ? { features: 7, size: XSAVE_AREA_AVX } : { features: 3, size: XSAVE_AREA };
}

const FXSAVE_AREA = 512;
const MAGIC2 = 4;
/** The rest of the largest frame, as Linux 6.18 counts it: it gives 1776 with an area of 832 bytes. */
const FRAME_WITHOUT_STATE = 940;

/** AT_MINSIGSTKSZ: the largest signal frame (arch/x86/kernel/signal.c, init_sigframe_size()). */
export function minSigStackSize(model: CpuModel): number {
  const xsave = xsaveState(model);
  const state = xsave === undefined ? FXSAVE_AREA : xsave.size + MAGIC2;
  return Math.ceil((FRAME_WITHOUT_STATE + state) / 16) * 16;
}
