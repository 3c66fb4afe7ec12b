/** `folio machines`: the machine profiles. */
import type { Command } from "commander";
import { MACHINES } from "../profiles/machines/machines.ts";
import { writeBinary } from "./output.ts";

function machinesText(): string {
  const width = Math.max(...MACHINES.map(({ name }) => name.length));
  return MACHINES.map(({ name, description }) => `${name.padEnd(width)}  ${description}\n`).join("");
}

function machinesJson(): string {
  const machines = MACHINES.map(({ name, description, abi, generation, glibc, cpu, pmap, ramBytes }) => ({
    name,
    description,
    abi: abi ?? ["amd64", "i386"],
    kernel: generation.name,
    glibc: glibc ?? null,
    cpu: cpu.name,
    pmap,
    ramBytes,
  }));
  return `${JSON.stringify({ schema: 1, machines })}\n`;
}

export function addMachinesCommand(program: Command, done: (status: number) => void): void {
  program
    .command("machines")
    .description("list the machines that --machine knows")
    .option("--json", "one JSON object")
    .action((options: { json?: boolean }) => {
      writeBinary(1, options.json ? machinesJson() : machinesText());
      done(0);
    });
}
