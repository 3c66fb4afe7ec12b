/** ipc(2) of i386: the calls of System V IPC by number (ipc/syscall.c, compat_ksys_ipc()). */
import { EFAULT, EINVAL, ENOSYS } from "../src/abi/errno.ts";
import {
  MSGCTL,
  MSGGET,
  MSGRCV,
  MSGSND,
  SEMCTL,
  SEMGET,
  SEMOP,
  SEMTIMEDOP,
  SHMAT,
  SHMCTL,
  SHMDT,
  SHMGET,
} from "../src/abi/ipc.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import { FrameReader } from "../src/kernel/frame-writer.ts";
import type { Task } from "../src/kernel/task.ts";
import { int, long, pointer, uint } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { readBytes } from "./io.ts";
import { parsedCommand } from "./ipc-common.ts";
import { doMsgctl, doMsgrcv, doMsgsnd } from "./msg.ts";
import { doSemctl, doSemop } from "./sem.ts";
import { doShmctl, doShmget } from "./shm.ts";

/** SHMAT: the address goes to where `third` points. */
function attach(task: Task, version: number, id: number, flags: number, result: number, address: number): number {
  if (version === 1) return -EINVAL;
  const attached = task.kernel.ipc.shm.attach(task, id, address, flags);
  if (attached < 0) return attached;
  return task.mm.writeU32(result, attached) < 0 ? -EFAULT : 0;
}

/** MSGRCV: version 0 has buffer and type in a struct (struct ipc_kludge). */
function receive(
  task: Task,
  version: number,
  id: number,
  size: number,
  flags: number,
  address: number,
  type: number,
): SyscallResult {
  if (id < 0 || size < 0) return -EINVAL;
  if (version !== 0) return doMsgrcv(task, id, address, size, type, flags);
  if (address === 0) return -EINVAL;
  const bytes = readBytes(task, address, 8);
  if (bytes === undefined) return -EFAULT;
  const from = new FrameReader(bytes);
  return doMsgrcv(task, id, from.u32(0), size, from.i32(4), flags);
}

export const ipc = defineSyscall(
  "ipc",
  [uint("call"), int("first"), int("second"), int("third"), pointer("ptr"), long("fifth")],
  (task, callAndVersion, first, second, third, ptr, fifth) => {
    const version = callAndVersion >>> 16;
    const { sem, msg, shm } = task.kernel.ipc;
    switch (callAndVersion & 0xffff) {
      case SEMOP:
        return doSemop(task, first, ptr, second >>> 0, 0, "native");
      case SEMTIMEDOP:
        return doSemop(task, first, ptr, second >>> 0, fifth >>> 0, "native");
      case SEMGET:
        return sem.get(task, first, second, third);
      case SEMCTL: {
        if (ptr === 0) return -EINVAL;
        const argument = task.mm.readU32(ptr);
        if (argument < 0) return -EFAULT;
        const { command, form } = parsedCommand(third);
        return doSemctl(task, first, second, command, argument, form);
      }
      case MSGSND:
        return doMsgsnd(task, first, ptr, second, third);
      case MSGRCV:
        return receive(task, version, first, second, third, ptr, fifth);
      case MSGGET:
        return msg.get(task, first, second);
      case MSGCTL: {
        const { command, form } = parsedCommand(second);
        return doMsgctl(task, first, command, ptr, form);
      }
      case SHMAT:
        return attach(task, version, first, second, third >>> 0, ptr);
      case SHMDT:
        return shm.detach(task, ptr);
      case SHMGET:
        return doShmget(task, first, second >>> 0, third);
      case SHMCTL: {
        const { command, form } = parsedCommand(second);
        return doShmctl(task, first, command, ptr, form);
      }
      default:
        return -ENOSYS;
    }
  },
  { support: "partial", note: "strace's text shows the arguments of ipc(2) itself" },
);
