import { describe, expect, it } from "vitest";
import type { SizeT } from "../../../src/libc/malloc/ptmalloc.ts";
import { type Abi, newProcess, readJson, readWord } from "./support.ts";

interface Recording {
  readonly version: string;
  readonly abi: Abi;
  readonly rows: readonly (readonly [
    call: string,
    result: string,
    errno: number,
    calls: readonly [string, string | number][],
  ])[];
  readonly stats: string;
}

type Process = ReturnType<typeof newProcess>;

const Q = 0x1000100;
const Q64 = 0x700000000100 + 0x800;

/** misc.c's program: its variables, and each call by its C text. */
class Misc {
  private readonly process: Process;
  private p = 0;
  private q = 0;
  private stats = "";

  constructor(process: Process) {
    this.process = process;
  }

  private get memptr(): number {
    return this.process.W === 8 ? Q64 : Q + 0x800;
  }

  /** ~(size_t)0 / 2, divided and shifted as the call's text says. */
  private size(text: string): SizeT {
    const half = this.process.W === 8 ? 2n ** 63n - 1n : 2n ** 31n - 1n;
    const match = /^half(?: (\/|-|\+|>>) (\d+))?(?: \+ (\d+))?$/.exec(text);
    let value: bigint;
    if (match !== null) {
      const n = BigInt(match[2] ?? 1);
      const op = match[1];
      value = op === "/" ? half / n : op === "-" ? half - n : op === "+" ? half + n : op === ">>" ? half >> n : half;
      value += BigInt(match[3] ?? 0);
    } else {
      const shift = /^(\d+) << (\d+)$/.exec(text);
      value =
        shift !== null
          ? BigInt(shift[1]) << BigInt(shift[2])
          : text === "sizeof q"
            ? BigInt(this.process.W)
            : BigInt(text);
    }
    const wrapped = BigInt.asUintN(8 * this.process.W, value);
    return wrapped < 2n ** 53n ? Number(wrapped) : wrapped;
  }

  /** Makes the call; a pointer result is marked. */
  call(text: string): { value: number; pointer: boolean } {
    const { malloc, guest } = this.process;
    const assigned = /^([pq]) = (.*)$/.exec(text);
    if (assigned !== null) {
      const result = this.call(assigned[2]);
      if (assigned[1] === "p") this.p = result.value;
      else this.q = result.value;
      return result;
    }
    if (text === "q") return { value: this.q, pointer: true };
    const info = /^m\.(\w+)$/.exec(text);
    if (info !== null) {
      const numbers = malloc.mallinfo();
      const value = (numbers as unknown as Record<string, number>)[info[1]];
      if (info[1] === "keepcost") this.stats = malloc.mallocStats() ?? "";
      return { value, pointer: false };
    }
    const [, name, list] = /^\(?(\w+)\((.*?)\)(?:, 0\))?$/.exec(text) ?? [];
    const args = list.split(", ");
    const pointerArg = (arg: string): number => (arg === "p" ? this.p : arg === "q" ? this.q : 0);
    const value = (i: number): SizeT => this.size(args[i]);
    const pointer = (result: number): { value: number; pointer: boolean } => ({ value: result, pointer: true });
    const number = (result: number): { value: number; pointer: boolean } => ({ value: result, pointer: false });
    switch (name) {
      case "malloc":
        return pointer(malloc.malloc(value(0)));
      case "realloc":
        return pointer(malloc.realloc(pointerArg(args[0]), value(1)));
      case "calloc":
        return pointer(malloc.calloc(value(0), value(1)));
      case "memalign":
        return pointer(malloc.memalign(value(0), value(1)));
      case "aligned_alloc":
        return pointer(malloc.alignedAlloc(value(0), value(1)));
      case "valloc":
        return pointer(malloc.valloc(value(0)));
      case "pvalloc":
        return pointer(malloc.pvalloc(value(0)));
      case "posix_memalign": {
        const error = malloc.posixMemalign(this.memptr, value(1), value(2));
        if (error === 0) this.q = readWord(guest, this.memptr);
        return number(error);
      }
      case "malloc_usable_size":
        return number(malloc.mallocUsableSize(pointerArg(args[0])));
      case "malloc_trim":
        return number(malloc.mallocTrim(Number(args[0])));
      case "free":
        return number(malloc.free(pointerArg(args[0])));
      case "mallopt":
        return number(malloc.mallopt(OPTIONS[args[0]] ?? Number(args[0]), Number(this.int(args[1]))));
      default:
        throw new Error(text);
    }
  }

  private int(text: string): bigint {
    const shift = /^(\d+) << (\d+)$/.exec(text);
    return shift === null ? BigInt(text) : BigInt(shift[1]) << BigInt(shift[2]);
  }

  get statsText(): string {
    return this.stats;
  }
}

const OPTIONS: Readonly<Record<string, number>> = {
  M_MXFAST: 1,
  M_TRIM_THRESHOLD: -1,
  M_MMAP_THRESHOLD: -3,
  M_ARENA_MAX: -8,
};

describe.each(readJson("misc.json") as readonly Recording[])(
  "odd calls of $version $abi",
  ({ version, abi, rows, stats }) => {
    it("results, errno and system calls are the real libc's", () => {
      const heapBase = abi === "i386" ? 0x804d000 : 0x405000;
      const process = newProcess(version, abi, { heapBase });
      const { guest, malloc } = process;
      const misc = new Misc(process);
      const ours = rows.map(([text]) => {
        const first = guest.calls.length;
        guest.errno = 0;
        const { value, pointer } = misc.call(text);
        if (malloc.exit !== undefined) throw new Error(`${text}: ${JSON.stringify(malloc.exit)}`);
        const inHeap = pointer && value >= guest.breakStart && value < guest.breakEnd;
        const mapped = pointer && value !== 0 && !inHeap;
        const result = inHeap ? `+${value - guest.breakStart}` : mapped ? `mapped+${value % 4096}` : `${value}`;
        const calls = guest.calls.slice(first).flatMap(([name, ...v]): [string, string | number][] => {
          if (name === "brk") return v[0] === 0 ? [] : [["brk", v[0] - guest.breakStart]];
          return [[name, `${BigInt(name === "mremap" ? v[2] : v[1])}`]];
        });
        return [text, result, guest.errno, calls];
      });
      expect(ours).toEqual(rows);
      expect(misc.statsText).toBe(stats);
    });
  },
);
