/** siginfo as the kernel keeps it (struct kernel_siginfo); the frame writers lay it out by ABI. */

/** Which member of the union is in use (kernel/signal.c, siginfo_layout). */
export type SigInfoLayout = "kill" | "timer" | "rt" | "chld" | "fault" | "poll" | "sys";

export interface SigInfo {
  readonly signo: number;
  readonly errno: number;
  readonly code: number;
  readonly layout: SigInfoLayout;
  /** kill, rt, chld: the sender. */
  readonly pid: number;
  readonly uid: number;
  /** rt, timer: sigval as two int32 halves. */
  readonly valueLo: number;
  readonly valueHi: number;
  /** timer: timer id and overrun count. */
  readonly timerId: number;
  readonly overrun: number;
  /** Called when the signal is dequeued: arms its timer again, and returns the overruns so far. */
  readonly rearm?: (() => number) | undefined;
  /** chld: exit status or signal, times in clock ticks. */
  readonly status: number;
  readonly utime: number;
  readonly stime: number;
  /** fault: si_addr. sys: si_call_addr. */
  readonly address: number;
  /** sys: number of the call and its AUDIT_ARCH. */
  readonly syscall: number;
  readonly arch: number;
  /** poll: band and descriptor. */
  readonly band: number;
  readonly fd: number;
}

const EMPTY: SigInfo = {
  signo: 0,
  errno: 0,
  code: 0,
  layout: "kill",
  pid: 0,
  uid: 0,
  valueLo: 0,
  valueHi: 0,
  timerId: 0,
  overrun: 0,
  status: 0,
  utime: 0,
  stime: 0,
  address: 0,
  syscall: 0,
  arch: 0,
  band: 0,
  fd: 0,
};

/** A siginfo with all other members 0. */
export function sigInfo(fields: Partial<SigInfo> & { readonly signo: number; readonly code: number }): SigInfo {
  return { ...EMPTY, ...fields };
}
