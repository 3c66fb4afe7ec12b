/** About the machine: uname(2), sysinfo(2), getrandom(2), getcpu(2), capget(2). */
import { EFAULT, EINVAL, EPERM, ESRCH } from "../src/abi/errno.ts";
import { bytesOf, textOf } from "../src/host/text.ts";
import { isPrivileged } from "../src/kernel/credentials.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import type { Task } from "../src/kernel/task.ts";
import { flagsOf, int, pointer, pointerTo, sizeT } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { bufferText, hex, type NameTable, peek, quote } from "./strace-text.ts";

const FULL = { support: "full" } as const;
/** __NEW_UTS_LEN: fields of struct new_utsname are one byte longer. */
const UTS_LENGTH = 64;
/** PER_LINUX32 (personality(2)): uname says i686. */
const PER_MASK = 0xff;
const PER_LINUX32 = 8;

function utsFields(task: Task): string[] {
  const { uts } = task.kernel;
  const machine = (task.personality & PER_MASK) === PER_LINUX32 ? "i686" : uts.machine;
  return [uts.sysname, uts.nodename, uts.release, uts.version, machine, uts.domainname];
}

function utsBytes(task: Task, fields: number, fieldSize: number): Uint8Array {
  const bytes = new Uint8Array(fields * fieldSize);
  utsFields(task)
    .slice(0, fields)
    .forEach((text, i) => {
      bytes.set(bytesOf(text.slice(0, fieldSize - 1)), i * fieldSize);
    });
  return bytes;
}

function field(bytes: Uint8Array, index: number, size: number): string {
  const part = bytes.subarray(index * size, (index + 1) * size);
  const end = part.indexOf(0);
  return quote(part.subarray(0, end < 0 ? size : end));
}

export const uname = defineSyscall(
  "uname",
  [
    pointerTo("buf", "exit", (address, call) => {
      const bytes = peek(call.task, address, 6 * 65);
      if (bytes === undefined) return undefined;
      return `{sysname=${field(bytes, 0, 65)}, nodename=${field(bytes, 1, 65)}, ...}`;
    }),
  ],
  (task, address) => (task.mm.write(address, utsBytes(task, 6, UTS_LENGTH + 1)) < 0 ? -EFAULT : 0),
  FULL,
);

/** struct old_utsname: without the domain name. */
export const olduname = defineSyscall(
  "olduname",
  [pointer("buf")],
  (task, address) => {
    if (address === 0) return -EFAULT;
    return task.mm.write(address, utsBytes(task, 5, UTS_LENGTH + 1)) < 0 ? -EFAULT : 0;
  },
  FULL,
);

/** struct oldold_utsname: fields of 9 bytes. */
export const oldolduname = defineSyscall(
  "oldolduname",
  [pointer("buf")],
  (task, address) => {
    if (address === 0) return -EFAULT;
    return task.mm.write(address, utsBytes(task, 5, 9)) < 0 ? -EFAULT : 0;
  },
  FULL,
);

function setName(task: Task, key: "nodename" | "domainname", address: number, length: number): number {
  if (!isPrivileged(task.creds)) return -EPERM;
  if (length < 0 || length > UTS_LENGTH) return -EINVAL;
  const bytes = new Uint8Array(length);
  if (task.mm.read(address, bytes) < 0) return -EFAULT;
  task.kernel.uts = { ...task.kernel.uts, [key]: textOf(bytes).split("\0")[0] };
  return 0;
}

const nameArgument = pointerTo("name", "entry", (address, call) => {
  const length = Number(call.values[1]);
  return bufferText(call, 0, address, length);
});

export const sethostname = defineSyscall(
  "sethostname",
  [nameArgument, int("len")],
  (task, address, length) => setName(task, "nodename", address, length),
  FULL,
);
export const setdomainname = defineSyscall(
  "setdomainname",
  [nameArgument, int("len")],
  (task, address, length) => setName(task, "domainname", address, length),
  FULL,
);

/** LINUX_SYSINFO_LOADS_SCALE. */
const NS_PER_SEC = 1_000_000_000;

function sysinfoBytes(task: Task): Uint8Array {
  const { kernel } = task;
  const wide = task.abi === "amd64";
  const word = wide ? 8 : 4;
  const out = new FrameWriter(wide ? 112 : 64);
  const put = (index: number, value: number): void => {
    if (wide) out.u64(8 * index, value);
    else out.u32(4 * index, value);
  };
  const total = kernel.physical.totalFrames * 4096;
  const free = kernel.physical.freeFrames * 4096;
  // i386 counts in pages if bytes do not fit into 32 bits (compat_sys_sysinfo()).
  const unit = wide || total < 2 ** 32 ? 1 : 4096;
  put(0, Math.ceil(kernel.clock.monotonicNs / NS_PER_SEC));
  put(4, total / unit);
  put(5, free / unit);
  out.u16(10 * word, kernel.tasks.size);
  out.u32(wide ? 104 : 52, unit);
  return out.bytes;
}

function sysinfoText(address: number, call: CallView): string | undefined {
  const wide = call.abi === "amd64";
  const bytes = peek(call.task, address, wide ? 112 : 64);
  if (bytes === undefined) return undefined;
  const from = new FrameReader(bytes);
  const at = (index: number) => (wide ? from.u64(8 * index) : from.u32(4 * index));
  return (
    `{uptime=${at(0)}, loads=[${at(1)}, ${at(2)}, ${at(3)}], totalram=${at(4)}, freeram=${at(5)}, sharedram=${at(6)}, ` +
    `bufferram=${at(7)}, totalswap=${at(8)}, freeswap=${at(9)}, procs=${from.u16(wide ? 80 : 40)}, ` +
    `totalhigh=${at(11)}, freehigh=${at(12)}, mem_unit=${from.u32(wide ? 104 : 52)}}`
  );
}

export const sysinfo = defineSyscall(
  "sysinfo",
  [pointerTo("info", "exit", sysinfoText)],
  (task, address) => (task.mm.write(address, sysinfoBytes(task)) < 0 ? -EFAULT : 0),
  { support: "partial", note: "loads, shared and buffer memory are 0" },
);

const GRND_NAMES: NameTable = [
  [1, "GRND_NONBLOCK"],
  [2, "GRND_RANDOM"],
  [4, "GRND_INSECURE"],
];
/** A read of random bytes is no longer than this (INT_MAX). */
const MAX_RANDOM = 0x7fff_ffff;
const RANDOM_CHUNK = 65536;

/** strace prints random bytes as \x escapes. */
function randomText(address: number, call: CallView): string | undefined {
  const length = call.result ?? 0;
  const bytes = peek(call.task, address, Math.min(length, 32));
  if (bytes === undefined) return undefined;
  const text = [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return `"${text}"${length > 32 ? "..." : ""}`;
}

export const getrandom = defineSyscall(
  "getrandom",
  [pointerTo("buf", "exit", randomText), sizeT("buflen"), flagsOf("flags", GRND_NAMES, "GRND_???")],
  (task, address, length, flags) => {
    if (flags & ~7 || (flags & 6) === 6) return -EINVAL;
    const count = Math.min(length, MAX_RANDOM);
    for (let done = 0; done < count; done += RANDOM_CHUNK) {
      const bytes = new Uint8Array(Math.min(RANDOM_CHUNK, count - done));
      task.kernel.random.fill(bytes);
      if (task.mm.write(address + done, bytes) < 0) return done > 0 ? done : -EFAULT;
    }
    return count;
  },
  FULL,
);

const uintOut = (name: string) =>
  pointerTo(name, "exit", (address, call) => {
    const bytes = peek(call.task, address, 4);
    return bytes === undefined ? undefined : `[${new FrameReader(bytes).u32(0)}]`;
  });

export const getcpu = defineSyscall(
  "getcpu",
  [uintOut("cpu"), uintOut("node"), pointer("tcache")],
  (task, cpu, node) => {
    if (cpu !== 0 && task.mm.writeU32(cpu, 0) < 0) return -EFAULT;
    return node !== 0 && task.mm.writeU32(node, 0) < 0 ? -EFAULT : 0;
  },
  FULL,
);

const CAP_VERSIONS: Readonly<Record<number, readonly [name: string, words: number]>> = {
  429392688: ["_LINUX_CAPABILITY_VERSION_1", 1],
  537333798: ["_LINUX_CAPABILITY_VERSION_2", 2],
  537396514: ["_LINUX_CAPABILITY_VERSION_3", 2],
};
const CAP_VERSION_3 = 537396514;
/** Capabilities 0–40 (CAP_LAST_CAP of 5.9 and later). */
const ALL_CAPS = [0xffff_ffff, 0x1ff];

function capHeaderText(address: number, call: CallView): string | undefined {
  const bytes = peek(call.task, address, 8);
  if (bytes === undefined) return undefined;
  const from = new FrameReader(bytes);
  const version = from.u32(0);
  const name = CAP_VERSIONS[version]?.[0] ?? `${hex(version)} /* _LINUX_CAPABILITY_VERSION_??? */`;
  return `{version=${name}, pid=${from.i32(4)}}`;
}

export const capget = defineSyscall(
  "capget",
  [pointerTo("hdrp", "entry", capHeaderText), pointer("datap")],
  (task, header, data) => {
    const bytes = new Uint8Array(8);
    if (task.mm.read(header, bytes) < 0) return -EFAULT;
    const from = new FrameReader(bytes);
    const version = CAP_VERSIONS[from.u32(0)];
    if (version === undefined) {
      if (task.mm.writeU32(header, CAP_VERSION_3) < 0) return -EFAULT;
      return data === 0 ? 0 : -EINVAL;
    }
    const pid = from.i32(4);
    if (pid < 0) return -EINVAL;
    const target = pid === 0 ? task : task.kernel.tasks.get(pid);
    if (target === undefined) return -ESRCH;
    if (data === 0) return 0;
    const out = new FrameWriter(12 * version[1]);
    if (isPrivileged(target.creds)) {
      for (let i = 0; i < version[1]; i++) {
        out.u32(12 * i, ALL_CAPS[i]);
        out.u32(12 * i + 4, ALL_CAPS[i]);
      }
    }
    return task.mm.write(data, out.bytes) < 0 ? -EFAULT : 0;
  },
  { support: "partial", note: "effective user 0 has all capabilities, others none; strace's text shows addresses" },
);

export const capset = defineSyscall(
  "capset",
  [pointerTo("hdrp", "entry", capHeaderText), pointer("datap")],
  (task) => (isPrivileged(task.creds) ? 0 : -EPERM),
  { support: "partial", note: "accepted for effective user 0, without effect" },
);

export const syslog = defineSyscall(
  "syslog",
  [int("type"), pointer("bufp"), int("len")],
  (task, type) => (type === 10 && isPrivileged(task.creds) ? 0 : -EPERM),
  { support: "partial", note: "the kernel log is empty and closed to all" },
);

export const vhangup = defineSyscall("vhangup", [], (task) => (isPrivileged(task.creds) ? 0 : -EPERM), {
  support: "partial",
  note: "without effect",
});
