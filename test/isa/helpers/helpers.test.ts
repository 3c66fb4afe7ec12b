import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import * as block from "../../../src/isa/cpu-block.ts";
import { HELPERS } from "../../../src/isa/helpers/signatures.ts";
import { signaturesOf } from "../../../src/isa/helpers/wasm-signatures.mjs";
import { GROUPS, RECORD_BYTES } from "./cases.ts";
import { CORPUS_COUNT, unpackCorpus } from "./corpus.ts";
import { type Helpers, loadHelpers } from "./harness.ts";
import { fixedRandom } from "./operands.ts";
import { differences, inputRecords } from "./replay.ts";

const root = join(import.meta.dirname, "../../..");
const addresses = new Map<string, unknown>(Object.entries(block));
const file = join(root, "dist/helpers.wasm");

describe("the helper module", () => {
  it("exports what signatures.ts says", () => {
    const real = Object.fromEntries(
      signaturesOf(readFileSync(file)).map(({ name, params, result }) => [name, { params, result }]),
    );
    expect(real).toEqual(HELPERS);
  });

  it("uses the addresses of the CPU block", () => {
    const text = readFileSync(join(root, "src/isa/helpers/block.as.ts"), "utf8");
    const constants = [...text.matchAll(/export const (\w+): usize = (0x[0-9a-f]+);/g)];
    expect(constants.length).toBeGreaterThan(10);
    for (const [, name, value] of constants)
      expect([name, Number(value)]).toEqual([name, addresses.get(name as string)]);
  });

  it("keeps its data between HELPER_DATA and HELPER_DATA_END", () => {
    const memory = new WebAssembly.Memory({ initial: 8 });
    new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), { env: { memory } });
    const bytes = new Uint8Array(memory.buffer);
    const written = (from: number, to: number) => bytes.subarray(from, to).some((byte) => byte !== 0);
    expect(written(0, block.HELPER_DATA)).toBe(false);
    expect(written(block.HELPER_DATA, block.HELPER_DATA_END)).toBe(true);
    expect(written(block.HELPER_DATA_END, bytes.length)).toBe(false);
  });

  it("links with a memory of the machine's size and a maximum", () => {
    const pages = 34816;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(readFileSync(file));
    expect(() => new WebAssembly.Instance(module, { env: { memory } })).not.toThrow();
  });
});

describe("the helpers do as the processor did", () => {
  let helpers: Helpers;
  let corpus: (index: number, input: Uint8Array) => Uint8Array;
  beforeAll(async () => {
    helpers = await loadHelpers(file);
    corpus = unpackCorpus(readFileSync(join(root, "fixtures/native/fp/corpus.bin.gz")));
  });

  it.each(GROUPS.map((group, index) => [group.name, index] as const))("%s", (name, index) => {
    const group = GROUPS[index] as (typeof GROUPS)[number];
    const input = inputRecords(group, CORPUS_COUNT, fixedRandom(`fp ${name}`));
    const output = corpus(index, input);
    const found: string[] = [];
    for (let i = 0; i < CORPUS_COUNT; i++) {
      const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset + i * RECORD_BYTES, RECORD_BYTES);
      const difference = differences(helpers, name, view(input), view(output));
      if (difference !== "") found.push(`record ${i}: ${difference}`);
    }
    expect(found).toEqual([]);
  });
});

describe("FP_SLOW", () => {
  it("is below 0x80000002 only for nearest rounding and all exceptions masked, and 0 only with PE set", async () => {
    const { call, view } = await loadHelpers(file);
    for (const [mxcsr, slow] of [
      [0x1fa0, 0],
      [0x1fbf, 0],
      [0x1f80, 0x80000001],
      [0x3fa0, 0x80000002],
      [0x1fe0, 0],
      [0x9fa0, 0],
      [0x1f20, 0x80000002],
    ] as const) {
      view.setUint32(block.MXCSR, mxcsr, true);
      (call.fpUpdateMode as () => void)();
      expect([mxcsr, view.getUint32(block.FP_SLOW, true)]).toEqual([mxcsr, slow]);
    }
  });

  it("follows the first inexact operation", async () => {
    const { call, view } = await loadHelpers(file);
    view.setUint32(block.MXCSR, 0x1f80, true);
    (call.fpUpdateMode as () => void)();
    view.setFloat64(0x50000, 1, true);
    view.setFloat64(0x50010, 3, true);
    (call.fDiv64 as () => void)();
    expect(view.getFloat64(0x50100, true)).toBe(1 / 3);
    expect(view.getUint32(block.MXCSR, true)).toBe(0x1fa0);
    expect(view.getUint32(block.FP_SLOW, true)).toBe(0);
  });
});
