/** A process's heap as plain data: what `folio heap` prints. */
import type { HeapWalk, WalkedChunk } from "../../libc/malloc/walk.ts";

export interface HeapSnapshot {
  readonly pid: number;
  /** glibc version of the malloc. */
  readonly version: string;
  /** The file that malloc is in. */
  readonly libc: string;
  /** Thread pointers of the process's threads. */
  readonly threads: readonly number[];
  readonly walk: HeapWalk;
}

/** Number and bytes of the chunks in each state. */
export function totalsOf(chunks: readonly WalkedChunk[]): Partial<Record<WalkedChunk["state"], [number, number]>> {
  const totals: Partial<Record<WalkedChunk["state"], [number, number]>> = {};
  for (const { state, size } of chunks) {
    const total = (totals[state] ??= [0, 0]);
    total[0]++;
    total[1] += size;
  }
  return totals;
}
