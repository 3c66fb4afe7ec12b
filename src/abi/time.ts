/** Clocks and timers: include/uapi/linux/time.h, timex.h. */
export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_PROCESS_CPUTIME_ID = 2;
export const CLOCK_THREAD_CPUTIME_ID = 3;
export const CLOCK_MONOTONIC_RAW = 4;
export const CLOCK_REALTIME_COARSE = 5;
export const CLOCK_MONOTONIC_COARSE = 6;
export const CLOCK_BOOTTIME = 7;
export const CLOCK_REALTIME_ALARM = 8;
export const CLOCK_BOOTTIME_ALARM = 9;
export const CLOCK_TAI = 11;

export const TIMER_ABSTIME = 1;

export const ITIMER_REAL = 0;
export const ITIMER_VIRTUAL = 1;
export const ITIMER_PROF = 2;

export const NSEC_PER_SEC = 1_000_000_000;
export const NSEC_PER_USEC = 1_000;
/** Resolution of the _COARSE clocks: one tick of HZ 250 (clock_getres(2)). */
export const COARSE_NS = 4_000_000;
/** sysconf(_SC_CLK_TCK). */
export const USER_HZ = 100;

/** Names by number, as strace prints them. */
export const CLOCK_NAMES: readonly (readonly [number, string])[] = [
  [CLOCK_REALTIME, "CLOCK_REALTIME"],
  [CLOCK_MONOTONIC, "CLOCK_MONOTONIC"],
  [CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID"],
  [CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID"],
  [CLOCK_MONOTONIC_RAW, "CLOCK_MONOTONIC_RAW"],
  [CLOCK_REALTIME_COARSE, "CLOCK_REALTIME_COARSE"],
  [CLOCK_MONOTONIC_COARSE, "CLOCK_MONOTONIC_COARSE"],
  [CLOCK_BOOTTIME, "CLOCK_BOOTTIME"],
  [CLOCK_REALTIME_ALARM, "CLOCK_REALTIME_ALARM"],
  [CLOCK_BOOTTIME_ALARM, "CLOCK_BOOTTIME_ALARM"],
  [CLOCK_TAI, "CLOCK_TAI"],
];
