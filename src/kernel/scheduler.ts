/**
 * The scheduler: round robin with time slices of an exact number of instructions, so that a run is repeatable. One CPU.
 */
import { ExitReason } from "./cpu.ts";
import type { Kernel } from "./kernel.ts";
import { RunQueue } from "./run-queue.ts";
import type { Sampler } from "./sampler.ts";
import { prepareUserMode } from "./signal-delivery.ts";
import { enterSyscall } from "./syscall-entry.ts";
import type { Task } from "./task.ts";
import { raiseException } from "./task-faults.ts";
import { loadTls, segmentDescriptor } from "./task-tls.ts";
import { enterTrap } from "./traps.ts";

/** Why `run` came back. */
export type RunEnd = "exited" | "stopped" | "instruction-limit" | "deadlock";

export class Scheduler {
  /** Set before the machine runs. */
  sampler: Sampler | undefined;
  readonly #kernel: Kernel;
  /** Runnable tasks; the first one is next. */
  readonly #queue = new RunQueue();
  #current: Task | undefined;
  #sliceLeft = 0;
  #stopRequested = false;
  /** Instruction count at which the CPU was entered. */
  #runStart: number | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get current(): Task | undefined {
    return this.#current;
  }

  enqueue(task: Task): void {
    this.#queue.add(task);
  }

  dequeue(task: Task): void {
    if (this.#queue.remove(task)) this.#sliceLeft = 0;
  }

  /** Nanoseconds that the current task has run and that are not in its `userNs` yet. */
  get unaccountedNs(): number {
    return this.#runStart === undefined ? 0 : this.#kernel.cpu.instructions - this.#runStart;
  }

  /** sched_yield(2): the task goes to the end of the queue. */
  yield(): void {
    this.#rotate();
  }

  /** Makes `run` return "stopped" before the next instruction; observers call it. */
  requestStop(): void {
    this.#stopRequested = true;
  }

  /** Runs tasks until none is left, or until one of the other ends. */
  run(): RunEnd {
    const kernel = this.#kernel;
    for (;;) {
      kernel.timers.runDue(kernel.clock.monotonicNs);
      if (this.#stopRequested) {
        this.#stopRequested = false;
        return "stopped";
      }
      const task = this.#queue.first;
      if (task === undefined) {
        if (kernel.groups.size === 0) return "exited";
        const next = kernel.timers.nextNs;
        if (kernel.outside.isAwaited) kernel.outside.wait(next);
        else if (next === Number.POSITIVE_INFINITY) return "deadlock";
        else kernel.clock.idleUntil(next);
        continue;
      }
      this.switchTo(task);
      if (!this.#enterUserMode(task)) continue;
      if (kernel.cpu.instructions >= kernel.config.maxInstructions) return "instruction-limit";
      this.#runTask(task);
    }
  }

  /** Finishes what the task was doing in the kernel; false if it does not go on to user mode now. */
  #enterUserMode(task: Task): boolean {
    const { resumption } = task;
    if (resumption !== undefined) {
      task.resumption = undefined;
      resumption();
      return false;
    }
    return prepareUserMode(task);
  }

  #runTask(task: Task): void {
    const { cpu, clock, timers, config } = this.#kernel;
    if (this.#sliceLeft <= 0) this.#sliceLeft = config.sliceInstructions;
    const before = cpu.instructions;
    const budget = Math.min(this.#sliceLeft, clock.budgetUntil(timers.nextNs), config.maxInstructions - before);
    const { sampler } = this;
    const untilSample = sampler?.enter(task) ?? Number.POSITIVE_INFINITY;
    this.#runStart = before;
    const reason = untilSample < budget ? cpu.run(untilSample, true) : cpu.run(budget);
    this.#runStart = undefined;
    const ran = cpu.instructions - before;
    task.userNs += ran;
    this.#sliceLeft -= ran;
    sampler?.leave(task, ran, untilSample < budget && reason === ExitReason.budget);
    this.#handleExit(task, reason);
    if (this.#sliceLeft > 0) return;
    this.#rotate();
    this.#kernel.outside.look();
  }

  #handleExit(task: Task, reason: ExitReason): void {
    switch (reason) {
      case ExitReason.budget:
        return;
      case ExitReason.syscall:
        return enterSyscall(task, "amd64");
      case ExitReason.int80:
      case ExitReason.sysenter:
        return enterSyscall(task, "i386");
      case ExitReason.exception:
        return raiseException(task);
      case ExitReason.trap:
        return enterTrap(task);
    }
  }

  #rotate(): void {
    this.#sliceLeft = 0;
    this.#queue.rotate();
  }

  /** Puts the registers and the address space of `task` on the CPU. */
  switchTo(task: Task): void {
    const { cpu } = this.#kernel;
    if (this.#current === task) return;
    if (this.#current !== undefined && this.#current.state !== "dead") this.#current.saved = cpu.state.save();
    this.#current = task;
    if (task.saved !== undefined) cpu.state.restore(task.saved);
    task.saved = undefined;
    cpu.activate(task.mm);
    cpu.descriptor = (selector) => segmentDescriptor(task, selector);
    loadTls(task);
  }

  /** The current task got another address space (execve). */
  activate(task: Task): void {
    if (this.#current === task) this.#kernel.cpu.activate(task.mm);
  }

  /** Forgets a task that ended. */
  remove(task: Task): void {
    this.dequeue(task);
    if (this.#current === task) this.#current = undefined;
  }
}
