/** Loads the helper module behind a shim that takes every argument from memory, so that tests can pass v128 and avoid BigInt. */
import { readFileSync } from "node:fs";
import wabtFactory from "wabt";
import { signaturesOf } from "../../../src/isa/helpers/wasm-signatures.mjs";

/** Argument i of a call lies at ARGS + 16 × i, the result at RESULT. */
export const ARGS = 0x50000;
export const RESULT = 0x50100;

export interface Helpers {
  /** Runs the helper on the arguments in memory; leaves the result there. */
  readonly call: Record<string, () => void>;
  readonly view: DataView;
  readonly u8: Uint8Array;
}

/** Instantiates the module in `file` over a memory of 8 pages. */
export async function loadHelpers(file: string): Promise<Helpers> {
  const bytes = readFileSync(file);
  const memory = new WebAssembly.Memory({ initial: 8, maximum: 8 });
  const helpers = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const signatures = signaturesOf(bytes);
  let imports = '(import "env" "memory" (memory 8))';
  let bodies = "";
  for (const { name, params, result } of signatures) {
    imports += `(import "h" "${name}" (func $${name} (param ${params.join(" ")}) ${result ? `(result ${result})` : ""}))`;
    const loads = params.map((type, i) => `(${type}.load (i32.const ${ARGS + 16 * i}))`).join(" ");
    const call = `(call $${name} ${loads})`;
    bodies += `(func (export "${name}") ${result ? `(${result}.store (i32.const ${RESULT}) ${call})` : call})`;
  }
  const wabt = await wabtFactory();
  const shim = wabt.parseWat("shim.wat", `(module ${imports} ${bodies})`, { simd: true });
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(shim.toBinary({}).buffer as Uint8Array<ArrayBuffer>),
    {
      env: { memory },
      h: helpers.exports,
    },
  );
  return {
    call: instance.exports as Record<string, () => void>,
    view: new DataView(memory.buffer),
    u8: new Uint8Array(memory.buffer),
  };
}
