/** A list of sleepers, as in the kernel (include/linux/wait.h): objects that may block own one, tasks wait on it. */
export class WaitQueue {
  readonly #wakers = new Set<() => void>();

  /** Registers `waker` until it is removed; it is called at every wake-up. Returns the remover. */
  add(waker: () => void): () => void {
    this.#wakers.add(waker);
    return () => this.#wakers.delete(waker);
  }

  get hasSleepers(): boolean {
    return this.#wakers.size > 0;
  }

  /** Wakes all sleepers; each looks again at what it waits for. */
  wake(): void {
    if (this.#wakers.size === 0) return;
    for (const waker of [...this.#wakers]) waker();
  }
}
