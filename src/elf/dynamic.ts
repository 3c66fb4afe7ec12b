/** The dynamic section (gabi chapter 5, "Dynamic Section"), found through PT_DYNAMIC, so without section headers too. */
import { DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB, PT_DYNAMIC } from "./constants.ts";
import { bytesAtAddress, type ElfImage } from "./image.ts";
import { cString, type ElfError, hex, holds, isElfError, word } from "./reader.ts";

export interface DynamicEntry {
  readonly d_tag: number;
  readonly d_val: number;
}

export interface DynamicInfo {
  readonly entries: readonly DynamicEntry[];
  readonly strings: Uint8Array;
  readonly needed: readonly string[];
  readonly soname: string | undefined;
  readonly rpath: string | undefined;
  readonly runpath: string | undefined;
}

/** The entries up to DT_NULL (or the end of the segment); [] for a file without PT_DYNAMIC. */
export function dynamicEntries(image: ElfImage): readonly DynamicEntry[] | ElfError {
  const segment = image.segments.find((candidate) => candidate.p_type === PT_DYNAMIC);
  if (segment === undefined) return [];
  if (!holds(image.bytes.length, segment.p_offset, segment.p_filesz)) {
    return { error: `the dynamic section at ${hex(segment.p_offset)} lies beyond the end of the file` };
  }
  const { is64 } = image.header;
  const size = is64 ? 8 : 4;
  const entries: DynamicEntry[] = [];
  const end = segment.p_offset + segment.p_filesz;
  for (let at = segment.p_offset; at + 2 * size <= end; at += 2 * size) {
    const d_tag = word(image.bytes, at, is64);
    if (d_tag === DT_NULL) break;
    entries.push({ d_tag, d_val: word(image.bytes, at + size, is64) });
  }
  return entries;
}

/** The value of the first entry with this tag. */
export function dynamicValue(entries: readonly DynamicEntry[], tag: number): number | undefined {
  return entries.find((entry) => entry.d_tag === tag)?.d_val;
}

/** Entries, the dynamic string table, and the strings that the search for libraries needs. */
export function parseDynamic(image: ElfImage): DynamicInfo | ElfError {
  const entries = dynamicEntries(image);
  if (isElfError(entries)) return entries;
  const address = dynamicValue(entries, DT_STRTAB);
  const available = address === undefined ? undefined : bytesAtAddress(image, address);
  if (address !== undefined && available === undefined) {
    return { error: `the dynamic string table at ${hex(address)} is in no segment of the file` };
  }
  const strings = available?.subarray(0, dynamicValue(entries, DT_STRSZ) ?? 0) ?? new Uint8Array(0);
  const text = (offset: number | undefined): string | undefined =>
    offset === undefined ? undefined : cString(strings, offset, strings.length);
  const needed: string[] = [];
  for (const entry of entries) {
    if (entry.d_tag !== DT_NEEDED) continue;
    const name = text(entry.d_val);
    if (name === undefined) return { error: `the name of a needed library (offset ${hex(entry.d_val)}) has no end` };
    needed.push(name);
  }
  return {
    entries,
    strings,
    needed,
    soname: text(dynamicValue(entries, DT_SONAME)),
    rpath: text(dynamicValue(entries, DT_RPATH)),
    runpath: text(dynamicValue(entries, DT_RUNPATH)),
  };
}
