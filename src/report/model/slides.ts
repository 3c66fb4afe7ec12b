/** Whether a slide's session came out as the slide shows it. */

export interface StepReport {
  readonly prompt: string;
  readonly command: string;
  /** What it printed, a binary string. */
  readonly output: string;
  readonly status: number | undefined;
  /** The slide's text, and $? where it is known; see src/scenes/scene.ts. */
  readonly shows: string;
  readonly expectedStatus: number | undefined;
  readonly exact: boolean;
}

export interface RowReport {
  readonly row: number;
  readonly title: string;
  readonly verdict: "exact" | "differs" | "open";
  /** Why it is open. */
  readonly reason: string | undefined;
  readonly steps: readonly StepReport[];
}

const PLACES: Readonly<Record<string, string>> = { address: "0x[0-9a-f]+", lines: "(?:[^\\n]*\\n)+" };

/** Whether `output` is `shows`, in which `{address}` and `{lines}` stand for what the slide leaves open. */
export function isShown(shows: string, output: string): boolean {
  const pattern = shows
    .split(/(\{(?:address|lines)\})/)
    .map((part) => PLACES[part.slice(1, -1)] ?? part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("");
  return new RegExp(`^${pattern}$`).test(output);
}

export function verdictOf(steps: readonly StepReport[]): "exact" | "differs" | "open" {
  if (steps.length === 0) return "open";
  return steps.every((step) => step.exact) ? "exact" : "differs";
}
