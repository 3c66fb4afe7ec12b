/** size(1), Berkeley format (binutils 2.40). */
import type { SectionSizes } from "../model/section-sizes.ts";

export const SIZE_HEADER = "   text\t   data\t    bss\t    dec\t    hex\tfilename";

/** One row: sums right-aligned in 7 columns, then the name as it was given. */
export function sizeRow(sizes: SectionSizes, filename: string): string {
  const { text, data, bss } = sizes;
  const total = text + data + bss;
  const columns = [text, data, bss, total].map((value) => String(value).padStart(7));
  return [...columns, total.toString(16).padStart(7), filename].join("\t");
}
