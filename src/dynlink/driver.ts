/**
 * The dynamic linker as traps of ld.so's code. A routine that needs a system call or a function of the guest sets up the
 * registers for it and sends the guest to the instruction that makes it; behind that instruction stands the trap that goes on
 * with the routine. So its calls are the guest's own.
 */
import type { Abi } from "../abi/abi.ts";
import { InternalError } from "../base/errors.ts";
import type { RegisterState } from "../kernel/cpu.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { Gpr, SegmentRegister } from "../kernel/registers.ts";
import type { Task } from "../kernel/task.ts";
import type { TrapResult } from "../kernel/traps.ts";
import { backtrace, symbolize } from "./backtrace.ts";
import * as dl from "./dlopen.ts";
import { takeDestructors } from "./init-order.ts";
import type { Work } from "./map-object.ts";
import { isLinkFault, LinkMemory } from "./memory.ts";
import { type LinkerSymbols, Namespace } from "./namespace.ts";
import { bindLazily } from "./relocate.ts";
import { isLinkError, type Routine, type Step } from "./routine.ts";
import { SCRATCH_BYTES, Scratch } from "./scratch.ts";
import { complain, startProgram } from "./startup.ts";
import { SYS } from "./syscall-numbers.ts";
import { tlsAddress } from "./tls.ts";
import type { LinkerVersion } from "./version.ts";

/** Names and file addresses of ld.so's trap sites and of the code around them. */
export interface LinkerImage {
  readonly version: LinkerVersion;
  readonly symbols: LinkerSymbols;
  /** Address of each trap site, by its name without `__folio_trap_`. */
  readonly sites: Readonly<Record<string, number>>;
  /** Code that the driver sends the guest to. */
  readonly code: {
    readonly syscall: number;
    readonly call: number;
    readonly initialise: number;
  };
}

/** A routine under way in a task. */
interface Frame {
  readonly routine: Routine<unknown>;
  readonly base: number;
  /** The registers when it began. */
  readonly saved: Uint8Array;
  /** The stack pointer while it works. */
  readonly sp: number;
  readonly finish: (result: unknown) => void;
}

const SYSCALL_REGISTERS: Readonly<Record<Abi, readonly number[]>> = {
  amd64: [Gpr.rdi, Gpr.rsi, Gpr.rdx, Gpr.r10, Gpr.r8, Gpr.r9],
  i386: [Gpr.rbx, Gpr.rcx, Gpr.rdx, Gpr.rsi, Gpr.rdi, Gpr.rbp],
};
const CALL_REGISTERS = [Gpr.rdi, Gpr.rsi, Gpr.rdx, Gpr.rcx, Gpr.r8, Gpr.r9];
const RED_ZONE = 128;

const alignDown = (value: number): number => Math.floor(value / 16) * 16;

/** Called when all objects of a program are relocated and nothing of them has run: load addresses by soname. */
export type LoadedHook = (task: Task, bases: ReadonlyMap<string, number>) => void;

/** The linker of one image in one machine: makes the traps of its sites. */
export class DynamicLinker {
  readonly #image: LinkerImage;
  readonly #loaded: LoadedHook;
  readonly #frames = new WeakMap<Task, Frame[]>();

  constructor(image: LinkerImage, loaded: LoadedHook = () => undefined) {
    this.#image = image;
    this.#loaded = loaded;
  }

  /** Adds the traps to the kernel; their numbers by the site's address in the file. */
  install(kernel: Kernel): ReadonlyMap<number, number> {
    const handlers: Readonly<Record<string, (task: Task, base: number) => TrapResult>> = {
      ld_start: (task, base) => this.#start(task, base),
      ld_next: (task) => this.#next(task),
      ld_resolve: (task, base) => this.#resolve(task, base),
      ld_fini: (task, base) => this.#finish(task, base),
      ld_open: (task, base) =>
        this.#routine(task, base, (work, [name, mode, caller]) => {
          const namespace = work.namespace;
          return dl.catching(namespace, 0, dl.open(work, name, int(mode), caller, this.#threadPointer(task)));
        }),
      ld_close: (task, base) =>
        this.#routine(task, base, (work, [handle]) =>
          dl.catching(work.namespace, 1, dl.close(work, handle, this.#threadPointer(task))),
        ),
      ld_sym: (task, base) =>
        this.#routine(task, base, (work, [handle, name, version, caller]) => {
          const { namespace } = work;
          const tp = this.#threadPointer(task);
          return dl.catching(namespace, 0, dl.find(namespace, handle, name, version, caller, tp));
        }),
      ld_error: (task, base) => this.#plain(task, base, (namespace) => dl.takeError(namespace)),
      ld_addr: (task, base) =>
        this.#plain(task, base, (namespace, [address, info]) => dl.describeAddress(namespace, address, info)),
      ld_phdr: (task, base) =>
        this.#plain(task, base, (namespace, [index, info]) => dl.describeObject(namespace, index, info)),
      ld_tls: (task, base) =>
        this.#routine(task, base, ({ namespace }, [index]) => tlsAddress(namespace, this.#threadPointer(task), index)),
    };
    const numbers = new Map<number, number>();
    for (const [name, address] of Object.entries(this.#image.sites)) {
      const handler = handlers[name];
      if (handler === undefined) throw new InternalError(`ld.so has a trap site ${name} that nobody serves`);
      const number = kernel.traps.add((task) => this.#guard(() => handler(task, task.kernel.cpu.state.rip - address)));
      numbers.set(address, number);
    }
    return numbers;
  }

  /** Adds the traps that libc's backtrace functions are, for an image of libc; by the site's name. */
  installLibc(kernel: Kernel): Readonly<Record<string, number>> {
    const base = (task: Task): number => auxiliaryValue(task, AT_BASE);
    const add = (handler: (task: Task) => TrapResult): number =>
      kernel.traps.add((task) => this.#guard(() => handler(task)));
    return {
      backtrace: add((task) =>
        this.#routine(task, base(task), (work, [to, size, frame]) => backtrace(work, to, int(size), frame)),
      ),
      symbolize: add((task) =>
        this.#plain(task, base(task), (namespace, [address, to, size]) => symbolize(namespace, address, to, size)),
      ),
    };
  }

  /** A failed access of guest memory is the guest's fault, at the site. */
  #guard(work: () => TrapResult): TrapResult {
    try {
      return work();
    } catch (thrown) {
      if (!isLinkFault(thrown)) throw thrown;
      return { kind: "fault", address: thrown.address, write: thrown.write };
    }
  }

  #namespace(task: Task, base: number): Namespace {
    const { version, symbols } = this.#image;
    return new Namespace(new LinkMemory(task.mm), version, symbols, base);
  }

  #threadPointer(task: Task): number {
    const { state } = task.kernel.cpu;
    return task.programAbi === "amd64" ? state.fsBase : state.gsBase;
  }

  /** Arguments of a C function, and where its return address is. */
  #arguments(task: Task, count: number): number[] {
    const { state } = task.kernel.cpu;
    if (task.programAbi === "amd64") return CALL_REGISTERS.slice(0, count).map((register) => state.gpr(register));
    const memory = new LinkMemory(task.mm);
    const sp = state.gpr(Gpr.rsp);
    return Array.from({ length: count }, (_, i) => memory.u32(sp + 4 + 4 * i));
  }

  /** Returns from a C function whose first instruction is the trap site. */
  #return(task: Task, value: number): void {
    const { state } = task.kernel.cpu;
    const memory = new LinkMemory(task.mm);
    const sp = state.gpr(Gpr.rsp);
    const address = memory.word(sp);
    state.setGprNumber(Gpr.rsp, sp + memory.W);
    state.setGprNumber(Gpr.rax, value);
    state.rip = address;
  }

  #plain(task: Task, base: number, work: (namespace: Namespace, args: number[]) => number): TrapResult {
    const result = work(this.#namespace(task, base), this.#arguments(task, 4));
    this.#return(task, result);
    return undefined;
  }

  #routine(task: Task, base: number, make: (work: Work, args: number[]) => Routine<number>): TrapResult {
    const args = this.#arguments(task, 4);
    return this.#begin(
      task,
      base,
      (work) => make(work, args),
      (result) => this.#return(task, result),
    );
  }

  #begin<T>(task: Task, base: number, make: (work: Work) => Routine<T>, finish: (result: T) => void): TrapResult {
    const { state } = task.kernel.cpu;
    const namespace = this.#namespace(task, base);
    const sp = alignDown(state.gpr(Gpr.rsp) - RED_ZONE - SCRATCH_BYTES);
    const work = { namespace, scratch: new Scratch(namespace.memory, sp) };
    const frame: Frame = {
      routine: make(work),
      base,
      saved: state.save(),
      sp,
      finish: (result) => finish(result as T),
    };
    let frames = this.#frames.get(task);
    if (frames === undefined) this.#frames.set(task, (frames = []));
    frames.push(frame);
    return this.#go(task, frame, undefined);
  }

  /** Goes on with a routine until it needs the guest, or is done. */
  #go(task: Task, frame: Frame, value: number | undefined): TrapResult {
    const { state } = task.kernel.cpu;
    const frames = this.#frames.get(task) ?? [];
    let step: IteratorResult<Step, unknown>;
    try {
      step = value === undefined ? frame.routine.next(0) : frame.routine.next(value);
    } catch (thrown) {
      frames.pop();
      throw thrown;
    }
    if (step.done) {
      frames.pop();
      restoreAllButThread(state, frame.saved);
      frame.finish(step.value);
      return undefined;
    }
    this.#send(task, frame, step.value);
    return undefined;
  }

  /** Sets up the registers for a step. */
  #send(task: Task, frame: Frame, step: Step): void {
    const { state } = task.kernel.cpu;
    const { code } = this.#image;
    const abi = task.programAbi;
    state.setGprNumber(Gpr.rsp, frame.sp);
    if (step.kind === "syscall") {
      const number = SYS[abi][step.name];
      if (number === undefined) throw new InternalError(`no number for ${step.name}`);
      state.setGprNumber(Gpr.rax, number);
      step.args.forEach((value, i) => {
        state.setGprNumber(SYSCALL_REGISTERS[abi][i], value);
      });
      state.rip = frame.base + code.syscall;
      return;
    }
    state.setGprNumber(Gpr.rax, step.address);
    if (abi === "amd64") {
      step.args.forEach((value, i) => {
        state.setGprNumber(CALL_REGISTERS[i], value);
      });
    } else {
      const memory = new LinkMemory(task.mm);
      const sp = alignDown(frame.sp - 4 * step.args.length);
      step.args.forEach((value, i) => {
        memory.setU32(sp + 4 * i, value);
      });
      state.setGprNumber(Gpr.rsp, sp);
    }
    state.rip = frame.base + code.call;
  }

  #next(task: Task): TrapResult {
    const frame = this.#frames.get(task)?.at(-1);
    if (frame === undefined) throw new InternalError("ld.so goes on without having begun");
    const { state } = task.kernel.cpu;
    const low = state.gprLo(Gpr.rax);
    const value = task.programAbi === "amd64" ? state.gprHi(Gpr.rax) * 0x1_0000_0000 + (low >>> 0) : signed32(low);
    return this.#go(task, frame, value);
  }

  #start(task: Task, base: number): TrapResult {
    const { state } = task.kernel.cpu;
    const stack = state.gpr(Gpr.rsp);
    return this.#begin(
      task,
      base,
      (work) => {
        work.namespace.set("stack", stack);
        return startProgram(work);
      },
      ({ entry, constructors, bases }) => {
        this.#loaded(task, bases);
        const sp = this.#list(task, stack, constructors);
        state.setGprNumber(Gpr.rsp, sp);
        // ld.so's code calls the list at the stack pointer, takes the old one back and jumps to the program.
        state.setGprNumber(task.programAbi === "amd64" ? Gpr.r12 : Gpr.rsi, sp);
        state.setGprNumber(task.programAbi === "amd64" ? Gpr.r13 : Gpr.rdi, entry);
        state.setGprNumber(task.programAbi === "amd64" ? Gpr.r14 : Gpr.rbx, stack);
        state.rip = base + this.#image.code.initialise;
      },
    );
  }

  /** Puts functions on the stack, 0 behind them; their address, which is aligned. */
  #list(task: Task, sp: number, functions: readonly number[]): number {
    const memory = new LinkMemory(task.mm);
    const at = alignDown(sp - (functions.length + 1) * memory.W);
    [...functions, 0].forEach((address, i) => {
      memory.setWord(at + i * memory.W, address);
    });
    return at;
  }

  /** _dl_runtime_resolve: on the stack lie the link_map and the slot, then the return address. No register changes. */
  #resolve(task: Task, base: number): TrapResult {
    const { state } = task.kernel.cpu;
    const namespace = this.#namespace(task, base);
    const { memory } = namespace;
    const sp = state.gpr(Gpr.rsp);
    const map = namespace.mapAt(memory.word(sp));
    try {
      state.rip = bindLazily(namespace, map, memory.word(sp + memory.W));
      state.setGprNumber(Gpr.rsp, sp + 2 * memory.W);
      return undefined;
    } catch (thrown) {
      if (!isLinkError(thrown)) throw thrown;
      const { object, message, occasion = "" } = thrown;
      const argv0 = memory.word(namespace.get("stack") + memory.W);
      const program = argv0 === 0 ? "<program name unknown>" : memory.text(argv0);
      return this.#begin(
        task,
        base,
        function* (work): Routine<void> {
          yield* complain(work, [program, ": ", occasion, ": ", object, ": ", message, "\n"]);
          for (;;) yield { kind: "syscall", name: "exit_group", args: [127] };
        },
        () => undefined,
      );
    }
  }

  /** _dl_fini: hands over the destructors, on the stack. */
  #finish(task: Task, base: number): TrapResult {
    const { state } = task.kernel.cpu;
    const namespace = this.#namespace(task, base);
    const sp = state.gpr(Gpr.rsp);
    const list = this.#list(task, sp - RED_ZONE, takeDestructors(namespace, namespace.maps()));
    state.setGprNumber(Gpr.rbx, list);
    state.setGprNumber(Gpr.rbp, sp);
    state.setGprNumber(Gpr.rsp, list);
    state.rip += TRAP_LENGTH;
    return undefined;
  }
}

/** The registers as they were, but for the thread's segment, which the routine may have set up. */
function restoreAllButThread(state: RegisterState, saved: Uint8Array): void {
  const { fsBase, gsBase } = state;
  const gs = state.selector(SegmentRegister.gs);
  state.restore(saved);
  state.setSelector(SegmentRegister.gs, gs);
  state.fsBase = fsBase;
  state.gsBase = gsBase;
}

const AT_BASE = 7;

/** A value of the task's auxiliary vector; 0 without it. */
function auxiliaryValue(task: Task, tag: number): number {
  const { auxv } = task;
  const view = new DataView(auxv.buffer, auxv.byteOffset, auxv.byteLength);
  const W = task.mm.wordSize;
  const word = (at: number): number =>
    view.getUint32(at, true) + (W === 8 ? view.getUint32(at + 4, true) * 0x1_0000_0000 : 0);
  for (let at = 0; at + 2 * W <= auxv.byteLength; at += 2 * W) if (word(at) === tag) return word(at + W);
  return 0;
}

/** `ud2`. */
const TRAP_LENGTH = 2;

/** An `int` argument: the upper half of its register means nothing. */
function int(value: number): number {
  return (value % 0x1_0000_0000) | 0;
}

/** i386: -errno is negative, an address is not. */
function signed32(value: number): number {
  return value < 0 && value >= -4095 ? value : value >>> 0;
}
