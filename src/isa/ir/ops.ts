/**
 * The intermediate representation: a flat list of operations on *slots*. A slot is an address in the CPU block: a guest
 * register, part of one (AL is the byte at RAX, a vector lane is 4 or 8 bytes at its register), the flag words, or one of the
 * temporaries. Constants have slots of their own (`CONST_SLOT` and above). An operation reads its arguments at the width of
 * their type and writes its result at the width of `result`. Slots make partial registers free: no insert, no extract.
 */

import { HELPERS } from "../helpers/signatures.ts";

export type ArgType = "i32" | "i64" | "f32" | "f64" | "v128" | "imm";

/**
 * How the result is written: `i64`, `f64` 8 bytes; `i32` zero-extended to 8 bytes; `i8`, `i16`, `lane32`, `f32` exactly 1, 2,
 * 4 bytes; `v128` 16 bytes; `flags` FLAG_RESULT and FLAG_AUX.
 */
export type ResultType = "none" | "i8" | "i16" | "i32" | "lane32" | "i64" | "f32" | "f64" | "v128" | "flags";

export interface OpDef {
  readonly id: number;
  readonly name: string;
  readonly args: readonly ArgType[];
  readonly result: ResultType;
  /** The operation may leave the block before it has had any effect (a memory access, a trap). */
  readonly mayExit: boolean;
  /** The operation ends the block. */
  readonly ends: boolean;
  /**
   * Bytes of guest memory that it accesses at its first two arguments, address and displacement; 0 if none, by condition, or
   * where it checks the alignment itself.
   */
  readonly access: number;
}

/** Slots at and above this number are constants: index into the block's constant pool plus this. */
export const CONST_SLOT = 1 << 20;

const defs: OpDef[] = [];
const ids: Record<string, number> = {};

function accessOf(name: string): number {
  const match = /^(?:load|store)(?:(\d+)[sW]?|VW?|Z(\d+)|2V)$/.exec(name);
  if (match === null) return 0;
  if (name === "store2V") return 32;
  return name.includes("V") ? 16 : Number(match[1] ?? match[2]) / 8;
}

function op(name: string, signature: string, extra: { mayExit?: boolean; ends?: boolean } = {}): void {
  const [args = "", result = "none"] = signature.split(">").map((part) => part.trim());
  const id = defs.length;
  defs.push({
    id,
    name,
    args: (args === "" ? [] : args.split(" ")) as ArgType[],
    result: result as ResultType,
    mayExit: extra.mayExit ?? false,
    ends: extra.ends ?? false,
    access: accessOf(name),
  });
  ids[name] = id;
}

function each(names: string, signature: string): void {
  for (const name of names.split(" ")) op(name, signature);
}

const MAY_EXIT = { mayExit: true };
const ENDS = { ends: true };

// Block structure. enter: instructions of the block, executions left until it is hot, (unused). enterRegion takes its place
// when the block has been compiled: instructions, fuel that the region needs, its table index.
op("enter", "imm imm imm", MAY_EXIT);
op("enterRegion", "imm imm imm", MAY_EXIT);
// jump: target lo, hi, link pc, link generation. jumpIf: condition, then the taken and the other link.
op("jump", "imm imm imm imm", ENDS);
op("jumpIf", "i32 imm imm imm imm imm imm imm imm", ENDS);
/** jumpTo: the target, then the target of the last execution, which the interpreter notes. */
op("jumpTo", "i64 imm imm", ENDS);
/** Leaves the block for (lo, hi) if the condition holds, else goes on behind it (REP with a count of 0, INTO). */
op("jumpOutIf", "i32 imm imm imm imm", MAY_EXIT);
/** Leaves for the kernel or the dispatcher: exit reason, detail; next RIP lo, hi. */
op("leave", "imm imm imm imm", ENDS);
/** Raises the exception `vector` with `errorCode` at this instruction if the condition holds. */
op("trapIf", "i32 imm imm", MAY_EXIT);
op("trap", "imm imm", ENDS);
/** #GP(0) unless the address is canonical: bits 63:47 all alike. */
op("trapNonCanonical", "i64", MAY_EXIT);

// Moves.
op("mov64", "i64 > i64");
op("mov32", "i32 > i32");
op("mov8", "i32 > i8");
op("mov16", "i32 > i16");
op("movLane32", "i32 > lane32");
op("movV", "v128 > v128");
each("zext8 zext16 sext8 sext16", "i32 > i32");
each("sext8to64 sext16to64 sext32to64", "i32 > i64");
op("zext32", "i32 > i64");

// Integer arithmetic.
each("add64 sub64 mul64 and64 or64 xor64 shl64 shrU64 shrS64 rotl64 rotr64", "i64 i64 > i64");
each("add32 sub32 mul32 and32 or32 xor32 shl32 shrU32 shrS32 rotl32 rotr32", "i32 i32 > i32");
each("clz64 ctz64 popcnt64 not64 neg64", "i64 > i64");
each("clz32 ctz32 popcnt32 not32 neg32 eqz32", "i32 > i32");
each("eqz64", "i64 > i32");
each("eq64 ne64 ltS64 ltU64 leS64 leU64", "i64 i64 > i32");
each("eq32 ne32 ltS32 ltU32 leS32 leU32", "i32 i32 > i32");
op("bswap64", "i64 > i64");
op("bswap32", "i32 > i32");
op("select64", "i64 i64 i32 > i64");
op("select32", "i32 i32 i32 > i32");
// Effective address: base + (index << shift) + disp, in 64 and in 32 bits.
op("ea64", "i64 i64 imm imm > i64");
op("ea32", "i32 i32 imm imm > i32");
op("eaDisp64", "i64 imm > i64");
op("eaDisp32", "i32 imm > i32");
// Divisions of what fits; the lifter traps on zero and overflow before.
each("divU64 remU64 divS64 remS64", "i64 i64 > i64");
each("divU32 remU32 divS32 remS32", "i32 i32 > i32");
/** The upper half of the 128-bit product. */
each("mulHiU64 mulHiS64", "i64 i64 > i64");
/** Of the dividend high:low by the divisor. The quotient must fit; whether a signed one does not. */
each("divU128 remU128 divS128 remS128", "i64 i64 i64 > i64");
op("divS128Overflows", "i64 i64 i64 > i32");

// Flags: (b, result) of an addition or subtraction, (b, result, carry-in), (result) of a logical operation.
for (const size of [8, 16, 32, 64]) {
  const type = size === 64 ? "i64" : "i32";
  for (const kind of ["Add", "Sub"]) {
    op(`flags${kind}${size}`, `${type} ${type} > flags`);
    op(`flags${kind}C${size}`, `${type} ${type} i32 > flags`);
  }
  op(`flagsLogic${size}`, `${type} > flags`);
  /** INC and DEC: all but CF; arguments: result, old FLAG_AUX. */
  op(`flagsInc${size}`, `${type} i32 > flags`);
  op(`flagsDec${size}`, `${type} i32 > flags`);
  /**
   * Shifts: the operand extended to 64 bits (signed for SAR), the 64-bit result, the count (1–63). The V forms leave the flags
   * alone if the count is 0.
   */
  for (const kind of ["Shl", "Shr", "Sar", "ShlV", "ShrV", "SarV"]) op(`flags${kind}${size}`, "i64 i64 i32 > flags");
}
/** Conditions of Jcc in encoding order of their even members: O, B, Z, BE, S, P, L, LE. */
each("condO condB condZ condBE condS condP condL condLE", "i64 i32 > i32");
/** EFLAGS' six arithmetic bits from the flag words, and the words' inverse (result, aux) from an EFLAGS image. */
op("flagsImage", "i64 i32 > i32");
op("flagsSet", "i32 > flags");
/** What a region makes of fUcomi or fComi and flagsSet: the flags of two floats, by their bits. */
op("flagsUcomi64", "i64 i64 > flags");
op("flagsUcomi32", "i32 i32 > flags");

// Guest memory: linear address, displacement. The W forms check for write access: the read half of a read-modify-write.
for (const suffix of ["", "W"]) {
  each(`load8${suffix} load16${suffix} load32${suffix}`, "i64 imm > i32");
  op(`load64${suffix}`, "i64 imm > i64");
  op(`loadV${suffix}`, "i64 imm > v128");
}
op("load8s", "i64 imm > i32");
op("load16s", "i64 imm > i32");
each("store8 store16 store32", "i64 imm i32");
op("store64", "i64 imm i64");
op("storeV", "i64 imm v128");
/** 32 bytes, all or none. */
op("store2V", "i64 imm v128 v128");
/** If the condition holds: the memory, else the last argument; a store, or nothing; a check that `size` bytes may be written. */
op("loadIf32", "i64 imm i32 i32 > lane32");
op("loadIf64", "i64 imm i32 i64 > i64");
op("loadIfV", "i64 imm i32 v128 > v128");
op("storeIf16", "i64 imm i32 i32");
op("storeIf32", "i64 imm i32 i32");
op("storeIf64", "i64 imm i32 i64");
op("storeIfV", "i64 imm i32 v128");
for (const bits of [32, 64, 128]) op(`storeCheckIf${bits}`, "i64 imm i32");
/** #AC(0) unless the address is a multiple of the last argument, a power of two. */
op("checkAligned", "i64 imm imm", MAY_EXIT);
/** Checks that `length` bytes (at most 4096) may be read / written; the stores after it cannot fault. */
op("probeRead", "i64 imm imm");
op("probeWrite", "i64 imm imm");
/**
 * Bulk part of rep movs / stos: element size, address mask in the constants; does as many iterations as fit the pages and the
 * fuel and leaves the rest to the single-step form behind it.
 */
op("bulkMovs", "imm imm");
op("bulkStos", "imm imm");

// Vectors. One operation a wasm instruction where there is one.
each(
  "vAnd vOr vXor vAndNot " +
    "i8x16Add i16x8Add i32x4Add i64x2Add i8x16Sub i16x8Sub i32x4Sub i64x2Sub " +
    "i8x16AddSatS i8x16AddSatU i16x8AddSatS i16x8AddSatU i8x16SubSatS i8x16SubSatU i16x8SubSatS i16x8SubSatU " +
    "i8x16MinS i8x16MinU i16x8MinS i16x8MinU i32x4MinS i32x4MinU i8x16MaxS i8x16MaxU i16x8MaxS i16x8MaxU i32x4MaxS i32x4MaxU " +
    "i8x16AvgrU i16x8AvgrU i16x8Mul i32x4Mul i16x8MulhiS i16x8MulhiU i32x4DotS i64x2MulU32 i64x2MulS32 i8x16SadU " +
    "i8x16Eq i16x8Eq i32x4Eq i64x2Eq i8x16GtS i16x8GtS i32x4GtS i64x2GtS " +
    "i8x16NarrowS i8x16NarrowU i16x8NarrowS i16x8NarrowU i8x16Swizzle " +
    "unpackLo8 unpackHi8 unpackLo16 unpackHi16 unpackLo32 unpackHi32 unpackLo64 unpackHi64",
  "v128 v128 > v128",
);
each("i8x16Abs i16x8Abs i32x4Abs vNot", "v128 > v128");
each("i16x8Shl i32x4Shl i64x2Shl i16x8ShrU i32x4ShrU i64x2ShrU i16x8ShrS i32x4ShrS", "v128 i32 > v128");
each("i8x16Bitmask i32x4Bitmask i64x2Bitmask i16x8Bitmask", "v128 > i32");
each("i8x16Splat i16x8Splat i32x4Splat", "i32 > v128");
op("i64x2Splat", "i64 > v128");
/** Shuffles of dwords by an immediate byte, as PSHUFD has it; of two sources as SHUFPS has it; of words in each half. */
op("shufD", "v128 imm > v128");
op("shufPS", "v128 v128 imm > v128");
op("shufLW", "v128 imm > v128");
op("shufHW", "v128 imm > v128");
/** Bytes [n, n + 16) of the 32-byte value low:high (PALIGNR, PSRLDQ, PSLDQ). */
op("vAlign", "v128 v128 imm > v128");
op("vZero", " > v128");
op("vAnyTrue", "v128 > i32");
/** A shift count of 64 bits, saturated to 32. */
op("vShiftCount", "i64 > i32");
/** Loads of 4 and 8 bytes with zeros above; accesses of 16 bytes that want alignment: #GP(0) without it. */
each("loadZ32 loadZ64 loadVA", "i64 imm > v128");
op("storeVA", "i64 imm v128");
each(
  "i16x8MulRoundS i16x8DotUS i8x16Sign i16x8Sign i32x4Sign vShuffleBytes vShuffleBytes8 vEven16 vOdd16 vEven32 vOdd32",
  "v128 v128 > v128",
);
op("minPosition", "v128 > v128");
/** Shifts of each element by its own count; counts from the width on give 0 (arithmetic: the sign). */
each("i32x4ShlV i32x4ShrUV i32x4ShrSV i64x2ShlV i64x2ShrUV", "v128 v128 > v128");
/** Dwords chosen by the low bits of the index elements (last argument): of four, of the eight in two vectors. */
op("vPermute4", "v128 v128 > v128");
op("vPermute8", "v128 v128 v128 > v128");
op("mpsadbw", "v128 v128 imm > v128");
/** Elements of the second source where the sign bit of the mask's element is set; bytes of it where the immediate's bits are. */
each("vBlendBytes vBlendDwords vBlendQwords", "v128 v128 v128 > v128");
op("vBlend", "v128 v128 imm > v128");
each(
  "widenS8to16 widenS8to32 widenS8to64 widenS16to32 widenS16to64 widenS32to64 " +
    "widenU8to16 widenU8to32 widenU8to64 widenU16to32 widenU16to64 widenU32to64 f64x2FromI32",
  "v128 > v128",
);

// Floats: the plain wasm operation where MXCSR and the operands' class allow, the exact helper otherwise. They raise #XM.
each("fAdd64 fSub64 fMul64 fDiv64 fMin64 fMax64", "f64 f64 > f64");
each("fAdd32 fSub32 fMul32 fDiv32 fMin32 fMax32", "f32 f32 > f32");
op("fSqrt64", "f64 > f64");
op("fSqrt32", "f32 > f32");
each("fAddPd fSubPd fMulPd fDivPd fMinPd fMaxPd fAddPs fSubPs fMulPs fDivPs fMinPs fMaxPs", "v128 v128 > v128");
each("fSqrtPd fSqrtPs fCvtDq2Ps fCvtPs2Dq fCvttPs2Dq fCvtPs2Pd fCvtPd2Dq fCvttPd2Dq fCvtPd2Ps", "v128 > v128");
/** ROUNDSD and its kin with their immediate. */
op("fRound64", "f64 imm > f64");
op("fRound32", "f32 imm > f32");
each("fRoundPd fRoundPs", "v128 imm > v128");
/** UCOMISD and its kin: ZF, PF, CF in their places. */
each("fUcomi64 fComi64", "f64 f64 > i32");
each("fUcomi32 fComi32", "f32 f32 > i32");
/** CMPxx by predicate 0–7: all ones or zeros. */
for (const predicate of ["Eq", "Lt", "Le", "Unord", "Neq", "Nlt", "Nle", "Ord"]) {
  op(`fCmp${predicate}64`, "f64 f64 > i64");
  op(`fCmp${predicate}32`, "f32 f32 > lane32");
  each(`fCmp${predicate}Pd fCmp${predicate}Ps`, "v128 v128 > v128");
}
each("fCvtI32To64", "i32 > f64");
each("fCvtI64To64", "i64 > f64");
each("fCvtI32To32", "i32 > f32");
each("fCvtI64To32", "i64 > f32");
op("fCvt32To64", "f32 > f64");
op("fCvt64To32", "f64 > f32");
each("fCvt64ToI32 fCvtt64ToI32", "f64 > i32");
each("fCvt32ToI32 fCvtt32ToI32", "f32 > i32");
each("fCvt64ToI64 fCvtt64ToI64", "f64 > i64");
each("fCvt32ToI64 fCvtt32ToI64", "f32 > i64");
/** Raises #XM if the helper before it met an unmasked exception. */
op("fTrap", "", MAY_EXIT);

/** Memory operations, probes and float operations may always exit. */
for (const [index, def] of defs.entries()) {
  if (/^(load|store|probe|f[A-Z])/.test(def.name)) defs[index] = { ...def, mayExit: true };
}

/** One operation `h_NAME` a helper function. Helpers see the CPU block, never guest memory. */
for (const [name, { params, result }] of Object.entries(HELPERS)) {
  op(`h_${name}`, `${params.join(" ")} > ${result ?? "none"}`);
}

/** All operations, by id. */
export const OPS: readonly OpDef[] = defs;

/** Id of the operation `name`. */
export function opId(name: string): number {
  const id = ids[name];
  if (id === undefined) throw new Error(`no IR operation ${name}`);
  return id;
}

/** A fingerprint of the operations and their numbers: an interpreter built from other ones must not run these records. */
export function opsFingerprint(): number {
  let hash = 0x811c9dc5 | 0;
  for (const def of defs) {
    const text = `${def.name}(${def.args})${def.result}`;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash;
}
