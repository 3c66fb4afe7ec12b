/** Loads real programs and compares memory and stack with a native run under `setarch -R`. */
import { execFileSync } from "node:child_process";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { AT_ENTRY, AT_HWCAP, AT_HWCAP2, AT_MINSIGSTKSZ, AT_NULL, AT_RANDOM, AT_SYSINFO } from "../../src/abi/auxv.ts";
import { isLoadFailure } from "../../src/loader/exec-file.ts";
import { type LoadedProgram, loadProgram } from "../../src/loader/load.ts";
import { planExec } from "../../src/loader/plan.ts";
import { drawRandom } from "../../src/loader/random-draws.ts";
import { VdsoPages } from "../../src/loader/vdso/vdso.ts";
import { AddressSpace } from "../../src/mm/address-space.ts";
import { cpuidLeaf1Edx, hwcap2, minSigStackSize, x86_64 } from "../../src/profiles/cpu-model.ts";
import { linux618 } from "../../src/profiles/generations/linux-6.18.ts";
import { layoutOf } from "../../src/profiles/kernel-generation.ts";
import { mapsText } from "../../src/report/format/maps.ts";
import { snapshotMemory } from "../../src/report/model/memory.ts";
import { hostOpener } from "../support/exec-file.ts";
import { compileC, hasTool, scratchDirectory } from "../support/native.ts";
import { physicalMemory } from "../support/physical.ts";
import { seededBytes } from "../support/random.ts";

const RAM = 64 * 1024 * 1024;

interface Loaded {
  readonly mm: AddressSpace;
  readonly program: LoadedProgram;
}

function load(file: string, argv: readonly string[], envp: readonly string[]): Loaded {
  const phys = physicalMemory(RAM);
  const generation = linux618;
  const plan = planExec({
    open: hostOpener(phys),
    filename: file,
    argv,
    envp,
    generation,
    stackLimit: 8 * 1024 * 1024,
  });
  if (isLoadFailure(plan)) throw new Error(plan.reason);
  const mm = new AddressSpace(phys, generation, plan.abi);
  const program = loadProgram(mm, plan, {
    draws: drawRandom(seededBytes("draws"), layoutOf(generation, plan.abi), false),
    identity: { uid: 0, euid: 0, gid: 0, egid: 0, secure: false },
    cpu: { hwcap: cpuidLeaf1Edx(x86_64), hwcap2: hwcap2(x86_64), minSigStackSize: minSigStackSize(x86_64) },
    vdso: new VdsoPages(phys, generation),
  });
  if (isLoadFailure(program)) throw new Error(program.reason);
  return { mm, program };
}

/** Prints maps at the entry of main, then everything from argc to the end of the stack. */
const DUMP = String.raw`
#include <fcntl.h>
#include <unistd.h>
int main (int argc, char** argv) {
    char text[16384];
    int fd = open ("/proc/self/maps", O_RDONLY), n;
    char* at = (char*) (argv - 1);
    while ((n = read (fd, text, sizeof text)) > 0) write (1, text, n);
    write (1, "\n", 1);
    while (((unsigned long) at & 4095) != 0 || at == (char*) (argv - 1)) { if (write (1, at, 1) != 1) return 1; at++; }
    while (write (1, at, 4096) == 4096) at += 4096;
    return 0;
}
`;

const ARGV = ["./dump", "eins", "zwei drei", ""];
const ENVP = ["A=1", "LANG=C", `LONG=${"x".repeat(5000)}`];

interface NativeDump {
  readonly maps: readonly string[];
  readonly stack: Buffer;
}

function nativeDump(file: string): NativeDump {
  const directory = path.dirname(file);
  const env = Object.fromEntries(ENVP.map((text) => text.split("=")));
  const out = execFileSync("setarch", ["-R", `./${path.basename(file)}`, ...ARGV.slice(1)], { cwd: directory, env });
  const end = out.indexOf("\n\n");
  return { maps: out.subarray(0, end).toString("latin1").split("\n"), stack: out.subarray(end + 2) };
}

interface AuxPosition {
  readonly tag: number;
  readonly at: number;
}

/** Positions of the auxiliary vector's values in a stack image that starts with argc. */
function auxPositions(stack: Uint8Array, wordSize: 4 | 8): AuxPosition[] {
  const view = new DataView(stack.buffer, stack.byteOffset, stack.length);
  const word = (at: number): number => view.getUint32(at, true);
  let at = (word(0) + 2) * wordSize;
  while (word(at) !== 0) at += wordSize;
  const positions: AuxPosition[] = [];
  for (at += wordSize; word(at) !== AT_NULL; at += 2 * wordSize) positions.push({ tag: word(at), at: at + wordSize });
  return positions;
}

/** Mapping lines without those that start-up code adds or changes: heap, TLS, libc, permissions after RELRO. */
function fixedPart(lines: readonly string[], program: string): string[] {
  return lines.filter((line) => new RegExp(`${program}|/ld-|ld-linux|\\[(vvar|vdso|stack|vsyscall)`).test(line));
}

const KINDS = [
  ["amd64 static", ["-static", "-no-pie"], 8],
  ["amd64 dynamic", ["-no-pie"], 8],
  ["amd64 PIE", ["-pie", "-fPIE"], 8],
  ["amd64 static PIE", ["-static-pie", "-fPIE"], 8],
  ["i386 static", ["-m32", "-static", "-no-pie"], 4],
  ["i386 dynamic", ["-m32", "-no-pie"], 4],
  ["i386 PIE", ["-m32", "-pie", "-fPIE"], 4],
  ["i386 static PIE", ["-m32", "-static-pie", "-fPIE"], 4],
] as const;

const usable = process.platform === "linux" && process.arch === "x64" && hasTool("gcc") && hasTool("setarch");
const onLinux618 = usable && /^6\.18\./.test(execFileSync("uname", ["-r"], { encoding: "latin1" }));

describe.skipIf(!onLinux618)("against a native run on Linux 6.18", () => {
  const directory = usable ? scratchDirectory() : "";
  it.each(KINDS)("%s", (kind, flags, wordSize) => {
    const file = compileC(DUMP, path.join(directory, "dump"), ...flags);
    expect(file, `gcc cannot build ${kind}`).toBeDefined();
    if (file === undefined) return;
    const real = nativeDump(file);
    const previous = process.cwd();
    process.chdir(directory);
    const { mm, program } = load("./dump", ARGV, ENVP);
    process.chdir(previous);

    const stackEnd = mm.layout.taskSize;
    const ours = new Uint8Array(stackEnd - program.sp);
    expect(mm.read(program.sp, ours)).toBe(0);
    expect(ours.length).toBe(real.stack.length);

    // The random bytes, and what the CPU decides, differ; the vdso's own symbols lie elsewhere.
    const expected = Uint8Array.from(real.stack);
    for (const { tag, at } of auxPositions(ours, wordSize)) {
      if (tag === AT_MINSIGSTKSZ || tag === AT_HWCAP || tag === AT_HWCAP2 || tag === AT_SYSINFO) {
        expected.set(ours.subarray(at, at + wordSize), at);
      }
      if (tag === AT_RANDOM) {
        const view = new DataView(ours.buffer);
        const address = view.getUint32(at, true) + (wordSize === 8 ? view.getUint32(at + 4, true) * 2 ** 32 : 0);
        expected.set(ours.subarray(address - program.sp, address - program.sp + 16), address - program.sp);
      }
    }
    expect(Buffer.from(ours).toString("latin1")).toBe(Buffer.from(expected).toString("latin1"));
    expect(auxPositions(ours, wordSize)).toEqual(auxPositions(real.stack, wordSize));

    const lines = mapsText(snapshotMemory(mm, 1, "dump")).split("\n");
    const spans = (text: readonly string[]): string[] => {
      // First and last address of each file: RELRO splits mappings, their outline stays.
      const outline = new Map<string, string[]>();
      for (const line of fixedPart(text, path.join(directory, "dump"))) {
        const name = line.slice(73) || line;
        const [start, end] = line.split(" ")[0].split("-");
        outline.set(name, [outline.get(name)?.[0] ?? start, end]);
      }
      return [...outline].map(([name, range]) => `${range.join("-")} ${name}`);
    };
    expect(spans(lines)).toEqual(spans(real.maps));
    expect(program.auxv.length % (2 * wordSize)).toBe(0);
  });
});

describe("registers at entry", () => {
  it.skipIf(!onLinux618 || !hasTool("gdb"))("are what gdb sees at the first instruction", () => {
    const directory = scratchDirectory();
    const file = compileC("int main () { return 0; }", path.join(directory, "empty"), "-pie", "-fPIE");
    if (file === undefined) throw new Error("gcc failed");
    const script = [
      "-nx",
      "-batch",
      "-ex",
      "unset env",
      "-ex",
      "starti",
      "-ex",
      "info registers rip rsp",
      "-ex",
      "info auxv",
      file,
    ];
    const text = execFileSync("gdb", script, {
      encoding: "latin1",
      stdio: ["ignore", "pipe", "ignore"],
      env: { PATH: process.env.PATH ?? "" },
    });
    const rip = parseInt(text.match(/^rip +0x([0-9a-f]+)/m)?.[1] ?? "", 16);
    const entry = parseInt(text.match(new RegExp(`^${AT_ENTRY} .* 0x([0-9a-f]+)`, "m"))?.[1] ?? "", 16);
    const { program } = load(file, [file], ["LINES=1", "COLUMNS=1"]);
    expect(program.entry).toBe(rip);
    const view = new DataView(program.auxv.buffer);
    const values = new Map<number, number>();
    for (let at = 0; at < program.auxv.length; at += 16) {
      values.set(view.getUint32(at, true), view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * 2 ** 32);
    }
    expect(values.get(AT_ENTRY)).toBe(entry);
    expect(program.sp % 16).toBe(0);
  });
});
