/** The `folio` command. Heavy parts are loaded by the command that needs them. */
import { Command, CommanderError } from "commander";
import { GuestUnsupported, InternalError, UsageError } from "../base/errors.ts";
import { addDisasmCommand } from "./disasm.ts";
import { addHeapCommand } from "./heap.ts";
import { addIsaCommand } from "./isa.ts";
import { addLectureCommand } from "./lecture.ts";
import { addMachinesCommand } from "./machines.ts";
import { complain } from "./output.ts";
import { addRunCommand } from "./run.ts";
import { addSizeCommand } from "./size.ts";
import { addSlidesCommand } from "./slides.ts";
import { addMapsCommand, addPmapCommand } from "./view-memory.ts";

declare const FOLIO_VERSION: string | undefined;

/** folio's own failures: bad option, bad file, limit reached. */
const FAILURE = 125;

function createProgram(done: (status: number) => void): Command {
  const program = new Command("folio")
    .description("run x86 and x86-64 Linux programs and look at their memory")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text) => complain(text.trim().replace(/^error: /, "")) });
  if (typeof FOLIO_VERSION === "string") program.version(FOLIO_VERSION);
  const commands = [
    addRunCommand,
    addPmapCommand,
    addMapsCommand,
    addHeapCommand,
    addSizeCommand,
    addDisasmCommand,
    addIsaCommand,
    addSlidesCommand,
    addLectureCommand,
    addMachinesCommand,
  ];
  for (const add of commands) add(program, done);
  return program;
}

/** Tells the user what went wrong, in one line, and gives the exit status. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : FAILURE;
  if (error instanceof UsageError) {
    complain(error.message);
    return error.status;
  }
  if (error instanceof GuestUnsupported) {
    complain(`not supported: ${error.message}`);
    return FAILURE;
  }
  const stack = error instanceof Error ? error.stack : undefined;
  const kind = error instanceof InternalError ? "internal error" : "unexpected error";
  complain(`${kind}: ${error instanceof Error ? error.message : String(error)}`);
  if (process.env.FOLIO_DEBUG !== undefined && stack !== undefined) process.stderr.write(`${stack}\n`);
  return FAILURE;
}

async function main(): Promise<void> {
  let status = 0;
  const program = createProgram((result) => {
    status = result;
  });
  try {
    await program.parseAsync();
  } catch (error) {
    status = report(error);
  }
  // Leaves at once, without waiting for WebAssembly's compiler threads.
  process.exit(status);
}

void main();
