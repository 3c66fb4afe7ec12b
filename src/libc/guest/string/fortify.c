/* The functions _FORTIFY_SOURCE calls in place of others: the size of the target comes along, and too small ends the program. */
#include "../libc.h"

NORETURN void __chk_fail(void);
HIDDEN NORETURN void __fortify_fail(const char *);
#define CHECK(need, room) \
  do { \
    if ((need) > (room)) __chk_fail(); \
  } while (0)

void *__memcpy_chk(void *to, const void *from, size_t n, size_t room) { CHECK(n, room); return memcpy(to, from, n); }
void *__memmove_chk(void *to, const void *from, size_t n, size_t room) { CHECK(n, room); return memmove(to, from, n); }
void *__mempcpy_chk(void *to, const void *from, size_t n, size_t room) { CHECK(n, room); return mempcpy(to, from, n); }
void *__memset_chk(void *to, int c, size_t n, size_t room) { CHECK(n, room); return memset(to, c, n); }
char *__strcpy_chk(char *to, const char *from, size_t room) { CHECK(strlen(from) + 1, room); return strcpy(to, from); }
char *__stpcpy_chk(char *to, const char *from, size_t room) { CHECK(strlen(from) + 1, room); return stpcpy(to, from); }
char *__strncpy_chk(char *to, const char *from, size_t n, size_t room) { CHECK(n, room); return strncpy(to, from, n); }
char *stpncpy(char *, const char *, size_t), *strncat(char *, const char *, size_t);
char *__stpncpy_chk(char *to, const char *from, size_t n, size_t room) { CHECK(n, room); return stpncpy(to, from, n); }
char *__strcat_chk(char *to, const char *from, size_t room) { CHECK(strlen(to) + strlen(from) + 1, room); return strcat(to, from); }
char *__strncat_chk(char *to, const char *from, size_t n, size_t room) { CHECK(strlen(to) + strnlen(from, n) + 1, room); return strncat(to, from, n); }
ssize_t __read_chk(int fd, void *to, size_t n, size_t room) { CHECK(n, room); return read(fd, to, n); }
char *__fgets_chk(char *to, size_t room, int n, FILE *f) { CHECK((size_t)n, room); return fgets(to, n, f); }
size_t __fread_chk(void *to, size_t room, size_t size, size_t n, FILE *f) { CHECK(size * n, room); return fread(to, size, n, f); }
char *getcwd(char *, size_t);
char *__getcwd_chk(char *to, size_t n, size_t room) { CHECK(n, room); return getcwd(to, n); }
ssize_t readlink(const char *, char *, size_t);
ssize_t __readlink_chk(const char *path, char *to, size_t n, size_t room) { CHECK(n, room); return readlink(path, to, n); }
char *realpath(const char *, char *);
char *__realpath_chk(const char *path, char *to, size_t room) { CHECK((size_t)4096, room); return realpath(path, to); }
char *__gets_chk(char *to, size_t room) {
  if (room == 0) __chk_fail();
  size_t n = 0;
  int c;
  while ((c = fgetc(stdin)) != EOF && c != '\n') {
    CHECK(n + 2, room);
    to[n++] = (char)c;
  }
  if (c == EOF && n == 0) return NULL;
  to[n] = 0;
  return to;
}
int gethostname(char *, size_t);
int __gethostname_chk(char *to, size_t n, size_t room) { CHECK(n, room); return gethostname(to, n); }
long __fdelt_chk(long fd) {
  if (fd < 0 || fd >= 1024) {
    if (libc_glibc_minor >= 26) __fortify_fail("bit out of range 0 - FD_SETSIZE on fd_set");
    __chk_fail();
  }
  return fd / (long)(8 * sizeof(long));
}
int poll(void *, unsigned long, int);
int __poll_chk(void *fds, unsigned long n, int timeout, size_t room) { CHECK(n * 8, room); return poll(fds, n, timeout); }
size_t mbstowcs(wchar_t *, const char *, size_t), wcstombs(char *, const wchar_t *, size_t);
size_t __mbstowcs_chk(wchar_t *to, const char *from, size_t n, size_t room) { CHECK(n, room); return mbstowcs(to, from, n); }
size_t __wcstombs_chk(char *to, const wchar_t *from, size_t n, size_t room) { CHECK(n, room); return wcstombs(to, from, n); }
