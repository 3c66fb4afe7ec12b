/** Reads host files for the commands that only look at them. */
import * as fs from "node:fs";
import { UsageError } from "../base/errors.ts";
import { type ElfImage, parseElf } from "../elf/image.ts";
import { isElfError } from "../elf/reader.ts";

/** One clear line for an error of node:fs. */
export function fileProblem(error: unknown): { message: string; status: 125 | 126 | 127 } {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT" || code === "ENOTDIR") return { message: "no such file", status: 127 };
  if (code === "EACCES" || code === "EPERM") return { message: "permission denied", status: 126 };
  if (code === "EISDIR") return { message: "is a directory", status: 126 };
  return { message: `cannot be read (${code || String(error)})`, status: 125 };
}

/** The parsed ELF file at `path`; UsageError if there is none. */
export function readElf(path: string): ElfImage {
  let bytes: Uint8Array;
  try {
    // Devices have no end.
    if (fs.statSync(path).isCharacterDevice()) throw new UsageError(`${path}: is a device`, 126);
    bytes = fs.readFileSync(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { message, status } = fileProblem(error);
    throw new UsageError(`${path}: ${message}`, status);
  }
  const image = parseElf(bytes);
  if (isElfError(image)) throw new UsageError(`${path}: ${image.error}`, 126);
  return image;
}
