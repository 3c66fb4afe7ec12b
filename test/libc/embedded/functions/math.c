/* The float and long double functions of libm and their odd relatives; elementary ones to as many digits as are certain. */
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <stdio.h>

#ifdef __x86_64__
#define OLD "GLIBC_2.2.5"
#else
#define OLD "GLIBC_2.1"
#endif
extern int __signgam;
double pow10(double);
float pow10f(float);
long double pow10l(long double);
__asm__(".symver pow10, pow10@" OLD "\n.symver pow10f, pow10f@" OLD "\n.symver pow10l, pow10l@" OLD);
double drem(double, double), gamma(double), significand(double);
float dremf(float, float), gammaf(float), significandf(float);
long double dreml(long double, long double), gammal(long double), significandl(long double);
int __finite(double), __finitef(float), __finitel(long double), __isinf(double), __isinff(float), __isinfl(long double);
int __isnan(double), __isnanf(float), __isnanl(long double), __signbit(double), __signbitf(float), __signbitl(long double);
int __fpclassify(double), __fpclassifyf(float), __fpclassifyl(long double);
#undef isinf
#undef isnan
int isinf(double), isnan(double), finite(double), isinff(float), isnanf(float), isinfl(long double), isnanl(long double);

#define ONE(name, x) printf("%s %.5g %.9g %.14Lg\n", #name, name##f((float)(x)), name((double)(x)), name##l((long double)(x)));
#define TWO(name, x, y) \
  printf("%s %.5g %.9g %.14Lg\n", #name, name##f((float)(x), (float)(y)), name((double)(x), (double)(y)), name##l((long double)(x), (long double)(y)));
#define WHOLE(name, x) printf("%s %ld %ld %ld\n", #name, (long)name##f((float)(x)), (long)name(x), (long)name##l((long double)(x)));
#define CLASS(name) \
  for (int i = 0; i < 7; i++) \
    printf("%s(%g) %d %d %d\n", #name, odd[i], name(odd[i]) != 0, name##f((float)odd[i]) != 0, name##l((long double)odd[i]) != 0);

static void rounding(void) {
  static const int modes[] = { FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO };
  for (int i = 0; i < 4; i++) {
    fesetround(modes[i]);
    volatile double x = -2.5, third = 1, three = 3;
    printf("mode %d: %g %g %.17g\n", fegetround() == modes[i], rint(x), nearbyint(x), third / three);
  }
  fesetround(FE_TONEAREST);
}

static void exceptions(void) {
  fenv_t saved;
  fexcept_t flags;
  volatile double zero = 0, one = 1;
  printf("clear %d raised %x\n", feclearexcept(FE_ALL_EXCEPT), fetestexcept(FE_ALL_EXCEPT));
  one = one / zero;
  printf("divided %x\n", fetestexcept(FE_ALL_EXCEPT));
  printf("hold %d %x\n", feholdexcept(&saved), fetestexcept(FE_ALL_EXCEPT));
  printf("raise %d %x\n", feraiseexcept(FE_INVALID | FE_OVERFLOW), fetestexcept(FE_INVALID | FE_OVERFLOW));
  printf("flags %d\n", fegetexceptflag(&flags, FE_ALL_EXCEPT));
  feclearexcept(FE_ALL_EXCEPT);
  printf("flags back %d %x\n", fesetexceptflag(&flags, FE_INVALID), fetestexcept(FE_ALL_EXCEPT));
  printf("update %d %x\n", feupdateenv(&saved), fetestexcept(FE_DIVBYZERO | FE_INVALID));
  printf("get %d set %d\n", fegetenv(&saved), fesetenv(FE_DFL_ENV));
  printf("enabled %x %x %x\n", fegetexcept(), feenableexcept(FE_DIVBYZERO), fegetexcept());
  printf("disabled %x %x\n", fedisableexcept(FE_DIVBYZERO), fegetexcept());
}

int main(void) {
  static const double some[] = { 0.3, 0.75, 0.96 };
  double odd[] = { 0, -0.0, 1.5, -2, INFINITY, -INFINITY, NAN };
  for (int i = 0; i < 3; i++) {
    double x = some[i], big = 10 * x - 2.25;
    ONE(acos, x) ONE(acosh, x + 1) ONE(asin, x) ONE(asinh, big) ONE(atan, big) ONE(atanh, x) ONE(cbrt, big) ONE(ceil, big)
    ONE(cos, big) ONE(cosh, big) ONE(erf, x) ONE(erfc, x) ONE(exp, big) ONE(exp10, x) ONE(exp2, big) ONE(expm1, x) ONE(fabs, big)
    ONE(floor, big) ONE(gamma, x + 2) ONE(lgamma, x + 2) ONE(log, x) ONE(log10, x) ONE(log1p, x) ONE(log2, x) ONE(logb, big)
    ONE(nearbyint, big) ONE(rint, big) ONE(round, big) ONE(trunc, big) ONE(sin, big) ONE(sinh, big) ONE(sqrt, x) ONE(tan, x)
    ONE(tanh, x) ONE(tgamma, x + 1) ONE(significand, big) ONE(pow10, x)
    TWO(atan2, x, big) TWO(copysign, x, -big) TWO(drem, 7 * x, 2) TWO(fdim, x, .5) TWO(fmax, x, .5) TWO(fmin, x, .5)
    TWO(fmod, 9 * x, 1.25) TWO(hypot, x, big) TWO(nextafter, x, 1) TWO(pow, x, big) TWO(remainder, 7 * x, 2) TWO(nexttoward, x, 1)
    WHOLE(ilogb, big) WHOLE(llrint, big) WHOLE(llround, big) WHOLE(lrint, big) WHOLE(lround, big)
    int e[3], q[3];
    printf("frexp %.5g %.9g %.14Lg", frexpf((float)big, e), frexp(big, e + 1), frexpl(big, e + 2)), printf(" %d %d %d\n", e[0], e[1], e[2]);
    printf("ldexp %.5g %.9g %.14Lg\n", ldexpf((float)x, 5), ldexp(x, -5), ldexpl(x, 70));
    printf("scalbn %.5g %.9g %.14Lg\n", scalbnf((float)x, 5), scalbn(x, -5), scalbnl(x, 70));
    printf("scalbln %.5g %.9g %.14Lg\n", scalblnf((float)x, 5), scalbln(x, -5), scalblnl(x, 70));
    float wholef;
    double whole;
    long double wholel;
    printf("modf %.4g %.8g %.13Lg", modff((float)big, &wholef), modf(big, &whole), modfl(big, &wholel)), printf(" %g %g %Lg\n", wholef, whole, wholel);
    printf("remquo %.4g %.8g %.13Lg", remquof(9 * (float)x, 2, q), remquo(9 * x, 2, q + 1), remquol(9 * x, 2, q + 2)), printf(" %d %d %d\n", q[0], q[1], q[2]);
    float sf, cf;
    double s, c;
    long double sl, cl;
    sincosf((float)big, &sf, &cf), sincos(big, &s, &c), sincosl(big, &sl, &cl);
    printf("sincos %.5g %.5g %.9g %.9g %.14Lg %.14Lg\n", sf, cf, s, c, sl, cl);
    printf("lgamma_r %.4g %.8g %.13Lg", lgammaf_r((float)-x, q), lgamma_r(-x, q + 1), lgammal_r(-x, q + 2)), printf(" %d %d %d\n", q[0], q[1], q[2]);
    lgamma(-x), printf("signgam %d %d\n", signgam, __signgam);
    printf("fma %.5g %.9g\n", fmaf((float)x, 3, 1), fma(x, 3, 1));
  }
  CLASS(finite) CLASS(isinf) CLASS(isnan) CLASS(__finite) CLASS(__isinf) CLASS(__isnan) CLASS(__signbit)
  for (int i = 0; i < 7; i++) printf("class %d %d %d\n", __fpclassify(odd[i]), __fpclassifyf((float)odd[i]), __fpclassifyl(odd[i]));
  printf("nan %d %d %d\n", isnan(nan("")) != 0, isnanf(nanf("7")) != 0, isnanl(nanl("")) != 0);
  rounding(), exceptions();
  return 0;
}
