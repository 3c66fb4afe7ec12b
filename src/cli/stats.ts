/** `--stats`: what a run has cost, one `name value` a line on stderr. */
import type { Machine } from "../machine/create-machine.ts";
import { writeBinary } from "./output.ts";

export function statsText(machine: Machine, wallSeconds: number): void {
  const { kernel, cpu } = machine;
  const { stats } = cpu;
  const rows: [string, string | number][] = [
    ["instructions", stats.instructions],
    ["instructions per second", Math.round(stats.instructions / wallSeconds)],
    ["blocks", stats.blocks],
    ["translations", stats.translations],
    ["instructions translated", stats.translatedInstructions],
    ["regions", stats.regions],
    ["region modules", stats.modules],
    ["region code bytes", stats.regionBytes],
    ["calls of regions", stats.regionCalls],
    ["instructions in regions", stats.regionInstructions],
    ["TLB fills", stats.tlbFills],
    ["block look-ups", stats.lookups],
    ["writes to translated code", stats.codeWrites],
    ["frames in use", kernel.physical.totalFrames - kernel.physical.freeFrames],
    ["virtual seconds", (kernel.clock.monotonicNs - kernel.config.uptimeNs) / 1e9],
    ["wall seconds", wallSeconds.toFixed(3)],
  ];
  writeBinary(2, rows.map(([name, value]) => `folio: ${name.padEnd(26)} ${value}\n`).join(""));
}
