/** Processes and threads: clone(2), execve(2), exit(2), wait4(2), set_tid_address(2). */
import { WORD_SIZE } from "../src/abi/abi.ts";
import { E2BIG, EAGAIN, EBADF, EFAULT, EINVAL, ESRCH } from "../src/abi/errno.ts";
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_CLEAR_SIGHAND_HI,
  CLONE_FLAG_NAMES,
  CLONE_PARENT_SETTID,
  CLONE_SETTLS,
  CLONE_VFORK,
  CLONE_VM,
} from "../src/abi/sched.ts";
import { SIGCHLD } from "../src/abi/signal.ts";
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  P_ALL,
  P_PGID,
  P_PID,
  P_PIDFD,
  WAIT_OPTION_NAMES,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WUNTRACED,
} from "../src/abi/wait.ts";
import { EXIT, type SyscallResult } from "../src/kernel/control.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import { PidFile } from "../src/kernel/pid-file.ts";
import { encodeSigInfo, SIGINFO_SIZE } from "../src/kernel/siginfo-layout.ts";
import type { Task } from "../src/kernel/task.ts";
import { type CloneArgs, cloneTask } from "../src/kernel/task-clone.ts";
import { execve as executeProgram } from "../src/kernel/task-exec.ts";
import { exitGroup as endProcess, exitTask } from "../src/kernel/task-exit.ts";
import { type WaitEvent, waitForChild } from "../src/kernel/task-wait.ts";
import type { ThreadGroup } from "../src/kernel/thread-group.ts";
import { enumOf, flagsOf, hidden, int, path, pointer, pointerTo, sizeT, ulongAs, wordAt } from "./codecs.ts";
import { type CallView, type Codec, defineSyscall } from "./define.ts";
import { fileOf } from "./io.ts";
import { rusageBytes, rusageText } from "./rusage.ts";
import { siginfoText } from "./siginfo-text.ts";
import { addressText, cStringText, flagsText, hex, type NameTable, peek, pointerText } from "./strace-text.ts";
import { signalText } from "./struct-text.ts";

export const exit = defineSyscall(
  "exit",
  [int("status")],
  (task, status) => {
    exitTask(task, (status & 0xff) << 8);
    return EXIT;
  },
  { support: "full", noReturn: true },
);

export const exitGroup = defineSyscall(
  "exit_group",
  [int("status")],
  (task, status) => {
    endProcess(task, (status & 0xff) << 8);
    return EXIT;
  },
  { support: "full", noReturn: true },
);

/** MAX_ARG_STRINGS is larger; this keeps a broken argv from running through all of memory. */
const MAX_STRINGS = 0x7fff_ffff / 16;
const MAX_ARG_STRLEN = 131072;

/** copy_strings(): the strings of a NULL-terminated array, -EFAULT or -E2BIG. NULL is an empty array. */
function readStrings(task: Task, address: number): string[] | number {
  const strings: string[] = [];
  if (address === 0) return strings;
  for (let at = address; strings.length < MAX_STRINGS; at += task.mm.wordSize) {
    const item = task.mm.readWord(at);
    if (item < 0) return -EFAULT;
    if (item === 0) return strings;
    const text = task.mm.readCString(item, MAX_ARG_STRLEN);
    if (typeof text === "number") return text === -EFAULT ? -EFAULT : -E2BIG;
    strings.push(text);
  }
  return -E2BIG;
}

/** strace's text of argv: at most 32 strings. */
export function argvText(address: number, call: CallView): string | undefined {
  const word = WORD_SIZE[call.abi];
  const items: string[] = [];
  for (let i = 0; ; i++) {
    const bytes = peek(call.task, address + i * word, word);
    if (bytes === undefined)
      return i === 0 ? undefined : `[${items.join(", ")}, ... /* ${pointerText(address + i * word)} */]`;
    const item = wordAt(bytes, 0, call.abi);
    if (item === 0) return `[${items.join(", ")}]`;
    if (i >= 32) return `[${items.join(", ")}, ...]`;
    items.push(cStringText(call.task, item));
  }
}

function envpText(address: number, call: CallView): string | undefined {
  const word = WORD_SIZE[call.abi];
  for (let count = 0; ; count++) {
    const bytes = peek(call.task, address + count * word, word);
    if (bytes === undefined)
      return count === 0 ? undefined : `${pointerText(address)} /* ${count} vars, unterminated */`;
    if (wordAt(bytes, 0, call.abi) === 0) return `${pointerText(address)} /* ${count} var${count === 1 ? "" : "s"} */`;
  }
}

export const execve = defineSyscall(
  "execve",
  [path(), pointerTo("argv", "entry", argvText), pointerTo("envp", "entry", envpText)],
  (task, pathname, argv, envp) => {
    const args = readStrings(task, argv);
    if (typeof args === "number") return args;
    const environment = readStrings(task, envp);
    if (typeof environment === "number") return environment;
    return executeProgram(task, pathname, args, environment);
  },
  { support: "full" },
);

/** The low byte of clone's flags is the exit signal. */
const CSIGNAL = 0xff;

function cloneFlagsText(value: number): string {
  const flags = flagsText((value & ~CSIGNAL) >>> 0, CLONE_FLAG_NAMES, "CLONE_???");
  const signal = value & CSIGNAL;
  if (signal === 0) return flags;
  return (value & ~CSIGNAL) === 0 ? signalText(signal) : `${flags}|${signalText(signal)}`;
}

function when(codec: Codec<number>, flags: number, label: string): Codec<number> {
  return {
    ...codec,
    format: (value, call, at) => {
      const given = Number(call.values[0]);
      return given & flags ? `${label}=${codec.format(value, call, at)}` : undefined;
    },
  };
}

const tidOut = (name: string): Codec<number> =>
  pointerTo(name, "exit", (address, call) => {
    const bytes = peek(call.task, address, 4);
    return bytes === undefined ? undefined : `[${new FrameReader(bytes).i32(0)}]`;
  });

function tlsText(value: number, call: CallView): string {
  return call.abi === "i386" ? (userDescText(value, call) ?? pointerText(value)) : pointerText(value);
}

const cloneFlags: Codec<number> = ulongAs("flags", (value) => `flags=${cloneFlagsText(value >>> 0)}`);
const cloneStack: Codec<number> = ulongAs("stack", (value) => `child_stack=${pointerText(value)}`);
const parentTid = when(tidOut("parent_tid"), CLONE_PARENT_SETTID, "parent_tid");
const childTid = when(pointer("child_tid"), CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, "child_tidptr");
const tlsArgument: Codec<number> = when(
  ulongAs("tls", (value, call) => tlsText(value, call)),
  CLONE_SETTLS,
  "tls",
);

/** strace prints the stack first. */
const flagsAndStack = [
  {
    ...cloneFlags,
    format: (value: number, call: CallView) =>
      `${cloneStack.format(Number(call.values[1]), call, 1)}, ${cloneFlags.format(value, call, 0)}`,
  },
  hidden("stack"),
] as const;

function clone(task: Task, flags: number, stack: number, parent: number, child: number, tls: number): SyscallResult {
  return cloneTask(task, {
    flags: flags & ~CSIGNAL,
    clearSighand: false,
    exitSignal: flags & CSIGNAL,
    stack,
    parentTid: parent,
    childTid: child,
    tls,
    pidfd: parent,
  });
}

const CLONE_NOTE = { support: "partial", note: "no namespaces" } as const;

export const cloneAmd64 = defineSyscall(
  "clone",
  [...flagsAndStack, parentTid, childTid, tlsArgument],
  (task, flags, stack, parent, child, tls) => clone(task, flags, stack, parent, child, tls),
  CLONE_NOTE,
);

/** i386 passes tls before the child's tid (CONFIG_CLONE_BACKWARDS). */
export const cloneI386 = defineSyscall(
  "clone",
  [...flagsAndStack, parentTid, tlsArgument, childTid],
  (task, flags, stack, parent, tls, child) => clone(task, flags, stack, parent, child, tls),
  CLONE_NOTE,
);

function forkArgs(flags: number): CloneArgs {
  return { flags, clearSighand: false, exitSignal: SIGCHLD, stack: 0, parentTid: 0, childTid: 0, tls: 0, pidfd: 0 };
}

export const fork = defineSyscall("fork", [], (task) => cloneTask(task, forkArgs(0)), { support: "full" });
export const vfork = defineSyscall("vfork", [], (task) => cloneTask(task, forkArgs(CLONE_VFORK | CLONE_VM)), {
  support: "full",
});

/** struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls (64 bits each), … */
const CLONE_ARGS_SIZE_VER0 = 64;

function clone3Text(address: number, call: CallView): string | undefined {
  const size = Math.min(Number(call.values[1]), 88);
  const bytes = peek(call.task, address, size);
  if (bytes === undefined || size < CLONE_ARGS_SIZE_VER0) return undefined;
  const from = new FrameReader(bytes);
  const flags = from.u32(0);
  const fields = [`flags=${flagsText(flags, CLONE_FLAG_NAMES, "CLONE_???")}`];
  if (flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) fields.push(`child_tid=${pointerText(from.u64(16))}`);
  if (flags & CLONE_PARENT_SETTID) fields.push(`parent_tid=${pointerText(from.u64(24))}`);
  fields.push(`exit_signal=${from.u32(32) === 0 ? "0" : signalText(from.u32(32))}`);
  fields.push(`stack=${pointerText(from.u64(40))}`, `stack_size=${hex(from.u64(48))}`);
  if (flags & CLONE_SETTLS) fields.push(`tls=${tlsText(from.u64(56), call)}`);
  return `{${fields.join(", ")}}`;
}

/** What the call wrote: strace adds it behind the arguments. */
function clone3Results(call: CallView): string {
  const bytes = peek(call.task, Number(call.values[0]), CLONE_ARGS_SIZE_VER0);
  if (bytes === undefined || (call.result ?? -1) < 0) return "";
  const from = new FrameReader(bytes);
  if (!(from.u32(0) & CLONE_PARENT_SETTID)) return "";
  const tid = peek(call.task, from.u64(24), 4);
  return tid === undefined ? "" : ` => {parent_tid=[${new FrameReader(tid).i32(0)}]}`;
}

/** struct clone_args as it was before the call, then what the call wrote. */
const clone3Args: Codec<number> = {
  ...pointer("cl_args"),
  format: (address, call, at) => clone3Text(address, call) ?? addressText(call, at),
  suffix: clone3Results,
};

export const clone3 = defineSyscall(
  "clone3",
  [clone3Args, sizeT("size")],
  (task, address, size) => {
    if (size < CLONE_ARGS_SIZE_VER0) return -EINVAL;
    if (size > 4096) return -E2BIG;
    const bytes = new Uint8Array(Math.max(size, 88));
    if (task.mm.read(address, bytes.subarray(0, size)) < 0) return -EFAULT;
    if (bytes.subarray(88).some((byte) => byte !== 0)) return -E2BIG;
    const from = new FrameReader(bytes);
    const flags = from.u32(0);
    const stackSize = from.u64(48);
    const stack = from.u64(40);
    if (flags & CSIGNAL || from.u32(4) & ~CLONE_CLEAR_SIGHAND_HI || from.u32(32) > 64) return -EINVAL;
    if ((stack === 0) !== (stackSize === 0)) return -EINVAL;
    return cloneTask(task, {
      flags,
      clearSighand: (from.u32(4) & CLONE_CLEAR_SIGHAND_HI) !== 0,
      exitSignal: from.u32(32),
      stack: stack + stackSize,
      parentTid: from.u64(24),
      childTid: from.u64(16),
      tls: from.u64(56),
      pidfd: from.u64(8),
    });
  },
  { support: "partial", note: "no namespaces, no set_tid, no cgroup" },
);

export const setTidAddress = defineSyscall(
  "set_tid_address",
  [pointer("tidptr")],
  (task, address) => {
    task.clearChildTid = address;
    return task.tid;
  },
  { support: "full" },
);

/** `[{WIFEXITED(s) && WEXITSTATUS(s) == 0}]`. */
function statusText(address: number, call: CallView): string | undefined {
  if (call.result === 0) return undefined;
  const bytes = peek(call.task, address, 4);
  if (bytes === undefined) return undefined;
  const status = new FrameReader(bytes).i32(0);
  const signal = status & 0x7f;
  if (signal === 0x7f) {
    if (status === 0xffff) return "[{WIFCONTINUED(s)}]";
    return `[{WIFSTOPPED(s) && WSTOPSIG(s) == ${signalText((status >> 8) & 0xff)}}]`;
  }
  if (signal === 0) return `[{WIFEXITED(s) && WEXITSTATUS(s) == ${(status >> 8) & 0xff}}]`;
  const core = status & 0x80 ? " && WCOREDUMP(s)" : "";
  return `[{WIFSIGNALED(s) && WTERMSIG(s) == ${signalText(signal)}${core}}]`;
}

const WAIT4_OPTIONS = WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;

function pidMatcher(task: Task, pid: number): (child: ThreadGroup) => boolean {
  if (pid > 0) return (child) => child.pid === pid;
  if (pid === -1) return () => true;
  const pgid = pid === 0 ? task.group.pgid : -pid;
  return (child) => child.pgid === pgid;
}

function wait(task: Task, pid: number, status: number, options: number, rusage: number): SyscallResult {
  if (options & ~WAIT4_OPTIONS) return -EINVAL;
  if (pid === -0x8000_0000) return -ESRCH;
  return waitForChild(task, {
    matches: pidMatcher(task, pid),
    options: options | WEXITED,
    finish: (event) => {
      if (event === undefined) return 0;
      if (status !== 0 && task.mm.writeU32(status, event.status) < 0) return -EFAULT;
      if (rusage !== 0 && task.mm.write(rusage, rusageBytes(task.abi, event)) < 0) return -EFAULT;
      return event.pid;
    },
  });
}

const waitOptions = flagsOf("options", WAIT_OPTION_NAMES, "W???");
const waitStatus = pointerTo("wstatus", "exit", statusText);

export const wait4 = defineSyscall(
  "wait4",
  [
    int("pid"),
    waitStatus,
    waitOptions,
    pointerTo("rusage", "exit", (address, call) => (call.result === 0 ? undefined : rusageText(address, call))),
  ],
  (task, pid, status, options, rusage) => wait(task, pid, status, options, rusage),
  { support: "full" },
);

export const waitpid = defineSyscall(
  "waitpid",
  [int("pid"), waitStatus, waitOptions],
  (task, pid, status, options) => wait(task, pid, status, options, 0),
  { support: "full" },
);

const ID_TYPES: NameTable = [
  [P_ALL, "P_ALL"],
  [P_PID, "P_PID"],
  [P_PGID, "P_PGID"],
  [P_PIDFD, "P_PIDFD"],
];

export const waitid = defineSyscall(
  "waitid",
  [
    enumOf("idtype", ID_TYPES, "P_???"),
    int("id"),
    pointerTo("infop", "exit", (address, call) => {
      const bytes = peek(call.task, address, SIGINFO_SIZE);
      if (bytes === undefined) return undefined;
      return new FrameReader(bytes).i32(0) === 0 ? "{}" : siginfoText(bytes, call.abi);
    }),
    waitOptions,
    pointerTo("rusage", "exit", rusageText),
  ],
  (task, type, id, infop, options, rusage) => {
    const known = WNOHANG | WNOWAIT | WEXITED | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;
    if (options & ~known || !(options & (WEXITED | WUNTRACED | WCONTINUED))) return -EINVAL;
    const matches = idMatcher(task, type, id);
    if (typeof matches === "number") return matches;
    const finish = (event: WaitEvent | undefined) => storeWaitid(task, event, infop, rusage);
    const file = type === P_PIDFD ? task.files.get(id) : undefined;
    if (file === undefined || !file.nonBlocking) return waitForChild(task, { matches, options, finish });
    // a pidfd that does not block: EAGAIN instead of no event
    const noEvent = options & WNOHANG ? finish : (event: WaitEvent | undefined) => (event ? finish(event) : -EAGAIN);
    return waitForChild(task, { matches, options: options | WNOHANG, finish: noEvent });
  },
  { support: "full" },
);

function idMatcher(task: Task, type: number, id: number): ((child: ThreadGroup) => boolean) | number {
  if (type === P_ALL) return () => true;
  if (type === P_PID) return id > 0 ? (child) => child.pid === id : -EINVAL;
  if (type === P_PIDFD) {
    if (id < 0) return -EINVAL;
    const file = fileOf(task, id);
    return file instanceof PidFile ? (child) => child === file.group : -EBADF;
  }
  if (type !== P_PGID || id < 0) return -EINVAL;
  const pgid = id === 0 ? task.group.pgid : id;
  return (child) => child.pgid === pgid;
}

/** Without an event si_signo and si_pid are 0. */
function storeWaitid(task: Task, event: WaitEvent | undefined, infop: number, rusage: number): number {
  if (rusage !== 0 && event !== undefined && task.mm.write(rusage, rusageBytes(task.abi, event)) < 0) return -EFAULT;
  if (infop === 0) return 0;
  // Only the members up to si_status are written.
  const head = task.abi === "amd64" ? 28 : 24;
  const bytes =
    event === undefined ? new FrameWriter(head).bytes : encodeSigInfo(event.info, task.abi).subarray(0, head);
  return task.mm.write(infop, bytes) < 0 ? -EFAULT : 0;
}

/** `{entry_number=-1, base_addr=0xf7fc1500, …}` (strace print_ldt.c). */
export function userDescText(address: number, call: CallView, entryOnly = false): string | undefined {
  const bytes = peek(call.task, address, 16);
  if (bytes === undefined) return undefined;
  const from = new FrameReader(bytes);
  const entry = from.i32(0) === -1 ? "-1" : String(from.u32(0));
  if (entryOnly) return entry;
  const flags = from.u32(12);
  const bit = (shift: number, mask = 1) => (flags >> shift) & mask;
  const pad = (value: number, digits: number) => `0x${value.toString(16).padStart(digits, "0")}`;
  const long = call.abi === "amd64" ? `, lm=${bit(7)}` : "";
  return (
    `{entry_number=${entry}, base_addr=${pad(from.u32(4), 1)}, limit=${pad(from.u32(8), 6)}, seg_32bit=${bit(0)}, ` +
    `contents=${bit(1, 3)}, read_exec_only=${bit(3)}, limit_in_pages=${bit(4)}, seg_not_present=${bit(5)}, useable=${bit(6)}${long}}`
  );
}
