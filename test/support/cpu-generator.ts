/**
 * Random encodings of an instruction form, with registers that point where the case wants its memory. The decoder says what
 * the bytes mean; whether it is right is tested elsewhere, and shows here too.
 */
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { BASE_RIP, DecodeStatus, type Form, type Instruction, NO_REG, OperandKind } from "../../src/isa/instruction.ts";
import { type Below, CODE_BASE, type CpuCase, casesRandom, DATA_BASE, Field, READ_ONLY } from "./cpu-case.ts";

/** Instructions whose result is not the processor's alone, or that would leave the test's frame. */
const NOT_COMPARED = new Set(
  (
    "syscall sysenter sysret sysexit int rdtsc rdtscp rdpmc cpuid rdrand rdseed xgetbv rdpid sgdt sidt sldt str smsw verr verw " +
    "lar lsl les lds lss lfs lgs callf jmpf retf iret rdfsbase rdgsbase wrfsbase wrgsbase arpl rdssp " +
    "fxsave fxsave64 fxrstor fxrstor64 xsave xsave64 xrstor xrstor64 xsaveopt xsaveopt64 xsavec xsavec64 xsaves xsaves64 " +
    "xrstors xrstors64 fldenv fnstenv frstor fnsave evex swapgs wbnoinvd invpcid int1 fstpnce"
  ).split(" "),
);

/**
 * In 64-bit code Intel's processors ignore 66H before near branches and read 16 bits for MOVSXD, AMD's take 16 bits of RIP and
 * read 32: only cpu-byte-hunt.ts has it. INT1 comes out differently under a hypervisor. `fstpnce` is an undocumented alias whose tags are the processor's own matter.
 */
const NO_OPERAND_SIZE = /^(call|ret|jmp|j[a-z]+|loop|loope|loopne|movsxd)$/;

/** Whether the differential test can run the form in this mode. */
export function isComparable(form: Form, codeBits: 32 | 64): boolean {
  if (form.feature === "unsupported" || form.feature === "cet" || form.privileged || NOT_COMPARED.has(form.mnemonic))
    return false;
  if (form.mnemonic === "mov" || form.mnemonic === "push" || form.mnemonic === "pop") {
    if (form.operands.some((code) => /^(Sw|[CD]v|Rv|ES|CS|SS|DS|FS|GS)$/.test(code))) return false;
  }
  return codeBits === 64 || !form.opcode.includes("REX.W ");
}

interface Pattern {
  prefixes: number[];
  rexW: boolean;
  rexW0: boolean;
  vex: string | undefined;
  opcode: number[];
  plusR: boolean;
  modrm: boolean;
  digit: number;
  /** A whole ModR/M byte, and whether its low bits are open. */
  modrmByte: number;
  plusI: boolean;
  fixedPrefix: boolean;
}

function parse(form: Form): Pattern {
  const pattern: Pattern = {
    prefixes: [],
    rexW: false,
    rexW0: false,
    vex: undefined,
    opcode: [],
    plusR: false,
    modrm: false,
    digit: -1,
    modrmByte: -1,
    plusI: false,
    fixedPrefix: false,
  };
  const x87Escape = /^D[89A-F] [C-F]/.test(form.opcode);
  for (const token of form.opcode.split(" ")) {
    const byte = /^([0-9A-F]{2})(\+[ri])?$/.exec(token);
    if (token === "NP") pattern.fixedPrefix = true;
    else if (token === "REX.W") pattern.rexW = true;
    else if (token === "REX.W0") pattern.rexW0 = true;
    else if (token.startsWith("VEX.")) pattern.vex = token;
    else if (byte !== null) {
      const value = Number.parseInt(byte[1] as string, 16);
      if (
        pattern.opcode.length === 0 &&
        [0x66, 0xf2, 0xf3].includes(value) &&
        pattern.vex === undefined &&
        form.opcode.length > 2
      ) {
        pattern.prefixes.push(value);
        pattern.fixedPrefix = true;
      } else if (isModrmByte(pattern.opcode, x87Escape)) {
        pattern.modrmByte = value;
        pattern.plusI = byte[2] === "+i";
      } else {
        pattern.opcode.push(value);
        pattern.plusR = byte[2] === "+r";
      }
    } else if (token === "/r") pattern.modrm = true;
    else if (/^\/[0-7]$/.test(token)) {
      pattern.modrm = true;
      pattern.digit = Number(token[1]);
    }
  }
  return pattern;
}

/** Whether the opcode is complete, so that another byte is a whole ModR/M byte. */
function isModrmByte(opcode: readonly number[], x87Escape: boolean): boolean {
  if (opcode.length === 0) return false;
  if (opcode[0] !== 0x0f) return x87Escape;
  if (opcode.length < 2) return false;
  return opcode[1] === 0x38 || opcode[1] === 0x3a ? opcode.length === 3 : true;
}

const patterns = new Map<number, Pattern>();
function patternOf(form: Form): Pattern {
  let pattern = patterns.get(form.id);
  if (pattern === undefined) {
    pattern = parse(form);
    patterns.set(form.id, pattern);
  }
  return pattern;
}

/** Gives ModR/M and what follows it for the reg field. */
export type ChooseModrm = (reg: number) => readonly number[];

function randomModrm(pattern: Pattern, below: Below, out: number[], choose: ChooseModrm | undefined): void {
  if (pattern.modrmByte >= 0) {
    out.push(pattern.modrmByte + (pattern.plusI ? below(8) : 0));
    return;
  }
  const reg = pattern.digit >= 0 ? pattern.digit : below(8);
  if (choose !== undefined) {
    out.push(...choose(reg));
    return;
  }
  const register = below(5) < 2;
  const mod = register ? 3 : below(3);
  const rm = below(8);
  out.push((mod << 6) | (reg << 3) | rm);
  if (mod === 3) return;
  if (rm === 4) {
    const sib = below(256);
    out.push(sib);
    if (mod === 0 && (sib & 7) === 5) pushDisplacement(below, 4, out);
  } else if (mod === 0 && rm === 5) pushDisplacement(below, 4, out);
  if (mod === 1) out.push(below(256));
  if (mod === 2) pushDisplacement(below, 4, out);
}

function pushDisplacement(below: Below, count: number, out: number[]): void {
  const small = below(2) === 0;
  const sign = below(2) ? 255 : 0;
  for (let i = 0; i < count; i++) out.push(i < (small ? 1 : 3) ? below(256) : sign);
}

/** Bytes that should be the form, with more immediate bytes than it may have. */
export function encode(form: Form, codeBits: 32 | 64, below: Below, choose?: ChooseModrm): number[] {
  const pattern = patternOf(form);
  const out: number[] = [];
  if (pattern.vex !== undefined) encodeVex(pattern, codeBits, below, out);
  else {
    const string = form.operands.some((code) => /^[XY]/.test(code));
    const wide = !pattern.fixedPrefix && !(codeBits === 64 && NO_OPERAND_SIZE.test(form.mnemonic));
    if (wide && below(4) === 0 && form.operands.some((code) => /v|z|^r/.test(code))) out.push(0x66);
    if (below(16) === 0) out.push(0x67);
    if (string && below(2) === 0) out.push(below(2) === 0 ? 0xf2 : 0xf3);
    if (form.lockable && below(8) === 0) out.push(0xf0);
    out.push(...pattern.prefixes);
    if (codeBits === 64) {
      let rex = pattern.rexW ? 0x48 : below(2) === 0 ? 0 : 0x40 | (pattern.rexW0 ? 0 : below(2) << 3);
      if (rex !== 0 || below(3) === 0) rex |= 0x40 | below(8);
      if (rex !== 0) out.push(rex);
    }
    out.push(...pattern.opcode);
    if (pattern.plusR) out.push((out.pop() as number) + below(8));
  }
  if (pattern.modrm || pattern.modrmByte >= 0) randomModrm(pattern, below, out, choose);
  // Immediates; what is too much is cut off.
  const small = below(2) === 0;
  for (let i = 0; i < 10; i++) out.push(small && i > 0 ? 0 : below(256));
  return out;
}

function encodeVex(pattern: Pattern, codeBits: 32 | 64, below: Below, out: number[]): void {
  const parts = (pattern.vex as string).split(".");
  const pp = parts.includes("66") ? 1 : parts.includes("F3") ? 2 : parts.includes("F2") ? 3 : 0;
  const map = parts.includes("0F38") ? 2 : parts.includes("0F3A") ? 3 : 1;
  const w = parts.includes("W1") ? 1 : parts.includes("W0") ? 0 : below(2);
  const l = parts.includes("256") ? 1 : parts.includes("128") || parts.includes("L0") ? 0 : below(2);
  const high = codeBits === 64;
  const inverted = high ? below(8) : 7;
  // Half of the time vvvv is 1111B, which forms without such an operand want.
  const vvvv = below(2) === 0 ? 15 : high ? below(16) : 8 + below(8);
  if (map === 1 && w === 0 && below(2) === 0) out.push(0xc5, ((inverted & 4) << 5) | (vvvv << 3) | (l << 2) | pp);
  else out.push(0xc4, (inverted << 5) | map, (w << 7) | (vvvv << 3) | (l << 2) | pp);
  out.push(...pattern.opcode);
}

const insn = newInstruction();

/** A random case of the form, or undefined if none was found in a number of tries. */
export function generate(form: Form, codeBits: 32 | 64, seed: number): CpuCase | undefined {
  const below = casesRandom(seed ^ 0x5bd1e995);
  for (let attempt = 0; attempt < 40; attempt++) {
    const bytes = encode(form, codeBits, below);
    const buffer = new Uint8Array(32);
    buffer.set(bytes.slice(0, 15));
    if (decode(buffer, 0, 15, codeBits, insn) !== DecodeStatus.ok || insn.form.id !== form.id) continue;
    const code = buffer.slice(0, insn.length);
    const overrides: [number, number][] = [];
    const rip = placeCode(code.length, below);
    if (!place(insn, code, rip, codeBits, below, overrides)) continue;
    return { codeBits, seed, rip, code, overrides };
  }
  return undefined;
}

/** Mostly somewhere in the first page; sometimes across the pages' border or right before the end. */
function placeCode(length: number, below: Below): number {
  const where = below(24);
  if (where === 0) return CODE_BASE + 0x1000 - below(length + 1);
  if (where === 1) return CODE_BASE + 0x2000 - length;
  return CODE_BASE + 0x800 + below(64);
}

/** An address for `size` bytes: within a window, mostly aligned; sometimes across pages, read-only or not mapped. */
function target(size: number, below: Below): number {
  const bytes = Math.max(size, 1);
  const align = (address: number) => address - (address % bytes);
  switch (below(24)) {
    case 0:
      return DATA_BASE + 0x1000 - below(bytes + 1);
    case 1:
      return DATA_BASE + 0x2000 - below(2 * bytes + 1);
    case 2:
      return DATA_BASE - below(bytes + 1);
    case 3:
      return READ_ONLY + below(64);
    case 4:
    case 5:
    case 6:
      return DATA_BASE + 0xfc0 + below(128 - Math.min(bytes, 127));
    case 7:
    case 8:
      return DATA_BASE + align(below(64));
    default:
      return DATA_BASE + 0xfc0 + align(below(128 - Math.min(bytes, 127)));
  }
}

const TWO32 = 0x1_0000_0000;

function setRegister(overrides: [number, number][], reg: number, value: number, codeBits: 32 | 64): void {
  overrides.push([Field.gpr + 8 * reg, value >>> 0]);
  if (codeBits === 64) overrides.push([Field.gpr + 8 * reg + 4, Math.floor(value / TWO32) >>> 0]);
}

const RCX = 1;
const RSI = 6;
const RDI = 7;

/** Gives address registers and displacements values such that the case touches its memory. */
function place(
  i: Instruction,
  code: Uint8Array,
  rip: number,
  codeBits: 32 | 64,
  below: Below,
  overrides: [number, number][],
): boolean {
  const kinds = i.operands.map((operand) => operand.kind);
  const string = kinds.includes(OperandKind.stringSource) || kinds.includes(OperandKind.stringDest);
  if (i.addressSize === 2 && (string || kinds.includes(OperandKind.mem))) return false;
  const garbage = i.addressSize === 4 && codeBits === 64 && below(2) === 0 ? (1 + below(0x7fff)) * TWO32 : 0;
  if (string || /^v?maskmov(q|dqu)$/.test(i.form.mnemonic)) {
    setRegister(overrides, RSI, target(1, below) + garbage, codeBits);
    setRegister(overrides, RDI, target(string ? 1 : 16, below) + garbage, codeBits);
    setRegister(overrides, RCX, below(24) + garbage, codeBits);
  }
  if (i.form.mnemonic === "xlat") setRegister(overrides, 3, DATA_BASE + 0xfc0 + garbage, codeBits);
  if (/^loop|^jr?cxz$/.test(i.form.mnemonic)) setRegister(overrides, RCX, below(3) + garbage, codeBits);
  const index = kinds.indexOf(OperandKind.mem);
  if (index < 0) return true;
  if (i.form.mnemonic.includes("gather")) return placeGather(i, code, codeBits, below, overrides);
  const size = i.operands[index]?.size ?? 0;
  let address = target(size, below);
  const bitString = /^bt[src]?$/.test(i.form.mnemonic) && i.operands[1].kind === OperandKind.gpr;
  if (bitString) {
    // The register selects a bit up to 32 bytes away.
    const { reg } = i.operands[1];
    if (reg === i.base || reg === i.index) return false;
    address = DATA_BASE + 0xfe0 + below(32);
    overrides.push([Field.gpr + 8 * reg, (below(512) - 256) >>> 0], [Field.gpr + 8 * reg + 4, 0]);
    if (i.operandSize === 8) {
      const offset = below(512) - 256;
      overrides.push([Field.gpr + 8 * reg, offset >>> 0], [Field.gpr + 8 * reg + 4, offset < 0 ? 0xffff_ffff : 0]);
    }
  }
  if (i.base === NO_REG && i.index === NO_REG) return patchDisplacement(i, code, address);
  if (i.base === BASE_RIP) return patchDisplacement(i, code, address - rip - i.length);
  let rest = address - i.dispLo;
  if (i.index !== NO_REG) {
    if (i.index === i.base || i.index === 4) return false;
    const step = below(64) - 32;
    if (i.base === NO_REG) {
      const value = Math.floor(rest / i.scale);
      setRegister(overrides, i.index, value + garbage, codeBits);
      return true;
    }
    if (codeBits === 64 && i.addressSize === 8) {
      overrides.push([Field.gpr + 8 * i.index, step >>> 0], [Field.gpr + 8 * i.index + 4, step < 0 ? 0xffff_ffff : 0]);
    } else overrides.push([Field.gpr + 8 * i.index, step >>> 0]);
    rest -= step * i.scale;
  }
  if (i.base >= 0) setRegister(overrides, i.base, (rest < 0 ? rest + TWO32 : rest) + garbage, codeBits);
  return true;
}

/** Base and index elements of a gather: all of them within the windows, or a few anywhere. */
function placeGather(
  i: Instruction,
  code: Uint8Array,
  codeBits: 32 | 64,
  below: Below,
  overrides: [number, number][],
): boolean {
  const size = i.operands[1].size;
  const wide = /gatherq/.test(i.form.mnemonic);
  const middle = DATA_BASE + 0x1000;
  if (i.base === NO_REG) {
    if (!patchDisplacement(i, code, middle)) return false;
  } else setRegister(overrides, i.base, middle - i.dispLo, codeBits);
  const faulty = below(3) === 0;
  const allSet = below(3) === 0;
  const word = (reg: number, at: number) =>
    at < 16 ? Field.fx + 160 + 16 * reg + at : Field.ymmHigh + 16 * reg + at - 16;
  for (let at = 0; at < 32; at += wide ? 8 : 4) {
    const anywhere = faulty && below(6) === 0;
    const address = anywhere ? target(size, below) : DATA_BASE + 0xfc0 + below(129 - size);
    const index = Math.round((address - middle) / i.scale);
    overrides.push([word(i.index, at), index >>> 0]);
    if (wide) overrides.push([word(i.index, at + 4), index < 0 ? 0xffff_ffff : 0]);
  }
  for (let at = 0; allSet && at < 32; at += 4) overrides.push([word(i.vvvv, at), 0xffff_ffff]);
  return true;
}

/** Replaces the 32-bit displacement in the code. */
function patchDisplacement(i: Instruction, code: Uint8Array, value: number): boolean {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  for (let at = code.length - 4; at > 0; at--) {
    if (view.getInt32(at, true) !== i.dispLo) continue;
    view.setInt32(at, value | 0, true);
    return true;
  }
  return false;
}
