/** The mlock family: mm/mlock.c. */
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM } from "../abi/errno.ts";
import { MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT } from "../abi/mman.ts";
import { pageDown, pageUp } from "../base/address.ts";
import { canMlock } from "./accounting.ts";
import type { AddressSpace } from "./address-space.ts";
import { modifyFlags } from "./merge.ts";
import { populate } from "./populate.ts";
import { VM_DROPPABLE, VM_LOCKED, VM_LOCKED_MASK, VM_LOCKONFAULT, VM_SPECIAL } from "./vm-flags.ts";
import type { Vma } from "./vma.ts";

/** PAGE_ALIGN of a length: what is within a page of the word's end wraps around to 0. */
function wholePages(mm: AddressSpace, length: number): number {
  const bytes = pageUp(length);
  return bytes >= mm.wordLimit ? 0 : bytes;
}

export function mlockRange(mm: AddressSpace, addr: number, length: number, onFault: boolean): number {
  if (!canMlock(mm)) return -EPERM;
  const start = pageDown(addr);
  const bytes = wholePages(mm, length + (addr - start));
  if (start + bytes >= mm.wordLimit) return -EINVAL;
  const limit = Math.floor(mm.limits.memlock / 4096);
  let locked = bytes / 4096 + mm.lockedVm;
  if (locked > limit && !mm.limits.capIpcLock) locked -= lockedPagesWithin(mm, start, start + bytes);
  if (locked > limit && !mm.limits.capIpcLock) return -ENOMEM;
  const error = applyLockFlags(mm, start, start + bytes, VM_LOCKED | (onFault ? VM_LOCKONFAULT : 0));
  if (error < 0) return error;
  // __mlock_posix_error_return
  const fault = populate(mm, start, start + bytes);
  if (fault === -EFAULT) return mm.generation.mlockProtNoneFails ? -ENOMEM : 0;
  return fault === -ENOMEM ? -EAGAIN : 0;
}

export function munlockRange(mm: AddressSpace, addr: number, length: number): number {
  const start = pageDown(addr);
  const bytes = wholePages(mm, length + (addr - start));
  if (start + bytes >= mm.wordLimit) return -EINVAL;
  return applyLockFlags(mm, start, start + bytes, 0);
}

export function mlockAllMemory(mm: AddressSpace, flags: number): number {
  if (flags === 0 || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags === MCL_ONFAULT) return -EINVAL;
  if (!canMlock(mm)) return -EPERM;
  const current = (flags & MCL_CURRENT) !== 0;
  if (current && mm.totalVm > Math.floor(mm.limits.memlock / 4096) && !mm.limits.capIpcLock) return -ENOMEM;
  const wanted = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
  mm.defFlags = flags & MCL_FUTURE ? wanted : 0;
  if (!current) return 0;
  lockAll(mm, wanted);
  populateAll(mm);
  return 0;
}

export function munlockAllMemory(mm: AddressSpace): number {
  mm.defFlags = 0;
  lockAll(mm, 0);
  return 0;
}

/** Errors of single VMAs do not matter (apply_mlockall_flags). */
function lockAll(mm: AddressSpace, wanted: number): void {
  for (const vma of [...mm.vmas]) {
    if (mm.vmas.lookup(vma.start) !== vma) continue;
    mlockFixup(mm, vma, vma.start, vma.end, (vma.flags & ~VM_LOCKED_MASK) | wanted);
  }
}

function populateAll(mm: AddressSpace): void {
  for (const vma of [...mm.vmas]) populate(mm, vma.start, vma.end);
}

/** apply_vma_lock_flags: ENOMEM at a hole, what precedes it has changed. */
function applyLockFlags(mm: AddressSpace, start: number, end: number, wanted: number): number {
  let at = start;
  while (at < end) {
    const vma = mm.vmas.lookup(at);
    if (vma === undefined) return -ENOMEM;
    const stop = Math.min(end, vma.end);
    const error = mlockFixup(mm, vma, at, stop, (vma.flags & ~VM_LOCKED_MASK) | wanted);
    if (error < 0) return error;
    at = stop;
  }
  return 0;
}

function mlockFixup(mm: AddressSpace, vma: Vma, start: number, end: number, flags: number): number {
  const old = vma.flags;
  if (flags === old || old & (VM_SPECIAL | VM_DROPPABLE)) return 0;
  const target = modifyFlags(mm, vma, start, end, flags);
  if (typeof target === "number") return target;
  const pages = (end - start) / 4096;
  if (!(flags & VM_LOCKED)) mm.lockedVm -= pages;
  else if (!(old & VM_LOCKED)) mm.lockedVm += pages;
  return 0;
}

/** count_mm_mlocked_page_nr. */
function lockedPagesWithin(mm: AddressSpace, start: number, end: number): number {
  let pages = 0;
  for (let vma = mm.vmas.find(start); vma !== undefined && vma.start < end; vma = vma.next) {
    if (vma.flags & VM_LOCKED) pages += (Math.min(end, vma.end) - Math.max(start, vma.start)) / 4096;
  }
  return pages;
}
