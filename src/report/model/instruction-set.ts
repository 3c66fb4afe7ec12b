/** What folio knows of each instruction form: which CPU models have it, whether it is executed, and what covers it. */
import type { Form } from "../../isa/instruction.ts";
import { lifterOf } from "../../isa/lift/table.ts";
import { FORMS } from "../../isa/tables/forms.ts";
import { CPU_MODELS, type CpuModel } from "../../profiles/cpu-model.ts";

/** Features that gate nothing: each processor has them, or executes the form as a no-operation where it does not. */
const EVERYWHERE: readonly string[] = ["base", "cet", "prefetchw"];

/**
 * `yes`: executed. `#GP`: ring 0 only, #GP(0) in a program. `#UD`: no model offers it. `lacking`: a model offers it, folio cannot
 * execute it.
 */
export type Support = "yes" | "#GP" | "#UD" | "lacking";

export interface InstructionRow {
  readonly mnemonic: string;
  readonly opcode: string;
  readonly operands: string;
  readonly feature: string;
  /** Names of the models that execute the form. */
  readonly models: readonly string[];
  readonly support: Support;
  /** Recorded cases, or the test, that cover it; "" without any. */
  readonly vector: string;
}

/** What covers a form, by `formKey`. */
export type Coverage = Readonly<Record<string, string>>;

/** What tells a form from all others. */
export function formKey(form: Form): string {
  return `${form.opcode} ${form.mnemonic} ${form.operands.join(" ")}`.trim();
}

/** Whether the model's processor has the form itself (not an older meaning of its bytes). */
export function hasForm(model: CpuModel, form: Form): boolean {
  if (EVERYWHERE.includes(form.feature)) return true;
  if (form.feature === "x64") return model.features.includes("lm");
  return (model.features as readonly string[]).includes(form.feature);
}

function supportOf(form: Form): Support {
  if (form.feature === "unsupported") return "#UD";
  if (lifterOf(form.mnemonic) === undefined) return "lacking";
  return form.privileged ? "#GP" : "yes";
}

/** One row a form, by mnemonic and then in the order of the opcode tables. */
export function instructionRows(coverage: Coverage): readonly InstructionRow[] {
  const forms = [...FORMS].sort((a, b) => (a.mnemonic < b.mnemonic ? -1 : a.mnemonic > b.mnemonic ? 1 : a.id - b.id));
  return forms.map((form) => ({
    mnemonic: form.mnemonic,
    opcode: form.opcode,
    operands: form.operands.join(", "),
    feature: form.feature,
    models: CPU_MODELS.filter((model) => hasForm(model, form)).map(({ name }) => name),
    support: supportOf(form),
    vector: coverage[formKey(form)] ?? "",
  }));
}
