/**
 * The VMAs of an address space in ascending order: a list of chunks of at most 128. Each chunk knows the largest gap below
 * one of its areas, so that a search for room passes over a chunk at a time (Linux keeps the same number in its trees).
 */
import type { PhysicalMemory } from "../memory/physical.ts";
import type { Vma, VmaHome } from "./vma.ts";

const CHUNK_SIZE = 128;
/** What a VMA takes of the machine's memory. */
const VMA_BYTES = 256;

/** Consecutive areas; a gap belongs to the area above it. */
class Chunk implements VmaHome {
  readonly vmas: Vma[];
  readonly #stale: Chunk[];
  #isStale = false;

  /** `stale` collects the chunks that have to be measured again. */
  constructor(vmas: Vma[], stale: Chunk[]) {
    this.vmas = vmas;
    this.#stale = stale;
    for (const vma of vmas) vma.home = this;
    this.noteBounds();
  }

  get first(): Vma {
    return this.vmas[0];
  }

  get last(): Vma {
    return this.vmas[this.vmas.length - 1];
  }

  noteBounds(): void {
    if (this.#isStale) return;
    this.#isStale = true;
    this.#stale.push(this);
  }

  /** The largest gap right below one of the areas, and the smallest area, in bytes. */
  measure(): { gap: number; area: number } {
    let gap = 0;
    let area = Number.POSITIVE_INFINITY;
    let below = this.first.prev?.end ?? 0;
    for (const vma of this.vmas) {
      gap = Math.max(gap, vma.start - below);
      below = vma.end;
      area = Math.min(area, below - vma.start);
    }
    this.#isStale = false;
    return { gap, area };
  }
}

/** VMAs in ascending order, without overlap. */
export class VmaList {
  readonly #frames: PhysicalMemory;
  readonly #chunks: Chunk[] = [];
  /** By chunk: its largest gap and its smallest area. Those of chunks in `#stale` do not hold. */
  readonly #gaps: number[] = [];
  readonly #areas: number[] = [];
  readonly #stale: Chunk[] = [];
  #count = 0;
  /** The last hit of `find`. */
  #hit: Vma | undefined = undefined;

  constructor(frames: PhysicalMemory) {
    this.#frames = frames;
  }

  get count(): number {
    return this.#count;
  }

  get first(): Vma | undefined {
    return this.#chunks.length === 0 ? undefined : this.#chunks[0].first;
  }

  get last(): Vma | undefined {
    return this.#chunks.length === 0 ? undefined : this.#chunks[this.#chunks.length - 1].last;
  }

  /** The first VMA that ends above `addr` (find_vma); it may start above it too. */
  find(addr: number): Vma | undefined {
    const hit = this.#hit;
    if (hit !== undefined && addr < hit.end && (addr >= hit.start || hit.prev === undefined || hit.prev.end <= addr)) {
      return hit;
    }
    const chunk = this.#chunks[this.#chunkAbove(addr)];
    if (chunk === undefined) return undefined;
    this.#hit = chunk.vmas[indexAbove(chunk.vmas, addr)];
    return this.#hit;
  }

  /** The VMA that contains `addr`. */
  lookup(addr: number): Vma | undefined {
    const vma = this.find(addr);
    return vma !== undefined && vma.start <= addr ? vma : undefined;
  }

  /** The first VMA that overlaps [start, end). */
  intersection(start: number, end: number): Vma | undefined {
    const vma = this.find(start);
    return vma !== undefined && vma.start < end ? vma : undefined;
  }

  /** The highest VMA, from `from` downwards, with at least `length` free bytes right below it. */
  gapAtOrBelow(from: Vma | undefined, length: number): Vma | undefined {
    if (from === undefined) return undefined;
    let index = this.#measuredChunk(from);
    for (let vma: Vma | undefined = from; vma?.home === this.#chunks[index]; vma = vma.prev) {
      if (gapBelow(vma) >= length) return vma;
    }
    do index--;
    while (index >= 0 && this.#gaps[index] < length);
    if (index < 0) return undefined;
    let found = this.#chunks[index].last;
    while (gapBelow(found) < length) found = found.prev as Vma;
    return found;
  }

  /** The lowest VMA, from `from` upwards, with at least `length` free bytes right below it. */
  gapAtOrAbove(from: Vma | undefined, length: number): Vma | undefined {
    if (from === undefined) return undefined;
    let index = this.#measuredChunk(from);
    for (let vma: Vma | undefined = from; vma?.home === this.#chunks[index]; vma = vma.next) {
      if (gapBelow(vma) >= length) return vma;
    }
    do index++;
    while (index < this.#chunks.length && this.#gaps[index] < length);
    return this.#chunks[index]?.vmas.find((vma) => gapBelow(vma) >= length);
  }

  /**
   * Passes over areas below `vma` that have at least `length` bytes of their own and gaps of less than that around them;
   * returns the lowest one passed, or `vma`. May stop early, never late.
   */
  skipDenseDown(vma: Vma, length: number): Vma {
    if (vma !== (vma.home as Chunk).first || gapBelow(vma) >= length) return vma;
    const index = this.#measuredChunk(vma);
    let passed = index;
    while (passed > 0 && this.#areas[passed - 1] >= length && this.#gaps[passed - 1] < length) passed--;
    return passed === index ? vma : this.#chunks[passed].first;
  }

  /**
   * If `vma` begins a run of areas that end at `limit` or below, with gaps of less than `length` bytes below them: the last
   * of it and the largest of these gaps. May stop early, never late.
   */
  skipDenseUp(vma: Vma, length: number, limit: number): { last: Vma; largestGap: number } | undefined {
    if (vma !== (vma.home as Chunk).first) return undefined;
    const index = this.#measuredChunk(vma);
    let passed = index;
    let largestGap = 0;
    while (passed < this.#chunks.length && this.#gaps[passed] < length && this.#chunks[passed].last.end <= limit) {
      largestGap = Math.max(largestGap, this.#gaps[passed++]);
    }
    return passed === index ? undefined : { last: this.#chunks[passed - 1].last, largestGap };
  }

  insert(vma: Vma): void {
    this.#count++;
    this.#frames.chargeKernel(VMA_BYTES);
    const next = this.find(vma.start);
    const prev = next === undefined ? this.last : next.prev;
    vma.prev = prev;
    vma.next = next;
    if (prev !== undefined) prev.next = vma;
    if (next !== undefined) {
      next.prev = vma;
      next.home?.noteBounds();
    }
    const chunk = (next ?? prev)?.home as Chunk | undefined;
    if (chunk === undefined) {
      this.#addChunk(0, [vma]);
      return;
    }
    const at = next === undefined ? chunk.vmas.length : indexAbove(chunk.vmas, vma.start);
    chunk.vmas.splice(at, 0, vma);
    vma.home = chunk;
    chunk.noteBounds();
    if (chunk.vmas.length > CHUNK_SIZE) this.#split(chunk);
  }

  remove(vma: Vma): void {
    this.#count--;
    this.#frames.chargeKernel(-VMA_BYTES);
    const { prev, next } = vma;
    const chunk = vma.home as Chunk;
    chunk.noteBounds();
    if (chunk.vmas.length > 1) chunk.vmas.splice(indexAbove(chunk.vmas, vma.start), 1);
    else this.#removeChunk(this.#chunkAbove(vma.start), chunk);
    if (prev !== undefined) prev.next = next;
    if (next !== undefined) {
      next.prev = prev;
      next.home?.noteBounds();
    }
    if (this.#hit === vma) this.#hit = next;
    vma.home = vma.prev = vma.next = undefined;
  }

  *[Symbol.iterator](): IterableIterator<Vma> {
    for (let vma = this.first; vma !== undefined; vma = vma.next) yield vma;
  }

  #split(chunk: Chunk): void {
    const upper = chunk.vmas.splice(CHUNK_SIZE / 2);
    this.#addChunk(this.#chunkAbove(chunk.first.start) + 1, upper);
  }

  #addChunk(index: number, vmas: Vma[]): void {
    this.#chunks.splice(index, 0, new Chunk(vmas, this.#stale));
    this.#gaps.splice(index, 0, 0);
    this.#areas.splice(index, 0, 0);
  }

  #removeChunk(index: number, chunk: Chunk): void {
    for (const list of [this.#chunks, this.#gaps, this.#areas]) list.splice(index, 1);
    this.#stale.splice(this.#stale.indexOf(chunk), 1);
  }

  /** Index of the chunk of `vma`; all chunks are measured then. */
  #measuredChunk(vma: Vma): number {
    for (const chunk of this.#stale) {
      const index = this.#chunkAbove(chunk.first.start);
      const { gap, area } = chunk.measure();
      this.#gaps[index] = gap;
      this.#areas[index] = area;
    }
    this.#stale.length = 0;
    return this.#chunkAbove(vma.start);
  }

  /** Index of the first chunk that ends above `addr`. */
  #chunkAbove(addr: number): number {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (chunks[middle].last.end > addr) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Index of the first area that ends above `addr`. */
function indexAbove(vmas: readonly Vma[], addr: number): number {
  let low = 0;
  let high = vmas.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (vmas[middle].end > addr) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Free bytes right below an area. */
function gapBelow(vma: Vma): number {
  return vma.start - (vma.prev?.end ?? 0);
}
