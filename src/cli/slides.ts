/** `folio slides [N…]`: the lecture's slides, replayed; needs nothing of the host. */
import { type Command, InvalidArgumentError } from "commander";
import { writeBinary } from "./output.ts";

function parseRow(text: string, before: readonly number[] = []): readonly number[] {
  const row = Number(text);
  if (!/^\d+$/.test(text) || row < 1 || row > 24) throw new InvalidArgumentError("A row is a number from 1 to 24.");
  return [...before, row];
}

async function slides(wanted: readonly number[], options: { readonly json?: boolean }): Promise<number> {
  const { createNodeHost } = await import("../host-node/host.ts");
  const { playSlides } = await import("../machine/slides.ts");
  const { slidesJson, slidesSummary, slideText } = await import("../report/format/slides.ts");
  const { SLIDES } = await import("../scenes/slides.ts");
  const { findFixtures, programPath } = await import("./fixtures.ts");
  const fixtures = findFixtures();
  const rows = SLIDES.filter(({ row }) => wanted.length === 0 || wanted.includes(row));
  const print = options.json ? undefined : (text: string) => writeBinary(1, text);
  const reports = playSlides(
    rows,
    createNodeHost(),
    (program, build) => programPath(fixtures, program, build),
    (report) => print?.(slideText(report)),
  );
  if (options.json) writeBinary(1, `${slidesJson(reports)}\n`);
  else if (reports.length > 1) writeBinary(1, slidesSummary(reports));
  return reports.some(({ verdict }) => verdict === "differs") ? 1 : 0;
}

export function addSlidesCommand(program: Command, done: (status: number) => void): void {
  program
    .command("slides")
    .description("replay the lecture's slides and say whether each comes out exactly as shown; 1 if one differs")
    .argument("[rows...]", "numbers of rows, all without one", parseRow)
    .option("--json", "one JSON object")
    .action(async (rows: readonly number[], options: { json?: boolean }) => done(await slides(rows ?? [], options)));
}
