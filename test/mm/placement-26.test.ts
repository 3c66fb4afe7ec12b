/** The free_area_cache search of 2.6.32 and 2.6.38 (facts 3.1), and the layout formulas of all generations (facts 1.2). */
import { describe, expect, it } from "vitest";
import type { AddressSpace } from "../../src/mm/address-space.ts";
import { linux2632 } from "../../src/profiles/generations/linux-2.6.32.ts";
import { linux2638 } from "../../src/profiles/generations/linux-2.6.38.ts";
import { linux61 } from "../../src/profiles/generations/linux-6.1.ts";
import { linux618 } from "../../src/profiles/generations/linux-6.18.ts";
import { layoutOf, mmapBase } from "../../src/profiles/kernel-generation.ts";
import { createSpace } from "../support/mm-replay.ts";

const TOP = 0x7ffff7fff000;
const STACK = 8 * 1024 * 1024;

function anon(mm: AddressSpace, length: number, addr = 0, prot = 3): number {
  return mm.mmap({ addr, length, prot, flags: 0x22 });
}

describe("2.6 top-down search", () => {
  const space = (): AddressSpace => createSpace({ generation: linux2632 });

  it("goes down from where the last one ended", () => {
    const mm = space();
    expect([anon(mm, 0x3000), anon(mm, 0x1000, 0, 1), anon(mm, 0x2000)]).toEqual([
      TOP - 0x3000,
      TOP - 0x4000,
      TOP - 0x6000,
    ]);
  });

  it("uses a hole above the cache again, from its top", () => {
    const mm = space();
    for (const prot of [1, 3, 1, 3]) anon(mm, 0x4000, 0, prot);
    mm.munmap(TOP - 0xc000, 0x4000);
    expect(mm.freeAreaCache).toBe(TOP - 0x8000);
    expect(anon(mm, 0x1000, 0, 5)).toBe(TOP - 0x9000);
  });

  it("forgets a hole that a larger request has passed", () => {
    const mm = space();
    for (const prot of [1, 3, 1, 3]) anon(mm, 0x4000, 0, prot);
    mm.munmap(TOP - 0xc000, 0x1000);
    mm.munmap(TOP - 0x5000, 0x1000);
    expect(anon(mm, 0x1000, 0, 5)).toBe(TOP - 0x5000);
    expect(anon(mm, 0x2000, 0, 5)).toBe(TOP - 0x12000);
    expect(anon(mm, 0x1000, 0, 7)).toBe(TOP - 0x13000);
  });

  it("hints do not move the cache", () => {
    const mm = space();
    expect(anon(mm, 0x1000, 0x20000000)).toBe(0x20000000);
    expect(anon(mm, 0x1000)).toBe(TOP - 0x1000);
  });
});

describe("mmap_base", () => {
  const base = (generation: typeof linux618, abi: "amd64" | "i386", random?: number): string =>
    mmapBase(layoutOf(generation, abi), STACK, random).toString(16);

  it.each([
    ["2.6.32 amd64", linux2632, "amd64", "7ffff7fff000", 0, "7ffef8000000", 0xfffffff, "7efef8001000"],
    ["2.6.32 compat", linux2632, "i386", "f7ffe000", 0, "f77ff000", 255, "f7700000"],
    ["2.6.38 i386", linux2638, "i386", "b8000000", 255, "b7702000", -255, "b7900000"],
    ["6.1 amd64", linux61, "amd64", "7ffff7fff000", 0, "7ffbff700000", 0xfffffff, "7efbff701000"],
    ["6.18 compat", linux618, "i386", "f7ffe000", 0, "f7ffe000", 255, "f7eff000"],
  ] as const)("%s", (_name, generation, abi, fixed, draw1, at1, draw2, at2) => {
    expect([base(generation, abi), base(generation, abi, draw1), base(generation, abi, draw2)]).toEqual([
      fixed,
      at1,
      at2,
    ]);
  });

  it("an unlimited stack leaves a sixth of the address space", () => {
    expect(mmapBase(linux618.layouts.amd64, Number.POSITIVE_INFINITY, undefined)).toBe(0x155555556000);
    expect(mmapBase(linux618.layouts.compat, Number.POSITIVE_INFINITY, undefined)).toBe(0x2aaab000);
  });
});
