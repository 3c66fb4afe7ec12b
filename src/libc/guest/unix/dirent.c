/* Directories: opendir(3), readdir(3), scandir(3). The buffer is 32 KiB in the DIR's own allocation, as in glibc. */
#include "../syscall.h"

struct dirent64 { uint64_t d_ino; int64_t d_off; unsigned short d_reclen; unsigned char d_type; char d_name[256]; };
#ifdef __i386__
struct dirent { unsigned long d_ino; long d_off; unsigned short d_reclen; unsigned char d_type; char d_name[256]; };
#else
#define dirent dirent64
#endif
typedef struct {
  int fd, lock;
  size_t allocation, size, offset;
  off_t position;
#ifdef __i386__
  struct dirent entry;
#endif
  char data[] __attribute__((aligned(16)));
} DIR;
enum { BUFFER = 32768 };

static DIR *new_dir(int fd) {
  DIR *d = malloc(sizeof(long) == 8 ? 32816 : 32800 + (sizeof *d > 32 ? sizeof *d - 32 : 0));
  if (!d) return NULL;
  memset(d, 0, sizeof *d);
  d->fd = fd;
  d->allocation = BUFFER;
  return d;
}

DIR *opendir(const char *path) {
  if (!*path) {
    errno = ENOENT;
    return NULL;
  }
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC | O_LARGEFILE);
  if (fd < 0) return NULL;
  DIR *d = new_dir(fd);
  if (!d) close(fd);
  return d;
}
DIR *fdopendir(int fd) {
  struct stat64 st;
  if (SYS(SYS_fstat, fd, &st) < 0) return NULL;
  if ((st.st_mode & S_IFMT) != S_IFDIR) {
    errno = ENOTDIR;
    return NULL;
  }
  return new_dir(fd);
}
int closedir(DIR *d) {
  if (!d) {
    errno = EINVAL;
    return -1;
  }
  int fd = d->fd;
  free(d);
  return close(fd);
}
int dirfd(DIR *d) { return d->fd; }

struct dirent64 *readdir64(DIR *d) {
  if (d->offset >= d->size) {
    long n = RAW(SYS_getdents64, d->fd, d->data, d->allocation);
    if (n <= 0) {
      if (n < 0 && n != -ENOENT) errno = -(int)n;
      return NULL;
    }
    d->size = (size_t)n;
    d->offset = 0;
  }
  struct dirent64 *e = (struct dirent64 *)(d->data + d->offset);
  d->offset += e->d_reclen;
  d->position = (off_t)e->d_off;
  return e;
}
#ifdef __i386__
struct dirent *readdir(DIR *d) {
  struct dirent64 *e = readdir64(d);
  if (!e) return NULL;
  struct dirent *to = &d->entry;
  to->d_ino = (unsigned long)e->d_ino;
  to->d_off = (long)e->d_off;
  to->d_type = e->d_type;
  size_t n = strlen(e->d_name);
  to->d_reclen = (unsigned short)((offsetof(struct dirent, d_name) + n + 4) & ~3u);
  memcpy(to->d_name, e->d_name, n + 1);
  return to;
}
#else
#undef dirent
ALIAS(readdir, readdir64);
#define dirent dirent64
#endif

int readdir64_r(DIR *d, struct dirent64 *to, struct dirent64 **result) {
  int saved = errno;
  errno = 0;
  struct dirent64 *e = readdir64(d);
  int number = errno;
  errno = saved;
  *result = e ? memcpy(to, e, e->d_reclen) : NULL;
  return e ? 0 : number;
}
#ifdef __i386__
int readdir_r(DIR *d, struct dirent *to, struct dirent **result) {
  int saved = errno;
  errno = 0;
  struct dirent *e = readdir(d);
  int number = errno;
  errno = saved;
  *result = e ? memcpy(to, e, e->d_reclen) : NULL;
  return e ? 0 : number;
}
#else
ALIAS(readdir_r, readdir64_r);
#endif

long telldir(DIR *d) { return d->position; }
void seekdir(DIR *d, long position) {
  lseek64(d->fd, position, SEEK_SET);
  d->size = d->offset = 0;
  d->position = position;
}
void rewinddir(DIR *d) { seekdir(d, 0); }

#define SCANDIR(name, type, read) \
  int name(const char *path, type ***list, int (*select)(const type *), int (*compare)(const type **, const type **)) { \
    DIR *d = opendir(path); \
    if (!d) return -1; \
    type **all = NULL, *e; \
    size_t n = 0, room = 0; \
    while ((e = read(d))) { \
      if (select && !select(e)) continue; \
      if (n == room) { \
        room = room ? 2 * room : 10; \
        type **larger = realloc(all, room * sizeof *all); \
        if (!larger) break; \
        all = larger; \
      } \
      type *copy = malloc(e->d_reclen); \
      if (!copy) break; \
      all[n++] = memcpy(copy, e, e->d_reclen); \
    } \
    closedir(d); \
    if (e) { \
      while (n > 0) free(all[--n]); \
      free(all); \
      errno = ENOMEM; \
      return -1; \
    } \
    if (compare) qsort(all, n, sizeof *all, (int (*)(const void *, const void *))compare); \
    *list = all; \
    return (int)n; \
  }
void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
int strverscmp(const char *, const char *);
SCANDIR(scandir64, struct dirent64, readdir64)
int alphasort64(const struct dirent64 **a, const struct dirent64 **b) { return strcmp((*a)->d_name, (*b)->d_name); }
int versionsort64(const struct dirent64 **a, const struct dirent64 **b) { return strverscmp((*a)->d_name, (*b)->d_name); }
#ifdef __i386__
SCANDIR(scandir, struct dirent, readdir)
int alphasort(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }
int versionsort(const struct dirent **a, const struct dirent **b) { return strverscmp((*a)->d_name, (*b)->d_name); }
#else
ALIAS(scandir, scandir64);
ALIAS(alphasort, alphasort64);
ALIAS(versionsort, versionsort64);
#endif
