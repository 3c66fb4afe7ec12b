/** The memory devices of /dev (null(4), random(4), full(4); drivers/char/mem.c, random.c). */
import { ENOSPC, ENXIO } from "../abi/errno.ts";
import { O_NOCTTY } from "../abi/fcntl.ts";
import { makeDev, S_IFCHR } from "../abi/stat.ts";
import type { FrameNumber } from "../base/address.ts";
import type { HostRandom } from "../host/host.ts";
import type { Mappable } from "../mm/mappable.ts";
import { Dentry } from "./dentry.ts";
import { DirectoryInode } from "./directory.ts";
import { File } from "./file.ts";
import { Inode, type SuperBlock } from "./inode.ts";
import { SymlinkInode } from "./symlink.ts";
import type { IoResult } from "./types.ts";

/** How a device behaves once open. */
type Driver = (dentry: Dentry, flags: number) => File | number;

class DeviceInode extends Inode {
  readonly #driver: Driver;

  constructor(sb: SuperBlock, mode: number, rdev: number, ino: number, driver: Driver) {
    super(sb, S_IFCHR | mode, { rdev, ino });
    this.#driver = driver;
  }

  override open(dentry: Dentry, flags: number): File | number {
    return this.#driver(dentry, flags & ~O_NOCTTY);
  }
}

/** Character devices of this kind accept any position and stay at 0 (null_lseek). */
abstract class MemoryDevice extends File {
  override seek(): number {
    this.offset = 0;
    return 0;
  }

  override write(from: Uint8Array): IoResult {
    return this.pwrite(from, 0);
  }

  override read(into: Uint8Array): IoResult {
    return this.pread(into, 0);
  }

  override pwrite(from: Uint8Array, _offset: number): IoResult {
    return from.length;
  }
}

class NullFile extends MemoryDevice {
  override get splices(): boolean {
    return false;
  }

  override pread(): IoResult {
    return 0;
  }
}

/** What a private mapping of /dev/zero shows: the node's name, and anonymous memory behind it. */
class ZeroMapping implements Mappable {
  readonly kind = "zero";
  readonly size = Number.MAX_SAFE_INTEGER;
  readonly #file: ZeroFile;

  constructor(file: ZeroFile) {
    this.#file = file;
  }

  get mapName(): string {
    return this.#file.dentry.displayPath();
  }

  get dev(): number {
    return this.#file.inode.dev;
  }

  get ino(): number {
    return this.#file.inode.ino;
  }

  getPage(): FrameNumber {
    return this.#file.inode.sb.context.frames.zeroFrame;
  }

  cachedPage(): FrameNumber {
    return this.getPage();
  }
}

class ZeroFile extends MemoryDevice {
  readonly #mapping = new ZeroMapping(this);

  override get mappable(): Mappable {
    return this.#mapping;
  }

  override pread(into: Uint8Array): IoResult {
    into.fill(0);
    return into.length;
  }
}

class FullFile extends MemoryDevice {
  override pread(into: Uint8Array): IoResult {
    into.fill(0);
    return into.length;
  }

  override pwrite(from: Uint8Array): IoResult {
    return from.length === 0 ? 0 : -ENOSPC;
  }
}

class RandomFile extends MemoryDevice {
  readonly #random: HostRandom;

  constructor(dentry: Dentry, flags: number, random: HostRandom) {
    super(dentry, flags);
    this.#random = random;
  }

  override pread(into: Uint8Array): IoResult {
    this.#random.fill(into);
    return into.length;
  }
}

export interface DeviceOptions {
  readonly random: HostRandom;
  /** Opens the controlling terminal; undefined if there is none (ENXIO). */
  readonly terminal: (flags: number) => File | undefined;
}

/** The tree of /dev. Device numbers: Documentation/admin-guide/devices.txt. */
export function createDevTree(sb: SuperBlock, options: DeviceOptions): Dentry {
  const root = new DirectoryInode(sb, 0o040755, { ino: 1 });
  const { random } = options;
  // Inode numbers as devtmpfs of Linux 6.x gives them: in the order of creation.
  const devices: [name: string, minor: number, major: number, mode: number, ino: number, driver: Driver][] = [
    ["null", 3, 1, 0o666, 3, (dentry, flags) => new NullFile(dentry, flags)],
    ["zero", 5, 1, 0o666, 4, (dentry, flags) => new ZeroFile(dentry, flags)],
    ["full", 7, 1, 0o666, 5, (dentry, flags) => new FullFile(dentry, flags)],
    ["random", 8, 1, 0o666, 6, (dentry, flags) => new RandomFile(dentry, flags, random)],
    ["urandom", 9, 1, 0o666, 7, (dentry, flags) => new RandomFile(dentry, flags, random)],
    [
      "tty",
      0,
      5,
      0o666,
      9,
      (_dentry, flags) => sb.context.sessionTerminal?.(flags) ?? options.terminal(flags) ?? -ENXIO,
    ],
  ];
  sb.context.openDevice = (rdev, dentry, flags) =>
    devices.find(([, minor, major]) => makeDev(major, minor) === rdev)?.[5](dentry, flags) ?? -ENXIO;
  for (const [name, minor, major, mode, ino, driver] of devices) {
    root.link(name, new DeviceInode(sb, mode, makeDev(major, minor), ino, driver));
  }
  const links = { fd: "/proc/self/fd", stdin: "/proc/self/fd/0", stdout: "/proc/self/fd/1", stderr: "/proc/self/fd/2" };
  let ino = 20;
  for (const [name, target] of Object.entries(links)) root.link(name, new SymlinkInode(sb, target, { ino: ino++ }));
  root.link("shm", new DirectoryInode(sb, 0o041777, { ino }));
  return new Dentry("", undefined, root);
}
