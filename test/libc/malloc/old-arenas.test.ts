import { describe, expect, it } from "vitest";
import { threadBlock } from "./fake-guest.ts";
import { type Abi, newProcess } from "./support.ts";

/** glibc without PER_THREAD (2.11, 2.13): a second arena comes only when main_arena's lock is held, or when it cannot grow. */
describe.each([
  ["2.11.1", "x86_64", 64 << 20, 0x8b0],
  ["2.13", "i386", 1 << 20, 0x468],
] as const)("arenas of %s %s", (version: string, abi: Abi, heapMax: number, first: number) => {
  it("the message routine's malloc after a double free opens a new arena", () => {
    const { guest, malloc } = newProcess(version, abi);
    const p = malloc.malloc(200);
    malloc.free(p);
    malloc.free(p);
    expect(malloc.exit?.kind).toBe("abort");
    guest.calls.length = 0;
    const text = malloc.malloc(100);
    expect(text % heapMax).toBe(first);
    const [mapping, ...rest] = guest.calls;
    expect(mapping.slice(0, 4)).toEqual(["mmap", 0, 2 * heapMax, 0]);
    const front = (heapMax - (mapping[5] % heapMax)) % heapMax;
    expect(rest).toEqual([
      ...(front === 0 ? [] : [["munmap", mapping[5], front, 0]]),
      ["munmap", text - first + heapMax, heapMax - front, 0],
      ["mprotect", text - first, 0x21000, 3, 0],
    ]);
  });

  it("a request that nothing can serve leaves the thread with a new arena", () => {
    const { guest, malloc } = newProcess(version, abi);
    const p = malloc.malloc(10);
    expect(malloc.malloc(abi === "i386" ? 0xe0000000 : 2n ** 62n)).toBe(0);
    expect(guest.errno).toBe(12);
    const q = malloc.malloc(10);
    expect(q % heapMax).toBe(first);
    // A block of main_arena, once resized, brings the thread back (tsd_setspecific in realloc).
    expect(malloc.realloc(p, 100)).toBe(p);
    expect(malloc.malloc(10)).toBeLessThan(guest.breakEnd);
  });

  it("a second thread shares main_arena while its lock is free", () => {
    const { guest, malloc, W } = newProcess(version, abi);
    malloc.malloc(10);
    guest.single = false;
    guest.thread = threadBlock(W, 1);
    expect(malloc.malloc(10)).toBeLessThan(guest.breakEnd);
    // Another thread was stopped inside malloc, holding the lock.
    guest.thread = threadBlock(W, 2);
    guest.write32(malloc.heap.main + malloc.heap.state.mutex, 1);
    expect(malloc.malloc(10) % heapMax).toBe(first);
  });
});

describe("a lock that is held", () => {
  it("makes free wait, and the call can be made again", () => {
    const { guest, malloc } = newProcess("2.13", "i386");
    const p = malloc.malloc(100);
    const mutex = malloc.heap.main + malloc.heap.state.mutex;
    guest.write32(mutex, 1);
    expect(malloc.free(p)).toBe(-1);
    expect(malloc.exit).toEqual({ kind: "blocked", lock: mutex });
    guest.write32(mutex, 0);
    expect(malloc.free(p)).toBe(0);
  });
});

describe("House of Force on 2.11.1: a top size of -1", () => {
  it("carries top to an address of the program's choice", () => {
    const { guest, malloc } = newProcess("2.11.1", "x86_64");
    const p = malloc.malloc(5000);
    const top = malloc.heap.top(malloc.heap.main);
    guest.write32(top + 8, 0xffffffff);
    guest.write32(top + 12, 0xffffffff);
    const target = p + 0x100;
    malloc.malloc(2n ** 64n + BigInt(target - top - 16 - 8));
    expect(malloc.heap.top(malloc.heap.main)).toBe(target - 16);
    expect(malloc.malloc(100)).toBe(target);
  });

  it("is split to the last digit", () => {
    const { guest, malloc } = newProcess("2.11.1", "x86_64");
    const p = malloc.malloc(24);
    guest.write32(p + 24, 0xffffffff);
    guest.write32(p + 28, 0xffffffff);
    malloc.malloc(3000);
    const top = malloc.heap.top(malloc.heap.main);
    // -8 less 3008 bytes, to the last digit.
    expect(guest.read32(top + 8)).toBe(0xfffffff8 - 3008 + 1);
    expect(guest.read32(top + 12)).toBe(0xffffffff);
  });
});
