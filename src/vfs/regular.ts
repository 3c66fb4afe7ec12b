/**
 * Regular files. A file of the host is a read-only lower layer; what the guest writes lives in page-cache frames above it,
 * page by page, so read(2), write(2) and mappings see one content and nothing reaches the host.
 */
import { EFBIG, EIO, ENOMEM, ENOSPC, ENXIO, EPERM } from "../abi/errno.ts";
import {
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  O_APPEND,
  SEEK_DATA,
  SEEK_HOLE,
} from "../abi/fcntl.ts";
import { type FrameNumber, PAGE_SIZE } from "../base/address.ts";
import type { HostFile, HostFs } from "../host/host.ts";
import { FrameFlag, type PhysicalMemory } from "../memory/physical.ts";
import type { Mappable } from "../mm/mappable.ts";
import type { Dentry } from "./dentry.ts";
import { File } from "./file.ts";
import { Inode, type InodeInit, type SuperBlock } from "./inode.ts";

/** s_maxbytes of ext4 and tmpfs with 4 KiB pages is larger; a safe integer is all we promise. */
const MAX_FILE_SIZE = Number.MAX_SAFE_INTEGER;
/** Files from this size on get frames congruent to their pages modulo 2 MiB, so that mappings can be runs of frames. */
const RUN_BYTES = 64 * PAGE_SIZE;

/** The host file under a `RegularInode`. */
export interface LowerFile {
  readonly fs: HostFs;
  readonly path: string;
  readonly size: number;
  readonly blocks: number;
}

export interface RegularInit extends InodeInit {
  readonly lower?: LowerFile;
  /** The pages count as shmem: tmpfs, memfd. */
  readonly shmem?: boolean;
}

export class RegularInode extends Inode {
  /** `shmem` or `file`, for the counters of address spaces that map it. */
  readonly kind: "file" | "shmem";
  /** F_SEAL_*; undefined where sealing is not offered. */
  seals: number | undefined;
  readonly #lower: LowerFile | undefined;
  /** Bytes of the lower file that still show: truncation lowers it for good. */
  #lowerSize: number;
  #lowerHandle: HostFile | undefined;
  #size: number;
  readonly #pages = new Map<number, FrameNumber>();
  /** Contents differ from the lower file, or may: a shared writable mapping counts. */
  #changed = false;
  #hasSharedWriter = false;
  /** Pages whose content exists nowhere else: they count as the file system's. */
  readonly #own = new Set<number>();
  #users = 0;
  #mappings = 0;
  #trapsSought = false;

  constructor(sb: SuperBlock, mode: number, init: RegularInit = {}) {
    super(sb, mode, init);
    this.kind = init.shmem ? "shmem" : "file";
    this.#lower = init.lower;
    this.#size = this.#lowerSize = init.lower?.size ?? 0;
  }

  override get size(): number {
    return this.#size;
  }

  override get blocks(): number {
    if (this.#lower !== undefined && !this.#changed) return this.#lower.blocks;
    const pages = Math.max(this.#pages.size, Math.ceil(this.#lowerSize / PAGE_SIZE));
    return pages * (PAGE_SIZE / 512);
  }

  get #frames(): PhysicalMemory {
    return this.sb.context.frames;
  }

  override open(dentry: Dentry, flags: number): File | number {
    if (this.#lower !== undefined) {
      const handle = this.#openLower();
      if (typeof handle === "number" && !this.#changed) return handle;
    }
    this.#users++;
    return new RegularFile(dentry, flags, this);
  }

  /** An open file description of this inode is gone. */
  closed(): void {
    this.#users--;
    if (this.#users > 0) return;
    if (this.nlink === 0) this.evict();
    else this.#closeLower();
  }

  override evict(): void {
    if (this.#users > 0) return;
    this.#closeLower();
    for (const index of [...this.#pages.keys()]) this.#dropPage(index);
    this.#size = this.#lowerSize = 0;
    super.evict();
  }

  /** Takes a page out of the page cache; mappings keep theirs. */
  #dropPage(index: number): void {
    const frame = this.#pages.get(index);
    if (frame === undefined) return;
    this.#frames.put(frame);
    this.#pages.delete(index);
    this.#disown(index);
  }

  #disown(index: number): void {
    if (this.#own.delete(index)) this.sb.context.space.takePages(-1);
  }

  /** The page's content will be the guest's own: false if the file system is full. */
  #makeOwn(index: number): boolean {
    if (this.#own.has(index)) return true;
    if (!this.sb.context.space.takePages(1)) return false;
    this.#own.add(index);
    return true;
  }

  #openLower(): HostFile | number {
    if (this.#lowerHandle !== undefined) return this.#lowerHandle;
    if (this.#lower === undefined) return -EIO;
    const handle = this.#lower.fs.openRead(this.#lower.path);
    if (typeof handle === "number") return handle;
    this.#lowerHandle = handle;
    return handle;
  }

  #closeLower(): void {
    this.#lowerHandle?.close();
    this.#lowerHandle = undefined;
  }

  /** Bytes of the lower file at `offset`; the rest of `into` is left alone. 0 or -errno. */
  #readLower(into: Uint8Array, offset: number): number {
    const count = Math.min(into.length, this.#lowerSize - offset);
    if (count <= 0) return 0;
    const handle = this.#openLower();
    if (typeof handle === "number") return handle;
    const result = handle.pread(count === into.length ? into : into.subarray(0, count), offset);
    if (this.#users === 0) this.#closeLower();
    return Math.min(result, 0);
  }

  /** Frame of page `index` if it is in the page cache. */
  cachedPage(index: number): FrameNumber | undefined {
    return this.#pages.get(index);
  }

  /** The page-cache frame of page `index`, read in if need be; the cache keeps its reference. -ENOMEM, -ENOSPC or -EIO. */
  getPage(index: number): FrameNumber {
    const known = this.#pages.get(index);
    if (known !== undefined) return known;
    const frames = this.#frames;
    const own = this.#hasSharedWriter || index * PAGE_SIZE >= this.#lowerSize;
    if (own && !this.#makeOwn(index)) return -ENOSPC;
    const before = this.#pages.get(index - 1);
    const frame =
      before === undefined && this.#size >= RUN_BYTES ? frames.allocFrameFor(index) : frames.allocFrame(before);
    if (frame < 0) {
      this.#disown(index);
      return -ENOMEM;
    }
    if (this.kind === "shmem") frames.flags[frame] |= FrameFlag.shmem;
    if (index * PAGE_SIZE < this.#lowerSize) {
      const at = frame * PAGE_SIZE;
      const failed = this.#readLower(frames.u8.subarray(at, at + PAGE_SIZE), index * PAGE_SIZE);
      if (failed < 0) {
        frames.put(frame);
        this.#disown(index);
        return -EIO;
      }
    }
    this.#pages.set(index, frame);
    this.#placeTraps(index, frame);
    return frame;
  }

  /** Tells a page that was brought in of the trap sites in it. */
  #placeTraps(index: number, frame: FrameNumber): void {
    if (!this.#trapsSought) {
      this.#trapsSought = true;
      if (this.#lower !== undefined && !this.#changed) {
        this.traps ??= this.sb.context.findTraps?.(this.#size, (into, offset) => this.#readLower(into, offset));
      }
    }
    if (this.traps === undefined) return;
    const start = index * PAGE_SIZE;
    const here = [...this.traps].filter(([at]) => at >= start && at < start + PAGE_SIZE);
    if (here.length > 0) this.#frames.setTraps(frame, new Map(here.map(([at, trap]) => [at - start, trap])));
  }

  /** The contents change: trap sites were those of the old ones. */
  #dropTraps(): void {
    this.#trapsSought = true;
    if (this.traps === undefined) return;
    this.traps = undefined;
    for (const frame of this.#pages.values()) this.#frames.setTraps(frame, undefined);
  }

  /** VMAs that refer to the file came or went. */
  noteMappings(change: 1 | -1): void {
    this.#mappings += change;
  }

  /** A shared writable mapping is about to exist: contents may change without notice from now on. */
  noteSharedWriter(): void {
    this.#changed = true;
    this.#hasSharedWriter = true;
  }

  /** Reads at `offset`: from frames where there are any, else straight from the host. */
  readAt(into: Uint8Array, offset: number): number {
    const end = Math.min(offset + into.length, this.#size);
    let at = offset;
    while (at < end) {
      const index = Math.floor(at / PAGE_SIZE);
      let pageEnd = Math.min((index + 1) * PAGE_SIZE, end);
      const frame = this.#pages.get(index);
      if (frame !== undefined) {
        const from = frame * PAGE_SIZE + (at - index * PAGE_SIZE);
        into.set(this.#frames.u8.subarray(from, from + (pageEnd - at)), at - offset);
      } else {
        for (let next = index + 1; pageEnd < end && !this.#pages.has(next); next++) {
          pageEnd = Math.min((next + 1) * PAGE_SIZE, end);
        }
        const target = into.subarray(at - offset, pageEnd - offset);
        target.fill(0);
        const failed = this.#readLower(target, at);
        if (failed < 0) return at > offset ? at - offset : failed;
      }
      at = pageEnd;
    }
    return Math.max(0, at - offset);
  }

  /** Writes at `offset`, growing the file; the count, or -ENOSPC, -ENOMEM, -EFBIG, -EIO, -EPERM (sealed). */
  writeAt(from: Uint8Array, offset: number): number {
    if (from.length === 0) return 0;
    const end = offset + from.length;
    if (end > MAX_FILE_SIZE) return -EFBIG;
    if ((this.seals ?? 0) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) return -EPERM;
    if (end > this.#size && (this.seals ?? 0) & F_SEAL_GROW) return -EPERM;
    this.#dropTraps();
    let at = offset;
    let frame = 0;
    while (at < end) {
      const index = Math.floor(at / PAGE_SIZE);
      frame = this.#makeOwn(index) ? this.getPage(index) : -ENOSPC;
      if (frame < 0) break;
      const pageEnd = Math.min((index + 1) * PAGE_SIZE, end);
      this.#frames.noteWrite(frame);
      this.#frames.u8.set(from.subarray(at - offset, pageEnd - offset), frame * PAGE_SIZE + (at - index * PAGE_SIZE));
      at = pageEnd;
    }
    if (at === offset) return frame;
    this.#size = Math.max(this.#size, at);
    this.#changed = true;
    this.touch();
    return at - offset;
  }

  override truncate(size: number): number {
    if (size > MAX_FILE_SIZE) return -EFBIG;
    if (size < this.#size && (this.seals ?? 0) & F_SEAL_SHRINK) return -EPERM;
    this.#dropTraps();
    if (size > this.#size && (this.seals ?? 0) & F_SEAL_GROW) return -EPERM;
    if (size < this.#size) {
      const failed = this.#zeroTail(size);
      if (failed < 0) return failed;
    }
    this.#size = size;
    this.#lowerSize = Math.min(this.#lowerSize, size);
    this.#changed = true;
    this.touch();
    return 0;
  }

  /** Drops the pages behind `size`, from mappings too, and clears the rest of the page that holds the new end. */
  #zeroTail(size: number): number {
    const first = Math.ceil(size / PAGE_SIZE);
    if (size % PAGE_SIZE !== 0 && (this.#pages.has(first - 1) || (first - 1) * PAGE_SIZE < this.#lowerSize)) {
      const frame = this.#makeOwn(first - 1) ? this.getPage(first - 1) : -ENOSPC;
      if (frame < 0) return frame;
      this.#clear(frame, size % PAGE_SIZE, PAGE_SIZE);
    }
    if (this.#mappings > 0) this.sb.context.unmapPages?.(this.dev, this.ino, first);
    for (const index of [...this.#pages.keys()]) if (index >= first) this.#dropPage(index);
    return 0;
  }

  #clear(frame: FrameNumber, from: number, to: number): void {
    this.#frames.noteWrite(frame);
    this.#frames.u8.fill(0, frame * PAGE_SIZE + from, frame * PAGE_SIZE + to);
  }

  /** FALLOC_FL_PUNCH_HOLE: bytes [start, end) read as zero; the size stays. Whole pages that nobody maps are given back. */
  punchHole(start: number, end: number): number {
    if ((this.seals ?? 0) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) return -EPERM;
    const last = Math.min(end, this.#size);
    const lowerPages = Math.ceil(Math.min(last, this.#lowerSize) / PAGE_SIZE);
    const indexes = [...this.#pages.keys()].filter((index) => index >= lowerPages);
    for (let index = Math.floor(start / PAGE_SIZE); index < lowerPages; index++) indexes.push(index);
    for (const index of indexes) {
      const from = Math.max(start, index * PAGE_SIZE);
      const to = Math.min(last, (index + 1) * PAGE_SIZE);
      if (from >= to) continue;
      const known = this.#pages.get(index);
      const whole = to - from === PAGE_SIZE && index >= lowerPages;
      if (whole && known !== undefined && this.#frames.mapCount(known) === 0) {
        this.#dropPage(index);
        continue;
      }
      const frame = this.#makeOwn(index) ? this.getPage(index) : -ENOSPC;
      if (frame < 0) return frame;
      this.#clear(frame, from - index * PAGE_SIZE, to - index * PAGE_SIZE);
    }
    this.#changed = true;
    this.touch();
    return 0;
  }

  /** Gives every page of [start, end) a place (fallocate(2)); -ENOSPC takes back nothing. */
  preallocate(start: number, end: number): number {
    const first = Math.floor(start / PAGE_SIZE);
    const last = Math.ceil(end / PAGE_SIZE);
    const missing = last - Math.max(first, Math.ceil(this.#lowerSize / PAGE_SIZE));
    if (missing - this.#pages.size > this.sb.context.space.freePages) return -ENOSPC;
    for (let index = first; index < last; index++) {
      if (index * PAGE_SIZE < this.#lowerSize) continue;
      const frame = this.getPage(index);
      if (frame < 0) return frame;
    }
    return 0;
  }

  /** SEEK_DATA and SEEK_HOLE as a file system without holes in its lower files answers. -ENXIO behind the end. */
  seekHole(offset: number, whence: number): number {
    if (offset < 0 || offset >= this.#size) return -ENXIO;
    const at = whence === SEEK_DATA ? this.#nextData(offset) : this.#nextHole(offset);
    if (at < this.#size) return at;
    return whence === SEEK_HOLE ? this.#size : -ENXIO;
  }

  #nextData(offset: number): number {
    const page = Math.floor(offset / PAGE_SIZE);
    if (offset < this.#lowerSize || this.#pages.has(page)) return offset;
    let next = Number.POSITIVE_INFINITY;
    for (const index of this.#pages.keys()) if (index > page && index < next) next = index;
    return next * PAGE_SIZE;
  }

  #nextHole(offset: number): number {
    let page = Math.floor(Math.max(offset, this.#lowerSize) / PAGE_SIZE);
    if (offset >= this.#lowerSize && !this.#pages.has(page)) return offset;
    if (offset < this.#lowerSize && !this.#pages.has(page) && this.#lowerSize % PAGE_SIZE !== 0) page++;
    while (this.#pages.has(page)) page++;
    return Math.max(offset, page * PAGE_SIZE);
  }
}

/** How address spaces see an open regular file: the name is the description's, the pages are the inode's. */
class FileMapping implements Mappable {
  readonly #file: RegularFile;
  readonly #inode: RegularInode;

  constructor(file: RegularFile, inode: RegularInode) {
    this.#file = file;
    this.#inode = inode;
  }

  get mapName(): string {
    return this.#file.dentry.displayPath();
  }

  get dev(): number {
    return this.#inode.dev;
  }

  get ino(): number {
    return this.#inode.ino;
  }

  get size(): number {
    return this.#inode.size;
  }

  get kind(): "file" | "shmem" {
    return this.#inode.kind;
  }

  getPage(index: number): FrameNumber {
    return this.#inode.getPage(index);
  }

  /** Files are taken to be in the page cache whole, as they are after the first run on a real machine. */
  cachedPage(index: number): FrameNumber {
    if (this.#inode.kind === "shmem") return this.#inode.cachedPage(index) ?? -1;
    if (index * PAGE_SIZE >= this.#inode.size) return -1;
    return Math.max(-1, this.#inode.getPage(index));
  }

  punchHole(start: number, end: number): number {
    return this.#inode.punchHole(start, end);
  }
}

export class RegularFile extends File {
  readonly #inode: RegularInode;
  readonly #mapping: FileMapping;

  constructor(dentry: Dentry, flags: number, inode: RegularInode) {
    super(dentry, flags);
    this.#inode = inode;
    this.#mapping = new FileMapping(this, inode);
  }

  get writeSealed(): boolean {
    return ((this.#inode.seals ?? 0) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0;
  }

  override get mappable(): Mappable {
    return this.#mapping;
  }

  override openForMap(): void {
    super.openForMap();
    this.#inode.noteMappings(1);
    if (this.writable) this.#inode.noteSharedWriter();
  }

  override closeForMap(): void {
    this.#inode.noteMappings(-1);
    super.closeForMap();
  }

  protected override release(): void {
    this.#inode.closed();
  }

  override pread(into: Uint8Array, offset: number): number {
    return this.#inode.readAt(into, offset);
  }

  /** With O_APPEND the offset does not count (pwrite(2), BUGS). */
  override pwrite(from: Uint8Array, offset: number): number {
    return this.#inode.writeAt(from, this.flags & O_APPEND ? this.#inode.size : offset);
  }

  override seek(offset: number, whence: number): number {
    if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return super.seek(offset, whence);
    const target = this.#inode.seekHole(offset, whence);
    if (target >= 0) this.offset = target;
    return target;
  }

  override truncate(size: number): number {
    return this.#inode.truncate(size);
  }

  override get available(): number {
    return Math.max(0, this.#inode.size - this.offset);
  }
}
