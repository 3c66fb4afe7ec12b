/** Mutated programs through `folio run`'s own path, executed: each ends quickly, with at most one line of folio's. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, it } from "vitest";
import { UsageError } from "../../src/base/errors.ts";
import { exitStatus, launch } from "../../src/cli/launch.ts";
import { DEFAULT_TIERS } from "../../src/exec/hot-code.ts";
import type { Host } from "../../src/host/host.ts";
import { fixture } from "../support/folio.ts";
import { scratchDirectory } from "../support/native.ts";
import { seededRandom } from "../support/random.ts";

/** FOLIO_FULL=1 takes 2000 rounds, FOLIO_FUZZ_ROUNDS as many as it says; FOLIO_TEST_SEED changes the seed. */
const ROUNDS = Number(process.env.FOLIO_FUZZ_ROUNDS ?? (process.env.FOLIO_FULL === "1" ? 2000 : 200));
const SEED = process.env.FOLIO_TEST_SEED ?? "1";
const BUILDS = ["amd64-static-musl", "i386-static-musl", "amd64-static-pie-musl", "amd64"];
const VALUES = [0, 1, 2, 3, 4, 6, 7, 0x10, 0x20, 0x38, 0x40, 0x7f, 0x80, 0xff];
const INSTRUCTIONS = 20_000;

const OPTIONS = {
  machine: "current",
  env: [],
  ignoreEnvironment: true,
  ram: 64 * 1024 ** 2,
  seed: SEED,
  aslr: "on",
  clock: "virtual",
  maxInstructions: INSTRUCTIONS,
  tier: DEFAULT_TIERS.tier,
  ulimit: new Map(),
} as const;

/** Of the first round: the build's modules are compiled once. */
let wasm: Host["wasm"] | undefined;

/** The host with silent streams; `lines` are folio's own. */
function quiet(host: Host, lines: string[]): Host {
  wasm ??= host.wasm;
  const stdio: Host["stdio"] = {
    read: () => 0,
    write: (_fd, from) => from.length,
    isTerminal: () => false,
    stat: (fd) => host.stdio.stat(fd),
    windowSize: () => undefined,
  };
  return { ...host, wasm, stdio, log: { line: (text) => lines.push(text) } };
}

/** Headers in most rounds, now and then code and data too, or a file that is cut off. */
function mutate(good: Buffer, random: (limit: number) => number): Buffer {
  const bytes = Buffer.from(good.subarray(0, random(10) === 0 ? random(good.length) : good.length));
  const reach = Math.min(bytes.length, random(4) === 0 ? bytes.length : 64 + 56 * 8);
  for (let i = random(6); i >= 0 && reach > 0; i--) {
    bytes[random(reach)] = random(3) === 0 ? random(256) : VALUES[random(VALUES.length)];
  }
  return bytes;
}

/** Runs the file; how it ended. */
function outcomeOf(file: string, lines: string[]): string {
  try {
    const { machine } = launch({ program: file, args: [], options: OPTIONS, wrapHost: (host) => quiet(host, lines) });
    return exitStatus(machine.run()) < 128 ? "ended by itself" : "killed by a signal";
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    expect(error.message).toMatch(/^[^\n]+$/);
    lines.push(error.message);
    return error.status === 126 ? "refused" : "limit reached";
  }
}

it(
  `${ROUNDS} mutations of hello, seed ${SEED}`,
  () => {
    const random = seededRandom(`run ${SEED}`);
    const goods = BUILDS.map((build) => fs.readFileSync(fixture("hello", build)));
    const directory = scratchDirectory();
    const outcomes = new Map<string, number>();
    const baseMib = process.memoryUsage.rss() / 1024 ** 2;
    let peakMib = baseMib;
    for (let round = 0; round < ROUNDS; round++) {
      const file = path.join(directory, `mutant-${round}`);
      fs.writeFileSync(file, mutate(goods[round % goods.length], random), { mode: 0o755 });
      const lines: string[] = [];
      const started = process.cpuUsage();
      const outcome = outcomeOf(file, lines);
      const { user, system } = process.cpuUsage(started);
      expect(lines.length, `round ${round}: ${lines.join(" | ")}`).toBeLessThanOrEqual(1);
      // Processor time: the machine may have other work.
      expect((user + system) / 1e6, `seconds of round ${round}`).toBeLessThan(1);
      // Resident memory of the whole process, the test runner included.
      const mib = process.memoryUsage.rss() / 1024 ** 2;
      expect(mib, `MiB in round ${round}`).toBeLessThan(512 + baseMib);
      peakMib = Math.max(peakMib, mib);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      fs.unlinkSync(file);
    }
    if (ROUNDS > 10_000) console.log(`${ROUNDS} rounds, ${Math.round(peakMib)} MiB at most:`, outcomes);
    if (ROUNDS < 100) return;
    // All ways are taken, so the mutations reach the processor and pass it.
    const kinds = ["ended by itself", "killed by a signal", "limit reached", "refused"];
    expect([...outcomes.keys()].sort()).toEqual(kinds);
  },
  600_000 + ROUNDS * 500,
);
