/** Small types that all of the VFS shares. */
import type { WaitQueue } from "../base/wait-queue.ts";
import type { HostTime } from "../host/host.ts";
import type { PhysicalMemory } from "../memory/physical.ts";
import type { Dentry } from "./dentry.ts";
import type { File } from "./file.ts";
import type { HostInput } from "./host-input.ts";
import type { LockWaits } from "./locks.ts";
import type { TmpfsSpace } from "./tmpfs-space.ts";

/** A count or other non-negative result, -errno, or "would block: sleep there and call again". */
export type IoResult = number | WaitQueue;

/** What the permission checks need of a task's credentials (struct cred). User 0 has all capabilities, others have none. */
export interface FsCredentials {
  readonly euid: number;
  readonly fsuid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
}

/** The attributes of stat(2), in the kernel's form (`struct kstat`). */
export interface Kstat {
  dev: number;
  ino: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  size: number;
  blksize: number;
  /** 512-byte units. */
  blocks: number;
  atime: HostTime;
  mtime: HostTime;
  ctime: HostTime;
  /** Undefined where the file system has no birth times. */
  btime: HostTime | undefined;
}

export interface DirEntry {
  readonly name: string;
  readonly ino: number;
  /** DT_*. */
  readonly type: number;
}

/** Guest memory as ioctl handlers see it: `AddressSpace` is one. 0 or -EFAULT. */
export interface UserMemory {
  read(address: number, into: Uint8Array): number;
  write(address: number, from: Uint8Array): number;
}

/** What file systems need from the machine around them. */
export interface VfsContext {
  readonly frames: PhysicalMemory;
  /** What file systems in memory may still take. */
  readonly space: TmpfsSpace;
  readonly lockWaits: LockWaits;
  /** Open file descriptions of the machine. */
  openFiles: number;
  /** What ties the two events of a rename together: the last one's. */
  lastCookie: number;
  /** The streams of the host that are waited for. */
  readonly inputs: HostInput[];
  /** Takes the pages of a file from `firstPage` on out of all address spaces (unmap_mapping_range). */
  unmapPages?: (dev: number, ino: number, firstPage: number) => void;
  /** CLOCK_REALTIME of the guest. */
  now(): HostTime;
  /** The running process, as something that can be compared. */
  currentProcess?: () => object | undefined;
  /** The terminal of the running task's session, if the guest made it. */
  sessionTerminal?: (flags: number) => File | undefined;
  /** Opens the device of a number, for nodes that the guest made; -ENXIO if there is none. */
  openDevice?: (rdev: number, dentry: Dentry, flags: number) => File | number;
  /** Finds the trap sites of a file's code when its first page is brought in. */
  findTraps?: TrapFinder;
}

/**
 * The trap sites of a file's code: the trap's number (src/kernel/traps.ts) by file offset; undefined if it has none. `read`
 * fills `into` from `offset` on; 0 or -errno.
 */
export type TrapFinder = (
  size: number,
  read: (into: Uint8Array, offset: number) => number,
) => ReadonlyMap<number, number> | undefined;
