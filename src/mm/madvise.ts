/** madvise(2): mm/madvise.c. */
import { EACCES, EBADF, EFAULT, EINVAL, ENOMEM, EOPNOTSUPP, EPERM } from "../abi/errno.ts";
import * as mman from "../abi/mman.ts";
import { pageUp } from "../base/address.ts";
import { PTE_A, PTE_D, PTE_GUARD, pteMapped } from "../memory/page-tables.ts";
import { FrameFlag } from "../memory/physical.ts";
import type { AddressSpace } from "./address-space.ts";
import { forgetPage } from "./fault.ts";
import { modifyFlags, prepareAnonVma } from "./merge.ts";
import { zapRange } from "./munmap.ts";
import { populateVma } from "./populate.ts";
import {
  VM_DONTCOPY,
  VM_DONTDUMP,
  VM_DROPPABLE,
  VM_HUGEPAGE,
  VM_HUGETLB,
  VM_IO,
  VM_LOCKED,
  VM_MAYBE_GUARD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_MERGEABLE,
  VM_NOHUGEPAGE,
  VM_PFNMAP,
  VM_RAND_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SPECIAL,
  VM_WIPEONFORK,
} from "./vm-flags.ts";
import type { Vma } from "./vma.ts";

/** ksm_compatible: the advice is ignored for these. */
const UNMERGEABLE = VM_SHARED | VM_MAYSHARE | VM_SPECIAL | VM_HUGETLB | VM_DROPPABLE;
const UNRECLAIMABLE = VM_LOCKED | VM_PFNMAP | VM_HUGETLB;

export function madviseRange(mm: AddressSpace, addr: number, length: number, advice: number): number {
  if (!mm.generation.madvise.kinds.includes(advice)) return -EINVAL;
  if (addr % 4096 !== 0) return -EINVAL;
  const end = addr + pageUp(length);
  if (end >= mm.wordLimit) return -EINVAL;
  if (end === addr) return 0;
  if (advice === mman.MADV_HWPOISON || advice === mman.MADV_SOFT_OFFLINE) {
    return mm.limits.capSysAdmin ? -EINVAL : -EPERM;
  }
  if (advice === mman.MADV_POPULATE_READ || advice === mman.MADV_POPULATE_WRITE) {
    return populateAdvice(mm, addr, end, advice === mman.MADV_POPULATE_WRITE);
  }
  let hole = 0;
  let start = addr;
  while (start < end) {
    const vma = mm.vmas.find(start);
    if (vma === undefined) return -ENOMEM;
    if (start < vma.start) {
      hole = -ENOMEM;
      start = vma.start;
      if (start >= end) break;
    }
    const stop = Math.min(end, vma.end);
    const error = adviseVma(mm, vma, start, stop, advice);
    if (error < 0) return error;
    start = stop;
  }
  return hole;
}

/** madvise_vma_behavior. */
function adviseVma(mm: AddressSpace, vma: Vma, start: number, end: number, advice: number): number {
  switch (advice) {
    case mman.MADV_REMOVE:
      return removeAdvice(vma, start, end, mm);
    case mman.MADV_WILLNEED:
      return vma.file === undefined && mm.generation.madvise.willNeedAnonymous === "ebadf" ? -EBADF : 0;
    case mman.MADV_COLD:
    case mman.MADV_PAGEOUT:
      if (vma.flags & UNRECLAIMABLE) return -EINVAL;
      if (advice === mman.MADV_COLD) forEachMapped(mm, start, end, (at) => clearBits(mm, at, PTE_A));
      return 0;
    case mman.MADV_DONTNEED:
    case mman.MADV_DONTNEED_LOCKED: {
      const refused = advice === mman.MADV_DONTNEED ? UNRECLAIMABLE : VM_PFNMAP | VM_HUGETLB;
      if (vma.flags & refused) return -EINVAL;
      dropPages(mm, start, end);
      return 0;
    }
    case mman.MADV_FREE:
      if (vma.flags & UNRECLAIMABLE || !vma.anonymous) return -EINVAL;
      forEachMapped(mm, start, end, (at) => lazyFree(mm, at));
      return 0;
    case mman.MADV_COLLAPSE:
      return -EINVAL;
    case mman.MADV_GUARD_INSTALL:
      if (vma.flags & (VM_SPECIAL | VM_LOCKED | VM_HUGETLB)) return -EINVAL;
      // so that fork copies the page tables
      prepareAnonVma(mm, vma);
      vma.flags |= VM_MAYBE_GUARD;
      return installGuards(mm, start, end);
    case mman.MADV_GUARD_REMOVE:
      if (vma.flags & (VM_SPECIAL | VM_HUGETLB)) return -EINVAL;
      mm.pageTables.forEachPte(start / 4096, end / 4096, (at) => {
        if (mm.phys.i32[at] === PTE_GUARD) mm.pageTables.clearPte(at);
      });
      return 0;
    default:
      return adviseFlags(mm, vma, start, end, advice);
  }
}

/** The kinds that are a flag of the VMA; they split and merge. */
function adviseFlags(mm: AddressSpace, vma: Vma, start: number, end: number, advice: number): number {
  let flags = vma.flags;
  switch (advice) {
    case mman.MADV_NORMAL:
      flags &= ~(VM_RAND_READ | VM_SEQ_READ);
      break;
    case mman.MADV_SEQUENTIAL:
      flags = (flags & ~VM_RAND_READ) | VM_SEQ_READ;
      break;
    case mman.MADV_RANDOM:
      flags = (flags & ~VM_SEQ_READ) | VM_RAND_READ;
      break;
    case mman.MADV_DONTFORK:
      flags |= VM_DONTCOPY;
      break;
    case mman.MADV_DOFORK:
      if (flags & VM_IO) return -EINVAL;
      flags &= ~VM_DONTCOPY;
      break;
    case mman.MADV_WIPEONFORK:
      if (vma.file !== undefined || flags & VM_SHARED) return -EINVAL;
      flags |= VM_WIPEONFORK;
      break;
    case mman.MADV_KEEPONFORK:
      if (flags & VM_DROPPABLE) return -EINVAL;
      flags &= ~VM_WIPEONFORK;
      break;
    case mman.MADV_DONTDUMP:
      flags |= VM_DONTDUMP;
      break;
    case mman.MADV_DODUMP:
      if (flags & (VM_SPECIAL | VM_DROPPABLE)) return -EINVAL;
      flags &= ~VM_DONTDUMP;
      break;
    case mman.MADV_MERGEABLE:
      if (!(flags & UNMERGEABLE)) flags |= VM_MERGEABLE;
      break;
    case mman.MADV_UNMERGEABLE:
      flags &= ~VM_MERGEABLE;
      break;
    case mman.MADV_HUGEPAGE:
      flags = (flags & ~VM_NOHUGEPAGE) | VM_HUGEPAGE;
      break;
    case mman.MADV_NOHUGEPAGE:
      flags = (flags & ~VM_HUGEPAGE) | VM_NOHUGEPAGE;
      break;
    default:
      return -EINVAL;
  }
  if (flags === vma.flags) return 0;
  const target = modifyFlags(mm, vma, start, end, flags);
  if (typeof target === "number") return target;
  return 0;
}

/** madvise_populate: holes are ENOMEM, missing rights EINVAL, what would be SIGBUS EFAULT. */
function populateAdvice(mm: AddressSpace, addr: number, end: number, write: boolean): number {
  let start = addr;
  while (start < end) {
    const vma = mm.vmas.lookup(start);
    if (vma === undefined) return -ENOMEM;
    const rights = vma.flags & 7;
    if (vma.flags & (VM_IO | VM_PFNMAP) || (write ? !(rights & 2) : !(rights & 1))) return -EINVAL;
    const stop = Math.min(end, vma.end);
    const error = populateVma(mm, vma, start, stop, write);
    if (error < 0) return error === -ENOMEM ? -ENOMEM : -EFAULT;
    start = stop;
  }
  return 0;
}

function removeAdvice(vma: Vma, start: number, end: number, mm: AddressSpace): number {
  if (vma.flags & VM_LOCKED || vma.mappable === undefined) return -EINVAL;
  if ((vma.flags & (VM_SHARED | VM_MAYWRITE)) !== (VM_SHARED | VM_MAYWRITE)) return -EACCES;
  if (vma.mappable.punchHole === undefined) return -EOPNOTSUPP;
  const offset = vma.pgoff * 4096 + (start - vma.start);
  zapRange(mm, start, end);
  return vma.mappable.punchHole(offset, offset + (end - start));
}

/** zap_page_range_single for MADV_DONTNEED: guard pages stay. */
function dropPages(mm: AddressSpace, start: number, end: number): void {
  const tables = mm.pageTables;
  mm.noteHighWater();
  forEachMapped(mm, start, end, (at) => {
    forgetPage(mm, mm.phys.i32[at]);
    tables.clearPte(at);
  });
}

/** Visits the entries that map a frame, then tells the caches. */
function forEachMapped(mm: AddressSpace, start: number, end: number, visit: (at: number) => void): void {
  let any = false;
  mm.pageTables.forEachPte(start / 4096, end / 4096, (at) => {
    if (!pteMapped(mm.phys.i32[at])) return;
    any = true;
    visit(at);
  });
  if (any) mm.pageTables.invalidateRange(start / 4096, (end - start) / 4096);
}

function clearBits(mm: AddressSpace, at: number, bits: number): void {
  mm.phys.i32[at] &= ~bits;
}

/** madvise_free_pte_range: pages of one owner lose dirty and accessed; the next write takes them back. */
function lazyFree(mm: AddressSpace, at: number): void {
  const frame = mm.phys.i32[at] >>> 12;
  if (!(mm.phys.flags[frame] & FrameFlag.anon) || mm.phys.mapCount(frame) !== 1) return;
  mm.phys.flags[frame] = (mm.phys.flags[frame] | FrameFlag.lazyFree) & ~FrameFlag.referenced;
  mm.phys.i32[at] &= ~(PTE_A | PTE_D);
}

function installGuards(mm: AddressSpace, start: number, end: number): number {
  dropPages(mm, start, end);
  for (let page = start / 4096; page < end / 4096; page++) {
    const at = mm.pageTables.makePte(page);
    if (at < 0) return -ENOMEM;
    mm.phys.i32[at] = PTE_GUARD;
  }
  return 0;
}
