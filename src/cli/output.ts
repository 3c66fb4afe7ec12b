/** Writing to the standard descriptors without process.stdout: synchronous, complete, and quiet about closed pipes. */
import * as fs from "node:fs";

/** Writes all of `text` (a binary string, one byte per code unit) to `fd`; false if the reader is gone. */
export function writeBinary(fd: number, text: string): boolean {
  return writeAll(fd, Buffer.from(text, "latin1"));
}

/** Writes one line of folio's own to stderr. */
export function complain(message: string): void {
  writeAll(2, Buffer.from(`folio: ${message.replaceAll("\n", " ")}\n`, "utf8"));
}

export function writeAll(fd: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(fd, bytes, at);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // A non-blocking terminal or pipe that is full: wait a little and go on.
      if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      else return false;
    }
  }
  return true;
}
