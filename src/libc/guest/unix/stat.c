/* stat(2). Before glibc 2.33 programs call __xstat and its like with a version number (_STAT_VER). */
#include "../syscall.h"

enum { AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100 };

#ifdef __i386__
/* The kernel's stat64 into struct stat, which has 32 bits for inode, size and blocks. */
static int narrow(long result, const struct stat64 *from, struct stat *to) {
  if (sys_result(result) < 0) return -1;
  *to = (struct stat){
    .st_dev = from->st_dev, .st_ino = (unsigned long)from->st_ino, .st_mode = from->st_mode, .st_nlink = from->st_nlink,
    .st_uid = from->st_uid, .st_gid = from->st_gid, .st_rdev = from->st_rdev, .st_size = (long)from->st_size,
    .st_blksize = from->st_blksize, .st_blocks = (long)from->st_blocks, .st_atim = from->st_atim, .st_mtim = from->st_mtim,
    .st_ctim = from->st_ctim,
  };
  if (to->st_ino == from->st_ino && to->st_size == from->st_size && to->st_blocks == from->st_blocks) return 0;
  errno = EOVERFLOW;
  return -1;
}
int stat(const char *path, struct stat *st) {
  struct stat64 wide;
  return narrow(RAW(SYS_stat, path, &wide), &wide, st);
}
int lstat(const char *path, struct stat *st) {
  struct stat64 wide;
  return narrow(RAW(SYS_lstat, path, &wide), &wide, st);
}
int fstat(int fd, struct stat *st) {
  struct stat64 wide;
  return narrow(RAW(SYS_fstat, fd, &wide), &wide, st);
}
int fstatat(int dir, const char *path, struct stat *st, int flags) {
  struct stat64 wide;
  return narrow(RAW(SYS_newfstatat, dir, path, &wide, flags), &wide, st);
}
int stat64(const char *path, struct stat64 *st) { return (int)SYS(SYS_stat, path, st); }
int lstat64(const char *path, struct stat64 *st) { return (int)SYS(SYS_lstat, path, st); }
int fstat64(int fd, struct stat64 *st) { return (int)SYS(SYS_fstat, fd, st); }
int fstatat64(int dir, const char *path, struct stat64 *st, int flags) { return (int)SYS(SYS_newfstatat, dir, path, st, flags); }
#else
#undef stat64
int stat(const char *path, struct stat *st) { return (int)SYS(SYS_stat, path, st); }
int lstat(const char *path, struct stat *st) { return (int)SYS(SYS_lstat, path, st); }
int fstat(int fd, struct stat *st) { return (int)SYS(SYS_fstat, fd, st); }
int fstatat(int dir, const char *path, struct stat *st, int flags) { return (int)SYS(SYS_newfstatat, dir, path, st, flags); }
ALIAS(stat64, stat);
ALIAS(lstat64, lstat);
ALIAS(fstat64, fstat);
ALIAS(fstatat64, fstatat);
#define stat64 stat
#endif

/* _STAT_VER and _MKNOD_VER; the structures of older programs still are not offered. */
#ifdef __i386__
enum { STAT_VERSION = 3, STAT_KERNEL = 3, MKNOD_VERSION = 1 };
#else
enum { STAT_VERSION = 1, STAT_KERNEL = 0, MKNOD_VERSION = 0 };
#endif
static int known(int version) {
  if (version == STAT_VERSION || version == STAT_KERNEL) return 1;
  errno = EINVAL;
  return 0;
}
int __xstat(int version, const char *path, struct stat *st) { return known(version) ? stat(path, st) : -1; }
int __lxstat(int version, const char *path, struct stat *st) { return known(version) ? lstat(path, st) : -1; }
int __fxstat(int version, int fd, struct stat *st) { return known(version) ? fstat(fd, st) : -1; }
int __fxstatat(int version, int dir, const char *path, struct stat *st, int flags) { return known(version) ? fstatat(dir, path, st, flags) : -1; }
#ifdef __i386__
int __xstat64(int version, const char *path, struct stat64 *st) { return known(version) ? stat64(path, st) : -1; }
int __lxstat64(int version, const char *path, struct stat64 *st) { return known(version) ? lstat64(path, st) : -1; }
int __fxstat64(int version, int fd, struct stat64 *st) { return known(version) ? fstat64(fd, st) : -1; }
int __fxstatat64(int version, int dir, const char *path, struct stat64 *st, int flags) { return known(version) ? fstatat64(dir, path, st, flags) : -1; }
#else
ALIAS(__xstat64, __xstat);
ALIAS(__lxstat64, __lxstat);
ALIAS(__fxstat64, __fxstat);
ALIAS(__fxstatat64, __fxstatat);
#endif

int mknod(const char *path, mode_t mode, unsigned long long dev) { return (int)SYS(SYS_mknod, path, mode, (unsigned)dev); }
int __xmknod(int version, const char *path, mode_t mode, unsigned long long *dev) {
  if (version == MKNOD_VERSION) return mknod(path, mode, *dev);
  errno = EINVAL;
  return -1;
}
int mkfifo(const char *path, mode_t mode) { return mknod(path, mode | 0010000, 0); }

unsigned gnu_dev_major(unsigned long long dev) { return (unsigned)(dev >> 8 & 0xfff) | (unsigned)(dev >> 32 & ~0xfffULL); }
unsigned gnu_dev_minor(unsigned long long dev) { return (unsigned)(dev & 0xff) | (unsigned)(dev >> 12 & ~0xffULL); }
unsigned long long gnu_dev_makedev(unsigned major, unsigned minor) {
  return (minor & 0xff) | (major & 0xfffULL) << 8 | (minor & ~0xffULL) << 12 | (major & ~0xfffULL) << 32;
}
