import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { mnemonicOf } from "../../src/isa/mnemonic.ts";
import { loadCapstone } from "../support/capstone.ts";
import { SPELLINGS } from "../support/capstone-differences.ts";
import { readText } from "../support/elf-text.ts";

/** The C library and the dynamic linker of both ABIs, where Debian and its relatives keep them. */
const FILES = [
  { name: "amd64 libc.so.6", paths: ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6"] },
  { name: "amd64 ld.so", paths: ["/lib64/ld-linux-x86-64.so.2"] },
  { name: "i386 libc.so.6", paths: ["/lib32/libc.so.6", "/lib/i386-linux-gnu/libc.so.6"] },
  { name: "i386 ld.so", paths: ["/lib32/ld-linux.so.2", "/lib/ld-linux.so.2"] },
];

for (const { name, paths } of FILES) {
  const path = paths.find((candidate) => existsSync(candidate));
  const title = `every instruction of .text of ${name}: length and mnemonic as capstone's`;
  if (path === undefined) {
    test.skip(`${title} (none of ${paths.join(", ")} is here)`, () => {});
    continue;
  }
  test(title, { timeout: 300_000 }, async () => {
    const capstone = await loadCapstone();
    const { bytes, codeBits } = readText(path);
    const insn = newInstruction();
    const different: string[] = [];
    let instructions = 0;
    for (let p = 0; p < bytes.length && different.length < 20; instructions++) {
      const length = capstone.decode(bytes, p, bytes.length, codeBits);
      decode(bytes, p, bytes.length, codeBits, insn);
      const expected = capstone.mnemonic.split(" ").at(-1) ?? "";
      // AVX-512 is known by its lengths only.
      const mnemonic = insn.form.mnemonic === "evex" ? expected : mnemonicOf(insn);
      const same = mnemonic === expected || SPELLINGS.some((s) => s.capstone === expected && s.folio === mnemonic);
      if (length === 0 || insn.length !== length || !same) {
        const hex = Buffer.from(bytes.subarray(p, p + 15)).toString("hex");
        different.push(`.text+${p.toString(16)}: ${hex} ${expected} ${length}, folio ${mnemonic} ${insn.length}`);
      }
      p += length || 1;
    }
    expect(different).toEqual([]);
    expect(instructions).toBeGreaterThan(10_000);
  });
}

test("at most 40 spellings differ from capstone's", () => {
  expect(SPELLINGS.length).toBeLessThanOrEqual(40);
});
