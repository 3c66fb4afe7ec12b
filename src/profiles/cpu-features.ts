// One row a feature, hence long.
/**
 * The features of CPU models: where CPUID shows them and how /proc/cpuinfo calls them, in the kernel's order
 * (arch/x86/include/asm/cpufeatures.h, by words). SDM volume 2, "CPUID"; AMD64 APM volume 3, appendix E.
 */

export type CpuRegister = "ebx" | "ecx" | "edx" | "eax";

interface FeatureRow {
  readonly leaf: number;
  readonly register: CpuRegister;
  readonly bit: number;
  /** Name in /proc/cpuinfo if it is not the key. */
  readonly flag?: string;
}

const edx1 = (bit: number): FeatureRow => ({ leaf: 1, register: "edx", bit });
const ecx1 = (bit: number, flag?: string): FeatureRow => ({
  leaf: 1,
  register: "ecx",
  bit,
  ...(flag === undefined ? {} : { flag }),
});
const extended = (register: "ecx" | "edx", bit: number, flag?: string): FeatureRow => ({
  leaf: 0x8000_0001,
  register,
  bit,
  ...(flag === undefined ? {} : { flag }),
});
const leaf7 = (register: CpuRegister, bit: number, flag?: string): FeatureRow => ({
  leaf: 7,
  register,
  bit,
  ...(flag === undefined ? {} : { flag }),
});

/** Keys are the names that the opcode tables use where they gate an instruction (src/isa/instruction.ts, `Feature`). */
export const CPU_FEATURES = {
  fpu: edx1(0),
  vme: edx1(1),
  de: edx1(2),
  pse: edx1(3),
  tsc: edx1(4),
  msr: edx1(5),
  pae: edx1(6),
  mce: edx1(7),
  cx8: edx1(8),
  apic: edx1(9),
  sep: edx1(11),
  mtrr: edx1(12),
  pge: edx1(13),
  mca: edx1(14),
  cmov: edx1(15),
  pat: edx1(16),
  pse36: edx1(17),
  clflush: edx1(19),
  mmx: edx1(23),
  fxsr: edx1(24),
  sse: edx1(25),
  sse2: edx1(26),
  ht: edx1(28),
  syscall: extended("edx", 11),
  nx: extended("edx", 20),
  rdtscp: extended("edx", 27),
  lm: extended("edx", 29),
  sse3: ecx1(0, "pni"),
  pclmulqdq: ecx1(1),
  ssse3: ecx1(9),
  fma: ecx1(12),
  cx16: ecx1(13),
  sse4_1: ecx1(19),
  sse4_2: ecx1(20),
  movbe: ecx1(22),
  popcnt: ecx1(23),
  aes: ecx1(25),
  xsave: ecx1(26),
  avx: ecx1(28),
  f16c: ecx1(29),
  rdrand: ecx1(30),
  lahf_lm: extended("ecx", 0),
  lzcnt: extended("ecx", 5, "abm"),
  prefetchw: extended("ecx", 8, "3dnowprefetch"),
  topoext: extended("ecx", 22),
  fsgsbase: leaf7("ebx", 0),
  bmi1: leaf7("ebx", 3),
  avx2: leaf7("ebx", 5),
  bmi2: leaf7("ebx", 8),
  erms: leaf7("ebx", 9),
  rdseed: leaf7("ebx", 18),
  adx: leaf7("ebx", 19),
  clflushopt: leaf7("ebx", 23),
  clwb: leaf7("ebx", 24),
  sha: leaf7("ebx", 29, "sha_ni"),
  xsaveopt: { leaf: 0xd, register: "eax", bit: 0 },
  xsavec: { leaf: 0xd, register: "eax", bit: 1 },
  xgetbv1: { leaf: 0xd, register: "eax", bit: 2 },
  rdpid: leaf7("ecx", 22),
  fsrm: leaf7("edx", 4),
} as const satisfies Record<string, FeatureRow>;

export type CpuFeature = keyof typeof CPU_FEATURES;

const ROWS: readonly (readonly [CpuFeature, FeatureRow])[] = Object.entries(CPU_FEATURES) as [CpuFeature, FeatureRow][];

/** The bits of a CPUID register that these features set (int32). */
export function featureBits(features: readonly CpuFeature[], leaf: number, register: CpuRegister): number {
  let bits = 0;
  for (const [name, row] of ROWS) {
    if (row.leaf === leaf && row.register === register && features.includes(name)) bits |= 1 << row.bit;
  }
  return bits;
}

/** The words of /proc/cpuinfo's line `flags`. */
export function cpuinfoFlags(features: readonly CpuFeature[]): readonly string[] {
  return ROWS.filter(([name]) => features.includes(name)).map(([name, { flag }]) => flag ?? name);
}
