/** The text of /proc/PID/maps (fs/proc/task_mmu.c show_map_vma). */
import { formatMapsLine } from "../../kernel/procfs/maps.ts";
import type { MappingSnapshot, MemorySnapshot } from "../model/memory.ts";

/** One line without its newline; a nameless one ends with a blank behind the inode. */
export function mapsLine(mapping: MappingSnapshot, kernelBits: 32 | 64): string {
  return formatMapsLine(mapping, kernelBits).slice(0, -1);
}

/** All lines. */
export function mapsText(snapshot: MemorySnapshot): string {
  return snapshot.mappings.map((mapping) => formatMapsLine(mapping, snapshot.kernelBits)).join("");
}
