import { describe, expect, it } from "vitest";
import { Program } from "./damage.ts";
import { MEASURED, newProcess, readJson } from "./support.ts";

/** The cases of errors.c; N blocks of a size fill one tcache bin. */
const CASES: Readonly<Record<string, (p: Program, N: number) => void>> = {
  dfree200: (p) => {
    const a = p.m(200);
    p.f(a);
    p.f(a);
  },
  dfree24: (p) => {
    const a = p.m(24);
    p.f(a);
    p.f(a);
  },
  dfree24b: (p) => {
    const [a, b] = [p.m(24), p.m(24)];
    for (const q of [a, b, a]) p.f(q);
  },
  fasttop: (p, N) => {
    const x = blocks(p, N, 24);
    const a = p.m(24);
    for (const q of [...x, a, a]) p.f(q);
  },
  fast3: (p, N) => {
    const x = blocks(p, N, 24);
    const [a, b] = [p.m(24), p.m(24)];
    for (const q of [...x, a, b, a]) p.f(q);
    p.say("survived");
  },
  top: (p) => {
    const a = p.m(2000);
    p.f(a);
    p.f(a);
  },
  prev: (p) => {
    const a = p.m(2000);
    p.m(2000);
    p.f(a);
    p.f(a);
  },
  out: (p) => {
    const a = p.m(2000);
    p.setHead(a, 0x100001);
    p.f(a);
  },
  misalign: (p) => p.f(p.m(200) + p.W / 2),
  misalign8: (p) => p.f(p.m(200) + 8),
  interior: (p) => {
    const a = p.m(200);
    p.fill(a, 0, 200);
    p.f(a + 16);
  },
  invsize: (p) => withHead(p, 9),
  size0: (p) => withHead(p, 0),
  hugesize: (p) => withHead(p, (1n << BigInt(8 * p.W)) - 15n),
  nextfast: (p, N) => {
    const x = blocks(p, N, 24);
    const [a, b] = [p.m(24), p.m(24)];
    for (const q of x) p.f(q);
    p.setHead(b, 1);
    p.f(a);
  },
  nextnormal: (p) => {
    const [a, b] = [p.m(2000), p.m(2000)];
    p.m(10);
    p.setHead(b, 1);
    p.f(a);
  },
  overflow24: (p) => {
    const [a, b] = [p.m(24), p.m(24)];
    p.fill(a, 0x41, 40);
    p.f(a);
    p.f(b);
  },
  overflow2000: (p) => p.f(overflowed(p)[0]),
  overflow2000b: (p) => p.f(overflowed(p)[1]),
  offbyone0: (p) => {
    const a = p.m(p.W === 8 ? 2008 : 2004);
    const b = p.m(3000);
    p.m(10);
    p.guest.write8(a + p.usable(a), 0);
    p.f(b);
  },
  mmapbit: (p) => {
    const a = p.m(200);
    p.setHead(a, p.head(a) | 2);
    p.f(a);
  },
  mremapbad: (p) => {
    const a = p.m(200);
    p.setHead(a, p.head(a) | 2);
    p.r(a, 300);
  },
  reoldsize: (p) => {
    const a = p.m(200);
    p.setHead(a, 0x100001);
    p.r(a, 300);
  },
  reoldsize0: (p) => {
    const a = p.m(200);
    p.setHead(a, 1);
    p.r(a, 300);
  },
  renext: (p) => {
    const [a, b] = [p.m(200), p.m(200)];
    p.setHead(b, 1);
    p.r(a, 300);
  },
  remisalign: (p) => {
    p.r(p.m(200) + p.W / 2, 300);
  },
  refreed: (p) => {
    const a = p.m(2000);
    p.m(10);
    p.f(a);
    p.r(a, 3000);
    p.say("survived");
  },
  topsize: (p) => withTop(p, -1n),
  topsmall: (p) => withTop(p, 0x21),
  topzero: (p) => withTop(p, 0),
  topover: (p) => {
    p.fill(p.m(200), 0x41, 400);
    p.m(3000);
  },
  unsortedsize: (p) => unsorted(p, (a) => p.setHead(a, 0x7fff1)),
  unsortedsize0: (p) => unsorted(p, (a) => p.setHead(a, 1)),
  unsortednext: (p) => unsortedTwo(p, (_a, b) => p.setHead(b, 0)),
  unsortedprevsz: (p) => unsortedTwo(p, (_a, b) => p.setPrev(b, 0x10)),
  unsortedfd: (p) => unsortedTwo(p, (a) => p.put(a, 0, a)),
  unsortedbk: (p) => unsortedTwo(p, (a) => p.put(a, 1, p.x)),
  unsortedinuse: (p) => unsortedTwo(p, (_a, b) => p.setHead(b, p.head(b) | 1)),
  szvsprev: (p) => {
    const [a, b] = [p.m(2000), p.m(2000)];
    p.m(10);
    p.f(a);
    p.setHead(a, 0x101);
    p.f(b);
  },
  szvsprev2: (p) => {
    const [a, b] = [p.m(2000), p.m(2000)];
    p.m(10);
    p.f(a);
    p.m(3000);
    p.setPrev(b, 0x20);
    p.m(2000);
  },
  dbllist: (p) => {
    const a = blocks(p, 3, 2000)[0];
    p.m(10);
    p.f(a);
    p.m(3000);
    p.put(a, 0, p.x + 8 * p.W);
    p.m(2000);
  },
  dbllist2: (p) => {
    const [a, b] = [p.m(2000), p.m(2000)];
    p.m(10);
    p.f(a);
    p.put(a, 0, p.x + 8 * p.W);
    p.f(b);
  },
  smallbin: (p, N) => {
    const x = blocks(p, N, 200);
    const a = p.m(200);
    p.m(200);
    for (const q of [...x, a]) p.f(q);
    p.m(3000);
    blocks(p, N, 200);
    p.put(a, 1, p.x + 20 * p.W);
    p.m(200);
  },
  tcnext: (p) => {
    const b = twoFreed(p);
    p.put(b[1], 0, BigInt(Math.floor(b[1] / 4096)) ^ BigInt(b[0] + 8));
    p.m(200);
    p.m(200);
    p.say("survived");
  },
  tcnextraw: (p) => {
    p.put(twoFreed(p)[1], 0, 0x4141414141414141n);
    p.m(200);
    p.m(200);
    p.say("survived");
  },
  uaf: (p) => {
    const a = p.m(200);
    p.f(a);
    p.fill(a, 0, 16);
    p.f(a);
    p.say("survived");
  },
  fastsize: (p, N) => {
    p.setHead(freedFast(p, N), 0x51);
    blocks(p, N, 24);
    p.m(24);
  },
  consolidate: (p, N) => {
    p.setHead(freedFast(p, N), 0x51);
    p.m(3000);
  },
  fastfd: (p, N) => {
    const a = freedFast(p, N);
    p.put(a, 0, BigInt(Math.floor(a / 4096)) ^ BigInt(a + 4));
    p.m(3000);
  },
  brkforeign: (p) => {
    p.m(200);
    const { curbrk } = p.malloc.heap.at;
    p.guest.brk(p.guest.breakEnd + 0x3004);
    p.set(curbrk, p.guest.breakEnd);
    p.m(100000);
    p.m(100000);
    p.say("survived");
  },
};

function blocks(p: Program, n: number, bytes: number): number[] {
  return Array.from({ length: n }, () => p.m(bytes));
}

function withHead(p: Program, head: number | bigint): void {
  const a = p.m(200);
  p.setHead(a, head);
  p.f(a);
}

function overflowed(p: Program): number[] {
  const two = blocks(p, 2, 2000);
  p.m(10);
  p.fill(two[0], 0x41, 2040);
  return two;
}

function withTop(p: Program, head: number | bigint): void {
  const a = p.m(200);
  p.setHead(a + (p.head(a) & ~7), head);
  p.m(3000);
}

function unsorted(p: Program, damage: (a: number) => void): void {
  const a = p.m(2000);
  p.m(10);
  p.f(a);
  damage(a);
  p.m(3000);
}

function unsortedTwo(p: Program, damage: (a: number, b: number) => void): void {
  const [a, b] = blocks(p, 2, 2000);
  p.m(10);
  p.f(a);
  damage(a, b);
  p.m(3000);
}

function twoFreed(p: Program): number[] {
  const two = blocks(p, 2, 200);
  for (const q of two) p.f(q);
  return two;
}

function freedFast(p: Program, N: number): number {
  const x = blocks(p, N, 24);
  const a = p.m(24);
  p.m(24);
  for (const q of [...x, a]) p.f(q);
  return a;
}

interface Outcome {
  readonly output: string | null;
  readonly signal?: string | null;
  readonly alternatives?: readonly (readonly [string, string | null])[];
}

const MEASURED_ERRORS = (readJson("errors.json.gz") as { cases: Record<string, Record<string, Outcome>> }).cases;

it("every measured case is tried", () => {
  expect(Object.keys(CASES).sort()).toEqual(Object.keys(MEASURED_ERRORS).sort());
});

describe.each(MEASURED)("heap errors of %s %s", (version, abi) => {
  it.each(Object.keys(MEASURED_ERRORS))("%s", (name) => {
    const want = MEASURED_ERRORS[name][`${version}/${abi}`];
    const { guest, malloc } = newProcess(version, abi, { programName: "$PROG" });
    const N = malloc.heap.tc?.fill ?? 0;
    const got = new Program(guest, malloc).run((p) => {
      CASES[name](p, N);
      p.say("end");
    });
    if (want.output !== null) expect(got).toEqual({ output: want.output, signal: want.signal });
    else expect(want.alternatives).toContainEqual([got.output, got.signal]);
  });
});
