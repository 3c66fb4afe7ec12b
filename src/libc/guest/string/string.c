/* string.h: length, copying, comparing (string(3)). */
#include "../libc.h"

/* A word holds a zero byte if subtracting 1 from each byte borrows where the top bit was clear. */
#define ONES (~0UL / 255)
#define HAS_ZERO(w) (((w) - ONES) & ~(w) & (ONES << 7))
typedef unsigned long __attribute__((may_alias)) word;

size_t strlen(const char *s) {
  const char *p = s;
  for (; (uintptr_t)p % sizeof(word); p++)
    if (!*p) return (size_t)(p - s);
  const word *w = (const word *)p;
  while (!HAS_ZERO(*w)) w++;
  for (p = (const char *)w; *p; p++) {}
  return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max) {
  const char *end = memchr(s, 0, max);
  return end ? (size_t)(end - s) : max;
}

char *stpcpy(char *restrict to, const char *restrict from) {
  while ((*to = *from++)) to++;
  return to;
}
ALIAS(__stpcpy, stpcpy);

char *strcpy(char *restrict to, const char *restrict from) {
  stpcpy(to, from);
  return to;
}

char *stpncpy(char *restrict to, const char *restrict from, size_t n) {
  size_t length = strnlen(from, n);
  memcpy(to, from, length);
  memset(to + length, 0, n - length);
  return to + length;
}
ALIAS(__stpncpy, stpncpy);

char *strncpy(char *restrict to, const char *restrict from, size_t n) {
  stpncpy(to, from, n);
  return to;
}

char *strcat(char *restrict to, const char *restrict from) {
  stpcpy(to + strlen(to), from);
  return to;
}

char *strncat(char *restrict to, const char *restrict from, size_t n) {
  size_t length = strnlen(from, n);
  char *end = to + strlen(to);
  memcpy(end, from, length);
  end[length] = 0;
  return to;
}

int strcmp(const char *a, const char *b) {
  for (; *a && *a == *b; a++, b++) {}
  return (unsigned char)*a - (unsigned char)*b;
}
ALIAS(strcoll, strcmp);
int __strcoll_l(const char *a, const char *b, void *locale) { return (void)locale, strcmp(a, b); }
ALIAS(strcoll_l, __strcoll_l);

int strncmp(const char *a, const char *b, size_t n) {
  for (; n > 0; n--, a++, b++)
    if (*a != *b || !*a) return (unsigned char)*a - (unsigned char)*b;
  return 0;
}

int strcasecmp(const char *a, const char *b) {
  for (; *a && to_lower((unsigned char)*a) == to_lower((unsigned char)*b); a++, b++) {}
  return to_lower((unsigned char)*a) - to_lower((unsigned char)*b);
}
ALIAS(__strcasecmp, strcasecmp);
int strcasecmp_l(const char *a, const char *b, void *locale) { return (void)locale, strcasecmp(a, b); }
ALIAS(__strcasecmp_l, strcasecmp_l);

int strncasecmp(const char *a, const char *b, size_t n) {
  for (; n > 0; n--, a++, b++) {
    int x = to_lower((unsigned char)*a), y = to_lower((unsigned char)*b);
    if (x != y || !x) return x - y;
  }
  return 0;
}
int strncasecmp_l(const char *a, const char *b, size_t n, void *locale) { return (void)locale, strncasecmp(a, b, n); }
ALIAS(__strncasecmp_l, strncasecmp_l);

size_t strxfrm(char *restrict to, const char *restrict from, size_t n) {
  size_t length = strlen(from);
  if (n > 0) stpncpy(to, from, min_size(n, length + 1));
  return length;
}

char *strdup(const char *s) {
  size_t size = strlen(s) + 1;
  char *copy = malloc(size);
  return copy ? memcpy(copy, s, size) : NULL;
}
ALIAS(__strdup, strdup);

char *strndup(const char *s, size_t n) {
  size_t length = strnlen(s, n);
  char *copy = malloc(length + 1);
  if (!copy) return NULL;
  copy[length] = 0;
  return memcpy(copy, s, length);
}
ALIAS(__strndup, strndup);

/* strverscmp(3): runs of digits compare as numbers; with leading zeros as fractions, more zeros first. */
int strverscmp(const char *a, const char *b) {
  const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;
  size_t i = 0, start = 0;
  int all_zeros = 1;
  for (; x[i] == y[i]; i++) {
    if (!x[i]) return 0;
    if (!is_digit(x[i])) {
      start = i + 1;
      all_zeros = 1;
    } else if (x[i] != '0') {
      all_zeros = 0;
    }
  }
  int in_run = i > start;
  if (in_run && x[start] == '0') { /* a fraction: the side whose digits end first while all were zeros is greater */
    if (all_zeros && is_digit(x[i]) != is_digit(y[i])) return is_digit(x[i]) ? (y[i] ? -1 : -1) : 1;
    return x[i] - y[i];
  }
  if (!in_run && (x[i] == '0' || y[i] == '0') && is_digit(x[i]) && is_digit(y[i])) return x[i] - y[i];
  size_t p = i, q = i;
  while (is_digit(x[p])) p++;
  while (is_digit(y[q])) q++;
  if (in_run || (is_digit(x[i]) && is_digit(y[i]))) {
    if (p != q) return p < q ? -1 : 1;
  }
  return x[i] - y[i];
}
ALIAS(__strverscmp, strverscmp);
