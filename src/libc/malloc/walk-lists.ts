import type { Geometry } from "./geometry.ts";
import type { MallocAddresses, MallocGuest } from "./guest.ts";

/** What the walker needs of a guest: reading. */
export type HeapReader = Pick<MallocGuest, "read16" | "read32" | "read64">;

/** Something in the heap that cannot be so: where it was seen, and in malloc.c's words what it is. */
export interface HeapDamage {
  readonly address: number;
  readonly what: string;
}

/** The free list a chunk is on: its kind and, but for unsorted, its index. */
export interface BinName {
  readonly kind: "tcache" | "fastbin" | "unsorted" | "small" | "large";
  readonly index: number;
  /** The thread whose tcache it is: its thread pointer. */
  readonly thread?: number;
}

/** No list is longer than this; a longer one goes in a circle. */
const LONGEST_LIST = 1 << 22;

/** Reads the free lists of a heap's arenas and threads, and collects what is wrong with them. */
export class FreeLists {
  readonly damage: HeapDamage[] = [];
  /** Chunk address to list. */
  readonly bins = new Map<number, BinName>();
  private readonly g: Geometry;
  private readonly read: HeapReader;
  private readonly at: MallocAddresses;

  constructor(geometry: Geometry, read: HeapReader, at: MallocAddresses) {
    this.g = geometry;
    this.read = read;
    this.at = at;
  }

  /** A word, or -1 if it cannot be read. */
  word(address: number): number {
    return this.g.W === 8 ? this.read.read64(address) : this.read.read32(address);
  }

  private report(address: number, what: string): void {
    this.damage.push({ address, what });
  }

  /** Notes a chunk's list; false if it is on one already (a list that goes in a circle, or a double free). */
  private add(chunk: number, name: BinName): boolean {
    const other = this.bins.get(chunk);
    if (other === undefined) {
      this.bins.set(chunk, name);
      return true;
    }
    this.report(chunk, `chunk is on two free lists: ${listName(other)} and ${listName(name)}`);
    return false;
  }

  private misaligned(chunk: number): boolean {
    const { g } = this;
    const address = g.alignment === g.header ? chunk : chunk + g.header;
    return address % g.alignment !== 0;
  }

  /** A singly linked list of user pointers (tcache) or chunks (fastbin). */
  private chain(head: number, lead: number, name: BinName): void {
    const { g } = this;
    let link = head;
    let pointer = this.word(head);
    while (pointer > 0) {
      const chunk = pointer - lead;
      if (this.misaligned(chunk)) {
        this.report(link, `unaligned chunk ${hex(chunk)} in ${listName(name)}`);
        return;
      }
      if (!this.add(chunk, name)) return;
      link = chunk + g.header;
      const next = this.word(link);
      if (next < 0) {
        this.report(chunk, `${listName(name)} leads to unreadable memory`);
        return;
      }
      pointer = g.protect(link, next);
    }
    if (pointer < 0) this.report(head, `${listName(name)} cannot be read`);
  }

  /** The tcache of the thread whose thread pointer is given. */
  tcache(thread: number): void {
    const { g } = this;
    const { tcache } = g.version;
    if (tcache === null) return;
    const struct = this.word(thread + this.at.tls.tcache);
    if (struct <= 0 || struct === this.at.tcacheDummy || struct === this.at.tcacheDummy + 1) return;
    for (let index = 0; index < tcache.bins; index++) {
      this.chain(struct + g.tcacheEntries + g.W * index, g.header, { kind: "tcache", index, thread });
    }
  }

  fastbins(av: number): void {
    const { g } = this;
    for (let index = 0; index < g.fastbins; index++) {
      this.chain(av + g.state.fastbins + g.W * index, 0, { kind: "fastbin", index });
    }
  }

  /** The doubly linked bins of an arena, checking `fd->bk == p` on the way. */
  doubleLists(av: number): void {
    const { g } = this;
    const firstLarge = g.binIndex(g.minLarge);
    for (let index = 1; index < 128; index++) {
      const kind = index === 1 ? "unsorted" : index < firstLarge ? "small" : "large";
      this.ring(g.binAt(av, index), { kind, index });
    }
  }

  private ring(bin: number, name: BinName): void {
    const { g } = this;
    const fd = 2 * g.W;
    const bk = 3 * g.W;
    let previous = bin;
    let p = this.word(bin + fd);
    // An arena that was never used has no bins yet.
    if (p === 0) return;
    for (let n = 0; p !== bin; n++) {
      const back = p > 0 ? this.word(p + bk) : -1;
      if (back < 0 || n > LONGEST_LIST) {
        this.report(previous, `fd ${hex(p)} of ${listName(name)} leads nowhere`);
        return;
      }
      if (back !== previous) {
        this.report(p, `corrupted double-linked list: bk ${hex(back)} in ${listName(name)} is not ${hex(previous)}`);
        return;
      }
      if (!this.add(p, name)) return;
      previous = p;
      p = this.word(p + fd);
    }
    if (this.word(bin + bk) !== previous) this.report(bin, `corrupted double-linked list: end of ${listName(name)}`);
  }
}

export function hex(address: number): string {
  return address < 0 ? "unreadable" : `0x${address.toString(16)}`;
}

export function listName(name: BinName): string {
  return name.kind === "unsorted" ? "the unsorted bin" : `${name.kind} ${name.index}`;
}
