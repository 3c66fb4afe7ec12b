/* Calls on names and descriptors with unusual arguments: which error, and which first. */
#include "results.h"
int main(void) {
  start();
  char longname[300], longpath[5000], buf[5000];
  memset(longname, 'a', 299); longname[299] = 0; memset(longpath, 'a', 4999); longpath[4999] = 0; for (int i = 100; i < 4999; i += 100) longpath[i] = '/';
  umask(022);
  mkdir("dir", 0755); close(creat("file", 0644)); symlink("loop", "loop"); symlink("file", "link"); symlink("dir", "dlink"); symlink("nothing", "dang"); mkfifo("fifo", 0600);
  int f = open("file", O_RDWR), d = open("dir", O_RDONLY);
#define EACH(c) c("nofile"); c(""); c("file/x"); c(longname); c(longpath); c("loop"); c("loop/x"); c("dang"); c((char *)BAD); c("dir"); c("file"); c("link"); c("dlink"); c("fifo")
#define C(p) show(access(p, F_OK)); show(access(p, 8)); show(access(p, X_OK))
  EACH(C);
#undef C
#define C(p) show(chdir(p)); if (access("../dir", F_OK) == 0) chdir("..")
  EACH(C);
#undef C
#define C(p) show(readlink(p, buf, 100)); show(readlink(p, buf, 0)); show(readlink(p, buf, -1)); value(readlink(p, buf, 2))
  EACH(C);
#undef C
#define C(p) show(truncate(p, 5)); show(truncate(p, -1))
  C("nofile"); C(""); C("file/x"); C("loop"); C("dir"); C("file"); C("dlink");
#undef C
#define C(p) show(mkdir(p, 0700)); show(mknod(p, 0600, 0)); show(symlink("x", p)); show(link("file", p)); show(link(p, "nodir/x")); show(rename(p, "nodir/x"))
  C(""); C("file/x"); C(longname); C("loop"); C("loop/x"); C("dang"); C((char *)BAD); C("dir"); C("file"); C("nodir/x"); C("dir/."); C("dir/.."); C("."); C("..");  C("/"); C("new1/"); C("file/");
#undef C
#define C(p) show(rmdir(p)); show(unlink(p))
  C("nofile"); C(""); C("file/x"); C(longname); C("loop/x"); C((char *)BAD); C("."); C(".."); C("/"); C("dir/."); C("dir/.."); C("dlink"); C("dlink/"); C("link/"); C("file/");
#undef C
#define C(p) show(open(p, O_RDONLY | O_NONBLOCK)); show(open(p, O_WRONLY | O_NONBLOCK)); show(open(p, O_RDWR | O_CREAT | O_EXCL, 0600)); show(open(p, O_DIRECTORY)); show(open(p, O_NOFOLLOW | O_NONBLOCK)); show(open(p, O_PATH | O_NOFOLLOW)); show(open(p, O_CREAT | O_DIRECTORY, 0600)); show(open(p, O_TMPFILE | O_RDWR, 0600)); show(open(p, O_TMPFILE | O_RDONLY, 0600)); show(open(p, O_CREAT | O_WRONLY | O_NONBLOCK, 0600))
  EACH(C); C("new/"); C("dir/"); C("file/"); C("."); C("/");
#undef C
  /* at-calls with bad descriptors */
#define C(fd) show(openat(fd, "file", O_RDONLY)); show(openat(fd, "/", O_RDONLY)); show(openat(fd, "", O_RDONLY)); show(mkdirat(fd, "q", 0700)); show(unlinkat(fd, "q", AT_REMOVEDIR)); show(unlinkat(fd, "q", 1)); show(readlinkat(fd, "", buf, 10)); show(fchmodat(fd, "nofile", 0600, 0)); show(fchownat(fd, "", 0, 0, AT_EMPTY_PATH)); show(fchownat(fd, "file", 0, 0, 0x8000)); show(linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH)); show(linkat(fd, "file", AT_FDCWD, "linked2", 1)); show(symlinkat("x", fd, "sq")); show(renameat(fd, "sq", fd, "sq2")); show(utimensat(fd, "nofile", NULL, 0)); show(faccessat(fd, "", F_OK, AT_EMPTY_PATH)); show(fstatat(fd, "", (void *)buf, AT_EMPTY_PATH)); show(fstatat(fd, "file", (void *)buf, 1)); show(mkfifoat(fd, "ff", 0600))
  C(99); C(f); C(d); C(-1); C(AT_FDCWD); C(0);
#undef C
  show(fchdir(99)); show(fchdir(f)); show(fchdir(open("fifo", O_PATH))); show(chroot("nofile")); show(chroot("file")); show(getcwd(buf, 1)); show(syscall(SYS_getcwd, buf, 0)); show(syscall(SYS_getcwd, BAD, 100));
  show(fchmod(99, 0)); show(fchmod(open("file", O_PATH), 0600)); show(fchown(99, 0, 0)); show(ftruncate(99, 0)); show(ftruncate(d, 0)); show(ftruncate(open("file", O_RDONLY), 0)); show(ftruncate(f, -1)); show(fsync(99)); show(fdatasync(open("fifo", O_RDWR))); show(flock(99, LOCK_SH)); show(flock(f, 0)); show(flock(f, 16)); show(flock(f, LOCK_EX | LOCK_NB)); show(lseek(f, 0, 9)); show(lseek(f, -1, SEEK_SET)); show(lseek(f, LONG_MIN, SEEK_END)); show(lseek(99, 0, 0));
  show(dup(99)); show(dup2(99, 5)); show(dup2(f, -1)); show(dup2(f, 1 << 20)); show(dup3(f, f, 0)); show(dup3(f, 50, 1)); show(dup3(99, 99, 0)); value(dup2(99, 99)); value(dup2(f, f) == f);
  show(close(99)); show(close(-1)); show(syscall(SYS_close_range, 5, 4, 0)); show(syscall(SYS_close_range, 100, 200, 8)); show(syscall(SYS_close_range, 100, 200, 0));
  return 0;
}
