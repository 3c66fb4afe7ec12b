/** CPUID leaves of a CPU model. SDM volume 2, "CPUID"; AMD64 APM volume 3, appendix E, for AMD's and the extended leaves. */
import { featureBits } from "./cpu-features.ts";
import { type CpuCache, type CpuModel, cpuidLeaf1Edx, xsaveState } from "./cpu-model.ts";

type Leaf = readonly [eax: number, ebx: number, ecx: number, edx: number];

const NOTHING: Leaf = [0, 0, 0, 0];
const LAST_BASIC_LEAF = 0xd;
const LAST_BASIC_LEAF_WITHOUT_XSAVE = 7;
const LAST_EXTENDED_LEAF = 0x8000_0008;
const LAST_EXTENDED_LEAF_AMD = 0x8000_001d;
const LINE_SIZE = 64;
const OSXSAVE = 1 << 27;

/** Four characters, the first one in the low byte. */
function pack(text: string, at: number): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word |= (text.charCodeAt(at + i) || 0) << (8 * i);
  return word;
}

/** EAX of leaf 1: extended family and model take over where the four bits end. */
function signature({ family, model, stepping }: CpuModel): number {
  const extendedFamily = Math.max(0, family - 15);
  return stepping | ((model & 15) << 4) | (Math.min(family, 15) << 8) | ((model >> 4) << 16) | (extendedFamily << 20);
}

const CACHE_TYPES = { data: 1, instruction: 2, unified: 3 } as const;

/** Leaves 4 (Intel) and 8000001DH (AMD). */
function cacheLeaf({ caches }: CpuModel, subleaf: number): Leaf {
  const cache = caches[subleaf];
  if (cache === undefined) return NOTHING;
  const { type, level, ways, sets } = cache;
  return [CACHE_TYPES[type] | (level << 5) | (1 << 8), ((ways - 1) << 22) | (LINE_SIZE - 1), sets - 1, 0];
}

function kibibytes({ ways, sets }: CpuCache): number {
  return (ways * sets * LINE_SIZE) / 1024;
}

/** Associativity as leaf 80000006H codes it. */
const WAYS_CODES: Readonly<Record<number, number>> = { 1: 1, 2: 2, 4: 4, 8: 6, 16: 8, 32: 10 };

/** Leaf 80000005H: first-level caches; EAX and EBX would tell of TLBs. */
function firstLevelLeaf({ caches }: CpuModel): Leaf {
  const word = (type: CpuCache["type"]): number => {
    const cache = caches.find((one) => one.level === 1 && one.type === type);
    return cache === undefined ? 0 : (kibibytes(cache) << 24) | (cache.ways << 16) | (1 << 8) | LINE_SIZE;
  };
  return [0, 0, word("data"), word("instruction")];
}

/** Leaf 80000006H: second- and third-level cache, the third in units of 512 KiB. */
function upperLevelLeaf({ caches }: CpuModel): Leaf {
  const word = (level: 2 | 3): number => {
    const cache = caches.find((one) => one.level === level);
    if (cache === undefined) return 0;
    const size = level === 2 ? kibibytes(cache) << 16 : (kibibytes(cache) / 512) << 18;
    return size | ((WAYS_CODES[cache.ways] ?? 0) << 12) | (1 << 8) | LINE_SIZE;
  };
  return [0, 0, word(2), word(3)];
}

function xsaveLeaf(model: CpuModel, subleaf: number): Leaf {
  const state = xsaveState(model);
  if (state === undefined) return NOTHING;
  const { features, size } = state;
  if (subleaf === 0) return [features, size, size, 0];
  if (subleaf === 1) return [featureBits(model.features, 0xd, "eax"), size, 0, 0];
  return subleaf === 2 && features & 4 ? [256, 576, 0, 0] : NOTHING;
}

/** What CPUID returns for (leaf, subleaf), as int32 values. Leaves that do not exist give zeros. */
export function cpuid(model: CpuModel, leaf: number, subleaf: number): Leaf {
  const { features, vendor, brand } = model;
  const amd = vendor === "AuthenticAMD";
  const bits = (register: "eax" | "ebx" | "ecx" | "edx") => featureBits(features, leaf, register);
  const name: Leaf = [0, pack(vendor, 0), pack(vendor, 8), pack(vendor, 4)];
  switch (leaf) {
    case 0: {
      const last = features.includes("xsave") ? LAST_BASIC_LEAF : LAST_BASIC_LEAF_WITHOUT_XSAVE;
      return [last, name[1], name[2], name[3]];
    }
    case 1: {
      const logicalProcessors = 1;
      const ebx = ((LINE_SIZE / 8) << 8) | (logicalProcessors << 16);
      return [
        signature(model),
        ebx,
        bits("ecx") | (features.includes("xsave") ? OSXSAVE : 0),
        cpuidLeaf1Edx(model) | 0,
      ];
    }
    case 2:
      // One round; descriptor FFH: ask leaf 4.
      return amd ? NOTHING : [0x0000_ff01, 0, 0, 0];
    case 4:
      return amd ? NOTHING : cacheLeaf(model, subleaf);
    case 7:
      return subleaf === 0 ? [0, bits("ebx"), bits("ecx"), bits("edx")] : NOTHING;
    case 0xd:
      return xsaveLeaf(model, subleaf);
    case 0x8000_0000:
      return amd ? [LAST_EXTENDED_LEAF_AMD | 0, name[1], name[2], name[3]] : [LAST_EXTENDED_LEAF | 0, 0, 0, 0];
    case 0x8000_0001: {
      // AMD repeats what leaf 1 says of the old features.
      const repeated = amd ? cpuidLeaf1Edx(model) & 0x0183_f3ff : 0;
      return [amd ? signature(model) : 0, 0, bits("ecx"), bits("edx") | repeated];
    }
    case 0x8000_0002:
    case 0x8000_0003:
    case 0x8000_0004: {
      const at = (leaf - 0x8000_0002) * 16;
      return [pack(brand, at), pack(brand, at + 4), pack(brand, at + 8), pack(brand, at + 12)];
    }
    case 0x8000_0005:
      return amd ? firstLevelLeaf(model) : NOTHING;
    case 0x8000_0006:
      return upperLevelLeaf(model);
    case 0x8000_0008:
      // 36 physical, 48 linear address bits.
      return [0x3024, 0, 0, 0];
    case 0x8000_001d:
      return amd ? cacheLeaf(model, subleaf) : NOTHING;
    default:
      return NOTHING;
  }
}
