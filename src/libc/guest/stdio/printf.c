/* printf(3)'s functions, also those with checks (_FORTIFY_SOURCE). */
#include "format.h"

/* snprintf: what does not fit is counted and dropped, into a scrap area. sprintf never ends. */
static int drop_rest(FILE *f) {
  f->_IO_write_base = f->_IO_write_ptr = f->_IO_buf_base = f->_shortbuf;
  f->_IO_write_end = f->_IO_buf_end = f->_shortbuf + 1;
  return 0;
}
static const struct file_ops counting_ops = { NULL, NULL, NULL, NULL, drop_rest };
NORETURN void __chk_fail(void);
static int no_room(FILE *f) {
  (void)f;
  __chk_fail();
}
static const struct file_ops checked_ops = { NULL, NULL, NULL, NULL, no_room };

HIDDEN void string_writer(FILE *f, char *to, size_t size, const struct file_ops *ops) {
  stream_init(f, NO_READS | PUTTING | USER_BUF, ops);
  f->_mode = -1;
  uintptr_t room = ~(uintptr_t)to;
  f->_IO_buf_base = f->_IO_write_base = f->_IO_write_ptr = f->_IO_read_base = f->_IO_read_ptr = f->_IO_read_end = to;
  f->_IO_buf_end = f->_IO_write_end = to + (size < room ? size : room);
}

static int to_string(char *to, size_t size, const struct file_ops *ops, const char *fmt, va_list ap) {
  FILE f;
  char *limit = size > 0 && size - 1 < ~(uintptr_t)to ? to + size - 1 : (char *)~(uintptr_t)0;
  if (size == 0) {
    string_writer(&f, f._shortbuf, 0, ops);
    f._IO_buf_base = f._IO_write_base = f._IO_write_ptr = f._IO_write_end = f._IO_buf_end = f._shortbuf;
    return format(&f, fmt, ap, 0);
  }
  string_writer(&f, to, size - 1, ops);
  int result = format(&f, fmt, ap, 0);
  *(f._IO_buf_base == to ? f._IO_write_ptr : limit) = 0;
  return result;
}

int vsnprintf(char *to, size_t size, const char *fmt, va_list ap) { return to_string(to, size, &counting_ops, fmt, ap); }
ALIAS(__vsnprintf, vsnprintf);
int vsprintf(char *to, const char *fmt, va_list ap) { return to_string(to, SIZE_MAX, &counting_ops, fmt, ap); }
ALIAS(_IO_vsprintf, vsprintf);
int vfprintf(FILE *f, const char *fmt, va_list ap) { return format(f, fmt, ap, 0); }
ALIAS(_IO_vfprintf, vfprintf);
int vprintf(const char *fmt, va_list ap) { return format(stdout, fmt, ap, 0); }

#define VARIADIC(type, name, parameters, last, call) \
  type name parameters { \
    va_list ap; \
    va_start(ap, last); \
    type result = call; \
    va_end(ap); \
    return result; \
  }
VARIADIC(int, printf, (const char *fmt, ...), fmt, format(stdout, fmt, ap, 0))
VARIADIC(int, fprintf, (FILE * f, const char *fmt, ...), fmt, format(f, fmt, ap, 0))
VARIADIC(int, sprintf, (char *to, const char *fmt, ...), fmt, vsprintf(to, fmt, ap))
VARIADIC(int, snprintf, (char *to, size_t size, const char *fmt, ...), fmt, vsnprintf(to, size, fmt, ap))
ALIAS(_IO_printf, printf);
ALIAS(_IO_fprintf, fprintf);
ALIAS(_IO_sprintf, sprintf);

int __vprintf_chk(int flag, const char *fmt, va_list ap) { return format(stdout, fmt, ap, flag > 0); }
int __vfprintf_chk(FILE *f, int flag, const char *fmt, va_list ap) { return format(f, fmt, ap, flag > 0); }
int __vsprintf_chk(char *to, int flag, size_t room, const char *fmt, va_list ap) {
  (void)flag;
  if (room == 0) __chk_fail();
  return to_string(to, room, room == SIZE_MAX ? &counting_ops : &checked_ops, fmt, ap);
}
int __vsnprintf_chk(char *to, size_t size, int flag, size_t room, const char *fmt, va_list ap) {
  (void)flag;
  if (room < size) __chk_fail();
  return vsnprintf(to, size, fmt, ap);
}
VARIADIC(int, __printf_chk, (int flag, const char *fmt, ...), fmt, __vprintf_chk(flag, fmt, ap))
VARIADIC(int, __fprintf_chk, (FILE * f, int flag, const char *fmt, ...), fmt, __vfprintf_chk(f, flag, fmt, ap))
VARIADIC(int, __sprintf_chk, (char *to, int flag, size_t room, const char *fmt, ...), fmt, __vsprintf_chk(to, flag, room, fmt, ap))
VARIADIC(int, __snprintf_chk, (char *to, size_t size, int flag, size_t room, const char *fmt, ...), fmt,
         __vsnprintf_chk(to, size, flag, room, fmt, ap))

static ssize_t dprintf_write(FILE *f, const char *from, size_t n) { return write(f->_fileno, from, n); }
static const struct file_ops dprintf_ops = { NULL, dprintf_write, NULL, NULL, NULL };
int vdprintf(int fd, const char *fmt, va_list ap) {
  FILE f;
  stream_init(&f, NO_READS | UNBUFFERED, &dprintf_ops);
  f._fileno = fd;
  return format(&f, fmt, ap, 0);
}
VARIADIC(int, dprintf, (int fd, const char *fmt, ...), fmt, vdprintf(fd, fmt, ap))

/* asprintf: a buffer of 100 bytes from malloc that grows, cut to size at the end. */
static int grow_allocated(FILE *f) {
  size_t used = (size_t)(f->_IO_write_ptr - f->_IO_buf_base), size = 2 * (used + 1) + 98;
  char *larger = malloc(size);
  if (!larger) return EOF;
  memcpy(larger, f->_IO_buf_base, used);
  free(f->_IO_buf_base);
  f->_IO_buf_base = f->_IO_write_base = larger;
  f->_IO_write_ptr = larger + used;
  f->_IO_buf_end = f->_IO_write_end = larger + size - 1;
  return 0;
}
static const struct file_ops allocated_ops = { NULL, NULL, NULL, NULL, grow_allocated };
int vasprintf(char **to, const char *fmt, va_list ap) {
  FILE f;
  char *buffer = malloc(100);
  if (!buffer) return -1;
  string_writer(&f, buffer, 99, &allocated_ops);
  int result = format(&f, fmt, ap, 0);
  if (result < 0) {
    free(f._IO_buf_base);
    return result;
  }
  *f._IO_write_ptr = 0;
  *to = realloc(f._IO_buf_base, (size_t)result + 1);
  if (!*to) *to = f._IO_buf_base;
  return result;
}
VARIADIC(int, asprintf, (char **to, const char *fmt, ...), fmt, vasprintf(to, fmt, ap))
ALIAS(__asprintf, asprintf);
int __vasprintf_chk(char **to, int flag, const char *fmt, va_list ap) { return (void)flag, vasprintf(to, fmt, ap); }
VARIADIC(int, __asprintf_chk, (char **to, int flag, const char *fmt, ...), fmt, __vasprintf_chk(to, flag, fmt, ap))
int __vdprintf_chk(int fd, int flag, const char *fmt, va_list ap) { return (void)flag, vdprintf(fd, fmt, ap); }
VARIADIC(int, __dprintf_chk, (int fd, int flag, const char *fmt, ...), fmt, __vdprintf_chk(fd, flag, fmt, ap))
