/* Kernels in the x87's extended precision: 11 bits more than a double has, so that rounding to double is all but always correct. */
#ifndef FOLIO_ELEMENTARY_H
#define FOLIO_ELEMENTARY_H
#include "../libc.h"
typedef long double ld;

#define IS_NAN(x) ((x) != (x))
#define IS_INF(x) (__builtin_isinf(x))
#define IS_FINITE(x) (__builtin_isfinite(x))
static inline ld fabs_ld(ld x) { return __builtin_fabsl(x); }
static inline ld sqrt_ld(ld x) {
  __asm__("fsqrt" : "+t"(x));
  return x;
}
static inline ld scale_ld(ld x, ld n) {
  __asm__("fscale" : "+t"(x) : "u"(n));
  return x;
}
static inline ld rint_ld(ld x) {
  __asm__("frndint" : "+t"(x));
  return x;
}
/* y * log2(x) */
static inline ld ylog2x(ld y, ld x) {
  __asm__("fyl2x" : "+t"(x) : "u"(y) : "st(1)");
  return x;
}
static inline ld ylog2_1p(ld y, ld x) {
  __asm__("fyl2xp1" : "+t"(x) : "u"(y) : "st(1)");
  return x;
}
/* 2^x - 1 for -1 <= x <= 1 */
static inline ld exp2m1(ld x) {
  __asm__("f2xm1" : "+t"(x));
  return x;
}
static inline ld atan2_ld(ld y, ld x) {
  __asm__("fpatan" : "+t"(x) : "u"(y) : "st(1)");
  return x;
}
static inline ld rem_ld(ld x, ld y) {
  __asm__("1: fprem; fnstsw %%ax; testb $4, %%ah; jnz 1b" : "+t"(x) : "u"(y) : "ax", "cc");
  return x;
}
HIDDEN ld round_mode_ld(ld, int control_bits);
HIDDEN ld exp_ld(ld), exp2_ld(ld), exp10_ld(ld), expm1_ld(ld), log_ld(ld), log2_ld(ld), log10_ld(ld), log1p_ld(ld), pow_ld(ld, ld);
HIDDEN void sincos_ld(ld, ld *, ld *);
HIDDEN ld sin_ld(ld), cos_ld(ld), tan_ld(ld);
#endif
