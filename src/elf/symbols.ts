/** Symbol tables (gabi chapter 4, "Symbol Table"): .symtab and .dynsym by section, or the dynamic one by DT_SYMTAB. */
import { DT_GNU_HASH, DT_HASH, DT_SYMTAB, SHN_UNDEF, SHT_DYNSYM, SHT_SYMTAB } from "./constants.ts";
import { dynamicValue, parseDynamic } from "./dynamic.ts";
import { bytesAtAddress, type ElfImage, sectionsOf } from "./image.ts";
import { cString, type ElfError, isElfError, u16, u32, word } from "./reader.ts";
import { sectionBytes } from "./sections.ts";

export interface ElfSymbol {
  /** Position in its table; .gnu.version is indexed by it. */
  readonly index: number;
  readonly name: string;
  readonly st_value: number;
  readonly st_size: number;
  readonly type: number;
  readonly binding: number;
  readonly visibility: number;
  readonly st_shndx: number;
}

function symbolSize(is64: boolean): number {
  return is64 ? 24 : 16;
}

function parseTable(table: Uint8Array, strings: Uint8Array, is64: boolean): readonly ElfSymbol[] {
  const size = symbolSize(is64);
  const symbols: ElfSymbol[] = [];
  for (let index = 0, at = 0; at + size <= table.length; index++, at += size) {
    const info = table[is64 ? at + 4 : at + 12];
    symbols.push({
      index,
      name: cString(strings, u32(table, at), strings.length) ?? "",
      st_value: word(table, is64 ? at + 8 : at + 4, is64),
      st_size: word(table, is64 ? at + 16 : at + 8, is64),
      type: info & 15,
      binding: info >> 4,
      visibility: table[is64 ? at + 5 : at + 13] & 3,
      st_shndx: u16(table, is64 ? at + 6 : at + 14),
    });
  }
  return symbols;
}

function fromSections(image: ElfImage, type: number): readonly ElfSymbol[] | undefined | ElfError {
  const sections = sectionsOf(image);
  if (isElfError(sections)) return sections;
  const section = sections.find((candidate) => candidate.sh_type === type);
  if (section === undefined) return undefined;
  const table = sectionBytes(image.bytes, section);
  const stringSection = sections[section.sh_link];
  const strings = stringSection === undefined ? undefined : sectionBytes(image.bytes, stringSection);
  if (table === undefined || strings === undefined) {
    return { error: `the symbol table ${section.name} or its strings lie beyond the end of the file` };
  }
  return parseTable(table, strings, image.header.is64);
}

/**
 * Number of dynamic symbols from DT_HASH's nchain, or from DT_GNU_HASH: the highest bucket's chain runs to an entry with
 * bit 0 set. At most `limit`.
 */
function dynamicSymbolCount(
  image: ElfImage,
  hash: number | undefined,
  gnuHash: number | undefined,
  limit: number,
): number {
  const sysv = hash === undefined ? undefined : bytesAtAddress(image, hash);
  if (sysv !== undefined && sysv.length >= 8) return Math.min(limit, u32(sysv, 4));
  const gnu = gnuHash === undefined ? undefined : bytesAtAddress(image, gnuHash);
  if (gnu === undefined || gnu.length < 16) return 0;
  const bucketCount = u32(gnu, 0);
  const symbolBase = u32(gnu, 4);
  const buckets = 16 + u32(gnu, 8) * (image.header.is64 ? 8 : 4);
  const chains = buckets + bucketCount * 4;
  if (chains > gnu.length) return 0;
  let last = 0;
  for (let i = 0; i < bucketCount; i++) last = Math.max(last, u32(gnu, buckets + 4 * i));
  if (last < symbolBase) return Math.min(limit, symbolBase);
  for (let at = chains + 4 * (last - symbolBase); last < limit && at + 4 <= gnu.length; at += 4, last++) {
    if ((u32(gnu, at) & 1) !== 0) return Math.min(limit, last + 1);
  }
  return Math.min(limit, last);
}

/** The dynamic symbols (index 0 is the null symbol); works without section headers. */
export function dynamicSymbols(image: ElfImage): readonly ElfSymbol[] | ElfError {
  const viaSections = fromSections(image, SHT_DYNSYM);
  if (viaSections !== undefined && !isElfError(viaSections)) return viaSections;
  const dynamic = parseDynamic(image);
  if (isElfError(dynamic)) return dynamic;
  const address = dynamicValue(dynamic.entries, DT_SYMTAB);
  const table = address === undefined ? undefined : bytesAtAddress(image, address);
  if (table === undefined) return [];
  const limit = Math.floor(table.length / symbolSize(image.header.is64));
  const hash = dynamicValue(dynamic.entries, DT_HASH);
  const count = dynamicSymbolCount(image, hash, dynamicValue(dynamic.entries, DT_GNU_HASH), limit);
  return parseTable(table.subarray(0, count * symbolSize(image.header.is64)), dynamic.strings, image.header.is64);
}

/** .symtab; [] in a stripped file. */
export function staticSymbols(image: ElfImage): readonly ElfSymbol[] | ElfError {
  return fromSections(image, SHT_SYMTAB) ?? [];
}

/** Whether the symbol is defined in this file. */
export function isDefined(symbol: ElfSymbol): boolean {
  return symbol.st_shndx !== SHN_UNDEF;
}
