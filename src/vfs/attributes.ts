/** Changing attributes: chmod(2), chown(2), utimensat(2), truncate(2) (fs/attr.c, fs/open.c). All numbers: 0 or -errno. */
import { EACCES, EINVAL, EISDIR, EPERM } from "../abi/errno.ts";
import { F_SEAL_EXEC } from "../abi/fcntl.ts";
import { S_IFMT, S_IXGRP } from "../abi/stat.ts";
import type { HostTime } from "../host/host.ts";
import type { Inode } from "./inode.ts";
import { inGroup, inodePermission, MAY_WRITE, ownerOrCapable } from "./permission.ts";
import { RegularInode } from "./regular.ts";
import type { FsCredentials } from "./types.ts";

export function chmodInode(inode: Inode, mode: number, creds: FsCredentials): number {
  if (inode.attributesFixed < 0) return inode.attributesFixed;
  if (!ownerOrCapable(inode, creds)) return -EPERM;
  let bits = mode & 0o7777;
  // Set-group-ID is not for those outside the group (setattr_prepare).
  if (creds.fsuid !== 0 && !inGroup(creds, inode.gid)) bits &= ~0o2000;
  const sealed = inode instanceof RegularInode && ((inode.seals ?? 0) & F_SEAL_EXEC) !== 0;
  if (sealed && (inode.mode ^ bits) & 0o111) return -EPERM;
  inode.mode = (inode.mode & S_IFMT) | bits;
  inode.ctime = inode.sb.now();
  return 0;
}

/** -1 (as 0xffffffff) leaves an id alone. */
export function chownInode(inode: Inode, uid: number, gid: number, creds: FsCredentials): number {
  const keep = 0xffffffff;
  if (inode.attributesFixed < 0) return inode.attributesFixed;
  const newUid = uid >>> 0 === keep ? inode.uid : uid >>> 0;
  const newGid = gid >>> 0 === keep ? inode.gid : gid >>> 0;
  if (creds.fsuid !== 0) {
    if (uid >>> 0 !== keep && (creds.fsuid !== inode.uid || newUid !== inode.uid)) return -EPERM;
    const ownGroup = inGroup(creds, newGid) || newGid === inode.gid;
    if (gid >>> 0 !== keep && (creds.fsuid !== inode.uid || !ownGroup)) return -EPERM;
  }
  inode.uid = newUid;
  inode.gid = newGid;
  if (!inode.isDirectory) {
    inode.mode &= ~0o4000;
    if (inode.mode & S_IXGRP) inode.mode &= ~0o2000;
  }
  inode.ctime = inode.sb.now();
  return 0;
}

/** One time of utimensat: a value, "now", or "leave it". */
export type TimeChange = HostTime | "now" | "omit";

/** utimensat(2): "now" for both needs write permission or ownership, anything else ownership. */
export function setTimes(inode: Inode, atime: TimeChange, mtime: TimeChange, creds: FsCredentials): number {
  if (atime === "omit" && mtime === "omit") return 0;
  if (inode.attributesFixed < 0) return inode.attributesFixed;
  if (!ownerOrCapable(inode, creds)) {
    if (atime !== "now" || mtime !== "now") return -EPERM;
    if (inodePermission(inode, MAY_WRITE, creds) < 0) return -EACCES;
  }
  const now = inode.sb.now();
  if (atime !== "omit") inode.atime = atime === "now" ? now : atime;
  if (mtime !== "omit") inode.mtime = mtime === "now" ? now : mtime;
  inode.ctime = now;
  return 0;
}

export function truncateInode(inode: Inode, size: number, creds: FsCredentials): number {
  if (size < 0) return -EINVAL;
  if (inode.isDirectory) return -EISDIR;
  if (!inode.isRegular) return -EINVAL;
  const denied = inodePermission(inode, MAY_WRITE, creds);
  return denied < 0 ? denied : inode.truncate(size);
}
