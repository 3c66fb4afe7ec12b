/** Names of PLT entries (`puts@plt`): each jumps through a GOT slot that a JUMP_SLOT or GLOB_DAT relocation fills. */
import { DT_JMPREL, DT_PLTRELSZ, DT_REL, DT_RELA, SHF_EXECINSTR } from "./constants.ts";
import { dynamicEntries, dynamicValue } from "./dynamic.ts";
import { bytesAtAddress, type ElfImage, sectionsOf } from "./image.ts";
import { isElfError, u32, word } from "./reader.ts";
import { sectionBytes } from "./sections.ts";
import { dynamicSymbols } from "./symbols.ts";

const DT_RELASZ = 8;
const DT_RELSZ = 18;
/** Types that store a symbol's address in a slot: GLOB_DAT and JUMP_SLOT have these numbers on both machines. */
const R_GLOB_DAT = 6;
const R_JUMP_SLOT = 7;

export interface PltEntry {
  readonly address: number;
  readonly name: string;
}

/** Symbol names by the address of the GOT slot that receives them. */
export function gotSlots(image: ElfImage): ReadonlyMap<number, string> {
  const slots = new Map<number, string>();
  const entries = dynamicEntries(image);
  const symbols = dynamicSymbols(image);
  if (isElfError(entries) || isElfError(symbols)) return slots;
  const { is64 } = image.header;
  const entrySize = is64 ? 24 : 8;
  const tables = [
    [DT_JMPREL, DT_PLTRELSZ],
    [is64 ? DT_RELA : DT_REL, is64 ? DT_RELASZ : DT_RELSZ],
  ];
  for (const [addressTag, sizeTag] of tables) {
    const address = dynamicValue(entries, addressTag);
    const table = address === undefined ? undefined : bytesAtAddress(image, address);
    if (table === undefined) continue;
    const end = Math.min(table.length, dynamicValue(entries, sizeTag) ?? 0);
    for (let at = 0; at + entrySize <= end; at += entrySize) {
      const info = u32(table, is64 ? at + 8 : at + 4);
      const type = is64 ? info : info & 0xff;
      if (type !== R_GLOB_DAT && type !== R_JUMP_SLOT) continue;
      const name = symbols[is64 ? u32(table, at + 12) : info >>> 8]?.name;
      if (name) slots.set(word(table, at, is64), name);
    }
  }
  return slots;
}

/**
 * The GOT slot that the code at `at` jumps to: `jmp [rip+d]`, `jmp [d]` or `jmp [ebx+d]`, perhaps behind `endbr` or `bnd`.
 */
function jumpSlot(code: Uint8Array, at: number, address: number, is64: boolean, got: number): number | undefined {
  let skip = 0;
  if (code[at] === 0xf3 && code[at + 1] === 0x0f && code[at + 2] === 0x1e) skip = 4;
  if (code[at + skip] === 0xf2) skip++;
  if (code[at + skip] !== 0xff || at + skip + 6 > code.length) return undefined;
  const displacement = u32(code, at + skip + 2) | 0;
  const modRm = code[at + skip + 1];
  if (modRm === 0x25) return is64 ? address + skip + 6 + displacement : displacement >>> 0;
  return modRm === 0xa3 && !is64 ? got + displacement : undefined;
}

/** The entries of .plt, .plt.got and .plt.sec; [] without section headers. */
export function pltEntries(image: ElfImage): readonly PltEntry[] {
  const sections = sectionsOf(image);
  if (isElfError(sections)) return [];
  const slots = gotSlots(image);
  const got =
    sections.find((section) => section.name === ".got.plt") ?? sections.find((section) => section.name === ".got");
  const { is64 } = image.header;
  const entries: PltEntry[] = [];
  for (const section of sections) {
    if (!section.name.startsWith(".plt") || (section.sh_flags & SHF_EXECINSTR) === 0) continue;
    const code = sectionBytes(image.bytes, section);
    if (code === undefined) continue;
    const step = section.name === ".plt.got" ? 8 : 16;
    for (let at = 0; at < code.length; at += step) {
      const slot = jumpSlot(code, at, section.sh_addr + at, is64, got?.sh_addr ?? 0);
      const name = slot === undefined ? undefined : slots.get(slot);
      if (name !== undefined) entries.push({ address: section.sh_addr + at, name: `${name}@plt` });
    }
  }
  return entries;
}
