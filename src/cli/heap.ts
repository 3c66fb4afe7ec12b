/** `folio heap`: run a program up to a moment, then print its heap chunk by chunk. */
import type { Command } from "commander";
import type { HeapSnapshot } from "../report/model/heap.ts";
import { writeBinary } from "./output.ts";
import { addViewOptions, type ViewOptions, warnIfLate } from "./view-memory.ts";

export function addHeapCommand(program: Command, done: (status: number) => void): void {
  const command = program
    .command("heap")
    .description("print a program's heap at its first sleep, chunk by chunk; status 1 if it is damaged")
    .argument("<program>")
    .argument("[args...]")
    .passThroughOptions();
  addViewOptions(command).action(async (name: string, args: string[], options: ViewOptions) => {
    const { UsageError } = await import("../base/errors.ts");
    const { heapJson, heapText } = await import("../report/format/heap.ts");
    const { snapshot, taken } = await heapAt(name, args, options);
    if ("error" in snapshot) throw new UsageError(`${name}: ${snapshot.error}`);
    warnIfLate(options.at, taken);
    writeBinary(1, options.json ? `${heapJson(snapshot)}\n` : heapText(snapshot));
    done(snapshot.walk.damage.length > 0 ? 1 : 0);
  });
}

async function heapAt(
  program: string,
  args: readonly string[],
  options: ViewOptions,
): Promise<{ snapshot: HeapSnapshot | { readonly error: string }; taken: string }> {
  const { launch } = await import("./launch.ts");
  const { MomentObserver } = await import("../machine/moment.ts");
  const { stdoutToStderr } = await import("../machine/redirect.ts");
  const { snapshotHeap } = await import("../machine/heap.ts");
  const { UsageError } = await import("../base/errors.ts");
  let snapshot: HeapSnapshot | { readonly error: string } | undefined;
  const moment = new MomentObserver(options.at, (task) => {
    snapshot = snapshotHeap(task);
  });
  const { machine } = launch({ program, args, options, observers: [moment], wrapHost: stdoutToStderr });
  const end = machine.run();
  if (snapshot === undefined || moment.taken === undefined) {
    const limit = end.reason === "instruction-limit";
    throw new UsageError(
      limit ? "the limit of --max-instructions is reached" : "the program never came to that moment",
    );
  }
  return { snapshot, taken: moment.taken };
}
