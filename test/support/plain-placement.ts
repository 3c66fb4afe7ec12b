/**
 * get_unmapped_area as plainly as it can be said: each search goes from area to area over a sorted array. The searches of
 * src/mm/placement.ts, which pass over many areas at once, must find the same places and leave the same state.
 */
import { EINVAL, ENOMEM, EPERM } from "../../src/abi/errno.ts";
import { MAP_32BIT, MAP_ABOVE4G, MAP_FIXED } from "../../src/abi/mman.ts";
import type { AddressSpace } from "../../src/mm/address-space.ts";
import { VM_GROWSDOWN } from "../../src/mm/vm-flags.ts";
import type { Vma } from "../../src/mm/vma.ts";

const FOUR_GIB = 0x1_0000_0000;

/** The areas of an address space, copied, with the look-ups that a search needs. */
class SortedAreas {
  readonly #areas: readonly Vma[];

  constructor(mm: AddressSpace) {
    this.#areas = [...mm.vmas];
  }

  at(index: number): Vma | undefined {
    return this.#areas[index];
  }

  indexOf(addr: number): number {
    const index = this.#areas.findIndex((vma) => vma.end > addr);
    return index < 0 ? this.#areas.length : index;
  }

  find(addr: number): Vma | undefined {
    return this.#areas[this.indexOf(addr)];
  }

  intersection(start: number, end: number): Vma | undefined {
    return this.#areas.find((vma) => vma.end > start && vma.start < end);
  }
}

/** What `unmappedArea` of shared memory, which is never aligned to huge pages, must return. */
export function plainUnmappedArea(mm: AddressSpace, addr: number, length: number, flags: number): number {
  const size = mm.layout.taskSize;
  const list = new SortedAreas(mm);
  if (length > size) return -ENOMEM;
  const search = mm.generation.placement === "free-area-cache" ? areaOf26 : area;
  const found = search(mm, list, addr, length, flags);
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

/** arch_get_unmapped_area and arch_get_unmapped_area_topdown of 6.x. */
function area(mm: AddressSpace, list: SortedAreas, hint: number, length: number, flags: number): number {
  const size = mm.layout.taskSize;
  if (length > size) return -ENOMEM;
  if (flags & MAP_FIXED) return hint;
  const low31 = mm.abi === "amd64" && (flags & MAP_32BIT) !== 0;
  if (!mm.topDown || low31) return bottomUp(mm, list, hint, length, low31);
  if (hint !== 0 && hint <= size - length && isFree(mm, list, hint, length)) return hint;
  const low = mm.abi === "amd64" && flags & MAP_ABOVE4G ? FOUR_GIB : 4096;
  const found = highestGap(mm, list, Math.max(low, mm.system.mmapMinAddr), mm.mmapBase, length);
  return found >= 0 ? found : bottomUp(mm, list, hint, length, false);
}

function isFree(mm: AddressSpace, list: SortedAreas, addr: number, length: number): boolean {
  const vma = list.find(addr);
  return vma === undefined || addr + length <= startGap(mm, vma);
}

/**
 * unmapped_area_topdown: the top of the highest gap, minus the length. A gap that ends too close below a growing VMA makes
 * the search go on below that VMA's guard gap: smaller gaps on the way there are passed over.
 */
function highestGap(mm: AddressSpace, list: SortedAreas, low: number, top: number, length: number): number {
  let index = list.indexOf(top);
  let next = list.at(index);
  let end = next === undefined ? top : Math.min(top, next.start);
  for (;;) {
    const below = list.at(--index);
    const start = Math.max(low, below?.end ?? 0);
    if (end - start >= length) {
      const limit = next === undefined ? end : startGap(mm, next);
      if (limit >= end) return end - length;
      index = list.indexOf(limit);
      next = list.at(index);
      end = next === undefined ? limit : Math.min(limit, next.start);
      continue;
    }
    if (below === undefined || below.start <= low) return -ENOMEM;
    next = below;
    end = below.start;
  }
}

function bottomUp(mm: AddressSpace, list: SortedAreas, hint: number, length: number, low31: boolean): number {
  const begin = low31 ? 0x4000_0000 + (mm.randomOffset?.(0x200_0000) ?? 0) : mm.legacyMmapBase;
  const end = low31 ? 0x8000_0000 : mm.layout.taskSize;
  if (length > end) return -ENOMEM;
  if (hint !== 0 && end - length >= hint && isFree(mm, list, hint, length)) return hint;
  let start = Math.max(begin, mm.system.mmapMinAddr);
  let index = list.indexOf(start);
  for (;;) {
    const vma = list.at(index++);
    if (vma !== undefined && vma.start < start) {
      start = vma.end;
      continue;
    }
    const stop = vma === undefined ? end : Math.min(end, startGap(mm, vma));
    if (stop - start >= length) return start;
    if (vma === undefined || vma.end >= end) return -ENOMEM;
    start = vma.end;
  }
}

/** arch_get_unmapped_area and its top-down twin of 2.6. */
function areaOf26(mm: AddressSpace, list: SortedAreas, hint: number, length: number, flags: number): number {
  const size = mm.layout.taskSize;
  if (flags & MAP_FIXED) return hint;
  const low31 = mm.abi === "amd64" && (flags & MAP_32BIT) !== 0;
  if (!mm.topDown || low31) return bottomUpOf26(mm, list, hint, length, low31);
  if (hint !== 0 && size - length >= hint && isFree(mm, list, hint, length)) return hint;
  if (length <= mm.cachedHoleSize) {
    mm.cachedHoleSize = 0;
    mm.freeAreaCache = mm.mmapBase;
  }
  const cached = mm.freeAreaCache;
  if (cached > length && list.intersection(cached - length, cached) === undefined) {
    mm.freeAreaCache = cached - length;
    return mm.freeAreaCache;
  }
  if (mm.mmapBase >= length) {
    let addr = mm.mmapBase - length;
    for (;;) {
      const vma = list.find(addr);
      if (vma === undefined || addr + length <= vma.start) {
        mm.freeAreaCache = addr;
        return addr;
      }
      if (vma.start - addr > mm.cachedHoleSize) mm.cachedHoleSize = vma.start - addr;
      if (length >= vma.start) break;
      addr = vma.start - length;
    }
  }
  // the top-down area is full: search upwards once, and start afresh the next time
  mm.cachedHoleSize = Number.POSITIVE_INFINITY;
  mm.freeAreaCache = mm.legacyMmapBase;
  const found = bottomUpOf26(mm, list, hint, length, false);
  mm.freeAreaCache = mm.mmapBase;
  mm.cachedHoleSize = Number.POSITIVE_INFINITY;
  return found;
}

function bottomUpOf26(mm: AddressSpace, list: SortedAreas, hint: number, length: number, low31: boolean): number {
  const begin = low31 ? 0x4000_0000 + (mm.randomOffset?.(0x200_0000) ?? 0) : mm.legacyMmapBase;
  const end = low31 ? 0x8000_0000 : mm.layout.taskSize;
  if (length > end) return -ENOMEM;
  if (hint !== 0 && end - length >= hint && isFree(mm, list, hint, length)) return hint;
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
    const vma = list.find(addr);
    if (vma === undefined || addr + length <= vma.start) {
      mm.freeAreaCache = addr + length;
      return addr;
    }
    if (caches && addr + mm.cachedHoleSize < vma.start) mm.cachedHoleSize = vma.start - addr;
    addr = vma.end;
  }
}
