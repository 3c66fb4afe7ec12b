/* 64-bit division on i386, which the compiler calls for (names of the GCC runtime interface). */
#include "../libc.h"
#ifdef __i386__

HIDDEN uint64_t __udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest) {
  uint32_t high = (uint32_t)(n >> 32), low = (uint32_t)n, q, r;
  if (d >> 32 == 0) {
    uint32_t d0 = (uint32_t)d, q1 = high / d0;
    __asm__("divl %4" : "=a"(q), "=d"(r) : "0"(low), "1"(high % d0), "rm"(d0));
    if (rest) *rest = r;
    return (uint64_t)q1 << 32 | q;
  }
  /* Quotient below 2^32: shift until the divisor's top bit is set, divide, and correct by at most one. */
  int shift = __builtin_clz((uint32_t)(d >> 32));
  uint32_t top = (uint32_t)((d << shift) >> 32);
  uint64_t half = n >> 1;
  __asm__("divl %4" : "=a"(q), "=d"(r) : "0"((uint32_t)half), "1"((uint32_t)(half >> 32)), "rm"(top));
  uint64_t quotient = (uint64_t)q << shift >> 31;
  if (quotient) quotient--;
  uint64_t left = n - (uint64_t)((uint32_t)quotient) * d;
  if (left >= d) quotient++, left -= d;
  if (left >= d) quotient++, left -= d;
  if (rest) *rest = left;
  return quotient;
}
HIDDEN uint64_t __udivdi3(uint64_t n, uint64_t d) { return __udivmoddi4(n, d, NULL); }
HIDDEN uint64_t __umoddi3(uint64_t n, uint64_t d) {
  uint64_t rest;
  __udivmoddi4(n, d, &rest);
  return rest;
}
static uint64_t magnitude(int64_t v) { return v < 0 ? -(uint64_t)v : (uint64_t)v; }
HIDDEN int64_t __divdi3(int64_t n, int64_t d) {
  uint64_t q = __udivdi3(magnitude(n), magnitude(d));
  return (int64_t)((n ^ d) < 0 ? -q : q);
}
HIDDEN int64_t __moddi3(int64_t n, int64_t d) {
  uint64_t r = __umoddi3(magnitude(n), magnitude(d));
  return (int64_t)(n < 0 ? -r : r);
}
HIDDEN int64_t __divmoddi4(int64_t n, int64_t d, int64_t *rest) {
  *rest = __moddi3(n, d);
  return __divdi3(n, d);
}
#endif
