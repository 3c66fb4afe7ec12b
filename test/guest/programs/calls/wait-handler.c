/* wait(2) with a handler of SIGCHLD: the child comes before the signal. unshare(2), kcmp(2), I/O priorities. */
#include "results.h"
static volatile int got;
static void on_signal(int s) { got++; }
int main(void) {
  start();
  struct sigaction sa = {.sa_handler = on_signal};
  sigaction(SIGCHLD, &sa, NULL);
  for (int i = 0; i < 5; i++) {
    int status = -1, pid = fork();
    if (pid == 0) { usleep(5000); _exit(i); }
    value(waitpid(pid, &status, 0) == pid);
    printf("%x %d\n", status, got);
  }
  sigaction(SIGALRM, &sa, NULL);
  int pid = fork();
  if (pid == 0) { sleep(3); _exit(0); }
  alarm(1);
  show(waitpid(pid, NULL, 0));
  kill(pid, SIGKILL);
  value(waitpid(pid, NULL, 0) == pid);
  show(syscall(SYS_unshare, 0)); show(syscall(SYS_unshare, 0x8)); show(syscall(SYS_unshare, CLONE_FILES | CLONE_FS | CLONE_SYSVSEM)); show(syscall(SYS_unshare, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));
  pid = getpid();
  value(syscall(SYS_kcmp, pid, pid, 0, 1, 1)); show(syscall(SYS_kcmp, pid, pid, 0, 1, 99)); value(syscall(SYS_kcmp, pid, pid, 0, 0, dup(0))); value(syscall(SYS_kcmp, pid, pid, 1, 0, 0)); value(syscall(SYS_kcmp, pid, pid, 2, 0, 0)); show(syscall(SYS_kcmp, pid, pid, 99, 0, 0)); show(syscall(SYS_kcmp, pid, 999999, 0, 0, 0)); show(syscall(SYS_kcmp, -1, pid, 0, 0, 0));
  value(syscall(SYS_ioprio_get, 1, 0)); show(syscall(SYS_ioprio_get, 9, 0)); show(syscall(SYS_ioprio_get, 1, 999999)); show(syscall(SYS_ioprio_set, 9, 0, 0)); show(syscall(SYS_ioprio_set, 1, 0, 0xffff)); show(syscall(SYS_ioprio_set, 1, 0, 1)); value(syscall(SYS_ioprio_set, 1, 0, (2 << 13) | 3)); value(syscall(SYS_ioprio_get, 1, 0));
  show(setpgid(-1, 0)); show(setpgid(0, -1)); value(prctl(PR_SET_KEEPCAPS, 1)); value(prctl(PR_GET_KEEPCAPS));
  return 0;
}
