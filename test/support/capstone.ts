/**
 * A small typed door to @alexaltea/capstone-js 5.0.9, the second opinion of the decoder's tests.
 *
 * The package's own `disasm` allocates an object with a byte array an instruction and throws strings, also for bytes it
 * does not know; here one instruction is asked for at a time, on buffers that live as long as the module.
 * Quirks: the default export is a factory, and each call makes a new module (3.3 MB of wasm), so it is kept; addresses
 * are BigInt; `getValue` must be used for reading, as memory growth replaces the module's views.
 */

import capstoneFactory from "@alexaltea/capstone-js";

interface CapstoneModule {
  readonly ARCH_X86: number;
  readonly MODE_32: number;
  readonly MODE_64: number;
  _malloc(bytes: number): number;
  _cs_malloc(handle: number): number;
  _cs_insn_name(handle: number, id: number): number;
  _cs_disasm_iter(handle: number, code: number, size: number, address: number, insn: number): number;
  getValue(pointer: number, type: string): number;
  setValue(pointer: number, value: number | bigint, type: string): void;
  writeArrayToMemory(bytes: Uint8Array, pointer: number): void;
  UTF8ToString(pointer: number): string;
  readonly Capstone: new (arch: number, mode: number) => { readonly handle_ptr: number };
}

/** Offsets in `cs_insn` of capstone 5 (include/capstone/capstone.h). */
const SIZE_OFFSET = 16;
const MNEMONIC_OFFSET = 42;
const OPERANDS_OFFSET = 74;

/** Bytes of the longest window handed to capstone at once. */
const WINDOW = 32;

export class Capstone {
  private readonly module: CapstoneModule;
  private readonly handles: { readonly 32: number; readonly 64: number };
  private readonly insn: number;
  private readonly code: number;
  private readonly cursor: number;

  constructor(module: CapstoneModule) {
    this.module = module;
    const open = (mode: number) => module.getValue(new module.Capstone(module.ARCH_X86, mode).handle_ptr, "*");
    this.handles = { 32: open(module.MODE_32), 64: open(module.MODE_64) };
    this.insn = module._cs_malloc(this.handles[64]);
    this.code = module._malloc(WINDOW);
    this.cursor = module._malloc(16);
  }

  /** Length of the instruction at bytes[offset], 0 if capstone knows none; the text getters then speak of it. */
  decode(bytes: Uint8Array, offset: number, end: number, codeBits: 32 | 64): number {
    const { module, cursor } = this;
    const window = bytes.subarray(offset, Math.min(end, offset + WINDOW));
    module.writeArrayToMemory(window, this.code);
    // code pointer, remaining size, address: all three are advanced by the call
    module.setValue(cursor, this.code, "i32");
    module.setValue(cursor + 4, window.length, "i32");
    module.setValue(cursor + 8, 0n, "i64");
    const found = module._cs_disasm_iter(this.handles[codeBits], cursor, cursor + 4, cursor + 8, this.insn);
    return found ? module.getValue(this.insn + SIZE_OFFSET, "i16") : 0;
  }

  /** The last instruction's mnemonic as capstone gives it, prefixes such as `rep` and `lock` included. */
  get mnemonic(): string {
    return this.module.UTF8ToString(this.insn + MNEMONIC_OFFSET);
  }

  /** The names of all instructions that capstone knows of x86, by id. */
  get names(): string[] {
    const names: string[] = [];
    for (let id = 1; ; id++) {
      const text = this.module._cs_insn_name(this.handles[64], id);
      if (text === 0) return names;
      names.push(this.module.UTF8ToString(text));
    }
  }

  get operands(): string {
    return this.module.UTF8ToString(this.insn + OPERANDS_OFFSET);
  }
}

let loaded: Promise<Capstone> | undefined;

/** The one Capstone of this process. */
export function loadCapstone(): Promise<Capstone> {
  loaded ??= (capstoneFactory() as Promise<CapstoneModule>).then((module) => new Capstone(module));
  return loaded;
}
