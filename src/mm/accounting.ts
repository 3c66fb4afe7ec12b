/** Limits on address space, data and locked memory (mm/vma.c may_expand_vm, mm/mmap.c mlock_future_ok). */
import type { AddressSpace } from "./address-space.ts";
import { VM_GROWSDOWN, VM_LOCKED, VM_NORESERVE, VM_SHARED, VM_WRITE } from "./vm-flags.ts";

/** Whether `pages` more with these flags keep within RLIMIT_AS and, since 4.7, RLIMIT_DATA. */
export function mayExpand(mm: AddressSpace, flags: number, pages: number): boolean {
  const limits = mm.limits;
  if (mm.totalVm + pages > Math.floor(limits.as / 4096)) return false;
  if (mm.generation.limits.data === "brk") return true;
  if ((flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) !== VM_WRITE) return true;
  return mm.dataVm + pages <= Math.floor(limits.data / 4096);
}

/** Whether a mapping with these flags may be locked as RLIMIT_MEMLOCK says. */
export function mlockFutureOk(mm: AddressSpace, flags: number, bytes: number): boolean {
  if ((flags & VM_LOCKED) === 0 || mm.limits.capIpcLock) return true;
  return bytes / 4096 + mm.lockedVm <= Math.floor(mm.limits.memlock / 4096);
}

/** can_do_mlock. */
export function canMlock(mm: AddressSpace): boolean {
  return mm.limits.memlock !== 0 || mm.limits.capIpcLock;
}

/** accountable_mapping: private writable memory counts towards the commit charge. */
export function accountable(flags: number): boolean {
  return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) === VM_WRITE;
}
