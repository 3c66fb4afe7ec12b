/** `folio maps` and `folio pmap`: run a program up to a moment, then print its memory. */
import { type Command, InvalidArgumentError } from "commander";
import type { MemorySnapshot } from "../report/model/memory.ts";
import { addMachineOptions, type MachineCliOptions } from "./machine-options.ts";
import { complain, writeBinary } from "./output.ts";

export interface ViewOptions extends MachineCliOptions {
  readonly at: string;
  readonly json?: boolean;
}

interface PmapOptions extends ViewOptions {
  readonly extended?: boolean;
  readonly showPath?: boolean;
  readonly quiet?: boolean;
}

function parseMoment(text: string): string {
  if (!/^[a-z0-9_]+$/.test(text)) throw new InvalidArgumentError("It is sleep, exit or the name of a system call.");
  return text;
}

/** The moment that was asked for, taken; the program's own stdout goes to stderr. */
async function snapshotAt(
  program: string,
  args: readonly string[],
  options: ViewOptions,
): Promise<{ snapshot: MemorySnapshot; taken: string }> {
  const { launch } = await import("./launch.ts");
  const { MomentObserver } = await import("../machine/moment.ts");
  const { stdoutToStderr } = await import("../machine/redirect.ts");
  const { UsageError } = await import("../base/errors.ts");
  const { isSyscallName } = await import("../abi/unistd.ts");
  if (options.at !== "sleep" && options.at !== "exit" && !isSyscallName(options.at)) {
    throw new UsageError(`--at ${options.at}: there is no such system call; it is sleep, exit or the name of one`);
  }
  const moment = new MomentObserver(options.at);
  const { machine } = launch({ program, args, options, observers: [moment], wrapHost: stdoutToStderr });
  const end = machine.run();
  if (moment.snapshot === undefined || moment.taken === undefined) {
    const limit = end.reason === "instruction-limit";
    throw new UsageError(
      limit ? "the limit of --max-instructions is reached" : "the program never came to that moment",
    );
  }
  return { snapshot: moment.snapshot, taken: moment.taken };
}

export function warnIfLate(wanted: string, taken: string): void {
  if (wanted !== "exit" && wanted !== "sleep" && taken !== wanted)
    complain(`no call of ${wanted}: this is the moment of exit`);
}

export function addViewOptions(command: Command): Command {
  return addMachineOptions(command)
    .option(
      "--at <moment>",
      "sleep, exit, or the name of a system call; a program that never sleeps is shown at exit",
      parseMoment,
      "sleep",
    )
    .option("--json", "one JSON object");
}

export function addMapsCommand(program: Command, done: (status: number) => void): void {
  const command = program
    .command("maps")
    .description("print a program's /proc/PID/maps at its first sleep; its own output goes to stderr")
    .argument("<program>")
    .argument("[args...]")
    .passThroughOptions();
  addViewOptions(command).action(async (name: string, args: string[], options: ViewOptions) => {
    const { snapshot, taken } = await snapshotAt(name, args, options);
    const { mapsText } = await import("../report/format/maps.ts");
    const { memoryJson } = await import("../report/format/json.ts");
    warnIfLate(options.at, taken);
    writeBinary(1, options.json ? `${memoryJson(snapshot)}\n` : mapsText(snapshot));
    done(0);
  });
}

export function addPmapCommand(program: Command, done: (status: number) => void): void {
  const command = program
    .command("pmap")
    .description("print a program's memory as pmap does, at its first sleep; its own output goes to stderr")
    .argument("<program>")
    .argument("[args...]")
    .option("-x, --extended", "resident and dirty memory too")
    .option("-p, --show-path", "whole paths of files")
    .option("-q, --quiet", "no header and no total")
    .passThroughOptions();
  addViewOptions(command).action(async (name: string, args: string[], options: PmapOptions) => {
    const { snapshot, taken } = await snapshotAt(name, args, options);
    const { pmapText } = await import("../report/format/pmap.ts");
    const { memoryJson } = await import("../report/format/json.ts");
    const { profileOf } = await import("./machine-options.ts");
    const profile = profileOf(options);
    warnIfLate(options.at, taken);
    const { extended = false, showPath = false, quiet = false } = options;
    const format = { flavour: profile.pmap, addressDigits: profile.pmapAddressDigits, extended, showPath, quiet };
    writeBinary(1, options.json ? `${memoryJson(snapshot)}\n` : pmapText(snapshot, format));
    done(0);
  });
}
