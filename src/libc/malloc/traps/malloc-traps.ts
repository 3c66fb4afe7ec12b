/**
 * malloc as traps: `createMallocTraps(image)` gives, for an image of libc whose layout is known, a trap for each of malloc's
 * functions. The same traps serve a real libc (the sites are the functions' entries) and folio's embedded one (the sites are
 * the `__folio_trap_*` functions): each is called with the C convention, does the whole function and returns from it.
 *
 * How to use it:
 *   const traps = createMallocTraps(image);              // image: MallocImage, all addresses relative to the load address
 *   const id = kernel.traps.add(traps.trap("malloc", site)); // site: address of the function's first byte, relative too
 *   inode.traps = new Map([[fileOffsetOf(site), id], …]); // or Vfs.context.findTraps for files that are found later
 *   traps.startProcess / startThread                      // only for a libc whose data we make: see there
 *
 * All state is in guest memory in glibc's layout, so the guest's own code (fork handlers, thread exit, malloc_info) and debuggers
 * see what they expect, and any single call can be left to the guest's code: that happens where the image lacks an address
 * (`undefined` in MallocVariables) or where the program set a hook of its own (`__malloc_hook`, up to 2.33).
 */

import type { Task } from "../../../kernel/task.ts";
import { NATIVE, type Trap, type TrapFault, type TrapResult } from "../../../kernel/traps.ts";
import type { AddressSpace } from "../../../mm/address-space.ts";
import { argumentsOf, returnFrom, type Word } from "../../guest-call.ts";
import { Ptmalloc } from "../ptmalloc.ts";
import type { Mallinfo } from "../stats.ts";
import { endFatally } from "./fatal.ts";
import type { MallocImage } from "./image.ts";
import { CALLS, TaskGuest } from "./task-guest.ts";

/** What a function does with its arguments: the value to return, or undefined if `Ptmalloc.exit` says why there is none. */
interface MallocFunctionRow {
  readonly arguments: number;
  readonly call: (heap: Ptmalloc, words: readonly Word[], guest: TaskGuest) => Word | undefined;
  /** The caller's place for a returned structure is the first argument; i386 takes it off the stack. */
  readonly structure?: boolean;
}

const FUTEX_WAIT_PRIVATE = 128;
const FUTEX_WAKE_PRIVATE = 129;

const pointer = (word: Word): number => Number(word);
const int = (word: Word): number => Number(BigInt.asIntN(32, BigInt(word)));
const result = (value: number): number | undefined => (value < 0 ? undefined : value);

const FUNCTIONS = {
  malloc: { arguments: 1, call: (heap, [size]) => result(heap.malloc(size)) },
  free: { arguments: 1, call: (heap, [mem]) => result(heap.free(pointer(mem))) },
  calloc: { arguments: 2, call: (heap, [count, size]) => result(heap.calloc(count, size)) },
  realloc: { arguments: 2, call: (heap, [mem, size]) => result(heap.realloc(pointer(mem), size)) },
  memalign: { arguments: 2, call: (heap, [alignment, size]) => result(heap.memalign(alignment, size)) },
  aligned_alloc: { arguments: 2, call: (heap, [alignment, size]) => result(heap.alignedAlloc(alignment, size)) },
  posix_memalign: {
    arguments: 3,
    call: (heap, [memptr, alignment, size]) => result(heap.posixMemalign(pointer(memptr), alignment, size)),
  },
  valloc: { arguments: 1, call: (heap, [size]) => result(heap.valloc(size)) },
  pvalloc: { arguments: 1, call: (heap, [size]) => result(heap.pvalloc(size)) },
  malloc_usable_size: { arguments: 1, call: (heap, [mem]) => result(heap.mallocUsableSize(pointer(mem))) },
  mallopt: { arguments: 2, call: (heap, [parameter, value]) => result(heap.mallopt(int(parameter), int(value))) },
  malloc_trim: { arguments: 1, call: (heap, [pad]) => result(heap.mallocTrim(pointer(pad))) },
  mallinfo: { arguments: 1, structure: true, call: (heap, [into], guest) => storeInfo(heap, pointer(into), guest, 4) },
  mallinfo2: {
    arguments: 1,
    structure: true,
    call: (heap, [into], guest) => storeInfo(heap, pointer(into), guest, heap.heap.W),
  },
  malloc_stats: {
    arguments: 0,
    call: (heap, _, guest) => {
      const text = heap.mallocStats();
      if (text === undefined) return undefined;
      // Standard error is not buffered: a write for each of fprintf's calls, one a line.
      for (const line of text.split(/(?<=\n)/)) guest.writeText(line);
      return 0;
    },
  },
} satisfies Record<string, MallocFunctionRow>;

export type MallocFunction = keyof typeof FUNCTIONS;
/** Names of all functions that there are traps for. cfree is `free`. */
export const MALLOC_FUNCTIONS = Object.keys(FUNCTIONS) as readonly MallocFunction[];

const INFO_FIELDS: readonly (keyof Mallinfo)[] = [
  "arena",
  "ordblks",
  "smblks",
  "hblks",
  "hblkhd",
  "usmblks",
  "fsmblks",
  "uordblks",
  "fordblks",
  "keepcost",
];

function storeInfo(heap: Ptmalloc, into: number, guest: TaskGuest, width: 4 | 8): number | undefined {
  const info = heap.mallinfo();
  if (info === undefined) return undefined;
  const bytes = new Uint8Array(INFO_FIELDS.length * width);
  const view = new DataView(bytes.buffer);
  INFO_FIELDS.forEach((name, i) => {
    view.setUint32(i * width, info[name] % 2 ** 32, true);
    if (width === 8) view.setUint32(i * width + 4, Math.floor(info[name] / 2 ** 32), true);
  });
  if (guest.writeBytes(into, bytes)) return into;
  heap.exit = { kind: "fault" };
  return undefined;
}

/** malloc of one process, at one load address of the image. */
interface Process {
  readonly guest: TaskGuest;
  readonly heap: Ptmalloc;
  /** Hooks at their addresses in the process, with the values that are not the program's own. */
  readonly hooks: readonly { readonly variable: number; readonly initial: number }[];
}

export class MallocTraps {
  readonly image: MallocImage;
  /** Calls done here, and calls left to the guest's own code. */
  readonly counts = { done: 0, left: 0 };
  readonly #processes = new WeakMap<AddressSpace, Map<number, Process>>();
  /** Locks that a task had to wait for in its present call: others may wait for them too. */
  readonly #waited = new WeakMap<Task, number>();

  constructor(image: MallocImage) {
    this.image = image;
  }

  /** The trap for `name` at the image's address `site`. */
  trap(name: MallocFunction, site: number): Trap {
    const row: MallocFunctionRow = FUNCTIONS[name];
    return (task) => this.#run(task, row, task.kernel.cpu.state.rip - site);
  }

  /** __malloc_arena_thread_freeres: for an embedded libc, when a thread ends. */
  threadExit(site: number): Trap {
    const row: MallocFunctionRow = { arguments: 0, call: (heap) => result(heap.threadExit()) };
    return (task) => this.#run(task, row, task.kernel.cpu.state.rip - site);
  }

  /**
   * Writes the variables' initial values of a libc whose data segment is made by folio, loaded at `bias`; `task` is current and has not
   * called malloc yet. False if the segment is not mapped.
   */
  startProcess(task: Task, bias: number): boolean {
    const { guest, heap } = this.#process(task, bias);
    guest.begin(task);
    heap.writeInitialData();
    if (heap.exit === undefined) heap.writeThreadData();
    if (heap.exit === undefined && this.image.version.initAtStart) heap.initialize();
    return heap.exit === undefined;
  }

  #process(task: Task, bias: number): Process {
    let byBias = this.#processes.get(task.mm);
    if (byBias === undefined) this.#processes.set(task.mm, (byBias = new Map()));
    const known = byBias.get(bias);
    if (known !== undefined) return known;
    const guest = new TaskGuest(task, this.image, bias);
    const { version, abi, hooks = [] } = this.image;
    const heap = new Ptmalloc(guest, version, abi === "amd64" ? 8 : 4, guest.addresses);
    const located = hooks.map(({ variable, initial }) => ({ variable: bias + variable, initial: bias + initial }));
    const made = { guest, heap, hooks: located };
    byBias.set(bias, made);
    return made;
  }

  #run(task: Task, row: MallocFunctionRow, bias: number): TrapResult {
    const words = argumentsOf(task, row.arguments);
    if ("kind" in words) return words;
    const { guest, heap, hooks } = this.#process(task, bias);
    guest.begin(task);
    for (const { variable, initial } of hooks) {
      const hook = task.mm.readWord(variable);
      if (hook !== 0 && hook !== initial) return this.#leave();
    }
    const value = row.call(heap, words, guest);
    if (value !== undefined) {
      this.counts.done++;
      this.#wakeOthers(task, guest);
      return returnFrom(task, value, row.structure && this.image.abi === "i386" ? 4 : 0);
    }
    return this.#exit(task, heap, guest);
  }

  /** The call did not come to its end. */
  #exit(task: Task, heap: Ptmalloc, guest: TaskGuest): TrapResult {
    const { exit } = heap;
    switch (exit?.kind) {
      case "blocked":
        return this.#wait(task, guest, exit.lock);
      case "abort":
        return endFatally(task, guest, exit);
      default:
        return Number.isNaN(guest.fault.address) ? this.#leave() : guestFault(guest);
    }
  }

  #leave(): TrapResult {
    this.counts.left++;
    return NATIVE;
  }

  /** __lll_lock_wait_private: marks the lock contended and sleeps until its holder wakes one waiter. */
  #wait(task: Task, guest: TaskGuest, lock: number): TrapResult {
    if (!guest.write32(lock, 2)) return guestFault(guest);
    this.#waited.set(task, lock);
    return { kind: "syscall", number: CALLS[this.image.abi].futex, args: [lock, FUTEX_WAIT_PRIVATE, 2, 0] };
  }

  /** __lll_lock_wake_private: a lock that was waited for is given back as contended, so its next waiter is woken. */
  #wakeOthers(task: Task, guest: TaskGuest): void {
    const lock = this.#waited.get(task);
    if (lock === undefined) return;
    this.#waited.delete(task);
    guest.call("futex", lock, FUTEX_WAKE_PRIVATE, 1);
  }
}

function guestFault(guest: TaskGuest): TrapFault {
  const { address, write } = guest.fault;
  return { kind: "fault", address, write };
}

/** The traps of malloc for an image of libc; see the head of this file. */
export function createMallocTraps(image: MallocImage): MallocTraps {
  return new MallocTraps(image);
}
