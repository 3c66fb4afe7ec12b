/* strtol(3) and its family, atoi(3), abs(3), div(3). */
#include "../libc.h"

static int digit_of(int c) { return is_digit(c) ? c - '0' : is_alpha(c) ? (c | 32) - 'a' + 10 : 99; }

/* The magnitude, no more than max; *overflow says that it was cut, *end stays at s if there is no number. */
static unsigned long long parse(const char *s, char **end, int base, int *negative, int *overflow, unsigned long long max) {
  const char *p = s;
  *overflow = *negative = 0;
  if (end) *end = (char *)s;
  if (base < 0 || base == 1 || base > 36) {
    errno = EINVAL;
    return 0;
  }
  while (is_space((unsigned char)*p)) p++;
  if (*p == '-' || *p == '+') *negative = *p++ == '-';
  if (*p == '0' && (base == 0 || base == 16) && (p[1] | 32) == 'x') {
    if (digit_of((unsigned char)p[2]) < 16) p += 2;
    else if (end) *end = (char *)p + 1;
    base = 16;
  } else if (base == 0) {
    base = *p == '0' ? 8 : 10;
  }
  if (digit_of((unsigned char)*p) >= base) return 0;
  unsigned long long v = 0, limit = max / (unsigned)base;
  for (int d; (d = digit_of((unsigned char)*p)) < base; p++) {
    if (v > limit || v * (unsigned)base > max - (unsigned)d) *overflow = 1;
    else v = v * (unsigned)base + (unsigned)d;
  }
  if (end) *end = (char *)p;
  if (*overflow) errno = ERANGE;
  return *overflow ? max : v;
}

#define SIGNED(name, type, min, max) \
  type name(const char *restrict s, char **restrict end, int base) { \
    int negative, overflow; \
    unsigned long long v = parse(s, end, base, &negative, &overflow, (unsigned long long)(max) + 1); \
    if (overflow) return negative ? (min) : (max); \
    if (v > (unsigned long long)(max) && !negative) { \
      errno = ERANGE; \
      return (max); \
    } \
    return negative ? (type) - v : (type)v; \
  }
#define UNSIGNED(name, type, max) \
  type name(const char *restrict s, char **restrict end, int base) { \
    int negative, overflow; \
    unsigned long long v = parse(s, end, base, &negative, &overflow, (max)); \
    return overflow ? (max) : negative ? (type) - v : (type)v; \
  }
SIGNED(strtol, long, LONG_MIN, LONG_MAX)
SIGNED(strtoll, long long, LLONG_MIN, LLONG_MAX)
UNSIGNED(strtoul, unsigned long, ULONG_MAX)
UNSIGNED(strtoull, unsigned long long, ULLONG_MAX)
ALIAS(strtoq, strtoll);
ALIAS(strtouq, strtoull);
ALIAS(strtoimax, strtoll);
ALIAS(strtoumax, strtoull);

/* The entries of header inlines, with a flag for grouped digits, which the C locale has none of. */
long __strtol_internal(const char *s, char **end, int base, int group) { return (void)group, strtol(s, end, base); }
long long __strtoll_internal(const char *s, char **end, int base, int group) { return (void)group, strtoll(s, end, base); }
unsigned long __strtoul_internal(const char *s, char **end, int base, int group) { return (void)group, strtoul(s, end, base); }
unsigned long long __strtoull_internal(const char *s, char **end, int base, int group) { return (void)group, strtoull(s, end, base); }
long strtol_l(const char *s, char **end, int base, void *locale) { return (void)locale, strtol(s, end, base); }
unsigned long strtoul_l(const char *s, char **end, int base, void *locale) { return (void)locale, strtoul(s, end, base); }
ALIAS(__strtol_l, strtol_l);
ALIAS(__strtoul_l, strtoul_l);

int atoi(const char *s) { return (int)strtol(s, NULL, 10); }
long atol(const char *s) { return strtol(s, NULL, 10); }
long long atoll(const char *s) { return strtoll(s, NULL, 10); }

int abs(int v) { return v < 0 ? -v : v; }
long labs(long v) { return v < 0 ? -v : v; }
long long llabs(long long v) { return v < 0 ? -v : v; }
ALIAS(imaxabs, llabs);
typedef struct { int quot, rem; } div_t;
typedef struct { long quot, rem; } ldiv_t;
typedef struct { long long quot, rem; } lldiv_t;
div_t div(int a, int b) { return (div_t){ a / b, a % b }; }
ldiv_t ldiv(long a, long b) { return (ldiv_t){ a / b, a % b }; }
lldiv_t lldiv(long long a, long long b) { return (lldiv_t){ a / b, a % b }; }
ALIAS(imaxdiv, lldiv);

/* a64l(3): six bits a character, lowest first. */
static const char radix64[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
long a64l(const char *s) {
  uint32_t v = 0;
  const char *at;
  for (int shift = 0; shift < 36 && *s && (at = strchr(radix64, *s)); s++, shift += 6) v |= (uint32_t)(at - radix64) << shift;
  return (int32_t)v;
}
char *l64a(long value) {
  static char text[7];
  uint32_t v = (uint32_t)value;
  char *at = text;
  for (; v; v >>= 6) *at++ = radix64[v & 63];
  *at = 0;
  return text;
}
