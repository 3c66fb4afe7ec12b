/** Changing attributes and sizes: fs/open.c, fs/attr.c, fs/utimes.c, fs/sync.c, mm/fadvise.c. */
import { EBADF, EFAULT, EINVAL, ENODEV, EOPNOTSUPP, EPERM, ESPIPE } from "../src/abi/errno.ts";
import * as F from "../src/abi/fcntl.ts";
import { IN_ACCESS, IN_ATTRIB, IN_MODIFY } from "../src/abi/inotify.ts";
import { structOf } from "../src/abi/struct.ts";
import type { Task } from "../src/kernel/task.ts";
import { chmodInode, chownInode, setTimes, type TimeChange, truncateInode } from "../src/vfs/attributes.ts";
import { notifyFile } from "../src/vfs/notify.ts";
import type { Path } from "../src/vfs/path.ts";
import { modeAfterWrite } from "../src/vfs/permission.ts";
import { PipeFile } from "../src/vfs/pipe.ts";
import { RegularInode } from "../src/vfs/regular.ts";
import {
  dirfd,
  enumOf,
  fd,
  flagsOf,
  int,
  intAs,
  loff,
  long,
  mode,
  path,
  pathOrNull,
  pointerTo,
  sizeT,
} from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { AT_FLAGS } from "./format-file.ts";
import { checkNewSize, fileOf, lookupAt, readBytes } from "./io.ts";
import { peek } from "./strace-text.ts";

const FULL = { support: "full" } as const;

/** Runs `change` on the file that was found; if it succeeds, who watches the file is told `event`. */
function on(found: Path | number, change: (path: Path) => number, event = IN_ATTRIB): number {
  if (typeof found === "number") return found;
  const result = change(found);
  if (result === 0) notifyFile(found, event);
  return result;
}

function descriptor(task: Task, number: number): Path | number {
  const file = fileOf(task, number);
  return typeof file === "number" ? file : file.dentry;
}

function changeMode(task: Task, found: Path | number, bits: number): number {
  return on(found, ({ inode }) => (inode.isSymlink ? -EOPNOTSUPP : chmodInode(inode, bits, task.creds)));
}

export const chmod = defineSyscall(
  "chmod",
  [path(), mode("mode")],
  (task, file, bits) => changeMode(task, lookupAt(task, F.AT_FDCWD, file, 0), bits),
  FULL,
);

export const fchmod = defineSyscall(
  "fchmod",
  [fd(), mode("mode")],
  (task, number, bits) => changeMode(task, descriptor(task, number), bits),
  FULL,
);

export const fchmodat = defineSyscall(
  "fchmodat",
  [dirfd(), path(), mode("mode")],
  (task, dir, file, bits) => changeMode(task, lookupAt(task, dir, file, 0), bits),
  FULL,
);

export const fchmodat2 = defineSyscall(
  "fchmodat2",
  [dirfd(), path(), mode("mode"), flagsOf("flags", AT_FLAGS, "AT_???")],
  (task, dir, file, bits, flags) => {
    if (flags & ~(F.AT_SYMLINK_NOFOLLOW | F.AT_EMPTY_PATH)) return -EINVAL;
    return changeMode(task, lookupAt(task, dir, file, flags), bits);
  },
  FULL,
);

/** -1 prints as such, other ids as unsigned numbers. */
const id = (name: string) => intAs(name, (value) => (value === -1 ? "-1" : String(value >>> 0)));
/** 16-bit ids of i386: 0xffff is -1. */
const id16 = (name: string) => intAs(name, (value) => ((value & 0xffff) === 0xffff ? "-1" : String(value & 0xffff)));

function wide(value: number): number {
  return (value & 0xffff) === 0xffff ? -1 : value & 0xffff;
}

function changeOwner(task: Task, found: Path | number, uid: number, gid: number): number {
  return on(found, ({ inode }) => chownInode(inode, uid, gid, task.creds));
}

function ownerByPath(name: string, codec: typeof id, follow: boolean) {
  const flags = follow ? 0 : F.AT_SYMLINK_NOFOLLOW;
  const convert = codec === id16 ? wide : (value: number) => value;
  return defineSyscall(
    name,
    [path(), codec("owner"), codec("group")],
    (task, file, uid, gid) => changeOwner(task, lookupAt(task, F.AT_FDCWD, file, flags), convert(uid), convert(gid)),
    FULL,
  );
}

function ownerByDescriptor(name: string, codec: typeof id) {
  const convert = codec === id16 ? wide : (value: number) => value;
  return defineSyscall(
    name,
    [fd(), codec("owner"), codec("group")],
    (task, number, uid, gid) => changeOwner(task, descriptor(task, number), convert(uid), convert(gid)),
    FULL,
  );
}

export const chown = ownerByPath("chown", id, true);
export const lchown = ownerByPath("lchown", id, false);
export const fchown = ownerByDescriptor("fchown", id);
/** i386: the calls without a number take 16-bit ids, those with "32" the full ones. */
export const chown16 = ownerByPath("chown", id16, true);
export const lchown16 = ownerByPath("lchown", id16, false);
export const fchown16 = ownerByDescriptor("fchown", id16);
export const chown32 = ownerByPath("chown32", id, true);
export const lchown32 = ownerByPath("lchown32", id, false);
export const fchown32 = ownerByDescriptor("fchown32", id);

export const fchownat = defineSyscall(
  "fchownat",
  [dirfd(), path(), id("owner"), id("group"), flagsOf("flags", AT_FLAGS, "AT_???")],
  (task, dir, file, uid, gid, flags) => {
    if (flags & ~(F.AT_SYMLINK_NOFOLLOW | F.AT_EMPTY_PATH)) return -EINVAL;
    return changeOwner(task, lookupAt(task, dir, file, flags), uid, gid);
  },
  FULL,
);

const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;

/** How a call packs its two times. */
interface TimesLayout {
  readonly size: number;
  decode(bytes: Uint8Array): [TimeChange, TimeChange] | number;
  text(bytes: Uint8Array): string;
}

const PAIR = { sec0: "long", frac0: "long", sec1: "long", frac1: "long" } as const;
const PAIRS = { amd64: structOf("amd64", PAIR), i386: structOf("i386", PAIR) } as const;
const PAIR64 = structOf("i386", { sec0: "s64", frac0: "s64", sec1: "s64", frac1: "s64" });
const UTIMBUF_FIELDS = { actime: "long", modtime: "long" } as const;
const UTIMBUF = { amd64: structOf("amd64", UTIMBUF_FIELDS), i386: structOf("i386", UTIMBUF_FIELDS) } as const;

/** ` 1970-01-01T00:00:01.000002+0000`: strace prints times in comments too, in the time zone of its environment (UTC here). */
function dateText(sec: number, fraction: string): string {
  const days = Math.floor(sec / 86400);
  const rest = sec - days * 86400;
  // Civil date from the day number, after Howard Hinnant's days-to-civil relation.
  const z = days + 719468;
  const era = Math.floor(z / 146097);
  const dayOfEra = z - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = `${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`;
  return ` /* ${year}-${two(month)}-${two(day)}T${time}${fraction}+0000 */`;
}

function specText(sec: number, nsec: number): string {
  if (nsec === UTIME_NOW) return "UTIME_NOW";
  if (nsec === UTIME_OMIT) return "UTIME_OMIT";
  const fraction = nsec === 0 ? "" : `.${String(nsec).padStart(9, "0")}`;
  return `{tv_sec=${sec}, tv_nsec=${nsec}}${dateText(sec, fraction)}`;
}

function valText(sec: number, usec: number): string {
  const fraction = usec === 0 ? "" : `.${String(usec).padStart(6, "0")}`;
  return `{tv_sec=${sec}, tv_usec=${usec}}${dateText(sec, fraction)}`;
}

function specChange(sec: number, nsec: number): TimeChange | number {
  if (nsec === UTIME_NOW) return "now";
  if (nsec === UTIME_OMIT) return "omit";
  return nsec < 0 || nsec >= 1_000_000_000 ? -EINVAL : { sec, nsec };
}

function timespecs(struct: typeof PAIR64 | (typeof PAIRS)["amd64"]): TimesLayout {
  return {
    size: struct.size,
    decode(bytes) {
      const { sec0, frac0, sec1, frac1 } = struct.decode(bytes);
      const [atime, mtime] = [specChange(sec0, frac0), specChange(sec1, frac1)];
      if (typeof atime === "number") return atime;
      return typeof mtime === "number" ? mtime : [atime, mtime];
    },
    text(bytes) {
      const { sec0, frac0, sec1, frac1 } = struct.decode(bytes);
      return `[${specText(sec0, frac0)}, ${specText(sec1, frac1)}]`;
    },
  };
}

function timevals(struct: (typeof PAIRS)["amd64"]): TimesLayout {
  return {
    size: struct.size,
    decode(bytes) {
      const { sec0, frac0, sec1, frac1 } = struct.decode(bytes);
      if (frac0 < 0 || frac0 >= 1_000_000 || frac1 < 0 || frac1 >= 1_000_000) return -EINVAL;
      return [
        { sec: sec0, nsec: frac0 * 1000 },
        { sec: sec1, nsec: frac1 * 1000 },
      ];
    },
    text(bytes) {
      const { sec0, frac0, sec1, frac1 } = struct.decode(bytes);
      return `[${valText(sec0, frac0)}, ${valText(sec1, frac1)}]`;
    },
  };
}

function utimbuf(struct: (typeof UTIMBUF)["amd64"]): TimesLayout {
  return {
    size: struct.size,
    decode(bytes) {
      const { actime, modtime } = struct.decode(bytes);
      return [
        { sec: actime, nsec: 0 },
        { sec: modtime, nsec: 0 },
      ];
    },
    text(bytes) {
      const { actime, modtime } = struct.decode(bytes);
      return `{actime=${actime}${dateText(actime, "")}, modtime=${modtime}${dateText(modtime, "")}}`;
    },
  };
}

type LayoutOf = (abi: Task["abi"]) => TimesLayout;
const nativeSpecs: LayoutOf = (abi) => timespecs(PAIRS[abi]);
const wideSpecs: LayoutOf = () => timespecs(PAIR64);
const nativeVals: LayoutOf = (abi) => timevals(PAIRS[abi]);
const nativeBuf: LayoutOf = (abi) => utimbuf(UTIMBUF[abi]);

const timesIn = (layoutOf: LayoutOf) =>
  pointerTo("times", "entry", (address, call: CallView) => {
    const layout = layoutOf(call.abi);
    const bytes = peek(call.task, address, layout.size);
    return bytes && layout.text(bytes);
  });

/** do_utimes: a NULL path means the descriptor itself. */
function changeTimes(
  task: Task,
  dir: number,
  file: string | null,
  address: number,
  flags: number,
  layoutOf: LayoutOf,
): number {
  let times: [TimeChange, TimeChange] | number = ["now", "now"];
  if (address !== 0) {
    const layout = layoutOf(task.abi);
    const bytes = readBytes(task, address, layout.size);
    if (bytes === undefined) return -EFAULT;
    times = layout.decode(bytes);
    if (typeof times !== "number" && times[0] === "omit" && times[1] === "omit") return 0;
  }
  if (flags & ~(F.AT_SYMLINK_NOFOLLOW | F.AT_EMPTY_PATH)) return -EINVAL;
  if (file === null && dir !== F.AT_FDCWD && flags !== 0) return -EINVAL;
  const found =
    file === null ? (dir === F.AT_FDCWD ? -EFAULT : descriptor(task, dir)) : lookupAt(task, dir, file, flags);
  // utimes checks its microseconds before it looks for the file; here the file comes first (vfs_utimes).
  if (typeof times === "number") return typeof found === "number" ? found : times;
  const [atime, mtime] = times;
  const event = atime === "omit" ? IN_MODIFY : mtime === "omit" ? IN_ACCESS : IN_ATTRIB;
  return on(found, ({ inode }) => setTimes(inode, atime, mtime, task.creds), event);
}

function utimensatWith(name: string, layoutOf: LayoutOf) {
  return defineSyscall(
    name,
    [dirfd(), pathOrNull(), timesIn(layoutOf), flagsOf("flags", AT_FLAGS, "AT_???")],
    (task, dir, file, address, flags) => changeTimes(task, dir, file, address, flags, layoutOf),
    FULL,
  );
}

export const utimensat = utimensatWith("utimensat", nativeSpecs);
export const utimensatTime64 = utimensatWith("utimensat_time64", wideSpecs);

export const utimes = defineSyscall(
  "utimes",
  [path(), timesIn(nativeVals)],
  (task, file, address) => changeTimes(task, F.AT_FDCWD, file, address, 0, nativeVals),
  FULL,
);

export const futimesat = defineSyscall(
  "futimesat",
  [dirfd(), pathOrNull(), timesIn(nativeVals)],
  (task, dir, file, address) => changeTimes(task, dir, file, address, 0, nativeVals),
  FULL,
);

export const utime = defineSyscall(
  "utime",
  [path(), timesIn(nativeBuf)],
  (task, file, address) => changeTimes(task, F.AT_FDCWD, file, address, 0, nativeBuf),
  FULL,
);

function truncatePath(task: Task, file: string, size: number): number {
  if (size < 0) return -EINVAL;
  const change = ({ inode }: Path): number => {
    const result =
      (inode.isRegular ? checkNewSize(task, inode.size, size) : 0) || truncateInode(inode, size, task.creds);
    if (result === 0) inode.mode = modeAfterWrite(inode.mode, task.creds);
    return result;
  };
  return on(lookupAt(task, F.AT_FDCWD, file, 0), change, IN_MODIFY);
}

function truncateDescriptor(task: Task, number: number, size: number): number {
  if (size < 0) return -EINVAL;
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  if (!file.writable || !file.inode.isRegular) return -EINVAL;
  return on(file.dentry, () => checkNewSize(task, file.inode.size, size) || file.truncate(size), IN_MODIFY);
}

export const truncate = defineSyscall("truncate", [path(), long("length")], truncatePath, FULL);
export const ftruncate = defineSyscall("ftruncate", [fd(), long("length")], truncateDescriptor, FULL);
export const truncate64 = defineSyscall("truncate64", [path(), loff("length")], truncatePath, FULL);
export const ftruncate64 = defineSyscall("ftruncate64", [fd(), loff("length")], truncateDescriptor, FULL);

const FALLOC_FLAGS = [
  [F.FALLOC_FL_KEEP_SIZE, "FALLOC_FL_KEEP_SIZE"],
  [F.FALLOC_FL_PUNCH_HOLE, "FALLOC_FL_PUNCH_HOLE"],
  [8, "FALLOC_FL_COLLAPSE_RANGE"],
  [F.FALLOC_FL_ZERO_RANGE, "FALLOC_FL_ZERO_RANGE"],
  [32, "FALLOC_FL_INSERT_RANGE"],
] as const;

function allocate(task: Task, number: number, flags: number, offset: number, length: number): number {
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  const { inode } = file;
  if (offset < 0 || length <= 0) return -EINVAL;
  const offered = F.FALLOC_FL_KEEP_SIZE | F.FALLOC_FL_PUNCH_HOLE | F.FALLOC_FL_ZERO_RANGE;
  if (flags & ~(offered | F.FALLOC_FL_WRITE_ZEROES)) return -EOPNOTSUPP;
  if (inode instanceof RegularInode && inode.kind === "shmem" && flags & F.FALLOC_FL_ZERO_RANGE) return -EOPNOTSUPP;
  const punch = (flags & F.FALLOC_FL_PUNCH_HOLE) !== 0;
  if (punch && !(flags & F.FALLOC_FL_KEEP_SIZE)) return -EOPNOTSUPP;
  if (!file.writable) return -EBADF;
  if (flags & ~offered) return -EOPNOTSUPP;
  if (!(inode instanceof RegularInode)) return file instanceof PipeFile ? -ESPIPE : -ENODEV;
  const end = offset + length;
  if (!punch && (inode.seals ?? 0) & F.F_SEAL_GROW && end > inode.size) return -EPERM;
  const tooLarge = flags & F.FALLOC_FL_KEEP_SIZE ? 0 : checkNewSize(task, inode.size, end);
  if (tooLarge < 0) return tooLarge;
  if (punch || flags & F.FALLOC_FL_ZERO_RANGE) {
    const failed = inode.punchHole(offset, end);
    if (failed < 0) return failed;
  } else {
    const failed = inode.preallocate(offset, end);
    if (failed < 0) return failed;
  }
  return flags & F.FALLOC_FL_KEEP_SIZE || end <= inode.size ? 0 : inode.truncate(end);
}

export const fallocate = defineSyscall(
  "fallocate",
  [fd(), flagsOf("mode", FALLOC_FLAGS, "FALLOC_FL_???"), loff("offset"), loff("len")],
  (task, number, flags, offset, length) =>
    on(descriptor(task, number), () => allocate(task, number, flags, offset, length), IN_MODIFY),
  { support: "partial", note: "no COLLAPSE_RANGE or INSERT_RANGE" },
);

const ADVICE = [
  [0, "POSIX_FADV_NORMAL"],
  [1, "POSIX_FADV_RANDOM"],
  [2, "POSIX_FADV_SEQUENTIAL"],
  [3, "POSIX_FADV_WILLNEED"],
  [4, "POSIX_FADV_DONTNEED"],
  [5, "POSIX_FADV_NOREUSE"],
] as const;

function advise(task: Task, number: number, _offset: number, length: number, advice: number): number {
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  if (file instanceof PipeFile) return -ESPIPE;
  return length < 0 || length >= 2 ** 63 || advice < 0 || advice > 5 ? -EINVAL : 0;
}

const advice = enumOf("advice", ADVICE, "POSIX_FADV_???");
export const fadvise64 = defineSyscall("fadvise64", [fd(), loff("offset"), sizeT("len"), advice], advise, FULL);
export const fadvise6464 = defineSyscall("fadvise64_64", [fd(), loff("offset"), loff("len"), advice], advise, FULL);

export const readahead = defineSyscall(
  "readahead",
  [fd(), loff("offset"), sizeT("count")],
  (task, number) => {
    const file = fileOf(task, number);
    if (typeof file === "number") return file;
    if (!file.readable) return -EBADF;
    return file.inode.isRegular ? 0 : -EINVAL;
  },
  FULL,
);

/** There is nothing to write back: what the guest writes lives in memory. */
function flush(task: Task, number: number): number {
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  return file.inode.isRegular || file.inode.isDirectory ? 0 : -EINVAL;
}

export const sync = defineSyscall("sync", [], () => 0, FULL);
export const fsync = defineSyscall("fsync", [fd()], flush, FULL);
export const fdatasync = defineSyscall("fdatasync", [fd()], flush, FULL);

export const syncfs = defineSyscall(
  "syncfs",
  [fd()],
  (task, number) => {
    const file = fileOf(task, number);
    return typeof file === "number" ? file : 0;
  },
  FULL,
);

export const syncFileRange = defineSyscall(
  "sync_file_range",
  [fd(), loff("offset"), loff("nbytes"), int("flags")],
  (task, number, offset, length, flags) => {
    const file = fileOf(task, number);
    if (typeof file === "number") return file;
    if (flags & ~7 || offset < 0 || length < 0) return -EINVAL;
    return file.seekable ? 0 : -ESPIPE;
  },
  FULL,
);
