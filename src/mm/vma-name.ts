/** What /proc/PID/maps calls a VMA (fs/proc/task_mmu.c, show_map_vma). */
import type { AddressSpace } from "./address-space.ts";
import { VM_GROWSDOWN } from "./vm-flags.ts";
import type { Vma } from "./vma.ts";

/** Path, `[heap]`, `[stack]`, `[vdso]` … or "". */
export function vmaName(mm: AddressSpace, vma: Vma): string {
  const object = vma.file?.mappable ?? vma.mappable;
  if (object !== undefined) return object.mapName;
  if (vma.special !== undefined) return vma.special.name;
  if (isHeap(mm, vma)) return "[heap]";
  if (vma.start <= mm.startStack && vma.end >= mm.startStack) return "[stack]";
  return "";
}

function isHeap(mm: AddressSpace, vma: Vma): boolean {
  if (mm.startBrk === 0) return false;
  switch (mm.generation.heapLabel) {
    case "covers":
      return vma.start <= mm.startBrk && vma.end >= mm.brk;
    case "touches":
      return vma.start <= mm.brk && vma.end >= mm.startBrk;
    default:
      return vma.start < mm.brk && vma.end > mm.startBrk;
  }
}

/** 2.6.38 hides the guard page at the bottom of a growing VMA, unless it continues another one. */
export function displayStart(mm: AddressSpace, vma: Vma): number {
  if (!mm.generation.stack.hiddenGuardPage || (vma.flags & VM_GROWSDOWN) === 0) return vma.start;
  const below = vma.prev;
  const continues = below !== undefined && below.end === vma.start && (below.flags & VM_GROWSDOWN) !== 0;
  return continues ? vma.start : vma.start + 4096;
}
