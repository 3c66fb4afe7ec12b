/** `--stats` on programs whose instructions, calls and page faults can be counted by hand. */
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { folio } from "../support/folio.ts";
import { scratchDirectory } from "../support/native.ts";
import { smallElf } from "../support/small-elf.ts";

const ROUNDS = 1000;
const CALLS = 5;
const scratch = scratchDirectory();

/** Little-endian bytes. */
function int(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >> shift) & 0xff);
}

/** A loop of two instructions, a store to each of `pages` fresh pages of the stack, five calls of getpid, exit. */
function program(codeBits: 32 | 64, pages: number): { file: string; instructions: number } {
  const [getpid, exit, status, call] =
    codeBits === 64 ? [39, 60, [0x31, 0xff], [0x0f, 0x05]] : [20, 1, [0x31, 0xdb], [0xcd, 0x80]];
  const store = (page: number): number[] => [0x89, 0x84, 0x24, ...int(-0x10000 - 0x1000 * page)];
  const code = [
    ...[0xb9, ...int(ROUNDS), 0xff, 0xc9, 0x75, 0xfc],
    ...Array.from({ length: pages }, (_, page) => store(page)).flat(),
    ...Array.from({ length: CALLS }, () => [0xb8, ...int(getpid), ...call]).flat(),
    ...[0xb8, ...int(exit), ...status, ...call],
  ];
  const file = path.join(scratch, `program-${codeBits}-${pages}`);
  fs.writeFileSync(file, smallElf(code, codeBits), { mode: 0o755 });
  return { file, instructions: 1 + 2 * ROUNDS + pages + 2 * CALLS + 3 };
}

function stats(file: string, ...options: string[]): Map<string, number> {
  const { status, stderr } = folio(["run", "-i", "--seed", "1", "--stats", ...options, file]);
  expect(status).toBe(0);
  const rows = stderr.trimEnd().split("\n");
  return new Map(
    rows.map((row) => {
      const [, name, value] = /^folio: (.*?) +([\d.]+)$/.exec(row) ?? [];
      return [name, Number(value)];
    }),
  );
}

describe.each([64, 32] as const)("--stats, %s bits", (codeBits) => {
  const tiers = [
    ["--tier", "interp"],
    ["--tier", "jit", "--jit-threshold", "0"],
    ["--tier", "auto", "--jit-threshold", "50"],
  ];

  it.each(tiers)("counts instructions by tier: %s %s", (...options) => {
    const { file, instructions } = program(codeBits, 2);
    const rows = stats(file, ...options);
    const compiled = rows.get("instructions in regions") ?? Number.NaN;
    expect(rows.get("instructions")).toBe(instructions);
    expect(rows.get("instructions interpreted")).toBe(instructions - compiled);
    expect(rows.get("virtual seconds")).toBe(instructions / 1e9);
    if (options[1] === "interp") {
      expect(compiled).toBe(0);
      expect(rows.get("regions compiled")).toBe(0);
      expect(rows.get("compile seconds")).toBe(0);
    } else {
      expect(compiled).toBeGreaterThan(ROUNDS);
      expect(rows.get("regions compiled")).toBeGreaterThan(0);
      expect(rows.get("compile seconds")).toBeGreaterThan(0);
      expect(rows.get("code bytes, regions")).toBeGreaterThan(0);
    }
  });

  it("counts calls, and exits by their reason", () => {
    const rows = stats(program(codeBits, 2).file);
    expect(rows.get("system calls")).toBe(CALLS + 1);
    expect(rows.get(codeBits === 64 ? "exits, syscall" : "exits, int 0x80")).toBe(CALLS + 1);
    const exits = [...rows].filter(([name]) => name.startsWith("exits, "));
    expect(exits.reduce((sum, [, count]) => sum + count, 0)).toBe(rows.get("exits to the dispatcher"));
  });

  it("counts page faults and TLB misses: one for each page more that is touched", () => {
    const few = stats(program(codeBits, 2).file, "--tier", "interp");
    const many = stats(program(codeBits, 11).file, "--tier", "interp");
    for (const name of ["page faults", "TLB misses"]) {
      expect((many.get(name) ?? 0) - (few.get(name) ?? 0), name).toBe(9);
    }
  });
});
