/** A WebAssembly module under construction: types, imports, functions, exports (core specification 2.0, section 5.5). */
import { Code } from "./code.ts";
import { ValType, type ValTypeName } from "./opcodes.ts";

export interface FuncType {
  readonly params: readonly ValTypeName[];
  readonly results: readonly ValTypeName[];
}

interface Func {
  type: number;
  locals: readonly ValTypeName[];
  body: Uint8Array;
  unlikely: readonly number[];
}

export class ModuleWriter {
  readonly #types: string[] = [];
  readonly #typeBytes: Uint8Array[] = [];
  readonly #imports = new Code();
  #importCount = 0;
  #importedFuncs = 0;
  readonly #funcs: Func[] = [];
  readonly #exports = new Code();
  #exportCount = 0;

  /** Index of a function type, added if new. */
  type(type: FuncType): number {
    const key = `${type.params}>${type.results}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const code = new Code();
    code.byte(0x60);
    for (const list of [type.params, type.results]) {
      code.u32(list.length);
      for (const name of list) code.byte(ValType[name]);
    }
    this.#types.push(key);
    this.#typeBytes.push(code.finish());
    return this.#types.length - 1;
  }

  importMemory(module: string, name: string, minPages: number): void {
    writeName(this.#imports, module);
    writeName(this.#imports, name);
    this.#imports.byte(2);
    this.#imports.byte(0);
    this.#imports.u32(minPages);
    this.#importCount++;
  }

  /** Function index of an import; imports come before all functions. */
  importFunc(module: string, name: string, type: FuncType): number {
    writeName(this.#imports, module);
    writeName(this.#imports, name);
    this.#imports.byte(0);
    this.#imports.u32(this.type(type));
    this.#importCount++;
    return this.#importedFuncs++;
  }

  importTable(module: string, name: string, minSize: number): void {
    writeName(this.#imports, module);
    writeName(this.#imports, name);
    this.#imports.byte(1);
    this.#imports.byte(0x70);
    this.#imports.byte(0);
    this.#imports.u32(minSize);
    this.#importCount++;
  }

  /** Adds a function; `body` is its code without the final `end`, `unlikely` are places in it (Code). Returns its index. */
  func(type: FuncType, locals: readonly ValTypeName[], body: Uint8Array, unlikely: readonly number[] = []): number {
    this.#funcs.push({ type: this.type(type), locals, body, unlikely });
    return this.#importedFuncs + this.#funcs.length - 1;
  }

  exportFunc(name: string, index: number): void {
    writeName(this.#exports, name);
    this.#exports.byte(0);
    this.#exports.u32(index);
    this.#exportCount++;
  }

  finish(): Uint8Array {
    const out = new Code();
    for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(byte);
    const types = new Code();
    types.u32(this.#typeBytes.length);
    for (const bytes of this.#typeBytes) types.append(bytes);
    section(out, 1, types);
    const imports = new Code();
    imports.u32(this.#importCount);
    imports.append(this.#imports.bytes, this.#imports.length);
    section(out, 2, imports);
    const funcs = new Code();
    funcs.u32(this.#funcs.length);
    for (const func of this.#funcs) funcs.u32(func.type);
    section(out, 3, funcs);
    const exports = new Code();
    exports.u32(this.#exportCount);
    exports.append(this.#exports.bytes, this.#exports.length);
    section(out, 7, exports);
    const codes = new Code();
    codes.u32(this.#funcs.length);
    const hints = new Code();
    hints.u32(this.#funcs.filter((func) => func.unlikely.length > 0).length);
    for (const [position, func] of this.#funcs.entries()) {
      const start = writeBody(codes, func);
      if (func.unlikely.length > 0) writeHints(hints, this.#importedFuncs + position, start, func.unlikely);
    }
    if (hints.bytes[0] !== 0) customSection(out, "metadata.code.branch_hint", hints);
    section(out, 10, codes);
    return out.finish();
  }
}

/** Returns how many bytes there are before the first instruction. */
function writeBody(out: Code, func: Func): number {
  const body = new Code();
  const runs: { type: ValTypeName; count: number }[] = [];
  for (const type of func.locals) {
    const last = runs[runs.length - 1];
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  body.u32(runs.length);
  for (const run of runs) {
    body.u32(run.count);
    body.byte(ValType[run.type]);
  }
  const start = body.length;
  body.append(func.body);
  body.end();
  out.u32(body.length);
  out.append(body.bytes, body.length);
  return start;
}

/** Branch hints of one function (branch hinting proposal, "Code metadata"): each one byte long, 0 for unlikely. */
function writeHints(out: Code, index: number, start: number, unlikely: readonly number[]): void {
  out.u32(index);
  out.u32(unlikely.length);
  for (const at of unlikely) {
    out.u32(start + at);
    out.u32(1);
    out.byte(0);
  }
}

/** Sections of metadata stand before the code section. */
function customSection(out: Code, name: string, content: Code): void {
  const named = new Code();
  writeName(named, name);
  named.append(content.bytes, content.length);
  section(out, 0, named);
}

function section(out: Code, id: number, content: Code): void {
  out.byte(id);
  out.u32(content.length);
  out.append(content.bytes, content.length);
}

function writeName(out: Code, name: string): void {
  out.u32(name.length);
  for (let i = 0; i < name.length; i++) out.byte(name.charCodeAt(i));
}
