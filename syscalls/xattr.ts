/** Extended attributes (xattr(7), fs/xattr.c). No file of a guest has any: reading finds none, writing is refused. */
import { EFAULT, ENODATA, EOPNOTSUPP, EPERM, ERANGE } from "../src/abi/errno.ts";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../src/abi/fcntl.ts";
import { EXT4_SUPER_MAGIC, TMPFS_MAGIC } from "../src/abi/stat.ts";
import type { Task } from "../src/kernel/task.ts";
import type { Path } from "../src/vfs/path.ts";
import { bufferIn, bufferOut, cString, fd, flagsOf, path, sizeT } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { fileOf, lookupAt } from "./io.ts";

const SUPPORT = { support: "partial", note: "no file has extended attributes, none can be set" } as const;

const NAMESPACES = ["user.", "trusted.", "security.", "system.posix_acl_"];

type Target = Path | number;

function byPath(task: Task, file: string): Target {
  return lookupAt(task, AT_FDCWD, file, 0);
}

function byLink(task: Task, file: string): Target {
  return lookupAt(task, AT_FDCWD, file, AT_SYMLINK_NOFOLLOW);
}

function byDescriptor(task: Task, number: number): Target {
  const file = fileOf(task, number);
  return typeof file === "number" ? file : file.dentry;
}

/** Disk file systems and tmpfs know the usual namespaces; others none. */
function supported(found: Path, name: string): boolean {
  const { magic } = found.inode.sb;
  return (magic === EXT4_SUPER_MAGIC || magic === TMPFS_MAGIC) && NAMESPACES.some((prefix) => name.startsWith(prefix));
}

/** strncpy_from_user of an attribute's name: at most XATTR_NAME_MAX bytes. */
function attributeName(task: Task, address: number): string | number {
  const name = task.mm.readCString(address, 256);
  if (typeof name === "number") return name === -EFAULT ? name : -ERANGE;
  return name === "" ? -ERANGE : name;
}

function read(task: Task, found: Target, address: number): number {
  const name = attributeName(task, address);
  if (typeof name === "number") return name;
  if (typeof found === "number") return found;
  return supported(found, name) ? -ENODATA : -EOPNOTSUPP;
}

function list(found: Target): number {
  return typeof found === "number" ? found : 0;
}

function store(task: Task, found: Target, address: number): number {
  const name = attributeName(task, address);
  if (typeof name === "number") return name;
  if (typeof found === "number") return found;
  if (name.startsWith("trusted.") && task.creds.euid !== 0) return -EPERM;
  return -EOPNOTSUPP;
}

const name = cString("name", 255);
const setFlags = flagsOf(
  "flags",
  [
    [1, "XATTR_CREATE"],
    [2, "XATTR_REPLACE"],
  ],
  "XATTR_???",
);

export const getxattr = defineSyscall(
  "getxattr",
  [path(), name, bufferOut("value"), sizeT("size")],
  (task, file, key) => read(task, byPath(task, file), key),
  SUPPORT,
);
export const lgetxattr = defineSyscall(
  "lgetxattr",
  [path(), name, bufferOut("value"), sizeT("size")],
  (task, file, key) => read(task, byLink(task, file), key),
  SUPPORT,
);
export const fgetxattr = defineSyscall(
  "fgetxattr",
  [fd(), name, bufferOut("value"), sizeT("size")],
  (task, number, key) => read(task, byDescriptor(task, number), key),
  SUPPORT,
);
export const listxattr = defineSyscall(
  "listxattr",
  [path(), bufferOut("list"), sizeT("size")],
  (task, file) => list(byPath(task, file)),
  SUPPORT,
);
export const llistxattr = defineSyscall(
  "llistxattr",
  [path(), bufferOut("list"), sizeT("size")],
  (task, file) => list(byLink(task, file)),
  SUPPORT,
);
export const flistxattr = defineSyscall(
  "flistxattr",
  [fd(), bufferOut("list"), sizeT("size")],
  (task, number) => list(byDescriptor(task, number)),
  SUPPORT,
);
export const setxattr = defineSyscall(
  "setxattr",
  [path(), name, bufferIn("value", 3), sizeT("size"), setFlags],
  (task, file, key) => store(task, byPath(task, file), key),
  SUPPORT,
);
export const lsetxattr = defineSyscall(
  "lsetxattr",
  [path(), name, bufferIn("value", 3), sizeT("size"), setFlags],
  (task, file, key) => store(task, byLink(task, file), key),
  SUPPORT,
);
export const fsetxattr = defineSyscall(
  "fsetxattr",
  [fd(), name, bufferIn("value", 3), sizeT("size"), setFlags],
  (task, number, key) => store(task, byDescriptor(task, number), key),
  SUPPORT,
);
export const removexattr = defineSyscall(
  "removexattr",
  [path(), name],
  (task, file, key) => read(task, byPath(task, file), key),
  SUPPORT,
);
export const lremovexattr = defineSyscall(
  "lremovexattr",
  [path(), name],
  (task, file, key) => read(task, byLink(task, file), key),
  SUPPORT,
);
export const fremovexattr = defineSyscall(
  "fremovexattr",
  [fd(), name],
  (task, number, key) => read(task, byDescriptor(task, number), key),
  SUPPORT,
);
