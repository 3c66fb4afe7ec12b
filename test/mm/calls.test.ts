/** munmap, mremap, madvise, mincore, msync, mlock, brk: errors and effects, measured on Linux 6.18.44. */
import { describe, expect, it } from "vitest";
import { EBADF, EBUSY, EFAULT, EINVAL, ENOMEM, EPERM } from "../../src/abi/errno.ts";
import * as M from "../../src/abi/mman.ts";
import type { AddressSpace } from "../../src/mm/address-space.ts";
import { linux2632 } from "../../src/profiles/generations/linux-2.6.32.ts";
import { linux61 } from "../../src/profiles/generations/linux-6.1.ts";
import { createSpace, mapsText, touch } from "../support/mm-replay.ts";

const AT = 0x20000000;
const TOP = 0x7ffff7fff000;

function mapped(pages = 4, flags = 0x32): AddressSpace {
  const mm = createSpace();
  mm.mmap({ addr: AT, length: pages * 4096, prot: 3, flags });
  return mm;
}

describe("munmap", () => {
  it.each([
    ["unaligned", -EINVAL, AT + 1, 4096],
    ["length 0", -EINVAL, AT, 0],
    ["beyond the address space", -EINVAL, 0x7fffffffe000, 0x3000],
    ["nothing there", 0, 0x1000, 4096],
    ["length rounds up", 0, AT, 1],
  ])("%s", (_name, result, addr, length) => {
    expect(mapped().munmap(addr, length)).toBe(result);
  });

  it("frees pages and page tables", () => {
    const mm = mapped();
    touch(mm, AT, true);
    expect([mm.rss, mm.pteBytes]).toEqual([1, 12288]);
    mm.munmap(AT, 0x4000);
    expect([mm.rss, mm.pteBytes, mm.totalVm]).toEqual([0, 0, 0]);
  });

  it("refuses to cut a hole at the map limit, not to shorten", () => {
    const mm = mapped();
    mm.system.maxMapCount = 1;
    expect(mm.munmap(AT + 0x1000, 0x1000)).toBe(-ENOMEM);
    expect(mm.munmap(AT + 0x3000, 0x1000)).toBe(0);
    const old = createSpace({ generation: linux2632 });
    old.mmap({ addr: AT, length: 0x4000, prot: 3, flags: 0x32 });
    old.system.maxMapCount = 1;
    expect(old.munmap(AT + 0x3000, 0x1000)).toBe(-ENOMEM);
  });
});

describe("mremap", () => {
  it.each([
    ["unknown flag", -EINVAL, AT, 4096, 4096, 8, 0],
    ["unaligned", -EINVAL, AT + 1, 4096, 4096, 0, 0],
    ["new length 0", -EINVAL, AT, 4096, 0, 1, 0],
    ["FIXED without MAYMOVE", -EINVAL, AT, 4096, 4096, 2, 0x30000000],
    ["FIXED overlapping", -EINVAL, AT, 8192, 8192, 3, AT + 4096],
    ["old length 0 of private memory", -EINVAL, AT, 0, 4096, 1, 0],
    ["unmapped", -EFAULT, 0x1000, 4096, 8192, 1, 0],
    ["beyond the end of the VMA", -EFAULT, AT, 0x5000, 0x6000, 1, 0],
    ["same length", AT, AT, 4096, 4096, 0, 0],
    ["shrinking", AT, AT, 0x4000, 0x1000, 0, 0],
    ["growing in place", AT, AT, 0x4000, 0x6000, 0, 0],
    ["growing in the middle without MAYMOVE", -ENOMEM, AT, 0x1000, 0x2000, 0, 0],
    ["growing in the middle", TOP - 0x2000, AT, 0x1000, 0x2000, 1, 0],
  ])("%s", (_name, result, addr, oldLength, newLength, flags, newAddr) => {
    expect(mapped().mremap(addr, oldLength, newLength, flags, newAddr)).toBe(result);
  });

  it("moves the pages and keeps the offset of what was touched", () => {
    const mm = mapped();
    touch(mm, AT + 0x1000, true, 5);
    const moved = mm.mremap(AT, 0x4000, 0x8000, M.MREMAP_MAYMOVE | M.MREMAP_FIXED, 0x30000000);
    expect(touch(mm, moved + 0x1000, false)).toEqual({ text: "0", byte: 5 });
    expect([mm.rss, mm.minorFaults, mm.vmas.find(moved)?.pgoff]).toEqual([1, 1, AT / 4096]);
  });

  it("DONTUNMAP leaves the source empty", () => {
    const mm = mapped();
    touch(mm, AT, true, 5);
    const moved = mm.mremap(AT, 0x4000, 0x4000, M.MREMAP_MAYMOVE | M.MREMAP_DONTUNMAP);
    expect([touch(mm, moved, false).byte, touch(mm, AT, false).byte]).toEqual([5, 0]);
  });

  it("a pure move takes several VMAs along (6.18), or fails (6.1)", () => {
    for (const [generation, moves] of [
      [undefined, true],
      [linux61, false],
    ] as const) {
      const mm = createSpace(generation ? { generation } : {});
      mm.mmap({ addr: AT, length: 0x4000, prot: 3, flags: 0x32 });
      mm.mprotect(AT + 0x2000, 0x2000, 1);
      expect(mm.mremap(AT, 0x4000, 0x4000, 3, 0x30000000)).toBe(moves ? 0x30000000 : -EFAULT);
    }
  });

  it("old length 0 of shared memory maps it twice", () => {
    const mm = mapped(2, 0x31);
    const twice = mm.mremap(AT, 0, 0x2000, 1);
    touch(mm, AT, true, 3);
    expect(touch(mm, twice, false).byte).toBe(3);
  });
});

describe("madvise", () => {
  it.each([
    ["unknown advice", -EINVAL, AT, 0, 77],
    ["unaligned", -EINVAL, AT + 1, 0, 4],
    ["length 0", 0, 0x1000, 0, 4],
    ["length that wraps", -EINVAL, AT, 2 ** 64 - 4096, 4],
    ["unmapped", -ENOMEM, 0x1000, 4096, 4],
    ["WILLNEED", 0, AT, 4096, M.MADV_WILLNEED],
    ["REMOVE of private memory", -EINVAL, AT, 4096, M.MADV_REMOVE],
    ["POPULATE_WRITE", 0, AT, 4096, M.MADV_POPULATE_WRITE],
    ["HWPOISON is not built in", -EINVAL, AT, 4096, M.MADV_HWPOISON],
  ])("%s", (_name, result, addr, length, advice) => {
    expect(mapped().madvise(addr, length, advice)).toBe(result);
  });

  it("WILLNEED without a file was EBADF in 2.6", () => {
    const mm = createSpace({ generation: linux2632 });
    mm.mmap({ addr: AT, length: 4096, prot: 3, flags: 0x32 });
    expect(mm.madvise(AT, 4096, M.MADV_WILLNEED)).toBe(-EBADF);
  });

  it("DONTNEED drops pages at once; locked memory refuses", () => {
    const mm = mapped();
    touch(mm, AT, true, 5);
    expect(mm.madvise(AT, 0x4000, M.MADV_DONTNEED)).toBe(0);
    expect([mm.rss, touch(mm, AT, false).byte]).toEqual([0, 0]);
    mm.mlock(AT, 0x1000);
    expect(mm.madvise(AT, 0x1000, M.MADV_DONTNEED)).toBe(-EINVAL);
    expect(mm.madvise(AT, 0x1000, M.MADV_DONTNEED_LOCKED)).toBe(0);
  });

  it("FREE keeps pages resident, lazily free until written", () => {
    const mm = mapped(1);
    touch(mm, AT, true, 5);
    mm.madvise(AT, 4096, M.MADV_FREE);
    const vma = mm.vmas.first;
    if (vma === undefined) throw new Error("no VMA");
    expect(mm.pageStats(vma)).toMatchObject({ rss: 4, lazyFree: 4, privateDirty: 0, referenced: 0 });
    touch(mm, AT, true, 6);
    expect(mm.pageStats(vma)).toMatchObject({ rss: 4, lazyFree: 0, privateDirty: 4 });
  });

  it("guard pages fault, survive DONTNEED, and go by GUARD_REMOVE", () => {
    const mm = mapped();
    expect(mm.madvise(AT, 4096, M.MADV_GUARD_INSTALL)).toBe(0);
    mm.madvise(AT, 4096, M.MADV_DONTNEED);
    expect(touch(mm, AT, true).text).toBe("11.1");
    mm.madvise(AT, 4096, M.MADV_GUARD_REMOVE);
    expect(touch(mm, AT, true).text).toBe("0");
  });
});

describe("mincore and msync", () => {
  it("tells resident pages, the zero page too", () => {
    const mm = mapped();
    touch(mm, AT, true);
    touch(mm, AT + 0x2000, false);
    expect(mm.mincore(AT, 0x4000, AT)).toBe(0);
    expect([0, 1, 2, 3].map((i) => mm.readU8(AT + i))).toEqual([1, 0, 1, 0]);
  });

  it("errors", () => {
    const mm = mapped();
    expect(mm.mincore(AT + 1, 4096, AT)).toBe(-EINVAL);
    expect(mm.mincore(AT, 0x5000, AT)).toBe(-ENOMEM);
    expect(mm.mincore(AT, 4096, 0x1000)).toBe(-EFAULT);
    expect(mm.msync(AT, 4096, 8)).toBe(-EINVAL);
    expect(mm.msync(AT, 4096, M.MS_SYNC | M.MS_ASYNC)).toBe(-EINVAL);
    expect(mm.msync(AT, 0x5000, M.MS_SYNC)).toBe(-ENOMEM);
    mm.mlock(AT, 4096);
    expect(mm.msync(AT, 4096, M.MS_INVALIDATE)).toBe(-EBUSY);
  });
});

describe("mlock", () => {
  it("prefaults by writes, counts, and splits", () => {
    const mm = mapped();
    expect(mm.mlock(AT + 1, 4096)).toBe(0);
    expect([mm.lockedVm, mm.anonPages, mm.minorFaults, mm.vmas.count]).toEqual([2, 2, 2, 2]);
    expect(mm.munlock(AT, 0x4000)).toBe(0);
    expect([mm.lockedVm, mm.vmas.count]).toEqual([0, 1]);
  });

  it("errors", () => {
    const limits = { capIpcLock: false, memlock: 8192 };
    const mm = createSpace({ limits });
    mm.mmap({ addr: AT, length: 0x4000, prot: 0, flags: 0x32 });
    expect(mm.mlock(AT, 0x3000)).toBe(-ENOMEM);
    expect(mm.mlock(AT, 0x1000)).toBe(-ENOMEM);
    expect(mm.lockedVm).toBe(1);
    expect(mm.mlockall(0)).toBe(-EINVAL);
    expect(mm.mlockall(M.MCL_ONFAULT)).toBe(-EINVAL);
    mm.limits = { ...mm.limits, memlock: 0 };
    expect(mm.mlock(AT, 0x1000)).toBe(-EPERM);
  });

  it("mlockall(MCL_FUTURE) locks what comes", () => {
    const mm = mapped(1);
    expect(mm.mlockall(M.MCL_CURRENT | M.MCL_FUTURE)).toBe(0);
    mm.mmap({ addr: 0, length: 0x2000, prot: 3, flags: 0x22 });
    expect([mm.lockedVm, mm.anonPages]).toEqual([3, 3]);
    mm.munlockall();
    expect([mm.lockedVm, mm.defFlags]).toEqual([0, 0]);
  });
});

describe("brk", () => {
  function withBreak(): AddressSpace {
    const mm = createSpace();
    mm.startBrk = mm.brk = AT;
    return mm;
  }

  it("keeps unaligned values and shrinks", () => {
    const mm = withBreak();
    expect(mm.sysBrk(0)).toBe(AT);
    expect(mm.sysBrk(AT + 100)).toBe(AT + 100);
    expect(mapsText(mm)).toBe("20000000-20001000 rw-p 0\n");
    expect(mm.sysBrk(AT + 0x21000)).toBe(AT + 0x21000);
    expect(mm.sysBrk(AT + 0x1000)).toBe(AT + 0x1000);
    expect(mapsText(mm)).toBe("20000000-20001000 rw-p 0\n");
    expect(mm.sysBrk(AT - 1)).toBe(AT + 0x1000);
  });

  it("leaves a page to the next VMA, 1 MiB more to a growing one", () => {
    const mm = withBreak();
    mm.mmap({ addr: AT + 0x5000, length: 4096, prot: 3, flags: 0x32 });
    expect(mm.sysBrk(AT + 0x5000)).toBe(AT);
    expect(mm.sysBrk(AT + 0x4000)).toBe(AT + 0x4000);
    const other = withBreak();
    other.mmap({ addr: AT + 0x105000, length: 4096, prot: 3, flags: 0x132 });
    expect(other.sysBrk(AT + 0x5000)).toBe(AT);
    expect(other.sysBrk(AT + 0x4000)).toBe(AT + 0x4000);
  });

  it("obeys RLIMIT_DATA with the data segment counted", () => {
    const mm = createSpace({ limits: { data: 0x3000 } });
    Object.assign(mm, { startBrk: AT, brk: AT, startData: 0x1000, endData: 0x2000 });
    expect(mm.sysBrk(AT + 0x2000)).toBe(AT + 0x2000);
    expect(mm.sysBrk(AT + 0x3000)).toBe(AT + 0x2000);
  });

  it("joins an adjacent bss in 2.6 only, and then bss is [heap]", () => {
    for (const [generation, text] of [
      [undefined, ["", "[heap]"]],
      [linux2632, ["[heap]"]],
    ] as const) {
      const mm = createSpace(generation ? { generation } : {});
      mm.mmap({ addr: AT - 0x1000, length: 0x1000, prot: 3, flags: 0x32 });
      mm.startBrk = mm.brk = AT;
      mm.sysBrk(AT + 0x1000);
      const names: string[] = [];
      mm.forEachMapping((view) => names.push(view.name));
      expect(names).toEqual(text);
    }
  });
});
