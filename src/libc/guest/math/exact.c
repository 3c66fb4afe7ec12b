/* <math.h>: functions whose results are exact or correctly rounded: rounding to integers, remainders, parts, neighbours. */
#include "elementary.h"

enum { NEAREST = 0, DOWN = 0x400, UP = 0x800, CHOP = 0xc00 };
static ld round_half_away(ld x) {
  ld t = round_mode_ld(x, CHOP);
  return fabs_ld(x - t) >= 0.5L ? t + (x < 0 ? -1 : 1) : t;
}
#define TO_INTEGER(T, s) \
  T floor##s(T x) { return (T)round_mode_ld(x, DOWN); } \
  T ceil##s(T x) { return (T)round_mode_ld(x, UP); } \
  T trunc##s(T x) { return (T)round_mode_ld(x, CHOP); } \
  T rint##s(T x) { return (T)rint_ld(x); } \
  T nearbyint##s(T x) { return (T)rint_ld(x); } \
  T round##s(T x) { return x == 0 || !IS_FINITE(x) ? x + x : __builtin_copysign((T)round_half_away(x), x); } \
  long lrint##s(T x) { return to_long(rint_ld(x)); } \
  long long llrint##s(T x) { return to_llong(rint_ld(x)); } \
  long lround##s(T x) { return to_long(round_half_away(x)); } \
  long long llround##s(T x) { return to_llong(round_half_away(x)); }
static long long to_llong(ld x) {
  long long v;
  __asm__ volatile("fistpll %0" : "=m"(v) : "t"(x) : "st");
  return v;
}
static long to_long(ld x) {
#ifdef __x86_64__
  return to_llong(x);
#else
  int v;
  __asm__ volatile("fistpl %0" : "=m"(v) : "t"(x) : "st");
  return v;
#endif
}
#undef __builtin_copysign
TO_INTEGER(double, )
TO_INTEGER(float, f)
#define __builtin_copysign __builtin_copysignl
TO_INTEGER(ld, l)
#undef __builtin_copysign

/* fprem1 to the end; the three low bits of the quotient are in C0, C3, C1 of the last round. */
static ld remainder_quotient(ld x, ld y, int *quotient) {
  uint16_t status;
  __asm__("1: fprem1; fnstsw %%ax; testb $4, %%ah; jnz 1b" : "+t"(x), "=a"(status) : "u"(y) : "cc");
  *quotient = (status >> 8 & 1) << 2 | (status >> 14 & 1) << 1 | (status >> 9 & 1);
  return x;
}
#define REMAINDERS(T, s) \
  T fmod##s(T x, T y) { \
    if ((IS_INF(x) && !IS_NAN(y)) || (y == 0 && !IS_NAN(x))) errno = EDOM; \
    return (T)rem_ld(x, y); \
  } \
  T remainder##s(T x, T y) { \
    int ignored; \
    if ((IS_INF(x) && !IS_NAN(y)) || (y == 0 && !IS_NAN(x))) errno = EDOM; \
    return (T)remainder_quotient(x, y, &ignored); \
  } \
  T remquo##s(T x, T y, int *quotient) { \
    T r = (T)remainder_quotient(x, y, quotient); \
    if (__builtin_signbit(x) != __builtin_signbit(y)) *quotient = -*quotient; \
    return r; \
  } \
  ALIAS(drem##s, remainder##s);
REMAINDERS(double, )
REMAINDERS(float, f)
REMAINDERS(ld, l)

#define SIMPLE(T, s) \
  T fabs##s(T x) { return __builtin_fabs##s(x); } \
  T fdim##s(T x, T y) { \
    if (IS_NAN(x) || IS_NAN(y)) return x + y; \
    if (x <= y) return 0; \
    T r = x - y; \
    if (IS_INF(r) && IS_FINITE(x) && IS_FINITE(y)) errno = ERANGE; \
    return r; \
  } \
  T fmax##s(T x, T y) { return IS_NAN(x) ? y : IS_NAN(y) || x >= y ? x : y; } \
  T fmin##s(T x, T y) { return IS_NAN(x) ? y : IS_NAN(y) || x <= y ? x : y; } \
  T nan##s(const char *tag) { return (void)tag, __builtin_nan##s(""); } \
  T logb##s(T x) { \
    if (x == 0) return -1 / __builtin_fabs##s(x); \
    if (!IS_FINITE(x)) return x * x; \
    return (T)exponent(x); \
  } \
  int ilogb##s(T x) { \
    if (x == 0 || IS_NAN(x) || IS_INF(x)) { \
      errno = EDOM; \
      return IS_INF(x) ? INT_MAX : INT_MIN; \
    } \
    return exponent(x); \
  } \
  T significand##s(T x) { return x == 0 || !IS_FINITE(x) ? x : (T)scale_ld(x, -exponent(x)); }
static int exponent(ld x) {
  ld e, m;
  __asm__("fxtract" : "=t"(m), "=u"(e) : "0"(x));
  return (int)e;
}
SIMPLE(double, )
SIMPLE(float, f)
SIMPLE(ld, l)

/* fma: an exact product and sum, rounded to odd in extended precision, then once. */
static ld add_to_odd(ld a, ld b) {
  ld s = a + b, t = s - a, rest = (a - (s - t)) + (b - t);
  union { ld f; struct { uint64_t m; uint16_t e; } p; } u = { s };
  if (rest != 0 && !(u.p.m & 1) && IS_FINITE(s)) {
    if ((rest > 0) == (s > 0)) u.p.m |= 1;
    else if (u.p.m == 1ULL << 63) u.p.m = ~0ULL, u.p.e--;
    else u.p.m--;
  }
  return u.f;
}
double fma(double x, double y, double z) {
  if (!IS_FINITE(x) || !IS_FINITE(y) || !IS_FINITE(z) || x == 0 || y == 0) return x * y + z;
  union { double f; uint64_t u; } hx = { x }, hy = { y };
  hx.u &= ~0x7ffffffULL;
  hy.u &= ~0x7ffffffULL;
  ld a = hx.f, b = (ld)x - a, c = hy.f, d = (ld)y - c; /* 26 and 27 bits each: the four products are exact */
  ld head = (ld)x * y, rest = ((a * c - head) + a * d + b * c) + b * d;
  ld th = z + rest, t = th - z, tl = (z - (th - t)) + (rest - t);
  ld vh = head + th, v = vh - head, vl = (head - (vh - v)) + (th - v);
  double r = (double)add_to_odd(vh, add_to_odd(tl, vl));
  return r == 0 && head + z == 0 ? (double)(head + z) : r;
}
float fmaf(float x, float y, float z) {
  ld p = (ld)x * y; /* 48 bits */
  return (float)add_to_odd(p, z);
}

float nextafterf(float x, float y) {
  union { float f; uint32_t u; } v = { x };
  if (IS_NAN(x) || IS_NAN(y)) return x + y;
  if (x == y) return y;
  if (x == 0) v.u = (__builtin_signbit(y) ? 1u << 31 : 0) | 1;
  else if ((x < y) == (x > 0)) v.u++;
  else v.u--;
  if (x != 0 && (!IS_FINITE(v.f) || (v.u & 0x7f800000) == 0)) errno = ERANGE;
  return v.f;
}
double nextafter(double x, double y) {
  union { double f; uint64_t u; } v = { x };
  if (IS_NAN(x) || IS_NAN(y)) return x + y;
  if (x == y) return y;
  if (x == 0) v.u = (__builtin_signbit(y) ? 1ULL << 63 : 0) | 1;
  else if ((x < y) == (x > 0)) v.u++;
  else v.u--;
  if (x != 0 && (!IS_FINITE(v.f) || (v.u & 0x7ff0000000000000ULL) == 0)) errno = ERANGE;
  return v.f;
}
double nexttoward(double x, ld y) { return (ld)x == y ? (double)y : IS_NAN(y) ? (double)y : nextafter(x, x < y ? __builtin_inf() : -__builtin_inf()); }
float nexttowardf(float x, ld y) { return (ld)x == y ? (float)y : IS_NAN(y) ? (float)y : nextafterf(x, x < y ? __builtin_inff() : -__builtin_inff()); }
ld nextafterl(ld x, ld y) {
  union { ld f; struct { uint64_t m; uint16_t e; } p; } v = { x };
  if (IS_NAN(x) || IS_NAN(y)) return x + y;
  if (x == y) return y;
  if (x == 0) {
    v.p.m = 1;
    v.p.e = __builtin_signbit(y) ? 0x8000 : 0;
  } else if ((x < y) == (x > 0)) {
    if (++v.p.m == 0) v.p.m = 1ULL << 63, v.p.e++;
    else if (v.p.m == 1ULL << 63 && !(v.p.e & 0x7fff)) v.p.e++;
  } else {
    if (v.p.m == 1ULL << 63 && (v.p.e & 0x7fff) > 1) v.p.m = ~0ULL, v.p.e--;
    else if (v.p.m-- == 1ULL << 63 && (v.p.e & 0x7fff) == 1) v.p.e--;
  }
  if (!IS_FINITE(v.f)) errno = ERANGE;
  return v.f;
}
ALIAS(nexttowardl, nextafterl);
