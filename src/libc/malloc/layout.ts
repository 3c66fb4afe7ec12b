/** Field offsets of malloc.c's structures, computed from field lists as the C compiler computes them. */

export type FieldType = "int" | "word" | "byte" | `${"int" | "word" | "half"}[${number}]`;
export type Field = readonly [name: string, type: FieldType];

export interface StructLayout {
  readonly offsets: Readonly<Record<string, number>>;
  /** Size with the trailing padding. */
  readonly size: number;
}

/** Lays fields out by the System V ABI: each at a multiple of its own size (i386 and x86-64 agree on these types). */
export function layOut(fields: readonly Field[], W: 4 | 8): StructLayout {
  const offsets: Record<string, number> = {};
  let offset = 0;
  let alignment = 1;
  for (const [name, type] of fields) {
    const open = type.indexOf("[");
    const element = open < 0 ? type : type.slice(0, open);
    const count = open < 0 ? 1 : Number(type.slice(open + 1, -1));
    const size = element === "word" ? W : element === "int" ? 4 : element === "half" ? 2 : 1;
    offset = Math.ceil(offset / size) * size;
    alignment = Math.max(alignment, size);
    offsets[name] = offset;
    offset += size * count;
  }
  return { offsets, size: Math.ceil(offset / alignment) * alignment };
}

export const NBINS = 128;
const BINS: readonly Field[] = [
  ["top", "word"],
  ["last_remainder", "word"],
  ["bins", `word[${2 * NBINS - 2}]`],
  ["binmap", "int[4]"],
  ["next", "word"],
];
const SYSTEM_MEM: readonly Field[] = [
  ["system_mem", "word"],
  ["max_system_mem", "word"],
];
const FREE_LIST: readonly Field[] = [
  ["next_free", "word"],
  ["attached_threads", "word"],
];

/** struct malloc_state. `fastbins` is NFASTBINS, 0 from 2.43 on. */
export function mallocState(kind: "plain" | "have_fastchunks" | "no_fastbins", fastbins: number): readonly Field[] {
  const head: readonly Field[] = [
    ["mutex", "int"],
    ["flags", "int"],
  ];
  if (kind === "no_fastbins") return [...head, ...BINS, ...FREE_LIST, ...SYSTEM_MEM];
  const fast: Field = ["fastbinsY", `word[${fastbins}]`];
  if (kind === "plain") return [...head, fast, ...BINS, ...SYSTEM_MEM];
  return [...head, ["have_fastchunks", "int"], fast, ...BINS, ...FREE_LIST, ...SYSTEM_MEM];
}

const THRESHOLDS: readonly Field[] = [
  ["trim_threshold", "word"],
  ["top_pad", "word"],
  ["mmap_threshold", "word"],
];
const ARENA_LIMITS: readonly Field[] = [
  ["arena_test", "word"],
  ["arena_max", "word"],
];
const MMAPS: readonly Field[] = [
  ["n_mmaps", "int"],
  ["n_mmaps_max", "int"],
  ["max_n_mmaps", "int"],
  ["no_dyn_threshold", "int"],
];
const MMAPPED: readonly Field[] = [
  ["mmapped_mem", "word"],
  ["max_mmapped_mem", "word"],
];
const TCACHE: readonly Field[] = [
  ["tcache_bins", "word"],
  ["tcache_max_bytes", "word"],
  ["tcache_count", "word"],
  ["tcache_unsorted_limit", "word"],
];
const HUGE_PAGES: readonly Field[] = [
  ["thp_pagesize", "word"],
  ["hp_pagesize", "word"],
  ["hp_flags", "int"],
];

/** struct malloc_par of 2.11 to 2.14 without PER_THREAD. */
export const MALLOC_PAR_2_11: readonly Field[] = [
  ...THRESHOLDS,
  ...MMAPS,
  ["pagesize", "int"],
  ...MMAPPED,
  ["max_total_mem", "word"],
  ["sbrk_base", "word"],
];
/** … of 2.27 to 2.34. */
export const MALLOC_PAR_2_27: readonly Field[] = [
  ...THRESHOLDS,
  ...ARENA_LIMITS,
  ...MMAPS,
  ...MMAPPED,
  ["sbrk_base", "word"],
  ...TCACHE,
];
/** … of 2.35 to 2.41. */
export const MALLOC_PAR_2_35: readonly Field[] = [
  ...THRESHOLDS,
  ...ARENA_LIMITS,
  ...HUGE_PAGES,
  ...MMAPS,
  ...MMAPPED,
  ["sbrk_base", "word"],
  ...TCACHE,
];
/** … of 2.43. */
export const MALLOC_PAR_2_43: readonly Field[] = [
  ...THRESHOLDS,
  ...ARENA_LIMITS,
  ["thp_mode", "int"],
  ...HUGE_PAGES,
  ...MMAPS,
  ...MMAPPED,
  ["sbrk_base", "word"],
  ...TCACHE,
];

/** heap_info (arena.c): a multiple of MALLOC_ALIGNMENT away from the first chunk's user memory. */
export function heapInfo(W: 4 | 8, alignment: number, pagesize: boolean): readonly Field[] {
  const words = pagesize ? 5 : 4;
  const padding = (((pagesize ? -3 : -6) * W) & (alignment - 1)) / W;
  const fields: Field[] = [
    ["ar_ptr", "word"],
    ["prev", "word"],
    ["size", "word"],
    ["mprotect_size", "word"],
  ];
  if (pagesize) fields.push(["pagesize", "word"]);
  if (padding > 0) fields.push([`pad${words}`, `word[${padding}]`]);
  return fields;
}
