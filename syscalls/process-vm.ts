/** process_vm_readv(2), process_vm_writev(2) (mm/process_vm_access.c). */
import { EFAULT, EINVAL, EPERM, ESRCH } from "../src/abi/errno.ts";
import { isPrivileged } from "../src/kernel/credentials.ts";
import type { Task } from "../src/kernel/task.ts";
import { int, iovec, pointer, ulong } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { readIovec } from "./file.ts";
import type { UserBuffer } from "./io.ts";

/** ptrace_may_access() with PTRACE_MODE_ATTACH_REALCREDS. */
function mayAccess(task: Task, other: Task): boolean {
  if (task.group === other.group || isPrivileged(task.creds)) return true;
  const { uid, gid } = task.creds;
  const theirs = other.creds;
  const sameIds =
    [theirs.uid, theirs.euid, theirs.suid].every((id) => id === uid) &&
    [theirs.gid, theirs.egid, theirs.sgid].every((id) => id === gid);
  return sameIds && other.group.dumpable === 1;
}

/** Where both lists go on: bytes that lie in one buffer of each. */
function* commonParts(left: readonly UserBuffer[], right: readonly UserBuffer[]) {
  let [i, j, leftDone, rightDone] = [0, 0, 0, 0];
  while (i < left.length && j < right.length) {
    const length = Math.min(left[i].length - leftDone, right[j].length - rightDone);
    if (length > 0) yield { left: left[i].base + leftDone, right: right[j].base + rightDone, length };
    leftDone += length;
    rightDone += length;
    if (leftDone === left[i].length) [i, leftDone] = [i + 1, 0];
    if (j < right.length && rightDone === right[j].length) [j, rightDone] = [j + 1, 0];
  }
}

const CHUNK = 1 << 16;

function transfer(kind: "read" | "write") {
  return (
    task: Task,
    pid: number,
    localAddress: number,
    localCount: number,
    remoteAddress: number,
    remoteCount: number,
    flags: number,
  ): number => {
    if (flags !== 0) return -EINVAL;
    const local = readIovec(task, localAddress, localCount);
    if (typeof local === "number") return local;
    if (local.every(({ length }) => length === 0)) return 0;
    const remote = readIovec(task, remoteAddress, remoteCount);
    if (typeof remote === "number") return remote;
    if (remote.every(({ length }) => length === 0)) return 0;
    const other = task.kernel.tasks.get(pid);
    if (other === undefined || other.state === "dead") return -ESRCH;
    if (!mayAccess(task, other)) return -EPERM;
    let done = 0;
    for (const { left, right, length } of commonParts(local, remote)) {
      const [from, source] = kind === "read" ? [other.mm, right] : [task.mm, left];
      const [to, target] = kind === "read" ? [task.mm, left] : [other.mm, right];
      for (let at = 0; at < length; at += CHUNK) {
        const bytes = new Uint8Array(Math.min(CHUNK, length - at));
        const got = from.readPart(source + at, bytes);
        const put = to.writePart(target + at, bytes.subarray(0, got));
        done += put;
        if (put < bytes.length) return done > 0 ? done : -EFAULT;
      }
    }
    return done;
  };
}

const args = (direction: "in" | "out") =>
  [
    int("pid"),
    iovec("local_iov", 2, direction),
    ulong("liovcnt"),
    pointer("remote_iov"),
    ulong("riovcnt"),
    ulong("flags"),
  ] as const;

const PARTIAL = { support: "partial", note: "strace's text shows the address of the remote list" } as const;

export const processVmReadv = defineSyscall("process_vm_readv", args("out"), transfer("read"), PARTIAL);
export const processVmWritev = defineSyscall("process_vm_writev", args("in"), transfer("write"), PARTIAL);
