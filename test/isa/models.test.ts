/** CPU models: which forms each executes, and what CPUID says of it. */
import { describe, expect, test } from "vitest";
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { DecodeStatus, type Form } from "../../src/isa/instruction.ts";
import { lifterOf } from "../../src/isa/lift/table.ts";
import { XCR0 } from "../../src/isa/lift/xsave.ts";
import { FORMS } from "../../src/isa/tables/forms.ts";
import { CPU_FEATURES, cpuinfoFlags } from "../../src/profiles/cpu-features.ts";
import {
  CPU_MODELS,
  cpuidLeaf1Edx,
  hwcap2,
  minSigStackSize,
  x86_64_v3,
  xsaveState,
} from "../../src/profiles/cpu-model.ts";
import { cpuid } from "../../src/profiles/cpuid.ts";
import { hasForm } from "../../src/report/model/instruction-set.ts";
import { CASE_BYTES, CODE_BASE, type CpuCase, casesRandom, Field, writeInput } from "../support/cpu-case.ts";
import { encode } from "../support/cpu-generator.ts";
import { FolioCpu } from "../support/folio-cpu.ts";

const INVALID_OPCODE = 6;
const GENERAL_PROTECTION = 13;
/** These raise #UD wherever they are executed; system calls leave the processor. */
const ALWAYS_UD = /^(ud[012]|syscall|sysenter|rsm)$/;

const insn = newInstruction();

/** Bytes of the form, or undefined if it cannot be encoded in this mode. */
function bytesOf(form: Form, codeBits: 32 | 64): Uint8Array | undefined {
  const below = casesRandom(form.id);
  for (let attempt = 0; attempt < 60; attempt++) {
    const bytes = Uint8Array.from(encode(form, codeBits, below)).slice(0, 15);
    const status = decode(bytes, 0, bytes.length, codeBits, insn);
    const known = status === DecodeStatus.ok || (status === DecodeStatus.invalid && insn.length > 0);
    if (known && insn.form.id === form.id) return bytes.slice(0, insn.length);
  }
  return undefined;
}

/** Vector of the exception that the bytes raise (3: none). */
function vectorOf(folio: FolioCpu, codeBits: 32 | 64, code: Uint8Array): number {
  const test: CpuCase = { codeBits, seed: 1, rip: CODE_BASE + 0x800, code, overrides: [] };
  const input = new DataView(new ArrayBuffer(CASE_BYTES));
  const output = new DataView(new ArrayBuffer(CASE_BYTES));
  writeInput(test, input);
  folio.run(codeBits, input, output);
  return output.getUint32(Field.trap, true);
}

function executes(form: Form, has: (form: Form) => boolean): boolean {
  return has(form) || (form.fallback !== null && executes(form.fallback, has));
}

describe.each(CPU_MODELS)("$name", (model) => {
  const modes = model.features.includes("lm") ? ([64, 32] as const) : ([32] as const);

  test.each(modes)("what it lacks raises #UD, what it has does not, in %d-bit code", (codeBits) => {
    const folio = new FolioCpu("interp", 0, [...model.features, ...(model.features.includes("lm") ? ["x64"] : [])]);
    const wrong: string[] = [];
    let tried = 0;
    for (const form of FORMS) {
      if (ALWAYS_UD.test(form.mnemonic) || form.mnemonic === "evex") continue;
      const code = bytesOf(form, codeBits);
      if (code === undefined) continue;
      tried++;
      const has = executes(form, (one) => hasForm(model, one));
      if (has && lifterOf(form.mnemonic) === undefined) continue;
      const vector = vectorOf(folio, codeBits, code);
      const right = has ? vector !== INVALID_OPCODE : vector === INVALID_OPCODE;
      const privileged = has && form.privileged ? vector === GENERAL_PROTECTION : true;
      if (!right || !privileged) wrong.push(`${form.mnemonic} (${form.opcode}): vector ${vector}`);
    }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(1000);
  });

  test("CPUID and the auxiliary vector agree with the features", () => {
    const leaf = (number: number, subleaf = 0) => cpuid(model, number, subleaf).map((word) => word >>> 0);
    expect(cpuidLeaf1Edx(model)).toBe(leaf(1)[3]);
    expect(hwcap2(model)).toBe((leaf(7)[1] as number) & 1 ? 2 : 0);
    for (const [name, { leaf: number, register, bit }] of Object.entries(CPU_FEATURES)) {
      const subleaf = number === 0xd ? 1 : 0;
      const word = leaf(number, subleaf)[["eax", "ebx", "ecx", "edx"].indexOf(register)] as number;
      expect([name, (word >>> bit) & 1]).toEqual([name, (model.features as readonly string[]).includes(name) ? 1 : 0]);
    }
    const xsave = xsaveState(model);
    // OSXSAVE: the system has enabled XGETBV.
    expect(((leaf(1)[2] as number) >>> 27) & 1).toBe(xsave === undefined ? 0 : 1);
    expect(leaf(0xd)).toEqual(xsave === undefined ? [0, 0, 0, 0] : [xsave.features, xsave.size, xsave.size, 0]);
    expect(minSigStackSize(model)).toBe(xsave === undefined ? 1456 : 1776);
    expect(cpuinfoFlags(model.features).length).toBe(model.features.length);
  });

  test("caches are told in Intel's or AMD's leaves", () => {
    const leaf = model.vendor === "AuthenticAMD" ? 0x8000_001d : 4;
    const sizes = [0, 1, 2, 3].map((subleaf) => {
      const [, ebx, sets] = cpuid(model, leaf, subleaf);
      return ((ebx >>> 22) + 1) * ((ebx & 0xfff) + 1) * (sets + 1);
    });
    expect(sizes).toEqual([32 << 10, 32 << 10, 512 << 10, 8 << 20]);
    expect(cpuid(model, leaf, 4)).toEqual([0, 0, 0, 0]);
    expect((cpuid(model, 0x8000_0006, 0)[2] as number) >>> 16).toBe(512);
  });
});

test("each feature of the opcode tables is one of CPU models", () => {
  const other = new Set(["base", "x64", "cet", "unsupported"]);
  const unknown = FORMS.filter((form) => !other.has(form.feature) && !Object.hasOwn(CPU_FEATURES, form.feature));
  expect(unknown.map((form) => form.feature)).toEqual([]);
});

test("x86-64-v3 has all that the psABI asks for, and XSAVE's lifters know its XCR0", () => {
  const wanted = "avx avx2 bmi1 bmi2 f16c fma lzcnt movbe xsave cx16 lahf_lm popcnt sse3 ssse3 sse4_1 sse4_2".split(
    " ",
  );
  expect(wanted.filter((name) => !(x86_64_v3.features as readonly string[]).includes(name))).toEqual([]);
  for (const model of CPU_MODELS) expect([XCR0, undefined]).toContain(xsaveState(model)?.features);
});
