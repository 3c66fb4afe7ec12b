import { describe, expect, it } from "vitest";
import { PageTables, PTE_A, PTE_D, PTE_P, PTE_RW, PTE_US } from "../../src/memory/page-tables.ts";
import { Access, PF_INSTR, PF_PRESENT, PF_USER, PF_WRITE } from "../../src/memory/translation.ts";
import { createPhysical } from "../support/mm-replay.ts";

const READ_WRITE = PTE_P | PTE_RW | PTE_US;
const PAGE = 0x7ffff7fff;

function tables(levels: 2 | 4 = 4) {
  const phys = createPhysical(4);
  const pageTables = new PageTables(phys, { levels, nx: levels === 4 });
  const page = levels === 4 ? PAGE : 0xbffff;
  const at = pageTables.makePte(page);
  const frame = phys.allocFrame();
  return { phys, pageTables, page, at, frame };
}

describe.each([4, 2] as const)("%i-level page tables", (levels) => {
  it("lie in guest frames in the SDM's layout", () => {
    const { phys, pageTables, page, at, frame } = tables(levels);
    pageTables.setPte(at, frame, READ_WRITE, false);
    const bits = levels === 4 ? 9 : 10;
    let table = pageTables.root;
    for (let level = levels - 1; level >= 0; level--) {
      const index = Math.floor(page / 2 ** (bits * level)) % 2 ** bits;
      const entry = phys.u32[table * 1024 + index * (levels === 4 ? 2 : 1)];
      expect(entry & PTE_P).toBe(1);
      table = entry >>> 12;
    }
    expect(table).toBe(frame);
  });

  it("set accessed and dirty as the hardware does", () => {
    const { phys, pageTables, page, at, frame } = tables(levels);
    pageTables.setPte(at, frame, READ_WRITE, false);
    expect(pageTables.walk(page, Access.read)).toBe(frame);
    expect(phys.i32[at] & (PTE_A | PTE_D)).toBe(PTE_A);
    pageTables.walk(page, Access.write);
    expect(phys.i32[at] & (PTE_A | PTE_D)).toBe(PTE_A | PTE_D);
  });

  it("fault with the error code of the SDM", () => {
    const { pageTables, page, at, frame } = tables(levels);
    expect(pageTables.walk(page, Access.write)).toBe(-(PF_USER | PF_WRITE) - 1);
    pageTables.setPte(at, frame, PTE_P | PTE_US, true);
    expect(pageTables.walk(page, Access.write)).toBe(-(PF_USER | PF_WRITE | PF_PRESENT) - 1);
    const fetch = levels === 4 ? -(PF_USER | PF_INSTR | PF_PRESENT) - 1 : frame;
    expect(pageTables.walk(page, Access.execute)).toBe(fetch);
    pageTables.setPte(at, frame, PTE_P | PTE_RW, false);
    expect(pageTables.walk(page, Access.read)).toBe(-(PF_USER | PF_PRESENT) - 1);
  });

  it("fault when a bit of an entry is cleared by hand, at any level", () => {
    const { phys, pageTables, page, at, frame } = tables(levels);
    pageTables.setPte(at, frame, READ_WRITE, false);
    phys.i32[at] &= ~PTE_P;
    expect(pageTables.walk(page, Access.read)).toBe(-PF_USER - 1);
    phys.i32[at] |= PTE_P;
    const top = Math.floor(page / 2 ** (levels === 4 ? 27 : 10)) % (levels === 4 ? 512 : 1024);
    phys.i32[pageTables.root * 1024 + top * pageTables.pteWords] &= ~PTE_RW;
    expect(pageTables.walk(page, Access.write)).toBe(-(PF_USER | PF_WRITE | PF_PRESENT) - 1);
  });

  it("are counted, and freed where no neighbour needs them", () => {
    const { phys, pageTables, page, at, frame } = tables(levels);
    const free = phys.freeFrames;
    expect([pageTables.leafTables, pageTables.upperTables]).toEqual([1, levels === 4 ? 2 : 0]);
    pageTables.freeTables(page, page + 1, page - 1, Number.POSITIVE_INFINITY);
    expect(pageTables.leafTables).toBe(1);
    pageTables.clearPte(at);
    pageTables.freeTables(page, page + 1, 0, Number.POSITIVE_INFINITY);
    expect(pageTables.tableBytes).toBe(0);
    expect(phys.freeFrames).toBe(free + (levels === 4 ? 3 : 1));
    phys.put(frame);
  });
});

it("a page beyond the tables faults as absent", () => {
  const { pageTables } = tables(2);
  expect(pageTables.walk(0x100000, Access.read)).toBe(-PF_USER - 1);
});
