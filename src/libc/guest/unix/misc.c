/* realpath(3), err(3), error(3), syslog-free odds and ends. */
#include "../syscall.h"

ssize_t readlink(const char *, char *, size_t);
char *getcwd(char *, size_t);

char *realpath(const char *path, char *to) {
  char result[4096], rest[4096], link[4096];
  int links = 0;
  if (!path) {
    errno = EINVAL;
    return NULL;
  }
  size_t n = strlen(path);
  if (n == 0 || n >= sizeof rest) {
    errno = n ? ENAMETOOLONG : ENOENT;
    return NULL;
  }
  if (*path == '/') strcpy(result, "/");
  else if (!getcwd(result, sizeof result)) return NULL;
  strcpy(rest, path);
  char *end = result + strlen(result);
  for (char *part = rest, *next; *part; part = next) {
    while (*part == '/') part++;
    next = strchrnul(part, '/');
    size_t length = (size_t)(next - part);
    if (length == 0) break;
    if (length == 1 && *part == '.') continue;
    if (length == 2 && part[0] == '.' && part[1] == '.') {
      while (end > result + 1 && *--end != '/') {}
      *(end > result ? end : ++end) = 0;
      continue;
    }
    if (end[-1] != '/') *end++ = '/';
    if ((size_t)(end - result) + length >= sizeof result) {
      errno = ENAMETOOLONG;
      return NULL;
    }
    char *before = end;
    memcpy(end, part, length);
    end += length;
    *end = 0;
    struct stat64 st;
    if (SYS(SYS_lstat, result, &st) < 0) return to ? strcpy(to, result), NULL : NULL;
    if ((st.st_mode & S_IFMT) == 0120000) {
      ssize_t m = readlink(result, link, sizeof link - 1);
      if (m < 0) return NULL;
      if (++links > 40) {
        errno = ELOOP;
        return NULL;
      }
      if ((size_t)m + strlen(next) >= sizeof link) {
        errno = ENAMETOOLONG;
        return NULL;
      }
      strcpy(link + m, next);
      strcpy(rest, link);
      next = rest;
      if (*link == '/') end = result + 1;
      else for (end = before; end > result + 1 && end[-1] == '/'; end--) {}
      if (*link != '/' && end == result) end++;
      *end = 0;
    } else if ((st.st_mode & S_IFMT) != S_IFDIR && *next) {
      errno = ENOTDIR;
      return NULL;
    }
  }
  if (end > result + 1 && end[-1] == '/') end--;
  *end = 0;
  return to ? strcpy(to, result) : strdup(result);
}
char *canonicalize_file_name(const char *path) { return realpath(path, NULL); }

unsigned error_message_count;
int error_one_per_line;
void (*error_print_progname)(void);
static void print_error(int number, const char *fmt, va_list ap) {
  vfprintf(stderr, fmt, ap);
  error_message_count++;
  if (number) fprintf(stderr, ": %s", strerror(number));
  fputc('\n', stderr);
  fflush(stderr);
}
void error(int status, int number, const char *fmt, ...) {
  va_list ap;
  fflush(stdout);
  if (error_print_progname) error_print_progname();
  else fprintf(stderr, "%s: ", __progname_full);
  va_start(ap, fmt);
  print_error(number, fmt, ap);
  va_end(ap);
  if (status) exit(status);
}
void error_at_line(int status, int number, const char *file, unsigned line, const char *fmt, ...) {
  static const char *last_file;
  static unsigned last_line;
  va_list ap;
  if (error_one_per_line) {
    if (last_line == line && (file == last_file || (file && last_file && strcmp(file, last_file) == 0))) return;
    last_file = file;
    last_line = line;
  }
  fflush(stdout);
  if (error_print_progname) error_print_progname();
  else fprintf(stderr, "%s:", __progname_full);
  fprintf(stderr, file ? "%s:%u: " : " ", file, line);
  va_start(ap, fmt);
  print_error(number, fmt, ap);
  va_end(ap);
  if (status) exit(status);
}

void vwarnx(const char *fmt, va_list ap) {
  fprintf(stderr, "%s: ", __progname);
  if (fmt) vfprintf(stderr, fmt, ap);
  fputc('\n', stderr);
}
void vwarn(const char *fmt, va_list ap) {
  int number = errno;
  fprintf(stderr, "%s: ", __progname);
  if (fmt) vfprintf(stderr, fmt, ap), fputs(": ", stderr);
  fprintf(stderr, "%s\n", strerror(number));
  errno = number;
}
NORETURN void verr(int status, const char *fmt, va_list ap) { vwarn(fmt, ap); exit(status); }
NORETURN void verrx(int status, const char *fmt, va_list ap) { vwarnx(fmt, ap); exit(status); }
#define WITH_LIST(call) va_list ap; va_start(ap, fmt); call; va_end(ap)
void warn(const char *fmt, ...) { WITH_LIST(vwarn(fmt, ap)); }
void warnx(const char *fmt, ...) { WITH_LIST(vwarnx(fmt, ap)); }
NORETURN void err(int status, const char *fmt, ...) { WITH_LIST(vwarn(fmt, ap)); exit(status); }
NORETURN void errx(int status, const char *fmt, ...) { WITH_LIST(vwarnx(fmt, ap)); exit(status); }

int getsubopt(char **options, char *const *names, char **value) {
  if (!**options) return -1;
  char *end = strchrnul(*options, ','), *equals = memchr(*options, '=', (size_t)(end - *options));
  size_t n = (size_t)((equals ? equals : end) - *options);
  for (int i = 0; names[i]; i++) {
    if (strncmp(*options, names[i], n) != 0 || names[i][n]) continue;
    *value = equals ? equals + 1 : NULL;
    if (*end) *end++ = 0;
    *options = end;
    return i;
  }
  *value = *options;
  if (*end) *end++ = 0;
  *options = end;
  return -1;
}

int mallopt(int, int);
char *getlogin(void) { return getenv("LOGNAME"); }
char *ttyname(int fd) {
  static char name[64];
  char path[32];
  if (!isatty(fd)) return NULL;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(path, name, sizeof name - 1);
  if (n < 0) return NULL;
  name[n] = 0;
  return name;
}
char *ctermid(char *to) {
  static char own[] = "/dev/tty";
  return to ? strcpy(to, own) : own;
}
int posix_madvise(void *at, size_t n, int advice) { return advice == 4 ? 0 : -(int)RAW(SYS_madvise, at, n, advice); }
int sigsetmask(int mask) {
  sigset_t set = { { (unsigned)mask } }, old;
  return sigprocmask(SIG_SETMASK, &set, &old) < 0 ? -1 : (int)old.word[0];
}
int sigblock(int mask) {
  sigset_t set = { { (unsigned)mask } }, old;
  return sigprocmask(SIG_BLOCK, &set, &old) < 0 ? -1 : (int)old.word[0];
}
unsigned ualarm(unsigned value, unsigned interval) {
  int setitimer(int, const void *, void *);
  long old[4], new[4] = { (long)(interval / 1000000), (long)(interval % 1000000), (long)(value / 1000000), (long)(value % 1000000) };
  return setitimer(0, new, old) < 0 ? -1u : (unsigned)(old[2] * 1000000 + old[3]);
}
