import type { MallocExit } from "../../../src/libc/malloc/guest.ts";
import { Ptmalloc } from "../../../src/libc/malloc/ptmalloc.ts";
import type { MallocVersion } from "../../../src/libc/malloc/version.ts";
import { FakeGuest, fakeAddresses, threadBlock } from "./fake-guest.ts";

/** Kinds of fixtures/native/malloc/runner.c. */
const NAMES = [
  "",
  "malloc",
  "calloc",
  "realloc",
  "free",
  "memalign",
  "malloc_usable_size",
  "malloc_trim",
  "mallopt",
  "sbrk",
  "thread new",
  "thread exit",
  "",
  "base",
] as const;
const SYSCALLS = ["brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "getrandom"] as const;
const FIRST_SYSCALL = 64;
const GETRANDOM = 70;
/** Recordings with DAMAGE: a word overwritten by the program, and a call announced before it is made. */
const POKE = 20;
const ANNOUNCE = 32;

interface Recorded {
  readonly name: string;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly result: number;
}

export interface ReplayResult {
  readonly calls: number;
  readonly syscalls: number;
  /** Words of the dump that were compared. */
  readonly words: number;
  readonly threads: number;
  /** What differs first, or undefined. */
  readonly difference: string | undefined;
  /** How the last call of a damaged heap ended, if it did not return. */
  readonly exit?: MallocExit | undefined;
}

/**
 * Repeats a recording of runner.c on our malloc: each call's result and size word, each heap system call with its arguments (the kernel's
 * answers are taken from the recording), and in the end every word of main_arena and of all heaps.
 */
export function replay(
  version: MallocVersion,
  log: Uint8Array,
  dump: Uint8Array | undefined,
  environment: readonly string[] = [],
): ReplayResult {
  return new Replay(version, log, environment).run(dump);
}

class Replay {
  private readonly view: DataView;
  private readonly version: MallocVersion;
  private readonly W: 4 | 8;
  private readonly guest: FakeGuest;
  private readonly malloc: Ptmalloc;
  private readonly slots = new Map<number, number>();
  private readonly blocks: number[];
  private readonly arena: number;
  private nextBlock = 1;
  private pending: Recorded[] = [];
  private taken = 0;
  private foreign: [number, number][] = [];
  private difference: string | undefined;
  private calls = 0;
  private syscalls = 0;
  private words = 0;

  constructor(version: MallocVersion, log: Uint8Array, environment: readonly string[]) {
    this.version = version;
    this.view = new DataView(log.buffer, log.byteOffset, log.length);
    if (this.word(0, 0) !== 13) throw new Error("not a recording");
    this.W = this.word(0, 1) as 4 | 8;
    const { W } = this;
    const heapBase = this.word(0, 2);
    this.arena = this.word(0, 3);
    this.guest = new FakeGuest({ W, heapBase, environment });
    this.guest.processors = this.word(0, 4);
    this.guest.map(this.arena - (this.arena % 4096), 0x3000);
    // The program itself, below its heap: a damaged pointer may lead there.
    const image = W === 8 ? 0x400000 : 0x8048000;
    this.guest.map(image, heapBase - image);
    const at = fakeAddresses(W, this.arena);
    this.malloc = new Ptmalloc(this.guest, version, W, at);
    this.blocks = [this.guest.thread];
    this.malloc.writeInitialData();
    this.malloc.writeThreadData();
    if (W === 8) this.guest.write64(at.curbrk, heapBase);
    else this.guest.write32(at.curbrk, heapBase);
    if (version.initAtStart) this.malloc.initialize();
    this.guest.copied = (to, from, length) => this.taint(to, from, length);
    this.guest.script = (name, a, b, c) => this.answer(name, a, b, c);
  }

  private word(record: number, field: number): number {
    const at = 48 * record + 8 * field;
    const high = this.view.getInt32(at + 4, true);
    return high * 0x100000000 + this.view.getUint32(at, true);
  }

  private answer(name: string, a: number, b: number, c: number): number {
    const call = this.pending[this.taken++];
    const got = `${name}(${a}, ${b}, ${c})`;
    if (call === undefined) this.fail(`${got} where glibc makes no call`);
    else {
      const wants = name === "brk" ? `brk(${call.a}, 0, 0)` : `${call.name}(${call.a}, ${call.b}, ${call.c})`;
      if (got !== wants) this.fail(`${got} where glibc makes ${wants}`);
      return call.result;
    }
    return -12;
  }

  private fail(text: string): void {
    this.difference ??= text;
  }

  run(dump: Uint8Array | undefined): ReplayResult {
    const records = this.view.byteLength / 48;
    for (let i = 1; i < records && this.difference === undefined; i++) {
      const kind = this.word(i, 0);
      if (kind >= FIRST_SYSCALL && kind < 128) this.syscall(i, kind);
      else if (kind === POKE) this.poke(i);
      else if ((kind & ANNOUNCE) !== 0) {
        if (this.dies(i)) return this.lastCall(i, kind & ~ANNOUNCE);
      } else {
        this.call(i, kind);
        this.calls++;
        if (this.difference !== undefined) this.difference = `record ${i}, ${this.describe(i)}: ${this.difference}`;
      }
    }
    if (this.difference === undefined && dump !== undefined) this.compareDump(dump);
    const { calls, syscalls, words, difference } = this;
    return { calls, syscalls, words, threads: this.nextBlock, difference };
  }

  /** The announced call never came back: only its system calls follow. */
  private dies(i: number): boolean {
    for (let j = i + 1; j < this.view.byteLength / 48; j++) {
      const kind = this.word(j, 0);
      if (kind < FIRST_SYSCALL || kind >= 128) return false;
    }
    return true;
  }

  private lastCall(i: number, kind: number): ReplayResult {
    for (let j = i + 1; j < this.view.byteLength / 48; j++) this.syscall(j, this.word(j, 0));
    this.call(i, kind);
    const { calls, syscalls, words } = this;
    return { calls, syscalls, words, threads: this.nextBlock, difference: undefined, exit: this.malloc.exit };
  }

  private poke(i: number): void {
    const address = this.word(i, 1);
    const at = 48 * i + 16;
    this.guest.write32(address, this.view.getUint32(at, true));
    if (this.W === 8) this.guest.write32(address + 4, this.view.getUint32(at + 4, true));
  }

  private syscall(i: number, kind: number): void {
    if (kind === GETRANDOM) {
      const at = 48 * i + 40;
      this.guest.key = new Uint8Array(this.view.buffer, this.view.byteOffset + at, this.W);
      return;
    }
    const name = SYSCALLS[kind - FIRST_SYSCALL];
    this.pending.push({
      name,
      a: this.word(i, 1),
      b: this.word(i, 2),
      c: name === "munmap" ? 0 : this.word(i, 3),
      result: this.word(i, 4),
    });
    this.syscalls++;
  }

  private describe(i: number): string {
    const kind = this.word(i, 0);
    const thread = (kind >> 8) & 0xff;
    return `${NAMES[kind & 0xff]}${kind >> 16 ? " (internal)" : ""} slot ${this.word(i, 1)} (${this.word(i, 2)}, ${this.word(i, 3)}) by thread ${thread}`;
  }

  private call(i: number, packed: number): void {
    const kind = NAMES[packed & 0xff];
    const thread = (packed >> 8) & 0xff;
    const internal = packed >> 16 !== 0;
    const slot = this.word(i, 1);
    const a = this.word(i, 2);
    const b = this.word(i, 3);
    const result = this.word(i, 4);
    const head = this.word(i, 5);
    const { guest, malloc } = this;
    guest.thread = this.blocks[thread] ?? guest.thread;
    this.taken = 0;
    let got = 0;
    let gotHead = 0;
    const p = internal ? slot : (this.slots.get(slot) ?? 0);
    const expectsValue = kind === "malloc_usable_size" || kind === "malloc_trim" || kind === "mallopt";
    switch (kind) {
      case "malloc":
        got = malloc.malloc(a);
        break;
      case "calloc":
        got = malloc.calloc(a, 1);
        break;
      case "realloc":
        got = malloc.realloc(p, a);
        break;
      case "free":
        if (!internal) gotHead = this.head(p);
        got = malloc.free(p) === 0 ? p : -1;
        break;
      case "memalign":
        got = malloc.memalign(b, a);
        break;
      case "malloc_usable_size":
        got = malloc.mallocUsableSize(p);
        break;
      case "malloc_trim":
        got = malloc.mallocTrim(a);
        break;
      case "mallopt":
        got = malloc.mallopt(1, a);
        break;
      case "sbrk":
        got = guest.breakEnd;
        this.grow(a);
        break;
      case "thread new":
        this.newThread(slot);
        break;
      case "thread exit":
        this.dropForeign();
        got = malloc.threadExit();
        break;
      default:
        throw new Error(`record ${i}: kind ${packed}`);
    }
    if (malloc.exit !== undefined) this.fail(`${JSON.stringify(malloc.exit)} at ${guest.faulted?.toString(16)}`);
    if (this.taken < this.pending.length) this.fail(`no ${JSON.stringify(this.pending[this.taken])}`);
    this.pending.length = 0;
    const wanted = expectsValue ? b : result;
    if (kind === "thread new" || kind === "thread exit") return;
    if (got !== wanted) this.fail(`result ${got.toString(16)}, glibc ${wanted.toString(16)}`);
    if (kind !== "free" && !expectsValue && kind !== "sbrk") gotHead = this.head(got);
    if (expectsValue && kind === "malloc_usable_size") gotHead = this.head(p);
    // A damaged size word from 2^53 on reads rounded on both sides, and signed in the recording.
    if (gotHead !== head && Math.abs(head) < 2 ** 53 && head >= 0)
      this.fail(`size word ${gotHead.toString(16)}, glibc ${head.toString(16)}`);
    if (internal) {
      if (kind !== "free") this.foreign.push([got, a]);
      return;
    }
    if (kind === "free" || (kind === "realloc" && a === 0)) this.slots.delete(slot);
    else if (got > 0 && !expectsValue && kind !== "sbrk") this.slots.set(slot, got);
  }

  /** The program's own sbrk: libc's idea of the break moves along. */
  private grow(a: number): void {
    const { guest, malloc } = this;
    const reached = guest.brk(guest.breakEnd + a);
    malloc.heap.m.begin(0, 0, 0, 0);
    malloc.heap.m.setWord(malloc.heap.at.curbrk, reached);
    malloc.heap.m.commit();
  }

  private newThread(thread: number): void {
    const { guest } = this;
    guest.single = false;
    this.blocks[thread] = threadBlock(this.W, this.nextBlock++);
    guest.thread = this.blocks[thread];
    this.malloc.writeThreadData();
  }

  /** At thread exit libpthread gives its stack's pages back: calls that are none of malloc's. */
  private dropForeign(): void {
    const { heap } = this.malloc;
    this.pending = this.pending.filter(
      ({ name, a }) => name !== "madvise" || (a >= this.guest.breakStart && this.guest.read32(heap.heapForPtr(a)) > 0),
    );
  }

  /** What ld.so wrote into a block of its own stays when the block is freed, and realloc carries it on. */
  private taint(to: number, from: number, length: number): void {
    for (const [start, size] of [...this.foreign]) {
      const first = Math.max(start, from);
      const last = Math.min(start + size, from + length);
      if (first < last) this.foreign.push([first - from + to, last - first]);
    }
  }

  private head(p: number): number {
    if (p <= 0) return 0;
    return this.W === 8 ? this.guest.read64(p - 8) : this.guest.read32(p - 4);
  }

  private compareDump(dump: Uint8Array): void {
    const view = new DataView(dump.buffer, dump.byteOffset, dump.length);
    const u64 = (at: number): number => view.getUint32(at + 4, true) * 0x100000000 + view.getUint32(at, true);
    for (let at = 0; at < dump.length; ) {
      const start = u64(at);
      const length = u64(at + 8);
      at += 16;
      for (let i = 0; i < length; i += 4) this.compareWord(start + i, view.getUint32(at + i, true));
      at += length;
    }
  }

  private keyLow: number | undefined;
  private keyHigh: number | undefined;

  private compareWord(address: number, real: number): void {
    this.words++;
    const ours = this.guest.read32(address);
    if (ours === real || this.difference !== undefined || this.foreignWord(address)) return;
    // 2.43 draws its key before main, where the recorder does not see it.
    if (this.version.initAtStart) {
      const { at } = this.malloc.heap;
      if (ours === this.guest.read32(at.tcacheKey) && (this.keyLow ??= real) === real) return;
      if (ours === this.guest.read32(at.tcacheKey + 4) && (this.keyHigh ??= real) === real) return;
      if (this.dummyPointer(ours)) return;
    }
    if (address === this.arena) return;
    this.fail(`word at ${address.toString(16)}: ${ours.toString(16)}, glibc ${real.toString(16)}`);
  }

  private dummyPointer(low: number): boolean {
    return low === this.malloc.heap.at.tcacheDummy % 0x100000000;
  }

  /** ld.so's own blocks hold what ld.so wrote. */
  private foreignWord(address: number): boolean {
    return this.foreign.some(([start, length]) => address >= start && address < start + length);
  }
}
