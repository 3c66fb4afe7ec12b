/** Decodes and lifts a run of instructions and writes its IR records into the arena. */
import type { FrameNumber } from "../base/address.ts";
import { decode, newInstruction } from "../isa/decode.ts";
import { DecodeStatus, type Feature, type Form, type Instruction } from "../isa/instruction.ts";
import { Builder, ENTER, KILLED, sizeAt } from "../isa/ir/builder.ts";
import { CONST_SLOT, OPS, type OpDef } from "../isa/ir/ops.ts";
import { Lift, type Lifter } from "../isa/lift/context.ts";
import { lifterOf } from "../isa/lift/table.ts";
import { mnemonicOf } from "../isa/mnemonic.ts";
import type { PhysicalMemory } from "../memory/physical.ts";
import { Access, type AddressTranslation } from "../memory/translation.ts";
import { type Block, translationMode } from "./block.ts";
import { Fuser, writeFusedTables } from "./interp/fused.ts";
import { ARENA, ARENA_END, BLOCK_HEADER, Leave } from "./layout.ts";
import { RESULT_COUNT, RESULT_OFFSETS, RESULT_RECORD } from "./templates/format.ts";
import { PREPARED_SETS, Templates, type TranslateModule } from "./templates/templates.ts";

const PAGE = 4096;
const TRANSIENT = ARENA_END - 0x40000;
/**
 * Bytes of records after which everything is dropped: 1.3 million instructions, more than large programs execute (gcc -O2: 0.8
 * million). What the dispatcher remembers of the blocks takes about as much again.
 */
const ARENA_LIMIT = 56 * 1024 * 1024;
const TYPICAL_BLOCK = 8;
const INVALID_OPCODE = 6;
const GENERAL_PROTECTION = 13;
const TWO32 = 0x1_0000_0000;

/** Why no block could be made at an address: the #PF error code of the fetch and the address it is for. */
export interface FetchFault {
  errorCode: number;
  address: number;
}

/** The IR of a block, with dead operations left out (formats: src/isa/ir/builder.ts). */
export interface LiftedBlock {
  readonly words: Int32Array;
  readonly constLo: readonly number[];
  readonly constHi: readonly number[];
  /** Offset of each instruction from the first one; one more for the end. */
  readonly offsets: Uint16Array;
  readonly instructions: number;
  /** The block ends in a CALL or RET. */
  readonly branch: "call" | "return" | undefined;
}

/** Features that every processor of folio has, or whose forms do nothing where they are not known. */
const ALWAYS: readonly Feature[] = ["base", "x64", "cet", "prefetchw"];

/** The largest prepared set of templates whose features the CPU model has. */
function preparedSet(features: ReadonlySet<string>): string | undefined {
  const fits = ([, needed]: readonly [string, readonly Feature[]]) => needed.every((feature) => features.has(feature));
  return Object.entries(PREPARED_SETS).find(fits)?.[0];
}

export class Translator {
  /** Executions after which a block of TYPICAL_BLOCK instructions counts as hot; 0: never. */
  hotAfter = 0;
  readonly fault: FetchFault = { errorCode: 0, address: 0 };
  /** Trap sites are translated as the instructions they cover. */
  ignoreTraps = false;
  readonly #phys: PhysicalMemory;
  readonly #features: ReadonlySet<string>;
  readonly #builder = new Builder();
  readonly #insn = newInstruction();
  readonly #lift: Lift;
  readonly #templates: Templates;
  /** Lifter by form id; null: not looked up yet, undefined: none. */
  readonly #lifters: (Lifter | undefined | null)[] = [];
  readonly #window = new Uint8Array(32);
  readonly #offsets = new Uint16Array(66);
  readonly #fuser: Fuser;
  #arena = ARENA;
  #nextId = 1;

  /** `loadTemplates` gives a set of PREPARED_SETS by name, if the build has made it. */
  constructor(
    phys: PhysicalMemory,
    features: readonly string[],
    module: TranslateModule,
    loadTemplates?: (set: string) => Uint8Array | undefined,
  ) {
    this.#phys = phys;
    this.#features = new Set([...ALWAYS, ...features]);
    this.#lift = new Lift(this.#builder, this.#insn);
    writeFusedTables(phys.u8);
    this.#fuser = new Fuser(phys.u8);
    const set = preparedSet(this.#features);
    this.#templates = new Templates(
      phys.memory.buffer,
      module,
      (insn) => this.#lifterFor(insn.form),
      set === undefined ? undefined : loadTemplates?.(set),
    );
  }

  /** EFLAGS.AC is set in the code that is translated. */
  get checksAlignment(): boolean {
    return this.#builder.checksAlignment;
  }

  set checksAlignment(on: boolean) {
    this.#builder.checksAlignment = on;
  }

  /** Executions after which a block of so many instructions is hot: long ones earn their compilation sooner. */
  hotCount(instructions: number): number {
    return this.hotAfter === 0
      ? 0
      : Math.max(1, Math.round((this.hotAfter * TYPICAL_BLOCK) / Math.max(instructions, 4)));
  }

  /** Bytes of the arena in use. */
  get arenaBytes(): number {
    return this.#arena - ARENA;
  }

  /** Whether the arena can take another block of any size. */
  hasRoom(): boolean {
    return this.#arena < ARENA + ARENA_LIMIT;
  }

  clear(): void {
    this.#arena = ARENA;
  }

  /**
   * Translates at most `limit` instructions from the linear address (lo, hi), a canonical user address. Returns undefined if
   * the first instruction cannot be fetched (`fault` says why). A `transient` block is overwritten by the next one.
   */
  translate(
    space: AddressTranslation,
    lo: number,
    hi: number,
    codeBits: 32 | 64,
    limit: number,
    transient: boolean,
  ): Block | undefined {
    const start = (hi >>> 0) * TWO32 + (lo >>> 0);
    const page = Math.floor(start / PAGE);
    const frame = space.walk(page, Access.execute);
    if (frame < 0) {
      this.fault.errorCode = -frame - 1;
      this.fault.address = start;
      return undefined;
    }
    const kept = this.#arena;
    if (transient) this.#arena = TRANSIENT;
    const block =
      this.#fromTemplates(lo, hi, codeBits, frame, limit) ?? this.#byLifting(space, lo, hi, codeBits, frame, limit);
    if (transient) this.#arena = kept;
    return block;
  }

  /** The block made of templates, if they can express it. */
  #fromTemplates(lo: number, hi: number, codeBits: 32 | 64, frame: FrameNumber, limit: number): Block | undefined {
    if (this.#builder.checksAlignment || this.#phys.trapsOf(frame) !== undefined) return undefined;
    const at = frame * PAGE + (lo & (PAGE - 1));
    const out = this.#arena;
    const end = this.#templates.translate(at, (frame + 1) * PAGE, lo, hi, codeBits, limit, out);
    if (end === 0) return undefined;
    const words = this.#phys.i32;
    const id = this.#nextId++;
    const record = words[RESULT_RECORD >> 2] as number;
    const instructions = words[RESULT_COUNT >> 2] as number;
    words[(out >> 2) + 2] = id;
    words[(record >> 2) + 2] = this.hotCount(instructions);
    this.#arena = end;
    const offsets = words[RESULT_OFFSETS >> 2] as number;
    const branch = this.#templates.branchOfLast(instructions);
    return {
      id,
      lo,
      hi,
      codeBits,
      mode: translationMode(codeBits, false),
      record,
      instructions,
      offsets,
      frame,
      frame2: -1,
      unsupported: "",
      branch,
      valid: true,
      wasHot: false,
      region: 0,
      regionPages: [],
    };
  }

  /** The block lifted instruction by instruction; undefined if the first one cannot be fetched. */
  #byLifting(
    space: AddressTranslation,
    lo: number,
    hi: number,
    codeBits: 32 | 64,
    frame: FrameNumber,
    limit: number,
  ): Block | undefined {
    const start = (hi >>> 0) * TWO32 + (lo >>> 0);
    const page = Math.floor(start / PAGE);
    const first = start % PAGE;
    const end = this.#liftFrom(frame, start, codeBits, limit);
    let { count } = end;
    let frame2 = -1;
    let unsupported = end.unsupported;
    if (count === 0) {
      // The instruction goes on in the next page: it is alone in its block.
      frame2 = space.walk(page + 1, Access.execute);
      if (frame2 < 0) {
        this.fault.errorCode = -frame2 - 1;
        this.fault.address = (page + 1) * PAGE;
        return undefined;
      }
      const status = this.#decodeAcross(frame * PAGE + first, PAGE - first, frame2, codeBits);
      unsupported = this.#liftOne(status, start, frame * PAGE + first, PAGE - first);
      this.#offsets[0] = 0;
      this.#offsets[1] = this.#insn.length;
      count = 1;
    }
    this.#finishBlock(start, count, codeBits);
    return this.#write(lo, hi, codeBits, frame, frame2, count, unsupported);
  }

  /** Bytes from the block's first instruction to instruction `index`. */
  offsetOf(block: Block, index: number): number {
    const word = this.#phys.i32[(block.offsets >> 2) + (index >> 1)] as number;
    return (word >>> (16 * (index & 1))) & 0xffff;
  }

  /** The instruction at (lo, hi), valid until the next translation; undefined if it cannot be fetched. */
  instructionAt(space: AddressTranslation, lo: number, hi: number, codeBits: 32 | 64): Instruction | undefined {
    const frame = space.walk(Math.floor(((hi >>> 0) * TWO32 + (lo >>> 0)) / PAGE), Access.execute);
    if (frame < 0) return undefined;
    const kept = this.#arena;
    this.#arena = TRANSIENT;
    const block = this.#byLifting(space, lo, hi, codeBits, frame, 1);
    this.#arena = kept;
    return block === undefined ? undefined : this.#insn;
  }

  /** The IR of the block at (lo, hi) in `frame`, for compilation; undefined if it does not lie in the one page. */
  lift(frame: FrameNumber, lo: number, hi: number, codeBits: 32 | 64, limit: number): LiftedBlock | undefined {
    const start = (hi >>> 0) * TWO32 + (lo >>> 0);
    const { count } = this.#liftFrom(frame, start, codeBits, limit);
    if (count === 0) return undefined;
    this.#finishBlock(start, count, codeBits);
    const { words, length, constLo, constHi } = this.#builder;
    const kept = new Int32Array(length);
    let size = 0;
    for (let from = 0; from < length; ) {
      const step = sizeAt(words, from);
      if (!((words[from] as number) & KILLED)) {
        kept.set(words.subarray(from, from + step), size);
        size += step;
      }
      from += step;
    }
    return {
      words: kept.slice(0, size),
      constLo: constLo.slice(),
      constHi: constHi.slice(),
      offsets: this.#offsets.slice(0, count + 1),
      instructions: count,
      branch: this.#builder.branch,
    };
  }

  /** Lifts instructions from `start` until the block ends, the page does, or `limit` is reached. */
  #liftFrom(
    frame: FrameNumber,
    start: number,
    codeBits: 32 | 64,
    limit: number,
  ): { count: number; unsupported: string } {
    const builder = this.#builder;
    builder.reset();
    const bytes = this.#phys.u8;
    const pageBase = frame * PAGE;
    const first = start % PAGE;
    let at = first;
    let count = 0;
    let unsupported = "";
    const traps = this.ignoreTraps ? undefined : this.#phys.trapsOf(frame);
    while (!builder.ended && at < PAGE && count < limit && builder.hasRoom()) {
      const trap = traps?.get(at);
      if (trap !== undefined) {
        if (count === 0) this.#liftTrap(start, trap, count++);
        break;
      }
      const status = decode(bytes, pageBase + at, pageBase + PAGE, codeBits, this.#insn);
      if (status === DecodeStatus.truncated) break;
      this.#offsets[count] = at - first;
      unsupported = this.#liftOne(status, start + at - first, pageBase + at, PAGE - at);
      at += this.#insn.length;
      count++;
    }
    this.#offsets[count] = at - first;
    return { count, unsupported };
  }

  /** A trap site is a block of its own, which leaves for the kernel; RIP stays, and its one instruction is not counted. */
  #liftTrap(address: number, trap: number, index: number): void {
    this.#offsets[index] = 0;
    this.#builder.beginInstruction();
    this.#builder.end("leave", Leave.trap, trap, address | 0, Math.floor(address / TWO32) | 0);
    this.#builder.endInstruction();
  }

  /** A block that ends for no reason of its own goes on behind its last instruction. */
  #finishBlock(start: number, count: number, codeBits: 32 | 64): void {
    const builder = this.#builder;
    if (builder.ended) return;
    const end = start + (this.#offsets[count] as number);
    builder.end("jump", end | 0, codeBits === 64 ? Math.floor(end / TWO32) | 0 : 0, 0, 0);
    builder.endInstruction();
  }

  #decodeAcross(at: number, count: number, frame2: FrameNumber, codeBits: 32 | 64): DecodeStatus {
    const window = this.#window;
    const bytes = this.#phys.u8;
    window.set(bytes.subarray(at, at + count));
    window.set(bytes.subarray(frame2 * PAGE, frame2 * PAGE + window.length - count), count);
    return decode(window, 0, window.length, codeBits, this.#insn);
  }

  /** Lifts the decoded instruction; returns its description if folio lacks it, else "". */
  #liftOne(status: DecodeStatus, address: number, byteOffset: number, available: number): string {
    const lift = this.#lift;
    const insn = this.#insn;
    lift.begin(address | 0, Math.floor(address / TWO32) | 0);
    if (status !== DecodeStatus.ok) {
      lift.raise(status === DecodeStatus.tooLong ? GENERAL_PROTECTION : INVALID_OPCODE);
      this.#builder.endInstruction();
      return "";
    }
    const lifter = this.#lifterFor(insn.form);
    if (lifter === null) {
      lift.raise(INVALID_OPCODE);
      this.#builder.endInstruction();
      return "";
    }
    if (lifter === undefined) {
      lift.raise(INVALID_OPCODE);
      this.#builder.endInstruction();
      const length = Math.min(insn.length, available);
      const hex = Array.from(this.#phys.u8.subarray(byteOffset, byteOffset + length), (byte) =>
        byte.toString(16).padStart(2, "0"),
      );
      return `${hex.join(" ")} ${mnemonicOf(insn)}`;
    }
    lifter(lift);
    this.#builder.endInstruction();
    return "";
  }

  /** The lifter of a form; null if the CPU model lacks it (#UD), undefined if folio does. */
  #lifterFor(form: Form): Lifter | undefined | null {
    const known = this.#lifters[form.id];
    if (known !== undefined || form.id in this.#lifters) return known;
    const lifter = this.#resolve(form);
    this.#lifters[form.id] = lifter;
    return lifter;
  }

  #resolve(form: Form): Lifter | undefined | null {
    if (this.#features.has(form.feature)) return lifterOf(form.mnemonic);
    const { fallback } = form as Form & { fallback?: Form | null };
    return fallback ? this.#resolve(fallback) : null;
  }

  #write(
    lo: number,
    hi: number,
    codeBits: 32 | 64,
    frame: FrameNumber,
    frame2: FrameNumber,
    instructions: number,
    unsupported: string,
  ): Block {
    const { words, length, constLo, constHi } = this.#builder;
    const out = this.#phys.i32;
    const id = this.#nextId++;
    let at = this.#arena >> 2;
    out[at] = lo;
    out[at + 1] = hi;
    out[at + 2] = id;
    at += BLOCK_HEADER >> 2;
    // Constants lie before the records, so that their addresses are known.
    const constants = at << 2;
    for (let i = 0; i < constLo.length; i++) {
      out[at++] = constLo[i] as number;
      out[at++] = constHi[i] as number;
    }
    const record = at << 2;
    let head = at;
    this.#fuser.begin(ENTER);
    out[at++] = ENTER;
    out[at++] = instructions;
    out[at++] = this.hotCount(instructions);
    out[at++] = 0;
    for (let from = 0; from < length; ) {
      const size = sizeAt(words, from);
      if ((words[from] as number) & KILLED) {
        from += size;
        continue;
      }
      const def = OPS[(words[from] as number) & 0xffff] as OpDef;
      const fused = this.#fuser.next(def.id);
      if (fused === 0) head = at;
      else out[head] = ((out[head] as number) & ~0xffff) | fused;
      out[at++] = words[from] as number;
      let arg = from + 1;
      if (def.result !== "none" && def.result !== "flags") out[at++] = words[arg++] as number;
      for (const type of def.args) {
        const value = words[arg++] as number;
        out[at++] = type !== "imm" && value >= CONST_SLOT ? constants + 8 * (value - CONST_SLOT) : value;
      }
      from += size;
    }
    const offsets = at << 2;
    for (let i = 0; i <= instructions; i += 2) {
      out[at++] = (this.#offsets[i] as number) | ((this.#offsets[i + 1] as number) << 16);
    }
    this.#arena = ((at << 2) + 15) & ~15;
    const mode = translationMode(codeBits, this.#builder.checksAlignment);
    const { branch } = this.#builder;
    return {
      id,
      lo,
      hi,
      codeBits,
      mode,
      record,
      instructions,
      offsets,
      frame,
      frame2,
      unsupported,
      branch,
      valid: true,
      wasHot: false,
      region: 0,
      regionPages: [],
    };
  }
}
