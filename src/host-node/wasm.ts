/** WebAssembly and the build's prepared modules. */
import * as fs from "node:fs";
import * as path from "node:path";
import * as v8 from "node:v8";
import * as vm from "node:vm";
import { InternalError } from "../base/errors.ts";
import type { HostWasm, WasmExports, WasmImports, WasmMemory, WasmTable } from "../host/host.ts";

/** What is used of the global; neither the node types nor the ES library declare it. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => WasmMemory;
  readonly Table: new (descriptor: { element: "anyfunc"; initial: number }) => WasmTable;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: WasmImports) => { readonly exports: WasmExports };
};

/** The files of templates by set, named by their contents; only the bundle has any. */
declare const FOLIO_TEMPLATES: { readonly [set: string]: string } | undefined;

export class NodeWasm implements HostWasm {
  readonly #directories: readonly string[];
  /** The build's modules, which every machine of a process needs: bytes by name, and compiled. */
  readonly #loaded = new Map<string, Uint8Array>();
  readonly #compiled = new WeakMap<Uint8Array, object>();
  #collect: (() => void) | undefined;

  /** `directories` are searched for `<name>.wasm` in order. */
  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  createMemory(pages: number): WasmMemory {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  }

  createTable(size: number): WasmTable {
    return new WebAssembly.Table({ element: "anyfunc", initial: size });
  }

  instantiate(bytes: Uint8Array, imports: WasmImports): WasmExports {
    const known = this.#compiled.get(bytes);
    const module = known ?? new WebAssembly.Module(bytes);
    return new WebAssembly.Instance(module, imports).exports;
  }

  /** V8 would let the heap grow to several times of what is in use first. */
  collectGarbage(): void {
    v8.setFlagsFromString("--expose-gc");
    this.#collect ??= vm.runInNewContext("gc") as () => void;
    this.#collect();
  }

  loadTemplates(set: string): Uint8Array | undefined {
    const name = typeof FOLIO_TEMPLATES === "object" ? FOLIO_TEMPLATES[set] : undefined;
    if (name === undefined) return undefined;
    for (const directory of this.#directories) {
      const file = path.join(directory, name);
      if (fs.existsSync(file)) return fs.readFileSync(file);
    }
    return undefined;
  }

  loadModule(name: string): Uint8Array {
    const known = this.#loaded.get(name);
    if (known !== undefined) {
      // Wanted a second time: worth keeping compiled.
      if (!this.#compiled.has(known)) this.#compiled.set(known, new WebAssembly.Module(known));
      return known;
    }
    for (const directory of this.#directories) {
      const file = path.join(directory, `${name}.wasm`);
      if (!fs.existsSync(file)) continue;
      const bytes = fs.readFileSync(file);
      this.#loaded.set(name, bytes);
      return bytes;
    }
    throw new InternalError(`${name}.wasm is missing: run "npm run build"`);
  }
}
