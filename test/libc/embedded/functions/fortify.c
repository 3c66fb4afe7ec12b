/* What _FORTIFY_SOURCE makes of calls, and other names of old headers: with room enough they do what the plain ones do. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#undef stdin
#undef stdout
char *__fgets_chk(char *, size_t, int, FILE *), *__getcwd_chk(char *, size_t, size_t), *__gets_chk(char *, size_t), *__realpath_chk(const char *, char *, size_t);
void *__mempcpy(void *, const void *, size_t), *__rawmemchr(const void *, int);
long __fdelt_chk(long);
ssize_t __read_chk(int, void *, size_t, size_t), __readlink_chk(const char *, char *, size_t, size_t);
char *__strcpy_chk(char *, const char *, size_t), *__strcat_chk(char *, const char *, size_t), *__stpcpy_chk(char *, const char *, size_t);
long __strtol_internal(const char *, char **, int, int), __strtol_l(const char *, char **, int, locale_t);
unsigned long __strtoul_internal(const char *, char **, int, int), __strtoul_l(const char *, char **, int, locale_t);
long long __strtoll_internal(const char *, char **, int, int);
unsigned long long __strtoull_internal(const char *, char **, int, int);
double __strtod_internal(const char *, char **, int), __strtod_l(const char *, char **, locale_t);
float __strtof_internal(const char *, char **, int);
long double __strtold_internal(const char *, char **, int);
size_t __mbstowcs_chk(wchar_t *, const char *, size_t, size_t), __wcstombs_chk(char *, const wchar_t *, size_t, size_t);
size_t __fread_chk(void *, size_t, size_t, size_t, FILE *), __mbrlen(const char *, size_t, mbstate_t *), __mbrtowc(wchar_t *, const char *, size_t, mbstate_t *);
size_t __strftime_l(char *, size_t, const char *, const struct tm *, locale_t);
int __fprintf_chk(FILE *, int, const char *, ...), __printf_chk(int, const char *, ...), __sprintf_chk(char *, int, size_t, const char *, ...);
int __snprintf_chk(char *, size_t, int, size_t, const char *, ...), __asprintf_chk(char **, int, const char *, ...), __dprintf_chk(int, int, const char *, ...);
int __vfprintf_chk(FILE *, int, const char *, va_list), __vprintf_chk(int, const char *, va_list), __vsprintf_chk(char *, int, size_t, const char *, va_list);
int __vsnprintf_chk(char *, size_t, int, size_t, const char *, va_list), __vasprintf_chk(char **, int, const char *, va_list), __vdprintf_chk(int, int, const char *, va_list);
int __asprintf(char **, const char *, ...), __vsnprintf(char *, size_t, const char *, va_list), __vsscanf(const char *, const char *, va_list), __vfscanf(FILE *, const char *, va_list);
char *__secure_getenv(const char *), *secure_getenv(const char *);
struct tm *__gmtime_r(const time_t *, struct tm *);
locale_t __newlocale(int, const char *, locale_t), __duplocale(locale_t), __uselocale(locale_t);
char *__nl_langinfo_l(int, locale_t), *nl_langinfo_l(int, locale_t);
#ifdef __x86_64__
__asm__(".symver __secure_getenv, __secure_getenv@GLIBC_2.2.5");
#else
__asm__(".symver __secure_getenv, __secure_getenv@GLIBC_2.0");
#endif

static void lists(const char *format, ...) {
  char text[100], *made;
  va_list ap;
#define WITH(call) va_start(ap, format), (call), va_end(ap)
  WITH(__vfprintf_chk(stdout, 1, format, ap)), WITH(__vprintf_chk(1, format, ap));
  WITH(__vsprintf_chk(text, 1, sizeof text, format, ap)), fputs(text, stdout);
  WITH(__vsnprintf_chk(text, 9, 1, sizeof text, format, ap)), puts(text);
  WITH(__vsnprintf(text, 9, format, ap)), puts(text);
  WITH(__vasprintf_chk(&made, 1, format, ap)), fputs(made, stdout), free(made);
  fflush(stdout), WITH(__vdprintf_chk(1, 1, format, ap));
}
static void scans(const char *text, const char *format, ...) {
  va_list ap;
  va_start(ap, format), __vsscanf(text, format, ap), va_end(ap);
}
static void scan_file(FILE *f, const char *format, ...) {
  va_list ap;
  va_start(ap, format), __vfscanf(f, format, ap), va_end(ap);
}

int main(void) {
  char text[100], *made, *end;
  wchar_t wide[20];
  __printf_chk(1, "printf %d\n", 1), __fprintf_chk(stdout, 1, "fprintf %s\n", "x");
  __sprintf_chk(text, 1, sizeof text, "%x", 255), puts(text), __snprintf_chk(text, 4, 1, sizeof text, "%s", "abcdef"), puts(text);
  __asprintf_chk(&made, 1, "%c%c", 'o', 'k'), puts(made), free(made), __asprintf(&made, "%5d", 7), puts(made), free(made);
  fflush(stdout), __dprintf_chk(1, 1, "dprintf %d\n", 2);
  lists("%s %d\n", "list", 42);
  int a = 0, b = 0, c = 0;
  scans("12 34", "%d %d", &a, &b), printf("%d %d\n", a, b);
  FILE *f = fopen("lines", "w+");
  fputs("77 eight\nnine\nten\n", f), rewind(f);
  scan_file(f, "%d%s", &c, text), printf("%d %s\n", c, text), fgetc(f);
  printf("%s", __fgets_chk(text, sizeof text, 50, f)), text[__fread_chk(text, sizeof text, 1, 4, f)] = 0, printf("%s", text), rewind(f);
  int fd = fileno(f);
  lseek(fd, 0, SEEK_SET), text[__read_chk(fd, text, 5, sizeof text)] = 0, puts(text), fclose(f);
  symlink("lines", "to-lines"), text[__readlink_chk("to-lines", text, 50, sizeof text)] = 0, puts(text);
  puts(strrchr(__realpath_chk("to-lines", malloc(4096), 4096), '/')), printf("%d\n", __getcwd_chk(text, sizeof text, sizeof text) != NULL);
  printf("%s|%d\n", __gets_chk(text, sizeof text), __gethostname_chk(text, sizeof text, sizeof text));
  puts(__strcpy_chk(text, "one", sizeof text)), puts(__strcat_chk(text, "two", sizeof text)), puts(__stpcpy_chk(text, "abc", sizeof text) - 3);
  printf("%d\n", (int)(__mbstowcs_chk(wide, "wide", 20, 20))), printf("%d %s\n", (int)__wcstombs_chk(text, wide, sizeof text, sizeof text), text);
  mbstate_t state = { 0 };
  printf("%d %d\n", (int)__mbrlen("x", 1, &state), (int)__mbrtowc(wide, "y", 1, &state));
  printf("%ld\n", __fdelt_chk(130));
  struct pollfd nobody = { -1 };
  printf("%d\n", __poll_chk(&nobody, 1, 0, sizeof nobody));
  printf("%d %d\n", __open_2("none", 0), __open64_2("none", 0)), printf("%d\n", __openat_2(AT_FDCWD, "none", 0));
  locale_t loc = __newlocale(LC_ALL_MASK, "C", NULL), same = __duplocale(loc), old = __uselocale(same);
  printf("%d %s %s\n", loc != NULL, __nl_langinfo_l(14, loc), nl_langinfo_l(0x20000, loc));
  printf("%ld %lu %g\n", __strtol_l("-12x", &end, 10, loc), __strtoul_l("0x1f", &end, 0, loc), __strtod_l("1.5e1", &end, loc));
  printf("%ld %lu %g\n", strtol_l("-12x", &end, 10, loc), strtoul_l("0x1f", &end, 0, loc), strtod_l("1.5e1", &end, loc));
  printf("%ld %lu %lld %llu\n", __strtol_internal("7", &end, 10, 0), __strtoul_internal("8", &end, 10, 0), __strtoll_internal("9", &end, 10, 0), __strtoull_internal("10", &end, 10, 0));
  printf("%g %g %Lg\n", __strtod_internal("1.25", &end, 0), __strtof_internal("2.5", &end, 0), __strtold_internal("3.75", &end, 0));
  time_t when = 86400 * 365;
  struct tm tm;
  __strftime_l(text, sizeof text, "%A %F", __gmtime_r(&when, &tm), loc), puts(text), strftime_l(text, sizeof text, "%c", &tm, loc), puts(text);
  printf("%d %d\n", __strcoll_l("a", "b", loc) < 0, strcoll_l("b", "a", loc) > 0);
  printf("%d %d\n", __strcasecmp_l("ABC", "abc", loc), strcasecmp_l("ABC", "abd", loc) < 0), printf("%d %d\n", __strncasecmp_l("ABx", "abY", 2, loc), strncasecmp_l("q", "Q", 1, loc));
  uselocale(old), __freelocale(same), freelocale(duplocale(loc)), freelocale(newlocale(LC_CTYPE_MASK, "POSIX", NULL));
  setenv("A", "b", 1), printf("%s %s\n", __secure_getenv("A"), secure_getenv("A"));
  return 0;
}
