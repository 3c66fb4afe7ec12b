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
  const child = new AddressSpace(parent.phys, parent.generation, parent.abi, limits, parent.system);
  if (!child.valid) return -ENOMEM;
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

/** copy_pte_range: private pages become write-protected in both; the child's entries start unaccessed, shared ones clean. */
function copyPages(parent: AddressSpace, child: AddressSpace, vma: Vma): boolean {
  const { phys } = parent;
  const { i32, flags } = phys;
  const private_ = (vma.flags & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE;
  const words = parent.pageTables.pteWords;
  let complete = true;
  parent.pageTables.forEachPte(vma.start / 4096, vma.end / 4096, (at, page) => {
    if (!complete) return;
    const to = child.pageTables.makePte(page);
    if (to < 0) {
      complete = false;
      return;
    }
    let pte = i32[at];
    if (words === 2) i32[to + 1] = i32[at + 1];
    if (!pteMapped(pte)) {
      i32[to] = pte;
      return;
    }
    if (private_ && pte & PTE_RW) pte = i32[at] &= ~PTE_RW;
    pte &= ~PTE_A;
    if (vma.flags & VM_SHARED) pte &= ~PTE_D;
    i32[to] = pte;
    const frame = pte >>> 12;
    if (flags[frame] & FrameFlag.special) return;
    flags[frame] &= ~FrameFlag.exclusive;
    phys.get(frame);
    phys.addMap(frame);
    if (flags[frame] & FrameFlag.anon) child.anonPages++;
    else if (parent.generation.hasRssShmem && flags[frame] & FrameFlag.shmem) child.shmemPages++;
    else child.filePages++;
  });
  return complete;
}
