/* Processes: fork(2), the exec(3) and wait(2) families, sleep(3), system(3), popen's kin live elsewhere. */
#include "../syscall.h"

#define CLONE_CHILD_CLEARTID 0x200000
#define CLONE_CHILD_SETTID 0x1000000

/* glibc's fork is a clone; ours asks for no thread id. */
HIDDEN void libc_before_fork(void), libc_after_fork(int in_child);
pid_t fork(void) {
  libc_before_fork();
#ifdef __x86_64__
  pid_t pid = (pid_t)SYS(56, SIGCHLD, 0, 0, 0, 0);
#else
  pid_t pid = (pid_t)SYS(120, SIGCHLD, 0, 0, 0, 0);
#endif
  libc_after_fork(pid == 0);
  return pid;
}
ALIAS(__fork, fork);

pid_t waitpid(pid_t pid, int *status, int options) { return wait4(pid, status, options, NULL); }
ALIAS(__waitpid, waitpid);
pid_t wait(int *status) { return wait4(-1, status, 0, NULL); }
ALIAS(__wait, wait);
pid_t wait3(int *status, int options, void *usage) { return wait4(-1, status, options, usage); }
int waitid(int type, unsigned id, void *info, int options) { return (int)SYS(SYS_waitid, type, id, info, options, NULL); }

int execv(const char *path, char *const argv[]) { return execve(path, argv, __environ); }

/* A file that is no program is a script for /bin/sh. */
static void run_script(const char *path, char *const argv[], char *const envp[]) {
  size_t n = 0;
  while (argv[n]) n++;
  char *with_shell[n + 3];
  with_shell[0] = (char *)"/bin/sh";
  with_shell[1] = (char *)path;
  for (size_t i = 1; i <= n; i++) with_shell[i + 1] = argv[i];
  if (n == 0) with_shell[2] = NULL;
  execve(with_shell[0], with_shell, envp);
}

int execvpe(const char *file, char *const argv[], char *const envp[]) {
  if (!*file) {
    errno = ENOENT;
    return -1;
  }
  if (strchr(file, '/')) {
    execve(file, argv, envp);
    if (errno == ENOEXEC) run_script(file, argv, envp);
    return -1;
  }
  const char *path = getenv("PATH");
  if (!path) path = ":/bin:/usr/bin";
  int denied = 0;
  size_t name = strlen(file) + 1;
  for (const char *end;; path = end + 1) {
    end = strchrnul(path, ':');
    size_t n = (size_t)(end - path);
    char full[n + 1 + name];
    memcpy(full, path, n);
    full[n] = '/';
    memcpy(full + n + (n > 0), file, name);
    execve(full, argv, envp);
    if (errno == ENOEXEC) run_script(full, argv, envp);
    if (errno == EACCES) denied = 1;
    else if (errno != ENOENT && errno != ENOTDIR && errno != ENODEV) return -1;
    if (!*end) break;
  }
  if (denied) errno = EACCES;
  return -1;
}
int execvp(const char *file, char *const argv[]) { return execvpe(file, argv, __environ); }

/* The arguments of execl and its like, as a vector on the stack. */
#define COLLECT(first, last) \
  va_list ap; \
  size_t n = 1; \
  va_start(ap, last); \
  while (va_arg(ap, char *)) n++; \
  va_end(ap); \
  char *argv[n + 1]; \
  argv[0] = (char *)(first); \
  va_start(ap, last); \
  for (size_t i = 1; i <= n; i++) argv[i] = va_arg(ap, char *);

int execl(const char *path, const char *arg, ...) {
  COLLECT(arg, arg)
  va_end(ap);
  return execve(path, argv, __environ);
}
int execlp(const char *file, const char *arg, ...) {
  COLLECT(arg, arg)
  va_end(ap);
  return execvp(file, argv);
}
int execle(const char *path, const char *arg, ...) {
  COLLECT(arg, arg)
  char **envp = va_arg(ap, char **);
  va_end(ap);
  return execve(path, argv, envp);
}
int fexecve(int fd, char *const argv[], char *const envp[]) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return execve(path, argv, envp);
}

/* sleep(3) as glibc did it up to 2.23: nanosleep with SIGCHLD blocked if that is ignored. */
unsigned sleep(unsigned seconds) {
  struct timespec left = { (time_t)seconds, 0 };
  sigset_t set = { { 1UL << (SIGCHLD - 1) } }, old;
  if (seconds == 0) return 0;
  sigprocmask(SIG_BLOCK, &set, &old);
  int blocked = old.word[0] >> (SIGCHLD - 1) & 1;
  if (!blocked) {
    struct sigaction act;
    sigaction(SIGCHLD, NULL, &act);
    if (act.sa_handler != SIG_IGN) {
      sigprocmask(SIG_SETMASK, &old, NULL);
      blocked = 1;
    }
  }
  int saved = errno, result = nanosleep(&left, &left);
  if (result == 0) errno = saved;
  if (!blocked) {
    saved = errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    errno = saved;
  }
  return result == 0 ? 0 : (unsigned)left.tv_sec + (left.tv_nsec >= 500000000);
}
int usleep(unsigned microseconds) {
  struct timespec time = { (time_t)(microseconds / 1000000), (long)(microseconds % 1000000) * 1000 };
  return nanosleep(&time, NULL);
}

/* system(3): the shell runs with INT and QUIT as they were; the caller ignores them and blocks CHLD meanwhile. */
int system(const char *command) {
  if (!command) return system("exit 0") == 0;
  struct sigaction ignore = { .sa_handler = SIG_IGN }, int_old, quit_old;
  sigset_t set = { { 1UL << (SIGCHLD - 1) } }, old;
  sigaction(SIGINT, &ignore, &int_old);
  sigaction(SIGQUIT, &ignore, &quit_old);
  sigprocmask(SIG_BLOCK, &set, &old);
  pid_t pid = fork();
  int status = -1;
  if (pid == 0) {
    char *argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
    sigaction(SIGINT, &int_old, NULL);
    sigaction(SIGQUIT, &quit_old, NULL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    execve("/bin/sh", argv, __environ);
    _exit(127);
  }
  if (pid > 0) {
    pid_t got;
    do got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got != pid) status = -1;
  }
  int saved = errno;
  sigaction(SIGINT, &int_old, NULL);
  sigaction(SIGQUIT, &quit_old, NULL);
  sigprocmask(SIG_SETMASK, &old, NULL);
  errno = saved;
  return status;
}

int setegid(gid_t group) { return (int)SYS(SYS_setresgid, -1, group, -1); }
int seteuid(uid_t user) { return (int)SYS(SYS_setresuid, -1, user, -1); }
int setpgrp(void) { return (int)SYS(SYS_setpgid, 0, 0); }
int sethostname(const char *name, size_t n) { return (int)SYS(SYS_sethostname, name, n); }
