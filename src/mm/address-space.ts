/**
 * (Long because every call has its method here, a line or two each.)
 * An address space (struct mm_struct): its VMAs, page tables and counters. The rules of each call lie in the files beside
 * this one, by aspect; the class holds the state they share and is what the kernel, the loader and the CPU see.
 */
import type { Abi } from "../abi/abi.ts";
import { WORD_SIZE } from "../abi/abi.ts";
import type { FrameNumber, PageNumber } from "../base/address.ts";
import { PageTables } from "../memory/page-tables.ts";
import type { PhysicalMemory } from "../memory/physical.ts";
import type { Access, AddressTranslation } from "../memory/translation.ts";
import { type KernelGeneration, layoutOf, type TaskLayout } from "../profiles/kernel-generation.ts";
import { setBrk } from "./brk.ts";
import { copyIn, copyOut, fillOut, readString } from "./copy.ts";
import { faultAddress, faultForKernel } from "./fault.ts";
import type { FaultResult } from "./fault-result.ts";
import { forkAddressSpace } from "./fork.ts";
import { DEFAULT_LIMITS, type MmLimits } from "./limits.ts";
import { madviseRange } from "./madvise.ts";
import { membarrierCommand } from "./membarrier.ts";
import { mincoreRange, msyncRange } from "./mincore.ts";
import { mlockAllMemory, mlockRange, munlockAllMemory, munlockRange } from "./mlock.ts";
import { type MmapRequest, mapSpecialPages, mmapRegion } from "./mmap.ts";
import { mprotectRange } from "./mprotect.ts";
import { mremapRange } from "./mremap.ts";
import { munmapRange, unmapAll } from "./munmap.ts";
import { remapFilePagesRange } from "./remap-file-pages.ts";
import { expandStack, setupStackVma } from "./stack.ts";
import { type PageStats, pageStats } from "./stats.ts";
import { MemorySystem } from "./system.ts";
import { VM_EXEC, VM_GROWSDOWN, VM_SHARED, VM_WRITE } from "./vm-flags.ts";
import type { Vma } from "./vma.ts";
import { VmaList } from "./vma-list.ts";
import { displayStart, vmaName } from "./vma-name.ts";

/** One line of /proc/PID/maps, as data. */
export interface VmaView {
  /** As shown: 2.6.38 hides the lowest page of a stack. */
  readonly start: number;
  readonly end: number;
  /** vm_flags of the kernel (src/mm/vm-flags.ts). */
  readonly flags: number;
  /** Bytes; 0 for anonymous memory. */
  readonly offset: number;
  readonly dev: number;
  readonly ino: number;
  /** Path, label such as `[heap]`, or "". */
  readonly name: string;
  readonly vma: Vma;
}

export class AddressSpace implements AddressTranslation {
  readonly phys: PhysicalMemory;
  readonly generation: KernelGeneration;
  readonly abi: Abi;
  readonly layout: TaskLayout;
  readonly system: MemorySystem;
  /** Limits and capabilities of the process; execve and fork put the new task's here. */
  limits: MmLimits;
  readonly pageTables: PageTables;
  readonly vmas: VmaList;
  /** Where the private pages of each 2 MiB of addresses are placed: the first frame of a chunk. A policy of fault.ts. */
  readonly homes = new Map<number, FrameNumber>();
  readonly wordSize: 4 | 8;

  /** The mmap area: top (top-down) or bottom (legacy). Set by `setMmapLayout`. */
  mmapBase: number;
  topDown = true;
  /** Bottom of the bottom-up area (TASK_UNMAPPED_BASE, mmap_legacy_base). */
  legacyMmapBase: number;
  /** With address randomisation: 0 … n-1 bytes, page-aligned, for MAP_32BIT. */
  randomOffset: ((range: number) => number) | undefined = undefined;
  /** free_area_cache and cached_hole_size of 2.6 kernels. */
  freeAreaCache: number;
  cachedHoleSize = 0;
  /** READ_IMPLIES_EXEC of the personality. */
  readImpliesExec = false;
  /** VM_LOCKED and VM_LOCKONFAULT of mlockall(MCL_FUTURE). */
  defFlags = 0;
  /** Registrations of membarrier(2), as its command bits. */
  membarrierRegistered = 0;

  /** mm_struct's fields of these names; addresses in bytes. */
  startCode = 0;
  endCode = 0;
  startData = 0;
  endData = 0;
  startBrk = 0;
  brk = 0;
  startStack = 0;
  argStart = 0;
  argEnd = 0;
  envStart = 0;
  envEnd = 0;
  /** Start of [vdso], for AT_SYSINFO_EHDR and signal return. */
  vdsoBase = 0;

  minorFaults = 0;
  majorFaults = 0;
  /** Resident pages by kind. */
  anonPages = 0;
  filePages = 0;
  shmemPages = 0;
  /** Pages of address space: all, private writable, executable, stack, with a file (2.6), locked, pinned. */
  totalVm = 0;
  dataVm = 0;
  execVm = 0;
  stackVm = 0;
  sharedVm = 0;
  lockedVm = 0;
  pinnedVm = 0;
  #hiwaterRss = 0;
  #hiwaterVm = 0;
  #destroyed = false;

  constructor(
    phys: PhysicalMemory,
    generation: KernelGeneration,
    abi: Abi,
    limits: MmLimits = DEFAULT_LIMITS,
    system: MemorySystem = new MemorySystem(phys, generation),
  ) {
    this.phys = phys;
    this.vmas = new VmaList(phys);
    this.generation = generation;
    this.abi = abi;
    this.limits = limits;
    this.system = system;
    this.wordSize = WORD_SIZE[abi];
    this.layout = layoutOf(generation, abi);
    const twoLevel = generation.kernelBits === 32 && !generation.nativeNx;
    this.pageTables = new PageTables(phys, twoLevel ? { levels: 2, nx: false } : { levels: 4, nx: true }, this);
    this.mmapBase = this.layout.taskSize - 128 * 1024 * 1024;
    this.freeAreaCache = this.mmapBase;
    this.legacyMmapBase = this.layout.taskUnmappedBase;
    system.spaces.add(this);
  }

  /** False if there was no frame for the top-level page table: the address space must not be used. */
  get valid(): boolean {
    return this.pageTables.valid;
  }

  /** Sets the mmap area as `mmapBase()` of the generation gave it; legacy areas start at `base` and grow upwards. */
  setMmapLayout(base: number, topDown: boolean): void {
    this.mmapBase = base;
    this.topDown = topDown;
    if (!topDown) this.legacyMmapBase = base;
    this.freeAreaCache = base;
    this.cachedHoleSize = 0;
  }

  walk(page: PageNumber, access: Access): FrameNumber {
    return this.pageTables.walk(page, access);
  }

  /**
   * A page fault of user code at `address` with #PF's error code (SDM volume 3, section 4.7) and the stack pointer: repairs
   * it (0) or names the signal (src/mm/fault-result.ts).
   */
  handleFault(address: number, errorCode: number, sp: number): FaultResult {
    return faultAddress(this, address, errorCode, sp);
  }

  /** As `handleFault` for an access of the kernel itself, which is not held to the stack pointer. */
  handleKernelFault(address: number, errorCode: number): FaultResult {
    return faultForKernel(this, address, errorCode);
  }

  /** mmap(2): the address or -errno. `offset` in bytes. */
  mmap(request: MmapRequest): number {
    return mmapRegion(this, request);
  }

  /** munmap(2). */
  munmap(addr: number, length: number): number {
    return munmapRange(this, addr, length);
  }

  /** mprotect(2). */
  mprotect(addr: number, length: number, prot: number): number {
    return mprotectRange(this, addr, length, prot);
  }

  /** mremap(2): the new address or -errno. */
  mremap(oldAddr: number, oldLength: number, newLength: number, flags: number, newAddr = 0): number {
    return mremapRange(this, oldAddr, oldLength, newLength, flags, newAddr);
  }

  /** madvise(2). */
  madvise(addr: number, length: number, advice: number): number {
    return madviseRange(this, addr, length, advice);
  }

  /** mincore(2): fills `into` with one byte a page; 0 or -errno. */
  mincore(addr: number, length: number, vector: number): number {
    return mincoreRange(this, addr, length, vector);
  }

  /** msync(2). */
  msync(addr: number, length: number, flags: number): number {
    return msyncRange(this, addr, length, flags);
  }

  /** mlock(2), mlock2(2) with `onFault` for MLOCK_ONFAULT. */
  mlock(addr: number, length: number, onFault = false): number {
    return mlockRange(this, addr, length, onFault);
  }

  munlock(addr: number, length: number): number {
    return munlockRange(this, addr, length);
  }

  mlockall(flags: number): number {
    return mlockAllMemory(this, flags);
  }

  munlockall(): number {
    return munlockAllMemory(this);
  }

  /** remap_file_pages(2); `pgoff` in pages. */
  remapFilePages(addr: number, size: number, prot: number, pgoff: number, flags: number): number {
    return remapFilePagesRange(this, addr, size, prot, pgoff, flags);
  }

  /** membarrier(2). */
  membarrier(command: number, flags: number): number {
    return membarrierCommand(this, command, flags);
  }

  /** Where addresses wrap: 2^64 or 2^32 by the kernel's word. */
  get wordLimit(): number {
    return this.generation.kernelBits === 32 ? 2 ** 32 : 2 ** 64;
  }

  /** brk(2): the new break, or the present one if the request fails. */
  sysBrk(addr: number): number {
    return setBrk(this, addr);
  }

  /** A mapping of the kernel's own frames ([vdso], [vvar]); the address or -errno. `addr` 0 takes an mmap slot. */
  mapSpecial(addr: number, name: string, frames: readonly FrameNumber[], prot: number, counted = true): number {
    return mapSpecialPages(this, addr, name, frames, prot, counted);
  }

  /**
   * The stack VMA of execve(2), from `bottom` to `top`; both are page-aligned. `prot` as PT_GNU_STACK says. 0 or -errno.
   */
  setupStack(bottom: number, top: number, prot: number): number {
    return setupStackVma(this, bottom, top, prot);
  }

  /** Extends the stack that lies above `address` down to it (expand_stack): 0 or -errno. */
  expandStack(address: number): number {
    return expandStack(this, address);
  }

  /** copy_from_user: 0, or -EFAULT after copying what could be. */
  read(addr: number, into: Uint8Array): number {
    return copyIn(this, addr, into) === into.length ? 0 : -14;
  }

  /** copy_to_user: 0, or -EFAULT after copying what could be. */
  write(addr: number, from: Uint8Array): number {
    return copyOut(this, addr, from) === from.length ? 0 : -14;
  }

  /** Bytes copied from the guest before the first fault that could not be repaired. */
  readPart(addr: number, into: Uint8Array): number {
    return copyIn(this, addr, into);
  }

  /** Bytes copied to the guest before the first fault that could not be repaired. */
  writePart(addr: number, from: Uint8Array): number {
    return copyOut(this, addr, from);
  }

  /** Sets `length` bytes (clear_user): 0 or -EFAULT. */
  fill(addr: number, length: number, byte = 0): number {
    return fillOut(this, addr, length, byte);
  }

  readU8(addr: number): number {
    return this.read(addr, $word.subarray(0, 1)) || $word[0];
  }

  readU16(addr: number): number {
    return this.read(addr, $word.subarray(0, 2)) || $view.getUint16(0, true);
  }

  /** An unsigned 32-bit value, or -EFAULT. */
  readU32(addr: number): number {
    return this.read(addr, $word.subarray(0, 4)) || $view.getUint32(0, true);
  }

  /** A signed 32-bit value in `into.value`; 0 or -EFAULT. */
  readI32(addr: number, into: { value: number }): number {
    const error = this.read(addr, $word.subarray(0, 4));
    if (error === 0) into.value = $view.getInt32(0, true);
    return error;
  }

  /** An unsigned 64-bit value (exact below 2^53), or -EFAULT. */
  readU64(addr: number): number {
    return this.read(addr, $word) || $view.getUint32(4, true) * 0x1_0000_0000 + $view.getUint32(0, true);
  }

  /** A pointer-sized unsigned value, or -EFAULT. */
  readWord(addr: number): number {
    return this.wordSize === 8 ? this.readU64(addr) : this.readU32(addr);
  }

  writeU8(addr: number, value: number): number {
    $word[0] = value;
    return this.write(addr, $word.subarray(0, 1));
  }

  writeU16(addr: number, value: number): number {
    $view.setUint16(0, value, true);
    return this.write(addr, $word.subarray(0, 2));
  }

  /** Low 32 bits of `value`. */
  writeU32(addr: number, value: number): number {
    $view.setInt32(0, value | 0, true);
    return this.write(addr, $word.subarray(0, 4));
  }

  /** `value` as 64-bit two's complement. */
  writeU64(addr: number, value: number): number {
    $view.setInt32(0, value | 0, true);
    $view.setInt32(4, Math.floor(value / 0x1_0000_0000) | 0, true);
    return this.write(addr, $word);
  }

  writeWord(addr: number, value: number): number {
    return this.wordSize === 8 ? this.writeU64(addr, value) : this.writeU32(addr, value);
  }

  /** strncpy_from_user: the string at `addr` without its NUL, -EFAULT, or -ENAMETOOLONG behind `max` bytes. */
  readCString(addr: number, max = 4096): string | number {
    return readString(this, addr, max);
  }

  /** Walks the VMAs in ascending order: what maps, smaps, pmap and the tests look at. */
  forEachMapping(visit: (view: VmaView) => void): void {
    for (const vma of [...this.vmas]) visit(this.view(vma));
  }

  view(vma: Vma): VmaView {
    const object = vma.file?.mappable ?? vma.mappable;
    return {
      start: displayStart(this, vma),
      end: vma.end,
      flags: vma.flags,
      offset: object !== undefined ? vma.pgoff * 4096 : 0,
      dev: object?.dev ?? 0,
      ino: object?.ino ?? 0,
      name: vmaName(this, vma),
      vma,
    };
  }

  /** The numbers of one smaps entry, by walking the page tables. */
  pageStats(vma: Vma): PageStats {
    return pageStats(this, vma);
  }

  /** Resident pages. */
  get rss(): number {
    return this.anonPages + this.filePages + this.shmemPages;
  }

  /** VmHWM in pages: the stored mark lags, the present value counts too. */
  get hiwaterRss(): number {
    return Math.max(this.#hiwaterRss, this.rss);
  }

  /** VmPeak in pages. */
  get hiwaterVm(): number {
    return Math.max(this.#hiwaterVm, this.totalVm);
  }

  /** VmPTE in bytes. */
  get pteBytes(): number {
    const tables = this.pageTables;
    return (this.generation.vmPteCounts === "leaf" ? tables.leafTables : tables.leafTables + tables.upperTables) * 4096;
  }

  /** VmData in pages. */
  get vmData(): number {
    return this.generation.vmAccounting === "file" ? this.totalVm - this.sharedVm - this.stackVm : this.dataVm;
  }

  /** The sixth field of statm, in pages. */
  get statmData(): number {
    return this.generation.vmAccounting === "file" ? this.totalVm - this.sharedVm : this.dataVm + this.stackVm;
  }

  /** Called before resident pages or address space go down (update_hiwater_rss, update_hiwater_vm). */
  noteHighWater(): void {
    this.#hiwaterRss = this.hiwaterRss;
    this.#hiwaterVm = this.hiwaterVm;
  }

  /** Carries the marks over (fork). */
  resetHighWater(): void {
    this.#hiwaterRss = this.rss;
    this.#hiwaterVm = this.totalVm;
  }

  /** vm_stat_account: `pages` (may be negative) of address space with these flags came or went. */
  account(flags: number, hasFile: boolean, pages: number): void {
    this.totalVm += pages;
    if (this.generation.vmAccounting === "file") {
      if (hasFile) {
        this.sharedVm += pages;
        if ((flags & (VM_EXEC | VM_WRITE)) === VM_EXEC) this.execVm += pages;
      } else if (flags & VM_GROWSDOWN) this.stackVm += pages;
      return;
    }
    if ((flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) === VM_EXEC) this.execVm += pages;
    else if (flags & VM_GROWSDOWN) this.stackVm += pages;
    else if ((flags & (VM_WRITE | VM_SHARED)) === VM_WRITE) this.dataVm += pages;
  }

  /** A copy for fork(2) with copy-on-write, or -ENOMEM. */
  fork(limits: MmLimits = this.limits): AddressSpace | number {
    return forkAddressSpace(this, limits);
  }

  /** exit_mmap: unmaps everything and frees the page tables. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    unmapAll(this);
    this.system.forget(this);
    this.pageTables.destroy();
  }
}

const $word = new Uint8Array(8);
const $view = new DataView($word.buffer);
