// The lecture's slides, exact; and each of their scenes with every draw of the kernel shifted, by the rules.
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { createNodeHost } from "../../src/host-node/host.ts";
import { runScene, type SceneRun } from "../../src/machine/scene-run.ts";
import { playSlides, profileOf, viewText } from "../../src/machine/slides.ts";
import type { MappingSnapshot } from "../../src/report/model/memory.ts";
import { isShown } from "../../src/report/model/slides.ts";
import type { Scene, SlideStep } from "../../src/scenes/scene.ts";
import { SLIDES } from "../../src/scenes/slides.ts";
import { command, FIXTURES, FOLIO, fixture } from "../support/folio.ts";

const host = createNodeHost();
const PAGE = 4096;
const SECONDS = 1000;

function run(scene: Scene): SceneRun {
  const profile = profileOf(scene);
  return runScene(scene, profile, host, fixture(scene.program, profile.abi ?? "amd64"));
}

describe("folio slides", () => {
  const reports = playSlides(SLIDES, host, fixture);

  it.each(reports.filter(({ row }) => row < 20))("row $row: $title", ({ steps, verdict }) => {
    for (const { output, shows, status, expectedStatus } of steps) {
      if (!shows.includes("{")) expect(output).toBe(shows);
      if (expectedStatus !== undefined) expect(status).toBe(expectedStatus);
    }
    expect(verdict).toBe("exact");
  });

  it("leaves rows 20 to 24 open", () => {
    expect(reports.filter(({ verdict }) => verdict === "open").map(({ row }) => row)).toEqual([20, 21, 22, 23, 24]);
  });

  it("tells what differs", () => {
    expect(isShown("a: {address}\n", "a: 0x6cc010\n")).toBe(true);
    expect(isShown("a: {address}\n", "a: 6cc010\n")).toBe(false);
    expect(isShown("1\n{lines}9\n", "1\n2\n3\n9\n")).toBe(true);
    expect(isShown("1.\n", "12\n")).toBe(false);
  });
});

/** One of the draws, shifted. */
interface Shift {
  readonly name: string;
  readonly apply: (scene: Scene) => Scene;
  /** Pages by which mmap_base, stack, heap and ld.so.cache's mapping grow. */
  readonly mmap?: number;
  readonly stack?: number;
  readonly brk?: number;
  readonly cache?: number;
  readonly pid?: number;
}

const draws = (scene: Scene, change: Partial<Scene["draws"]>): Scene => ({
  ...scene,
  draws: { ...scene.draws, ...change },
});

const SHIFTS: readonly Shift[] = [
  {
    name: "mmap_base -3 pages",
    mmap: -3,
    apply: (scene) => draws(scene, { mmapPages: scene.draws.mmapPages + 3 }),
  },
  {
    name: "stack -5 pages",
    stack: -5,
    apply: (scene) => draws(scene, { stackTopPages: scene.draws.stackTopPages + 5 }),
  },
  {
    name: "brk +7 pages",
    brk: 7,
    apply: (scene) => draws(scene, { brkBytes: scene.draws.brkBytes + 7 * PAGE }),
  },
  {
    name: "ld.so.cache +8 KiB",
    cache: 2,
    apply: (scene) => ({ ...scene, ldSoCacheSize: (profileOf(scene).ldSoCacheSize ?? 0) + 8192 }),
  },
  { name: "PID +1234", pid: 1234, apply: (scene) => ({ ...scene, pid: scene.pid + 1234 }) },
];

/** What the rules need to know of the run before the shift. */
interface Layout {
  readonly is64: boolean;
  readonly mappings: readonly MappingSnapshot[];
  readonly stack: MappingSnapshot;
  readonly ldText: MappingSnapshot;
  readonly ldData: MappingSnapshot;
  /** Where ld.so.cache was mapped: below the 8 KiB that ld.so takes first, which lie below its data or (i386) the vdso. */
  readonly cacheStart: number;
  readonly vdsoPages: number;
  readonly startStack: number;
}

function layoutOf(scene: Scene, base: SceneRun): Layout {
  const mappings = base.memory?.mappings ?? [];
  const named = (part: string): MappingSnapshot[] => mappings.filter(({ name }) => name.includes(part));
  const [ldText, ldData] = named("/ld-");
  const [stack] = named("[stack]");
  const is64 = scene.machine === "ubu64";
  const first = is64 ? ldData.start : named("[vdso]")[0].start;
  const cache = Math.ceil((profileOf(scene).ldSoCacheSize ?? 0) / PAGE) * PAGE;
  const { vdsoPages } = scene.draws;
  const startStack = base.memory?.startStack ?? 0;
  return { is64, mappings, stack, ldText, ldData, cacheStart: first - 2 * PAGE - cache, vdsoPages, startStack };
}

/** The arena that a message of 2.11's malloc makes: at the lowest multiple of 64 MiB in 128 MiB below libc. */
const ARENA = 64 * 1024 * 1024;

/** Where an address (or the end of a mapping) of the base run lies behind the shift. */
function moved(address: number, shift: Shift, layout: Layout): number {
  const { is64, stack, ldText, ldData, cacheStart } = layout;
  const fixedEnd = is64 ? 0x0060_2000 : 0x0804_b000;
  if (address <= fixedEnd) return address;
  const low = is64 ? 0x7000_0000_0000 : 0xb000_0000;
  // The heap, and program addresses behind it that are none.
  if (address < low) return address + (shift.brk ?? 0) * PAGE;
  if (address >= stack.start - 1024 * PAGE) {
    const vdso = layout.mappings.find(({ name }) => name === "[vdso]");
    if (is64 && vdso !== undefined && address >= vdso.start) return address + movedVdso(shift, layout) * PAGE;
    return address + (shift.stack ?? 0) * PAGE;
  }
  const libc = layout.mappings.find(({ name }) => name.includes("/libc-"));
  // Its unused rest is inaccessible.
  const hasArena = layout.mappings.some(({ name, permissions }) => name === "" && permissions === "---p");
  const arena = libc === undefined ? 0 : Math.ceil((libc.start - 2 * ARENA) / ARENA) * ARENA;
  if (is64 && hasArena && address >= arena && address <= arena + ARENA) {
    const start = libc === undefined ? 0 : libc.start + (shift.mmap ?? 0) * PAGE;
    return address - arena + Math.ceil((start - 2 * ARENA) / ARENA) * ARENA;
  }
  let to = address + (shift.mmap ?? 0) * PAGE;
  // What was mapped after the cache and did not fit above it lies lower by as much as the cache has grown. On amd64 that is what
  // lies in the hole of ld.so; libc is larger than the hole.
  const below = is64 ? address > ldText.end && address <= cacheStart && address < ldData.start : address <= cacheStart;
  if (below) to -= (shift.cache ?? 0) * PAGE;
  return to;
}

/** Pages by which the vdso moves: with the stack, unless it is at the end of the stack's 2 MiB. */
function movedVdso(shift: Shift, layout: Layout): number {
  const place = (start: number): number => {
    const page = Math.floor(start / PAGE) * PAGE;
    const end = Math.ceil((start + PAGE) / 0x20_0000) * 0x20_0000 - PAGE;
    return Math.min(page + layout.vdsoPages * PAGE, end);
  };
  // mm->start_stack when the vdso is placed: the strings at the top of the stack, in its last page here.
  const strings = layout.stack.end - 1;
  return (place(strings + (shift.stack ?? 0) * PAGE) - place(strings)) / PAGE;
}

/** All addresses in a text moved: `0x…`, the ends of maps lines, the first column of pmap. */
function movedText(text: string, scene: Scene, shift: Shift, layout: Layout): string {
  const digits = scene.machine === "ubu64" ? 16 : 8;
  const hex = (value: string): string => moved(Number.parseInt(value, 16), shift, layout).toString(16);
  return text
    .replace(
      /\b0x([0-9a-f]+)/g,
      (_, value: string) => `0x${hex(value).padStart(value.startsWith("0") ? digits : 0, "0")}`,
    )
    .replace(
      /^([0-9a-f]{8,12})-([0-9a-f]{8,12}) /gm,
      (_, from: string, to: string) =>
        // 48 bits and the sign-extended vsyscall page do not move.
        `${hex(from).padStart(8, "0")}-${hex(to).padStart(8, "0")} `,
    )
    .replace(/^([0-9a-f]{8}|0000[0-9a-f]{12}) {2}/gm, (_, from: string) => `${hex(from).padStart(digits, "0")}  `)
    .replace(/^(\d+):( {3})/gm, (_, pid: string, blanks: string) => `${Number(pid) + (shift.pid ?? 0)}:${blanks}`);
}

const steps = SLIDES.flatMap(({ row, steps }) => steps.map((step) => ({ row, step }))).filter(
  ({ step }) => step.view !== "size",
);

describe.each(steps)("row $row, $step.command ($step.view)", ({ step }) => {
  const base = run(step.scene);
  const layout = layoutOf(step.scene, base);

  it.each(SHIFTS)(
    "$name",
    (shift) => {
      const scene = shift.apply(step.scene);
      const other = run(scene);
      expect(viewText({ ...step, scene }, other)).toBe(
        movedText(viewText(step as SlideStep, base), step.scene, shift, layout),
      );
      expect(other.status).toBe(base.status);
    },
    60 * SECONDS,
  );
});

describe("folio slides", () => {
  // Node refuses every other file: no /lib, no sysroot, no temporary directory.
  const [major] = process.versions.node.split(".").map(Number);
  const permission = major >= 24 ? "--permission" : "--experimental-permission";
  const readable = [dirname(FOLIO), FIXTURES, join(dirname(FOLIO), "../package.json")].map(
    (path) => `--allow-fs-read=${path.endsWith(".json") ? path : join(path, "/")}`,
  );

  it("reads nothing of the host but its own files", { timeout: 60 * SECONDS }, () => {
    const { status, stdout } = command(process.execPath, [permission, ...readable, FOLIO, "slides", "--json"]);
    const rows = JSON.parse(stdout).rows.map(({ row, verdict }: { row: number; verdict: string }) => [row, verdict]);
    expect(rows).toEqual(SLIDES.map(({ row }) => [row, row < 20 ? "exact" : "open"]));
    expect(status).toBe(0);
  });
});
