/* getenv(3), setenv(3), putenv(3), clearenv(3). */
#include "../libc.h"

HIDDEN extern int __libc_enable_secure;

char *getenv(const char *name) {
  size_t n = strlen(name);
  if (!__environ || n == 0) return NULL;
  for (char **e = __environ; *e; e++)
    if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') return *e + n + 1;
  return NULL;
}
char *secure_getenv(const char *name) { return __libc_enable_secure ? NULL : getenv(name); }
ALIAS(__secure_getenv, secure_getenv);

static char **own; /* the vector once it had to grow; the strings of setenv are never freed, someone may hold them */

/* The entry for name (n bytes), or the one at the end. */
static char **find(const char *name, size_t n, size_t *count) {
  char **e = __environ;
  for (*count = 0; e && *e; e++, ++*count)
    if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') return e;
  return e;
}

static int put(char *entry, size_t n) {
  size_t count;
  char **e = find(entry, n, &count);
  if (e && *e) {
    *e = entry;
    return 0;
  }
  char **larger = realloc(own, (count + 2) * sizeof *larger);
  if (!larger) return -1;
  if (__environ != own) memcpy(larger, __environ, count * sizeof *larger);
  larger[count] = entry;
  larger[count + 1] = NULL;
  __environ = own = larger;
  return 0;
}

int setenv(const char *name, const char *value, int replace) {
  if (!name || !*name || strchr(name, '=')) {
    errno = EINVAL;
    return -1;
  }
  size_t n = strlen(name), m = strlen(value) + 1, count;
  char **e = find(name, n, &count);
  if (e && *e && !replace) return 0;
  char *entry = malloc(n + 1 + m);
  if (!entry) return -1;
  memcpy(entry, name, n);
  entry[n] = '=';
  memcpy(entry + n + 1, value, m);
  return put(entry, n);
}

int unsetenv(const char *name) {
  if (!name || !*name || strchr(name, '=')) {
    errno = EINVAL;
    return -1;
  }
  size_t n = strlen(name), count;
  for (char **e = find(name, n, &count); e && *e; e = find(name, n, &count))
    do e[0] = e[1];
    while (*e++);
  return 0;
}

int putenv(char *entry) {
  char *equals = strchr(entry, '=');
  if (!equals) return unsetenv(entry);
  return put(entry, (size_t)(equals - entry));
}

int clearenv(void) {
  if (__environ == own) {
    free(own);
    own = NULL;
  }
  __environ = NULL;
  return 0;
}
