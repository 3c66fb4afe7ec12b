/** Removing mappings: munmap(2), the part of mmap(2) that makes room, and the end of an address space. */
import { EINVAL, ENOMEM } from "../abi/errno.ts";
import { pageUp } from "../base/address.ts";
import type { AddressSpace } from "./address-space.ts";
import { forgetPage } from "./fault.ts";
import { splitUnchecked } from "./merge.ts";
import { VM_ACCOUNT, VM_LOCKED, VM_MAYWRITE, VM_SHARED } from "./vm-flags.ts";
import type { Vma } from "./vma.ts";

/** munmap(2) (do_vmi_munmap). */
export function munmapRange(mm: AddressSpace, addr: number, length: number): number {
  const limit = mm.layout.taskSize;
  if (addr % 4096 !== 0 || addr > limit || length > limit - addr) return -EINVAL;
  const end = addr + pageUp(length);
  if (end === addr) return -EINVAL;
  return unmapRange(mm, addr, end);
}

/** do_vmi_align_munmap: 0 or the error of a split. */
export function unmapRange(mm: AddressSpace, start: number, end: number): number {
  const error = splitBounds(mm, start, end);
  if (error === 0) removeRange(mm, start, end);
  return error;
}

/**
 * Splits what crosses the bounds of [start, end). -ENOMEM at the map count limit, which newer kernels let pass for a moment
 * and refuse only what cuts a hole into one VMA; -EINVAL for what the kernel mapped itself. A first split stays.
 */
export function splitBounds(mm: AddressSpace, start: number, end: number): number {
  const first = mm.vmas.intersection(start, end);
  if (first === undefined) return 0;
  const full = (): boolean => mm.vmas.count >= mm.system.maxMapCount;
  const everySplit = mm.generation.munmapChecksEverySplit;
  if (first.start < start) {
    if (full() && (first.end > end || everySplit)) return -ENOMEM;
    if (first.special !== undefined) return -EINVAL;
    splitUnchecked(mm, first, start, true);
  }
  const last = mm.vmas.lookup(end - 1);
  if (last !== undefined && last.end > end) {
    if (full() && everySplit) return -ENOMEM;
    if (last.special !== undefined) return -EINVAL;
    splitUnchecked(mm, last, end, false);
  }
  return 0;
}

/** Removes the VMAs of [start, end) behind `splitBounds`. */
export function removeRange(mm: AddressSpace, start: number, end: number): void {
  let vma = mm.vmas.find(start);
  if (vma === undefined || vma.start >= end) return;
  const floor = vma.prev?.end ?? 0;
  mm.noteHighWater();
  while (vma !== undefined && vma.start < end) {
    const { next }: Vma = vma;
    removeVma(mm, vma);
    vma = next;
  }
  const ceiling = vma === undefined ? Number.POSITIVE_INFINITY : vma.start / 4096;
  mm.pageTables.freeTables(start / 4096, end / 4096, floor / 4096, ceiling);
  noteHole(mm, start, vma?.start);
}

function removeVma(mm: AddressSpace, vma: Vma): void {
  zapRange(mm, vma.start, vma.end);
  mm.vmas.remove(vma);
  mm.account(vma.flags, vma.file !== undefined, -vma.pages);
  if (vma.flags & VM_LOCKED) mm.lockedVm -= vma.pages;
  if (vma.flags & VM_ACCOUNT) mm.system.uncharge(vma.pages);
  vma.file?.closeForMap();
}

/** Removes the page-table entries of [start, end) (zap_page_range): the pages, not the mapping. */
export function zapRange(mm: AddressSpace, start: number, end: number): void {
  const tables = mm.pageTables;
  const i32 = mm.phys.i32;
  const first = start / 4096;
  const last = end / 4096;
  let any = false;
  mm.noteHighWater();
  tables.forEachPte(first, last, (at) => {
    any = true;
    forgetPage(mm, i32[at]);
    tables.clearPte(at);
  });
  if (any) tables.invalidateRange(first, last - first);
}

/** arch_unmap_area(_topdown) of 2.6: where the next search may start. */
function noteHole(mm: AddressSpace, start: number, next: number | undefined): void {
  if (mm.generation.placement !== "free-area-cache") return;
  if (mm.topDown) {
    const above = next ?? mm.mmapBase;
    if (above > mm.freeAreaCache) mm.freeAreaCache = above;
    if (mm.freeAreaCache > mm.mmapBase) mm.freeAreaCache = mm.mmapBase;
  } else if (start >= mm.mmapBase && start < mm.freeAreaCache) {
    mm.freeAreaCache = start;
    mm.cachedHoleSize = Number.POSITIVE_INFINITY;
  }
}

/** exit_mmap: everything at once. */
export function unmapAll(mm: AddressSpace): void {
  mm.noteHighWater();
  for (let vma = mm.vmas.last; vma !== undefined; vma = mm.vmas.last) removeVma(mm, vma);
}

/** mapping_writably_mapped(): a shared mapping of the file writes, or may come to. */
export function isWritablyMapped(spaces: Iterable<AddressSpace>, dev: number, ino: number): boolean {
  for (const mm of spaces) {
    for (const { mappable, flags } of mm.vmas) {
      if (mappable?.ino === ino && mappable.dev === dev && flags & VM_SHARED && flags & VM_MAYWRITE) return true;
    }
  }
  return false;
}

/** unmap_mapping_range for truncation: the pages of a file from `firstPage` on leave all page tables, private copies too. */
export function unmapFilePages(spaces: Iterable<AddressSpace>, dev: number, ino: number, firstPage: number): void {
  for (const mm of spaces) {
    for (const vma of mm.vmas) {
      const object = vma.mappable;
      if (object === undefined || object.ino !== ino || object.dev !== dev) continue;
      const from = vma.start + Math.max(0, firstPage - vma.pgoff) * 4096;
      if (from < vma.end) zapRange(mm, from, vma.end);
    }
  }
}
