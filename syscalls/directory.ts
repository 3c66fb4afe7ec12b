/** Directories and names: fs/readdir.c, fs/namei.c, fs/d_path.c. */
import { WORD_SIZE } from "../src/abi/abi.ts";
import { EFAULT, EINVAL, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, ERANGE } from "../src/abi/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from "../src/abi/fcntl.ts";
import { IN_ACCESS } from "../src/abi/inotify.ts";
import { bytesOf } from "../src/host/text.ts";
import type { Task } from "../src/kernel/task.ts";
import { walkParent } from "../src/vfs/namei.ts";
import * as names from "../src/vfs/names.ts";
import { notifyFile } from "../src/vfs/notify.ts";
import { inodePermission, MAY_EXEC } from "../src/vfs/permission.ts";
import type { DirEntry } from "../src/vfs/types.ts";
import { bufferOut, dirfd, fd, flagsOf, intAs, mode, modeText, path, pointerTo, sizeT, uint } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { AT_FLAGS, deviceText, fileModeText } from "./format-file.ts";
import { anyFile, baseOf, fileOf, lookupAt } from "./io.ts";
import { peek, pointerText, quote } from "./strace-text.ts";

/** One linux_dirent or linux_dirent64 (fs/readdir.c, filldir and filldir64). */
type Layout = (entry: DirEntry, position: number) => Uint8Array;

const dirent64: Layout = (entry, position) => {
  const length = (19 + entry.name.length + 1 + 7) & ~7;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, entry.ino >>> 0, true);
  view.setUint32(4, Math.floor(entry.ino / 0x1_0000_0000), true);
  view.setUint32(8, position, true);
  view.setUint16(16, length, true);
  bytes[18] = entry.type;
  bytes.set(bytesOf(entry.name), 19);
  return bytes;
};

/** The type lies in the last byte of the record. */
const dirent =
  (word: number): Layout =>
  (entry, position) => {
    const length = Math.ceil((2 * word + 2 + entry.name.length + 2) / word) * word;
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, entry.ino >>> 0, true);
    view.setUint32(word, position, true);
    if (word === 8) view.setUint32(4, Math.floor(entry.ino / 0x1_0000_0000), true);
    view.setUint16(2 * word, length, true);
    bytes.set(bytesOf(entry.name), 2 * word + 2);
    bytes[length - 1] = entry.type;
    return bytes;
  };

function readEntries(task: Task, number: number, address: number, size: number, layout: Layout): number {
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  const entries = file.readdir();
  if (typeof entries === "number") return entries;
  notifyFile(file.dentry, IN_ACCESS);
  let done = 0;
  for (const entry of entries) {
    const bytes = layout(entry, file.offset + 1);
    if (done + bytes.length > size) return done > 0 ? done : -EINVAL;
    if (task.mm.write(address + done, bytes) < 0) return done > 0 ? done : -EFAULT;
    done += bytes.length;
    file.offset++;
  }
  return done;
}

function entryCountText(lengthAt: number) {
  return (address: number, call: CallView): string | undefined => {
    const total = call.result ?? 0;
    let count = 0;
    for (let at = 0; at < total; count++) {
      const bytes = peek(call.task, address + at + lengthAt, 2);
      if (bytes === undefined) return undefined;
      at += bytes[0] | (bytes[1] << 8);
    }
    return `${pointerText(address)} /* ${count} entries */`;
  };
}

export const getdents64 = defineSyscall(
  "getdents64",
  [fd(), pointerTo("dirp", "exit", entryCountText(16)), sizeT("count")],
  (task, number, address, size) => readEntries(task, number, address, size, dirent64),
  { support: "full" },
);

export const getdents = defineSyscall(
  "getdents",
  [
    fd(),
    pointerTo("dirp", "exit", (address, call) => entryCountText(2 * WORD_SIZE[call.abi])(address, call)),
    uint("count"),
  ],
  (task, number, address, size) => readEntries(task, number, address, size, dirent(WORD_SIZE[task.abi])),
  { support: "full" },
);

export const getcwd = defineSyscall(
  "getcwd",
  [
    pointerTo("buf", "exit", (address, call) => {
      const bytes = peek(call.task, address, (call.result ?? 1) - 1);
      return bytes === undefined ? undefined : quote(bytes);
    }),
    sizeT("size"),
  ],
  (task, address, size) => {
    if (task.fs.cwd.deleted) return -ENOENT;
    const bytes = bytesOf(`${task.fs.cwd.path(task.fs.root)}\0`);
    if (size < bytes.length) return -ERANGE;
    return task.mm.write(address, bytes) || bytes.length;
  },
  { support: "full" },
);

function changeDirectory(task: Task, found: Task["fs"]["cwd"] | number): number {
  if (typeof found === "number") return found;
  if (!found.inode.isDirectory) return -ENOTDIR;
  const denied = inodePermission(found.inode, MAY_EXEC, task.creds);
  if (denied < 0) return denied;
  task.fs.cwd = found;
  return 0;
}

export const chdir = defineSyscall(
  "chdir",
  [path()],
  (task, file) => changeDirectory(task, task.kernel.vfs.walk(task, file)),
  { support: "full" },
);

export const fchdir = defineSyscall(
  "fchdir",
  [fd()],
  (task, number) => {
    const file = anyFile(task, number);
    return changeDirectory(task, typeof file === "number" ? file : file.dentry);
  },
  { support: "full" },
);

export const chroot = defineSyscall(
  "chroot",
  [path()],
  (task, file) => {
    const found = task.kernel.vfs.walk(task, file);
    if (typeof found === "number") return found;
    if (!found.inode.isDirectory) return -ENOTDIR;
    const denied = inodePermission(found.inode, MAY_EXEC, task.creds);
    if (denied < 0) return denied;
    if (task.creds.euid !== 0) return -EPERM;
    task.fs.root = found;
    return 0;
  },
  { support: "full" },
);

export const umask = defineSyscall(
  "umask",
  [mode("mask")],
  (task, mask) => {
    const old = task.fs.umask;
    task.fs.umask = mask & 0o777;
    return old;
  },
  { support: "full", result: modeText },
);

function makeDirectory(task: Task, dir: number, file: string, bits: number): number {
  const base = baseOf(task, dir, file);
  return typeof base === "number" ? base : names.mkdir(task.kernel.vfs, task, file, bits, base);
}

export const mkdir = defineSyscall(
  "mkdir",
  [path(), mode("mode")],
  (task, file, bits) => makeDirectory(task, AT_FDCWD, file, bits),
  { support: "full" },
);

export const mkdirat = defineSyscall("mkdirat", [dirfd(), path(), mode("mode")], makeDirectory, { support: "full" });

function removeName(task: Task, dir: number, file: string, flags: number): number {
  if (flags & ~AT_REMOVEDIR) return -EINVAL;
  const base = baseOf(task, dir, file);
  if (typeof base === "number") return base;
  return flags & AT_REMOVEDIR ? names.rmdir(task, file, base) : names.unlink(task, file, base);
}

export const rmdir = defineSyscall("rmdir", [path()], (task, file) => removeName(task, AT_FDCWD, file, AT_REMOVEDIR), {
  support: "full",
});

export const unlink = defineSyscall("unlink", [path()], (task, file) => removeName(task, AT_FDCWD, file, 0), {
  support: "full",
});

export const unlinkat = defineSyscall("unlinkat", [dirfd(), path(), flagsOf("flags", AT_FLAGS, "AT_???")], removeName, {
  support: "full",
});

function linkName(task: Task, fromDir: number, from: string, toDir: number, to: string, flags: number): number {
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) return -EINVAL;
  const follow = flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
  const found = lookupAt(task, fromDir, from, (flags & AT_EMPTY_PATH) | follow);
  if (typeof found === "number") return found;
  const base = baseOf(task, toDir, to);
  return typeof base === "number" ? base : names.link(task.kernel.vfs, task, found, to, base);
}

export const link = defineSyscall(
  "link",
  [path("oldpath"), path("newpath")],
  (task, from, to) => linkName(task, AT_FDCWD, from, AT_FDCWD, to, 0),
  { support: "full" },
);

export const linkat = defineSyscall(
  "linkat",
  [dirfd("olddirfd"), path("oldpath"), dirfd("newdirfd"), path("newpath"), flagsOf("flags", AT_FLAGS, "AT_???")],
  linkName,
  { support: "full" },
);

function makeSymlink(task: Task, target: string, dir: number, file: string): number {
  if (target === "") return -ENOENT;
  const base = baseOf(task, dir, file);
  return typeof base === "number" ? base : names.symlink(task.kernel.vfs, task, target, file, base);
}

export const symlink = defineSyscall(
  "symlink",
  [path("target"), path("linkpath")],
  (task, target, file) => makeSymlink(task, target, AT_FDCWD, file),
  { support: "full" },
);

export const symlinkat = defineSyscall(
  "symlinkat",
  [path("target"), dirfd("newdirfd"), path("linkpath")],
  makeSymlink,
  { support: "full" },
);

function renameName(task: Task, fromDir: number, from: string, toDir: number, to: string, flags: number): number {
  const invalid = names.checkRenameFlags(flags);
  if (invalid < 0) return invalid;
  const source = baseOf(task, fromDir, from);
  if (typeof source === "number") return source;
  const target = baseOf(task, toDir, to);
  if (typeof target === "number") {
    const parent = walkParent(task, from, { ...source, follow: false });
    return typeof parent === "number" && parent !== -ENAMETOOLONG ? parent : target;
  }
  return names.rename(task.kernel.vfs, task, from, to, flags, source, target);
}

export const rename = defineSyscall(
  "rename",
  [path("oldpath"), path("newpath")],
  (task, from, to) => renameName(task, AT_FDCWD, from, AT_FDCWD, to, 0),
  { support: "full" },
);

export const renameat = defineSyscall(
  "renameat",
  [dirfd("olddirfd"), path("oldpath"), dirfd("newdirfd"), path("newpath")],
  (task, fromDir, from, toDir, to) => renameName(task, fromDir, from, toDir, to, 0),
  { support: "full" },
);

const RENAME_FLAGS = [
  [RENAME_NOREPLACE, "RENAME_NOREPLACE"],
  [RENAME_EXCHANGE, "RENAME_EXCHANGE"],
  [RENAME_WHITEOUT, "RENAME_WHITEOUT"],
] as const;

export const renameat2 = defineSyscall(
  "renameat2",
  [
    dirfd("olddirfd"),
    path("oldpath"),
    dirfd("newdirfd"),
    path("newpath"),
    flagsOf("flags", RENAME_FLAGS, "RENAME_???"),
  ],
  renameName,
  { support: "partial", note: "RENAME_WHITEOUT is refused with EINVAL" },
);

function readLink(task: Task, dir: number, file: string, address: number, size: number): number {
  if (size <= 0) return -EINVAL;
  const found = lookupAt(task, dir, file, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
  // An empty path is refused unless the descriptor is that of a symlink (do_readlinkat).
  if (typeof found === "number") return found;
  if (file === "" && !found.inode.isSymlink) return -ENOENT;
  const target = found.inode.readlink();
  if (typeof target === "number") return target;
  const bytes = bytesOf(target).subarray(0, size);
  return task.mm.write(address, bytes) || bytes.length;
}

const linkSize = intAs("bufsiz", (value) => String(value));

export const readlink = defineSyscall(
  "readlink",
  [path(), bufferOut("buf"), linkSize],
  (task, file, address, size) => readLink(task, AT_FDCWD, file, address, size),
  { support: "full", first: (_file: unknown, _buffer: unknown, size: number) => (size <= 0 ? -EINVAL : 0) },
);

export const readlinkat = defineSyscall("readlinkat", [dirfd(), path(), bufferOut("buf"), linkSize], readLink, {
  support: "full",
  first: (_dir: unknown, _file: unknown, _buffer: unknown, size: number) => (size <= 0 ? -EINVAL : 0),
});

function makeNode(task: Task, dir: number, file: string, bits: number, dev: number): number {
  const refused = names.mayMknod(bits);
  if (refused < 0) return refused;
  const base = baseOf(task, dir, file);
  return typeof base === "number" ? base : names.mknod(task.kernel.vfs, task, file, bits, dev >>> 0, base);
}

const nodeMode = intAs("mode", (value) => fileModeText(value >>> 0));
/** Only devices have a number worth printing. */
const nodeDevice = (modeIndex: number) =>
  intAs("dev", (value, call) => {
    const type = (call.values[modeIndex] as number) & 0o170000;
    return type === 0o020000 || type === 0o060000 ? deviceText(value >>> 0) : undefined;
  });

export const mknod = defineSyscall(
  "mknod",
  [path(), nodeMode, nodeDevice(1)],
  (task, file, bits, dev) => makeNode(task, AT_FDCWD, file, bits, dev),
  { support: "partial", note: "device nodes open what /dev has under their number" },
);

export const mknodat = defineSyscall("mknodat", [dirfd(), path(), nodeMode, nodeDevice(2)], makeNode, {
  support: "partial",
  note: "device nodes open what /dev has under their number",
});
