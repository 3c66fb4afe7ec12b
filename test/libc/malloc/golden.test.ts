import { describe, expect, it } from "vitest";
import type { Ptmalloc } from "../../../src/libc/malloc/ptmalloc.ts";
import type { FakeGuest } from "./fake-guest.ts";
import { askBreak, MEASURED, newProcess, readJson, readWord } from "./support.ts";

/*
 * The traces of gen.c, measured with the real libc of each version (2.11.1 and 2.13: its malloc.c compiled alone). Rows are
 * [op, slot, arg, arg2, result, size word, break, system calls]; addresses are offsets from the heap's start, or
 * [mapping, offset].
 */
type Where = number | null | readonly [number | null, number];
type Row = readonly [string, number, number, number, Where, number, number, (readonly unknown[][])?];

interface Goldens {
  readonly traces: Readonly<
    Record<string, { readonly ops: readonly Row[]; readonly walk: readonly [number, number][] }>
  >;
  readonly memdump: {
    readonly unsorted_bin_in_main_arena: number;
    readonly words: readonly [number, string, unknown][];
  };
}

/** Runs one trace and words every call as the golden does. */
class Trace {
  readonly guest: FakeGuest;
  readonly malloc: Ptmalloc;
  private readonly base: number;
  private readonly slots: number[] = [];
  private readonly mappings: { start: number; length: number }[] = [];

  constructor(guest: FakeGuest, malloc: Ptmalloc) {
    this.guest = guest;
    this.malloc = malloc;
    this.base = guest.breakStart;
    askBreak(guest);
  }

  private where(address: number): Where {
    if (address === 0) return null;
    if (address >= this.base && address < this.base + 0x40000000) return address - this.base;
    for (let i = this.mappings.length - 1; i >= 0; i--) {
      const { start, length } = this.mappings[i];
      if (address >= start && address < start + length) return [i, address - start];
    }
    return [null, address];
  }

  private head(p: number): number {
    return p === 0 ? 0 : readWord(this.guest, p - this.guest.W);
  }

  run(row: Row): Row {
    const [op, slot, arg, arg2] = row;
    const { guest, malloc } = this;
    guest.calls.length = 0;
    const old = this.slots[slot] ?? 0;
    let result = old;
    let head = op === "f" ? this.head(old) : -1;
    let value = arg2;
    let first = slot;
    const freed = this.where(old);
    if (op === "m") result = this.slots[slot] = malloc.malloc(arg);
    else if (op === "c") result = this.slots[slot] = malloc.calloc(arg, 1);
    else if (op === "a") result = this.slots[slot] = malloc.memalign(arg2, arg);
    else if (op === "r") {
      result = malloc.realloc(old, arg);
      if (result !== 0 || arg === 0) this.slots[slot] = result;
    } else if (op === "f") {
      malloc.free(old);
      this.slots[slot] = 0;
    } else if (op === "u") value = malloc.mallocUsableSize(old);
    else {
      result = 0;
      head = 0;
      if (op === "t") value = malloc.mallocTrim(arg);
      else if (op === "o") first = malloc.mallopt(-arg2, arg);
      else if (op === "b") {
        result = guest.breakEnd;
        head = this.head(result);
        guest.brk(guest.breakEnd + arg);
        askBreak(guest);
        head = 0;
      } else this.block(guest.breakEnd + arg);
    }
    if (malloc.exit !== undefined) throw new Error(JSON.stringify(malloc.exit));
    const calls = op === "x" ? [["mmap", 4096, "PROT_NONE", this.mappings.length - 1]] : this.calls();
    const place = op === "f" ? freed : op === "b" ? result - this.base : this.where(result);
    if (head < 0) head = this.head(result);
    const line = [op, first, arg, value, place, head, guest.breakEnd - this.base] as const;
    return calls.length > 0 ? [...line, calls] : line;
  }

  private block(address: number): void {
    this.guest.map(address, 4096, 0);
    this.mappings.push({ start: address, length: 4096 });
  }

  private calls(): unknown[][] {
    return this.guest.calls.map(([name, ...v]) => {
      if (name === "brk") return ["brk", v[0] === 0 ? 0 : v[0] - this.base, v[1] - this.base];
      if (name === "mmap") {
        if (v[4] >= 0) this.mappings.push({ start: v[4], length: v[1] });
        return ["mmap", v[1], v[2] === 0 ? "PROT_NONE" : "RW", v[4] < 0 ? "ENOMEM" : this.mappings.length - 1];
      }
      if (name === "madvise") return ["madvise", v[0] - this.base, v[1], "MADV_DONTNEED"];
      if (name !== "munmap" && name !== "mremap") return [name];
      const place = this.where(v[0]);
      const [index, offset] = Array.isArray(place) ? (place as [number, number]) : [-1, 0];
      if (name === "munmap") {
        if (index >= 0) this.mappings[index].length = 0;
        return ["munmap", index, offset, v[1]];
      }
      this.mappings[index] = { start: v[4], length: v[2] };
      return ["mremap", index, v[1], v[2]];
    });
  }

  /** Every chunk of the heap from the first to top, by size words alone. */
  walk(golden: readonly [number, number][]): [number, number][] {
    const found: [number, number][] = [];
    const { W } = this.guest;
    for (let p = golden[0][0]; p < this.guest.breakEnd - this.base; ) {
      const head = readWord(this.guest, this.base + p + W);
      found.push([p, head]);
      p += head - (head & 7);
    }
    return found;
  }
}

/** Brings a golden's calls to the few facts that both sides know. */
function golden(row: Row): Row {
  const calls = row[7];
  if (calls === undefined) return row;
  const plain = calls.map((call) => {
    if (call[0] !== "mmap") return call;
    return [
      "mmap",
      call[1],
      String(call[2]).includes("PROT_NONE") ? "PROT_NONE" : "RW",
      typeof call[3] === "number" ? call[3] : "ENOMEM",
    ];
  });
  const head = row[0] === "x" ? 0 : row[5];
  return [row[0], row[1], row[2], row[3], row[4], head, row[6], plain];
}

describe.each(MEASURED)("goldens of %s %s", (version, abi) => {
  const goldens = readJson(`golden.${version}.${abi}.json.gz`) as Goldens;

  it.each(Object.keys(goldens.traces))("%s", (name) => {
    const { ops, walk } = goldens.traces[name];
    const { guest, malloc } = newProcess(version, abi);
    const trace = new Trace(guest, malloc);
    ops.forEach((row, i) => {
      const got = trace.run(row);
      const want = golden(row);
      // One comparison a row would be slow; the assertion is for its message.
      if (JSON.stringify(got) !== JSON.stringify(want)) expect([i, ...got]).toEqual([i, ...want]);
    });
    if (walk.length > 0) expect(trace.walk(walk)).toEqual(walk);
  });

  it("every word of the heap after memdump.c", () => {
    const { guest, malloc, W } = newProcess(version, abi);
    askBreak(guest);
    memdump(malloc);
    const base = guest.breakStart;
    const { mainArena, tcacheKey } = malloc.heap.at;
    const seen: [number, string, unknown][] = [];
    for (const [offset, kind, value] of goldens.memdump.words) {
      const word = readWord(guest, base + offset);
      let got: unknown = value;
      if (kind === "n") got = `0x${word.toString(16)}`;
      else if (kind === "H") got = word - base;
      else if (kind === "A") got = word - mainArena;
      else if (kind === "K") got = guest.read32(base + offset) === guest.read32(tcacheKey) ? null : word;
      else if (kind === "S") {
        const link = malloc.heap.reveal(base + offset);
        got = link === 0 ? null : link - base;
      }
      seen.push([offset, kind, got]);
    }
    expect(seen).toEqual(goldens.memdump.words);
    let nonZero = 0;
    for (let a = base; a < guest.breakEnd; a += W) if (readWord(guest, a) !== 0) nonZero++;
    expect(nonZero).toBe(goldens.memdump.words.length);
  });
});

const SIZES = [
  1, 24, 25, 8, 100, 200, 1000, 13, 64, 120, 1032, 1033, 504, 4096, 16, 32, 500, 72, 80, 40, 2000, 65536, 128, 88, 300,
  12, 20, 1024, 5000, 60,
];

/** The sequence of memdump.c. */
function memdump(malloc: Ptmalloc): void {
  const s: number[] = [];
  const l = malloc.malloc(9000);
  malloc.malloc(1);
  malloc.free(l);
  for (let i = 0; i < 30; i++) s[i] = malloc.malloc(SIZES[i]);
  for (let i = 0; i < 30; i += 3) malloc.free(s[i]);
  s[30] = malloc.malloc(700);
  s[31] = malloc.malloc(5000);
  s[32] = malloc.malloc(24);
  for (const i of [31, 13, 16, 19, 22]) malloc.free(s[i]);
  s[2] = malloc.realloc(s[2], 40);
  s[33] = malloc.malloc(1500);
  malloc.free(s[33]);
  malloc.malloc(90000);
  malloc.calloc(100, 1);
  for (let i = 36; i < 44; i++) s[i] = malloc.malloc(40);
  for (let i = 36; i < 44; i++) malloc.free(s[i]);
}
