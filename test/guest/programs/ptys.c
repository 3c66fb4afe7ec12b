/* Pseudo-terminals: the line discipline, sizes, the controlling terminal, hang-ups. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char buf[300];

static void show(const char *what, long n) {
  printf("%s %ld", what, n);
  if (n < 0) printf(" %s", strerrorname_np(errno));
  for (long i = 0; i < n; i++) printf(buf[i] >= 32 && buf[i] < 127 ? " %c" : " %d", buf[i]);
  printf("\n");
}
static void poll1(const char *what, int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT, 0};
  int r = poll(&p, 1, 0);
  printf("%s poll %d %x\n", what, r, p.revents);
}
static volatile int winch, hup;
static void on_signal(int s) {
  if (s == SIGWINCH) winch++;
  if (s == SIGHUP) hup++;
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  int m = posix_openpt(O_RDWR | O_NOCTTY);
  printf("locked open %d\n", open(ptsname(m), O_RDWR | O_NOCTTY) < 0 ? errno : 0);
  printf("grant %d unlock %d\n", grantpt(m), unlockpt(m));
  int s = open(ptsname(m), O_RDWR | O_NOCTTY | O_NONBLOCK);
  printf("isatty %d %d same %d\n", isatty(m), isatty(s), strcmp(ttyname(s), ptsname(m)) == 0);
  poll1("slave", s);
  poll1("master", m);
  show("empty", read(s, buf, 100));

  const char *typed = "abx\177c\027de f\027g\025hello\nsecond line\n";
  printf("type %ld\n", (long)write(m, typed, strlen(typed)));
  poll1("slave", s);
  show("line", read(s, buf, 3));
  show("rest", read(s, buf, 100));
  show("line", read(s, buf, 100));
  show("echo", read(m, buf, sizeof buf));
  show("out", write(s, "x\ny", 3));
  show("seen", read(m, buf, sizeof buf));
  write(m, "q\004\004", 3);
  show("eof", read(s, buf, 100));
  show("eof", read(s, buf, 100));
  show("echo", read(m, buf, sizeof buf));

  struct termios t;
  tcgetattr(s, &t);
  printf("flags %x %x %x %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
  cfmakeraw(&t);
  tcsetattr(s, TCSANOW, &t);
  write(m, "raw\r\003", 5);
  show("raw", read(s, buf, 100));
  int n = -1;
  ioctl(m, FIONREAD, &n);
  printf("no echo %d\n", n);
  struct winsize w = {25, 80, 0, 0}, got;
  printf("size %d %d %d %d\n", ioctl(m, TIOCSWINSZ, &w), ioctl(s, TIOCGWINSZ, &got), got.ws_row, got.ws_col);
  pid_t pgid;
  show("not ours", ioctl(s, TIOCGPGRP, &pgid));
  tcgetattr(s, &t);
  t.c_lflag |= ISIG | ICANON | ECHO;
  t.c_iflag |= ICRNL;
  tcsetattr(s, TCSANOW, &t);
  close(s);
  poll1("hung up", m);
  show("hung up", read(m, buf, 10));

  int ready[2], done[2];
  pipe(ready);
  pipe(done);
  pid_t child = fork();
  if (child == 0) {
    signal(SIGWINCH, on_signal);
    signal(SIGHUP, on_signal);
    printf("setsid %d\n", setsid() == getpid());
    show("no terminal", open("/dev/tty", O_RDWR));
    s = open(ptsname(m), O_RDWR);
    printf("controlling %d %d\n", tcgetpgrp(s) == getpgrp(), tcgetsid(s) == getpid());
    int tty = open("/dev/tty", O_RDWR);
    printf("tty %d\n", tty >= 0);
    close(m);
    write(ready[1], "r", 1);
    while (!winch) pause();
    printf("winch %d\n", winch);
    show("line", read(s, buf, 100));
    pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      show("background read", read(s, buf, 10));
      _exit(0);
    }
    int status;
    waitpid(job, &status, WUNTRACED);
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status) == SIGTTIN);
    setpgid(job, job);
    printf("foreground %d %d\n", tcsetpgrp(s, job), tcgetpgrp(s) == job);
    write(ready[1], "r", 1);
    kill(job, SIGCONT);
    waitpid(job, &status, 0);
    printf("job ended by %d\n", WTERMSIG(status));
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(s, getpgrp());
    write(ready[1], "r", 1);
    while (!hup) pause();
    printf("hup %d\n", hup);
    show("after", read(s, buf, 10));
    show("after", write(s, "x", 1));
    _exit(7);
  }
  close(ready[1]);
  read(ready[0], buf, 1);
  w.ws_row = 30;
  ioctl(m, TIOCSWINSZ, &w);
  write(m, "to child\r", 9);
  read(ready[0], buf, 1);
  write(m, "\003", 1);
  read(ready[0], buf, 1);
  close(m);
  int status;
  waitpid(child, &status, 0);
  printf("status %d\n", WEXITSTATUS(status));
  return 0;
}
