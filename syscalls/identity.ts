/** Process, user and group ids: getpid(2), setuid(2), credentials(7); both the 32-bit and i386's old 16-bit calls. */
import { EFAULT, EINVAL, EPERM } from "../src/abi/errno.ts";
import { type Credentials, isPrivileged } from "../src/kernel/credentials.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import { getpgidOf, getsidOf, setsid as newSession, setpgid as setProcessGroup } from "../src/kernel/sessions.ts";
import type { Task } from "../src/kernel/task.ts";
import { int, intAs, pointerTo, uint } from "./codecs.ts";
import { type CallView, defineSyscall, type SyscallDefinition } from "./define.ts";
import { peek } from "./strace-text.ts";

const FULL = { support: "full" } as const;
/** Ids that a 16-bit call cannot tell (overflowuid). */
const OVERFLOW_ID = 65534;
const NGROUPS_MAX = 65536;

export const getpid = defineSyscall("getpid", [], (task) => task.pid, FULL);
export const gettid = defineSyscall("gettid", [], (task) => task.tid, FULL);
export const getppid = defineSyscall(
  "getppid",
  [],
  (task) => task.group.parent?.pid ?? task.kernel.config.parentPid,
  FULL,
);
export const getpgrp = defineSyscall("getpgrp", [], (task) => task.group.pgid, FULL);
export const getpgid = defineSyscall("getpgid", [int("pid")], (task, pid) => getpgidOf(task, pid), FULL);
export const getsid = defineSyscall("getsid", [int("pid")], (task, pid) => getsidOf(task, pid), FULL);
export const setsid = defineSyscall("setsid", [], (task) => newSession(task), FULL);
export const setpgid = defineSyscall(
  "setpgid",
  [int("pid"), int("pgid")],
  (task, pid, pgid) => setProcessGroup(task, pid, pgid),
  FULL,
);

/** A family of calls in the width of its ids. */
interface Width {
  /** What the caller sees of an id. */
  show(id: number): number;
  /** The id that an argument means; -1 (all bits of the width) means "unchanged". */
  read(argument: number): number;
  readonly bytes: 2 | 4;
}

const WIDE: Width = { show: (id) => id, read: (argument) => argument >>> 0, bytes: 4 };
const NARROW: Width = {
  show: (id) => (id > 0xffff ? OVERFLOW_ID : id),
  read: (argument) => ((argument & 0xffff) === 0xffff ? 0xffff_ffff : argument & 0xffff),
  bytes: 2,
};
const UNCHANGED = 0xffff_ffff;

/** ids print as unsigned, -1 as -1. */
const id = (name: string) => intAs(name, (value) => (value === -1 ? "-1" : String(value >>> 0)));
const id16 = (name: string) => intAs(name, (value) => ((value & 0xffff) === 0xffff ? "-1" : String(value & 0xffff)));

type Change = Partial<Omit<Credentials, "groups">>;

/** commit_creds(): fsuid and fsgid follow the effective ids unless they are set themselves. */
function commit(task: Task, change: Change): number {
  task.creds = { ...task.creds, ...change };
  return 0;
}

function setUid(task: Task, uid: number): number {
  const { creds } = task;
  if (uid === UNCHANGED) return -EINVAL;
  if (isPrivileged(creds)) return commit(task, { uid, euid: uid, suid: uid, fsuid: uid });
  if (uid !== creds.uid && uid !== creds.suid) return -EPERM;
  return commit(task, { euid: uid, fsuid: uid });
}

function setGid(task: Task, gid: number): number {
  const { creds } = task;
  if (gid === UNCHANGED) return -EINVAL;
  if (isPrivileged(creds)) return commit(task, { gid, egid: gid, sgid: gid, fsgid: gid });
  if (gid !== creds.gid && gid !== creds.sgid) return -EPERM;
  return commit(task, { egid: gid, fsgid: gid });
}

/** Any of the three ids, or root. */
function mayBecome(privileged: boolean, wanted: number, own: readonly number[]): boolean {
  return wanted === UNCHANGED || privileged || own.includes(wanted);
}

function setReuid(task: Task, ruid: number, euid: number): number {
  const { creds } = task;
  const root = isPrivileged(creds);
  if (!mayBecome(root, ruid, [creds.uid, creds.euid])) return -EPERM;
  if (!mayBecome(root, euid, [creds.uid, creds.euid, creds.suid])) return -EPERM;
  const newEuid = euid === UNCHANGED ? creds.euid : euid;
  const newRuid = ruid === UNCHANGED ? creds.uid : ruid;
  const keepsSaved = ruid === UNCHANGED && (euid === UNCHANGED || euid === creds.uid);
  return commit(task, { uid: newRuid, euid: newEuid, suid: keepsSaved ? creds.suid : newEuid, fsuid: newEuid });
}

function setRegid(task: Task, rgid: number, egid: number): number {
  const { creds } = task;
  const root = isPrivileged(creds);
  if (!mayBecome(root, rgid, [creds.gid, creds.egid])) return -EPERM;
  if (!mayBecome(root, egid, [creds.gid, creds.egid, creds.sgid])) return -EPERM;
  const newEgid = egid === UNCHANGED ? creds.egid : egid;
  const newRgid = rgid === UNCHANGED ? creds.gid : rgid;
  const keepsSaved = rgid === UNCHANGED && (egid === UNCHANGED || egid === creds.gid);
  return commit(task, { gid: newRgid, egid: newEgid, sgid: keepsSaved ? creds.sgid : newEgid, fsgid: newEgid });
}

function setResuid(task: Task, ruid: number, euid: number, suid: number): number {
  const { creds } = task;
  const own = [creds.uid, creds.euid, creds.suid];
  const root = isPrivileged(creds);
  if (![ruid, euid, suid].every((wanted) => mayBecome(root, wanted, own))) return -EPERM;
  const pick = (wanted: number, old: number) => (wanted === UNCHANGED ? old : wanted);
  const newEuid = pick(euid, creds.euid);
  return commit(task, { uid: pick(ruid, creds.uid), euid: newEuid, suid: pick(suid, creds.suid), fsuid: newEuid });
}

function setResgid(task: Task, rgid: number, egid: number, sgid: number): number {
  const { creds } = task;
  const own = [creds.gid, creds.egid, creds.sgid];
  const root = isPrivileged(creds);
  if (![rgid, egid, sgid].every((wanted) => mayBecome(root, wanted, own))) return -EPERM;
  const pick = (wanted: number, old: number) => (wanted === UNCHANGED ? old : wanted);
  const newEgid = pick(egid, creds.egid);
  return commit(task, { gid: pick(rgid, creds.gid), egid: newEgid, sgid: pick(sgid, creds.sgid), fsgid: newEgid });
}

/** setfsuid(2) returns the old id, whether or not it changed. */
function setFsuid(task: Task, fsuid: number): number {
  const { creds } = task;
  if (isPrivileged(creds) || [creds.uid, creds.euid, creds.suid, creds.fsuid].includes(fsuid)) {
    if (fsuid !== UNCHANGED) commit(task, { fsuid });
  }
  return creds.fsuid;
}

function setFsgid(task: Task, fsgid: number): number {
  const { creds } = task;
  if (isPrivileged(creds) || [creds.gid, creds.egid, creds.sgid, creds.fsgid].includes(fsgid)) {
    if (fsgid !== UNCHANGED) commit(task, { fsgid });
  }
  return creds.fsgid;
}

function idBytes(ids: readonly number[], width: Width): Uint8Array {
  const out = new FrameWriter(ids.length * width.bytes);
  ids.forEach((value, i) => {
    if (width.bytes === 2) out.u16(2 * i, width.show(value));
    else out.u32(4 * i, value);
  });
  return out.bytes;
}

function writeIds(task: Task, addresses: readonly number[], ids: readonly number[], width: Width): number {
  for (let i = 0; i < ids.length; i++) {
    if (task.mm.write(addresses[i], idBytes([ids[i]], width)) < 0) return -EFAULT;
  }
  return 0;
}

function getGroups(task: Task, size: number, list: number, width: Width): number {
  const { groups } = task.creds;
  if (size < 0) return -EINVAL;
  if (size === 0) return groups.length;
  if (groups.length > size) return -EINVAL;
  return task.mm.write(list, idBytes(groups, width)) < 0 ? -EFAULT : groups.length;
}

function setGroups(task: Task, size: number, list: number, width: Width): number {
  if (!isPrivileged(task.creds)) return -EPERM;
  if (size < 0 || size > NGROUPS_MAX) return -EINVAL;
  const bytes = new Uint8Array(size * width.bytes);
  if (size > 0 && task.mm.read(list, bytes) < 0) return -EFAULT;
  const from = new FrameReader(bytes);
  const groups: number[] = [];
  for (let i = 0; i < size; i++) groups.push(width.bytes === 2 ? from.u16(2 * i) : from.u32(4 * i));
  task.creds = { ...task.creds, groups: groups.sort((a, b) => a - b) };
  return 0;
}

const idOut = (name: string, width: Width) =>
  pointerTo(name, "exit", (address, call) => {
    const bytes = peek(call.task, address, width.bytes);
    if (bytes === undefined) return undefined;
    const from = new FrameReader(bytes);
    return `[${width.bytes === 2 ? from.u16(0) : from.u32(0)}]`;
  });

function groupListText(call: CallView, address: number, count: number, width: Width): string | undefined {
  const bytes = peek(call.task, address, count * width.bytes);
  if (bytes === undefined) return undefined;
  const from = new FrameReader(bytes);
  const shown: string[] = [];
  for (let i = 0; i < count; i++) shown.push(String(width.bytes === 2 ? from.u16(2 * i) : from.u32(4 * i)));
  return `[${shown.join(", ")}]`;
}

/** The calls of one id width; `suffix` is "32" for i386's wide ones. */
function idCalls(width: Width, suffix: string) {
  const arg = width.bytes === 2 ? id16 : id;
  const read = width.read;
  const get = (name: string, pick: (creds: Credentials) => number): SyscallDefinition =>
    defineSyscall(name + suffix, [], (task) => width.show(pick(task.creds)), FULL);
  return {
    getuid: get("getuid", (creds) => creds.uid),
    geteuid: get("geteuid", (creds) => creds.euid),
    getgid: get("getgid", (creds) => creds.gid),
    getegid: get("getegid", (creds) => creds.egid),
    setuid: defineSyscall(`setuid${suffix}`, [arg("uid")], (task, uid) => setUid(task, read(uid)), FULL),
    setgid: defineSyscall(`setgid${suffix}`, [arg("gid")], (task, gid) => setGid(task, read(gid)), FULL),
    setreuid: defineSyscall(
      `setreuid${suffix}`,
      [arg("ruid"), arg("euid")],
      (task, ruid, euid) => setReuid(task, read(ruid), read(euid)),
      FULL,
    ),
    setregid: defineSyscall(
      `setregid${suffix}`,
      [arg("rgid"), arg("egid")],
      (task, rgid, egid) => setRegid(task, read(rgid), read(egid)),
      FULL,
    ),
    setresuid: defineSyscall(
      `setresuid${suffix}`,
      [arg("ruid"), arg("euid"), arg("suid")],
      (task, ruid, euid, suid) => setResuid(task, read(ruid), read(euid), read(suid)),
      FULL,
    ),
    setresgid: defineSyscall(
      `setresgid${suffix}`,
      [arg("rgid"), arg("egid"), arg("sgid")],
      (task, rgid, egid, sgid) => setResgid(task, read(rgid), read(egid), read(sgid)),
      FULL,
    ),
    getresuid: defineSyscall(
      `getresuid${suffix}`,
      [idOut("ruid", width), idOut("euid", width), idOut("suid", width)],
      (task, ruid, euid, suid) =>
        writeIds(task, [ruid, euid, suid], [task.creds.uid, task.creds.euid, task.creds.suid], width),
      FULL,
    ),
    getresgid: defineSyscall(
      `getresgid${suffix}`,
      [idOut("rgid", width), idOut("egid", width), idOut("sgid", width)],
      (task, rgid, egid, sgid) =>
        writeIds(task, [rgid, egid, sgid], [task.creds.gid, task.creds.egid, task.creds.sgid], width),
      FULL,
    ),
    setfsuid: defineSyscall(`setfsuid${suffix}`, [arg("fsuid")], (task, uid) => setFsuid(task, read(uid)), FULL),
    setfsgid: defineSyscall(`setfsgid${suffix}`, [arg("fsgid")], (task, gid) => setFsgid(task, read(gid)), FULL),
    getgroups: defineSyscall(
      `getgroups${suffix}`,
      [
        int("size"),
        pointerTo("list", "exit", (address, call) => groupListText(call, address, call.result ?? 0, width)),
      ],
      (task, size, list) => getGroups(task, size, list, width),
      FULL,
    ),
    setgroups: defineSyscall(
      `setgroups${suffix}`,
      [
        uint("size"),
        pointerTo("list", "entry", (address, call) => groupListText(call, address, Number(call.values[0]), width)),
      ],
      (task, size, list) => setGroups(task, size | 0, list, width),
      FULL,
    ),
  };
}

/** The calls of x86-64. */
export const ids = idCalls(WIDE, "");
/** The calls of i386 with 32-bit ids: getuid32 … */
export const ids32 = idCalls(WIDE, "32");
/** The old calls of i386 with 16-bit ids. */
export const ids16 = idCalls(NARROW, "");
