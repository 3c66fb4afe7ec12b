import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mallocVersion } from "../../../src/libc/malloc/versions/all.ts";
import { replay } from "./replay.ts";
import { FIXTURES, readFixture } from "./support.ts";

/*
 * Short recordings of the real libc by runner.c: recorded.VERSION.ABI.CLASS.THREADS. Longer ones, made anew on a machine with the
 * libc, are replayed by the same code: see the head of runner.c.
 */
const RECORDINGS = readdirSync(FIXTURES).filter((name) => /^recorded\..*\d\.gz$/.test(name));

describe("recordings of the real malloc", () => {
  it.each(RECORDINGS)("%s: every address, size word, system call, and every word of all heaps", (name) => {
    const version = mallocVersion(/^recorded\.(.*)\.(x86_64|i386)/.exec(name)?.[1] ?? "");
    if (version === undefined) throw new Error(`no malloc for ${name}`);
    const result = replay(version, readFixture(name), readFixture(name.replace(/gz$/, "dump.gz")));
    expect(result.difference).toBeUndefined();
    expect(result.calls).toBeGreaterThanOrEqual(1500);
    expect(result.syscalls).toBeGreaterThan(1);
    expect(result.words).toBeGreaterThan(10000);
  });

  it("there is one for each modern version, ABI and mixture", () => {
    expect(RECORDINGS.length).toBe(24);
  });

  it("sees a difference where there is one", () => {
    const log = readFixture("recorded.2.36.x86_64.1.1.gz");
    const other = mallocVersion("2.41");
    if (other === undefined) throw new Error("no malloc 2.41");
    expect(replay(other, log, undefined).difference).toBeDefined();
    const damaged = log.slice();
    damaged[48 * 700 + 32] ^= 0x10;
    expect(replay(mallocVersion("2.36") ?? other, damaged, undefined).difference).toMatch(/record 700/);
  });
});
