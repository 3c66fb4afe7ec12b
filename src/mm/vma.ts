/** A virtual memory area (struct vm_area_struct) and the sorted list of them. */

import type { FrameNumber } from "../base/address.ts";
import { PTE_A, PTE_P, PTE_PROTNONE, PTE_RW, PTE_US } from "../memory/page-tables.ts";
import type { Mappable, MappedFile } from "./mappable.ts";
import { VM_ACCESS_FLAGS, VM_EXEC, VM_SHARED, VM_WRITE } from "./vm-flags.ts";

/** struct anon_vma: only its identity matters, for merging. */
export class AnonVma {
  readonly id: number;
  constructor(id: number) {
    this.id = id;
  }
}

/** A mapping the kernel made of its own pages: [vdso], [vvar] (struct vm_special_mapping). */
export interface SpecialMapping {
  readonly name: string;
  readonly frames: readonly FrameNumber[];
}

export class Vma {
  start: number;
  end: number;
  flags: number;
  /** Offset in pages; of anonymous memory its first address / 4096 when it was mapped. */
  pgoff: number;
  readonly file: MappedFile | undefined;
  /** Whose pages are mapped; undefined for anonymous memory (private /dev/zero has a file, but no pages of it). */
  readonly mappable: Mappable | undefined;
  readonly special: SpecialMapping | undefined;
  anonVma: AnonVma | undefined = undefined;
  /** The anon_vma came through fork: there is more than one on the chain. */
  anonInherited = false;
  /** Bits of a PTE that maps a page for reading (vm_page_prot): present, user, accessed, and writable if shared so. */
  pteBits = 0;
  nx = false;

  constructor(
    start: number,
    end: number,
    flags: number,
    pgoff: number,
    file: MappedFile | undefined,
    mappable: Mappable | undefined,
    special?: SpecialMapping,
  ) {
    this.start = start;
    this.end = end;
    this.flags = flags;
    this.pgoff = pgoff;
    this.file = file;
    this.mappable = mappable;
    this.special = special;
    this.updateProtection();
  }

  get pages(): number {
    return (this.end - this.start) / 4096;
  }

  /** vma_is_anonymous: demand-zero memory. */
  get anonymous(): boolean {
    return this.mappable === undefined && this.special === undefined;
  }

  /** vma_wants_writenotify: clean pages of a shared file mapping stay write-protected. */
  get wantsWriteNotify(): boolean {
    return (this.flags & (VM_SHARED | VM_WRITE)) === (VM_SHARED | VM_WRITE) && this.mappable?.kind === "file";
  }

  /** vma_set_page_prot; call after each change of flags. */
  updateProtection(): void {
    const flags = this.flags;
    this.nx = (flags & VM_EXEC) === 0;
    if ((flags & VM_ACCESS_FLAGS) === 0) {
      this.pteBits = PTE_PROTNONE | PTE_A;
      return;
    }
    const writable = (flags & (VM_SHARED | VM_WRITE)) === (VM_SHARED | VM_WRITE) && !this.wantsWriteNotify;
    this.pteBits = PTE_P | PTE_US | PTE_A | (writable ? PTE_RW : 0);
  }

  /** A VMA of the same object with other bounds, for splits and copies. */
  cloneRange(start: number, end: number): Vma {
    const pgoff = this.pgoff + (start - this.start) / 4096;
    const copy = new Vma(start, end, this.flags, pgoff, this.file, this.mappable, this.special);
    copy.anonVma = this.anonVma;
    copy.anonInherited = this.anonInherited;
    return copy;
  }
}

/** VMAs in ascending order, without overlap. */
export class VmaList {
  readonly #list: Vma[] = [];
  /** Index of the last hit. */
  #hit = 0;

  get count(): number {
    return this.#list.length;
  }

  at(index: number): Vma | undefined {
    return this.#list[index];
  }

  /** Index of the first VMA that ends above `addr` (find_vma); `count` if there is none. */
  indexOf(addr: number): number {
    const list = this.#list;
    const hit = this.#hit;
    if (
      hit < list.length &&
      addr < list[hit].end &&
      (addr >= list[hit].start || hit === 0 || list[hit - 1].end <= addr)
    ) {
      return hit;
    }
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle].end > addr) high = middle;
      else low = middle + 1;
    }
    if (low < list.length) this.#hit = low;
    return low;
  }

  /** The first VMA that ends above `addr`; it may start above it too. */
  find(addr: number): Vma | undefined {
    return this.#list[this.indexOf(addr)];
  }

  /** The VMA that contains `addr`. */
  lookup(addr: number): Vma | undefined {
    const vma = this.#list[this.indexOf(addr)];
    return vma !== undefined && vma.start <= addr ? vma : undefined;
  }

  /** The first VMA that overlaps [start, end). */
  intersection(start: number, end: number): Vma | undefined {
    const vma = this.find(start);
    return vma !== undefined && vma.start < end ? vma : undefined;
  }

  insert(vma: Vma): void {
    this.#list.splice(this.indexOf(vma.start), 0, vma);
  }

  remove(vma: Vma): void {
    this.#list.splice(this.indexOf(vma.start), 1);
  }

  [Symbol.iterator](): IterableIterator<Vma> {
    return this.#list[Symbol.iterator]();
  }
}
