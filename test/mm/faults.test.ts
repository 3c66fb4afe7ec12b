/** Faults, counters and smaps numbers; the fork table is facts 7, measured on 6.18 and 6.1. */
import { describe, expect, it } from "vitest";
import type { AddressSpace } from "../../src/mm/address-space.ts";
import { FAULT_ACCERR, FAULT_ADRERR, FAULT_MAPERR, FAULT_OOM } from "../../src/mm/fault-result.ts";
import { vmFlagsText } from "../../src/mm/stats.ts";
import { linux2632 } from "../../src/profiles/generations/linux-2.6.32.ts";
import { linux2638 } from "../../src/profiles/generations/linux-2.6.38.ts";
import type { KernelGeneration } from "../../src/profiles/kernel-generation.ts";
import { createPhysical, createSpace, OpenFile, PageCache, touch } from "../support/mm-replay.ts";

const AT = 0x20000000;
const USER = 4;
const WRITE = 6;

function mapped(pages = 4, prot = 3, flags = 0x32, generation?: KernelGeneration): AddressSpace {
  const mm = createSpace(generation ? { generation } : {});
  mm.mmap({ addr: AT, length: pages * 4096, prot, flags });
  return mm;
}

function stats(mm: AddressSpace, addr = AT) {
  const vma = mm.vmas.lookup(addr);
  if (vma === undefined) throw new Error("no VMA");
  return mm.pageStats(vma);
}

function touchPages(mm: AddressSpace, pages: number, write: boolean): void {
  for (let page = 0; page < pages; page++) touch(mm, AT + page * 4096, write);
}

describe("si_code", () => {
  it.each([
    ["unmapped", FAULT_MAPERR, 0x1000, USER, 3],
    ["the kernel's half", FAULT_MAPERR, 2 ** 47, USER, 3],
    ["write to r--", FAULT_ACCERR, AT, WRITE, 1],
    ["read of ---", FAULT_ACCERR, AT, USER, 0],
    ["absent -w- is readable", 0, AT, USER, 2],
    ["present page, read refused", FAULT_ACCERR, AT, USER | 1, 3],
  ])("%s", (_name, result, addr, code, prot) => {
    expect(mapped(4, prot).handleFault(addr, code, 0)).toBe(result);
  });

  it("execution of rw- memory maps the page, then fails on NX; without NX it runs", () => {
    const mm = mapped();
    expect(mm.handleFault(AT, USER | 16, 0)).toBe(0);
    expect(mm.walk(AT / 4096, 2)).toBe(-(USER | 16 | 1) - 1);
    expect(mm.handleFault(AT, USER | 16 | 1, 0)).toBe(FAULT_ACCERR);
    const native = createSpace({ generation: linux2638, abi: "i386" });
    native.mmap({ addr: AT, length: 4096, prot: 3, flags: 0x32 });
    native.handleFault(AT, USER, 0);
    expect(native.walk(AT / 4096, 2)).toBeGreaterThan(0);
  });

  it("behind the end of the file it is SIGBUS, and not counted", () => {
    const mm = createSpace();
    const file = new OpenFile(new PageCache(mm.phys, "/f", 5000, "file"), "r");
    mm.mmap({ addr: AT, length: 0x4000, prot: 1, flags: 0x12, file });
    expect(mm.handleFault(AT + 0x2000, USER, 0)).toBe(FAULT_ADRERR);
    expect([touch(mm, AT + 0x1fff, false).text, mm.minorFaults]).toEqual(["0", 0]);
  });

  it("no frame left is OOM, and ENOMEM-free calls still work", () => {
    const phys = createPhysical(1);
    const mm = createSpace({ phys });
    mm.mmap({ addr: AT, length: 0x100000, prot: 3, flags: 0x4032 });
    let result = 0;
    for (let at = AT; result === 0; at += 4096) result = mm.handleFault(at, WRITE, 0);
    expect([result, phys.freeFrames]).toEqual([FAULT_OOM, 0]);
    expect(mm.munmap(AT, 0x100000)).toBe(0);
    expect(phys.freeFrames).toBeGreaterThan(240);
  });
});

describe("counters", () => {
  it("256 reads then 256 writes of anonymous memory are 512 faults, RSS only from the writes", () => {
    const mm = mapped(256);
    touchPages(mm, 256, false);
    expect([mm.minorFaults, mm.rss, stats(mm).rss]).toEqual([256, 0, 0]);
    touchPages(mm, 256, true);
    expect([mm.minorFaults, mm.anonPages]).toEqual([512, 256]);
    expect(stats(mm)).toMatchObject({ rss: 1024, pss: 1024, privateDirty: 1024, referenced: 1024, anonymous: 1024 });
  });

  it("2.6.32's smaps counts the zero page", () => {
    const mm = mapped(4, 3, 0x32, linux2632);
    touchPages(mm, 4, false);
    expect([mm.rss, stats(mm).rss]).toEqual([0, 16]);
  });

  it("256 hot file pages are 17 faults read from the second page of a window, 256 in 2.6", () => {
    for (const [generation, faults] of [
      [undefined, 16],
      [linux2638, 256],
    ] as const) {
      const mm = createSpace(generation ? { generation } : {});
      const file = new OpenFile(new PageCache(mm.phys, "/f", 256 * 4096, "file"), "r");
      mm.mmap({ addr: AT, length: 256 * 4096, prot: 1, flags: 0x12, file });
      touchPages(mm, 256, false);
      expect([mm.minorFaults, mm.filePages]).toEqual([faults, 256]);
    }
  });

  it("the window starts at the VMA and is 16 pages from there", () => {
    const mm = createSpace();
    const file = new OpenFile(new PageCache(mm.phys, "/f", 256 * 4096, "file"), "r");
    mm.mmap({ addr: AT + 0x5000, length: 0x40000, prot: 1, flags: 0x12, file });
    touch(mm, AT + 0x8000, false);
    expect([mm.filePages, stats(mm, AT + 0x5000).privateClean]).toEqual([16, 64]);
  });

  it("a private write copies: the file page goes, an anonymous one comes", () => {
    const mm = createSpace();
    const cache = new PageCache(mm.phys, "/f", 4096, "file", () => 7);
    mm.mmap({ addr: AT, length: 4096, prot: 3, flags: 0x12, file: new OpenFile(cache, "r") });
    expect(touch(mm, AT, false).byte).toBe(7);
    expect([mm.filePages, mm.anonPages]).toEqual([1, 0]);
    touch(mm, AT, true, 8);
    expect([mm.filePages, mm.anonPages, mm.minorFaults, mm.phys.u8[cache.getPage(0) * 4096]]).toEqual([0, 1, 2, 7]);
  });

  it("a shared write to a clean file page is a fault of its own, to shmem not", () => {
    for (const [kind, faults] of [
      ["file", 2],
      ["shmem", 1],
    ] as const) {
      const mm = createSpace();
      const file = new OpenFile(new PageCache(mm.phys, "/f", 4096, kind), "rw");
      mm.mmap({ addr: AT, length: 4096, prot: 3, flags: 0x11, file });
      touch(mm, AT, false);
      touch(mm, AT, true);
      expect(mm.minorFaults).toBe(faults);
      expect([mm.filePages, mm.shmemPages]).toEqual(kind === "file" ? [1, 0] : [0, 1]);
    }
  });

  it("MAP_POPULATE faults are counted", () => {
    const mm = mapped(256, 3, 0x8032);
    expect([mm.minorFaults, mm.anonPages, mm.hiwaterRss]).toEqual([256, 256, 256]);
  });

  it("VmSize, VmData, VmStk, VmExe and VmLib by flags, or by file in 2.6", () => {
    const mm = mapped(4);
    mm.mmap({ addr: 0, length: 0x2000, prot: 5, flags: 0x22 });
    mm.mmap({ addr: 0, length: 0x1000, prot: 3, flags: 0x122 });
    expect([mm.totalVm, mm.vmData, mm.stackVm, mm.execVm, mm.statmData]).toEqual([7, 4, 1, 2, 5]);
    const old = mapped(4, 5, 0x32, linux2632);
    expect([old.totalVm, old.vmData, old.execVm, old.statmData]).toEqual([4, 4, 0, 4]);
  });
});

describe("fork", () => {
  it("follows the table of facts 7", () => {
    const parent = mapped(256);
    touchPages(parent, 256, true);
    const frames = parent.phys.freeFrames;
    const child = parent.fork();
    if (typeof child === "number") throw new Error("fork failed");
    expect(stats(child)).toMatchObject({ rss: 1024, pss: 512, sharedDirty: 1024, privateDirty: 0, referenced: 0 });
    touchPages(child, 64, true);
    expect(child.minorFaults).toBe(64);
    expect(stats(child)).toMatchObject({ rss: 1024, pss: 640, sharedDirty: 768, privateDirty: 256, referenced: 256 });
    expect(stats(parent)).toMatchObject({ rss: 1024, pss: 640, sharedDirty: 768, privateDirty: 256, referenced: 1024 });
    const before = parent.minorFaults;
    touchPages(parent, 64, true);
    expect([parent.minorFaults - before, stats(parent).pss]).toEqual([64, 640]);
    child.destroy();
    expect(stats(parent)).toMatchObject({ rss: 1024, pss: 1024, sharedDirty: 0, privateDirty: 1024 });
    expect(parent.phys.freeFrames).toBe(frames);
    touchPages(parent, 256, true);
    expect(parent.minorFaults - before).toBe(256);
  });

  it("shared memory starts untouched in the child and keeps its contents", () => {
    const parent = mapped(4, 3, 0x31);
    touch(parent, AT, true, 9);
    const child = parent.fork() as AddressSpace;
    expect([child.rss, stats(child).rss]).toEqual([0, 0]);
    expect(touch(child, AT, false).byte).toBe(9);
    touch(child, AT, true, 10);
    expect(touch(parent, AT, false).byte).toBe(10);
  });

  it("DONTFORK is not there, WIPEONFORK is zero, locks are not inherited", () => {
    const parent = mapped(4);
    touchPages(parent, 4, true);
    parent.madvise(AT, 4096, 10);
    parent.madvise(AT + 0x1000, 4096, 18);
    parent.mlock(AT + 0x2000, 4096);
    const child = parent.fork() as AddressSpace;
    expect([touch(child, AT, false).text, child.lockedVm, child.anonPages]).toEqual(["11.1", 0, 2]);
    expect(touch(child, AT + 0x1000, false)).toEqual({ text: "0", byte: 0 });
  });

  it("a child does not join what was touched before the fork (6.x)", () => {
    const parent = mapped(1);
    touch(parent, AT, true);
    const child = parent.fork() as AddressSpace;
    for (const mm of [parent, child]) mm.mmap({ addr: AT + 4096, length: 4096, prot: 3, flags: 0x32 });
    expect([parent.vmas.count, child.vmas.count]).toEqual([1, 2]);
  });
});

describe("the stack", () => {
  function stack(generation?: KernelGeneration): AddressSpace {
    const mm = createSpace(generation ? { generation } : {});
    mm.setupStack(0x7ffffffde000, 0x7ffffffff000, 3);
    mm.startStack = 0x7fffffffe000;
    return mm;
  }

  it("grows on any access below it, to RLIMIT_STACK", () => {
    const mm = stack();
    expect(mm.handleFault(0x7fffffe00000, WRITE, 0)).toBe(0);
    expect(mm.vmas.first?.start).toBe(0x7fffffe00000);
    expect(mm.handleFault(0x7fffff7ff000, WRITE, 0)).toBe(0);
    expect(mm.handleFault(0x7fffff7fe000, WRITE, 0)).toBe(FAULT_MAPERR);
    expect(mm.stackVm).toBe(2048);
  });

  it("keeps 1 MiB from a lower mapping", () => {
    const mm = stack();
    mm.mmap({ addr: 0x7fffffe00000, length: 4096, prot: 3, flags: 0x32 });
    expect(mm.handleFault(0x7ffffff00000, WRITE, 0)).toBe(FAULT_MAPERR);
    expect(mm.handleFault(0x7ffffff01000, WRITE, 0)).toBe(0);
  });

  it("2.6 wants the stack pointer near, and 2.6.38 hides its guard page", () => {
    const mm = stack(linux2632);
    expect(mm.handleFault(0x7ffffff00000, WRITE, 0x7fffffff0000)).toBe(FAULT_MAPERR);
    expect(mm.handleFault(0x7ffffff00000, WRITE, 0x7ffffff10100)).toBe(0);
    const hidden = createSpace({ generation: linux2638, abi: "i386" });
    hidden.setupStack(0xbffdf000, 0xc0000000, 3);
    hidden.forEachMapping((view) => expect(view.start).toBe(0xbffdf000));
    expect(hidden.stackVm * 4).toBe(136);
    hidden.handleFault(0xbffde000, WRITE, 0xbffde000);
    hidden.forEachMapping((view) => expect(view.start).toBe(0xbffde000));
  });
});

describe("user copies", () => {
  it("cross pages, fault them in, and stop at the first bad one", () => {
    const mm = mapped(2);
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i & 255);
    expect(mm.write(AT + 3000, bytes)).toBe(0);
    const back = new Uint8Array(5000);
    expect(mm.read(AT + 3000, back)).toBe(0);
    expect(back).toEqual(bytes);
    expect(mm.write(AT + 4000, bytes)).toBe(-14);
    expect(mm.writePart(AT + 4000, bytes)).toBe(4192);
  });

  it("do not write read-only memory, nor leave user space", () => {
    const mm = mapped(1, 1);
    expect(mm.writeU32(AT, 1)).toBe(-14);
    expect(mm.readU32(AT)).toBe(0);
    expect(mm.read(2 ** 47 - 4, new Uint8Array(8))).toBe(-14);
  });

  it("strings and words", () => {
    const mm = mapped(2);
    mm.write(AT + 4090, Uint8Array.from([..."hello, page"].map((c) => c.charCodeAt(0))));
    expect(mm.readCString(AT + 4090)).toBe("hello, page");
    expect(mm.readCString(AT + 4090, 5)).toBe(-36);
    expect(mm.readCString(0x1000)).toBe(-14);
    mm.writeU64(AT, -2);
    expect([mm.readU32(AT), mm.readU16(AT + 6), mm.readU8(AT + 4)]).toEqual([0xfffffffe, 0xffff, 0xff]);
  });
});

it("VmFlags by bit", () => {
  const mm = mapped(1);
  expect(vmFlagsText(mm.vmas.first?.flags ?? 0)).toBe("rd wr mr mw me ac ");
});
