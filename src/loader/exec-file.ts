/** What the loader needs of files, and how it fails. */
import { ENOEXEC } from "../abi/errno.ts";
import type { MappedFile } from "../mm/mappable.ts";

/** A file opened for execution (open_exec() of fs/exec.c). */
export interface ExecFile {
  /** Its absolute path in the guest, for messages. */
  readonly path: string;
  /** Bytes, now. */
  readonly size: number;
  readonly mapped: MappedFile;
  /** Reads up to `into.length` bytes at `offset`; the count (less at the end of the file) or -errno. */
  read(offset: number, into: Uint8Array): number;
}

/** Opens `path` for execution with the caller's rights: a file, or -errno (-ENOENT, -EACCES, -ELOOP…). */
export type OpenExec = (path: string) => ExecFile | number;

/** Why a program cannot be executed. */
export interface LoadFailure {
  /** Positive, as execve(2) reports it. */
  readonly errno: number;
  /** One line for the user, without the program's name. */
  readonly reason: string;
  /** The path of the interpreter that could not be opened. */
  readonly missingInterpreter?: string;
}

export function isLoadFailure(value: object): value is LoadFailure {
  return "errno" in value && "reason" in value;
}

export function failure(errno: number, reason: string): LoadFailure {
  return { errno, reason };
}

export function notExecutable(reason: string): LoadFailure {
  return failure(ENOEXEC, reason);
}

/** Reads exactly `length` bytes at `offset`; undefined if the file is shorter or unreadable. */
export function readExactly(file: ExecFile, offset: number, length: number): Uint8Array | undefined {
  if (!(offset <= Number.MAX_SAFE_INTEGER)) return undefined;
  const bytes = new Uint8Array(length);
  return file.read(offset, bytes) === length ? bytes : undefined;
}
