import type { MallocAddresses, MallocGuest } from "./guest.ts";
import { heapInfo, layOut } from "./layout.ts";
import { type MallocMemory, mallocMemory, WIDE } from "./memory.ts";
import { assertFailed, reportCorruption } from "./messages.ts";
import type { MallocVersion, TcacheTraits } from "./version.ts";

export const PREV_INUSE = 1;
export const IS_MMAPPED = 2;
export const NON_MAIN_ARENA = 4;
const NONCONTIGUOUS_BIT = 2;
const FASTCHUNKS_BIT = 1;
export const PAGE = 4096;

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
}

/** One process's malloc: its memory, addresses and constants, and the small accessors that malloc.c has as macros. */
export class Heap extends Geometry {
  readonly m: MallocMemory;
  readonly guest: MallocGuest;
  readonly at: MallocAddresses;
  readonly main: number;
  readonly mp: number;
  readonly tc: TcacheTraits | null;
  /** The arena whose lock the current call holds, or 0. */
  held = 0;
  /** A request from 2^53 on, exact; the number passed along with it is rounded. */
  wideRequest = 0n;
  /** This is the allocator inside libc_malloc_debug.so.0 (2.34): MALLOC_CHECK_ works, there is no tcache. */
  readonly debugLibrary: boolean;
  private readonly unsortedOffset: number;

  constructor(guest: MallocGuest, version: MallocVersion, W: 4 | 8, at: MallocAddresses, debugLibrary = false) {
    super(version, W);
    this.debugLibrary = debugLibrary;
    this.m = mallocMemory(guest, W);
    this.guest = guest;
    this.at = at;
    this.main = at.mainArena;
    this.mp = at.mp;
    this.tc = debugLibrary ? null : version.tcache;
    this.unsortedOffset = this.state.bins - 2 * W;
  }

  chunkSize(p: number): number {
    const head = this.m.word(p + this.W);
    return head - (head & 7);
  }

  /** The flag bits of a chunk; exact whatever the size word holds. */
  bits(p: number): number {
    return this.m.lowBits(p + this.W) & 7;
  }

  setHead(p: number, head: number): void {
    this.m.setWord(p + this.W, head);
  }

  /** set_head_size: keeps the flag bits. */
  setHeadSize(p: number, size: number): void {
    this.m.setWord(p + this.W, size + this.bits(p));
  }

  setFoot(p: number, size: number): void {
    this.m.setWord(p + size, size);
  }

  orBits(p: number, bits: number): void {
    const address = p + this.W;
    this.m.setInt(address, this.m.lowBits(address) | bits);
  }

  clearInuse(p: number): void {
    const address = p + this.W;
    this.m.setInt(address, this.m.lowBits(address) & ~PREV_INUSE);
  }

  inuse(p: number): boolean {
    return (this.bits(this.m.pointer(p + this.chunkSize(p))) & PREV_INUSE) !== 0;
  }

  fd(p: number): number {
    return this.m.word(p + 2 * this.W);
  }

  bk(p: number): number {
    return this.m.word(p + 3 * this.W);
  }

  setFd(p: number, value: number): void {
    this.m.setWord(p + 2 * this.W, value);
  }

  setBk(p: number, value: number): void {
    this.m.setWord(p + 3 * this.W, value);
  }

  /** The address of bin `i` as if it were a chunk. */
  binAt(av: number, i: number): number {
    return av + this.unsortedOffset + (i - 1) * 2 * this.W;
  }

  top(av: number): number {
    return this.m.word(av + this.state.top);
  }

  setTop(av: number, p: number): void {
    this.m.setWord(av + this.state.top, p);
  }

  systemMem(av: number): number {
    return this.m.word(av + this.state.systemMem);
  }

  par(offset: number): number {
    return this.m.word(this.mp + offset);
  }

  setPar(offset: number, value: number): void {
    this.m.setWord(this.mp + offset, value);
  }

  contiguous(av: number): boolean {
    return (this.m.int(av + this.state.flags) & NONCONTIGUOUS_BIT) === 0;
  }

  setNoncontiguous(av: number): void {
    const address = av + this.state.flags;
    this.m.setInt(address, this.m.int(address) | NONCONTIGUOUS_BIT);
  }

  haveFast(av: number): boolean {
    if (!this.version.fastbins) return false;
    if (this.version.haveFast === "field") return this.m.int(av + this.state.haveFast) !== 0;
    return (this.m.int(av + this.state.flags) & FASTCHUNKS_BIT) === 0;
  }

  setHaveFast(av: number, have: boolean): void {
    if (this.version.haveFast === "field") {
      this.m.setInt(av + this.state.haveFast, have ? 1 : 0);
      return;
    }
    const address = av + this.state.flags;
    const flags = this.m.int(address);
    this.m.setInt(address, have ? flags & ~FASTCHUNKS_BIT : flags | FASTCHUNKS_BIT);
  }

  maxFast(): number {
    if (!this.version.fastbins) return 0;
    const address = this.at.globalMaxFast;
    return this.version.maxFastBytes === "byte" ? this.m.byte(address) : this.m.word(address);
  }

  markBin(av: number, index: number): void {
    const address = av + this.state.binmap + 4 * (index >>> 5);
    const map = this.m.lowBits(address);
    const bit = 1 << (index & 31);
    if ((map & bit) === 0) this.m.setInt(address, map | bit);
  }

  heapForPtr(p: number): number {
    return p - (p % this.heapMax);
  }

  arenaForChunk(p: number): number {
    return (this.bits(p) & NON_MAIN_ARENA) === 0 ? this.main : this.m.word(this.heapForPtr(p));
  }

  /** MALLOC_ALIGNMENT as it applies to a chunk: to its address, or to its user memory where the two differ. */
  misalignedChunk(p: number): boolean {
    const address = this.alignment === this.header ? p : p + this.header;
    return (address & this.mask) !== 0 && address === Math.floor(address);
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

  /** The pointer that a protected link word holds. */
  reveal(position: number): number {
    return this.protect(position, this.m.word(position));
  }

  /** `*to = REVEAL_PTR (*position)`, exact also for damaged links. */
  revealInto(to: number, position: number): void {
    const value = this.m.word(position);
    if (value < WIDE) this.m.setWord(to, this.protect(position, value));
    else this.m.setWordXor(to, position, this.version.safeLinking ? Math.floor(position / PAGE) : 0);
  }

  /** Whether the pointer in a plain word is no user pointer (aligned_OK) or, `chunk` set, no chunk pointer. */
  misalignedAt(position: number, chunk: boolean): boolean {
    const offset = chunk && this.alignment !== this.header ? this.header : 0;
    return ((this.m.lowBits(position) + offset) & this.mask) !== 0;
  }

  /** The same for a protected link word. */
  misalignedLink(position: number, chunk: boolean): boolean {
    const offset = chunk && this.alignment !== this.header ? this.header : 0;
    const key = this.version.safeLinking ? Math.floor(position / PAGE) : 0;
    return (((this.m.lowBits(position) ^ (key % 0x100000000)) + offset) & this.mask) !== 0;
  }

  perturbByte(): number {
    return this.m.lowBits(this.at.perturbByte) & 0xff;
  }

  perturbSet(): boolean {
    return this.m.lowBits(this.at.perturbByte) !== 0;
  }

  allocPerturb(mem: number, bytes: number): void {
    if (this.perturbSet()) this.m.fill(mem, this.perturbByte() ^ 0xff, bytes);
  }

  pageUp(value: number): number {
    return Math.ceil(value / PAGE) * PAGE;
  }

  pageDown(value: number): number {
    return Math.floor(value / PAGE) * PAGE;
  }

  /** mutex_lock of an arena: free but after an abort that happened under it, or if the guest was stopped inside malloc. */
  lock(av: number): void {
    const mutex = av + this.state.mutex;
    if (this.m.int(mutex) !== 0) this.m.block(mutex);
    this.held = av;
  }

  unlock(): void {
    this.held = 0;
  }

  /** malloc_printerr. Returns only where the version and check_action let the program go on. */
  printerr(text: string, pointer: number): void {
    reportCorruption(this, text, pointer);
  }

  assert(condition: boolean, line: number, fn: string, expression: string): void {
    if (!condition) assertFailed(this, line, fn, expression);
  }
}
