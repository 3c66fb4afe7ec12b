/** Directories in memory, over a host directory or none; removed host names leave a whiteout. */

import { DT_DIR, dirTypeOf } from "../abi/dirent.ts";
import { EINVAL, EISDIR, ENOENT } from "../abi/errno.ts";
import { O_ACCMODE, O_RDONLY, SEEK_END } from "../abi/fcntl.ts";
import type { Dentry } from "./dentry.ts";
import { File } from "./file.ts";
import { Inode, type InodeInit, type SuperBlock } from "./inode.ts";
import type { DirEntry } from "./types.ts";

/** The host directory under a `DirectoryInode`. */
export interface LowerDirectory {
  readonly size: number;
  readonly blocks: number;
  /** The inode of a host name, or -errno. */
  lookup(name: string): Inode | number;
  /** The host's names in its order. */
  names(): string[] | number;
}

export interface DirectoryInit extends InodeInit {
  readonly lower?: LowerDirectory;
}

export class DirectoryInode extends Inode {
  readonly #lower: LowerDirectory | undefined;
  /** Known entries, host ones included; null: whiteout. */
  readonly #entries = new Map<string, Inode | null>();

  constructor(sb: SuperBlock, mode: number, init: DirectoryInit = {}) {
    super(sb, mode, { nlink: 2, ...init });
    this.#lower = init.lower;
  }

  override get size(): number {
    return this.#lower?.size ?? 4096;
  }

  override get blocks(): number {
    return this.#lower?.blocks ?? 8;
  }

  override lookup(name: string): Inode | number {
    const known = this.#entries.get(name);
    if (known !== undefined) return known ?? -ENOENT;
    if (this.#lower === undefined) return -ENOENT;
    const found = this.#lower.lookup(name);
    if (typeof found !== "number") this.#entries.set(name, found);
    return found;
  }

  override list(): DirEntry[] | number {
    const lower = this.#lower?.names() ?? [];
    if (typeof lower === "number") return lower;
    const entries: DirEntry[] = [];
    const seen = new Set<string>();
    for (const name of [...lower, ...this.#entries.keys()]) {
      if (seen.has(name)) continue;
      seen.add(name);
      const inode = this.lookup(name);
      if (typeof inode !== "number") entries.push({ name, ino: inode.ino, type: dirTypeOf(inode.mode) });
    }
    return entries;
  }

  get empty(): boolean {
    const entries = this.list();
    return typeof entries !== "number" && entries.length === 0;
  }

  override link(name: string, child: Inode): number {
    // Set anew, so that the entry comes last in the listing's order.
    this.#entries.delete(name);
    this.#entries.set(name, child);
    if (child.isDirectory) this.nlink++;
    this.touch();
    return 0;
  }

  override unlink(name: string): number {
    const inode = this.lookup(name);
    if (typeof inode === "number") return inode;
    // a whiteout only where the host has that name
    if (this.#lower === undefined || typeof this.#lower.lookup(name) === "number") this.#entries.delete(name);
    else this.#entries.set(name, null);
    if (inode.isDirectory) this.nlink--;
    this.touch();
    return 0;
  }

  override open(dentry: Dentry, flags: number): File | number {
    return openDirectory(dentry, flags);
  }
}

/** Opens any directory inode: only for reading (EISDIR otherwise). */
export function openDirectory(dentry: Dentry, flags: number): File | number {
  return (flags & O_ACCMODE) === O_RDONLY ? new DirectoryFile(dentry, flags) : -EISDIR;
}

/** An open directory: the listing is taken at the first read, and anew after lseek to the start. */
export class DirectoryFile extends File {
  #listing: DirEntry[] | undefined;

  override get splices(): boolean {
    return false;
  }

  override pread(): number {
    return -EISDIR;
  }

  override pwrite(): number {
    return -EISDIR;
  }

  override seek(offset: number, whence: number): number {
    if (whence === SEEK_END) return -EINVAL;
    const target = super.seek(offset, whence);
    if (target === 0) this.#listing = undefined;
    return target;
  }

  override readdir(): readonly DirEntry[] | number {
    if (this.dentry.deleted) return -ENOENT;
    if (this.#listing === undefined) {
      const entries = this.inode.list();
      if (typeof entries === "number") return entries;
      const parent = this.dentry.parent ?? this.dentry;
      this.#listing = [
        { name: ".", ino: this.inode.ino, type: DT_DIR },
        { name: "..", ino: parent.inode.ino, type: DT_DIR },
        ...entries,
      ];
    }
    return this.#listing.slice(this.offset);
  }
}
