/** FNSTENV, FNSAVE, FLDENV, FRSTOR in all forms, across a page border, against the processor: image, pointers and state. */
import { describe, expect, it } from "vitest";
import { CASE_BYTES, CODE_BASE, type CpuCase, DATA_BASE, Field } from "../../support/cpu-case.ts";
import { differences, record } from "../../support/cpu-compare.ts";
import { FolioCpu } from "../../support/folio-cpu.ts";
import { inputs, nativeRunner, runNative } from "../../support/native-cpu.ts";

const WINDOW = DATA_BASE + 0xfc0;
/** Where that window stands in a record's memory. */
const IMAGE_AT = 64;
const MOV_EDI = [0xbf, WINDOW & 0xff, (WINDOW >> 8) & 0xff, (WINDOW >> 16) & 0xff, (WINDOW >>> 24) & 0xff];
const FNCLEX = [0xdb, 0xe2];
const FLD_M64 = [0xdd, 0x07];
const FXTRACT = [0xd9, 0xf4];

/** ModR/M 37 is /6 [rDI], 27 is /4 [rDI]. */
const PROGRAMS: readonly (readonly [string, readonly number[]])[] = [
  ["fnstenv", [0xd9, 0x37]],
  ["fnstenv, 16 bits", [0x66, 0xd9, 0x37]],
  ["fnsave", [0xdd, 0x37]],
  ["fnsave, 16 bits", [0x66, 0xdd, 0x37]],
  ["fnstenv and fldenv", [0xd9, 0x37, ...FXTRACT, ...FNCLEX, 0xd9, 0x27]],
  ["fnstenv and fldenv, 16 bits", [0x66, 0xd9, 0x37, ...FXTRACT, ...FNCLEX, 0x66, 0xd9, 0x27]],
  ["fninit", [0xdb, 0xe3, 0xd9, 0x37]],
  ["fnsave and fnstenv", [0xdd, 0x37, 0xd9, 0x37]],
  ["fnsave and frstor", [0xdd, 0x37, ...FXTRACT, ...FNCLEX, 0xdd, 0x27]],
  ["fnsave and frstor, 16 bits", [0x66, 0xdd, 0x37, ...FXTRACT, ...FNCLEX, 0x66, 0xdd, 0x27]],
];

/** The selectors in the image are the kernel's matter: both forms' places of FCS and FDS, blanked. */
function blankSelectors(result: DataView, size16: boolean): DataView {
  for (const at of size16 ? [8, 12] : [16, 24]) result.setUint16(Field.memory + IMAGE_AT + at, 0, true);
  return result;
}

describe.each([64, 32] as const)("x87 images in %d-bit code", (codeBits) => {
  it.skipIf(nativeRunner(codeBits) === undefined).each(PROGRAMS)("%s", (name, body) => {
    const cases = Array.from(
      { length: 12 },
      (_, i): CpuCase => ({
        codeBits,
        seed: 1000 + i,
        rip: CODE_BASE + 0x800,
        code: Uint8Array.from([...MOV_EDI, ...FNCLEX, ...FLD_M64, ...body]),
        overrides: [],
      }),
    );
    const input = inputs(cases);
    const native = runNative(codeBits, input);
    const folio = new FolioCpu();
    const output = new DataView(new ArrayBuffer(CASE_BYTES));
    for (const [i] of cases.entries()) {
      folio.run(codeBits, record(input, i), output);
      const [want, got] = [record(native, i), output].map((result) => blankSelectors(result, name.endsWith("16 bits")));
      expect([i, differences("fnsave", want as DataView, got as DataView)]).toEqual([i, []]);
    }
  });
});
