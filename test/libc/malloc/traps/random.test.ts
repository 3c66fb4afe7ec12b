/**
 * folio's malloc against the real one, both in folio: random operations by fixtures/native/malloc/random-ops.c print a checksum of
 * addresses, size words and usable sizes, and make system calls; both runs must print and call the same.
 *
 * The long run: FOLIO_MALLOC_OPERATIONS=100000 npx vitest run test/libc/malloc/traps/random.test.ts (that many for each of the 12
 * rows; about an hour).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { glibcVersion, mallocOfGlibc } from "../../../../src/libc/malloc/traps/glibc-image.ts";
import { FIXTURES, folio } from "../../../support/folio.ts";

const OPERATIONS = process.env.FOLIO_MALLOC_OPERATIONS ?? "1500";
const folder = mkdtempSync(join(tmpdir(), "folio-random-ops-"));
afterAll(() => rmSync(folder, { recursive: true }));

const LIBCS = { amd64: "/lib/x86_64-linux-gnu/libc.so.6", i386: "/lib/i386-linux-gnu/libc.so.6" };
const program = (abi: string): string => join(folder, abi);

/** Compiles the program; why that or the comparison cannot be done, or "". */
function prepare(abi: keyof typeof LIBCS): string {
  if (!existsSync(LIBCS[abi])) return `no ${LIBCS[abi]}`;
  const version = glibcVersion(readFileSync(LIBCS[abi]));
  if (version === undefined || mallocOfGlibc(version) === undefined) return `no malloc of glibc ${version}`;
  const source = join(FIXTURES, "native/malloc/random-ops.c");
  const flags = ["-O1", "-fno-builtin", "-pthread", ...(abi === "i386" ? ["-m32"] : [])];
  const { status } = spawnSync("gcc", [...flags, "-o", program(abi), source]);
  return status === 0 ? "" : "gcc cannot build for it";
}

function run(abi: string, args: readonly string[], options: readonly string[]) {
  const trace = join(folder, "trace");
  const common = ["-i", "--aslr", "off", "--seed", "m", "--strace", "-o", trace];
  const { status, stdout } = folio(["run", ...common, ...options, program(abi), ...args]);
  return { status, stdout: stdout.split("\n"), trace: readFileSync(trace, "latin1").split("\n") };
}

describe.each(["amd64", "i386"] as const)("%s", (abi) => {
  const reason = prepare(abi);
  const why = reason === "" ? "" : ` (${reason})`;
  test.skipIf(reason !== "").each([
    ["small", 0, 0],
    ["mixed", 1, 0],
    ["large", 2, 0],
    ["aligned", 3, 0],
    ["realloc", 4, 0],
    ["mixed, in four threads and the main one", 1, 4],
  ])(`%s${why}`, { timeout: 3_600_000 }, (_, mix, threads) => {
    const args = ["11", OPERATIONS, String(mix), String(threads)];
    const own = run(abi, args, []);
    const ours = run(abi, args, ["--malloc", "ts"]);
    expect(own.status).toBe(0);
    expect(ours).toEqual(own);
  });
});
