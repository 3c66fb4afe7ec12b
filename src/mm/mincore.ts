/** mincore(2) and msync(2): mm/mincore.c, mm/msync.c. */
import { EBUSY, EFAULT, EINVAL, ENOMEM } from "../abi/errno.ts";
import { MS_ASYNC, MS_INVALIDATE, MS_SYNC } from "../abi/mman.ts";
import { pageUp } from "../base/address.ts";
import { pteMapped } from "../memory/page-tables.ts";
import type { AddressSpace } from "./address-space.ts";
import { cleanFilePages } from "./file-pages.ts";
import { VM_LOCKED, VM_SHARED } from "./vm-flags.ts";

/** Writes one byte a page to `vector`: bit 0 says resident. What precedes a hole has been written. */
export function mincoreRange(mm: AddressSpace, addr: number, length: number, vector: number): number {
  if (addr % 4096 !== 0) return -EINVAL;
  if (addr + length > mm.layout.taskSize) return -ENOMEM;
  let pages = Math.ceil(length / 4096);
  if (vector + pages > mm.layout.taskSize) return -EFAULT;
  let at = addr;
  let to = vector;
  const residence = new Uint8Array(4096);
  while (pages > 0) {
    const vma = mm.vmas.lookup(at);
    if (vma === undefined) return -ENOMEM;
    // do_mincore: at most a page of results, and not beyond this VMA, at a time
    const count = Math.min(pages, (vma.end - at) / 4096, 4096);
    // can_do_mincore: of other people's files nothing is told
    const hidden = vma.special !== undefined || vma.file?.hidesResidence === true;
    for (let i = 0; i < count; i++) {
      const page = at / 4096 + i;
      const pteAt = mm.pageTables.findPte(page);
      const pte = pteAt === 0 ? 0 : mm.phys.i32[pteAt];
      const index = vma.pgoff + page - vma.start / 4096;
      const cached = !pteMapped(pte) && vma.mappable !== undefined && vma.mappable.cachedPage(index) >= 0;
      residence[i] = hidden || pteMapped(pte) || cached ? 1 : 0;
    }
    if (mm.write(to, residence.subarray(0, count)) < 0) return -EFAULT;
    pages -= count;
    to += count;
    at += count * 4096;
  }
  return 0;
}

/** Shared pages live in the page cache that read(2) sees: writing them back only makes them clean. */
export function msyncRange(mm: AddressSpace, addr: number, length: number, flags: number): number {
  if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) return -EINVAL;
  if (addr % 4096 !== 0) return -EINVAL;
  if (flags & MS_ASYNC && flags & MS_SYNC) return -EINVAL;
  // a length within a page of the word's end wraps around
  const bytes = pageUp(length) >= mm.wordLimit ? 0 : pageUp(length);
  const end = addr + bytes;
  if (end >= mm.wordLimit) return -ENOMEM;
  let hole = 0;
  let start = addr;
  while (start < end) {
    const vma = mm.vmas.find(start);
    if (vma === undefined) return -ENOMEM;
    if (start < vma.start) {
      if (flags === MS_ASYNC || vma.start >= end) return -ENOMEM;
      hole = -ENOMEM;
    }
    if (flags & MS_INVALIDATE && vma.flags & VM_LOCKED) return -EBUSY;
    if (flags & MS_SYNC && vma.mappable?.kind === "file" && vma.flags & VM_SHARED) {
      const base = vma.pgoff - vma.start / 4096;
      cleanFilePages(
        mm.system,
        vma.mappable,
        base + Math.max(start, vma.start) / 4096,
        base + Math.min(end, vma.end) / 4096,
      );
    }
    start = vma.end;
  }
  return hole;
}
