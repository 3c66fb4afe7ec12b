/** Floating-point operands where rules change, and random ones around them. */
export type Below = (below: number) => number;

/**
 * Integers below the argument, from nothing but `text` (mulberry32): the inputs of the committed corpus must never change, so
 * test/support/random.ts, which the environment can reseed, will not do.
 */
export function fixedRandom(text: string): Below {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const big = (list: string) => list.split(" ").map((hex) => BigInt(`0x${hex}`));

/** Zero, denormals, least normals, one, halves, powers at conversion limits, greatest, infinity, quiet and signalling NaNs. */
const EDGE64 = big(
  "0 1 2 fffffffffffff 10000000000000 10000000000001 8000000000000 3ff0000000000000 3ff0000000000001 3fefffffffffffff " +
    "3fe0000000000000 4000000000000000 3ff8000000000000 4004000000000000 7fefffffffffffff 7feffffffffffffe 7ff0000000000000 " +
    "7ff8000000000000 7ff8000000000001 7ff0000000000001 7ff4000000000123 7fffffffffffffff 41dfffffffc00000 41e0000000000000 " +
    "41dfffffffe00000 43e0000000000000 43dfffffffffffff 43f0000000000000 370000000000000 47efffffe0000000 47efffffefffffff " +
    "47effffff0000000 3810000000000000 380fffffffffffff 36a0000000000000 3690000000000000 3690000000000001 1ff0000000000000 " +
    "2000000000000000 3ca0000000000000 3cb0000000000000 4340000000000000 4330000000000001 18000000000000 5ff0000000000000",
);
const EDGE32 = big(
  "0 1 2 7fffff 800000 800001 400000 3f800000 3f800001 3f7fffff 3f000000 40000000 3fc00000 40200000 7f7fffff 7f7ffffe " +
    "7f800000 7fc00000 7fc00001 7f800001 7fa00123 7fffffff 4f000000 4effffff 5f000000 5effffff 4b000001 4b800000 33800000 " +
    "34000000 1f800000 20000000 477fe000 477fefff 477ff000 38800000 387fc000 387fe000 387ff000 33000000 33000001 c00000",
).map(Number);
const EDGE_SIG = big(
  "8000000000000000 8000000000000001 ffffffffffffffff fffffffffffffffe c000000000000000 c000000000000001 a000000000000000 " +
    "8000000000000400 fffffffffffff800 fffffffffffffc00 ffffff0000000000 ffffff8000000000 8000008000000000 0 1 " +
    "7fffffffffffffff 4000000000000000 8000000000000800 8000010000000000",
);
const EDGE_EXP = [
  0, 0, 1, 2, 0x3fff, 0x3ffe, 0x4000, 0x3fbe, 0x3fbf, 0x403e, 0x403d, 0x400d, 0x400e, 0x401d, 0x401e, 0x7ffe, 0x7ffd,
  0x7fff, 0x7fff, 0x3c00, 0x3c01, 0x3bcd, 0x3bcc, 0x43fe, 0x43ff, 0x3f80, 0x3f81, 0x407e, 0x407f, 0x3f6a, 0x1fff,
  0x2000,
];

export const pick = <T>(below: Below, list: readonly T[]): T => list[below(list.length)] as T;
export const random64 = (below: Below): bigint => (BigInt(below(0x1_0000_0000)) << 32n) | BigInt(below(0x1_0000_0000));
const ones = (bits: number, below: Below): bigint => (1n << BigInt(bits)) - (1n << BigInt(below(bits + 1)));

export function double(below: Below): bigint {
  const kind = below(16);
  let v: bigint;
  if (kind < 6) v = pick(below, EDGE64) + (kind < 4 ? 0n : BigInt(below(5) - 2));
  else if (kind < 8) v = random64(below);
  else if (kind < 9) v = (BigInt(below(0x800)) << 52n) | (random64(below) >> BigInt(12 + below(52)));
  else if (kind < 11) v = (BigInt(963 + below(120)) << 52n) | (ones(52, below) & 0xfffffffffffffn);
  else v = (BigInt(993 + below(60)) << 52n) | (random64(below) >> 12n);
  return BigInt.asUintN(63, v) | (BigInt(below(2)) << 63n);
}

export function single(below: Below): number {
  const kind = below(16);
  let v: number;
  if (kind < 6) v = pick(below, EDGE32) + (kind < 4 ? 0 : below(5) - 2);
  else if (kind < 8) v = below(0x1_0000_0000);
  else if (kind < 9) v = (below(256) << 23) | (below(0x80_0000) >>> below(23));
  else if (kind < 11) v = ((97 + below(60)) << 23) | Number(ones(23, below) & 0x7fffffn);
  else v = ((112 + below(30)) << 23) | below(0x80_0000);
  return ((v & 0x7fff_ffff) | (below(2) << 31)) >>> 0;
}

/** Significand and sign-exponent word; unnormals, pseudo-NaNs and pseudo-denormals among them. */
export function extended(below: Below): [sig: bigint, se: number] {
  const kind = below(16);
  const sign = below(2) << 15;
  const top = 1n << 63n;
  if (kind < 5) return [pick(below, EDGE_SIG), pick(below, EDGE_EXP) | sign];
  if (kind < 6) return [random64(below), below(0x8000) | sign];
  if (kind < 8) return [random64(below) | top, pick(below, EDGE_EXP) | sign];
  if (kind < 10) return [top | BigInt.asUintN(64, ones(64, below)), (0x3fb9 + below(140)) | sign];
  if (kind < 12) return [top | BigInt.asUintN(64, random64(below) << BigInt(below(64))), (0x3fb9 + below(140)) | sign];
  if (kind < 13) return [random64(below) >> BigInt(below(64)), sign];
  return [random64(below) | top, (0x3feb + below(40)) | sign];
}

/** Integers near powers of two, small ones and random ones. */
export function integer(below: Below): bigint {
  const kind = below(4);
  let v = random64(below);
  if (kind === 0) v = pick(below, [0n, 1n, 2n, 10n, (1n << 63n) - 1n]);
  else if (kind === 1) v >>= BigInt(below(64));
  else if (kind === 2) v = ones(64, below);
  return BigInt.asUintN(64, below(2) ? v : -v);
}
