/**
 * What malloc sees of the guest: memory, the heap system calls, and a few facts of the calling thread.
 *
 * Numbers: addresses and `size_t` values are JavaScript numbers. A 64-bit word at or above 2^53 is read as the nearest
 * double (never below 2^53), so comparing it with any honest size or address stays right; its exact low bits are read
 * with `read32`. Reads return -1, writes return false, when the access faults: the guest has then noted the fault (address,
 * cause) and delivers the signal when the trap returns. Nothing here throws.
 */
export interface MallocGuest {
  read8(address: number): number;
  read16(address: number): number;
  read32(address: number): number;
  /** A 64-bit little-endian word; rounded to a double from 2^53 on. */
  read64(address: number): number;
  write8(address: number, value: number): boolean;
  write16(address: number, value: number): boolean;
  write32(address: number, value: number): boolean;
  /** `value` is a whole number below 2^53. */
  write64(address: number, value: number): boolean;
  /** memset. Either all bytes are written or, on a fault, none. */
  fill(address: number, byte: number, length: number): boolean;
  /** memcpy of blocks that do not overlap. Either all bytes are written or, on a fault, none. */
  copy(to: number, from: number, length: number): boolean;
  /** The bytes of a range, or undefined if it faults: kept to undo `fill` and `copy`. */
  readBytes(address: number, length: number): Uint8Array | undefined;
  writeBytes(address: number, bytes: Uint8Array): boolean;

  /** brk(2) as the kernel has it: the new break, or the old one if it cannot move. 0 asks. */
  brk(address: number): number;
  /** mmap(2), anonymous and private besides `flags`; the address or a negative errno. */
  mmap(address: number, length: number, prot: number, flags: number): number;
  munmap(address: number, length: number): number;
  mremap(address: number, oldLength: number, newLength: number, flags: number): number;
  mprotect(address: number, length: number, prot: number): number;
  madvise(address: number, length: number, advice: number): number;
  /** getrandom(2) with GRND_NONBLOCK, for the tcache key: `length` bytes, or undefined if none are to be had. */
  getrandom(length: number): Uint8Array | undefined;
  /** glibc's `random_bits` (the clock), the fallback of `getrandom`: 32 bits. */
  randomBits(): number;
  /**
   * `check_may_shrink_heap`: true if memory given back must be mapped anew (the program is setuid or, from 2.17 on,
   * /proc/sys/vm/overcommit_memory says 2). The guest makes the system calls of the first question.
   */
  mayShrinkHeap(): boolean;
  /** `__get_nprocs_sched` or `__get_nprocs`: the arena limit hangs on it. */
  nprocs(): number;

  /** argv[0], or "<unknown>": messages name the program. */
  programName(): string;
  /** The environment as ptmalloc_init sees it, `NAME=value`, in order. */
  environment(): readonly string[];
  /** __libc_enable_secure: a setuid program. */
  secure(): boolean;
  setErrno(value: number): void;
  /** Base of the calling thread's thread-local storage; `MallocAddresses.tls` offsets count from it. */
  threadPointer(): number;
  /** glibc's SINGLE_THREAD_P: no second thread was ever started. */
  singleThreaded(): boolean;
  /**
   * A message after which the program goes on (2.11-2.26 with MALLOC_CHECK_ 1 or 5): glibc prints `text`, then continues.
   */
  message(text: string, style: MessageStyle): void;
}

/**
 * How glibc prints a message. `detected`: a whole `*** glibc detected *** …` line, to /dev/tty unless LIBC_FATAL_STDERR_ says
 * otherwise; `plain`: the text and a newline, to the same place (2.27+: to descriptor 2); `assert`: one line to standard error;
 * `bare`: the text without a newline, to standard error (libc_malloc_debug); `none`: nothing is printed.
 */
export type MessageStyle = "detected" | "plain" | "assert" | "bare" | "none";

/** The call ended in abort(3): what has to be printed before SIGABRT. */
export interface MallocAbort {
  readonly kind: "abort";
  readonly style: MessageStyle;
  /** The whole line, without its newline. */
  readonly text: string;
  /** The backtrace and the memory map follow (2.11-2.26). */
  readonly backtrace: boolean;
}

/** A guest access faulted: the guest knows where. Memory is as it was before the call. */
export interface MallocFault {
  readonly kind: "fault";
}

/** The lock at `lock` is held: the thread waits for it (for good, if it holds it itself) and makes the call again. */
export interface MallocBlocked {
  readonly kind: "blocked";
  readonly lock: number;
}

export type MallocExit = MallocAbort | MallocFault | MallocBlocked;

/** Offsets from the thread pointer of malloc's thread-local variables. */
export interface MallocTls {
  readonly threadArena: number;
  readonly tcache: number;
  readonly tcacheShuttingDown: number;
}

/** Where malloc's variables lie in the guest's libc. All absolute but `tls`. */
export interface MallocAddresses {
  readonly mainArena: number;
  readonly mp: number;
  /** `__curbrk`, sbrk's idea of the break. */
  readonly curbrk: number;
  readonly globalMaxFast: number;
  readonly perturbByte: number;
  readonly mallocInitialized: number;
  readonly narenas: number;
  readonly narenasLimit: number;
  readonly freeList: number;
  readonly nextToUse: number;
  readonly alignedHeapArea: number;
  readonly tcacheKey: number;
  /** `__tcache_dummy` of 2.42 and later. */
  readonly tcacheDummy: number;
  readonly checkAction: number;
  readonly usingMallocChecking: number;
  readonly arenaMem: number;
  readonly tls: MallocTls;
}
