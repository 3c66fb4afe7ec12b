/** What execve refuses before the point of no return, with the kernel's errno and a reason for people. */
import * as fs from "node:fs";
import { describe, expect, it } from "vitest";
import { checkSegments } from "../../src/loader/check.ts";
import { isLoadFailure, type LoadFailure } from "../../src/loader/exec-file.ts";
import { type ExecPlan, planExec } from "../../src/loader/plan.ts";
import { linux618 } from "../../src/profiles/generations/linux-6.18.ts";
import { execFileOf } from "../support/exec-file.ts";
import { fixture } from "../support/folio.ts";
import { physicalMemory } from "../support/physical.ts";

const phys = physicalMemory(16 * 1024 * 1024);

function plan(
  files: Readonly<Record<string, Uint8Array>>,
  argv: readonly string[] = ["/prog"],
): ExecPlan | LoadFailure {
  return planExec({
    open: (path) => (files[path] === undefined ? -2 : execFileOf(phys, path, files[path])),
    filename: "/prog",
    argv,
    envp: [],
    generation: linux618,
    stackLimit: 8 << 20,
  });
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

describe.each(["amd64-static-musl", "i386-static-musl"])("%s cut off", (build) => {
  const good = fs.readFileSync(fixture("hello", build));

  it("is refused at every place up to the end of its segments", () => {
    const whole = plan({ "/prog": good });
    if (isLoadFailure(whole)) throw new Error(whole.reason);
    const end = Math.max(...whole.program.segments.filter((s) => s.p_type === 1).map((s) => s.p_offset + s.p_filesz));
    const headers = whole.program.header.e_phoff + whole.program.header.e_phnum * whole.program.header.e_phentsize;
    const places = Array.from({ length: headers + 2 }, (_, size) => size);
    for (const size of [...places, Math.floor(end / 2), end - 1]) {
      const cut = plan({ "/prog": good.subarray(0, size) });
      const problem = isLoadFailure(cut) ? cut : checkSegments(cut.program);
      expect(problem?.errno, `${size} bytes`).toBe(8);
      expect(problem?.reason).toMatch(/^[^\n]+$/);
    }
    expect(checkSegments(whole.program)).toBeUndefined();
  });
});

describe("scripts", () => {
  const elf = fs.readFileSync(fixture("hello", "amd64-static-musl"));

  it("put interpreter, argument and path in front", () => {
    const result = plan({ "/prog": bytesOf("#!/bin/x -a b\n"), "/bin/x": elf }, ["prog", "1", "2"]);
    expect(result).toMatchObject({ argv: ["/bin/x", "-a b", "/prog", "1", "2"], filename: "/prog" });
  });

  it("may be nested five times", () => {
    const chain = (depth: number): Record<string, Uint8Array> => {
      const files: Record<string, Uint8Array> = { [`/s${depth}`]: elf, "/prog": bytesOf("#!/s1\n") };
      for (let i = 1; i < depth; i++) files[`/s${i}`] = bytesOf(`#!/s${i + 1}\n`);
      return files;
    };
    expect(plan(chain(5))).toMatchObject({ abi: "amd64" });
    expect(plan(chain(6))).toMatchObject({ errno: 40 });
  });

  it("name a missing interpreter", () => {
    expect(plan({ "/prog": bytesOf("#!/bin/none\n") })).toMatchObject({ errno: 2, missingInterpreter: "/bin/none" });
  });
});

describe("argument space", () => {
  const elf = fs.readFileSync(fixture("hello", "amd64-static-musl"));

  it("allows strings of 128 KiB with their NUL, not more", () => {
    expect(plan({ "/prog": elf }, ["x".repeat(131071)])).toMatchObject({ abi: "amd64" });
    expect(plan({ "/prog": elf }, ["x".repeat(131072)])).toMatchObject({ errno: 7 });
  });

  it("allows a quarter of the stack limit for all, pointers included", () => {
    const strings = (count: number): string[] => new Array<string>(count).fill("x".repeat(100_000 - 1));
    expect(plan({ "/prog": elf }, strings(20))).toMatchObject({ abi: "amd64" });
    expect(plan({ "/prog": elf }, strings(21))).toMatchObject({ errno: 7 });
  });

  it("gives a program without arguments an empty one", () => {
    expect(plan({ "/prog": elf }, [])).toMatchObject({ argv: [""] });
  });
});
