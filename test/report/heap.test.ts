/** `folio heap` against the chunks that gdb read in the same processes (fixtures/native/malloc/heap-walk.sh). */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { glibcVersion } from "../../src/libc/malloc/traps/glibc-image.ts";
import { FIXTURES, fixture, folio } from "../support/folio.ts";

type Recorded = [address: string, size: number, flags: number][];
interface Chunk {
  readonly address: string;
  readonly size: number;
  readonly prevInuse: boolean;
  readonly mmapped: boolean;
  readonly nonMainArena: boolean;
  readonly state: string;
  readonly bin?: { readonly kind: string; readonly index: number };
}
interface HeapReport {
  readonly malloc: string;
  readonly arenas: readonly { readonly heaps: readonly { readonly chunks: readonly Chunk[] }[] }[];
  readonly mmapped: readonly Chunk[];
  readonly damage: readonly { readonly address: string; readonly what: string }[];
}

const { glibc, ...recordings } = JSON.parse(readFileSync(`${FIXTURES}native/malloc/heap-chunks.json`, "utf8")) as {
  glibc: string;
} & Record<string, Recorded>;
const LIBCS = { amd64: "/lib/x86_64-linux-gnu/libc.so.6", i386: "/lib/i386-linux-gnu/libc.so.6" };

function versionHere(abi: keyof typeof LIBCS): string | undefined {
  return existsSync(LIBCS[abi]) ? glibcVersion(readFileSync(LIBCS[abi])) : undefined;
}

function heap(program: string, ...options: string[]): HeapReport {
  const result = folio(["heap", "-i", "--aslr", "off", "--at", "exit", "--json", ...options, program]);
  expect(result, "folio heap").toMatchObject({ status: 0, signal: null });
  return JSON.parse(result.stdout) as HeapReport;
}

const chunksOf = (report: HeapReport): readonly Chunk[] =>
  report.arenas.flatMap(({ heaps }) => heaps.flatMap(({ chunks }) => chunks));

describe("chunks", () => {
  for (const [name, chunks] of Object.entries(recordings)) {
    const [program = "", abi = ""] = name.split(".");
    const here = versionHere(abi as keyof typeof LIBCS);
    const skip = here !== glibc;
    const why = skip ? ` (recorded with glibc ${glibc}, here is ${here ?? "none"})` : "";
    test.skipIf(skip).each([
      ["the libc's malloc", []],
      ["folio's", ["--malloc", "ts"]],
    ])(`${name}, %s${why}`, (_, options) => {
      const report = heap(fixture(program, abi), ...options);
      const walked = chunksOf(report).map(({ address, size, prevInuse, mmapped, nonMainArena }) => {
        return [address, size, (prevInuse ? 1 : 0) + (mmapped ? 2 : 0) + (nonMainArena ? 4 : 0)];
      });
      expect(walked).toEqual(chunks);
      expect(report.damage).toEqual([]);
    });
  }
});

describe("the embedded libc", () => {
  test("freed chunks next to top are part of it; the arena that the failed request made is there", () => {
    const report = heap(fixture("realloc", "amd64"), "--machine", "ubu64", "--libc", "embedded");
    expect(report.malloc).toBe("2.11.1");
    expect(report.arenas).toHaveLength(2);
    expect(chunksOf(report).map(({ state }) => state)).toEqual(["top", "top"]);
  });
});

test("a program without glibc is refused with one line", () => {
  const result = folio(["heap", "-i", fixture("hello", "amd64-static-musl")]);
  expect(result.status).toBe(125);
  expect(result.stdout).toBe("");
  expect(result.stderr).toMatch(/^folio: .*no glibc.*\n$/m);
});

describe("text", () => {
  const here = versionHere("amd64");
  test.skipIf(here !== glibc)(`has a line for each chunk (glibc ${here ?? "none"} here)`, () => {
    const result = folio(["heap", "-i", "--aslr", "off", "--at", "exit", fixture("calloc", "amd64")]);
    expect(result.status).toBe(0);
    const lines = result.stdout.split("\n").filter((line) => line.startsWith("0x"));
    expect(lines).toHaveLength((recordings["calloc.amd64"] as Recorded).length);
    expect(lines[0]).toBe("0x602000          0x602010                656  P--  used");
    expect(lines[1]).toMatch(/^0x602290 .* 6416 {2}P-- {2}free {2}the unsorted bin$/);
    expect(lines.at(-1)).toMatch(/top$/);
  });
});
