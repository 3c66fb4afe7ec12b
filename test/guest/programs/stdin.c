/* A pipe on stdin that is empty at first: nothing is reported ready, a read waits alone, a signal ends it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_alarm(int signo) { (void)signo; }

static void report(const char *what, long result, const char *bytes) {
  printf("%s %ld %s\n", what, result, result < 0 ? strerror(errno) : bytes);
  fflush(stdout);
}

int main(void) {
  char bytes[100] = "";
  struct pollfd entry = {0, POLLIN | POLLOUT, 0};
  report("poll", poll(&entry, 1, 0), "");
  report("poll with a limit", poll(&entry, 1, 50), "");
  fcntl(0, F_SETFL, O_NONBLOCK);
  report("read", read(0, bytes, 1), "");
  fcntl(0, F_SETFL, 0);
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, 0);
  ualarm(20000, 0);
  report("interrupted", read(0, bytes, 1), "");
  int tube[2];
  pipe(tube);
  pid_t reader = fork();
  if (reader == 0) {
    memset(bytes, 0, sizeof bytes);
    long count = read(0, bytes, 5);
    report("child", count, bytes);
    _exit(0);
  }
  if (fork() == 0) return (int)write(tube[1], "x", 1) - 1;
  report("others go on", read(tube[0], bytes, 1), "");
  puts("ready");
  fflush(stdout);
  waitpid(reader, 0, 0);
  entry.events = POLLIN;
  report("poll", poll(&entry, 1, -1), entry.revents & POLLIN ? "POLLIN" : "");
  memset(bytes, 0, sizeof bytes);
  report("rest", read(0, bytes, 99), bytes);
  puts("done");
  fflush(stdout);
  report("poll", poll(&entry, 1, -1), entry.revents == POLLHUP ? "POLLHUP" : "");
  report("end", read(0, bytes, 1), "");
  return 0;
}
