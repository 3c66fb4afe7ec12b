/**
 * Physical memory: the page frames of one machine, inside one WebAssembly memory. A frame number is the wasm byte offset
 * divided by 4096, so page-table entries hold wasm offsets directly. The first `HOST_AREA_BYTES` are never mapped.
 *
 * Frames are handed out in chunks of 512 (2 MiB): a run of virtual pages gets a chunk of its own as long as untouched
 * chunks are left, so that neighbouring pages lie in neighbouring frames. Untouched wasm memory costs the host nothing.
 */
import type { FrameNumber } from "../base/address.ts";
import { InternalError } from "../base/errors.ts";
import type { WasmMemory } from "../host/host.ts";
import type { TranslationCache } from "./translation.ts";

/** Bytes at the start of wasm memory that belong to the host: CPU block, TLB, translations. */
export const HOST_AREA_BYTES = 128 * 1024 * 1024;
const FIRST_FRAME = HOST_AREA_BYTES / 4096;
/** Frames of a chunk: 2 MiB. */
export const CHUNK_FRAMES = 512;
const CHUNK_SHIFT = 9;

/** What a frame holds, as struct page's flags would tell (include/linux/page-flags.h). */
export const FrameFlag = {
  /** Translated code was made from its bytes (set by the CPU). */
  code: 1,
  /** PG_dirty. */
  dirty: 2,
  /** PageAnon: a page of private memory, not of the page cache. */
  anon: 4,
  /** A page of shmem: in the page cache, but without a backing file. */
  shmem: 8,
  /** Handed to MADV_FREE and not written since. */
  lazyFree: 16,
  /** Not counted in any RSS: the zero page, vvar (pte_special). */
  special: 32,
  /** Its bytes may differ from zero: clear before reuse. */
  used: 64,
  /** PageAnonExclusive: the one PTE that maps it may be made writable without a fault. */
  exclusive: 128,
  /** PG_referenced: the kernel itself touched it (MAP_POPULATE, mlock). */
  referenced: 256,
  /** Holds trap sites. */
  traps: 512,
} as const;

/** Host address of the frames' flags (u16 by frame number): the page walk of compiled code reads them. */
export const FRAME_FLAGS = 0x20_0000;
const FRAME_FLAGS_END = 0x40_0000;

/** Trap sites of a page: the trap's number (kernel/traps.ts) by offset in the page. */
export type PageTraps = ReadonlyMap<number, number>;

export class PhysicalMemory {
  readonly memory: WasmMemory;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  /** First frame behind the host area, and one past the last. */
  readonly firstFrame = FIRST_FRAME;
  readonly endFrame: number;
  readonly totalFrames: number;
  /** The shared zero page: never written, never freed. */
  readonly zeroFrame: FrameNumber;
  /** Whoever caches translations of this memory; told when code bytes or mappings change. */
  cache: TranslationCache | undefined;

  /** Indexed by frame number. */
  readonly flags: Uint16Array;
  readonly #traps = new Map<FrameNumber, PageTraps>();
  readonly #refs: Int32Array;
  readonly #maps: Int32Array;
  /** Frames in use, by chunk of 512. */
  readonly #chunkUsed: Uint16Array;
  readonly #chunks: number;
  #freeFrames: number;
  /** Bytes of kernel objects, and the frames' worth of them. */
  #kernelBytes = 0;
  #kernelFrames = 0;
  /** The chunk that single frames come from. */
  #current = 0;
  #cursor = 0;
  /** No chunk below this one is empty. */
  #emptyFrom = 0;

  /** `memory` must hold `HOST_AREA_BYTES + ramBytes`; `ramBytes` is a multiple of 4096. */
  constructor(memory: WasmMemory, ramBytes: number) {
    this.memory = memory;
    const buffer = memory.buffer;
    if (buffer.byteLength < HOST_AREA_BYTES + ramBytes) throw new InternalError("wasm memory is smaller than the RAM");
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.totalFrames = Math.floor(ramBytes / 4096);
    this.endFrame = FIRST_FRAME + this.totalFrames;
    if (FRAME_FLAGS + 2 * this.endFrame > FRAME_FLAGS_END) throw new InternalError("more RAM than frame flags");
    this.flags = new Uint16Array(buffer, FRAME_FLAGS, this.endFrame);
    this.#refs = new Int32Array(this.endFrame);
    this.#maps = new Int32Array(this.endFrame);
    this.#chunks = Math.ceil(this.totalFrames / CHUNK_FRAMES);
    this.#chunkUsed = new Uint16Array(this.#chunks);
    const tail = this.#chunks * CHUNK_FRAMES - this.totalFrames;
    if (tail > 0) this.#chunkUsed[this.#chunks - 1] = tail;
    this.#freeFrames = this.totalFrames;
    this.zeroFrame = this.allocFrame();
    this.flags[this.zeroFrame] |= FrameFlag.special;
  }

  get freeFrames(): number {
    return Math.max(0, this.#freeFrames - this.#kernelFrames);
  }

  /**
   * So little is left that nothing new may be made (the kernel's min watermark): the rest is for the page faults of what is
   * there already.
   */
  get scarce(): boolean {
    return this.#freeFrames - this.#kernelFrames < this.totalFrames >>> 7;
  }

  /** Bytes of kernel objects. */
  get kernelBytes(): number {
    return this.#kernelBytes;
  }

  /**
   * `bytes` (negative: fewer) of RAM serve objects of the kernel that have no frames of their own here, such as tasks, inodes
   * and VMAs. Never fails: who makes them asks `scarce` first.
   */
  chargeKernel(bytes: number): void {
    this.#kernelBytes += bytes;
    this.#kernelFrames = Math.ceil(this.#kernelBytes / 4096);
  }

  /**
   * A frame with reference count 1 and zeroed contents, or -1 if memory is used up. It is placed behind `after` if that
   * frame is free: a policy, not a promise.
   */
  allocFrame(after: FrameNumber = -1): FrameNumber {
    const next = after + 1;
    if (this.#freeFrames <= this.#kernelFrames) return -1;
    if (after >= FIRST_FRAME && next < this.endFrame && this.#refs[next] === 0) return this.#take(next);
    return this.#allocAny();
  }

  /**
   * A frame for virtual page `page`, congruent to it modulo 2 MiB in an empty chunk while there is one: the start of a
   * run of pages that will be touched one after the other.
   */
  allocFrameFor(page: number): FrameNumber {
    if (this.#freeFrames <= this.#kernelFrames) return -1;
    const chunk = this.#emptyChunk();
    if (chunk < 0) return this.#allocAny();
    const frame = FIRST_FRAME + chunk * CHUNK_FRAMES + (page & (CHUNK_FRAMES - 1));
    return frame < this.endFrame && this.#refs[frame] === 0 ? this.#take(frame) : this.#allocAny();
  }

  /** Takes this very frame if it is free (then as `allocFrame`), or returns -1. */
  allocExact(frame: FrameNumber): FrameNumber {
    if (frame < FIRST_FRAME || frame >= this.endFrame || this.#refs[frame] !== 0) return -1;
    if (this.#freeFrames <= this.#kernelFrames) return -1;
    return this.#take(frame);
  }

  get(frame: FrameNumber): void {
    this.#refs[frame]++;
  }

  /** Drops a reference; the last one frees the frame. */
  put(frame: FrameNumber): void {
    const refs = --this.#refs[frame];
    if (refs > 0) return;
    if (refs < 0) throw new InternalError(`frame ${frame} freed twice`);
    if (this.flags[frame] & FrameFlag.code) this.noteWrite(frame);
    if (this.flags[frame] & FrameFlag.traps) this.#traps.delete(frame);
    this.flags[frame] = FrameFlag.used;
    const chunk = (frame - FIRST_FRAME) >>> CHUNK_SHIFT;
    if (--this.#chunkUsed[chunk] === 0 && chunk < this.#emptyFrom) this.#emptyFrom = chunk;
    this.#freeFrames++;
  }

  refCount(frame: FrameNumber): number {
    return this.#refs[frame];
  }

  /** Page-table entries, of all address spaces, that map the frame (page_mapcount). */
  mapCount(frame: FrameNumber): number {
    return this.#maps[frame];
  }

  /** A PTE that maps `frame` was written: it holds a reference of its own, which the caller hands over. */
  addMap(frame: FrameNumber): void {
    this.#maps[frame]++;
  }

  /** The PTE is gone, and its reference with it. */
  removeMap(frame: FrameNumber): void {
    this.#maps[frame]--;
    this.put(frame);
  }

  hasCode(frame: FrameNumber): boolean {
    return (this.flags[frame] & FrameFlag.code) !== 0;
  }

  setCode(frame: FrameNumber): void {
    this.flags[frame] |= FrameFlag.code;
  }

  clearCode(frame: FrameNumber): void {
    this.flags[frame] &= ~FrameFlag.code;
  }

  /** The kernel is about to change bytes of the frame: drops the code translated from it. */
  noteWrite(frame: FrameNumber): void {
    if ((this.flags[frame] & FrameFlag.code) === 0) return;
    this.flags[frame] &= ~FrameFlag.code;
    this.cache?.invalidateCode(frame);
  }

  /** Copies the bytes of one frame, and its trap sites, to another. */
  copyFrame(from: FrameNumber, to: FrameNumber): void {
    this.u8.copyWithin(to * 4096, from * 4096, from * 4096 + 4096);
    if (this.flags[from] & FrameFlag.traps) this.setTraps(to, this.#traps.get(from));
  }

  /** The frame's trap sites: code at these offsets is not executed, the kernel's trap handler is called in its place. */
  trapsOf(frame: FrameNumber): PageTraps | undefined {
    return this.flags[frame] & FrameFlag.traps ? this.#traps.get(frame) : undefined;
  }

  /** Gives the frame trap sites, or takes them away. Code translated from it is dropped. */
  setTraps(frame: FrameNumber, traps: PageTraps | undefined): void {
    this.noteWrite(frame);
    if (traps === undefined) {
      this.#traps.delete(frame);
      this.flags[frame] &= ~FrameFlag.traps;
      return;
    }
    this.#traps.set(frame, traps);
    this.flags[frame] |= FrameFlag.traps;
  }

  #take(frame: FrameNumber): FrameNumber {
    this.#refs[frame] = 1;
    if (this.flags[frame] & FrameFlag.used) this.u32.fill(0, frame * 1024, frame * 1024 + 1024);
    this.flags[frame] = FrameFlag.used;
    this.#chunkUsed[(frame - FIRST_FRAME) >>> CHUNK_SHIFT]++;
    this.#freeFrames--;
    return frame;
  }

  #allocAny(): FrameNumber {
    if (this.#freeFrames <= 0) return -1;
    if (this.#chunkUsed[this.#current] === CHUNK_FRAMES) this.#nextChunk();
    const base = FIRST_FRAME + this.#current * CHUNK_FRAMES;
    for (let i = 0; i < CHUNK_FRAMES; i++) {
      const frame = base + ((this.#cursor + i) & (CHUNK_FRAMES - 1));
      if (frame >= this.endFrame || this.#refs[frame] !== 0) continue;
      this.#cursor = (frame - base + 1) & (CHUNK_FRAMES - 1);
      return this.#take(frame);
    }
    throw new InternalError("chunk count out of step");
  }

  /** Moves to an empty chunk, or, when there is none left, to the next one with room. */
  #nextChunk(): void {
    let chunk = this.#emptyChunk();
    if (chunk < 0) {
      chunk = this.#current;
      do chunk = (chunk + 1) % this.#chunks;
      while (this.#chunkUsed[chunk] === CHUNK_FRAMES);
    }
    this.#current = chunk;
    this.#cursor = 0;
  }

  #emptyChunk(): number {
    let chunk = this.#emptyFrom;
    while (chunk < this.#chunks && this.#chunkUsed[chunk] !== 0) chunk++;
    this.#emptyFrom = chunk;
    return chunk < this.#chunks ? chunk : -1;
  }
}
