/** The runnable tasks in the order in which they will run: a linked list, since there may be thousands. */
import type { Task } from "./task.ts";

interface Entry {
  readonly task: Task;
  prev: Entry | undefined;
  next: Entry | undefined;
}

export class RunQueue {
  readonly #entries = new Map<Task, Entry>();
  #first: Entry | undefined;
  #last: Entry | undefined;

  get first(): Task | undefined {
    return this.#first?.task;
  }

  /** Appends a task that is not in the queue yet. */
  add(task: Task): void {
    if (this.#entries.has(task)) return;
    const entry: Entry = { task, prev: this.#last, next: undefined };
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#entries.set(task, entry);
  }

  /** Takes a task out; true if it was the first. */
  remove(task: Task): boolean {
    const entry = this.#entries.get(task);
    if (entry === undefined) return false;
    this.#entries.delete(task);
    const { prev, next } = entry;
    if (prev === undefined) this.#first = next;
    else prev.next = next;
    if (next === undefined) this.#last = prev;
    else next.prev = prev;
    return prev === undefined;
  }

  /** The first task becomes the last. */
  rotate(): void {
    const task = this.#first?.task;
    if (task === undefined || this.#first === this.#last) return;
    this.remove(task);
    this.add(task);
  }
}
