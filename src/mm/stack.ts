/** The stack and other growing VMAs: setup_arg_pages and expand_stack (fs/exec.c, mm/mmap.c). */
import { EFAULT, ENOMEM, EPERM } from "../abi/errno.ts";
import { pageDown } from "../base/address.ts";
import { mayExpand, mlockFutureOk } from "./accounting.ts";
import type { AddressSpace } from "./address-space.ts";
import { prepareAnonVma } from "./merge.ts";
import {
  VM_ACCESS_FLAGS,
  VM_ACCOUNT,
  VM_GROWSDOWN,
  VM_LOCKED,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYWRITE,
} from "./vm-flags.ts";
import { Vma } from "./vma.ts";

/** The VMA that execve leaves: [bottom, top), both page-aligned. */
export function setupStackVma(mm: AddressSpace, bottom: number, top: number, prot: number): number {
  const flags = (prot & VM_ACCESS_FLAGS) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN | VM_ACCOUNT;
  const guard = mm.generation.stack.hiddenGuardPage ? 4096 : 0;
  const vma = new Vma(bottom - guard, top, flags | mm.defFlags, (bottom - guard) / 4096, undefined, undefined);
  if (!mm.system.charge(vma.pages, mm.totalVm, mm.limits)) return -ENOMEM;
  mm.vmas.insert(vma);
  mm.account(flags, false, vma.pages);
  prepareAnonVma(mm, vma);
  return 0;
}

/** expand_downwards: moves the start of the growing VMA above `address` down to its page. 0 or -errno. */
export function expandStack(mm: AddressSpace, address: number): number {
  const vma = mm.vmas.find(address);
  if (vma === undefined || (vma.flags & VM_GROWSDOWN) === 0) return -EFAULT;
  const start = pageDown(address);
  if (start < mm.system.mmapMinAddr) return -EPERM;
  if (start >= vma.start) return 0;
  const { prev } = vma;
  const gap = mm.generation.stack.guardGap;
  if (prev !== undefined && (prev.flags & VM_GROWSDOWN) === 0 && prev.flags & VM_ACCESS_FLAGS) {
    if (start - prev.end < gap) return -ENOMEM;
  }
  prepareAnonVma(mm, vma);
  const grow = (vma.start - start) / 4096;
  if (grow > vma.pgoff) return -ENOMEM;
  // acct_stack_growth
  if (!mayExpand(mm, vma.flags, grow)) return -ENOMEM;
  if (vma.end - start > mm.limits.stack) return -ENOMEM;
  if (!mlockFutureOk(mm, vma.flags, grow * 4096)) return -ENOMEM;
  if (!mm.system.charge(grow, mm.totalVm, mm.limits)) return -ENOMEM;
  if (vma.flags & VM_LOCKED) mm.lockedVm += grow;
  mm.account(vma.flags, false, grow);
  vma.setBounds(start, vma.end);
  vma.pgoff -= grow;
  return 0;
}
