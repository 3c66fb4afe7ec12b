/* sscanf on random formats and inputs that nearly fit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "random.h"

static char in[400], fmt[200];
static void number_text(char **p) {
  static const char *odd[] = { "0x", "0xg", "-", "+", "08", "0x1F", "-0x7", "1e", "1e+", "1.e5", ".5", ".", "inf", "-infinity", "infix", "nan", "na", "0x1.8p3", "0x.8", "99999999999999999999", "-2147483649", "4294967296", "1.5e400", "(nil)", "(nix", "0", "00", "1-", "1.2.3", "e5", "1e5e5" };
  switch (below(4)) {
    case 0: *p += sprintf(*p, "%s", odd[below(sizeof odd / sizeof *odd)]); break;
    case 1: *p += sprintf(*p, "%lld", (long long)some_integer()); break;
    case 2: *p += sprintf(*p, below(2) ? "%g" : "%.10f", (double)below(100000) / 64); break;
    default: *p += sprintf(*p, below(2) ? "%x" : "%o", (unsigned)next64()); break;
  }
}
int main(int argc, char **argv) {
  int count = atoi(argv[1]);
  random_state += strtoull(argv[2], NULL, 10) * 1000003;
  for (int i = 0; i < 20; i++) next64();
  for (int i = 0; i < count; i++) {
    char *p = in, *f = fmt;
    union slot { char c[400]; long long i; double d; long double l; void *p; } slot[4];
    char kinds[5] = "";
    int n = 1 + (int)below(4), k = 0;
    memset(slot, 0, sizeof slot);
    for (int j = 0; j < n; j++) {
      static const char *texts[] = { "%s", "%c", "%[a-z]", "%[^0-9]", "%[]x-]", "%3c", "%5s", "%2[0-9a-f]", "%*s", "%*c", "%n", "%%", "%*d", "%*[^,]", "%hhn" };
      static const char *ints[] = { "%d", "%i", "%u", "%x", "%o", "%X", "%p", "%hd", "%hhd", "%ld", "%lld", "%zu", "%jd", "%3d", "%2i", "%1x", "%4x", "%3p", "%td", "%Lx", "%qd" };
      static const char *floats[] = { "%f", "%lf", "%Lf", "%g", "%le", "%3f", "%4lf", "%2Lg", "%a", "%1f" };
      const char *one;
      if (below(3) == 0) *f++ = " ,x"[below(3)];
      if (below(3) == 0) for (unsigned m = below(3); m > 0; m--) *p++ = " \t\n"[below(3)];
      switch (below(3)) {
        case 0: one = texts[below(15)]; for (unsigned m = below(6); m > 0; m--) *p++ = "abcxyz019,]- %"[below(14)]; break;
        case 1: one = ints[below(21)]; number_text(&p); break;
        default: one = floats[below(10)]; number_text(&p); break;
      }
      if (below(3) == 0) *p++ = " ,x"[below(3)];
      f = stpcpy(f, one);
      if (!strchr(one, '*') && strcmp(one, "%%")) kinds[k++] = one[strlen(one) - 1];
    }
    *p = *f = 0;
    if (below(20) == 0) in[below(5)] = 0;
    errno = 0;
    int r = sscanf(in, fmt, &slot[0], &slot[1], &slot[2], &slot[3]);
    printf("[%s] [%s] %d %d:", in, fmt, r, errno);
    for (int j = 0; j < k; j++) {
      if (strchr("dixXoupnfegal", kinds[j])) printf(" %016llx", slot[j].i);
      else printf(" (%.30s)", slot[j].c);
      printf(" %016llx;", *(long long *)(slot[j].c + 8) & 0xffff);
    }
    printf("\n");
  }
  return 0;
}
