/*
 * Streams of wide characters: wprintf(3), wscanf, fputws(3), fgetws(3), fputwc(3), fgetwc(3), ungetwc(3), fwide(3). In the C
 * locale a wide character is a byte below 0x80, so each call is that of the narrow stream, on a stream that is wide.
 */
#include "../stdio/stdio.h"

#define WEOF ((wint_t)-1)

/* Makes the stream wide; 0 if it is not to be. */
static int go_wide(FILE *f) {
  if (f->_mode == 0) f->_mode = 1;
  return f->_mode > 0;
}

/* The narrow operation in a wide stream's place. */
#define NARROW(f, call) \
  ({ \
    (f)->_mode = -1; \
    __auto_type result_ = (call); \
    (f)->_mode = 1; \
    result_; \
  })

static int no_character(FILE *f) {
  if (f) f->_flags |= ERR_SEEN;
  errno = EILSEQ;
  return -1;
}

/* The bytes of a wide string, to be freed; NULL (EILSEQ) if it has others. */
static char *bytes_of(const wchar_t *s) {
  size_t n = wcslen(s) + 1;
  char *bytes = malloc(n);
  for (size_t i = 0; bytes && i < n; i++) {
    if ((unsigned)s[i] >= 0x80) {
      free(bytes);
      errno = EILSEQ;
      return NULL;
    }
    bytes[i] = (char)s[i];
  }
  return bytes;
}

wint_t fputwc(wchar_t c, FILE *f) {
  if (!go_wide(f)) return WEOF;
  if ((unsigned)c >= 0x80) return (wint_t)no_character(f);
  return NARROW(f, put_byte(f, c)) == EOF ? WEOF : (wint_t)c;
}
ALIAS(putwc, fputwc);
ALIAS(fputwc_unlocked, fputwc);
ALIAS(putwc_unlocked, fputwc);
wint_t putwchar(wchar_t c) { return fputwc(c, stdout); }
ALIAS(putwchar_unlocked, putwchar);

int fputws(const wchar_t *s, FILE *f) {
  if (!go_wide(f)) return -1;
  for (; *s; s++)
    if (fputwc(*s, f) == WEOF) return -1;
  return 1;
}
ALIAS(fputws_unlocked, fputws);

wint_t fgetwc(FILE *f) {
  if (!go_wide(f)) return WEOF;
  int c = NARROW(f, get_byte(f));
  if (c >= 0x80) return (wint_t)no_character(f);
  return c == EOF ? WEOF : (wint_t)c;
}
ALIAS(getwc, fgetwc);
ALIAS(fgetwc_unlocked, fgetwc);
ALIAS(getwc_unlocked, fgetwc);
wint_t getwchar(void) { return fgetwc(stdin); }
ALIAS(getwchar_unlocked, getwchar);

wint_t ungetwc(wint_t c, FILE *f) {
  if (!go_wide(f) || c == WEOF) return WEOF;
  if (c >= 0x80) return (wint_t)no_character(f);
  return NARROW(f, ungetc((int)c, f)) == EOF ? WEOF : c;
}

wchar_t *fgetws(wchar_t *to, int n, FILE *f) {
  if (n <= 0 || !go_wide(f)) return NULL;
  int old = f->_flags & ERR_SEEN, done = 0;
  f->_flags &= ~ERR_SEEN;
  while (done < n - 1) {
    wint_t c = fgetwc(f);
    if (c == WEOF) break;
    to[done++] = (wchar_t)c;
    if (c == '\n') break;
  }
  int failed = (done == 0 && n > 1) || (f->_flags & ERR_SEEN && errno != EAGAIN);
  f->_flags |= old;
  if (failed) return NULL;
  to[done] = 0;
  return to;
}
ALIAS(fgetws_unlocked, fgetws);

static int print(FILE *f, const wchar_t *fmt, va_list ap, int fortify) {
  if (!go_wide(f)) return -1;
  char *bytes = bytes_of(fmt);
  if (!bytes) return -1;
  int result = NARROW(f, format(f, bytes, ap, fortify));
  free(bytes);
  return result;
}
int vfwprintf(FILE *f, const wchar_t *fmt, va_list ap) { return print(f, fmt, ap, 0); }
int vwprintf(const wchar_t *fmt, va_list ap) { return print(stdout, fmt, ap, 0); }

/* -1 if it does not fit: then the text is cut off. */
int vswprintf(wchar_t *to, size_t size, const wchar_t *fmt, va_list ap) {
  if (size == 0) return -1;
  char *bytes = bytes_of(fmt), *text = bytes ? malloc(size) : NULL;
  int n = text ? vsnprintf(text, size, bytes, ap) : -1;
  if (n >= 0)
    for (size_t i = 0; i < size && (i == 0 || text[i - 1]); i++) to[i] = (unsigned char)text[i];
  free(text);
  free(bytes);
  return n >= 0 && (size_t)n < size ? n : -1;
}

#define VARIADIC(name, parameters, last, call) \
  int name parameters { \
    va_list ap; \
    va_start(ap, last); \
    int result = call; \
    va_end(ap); \
    return result; \
  }
VARIADIC(wprintf, (const wchar_t *fmt, ...), fmt, print(stdout, fmt, ap, 0))
VARIADIC(fwprintf, (FILE * f, const wchar_t *fmt, ...), fmt, print(f, fmt, ap, 0))
VARIADIC(swprintf, (wchar_t * to, size_t size, const wchar_t *fmt, ...), fmt, vswprintf(to, size, fmt, ap))
VARIADIC(__wprintf_chk, (int flag, const wchar_t *fmt, ...), fmt, print(stdout, fmt, ap, flag > 0))
VARIADIC(__fwprintf_chk, (FILE * f, int flag, const wchar_t *fmt, ...), fmt, print(f, fmt, ap, flag > 0))
int __vfwprintf_chk(FILE *f, int flag, const wchar_t *fmt, va_list ap) { return print(f, fmt, ap, flag > 0); }
int __vwprintf_chk(int flag, const wchar_t *fmt, va_list ap) { return print(stdout, fmt, ap, flag > 0); }
NORETURN void __chk_fail(void);
int __vswprintf_chk(wchar_t *to, size_t size, int flag, size_t room, const wchar_t *fmt, va_list ap) {
  (void)flag;
  if (room < size) __chk_fail();
  return vswprintf(to, size, fmt, ap);
}
VARIADIC(__swprintf_chk, (wchar_t * to, size_t size, int flag, size_t room, const wchar_t *fmt, ...), fmt,
         __vswprintf_chk(to, size, flag, room, fmt, ap))

static int read_fields(FILE *f, const wchar_t *fmt, va_list ap, int iso_c99) {
  if (!go_wide(f)) return EOF;
  char *bytes = bytes_of(fmt);
  if (!bytes) return EOF;
  int result = NARROW(f, scan(f, bytes, ap, iso_c99));
  free(bytes);
  return result;
}
static int read_string(const wchar_t *from, const wchar_t *fmt, va_list ap, int iso_c99) {
  char *text = bytes_of(from), *bytes = text ? bytes_of(fmt) : NULL;
  int result = EOF;
  if (bytes) {
    FILE f;
    string_reader(&f, text);
    result = scan(&f, bytes, ap, iso_c99);
  }
  free(text);
  free(bytes);
  return result;
}
int vfwscanf(FILE *f, const wchar_t *fmt, va_list ap) { return read_fields(f, fmt, ap, 0); }
int __isoc99_vfwscanf(FILE *f, const wchar_t *fmt, va_list ap) { return read_fields(f, fmt, ap, 1); }
int vwscanf(const wchar_t *fmt, va_list ap) { return read_fields(stdin, fmt, ap, 0); }
int __isoc99_vwscanf(const wchar_t *fmt, va_list ap) { return read_fields(stdin, fmt, ap, 1); }
int vswscanf(const wchar_t *from, const wchar_t *fmt, va_list ap) { return read_string(from, fmt, ap, 0); }
int __isoc99_vswscanf(const wchar_t *from, const wchar_t *fmt, va_list ap) { return read_string(from, fmt, ap, 1); }
VARIADIC(wscanf, (const wchar_t *fmt, ...), fmt, read_fields(stdin, fmt, ap, 0))
VARIADIC(__isoc99_wscanf, (const wchar_t *fmt, ...), fmt, read_fields(stdin, fmt, ap, 1))
VARIADIC(fwscanf, (FILE * f, const wchar_t *fmt, ...), fmt, read_fields(f, fmt, ap, 0))
VARIADIC(__isoc99_fwscanf, (FILE * f, const wchar_t *fmt, ...), fmt, read_fields(f, fmt, ap, 1))
VARIADIC(swscanf, (const wchar_t *from, const wchar_t *fmt, ...), fmt, read_string(from, fmt, ap, 0))
VARIADIC(__isoc99_swscanf, (const wchar_t *from, const wchar_t *fmt, ...), fmt, read_string(from, fmt, ap, 1))

struct tm;
size_t strftime(char *, size_t, const char *, const struct tm *);
size_t wcsftime(wchar_t *to, size_t size, const wchar_t *fmt, const struct tm *time) {
  char *bytes = bytes_of(fmt), *text = bytes && size ? malloc(size) : NULL;
  size_t n = text ? strftime(text, size, bytes, time) : 0;
  if (n > 0 || (text && size && !*bytes))
    for (size_t i = 0; i <= n; i++) to[i] = (unsigned char)text[i];
  free(text);
  free(bytes);
  return n;
}
