/**
 * /etc/ld.so.cache in the format of glibc 2.2 and later (sysdeps/generic/dl-cache.h): an old header without entries, then
 * `glibc-ld.so.cache1.1` with entries that lead from sonames to paths. ldconfig sorts them from Z to A.
 */
import type { Abi } from "../abi/abi.ts";
import type { LinkMemory } from "./memory.ts";

const OLD_MAGIC = "ld.so-1.7.0";
const NEW_MAGIC = "glibc-ld.so.cache1.1";
/** struct cache_file: magic and number of entries, here none; rounded up to the alignment of the new header. */
const OLD_HEADER = 16;
/** struct cache_file_new: magic, nlibs, len_strings, five unused words. */
const NEW_HEADER = 48;
/** struct file_entry_new: flags, key, value, osversion, hwcap. */
const ENTRY = 24;

/** FLAG_ELF_LIBC6 with FLAG_X8664_LIB64 for amd64. */
const FLAGS: Readonly<Record<Abi, number>> = { amd64: 0x0303, i386: 0x0003 };

export interface CacheEntry {
  readonly soname: string;
  readonly path: string;
  readonly abi: Abi;
}

/** _dl_cache_libcmp: digits compare as numbers. */
function compareNames(a: string, b: string): number {
  const parts = (text: string): string[] => text.match(/\d+|\D/g) ?? [];
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i] ?? "", right[i] ?? ""];
    const [m, n] = [/^\d/.test(x), /^\d/.test(y)];
    if (m !== n) return m ? 1 : -1;
    const order = m ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0;
    if (order !== 0) return order;
  }
  return 0;
}

/** The file, filled up with zeros to `size` bytes (other libraries' entries, on a real machine). */
export function buildCache(entries: readonly CacheEntry[], size: number): Uint8Array {
  const sorted = [...entries].sort((a, b) => compareNames(b.soname, a.soname));
  const stringsAt = OLD_HEADER + NEW_HEADER + ENTRY * sorted.length;
  let strings = "";
  const offsets = sorted.map(({ soname, path }) => {
    const key = stringsAt - OLD_HEADER + strings.length;
    strings += `${soname}\0`;
    const value = stringsAt - OLD_HEADER + strings.length;
    strings += `${path}\0`;
    return { key, value };
  });
  const bytes = new Uint8Array(Math.max(size, stringsAt + strings.length));
  const view = new DataView(bytes.buffer);
  const put = (at: number, text: string): void => {
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  };
  put(0, OLD_MAGIC);
  put(OLD_HEADER, NEW_MAGIC);
  view.setUint32(OLD_HEADER + 20, sorted.length, true);
  view.setUint32(OLD_HEADER + 24, bytes.length - stringsAt, true);
  sorted.forEach(({ abi }, i) => {
    const at = OLD_HEADER + NEW_HEADER + i * ENTRY;
    view.setUint32(at, FLAGS[abi], true);
    view.setUint32(at + 4, offsets[i].key, true);
    view.setUint32(at + 8, offsets[i].value, true);
  });
  put(stringsAt, strings);
  return bytes;
}

/** The path for a soname in a cache that is mapped at `at`; undefined if it has none, or is no cache. */
export function searchCache(memory: LinkMemory, at: number, size: number, soname: string): string | undefined {
  const start = at + OLD_HEADER;
  if (size < OLD_HEADER + NEW_HEADER) return undefined;
  const magic = memory.bytes(start, NEW_MAGIC.length);
  if (String.fromCharCode(...magic) !== NEW_MAGIC) return undefined;
  let left = 0;
  let right = memory.u32(start + 20) - 1;
  while (left <= right) {
    const middle = (left + right) >> 1;
    const entry = start + NEW_HEADER + middle * ENTRY;
    const key = memory.text(start + memory.u32(entry + 4));
    const order = compareNames(soname, key);
    if (order === 0 && (memory.u32(entry) & 0xff03) === FLAGS[memory.abi]) {
      return memory.text(start + memory.u32(entry + 8));
    }
    // Names go from Z to A.
    if (order > 0) right = middle - 1;
    else if (order < 0) left = middle + 1;
    else {
      // The same name for the other ABI: its neighbours.
      for (const next of [middle - 1, middle + 1]) {
        const other = start + NEW_HEADER + next * ENTRY;
        if (next < 0 || next >= memory.u32(start + 20)) continue;
        if (memory.text(start + memory.u32(other + 4)) !== soname) continue;
        if ((memory.u32(other) & 0xff03) === FLAGS[memory.abi]) return memory.text(start + memory.u32(other + 8));
      }
      return undefined;
    }
  }
  return undefined;
}
