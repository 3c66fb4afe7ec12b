/* fnmatch(3): patterns of the shell (POSIX, XCU 2.13), with the flags of GNU but FNM_EXTMATCH. */
#include "brackets.h"

enum { FNM_PATHNAME = 1, FNM_NOESCAPE = 2, FNM_PERIOD = 4, FNM_LEADING_DIR = 8, FNM_CASEFOLD = 16, FNM_NOMATCH = 1 };

HIDDEN int in_class(const char *name, size_t length, int c) {
#define CLASS(text, test) \
  if (length == sizeof text - 1 && memcmp(name, text, length) == 0) return test;
  int graphic = c > ' ' && c < 0x7f, alphanumeric = is_alpha(c) || is_digit(c);
  CLASS("alpha", is_alpha(c))
  CLASS("digit", is_digit(c))
  CLASS("alnum", alphanumeric)
  CLASS("upper", is_upper(c))
  CLASS("lower", is_lower(c))
  CLASS("space", is_space(c))
  CLASS("blank", c == ' ' || c == '\t')
  CLASS("punct", graphic && !alphanumeric)
  CLASS("print", graphic || c == ' ')
  CLASS("graph", graphic)
  CLASS("cntrl", (unsigned)c < ' ' || c == 0x7f)
  CLASS("xdigit", is_digit(c) || (unsigned)(c | 32) - 'a' < 6)
  return -1;
}

static int fold(int c, int flags) { return flags & FNM_CASEFOLD ? to_lower(c) : c; }

/* The character of [.x.], [=x=] or x at *p, which moves behind it; -1 if there is none. */
static int element(const char **p, int flags) {
  const char *s = *p;
  if (*s == '[' && (s[1] == '.' || s[1] == '=')) {
    if (!s[2] || s[3] != s[1] || s[4] != ']') return -1;
    *p = s + 5;
    return (unsigned char)s[2];
  }
  if (*s == '\\' && !(flags & FNM_NOESCAPE)) s++;
  if (!*s) return -1;
  *p = s + 1;
  return (unsigned char)*s;
}

/* `p` is behind "[". Where the expression ends, or NULL if it is none and "[" is a character; *matches tells about c. */
static const char *bracket(const char *p, int c, int flags, int *matches) {
  int negated = *p == '!' || *p == '^', found = 0, folded = fold(c, flags);
  if (negated) p++;
  for (int first = 1; *p != ']' || first; first = 0) {
    if (!*p) return NULL;
    if (*p == '[' && p[1] == ':') {
      const char *name = p + 2, *end = name;
      while (is_lower(*end)) end++;
      if (end[0] == ':' && end[1] == ']') {
        int in = in_class(name, (size_t)(end - name), c);
        if (in < 0) return *matches = -1, p;
        found |= in;
        p = end + 2;
        continue;
      }
    }
    int low = element(&p, flags), high = low;
    if (low < 0) return *matches = -1, p;
    if (p[0] == '-' && p[1] && p[1] != ']') {
      p++;
      high = element(&p, flags);
      if (high < 0) return *matches = -1, p;
    }
    found |= low == high ? fold(low, flags) == folded : fold(low, flags) <= folded && folded <= fold(high, flags);
  }
  *matches = found != negated;
  return p + 1;
}

static int match(const char *pattern, const char *text, int leading, int flags);

/* As in glibc, the place where a leading star and its question marks end counts as leading still. */
static int match_star(const char *p, const char *text, int leading, int flags) {
  if (leading && *text == '.') return FNM_NOMATCH;
  for (; *p == '*' || *p == '?'; p++) {
    if (*p == '*') continue;
    if (!*text || (*text == '/' && flags & FNM_PATHNAME)) return FNM_NOMATCH;
    text++;
  }
  for (;; text++, leading = 0) {
    if (match(p, text, leading, flags) == 0) return 0;
    if (!*text || (*text == '/' && flags & FNM_PATHNAME)) return FNM_NOMATCH;
  }
}

/* `leading`: a period here is matched by a period of the pattern only. */
static int match(const char *p, const char *text, int leading, int flags) {
  for (; *p; leading = flags & FNM_PERIOD && flags & FNM_PATHNAME && *text == '/', text++) {
    unsigned char c = (unsigned char)*p++;
    if (c == '*') return match_star(p, text, leading, flags);
    if (!*text) return FNM_NOMATCH;
    if (c == '?' || c == '[') {
      int matches = 1, slash = *text == '/' && flags & FNM_PATHNAME;
      const char *end = c == '[' ? bracket(p, (unsigned char)*text, flags, &matches) : p;
      if (end) {
        if (matches <= 0 || slash || (leading && *text == '.')) return FNM_NOMATCH;
        p = end;
        continue;
      }
    }
    if (c == '\\' && !(flags & FNM_NOESCAPE)) {
      if (!(c = (unsigned char)*p)) return FNM_NOMATCH;
      p++;
    }
    if (fold(c, flags) != fold((unsigned char)*text, flags)) return FNM_NOMATCH;
  }
  return !*text || (flags & FNM_LEADING_DIR && *text == '/') ? 0 : FNM_NOMATCH;
}

int fnmatch(const char *pattern, const char *text, int flags) { return match(pattern, text, flags & FNM_PERIOD, flags); }
