/** Inodes: the attributes of a file and the operations its file system offers (struct inode, fs/inode.c). */
import { EINVAL, ENOTDIR, ENXIO, EPERM } from "../abi/errno.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../abi/stat.ts";
import type { WaitQueue } from "../base/wait-queue.ts";
import type { HostTime } from "../host/host.ts";
import type { Dentry } from "./dentry.ts";
import type { File } from "./file.ts";
import { FileLocks } from "./locks.ts";
import type { Watch } from "./notify.ts";
import type { DirEntry, Kstat, VfsContext } from "./types.ts";

/** A mounted file system (struct super_block). */
export class SuperBlock {
  readonly context: VfsContext;
  /** `proc`, `devtmpfs`, `ext4`… as /proc/mounts prints it. */
  readonly type: string;
  readonly dev: number;
  readonly magic: number;
  #lastIno: number;

  constructor(context: VfsContext, type: string, dev: number, magic: number, firstIno = 1) {
    this.context = context;
    this.type = type;
    this.dev = dev;
    this.magic = magic;
    this.#lastIno = firstIno - 1;
  }

  /** The next unused inode number: deterministic. */
  nextIno(): number {
    return ++this.#lastIno;
  }

  now(): HostTime {
    return this.context.now();
  }
}

export interface InodeInit {
  readonly ino?: number;
  readonly dev?: number;
  readonly nlink?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly rdev?: number;
  readonly blksize?: number;
  readonly atime?: HostTime;
  readonly mtime?: HostTime;
  readonly ctime?: HostTime;
  readonly btime?: HostTime;
}

export abstract class Inode {
  readonly sb: SuperBlock;
  readonly ino: number;
  readonly dev: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  readonly rdev: number;
  readonly blksize: number;
  atime: HostTime;
  mtime: HostTime;
  ctime: HostTime;
  readonly btime: HostTime | undefined;
  #locks: FileLocks | undefined;
  /** Counted by the file system's space. */
  #takesSpace = false;
  /** Trap sites in the file's code: the trap's number (src/kernel/traps.ts) by file offset. */
  traps: ReadonlyMap<number, number> | undefined;
  /** Who is told of what happens to it (inotify). */
  watches: Set<Watch> | undefined;
  /** Open file descriptions, O_PATH ones included. */
  openFiles = 0;

  constructor(sb: SuperBlock, mode: number, init: InodeInit = {}) {
    const now = init.mtime ?? sb.now();
    this.sb = sb;
    this.ino = init.ino ?? sb.nextIno();
    this.dev = init.dev ?? sb.dev;
    this.mode = mode;
    this.nlink = init.nlink ?? 1;
    this.uid = init.uid ?? 0;
    this.gid = init.gid ?? 0;
    this.rdev = init.rdev ?? 0;
    this.blksize = init.blksize ?? 4096;
    this.atime = init.atime ?? now;
    this.mtime = now;
    this.ctime = init.ctime ?? now;
    this.btime = init.btime;
  }

  /** The file's advisory locks, if any were ever asked for. */
  get locks(): FileLocks | undefined {
    return this.#locks;
  }

  makeLocks(): FileLocks {
    this.#locks ??= new FileLocks(this.sb.context.frames);
    return this.#locks;
  }

  get size(): number {
    return 0;
  }

  /** 512-byte units. */
  get blocks(): number {
    return 0;
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }

  get isSymlink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }

  get isRegular(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }

  /** True when a looked-up child may be gone or another one at the next look (proc): nothing is cached then. */
  get volatile(): boolean {
    return false;
  }

  /** True when names cannot be made or removed here at all, and attributes cannot be changed (proc, sysfs). */
  get immutable(): boolean {
    return false;
  }

  /** Why owner, mode and times stay as they are: -errno, or 0 if they may change. */
  get attributesFixed(): number {
    return this.immutable ? -EPERM : 0;
  }

  getattr(): Kstat {
    const { dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks, atime, mtime, ctime } = this;
    const { btime } = this;
    return { dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks, atime, mtime, ctime, btime };
  }

  /** Directories: the inode of a name, or -ENOENT. */
  lookup(_name: string): Inode | number {
    return -ENOTDIR;
  }

  /** Directories: all names but `.` and `..`. */
  list(): DirEntry[] | number {
    return -ENOTDIR;
  }

  /** Directories: enters `child` under a name that is free. Link counts are the caller's business. */
  link(_name: string, _child: Inode): number {
    return -EPERM;
  }

  /** Directories: takes out a name that is there. */
  unlink(_name: string): number {
    return -EPERM;
  }

  /** Symbolic links: the text. */
  readlink(): string | number {
    return -EINVAL;
  }

  /** Magic links of proc: where the link leads without a path; undefined for ordinary symlinks. */
  follow(): Dentry | number | undefined {
    return undefined;
  }

  /** A new open file description; the caller has checked permissions. */
  open(_dentry: Dentry, _flags: number): File | number | WaitQueue {
    return -ENXIO;
  }

  /** truncate(2); regular files only. */
  truncate(_size: number): number {
    return -EINVAL;
  }

  /** Bytes of names and text that this inode takes of its file system's space beside itself. */
  protected get textBytes(): number {
    return 0;
  }

  /** A new inode of a file system in memory counts towards its limit: 0 or -ENOSPC. */
  takeSpace(): number {
    const result = this.sb.context.space.takeInode(this.textBytes);
    this.#takesSpace = result === 0;
    return result;
  }

  /** The last name and the last user are gone (`users` counts open files). */
  evict(): void {
    if (this.#takesSpace) this.sb.context.space.giveInode(this.textBytes);
    this.#takesSpace = false;
  }

  /** Modification of contents: mtime and ctime. */
  touch(): void {
    this.mtime = this.ctime = this.sb.now();
  }
}
