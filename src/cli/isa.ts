/** `folio isa [MNEMONIC]`. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import type { Command } from "commander";
import { UsageError } from "../base/errors.ts";
import { instructionJson, instructionText } from "../report/format/instructions.ts";
import { type Coverage, instructionRows } from "../report/model/instruction-set.ts";
import { findFixtures } from "./fixtures.ts";
import { writeBinary } from "./output.ts";

interface IsaOptions {
  readonly json?: boolean;
}

/** What covers each form, from the package's fixtures; nothing if they are not there. */
function coverage(): Coverage {
  try {
    const file = path.join(findFixtures().directory, "native/cpu/coverage.json");
    return JSON.parse(readFileSync(file, "utf8")) as Coverage;
  } catch {
    return {};
  }
}

export function addIsaCommand(program: Command, done: (status: number) => void): void {
  program
    .command("isa")
    .description("list the instructions that folio knows, with their support")
    .argument("[mnemonic]", "only this one")
    .option("--json", "as JSON")
    .action((mnemonic: string | undefined, options: IsaOptions) => {
      const all = instructionRows(coverage());
      const rows = mnemonic === undefined ? all : all.filter((row) => row.mnemonic === mnemonic.toLowerCase());
      if (rows.length === 0) throw new UsageError(`isa: no instruction ${mnemonic}`);
      writeBinary(1, options.json ? instructionJson(rows) : instructionText(rows));
      done(0);
    });
}
