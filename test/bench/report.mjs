/** From samples to figures, and from figures to text. */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function geometricMean(values) {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Half the distance between the fastest and the slowest run, as a part of the median: how far to trust a figure. */
export function spread(values) {
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values);
}

/**
 * Figures of one kernel from its samples by column. Start-up (the same binary with amount 0) is taken off the CPU time.
 * A column that fails, or whose checksum is not native's, has a `failure` and no figures.
 */
export function summarise(kernel, abi, amount, columns) {
  const row = { kernel: kernel.name, group: kernel.group, abi, amount, columns: {} };
  const expected = Object.hasOwn(columns, "native") ? outputsOf(columns.native.work) : undefined;
  for (const [name, { work, start }] of Object.entries(columns)) {
    const failed = [...work, ...start].find((sample) => sample.failure !== undefined);
    const outputs = outputsOf(work);
    if (failed !== undefined) row.columns[name] = { failure: failed.failure };
    else if (outputs.size !== 1 || (expected?.size === 1 && !expected.has([...outputs][0])))
      row.columns[name] = {
        failure: `checksum ${[...outputs].join(", ")}, native ${[...(expected ?? [])].join(", ")}`,
      };
    else row.columns[name] = figures(work, start);
  }
  row.ratios = ratios(row.columns);
  return row;
}

function outputsOf(samples) {
  return new Set(samples.map((sample) => sample.output));
}

function figures(work, start) {
  const cpu = work.map((sample) => sample.cpu);
  const startUp = median(start.map((sample) => sample.cpu));
  return {
    seconds: Math.max(median(cpu) - startUp, 0),
    spread: spread(cpu),
    startUp,
    startUpWall: median(start.map((sample) => sample.wall)),
    wall: median(work.map((sample) => sample.wall)),
    peak: Math.max(...work.map((sample) => sample.peak)),
    checksum: work[0].output,
  };
}

function ratios(columns) {
  const seconds = (name) => (columns[name]?.seconds > 0 ? columns[name].seconds : undefined);
  const [native, qemu, folio] = [seconds("native"), seconds("qemu"), seconds("folio")];
  return {
    folioToQemu: folio !== undefined && qemu !== undefined ? folio / qemu : undefined,
    folioToNative: folio !== undefined && native !== undefined ? folio / native : undefined,
    qemuToNative: qemu !== undefined && native !== undefined ? qemu / native : undefined,
  };
}

/** Which rows each mean is over; "compute" is what the CPU does, without x87 and without the kernel's work. */
const MEANS = {
  integer: ["integer"],
  "double, SIMD": ["float"],
  compute: ["integer", "float"],
  system: ["system"],
  programs: ["program"],
};

export function means(rows, abi) {
  const result = [];
  for (const [name, groups] of Object.entries(MEANS)) {
    const chosen = rows.filter((row) => row.abi === abi && groups.includes(row.group));
    const mean = (key) => {
      const values = chosen.map((row) => row.ratios[key]).filter((value) => value !== undefined);
      return values.length > 0 ? geometricMean(values) : undefined;
    };
    if (chosen.length > 0)
      result.push({
        abi,
        mean: name,
        kernels: chosen.length,
        folioToQemu: mean("folioToQemu"),
        folioToNative: mean("folioToNative"),
        qemuToNative: mean("qemuToNative"),
      });
  }
  return result;
}

/** A table in Markdown that also reads well on a terminal; the first column is text, the others are figures. */
export function table(header, rows) {
  const width = header.map((title, i) => Math.max(title.length, 3, ...rows.map((row) => row[i].length)));
  const line = (cells) =>
    `| ${cells.map((c, i) => (i === 0 ? c.padEnd(width[i]) : c.padStart(width[i]))).join(" | ")} |`;
  const rule = `| ${width.map((w, i) => (i === 0 ? "-".repeat(w) : `${"-".repeat(w - 1)}:`)).join(" | ")} |`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

function number(value, digits) {
  return value === undefined ? "" : value.toFixed(digits);
}

function ratio(value) {
  return value === undefined ? "" : value.toFixed(value < 10 ? 2 : 1);
}

function kernelRow(row, names) {
  const cells = names.map((name) => {
    const column = row.columns[name];
    if (column === undefined) return "";
    return column.failure !== undefined ? "failed" : number(column.seconds, 3);
  });
  const noise = Math.max(0, ...names.map((name) => row.columns[name]?.spread ?? 0));
  const { folioToQemu, folioToNative, qemuToNative } = row.ratios;
  return [
    row.kernel,
    ...cells,
    ratio(folioToQemu),
    ratio(folioToNative),
    ratio(qemuToNative),
    `${Math.round(noise * 100)} %`,
  ];
}

/** Start-up and memory are a matter of the column, not of the kernel: the median, and the greatest peak over native's. */
function overheads(rows, names) {
  return names.map((name) => {
    const good = rows.filter((row) => row.columns[name]?.seconds !== undefined);
    const extra = good
      .filter((row) => row.columns.native?.peak !== undefined)
      .map((row) => (row.columns[name].peak - row.columns.native.peak) / 1024);
    const startUp = good.map((row) => row.columns[name].startUp);
    const wall = good.map((row) => row.columns[name].startUpWall);
    return [
      name,
      startUp.length > 0 ? (median(startUp) * 1000).toFixed(1) : "",
      wall.length > 0 ? (median(wall) * 1000).toFixed(1) : "",
      extra.length > 0 ? median(extra).toFixed(0) : "",
      extra.length > 0 ? Math.max(...extra).toFixed(0) : "",
    ];
  });
}

/** The rows of one kind with their means. */
function timeTable(title, rows, names) {
  const body = rows.map((row) => kernelRow(row, names));
  for (const mean of means(rows, rows[0].abi)) {
    const figures = [mean.folioToQemu, mean.folioToNative, mean.qemuToNative].map(ratio);
    body.push([`geometric mean, ${mean.mean} (${mean.kernels})`, ...names.map(() => ""), ...figures, ""]);
  }
  const head = names.map((name) => `${name} s`);
  return table([title, ...head, "folio/qemu", "folio/native", "qemu/native", "spread"], body);
}

/** Of each program: CPU and wall time of a start without work, and peak memory at work less native's. */
function programOverheads(rows, names) {
  const figure = (row, name, value) => {
    const column = row.columns[name];
    return column?.seconds === undefined ? "" : value(column);
  };
  const others = names.filter((name) => name !== "native");
  const head = [
    ...names.map((name) => `${name} CPU ms`),
    ...names.map((name) => `${name} wall ms`),
    ...others.map((name) => `${name} MiB`),
  ];
  const body = rows.map((row) => [
    row.kernel,
    ...names.map((name) => figure(row, name, ({ startUp }) => (startUp * 1000).toFixed(0))),
    ...names.map((name) => figure(row, name, ({ startUpWall }) => (startUpWall * 1000).toFixed(0))),
    ...others.map((name) =>
      figure(row, name, ({ peak }) => figure(row, "native", (native) => ((peak - native.peak) / 1024).toFixed(0))),
    ),
  ]);
  return table([`start-up and memory`, ...head], body);
}

/** The tables, each as Markdown. */
function tables({ rows, names, abis }) {
  const parts = [];
  for (const abi of abis) {
    const mine = rows.filter((row) => row.abi === abi);
    const kernels = mine.filter((row) => row.group !== "program");
    const programs = mine.filter((row) => row.group === "program");
    if (kernels.length > 0) {
      parts.push(timeTable(abi, kernels, names));
      parts.push(table([`${abi} start-up`, "CPU ms", "wall ms", "memory MiB", "most MiB"], overheads(kernels, names)));
    }
    if (programs.length > 0) parts.push(timeTable("programs", programs, names), programOverheads(programs, names));
  }
  return parts;
}

const [BEGIN, END] = ["<!-- bench: npm run bench -- --publish -->", "<!-- end of bench -->"];

/** The document with the tables of `result` in place of those between its marks. */
export function withTables(document, result) {
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`the marks ${BEGIN} and ${END} are missing`);
  const machine = result.machine.map(([key, value]) => `- ${key}: ${value}`).join("\n");
  return `${document.slice(0, from)}${[BEGIN, machine, ...tables(result)].join("\n\n")}\n\n${document.slice(to)}`;
}

/** The whole report as text. */
export function text(result) {
  const { rows } = result;
  const parts = [result.machine.map(([key, value]) => `${key}: ${value}`).join("\n"), ...tables(result)];
  const failures = failuresOf(rows);
  if (failures.length > 0) parts.push(failures.join("\n"));
  return `${parts.join("\n\n")}\n`;
}

export function failuresOf(rows) {
  return rows.flatMap((row) =>
    Object.entries(row.columns)
      .filter(([, column]) => column.failure !== undefined)
      .map(([name, column]) => `${row.kernel} (${row.abi}), ${name}: ${column.failure}`),
  );
}
