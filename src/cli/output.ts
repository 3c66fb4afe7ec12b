/** Writing to the standard descriptors without process.stdout: synchronous and complete. */
import * as fs from "node:fs";
import { oneLine, UsageError } from "../base/errors.ts";

/** Status of a command whose reader has gone, as SIGPIPE would give it. */
const READER_GONE = 128 + 13;

/**
 * Writes all of `text` (a binary string, one byte per code unit) to `fd`. Ends folio if the reader is gone: nobody wants the
 * rest. UsageError if it cannot be written, for instance on a full disk.
 */
export function writeBinary(fd: number, text: string): void {
  const problem = writeAll(fd, Buffer.from(text, "latin1"));
  if (problem === "EPIPE") process.exit(READER_GONE);
  if (problem !== undefined) throw new UsageError(`cannot write the output: ${problem}`);
}

/** Writes one line of folio's own to stderr; where that is closed there is nobody to tell. */
export function complain(message: string): void {
  writeAll(2, Buffer.from(`folio: ${oneLine(message)}\n`, "utf8"));
}

/** Writes everything, or returns the error's name. */
function writeAll(fd: number, bytes: Uint8Array): string | undefined {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(fd, bytes, at);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      // A non-blocking terminal or pipe that is full: wait a little and go on.
      if (code !== "EAGAIN") return code;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  return undefined;
}
