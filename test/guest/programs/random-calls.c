/*
 * Random system calls: random-calls SEED COUNT. Makes calls with valid and bad arguments in the working directory, which is
 * empty at the start, and prints arguments, results and what the calls stored. Nothing that is printed depends on addresses,
 * inode numbers or times, and no call blocks.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static uint64_t state;
static unsigned rnd(unsigned n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return n ? (unsigned)(state >> 20) % n : 0;
}
#define PICK(...) ({ const long v_[] = {__VA_ARGS__}; v_[rnd(sizeof v_ / sizeof *v_)]; })

static int step;
static char buf[70000], data[70000];
static volatile int handled;

static void say(const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  vprintf(format, ap);
  va_end(ap);
}
/* The result of the call that was just named. */
static long res(long r) {
  if (r < 0) say(" = -1 %s", strerrorname_np(errno));
  else say(" = %ld", r);
  return r;
}
static unsigned sum(const void *p, size_t n) {
  const unsigned char *b = p;
  unsigned s = 1;
  for (size_t i = 0; i < n; i++) s = s * 31 + b[i];
  return s;
}

static const char *names[] = {"a", "b", "c", "d1", "d2", "d1/a", "d1/b", "d2/a", "d1/d3", "d1/d3/x", "l1", "l2", "d1/l3", "f1",
  "./a", "d1/../b", "nope/x", "a/x", "", "d1/", "d2/.", "..", ".", "/", "l1/a", "a/", "d1//b", "sock", "sock2",
  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
static const char *name(void) {
  unsigned n = sizeof names / sizeof *names;
  return rnd(4) ? names[rnd(14)] : names[rnd(n)];
}
static const char *shown(const char *n) { return strlen(n) > 50 ? "LONG" : n; }
static int fd(void) {
  if (rnd(40) == 0) return (int)PICK(-1, 999, -100, 0x7fffffff);
  return 3 + rnd(20);
}
static int dfd(void) { return rnd(3) ? AT_FDCWD : fd(); }
static long off(void) { return PICK(0, 1, 100, 4095, 4096, 4097, 8192, 10000, 65536, -1, 1 << 20, 12345); }
static size_t len(void) { return PICK(0, 1, 7, 8, 100, 4096, 5000, 9000, 65536); }

static void limit(int f) {
  /* keep descriptors low: the pool is 3 to 22 */
  if (f > 24) close(f);
}
static void nonblock(int f) {
  int fl = fcntl(f, F_GETFL);
  if (fl >= 0) fcntl(f, F_SETFL, fl | O_NONBLOCK);
}
static void show_stat(const struct stat *s) {
  say(" mode=%o nlink=%lu uid=%u gid=%u", s->st_mode, (unsigned long)s->st_nlink, s->st_uid, s->st_gid);
  if (S_ISREG(s->st_mode) || S_ISLNK(s->st_mode)) say(" size=%lld", (long long)s->st_size);
  if (S_ISCHR(s->st_mode) || S_ISBLK(s->st_mode)) say(" rdev=%lx", (unsigned long)s->st_rdev);
}

/* The root, and what lies above the working directory: nobody's to change. */
static struct stat above[64];
static int above_count;
static void remember_above(void) {
  char path[4096] = "..";
  for (;;) {
    struct stat *s = &above[above_count];
    if (above_count == 64 || stat(path, s)) exit(4);
    if (above_count++ > 0 && s->st_ino == s[-1].st_ino && s->st_dev == s[-1].st_dev) return;
    strcat(path, "/..");
  }
}
static int is_above(const struct stat *s) {
  for (int i = 0; i < above_count; i++)
    if (s->st_ino == above[i].st_ino && s->st_dev == above[i].st_dev) return 1;
  return 0;
}
static int fd_above(int f) {
  struct stat s;
  return fstat(f, &s) == 0 && is_above(&s);
}
static int name_above(int at, const char *n) {
  struct stat s;
  return fstatat(at, n, &s, AT_EMPTY_PATH) == 0 && is_above(&s);
}

static void do_open(void) {
  const char *n = name();
  int fl = (int)PICK(O_RDONLY, O_WRONLY, O_RDWR, O_RDWR) | (rnd(2) ? O_CREAT : 0);
  if (!rnd(4)) fl |= O_TRUNC;
  if (!rnd(5)) fl |= O_APPEND;
  if (!rnd(6)) fl |= O_EXCL;
  if (!rnd(8)) fl |= O_DIRECTORY;
  if (!rnd(8)) fl |= O_NOFOLLOW;
  if (!rnd(10)) fl |= O_PATH;
  if (!rnd(8)) fl |= O_CLOEXEC;
  if (!rnd(25)) fl = (fl & ~O_CREAT) | O_TMPFILE;
  if (!rnd(30)) fl |= 3;
  fl |= O_NONBLOCK;
  int m = (int)PICK(0644, 0600, 0777, 0444, 04755, 0);
  int at = dfd();
  say("openat %d %s %x %o", at, shown(n), fl, m);
  int f = (int)res(openat(at, n, fl, m));
  if (fd_above(f)) close(f);
  else limit(f);
}
static void do_close(void) {
  int f = fd();
  say("close %d", f);
  res(close(f));
}
static void do_read(void) {
  int f = fd();
  size_t l = len();
  memset(buf, 0, 16);
  long r;
  switch (rnd(5)) {
    case 0: {
      long o = off();
      say("pread %d %zu %ld", f, l, o);
      r = res(pread(f, buf, l, o));
      break;
    }
    case 1: {
      struct iovec v[3] = {{buf, l / 3}, {buf + l / 3, 0}, {buf + l / 3, l - l / 3}};
      say("readv %d %zu", f, l);
      r = res(readv(f, v, (int)PICK(0, 1, 2, 3, 3, 3)));
      break;
    }
    case 2: {
      struct iovec v[2] = {{buf, l / 2}, {buf + l / 2, l - l / 2}};
      long o = off();
      int fl = (int)PICK(0, 0, RWF_HIPRI, RWF_NOWAIT, 0x1000);
      if (fl == RWF_NOWAIT) fl = 0;
      say("preadv2 %d %zu %ld %x", f, l, o, fl);
      r = res(preadv2(f, v, 2, o, fl));
      break;
    }
    default:
      say("read %d %zu", f, l);
      r = res(read(f, buf, l));
  }
  if (r > 0) {
    struct stat s;
    if (fstat(f, &s) == 0 && (S_ISREG(s.st_mode) || S_ISFIFO(s.st_mode) || S_ISSOCK(s.st_mode))) say(" sum=%x", sum(buf, r));
    else if (r == 8) say(" first=%d", buf[0]);
  }
}
static void do_write(void) {
  int f = fd();
  size_t l = len();
  for (size_t i = 0; i < l && i < sizeof data; i++) data[i] = (char)(step * 7 + i * 3);
  if (l == 8 && rnd(2)) memcpy(data, "\1\0\0\0\0\0\0\0", 8);
  switch (rnd(6)) {
    case 0: {
      long o = off();
      say("pwrite %d %zu %ld", f, l, o);
      res(pwrite(f, data, l, o));
      break;
    }
    case 1: {
      struct iovec v[3] = {{data, l / 3}, {data, 0}, {data + l / 3, l - l / 3}};
      say("writev %d %zu", f, l);
      res(writev(f, v, 3));
      break;
    }
    case 2: {
      struct iovec v[2] = {{data, l / 2}, {data + l / 2, l - l / 2}};
      long o = off();
      int fl = (int)PICK(0, 0, RWF_DSYNC, RWF_SYNC, RWF_APPEND, 0x1000);
      say("pwritev2 %d %zu %ld %x", f, l, o, fl);
      res(pwritev2(f, v, 2, o, fl));
      break;
    }
    case 3:
      /* a kernel of 64 bits looks at pointers of 32 bits only when it uses them */
      if (!rnd(3) && sizeof(long) == 8) {
        say("write bad %d %zu", f, l);
        res(syscall(SYS_write, f, (void *)-4096L, l));
        break;
      } /* fall through */
    default:
      say("write %d %zu", f, l);
      res(write(f, data, l));
  }
}
static void do_seek(void) {
  int f = fd();
  long o = off();
  int w = (int)PICK(0, 1, 2, 3, 4, 5, -1);
  struct stat s;
  /* where a directory ends is the file system's business */
  if (fstat(f, &s) == 0 && S_ISDIR(s.st_mode)) o = 0, w = 0;
  /* which blocks are allocated is so too, but not behind the end */
  if (w == SEEK_DATA || w == SEEK_HOLE) o = PICK(-1, 1L << 30);
  say("lseek %d %ld %d", f, o, w);
  res(lseek(f, o, w));
}
static void do_stat(void) {
  struct stat s;
  int f = fd();
  const char *n = name();
  int at = dfd();
  int r;
  switch (rnd(5)) {
    case 0:
      say("fstat %d", f);
      r = res(fstat(f, &s));
      break;
    case 1:
      say("lstat %s", shown(n));
      r = res(lstat(n, &s));
      break;
    case 2: {
      int fl = (int)PICK(0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_NO_AUTOMOUNT, 0x8000);
      say("fstatat %d %s %x", at, shown(n), fl);
      r = res(fstatat(at, n, &s, fl));
      break;
    }
    case 3: {
      struct statx x;
      memset(&x, 0, sizeof x);
      int fl = (int)PICK(0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_STATX_FORCE_SYNC, AT_STATX_SYNC_TYPE, 0x10);
      unsigned mask = (unsigned)PICK(STATX_BASIC_STATS, STATX_ALL, STATX_SIZE, 0x80000000u, 0);
      say("statx %d %s %x %x", at, shown(n), fl, mask);
      r = res(statx(at, n, fl, mask, &x));
      if (r == 0) say(" mode=%o nlink=%u", x.stx_mode, x.stx_nlink);
      return;
    }
    default:
      say("stat %s", shown(n));
      r = res(stat(n, &s));
  }
  if (r == 0 && strcmp(n, "..") && strcmp(n, "/")) show_stat(&s);
}
static void do_names(void) {
  const char *a = name(), *b = name();
  int at = dfd(), at2 = dfd();
  switch (rnd(14)) {
    case 0:
    case 1: {
      int m = (int)PICK(0755, 0700, 0777, 01777, 02755, 0);
      if (m == 0) m = 0711;
      say("mkdirat %d %s %o", at, shown(a), m);
      res(mkdirat(at, a, m));
      break;
    }
    case 2:
      say("rmdir %s", shown(a));
      res(rmdir(a));
      break;
    case 3: {
      int fl = (int)PICK(0, 0, AT_REMOVEDIR, 0x1);
      say("unlinkat %d %s %x", at, shown(a), fl);
      res(unlinkat(at, a, fl));
      break;
    }
    case 4:
    case 5: {
      unsigned fl = (unsigned)PICK(0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE | RENAME_NOREPLACE, 0x10);
      say("renameat2 %d %s %d %s %x", at, shown(a), at2, shown(b), fl);
      res(renameat2(at, a, at2, b, fl));
      break;
    }
    case 6:
    case 7: {
      int fl = (int)PICK(0, 0, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, 0x2);
      say("linkat %d %s %d %s %x", at, shown(a), at2, shown(b), fl);
      res(linkat(at, a, at2, b, fl));
      break;
    }
    case 8:
      if (strcmp(a, "/") == 0) break;
      say("symlinkat %s %d %s", shown(a), at, shown(b));
      res(symlinkat(a, at, b));
      break;
    case 9: {
      size_t l = (size_t)PICK(0, 1, 3, 100);
      memset(buf, 0, 110);
      say("readlinkat %d %s %zu", at, shown(a), l);
      long r = res(readlinkat(at, a, buf, l));
      if (r > 0) say(" %.*s", (int)r, buf);
      break;
    }
    case 10: {
      mode_t m = (mode_t)PICK(S_IFIFO | 0644, S_IFREG | 0600, S_IFSOCK | 0755, S_IFDIR | 0755, S_IFCHR | 0600, 0xf000, 0644);
      say("mknodat %d %s %o", at, shown(a), m);
      res(mknodat(at, a, m, 0x103));
      break;
    }
    case 11: {
      mode_t m = (mode_t)PICK(0644, 0755, 07777, 0400, 0);
      if (name_above(at, a)) break;
      say("fchmodat %d %s %o", at, shown(a), m);
      res(syscall(SYS_fchmodat, at, a, m));
      break;
    }
    case 12: {
      int mode = (int)PICK(0, R_OK, W_OK, X_OK, R_OK | X_OK, 8);
      int fl = (int)PICK(0, AT_EACCESS, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, 1);
      say("faccessat2 %d %s %x %x", at, shown(a), mode, fl);
      res(syscall(SYS_faccessat2, at, a, mode, fl));
      break;
    }
    default: {
      uid_t u = (uid_t)PICK(0, 1000, -1, 65534), g = (uid_t)PICK(0, 1000, -1);
      int fl = (int)PICK(0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, 1);
      if (name_above(at, a)) break;
      say("fchownat %d %s %d %d %x", at, shown(a), u, g, fl);
      res(fchownat(at, a, u, g, fl));
    }
  }
}
static void do_size(void) {
  int f = fd();
  long o = off(), l = off();
  switch (rnd(4)) {
    case 0:
      say("ftruncate %d %ld", f, o);
      res(ftruncate(f, o));
      break;
    case 1: {
      const char *n = name();
      say("truncate %s %ld", shown(n), o);
      res(truncate(n, o));
      break;
    }
    case 2: {
      int m = (int)PICK(0, 1, 3, 2, 0x10, 0x11, 0x100, 0x1000);
      say("fallocate %d %x %ld %ld", f, m, o, l);
      res(fallocate(f, m, o, l));
      break;
    }
    default: {
      int a = (int)PICK(0, 1, 2, 3, 4, 5, 9);
      say("fadvise %d %ld %ld %d", f, o, l, a);
      int r = posix_fadvise(f, o, l, a);
      say(" = %s", r ? strerrorname_np(r) : "0");
    }
  }
}
static void do_dup(void) {
  int f = fd(), g = 3 + rnd(20);
  switch (rnd(4)) {
    case 0:
      say("dup %d", f);
      limit(res(dup(f)));
      break;
    case 1:
      say("dup2 %d %d", f, g);
      res(dup2(f, g));
      break;
    case 2: {
      int fl = (int)PICK(0, O_CLOEXEC, O_NONBLOCK, 1);
      say("dup3 %d %d %x", f, g, fl);
      res(dup3(f, g, fl));
      break;
    }
    default:
      say("F_DUPFD %d %d", f, g);
      limit(res(fcntl(f, rnd(2) ? F_DUPFD : F_DUPFD_CLOEXEC, rnd(10) ? g : -1)));
  }
}
static void do_fcntl(void) {
  int f = fd();
  switch (rnd(9)) {
    case 0:
      say("F_GETFD %d", f);
      res(fcntl(f, F_GETFD));
      break;
    case 1: {
      int v = (int)PICK(0, 1, 2);
      say("F_SETFD %d %d", f, v);
      res(fcntl(f, F_SETFD, v));
      break;
    }
    case 2:
      say("F_GETFL %d", f);
      res(fcntl(f, F_GETFL));
      break;
    case 3: {
      int v = (int)PICK(0, O_APPEND, O_RDWR, O_NOATIME) | O_NONBLOCK;
      say("F_SETFL %d %x", f, v);
      res(fcntl(f, F_SETFL, v));
      break;
    }
    case 4:
    case 5: {
      struct flock l = {.l_type = (short)PICK(F_RDLCK, F_WRLCK, F_UNLCK, 7), .l_whence = (short)PICK(0, 1, 2, 3), .l_start = off(), .l_len = off()};
      int ofd = rnd(3) == 0, get = rnd(3) == 0;
      int c = get ? (ofd ? F_OFD_GETLK : F_GETLK) : ofd ? F_OFD_SETLK : F_SETLK;
      struct stat s;
      if (fstat(f, &s) == 0 && S_ISDIR(s.st_mode)) l.l_whence = 0;
      say("lock %d cmd=%d type=%d whence=%d %ld %ld", f, c, l.l_type, l.l_whence, (long)l.l_start, (long)l.l_len);
      if (res(fcntl(f, c, &l)) == 0 && get) {
        say(" type=%d", l.l_type);
        if (l.l_type != F_UNLCK) say(" %d %ld %ld own=%d", l.l_whence, (long)l.l_start, (long)l.l_len, l.l_pid == getpid());
      }
      break;
    }
    case 6: {
      int v = (int)PICK(0, 1, 4096, 5000, 65536, 1 << 20, 1 << 21);
      if (geteuid() == 0 && v > (1 << 20)) v = 1 << 20;
      say("F_SETPIPE_SZ %d %d", f, v);
      res(fcntl(f, F_SETPIPE_SZ, v));
      break;
    }
    case 7: {
      int c = (int)PICK(F_GETPIPE_SZ, F_GETOWN, F_GETSIG, F_GET_SEALS, 12345, F_GETLEASE);
      say("fcntl %d %d", f, c);
      res(fcntl(f, c, 0));
      break;
    }
    default: {
      int v = (int)PICK(F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_SEAL, 0x100, 0, F_SEAL_FUTURE_WRITE);
      say("F_ADD_SEALS %d %x", f, v);
      res(fcntl(f, F_ADD_SEALS, v));
    }
  }
}
static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static void do_dirs(void) {
  int f = fd();
  char path[300];
  const char *n = name();
  switch (rnd(4)) {
    case 0: {
      say("getdents %d", f);
      struct stat s;
      if (fstat(f, &s) == 0 && S_ISDIR(s.st_mode)) lseek(f, 0, SEEK_SET);
      long r = syscall(SYS_getdents64, f, buf, (long)PICK(60000, 60000, 10));
      if (r <= 0) {
        res(r);
        break;
      }
      char *list[500];
      int count = 0;
      for (long at = 0; at < r && count < 500;) {
        struct dirent64 *d = (void *)(buf + at);
        list[count++] = d->d_name;
        at += d->d_reclen;
        d->d_name[-1] = d->d_type;
      }
      qsort(list, count, sizeof *list, by_name);
      if (count > 30) count = 0;
      for (int i = 0; i < count; i++) say(" %s:%d", list[i], list[i][-1]);
      break;
    }
    case 1:
      if (strcmp(n, "..") == 0 || strcmp(n, "/") == 0 || rnd(3)) break;
      say("chdir %s", shown(n));
      if (res(chdir(n)) == 0) {
        if (chdir(getenv("RANDOM_HOME"))) exit(9);
      }
      break;
    case 2: {
      say("getcwd %d", 0);
      long r = syscall(SYS_getcwd, path, (long)PICK(300, 300, 1, 0));
      say(" %s", r < 0 ? strerrorname_np(errno) : "ok");
      break;
    }
    default:
      say("umask");
      res(umask((mode_t)PICK(022, 077, 0, 0777 & 027)));
  }
}
static void do_make(void) {
  int p[2] = {-1, -1};
  long r;
  switch (rnd(8)) {
    case 0:
      r = PICK(O_NONBLOCK, O_NONBLOCK | O_CLOEXEC, 0x123);
      say("pipe2 %lx", r);
      r = res(pipe2(p, (int)r));
      break;
    case 1:
      r = PICK(EFD_NONBLOCK, EFD_NONBLOCK | EFD_SEMAPHORE, 0x100);
      say("eventfd %lx", r);
      limit(res(eventfd((unsigned)PICK(0, 1, 5), (int)r)));
      return;
    case 2:
      say("epoll_create1");
      limit(res(epoll_create1((int)PICK(0, EPOLL_CLOEXEC, 7))));
      return;
    case 3:
      say("timerfd");
      limit(res(timerfd_create((int)PICK(CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, 2, 99), TFD_NONBLOCK | (int)PICK(0, TFD_CLOEXEC, 1))));
      return;
    case 4: {
      sigset_t s;
      sigemptyset(&s);
      sigaddset(&s, SIGUSR1);
      sigaddset(&s, SIGRTMIN);
      if (rnd(4) == 0) {
        int f = fd();
        say("signalfd %d", f);
        limit(res(signalfd(f, &s, SFD_NONBLOCK)));
        return;
      }
      say("signalfd");
      limit(res(signalfd(-1, &s, SFD_NONBLOCK | (int)PICK(0, SFD_CLOEXEC, 1))));
      return;
    }
    case 5:
      r = PICK(MFD_CLOEXEC, MFD_ALLOW_SEALING, 0x100, 0);
      say("memfd_create %lx", r);
      limit(res(memfd_create("m", (unsigned)r)));
      return;
    default: {
      int d = (int)PICK(AF_UNIX, AF_UNIX, AF_UNIX, AF_INET, 77);
      int t = (int)PICK(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW, 9, 12) | SOCK_NONBLOCK;
      if (d == AF_INET) t = SOCK_STREAM | SOCK_NONBLOCK;
      int proto = (int)PICK(0, 0, 0, 1, 99);
      say("socketpair %d %x %d", d, t, proto);
      r = res(socketpair(d, t, proto, p));
    }
  }
  if (r == 0) {
    say(" %d %d", p[0], p[1]);
    limit(p[0]);
    limit(p[1]);
  }
}
static void do_poll(void) {
  switch (rnd(5)) {
    case 0: {
      struct pollfd p[4];
      for (int i = 0; i < 4; i++) {
        p[i].fd = fd();
        p[i].events = (short)PICK(POLLIN, POLLOUT, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0, POLLRDNORM | POLLWRNORM | POLLWRBAND | POLLRDBAND);
        p[i].revents = 0x55;
      }
      say("poll %d %d %d %d", p[0].fd, p[1].fd, p[2].fd, p[3].fd);
      res(poll(p, 4, 0));
      for (int i = 0; i < 4; i++) say(" %x:%x", p[i].events, p[i].revents);
      break;
    }
    case 1: {
      fd_set r, w, e;
      FD_ZERO(&r);
      FD_ZERO(&w);
      FD_ZERO(&e);
      for (int i = 0; i < 3; i++) {
        FD_SET(3 + rnd(20), &r);
        FD_SET(3 + rnd(20), &w);
        FD_SET(3 + rnd(20), &e);
      }
      int open_only = rnd(5);
      for (int i = 0; i < 30 && open_only; i++)
        if (fcntl(i, F_GETFD) < 0) FD_CLR(i, &r), FD_CLR(i, &w), FD_CLR(i, &e);
      struct timeval t = {0, 0};
      say("select %x %x %x", *(int *)&r, *(int *)&w, *(int *)&e);
      res(select(rnd(20) ? 25 : -1, &r, &w, &e, &t));
      say(" %x %x %x", *(int *)&r, *(int *)&w, *(int *)&e);
      break;
    }
    case 2:
    case 3: {
      int ep = fd(), f = fd(), op = (int)PICK(EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL, 9);
      struct epoll_event ev = {.events = (uint32_t)PICK(EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT | EPOLLET, EPOLLIN | EPOLLONESHOT, EPOLLIN | EPOLLEXCLUSIVE, 0), .data.u64 = f};
      say("epoll_ctl %d %d %d %x", ep, op, f, ev.events);
      res(epoll_ctl(ep, op, f, &ev));
      break;
    }
    default: {
      struct epoll_event ev[8];
      int ep = fd(), m = (int)PICK(8, 8, 1, 0, -1);
      say("epoll_wait %d %d", ep, m);
      long r = res(epoll_wait(ep, ev, m, 0));
      for (long i = 0; i < r; i++) say(" %d:%x", (int)ev[i].data.u64, ev[i].events);
    }
  }
}
static struct sockaddr_un address(const char *n, socklen_t *l) {
  struct sockaddr_un a = {.sun_family = (sa_family_t)(rnd(15) ? AF_UNIX : 2)};
  strncpy(a.sun_path, n, sizeof a.sun_path - 1);
  if (rnd(4) == 0) {
    snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "folio-random-%07d-%u", getpid(), rnd(2));
    a.sun_path[0] = 0;
    *l = (socklen_t)(2 + 1 + strlen(a.sun_path + 1));
  } else *l = (socklen_t)(rnd(10) ? 2 + strlen(a.sun_path) + 1 : (size_t)PICK(0, 1, 2, 200, 110));
  return a;
}
static void do_socket(void) {
  int f = fd();
  socklen_t l;
  const char *n = rnd(3) ? (rnd(2) ? "sock" : "sock2") : name();
  switch (rnd(16)) {
    case 0: {
      int t = (int)PICK(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET) | SOCK_NONBLOCK;
      say("socket %x", t);
      limit(res(socket(AF_UNIX, t, 0)));
      break;
    }
    case 1:
    case 2: {
      struct sockaddr_un a = address(n, &l);
      say("bind %d %d:%s %d", f, a.sun_family, a.sun_path[0] ? shown(n) : l > 2 ? "@" : "", (int)l);
      long r = bind(f, (void *)&a, l);
      /* an address that is only a family: any free name */
      res(r);
      break;
    }
    case 3:
    case 4: {
      struct sockaddr_un a = address(n, &l);
      say("connect %d %d:%s %d", f, a.sun_family, a.sun_path[0] ? shown(n) : "@", (int)l);
      res(connect(f, (void *)&a, l));
      break;
    }
    case 5: {
      int b = (int)PICK(0, 1, 5);
      say("listen %d %d", f, b);
      res(listen(f, b));
      break;
    }
    case 6:
    case 7: {
      struct sockaddr_un a;
      l = sizeof a;
      int fl = (int)PICK(SOCK_NONBLOCK, SOCK_NONBLOCK | SOCK_CLOEXEC, 1);
      int listens = 0;
      socklen_t size = 4;
      getsockopt(f, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
      say("accept %d %x", f, fl);
      long r = accept4(f, (void *)&a, &l, fl);
      res(r);
      if (r >= 0) say(" l=%d", (int)l), nonblock((int)r), limit((int)r);
      break;
    }
    case 8:
    case 9:
    case 10: {
      size_t size = (size_t)PICK(0, 1, 100, 5000, 65536);
      for (size_t i = 0; i < size; i++) data[i] = (char)(step + i);
      struct iovec v = {data, size};
      struct sockaddr_un a = address(n, &l);
      if (l > sizeof a) l = sizeof a;
      int named = rnd(3) == 0;
      char control[CMSG_SPACE(8)];
      memset(control, 0, sizeof control);
      struct msghdr m = {.msg_name = named ? &a : NULL, .msg_namelen = named ? l : 0, .msg_iov = &v, .msg_iovlen = 1};
      int passed = -2;
      if (rnd(3) == 0) {
        m.msg_control = control;
        m.msg_controllen = CMSG_SPACE(4);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(4);
        passed = fd();
        struct stat s;
        /* no cycles of sockets in flight */
        if (fstat(passed, &s) == 0 && S_ISSOCK(s.st_mode)) passed = 1;
        memcpy(CMSG_DATA(c), &passed, 4);
      }
      int fl = MSG_DONTWAIT | (int)PICK(0, MSG_NOSIGNAL, MSG_OOB, MSG_EOR);
      if (fl & (MSG_OOB | MSG_EOR)) fl = MSG_DONTWAIT;
      say("sendmsg %d %zu name=%s fd=%d %x", f, size, named ? a.sun_path : "-", passed, fl);
      res(sendmsg(f, &m, fl));
      break;
    }
    case 11:
    case 12: {
      size_t size = (size_t)PICK(0, 1, 100, 5000, 65536);
      struct iovec v = {buf, size};
      struct sockaddr_un a;
      memset(&a, 0, sizeof a);
      char control[CMSG_SPACE(8)];
      struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = (size_t)PICK(0, sizeof control, 4)};
      int fl = MSG_DONTWAIT | (int)PICK(0, MSG_PEEK, MSG_TRUNC, MSG_CMSG_CLOEXEC, MSG_WAITALL);
      say("recvmsg %d %zu %x cl=%zu", f, size, fl, (size_t)m.msg_controllen);
      long r = res(recvmsg(f, &m, fl));
      if (r >= 0) {
        say(" sum=%x name=%d flags=%x", sum(buf, (size_t)r < size ? (size_t)r : size), (int)m.msg_namelen, m.msg_flags);
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
          say(" cmsg=%d:%d", c->cmsg_type, (int)c->cmsg_len);
          if (c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(4)) {
            int got;
            memcpy(&got, CMSG_DATA(c), 4);
            say(" fd=%d", got);
            limit(got);
          }
        }
      }
      break;
    }
    case 13: {
      int h = (int)PICK(0, 1, 2, 3, -1);
      say("shutdown %d %d", f, h);
      res(shutdown(f, h));
      break;
    }
    case 14: {
      int o = (int)PICK(SO_TYPE, SO_ERROR, SO_SNDBUF, SO_RCVBUF, SO_ACCEPTCONN, SO_DOMAIN, SO_PROTOCOL, SO_REUSEADDR, SO_PASSCRED, SO_LINGER, 999);
      int value[4] = {0};
      l = (socklen_t)PICK(4, 4, 16, 2, 0);
      say("getsockopt %d %d %d", f, o, (int)l);
      if (res(getsockopt(f, SOL_SOCKET, o, value, &l)) == 0) say(" l=%d %d", (int)l, l >= 4 ? value[0] : 0);
      break;
    }
    default: {
      struct sockaddr_un a;
      memset(&a, 0, sizeof a);
      l = (socklen_t)PICK(sizeof a, 2, 0);
      int peer = rnd(2);
      say("%s %d", peer ? "getpeername" : "getsockname", f);
      if (res(peer ? getpeername(f, (void *)&a, &l) : getsockname(f, (void *)&a, &l)) == 0) say(" l=%d", l);
      int o = (int)PICK(SO_SNDBUF, SO_RCVBUF, SO_REUSEADDR, SO_TYPE, 999), value = (int)PICK(0, 1, 10000, 1 << 20);
      say("; setsockopt %d %d", o, value);
      res(setsockopt(f, SOL_SOCKET, o, &value, (socklen_t)PICK(4, 4, 2)));
    }
  }
}
static void do_timers(void) {
  int f = fd();
  struct itimerspec v = {{(time_t)PICK(0, 1000), 0}, {(time_t)PICK(0, 0, 5000, -1), PICK(0, 0, 1000000000L)}}, o;
  if (rnd(2)) {
    int fl = (int)PICK(0, 0, 0, 4);
    say("timerfd_settime %d %ld %ld %x", f, (long)v.it_value.tv_sec, (long)v.it_value.tv_nsec, fl);
    if (res(timerfd_settime(f, fl, &v, &o)) == 0) say(" armed=%d interval=%ld", o.it_value.tv_sec || o.it_value.tv_nsec, (long)o.it_interval.tv_sec);
  } else {
    say("timerfd_gettime %d", f);
    if (res(timerfd_gettime(f, &o)) == 0) say(" armed=%d interval=%ld", o.it_value.tv_sec || o.it_value.tv_nsec, (long)o.it_interval.tv_sec);
  }
}
static void on_signal(int s) { handled += s; }
static void do_signals(void) {
  sigset_t s, old;
  sigemptyset(&s);
  int sig = (int)PICK(SIGUSR1, SIGUSR2, SIGRTMIN, SIGRTMIN + 1);
  sigaddset(&s, sig);
  int before = handled;
  switch (rnd(6)) {
    case 0: {
      int how = (int)PICK(SIG_BLOCK, SIG_UNBLOCK, 9);
      say("sigprocmask %d %d", how, sig);
      res(sigprocmask(how, &s, &old));
      break;
    }
    case 1:
      say("raise %d", sig);
      res(kill(getpid(), sig));
      break;
    case 2: {
      union sigval v = {.sival_int = step};
      say("sigqueue %d", sig);
      res(sigqueue(getpid(), sig, v));
      break;
    }
    case 3: {
      siginfo_t i;
      struct timespec t = {0, 0};
      say("sigtimedwait %d", sig);
      if (res(sigtimedwait(&s, &i, &t)) > 0) say(" code=%d value=%d own=%d", i.si_code, i.si_code == SI_QUEUE ? i.si_value.sival_int : 0, i.si_pid == getpid());
      break;
    }
    case 4: {
      struct sigaction a = {.sa_handler = rnd(3) ? on_signal : SIG_IGN, .sa_flags = (int)PICK(0, SA_RESTART, SA_NODEFER)}, o;
      int n = (int)PICK(sig, sig, SIGKILL, 99, 0);
      say("sigaction %d", n);
      if (res(sigaction(n, &a, &o)) == 0) say(" flags=%x ign=%d", o.sa_flags & ~0x04000000, o.sa_handler == SIG_IGN);
      break;
    }
    default:
      sigpending(&s);
      say("sigpending %d%d%d%d", sigismember(&s, SIGUSR1), sigismember(&s, SIGUSR2), sigismember(&s, SIGRTMIN), sigismember(&s, SIGRTMIN + 1));
  }
  if (handled != before) say(" handled=%d", handled - before);
}
static int words[16];
static void do_futex(void) {
  int op = (int)PICK(0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 2) | (int)PICK(0, 128, 256, 128);
  int *a = words + rnd(4), *b = words + 4 + rnd(4);
  *a = (int)PICK(0, 1, 0, -1);
  if ((op & 127) >= 6 && (op & 127) <= 8 && rnd(3) == 0) *a = (int)syscall(SYS_gettid);
  struct timespec t = {0, PICK(0, 1000, -1)};
  int val = (int)PICK(0, 1, 2, -1);
  int cmd = op & 127;
  int timed = cmd == 0 || cmd == 9 || cmd == 6 || cmd == 11 || cmd == 13;
  long fourth = timed ? (long)&t : PICK(0, 1, 2);
  void *address = rnd(12) ? (char *)a + (rnd(12) ? 0 : 2) : NULL;
  int own = *a == syscall(SYS_gettid);
  int val3 = (int)PICK(0, 1, -1, 0x01000001, 0x11000001);
  say("futex %x word=%s val=%d %ld val3=%x a=%d", op, own ? "own" : *a == 0 ? "0" : *a == 1 ? "1" : "-1", val, timed ? t.tv_nsec : fourth, val3, address ? (int)((char *)address - (char *)a) : -1);
  if (*a == 1 && (cmd == 6 || cmd == 13 || cmd == 8)) *a = 0x3ffffff;
  *b = (int)PICK(0, 1);
  res(syscall(SYS_futex, address, op, val, fourth, b, val3));
  int now = *a;
  own = (now & 0x3fffffff) == (int)syscall(SYS_gettid);
  say(" word=%x%s b=%x", own ? now & ~0x3fffffff : now, own ? "|own" : "", *b);
}
static void do_map(void) {
  int f = fd();
  size_t l = (size_t)PICK(0, 1, 4096, 8192, 65536);
  int prot = (int)PICK(PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE, PROT_WRITE);
  int fl = (int)PICK(MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE, MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, 0, MAP_SHARED | MAP_PRIVATE);
  long o = PICK(0, 4096, 1, -4096);
  struct stat s;
  int plain = fstat(f, &s) == 0 && S_ISREG(s.st_mode);
  say("mmap %d %zu %x %x %ld", f, l, prot, fl, o);
  char *p = mmap(NULL, l, prot, fl, f, o);
  if (p == MAP_FAILED) {
    say(" = %s", strerrorname_np(errno));
    return;
  }
  say(" = ok");
  long inside = plain ? (s.st_size - o) : (fl & MAP_ANONYMOUS) ? 1L << 20 : 0;
  if (prot & PROT_READ && inside > 0) say(" %x", sum(p, l < (size_t)inside ? l : (size_t)inside));
  if (prot == (PROT_READ | PROT_WRITE) && inside > 0) p[0] ^= 0x55;
  if (rnd(2)) {
    int ms = (int)PICK(MS_SYNC, MS_ASYNC, MS_INVALIDATE, 3 | 4, 8);
    say(" msync %x", ms);
    res(msync(p, l, ms));
  }
  if (rnd(3) == 0) {
    int a = (int)PICK(MADV_NORMAL, MADV_DONTNEED, MADV_WILLNEED, MADV_FREE, 77, MADV_REMOVE);
    if (a == MADV_REMOVE) a = MADV_RANDOM;
    say(" madvise %d", a);
    res(madvise(p, l, a));
  }
  if (rnd(3) == 0) {
    size_t n = (size_t)PICK(0, 4096, 16384);
    say(" mremap %zu", n);
    char *q = mremap(p, l, n, (int)PICK(0, MREMAP_MAYMOVE, 8));
    say(" %s", q == MAP_FAILED ? strerrorname_np(errno) : "ok");
    if (q != MAP_FAILED) p = q, l = n;
  }
  say(" munmap");
  res(munmap(p, l));
}
static void do_sched(void) {
  struct sched_param p = {(int)PICK(0, 0, 1, 99, 100)};
  int policy = (int)PICK(SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_OTHER, 7, -1);
  switch (rnd(10)) {
    case 0:
      say("sched_get_priority_max %d", policy);
      res(sched_get_priority_max(policy));
      break;
    case 1:
      say("sched_getscheduler");
      res(sched_getscheduler((int)PICK(0, -1, 0)));
      break;
    case 2:
      say("sched_setscheduler %d %d", policy, p.sched_priority);
      res(sched_setscheduler(0, policy, &p));
      break;
    case 3:
      say("sched_getparam");
      if (res(sched_getparam(0, &p)) == 0) say(" %d", p.sched_priority);
      break;
    case 4: {
      int which = (int)PICK(0, 1, 2, 3);
      say("getpriority %d", which);
      errno = 0;
      if (which == 0) res(getpriority(which, 0));
      else if (which == 3) res(getpriority(which, 0));
      break;
    }
    case 5: {
      struct rlimit l;
      int r = (int)PICK(RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_STACK, 99);
      say("getrlimit %d", r);
      res(getrlimit(r, &l));
      break;
    }
    case 6: {
      struct rlimit64 l = {(rlim64_t)PICK(100, 50, 200), (rlim64_t)PICK(100, 150)};
      say("prlimit %ld %ld", (long)l.rlim_cur, (long)l.rlim_max);
      res(syscall(SYS_prlimit64, (int)PICK(0, 0, -1), RLIMIT_MEMLOCK, l.rlim_cur > l.rlim_max ? &l : NULL, &l));
      break;
    }
    case 7: {
      struct timespec t;
      say("sched_rr_get_interval");
      res(sched_rr_get_interval((int)PICK(0, -5), &t));
      break;
    }
    case 8:
      say("sched_yield");
      res(sched_yield());
      break;
    default: {
      int c = (int)PICK(CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_TAI, 10, 12, -1);
      struct timespec t;
      say("clock_getres %d", c);
      if (res(clock_getres(c, &t)) == 0) say(" %ld", t.tv_nsec);
    }
  }
}
static void do_move(void) {
  static char constant[65536] = "what vmsplice lends to a pipe must not change";
  int a = fd(), b = fd();
  struct stat from, to;
  /* a pipe borrows the file's pages: what is read later is what is in the file then */
  for (int i = 0; i < 2; i++)
    if (fstat(i ? a : b, &from) == 0 && S_ISREG(from.st_mode) && fstat(i ? b : a, &to) == 0 && S_ISFIFO(to.st_mode)) return;
  size_t l = len();
  off_t o = off();
  switch (rnd(6)) {
    case 0:
      say("sendfile %d %d %zu", a, b, l);
      res(sendfile(a, b, NULL, l));
      break;
    case 1:
      say("sendfile %d %d %ld %zu", a, b, (long)o, l);
      if (res(sendfile(a, b, &o, l)) >= 0) say(" %ld", (long)o);
      break;
    case 2:
      say("copy_file_range %d %d %zu", a, b, l);
      res(copy_file_range(a, NULL, b, NULL, l, (unsigned)PICK(0, 0, 1)));
      break;
    case 3: {
      unsigned fl = SPLICE_F_NONBLOCK | (unsigned)PICK(0, SPLICE_F_MOVE, 0x100);
      say("splice %d %d %zu %x", a, b, l, fl);
      res(splice(a, NULL, b, NULL, l, fl));
      break;
    }
    case 4:
      say("tee %d %d %zu", a, b, l);
      res(tee(a, b, l, SPLICE_F_NONBLOCK));
      break;
    default: {
      struct iovec v = {constant, l};
      say("vmsplice %d %zu", a, l);
      res(vmsplice(a, &v, 1, SPLICE_F_NONBLOCK));
    }
  }
}
static void do_misc(void) {
  int f = fd();
  const char *n = name();
  switch (rnd(7)) {
    case 0: {
      int op = (int)PICK(LOCK_SH, LOCK_EX, LOCK_UN, 16) | LOCK_NB;
      say("flock %d %x", f, op);
      res(flock(f, op));
      break;
    }
    case 1: {
      int v = 77;
      long c = PICK(FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ, 0x1234);
      struct stat s;
      if (c == FIONREAD && fstat(f, &s) == 0 && S_ISDIR(s.st_mode)) break;
      if (c == FIONBIO) v = 1;
      char big[256];
      say("ioctl %d %lx", f, c);
      if (res(ioctl(f, c, c == TCGETS ? (void *)big : (void *)&v)) >= 0 && c == FIONREAD) say(" %d", v);
      break;
    }
    case 2: {
      struct timespec t[2] = {{1000, PICK(0, UTIME_NOW, UTIME_OMIT, 1000000000L)}, {2000, 5}};
      int fl = (int)PICK(0, AT_SYMLINK_NOFOLLOW, 1);
      int at = dfd();
      if (name_above(at, n)) break;
      say("utimensat %d %s %ld %x", at, shown(n), (long)t[0].tv_nsec, fl);
      res(utimensat(at, n, rnd(3) ? t : NULL, fl));
      break;
    }
    case 3:
      say("fsync %d", f);
      res(rnd(2) ? fsync(f) : fdatasync(f));
      break;
    case 4: {
      mode_t m = (mode_t)PICK(0644, 0755, 0600);
      if (fd_above(f)) break;
      say("fchmod %d %o", f, m);
      res(fchmod(f, m));
      break;
    }
    case 5:
      if (fd_above(f)) break;
      say("fchown %d", f);
      res(fchown(f, (uid_t)PICK(0, -1, 5), (gid_t)PICK(0, -1, 6)));
      break;
    default: {
      unsigned a = 3 + rnd(20), b = 3 + rnd(20), fl = (unsigned)PICK(4, 4, 1);
      say("close_range %u %u %x", a, b, fl);
      res(syscall(SYS_close_range, a, b, fl));
    }
  }
}

static void dump(const char *path, int depth) {
  struct stat s;
  if (lstat(path, &s) < 0) return;
  say("%s", path);
  show_stat(&s);
  if (S_ISREG(s.st_mode)) {
    int f = open(path, O_RDONLY);
    unsigned total = 0;
    long r;
    while ((r = read(f, buf, sizeof buf)) > 0) total = total * 7 + sum(buf, r);
    say(" %x", total);
    close(f);
  }
  if (S_ISLNK(s.st_mode)) {
    long r = readlink(path, buf, 300);
    say(" -> %.*s", (int)r, buf);
  }
  say("\n");
  if (!S_ISDIR(s.st_mode) || depth > 5) return;
  struct dirent **list;
  int n = scandir(path, &list, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    char child[1000];
    if (strcmp(list[i]->d_name, ".") == 0 || strcmp(list[i]->d_name, "..") == 0) continue;
    snprintf(child, sizeof child, "%s/%s", path, list[i]->d_name);
    dump(child, depth + 1);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  state = strtoull(argv[1], NULL, 0) * 0x9e3779b97f4a7c15u + 1;
  int count = atoi(argv[2]);
  char home[4096];
  if (!getcwd(home, sizeof home)) return 3;
  setenv("RANDOM_HOME", home, 1);
  remember_above();
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  umask(022);
  signal(SIGPIPE, on_signal);
  signal(SIGUSR1, on_signal);
  signal(SIGUSR2, on_signal);
  signal(SIGRTMIN, on_signal);
  signal(SIGRTMIN + 1, on_signal);
  for (int f = 3; f < 40; f++) close(f);
  static void (*const calls[])(void) = {do_open, do_open, do_open, do_close, do_read, do_read, do_write, do_write, do_seek, do_stat,
    do_stat, do_names, do_names, do_names, do_size, do_dup, do_fcntl, do_fcntl, do_dirs, do_make, do_make, do_poll, do_poll,
    do_socket, do_socket, do_socket, do_timers, do_signals, do_futex, do_map, do_sched, do_move, do_misc};
  for (step = 0; step < count; step++) {
    say("%d ", step);
    calls[rnd(sizeof calls / sizeof *calls)]();
    say("\n");
  }
  for (int f = 3; f < 40; f++) close(f);
  dump(".", 0);
  fflush(stdout);
  return 0;
}
