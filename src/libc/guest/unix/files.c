/* Files: open(2), fcntl(2), lseek(2), mmap(2) and others whose arguments differ between the ABIs or between 32 and 64 bits. */
#include "../syscall.h"

#define MODE_ARGUMENT(flags, mode) \
  mode_t mode = 0; \
  if ((flags) & O_CREAT) { \
    va_list ap; \
    va_start(ap, flags); \
    mode = va_arg(ap, mode_t); \
    va_end(ap); \
  }

int open(const char *path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return (int)SYS(SYS_open, path, flags, mode);
}
ALIAS(__open, open);
int openat(int dir, const char *path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return (int)SYS(SYS_openat, dir, path, flags, mode);
}
int __open_2(const char *path, int flags) { return (int)SYS(SYS_open, path, flags, 0); }
int __openat_2(int dir, const char *path, int flags) { return (int)SYS(SYS_openat, dir, path, flags, 0); }
int creat(const char *path, mode_t mode) { return (int)SYS(SYS_open, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

#ifdef __i386__
int open64(const char *path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return (int)SYS(SYS_open, path, flags | O_LARGEFILE, mode);
}
int openat64(int dir, const char *path, int flags, ...) {
  MODE_ARGUMENT(flags, mode)
  return (int)SYS(SYS_openat, dir, path, flags | O_LARGEFILE, mode);
}
int __open64_2(const char *path, int flags) { return (int)SYS(SYS_open, path, flags | O_LARGEFILE, 0); }
int creat64(const char *path, mode_t mode) { return (int)SYS(SYS_open, path, O_WRONLY | O_CREAT | O_TRUNC | O_LARGEFILE, mode); }

off64_t lseek64(int fd, off64_t offset, int whence) {
  off64_t result = 0;
  return SYS(SYS_lseek, fd, (long)(offset >> 32), (long)offset, &result, whence) < 0 ? -1 : result;
}
off_t lseek(int fd, off_t offset, int whence) {
  off64_t result = lseek64(fd, offset, whence);
  if (result != (off_t)result) {
    errno = EOVERFLOW;
    return -1;
  }
  return (off_t)result;
}
ssize_t pread64(int fd, void *to, size_t n, off64_t at) { return SYS(SYS_pread64, fd, to, n, (long)at, (long)(at >> 32)); }
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) { return SYS(SYS_pwrite64, fd, from, n, (long)at, (long)(at >> 32)); }
ssize_t pread(int fd, void *to, size_t n, off_t at) { return pread64(fd, to, n, at); }
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) { return pwrite64(fd, from, n, at); }
int truncate64(const char *path, off64_t n) { return (int)SYS(SYS_truncate, path, (long)n, (long)(n >> 32)); }
int ftruncate64(int fd, off64_t n) { return (int)SYS(SYS_ftruncate, fd, (long)n, (long)(n >> 32)); }
int truncate(const char *path, off_t n) { return truncate64(path, n); }
int ftruncate(int fd, off_t n) { return ftruncate64(fd, n); }

void *mmap64(void *at, size_t length, int prot, int flags, int fd, off64_t offset) {
  if (offset & 4095) {
    errno = EINVAL;
    return MAP_FAILED;
  }
  return (void *)SYS(SYS_mmap, at, length, prot, flags, fd, (long)(offset >> 12));
}
void *mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset) {
  return mmap64(at, length, prot, flags, fd, (off64_t)(unsigned long)offset);
}
#else
ALIAS(open64, open);
ALIAS(openat64, openat);
ALIAS(__open64_2, __open_2);
ALIAS(creat64, creat);
off_t lseek(int fd, off_t offset, int whence) { return SYS(SYS_lseek, fd, offset, whence); }
off64_t lseek64(int fd, off64_t offset, int whence) { return lseek(fd, (off_t)offset, whence); }
ssize_t pread(int fd, void *to, size_t n, off_t at) { return SYS(SYS_pread64, fd, to, n, at); }
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) { return SYS(SYS_pwrite64, fd, from, n, at); }
ALIAS(pread64, pread);
ALIAS(pwrite64, pwrite);
int truncate(const char *path, off_t n) { return (int)SYS(SYS_truncate, path, n); }
int ftruncate(int fd, off_t n) { return (int)SYS(SYS_ftruncate, fd, n); }
ALIAS(truncate64, truncate);
ALIAS(ftruncate64, ftruncate);
void *mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset) {
  return (void *)SYS(SYS_mmap, at, length, prot, flags, fd, offset);
}
ALIAS(mmap64, mmap);
#endif
ALIAS(__open64, open64);
ALIAS(__lseek, lseek);
ALIAS(__pread64, pread64);
ALIAS(__pwrite64, pwrite64);

int fcntl(int fd, int command, ...) {
  va_list ap;
  va_start(ap, command);
  void *argument = va_arg(ap, void *);
  va_end(ap);
  return (int)SYS(SYS_fcntl, fd, command, argument);
}
ALIAS(__fcntl, fcntl);

enum { TCGETS = 0x5401, TCSETS, TCSETSW, TCSETSF, TIOCGPGRP = 0x540f, TIOCSPGRP = 0x5410 };
struct kernel_termios { unsigned iflag, oflag, cflag, lflag; unsigned char line, cc[19]; };
struct termios { unsigned c_iflag, c_oflag, c_cflag, c_lflag; unsigned char c_line, c_cc[32]; unsigned c_ispeed, c_ospeed; };

int tcgetattr(int fd, struct termios *t) {
  struct kernel_termios k;
  if (SYS(SYS_ioctl, fd, TCGETS, &k) < 0) return -1;
  *t = (struct termios){ k.iflag, k.oflag, k.cflag, k.lflag, k.line, { 0 }, k.cflag & 0x100f, k.cflag & 0x100f };
  memcpy(t->c_cc, k.cc, sizeof k.cc);
  return 0;
}
int tcsetattr(int fd, int when, const struct termios *t) {
  struct kernel_termios k = { t->c_iflag, t->c_oflag, t->c_cflag, t->c_lflag, t->c_line, { 0 } };
  memcpy(k.cc, t->c_cc, sizeof k.cc);
  return (int)SYS(SYS_ioctl, fd, TCSETS + when, &k);
}
int isatty(int fd) {
  struct kernel_termios k;
  return SYS(SYS_ioctl, fd, TCGETS, &k) == 0;
}
pid_t tcgetpgrp(int fd) {
  pid_t group;
  return SYS(SYS_ioctl, fd, TIOCGPGRP, &group) < 0 ? -1 : group;
}
int tcsetpgrp(int fd, pid_t group) { return (int)SYS(SYS_ioctl, fd, TIOCSPGRP, &group); }

/* getcwd(3): with no buffer one is allocated, of the given size or as large as needed. */
char *getcwd(char *buffer, size_t size) {
  if (buffer && size == 0) {
    errno = EINVAL;
    return NULL;
  }
  size_t room = size ? size : 4096;
  char *path = buffer ? buffer : malloc(room);
  if (!path) return NULL;
  long n = SYS(SYS_getcwd, path, room);
  if (n < 0) {
    if (!buffer) free(path);
    return NULL;
  }
  return !buffer && size == 0 ? realloc(path, (size_t)n) : path;
}
char *get_current_dir_name(void) { return getcwd(NULL, 0); }
