/** /proc/sys/fs/mqueue (ipc/mq_sysctl.c). */
import { HARD_MSGMAX, HARD_MSGSIZEMAX } from "../../abi/mqueue.ts";
import type { PosixQueues } from "../mqueue/namespace.ts";
import { ranged, type Setting } from "./setting.ts";

function limit(name: keyof PosixQueues["limits"], min: number, max: number): Setting {
  return ranged(
    (kernel) => kernel.queues.limits[name],
    min,
    max,
    (kernel, value) => {
      kernel.queues.limits = { ...kernel.queues.limits, [name]: value };
    },
  );
}

export const MQUEUE_SETTINGS: Readonly<Record<string, Setting>> = {
  "fs/mqueue/msg_default": limit("messagesDefault", 1, HARD_MSGMAX),
  "fs/mqueue/msg_max": limit("messages", 1, HARD_MSGMAX),
  "fs/mqueue/msgsize_default": limit("sizeDefault", 128, HARD_MSGSIZEMAX),
  "fs/mqueue/msgsize_max": limit("size", 128, HARD_MSGSIZEMAX),
  "fs/mqueue/queues_max": limit("queues", 0, 0x7fff_ffff),
};
