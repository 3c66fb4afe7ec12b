/* RLIMIT_FSIZE: writes that reach it are cut short, those behind it raise SIGXFSZ and fail. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int signals;
static void count(int signo) { signals += signo == SIGXFSZ; }

static void step(const char *what, long result) {
  printf("%s: %ld %s, %d signals\n", what, result, result < 0 ? strerrorname_np(errno) : "", signals);
  fflush(stdout);
}

int main(void) {
  char block[1000];
  memset(block, 'x', sizeof block);
  struct rlimit limit = {2500, 1 << 20};
  step("limit", setrlimit(RLIMIT_FSIZE, &limit));
  signal(SIGXFSZ, count);
  int fd = open("limited", O_CREAT | O_RDWR | O_TRUNC, 0600);
  for (int i = 0; i < 4; i++) step("write", write(fd, block, sizeof block));
  step("nothing", write(fd, block, 0));
  step("pwrite inside", pwrite(fd, block, 1000, 2400));
  step("pwrite behind", pwrite(fd, block, 10, 5000));
  step("truncate inside", ftruncate(fd, 2500));
  step("truncate behind", ftruncate(fd, 2501));
  step("path", truncate("limited", 4000));
  step("allocate", fallocate(fd, 0, 0, 3000));
  struct stat info;
  fstat(fd, &info);
  step("size", info.st_size);
  int fds[2];
  pipe(fds);
  step("a pipe has no size", write(fds[1], block, 1000) + write(fds[1], block, 1000) + write(fds[1], block, 1000));
  if (fork() == 0) {
    signal(SIGXFSZ, SIG_DFL);
    lseek(fd, 0, SEEK_END);
    write(fd, block, 1);
    _exit(0);
  }
  int status;
  wait(&status);
  step("killed by", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  return 0;
}
