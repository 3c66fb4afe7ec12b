/** What the linker asks of the guest while it works: system calls made by its own code, and calls of functions. */

export interface SyscallStep {
  readonly kind: "syscall";
  readonly name: string;
  readonly args: readonly number[];
}

export interface CallStep {
  readonly kind: "call";
  readonly address: number;
  readonly args: readonly number[];
}

export type Step = SyscallStep | CallStep;

/** A piece of the linker's work. A step's result comes back as a signed number: -errno, or the value of the register. */
export type Routine<T> = Generator<Step, T, number>;

export function* syscall(name: string, ...args: readonly number[]): Routine<number> {
  return yield { kind: "syscall", name, args };
}

/** mmap(2) by the ABI's call: i386's counts the offset in pages. */
export function mapPages(
  is64: boolean,
  address: number,
  length: number,
  prot: number,
  flags: number,
  fd: number,
  offset: number,
): Routine<number> {
  if (is64) return syscall("mmap", address, length, prot, flags, fd, offset);
  return syscall("mmap2", address, length, prot, flags, fd, offset / 4096);
}

export function* callGuest(address: number, ...args: readonly number[]): Routine<number> {
  return yield { kind: "call", address, args };
}

/** The linker gives up: the process ends, or dlopen returns NULL. Thrown as a plain object inside this directory only. */
export interface LinkError {
  readonly linkError: true;
  /** The object it is about; "" if there is none. */
  readonly object: string;
  readonly message: string;
  /** Positive; 0 without one. */
  readonly errno: number;
  /** `symbol lookup error`, or undefined: `error while loading shared libraries`. */
  readonly occasion?: string;
}

export function isLinkError(thrown: unknown): thrown is LinkError {
  return typeof thrown === "object" && thrown !== null && "linkError" in thrown;
}

export function linkError(object: string, message: string, errno = 0, occasion?: string): LinkError {
  return { linkError: true, object, message, errno, ...(occasion === undefined ? {} : { occasion }) };
}
