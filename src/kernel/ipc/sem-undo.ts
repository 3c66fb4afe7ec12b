/** What semop(2) with SEM_UNDO shall take back at exit (struct sem_undo_list); tasks may share a list (CLONE_SYSVSEM). */
import type { SemaphoreSet } from "./sem.ts";

export class SemUndoList {
  readonly #changes = new Map<SemaphoreSet, Int32Array>();
  #users = 1;

  share(): SemUndoList {
    this.#users++;
    return this;
  }

  /** A task leaves it; true for the last one. */
  leave(): boolean {
    return --this.#users === 0;
  }

  /** By semaphore of `set`, what will be added. */
  of(set: SemaphoreSet): Int32Array {
    let changes = this.#changes.get(set);
    if (changes === undefined) {
      changes = new Int32Array(set.count);
      this.#changes.set(set, changes);
    }
    return changes;
  }

  /** The semaphore was set to a value: there is nothing to take back any more. */
  forget(set: SemaphoreSet, number: number): void {
    const changes = this.#changes.get(set);
    if (changes !== undefined) changes[number] = 0;
  }

  /** The set was removed. */
  drop(set: SemaphoreSet): void {
    this.#changes.delete(set);
  }

  entries(): Iterable<[SemaphoreSet, Int32Array]> {
    return this.#changes;
  }
}
