/** strace 6.1's texts of the file calls' flags and structs (xlat tables in the order in which strace prints them). */
import type { Abi } from "../src/abi/abi.ts";
import * as F from "../src/abi/fcntl.ts";
import {
  majorOf,
  minorOf,
  OLD_STAT_I386,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  STAT,
  STAT64_I386,
  STATX,
} from "../src/abi/stat.ts";
import { modeText } from "./codecs.ts";
import type { CallView } from "./define.ts";
import { flagsText, type NameTable, peek } from "./strace-text.ts";

export const OPEN_FLAGS: NameTable = [
  [F.O_CREAT, "O_CREAT"],
  [F.O_EXCL, "O_EXCL"],
  [F.O_NOCTTY, "O_NOCTTY"],
  [F.O_TRUNC, "O_TRUNC"],
  [F.O_APPEND, "O_APPEND"],
  [F.O_NONBLOCK, "O_NONBLOCK"],
  [F.O_SYNC, "O_SYNC"],
  [F.O_DSYNC, "O_DSYNC"],
  [F.O_DIRECT, "O_DIRECT"],
  [F.O_LARGEFILE, "O_LARGEFILE"],
  [F.O_NOFOLLOW, "O_NOFOLLOW"],
  [F.O_NOATIME, "O_NOATIME"],
  [F.O_CLOEXEC, "O_CLOEXEC"],
  [F.O_PATH, "O_PATH"],
  [F.O_TMPFILE, "O_TMPFILE"],
  [F.O_DIRECTORY, "O_DIRECTORY"],
  [F.O_ASYNC, "FASYNC"],
];

const ACCESS_MODES = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"] as const;

/** open(2)'s flags: the access mode always, then the rest. */
export function openFlagsText(flags: number): string {
  const rest = (flags & ~F.O_ACCMODE) >>> 0;
  const mode = ACCESS_MODES[flags & F.O_ACCMODE];
  if (rest === 0) return mode;
  const known = OPEN_FLAGS.some(([bits]) => (rest & bits) >>> 0 === bits >>> 0);
  return `${mode}|${known ? flagsText(rest, OPEN_FLAGS, "O_???") : `0x${rest.toString(16)}`}`;
}

export const AT_FLAGS: NameTable = [
  [F.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"],
  [F.AT_REMOVEDIR, "AT_REMOVEDIR"],
  [F.AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"],
  [F.AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"],
  [F.AT_EMPTY_PATH, "AT_EMPTY_PATH"],
];

export const FACCESSAT_FLAGS: NameTable = [
  [F.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"],
  [F.AT_EACCESS, "AT_EACCESS"],
  [F.AT_EMPTY_PATH, "AT_EMPTY_PATH"],
];

const STATX_SYNC = ["AT_STATX_SYNC_AS_STAT", "AT_STATX_FORCE_SYNC", "AT_STATX_DONT_SYNC"] as const;

export function statxFlagsText(flags: number): string {
  const sync = (flags >>> 13) & 3;
  const rest = flags & ~0x6000;
  const first = STATX_SYNC[sync] ?? "0x6000 /* AT_STATX_??? */";
  return rest === 0 ? first : `${first}|${flagsText(rest, AT_FLAGS, "AT_???")}`;
}

const STATX_MASKS: NameTable = [
  [0xfff, "STATX_ALL"],
  [0x7ff, "STATX_BASIC_STATS"],
  [0x1, "STATX_TYPE"],
  [0x2, "STATX_MODE"],
  [0x4, "STATX_NLINK"],
  [0x8, "STATX_UID"],
  [0x10, "STATX_GID"],
  [0x20, "STATX_ATIME"],
  [0x40, "STATX_MTIME"],
  [0x80, "STATX_CTIME"],
  [0x100, "STATX_INO"],
  [0x200, "STATX_SIZE"],
  [0x400, "STATX_BLOCKS"],
  [0x800, "STATX_BTIME"],
  [0x1000, "STATX_MNT_ID"],
  [0x2000, "STATX_DIOALIGN"],
];

export function statxMaskText(mask: number): string {
  return flagsText(mask, STATX_MASKS, "STATX_???");
}

export const ACCESS_BITS: NameTable = [
  [F.F_OK, "F_OK"],
  [F.R_OK, "R_OK"],
  [F.W_OK, "W_OK"],
  [F.X_OK, "X_OK"],
];

export const SEEK_NAMES: NameTable = [
  [F.SEEK_SET, "SEEK_SET"],
  [F.SEEK_CUR, "SEEK_CUR"],
  [F.SEEK_END, "SEEK_END"],
  [F.SEEK_DATA, "SEEK_DATA"],
  [F.SEEK_HOLE, "SEEK_HOLE"],
];

const FILE_TYPES: Readonly<Record<number, string>> = {
  [S_IFSOCK]: "S_IFSOCK",
  [S_IFLNK]: "S_IFLNK",
  [S_IFREG]: "S_IFREG",
  [S_IFBLK]: "S_IFBLK",
  [S_IFDIR]: "S_IFDIR",
  [S_IFCHR]: "S_IFCHR",
  [S_IFIFO]: "S_IFIFO",
};

/** A mode with its file type: `S_IFREG|0644` (strace print_symbolic_mode_t). */
export function fileModeText(mode: number): string {
  const type = FILE_TYPES[mode & S_IFMT];
  if (type === undefined) return modeText(mode);
  const special = `${mode & 0o4000 ? "|S_ISUID" : ""}${mode & 0o2000 ? "|S_ISGID" : ""}${mode & 0o1000 ? "|S_ISVTX" : ""}`;
  return `${type}${special}|${modeText(mode & 0o777)}`;
}

export function deviceText(dev: number): string {
  return `makedev(0x${majorOf(dev).toString(16)}, 0x${minorOf(dev).toString(16)})`;
}

export type StatShape = "native" | "stat64" | "old";

/** The struct that a stat call of this shape fills in. */
export function statStruct(abi: Abi, shape: StatShape) {
  if (shape === "old") return OLD_STAT_I386;
  return shape === "stat64" && abi === "i386" ? STAT64_I386 : STAT[abi];
}

/** `{st_mode=S_IFREG|0644, st_size=27202, ...}`: what strace prints of a stat without -v. */
export function statText(address: number, call: CallView, shape: StatShape): string | undefined {
  const struct = statStruct(call.abi, shape);
  const bytes = peek(call.task, address, struct.size);
  if (bytes === undefined) return undefined;
  const { st_mode, st_size, st_rdev } = struct.decode(bytes);
  const type = st_mode & S_IFMT;
  const what = type === 0o020000 || type === 0o060000 ? `st_rdev=${deviceText(st_rdev)}` : `st_size=${st_size}`;
  return `{st_mode=${fileModeText(st_mode)}, ${what}, ...}`;
}

export function statxText(address: number, call: CallView): string | undefined {
  const bytes = peek(call.task, address, STATX.size);
  if (bytes === undefined) return undefined;
  const { stx_mask, stx_mode, stx_size, stx_attributes } = STATX.decode(bytes);
  const attributes = flagsText(stx_attributes, [[0x2000, "STATX_ATTR_MOUNT_ROOT"]], "STATX_ATTR_???");
  return `{stx_mask=${statxMaskText(stx_mask)}, stx_attributes=${attributes}, stx_mode=${fileModeText(stx_mode)}, stx_size=${stx_size}, ...}`;
}

/** `[3, 4]`: the descriptors that pipe(2) made. */
export function fdPairText(address: number, call: CallView): string | undefined {
  const bytes = peek(call.task, address, 8);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer);
  return `[${view.getInt32(0, true)}, ${view.getInt32(4, true)}]`;
}
