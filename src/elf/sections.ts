/** Section headers (gabi chapter 4, "Sections"). They are optional in executables. */
import { SHN_XINDEX, SHT_NOBITS } from "./constants.ts";
import type { ElfHeader } from "./header.ts";
import { cString, type ElfError, hex, holds, u32, word } from "./reader.ts";

export interface Section {
  readonly index: number;
  readonly name: string;
  readonly sh_type: number;
  readonly sh_flags: number;
  readonly sh_addr: number;
  readonly sh_offset: number;
  readonly sh_size: number;
  readonly sh_link: number;
  readonly sh_info: number;
  readonly sh_addralign: number;
  readonly sh_entsize: number;
}

interface RawSection extends Omit<Section, "name"> {
  readonly sh_name: number;
}

function readSection(bytes: Uint8Array, index: number, at: number, is64: boolean): RawSection {
  const size = is64 ? 8 : 4;
  const afterSize = at + 8 + 4 * size;
  return {
    index,
    sh_name: u32(bytes, at),
    sh_type: u32(bytes, at + 4),
    sh_flags: word(bytes, at + 8, is64),
    sh_addr: word(bytes, at + 8 + size, is64),
    sh_offset: word(bytes, at + 8 + 2 * size, is64),
    sh_size: word(bytes, at + 8 + 3 * size, is64),
    sh_link: u32(bytes, afterSize),
    sh_info: u32(bytes, afterSize + 4),
    sh_addralign: word(bytes, afterSize + 8, is64),
    sh_entsize: word(bytes, afterSize + 8 + size, is64),
  };
}

/** All sections with their names; an empty list when the file has no section headers. */
export function parseSections(bytes: Uint8Array, header: ElfHeader): readonly Section[] | ElfError {
  const { e_shoff, e_shentsize, is64 } = header;
  if (e_shoff === 0) return [];
  const size = is64 ? 64 : 40;
  if (e_shentsize !== size) return { error: `section headers of ${e_shentsize} bytes instead of ${size}` };
  if (!holds(bytes.length, e_shoff, size)) {
    return { error: `section headers at ${hex(e_shoff)} lie beyond the end of the file` };
  }
  const first = readSection(bytes, 0, e_shoff, is64);
  const count = header.e_shnum === 0 ? first.sh_size : header.e_shnum;
  const nameIndex = header.e_shstrndx === SHN_XINDEX ? first.sh_link : header.e_shstrndx;
  if (!holds(bytes.length, e_shoff, count * size)) {
    return { error: `${count} section headers at ${hex(e_shoff)} lie beyond the end of the file` };
  }
  const raw: RawSection[] = [];
  for (let i = 0; i < count; i++) raw.push(readSection(bytes, i, e_shoff + i * size, is64));
  const names = raw[nameIndex];
  if (names === undefined) return { error: `section name table ${nameIndex} does not exist` };
  const limit = holds(bytes.length, names.sh_offset, names.sh_size) ? names.sh_offset + names.sh_size : 0;
  return raw.map(({ sh_name, ...section }) => ({
    ...section,
    name: sh_name < names.sh_size ? (cString(bytes, names.sh_offset + sh_name, limit) ?? "") : "",
  }));
}

/** The bytes of a section in the file; undefined for NOBITS and for one that reaches beyond the file. */
export function sectionBytes(bytes: Uint8Array, section: Section): Uint8Array | undefined {
  if (section.sh_type === SHT_NOBITS || !holds(bytes.length, section.sh_offset, section.sh_size)) return undefined;
  return bytes.subarray(section.sh_offset, section.sh_offset + section.sh_size);
}
