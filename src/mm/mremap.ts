/** mremap(2): mm/mremap.c. */
import { EAGAIN, EFAULT, EINVAL, ENOMEM } from "../abi/errno.ts";
import { MAP_FIXED, MAP_SHARED, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from "../abi/mman.ts";
import { pageUp } from "../base/address.ts";
import { mayExpand, mlockFutureOk } from "./accounting.ts";
import type { AddressSpace } from "./address-space.ts";
import { mergeNew } from "./merge.ts";
import { munmapRange, unmapRange } from "./munmap.ts";
import { unmappedArea } from "./placement.ts";
import { populate } from "./populate.ts";
import { VM_ACCOUNT, VM_DONTEXPAND, VM_LOCKED, VM_LOCKED_MASK, VM_MAYSHARE, VM_PFNMAP, VM_SHARED } from "./vm-flags.ts";
import type { Vma } from "./vma.ts";

interface Remap {
  addr: number;
  oldLength: number;
  newLength: number;
  flags: number;
  newAddr: number;
}

export function mremapRange(
  mm: AddressSpace,
  addr: number,
  oldLength: number,
  newLength: number,
  flags: number,
  newAddr: number,
): number {
  const remap: Remap = { addr, oldLength: pageUp(oldLength), newLength: pageUp(newLength), flags, newAddr };
  const known = MREMAP_MAYMOVE | MREMAP_FIXED | (mm.generation.mremap.dontUnmap ? MREMAP_DONTUNMAP : 0);
  if (flags & ~known || addr % 4096 !== 0 || remap.newLength === 0) return -EINVAL;
  const placed = (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0;
  if (placed || mm.generation.mremap.movesSeveralVmas) {
    const size = mm.layout.taskSize;
    if (remap.newLength > size || (placed && newAddr > size - remap.newLength)) return -EINVAL;
  }
  if (placed) {
    if (newAddr % 4096 !== 0 || !(flags & MREMAP_MAYMOVE)) return -EINVAL;
    if (flags & MREMAP_DONTUNMAP && remap.oldLength !== remap.newLength) return -EINVAL;
    if (flags & MREMAP_FIXED && addr + remap.oldLength > newAddr && newAddr + remap.newLength > addr) return -EINVAL;
    if (mm.vmas.count + 2 >= mm.system.maxMapCount - 3) return -ENOMEM;
  }
  if (flags & MREMAP_FIXED && remap.oldLength === remap.newLength && mm.generation.mremap.movesSeveralVmas) {
    return moveSeveral(mm, remap);
  }
  return remapOne(mm, remap);
}

function remapOne(mm: AddressSpace, remap: Remap): number {
  const vma = mm.vmas.lookup(remap.addr);
  if (vma === undefined) return -EFAULT;
  const error = checkVma(mm, vma, remap);
  if (error < 0) return error;
  const locked = (vma.flags & VM_LOCKED) !== 0;
  const placed = (remap.flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0;
  const { oldLength, newLength } = remap;
  const result = placed ? remapTo(mm, remap) : remapAt(mm, vma, remap);
  if (result >= 0 && locked && newLength > oldLength) populate(mm, result + oldLength, result + newLength);
  return result;
}

/** remap_move: a pure move to a fixed address takes all VMAs of the range along, with the gaps between them. */
function moveSeveral(mm: AddressSpace, whole: Remap): number {
  const end = whole.addr + whole.oldLength;
  let result = -EFAULT;
  let seen = false;
  let lastEnd = 0;
  let target = whole.newAddr;
  let at = whole.addr;
  while (at < end) {
    const vma = mm.vmas.find(at);
    if (vma === undefined || vma.start >= end) break;
    if (!seen && vma.start > whole.addr) return -EFAULT;
    const addr = Math.max(vma.start, whole.addr);
    const stop = Math.min(vma.end, end);
    const newAddr = target + (seen ? vma.start - lastEnd : 0);
    lastEnd = vma.end;
    const moved = remapOne(mm, { ...whole, addr, oldLength: stop - addr, newLength: stop - addr, newAddr });
    if (moved < 0) return moved;
    if (!seen) result = moved;
    seen = true;
    target = moved + (stop - addr);
    at = stop;
  }
  return result;
}

/** check_prep_vma: what depends on the mapping. */
function checkVma(mm: AddressSpace, vma: Vma, remap: Remap): number {
  const { flags, newLength } = remap;
  const placed = (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0;
  if (!placed && newLength <= remap.oldLength) return 0;
  const shared = (vma.flags & (VM_SHARED | VM_MAYSHARE)) !== 0;
  if (remap.oldLength === 0 && !shared && !mm.generation.mremap.duplicatesPrivate) return -EINVAL;
  if (flags & MREMAP_DONTUNMAP && vma.flags & (VM_DONTEXPAND | VM_PFNMAP)) return -EINVAL;
  const oldLength = Math.min(remap.oldLength, newLength);
  if (oldLength > vma.end - remap.addr) return -EFAULT;
  if (newLength === oldLength) return 0;
  if (vma.flags & (VM_DONTEXPAND | VM_PFNMAP)) return -EFAULT;
  const delta = newLength - oldLength;
  if (!mlockFutureOk(mm, vma.flags, delta)) return -EAGAIN;
  return mayExpand(mm, vma.flags, delta / 4096) ? 0 : -ENOMEM;
}

/** mremap_at: shrink or grow in place, or move where the kernel likes. */
function remapAt(mm: AddressSpace, vma: Vma, remap: Remap): number {
  const { addr, oldLength, newLength } = remap;
  if (newLength === oldLength) return addr;
  if (newLength < oldLength) {
    const error = munmapRange(mm, addr + newLength, oldLength - newLength);
    return error < 0 ? error : addr;
  }
  if (oldLength === vma.end - addr && expandable(mm, vma, newLength - oldLength)) {
    return expandInPlace(mm, vma, newLength - oldLength) ? addr : -ENOMEM;
  }
  if (!(remap.flags & MREMAP_MAYMOVE)) return -ENOMEM;
  return moveVma(mm, vma, remap);
}

function expandable(mm: AddressSpace, vma: Vma, delta: number): boolean {
  const end = vma.end + delta;
  return end <= mm.layout.taskSize && mm.vmas.intersection(vma.end, end) === undefined;
}

/** vma_merge_extend: the extension joins the VMA, and the next one if that fits. */
function expandInPlace(mm: AddressSpace, vma: Vma, delta: number): boolean {
  const pages = delta / 4096;
  if (vma.flags & VM_ACCOUNT && !mm.system.charge(pages, mm.totalVm, mm.limits)) return false;
  const { flags, file, anonVma, anonInherited } = vma;
  mergeNew(mm, {
    start: vma.end,
    end: vma.end + delta,
    flags,
    pgoff: vma.pgoff + vma.pages,
    file,
    anonVma,
    anonInherited,
  });
  mm.account(flags, file !== undefined, pages);
  if (flags & VM_LOCKED) mm.lockedVm += pages;
  return true;
}

/** mremap_to: MREMAP_FIXED and MREMAP_DONTUNMAP. */
function remapTo(mm: AddressSpace, remap: Remap): number {
  if (remap.flags & MREMAP_FIXED) {
    const error = munmapRange(mm, remap.newAddr, remap.newLength);
    if (error < 0) return error;
  }
  if (remap.newLength < remap.oldLength) {
    const error = munmapRange(mm, remap.addr + remap.newLength, remap.oldLength - remap.newLength);
    if (error < 0) return error;
    remap.oldLength = remap.newLength;
  }
  const vma = mm.vmas.lookup(remap.addr);
  if (vma === undefined) return -EFAULT;
  if (remap.flags & MREMAP_DONTUNMAP && !mayExpand(mm, vma.flags, remap.oldLength / 4096)) return -ENOMEM;
  return moveVma(mm, vma, remap);
}

/** move_vma: a copy of the mapping elsewhere takes the pages over, then the source goes. */
function moveVma(mm: AddressSpace, vma: Vma, remap: Remap): number {
  const { addr, oldLength, newLength, flags } = remap;
  let pgoff = vma.pgoff + (addr - vma.start) / 4096;
  const mapFlags = (flags & MREMAP_FIXED ? MAP_FIXED : 0) | (vma.flags & VM_MAYSHARE ? MAP_SHARED : 0);
  const hint = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? remap.newAddr : 0;
  const kind = vma.mappable === undefined ? "anonymous" : vma.mappable.kind === "file" ? "file" : "shmem";
  const backing = kind === "anonymous" && vma.flags & VM_MAYSHARE ? "shared" : kind;
  const newAddr = unmappedArea(mm, hint, newLength, mapFlags, vma.file === undefined ? 0 : pgoff, backing);
  if (newAddr < 0) return newAddr;
  if (mm.vmas.count >= mm.system.maxMapCount - 3) return -ENOMEM;
  const keep = (flags & MREMAP_DONTUNMAP) !== 0;
  const oldPages = oldLength / 4096;
  const newPages = newLength / 4096;
  const accounted = (vma.flags & VM_ACCOUNT) !== 0;
  const charge = keep ? newPages : newPages - oldPages;
  if (accounted && !mm.system.charge(charge, mm.totalVm, mm.limits)) return -ENOMEM;

  if (vma.anonymous && vma.anonVma === undefined) pgoff = newAddr / 4096;
  const vmFlags = vma.flags;
  const { file, anonVma, anonInherited } = vma;
  const range = { start: newAddr, end: newAddr + newLength, flags: vmFlags, pgoff, file, anonVma, anonInherited };
  let target = mergeNew(mm, range);
  if (target === undefined) {
    target = vma.cloneRange(addr, addr + newLength);
    target.setBounds(newAddr, newAddr + newLength);
    target.pgoff = pgoff;
    mm.vmas.insert(target);
    file?.openForMap();
  }
  const error = movePages(mm, addr, newAddr, oldLength);
  mm.account(vmFlags, file !== undefined, newPages);
  if (vmFlags & VM_LOCKED) mm.lockedVm += newPages;
  if (error < 0) {
    // out of frames for page tables: the pages go back, and the copy with its charge goes
    movePages(mm, newAddr, addr, oldLength);
    unmapRange(mm, newAddr, newAddr + newLength);
    if (accounted) mm.system.committed += newPages - charge;
    return error;
  }
  if (keep) {
    const source = mm.vmas.lookup(addr);
    if (source !== undefined && source !== target) {
      // dontunmap_complete: the flag goes, the count of locked pages stays
      source.flags &= ~VM_LOCKED_MASK;
      if (source.start === addr && source.end === addr + oldLength) source.anonVma = undefined;
    }
    return newAddr;
  }
  if (oldLength > 0) {
    // the charge moved with the pages; unmapping gives back what was counted for the source
    if (accounted) mm.system.committed += oldPages;
    unmapRange(mm, addr, addr + oldLength);
  }
  return newAddr;
}

/**
 * move_page_tables, an extent within one leaf table on either side at a time: where the source has a table the target
 * gets one, even for entries that are all empty. -ENOMEM if there is no frame for a table; then a part has moved.
 */
function movePages(mm: AddressSpace, from: number, to: number, length: number): number {
  const tables = mm.pageTables;
  const i32 = mm.phys.i32;
  const span = 1 << tables.leafBits;
  const last = (from + length) / 4096;
  const shift = (to - from) / 4096;
  let error = 0;
  for (let page = from / 4096; page < last && error === 0; ) {
    const roomOld = span - (page & (span - 1));
    const roomNew = span - ((page + shift) & (span - 1));
    const end = Math.min(last, page + Math.min(roomOld, roomNew));
    const source = tables.findPte(page);
    if (source !== 0) {
      const target = tables.makePte(page + shift);
      if (target < 0) error = -ENOMEM;
      else {
        const words = (end - page) * tables.pteWords;
        i32.copyWithin(target, source, source + words);
        i32.fill(0, source, source + words);
      }
    }
    page = end;
  }
  tables.invalidateRange(from / 4096, length / 4096);
  return error;
}
