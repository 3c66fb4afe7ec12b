/** The TLB in the host area: filled by the dispatcher after a page walk, probed inline by both tiers (layout: layout.ts). */
import type { FrameNumber } from "../base/address.ts";
import { TLB, TLB_ADDEND, TLB_ENTRIES, TLB_ENTRY_SHIFT, TLB_READ, TLB_WRITE } from "./layout.ts";

const INDEX_MASK = TLB_ENTRIES - 1;

export class Tlb {
  readonly #words: Int32Array;
  /** TLB misses that a page walk repaired; for --stats. */
  fills = 0;

  constructor(buffer: ArrayBuffer) {
    this.#words = new Int32Array(buffer, TLB, (TLB_ENTRIES << TLB_ENTRY_SHIFT) / 4);
    this.flush();
  }

  /**
   * Enters the page at linear address (lo, hi) → frame. The read tag is always set; the write tag if `writable`. A wrapped
   * 32-bit address (hi ≠ 0) enters as an alias: its addend is the same, and its index too.
   */
  fill(lo: number, hi: number, frame: FrameNumber, writable: boolean): void {
    this.fills++;
    const words = this.#words;
    const at = ((lo >>> 12) & INDEX_MASK) << (TLB_ENTRY_SHIFT - 2);
    const tag = lo & ~0xfff;
    const keepsWrite = words[at] === tag && words[at + 1] === hi;
    words[at + TLB_READ / 4] = tag;
    words[at + TLB_READ / 4 + 1] = hi;
    if (writable) {
      words[at + TLB_WRITE / 4] = tag;
      words[at + TLB_WRITE / 4 + 1] = hi;
    } else if (!keepsWrite) {
      words[at + TLB_WRITE / 4] = -1;
      words[at + TLB_WRITE / 4 + 1] = -1;
    }
    words[at + TLB_ADDEND / 4] = (frame * 4096 - tag) | 0;
  }

  /** Forgets the page, and aliases of it. */
  flushPage(page: number): void {
    const at = (page & INDEX_MASK) << (TLB_ENTRY_SHIFT - 2);
    this.#words.fill(-1, at, at + 4);
  }

  flushRange(first: number, count: number): void {
    if (count >= TLB_ENTRIES) this.flush();
    else for (let i = 0; i < count; i++) this.flushPage((first + i) % 0x1_0000_0000);
  }

  /** Takes write access away from all pages: a frame has just become code. */
  flushWrites(): void {
    const words = this.#words;
    for (let at = TLB_WRITE / 4; at < words.length; at += 1 << (TLB_ENTRY_SHIFT - 2)) {
      words[at] = -1;
      words[at + 1] = -1;
    }
  }

  flush(): void {
    this.#words.fill(-1);
  }
}
