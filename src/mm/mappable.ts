/** What memory management needs of files: implemented by vfs inodes, open file descriptions, and shmem. */
import type { FrameNumber } from "../base/address.ts";

/**
 * An inode's page cache (struct address_space), or another object whose pages can be mapped.
 */
export interface Mappable {
  /** What /proc/PID/maps prints; the name may change (` (deleted)`). `dev` is major << 8 | minor. */
  readonly mapName: string;
  readonly dev: number;
  readonly ino: number;
  /** Bytes, now. Pages at or behind `pageUp(size)` raise SIGBUS. */
  readonly size: number;
  /**
   * `file`: the page cache of a file on a disk file system: clean shared pages are write-protected so that the first write
   * is noticed. `shmem`: tmpfs, memfd, shared anonymous memory. `zero`: /dev/zero, whose private mappings are anonymous.
   */
  readonly kind: "file" | "shmem" | "zero";
  /**
   * The page-cache frame of file page `index`, read in or made if need be, or -errno (-EIO, -ENOMEM). The cache keeps its
   * reference; the caller takes its own (`phys.get`). Bytes behind the end of the file are zero.
   */
  getPage(index: number): FrameNumber;
  /**
   * The frame of page `index` if it is in the page cache and up to date, else -1: what fault-around and mincore look at.
   * A host file whose pages are taken to be cached already ("hot") reads the page in here.
   */
  cachedPage(index: number): FrameNumber;
  /** A fault maps the page that it met and no others (no vm_ops->map_pages). */
  readonly mapsSinglePages?: boolean;
  /** FALLOC_FL_PUNCH_HOLE for MADV_REMOVE: bytes [start, end) become zero. 0 or -errno (-EOPNOTSUPP). */
  punchHole?(start: number, end: number): number;
}

/**
 * An open file description (struct file). VMAs merge only if they refer to the same one, so identity matters.
 */
export interface MappedFile {
  /** Undefined where the file has no mmap operation: mmap gives ENODEV. */
  readonly mappable: Mappable | undefined;
  /** FMODE_READ and FMODE_WRITE. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** F_SEAL_WRITE or F_SEAL_FUTURE_WRITE: no shared mapping may write any more. */
  readonly writeSealed?: boolean;
  /** What mmap answers where `mappable` is undefined, if not -ENODEV. */
  readonly mapError?: number;
  /** IS_APPEND of the inode (chattr +a); O_APPEND alone does not count. */
  readonly appendOnly?: boolean;
  /** The mount is noexec. */
  readonly noExec?: boolean;
  /** vm_ops->close counts its areas: none of them may disappear into a neighbour. */
  readonly areasStay?: boolean;
  /** The task may neither write the file nor owns it: mincore(2) calls all its pages resident. */
  readonly hidesResidence?: boolean;
  /** A VMA refers to it now / no longer (get_file, fput). */
  openForMap(): void;
  closeForMap(): void;
}
