/* string.h and ctype.h on random contents, lengths and alignments; results as offsets. */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <libgen.h>
#include <wchar.h>
#include <wctype.h>
#include <errno.h>
#include <signal.h>
#include "random.h"
#undef basename

static char a[600], b[600], c[600];
static wchar_t wa[100], wb[100], wc[200];
static int sign(int v) { return (v > 0) - (v < 0); }
static unsigned hash(const void *p, size_t n) {
  unsigned h = 5381;
  for (const unsigned char *s = p; n > 0; n--) h = h * 33 + *s++;
  return h;
}
static void fill(char *s, size_t n, const char *letters) {
  size_t m = strlen(letters);
  for (size_t i = 0; i < n; i++) s[i] = letters[below((unsigned)m)];
}
#define OFFSET(p, base) ((p) ? (long)((char *)(p) - (char *)(base)) : -1L)

extern void *__rawmemchr(const void *, int), *__mempcpy(void *, const void *, size_t);
extern char *__stpcpy(char *, const char *), *__stpncpy(char *, const char *, size_t), *__strdup(const char *), *__strndup(const char *, size_t);
extern char *__strtok_r(char *, const char *, char **), *__strcasestr(const char *, const char *);
extern int __strcasecmp(const char *, const char *), __strverscmp(const char *, const char *);
extern void __bzero(void *, size_t);
extern char *__xpg_basename(char *);
extern char *__strcpy_chk(char *, const char *, size_t), *__strcat_chk(char *, const char *, size_t), *__strncpy_chk(char *, const char *, size_t, size_t);
extern char *__strncat_chk(char *, const char *, size_t, size_t), *__stpcpy_chk(char *, const char *, size_t), *__stpncpy_chk(char *, const char *, size_t, size_t);
extern void *__memcpy_chk(void *, const void *, size_t, size_t), *__memmove_chk(void *, const void *, size_t, size_t), *__mempcpy_chk(void *, const void *, size_t, size_t), *__memset_chk(void *, int, size_t, size_t);
extern int __xpg_strerror_r(int, char *, size_t);
extern char *__strerror_r(int, char *, size_t);

int main(int argc, char **argv) {
  int count = atoi(argv[1]);
  random_state += strtoull(argv[2], NULL, 10) * 1000003;
  for (int i = 0; i < count; i++) {
    const char *letters = below(2) ? "ab" : below(2) ? "aAbB01.2" : "0019a";
    memset(a, 0, sizeof a), memset(b, 0, sizeof b);
    char *p = a + below(17), *q = b + below(17);
    size_t n = below(below(3) ? 12 : 200), m = below(below(3) ? 4 : 60), k = below(70);
    fill(p, n, letters), fill(q, m, letters);
    if (below(4) == 0) memcpy(q, p, m < n ? m : n);
    int x = letters[below(2)];
    printf("%zu %zu %zu:", n, m, k);
    printf(" %zu %zu %zu", strlen(p), strnlen(p, k), strlen(q));
    printf(" %d %d %d %d %d", sign(strcmp(p, q)), sign(strncmp(p, q, k)), sign(strcasecmp(p, q)), sign(strncasecmp(p, q, k)), sign(memcmp(p, q, k)));
    printf(" %d %d %d %d", sign(strverscmp(p, q)), sign(__strverscmp(q, p)), sign(strcoll(p, q)), sign(__strcasecmp(q, p)));
    printf(" %ld %ld %ld %ld", OFFSET(strchr(p, x), p), OFFSET(strrchr(p, x), p), OFFSET(strchrnul(p, x), p), OFFSET(memchr(p, x, k), p));
    printf(" %ld %ld %ld %ld", OFFSET(memrchr(p, x, k), p), OFFSET(rawmemchr(p, 0), p), OFFSET(__rawmemchr(p, 0), p), OFFSET(index(p, x), p));
    printf(" %ld %ld %ld %ld %ld", OFFSET(rindex(p, x), p), OFFSET(strstr(p, q), p), OFFSET(strcasestr(p, q), p), OFFSET(memmem(p, n, q, m), p), OFFSET(__strcasestr(p, q), p));
    printf(" %zu %zu %ld", strspn(p, q), strcspn(p, q), OFFSET(strpbrk(p, q), p));
    int r = bcmp(p, q, k) != 0;
    printf(" %d", r);
#define TO(call) (memset(c, '#', sizeof c), c[300] = 0, (call))
#define SHOW(call) do { long o = OFFSET(TO(call), c); printf(" %ld/%08x", o, hash(c, sizeof c)); } while (0)
    char *d = c + below(17);
    SHOW(memcpy(d, p, n)); SHOW(mempcpy(d, p, n)); SHOW(__mempcpy(d, p, n)); SHOW(memmove(d, p, n)); SHOW(strcpy(d, p)); SHOW(stpcpy(d, p));
    SHOW(__stpcpy(d, p)); SHOW(strncpy(d, p, k)); SHOW(stpncpy(d, p, k)); SHOW(__stpncpy(d, p, k)); SHOW(memset(d, x, k)); SHOW(memccpy(d, p, x, k));
    SHOW((bcopy(p, d, n), d)); SHOW((bzero(d, k), d)); SHOW((explicit_bzero(d, k), d)); SHOW((__bzero(d, k), d)); SHOW((swab(p, d, (ssize_t)k), d));
    SHOW((strcpy(d, q), strcat(d, p))); SHOW((strcpy(d, q), strncat(d, p, k))); SHOW((memcpy(d, p, 200), memmove(d + m, d, n)));
    SHOW((memcpy(d, p, 200), memmove(d, d + m, n))); SHOW((strcpy(d, p), memfrob(d, n)));
    SHOW(__memcpy_chk(d, p, n, 500)); SHOW(__memmove_chk(d, p, n, 500)); SHOW(__mempcpy_chk(d, p, n, 500)); SHOW(__memset_chk(d, x, n, 500));
    SHOW(__strcpy_chk(d, p, 500)); SHOW(__stpcpy_chk(d, p, 500)); SHOW(__strncpy_chk(d, p, k, 500)); SHOW(__stpncpy_chk(d, p, k, 500));
    SHOW((strcpy(d, q), __strcat_chk(d, p, 500))); SHOW((strcpy(d, q), __strncat_chk(d, p, k, 500)));
    d[0] = 0;
    printf(" %zu %s", strxfrm(d, p, k), k > n ? d : "");
    char *dup = strdup(p), *ndup = strndup(p, k), *dup2 = __strdup(q), *ndup2 = __strndup(q, k);
    printf(" %08x %08x %08x %08x\n", hash(dup, n + 1), hash(ndup, strlen(ndup)), hash(dup2, m + 1), hash(ndup2, strlen(ndup2)));
    strcpy(c, p);
    char *save, *at = c;
    for (char *t = strtok(c, q); t; t = strtok(NULL, q)) printf(" [%s]", t);
    strcpy(c, p);
    for (char *t = strtok_r(c, q, &save); t; t = __strtok_r(NULL, q, &save)) printf(" (%s)", t);
    strcpy(c, p);
    for (char *t; (t = strsep(&at, q));) printf(" <%s>", t);
    printf(" %d %d %d\n", ffs((int)next64()), ffsl((long)next64()), ffsll((long long)some_integer()));
    for (size_t j = 0; j < 99; j++) wa[j] = j < n ? p[j] : 0, wb[j] = j < m ? q[j] : 0;
    wa[99] = wb[99] = 0;
    size_t kk = k < 90 ? k : 90;
    memset(wc, 7, sizeof wc);
    printf(" w %zu %zu %d %d %d %d %ld %ld %ld", wcslen(wa), wcsnlen(wa, kk), sign(wcscmp(wa, wb)), sign(wcsncmp(wa, wb, kk)), sign(wcscasecmp(wa, wb)), sign(wcsncasecmp(wa, wb, kk)),
           OFFSET(wcschr(wa, x), wa), OFFSET(wcsrchr(wa, x), wa), OFFSET(wcschrnul(wa, x), wa));
    printf(" %ld %ld %zu %zu %ld %d %d", OFFSET(wmemchr(wa, x, kk), wa), OFFSET(wcsstr(wa, wb), wa), wcsspn(wa, wb), wcscspn(wa, wb), OFFSET(wcspbrk(wa, wb), wa), sign(wmemcmp(wa, wb, kk)), sign(wcscoll(wa, wb)));
#define WSHOW(call) do { wmemset(wc, 9, 200); long o = OFFSET(call, wc); printf(" %ld/%08x", o, hash(wc, sizeof wc)); } while (0)
    WSHOW(wcscpy(wc, wa)); WSHOW(wcpcpy(wc, wa)); WSHOW(wcsncpy(wc, wa, kk)); WSHOW(wcpncpy(wc, wa, kk)); WSHOW((wcscpy(wc, wa), wcscat(wc, wb))); WSHOW((wcscpy(wc, wa), wcsncat(wc, wb, kk)));
    WSHOW(wmemcpy(wc, wa, kk)); WSHOW(wmempcpy(wc, wa, kk)); WSHOW((wmemcpy(wc, wa, 99), wmemmove(wc + 3, wc, kk)));
    wchar_t *wsave, *wdup = wcsdup(wa);
    printf(" %08x %d %d", hash(wdup, wcslen(wdup) * 4), wcswidth(wa, kk), wcwidth(x));
    printf(" %zu", wcsxfrm(wc, wa, kk));
    for (wchar_t *t = wcstok(wdup, wb, &wsave); t; t = wcstok(NULL, wb, &wsave)) printf(" {%zu}", wcslen(t));
    const wchar_t *wp = wa;
    const char *np = p;
    mbstate_t st;
    memset(&st, 0, sizeof st);
    printf(" %zu %zu", wcstombs(c, wa, kk), mbstowcs(wc, p, kk));
    printf(" %zu %zu %zu %d", wcsrtombs(c, &wp, kk, &st), mbsrtowcs(wc, &np, kk, &st), mbrlen(p, k, &st), mblen(p, k));
    wp = wa, np = p;
    printf(" %zu %zu %ld %ld\n", wcsnrtombs(c, &wp, kk, kk / 2, &st), mbsnrtowcs(wc, &np, kk, kk / 2, &st), wp ? (long)(wp - wa) : -1, np ? (long)(np - p) : -1);
  }
  static const char *paths[] = { "", "/", "//", "a", "/a", "a/", "/a/b", "/a/b/", "a//b//", "..", ".", "/usr/lib", "usr/", "///a///" };
  for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
    char x[40], y[40];
    printf("[%s] [%s]", strcpy(x, paths[i]), dirname(x));
    printf(" [%s] [%s]\n", __xpg_basename(strcpy(y, paths[i])), (basename)(paths[i]));
  }
  for (int ch = -1; ch < 256; ch++) {
    printf("%d: %d%d%d%d%d%d%d%d%d%d%d%d %d %d %d %d\n", ch, !!(isalnum)(ch), !!(isalpha)(ch), !!(isblank)(ch), !!(iscntrl)(ch), !!(isdigit)(ch), !!(isgraph)(ch), !!(islower)(ch), !!(isprint)(ch),
           !!(ispunct)(ch), !!(isspace)(ch), !!(isupper)(ch), !!(isxdigit)(ch), (tolower)(ch), (toupper)(ch), (isascii)(ch), (toascii)(ch));
    printf("%x %d %d | %d %d\n", (*__ctype_b_loc())[ch], (*__ctype_tolower_loc())[ch], (*__ctype_toupper_loc())[ch], (isalpha)(ch), (isprint)(ch));
    wint_t w = (wint_t)ch;
    if (ch < 128) printf("%d%d%d%d%d%d%d%d%d%d%d%d %d %d %d %d\n", !!iswalnum(w), !!iswalpha(w), !!iswblank(w), !!iswcntrl(w), !!iswdigit(w), !!iswgraph(w), !!iswlower(w), !!iswprint(w),
           !!iswpunct(w), !!iswspace(w), !!iswupper(w), !!iswxdigit(w), (int)towlower(w), (int)towupper(w), (int)btowc(ch), wctob(w));
  }
  printf("%d %d %d\n", !!iswctype('a', wctype("alpha")), !!iswctype('a', wctype("digit")), (int)towctrans('a', wctrans("toupper")));
  for (int e = -1; e < 140; e++) {
    char text[64] = "";
    if (e == 116) continue; /* the NFS of the old text */
    printf("%d %s", e, strerror(e));
    printf(" %s", strerror_r(e, text, sizeof text));
    printf(" %d %s", __xpg_strerror_r(e, text, 10), text);
    printf(" %s | %s\n", __strerror_r(e, text, 40), e >= 0 && e < 70 ? strsignal(e) : "");
  }
  printf("%zu %d %d %d\n", __ctype_get_mb_cur_max(), mbsinit(NULL), mbtowc(wc, "x", 1), wctomb(c, L'x'));
  return 0;
}
