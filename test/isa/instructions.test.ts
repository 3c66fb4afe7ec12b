/** docs/instructions.md and fixtures/native/cpu/coverage.json are up to date, and leave nothing out. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { DecodeStatus } from "../../src/isa/instruction.ts";
import { FORMS } from "../../src/isa/tables/forms.ts";
import { instructionDocument } from "../../src/report/format/instructions.ts";
import { DEVIATIONS } from "../../src/report/model/deviations.ts";
import { formKey, instructionRows } from "../../src/report/model/instruction-set.ts";
import { loadCapstone } from "../support/capstone.ts";
import { coverage, ELSEWHERE } from "../support/cpu-coverage.ts";
import { hasTool, native } from "../support/native.ts";
import { OTHER_NAMES, OUTSIDE, PREFIXES } from "./capstone-names.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const DOCUMENT = path.join(ROOT, "docs/instructions.md");
const COVERAGE = path.join(ROOT, "fixtures/native/cpu/coverage.json");

test("the document is that of the tables and the recorded cases", () => {
  const covered = coverage();
  const json = `${JSON.stringify(covered, null, 2)}\n`;
  const document = instructionDocument(instructionRows(covered));
  if (process.env.UPDATE_DOCS) {
    writeFileSync(COVERAGE, json);
    writeFileSync(DOCUMENT, document);
  }
  expect(readFileSync(COVERAGE, "utf8")).toBe(json);
  expect(readFileSync(DOCUMENT, "utf8")).toBe(document);
});

test("each form has recorded cases, or a test", () => {
  expect(instructionRows(coverage()).filter(({ vector }) => vector === "")).toEqual([]);
});

test("each form has a key of its own but for two lengths of LAHF and SAHF", () => {
  const keys = FORMS.map(formKey);
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual(["9E sahf", "9F lahf"]);
});

test("deviations are few, of instructions that there are, and measured by what there is", () => {
  expect(DEVIATIONS.length).toBeLessThanOrEqual(10);
  expect(DEVIATIONS.flatMap(({ instructions }) => instructions.filter((name) => !ROWS.has(name)))).toEqual([]);
  const files = DEVIATIONS.flatMap(({ measured }) => measured.match(/\b(?:fixtures|test)\/[\w./-]*\w/g) ?? []);
  expect(files.length).toBeGreaterThan(5);
  expect(files.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
});

test("tests that stand for vectors exist", () => {
  expect(Object.keys(ELSEWHERE).filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
});

test("each instruction that capstone names has a row, or is none of the sets that folio is about", async () => {
  const { names } = await loadCapstone();
  expect(names.length).toBeGreaterThan(1500);
  const outside = new Set([...PREFIXES, ...Object.values(OUTSIDE).flatMap((list) => list.split(" "))]);
  const hasRow = (name: string) => ROWS.has(OTHER_NAMES[name] ?? name);
  expect(names.filter((name) => hasRow(name) === outside.has(name))).toEqual([]);
  expect([...outside, ...Object.keys(OTHER_NAMES)].filter((name) => !names.includes(name))).toEqual([]);
});

const LIBRARIES = "libc.so.6 libm.so.6 libcrypto.so.3 libstdc++.so.6".split(" ");
/** Of the binaries on this machine, those that are there. */
const BINARIES = [
  ...LIBRARIES.flatMap((name) => ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"].map((at) => `${at}/${name}`)),
  "/usr/bin/python3",
].filter((file) => existsSync(file));

/**
 * What objdump names and folio has no row for. XOP is AMD's, behind a CPUID check in libcrypto; the others are data between
 * functions, which objdump reads as instructions of 3DNow!, the 287 and VMX.
 */
const NOT_KNOWN = "vprotd vprotq femms pmulhrw frstpm(287 vmread vmwrite".split(" ");
const PREFIX = /^(lock|rep[nz]*|data16|addr32|[c-gs]s|rex(\.\w+)?|bnd|notrack|xacquire|xrelease) /;

const ROWS = new Set(FORMS.map((form) => form.mnemonic));
const insn = newInstruction();

/** The mnemonics that objdump finds: true for those that the decoder knows in at least one place. */
function mnemonicsIn(files: readonly string[]): Map<string, boolean> {
  const found = new Map<string, boolean>();
  for (const file of files) {
    for (const line of native("objdump", "-d", file).split("\n")) {
      const [, hex, text = ""] = line.match(/^\s*[0-9a-f]+:\t((?:[0-9a-f]{2} )+)\s*\t(.*)$/) ?? [];
      let rest = `${text} `;
      while (PREFIX.test(rest)) rest = rest.replace(PREFIX, "");
      const name = rest.trim().split(/\s/)[0] as string;
      if (hex === undefined || name === "" || found.get(name) || /^\(bad\)|^\.byte|^\W/.test(name)) continue;
      // Long instructions go on in the next line: what begins them is enough to know the form by.
      const bytes = new Uint8Array(15);
      bytes.set(
        hex
          .trim()
          .split(" ")
          .map((byte) => Number.parseInt(byte, 16)),
      );
      const status = decode(bytes, 0, 15, 64, insn);
      found.set(
        name,
        status === DecodeStatus.ok || ROWS.has(name) || (status === DecodeStatus.invalid && insn.length > 0),
      );
    }
  }
  return found;
}

test.skipIf(!hasTool("objdump") || BINARIES.length === 0)(
  "each instruction that objdump finds in libraries has a row",
  { timeout: 600_000 },
  () => {
    const found = mnemonicsIn([...new Set(BINARIES)]);
    expect([...found].filter(([name, known]) => !known && !NOT_KNOWN.includes(name))).toEqual([]);
    expect(found.size).toBeGreaterThan(500);
  },
);
