import { describe, expect, test } from "vitest";
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { recipeOf } from "../../src/isa/decode-operands.ts";
import { BASE_RIP, DecodeStatus, type Instruction, NO_REG, OperandKind } from "../../src/isa/instruction.ts";
import { mnemonicOf } from "../../src/isa/mnemonic.ts";
import { FORMS } from "../../src/isa/tables/forms.ts";

const KIND_NAMES = new Map(Object.entries(OperandKind).map(([name, kind]) => [kind as number, name]));

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replace(/ /g, "").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

const signed64 = (lo: number, hi: number): bigint => (BigInt(hi) << 32n) | BigInt(lo >>> 0);

function address(insn: Instruction): string {
  const parts: string[] = [];
  if (insn.base !== NO_REG) parts.push(insn.base === BASE_RIP ? "rip" : `r${insn.base}`);
  if (insn.index !== NO_REG) parts.push(`r${insn.index}*${insn.scale}`);
  parts.push(signed64(insn.dispLo, insn.dispHi).toString());
  return `[${parts.join("+")}]`;
}

/** One line: prefixes in force, mnemonic, operands as `kind register:width`, length. */
function lineOf(insn: Instruction): string {
  const prefixes = [insn.lock ? "lock " : "", insn.rep ? `rep${insn.rep.toString(16)} ` : ""].join("");
  const segment = insn.segment < 0 ? "" : `${["es", "cs", "ss", "ds", "fs", "gs"][insn.segment]}:`;
  const operands: string[] = [];
  for (const { kind, size, reg } of insn.operands) {
    if (kind === OperandKind.none) break;
    const name = KIND_NAMES.get(kind) ?? "?";
    if (kind === OperandKind.mem) operands.push(`${segment}${address(insn)}:${size}`);
    else if (kind === OperandKind.imm || kind === OperandKind.rel)
      operands.push(`${name} ${signed64(insn.immLo, insn.immHi)}:${size}`);
    else if (kind === OperandKind.imm2) operands.push(`imm2 ${insn.imm2}`);
    else if (kind === OperandKind.far) operands.push(`far ${insn.imm2}:${signed64(insn.immLo, insn.immHi)}:${size}`);
    else operands.push(`${name}${reg}:${size}`);
  }
  return `${prefixes}${mnemonicOf(insn)} ${operands.join(", ")}`.trim();
}

const insn = newInstruction();

function decodeHex(hex: string, codeBits: 32 | 64): string {
  const bytes = bytesOf(hex);
  const status = decode(bytes, 0, bytes.length, codeBits, insn);
  if (status === DecodeStatus.ok) {
    return insn.length === bytes.length ? lineOf(insn) : `length ${insn.length} of ${bytes.length}`;
  }
  const name =
    status === DecodeStatus.truncated ? "truncated" : status === DecodeStatus.tooLong ? "tooLong" : "invalid";
  return insn.length === 0 ? name : `${name} ${mnemonicOf(insn)}`;
}

type Rows = readonly (readonly [hex: string, line: string])[];

function check(codeBits: 32 | 64, rows: Rows): void {
  test.each(rows)(`${codeBits}-bit %s`, (hex, line) => {
    expect(decodeHex(hex, codeBits)).toBe(line);
  });
}

describe("operand and address size", () => {
  check(64, [
    ["00 d8", "add gpr0:1, gpr3:1"],
    ["00 e4", "add gprHigh0:1, gprHigh0:1"],
    ["40 00 e4", "add gpr4:1, gpr4:1"],
    ["66 01 d8", "add gpr0:2, gpr3:2"],
    ["66 48 01 d8", "add gpr0:8, gpr3:8"],
    ["4d 01 c8", "add gpr8:8, gpr9:8"],
    ["83 c0 ff", "add gpr0:4, imm -1:4"],
    ["66 83 c0 80", "add gpr0:2, imm -128:2"],
    ["48 81 c0 00 00 00 80", "add gpr0:8, imm -2147483648:8"],
    ["c0 e0 ff", "shl gpr0:1, imm 255:1"],
    ["48 b8 ff ff ff ff ff ff ff 7f", "movabs gpr0:8, imm 9223372036854775807:8"],
    ["48 c7 c0 ff ff ff ff", "mov gpr0:8, imm -1:8"],
    ["50", "push gpr0:8"],
    ["66 50", "push gpr0:2"],
    ["68 ff ff ff ff", "push imm -1:8"],
    ["66 68 ff ff", "push imm -1:2"],
    ["c8 10 00 01", "enter imm 16:2, imm2 1"],
    ["48 98", "cdqe"],
    ["66 99", "cwd"],
    ["48 63 c1", "movsxd gpr0:8, gpr1:4"],
    ["66 63 c1", "movsxd gpr0:2, gpr1:2"],
    ["8c c0", "mov gpr0:4, seg0:2"],
    ["48 8c 00", "mov [r0+0]:2, seg0:2"],
    ["48 8d 04 8b", "lea gpr0:8, [r3+r1*4+0]:0"],
    ["48 0f c7 08", "cmpxchg16b [r0+0]:16"],
    ["0f c7 08", "cmpxchg8b [r0+0]:8"],
    ["ff 10", "call [r0+0]:8"],
    ["66 e8 00 00", "call rel 0:2"],
    ["66 48 e8 00 00 00 00", "call rel 0:4"],
    ["ff 18", "lcall [r0+0]:6"],
    ["48 ff 18", "lcall [r0+0]:10"],
    ["0f 01 10", "lgdt [r0+0]:10"],
    ["e3 fe", "jrcxz rel -2:1"],
    ["67 e3 fe", "jecxz rel -2:1"],
  ]);
  check(32, [
    ["40", "inc gpr0:4"],
    ["66 40", "inc gpr0:2"],
    ["68 ff ff ff ff", "push imm -1:4"],
    ["62 08", "bound gpr1:4, [r0+0]:8"],
    ["63 c8", "arpl gpr0:2, gpr1:2"],
    ["9a 78 56 34 12 cd ab", "lcall far 43981:305419896:6"],
    ["66 ea 34 12 cd ab", "ljmp far 43981:4660:4"],
    ["66 e9 fe ff", "jmp rel -2:2"],
    ["c5 10", "lds gpr2:4, [r0+0]:6"],
    ["d9 30", "fnstenv [r0+0]:28"],
    ["66 d9 30", "fnstenv [r0+0]:14"],
    ["66 dd 20", "frstor [r0+0]:94"],
    ["0f 01 10", "lgdt [r0+0]:6"],
    ["67 e3 fe", "jcxz rel -2:1"],
    ["60", "pushal"],
  ]);
});

describe("addressing", () => {
  check(64, [
    ["8b 05 10 00 00 00", "mov gpr0:4, [rip+16]:4"],
    ["67 8b 05 f0 ff ff ff", "mov gpr0:4, [rip+-16]:4"],
    ["8b 04 25 f0 ff ff ff", "mov gpr0:4, [-16]:4"],
    ["8b 04 24", "mov gpr0:4, [r4+0]:4"],
    ["42 8b 04 24", "mov gpr0:4, [r4+r12*1+0]:4"],
    ["41 8b 04 24", "mov gpr0:4, [r12+0]:4"],
    ["41 8b 45 00", "mov gpr0:4, [r13+0]:4"],
    ["8b 04 e5 01 00 00 00", "mov gpr0:4, [1]:4"],
    ["43 8b 44 ed 80", "mov gpr0:4, [r13+r13*8+-128]:4"],
    ["48 a1 88 77 66 55 44 33 22 f1", "movabs gpr0:8, [-1071237392777185400]:8"],
    ["67 a0 88 77 66 f5", "movabs gpr0:1, [4117133192]:1"],
    ["64 8b 04 25 00 00 00 00", "mov gpr0:4, fs:[0]:4"],
    ["64 3e 8b 04 25 00 00 00 00", "mov gpr0:4, fs:[0]:4"],
    ["2e 8b 00", "mov gpr0:4, [r0+0]:4"],
    ["f3 65 48 a5", "repf3 movsq stringDest0:8, stringSource0:8"],
  ]);
  check(32, [
    ["67 8b 00", "mov gpr0:4, [r3+r6*1+0]:4"],
    ["67 8b 42 ff", "mov gpr0:4, [r5+r6*1+-1]:4"],
    ["67 8b 06 34 12", "mov gpr0:4, [4660]:4"],
    ["67 8b 87 00 80", "mov gpr0:4, [r3+-32768]:4"],
    ["67 a1 34 12", "mov gpr0:4, [4660]:4"],
    ["2e 8b 05 10 00 00 00", "mov gpr0:4, cs:[16]:4"],
    ["26 36 8b 00", "mov gpr0:4, ss:[r0+0]:4"],
  ]);
});

describe("prefixes", () => {
  check(64, [
    ["48 66 01 d8", "add gpr0:2, gpr3:2"],
    ["66 f3 0f b8 c1", "popcnt gpr0:2, gpr1:2"],
    ["0f b8 c1", "invalid"],
    ["f3 0f bc c1", "tzcnt gpr0:4, gpr1:4"],
    ["f2 0f bc c1", "repf2 bsf gpr0:4, gpr1:4"],
    ["66 0f bc c1", "bsf gpr0:2, gpr1:2"],
    ["66 f3 0f 6f c1", "movdqu vec0:16, vec1:16"],
    ["f3 66 0f 6f c1", "movdqu vec0:16, vec1:16"],
    ["f2 f3 0f 10 c1", "movss vec0:4, vec1:4"],
    ["f3 f2 0f 10 c1", "movsd vec0:8, vec1:8"],
    ["f3 0f ef c1", "invalid"],
    ["66 0f 77", "invalid"],
    ["66 f2 0f 38 f1 c1", "crc32 gpr0:4, gpr1:2"],
    ["f2 48 0f 38 f1 c1", "crc32 gpr0:8, gpr1:8"],
    ["66 0f 38 f0 01", "movbe gpr0:2, [r1+0]:2"],
    ["f3 0f 38 f0 01", "invalid"],
    ["66 48 0f c7 f0", "rdrand gpr0:8"],
    ["f0 01 18", "lock add [r0+0]:4, gpr3:4"],
    ["f0 01 d8", "invalid"],
    ["f0 03 18", "invalid"],
    ["f0 3b 18", "invalid"],
    ["f0 48 0f c7 08", "lock cmpxchg16b [r0+0]:16"],
    ["90", "nop"],
    ["f3 90", "pause"],
    ["f3 48 90", "pause"],
    ["41 90", "xchg gpr8:4, gpr0:4"],
    ["f3 41 90", "repf3 xchg gpr8:4, gpr0:4"],
    ["f3 c3", "repf3 ret"],
    ["f3 0f 1e fa", "endbr64"],
    ["f3 0f 1e fb", "endbr32"],
    ["f3 48 0f 1e c8", "rdsspq gpr0:8"],
    ["0f 1e fa", "nop gpr2:4"],
    ["66 0f 1f 44 00 00", "nop [r0+r0*1+0]:2"],
    ["0f 18 08", "prefetcht0 [r0+0]:0"],
    ["0f 18 20", "nop [r0+0]:4"],
    ["0f 0d 08", "prefetchw [r0+0]:0"],
    ["0f ae f3", "mfence"],
  ]);
  test.each([
    ["66".repeat(14) + "90", 64, "nop"],
    ["66".repeat(15) + "90", 64, "tooLong"],
    [`${"66".repeat(10)} 48 81 c0 00 00 00 00`, 64, "tooLong"],
    ["48 81 c0 00 00 00", 64, "truncated"],
    ["0f", 64, "truncated"],
    ["c4 e2", 64, "truncated"],
    ["8b 04", 64, "truncated"],
  ] as const)("%s", (hex, codeBits, line) => {
    expect(decodeHex(hex, codeBits)).toBe(line);
  });
});

describe("invalid in 64-bit mode or at all", () => {
  const removed = [
    "06",
    "27",
    "37",
    "60",
    "82 c0 01",
    "9a 00 00 00 00 00 00",
    "ce",
    "d4 0a",
    "d6",
    "ea 00 00 00 00 00 00",
  ];
  check(
    64,
    removed.map((hex) => [hex, "invalid"] as const),
  );
  check(64, [
    ["8d c0", "invalid"],
    ["8e c8", "invalid"],
    ["8c f0", "invalid"],
    ["8f c8", "invalid"],
    ["fe d0", "invalid"],
    ["ff f8", "invalid"],
    ["0f 04", "invalid"],
    ["0f 20 c8", "invalid"],
    ["0f 20 00", "mov gpr0:8, control0:8"],
    ["0f 0b", "ud2"],
    ["0f b9 c1", "ud1 gpr0:4, gpr1:4"],
    ["0f ff c1", "ud0 gpr0:4, gpr1:4"],
    ["c7 f8 00 00 00 00", "invalid xbegin"],
    ["0f 01 d6", "invalid xtest"],
    ["62 f1 7e 48 6f 06", "invalid evex"],
    ["62 f3 7d 48 3e 44 24 01 00", "invalid evex"],
  ]);
});

describe("VEX", () => {
  check(64, [
    ["c5 f9 6f c1", "vmovdqa vec0:16, vec1:16"],
    ["c5 7e 6f 06", "vmovdqu vec8:32, [r6+0]:32"],
    ["c5 f1 ef c2", "vpxor vec0:16, vec1:16, vec2:16"],
    ["c5 f1 6f c1", "invalid"],
    ["66 c5 f9 6f c1", "invalid"],
    ["48 c5 f9 6f c1", "invalid"],
    ["f0 c5 f9 6f c1", "invalid"],
    ["c4 e1 f9 6e c0", "vmovq vec0:16, gpr0:8"],
    ["c4 e3 71 4a c2 30", "vblendvps vec0:16, vec1:16, vec2:16, vec3:16"],
    ["c4 e2 f8 f2 c1", "andn gpr0:8, gpr0:8, gpr1:8"],
    ["c4 e2 7c f2 c1", "invalid"],
    ["c4 c2 72 f7 c0", "sarx gpr0:4, gpr8:4, gpr1:4"],
    ["c4 e2 f1 b8 c2", "vfmadd231pd vec0:16, vec1:16, vec2:16"],
    ["c4 e2 71 b9 02", "vfmadd231ss vec0:4, vec1:4, [r2+0]:4"],
    ["c4 e2 6d 90 04 21", "vpgatherdd vec0:32, [r1+r4*1+0]:4, vec2:32"],
    ["c4 e2 6d 90 01", "invalid"],
    ["c4 e2 6d 90 14 21", "invalid"],
    ["c4 e2 6d 90 04 11", "invalid"],
    ["c5 f8 77", "vzeroupper"],
    ["c5 fc 77", "vzeroall"],
  ]);
  check(32, [
    ["c5 f9 6f c1", "vmovdqa vec0:16, vec1:16"],
    ["c4 e1 f9 6e c0", "vmovd vec0:16, gpr0:4"],
    ["c4 e2 b0 f2 c0", "andn gpr0:4, gpr1:4, gpr0:4"],
    ["c4 e3 f9 16 c0 00", "invalid"],
  ]);
});

describe("widths", () => {
  check(64, [
    ["db 28", "fld [r0+0]:10"],
    ["dd 00", "fld [r0+0]:8"],
    ["d9 c1", "fld st1:10"],
    ["dc c1", "fadd st1:10, st0:10"],
    ["df e0", "fnstsw gpr0:2"],
    ["0f ae 00", "fxsave [r0+0]:512"],
    ["f3 0f 10 00", "movss vec0:4, [r0+0]:4"],
    ["f2 0f 10 00", "movsd vec0:8, [r0+0]:8"],
    ["f3 0f 7e 00", "movq vec0:8, [r0+0]:8"],
    ["0f 60 00", "punpcklbw mmx0:8, [r0+0]:4"],
    ["66 0f c4 00 01", "pinsrw vec0:16, [r0+0]:2, imm 1:1"],
    ["66 0f c4 c0 01", "pinsrw vec0:16, gpr0:4, imm 1:1"],
    ["66 0f 3a 21 00 01", "insertps vec0:16, [r0+0]:4, imm 1:1"],
    ["66 0f 38 22 00", "pmovsxbq vec0:16, [r0+0]:2"],
  ]);
});

describe("rows", () => {
  test("every operand code has a meaning", () => {
    for (const form of FORMS) for (const code of form.operands) expect(recipeOf(code)).toBeGreaterThan(0);
  });
  test("immediates of the opcode column are those of the operands", () => {
    const wrong = FORMS.filter((form) => {
      const written = form.opcode.split(" ").filter((t) => /^(i[bwzv]|c[bzd]|\/is4)$/.test(t)).length;
      return written !== form.operands.filter((code) => /^(I|J|Ap|L)/.test(code)).length;
    });
    expect(wrong.map((form) => `${form.opcode} ${form.mnemonic} ${form.operands.join(" ")}`)).toEqual([]);
  });
  test("what an older CPU does instead is a form of its own", () => {
    const pairs = FORMS.filter((f) => f.fallback !== null).map((f) => `${f.mnemonic} ${f.fallback?.mnemonic}`);
    expect(pairs).toEqual(["rdssp nop", "endbr64 nop", "endbr32 nop", "tzcnt bsf", "lzcnt bsr"]);
  });
  test("no row stands twice", () => {
    const keys = FORMS.map((form) => [form.opcode, form.mnemonic, form.feature, ...form.operands].join(" "));
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  });
});
