/** `--strace`: where the lines go. */
import * as fs from "node:fs";
import { TABLE_AMD64 } from "../../syscalls/table.amd64.ts";
import { TABLE_I386 } from "../../syscalls/table.i386.ts";
import { UsageError } from "../base/errors.ts";
import { Strace } from "../debug/strace/strace.ts";
import { writeBinary } from "./output.ts";
import { fileProblem } from "./read-elf.ts";

/** An observer that writes to stderr, or to `file`. */
export function straceTo(file: string | undefined): Strace {
  let fd = 2;
  try {
    if (file !== undefined) fd = fs.openSync(file, "w");
  } catch (error) {
    throw new UsageError(`--strace-output ${file}: ${fileProblem(error).message}`);
  }
  return new Strace({
    sink: (line) => writeBinary(fd, `${line}\n`),
    tables: { amd64: TABLE_AMD64, i386: TABLE_I386 },
  });
}
