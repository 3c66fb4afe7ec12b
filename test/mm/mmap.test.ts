/** Values of Linux 6.18.44 under `setarch -R`, from strace of small C programs and from mmfuzz recordings. */
import { describe, expect, it } from "vitest";
import { EACCES, EAGAIN, EEXIST, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM } from "../../src/abi/errno.ts";
import * as M from "../../src/abi/mman.ts";
import type { AddressSpace } from "../../src/mm/address-space.ts";
import type { MmLimits } from "../../src/mm/limits.ts";
import { linux61 } from "../../src/profiles/generations/linux-6.1.ts";
import { createSpace, mapsText, OpenFile, PageCache } from "../support/mm-replay.ts";

const ANON = M.MAP_PRIVATE | M.MAP_ANONYMOUS;
const RW = M.PROT_READ | M.PROT_WRITE;
const TOP = 0x7ffff7fff000;
const UNPRIVILEGED = { capIpcLock: false, capSysRawio: false, capSysAdmin: false };

function anon(mm: AddressSpace, addr: number, length: number, flags = 0, prot = RW): number {
  return mm.mmap({ addr, length, prot, flags: ANON | flags });
}

function space(limits: Partial<MmLimits> = {}): AddressSpace {
  return createSpace({ limits });
}

function fileOf(mm: AddressSpace, access: "r" | "w" | "rw", pages = 8): OpenFile {
  return new OpenFile(new PageCache(mm.phys, "/f", pages * 4096, "file"), access);
}

describe("placement", () => {
  it("is top-down, the highest gap first", () => {
    const mm = space();
    expect(anon(mm, 0, 0x1000)).toBe(TOP - 0x1000);
    expect(anon(mm, 0, 0x3000)).toBe(TOP - 0x4000);
    mm.munmap(TOP - 0x3000, 0x2000);
    expect(anon(mm, 0, 0x3000)).toBe(TOP - 0x7000);
    expect(anon(mm, 0, 0x1000)).toBe(TOP - 0x2000);
  });

  it("takes a hint that is free, rounded down, and no other", () => {
    const mm = space();
    expect(anon(mm, 0x20001234, 0x1000)).toBe(0x20001000);
    expect(anon(mm, 0x20001000, 0x1000)).toBe(TOP - 0x1000);
    expect(anon(mm, 0x1010, 0x1000)).toBe(0x10000);
  });

  it("aligns anonymous memory of whole 2 MiB, not of others, not shared, not with a hint, not in 6.1", () => {
    const mm = space();
    expect(anon(mm, 0, 0x200000)).toBe(0x7ffff7c00000);
    expect(anon(mm, 0, 0x201000)).toBe(0x7ffff79ff000);
    expect(mm.mmap({ addr: 0, length: 0x200000, prot: RW, flags: M.MAP_SHARED | M.MAP_ANONYMOUS })).toBe(
      0x7ffff77ff000,
    );
    const old = createSpace({ generation: linux61 });
    expect(anon(old, 0, 0x200000)).toBe(TOP - 0x200000);
  });

  it("keeps 1 MiB below a growing VMA and passes over what lies there", () => {
    const mm = space();
    const grows = anon(mm, 0, 0x2000, M.MAP_GROWSDOWN);
    expect(grows).toBe(TOP - 0x2000);
    expect(anon(mm, 0, 0x1000)).toBe(grows - 0x101000);
  });

  it("MAP_32BIT goes up from 0x40000000", () => {
    const mm = space();
    expect(anon(mm, 0, 0x1000, M.MAP_32BIT)).toBe(0x40000000);
    expect(anon(mm, 0, 0x1000, M.MAP_32BIT)).toBe(0x40001000);
  });

  it("i386 tasks end below 0xf7ffe000", () => {
    const mm = createSpace({ abi: "i386" });
    expect(anon(mm, 0, 0x1000)).toBe(0xf7ffd000);
    expect(anon(mm, 0, 0xffffe000)).toBe(-ENOMEM);
  });
});

describe("errors, in the order of do_mmap", () => {
  const cases: [string, number, (mm: AddressSpace) => number][] = [
    ["length 0", -EINVAL, (mm) => anon(mm, 0, 0)],
    ["length beyond the address space", -ENOMEM, (mm) => anon(mm, 0, 2 ** 64)],
    ["no gap so large", -ENOMEM, (mm) => anon(mm, 0, 0x7fffffffe000)],
    ["MAP_FIXED unaligned", -EINVAL, (mm) => anon(mm, 0x10001, 0x1000, M.MAP_FIXED)],
    ["MAP_FIXED beyond the end", -ENOMEM, (mm) => anon(mm, 0x7ffffffff000, 0x1000, M.MAP_FIXED)],
    ["no mapping type", -EINVAL, (mm) => mm.mmap({ addr: 0, length: 1, prot: 1, flags: M.MAP_ANONYMOUS })],
    ["type 3 without a file", -EINVAL, (mm) => mm.mmap({ addr: 0, length: 1, prot: 1, flags: 0x23 })],
    ["shared and growing", -EINVAL, (mm) => mm.mmap({ addr: 0, length: 1, prot: 1, flags: 0x121 })],
    ["droppable and private", -EINVAL, (mm) => mm.mmap({ addr: 0, length: 1, prot: 3, flags: 0x2a })],
  ];
  it.each(cases)("%s", (_name, error, call) => {
    expect(call(space())).toBe(error);
  });

  const fileCases: [string, number, "r" | "w" | "rw", number, number, number][] = [
    ["shared writable on a read-only file", -EACCES, "r", RW, M.MAP_SHARED, 0],
    ["any mapping of a write-only file", -EACCES, "w", 0, M.MAP_PRIVATE, 0],
    ["a file beyond 2^63", -EOVERFLOW, "r", 1, M.MAP_PRIVATE, 2 ** 63 - 4096],
    ["growing", -EINVAL, "r", 1, M.MAP_PRIVATE | M.MAP_GROWSDOWN, 0],
    ["SHARED_VALIDATE with MAP_SYNC", -EOPNOTSUPP, "r", 1, M.MAP_SHARED_VALIDATE | M.MAP_SYNC, 0],
    ["SHARED_VALIDATE with FIXED_NOREPLACE", -EOPNOTSUPP, "r", 1, M.MAP_SHARED_VALIDATE | M.MAP_FIXED_NOREPLACE, 0],
  ];
  it.each(fileCases)("file: %s", (_name, error, access, prot, flags, offset) => {
    const mm = space();
    const addr = flags & M.MAP_FIXED_NOREPLACE ? 0x20000000 : 0;
    expect(mm.mmap({ addr, length: 4096, prot, flags, file: fileOf(mm, access), offset })).toBe(error);
  });

  it("a file without mmap gives ENODEV, on a noexec mount PROT_EXEC gives EPERM", () => {
    const mm = space();
    const directory = new OpenFile(undefined, "r");
    expect(mm.mmap({ addr: 0, length: 4096, prot: 1, flags: 2, file: directory })).toBe(-ENODEV);
    const file = Object.assign(fileOf(mm, "r"), { noExec: true });
    expect(mm.mmap({ addr: 0, length: 4096, prot: 5, flags: 2, file })).toBe(-EPERM);
    const at = mm.mmap({ addr: 0, length: 4096, prot: 1, flags: 2, file });
    expect(mm.mprotect(at, 4096, 5)).toBe(-EACCES);
  });

  it("MAP_FIXED_NOREPLACE on something gives EEXIST", () => {
    const mm = space();
    expect(anon(mm, 0x20000000, 0x2000, M.MAP_FIXED_NOREPLACE)).toBe(0x20000000);
    expect(anon(mm, 0x20001000, 0x2000, M.MAP_FIXED_NOREPLACE)).toBe(-EEXIST);
  });

  it("MAP_FIXED below vm.mmap_min_addr needs CAP_SYS_RAWIO", () => {
    expect(anon(space(UNPRIVILEGED), 0, 0x1000, M.MAP_FIXED)).toBe(-EPERM);
    expect(anon(space(), 0, 0x1000, M.MAP_FIXED)).toBe(0);
  });

  it("MAP_LOCKED obeys RLIMIT_MEMLOCK", () => {
    expect(anon(space({ ...UNPRIVILEGED, memlock: 0 }), 0, 0x1000, M.MAP_LOCKED)).toBe(-EPERM);
    expect(anon(space({ ...UNPRIVILEGED, memlock: 4096 }), 0, 0x2000, M.MAP_LOCKED)).toBe(-EAGAIN);
    expect(anon(space({ memlock: 0 }), 0, 0x1000, M.MAP_LOCKED)).toBeGreaterThan(0);
  });

  it("RLIMIT_AS counts everything, RLIMIT_DATA private writable memory", () => {
    expect(anon(space({ as: 0x2000 }), 0, 0x3000, 0, 0)).toBe(-ENOMEM);
    const mm = space({ data: 0x2000 });
    expect(anon(mm, 0, 0x3000)).toBe(-ENOMEM);
    const at = anon(mm, 0, 0x3000, 0, M.PROT_READ);
    expect(mm.mprotect(at, 0x3000, RW)).toBe(-ENOMEM);
  });

  it("65531 VMAs, then ENOMEM", () => {
    const mm = space();
    mm.system.maxMapCount = 10;
    for (let i = 0; i < 11; i++) expect(anon(mm, 0, 0x1000, 0, i % 2 ? 1 : 3)).toBeGreaterThan(0);
    expect(anon(mm, 0, 0x1000, 0, 0)).toBe(-ENOMEM);
  });

  it("one request beyond RAM is refused, several are not; mode 1 refuses nothing, mode 2 counts", () => {
    const mm = space();
    const ram = mm.phys.totalFrames * 4096;
    expect(anon(mm, 0, ram + 4096)).toBe(-ENOMEM);
    expect(anon(mm, 0, ram + 4096, M.MAP_NORESERVE)).toBeGreaterThan(0);
    expect([anon(mm, 0, ram), anon(mm, 0, ram)].every((addr) => addr > 0)).toBe(true);
    mm.system.overcommitMemory = 1;
    expect(anon(mm, 0, ram * 2)).toBeGreaterThan(0);
    mm.system.overcommitMemory = 2;
    expect(anon(mm, 0, 4096)).toBe(-ENOMEM);
  });
});

describe("a failed MAP_FIXED", () => {
  it.each([
    ["6.18: leaves the old mapping, but split", undefined, 2],
    ["6.1: touches nothing", linux61, 1],
  ])("%s", (_name, generation, pieces) => {
    const mm = createSpace({ ...(generation && { generation }), limits: { as: 0x4000 } });
    const at = anon(mm, 0x20000000, 0x4000, M.MAP_FIXED);
    expect(anon(mm, at + 0x3000, 0x2000, M.MAP_FIXED)).toBe(-ENOMEM);
    expect(mapsText(mm).trim().split("\n").length).toBe(pieces);
  });
});
