/**
 * `npm run random-programs`: random C programs (csmith's, and ours that calculate with floats), natively and under folio. The same
 * binary must print the same and end with the same status. Long; by hand. Programs that differ are kept.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { floatProgram } from "./float-program.mjs";

const root = join(import.meta.dirname, "../..");

const HELP = `npm run random-programs -- [options]      needs csmith, gcc and gcc-multilib
  --count N     programs (default: 500)
  --seed N      the first one's seed (default: 1)
  --kinds a,b   csmith, csmith-float, float (default: all, in turn)
  --keep DIR    where programs that differ are kept (default: dist/random-programs)
  --all         each program in every build on every tier, not three builds on two tiers
`;

const BUILDS = {
  O0: ["-O0"],
  O1: ["-O1"],
  O2: ["-O2"],
  O3: ["-O3"],
  "v3-O2": ["-O2", "-march=x86-64-v3"],
  "v3-O3": ["-O3", "-march=x86-64-v3"],
  "m32-O0": ["-O0", "-m32"],
  "m32-O2": ["-O2", "-m32"],
  "m32-O3-387": ["-O3", "-m32", "-march=i686", "-mfpmath=387"],
  "m32-O1-387": ["-O1", "-m32", "-march=i686", "-mfpmath=387"],
  "m32-O2-sse": ["-O2", "-m32", "-msse2", "-mfpmath=sse"],
  "m32-O3-v3": ["-O3", "-m32", "-march=x86-64-v3", "-mfpmath=sse"],
};
const GROUPS = [
  ["O0", "O1", "O2", "O3"],
  ["v3-O3", "v3-O2"],
  ["m32-O3-387", "m32-O2-sse", "m32-O0", "m32-O1-387", "m32-O2", "m32-O3-v3"],
];
const TIERS = {
  interp: ["--tier", "interp"],
  low: ["--jit-threshold", "50"],
  once: ["--tier", "jit", "--jit-threshold", "2"],
  auto: [],
};

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    kinds: { type: "string", default: "csmith,csmith-float,float" },
    keep: { type: "string", default: join(root, "dist/random-programs") },
    all: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function source(kind, seed) {
  if (kind === "float") return floatProgram(seed);
  const args = ["--seed", String(seed), "--concise"];
  if (kind === "csmith-float") args.push("--float");
  return execFileSync("csmith", args, { encoding: "utf8" });
}

const SIGNALS = { SIGABRT: 6, SIGFPE: 8, SIGSEGV: 11 };

/** Output and status; undefined if it did not end in time (milliseconds). */
function run(file, args, timeout) {
  const options = { timeout, killSignal: "SIGKILL", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "ignore"] };
  const { stdout, status, signal } = spawnSync(file, args, options);
  if (signal === "SIGKILL") return undefined;
  return { stdout: stdout.toString("latin1"), status: status ?? 128 + (SIGNALS[signal] ?? 0) };
}

/** The builds and tiers of a program; every one has its turn within a few programs. */
function plan(n) {
  if (values.all) return Object.keys(BUILDS).map((build) => [build, Object.keys(TIERS)]);
  return GROUPS.map((group, g) => [group[n % group.length], ["interp", ["low", "auto", "once"][(n + g) % 3]]]);
}

if (values.help) {
  process.stdout.write(HELP);
} else {
  const dir = mkdtempSync(join(tmpdir(), "folio-random-"));
  // A build in between must not mix two versions.
  cpSync(join(root, "dist"), join(dir, "folio"), {
    recursive: true,
    filter: (from) => !from.includes("random-programs"),
  });
  const folio = join(dir, "folio/folio.cjs");
  const kinds = values.kinds.split(",");
  const tally = { programs: 0, runs: 0, tooSlow: 0, notCompiled: 0, differ: 0 };
  const perBuild = {};
  const line = () => `${JSON.stringify(tally)} ${JSON.stringify(perBuild)}\n`;
  for (let n = 0; n < Number(values.count); n++) {
    const kind = kinds[n % kinds.length];
    const seed = Number(values.seed) + n;
    const file = join(dir, "program.c");
    writeFileSync(file, source(kind, seed));
    let used = false;
    for (const [build, tiers] of plan(Math.floor(n / kinds.length))) {
      const program = join(dir, "program");
      const flags = [...BUILDS[build], "-w", "-static", "-frounding-math", "-I/usr/include/csmith"];
      if (spawnSync("gcc", [...flags, file, "-o", program, "-lm"], { stdio: "inherit" }).status !== 0) {
        tally.notCompiled++;
        continue;
      }
      const native = run(program, [], 1000);
      // Some of csmith's programs do not end.
      if (native === undefined) {
        tally.tooSlow++;
        break;
      }
      used = true;
      for (const tier of tiers) {
        const under = run(process.execPath, [folio, "run", ...TIERS[tier], program], 120_000);
        tally.runs++;
        perBuild[build] = (perBuild[build] ?? 0) + 1;
        if (under?.stdout === native.stdout && under.status === native.status) continue;
        tally.differ++;
        const kept = join(values.keep, `${kind}-${seed}-${build}-${tier}`);
        mkdirSync(kept, { recursive: true });
        for (const name of ["program.c", "program"]) cpSync(join(dir, name), join(kept, name));
        writeFileSync(join(kept, "native.txt"), `${native.stdout}status ${native.status}\n`);
        writeFileSync(
          join(kept, "folio.txt"),
          under === undefined ? "too slow\n" : `${under.stdout}status ${under.status}\n`,
        );
        process.stdout.write(`${kind} seed ${seed}, ${build}, ${tier}: differs (${kept})\n`);
      }
    }
    if (used) tally.programs++;
    if (n % 20 === 19) process.stdout.write(line());
  }
  process.stdout.write(line());
  rmSync(dir, { recursive: true });
  process.exitCode = tally.differ > 0 ? 1 : 0;
}
