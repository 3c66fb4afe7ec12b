/* Files of /proc/self and /proc/PID: text forms, and what writing does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char text[1 << 16];
static int get(const char *path) {
  int fd = open(path, O_RDONLY), n = -1;
  if (fd < 0) { printf("%s: %s\n", strrchr(path, '/'), strerrorname_np(errno)); return -1; }
  int at = 0;
  while ((n = read(fd, text + at, sizeof text - 1 - at)) > 0) at += n;
  if (n < 0) printf("%s: read %s\n", strrchr(path, '/'), strerrorname_np(errno));
  text[at] = 0;
  close(fd);
  return at;
}
static void put(const char *path, const char *what) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) { printf("%s: %s\n", path, strerrorname_np(errno)); return; }
  errno = 0;
  int n = write(fd, what, strlen(what));
  printf("%s <- \"%s\": %d %s\n", path, what, n, n < 0 ? strerrorname_np(errno) : "");
  close(fd);
}
static void mode(const char *name) {
  struct stat st;
  char path[64];
  sprintf(path, "/proc/self/%s", name);
  if (lstat(path, &st) < 0) printf("%s: %s\n", name, strerrorname_np(errno));
  else printf("%s: %o %ld\n", name, st.st_mode, (long)(S_ISDIR(st.st_mode) ? 0 : st.st_size));
}
/* kB of `key` in the area of `p`. */
static long smaps(void *p, const char *key) {
  get("/proc/self/smaps");
  int in = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    unsigned long a, b;
    if (sscanf(line, "%lx-%lx ", &a, &b) == 2 && strchr(line, '-') < strchr(line, ' ')) in = a <= (unsigned long)p && (unsigned long)p < b;
    if (in && strncmp(line, key, strlen(key)) == 0) return atol(line + strlen(key));
  }
  return -1;
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  const char *names[] = {"arch_status", "autogroup", "auxv", "cgroup", "clear_refs", "cmdline", "comm", "coredump_filter", "cwd", "environ", "exe", "fd", "fdinfo", "gid_map", "io", "limits", "maps", "mem", "mountinfo", "mounts", "mountstats", "ns", "oom_adj", "oom_score", "oom_score_adj", "pagemap", "personality", "projid_map", "root", "sched", "schedstat", "setgroups", "smaps", "smaps_rollup", "stat", "statm", "status", "syscall", "task", "timens_offsets", "timers", "timerslack_ns", "uid_map", "wchan", "ns/net", "children", "none"};
  for (int i = 0; i < sizeof names / sizeof *names; i++) mode(names[i]);
  char path[100], link[100];
  int n;
  const char *spaces[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "user", "uts"};
  for (int i = 0; i < 9; i++) {
    sprintf(path, "/proc/self/ns/%s", spaces[i]);
    n = readlink(path, link, sizeof link);
    if (n > 0) { link[n] = 0; printf("%.*s %d\n", (int)(strchr(link, '[') - link), link, n); }
  }
  get("/proc/self/personality"); fputs(text, stdout);
  get("/proc/self/projid_map"); fputs(text, stdout);
  get("/proc/self/timens_offsets"); fputs(text, stdout);
  get("/proc/self/timers"); fputs(text, stdout);
  get("/proc/self/sched"); printf("%d %d %d\n", strstr(text, "threads: 1") != NULL, strstr(text, "\nse.sum_exec_runtime                          :") != NULL, strstr(text, "\npolicy                                       :                    0\nprio                                         :                  120\n") != NULL);
  /* comm, with names too long or none */
  put("/proc/self/comm", "a name that is too long\n"); get("/proc/self/comm"); fputs(text, stdout);
  put("/proc/self/comm", "short\n"); get("/proc/self/comm"); fputs(text, stdout);
  put("/proc/self/comm", "two\nlines"); get("/proc/self/comm"); fputs(text, stdout);
  prctl(PR_GET_NAME, link); puts(link);
  /* referenced pages */
  char *p = mmap(0, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 1, 8 * 4096);
  printf("%ld %ld\n", smaps(p, "Rss:"), smaps(p, "Referenced:"));
  put("/proc/self/clear_refs", "1"); printf("%ld %ld\n", smaps(p, "Rss:"), smaps(p, "Referenced:"));
  put("/proc/self/clear_refs", "3");
  put("/proc/self/clear_refs", "2\n"); printf("%ld\n", smaps(p, "Referenced:"));
  put("/proc/self/clear_refs", "0"); put("/proc/self/clear_refs", "6"); put("/proc/self/clear_refs", "x"); put("/proc/self/clear_refs", "5"); put("/proc/self/clear_refs", "4");
  printf("%d\n", open("/proc/self/clear_refs", O_RDONLY) >= 0);
  /* timers */
  struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 0x1234};
  timer_t t1, t2;
  syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &t1); ev.sigev_notify = SIGEV_NONE; syscall(SYS_timer_create, CLOCK_REALTIME, &ev, &t2);
  get("/proc/self/timers");
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) if (strncmp(line, "notify", 6) == 0) printf("%.*s %d\n", (int)(strchr(line, '.') - line), line, atoi(strchr(line, '.') + 1) == getpid()); else puts(line);
  /* a child that waits */
  int end[2]; pipe(end);
  int pid = fork();
  if (pid == 0) { char c; close(end[1]); read(end[0], &c, 1); syscall(SYS_nanosleep, 1, 2); _exit(0); }
  usleep(30000);
  sprintf(path, "/proc/%d/syscall", pid); get(path);
  long nr; unsigned long long a0, a1, a2;
  n = sscanf(text, "%ld %llx %llx %llx", &nr, &a0, &a1, &a2); printf("%d %d %d %llu\n", n, nr == SYS_read, a0 == end[0], a2);
  sprintf(path, "/proc/self/task/%d/children", getpid()); get(path); printf("%d %d\n", atoi(text) == pid, text[strlen(text) - 1] == ' ');
  sprintf(path, "/proc/%d/stat", pid); get(path); printf("%c\n", strrchr(text, ')')[2]);
  sprintf(path, "/proc/%d/sched", pid); get(path); printf("%d\n", strncmp(text, "two", 3));
  write(end[1], "x", 1);
  siginfo_t info; waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
  sprintf(path, "/proc/%d/syscall", pid); get(path); printf("%d\n", strlen(text) > 0);
  sprintf(path, "/proc/%d/maps", pid); printf("%d\n", get(path)); sprintf(path, "/proc/%d/cmdline", pid); printf("%d\n", get(path)); sprintf(path, "/proc/%d/exe", pid); n = readlink(path, link, 100); printf("%d %s\n", n > 0, n < 0 ? strerrorname_np(errno) : "");
  sprintf(path, "/proc/%d/environ", pid); printf("%d\n", get(path)); sprintf(path, "/proc/%d/statm", pid); get(path); fputs(text, stdout); sprintf(path, "/proc/%d/wchan", pid); get(path); puts(text);
  sprintf(path, "/proc/%d/stat", pid); get(path); printf("%c\n", strrchr(text, ')')[2]);
  wait(NULL);
  sprintf(path, "/proc/%d/stat", pid); get(path);
  return 0;
}
