/**
 * The processor: runs translated blocks, repairs what stops them (unknown code, TLB misses, writes to code) and tells the
 * kernel why it stopped. Satisfies CpuRunner of src/kernel/cpu.ts.
 */
import { InternalError } from "../base/errors.ts";
import type { HostClock, HostWasm } from "../host/host.ts";
import {
  EFLAGS_REST,
  EXIT_ADDRESS,
  EXIT_BLOCK,
  EXIT_DETAIL,
  EXIT_INSN,
  FUEL,
  RIP,
  YMM,
  YMM_STRIDE,
} from "../isa/cpu-block.ts";
import { opId } from "../isa/ir/ops.ts";
import { accessSize, isStackAccess } from "../isa/stack-access.ts";
import type { PhysicalMemory } from "../memory/physical.ts";
import {
  Access,
  type AddressTranslation,
  PF_INSTR,
  PF_PRESENT,
  PF_USER,
  PF_WRITE,
  type TranslationCache,
} from "../memory/translation.ts";
import { type Block, checksAlignment, translationMode } from "./block.ts";
import { CodeCache } from "./code-cache.ts";
import { type CpuIdentity, HostCalls, isStackSegmentLoad } from "./host-calls.ts";
import { DEFAULT_TIERS, HotCode, type TierPolicy } from "./hot-code.ts";
import { recordsFingerprint } from "./interp/fused.ts";
import { Compiler } from "./jit/compiler.ts";
import { ADDRESS_LIMIT, Leave, PAGE_ROOT, REGION_CALLS, REGION_INSTRUCTIONS, SAVED_PC, TLB_FILLS } from "./layout.ts";
import { Registers } from "./registers.ts";
import type { DescriptorTable } from "./segments.ts";
import type { TranslateModule } from "./templates/templates.ts";
import { Tlb, type TlbExports } from "./tlb.ts";
import { Translator } from "./translator.ts";

const MAX_SLICE = 1 << 30;
const JUMP_TO = opId("jumpTo");
const RSP = 4;
const TF = 0x100;
const RF = 0x1_0000;
const AC = 0x4_0000;
/** DR6.BS: a #DB of single-stepping (SDM volume 3, section 19.2.3). */
const DR6_BS = 0x4000;
const YMM_WORDS = (16 * YMM_STRIDE) / 4;
const BLOCK_LIMIT = 48;
const TWO32 = 0x1_0000_0000;
const USER_END = 2 ** 47;

const Exit = { budget: 0, exception: 4 } as const;
const Vector = { debug: 1, stackFault: 12, generalProtection: 13, pageFault: 14 } as const;

/** What a run has cost; for --stats. */
export interface CpuStats {
  instructions: number;
  blocks: number;
  translations: number;
  translatedInstructions: number;
  arenaBytes: number;
  tlbFills: number;
  lookups: number;
  codeWrites: number;
  regions: number;
  modules: number;
  regionBytes: number;
  /** Guest instructions in the regions; one in several regions counts in each. */
  compiledInstructions: number;
  /** Calls of regions by the interpreter, and instructions executed in regions. */
  regionCalls: number;
  regionInstructions: number;
  /** Nanoseconds in which regions were made; V8's optimising compiler works beside that, in threads of its own. */
  compileNs: number;
  /** How often all translations were dropped because there was no room for more. */
  drops: number;
  /** How often compiled code was left for the dispatcher, by reason. */
  exits: readonly { readonly reason: string; readonly count: number }[];
}

export interface CpuInit {
  readonly tiers?: TierPolicy;
  readonly phys: PhysicalMemory;
  readonly wasm: HostWasm;
  readonly identity: CpuIdentity;
  /** For `CpuStats.compileNs`. */
  readonly clock?: Pick<HostClock, "monotonicNs">;
}

type Run = (record: number) => number;

/** Makes the processor of a machine, on its physical memory. */
export function createCpu(init: CpuInit): Cpu {
  return new Cpu(init);
}

export class Cpu implements TranslationCache {
  readonly state: Registers;
  readonly fault = { vector: 0, errorCode: 0, address: 0, unsupported: "" };
  /** The trap that the last run ended at. */
  trap = 0;
  #passTrap = false;
  descriptor: DescriptorTable | undefined;
  readonly #phys: PhysicalMemory;
  readonly #wasm: HostWasm;
  readonly #words: Int32Array;
  readonly #run: Run;
  readonly #tlb: Tlb;
  readonly #code: CodeCache;
  readonly #translator: Translator;
  readonly #hostCalls: HostCalls;
  #space: AddressTranslation | undefined;
  /** Blocks of the moment: the tail of a time slice, a single step. Their memory is reused. */
  #transient: Block | undefined;
  /** The instruction that wrote to code last. A REP that overwrites itself goes on as it was fetched (as on AMD's Zen 3). */
  #repeating: Block | undefined;
  #instructions = 0;
  /** The mode (src/exec/block.ts) that links and jump cache are for. */
  #mode = 0;
  /** The last instruction has loaded SS. */
  #afterStackSegment = false;
  #fuelGiven = 0;
  /** The count beyond which the run may end at a block that does not fit the fuel, so that something has run. */
  #wholeBlocksFrom = Number.POSITIVE_INFINITY;
  /** Where a page fault stopped; the kernel has usually only to map the page. */
  #resume: { record: number; fuel: number; generation: number } | undefined;
  readonly #counters = {
    translations: 0,
    translatedInstructions: 0,
    lookups: 0,
    codeWrites: 0,
    drops: 0,
  };
  /** By Leave. */
  readonly #exits = new Float64Array(32);
  readonly #compiler: Compiler;
  readonly #hotCode: HotCode;

  constructor({ phys, wasm, identity, clock, tiers = DEFAULT_TIERS }: CpuInit) {
    this.#phys = phys;
    this.#wasm = wasm;
    this.#words = phys.i32;
    this.state = new Registers(phys.memory.buffer);
    this.#code = new CodeCache(phys);
    this.#hostCalls = new HostCalls(this, identity, phys.memory.buffer);
    phys.cache = this;
    const translate = wasm.instantiate(wasm.loadModule("translate"), { env: { memory: phys.memory } });
    this.#translator = new Translator(phys, identity.features, translate as unknown as TranslateModule, (set) =>
      wasm.loadTemplates?.(set),
    );
    this.#compiler = new Compiler(wasm, phys.memory);
    this.#hotCode = new HotCode({
      tiers,
      words: this.#words,
      code: this.#code,
      translator: this.#translator,
      compiler: this.#compiler,
      now: () => clock?.monotonicNs() ?? 0,
    });
    const env = { memory: phys.memory, regions: this.#compiler.table, abort: () => undefined };
    const helpers = wasm.instantiate(wasm.loadModule("helpers"), { env });
    const interp = wasm.instantiate(wasm.loadModule("interp"), { env, helpers });
    if ((interp.fingerprint as () => number)() !== recordsFingerprint()) {
      throw new InternalError("interp.wasm was built from other IR operations: run `npm run build`");
    }
    this.#run = interp.run as Run;
    this.#tlb = new Tlb(phys.memory.buffer, interp as unknown as TlbExports);
    this.#compiler.connect(helpers, interp);
    this.state.reset(64);
  }

  /** Instructions executed so far; exact whenever the kernel looks. */
  get instructions(): number {
    return this.#instructions;
  }

  get stats(): CpuStats {
    return {
      instructions: this.#instructions,
      blocks: this.#code.blocks,
      arenaBytes: this.#translator.arenaBytes,
      tlbFills: this.#counter(TLB_FILLS),
      regions: this.#compiler.regions,
      modules: this.#compiler.modules,
      regionBytes: this.#compiler.bytes,
      regionCalls: this.#counter(REGION_CALLS),
      regionInstructions: this.#counter(REGION_INSTRUCTIONS),
      exits: Object.entries(Leave).map(([reason, code]) => ({ reason, count: this.#exits[code] })),
      compiledInstructions: this.#hotCode.compiledInstructions,
      compileNs: this.#hotCode.compileNs,
      ...this.#counters,
    };
  }

  #counter(address: number): number {
    return (this.#words[(address >> 2) + 1] as number) * TWO32 + ((this.#words[address >> 2] as number) >>> 0);
  }

  activate(space: AddressTranslation): void {
    if (this.#space === space) return;
    this.#space = space;
    const tables = space.pageTables;
    this.#words[PAGE_ROOT >> 2] = tables !== undefined && tables.format.levels === 4 ? tables.root * 4096 : 0;
    this.#tlb.flush();
    this.#code.unlinkAll();
  }

  // --- TranslationCache -------------------------------------------------------------------------------------------------

  invalidatePage(space: AddressTranslation, page: number): void {
    if (space !== this.#space) return;
    this.#tlb.flushRange(page, 1);
    this.#code.unlinkPages(page, 1);
  }

  invalidateRange(space: AddressTranslation, first: number, count: number): void {
    if (space !== this.#space) return;
    this.#tlb.flushRange(first, count);
    this.#code.unlinkPages(first, count);
  }

  invalidateSpace(space: AddressTranslation): void {
    if (space !== this.#space) return;
    this.#tlb.flush();
    this.#code.unlinkAll();
  }

  invalidateCode(frame: number): void {
    this.#code.dropFrame(frame);
    this.#hotCode.dropFrame(frame);
  }

  // --- running ----------------------------------------------------------------------------------------------------------

  /** Runs at most `budget` instructions; the reason is one of kernel/cpu.ts's ExitReason. */
  run(budget: number, wholeBlocks = false): 0 | 1 | 2 | 3 | 4 | 5 {
    if (budget <= 0) return Exit.budget;
    this.#wholeBlocksFrom = wholeBlocks ? this.#instructions : Number.POSITIVE_INFINITY;
    this.#repeating = undefined;
    this.#words[ADDRESS_LIMIT >> 2] = this.state.codeBits === 64 ? 0x8000 : 1;
    this.#syncMode();
    if ((this.#words[EFLAGS_REST >> 2] as number) & TF) return this.#singleStep();
    this.#clearResumeFlag();
    this.#setFuel(Math.min(budget, MAX_SLICE));
    const reason = this.#loop(this.#passTrap ? this.#passedTrap() : this.#startRecord());
    this.#settle();
    return reason as 0 | 1 | 2 | 3 | 4 | 5;
  }

  /** What the code means may have changed with the registers: its links lead to translations for the old mode. */
  #syncMode(): void {
    const mode = translationMode(this.state.codeBits, ((this.#words[EFLAGS_REST >> 2] as number) & AC) !== 0);
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#translator.checksAlignment = checksAlignment(mode);
    this.#code.unlinkAll();
  }

  #setFuel(fuel: number): void {
    this.#fuelGiven = fuel;
    this.#words[FUEL >> 2] = fuel;
  }

  /** Adds what was executed to the count. */
  #settle(): void {
    const left = this.#words[FUEL >> 2] as number;
    this.#instructions += this.#fuelGiven - left;
    this.#fuelGiven = left;
  }

  /** The record to begin at: that of the access that faulted last, if nothing has changed since, or that of RIP. */
  #startRecord(): number {
    const resume = this.#resume;
    this.#resume = undefined;
    if (resume !== undefined && !this.state.touched && resume.generation === this.#code.generation) {
      const fuel = (this.#words[FUEL >> 2] as number) - resume.fuel;
      if (fuel >= 0) {
        this.#words[FUEL >> 2] = fuel;
        return resume.record;
      }
    }
    const words = this.#words;
    return this.#code.jump(words[RIP >> 2] as number, words[(RIP >> 2) + 1] as number) || this.#lookup();
  }

  /** The next run executes the instruction at RIP even if it is a trap site. */
  passTrap(): void {
    this.#passTrap = true;
  }

  /** The instruction at RIP alone, without its trap. */
  #passedTrap(): number {
    this.#passTrap = false;
    this.#resume = undefined;
    this.#translator.ignoreTraps = true;
    const record = this.#translateTransient(1);
    this.#translator.ignoreTraps = false;
    return record;
  }

  /** Executes one instruction with EFLAGS.TF set, then raises #DB. */
  #singleStep(): 0 | 1 | 2 | 3 | 4 | 5 {
    this.#resume = undefined;
    this.#setFuel(1);
    const vectors = this.#words.slice(YMM >> 2, (YMM >> 2) + YMM_WORDS);
    const record = this.#passTrap ? this.#passedTrap() : this.#translateTransient(1);
    const reason = record === 0 ? Exit.exception : this.#loop(record);
    this.#settle();
    if (reason === Exit.exception && this.#hasGathered(vectors)) return this.#raise(Vector.debug, 0, DR6_BS);
    if (reason !== Exit.exception && !this.#hasIterationsLeft()) this.#clearResumeFlag();
    if (reason !== Exit.budget) return reason as 0 | 1 | 2 | 3 | 4 | 5;
    // No trap between a load of SS and the instruction behind it (SDM volume 3, section 6.8.3).
    if (this.#afterStackSegment) {
      this.#afterStackSegment = false;
      return Exit.budget;
    }
    return this.#raise(Vector.debug, 0, DR6_BS);
  }

  /**
   * Whether the instruction at RIP is a gather that has loaded elements, so that their mask bits are gone, and then faulted:
   * the trap comes before the fault (SDM volume 2, VPGATHERDD). No other instruction changes registers before a fault.
   */
  #hasGathered(before: Int32Array): boolean {
    const after = this.#words.subarray(YMM >> 2, (YMM >> 2) + YMM_WORDS);
    if (before.every((word, i) => word === after[i])) return false;
    const [lo, hi] = [this.#words[RIP >> 2] as number, this.#words[(RIP >> 2) + 1] as number];
    const insn = this.#translator.instructionAt(this.#activeSpace(), lo, hi, this.state.codeBits);
    if (insn === undefined) return false;
    const elementWords = insn.vexW + 1;
    const mask = (insn.vvvv * YMM_STRIDE) / 4;
    for (let i = mask + elementWords - 1; i < mask + YMM_STRIDE / 4; i += elementWords) {
      if ((before[i] as number) < 0 && (after[i] as number) >= 0) return true;
    }
    return false;
  }

  /** RF lives until an instruction has completed (SDM volume 3, section 19.3.1.1); a fault sets it again. */
  #clearResumeFlag(): void {
    (this.#words[EFLAGS_REST >> 2] as number) &= ~RF;
  }

  /** Whether the instruction that was stepped is a REP that goes on. */
  #hasIterationsLeft(): boolean {
    const block = this.#transient;
    if (block === undefined || block.branch !== undefined) return false;
    return block.lo === this.#words[RIP >> 2] && block.hi === this.#words[(RIP >> 2) + 1];
  }

  /** Runs from `record` until the kernel is needed. A record of 0 stands for an exception that is already noted. */
  #loop(record: number): number {
    let at = record;
    for (;;) {
      if (at === 0) return Exit.exception;
      const reason = this.#run(at);
      this.#exits[reason]++;
      switch (reason) {
        case Leave.lookup:
          at = (this.#words[FUEL >> 2] as number) > 0 ? this.#lookup() : -1;
          break;
        case Leave.miss:
          at = this.#miss();
          break;
        case Leave.fuel:
          at = this.#outOfFuel();
          break;
        case Leave.host:
          at = this.#hostCall();
          break;
        case Leave.hot:
          at = this.#blockIsHot();
          break;
        case Leave.exception:
          return this.#exceptionInBlock();
        case Leave.exceptionAfter:
          this.#clearResumeFlag();
          return this.#raise(this.#words[EXIT_DETAIL >> 2] as number, 0, 0);
        case Leave.trap:
          this.trap = this.#words[EXIT_DETAIL >> 2] as number;
          this.#words[FUEL >> 2] = (this.#words[FUEL >> 2] as number) + 1;
          return reason;
        default:
          return reason;
      }
      if (at === -1) return Exit.budget;
    }
  }

  /** The next block does not fit the fuel: its first instructions still run, unless that may wait. */
  #outOfFuel(): number {
    const block = this.#currentBlock();
    this.#words[RIP >> 2] = block.lo;
    this.#words[(RIP >> 2) + 1] = block.hi;
    const fuel = this.#words[FUEL >> 2] as number;
    if (this.#instructions + this.#fuelGiven - fuel > this.#wholeBlocksFrom) return -1;
    return fuel > 0 ? this.#translateTransient(fuel) : -1;
  }

  #hostCall(): number {
    const request = this.#words[EXIT_DETAIL >> 2] as number;
    this.#settle();
    if (!this.#hostCalls.serve(request)) return 0;
    this.#syncMode();
    this.#afterStackSegment = isStackSegmentLoad(request);
    if ((this.#words[EFLAGS_REST >> 2] as number) & TF) return -1;
    return (this.#words[FUEL >> 2] as number) > 0 ? this.#lookup() : -1;
  }

  /** The record for RIP, translated if need be; 0 with an exception noted if it cannot be fetched. */
  #lookup(): number {
    this.#counters.lookups++;
    if (this.#isRepeating()) return this.#repeating?.record ?? 0;
    this.#repeating = undefined;
    const lo = this.#words[RIP >> 2] as number;
    const hi = this.#words[(RIP >> 2) + 1] as number;
    const space = this.#activeSpace();
    if (hi >>> 15 !== 0) return this.#fetchBeyondUserHalf(lo, hi);
    const codeBits = this.state.codeBits;
    const page = Math.floor(((hi >>> 0) * TWO32 + (lo >>> 0)) / 4096);
    const frame = space.walk(page, Access.execute);
    if (frame >= 0) {
      const known = this.#code.find(frame, lo, hi, this.#mode);
      if (known !== undefined) {
        if (known.frame2 < 0 || space.walk(page + 1, Access.execute) === known.frame2) {
          this.#hotCode.check(known, space);
          this.#code.link(known);
          return known.record;
        }
      }
    }
    if (!this.#translator.hasRoom() || !this.#compiler.hasRoom()) this.#dropAll();
    this.#hotCode.expect((hi >>> 0) * TWO32 + (lo >>> 0));
    let block = this.#translator.translate(space, lo, hi, codeBits, BLOCK_LIMIT, false);
    if (block === undefined) return this.#fetchFault();
    if (block.instructions === BLOCK_LIMIT) {
      const limit = this.#untilKnown(block);
      if (limit < BLOCK_LIMIT) block = this.#translator.translate(space, lo, hi, codeBits, limit, false) ?? block;
    }
    if (this.#afterIndirectJump()) this.#hotCode.addIndirectTarget(block);
    this.#counters.translations++;
    this.#counters.translatedInstructions += block.instructions;
    if (this.#code.add(block)) this.#tlb.flushWrites();
    this.#hotCode.compileNew(block);
    this.#code.link(block);
    return block.record;
  }

  /**
   * Instructions up to one at which a known block begins: code without branches that is entered at many places, where accesses
   * missed the TLB, would else be translated anew from each of them.
   */
  #untilKnown(block: Block): number {
    for (let index = 1; index < block.instructions; index++) {
      const lo = (block.lo + this.#translator.offsetOf(block, index)) | 0;
      if (this.#code.find(block.frame, lo, block.hi, block.mode) !== undefined) return index;
    }
    return block.instructions;
  }

  /** Whether the interpreter stopped for the target of an indirect JMP. */
  #afterIndirectJump(): boolean {
    const record = this.#words[SAVED_PC >> 2] as number;
    if (((this.#words[record >> 2] as number) & 0xffff) !== JUMP_TO) return false;
    const block = this.#code.blockAt(this.#words[EXIT_BLOCK >> 2] as number);
    return block !== undefined && block.branch === undefined;
  }

  /** Forgets all translated code; the arena and the tables start afresh. */
  #dropAll(): void {
    this.#counters.drops++;
    this.#code.clear();
    this.#translator.clear();
    this.#hotCode.clear();
    this.#wasm.collectGarbage?.();
  }

  #blockIsHot(): number {
    const block = this.#currentBlock();
    const left = this.#words[FUEL >> 2] as number;
    const interpreted = this.#instructions + this.#fuelGiven - left - this.#counter(REGION_INSTRUCTIONS);
    if (block !== this.#transient) this.#hotCode.blockIsHot(block, interpreted);
    return this.#words[SAVED_PC >> 2] as number;
  }

  /** A block that is not kept: at most `limit` instructions from RIP. */
  #translateTransient(limit: number): number {
    this.#repeating = undefined;
    const lo = this.#words[RIP >> 2] as number;
    const hi = this.#words[(RIP >> 2) + 1] as number;
    if (hi >>> 15 !== 0) return this.#fetchBeyondUserHalf(lo, hi);
    const block = this.#translator.translate(this.#activeSpace(), lo, hi, this.state.codeBits, limit, true);
    if (block === undefined) return this.#fetchFault();
    this.#transient = block;
    return block.record;
  }

  #fetchFault(): number {
    this.#raise(Vector.pageFault, this.#translator.fault.errorCode, this.#translator.fault.address);
    return 0;
  }

  /** Jumps out of the user half: #GP if not canonical, else #PF as for any kernel page. */
  #fetchBeyondUserHalf(lo: number, hi: number): number {
    if (isCanonical(hi)) this.#raise(Vector.pageFault, PF_USER | PF_INSTR | PF_PRESENT, hi * TWO32 + (lo >>> 0));
    else this.#raise(Vector.generalProtection, 0, 0);
    return 0;
  }

  /** An access missed the TLB: walks the page tables and repeats it, or notes the fault (returns 0). */
  #miss(): number {
    const words = this.#words;
    const lo = words[EXIT_ADDRESS >> 2] as number;
    const rawHi = words[(EXIT_ADDRESS >> 2) + 1] as number;
    const write = words[EXIT_DETAIL >> 2] !== 0;
    const hi = this.state.codeBits === 64 ? rawHi : 0;
    if (hi >>> 15 !== 0) return this.#beyondUserHalf(lo, hi, write);
    const address = (hi >>> 0) * TWO32 + (lo >>> 0);
    const frame = this.#activeSpace().walk(Math.floor(address / 4096), write ? Access.write : Access.read);
    if (frame < 0) return this.#dataFault(-frame - 1, address);
    if (write && this.#phys.hasCode(frame)) return this.#writeToCode(lo, rawHi, frame);
    this.#tlb.fill(lo, rawHi, frame, write);
    return words[SAVED_PC >> 2] as number;
  }

  /** A store hits translated code: drop it, and execute just this instruction before looking at code again. */
  #writeToCode(lo: number, hi: number, frame: number): number {
    this.#counters.codeWrites++;
    this.#rewindToInstruction();
    this.#phys.noteWrite(frame);
    this.#tlb.fill(lo, hi, frame, true);
    if (this.#isRepeating()) return this.#repeating?.record ?? 0;
    const record = this.#translateTransient(1);
    if (record !== 0 && this.#transient?.branch === undefined) this.#repeating = this.#transient;
    return record;
  }

  /** Whether RIP is at the instruction that has written to code, again: then it is a REP with iterations left. */
  #isRepeating(): boolean {
    const block = this.#repeating;
    if (block === undefined || block.record !== this.#words[EXIT_BLOCK >> 2]) return false;
    return block.lo === this.#words[RIP >> 2] && block.hi === this.#words[(RIP >> 2) + 1];
  }

  #beyondUserHalf(lo: number, hi: number, write: boolean): number {
    this.#rewindToInstruction();
    if (isCanonical(hi)) {
      this.#raise(Vector.pageFault, PF_USER | PF_PRESENT | (write ? PF_WRITE : 0), hi * TWO32 + (lo >>> 0));
      return 0;
    }
    return this.#notCanonical(lo);
  }

  /** An access by the instruction at RIP to an address (its low half) that is not canonical. */
  #notCanonical(lo: number): number {
    this.#raise(this.#isStackAccess(lo) ? Vector.stackFault : Vector.generalProtection, 0, 0);
    return 0;
  }

  /** Whether the access that begins at the address goes on beyond `end`, where nothing is canonical (in the segment). */
  #crosses(address: number, end: number): boolean {
    const [lo, hi] = [this.#words[RIP >> 2] as number, this.#words[(RIP >> 2) + 1] as number];
    const insn = this.#translator.instructionAt(this.#activeSpace(), lo, hi, this.state.codeBits);
    return address + (insn === undefined ? 1 : accessSize(insn)) > end;
  }

  /** Whether the instruction at RIP accesses the address (its low half) through SS. */
  #isStackAccess(address: number): boolean {
    const [lo, hi] = [this.#words[RIP >> 2] as number, this.#words[(RIP >> 2) + 1] as number];
    const insn = this.#translator.instructionAt(this.#activeSpace(), lo, hi, this.state.codeBits);
    return insn !== undefined && isStackAccess(insn, address, this.state.gprLo(RSP));
  }

  #dataFault(errorCode: number, address: number): number {
    const record = this.#words[SAVED_PC >> 2] as number;
    const fuel = this.#rewindToInstruction();
    const end = this.state.codeBits === 64 ? USER_END : TWO32;
    if (address > end - 64 && address < end && this.#crosses(address, end)) return this.#notCanonical(address | 0);
    this.#raise(Vector.pageFault, errorCode, address);
    this.#resume = { record, fuel, generation: this.#code.generation };
    this.state.touched = false;
    return 0;
  }

  #exceptionInBlock(): number {
    const words = this.#words;
    const vector = words[EXIT_DETAIL >> 2] as number;
    const errorCode = words[EXIT_ADDRESS >> 2] as number;
    const block = this.#currentBlock();
    const last = (words[EXIT_INSN >> 2] as number) === block.instructions - 1;
    this.#rewindToInstruction();
    this.#raise(vector, errorCode, 0);
    if (last) this.fault.unsupported = block.unsupported;
    return Exit.exception;
  }

  /** Sets RIP to the instruction that left the block and gives back the fuel of it and of those behind it. */
  #rewindToInstruction(): number {
    const words = this.#words;
    const block = this.#currentBlock();
    const index = words[EXIT_INSN >> 2] as number;
    const address = (block.hi >>> 0) * TWO32 + (block.lo >>> 0) + this.#translator.offsetOf(block, index);
    words[RIP >> 2] = address | 0;
    words[(RIP >> 2) + 1] = Math.floor(address / TWO32) | 0;
    const fuel = block.instructions - index;
    words[FUEL >> 2] = (words[FUEL >> 2] as number) + fuel;
    return fuel;
  }

  #currentBlock(): Block {
    const record = this.#words[EXIT_BLOCK >> 2] as number;
    const transient = this.#transient;
    if (transient !== undefined && transient.record === record) return transient;
    const block = this.#code.blockAt(record);
    if (block === undefined) throw new InternalError(`no block has its record at ${record}`);
    return block;
  }

  #raise(vector: number, errorCode: number, address: number): 4 {
    const { fault } = this;
    fault.vector = vector;
    fault.errorCode = errorCode;
    fault.address = address;
    fault.unsupported = "";
    return Exit.exception;
  }

  #activeSpace(): AddressTranslation {
    if (this.#space === undefined) throw new InternalError("the CPU runs without an address space");
    return this.#space;
  }
}

function isCanonical(hi: number): boolean {
  return hi >>> 15 === 0x1ffff;
}
