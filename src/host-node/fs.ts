/**
 * Host files through `fs.*Sync` on descriptors. Paths and names are binary strings (one code unit a byte), so names that
 * are not UTF-8 survive: they cross as Buffers in latin1.
 */
import * as fs from "node:fs";
import { ENOENT } from "../abi/errno.ts";
import type { HostFile, HostFs, HostStat } from "../host/host.ts";
import { errnoOf } from "./errno.ts";

const BILLION = 1_000_000_000n;

/** A Node stat as the host seam gives it. */
export function hostStat(from: fs.BigIntStats): HostStat {
  const time = (ns: bigint) => {
    const nsec = ((ns % BILLION) + BILLION) % BILLION;
    return { sec: Number((ns - nsec) / BILLION), nsec: Number(nsec) };
  };
  return {
    dev: Number(from.dev),
    ino: Number(from.ino),
    mode: Number(from.mode),
    nlink: Number(from.nlink),
    uid: Number(from.uid),
    gid: Number(from.gid),
    rdev: Number(from.rdev),
    size: Number(from.size),
    blksize: Number(from.blksize),
    blocks: Number(from.blocks),
    atime: time(from.atimeNs),
    mtime: time(from.mtimeNs),
    ctime: time(from.ctimeNs),
    ...(from.birthtimeNs > 0n ? { btime: time(from.birthtimeNs) } : {}),
  };
}

function pathBytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

class NodeFile implements HostFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  pread(into: Uint8Array, offset: number): number {
    let done = 0;
    try {
      while (done < into.length) {
        const count = fs.readSync(this.#fd, into, done, into.length - done, offset + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      if (done === 0) return errnoOf(error);
    }
    return done;
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}

export class NodeFs implements HostFs {
  lstat(path: string): HostStat | number {
    try {
      const stat = fs.lstatSync(pathBytes(path), { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? -ENOENT : hostStat(stat);
    } catch (error) {
      return errnoOf(error);
    }
  }

  readlink(path: string): string | number {
    try {
      return fs.readlinkSync(pathBytes(path), { encoding: "buffer" }).toString("latin1");
    } catch (error) {
      return errnoOf(error);
    }
  }

  /** By opendir and readdir: `fs.readdirSync` sorts. */
  readdir(path: string): string[] | number {
    let directory: fs.Dir | undefined;
    try {
      directory = fs.opendirSync(pathBytes(path), { encoding: "latin1" });
      const names: string[] = [];
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) names.push(entry.name);
      return names;
    } catch (error) {
      return errnoOf(error);
    } finally {
      directory?.closeSync();
    }
  }

  openRead(path: string): HostFile | number {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = fs.constants;
    try {
      return new NodeFile(fs.openSync(pathBytes(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    } catch (error) {
      return errnoOf(error);
    }
  }
}
