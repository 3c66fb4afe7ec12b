/* <wchar.h> and <wctype.h>: wide strings, and the classes of the C locale. */
#include "../libc.h"

size_t wcslen(const wchar_t *s) {
  size_t n = 0;
  while (s[n]) n++;
  return n;
}
size_t wcsnlen(const wchar_t *s, size_t max) {
  size_t n = 0;
  while (n < max && s[n]) n++;
  return n;
}
wchar_t *wmemcpy(wchar_t *to, const wchar_t *from, size_t n) { return memcpy(to, from, n * sizeof *to); }
wchar_t *wmemmove(wchar_t *to, const wchar_t *from, size_t n) { return memmove(to, from, n * sizeof *to); }
wchar_t *wmempcpy(wchar_t *to, const wchar_t *from, size_t n) { return wmemcpy(to, from, n) + n; }
wchar_t *wmemset(wchar_t *to, wchar_t c, size_t n) {
  for (size_t i = 0; i < n; i++) to[i] = c;
  return to;
}
int wmemcmp(const wchar_t *a, const wchar_t *b, size_t n) {
  for (; n > 0; n--, a++, b++)
    if (*a != *b) return *a < *b ? -1 : 1;
  return 0;
}
wchar_t *wmemchr(const wchar_t *s, wchar_t c, size_t n) {
  for (; n > 0; n--, s++)
    if (*s == c) return (wchar_t *)s;
  return NULL;
}
wchar_t *wcpcpy(wchar_t *to, const wchar_t *from) {
  while ((*to = *from++)) to++;
  return to;
}
wchar_t *wcscpy(wchar_t *to, const wchar_t *from) { return wcpcpy(to, from), to; }
wchar_t *wcpncpy(wchar_t *to, const wchar_t *from, size_t n) {
  size_t m = wcsnlen(from, n);
  wmemcpy(to, from, m);
  wmemset(to + m, 0, n - m);
  return to + m;
}
wchar_t *wcsncpy(wchar_t *to, const wchar_t *from, size_t n) { return wcpncpy(to, from, n), to; }
wchar_t *wcscat(wchar_t *to, const wchar_t *from) { return wcpcpy(to + wcslen(to), from), to; }
wchar_t *wcsncat(wchar_t *to, const wchar_t *from, size_t n) {
  wchar_t *end = to + wcslen(to);
  size_t m = wcsnlen(from, n);
  wmemcpy(end, from, m);
  end[m] = 0;
  return to;
}
int wcscmp(const wchar_t *a, const wchar_t *b) {
  for (; *a && *a == *b; a++, b++) {}
  return *a < *b ? -1 : *a > *b;
}
ALIAS(wcscoll, wcscmp);
int wcsncmp(const wchar_t *a, const wchar_t *b, size_t n) {
  for (; n > 0; n--, a++, b++)
    if (*a != *b || !*a) return *a < *b ? -1 : *a > *b;
  return 0;
}
int wcscasecmp(const wchar_t *a, const wchar_t *b) {
  for (; *a && to_lower(*a) == to_lower(*b); a++, b++) {}
  return to_lower(*a) - to_lower(*b);
}
int wcsncasecmp(const wchar_t *a, const wchar_t *b, size_t n) {
  for (; n > 0; n--, a++, b++)
    if (to_lower(*a) != to_lower(*b) || !*a) return to_lower(*a) - to_lower(*b);
  return 0;
}
wchar_t *wcschrnul(const wchar_t *s, wchar_t c) {
  while (*s && *s != c) s++;
  return (wchar_t *)s;
}
wchar_t *wcschr(const wchar_t *s, wchar_t c) {
  s = wcschrnul(s, c);
  return *s == c ? (wchar_t *)s : NULL;
}
wchar_t *wcsrchr(const wchar_t *s, wchar_t c) {
  const wchar_t *found = NULL;
  for (;; s++) {
    if (*s == c) found = s;
    if (!*s) return (wchar_t *)found;
  }
}
size_t wcsspn(const wchar_t *s, const wchar_t *accept) {
  size_t n = 0;
  while (s[n] && wcschr(accept, s[n])) n++;
  return n;
}
size_t wcscspn(const wchar_t *s, const wchar_t *reject) {
  size_t n = 0;
  while (s[n] && !wcschr(reject, s[n])) n++;
  return n;
}
wchar_t *wcspbrk(const wchar_t *s, const wchar_t *accept) {
  s += wcscspn(s, accept);
  return *s ? (wchar_t *)s : NULL;
}
wchar_t *wcsstr(const wchar_t *hay, const wchar_t *needle) {
  size_t n = wcslen(needle);
  for (;; hay++) {
    if (wcsncmp(hay, needle, n) == 0) return (wchar_t *)hay;
    if (!*hay) return NULL;
  }
}
ALIAS(wcswcs, wcsstr);
wchar_t *wcstok(wchar_t *s, const wchar_t *delimiters, wchar_t **save) {
  if (!s) s = *save;
  if (!s) return NULL;
  s += wcsspn(s, delimiters);
  if (!*s) return *save = NULL, NULL;
  wchar_t *end = wcspbrk(s, delimiters);
  if (end) *end++ = 0;
  *save = end;
  return s;
}
wchar_t *wcsdup(const wchar_t *s) {
  size_t n = (wcslen(s) + 1) * sizeof *s;
  wchar_t *copy = malloc(n);
  return copy ? memcpy(copy, s, n) : NULL;
}
size_t wcsxfrm(wchar_t *to, const wchar_t *from, size_t n) {
  size_t m = wcslen(from);
  if (n > 0) wcpncpy(to, from, min_size(n, m + 1));
  return m;
}
int wcwidth(wchar_t c) { return c == 0 ? 0 : c >= 32 && c < 127 ? 1 : -1; }
int wcswidth(const wchar_t *s, size_t n) {
  int sum = 0;
  for (; n > 0 && *s; n--, s++) {
    if (wcwidth(*s) < 0) return -1;
    sum += wcwidth(*s);
  }
  return sum;
}

/* Numbers: the characters a number may have are copied, and the narrow function decides. */
#define WIDE_NUMBER(name, type, narrow) \
  type name(const wchar_t *s, wchar_t **end, int base) { \
    char text[400], *stop; \
    size_t n = 0; \
    for (; n < sizeof text - 1 && s[n] > 0 && s[n] < 128; n++) text[n] = (char)s[n]; \
    text[n] = 0; \
    type v = narrow(text, &stop, base); \
    if (end) *end = (wchar_t *)s + (stop - text); \
    return v; \
  }
WIDE_NUMBER(wcstol, long, strtol)
WIDE_NUMBER(wcstoul, unsigned long, strtoul)
WIDE_NUMBER(wcstoll, long long, strtoll)
WIDE_NUMBER(wcstoull, unsigned long long, strtoull)
float strtof(const char *, char **);
long double strtold(const char *, char **);
#define WIDE_FLOAT(name, type, narrow) \
  type name(const wchar_t *s, wchar_t **end) { \
    char text[1200], *stop; \
    size_t n = 0; \
    for (; n < sizeof text - 1 && s[n] > 0 && s[n] < 128; n++) text[n] = (char)s[n]; \
    text[n] = 0; \
    type v = narrow(text, &stop); \
    if (end) *end = (wchar_t *)s + (stop - text); \
    return v; \
  }
WIDE_FLOAT(wcstof, float, strtof)
WIDE_FLOAT(wcstod, double, strtod)
WIDE_FLOAT(wcstold, long double, strtold)

typedef unsigned long wctype_t;
typedef const int32_t *wctrans_t;
static int narrow_class(int (*f)(int), wint_t c) { return c < 128 ? f((int)c) != 0 : 0; }
#define CLASSES(X) X(alnum) X(alpha) X(blank) X(cntrl) X(digit) X(graph) X(lower) X(print) X(punct) X(space) X(upper) X(xdigit)
#define DEFINE(name) \
  int is##name(int); \
  int isw##name(wint_t c) { return narrow_class(is##name, c); } \
  int isw##name##_l(wint_t c, void *locale) { return (void)locale, isw##name(c); } \
  ALIAS(__isw##name##_l, isw##name##_l);
CLASSES(DEFINE)
wint_t towlower(wint_t c) { return c < 128 ? (wint_t)to_lower((int)c) : c; }
wint_t towupper(wint_t c) { return c < 128 ? (wint_t)to_upper((int)c) : c; }
wctype_t wctype(const char *name) {
  unsigned long i = 0;
#define NAME(n) i++; if (strcmp(name, #n) == 0) return i;
  CLASSES(NAME)
  return 0;
}
int iswctype(wint_t c, wctype_t type) {
  unsigned long i = 0;
#define TEST(n) i++; if (type == i) return isw##n(c);
  CLASSES(TEST)
  return 0;
}
wctrans_t wctrans(const char *name) { return (wctrans_t)(uintptr_t)(strcmp(name, "tolower") == 0 ? 1 : strcmp(name, "toupper") == 0 ? 2 : 0); }
wint_t towctrans(wint_t c, wctrans_t t) { return t == (wctrans_t)1 ? towlower(c) : t == (wctrans_t)2 ? towupper(c) : c; }
