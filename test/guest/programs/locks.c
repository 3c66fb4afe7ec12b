/* Locks of two processes that meet: who gets what, who waits, and who would wait for ever. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int go[2], back[2];

static void step(const char *what, long result) {
  if (result < 0) printf("%s: %s\n", what, strerrorname_np(errno));
  else printf("%s: %ld\n", what, result);
  fflush(stdout);
}

static int lock(int fd, int command, int type, off_t start, off_t length) {
  struct flock request = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(fd, command, &request);
}

static void ask(int fd, int command, int type, off_t start, off_t length, pid_t parent) {
  struct flock request = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  int result = fcntl(fd, command, &request);
  if (result < 0) step("ask", result);
  else if (request.l_type == F_UNLCK) puts("ask: free");
  else
    printf("ask: %s %ld+%ld by %s\n", request.l_type == F_WRLCK ? "write" : "read", (long)request.l_start,
           (long)request.l_len, request.l_pid == parent ? "parent" : request.l_pid == -1 ? "a description" : "?");
  fflush(stdout);
}

static void signal_other(int fd) { write(fd, "x", 1); }
static void wait_other(int fd) {
  char byte;
  read(fd, &byte, 1);
}
/* Long enough for the other process to fall asleep, or to print, on a busy machine. */
static void pause_briefly(void) { usleep(300000); }
static void nothing(int signo) { (void)signo; }

int main(void) {
  int fd = open("locked", O_CREAT | O_RDWR, 0600);
  write(fd, "0123456789", 10);
  pipe(go);
  pipe(back);

  step("bad type", lock(fd, F_SETLK, 9, 0, 0));
  step("negative start", lock(fd, F_SETLK, F_WRLCK, -1, 0));
  step("backwards", lock(fd, F_SETLK, F_WRLCK, 5, -3));
  step("too far back", lock(fd, F_SETLK, F_WRLCK, 5, -6));
  int reader = open("locked", O_RDONLY), writer = open("locked", O_WRONLY);
  step("write lock of a reader", lock(reader, F_SETLK, F_WRLCK, 0, 0));
  step("read lock of a writer", lock(writer, F_SETLK, F_RDLCK, 0, 0));
  close(writer); /* which gives up all locks of the process */
  step("100+50", lock(fd, F_SETLK, F_WRLCK, 100, 50));
  step("120+10 read", lock(fd, F_SETLK, F_RDLCK, 120, 10));
  step("200 on", lock(fd, F_SETLK, F_RDLCK, 200, 0));

  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    ask(fd, F_GETLK, F_WRLCK, 0, 0, parent);
    ask(fd, F_GETLK, F_WRLCK, 110, 20, parent);
    ask(fd, F_GETLK, F_WRLCK, 125, 1, parent);
    ask(fd, F_GETLK, F_RDLCK, 125, 1, parent);
    ask(fd, F_GETLK, F_WRLCK, 140, 100, parent);
    ask(fd, F_GETLK, F_WRLCK, 1000, 1, parent);
    ask(fd, F_GETLK, F_UNLCK, 0, 1, parent);
    ask(fd, F_GETLK, F_WRLCK, 0, 50, parent);
    step("taken", lock(fd, F_SETLK, F_WRLCK, 149, 1));
    step("read beside read", lock(fd, F_SETLK, F_RDLCK, 210, 5));
    signal_other(back[1]);
    int waited = lock(fd, F_SETLKW, F_WRLCK, 100, 5);
    pause_briefly();
    step("waited", waited);
    signal_other(back[1]);
    wait_other(go[0]);
    pause_briefly();
    /* the parent holds 0+1 and waits for 100: this would wait for ever */
    step("deadlock", lock(fd, F_SETLKW, F_WRLCK, 0, 1));
    _exit(0);
  }
  wait_other(back[0]);
  pause_briefly();
  step("unlock", lock(fd, F_SETLK, F_UNLCK, 0, 0));
  wait_other(back[0]);
  step("0+1", lock(fd, F_SETLK, F_WRLCK, 0, 1));
  signal_other(go[1]);
  step("after the child", lock(fd, F_SETLKW, F_WRLCK, 100, 5));
  waitpid(child, NULL, 0);
  close(reader);
  step("closed a descriptor", lock(fd, F_SETLK, F_RDLCK, 0, 1));

  child = fork();
  if (child == 0) {
    /* an interrupted wait */
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, NULL);
    alarm(1);
    step("interrupted", lock(fd, F_SETLKW, F_WRLCK, 0, 1));
    _exit(0);
  }
  waitpid(child, NULL, 0);
  lock(fd, F_SETLK, F_UNLCK, 0, 0);

  /* open file descriptions */
  int other = open("locked", O_RDWR), same = dup(fd);
  step("ofd", lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
  step("ofd, same description", lock(same, F_OFD_SETLK, F_WRLCK, 5, 10));
  step("ofd, other description", lock(other, F_OFD_SETLK, F_WRLCK, 5, 1));
  step("of the process", lock(other, F_SETLK, F_WRLCK, 5, 1));
  ask(other, F_OFD_GETLK, F_WRLCK, 0, 0, parent);
  ask(other, F_GETLK, F_WRLCK, 3, 1, parent);
  close(same);
  step("still there", lock(other, F_OFD_SETLK, F_RDLCK, 0, 1));
  struct flock with_pid = {.l_type = F_WRLCK, .l_pid = 5};
  step("ofd with a pid", fcntl(fd, F_OFD_SETLK, &with_pid));
  lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0);

  /* flock */
  step("flock nonsense", flock(fd, 16));
  step("shared", flock(fd, LOCK_SH));
  step("shared too", flock(other, LOCK_SH | LOCK_NB));
  step("exclusive", flock(other, LOCK_EX | LOCK_NB));
  step("after a failed conversion", flock(fd, LOCK_EX | LOCK_NB));
  step("beside a record lock", lock(other, F_SETLK, F_WRLCK, 0, 0));
  child = fork();
  if (child == 0) {
    step("inherited", flock(fd, LOCK_EX | LOCK_NB));
    step("own description", flock(open("locked", O_RDONLY), LOCK_SH | LOCK_NB));
    signal_other(back[1]);
    int waited = flock(open("locked", O_RDONLY), LOCK_SH);
    pause_briefly();
    step("flock waited", waited);
    _exit(0);
  }
  wait_other(back[0]);
  pause_briefly();
  step("unlock", flock(fd, LOCK_UN));
  waitpid(child, NULL, 0);
  close(fd);
  step("closed", flock(other, LOCK_EX | LOCK_NB));
  return 0;
}
