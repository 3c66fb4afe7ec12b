/** A region: blocks of a few pages that are compiled into one function, entered at the first one. */
import type { FrameNumber } from "../../base/address.ts";
import type { OpDef } from "../../isa/ir/ops.ts";
import { OPS, opId } from "../../isa/ir/ops.ts";
import type { LiftedBlock, Translator } from "../translator.ts";

const MAX_INSTRUCTIONS = 100;
/** Where code runs on without a branch, a region may grow further. */
const MAX_STRAIGHT = 200;
const MAX_BLOCKS = 48;
const MAX_PAGES = 8;
/** Bytes between the first and any other target of indirect jumps. */
const MAX_REACH = 8192;

/** Operations that regions leave to the interpreter: the instruction that holds one ends its block. */
const INTERPRETED = new Set(OPS.filter((def) => /^(leave|trap$)/.test(def.name)).map((def) => def.id));

const JUMP_OUT_IF = opId("jumpOutIf");

export interface RegionBlock {
  /** Low half of the address of the first instruction. */
  readonly start: number;
  readonly lifted: LiftedBlock;
  /** Instructions that the region executes; those behind it are the interpreter's. */
  readonly instructions: number;
  /** Words of IR that belong to them. */
  readonly words: number;
  readonly exit: BlockExit;
  /** The block is a string instruction with a repeat prefix: where it goes if rCX is 0. */
  readonly out?: Target;
}

export type BlockExit =
  /** `repeats`: what follows is a string instruction with a repeat prefix. */
  | { readonly kind: "jump"; readonly to: Target; readonly repeats?: boolean }
  | { readonly kind: "jumpIf"; readonly taken: Target; readonly other: Target; readonly at: number }
  | {
      readonly kind: "jumpTo";
      readonly at: number;
      /** Targets to compare with: where the region's own calls return to, or where an indirect jump or call went last. */
      readonly expected: Target[];
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
  /** The pages that hold its code, by low half of their address. */
  readonly frames: ReadonlyMap<number, FrameNumber>;
  readonly blocks: readonly RegionBlock[];
  /** Blocks that indirect jumps of the region go to. */
  readonly dispatched: readonly number[];
}

/** What is known of the code around a region. All addresses have the region's upper half. */
export interface Surroundings {
  /** The block at an address if it runs often enough to be part of the region. */
  warmBlock(lo: number): { readonly frame: FrameNumber; readonly instructions: number } | undefined;
  /** Addresses in the page that indirect jumps have been seen to reach, the most executed first. */
  indirectTargets(page: number): readonly number[];
  /** Where the indirect jump or call at the end of the block at `lo` went last. */
  lastTarget(lo: number): number | undefined;
}

/**
 * Finds the region that begins with the block of `instructions` instructions at (lo, hi) in `frame`, or undefined if its first
 * instruction cannot be compiled. A region consists of whole blocks: where it ends, execution goes on at one that is known.
 */
export function findRegion(
  translator: Translator,
  { frame, instructions: length }: { readonly frame: FrameNumber; readonly instructions: number },
  lo: number,
  hi: number,
  codeBits: 32 | 64,
  around: Surroundings,
): Region | undefined {
  const blocks: RegionBlock[] = [];
  const byStart = new Map<number, number>();
  const frames = new Map([[lo & ~0xfff, frame]]);
  const dispatched = new Map<number, readonly number[]>();
  const queue = [lo];
  /** Where other indirect jumps of the page have gone: taken in if the rest leaves room. */
  const others: number[] = [];
  /** Addresses at which blocks begin that others run into. */
  const runsOn = new Set<number>();
  /** Repeated string instructions behind a block that is part of the region. */
  const repeated = new Set<number>();
  let instructions = 0;
  while (blocks.length < MAX_BLOCKS && instructions < MAX_STRAIGHT) {
    const start = queue.shift() ?? others.shift();
    if (start === undefined) break;
    if (byStart.has(start)) continue;
    const page = start & ~0xfff;
    if (!frames.has(page) && frames.size === MAX_PAGES) continue;
    const known = repeated.has(start)
      ? { frame: frames.get(page) as FrameNumber, instructions: 1 }
      : blocks.length === 0
        ? { frame, instructions: length }
        : around.warmBlock(start);
    if (known === undefined) continue;
    const limit = runsOn.has(start) ? MAX_STRAIGHT : MAX_INSTRUCTIONS;
    if (instructions >= limit) continue;
    const lifted = translator.lift(known.frame, start, hi, codeBits, known.instructions);
    if (lifted === undefined) continue;
    const block = cut(lifted, start, hi);
    if (block === undefined) continue;
    frames.set(page, known.frame);
    byStart.set(start, blocks.length);
    blocks.push(block);
    instructions += block.instructions;
    if (block.exit.kind === "jumpTo" && lifted.branch !== "return") {
      const last = around.lastTarget(start);
      if (block.exit.dispatch && (last === undefined || (last & ~0xfff) === page)) {
        if (!dispatched.has(page)) {
          dispatched.set(page, around.indirectTargets(page));
          others.push(...(dispatched.get(page) as readonly number[]));
        }
      }
      if (last !== undefined) block.exit.expected.push({ lo: last, hi, block: -1 });
    }
    if (block.exit.kind === "jump" && block.exit.repeats) {
      repeated.add(block.exit.to.lo);
      queue.unshift(block.exit.to.lo);
    }
    for (const target of targetsOf(block)) if (target.hi === hi) queue.push(target.lo);
    if (block.exit.kind === "jump" && lifted.branch === undefined && block.exit.to.lo === endOf(block))
      runsOn.add(endOf(block));
    const after = returnAddress(block);
    if (after !== undefined) queue.push(after);
  }
  if (byStart.get(lo) !== 0) return undefined;
  expectReturns(blocks, hi, byStart);
  for (const block of blocks) {
    for (const target of targetsOf(block)) {
      target.block = target.hi === hi ? (byStart.get(target.lo) ?? -1) : -1;
    }
  }
  const indirect = [...dispatched.values()].flat().flatMap((start) => byStart.get(start) ?? []);
  return { lo, hi, codeBits, frames, blocks, dispatched: withinReach(indirect, blocks) };
}

/** Those dispatched blocks that lie near the first, so that the branch table stays small. */
function withinReach(dispatched: readonly number[], blocks: readonly RegionBlock[]): number[] {
  const startOf = (index: number) => (blocks[index] as RegionBlock).start;
  const first = dispatched[0];
  return first === undefined ? [] : dispatched.filter((to) => Math.abs(startOf(to) - startOf(first)) < MAX_REACH);
}

/** Addresses outside the region that its blocks fall through to: there its size or the page ended it. */
export function continuations({ blocks, hi }: Region): number[] {
  return blocks.flatMap((block) => {
    const { lifted, exit } = block;
    const end = endOf(block);
    const fallsThrough = exit.kind === "jump" && exit.to.block < 0 && exit.to.lo === end;
    return fallsThrough && lifted.branch === undefined ? [(hi >>> 0) * 0x1_0000_0000 + (end >>> 0)] : [];
  });
}

export function targetsOf({ exit, out }: RegionBlock): readonly Target[] {
  if (exit.kind === "jump") return [exit.to];
  if (exit.kind === "jumpTo") return exit.expected;
  return out === undefined ? [exit.taken, exit.other] : [out, exit.taken, exit.other];
}

/** Address of the instruction behind the block's CALL, if it ends in one. */
function returnAddress(block: RegionBlock): number | undefined {
  const { lifted } = block;
  return lifted.branch === "call" && block.instructions === lifted.instructions ? endOf(block) : undefined;
}

/** Low half of the address behind the block. */
function endOf({ start, lifted }: RegionBlock): number {
  return (start + (lifted.offsets[lifted.instructions] as number)) | 0;
}

/** Return addresses that a RET in the region compares with before it leaves. */
const MAX_EXPECTED = 4;

/** Tells each RET of the region where the region's own calls return to. */
function expectReturns(blocks: readonly RegionBlock[], hi: number, byStart: Map<number, number>): void {
  const returns = blocks.flatMap((block) => returnAddress(block) ?? []).filter((start) => byStart.has(start));
  for (const { lifted, exit } of blocks) {
    if (lifted.branch !== "return" || exit.kind !== "jumpTo") continue;
    for (const lo of [...new Set(returns)].slice(0, MAX_EXPECTED)) exit.expected.push({ lo, hi, block: -1 });
  }
}

/** Cuts the block before the first instruction that only the interpreter executes, and before one that repeats. */
function cut(lifted: LiftedBlock, start: number, hi: number): RegionBlock | undefined {
  const { words } = lifted;
  let firstOfInstruction = 0;
  let current = -1;
  let out: Target | undefined;
  for (let at = 0; at < words.length; ) {
    const def = OPS[(words[at] as number) & 0xffff] as OpDef;
    const instruction = ((words[at] as number) >> 16) & 0x7fff;
    if (instruction !== current) {
      current = instruction;
      firstOfInstruction = at;
    }
    if (INTERPRETED.has(def.id) || (out !== undefined && current > 0 && def.ends)) {
      if (current === 0) return undefined;
      const lo = (start + (lifted.offsets[current] as number)) | 0;
      const repeats = !INTERPRETED.has(def.id);
      const exit = { kind: "jump", to: { lo, hi, block: -1 }, repeats } as const;
      return { start, lifted, instructions: current, words: firstOfInstruction, exit };
    }
    if (def.ends) {
      const exit = exitOf(lifted, def, at);
      return {
        start,
        lifted,
        instructions: lifted.instructions,
        words: at,
        exit,
        ...(out === undefined ? {} : { out }),
      };
    }
    if (def.id === JUMP_OUT_IF) out = targetAt(words, at + 2);
    at += 1 + (def.result !== "none" && def.result !== "flags" ? 1 : 0) + def.args.length;
  }
  return undefined;
}

function targetAt(words: Int32Array, at: number): Target {
  return { lo: words[at] as number, hi: words[at + 1] as number, block: -1 };
}

function exitOf({ words, branch }: LiftedBlock, def: OpDef, at: number): BlockExit {
  if (def.name === "jump") return { kind: "jump", to: targetAt(words, at + 1) };
  if (def.name === "jumpIf")
    return { kind: "jumpIf", taken: targetAt(words, at + 2), other: targetAt(words, at + 6), at };
  return { kind: "jumpTo", at, expected: [], dispatch: branch === undefined };
}
