/** wait4(2), waitid(2): include/uapi/linux/wait.h. */
export const WNOHANG = 1;
export const WUNTRACED = 2;
export const WSTOPPED = 2;
export const WEXITED = 4;
export const WCONTINUED = 8;
export const WNOWAIT = 0x0100_0000;
export const __WNOTHREAD = 0x2000_0000;
export const __WALL = 0x4000_0000;
export const __WCLONE = 0x8000_0000;

export const P_ALL = 0;
export const P_PID = 1;
export const P_PGID = 2;
export const P_PIDFD = 3;

/** In strace's order. */
export const WAIT_OPTION_NAMES: readonly (readonly [number, string])[] = [
  [WNOHANG, "WNOHANG"],
  [WUNTRACED, "WSTOPPED"],
  [WEXITED, "WEXITED"],
  [WCONTINUED, "WCONTINUED"],
  [WNOWAIT, "WNOWAIT"],
  [__WCLONE, "__WCLONE"],
  [__WALL, "__WALL"],
  [__WNOTHREAD, "__WNOTHREAD"],
];
