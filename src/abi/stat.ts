/** File modes, device numbers and the stat structs: Linux include/uapi/linux/stat.h, asm/stat.h, asm/statfs.h, kdev_t.h. */
import type { Abi } from "./abi.ts";
import { structOf } from "./struct.ts";

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
export const S_IRWXU = 0o700;
export const S_IXGRP = 0o010;

/** new_encode_dev (include/linux/kdev_t.h): the dev_t of stat(2), 12-bit major and 20-bit minor. */
export function makeDev(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

export function majorOf(dev: number): number {
  return (dev >>> 8) & 0xfff;
}

export function minorOf(dev: number): number {
  return ((dev & 0xff) | ((dev >>> 12) & 0xfff00)) >>> 0;
}

export const STATX_TYPE = 0x1;
export const STATX_MODE = 0x2;
export const STATX_NLINK = 0x4;
export const STATX_UID = 0x8;
export const STATX_GID = 0x10;
export const STATX_ATIME = 0x20;
export const STATX_MTIME = 0x40;
export const STATX_CTIME = 0x80;
export const STATX_INO = 0x100;
export const STATX_SIZE = 0x200;
export const STATX_BLOCKS = 0x400;
export const STATX_BASIC_STATS = 0x7ff;
export const STATX_BTIME = 0x800;
export const STATX_MNT_ID = 0x1000;
export const STATX__RESERVED = 0x80000000;
export const STATX_ATTR_MOUNT_ROOT = 0x2000;

/** struct stat of x86-64. */
const STAT_AMD64 = structOf("amd64", {
  st_dev: "ulong",
  st_ino: "ulong",
  st_nlink: "ulong",
  st_mode: "u32",
  st_uid: "u32",
  st_gid: "u32",
  __pad0: "u32",
  st_rdev: "ulong",
  st_size: "long",
  st_blksize: "long",
  st_blocks: "long",
  st_atime: "ulong",
  st_atime_nsec: "ulong",
  st_mtime: "ulong",
  st_mtime_nsec: "ulong",
  st_ctime: "ulong",
  st_ctime_nsec: "ulong",
  __unused: ["long", 3],
});

/** struct stat of i386 (system calls 106–108). */
const STAT_I386 = structOf("i386", {
  st_dev: "ulong",
  st_ino: "ulong",
  st_mode: "u16",
  st_nlink: "u16",
  st_uid: "u16",
  st_gid: "u16",
  st_rdev: "ulong",
  st_size: "ulong",
  st_blksize: "ulong",
  st_blocks: "ulong",
  st_atime: "ulong",
  st_atime_nsec: "ulong",
  st_mtime: "ulong",
  st_mtime_nsec: "ulong",
  st_ctime: "ulong",
  st_ctime_nsec: "ulong",
  __unused: ["ulong", 2],
});

/** struct stat of the native word size of the ABI. */
export const STAT = { amd64: STAT_AMD64, i386: STAT_I386 } as const;

/** struct __old_kernel_stat of i386 (system calls 18, 28, 84). */
export const OLD_STAT_I386 = structOf("i386", {
  st_dev: "u16",
  st_ino: "u16",
  st_mode: "u16",
  st_nlink: "u16",
  st_uid: "u16",
  st_gid: "u16",
  st_rdev: "u16",
  st_size: "ulong",
  st_atime: "ulong",
  st_mtime: "ulong",
  st_ctime: "ulong",
});

/** struct stat64 of i386. */
export const STAT64_I386 = structOf("i386", {
  st_dev: "u64",
  __pad0: ["u8", 4],
  __st_ino: "ulong",
  st_mode: "u32",
  st_nlink: "u32",
  st_uid: "ulong",
  st_gid: "ulong",
  st_rdev: "u64",
  __pad3: ["u8", 4],
  st_size: "s64",
  st_blksize: "ulong",
  st_blocks: "u64",
  st_atime: "ulong",
  st_atime_nsec: "ulong",
  st_mtime: "ulong",
  st_mtime_nsec: "ulong",
  st_ctime: "ulong",
  st_ctime_nsec: "ulong",
  st_ino: "u64",
});

function statxOf(abi: Abi) {
  return structOf(abi, {
    stx_mask: "u32",
    stx_blksize: "u32",
    stx_attributes: "u64",
    stx_nlink: "u32",
    stx_uid: "u32",
    stx_gid: "u32",
    stx_mode: "u16",
    __spare0: "u16",
    stx_ino: "u64",
    stx_size: "u64",
    stx_blocks: "u64",
    stx_attributes_mask: "u64",
    stx_atime: "s64",
    stx_atime_nsec: "u32",
    __reserved0: "s32",
    stx_btime: "s64",
    stx_btime_nsec: "u32",
    __reserved1: "s32",
    stx_ctime: "s64",
    stx_ctime_nsec: "u32",
    __reserved2: "s32",
    stx_mtime: "s64",
    stx_mtime_nsec: "u32",
    __reserved3: "s32",
    stx_rdev_major: "u32",
    stx_rdev_minor: "u32",
    stx_dev_major: "u32",
    stx_dev_minor: "u32",
    stx_mnt_id: "u64",
    stx_dio_mem_align: "u32",
    stx_dio_offset_align: "u32",
    __spare3: ["u64", 12],
  });
}

/** struct statx: the same bytes in both ABIs. */
export const STATX = statxOf("amd64");

/** struct statfs of the word size of the ABI. */
const STATFS_FIELDS = {
  f_type: "long",
  f_bsize: "long",
  f_blocks: "ulong",
  f_bfree: "ulong",
  f_bavail: "ulong",
  f_files: "ulong",
  f_ffree: "ulong",
  f_fsid: ["s32", 2],
  f_namelen: "long",
  f_frsize: "long",
  f_flags: "long",
  f_spare: ["long", 4],
} as const;
export const STATFS = { amd64: structOf("amd64", STATFS_FIELDS), i386: structOf("i386", STATFS_FIELDS) } as const;

/** struct statfs64 of i386 (84 bytes: compat_statfs64 is packed). */
export const STATFS64_I386 = structOf("i386", {
  f_type: "u32",
  f_bsize: "u32",
  f_blocks: "u64",
  f_bfree: "u64",
  f_bavail: "u64",
  f_files: "u64",
  f_ffree: "u64",
  f_fsid: ["s32", 2],
  f_namelen: "u32",
  f_frsize: "u32",
  f_flags: "u32",
  f_spare: ["u32", 4],
});

export const TMPFS_MAGIC = 0x01021994;
export const PROC_SUPER_MAGIC = 0x9fa0;
export const SYSFS_MAGIC = 0x62656572;
export const SOCKFS_MAGIC = 0x534f434b;
export const PIPEFS_MAGIC = 0x50495045;
export const EXT4_SUPER_MAGIC = 0xef53;
export const ANON_INODE_FS_MAGIC = 0x09041934;
export const DEVPTS_SUPER_MAGIC = 0x1cd1;

/** f_flags of statfs(2): ST_* (include/linux/statfs.h). */
export const ST_RDONLY = 0x1;
export const ST_NOSUID = 0x2;
export const ST_NODEV = 0x4;
export const ST_NOEXEC = 0x8;
export const ST_VALID = 0x20;
export const ST_RELATIME = 0x1000;
