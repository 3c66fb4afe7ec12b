/** The text of /proc/PID/maps (fs/proc/task_mmu.c show_map_vma). */
import type { MappingSnapshot, MemorySnapshot } from "../model/memory.ts";

/** Column of the name: 25 + 6 * sizeof(void *) of the kernel. */
function nameColumn(kernelBits: 32 | 64): number {
  return 25 + (6 * kernelBits) / 8;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/** One line without its newline; a nameless one ends with a blank behind the inode. */
export function mapsLine(mapping: MappingSnapshot, kernelBits: 32 | 64): string {
  const { start, end, permissions, offset, major, minor, inode, name } = mapping;
  const device = `${hex(major, 2)}:${hex(minor, 2)}`;
  const prefix = `${hex(start, 8)}-${hex(end, 8)} ${permissions} ${hex(offset, 8)} ${device} ${inode} `;
  if (name === "") return prefix;
  return `${prefix.padEnd(nameColumn(kernelBits) - 1)} ${name.replaceAll("\n", "\\012")}`;
}

/** All lines. */
export function mapsText(snapshot: MemorySnapshot): string {
  return snapshot.mappings.map((mapping) => `${mapsLine(mapping, snapshot.kernelBits)}\n`).join("");
}
