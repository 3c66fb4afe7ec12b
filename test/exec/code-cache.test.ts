/** The jump cache: what running code finds again by its address. */
import { expect, test } from "vitest";
import type { FrameNumber } from "../../src/base/address.ts";
import type { Block } from "../../src/exec/block.ts";
import { CodeCache } from "../../src/exec/code-cache.ts";
import { ARENA, JUMP_CACHE, JUMP_CACHE_BYTES } from "../../src/exec/layout.ts";
import { FRAME_FLAGS } from "../../src/memory/physical.ts";
import { physicalMemory } from "../support/physical.ts";

const FRAME = 40_000 as FrameNumber;

function blockAt(lo: number, hi: number, record: number): Block {
  const init = { id: record, lo, hi, codeBits: 64, mode: 1, record, instructions: 1, offsets: 0 } as const;
  const state = { valid: true, wasHot: false, region: 0, regionPages: [] };
  return { ...init, ...state, frame: FRAME, frame2: -1 as FrameNumber, unsupported: "", branch: undefined };
}

test("holds all blocks of code that begins one every few bytes, also at the end of the table", () => {
  expect(JUMP_CACHE + JUMP_CACHE_BYTES).toBeLessThanOrEqual(FRAME_FLAGS);
  for (const first of [0x8072226, 0x3fff8]) {
    const cache = new CodeCache(physicalMemory(1 << 20));
    // As in a memcpy of glibc 2.36 for i386: five blocks in 16 bytes.
    const blocks = [0, 2, 4, 6, 7].map((distance, index) => blockAt(first + distance, 0, ARENA + 64 * index));
    for (const block of blocks) cache.link(block);
    for (const { lo, hi, record } of blocks) expect(cache.jump(lo, hi)).toBe(record);
    cache.unlinkAll();
    for (const { lo, hi } of blocks) expect(cache.jump(lo, hi)).toBe(0);
  }
});

test("a block that has no place left takes that of another one", () => {
  const cache = new CodeCache(physicalMemory(1 << 20));
  // Addresses that differ only above the bits of the index, and cancel out in it.
  const blocks = Array.from({ length: 12 }, (_, index) =>
    blockAt(0x1000 ^ (index << 2), index << 14, ARENA + 64 * index),
  );
  for (const block of blocks) {
    cache.link(block);
    expect(cache.jump(block.lo, block.hi)).toBe(block.record);
  }
  expect(blocks.filter(({ lo, hi, record }) => cache.jump(lo, hi) === record).length).toBeGreaterThanOrEqual(4);
});
