/** futex(2), robust lists, rseq. */
import { EBUSY, EFAULT, EINVAL, ENOSYS, EPERM, ESRCH } from "../src/abi/errno.ts";
import {
  FUTEX_BITSET_MATCH_ANY,
  FUTEX_CLOCK_REALTIME,
  FUTEX_CMD_MASK,
  FUTEX_CMP_REQUEUE,
  FUTEX_CMP_REQUEUE_PI,
  FUTEX_LOCK_PI,
  FUTEX_LOCK_PI2,
  FUTEX_PRIVATE_FLAG,
  FUTEX_REQUEUE,
  FUTEX_TRYLOCK_PI,
  FUTEX_UNLOCK_PI,
  FUTEX_WAIT,
  FUTEX_WAIT_BITSET,
  FUTEX_WAIT_REQUEUE_PI,
  FUTEX_WAKE,
  FUTEX_WAKE_BITSET,
  FUTEX_WAKE_OP,
} from "../src/abi/futex.ts";
import { deadlineOf } from "../src/kernel/clock-ids.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import type { Task } from "../src/kernel/task.ts";
import { readTimespec, type TimeWidth } from "../src/kernel/time-values.ts";
import { int, pointer, pointerTo, sizeT, uint, uintHex, ulongAs, wordAt } from "./codecs.ts";
import { type CallView, type Codec, defineSyscall } from "./define.ts";
import { addressText, hex, peek, pointerText, wordHex } from "./strace-text.ts";
import { timespecAt } from "./struct-text.ts";

const OP_NAMES = [
  "FUTEX_WAIT",
  "FUTEX_WAKE",
  "FUTEX_FD",
  "FUTEX_REQUEUE",
  "FUTEX_CMP_REQUEUE",
  "FUTEX_WAKE_OP",
  "FUTEX_LOCK_PI",
  "FUTEX_UNLOCK_PI",
  "FUTEX_TRYLOCK_PI",
  "FUTEX_WAIT_BITSET",
  "FUTEX_WAKE_BITSET",
  "FUTEX_WAIT_REQUEUE_PI",
  "FUTEX_CMP_REQUEUE_PI",
  "FUTEX_LOCK_PI2",
];

function opText(op: number): string {
  const name = OP_NAMES[op & FUTEX_CMD_MASK];
  const clock = op & FUTEX_CLOCK_REALTIME ? "|FUTEX_CLOCK_REALTIME" : "";
  if (name === undefined) return `${hex(op)} /* FUTEX_??? */`;
  return `${name}${op & FUTEX_PRIVATE_FLAG ? "_PRIVATE" : ""}${clock}`;
}

function command(call: CallView): number {
  return Number(call.values[1]) & FUTEX_CMD_MASK;
}

/** An argument that strace prints only for some commands. */
function only(
  codec: Codec<number>,
  commands: readonly number[],
  format?: (value: number, call: CallView, at: number) => string,
): Codec<number> {
  return {
    ...codec,
    format: (value, call, at) => {
      if (!commands.includes(command(call))) return undefined;
      return format === undefined ? codec.format(value, call, at) : format(value, call, at);
    },
  };
}

const TIMED = [FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_WAIT_REQUEUE_PI];
const COUNTED = [FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_CMP_REQUEUE_PI];
/** FUTEX_CLOCK_REALTIME goes with these. */
const CLOCKED = [FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI2];

function fourth(width: TimeWidth): Codec<number> {
  return {
    ...pointer("timeout"),
    format: (value, call, at) => {
      if (TIMED.includes(command(call))) {
        return value === 0 ? "NULL" : (timespecAt(call, value, width) ?? addressText(call, at));
      }
      return COUNTED.includes(command(call)) ? String(value) : undefined;
    },
  };
}

const WAKE_OPS = ["FUTEX_OP_SET", "FUTEX_OP_ADD", "FUTEX_OP_OR", "FUTEX_OP_ANDN", "FUTEX_OP_XOR"];
const WAKE_COMPARES = ["EQ", "NE", "LT", "LE", "GT", "GE"].map((name) => `FUTEX_OP_CMP_${name}`);

/** `FUTEX_OP_SET<<28|0<<12|FUTEX_OP_CMP_GT<<24|0x1`. */
function wakeOpText(value: number): string {
  const op = (value >>> 28) & 7;
  const shift = (value >>> 28) & 8 ? "FUTEX_OP_OPARG_SHIFT<<28|" : "";
  const compare = (value >>> 24) & 15;
  const name = WAKE_OPS[op] ?? `${hex(op)} /* FUTEX_OP_??? */`;
  const compareName = WAKE_COMPARES[compare] ?? `${hex(compare)} /* FUTEX_OP_CMP_??? */`;
  return `${shift}${name}<<28|${hex((value >>> 12) & 0xfff)}<<12|${compareName}<<24|${hex(value & 0xfff)}`;
}

function sixthText(value: number, call: CallView): string {
  switch (command(call)) {
    case FUTEX_WAIT_BITSET:
    case FUTEX_WAKE_BITSET:
      return value >>> 0 === FUTEX_BITSET_MATCH_ANY ? "FUTEX_BITSET_MATCH_ANY" : hex(value);
    case FUTEX_WAKE_OP:
      return wakeOpText(value);
    default:
      return String(value >>> 0);
  }
}

const futexArgs = (width: TimeWidth) =>
  [
    pointer("uaddr"),
    { ...int("op"), format: (value: number) => opText(value) },
    uint("val"),
    fourth(width),
    only(pointer("uaddr2"), COUNTED),
    only(uint("val3"), [FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET], sixthText),
  ] as const;

function futexCall(width: TimeWidth) {
  return (
    task: Task,
    address: number,
    op: number,
    value: number,
    timeout: number,
    address2: number,
    value3: number,
  ): SyscallResult => {
    const { futexes } = task.kernel;
    const isPrivate = (op & FUTEX_PRIVATE_FLAG) !== 0;
    const cmd = op & FUTEX_CMD_MASK;
    let deadlineNs = Number.POSITIVE_INFINITY;
    if (timeout !== 0 && TIMED.includes(cmd)) {
      const time = readTimespec(task, timeout, width);
      if (typeof time === "number") return time;
      const realtime = (op & FUTEX_CLOCK_REALTIME) !== 0 || cmd === FUTEX_LOCK_PI;
      deadlineNs = deadlineOf(task, realtime ? 0 : 1, time, cmd !== FUTEX_WAIT);
    }
    if (op & FUTEX_CLOCK_REALTIME && !CLOCKED.includes(cmd)) return -ENOSYS;
    switch (cmd) {
      case FUTEX_WAIT:
      case FUTEX_WAIT_BITSET: {
        const relative = cmd === FUTEX_WAIT;
        const bitset = relative ? FUTEX_BITSET_MATCH_ANY : value3;
        return futexes.wait(task, { address, value, isPrivate, bitset, deadlineNs, relative });
      }
      case FUTEX_LOCK_PI:
      case FUTEX_LOCK_PI2:
      case FUTEX_TRYLOCK_PI:
        return futexes.pi.lock(task, { address, isPrivate, deadlineNs }, cmd !== FUTEX_TRYLOCK_PI);
      case FUTEX_UNLOCK_PI:
        return futexes.pi.unlock(task, address, isPrivate);
      case FUTEX_WAIT_REQUEUE_PI: {
        const wait = { address, value, isPrivate, bitset: FUTEX_BITSET_MATCH_ANY, deadlineNs, relative: false };
        return futexes.waitRequeuePi(task, wait, address2);
      }
      case FUTEX_CMP_REQUEUE_PI: {
        const counts = { wake: value | 0, move: timeout | 0 };
        return futexes.requeuePi(task, address, address2, counts, isPrivate, value3);
      }
      case FUTEX_WAKE:
        return futexes.wake(task, address, value | 0, isPrivate, FUTEX_BITSET_MATCH_ANY);
      case FUTEX_WAKE_BITSET:
        return futexes.wake(task, address, value | 0, isPrivate, value3);
      case FUTEX_REQUEUE:
      case FUTEX_CMP_REQUEUE: {
        const counts = { wake: value | 0, move: timeout | 0 };
        const expected = cmd === FUTEX_CMP_REQUEUE ? value3 : undefined;
        return futexes.requeue(task, address, address2, counts, isPrivate, expected);
      }
      case FUTEX_WAKE_OP: {
        const counts = { first: value | 0, second: timeout | 0 };
        return futexes.wakeOp(task, address, address2, counts, isPrivate, value3);
      }
      default:
        return -ENOSYS;
    }
  };
}

const FUTEX_NOTE = { support: "full" } as const;

export const futex = defineSyscall("futex", futexArgs("native"), futexCall("native"), FUTEX_NOTE);
export const futexTime64 = defineSyscall("futex_time64", futexArgs("64"), futexCall("64"), FUTEX_NOTE);

export const setRobustList = defineSyscall(
  "set_robust_list",
  [pointer("head"), sizeT("len")],
  (task, head, length) => {
    if (length !== 3 * task.mm.wordSize) return -EINVAL;
    task.robustListHead = head;
    return 0;
  },
  { support: "full" },
);

const wordOut = (name: string) =>
  pointerTo(name, "exit", (address, call) => {
    const bytes = peek(call.task, address, call.abi === "amd64" ? 8 : 4);
    if (bytes === undefined) return undefined;
    const value = wordAt(bytes, 0, call.abi);
    return name === "len" ? `[${value}]` : `[${pointerText(value)}]`;
  });

export const getRobustList = defineSyscall(
  "get_robust_list",
  [int("pid"), wordOut("head"), wordOut("len")],
  (task, pid, headAddress, lengthAddress) => {
    const target = pid === 0 ? task : task.kernel.tasks.get(pid);
    if (target === undefined) return -ESRCH;
    if (target.group !== task.group && task.creds.euid !== 0) return -EPERM;
    if (task.mm.writeWord(lengthAddress, 3 * task.mm.wordSize) < 0) return -EFAULT;
    return task.mm.writeWord(headAddress, target.robustListHead) < 0 ? -EFAULT : 0;
  },
  { support: "full" },
);

const RSEQ_FLAG_UNREGISTER = 1;
/** ORIG_RSEQ_SIZE, and the size from Linux 6.3 on. */
const RSEQ_MIN_SIZE = 32;
const RSEQ_ALIGN = 32;
const RSEQ_CPU_ID_UNINITIALIZED = 0xffff_ffff;

export const rseq = defineSyscall(
  "rseq",
  [
    pointer("rseq"),
    uintHex("rseq_len"),
    ulongAs("flags", (_value, call, at) => rseqFlagsText(call, at)),
    uintHex("sig"),
  ],
  (task, address, length, flags, signature) => {
    if (flags & RSEQ_FLAG_UNREGISTER) return unregisterRseq(task, address, length, flags, signature);
    if (flags !== 0) return -EINVAL;
    const known = task.rseq;
    if (known !== undefined) {
      if (known.address !== address || known.length !== length) return -EINVAL;
      return known.signature !== signature ? -EPERM : -EBUSY;
    }
    if (address % RSEQ_ALIGN !== 0 || length < RSEQ_MIN_SIZE) return -EINVAL;
    if (address + length > task.mm.layout.taskSize) return -EFAULT;
    // cpu_id_start, cpu_id, rseq_cs (64 bits), flags, node_id, mm_cid: the one CPU of this machine is number 0.
    if (task.mm.fill(address, 28) < 0) return -EFAULT;
    task.rseq = { address, length, signature };
    return 0;
  },
  { support: "partial", note: "registers the area; the one CPU is 0 and critical sections are never aborted" },
);

function rseqFlagsText(call: CallView, at: number): string {
  return wordHex(call, at) === "1"
    ? "RSEQ_FLAG_UNREGISTER"
    : wordHex(call, at) === "0"
      ? "0"
      : `0x${wordHex(call, at)}`;
}

function unregisterRseq(task: Task, address: number, length: number, flags: number, signature: number): number {
  const known = task.rseq;
  if (flags & ~RSEQ_FLAG_UNREGISTER) return -EINVAL;
  if (known === undefined || known.address !== address || known.length !== length) return -EINVAL;
  if (known.signature !== signature) return -EPERM;
  if (task.mm.fill(address, 28) < 0) return -EFAULT;
  if (task.mm.writeU32(address + 4, RSEQ_CPU_ID_UNINITIALIZED) < 0) return -EFAULT;
  task.rseq = undefined;
  return 0;
}
