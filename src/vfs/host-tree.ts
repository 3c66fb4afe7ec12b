/**
 * The host's files below a directory, as read-only lower layers of inodes in memory. Attributes, inode numbers and device
 * numbers are the host's; each is asked for once, so a run sees one state of the host.
 */
import { ENOENT, ENXIO } from "../abi/errno.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../abi/stat.ts";
import type { HostFs, HostStat } from "../host/host.ts";
import { DirectoryInode, type LowerDirectory } from "./directory.ts";
import { Inode, type InodeInit, type SuperBlock } from "./inode.ts";
import { RegularInode } from "./regular.ts";
import { SymlinkInode } from "./symlink.ts";

/** Devices, sockets and FIFOs of the host: they can be looked at, not opened. */
class HostSpecialInode extends Inode {
  override open(): number {
    return -ENXIO;
  }
}

export class HostTree {
  readonly #fs: HostFs;
  readonly #sb: SuperBlock;
  /** Regular files with several names, by dev:ino: one inode for all names. */
  readonly #linked = new Map<string, RegularInode>();

  constructor(fs: HostFs, sb: SuperBlock) {
    this.#fs = fs;
    this.#sb = sb;
  }

  /** The inode of a host file (a symlink is not followed), or -errno. */
  inodeAt(path: string): Inode | number {
    const stat = this.#fs.lstat(path);
    return typeof stat === "number" ? stat : this.#inodeOf(path, stat);
  }

  #inodeOf(path: string, stat: HostStat): Inode | number {
    const init = this.#init(stat);
    switch (stat.mode & S_IFMT) {
      case S_IFDIR:
        return new DirectoryInode(this.#sb, stat.mode, { ...init, lower: this.#directory(path, stat) });
      case S_IFREG:
        return this.#regular(path, stat, init);
      case S_IFLNK: {
        const target = this.#fs.readlink(path);
        return typeof target === "number" ? target : new SymlinkInode(this.#sb, target, init);
      }
      default:
        return new HostSpecialInode(this.#sb, stat.mode, init);
    }
  }

  #init(stat: HostStat): InodeInit {
    const { ino, dev, nlink, uid, gid, rdev, blksize, atime, mtime, ctime } = stat;
    const { btime } = stat;
    return { ino, dev, nlink, uid, gid, rdev, blksize, atime, mtime, ctime, ...(btime === undefined ? {} : { btime }) };
  }

  #regular(path: string, stat: HostStat, init: InodeInit): RegularInode {
    const key = stat.nlink > 1 ? `${stat.dev}:${stat.ino}` : undefined;
    const known = key === undefined ? undefined : this.#linked.get(key);
    if (known !== undefined) return known;
    const lower = { fs: this.#fs, path, size: stat.size, blocks: stat.blocks };
    const inode = new RegularInode(this.#sb, stat.mode, { ...init, lower });
    if (key !== undefined) this.#linked.set(key, inode);
    return inode;
  }

  #directory(path: string, stat: HostStat): LowerDirectory {
    const prefix = path.endsWith("/") ? path : `${path}/`;
    return {
      size: stat.size,
      blocks: stat.blocks,
      lookup: (name) => {
        if (name.includes("\0") || name.includes("/")) return -ENOENT;
        return this.inodeAt(prefix + name);
      },
      names: () => this.#fs.readdir(prefix),
    };
  }
}
