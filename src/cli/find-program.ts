/** Finds the program that the user names: in the sysroot, on the PATH, or as a host file outside the sysroot. */
import * as fs from "node:fs";
import * as path from "node:path";
import { UsageError } from "../base/errors.ts";
import { binary } from "./machine-options.ts";

export interface FoundProgram {
  /** What execve is called with (AT_EXECFN), absolute or relative to `cwd`; a binary string. */
  readonly guestPath: string;
  /** Guest directory; a binary string. */
  readonly cwd: string;
  /** A host file outside the sysroot that must be shown to the guest at the same path. */
  readonly expose: string | undefined;
}

function isInside(sysroot: string, file: string): boolean {
  return sysroot === "/" || file === sysroot || file.startsWith(`${sysroot}/`);
}

function exists(file: string): boolean {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** stat(2); undefined if the file cannot be reached, for whatever reason: the guest's own open says which. */
function statOf(file: string): fs.Stats | undefined {
  try {
    return fs.statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function presentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    throw new UsageError("the working directory is no longer there");
  }
}

/** The directory that the program starts in: --cwd, or the present one where the guest has it. */
function guestCwd(sysroot: string | undefined, wanted: string | undefined): string {
  const cwd = path.posix.resolve("/", wanted ?? presentDirectory());
  if (sysroot === "/") return wanted === undefined ? cwd : path.resolve(wanted);
  return wanted !== undefined || (sysroot !== undefined && exists(sysroot + cwd)) ? cwd : "/";
}

/** Searches the guest's PATH, as execvp(3) does. */
function searchPath(name: string, sysroot: string, searched: string): string | undefined {
  for (const directory of searched.split(":")) {
    const candidate = path.posix.join(directory === "" ? "." : directory, name);
    const host = sysroot === "/" ? candidate : sysroot + path.posix.resolve("/", candidate);
    const stat = statOf(host);
    if (stat?.isFile() && (stat.mode & 0o111) !== 0) return candidate;
  }
  return undefined;
}

/** `searched` is the PATH of the program's environment. */
export function findProgram(
  name: string,
  sysroot: string | undefined,
  cwd: string | undefined,
  searched: string,
): FoundProgram {
  if (statOf(name)?.isDirectory()) throw new UsageError(`${name}: is a directory`, 126);
  if (name === "") throw new UsageError("the program's name is empty", 127);
  const start = guestCwd(sysroot, cwd);
  if (!name.includes("/")) {
    const found = sysroot === undefined ? undefined : searchPath(name, sysroot, searched);
    if (found !== undefined) return { guestPath: binary(found), cwd: binary(start), expose: undefined };
    const hint = exists(name) ? `; write ./${name} for the one in this directory` : "";
    throw new UsageError(`${name}: not found on the PATH${hint}`, 127);
  }
  const absolute = path.isAbsolute(name);
  if (sysroot === "/") return { guestPath: binary(name), cwd: binary(start), expose: undefined };
  if (absolute && sysroot !== undefined && exists(sysroot + name)) {
    return { guestPath: binary(name), cwd: binary(start), expose: undefined };
  }
  const host = path.resolve(name);
  if (!exists(host)) throw new UsageError(`${name}: no such file`, 127);
  if (sysroot !== undefined && isInside(sysroot, host)) {
    return { guestPath: binary(host.slice(sysroot.length) || "/"), cwd: binary(start), expose: undefined };
  }
  return { guestPath: binary(host), cwd: binary(start), expose: host };
}
