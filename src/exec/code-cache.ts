/**
 * The translated blocks of a machine, and the ways to find them: by frame and address for good, by the jump cache and by
 * links between blocks until something they rest on changes.
 */
import type { FrameNumber } from "../base/address.ts";
import type { PhysicalMemory } from "../memory/physical.ts";
import type { Block } from "./block.ts";
import {
  GENERATION,
  JUMP_CACHE,
  JUMP_CACHE_BITS,
  JUMP_CACHE_BYTES,
  JUMP_CACHE_ENTRY_SHIFT,
  JUMP_CACHE_SKIP,
  JUMP_CACHE_WAYS,
} from "./layout.ts";

const TWO32 = 0x1_0000_0000;
/** Both halves of an empty entry's RIP: an address that is not canonical, so that no jump can ask for it. */
const NO_RIP = 0x8000_8000 | 0;
const CACHE_MASK = (1 << JUMP_CACHE_BITS) - 1;

const ENTRY_WORDS = 1 << (JUMP_CACHE_ENTRY_SHIFT - 2);

/** Word index of the first of the jump cache entries that an address may have. */
function setOf(lo: number, hi: number): number {
  const shift = JUMP_CACHE_BITS + JUMP_CACHE_SKIP;
  const hash = (lo >>> JUMP_CACHE_SKIP) ^ ((lo >>> shift) | (hi << (32 - shift)));
  return (JUMP_CACHE + ((hash & CACHE_MASK) << JUMP_CACHE_ENTRY_SHIFT)) >> 2;
}

/** The entry is empty, or that of this address. */
function isFree(words: Int32Array, at: number, lo: number, hi: number): boolean {
  const known = words[at] as number;
  return (known === lo && words[at + 1] === hi) || (known === NO_RIP && words[at + 1] === NO_RIP);
}

/** Key of a block among those of its frame: address and mode. */
function keyOf(lo: number, hi: number, mode: number): number {
  return ((hi >>> 0) * TWO32 + (lo >>> 0)) * 4 + mode;
}

export class CodeCache {
  readonly #phys: PhysicalMemory;
  readonly #words: Int32Array;
  readonly #byFrame = new Map<FrameNumber, Map<number, Block>>();
  readonly #byRecord = new Map<number, Block>();
  /** Jump cache entries in use (word indices). */
  #entries: number[] = [];
  /** Pages of the active address space that jump cache entries or links point into, and their frames. */
  readonly #linkedPages = new Map<number, FrameNumber>();
  #generation = 1;
  /** The way of the jump cache whose entry went last for want of a free one. */
  #nextVictim = 0;

  constructor(phys: PhysicalMemory) {
    this.#phys = phys;
    this.#words = phys.i32;
    this.#words[GENERATION >> 2] = this.#generation;
    this.#words.fill(NO_RIP, JUMP_CACHE >> 2, (JUMP_CACHE + JUMP_CACHE_BYTES) >> 2);
  }

  get blocks(): number {
    return this.#byRecord.size;
  }

  get generation(): number {
    return this.#generation;
  }

  find(frame: FrameNumber, lo: number, hi: number, mode: number): Block | undefined {
    return this.#byFrame.get(frame)?.get(keyOf(lo, hi, mode));
  }

  blockAt(record: number): Block | undefined {
    return this.#byRecord.get(record);
  }

  /** Keeps a block for good; its frames now hold code. Returns whether a frame has just become one that does. */
  add(block: Block): boolean {
    let fresh = this.#addTo(block.frame, block);
    if (block.frame2 >= 0) fresh = this.#addTo(block.frame2, block) || fresh;
    this.#byRecord.set(block.record, block);
    return fresh;
  }

  #addTo(frame: FrameNumber, block: Block): boolean {
    let blocks = this.#byFrame.get(frame);
    if (blocks === undefined) this.#byFrame.set(frame, (blocks = new Map()));
    blocks.set(keyOf(block.lo, block.hi, block.mode), block);
    if (this.#phys.hasCode(frame)) return false;
    this.#phys.setCode(frame);
    return true;
  }

  /** The record that the jump cache knows for an address, or 0. */
  jump(lo: number, hi: number): number {
    const words = this.#words;
    const first = setOf(lo, hi);
    for (let at = first; at < first + JUMP_CACHE_WAYS * ENTRY_WORDS; at += ENTRY_WORDS) {
      if (words[at] === lo && words[at + 1] === hi) return words[at + 2] as number;
    }
    return 0;
  }

  /** Makes the block known to the jump cache of the running code. */
  link(block: Block): void {
    const words = this.#words;
    const { lo, hi } = block;
    const first = setOf(lo, hi);
    let way = 0;
    while (way < JUMP_CACHE_WAYS && !isFree(words, first + way * ENTRY_WORDS, lo, hi)) way++;
    if (way === JUMP_CACHE_WAYS) way = this.#nextVictim = (this.#nextVictim + 1) % JUMP_CACHE_WAYS;
    const at = first + way * ENTRY_WORDS;
    words[at] = lo;
    words[at + 1] = hi;
    words[at + 2] = block.record;
    words[at + 3] = block.region;
    this.#entries.push(at);
    const page = Math.floor(((block.hi >>> 0) * TWO32 + (block.lo >>> 0)) / 4096);
    this.#linkedPages.set(page, block.frame);
    if (block.frame2 >= 0) this.#linkedPages.set(page + 1, block.frame2);
    for (const { page: other, frame } of block.regionPages) this.#linkedPages.set(other, frame);
  }

  /** The frame of a page that running code may lie in, or -1. */
  frameOf(page: number): FrameNumber | -1 {
    return this.#linkedPages.get(page) ?? -1;
  }

  /** Cuts all links and empties the jump cache; the blocks stay. */
  unlinkAll(): void {
    const words = this.#words;
    this.#generation++;
    words[GENERATION >> 2] = this.#generation;
    for (const at of this.#entries) {
      words[at] = NO_RIP;
      words[at + 1] = NO_RIP;
    }
    this.#entries = [];
    this.#linkedPages.clear();
  }

  /** Unlinks if running code may point into these pages. */
  unlinkPages(first: number, count: number): void {
    if (this.#linkedPages.size === 0) return;
    if (count > this.#linkedPages.size) {
      for (const page of this.#linkedPages.keys()) {
        if (page >= first && page < first + count) return this.unlinkAll();
      }
      return;
    }
    for (let i = 0; i < count; i++) if (this.#linkedPages.has(first + i)) return this.unlinkAll();
  }

  /** Drops the blocks made from the frame's bytes. */
  dropFrame(frame: FrameNumber): void {
    const blocks = this.#byFrame.get(frame);
    if (blocks === undefined) return;
    for (const [key, block] of blocks) {
      block.valid = false;
      this.#byRecord.delete(block.record);
      const other = block.frame === frame ? block.frame2 : block.frame;
      if (other >= 0) this.#byFrame.get(other)?.delete(key);
    }
    this.#byFrame.delete(frame);
    this.unlinkAll();
  }

  /** Drops everything: the arena is about to be reused. */
  clear(): void {
    for (const frame of this.#byFrame.keys()) this.#phys.clearCode(frame);
    for (const block of this.#byRecord.values()) block.valid = false;
    this.#byFrame.clear();
    this.#byRecord.clear();
    this.unlinkAll();
  }
}
