/** CPUID of a CPU model (SDM volume 2, table 3-8). Leaves that programs look at; others are zero. */
import type { CpuIdentity } from "../exec/host-calls.ts";
import type { HostRandom } from "../host/host.ts";
import { type CpuModel, cpuidLeaf1Edx } from "../profiles/cpu-model.ts";

type Leaf = readonly [eax: number, ebx: number, ecx: number, edx: number];

const NOTHING: Leaf = [0, 0, 0, 0];
const LAST_BASIC_LEAF = 7;
const LAST_EXTENDED_LEAF = 0x80000008;

/** Four characters, first one in the low byte. */
function pack(text: string, at: number): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word |= (text.charCodeAt(at + i) || 0) << (8 * i);
  return word;
}

/** Leaf 4: data, instruction, second- and third-level cache; 64-byte lines. Types: 1 data, 2 instruction, 3 unified. */
const CACHES: readonly { type: number; level: number; ways: number; sets: number }[] = [
  { type: 1, level: 1, ways: 8, sets: 64 },
  { type: 2, level: 1, ways: 8, sets: 64 },
  { type: 3, level: 2, ways: 8, sets: 512 },
  { type: 3, level: 3, ways: 16, sets: 8192 },
];

function cacheLeaf(subleaf: number): Leaf {
  const cache = CACHES[subleaf];
  if (cache === undefined) return NOTHING;
  const lineSize = 64;
  return [cache.type | (cache.level << 5) | (1 << 8), ((cache.ways - 1) << 22) | (lineSize - 1), cache.sets - 1, 0];
}

/** Leaf 1 EAX: extended family and model take over where the four bits end. */
function signature({ family, model, stepping }: CpuModel): number {
  const extendedFamily = Math.max(0, family - 15);
  return stepping | ((model & 15) << 4) | (Math.min(family, 15) << 8) | ((model >> 4) << 16) | (extendedFamily << 20);
}

/** CPUID.80000001H:EDX. */
function extendedEdx(model: CpuModel): number {
  const has = (feature: CpuModel["features"][number], bit: number): number =>
    model.features.includes(feature) ? 1 << bit : 0;
  return has("syscall", 11) | has("nx", 20) | has("lm", 29);
}

function cpuid(model: CpuModel, leaf: number, subleaf: number): Leaf {
  switch (leaf) {
    case 0:
      return [LAST_BASIC_LEAF, pack(model.vendor, 0), pack(model.vendor, 8), pack(model.vendor, 4)];
    case 1: {
      const clflushLine = 8;
      const logicalProcessors = 1;
      return [signature(model), (clflushLine << 8) | (logicalProcessors << 16), 0, cpuidLeaf1Edx(model) | 0];
    }
    case 2:
      // One round; descriptor FFH: ask leaf 4.
      return [0x0000ff01, 0, 0, 0];
    case 4:
      return cacheLeaf(subleaf);
    case 7:
      return subleaf === 0 ? [0, model.features.includes("fsgsbase") ? 1 : 0, 0, 0] : NOTHING;
    case 0x80000000:
      return [LAST_EXTENDED_LEAF | 0, 0, 0, 0];
    case 0x80000001:
      return [0, 0, 0, extendedEdx(model)];
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: {
      const at = (leaf - 0x80000002) * 16;
      return [pack(model.brand, at), pack(model.brand, at + 4), pack(model.brand, at + 8), pack(model.brand, at + 12)];
    }
    case 0x80000008:
      // 36 physical, 48 linear address bits.
      return [0x3024, 0, 0, 0];
    default:
      return NOTHING;
  }
}

/** What the processor of this model is and says. */
export function cpuIdentity(model: CpuModel, random: HostRandom): CpuIdentity {
  const word = new Uint8Array(4);
  return {
    features: [...model.features, ...(model.features.includes("lm") ? ["x64"] : [])],
    cpuid: (leaf, subleaf) => cpuid(model, leaf, subleaf),
    xcr0: undefined,
    random() {
      random.fill(word);
      return word[0] | (word[1] << 8) | (word[2] << 16) | (word[3] << 24);
    },
  };
}
