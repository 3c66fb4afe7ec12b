import { describe, expect, it } from "vitest";
import { EMITTER_TABLES } from "../../src/exec/emit/table.ts";
import { generateInterpreter } from "../../src/exec/interp/generate.ts";
import { OPS } from "../../src/isa/ir/ops.ts";
import { LIFTER_TABLES } from "../../src/isa/lift/table.ts";
import { FORMS } from "../../src/isa/tables/forms.ts";

describe("IR operations", () => {
  it("have exactly one emitter each", () => {
    const names = EMITTER_TABLES.flatMap((table) => Object.keys(table)).sort();
    expect(names).toEqual(OPS.map((def) => def.name).sort());
  });

  it("give a valid interpreter module", () => {
    expect(WebAssembly.validate(generateInterpreter() as BufferSource)).toBe(true);
  });
});

describe("lifters", () => {
  it("stand in one table each, under a mnemonic of the opcode tables", () => {
    const names = LIFTER_TABLES.flatMap((table) => Object.keys(table));
    expect(new Set(names).size).toBe(names.length);
    const mnemonics = new Set(FORMS.map((form) => form.mnemonic));
    expect(names.filter((name) => !mnemonics.has(name))).toEqual([]);
  });
});
