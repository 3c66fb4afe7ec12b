/** The searches of src/mm/placement.ts against plain ones, and the time that many mappings take. */
import { describe, expect, it } from "vitest";
import type { Abi } from "../../src/abi/abi.ts";
import { MAP_32BIT, MAP_ABOVE4G, MAP_ANONYMOUS, MAP_FIXED, MAP_GROWSDOWN, MAP_PRIVATE } from "../../src/abi/mman.ts";
import type { AddressSpace } from "../../src/mm/address-space.ts";
import { unmappedArea } from "../../src/mm/placement.ts";
import { linux2632 } from "../../src/profiles/generations/linux-2.6.32.ts";
import { linux2638 } from "../../src/profiles/generations/linux-2.6.38.ts";
import { linux61 } from "../../src/profiles/generations/linux-6.1.ts";
import { linux618 } from "../../src/profiles/generations/linux-6.18.ts";
import type { KernelGeneration } from "../../src/profiles/kernel-generation.ts";
import { createSpace } from "../support/mm-replay.ts";
import { plainUnmappedArea } from "../support/plain-placement.ts";
import { seededRandom } from "../support/random.ts";

const ANON = MAP_PRIVATE | MAP_ANONYMOUS;
const GENERATIONS: readonly [string, KernelGeneration, Abi][] = [
  ["2.6.32 amd64", linux2632, "amd64"],
  ["2.6.32 i386", linux2632, "i386"],
  ["2.6.38 i386", linux2638, "i386"],
  ["6.1 amd64", linux61, "amd64"],
  ["6.18 amd64", linux618, "amd64"],
  ["6.18 i386", linux618, "i386"],
];

/** The next place by both searches, from the same state; the state that the real one leaves is kept. */
function search(mm: AddressSpace, addr: number, length: number, flags: number): void {
  const { freeAreaCache, cachedHoleSize } = mm;
  const plain = plainUnmappedArea(mm, addr, length, flags);
  const left = [mm.freeAreaCache, mm.cachedHoleSize];
  Object.assign(mm, { freeAreaCache, cachedHoleSize });
  const found = unmappedArea(mm, addr, length, flags, 0, "shared");
  expect([found, mm.freeAreaCache, mm.cachedHoleSize]).toEqual([plain, ...left]);
  Object.assign(mm, { freeAreaCache, cachedHoleSize });
}

/** Areas that tile the space, in order, with consistent links. */
function checkList(mm: AddressSpace): void {
  let count = 0;
  let prev: unknown;
  let end = 0;
  for (const vma of mm.vmas) {
    expect(vma.prev).toBe(prev);
    expect(vma.start).toBeGreaterThanOrEqual(end);
    expect(mm.vmas.find(vma.end - 1)).toBe(vma);
    prev = vma;
    end = vma.end;
    count++;
  }
  expect(mm.vmas.last).toBe(prev);
  expect(mm.vmas.count).toBe(count);
}

describe.each(GENERATIONS)("%s", (name, generation, abi) => {
  it.each([true, false])("finds what a plain search finds (top-down %s)", (topDown) => {
    const below = seededRandom(`placement ${name} ${topDown}`);
    const mm = createSpace({ generation, abi });
    // a small area, so that searches fail and turn around
    const pages = 3000;
    const low = mm.mmapBase - pages * 4096;
    if (topDown) mm.legacyMmapBase = low + 700 * 4096;
    else mm.setMmapLayout(low, false);
    mm.mmap({ addr: 0x10000, length: low - 0x10000, prot: 0, flags: ANON | MAP_FIXED });
    if (topDown) mm.munmap(low - 4096, 4096);
    else {
      const top = low + pages * 4096;
      mm.mmap({ addr: top, length: mm.layout.taskSize - top, prot: 0, flags: ANON | MAP_FIXED });
      mm.setMmapLayout(low, false);
    }
    const page = () => low + below(pages) * 4096;
    const length = () => (below(4) === 0 ? 1 + below(200) : 1 + below(6)) * 4096;
    for (let step = 0; step < 3000; step++) {
      const kind = below(16);
      const flags = ANON | (below(40) === 0 ? MAP_32BIT : 0) | (below(40) === 0 ? MAP_ABOVE4G : 0);
      const grows = below(12) === 0 ? MAP_GROWSDOWN : 0;
      const hint = below(8) === 0 ? page() : 0;
      // the space fills up in the first half of each thousand steps, and empties in the second
      const fills = step % 1000 < 500 ? 10 : 5;
      if (kind < fills) {
        const bytes = length();
        search(mm, hint, bytes, flags);
        mm.mmap({ addr: hint, length: bytes, prot: below(8), flags: flags | grows });
      } else if (kind < 13) mm.munmap(page(), length());
      else if (kind < 15) mm.mprotect(page(), length(), below(8));
      else mm.mmap({ addr: page(), length: length(), prot: below(8), flags: ANON | MAP_FIXED | grows });
      if (step % 500 === 0) checkList(mm);
    }
    checkList(mm);
    mm.destroy();
  });
});

describe("65,000 mappings", () => {
  it.each([
    ["2.6.32", linux2632],
    ["6.18", linux618],
  ])(
    "are made, found and removed (%s): half a second; a linear search would run into the time limit",
    (_name, generation) => {
      const mm = createSpace({ generation });
      const count = 65_000;
      const top = mm.mmapBase;
      const wrong: number[] = [];
      for (let i = 0; i < count; i++) {
        const addr = mm.mmap({ addr: 0, length: 4096, prot: 1 + (i & 1) * 2, flags: ANON });
        if (addr !== top - (i + 1) * 4096) wrong.push(i);
      }
      expect(mm.vmas.count).toBe(count);
      // every second one goes and is found again, from the top
      for (let i = 0; i < count; i += 2) if (mm.munmap(top - (i + 1) * 4096, 4096) !== 0) wrong.push(i);
      for (let i = 0; i < count; i += 2) {
        const addr = mm.mmap({ addr: 0, length: 4096, prot: 1, flags: ANON });
        if (addr !== top - (i + 1) * 4096) wrong.push(i);
      }
      for (let i = 0; i < count; i++) if (mm.munmap(top - (i + 1) * 4096, 4096) !== 0) wrong.push(i);
      expect(wrong).toEqual([]);
      expect(mm.vmas.count).toBe(0);
    },
  );
});
