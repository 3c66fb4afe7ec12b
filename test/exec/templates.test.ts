/**
 * Blocks made of templates against the same code lifted: the same operations on the same slots and constants. Blocks of one
 * and two instructions are compared to the word. Templates ask for flags where the lifters know their source in some cases only.
 */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { Fuser, firstOp } from "../../src/exec/interp/fused.ts";
import { RESULT_RECORD } from "../../src/exec/templates/format.ts";
import type { TranslateModule } from "../../src/exec/templates/templates.ts";
import { Translator } from "../../src/exec/translator.ts";
import { NodeWasm } from "../../src/host-node/wasm.ts";
import { HELPER_DATA, TEMPS } from "../../src/isa/cpu-block.ts";
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { DecodeStatus } from "../../src/isa/instruction.ts";
import { ENTER, opDef, opWords, overwritesAll } from "../../src/isa/ir/builder.ts";
import { CONST_SLOT } from "../../src/isa/ir/ops.ts";
import { HOST_AREA_BYTES, PhysicalMemory } from "../../src/memory/physical.ts";
import type { AddressTranslation } from "../../src/memory/translation.ts";
import { fixturesPath } from "../fixtures/programs.ts";
import { decodeCorpus } from "../support/cpu-corpus.ts";
import { readText } from "../support/elf-text.ts";
import { FEATURES } from "../support/folio-cpu.ts";

const RAM = 4 * 1024 * 1024;
const PAGE = 4096;
/** Where the code stands: a carry goes from the low half of its addresses into the high one. */
const LOW = 0xffff_f000 | 0;
const HIGH = 0x5a;
const ENTER_WORDS = 4;
/** Of pages and of cases, so many'th ones are compared. */
const EVERY = 4;

const wasm = new NodeWasm([path.join(import.meta.dirname, "../../dist")]);
const insn = newInstruction();

/** What an operation is, with the values of its constants in place of where they lie. */
function operations(
  words: Int32Array,
  from: number,
  to: number,
  constant: (slot: number) => string | number,
): string[] {
  const lines: string[] = [];
  // Templates begin with the first temporary, the lifters go on where the instruction before ended.
  const temporaries = new Map<number, string>();
  const slot = (address: number): string | number => {
    if (address < TEMPS) return address;
    if (!temporaries.has(address)) temporaries.set(address, `t${temporaries.size}`);
    return temporaries.get(address) as string;
  };
  let instruction = -1;
  for (let at = from; at < to; at += opWords(firstOp(words[at] as number))) {
    const head = words[at] as number;
    const def = firstOp(head);
    const line: (string | number)[] = [def.name, head >> 16];
    let arg = at + 1;
    if (head >> 16 !== instruction) temporaries.clear();
    instruction = head >> 16;
    if (def.result !== "none" && def.result !== "flags") line.push(slot(words[arg++] as number));
    for (const type of def.args) {
      const value = words[arg++] as number;
      line.push(type === "imm" ? value : isState(value) ? slot(value) : constant(value));
    }
    lines.push(line.join(" "));
  }
  return lines;
}

function recordKinds(words: Int32Array, from: number, to: number): number[] {
  const kinds: number[] = [];
  for (let at = from; at < to; at += opWords(firstOp(words[at] as number))) kinds.push((words[at] as number) & 0xffff);
  return kinds;
}

/** A register or a temporary, not a constant. */
const isState = (slot: number): boolean => slot < HELPER_DATA;
const both = (lo: number, hi: number): string => `${(hi >>> 0).toString(16)}:${(lo >>> 0).toString(16)}`;

/**
 * The lifters keep flags that INC, DEC, shifts and the like wrote (they read the old ones); templates drop them where the next
 * instruction overwrites all flags and neither exits nor reads flags before that.
 */
function withoutDead(lifted: string[], made: readonly string[]): string[] {
  const isFlags = (line: string) => /^flags\w+ 0 /.test(line);
  const next = lifted.findIndex((line) => {
    const [name, instruction] = line.split(" ") as [string, string];
    return instruction === "1" && name.startsWith("flags") && overwritesAll(opDef(name));
  });
  if (next < 0 || made.some(isFlags)) return lifted;
  const before = lifted.slice(0, next).filter((line) => line.split(" ")[1] === "1");
  const sees = before.some((line) => /^(load|store|cond)/.test(line) || / 42(32|40)( |$)/.test(line));
  return sees ? lifted : lifted.filter((line) => !isFlags(line));
}

/** Compares what the translator makes of code by templates and by lifting. */
class Comparison {
  readonly #phys: PhysicalMemory;
  readonly #translator: Translator;
  readonly #space: AddressTranslation;
  readonly #frame: number;
  /** Blocks made of templates, and those that were lifted all the same. */
  readonly counts = { templates: 0, lifted: 0, unfused: 0 };
  readonly failures: string[] = [];

  constructor() {
    const memory = wasm.createMemory((HOST_AREA_BYTES + RAM) / 65536);
    this.#phys = new PhysicalMemory(memory, RAM);
    const module = wasm.instantiate(wasm.loadModule("translate"), { env: { memory } });
    this.#translator = new Translator(this.#phys, FEATURES.split(" "), module as unknown as TranslateModule);
    const frame = this.#phys.allocFrame();
    this.#frame = frame;
    this.#space = { walk: () => frame } as unknown as AddressTranslation;
  }

  /** Puts the bytes at the beginning of the page, behind them 0xcc. */
  place(bytes: Uint8Array): void {
    this.#phys.u8
      .fill(0xcc, this.#frame * PAGE, (this.#frame + 1) * PAGE)
      .set(bytes.subarray(0, PAGE), this.#frame * PAGE);
  }

  #templates(offset: number, bits: 32 | 64, limit: number): string[] | undefined {
    const words = this.#phys.i32;
    words[RESULT_RECORD >> 2] = 0;
    const lo = (LOW + offset) | 0;
    const hi = bits === 64 ? HIGH : 0;
    const block = this.#translator.translate(this.#space, lo, hi, bits, limit, true);
    if (block === undefined || words[RESULT_RECORD >> 2] !== block.record) return undefined;
    const start = block.record >> 2;
    const offsets = Array.from({ length: block.instructions + 1 }, (_, i) => this.#translator.offsetOf(block, i));
    expect(firstOp(words[start] as number).id).toBe(ENTER);
    expect(recordKinds(words, start, block.offsets >> 2)).toEqual(this.#fusedKinds(words, start, block.offsets >> 2));
    const constant = (slot: number) => both(words[slot >> 2] as number, words[(slot >> 2) + 1] as number);
    return [
      `${block.instructions} ${offsets} ${block.branch} ${words[start + 1]}`,
      ...operations(words, start + ENTER_WORDS, block.offsets >> 2, constant),
    ];
  }

  /** The numbers of the records, as they are where nothing but the operations is known. */
  #fusedKinds(words: Int32Array, from: number, to: number): number[] {
    const fuser = new Fuser(this.#phys.u8);
    const kinds: number[] = [];
    let head = 0;
    fuser.begin(ENTER);
    for (let at = from; at < to; at += opWords(firstOp(words[at] as number))) {
      const { id } = firstOp(words[at] as number);
      const fused = at === from ? 0 : fuser.next(id);
      if (fused === 0) head = kinds.length;
      else kinds[head] = fused;
      kinds.push(id);
    }
    return kinds;
  }

  #lifted(offset: number, bits: 32 | 64, limit: number): string[] {
    const block = this.#translator.lift(this.#frame, (LOW + offset) | 0, bits === 64 ? HIGH : 0, bits, limit);
    if (block === undefined) return ["nothing"];
    const constant = (slot: number) =>
      both(block.constLo[slot - CONST_SLOT] as number, block.constHi[slot - CONST_SLOT] as number);
    return [
      `${block.instructions} ${Array.from(block.offsets)} ${block.branch} ${block.instructions}`,
      ...operations(block.words, 0, block.words.length, constant),
    ];
  }

  /** Compares the block of at most `limit` instructions at the offset in the page. */
  compare(offset: number, bits: 32 | 64, limit: number): void {
    const made = this.#templates(offset, bits, limit);
    if (made === undefined) {
      this.counts.lifted++;
      return;
    }
    this.counts.templates++;
    const lifted = withoutDead(this.#lifted(offset, bits, limit), made);
    const differs = made.findIndex((line, i) => line !== lifted[i]);
    if (differs < 0 && made.length === lifted.length) return;
    const asks = (lines: readonly string[]) => lines.some((line) => /^cond\w+ 1 /.test(line));
    if (asks(made) && !asks(lifted)) {
      this.counts.unfused++;
      return;
    }
    const at = this.#frame * PAGE + offset;
    const bytes = Array.from(this.#phys.u8.subarray(at, at + 24), (byte) => byte.toString(16).padStart(2, "0"));
    this.failures.push(`${bits} [${bytes.join(" ")}] limit ${limit}: ${made[differs]} | ${lifted[differs]}`);
  }

  /** Compares all instructions of a page of code, alone and with the next one. */
  page(bytes: Uint8Array, bits: 32 | 64): void {
    this.place(bytes);
    for (let offset = 0; offset < bytes.length; ) {
      const known = decode(bytes, offset, bytes.length, bits, insn) === DecodeStatus.ok;
      const { length } = insn;
      this.compare(offset, bits, 1);
      this.compare(offset, bits, 2);
      offset += known ? length : 1;
    }
  }
}

describe("templates say what the lifters say", () => {
  const comparison = new Comparison();

  test.each(["amd64-static", "i386-static", "amd64-static-musl", "i386-static-musl"])("%s", (build) => {
    const { bytes, codeBits } = readText(`${fixturesPath}programs/memtest/bin/${build}`);
    for (let at = 0; at < bytes.length; at += EVERY * PAGE) comparison.page(bytes.subarray(at, at + PAGE), codeBits);
    expect(comparison.failures.slice(0, 10)).toEqual([]);
  });

  test.each(["corpus.gz", "sequences.gz"])("recorded cases of %s", (file) => {
    let index = 0;
    for (const { test: recorded } of decodeCorpus(readFileSync(`${fixturesPath}native/cpu/${file}`))) {
      if (index++ % EVERY !== 0) continue;
      comparison.place(recorded.code);
      comparison.compare(0, recorded.codeBits, 1);
      comparison.compare(0, recorded.codeBits, 2);
    }
    expect(comparison.failures.slice(0, 10)).toEqual([]);
  });

  test("and most code is made of them", () => {
    const { templates, lifted, unfused } = comparison.counts;
    expect(templates / (templates + lifted)).toBeGreaterThan(0.9);
    expect(unfused / templates).toBeLessThan(0.03);
  });
});
