/* POSIX message queues: names, errors, order, waiting, notification. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define show(call) do { errno = 0; long r_ = (long)(call); printf("%s: %s\n", #call, r_ == -1 ? strerrorname_np(errno) : "ok"); } while (0)
#define value(call) do { errno = 0; long r_ = (long)(call); printf("%s = %ld %s\n", #call, r_, r_ == -1 ? strerrorname_np(errno) : ""); } while (0)
static char name[40], path[40];
static struct mq_attr attr;
static char buffer[9000];

static long mqo(const char *n, int flags, int mode, void *a) { return syscall(SYS_mq_open, n, flags, mode, a); }
static void receive(int q, int length) {
  unsigned priority = 99;
  memset(buffer, 'x', sizeof buffer);
  errno = 0;
  int r = mq_receive(q, buffer, length, &priority);
  if (r < 0) printf("receive: %s\n", strerrorname_np(errno));
  else printf("receive: %d \"%.*s\" of %u\n", r, r, buffer, priority);
}
static void state(int q, const char *when) {
  struct mq_attr a;
  struct stat st;
  struct pollfd p = {q, POLLIN | POLLOUT, 0};
  char text[100];
  mq_getattr(q, &a);
  fstat(q, &st);
  poll(&p, 1, 0);
  lseek(q, 0, SEEK_SET);
  int n = read(q, text, sizeof text);
  char *pid = n > 0 ? strstr(text, "NOTIFY_PID") : NULL;
  if (pid) printf("%.*s %d %d", (int)(pid - text), text, atoi(pid + 11) == getpid(), (int)(text + n - pid));
  printf(" %s: flags %lo max %ld size %ld now %ld; mode %o size %ld uid %d; poll %x\n", when, (long)a.mq_flags, (long)a.mq_maxmsg, (long)a.mq_msgsize, (long)a.mq_curmsgs, st.st_mode, (long)st.st_size, st.st_uid, p.revents);
}
static void reap(void) { while (wait(NULL) < 0 && errno == EINTR); }
static volatile int signals, code, val, fromme;
static void on_info(int s, siginfo_t *i, void *u) { signals++; code = i->si_code; val = i->si_value.sival_int; fromme = i->si_pid == getpid(); }
static void on_signal(int s) { signals++; }

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  sprintf(path, "/folio-%d", getpid());
  strcpy(name, path + 1);
  char longname[300];
  memset(longname, 'a', sizeof longname); longname[256] = 0;
  show(mqo("", O_RDWR, 0, 0)); show(mqo(".", O_RDWR, 0, 0)); show(mqo("..", O_RDWR, 0, 0)); show(mqo("/a", O_RDWR, 0, 0)); show(mqo("a/b", O_RDWR, 0, 0));
  show(mqo(longname, O_RDWR, 0, 0)); show(mqo((void *)1, O_RDWR, 0, 0)); show(mqo(name, O_RDWR, 0, 0)); show(mqo(name, O_RDWR, 0, (void *)1)); show(mqo(name, O_RDWR | O_CREAT, 0600, (void *)1));
  show(mq_open("noslash", O_RDWR)); show(mq_open("/", O_RDWR)); show(mq_unlink(path)); show(syscall(SYS_mq_unlink, "")); show(syscall(SYS_mq_unlink, "a/b")); show(syscall(SYS_mq_unlink, ".")); show(syscall(SYS_mq_unlink, 1));
  attr = (struct mq_attr){0, 0, 100}; show(mqo(name, O_RDWR | O_CREAT, 0600, &attr));
  attr = (struct mq_attr){0, 10, 0}; show(mqo(name, O_RDWR | O_CREAT, 0600, &attr));
  attr = (struct mq_attr){0, -1, 10}; show(mqo(name, O_RDWR | O_CREAT, 0600, &attr));
  attr = (struct mq_attr){0, 70000, 10}; show(mqo(name, O_RDWR | O_CREAT, 0600, &attr));
  attr = (struct mq_attr){0, 10, 20000000}; show(mqo(name, O_RDWR | O_CREAT, 0600, &attr));
  struct rlimit rl = {2000, 2000}, was;
  getrlimit(RLIMIT_MSGQUEUE, &was);
  rl.rlim_max = was.rlim_max; setrlimit(RLIMIT_MSGQUEUE, &rl);
  attr = (struct mq_attr){0, 10, 200}; show(mqo(name, O_RDWR | O_CREAT, 0600, &attr));
  setrlimit(RLIMIT_MSGQUEUE, &was);
  umask(022);
  attr = (struct mq_attr){O_NONBLOCK, 3, 16};
  int q = mqo(name, O_RDWR | O_CREAT, 0666, &attr);
  show(q);
  state(q, "fresh");
  show(mqo(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); show(mqo(name, O_RDWR | O_WRONLY, 0, 0));
  value(fcntl(q, F_GETFD)); value(fcntl(q, F_GETFL) & ~O_LARGEFILE);
  int in = mqo(name, O_RDONLY | O_NONBLOCK, 0, 0), out = mqo(name, O_WRONLY | O_NONBLOCK, 0, 0);
  show(write(q, "x", 1)); show(write(in, "x", 1)); value(lseek(q, 5, SEEK_SET)); show(ftruncate(q, 0)); show(pread(q, buffer, 0, 0));
  /* sending */
  show(mq_send(99, "x", 1, 0)); show(mq_send(1, "x", 1, 0)); show(mq_send(in, "x", 1, 0)); show(mq_send(out, "x", 17, 0)); show(mq_send(99, "x", 17, 32768)); show(mq_send(out, "x", 1, 32768)); show(mq_send(out, (void *)1, 1, 0)); show(mq_send(out, (void *)1, 17, 0));
  show(mq_send(out, "low", 3, 1)); show(mq_send(out, "high", 4, 32767)); show(mq_send(out, "", 0, 1)); show(mq_send(out, "more", 4, 1)); show(mq_send(out, "more", 40, 1));
  state(q, "full");
  show(mq_receive(out, buffer, 16, 0)); show(mq_receive(in, buffer, 15, 0)); show(mq_receive(99, buffer, 15, 0)); show(mq_receive(0, buffer, 15, 0));
  receive(in, 16); receive(in, 9000); receive(in, 16); receive(in, 16);
  mq_send(out, "lost", 4, 0); show(mq_receive(in, (void *)1, 16, 0)); receive(in, 16);
  mq_send(out, "lost", 4, 0); show(mq_receive(in, buffer, 16, (void *)1)); receive(in, 16);
  /* time */
  struct timespec bad = {0, 1000000000}, minus = {-1, 0}, past = {1, 0}, soon;
  value(syscall(SYS_mq_timedreceive, 99, buffer, 16, 0, &bad)); value(syscall(SYS_mq_timedreceive, q, buffer, 16, 0, &minus)); value(syscall(SYS_mq_timedreceive, q, buffer, 16, 0, 1)); value(syscall(SYS_mq_timedreceive, q, buffer, 16, 0, &past)); value(syscall(SYS_mq_timedreceive, in, buffer, 16, 0, &past));
  clock_gettime(CLOCK_REALTIME, &soon); soon.tv_sec++;
  value(syscall(SYS_mq_timedreceive, q, buffer, 16, 0, &soon));
  for (int i = 0; i < 3; i++) mq_send(q, "123", 3, i);
  value(syscall(SYS_mq_timedsend, q, buffer, 1, 0, &past)); value(syscall(SYS_mq_timedsend, out, buffer, 1, 0, &past)); value(syscall(SYS_mq_timedsend, 99, buffer, 1, 0, &bad)); value(syscall(SYS_mq_timedsend, q, buffer, 99, 0, &bad));
  /* attributes */
  attr.mq_flags = 1; value(syscall(SYS_mq_getsetattr, 99, &attr, 0)); attr.mq_flags = O_NONBLOCK; value(syscall(SYS_mq_getsetattr, 99, &attr, 0)); value(syscall(SYS_mq_getsetattr, 0, 0, &attr)); value(syscall(SYS_mq_getsetattr, q, 1, 0)); value(syscall(SYS_mq_getsetattr, q, 0, 1));
  value(syscall(SYS_mq_getsetattr, q, &attr, 0)); state(q, "no waiting"); value(mq_send(q, "x", 1, 0)); attr.mq_flags = 0; value(syscall(SYS_mq_getsetattr, q, &attr, 1)); value(fcntl(q, F_GETFL) & O_NONBLOCK);
  /* a sender waits for room, a receiver for a message */
  if (fork() == 0) { mq_send(q, "waited", 6, 9); _exit(0); }
  usleep(20000);
  state(q, "one waits");
  receive(q, 16); reap(); receive(q, 16); receive(q, 16); receive(q, 16);
  int status;
  if (fork() == 0) { receive(q, 16); _exit(0); }
  usleep(20000);
  mq_send(q, "handed over", 11, 5); reap(); state(q, "empty");
  /* notification */
  struct sigaction sa = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &sa, NULL);
  struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
  show(mq_notify(99, &ev)); show(mq_notify(0, &ev)); show(syscall(SYS_mq_notify, q, 1));
  ev.sigev_signo = 65; show(mq_notify(q, &ev)); ev.sigev_signo = SIGUSR1;
  ev.sigev_notify = 9; show(mq_notify(q, &ev)); show(mq_notify(99, &ev)); ev.sigev_notify = SIGEV_SIGNAL;
  show(mq_notify(q, NULL)); show(mq_notify(q, &ev)); show(mq_notify(q, &ev)); state(q, "registered");
  if (fork() == 0) { show(mq_notify(q, &ev)); show(mq_notify(q, NULL)); show(mq_notify(q, &ev)); _exit(0); }
  reap();
  mq_send(q, "a", 1, 0); printf("%d signals, code %d, value %d, %d\n", signals, code, val, fromme); mq_send(q, "b", 1, 0); printf("%d signals\n", signals); state(q, "told");
  show(mq_notify(q, &ev)); mq_send(q, "c", 1, 0); printf("%d signals\n", signals); receive(q, 16); receive(q, 16); receive(q, 16);
  if (fork() == 0) { mq_send(q, "d", 1, 0); _exit(0); }
  reap(); printf("%d signals, code %d, value %d, %d\n", signals, code, val, fromme); receive(q, 16);
  ev.sigev_notify = SIGEV_NONE; show(mq_notify(q, &ev)); state(q, "none"); mq_send(q, "e", 1, 0); state(q, "none told"); receive(q, 16);
  ev.sigev_notify = SIGEV_SIGNAL; show(mq_notify(q, &ev)); close(dup(in)); state(q, "closed a descriptor");
  /* a signal interrupts; epoll */
  sa.sa_handler = on_signal; sa.sa_flags = 0; sigaction(SIGALRM, &sa, NULL);
  alarm(1); receive(q, 16);
  int ep = epoll_create1(0);
  struct epoll_event ee = {EPOLLIN | EPOLLOUT | EPOLLET};
  show(epoll_ctl(ep, EPOLL_CTL_ADD, q, &ee));
  value(epoll_wait(ep, &ee, 1, 0)); printf("%x\n", ee.events); value(epoll_wait(ep, &ee, 1, 0)); mq_send(q, "f", 1, 0); value(epoll_wait(ep, &ee, 1, 0)); printf("%x\n", ee.events);
  /* permissions, removal */
  if (fork() == 0) {
    setgid(1234); setuid(1234);
    show(mqo(name, O_RDWR, 0, 0)); show(mqo(name, O_WRONLY, 0, 0)); show(mqo(name, O_RDONLY, 0, 0)); show(mq_unlink(path));
    attr = (struct mq_attr){0, 11, 16}; show(mqo("folio-other", O_RDWR | O_CREAT, 0600, &attr)); attr = (struct mq_attr){0, 10, 8193}; show(mqo("folio-other", O_RDWR | O_CREAT, 0600, &attr));
    _exit(0);
  }
  reap();
  char link[100], proc[100];
  sprintf(proc, "/proc/self/fd/%d", q);
  int n = readlink(proc, link, sizeof link); printf("%d\n", n == strlen(path) && memcmp(link, path, n) == 0);
  show(mq_unlink(path)); show(mq_unlink(path)); show(mqo(name, O_RDWR, 0, 0)); receive(q, 16);
  n = readlink(proc, link, sizeof link); printf("%.*s\n", n - (int)strlen(path), link + strlen(path));
  q = mqo(name, O_RDWR | O_CREAT, 0600, NULL); state(q, "default"); mq_unlink(path);
  return 0;
}
