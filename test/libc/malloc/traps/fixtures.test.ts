/** `--malloc ts` against the libc's own malloc: the fixtures' programs print and call the same, addresses included. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { glibcVersion, mallocOfGlibc } from "../../../../src/libc/malloc/traps/glibc-image.ts";
import { tracedRun } from "../../../support/traced-run.ts";

const PROGRAMS = join(import.meta.dirname, "../../../../fixtures/programs");
const LIBCS = { amd64: "/lib/x86_64-linux-gnu/libc.so.6", i386: "/lib/i386-linux-gnu/libc.so.6" };

/** Why the libc of this machine cannot be compared with, or "". */
function missing(abi: keyof typeof LIBCS): string {
  if (!existsSync(LIBCS[abi])) return `no ${LIBCS[abi]}`;
  const version = glibcVersion(readFileSync(LIBCS[abi])) ?? "none";
  return mallocOfGlibc(version) === undefined ? `no malloc of glibc ${version}` : "";
}

/** Those that use the heap. */
const programs = ["calloc", "free-null", "free2", "malloc", "memtest", "oom2", "realloc", "xmalloc"];

describe.each(["amd64", "i386"] as const)("%s", (abi) => {
  const reason = missing(abi);
  test.skipIf(reason !== "").each(programs)(`%s${reason === "" ? "" : ` (${reason})`}`, (name) => {
    const program = join(PROGRAMS, name, "bin", abi);
    const options = { sysroot: "/", maxInstructions: 20_000_000 };
    const own = tracedRun(program, options);
    const ours = tracedRun(program, { ...options, malloc: { version: undefined } });
    expect(ours.stdout).toBe(own.stdout);
    expect(ours.trace).toEqual(own.trace);
    expect(ours.status).toBe(own.status);
    expect(own.traps).toBe(0);
    expect(ours.traps).toBeGreaterThan(0);
  });
});
