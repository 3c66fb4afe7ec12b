/** Runs the built command, dist/folio.cjs, as a user would (`npm test` builds it first). */
import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

export const FOLIO = fileURLToPath(new URL("../../dist/folio.cjs", import.meta.url));
export const FIXTURES = fileURLToPath(new URL("../../fixtures/", import.meta.url));

export interface FolioResult {
  readonly status: number | null;
  readonly signal: string | null;
  /** Binary strings. */
  readonly stdout: string;
  readonly stderr: string;
}

/** `folio ARGS…`; stdin is empty unless `input` is given. */
export function folio(args: readonly string[], options: SpawnSyncOptions = {}): FolioResult {
  return command(process.execPath, [FOLIO, ...args], options);
}

/** Any command, with its output as binary strings. */
export function command(file: string, args: readonly string[], options: SpawnSyncOptions = {}): FolioResult {
  const result = spawnSync(file, [...args], { input: "", maxBuffer: 1 << 28, ...options, encoding: "latin1" });
  if (result.error !== undefined) throw result.error;
  return { status: result.status, signal: result.signal, stdout: String(result.stdout), stderr: String(result.stderr) };
}

/** A fixture's ELF file. */
export function fixture(program: string, build: string): string {
  return path.join(FIXTURES, "programs", program, "bin", build);
}
