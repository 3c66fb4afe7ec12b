/* <math.h> against the real libm: how many results differ, and by how many units in the last place at most. With argv[3] each is printed. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "random.h"

static void show(const char *name, double x, double y, double r) {
  union { double d; uint64_t u; } a = { x }, b = { y }, c = { r };
  if (r != r) c.u = 0x7ff8000000000000ULL;
  printf("%s %016llx %016llx = %016llx %d\n", name, (unsigned long long)a.u, (unsigned long long)b.u, (unsigned long long)c.u, errno);
}
static double argument(void) {
  switch (below(6)) {
    case 0: return some_double();
    case 1: return (double)(int64_t)next64() * 0x1p-63;
    case 2: return (double)(int64_t)next64() * 0x1p-58;
    case 3: return (double)(int64_t)next64() * 0x1p-53;
    case 4: return 1 + (double)(int64_t)next64() * 0x1p-70;
    default: return (double)(int)(below(41) - 20) / 4;
  }
}
#define EXACT1(X) X(sqrt) X(floor) X(ceil) X(trunc) X(rint) X(nearbyint) X(round) X(fabs) X(logb)
#define EXACT2(X) X(fmod) X(remainder) X(copysign) X(fdim) X(fmax) X(fmin) X(nextafter)
#define NEAR1(X) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh) X(exp) X(exp2) X(exp10) \
  X(expm1) X(log) X(log2) X(log10) X(log1p) X(cbrt) X(erf) X(erfc) X(tgamma) X(lgamma)
#define NEAR2(X) X(pow) X(atan2) X(hypot)
int main(int argc, char **argv) {
  int count = atoi(argv[1]), near = argc > 3;
  random_state += strtoull(argv[2], NULL, 10) * 1000003;
  for (int i = 0; i < 20; i++) next64();
  for (int i = 0; i < count; i++) {
    double x = argument(), y = argument();
    int n, q;
    double whole, r;
#define CALL1(name) errno = 0, r = name(x), show(#name, x, 0, r);
#define CALL2(name) errno = 0, r = name(x, y), show(#name, x, y, r);
    if (near) {
      NEAR1(CALL1)
      NEAR2(CALL2)
      continue;
    }
    EXACT1(CALL1)
    EXACT2(CALL2)
    double z = argument();
    errno = 0, r = fma(x, y, z), show("fma", x, y, r);
    errno = 0, r = frexp(x, &n), show("frexp", x, n, r);
    errno = 0, r = ldexp(x, (int)below(3000) - 1500), show("ldexp", x, 0, r);
    errno = 0, r = modf(x, &whole), show("modf", x, whole, r);
    errno = 0, r = remquo(x, y, &q), show("remquo", x, r == r ? (abs(q) & 7) * (q < 0 ? -1 : 1) : 0, r);
    errno = 0;
    show("classes", x, isnan(x) * 1 + (isinf(x) != 0) * 2 + isfinite(x) * 4 + (signbit(x) != 0) * 8, fpclassify(x));
    if (fabs(x) < 1e9) show("integers", lrint(x), llround(x), lround(x)), show("ilogb", x, 0, ilogb(x));
    float f = (float)x, g = (float)y;
    volatile float sf = sqrtf(f), ff = fmaf(f, g, (float)z); /* i386 hands back more than a float */
    show("float", sf, fmodf(f, g), ff);
    show("float", nextafterf(f, g), roundf(f), rintf(g));
    show("long double", (double)floorl((long double)x * 3), (double)fmodl(x, y), (double)roundl((long double)y / 3));
  }
  return 0;
}
