/* string.h: searching and splitting (string(3)). */
#include "../libc.h"

char *strchrnul(const char *s, int c) {
  while (*s && *s != (char)c) s++;
  return (char *)s;
}

char *strchr(const char *s, int c) {
  char *p = strchrnul(s, c);
  return *p == (char)c ? p : NULL;
}
ALIAS(index, strchr);

char *strrchr(const char *s, int c) { return memrchr(s, c, strlen(s) + 1); }
ALIAS(rindex, strrchr);

/* A set of bytes, one bit each. */
struct byte_set { unsigned char bits[32]; };
static struct byte_set set_of(const char *bytes) {
  struct byte_set set = { { 0 } };
  for (; *bytes; bytes++) set.bits[(unsigned char)*bytes / 8] |= (unsigned char)(1 << (unsigned char)*bytes % 8);
  return set;
}
static int has(const struct byte_set *set, char c) { return set->bits[(unsigned char)c / 8] >> (unsigned char)c % 8 & 1; }

size_t strspn(const char *s, const char *accept) {
  struct byte_set set = set_of(accept);
  size_t n = 0;
  while (s[n] && has(&set, s[n])) n++;
  return n;
}

size_t strcspn(const char *s, const char *reject) {
  struct byte_set set = set_of(reject);
  size_t n = 0;
  while (s[n] && !has(&set, s[n])) n++;
  return n;
}

char *strpbrk(const char *s, const char *accept) {
  s += strcspn(s, accept);
  return *s ? (char *)s : NULL;
}

char *strstr(const char *hay, const char *needle) {
  size_t n = strlen(needle);
  if (n == 0) return (char *)hay;
  for (; (hay = strchr(hay, *needle)); hay++)
    if (strncmp(hay, needle, n) == 0) return (char *)hay;
  return NULL;
}

char *strcasestr(const char *hay, const char *needle) {
  size_t n = strlen(needle);
  for (;; hay++) {
    if (strncasecmp(hay, needle, n) == 0) return (char *)hay;
    if (!*hay) return NULL;
  }
}
ALIAS(__strcasestr, strcasestr);

char *strtok_r(char *restrict s, const char *restrict delimiters, char **restrict save) {
  if (!s) s = *save;
  s += strspn(s, delimiters);
  if (!*s) {
    *save = s;
    return NULL;
  }
  char *end = s + strcspn(s, delimiters);
  if (*end) *end++ = 0;
  *save = end;
  return s;
}
ALIAS(__strtok_r, strtok_r);

char *strtok(char *restrict s, const char *restrict delimiters) {
  static char *save;
  return strtok_r(s, delimiters, &save);
}

char *strsep(char **restrict at, const char *restrict delimiters) {
  char *s = *at;
  if (!s) return NULL;
  char *end = s + strcspn(s, delimiters);
  if (*end) {
    *end = 0;
    *at = end + 1;
  } else {
    *at = NULL;
  }
  return s;
}

char *basename(const char *path) {
  char *slash = strrchr(path, '/');
  return slash ? slash + 1 : (char *)path;
}

static char *trim(char *path, char *end) {
  while (end > path + 1 && end[-1] == '/') end--;
  *end = 0;
  return path;
}

char *__xpg_basename(char *path) {
  if (!path || !*path) return (char *)".";
  trim(path, path + strlen(path));
  char *slash = strrchr(path, '/');
  return slash && slash[1] ? slash + 1 : path;
}

char *dirname(char *path) {
  if (!path || !*path) return (char *)".";
  trim(path, path + strlen(path));
  char *slash = strrchr(path, '/');
  if (!slash) return (char *)".";
  if (slash == path) return path[1] = 0, path;
  return trim(path, slash);
}
