/** Programs that print what the kernel did to them: output and trace equal the recorded native ones (programs/build.sh). */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { recorded, tracedRun } from "../support/traced-run.ts";

const program = (name: string): string => join(import.meta.dirname, "programs", name);

/** Pids, the environment pointer of strace itself, and times that passed natively are not compared. */
function masked(lines: readonly string[]): string[] {
  const pids = new Set(
    lines.flatMap((line) => line.match(/^(?:getpid\(\)|set_tid_address\(.*\)) += (\d+)$/)?.[1] ?? []),
  );
  return lines.map((line) => {
    let text = line.replace(/0x[0-9a-f]+( \/\* 0 vars \*\/)/, "ENV$1").replace(/tv_nsec=(?:69|70)\d{7}/, "LEFT");
    for (const pid of pids)
      text = text.replaceAll(new RegExp(`(?<![=_])\\b${pid}\\b|(?<=si_pid=)${pid}\\b`, "g"), "PID");
    return text.replace(/ += /, " = ");
  });
}

describe("signal frames", () => {
  test.each(["frame.amd64", "frame.i386"])("%s: every byte as the real kernel writes it", (name) => {
    const run = tracedRun(program(name), {}, ["xsave", "avx"]);
    expect(run.stdout.split("\n")).toEqual(recorded(program(`${name}.stdout`)).split("\n"));
    expect(run.status).toBe(0);
  });
});

describe("calls", () => {
  const run = tracedRun(program("calls.amd64"));

  test("results", () => {
    expect(run.stdout.split("\n")).toEqual(recorded(program("calls.amd64.stdout")).split("\n"));
    expect(run.status).toBe(7 << 8);
  });

  test("strace", () => {
    const expected = recorded(program("calls.amd64.strace")).trimEnd().split("\n");
    expect(masked(run.trace)).toEqual(masked(expected));
  });

  test("a second run is the same in every line and instruction", () => {
    const again = tracedRun(program("calls.amd64"));
    expect(again.trace).toEqual(run.trace);
    expect(again.instructions).toBe(run.instructions);
  });
});
