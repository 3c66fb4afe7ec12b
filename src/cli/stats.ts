/** `--stats`: what a run has cost, one `name value` a line on stderr. The names are explained in docs/performance.md. */
import type { Machine } from "../machine/create-machine.ts";
import { writeBinary } from "./output.ts";

/** What `exits` calls the reasons of src/exec/layout.ts (Leave). */
const EXIT_NAMES: Readonly<Record<string, string>> = {
  syscall: "syscall",
  int80: "int 0x80",
  sysenter: "sysenter",
  exception: "exception",
  exceptionAfter: "trap exception",
  trap: "trap site",
  fuel: "end of budget",
  miss: "memory access",
  lookup: "unknown code",
  host: "computation",
  hot: "hot block",
};

/** `cpu` is the user and system time of folio in seconds, V8's threads included. */
export function statsText(machine: Machine, time: { readonly wall: number; readonly cpu: number }): void {
  const { kernel, cpu } = machine;
  const { stats } = cpu;
  const exits = stats.exits.filter(({ count }) => count > 0);
  const rows: readonly (readonly [string, string | number])[] = [
    ["instructions", stats.instructions],
    ["instructions interpreted", stats.instructions - stats.regionInstructions],
    ["instructions in regions", stats.regionInstructions],
    ["instructions per second", Math.round(stats.instructions / time.wall)],
    ["blocks translated", stats.translations],
    ["instructions translated", stats.translatedInstructions],
    ["regions compiled", stats.regions],
    ["instructions compiled", stats.compiledInstructions],
    ["compile seconds", (stats.compileNs / 1e9).toFixed(3)],
    ["code bytes, blocks", stats.arenaBytes],
    ["code bytes, regions", stats.regionBytes],
    ["region modules", stats.modules],
    ["drops of all code", stats.drops],
    ["writes to translated code", stats.codeWrites],
    ["calls of regions", stats.regionCalls],
    ["TLB misses", stats.tlbFills],
    ["exits to the dispatcher", exits.reduce((sum, { count }) => sum + count, 0)],
    ...exits.map(({ reason, count }) => [`exits, ${EXIT_NAMES[reason] ?? reason}`, count] as const),
    ["page faults", kernel.memorySystem.faults],
    ["system calls", kernel.syscalls],
    ["frames in use", kernel.physical.totalFrames - kernel.physical.freeFrames],
    ["virtual seconds", ((kernel.clock.monotonicNs - kernel.config.uptimeNs) / 1e9).toFixed(9)],
    ["wall seconds", time.wall.toFixed(3)],
    ["CPU seconds", time.cpu.toFixed(3)],
  ];
  writeBinary(2, rows.map(([name, value]) => `folio: ${name.padEnd(28)} ${value}\n`).join(""));
}
