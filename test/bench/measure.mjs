/** One run of a command: its checksum, its CPU time with all threads and children, its peak memory. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** The same for all columns, whatever the user's locale. */
const ENVIRONMENT = { ...process.env, LC_ALL: "C", TZ: "UTC", PYTHONHASHSEED: "0" };
/** Longer outputs, and those that are no text, are told apart by a hash. */
const MAX_OUTPUT = 64;

/**
 * @typedef {{cpu: number, wall: number, peak: number, output: string}} Sample times in seconds, peak RSS in KiB
 * @returns {Sample | {failure: string}}
 */
export function measure(tools, command, timeout) {
  const report = join(tools.dir, "report");
  rmSync(report, { force: true });
  const result = spawnSync(tools.measure, [report, ...command], {
    encoding: "latin1",
    env: ENVIRONMENT,
    maxBuffer: 1 << 29,
    timeout: timeout * 1000,
    killSignal: "SIGKILL",
    detached: true,
  });
  if (result.error !== undefined) {
    endGroup(result.pid);
    return { failure: result.error.code === "ETIMEDOUT" ? `no end after ${timeout} s` : result.error.message };
  }
  if (result.status !== 0) return { failure: `status ${result.status}: ${reasonIn(result.stderr)}` };
  const [, user, system, wall, peak] = readFileSync(report, "utf8").trim().split(" ").map(Number);
  return { cpu: (user + system) / 1e6, wall: wall / 1e6, peak, output: checksum(result.stdout) };
}

function checksum(output) {
  if (output.length <= MAX_OUTPUT && /^[ -~\s]*$/.test(output)) return output.trim();
  return createHash("sha256").update(output, "latin1").digest("hex").slice(0, 16);
}

/** The measured command outlives `measure` when that is killed; both are in a process group of their own. */
function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // already gone
  }
}

/** The line that names an error, else the last one. */
function reasonIn(text) {
  const lines = text.trim().split("\n");
  return lines.find((line) => /error/i.test(line)) ?? lines.at(-1);
}
