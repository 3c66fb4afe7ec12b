/** mprotect(2): mm/mprotect.c. */
import { EACCES, EINVAL, ENOMEM } from "../abi/errno.ts";
import { PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM } from "../abi/mman.ts";
import { pageUp } from "../base/address.ts";
import { PTE_A, PTE_D, PTE_P, PTE_RW, pteMapped } from "../memory/page-tables.ts";
import { FrameFlag } from "../memory/physical.ts";
import { mayExpand } from "./accounting.ts";
import type { AddressSpace } from "./address-space.ts";
import { modifyFlags } from "./merge.ts";
import { populate } from "./populate.ts";
import {
  VM_ACCESS_FLAGS,
  VM_ACCOUNT,
  VM_GROWSDOWN,
  VM_HUGETLB,
  VM_LOCKED,
  VM_MAYEXEC,
  VM_NORESERVE,
  VM_SHARED,
  VM_WRITE,
} from "./vm-flags.ts";
import type { Vma } from "./vma.ts";

const GROWS = PROT_GROWSDOWN | PROT_GROWSUP;

/** What precedes a hole or an error has changed all the same. */
export function mprotectRange(mm: AddressSpace, addr: number, length: number, protection: number): number {
  const grows = protection & GROWS;
  if (grows === GROWS) return -EINVAL;
  if (addr % 4096 !== 0) return -EINVAL;
  if (length === 0) return 0;
  const end = addr + pageUp(length);
  if (end <= addr || end >= mm.wordLimit) return -ENOMEM;
  const prot = protection & ~GROWS;
  if (prot & ~(VM_ACCESS_FLAGS | PROT_SEM)) return -EINVAL;
  const readsToExec = (prot & PROT_READ) !== 0 && mm.readImpliesExec;
  let vma = mm.vmas.find(addr);
  if (vma === undefined) return -ENOMEM;
  let start = addr;
  if (grows & PROT_GROWSDOWN) {
    if (vma.start >= end) return -ENOMEM;
    start = vma.start;
    if (!(vma.flags & VM_GROWSDOWN)) return -EINVAL;
  } else {
    if (vma.start > addr) return -ENOMEM;
    if (grows) return -EINVAL;
  }
  while (start < end) {
    vma = mm.vmas.lookup(start);
    if (vma === undefined) return -ENOMEM;
    let wanted = prot & VM_ACCESS_FLAGS;
    if (readsToExec && vma.flags & VM_MAYEXEC) wanted |= PROT_EXEC;
    const flags = wanted | (vma.flags & ~VM_ACCESS_FLAGS);
    if (flags & ~(flags >>> 4) & VM_ACCESS_FLAGS) return -EACCES;
    const stop = Math.min(vma.end, end);
    const error = mprotectFixup(mm, vma, start, stop, flags);
    if (error < 0) return error;
    start = stop;
  }
  return 0;
}

/** mprotect_fixup: charge, merge or split, change the entries. */
function mprotectFixup(mm: AddressSpace, vma: Vma, start: number, end: number, wantedFlags: number): number {
  const old = vma.flags;
  if (wantedFlags === old) return 0;
  const pages = (end - start) / 4096;
  let flags = wantedFlags;
  let charged = 0;
  if (flags & VM_WRITE) {
    if (!mayExpand(mm, flags, pages) && mayExpand(mm, old, pages)) return -ENOMEM;
    if (!(old & (VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED | VM_NORESERVE))) {
      charged = pages;
      if (!mm.system.charge(charged, mm.totalVm, mm.limits)) return -ENOMEM;
      flags |= VM_ACCOUNT;
    }
  } else if (mm.generation.mprotectDropsAccount && old & VM_ACCOUNT && vma.anonymous && vma.anonVma === undefined) {
    flags &= ~VM_ACCOUNT;
  }
  const target = modifyFlags(mm, vma, start, end, flags);
  if (typeof target === "number") {
    mm.system.uncharge(charged);
    return target;
  }
  changeProtection(mm, target, start, end);
  if (old & VM_ACCOUNT && !(flags & VM_ACCOUNT)) mm.system.uncharge(pages);
  mm.account(old, target.file !== undefined, -pages);
  mm.account(flags, target.file !== undefined, pages);
  if ((old & (VM_WRITE | VM_SHARED | VM_LOCKED)) === VM_LOCKED && flags & VM_WRITE) populate(mm, start, end);
  return 0;
}

/** change_pte_range: new permission bits for the entries that are there, accessed and dirty kept. */
function changeProtection(mm: AddressSpace, vma: Vma, start: number, end: number): void {
  const tables = mm.pageTables;
  const i32 = mm.phys.i32;
  let any = false;
  tables.forEachPte(start / 4096, end / 4096, (at) => {
    const pte = i32[at];
    if (!pteMapped(pte)) return;
    any = true;
    let bits = vma.pteBits | (pte & (PTE_A | PTE_D));
    if (bits & PTE_P && canStayWritable(mm, vma, pte)) bits |= PTE_RW;
    tables.changePte(at, bits, vma.nx);
  });
  if (any) tables.invalidateRange(start / 4096, (end - start) / 4096);
}

/** can_change_pte_writable: pages that a write fault would only have made writable again. */
function canStayWritable(mm: AddressSpace, vma: Vma, pte: number): boolean {
  if (!(vma.flags & VM_WRITE) || !mm.generation.mprotectUpgradesPtes) return false;
  if (vma.flags & VM_SHARED) return (pte & PTE_D) !== 0;
  return (mm.phys.flags[pte >>> 12] & FrameFlag.exclusive) !== 0;
}
