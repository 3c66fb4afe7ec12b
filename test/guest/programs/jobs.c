/* Job control as a parent sees it: stopped, continued and killed children, by waitid(2), waitpid(2) and SIGCHLD. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int children, last_code, last_status;
static void note(int signo, siginfo_t *info, void *context) {
  (void)signo;
  (void)context;
  children++;
  last_code = info->si_code;
  last_status = info->si_status;
}

static void look(const char *what, pid_t child, int options) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  int result = waitid(P_PID, child, &info, options);
  printf("%s: %d %s code %d status %d %s, SIGCHLD %d (%d, %d)\n", what, result, result < 0 ? strerrorname_np(errno) : "",
         info.si_code, info.si_status, info.si_pid == child ? "child" : info.si_pid == 0 ? "none" : "?", children,
         last_code, last_status);
  fflush(stdout);
}

static void look_status(const char *what, pid_t child, int options) {
  int status = 0;
  pid_t result = waitpid(child, &status, options);
  printf("%s: %s %x stopped %d continued %d\n", what, result == child ? "child" : result == 0 ? "none" : strerrorname_np(errno),
         status, WIFSTOPPED(status), WIFCONTINUED(status));
  fflush(stdout);
}

static pid_t sleeper(void) {
  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  usleep(50000);
  return child;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGCHLD, &action, NULL);
  pid_t child = sleeper();
  look("nothing yet", child, WEXITED | WSTOPPED | WCONTINUED | WNOHANG);
  kill(child, SIGSTOP);
  look("stopped, kept", child, WSTOPPED | WNOWAIT);
  look("stopped", child, WSTOPPED);
  look("told already", child, WSTOPPED | WNOHANG);
  kill(child, SIGCONT);
  look("continued", child, WCONTINUED);
  look("told already", child, WCONTINUED | WNOHANG);
  kill(child, SIGTSTP);
  look_status("tstp", child, WUNTRACED);
  kill(child, SIGCONT);
  look_status("cont", child, WCONTINUED);
  kill(child, SIGSTOP);
  usleep(50000);
  kill(child, SIGTERM); /* waits until it runs again */
  usleep(50000);
  look_status("stopped, then terminated", child, WUNTRACED);
  look_status("still there", child, WNOHANG);
  kill(child, SIGCONT);
  look_status("gone", child, 0);
  look_status("no child", child, 0);

  child = sleeper();
  kill(child, SIGSTOP);
  usleep(50000);
  kill(child, SIGKILL); /* does not wait */
  look("killed while stopped", child, WEXITED);

  /* SA_NOCLDSTOP: no SIGCHLD for stops, the wait works all the same */
  action.sa_flags |= SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, NULL);
  int before = children;
  child = sleeper();
  kill(child, SIGSTOP);
  look_status("quietly stopped", child, WUNTRACED);
  kill(child, SIGCONT);
  look_status("quietly continued", child, WCONTINUED);
  printf("%d signals\n", children - before);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);

  /* an orphaned process group ignores SIGTSTP's default action, SIGSTOP it does not */
  child = fork();
  if (child == 0) {
    setsid();
    raise(SIGTSTP);
    _exit(5);
  }
  look_status("tstp in an orphaned group", child, WUNTRACED);

  signal(SIGCHLD, SIG_IGN);
  child = fork();
  if (child == 0) _exit(0);
  look_status("ignored children", child, 0);
  printf("%d %s\n", waitid(P_ALL, 0, NULL, 0), strerrorname_np(errno));
  printf("%d %s\n", waitid(9, 0, NULL, WEXITED), strerrorname_np(errno));
  printf("%d %s\n", waitpid(-1, NULL, 0x100), strerrorname_np(errno));
  printf("%d %s\n", waitid(P_PID, 0, NULL, WEXITED), strerrorname_np(errno));
  return 0;
}
