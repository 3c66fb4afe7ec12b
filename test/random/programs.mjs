/**
 * `npm run random-programs`: random C programs (csmith's, and ours that calculate with floats), natively and under folio. The same
 * binary must print the same and end with the same status. Long; by hand. Programs that differ are kept.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { floatProgram } from "./float-program.mjs";

const root = join(import.meta.dirname, "../..");

const HELP = `npm run random-programs -- [options]      needs csmith, gcc and gcc-multilib
  --count N     programs (default: 500)
  --seed N      the first one's seed (default: 1)
  --builds N    builds of each program: 3, one of every group (default), or 1, in turn
  --kinds a,b   csmith, csmith-float, float (default: all, in turn)
  --batch N     programs that run under one folio (default: 12)
  --keep DIR    where programs that differ are kept (default: dist/random-programs)
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
/** Each program is compiled in one build of every group, in turn; or in one of all. */
const GROUPS = [
  ["O0", "O1", "O2", "O3"],
  ["v3-O3", "v3-O2"],
  ["m32-O3-387", "m32-O2-sse", "m32-O0", "m32-O1-387", "m32-O2", "m32-O3-v3"],
];
/** All programs run on the first; half of them on each of the others. */
const TIERS = { interp: ["--tier", "interp"], low: ["--jit-threshold", "50"], auto: [] };
const OTHERS = ["low", "auto"];

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    builds: { type: "string", default: "3" },
    kinds: { type: "string", default: "csmith,csmith-float,float" },
    batch: { type: "string", default: "12" },
    keep: { type: "string", default: join(root, "dist/random-programs") },
    help: { type: "boolean", default: false },
  },
});
/** How the launcher's time limit ends a program. */
const SIGVTALRM = 26;
const kinds = values.kinds.split(",");
const groups = values.builds === "1" ? [GROUPS.flat()] : GROUPS;
const tally = { programs: 0, runs: 0, tooSlow: 0, notCompiled: 0, differ: 0 };
const perBuild = {};

function source(kind, seed) {
  if (kind === "float") return floatProgram(seed);
  const args = ["--seed", String(seed), "--concise"];
  if (kind === "csmith-float") args.push("--float");
  return execFileSync("csmith", args, { encoding: "utf8" });
}

/** What the launcher prints for the programs; undefined if it does not end in time (milliseconds). */
function run(command, programs, timeout) {
  const options = { timeout, killSignal: "SIGKILL", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] };
  const { stdout, signal } = spawnSync(command[0], [...command.slice(1), ...programs], options);
  return signal === "SIGKILL" ? undefined : stdout.toString("latin1");
}

/** The builds of a program that end natively in time. */
function compile(dir, n) {
  const kind = kinds[n % kinds.length];
  const seed = Number(values.seed) + n;
  const file = join(dir, `${kind}-${seed}.c`);
  writeFileSync(file, source(kind, seed));
  const turn = Math.floor(n / kinds.length);
  const programs = [];
  for (const group of groups) {
    const build = group[turn % group.length];
    const program = join(dir, `${kind}-${seed}-${build}`);
    const flags = [...BUILDS[build], "-w", "-static", "-frounding-math", "-I/usr/include/csmith"];
    if (spawnSync("gcc", [...flags, file, "-o", program, "-lm"], { stdio: "inherit" }).status !== 0) {
      tally.notCompiled++;
      continue;
    }
    const native = run([join(dir, "launcher"), "-t"], [program], 10_000);
    if (native === undefined || native.endsWith(`status ${SIGVTALRM}\n`)) {
      // Some of csmith's programs do not end.
      tally.tooSlow++;
      break;
    }
    perBuild[build] = (perBuild[build] ?? 0) + 1;
    programs.push({ build, program, file, native });
  }
  if (programs.length > 0) tally.programs++;
  return programs;
}

function keep({ program, file, native }, tier, under) {
  const kept = join(values.keep, `${basename(program)}-${tier}`);
  mkdirSync(kept, { recursive: true });
  for (const path of [program, file]) cpSync(path, join(kept, basename(path)));
  writeFileSync(join(kept, "native.txt"), native);
  writeFileSync(join(kept, "folio.txt"), under ?? "too slow\n");
  process.stdout.write(`${basename(program)}, ${tier}: differs (${kept})\n`);
}

function compare(dir, folio, programs, tier) {
  const command = [process.execPath, folio, "run", ...TIERS[tier], join(dir, "launcher")];
  const names = (list) => list.map(({ program }) => program);
  tally.runs += programs.length;
  if (run(command, names(programs), 600_000) === programs.map(({ native }) => native).join("")) return;
  for (const one of programs) {
    const under = run(command, [one.program], 600_000);
    if (under === one.native) continue;
    tally.differ++;
    keep(one, tier, under);
  }
}

function main() {
  const dir = mkdtempSync(join(tmpdir(), "folio-random-"));
  execFileSync("gcc", ["-O1", "-static", join(import.meta.dirname, "launcher.c"), "-o", join(dir, "launcher")]);
  // A build in between must not mix two versions.
  const filter = (from) => !from.includes("random-programs");
  cpSync(join(root, "dist"), join(dir, "folio"), { recursive: true, filter });
  const folio = join(dir, "folio/folio.cjs");
  const [count, batch] = [Number(values.count), Number(values.batch)];
  for (let from = 0; from < count; from += batch) {
    const programs = [];
    for (let n = from; n < Math.min(from + batch, count); n++) programs.push(...compile(dir, n));
    compare(dir, folio, programs, "interp");
    for (const [k, tier] of OTHERS.entries()) {
      const some = programs.filter((_, i) => i % OTHERS.length === k);
      compare(dir, folio, some, tier);
    }
    for (const { program, file } of programs) for (const path of [program, file]) rmSync(path, { force: true });
    process.stdout.write(`${JSON.stringify(tally)} ${JSON.stringify(perBuild)}\n`);
  }
  rmSync(dir, { recursive: true });
  process.exitCode = tally.differ > 0 ? 1 : 0;
}

if (values.help) process.stdout.write(HELP);
else main();
