/** What memory calls ask of the task: its resource limits and capabilities. Read at each call, so they may be getters. */
export interface MmLimits {
  /** Bytes; Infinity for RLIM_INFINITY. */
  readonly as: number;
  readonly data: number;
  readonly stack: number;
  readonly memlock: number;
  /** CAP_IPC_LOCK, CAP_SYS_RAWIO, CAP_SYS_ADMIN. */
  readonly capIpcLock: boolean;
  readonly capSysRawio: boolean;
  readonly capSysAdmin: boolean;
}

/** A process of root with the kernel's initial limits and 8 MiB of locked memory. */
export const DEFAULT_LIMITS: MmLimits = {
  as: Number.POSITIVE_INFINITY,
  data: Number.POSITIVE_INFINITY,
  stack: 8 * 1024 * 1024,
  memlock: 8 * 1024 * 1024,
  capIpcLock: true,
  capSysRawio: true,
  capSysAdmin: true,
};
