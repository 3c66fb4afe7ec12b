/**
 * The tree that guests see: the sysroot's host files under a memory overlay, /dev, and what else is mounted. Operations
 * take the asking task (`FsUser`) and give numbers (>= 0, or -errno) or objects.
 */
import { EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, EPERM } from "../abi/errno.ts";
import {
  __O_TMPFILE,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../abi/fcntl.ts";
import { IN_MODIFY, IN_OPEN } from "../abi/inotify.ts";
import {
  ANON_INODE_FS_MAGIC,
  EXT4_SUPER_MAGIC,
  makeDev,
  PIPEFS_MAGIC,
  S_IFCHR,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  S_IXGRP,
  SOCKFS_MAGIC,
  TMPFS_MAGIC,
} from "../abi/stat.ts";
import { UsageError } from "../base/errors.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import type { Host, HostRandom, HostTime } from "../host/host.ts";
import type { PhysicalMemory } from "../memory/physical.ts";
import { Dentry } from "./dentry.ts";
import { createDevTree } from "./devices.ts";
import { DirectoryInode } from "./directory.ts";
import { File, PathFile } from "./file.ts";
import { HostTree } from "./host-tree.ts";
import { type Inode, SuperBlock } from "./inode.ts";
import { LockWaits } from "./locks.ts";
import { type FsUser, type WalkOptions, walk, walkParent } from "./namei.ts";
import { notifyCreated, notifyFile } from "./notify.ts";
import type { Path } from "./path.ts";
import { inGroup, inodePermission, MAY_EXEC, MAY_READ, MAY_WRITE, mayCreate, ownerOrCapable } from "./permission.ts";
import { RegularInode } from "./regular.ts";
import { openStream, StreamFile, streamName } from "./streams.ts";
import { SymlinkInode } from "./symlink.ts";
import { TmpfsSpace } from "./tmpfs-space.ts";
import type { VfsContext } from "./types.ts";

export interface VfsOptions {
  readonly host: Host;
  readonly frames: PhysicalMemory;
  /** Host directory that the guest sees as `/`; undefined: an empty tree. */
  readonly sysroot: string | undefined;
  /** CLOCK_REALTIME of the guest. */
  readonly now: () => HostTime;
  /** What /dev/urandom yields; default: the host's. */
  readonly random?: HostRandom;
}

export interface Mount {
  readonly id: number;
  readonly parentId: number;
  readonly mountPoint: string;
  readonly root: Dentry;
  readonly type: string;
  readonly source: string;
  /** Per-mount options, and those of the file system, as mountinfo separates them. */
  readonly options: string;
  readonly superOptions: string;
}

export class Vfs {
  readonly host: Host;
  readonly context: VfsContext;
  readonly root: Dentry;
  readonly mounts: Mount[] = [];
  /** pipefs and anon_inodefs, which are mounted nowhere. */
  readonly pipes: SuperBlock;
  readonly anonymous: SuperBlock;
  readonly sockets: SuperBlock;
  /** The kernel's own tmpfs: memfd and shared anonymous memory (dev 0:1). */
  readonly shmem: SuperBlock;
  readonly #rootSb: SuperBlock;
  readonly #streams: (File | undefined)[];

  constructor(options: VfsOptions) {
    const { host, sysroot } = options;
    this.host = host;
    const { frames, now } = options;
    this.context = {
      frames,
      now,
      space: new TmpfsSpace(frames),
      lockWaits: new LockWaits(),
      openFiles: 0,
      lastCookie: 0,
      inputs: [],
    };
    this.pipes = new SuperBlock(this.context, "pipefs", makeDev(0, 14), PIPEFS_MAGIC, 10001);
    this.anonymous = new SuperBlock(this.context, "anon_inodefs", makeDev(0, 15), ANON_INODE_FS_MAGIC, 11);
    this.sockets = new SuperBlock(this.context, "sockfs", makeDev(0, 8), SOCKFS_MAGIC, 12001);
    this.shmem = new SuperBlock(this.context, "tmpfs", makeDev(0, 1), TMPFS_MAGIC, 1025);
    const rootStat = sysroot === undefined ? undefined : host.fs.lstat(`${sysroot}/.`);
    if (typeof rootStat === "number") throw new UsageError(`sysroot ${sysroot} cannot be read`);
    // Files that the guest makes: the device of the sysroot, and inode numbers that no host file is likely to have.
    this.#rootSb = new SuperBlock(this.context, "ext4", rootStat?.dev ?? makeDev(8, 1), EXT4_SUPER_MAGIC, 0x4000_0001);
    const tree = new HostTree(host.fs, this.#rootSb);
    const inode = sysroot === undefined ? new DirectoryInode(this.#rootSb, 0o040755) : tree.inodeAt(`${sysroot}/.`);
    if (typeof inode === "number" || !inode.isDirectory) throw new UsageError(`sysroot ${sysroot} is not a directory`);
    this.root = new Dentry("", undefined, inode);
    this.#record(this.root, "/", "ext4", "/dev/root", "rw,relatime", "rw");
    const devSb = new SuperBlock(this.context, "devtmpfs", makeDev(0, 6), TMPFS_MAGIC, 100);
    const terminal = (flags: number) => this.#controllingTerminal(flags);
    this.mount("/dev", createDevTree(devSb, { random: options.random ?? host.random, terminal }), {
      type: "devtmpfs",
      source: "devtmpfs",
      options: "rw,relatime",
      superOptions: "rw,mode=755",
    });
    this.#streams = [0, 1, 2].map((fd) => this.#stream(fd));
  }

  /** Mounts `root` at a path, which is made if the sysroot lacks it. */
  mount(path: string, root: Dentry, info: Pick<Mount, "type" | "source" | "options" | "superOptions">): void {
    const point = this.#makePath(path.split("/").filter((name) => name !== ""));
    root.name = point.name;
    root.parent = point.parent;
    point.mounted = root;
    this.#record(root, path, info.type, info.source, info.options, info.superOptions);
  }

  #record(root: Dentry, mountPoint: string, type: string, source: string, options: string, superOptions: string): void {
    const id = 20 + this.mounts.length;
    this.mounts.push({ id, parentId: id === 20 ? 1 : 20, mountPoint, root, type, source, options, superOptions });
  }

  /** The mount that a file lies in. */
  mountOf(path: Path): Mount {
    for (let at: Dentry | undefined = path; at !== undefined; at = at.parent) {
      const found = this.mounts.find((mount) => mount.root === at);
      if (found !== undefined) return found;
    }
    return this.mounts[0];
  }

  /** The directories of a path, made where they are missing; anything else in the way is replaced. */
  #makePath(names: readonly string[]): Dentry {
    let at = this.root;
    for (const name of names) {
      const next = at.child(name);
      if (typeof next !== "number" && next.inode.isDirectory) at = next;
      else if (typeof next !== "number" && next.inode.isSymlink)
        at = this.#linkedDirectory(next) ?? this.#newDirectory(at, name);
      else at = this.#newDirectory(at, name);
    }
    return at;
  }

  #newDirectory(parent: Dentry, name: string): Dentry {
    const inode = new DirectoryInode(this.#rootSb, 0o040755);
    parent.inode.link(name, inode);
    return parent.attach(name, inode);
  }

  #linkedDirectory(link: Dentry): Dentry | undefined {
    const found = walk(this.superuser(), link.path());
    return typeof found !== "number" && found.inode.isDirectory ? found : undefined;
  }

  /** Root itself, at the root directory: for the machine's own look-ups. */
  superuser(): FsUser {
    return {
      fs: { root: this.root, cwd: this.root, umask: 0o022 },
      creds: { euid: 0, fsuid: 0, fsgid: 0, groups: [] },
    };
  }

  /**
   * Shows one host file outside the sysroot (the program) at its own absolute path; nothing else of its directory is
   * visible. 0 or -errno.
   */
  exposeHostFile(hostPath: string, guestPath = hostPath): number {
    const inode = new HostTree(this.host.fs, this.#rootSb).inodeAt(hostPath);
    if (typeof inode === "number") return inode;
    const names = guestPath.split("/").filter((name) => name !== "");
    const name = names.pop();
    if (name === undefined) return -EISDIR;
    const parent = this.#makePath(names);
    parent.inode.link(name, inode);
    parent.attach(name, inode);
    return 0;
  }

  /** The files for descriptors 0, 1 and 2, undefined where the host's is closed; each with a reference for the caller. */
  standardStreams(): readonly (File | undefined)[] {
    return this.#streams.map((file) => file?.get());
  }

  #stream(fd: number): File | undefined {
    const { fs, stdio } = this.host;
    const stat = stdio.stat(fd);
    if (typeof stat === "number") return undefined;
    const link = fs.readlink(`/proc/self/fd/${fd}`);
    const name = typeof link === "string" ? link : streamName(stdio, fd, stat);
    return openStream(this.pipes, stdio, fd, fd === 0 ? O_RDONLY : stdio.isTerminal(fd) ? O_RDWR : O_WRONLY, name);
  }

  #controllingTerminal(flags: number): File | undefined {
    for (const file of this.#streams) {
      if (!(file instanceof StreamFile) || file.terminal === undefined) continue;
      const opened = file.inode.open(file.dentry, flags);
      return typeof opened === "number" || opened instanceof WaitQueue ? undefined : opened;
    }
    return undefined;
  }

  walk(user: FsUser, path: string, options: WalkOptions = {}): Path | number {
    return walk(user, path, options);
  }

  /** open(2). A `WaitQueue` comes from FIFOs that wait for their other end. */
  open(user: FsUser, path: string, flags: number, mode = 0, options: WalkOptions = {}): File | number | WaitQueue {
    if (flags & O_PATH) return this.#openPath(user, path, flags, options);
    if (flags & __O_TMPFILE) return this.#openTemporary(user, path, flags, mode, options);
    if ((flags & O_CREAT) === 0) {
      const dentry = walk(user, path, { ...options, follow: !(flags & O_NOFOLLOW) });
      return typeof dentry === "number" ? dentry : this.openDentry(user, dentry, flags);
    }
    // since 6.4 (build_open_flags())
    if (flags & O_DIRECTORY) return -EINVAL;
    const last = walkParent(user, path, {
      ...options,
      follow: !(flags & (O_EXCL | O_NOFOLLOW)) && !path.endsWith("/"),
    });
    if (typeof last === "number") return last;
    if (last.trailingSlash && ![".", "..", "/"].includes(last.name)) return -EISDIR;
    if (typeof last.child !== "number") {
      if (flags & O_EXCL) return -EEXIST;
      return last.child.inode.isDirectory ? -EISDIR : this.openDentry(user, last.child, flags);
    }
    if (last.child !== -ENOENT) return last.child;
    const inode = this.createInode(
      user,
      last.parent,
      (sb) => new RegularInode(sb, S_IFREG | (mode & 0o7777 & ~user.fs.umask), { btime: sb.now() }),
    );
    if (typeof inode === "number") return inode;
    last.parent.inode.link(last.name, inode);
    const dentry = last.parent.attach(last.name, inode);
    notifyCreated(last.parent.inode, last.name, inode);
    return this.#opened(inode.open(dentry, flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)));
  }

  /** Whoever watches the file hears that it is open. */
  #opened<T>(file: File | T): File | T {
    if (file instanceof File) notifyFile(file.dentry, IN_OPEN);
    return file;
  }

  /** A new inode owned by the caller in the file system of `parent`, or -errno; it is not linked yet. */
  createInode<T extends Inode>(user: FsUser, parent: Dentry, make: (sb: SuperBlock) => T): T | number {
    if (parent.deleted) return -ENOENT;
    // Lookups of new names fail in file systems that make their own (proc).
    if (parent.inode.immutable) return -ENOENT;
    const denied = mayCreate(parent.inode, user.creds);
    if (denied < 0) return denied;
    const inode = make(parent.inode.sb);
    const full = inode.takeSpace();
    if (full < 0) return full;
    inode.uid = user.creds.fsuid;
    inode.gid = user.creds.fsgid;
    // Set-group-ID directories hand down their group, and the bit to directories (inode_init_owner).
    if (parent.inode.mode & 0o2000) {
      inode.gid = parent.inode.gid;
      if (inode.isDirectory) inode.mode |= 0o2000;
      else if (user.creds.fsuid !== 0 && !inGroup(user.creds, inode.gid) && inode.mode & S_IXGRP) inode.mode &= ~0o2000;
    }
    return inode;
  }

  #openPath(user: FsUser, path: string, flags: number, options: WalkOptions): File | number {
    const dentry = walk(user, path, { ...options, follow: !(flags & O_NOFOLLOW) });
    if (typeof dentry === "number") return dentry;
    if (flags & O_DIRECTORY && !dentry.inode.isDirectory) return -ENOTDIR;
    return new PathFile(dentry, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW));
  }

  #openTemporary(user: FsUser, path: string, flags: number, mode: number, options: WalkOptions): File | number {
    if (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) === O_RDONLY) return -EINVAL;
    const directory = walk(user, path, options);
    if (typeof directory === "number") return directory;
    if (!directory.inode.isDirectory) return -ENOTDIR;
    const permissions = mode & 0o7777 & ~user.fs.umask;
    const inode = this.createInode(user, directory, (sb) => new RegularInode(sb, S_IFREG | permissions, { nlink: 0 }));
    if (typeof inode === "number") return inode;
    const dentry = new Dentry(`#${inode.ino}`, directory, inode);
    dentry.deleted = true;
    return inode.open(dentry, flags & ~O_CLOEXEC);
  }

  /** Opens a file that was found; checks type and permissions (may_open). */
  openDentry(user: FsUser, dentry: Dentry, flags: number): File | number | WaitQueue {
    const { inode } = dentry;
    if (flags & O_DIRECTORY && !inode.isDirectory) return -ENOTDIR;
    if (inode.isSymlink) return -ELOOP;
    const access = flags & O_ACCMODE;
    const writing = access !== O_RDONLY || (flags & O_TRUNC) !== 0;
    if (writing && inode.isDirectory) return -EISDIR;
    const mask = (access === O_WRONLY ? 0 : MAY_READ) | (writing ? MAY_WRITE : 0);
    const denied = inodePermission(inode, mask, user.creds);
    if (denied < 0) return denied;
    if (flags & O_NOATIME && !ownerOrCapable(inode, user.creds)) return -EPERM;
    // devices decide about O_NOCTTY themselves
    const dropped = O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC | ((inode.mode & S_IFMT) === S_IFCHR ? 0 : O_NOCTTY);
    const file = this.#opened(inode.open(dentry, flags & ~dropped));
    if (typeof file === "number" || file instanceof WaitQueue) return file;
    if (flags & O_TRUNC && inode.isRegular) {
      const failed = file.truncate(0);
      if (failed < 0) {
        file.put();
        return failed;
      }
      notifyFile(dentry, IN_MODIFY);
    }
    return file;
  }

  /** What execve(2) asks: a regular file that may be executed, opened for reading; -EACCES otherwise. */
  openExecutable(user: FsUser, path: string, options: WalkOptions = {}): File | number {
    const dentry = walk(user, path, options);
    if (typeof dentry === "number") return dentry;
    if ((dentry.inode.mode & S_IFMT) !== S_IFREG) return -EACCES;
    const denied = inodePermission(dentry.inode, MAY_EXEC, user.creds);
    if (denied < 0) return denied;
    const file = this.#opened(dentry.inode.open(dentry, O_RDONLY));
    return file instanceof WaitQueue ? -EACCES : file;
  }

  /** An ordinary symlink or directory made by the machine itself (no permission checks): 0 or -errno. */
  provide(path: string, make: (sb: SuperBlock) => Inode): number {
    const names = path.split("/").filter((name) => name !== "");
    const name = names.pop();
    if (name === undefined) return -EEXIST;
    const parent = this.#makePath(names);
    const inode = make(this.#rootSb);
    parent.inode.link(name, inode);
    parent.attach(name, inode);
    return 0;
  }
}

/** Makes directories and symlinks for `Vfs.provide`. */
export const providedDirectory = (mode: number) => (sb: SuperBlock) => new DirectoryInode(sb, S_IFDIR | mode);
export const providedSymlink = (target: string) => (sb: SuperBlock) => new SymlinkInode(sb, target);
