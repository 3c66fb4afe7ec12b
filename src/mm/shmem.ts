/** Shared anonymous memory (mm/shmem.c, shmem_zero_setup): an unlinked file without a directory. */

import { ENOMEM } from "../abi/errno.ts";
import type { FrameNumber } from "../base/address.ts";
import { FrameFlag, type PhysicalMemory } from "../memory/physical.ts";
import type { Mappable, MappedFile } from "./mappable.ts";

/** A page cache whose pages exist only in memory. vfs may use it for tmpfs and memfd too. */
export class ShmemPages {
  readonly #phys: PhysicalMemory;
  readonly #frames = new Map<number, FrameNumber>();

  constructor(phys: PhysicalMemory) {
    this.#phys = phys;
  }

  /** Frame of page `index`, made if need be; -ENOMEM. */
  getPage(index: number): FrameNumber {
    const known = this.#frames.get(index);
    if (known !== undefined) return known;
    const before = this.#frames.get(index - 1);
    const frame = before === undefined ? this.#phys.allocFrameFor(index) : this.#phys.allocFrame(before);
    if (frame < 0) return -ENOMEM;
    this.#phys.flags[frame] |= FrameFlag.shmem;
    this.#frames.set(index, frame);
    return frame;
  }

  cachedPage(index: number): FrameNumber {
    return this.#frames.get(index) ?? -1;
  }

  /** Drops whole pages in [first, last); mapped copies must be gone already. */
  dropPages(first: number, last: number): void {
    for (const [index, frame] of this.#frames) {
      if (index < first || index >= last) continue;
      this.#frames.delete(index);
      this.#phys.put(frame);
    }
  }

  get pageCount(): number {
    return this.#frames.size;
  }
}

/** The file behind one MAP_SHARED|MAP_ANONYMOUS mapping, both struct file and inode. */
export class AnonymousSharedFile implements Mappable, MappedFile {
  readonly mapName = "/dev/zero (deleted)";
  readonly dev = 1;
  readonly ino: number;
  readonly size: number;
  readonly kind = "shmem";
  readonly readable = true;
  readonly writable = true;
  readonly #pages: ShmemPages;
  readonly #onRelease: () => void;
  #users = 0;

  constructor(phys: PhysicalMemory, ino: number, size: number, onRelease: () => void) {
    this.ino = ino;
    this.size = size;
    this.#pages = new ShmemPages(phys);
    this.#onRelease = onRelease;
  }

  get mappable(): Mappable {
    return this;
  }

  getPage(index: number): FrameNumber {
    return this.#pages.getPage(index);
  }

  cachedPage(index: number): FrameNumber {
    return this.#pages.cachedPage(index);
  }

  punchHole(start: number, end: number): number {
    this.#pages.dropPages(Math.ceil(start / 4096), Math.floor(end / 4096));
    return 0;
  }

  openForMap(): void {
    this.#users++;
  }

  closeForMap(): void {
    if (--this.#users > 0) return;
    this.#pages.dropPages(0, Number.POSITIVE_INFINITY);
    this.#onRelease();
  }
}
