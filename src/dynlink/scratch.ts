/** The stack below the linker's caller, for what it hands to system calls: path names, buffers, structures. */
import type { LinkMemory } from "./memory.ts";

/** Bytes below the stack pointer; more than a file buffer, struct stat and a path. */
export const SCRATCH_BYTES = 8192;

export class Scratch {
  readonly memory: LinkMemory;
  readonly #start: number;
  #at = 0;

  /** `sp` is the stack pointer of the linker's code; the area lies above it. */
  constructor(memory: LinkMemory, sp: number) {
    this.memory = memory;
    this.#start = sp;
  }

  /** Room until the next `reset`. */
  take(bytes: number): number {
    const at = this.#start + this.#at;
    this.#at += Math.ceil(bytes / 16) * 16;
    return at;
  }

  text(text: string): number {
    const at = this.take(text.length + 1);
    this.memory.setText(at, text);
    return at;
  }

  reset(): void {
    this.#at = 0;
  }
}
