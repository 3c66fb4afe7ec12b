/** /proc/PID/clear_refs (fs/proc/task_mmu.c, clear_refs_write()): pages count as not referenced until they are next. */
import { EINVAL } from "../abi/errno.ts";
import { PTE_A, pteMapped } from "../memory/page-tables.ts";
import { FrameFlag } from "../memory/physical.ts";
import type { AddressSpace } from "./address-space.ts";

/** What is written: which pages, or that the peak of resident memory starts anew. */
export const ClearRefs = { all: 1, anonymous: 2, mapped: 3, softDirty: 4, peak: 5 } as const;

/** 0 or -EINVAL. Soft-dirty bits are kept in no page table: clearing them changes nothing. */
export function clearRefs(mm: AddressSpace, kind: number): number {
  if (kind < ClearRefs.all || kind > ClearRefs.peak) return -EINVAL;
  if (kind === ClearRefs.peak) mm.resetHighWater();
  if (kind >= ClearRefs.softDirty) return 0;
  const { i32, flags } = mm.phys;
  for (const vma of mm.vmas) {
    const hasFile = vma.file !== undefined;
    if (vma.special !== undefined || kind === (hasFile ? ClearRefs.anonymous : ClearRefs.mapped)) continue;
    const first = vma.start / 4096;
    mm.pageTables.forEachPte(first, vma.end / 4096, (at) => {
      const pte = i32[at];
      if (!pteMapped(pte)) return;
      i32[at] = pte & ~PTE_A;
      flags[pte >>> 12] &= ~FrameFlag.referenced;
    });
    mm.pageTables.invalidateRange(first, vma.pages);
  }
  return 0;
}
