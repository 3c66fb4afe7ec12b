/* scanf(3): the usual conversions, assignment allocation (m, and a in the old GNU way), positions, char classes. */
#include "../stdlib/float.h"
#include "stdio.h"

struct input {
  FILE *file;
  int count; /* characters read so far, for %n */
  int last, ended, saved_errno;
};
/* Once the input has ended, asking again brings back the errno of that moment, as in glibc. */
static int next(struct input *in) {
  if (in->ended) {
    errno = in->saved_errno;
    return in->last = EOF;
  }
  in->last = get_byte(in->file);
  if (in->last == EOF) {
    in->ended = 1;
    in->saved_errno = errno;
  }
  if (in->last != EOF) in->count++;
  return in->last;
}
static void back(struct input *in) {
  if (in->last == EOF) return;
  in->file->_IO_read_ptr--; /* the byte just read lies in the buffer */
  in->count--;
}
static int skip_space(struct input *in) {
  int c, saved = errno;
  errno = 0;
  do c = next(in);
  while (c != EOF && is_space(c));
  errno = saved;
  return c;
}
/* The same before a conversion, which looks at the character once more. */
static int first_char(struct input *in) {
  int c = skip_space(in);
  if (c == EOF) errno = in->saved_errno;
  return c;
}

enum size { SIZE_INT, SIZE_HH, SIZE_H, SIZE_L, SIZE_LL, SIZE_Z };
struct conversion {
  int assign, width, allocate, position;
  enum size size;
};

static void store_integer(void *to, enum size size, unsigned long long v) {
  switch (size) {
    case SIZE_HH: *(signed char *)to = (signed char)v; break;
    case SIZE_H: *(short *)to = (short)v; break;
    case SIZE_INT: *(int *)to = (int)v; break;
    case SIZE_L: case SIZE_Z: *(long *)to = (long)v; break;
    case SIZE_LL: *(long long *)to = (long long)v; break;
  }
}

/* Text that grows on the heap beyond what the stack holds: numbers may have any length. */
struct text { char *at; size_t n, room; char here[512]; };
static void text_begin(struct text *t) { t->at = t->here, t->n = 0, t->room = sizeof t->here; }
static void text_add(struct text *t, int c) {
  if (t->n + 1 == t->room) {
    char *larger = malloc(2 * t->room);
    if (!larger) return;
    memcpy(larger, t->at, t->n);
    if (t->at != t->here) free(t->at);
    t->at = larger;
    t->room *= 2;
  }
  t->at[t->n++] = (char)c;
  t->at[t->n] = 0;
}
static void text_end(struct text *t) {
  if (t->at != t->here) free(t->at);
}

enum outcome { MATCHED, MISMATCH, AT_END };

static int digit_value(int c) { return is_digit(c) ? c - '0' : is_alpha(c) ? (c | 32) - 'a' + 10 : 99; }

static enum outcome scan_integer(struct input *in, const struct conversion *cv, int base, int is_signed, int pointer, void *to) {
  int c = first_char(in), width = cv->width > 0 ? cv->width : INT_MAX;
  if (c == EOF) return AT_END;
  struct text t;
  text_begin(&t);
  if (c == '-' || c == '+') {
    text_add(&t, c);
    if (--width == 0) return MISMATCH;
    c = next(in);
  }
  size_t sign = t.n;
  if (pointer && c == '(') { /* what printf makes of a null pointer */
    static const char nil[] = "(nil)";
    int i = 0;
    while (nil[i] && width-- > 0 && c == nil[i]) c = nil[++i] ? next(in) : c;
    if (nil[i]) return MISMATCH;
    if (cv->assign) *(void **)to = NULL;
    return MATCHED;
  }
  if (c == '0' && width > 0) {
    text_add(&t, c);
    width--;
    c = width > 0 ? next(in) : c;
    if (width > 0 && (c | 32) == 'x' && (base == 0 || base == 16)) {
      base = 16;
      width--;
      if (width > 0) c = next(in);
    } else if (base == 0) {
      base = 8;
    }
  }
  if (base == 0) base = 10;
  int pending = width > 0; /* c is read and not used yet */
  while (width > 0 && c != EOF && digit_value(c) < base) {
    text_add(&t, c);
    pending = --width > 0;
    if (pending) c = next(in);
  }
  if (pending) back(in);
  if (t.n == sign) {
    text_end(&t);
    return c == EOF && sign == 0 ? AT_END : MISMATCH;
  }
  unsigned long long v;
  if (pointer) v = strtoul(t.at, NULL, 16);
  else if (cv->size == SIZE_LL) v = is_signed ? (unsigned long long)strtoll(t.at, NULL, base) : strtoull(t.at, NULL, base);
  else v = is_signed ? (unsigned long long)strtol(t.at, NULL, base) : strtoul(t.at, NULL, base);
  text_end(&t);
  if (cv->assign) store_integer(to, pointer ? SIZE_L : cv->size, v);
  return MATCHED;
}

static int word_follows(struct input *in, struct text *t, const char *lower, int *width) {
  for (; *lower; lower++) {
    if (*width == 0) return 0;
    int c = next(in);
    if (c == EOF || to_lower(c) != *lower) {
      back(in);
      return 0;
    }
    text_add(t, c);
    --*width;
  }
  return 1;
}

static enum outcome scan_float(struct input *in, const struct conversion *cv, void *to) {
  int c = first_char(in), width = cv->width > 0 ? cv->width : INT_MAX;
  if (c == EOF) return AT_END;
  struct text t;
  text_begin(&t);
  if (c == '-' || c == '+') {
    text_add(&t, c);
    if (--width == 0) return MISMATCH;
    c = next(in);
  }
  int ok = 1;
  if ((c | 32) == 'n' || (c | 32) == 'i') {
    text_add(&t, c);
    width--;
    int inf = (c | 32) == 'i';
    ok = word_follows(in, &t, inf ? "nf" : "an", &width);
    if (ok && inf && width > 0) {
      c = next(in);
      if (c != EOF && (c | 32) == 'i') {
        text_add(&t, c);
        width--;
        ok = word_follows(in, &t, "nity", &width);
      } else {
        back(in);
      }
    }
  } else {
    int hex = 0, digits = 0, point = 0, exponent = 0, pending = 1;
    if (c == '0') {
      text_add(&t, c);
      digits = 1;
      pending = --width > 0;
      if (pending) c = next(in);
      if (pending && width > 1 && c != EOF && (c | 32) == 'x') {
        hex = 1;
        digits = 0;
        text_add(&t, c);
        pending = --width > 0;
        if (pending) c = next(in);
      }
    }
    while (pending && c != EOF) {
      if (is_digit(c) || (hex && !exponent && digit_value(c) < 16)) {
        digits = 1;
      } else if (exponent && (c == '-' || c == '+') && (t.at[t.n - 1] | 32) == (hex ? 'p' : 'e')) {
      } else if (!exponent && digits && (c | 32) == (hex ? 'p' : 'e')) {
        exponent = 1;
      } else if (!point && !exponent && c == '.') {
        point = 1;
      } else {
        break;
      }
      text_add(&t, c);
      pending = --width > 0;
      if (pending) c = next(in);
    }
    if (pending) back(in);
    ok = digits || (hex && width == 0); /* cut after 0x or 0x.: a zero */
  }
  if (!ok) {
    text_end(&t);
    return MISMATCH;
  }
  char *end;
  const struct float_format *f = &float_formats[cv->size == SIZE_LL ? 2 : cv->size == SIZE_L ? 1 : 0];
  struct number value = parse_float(f, t.at, &end);
  int whole = end != t.at;
  text_end(&t);
  if (!whole) return MISMATCH;
  if (cv->assign) {
    if (cv->size == SIZE_LL) *(long double *)to = make_long_double(value);
    else if (cv->size == SIZE_L) *(double *)to = make_double(value);
    else *(float *)to = make_float(value);
  }
  return MATCHED;
}

/* Where %s, %[ and %c store: a buffer of the caller's, or one that grows. */
struct sink { char *at; size_t n, room; char **allocated; int wide, assign; };
static int sink_begin(struct sink *s, const struct conversion *cv, void *to) {
  *s = (struct sink){ to, 0, 0, NULL, cv->size == SIZE_L, cv->assign };
  if (!cv->allocate || !cv->assign) return 0;
  s->allocated = to;
  s->room = 100;
  s->at = *s->allocated = malloc(s->room * (s->wide ? sizeof(wchar_t) : 1));
  return s->at ? 0 : -1;
}
static void sink_put(struct sink *s, int c) {
  if (!s->assign) return;
  if (s->allocated && s->n == s->room) {
    char *larger = realloc(s->at, 2 * s->room * (s->wide ? sizeof(wchar_t) : 1));
    if (!larger) return;
    s->at = *s->allocated = larger;
    s->room *= 2;
  }
  if (s->wide) ((wchar_t *)s->at)[s->n++] = c;
  else s->at[s->n++] = (char)c;
}
static void sink_end(struct sink *s, int terminate) {
  if (terminate) sink_put(s, 0);
  if (s->allocated && s->n < s->room) {
    char *cut = realloc(s->at, s->n * (s->wide ? sizeof(wchar_t) : 1));
    if (cut) *s->allocated = cut;
  }
}
static void sink_drop(struct sink *s) {
  if (!s->allocated) return;
  free(s->at);
  *s->allocated = NULL;
}

static enum outcome scan_text(struct input *in, const struct conversion *cv, int kind, const unsigned char *set, void *to) {
  int width = cv->width > 0 ? cv->width : kind == 'c' ? 1 : INT_MAX;
  int c = kind == 's' ? first_char(in) : next(in);
  if (c == EOF) return AT_END;
  struct sink s;
  if (sink_begin(&s, cv, to) < 0) return AT_END;
  int n = 0;
  for (;; c = next(in)) {
    if (c == EOF || (kind == 's' && is_space(c)) || (kind == '[' && !(set[c / 8] >> c % 8 & 1))) {
      back(in);
      break;
    }
    if (s.wide && c >= 0x80) {
      errno = EILSEQ;
      sink_drop(&s);
      return AT_END;
    }
    sink_put(&s, c);
    if (++n == width) break;
  }
  if (n == 0) {
    sink_drop(&s);
    return MISMATCH;
  }
  sink_end(&s, kind != 'c');
  return MATCHED;
}

/* %[...]: a set of characters, with ranges, complemented after ^; ] is a member in the first place. */
static const char *parse_set(const char *fmt, unsigned char *set) {
  int invert = *fmt == '^';
  fmt += invert;
  memset(set, 0, 32);
  for (const char *first = fmt; *fmt && (*fmt != ']' || fmt == first); fmt++) {
    unsigned from = (unsigned char)*fmt, to = from;
    if (fmt[1] == '-' && fmt[2] && fmt[2] != ']' && (unsigned char)fmt[2] >= from) {
      to = (unsigned char)fmt[2];
      fmt += 2;
    }
    for (; from <= to; from++) set[from / 8] |= (unsigned char)(1 << from % 8);
  }
  for (int i = 0; invert && i < 32; i++) set[i] = (unsigned char)~set[i];
  return *fmt ? fmt + 1 : NULL;
}

static const char *parse_conversion(const char *fmt, struct conversion *cv, int iso_c99) {
  *cv = (struct conversion){ .assign = 1 };
  const char *p = fmt;
  int n = 0;
  while (is_digit(*p)) n = n * 10 + (*p++ - '0');
  if (n > 0 && *p == '$') {
    cv->position = n;
    fmt = p + 1;
  }
  for (; *fmt == '*' || *fmt == '\'' || *fmt == 'I'; fmt++)
    if (*fmt == '*') cv->assign = 0;
  while (is_digit(*fmt)) cv->width = cv->width * 10 + (*fmt++ - '0');
  switch (*fmt) {
    case 'h': cv->size = fmt[1] == 'h' ? SIZE_HH : SIZE_H; fmt += 1 + (fmt[1] == 'h'); break;
    case 'l': cv->size = fmt[1] == 'l' ? SIZE_LL : SIZE_L; fmt += 1 + (fmt[1] == 'l'); break;
    case 'q': case 'L': case 'j': cv->size = SIZE_LL; fmt++; break;
    case 'z': case 'Z': case 't': cv->size = SIZE_Z; fmt++; break;
    case 'a':
      if (iso_c99 || (fmt[1] != 's' && fmt[1] != 'S' && fmt[1] != '[')) break;
      cv->allocate = 1;
      fmt++;
      break;
    case 'm':
      cv->allocate = 1;
      fmt++;
      if (*fmt == 'l') cv->size = SIZE_L, fmt++;
      break;
    default: break;
  }
  return fmt;
}

static void *argument(va_list all, int position, va_list *ap) {
  if (position == 0) return va_arg(*ap, void *);
  va_list copy;
  va_copy(copy, all);
  void *result = NULL;
  while (position-- > 0) result = va_arg(copy, void *);
  va_end(copy);
  return result;
}

HIDDEN int scan(FILE *f, const char *fmt, va_list all, int iso_c99) {
  struct input in = { .file = f };
  int done = 0, ended = 0;
  orient(f);
  if (f->_flags & NO_READS) {
    f->_flags |= ERR_SEEN;
    errno = EBADF;
    return EOF;
  }
  va_list ap;
  va_copy(ap, all);
  while (*fmt) {
    int c;
    if (is_space((unsigned char)*fmt)) {
      while (is_space((unsigned char)*fmt)) fmt++;
      skip_space(&in);
      back(&in);
      continue;
    }
    if (*fmt != '%' || fmt[1] == '%') {
      if (*fmt == '%') {
        fmt++;
        c = skip_space(&in);
      } else {
        c = next(&in);
      }
      if (c == EOF) {
        ended = 1;
        break;
      }
      if (c != (unsigned char)*fmt) {
        back(&in);
        break;
      }
      fmt++;
      continue;
    }
    struct conversion cv;
    fmt = parse_conversion(fmt + 1, &cv, iso_c99);
    int kind = *fmt ? *fmt++ : 0;
    if (kind == 'C' || kind == 'S') {
      cv.size = SIZE_L;
      kind |= 32;
    }
    unsigned char set[32];
    if (kind == '[' && !(fmt = parse_set(fmt, set))) break;
    void *to = cv.assign && strchr("diouxXpncs[aAeEfFgG", kind) && kind ? argument(all, cv.position, &ap) : NULL;
    enum outcome result = MISMATCH;
    switch (kind) {
      case 'd': result = scan_integer(&in, &cv, 10, 1, 0, to); break;
      case 'i': result = scan_integer(&in, &cv, 0, 1, 0, to); break;
      case 'o': result = scan_integer(&in, &cv, 8, 0, 0, to); break;
      case 'u': result = scan_integer(&in, &cv, 10, 0, 0, to); break;
      case 'x': case 'X': result = scan_integer(&in, &cv, 16, 0, 0, to); break;
      case 'p': result = scan_integer(&in, &cv, 16, 0, 1, to); break;
      case 'a': case 'A': case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': result = scan_float(&in, &cv, to); break;
      case 'c': case 's': case '[': result = scan_text(&in, &cv, kind, set, to); break;
      case 'n':
        if (cv.assign) store_integer(to, cv.size, (unsigned long long)in.count);
        continue;
      default: break;
    }
    if (result == MATCHED) {
      done += cv.assign;
      continue;
    }
    ended = result == AT_END;
    break;
  }
  va_end(ap);
  return ended && done == 0 ? EOF : done;
}

static const struct file_ops string_ops = { NULL, NULL, NULL, NULL, NULL };
HIDDEN void string_reader(FILE *f, const char *s) {
  stream_init(f, NO_WRITES | USER_BUF, &string_ops);
  f->_mode = -1;
  f->_IO_buf_base = f->_IO_read_base = f->_IO_read_ptr = (char *)s;
  f->_IO_buf_end = f->_IO_read_end = (char *)s + strlen(s);
}

static int scan_string(const char *s, const char *fmt, va_list ap, int iso_c99) {
  FILE f;
  string_reader(&f, s);
  return scan(&f, fmt, ap, iso_c99);
}

#define SCANNERS(prefix, iso_c99) \
  int prefix##vfscanf(FILE *f, const char *fmt, va_list ap) { return scan(f, fmt, ap, iso_c99); } \
  int prefix##vscanf(const char *fmt, va_list ap) { return scan(stdin, fmt, ap, iso_c99); } \
  int prefix##vsscanf(const char *s, const char *fmt, va_list ap) { return scan_string(s, fmt, ap, iso_c99); } \
  int prefix##fscanf(FILE *f, const char *fmt, ...) { \
    va_list ap; \
    va_start(ap, fmt); \
    int result = scan(f, fmt, ap, iso_c99); \
    va_end(ap); \
    return result; \
  } \
  int prefix##scanf(const char *fmt, ...) { \
    va_list ap; \
    va_start(ap, fmt); \
    int result = scan(stdin, fmt, ap, iso_c99); \
    va_end(ap); \
    return result; \
  } \
  int prefix##sscanf(const char *s, const char *fmt, ...) { \
    va_list ap; \
    va_start(ap, fmt); \
    int result = scan_string(s, fmt, ap, iso_c99); \
    va_end(ap); \
    return result; \
  }
SCANNERS(, 0)
SCANNERS(__isoc99_, 1)
ALIAS(_IO_vfscanf, vfscanf);
ALIAS(__vfscanf, vfscanf);
ALIAS(__vsscanf, vsscanf);
