/** Native tools as oracles: tests that need one are skipped, by name, where it is not installed. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Whether `tool` is on the PATH. */
export function hasTool(tool: string): boolean {
  return (process.env.PATH ?? "").split(":").some((dir) => fs.existsSync(path.join(dir, tool)));
}

/** Output of a native command in the C locale. */
export function native(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: "latin1", env: { ...process.env, LC_ALL: "C" }, maxBuffer: 1 << 28 });
}

/** A fresh directory below the system's temporary one, removed at the end of the test file. */
export function scratchDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "folio-test-"));
  process.once("exit", () => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Compiles C source; undefined where the compiler (or its 32-bit part) is missing. */
export function compileC(source: string, out: string, ...flags: string[]): string | undefined {
  const result = spawnSync("gcc", ["-x", "c", "-", "-o", out, ...flags], { input: source });
  return result.status === 0 ? out : undefined;
}
