/** The queues of the scheduler and of the timers: order, and thousands of entries in a moment. */
import { expect, test } from "vitest";
import { RunQueue } from "../../src/kernel/run-queue.ts";
import type { Task } from "../../src/kernel/task.ts";
import { TimerQueue } from "../../src/kernel/timers.ts";
import { seededRandom } from "../support/random.ts";

test("timers expire by time, then by age; cancelled ones never", () => {
  const below = seededRandom("timers");
  const queue = new TimerQueue();
  const expired: number[] = [];
  const timers = Array.from({ length: 5000 }, (_, id) => {
    const deadline = below(500);
    return { id, deadline, cancel: queue.add(deadline, () => expired.push(id)) };
  });
  const cancelled = new Set(timers.filter(() => below(3) === 0).map(({ id }) => id));
  for (const id of cancelled) {
    timers[id].cancel();
    timers[id].cancel();
  }
  const left = timers.filter(({ id }) => !cancelled.has(id)).sort((a, b) => a.deadline - b.deadline || a.id - b.id);
  expect(queue.nextNs).toBe(left[0].deadline);
  for (let now = 0; now <= 500; now += 7) {
    queue.runDue(now);
    expect(expired).toEqual(left.filter(({ deadline }) => deadline <= now).map(({ id }) => id));
  }
  queue.runDue(500);
  expect(queue.nextNs).toBe(Number.POSITIVE_INFINITY);
});

test("runnable tasks take turns", () => {
  const queue = new RunQueue();
  const [a, b, c] = ["a", "b", "c"].map((comm) => ({ comm }) as Task);
  for (const task of [a, b, c, a]) queue.add(task);
  queue.rotate();
  expect(queue.first).toBe(b);
  expect(queue.remove(c)).toBe(false);
  expect(queue.remove(c)).toBe(false);
  expect(queue.remove(b)).toBe(true);
  expect(queue.first).toBe(a);
  queue.rotate();
  expect(queue.remove(a)).toBe(true);
  expect(queue.first).toBeUndefined();
});
