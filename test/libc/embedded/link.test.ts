// Dynamic linking on the embedded libc as by the machine's ld.so: the same program and libraries, natively and in folio, with
// their messages and statuses; and what our libraries lack is said as ld.so says it.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { quadamd, ubu64 } from "../../../src/profiles/machines/lecture.ts";
import { programs } from "../../fixtures/programs.ts";
import { runFixture } from "../../support/fixture-run.ts";
import { command, folio } from "../../support/folio.ts";
import { scratchDirectory } from "../../support/native.ts";
import { type Abi, canBuild } from "../guest/programs.ts";

const sources = join(import.meta.dirname, "link");
const scratch = scratchDirectory();

/** Builds everything below `directory`: complete/, older/ (libraries without the newest function) and none/. */
function prepare(abi: Abi, directory: string): void {
  const gcc = (...args: string[]): void => {
    const { status, stderr } = spawnSync("gcc", [abi === "i386" ? "-m32" : "-m64", "-w", ...args], { cwd: directory });
    if (status !== 0) throw new Error(String(stderr));
  };
  const source = (name: string): string => join(sources, name);
  const file = (name: string, text: string): void => writeFileSync(join(directory, name), text);
  for (const name of ["complete", "older", "none"]) mkdirSync(join(directory, name), { recursive: true });
  const first = "LIBRARY_1 { global: lib_[vapo]*; lib_print; local: *; };";
  file("1.map", first);
  file("2.map", `${first} LIBRARY_2 { global: lib_newer; } LIBRARY_1;`);
  const shared = ["-shared", "-fPIC", source("library.c")];
  gcc(...shared, "-DNEWER", "-o", "complete/library.so");
  gcc(...shared, "-DNEWER", "-Wl,-soname,versions.so,--version-script=2.map", "-o", "complete/versions.so");
  gcc(...shared, "-o", "older/library.so");
  gcc(...shared, "-Wl,-soname,versions.so,--version-script=1.map", "-o", "older/versions.so");
  const program = (name: string, ...rest: string[]): void => {
    gcc("-fno-pie", "-no-pie", ...rest, "-Wl,-rpath,.", "-o", `complete/${name}`);
    for (const other of ["older", "none"])
      copyFileSync(join(directory, "complete", name), join(directory, other, name));
  };
  gcc(...shared, "-DNEWER", "-Wl,-soname,library.so", "-o", "library.so");
  program("plain", source("program.c"), "library.so", "-Wl,-z,lazy");
  program("bound", source("program.c"), "library.so", "-Wl,-z,now");
  program("versions", source("program.c"), "complete/versions.so", "-Wl,-z,lazy");
  program("lazy-sysv", source("program.c"), "complete/versions.so", "-Wl,-z,lazy", "-Wl,--hash-style=sysv");
  program("ifunc", source("ifunc.c"));
  gcc("-rdynamic", source("dlopen.c"), "-o", "complete/dlopen");
  gcc("-fpie", "-pie", source("program.c"), "complete/versions.so", "-Wl,-rpath,.", "-o", "complete/pie");
  writeFileSync(join(directory, "complete/dlopen.c.txt"), "no ELF file");
  // Libraries as they were: for linking only.
  const base = abi === "amd64" ? "GLIBC_2.2.5" : "GLIBC_2.0";
  const realTime = abi === "amd64" ? "GLIBC_2.2.5" : "GLIBC_2.2";
  const load = abi === "amd64" ? "GLIBC_2.2.5" : "GLIBC_2.1";
  const old = (soname: string, version: string, ...functions: string[]): void => {
    file("old.map", `${version} { global: ${functions.map((name) => `${name};`).join(" ")} };`);
    file("old.c", functions.map((name) => `void ${name} (void) {}`).join("\n"));
    gcc("-shared", "-fPIC", "-fno-builtin", "old.c", `-Wl,-soname,${soname},--version-script=old.map`, "-o", soname);
  };
  old("libpthread.so.0", base, "pthread_once", "pthread_mutex_trylock");
  old("librt.so.1", realTime, "clock_getres");
  old("libdl.so.2", load, "dlopen");
  const needed = ["-Wl,--no-as-needed", "./libpthread.so.0", "./librt.so.1", "./libdl.so.2", "-lm"];
  gcc("-fno-pie", "-no-pie", source("old-names.c"), ...needed, "-o", "complete/old-names");
  gcc("-fno-pie", "-no-pie", "-Wl,-z,lazy", source("lacking.c"), "-o", "complete/lacking");
  gcc("-fno-pie", "-no-pie", "-Wl,-z,now", source("lacking.c"), "-o", "complete/lacking-now");
}

const CASES: readonly (readonly [string, string, string, ...string[]])[] = [
  ["copies of variables, TLS, constructors", "complete", "plain"],
  ["a late symbol is found", "complete", "plain", "newer"],
  ["bound at once", "complete", "bound", "newer"],
  ["with versions", "complete", "versions", "newer"],
  ["with the old hash table alone", "complete", "lazy-sysv", "newer"],
  ["position independent", "complete", "pie", "newer"],
  ["IRELATIVE", "complete", "ifunc"],
  ["dlopen and its kin", "complete", "dlopen"],
  ["a missing symbol that is not called", "older", "plain"],
  ["a missing symbol that is called", "older", "plain", "newer"],
  ["a missing symbol, bound at once", "older", "bound"],
  ["a missing version", "older", "versions"],
  ["a missing library", "none", "plain"],
  ["old names of libraries", "complete", "old-names"],
];

describe.each(["amd64", "i386"] as const)("linking on the embedded libc, %s", (abi) => {
  const able = canBuild(abi);
  const directory = join(scratch, abi);
  if (able) prepare(abi, directory);
  const run = (place: string, args: readonly string[], ...options: string[]) =>
    folio(["run", "--libc", "embedded", "-E", "A=b", "-i", ...options, ...args], { cwd: join(directory, place) });

  it.skipIf(!able).each(CASES)("%s: %s %s %s", (_, place, name, ...args) => {
    const program = [`./${name}`, ...args.filter((arg) => arg !== undefined)];
    const native = command("env", ["-i", "A=b", ...program], { cwd: join(directory, place) });
    expect(run(place, program)).toEqual(native);
  });

  // ld.so would name it only when it is called: whoever misses it knows sooner this way.
  const libc = abi === "amd64" ? "GLIBC_2.2.5" : "GLIBC_2.0";
  it.skipIf(!able).each(["lacking", "lacking-now"])("a function that libc lacks is named at the start: %s", (name) => {
    const { status, stdout, stderr } = run("complete", [`./${name}`]);
    const message = `./${name}: symbol lookup error: ./${name}: undefined symbol: getaddrinfo, version ${libc}\n`;
    expect([status, stdout, stderr]).toEqual([127, "", message]);
  });
});

describe("a program of today on an old libc", () => {
  it.each([
    ["amd64-pie", ubu64, "/lib/libc.so.6"],
    ["i386-pie", quadamd, "/lib/i386-linux-gnu/libc.so.6"],
  ] as const)("asks for a version that it does not have: %s", (build, machine, library) => {
    const program = programs.find(({ name }) => name === "hello");
    if (program === undefined) throw new Error("no hello");
    const { status, stdout, stderr } = runFixture({ program, build, run: program.runs[0], embedded: machine });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(`./hello: ${library}: version \`GLIBC_2.34' not found (required by ./hello)\n`);
  });
});
