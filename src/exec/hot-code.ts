/** Which blocks are compiled into regions, and when: those whose counters run out, with what lies around them. */
import type { FrameNumber } from "../base/address.ts";
import { ENTER, opWords } from "../isa/ir/builder.ts";
import { opId } from "../isa/ir/ops.ts";
import { Access, type AddressTranslation } from "../memory/translation.ts";
import { type Block, checksAlignment } from "./block.ts";
import type { CodeCache } from "./code-cache.ts";
import { firstOp } from "./interp/fused.ts";
import type { Compiler } from "./jit/compiler.ts";
import { continuations, findRegion, type Region } from "./jit/region.ts";
import type { Translator } from "./translator.ts";

/** How translated code runs: interpreted only, compiled from the first execution on, or compiled when hot. */
export interface TierPolicy {
  readonly tier: "interp" | "jit" | "auto";
  /** Executions of a block after which it is compiled; 0: at once. */
  readonly threshold: number;
  /** How many instructions must have been interpreted for each one that is compiled; undefined: compile what is hot. */
  readonly patience?: number;
}

/** To compile an instruction costs about as much as to interpret 4,000 (docs/performance.md): at most half of the time goes there. */
export const DEFAULT_TIERS: TierPolicy = { tier: "auto", threshold: 4000, patience: 4000 };
/** Interpreted instructions that count beforehand, so that the first hot loop does not wait. */
const HEAD_START = 2_000_000;
/** Hot blocks that are compiled into one module. */
const BATCH = 8;
const ENTER_REGION = opId("enterRegion");
const JUMP_TO = opId("jumpTo");
const TWO32 = 0x1_0000_0000;

interface HotCodeInit {
  readonly tiers: TierPolicy;
  readonly words: Int32Array;
  readonly code: CodeCache;
  readonly translator: Translator;
  readonly compiler: Compiler;
  /** A clock in nanoseconds, for `compileNs`. */
  readonly now: () => number;
}

export class HotCode {
  readonly #tiers: TierPolicy;
  readonly #words: Int32Array;
  readonly #code: CodeCache;
  readonly #translator: Translator;
  readonly #compiler: Compiler;
  readonly #now: () => number;
  /** Addresses where a region had to stop for its size or the page's end: what follows is as hot as the region. */
  readonly #expected = new Set<number>();
  /** The blocks at which the regions begin, by table index. */
  readonly #heads = new Map<number, Block>();
  /** Blocks first reached by an indirect jump, by frame. */
  readonly #indirectTargets = new Map<number, Block[]>();
  /** Hot blocks that wait to be compiled together: modules are dear, functions are cheap. */
  readonly #waiting = new Set<Block>();
  /** Guest instructions in all regions made so far. */
  compiledInstructions = 0;
  /** Nanoseconds in which regions were made. */
  compileNs = 0;

  constructor({ tiers, words, code, translator, compiler, now }: HotCodeInit) {
    this.#tiers = tiers;
    this.#words = words;
    this.#code = code;
    this.#translator = translator;
    this.#compiler = compiler;
    this.#now = now;
    translator.hotAfter = tiers.tier === "interp" ? 0 : tiers.threshold;
  }

  /** The next block is to be translated, at the address: sets after how many executions it is hot. */
  expect(address: number): void {
    const { threshold, tier } = this.#tiers;
    const expected = this.#expected.delete(address);
    if (tier !== "interp") this.#translator.hotAfter = expected ? Math.max(1, threshold >> 5) : threshold;
  }

  /** The block was translated because an indirect JMP led to it. */
  addIndirectTarget(block: Block): void {
    const known = this.#indirectTargets.get(block.frame);
    if (known === undefined) this.#indirectTargets.set(block.frame, [block]);
    else known.push(block);
  }

  /** Compiles the block at once, if that is the policy. */
  compileNew(block: Block): void {
    if (this.#tiers.tier === "interp" || this.#tiers.threshold !== 0) return;
    this.#waiting.add(block);
    this.#compile();
  }

  /**
   * A block's counter ran out, after so many interpreted instructions in all. It waits for company, but not for ever: the second
   * time it is compiled with what there is.
   */
  blockIsHot(block: Block, interpreted: number): void {
    block.wasHot = true;
    const counter = (block.record >> 2) + 2;
    const count = this.#translator.hotCount(block.instructions);
    if (!this.#mayCompile(interpreted)) {
      this.#words[counter] = count;
      return;
    }
    this.#words[counter] = count + 1;
    const waited = this.#waiting.has(block);
    this.#waiting.add(block);
    if (waited || this.#waiting.size >= BATCH) this.#compile();
  }

  /** Whether the block's region, if it has one, lies where it lay when it was compiled; if not it is dropped. */
  check(block: Block, space: AddressTranslation): void {
    const holds = block.regionPages.every((part) => space.walk(part.page, Access.execute) === part.frame);
    if (!holds) this.#dropRegion(block);
  }

  /** The frame's bytes have changed, and its blocks are gone. */
  dropFrame(frame: FrameNumber): void {
    this.#indirectTargets.delete(frame);
    for (const index of this.#compiler.dropFrame(frame)) {
      const head = this.#heads.get(index);
      if (head?.valid && head.region === index) this.#dropRegion(head);
      this.#heads.delete(index);
    }
  }

  /** All translations are gone. */
  clear(): void {
    this.#compiler.clear();
    this.#waiting.clear();
    this.#expected.clear();
    this.#indirectTargets.clear();
    this.#heads.clear();
  }

  /** Whether so much has been interpreted that compiling costs no more. */
  #mayCompile(interpreted: number): boolean {
    const { patience } = this.#tiers;
    return patience === undefined || this.compiledInstructions * patience <= interpreted + HEAD_START;
  }

  /** The block is interpreted again. */
  #dropRegion(block: Block): void {
    const at = block.record >> 2;
    this.#compiler.drop(block.region);
    this.#heads.delete(block.region);
    this.#words[at] = ENTER;
    this.#words[at + 2] = this.#translator.hotCount(block.instructions);
    this.#words[at + 3] = 0;
    block.region = 0;
    block.regionPages = [];
    this.#code.unlinkAll();
  }

  #compile(): void {
    const started = this.#now();
    const { checksAlignment: before } = this.#translator;
    const { regions, heads } = this.#findRegions();
    this.#waiting.clear();
    this.#translator.checksAlignment = before;
    if (this.#compiler.hasRoom()) this.#makeRegions(regions, heads);
    this.compileNs += this.#now() - started;
  }

  /** The regions of the hot blocks, and those blocks. */
  #findRegions(): { readonly regions: readonly Region[]; readonly heads: readonly Block[] } {
    const regions: Region[] = [];
    const heads: Block[] = [];
    // Blocks that a region of this batch holds: they get one of their own if the interpreter still meets them often.
    const covered = new Set<number>();
    for (const block of this.#waiting) {
      const { record, lo, hi, codeBits, mode } = block;
      if (covered.has(lo)) {
        this.#words[(record >> 2) + 2] = this.#translator.hotCount(block.instructions);
        continue;
      }
      this.#words[(record >> 2) + 2] = 0;
      if (!block.valid || block.region !== 0 || block.frame2 >= 0) continue;
      this.#translator.checksAlignment = checksAlignment(mode);
      const region = findRegion(this.#translator, block, lo, hi, codeBits, {
        warmBlock: (at) => this.#warmBlock(at, hi, mode),
        indirectTargets: (page) => this.#indirectTargetsIn(page, hi, mode),
        lastTarget: (at) => this.#lastTarget(at, hi, mode),
      });
      if (region === undefined) continue;
      regions.push(region);
      heads.push(block);
      for (const part of region.blocks) covered.add(part.start);
      for (const address of continuations(region)) this.#expected.add(address);
    }
    return { regions, heads };
  }

  #makeRegions(regions: readonly Region[], heads: readonly Block[]): void {
    for (const { region, index, need } of this.#compiler.compile(regions)) {
      const block = heads[regions.indexOf(region)] as Block;
      const at = block.record >> 2;
      this.#words[at] = ENTER_REGION;
      this.#words[at + 2] = need;
      this.#words[at + 3] = index;
      block.region = index;
      for (const part of region.blocks) this.compiledInstructions += part.instructions;
      const first = (block.hi >>> 0) * TWO32;
      block.regionPages = [...region.frames].map(([page, frame]) => ({ page: (first + (page >>> 0)) / 4096, frame }));
      this.#heads.set(index, block);
      this.#code.link(block);
    }
  }

  // --- what is known around a region --------------------------------------------------------------------------------------

  #frameAt(lo: number, hi: number): FrameNumber | -1 {
    return this.#code.frameOf(Math.floor(((hi >>> 0) * TWO32 + (lo >>> 0)) / 4096));
  }

  #blockAt(lo: number, hi: number, mode: number): Block | undefined {
    const frame = this.#frameAt(lo, hi);
    return frame < 0 ? undefined : this.#code.find(frame, lo, hi, mode);
  }

  /** The block at (lo, hi) if it has run at least a small part of what makes it hot. */
  #warmBlock(lo: number, hi: number, mode: number): Block | undefined {
    const block = this.#blockAt(lo, hi, mode);
    if (block === undefined || block.frame2 >= 0) return undefined;
    const { threshold } = this.#tiers;
    if (block.region !== 0 || block.wasHot || threshold === 0) return block;
    this.#translator.hotAfter = threshold;
    const count = this.#translator.hotCount(block.instructions);
    return (this.#words[(block.record >> 2) + 2] as number) <= count - (count >> 5) ? block : undefined;
  }

  /** Where the jumpTo at the end of the block went last, if it has the same upper half. */
  #lastTarget(lo: number, hi: number, mode: number): number | undefined {
    const block = this.#blockAt(lo, hi, mode);
    if (block === undefined) return undefined;
    const words = this.#words;
    for (let at = block.record >> 2; ; ) {
      const def = firstOp(words[at] as number);
      if (def.id === JUMP_TO) return words[at + 3] === hi && words[at + 2] !== 0 ? words[at + 2] : undefined;
      if (def.ends) return undefined;
      at += opWords(def);
    }
  }

  /** Where indirect jumps have gone in the page, the most executed blocks first. */
  #indirectTargetsIn(page: number, hi: number, mode: number): number[] {
    const left = (block: Block) => this.#words[(block.record >> 2) + 2] as number;
    return [...(this.#indirectTargets.get(this.#frameAt(page, hi)) ?? [])]
      .filter((block) => block.valid && block.hi === hi && block.mode === mode && !((block.lo ^ page) & ~0xfff))
      .sort((a, b) => left(a) - left(b))
      .map((block) => block.lo);
  }
}
