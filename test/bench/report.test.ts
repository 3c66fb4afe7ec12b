/** Figures of `npm run bench`: start-up is taken off, a wrong checksum is a failure, means are geometric. */
import { describe, expect, it } from "vitest";
// @ts-expect-error plain Node module without types
import { failuresOf, geometricMean, means, median, summarise, table } from "./report.mjs";

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
