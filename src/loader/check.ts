/**
 * A stricter look at a program than the kernel's, for the one that the user names: what the kernel would map and then kill
 * at the first access is refused with a reason.
 */
import { ENOEXEC } from "../abi/errno.ts";
import { PT_LOAD } from "../elf/constants.ts";
import { hex, holds } from "../elf/reader.ts";
import { failure, type LoadFailure } from "./exec-file.ts";
import type { ElfProgram } from "./plan.ts";

/** Segments that reach beyond the end of the file, or overlap each other in memory. */
export function checkSegments(program: ElfProgram): LoadFailure | undefined {
  const loads = program.segments.filter((segment) => segment.p_type === PT_LOAD);
  for (const { p_offset, p_filesz, p_vaddr } of loads) {
    if (p_filesz > 0 && !holds(program.file.size, p_offset, p_filesz)) {
      const end = hex(p_offset + p_filesz);
      return failure(
        ENOEXEC,
        `the segment at ${hex(p_vaddr)} ends at ${end} of the file, which has ${hex(program.file.size)} bytes`,
      );
    }
  }
  const sorted = loads.filter((segment) => segment.p_memsz > 0).sort((a, b) => a.p_vaddr - b.p_vaddr);
  for (let i = 1; i < sorted.length; i++) {
    const [below, above] = [sorted[i - 1], sorted[i]];
    if (below.p_vaddr + below.p_memsz > above.p_vaddr) {
      return failure(ENOEXEC, `the segments at ${hex(below.p_vaddr)} and ${hex(above.p_vaddr)} overlap`);
    }
  }
  return undefined;
}
