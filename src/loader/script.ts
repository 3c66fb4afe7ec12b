/** `#!` lines, as fs/binfmt_script.c (5.1 and later) reads them. */
import { textOf } from "../host/text.ts";
import { type LoadFailure, notExecutable } from "./exec-file.ts";

/** The kernel looks at so many bytes of a file to tell what it is (BINPRM_BUF_SIZE). */
export const BINPRM_BUF_SIZE = 256;

export interface ScriptLine {
  readonly interpreter: string;
  /** Everything behind the interpreter's name, as one argument. */
  readonly argument: string | undefined;
}

function isBlank(char: string): boolean {
  return char === " " || char === "\t";
}

/**
 * The interpreter line of a script; undefined if `head` (the first bytes of the file, zero-padded to BINPRM_BUF_SIZE) does
 * not start with `#!`. An interpreter name that is cut off at the end of the buffer is not executed.
 */
export function parseScriptLine(head: Uint8Array): ScriptLine | undefined | LoadFailure {
  if (head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const text = textOf(head, 2, Math.min(head.length, BINPRM_BUF_SIZE));
  const newline = text.indexOf("\n");
  const cut = newline < 0 && text.length === BINPRM_BUF_SIZE - 2 && !text.includes("\0");
  let line = newline < 0 ? text : text.slice(0, newline);
  const nul = line.indexOf("\0");
  if (nul >= 0) line = line.slice(0, nul);
  let start = 0;
  while (start < line.length && isBlank(line[start])) start++;
  let end = line.length;
  while (end > start && isBlank(line[end - 1])) end--;
  if (start === end) return notExecutable("the #! line names no interpreter");
  let nameEnd = start;
  while (nameEnd < end && !isBlank(line[nameEnd])) nameEnd++;
  if (cut && nameEnd === line.length) return notExecutable("the #! line is longer than 256 bytes");
  let argument = nameEnd;
  while (argument < end && isBlank(line[argument])) argument++;
  return { interpreter: line.slice(start, nameEnd), argument: argument < end ? line.slice(argument, end) : undefined };
}
