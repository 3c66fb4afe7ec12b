/** Programs that print what the kernel did: under folio and natively, in the same run, they print the same. */
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command, folio } from "../support/folio.ts";
import { compileC, hasTool, scratchDirectory } from "../support/native.ts";

const scratch = scratchDirectory();
const usable = process.platform === "linux" && process.arch === "x64" && hasTool("gcc");

function compiled(name: string, ...flags: string[]): string | undefined {
  if (!usable) return undefined;
  const source = fs.readFileSync(join(import.meta.dirname, `programs/${name}.c`), "utf8");
  return compileC(source, join(scratch, `${name}${flags.join("")}`), "-O1", "-static", "-pthread", ...flags);
}

/** A fresh working directory: folio's writes stay in memory, the native run's do not. */
function directory(name: string): string {
  const path = join(scratch, `${name}.d`);
  fs.rmSync(path, { recursive: true, force: true });
  fs.mkdirSync(path);
  return path;
}

/** Programs that depend on how code runs, with the ways to run it. */
const TIERS: Record<string, readonly (readonly string[])[]> = {
  code: [
    ["--tier", "interp"],
    ["--jit-threshold", "20"],
  ],
};

describe.each(["", "-m32"])("%s", (bits) => {
  for (const name of ["locks", "fsize", "code"]) {
    const file = compiled(name, ...(bits === "" ? [] : [bits]));
    it.skipIf(file === undefined)(name, { timeout: 60_000 }, () => {
      const options = { timeout: 60_000 };
      const native = command(file ?? "", [], { ...options, cwd: directory(name) });
      expect(native.stdout.length).toBeGreaterThan(0);
      for (const tier of TIERS[name] ?? [[]]) {
        const under = folio(["run", ...tier, file ?? ""], { ...options, cwd: directory(name) });
        expect(under, tier.join(" ")).toEqual(native);
      }
    });
  }
});
