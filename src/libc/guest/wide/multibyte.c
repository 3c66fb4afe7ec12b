/* Multibyte characters of the C locale: ASCII, a byte a character (mbrtowc(3), wcrtomb(3)). */
#include "../libc.h"

size_t mbrtowc(wchar_t *to, const char *from, size_t n, mbstate_t *state) {
  (void)state;
  if (!from) return 0;
  if (n == 0) return (size_t)-2;
  unsigned char c = (unsigned char)*from;
  if (c >= 0x80) {
    errno = EILSEQ;
    return (size_t)-1;
  }
  if (to) *to = c;
  return c != 0;
}
ALIAS(__mbrtowc, mbrtowc);

size_t wcrtomb(char *to, wchar_t c, mbstate_t *state) {
  (void)state;
  if (!to) return 1;
  if ((unsigned)c >= 0x80) {
    errno = EILSEQ;
    return (size_t)-1;
  }
  *to = (char)c;
  return 1;
}

size_t mbrlen(const char *from, size_t n, mbstate_t *state) { return mbrtowc(NULL, from, n, state); }
ALIAS(__mbrlen, mbrlen);
int mbsinit(const mbstate_t *state) { return !state || state->__count == 0; }
int mbtowc(wchar_t *to, const char *from, size_t n) {
  if (!from) return 0;
  size_t result = mbrtowc(to, from, n, NULL);
  return result >= (size_t)-2 ? -1 : (int)result;
}
int mblen(const char *from, size_t n) { return mbtowc(NULL, from, n); }
int wctomb(char *to, wchar_t c) { return to ? (int)wcrtomb(to, c, NULL) : 0; }
wint_t btowc(int c) { return c >= 0 && c < 0x80 ? (wint_t)c : (wint_t)-1; }
int wctob(wint_t c) { return c < 0x80 ? (int)c : EOF; }

size_t mbsnrtowcs(wchar_t *to, const char **from, size_t n, size_t max, mbstate_t *state) {
  (void)state;
  size_t done = 0;
  const char *s = *from;
  for (; n > 0 && (!to || done < max); n--, s++, done++) {
    if ((unsigned char)*s >= 0x80) {
      errno = EILSEQ;
      if (to) *from = s;
      return (size_t)-1;
    }
    if (to) to[done] = *s;
    if (!*s) {
      if (to) *from = NULL;
      return done;
    }
  }
  if (to) *from = s;
  return done;
}
size_t mbsrtowcs(wchar_t *to, const char **from, size_t max, mbstate_t *state) { return mbsnrtowcs(to, from, SIZE_MAX, max, state); }
size_t mbstowcs(wchar_t *to, const char *from, size_t max) { return mbsrtowcs(to, &from, max, NULL); }

size_t wcsnrtombs(char *to, const wchar_t **from, size_t n, size_t max, mbstate_t *state) {
  (void)state;
  size_t done = 0;
  const wchar_t *s = *from;
  for (; n > 0 && (!to || done < max); n--, s++, done++) {
    if ((unsigned)*s >= 0x80) {
      errno = EILSEQ;
      if (to) *from = s;
      return (size_t)-1;
    }
    if (to) to[done] = (char)*s;
    if (!*s) {
      if (to) *from = NULL;
      return done;
    }
  }
  if (to) *from = s;
  return done;
}
size_t wcsrtombs(char *to, const wchar_t **from, size_t max, mbstate_t *state) { return wcsnrtombs(to, from, SIZE_MAX, max, state); }
size_t wcstombs(char *to, const wchar_t *from, size_t max) { return wcsrtombs(to, &from, max, NULL); }
