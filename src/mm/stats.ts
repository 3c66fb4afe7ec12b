/** The numbers of one smaps entry (fs/proc/task_mmu.c, smaps_account), by walking the page tables. */
import { PTE_A, PTE_D, pteMapped } from "../memory/page-tables.ts";
import { FrameFlag } from "../memory/physical.ts";
import type { AddressSpace } from "./address-space.ts";
import { VM_DROPPABLE, VM_LOCKED } from "./vm-flags.ts";
import type { Vma } from "./vma.ts";

/** All in kB, as smaps prints them (Pss truncated). */
export interface PageStats {
  readonly size: number;
  readonly rss: number;
  readonly pss: number;
  readonly pssDirty: number;
  readonly pssAnon: number;
  readonly pssFile: number;
  readonly pssShmem: number;
  readonly sharedClean: number;
  readonly sharedDirty: number;
  readonly privateClean: number;
  readonly privateDirty: number;
  readonly referenced: number;
  readonly anonymous: number;
  readonly lazyFree: number;
  readonly locked: number;
}

/** 4096 << 12: a page's share with 12 fraction bits (PSS_SHIFT). */
const PAGE_PSS = 4096 * 4096;
const PSS_TO_KB = 1024 * 4096;

export function pageStats(mm: AddressSpace, vma: Vma): PageStats {
  const { i32, flags: frameFlags } = mm.phys;
  const { zeroPageInSmapsRss, smapsDirtyFromPage } = mm.generation;
  let rss = 0;
  let pssAnon = 0;
  let pssFile = 0;
  let pssShmem = 0;
  let pssDirty = 0;
  let sharedClean = 0;
  let sharedDirty = 0;
  let privateClean = 0;
  let privateDirty = 0;
  let referenced = 0;
  let anonymous = 0;
  let lazyFree = 0;
  mm.pageTables.forEachPte(vma.start / 4096, vma.end / 4096, (at) => {
    const pte = i32[at];
    if (!pteMapped(pte)) return;
    const frame = pte >>> 12;
    const flags = frameFlags[frame];
    if (flags & FrameFlag.special) {
      if (zeroPageInSmapsRss && frame === mm.phys.zeroFrame) rss++;
      return;
    }
    rss++;
    const dirty = (pte & PTE_D) !== 0 || (smapsDirtyFromPage && (flags & FrameFlag.dirty) !== 0);
    const users = Math.max(1, mm.phys.mapCount(frame));
    const share = Math.floor(PAGE_PSS / users);
    if (flags & FrameFlag.anon) {
      anonymous++;
      if (flags & FrameFlag.lazyFree && !dirty) lazyFree++;
      pssAnon += share;
    } else if (flags & FrameFlag.shmem) pssShmem += share;
    else pssFile += share;
    if (dirty) pssDirty += share;
    if (pte & PTE_A || flags & FrameFlag.referenced) referenced++;
    if (users >= 2) dirty ? sharedDirty++ : sharedClean++;
    else dirty ? privateDirty++ : privateClean++;
  });
  const kb = (pss: number): number => Math.floor(pss / PSS_TO_KB);
  const pss = kb(pssAnon + pssFile + pssShmem);
  return {
    size: vma.pages * 4,
    rss: rss * 4,
    pss,
    pssDirty: kb(pssDirty),
    pssAnon: kb(pssAnon),
    pssFile: kb(pssFile),
    pssShmem: kb(pssShmem),
    sharedClean: sharedClean * 4,
    sharedDirty: sharedDirty * 4,
    privateClean: privateClean * 4,
    privateDirty: privateDirty * 4,
    referenced: referenced * 4,
    anonymous: anonymous * 4,
    lazyFree: lazyFree * 4,
    locked: vma.flags & VM_LOCKED ? pss : 0,
  };
}

/** VmFlags of smaps, by bit (show_smap_vma_flags). */
const VM_FLAG_NAMES = (
  "rd wr ex sh mr mw me ms gd um pf gu uw lo io sr rr dc de lf ac nr ht sf ar wf dd sd mm hg nh mg" as const
).split(" ");

/** `rd wr mr mw me ac `: two letters a flag and a trailing space each. */
export function vmFlagsText(flags: number): string {
  let text = "";
  const shown = flags & ~VM_DROPPABLE;
  for (let bit = 0; bit < 32; bit++) if (shown & (1 << bit)) text += `${VM_FLAG_NAMES[bit]} `;
  return flags & VM_DROPPABLE ? `${text}dp ` : text;
}
