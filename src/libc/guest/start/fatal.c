/* Messages a dying program prints by itself: assert(3), the stack protector, _FORTIFY_SOURCE, and malloc's report. */
#include "../syscall.h"

struct iovec { const void *base; size_t length; };
int backtrace(void **, int);
void backtrace_symbols_fd(void *const *, int, int);

static int out_fd(void) {
  if (libc_glibc_minor >= 31) return 2;
  const char *to_stderr = getenv("LIBC_FATAL_STDERR_");
  int fd = to_stderr && *to_stderr ? -1 : open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK);
  return fd < 0 ? 2 : fd;
}

static void put(int fd, const char *text) { write(fd, text, strlen(text)); }

static void report(int fd) {
  void *frame[64];
  int n = backtrace(frame, 64);
  if (n <= 2) return;
  put(fd, "======= Backtrace: =========\n");
  backtrace_symbols_fd(frame + 1, n - 1, fd); /* not this routine */
  put(fd, "======= Memory map: ========\n");
  int maps = open("/proc/self/maps", O_RDONLY);
  char buffer[1024];
  ssize_t count;
  while ((count = read(maps, buffer, sizeof buffer)) > 0)
    if (write(fd, buffer, (size_t)count) != count) break;
  close(maps);
}

/*
 * The message routine of glibc 2.11 and 2.13: one writev to the terminal, or to stderr if LIBC_FATAL_STDERR_ says so or
 * there is none; then backtrace and memory map if the program is to be aborted with them (abort_after is 2 or 3).
 * A copy for core dumps is kept in memory from malloc. The format knows %s only.
 */
HIDDEN __attribute__((noinline)) void libc_message(int abort_after, const char *format, ...) {
  struct iovec piece[16];
  int count = 0;
  size_t total = 0;
  va_list ap;
  int fd = out_fd();
  va_start(ap, format);
  while (*format && count < 16) {
    const char *end = strchrnul(format, '%');
    if (end == format) {
      const char *text = va_arg(ap, const char *);
      piece[count++] = (struct iovec){ text, strlen(text) };
      format += 2;
    } else {
      piece[count++] = (struct iovec){ format, (size_t)(end - format) };
      format = end;
    }
    total += piece[count - 1].length;
  }
  va_end(ap);
  int written = RAW(SYS_writev, fd, piece, count) == (long)total;
  if (!abort_after) return;
  char *copy = malloc(total + 1);
  if (copy) {
    char *end = copy;
    for (int i = 0; i < count; i++) end = mempcpy(end, piece[i].base, piece[i].length);
    *end = 0;
  }
  if (abort_after > 1 && written) report(fd);
  abort();
}

static const char *program(void) { return libc_argv && libc_argv[0] ? libc_argv[0] : "<unknown>"; }

/*
 * malloc's report (malloc.c, malloc_printerr, up to 2.16). The allocator's trap continues here, in place of returning,
 * when it has something to say: action is check_action, pointer the user's, result what the function shall return.
 */
HIDDEN void *__folio_malloc_printerr(int action, const char *text, void *pointer, void *result) {
  if ((action & 5) == 5) {
    libc_message(action & 2, "%s\n", text);
  } else if (action & 1) {
    char digits[2 * sizeof pointer + 1], *at = digits + sizeof digits;
    uintptr_t value = (uintptr_t)pointer;
    *--at = 0;
    while (at > digits) *--at = "0123456789abcdef"[value & 15], value >>= 4;
    libc_message(action & 2, "*** glibc detected *** %s: %s: 0x%s ***\n", program(), text, at);
  } else if (action & 2) {
    abort();
  }
  return result;
}

/* From 2.26 on without backtrace and map, and without the program's name. */
HIDDEN NORETURN void __fortify_fail(const char *text) {
  if (libc_glibc_minor >= 26)
    for (;;) libc_message(1, "*** %s ***: terminated\n", text);
  for (;;) libc_message(2, "*** %s ***: %s terminated\n", text, program());
}
NORETURN void __stack_chk_fail(void) { __fortify_fail("stack smashing detected"); }
NORETURN void __chk_fail(void) { __fortify_fail("buffer overflow detected"); }

static NORETURN void assertion(const char *text, const char *file, unsigned line, const char *function, const char *middle, const char *end) {
  fprintf(stderr, "%s%s%s:%u: %s%s%s%s%s", __progname, *__progname ? ": " : "", file, line, function ? function : "",
          function ? ": " : "", middle, text, end);
  fflush(stderr);
  abort();
}

NORETURN void __assert_fail(const char *text, const char *file, unsigned line, const char *function) {
  assertion(text, file, line, function, "Assertion `", "' failed.\n");
}
NORETURN void __assert_perror_fail(int number, const char *file, unsigned line, const char *function) {
  assertion(strerror(number), file, line, function, "Unexpected error: ", ".\n");
}
NORETURN void __assert(const char *text, const char *file, int line) { __assert_fail(text, file, (unsigned)line, NULL); }
