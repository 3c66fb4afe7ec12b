/* System calls and their kin under their other names, and what unix.c of the guest's tests leaves out. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gnu/libc-version.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#define VERSION 1
#define OLD "GLIBC_2.2.5"
#else
#define VERSION 3
#define OLD "GLIBC_2.0"
#endif
int __sigismember(const sigset_t *, int), __sigaddset(sigset_t *, int), __sigdelset(sigset_t *, int);
__asm__(".symver __sigismember, __sigismember@" OLD "\n.symver __sigaddset, __sigaddset@" OLD "\n.symver __sigdelset, __sigdelset@" OLD);
#undef gnu_dev_major
#undef gnu_dev_minor
#undef gnu_dev_makedev
void *__sbrk(intptr_t);
off_t __lseek(int, off_t, int);
ssize_t __pread64(int, void *, size_t, off64_t), __pwrite64(int, const void *, size_t, off64_t), __read(int, void *, size_t), __write(int, const void *, size_t);
int __xstat(int, const char *, struct stat *), __lxstat(int, const char *, struct stat *), __fxstat(int, int, struct stat *), __fxstatat(int, int, const char *, struct stat *, int);
int __xstat64(int, const char *, struct stat64 *), __lxstat64(int, const char *, struct stat64 *), __fxstat64(int, int, struct stat64 *), __fxstatat64(int, int, const char *, struct stat64 *, int);
sighandler_t __sysv_signal(int, sighandler_t), bsd_signal(int, sighandler_t);
extern char **__environ, **_environ, *__progname, *__progname_full, *__tzname[2];
extern int __daylight;
extern long __timezone;
long __sysconf(int);
int __backtrace(void **, int);
char **__backtrace_symbols(void *const *, int);
void __backtrace_symbols_fd(void *const *, int, int);
int __select(int, fd_set *, fd_set *, fd_set *, struct timeval *);
static void caught(int s) { (void)s; }
static int in_clone(void *p) { _exit(*(int *)p); }

int main(int argc, char **argv) {
  if (argc > 1) return puts("again"), 6;
  char text[300], *value, *words = strdup("size=3,none,other"), *const names[] = { "none", "size", NULL };
  struct stat s;
  struct stat64 t;
  dev_t none = 0;
  int status, ends[2], fd = __open("file", O_RDWR | O_CREAT | O_TRUNC, 0644), fd64 = __open64("file", O_RDWR);
  printf("%d %d\n", fd >= 0, fd64 >= 0), printf("%d %d\n", creat("made", 0600) >= 0, creat64("made64", 0600) >= 0), printf("%d\n", open64("none", 0)), printf("%d\n", openat64(AT_FDCWD, "none", 0));
  printf("%zd %zd", __write(fd, "0123456789", 10), __pwrite64(fd, "AB", 2, 3)), printf(" %ld", (long)__lseek(fd, 1, 0)), printf(" %zd", __read(fd, text, 3)), printf(" %zd", __pread64(fd, text + 3, 4, 2)), printf(" %.7s\n", text);
  printf("%d %d %d %d\n", __xstat(VERSION, "file", &s), __lxstat(VERSION, "file", &s), __fxstat(VERSION, fd, &s), __fxstatat(VERSION, AT_FDCWD, "file", &s, 0)), printf("%d %o\n", (int)s.st_size, s.st_mode);
  printf("%d %d", __xstat(17, "file", &s), __xmknod(9, "bad", 0, &none)), printf(" %d %d %d %d\n", __xstat64(VERSION, "file", &t), __lxstat64(VERSION, "file", &t), __fxstat64(VERSION, fd, &t), __fxstatat64(VERSION, AT_FDCWD, "file", &t, 0)), printf("%d\n", (int)t.st_size);
  printf("%d\n", __xmknod(VERSION == 3, "fifo", S_IFIFO | 0600, &none)), printf("%u %u %d\n", gnu_dev_major(0x1234), gnu_dev_minor(0x1234), gnu_dev_makedev(8, 1) == 0x801);
  printf("%d %d %d\n", __dup2(fd, 40), __fcntl(40, F_GETFD), __close(40)), printf("%d\n", __pipe(ends));
  struct pollfd poll_one = { ends[0], POLLIN };
  struct timeval now = { 0, 0 };
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set), printf("%d %d\n", __poll(&poll_one, 1, 0), __select(ends[0] + 1, &set, NULL, NULL, &now));
  printf("%d %d %d\n", __gettimeofday(&now, NULL), __nanosleep(&(struct timespec){ 0, 1 }, NULL), now.tv_sec > 0);
  printf("%d %d %d\n", __getpid() == getpid(), __getpgid(0) == getpgrp(), __getpagesize()), printf("%ld %d\n", __sysconf(_SC_PAGESIZE), __sbrk(0) == sbrk(0));
  printf("%d %d %d %d\n", __sched_get_priority_max(1), __sched_get_priority_min(1), __sched_getscheduler(0), __sched_yield());
  struct sched_param priority = { 0 };
  printf("%d %d %d\n", __sched_getparam(0, &priority), __sched_setscheduler(0, 0, &priority), sched_setscheduler(0, 0, &priority));
  if (__fork() == 0) __setpgid(0, 0), _exit(3);
  printf("%d", __wait(&status) > 0), printf(" %x\n", status);
  pid_t child = __vfork();
  if (child == 0) _exit(4);
  printf("%d", __waitpid(child, &status, 0) == child), printf(" %x\n", status);
  static char stack[16384] __attribute__((aligned(16)));
  int seven = 7;
  child = clone(in_clone, stack + sizeof stack, SIGCHLD, &seven), printf("%d", waitpid(child, &status, 0) == child), printf(" %x", status);
  child = __clone(in_clone, stack + sizeof stack, SIGCHLD, &seven), printf(" %d", waitpid(child, &status, 0) == child), printf(" %x\n", status);
  if (fork() == 0) _exit(setsid() == getpid() && setpgrp() == -1);
  wait(&status), printf("%x\n", status);
  fflush(stdout);
  if (fork() == 0) fexecve(open("/proc/self/exe", O_RDONLY), (char *[]){ "x", "child", NULL }, (char *[]){ NULL });
  wait(&status), printf("%x\n", status);
  sigset_t signals, old;
  struct sigaction act = { .sa_handler = caught };
  sigemptyset(&signals), printf("%d", __sigaddset(&signals, SIGUSR1)), printf(" %d", __sigismember(&signals, SIGUSR1)), printf(" %d", __sigdelset(&signals, SIGUSR1)), printf(" %d\n", __sigismember(&signals, SIGUSR1));
  printf("%d %d %d\n", __sigaction(SIGUSR1, &act, NULL), bsd_signal(SIGUSR2, caught) == SIG_DFL, __sysv_signal(SIGUSR2, SIG_IGN) == caught);
  sigaddset(&signals, SIGUSR1), pthread_sigmask(SIG_BLOCK, &signals, &old), raise(SIGUSR1), printf("%d", __sigsuspend(&old)), printf(" %d\n", errno == EINTR);
  jmp_buf env;
  sigjmp_buf env2;
  if ((setjmp)(env) == 0) longjmp(env, 1);
  if (_setjmp(env) == 0) __longjmp_chk(env, 2);
  printf("%s %s %d\n", gnu_get_libc_version(), gnu_get_libc_release(), getauxval(AT_PAGESZ) == 4096);
  printf("%d %d\n", get_phys_pages() > 0, get_avphys_pages() > 0), printf("%d %d\n", get_nprocs_conf() > 0, get_nprocs() > 0);
  struct sysinfo info;
  printf("%d", sysinfo(&info)), printf(" %d\n", info.mem_unit > 0), printf("%d %d\n", (int)getrandom(text, 5, 0), (int)syscall(SYS_getpid) == getpid()), printf("%d\n", personality(0xffffffff) >= 0);
  printf("%d", prctl(PR_SET_NAME, "renamed")), prctl(PR_GET_NAME, text), printf(" %s\n", text), printf("%d %d\n", mlockall(8), munlockall()), sync();
#ifdef __x86_64__
  unsigned long fs = 0;
  printf("%d %d\n", arch_prctl(0x1003, &fs), fs != 0);
#endif
  printf("%d", getsubopt(&words, names, &value)), printf(" %s", value), printf(" %d", getsubopt(&words, names, &value)), printf(" %d %s\n", getsubopt(&words, names, &value), value);
  setenv("LOGNAME", "somebody", 1), printf("%d\n", getlogin() == NULL || *getlogin() != 0), printf("%d %d\n", __environ == environ, _environ == environ), printf("%d %s\n", strcmp(__progname_full, argv[0]), strrchr(argv[0], '/') + 1);
  printf("%s\n", __progname), setenv("TZ", "XYZ3", 1), tzset(), printf("%ld %d %s\n", __timezone, __daylight, __tzname[0]);
  struct tm tm = { .tm_year = 70, .tm_mday = 2 };
  struct timespec when;
  printf("%ld %d %d\n", (long)timelocal(&tm), timespec_get(&when, TIME_UTC), 1), printf("%d\n", when.tv_sec > 0), printf("%d %d\n", clock_settime(CLOCK_MONOTONIC, &when), errno == EINVAL);
  opendir("."), mkdir("d", 0700), close(open("d/b", O_CREAT, 0600)), close(open("d/a", O_CREAT, 0600));
  struct dirent64 **entries;
  int n = scandir64("d", &entries, NULL, alphasort64);
  for (int i = 0; i < n; i++) printf("%s ", entries[i]->d_name);
  n = scandir64("d", &entries, NULL, versionsort64), printf("%d\n", n);
  DIR *dir = opendir("d");
  struct dirent entry, *one;
  struct dirent64 entry64, *one64;
  n = 0;
  while (readdir_r(dir, &entry, &one) == 0 && one) n++;
  rewinddir(dir);
  while (readdir64_r(dir, &entry64, &one64) == 0 && one64) n += 10;
  printf("%d\n", n);
  printf("%d", mkostemp(strcpy(text, "t1XXXXXX"), O_APPEND) >= 0), printf(" %d", mkstemp64(strcpy(text, "t2XXXXXX")) >= 0), printf(" %d", mkstemps(strcpy(text, "t3XXXXXX.c"), 2) >= 0), printf(" %d\n", strlen(mktemp(strcpy(text, "t4XXXXXX"))));
  printf("%d", shm_open("/folio-functions", O_CREAT | O_RDWR, 0600) >= 0), printf(" %d", shm_unlink("/folio-functions")), printf(" %d %d\n", shm_unlink("/folio-functions"), errno);
  printf("%d %d\n", tcsetpgrp(fd, 1), errno), printf("%d %d\n", chroot("none"), errno), printf("%d %d\n", sethostname(NULL, 1000000), errno);
  printf("%d %d %ld %lld\n", atoi(" 12x"), (int)atol("-3"), (long)atoll("99"), (long long)(4 * atof("2.5"))), printf("%s\n", (char *)bsearch("c", "abcde", 5, 1, (int (*)(const void *, const void *))strcoll));
  __posix_getopt(argc, argv, "a"), printf("%d\n", optind);
  void *frames[10];
  printf("%d %d\n", __backtrace(frames, 10) > 0, backtrace(frames, 10) > 0), printf("%d %d\n", __backtrace_symbols(frames, 1) != NULL, backtrace_symbols(frames, 1) != NULL);
  int null = open("/dev/null", O_WRONLY);
  __backtrace_symbols_fd(frames, 1, null), backtrace_symbols_fd(frames, 1, null);
  return 0;
}
