import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Abi } from "../../src/abi/abi.ts";
import { syscallName } from "../../src/abi/unistd.ts";
import { syscallDocument } from "../../syscalls/document.ts";
import { TABLE_AMD64 } from "../../syscalls/table.amd64.ts";
import { TABLE_I386 } from "../../syscalls/table.i386.ts";

const tables = { amd64: TABLE_AMD64, i386: TABLE_I386 };
const DOCUMENT = join(import.meta.dirname, "../../docs/syscalls.md");
/** Later than the recorded headers, and what strace calls i386's first select. */
const OTHER_NAMES: Readonly<Record<Abi, Readonly<Record<number, string>>>> = {
  amd64: { 452: "fchmodat2" },
  i386: { 82: "oldselect", 452: "fchmodat2" },
};

/** Number → name of asm/unistd_64.h or asm/unistd_32.h (linux-libc-dev 6.1). */
function kernelNames(abi: Abi): Map<number, string> {
  const file = join(import.meta.dirname, `data/unistd_${abi === "amd64" ? "64" : "32"}.txt`);
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return new Map(lines.map((line) => [Number(line.split(" ")[0]), line.split(" ")[1]]));
}

describe.each(["amd64", "i386"] as const)("%s", (abi) => {
  const names = kernelNames(abi);

  test("every row has the kernel's name for its number", () => {
    const wrong = [...tables[abi]].filter(
      ([number, { name }]) => (OTHER_NAMES[abi][number] ?? names.get(number)) !== name,
    );
    expect(wrong.map(([number, { name }]) => `${number} ${name}, not ${names.get(number)}`)).toEqual([]);
  });

  test("the names by number are the kernel's", () => {
    for (const [number, name] of names) expect(syscallName(abi, number)).toBe(name);
  });

  test("partial support says what is missing", () => {
    for (const { name, support, note } of tables[abi].values()) {
      expect([name, support === "full" || note !== ""]).toEqual([name, true]);
    }
  });

  test("arguments fit into six registers", () => {
    for (const { name, args } of tables[abi].values()) {
      const slots = args.reduce((sum, codec) => sum + codec.slots[abi], 0);
      expect([name, slots <= 6]).toEqual([name, true]);
    }
  });
});

test("docs/syscalls.md is up to date", () => {
  const text = syscallDocument(tables);
  if (process.env.UPDATE_DOCS) writeFileSync(DOCUMENT, text);
  expect(readFileSync(DOCUMENT, "utf8")).toBe(text);
});
