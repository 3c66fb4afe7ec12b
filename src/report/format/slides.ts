/** `folio slides`: the sessions of the lecture's slides as text and as JSON. */
import type { RowReport } from "../model/slides.ts";

const WORDS = { exact: "exactly as on the slide", differs: "NOT as on the slide", open: "open" } as const;

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "    | ");
}

/** One row: its title and verdict, then the session; what differs is followed by what the slide shows. */
export function slideText(row: RowReport): string {
  const reason = row.reason === undefined ? "" : `: ${row.reason}`;
  const lines = [`${String(row.row).padStart(2)}  ${row.title}: ${WORDS[row.verdict]}${reason}\n`];
  for (const step of row.steps) {
    lines.push(`${step.prompt}${step.command}\n${step.output}`);
    if (step.output !== "" && !step.output.endsWith("\n")) lines.push("\n");
    if (step.exact) continue;
    lines.push("    the slide shows:\n", indented(step.shows));
    if (step.expectedStatus !== undefined) lines.push(`    status ${step.expectedStatus}, not ${step.status}\n`);
  }
  lines.push("\n");
  return lines.join("");
}

/** The last line. */
export function slidesSummary(rows: readonly RowReport[]): string {
  const count = (verdict: RowReport["verdict"]): number => rows.filter((row) => row.verdict === verdict).length;
  return `${count("exact")} exact, ${count("differs")} different, ${count("open")} open\n`;
}

export function slidesJson(rows: readonly RowReport[]): string {
  return JSON.stringify({ schema: 1, rows });
}
