/** Instruction forms as text, JSON and Markdown (docs/instructions.md). */
import { DEVIATIONS, type Deviation } from "../model/deviations.ts";
import type { InstructionRow } from "../model/instruction-set.ts";

const COLUMNS = ["instruction", "opcode", "operands", "feature", "models", "support", "vector"] as const;

function cells(row: InstructionRow): string[] {
  const { mnemonic, opcode, operands, feature, models, support, vector } = row;
  return [mnemonic, opcode, operands, feature, models.length === 0 ? "none" : `from ${models[0]}`, support, vector];
}

/** Aligned columns, a line a form. */
export function instructionText(rows: readonly InstructionRow[]): string {
  const table = [[...COLUMNS], ...rows.map(cells)];
  const widths = COLUMNS.map((_, column) => Math.max(...table.map((line) => (line[column] as string).length)));
  const lines = table.map((line) => line.map((cell, column) => cell.padEnd(widths[column] as number)).join("  "));
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

export function instructionJson(rows: readonly InstructionRow[]): string {
  return `${JSON.stringify(rows, null, 2)}\n`;
}

const HEADER = `# Instructions

Generated from the opcode tables in \`src/isa/tables\` (\`UPDATE_DOCS=1 npx vitest run test/isa/instructions.test.ts\`);
\`folio isa [MNEMONIC]\` prints the same. Opcodes and operands are in the notation of the Intel SDM, volume 2 (additions:
\`src/isa/tables/row.ts\`).

- *models*: the oldest CPU model (\`--cpu\`) that has the form; each newer one has it too. The others raise #UD.
- *support*: \`yes\`; \`#GP\`: ring 0 only, a program gets SIGSEGV as on Linux; \`#UD\`: no model offers it, a program gets SIGILL;
  \`lacking\`: not executed yet.
- *vector*: a file of cases recorded on a processor (\`fixtures/native/cpu\`), the first case of the form in it, and how many there
  are; or the test that covers it.
`;

function deviationText({ instructions, what, cause, bound, measured }: Deviation, index: number): string {
  const names = instructions.length === 0 ? "" : `**${instructions.join(", ")}**: `;
  const lines = [`${names}${what}`, `*Cause*: ${cause}`, `*Bound*: ${bound}`, `*Measured*: ${measured}`];
  return `${index + 1}. ${lines.join("\n   ")}`;
}

const DEVIATIONS_HEADER = `## Deviations

Where folio is known to differ from the processor its results are recorded on (AMD family 19h, under KVM), from
\`src/report/model/deviations.ts\`.
`;

export function instructionDocument(rows: readonly InstructionRow[]): string {
  const count = (support: string) => rows.filter((row) => row.support === support).length;
  const summary = `${rows.length} forms of ${new Set(rows.map((row) => row.mnemonic)).size} instructions: ${count("yes")} yes, ${count("#GP")} #GP, ${count("#UD")} #UD, ${count("lacking")} lacking.`;
  const lines = rows.map((row) => `| ${cells(row).join(" | ")} |`);
  const head = `| ${COLUMNS.join(" | ")} |\n|${" --- |".repeat(COLUMNS.length)}`;
  const deviations = DEVIATIONS.map(deviationText).join("\n");
  return `${HEADER}\n${summary}\n\n${DEVIATIONS_HEADER}\n${deviations}\n\n## Forms\n\n${head}\n${lines.join("\n")}\n`;
}
