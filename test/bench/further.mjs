/** Two tables of their own: cost against work, and code that never becomes hot. */
import { join } from "node:path";
import { measure } from "./measure.mjs";
import { writeNeverHot } from "./never-hot.mjs";
import { table } from "./report.mjs";

/** Runs shorter than this do not count: start-up and compilation are too large a part. */
const LEAST_SECONDS = 5;
const TIMES = 10;
/** Bytes of code, at --scale 1. */
const NEVER_HOT_BYTES = 200e6;

/** CPU time of `amount` and of ten times that, whole processes, where the former takes at least five seconds. */
export function workCost({ tools, folio, benches, timeout, progress }) {
  const body = benches.map(({ kernel, abi, program, args, amount }) => {
    progress(`cost against work: ${kernel.name} (${abi})`);
    const name = `${kernel.name} (${abi})`;
    const run = (work) => measure(tools, [...folio, program, ...args(work)], timeout * TIMES);
    let work = amount;
    let once = run(work);
    // The first guess may be too short by far, and most of that start-up.
    for (let i = 0; i < 4 && once.failure === undefined && once.cpu < LEAST_SECONDS; i++) {
      work = Math.ceil(work * Math.min(20, Math.max(1.2, (1.1 * LEAST_SECONDS) / once.cpu)));
      once = run(work);
    }
    const more = once.failure === undefined ? run(work * TIMES) : once;
    if (more.failure !== undefined) return [name, "", "", `failed: ${more.failure}`];
    return [name, once.cpu.toFixed(2), more.cpu.toFixed(2), (more.cpu / once.cpu).toFixed(2)];
  });
  return table(["cost against work", "CPU s", `CPU s of ${TIMES} times that`, "ratio"], body);
}

/** Native, folio as it is, and its interpreter alone, on code that is executed once. */
export function neverHot({ tools, folio, dir, timeout, scale }) {
  const program = join(dir, "never-hot");
  writeNeverHot(program, NEVER_HOT_BYTES * scale);
  const columns = {
    native: [program],
    "folio --tier auto": [...folio, program],
    "folio --tier interp": [...folio, "--tier", "interp", program],
  };
  const samples = Object.entries(columns).map(([name, command]) => [name, measure(tools, command, timeout)]);
  const [[, native]] = samples;
  const body = samples.map(([name, sample]) => {
    if (sample.failure !== undefined) return [name, `failed: ${sample.failure}`, "", ""];
    if (sample.output !== native.output) return [name, `checksum ${sample.output}, native ${native.output}`, "", ""];
    const memory = ((sample.peak - (native.peak ?? 0)) / 1024).toFixed(0);
    return [name, sample.cpu.toFixed(2), sample.wall.toFixed(2), memory];
  });
  const title = `${Math.round((NEVER_HOT_BYTES * scale) / 1e6)} MB of code, each instruction once`;
  return table([title, "CPU s", "wall s", "memory MiB over native"], body);
}
