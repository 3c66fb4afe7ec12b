import type { Heap } from "./heap.ts";

/**
 * malloc_printerr. Up to 2.26 check_action decides: bits (v & 5) == 5 print the text alone, else bit 0 prints the whole
 * line; bit 1 aborts, with backtrace and memory map if something was printed (malloc.c:malloc_printerr, 2.11).
 * The arena's lock stays held across the abort, so that the message routine's own malloc opens a new arena.
 */
export function reportCorruption(heap: Heap, text: string, pointer: number, action = -1): void {
  const { m, at } = heap;
  if (heap.version.messages.report === "plain") {
    m.abort({ kind: "abort", style: heap.debugLibrary ? "bare" : "plain", text, backtrace: false });
  }
  const v = action < 0 ? m.int(at.checkAction) : action;
  const style = (v & 5) === 5 ? "plain" : (v & 1) !== 0 ? "detected" : "none";
  const digits = Math.floor(pointer)
    .toString(16)
    .padStart(2 * heap.W, "0");
  const line =
    style === "detected" ? `*** glibc detected *** ${heap.guest.programName()}: ${text}: 0x${digits} ***` : text;
  if ((v & 2) !== 0) {
    if (heap.held !== 0) m.setInt(heap.held + heap.state.mutex, 1);
    m.abort({ kind: "abort", style, text: style === "none" ? "" : line, backtrace: style !== "none" });
  }
  if (style !== "none") m.message(line, style);
}

/** assert(3) of the version; always fatal. */
export function assertFailed(heap: Heap, line: number, fn: string, expression: string): never {
  const { assertion } = heap.version.messages;
  let text: string;
  if (assertion === "old") {
    const name = heap.guest.programName();
    text = `${name.slice(name.lastIndexOf("/") + 1)}: malloc.c:${line}: ${fn}: Assertion \`${expression}' failed.`;
  } else if (assertion === "nameless") {
    text = `Fatal glibc error: malloc assertion failure in ${fn}: ${expression}`;
  } else {
    text = `Fatal glibc error: malloc.c:${line} (${fn}): assertion failed: ${expression}`;
  }
  return heap.m.abort({ kind: "abort", style: "assert", text, backtrace: false });
}
