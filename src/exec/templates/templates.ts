/** Translation by templates (format.ts): the wasm side copies them, this side makes those that are lacking. */
import { Prefix, prefixes32, prefixes64 } from "../../isa/decode.ts";
import { compileEntry, formsOfOpcode, OpcodeMap, Shape } from "../../isa/decode-tables.ts";
import type { Feature, Form, Instruction } from "../../isa/instruction.ts";
import { opId } from "../../isa/ir/ops.ts";
import type { Lifter } from "../../isa/lift/context.ts";
import * as F from "./format.ts";
import { type Lacking, Recorder } from "./recorder.ts";

const SSE2: readonly Feature[] = [
  "base",
  "x64",
  "cet",
  "prefetchw",
  "cmov",
  "cx8",
  "fpu",
  "mmx",
  "fxsr",
  "sse",
  "sse2",
];

/**
 * For these features templates are prepared at build time, the larger set first: a template that exists on a CPU model that
 * lacks its instruction would run it.
 */
export const PREPARED_SETS: { readonly [name: string]: readonly Feature[] } = {
  v3: [
    ...SSE2,
    ...["cx16", "sse3", "ssse3", "sse4_1", "sse4_2", "popcnt", "lzcnt", "movbe", "bmi1", "bmi2"],
    ...["f16c", "fma", "avx", "avx2", "xsave"],
  ] as readonly Feature[],
  sse2: SSE2,
};

/** The exports of translate.wasm. */
export interface TranslateModule {
  configure(enter: number, jump: number): void;
  insert(template: number): void;
  translate(at: number, end: number, lo: number, hi: number, long: number, limit: number, out: number): number;
}

const CLASSES: Record<number, number> = {
  [Prefix.none]: 0,
  [Prefix.rex]: F.PREFIX_REX,
  [Prefix.addressSize]: F.PREFIX_SLOW,
};

/** A template and what it was made from. */
export interface Made {
  readonly template: number;
  readonly lacking: Lacking;
  /** Where the readable bytes ended. */
  readonly end: number;
}

const UNNAMED =
  /^(mul|div|idiv|cmpxchg.*|push|pop|call|jmp|maskmov.*|pcmp.str.*|blendv.*|pblendvb|sha256rnds2|fx.*|xsave.*|xrstor.*)$/;
const FIXED = /^(AL|CL|AX|DX|eAX|rAX|XMM0)$/;

/** Whether an instruction may use registers that ModR/M and SIB do not name; the recorder checks that others do not. */
function usesUnnamedRegisters({ mnemonic, operands }: Form): boolean {
  if (mnemonic === "imul" && operands.length === 1) return true;
  return UNNAMED.test(mnemonic) || operands.some((operand) => FIXED.test(operand));
}

export class Templates {
  readonly #module: TranslateModule;
  readonly #u8: Uint8Array;
  readonly #words: Int32Array;
  readonly #recorder: Recorder;
  /** The templates made, if somebody wants to know. */
  history: Made[] | undefined;

  constructor(
    buffer: ArrayBuffer,
    module: TranslateModule,
    lifterOf: (insn: Instruction) => Lifter | undefined | null,
    prepared?: Uint8Array,
  ) {
    this.#module = module;
    this.#u8 = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#recorder = new Recorder(buffer, lifterOf);
    module.configure(opId("enter"), opId("jump"));
    if (prepared !== undefined) {
      this.#u8.set(prepared, F.PREFIXES);
      this.#recorder.end = this.#words[F.RESULT >> 2] as number;
      return;
    }
    for (const [mode, classes] of [prefixes32, prefixes64].entries()) {
      for (let byte = 0; byte < 256; byte++) {
        this.#u8[F.PREFIXES + 256 * mode + byte] = CLASSES[classes[byte] as number] ?? F.PREFIX_LEGACY;
      }
    }
  }

  /**
   * Writes the block of at most `limit` instructions at host address `at` (none reaches to `end`) to the arena at `out`; what
   * it is lies at F.RESULT. Returns its end, or 0 if templates cannot express it.
   */
  translate(at: number, end: number, lo: number, hi: number, codeBits: 32 | 64, limit: number, out: number): number {
    const words = this.#words;
    const long = codeBits === 64 ? 1 : 0;
    for (;;) {
      const result = this.#module.translate(at, end, lo, hi, long, limit, out);
      if (result === F.TOO_SLOW) return 0;
      if (result !== F.LACKING) return result;
      if (words[F.RESULT_LACKS >> 2] === F.LACKS_OPCODE) this.#learnOpcode(words[F.RESULT_AT >> 2] as number);
      else if (!this.#record(end)) return 0;
    }
  }

  /** What kind of branch the last of so many instructions just translated is, if it is one that regions treat specially. */
  branchOfLast(instructions: number): "call" | "return" | undefined {
    const entry = F.LIST + F.LIST_BYTES * (instructions - 1);
    const flags = this.#words[((this.#words[(entry + F.LIST_TEMPLATE) >> 2] as number) + F.T_FLAGS) >> 2] as number;
    return flags & F.IS_CALL ? "call" : flags & F.IS_RETURN ? "return" : undefined;
  }

  #record(end: number): boolean {
    const word = (at: number): number => this.#words[at >> 2] as number;
    const at = word(F.RESULT_AT);
    const entry = word(F.RESULT_ENTRY);
    const rest = word(F.RESULT_KEY_REST);
    const offset = word(entry + F.LIST_OFFSET);
    const place = (of: number) => ({
      at: at - offset + word(of + F.LIST_OFFSET),
      fields: word(of + F.LIST_FIELDS),
      shape: word(of + F.LIST_SHAPE),
    });
    const before = entry - F.LIST_BYTES;
    const lacking = {
      ...place(entry),
      keyLo: word(F.RESULT_KEY_LO),
      keyHi: word(F.RESULT_KEY_HI),
      rest,
      extra: word(F.RESULT_EXTRA),
      previous: rest & F.KEY_FLAGS ? { ...place(before), template: word(before + F.LIST_TEMPLATE) } : undefined,
    };
    const template = this.add(lacking, end);
    if (template === 0) return false;
    this.history?.push({ template, lacking, end });
    return true;
  }

  /** Makes a template; returns its address, or 0 if there is no room. */
  add(lacking: Lacking, end: number): number {
    const template = this.#recorder.record(lacking, end);
    if (template !== 0) this.#module.insert(template);
    return template;
  }

  /** All templates, as the bytes to be put at F.PREFIXES. */
  image(): Uint8Array {
    const { end } = this.#recorder;
    this.#words[F.RESULT >> 2] = end;
    return this.#u8.slice(F.PREFIXES, end);
  }

  /** Fills in whether the opcode has a ModR/M byte. */
  #learnOpcode(index: number): void {
    const map = (index >> 8) % F.OPCODE_MAPS;
    const shape = compileEntry(index >> 8 >= F.OPCODE_MAPS ? 64 : 32, map, index & 0xff);
    let known: number = F.OPCODE_KNOWN;
    if (shape & Shape.modrm) known |= F.OPCODE_MODRM;
    if (shape & Shape.reg) known |= F.OPCODE_REG;
    if (shape & Shape.rm) known |= F.OPCODE_RM;
    if (shape & Shape.anymod) known |= F.OPCODE_SLOW;
    // x87: the last opcode is part of the state (FOP), registers are relative to the top.
    if (map === OpcodeMap.primary && (index & 0xf8) === 0xd8) known |= F.OPCODE_RAW;
    this.#u8[F.OPCODES + index] = known;
    let free = 0xff;
    for (const { form, digit } of formsOfOpcode(map, index & 0xff)) {
      if (usesUnnamedRegisters(form)) free &= digit < 0 ? 0 : ~(1 << digit);
    }
    this.#u8[F.OPCODES_FREE + index] = free;
  }
}
