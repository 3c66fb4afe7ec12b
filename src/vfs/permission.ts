/** Discretionary access control (fs/namei.c generic_permission, fs/attr.c setattr_prepare; path_resolution(7), capabilities(7)). */
import { EACCES, EPERM } from "../abi/errno.ts";
import { S_ISVTX, S_IXGRP } from "../abi/stat.ts";
import type { Inode } from "./inode.ts";
import type { FsCredentials } from "./types.ts";

export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

export function inGroup(creds: FsCredentials, gid: number): boolean {
  return creds.fsgid === gid || creds.groups.includes(gid);
}

/** 0, or -EACCES if the mode bits of `inode` do not grant all of `mask` (MAY_*). */
export function inodePermission(inode: Inode, mask: number, creds: FsCredentials): number {
  let bits = inode.mode;
  if (creds.fsuid === inode.uid) bits >>= 6;
  else if (inGroup(creds, inode.gid)) bits >>= 3;
  if ((bits & mask & 7) === (mask & 7)) return 0;
  // CAP_DAC_OVERRIDE: everything but execution of a file that nobody may execute.
  if (creds.fsuid === 0 && (!(mask & MAY_EXEC) || inode.isDirectory || (inode.mode & 0o111) !== 0)) return 0;
  return -EACCES;
}

/** True for the owner and for CAP_FOWNER (inode_owner_or_capable). */
export function ownerOrCapable(inode: Inode, creds: FsCredentials): boolean {
  return creds.fsuid === inode.uid || creds.fsuid === 0;
}

/** May a name be entered into `directory`? */
export function mayCreate(directory: Inode, creds: FsCredentials): number {
  return inodePermission(directory, MAY_WRITE | MAY_EXEC, creds);
}

/** May the name of `victim` be taken out of `directory`? The sticky bit restricts it to owners (fs/namei.c may_delete). */
export function mayDelete(directory: Inode, victim: Inode, creds: FsCredentials): number {
  const denied = inodePermission(directory, MAY_WRITE | MAY_EXEC, creds);
  if (denied < 0) return denied;
  if (!(directory.mode & S_ISVTX) || creds.fsuid === 0) return 0;
  return creds.fsuid === victim.uid || creds.fsuid === directory.uid ? 0 : -EPERM;
}

/** The mode that a write leaves: set-user-ID and, with group execution, set-group-ID go (fs/inode.c should_remove_suid). */
export function modeAfterWrite(mode: number, creds: FsCredentials): number {
  if (creds.fsuid === 0) return mode;
  let kept = mode & ~0o4000;
  if (mode & S_IXGRP) kept &= ~0o2000;
  return kept;
}
