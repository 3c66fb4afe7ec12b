/* stdlib.h and its neighbours: numbers, sorting, searching, random numbers, environment, options, calendar. */
#define _GNU_SOURCE
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include "random.h"

struct record { int key, serial; char rest[]; };
static int calls;
static int by_key(const void *a, const void *b) { calls++; return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b); }
static int by_key_down(const void *a, const void *b, void *arg) { return *(int *)arg * by_key(a, b); }

static void sorting(void) {
  for (int i = 0; i < 60; i++) {
    size_t size = (size_t[]){ 4, 8, 12, 16, 24, 32, 40, 100 }[below(8)], n = below(below(4) ? 40 : 700);
    char *base = malloc(n * size + 1);
    for (size_t j = 0; j < n; j++) {
      memset(base + j * size, 0, size);
      *(int *)(base + j * size) = (int)below(below(2) ? 10 : 100000);
      if (size >= 8) ((int *)(base + j * size))[1] = (int)j;
    }
    calls = 0;
    int down = -1;
    if (below(2)) qsort(base, n, size, by_key);
    else qsort_r(base, n, size, by_key_down, &down);
    unsigned h = 0;
    for (size_t j = 0; j < n * size; j++) h = h * 31 + (unsigned char)base[j];
    printf("sort %zu %zu: %08x %d\n", n, size, h, calls);
    int key = (int)below(10);
    qsort(base, n, size, by_key);
    char *found = bsearch(&key, base, n, size, by_key), *linear = lfind(&key, base, &n, size, by_key);
    printf("%ld %ld\n", found ? (long)(found - base) : -1, linear ? (long)(linear - base) : -1);
    if (size == 4 && n) { size_t m = n; lsearch(&key, base, &m, 0, by_key); printf("%zu\n", m); }
  }
  struct q { struct q *next, *prev; int v; } x = { 0, 0, 1 }, y = { 0, 0, 2 }, z = { 0, 0, 3 };
  insque(&x, NULL), insque(&y, &x), insque(&z, &x), remque(&y);
  printf("%d %d\n", x.next->v, z.prev->v);
}

static void numbers(void) {
  static const char *odd[] = { "", " ", "0x", "0xg", "-0x10", "+12", "- 1", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "-18446744073709551615", "2147483647", "2147483648", "-2147483649", "4294967295", "4294967296", "0777", "08", "zz", "1z", " \t\n\v\f\r42x", "--1", "0b11", "00x1", "Z", "-z" };
  static const int bases[] = { 0, 10, 16, 8, 2, 36, 1, 37, -1, 7 };
  for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++)
    for (unsigned j = 0; j < 10; j++) {
      char *e[4];
      wchar_t w[40], *we[4];
      int n[4];
      mbstowcs(w, odd[i], 40);
      e[0] = e[1] = e[2] = e[3] = (char *)odd[i];
      errno = 0; long l = strtol(odd[i], &e[0], bases[j]); n[0] = errno;
      errno = 0; unsigned long ul = strtoul(odd[i], &e[1], bases[j]); n[1] = errno;
      errno = 0; long long ll = strtoll(odd[i], &e[2], bases[j]); n[2] = errno;
      errno = 0; unsigned long long ull = strtoull(odd[i], &e[3], bases[j]); n[3] = errno;
      printf("%s %d: %ld %d %d, %lu %d %d, %lld %d %d, %llu %d %d", odd[i], bases[j], l, (int)(e[0] - odd[i]), n[0], ul, (int)(e[1] - odd[i]), n[1], ll, (int)(e[2] - odd[i]), n[2], ull, (int)(e[3] - odd[i]), n[3]);
      printf(" %jd %ju %lld %llu", strtoimax(odd[i], NULL, bases[j]), strtoumax(odd[i], NULL, bases[j]), (long long)strtoq(odd[i], NULL, bases[j]), (unsigned long long)strtouq(odd[i], NULL, bases[j]));
      if (bases[j] >= 0 && bases[j] != 1 && bases[j] != 37) printf(" %ld %lu %lld %llu", wcstol(w, &we[0], bases[j]), wcstoul(w, &we[1], bases[j]), wcstoll(w, &we[2], bases[j]), wcstoull(w, &we[3], bases[j])), printf(" %d", (int)(we[0] - w));
      printf("\n");
    }
  for (unsigned i = 0; i < 40; i++) {
    long long v = (long long)some_integer(), w = (long long)some_integer() | 1;
    if (v == LLONG_MIN) v++;
    lldiv_t q = lldiv(v, w);
    ldiv_t ql = ldiv((long)(v >> 33), (long)((w >> 33) | 1));
    div_t qi = div((int)(v >> 33), (int)((w >> 33) | 1));
    imaxdiv_t qm = imaxdiv(v, w);
    printf("%lld %lld %ld %ld %d %d %jd %d %ld %lld %jd\n", q.quot, q.rem, ql.quot, ql.rem, qi.quot, qi.rem, qm.rem, abs((int)(v >> 33)), labs((long)(v >> 33)), llabs(v), imaxabs(v));
    char text[40];
    sprintf(text, " %lld.5e1", v);
    printf("%d %ld %lld %g %s %ld\n", atoi(" 12x"), atol(text + (v < 0)), atoll(text), atof(text), l64a((long)(v & 0x7fffffff)), a64l("x/Z9."));
    wchar_t wide[40], *end;
    mbstowcs(wide, text, 40);
    double wd = wcstod(wide, &end);
    printf("%g %g %Lg %d\n", wd, wcstof(wide, NULL), wcstold(wide, NULL), (int)(end - wide));
  }
}

static void randoms(void) {
  char state[128], small[32];
  for (int i = 0; i < 5; i++) printf("%d %ld ", rand(), random());
  srand(42);
  for (int i = 0; i < 5; i++) printf("%d ", rand());
  srandom(7);
  for (int i = 0; i < 40; i++) printf("%ld ", random());
  initstate(5, state, sizeof state);
  for (int i = 0; i < 5; i++) printf("%ld ", random());
  char *old = initstate(6, small, sizeof small);
  for (int i = 0; i < 50; i++) printf("%ld ", random());
  setstate(old);
  for (int i = 0; i < 5; i++) printf("%ld ", random());
  struct random_data d = { 0 };
  char other[64] = "";
  int32_t v;
  initstate_r(9, other, sizeof other, &d);
  for (int i = 0; i < 5; i++) random_r(&d, &v), printf("%d ", v);
  srandom_r(10, &d), random_r(&d, &v), printf("%d ", v), setstate_r(other, &d), random_r(&d, &v), printf("%d\n", v);
  unsigned seed = 3;
  for (int i = 0; i < 5; i++) printf("%d ", rand_r(&seed));
  srand48(11);
  unsigned short x[3] = { 1, 2, 3 }, *p = x, params[7] = { 1, 2, 3, 4, 5, 6, 7 };
  for (int i = 0; i < 4; i++) printf("%a %ld %ld %a %ld %ld ", drand48(), lrand48(), mrand48(), erand48(p), nrand48(p), jrand48(p));
  p = seed48(x);
  printf("%d %ld ", p[0], lrand48());
  lcong48(params);
  printf("%ld\n", lrand48());
}

static void environment(void) {
  clearenv();
  printf("%s", getenv("A") ? "set" : "unset");
  printf(" %d %d %d", setenv("A", "1", 0), setenv("A", "2", 0), setenv("B", "", 1));
  printf(" %s %s", getenv("A"), getenv("B"));
  static char put[] = "C=3";
  printf(" %d %d %d", setenv("A", "22", 1), putenv(put), setenv("=", "x", 1));
  put[2] = '4';
  printf(" %s %s %d", getenv("A"), getenv("C"), unsetenv("A"));
  printf(" %s %s %d", getenv("A") ? "set" : "unset", secure_getenv("C"), putenv("C"));
  printf(" %s\n", getenv("C") ? "set" : "unset");
}

static void options(void) {
  static const char *lines[] = { "-a -b x -c y z", "one -a two -bthree -- -c", "-ax -z -b", "--alpha --beta=5 --be 7 rest", "--alp --gamma=x --delta --beta", "-a --alpha=1 -c -cx --bet", "x y -a", "-- -a", "-", "-W foo" };
  static const struct option longs[] = { { "alpha", 0, 0, 'A' }, { "beta", 1, 0, 'B' }, { "gamma", 2, 0, 'G' }, { "beth", 0, 0, 'H' }, { 0, 0, 0, 0 } };
  for (unsigned i = 0; i < 10; i++)
    for (int mode = 0; mode < 6; mode++) {
      char copy[100], *v[20] = { "prog" };
      int n = 1, c, index = -1;
      strcpy(copy, lines[i]);
      for (char *t = strtok(copy, " "); t; t = strtok(NULL, " ")) v[n++] = t;
      v[n] = NULL;
      optind = 0;
      opterr = 1;
      printf("%s (%d):", lines[i], mode);
      fflush(stdout);
      static const char *letters[] = { "ab:c::", "+ab:c::", "-ab:c::", ":ab:c::" };
      int limit = 20;
      while (limit-- && (c = mode < 4 ? getopt(n, v, letters[mode]) : mode == 4 ? getopt_long(n, v, "ab:c::", longs, &index) : getopt_long_only(n, v, "ab:c::", longs, &index)) != -1)
        printf(" %c(%s,%d,%d,%d)", c, optarg ? optarg : "-", optind, c == '?' || c == ':' ? optopt : 0, index);
      printf(" |");
      for (int j = optind; j < n; j++) printf(" %s", v[j]);
      printf("\n");
      fflush(stdout);
    }
}

static void show_tm(const struct tm *t) {
  printf("%d-%d-%d %d:%d:%d w%d y%d d%d %ld %s\n", t->tm_year, t->tm_mon, t->tm_mday, t->tm_hour, t->tm_min, t->tm_sec, t->tm_wday, t->tm_yday, t->tm_isdst, t->tm_gmtoff, t->tm_zone);
}
static void calendar(void) {
  static const char *zones[] = { "UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT", "<+0530>-5:30", "NZST-12NZDT,M9.5.0,M4.1.0/3", "XXX3YYY2,J60,300/1", ":UTC", "", "bogus" };
  for (unsigned z = 0; z < 9; z++) {
    setenv("TZ", zones[z], 1);
    tzset();
    printf("%s %s %s %ld %d\n", zones[z], tzname[0], tzname[1], timezone, !!daylight);
    for (int i = 0; i < 40; i++) {
      time_t t = below(4) ? (time_t)(int32_t)next64() : (time_t)(1300000000 + (long)below(30000000) * 10);
      struct tm tm, g, copy;
      localtime_r(&t, &tm);
      gmtime_r(&t, &g);
      show_tm(localtime(&t)), show_tm(gmtime(&t));
      copy = tm;
      printf("%ld", (long)mktime(&copy));
      copy = g;
      printf(" %ld", (long)timegm(&copy));
      copy = tm, copy.tm_isdst = -1;
      if (z < 2) printf(" %ld", (long)(mktime(&copy) - t) % 3600);
      struct tm odd = { .tm_year = 70 + (int)below(60), .tm_mon = (int)below(40) - 15, .tm_mday = (int)below(100) - 40, .tm_hour = (int)below(60) - 20, .tm_min = (int)below(200) - 100, .tm_sec = (int)below(500) - 100 };
      printf(" %ld\n", (long)timegm(&odd));
      show_tm(&odd);
      char text[600];
      size_t n = strftime(text, sizeof text, "%a %A %b %B %c %C %d %D %e %F %g %G %h %H %I %j %k %l %m %M %n %p %P %r %R %s %S %t %T %u %U %V %w %W %x %X %y %Y %z %Z %% %Ey %Od %q %5Y %-d %_d %05d %^a %#Z %10A %-10B %_5m %#p %^B %3S %E %", &tm);
      printf("%zu %s\n", n, text);
      printf("%s%s", asctime(&tm), ctime(&t));
      ctime_r(&t, text), asctime_r(&g, text + 100);
      printf("%s%s%zu\n", text, text + 100, strftime(text, 5, "%Y-%m", &tm));
      struct tm parsed = { 0 };
      strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %j", &tm);
      char *end = strptime(text, "%Y-%m-%d %H:%M:%S", &parsed);
      printf("%s ", end ? end : "NULL");
      parsed.tm_zone = "";
      show_tm(&parsed);
      memset(&parsed, 0, sizeof parsed);
      strftime(text, sizeof text, "%a, %d %b %Y %I:%M %p tail", &tm);
      end = strptime(text, "%a, %d %b %Y %I:%M %p", &parsed);
      printf("%s ", end ? end : "NULL");
      parsed.tm_zone = "";
      show_tm(&parsed);
      printf("%g\n", difftime(t, 5));
    }
  }
  printf("%s %s\n", strptime("zz", "%d", &(struct tm){ 0 }) ? "match" : "NULL", strptime("May 3", "%b %d", &(struct tm){ 0 }));
}

static void locales(void) {
  printf("%s %s %s %s\n", setlocale(LC_ALL, NULL), setlocale(LC_ALL, "C"), setlocale(LC_CTYPE, "POSIX"), setlocale(LC_ALL, "xx_XX") ? "found" : "NULL");
  struct lconv *l = localeconv();
  printf("%s [%s] %d\n", l->decimal_point, l->thousands_sep, l->frac_digits);
  static const nl_item items[] = { CODESET, RADIXCHAR, THOUSEP, YESEXPR, NOEXPR, D_T_FMT, D_FMT, T_FMT, T_FMT_AMPM, AM_STR, PM_STR, DAY_1, DAY_7, ABDAY_1, ABDAY_7, MON_1, MON_12, ABMON_1, ABMON_12, CRNCYSTR, ERA };
  for (unsigned i = 0; i < sizeof items / sizeof *items; i++) printf("%s|", nl_langinfo(items[i]));
  printf("\n");
}

int main(int argc, char **argv) {
  random_state += strtoull(argv[1], NULL, 10) * 1000003;
  sorting();
  numbers();
  randoms();
  environment();
  options();
  calendar();
  locales();
  return 0;
}
