import { expect, test } from "vitest";
import { Code } from "../../src/wasm/code.ts";
import { ModuleWriter } from "../../src/wasm/module.ts";
import { W } from "../../src/wasm/opcodes.ts";

test("branch hints name the `if` by its offset in the function body, and code moved behind other code keeps them", () => {
  const inner = new Code();
  inner.get(0);
  inner.openUnlikely();
  inner.end();
  const body = new Code();
  body.i32Const(1);
  body.byte(W.drop);
  body.appendCode(inner);
  const module = new ModuleWriter();
  module.importFunc("env", "f", { params: [], results: [] });
  const index = module.func({ params: ["i32"], results: [] }, ["i32", "i32", "f64"], body.finish(), body.unlikely);
  const bytes = module.finish();
  const compiled = new WebAssembly.Module(new Uint8Array(bytes));
  const [hints] = WebAssembly.Module.customSections(compiled, "metadata.code.branch_hint");
  // one function, one hint: the locals' declarations take 5 bytes, i32.const and drop 3, local.get 2
  expect([...new Uint8Array(hints as ArrayBuffer)]).toEqual([1, index, 1, 10, 1, 0]);
  const code = bytes.length - 1 - body.length;
  expect(bytes[code - 5 + 10]).toBe(W.if);
});
