/** `--strace`: where the lines go. */
import * as fs from "node:fs";
import { TABLE_AMD64 } from "../../syscalls/table.amd64.ts";
import { TABLE_I386 } from "../../syscalls/table.i386.ts";
import { isSyscallName } from "../abi/unistd.ts";
import { UsageError } from "../base/errors.ts";
import { Strace } from "../debug/strace/strace.ts";
import { writeBinary } from "./output.ts";
import { fileProblem } from "./read-elf.ts";

/** `trace=open,close`, `trace=!read`, or without `trace=`: which calls are shown. */
function filterOf(expression: string): (name: string) => boolean {
  const text = expression.replace(/^trace=/, "");
  const negated = text.startsWith("!");
  const names = text.slice(negated ? 1 : 0).split(",");
  if (names.includes("all") || names.includes("none")) return () => names.includes("all") !== negated;
  for (const name of names) {
    if (!isSyscallName(name)) throw new UsageError(`-e ${expression}: invalid system call '${name}'`);
  }
  return (name) => names.includes(name) !== negated;
}

/** An observer that writes to stderr, or to `file`; `expression` is that of -e. */
export function straceTo(file: string | undefined, expression = "trace=all"): Strace {
  const traced = filterOf(expression);
  let fd = 2;
  try {
    if (file !== undefined) fd = fs.openSync(file, "w");
  } catch (error) {
    throw new UsageError(`--strace-output ${file}: ${fileProblem(error).message}`);
  }
  return new Strace({
    sink: (line) => writeBinary(fd, `${line}\n`),
    traced,
    tables: { amd64: TABLE_AMD64, i386: TABLE_I386 },
  });
}
