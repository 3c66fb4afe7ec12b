/** Waiting for the host's input. While somebody waits for it, sleeps take the host's time: the input comes in that time. */
import type { HostInput } from "../vfs/host-input.ts";
import type { Kernel } from "./kernel.ts";

/** How often running tasks let the kernel look whether input has come, and the longest pause between looks when all sleep. */
const LOOK_NS = 5_000_000;
const FIRST_PAUSE_NS = 200_000;

export class Outside {
  readonly #kernel: Kernel;
  #lookedNs = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  #awaited(): HostInput[] {
    return this.#kernel.vfs.context.inputs.filter(({ queue }) => queue.hasSleepers);
  }

  get isAwaited(): boolean {
    return this.#kernel.vfs.context.inputs.some(({ queue }) => queue.hasSleepers);
  }

  /** Tasks run: wakes those whose input came in the meantime. */
  look(): void {
    if (!this.isAwaited) return;
    const now = this.#kernel.host.clock.monotonicNs();
    if (now - this.#lookedNs < LOOK_NS) return;
    this.#lookedNs = now;
    this.#wakeReady(this.#awaited());
  }

  /** Every task sleeps: waits for input, until `deadlineNs` of the guest's clock (Infinity: for input only). */
  wait(deadlineNs: number): void {
    const inputs = this.#awaited();
    if (deadlineNs === Number.POSITIVE_INFINITY && inputs.length === 1) {
      inputs[0].wait();
      inputs[0].queue.wake();
      return;
    }
    const { clock, host } = this.#kernel;
    const from = clock.monotonicNs;
    const hostFrom = host.clock.monotonicNs();
    for (let pause = FIRST_PAUSE_NS; ; pause = Math.min(pause * 2, LOOK_NS)) {
      const came = this.#wakeReady(inputs);
      const passed = Math.min(host.clock.monotonicNs() - hostFrom, deadlineNs - from);
      if (came || from + passed >= deadlineNs) {
        if (deadlineNs !== Number.POSITIVE_INFINITY) clock.idleUntil(from + passed);
        return;
      }
      host.clock.sleepNs(Math.min(pause, deadlineNs - from - passed));
    }
  }

  #wakeReady(inputs: readonly HostInput[]): boolean {
    const ready = inputs.filter((input) => input.look() !== "nothing");
    for (const { queue } of ready) queue.wake();
    return ready.length > 0;
  }
}
