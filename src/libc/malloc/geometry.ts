import { heapInfo, layOut } from "./layout.ts";
import type { MallocVersion } from "./version.ts";

/** Offsets within struct malloc_par, all relative to the start of the struct; -1 where the version has no such field. */
function parOffsets(version: MallocVersion, W: 4 | 8) {
  const { offsets, size } = layOut(version.par, W);
  const at = (name: string): number => offsets[name] ?? -1;
  return {
    trimThreshold: at("trim_threshold"),
    topPad: at("top_pad"),
    mmapThreshold: at("mmap_threshold"),
    arenaTest: at("arena_test"),
    arenaMax: at("arena_max"),
    nMmaps: at("n_mmaps"),
    nMmapsMax: at("n_mmaps_max"),
    maxNMmaps: at("max_n_mmaps"),
    noDynThreshold: at("no_dyn_threshold"),
    pagesize: at("pagesize"),
    mmappedMem: at("mmapped_mem"),
    maxMmappedMem: at("max_mmapped_mem"),
    sbrkBase: at("sbrk_base"),
    thpMode: at("thp_mode"),
    tcacheBins: at("tcache_bins"),
    tcacheMaxBytes: at("tcache_max_bytes"),
    tcacheCount: at("tcache_count"),
    tcacheUnsortedLimit: at("tcache_unsorted_limit"),
    sizeof: size,
  };
}

/** Offsets within struct malloc_state. */
function stateOffsets(version: MallocVersion, W: 4 | 8, fastbins: number) {
  const { offsets, size } = layOut(version.state(fastbins), W);
  const at = (name: string): number => offsets[name] ?? -1;
  return {
    mutex: at("mutex"),
    flags: at("flags"),
    haveFast: at("have_fastchunks"),
    fastbins: at("fastbinsY"),
    top: at("top"),
    lastRemainder: at("last_remainder"),
    bins: at("bins"),
    binmap: at("binmap"),
    next: at("next"),
    nextFree: at("next_free"),
    attachedThreads: at("attached_threads"),
    systemMem: at("system_mem"),
    maxSystemMem: at("max_system_mem"),
    sizeof: size,
  };
}

/** Constants of malloc.c that follow from version and ABI (section 1 of the facts). */
export class Geometry {
  readonly version: MallocVersion;
  readonly W: 4 | 8;
  /** CHUNK_HDR_SZ. */
  readonly header: number;
  /** MALLOC_ALIGNMENT, and its mask. */
  readonly alignment: number;
  readonly mask: number;
  readonly minSize: number;
  /** MIN_LARGE_SIZE. */
  readonly minLarge: number;
  /** NFASTBINS. */
  readonly fastbins: number;
  readonly smallShift: number;
  readonly smallCorrection: number;
  readonly heapMax: number;
  readonly mmapThresholdMax: number;
  readonly state: ReturnType<typeof stateOffsets>;
  readonly parAt: ReturnType<typeof parOffsets>;
  readonly heapInfoSize: number;
  /** tcache_perthread_struct: offset of entries[], and its size. */
  readonly tcacheEntries: number;
  readonly tcacheSize: number;
  private readonly largeLimit: number;
  private readonly largeBase: number;

  constructor(version: MallocVersion, W: 4 | 8) {
    this.version = version;
    this.W = W;
    this.header = 2 * W;
    this.alignment = W === 8 ? 16 : version.alignment32;
    this.mask = this.alignment - 1;
    this.minSize = (4 * W + this.mask) & ~this.mask;
    this.smallCorrection = this.alignment > this.header ? 1 : 0;
    this.smallShift = this.alignment === 16 ? 4 : 3;
    this.minLarge = (64 - this.smallCorrection) * this.alignment;
    this.largeLimit = W === 8 ? 48 : this.alignment === 16 ? 45 : 38;
    this.largeBase = W === 8 ? 48 : this.alignment === 16 ? 49 : 56;
    this.fastbins = version.fastbins ? this.fastbinIndex(this.request2size(20 * W)) + 1 : 0;
    this.mmapThresholdMax = W === 8 ? 32 << 20 : 512 << 10;
    this.heapMax = 2 * this.mmapThresholdMax;
    this.state = stateOffsets(version, W, this.fastbins);
    this.parAt = parOffsets(version, W);
    this.heapInfoSize = layOut(heapInfo(W, this.alignment, version.heapPagesize), W).size;
    const bins = version.tcache?.bins ?? 0;
    this.tcacheEntries = Math.ceil((2 * bins) / W) * W;
    this.tcacheSize = this.tcacheEntries + W * bins;
  }

  /** request2size: the chunk for a request below 2^53. */
  request2size(bytes: number): number {
    const padded = bytes + this.W + this.mask;
    if (padded < this.minSize) return this.minSize;
    return padded < 0x7fffffff ? padded & ~this.mask : padded - (padded % this.alignment);
  }

  /** fastbin_index, from the low 32 bits of a size word. */
  fastbinIndex(size: number): number {
    return ((size >>> (this.W === 8 ? 4 : 3)) - 2) | 0;
  }

  smallIndex(size: number): number {
    return (size >>> this.smallShift) + this.smallCorrection;
  }

  largeIndex(size: number): number {
    if (size >= 786432) return 126;
    if (size >> 6 <= this.largeLimit) return this.largeBase + (size >> 6);
    if (size >> 9 <= 20) return 91 + (size >> 9);
    if (size >> 12 <= 10) return 110 + (size >> 12);
    if (size >> 15 <= 4) return 119 + (size >> 15);
    return 124 + (size >> 18);
  }

  binIndex(size: number): number {
    return size < this.minLarge ? this.smallIndex(size) : this.largeIndex(size);
  }

  /** The address of bin `i` as if it were a chunk. */
  binAt(av: number, i: number): number {
    return av + this.state.bins - 2 * this.W + (i - 1) * 2 * this.W;
  }

  /** heap_for_ptr: the start of the thread heap around a chunk. */
  heapForPtr(p: number): number {
    return p - (p % this.heapMax);
  }

  /** `PROTECT_PTR`: `value ^ (position >> 12)`, or the value itself before safe-linking. */
  protect(position: number, value: number): number {
    if (!this.version.safeLinking) return value;
    if (this.W === 4) return ((position >>> 12) ^ value) >>> 0;
    const key = Math.floor(position / 4096);
    if (key < 0x80000000 && value < 0x80000000) return (key ^ value) >>> 0;
    const keyHigh = Math.floor(key / 0x100000000);
    const valueHigh = Math.floor(value / 0x100000000);
    const low = ((key - keyHigh * 0x100000000) ^ (value - valueHigh * 0x100000000)) >>> 0;
    return ((keyHigh ^ valueHigh) >>> 0) * 0x100000000 + low;
  }
}
