/** prctl(2), arch_prctl(2), personality(2), i386's thread areas. */
import { EEXIST, EFAULT, EINVAL, ENODEV, EPERM } from "../src/abi/errno.ts";
import * as PR from "../src/abi/prctl.ts";
import { bytesOf, textOf } from "../src/host/text.ts";
import { isPrivileged } from "../src/kernel/credentials.ts";
import type { Task } from "../src/kernel/task.ts";
import {
  modifyLdt as changeLdt,
  getThreadArea as readThreadArea,
  setThreadArea as writeThreadArea,
} from "../src/kernel/task-tls.ts";
import { enumOf, int, intAs, pointer, pointerTo, ulong, ulongAs, wordAt } from "./codecs.ts";
import { type CallView, type Codec, defineSyscall } from "./define.ts";
import { userDescText } from "./process.ts";
import {
  addressText,
  cStringText,
  enumText,
  flagsText,
  hex,
  type NameTable,
  peek,
  pointerText,
  wordHex,
} from "./strace-text.ts";
import { signalText } from "./struct-text.ts";

const FULL = { support: "full" } as const;
const COMM_LENGTH = 15;
/** CAP_LAST_CAP. */
const LAST_CAP = 40;

/** An argument of prctl that only some options print. */
function prctlArgument(name: string, index: 1 | 2 | 3 | 4): Codec<number> {
  return {
    ...ulongAs(name, (value, call, at) => argumentText(Number(call.values[0]), index, value, call, at)),
    when: index === 1 ? "exit" : "entry",
  };
}

function argumentText(option: number, index: number, value: number, call: CallView, at: number): string | undefined {
  const arity = ARITY[option];
  if (arity !== undefined && index > arity) return undefined;
  switch (option) {
    case PR.PR_SET_NAME:
      return cStringText(call.task, value, COMM_LENGTH);
    case PR.PR_GET_NAME:
      return (call.result ?? -1) < 0 ? addressText(call, at) : cStringText(call.task, value, COMM_LENGTH + 1);
    case PR.PR_SET_PDEATHSIG:
      return signalText(value);
    case PR.PR_SET_DUMPABLE:
      return enumText(value, DUMPABLE_NAMES, "SUID_DUMP_???");
    case PR.PR_SET_TIMERSLACK:
    case PR.PR_SET_KEEPCAPS:
    case PR.PR_SET_NO_NEW_PRIVS:
    case PR.PR_SET_CHILD_SUBREAPER:
      return String(value);
    case PR.PR_SET_VMA:
      if (index === 1)
        return value === PR.PR_SET_VMA_ANON_NAME ? "PR_SET_VMA_ANON_NAME" : `${hex(value)} /* PR_SET_VMA_??? */`;
      if (index === 2) return addressText(call, at).replace("NULL", "0");
      return index === 3 ? String(value) : cStringText(call.task, value, 80);
    default:
      return `0x${wordHex(call, at)}`.replace(/^0x0$/, "0");
  }
}

const DUMPABLE_NAMES: NameTable = [
  [0, "SUID_DUMP_DISABLE"],
  [1, "SUID_DUMP_USER"],
  [2, "SUID_DUMP_ROOT"],
];

/** Arguments that strace prints behind the option. */
const ARITY: Readonly<Record<number, number>> = {
  [PR.PR_GET_DUMPABLE]: 0,
  [PR.PR_GET_KEEPCAPS]: 0,
  [PR.PR_GET_SECCOMP]: 0,
  [PR.PR_GET_TIMERSLACK]: 0,
  [PR.PR_GET_TIMING]: 0,
  [PR.PR_SET_NAME]: 1,
  [PR.PR_GET_NAME]: 1,
  [PR.PR_SET_PDEATHSIG]: 1,
  [PR.PR_GET_PDEATHSIG]: 1,
  [PR.PR_SET_DUMPABLE]: 1,
  [PR.PR_SET_KEEPCAPS]: 1,
  [PR.PR_SET_TIMERSLACK]: 1,
  [PR.PR_SET_CHILD_SUBREAPER]: 1,
  [PR.PR_GET_CHILD_SUBREAPER]: 1,
  [PR.PR_GET_TID_ADDRESS]: 1,
  [PR.PR_CAPBSET_READ]: 1,
  [PR.PR_CAPBSET_DROP]: 1,
  [PR.PR_SET_VMA]: 4,
};

export const prctl = defineSyscall(
  "prctl",
  [
    enumOf("option", PR.PRCTL_NAMES, "PR_???"),
    prctlArgument("arg2", 1),
    prctlArgument("arg3", 2),
    prctlArgument("arg4", 3),
    prctlArgument("arg5", 4),
  ],
  (task, option, arg2, arg3, arg4, arg5) => control(task, option, arg2, arg3, arg4, arg5),
  {
    result: (value, call) =>
      Number(call.values[0]) === PR.PR_GET_DUMPABLE
        ? `${value} (${enumText(value, DUMPABLE_NAMES, "SUID_DUMP_???")})`
        : String(value),
    support: "partial",
    note: "names, death signal, dumpable, timer slack, no_new_privs, subreaper, PR_SET_VMA; others EINVAL",
  },
);

function control(task: Task, option: number, arg2: number, arg3: number, arg4: number, arg5: number): number {
  const { group } = task;
  switch (option) {
    case PR.PR_SET_PDEATHSIG:
      if (arg2 > 64) return -EINVAL;
      task.parentDeathSignal = arg2;
      return 0;
    case PR.PR_GET_PDEATHSIG:
      return task.mm.writeU32(arg2, task.parentDeathSignal) < 0 ? -EFAULT : 0;
    case PR.PR_GET_DUMPABLE:
      return group.dumpable;
    case PR.PR_SET_DUMPABLE:
      if (arg2 !== 0 && arg2 !== 1) return -EINVAL;
      group.dumpable = arg2;
      return 0;
    case PR.PR_GET_KEEPCAPS:
      return task.keepCaps ? 1 : 0;
    case PR.PR_GET_TIMING:
    case PR.PR_GET_SECCOMP:
    case PR.PR_GET_SECUREBITS:
      return 0;
    case PR.PR_SET_KEEPCAPS:
      if (arg2 > 1) return -EINVAL;
      task.keepCaps = arg2 === 1;
      return 0;
    case PR.PR_GET_TSC:
      return task.mm.writeU32(arg2, PR.PR_TSC_ENABLE) < 0 ? -EFAULT : 0;
    case PR.PR_TASK_PERF_EVENTS_DISABLE:
    case PR.PR_TASK_PERF_EVENTS_ENABLE:
      return 0;
    case PR.PR_CAP_AMBIENT:
      return arg2 === PR.PR_CAP_AMBIENT_IS_SET && arg3 <= LAST_CAP && arg4 === 0 && arg5 === 0 ? 0 : -EINVAL;
    case PR.PR_SET_TIMING:
      return arg2 === 0 ? 0 : -EINVAL;
    case PR.PR_SET_NAME:
      return setName(task, arg2);
    case PR.PR_GET_NAME:
      return getName(task, arg2);
    case PR.PR_CAPBSET_READ:
      return arg2 > LAST_CAP ? -EINVAL : 1;
    case PR.PR_CAPBSET_DROP:
      if (!isPrivileged(task.creds)) return -EPERM;
      return arg2 > LAST_CAP ? -EINVAL : 0;
    case PR.PR_SET_TIMERSLACK:
      task.timerSlackNs = arg2 === 0 ? 50_000 : arg2;
      return 0;
    case PR.PR_GET_TIMERSLACK:
      return task.timerSlackNs;
    case PR.PR_SET_CHILD_SUBREAPER:
      group.childSubreaper = arg2 !== 0;
      return 0;
    case PR.PR_GET_CHILD_SUBREAPER:
      return task.mm.writeU32(arg2, group.childSubreaper ? 1 : 0) < 0 ? -EFAULT : 0;
    case PR.PR_SET_NO_NEW_PRIVS:
      if (arg2 !== 1 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0) return -EINVAL;
      task.noNewPrivs = true;
      return 0;
    case PR.PR_GET_NO_NEW_PRIVS:
      if (arg2 !== 0 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0) return -EINVAL;
      return task.noNewPrivs ? 1 : 0;
    case PR.PR_GET_TID_ADDRESS:
      return task.mm.writeWord(arg2, task.clearChildTid) < 0 ? -EFAULT : 0;
    case PR.PR_GET_THP_DISABLE:
      return arg2 !== 0 || arg3 !== 0 || arg4 !== 0 || arg5 !== 0 ? -EINVAL : 0;
    case PR.PR_SET_VMA:
      return arg2 === PR.PR_SET_VMA_ANON_NAME ? nameVma(task) : -EINVAL;
    default:
      return -EINVAL;
  }
}

/** Anonymous VMA names need CONFIG_ANON_VMA_NAME, which the recorded kernels lack. */
function nameVma(_task: Task): number {
  return -EINVAL;
}

function setName(task: Task, address: number): number {
  const name = task.mm.readCString(address, COMM_LENGTH + 1);
  if (typeof name === "string") {
    task.comm = name;
    return 0;
  }
  const bytes = new Uint8Array(COMM_LENGTH);
  if (task.mm.read(address, bytes) < 0) return -EFAULT;
  task.comm = textOf(bytes);
  return 0;
}

function getName(task: Task, address: number): number {
  const bytes = new Uint8Array(COMM_LENGTH + 1);
  bytes.set(bytesOf(task.comm.slice(0, COMM_LENGTH)));
  return task.mm.write(address, bytes) < 0 ? -EFAULT : 0;
}

/** Codes that write a word: strace shows it after the call. */
const ARCH_GETS: readonly number[] = [PR.ARCH_GET_FS, PR.ARCH_GET_GS];

export const archPrctl = defineSyscall(
  "arch_prctl",
  [
    enumOf("code", PR.ARCH_PRCTL_NAMES, "ARCH_???"),
    {
      ...ulongAs("addr", (value, call, at) => {
        if (!ARCH_GETS.includes(Number(call.values[0])) || (call.result ?? -1) < 0)
          return `0x${wordHex(call, at)}`.replace(/^0x0$/, archZero(call));
        const bytes = peek(call.task, value, 8);
        return bytes === undefined ? pointerText(value) : `[${hex(wordAt(bytes, 0, "amd64"))}]`;
      }),
      when: "exit",
    },
  ],
  (task, code, address) => archControl(task, code, address),
  { support: "full" },
);

function archZero(call: CallView): string {
  return [PR.ARCH_SET_FS, PR.ARCH_SET_GS, ...ARCH_GETS].includes(Number(call.values[0])) ? "NULL" : "0";
}

function archControl(task: Task, code: number, address: number): number {
  const { state } = task.kernel.cpu;
  // In i386 only the CPUID codes exist.
  const is64 = task.abi === "amd64";
  switch (code) {
    case PR.ARCH_SET_FS:
      if (!is64) return -EINVAL;
      if (address >= task.mm.layout.taskSize) return -EPERM;
      state.fsBase = address;
      return 0;
    case PR.ARCH_SET_GS:
      if (!is64) return -EINVAL;
      if (address >= task.mm.layout.taskSize) return -EPERM;
      state.gsBase = address;
      return 0;
    case PR.ARCH_GET_FS:
      return is64 ? task.mm.writeU64(address, state.fsBase) : -EINVAL;
    case PR.ARCH_GET_GS:
      return is64 ? task.mm.writeU64(address, state.gsBase) : -EINVAL;
    case PR.ARCH_GET_CPUID:
      return 1;
    case PR.ARCH_SET_CPUID:
      return -ENODEV;
    case PR.ARCH_GET_XCOMP_SUPP:
    case PR.ARCH_GET_XCOMP_PERM:
      // The legacy components x87 and SSE are always there.
      return task.mm.writeU64(address, task.kernel.config.xstateFeatures | 3) < 0 ? -EFAULT : 0;
    case PR.ARCH_MAP_VDSO_32:
    case PR.ARCH_MAP_VDSO_64:
      return is64 ? -EEXIST : -EINVAL;
    default:
      return -EINVAL;
  }
}

const PERSONALITIES: NameTable = [
  [0, "PER_LINUX"],
  [8, "PER_LINUX32"],
];
const PERSONALITY_FLAGS: NameTable = [
  [0x0020000, "UNAME26"],
  [0x0040000, "ADDR_NO_RANDOMIZE"],
  [0x0080000, "FDPIC_FUNCPTRS"],
  [0x0100000, "MMAP_PAGE_ZERO"],
  [0x0200000, "ADDR_COMPAT_LAYOUT"],
  [0x0400000, "READ_IMPLIES_EXEC"],
  [0x0800000, "ADDR_LIMIT_32BIT"],
  [0x1000000, "SHORT_INODE"],
  [0x2000000, "WHOLE_SECONDS"],
  [0x4000000, "STICKY_TIMEOUTS"],
  [0x8000000, "ADDR_LIMIT_3GB"],
];

function personalityText(value: number): string {
  const type = enumText(value & 0xff, PERSONALITIES, "PER_???");
  const flags = (value & ~0xff) >>> 0;
  return flags === 0 ? type : `${type}|${flagsText(flags, PERSONALITY_FLAGS, "???")}`;
}

export const personality = defineSyscall(
  "personality",
  [intAs("persona", (value) => (value === -1 ? "0xffffffff" : personalityText(value)))],
  (task, persona) => {
    const old = task.personality;
    if (persona !== -1) task.personality = persona;
    return old;
  },
  { support: "full", result: (value) => `${hex(value)} (${personalityText(value)})` },
);

export const setThreadArea = defineSyscall(
  "set_thread_area",
  [pointerTo("u_info", "entry", (address, call) => userDescText(address, call))],
  (task, address) => writeThreadArea(task, address),
  {
    support: "full",
    result: (value, call) => {
      const entry = userDescText(Number(call.values[0]), call, true);
      return value === 0 && entry !== undefined ? `0 (entry_number=${entry})` : String(value);
    },
  },
);

export const getThreadArea = defineSyscall(
  "get_thread_area",
  [pointerTo("u_info", "exit", (address, call) => userDescText(address, call))],
  (task, address) => readThreadArea(task, address),
  FULL,
);

export const modifyLdt = defineSyscall(
  "modify_ldt",
  [int("func"), pointer("ptr"), ulong("bytecount")],
  (task, func, address, count) => changeLdt(task, func, address, count),
  { support: "partial", note: "code segments of the LDT cannot be run" },
);

/** Root's port and performance knobs that programs merely probe. */
export const iopl = defineSyscall(
  "iopl",
  [int("level")],
  (_task, level) => (level < 0 || level > 3 ? -EINVAL : -EPERM),
  { support: "partial", note: "always refused" },
);
export const ioperm = defineSyscall("ioperm", [ulong("from"), ulong("num"), int("turn_on")], () => -EPERM, {
  support: "partial",
  note: "always refused",
});
