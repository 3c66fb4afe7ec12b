/**
 * System calls with usual and unusual arguments: each program of programs/calls prints results and errno of what it calls,
 * under folio and natively in the same run, in both ABIs.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command, folio } from "../support/folio.ts";
import { compileC, hasTool, scratchDirectory } from "../support/native.ts";

const PROGRAMS = join(import.meta.dirname, "programs/calls");
const scratch = scratchDirectory();
const usable = process.platform === "linux" && process.arch === "x64" && hasTool("gcc");
const FLAGS = ["-O1", "-w", "-D_GNU_SOURCE", "-static", "-pthread", `-I${PROGRAMS}`];

/** Runs `run` in a fresh directory: folio's writes stay in memory, the native run's do not. */
function inFreshDirectory<T>(run: (options: { cwd: string; timeout: number }) => T): T {
  const cwd = fs.mkdtempSync(join(scratch, "d"));
  return run({ cwd, timeout: 60_000 });
}

describe.each(["", "-m32"])("%s", (bits) => {
  for (const source of fs.readdirSync(PROGRAMS).filter((file) => file.endsWith(".c"))) {
    const name = source.slice(0, -2);
    it.skipIf(!usable)(name, { timeout: 90_000 }, (context) => {
      const text = fs.readFileSync(join(PROGRAMS, source), "utf8");
      const file = compileC(text, join(scratch, `${name}${bits}`), ...FLAGS, ...(bits === "" ? [] : [bits]));
      if (file === undefined && bits !== "") return context.skip("gcc -m32 is missing");
      const native = inFreshDirectory((options) => command(file ?? "", [], options));
      expect(native.stdout.split("\n").length).toBeGreaterThan(3);
      const under = inFreshDirectory((options) => folio(["run", file ?? ""], options));
      expect(under.stdout.split("\n")).toEqual(native.stdout.split("\n"));
      expect(under).toEqual(native);
    });
  }
});
