/* Functions that are one system call with the same arguments (section 2 of the man pages). */
#include "../syscall.h"

#define CALL0(type, name) type name(void) { return (type)SYS(SYS_##name); }
#define CALL1(type, name, A) type name(A a) { return (type)SYS(SYS_##name, a); }
#define CALL2(type, name, A, B) type name(A a, B b) { return (type)SYS(SYS_##name, a, b); }
#define CALL3(type, name, A, B, C) type name(A a, B b, C c) { return (type)SYS(SYS_##name, a, b, c); }
#define CALL4(type, name, A, B, C, D) type name(A a, B b, C c, D d) { return (type)SYS(SYS_##name, a, b, c, d); }
#define CALL5(type, name, A, B, C, D, E) type name(A a, B b, C c, D d, E e) { return (type)SYS(SYS_##name, a, b, c, d, e); }
typedef const char *text;
typedef void *buffer;

CALL3(ssize_t, read, int, buffer, size_t)
CALL3(ssize_t, write, int, const void *, size_t)
CALL1(int, close, int)
CALL3(ssize_t, readv, int, const void *, int)
CALL3(ssize_t, writev, int, const void *, int)
CALL1(int, dup, int)
CALL2(int, dup2, int, int)
CALL3(int, dup3, int, int, int)
CALL1(int, pipe, int *)
CALL2(int, pipe2, int *, int)
CALL3(int, poll, buffer, unsigned long, int)
CALL5(int, select, int, buffer, buffer, buffer, buffer)
CALL2(int, access, text, int)
CALL1(int, chdir, text)
CALL1(int, fchdir, int)
CALL1(int, chroot, text)
CALL2(int, rename, text, text)
CALL2(int, mkdir, text, mode_t)
CALL1(int, rmdir, text)
CALL2(int, link, text, text)
CALL1(int, unlink, text)
CALL2(int, symlink, text, text)
CALL3(ssize_t, readlink, text, buffer, size_t)
CALL2(int, chmod, text, mode_t)
CALL2(int, fchmod, int, mode_t)
CALL3(int, chown, text, uid_t, gid_t)
CALL3(int, fchown, int, uid_t, gid_t)
CALL3(int, lchown, text, uid_t, gid_t)
CALL1(mode_t, umask, mode_t)
CALL2(int, utime, text, buffer)
CALL2(int, utimes, text, buffer)
CALL4(int, utimensat, int, text, buffer, int)
CALL3(int, mkdirat, int, text, mode_t)
CALL3(int, unlinkat, int, text, int)
CALL4(int, renameat, int, text, int, text)
CALL4(ssize_t, readlinkat, int, text, buffer, size_t)
CALL1(int, fsync, int)
CALL1(int, fdatasync, int)
void sync(void) { RAW(SYS_sync); }
CALL2(int, flock, int, int)
CALL0(pid_t, getpid)
CALL0(pid_t, getppid)
CALL0(pid_t, getpgrp)
CALL1(pid_t, getpgid, pid_t)
CALL2(int, setpgid, pid_t, pid_t)
CALL0(pid_t, setsid)
CALL1(pid_t, getsid, pid_t)
CALL0(uid_t, getuid)
CALL0(uid_t, geteuid)
CALL0(gid_t, getgid)
CALL0(gid_t, getegid)
CALL1(int, setuid, uid_t)
CALL1(int, setgid, gid_t)
CALL2(int, setreuid, uid_t, uid_t)
CALL2(int, setregid, gid_t, gid_t)
CALL3(int, setresuid, uid_t, uid_t, uid_t)
CALL3(int, getresuid, uid_t *, uid_t *, uid_t *)
CALL3(int, getresgid, gid_t *, gid_t *, gid_t *)
CALL2(int, getgroups, int, gid_t *)
CALL3(int, execve, text, char *const *, char *const *)
CALL4(pid_t, wait4, pid_t, int *, int, buffer)
CALL2(int, kill, pid_t, int)
CALL1(unsigned, alarm, unsigned)
CALL0(int, pause)
CALL2(int, getitimer, int, buffer)
CALL3(int, setitimer, int, const void *, buffer)
CALL2(int, nanosleep, const struct timespec *, struct timespec *)
CALL2(int, gettimeofday, struct timeval *, buffer)
CALL1(clock_t, times, buffer)
CALL2(int, getrlimit, int, buffer)
CALL2(int, setrlimit, int, const void *)
CALL2(int, getrusage, int, buffer)
CALL1(int, sysinfo, buffer)
CALL2(int, munmap, buffer, size_t)
CALL3(int, mprotect, buffer, size_t, int)
CALL3(int, msync, buffer, size_t, int)
CALL3(int, madvise, buffer, size_t, int)
CALL3(int, mincore, buffer, size_t, unsigned char *)
CALL2(int, mlock, const void *, size_t)
CALL2(int, munlock, const void *, size_t)
CALL1(int, mlockall, int)
CALL0(int, munlockall)
CALL2(int, sigaltstack, const void *, buffer)
CALL0(int, sched_yield)
CALL2(int, sched_getparam, pid_t, buffer)
CALL1(int, sched_getscheduler, pid_t)
CALL3(int, sched_setscheduler, pid_t, int, const void *)
CALL1(int, sched_get_priority_max, int)
CALL1(int, sched_get_priority_min, int)
CALL1(int, personality, unsigned long)
CALL5(int, prctl, int, unsigned long, unsigned long, unsigned long, unsigned long)
CALL3(int, setpriority, int, int, int)
CALL3(ssize_t, getrandom, buffer, size_t, unsigned)

ALIAS(__read, read);
ALIAS(__write, write);
ALIAS(__close, close);
ALIAS(__dup2, dup2);
ALIAS(__pipe, pipe);
ALIAS(__poll, poll);
ALIAS(__select, select);
ALIAS(__getpid, getpid);
ALIAS(__getpgid, getpgid);
ALIAS(__setpgid, setpgid);
ALIAS(__sched_yield, sched_yield);
ALIAS(__sched_getparam, sched_getparam);
ALIAS(__sched_getscheduler, sched_getscheduler);
ALIAS(__sched_setscheduler, sched_setscheduler);
ALIAS(__sched_get_priority_max, sched_get_priority_max);
ALIAS(__sched_get_priority_min, sched_get_priority_min);
ALIAS(__nanosleep, nanosleep);
ALIAS(__gettimeofday, gettimeofday);

/* getpriority(2): the kernel answers 20 - nice, so that it is never negative. */
int getpriority(int which, int who) {
  int result = (int)SYS(SYS_getpriority, which, who);
  return result < 0 ? result : 20 - result;
}

int nice(int increment) {
  errno = 0;
  int old = getpriority(0, 0);
  if (old == -1 && errno != 0) return -1;
  if (setpriority(0, 0, old + increment) < 0) {
    if (errno == EACCES) errno = EPERM;
    return -1;
  }
  return getpriority(0, 0);
}

#ifdef __x86_64__
CALL2(int, arch_prctl, int, unsigned long)
#endif

void *mremap(void *old, size_t old_size, size_t size, int flags, ...) {
  va_list ap;
  va_start(ap, flags);
  void *at = flags & 2 ? va_arg(ap, void *) : NULL;
  va_end(ap);
  return (void *)SYS(SYS_mremap, old, old_size, size, flags, at);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list ap;
  va_start(ap, request);
  void *argument = va_arg(ap, void *);
  va_end(ap);
  return (int)SYS(SYS_ioctl, fd, request, argument);
}

/* The break as last heard; whoever lays out the image defines it, since the allocator keeps to it too. */
HIDDEN extern char *__curbrk;

int brk(void *end) {
  __curbrk = (char *)RAW(SYS_brk, end);
  if (__curbrk >= (char *)end) return 0;
  errno = ENOMEM;
  return -1;
}

void *sbrk(intptr_t increment) {
  if (!__curbrk && brk(NULL) < 0) return (void *)-1;
  char *old = __curbrk;
  if (increment == 0) return old;
  if (increment > 0 ? (uintptr_t)old + (uintptr_t)increment < (uintptr_t)old : (uintptr_t)old < (uintptr_t)-increment) {
    errno = ENOMEM;
    return (void *)-1;
  }
  return brk(old + increment) < 0 ? (void *)-1 : old;
}
ALIAS(__sbrk, sbrk);

int getpagesize(void) { return 4096; }
ALIAS(__getpagesize, getpagesize);
int getdtablesize(void) {
  unsigned long limit[2];
  return RAW(SYS_getrlimit, 7, limit) < 0 ? 256 : (int)limit[0];
}
