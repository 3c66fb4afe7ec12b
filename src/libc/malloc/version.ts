import type { Field } from "./layout.ts";

/** A public function whose result is asserted to lie in its arena. */
export type AssertSite = "malloc" | "calloc" | "realloc" | "memalign";

/** Source lines of malloc.c's assertions that a damaged heap can reach; 0 where the version prints none. */
export interface AssertLines {
  readonly oldTop: number;
  readonly binSize: number;
  readonly largeMain: readonly [last: number, first: number, next: number];
  readonly mremap: number;
  /** With one thread, with several. */
  readonly malloc: readonly [number, number];
  readonly calloc: readonly [number, number];
  readonly realloc: readonly [number, number];
  readonly memalign: readonly [number, number];
}

/** Lines of a version whose assertions print none, or whose lines are not known. */
export const NO_LINES: AssertLines = {
  oldTop: 0,
  binSize: 0,
  largeMain: [0, 0, 0],
  mremap: 0,
  malloc: [0, 0],
  calloc: [0, 0],
  realloc: [0, 0],
  memalign: [0, 0],
};

/** How a version words its messages (6.1 and 6.4 of the facts). */
export interface MessageStyles {
  /** `detected`: `*** glibc detected *** PROG: TEXT: 0xADDR ***`, steered by check_action; `plain`: the text, always fatal. */
  readonly report: "detected" | "plain";
  /** assert(3) of the version: `old` = `PROG: malloc.c:LINE: FUNC: Assertion …`, `nameless` = 2.36, `fatal` = 2.37 and later. */
  readonly assertion: "old" | "nameless" | "fatal";
  readonly lines: AssertLines;
}

/** The per-thread cache of a version. */
export interface TcacheTraits {
  /** `counts` count blocks up, `num_slots` count free places down (2.42). */
  readonly counter: "counts" | "num_slots";
  readonly bins: number;
  /** Bins by exact chunk size; the rest hold sizes between powers of two (2.42). */
  readonly smallBins: number;
  readonly fill: number;
  /** mp_.tcache_max_bytes is compared with the chunk size (2.43) instead of the bin index with mp_.tcache_bins. */
  readonly lazy: boolean;
  /** The double-free key: the struct's own address, or a random word. */
  readonly key: "struct" | "random" | "random_checked";
  /** Double free: count the list (2.33), look through every bin (2.42). */
  readonly verify: "bin" | "bin_counted" | "all_bins";
}

/** Which of the checks of 6.2 and 6.3 a version has. */
export interface Checks {
  /** free: size not a multiple of MALLOC_ALIGNMENT (2.16). */
  readonly freeSizeAligned: boolean;
  /** free: an old fastbin head of another size (2.12); with_lock = only inside another call (2.27). */
  readonly fastbinEntry: "no" | "always" | "with_lock";
  /** The unsorted, top-size and consolidation checks of 2.29 and the large-bin checks of 2.30. */
  readonly unsorted: boolean;
  readonly largebin: "no" | "insert" | "insert_smallest";
  readonly topSize: boolean;
  readonly consolidate: boolean;
  /** munmap_chunk and mremap_chunk: the user pointer's page offset must be a power of two (2.29). */
  readonly mmappedOffset: boolean;
  /** mremap_chunk reports instead of asserting (2.29). */
  readonly mremap: boolean;
  /** unlink compares the size with the next chunk's prev_size, and reports a broken nextsize ring (2.26). */
  readonly unlinkSize: boolean;
  /** malloc_consolidate compares the chunk's size class with its bin (2.27). */
  readonly fastbinSize: boolean;
  /** An error found by _int_malloc that does not abort: hand the chunk out (2.11) or return NULL (2.12). */
  readonly mallocErrorReturnsNull: boolean;
}

/**
 * One glibc version's malloc as frozen data. The core asks for these traits, never for a version number; what cannot be
 * a yes or a number names one of a few strategies.
 */
export interface MallocVersion {
  readonly name: string;
  /** MALLOC_ALIGNMENT on i386: 8 up to 2.25, 16 since 2.26 (sysdeps/i386/malloc-alignment.h). */
  readonly alignment32: 8 | 16;
  readonly state: (fastbins: number) => readonly Field[];
  readonly par: readonly Field[];
  readonly heapPagesize: boolean;
  readonly topPad: number;
  /** Requests refused outright: from -2*MINSIZE on, or above PTRDIFF_MAX (2.30). */
  readonly largestRequest: "minus_2_minsize" | "ptrdiff_max";
  readonly fastbins: boolean;
  /** Where "there are fast chunks" is kept: bit 0 of flags, inverted (2.26), or a field. */
  readonly haveFast: "flags" | "field";
  /** Default limit of fast chunks: request2size (64 * W / 4), or that rounded down without padding (2.12). */
  readonly maxFastFormula: "request2size" | "mask";
  /** Requests for which M_MXFAST turns fastbins off: 0, or all below MALLOC_ALIGNMENT - SIZE_SZ (2.33). */
  readonly maxFastZero: "zero" | "small";
  /** Type of global_max_fast: a byte since 2.40. */
  readonly maxFastBytes: "word" | "byte";
  readonly safeLinking: boolean;
  readonly tcache: TcacheTraits | null;
  readonly checks: Checks;
  readonly messages: MessageStyles;
  /** ptmalloc_init runs before main (2.43) or at the first allocating call. */
  readonly initAtStart: boolean;
  /** malloc_hook_ini: the first calloc clears exactly the requested bytes (up to 2.33). */
  readonly hookIni: boolean;
  /** SINGLE_THREAD_P goes straight to main_arena and does not retry (2.27). */
  readonly singleThread: boolean;
  /** A thread without an arena: try the locks of all (no PER_THREAD), or the arena limit rules of 2.15. */
  readonly arenas: "trylock" | "limited";
  /** realloc remembers the block's arena for the thread (tsd_setspecific, not PER_THREAD). */
  readonly reallocSetsArena: boolean;
  readonly heapNoReserve: boolean;
  /** heap_trim obeys mp_.trim_threshold (2.23). */
  readonly heapTrimThreshold: boolean;
  /** brk fails: the size of the mmap tried instead (2.2 of the facts). */
  readonly fallbackMmap: "minimum_mib" | "swapped" | "whole";
  /** A thread heap that cannot grow and an mmap that fails: go through all of it once more (`goto try_mmap`, up to 2.34). */
  readonly sysmallocAgain: boolean;
  /** assert() expands macros of the condition before printing it (compilers and headers of 2.11 and 2.13). */
  readonly expandedAsserts: boolean;
  /** __func__ of those assertions. */
  readonly arenaAssertNames: Readonly<Record<AssertSite, string>>;
  /** systrim trims when the rest is positive (up to 2.18), or compares the area unsigned (2.19). */
  readonly systrim: "positive" | "unsigned_area";
  /** The size word of a mmapped chunk leaves out its header (2.43). */
  readonly mmapSizeWithoutHeader: boolean;
  /** MALLOC_PERTURB_ spares one word of a freed chunk (2.11) or two (2.12). */
  readonly freePerturbWord: "one_word" | "two_words";
  /** Small chunks go straight to their small bin (2.41). */
  readonly freeToSmallbin: boolean;
  /** Freeing inside realloc and sysmalloc goes by the tcache and fastbins as free does (up to 2.41). */
  readonly innerFree: "whole" | "chunk";
  /** realloc returns the block at once if it fits within 2 * W (2.38); `mmapped` = also mapped ones within a page (up to 2.42). */
  readonly reallocEarly: "no" | "mmapped" | "yes";
  readonly reallocInitsTcache: boolean;
  readonly callocTcache: "no" | "inits" | "takes";
  readonly memalign: "free_both" | "merge_lead" | "align_up";
  readonly memalignTcache: boolean;
  /** alignment above SIZE_MAX / 2 + 1 is EINVAL (2.19); otherwise alignment and size simply wrap. */
  readonly memalignLimit: boolean;
  /** alignment above PTRDIFF_MAX is ENOMEM (Debian 2.36 and 2.41; upstream 2.43). */
  readonly memalignPtrdiff: boolean;
  readonly alignedAllocPowerOf2: boolean;
  /** valloc and pvalloc consolidate fast chunks first (2.11, 2.13). */
  readonly vallocConsolidates: boolean;
  readonly pvallocMask: "pagesize" | "pagesize_minus_1";
  readonly mallinfoAllArenas: boolean;
  /** mallopt refuses M_MMAP_THRESHOLD above HEAP_MAX_SIZE / 2 (up to 2.34); `sets` = still ends the dynamic threshold. */
  readonly mmapThresholdLimit: "no" | "refuses" | "refuses_sets";
  /** mallopt(M_CHECK_ACTION) works (up to 2.26). */
  readonly checkActionOption: boolean;
  readonly arenaOptions: boolean;
  /** MALLOC_CHECK_: 2.11 hooks steered by check_action, 2.27 hooks, or only in libc_malloc_debug (2.34). */
  readonly checking: "check_action" | "fatal" | "debug_library";
  /** The magic byte is never 1 and no distance byte equals it (2.22). */
  readonly magicNotOne: boolean;
  /** Tunables in place of environment variables (2.26). */
  readonly tunables: boolean;
  /** A tunable with anything behind its number is ignored (2.37). */
  readonly tunablesStrict: boolean;
}

/** The traits of one version, given a similar one. */
export function overlay(base: MallocVersion, change: Partial<MallocVersion>): MallocVersion {
  return Object.freeze({ ...base, ...change });
}
