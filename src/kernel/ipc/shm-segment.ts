/** One shared memory segment and its attachments, as memory management sees them (ipc/shm.c, struct shmid_kernel). */
import type { FrameNumber } from "../../base/address.ts";
import type { PhysicalMemory } from "../../memory/physical.ts";
import type { Mappable, MappedFile } from "../../mm/mappable.ts";
import { ShmemPages } from "../../mm/shmem.ts";
import type { IpcObject, IpcPermissions } from "./ids.ts";

/** What a segment tells its table: a task maps it (one area more), or does no longer. */
export interface AttachmentObserver {
  attached(segment: SharedSegment): void;
  detached(segment: SharedSegment): void;
}

/** Device of the kernel's own mount of tmpfs. */
const SHM_DEVICE = 1;

export class SharedSegment implements IpcObject, Mappable {
  readonly perm: IpcPermissions;
  readonly size: number;
  readonly kind = "shmem";
  readonly dev = SHM_DEVICE;
  readonly mapsSinglePages = true;
  readonly mapName: string;
  /** Pids: of the creator, of who attached or detached last. */
  readonly creator: number;
  lastPid = 0;
  /** Areas that map it, over all address spaces. */
  attachments = 0;
  /** Seconds of CLOCK_REALTIME. */
  attachTime = 0;
  detachTime = 0;
  changeTime: number;
  readonly #pages: ShmemPages;

  constructor(phys: PhysicalMemory, perm: IpcPermissions, size: number, creator: number, now: number) {
    this.perm = perm;
    this.size = size;
    this.creator = creator;
    this.changeTime = now;
    this.mapName = `/SYSV${(perm.key >>> 0).toString(16).padStart(8, "0")} (deleted)`;
    this.#pages = new ShmemPages(phys);
  }

  /** The inode bears the identifier's number. */
  get ino(): number {
    return this.perm.id;
  }

  get pageCount(): number {
    return Math.ceil(this.size / 4096);
  }

  /** Pages that exist. */
  get residentPages(): number {
    return this.#pages.pageCount;
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

  /** The segment is no more. */
  release(): void {
    this.#pages.dropPages(0, Number.POSITIVE_INFINITY);
  }
}

/** The file of one shmat(2). */
export class Attachment implements MappedFile {
  readonly mappable: SharedSegment;
  readonly readable = true;
  readonly writable: boolean;
  readonly areasStay = true;
  readonly #observer: AttachmentObserver;

  constructor(segment: SharedSegment, writable: boolean, observer: AttachmentObserver) {
    this.mappable = segment;
    this.writable = writable;
    this.#observer = observer;
  }

  openForMap(): void {
    this.#observer.attached(this.mappable);
  }

  closeForMap(): void {
    this.#observer.detached(this.mappable);
  }
}
