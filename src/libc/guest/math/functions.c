/* <math.h>: transcendental functions of the three types from the kernels; errno by the outcome (math_error(7)). */
#include "elementary.h"

/* EDOM if a NaN comes out of none; ERANGE if infinity comes of finite numbers, or zero of a kernel's nonzero result. */
#define OUTCOME(T, result, kernel, finite, no_nan) \
  do { \
    if (IS_NAN(result)) { \
      if (no_nan) errno = EDOM; \
    } else if (IS_INF(result)) { \
      if (finite) errno = ERANGE; \
    } else if ((result) == 0 && (kernel) != 0) { \
      errno = ERANGE; \
    } \
  } while (0)

#define UNARY_TYPE(T, name, kernel) \
  T name(T x) { \
    ld k = kernel((ld)x); \
    T r = (T)k; \
    OUTCOME(T, r, k, IS_FINITE(x), !IS_NAN(x)); \
    return r; \
  }
#define UNARY(name, kernel) UNARY_TYPE(double, name, kernel) UNARY_TYPE(float, name##f, kernel) UNARY_TYPE(ld, name##l, kernel)
#define BINARY_TYPE(T, name, kernel) \
  T name(T x, T y) { \
    ld k = kernel((ld)x, (ld)y); \
    T r = (T)k; \
    OUTCOME(T, r, k, IS_FINITE(x) && IS_FINITE(y), !IS_NAN(x) && !IS_NAN(y)); \
    return r; \
  }
#define BINARY(name, kernel) BINARY_TYPE(double, name, kernel) BINARY_TYPE(float, name##f, kernel) BINARY_TYPE(ld, name##l, kernel)

static ld asin_ld(ld x) {
  if (fabs_ld(x) > 1) return (x - x) / (x - x);
  return x == 0 ? x : atan2_ld(x, sqrt_ld((1 - x) * (1 + x)));
}
static ld acos_ld(ld x) {
  if (fabs_ld(x) > 1) return (x - x) / (x - x);
  return atan2_ld(sqrt_ld((1 - x) * (1 + x)), x);
}
static ld atan_ld(ld x) { return x == 0 ? x : atan2_ld(x, 1); }
static ld sinh_ld(ld x) {
  ld a = fabs_ld(x), r;
  if (x == 0 || !IS_FINITE(x)) return x;
  if (a > 11356) r = exp_ld(a / 2) / 2 * exp_ld(a / 2);
  else if (a > 50) r = exp_ld(a) / 2;
  else {
    ld t = expm1_ld(a);
    r = (t + t / (t + 1)) / 2;
  }
  return x < 0 ? -r : r;
}
static ld cosh_ld(ld x) {
  ld a = fabs_ld(x);
  if (a > 11356) return exp_ld(a / 2) / 2 * exp_ld(a / 2);
  ld e = exp_ld(a);
  return (e + 1 / e) / 2;
}
static ld tanh_ld(ld x) {
  ld a = fabs_ld(x);
  if (x == 0 || IS_NAN(x)) return x;
  ld r = a > 40 ? 1 - 0x1p-64L : 0;
  if (a <= 40) {
    ld t = expm1_ld(2 * a);
    r = t / (t + 2);
  }
  return x < 0 ? -r : r;
}
static ld asinh_ld(ld x) {
  ld a = fabs_ld(x);
  if (x == 0 || !IS_FINITE(x)) return x;
  ld r = a > 0x1p40L ? log_ld(a) + 0.693147180559945309417L : log1p_ld(a + a * a / (1 + sqrt_ld(1 + a * a)));
  return x < 0 ? -r : r;
}
static ld acosh_ld(ld x) {
  if (x < 1) return (x - x) / (x - x);
  if (x > 0x1p40L) return log_ld(x) + 0.693147180559945309417L;
  ld t = x - 1;
  return log1p_ld(t + sqrt_ld(2 * t + t * t));
}
static ld atanh_ld(ld x) {
  ld a = fabs_ld(x);
  if (x == 0) return x;
  if (a > 1) return (x - x) / (x - x);
  ld r = a == 1 ? __builtin_huge_vall() : log1p_ld(2 * a / (1 - a)) / 2;
  return x < 0 ? -r : r;
}
static ld cbrt_ld(ld x) {
  if (x == 0 || !IS_FINITE(x)) return x;
  ld a = fabs_ld(x), r = pow_ld(a, 1 / 3.0L);
  r -= (r - a / (r * r)) / 3;
  return x < 0 ? -r : r;
}
static ld hypot_ld(ld x, ld y) {
  if (IS_INF(x) || IS_INF(y)) return __builtin_huge_vall();
  x = fabs_ld(x), y = fabs_ld(y);
  ld big = x > y ? x : y, scale = 1;
  if (big > 0x1p8000L) scale = 0x1p-8300L;
  else if (big < 0x1p-8000L) scale = 0x1p8300L;
  x *= scale, y *= scale;
  return sqrt_ld(x * x + y * y) / scale;
}

UNARY(sin, sin_ld)
UNARY(cos, cos_ld)
UNARY(tan, tan_ld)
UNARY(asin, asin_ld)
UNARY(acos, acos_ld)
UNARY(atan, atan_ld)
UNARY(sinh, sinh_ld)
UNARY(cosh, cosh_ld)
UNARY(tanh, tanh_ld)
UNARY(asinh, asinh_ld)
UNARY(acosh, acosh_ld)
UNARY(atanh, atanh_ld)
UNARY(exp, exp_ld)
UNARY(exp2, exp2_ld)
UNARY(exp10, exp10_ld)
ALIAS(pow10, exp10);
ALIAS(pow10f, exp10f);
ALIAS(pow10l, exp10l);
UNARY(expm1, expm1_ld)
UNARY(log, log_ld)
UNARY(log2, log2_ld)
UNARY(log10, log10_ld)
UNARY(log1p, log1p_ld)
/* Rounded once: with the precision control at the type's own. */
static ld sqrt_rounded(ld x, int precision) {
  uint16_t old, new;
  __asm__ volatile("fnstcw %0" : "=m"(old));
  new = (uint16_t)((old & ~0x300) | precision);
  __asm__ volatile("fldcw %2; fsqrt; fldcw %1" : "+t"(x) : "m"(old), "m"(new));
  return x;
}
#define SQRT(T, name, precision) \
  T name(T x) { \
    if (x < 0) errno = EDOM; \
    return (T)sqrt_rounded(x, precision); \
  }
SQRT(double, sqrt, 0x200)
SQRT(float, sqrtf, 0)
SQRT(ld, sqrtl, 0x300)
UNARY(cbrt, cbrt_ld)
BINARY(pow, pow_ld)
BINARY(hypot, hypot_ld)
#define ATAN2(T, name) \
  T name(T y, T x) { \
    T r = (T)atan2_ld((ld)y, (ld)x); \
    if (r == 0 && y != 0 && IS_FINITE(x)) errno = ERANGE; \
    return r; \
  }
ATAN2(double, atan2)
ATAN2(float, atan2f)
ATAN2(ld, atan2l)
#define SINCOS(T, name) \
  void name(T x, T *s, T *c) { \
    ld a, b; \
    sincos_ld((ld)x, &a, &b); \
    if (IS_INF(x)) errno = EDOM; \
    *s = (T)a; \
    *c = (T)b; \
  }
SINCOS(double, sincos)
SINCOS(float, sincosf)
SINCOS(ld, sincosl)

/* erf: its series for small x, the continued fraction of erfc for large. */
#define TWO_OVER_SQRT_PI 1.12837916709551257389615890312154517L
static ld erf_series(ld x) {
  ld term = x, total = x, x2 = x * x;
  for (int n = 1; n < 200; n++) {
    term *= 2 * x2 / (2 * n + 1);
    total += term;
    if (term < total * 0x1p-66L) break;
  }
  return TWO_OVER_SQRT_PI * total * exp_ld(-x2);
}
static ld erfc_fraction(ld x) { /* x >= 2 */
  ld f = 0, x2 = x * x;
  for (int k = 120; k > 0; k--) f = k / 2.0L / (x + f);
  union { ld f; struct { uint64_t m; uint16_t e; } p; } h = { x };
  h.p.m &= ~0xffffffffULL;
  ld rest = (x - h.f) * (x + h.f);
  (void)x2;
  return exp_ld(-h.f * h.f) * exp_ld(-rest) / (x + f) * (TWO_OVER_SQRT_PI / 2);
}
static ld erf_ld(ld x) {
  ld a = fabs_ld(x);
  if (x == 0 || IS_NAN(x)) return x;
  ld r = a < 2 ? erf_series(a) : 1 - (a > 120 ? 0 : erfc_fraction(a));
  return x < 0 ? -r : r;
}
static ld erfc_ld(ld x) {
  if (IS_NAN(x)) return x;
  if (x < 2) return 1 - erf_ld(x);
  ld r = IS_INF(x) ? 0 : erfc_fraction(x);
  return r == 0 && !IS_INF(x) ? scale_ld(1, -16400) : r;
}
UNARY(erf, erf_ld)
UNARY(erfc, erfc_ld)

/* log gamma: Stirling's series above 20, below it the recurrence; reflection for negative numbers. */
int signgam, __signgam; /* as programs before 2.23 and from then on know it */
#define PI_LD 3.14159265358979323846264338327950288L
static ld stirling(ld x) {
  static const ld b[] = { 1 / 12.0L, -1 / 360.0L, 1 / 1260.0L, -1 / 1680.0L, 1 / 1188.0L, -691 / 360360.0L, 1 / 156.0L, -3617 / 122400.0L, 43867 / 244188.0L };
  ld z = 1 / (x * x), s = 0;
  for (int i = 8; i >= 0; i--) s = s * z + b[i];
  return (x - 0.5L) * log_ld(x) - x + 0.918938533204672741780329736405617640L + s / x;
}
static const ld near_two[] = { /* (zeta(k) - 1) / k, from k = 2 */
  3.22467033424113218236207581e-1L, 6.73523010531980951332460533e-2L, 2.05808084277845478790009241e-2L,
  7.38555102867398526627309728e-3L, 2.89051033074152328575298830e-3L, 1.19275391170326097711393569e-3L,
  5.09669524743042422335654814e-4L, 2.23154758453579379761418804e-4L, 9.94575127818085337145958900e-5L,
  4.49262367381331417002075024e-5L, 2.05072127756706915531665040e-5L, 9.43948827526839590398742510e-6L,
  4.37486678990748780418179322e-6L, 2.03921575380136623678190071e-6L, 9.55141213040741983285717977e-7L,
  4.49246919876456604329429033e-7L, 2.12071848055546658692313590e-7L, 1.00432248239680996087208305e-7L,
  4.76981016936398056576019342e-8L, 2.27110946089431649103199812e-8L, 1.08386592148969540910749176e-8L,
  5.18347504197004665512124865e-9L, 2.48367454380247831718500866e-9L, 1.19214014058609120744254820e-9L,
  5.73136724167886201333019486e-10L, 2.75952288512423314517814969e-10L, 1.33047643742444894814971572e-10L,
  6.42296456383810002208244809e-11L, 3.10442477473222727623921578e-11L, 1.50213840807541421709330105e-11L,
  7.27597448023907966250454992e-12L, 3.52774247657591508361507223e-12L, 1.71199179055961790860108411e-12L,
  8.31538584142028481979835779e-13L, 4.04220052528944006553600896e-13L, 1.96647563109661649041104568e-13L,
  9.57363038783855576378220094e-14L, 4.66407602642837422457649257e-14L, 2.27373696006597232063327960e-14L,
  1.10913994708345220165832001e-14L, 5.41365915672536313149243233e-15L, 2.64388001786099499848629032e-15L,
};
/* log gamma of 2 + t for |t| <= 1/2 */
static ld lgamma_near_two(ld t) {
  ld s = 0;
  for (int i = sizeof near_two / sizeof *near_two; i-- > 0;) s = near_two[i] - t * s;
  return t * (0.42278433509846713939348790991759756895L + t * s);
}
static ld lgamma_sign(ld x, int *sign) {
  *sign = 1;
  if (!IS_FINITE(x)) return x * x;
  if (x <= 0 && rint_ld(x) == x) {
    if (x == 0 && __builtin_signbit(x)) *sign = -1;
    return __builtin_huge_vall();
  }
  if (x < 0.5L && x < 0) {
    ld s = sin_ld(PI_LD * (x - 2 * round_mode_ld(x / 2, 0)));
    int ignored;
    if (s < 0) *sign = -1, s = -s;
    return log_ld(PI_LD / s) - lgamma_sign(1 - x, &ignored);
  }
  if (x == 1 || x == 2) return 0;
  if (x > 1.5L && x <= 2.5L) return lgamma_near_two(x - 2);
  if (x > 0.5L && x <= 1.5L) return lgamma_near_two(x - 1) - log1p_ld(x - 1);
  ld p = 1;
  while (x < 20) p *= x, x += 1;
  return p == 1 ? stirling(x) : stirling(x) - log_ld(p);
}
static ld tgamma_ld(ld x) {
  if (x == 0) return 1 / x;
  if (IS_NAN(x) || (x < 0 && (IS_INF(x) || rint_ld(x) == x))) return (x - x) / (x - x);
  if (rint_ld(x) == x && x < 100) {
    ld p = 1;
    for (ld i = 2; i < x; i += 1) p *= i;
    return p;
  }
  int sign;
  ld l = lgamma_sign(x, &sign);
  return sign * exp_ld(l);
}
#define LGAMMA(T, name) \
  T name##_r(T x, int *sign) { \
    T r = (T)lgamma_sign((ld)x, sign); \
    if (IS_INF(r) && IS_FINITE(x)) errno = ERANGE; \
    return r; \
  } \
  T name(T x) { \
    T r = name##_r(x, &__signgam); \
    signgam = __signgam; \
    return r; \
  }
LGAMMA(double, lgamma)
LGAMMA(float, lgammaf)
LGAMMA(ld, lgammal)
ALIAS(gamma, lgamma);
ALIAS(gammaf, lgammaf);
ALIAS(gammal, lgammal);
UNARY(tgamma, tgamma_ld)
