/** prctl(2) and arch_prctl(2): include/uapi/linux/prctl.h, arch/x86/include/uapi/asm/prctl.h. */
export const PR_SET_PDEATHSIG = 1;
export const PR_GET_PDEATHSIG = 2;
export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_GET_KEEPCAPS = 7;
export const PR_SET_KEEPCAPS = 8;
export const PR_GET_TIMING = 13;
export const PR_SET_TIMING = 14;
export const PR_SET_NAME = 15;
export const PR_GET_NAME = 16;
export const PR_GET_SECCOMP = 21;
export const PR_SET_SECCOMP = 22;
export const PR_CAPBSET_READ = 23;
export const PR_CAPBSET_DROP = 24;
/** What PR_GET_TSC gives: RDTSC may be used. */
export const PR_TSC_ENABLE = 1;
export const PR_CAP_AMBIENT_IS_SET = 1;
export const PR_GET_TSC = 25;
export const PR_TASK_PERF_EVENTS_ENABLE = 32;
export const PR_TASK_PERF_EVENTS_DISABLE = 31;
export const PR_SET_TSC = 26;
export const PR_GET_SECUREBITS = 27;
export const PR_SET_SECUREBITS = 28;
export const PR_SET_TIMERSLACK = 29;
export const PR_GET_TIMERSLACK = 30;
export const PR_SET_MM = 35;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_GET_CHILD_SUBREAPER = 37;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_GET_NO_NEW_PRIVS = 39;
export const PR_GET_TID_ADDRESS = 40;
export const PR_SET_THP_DISABLE = 41;
export const PR_GET_THP_DISABLE = 42;
export const PR_CAP_AMBIENT = 47;
export const PR_SET_VMA = 0x53564d41;
export const PR_SET_VMA_ANON_NAME = 0;
export const PR_SET_PTRACER = 0x59616d61;

export const PRCTL_NAMES: readonly (readonly [number, string])[] = [
  [PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"],
  [PR_GET_PDEATHSIG, "PR_GET_PDEATHSIG"],
  [PR_GET_DUMPABLE, "PR_GET_DUMPABLE"],
  [PR_SET_DUMPABLE, "PR_SET_DUMPABLE"],
  [PR_GET_KEEPCAPS, "PR_GET_KEEPCAPS"],
  [PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS"],
  [PR_GET_TIMING, "PR_GET_TIMING"],
  [PR_SET_TIMING, "PR_SET_TIMING"],
  [PR_SET_NAME, "PR_SET_NAME"],
  [PR_GET_NAME, "PR_GET_NAME"],
  [PR_GET_SECCOMP, "PR_GET_SECCOMP"],
  [PR_SET_SECCOMP, "PR_SET_SECCOMP"],
  [PR_CAPBSET_READ, "PR_CAPBSET_READ"],
  [PR_CAPBSET_DROP, "PR_CAPBSET_DROP"],
  [PR_GET_TSC, "PR_GET_TSC"],
  [PR_SET_TSC, "PR_SET_TSC"],
  [PR_GET_SECUREBITS, "PR_GET_SECUREBITS"],
  [PR_SET_SECUREBITS, "PR_SET_SECUREBITS"],
  [PR_SET_TIMERSLACK, "PR_SET_TIMERSLACK"],
  [PR_GET_TIMERSLACK, "PR_GET_TIMERSLACK"],
  [PR_SET_MM, "PR_SET_MM"],
  [PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER"],
  [PR_GET_CHILD_SUBREAPER, "PR_GET_CHILD_SUBREAPER"],
  [PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS"],
  [PR_GET_NO_NEW_PRIVS, "PR_GET_NO_NEW_PRIVS"],
  [PR_GET_TID_ADDRESS, "PR_GET_TID_ADDRESS"],
  [PR_SET_THP_DISABLE, "PR_SET_THP_DISABLE"],
  [PR_GET_THP_DISABLE, "PR_GET_THP_DISABLE"],
  [PR_CAP_AMBIENT, "PR_CAP_AMBIENT"],
  [PR_SET_VMA, "PR_SET_VMA"],
  [PR_SET_PTRACER, "PR_SET_PTRACER"],
];

export const ARCH_SET_GS = 0x1001;
export const ARCH_SET_FS = 0x1002;
export const ARCH_GET_FS = 0x1003;
export const ARCH_GET_GS = 0x1004;
export const ARCH_GET_CPUID = 0x1011;
export const ARCH_SET_CPUID = 0x1012;
export const ARCH_GET_XCOMP_SUPP = 0x1021;
export const ARCH_GET_XCOMP_PERM = 0x1022;
export const ARCH_MAP_VDSO_X32 = 0x2001;
export const ARCH_MAP_VDSO_32 = 0x2002;
export const ARCH_MAP_VDSO_64 = 0x2003;

/** The codes that strace 6.1 knows. */
export const ARCH_PRCTL_NAMES: readonly (readonly [number, string])[] = [
  [ARCH_SET_GS, "ARCH_SET_GS"],
  [ARCH_SET_FS, "ARCH_SET_FS"],
  [ARCH_GET_FS, "ARCH_GET_FS"],
  [ARCH_GET_GS, "ARCH_GET_GS"],
  [ARCH_GET_CPUID, "ARCH_GET_CPUID"],
  [ARCH_SET_CPUID, "ARCH_SET_CPUID"],
  [ARCH_GET_XCOMP_SUPP, "ARCH_GET_XCOMP_SUPP"],
  [ARCH_GET_XCOMP_PERM, "ARCH_GET_XCOMP_PERM"],
  [0x1023, "ARCH_REQ_XCOMP_PERM"],
  [0x1024, "ARCH_GET_XCOMP_GUEST_PERM"],
  [0x1025, "ARCH_REQ_XCOMP_GUEST_PERM"],
  [ARCH_MAP_VDSO_X32, "ARCH_MAP_VDSO_X32"],
  [ARCH_MAP_VDSO_32, "ARCH_MAP_VDSO_32"],
  [ARCH_MAP_VDSO_64, "ARCH_MAP_VDSO_64"],
];
