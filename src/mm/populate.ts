/** mm_populate: faults a range in ahead of its use, for MAP_POPULATE, mlock(2) and MADV_POPULATE_*. */
import { EFAULT, ENOMEM } from "../abi/errno.ts";
import type { PageNumber } from "../base/address.ts";
import { PTE_D, PTE_RW, pteMapped } from "../memory/page-tables.ts";
import { FrameFlag } from "../memory/physical.ts";
import type { AddressSpace } from "./address-space.ts";
import { faultPage } from "./fault.ts";
import { FAULT_DONE, FAULT_OOM } from "./fault-result.ts";
import { VM_ACCESS_FLAGS, VM_LOCKONFAULT, VM_PFNMAP, VM_SHARED, VM_WRITE } from "./vm-flags.ts";
import type { Vma } from "./vma.ts";

/**
 * Populates [start, end): private writable VMAs by write faults, others by reads. 0, or the error of the first page that
 * could not be had (mlock reports it, mmap does not).
 */
export function populate(mm: AddressSpace, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const vma = mm.vmas.find(at);
    if (vma === undefined || vma.start >= end) break;
    at = Math.max(at, vma.start);
    const stop = Math.min(end, vma.end);
    if (!(vma.flags & (VM_PFNMAP | VM_LOCKONFAULT))) {
      const write = (vma.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE;
      const error = populateVma(mm, vma, at, stop, write);
      if (error < 0) return error;
    }
    at = stop;
  }
  return 0;
}

/** faultin_page over a range within one VMA: 0, -EFAULT, -ENOMEM. */
export function populateVma(mm: AddressSpace, vma: Vma, start: number, end: number, write: boolean): number {
  if (write ? (vma.flags & VM_WRITE) === 0 : (vma.flags & VM_ACCESS_FLAGS) === 0) return -EFAULT;
  for (let page = start / 4096; page < end / 4096; page++) {
    const at = mm.pageTables.findPte(page);
    const pte = at === 0 ? 0 : mm.phys.i32[at];
    if (!pteMapped(pte) || (write && !(pte & PTE_RW))) {
      const result = faultPage(mm, vma, page, write);
      if (result === FAULT_OOM) return -ENOMEM;
      if (result !== FAULT_DONE) return -EFAULT;
      mm.minorFaults++;
    }
    markAccessed(mm, page, write);
  }
  return 0;
}

/** follow_page_pte with FOLL_TOUCH: the page counts as referenced and, if it is to be written, as dirty. */
function markAccessed(mm: AddressSpace, page: PageNumber, write: boolean): void {
  const { i32, flags } = mm.phys;
  const at = mm.pageTables.findPte(page);
  if (at === 0) return;
  const frame = i32[at] >>> 12;
  flags[frame] |= FrameFlag.referenced | (write && (i32[at] & PTE_D) === 0 ? FrameFlag.dirty : 0);
}
