/* Signals: sigaction(2), signal(2) with BSD semantics, sigsetops(3). The kernel's mask has 8 bytes, the libc's 128. */
#include "../syscall.h"

enum { KERNEL_MASK = 8, AT_SYSINFO_EHDR = 33 };
struct kernel_sigaction { void *handler; unsigned long flags; void (*restorer)(void); unsigned char mask[KERNEL_MASK]; };
HIDDEN void __restore_rt(void);
#ifdef __i386__
HIDDEN void __restore(void);
#endif
#define SA_SIGINFO 4UL

/* On amd64 always, on i386 only where the kernel has no vdso: how a handler returns. */
static void set_restorer(struct kernel_sigaction *k, int flags) {
#ifdef __i386__
  if (auxv_value(AT_SYSINFO_EHDR, 0)) return;
  k->restorer = flags & SA_SIGINFO ? __restore_rt : __restore;
#else
  (void)flags;
  k->restorer = __restore_rt;
#endif
  k->flags |= SA_RESTORER;
}

int sigaction(int signo, const struct sigaction *act, struct sigaction *old) {
  struct kernel_sigaction k = { 0 }, o = { 0 };
  if (act) {
    k.handler = (void *)act->sa_handler;
    k.flags = (unsigned long)act->sa_flags;
    memcpy(k.mask, &act->sa_mask, KERNEL_MASK);
    set_restorer(&k, act->sa_flags);
  }
  long result = SYS(SYS_rt_sigaction, signo, act ? &k : NULL, old ? &o : NULL, KERNEL_MASK);
  if (old && result >= 0) {
    memset(old, 0, sizeof *old);
    old->sa_handler = (sighandler_t)o.handler;
    memcpy(&old->sa_mask, o.mask, KERNEL_MASK);
    old->sa_flags = (int)o.flags;
    old->sa_restorer = o.restorer;
  }
  return (int)result;
}
ALIAS(__sigaction, sigaction);

int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
  return (int)SYS(SYS_rt_sigprocmask, how, set, old, KERNEL_MASK);
}
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) { return -(int)RAW(SYS_rt_sigprocmask, how, set, old, KERNEL_MASK); }
int sigpending(sigset_t *set) { return (int)SYS(SYS_rt_sigpending, set, KERNEL_MASK); }
int sigsuspend(const sigset_t *set) { return (int)SYS(SYS_rt_sigsuspend, set, KERNEL_MASK); }
ALIAS(__sigsuspend, sigsuspend);
int sigtimedwait(const sigset_t *set, void *info, const struct timespec *limit) {
  return (int)SYS(SYS_rt_sigtimedwait, set, info, limit, KERNEL_MASK);
}
int sigwaitinfo(const sigset_t *set, void *info) { return sigtimedwait(set, info, NULL); }
int sigwait(const sigset_t *set, int *signo) {
  long result;
  do result = RAW(SYS_rt_sigtimedwait, set, NULL, NULL, KERNEL_MASK);
  while (result == -EINTR);
  if (result < 0) return -(int)result;
  *signo = (int)result;
  return 0;
}
int sigqueue(pid_t pid, int signo, const union sigval value) {
  struct { int signo, error, code; int pad[sizeof(long) == 8 ? 1 : 0]; int pid; unsigned uid; union sigval value; char rest[128]; } info = { 0 };
  info.signo = signo;
  info.code = -1;
  info.pid = getpid();
  info.uid = (unsigned)RAW(SYS_getuid);
  info.value = value;
  return (int)SYS(SYS_rt_sigqueueinfo, pid, signo, &info);
}

int sigemptyset(sigset_t *set) { return memset(set, 0, sizeof *set), 0; }
int sigfillset(sigset_t *set) {
  memset(set, 0xff, sizeof *set);
  ((unsigned char *)set)[3] &= 0x7f; /* signals 32 and 33 belong to the threads library */
  ((unsigned char *)set)[4] &= 0xfe;
  return 0;
}
static int valid(int signo) {
  if (signo > 0 && signo < NSIG) return 1;
  errno = EINVAL;
  return 0;
}
int sigaddset(sigset_t *set, int signo) {
  return valid(signo) ? (((unsigned char *)set)[(signo - 1) / 8] |= (unsigned char)(1 << (signo - 1) % 8), 0) : -1;
}
int sigdelset(sigset_t *set, int signo) {
  return valid(signo) ? (((unsigned char *)set)[(signo - 1) / 8] &= (unsigned char)~(1 << (signo - 1) % 8), 0) : -1;
}
int sigismember(const sigset_t *set, int signo) {
  return valid(signo) ? ((const unsigned char *)set)[(signo - 1) / 8] >> (signo - 1) % 8 & 1 : -1;
}
int __sigismember(const sigset_t *set, int signo) { return ((const unsigned char *)set)[(signo - 1) / 8] >> (signo - 1) % 8 & 1; }
int __sigaddset(sigset_t *set, int signo) { return sigaddset(set, signo); }
int __sigdelset(sigset_t *set, int signo) { return sigdelset(set, signo); }
int sigisemptyset(const sigset_t *set) {
  for (unsigned i = 0; i < sizeof set->word / sizeof *set->word; i++)
    if (set->word[i]) return 0;
  return 1;
}
int sigandset(sigset_t *to, const sigset_t *a, const sigset_t *b) {
  for (unsigned i = 0; i < sizeof to->word / sizeof *to->word; i++) to->word[i] = a->word[i] & b->word[i];
  return 0;
}
int sigorset(sigset_t *to, const sigset_t *a, const sigset_t *b) {
  for (unsigned i = 0; i < sizeof to->word / sizeof *to->word; i++) to->word[i] = a->word[i] | b->word[i];
  return 0;
}

static sigset_t interrupting; /* siginterrupt(3): signals whose handlers interrupt system calls */

static sighandler_t install(int signo, sighandler_t handler, int flags, int block_itself) {
  struct sigaction act = { .sa_handler = handler, .sa_flags = flags }, old;
  if (handler == SIG_ERR || signo < 1 || signo >= NSIG) {
    errno = EINVAL;
    return SIG_ERR;
  }
  if (block_itself) sigaddset(&act.sa_mask, signo);
  return sigaction(signo, &act, &old) < 0 ? SIG_ERR : old.sa_handler;
}
sighandler_t signal(int signo, sighandler_t handler) {
  int restart = signo >= 1 && signo < NSIG && !sigismember(&interrupting, signo) ? SA_RESTART : 0;
  return install(signo, handler, restart, 1);
}
ALIAS(bsd_signal, signal);
ALIAS(ssignal, signal);
sighandler_t __sysv_signal(int signo, sighandler_t handler) { return install(signo, handler, (int)0xe0000000, 0); }
ALIAS(sysv_signal, __sysv_signal);

int siginterrupt(int signo, int on) {
  struct sigaction act;
  if (sigaction(signo, NULL, &act) < 0) return -1;
  if (on) {
    sigaddset(&interrupting, signo);
    act.sa_flags &= ~SA_RESTART;
  } else {
    sigdelset(&interrupting, signo);
    act.sa_flags |= SA_RESTART;
  }
  return sigaction(signo, &act, NULL);
}

int raise(int signo) {
  long thread = RAW(SYS_gettid);
  return (int)SYS(SYS_tgkill, thread, thread, signo);
}
ALIAS(gsignal, raise);
int killpg(pid_t group, int signo) {
  if (group < 0) {
    errno = EINVAL;
    return -1;
  }
  return kill(-group, signo);
}
int __libc_current_sigrtmin(void) { return 34; }
int __libc_current_sigrtmax(void) { return 64; }
