import { Geometry } from "./geometry.ts";
import type { MallocAddresses } from "./guest.ts";
import type { MallocVersion } from "./version.ts";
import { type BinName, FreeLists, type HeapDamage, type HeapReader, hex, listName } from "./walk-lists.ts";

const PAGE = 4096;

export type { BinName, HeapDamage, HeapReader } from "./walk-lists.ts";

/** One chunk as its header and the free lists describe it. */
export interface WalkedChunk {
  /** Address of the chunk, of its user memory, and its size in bytes with header. */
  readonly address: number;
  readonly mem: number;
  readonly size: number;
  readonly prevInuse: boolean;
  readonly mmapped: boolean;
  readonly nonMainArena: boolean;
  /** `cached`: in a tcache or fastbin (its neighbour still counts it as used); `fence`: a fencepost behind an old top. */
  readonly state: "used" | "free" | "cached" | "top" | "fence" | "mmapped";
  readonly bin?: BinName;
}

/** A run of adjacent chunks: the brk heap, a piece of it, or a thread heap. */
export interface WalkedHeap {
  readonly start: number;
  /** Where the walk ended: behind the last chunk, or at the damage. */
  readonly end: number;
  readonly chunks: readonly WalkedChunk[];
}

export interface WalkedArena {
  readonly address: number;
  readonly main: boolean;
  readonly top: number;
  readonly systemMem: number;
  readonly maxSystemMem: number;
  readonly heaps: readonly WalkedHeap[];
}

/** The state of malloc as guest memory has it. */
export interface HeapWalk {
  readonly arenas: readonly WalkedArena[];
  readonly mmapped: readonly WalkedChunk[];
  readonly nMmaps: number;
  readonly mmappedMem: number;
  /** Everything that cannot be so, in the order found; the walk of a heap stops at its first. */
  readonly damage: readonly HeapDamage[];
}

export interface WalkOptions {
  /** Thread pointers of the process's threads, whose tcaches are read. */
  readonly threads: readonly number[];
  /** Anonymous writable mappings, among which mmapped chunks are looked for: malloc keeps no list of them. */
  readonly mappings?: readonly { readonly start: number; readonly end: number }[];
}

/**
 * Walks all heaps of a process as malloc.c lays them out. Only reads, never throws on guest content; what does not add up is
 * reported as damage with its address and a text in malloc.c's words.
 */
export function walkHeap(
  read: HeapReader,
  version: MallocVersion,
  W: 4 | 8,
  at: MallocAddresses,
  options: WalkOptions,
): HeapWalk {
  return new Walker(read, new Geometry(version, W), at).walk(options);
}

class Walker {
  private readonly g: Geometry;
  private readonly at: MallocAddresses;
  private readonly lists: FreeLists;
  private readonly read: HeapReader;

  constructor(read: HeapReader, geometry: Geometry, at: MallocAddresses) {
    this.read = read;
    this.g = geometry;
    this.at = at;
    this.lists = new FreeLists(geometry, read, at);
  }

  walk(options: WalkOptions): HeapWalk {
    const { g, at, lists } = this;
    for (const thread of options.threads) lists.tcache(thread);
    const arenas = this.arenaList();
    for (const av of arenas) {
      lists.fastbins(av);
      lists.doubleLists(av);
    }
    const walked = arenas.map((av) => this.arena(av));
    const mmapped = (options.mappings ?? []).flatMap(({ start, end }) => this.mappedChunks(start, end));
    const nMmaps = this.read.read32(at.mp + g.parAt.nMmaps);
    const mmappedMem = this.word(at.mp + g.parAt.mmappedMem);
    return { arenas: walked, mmapped, nMmaps, mmappedMem, damage: lists.damage };
  }

  private word(address: number): number {
    return this.lists.word(address);
  }

  private report(address: number, what: string): void {
    this.lists.damage.push({ address, what });
  }

  private arenaList(): number[] {
    const { mainArena } = this.at;
    const list = [mainArena];
    for (let av = this.word(mainArena + this.g.state.next); av !== mainArena; av = this.word(av + this.g.state.next)) {
      if (av === 0) break;
      if (av < 0 || list.includes(av) || list.length > 4096) {
        this.report(av, "the ring of arenas is broken");
        break;
      }
      list.push(av);
    }
    return list;
  }

  private arena(av: number): WalkedArena {
    const { g, at } = this;
    const main = av === at.mainArena;
    const top = this.word(av + g.state.top);
    const heaps = top === 0 || top === g.binAt(av, 1) ? [] : main ? this.mainHeaps(av, top) : this.threadHeaps(av, top);
    return {
      address: av,
      main,
      top,
      systemMem: this.word(av + g.state.systemMem),
      maxSystemMem: this.word(av + g.state.maxSystemMem),
      heaps,
    };
  }

  /** First chunk address at or behind `address`. */
  private firstChunk(address: number): number {
    const { g } = this;
    const misaligned = (address + g.header) % g.alignment;
    return misaligned === 0 ? address : address + g.alignment - misaligned;
  }

  /** The brk heap from sbrk_base on; a foreign sbrk cuts it into pieces, each closed by two fenceposts. */
  private mainHeaps(av: number, top: number): WalkedHeap[] {
    const heaps: WalkedHeap[] = [];
    let start = this.firstChunk(this.word(this.at.mp + this.g.parAt.sbrkBase));
    for (;;) {
      const heap = this.run(av, start, top, Number.POSITIVE_INFINITY);
      heaps.push(heap);
      const last = heap.chunks.at(-1);
      if (last === undefined || last.state !== "fence") break;
      const next = this.resume(heap.end, top);
      if (next < 0) break;
      start = next;
    }
    return heaps;
  }

  /** Behind foreign memory: the first place from which size words lead to top or to the next fenceposts. */
  private resume(from: number, top: number): number {
    const { g } = this;
    const limit = Math.max(from, top);
    for (let start = this.firstChunk(from); start <= limit; start += g.alignment) {
      if (this.leadsToTop(start, top)) return start;
    }
    // The new area lies below the old one (mapped in place of brk): only its end, top, is known.
    return from > top ? top : -1;
  }

  private leadsToTop(start: number, top: number): boolean {
    const { g } = this;
    for (let p = start; p <= top; ) {
      if (p === top) return true;
      const head = this.word(p + g.W);
      const size = head - (head & 7);
      if (head < 0 || size < g.header || size % g.alignment !== 0) return false;
      if (size === g.header) return true;
      p += size;
    }
    return false;
  }

  /** A thread arena's heaps, oldest first. */
  private threadHeaps(av: number, top: number): WalkedHeap[] {
    const { g } = this;
    const bases: number[] = [];
    for (let heap = g.heapForPtr(top); heap !== 0; heap = this.word(heap + g.W)) {
      if (heap < 0 || bases.includes(heap) || this.word(heap) !== av) {
        this.report(heap, "heap_info does not belong to its arena");
        break;
      }
      bases.unshift(heap);
    }
    return bases.map((heap) => {
      const first = heap + g.heapInfoSize === av ? av + g.state.sizeof : heap + g.heapInfoSize;
      return this.run(av, this.firstChunk(first), top, heap + this.word(heap + 2 * g.W));
    });
  }

  /** Follows size words from `start` to top, to fenceposts, or to the first that cannot be one. */
  private run(av: number, start: number, top: number, limit: number): WalkedHeap {
    const { g } = this;
    const chunks: WalkedChunk[] = [];
    let p = start;
    while (p < limit) {
      const head = this.word(p + g.W);
      const size = head - (head & 7);
      const problem = this.problem(av, p, head, top);
      if (problem !== undefined) {
        const before = chunks.at(-1);
        const behind = before ? `; the chunk before it is at ${hex(before.address)}, ${before.size} bytes` : "";
        this.report(p, problem + behind);
        break;
      }
      const fence = p !== top && (size === g.header || size === 0);
      chunks.push(this.describe(p, head, p === top ? "top" : fence ? "fence" : "used"));
      p += size;
      if (chunks.at(-1)?.address === top) break;
      // Two fenceposts close a piece of the brk heap; a thread heap's second one has size 0.
      if (fence && (size === 0 || chunks.at(-2)?.state === "fence")) break;
    }
    this.checkLists(chunks);
    return { start, end: p, chunks };
  }

  /** Why the word cannot be a size word, or undefined. */
  private problem(av: number, p: number, head: number, top: number): string | undefined {
    const { g } = this;
    if (head < 0) return "size word cannot be read";
    const size = head - (head & 7);
    const shown = `size word ${hex(head)}`;
    const systemMem = this.word(av + g.state.systemMem);
    if (p === top) {
      if (size > systemMem) return `corrupted top size: ${shown}, the arena has ${systemMem} bytes`;
      if (size < g.minSize || (head & 1) === 0) return `top chunk is corrupt: ${shown}`;
      return undefined;
    }
    if (size === g.header || (size === 0 && (head & 7) === 1 && av !== this.at.mainArena)) return undefined;
    if (size < g.minSize) return `invalid size: ${shown} is below ${g.minSize}`;
    if (size % g.alignment !== 0) return `invalid size: ${shown} is no multiple of ${g.alignment}`;
    if (size >= systemMem) return `invalid size: ${shown}, the arena has ${systemMem} bytes`;
    if (p < top && p + size > top) return `invalid size: ${shown} reaches behind top ${hex(top)}`;
    if ((head & 2) !== 0) return `IS_MMAPPED set inside a heap: ${shown}`;
    return undefined;
  }

  private describe(p: number, head: number, fallback: WalkedChunk["state"]): WalkedChunk {
    const { g } = this;
    const size = head - (head & 7);
    const bin = this.lists.bins.get(p);
    let state = fallback;
    if (bin !== undefined && state === "used")
      state = bin.kind === "tcache" || bin.kind === "fastbin" ? "cached" : "free";
    const chunk = {
      address: p,
      mem: p + g.header,
      size,
      prevInuse: (head & 1) !== 0,
      mmapped: (head & 2) !== 0,
      nonMainArena: (head & 4) !== 0,
      state,
    };
    return bin === undefined ? chunk : { ...chunk, bin };
  }

  /** The lists and the neighbours' bits must tell the same: who is free, how large, and in the right bin. */
  private checkLists(chunks: readonly WalkedChunk[]): void {
    const { g } = this;
    chunks.forEach((chunk, i) => {
      const next = chunks[i + 1];
      if (next === undefined || chunk.state === "top" || chunk.state === "fence") return;
      const { address, size, bin } = chunk;
      if (chunk.state !== "free") {
        if (next.prevInuse) return;
        const name = bin ? `is in ${listName(bin)}` : "is on no free list";
        this.report(address, `the next chunk's PREV_INUSE is clear, but this one ${name}`);
        return;
      }
      if (next.prevInuse) this.report(next.address, "PREV_INUSE is set behind a free chunk");
      const foot = this.word(next.address);
      if (foot !== size)
        this.report(next.address, `corrupted size vs. prev_size: prev_size ${hex(foot)}, size ${hex(size)}`);
      if (bin !== undefined && bin.kind !== "unsorted" && g.binIndex(size) !== bin.index) {
        this.report(address, `${size} bytes in the wrong bin: ${listName(bin)}`);
      }
    });
  }

  /**
   * Mapped chunks in a mapping: the kernel joins neighbours, so one may hold several, and other memory before and between
   * them. Each begins at a page.
   */
  private mappedChunks(start: number, end: number): WalkedChunk[] {
    const found: WalkedChunk[] = [];
    for (let block = start; block < end; ) {
      const { p, total } = this.mappedAt(block, block + this.g.alignment - this.g.header, end);
      if (total === 0) {
        block += PAGE;
        continue;
      }
      const moved = this.movedHeader(block, total);
      found.push(this.describe(moved ?? p, this.word((moved ?? p) + this.g.W), "mmapped"));
      block += total;
    }
    return found;
  }

  /** The chunk at `p` and the length of its mapping if its header says that this begins at `block`; else a length of 0. */
  private mappedAt(block: number, p: number, end: number): { p: number; total: number } {
    const { g } = this;
    const head = this.word(p + g.W);
    const size = head - (head & 7);
    const total = p - block + size + (g.version.mmapSizeWithoutHeader ? g.header : 0);
    const sound = head > 0 && (head & 7) === 2 && this.word(p) === p - block && total % PAGE === 0;
    return { p, total: sound && block + total <= end ? total : 0 };
  }

  /** memalign moves the header up within the mapping and leaves the old one behind: look at every alignment's place. */
  private movedHeader(block: number, total: number): number | undefined {
    const { g } = this;
    const mem = block + g.alignment;
    for (let alignment = 2 * g.alignment; alignment < total; alignment *= 2) {
      for (let place = Math.ceil(mem / alignment) * alignment, i = 0; i < 2; i++, place += alignment) {
        const p = place - g.header;
        if (p > mem && place < block + total && this.mappedAt(block, p, block + total).total === total) return p;
      }
    }
    return undefined;
  }
}
