/** A region: blocks of one page that are compiled into one function, entered at the first one. */
import type { FrameNumber } from "../../base/address.ts";
import type { OpDef } from "../../isa/ir/ops.ts";
import { OPS } from "../../isa/ir/ops.ts";
import type { LiftedBlock, Translator } from "../translator.ts";

const MAX_INSTRUCTIONS = 200;
const MAX_BLOCKS = 48;

/** Operations that regions leave to the interpreter: the instruction that holds one ends its block. */
const INTERPRETED = new Set(
  OPS.filter((def) => /^(probe|bulk|jumpOutIf|leave|trap$)/.test(def.name)).map((def) => def.id),
);

export interface RegionBlock {
  /** Page offset of the first instruction. */
  readonly start: number;
  readonly lifted: LiftedBlock;
  /** Instructions that the region executes; those behind it are the interpreter's. */
  readonly instructions: number;
  /** Words of IR that belong to them. */
  readonly words: number;
  readonly exit: BlockExit;
}

export type BlockExit =
  | { readonly kind: "jump"; readonly to: Target }
  | { readonly kind: "jumpIf"; readonly taken: Target; readonly other: Target; readonly at: number }
  | {
      readonly kind: "jumpTo";
      readonly at: number;
      /** Where the region's own calls return to, if this is a RET. */
      readonly expected: readonly Target[];
      /** An indirect JMP: it goes through the region's dispatch (Region.dispatched). */
      readonly dispatch: boolean;
    };

/** A constant target: a block of the region (`block` >= 0), or an address outside it. */
export interface Target {
  lo: number;
  hi: number;
  block: number;
}

export interface Region {
  readonly lo: number;
  readonly hi: number;
  readonly codeBits: 32 | 64;
  readonly frame: FrameNumber;
  readonly blocks: readonly RegionBlock[];
  /** Blocks that indirect jumps of the region go to. */
  readonly dispatched: readonly number[];
}

/** What is known of the code around a region. */
export interface Surroundings {
  /** Whether code at an address runs often enough to be part of the region. */
  isWarm(lo: number): boolean;
  /** Addresses in the region's page that indirect jumps have been seen to reach, the most executed first. */
  indirectTargets(): readonly number[];
}

/** Finds the region that begins at (lo, hi) in `frame`, or undefined if its first instruction cannot be compiled. */
export function findRegion(
  translator: Translator,
  frame: FrameNumber,
  lo: number,
  hi: number,
  codeBits: 32 | 64,
  around: Surroundings,
): Region | undefined {
  const page = lo & ~0xfff;
  const blocks: RegionBlock[] = [];
  const byStart = new Map<number, number>();
  const queue = [lo & 0xfff];
  let instructions = 0;
  let indirect: number[] | undefined;
  while (queue.length > 0 && blocks.length < MAX_BLOCKS && instructions < MAX_INSTRUCTIONS) {
    const start = queue.shift() as number;
    if (byStart.has(start) || (blocks.length > 0 && !around.isWarm(page | start))) continue;
    const lifted = translator.lift(frame, page | start, hi, codeBits, MAX_INSTRUCTIONS - instructions);
    if (lifted === undefined) continue;
    const block = cut(lifted, start, page, hi);
    if (block === undefined) continue;
    byStart.set(start, blocks.length);
    blocks.push(block);
    instructions += block.instructions;
    for (const target of targetsOf(block.exit)) {
      if (target.hi === hi && (target.lo & ~0xfff) === page) queue.push(target.lo & 0xfff);
    }
    if (block.exit.kind === "jumpTo" && block.exit.dispatch && indirect === undefined) {
      indirect = around.indirectTargets().map((target) => target & 0xfff);
      queue.push(...indirect);
    }
    const after = returnAddress(block);
    if (after !== undefined) queue.push(after);
  }
  if (byStart.get(lo & 0xfff) !== 0) return undefined;
  expectReturns(blocks, page, hi, byStart);
  for (const block of blocks) {
    for (const target of targetsOf(block.exit)) {
      const inside = target.hi === hi && (target.lo & ~0xfff) === page;
      target.block = inside ? (byStart.get(target.lo & 0xfff) ?? -1) : -1;
    }
  }
  const dispatched = (indirect ?? []).flatMap((start) => byStart.get(start) ?? []);
  return { lo, hi, codeBits, frame, blocks, dispatched };
}

/** Addresses outside the region that its blocks fall through to: there its size or the page ended it. */
export function continuations({ blocks, lo, hi }: Region): number[] {
  const page = (hi >>> 0) * 0x1_0000_0000 + ((lo & ~0xfff) >>> 0);
  return blocks.flatMap(({ start, lifted, exit }) => {
    const end = page + start + (lifted.offsets[lifted.instructions] as number);
    const fallsThrough = exit.kind === "jump" && exit.to.block < 0 && exit.to.lo === (end | 0);
    return fallsThrough && lifted.branch === undefined ? [end] : [];
  });
}

export function targetsOf(exit: BlockExit): readonly Target[] {
  if (exit.kind === "jump") return [exit.to];
  return exit.kind === "jumpIf" ? [exit.taken, exit.other] : exit.expected;
}

/** Page offset of the instruction behind the block's CALL, if it ends in one and that lies in the page. */
function returnAddress(block: RegionBlock): number | undefined {
  const { lifted, start } = block;
  if (lifted.branch !== "call" || block.instructions !== lifted.instructions) return undefined;
  const after = start + (lifted.offsets[lifted.instructions] as number);
  return after < 4096 ? after : undefined;
}

/** Return addresses that a RET in the region compares with before it leaves. */
const MAX_EXPECTED = 4;

/** Tells each RET of the region where the region's own calls return to. */
function expectReturns(blocks: readonly RegionBlock[], page: number, hi: number, byStart: Map<number, number>): void {
  const returns = blocks.flatMap((block) => returnAddress(block) ?? []).filter((start) => byStart.has(start));
  for (const { lifted, exit } of blocks) {
    if (lifted.branch !== "return" || exit.kind !== "jumpTo") continue;
    const expected = exit.expected as Target[];
    for (const start of [...new Set(returns)].slice(0, MAX_EXPECTED))
      expected.push({ lo: page | start, hi, block: -1 });
  }
}

/** Cuts the block before the first instruction that only the interpreter executes. */
function cut(lifted: LiftedBlock, start: number, page: number, hi: number): RegionBlock | undefined {
  const { words } = lifted;
  let firstOfInstruction = 0;
  let current = -1;
  for (let at = 0; at < words.length; ) {
    const def = OPS[(words[at] as number) & 0xffff] as OpDef;
    const instruction = ((words[at] as number) >> 16) & 0x7fff;
    if (instruction !== current) {
      current = instruction;
      firstOfInstruction = at;
    }
    if (INTERPRETED.has(def.id)) {
      if (current === 0) return undefined;
      const lo = page | (start + (lifted.offsets[current] as number));
      const exit = { kind: "jump", to: { lo, hi, block: -1 } } as const;
      return { start, lifted, instructions: current, words: firstOfInstruction, exit };
    }
    if (def.ends) {
      return { start, lifted, instructions: lifted.instructions, words: at, exit: exitOf(lifted, def, at) };
    }
    at += 1 + (def.result !== "none" && def.result !== "flags" ? 1 : 0) + def.args.length;
  }
  return undefined;
}

function exitOf({ words, branch }: LiftedBlock, def: OpDef, at: number): BlockExit {
  const target = (index: number): Target => ({
    lo: words[at + index] as number,
    hi: words[at + index + 1] as number,
    block: -1,
  });
  if (def.name === "jump") return { kind: "jump", to: target(1) };
  if (def.name === "jumpIf") return { kind: "jumpIf", taken: target(2), other: target(6), at };
  return { kind: "jumpTo", at, expected: [], dispatch: branch === undefined };
}
