/**
 * Memory state of the whole machine that all address spaces share: vm.* sysctls, committed memory, shmem inode numbers.
 */
import type { PhysicalMemory } from "../memory/physical.ts";
import type { KernelGeneration } from "../profiles/kernel-generation.ts";
import type { AddressSpace } from "./address-space.ts";
import type { MmLimits } from "./limits.ts";

/** vm.overcommit_memory. */
export const Overcommit = { guess: 0, always: 1, never: 2 } as const;

/** Reserves that mode 2 keeps (mm/util.c): admin_reserve_kbytes and user_reserve_kbytes, in pages. */
const ADMIN_RESERVE_PAGES = 2048;
const USER_RESERVE_PAGES = 32768;

export class MemorySystem {
  readonly phys: PhysicalMemory;
  readonly #generation: KernelGeneration;
  overcommitMemory: number = Overcommit.guess;
  overcommitRatio = 50;
  maxMapCount: number;
  readonly mmapMinAddr: number;
  /** vm.mmap_min_addr. */
  dacMmapMinAddr: number;
  /** All address spaces that are alive. */
  readonly spaces = new Set<AddressSpace>();
  /** Committed_AS in pages (vm_committed_as). */
  committed = 0;
  /** Pages of the page cache that could be dropped; the owner of the cache keeps it. */
  fileCachePages = 0;
  /** Page faults of address spaces that are gone. */
  #pastFaults = 0;
  #shmemInode = 0;
  #anonVma = 0;

  constructor(phys: PhysicalMemory, generation: KernelGeneration) {
    this.phys = phys;
    this.#generation = generation;
    this.maxMapCount = generation.limits.maxMapCount;
    this.mmapMinAddr = generation.mmapMinAddr;
    this.dacMmapMinAddr = generation.dacMmapMinAddr;
  }

  /** Page faults since boot, those that the kernel's own accesses caused included. */
  get faults(): number {
    let sum = this.#pastFaults;
    for (const { minorFaults, majorFaults } of this.spaces) sum += minorFaults + majorFaults;
    return sum;
  }

  /** An address space is gone. */
  forget(space: AddressSpace): void {
    if (this.spaces.delete(space)) this.#pastFaults += space.minorFaults + space.majorFaults;
  }

  nextShmemInode(): number {
    return ++this.#shmemInode;
  }

  nextAnonVma(): number {
    return ++this.#anonVma;
  }

  /** CommitLimit in pages. */
  get commitLimit(): number {
    return Math.floor((this.phys.totalFrames * this.overcommitRatio) / 100);
  }

  /** __vm_enough_memory (mm/util.c): whether `pages` more may be promised; if so they are counted as committed. */
  charge(pages: number, totalVm: number, limits: MmLimits): boolean {
    if (!this.#enough(pages, totalVm, limits)) return false;
    this.committed += pages;
    return true;
  }

  uncharge(pages: number): void {
    this.committed -= pages;
  }

  #enough(pages: number, totalVm: number, limits: MmLimits): boolean {
    if (this.overcommitMemory === Overcommit.always) return true;
    if (this.#generation.overcommitHeuristic === "total-ram") return this.#enough6(pages, totalVm, limits);
    return this.#enough26(pages, totalVm, limits);
  }

  #enough6(pages: number, totalVm: number, limits: MmLimits): boolean {
    if (this.overcommitMemory === Overcommit.guess) return pages <= this.phys.totalFrames;
    let allowed = this.commitLimit;
    if (!limits.capSysAdmin) allowed -= ADMIN_RESERVE_PAGES;
    allowed -= Math.min(Math.floor(totalVm / 32), USER_RESERVE_PAGES);
    return this.committed + pages < allowed;
  }

  /** 2.6.32 and 2.6.38, mm/mmap.c. */
  #enough26(pages: number, totalVm: number, limits: MmLimits): boolean {
    const part32 = (value: number): number => (limits.capSysAdmin ? value : value - Math.floor(value / 32));
    if (this.overcommitMemory === Overcommit.guess) {
      const free = part32(this.fileCachePages);
      if (free > pages) return true;
      return free + part32(this.phys.freeFrames) > pages;
    }
    const allowed = part32(this.commitLimit) - Math.floor(totalVm / 32);
    return this.committed + pages < allowed;
  }
}
