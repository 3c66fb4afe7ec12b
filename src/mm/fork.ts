/** fork(2): dup_mmap and copy_page_range (kernel/fork.c, mm/memory.c). */
import { ENOMEM } from "../abi/errno.ts";
import { PTE_A, PTE_D, PTE_RW, pteMapped } from "../memory/page-tables.ts";
import { FrameFlag } from "../memory/physical.ts";
import { AddressSpace } from "./address-space.ts";
import type { MmLimits } from "./limits.ts";
import {
  VM_ACCOUNT,
  VM_DONTCOPY,
  VM_LOCKED_MASK,
  VM_MAYBE_GUARD,
  VM_MAYWRITE,
  VM_MIXEDMAP,
  VM_PFNMAP,
  VM_SHARED,
  VM_WIPEONFORK,
} from "./vm-flags.ts";
import { AnonVma, type Vma } from "./vma.ts";

const COPIED_FIELDS = [
  "mmapBase",
  "legacyMmapBase",
  "topDown",
  "randomOffset",
  "freeAreaCache",
  "cachedHoleSize",
  "readImpliesExec",
  "startCode",
  "endCode",
  "startData",
  "endData",
  "startBrk",
  "brk",
  "startStack",
  "argStart",
  "argEnd",
  "envStart",
  "envEnd",
  "vdsoBase",
  "totalVm",
  "dataVm",
  "execVm",
  "stackVm",
  "sharedVm",
] as const;

type CopiedFields = { -readonly [Key in (typeof COPIED_FIELDS)[number]]: AddressSpace[Key] };

export function forkAddressSpace(parent: AddressSpace, limits: MmLimits): AddressSpace | number {
  if (parent.phys.scarce) return -ENOMEM;
  const child = new AddressSpace(parent.phys, parent.generation, parent.abi, limits, parent.system);
  if (!child.valid) {
    parent.system.spaces.delete(child);
    return -ENOMEM;
  }
  Object.assign(child, Object.fromEntries(COPIED_FIELDS.map((key) => [key, parent[key]])) as CopiedFields);
  for (const vma of parent.vmas) {
    if (vma.flags & VM_DONTCOPY) {
      child.account(vma.flags, vma.file !== undefined, -vma.pages);
      continue;
    }
    if (vma.flags & VM_ACCOUNT && !parent.system.charge(vma.pages, parent.totalVm, parent.limits)) {
      child.destroy();
      return -ENOMEM;
    }
    if (!copyVma(parent, child, vma)) {
      child.destroy();
      return -ENOMEM;
    }
  }
  parent.pageTables.phys.cache?.invalidateSpace(parent);
  child.resetHighWater();
  return child;
}

function copyVma(parent: AddressSpace, child: AddressSpace, vma: Vma): boolean {
  const copy = vma.cloneRange(vma.start, vma.end);
  copy.flags &= ~VM_LOCKED_MASK;
  copy.file?.openForMap();
  child.vmas.insert(copy);
  const wipe = (vma.flags & VM_WIPEONFORK) !== 0;
  if (wipe) {
    copy.anonVma = undefined;
    copy.anonInherited = false;
  } else if (vma.anonVma !== undefined) {
    copy.anonVma = new AnonVma(parent.system.nextAnonVma());
    copy.anonInherited = true;
  }
  // vma_needs_copy: what has no private pages refaults from the file
  const needed = vma.anonVma !== undefined || (vma.flags & (VM_PFNMAP | VM_MIXEDMAP | VM_MAYBE_GUARD)) !== 0;
  return wipe || !needed || copyPages(parent, child, vma);
}

/**
 * copy_page_range: where the parent has a leaf table the child gets one, even for entries that are all empty. Private pages
 * become write-protected in both; the child's entries start unaccessed, those of shared mappings clean.
 */
function copyPages(parent: AddressSpace, child: AddressSpace, vma: Vma): boolean {
  const span = 1 << parent.pageTables.leafBits;
  const last = vma.end / 4096;
  for (let page = vma.start / 4096; page < last; ) {
    const end = Math.min(last, page - (page & (span - 1)) + span);
    const from = parent.pageTables.findPte(page);
    if (from !== 0) {
      const to = child.pageTables.makePte(page);
      if (to < 0) return false;
      copyEntries(parent, child, vma, from, to, end - page);
    }
    page = end;
  }
  return true;
}

/** copy_pte_range. */
function copyEntries(
  parent: AddressSpace,
  child: AddressSpace,
  vma: Vma,
  from: number,
  to: number,
  count: number,
): void {
  const { phys } = parent;
  const { i32, flags } = phys;
  const copyOnWrite = (vma.flags & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE;
  const shared = (vma.flags & VM_SHARED) !== 0;
  const words = parent.pageTables.pteWords;
  for (let offset = 0; offset < count * words; offset += words) {
    let pte = i32[from + offset];
    if (pte === 0) continue;
    if (words === 2) i32[to + offset + 1] = i32[from + offset + 1];
    if (pteMapped(pte)) {
      if (copyOnWrite && pte & PTE_RW) pte = i32[from + offset] &= ~PTE_RW;
      pte &= shared ? ~(PTE_A | PTE_D) : ~PTE_A;
      shareFrame(parent, child, pte >>> 12, flags[pte >>> 12]);
    }
    i32[to + offset] = pte;
  }
}

function shareFrame(parent: AddressSpace, child: AddressSpace, frame: number, flags: number): void {
  const { phys } = parent;
  if (flags & FrameFlag.special) return;
  phys.flags[frame] &= ~FrameFlag.exclusive;
  phys.get(frame);
  phys.addMap(frame);
  if (flags & FrameFlag.anon) child.anonPages++;
  else if (parent.generation.hasRssShmem && flags & FrameFlag.shmem) child.shmemPages++;
  else child.filePages++;
}
