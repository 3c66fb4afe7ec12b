import { describe, expect, it } from "vitest";
import { EACCES, EINVAL, ENOMEM } from "../../src/abi/errno.ts";
import type { AddressSpace } from "../../src/mm/address-space.ts";
import { linux2638 } from "../../src/profiles/generations/linux-2.6.38.ts";
import { createSpace, mapsText, OpenFile, PageCache, touch } from "../support/mm-replay.ts";

const AT = 0x20000000;

function mapped(pages = 4, prot = 3): AddressSpace {
  const mm = createSpace();
  mm.mmap({ addr: AT, length: pages * 4096, prot, flags: 0x32 });
  return mm;
}

describe("mprotect errors, in the order of the kernel", () => {
  it.each([
    ["both GROWS flags", -EINVAL, AT, 0, 0x03000000],
    ["unaligned", -EINVAL, AT + 1, 0, 1],
    ["length 0, even unmapped", 0, 0x1000, 0, 1],
    ["wrapping length", -ENOMEM, AT, 2 ** 64 - 4096, 1],
    ["unknown bit", -EINVAL, AT, 4096, 0x10],
    ["PROT_SEM is known", 0, AT, 4096, 0xb],
    ["unmapped", -ENOMEM, 0x1000, 4096, 1],
    ["GROWSDOWN on ordinary memory", -EINVAL, AT, 4096, 0x01000001],
  ])("%s", (_name, result, addr, length, prot) => {
    expect(mapped().mprotect(addr, length, prot)).toBe(result);
  });

  it("a hole gives ENOMEM behind a part that has changed", () => {
    const mm = mapped();
    mm.munmap(AT + 0x2000, 0x1000);
    expect(mm.mprotect(AT, 0x4000, 1)).toBe(-ENOMEM);
    expect(mapsText(mm)).toBe("20000000-20002000 r--p 0\n20003000-20004000 rw-p 0\n");
  });

  it("a shared mapping of a read-only file never becomes writable", () => {
    const mm = createSpace();
    const file = new OpenFile(new PageCache(mm.phys, "/f", 4096, "file"), "r");
    const at = mm.mmap({ addr: 0, length: 4096, prot: 1, flags: 1, file });
    expect(mm.mprotect(at, 4096, 3)).toBe(-EACCES);
  });
});

describe("split and merge", () => {
  it("splits at the bounds and joins again", () => {
    const mm = mapped();
    touch(mm, AT, true);
    mm.mprotect(AT + 0x1000, 0x1000, 1);
    expect(mapsText(mm)).toBe("20000000-20001000 rw-p 0\n20001000-20002000 r--p 0\n20002000-20004000 rw-p 0\n");
    mm.mprotect(AT + 0x1000, 0x1000, 3);
    expect(mapsText(mm)).toBe("20000000-20004000 rw-p 0\n");
  });

  it("r-- memory that became rw- is charged and does not join what never was", () => {
    const mm = mapped(2, 1);
    mm.mprotect(AT, 0x1000, 3);
    touch(mm, AT, true);
    mm.mprotect(AT, 0x1000, 1);
    expect(mapsText(mm)).toBe("20000000-20001000 r--p 0\n20001000-20002000 r--p 0\n");
  });

  it("untouched memory gives its charge back (since 6.7)", () => {
    const mm = mapped();
    expect(mm.system.committed).toBe(4);
    mm.mprotect(AT, 0x4000, 1);
    expect(mm.system.committed).toBe(0);
  });
});

describe("page-table entries", () => {
  it("read-only and back: 6.x makes owned pages writable at once, 2.6 takes a fault", () => {
    for (const [generation, faults] of [
      [undefined, 0],
      [linux2638, 1],
    ] as const) {
      const mm = createSpace(generation ? { generation } : {});
      mm.mmap({ addr: AT, length: 4096, prot: 3, flags: 0x32 });
      touch(mm, AT, true, 7);
      mm.mprotect(AT, 4096, 1);
      mm.mprotect(AT, 4096, 3);
      const before = mm.minorFaults;
      touch(mm, AT, true, 8);
      expect(mm.minorFaults - before).toBe(faults);
    }
  });

  it("PROT_NONE keeps the page resident", () => {
    const mm = mapped(1);
    touch(mm, AT, true, 9);
    mm.mprotect(AT, 4096, 0);
    expect(touch(mm, AT, false).text).toBe("11.2");
    expect(mm.rss).toBe(1);
    mm.mprotect(AT, 4096, 1);
    expect(touch(mm, AT, false)).toEqual({ text: "0", byte: 9 });
  });
});
