/**
 * Privileged, invalid and faulting instructions, segments, far transfers, EFLAGS.AC and TF: registers and signals as programs/faults.c
 * saw them on a real machine (an AMD Zen 3 with Linux 6.x). Needs no compiler: the programs are kept, since what they print
 * holds their addresses.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { scratchDirectory } from "../support/native.ts";
import { tracedRun } from "../support/traced-run.ts";

const scratch = scratchDirectory();
const kept = (name: string): Buffer => gunzipSync(readFileSync(join(import.meta.dirname, `programs/${name}.gz`)));

describe.each(["amd64", "i386"])("faults.%s", (abi) => {
  test.each([
    ["interpreted", { tier: "interp", threshold: 0 }],
    ["compiled at once", { tier: "jit", threshold: 0 }],
  ] as const)("%s", (_name, tiers) => {
    const program = join(scratch, `faults.${abi}`);
    writeFileSync(program, kept(`faults.${abi}`), { mode: 0o755 });
    const run = tracedRun(program, { tiers });
    expect(run.stdout.split("\n")).toEqual(kept(`faults.${abi}.stdout`).toString("latin1").split("\n"));
    expect(run.status).toBe(0);
  });
});
