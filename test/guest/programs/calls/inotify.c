/* inotify: what each operation on files tells who watches them, and the rules of the calls. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define show(call) do { errno = 0; long r_ = (long)(call); printf("%s: %s\n", #call, r_ == -1 ? strerrorname_np(errno) : "ok"); } while (0)
#define value(call) do { errno = 0; long r_ = (long)(call); printf("%s = %ld %s\n", #call, r_, r_ == -1 ? strerrorname_np(errno) : ""); } while (0)
static int fd;
static const char *names[32] = {"ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN", "MOVED_FROM", "MOVED_TO", "CREATE", "DELETE", "DELETE_SELF", "MOVE_SELF", 0, "UNMOUNT", "Q_OVERFLOW", "IGNORED", [30] = "ISDIR"};

static void events(const char *what) {
  static char buffer[65536];
  printf("%s:\n", what);
  int n = read(fd, buffer, sizeof buffer);
  unsigned base = 0;
  for (int at = 0; at < n;) {
    struct inotify_event *e = (void *)(buffer + at);
    if (e->cookie && !base) base = e->cookie;
    printf("  %d", e->wd);
    for (int i = 0; i < 32; i++) if (e->mask & 1u << i) printf(" %s", names[i] ? names[i] : "?");
    printf(" %d %u \"%s\"\n", e->cookie ? (int)(e->cookie - base) : -1, e->len, e->len ? e->name : "");
    at += sizeof *e + e->len;
  }
}
#define with(op) do { op; events(#op); } while (0)
static void on_signal(int s) {}

int main(int argc, char **argv) {
  if (argc > 1) return 0;
  setvbuf(stdout, NULL, _IONBF, 0);
  char buf[300];
  show(inotify_init1(1)); show(inotify_init1(IN_CLOEXEC | IN_NONBLOCK | 8));
  fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  show(fd);
  value(fcntl(fd, F_GETFD)); value(fcntl(fd, F_GETFL)); show(write(fd, "x", 1)); value(lseek(fd, 5, SEEK_SET)); show(read(fd, buf, 100)); show(read(fd, buf, 0)); show(pread(fd, buf, 10, 0));
  sprintf(buf, "/proc/self/fd/%d", fd); char link_[100]; int n = readlink(buf, link_, 100); printf("%.*s\n", n, link_);
  mkdir("d", 0755); mkdir("e", 0755);
  close(open("file", O_CREAT | O_RDWR, 0644)); symlink("file", "sym"); symlink("nowhere", "dangling");
  show(inotify_add_watch(99, "d", IN_ALL_EVENTS)); show(inotify_add_watch(0, "d", IN_ALL_EVENTS)); show(inotify_add_watch(fd, "none", IN_ALL_EVENTS)); show(inotify_add_watch(fd, "", IN_ALL_EVENTS)); show(inotify_add_watch(fd, (void *)1, IN_ALL_EVENTS)); show(inotify_add_watch(fd, "d", 0)); show(inotify_add_watch(fd, "d", 0x00800000)); show(inotify_add_watch(fd, "d", 0x1000)); show(inotify_add_watch(fd, "file", IN_ONLYDIR | IN_OPEN)); show(inotify_add_watch(fd, "dangling", IN_OPEN)); show(inotify_add_watch(fd, "d", IN_MASK_ADD | IN_MASK_CREATE | IN_OPEN)); show(inotify_add_watch(99, "none", IN_MASK_ADD | IN_MASK_CREATE | IN_OPEN)); show(inotify_add_watch(99, "none", 0)); show(inotify_add_watch(fd, "file/x", IN_OPEN));
  show(inotify_rm_watch(99, 1)); show(inotify_rm_watch(0, 1)); show(inotify_rm_watch(fd, 1)); show(inotify_rm_watch(fd, -1));
  value(inotify_add_watch(fd, "d", IN_ALL_EVENTS)); value(inotify_add_watch(fd, "file", IN_ALL_EVENTS)); value(inotify_add_watch(fd, "sym", IN_ALL_EVENTS)); value(inotify_add_watch(fd, "sym", IN_ALL_EVENTS | IN_DONT_FOLLOW)); value(inotify_add_watch(fd, "file", IN_ALL_EVENTS | IN_MASK_CREATE));
  events("nothing yet");
  /* the watched file itself */
  int f;
  with(f = open("file", O_RDWR)); with(write(f, "hello", 5)); with((lseek(f, 0, 0), read(f, buf, 5))); with(read(f, buf, 5)); with(write(f, "", 0)); with(pread(f, buf, 1, 0)); with(ftruncate(f, 2)); with(ftruncate(f, 2)); with(fchmod(f, 0600)); with(fchown(f, 0, 0)); with(fsync(f)); with(posix_fallocate(f, 0, 100)); with(lseek(f, 0, SEEK_SET)); with(mmap(0, 4096, PROT_READ, MAP_SHARED, f, 0)); with(close(dup(f))); with(close(f));
  with(close(open("file", O_RDONLY | O_TRUNC))); with(close(open("file", O_PATH))); with(truncate("file", 10)); with(chmod("file", 0644)); with(utimes("file", 0));
  struct timespec ts[2] = {{1, 1}, {0, UTIME_OMIT}}; with(utimensat(AT_FDCWD, "file", ts, 0)); ts[1].tv_nsec = 5; ts[0].tv_nsec = UTIME_OMIT; with(utimensat(AT_FDCWD, "file", ts, 0)); ts[1].tv_nsec = UTIME_OMIT; with(utimensat(AT_FDCWD, "file", ts, 0)); with(stat("file", (void *)buf)); with(access("file", R_OK)); with(readlink("sym", buf, 10)); with(open("none", O_RDONLY)); with(open("file", O_RDONLY | O_DIRECTORY));
  /* in the watched directory */
  with(f = open("d/new", O_CREAT | O_WRONLY, 0644)); with(write(f, "abc", 3)); with(close(f)); with(mkdir("d/sub", 0700)); with(symlink("x", "d/sym")); with(mkfifo("d/fifo", 0600)); with(link("file", "d/hard")); with(chmod("d/new", 0600)); with(chmod("d/sub", 0711)); with(chmod("d", 0711)); with(rename("d/new", "d/renamed")); with(rename("d/renamed", "e/out")); with(rename("e/out", "d/back")); with(rename("d/sub", "d/sub2")); with(rename("d/back", "d/hard")); with(rename("d/none", "d/hard")); with(rename("d/hard", "d/hard"));
  with(syscall(SYS_renameat2, AT_FDCWD, "d/hard", AT_FDCWD, "d/sym", 2)); with(close(open("d/sub2", O_RDONLY)));
  DIR *dir; with(dir = opendir("d")); with(while (readdir(dir))); with(closedir(dir)); with(unlink("d/sym")); with(rmdir("d/sub2")); with(unlink("d/none")); with(unlink("d/fifo"));
  with(close(open("d/abcdefghijklmnop", O_CREAT, 0600))); with(unlink("d/abcdefghijklmnop"));
  /* sendfile, copy_file_range */
  f = open("file", O_RDWR | O_TRUNC); write(f, "0123456789", 10); int g = open("d/copy", O_CREAT | O_RDWR, 0600); events("prepared");
  off_t zero = 0; with(sendfile(g, f, &zero, 5)); loff_t z1 = 0, z2 = 0; with(copy_file_range(f, &z1, g, &z2, 4, 0)); close(g); close(f); events("closed");
  /* unlinked but open */
  f = open("d/copy", O_RDWR); events("open"); with(unlink("d/copy")); with(write(f, "x", 1)); with(close(f));
  f = open("file", O_RDWR); events("open"); with(unlink("file")); with(write(f, "x", 1)); with(close(f)); show(inotify_rm_watch(fd, 2));
  close(open("x", O_CREAT | O_RDWR, 0600)); value(inotify_add_watch(fd, "x", IN_ALL_EVENTS)); with(unlink("x"));
  close(open("x", O_CREAT | O_RDWR, 0600)); value(inotify_add_watch(fd, "x", IN_ALL_EVENTS)); close(open("y", O_CREAT | O_RDWR, 0600)); with(rename("y", "x")); events("replaced");
  value(inotify_add_watch(fd, "x", IN_ALL_EVENTS)); with(rename("x", "z")); with(rename("z", "d/z")); with(link("d/z", "e/z")); with(unlink("d/z")); with(unlink("e/z"));
  value(inotify_add_watch(fd, "e", IN_ALL_EVENTS)); with(rmdir("e"));
  /* masks */
  value(inotify_add_watch(fd, "d", IN_CREATE)); with(close(open("d/a", O_CREAT | O_RDWR, 0600))); value(inotify_add_watch(fd, "d", IN_DELETE | IN_MASK_ADD)); with(close(open("d/b", O_CREAT | O_RDWR, 0600))); with(unlink("d/b"));
  value(inotify_add_watch(fd, "d", IN_ONESHOT | IN_OPEN)); with(close(open("d/a", O_RDWR))); with(close(open("d/a", O_RDWR))); show(inotify_rm_watch(fd, 1));
  value(inotify_add_watch(fd, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK)); f = open("d/a", O_RDWR); unlink("d/a"); events("unlinked"); with(write(f, "x", 1)); with(close(f));
  /* reading: whole events, merging, sizes */
  close(open("d/long-name-of-a-file", O_CREAT | O_RDWR, 0600)); ioctl(fd, FIONREAD, &n); printf("%d\n", n);
  show(read(fd, buf, 16)); show(read(fd, buf, 47)); value(read(fd, buf, 48)); value(read(fd, buf, 95)); show(read(fd, (void *)1, 100)); events("rest");
  f = open("d/long-name-of-a-file", O_RDWR); for (int i = 0; i < 5; i++) write(f, "x", 1); events("merged"); for (int i = 0; i < 3; i++) { write(f, "x", 1); pread(f, buf, 1, 0); } events("not merged"); close(f); events("closed");
  struct pollfd p = {fd, POLLIN | POLLOUT}; value(poll(&p, 1, 0)); chmod("d", 0700); value(poll(&p, 1, 0)); printf("%x\n", p.revents);
  int ep = epoll_create1(0); struct epoll_event ee = {EPOLLIN}; show(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ee)); value(epoll_wait(ep, &ee, 1, 0)); events("d"); value(epoll_wait(ep, &ee, 1, 0));
  show(inotify_rm_watch(fd, 99)); value(inotify_rm_watch(fd, 11)); events("removed"); 
  /* a program that is executed */
  close(open("prog", O_CREAT | O_RDWR, 0700)); int from = open("/proc/self/exe", O_RDONLY), to = open("prog", O_WRONLY); while (sendfile(to, from, 0, 1 << 20) > 0); close(to);
  int pw = inotify_add_watch(fd, "prog", IN_ALL_EVENTS);
  if (fork() == 0) { execl("./prog", "prog", "end", NULL); _exit(1); }
  wait(NULL); events("executed"); inotify_rm_watch(fd, pw); events("removed");
  /* waiting */
  fcntl(fd, F_SETFL, 0); int w = inotify_add_watch(fd, ".", IN_CREATE);
  if (fork() == 0) { usleep(10000); mkdir("made", 0700); _exit(0); }
  events("waited"); wait(NULL);
  struct sigaction sa = {.sa_handler = on_signal}; sigaction(SIGALRM, &sa, NULL);
  struct itimerval it = {{0, 0}, {0, 20000}}; setitimer(ITIMER_REAL, &it, NULL); show(read(fd, buf, 100));
  fcntl(fd, F_SETFL, O_NONBLOCK); inotify_rm_watch(fd, w); events("ignored");
  /* too many */
  w = inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE);
  for (int i = 0; i < 9000; i++) { mkdir("q", 0700); rmdir("q"); }
  int count = 0, over = 0; static char big[1 << 20];
  while ((n = read(fd, big, sizeof big)) > 0) for (int at = 0; at < n;) { struct inotify_event *e = (void *)(big + at); count++; if (e->mask == IN_Q_OVERFLOW) over = count * (e->wd == -1); at += sizeof *e + e->len; }
  printf("%d %d\n", count, over);
  return 0;
}
