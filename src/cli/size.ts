/** `folio size FILE…`: GNU size's Berkeley format. */
import type { Command } from "commander";
import { UsageError } from "../base/errors.ts";
import { isElfError } from "../elf/reader.ts";
import { sizeJson } from "../report/format/json.ts";
import { SIZE_HEADER, sizeRow } from "../report/format/size.ts";
import { type SectionSizes, sectionSizes } from "../report/model/section-sizes.ts";
import { complain, writeBinary } from "./output.ts";
import { readElf } from "./read-elf.ts";

function sizesOf(file: string): SectionSizes {
  const sizes = sectionSizes(readElf(file));
  if (isElfError(sizes)) throw new UsageError(`${file}: ${sizes.error}`, 126);
  return sizes;
}

/** Prints the table; files that cannot be read are named on stderr, and the last one's status is the command's. */
export function size(files: readonly string[], options: { readonly json?: boolean }): number {
  const rows: { name: string; sizes: SectionSizes }[] = [];
  let status = 0;
  for (const name of files) {
    try {
      rows.push({ name, sizes: sizesOf(name) });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      complain(error.message);
      status = error.status;
    }
  }
  if (options.json) writeBinary(1, `${sizeJson(rows)}\n`);
  else if (rows.length > 0) {
    const lines = [SIZE_HEADER, ...rows.map((row) => sizeRow(row.sizes, Buffer.from(row.name).toString("latin1")))];
    writeBinary(1, `${lines.join("\n")}\n`);
  }
  return status;
}

export function addSizeCommand(program: Command, done: (status: number) => void): void {
  program
    .command("size")
    .description("print the sizes of text, data and bss, as GNU size does")
    .argument("<file...>", "ELF files")
    .option("--json", "one JSON object")
    .action((files: string[], options: { json?: boolean }) => done(size(files, options)));
}
