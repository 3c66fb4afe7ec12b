/** Program headers (gabi chapter 5, "Program Header"). */
import { PN_XNUM } from "./constants.ts";
import type { ElfHeader } from "./header.ts";
import { type ElfError, hex, holds, u32, word } from "./reader.ts";

export const ELF32_PHDR_SIZE = 32;
export const ELF64_PHDR_SIZE = 56;

export interface ProgramHeader {
  readonly p_type: number;
  readonly p_flags: number;
  readonly p_offset: number;
  readonly p_vaddr: number;
  readonly p_paddr: number;
  readonly p_filesz: number;
  readonly p_memsz: number;
  readonly p_align: number;
}

/** sizeof(ElfN_Phdr). */
export function phdrSize(is64: boolean): number {
  return is64 ? ELF64_PHDR_SIZE : ELF32_PHDR_SIZE;
}

/** Reads one program header at `at`; the caller has checked the range. p_flags sits elsewhere in the two classes. */
export function readProgramHeader(bytes: Uint8Array, at: number, is64: boolean): ProgramHeader {
  const size = is64 ? 8 : 4;
  const fields = is64 ? at + 8 : at + 4;
  return {
    p_type: u32(bytes, at),
    p_flags: u32(bytes, is64 ? at + 4 : at + 24),
    p_offset: word(bytes, fields, is64),
    p_vaddr: word(bytes, fields + size, is64),
    p_paddr: word(bytes, fields + 2 * size, is64),
    p_filesz: word(bytes, fields + 3 * size, is64),
    p_memsz: word(bytes, fields + 4 * size, is64),
    p_align: word(bytes, is64 ? at + 48 : at + 28, is64),
  };
}

/** All program headers of a file; `bytes` is the whole file. A file may have none (e_phnum 0). */
export function parseProgramHeaders(bytes: Uint8Array, header: ElfHeader): readonly ProgramHeader[] | ElfError {
  const { e_phnum, e_phoff, e_phentsize, is64 } = header;
  if (e_phnum === 0) return [];
  if (e_phnum === PN_XNUM) return { error: "65535 or more program headers, which no kernel loads" };
  const size = phdrSize(is64);
  if (e_phentsize !== size) return { error: `program headers of ${e_phentsize} bytes instead of ${size}` };
  if (!holds(bytes.length, e_phoff, e_phnum * size)) {
    return { error: `${e_phnum} program headers at ${hex(e_phoff)} lie beyond the end of the file` };
  }
  const headers: ProgramHeader[] = [];
  for (let i = 0; i < e_phnum; i++) headers.push(readProgramHeader(bytes, e_phoff + i * size, is64));
  return headers;
}
