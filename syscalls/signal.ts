/** Signals: sigaction(2), sigprocmask(2), sigaltstack(2), kill(2) and their kin. */
import { EFAULT, EINTR, EINVAL, EPERM, ESRCH } from "../src/abi/errno.ts";
import { NSIG, SA_RESTORER, SI_TKILL, SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, UAPI_SA_FLAGS } from "../src/abi/signal.ts";
import { fromSignedWords } from "../src/base/address.ts";
import { registersSet, type SyscallResult } from "../src/kernel/control.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import { Gpr } from "../src/kernel/registers.ts";
import type { SigAction } from "../src/kernel/sighand.ts";
import { sigInfo } from "../src/kernel/siginfo.ts";
import { decodeSigInfo, SIGINFO_SIZE } from "../src/kernel/siginfo-layout.ts";
import { altStackFlags, setBlocked } from "../src/kernel/signal-delivery.ts";
import { sigreturnAmd64 } from "../src/kernel/signal-frame-amd64.ts";
import { rtSigreturnI386, sigreturnI386 } from "../src/kernel/signal-frame-i386.ts";
import { SignalSet } from "../src/kernel/signal-set.ts";
import { pauseTask, setAction, sigsuspend, sigtimedwait } from "../src/kernel/signal-waits.ts";
import type { Task } from "../src/kernel/task.ts";
import { setAltStack } from "../src/kernel/task-altstack.ts";
import {
  checkKillPermission,
  kill as killProcess,
  tgkill as killThread,
  sendToGroup,
} from "../src/kernel/task-signals.ts";
import { readTimespec, type TimeWidth, toNs } from "../src/kernel/time-values.ts";
import { enumOf, hidden, int, intAs, pointerTo, sizeT } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { siginfoText } from "./siginfo-text.ts";
import { flagsText, hex, type NameTable, peek, pointerText } from "./strace-text.ts";
import { signalSetText, signalText, sigset, sigsetAt, timespec } from "./struct-text.ts";

const SIGSET_SIZE = 8;

const HOW_NAMES: NameTable = [
  [SIG_BLOCK, "SIG_BLOCK"],
  [SIG_UNBLOCK, "SIG_UNBLOCK"],
  [SIG_SETMASK, "SIG_SETMASK"],
];

/** In strace's order (xlat/sigact_flags). */
const SA_NAMES: NameTable = [
  [0x0400_0000, "SA_RESTORER"],
  [0x0800_0000, "SA_ONSTACK"],
  [0x1000_0000, "SA_RESTART"],
  [0x2000_0000, "SA_INTERRUPT"],
  [0x4000_0000, "SA_NODEFER"],
  [0x8000_0000, "SA_RESETHAND"],
  [0x0000_0004, "SA_SIGINFO"],
  [0x0000_0001, "SA_NOCLDSTOP"],
  [0x0000_0002, "SA_NOCLDWAIT"],
  [0x0000_0400, "SA_UNSUPPORTED"],
  [0x0000_0800, "SA_EXPOSE_TAGBITS"],
];

const SS_NAMES: NameTable = [
  [1, "SS_ONSTACK"],
  [2, "SS_DISABLE"],
  [0x8000_0000, "SS_AUTODISARM"],
];

const signalNumber = (name: string) => intAs(name, (value) => signalText(value));

/** struct sigaction of rt_sigaction: handler, flags, restorer as words of the ABI, then the mask. */
function actionSize(task: Task): number {
  return task.abi === "amd64" ? 32 : 20;
}

function decodeAction(bytes: Uint8Array): SigAction {
  const from = new FrameReader(bytes);
  if (bytes.length === 20) {
    const mask = new SignalSet(from.i32(12), from.i32(16));
    return { handler: from.u32(0), flags: from.u32(4), restorer: from.u32(8), mask };
  }
  const mask = new SignalSet(from.i32(24), from.i32(28));
  return { handler: from.u64(0), flags: from.u32(8), restorer: from.u64(16), mask };
}

function encodeAction(action: SigAction, size: number): Uint8Array {
  const out = new FrameWriter(size);
  if (size === 20) {
    out.u32(0, action.handler);
    out.u32(4, action.flags);
    out.u32(8, action.restorer);
    out.pair(12, action.mask.lo, action.mask.hi);
  } else {
    out.u64(0, action.handler);
    out.u64(8, action.flags);
    out.u64(16, action.restorer);
    out.pair(24, action.mask.lo, action.mask.hi);
  }
  return out.bytes;
}

function handlerText(handler: number): string {
  if (handler === 0) return "SIG_DFL";
  if (handler === 1) return "SIG_IGN";
  return pointerText(handler);
}

/** The unsigned decimal number that the restored register holds: a sigreturn has no result of its own. */
function registerText(_result: number, call: CallView): string {
  const { state } = call.task.kernel.cpu;
  const hi = call.abi === "amd64" ? state.gprHi(Gpr.rax) >>> 0 : 0;
  return (BigInt(hi) * 0x1_0000_0000n + BigInt(state.gprLo(Gpr.rax) >>> 0)).toString();
}

/** sa_flags are an unsigned long: glibc hands over a sign-extended int, and the kernel takes the low half. */
function actionFlagsText(flags: number, high: number): string {
  const text = flagsText(flags, SA_NAMES, "SA_???");
  const known = SA_NAMES.reduce((mask, [bits]) => mask | bits, 0);
  if (high === 0 || (flags & ~known) !== 0 || (flags & known) === 0) return text;
  return `${text}|0x${high.toString(16)}00000000`;
}

function actionText(action: SigAction, highFlags: number): string {
  const flags = actionFlagsText(action.flags, highFlags);
  const restorer = action.flags & SA_RESTORER ? `, sa_restorer=${pointerText(action.restorer)}` : "";
  return `{sa_handler=${handlerText(action.handler)}, sa_mask=${signalSetText(action.mask)}, sa_flags=${flags}${restorer}}`;
}

const sigactionStruct = (name: string, when: "entry" | "exit") =>
  pointerTo(name, when, (address, call) => {
    const bytes = peek(call.task, address, call.abi === "amd64" ? 32 : 20);
    if (bytes === undefined) return undefined;
    return actionText(decodeAction(bytes), call.abi === "amd64" ? new FrameReader(bytes).u32(12) : 0);
  });

export const rtSigaction = defineSyscall(
  "rt_sigaction",
  [signalNumber("signum"), sigactionStruct("act", "entry"), sigactionStruct("oldact", "exit"), sizeT("sigsetsize")],
  (task, signal, act, oldact, size) => {
    if (size !== SIGSET_SIZE) return -EINVAL;
    let action: SigAction | undefined;
    if (act !== 0) {
      const bytes = new Uint8Array(actionSize(task));
      if (task.mm.read(act, bytes) < 0) return -EFAULT;
      const given = decodeAction(bytes);
      action = { ...given, flags: (given.flags & UAPI_SA_FLAGS) >>> 0 };
    }
    const old = setAction(task, signal, action);
    if (typeof old === "number") return old;
    if (oldact === 0) return 0;
    return task.mm.write(oldact, encodeAction(old, actionSize(task))) < 0 ? -EFAULT : 0;
  },
  { support: "full" },
);

/** struct old_sigaction of i386: handler, 32-bit mask, flags, restorer. */
function decodeOldAction(bytes: Uint8Array): SigAction {
  const from = new FrameReader(bytes);
  return { handler: from.u32(0), mask: new SignalSet(from.i32(4), 0), flags: from.u32(8), restorer: from.u32(12) };
}

const oldSigactionStruct = (name: string, when: "entry" | "exit") =>
  pointerTo(name, when, (address, call) => {
    const bytes = peek(call.task, address, 16);
    return bytes === undefined ? undefined : actionText(decodeOldAction(bytes), 0);
  });

export const sigaction = defineSyscall(
  "sigaction",
  [signalNumber("signum"), oldSigactionStruct("act", "entry"), oldSigactionStruct("oldact", "exit")],
  (task, signal, act, oldact) => {
    let action: SigAction | undefined;
    if (act !== 0) {
      const bytes = new Uint8Array(16);
      if (task.mm.read(act, bytes) < 0) return -EFAULT;
      action = decodeOldAction(bytes);
    }
    const old = setAction(task, signal, action);
    if (typeof old === "number") return old;
    if (oldact === 0) return 0;
    const out = new FrameWriter(16);
    out.u32(0, old.handler);
    out.u32(4, old.mask.lo);
    out.u32(8, old.flags);
    out.u32(12, old.restorer);
    return task.mm.write(oldact, out.bytes) < 0 ? -EFAULT : 0;
  },
  { support: "full" },
);

/** SA_RESETHAND | SA_NODEFER: what signal(2) of the kernel means. */
const SIGNAL_FLAGS = 0xc000_0000;

export const signal = defineSyscall(
  "signal",
  [signalNumber("signum"), intAs("handler", (value) => handlerText(value >>> 0))],
  (task, signum, handler) => {
    const action = { handler: handler >>> 0, flags: SIGNAL_FLAGS, restorer: 0, mask: new SignalSet() };
    const old = setAction(task, signum, action);
    return typeof old === "number" ? old : old.handler;
  },
  { support: "full", result: (value) => handlerText(value) },
);

function readSet(task: Task, address: number, size: number): SignalSet | number {
  const bytes = new Uint8Array(size);
  if (task.mm.read(address, bytes) < 0) return -EFAULT;
  const from = new FrameReader(bytes);
  return new SignalSet(from.i32(0), size === SIGSET_SIZE ? from.i32(4) : 0);
}

function writeSet(task: Task, address: number, set: SignalSet, size = SIGSET_SIZE): number {
  const out = new FrameWriter(SIGSET_SIZE);
  out.pair(0, set.lo, set.hi);
  return task.mm.write(address, out.bytes.subarray(0, size)) < 0 ? -EFAULT : 0;
}

function changeMask(task: Task, how: number, given: SignalSet): number {
  switch (how) {
    case SIG_BLOCK:
      setBlocked(task, task.blocked.union(given));
      return 0;
    case SIG_UNBLOCK:
      setBlocked(task, task.blocked.without(given));
      return 0;
    case SIG_SETMASK:
      setBlocked(task, given);
      return 0;
    default:
      return -EINVAL;
  }
}

export const rtSigprocmask = defineSyscall(
  "rt_sigprocmask",
  [enumOf("how", HOW_NAMES, "SIG_???"), sigset("set", "entry"), sigset("oldset", "exit"), sizeT("sigsetsize")],
  (task, how, set, oldset, size) => {
    if (size !== SIGSET_SIZE) return -EINVAL;
    const old = task.blocked;
    if (set !== 0) {
      const given = readSet(task, set, SIGSET_SIZE);
      if (typeof given === "number") return given;
      const result = changeMask(task, how, given);
      if (result < 0) return result;
    }
    return oldset === 0 ? 0 : writeSet(task, oldset, old);
  },
  { support: "full" },
);

export const sigprocmask = defineSyscall(
  "sigprocmask",
  [enumOf("how", HOW_NAMES, "SIG_???"), sigset("set", "entry", 4), sigset("oldset", "exit", 4)],
  (task, how, set, oldset) => {
    const old = task.blocked;
    if (set !== 0) {
      const given = readSet(task, set, 4);
      if (typeof given === "number") return given;
      if (how === SIG_SETMASK) given.hi = old.hi;
      const result = changeMask(task, how, given);
      if (result < 0) return result;
    }
    return oldset === 0 ? 0 : writeSet(task, oldset, old, 4);
  },
  { support: "full" },
);

/** siggetmask and ssetmask of i386: the first 32 signals. */
export const sgetmask = defineSyscall("sgetmask", [], (task) => task.blocked.lo, {
  support: "full",
  result: (value) => `${hex(value)} (old mask ${signalSetText(new SignalSet(value, 0))})`,
});

export const ssetmask = defineSyscall(
  "ssetmask",
  [intAs("newmask", (value) => signalSetText(new SignalSet(value, 0)))],
  (task, mask) => {
    const old = task.blocked.lo;
    setBlocked(task, new SignalSet(mask, 0));
    return old;
  },
  { support: "full", result: (value) => `${hex(value)} (old mask ${signalSetText(new SignalSet(value, 0))})` },
);

export const rtSigpending = defineSyscall(
  "rt_sigpending",
  [sigset("set", "exit"), sizeT("sigsetsize")],
  (task, set, size) => {
    if (size > SIGSET_SIZE) return -EINVAL;
    return writeSet(task, set, task.pending.set.union(task.group.pending.set).intersect(task.blocked), size);
  },
  { support: "full" },
);

export const sigpending = defineSyscall(
  "sigpending",
  [sigset("set", "exit", 4)],
  (task, set) => writeSet(task, set, task.pending.set.union(task.group.pending.set).intersect(task.blocked), 4),
  { support: "full" },
);

export const rtSigsuspend = defineSyscall(
  "rt_sigsuspend",
  [sigset("mask", "entry"), sizeT("sigsetsize")],
  (task, address, size) => {
    if (size !== SIGSET_SIZE) return -EINVAL;
    const mask = readSet(task, address, SIGSET_SIZE);
    return typeof mask === "number" ? mask : sigsuspend(task, mask);
  },
  { support: "full" },
);

/** The mask is the third argument (CONFIG_OLD_SIGSUSPEND3). */
export const sigsuspendI386 = defineSyscall(
  "sigsuspend",
  [hidden("unused1"), hidden("unused2"), intAs("mask", (value) => signalSetText(new SignalSet(value, 0)))],
  (task, _unused1, _unused2, mask) => sigsuspend(task, new SignalSet(mask, 0)),
  { support: "full" },
);

export const pause = defineSyscall("pause", [], (task) => pauseTask(task), { support: "full" });

const siginfo = (name: string, when: "entry" | "exit") =>
  pointerTo(name, when, (address, call) => {
    const bytes = peek(call.task, address, SIGINFO_SIZE);
    return bytes === undefined ? undefined : siginfoText(bytes, call.abi);
  });

function timedWait(width: TimeWidth) {
  return (task: Task, set: number, info: number, timeout: number, size: number): SyscallResult => {
    if (size !== SIGSET_SIZE) return -EINVAL;
    const wanted = readSet(task, set, SIGSET_SIZE);
    if (typeof wanted === "number") return wanted;
    let limit: number | undefined;
    if (timeout !== 0) {
      const time = readTimespec(task, timeout, width);
      if (typeof time === "number") return time;
      limit = toNs(time);
    }
    return sigtimedwait(task, wanted, info, limit);
  };
}

export const rtSigtimedwait = defineSyscall(
  "rt_sigtimedwait",
  [sigset("set", "entry"), siginfo("info", "exit"), timespec("timeout", "entry"), sizeT("sigsetsize")],
  timedWait("native"),
  { support: "full", result: (value) => `${value} (${signalText(value)})` },
);

export const rtSigtimedwaitTime64 = defineSyscall(
  "rt_sigtimedwait_time64",
  [sigset("set", "entry"), siginfo("info", "exit"), timespec("timeout", "entry", "64"), sizeT("sigsetsize")],
  timedWait("64"),
  { support: "full", result: (value) => `${value} (${signalText(value)})` },
);

function queuedInfo(task: Task, signal: number, address: number) {
  const bytes = new Uint8Array(SIGINFO_SIZE);
  if (task.mm.read(address, bytes) < 0) return -EFAULT;
  return { ...decodeSigInfo(bytes, task.abi), signo: signal };
}

/** Only the kernel may say SI_USER, SI_TKILL to others or positive codes. */
function forged(task: Task, code: number, pid: number): boolean {
  return (code >= 0 || code === SI_TKILL) && task.pid !== pid;
}

export const rtSigqueueinfo = defineSyscall(
  "rt_sigqueueinfo",
  [int("tgid"), signalNumber("sig"), siginfo("info", "entry")],
  (task, tgid, signum, address) => {
    const info = queuedInfo(task, signum, address);
    if (typeof info === "number") return info;
    if (forged(task, info.code, tgid)) return -EPERM;
    const group = task.kernel.groups.get(tgid);
    if (group === undefined) return -ESRCH;
    const denied = checkKillPermission(task, group.leader, signum);
    if (denied !== 0 || signum === 0) return denied;
    return sendToGroup(group, info);
  },
  { support: "full" },
);

export const rtTgsigqueueinfo = defineSyscall(
  "rt_tgsigqueueinfo",
  [int("tgid"), int("tid"), signalNumber("sig"), siginfo("info", "entry")],
  (task, tgid, tid, signum, address) => {
    const info = queuedInfo(task, signum, address);
    if (typeof info === "number") return info;
    if (tid <= 0 || tgid <= 0) return -EINVAL;
    if (forged(task, info.code, tgid)) return -EPERM;
    return killThread(task, tgid, tid, info);
  },
  { support: "full" },
);

export const kill = defineSyscall(
  "kill",
  [int("pid"), signalNumber("sig")],
  (task, pid, signum) => (signum < 0 || signum > NSIG ? -EINVAL : killProcess(task, pid, signum)),
  { support: "full" },
);

function threadInfo(task: Task, signum: number) {
  return sigInfo({ signo: signum, code: SI_TKILL, layout: "kill", pid: task.pid, uid: task.creds.uid });
}

export const tkill = defineSyscall(
  "tkill",
  [int("tid"), signalNumber("sig")],
  (task, tid, signum) => {
    if (tid <= 0 || signum < 0 || signum > NSIG) return -EINVAL;
    return killThread(task, undefined, tid, threadInfo(task, signum));
  },
  { support: "full" },
);

export const tgkill = defineSyscall(
  "tgkill",
  [int("tgid"), int("tid"), signalNumber("sig")],
  (task, tgid, tid, signum) => {
    if (tgid <= 0 || tid <= 0 || signum < 0 || signum > NSIG) return -EINVAL;
    return killThread(task, tgid, tid, threadInfo(task, signum));
  },
  { support: "full" },
);

function stackText(address: number, call: CallView): string | undefined {
  const wide = call.abi === "amd64";
  const bytes = peek(call.task, address, wide ? 24 : 12);
  if (bytes === undefined) return undefined;
  const from = new FrameReader(bytes);
  const sp = wide ? from.u64(0) : from.u32(0);
  const flags = from.u32(wide ? 8 : 4);
  const size = wide ? from.u64(16) : from.u32(8);
  return `{ss_sp=${pointerText(sp)}, ss_flags=${flagsText(flags, SS_NAMES, "SS_???")}, ss_size=${size}}`;
}

export const sigaltstack = defineSyscall(
  "sigaltstack",
  [pointerTo("ss", "entry", stackText), pointerTo("old_ss", "exit", stackText)],
  (task, ss, oldSs) => {
    const sp = task.kernel.cpu.state.gpr(Gpr.rsp);
    const wide = task.abi === "amd64";
    const old = new FrameWriter(wide ? 24 : 12);
    const { altStack } = task;
    const oldFlags = altStackFlags(task, sp) | (altStack.flags & 0x8000_0000);
    if (wide) {
      old.u64(0, altStack.sp);
      old.u32(8, oldFlags);
      old.u64(16, altStack.size);
    } else {
      old.u32(0, altStack.sp);
      old.u32(4, oldFlags);
      old.u32(8, altStack.size);
    }
    if (ss !== 0) {
      const bytes = new Uint8Array(old.bytes.length);
      if (task.mm.read(ss, bytes) < 0) return -EFAULT;
      const from = new FrameReader(bytes);
      const given = wide
        ? { sp: from.u64(0), flags: from.u32(8), size: from.u64(16) }
        : { sp: from.u32(0), flags: from.u32(4), size: from.u32(8) };
      const result = setAltStack(task, given, sp);
      if (result < 0) return result;
    }
    return oldSs !== 0 && task.mm.write(oldSs, old.bytes) < 0 ? -EFAULT : 0;
  },
  { support: "full" },
);

/** strace prints the mask that the frame restores. */
function frameMask(call: CallView, offset: number, size = 8): string {
  const sp = call.task.kernel.cpu.state.gpr(Gpr.rsp);
  return `{mask=${sigsetAt(call, sp + offset, size) ?? "[]"}}`;
}

function returned(task: Task, restored: boolean): SyscallResult {
  const { state } = task.kernel.cpu;
  if (!restored) return registersSet(0);
  const hi = task.abi === "amd64" ? state.gprHi(Gpr.rax) : state.gprLo(Gpr.rax) >> 31;
  return registersSet(fromSignedWords(state.gprLo(Gpr.rax), hi));
}

export const rtSigreturn = defineSyscall(
  "rt_sigreturn",
  [intAs("frame", (_value, call) => frameMask(call, call.abi === "amd64" ? 296 : 248))],
  (task) => returned(task, task.abi === "amd64" ? sigreturnAmd64(task) : rtSigreturnI386(task)),
  { support: "full", result: registerText },
);

export const sigreturn = defineSyscall(
  "sigreturn",
  [intAs("frame", (_value, call) => frameMask(call, 80, 4))],
  (task) => returned(task, sigreturnI386(task)),
  { support: "full", result: registerText },
);

export const restartSyscall = defineSyscall(
  "restart_syscall",
  [intAs("call", () => "<... resuming interrupted system call ...>")],
  (task) => {
    const { restart } = task;
    task.restart = undefined;
    return restart === undefined ? -EINTR : restart();
  },
  { support: "full" },
);
