/* The C locale, the only one there is: setlocale(3), localeconv(3), nl_langinfo(3), uselocale(3), message catalogues. */
#include "../libc.h"

struct lconv {
  char *decimal_point, *thousands_sep, *grouping, *int_curr_symbol, *currency_symbol, *mon_decimal_point, *mon_thousands_sep,
      *mon_grouping, *positive_sign, *negative_sign;
  char rest[14];
};

char *setlocale(int category, const char *name) {
  if (category < 0 || category > 12) {
    errno = EINVAL;
    return NULL;
  }
  if (!name || !*name || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0) return (char *)"C";
  errno = ENOENT;
  return NULL;
}

struct lconv *localeconv(void) {
  static struct lconv c;
  char *none = (char *)"";
  c.decimal_point = (char *)".";
  c.thousands_sep = c.grouping = c.int_curr_symbol = c.currency_symbol = c.mon_decimal_point = c.mon_thousands_sep =
      c.mon_grouping = c.positive_sign = c.negative_sign = none;
  memset(c.rest, 127, sizeof c.rest);
  return &c;
}

char *nl_langinfo(int item) {
  static const char times[] =
      "Sun\0Mon\0Tue\0Wed\0Thu\0Fri\0Sat\0Sunday\0Monday\0Tuesday\0Wednesday\0Thursday\0Friday\0Saturday\0"
      "Jan\0Feb\0Mar\0Apr\0May\0Jun\0Jul\0Aug\0Sep\0Oct\0Nov\0Dec\0January\0February\0March\0April\0May\0June\0"
      "July\0August\0September\0October\0November\0December\0AM\0PM\0%a %b %e %H:%M:%S %Y\0%m/%d/%y\0%H:%M:%S\0%I:%M:%S %p";
  if (item == 14) return (char *)"ANSI_X3.4-1968";
  if (item == 0x10000) return (char *)".";
  if (item == 0x50000) return (char *)"^[yY]";
  if (item == 0x50001) return (char *)"^[nN]";
  if (item == 0x4000f) return (char *)"-";
  if (item >> 16 == 2 && (item & 0xffff) < 44) {
    const char *s = times;
    for (int n = item & 0xffff; n > 0; n--) s += strlen(s) + 1;
    return (char *)s;
  }
  return (char *)"";
}
char *nl_langinfo_l(int item, void *locale) { return (void)locale, nl_langinfo(item); }
ALIAS(__nl_langinfo_l, nl_langinfo_l);

static struct { void *unused[29]; } c_locale;
void *newlocale(int mask, const char *name, void *base) {
  (void)mask, (void)base;
  if (!*name || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0) return &c_locale;
  errno = ENOENT;
  return NULL;
}
void *uselocale(void *locale) {
  static void *now;
  void *old = now ? now : (void *)-1;
  if (locale) now = locale;
  return old;
}
void *duplocale(void *locale) { return locale; }
void freelocale(void *locale) { (void)locale; }
ALIAS(__newlocale, newlocale);
ALIAS(__uselocale, uselocale);
ALIAS(__duplocale, duplocale);
ALIAS(__freelocale, freelocale);

char *gettext(const char *text) { return (char *)text; }
char *dgettext(const char *domain, const char *text) { return (void)domain, (char *)text; }
char *dcgettext(const char *domain, const char *text, int category) { return (void)domain, (void)category, (char *)text; }
char *dcngettext(const char *domain, const char *one, const char *more, unsigned long n, int category) {
  (void)domain, (void)category;
  return (char *)(n == 1 ? one : more);
}
char *dngettext(const char *domain, const char *one, const char *more, unsigned long n) { return dcngettext(domain, one, more, n, 5); }
char *ngettext(const char *one, const char *more, unsigned long n) { return dcngettext(NULL, one, more, n, 5); }
char *textdomain(const char *domain) { return (char *)(domain && *domain ? domain : "messages"); }
char *bindtextdomain(const char *domain, const char *directory) {
  if (!domain || !*domain) return NULL;
  return (char *)(directory ? directory : "/usr/share/locale");
}
char *bind_textdomain_codeset(const char *domain, const char *codeset) { return (void)domain, (char *)codeset; }
ALIAS(__dcgettext, dcgettext);
