/** Which recorded cases, or which test, cover each instruction form: fixtures/native/cpu/coverage.json. */
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { DecodeStatus } from "../../src/isa/instruction.ts";
import { FORMS } from "../../src/isa/tables/forms.ts";
import { formKey } from "../../src/report/model/instruction-set.ts";
import { decodeCorpus } from "./cpu-corpus.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const FOLDER = path.join(ROOT, "fixtures/native/cpu");
/** Files of recorded cases, those of single instructions first. */
export const CORPORA = ["corpus.gz", "gathers.gz", "modes.gz", "sequences.gz"].filter((file) =>
  existsSync(path.join(FOLDER, file)),
);

/** Instructions whose outcome is not the processor's alone, and the test that executes them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "test/isa/lift/xsave.test.ts":
    "xsave xsave64 xsaveopt xsaveopt64 xsavec xsavec64 xrstor xrstor64 fxsave fxsave64 fxrstor fxrstor64 xgetbv",
  "test/isa/lift/x87-images.test.ts": "fldenv fnstenv frstor fnsave",
  "test/kernel/faults.test.ts":
    "sgdt sidt smsw sldt str lar lsl verr verw les lds lss lfs lgs jmpf callf retf iret arpl int int1 syscall",
  "test/kernel/sysenter.test.ts": "sysenter",
  // Those that have no recorded case: of segment registers, NOPs, and another encoding of FSTP.
  "test/guest/native.test.ts": "mov push pop endbr32 endbr64 rdssp fstpnce",
  "test/isa/models.test.ts": "cpuid rdtsc rdtscp rdpid rdrand rdseed rdfsbase rdgsbase wrfsbase wrgsbase",
};

/** What covers each form: `FILE #FIRST (COUNT)`, or a test file. */
export function coverage(): Record<string, string> {
  const found = new Map<number, { file: string; first: number; count: number }>();
  const insn = newInstruction();
  for (const file of CORPORA) {
    let index = 0;
    for (const { test } of decodeCorpus(readFileSync(path.join(FOLDER, file)))) {
      const at = index++;
      if (decode(test.code, 0, test.code.length, test.codeBits, insn) !== DecodeStatus.ok) continue;
      const known = found.get(insn.form.id);
      if (known === undefined) found.set(insn.form.id, { file, first: at, count: 1 });
      else if (known.file === file) known.count++;
    }
  }
  const out: Record<string, string> = {};
  for (const form of FORMS) {
    const recorded = found.get(form.id);
    const elsewhere = Object.entries(ELSEWHERE).find(([, names]) => names.split(" ").includes(form.mnemonic));
    if (recorded !== undefined) out[formKey(form)] = `${recorded.file} #${recorded.first} (${recorded.count})`;
    else if (elsewhere !== undefined) out[formKey(form)] = elsewhere[0];
    else if (form.privileged || form.feature === "unsupported") out[formKey(form)] = "test/isa/models.test.ts";
  }
  return out;
}

export { ELSEWHERE };
