/** The command line of `run` and the views, on static programs that need no C library. */
import { describe, expect, it, vi } from "vitest";
import { fixture, folio } from "../support/folio.ts";

vi.setConfig({ testTimeout: 60_000 });

const HELLO = fixture("hello", "amd64-static-musl");
const MEMTEST = fixture("memtest", "amd64-static-musl");

describe("folio run", () => {
  it.each(["amd64-static-musl", "i386-static-musl"])(
    "passes arguments, environment, output and status: %s",
    (build) => {
      const result = folio(["run", "-i", "-E", "NAME=Wert", fixture("hello", build), "eins", "zwei drei", ""]);
      expect(result).toEqual({
        status: 7,
        signal: null,
        stdout: "Hallo, Welt\neins\nzwei drei\n\n",
        stderr: "NAME=Wert\n",
      });
    },
  );

  it("hands options behind the program to the program", () => {
    expect(folio(["run", "-i", HELLO, "--seed", "-x"]).stdout).toBe("Hallo, Welt\n--seed\n-x\n");
  });

  it("ends with 128 + n when signal n killed the guest", () => {
    expect(folio(["run", "-i", fixture("free2", "amd64-static-musl")]).status).toBe(139);
  });

  it("stops at --max-instructions with one line and status 125", () => {
    const result = folio(["run", "-i", "--max-instructions", "100", HELLO]);
    expect(result).toEqual({
      status: 125,
      signal: null,
      stdout: "",
      stderr: "folio: the limit of --max-instructions is reached\n",
    });
  });

  it("prints system calls as strace does", () => {
    const { stderr } = folio(["run", "-i", "--strace", "--aslr", "off", HELLO]);
    expect(stderr).toContain('write(1, "Hallo, Welt\\n", 12)           = 12\n');
    expect(stderr).toMatch(/exit_group\(7\) += \?\n\+\+\+ exited with 7 \+\+\+\n$/);
  });
});

describe("views", () => {
  it("print nothing but the view on stdout", () => {
    const result = folio(["pmap", "-i", "--aslr", "off", MEMTEST]);
    expect(result.status).toBe(0);
    expect(result.stdout).toMatch(/^1000: {3}\S+memtest\S*\n0000000000400000 /);
    expect(result.stdout).toMatch(/\n total +\d+K\n$/);
    expect(result.stderr).toMatch(/^Test: 3, 5\n/);
  });

  it("are repeatable with a seed, and differ between seeds", () => {
    const maps = (seed: string): string => folio(["maps", "-i", "--seed", seed, MEMTEST]).stdout;
    const first = maps("1");
    expect(first).toContain("[stack]");
    expect(maps("1")).toBe(first);
    expect(maps("2")).not.toBe(first);
  });

  it("come at the moment that --at names", () => {
    const total = (at: string): number => {
      const text = folio(["pmap", "-i", "--at", at, MEMTEST]).stdout;
      return Number(text.match(/ total +(\d+)K/)?.[1]);
    };
    // musl takes the 40 MiB from the heap.
    expect(total("sleep") - total("brk")).toBeGreaterThanOrEqual(40 * 1024);
    const never = folio(["maps", "-i", "--at", "socket", MEMTEST]);
    expect(never.stderr).toContain("folio: no call of socket: this is the moment of exit\n");
    const unknown = folio(["pmap", "--at", "mmapp", MEMTEST]);
    expect(unknown).toMatchObject({ status: 125, stdout: "" });
    expect(unknown.stderr).toMatch(/^folio: --at mmapp: there is no such system call[^\n]*\n$/);
  });

  it("come as JSON", () => {
    const json = JSON.parse(folio(["maps", "-i", "--json", MEMTEST]).stdout);
    expect(json).toMatchObject({ schema: 1, kind: "memory" });
    expect(json.mappings[0].start).toBe("0x400000");
  });
});
