/* execve(2) by a thread that does not lead its process: the process keeps its id, and the thread gets it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *self;

static void *run(void *arg) {
  char pid[20];
  snprintf(pid, sizeof pid, "%d", getpid());
  execl(self, self, pid, NULL);
  return NULL;
}
static void *wait_for_ever(void *arg) {
  for (;;) pause();
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc > 1) {
    printf("pid kept %d, thread leads %d\n", atoi(argv[1]) == getpid(), getpid() == (int)syscall(SYS_gettid));
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", getpid());
    printf("leads as a task %d\n", access(path, R_OK) == 0);
    return 5;
  }
  self = argv[0];
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    pthread_create(&thread, NULL, run, NULL);
    pthread_exit(NULL);
  }
  int status;
  printf("waited %d\n", waitpid(child, &status, 0) == child);
  printf("status %d\n", WEXITSTATUS(status));
  return 0;
}
