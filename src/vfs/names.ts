/** Making, removing and moving names: the second half of fs/namei.c. All numbers: 0 or -errno. */
import {
  EADDRINUSE,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  EMLINK,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  ENXIO,
  EPERM,
  EROFS,
  EXDEV,
} from "../abi/errno.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from "../abi/fcntl.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from "../abi/stat.ts";
import { Dentry } from "./dentry.ts";
import { DirectoryInode } from "./directory.ts";
import type { File } from "./file.ts";
import { Inode, type SuperBlock } from "./inode.ts";
import { type FsUser, type LastComponent, type WalkOptions, walk, walkParent } from "./namei.ts";
import { notifyCreated, notifyLinked, notifyMoved, notifyRemoved } from "./notify.ts";
import { mayCreate, mayDelete } from "./permission.ts";
import { PipeInode } from "./pipe.ts";
import { RegularInode } from "./regular.ts";
import { SymlinkInode } from "./symlink.ts";
import type { Vfs } from "./vfs.ts";

/** EXT4_LINK_MAX; other file systems allow as many or more. */
const LINK_MAX = 65000;

function isSpecial(name: string): boolean {
  return name === "." || name === ".." || name === "/";
}

/** The free place for a new name, or -errno. Only directories may be given with a slash at the end. */
function freePlace(user: FsUser, path: string, options: WalkOptions, directory: boolean): LastComponent | number {
  const last = walkParent(user, path, { ...options, follow: false });
  if (typeof last === "number") return last;
  if (typeof last.child !== "number") return -EEXIST;
  if (last.child !== -ENOENT) return last.child;
  return last.trailingSlash && !directory ? -ENOENT : last;
}

/** May a name be entered here? Removed directories take none, pseudo file systems neither. */
function mayAdd(user: FsUser, parent: Dentry): number {
  if (parent.deleted) return -ENOENT;
  return parent.inode.immutable ? -ENOENT : mayCreate(parent.inode, user.creds);
}

function makeNode(vfs: Vfs, user: FsUser, last: LastComponent, make: (sb: SuperBlock) => Inode): number {
  const inode = vfs.createInode(user, last.parent, make);
  if (typeof inode === "number") return inode;
  const failed = last.parent.inode.link(last.name, inode);
  if (failed < 0) return failed;
  last.parent.attach(last.name, inode);
  notifyCreated(last.parent.inode, last.name, inode);
  return 0;
}

export function mkdir(vfs: Vfs, user: FsUser, path: string, mode: number, options: WalkOptions = {}): number {
  const last = freePlace(user, path, options, true);
  if (typeof last === "number") return last;
  const bits = mode & 0o1777 & ~user.fs.umask;
  return makeNode(vfs, user, last, (sb) => new DirectoryInode(sb, S_IFDIR | bits));
}

export function symlink(vfs: Vfs, user: FsUser, target: string, path: string, options: WalkOptions = {}): number {
  if (target === "") return -ENOENT;
  const last = freePlace(user, path, options, false);
  return typeof last === "number" ? last : makeNode(vfs, user, last, (sb) => new SymlinkInode(sb, target));
}

/** A device node opens what /dev has under its number; a socket's cannot be opened. */
class NodeInode extends Inode {
  override open(dentry: Dentry, flags: number): File | number {
    if ((this.mode & S_IFMT) !== S_IFCHR) return -ENXIO;
    return this.sb.context.openDevice?.(this.rdev, dentry, flags) ?? -ENXIO;
  }
}

/** may_mknod(): 0, -EPERM for directories, -EINVAL for types that there are not. */
export function mayMknod(mode: number): number {
  const type = mode & S_IFMT;
  if (type === S_IFDIR) return -EPERM;
  return type !== 0 && ![S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK].includes(type) ? -EINVAL : 0;
}

export function mknod(
  vfs: Vfs,
  user: FsUser,
  path: string,
  mode: number,
  dev: number,
  options: WalkOptions = {},
): number {
  const type = mode & S_IFMT;
  const refused = mayMknod(mode);
  if (refused < 0) return refused;
  const last = freePlace(user, path, options, false);
  if (typeof last === "number") return last;
  if ((type === S_IFCHR || type === S_IFBLK) && user.creds.euid !== 0) return -EPERM;
  const bits = mode & 0o7777 & ~user.fs.umask;
  return makeNode(vfs, user, last, (sb) => {
    if (type === S_IFREG || type === 0) return new RegularInode(sb, S_IFREG | bits);
    if (type === S_IFIFO) return new PipeInode(sb, S_IFIFO | bits);
    return new NodeInode(sb, type | bits, { rdev: dev });
  });
}

/** 0, or why a socket cannot be bound to a path. */
export function mayBind(user: FsUser, path: string): number {
  const last = freePlace(user, path, {}, false);
  if (typeof last !== "number") return Math.min(0, mayAdd(user, last.parent));
  return last === -EEXIST ? -EADDRINUSE : last;
}

/** bind(2) of a socket to a path: its inode, -EADDRINUSE if the name is taken, or another -errno. */
export function bindSocket(vfs: Vfs, user: FsUser, path: string, mode: number): Inode | number {
  const last = freePlace(user, path, {}, false);
  if (typeof last === "number") return last === -EEXIST ? -EADDRINUSE : last;
  let bound: Inode | undefined;
  const failed = makeNode(vfs, user, last, (sb) => {
    bound = new NodeInode(sb, S_IFSOCK | (mode & 0o7777 & ~user.fs.umask));
    return bound;
  });
  return failed < 0 || bound === undefined ? failed : bound;
}

/** link(2) of a file that was found. */
export function link(vfs: Vfs, user: FsUser, from: Dentry, path: string, options: WalkOptions = {}): number {
  const last = freePlace(user, path, options, false);
  if (typeof last === "number") return last;
  const { inode } = from;
  if (inode.isDirectory) return -EPERM;
  if (vfs.mountOf(from) !== vfs.mountOf(last.parent) || inode.sb !== last.parent.inode.sb) return -EXDEV;
  if (inode.nlink === 0 && !from.deleted) return -ENOENT;
  if (inode.nlink >= LINK_MAX) return -EMLINK;
  const refused = mayAdd(user, last.parent);
  if (refused < 0) return refused;
  const failed = last.parent.inode.link(last.name, inode);
  if (failed < 0) return failed;
  inode.nlink++;
  inode.ctime = inode.sb.now();
  last.parent.attach(last.name, inode);
  notifyLinked(last.parent.inode, last.name, inode);
  return 0;
}

export function unlink(user: FsUser, path: string, options: WalkOptions = {}): number {
  const last = walkParent(user, path, { ...options, follow: false });
  if (typeof last === "number") return last;
  if (isSpecial(last.name)) return -EISDIR;
  if (typeof last.child === "number") return last.child;
  const { inode } = last.child;
  if (last.trailingSlash) return inode.isDirectory ? -EISDIR : -ENOTDIR;
  const denied = removable(user, last, last.child);
  if (denied < 0) return denied;
  if (inode.isDirectory) return -EISDIR;
  remove(last, inode);
  return 0;
}

export function rmdir(user: FsUser, path: string, options: WalkOptions = {}): number {
  const last = walkParent(user, path, { ...options, follow: false });
  if (typeof last === "number") return last;
  if (last.name === "..") return -ENOTEMPTY;
  if (last.name === ".") return -EINVAL;
  if (last.name === "/") return -EBUSY;
  if (typeof last.child === "number") return last.child;
  const { inode } = last.child;
  if (!inode.isDirectory) return -ENOTDIR;
  const denied = removable(user, last, last.child);
  if (denied < 0) return denied;
  if (!isEmpty(inode)) return -ENOTEMPTY;
  remove(last, inode);
  return 0;
}

function isEmpty(directory: Inode): boolean {
  const entries = directory.list();
  return typeof entries !== "number" && entries.length === 0;
}

/** May the name go? Mount points stay. */
function removable(user: FsUser, last: LastComponent, victim: Dentry): number {
  if (last.parent.inode.immutable) return -EPERM;
  const denied = mayDelete(last.parent.inode, victim.inode, user.creds);
  if (denied < 0) return denied;
  return isMountPoint(last, victim) ? -EBUSY : 0;
}

function isMountPoint(last: LastComponent, victim: Dentry): boolean {
  return victim.inode.sb !== last.parent.inode.sb;
}

function remove(last: LastComponent, inode: Inode): void {
  last.parent.inode.unlink(last.name);
  last.parent.detach(last.name);
  dropLink(inode);
  notifyRemoved(last.parent.inode, last.name, inode);
}

function dropLink(inode: Inode): void {
  inode.nlink = inode.isDirectory ? 0 : inode.nlink - 1;
  inode.ctime = inode.sb.now();
  if (inode.nlink === 0) inode.evict();
}

/** 0, or -EINVAL for flags of renameat2(2) that cannot be. */
export function checkRenameFlags(flags: number): number {
  if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) return -EINVAL;
  return flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT) ? -EINVAL : 0;
}

/** renameat2(2). */
export function rename(
  vfs: Vfs,
  user: FsUser,
  from: string,
  to: string,
  flags: number,
  fromOptions: WalkOptions = {},
  toOptions: WalkOptions = {},
): number {
  const invalid = checkRenameFlags(flags);
  if (invalid < 0) return invalid;
  const source = walkParent(user, from, { ...fromOptions, follow: false });
  if (typeof source === "number" && source !== -ENAMETOOLONG) return source;
  const target = walkParent(user, to, { ...toOptions, follow: false });
  if (typeof source === "number") return typeof target === "number" ? target : source;
  // names are looked up when both parents are found, the old one first
  if (target === -ENAMETOOLONG && typeof source.child === "number") return source.child;
  if (typeof target === "number") return target;
  if (vfs.mountOf(source.parent) !== vfs.mountOf(target.parent)) return -EXDEV;
  if (isSpecial(source.name)) return -EBUSY;
  if (isSpecial(target.name)) return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
  if (typeof source.child === "number") return source.child;
  const replaced = typeof target.child === "number" ? undefined : target.child;
  if (replaced === undefined && target.child !== -ENOENT) return target.child as number;
  if (replaced !== undefined && flags & RENAME_NOREPLACE) return -EEXIST;
  if (replaced === undefined && (flags & RENAME_EXCHANGE || target.parent.inode.immutable)) return -ENOENT;
  if (replaced?.inode === source.child.inode) return 0;
  const failed = mayRename(user, source, source.child, target, replaced, flags);
  if (failed < 0) return failed;
  if (flags & RENAME_EXCHANGE) exchange(source, source.child, target, replaced as Dentry);
  else move(source, source.child, target, replaced);
  return 0;
}

function mayRename(
  user: FsUser,
  source: LastComponent,
  moved: Dentry,
  target: LastComponent,
  replaced: Dentry | undefined,
  flags: number,
): number {
  const isDirectory = moved.inode.isDirectory;
  if (!isDirectory && (source.trailingSlash || (target.trailingSlash && !(flags & RENAME_EXCHANGE)))) return -ENOTDIR;
  if (target.parent.isBelow(moved)) return -EINVAL;
  if (replaced !== undefined && source.parent.isBelow(replaced)) {
    return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
  }
  const denied = removable(user, source, moved);
  if (denied < 0) return denied;
  if (target.parent.inode.immutable) return -EROFS;
  const refused = mayDelete(target.parent.inode, replaced?.inode ?? target.parent.inode, user.creds);
  if (refused < 0) return refused;
  if (replaced === undefined) return 0;
  if (isMountPoint(target, replaced)) return -EBUSY;
  if (flags & RENAME_EXCHANGE) return 0;
  if (isDirectory && !replaced.inode.isDirectory) return -ENOTDIR;
  if (!isDirectory && replaced.inode.isDirectory) return -EISDIR;
  return isDirectory && !isEmpty(replaced.inode) ? -ENOTEMPTY : 0;
}

function move(source: LastComponent, moved: Dentry, target: LastComponent, replaced: Dentry | undefined): void {
  if (replaced !== undefined) {
    target.parent.inode.unlink(target.name);
    target.parent.detach(target.name);
    dropLink(replaced.inode);
  }
  source.parent.inode.unlink(source.name);
  target.parent.inode.link(target.name, moved.inode);
  source.parent.move(source.name, target.parent, target.name);
  moved.inode.ctime = moved.inode.sb.now();
  notifyMoved(placeOf(source), placeOf(target), moved.inode, replaced?.inode);
}

function placeOf({ parent, name }: LastComponent): { readonly directory: Inode; readonly name: string } {
  return { directory: parent.inode, name };
}

function exchange(source: LastComponent, a: Dentry, target: LastComponent, b: Dentry): void {
  source.parent.inode.unlink(source.name);
  target.parent.inode.unlink(target.name);
  source.parent.inode.link(source.name, b.inode);
  target.parent.inode.link(target.name, a.inode);
  Dentry.exchange(a, b);
  notifyMoved(placeOf(source), placeOf(target), a.inode);
  notifyMoved(placeOf(target), placeOf(source), b.inode);
}

/** The target of a symlink (readlinkat), or -errno. */
export function readlink(user: FsUser, path: string, options: WalkOptions = {}): string | number {
  const dentry = walk(user, path, { ...options, follow: false });
  return typeof dentry === "number" ? dentry : dentry.inode.readlink();
}
