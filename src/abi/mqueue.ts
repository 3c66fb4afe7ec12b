/** POSIX message queues (include/uapi/linux/mqueue.h, include/linux/ipc_namespace.h). */
import type { Abi } from "./abi.ts";
import { structOf } from "./struct.ts";

export const MQ_PRIO_MAX = 32768;
/** NOTIFY_COOKIE_LEN: what a SIGEV_THREAD event points to. */
export const NOTIFY_COOKIE_LEN = 32;
/** Bounds for the privileged, whatever fs.mqueue says. */
export const HARD_MSGMAX = 65536;
export const HARD_MSGSIZEMAX = 16 * 1024 * 1024;
export const MQUEUE_MAGIC = 0x19800202;

/** struct mq_attr. */
export function mqAttrStruct(abi: Abi) {
  return structOf(abi, { flags: "long", maxmsg: "long", msgsize: "long", curmsgs: "long", reserved: ["long", 4] });
}
