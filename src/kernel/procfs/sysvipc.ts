/** /proc/sysvipc, and the limits of System V IPC in /proc/sys/kernel (ipc/{util,shm,sem,msg,ipc_sysctl}.c). */
import { ERANGE } from "../../abi/errno.ts";
import { IPC_MAX } from "../ipc/ids.ts";
import { SHM_UNLIMITED } from "../ipc/shm.ts";
import type { Kernel } from "../kernel.ts";
import type { ProcContent } from "./nodes.ts";
import { fixed, ranged, type Setting } from "./setting.ts";

const INT_MAX = 0x7fff_ffff;

/** `%*d` of each value. */
function columns(...cells: readonly (readonly [value: number | string, width: number])[]): string {
  return cells.map(([value, width]) => String(value).padStart(width)).join(" ");
}

function shm(kernel: Kernel): string {
  let text =
    "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime" +
    "      ctime                   rss                  swap\n";
  for (const segment of kernel.ipc.shm.ids) {
    const { perm, size, creator, lastPid, attachments, attachTime, detachTime, changeTime } = segment;
    const ids = columns([perm.key, 10], [perm.id, 10]);
    const use = columns([perm.mode.toString(8), 4], [size, 21], [creator, 5], [lastPid, 5], [attachments, 5]);
    const users = columns([perm.uid, 5], [perm.gid, 5], [perm.cuid, 5], [perm.cgid, 5]);
    const times = columns([attachTime, 10], [detachTime, 10], [changeTime, 10]);
    text += `${ids}  ${use}  ${users} ${times} ${columns([segment.residentPages * 4096, 21], [0, 21])}\n`;
  }
  return text;
}

function sem(kernel: Kernel): string {
  let text = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n";
  for (const { perm, count, operationTime, changeTime } of kernel.ipc.sem.ids) {
    const head = `${columns([perm.key, 10], [perm.id, 10])}  ${columns([perm.mode.toString(8), 4], [count, 10])}`;
    const users = columns([perm.uid, 5], [perm.gid, 5], [perm.cuid, 5], [perm.cgid, 5]);
    text += `${head} ${users} ${columns([operationTime, 10], [changeTime, 10])}\n`;
  }
  return text;
}

function msg(kernel: Kernel): string {
  let text =
    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime" +
    "      ctime\n";
  for (const queue of kernel.ipc.msg.ids) {
    const { perm, bytes, messages, lastSender, lastReceiver, sendTime, receiveTime, changeTime } = queue;
    const head = `${columns([perm.key, 10], [perm.id, 10])}  ${columns([perm.mode.toString(8), 4])}`;
    const use = columns([bytes, 10], [messages.length, 10], [lastSender, 5], [lastReceiver, 5]);
    const users = columns([perm.uid, 5], [perm.gid, 5], [perm.cuid, 5], [perm.cgid, 5]);
    text += `${head}  ${use} ${users} ${columns([sendTime, 10], [receiveTime, 10], [changeTime, 10])}\n`;
  }
  return text;
}

/** Name and text of each file of /proc/sysvipc. */
export const SYSVIPC_FILES: Readonly<Record<string, (kernel: Kernel) => ProcContent>> = { msg, sem, shm };

/** SHMMAX and SHMALL are no exact numbers. */
function sizeText(value: number): string | number {
  return value === SHM_UNLIMITED ? "18446744073692774399" : value;
}

function sizeSetting(name: "maxBytes" | "maxPages"): Setting {
  return {
    read: (kernel) => sizeText(kernel.ipc.shm[name]),
    write: (kernel, value) => {
      kernel.ipc.shm[name] = value >= SHM_UNLIMITED ? SHM_UNLIMITED : value;
      return 0;
    },
  };
}

function messageSetting(name: "maxMessage" | "maxQueueBytes" | "maxQueues", most: number): Setting {
  return ranged(
    (kernel) => kernel.ipc.msg[name],
    0,
    most,
    (kernel, value) => {
      kernel.ipc.msg[name] = value;
    },
  );
}

const semaphores: Setting = {
  read: ({ ipc }) => {
    const { perSet, total, operations, sets } = ipc.sem.limits;
    return `${perSet}\t${total}\t${operations}\t${sets}`;
  },
  writeList: ({ ipc }, values) => {
    const old = ipc.sem.limits;
    const [perSet = old.perSet, total = old.total, operations = old.operations, sets = old.sets] = values;
    if (sets < 0 || sets > IPC_MAX || perSet > IPC_MAX) return -ERANGE;
    ipc.sem.limits = { perSet, total, operations, sets };
    return 0;
  },
};

export const IPC_SETTINGS: Readonly<Record<string, Setting>> = {
  "kernel/auto_msgmni": fixed(0),
  "kernel/msgmax": messageSetting("maxMessage", INT_MAX),
  "kernel/msgmnb": messageSetting("maxQueueBytes", INT_MAX),
  "kernel/msgmni": messageSetting("maxQueues", IPC_MAX),
  "kernel/sem": semaphores,
  "kernel/shm_rmid_forced": ranged(
    (kernel) => (kernel.ipc.shm.removeUnattached ? 1 : 0),
    0,
    1,
    (kernel, value) => {
      kernel.ipc.shm.removeUnattached = value === 1;
    },
  ),
  "kernel/shmall": sizeSetting("maxPages"),
  "kernel/shmmax": sizeSetting("maxBytes"),
  "kernel/shmmni": ranged(
    (kernel) => kernel.ipc.shm.maxSegments,
    0,
    IPC_MAX,
    (kernel, value) => {
      kernel.ipc.shm.maxSegments = value;
    },
  ),
};
