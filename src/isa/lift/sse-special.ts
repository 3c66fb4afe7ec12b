/** AES, SHA, CLMUL, CRC32 and the string compares of SSE4.2. SDM volume 1, sections 12.10–12.14. */
import type { Value } from "../ir/builder.ts";
import type { Lift, Lifter, LifterTable } from "./context.ts";
import { RAX, RCX, RDX } from "./context.ts";
import { finishVector, first, lanes, second, source, unalignedSource } from "./vector.ts";

/** result = helper(first source, second source). */
function binary(name: string): Lifter {
  return (x) => lanes(x, (lane) => x.op(`h_${name}`, source(x, first(x), lane), source(x, second(x), lane)));
}

/** SHA instructions: as recorded on AMD Zen 3, their memory operand needs no alignment. */
function sha(name: string): Lifter {
  return (x) => lanes(x, () => x.op(`h_${name}`, source(x, 0), unalignedSource(x, 1)));
}

/** result = helper(first source, second source, the immediate). */
function withImmediate(name: string): Lifter {
  return (x) =>
    lanes(x, (lane) => {
      const [a, b] = [source(x, first(x), lane), source(x, second(x), lane)];
      return x.op(`h_${name}`, a, b, x.const(x.insn.immLo & 0xff));
    });
}

/** The explicit length: RAX (RDX) with REX.W, else EAX (EDX) sign-extended. */
function explicitLength(x: Lift, reg: number): Value {
  return x.insn.operandSize === 8 ? x.gpr(reg) : x.op("sext32to64", x.gpr(reg));
}

/** PCMPxSTRx: the helper's result holds the mask in bits 15:0 and CF, ZF, SF, OF as `stringFlags` unpacks them. */
function compareStrings(explicit: boolean, index: boolean): Lifter {
  return (x) => {
    const a = x.vec(x.operand(0).reg);
    const b = unalignedSource(x, 1);
    const imm = x.const(x.insn.immLo & 0xff);
    const result = explicit
      ? x.op("h_pcmpestr", a, b, explicitLength(x, RAX), explicitLength(x, RDX), imm)
      : x.op("h_pcmpistr", a, b, imm);
    if (index) x.setGpr(RCX, 8, x.op("h_pcmpIndex", result, imm));
    else {
      x.b.setSlot(x.vec(0), 16, x.op("h_pcmpMask", result, imm));
      finishVector(x, 0);
    }
    x.op("flagsSet", x.op("shrU32", result, x.const(16)));
    x.flagsOther();
  };
}

export const specialLifters: LifterTable = {
  aesenc: binary("aesEnc"),
  aesenclast: binary("aesEncLast"),
  aesdec: binary("aesDec"),
  aesdeclast: binary("aesDecLast"),
  aesimc: (x) => lanes(x, () => x.op("h_aesImc", source(x, 1))),
  aeskeygenassist: (x) => lanes(x, () => x.op("h_aesKeygenAssist", source(x, 1), x.const(x.insn.immLo & 0xff))),
  pclmulqdq: withImmediate("pclmul"),
  pcmpestri: compareStrings(true, true),
  pcmpestrm: compareStrings(true, false),
  pcmpistri: compareStrings(false, true),
  pcmpistrm: compareStrings(false, false),
};
for (const [name, lifter] of Object.entries(specialLifters)) specialLifters[`v${name}`] = lifter;

Object.assign(specialLifters, {
  sha1msg1: sha("sha1Msg1"),
  sha1msg2: sha("sha1Msg2"),
  sha1nexte: sha("sha1NextE"),
  sha1rnds4: (x) => lanes(x, () => x.op("h_sha1Rnds4", source(x, 0), unalignedSource(x, 1), x.const(x.insn.immLo & 3))),
  sha256msg1: sha("sha256Msg1"),
  sha256msg2: sha("sha256Msg2"),
  sha256rnds2: (x) => lanes(x, () => x.op("h_sha256Rnds2", x.vec(x.operand(0).reg), unalignedSource(x, 1), x.vec(0))),
  crc32: (x) => {
    const size = x.operand(1).size;
    const value = x.read(1);
    const data = size === 8 ? value : x.op("zext32", x.zeroExtend(value, size));
    x.setGpr(x.operand(0).reg, 8, x.op("h_crc32c", x.gpr(x.operand(0).reg), data, x.const(size)));
  },
} satisfies LifterTable);
