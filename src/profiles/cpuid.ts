/** CPUID leaves of a CPU model. SDM volume 2, "CPUID"; AMD64 APM volume 3, appendix E, for the extended leaves. */
import { type CpuModel, cpuidLeaf1Edx } from "./cpu-model.ts";

type Regs = readonly [eax: number, ebx: number, ecx: number, edx: number];

const ZERO: Regs = [0, 0, 0, 0];
const MAX_LEAF = 0xd;
const MAX_EXTENDED_LEAF = 0x8000_0008;

const LEAF1_ECX: Record<string, number> = {
  sse3: 0,
  pclmulqdq: 1,
  ssse3: 9,
  fma: 12,
  cx16: 13,
  sse4_1: 19,
  sse4_2: 20,
  movbe: 22,
  popcnt: 23,
  aes: 25,
  xsave: 26,
  osxsave: 27,
  avx: 28,
  f16c: 29,
  rdrand: 30,
};
const LEAF7_EBX: Record<string, number> = {
  fsgsbase: 0,
  bmi1: 3,
  avx2: 5,
  bmi2: 8,
  erms: 9,
  rdseed: 18,
  adx: 19,
  clflushopt: 23,
  clwb: 24,
  sha: 29,
};
const LEAF81_ECX: Record<string, number> = { lahf_lm: 0, lzcnt: 5, prefetchw: 8 };
const LEAF81_EDX: Record<string, number> = { syscall: 11, nx: 20, rdtscp: 27, lm: 29 };

/** XSAVE state components: x87 and SSE always, AVX if the model has it. */
export function xcr0Of(model: CpuModel): number | undefined {
  const features: readonly string[] = model.features;
  if (!features.includes("xsave")) return undefined;
  return features.includes("avx") ? 7 : 3;
}

function bits(model: CpuModel, table: Record<string, number>): number {
  let value = 0;
  for (const feature of model.features as readonly string[]) {
    const bit = table[feature];
    if (bit !== undefined) value |= 1 << bit;
  }
  return value;
}

function text(chars: string, at: number): number {
  let value = 0;
  for (let i = 3; i >= 0; i--) value = (value << 8) | (at + i < chars.length ? chars.charCodeAt(at + i) : 0);
  return value;
}

/** EAX of leaf 1: family, model, stepping. */
function signature({ family, model, stepping }: CpuModel): number {
  const base = Math.min(family, 15);
  return stepping | ((model & 15) << 4) | (base << 8) | ((model >> 4) << 16) | ((family >= 15 ? family - 15 : 0) << 20);
}

/** Deterministic cache parameters: [type, level, ways, sets] with 64-byte lines. */
const CACHES = [
  [1, 1, 8, 64],
  [2, 1, 8, 64],
  [3, 2, 8, 1024],
  [3, 3, 16, 8192],
] as const;

function cacheLeaf(subleaf: number): Regs {
  const cache = CACHES[subleaf];
  if (cache === undefined) return ZERO;
  const [type, level, ways, sets] = cache;
  return [type | (level << 5) | (1 << 8), ((ways - 1) << 22) | 63, sets - 1, 0];
}

function xsaveLeaf(model: CpuModel, subleaf: number): Regs {
  const xcr0 = xcr0Of(model);
  if (xcr0 === undefined) return ZERO;
  const size = xcr0 & 4 ? 832 : 576;
  if (subleaf === 0) return [xcr0, size, size, 0];
  if (subleaf === 2 && xcr0 & 4) return [256, 576, 0, 0];
  return ZERO;
}

/** What CPUID returns for (leaf, subleaf), as int32 values. Leaves above the maximum give zeros. */
export function cpuid(model: CpuModel, leaf: number, subleaf: number): Regs {
  switch (leaf) {
    case 0:
      return [MAX_LEAF, text(model.vendor, 0), text(model.vendor, 8), text(model.vendor, 4)];
    case 1: {
      const xsave = (model.features as readonly string[]).includes("xsave") ? 1 << 27 : 0;
      return [signature(model), (1 << 16) | (8 << 8), bits(model, LEAF1_ECX) | xsave, cpuidLeaf1Edx(model) | 0];
    }
    case 2:
      return [0x00ff_ff01 | 0, 0, 0, 0];
    case 4:
      return cacheLeaf(subleaf);
    case 7:
      return subleaf === 0 ? [0, bits(model, LEAF7_EBX), 0, 0] : ZERO;
    case 0xd:
      return xsaveLeaf(model, subleaf);
    case 0x8000_0000:
      return [MAX_EXTENDED_LEAF | 0, text(model.vendor, 0), text(model.vendor, 8), text(model.vendor, 4)];
    case 0x8000_0001:
      return [signature(model), 0, bits(model, LEAF81_ECX), bits(model, LEAF81_EDX)];
    case 0x8000_0002:
    case 0x8000_0003:
    case 0x8000_0004: {
      const at = 16 * (leaf - 0x8000_0002);
      return [text(model.brand, at), text(model.brand, at + 4), text(model.brand, at + 8), text(model.brand, at + 12)];
    }
    case 0x8000_0008:
      return [0x3030, 0, 0, 0];
    default:
      return ZERO;
  }
}
