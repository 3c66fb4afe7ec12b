/** The System V IPC objects of a machine, and the limits of each kind (struct ipc_namespace). */
import type { Kernel } from "../kernel.ts";
import { MessageQueues } from "./msg.ts";
import { SemaphoreSets } from "./sem.ts";
import { SharedSegments } from "./shm.ts";

export class IpcNamespace {
  readonly shm: SharedSegments;
  readonly sem: SemaphoreSets;
  readonly msg: MessageQueues;

  constructor(kernel: Kernel) {
    this.shm = new SharedSegments(kernel);
    this.sem = new SemaphoreSets(kernel);
    this.msg = new MessageQueues(kernel);
  }
}
