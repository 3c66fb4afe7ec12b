/**
 * What a lifter works with: the decoded instruction's operands as IR values, effective addresses, flags and control flow.
 * Semantics are written once, here and in the files beside this one, and serve every tier.
 */
import { InternalError } from "../../base/errors.ts";
import { FLAG_AUX, FLAG_RESULT, FS_BASE, GPR, GS_BASE, YMM, YMM_STRIDE } from "../cpu-block.ts";
import { BASE_RIP, type Instruction, NO_REG, type Operand, OperandKind, Segment } from "../instruction.ts";
import { type Builder, opDef, type Value } from "../ir/builder.ts";
import { CONST_SLOT, OPS, type OpDef } from "../ir/ops.ts";

export type Lifter = (x: Lift) => void;
export type LifterTable = Record<string, Lifter>;

/** Linear address of a memory operand: a slot and a displacement that the access adds. */
export interface Address {
  slot: Value;
  disp: number;
}

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;

type Sized = ReadonlyMap<string, OpDef>;

/** Definitions by the name without its size, so that no names are put together while lifting. */
function bySuffix(suffix: string): Sized {
  const ending = new RegExp(`^[A-Za-z]+${suffix}$`);
  return new Map(
    OPS.filter((def) => ending.test(def.name)).map((def) => [def.name.slice(0, def.name.length - suffix.length), def]),
  );
}

const SIZED_32 = bySuffix("32");
const SIZED_64 = bySuffix("64");
const bySize = (name: (bits: number) => string): readonly OpDef[] => {
  const list: OpDef[] = [];
  for (const size of [1, 2, 4, 8]) list[size] = opDef(name(8 * size));
  return list;
};
const withVector = (list: readonly OpDef[], vector: string): readonly OpDef[] => {
  const all = [...list];
  all[16] = opDef(vector);
  return all;
};
const LOADS = withVector(
  bySize((bits) => `load${bits}`),
  "loadV",
);
const LOADS_W = withVector(
  bySize((bits) => `load${bits}W`),
  "loadVW",
);
const STORES = withVector(
  bySize((bits) => `store${bits}`),
  "storeV",
);
const FLAGS_ADD = bySize((bits) => `flagsAdd${bits}`);
const FLAGS_SUB = bySize((bits) => `flagsSub${bits}`);
const FLAGS_LOGIC = bySize((bits) => `flagsLogic${bits}`);
const CONDITION_OPS = ["condO", "condB", "condZ", "condBE", "condS", "condP", "condL", "condLE"];

/** Operations that write to the address in their first argument, whatever a condition says. */
const WRITES = /^(store(?!.*If)|probeWrite)/;
const GENERAL_PROTECTION = 13;

const NO_ADDRESS: Address = { slot: -1, disp: 0 };

export class Lift {
  readonly b: Builder;
  insn: Instruction;
  /** Address of the instruction and of the one behind it, as int32 halves. */
  ipLo = 0;
  ipHi = 0;
  nextLo = 0;
  nextHi = 0;
  #address: Address = NO_ADDRESS;
  #forWrite = false;

  constructor(b: Builder, insn: Instruction) {
    this.b = b;
    this.insn = insn;
  }

  begin(ipLo: number, ipHi: number): void {
    this.ipLo = ipLo | 0;
    this.ipHi = ipHi | 0;
    const next = (ipLo >>> 0) + this.insn.length;
    this.nextLo = next | 0;
    this.nextHi = this.is64 ? (next > 0xffff_ffff ? (ipHi + 1) | 0 : ipHi | 0) : 0;
    this.#address = NO_ADDRESS;
    this.#forWrite = false;
    this.b.beginInstruction();
  }

  get is64(): boolean {
    return this.insn.codeBits === 64;
  }

  /** Size in bytes of a stack slot (push, pop, call) in this mode: the operand size. */
  get wordSize(): 4 | 8 {
    return this.is64 ? 8 : 4;
  }

  operand(index: number): Operand {
    return this.insn.operands[index] as Operand;
  }

  isMem(index: number): boolean {
    return this.operand(index).kind === OperandKind.mem;
  }

  // --- operations -----------------------------------------------------------------------------------------------------

  /** Emits the operation; the result is a new temporary. */
  op(name: string, ...args: Value[]): Value {
    if (this.insn.segment === Segment.cs && args[0] === this.#address.slot && WRITES.test(name)) this.writesSegment();
    return this.b.op(name, ...args);
  }

  /** Emits `name64` or `name32` by operand size (sizes 1 and 2 compute in 32 bits with garbage above). */
  sized(name: string, size: number, ...args: Value[]): Value {
    const def = (size === 8 ? SIZED_64 : SIZED_32).get(name);
    if (def === undefined) throw new InternalError(`no IR operation ${name} by size`);
    return this.b.emit(def, ...args);
  }

  const(lo: number, hi = lo >> 31): Value {
    return this.b.constant(lo, hi);
  }

  // --- registers ------------------------------------------------------------------------------------------------------

  /** Slot of a general register. */
  gpr(reg: number): Value {
    return GPR + 8 * reg;
  }

  /** Queues the write of the low `size` bytes of a general register (4 clears the upper half). */
  setGpr(reg: number, size: number, value: Value): void {
    this.b.setSlot(GPR + 8 * reg, size as 1 | 2 | 4 | 8, value);
  }

  /** Slot of vector register `reg`, from byte `offset` on. */
  vec(reg: number, offset = 0): Value {
    return YMM + YMM_STRIDE * reg + offset;
  }

  // --- operands -------------------------------------------------------------------------------------------------------

  /** Operand `index` as a value; above its size the slot holds garbage (`readZ`, `readS` extend). */
  read(index: number): Value {
    const operand = this.operand(index);
    switch (operand.kind) {
      case OperandKind.gpr:
        return this.gpr(operand.reg);
      case OperandKind.gprHigh:
        return this.gpr(operand.reg) + 1;
      case OperandKind.mem:
        return this.load(this.address(), operand.size, this.#forWrite && index === 0);
      case OperandKind.imm:
        return this.const(this.insn.immLo, this.insn.immHi);
      case OperandKind.imm2:
        return this.const(this.insn.imm2);
      case OperandKind.one:
        return this.const(operand.reg);
      case OperandKind.vec:
        return this.vec(operand.reg);
      default:
        throw new InternalError(`${this.insn.form.mnemonic}: operand ${index} cannot be read as an integer`);
    }
  }

  /** Operand zero-extended to 32 (sizes 1, 2, 4) or 64 bits. */
  readZ(index: number): Value {
    const size = this.operand(index).size;
    return this.isMem(index) ? this.read(index) : this.zeroExtend(this.read(index), size);
  }

  /** Operand sign-extended to 32 (sizes 1, 2, 4) or 64 bits. */
  readS(index: number): Value {
    return this.signExtend(this.read(index), this.operand(index).size);
  }

  /** Queues the write of a register operand, or stores to memory. */
  write(index: number, value: Value): void {
    const operand = this.operand(index);
    switch (operand.kind) {
      case OperandKind.gpr:
        this.setGpr(operand.reg, operand.size, value);
        return;
      case OperandKind.gprHigh:
        this.b.setSlot(this.gpr(operand.reg) + 1, 1, value);
        return;
      case OperandKind.mem:
        this.store(this.address(), operand.size, value);
        return;
      default:
        throw new InternalError(`${this.insn.form.mnemonic}: operand ${index} cannot be written as an integer`);
    }
  }

  /** Says that operand 0 is read and then written: its load must already check for write access. */
  readModifyWrite(): void {
    this.#forWrite = true;
  }

  zeroExtend(value: Value, size: number): Value {
    if (value >= CONST_SLOT) return this.#extendConstant(value, size, false);
    if (size === 1) return this.op("zext8", value);
    if (size === 2) return this.op("zext16", value);
    return value;
  }

  signExtend(value: Value, size: number): Value {
    if (value >= CONST_SLOT) return this.#extendConstant(value, size, true);
    if (size === 1) return this.op("sext8", value);
    if (size === 2) return this.op("sext16", value);
    return value;
  }

  #extendConstant(value: Value, size: number, signed: boolean): Value {
    const lo = this.b.constLo[value - CONST_SLOT] as number;
    if (size >= 4) return value;
    const shift = 32 - 8 * size;
    return this.const(signed ? (lo << shift) >> shift : (lo << shift) >>> shift);
  }

  // --- memory ---------------------------------------------------------------------------------------------------------

  /** Linear address of the memory operand, computed once an instruction. */
  address(): Address {
    if (this.#address === NO_ADDRESS) this.#address = this.#linear();
    return this.#address;
  }

  /** Effective address without segment base, cut to `size` bytes (LEA). */
  effectiveAddress(size: number): Value {
    const { base, index, scale, dispLo, dispHi, addressSize } = this.insn;
    const wide = size === 8 && addressSize === 8;
    if (index === NO_REG) {
      if (base === NO_REG) return this.const(dispLo, dispHi);
      if (base === BASE_RIP) return this.#ripRelative();
      if (dispLo === 0)
        return this.#cutAddress(size === 8 && !wide ? this.op("zext32", this.gpr(base)) : this.gpr(base));
      const sum = this.op(wide ? "eaDisp64" : "eaDisp32", this.gpr(base), dispLo);
      return wide ? sum : this.#cutAddress(sum);
    }
    const from = base === NO_REG ? this.const(0) : this.gpr(base);
    const shift = 31 - Math.clz32(scale);
    const sum = this.op(wide ? "ea64" : "ea32", from, this.gpr(index), shift, dispLo);
    return wide ? sum : this.#cutAddress(sum);
  }

  /** 16-bit addresses wrap at 64 KiB. */
  #cutAddress(value: Value): Value {
    if (this.insn.addressSize === 2) return this.op("zext16", value);
    return value;
  }

  #ripRelative(): Value {
    const { dispLo, addressSize } = this.insn;
    const lo = (this.nextLo >>> 0) + (dispLo >>> 0);
    const hi = this.nextHi + (dispLo >> 31) + (lo > 0xffff_ffff ? 1 : 0);
    return this.const(lo | 0, addressSize === 8 ? hi | 0 : 0);
  }

  #linear(): Address {
    const { base, index, dispLo, dispHi, addressSize, segment } = this.insn;
    const segmentBase = segment === Segment.fs ? FS_BASE : segment === Segment.gs ? GS_BASE : 0;
    const plain = base !== BASE_RIP && (addressSize === 8 || (addressSize === 4 && !this.is64));
    if (segmentBase === 0 && plain && index === NO_REG && base !== NO_REG) {
      // In 32-bit code the sum may pass 2^32; the dispatcher maps such pages as aliases of the wrapped ones.
      return { slot: this.gpr(base), disp: dispLo };
    }
    let ea: Value;
    if (base === NO_REG && index === NO_REG) {
      ea = addressSize === 8 ? this.const(dispLo, dispHi) : this.const(addressSize === 2 ? dispLo & 0xffff : dispLo, 0);
    } else {
      ea = this.effectiveAddress(addressSize);
      if (addressSize === 4 && this.is64 && ea < CONST_SLOT) ea = this.op("zext32", ea);
    }
    if (segmentBase !== 0) ea = this.op(this.is64 ? "add64" : "add32", segmentBase, ea);
    return { slot: ea, disp: 0 };
  }

  /** With EFLAGS.AC set: #AC(0) if the access that follows is misaligned; for what faults otherwise before it is made. */
  checkAligned(address: Address, size: number): void {
    if (this.b.checksAlignment) this.op("checkAligned", address.slot, address.disp, size);
  }

  /** The instruction writes (if the condition holds) through the segment it names: #GP(0) if that is CS. 64-bit code names none. */
  writesSegment(condition = this.const(1)): void {
    if (this.insn.segment === Segment.cs) this.b.op("trapIf", condition, GENERAL_PROTECTION, 0);
  }

  /** Loads `size` bytes, zero-extended (16: a vector). */
  load(address: Address, size: number, forWrite = false, offset = 0): Value {
    if (forWrite && address === this.#address) this.writesSegment();
    return this.b.emit((forWrite ? LOADS_W : LOADS)[size] as OpDef, address.slot, address.disp + offset);
  }

  store(address: Address, size: number, value: Value, offset = 0): void {
    if (address === this.#address) this.writesSegment();
    this.b.emit(STORES[size] as OpDef, address.slot, address.disp + offset, value);
  }

  // --- flags ----------------------------------------------------------------------------------------------------------

  /** Flags of result = a + b. */
  flagsAdd(size: number, a: Value, b: Value, result: Value): void {
    this.b.emit(FLAGS_ADD[size] as OpDef, b, result);
    this.b.flagsAre({ kind: "add", size, a, b, result });
  }

  /** Flags of result = a - b. */
  flagsSub(size: number, a: Value, b: Value, result: Value): void {
    this.b.emit(FLAGS_SUB[size] as OpDef, b, result);
    this.b.flagsAre({ kind: "sub", size, a, b, result });
  }

  flagsLogic(size: number, result: Value): void {
    this.b.emit(FLAGS_LOGIC[size] as OpDef, result);
    this.b.flagsAre({ kind: "logic", size, a: -1, b: -1, result });
  }

  /** The flag words were computed in another way. */
  flagsOther(): void {
    this.b.flagsAre({ kind: "other", size: 0, a: -1, b: -1, result: -1 });
  }

  /** Queues both flag words: result (i64, sign-extended) and aux (i32), for flags that no operation covers. */
  setFlagWords(result: Value, aux: Value): void {
    this.b.setSlot(FLAG_RESULT, 8, result);
    this.setAux(aux);
  }

  setAux(aux: Value): void {
    this.b.setSlot(FLAG_AUX, 4, aux);
    this.flagsOther();
  }

  /** CF as 0 or 1. */
  carry(): Value {
    return this.op("and32", FLAG_AUX, this.const(1));
  }

  /** Condition `code` (0–15, the low nibble of Jcc) as 0 or 1. */
  condition(code: number): Value {
    const even = this.#evenCondition(code & 14);
    return code & 1 ? this.op("eqz32", even) : even;
  }

  #evenCondition(code: number): Value {
    this.b.flagsAsked = true;
    const source = this.b.flags;
    if (source !== undefined && (source.size === 4 || source.size === 8)) {
      const direct = this.#directCondition(code, source.kind, source.size, source.a, source.b, source.result);
      if (direct !== 0) return direct;
    }
    return this.op(CONDITION_OPS[code >> 1] as string, FLAG_RESULT, FLAG_AUX);
  }

  /** A condition straight from the compared values, or 0 where the flag words are needed. */
  #directCondition(code: number, kind: string, size: number, a: Value, b: Value, result: Value): Value {
    const zero = this.const(0);
    if (kind === "sub" && a >= 0 && b >= 0) {
      const name = ({ 2: "ltU", 4: "eq", 6: "leU", 12: "ltS", 14: "leS" } as Record<number, string>)[code];
      if (name !== undefined) return this.sized(name, size, a, b);
    }
    if (result < 0) return 0;
    if (code === 4) return this.sized("eqz", size, result);
    if (code === 8) return this.sized("ltS", size, result, zero);
    if (kind === "logic" && code === 12) return this.sized("ltS", size, result, zero);
    if (kind === "logic" && code === 14) return this.sized("leS", size, result, zero);
    return 0;
  }

  // --- control flow ---------------------------------------------------------------------------------------------------

  /** Ends the block with a jump to a constant target. */
  jump(lo: number, hi: number): void {
    this.b.end("jump", lo, hi, 0, 0);
  }

  /** Ends the block: to (lo, hi) if `condition` is not 0, else behind this instruction. */
  jumpIf(condition: Value, lo: number, hi: number): void {
    this.b.end("jumpIf", condition, lo, hi, 0, 0, this.nextLo, this.nextHi, 0, 0);
  }

  jumpTo(target: Value): void {
    this.b.end("jumpTo", target, 0, 0);
  }

  /** Target of a relative branch, cut to the operand size. */
  branchTarget(): [lo: number, hi: number] {
    const { immLo, immHi, operandSize } = this.insn;
    const lo = (this.nextLo >>> 0) + (immLo >>> 0);
    if (operandSize === 2) return [lo & 0xffff, 0];
    if (!this.is64) return [lo | 0, 0];
    return [lo | 0, (this.nextHi + immHi + (lo > 0xffff_ffff ? 1 : 0)) | 0];
  }

  /** Ends the block by leaving for the kernel or the dispatcher; execution goes on behind this instruction. */
  leave(reason: number, detail = 0): void {
    this.b.end("leave", reason, detail, this.nextLo, this.nextHi);
  }

  /** Ends the block by leaving, with the dispatcher to repeat or skip this instruction as it says. */
  raise(vector: number, errorCode = 0): void {
    this.b.end("trap", vector, errorCode);
  }

  trapIf(condition: Value, vector: number, errorCode = 0): void {
    this.op("trapIf", condition, vector, errorCode);
  }
}
