/** poll(2), select(2) and their kin: fs/select.c. */
import { WORD_SIZE } from "../src/abi/abi.ts";
import { EBADF, EFAULT, EINVAL } from "../src/abi/errno.ts";
import { O_PATH } from "../src/abi/fcntl.ts";
import { POLLEX_SET, POLLIN_SET, POLLNVAL, POLLOUT_SET } from "../src/abi/poll.ts";
import { RLIMIT_NOFILE } from "../src/abi/resource.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import { type PollEntry, pollFiles, restoreMask, waitWithMask } from "../src/kernel/poll.ts";
import { SignalSet } from "../src/kernel/signal-set.ts";
import type { Task } from "../src/kernel/task.ts";
import {
  readTimespec,
  readTimeval,
  type TimeWidth,
  toNs,
  toTime,
  writeTimespec,
  writeTimeval,
} from "../src/kernel/time-values.ts";
import { int, pointerTo, sizeT, u32At, uint, wordAt } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { fdSetText, pollEntriesText, pollResultText, selectResultText } from "./format-poll.ts";
import { anyFile, fileOf, readBytes } from "./io.ts";
import { hex, peek } from "./strace-text.ts";
import { sigset, sigsetAt, timespec, timeval } from "./struct-text.ts";

const NO_DEADLINE = Number.POSITIVE_INFINITY;
/** sizeof(struct pollfd): fd, events, revents. */
const POLLFD_SIZE = 8;

/** struct pollfd array to entries; `entries[i]` is undefined for negative descriptors, which poll skips. */
function readPollfds(task: Task, address: number, count: number): (PollEntry | undefined)[] | number {
  const bytes = readBytes(task, address, count * POLLFD_SIZE);
  if (bytes === undefined) return -EFAULT;
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, i) => {
    const fd = view.getInt32(i * POLLFD_SIZE, true);
    if (fd < 0) return undefined;
    const file = fileOf(task, fd);
    const events = view.getInt16(i * POLLFD_SIZE + 4, true) & 0xffff;
    return { file: typeof file === "number" ? undefined : file, events, revents: 0 };
  });
}

function writeRevents(task: Task, address: number, slots: readonly (PollEntry | undefined)[]): number {
  for (const [i, slot] of slots.entries()) {
    const failed = task.mm.writeU16(address + i * POLLFD_SIZE + 6, slot?.revents ?? 0);
    if (failed < 0) return -EFAULT;
  }
  return 0;
}

interface Wait {
  readonly deadlineNs: number;
  readonly restart: "block" | "call";
  /** Stores the remaining time. */
  readonly settle: () => void;
}

function doPoll(task: Task, address: number, count: number, wait: Wait): SyscallResult {
  if (count > task.group.rlimits.get(RLIMIT_NOFILE).cur) return -EINVAL;
  const slots = readPollfds(task, address, count);
  if (typeof slots === "number") return slots;
  const entries = slots.filter((slot): slot is PollEntry => slot !== undefined);
  const finish = (ready: number) => {
    wait.settle();
    return writeRevents(task, address, slots) || ready;
  };
  return pollFiles(task, { entries, deadlineNs: wait.deadlineNs, restart: wait.restart, finish });
}

function afterMs(task: Task, ms: number): number {
  return ms < 0 ? NO_DEADLINE : task.kernel.clock.monotonicNs + ms * 1e6;
}

const pollfds = (name = "fds") => pointerTo(name, "entry", (address, call) => pollEntriesText(call, address));

export const poll = defineSyscall(
  "poll",
  [pollfds(), uint("nfds"), int("timeout")],
  (task, address, count, timeout) =>
    doPoll(task, address, count, { deadlineNs: afterMs(task, timeout), restart: "block", settle: () => {} }),
  { support: "full", result: (value, call) => pollResultText(value, call, undefined) },
);

/** The time left until a deadline goes back to the caller, who has put the timeout there. */
function remaining(task: Task, deadlineNs: number) {
  return toTime(Math.max(0, deadlineNs - task.kernel.clock.monotonicNs));
}

/** A signal mask of `size` bytes at `address`; undefined for none, -errno. */
function readMask(task: Task, address: number, size: number): SignalSet | undefined | number {
  if (address === 0) return undefined;
  if (size !== 8) return -EINVAL;
  const bytes = readBytes(task, address, 8);
  return bytes === undefined ? -EFAULT : new SignalSet(u32At(bytes, 0) | 0, u32At(bytes, 4) | 0);
}

/** The deadline of a relative timespec that may be NULL, or -errno. */
function readDeadline(task: Task, address: number, width: TimeWidth): number {
  if (address === 0) return NO_DEADLINE;
  const time = readTimespec(task, address, width);
  return typeof time === "number" ? time : task.kernel.clock.monotonicNs + toNs(time);
}

function ppollWith(name: string, width: TimeWidth) {
  return defineSyscall(
    name,
    [pollfds(), uint("nfds"), timespec("tmo_p", "entry", width), sigset("sigmask", "entry"), sizeT("sigsetsize")],
    (task, address, count, timeout, maskAddress, maskSize) => {
      const deadlineNs = readDeadline(task, timeout, width);
      if (deadlineNs < 0) return deadlineNs;
      const mask = readMask(task, maskAddress, maskSize);
      if (typeof mask === "number") return mask;
      waitWithMask(task, mask);
      const settle = () => {
        restoreMask(task);
        if (timeout !== 0) writeTimespec(task, timeout, remaining(task, deadlineNs), width);
      };
      const result = doPoll(task, address, count, { deadlineNs, restart: "call", settle });
      if (typeof result === "number") restoreMask(task);
      return result;
    },
    { support: "full", result: (value, call) => pollResultText(value, call, width) },
  );
}

export const ppoll = ppollWith("ppoll", "native");
export const ppollTime64 = ppollWith("ppoll_time64", "64");

const SETS = [POLLIN_SET, POLLOUT_SET, POLLEX_SET] as const;

interface SelectEntry extends PollEntry {
  readonly fd: number;
  /** Which of the three sets hold the descriptor, by bit. */
  readonly sets: number;
}

/** Bytes of an fd_set of `count` descriptors: whole longs (FDS_BYTES). */
function setBytes(task: Task, count: number): number {
  const word = WORD_SIZE[task.abi];
  return Math.ceil(count / (word * 8)) * word;
}

function readSets(task: Task, count: number, addresses: readonly number[]): SelectEntry[] | number {
  const size = setBytes(task, count);
  const sets: (Uint8Array | undefined)[] = [];
  for (const address of addresses) {
    const bytes = address === 0 ? undefined : readBytes(task, address, size);
    if (address !== 0 && bytes === undefined) return -EFAULT;
    sets.push(bytes);
  }
  const entries: SelectEntry[] = [];
  for (let fd = 0; fd < count; fd++) {
    const bit = 1 << (fd & 7);
    let member = 0;
    for (const [i, bytes] of sets.entries()) if (bytes !== undefined && bytes[fd >> 3] & bit) member |= 1 << i;
    if (member === 0) continue;
    const known = anyFile(task, fd);
    if (typeof known === "number") return -EBADF;
    // one that only names a place counts as ready (EPOLLNVAL in POLLIN_SET, POLLOUT_SET, POLLEX_SET)
    const file = known.flags & O_PATH ? undefined : known;
    const events = SETS.reduce((sum, bits, i) => (member & (1 << i) ? sum | bits : sum), 0);
    entries.push({ fd, file, sets: member, events, revents: 0 });
  }
  return entries;
}

function writeSets(task: Task, count: number, addresses: readonly number[], entries: readonly SelectEntry[]): number {
  const size = setBytes(task, count);
  let ready = 0;
  for (const [i, address] of addresses.entries()) {
    const bytes = new Uint8Array(size);
    for (const { fd, sets, revents } of entries) {
      if (!(sets & (1 << i)) || (revents & (SETS[i] | POLLNVAL)) === 0) continue;
      bytes[fd >> 3] |= 1 << (fd & 7);
      ready++;
    }
    if (address !== 0 && task.mm.write(address, bytes) < 0) return -EFAULT;
  }
  return ready;
}

function doSelect(task: Task, count: number, addresses: readonly number[], wait: Omit<Wait, "restart">): SyscallResult {
  if (count < 0) return -EINVAL;
  const limited = Math.min(count, task.files.size);
  const entries = readSets(task, limited, addresses);
  if (typeof entries === "number") return entries;
  const finish = () => {
    wait.settle();
    return writeSets(task, limited, addresses, entries);
  };
  // An exceptional condition that nobody asked for (POLLERR, POLLHUP) counts as readable and writable, as the sets say.
  return pollFiles(task, { entries, deadlineNs: wait.deadlineNs, restart: "call", finish });
}

const fdset = (name: string) => pointerTo(name, "entry", (address, call) => fdSetText(call, address, countOf(call)));

function countOf(call: CallView): number {
  return Math.max(0, call.values[0] as number);
}

function selectTimeval(task: Task, address: number): number {
  if (address === 0) return NO_DEADLINE;
  const time = readTimeval(task, address);
  if (typeof time === "number") return time;
  if (time.sec < 0 || time.usec < 0) return -EINVAL;
  return task.kernel.clock.monotonicNs + toNs({ sec: time.sec, nsec: time.usec * 1000 });
}

function selectCall(task: Task, count: number, addresses: readonly number[], timeout: number): SyscallResult {
  const deadlineNs = selectTimeval(task, timeout);
  if (deadlineNs < 0) return deadlineNs;
  const settle = () => {
    if (timeout !== 0) writeTimeval(task, timeout, remaining(task, deadlineNs));
  };
  return doSelect(task, count, addresses, { deadlineNs, settle });
}

const SELECT_ARGS = [
  int("nfds"),
  fdset("readfds"),
  fdset("writefds"),
  fdset("exceptfds"),
  timeval("timeout", "entry"),
] as const;

function selectNamed(name: string) {
  return defineSyscall(
    name,
    SELECT_ARGS,
    (task, count, read, write, except, timeout) => selectCall(task, count, [read, write, except], timeout),
    { support: "full", result: (value, call) => selectResultText(value, call, "val") },
  );
}

export const select = selectNamed("select");
export const newselect = selectNamed("_newselect");

/** i386's first select: one pointer to all five arguments. */
export const oldSelect = defineSyscall(
  "oldselect",
  [pointerTo("arg", "entry", (address) => hex(address))],
  (task, address) => {
    const bytes = readBytes(task, address, 20);
    if (bytes === undefined) return -EFAULT;
    const [count, read, write, except, timeout] = [0, 4, 8, 12, 16].map((at) => u32At(bytes, at));
    return selectCall(task, count | 0, [read, write, except], timeout);
  },
  { support: "full" },
);

/** pselect6's sixth argument: a pointer to mask and size. */
function maskArgumentText(address: number, call: CallView): string | undefined {
  const word = WORD_SIZE[call.abi];
  const bytes = peek(call.task, address, 2 * word);
  if (bytes === undefined) return undefined;
  const mask = wordAt(bytes, 0, call.abi);
  const text = mask === 0 ? "NULL" : (sigsetAt(call, mask) ?? hex(mask));
  return `{sigmask=${text}, sigsetsize=${wordAt(bytes, word, call.abi)}}`;
}

function pselectWith(name: string, width: TimeWidth) {
  return defineSyscall(
    name,
    [
      int("nfds"),
      fdset("readfds"),
      fdset("writefds"),
      fdset("exceptfds"),
      timespec("timeout", "entry", width),
      pointerTo("sigmask", "entry", maskArgumentText),
    ],
    (task, count, read, write, except, timeout, pair) => {
      const deadlineNs = readDeadline(task, timeout, width);
      if (deadlineNs < 0) return deadlineNs;
      const mask = readMaskPair(task, pair);
      if (typeof mask === "number") return mask;
      waitWithMask(task, mask);
      const settle = () => {
        restoreMask(task);
        if (timeout !== 0) writeTimespec(task, timeout, remaining(task, deadlineNs), width);
      };
      const result = doSelect(task, count, [read, write, except], { deadlineNs, settle });
      if (typeof result === "number") restoreMask(task);
      return result;
    },
    { support: "full", result: (value, call) => selectResultText(value, call, width) },
  );
}

function readMaskPair(task: Task, address: number): SignalSet | undefined | number {
  if (address === 0) return undefined;
  const word = WORD_SIZE[task.abi];
  const bytes = readBytes(task, address, 2 * word);
  if (bytes === undefined) return -EFAULT;
  return readMask(task, wordAt(bytes, 0, task.abi), wordAt(bytes, word, task.abi));
}

export const pselect6 = pselectWith("pselect6", "native");
export const pselect6Time64 = pselectWith("pselect6_time64", "64");
