/** Where an image of libc keeps malloc's variables and functions: addresses relative to its load address. */
import type { Abi } from "../../../abi/abi.ts";
import type { MallocVersion } from "../version.ts";

/** A thread-local variable: its offset from the thread pointer, or the GOT entry that holds the offset once libc is relocated. */
export type TlsSlot = { readonly offset: number } | { readonly got: number };

/** Names as in malloc.c and arena.c; undefined: not known, calls that need it are left to the guest's own code. */
export interface MallocVariables {
  readonly mainArena: number;
  readonly mp: number;
  /** `__curbrk`. */
  readonly curbrk: number;
  readonly globalMaxFast?: number | undefined;
  readonly perturbByte?: number | undefined;
  readonly mallocInitialized?: number | undefined;
  readonly narenas?: number | undefined;
  readonly narenasLimit?: number | undefined;
  readonly freeList?: number | undefined;
  readonly nextToUse?: number | undefined;
  readonly alignedHeapArea?: number | undefined;
  readonly tcacheKey?: number | undefined;
  readonly tcacheDummy?: number | undefined;
  readonly checkAction?: number | undefined;
  readonly usingMallocChecking?: number | undefined;
  readonly arenaMem?: number | undefined;
}

/** How a call that found the heap damaged ends. `printerr` functions do not return. */
export type FatalEnd =
  /** abort(3) of the image; the message is written by the trap as __libc_message does (2.27 and later). */
  | { readonly kind: "abort"; readonly abort: number }
  /**
   * `void f (const char *line, int style)` of the image, called with the C convention: writes `line` and a newline where the
   * version does, with bit 3 of `style` the backtrace and the memory map, and aborts. Bits 0-2: 0 nothing is written,
   * 1 `detected` and `plain` (to /dev/tty or standard error), 2 `assert` (to standard error).
   */
  | { readonly kind: "function"; readonly function: number };

export interface MallocImage {
  readonly version: MallocVersion;
  readonly abi: Abi;
  readonly variables: MallocVariables;
  readonly tls: {
    readonly threadArena: TlsSlot;
    readonly tcache?: TlsSlot | undefined;
    readonly tcacheShuttingDown?: TlsSlot | undefined;
    readonly errno: TlsSlot;
  };
  /**
   * What SINGLE_THREAD_P looks at: a byte that is 1 (`__libc_single_threaded`), a word of the thread's control block that is 0
   * (`header.multiple_threads`), or nothing in a libc without threads.
   */
  readonly singleThreaded: { readonly byte: number } | { readonly multipleThreads: number } | undefined;
  /** `environ`; undefined: the environment at the start of the program (tunables). */
  readonly environ?: number | undefined;
  /** `__malloc_hook` and its kin (up to 2.33) with their initial values: any other but 0 is a hook of the program's own. */
  readonly hooks?: readonly { readonly variable: number; readonly initial: number }[];
  readonly fatal: FatalEnd;
}
