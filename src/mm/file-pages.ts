/** From a file to the page-table entries that map it (mm/rmap.c), over all address spaces of the machine. */
import type { PageNumber } from "../base/address.ts";
import { PTE_D, PTE_RW, pteMapped } from "../memory/page-tables.ts";
import { FrameFlag } from "../memory/physical.ts";
import type { AddressSpace } from "./address-space.ts";
import { zapRange } from "./munmap.ts";
import type { MemorySystem } from "./system.ts";
import type { Vma } from "./vma.ts";

/** Which inode: `dev` and `ino` of a `Mappable`. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

type Visit = (mm: AddressSpace, vma: Vma, first: PageNumber, last: PageNumber) => void;

/** Calls `visit` with the pages [first, last) of each VMA that map file pages [from, to). */
function forEachMapper(system: MemorySystem, file: FileIdentity, from: number, to: number, visit: Visit): void {
  for (const mm of system.spaces) {
    for (const vma of mm.vmas) {
      const { mappable } = vma;
      if (mappable === undefined || mappable.ino !== file.ino || mappable.dev !== file.dev) continue;
      const base = vma.start / 4096 - vma.pgoff;
      const first = Math.max(vma.start / 4096, base + from);
      const last = Math.min(vma.end / 4096, base + to);
      if (first < last) visit(mm, vma, first, last);
    }
  }
}

/**
 * unmap_mapping_range: pages [from, to) of the file are gone (truncation, punched holes): nobody maps them any more,
 * private copies included unless `keepCopies`.
 */
export function unmapFilePages(
  system: MemorySystem,
  file: FileIdentity,
  from: number,
  to: number,
  keepCopies = false,
): void {
  forEachMapper(system, file, from, to, (mm, _vma, first, last) => {
    if (!keepCopies) {
      zapRange(mm, first * 4096, last * 4096);
      return;
    }
    for (let page = first; page < last; page++) {
      const at = mm.pageTables.findPte(page);
      const pte = at === 0 ? 0 : mm.phys.i32[at];
      if (!pteMapped(pte) || mm.phys.flags[pte >>> 12] & FrameFlag.anon) continue;
      zapRange(mm, page * 4096, (page + 1) * 4096);
    }
  });
}

/** Writeback of pages [from, to) (folio_mkclean): clean, and write-protected so that the next write is noticed. */
export function cleanFilePages(system: MemorySystem, file: FileIdentity, from: number, to: number): void {
  forEachMapper(system, file, from, to, (mm, vma, first, last) => {
    const { i32, flags } = mm.phys;
    let any = false;
    mm.pageTables.forEachPte(first, last, (at) => {
      const pte = i32[at];
      const frame = pte >>> 12;
      if (!pteMapped(pte) || flags[frame] & FrameFlag.anon) return;
      flags[frame] &= ~FrameFlag.dirty;
      if ((pte & (PTE_D | PTE_RW)) === 0) return;
      any = true;
      i32[at] = pte & ~(PTE_D | (vma.wantsWriteNotify ? PTE_RW : 0));
    });
    if (any) mm.pageTables.invalidateRange(first, last - first);
  });
}
