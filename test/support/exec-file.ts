/** Host files for loader tests: page cache in guest frames, without a vfs. */
import * as fs from "node:fs";
import { EACCES, ENOENT } from "../../src/abi/errno.ts";
import { PAGE_SIZE } from "../../src/base/address.ts";
import type { ExecFile } from "../../src/loader/exec-file.ts";
import type { PhysicalMemory } from "../../src/memory/physical.ts";
import type { Mappable, MappedFile } from "../../src/mm/mappable.ts";

/** A file of these bytes. */
export function execFileOf(phys: PhysicalMemory, path: string, bytes: Uint8Array, dev = 0, ino = 1): ExecFile {
  const pages = new Map<number, number>();
  const getPage = (index: number): number => {
    const known = pages.get(index);
    if (known !== undefined) return known;
    const frame = phys.allocFrame();
    if (frame < 0) return -12;
    phys.u8.set(bytes.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE), frame * PAGE_SIZE);
    pages.set(index, frame);
    return frame;
  };
  const mappable: Mappable = {
    mapName: path,
    dev,
    ino,
    size: bytes.length,
    kind: "file",
    getPage,
    cachedPage: getPage,
  };
  const mapped: MappedFile = { mappable, readable: true, writable: false, openForMap() {}, closeForMap() {} };
  return {
    path,
    size: bytes.length,
    mapped,
    read(offset, into) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** Opens host files, each once. */
export function hostOpener(phys: PhysicalMemory): (path: string) => ExecFile | number {
  const opened = new Map<string, ExecFile>();
  return (path) => {
    const known = opened.get(path);
    if (known !== undefined) return known;
    let real: string;
    try {
      real = fs.realpathSync(path);
    } catch {
      return -ENOENT;
    }
    const stat = fs.statSync(real);
    if (!stat.isFile()) return -EACCES;
    const file = execFileOf(phys, real, fs.readFileSync(real), stat.dev, stat.ino);
    opened.set(path, file);
    return file;
  };
}
