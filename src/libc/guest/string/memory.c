/* memcpy(3) and its family. String instructions, which the emulator carries out in bulk. */
#include "../libc.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  void *d = to;
  __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
  return to;
}

void *mempcpy(void *restrict to, const void *restrict from, size_t n) { return (char *)memcpy(to, from, n) + n; }
ALIAS(__mempcpy, mempcpy);

void *memmove(void *to, const void *from, size_t n) {
  if ((uintptr_t)to - (uintptr_t)from >= n) return memcpy(to, from, n);
  char *d = (char *)to + n - 1;
  const char *s = (const char *)from + n - 1;
  __asm__ volatile("std; rep movsb; cld" : "+D"(d), "+S"(s), "+c"(n) : : "memory", "cc");
  return to;
}

void bcopy(const void *from, void *to, size_t n) { memmove(to, from, n); }

void *memset(void *to, int c, size_t n) {
  void *d = to;
  __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
  return to;
}

void bzero(void *to, size_t n) { memset(to, 0, n); }
ALIAS(__bzero, bzero);
void explicit_bzero(void *to, size_t n) { memset(to, 0, n); }

void *memccpy(void *restrict to, const void *restrict from, int c, size_t n) {
  unsigned char *d = to;
  for (const unsigned char *s = from; n > 0; n--)
    if ((*d++ = *s++) == (unsigned char)c) return d;
  return NULL;
}

int memcmp(const void *a, const void *b, size_t n) {
  const unsigned char *p = a, *q = b;
  for (; n > 0; n--, p++, q++)
    if (*p != *q) return *p - *q;
  return 0;
}
ALIAS(bcmp, memcmp);

void *memchr(const void *s, int c, size_t n) {
  const unsigned char *p = s;
  for (; n > 0; n--, p++)
    if (*p == (unsigned char)c) return (void *)p;
  return NULL;
}

void *memrchr(const void *s, int c, size_t n) {
  for (const unsigned char *p = (const unsigned char *)s + n; n > 0; n--)
    if (*--p == (unsigned char)c) return (void *)p;
  return NULL;
}

void *rawmemchr(const void *s, int c) {
  const unsigned char *p = s;
  while (*p != (unsigned char)c) p++;
  return (void *)p;
}
ALIAS(__rawmemchr, rawmemchr);

/* Two-way would be linear; a first-byte filter is enough for the needles programs look for. */
void *memmem(const void *hay, size_t hay_len, const void *needle, size_t len) {
  if (len == 0) return (void *)hay;
  const char *h = hay;
  for (; hay_len >= len; h++, hay_len--) {
    const char *found = memchr(h, *(const char *)needle, hay_len - len + 1);
    if (!found) return NULL;
    hay_len -= (size_t)(found - h);
    h = found;
    if (memcmp(h, needle, len) == 0) return (void *)h;
  }
  return NULL;
}

void swab(const void *restrict from, void *restrict to, ssize_t n) {
  const char *s = from;
  char *d = to;
  for (; n > 1; n -= 2, s += 2, d += 2) {
    char first = s[0];
    d[0] = s[1];
    d[1] = first;
  }
}

void *memfrob(void *s, size_t n) {
  for (unsigned char *p = s; n > 0; n--) *p++ ^= 42;
  return s;
}

int ffs(int v) { return v ? __builtin_ctz((unsigned)v) + 1 : 0; }
int ffsl(long v) { return v ? __builtin_ctzl((unsigned long)v) + 1 : 0; }
int ffsll(long long v) { return v ? ((uint32_t)v ? __builtin_ctz((uint32_t)v) : 32 + __builtin_ctz((uint32_t)((uint64_t)v >> 32))) + 1 : 0; }
