/** epoll(7), eventfd(2), memfd_create(2): files that have no name. */
import { EBADF, EFAULT, EINVAL, EPERM } from "../src/abi/errno.ts";
import {
  EFD_SEMAPHORE,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
  O_CLOEXEC,
  O_NONBLOCK,
} from "../src/abi/fcntl.ts";
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLWAKEUP,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
} from "../src/abi/poll.ts";
import { block, ERESTARTNOHAND, type SyscallResult } from "../src/kernel/control.ts";
import { restoreMask, waitWithMask } from "../src/kernel/poll.ts";
import { SignalSet } from "../src/kernel/signal-set.ts";
import type { Task } from "../src/kernel/task.ts";
import { readTimespec, toNs } from "../src/kernel/time-values.ts";
import { EpollFile } from "../src/vfs/epoll.ts";
import { EventFile } from "../src/vfs/eventfd.ts";
import { createMemfd } from "../src/vfs/memfd.ts";
import { cString, enumOf, fd, flagsOf, int, pointerTo, sizeT, u32At, uint } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { fileOf, installFile, readBytes } from "./io.ts";
import { flagsText, type NameTable, peek, pointerText } from "./strace-text.ts";
import { sigset, timespec } from "./struct-text.ts";

/** struct epoll_event is packed in both ABIs: events at 0, data at 4. */
const EVENT_SIZE = 12;

/** EPOLLEXCLUSIVE_OK_BITS. */
const EXCLUSIVE_OK = POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

const EVENTS: NameTable = [
  [0x1, "EPOLLIN"],
  [0x2, "EPOLLPRI"],
  [0x4, "EPOLLOUT"],
  [0x40, "EPOLLRDNORM"],
  [0x80, "EPOLLRDBAND"],
  [0x100, "EPOLLWRNORM"],
  [0x200, "EPOLLWRBAND"],
  [0x400, "EPOLLMSG"],
  [0x8, "EPOLLERR"],
  [0x10, "EPOLLHUP"],
  [0x2000, "EPOLLRDHUP"],
  [1 << 28, "EPOLLEXCLUSIVE"],
  [1 << 29, "EPOLLWAKEUP"],
  [1 << 30, "EPOLLONESHOT"],
  [1 << 31, "EPOLLET"],
];

function eventText(bytes: Uint8Array, at: number): string {
  const events = flagsText(u32At(bytes, at), EVENTS, "EPOLL???");
  const low = u32At(bytes, at + 4);
  const data = BigInt(u32At(bytes, at + 8)) * 0x1_0000_0000n + BigInt(low);
  return `{events=${events}, data={u32=${low}, u64=${data}}}`;
}

export const epollCreate1 = defineSyscall(
  "epoll_create1",
  [flagsOf("flags", [[O_CLOEXEC, "EPOLL_CLOEXEC"]], "EPOLL_???")],
  (task, flags) => {
    if (flags & ~O_CLOEXEC) return -EINVAL;
    return installFile(task, new EpollFile(task.kernel.vfs.anonymous), (flags & O_CLOEXEC) !== 0);
  },
  { support: "full" },
);

export const epollCreate = defineSyscall(
  "epoll_create",
  [int("size")],
  (task, size) => (size <= 0 ? -EINVAL : installFile(task, new EpollFile(task.kernel.vfs.anonymous), false)),
  { support: "full" },
);

export const epollCtl = defineSyscall(
  "epoll_ctl",
  [
    fd("epfd"),
    enumOf(
      "op",
      [
        [EPOLL_CTL_ADD, "EPOLL_CTL_ADD"],
        [EPOLL_CTL_MOD, "EPOLL_CTL_MOD"],
        [EPOLL_CTL_DEL, "EPOLL_CTL_DEL"],
      ],
      "EPOLL_CTL_???",
    ),
    fd(),
    pointerTo("event", "entry", (address, call) => {
      if (call.values[1] === EPOLL_CTL_DEL) return pointerText(address);
      const bytes = peek(call.task, address, EVENT_SIZE);
      return bytes && eventText(bytes, 0);
    }),
  ],
  (task, number, operation, target, address) => {
    const bytes = operation === EPOLL_CTL_DEL ? new Uint8Array(EVENT_SIZE) : readBytes(task, address, EVENT_SIZE);
    if (bytes === undefined) return -EFAULT;
    const epoll = fileOf(task, number);
    if (typeof epoll === "number") return epoll;
    const file = fileOf(task, target);
    if (typeof file === "number") return -EBADF;
    if (!file.pollable) return -EPERM;
    if (!(epoll instanceof EpollFile) || epoll === file) return -EINVAL;
    const event = { events: u32At(bytes, 0) | 0, dataLo: u32At(bytes, 4) | 0, dataHi: u32At(bytes, 8) | 0 };
    if (operation !== EPOLL_CTL_DEL && event.events & EPOLLEXCLUSIVE) {
      if (operation === EPOLL_CTL_MOD) return -EINVAL;
      if (operation === EPOLL_CTL_ADD && (file instanceof EpollFile || event.events & ~EXCLUSIVE_OK)) return -EINVAL;
    }
    if (operation === EPOLL_CTL_ADD) return epoll.add(target, file, event);
    if (operation === EPOLL_CTL_MOD) return epoll.modify(target, file, event);
    return operation === EPOLL_CTL_DEL ? epoll.remove(target, file) : -EINVAL;
  },
  { support: "full" },
);

function waitEvents(task: Task, number: number, address: number, max: number, deadlineNs: number): SyscallResult {
  const epoll = fileOf(task, number);
  if (typeof epoll === "number") return epoll;
  if (!(epoll instanceof EpollFile) || max <= 0) return -EINVAL;
  const attempt = (last: boolean): SyscallResult => {
    const events = epoll.collect(max);
    if (events.length === 0 && !last && deadlineNs > task.kernel.clock.monotonicNs) {
      return block({
        queues: [epoll.waitQueue],
        deadlineNs,
        resume: (reason) => attempt(reason === "timeout"),
        interrupted: () => -ERESTARTNOHAND,
      });
    }
    restoreMask(task);
    const bytes = new Uint8Array(events.length * EVENT_SIZE);
    const view = new DataView(bytes.buffer);
    for (const [i, event] of events.entries()) {
      view.setInt32(i * EVENT_SIZE, event.events, true);
      view.setInt32(i * EVENT_SIZE + 4, event.dataLo, true);
      view.setInt32(i * EVENT_SIZE + 8, event.dataHi, true);
    }
    return task.mm.write(address, bytes) || events.length;
  };
  return attempt(false);
}

function deadlineOf(task: Task, ms: number): number {
  return ms < 0 ? Number.POSITIVE_INFINITY : task.kernel.clock.monotonicNs + ms * 1e6;
}

const eventsOut = pointerTo("events", "exit", (address, call: CallView) => {
  const count = call.result ?? 0;
  const bytes = peek(call.task, address, count * EVENT_SIZE);
  return bytes && `[${Array.from({ length: count }, (_, i) => eventText(bytes, i * EVENT_SIZE)).join(", ")}]`;
});

export const epollWait = defineSyscall(
  "epoll_wait",
  [fd("epfd"), eventsOut, int("maxevents"), int("timeout")],
  (task, number, address, max, timeout) => waitEvents(task, number, address, max, deadlineOf(task, timeout)),
  { support: "full" },
);

/** Sets the mask of the wait; 0 or -errno. */
function setMask(task: Task, address: number, size: number): number {
  if (address === 0) return 0;
  if (size !== 8) return -EINVAL;
  const bytes = readBytes(task, address, 8);
  if (bytes === undefined) return -EFAULT;
  waitWithMask(task, new SignalSet(u32At(bytes, 0) | 0, u32At(bytes, 4) | 0));
  return 0;
}

export const epollPwait = defineSyscall(
  "epoll_pwait",
  [fd("epfd"), eventsOut, int("maxevents"), int("timeout"), sigset("sigmask", "entry"), sizeT("sigsetsize")],
  (task, number, address, max, timeout, mask, size) =>
    setMask(task, mask, size) || waitEvents(task, number, address, max, deadlineOf(task, timeout)),
  { support: "full" },
);

export const epollPwait2 = defineSyscall(
  "epoll_pwait2",
  [
    fd("epfd"),
    eventsOut,
    int("maxevents"),
    timespec("timeout", "entry", "64"),
    sigset("sigmask", "entry"),
    sizeT("sigsetsize"),
  ],
  (task, number, address, max, timeout, mask, size) => {
    const time = timeout === 0 ? undefined : readTimespec(task, timeout, "64");
    if (typeof time === "number") return time;
    const deadlineNs = time === undefined ? Number.POSITIVE_INFINITY : task.kernel.clock.monotonicNs + toNs(time);
    return setMask(task, mask, size) || waitEvents(task, number, address, max, deadlineNs);
  },
  { support: "full" },
);

function makeEventfd(task: Task, initial: number, flags: number): number {
  if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
  return installFile(task, new EventFile(task.kernel.vfs.anonymous, initial, flags), (flags & O_CLOEXEC) !== 0);
}

export const eventfd = defineSyscall("eventfd", [uint("initval")], (task, initial) => makeEventfd(task, initial, 0), {
  support: "full",
});

export const eventfd2 = defineSyscall(
  "eventfd2",
  [
    uint("initval"),
    flagsOf(
      "flags",
      [
        [EFD_SEMAPHORE, "EFD_SEMAPHORE"],
        [O_CLOEXEC, "EFD_CLOEXEC"],
        [O_NONBLOCK, "EFD_NONBLOCK"],
      ],
      "EFD_???",
    ),
  ],
  makeEventfd,
  { support: "full" },
);

const MFD_FLAGS: NameTable = [
  [MFD_CLOEXEC, "MFD_CLOEXEC"],
  [MFD_ALLOW_SEALING, "MFD_ALLOW_SEALING"],
  [MFD_HUGETLB, "MFD_HUGETLB"],
  [MFD_NOEXEC_SEAL, "MFD_NOEXEC_SEAL"],
  [MFD_EXEC, "MFD_EXEC"],
];
/** NAME_MAX without "memfd:". */
const MFD_NAME_MAX = 249;

export const memfdCreate = defineSyscall(
  "memfd_create",
  [cString("name", MFD_NAME_MAX), flagsOf("flags", MFD_FLAGS, "MFD_???")],
  (task, address, flags) => {
    const allowed = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC;
    if (flags & ~allowed || (flags & MFD_EXEC && flags & MFD_NOEXEC_SEAL)) return -EINVAL;
    const name = task.mm.readCString(address, MFD_NAME_MAX + 1);
    if (typeof name === "number") return name === -EFAULT ? -EFAULT : -EINVAL;
    const file = createMemfd(task.kernel.vfs.shmem, name, flags, task.creds);
    return typeof file === "number" ? file : installFile(task, file, (flags & MFD_CLOEXEC) !== 0);
  },
  { support: "partial", note: "no huge pages (MFD_HUGETLB)" },
);
