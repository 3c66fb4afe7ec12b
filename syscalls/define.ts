/**
 * One definition per system call: name, typed argument codecs, handler, support level. The handler's parameters, strace's
 * text and the table of supported calls all come from it.
 */
import type { Abi } from "../src/abi/abi.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import type { Task } from "../src/kernel/task.ts";

/** An argument that cannot be fetched (a path outside the address space): the call fails with `error` (-errno). */
export class ArgumentFault {
  readonly error: number;
  constructor(error: number) {
    this.error = error;
  }
}

/** A call as its observers see it; codecs format their argument from it. */
export interface CallView {
  readonly task: Task;
  /** The ABI of the call (int 0x80 in 64-bit code is an i386 call). */
  readonly abi: Abi;
  /** The six argument registers as int32 halves: lo0 hi0 lo1 hi1 … (hi is 0 in i386). */
  readonly words: Int32Array;
  /** Decoded arguments; a string argument that could not be read is an `ArgumentFault`. */
  readonly values: readonly unknown[];
  /** The result, -errno included; undefined while the call runs. */
  readonly result: number | undefined;
}

/** How one argument travels: from registers to a value, and to strace's text. */
export interface Codec<T> {
  readonly name: string;
  /** When strace prints it: out-arguments only after the call. */
  readonly when: "entry" | "exit";
  /** Argument registers that it takes in each ABI (64-bit values take two in i386). */
  readonly slots: Readonly<Record<Abi, number>>;
  /** `at` is the index of its first register. */
  decode(words: Int32Array, at: number, abi: Abi, task: Task): T | ArgumentFault;
  /** strace 6.1's text, or undefined for an argument that strace does not print. */
  format(value: T, call: CallView, at: number): string | undefined;
  /** Text that strace adds behind an entry argument once the call is over (clone3's ` => {…}`). */
  suffix?(call: CallView): string;
}

type Value<C> = C extends Codec<infer T> ? T : never;
type Values<C extends readonly Codec<unknown>[]> = { -readonly [K in keyof C]: Value<C[K]> };

/** How much of a call is there. "partial" needs a note that says what is missing. */
export type Support = "full" | "partial";

export interface SyscallOptions {
  readonly support: Support;
  readonly note?: string;
  /** strace's text of a result that is not negative, where it is not plain decimal. */
  readonly result?: (value: number, call: CallView) => string;
  /** Looks at the arguments before any of them is fetched (paths come after bad flags): 0 or -errno. */
  readonly first?: (...values: never[]) => number;
  /** The call never returns (exit): strace prints `?`. */
  readonly noReturn?: boolean;
}

export interface SyscallDefinition {
  readonly name: string;
  readonly args: readonly Codec<unknown>[];
  readonly support: Support;
  readonly note: string;
  readonly result: ((value: number, call: CallView) => string) | undefined;
  readonly noReturn: boolean;
  /** Decodes the arguments and runs the handler; the first argument that cannot be fetched is the result. */
  call(task: Task, words: Int32Array, abi: Abi): SyscallResult;
}

/** Defines a call; see the file comment. `handler` is a thin shim: the rule lives in the kernel object it calls. */
export function defineSyscall<const C extends readonly Codec<unknown>[]>(
  name: string,
  args: C,
  handler: (task: Task, ...args: Values<C>) => SyscallResult,
  options: SyscallOptions,
): SyscallDefinition {
  return {
    name,
    args,
    support: options.support,
    note: options.note ?? "",
    result: options.result,
    noReturn: options.noReturn ?? false,
    call:
      options.first !== undefined
        ? checkedArguments(args, handler as Handler, options.first as Check)
        : args.length <= 3
          ? fewArguments(args, handler as Handler)
          : manyArguments(args, handler as Handler),
  };
}

type Check = (...values: unknown[]) => number;

function checkedArguments(args: readonly Codec<unknown>[], handler: Handler, first: Check): SyscallDefinition["call"] {
  const rest = manyArguments(args, handler);
  return (task, words, abi) => {
    const refused = first(...decodeArguments(args, words, abi, task));
    return refused < 0 ? refused : rest(task, words, abi);
  };
}

type Handler = (task: Task, ...args: unknown[]) => SyscallResult;

function manyArguments(args: readonly Codec<unknown>[], handler: Handler): SyscallDefinition["call"] {
  return (task, words, abi) => {
    const values = decodeArguments(args, words, abi, task);
    for (const value of values) if (value instanceof ArgumentFault) return value.error;
    return handler(task, ...values);
  };
}

/** As `manyArguments`, without a list: most calls have up to three arguments, and many of them do little. */
function fewArguments(args: readonly Codec<unknown>[], handler: Handler): SyscallDefinition["call"] {
  const [a, b, c] = args;
  return (task, words, abi) => {
    if (a === undefined) return handler(task);
    const first = a.decode(words, 0, abi, task);
    if (first instanceof ArgumentFault) return first.error;
    if (b === undefined) return handler(task, first);
    let at = a.slots[abi];
    const second = b.decode(words, at, abi, task);
    if (second instanceof ArgumentFault) return second.error;
    if (c === undefined) return handler(task, first, second);
    at += b.slots[abi];
    const third = c.decode(words, at, abi, task);
    return third instanceof ArgumentFault ? third.error : handler(task, first, second, third);
  };
}

/** The same call under another name (`fcntl64` for `fcntl`). */
export function renamed(definition: SyscallDefinition, name: string): SyscallDefinition {
  return { ...definition, name };
}

/** Decodes all arguments of a call from its register words. */
export function decodeArguments(
  args: readonly Codec<unknown>[],
  words: Int32Array,
  abi: Abi,
  task: Task,
): (unknown | ArgumentFault)[] {
  const values: unknown[] = [];
  let at = 0;
  for (const codec of args) {
    values.push(codec.decode(words, at, abi, task));
    at += codec.slots[abi];
  }
  return values;
}

/** Number → definition of one ABI. */
export type SyscallTable = ReadonlyMap<number, SyscallDefinition>;
