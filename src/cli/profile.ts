/** `--profile`: samples of the running machine, written as a file that speedscope opens. */
import * as fs from "node:fs";
import { UsageError } from "../base/errors.ts";
import type { Machine } from "../machine/create-machine.ts";
import { speedscopeJson } from "../report/format/speedscope.ts";
import { Profiler } from "../report/model/profile.ts";
import { fileProblem } from "./read-elf.ts";

/** Has the machine sampled every `interval` instructions; returns what writes `file` once it has run. */
export function profileTo(machine: Machine, file: string, interval: number): () => void {
  const { kernel } = machine;
  const fd = attempt(file, () => fs.openSync(file, "w"));
  const profiler = new Profiler(kernel, interval);
  kernel.scheduler.sampler = profiler;
  kernel.observers.add(profiler);
  return () => {
    const threads = profiler.threads();
    const json = speedscopeJson(threads[0]?.name ?? "", "folio", threads);
    attempt(file, () => {
      fs.writeFileSync(fd, json, "latin1");
      fs.closeSync(fd);
    });
  };
}

function attempt<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new UsageError(`--profile ${file}: ${fileProblem(error).message}`);
  }
}
