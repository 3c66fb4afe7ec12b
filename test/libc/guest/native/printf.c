/* Random formats and values through snprintf: count lines, seed in argv. With argv[3] the rounding mode also varies. */
#include <fenv.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <wchar.h>
#include "random.h"

static char *out, text[64];
static char *build(char *f, int floating, int *stars) {
  *stars = 0;
  *f++ = '%';
  static const char flags[] = "-+ #0'";
  for (unsigned n = below(3); n > 0; n--) *f++ = flags[below(6)];
  if (below(2)) {
    if (below(8) == 0) *f++ = '*', *stars |= 1;
    else f += sprintf(f, "%u", below(8) ? below(30) + 1 : below(300) + 1);
  }
  if (below(2)) {
    *f++ = '.';
    if (below(8) == 0) *f++ = '*', *stars |= 2;
    else if (below(8)) f += sprintf(f, "%u", below(8) ? below(floating ? 25 : 30) : below(700));
  }
  *f = 0;
  return f;
}
#define PRINT(value) \
  (stars == 0 ? snprintf(out, size, f, value) : stars == 1 ? snprintf(out, size, f, star1, value) \
   : stars == 2 ? snprintf(out, size, f, star2, value) : snprintf(out, size, f, star1, star2, value))

int main(int argc, char **argv) {
  int count = atoi(argv[1]), modes = argc > 3;
  random_state += strtoull(argv[2], NULL, 10) * 1000003;
  for (int i = 0; i < 20; i++) next64();
  out = malloc(70000);
  for (int i = 0; i < count; i++) {
    char f[100], *end;
    int stars, n, star1 = (int)below(60) - 30, star2 = (int)below(30) - 5;
    size_t size = below(20) ? 70000 : below(20);
    memset(out, '~', 20);
    if (modes) {
      static const int all[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
      fesetround(all[below(4)]);
    }
    errno = 0;
    switch (below(8)) {
      case 0: case 1: {
        static const char *lengths[] = { "hh", "h", "", "l", "ll", "j", "z", "t", "L", "q" };
        unsigned l = below(10);
        end = build(f, 0, &stars);
        sprintf(end, "%s%c", lengths[l], "diouxX"[below(6)]);
        uint64_t v = some_integer();
        if (l == 3 || l == 6 || l == 7) n = PRINT((long)v);
        else if (l == 4 || l == 5 || l > 7) n = PRINT((long long)v);
        else n = PRINT((int)v);
        break;
      }
      case 2: case 3: case 4:
        end = build(f, 1, &stars);
        *end++ = "eEfFgGaA"[below(8)];
        *end = 0;
        n = PRINT(some_double());
        break;
      case 5:
        end = build(f, 1, &stars);
        *end++ = 'L';
        *end++ = "eEfFgGaA"[below(8)];
        *end = 0;
        n = PRINT(some_long_double());
        break;
      case 6: {
        end = build(f, 0, &stars);
        unsigned kind = below(6);
        for (unsigned k = 0, m = below(40); k <= m; k++) text[k] = (char)(k == m ? 0 : ' ' + 1 + below(90));
        wchar_t wide[] = { 'w', 'i', 'd', 'e', below(10) ? 'x' : 0xe4, 0 };
        if (kind == 0) strcpy(end, "c"), n = PRINT((int)below(256));
        else if (kind == 1) strcpy(end, "p"), n = PRINT((void *)(uintptr_t)(below(4) ? some_integer() : 0));
        else if (kind == 2) strcpy(end, "ls"), n = PRINT(wide);
        else if (kind == 3) strcpy(end, "lc"), n = PRINT((wint_t)below(140));
        else if (kind == 4) strcpy(end, "s"), n = PRINT((char *)NULL);
        else strcpy(end, "s"), n = PRINT(text);
        break;
      }
      default: {
        static const char *mixed[] = { "%2$s|%1$d", "%3$*1$d|%2$s", "%1$d %1$x %1$o %3$f", "%%|%m|%d", "%y %5k|%-3v", "%hhn%d", "%1$d%%%3$.*1$g", "a%", "%", "%5%|%-5%|", "%I5d", "%s %s %d" };
        unsigned k = below(12);
        strcpy(f, mixed[k]);
        stars = 0;
        errno = (int)below(116);
        signed char hh = 5;
        int d = (int)below(20);
        double g = some_double();
        switch (k) {
          case 0: n = snprintf(out, size, f, d, "two"); break;
          case 1: n = snprintf(out, size, f, d, "two", 33); break;
          case 2: case 6: n = snprintf(out, size, f, d, "two", g); break;
          case 5: n = snprintf(out, size, f, &hh, d), n += 1000 * hh; break;
          case 11: n = snprintf(out, size, f, "one", "two", d); break;
          default: n = snprintf(out, size, f, d); break;
        }
      }
    }
    if (modes) fesetround(FE_TONEAREST);
    int error = n < 0 ? errno : 0;
    out[n < 0 ? 0 : (size_t)n < size ? n : size ? size - 1 : 0] == 0 || printf("no NUL ");
    if (n < 0) *out = 0;
    out[20] = n < 0 || size < 20 ? 0 : out[20];
    if (n >= 0 && size == 0) *out = 0;
    printf("%s %zu: %d %d [%s]\n", f, size, n, error, out);
  }
  return 0;
}
