/** The heap view: a line a chunk, arena by arena, and what cannot be so. */

import type { WalkedArena, WalkedChunk } from "../../libc/malloc/walk.ts";
import { type BinName, listName } from "../../libc/malloc/walk-lists.ts";
import { type HeapSnapshot, totalsOf } from "../model/heap.ts";
import { SCHEMA_VERSION } from "./json.ts";

const hex = (value: number): string => (value < 0 ? "unreadable" : `0x${value.toString(16)}`);

/** PREV_INUSE, IS_MMAPPED, NON_MAIN_ARENA as P, M, A. */
function flags(chunk: WalkedChunk): string {
  return `${chunk.prevInuse ? "P" : "-"}${chunk.mmapped ? "M" : "-"}${chunk.nonMainArena ? "A" : "-"}`;
}

function binText(snapshot: HeapSnapshot, bin: BinName | undefined): string {
  if (bin === undefined) return "";
  const thread = bin.thread === undefined ? -1 : snapshot.threads.indexOf(bin.thread);
  const whose = snapshot.threads.length > 1 && thread >= 0 ? ` of thread ${thread + 1}` : "";
  return `  ${listName(bin)}${whose}`;
}

const WORDS: Readonly<Record<WalkedChunk["state"], string>> = {
  used: "used",
  free: "free",
  cached: "free",
  top: "top",
  fence: "fencepost",
  mmapped: "used",
};

function chunkLine(snapshot: HeapSnapshot, chunk: WalkedChunk): string {
  const size = chunk.size.toString().padStart(10);
  const address = hex(chunk.address).padEnd(16);
  const mem = hex(chunk.mem).padEnd(16);
  return `${address}  ${mem} ${size}  ${flags(chunk)}  ${WORDS[chunk.state]}${binText(snapshot, chunk.bin)}`;
}

const HEADER = `${"chunk".padEnd(16)}  ${"memory".padEnd(16)} ${"size".padStart(10)}  PMA  state`;

function arenaLines(snapshot: HeapSnapshot, arena: WalkedArena, index: number): string[] {
  const name = arena.main ? "main_arena" : `arena ${index}`;
  const lines = ["", `${name} at ${hex(arena.address)}: ${arena.systemMem} bytes, at most ${arena.maxSystemMem}`];
  if (arena.heaps.length === 0) lines.push("not used yet");
  for (const [i, heap] of arena.heaps.entries()) {
    lines.push(`heap${arena.heaps.length > 1 ? ` ${i + 1}` : ""} from ${hex(heap.start)} to ${hex(heap.end)}`, HEADER);
    for (const chunk of heap.chunks) lines.push(chunkLine(snapshot, chunk));
  }
  return lines;
}

/** The text of `folio heap`. */
export function heapText(snapshot: HeapSnapshot): string {
  const { walk } = snapshot;
  const lines = [`heap of process ${snapshot.pid}: malloc of glibc ${snapshot.version} in ${snapshot.libc}`];
  for (const [i, arena] of walk.arenas.entries()) lines.push(...arenaLines(snapshot, arena, i));
  lines.push("", `mmapped chunks: ${walk.mmapped.length} found; mp_ counts ${walk.nMmaps} of ${walk.mmappedMem} bytes`);
  if (walk.mmapped.length > 0) lines.push(HEADER, ...walk.mmapped.map((chunk) => chunkLine(snapshot, chunk)));
  const totals = totalsOf([
    ...walk.arenas.flatMap(({ heaps }) => heaps.flatMap(({ chunks }) => chunks)),
    ...walk.mmapped,
  ]);
  const sum = Object.entries(totals).map(([state, [count, bytes]]) => `${count} ${state} (${bytes} bytes)`);
  lines.push("", `chunks: ${sum.length === 0 ? "none" : sum.join(", ")}`);
  for (const { address, what } of walk.damage) lines.push(`damaged at ${hex(address)}: ${what}`);
  return `${lines.join("\n")}\n`;
}

function chunkJson(chunk: WalkedChunk): object {
  const { bin } = chunk;
  return {
    address: hex(chunk.address),
    memory: hex(chunk.mem),
    size: chunk.size,
    prevInuse: chunk.prevInuse,
    mmapped: chunk.mmapped,
    nonMainArena: chunk.nonMainArena,
    state: chunk.state,
    ...(bin === undefined
      ? {}
      : {
          bin: {
            kind: bin.kind,
            index: bin.index,
            ...(bin.thread === undefined ? {} : { thread: hex(bin.thread) }),
          },
        }),
  };
}

/** The object of `folio heap --json`. */
export function heapJson(snapshot: HeapSnapshot): string {
  const { walk } = snapshot;
  return JSON.stringify(
    {
      schema: SCHEMA_VERSION,
      kind: "heap",
      pid: snapshot.pid,
      malloc: snapshot.version,
      libc: snapshot.libc,
      arenas: walk.arenas.map((arena) => ({
        address: hex(arena.address),
        main: arena.main,
        top: hex(arena.top),
        systemMem: arena.systemMem,
        maxSystemMem: arena.maxSystemMem,
        heaps: arena.heaps.map(({ start, end, chunks }) => ({
          start: hex(start),
          end: hex(end),
          chunks: chunks.map(chunkJson),
        })),
      })),
      mmapped: walk.mmapped.map(chunkJson),
      nMmaps: walk.nMmaps,
      mmappedMem: walk.mmappedMem,
      damage: walk.damage.map(({ address, what }) => ({ address: hex(address), what })),
    },
    undefined,
    2,
  );
}
