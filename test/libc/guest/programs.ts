/** The guest libc's test programs in two builds: on the machine's glibc, and on ours without folio (shim.c). */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { hasTool, scratchDirectory } from "../../support/native.ts";

export type Abi = "amd64" | "i386";

const sources = join(import.meta.dirname, "native");
const image = join(import.meta.dirname, "../../../src/libc/guest/image");

const TARGET = { amd64: { machine: "-m64" }, i386: { machine: "-m32" } } as const;

const FLAGS = [
  "-O1",
  "-std=gnu11",
  "-w",
  "-fno-builtin",
  "-fno-stack-protector",
  "-U_FORTIFY_SOURCE",
  "-D_FORTIFY_SOURCE=0",
];

/** Whether this machine can build for an ABI and run it. */
export function canBuild(abi: Abi): boolean {
  if (process.platform !== "linux" || !hasTool("gcc")) return false;
  const probe = spawnSync("gcc", [TARGET[abi].machine, "-x", "c", "-", "-o", "/dev/null"], {
    input: "#include <stdio.h>\nint main(void) { return 0; }",
  });
  return probe.status === 0;
}

export interface Builds {
  readonly real: string;
  readonly guest: string;
}

const directory = scratchDirectory();

/** There is no image of libm: the programs that need it take our object. */
function mathObjects(name: string, abi: Abi): string[] {
  return ["printf", "strtod", "math"].includes(name) ? [join(image, `libm.${abi}.o`)] : [];
}

export function build(name: string, abi: Abi): Builds {
  const { machine } = TARGET[abi];
  const out = join(directory, `${name}.${abi}`);
  const source = join(sources, `${name}.c`);
  const gcc = (...args: string[]): void => {
    execFileSync("gcc", [machine, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  };
  gcc(...FLAGS, source, "-o", `${out}.real`, "-lm");
  gcc(...FLAGS, "-fno-pic", "-c", source, "-o", `${out}.o`);
  gcc("-O1", "-w", "-fno-pic", "-fno-stack-protector", "-c", join(sources, "shim.c"), "-o", `${out}.shim.o`);
  const objects = [`${out}.shim.o`, join(image, `libc.${abi}.o`), ...mathObjects(name, abi)];
  const bare = ["-nostdlib", "-no-pie", "-Wl,-z,muldefs", "-Wl,--no-warn-execstack"];
  gcc(...bare, "-static", "-o", `${out}.guest`, `${out}.o`, ...objects);
  return { real: `${out}.real`, guest: `${out}.guest` };
}

export interface Outcome {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function runNative(program: string, args: readonly string[], input = ""): Outcome {
  const { status, signal, stdout, stderr } = spawnSync(program, args, {
    encoding: "latin1",
    input,
    argv0: "prog",
    maxBuffer: 1 << 28,
    env: { PATH: "/usr/bin:/bin" },
  });
  return { status, signal, stdout, stderr };
}
