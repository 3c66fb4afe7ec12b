/**
 * Instructions to run on the processor (fixtures/native/fp/runner.c) and in the helpers: random input records, and how to get
 * the same from the helpers. Operands: XMM1 op= XMM2, XMM0 third; RAX, RDX, RCX; memory at RDI.
 */
import { type Below, double, extended, integer, single } from "./operands.ts";

/** Offsets of a record; the x87 image is that of a 32-bit FNSAVE. */
export const Field = {
  length: 0,
  code: 1,
  xmm0: 16,
  xmm1: 32,
  xmm2: 48,
  ax: 64,
  dx: 72,
  cx: 80,
  flags: 88,
  mxcsr: 96,
  trap: 100,
  fcw: 104,
  fsw: 108,
  ftw: 112,
  st: 132,
  memory: 212,
} as const;
export const RECORD_BYTES = 232;

/** An argument: 16 bytes of the record from that field on, the last code byte, or a number. */
export type Argument = "xmm0" | "xmm1" | "xmm2" | "ax" | "dx" | "cx" | "flags" | "imm" | number;

export interface Simple {
  readonly kind: "simple";
  readonly name: string;
  readonly code: readonly number[];
  /** What fills the vector registers: doubles, singles, random bytes, text. */
  readonly fill: "d" | "s" | "i" | "text";
  readonly helper: string;
  readonly args: readonly Argument[];
  /** Where the result stands and how many of its bytes count; `flags`: ZF, PF, CF. */
  readonly result: readonly ["xmm1" | "ax" | "dx" | "flags", number];
  /** Below this the last code byte is random. */
  readonly imm?: number;
  readonly bits?: 32 | 64;
}

const rows: Simple[] = [];
type Options = Pick<Simple, "imm" | "bits">;
function row(
  name: string,
  code: readonly number[],
  fill: Simple["fill"],
  helper: string,
  args: readonly Argument[],
  result: Simple["result"],
  options: Options = {},
): void {
  rows.push({ kind: "simple", name, code, fill, helper, args, result, ...options });
}

const BINARY: readonly [string, number][] = [
  ["Add", 0x58],
  ["Mul", 0x59],
  ["Sub", 0x5c],
  ["Min", 0x5d],
  ["Div", 0x5e],
  ["Max", 0x5f],
];
const TWO = ["xmm1", "xmm2"] as const;
for (const [op, byte] of BINARY) {
  row(`${op}sd`, [0xf2, 0x0f, byte, 0xca], "d", `f${op}64`, TWO, ["xmm1", 8]);
  row(`${op}ss`, [0xf3, 0x0f, byte, 0xca], "s", `f${op}32`, TWO, ["xmm1", 4]);
  row(`${op}pd`, [0x66, 0x0f, byte, 0xca], "d", `f${op}Pd`, TWO, ["xmm1", 16]);
  row(`${op}ps`, [0x0f, byte, 0xca], "s", `f${op}Ps`, TWO, ["xmm1", 16]);
}
const UNARY: readonly [string, readonly number[], "d" | "s" | "i", string, number][] = [
  ["sqrtsd", [0xf2, 0x0f, 0x51], "d", "fSqrt64", 8],
  ["sqrtss", [0xf3, 0x0f, 0x51], "s", "fSqrt32", 4],
  ["sqrtpd", [0x66, 0x0f, 0x51], "d", "fSqrtPd", 16],
  ["sqrtps", [0x0f, 0x51], "s", "fSqrtPs", 16],
  ["rsqrtps", [0x0f, 0x52], "s", "fRsqrtPs", 16],
  ["rcpps", [0x0f, 0x53], "s", "fRcpPs", 16],
  ["rsqrtss", [0xf3, 0x0f, 0x52], "s", "fRsqrt32", 4],
  ["rcpss", [0xf3, 0x0f, 0x53], "s", "fRcp32", 4],
  ["cvtss2sd", [0xf3, 0x0f, 0x5a], "s", "fCvt32To64", 8],
  ["cvtsd2ss", [0xf2, 0x0f, 0x5a], "d", "fCvt64To32", 4],
  ["cvtps2pd", [0x0f, 0x5a], "s", "fCvtPs2Pd", 16],
  ["cvtpd2ps", [0x66, 0x0f, 0x5a], "d", "fCvtPd2Ps", 16],
  ["cvtdq2ps", [0x0f, 0x5b], "i", "fCvtDq2Ps", 16],
  ["cvtps2dq", [0x66, 0x0f, 0x5b], "s", "fCvtPs2Dq", 16],
  ["cvttps2dq", [0xf3, 0x0f, 0x5b], "s", "fCvttPs2Dq", 16],
  ["cvtpd2dq", [0xf2, 0x0f, 0xe6], "d", "fCvtPd2Dq", 16],
  ["cvttpd2dq", [0x66, 0x0f, 0xe6], "d", "fCvttPd2Dq", 16],
  ["vcvtph2ps", [0xc4, 0xe2, 0x79, 0x13], "i", "fCvtPh2Ps", 16],
  ["aesimc", [0x66, 0x0f, 0x38, 0xdb], "i", "aesImc", 16],
];
for (const [name, code, fill, helper, bytes] of UNARY)
  row(name, [...code, 0xca], fill, helper, ["xmm2"], ["xmm1", bytes]);

for (const [name, code, helper] of [["addsubps", 0xd0, "AddSub"]] as const) {
  row(name, [0xf2, 0x0f, code, 0xca], "s", `f${helper}Ps`, TWO, ["xmm1", 16]);
  row(name.replace("ps", "pd"), [0x66, 0x0f, code, 0xca], "d", `f${helper}Pd`, TWO, ["xmm1", 16]);
}
for (const [byte, name] of [
  [0x2e, "Ucomi"],
  [0x2f, "Comi"],
] as const) {
  row(`${name}sd`, [0x66, 0x0f, byte, 0xca], "d", `f${name}64`, TWO, ["flags", 4]);
  row(`${name}ss`, [0x0f, byte, 0xca], "s", `f${name}32`, TWO, ["flags", 4]);
}
for (const [prefix, from, fill] of [
  [0xf2, "64", "d"],
  [0xf3, "32", "s"],
] as const) {
  for (const [byte, t] of [
    [0x2d, ""],
    [0x2c, "t"],
  ] as const) {
    row(`cvt${t}${from}2si`, [prefix, 0x0f, byte, 0xc2], fill, `fCvt${t}${from}ToI32`, ["xmm2"], ["ax", 4]);
    row(`cvt${t}${from}2si64`, [prefix, 0x48, 0x0f, byte, 0xc2], fill, `fCvt${t}${from}ToI64`, ["xmm2"], ["ax", 8]);
  }
  row(`cvtsi2s${fill}`, [prefix, 0x48, 0x0f, 0x2a, 0xc8], "i", `fCvtI64To${from}`, ["ax"], ["xmm1", Number(from) / 8]);
}
const IMM: readonly [string, readonly number[], "d" | "s" | "i", string, readonly Argument[], number, number][] = [
  ["vcmpsd", [0xc5, 0xf3, 0xc2, 0xca, 0], "d", "fCmp64", [...TWO, "imm"], 8, 32],
  ["vcmpss", [0xc5, 0xf2, 0xc2, 0xca, 0], "s", "fCmp32", [...TWO, "imm"], 4, 32],
  ["vcmppd", [0xc5, 0xf1, 0xc2, 0xca, 0], "d", "fCmpPd", [...TWO, "imm"], 16, 32],
  ["vcmpps", [0xc5, 0xf0, 0xc2, 0xca, 0], "s", "fCmpPs", [...TWO, "imm"], 16, 32],
  ["roundsd", [0x66, 0x0f, 0x3a, 0x0b, 0xca, 0], "d", "fRound64", ["xmm2", "imm"], 8, 16],
  ["roundss", [0x66, 0x0f, 0x3a, 0x0a, 0xca, 0], "s", "fRound32", ["xmm2", "imm"], 4, 16],
  ["roundpd", [0x66, 0x0f, 0x3a, 0x09, 0xca, 0], "d", "fRoundPd", ["xmm2", "imm"], 16, 16],
  ["roundps", [0x66, 0x0f, 0x3a, 0x08, 0xca, 0], "s", "fRoundPs", ["xmm2", "imm"], 16, 16],
  ["dpps", [0x66, 0x0f, 0x3a, 0x40, 0xca, 0], "s", "fDpPs", [...TWO, "imm"], 16, 256],
  ["dppd", [0x66, 0x0f, 0x3a, 0x41, 0xca, 0], "d", "fDpPd", [...TWO, "imm"], 16, 256],
  ["vcvtps2ph", [0xc4, 0xe3, 0x79, 0x1d, 0xd1, 0], "s", "fCvtPs2Ph", ["xmm2", "imm"], 8, 8],
  ["aeskeygenassist", [0x66, 0x0f, 0x3a, 0xdf, 0xca, 0], "i", "aesKeygenAssist", ["xmm2", "imm"], 16, 256],
  ["pclmulqdq", [0x66, 0x0f, 0x3a, 0x44, 0xca, 0], "i", "pclmul", [...TWO, "imm"], 16, 256],
  ["sha1rnds4", [0x0f, 0x3a, 0xcc, 0xca, 0], "i", "sha1Rnds4", [...TWO, "imm"], 16, 4],
];
for (const [name, code, fill, helper, args, bytes, imm] of IMM) {
  row(name, code, fill, helper, args, ["xmm1", bytes], { imm });
}
for (const [i, name] of ["fmadd", "fmsub", "fnmadd", "fnmsub"].entries()) {
  const three = ["xmm2", "xmm1", "xmm0"] as const;
  row(`v${name}213sd`, [0xc4, 0xe2, 0xe9, 0xa9 + 2 * i, 0xc8], "d", "fFma64", [...three, i], ["xmm1", 8]);
  row(`v${name}213ss`, [0xc4, 0xe2, 0x69, 0xa9 + 2 * i, 0xc8], "s", "fFma32", [...three, i], ["xmm1", 4]);
  row(`v${name}213pd`, [0xc4, 0xe2, 0xe9, 0xa8 + 2 * i, 0xc8], "d", "fFmaPd", [...three, i, 0], ["xmm1", 16]);
  row(`v${name}213ps`, [0xc4, 0xe2, 0x69, 0xa8 + 2 * i, 0xc8], "s", "fFmaPs", [...three, i, 0], ["xmm1", 16]);
}
row("vfmaddsub213ps", [0xc4, 0xe2, 0x69, 0xa6, 0xc8], "s", "fFmaPs", ["xmm2", "xmm1", "xmm0", 0, 1], ["xmm1", 16]);
row("vfmsubadd213pd", [0xc4, 0xe2, 0xe9, 0xa7, 0xc8], "d", "fFmaPd", ["xmm2", "xmm1", "xmm0", 0, 2], ["xmm1", 16]);

const CRYPTO: readonly [string, readonly number[]][] = [
  ["aesEnc", [0x66, 0x0f, 0x38, 0xdc]],
  ["aesEncLast", [0x66, 0x0f, 0x38, 0xdd]],
  ["aesDec", [0x66, 0x0f, 0x38, 0xde]],
  ["aesDecLast", [0x66, 0x0f, 0x38, 0xdf]],
  ["sha1NextE", [0x0f, 0x38, 0xc8]],
  ["sha1Msg1", [0x0f, 0x38, 0xc9]],
  ["sha1Msg2", [0x0f, 0x38, 0xca]],
  ["sha256Msg1", [0x0f, 0x38, 0xcc]],
  ["sha256Msg2", [0x0f, 0x38, 0xcd]],
];
for (const [helper, code] of CRYPTO) row(helper, [...code, 0xca], "i", helper, TWO, ["xmm1", 16]);
row("sha256rnds2", [0x0f, 0x38, 0xcb, 0xca], "i", "sha256Rnds2", ["xmm1", "xmm2", "xmm0"], ["xmm1", 16]);
for (const [bytes, code] of [
  [8, [0xf2, 0x48, 0x0f, 0x38, 0xf1, 0xc1]],
  [4, [0xf2, 0x0f, 0x38, 0xf1, 0xc1]],
  [2, [0x66, 0xf2, 0x0f, 0x38, 0xf1, 0xc1]],
  [1, [0xf2, 0x0f, 0x38, 0xf0, 0xc1]],
] as const) {
  row(`crc32 ${bytes}`, code, "i", "crc32c", ["ax", "cx", bytes], ["ax", 4]);
}
row("pdep", [0xc4, 0xe2, 0xf3, 0xf5, 0xc0], "i", "pdep64", ["cx", "ax"], ["ax", 8]);
row("pext", [0xc4, 0xe2, 0xf2, 0xf5, 0xc0], "i", "pext64", ["cx", "ax"], ["ax", 8]);
row("bswap64", [0x48, 0x0f, 0xc8], "i", "bswap64", ["ax"], ["ax", 8]);
row("bswap32", [0x0f, 0xc8], "i", "bswap32", ["ax"], ["ax", 4]);

export const SIMPLE: readonly Simple[] = rows;

/** DIV and IDIV r64, where an overflow shows as a trap; string comparisons, decimal adjustment and x87 by opcode. */
export interface Special {
  readonly kind: "div" | "string" | "bcd" | "x87";
  readonly name: string;
  readonly code: readonly number[];
  readonly imm?: number;
  readonly fill: "i" | "text";
  readonly bits?: 32 | 64;
}
const special: Special[] = [
  { kind: "div", name: "div", code: [0x48, 0xf7, 0xf1], fill: "i" },
  { kind: "div", name: "idiv", code: [0x48, 0xf7, 0xf9], fill: "i" },
];
for (const [byte, name] of [
  [0x60, "pcmpestrm"],
  [0x61, "pcmpestri"],
  [0x62, "pcmpistrm"],
  [0x63, "pcmpistri"],
] as const) {
  special.push({ kind: "string", name, code: [0x66, 0x48, 0x0f, 0x3a, byte, 0xca, 0], imm: 128, fill: "text" });
}
for (const [name, code, imm] of [
  ["Daa", [0x27]],
  ["Das", [0x2f]],
  ["Aaa", [0x37]],
  ["Aas", [0x3f]],
  ["Aam", [0xd4, 10], 256],
  ["Aad", [0xd5, 10], 256],
] as const) {
  special.push({ kind: "bcd", name, code, fill: "i", bits: 32, ...(imm ? { imm } : {}) });
}

const st = (byte: number, base: number) => Array.from({ length: 8 }, (_, i): number[] => [byte, base + i]);
/** Every x87 operation but those that write a pointer image; memory forms use ModR/M 00 reg 111 ([RDI]). */
const X87: readonly (readonly [string, readonly number[][]])[] = [
  ["D8 arithmetic", [0, 1, 4, 5, 6, 7].flatMap((op) => st(0xd8, 0xc0 + 8 * op))],
  ["DC arithmetic", [0, 1, 4, 5, 6, 7].flatMap((op) => st(0xdc, 0xc0 + 8 * op))],
  ["DE arithmetic", [0, 1, 4, 5, 6, 7].flatMap((op) => st(0xde, 0xc0 + 8 * op))],
  ["memory arithmetic", [0xd8, 0xdc, 0xda, 0xde].flatMap((b) => [0, 1, 4, 5, 6, 7].map((op) => [b, 7 + 8 * op]))],
  ["memory compare", [0xd8, 0xdc, 0xda, 0xde].flatMap((b) => [2, 3].map((op) => [b, 7 + 8 * op]))],
  ["compare", [...st(0xd8, 0xd0), ...st(0xd8, 0xd8), ...st(0xdd, 0xe0), ...st(0xdd, 0xe8)]],
  [
    "compare twice",
    [
      [0xde, 0xd9],
      [0xda, 0xe9],
      [0xd9, 0xe4],
      [0xd9, 0xe5],
    ],
  ],
  ["compare to flags", [...st(0xdb, 0xe8), ...st(0xdb, 0xf0), ...st(0xdf, 0xe8), ...st(0xdf, 0xf0)]],
  [
    "load",
    [
      [0xd9, 0x07],
      [0xdd, 0x07],
      [0xdb, 0x2f],
      [0xdf, 0x07],
      [0xdb, 0x07],
      [0xdf, 0x2f],
      [0xdf, 0x27],
    ],
  ],
  ["load constant", Array.from({ length: 7 }, (_, k) => [0xd9, 0xe8 + k])],
  ["load register", st(0xd9, 0xc0)],
  [
    "store float",
    [
      [0xd9, 0x17],
      [0xd9, 0x1f],
      [0xdd, 0x17],
      [0xdd, 0x1f],
      [0xdb, 0x3f],
    ],
  ],
  [
    "store integer",
    [
      [0xdf, 0x17],
      [0xdf, 0x1f],
      [0xdf, 0x0f],
      [0xdb, 0x17],
      [0xdb, 0x1f],
      [0xdb, 0x0f],
      [0xdf, 0x3f],
      [0xdd, 0x0f],
      [0xdf, 0x37],
    ],
  ],
  ["store register", [...st(0xdd, 0xd0), ...st(0xdd, 0xd8), ...st(0xd9, 0xd8)]],
  ["exchange and free", [...st(0xd9, 0xc8), ...st(0xdd, 0xc0), ...st(0xdf, 0xc0)]],
  [
    "sign and stack",
    [
      [0xd9, 0xe0],
      [0xd9, 0xe1],
      [0xd9, 0xf6],
      [0xd9, 0xf7],
      [0xdb, 0xe2],
      [0xdb, 0xe3],
      [0xd9, 0x2f],
    ],
  ],
  ["square root", [[0xd9, 0xfa]]],
  [
    "round and scale",
    [
      [0xd9, 0xfc],
      [0xd9, 0xfd],
      [0xd9, 0xf4],
    ],
  ],
  [
    "remainder",
    [
      [0xd9, 0xf8],
      [0xd9, 0xf5],
    ],
  ],
  ["transcendental", [0xf0, 0xf1, 0xf2, 0xf3, 0xf9, 0xfb, 0xfe, 0xff].map((b) => [0xd9, b])],
];
export const X87_CASES: readonly (readonly [string, readonly number[][]])[] = X87;
export const SPECIAL: readonly Special[] = special;

export interface Group {
  readonly name: string;
  readonly bits: 32 | 64;
  /** Fills one input record (zeroed before). */
  fill(view: DataView, below: Below): void;
}

function setCode(view: DataView, code: readonly number[], imm: number | undefined, below: Below): void {
  view.setUint8(Field.length, code.length);
  for (const [i, byte] of code.entries()) view.setUint8(Field.code + i, byte);
  if (imm !== undefined) view.setUint8(Field.code + code.length - 1, below(imm));
}

/** MXCSR: any rounding, DAZ and FTZ at times, flags noted at times, some exceptions unmasked in one of four. */
function randomMxcsr(below: Below): number {
  const masks = below(4) === 0 ? below(64) << 7 : 0x1f80;
  const zeros = (below(3) === 0 ? 0x40 : 0) | (below(3) === 0 ? 0x8000 : 0);
  return masks | zeros | (below(4) << 13) | (below(4) === 0 ? below(64) : 0);
}

function fillVector(view: DataView, fill: "d" | "s" | "i" | "text", below: Below): void {
  for (let at = Field.xmm0; at < Field.ax; at += fill === "d" ? 8 : fill === "text" ? 1 : 4) {
    if (fill === "d") view.setBigUint64(at, double(below), true);
    else if (fill === "s") view.setUint32(at, single(below), true);
    else if (fill === "i") view.setUint32(at, below(0x1_0000_0000) >>> below(32), true);
    else view.setUint8(at, below(8) === 0 ? 0 : below(4) === 0 ? below(256) : 0x61 + below(4));
  }
}

function fillX87(view: DataView, code: readonly number[], below: Below): void {
  const masks = below(4) === 0 ? below(64) : 0x3f;
  const top = below(8);
  view.setUint16(Field.fcw, masks | 0x40 | (below(4) << 10) | (([0, 2, 3, 3, 3, 1][below(6)] as number) << 8), true);
  const noted = below(8) === 0 ? below(64) & masks : 0;
  view.setUint16(Field.fsw, (below(0x10000) & 0x4700) | (top << 11) | noted, true);
  const sparse = below(8) === 0;
  let tags = 0;
  for (let i = 0; i < 8; i++) if (sparse ? below(2) : ((i - top) & 7) === 7 && below(8)) tags |= 3 << (2 * i);
  view.setUint16(Field.ftw, tags, true);
  for (let i = 0; i < 8; i++) {
    const [sig, se] = extended(below);
    view.setBigUint64(Field.st + 10 * i, sig, true);
    view.setUint16(Field.st + 10 * i + 8, se, true);
  }
  const isScale = code[0] === 0xd9 && code[1] === 0xfd;
  if (isScale && below(2)) view.setUint16(Field.st + 18, (0x3fff + below(18)) | (below(2) << 15), true);
  fillMemory(view, code, below);
}

function fillMemory(view: DataView, code: readonly number[], below: Below): void {
  for (let i = 0; i < 20; i++) view.setUint8(Field.memory + i, 0xcc);
  const [opcode = 0, modrm = 0] = code;
  if (modrm >= 0xc0) return;
  const reg = (modrm >> 3) & 7;
  if (opcode === 0xdb && reg === 5) {
    const [sig, se] = extended(below);
    view.setBigUint64(Field.memory, sig, true);
    view.setUint16(Field.memory + 8, se, true);
  } else if (opcode === 0xdf && reg === 4) {
    for (let i = 0; i < 10; i++) view.setUint8(Field.memory + i, below(10) * 16 + below(10));
  } else if (opcode === 0xd8 || (opcode === 0xd9 && reg === 0)) view.setUint32(Field.memory, single(below), true);
  else if (opcode === 0xdc || (opcode === 0xdd && reg === 0)) view.setBigUint64(Field.memory, double(below), true);
  else view.setBigUint64(Field.memory, integer(below), true);
}

/** A dividend and divisor whose quotient mostly fits. */
function fillDivision(view: DataView, signed: boolean, below: Below): void {
  const divisor = integer(below);
  view.setBigUint64(Field.cx, divisor, true);
  if (below(16) === 0) return;
  const d = signed ? BigInt.asIntN(64, divisor) : divisor;
  const q = signed ? BigInt.asIntN(64, integer(below)) : integer(below);
  const dividend = q * d + (below(2) ? 0n : 1n);
  view.setBigUint64(Field.ax, BigInt.asUintN(64, dividend), true);
  view.setBigUint64(Field.dx, BigInt.asUintN(64, dividend >> 64n), true);
}

function group(test: Simple | Special): Group {
  return {
    name: test.name,
    bits: test.bits ?? 64,
    fill(view, below) {
      setCode(view, test.code, test.imm, below);
      fillVector(view, test.fill, below);
      for (const at of [Field.ax, Field.dx, Field.cx]) view.setBigUint64(at, integer(below), true);
      view.setUint32(
        Field.mxcsr,
        test.fill === "d" || test.fill === "s" || test.name.startsWith("cvt") ? randomMxcsr(below) : 0x1f80,
        true,
      );
      view.setUint32(Field.fcw, 0x37f, true);
      view.setUint32(Field.ftw, 0xffff, true);
      if (test.kind === "div") fillDivision(view, test.name === "idiv", below);
      if (test.kind === "string")
        for (const at of [Field.ax, Field.dx]) view.setBigInt64(at, BigInt(below(50) - 25), true);
      if (test.kind === "bcd") {
        view.setBigUint64(Field.ax, BigInt(below(0x10000)), true);
        view.setBigUint64(Field.flags, BigInt(below(0x1000) & 0x8d5), true);
        if (test.name === "Aam" && view.getUint8(Field.code + 1) === 0) view.setUint8(Field.code + 1, 10);
      }
      if (test.name.startsWith("crc32")) view.setUint32(Field.ax + 4, 0, true);
    },
  };
}

function x87Group(name: string, codes: readonly number[][]): Group {
  return {
    name,
    bits: 64,
    fill(view, below) {
      const code = codes[below(codes.length)] as number[];
      setCode(view, code, undefined, below);
      view.setBigUint64(Field.flags, BigInt(below(0x1000) & 0x8d5), true);
      view.setUint32(Field.mxcsr, 0x1f80, true);
      fillX87(view, code, below);
    },
  };
}

/** Every group of records, in the order of the corpus. */
export const GROUPS: readonly Group[] = [
  ...SIMPLE.map(group),
  ...SPECIAL.map(group),
  ...X87.map(([name, codes]) => x87Group(name, codes)),
];
