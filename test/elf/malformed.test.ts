import { describe, expect, it } from "vitest";
import { EM_386, EM_X86_64 } from "../../src/elf/constants.ts";
import { parseDynamic } from "../../src/elf/dynamic.ts";
import { type ElfImage, interpreterOf, parseElf, sectionsOf } from "../../src/elf/image.ts";
import { buildIdOf, parseNotes, propertiesOf } from "../../src/elf/notes.ts";
import { isElfError } from "../../src/elf/reader.ts";
import { dynamicSymbols, staticSymbols } from "../../src/elf/symbols.ts";
import { parseVersions } from "../../src/elf/versions.ts";
import { buildVdso } from "../../src/loader/vdso/image.ts";
import { seededRandom } from "../support/random.ts";

const VDSO = buildVdso("amd64").bytes;

function patched(change: (view: DataView) => void): Uint8Array {
  const bytes = VDSO.slice();
  change(new DataView(bytes.buffer));
  return bytes;
}

function errorOf(bytes: Uint8Array): string | undefined {
  const image = parseElf(bytes);
  return isElfError(image) ? image.error : undefined;
}

/** Every part of the parser, one after the other. */
function parseAll(image: ElfImage): void {
  sectionsOf(image);
  interpreterOf(image);
  parseDynamic(image);
  dynamicSymbols(image);
  staticSymbols(image);
  parseVersions(image);
  buildIdOf(image);
  propertiesOf(image);
}

describe("parseElf", () => {
  it.each<[string, Uint8Array, string]>([
    ["an empty file", new Uint8Array(0), "the file is empty"],
    ["a text file", new Uint8Array(100).fill(0x41), "not an ELF file"],
    ["three bytes of magic", VDSO.slice(0, 3), "not an ELF file"],
    ["a cut e_ident", VDSO.slice(0, 15), "the ELF header is cut off after 15 bytes"],
    ["a cut header", VDSO.slice(0, 63), "the ELF header is cut off after 63 bytes"],
    ["cut program headers", VDSO.slice(0, 100), "2 program headers at 0x40 lie beyond the end of the file"],
    ["an unknown class", patched((v) => v.setUint8(4, 3)), "unknown ELF class 3"],
    ["a big-endian file", patched((v) => v.setUint8(5, 2)), "not a little-endian ELF file, so not an x86 one"],
    ["an ARM file", patched((v) => v.setUint16(18, 40, true)), "built for ARM, not for x86 or x86-64"],
    ["a 64-bit i386 file", patched((v) => v.setUint16(18, EM_386, true)), "a 64-bit file for the Intel 80386"],
    ["version 2", patched((v) => v.setUint32(20, 2, true)), "unknown ELF version 2"],
    ["odd phentsize", patched((v) => v.setUint16(54, 32, true)), "program headers of 32 bytes instead of 56"],
    [
      "phoff beyond 2^53",
      patched((v) => v.setUint32(36, 0xffffffff, true)),
      "2 program headers at 0xffffffff00000000 lie beyond the end of the file",
    ],
    [
      "65535 program headers",
      patched((v) => v.setUint16(56, 0xffff, true)),
      "65535 or more program headers, which no kernel loads",
    ],
  ])("names %s", (_, bytes, message) => {
    expect(errorOf(bytes)).toBe(message);
  });

  it("tells x32 from i386", () => {
    const bytes = buildVdso("i386").bytes.slice();
    new DataView(bytes.buffer).setUint16(18, EM_X86_64, true);
    expect(errorOf(bytes)).toBe("an x32 file (x86-64 in a 32-bit ELF), not supported");
  });

  it("accepts what is whole", () => {
    expect(errorOf(VDSO)).toBeUndefined();
    expect(errorOf(buildVdso("i386").bytes)).toBeUndefined();
  });
});

describe("bounded work", () => {
  it("ends for any note sizes", () => {
    const bytes = new Uint8Array(24);
    new DataView(bytes.buffer).setUint32(4, 0xffffffff, true);
    expect(isElfError(parseNotes(bytes, 4))).toBe(true);
    expect(parseNotes(new Uint8Array(24), 4)).toHaveLength(2);
  });

  it("ends without an exception for 20,000 mutated images", () => {
    const random = seededRandom("mutated images");
    for (let round = 0; round < 20_000; round++) {
      const bytes = VDSO.slice(0, random(8) === 0 ? random(VDSO.length) : VDSO.length);
      for (let i = random(8); i >= 0; i--)
        bytes[random(bytes.length)] = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)];
      const image = parseElf(bytes);
      if (!isElfError(image)) parseAll(image);
    }
  });
});
