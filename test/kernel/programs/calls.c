/* System calls of the kernel family, and their results; nothing that differs from machine to machine. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int count;
static void on_signal(int signo) { count += signo; }
static void on_info(int signo, siginfo_t *info, void *context) {
  printf("signal %d code %d value %d\n", signo, info->si_code, info->si_value.sival_int);
}
static void show(const char *what, long result) {
  printf("%s %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static void signals(void) {
  struct sigaction action = {.sa_handler = on_signal}, old;
  show("bad signal", sigaction(65, &action, 0));
  show("SIGKILL", syscall(SYS_rt_sigaction, SIGKILL, &action, 0, 8));
  show("sigset size", syscall(SYS_rt_sigaction, SIGUSR1, 0, 0, 4));
  show("EFAULT", syscall(SYS_rt_sigaction, SIGUSR1, 8, 0, 8));
  sigaction(SIGALRM, &action, 0);
  sigaction(SIGUSR1, &action, &old);
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, 0);
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR1);
  sigpending(&pending);
  printf("pending %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGTERM));
  show("how", syscall(SYS_rt_sigprocmask, 7, &set, 0, 8));
  sigprocmask(SIG_UNBLOCK, &set, 0);
  printf("count %d\n", count);
  struct timespec none = {0, 0}, second = {1, 0}, left;
  show("timedwait", sigtimedwait(&set, 0, &none));
  alarm(1);
  show("pause", pause());
  struct itimerval timer = {{0, 0}, {0, 300000}}, was;
  setitimer(ITIMER_REAL, &timer, 0);
  show("nanosleep", nanosleep(&second, &left));
  printf("left %d\n", left.tv_nsec < 701000000 && left.tv_nsec > 600000000);
  show("setitimer", syscall(SYS_setitimer, 4, &timer, 0));
  getitimer(ITIMER_REAL, &was);
  printf("disarmed %ld %ld\n", (long)was.it_value.tv_sec, (long)was.it_value.tv_usec);
  struct sigaction queued = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO};
  sigaction(SIGRTMIN + 1, &queued, 0);
  sigset_t rt;
  sigemptyset(&rt);
  sigaddset(&rt, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &rt, 0);
  for (int i = 0; i < 3; i++) sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
  sigprocmask(SIG_UNBLOCK, &rt, 0);
  signal(SIGUSR2, SIG_IGN);
  show("ignored", raise(SIGUSR2));
  show("kill nobody", kill(99999999, 0));
  show("kill bad", kill(getpid(), 65));
  show("tgkill", syscall(SYS_tgkill, -1, 1, 0));
  stack_t stack = {.ss_sp = &set, .ss_size = 100};
  show("sigaltstack", sigaltstack(&stack, 0));
  stack.ss_flags = 77;
  show("sigaltstack", sigaltstack(&stack, 0));
}

static void times_and_limits(void) {
  struct timespec time = {0, 1000000000};
  show("tv_nsec", nanosleep(&time, 0));
  show("clock", syscall(SYS_clock_nanosleep, 99, 0, &time, 0));
  show("clock_getres", syscall(SYS_clock_getres, CLOCK_MONOTONIC, &time));
  printf("resolution %ld\n", time.tv_nsec);
  time.tv_nsec = 5;
  show("sleep", syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, 0));
  show("past", syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &time, 0));
  struct rlimit limit;
  show("limit", syscall(SYS_getrlimit, 99, &limit));
  limit = (struct rlimit){100, 50};
  show("soft above hard", syscall(SYS_prlimit64, 0, RLIMIT_CORE, &limit, 0));
  limit = (struct rlimit){4096, 8192};
  show("set", syscall(SYS_prlimit64, 0, RLIMIT_CORE, &limit, 0));
  struct rusage usage;
  show("rusage", syscall(SYS_getrusage, 5, &usage));
  char name[16];
  prctl(PR_SET_NAME, "a name of more than 15 bytes");
  prctl(PR_GET_NAME, name);
  printf("name %s\n", name);
  show("prctl", prctl(12345, 0));
  show("dumpable", prctl(PR_GET_DUMPABLE));
  show("personality", syscall(SYS_personality, 0xffffffff));
  show("priority", syscall(SYS_getpriority, PRIO_PROCESS, 0));
  show("priority", syscall(SYS_getpriority, 9, 0));
  show("max", sched_get_priority_max(SCHED_FIFO));
  show("policy", sched_get_priority_max(77));
  show("yield", sched_yield());
}

static void futexes(void) {
  int word = 5;
  struct timespec time = {0, 2000};
  show("differs", syscall(SYS_futex, &word, 0, 4, 0, 0, 0));
  show("timeout", syscall(SYS_futex, &word, 128, 5, &time, 0, 0));
  show("bitset", syscall(SYS_futex, &word, 128 | 9, 5, &time, 0, 0));
  show("wake", syscall(SYS_futex, &word, 129, 1, 0, 0, 0));
  show("unaligned", syscall(SYS_futex, (char *)&word + 1, 129, 1, 0, 0, 0));
  show("requeue", syscall(SYS_futex, &word, 128 | 4, 1, 1, &word, 6));
  show("wake_op", syscall(SYS_futex, &word, 128 | 5, 1, 1, &word, (1 << 28) | (3 << 12) | (4 << 24) | 4));
  printf("word %d\n", word);
  show("robust", syscall(SYS_set_robust_list, &word, 12));
}

static void children(void) {
  int status;
  show("no child", wait(&status));
  show("options", waitpid(-1, &status, 0x1000));
  siginfo_t info;
  show("waitid", waitid(P_ALL, 0, &info, 0));
}

int main(void) {
  setvbuf(stdout, 0, _IOFBF, 65536);
  signals();
  times_and_limits();
  futexes();
  children();
  return 7;
}
