/** A parsed file: header and program headers at once, everything else on demand from the same bytes. */
import { PT_INTERP, PT_LOAD } from "./constants.ts";
import { type ElfHeader, parseHeader } from "./header.ts";
import { type ProgramHeader, parseProgramHeaders } from "./program-headers.ts";
import { cString, type ElfError, hex, holds, isElfError } from "./reader.ts";
import { parseSections, type Section } from "./sections.ts";

export interface ElfImage {
  readonly bytes: Uint8Array;
  readonly header: ElfHeader;
  readonly segments: readonly ProgramHeader[];
}

/** Parses the header and the program headers of a whole file. */
export function parseElf(bytes: Uint8Array): ElfImage | ElfError {
  const header = parseHeader(bytes);
  if (isElfError(header)) return header;
  const segments = parseProgramHeaders(bytes, header);
  if (isElfError(segments)) return segments;
  return { bytes, header, segments };
}

/** The sections of the file; [] when there are none. */
export function sectionsOf(image: ElfImage): readonly Section[] | ElfError {
  return parseSections(image.bytes, image.header);
}

/** The file offset that holds the byte at link-time address `vaddr`, if a PT_LOAD brings it from the file. */
export function fileOffsetOf(image: ElfImage, vaddr: number): number | undefined {
  for (const segment of image.segments) {
    if (segment.p_type !== PT_LOAD) continue;
    if (vaddr >= segment.p_vaddr && vaddr < segment.p_vaddr + segment.p_filesz) {
      const offset = segment.p_offset + (vaddr - segment.p_vaddr);
      return offset < image.bytes.length ? offset : undefined;
    }
  }
  return undefined;
}

/** Bytes from `vaddr` to the end of what its segment brings from the file, or undefined when nothing does. */
export function bytesAtAddress(image: ElfImage, vaddr: number): Uint8Array | undefined {
  const offset = fileOffsetOf(image, vaddr);
  if (offset === undefined) return undefined;
  for (const segment of image.segments) {
    if (segment.p_type !== PT_LOAD || vaddr < segment.p_vaddr) continue;
    if (vaddr < segment.p_vaddr + segment.p_filesz) {
      return image.bytes.subarray(offset, Math.min(image.bytes.length, segment.p_offset + segment.p_filesz));
    }
  }
  return undefined;
}

/** The path of the program interpreter, undefined when the file has none. */
export function interpreterOf(image: ElfImage): string | undefined | ElfError {
  const segment = image.segments.find((candidate) => candidate.p_type === PT_INTERP);
  if (segment === undefined) return undefined;
  if (!holds(image.bytes.length, segment.p_offset, segment.p_filesz)) {
    return { error: `the interpreter's name at ${hex(segment.p_offset)} lies beyond the end of the file` };
  }
  const path = cString(image.bytes, segment.p_offset, segment.p_offset + segment.p_filesz);
  return path === undefined || path === "" ? { error: "the interpreter's name is empty or has no end" } : path;
}
