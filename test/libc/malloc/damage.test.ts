import { describe, expect, it } from "vitest";
import { mallocVersion } from "../../../src/libc/malloc/versions/all.ts";
import { Program } from "./damage.ts";
import { replay } from "./replay.ts";
import { type Abi, MEASURED, newProcess, readFixture } from "./support.ts";

/** Recordings of runner.c with DAMAGE, each ending in another message: (length, message, length, log) one behind the other. */
function recordings(version: string, abi: Abi): [message: string, log: Uint8Array][] {
  const bytes = readFixture(`damage.${version}.${abi}.gz`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const list: [string, Uint8Array][] = [];
  for (let at = 0; at < bytes.length; ) {
    const message = view.getUint32(at, true);
    const log = view.getUint32(at + 4, true);
    const start = at + 8 + message;
    list.push([new TextDecoder().decode(bytes.subarray(at + 8, start)), bytes.slice(start, start + log)]);
    at = start + log;
  }
  return list;
}

const RECORDED = MEASURED.filter(([version]) => !version.startsWith("2.1"));

describe.each(RECORDED)("random damage to a heap of %s %s", (name, abi) => {
  it.each(recordings(name, abi))("%s", (message, log) => {
    const version = mallocVersion(name);
    if (version === undefined) throw new Error(`no malloc ${name}`);
    const { difference, exit } = replay(version, log, undefined);
    expect(difference).toBeUndefined();
    if (exit?.kind !== "abort") throw new Error(`ends in ${JSON.stringify(exit)}`);
    // 2.31 names the program in assertions.
    expect(exit.text.replace(/^prog: /, "")).toBe(message);
  });
});

/** Differences from the real libc that random damage brought to light. */
describe("found by random damage", () => {
  function program(name: string, abi: Abi): Program {
    const { guest, malloc } = newProcess(name, abi);
    return new Program(guest, malloc);
  }

  /** Maps a page of zeros where a chunk with NON_MAIN_ARENA is taken to have its heap_info. */
  function mapHeapInfo(p: Program, mem: number): void {
    p.guest.map(p.malloc.heap.heapForPtr(mem), 4096);
  }

  it("a block with NON_MAIN_ARENA set enters the tcache without a look at its arena", () => {
    const p = program("2.36", "i386");
    const got = p.run(() => {
      const a = p.m(24);
      p.setHead(a, p.head(a) | 4);
      mapHeapInfo(p, a);
      p.f(a);
      expect(p.m(24)).toBe(a);
    });
    expect(got).toEqual({ output: "", signal: null });
  });

  it("calloc asserts that its chunk lies in the arena", () => {
    const { guest, malloc } = newProcess("2.36", "x86_64");
    const p = new Program(guest, malloc);
    const blocks = Array.from({ length: 8 }, () => malloc.malloc(24));
    for (const mem of blocks) malloc.free(mem);
    p.setHead(blocks[7], p.head(blocks[7]) | 4);
    mapHeapInfo(p, blocks[7]);
    expect(malloc.calloc(1, 24)).toBe(-1);
    expect(malloc.exit).toMatchObject({
      text: "Fatal glibc error: malloc assertion failure in __libc_calloc: !mem || chunk_is_mmapped (mem2chunk (mem)) || av == arena_for_chunk (mem2chunk (mem))",
    });
  });

  it("2.43 looks the arena up before it tests for a mapped chunk", () => {
    const p = program("2.43", "x86_64");
    const got = p.run(() => {
      const a = p.m(100);
      p.setHead(a, 0x2b68e);
      p.f(a);
    });
    expect(got.signal).toBe("SIGSEGV");
  });

  it("realloc looks the arena up before it checks the pointer", () => {
    const p = program("2.36", "x86_64");
    const got = p.run(() => {
      const a = p.m(100);
      p.setHead(a, 4);
      p.r(a, 200);
    });
    expect(got.signal).toBe("SIGSEGV");
  });

  it("2.43's calloc clears what the tcache bin says, not the size word", () => {
    const { guest, malloc } = newProcess("2.43", "x86_64");
    const p = new Program(guest, malloc);
    const [a, b] = [malloc.malloc(100), malloc.malloc(100)];
    malloc.free(a);
    p.setHead(a, 0x1000001);
    guest.write64(b, 0x1234);
    expect(malloc.calloc(1, 100)).toBe(a);
    expect(guest.read64(b)).toBe(0x1234);
  });

  it("memalign follows a damaged tcache link into a fault", () => {
    const p = program("2.41", "x86_64");
    const got = p.run(() => {
      const [a, b] = [p.m(100), p.m(100)];
      p.f(a);
      p.f(b);
      p.put(b, 0, 0x4141414141414141n);
      p.malloc.memalign(1024, 100);
      if (p.malloc.exit?.kind !== "fault") throw new Error(JSON.stringify(p.malloc.exit));
    });
    expect(got.output).toBe("");
  });
});
