import { Geometry } from "./geometry.ts";
import type { MallocAddresses, MallocGuest } from "./guest.ts";
import { type MallocMemory, WIDE } from "./memory.ts";
import { assertFailed, reportCorruption } from "./messages.ts";
import type { MallocVersion, TcacheTraits } from "./version.ts";
import { mallocMemory } from "./word-memory.ts";

export const PREV_INUSE = 1;
export const IS_MMAPPED = 2;
export const NON_MAIN_ARENA = 4;
const NONCONTIGUOUS_BIT = 2;
const FASTCHUNKS_BIT = 1;
export const PAGE = 4096;

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

  constructor(guest: MallocGuest, version: MallocVersion, W: 4 | 8, at: MallocAddresses, debugLibrary = false) {
    super(version, W);
    this.debugLibrary = debugLibrary;
    this.m = mallocMemory(guest, W);
    this.guest = guest;
    this.at = at;
    this.main = at.mainArena;
    this.mp = at.mp;
    this.tc = debugLibrary ? null : version.tcache;
  }

  /** A chunk size `nb` got from the current request, exact also from 2^53 on. */
  exactSize(nb: number): bigint {
    if (nb < WIDE) return BigInt(nb);
    const mask = BigInt(this.mask);
    return (this.wideRequest + BigInt(this.W) + mask) & ~mask;
  }

  /** Makes `bytes` the request to be served, and returns it as the number that goes along with `wideRequest`. */
  request(bytes: bigint): number {
    const wrapped = BigInt.asUintN(8 * this.W, bytes);
    this.wideRequest = wrapped < BigInt(WIDE) ? 0n : wrapped;
    return Number(wrapped);
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

  arenaForChunk(p: number): number {
    return (this.bits(p) & NON_MAIN_ARENA) === 0 ? this.main : this.m.word(this.heapForPtr(p));
  }

  /** MALLOC_ALIGNMENT as it applies to a chunk: to its address, or to its user memory where the two differ. */
  misalignedChunk(p: number): boolean {
    const address = this.alignment === this.header ? p : p + this.header;
    return (address & this.mask) !== 0 && address === Math.floor(address);
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

  /** An arena is worked on: with one thread, or for the tcache alone, later versions take no lock and do not look at the arena. */
  enter(av: number): void {
    if (this.version.arenas === "trylock" || !this.guest.singleThreaded()) this.lock(av);
    else this.held = av;
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
