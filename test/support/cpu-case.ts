/**
 * Test cases of single instructions and of sequences for the differential CPU test: the complete user-visible state
 * before, and after on the processor itself. The binary layout is fixtures/native/cpu/runner.c's `struct record`.
 */
export const CASE_BYTES = 1792;
export const Field = {
  gpr: 0,
  rip: 128,
  eflags: 136,
  codeLength: 144,
  signo: 144,
  signalCode: 148,
  address: 152,
  trap: 160,
  error: 164,
  outside: 168,
  cr2: 176,
  fx: 256,
  ymmHigh: 768,
  memory: 1024,
  /** The code before and after. */
  code: 1280,
} as const;
export const CODE_MAX = 512;

export const DATA_BASE = 0x1000_0000;
export const READ_ONLY = 0x1000_4000;
export const CODE_BASE = 0x2000_0000;
/** The parts of the two data pages that a case fills and compares; the rest is zero and must stay so. */
export const WINDOWS = [
  { offset: 0, length: 64, at: 0 },
  { offset: 0xfc0, length: 128, at: 64 },
  { offset: 0x1fc0, length: 64, at: 192 },
] as const;

/** A case as the test works with it. `overrides` change words of the state that `seed` gives. */
export interface CpuCase {
  readonly codeBits: 32 | 64;
  readonly seed: number;
  readonly rip: number;
  readonly code: Uint8Array;
  /** Byte offset in the record, and its new 32-bit value. */
  readonly overrides: (readonly [number, number])[];
}

export type Below = (below: number) => number;

/**
 * Integers below the argument (mulberry32). The corpus holds seeds: this function and those that draw from it must not change
 * without recording it anew.
 */
export function casesRandom(seed: number): Below {
  let state = Math.imul(seed ^ 0x811c9dc5, 0x01000193);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const EDGES32 = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fffe];
const SINGLES = [
  0, 0x8000_0000, 0x3f80_0000, 0xbf80_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0xffc0_0001, 0x7f80_0001,
  0xffa0_0000, 1, 0x8000_0001, 0x007f_ffff, 0x0080_0000, 0x7f7f_ffff, 0x3f00_0000, 0x4f00_0000, 0xcf00_0000,
  0x4b00_0001, 0x4effffff, 0x5f000000,
];
/** High words of doubles; the low word is random, 0 or all ones. */
const DOUBLES = [
  0, 0x8000_0000, 0x3ff0_0000, 0xbff0_0000, 0x7ff0_0000, 0xfff0_0000, 0x7ff8_0000, 0xfff8_0000, 0x7ff4_0000, 1,
  0x8000_0001, 0x000f_ffff, 0x0010_0000, 0x7fef_ffff, 0x4340_0000, 0xc1e0_0000, 0x41df_ffff, 0x43e0_0000, 0x36a0_0000,
  0x47ef_ffff, 0x380f_ffff, 0x3ca0_0000, 0x3fe0_0000,
];
const EXPONENTS80 = [
  0, 1, 0x3fff, 0x3ffe, 0x4000, 0x403e, 0x403f, 0x7ffe, 0x7fff, 0x3c01, 0x3c00, 0x43fe, 0x3f81, 0x407e,
];

function word(below: Below): number {
  return (below(0x1_0000) * 0x1_0000 + below(0x1_0000)) >>> 0;
}

function pick(below: Below, list: readonly number[]): number {
  return list[below(list.length)] as number;
}

/** 8 bytes: an integer, two singles or a double, half of them edge values. */
function fillQword(view: DataView, at: number, below: Below): void {
  let lo = word(below);
  let hi = word(below);
  switch (below(8)) {
    case 0:
      break;
    case 1:
      lo = pick(below, EDGES32);
      hi = pick(below, [0, 0, 0xffff_ffff, lo]);
      break;
    case 2:
    case 3:
      lo = pick(below, SINGLES);
      hi = pick(below, SINGLES);
      break;
    case 4:
      hi = pick(below, DOUBLES);
      lo = pick(below, [0, 0, lo, 1, 0xffff_ffff]);
      break;
    case 5:
      // a double of middling size
      hi = ((hi & 0x8000_0000) | (0x3f80_0000 + below(0x0100_0000))) >>> 0;
      lo = pick(below, [0, 0, lo]);
      break;
    case 6:
      // singles of middling size
      lo = ((lo & 0x8000_0000) | (0x3e80_0000 + below(0x0300_0000))) >>> 0;
      hi = ((hi & 0x8000_0000) | (0x3e80_0000 + below(0x0300_0000))) >>> 0;
      break;
    default: {
      // small integers as doubles or as they are
      const n = below(64) - 32;
      if (below(2) === 0) view.setFloat64(at, n, true);
      else view.setBigInt64(at, BigInt(n), true);
      return;
    }
  }
  view.setUint32(at, lo, true);
  view.setUint32(at + 4, hi, true);
}

function fillX87(view: DataView, at: number, below: Below): void {
  let lo = word(below);
  let hi = word(below) | 0x8000_0000;
  let exponent = below(3) === 0 ? pick(below, EXPONENTS80) : 0x3fff - 40 + below(80);
  switch (below(6)) {
    case 0:
      lo = 0;
      hi = pick(below, [0x8000_0000, 0xc000_0000, 0xffff_ffff, 0, 0x4000_0000]);
      break;
    case 1:
      // a small integer
      exponent = 0x3fff + below(8);
      lo = 0;
      hi = 0x8000_0000 + below(256) * 0x80_0000;
      break;
    case 2:
      hi = below(4) === 0 ? word(below) : hi;
      break;
    case 3:
      // zero
      if (below(2) === 0) lo = hi = exponent = 0;
      break;
    default:
      break;
  }
  view.setUint32(at, lo, true);
  view.setUint32(at + 4, hi, true);
  view.setUint16(at + 8, exponent | (below(2) << 15), true);
}

/** MXCSR: the default, the same with PE noted, or another rounding, DAZ, FTZ, noted or unmasked exceptions. */
function randomMxcsr(below: Below): number {
  switch (below(8)) {
    case 0:
    case 1:
    case 2:
      return 0x1fa0;
    case 3:
    case 4:
      return 0x1f80;
    case 5:
      return 0x1f80 | below(64) | (below(4) << 13);
    case 6:
      return 0x1f80 | below(64) | (below(4) << 13) | (below(2) << 15) | (below(2) << 6);
    default:
      return (below(0x40) << 7) | below(64) | (below(4) << 13) | (below(2) << 15) | (below(2) << 6);
  }
}

/** Writes the input record of a case. */
export function writeInput(test: CpuCase, view: DataView): void {
  const below = casesRandom(test.seed);
  for (let i = 0; i < 16; i++) fillQword(view, Field.gpr + 8 * i, below);
  // The stack lies in the middle window, sometimes at an end of the pages.
  const edge = below(12);
  const stack =
    edge === 0 ? DATA_BASE + below(9) : edge === 1 ? DATA_BASE + 0x2000 - below(17) : DATA_BASE + 0xff0 + 4 * below(10);
  setQword(view, Field.gpr + 8 * 4, stack);
  setQword(view, Field.gpr + 8 * 5, DATA_BASE + 0xfe0 + 4 * below(12));
  setQword(view, Field.rip, test.rip);
  setQword(view, Field.eflags, 0x202 | (below(0x1000) & 0x8d5) | (below(4) === 0 ? 0x400 : 0));
  view.setUint32(Field.codeLength, test.code.length, true);
  new Uint8Array(view.buffer, view.byteOffset + Field.code, CODE_MAX).set(test.code);
  view.setUint16(Field.fx, below(3) === 0 ? randomControl(below) : 0x37f, true);
  const top = below(8);
  view.setUint16(Field.fx + 2, (top << 11) | (below(4) === 0 ? below(8) << 8 : 0), true);
  view.setUint8(Field.fx + 4, below(3) === 0 ? below(256) : 0xff);
  view.setUint32(Field.fx + 24, randomMxcsr(below), true);
  for (let i = 0; i < 8; i++) fillX87(view, Field.fx + 32 + 16 * i, below);
  const registers = test.codeBits === 64 ? 16 : 8;
  for (let i = 0; i < 2 * registers; i++) fillQword(view, Field.fx + 160 + 8 * i, below);
  for (let i = 0; i < 2 * registers; i++) fillQword(view, Field.ymmHigh + 8 * i, below);
  for (let at = 0; at < 256; at += 8) fillQword(view, Field.memory + at, below);
  if (test.codeBits === 32) {
    for (let i = 0; i < 8; i++) view.setUint32(Field.gpr + 8 * i + 4, 0, true);
    for (let i = 8; i < 16; i++) setQword(view, Field.gpr + 8 * i, 0);
  }
  for (const [at, value] of test.overrides) view.setUint32(at, value, true);
}

/** The x87 control word with any rounding and precision, sometimes with unmasked exceptions. */
function randomControl(below: Below): number {
  const precision = [0, 2, 3][below(3)] as number;
  return 0x40 | (below(3) === 0 ? below(64) : 0x3f) | (precision << 8) | (below(4) << 10);
}

export function setQword(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000) >>> 0, true);
}
