/* strtod, strtof, strtold on random and hard decimal strings: bits, end and errno. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fenv.h>
#include "random.h"

static char s[40000];
int main(int argc, char **argv) {
  int count = atoi(argv[1]), modes = argc > 3;
  random_state += strtoull(argv[2], NULL, 10) * 1000003;
  for (int i = 0; i < 20; i++) next64();
  for (int i = 0; i < count; i++) {
    char *p = s;
    int tie = 0;
    static const char *odd[] = { "inf", "-INFinity", "infinit", "nan", "NaN(123)", "nan(0x1f", "nan(abc)", ".", "-.e3", "0x", "0x.p1", "0x.8p", "0x1p-1074", "1e", "1e+", "1e-x", "  +1.5x", "0.0e99999", "1e99999", "-1e-99999", "0x1.fffffffffffff8p1023", "4.9406564584124654e-324", "2.4703282292062327208e-324", "2.4703282292062328e-324", "2.2250738585072011e-308", "2.2250738585072013e-308", "1.7976931348623158e308", "1.7976931348623159e308", "9007199254740993", "0x1.00000000000008p0", "0x1.000000000000081p0", "1.5.5", "", "-", "+-1", "0x1p99999999999", "1e-4951", "3.6e-4951", "1.8225997659412373012E-4951", "1.189731495357231765e4932", "1.1897314953572317651e4932" };
    switch (below(9)) {
      case 0: strcpy(s, odd[below(sizeof odd / sizeof *odd)]); break;
      case 1: sprintf(s, "%.*e", (int)below(30), some_double()); break;
      case 2: sprintf(s, "%.*Le", (int)below(40), some_long_double()); break;
      case 3: { /* exactly halfway between two doubles, perhaps a digit more or less far behind */
        union { uint64_t u; double d; } b;
        tie = 1;
        b.u = next64() & ~(1ULL << 63);
        if (b.d != b.d || b.u >> 52 >= 0x7fe) b.u = 0x3ff0000000000001ULL;
        union { struct { uint64_t m; uint16_t e; } p; long double f; } u = { { 0, 0 } };
        u.f = b.d;
        u.p.m |= 1ULL << 10;
        if (below(2)) b.u >>= below(20), u.f = b.d, u.f += 2.4703282292062327208e-324L;
        p += sprintf(s, "%.*Lf", 1100, u.f);
        int n = (int)below(4);
        if (n == 1) strcpy(p, "0000000000000000000001");
        else if (n == 2) { while (*--p == '0') ; --*p; p[1] = '9'; p[2] = 0; }
        break;
      }
      case 4: for (unsigned n = below(30) + 1; n > 0; n--) *p++ = (char)('0' + below(10)); *p++ = '.'; for (unsigned n = below(30) + 1; n > 0; n--) *p++ = (char)('0' + below(10)); sprintf(p, "e%d", (int)below(700) - 350); break;
      case 5: sprintf(s, "%.*a", (int)below(20), some_double()); break;
      case 6: p += sprintf(s, "0x"); for (unsigned n = below(30) + 1; n > 0; n--) *p++ = "0123456789abcdef"[below(16)]; *p++ = '.'; for (unsigned n = below(30) + 1; n > 0; n--) *p++ = "0123456789ABCDEF"[below(16)]; sprintf(p, "p%d", (int)below(2300) - 1150); break;
      case 7: p += sprintf(s, "%u", below(1000)); for (unsigned n = below(40); n > 0; n--) *p++ = '0'; *p = 0; if (below(2)) sprintf(p, "e%d", (int)below(20000) - 10000); break;
      default: { static const char any[] = "0123456789.eE+-xXpPinfa "; for (unsigned n = below(12); n > 0; n--) *p++ = any[below(sizeof any - 1)]; *p = 0; }
    }
    if (below(3000) == 0) { union { struct { uint64_t m; uint16_t e; } p; long double f; } u = { { next64() >> 3, 0 } }; sprintf(s, "%.*Lf", 17000, u.f); }
    char *e1, *e2, *e3;
    static const int all[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    if (modes) fesetround(all[below(4)]);
    errno = 0; float f = strtof(s, &e1); int n1 = errno;
    errno = 0; double d = strtod(s, &e2); int n2 = errno;
    errno = 0; long double l = strtold(s, &e3); int n3 = errno;
    if (modes) fesetround(FE_TONEAREST);
    union { float f; unsigned u; } bf = { f }; union { double d; uint64_t u; } bd = { d }; union { long double l; struct { uint64_t m; uint16_t e; } p; } bl = { l };
    /* glibc is not of one mind whether an exact tie between subnormals is worth ERANGE. */
    if (tie && d > -2.3e-308 && d < 2.3e-308) n2 = 0;
    s[60] = 0;
    printf("%s: %08x %d %d, %016llx %d %d, %04x %016llx %d %d\n", s, bf.u, (int)(e1 - s), n1, (unsigned long long)bd.u, (int)(e2 - s), n2, bl.p.e, (unsigned long long)bl.p.m, (int)(e3 - s), n3);
  }
  return 0;
}
