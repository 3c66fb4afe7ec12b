/** A virtual memory area (struct vm_area_struct). */

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

/** The part of a `VmaList` that an area is in, as far as the area knows it. */
export interface VmaHome {
  /** Bounds in it changed. */
  noteBounds(): void;
}

export class Vma {
  #start: number;
  #end: number;
  /** Neighbours in the list, and where it keeps this area: the list's own fields. */
  prev: Vma | undefined = undefined;
  next: Vma | undefined = undefined;
  home: VmaHome | undefined = undefined;
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
    this.#start = start;
    this.#end = end;
    this.flags = flags;
    this.pgoff = pgoff;
    this.file = file;
    this.mappable = mappable;
    this.special = special;
    this.updateProtection();
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  /** Moves the bounds; the area must not pass a neighbour. `pgoff` is the caller's to keep in step. */
  setBounds(start: number, end: number): void {
    this.#start = start;
    this.#end = end;
    this.home?.noteBounds();
    this.next?.home?.noteBounds();
  }

  get pages(): number {
    return (this.#end - this.#start) / 4096;
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
