/**
 * `--profile`: a sample of what runs, every so many instructions of each thread, with all its callers as far as the code's
 * call frame information tells. Intervals vary at random around their mean, or a loop of just that length would always be
 * met at the same place; a sample counts for the instructions since the one before.
 */
import type { Kernel } from "../../kernel/kernel.ts";
import type { Sampler } from "../../kernel/sampler.ts";
import type { SigInfo } from "../../kernel/siginfo.ts";
import type { Task } from "../../kernel/task.ts";
import type { Observer } from "../../observe/observer.ts";
import { type CodeFunction, CodeModules, readQuietly } from "./code-modules.ts";

/** No stack is followed further. */
const MAX_DEPTH = 400;
/** Encoding order of registers by DWARF's numbers (System V ABI, x86-64: figure 3.36; i386: table 2.14, as Linux has them). */
const DWARF_REGISTERS = {
  amd64: [0, 2, 1, 3, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15],
  i386: [0, 1, 2, 3, 4, 5, 6, 7],
} as const;

/** Stands at the root of a stack whose rest is not known. */
export const UNKNOWN_CALLER: CodeFunction = { name: "[unknown caller]", file: undefined };

/** A stack, outermost function first, and what was counted for it. */
export interface ProfileSample {
  readonly stack: readonly CodeFunction[];
  readonly instructions: number;
  /** Real time in which folio executed them, in nanoseconds. */
  readonly ns: number;
}

export interface ThreadProfile {
  readonly pid: number;
  readonly tid: number;
  /** The last one, if the thread changed it. */
  readonly name: string;
  readonly samples: readonly ProfileSample[];
}

interface Thread {
  readonly pid: number;
  readonly tid: number;
  name: string;
  readonly samples: ProfileSample[];
  /** Instructions until the next sample. */
  left: number;
  /** Since the last one. */
  instructions: number;
  ns: number;
}

export class Profiler implements Sampler, Observer<Task, SigInfo> {
  readonly #kernel: Kernel;
  readonly #interval: number;
  readonly #modules = new CodeModules();
  readonly #threads = new Map<Task, Thread>();
  readonly #stacks = new Map<string, readonly CodeFunction[]>();
  readonly #ids = new Map<CodeFunction, number>();
  #started = 0;
  #random = 1;

  /** Samples every `interval` instructions on average. */
  constructor(kernel: Kernel, interval: number) {
    this.#kernel = kernel;
    this.#interval = interval;
  }

  enter(task: Task): number {
    this.#started = this.#kernel.host.clock.monotonicNs();
    return this.#thread(task).left;
  }

  leave(task: Task, instructions: number, due: boolean): void {
    const thread = this.#thread(task);
    thread.ns += this.#kernel.host.clock.monotonicNs() - this.#started;
    thread.instructions += instructions;
    thread.left -= instructions;
    if (!due && thread.left > 0) return;
    thread.left = Math.max(1, thread.left + this.#nextInterval());
    this.#take(thread, this.#stackOf(task));
  }

  /** What ran since the last sample counts for where the thread ends. */
  exit(task: Task): void {
    const thread = this.#threads.get(task);
    if (thread === undefined || thread.instructions === 0) return;
    if (this.#kernel.current === task) this.#take(thread, this.#stackOf(task));
    else this.#takeLast(thread);
  }

  /** The threads in the order of their starts. */
  threads(): readonly ThreadProfile[] {
    for (const thread of this.#threads.values()) if (thread.instructions > 0) this.#takeLast(thread);
    return [...this.#threads.values()];
  }

  #thread(task: Task): Thread {
    let thread = this.#threads.get(task);
    if (thread === undefined) {
      const { pid, tid, comm: name } = task;
      thread = { pid, tid, name, samples: [], left: this.#nextInterval(), instructions: 0, ns: 0 };
      this.#threads.set(task, thread);
    }
    thread.name = task.comm;
    return thread;
  }

  /** From half the interval to one and a half. */
  #nextInterval(): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return Math.max(1, Math.round(this.#interval * (0.5 + this.#random / 2 ** 32)));
  }

  #take(thread: Thread, stack: readonly CodeFunction[]): void {
    const { instructions, ns, samples } = thread;
    thread.instructions = 0;
    thread.ns = 0;
    const last = samples.at(-1);
    if (last?.stack === stack) {
      samples[samples.length - 1] = { stack, instructions: last.instructions + instructions, ns: last.ns + ns };
    } else samples.push({ stack, instructions, ns });
  }

  #takeLast(thread: Thread): void {
    this.#take(thread, thread.samples.at(-1)?.stack ?? [UNKNOWN_CALLER]);
  }

  /** The stack of the current task, outermost function first; equal ones are the same object. */
  #stackOf(task: Task): readonly CodeFunction[] {
    const { state } = this.#kernel.cpu;
    const { mm, programAbi } = task;
    const registers = DWARF_REGISTERS[programAbi].map((register) => state.gpr(register));
    const returnRegister = registers.length;
    registers.push(state.rip);
    const stack: CodeFunction[] = [];
    const read = (address: number): number | undefined => readQuietly(mm, address);
    // A return address is behind its call, which may be the last instruction of its function.
    let back = 0;
    for (;;) {
      const pc = registers[returnRegister];
      const place = this.#modules.placeOf(mm, pc - back);
      if (stack.length > 0 && place === undefined) {
        stack.push(UNKNOWN_CALLER);
        break;
      }
      stack.push(this.#modules.functionAt(mm, place, pc - back));
      const frames = place?.module.frames;
      const isSignalFrame = place !== undefined && frames?.find(place.address)?.isSignalFrame === true;
      const step = place === undefined ? "unknown" : (frames?.stepUp(place.address, registers, read) ?? "unknown");
      if (step === "outermost") break;
      if (step === "unknown" || stack.length === MAX_DEPTH) {
        stack.push(UNKNOWN_CALLER);
        break;
      }
      back = isSignalFrame ? 0 : 1;
    }
    return this.#shared(stack.reverse());
  }

  #shared(stack: readonly CodeFunction[]): readonly CodeFunction[] {
    const key = stack.map((frame) => this.#idOf(frame)).join();
    const known = this.#stacks.get(key);
    if (known !== undefined) return known;
    this.#stacks.set(key, stack);
    return stack;
  }

  #idOf(frame: CodeFunction): number {
    let id = this.#ids.get(frame);
    if (id === undefined) this.#ids.set(frame, (id = this.#ids.size));
    return id;
  }
}
