/** Which wasm locals of a region stand for which slots. Registers live in locals from entry to exit; temporaries are locals too. */
import { FLAG_AUX, FLAG_RESULT, GPR, TEMP_COUNT, TEMPS, YMM, YMM_STRIDE } from "../../isa/cpu-block.ts";
import type { ValTypeName } from "../../wasm/opcodes.ts";

export type SlotPlace =
  | { readonly kind: "gpr"; readonly reg: number; readonly offset: number }
  /** Half a YMM register: `reg` 2i is XMMi, 2i + 1 the bits above it. */
  | { readonly kind: "vec"; readonly reg: number; readonly offset: number }
  | { readonly kind: "temp"; readonly index: number; readonly offset: number }
  | { readonly kind: "flagResult" }
  | { readonly kind: "flagAux" }
  | { readonly kind: "memory"; readonly address: number };

const GPR_END = GPR + 128;
const YMM_END = YMM + 16 * YMM_STRIDE;
const TEMPS_END = TEMPS + 16 * TEMP_COUNT;

/** What the slot at `address` is. */
export function placeOf(address: number): SlotPlace {
  if (address >= GPR && address < GPR_END)
    return { kind: "gpr", reg: (address - GPR) >> 3, offset: (address - GPR) & 7 };
  if (address >= TEMPS && address < TEMPS_END) {
    return { kind: "temp", index: (address - TEMPS) >> 4, offset: (address - TEMPS) & 15 };
  }
  if (address >= YMM && address < YMM_END) {
    return { kind: "vec", reg: (address - YMM) >> 4, offset: (address - YMM) & 15 };
  }
  if (address === FLAG_RESULT) return { kind: "flagResult" };
  if (address === FLAG_AUX) return { kind: "flagAux" };
  return { kind: "memory", address };
}

/** Hands out wasm locals, parameters first. */
export class Locals {
  readonly types: ValTypeName[] = [];
  readonly #params: number;
  readonly #named = new Map<string, number>();

  constructor(params: number) {
    this.#params = params;
  }

  /** The local of that name, made at first use. */
  named(name: string, type: ValTypeName): number {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    const index = this.#params + this.types.length;
    this.types.push(type);
    this.#named.set(name, index);
    return index;
  }

  find(name: string): number | undefined {
    return this.#named.get(name);
  }
}
