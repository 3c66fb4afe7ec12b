import { describe, expect, it } from "vitest";
import { fixture, folio } from "../support/folio.ts";
import { hasTool, native } from "../support/native.ts";

/** Address and bytes of each line, and labels. */
function columns(text: string): string[] {
  const lines: string[] = [];
  for (const line of text.split("\n")) {
    const insn = line.match(/^ *([0-9a-f]+):\t([0-9a-f ]+?) *(?:\t|$)/);
    if (insn !== null) lines.push(`${insn[1]} ${insn[2]}`);
    const label = line.match(/^[0-9a-f]+ <([^>]+)>:/);
    if (label !== null && !/[+-]0x/.test(label[1])) lines.push(label[1]);
  }
  return lines;
}

describe.skipIf(!hasTool("objdump"))("against objdump -d -M intel", () => {
  it.each(["amd64", "amd64-pie", "i386", "i386-pie"])("memtest %s", (build) => {
    const file = fixture("memtest", build);
    // -z shows what objdump otherwise folds into three dots.
    const real = native("objdump", "-d", "-z", "-M", "intel", file);
    const ours = folio(["disasm", file]).stdout;
    expect(columns(ours)).toEqual(columns(real));
    const calls = (text: string): string[] =>
      [...text.matchAll(/(?:call|jmp) +([0-9a-f]+ <[^+>-]+>)/g)].map(([, target]) => target);
    expect(calls(ours)).toEqual(calls(real));
  });

  it("shows one function, by name or address", () => {
    const file = fixture("memtest", "amd64");
    const byName = folio(["disasm", file, "main"]).stdout;
    expect(byName).toContain("<main>:");
    expect(byName).toMatch(/push +rbp/);
    expect(byName).not.toContain("<_start>:");
    const address = byName.match(/^([0-9a-f]{16}) <main>:/m)?.[1] ?? "";
    expect(folio(["disasm", file, `0x${(parseInt(address, 16) + 4).toString(16)}`]).stdout).toBe(byName);
  });
});
