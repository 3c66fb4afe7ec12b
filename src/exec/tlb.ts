/** The TLB in the host area: filled by the dispatcher after a page walk, probed inline by both tiers (layout: layout.ts). */
import type { FrameNumber } from "../base/address.ts";
import {
  TLB,
  TLB_ADDEND,
  TLB_BITS,
  TLB_ENTRIES,
  TLB_ENTRY_SHIFT,
  TLB_READ,
  TLB_READ_BASE,
  TLB_WRITE,
  TLB_WRITE_BASE,
} from "./layout.ts";

const INDEX_MASK = TLB_ENTRIES - 1;
const PAGE = 4096;
const TWO32 = 0x1_0000_0000;
const WORDS_SHIFT = TLB_ENTRY_SHIFT - 2;
const ADDEND = TLB_ADDEND / 4;
/** Longest extent: offsets within it stay far from wrapping. */
const MAX_EXTENT = 2 ** 30;

export class Tlb {
  readonly #words: Int32Array;
  /**
   * By index: a page of this index lies in an extent of several pages, so that forgetting it means forgetting extents elsewhere
   * (also when another page has taken its entry).
   */
  readonly #shared = new Uint8Array(1 << TLB_BITS);
  /** TLB misses that a page walk repaired; for --stats. */
  fills = 0;

  constructor(buffer: ArrayBuffer) {
    this.#words = new Int32Array(buffer, TLB, TLB_ENTRIES << WORDS_SHIFT);
    this.flush();
  }

  /**
   * Enters the page at linear address (lo, hi) → frame. The read tag is always set; the write tag if `writable`. A wrapped
   * 32-bit address (hi ≠ 0) enters as an alias: its addend is the same, and its index too.
   */
  fill(lo: number, hi: number, frame: FrameNumber, writable: boolean): void {
    this.fills++;
    const words = this.#words;
    const index = (lo >>> 12) & INDEX_MASK;
    const at = index << WORDS_SHIFT;
    const tag = lo & ~0xfff;
    const addend = (frame * PAGE - tag) | 0;
    const same = words[at] === tag && words[at + 1] === hi && words[at + ADDEND] === addend;
    words[at + ADDEND] = addend;
    this.#enter(index, tag, hi, TLB_READ / 4, TLB_READ_BASE / 4);
    if (writable) this.#enter(index, tag, hi, TLB_WRITE / 4, TLB_WRITE_BASE / 4);
    else if (!same) words.fill(-1, at + TLB_WRITE / 4, at + TLB_WRITE / 4 + 2);
  }

  /** Sets a tag and its extent: this page and the runs of its neighbours, where they have the same addend. */
  #enter(index: number, tag: number, hi: number, tagAt: number, extentAt: number): void {
    const words = this.#words;
    const at = index << WORDS_SHIFT;
    words[at + tagAt] = tag;
    words[at + tagAt + 1] = hi;
    const address = (hi >>> 0) * TWO32 + (tag >>> 0);
    let from = address;
    let to = address + PAGE;
    const before = this.#neighbour(index, address - PAGE, tagAt);
    if (before >= 0) from = this.#number(before + extentAt);
    const after = this.#neighbour(index, address + PAGE, tagAt);
    if (after >= 0) to = this.#number(after + extentAt) + this.#number(after + extentAt + 2);
    if (to - from > MAX_EXTENT || from > address || to < address + PAGE) {
      from = address;
      to = address + PAGE;
    } else if (to - from > PAGE) {
      this.#shared[index] = 1;
      if (before >= 0) this.#shared[before >> WORDS_SHIFT] = 1;
      if (after >= 0) this.#shared[after >> WORDS_SHIFT] = 1;
    }
    this.#setNumber(at + extentAt, from);
    this.#setNumber(at + extentAt + 2, to - from);
  }

  /** Word index of the entry of a neighbouring page if it is there, with the same addend as entry `index`; else -1. */
  #neighbour(index: number, address: number, tagAt: number): number {
    if (address < 0) return -1;
    const words = this.#words;
    const at = (Math.floor(address / PAGE) & INDEX_MASK) << WORDS_SHIFT;
    if (words[at + ADDEND] !== words[(index << WORDS_SHIFT) + ADDEND]) return -1;
    return words[at + tagAt] === (address | 0) && words[at + tagAt + 1] === Math.floor(address / TWO32) ? at : -1;
  }

  #number(at: number): number {
    return (this.#words[at + 1] as number) * TWO32 + ((this.#words[at] as number) >>> 0);
  }

  #setNumber(at: number, value: number): void {
    this.#words[at] = value | 0;
    this.#words[at + 1] = Math.floor(value / TWO32);
  }

  /** Forgets the page, and aliases of it. */
  flushPage(page: number): void {
    const index = page & INDEX_MASK;
    if (this.#shared[index] === 1) {
      this.flush();
      return;
    }
    this.#words.fill(-1, index << WORDS_SHIFT, (index << WORDS_SHIFT) + 4);
  }

  flushRange(first: number, count: number): void {
    if (count >= TLB_ENTRIES) this.flush();
    else for (let i = 0; i < count; i++) this.flushPage((first + i) % TWO32);
  }

  /** Takes write access away from all pages: a frame has just become code. */
  flushWrites(): void {
    const words = this.#words;
    for (let at = TLB_WRITE / 4; at < words.length; at += 1 << WORDS_SHIFT) {
      words[at] = -1;
      words[at + 1] = -1;
    }
  }

  flush(): void {
    this.#words.fill(-1);
    this.#shared.fill(0);
  }
}
