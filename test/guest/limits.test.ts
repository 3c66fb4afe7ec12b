/** Resource limits hold against programs that take all they can get; folio's own memory stays bounded. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FOLIO } from "../support/folio.ts";
import { compileC, hasTool, scratchDirectory } from "../support/native.ts";

const scratch = scratchDirectory();
const source = fs.readFileSync(join(import.meta.dirname, "programs/limits.c"), "utf8");
const program = hasTool("gcc") ? compileC(source, join(scratch, "limits"), "-O1", "-static") : undefined;
const RAM_MIB = 96;

interface Outcome {
  readonly stdout: string;
  readonly status: number | null;
  /** VmHWM of the process in MiB; 0 where there is no /proc. */
  readonly peakMib: number;
}

/** Runs a case in a machine with little memory, and watches folio's. */
function run(name: string): Promise<Outcome> {
  const args = [FOLIO, "run", "--ram", `${RAM_MIB}M`, "--max-instructions", "3000000000", program ?? "", name];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: scratch, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let peakMib = 0;
    child.stdout.on("data", (data: Buffer) => {
      stdout += data.toString("latin1");
    });
    const watch = setInterval(() => {
      try {
        const text = fs.readFileSync(`/proc/${child.pid}/status`, "latin1");
        peakMib = Math.max(peakMib, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024);
      } catch {
        // it has ended, or there is no /proc
      }
    }, 20);
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(watch);
      resolve({ stdout, status: code, peakMib });
    });
  });
}

/** THREAD_SIZE * 8 bytes of memory a thread, the first one included. */
const MOST_THREADS = (RAM_MIB * 1024) / 128 - 1;
const HALF_MIB = RAM_MIB / 2;

describe.skipIf(program === undefined)("limits", () => {
  it.each([
    ["processes", `processes ${MOST_THREADS} EAGAIN\n`, 0],
    ["threads", `threads ${MOST_THREADS} EAGAIN\n`, 0],
    ["tmp", `tmp ${HALF_MIB} ENOSPC\nagain ${HALF_MIB} ENOSPC\n`, 128 + 7],
    ["memfd", `memfd ${HALF_MIB} ENOSPC\n`, 0],
    ["names", `names ${(HALF_MIB * 1024) / 4} ENOSPC\n0\n`, 0],
    ["pipes", "pipes 1 ENFILE\n", 0],
    ["open", "open 1021 EMFILE\nall 1 ENFILE\n", 0],
    ["nest", "nest 4 ELOOP\nloop -1 ELOOP\n", 0],
    ["sparse", "0\ndata -1 ENXIO\nhole 0\ndata 1 hole 1\npunch 0\ngone -1 ENXIO\nallocate -1 ENOSPC\n", 0],
    ["timers", "slept\n", 0],
  ])("%s", async (name, stdout, status) => {
    const outcome = await run(name);
    expect(outcome).toMatchObject({ stdout, status });
    expect(outcome.peakMib).toBeLessThan(RAM_MIB + 200);
  });
});
