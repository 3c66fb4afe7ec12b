/** Notes (gabi chapter 5, "Note Section"; Linux gABI extensions for .note.gnu.property). */
import {
  GNU_PROPERTY_X86_FEATURE_1_AND,
  GNU_PROPERTY_X86_ISA_1_NEEDED,
  NT_GNU_BUILD_ID,
  NT_GNU_PROPERTY_TYPE_0,
  PT_GNU_PROPERTY,
  PT_NOTE,
} from "./constants.ts";
import type { ElfImage } from "./image.ts";
import { type ElfError, hex, holds, u32 } from "./reader.ts";

export interface ElfNote {
  readonly name: string;
  readonly type: number;
  readonly desc: Uint8Array;
}

const align = (value: number, to: number): number => Math.ceil(value / to) * to;

/** The notes in `bytes`; `alignment` is 4, or 8 for the GNU property segment of ELF64. */
export function parseNotes(bytes: Uint8Array, alignment: 4 | 8): readonly ElfNote[] | ElfError {
  const notes: ElfNote[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const nameSize = u32(bytes, at);
    const descSize = u32(bytes, at + 4);
    const descAt = align(at + 12 + nameSize, alignment);
    if (!holds(bytes.length, at + 12, nameSize) || !holds(bytes.length, descAt, descSize)) {
      return { error: `a note of ${nameSize}+${descSize} bytes at ${hex(at)} reaches beyond its segment` };
    }
    let name = "";
    for (let i = 0; i < nameSize && bytes[at + 12 + i] !== 0; i++) name += String.fromCharCode(bytes[at + 12 + i]);
    notes.push({ name, type: u32(bytes, at + 8), desc: bytes.subarray(descAt, descAt + descSize) });
    at = align(descAt + descSize, alignment);
  }
  return notes;
}

/** All notes of the file's PT_NOTE and PT_GNU_PROPERTY segments; malformed segments are skipped. */
export function notesOf(image: ElfImage): readonly ElfNote[] {
  const notes: ElfNote[] = [];
  for (const segment of image.segments) {
    if (segment.p_type !== PT_NOTE && segment.p_type !== PT_GNU_PROPERTY) continue;
    if (!holds(image.bytes.length, segment.p_offset, segment.p_filesz)) continue;
    const bytes = image.bytes.subarray(segment.p_offset, segment.p_offset + segment.p_filesz);
    const parsed = parseNotes(bytes, segment.p_align === 8 ? 8 : 4);
    if (!("error" in parsed)) notes.push(...parsed);
  }
  return notes;
}

/** The GNU build-id in lower-case hex. */
export function buildIdOf(image: ElfImage): string | undefined {
  const note = notesOf(image).find((candidate) => candidate.name === "GNU" && candidate.type === NT_GNU_BUILD_ID);
  if (note === undefined) return undefined;
  return Array.from(note.desc, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export interface X86Properties {
  /** GNU_PROPERTY_X86_FEATURE_1_AND: bit 0 IBT, bit 1 SHSTK. */
  readonly feature1: number;
  /** GNU_PROPERTY_X86_ISA_1_NEEDED: bit 0 baseline, bits 1–3 x86-64-v2, v3, v4. */
  readonly isa1Needed: number;
}

/** The x86 properties, zero where the file says nothing. */
export function propertiesOf(image: ElfImage): X86Properties {
  const alignment = image.header.is64 ? 8 : 4;
  let feature1 = 0;
  let isa1Needed = 0;
  for (const note of notesOf(image)) {
    if (note.name !== "GNU" || note.type !== NT_GNU_PROPERTY_TYPE_0) continue;
    for (let at = 0; at + 8 <= note.desc.length; ) {
      const type = u32(note.desc, at);
      const size = u32(note.desc, at + 4);
      if (!holds(note.desc.length, at + 8, size)) break;
      if (type === GNU_PROPERTY_X86_FEATURE_1_AND && size === 4) feature1 = u32(note.desc, at + 8);
      if (type === GNU_PROPERTY_X86_ISA_1_NEEDED && size === 4) isa1Needed = u32(note.desc, at + 8);
      at = align(at + 8 + size, alignment);
    }
  }
  return { feature1, isa1Needed };
}
