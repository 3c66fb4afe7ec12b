/**
 * The TLB in the host area: filled by page walks, probed inline by both tiers (layout: layout.ts). What is done for a miss or
 * for a page that changed is compiled code: src/exec/interp/tlb-functions.ts.
 */
import type { FrameNumber } from "../base/address.ts";
import { TLB, TLB_ENTRIES, TLB_ENTRY_SHIFT, TLB_WRITE } from "./layout.ts";

const WORDS_SHIFT = TLB_ENTRY_SHIFT - 2;

/** The interpreter module's exports for the TLB. */
export interface TlbExports {
  tlbFill(lo: number, hi: number, frame: number, write: number): void;
  tlbForget(firstPage: number, count: number): void;
}

export class Tlb {
  readonly #words: Int32Array;
  readonly #exports: TlbExports;

  constructor(buffer: ArrayBuffer, exports: TlbExports) {
    this.#words = new Int32Array(buffer, TLB, TLB_ENTRIES << WORDS_SHIFT);
    this.#exports = exports;
    this.flush();
  }

  /**
   * Enters the page at linear address (lo, hi) → frame. The read tag is always set; the write tag if `writable`. A wrapped
   * 32-bit address (hi ≠ 0) enters as an alias: its addend is the same, and its index too.
   */
  fill(lo: number, hi: number, frame: FrameNumber, writable: boolean): void {
    this.#exports.tlbFill(lo, hi, frame, writable ? 1 : 0);
  }

  /** Forgets pages, and aliases of them. */
  flushRange(first: number, count: number): void {
    if (count >= TLB_ENTRIES) this.flush();
    else this.#exports.tlbForget(first, count);
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
  }
}
