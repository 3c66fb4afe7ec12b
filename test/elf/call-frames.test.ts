/** Call frame information against readelf's reading of it, row by row. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { describe, expect, it } from "vitest";
import { CallFrames } from "../../src/elf/call-frames.ts";
import { cursorAt, pointer, sleb, uleb } from "../../src/elf/cfi-cursor.ts";
import { evaluate } from "../../src/elf/dwarf-expression.ts";
import { parseElf } from "../../src/elf/image.ts";
import { isElfError } from "../../src/elf/reader.ts";
import { hasTool } from "../support/native.ts";

const NAMES = {
  amd64: "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split(" "),
  i386: "eax ecx edx ebx esp ebp esi edi".split(" "),
};
/** Registers far apart, so that a value tells which one it came from. */
const APART = 0x100_0000;

interface Row {
  readonly address: number;
  readonly cfa: string;
  readonly rules: ReadonlyMap<string, string>;
}

/** The rows of `readelf --debug-dump=frames-interp`. */
function rowsOf(file: string): Row[] {
  const rows: Row[] = [];
  let columns: string[] = [];
  /** Where the code of the entry ends; some describe what would hold behind it. */
  let end = 0;
  // Its status says that the debug file is not installed.
  const { stdout } = spawnSync("readelf", ["--debug-dump=frames-interp", file], {
    encoding: "latin1",
    maxBuffer: 1 << 26,
  });
  for (const line of stdout.split("\n")) {
    const words = line
      .replace(/ \([a-z0-9]+\)/g, "")
      .trim()
      .split(/\s+/);
    if (words[0] === "LOC") columns = words.slice(2);
    else if (/ (FDE|CIE) /.test(line)) end = Number.parseInt(/\.\.([0-9a-f]+)$/.exec(line)?.[1] ?? "0", 16);
    else if (columns.length > 0 && /^[0-9a-f]{8,16}$/.test(words[0]) && words.length === columns.length + 2) {
      const rules = new Map(columns.map((name, i) => [name, words[i + 2]]));
      const address = Number.parseInt(words[0], 16);
      if (address < end && words[1] !== "ZERO") rows.push({ address, cfa: words[1], rules });
    }
  }
  return rows;
}

describe.each([
  ["amd64", "/lib64/ld-linux-x86-64.so.2"],
  ["i386", "/lib/ld-linux.so.2"],
] as const)("%s", (abi, file) => {
  const skipped = !hasTool("readelf") || !fs.existsSync(file);

  it.skipIf(skipped)(`every row of ${file} is readelf's`, () => {
    const image = parseElf(fs.readFileSync(file));
    const frames = isElfError(image) ? undefined : CallFrames.of(image);
    const names = NAMES[abi];
    const stackPointer = names.findIndex((name) => name === "rsp" || name === "esp");
    let compared = 0;
    for (const { address, cfa, rules } of rowsOf(file)) {
      // Of an expression readelf says only that there is one.
      if (cfa === "exp" || [...rules.values()].some((rule) => rule.endsWith("exp"))) continue;
      const [, register, offset] = /^([a-z0-9]+)([+-]\d+)$/.exec(cfa) ?? [];
      const base = (names.indexOf(register) + 1) * APART + Number(offset);
      const before = names.map((_, i) => (i + 1) * APART);
      const after = [...before, 0];
      const step = frames?.stepUp(address, after, (at) => at);
      const where = `row ${address.toString(16)}`;
      if (rules.get("ra") === "u") {
        expect(step, where).toBe("outermost");
        continue;
      }
      expect(step, where).toBe("caller");
      const valueIn = (name: string, otherwise: number): number => {
        const rule = rules.get(name) ?? "u";
        if (/^c[+-]/.test(rule)) return base + Number(rule.slice(1));
        return /^r\d/.test(rule) ? before[Number(rule.slice(1))] : otherwise;
      };
      const expected = names.map((name, i) => valueIn(name, i === stackPointer ? base : before[i]));
      expect(after, where).toEqual([...expected, valueIn("ra", 0)]);
      compared++;
    }
    expect(compared).toBeGreaterThan(1000);
  });
});

describe("numbers", () => {
  const cursor = (...bytes: number[]) => cursorAt(Uint8Array.from(bytes), 0x1000, 8, 0);

  it("LEB128 (DWARF 4, figures 22 and 23)", () => {
    expect([uleb(cursor(2)), uleb(cursor(0x7f)), uleb(cursor(0x80, 1)), uleb(cursor(0x39 + 0x80, 0x64))]).toEqual([
      2, 127, 128, 12857,
    ]);
    expect([sleb(cursor(2)), sleb(cursor(0x7e)), sleb(cursor(0x81, 0x7f)), sleb(cursor(0x80, 1))]).toEqual([
      2, -2, -127, 128,
    ]);
  });

  it("pointers, relative to where they stand", () => {
    expect(pointer(cursor(0xf0, 0xff, 0xff, 0xff), 0x1b)).toBe(0xff0);
    expect(pointer(cursor(0x10, 0, 0, 0), 0x3b, 0x5000)).toBe(0x5010);
    expect(pointer(cursor(0x10, 0, 0, 0), 0x9b)).toBeUndefined();
  });

  it("the expression of PLT entries: whether the push is done", () => {
    // breg7 8; breg16 0; lit15; and; lit11; ge; lit3; shl; plus
    const bytes = [0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22];
    const at = (rip: number) => {
      const registers = Array.from({ length: 17 }, (_, i) => (i === 7 ? 0x7fff_ffff_e000 : i === 16 ? rip : 0));
      return evaluate(cursor(...bytes), bytes.length, registers, () => undefined);
    };
    expect(at(0x5555_5555_5026)).toBe(0x7fff_ffff_e008);
    expect(at(0x5555_5555_502b)).toBe(0x7fff_ffff_e010);
  });
});
