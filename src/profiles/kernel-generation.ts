/**
 * What differs between the kernels that folio can be: pure data, read by mm, the loader, the kernel and procfs. Nobody
 * asks for a version number; a new kernel is one more overlay in `generations/`. Formulas: facts of mm/mmap.c,
 * arch/x86/mm/mmap.c, fs/binfmt_elf.c and fs/exec.c of the kernel named by the overlay.
 */
import type { Abi } from "../abi/abi.ts";

/** Parameters of the address-space layout for one kind of task. All in bytes or pages (4096), as said. */
export interface TaskLayout {
  /** TASK_SIZE, and STACK_TOP where the stack ends without randomisation. */
  readonly taskSize: number;
  /** TASK_SIZE_MAX for hints and MAP_FIXED where that is more than the default window; else as `taskSize`. */
  readonly taskUnmappedBase: number;
  /** The stack top is moved down by 0 … n-1 pages. */
  readonly stackRandomPages: number;
  /** mmap_base is moved down by min … max pages. */
  readonly mmapRandomPages: { readonly min: number; readonly max: number };
  /** The least distance of mmap_base from the stack top with randomisation off and on. */
  readonly mmapMinGap: { readonly fixed: number; readonly random: number };
  /** Added to RLIMIT_STACK for the gap: stack randomisation (when on) and guard gap. */
  readonly mmapGapPad: { readonly fixed: number; readonly random: number };
  /** Start of a position-independent executable with an interpreter; 0: an ordinary mmap slot, sized by its first segment. */
  readonly etDynBase: number;
  /** start_brk moves up by 0 … n-1 bytes, then to a page. */
  readonly brkRandomBytes: number;
  /** Whether legacy (bottom-up) layout adds the mmap randomisation. */
  readonly legacyRandom: boolean;
  /** Where [vdso] and vvar go. */
  readonly vdsoPlace: "above-stack" | "mmap";
}

export interface KernelGeneration {
  /** Name of the overlay, e.g. `linux-6.18`. */
  readonly name: string;
  /** Word size of the kernel: i386 tasks are native on 32, compatibility tasks on 64. */
  readonly kernelBits: 32 | 64;
  /** Whether page tables have execute-disable bits for native i386 tasks (PAE kernels); 64-bit kernels always do. */
  readonly nativeNx: boolean;
  readonly layouts: { readonly amd64: TaskLayout; readonly i386: TaskLayout; readonly compat: TaskLayout };

  readonly stack: {
    /** setup_arg_pages extends the stack downwards by so much behind the arguments. */
    readonly initialExtension: number;
    /** One more page at the bottom of the VMA, hidden from /proc/PID/maps (2.6.32.17 to 4.11). */
    readonly hiddenGuardPage: boolean;
    /** stack_guard_gap: the distance a growing VMA keeps from what is below, and mmap from a growing VMA. */
    readonly guardGap: number;
    /** User accesses below the stack must lie within 65536 + 32 words of sp. */
    readonly checksStackPointer: boolean;
    /** Legacy bottom-up layout if RLIMIT_STACK is infinity. */
    readonly unlimitedMeansLegacy: boolean;
    /** Cap of argument and environment strings: max(128 KiB, RLIMIT_STACK / 4) or at most 6 MiB of it, pointers counted. */
    readonly argCap: "stack-quarter" | "stack-quarter-6m";
    /** execve with argc 0 gets an empty argv[0]. */
    readonly insertsEmptyArgv0: boolean;
  };

  /** `stateless`: highest gap below mmap_base. `free-area-cache`: first fit from where the last search ended. */
  readonly placement: "stateless" | "free-area-cache";
  /** Anonymous mappings whose length is a multiple of 2 MiB start at a multiple of 2 MiB. */
  readonly alignsHugeAnonymous: boolean;
  /** File mappings that cover a whole aligned 2 MiB of the file are placed congruent to it (64-bit tasks). */
  readonly alignsHugeFiles: boolean;
  /** Such an alignment does not cost the topmost 2 MiB (since 6.8). */
  readonly hugeAlignKeepsTop: boolean;
  /** Hints and searches start no lower: the larger of sysctl and CONFIG_LSM_MMAP_MIN_ADDR. */
  readonly mmapMinAddr: number;
  /** vm.mmap_min_addr: below it MAP_FIXED needs CAP_SYS_RAWIO. */
  readonly dacMmapMinAddr: number;

  /** Which neighbour a new mapping joins if it could join either but not both. */
  readonly newMappingMerges: "prev-first" | "next-first";
  /** A VMA whose anon_vma was inherited through fork does not merge with one that has none. */
  readonly forkedAnonVmaBlocksMerge: boolean;
  /** MAP_STACK sets VM_NOHUGEPAGE, which blocks merging. */
  readonly mapStackSetsNoHugePage: boolean;
  /** brk extends an adjacent VMA below start_brk, so that bss and heap may become one. */
  readonly brkMergesBelowStart: boolean;
  /** munmap checks the map count before any split, not only when it cuts a hole. */
  readonly munmapChecksEverySplit: boolean;

  readonly mmap: {
    readonly fixedNoReplace: boolean;
    readonly sharedValidate: boolean;
    /** VM_GROWSDOWN on shared anonymous memory gives EINVAL. */
    readonly refusesSharedGrowsDown: boolean;
    /** File offsets beyond the largest file size give EOVERFLOW. */
    readonly checksFileRange: boolean;
    /** A failed MAP_FIXED leaves what it would have replaced. */
    readonly failedFixedKeepsOld: boolean;
    readonly droppable: boolean;
  };
  readonly madvise: {
    readonly kinds: readonly number[];
    /** MADV_WILLNEED on memory without a file: 0 or EBADF. */
    readonly willNeedAnonymous: "ok" | "ebadf";
  };
  readonly mremap: {
    /** old_len 0 duplicates a private mapping instead of failing with EINVAL. */
    readonly duplicatesPrivate: boolean;
    readonly dontUnmap: boolean;
    /** A pure move may span several VMAs (6.17). */
    readonly movesSeveralVmas: boolean;
  };
  /** membarrier(2): what MEMBARRIER_CMD_QUERY returns; 0: no such call. */
  readonly membarrierCommands: number;
  /** mlock of a PROT_NONE mapping gives ENOMEM (the flag is set all the same). */
  readonly mlockProtNoneFails: boolean;
  /** mprotect makes PTEs of exclusively owned anonymous pages writable at once. */
  readonly mprotectUpgradesPtes: boolean;
  /** mprotect without PROT_WRITE gives back the commit charge of anonymous memory that was never touched (since 6.7). */
  readonly mprotectDropsAccount: boolean;

  readonly limits: {
    /** Default RLIMIT_MEMLOCK in bytes. */
    readonly memlock: number;
    /** RLIMIT_DATA limits brk only, or all private writable memory. */
    readonly data: "brk" | "data-vm";
    readonly maxMapCount: number;
  };
  /** Mode 0 of vm.overcommit_memory: refuse what exceeds RAM + swap in one request, or what exceeds free memory. */
  readonly overcommitHeuristic: "total-ram" | "free-pages";

  /** Pages that a read fault on a cached file maps at once (fault-around); 1: none but the page itself. */
  readonly faultAroundPages: number;
  /**
   * Fault-around makes no page table for the last page of a file: the page that faulted is mapped alone (6.18, mm/filemap.c
   * filemap_map_pages, can_map_large).
   */
  readonly tailPageNeedsTable: boolean;
  /** RSS counters lag behind by up to so many pages of the running task (SPLIT_RSS_COUNTING); 0: exact. */
  readonly rssBatch: number;
  /** smaps counts the shared zero page as resident. */
  readonly zeroPageInSmapsRss: boolean;
  /** smaps takes a page as dirty by its PTE alone, or by the page's own flag too. */
  readonly smapsDirtyFromPage: boolean;
  /** total, shared, exec and stack pages by vm_flags (6.x) or by whether there is a file (2.6). */
  readonly vmAccounting: "flags" | "file";
  /** VmPTE counts leaf tables only or all levels. */
  readonly vmPteCounts: "leaf" | "all";
  /** shmem pages have an RSS counter of their own. */
  readonly hasRssShmem: boolean;

  /** Which VMA is [heap]: one that covers, touches or overlaps [start_brk, brk]. */
  readonly heapLabel: "covers" | "touches" | "overlaps";
  readonly vdso: {
    readonly pages: number;
    /** Special mappings directly below [vdso], lowest first. */
    readonly below: readonly { readonly name: string; readonly pages: number }[];
    readonly legacyVsyscall: "r-xp" | "--xp" | "none";
    /**
     * vdso_addr(): the drawn page above the stack is capped at the end of its 2 MiB (arch/x86/vdso/vma.c of 2.6.32), or drawn
     * anew by the remainder of the room there is (since 3.18).
     */
    readonly aboveStackDraw: "capped" | "remainder";
  };
  /** READ_IMPLIES_EXEC: PT_GNU_STACK absent or executable (any ABI), or absent in an i386 program only. */
  readonly readImpliesExec: "absent-or-executable" | "i386-absent";
  /** The first segment of ET_EXEC is mapped with MAP_FIXED_NOREPLACE. */
  readonly execNoReplace: boolean;
  /** One unused page between bss and a randomised heap. */
  readonly brkGapAfterBss: boolean;
  readonly auxv: {
    readonly minsigstksz: boolean;
    readonly hwcap2: boolean;
    readonly rseq: boolean;
    /** AT_PHDR by the segment that contains e_phoff, or first segment + e_phoff. */
    readonly phdrBySegment: boolean;
  };

  readonly procfs: {
    /** Keys of smaps in order. */
    readonly smaps: readonly string[];
    /** Format of the THPeligible value: %d or %8u. */
    readonly thpEligibleWidth: number;
    readonly smapsVmFlags: boolean;
    /** Fields of /proc/PID/stat. */
    readonly statFields: 44 | 52;
    /** Keys of /proc/PID/status in order. */
    readonly status: readonly string[];
    /** What /proc/PID/oom_score prints: badness points (2.6.32), parts of 1000 (2.6.36), or the pages' share (5.9). */
    readonly oomScore: "badness" | "permille" | "pages";
  };
}

/** The layout parameters of a task of `abi` under this kernel. */
export function layoutOf(generation: KernelGeneration, abi: Abi): TaskLayout {
  if (abi === "amd64") return generation.layouts.amd64;
  return generation.kernelBits === 64 ? generation.layouts.compat : generation.layouts.i386;
}

/**
 * mmap_base (arch/x86/mm/mmap.c): the top of the mmap area. `randomPages` is the draw within `mmapRandomPages`, undefined
 * with randomisation off; `stackLimit` is RLIMIT_STACK in bytes (may be Infinity).
 */
export function mmapBase(layout: TaskLayout, stackLimit: number, randomPages: number | undefined): number {
  const kind = randomPages === undefined ? "fixed" : "random";
  const most = Math.floor(layout.taskSize / 6) * 5;
  const wanted = stackLimit + layout.mmapGapPad[kind];
  const gap = Math.min(Math.max(wanted, layout.mmapMinGap[kind]), most);
  const base = layout.taskSize - gap - (randomPages ?? 0) * 4096;
  return Math.ceil(base / 4096) * 4096;
}
