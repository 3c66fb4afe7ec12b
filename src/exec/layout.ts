/** Where execution keeps its structures in the host area (the CPU block lies below, at src/isa/cpu-block.ts). */

/** The parts of an access that crosses a page meet here (32 bytes). */
export const STAGE = 0x4040;
/** Record at which the interpreter stopped (u32); resuming there repeats the operation. */
export const SAVED_PC = 0x4010;
/** Translations are linked under this number (u32); raising it unlinks them all. */
export const GENERATION = 0x4014;
/**
 * Flags that a region left uncomputed: kind (u32, 0: none; src/exec/jit/flags.ts), operands (i64) and carry (u32). Nothing
 * but regions may run while they are pending.
 */
export const PENDING_KIND = 0x4018;
export const PENDING_C = 0x401c;
export const PENDING_B = 0x4020;
export const PENDING_R = 0x4028;
/** For --stats: calls of regions by the interpreter, and instructions executed in them (i64 each). */
export const REGION_CALLS = 0x4030;
export const REGION_INSTRUCTIONS = 0x4038;
/**
 * For the page walk of the interpreter module: host address of the top-level page table of four levels (u32; 0: the dispatcher
 * walks), and what the high halves of user addresses are below (u32: 0x8000; 1 in 32-bit code, where the others are aliases).
 */
export const PAGE_ROOT = 0x4060;
export const ADDRESS_LIMIT = 0x4064;
/** For --stats: TLB misses that a page walk repaired (i64). */
export const TLB_FILLS = 0x4068;

/** Exit sites of regions: where an instruction inside one is left. Entry: RIP i64, fuel to give back u32. */
export const SITES = 0x700_0000;
export const SITES_END = 0x780_0000;
export const SITE_SHIFT = 4;
/** In a site: how often it was left because of floats. */
export const SITE_COUNT = 12;
/** Links of regions to their static targets. Entry: RIP i64, table index u32, generation u32. */
export const REGION_LINKS = 0x780_0000;
export const REGION_LINKS_END = 0x800_0000;

/**
 * TLB: direct-mapped by page number. Entry: read tag i64, write tag i64, addend u32 (host address = linear address + addend,
 * modulo 2^32), padding. A tag is the linear address of the page; -1 matches nothing.
 */
export const TLB_BITS = 12;
export const TLB_ENTRIES = 1 << TLB_BITS;
export const TLB_ENTRY_SHIFT = 5;
export const TLB = 0x8_0000;
export const TLB_READ = 0;
export const TLB_WRITE = 8;
export const TLB_ADDEND = 16;

/**
 * Jump cache: four entries for a RIP, from its index on; the index is the RIP without its JUMP_CACHE_SKIP lowest bits, folded,
 * so that neighbours share the host's cache lines. Entry: RIP i64, record address u32, region table index u32 (0: none).
 */
export const JUMP_CACHE_SKIP = 2;
export const JUMP_CACHE_WAYS = 4;
export const JUMP_CACHE_BITS = 16;
export const JUMP_CACHE_ENTRY_SHIFT = 4;
export const JUMP_CACHE = 0xf_f000;
export const JUMP_CACHE_BYTES = ((1 << JUMP_CACHE_BITS) + JUMP_CACHE_WAYS - 1) << JUMP_CACHE_ENTRY_SHIFT;

/** Between the jump cache and the arena: the flags of the frames (src/memory/physical.ts), templates (src/exec/templates/format.ts). */

/** Blocks of IR records. Before the first record of each: RIP i64, block number u32. */
export const ARENA = 0x80_0000;
export const ARENA_END = 0x700_0000;
export const BLOCK_HEADER = 16;

/** Reasons with which the interpreter returns to the dispatcher, beyond kernel/cpu.ts's ExitReason. */
export const Leave = {
  syscall: 1,
  int80: 2,
  sysenter: 3,
  exception: 4,
  trap: 5,
  /** Not enough fuel for the next block. */
  fuel: 16,
  /** An access missed the TLB: EXIT_ADDRESS, EXIT_DETAIL = 1 for a write. */
  miss: 17,
  /** No translation known for RIP. */
  lookup: 18,
  /** The dispatcher computes something (CPUID, RDTSC…): EXIT_DETAIL names it. */
  host: 19,
  /** An exception that is raised behind the instruction (#BP, #OF): EXIT_DETAIL is the vector. */
  exceptionAfter: 20,
  /** A block has been executed often enough to be compiled. */
  hot: 21,
} as const;
