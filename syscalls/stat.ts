/** File attributes: fs/stat.c, fs/statfs.c, and access(2) of fs/open.c. */
import { EBADF, EINVAL, EOVERFLOW } from "../src/abi/errno.ts";
import { AT_EACCESS, AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW } from "../src/abi/fcntl.ts";
import {
  EXT4_SUPER_MAGIC,
  majorOf,
  minorOf,
  OLD_STAT_I386,
  PROC_SUPER_MAGIC,
  ST_NODEV,
  ST_NOEXEC,
  ST_NOSUID,
  ST_RELATIME,
  ST_VALID,
  STAT,
  STAT64_I386,
  STATFS,
  STATFS64_I386,
  STATX,
  STATX__RESERVED,
  STATX_ATTR_MOUNT_ROOT,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_CTIME,
  STATX_MNT_ID,
  STATX_MTIME,
  TMPFS_MAGIC,
} from "../src/abi/stat.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import type { Task } from "../src/kernel/task.ts";
import type { Path } from "../src/vfs/path.ts";
import { inodePermission } from "../src/vfs/permission.ts";
import type { FsCredentials, Kstat } from "../src/vfs/types.ts";
import { dirfd, fd, flagsOf, intAs, path, pointerTo, sizeT } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import {
  ACCESS_BITS,
  AT_FLAGS,
  FACCESSAT_FLAGS,
  type StatShape,
  statText,
  statxFlagsText,
  statxMaskText,
  statxText,
} from "./format-file.ts";
import { statfsText } from "./format-statfs.ts";
import { anyFile, lookupAt } from "./io.ts";

/** The 16-bit ids of old structs: what does not fit becomes 65534 (overflowuid). */
function id16(id: number): number {
  return id > 0xffff ? 65534 : id;
}

function common(stat: Kstat) {
  return {
    st_dev: stat.dev,
    st_ino: stat.ino,
    st_mode: stat.mode,
    st_nlink: stat.nlink,
    st_rdev: stat.rdev,
    st_size: stat.size,
    st_blksize: stat.blksize,
    st_blocks: stat.blocks,
    st_atime: stat.atime.sec,
    st_atime_nsec: stat.atime.nsec,
    st_mtime: stat.mtime.sec,
    st_mtime_nsec: stat.mtime.nsec,
    st_ctime: stat.ctime.sec,
    st_ctime_nsec: stat.ctime.nsec,
  };
}

/** The bytes of the struct that the call fills in, or -EOVERFLOW if a value does not fit (cp_new_stat, cp_compat_stat). */
function encodeStat(task: Task, stat: Kstat, shape: StatShape): Uint8Array | number {
  const values = common(stat);
  const { uid, gid } = stat;
  if (shape === "stat64") return STAT64_I386.encode({ ...values, __st_ino: stat.ino, st_uid: uid, st_gid: gid });
  if (shape === "native" && task.abi === "amd64") return STAT.amd64.encode({ ...values, st_uid: uid, st_gid: gid });
  const small = { ...values, st_uid: id16(uid), st_gid: id16(gid) };
  if (stat.size > 0x7fff_ffff || stat.nlink > 0xffff) return -EOVERFLOW;
  if (shape === "old") return OLD_STAT_I386.encode(small);
  if (stat.ino > 0xffff_ffff) return -EOVERFLOW;
  return STAT.i386.encode(small);
}

function storeStat(task: Task, found: Path | number, address: number, shape: StatShape): SyscallResult {
  if (typeof found === "number") return found;
  const bytes = encodeStat(task, found.inode.getattr(), shape);
  return typeof bytes === "number" ? bytes : task.mm.write(address, bytes);
}

const statOut = (shape: StatShape) => pointerTo("statbuf", "exit", (address, call) => statText(address, call, shape));

function byPath(name: string, shape: StatShape, follow: boolean) {
  return defineSyscall(
    name,
    [path(), statOut(shape)],
    (task, file, address) => storeStat(task, task.kernel.vfs.walk(task, file, { follow }), address, shape),
    { support: "full" },
  );
}

function byDescriptor(name: string, shape: StatShape) {
  return defineSyscall(
    name,
    [fd(), statOut(shape)],
    (task, number, address) => {
      const file = anyFile(task, number);
      return typeof file === "number" ? file : storeStat(task, file.dentry, address, shape);
    },
    { support: "full" },
  );
}

const STAT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;

function relative(name: string, shape: StatShape) {
  return defineSyscall(
    name,
    [dirfd(), path(), statOut(shape), flagsOf("flags", AT_FLAGS, "AT_???")],
    (task, dir, file, address, flags) => {
      if (flags & ~(STAT_FLAGS | 0x6000)) return -EINVAL;
      return storeStat(task, lookupAt(task, dir, file, flags), address, shape);
    },
    { support: "full" },
  );
}

export const stat = byPath("stat", "native", true);
export const lstat = byPath("lstat", "native", false);
export const fstat = byDescriptor("fstat", "native");
export const newfstatat = relative("newfstatat", "native");
export const stat64 = byPath("stat64", "stat64", true);
export const lstat64 = byPath("lstat64", "stat64", false);
export const fstat64 = byDescriptor("fstat64", "stat64");
export const fstatat64 = relative("fstatat64", "stat64");
export const oldstat = byPath("oldstat", "old", true);
export const oldlstat = byPath("oldlstat", "old", false);
export const oldfstat = byDescriptor("oldfstat", "old");

/**
 * The mask of what was filled in. Since 6.13 file systems with multigrain timestamps leave mtime and ctime out if neither
 * was asked for (fs/stat.c, fill_mg_cmtime).
 */
function statxMask(asked: number, stat: Kstat): number {
  const times = STATX_MTIME | STATX_CTIME;
  const basic = asked & times ? STATX_BASIC_STATS : STATX_BASIC_STATS & ~times;
  const birth = asked & STATX_BTIME && stat.btime !== undefined ? STATX_BTIME : 0;
  return basic | birth | STATX_MNT_ID;
}

function encodeStatx(task: Task, found: Path, asked: number): Uint8Array {
  const stat = found.inode.getattr();
  const mount = task.kernel.vfs.mountOf(found);
  return STATX.encode({
    stx_mask: statxMask(asked, stat),
    stx_blksize: stat.blksize,
    stx_attributes: mount.root === found ? STATX_ATTR_MOUNT_ROOT : 0,
    stx_nlink: stat.nlink,
    stx_uid: stat.uid,
    stx_gid: stat.gid,
    stx_mode: stat.mode,
    stx_ino: stat.ino,
    stx_size: stat.size,
    stx_blocks: stat.blocks,
    stx_attributes_mask: STATX_ATTR_MOUNT_ROOT,
    stx_atime: stat.atime.sec,
    stx_atime_nsec: stat.atime.nsec,
    stx_btime: stat.btime?.sec ?? 0,
    stx_btime_nsec: stat.btime?.nsec ?? 0,
    stx_ctime: stat.ctime.sec,
    stx_ctime_nsec: stat.ctime.nsec,
    stx_mtime: stat.mtime.sec,
    stx_mtime_nsec: stat.mtime.nsec,
    stx_rdev_major: majorOf(stat.rdev),
    stx_rdev_minor: minorOf(stat.rdev),
    stx_dev_major: majorOf(stat.dev),
    stx_dev_minor: minorOf(stat.dev),
    stx_mnt_id: mount.id,
  });
}

export const statx = defineSyscall(
  "statx",
  [
    dirfd(),
    path(),
    intAs("flags", (value) => statxFlagsText(value)),
    intAs("mask", (value) => statxMaskText(value >>> 0)),
    pointerTo("statxbuf", "exit", statxText),
  ],
  (task, dir, file, flags, mask, address) => {
    if (mask >>> 0 >= STATX__RESERVED || (flags & 0x6000) === 0x6000) return -EINVAL;
    if (flags & ~(STAT_FLAGS | 0x6000)) return -EINVAL;
    const found = lookupAt(task, dir, file, flags);
    return typeof found === "number" ? found : task.mm.write(address, encodeStatx(task, found, mask));
  },
  { support: "full" },
);

/** Numbers of a disk file system: the host seam does not tell them, and they would not be repeatable. */
const DISK = { blocks: 0x100_0000, free: 0x80_0000, files: 0x40_0000, freeFiles: 0x30_0000 };

function statfsValues(task: Task, found: Path) {
  const mount = task.kernel.vfs.mountOf(found);
  const { magic, dev } = mount.root.inode.sb;
  const disk = magic === EXT4_SUPER_MAGIC;
  const tmpfs = magic === TMPFS_MAGIC;
  const { space } = mount.root.inode.sb.context;
  const pages = space.maxPages;
  const [blocks, free] = disk ? [DISK.blocks, DISK.free] : tmpfs ? [pages, space.freePages] : [0, 0];
  const noDevices = magic === PROC_SUPER_MAGIC ? ST_NODEV | ST_NOEXEC : 0;
  return {
    f_type: magic,
    f_bsize: 4096,
    f_blocks: blocks,
    f_bfree: free,
    f_bavail: free,
    f_files: disk ? DISK.files : space.maxInodes,
    f_ffree: disk ? DISK.freeFiles : space.freeInodes,
    f_fsid: [dev, 0],
    f_namelen: 255,
    f_frsize: 4096,
    f_flags: ST_VALID | ST_RELATIME | (disk ? 0 : ST_NOSUID) | noDevices,
  };
}

const STATFS_SUPPORT = { support: "partial", note: "block and inode counts are fixed" } as const;

function storeStatfs(task: Task, found: Path | number, address: number): number {
  if (typeof found === "number") return found;
  return task.mm.write(address, STATFS[task.abi].encode(statfsValues(task, found)));
}

function storeStatfs64(task: Task, found: Path | number, size: number, address: number): number {
  // The padded size is taken too (compat_sys_statfs64).
  if (size !== STATFS64_I386.size && size !== STATFS64_I386.size + 4) return -EINVAL;
  return typeof found === "number" ? found : task.mm.write(address, STATFS64_I386.encode(statfsValues(task, found)));
}

function descriptorPath(task: Task, number: number): Path | number {
  const file = anyFile(task, number);
  return typeof file === "number" ? -EBADF : file.dentry;
}

const statfsOut = (wide: boolean) => pointerTo("buf", "exit", (address, call) => statfsText(address, call, wide));

export const statfs = defineSyscall(
  "statfs",
  [path(), statfsOut(false)],
  (task, file, address) => storeStatfs(task, task.kernel.vfs.walk(task, file), address),
  STATFS_SUPPORT,
);

export const fstatfs = defineSyscall(
  "fstatfs",
  [fd(), statfsOut(false)],
  (task, number, address) => storeStatfs(task, descriptorPath(task, number), address),
  STATFS_SUPPORT,
);

export const statfs64 = defineSyscall(
  "statfs64",
  [path(), sizeT("sz"), statfsOut(true)],
  (task, file, size, address) => storeStatfs64(task, task.kernel.vfs.walk(task, file), size, address),
  STATFS_SUPPORT,
);

export const fstatfs64 = defineSyscall(
  "fstatfs64",
  [fd(), sizeT("sz"), statfsOut(true)],
  (task, number, size, address) => storeStatfs64(task, descriptorPath(task, number), size, address),
  STATFS_SUPPORT,
);

/** access(2) asks for the real ids unless AT_EACCESS is given (do_faccessat). */
function mayAccess(task: Task, dir: number, file: string, bits: number, flags: number): number {
  if (bits & ~7) return -EINVAL;
  if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  const { creds } = task;
  const asked: FsCredentials =
    flags & AT_EACCESS ? creds : { euid: creds.uid, fsuid: creds.uid, fsgid: creds.gid, groups: creds.groups };
  const user = { fs: task.fs, creds: asked };
  const found =
    file === "" || dir !== AT_FDCWD
      ? lookupAt(task, dir, file, flags)
      : task.kernel.vfs.walk(user, file, { follow: !(flags & AT_SYMLINK_NOFOLLOW) });
  if (typeof found === "number") return found;
  return bits === 0 ? 0 : inodePermission(found.inode, bits, asked);
}

const accessBits = flagsOf("mode", ACCESS_BITS, "?_OK");

/** R_OK, W_OK and X_OK. */
function knownBits(bits: number): number {
  return bits & ~7 ? -EINVAL : 0;
}

export const access = defineSyscall(
  "access",
  [path(), accessBits],
  (task, file, bits) => mayAccess(task, AT_FDCWD, file, bits, 0),
  { support: "full", first: (_file: unknown, bits: number) => knownBits(bits) },
);

export const faccessat = defineSyscall(
  "faccessat",
  [dirfd(), path(), accessBits],
  (task, dir, file, bits) => mayAccess(task, dir, file, bits, 0),
  { support: "full", first: (_dir: unknown, _file: unknown, bits: number) => knownBits(bits) },
);

export const faccessat2 = defineSyscall(
  "faccessat2",
  [dirfd(), path(), accessBits, flagsOf("flags", FACCESSAT_FLAGS, "AT_???")],
  mayAccess,
  { support: "full" },
);
