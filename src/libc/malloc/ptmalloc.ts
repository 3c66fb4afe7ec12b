import { ENOMEM } from "../../abi/errno.ts";
import { threadArenaFreeres } from "./arena.ts";
import { checkedUsable, checking } from "./check.ts";
import * as entries from "./entries.ts";
import type { MallocAddresses, MallocExit, MallocGuest } from "./guest.ts";
import { Heap } from "./heap.ts";
import { ptmallocInit, usable, writeInitialData, writeThreadData } from "./init.ts";
import { mallopt } from "./params.ts";
import { formatStats, type Mallinfo, mallinfo, mallocStats, mallocTrim } from "./stats.ts";
import { tcacheThreadShutdown } from "./tcache.ts";
import type { MallocVersion } from "./version.ts";

/** A `size_t` argument: a number below 2^53, a bigint from there on. */
export type SizeT = number | bigint;

const SIZE_MAX_64 = 2n ** 64n - 1n;

/** A size_t as a number not below it, so that comparisons with powers of two stay right. */
function roundUp(value: SizeT): number {
  const near = Number(value);
  return typeof value === "bigint" && BigInt(near) < value ? near * (1 + Number.EPSILON) : near;
}

/** What an entry returns when it did not come to its end: `Ptmalloc.exit` says why. */
export const DID_NOT_RETURN = -1;

export interface PtmallocOptions {
  /** This is the allocator inside libc_malloc_debug.so.0, where MALLOC_CHECK_ works since 2.34. */
  readonly debugLibrary?: boolean;
}

/**
 * One process's malloc of one glibc version. All state is in guest memory, so one object may be made anew at any time. Every entry runs
 * to its end at once; it returns its result, or DID_NOT_RETURN with `exit` set: the program has to abort, or an access
 * faulted or a lock is held (memory is as before, and the same call may be made again later: see MallocMemory).
 */
export class Ptmalloc {
  readonly heap: Heap;
  exit: MallocExit | undefined;

  constructor(
    guest: MallocGuest,
    version: MallocVersion,
    W: 4 | 8,
    addresses: MallocAddresses,
    options: PtmallocOptions = {},
  ) {
    this.heap = new Heap(guest, version, W, addresses, options.debugLibrary ?? false);
  }

  /** Writes the variables' initial values, for a libc whose data segment we make ourselves. */
  writeInitialData(): void {
    this.run(0, 0, 0, () => {
      writeInitialData(this.heap);
      return 0;
    });
  }

  /** Writes a new thread's initial thread-local variables. */
  writeThreadData(): void {
    this.run(1, 0, 0, () => {
      writeThreadData(this.heap);
      return 0;
    });
  }

  /** ptmalloc_init ahead of the first call, as 2.43 does before main. */
  initialize(): number {
    return this.run(2, 0, 0, () => {
      ptmallocInit(this.heap);
      return 0;
    });
  }

  malloc(bytes: SizeT): number {
    const n = this.size(bytes);
    this.begin(3, n, 0);
    try {
      return this.end(entries.malloc(this.heap, n));
    } catch (thrown) {
      return this.leave(thrown);
    }
  }

  free(mem: number): number {
    this.begin(4, mem, 0);
    try {
      entries.free(this.heap, mem);
      return this.end(0);
    } catch (thrown) {
      return this.leave(thrown);
    }
  }

  calloc(count: SizeT, size: SizeT): number {
    const product = BigInt(count) * BigInt(size);
    if (product > (this.heap.W === 8 ? SIZE_MAX_64 : 0xffffffffn)) {
      this.exit = undefined;
      this.heap.guest.setErrno(ENOMEM);
      return 0;
    }
    const n = this.size(product < 2n ** 53n ? Number(product) : product);
    return this.run(5, n, 0, () => entries.calloc(this.heap, n));
  }

  realloc(mem: number, bytes: SizeT): number {
    const n = this.size(bytes);
    return this.run(6, mem, n, () => entries.realloc(this.heap, mem, n));
  }

  memalign(alignment: SizeT, bytes: SizeT): number {
    const n = this.size(bytes);
    const a = roundUp(alignment);
    return this.run(7, a, n, () => entries.memalign(this.heap, a, n));
  }

  alignedAlloc(alignment: SizeT, bytes: SizeT): number {
    const n = this.size(bytes);
    const a = roundUp(alignment);
    return this.run(8, a, n, () => entries.alignedAlloc(this.heap, a, n));
  }

  /** posix_memalign: the error number, or 0 with the block's address written to `*memptr`. */
  posixMemalign(memptr: number, alignment: SizeT, bytes: SizeT): number {
    const n = this.size(bytes);
    const a = roundUp(alignment);
    return this.run(9, a, n, () => {
      const { error, mem } = entries.posixMemalign(this.heap, a, n);
      if (error === 0) this.heap.m.setWord(memptr, mem);
      return error;
    });
  }

  valloc(bytes: SizeT): number {
    const n = this.size(bytes);
    return this.run(10, n, 0, () => entries.valloc(this.heap, n));
  }

  pvalloc(bytes: SizeT): number {
    const n = this.size(bytes);
    return this.run(11, n, 0, () => entries.pvalloc(this.heap, n));
  }

  mallocUsableSize(mem: number): number {
    return this.run(12, mem, 0, () => {
      if (mem === 0) return 0;
      const checked = this.heap.version.magicNotOne && checking(this.heap);
      return checked ? checkedUsable(this.heap, mem) : usable(this.heap, mem);
    });
  }

  mallopt(parameter: number, value: number): number {
    return this.run(13, parameter, value, () => {
      ptmallocInit(this.heap);
      return mallopt(this.heap, parameter, value);
    });
  }

  mallocTrim(pad: number): number {
    return this.run(14, pad, 0, () => {
      ptmallocInit(this.heap);
      return mallocTrim(this.heap, pad);
    });
  }

  /** mallinfo2's numbers, or undefined with `exit` set. mallinfo is the same cut to ints. */
  mallinfo(): Mallinfo | undefined {
    let info: Mallinfo | undefined;
    const done = this.run(15, 0, 0, () => {
      ptmallocInit(this.heap);
      info = mallinfo(this.heap);
      return 0;
    });
    return done === 0 ? info : undefined;
  }

  /** What malloc_stats writes to standard error, or undefined with `exit` set. */
  mallocStats(): string | undefined {
    let text: string | undefined;
    const done = this.run(16, 0, 0, () => {
      ptmallocInit(this.heap);
      text = formatStats(mallocStats(this.heap));
      return 0;
    });
    return done === 0 ? text : undefined;
  }

  /** __malloc_arena_thread_freeres: the calling thread ends. */
  threadExit(): number {
    return this.run(17, 0, 0, () => {
      const { heap } = this;
      if (heap.tc !== null) tcacheThreadShutdown(heap, heap.tc, (mem) => entries.free(heap, mem));
      threadArenaFreeres(heap);
      return 0;
    });
  }

  private size(bytes: SizeT): number {
    if (typeof bytes !== "number") return this.heap.request(bytes);
    this.heap.wideRequest = 0n;
    return bytes;
  }

  private run(functionNumber: number, a: number, b: number, work: () => number): number {
    this.begin(functionNumber, a, b);
    try {
      return this.end(work());
    } catch (thrown) {
      return this.leave(thrown);
    }
  }

  private begin(functionNumber: number, a: number, b: number): void {
    const { heap } = this;
    this.exit = undefined;
    heap.held = 0;
    heap.m.begin(functionNumber, heap.guest.threadPointer(), a, b);
  }

  private end(result: number): number {
    this.heap.m.commit();
    return result;
  }

  /** Turns what unwound the call into `exit`; anything else is a mistake of ours and goes on. */
  private leave(thrown: unknown): number {
    const exit = thrown as MallocExit;
    if (exit.kind === "fault" || exit.kind === "blocked") this.heap.m.rollback();
    else if (exit.kind === "abort") this.heap.m.commit();
    else throw thrown;
    this.exit = exit;
    return DID_NOT_RETURN;
  }
}
