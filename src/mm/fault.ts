/**
 * Page faults: arch/x86/mm/fault.c (do_user_addr_fault) and mm/memory.c (handle_mm_fault). The path for anonymous memory
 * allocates nothing in JavaScript.
 */

import { ENOMEM } from "../abi/errno.ts";
import type { FrameNumber, PageNumber } from "../base/address.ts";
import { PTE_A, PTE_D, PTE_GUARD, PTE_P, PTE_RW, pteMapped } from "../memory/page-tables.ts";
import { CHUNK_FRAMES, FrameFlag } from "../memory/physical.ts";
import { PF_PRESENT, PF_WRITE } from "../memory/translation.ts";
import type { AddressSpace } from "./address-space.ts";
import { FAULT_ACCERR, FAULT_ADRERR, FAULT_DONE, FAULT_MAPERR, FAULT_OOM, type FaultResult } from "./fault-result.ts";
import type { Mappable } from "./mappable.ts";
import { prepareAnonVma } from "./merge.ts";
import { expandStack } from "./stack.ts";
import { VM_ACCESS_FLAGS, VM_GROWSDOWN, VM_SHARED, VM_WRITE } from "./vm-flags.ts";
import type { Vma } from "./vma.ts";

/** Beyond so many regions the oldest are not worth remembering. */
const MAX_HOMES = 4096;

/** A fault of user code. */
export function faultAddress(mm: AddressSpace, address: number, code: number, sp: number): FaultResult {
  const vma = mm.vmas.find(address);
  if (vma === undefined) return FAULT_MAPERR;
  if (address < vma.start) {
    if ((vma.flags & VM_GROWSDOWN) === 0) return FAULT_MAPERR;
    // enter $65535, $31 may touch so far below the stack pointer (2.6 kernels)
    if (mm.generation.stack.checksStackPointer && address + 65536 + 32 * (mm.generation.kernelBits / 8) < sp) {
      return FAULT_MAPERR;
    }
    if (expandStack(mm, address) < 0) return FAULT_MAPERR;
  }
  return faultInVma(mm, vma, address, code);
}

/** A fault of the kernel's own access to user memory. */
export function faultForKernel(mm: AddressSpace, address: number, code: number): FaultResult {
  return faultAddress(mm, address, code, 0);
}

function faultInVma(mm: AddressSpace, vma: Vma, address: number, code: number): FaultResult {
  const write = (code & PF_WRITE) !== 0;
  // access_error(): whether the instruction may fetch is found out when the page is present
  if (write ? (vma.flags & VM_WRITE) === 0 : (code & PF_PRESENT) !== 0 || (vma.flags & VM_ACCESS_FLAGS) === 0) {
    return FAULT_ACCERR;
  }
  const result = faultPage(mm, vma, Math.floor(address / 4096), write);
  if (result === FAULT_DONE) mm.minorFaults++;
  return result;
}

/** handle_pte_fault for a page of `vma` whose permission was checked. Does not count. */
export function faultPage(mm: AddressSpace, vma: Vma, page: PageNumber, write: boolean): FaultResult {
  const tables = mm.pageTables;
  if (vma.mappable !== undefined) {
    const known = tables.findPte(page);
    if (known === 0 || mm.phys.i32[known] === 0) return fileFault(mm, vma, vma.mappable, page, write);
  }
  const at = tables.makePte(page);
  if (at < 0) return FAULT_OOM;
  const pte = mm.phys.i32[at];
  if (pte === 0) {
    if (vma.special !== undefined) return specialFault(mm, vma, at, page);
    return anonymousFault(mm, vma, at, page, write);
  }
  if (pte === PTE_GUARD) return FAULT_MAPERR;
  if ((pte & PTE_P) === 0) return FAULT_ACCERR;
  if (write && (pte & PTE_RW) === 0) return writeProtectFault(mm, vma, at, page);
  mm.phys.i32[at] |= write ? PTE_A | PTE_D : PTE_A;
  return FAULT_DONE;
}

/** do_anonymous_page. */
function anonymousFault(mm: AddressSpace, vma: Vma, at: number, page: PageNumber, write: boolean): FaultResult {
  if (mm.generation.stack.hiddenGuardPage && (vma.flags & VM_GROWSDOWN) !== 0 && page * 4096 === vma.start) {
    if (!moveGuardPage(mm, vma)) return FAULT_ADRERR;
  }
  if (!write) {
    mm.pageTables.setPte(at, mm.phys.zeroFrame, vma.pteBits, vma.nx);
    return FAULT_DONE;
  }
  const frame = frameNear(mm, at, page);
  if (frame < 0) return FAULT_OOM;
  if (vma.anonVma === undefined) prepareAnonVma(mm, vma);
  mapAnonymous(mm, vma, at, frame, true);
  return FAULT_DONE;
}

/** check_stack_guard_page of 2.6.38: a touch of the lowest page grows the stack by one more, unless a neighbour is there. */
function moveGuardPage(mm: AddressSpace, vma: Vma): boolean {
  const below = vma.prev;
  if (below !== undefined && below.end === vma.start) return (below.flags & VM_GROWSDOWN) !== 0;
  expandStack(mm, vma.start - 4096);
  return true;
}

function mapAnonymous(mm: AddressSpace, vma: Vma, at: number, frame: FrameNumber, dirty: boolean): void {
  mm.phys.flags[frame] |= FrameFlag.anon | FrameFlag.exclusive;
  mm.phys.addMap(frame);
  mm.anonPages++;
  const writable = (vma.flags & VM_WRITE) !== 0 ? PTE_RW : 0;
  mm.pageTables.setPte(at, frame, vma.pteBits | writable | (dirty ? PTE_D : 0), vma.nx);
}

/** A zeroed frame for the entry at `at`, next to the frames of its neighbours if possible; -1 if memory is used up. */
function frameNear(mm: AddressSpace, at: number, page: PageNumber): FrameNumber {
  const phys = mm.phys;
  const words = mm.pageTables.pteWords;
  const index = at & 1023;
  if (index >= words) {
    const below = phys.i32[at - words];
    if (pteMapped(below)) {
      const frame = phys.allocExact((below >>> 12) + 1);
      if (frame >= 0) return frame;
    }
  }
  if (index < 1024 - words) {
    const above = phys.i32[at + words];
    if (pteMapped(above)) {
      const frame = phys.allocExact((above >>> 12) - 1);
      if (frame >= 0) return frame;
    }
  }
  return frameAtHome(mm, page);
}

/** Pages of 2 MiB of address space go to their places in one chunk, in whatever order they are touched. */
function frameAtHome(mm: AddressSpace, page: PageNumber): FrameNumber {
  const { phys, homes } = mm;
  const region = Math.floor(page / CHUNK_FRAMES);
  const offset = page & (CHUNK_FRAMES - 1);
  const home = homes.get(region);
  if (home !== undefined) {
    const frame = phys.allocExact(home + offset);
    if (frame >= 0) return frame;
  }
  const frame = phys.allocFrameFor(page);
  if (frame >= 0 && ((frame - offset) & (CHUNK_FRAMES - 1)) === 0) {
    if (homes.size >= MAX_HOMES) homes.clear();
    homes.set(region, frame - offset);
  }
  return frame;
}

/** special_mapping_fault: the frames of [vdso] and [vvar]; vvar's are not counted (VM_PFNMAP). */
function specialFault(mm: AddressSpace, vma: Vma, at: number, page: PageNumber): FaultResult {
  const frame = vma.special?.frames[page - vma.start / 4096 + vma.pgoff];
  if (frame === undefined) return FAULT_ADRERR;
  mapPageCache(mm, at, frame, vma.pteBits, vma.nx);
  return FAULT_DONE;
}

/** Maps a frame that someone else owns; takes the reference of the PTE. */
function mapPageCache(mm: AddressSpace, at: number, frame: FrameNumber, bits: number, nx: boolean): void {
  const phys = mm.phys;
  mm.pageTables.setPte(at, frame, bits, nx);
  const flags = phys.flags[frame];
  if (flags & FrameFlag.special) return;
  phys.get(frame);
  phys.addMap(frame);
  if (mm.generation.hasRssShmem && flags & FrameFlag.shmem) mm.shmemPages++;
  else mm.filePages++;
}

/** do_fault: do_read_fault with fault-around, do_cow_fault, do_shared_fault. The leaf table is made only when it is used. */
function fileFault(mm: AddressSpace, vma: Vma, file: Mappable, page: PageNumber, write: boolean): FaultResult {
  const around = !write && !file.mapsSinglePages && mm.generation.faultAroundPages > 1;
  if (around && faultAround(mm, vma, file, page)) return FAULT_DONE;
  // do_cow_fault prepares before it asks the file, so even a failure leaves an anon_vma
  if (write && !(vma.flags & VM_SHARED)) prepareAnonVma(mm, vma);
  const index = vma.pgoff + (page - vma.start / 4096);
  if (index >= Math.ceil(file.size / 4096)) return mm.pageTables.makeUpper(page) ? FAULT_ADRERR : FAULT_OOM;
  const frame = file.getPage(index);
  if (frame < 0) return frame === -ENOMEM ? FAULT_OOM : FAULT_ADRERR;
  const at = mm.pageTables.makePte(page);
  if (at < 0) return FAULT_OOM;
  if (!write) mapPageCache(mm, at, frame, vma.pteBits, vma.nx);
  else if (vma.flags & VM_SHARED) {
    mm.phys.flags[frame] |= FrameFlag.dirty;
    mapPageCache(mm, at, frame, vma.pteBits | PTE_RW | PTE_D, vma.nx);
  } else {
    const copy = frameNear(mm, at, page);
    if (copy < 0) return FAULT_OOM;
    mm.phys.copyFrame(frame, copy);
    mapAnonymous(mm, vma, at, copy, true);
  }
  return FAULT_DONE;
}

/**
 * do_fault_around: maps the cached pages of the window that starts at the 64 KiB boundary below (or where the VMA starts)
 * and ends with the VMA, the page table or the file, even if `page` itself lies behind the end. True if `page` was mapped.
 */
function faultAround(mm: AddressSpace, vma: Vma, file: Mappable, page: PageNumber): boolean {
  const window = mm.generation.faultAroundPages;
  const tables = mm.pageTables;
  const i32 = mm.phys.i32;
  const firstOfVma = vma.start / 4096;
  const tableSize = 1 << tables.leafBits;
  const tableStart = page - (page & (tableSize - 1));
  const from = Math.max(page - (page & (window - 1)), firstOfVma);
  const sizePages = Math.ceil(file.size / 4096);
  const to = Math.min(from + window, tableStart + tableSize, vma.end / 4096, sizePages - vma.pgoff + firstOfVma);
  let mapped = false;
  for (let p = from; p < to; p++) {
    const known = tables.findPte(p);
    if (known !== 0 && i32[known] !== 0) continue;
    const index = vma.pgoff + (p - firstOfVma);
    const frame = file.cachedPage(index);
    if (frame < 0) continue;
    if (known === 0 && index === sizePages - 1 && file.kind === "file" && mm.generation.tailPageNeedsTable)
      return false;
    const at = tables.makePte(p);
    if (at < 0) return false;
    mapPageCache(mm, at, frame, vma.pteBits, vma.nx);
    if (p === page) mapped = true;
  }
  return mapped;
}

/** do_wp_page: a write to a page that is present but write-protected. */
function writeProtectFault(mm: AddressSpace, vma: Vma, at: number, page: PageNumber): FaultResult {
  const phys = mm.phys;
  const old = phys.i32[at] >>> 12;
  const bits = vma.pteBits | PTE_RW | PTE_D;
  if (vma.flags & VM_SHARED) {
    phys.flags[old] |= FrameFlag.dirty;
    mm.pageTables.setPte(at, old, bits, vma.nx);
    return FAULT_DONE;
  }
  const flags = phys.flags[old];
  if (flags & FrameFlag.anon && phys.refCount(old) === 1) {
    phys.flags[old] = (flags & ~FrameFlag.lazyFree) | FrameFlag.exclusive;
    mm.pageTables.setPte(at, old, bits, vma.nx);
    return FAULT_DONE;
  }
  const copy = frameNear(mm, at, page);
  if (copy < 0) return FAULT_OOM;
  if (vma.anonVma === undefined) prepareAnonVma(mm, vma);
  if (old !== phys.zeroFrame) phys.copyFrame(old, copy);
  forgetPage(mm, phys.i32[at]);
  mapAnonymous(mm, vma, at, copy, true);
  mm.pageTables.invalidate(page);
  return FAULT_DONE;
}

/** The page that `pte` maps leaves this address space: counters, dirty flag, reference. The entry is the caller's to clear. */
export function forgetPage(mm: AddressSpace, pte: number): void {
  if (!pteMapped(pte)) return;
  const phys = mm.phys;
  const frame = pte >>> 12;
  const flags = phys.flags[frame];
  if (flags & FrameFlag.special) return;
  if (flags & FrameFlag.anon) mm.anonPages--;
  else {
    if (pte & PTE_D) phys.flags[frame] |= FrameFlag.dirty;
    if (mm.generation.hasRssShmem && flags & FrameFlag.shmem) mm.shmemPages--;
    else mm.filePages--;
  }
  phys.removeMap(frame);
}
