/** Fixed addresses and the effect of each draw, by kernel generation (facts: fs/binfmt_elf.c, arch/x86/mm/mmap.c). */
import { describe, expect, it } from "vitest";
import type { Abi } from "../../src/abi/abi.ts";
import { isLoadFailure } from "../../src/loader/exec-file.ts";
import { loadProgram } from "../../src/loader/load.ts";
import { planExec } from "../../src/loader/plan.ts";
import { drawRandom, type RandomDraws } from "../../src/loader/random-draws.ts";
import { buildVdso } from "../../src/loader/vdso/image.ts";
import { VdsoPages } from "../../src/loader/vdso/vdso.ts";
import { AddressSpace, type VmaView } from "../../src/mm/address-space.ts";
import { linux2632 } from "../../src/profiles/generations/linux-2.6.32.ts";
import { linux2638 } from "../../src/profiles/generations/linux-2.6.38.ts";
import { linux61 } from "../../src/profiles/generations/linux-6.1.ts";
import { linux618 } from "../../src/profiles/generations/linux-6.18.ts";
import type { KernelGeneration } from "../../src/profiles/kernel-generation.ts";
import { execFileOf } from "../support/exec-file.ts";
import { physicalMemory } from "../support/physical.ts";
import { seededBytes } from "../support/random.ts";

interface Loaded {
  readonly mm: AddressSpace;
  readonly sp: number;
  named(name: string): VmaView | undefined;
}

/** The vdso itself serves as a small static PIE; `fixed` makes an ET_EXEC of it. */
function program(abi: Abi, fixed: boolean): Uint8Array {
  const bytes = buildVdso(abi).bytes.slice();
  if (fixed) new DataView(bytes.buffer).setUint16(16, 2, true);
  if (!fixed) return bytes;
  // Link it at 0x400000 or 0x08048000.
  const base = abi === "amd64" ? 0x400000 : 0x08048000;
  const view = new DataView(bytes.buffer);
  view.setUint32(abi === "amd64" ? 64 + 16 : 52 + 8, base, true);
  view.setUint32(24, base, true);
  return bytes;
}

function load(generation: KernelGeneration, abi: Abi, draws: Partial<RandomDraws>, fixed = true): Loaded {
  const phys = physicalMemory(16 * 1024 * 1024);
  const open = (): ReturnType<typeof execFileOf> => execFileOf(phys, "/prog", program(abi, fixed));
  const plan = planExec({ open, filename: "/prog", argv: ["/prog"], envp: [], generation, stackLimit: 8 << 20 });
  if (isLoadFailure(plan)) throw new Error(plan.reason);
  const mm = new AddressSpace(phys, generation, abi);
  const none = drawRandom(seededBytes("layout"), mm.layout, false);
  const loaded = loadProgram(mm, plan, {
    draws: { ...none, ...draws },
    identity: { uid: 0, euid: 0, gid: 0, egid: 0, secure: false },
    cpu: { hwcap: 1, hwcap2: 0, minSigStackSize: 2048 },
    vdso: new VdsoPages(phys, generation),
  });
  if (isLoadFailure(loaded)) throw new Error(loaded.reason);
  const views: VmaView[] = [];
  mm.forEachMapping((view) => views.push(view));
  return { mm, sp: loaded.sp, named: (name) => views.find((view) => view.name === name) };
}

describe("without randomisation", () => {
  it.each<[string, KernelGeneration, Abi, number, number, number]>([
    ["2.6.32 amd64", linux2632, "amd64", 0x7ffffffea000, 0x7ffffffff000, 0x7ffff7fff000],
    ["2.6.32 compat", linux2632, "i386", 0xfffe9000, 0xffffe000, 0xf7ffe000],
    ["2.6.38 i386", linux2638, "i386", 0xbffdf000, 0xc0000000, 0xb8000000],
    ["6.1 amd64", linux61, "amd64", 0x7ffffffde000, 0x7ffffffff000, 0x7ffff7fff000],
    ["6.18 amd64", linux618, "amd64", 0x7ffffffde000, 0x7ffffffff000, 0x7ffff7fff000],
    ["6.18 compat", linux618, "i386", 0xfffdd000, 0xffffe000, 0xf7ffe000],
  ])("%s has the stack and mmap_base of the real kernel", (_, generation, abi, start, end, base) => {
    const { mm, named, sp } = load(generation, abi, {});
    expect(named("[stack]")).toMatchObject({ start, end });
    expect(mm.mmapBase).toBe(base);
    expect(named("[vdso]")?.end).toBe(base);
    expect(sp % 16).toBe(0);
    expect(mm.startBrk).toBe(abi === "amd64" ? 0x401000 : 0x08049000);
  });

  it("puts vvar and vdso as the generation has them", () => {
    const spans = (generation: KernelGeneration): string[] => {
      const found: string[] = [];
      load(generation, "amd64", {}).mm.forEachMapping(({ name, start, end }) => {
        if (name.startsWith("[v")) found.push(`${name} ${(end - start) / 1024}K`);
      });
      return found;
    };
    expect(spans(linux2632)).toEqual(["[vdso] 4K"]);
    expect(spans(linux61)).toEqual(["[vvar] 16K", "[vdso] 8K"]);
    expect(spans(linux618)).toEqual(["[vvar] 16K", "[vvar_vclock] 8K", "[vdso] 8K"]);
  });

  it("places a static PIE in the mmap area and its heap with the PIEs", () => {
    const amd64 = load(linux618, "amd64", {}, false);
    expect(amd64.named("/prog")?.end).toBe(0x7ffff7fff000);
    expect(amd64.mm.startBrk).toBe(0x555555555000);
    expect(load(linux618, "i386", {}, false).mm.startBrk).toBe(0x56555000);
    expect(load(linux2638, "i386", {}, false).mm.startBrk).toBe(0xb8000000);
  });
});

describe("draws", () => {
  const random = { randomizeVaSpace: 2 } as const;
  const base = load(linux618, "amd64", random);

  it("shift mmap_base, stack and heap by what was drawn", () => {
    const moved = load(linux618, "amd64", { ...random, mmapPages: 7, stackTopPages: 5, brkBytes: 0x3000 });
    expect(base.mm.mmapBase - moved.mm.mmapBase).toBe(7 * 4096);
    expect((base.named("[stack]")?.end ?? 0) - (moved.named("[stack]")?.end ?? 0)).toBe(5 * 4096);
    expect(moved.mm.startBrk - base.mm.startBrk).toBe(0x3000);
  });

  it("leave a page between bss and a randomised heap on 6.x only", () => {
    expect(base.mm.startBrk).toBe(0x402000);
    expect(load(linux2632, "amd64", random).mm.startBrk).toBe(0x401000);
  });

  it("align the stack top to pages and the stack pointer to 16 bytes", () => {
    const shift = (stackTopBytes: number): number => {
      const moved = load(linux618, "amd64", { ...random, stackTopBytes });
      return ((base.named("[stack]")?.end ?? 0) - (moved.named("[stack]")?.end ?? 0)) / 4096;
    };
    expect([0, 1, 5000, 8191].map(shift)).toEqual([0, 0, 1, 2]);
    const moved = load(linux618, "amd64", { ...random, stackBytes: 4095 });
    expect(moved.sp % 16).toBe(0);
    expect(Math.abs(base.sp - moved.sp - 4095)).toBeLessThan(16);
  });

  it("put the vdso of 2.6.32 and 6.1 above the stack, within its 2 MiB", () => {
    for (const generation of [linux2632, linux61]) {
      const { named } = load(generation, "amd64", { ...random, stackTopPages: 1000, vdsoPages: 100 });
      const stack = named("[stack]")?.end ?? 0;
      const vdso = named("[vdso]");
      expect(vdso?.start).toBeGreaterThan(stack);
      expect(vdso?.end).toBeLessThanOrEqual(Math.ceil(stack / 0x200000) * 0x200000);
    }
    expect(load(linux618, "amd64", { ...random, stackTopPages: 1000 }).named("[vdso]")?.end).toBeLessThan(
      0x7fff00000000,
    );
  });

  it("come from the source in the kernel's ranges", () => {
    const source = seededBytes("ranges");
    const { layout } = base.mm;
    for (let i = 0; i < 500; i++) {
      const draws = drawRandom(source, layout, true);
      expect(draws.mmapPages).toBeLessThanOrEqual(layout.mmapRandomPages.max);
      expect(draws.stackTopPages).toBeLessThan(layout.stackRandomPages);
      expect(draws.stackBytes).toBeLessThan(8192);
      expect(draws.brkBytes).toBeLessThan(layout.brkRandomBytes);
    }
  });
});
