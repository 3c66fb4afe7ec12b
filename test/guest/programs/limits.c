/* What a hostile program meets: each case takes a resource until the kernel refuses, and prints how that looked. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void refused(const char *what, long count) {
  printf("%s %ld %s\n", what, count, strerrorname_np(errno));
  fflush(stdout);
}

static void files_without_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static long fill(int fd) {
  static char block[65536];
  long total = 0;
  ssize_t count;
  while ((count = write(fd, block, sizeof block)) > 0) total += count;
  return total;
}

int main(int argc, char **argv) {
  const char *what = argv[1];
  char name[64];
  long n = 0;
  if (strcmp(what, "processes") == 0) {
    for (;; n++) {
      pid_t pid = fork();
      if (pid < 0) break;
      if (pid == 0) {
        pause();
        _exit(0);
      }
    }
    refused(what, n);
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
  } else if (strcmp(what, "threads") == 0) {
    for (;; n++) {
      char *stack = malloc(256);
      pid_t pid = syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FILES, stack + 192, 0, 0, 0);
      if (pid < 0) break;
      if (pid == 0)
        for (;;) __asm__ volatile("syscall" : : "a"(SYS_pause) : "rcx", "r11", "memory");
    }
    refused(what, n);
    exit(0);
  } else if (strcmp(what, "tmp") == 0) {
    int fd = open("full", O_CREAT | O_RDWR, 0600);
    n = fill(fd) >> 20;
    refused(what, n);
    ftruncate(fd, 0);
    lseek(fd, 0, SEEK_SET);
    refused("again", fill(fd) >> 20);
    /* a hole of a mapped file that cannot be filled */
    int hole = open("hole", O_CREAT | O_RDWR, 0600);
    ftruncate(hole, 4096);
    char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, hole, 0);
    page[0] = 1;
  } else if (strcmp(what, "memfd") == 0) {
    refused(what, fill(memfd_create("x", 0)) >> 20);
  } else if (strcmp(what, "names") == 0) {
    for (;; n++) {
      sprintf(name, "n%ld", n);
      if (mkdir(name, 0700) < 0) break;
    }
    refused(what, n);
    rmdir("n0");
    printf("%d\n", mkdir("again", 0700));
  } else if (strcmp(what, "pipes") == 0) {
    int fds[2];
    files_without_limit();
    for (; pipe2(fds, O_NONBLOCK) == 0; n++) fill(fds[1]);
    refused(what, n > 100);
  } else if (strcmp(what, "open") == 0) {
    while (open("/dev/null", O_RDONLY) >= 0) n++;
    refused(what, n);
    files_without_limit();
    while (eventfd(0, 0) >= 0) n++;
    refused("all", n > 10000);
  } else if (strcmp(what, "nest") == 0) {
    struct epoll_event event = {.events = EPOLLIN};
    int inner = epoll_create1(0);
    for (;; n++) {
      int outer = epoll_create1(0);
      if (epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event) < 0) break;
      inner = outer;
    }
    refused(what, n);
    int a = epoll_create1(0), b = epoll_create1(0);
    epoll_ctl(a, EPOLL_CTL_ADD, b, &event);
    refused("loop", epoll_ctl(b, EPOLL_CTL_ADD, a, &event));
  } else if (strcmp(what, "sparse") == 0) {
    int fd = open("sparse", O_CREAT | O_RDWR, 0600);
    printf("%d\n", ftruncate(fd, 1L << 42));
    refused("data", lseek(fd, 0, SEEK_DATA));
    printf("hole %ld\n", lseek(fd, 0, SEEK_HOLE));
    pwrite(fd, "x", 1, 1L << 41);
    printf("data %d hole %d\n", lseek(fd, 0, SEEK_DATA) == 1L << 41, lseek(fd, 1L << 41, SEEK_HOLE) == (1L << 41) + 4096);
    printf("punch %d\n", fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 1L << 42));
    refused("gone", lseek(fd, 0, SEEK_DATA));
    refused("allocate", fallocate(fd, 0, 0, 1L << 42));
  } else if (strcmp(what, "timers") == 0) {
    /* one that fires every nanosecond, and is ignored */
    struct itimerspec every = {{0, 1}, {0, 1}};
    struct sigevent none = {.sigev_notify = SIGEV_NONE}, alarm = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    timer_t timer;
    for (; n < 1000; n++) {
      timer_create(CLOCK_MONOTONIC, &none, &timer);
      timer_settime(timer, 0, &every, 0);
    }
    signal(SIGALRM, SIG_IGN);
    timer_create(CLOCK_MONOTONIC, &alarm, &timer);
    timer_settime(timer, 0, &every, 0);
    sleep(3600);
    puts("slept");
  }
  return 0;
}
