/**
 * What comes in on a standard stream of the host. Where the host can tell whether something is there, the guest's tasks wait
 * for it as for a pipe of their own, and the other tasks go on.
 */
import { EAGAIN } from "../abi/errno.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import type { HostStdio } from "../host/host.ts";

export class HostInput {
  readonly queue = new WaitQueue();
  readonly #stdio: HostStdio;
  readonly #fd: number;
  /** Read ahead to see whether something is there: one byte, so that little is taken from whoever reads after the guest. */
  readonly #byte = new Uint8Array(1);
  #held: "nothing" | "byte" | "end" = "nothing";

  constructor(stdio: HostStdio, fd: number) {
    this.#stdio = stdio;
    this.#fd = fd;
  }

  /** As HostStdio.readNow: the count (0 at the end), -EAGAIN, another -errno, or undefined where the host cannot tell. */
  read(into: Uint8Array): number | undefined {
    const held = this.#held;
    if (held === "nothing" || into.length === 0) return this.#stdio.readNow?.(this.#fd, into);
    this.#held = "nothing";
    if (held === "end") return 0;
    into[0] = this.#byte[0];
    const more = into.length > 1 ? (this.#stdio.readNow?.(this.#fd, into.subarray(1)) ?? 0) : 0;
    // An end that a terminal tells is told once.
    if (more === 0 && into.length > 1) this.#held = "end";
    return 1 + Math.max(0, more);
  }

  /** What a read would find: errors count as data, as a read tells them. */
  look(): "nothing" | "data" | "end" {
    if (this.#held === "nothing") {
      const count = this.#stdio.readNow?.(this.#fd, this.#byte);
      if (count === -EAGAIN) return "nothing";
      if (count === 0) this.#held = "end";
      if (count === 1) this.#held = "byte";
    }
    return this.#held === "end" ? "end" : "data";
  }

  /** Waits, the whole of folio with it, until `look` has something to tell. */
  wait(): void {
    if (this.#held !== "nothing") return;
    const count = this.#stdio.read(this.#fd, this.#byte);
    this.#held = count === 1 ? "byte" : count === 0 ? "end" : "nothing";
  }
}
