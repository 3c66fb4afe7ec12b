import { describe, expect, it } from "vitest";
import { type HeapWalk, walkHeap } from "../../../src/libc/malloc/walk.ts";
import type { FakeGuest } from "./fake-guest.ts";
import { threadBlock } from "./fake-guest.ts";
import { type Abi, MEASURED, newProcess, readWord } from "./support.ts";

type Process = ReturnType<typeof newProcess>;

function walk({ guest, malloc, W }: Process, threads = [guest.thread], mappings = mapped(guest)): HeapWalk {
  return walkHeap(guest, malloc.heap.version, W, malloc.heap.at, { threads, mappings });
}

/** Blocks that mmap made and munmap has not taken back. */
function mapped(guest: FakeGuest): { start: number; end: number }[] {
  const open = new Map<number, number>();
  for (const [name, ...v] of guest.calls) {
    if (name === "mmap" && v[2] === 3 && v[4] > 0) open.set(v[4], v[1]);
    else if (name === "munmap") open.delete(v[0]);
    else if (name === "mremap") {
      open.delete(v[0]);
      open.set(v[4], v[2]);
    }
  }
  return [...open].map(([start, length]) => ({ start, end: start + length }));
}

/** A small linear congruential generator, so that a failure can be repeated. */
function generator(seed: number): (n: number) => number {
  let x = seed;
  return (n) => {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    return (x >>> 8) % n;
  };
}

describe.each(MEASURED)("walking a heap of %s %s", (version, abi) => {
  it("finds every block the program has, and none that it gave back", () => {
    const process = newProcess(version, abi);
    const { malloc, guest } = process;
    const random = generator(41);
    const live = new Set<number>();
    const threads = [threadBlock(process.W, 0), threadBlock(process.W, 1), threadBlock(process.W, 2)];
    for (const thread of threads.slice(1)) {
      guest.thread = thread;
      malloc.writeThreadData();
    }
    guest.single = false;
    for (let i = 0; i < 3000; i++) {
      guest.thread = threads[random(3)];
      const blocks = [...live];
      if (blocks.length > 150 || (blocks.length > 0 && random(5) < 2)) {
        const p = blocks[random(blocks.length)];
        malloc.free(p);
        live.delete(p);
      } else {
        const bytes = random(20) === 0 ? random(400000) : random(3000);
        live.add(random(10) === 0 ? malloc.memalign(16 << random(8), bytes) : malloc.malloc(bytes));
      }
      expect(malloc.exit).toBeUndefined();
      if (i % 300 !== 299) continue;
      const found = walk(process, threads);
      expect(found.damage).toEqual([]);
      const chunks = [...found.arenas.flatMap((a) => a.heaps.flatMap((heap) => heap.chunks)), ...found.mmapped];
      const used = new Set(chunks.filter((c) => c.state === "used" || c.state === "mmapped").map((c) => c.mem));
      for (const p of live) expect(used.has(p), `block ${p.toString(16)} after step ${i}`).toBe(true);
      // Beyond the program's blocks only malloc's own: a tcache struct a thread.
      const own = malloc.heap.tc === null ? 0 : threads.length;
      expect(used.size - live.size).toBeLessThanOrEqual(own);
    }
  });

  it("lists top last and gives its size", () => {
    const process = newProcess(version, abi);
    process.malloc.malloc(100);
    const [arena] = walk(process).arenas;
    const last = arena.heaps.at(-1)?.chunks.at(-1);
    expect(last).toMatchObject({ address: arena.top, state: "top" });
    expect((last?.address ?? 0) + (last?.size ?? 0)).toBe(process.guest.breakEnd);
  });
});

/** A heap with three large blocks, the middle one free, and what then happens to it. */
function damaged(version: string, abi: Abi, damage: (guest: FakeGuest, blocks: number[], W: number) => void): HeapWalk {
  const process = newProcess(version, abi);
  const { guest, malloc, W } = process;
  const blocks = [2000, 2000, 2000].map((n) => malloc.malloc(n));
  malloc.free(blocks[1]);
  damage(guest, blocks, W);
  return walk(process);
}

describe("damage", () => {
  it("a size word overwritten by text stops the walk there and names the chunk before", () => {
    const found = damaged("2.36", "x86_64", (guest, [a]) => guest.fill(a, 0x41, 2024));
    // First the lists are read: the freed block's links are text as well.
    expect(found.damage[0].what).toMatch(/of the unsorted bin leads nowhere$/);
    const { address, what } = found.damage[1];
    expect(address).toBe(found.arenas[0].heaps[0].end);
    expect(what).toMatch(/^invalid size: size word 0x41.* the chunk before it is at 0x[0-9a-f]+, 2016 bytes$/);
  });

  it("a one-byte overflow that clears PREV_INUSE", () => {
    const found = damaged("2.36", "x86_64", (guest, blocks) => {
      const p = blocks[2];
      guest.write8(p - 8, 0);
    });
    expect(found.damage.length).toBeGreaterThan(0);
  });

  it("a broken bin", () => {
    const found = damaged("2.13", "i386", (guest, [, b], W) => guest.write32(b + W, 0x12345678));
    expect(found.damage[0].what).toMatch(/^corrupted double-linked list: bk 0x12345678 in the unsorted bin/);
  });

  it("a size that does not match its foot", () => {
    const found = damaged("2.11.1", "x86_64", (guest, [, , c]) => guest.write64(c - 16, 0x20));
    expect(found.damage[0].what).toMatch(/^corrupted size vs\. prev_size: prev_size 0x20, size 0x7e0$/);
  });

  it("a corrupt top size", () => {
    const found = damaged("2.31", "i386", (guest, [, , c], W) => {
      guest.write32(c - W + (readWord(guest, c - W) & ~7), 0xfffffff1);
    });
    expect(found.damage[0].what).toMatch(/^corrupted top size: size word 0xfffffff1/);
  });

  it("a tcache list that leaves the heap's alignment", () => {
    const process = newProcess("2.41", "x86_64");
    const { guest, malloc } = process;
    const [a, b] = [malloc.malloc(100), malloc.malloc(100)];
    malloc.free(a);
    malloc.free(b);
    guest.write32(b, guest.read32(b) ^ 8);
    expect(walk(process).damage[0].what).toMatch(/^unaligned chunk 0x[0-9a-f]+ in tcache 5$/);
  });

  it("a chunk freed twice past the checks is on two lists", () => {
    const process = newProcess("2.36", "x86_64");
    const { guest, malloc } = process;
    const blocks = Array.from({ length: 8 }, () => malloc.malloc(24));
    for (const p of blocks) malloc.free(p);
    guest.write64(blocks[7] + 8, 0);
    malloc.malloc(24);
    malloc.free(blocks[7]);
    expect(walk(process).damage.some(({ what }) => what.startsWith("chunk is on two free lists"))).toBe(true);
  });
});
