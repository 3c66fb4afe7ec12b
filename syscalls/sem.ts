/** semget(2), semop(2), semtimedop(2), semctl(2). */
import { E2BIG, EFAULT, EINVAL, ERANGE } from "../src/abi/errno.ts";
import {
  GETALL,
  GETNCNT,
  GETPID,
  GETVAL,
  GETZCNT,
  IPC_INFO,
  IPC_NOWAIT,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  SEM_INFO,
  SEM_STAT,
  SEM_STAT_ANY,
  SEM_UNDO,
  SEMAEM,
  SEMVMX,
  SETALL,
  SETVAL,
} from "../src/abi/ipc.ts";
import { type IpcForm, SEMINFO, semidStruct } from "../src/abi/ipc-structs.ts";
import { deadlineOf } from "../src/kernel/clock-ids.ts";
import type { SyscallResult } from "../src/kernel/control.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import type { SemaphoreSet, SemOperation } from "../src/kernel/ipc/sem.ts";
import type { Task } from "../src/kernel/task.ts";
import { readTimespec, type TimeWidth } from "../src/kernel/time-values.ts";
import { int, pointer, pointerTo, uint } from "./codecs.ts";
import { type CallView, defineSyscall } from "./define.ts";
import { readBytes } from "./io.ts";
import { commandOf, formOf, getFlags, key, permissionValues, put, take } from "./ipc-common.ts";
import { flagsText, type NameTable, peek } from "./strace-text.ts";
import { timespec } from "./struct-text.ts";

const FULL = { support: "full" } as const;
/** struct sembuf: number, operation, flags, 16 bits each. */
const SEMBUF = 6;
/** Operations that strace shows. */
const SHOWN = 32;
/** SEMUSZ: size of a struct sem_undo, once upon a time. */
const SEMUSZ = 20;

export const semget = defineSyscall(
  "semget",
  [key, int("nsems"), getFlags("semflg")],
  (task, id, count, flags) => task.kernel.ipc.sem.get(task, id, count, flags),
  FULL,
);

function decode(bytes: Uint8Array): SemOperation[] {
  const from = new FrameReader(bytes);
  return Array.from({ length: bytes.length / SEMBUF }, (_, index) => ({
    number: from.u16(SEMBUF * index),
    change: (from.u16(SEMBUF * index + 2) << 16) >> 16,
    flags: from.u16(SEMBUF * index + 4),
  }));
}

/** do_semtimedop(). */
export function doSemop(
  task: Task,
  id: number,
  address: number,
  count: number,
  timeout: number,
  width: TimeWidth,
): SyscallResult {
  const { sem } = task.kernel.ipc;
  let deadlineNs = Number.POSITIVE_INFINITY;
  if (timeout !== 0) {
    const time = readTimespec(task, timeout, width);
    if (time === -EFAULT) return -EFAULT;
    if (count > sem.limits.operations) return -E2BIG;
    if (typeof time === "number") {
      // the operations are fetched before the time is looked at
      const missing = count > 0 && readBytes(task, address, SEMBUF * count) === undefined;
      return missing ? -EFAULT : time;
    }
    deadlineNs = deadlineOf(task, 1, time, false);
  }
  if (count > sem.limits.operations) return -E2BIG;
  const bytes = count === 0 ? new Uint8Array(0) : readBytes(task, address, SEMBUF * count);
  if (bytes === undefined) return -EFAULT;
  return sem.operate(task, id, decode(bytes), deadlineNs);
}

const OPERATION_FLAGS: NameTable = [
  [SEM_UNDO, "SEM_UNDO"],
  [IPC_NOWAIT, "IPC_NOWAIT"],
];

/** `[{sem_num=1, sem_op=-1, sem_flg=SEM_UNDO}]`. */
function operationsText(address: number, call: CallView): string | undefined {
  const count = Number(call.values[2]);
  const bytes = count > SHOWN ? undefined : peek(call.task, address, SEMBUF * count);
  if (bytes === undefined) return undefined;
  const texts = decode(bytes).map(
    ({ number, change, flags }) =>
      `{sem_num=${number}, sem_op=${change}, sem_flg=${flagsText(flags, OPERATION_FLAGS, "SEM_???")}}`,
  );
  return `[${texts.join(", ")}]`;
}

const operations = pointerTo("sops", "entry", operationsText);

export const semop = defineSyscall(
  "semop",
  [int("semid"), operations, uint("nsops")],
  (task, id, address, count) => doSemop(task, id, address, count, 0, "native"),
  FULL,
);

const semtimedopOf = (name: string, width: TimeWidth) =>
  defineSyscall(
    name,
    [int("semid"), operations, uint("nsops"), timespec("timeout", "entry", width)],
    (task, id, address, count, timeout) => doSemop(task, id, address, count, timeout, width),
    FULL,
  );

export const semtimedop = semtimedopOf("semtimedop", "native");
export const semtimedopTime64 = semtimedopOf("semtimedop_time64", "64");

/** semctl_info(). */
function info(task: Task, address: number, used: boolean): number {
  const { sem } = task.kernel.ipc;
  const { perSet, total, operations, sets } = sem.limits;
  const limits = { semmap: total, semmni: sets, semmns: total, semmnu: total, semmsl: perSet, semopm: operations };
  const counts = used ? { semusz: sem.ids.inUse, semaem: sem.used } : { semusz: SEMUSZ, semaem: SEMAEM };
  const values = { ...limits, semume: operations, semvmx: SEMVMX, ...counts };
  return put(task, address, SEMINFO, values, Math.max(0, sem.ids.maxIndex));
}

/** semctl_main(): what reads a set, and SETALL. */
function main(task: Task, set: SemaphoreSet, number: number, command: number, address: number): number {
  const refused = set.perm.check(task, command === SETALL ? 0o222 : 0o444);
  if (refused < 0) return refused;
  if (command === GETALL) {
    const out = new FrameWriter(2 * set.count);
    for (const [index, value] of set.values.entries()) out.u16(2 * index, value);
    return task.mm.write(address, out.bytes) < 0 ? -EFAULT : 0;
  }
  if (command === SETALL) {
    const bytes = readBytes(task, address, 2 * set.count);
    if (bytes === undefined) return -EFAULT;
    const from = new FrameReader(bytes);
    const values = Array.from({ length: set.count }, (_, index) => from.u16(2 * index));
    if (values.some((value) => value > SEMVMX)) return -ERANGE;
    task.kernel.ipc.sem.setValues(task, set, values);
    return 0;
  }
  if (number < 0 || number >= set.count) return -EINVAL;
  if (command === GETVAL) return set.values[number];
  return command === GETPID ? set.pids[number] : set.waiting(number, command === GETZCNT);
}

/** semctl_setval(). */
function setValue(task: Task, id: number, number: number, value: number): number {
  if (value > SEMVMX || value < 0) return -ERANGE;
  const { sem } = task.kernel.ipc;
  const set = sem.ids.byId(id);
  if (typeof set === "number") return set;
  if (number < 0 || number >= set.count) return -EINVAL;
  const refused = set.perm.check(task, 0o222);
  if (refused < 0) return refused;
  sem.setValues(task, set, [value], number);
  return 0;
}

/** ksys_semctl(); `argument` is the union semun, an address or a value. */
export function doSemctl(
  task: Task,
  id: number,
  number: number,
  command: number,
  argument: number,
  form: IpcForm,
): number {
  const { sem } = task.kernel.ipc;
  if (id < 0) return -EINVAL;
  switch (command) {
    case IPC_INFO:
    case SEM_INFO:
      return info(task, argument, command === SEM_INFO);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY: {
      const how = command === IPC_STAT ? "id" : command === SEM_STAT ? "index" : "any";
      const set = sem.ids.forStat(task, id, how);
      if (typeof set === "number") return set;
      const times = { otime: set.operationTime, ctime: set.changeTime, nsems: set.count };
      const values = { ...permissionValues(set.perm), ...times };
      return put(task, argument, semidStruct(form), values, how === "id" ? 0 : set.perm.id);
    }
    case GETALL:
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
    case SETALL: {
      const set = sem.ids.byId(id);
      return typeof set === "number" ? set : main(task, set, number, command, argument);
    }
    case SETVAL:
      return setValue(task, id, number, argument | 0);
    case IPC_SET: {
      const values = take(task, argument, semidStruct(form));
      return typeof values === "number"
        ? values
        : sem.set(task, id, { uid: values.uid, gid: values.gid, mode: values.mode });
    }
    case IPC_RMID:
      return sem.remove(task, id);
    default:
      return -EINVAL;
  }
}

const COMMANDS: NameTable = [
  [IPC_RMID, "IPC_RMID"],
  [IPC_SET, "IPC_SET"],
  [IPC_STAT, "IPC_STAT"],
  [IPC_INFO, "IPC_INFO"],
  [GETPID, "GETPID"],
  [GETVAL, "GETVAL"],
  [GETALL, "GETALL"],
  [GETNCNT, "GETNCNT"],
  [GETZCNT, "GETZCNT"],
  [SETVAL, "SETVAL"],
  [SETALL, "SETALL"],
  [SEM_STAT, "SEM_STAT"],
  [SEM_INFO, "SEM_INFO"],
  [SEM_STAT_ANY, "SEM_STAT_ANY"],
];

export const semctl = defineSyscall(
  "semctl",
  [int("semid"), int("semnum"), commandOf(COMMANDS, "SEM_???"), pointer("arg")],
  (task, id, number, command, argument) => doSemctl(task, id, number, command, argument, formOf(task.abi)),
  { support: "partial", note: "strace's text shows addresses" },
);
