/** The ELF header (gabi chapter 4, "ELF Header"). */
import {
  ELFCLASS32,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_386,
  EM_486,
  EM_X86_64,
  EV_CURRENT,
  MACHINE_NAMES,
} from "./constants.ts";
import { type ElfError, u16, u32, word } from "./reader.ts";

export const EI_NIDENT = 16;
export const ELF32_EHDR_SIZE = 52;
export const ELF64_EHDR_SIZE = 64;

export interface ElfHeader {
  readonly is64: boolean;
  readonly e_type: number;
  readonly e_machine: number;
  readonly e_version: number;
  readonly e_entry: number;
  readonly e_phoff: number;
  readonly e_shoff: number;
  readonly e_flags: number;
  readonly e_ehsize: number;
  readonly e_phentsize: number;
  readonly e_phnum: number;
  readonly e_shentsize: number;
  readonly e_shnum: number;
  readonly e_shstrndx: number;
}

/** Whether `bytes` begin with 7f 45 4c 46. */
export function hasElfMagic(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Reads the fields behind e_ident in the layout of the class; `bytes` hold a whole header of it. */
export function readHeaderFields(bytes: Uint8Array, is64: boolean): ElfHeader {
  const wordSize = is64 ? 8 : 4;
  const tail = 24 + 3 * wordSize;
  return {
    is64,
    e_type: u16(bytes, 16),
    e_machine: u16(bytes, 18),
    e_version: u32(bytes, 20),
    e_entry: word(bytes, 24, is64),
    e_phoff: word(bytes, 24 + wordSize, is64),
    e_shoff: word(bytes, 24 + 2 * wordSize, is64),
    e_flags: u32(bytes, tail),
    e_ehsize: u16(bytes, tail + 4),
    e_phentsize: u16(bytes, tail + 6),
    e_phnum: u16(bytes, tail + 8),
    e_shentsize: u16(bytes, tail + 10),
    e_shnum: u16(bytes, tail + 12),
    e_shstrndx: u16(bytes, tail + 14),
  };
}

/** "ARM", or "machine 1234" when it has no name here. */
export function machineName(machine: number): string {
  return MACHINE_NAMES[machine] ?? `machine ${machine}`;
}

/** Checks e_ident, the machine and the version, and reads the header. Only x86, both classes. */
export function parseHeader(bytes: Uint8Array): ElfHeader | ElfError {
  if (bytes.length === 0) return { error: "the file is empty" };
  if (bytes.length < EI_NIDENT || !hasElfMagic(bytes)) {
    const cut = bytes.length < EI_NIDENT && hasElfMagic(bytes);
    return { error: cut ? `the ELF header is cut off after ${bytes.length} bytes` : "not an ELF file" };
  }
  const elfClass = bytes[4];
  if (elfClass !== ELFCLASS32 && elfClass !== ELFCLASS64) return { error: `unknown ELF class ${elfClass}` };
  const is64 = elfClass === ELFCLASS64;
  if (bytes[5] !== ELFDATA2LSB) return { error: "not a little-endian ELF file, so not an x86 one" };
  if (bytes[6] !== EV_CURRENT) return { error: `unknown ELF version ${bytes[6]} in e_ident` };
  if (bytes.length < (is64 ? ELF64_EHDR_SIZE : ELF32_EHDR_SIZE)) {
    return { error: `the ELF header is cut off after ${bytes.length} bytes` };
  }
  const header = readHeaderFields(bytes, is64);
  const { e_machine, e_version } = header;
  if (e_machine !== EM_386 && e_machine !== EM_486 && e_machine !== EM_X86_64) {
    return { error: `built for ${machineName(e_machine)}, not for x86 or x86-64` };
  }
  if ((e_machine === EM_X86_64) !== is64) {
    return {
      error: is64 ? "a 64-bit file for the Intel 80386" : "an x32 file (x86-64 in a 32-bit ELF), not supported",
    };
  }
  if (e_version !== EV_CURRENT) return { error: `unknown ELF version ${e_version}` };
  return header;
}
