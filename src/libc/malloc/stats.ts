import { MADV_DONTNEED } from "../../abi/mman.ts";
import { consolidate } from "./consolidate.ts";
import { type Heap, PAGE } from "./heap.ts";
import { systrim } from "./morecore.ts";

/** struct mallinfo2; mallinfo has the same fields as ints. */
export interface Mallinfo {
  arena: number;
  ordblks: number;
  smblks: number;
  hblks: number;
  hblkhd: number;
  usmblks: number;
  fsmblks: number;
  uordblks: number;
  fordblks: number;
  keepcost: number;
}

/** Every arena, main_arena first. */
export function arenas(h: Heap): number[] {
  const list = [h.main];
  for (let av = h.m.word(h.main + h.state.next); av !== h.main && av !== 0; av = h.m.word(av + h.state.next))
    list.push(av);
  return list;
}

function addArena(h: Heap, av: number, info: Mallinfo): void {
  const { m } = h;
  let available = h.chunkSize(h.top(av));
  for (let i = 0; i < h.fastbins; i++) {
    const bin = av + h.state.fastbins + h.W * i;
    let misaligned = h.version.safeLinking && h.misalignedAt(bin, true);
    for (let p = m.word(bin); p !== 0; ) {
      if (misaligned) h.printerr("int_mallinfo(): unaligned fastbin chunk detected", p);
      const size = h.chunkSize(p);
      info.smblks++;
      info.fsmblks += size;
      available += size;
      misaligned = h.version.safeLinking && h.misalignedLink(p + h.header, true);
      p = h.reveal(p + h.header);
    }
  }
  info.ordblks++;
  for (let i = 1; i < 128; i++) {
    const bin = h.binAt(av, i);
    for (let p = h.bk(bin); p !== bin; p = h.bk(p)) {
      info.ordblks++;
      available += h.chunkSize(p);
    }
  }
  const system = h.systemMem(av);
  info.fordblks += available;
  info.uordblks += system - available;
  info.arena += system;
  if (av !== h.main) return;
  info.hblks = m.int(h.mp + h.parAt.nMmaps);
  info.hblkhd = h.par(h.parAt.mmappedMem);
  info.keepcost = h.chunkSize(h.top(av));
}

function emptyInfo(): Mallinfo {
  return {
    arena: 0,
    ordblks: 0,
    smblks: 0,
    hblks: 0,
    hblkhd: 0,
    usmblks: 0,
    fsmblks: 0,
    uordblks: 0,
    fordblks: 0,
    keepcost: 0,
  };
}

/** mallinfo2 (and mallinfo, whose fields the caller cuts to ints): main_arena alone up to 2.15, all arenas later. */
export function mallinfo(h: Heap): Mallinfo {
  const info = emptyInfo();
  for (const av of h.version.mallinfoAllArenas ? arenas(h) : [h.main]) addArena(h, av, info);
  return info;
}

/** The numbers that malloc_stats prints. */
export interface MallocStats {
  readonly arenas: readonly { readonly system: number; readonly inUse: number }[];
  readonly system: number;
  readonly inUse: number;
  readonly maxMmapRegions: number;
  readonly maxMmapBytes: number;
}

export function mallocStats(h: Heap): MallocStats {
  const mapped = h.par(h.parAt.mmappedMem);
  let system = mapped;
  let inUse = mapped;
  const list = arenas(h).map((av) => {
    const info = emptyInfo();
    addArena(h, av, info);
    system += info.arena;
    inUse += info.uordblks;
    return { system: info.arena, inUse: info.uordblks };
  });
  return {
    arenas: list,
    system,
    inUse,
    maxMmapRegions: h.m.int(h.mp + h.parAt.maxNMmaps),
    maxMmapBytes: h.par(h.parAt.maxMmappedMem),
  };
}

/** malloc_stats' text, for standard error. Counts are cut to 32 bits as its %u conversions do. */
export function formatStats(stats: MallocStats): string {
  const u32 = (n: number): string => (n % 0x100000000).toString().padStart(10);
  let text = "";
  stats.arenas.forEach((arena, i) => {
    text += `Arena ${i}:\nsystem bytes     = ${u32(arena.system)}\nin use bytes     = ${u32(arena.inUse)}\n`;
  });
  text += `Total (incl. mmap):\nsystem bytes     = ${u32(stats.system)}\nin use bytes     = ${u32(stats.inUse)}\n`;
  text += `max mmap regions = ${u32(stats.maxMmapRegions)}\n`;
  return `${text}max mmap bytes   = ${stats.maxMmapBytes.toString().padStart(10)}\n`;
}

/** malloc_trim: hands whole pages inside free chunks back by madvise, then the end of top by brk. 1 if it did anything. */
export function mallocTrim(h: Heap, pad: number): 0 | 1 {
  let result: 0 | 1 = 0;
  for (const av of arenas(h)) if (trimArena(h, av, pad) === 1) result = 1;
  return result;
}

function trimArena(h: Heap, av: number, pad: number): 0 | 1 {
  if (h.version.fastbins) consolidate(h, av);
  const chunkStruct = 6 * h.W;
  const pageBin = h.binIndex(PAGE);
  let result: 0 | 1 = 0;
  for (let i = 1; i < 128; i++) {
    if (i !== 1 && i < pageBin) continue;
    const bin = h.binAt(av, i);
    for (let p = h.bk(bin); p !== bin; p = h.bk(p)) {
      const size = h.chunkSize(p);
      if (size <= PAGE - 1 + chunkStruct) continue;
      const start = h.pageUp(p + chunkStruct);
      const rest = size - (start - p);
      if (rest < PAGE) continue;
      h.m.madvise(start, h.pageDown(rest), MADV_DONTNEED);
      result = 1;
    }
  }
  if (av !== h.main) return result;
  return systrim(h, av, pad) === 1 ? 1 : result;
}
