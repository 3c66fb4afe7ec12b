/** x87 instructions by their opcode bytes, in terms of the helpers. */
import { Field } from "./cases.ts";
import { ARGS, type Helpers, RESULT } from "./harness.ts";

const FCW = 0x10f0;
const FSW = 0x10f4;
const FTW = 0x10f8;
const FPR = 0x1120;

/** Registers as a 32-bit FRSTOR of the record's image loads them. */
export function loadX87(h: Helpers, input: DataView): void {
  const sw = input.getUint16(Field.fsw, true);
  const tags = input.getUint16(Field.ftw, true);
  h.view.setUint32(FCW, input.getUint16(Field.fcw, true), true);
  h.view.setUint32(FSW, sw, true);
  h.view.setUint32(FTW, abridged(tags), true);
  for (let i = 0; i < 8; i++) {
    const to = FPR + 16 * (((sw >> 11) + i) & 7);
    h.view.setBigUint64(to, input.getBigUint64(Field.st + 10 * i, true), true);
    h.view.setUint16(to + 8, input.getUint16(Field.st + 10 * i + 8, true), true);
  }
}

function abridged(tags: number): number {
  let out = 0;
  for (let i = 0; i < 8; i++) if (((tags >> (2 * i)) & 3) !== 3) out |= 1 << i;
  return out;
}

function call(h: Helpers, name: string, ...args: (number | bigint)[]): number {
  for (const [i, arg] of args.entries()) {
    if (typeof arg === "bigint") h.view.setBigInt64(ARGS + 16 * i, BigInt.asIntN(64, arg), true);
    else h.view.setInt32(ARGS + 16 * i, arg, true);
  }
  h.view.setBigUint64(RESULT, 0n, true);
  (h.call[name] as () => void)();
  return h.view.getInt32(RESULT, true);
}

function store(h: Helpers, memory: DataView, bytes: number, pops: number, name: string, ...args: number[]): void {
  call(h, name, ...args);
  const value = h.view.getBigUint64(RESULT, true);
  const high = bytes < 10 ? 0 : call(h, name === "x87StoreSig" ? "x87StoreSe" : "x87StoreBcdHigh");
  if (call(h, "x87Stores") === 1) {
    for (let i = 0; i < Math.min(bytes, 8); i++) memory.setUint8(i, Number((value >> BigInt(8 * i)) & 0xffn));
    if (bytes === 10) memory.setUint16(8, high, true);
  }
  call(h, "x87StoreCommit", pops);
}

const NO_OPERAND: Readonly<Record<number, readonly [string, ...number[]]>> = {
  55776: ["x87Sign", 0],
  55777: ["x87Sign", 1],
  55780: ["x87ComInt", 0, 0],
  55781: ["x87Fxam"],
  55792: ["x87F2xm1"],
  55793: ["x87Fyl2x"],
  55794: ["x87Fptan"],
  55795: ["x87Fpatan"],
  55796: ["x87Fxtract"],
  55797: ["x87Fprem", 1],
  55798: ["x87Rotate", 7],
  55799: ["x87Rotate", 1],
  55800: ["x87Fprem", 0],
  55801: ["x87Fyl2xp1"],
  55802: ["x87Fsqrt"],
  55803: ["x87Fsincos"],
  55804: ["x87Frndint"],
  55805: ["x87Fscale"],
  55806: ["x87Fsin"],
  55807: ["x87Fcos"],
  56041: ["x87Com", 1, 1, 2],
  56290: ["x87Fnclex"],
  56291: ["x87Fninit"],
  57049: ["x87Com", 1, 0, 2],
};

/** Runs the record's instruction; the six arithmetic flags afterwards. */
export function runX87(h: Helpers, input: DataView, memory: DataView): number {
  const opcode = input.getUint8(Field.code);
  const modrm = input.getUint8(Field.code + 1);
  const flags = input.getUint32(Field.flags, true);
  const plain = NO_OPERAND[(opcode << 8) | modrm];
  if (plain !== undefined) {
    const [name, ...args] = plain;
    call(h, name, ...args);
  } else if (modrm >= 0xc0) return onRegisters(h, opcode, modrm, flags);
  else onMemory(h, opcode, (modrm >> 3) & 7, memory);
  return flags;
}

function onRegisters(h: Helpers, opcode: number, modrm: number, flags: number): number {
  const reg = (modrm >> 3) & 7;
  const i = modrm & 7;
  const isCompare = reg === 2 || reg === 3;
  if (opcode === 0xd9 && reg === 5) call(h, "x87FldConst", i);
  else if (opcode === 0xd8) {
    if (isCompare) call(h, "x87Com", i, 0, reg - 2);
    else call(h, "x87Arith", reg, 0, i, 0);
  } else if (opcode === 0xdc || opcode === 0xde) {
    // with ST(i) as the destination, FSUB and FSUBR, FDIV and FDIVR change places
    call(h, "x87Arith", reg < 2 ? reg : reg ^ 1, i, 0, opcode === 0xde ? 1 : 0);
  } else if (opcode === 0xd9) {
    const names = ["x87FldSt", "x87Fxch", "", "x87FstpNce"];
    call(h, names[reg] as string, i);
  } else if (opcode === 0xdd) {
    if (reg === 0) call(h, "x87Ffree", i, 0);
    else if (isCompare) call(h, "x87FstSt", i, reg - 2);
    else call(h, "x87Com", i, 1, reg - 4);
  } else if (reg === 0) call(h, "x87Ffree", i, 1);
  else return call(h, "x87Comi", i, reg === 5 ? 1 : 0, opcode === 0xdf ? 1 : 0);
  return flags;
}

function onMemory(h: Helpers, opcode: number, reg: number, memory: DataView): void {
  const m32 = memory.getInt32(0, true);
  const m64 = memory.getBigInt64(0, true);
  const integer = opcode === 0xda || opcode === 0xdb ? m32 : memory.getInt16(0, true);
  if (opcode === 0xd8 || opcode === 0xdc) {
    const [suffix, value] = opcode === 0xd8 ? ["M32", m32] : ["M64", m64];
    if (reg === 2 || reg === 3) call(h, `x87Com${suffix}`, value as number | bigint, reg - 2);
    else call(h, `x87Arith${suffix}`, reg, value as number | bigint);
  } else if (opcode === 0xda || opcode === 0xde) {
    if (reg === 2 || reg === 3) call(h, "x87ComInt", integer, reg - 2);
    else call(h, "x87ArithInt", reg, integer);
  } else if (reg === 0) {
    if (opcode === 0xd9) call(h, "x87FldM32", m32);
    else if (opcode === 0xdd) call(h, "x87FldM64", m64);
    else call(h, "x87Fild", BigInt(integer));
  } else if (reg === 5) {
    if (opcode === 0xd9) call(h, "x87Fldcw", memory.getUint16(0, true));
    else if (opcode === 0xdb) call(h, "x87FldM80", m64, memory.getUint16(8, true));
    else call(h, "x87Fild", m64);
  } else if (opcode === 0xdf && reg === 4) call(h, "x87Fbld", m64, memory.getUint16(8, true));
  else storeForm(h, opcode, reg, memory);
}

function storeForm(h: Helpers, opcode: number, reg: number, memory: DataView): void {
  const pops = reg === 2 ? 0 : 1;
  if (opcode === 0xd9) store(h, memory, 4, pops, "x87StoreF32");
  else if (opcode === 0xdd && reg !== 1) store(h, memory, 8, pops, "x87StoreF64");
  else if (opcode === 0xdd) store(h, memory, 8, 1, "x87StoreInt", 64, 1);
  else if (opcode === 0xdb && reg === 7) store(h, memory, 10, 1, "x87StoreSig");
  else if (opcode === 0xdf && reg === 6) store(h, memory, 10, 1, "x87StoreBcd");
  else if (opcode === 0xdf && reg === 7) store(h, memory, 8, 1, "x87StoreInt", 64, 0);
  else store(h, memory, opcode === 0xdb ? 4 : 2, pops, "x87StoreInt", opcode === 0xdb ? 32 : 16, reg === 1 ? 1 : 0);
}

const TRANSCENDENTAL = new Set([0xf0, 0xf1, 0xf2, 0xf3, 0xf9, 0xfb, 0xfe, 0xff]);
const C1 = 0x200;

/** A value of sign, exponent and significand as one number, in which neighbours differ by 1. */
const ordinal = (sig: bigint, se: number): bigint => (BigInt(se & 0x7fff) << 63n) | BigInt.asUintN(63, sig);

/**
 * Compares state, memory and flags. A transcendental result may be the neighbour of the processor's, and C1 then differ: neither
 * is the correctly rounded one always.
 */
export function x87Differences(h: Helpers, input: DataView, output: DataView, memory: DataView, flags: number): string {
  const tolerant = input.getUint8(Field.code) === 0xd9 && TRANSCENDENTAL.has(input.getUint8(Field.code + 1));
  const found: string[] = [];
  const note = (what: string, want: number | bigint, got: number | bigint) => {
    if (want !== got) found.push(`${what} ${want.toString(16)}, not ${got.toString(16)}`);
  };
  const sw = h.view.getUint32(FSW, true);
  const ignored = tolerant ? ~C1 : ~0;
  note("fcw", output.getUint16(Field.fcw, true), h.view.getUint32(FCW, true));
  note("fsw", output.getUint16(Field.fsw, true) & ignored, sw & ignored);
  note("tags", abridged(output.getUint16(Field.ftw, true)), h.view.getUint32(FTW, true));
  for (let i = 0; i < 8; i++) {
    const at = FPR + 16 * (((sw >> 11) + i) & 7);
    const wantSig = output.getBigUint64(Field.st + 10 * i, true);
    const wantSe = output.getUint16(Field.st + 10 * i + 8, true);
    const gotSig = h.view.getBigUint64(at, true);
    const gotSe = h.view.getUint16(at + 8, true);
    const apart = ordinal(wantSig, wantSe) - ordinal(gotSig, gotSe);
    if (tolerant && (wantSe ^ gotSe) >> 15 === 0 && apart >= -1n && apart <= 1n) continue;
    note(`st${i} exponent`, wantSe, gotSe);
    note(`st${i}`, wantSig, gotSig);
  }
  for (let i = 0; i < 20; i++) note(`memory ${i}`, output.getUint8(Field.memory + i), memory.getUint8(i));
  note("eflags", output.getUint32(Field.flags, true), flags);
  return found.join("; ");
}
