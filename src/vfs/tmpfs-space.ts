/**
 * What the guest's own files may take: as much as a tmpfs that is mounted without options, half of the memory for pages and
 * an inode for every two pages of it (mm/shmem.c, shmem_default_max_blocks()). One account serves all file systems in memory.
 */
import { ENOSPC } from "../abi/errno.ts";
import type { PhysicalMemory } from "../memory/physical.ts";

/** What an inode with its first name takes of the machine's memory (inode and dentry caches). */
const INODE_BYTES = 1024;

export class TmpfsSpace {
  readonly #frames: PhysicalMemory;
  readonly maxPages: number;
  readonly maxInodes: number;
  #pages = 0;
  #inodes = 0;

  constructor(frames: PhysicalMemory) {
    this.#frames = frames;
    this.maxPages = Math.floor(frames.totalFrames / 2);
    this.maxInodes = this.maxPages;
  }

  get freePages(): number {
    return Math.max(0, this.maxPages - this.#pages);
  }

  get freeInodes(): number {
    return Math.max(0, this.maxInodes - this.#inodes);
  }

  /** Counts `pages` more (or fewer); false, and nothing is counted, if there is no room for them. */
  takePages(pages: number): boolean {
    if (pages > 0 && (pages > this.freePages || this.#frames.scarce)) return false;
    this.#pages += pages;
    return true;
  }

  /** Counts an inode, with `bytes` of text (names, a symlink's target): 0 or -ENOSPC. */
  takeInode(bytes: number): number {
    if (this.freeInodes === 0 || this.#frames.scarce) return -ENOSPC;
    this.#inodes++;
    this.#frames.chargeKernel(INODE_BYTES + bytes);
    return 0;
  }

  giveInode(bytes: number): void {
    this.#inodes--;
    this.#frames.chargeKernel(-INODE_BYTES - bytes);
  }
}
