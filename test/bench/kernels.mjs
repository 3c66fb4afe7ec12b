/** The C kernels of fixtures/bench and how they are compiled. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const sources = join(import.meta.dirname, "../../fixtures/bench");

export const ABIS = ["amd64", "i386"];
/** On i386, doubles are SSE2 as on amd64, unless the kernel is about the x87. */
const FLAGS = { amd64: [], i386: ["-m32", "-msse2", "-mfpmath=sse"] };
export const OPTIMISATION = "-O2";

/**
 * @typedef {{name: string, group: "integer" | "float" | "x87" | "system", amount: number | Record<string, number>, abis?: string[], flags?: string[], libs?: string[], generator?: string}} Kernel
 * @returns {Kernel[]} all kernels
 */
export function allKernels() {
  return JSON.parse(readFileSync(join(sources, "kernels.json"), "utf8")).kernels;
}

/** Work that takes the native build at least a second. */
export function amountOf(kernel, abi) {
  return typeof kernel.amount === "number" ? kernel.amount : kernel.amount[abi];
}

/** The C file of a kernel; one with a generator is written to `dir` first. */
async function sourceOf(kernel, dir) {
  if (kernel.generator === undefined) return join(sources, `${kernel.name}.c`);
  const path = join(dir, `${kernel.name}.c`);
  const { stdout } = await run(process.execPath, [join(sources, kernel.generator)], { maxBuffer: 1 << 26 });
  writeFileSync(path, stdout);
  return path;
}

/** Compiles one kernel for one ABI, static; returns the path of the program. */
export async function compileKernel(kernel, abi, dir) {
  const program = join(dir, `${kernel.name}-${abi}`);
  const flags = [OPTIMISATION, "-static", ...FLAGS[abi], ...(kernel.flags ?? [])];
  await run("gcc", [...flags, "-I", sources, "-o", program, await sourceOf(kernel, dir), ...(kernel.libs ?? [])]);
  return program;
}

export async function compileMeasure(dir) {
  const program = join(dir, "measure");
  await run("gcc", ["-O2", "-static", "-o", program, join(import.meta.dirname, "measure.c")]);
  return program;
}
