/** brk(2) (mm/mmap.c): never an error, always the break as it is then. */
import { pageUp } from "../base/address.ts";
import { mlockFutureOk } from "./accounting.ts";
import type { AddressSpace } from "./address-space.ts";
import { brkArea } from "./mmap.ts";
import { unmapRange } from "./munmap.ts";
import { populate } from "./populate.ts";
import { VM_GROWSDOWN, VM_LOCKED } from "./vm-flags.ts";

export function setBrk(mm: AddressSpace, addr: number): number {
  const before = mm.brk;
  if (addr < mm.startBrk) return before;
  if (addr - mm.startBrk + (mm.endData - mm.startData) > mm.limits.data) return before;
  const newEnd = pageUp(addr);
  const oldEnd = pageUp(before);
  if (newEnd === oldEnd) {
    mm.brk = addr;
    return addr;
  }
  if (addr <= before) {
    const area = mm.vmas.intersection(newEnd, oldEnd);
    // 6.x: with nothing left to unmap the break stays
    if (area === undefined && mm.generation.placement === "stateless") return before;
    if (unmapRange(mm, newEnd, oldEnd) < 0) return before;
    mm.brk = addr;
    return addr;
  }
  if (newEnd > mm.layout.taskSize) return before;
  if (oldEnd < mm.system.dacMmapMinAddr && !mm.limits.capSysRawio) return before;
  if (!mlockFutureOk(mm, mm.defFlags, newEnd - oldEnd)) return before;
  const next = mm.vmas.find(oldEnd);
  if (next !== undefined) {
    const gap = next.flags & VM_GROWSDOWN ? mm.generation.stack.guardGap : 0;
    if (newEnd + 4096 > next.start - gap) return before;
  }
  // 6.x extends only what lies above start_brk, so that bss and heap stay apart
  const join = mm.generation.brkMergesBelowStart ? "both" : oldEnd > mm.startBrk ? "below" : "none";
  if (brkArea(mm, oldEnd, newEnd - oldEnd, false, join) < 0) return before;
  mm.brk = addr;
  if (mm.defFlags & VM_LOCKED) populate(mm, oldEnd, newEnd);
  return addr;
}
