/** SYSENTER: in 32-bit code a system call as INT 80H makes it, in 64-bit code no instruction (a listed deviation from AMD's). */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { folio } from "../support/folio.ts";
import { scratchDirectory } from "../support/native.ts";
import { smallElf } from "../support/small-elf.ts";

const INT_80 = [0xcd, 0x80];
const SYSENTER = [0x0f, 0x34];
const SIGNALED = 128;
const SIGILL = 4;
const folder = scratchDirectory();

/** exit(getpid()): MOV EAX, 20; the call; XCHG EAX, EBX; MOV EAX, 1; the call. */
function status(call: readonly number[], codeBits: 32 | 64, ...options: string[]): number | null {
  const file = path.join(folder, "prog");
  const code = [0xb8, 20, 0, 0, 0, ...call, 0x93, 0xb8, 1, 0, 0, 0, ...call];
  fs.writeFileSync(file, smallElf(code, codeBits), { mode: 0o755 });
  return folio(["run", ...options, file]).status;
}

test.each(["interp", "jit"])("--tier %s", (tier) => {
  const expected = status(INT_80, 32, "--tier", tier);
  expect(expected).toBeGreaterThan(0);
  expect(expected).toBeLessThan(256);
  expect(status(SYSENTER, 32, "--tier", tier)).toBe(expected);
  expect(status(SYSENTER, 64, "--tier", tier)).toBe(SIGNALED + SIGILL);
});
