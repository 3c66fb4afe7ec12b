/**
 * Sizes and offsets as gcc 12 gives them for the kernel's headers: a C program that prints sizeof and offsetof of struct
 * stat, stat64, __old_kernel_stat, statfs, statfs64 (asm/stat.h, asm/statfs.h) and statx (linux/stat.h), built with and
 * without -m32.
 */
import { expect, test } from "vitest";
import {
  majorOf,
  makeDev,
  minorOf,
  OLD_STAT_I386,
  STAT,
  STAT64_I386,
  STATFS,
  STATFS64_I386,
  STATX,
} from "../../src/abi/stat.ts";
import { structOf } from "../../src/abi/struct.ts";

const GOLDEN: [name: string, struct: { size: number; fields: Record<string, { offset: number }> }, text: string][] = [
  [
    "stat amd64",
    STAT.amd64,
    "144 st_dev:0 st_ino:8 st_nlink:16 st_mode:24 st_uid:28 st_gid:32 st_rdev:40 st_size:48 st_blksize:56 st_blocks:64 " +
      "st_atime:72 st_atime_nsec:80 st_mtime:88 st_mtime_nsec:96 st_ctime:104 st_ctime_nsec:112",
  ],
  [
    "stat i386",
    STAT.i386,
    "64 st_dev:0 st_ino:4 st_nlink:10 st_mode:8 st_uid:12 st_gid:14 st_rdev:16 st_size:20 st_blksize:24 st_blocks:28 " +
      "st_atime:32 st_atime_nsec:36 st_mtime:40 st_mtime_nsec:44 st_ctime:48 st_ctime_nsec:52",
  ],
  [
    "stat64 i386",
    STAT64_I386,
    "96 st_dev:0 __st_ino:12 st_mode:16 st_nlink:20 st_uid:24 st_gid:28 st_rdev:32 st_size:44 st_blksize:52 st_blocks:56 " +
      "st_atime:64 st_atime_nsec:68 st_mtime:72 st_mtime_nsec:76 st_ctime:80 st_ctime_nsec:84 st_ino:88",
  ],
  [
    "__old_kernel_stat i386",
    OLD_STAT_I386,
    "32 st_dev:0 st_ino:2 st_mode:4 st_nlink:6 st_uid:8 st_gid:10 st_rdev:12 st_size:16 st_atime:20 st_mtime:24 st_ctime:28",
  ],
  [
    "statfs amd64",
    STATFS.amd64,
    "120 f_type:0 f_bsize:8 f_blocks:16 f_bfree:24 f_bavail:32 f_files:40 f_ffree:48 f_fsid:56 f_namelen:64 f_frsize:72 f_flags:80 f_spare:88",
  ],
  [
    "statfs i386",
    STATFS.i386,
    "64 f_type:0 f_bsize:4 f_blocks:8 f_bfree:12 f_bavail:16 f_files:20 f_ffree:24 f_fsid:28 f_namelen:36 f_frsize:40 f_flags:44 f_spare:48",
  ],
  [
    "statfs64 i386",
    STATFS64_I386,
    "84 f_type:0 f_bsize:4 f_blocks:8 f_bfree:16 f_bavail:24 f_files:32 f_ffree:40 f_fsid:48 f_namelen:56 f_frsize:60 f_flags:64 f_spare:68",
  ],
  [
    "statx",
    STATX,
    "256 stx_mask:0 stx_blksize:4 stx_attributes:8 stx_nlink:16 stx_uid:20 stx_gid:24 stx_mode:28 stx_ino:32 stx_size:40 " +
      "stx_blocks:48 stx_attributes_mask:56 stx_atime:64 stx_btime:80 stx_ctime:96 stx_mtime:112 stx_rdev_major:128 " +
      "stx_dev_major:136 stx_mnt_id:144 stx_dio_mem_align:152",
  ],
];

test.each(GOLDEN)("struct %s", (_name, struct, text) => {
  const [size, ...fields] = text.split(" ");
  expect(struct.size).toBe(Number(size));
  for (const field of fields) {
    const [name, offset] = field.split(":");
    expect(`${name}:${struct.fields[name].offset}`).toBe(`${name}:${offset}`);
  }
});

test("values travel through a struct", () => {
  const struct = structOf("amd64", { a: "u16", b: "s64", c: ["s32", 2], d: "pointer" });
  const values = { a: 65535, b: -5, c: [-1, 7], d: 0x7fff_ffff_f000 };
  expect(struct.decode(struct.encode(values))).toEqual(values);
});

test("device numbers have twelve and twenty bits", () => {
  const dev = makeDev(254, 0x12345);
  expect([majorOf(dev), minorOf(dev)]).toEqual([254, 0x12345]);
  expect(makeDev(1, 5)).toBe(0x105);
});
