/**
 * Where a mapping goes: get_unmapped_area. Newer kernels search statelessly (arch/x86/kernel/sys_x86_64.c and mm/vma.c of
 * 6.x); 2.6 kernels remember where the last search ended (mm/mmap.c of 2.6.32, free_area_cache).
 */
import { EINVAL, ENOMEM, EPERM } from "../abi/errno.ts";
import { MAP_32BIT, MAP_ABOVE4G, MAP_FIXED } from "../abi/mman.ts";
import type { AddressSpace } from "./address-space.ts";
import { VM_GROWSDOWN } from "./vm-flags.ts";
import type { Vma } from "./vma.ts";

const HUGE_PAGE = 0x20_0000;
const FOUR_GIB = 0x1_0000_0000;

/** `pgoff` and `fileBacked` matter for huge-page alignment only. Returns an address or -errno. */
export function unmappedArea(
  mm: AddressSpace,
  addr: number,
  length: number,
  flags: number,
  pgoff: number,
  backing: "anonymous" | "shared" | "file" | "shmem",
): number {
  const size = mm.layout.taskSize;
  if (length > size) return -ENOMEM;
  let found: number;
  if (mm.generation.placement === "free-area-cache") found = areaOf26(mm, addr, length, flags);
  else if (backing === "file" && mm.generation.alignsHugeFiles && mm.abi === "amd64") {
    found = hugeArea(mm, addr, length, flags, pgoff);
  } else if (backing === "anonymous" && addr === 0 && length % HUGE_PAGE === 0 && mm.generation.alignsHugeAnonymous) {
    found = mm.abi === "amd64" ? hugeArea(mm, addr, length, flags, 0) : area(mm, addr, length, flags);
  } else found = area(mm, addr, length, flags);
  if (found < 0) return found;
  if (found > size - length) return -ENOMEM;
  if (found % 4096 !== 0) return -EINVAL;
  if (found < mm.system.dacMmapMinAddr && !mm.limits.capSysRawio) return -EPERM;
  return found;
}

/** The lowest address that what lies below may use: growing VMAs keep stack_guard_gap (vm_start_gap). */
function startGap(mm: AddressSpace, vma: Vma): number {
  return vma.flags & VM_GROWSDOWN ? Math.max(0, vma.start - mm.generation.stack.guardGap) : vma.start;
}

/** thp_get_unmapped_area: a mapping that covers a whole huge page of its object lies congruent to it. */
function hugeArea(mm: AddressSpace, addr: number, length: number, flags: number, pgoff: number): number {
  const offset = pgoff * 4096;
  const aligned = Math.ceil(offset / HUGE_PAGE) * HUGE_PAGE;
  if (offset + length - aligned >= HUGE_PAGE) {
    const found = area(mm, addr, length + HUGE_PAGE, flags);
    if (found >= 0) {
      if (found === addr) return addr;
      const shift = (((offset - found) % HUGE_PAGE) + HUGE_PAGE) % HUGE_PAGE;
      if (mm.topDown && shift === 0 && mm.generation.hugeAlignKeepsTop) return found + HUGE_PAGE;
      return found + shift;
    }
  }
  return area(mm, addr, length, flags);
}

/** arch_get_unmapped_area and arch_get_unmapped_area_topdown of 6.x. */
function area(mm: AddressSpace, hint: number, length: number, flags: number): number {
  const size = mm.layout.taskSize;
  if (length > size) return -ENOMEM;
  if (flags & MAP_FIXED) return hint;
  const low31 = mm.abi === "amd64" && (flags & MAP_32BIT) !== 0;
  if (!mm.topDown || low31) return bottomUp(mm, hint, length, low31);
  if (hint !== 0 && hint <= size - length && isFree(mm, hint, length)) return hint;
  const low = mm.abi === "amd64" && flags & MAP_ABOVE4G ? FOUR_GIB : 4096;
  const found = highestGap(mm, Math.max(low, mm.system.mmapMinAddr), mm.mmapBase, length);
  return found >= 0 ? found : bottomUp(mm, hint, length, false);
}

function isFree(mm: AddressSpace, addr: number, length: number): boolean {
  const vma = mm.vmas.find(addr);
  return vma === undefined || addr + length <= startGap(mm, vma);
}

/**
 * unmapped_area_topdown: the top of the highest gap, minus the length. A gap that ends too close below a growing VMA makes
 * the search go on below that VMA's guard gap: smaller gaps on the way there are passed over.
 */
function highestGap(mm: AddressSpace, low: number, top: number, length: number): number {
  let next = mm.vmas.find(top);
  let end = next === undefined ? top : Math.min(top, next.start);
  for (;;) {
    const below = next === undefined ? mm.vmas.last : next.prev;
    const start = Math.max(low, below?.end ?? 0);
    if (end - start >= length) {
      const limit = next === undefined ? end : startGap(mm, next);
      if (limit >= end) return end - length;
      next = mm.vmas.find(limit);
      end = next === undefined ? limit : Math.min(limit, next.start);
      continue;
    }
    next = mm.vmas.gapAtOrBelow(below, length);
    if (next === undefined || next.start <= low) return -ENOMEM;
    end = next.start;
  }
}

function bottomUp(mm: AddressSpace, hint: number, length: number, low31: boolean): number {
  const begin = low31 ? 0x4000_0000 + (mm.randomOffset?.(0x200_0000) ?? 0) : mm.legacyMmapBase;
  const end = low31 ? 0x8000_0000 : mm.layout.taskSize;
  if (length > end) return -ENOMEM;
  if (hint !== 0 && end - length >= hint && isFree(mm, hint, length)) return hint;
  let start = Math.max(begin, mm.system.mmapMinAddr);
  let vma = mm.vmas.find(start);
  if (vma !== undefined && vma.start < start) {
    start = vma.end;
    vma = vma.next;
  }
  for (;;) {
    const stop = vma === undefined ? end : Math.min(end, startGap(mm, vma));
    if (stop - start >= length) return start;
    if (vma === undefined || vma.end >= end) return -ENOMEM;
    vma = mm.vmas.gapAtOrAbove(vma.next, length);
    start = (vma === undefined ? mm.vmas.last : vma.prev)?.end ?? 0;
  }
}

/** arch_get_unmapped_area and its top-down twin of 2.6. */
function areaOf26(mm: AddressSpace, hint: number, length: number, flags: number): number {
  const size = mm.layout.taskSize;
  if (flags & MAP_FIXED) return hint;
  const low31 = mm.abi === "amd64" && (flags & MAP_32BIT) !== 0;
  if (!mm.topDown || low31) return bottomUpOf26(mm, hint, length, low31);
  if (hint !== 0 && size - length >= hint && isFree(mm, hint, length)) return hint;
  if (length <= mm.cachedHoleSize) {
    mm.cachedHoleSize = 0;
    mm.freeAreaCache = mm.mmapBase;
  }
  const cached = mm.freeAreaCache;
  if (cached > length && mm.vmas.intersection(cached - length, cached) === undefined) {
    mm.freeAreaCache = cached - length;
    return mm.freeAreaCache;
  }
  if (mm.mmapBase >= length) {
    let addr = mm.mmapBase - length;
    let vma = mm.vmas.find(addr);
    for (;;) {
      if (vma === undefined || addr + length <= vma.start) {
        mm.freeAreaCache = addr;
        return addr;
      }
      if (vma.start - addr > mm.cachedHoleSize) mm.cachedHoleSize = vma.start - addr;
      if (length >= vma.start) break;
      const dense = mm.vmas.skipDenseDown(vma, length);
      if (dense.start > length) vma = dense;
      addr = vma.start - length;
      while (vma.prev !== undefined && vma.prev.end > addr) vma = vma.prev;
    }
  }
  // the top-down area is full: search upwards once, and start afresh the next time
  mm.cachedHoleSize = Number.POSITIVE_INFINITY;
  mm.freeAreaCache = mm.legacyMmapBase;
  const found = bottomUpOf26(mm, hint, length, false);
  mm.freeAreaCache = mm.mmapBase;
  mm.cachedHoleSize = Number.POSITIVE_INFINITY;
  return found;
}

function bottomUpOf26(mm: AddressSpace, hint: number, length: number, low31: boolean): number {
  const begin = low31 ? 0x4000_0000 + (mm.randomOffset?.(0x200_0000) ?? 0) : mm.legacyMmapBase;
  const end = low31 ? 0x8000_0000 : mm.layout.taskSize;
  if (length > end) return -ENOMEM;
  if (hint !== 0 && end - length >= hint && isFree(mm, hint, length)) return hint;
  const caches = end !== 0x8000_0000;
  if (caches && length <= mm.cachedHoleSize) {
    mm.cachedHoleSize = 0;
    mm.freeAreaCache = begin;
  }
  let addr = Math.max(mm.freeAreaCache, begin);
  if (!caches || addr > end) addr = begin;
  let first = addr;
  for (;;) {
    if (end - length < addr) {
      if (first === begin) return -ENOMEM;
      first = addr = begin;
      mm.cachedHoleSize = 0;
    }
    const vma = mm.vmas.find(addr);
    if (vma === undefined || addr + length <= vma.start) {
      mm.freeAreaCache = addr + length;
      return addr;
    }
    const dense = vma.prev?.end === addr ? mm.vmas.skipDenseUp(vma, length, end - length) : undefined;
    const hole = dense?.largestGap ?? vma.start - addr;
    if (caches && mm.cachedHoleSize < hole) mm.cachedHoleSize = hole;
    addr = dense?.last.end ?? vma.end;
  }
}
