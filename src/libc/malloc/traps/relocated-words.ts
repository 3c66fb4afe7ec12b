/** Words that the relocation of a libc puts into its data, as far as its file tells them (gabi chapter 5, "Relocation"). */
import { dynamicEntries, dynamicValue } from "../../../elf/dynamic.ts";
import { bytesAtAddress, type ElfImage } from "../../../elf/image.ts";
import { isElfError, u32, word } from "../../../elf/reader.ts";

const DT_RELA = 7;
const DT_RELASZ = 8;
const DT_REL = 17;
const DT_RELSZ = 18;
const DT_RELRSZ = 35;
const DT_RELR = 36;
const R_386_RELATIVE = 8;
const R_X86_64_RELATIVE = 8;
const R_386_TLS_TPOFF = 14;
const R_X86_64_TPOFF64 = 18;

export interface RelocatedWords {
  /** Addresses in the image, relative to its load address, by the address of the word that holds them. */
  readonly relative: ReadonlyMap<number, number>;
  /** Words that hold the thread pointer offset of a variable of the image's own: its offset in the TLS segment. */
  readonly tlsOffsets: ReadonlyMap<number, number>;
}

export function relocatedWords(image: ElfImage): RelocatedWords {
  const words = new Map<number, number>();
  const tlsOffsets = new Map<number, number>();
  const found = { relative: words, tlsOffsets };
  const entries = dynamicEntries(image);
  if (isElfError(entries)) return found;
  const { is64 } = image.header;
  const table = (at: number, size: number): Uint8Array => {
    const start = dynamicValue(entries, at);
    const length = dynamicValue(entries, size);
    const bytes = start === undefined ? undefined : bytesAtAddress(image, start);
    return bytes === undefined || length === undefined ? new Uint8Array(0) : bytes.subarray(0, length);
  };
  const inPlace = (at: number, into = words): void => {
    const bytes = bytesAtAddress(image, at);
    if (bytes !== undefined && bytes.length >= 8) into.set(at, word(bytes, 0, is64));
  };
  if (is64) {
    const rela = table(DT_RELA, DT_RELASZ);
    for (let at = 0; at + 24 <= rela.length; at += 24) {
      const into = { [R_X86_64_RELATIVE]: words, [R_X86_64_TPOFF64]: tlsOffsets }[u32(rela, at + 8)];
      if (into !== undefined && u32(rela, at + 12) === 0) into.set(word(rela, at, true), word(rela, at + 16, true));
    }
  } else {
    const rel = table(DT_REL, DT_RELSZ);
    for (let at = 0; at + 8 <= rel.length; at += 8) {
      const info = u32(rel, at + 4);
      if (info === R_386_RELATIVE) inPlace(u32(rel, at));
      else if (info === R_386_TLS_TPOFF) inPlace(u32(rel, at), tlsOffsets);
    }
  }
  for (const at of relrAddresses(table(DT_RELR, DT_RELRSZ), is64)) inPlace(at);
  return found;
}

/** DT_RELR: an even word is an address, an odd one a bitmap of the words behind the last address. */
function relrAddresses(bytes: Uint8Array, is64: boolean): number[] {
  const size = is64 ? 8 : 4;
  const bits = 8 * size - 1;
  const addresses: number[] = [];
  let next = 0;
  for (let at = 0; at + size <= bytes.length; at += size) {
    if ((bytes[at] as number) % 2 === 0) {
      const address = word(bytes, at, is64);
      addresses.push(address);
      next = address + size;
      continue;
    }
    for (let bit = 0; bit < bits; bit++) {
      const position = bit + 1;
      if (((bytes[at + (position >> 3)] as number) >> (position & 7)) & 1) addresses.push(next + bit * size);
    }
    next += bits * size;
  }
  return addresses;
}
