import * as fs from "node:fs";
import { describe, expect, it } from "vitest";
import { DT_GNU_HASH, DT_HASH, STT_FUNC } from "../../src/elf/constants.ts";
import { dynamicValue, parseDynamic } from "../../src/elf/dynamic.ts";
import { type ElfImage, interpreterOf, parseElf, sectionsOf } from "../../src/elf/image.ts";
import { buildIdOf, propertiesOf } from "../../src/elf/notes.ts";
import { type ElfError, isElfError } from "../../src/elf/reader.ts";
import { dynamicSymbols, isDefined, staticSymbols } from "../../src/elf/symbols.ts";
import { parseVersions } from "../../src/elf/versions.ts";
import { hasTool, native } from "../support/native.ts";

const CANDIDATES = [
  "/bin/ls",
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib64/ld-linux-x86-64.so.2",
  "/usr/lib32/libc.so.6",
  "/lib/ld-linux.so.2",
];
const FILES = CANDIDATES.filter((file) => fs.existsSync(file));

function open(path: string): ElfImage {
  return ok(parseElf(fs.readFileSync(path)));
}

function ok<T extends object>(value: T): Exclude<T, ElfError> {
  if (isElfError(value)) throw new Error(value.error);
  return value as Exclude<T, ElfError>;
}

/** Without its section headers, as `sstrip` leaves a file. */
function withoutSections(image: ElfImage): ElfImage {
  const bytes = image.bytes.slice();
  const view = new DataView(bytes.buffer);
  if (image.header.is64) {
    view.setBigUint64(40, 0n, true);
    view.setUint16(60, 0, true);
    view.setUint16(62, 0, true);
  } else {
    view.setUint32(32, 0, true);
    view.setUint16(48, 0, true);
    view.setUint16(50, 0, true);
  }
  return ok(parseElf(bytes));
}

describe.skipIf(!hasTool("readelf") || FILES.length === 0)("against readelf", () => {
  it.each(FILES)("segments of %s", (path) => {
    const lines = native("readelf", "-lW", path).split("\n");
    const rows = lines.filter((line) => /^ {2}\S+ +0x[0-9a-f]+ 0x[0-9a-f]+ 0x/.test(line));
    const expected = rows.map((row) => row.match(/0x[0-9a-f]+/g)?.map(Number));
    const actual = open(path).segments.map((s) => [s.p_offset, s.p_vaddr, s.p_paddr, s.p_filesz, s.p_memsz, s.p_align]);
    expect(actual).toEqual(expected.map((row) => (row?.length === 5 ? [...row, 0] : row)));
  });

  it.each(FILES)("sections of %s", (path) => {
    const rows = [
      ...native("readelf", "-SW", path).matchAll(/^ +\[ *\d+\] (\S*) +\S+ +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)/gm),
    ];
    const expected = rows.map(([, name, addr, offset, size]) => [
      name,
      ...[addr, offset, size].map((x) => parseInt(x, 16)),
    ]);
    const sections = ok(sectionsOf(open(path)));
    expect(sections.slice(1).map((s) => [s.name, s.sh_addr, s.sh_offset, s.sh_size])).toEqual(
      expected.slice(-sections.length + 1),
    );
  });

  it.each(FILES)("dynamic symbols with versions of %s", (path) => {
    const image = open(path);
    const versions = ok(parseVersions(image));
    const actual = ok(dynamicSymbols(image)).map((symbol) => {
      const version = versions.symbolVersion(symbol.index);
      const separator = version?.isDefault && isDefined(symbol) ? "@@" : "@";
      return `${symbol.st_value.toString(16)} ${symbol.st_size} ${symbol.name}${version ? separator + version.version : ""}`;
    });
    const rows = [
      ...native("readelf", "--dyn-syms", "-W", path).matchAll(/^ +\d+: ([0-9a-f]+) +(\S+) \S+ +\S+ +\S+ +\S+ ?(\S*)/gm),
    ];
    const expected = rows.map(([, value, size, name]) => `${parseInt(value, 16).toString(16)} ${Number(size)} ${name}`);
    // A version's own absolute symbol (GLIBC_2.36) is shown without a version by readelf.
    const bare = (text: string): string => text.replace(/ (\S+)@@\1$/, " $1");
    expect(actual.map(bare)).toEqual(expected.map(bare));
  });

  it.each(FILES)("notes of %s", (path) => {
    const id = native("readelf", "-n", path).match(/Build ID: ([0-9a-f]+)/)?.[1];
    expect(buildIdOf(open(path))).toBe(id);
  });
});

describe.skipIf(FILES.length === 0)("files without section headers", () => {
  it.each(FILES)("%s keeps its dynamic symbols", (path) => {
    const image = open(path);
    const bare = withoutSections(image);
    expect(sectionsOf(bare)).toEqual([]);
    const expected = ok(dynamicSymbols(image)).map((s) => [s.name, s.st_value]);
    const dynamic = ok(parseDynamic(image));
    const hasHash = dynamicValue(dynamic.entries, DT_HASH) !== undefined;
    // DT_GNU_HASH counts defined symbols and those before them: complete but in a file that exports nothing.
    expect(hasHash || dynamicValue(dynamic.entries, DT_GNU_HASH) !== undefined).toBe(true);
    expect(ok(dynamicSymbols(bare)).map((s) => [s.name, s.st_value])).toEqual(expected);
    expect(interpreterOf(bare)).toEqual(interpreterOf(image));
    expect(buildIdOf(bare)).toEqual(buildIdOf(image));
    expect(propertiesOf(bare)).toEqual(propertiesOf(image));
    expect(staticSymbols(bare)).toEqual([]);
  });

  it("finds functions", () => {
    const functions = ok(dynamicSymbols(open(FILES[0]))).filter((symbol) => symbol.type === STT_FUNC);
    expect(functions.length).toBeGreaterThan(10);
  });
});
