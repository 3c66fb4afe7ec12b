/** The sums that size(1) shows in its Berkeley format. */
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS } from "../../elf/constants.ts";
import { type ElfImage, sectionsOf } from "../../elf/image.ts";
import { type ElfError, isElfError } from "../../elf/reader.ts";

export interface SectionSizes {
  readonly text: number;
  readonly data: number;
  readonly bss: number;
}

/**
 * Sums over allocated sections: code and read-only ones are text, writable ones with contents data, the rest bss
 * (binutils/size.c, berkeley_sum). All zero for a file without section headers, as in GNU size.
 */
export function sectionSizes(image: ElfImage): SectionSizes | ElfError {
  const sections = sectionsOf(image);
  if (isElfError(sections)) return sections;
  let text = 0;
  let data = 0;
  let bss = 0;
  for (const { sh_flags, sh_type, sh_size } of sections) {
    if ((sh_flags & SHF_ALLOC) === 0) continue;
    if ((sh_flags & SHF_EXECINSTR) !== 0 || (sh_flags & SHF_WRITE) === 0) text += sh_size;
    else if (sh_type !== SHT_NOBITS) data += sh_size;
    else bss += sh_size;
  }
  return { text, data, bss };
}
