/* Functions on the parts of floating point numbers that libc.so has too: classification, frexp(3), ldexp(3), modf(3). */
#include "../libc.h"
typedef long double ld;

union double_bits { double f; uint64_t u; };
union float_bits { float f; uint32_t u; };
union ld_bits { ld f; struct { uint64_t m; uint16_t e; } p; };

enum { FP_NAN, FP_INFINITE, FP_ZERO, FP_SUBNORMAL, FP_NORMAL };
int __fpclassify(double x) {
  union double_bits b = { x };
  uint64_t e = b.u >> 52 & 0x7ff, m = b.u << 12;
  return e == 0x7ff ? (m ? FP_NAN : FP_INFINITE) : e ? FP_NORMAL : m ? FP_SUBNORMAL : FP_ZERO;
}
int __fpclassifyf(float x) {
  union float_bits b = { x };
  uint32_t e = b.u >> 23 & 0xff, m = b.u << 9;
  return e == 0xff ? (m ? FP_NAN : FP_INFINITE) : e ? FP_NORMAL : m ? FP_SUBNORMAL : FP_ZERO;
}
int __fpclassifyl(ld x) {
  union ld_bits b = { x };
  int e = b.p.e & 0x7fff;
  return e == 0x7fff ? (b.p.m << 1 ? FP_NAN : FP_INFINITE) : b.p.m == 0 ? FP_ZERO : e ? FP_NORMAL : FP_SUBNORMAL;
}
int __signbit(double x) { return (int)((union double_bits){ x }.u >> 63) << 7; }
int __signbitf(float x) { return (int)((union float_bits){ x }.u & 0x80000000); }
int __signbitl(ld x) { return (union ld_bits){ x }.p.e & 0x8000; }

#define CLASS(T, s) \
  int isnan##s(T x) { return __fpclassify##s(x) == FP_NAN; } \
  int isinf##s(T x) { return __fpclassify##s(x) != FP_INFINITE ? 0 : x < 0 ? -1 : 1; } \
  int finite##s(T x) { return __fpclassify##s(x) > FP_INFINITE; } \
  ALIAS(__isnan##s, isnan##s); \
  ALIAS(__isinf##s, isinf##s); \
  ALIAS(__finite##s, finite##s); \
  T copysign##s(T x, T y) { return __builtin_copysign##s(x, y); } \
  T frexp##s(T x, int *exponent) { \
    *exponent = 0; \
    if (x == 0 || __fpclassify##s(x) <= FP_INFINITE) return x + x; \
    union ld_bits b = { x }; \
    if (!(b.p.m >> 63)) b.f *= 0x1p64L, *exponent = -64; \
    *exponent += (b.p.e & 0x7fff) - 16382; \
    b.p.e = (uint16_t)((b.p.e & 0x8000) | 16382); \
    return (T)b.f; \
  } \
  T ldexp##s(T x, int n) { \
    ld y = x, scale = n > 60000 ? 60000 : n < -60000 ? -60000 : n; \
    __asm__("fscale" : "+t"(y) : "u"(scale)); \
    T r = (T)y; \
    if (x != 0 && __fpclassify##s(x) > FP_INFINITE && (r == 0 || __fpclassify##s(r) == FP_INFINITE)) errno = ERANGE; \
    return r; \
  } \
  ALIAS(scalbn##s, ldexp##s); \
  T scalbln##s(T x, long n) { return ldexp##s(x, n > 60000 ? 60000 : n < -60000 ? -60000 : (int)n); } \
  T modf##s(T x, T *whole) { \
    if (__fpclassify##s(x) == FP_INFINITE) { \
      *whole = x; \
      return __builtin_copysign##s((T)0, x); \
    } \
    unsigned short old, chop; \
    ld y = x; \
    __asm__ volatile("fnstcw %0" : "=m"(old)); \
    chop = old | 0xc00; \
    __asm__ volatile("fldcw %2; frndint; fldcw %1" : "+t"(y) : "m"(old), "m"(chop)); \
    *whole = (T)y; \
    return __builtin_copysign##s(x - (T)y, x); \
  }
CLASS(double, )
CLASS(float, f)
CLASS(ld, l)
