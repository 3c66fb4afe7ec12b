/* unistd.h, fcntl.h, sys/stat.h, sys/mman.h, signal.h, sys/wait.h, dirent.h, setjmp.h: results and errno of calls, good and bad. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define R(call) do { errno = 0; long r_ = (long)(call); printf("%s = %ld errno %d\n", #call, r_, r_ < 0 ? errno : 0); } while (0)
#define OK(call) do { errno = 0; int r_ = (call) ? 1 : 0; printf("%s: %d %d\n", #call, r_, r_ ? 0 : errno); } while (0)
static volatile sig_atomic_t got, code;
static void handler(int s) { got = s; }
static void info_handler(int s, siginfo_t *i, void *c) { got = s; code = i->si_value.sival_int; }
static sigjmp_buf env;
static jmp_buf plain;
static void jump(int s) { siglongjmp(env, s); }
static int no_dots(const struct dirent *e) { return e->d_name[0] != '.'; }

int main(void) {
  char dir[] = "/tmp/folio-unix-XXXXXX", buffer[5000];
  struct stat st;
  OK(mkdtemp(dir));
  R(chdir(dir));
  OK(getcwd(buffer, sizeof buffer));
  R(strcmp(buffer, dir));
  OK(getcwd(buffer, 3));
  OK(get_current_dir_name());
  R(mkdir("d", 0750)); R(mkdir("d", 0750)); R(rmdir("e")); R(umask(022)); R(umask(027));
  int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0640);
  OK(fd >= 0);
  R(open("file", O_RDWR | O_CREAT | O_EXCL, 0640)); R(open("none", O_RDONLY)); R(openat(AT_FDCWD, "none", O_RDONLY));
  R(write(fd, "0123456789", 10)); R(lseek(fd, 3, SEEK_SET)); R(read(fd, buffer, 4)); R(lseek(fd, -1, SEEK_SET)); R(lseek(fd, 0, 9)); R(lseek64(fd, 1LL << 33, SEEK_SET) == 1LL << 33);
  R(pread(fd, buffer, 5, 2)); R(pwrite(fd, "xy", 2, 8)); R(pread64(fd, buffer, 5, 2)); R(pwrite64(fd, "z", 1, 1));
  struct iovec iov[2] = { { buffer, 3 }, { buffer + 10, 5 } };
  R(lseek(fd, 0, SEEK_SET)); R(readv(fd, iov, 2)); R(writev(fd, iov, 2)); R(write(999, "x", 1)); R(read(fd, (void *)1, 5));
  R(fstat(fd, &st)); printf("%o %ld %ld\n", st.st_mode, (long)st.st_size, (long)st.st_blksize);
  R(ftruncate(fd, 100)); R(truncate("file", 50)); R(truncate64("file", 60)); R(ftruncate64(fd, 55)); R(truncate("none", 5)); R(stat("file", &st)); printf("%ld\n", (long)st.st_size);
  struct stat64 st64;
  R(stat64("file", &st64)); R(fstat64(fd, &st64)); R(lstat64("file", &st64)); printf("%ld\n", (long)st64.st_size);
  R(fstatat(AT_FDCWD, "file", &st, 0)); R(fstatat64(AT_FDCWD, "nofile", &st64, 0));
  R(symlink("file", "link")); R(readlink("link", buffer, 100)); R(lstat("link", &st)); printf("%o\n", st.st_mode & S_IFMT); R(readlinkat(AT_FDCWD, "link", buffer, 3));
  R(link("file", "hard")); R(rename("hard", "hard2")); R(renameat(AT_FDCWD, "hard2", AT_FDCWD, "hard3")); R(unlink("hard3")); R(unlink("hard3")); R(unlinkat(AT_FDCWD, "nothing", 0)); R(mkdirat(AT_FDCWD, "at", 0700));
  R(chmod("file", 0600)); R(fchmod(fd, 0644)); R(access("file", R_OK)); R(access("none", F_OK)); R(chown("file", -1, -1)); R(fchown(fd, -1, -1)); R(lchown("link", -1, -1)); R(fsync(fd)); R(fdatasync(fd)); R(flock(fd, LOCK_EX | LOCK_NB)); R(mkfifo("fifo", 0600)); R(mknod("node", S_IFIFO | 0600, 0));
  struct utimbuf times2 = { 1000000, 2000000 };
  struct timeval tv2[2] = { { 5, 6 }, { 7, 8 } };
  struct timespec ts2[2] = { { 1, 2 }, { 3, 4 } };
  R(utime("file", &times2)); R(stat("file", &st)); printf("%ld %ld\n", (long)st.st_atime, (long)st.st_mtime); R(utimes("file", tv2)); R(utimensat(AT_FDCWD, "file", ts2, 0)); R(stat("file", &st)); printf("%ld %ld\n", (long)st.st_atim.tv_nsec, (long)st.st_mtime);
  R(fcntl(fd, F_GETFL) & O_ACCMODE); R(fcntl(fd, F_SETFD, FD_CLOEXEC)); R(fcntl(fd, F_GETFD)); R(fcntl(999, F_GETFD));
  struct flock lock = { F_WRLCK, SEEK_SET, 0, 0 };
  R(fcntl(fd, F_SETLK, &lock));
  int d = dup(fd);
  OK(d > fd); R(dup2(d, 77)); R(dup2(998, 5)); R(dup3(d, 78, O_CLOEXEC)); R(close(d)); R(close(d)); R(isatty(fd)); OK(ttyname(fd) == NULL); R(ioctl(fd, TCGETS, buffer));
  struct termios term;
  R(tcgetattr(fd, &term)); R(tcsetattr(fd, 0, &term)); R(tcgetpgrp(fd));
  OK(realpath("d/../link", buffer)); puts(strrchr(buffer, '/')); OK(realpath("none/x", buffer)); OK(realpath("/usr/../tmp/./", buffer)); puts(buffer); OK(canonicalize_file_name("file/") == NULL);
  OK(realpath("file", NULL));
  struct dirent **list;
  int n = scandir(".", &list, no_dots, alphasort);
  for (int i = 0; i < n; i++) printf("%s %d;", list[i]->d_name, list[i]->d_type);
  puts("");
  n = scandir(".", &list, NULL, versionsort);
  printf("%d\n", n);
  DIR *dp = opendir(".");
  OK(dp); OK(opendir("none")); OK(opendir("file")); R(dirfd(dp) > 2);
  n = 0;
  for (struct dirent *e; (e = readdir(dp)); n++) {}
  printf("%d\n", n);
  rewinddir(dp);
  OK(readdir64(dp)); long at = telldir(dp); OK(readdir(dp)); seekdir(dp, at); OK(readdir(dp)); R(closedir(dp));
  int dfd = open(".", O_RDONLY);
  OK(dp = fdopendir(dfd)); R(closedir(dp)); OK(fdopendir(fd)); R(fchdir(dfd));
  struct rlimit limit;
  R(getrlimit(RLIMIT_NOFILE, &limit)); R(setrlimit(RLIMIT_NOFILE, &limit)); R(getrlimit(999, &limit)); OK(getdtablesize() > 0); R(sysconf(_SC_PAGESIZE)); R(sysconf(_SC_CLK_TCK)); R(sysconf(-5)); OK(sysconf(_SC_OPEN_MAX) > 0); OK(sysconf(_SC_NPROCESSORS_ONLN) > 0); OK(sysconf(_SC_PHYS_PAGES) > 0); R(sysconf(_SC_IOV_MAX)); R(getpagesize());
  OK(get_nprocs() > 0);
  char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  OK(map != MAP_FAILED); R(mprotect(map, 4096, PROT_READ)); R(mprotect(map + 1, 4096, PROT_READ)); R(msync(map, 4096, MS_SYNC)); R(madvise(map, 4096, MADV_DONTNEED)); R(posix_madvise(map, 4096, POSIX_MADV_DONTNEED)); R(mincore(map, 4096, (unsigned char *)buffer)); R(mlock(map, 4096)); R(munlock(map, 4096)); R(munlockall());
  OK((map = mremap(map + 4096, 4096, 16384, MREMAP_MAYMOVE)) != MAP_FAILED); R(munmap(map, 16384)); R(munmap((void *)1, 5)); OK(mmap(NULL, 0, 1, MAP_PRIVATE, -1, 0) == MAP_FAILED); R(errno); OK(mmap64(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 4096) != MAP_FAILED);
  char *brk0 = sbrk(0);
  OK(sbrk(4096) == brk0); OK(sbrk(0) == brk0 + 4096); R(brk(brk0)); OK(sbrk(0) == brk0);
  OK(getpid() > 1); OK(getppid() >= 1); OK(getpgrp() > 0); OK(getpgid(0) == getpgrp()); OK(getsid(0) >= 0); R(getuid() == geteuid()); R(getgid() == getegid()); R(setuid(getuid())); R(setgid(getgid())); R(seteuid(geteuid())); R(setegid(getegid())); R(setreuid(-1, -1)); R(setregid(-1, -1)); R(setresuid(-1, -1, -1));
  uid_t u1, u2, u3; gid_t g1, g2, g3;
  R(getresuid(&u1, &u2, &u3)); R(getresgid(&g1, &g2, &g3)); OK(getgroups(0, NULL) >= 0); R(getpriority(PRIO_PROCESS, 0)); R(setpriority(PRIO_PROCESS, 0, 1)); R(nice(1)); R(getpriority(PRIO_PROCESS, 0)); R(getpriority(99, 0));
  R(sched_yield()); R(sched_getscheduler(0)); R(sched_get_priority_max(SCHED_FIFO)); R(sched_get_priority_min(SCHED_FIFO));
  struct sched_param param;
  R(sched_getparam(0, &param));
  struct utsname name;
  R(uname(&name)); puts(name.sysname); OK(gethostname(buffer, 100) == 0); R(strcmp(buffer, name.nodename)); R(gethostname(buffer, 0));
  struct rusage usage; struct tms tms; struct timeval tv; struct timespec ts;
  R(getrusage(RUSAGE_SELF, &usage)); OK(times(&tms) != -1); R(gettimeofday(&tv, NULL)); OK(time(NULL) - tv.tv_sec < 2); R(clock_gettime(CLOCK_MONOTONIC, &ts)); R(clock_getres(CLOCK_REALTIME, &ts)); R(clock_gettime(99, &ts)); OK(clock() >= 0); R(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 0, 1000 }, NULL)); R(clock_nanosleep(99, 0, &ts, NULL));
  R(nanosleep(&(struct timespec){ 0, 2000000000 }, NULL)); R(nanosleep(&(struct timespec){ 0, 1000 }, NULL)); R(usleep(1000)); R(sleep(0));

  int p[2];
  R(pipe(p));
  struct pollfd pfd = { p[0], POLLIN, 0 };
  R(poll(&pfd, 1, 0)); R(write(p[1], "abc", 3)); R(poll(&pfd, 1, -1));
  fd_set set;
  FD_ZERO(&set);
  FD_SET(p[0], &set);
  R(select(p[0] + 1, &set, NULL, NULL, &(struct timeval){ 0, 0 })); R(close(p[1])); R(read(p[0], buffer, 10)); R(read(p[0], buffer, 10)); R(pipe2(p, O_CLOEXEC)); R(close(p[0])); R(pipe2(p, 1)); R(readv(p[0], iov, 2000));

  struct sigaction act = { 0 }, old;
  act.sa_handler = handler, act.sa_flags = SA_RESTART;
  R(sigaction(SIGUSR1, &act, &old)); R(old.sa_handler == SIG_DFL); R(sigaction(SIGUSR1, NULL, &old)); R(old.sa_handler == handler); printf("%x\n", old.sa_flags & ~0x04000000); R(sigaction(SIGKILL, &act, NULL)); R(sigaction(99, &act, NULL));
  R(raise(SIGUSR1)); R(got); got = 0; R(kill(getpid(), SIGUSR1)); R(got); R(kill(getpid(), 999)); R(killpg(-1, 5)); R(kill(99999999, 0));
  signal(SIGPIPE, SIG_IGN);
  R(write(p[1], "x", 1));
  sigset_t s1, s2;
  R(sigemptyset(&s1)); R(sigaddset(&s1, SIGUSR1)); R(sigaddset(&s1, 0)); R(sigismember(&s1, SIGUSR1)); R(sigismember(&s1, 99)); R(sigdelset(&s1, SIGUSR2)); R(sigisemptyset(&s1)); R(sigfillset(&s2)); R(sigismember(&s2, 33)); R(sigandset(&s2, &s1, &s2)); R(sigorset(&s2, &s1, &s2)); R(sigismember(&s2, SIGUSR1));
  R(sigprocmask(SIG_BLOCK, &s1, &s2)); got = 0; R(raise(SIGUSR1)); R(got); R(sigpending(&s2)); R(sigismember(&s2, SIGUSR1)); R(sigprocmask(SIG_UNBLOCK, &s1, NULL)); R(got); R(sigprocmask(99, &s1, NULL));
  OK(signal(SIGUSR2, handler) == SIG_DFL); OK(signal(SIGUSR2, SIG_IGN) == handler); OK(signal(99, handler) == SIG_ERR); OK(ssignal(SIGUSR2, handler) == SIG_IGN); R(gsignal(SIGUSR2)); OK(sysv_signal(SIGUSR2, handler) == handler); R(sigaction(SIGUSR2, NULL, &old)); printf("%x\n", old.sa_flags & ~0x04000000); R(siginterrupt(SIGUSR2, 1));
  act.sa_sigaction = info_handler, act.sa_flags = SA_SIGINFO;
  R(sigaction(SIGUSR1, &act, NULL)); R(sigqueue(getpid(), SIGUSR1, (union sigval){ 42 })); R(code);
  R(sigprocmask(SIG_BLOCK, &s1, NULL)); raise(SIGUSR1); int which; R(sigwait(&s1, &which)); R(which); raise(SIGUSR1); R(sigwaitinfo(&s1, NULL)); R(sigtimedwait(&s1, NULL, &(struct timespec){ 0, 1000 })); raise(SIGUSR1); sigemptyset(&s2); R(sigsuspend(&s2)); R(got == SIGUSR1); sigprocmask(SIG_UNBLOCK, &s1, NULL);
  R(__libc_current_sigrtmin() == SIGRTMIN); R(SIGRTMAX);
  signal(SIGALRM, handler);
  R(alarm(100)); R(alarm(0)); R(ualarm(1000, 0)); R(pause()); R(got); R(setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 1000 } }, NULL)); R(pause());
  struct itimerval it;
  R(getitimer(ITIMER_REAL, &it)); R(it.it_value.tv_sec);
  stack_t stack = { malloc(65536), 0, 65536 }, old_stack;
  R(sigaltstack(&stack, &old_stack)); R(old_stack.ss_flags); R(sigaltstack(NULL, &old_stack)); R(old_stack.ss_size);
  signal(SIGSEGV, jump);
  int j = sigsetjmp(env, 1);
  printf("jump %d\n", j);
  if (j == 0) *(volatile int *)8 = 1;
  R(sigprocmask(SIG_BLOCK, NULL, &s2)); R(sigismember(&s2, SIGSEGV));
  volatile int round = 0;
  j = setjmp(plain);
  printf("setjmp %d %d\n", j, round);
  if (round++ < 2) longjmp(plain, round - 1);
  j = _setjmp(plain);
  printf("_setjmp %d\n", j);
  if (j == 0) _longjmp(plain, 5);
  R(sigsetmask(0)); R(sigblock(0));

  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) _exit(7);
  int status;
  OK(waitpid(pid, &status, 0) == pid); printf("%x\n", status);
  pid = fork();
  if (pid == 0) { raise(SIGTERM); _exit(1); }
  OK(wait(&status) == pid); printf("%x\n", status); R(wait(&status)); R(waitpid(-1, &status, WNOHANG));
  pid = vfork();
  if (pid == 0) { execl("/bin/sh", "sh", "-c", "exit 9", NULL); _exit(127); }
  OK(wait4(pid, &status, 0, &usage) == pid); printf("%x\n", status);
  pid = fork();
  if (pid == 0) { char *av[] = { "sh", "-c", "exit $V", NULL }, *ev[] = { "V=4", NULL }; execve("/bin/sh", av, ev); _exit(127); }
  OK(wait3(&status, 0, NULL) == pid); printf("%x\n", status);
  pid = fork();
  if (pid == 0) { execlp("sh", "sh", "-c", "exit 5", NULL); _exit(127); }
  siginfo_t info;
  R(waitid(P_PID, pid, &info, WEXITED)); printf("%d %d\n", info.si_code, info.si_status);
  pid = fork();
  if (pid == 0) { char *ev[] = { "V=6", NULL }; execle("/bin/sh", "sh", "-c", "exit $V", NULL, ev); _exit(127); }
  waitpid(pid, &status, 0); printf("%x\n", status);
  char *av[] = { "none", NULL };
  R(execv("/none", av)); R(execvp("no-such-program-here", av)); R(execvp("", av)); R(execvpe("/tmp", av, av));
  R(system("exit 3")); R(system(NULL)); R(system("kill -9 $$"));
  R(setpgid(0, 0)); 
  printf("%u %u %llx\n", gnu_dev_major(0x12345678), gnu_dev_minor(0x12345678), (unsigned long long)gnu_dev_makedev(8, 1));
  printf("%ld %ld\n", pathconf("/", _PC_NAME_MAX), fpathconf(0, _PC_PATH_MAX));
  R(confstr(_CS_PATH, buffer, sizeof buffer)); R(confstr(9999, buffer, 5));
  OK(strcmp(ctermid(NULL), "/dev/tty") == 0);
  R(chdir("/"));
  snprintf(buffer, sizeof buffer, "rm -rf %s", dir);
  R(system(buffer));
  return 0;
}
