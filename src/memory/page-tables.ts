/**
 * Page tables in guest frames, in the bit layout of the SDM (volume 3, sections 4.3 and 4.5): four levels of 512 64-bit
 * entries, or two levels of 1024 32-bit entries. `walk` is the hardware's part and always reads the tables; the rest is
 * the kernel's part. Frames lie below 4 GiB, so the high half of a 64-bit entry holds nothing but NX.
 */
import type { FrameNumber, PageNumber } from "../base/address.ts";
import type { PhysicalMemory } from "./physical.ts";
import { Access, type AddressTranslation, PF_INSTR, PF_PRESENT, PF_USER, PF_WRITE } from "./translation.ts";

export const PTE_P = 1;
export const PTE_RW = 2;
export const PTE_US = 4;
export const PTE_A = 0x20;
export const PTE_D = 0x40;
/**
 * Software's meaning of bit 8 in an entry that is not present: the page stays mapped, without access (PROT_NONE).
 * arch/x86/include/asm/pgtable_types.h, _PAGE_BIT_PROTNONE.
 */
export const PTE_PROTNONE = 0x100;
/** A guard page (MADV_GUARD_INSTALL): the whole entry, mapping no frame. */
export const PTE_GUARD = 0x200;
/** XD, bit 63: bit 31 of the high half. */
export const PTE_NX_HIGH = 0x8000_0000 | 0;
/** Entries that refer to a table: present, writable, user, accessed, dirty (_PAGE_TABLE). */
const TABLE_ENTRY = 0x67;

/** True for an entry that maps a frame, accessible or not (pte_present). */
export function pteMapped(pte: number): boolean {
  return (pte & (PTE_P | PTE_PROTNONE)) !== 0;
}

export interface PageTableFormat {
  readonly levels: 2 | 4;
  /** Whether entries have an execute-disable bit (never with two levels). */
  readonly nx: boolean;
}

export class PageTables implements AddressTranslation {
  readonly phys: PhysicalMemory;
  readonly format: PageTableFormat;
  /** CR3: the frame of the top-level table. */
  readonly root: FrameNumber;
  /** Whom translation caches know this address space by. */
  readonly owner: AddressTranslation;
  /** Words (32 bit) of an entry, and entries of a table as a power of two. */
  readonly pteWords: 1 | 2;
  readonly leafBits: 9 | 10;
  /** Frames in use by tables of level 1 (leaf), and by those between leaf and root. */
  leafTables = 0;
  upperTables = 0;

  /** The last leaf table found, by region (page number >> leafBits): an index into u32, or 0. */
  #lastRegion = -1;
  #lastLeaf = 0;

  /** `root` may be -1 if no frame was left: see `valid`. */
  constructor(phys: PhysicalMemory, format: PageTableFormat, owner?: AddressTranslation) {
    this.phys = phys;
    this.format = format;
    this.owner = owner ?? this;
    this.pteWords = format.levels === 4 ? 2 : 1;
    this.leafBits = format.levels === 4 ? 9 : 10;
    this.root = phys.allocFrame();
  }

  get valid(): boolean {
    return this.root >= 0;
  }

  /** SDM volume 3, sections 4.6 and 4.7: permission of the levels combined, error code, accessed and dirty bits. */
  walk(page: PageNumber, access: Access): FrameNumber {
    const i32 = this.phys.i32;
    const write = access === Access.write;
    const fetch = access === Access.execute && this.format.nx;
    const code = PF_USER | (write ? PF_WRITE : 0) | (fetch ? PF_INSTR : 0);
    const region = Math.floor(page / (1 << this.leafBits));
    let table = this.root * 1024;
    let rights = PTE_RW | PTE_US;
    let noExec = 0;
    let at = 0;
    let entry = 0;
    if (this.format.levels === 4) {
      if (region < 0 || region >= 0x8000000) return -code - 1;
      for (let shift = 18; shift >= 0; shift -= 9) {
        at = table + ((region >>> shift) & 511) * 2;
        entry = i32[at];
        if ((entry & PTE_P) === 0) return -code - 1;
        rights &= entry;
        noExec |= i32[at + 1];
        if ((entry & PTE_A) === 0) i32[at] = entry | PTE_A;
        table = (entry >>> 12) * 1024;
      }
      at = table + (page & 511) * 2;
      noExec |= i32[at + 1];
    } else {
      if (region < 0 || region >= 1024) return -code - 1;
      at = table + region;
      entry = i32[at];
      if ((entry & PTE_P) === 0) return -code - 1;
      rights &= entry;
      if ((entry & PTE_A) === 0) i32[at] = entry | PTE_A;
      at = (entry >>> 12) * 1024 + (page & 1023);
    }
    entry = i32[at];
    if ((entry & PTE_P) === 0) return -code - 1;
    rights &= entry;
    if ((rights & PTE_US) === 0 || (write && (rights & PTE_RW) === 0) || (fetch && noExec < 0)) {
      return -(code | PF_PRESENT) - 1;
    }
    const used = entry | (write ? PTE_A | PTE_D : PTE_A);
    if (used !== entry) i32[at] = used;
    return entry >>> 12;
  }

  /** Index into `phys.i32` of the entry that maps `page`, or 0 if there is no leaf table for it. */
  findPte(page: PageNumber): number {
    const region = Math.floor(page / (1 << this.leafBits));
    if (region !== this.#lastRegion) {
      const leaf = this.#leaf(region, false);
      if (leaf <= 0) return 0;
      this.#lastRegion = region;
      this.#lastLeaf = leaf;
    }
    return this.#lastLeaf + (page & ((1 << this.leafBits) - 1)) * this.pteWords;
  }

  /** As `findPte`, but makes the missing tables; -1 if no frame is left. */
  makePte(page: PageNumber): number {
    const region = Math.floor(page / (1 << this.leafBits));
    if (region !== this.#lastRegion) {
      const leaf = this.#leaf(region, true);
      if (leaf < 0) return -1;
      this.#lastRegion = region;
      this.#lastLeaf = leaf;
    }
    return this.#lastLeaf + (page & ((1 << this.leafBits) - 1)) * this.pteWords;
  }

  /** Makes the tables above the leaf table of `page` (pmd_alloc); false if no frame is left. */
  makeUpper(page: PageNumber): boolean {
    if (this.format.levels === 2) return true;
    const region = Math.floor(page / (1 << this.leafBits));
    let table = this.root * 1024;
    for (let shift = 18; shift > 0; shift -= 9) {
      table = this.#step(table + ((region >>> shift) & 511) * 2, true, shift);
      if (table < 0) return false;
    }
    return true;
  }

  /** Writes the entry at `at` (as from `makePte`); `nx` is ignored where the format has no such bit. */
  setPte(at: number, frame: FrameNumber, bits: number, nx: boolean): void {
    const i32 = this.phys.i32;
    i32[at] = (frame << 12) | bits;
    if (this.pteWords === 2) i32[at + 1] = nx && this.format.nx ? PTE_NX_HIGH : 0;
  }

  clearPte(at: number): void {
    this.phys.i32[at] = 0;
    if (this.pteWords === 2) this.phys.i32[at + 1] = 0;
  }

  /** Changes only the low 12 bits of the entry, and NX. */
  changePte(at: number, bits: number, nx: boolean): void {
    this.setPte(at, this.phys.i32[at] >>> 12, bits, nx);
  }

  /**
   * Calls `visit` for each entry of [first, last) that is not zero, with its index and page; skips where no table is.
   */
  forEachPte(first: PageNumber, last: PageNumber, visit: (at: number, page: PageNumber) => void): void {
    const i32 = this.phys.i32;
    const span = 1 << this.leafBits;
    let page = first;
    while (page < last) {
      const region = Math.floor(page / span);
      const end = Math.min(last, (region + 1) * span);
      const leaf = this.#leaf(region, false);
      if (leaf > 0) {
        let at = leaf + (page & (span - 1)) * this.pteWords;
        for (; page < end; page++, at += this.pteWords) if (i32[at] !== 0) visit(at, page);
      } else if (leaf < 0) {
        page = Math.max(end, -leaf * span);
        continue;
      }
      page = end;
    }
  }

  /**
   * Frees the tables that lie wholly in [floor, ceiling) and overlap [first, last), all in pages: what remains of the
   * neighbours keeps theirs (mm/memory.c free_pgd_range). Entries must be clear already. `ceiling` may be Infinity.
   */
  freeTables(first: PageNumber, last: PageNumber, floor: PageNumber, ceiling: PageNumber): void {
    this.#lastRegion = -1;
    const top = this.format.levels === 4 ? 27 : 10;
    this.#freeBelow(this.root * 1024, top, 0, first, last, floor, ceiling);
  }

  /** Bytes of page tables without the top one (mm->pgtables_bytes). */
  get tableBytes(): number {
    return (this.leafTables + this.upperTables) * 4096;
  }

  /** Frees all tables, the root too. Entries must be clear already. */
  destroy(): void {
    this.freeTables(0, Number.POSITIVE_INFINITY, 0, Number.POSITIVE_INFINITY);
    this.phys.put(this.root);
    this.phys.cache?.invalidateSpace(this.owner);
  }

  /** Tells caches that the entry of `page` was removed, narrowed or changed its frame. */
  invalidate(page: PageNumber): void {
    this.phys.cache?.invalidatePage(this.owner, page);
  }

  invalidateRange(first: PageNumber, count: number): void {
    this.phys.cache?.invalidateRange(this.owner, first, count);
  }

  /**
   * The leaf table of a region as an index into u32. Without one: if `make`, makes it (or returns -1 when out of frames);
   * else returns minus the next region that may have one, or 0 for a region number out of range.
   */
  #leaf(region: number, make: boolean): number {
    const i32 = this.phys.i32;
    let table = this.root * 1024;
    if (this.format.levels === 2) {
      if (region >= 1024) return make ? -1 : 0;
      return this.#step(table + region, make, 0) || -(region + 1);
    }
    if (region >= 0x8000000) return make ? -1 : 0;
    for (let shift = 18; shift >= 0; shift -= 9) {
      const at = table + ((region >>> shift) & 511) * 2;
      const entry = i32[at];
      if ((entry & PTE_P) !== 0) {
        table = (entry >>> 12) * 1024;
        continue;
      }
      if (!make) return -(((region >>> shift) + 1) * 2 ** shift);
      table = this.#step(at, true, shift);
      if (table < 0) return -1;
    }
    return table;
  }

  /** The table that the entry at `at` refers to; makes it if asked; 0 if absent, -1 if out of frames. */
  #step(at: number, make: boolean, shift: number): number {
    const i32 = this.phys.i32;
    const entry = i32[at];
    if ((entry & PTE_P) !== 0) return (entry >>> 12) * 1024;
    if (!make) return 0;
    const frame = this.phys.allocFrame();
    if (frame < 0) return -1;
    i32[at] = (frame << 12) | TABLE_ENTRY;
    if (shift === 0) this.leafTables++;
    else this.upperTables++;
    return frame * 1024;
  }

  /** Each entry of `table`, whose first page is `base`, covers 2^spanBits pages. */
  #freeBelow(
    table: number,
    spanBits: number,
    base: PageNumber,
    first: PageNumber,
    last: PageNumber,
    floor: PageNumber,
    ceiling: PageNumber,
  ): void {
    const i32 = this.phys.i32;
    const span = 2 ** spanBits;
    const leafIsChild = spanBits === this.leafBits;
    const from = Math.max(0, Math.floor((first - base) / span));
    const to = Math.min(1 << this.leafBits, Math.ceil((last - base) / span));
    for (let i = from; i < to; i++) {
      const at = table + i * this.pteWords;
      const entry = i32[at];
      if ((entry & PTE_P) === 0) continue;
      const start = base + i * span;
      const child = entry >>> 12;
      if (!leafIsChild) this.#freeBelow(child * 1024, spanBits - 9, start, first, last, floor, ceiling);
      if (start < floor || start + span > ceiling) continue;
      this.clearPte(at);
      this.phys.put(child);
      if (leafIsChild) this.leafTables--;
      else this.upperTables--;
    }
  }
}
