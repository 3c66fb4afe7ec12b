/**
 * `npm run bench`: the C kernels of fixtures/bench, and real programs, natively, under qemu-user and under folio, side by side
 * in one run. What is compared is user + system time of the whole process tree less that of the same binary with no work.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chart } from "./chart.mjs";
import { neverHot, workCost } from "./further.mjs";
import { ABIS, allKernels, amountOf, compileKernel, compileMeasure, OPTIMISATION } from "./kernels.mjs";
import { measure } from "./measure.mjs";
import { allPrograms, Data } from "./programs.mjs";
import { failuresOf, means, summarise, text, withTables } from "./report.mjs";

const root = join(import.meta.dirname, "../..");

const HELP = `npm run bench -- [options]
  --kernels a,b     only these; "kernels" or "programs" stands for all of a kind (default: all)
  --abis a,b        amd64, i386 (default: both)
  --columns a,b     native, qemu, folio (default: all)
  --runs N          repetitions of everything, interleaved (default: 5)
  --scale X         part of the default work (default: 1)
  --quick           --scale 0.1 --runs 3
  --timeout S       longest time of one run in seconds (default: 300)
  --node FILE       the node that runs folio (default: this one)
  --folio-options T options of folio run, separated by blanks
  --json FILE       figures and all samples (default: dist/bench.json)
  --publish         docs/bench.json, docs/bench.svg and the tables of docs/performance.md from this run
  --from FILE       measures nothing, takes the figures of an earlier run
  --work-cost       another table: ten times the work of runs of at least 5 seconds (a minute and more each)
  --never-hot       another table: 200 MB of code that is executed once
  --list            names of the kernels and programs
`;

function parse() {
  const text = { type: "string" };
  const { values } = parseArgs({
    options: {
      kernels: text,
      abis: text,
      columns: text,
      runs: text,
      scale: text,
      timeout: text,
      node: text,
      "folio-options": text,
      json: text,
      from: text,
      publish: { type: "boolean" },
      "work-cost": { type: "boolean" },
      "never-hot": { type: "boolean" },
      quick: { type: "boolean" },
      list: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  return values;
}

class Usage extends Error {}

function positive(value, fallback, name) {
  const result = value === undefined ? fallback : Number(value);
  if (!(result > 0)) throw new Usage(`--${name} wants a number above 0, not ${value}`);
  return result;
}

/** The members of `all` that a comma-separated list names; `kinds` are names of several. */
function choose(list, all, what, kinds = {}) {
  if (list === undefined) return all;
  const names = list.split(",").flatMap((name) => kinds[name] ?? [name]);
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Usage(`no ${what} ${unknown.join(", ")}; there are: ${all.join(", ")}`);
  return all.filter((name) => names.includes(name));
}

/** folio as it was when the run began: a build in between must not mix two versions in one table. */
function copyOfFolio(dir) {
  const from = join(root, "dist");
  if (!existsSync(join(from, "folio.cjs"))) throw new Usage("dist/folio.cjs is missing: npm run build");
  const to = join(dir, "folio");
  cpSync(from, to, { recursive: true });
  return join(to, "folio.cjs");
}

const QEMU = { amd64: "qemu-x86_64", i386: "qemu-i386" };

/** The command line in front of the kernel's own, by column. */
function commands(names, abi, setup) {
  const all = { native: [], qemu: [QEMU[abi]], folio: [setup.node, setup.folio, "run", ...setup.folioOptions] };
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

function versionOf(command, ...args) {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0];
  } catch {
    return "missing";
  }
}

function machineFacts(setup) {
  const git = versionOf("git", "-C", root, "rev-parse", "--short", "HEAD");
  const folioOptions = setup.folioOptions.length > 0 ? ` (${setup.folioOptions.join(" ")})` : "";
  const version =
    setup.folio === "" ? "" : `folio ${versionOf(setup.node, setup.folio, "--version")} (${git})${folioOptions}, `;
  return [
    ["machine", `${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}`],
    ["versions", `${version}node ${versionOf(setup.node, "--version")}, ${versionOf("qemu-x86_64", "--version")}`],
    ["compiler", `${versionOf("gcc", "--version")}, ${OPTIMISATION} -static`],
    ["runs", `${setup.runs}, interleaved, medians; work × ${setup.scale}`],
    ["load average at the start", loadavg()[0].toFixed(1)],
  ];
}

/** Every column does the work once and starts once, in turn; so a noisy minute hits all of them. */
function repeat(bench, columns, samples, tools, timeout) {
  for (const [name, prefix] of Object.entries(columns)) {
    const sample = samples[name];
    for (const [kind, amount] of [
      ["start", 0],
      ["work", bench.amount],
    ]) {
      if ([...sample.start, ...sample.work].some((one) => one.failure !== undefined)) break;
      sample[kind].push(measure(tools, [...prefix, bench.program, ...bench.args(amount)], timeout));
    }
  }
}

async function prepare(setup, dir) {
  const benches = [];
  const data = new Data(dir);
  for (const abi of setup.abis)
    for (const kernel of setup.kernels.filter((one) => (one.abis ?? ABIS).includes(abi))) {
      const isProgram = kernel.group === "program";
      if (isProgram && kernel.path === undefined) {
        process.stderr.write(`bench: ${kernel.command} is not installed\n`);
        continue;
      }
      const program = isProgram ? kernel.path : await compileKernel(kernel, abi, dir);
      const args = isProgram ? (amount) => kernel.args(data, amount) : (amount) => [String(amount)];
      const amount = Math.max(1, Math.round(amountOf(kernel, abi) * setup.scale));
      const columns = commands(setup.names, abi, setup);
      const samples = Object.fromEntries(setup.names.map((name) => [name, { work: [], start: [] }]));
      benches.push({ kernel, abi, program, args, amount, columns, samples });
    }
  return benches;
}

function progress(line) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

async function bench(setup, dir) {
  setup.folio = setup.names.includes("folio") ? copyOfFolio(dir) : "";
  const tools = { dir, measure: await compileMeasure(dir) };
  const machine = machineFacts(setup);
  const benches = await prepare(setup, dir);
  for (let round = 1; round <= setup.runs; round++)
    for (const one of benches) {
      progress(`run ${round} of ${setup.runs}: ${one.kernel.name} (${one.abi})`);
      repeat(one, one.columns, one.samples, tools, setup.timeout);
    }
  progress("");
  const rows = benches.map((one) => summarise(one.kernel, one.abi, one.amount, one.samples));
  const samples = benches.map(({ kernel, abi, samples }) => ({ kernel: kernel.name, abi, samples }));
  return { version: 1, machine, names: setup.names, abis: setup.abis, rows, samples };
}

async function furtherTables(options, setup, dir) {
  setup.folio = copyOfFolio(dir);
  const tools = { dir, measure: await compileMeasure(dir) };
  const folio = [setup.node, setup.folio, "run", ...setup.folioOptions];
  const facts = machineFacts(setup).map(([key, value]) => `${key}: ${value}`);
  const tables = [facts.join("\n")];
  if (options["never-hot"]) tables.push(neverHot({ tools, folio, dir, timeout: setup.timeout, scale: setup.scale }));
  if (options["work-cost"]) {
    const benches = await prepare({ ...setup, kernels: setup.kernels.filter(({ group }) => group !== "program") }, dir);
    tables.push(workCost({ tools, folio, benches, timeout: setup.timeout, progress }));
  }
  progress("");
  process.stdout.write(`${tables.join("\n\n")}\n`);
}

function setupFrom(options) {
  const all = [allKernels(), allPrograms()];
  const [ofKernels, ofPrograms] = all.map((some) => some.map(({ name }) => name));
  const kernels = all.flat();
  const names = choose(options.kernels, [...ofKernels, ...ofPrograms], "kernel or program", {
    kernels: ofKernels,
    programs: ofPrograms,
  });
  return {
    kernels: kernels.filter((kernel) => names.includes(kernel.name)),
    abis: choose(options.abis, ABIS, "ABI"),
    names: choose(options.columns, ["native", "qemu", "folio"], "column"),
    runs: Math.ceil(positive(options.runs, options.quick ? 3 : 5, "runs")),
    scale: positive(options.scale, options.quick ? 0.1 : 1, "scale"),
    timeout: positive(options.timeout, 300, "timeout"),
    node: options.node === undefined ? process.execPath : resolve(options.node),
    folioOptions: options["folio-options"]?.split(" ").filter((word) => word !== "") ?? [],
    json: resolve(options.json ?? join(root, "dist/bench.json")),
  };
}

function writeJson(result, file) {
  mkdirSync(dirname(file), { recursive: true });
  const geometricMeans = result.abis.flatMap((abi) => means(result.rows, abi));
  writeFileSync(file, `${JSON.stringify({ ...result, geometricMeans }, null, 1)}\n`);
}

/** What is published of a run: everything but the samples. */
function publish({ samples: _, geometricMeans: __, ...result }) {
  writeFileSync(join(root, "docs/bench.json"), `${JSON.stringify(result, null, 1)}\n`);
  writeFileSync(join(root, "docs/bench.svg"), chart(result));
  const file = join(root, "docs/performance.md");
  writeFileSync(file, withTables(readFileSync(file, "utf8"), result));
}

async function main() {
  const options = parse();
  if (options.help) return process.stdout.write(HELP);
  const setup = setupFrom(options);
  if (options.list) return process.stdout.write(`${setup.kernels.map((kernel) => kernel.name).join("\n")}\n`);
  if (options.from !== undefined) {
    const earlier = JSON.parse(readFileSync(options.from, "utf8"));
    if (options.publish) publish(earlier);
    return process.stdout.write(text(earlier));
  }
  const dir = mkdtempSync(join(tmpdir(), "folio-bench-"));
  try {
    if (options["work-cost"] || options["never-hot"]) return await furtherTables(options, setup, dir);
    const result = await bench(setup, dir);
    writeJson(result, setup.json);
    if (options.publish) publish(result);
    process.stdout.write(text(result));
    if (failuresOf(result.rows).length > 0) process.exitCode = 1;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Usage) && error.code?.startsWith?.("ERR_PARSE_ARGS") !== true) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 125;
}
