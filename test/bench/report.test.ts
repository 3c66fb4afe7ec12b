/** Figures of `npm run bench`: start-up is taken off, a wrong checksum is a failure, means are geometric; what is published. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratchDirectory } from "../support/native.ts";
// @ts-expect-error plain Node module without types
import { chart } from "./chart.mjs";
// @ts-expect-error plain Node module without types
import { writeNeverHot } from "./never-hot.mjs";
// @ts-expect-error plain Node module without types
import { allPrograms, Data } from "./programs.mjs";
// @ts-expect-error plain Node module without types
import { failuresOf, geometricMean, means, median, summarise, table, text, withTables } from "./report.mjs";

const kernel = { name: "fib", group: "integer" };

function column(work: number[], start: number[], output = "1234") {
  const sample = (cpu: number) => ({ cpu, wall: cpu, peak: 1024, output });
  return { work: work.map(sample), start: start.map(sample) };
}

describe("figures of a kernel", () => {
  it("are medians less the median start-up", () => {
    const row = summarise(kernel, "amd64", 10, {
      native: column([1.01, 3, 1.01], [0.01, 0.01, 0.01]),
      qemu: column([4.1, 4.1, 4.1], [0.1, 0.1, 0.1]),
      folio: column([2.5, 2.5, 9], [0.5, 0.5, 0.7]),
    });
    expect(row.columns.native.seconds).toBeCloseTo(1);
    expect(row.ratios.folioToQemu).toBeCloseTo(0.5);
    expect(row.ratios.folioToNative).toBeCloseTo(2);
    expect(row.ratios.qemuToNative).toBeCloseTo(4);
    expect(failuresOf([row])).toEqual([]);
  });

  it("are refused for a checksum that differs from native's", () => {
    const row = summarise(kernel, "amd64", 10, { native: column([1], [0]), folio: column([1], [0], "1235") });
    expect(row.columns.folio.failure).toContain("1235");
    expect(row.ratios.folioToNative).toBeUndefined();
    expect(failuresOf([row])).toHaveLength(1);
  });

  it("are refused for a run that failed, and for checksums that change", () => {
    const changing = { work: [...column([1], [0]).work, ...column([1], [0], "9").work], start: column([1], [0]).start };
    const failing = { work: [{ failure: "no end after 5 s" }], start: [] };
    const row = summarise(kernel, "amd64", 10, { native: column([1], [0]), qemu: failing, folio: changing });
    expect(row.columns.qemu.failure).toBe("no end after 5 s");
    expect(row.columns.folio.failure).toContain("9");
  });
});

describe("means", () => {
  it("are geometric and keep x87 and system calls out of compute", () => {
    const row = (name: string, group: string, folio: number) =>
      summarise({ name, group }, "i386", 1, { native: column([1], [0]), folio: column([folio], [0]) });
    const all = means(
      [row("a", "integer", 2), row("b", "float", 8), row("c", "x87", 100), row("d", "system", 50)],
      "i386",
    );
    const compute = all.find((one: { mean: string }) => one.mean === "compute");
    expect(compute.folioToNative).toBeCloseTo(4);
    expect(compute.kernels).toBe(2);
  });

  it("agree with hand-made ones", () => {
    expect(geometricMean([2, 8])).toBeCloseTo(4);
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});

it("a table has aligned columns", () => {
  const lines = table(["kernel", "s"], [["fib", "1.25"]]).split("\n");
  expect(new Set(lines.map((line: string) => line.length)).size).toBe(1);
});

const machine = [["machine", "a < b"]];
const columns = (folio: number) => ({
  native: column([1], [0]),
  qemu: column([4.5], [0.5]),
  folio: column([folio + 0.3], [0.3]),
});

describe("programs", () => {
  const names = ["native", "qemu", "folio"];
  const rows = [
    summarise(kernel, "amd64", 10, columns(2)),
    summarise({ name: "a<b", group: "program" }, "amd64", 10, columns(8)),
  ];

  it("have tables of their own, with start-up and memory", () => {
    const report: string = text({ machine, names, abis: ["amd64"], rows });
    const [, programs] = report.split(/^\| programs /m);
    expect(programs).toMatch(/\| a<b +\| +1\.000 \| +4\.000 \| +8\.000 \| +2\.00 \| +8\.00 \|/);
    expect(programs).toMatch(/geometric mean, programs \(1\)/);
    expect(programs).toMatch(/\| a<b +\| +0 \| +500 \| +300 \|/);
    expect(report).toMatch(/geometric mean, compute \(1\) *\|[ |]*0\.50 /);
  });

  it("read the same data each time, of the size that was asked for", () => {
    const data = new Data(scratchDirectory());
    const file: string = data.text(5000);
    expect(readFileSync(file)).toHaveLength(5000);
    expect(data.text(5000)).toBe(file);
    for (const { args } of allPrograms())
      expect(args(data, 0).every((one: unknown) => typeof one === "string")).toBe(true);
  });

  it("are in the chart, whose bars are as long as the logarithm says", () => {
    const svg: string = chart({ names, abis: ["amd64"], rows });
    expect(svg.match(/a&lt;b/g)).toHaveLength(1);
    const widths = [...svg.matchAll(/<rect x="118" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
    // folio and qemu: 2 and 4 times native's time, then 8 and 4
    expect(widths).toHaveLength(4);
    expect(widths[1] / widths[0]).toBeCloseTo(2, 1);
    expect(widths[2] / widths[0]).toBeCloseTo(3, 1);
  });
});

it("the published tables and the chart are those of docs/bench.json", () => {
  const docs = join(import.meta.dirname, "../../docs");
  const read = (name: string) => readFileSync(join(docs, name), "utf8");
  const result = JSON.parse(read("bench.json"));
  expect(failuresOf(result.rows)).toEqual([]);
  expect(read("bench.svg")).toBe(chart(result));
  expect(read("performance.md")).toBe(withTables(read("performance.md"), result));
});

it.runIf(process.platform === "linux" && process.arch === "x64")(
  "code that never gets hot is executed to its end",
  () => {
    const file = join(scratchDirectory(), "never-hot");
    writeNeverHot(file, 20_000);
    const outputs = [1, 2].map(() => execFileSync(file));
    expect(outputs[0]).toHaveLength(8);
    expect(outputs[1]).toEqual(outputs[0]);
  },
);
