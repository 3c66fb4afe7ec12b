/** Linux 2.6.38, i386 (the `quadamd` of the slides); the base of 2.6.32 too. */
import type { KernelGeneration, TaskLayout } from "../kernel-generation.ts";

const MIB = 1024 * 1024;

/** arch/x86/mm/mmap.c: the stack's randomisation is kept in 32 bits, so only 20 bits of it survive. */
const amd64: TaskLayout = {
  taskSize: 0x7fff_ffff_f000,
  taskUnmappedBase: 0x2aaa_aaaa_b000,
  stackRandomPages: 0x10_0000,
  mmapRandomPages: { min: 0, max: 0xfff_ffff },
  mmapMinGap: { fixed: 128 * MIB, random: 128 * MIB + 0xffff_f000 },
  mmapGapPad: { fixed: 0, random: 0 },
  etDynBase: 0,
  brkRandomBytes: 0x200_0000,
  legacyRandom: true,
  vdsoPlace: "above-stack",
};

/** Native tasks draw a signed remainder: up to 255 pages either way. */
const i386: TaskLayout = {
  taskSize: 0xc000_0000,
  taskUnmappedBase: 0x4000_0000,
  stackRandomPages: 0x800,
  mmapRandomPages: { min: -255, max: 255 },
  mmapMinGap: { fixed: 128 * MIB, random: 128 * MIB + 0x7f_f000 },
  mmapGapPad: { fixed: 0, random: 0 },
  etDynBase: 0,
  brkRandomBytes: 0x200_0000,
  legacyRandom: false,
  vdsoPlace: "mmap",
};

const compat: TaskLayout = {
  ...i386,
  taskSize: 0xffff_e000,
  taskUnmappedBase: 0x5555_5000,
  mmapRandomPages: { min: 0, max: 255 },
};

export const linux2638 = Object.freeze<KernelGeneration>({
  name: "linux-2.6.38",
  kernelBits: 32,
  nativeNx: false,
  layouts: { amd64, i386, compat },
  stack: {
    initialExtension: 128 * 1024,
    hiddenGuardPage: true,
    guardGap: 0,
    checksStackPointer: true,
    unlimitedMeansLegacy: true,
    argCap: "stack-quarter",
    insertsEmptyArgv0: false,
  },
  placement: "free-area-cache",
  alignsHugeAnonymous: false,
  alignsHugeFiles: false,
  hugeAlignKeepsTop: false,
  mmapMinAddr: 65536,
  newMappingMerges: "prev-first",
  forkedAnonVmaBlocksMerge: false,
  mapStackSetsNoHugePage: false,
  brkMergesBelowStart: true,
  munmapChecksEverySplit: false,
  mmap: {
    fixedNoReplace: false,
    sharedValidate: false,
    refusesSharedGrowsDown: false,
    checksFileRange: false,
    failedFixedKeepsOld: false,
    droppable: false,
  },
  madvise: {
    kinds: [0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 15, 100],
    willNeedAnonymous: "ebadf",
  },
  mremap: { duplicatesPrivate: true, dontUnmap: false, movesSeveralVmas: false },
  mlockProtNoneFails: false,
  membarrierCommands: 0,
  mprotectUpgradesPtes: false,
  mprotectDropsAccount: false,
  limits: { memlock: 65536, data: "brk", maxMapCount: 65530 },
  overcommitHeuristic: "free-pages",
  faultAroundPages: 1,
  rssBatch: 64,
  zeroPageInSmapsRss: false,
  smapsDirtyFromPage: true,
  vmAccounting: "file",
  vmPteCounts: "leaf",
  hasRssShmem: false,
  heapLabel: "covers",
  vdso: { pages: 1, below: [], legacyVsyscall: "r-xp" },
  readImpliesExec: "absent-or-executable",
  execNoReplace: false,
  brkGapAfterBss: false,
  auxv: { minsigstksz: false, hwcap2: false, rseq: false, phdrBySegment: false },
  procfs: {
    smaps: [
      "Size",
      "Rss",
      "Pss",
      "Shared_Clean",
      "Shared_Dirty",
      "Private_Clean",
      "Private_Dirty",
      "Referenced",
      "Anonymous",
      "Swap",
      "KernelPageSize",
      "MMUPageSize",
      "Locked",
    ],
    thpEligibleWidth: 0,
    smapsVmFlags: false,
    statFields: 44,
  },
});
