/** remap_file_pages(2) as kernels since 4.0 emulate it: an ordinary mapping over the old one (mm/mmap.c). */
import { EINVAL } from "../abi/errno.ts";
import { MAP_FIXED, MAP_LOCKED, MAP_NONBLOCK, MAP_POPULATE, MAP_SHARED } from "../abi/mman.ts";
import { pageDown } from "../base/address.ts";
import type { AddressSpace } from "./address-space.ts";
import { mmapRegion } from "./mmap.ts";
import { VM_ACCESS_FLAGS, VM_LOCKED, VM_SHARED } from "./vm-flags.ts";

export function remapFilePagesRange(
  mm: AddressSpace,
  addr: number,
  size: number,
  prot: number,
  pgoff: number,
  flags: number,
): number {
  const start = pageDown(addr);
  const length = pageDown(size);
  if (prot !== 0 || length === 0) return -EINVAL;
  const vma = mm.vmas.lookup(start);
  if (vma === undefined || vma.file === undefined || !(vma.flags & VM_SHARED)) return -EINVAL;
  let last = vma;
  while (last.end < start + length) {
    const next = mm.vmas.lookup(last.end);
    if (next === undefined || next.file !== vma.file || next.flags !== vma.flags) return -EINVAL;
    last = next;
  }
  const locked = vma.flags & VM_LOCKED ? MAP_LOCKED : 0;
  const result = mmapRegion(mm, {
    addr: start,
    length,
    prot: vma.flags & VM_ACCESS_FLAGS,
    flags: (flags & MAP_NONBLOCK) | MAP_SHARED | MAP_FIXED | MAP_POPULATE | locked,
    file: vma.file,
    offset: pgoff * 4096,
  });
  return Math.min(result, 0);
}
