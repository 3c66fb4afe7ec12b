/* The heart of printf(3): parsing, arguments in order or by position, and every conversion but the floating ones. */
#include "format.h"

HIDDEN void out_text(struct out *o, const char *text, size_t n) {
  if (o->failed || n == 0) return;
  if (n > (size_t)(INT_MAX - o->count)) {
    errno = EOVERFLOW;
    o->failed = 1;
  } else if (stream_put(o->file, text, n) != n) {
    o->failed = 1;
  } else {
    o->count += (int)n;
  }
}

HIDDEN void out_pad(struct out *o, int c, long n) {
  if (o->failed || n <= 0) return;
  if (n > INT_MAX - o->count) {
    errno = EOVERFLOW;
    o->failed = 1;
  } else if (stream_pad(o->file, c, (size_t)n) != (size_t)n) {
    o->failed = 1;
  } else {
    o->count += (int)n;
  }
}

/* A decimal number in a format; -1 if it exceeds INT_MAX. */
static int number(const char **at) {
  int value = 0;
  for (; is_digit(**at); ++*at) {
    if (value >= 0) value = value > (INT_MAX - (**at - '0')) / 10 ? -1 : value * 10 + (**at - '0');
  }
  return value;
}

/* "*" or "*N$" */
static int star(const char **at) {
  const char *p = *at;
  int n = number(&p);
  if (n <= 0 || *p != '$') return ARG_NEXT;
  *at = p + 1;
  return n - 1;
}

HIDDEN const char *parse_spec(const char *p, struct spec *s) {
  *s = (struct spec){ .width = 0, .precision = -1, .arg = ARG_NEXT, .width_arg = ARG_NONE, .precision_arg = ARG_NONE };
  const char *digits = p;
  int n = number(&p);
  if (n > 0 && *p == '$') {
    s->arg = n - 1;
    p++;
  } else {
    p = digits;
  }
  static const char letters[] = "-+ #0'I";
  for (const char *flag; *p && (flag = strchr(letters, *p)); p++) s->flags |= 1 << (flag - letters);
  if (*p == '*') {
    p++;
    s->width_arg = star(&p);
  } else {
    s->width = number(&p);
  }
  if (*p == '.') {
    p++;
    if (*p == '*') {
      p++;
      s->precision_arg = star(&p);
    } else if (*p == '-') { /* a negative precision counts as none */
      p++;
      number(&p);
    } else {
      s->precision = number(&p);
      if (s->precision < 0) s->width = -1;
    }
  }
  switch (*p) {
    case 'h': s->length = p[1] == 'h' ? L_HH : L_H; break;
    case 'l': s->length = p[1] == 'l' ? L_LL : L_L; break;
    case 'L': s->length = L_LD; break;
    case 'q': s->length = L_LL; p++; break;
    case 'j': s->length = L_J; break;
    case 'z': case 'Z': s->length = L_Z; break;
    case 't': s->length = L_T; break;
    default: break;
  }
  if (s->length != L_NONE && p[-1] != 'q') p += s->length == L_HH || s->length == L_LL ? 2 : 1;
  s->conversion = *p;
  return *p ? p + 1 : p;
}

union value { long long i; long double f; void *p; };
enum type { T_NONE, T_INT, T_LONG, T_LLONG, T_DOUBLE, T_LDOUBLE, T_POINTER };

static enum type type_of(const struct spec *s) {
  switch (s->conversion) {
    case 'd': case 'i': case 'u': case 'o': case 'x': case 'X':
      switch (s->length) {
        case L_L: case L_Z: case L_T: return T_LONG;
        case L_LL: case L_LD: case L_J: return T_LLONG;
        default: return T_INT;
      }
    case 'c': case 'C': return T_INT;
    case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': case 'a': case 'A':
      return s->length == L_LD || s->length == L_LL ? T_LDOUBLE : T_DOUBLE;
    case 's': case 'S': case 'p': case 'n': return T_POINTER;
    default: return T_NONE;
  }
}

static union value fetch(enum type type, va_list *ap) {
  union value v = { .i = 0 };
  switch (type) {
    case T_NONE: break;
    case T_INT: v.i = va_arg(*ap, int); break;
    case T_LONG: v.i = va_arg(*ap, long); break;
    case T_LLONG: v.i = va_arg(*ap, long long); break;
    case T_DOUBLE: v.f = va_arg(*ap, double); break;
    case T_LDOUBLE: v.f = va_arg(*ap, long double); break;
    case T_POINTER: v.p = va_arg(*ap, void *); break;
  }
  return v;
}

/* Sign or prefix, zeros, digits, within the width. */
static void out_number(struct out *o, const struct spec *s, const char *prefix, const char *digits, int n, int zeros) {
  int used = (int)strlen(prefix) + n + zeros;
  if (!(s->flags & F_LEFT) && s->flags & F_ZERO && s->width > used) {
    zeros += s->width - used;
    used = s->width;
  }
  if (!(s->flags & F_LEFT)) out_pad(o, ' ', (long)s->width - used);
  out_text(o, prefix, strlen(prefix));
  out_pad(o, '0', zeros);
  out_text(o, digits, (size_t)n);
  if (s->flags & F_LEFT) out_pad(o, ' ', (long)s->width - used);
}

static unsigned long long cut(enum length length, unsigned long long v, int is_signed) {
  switch (length) {
    case L_HH: return is_signed ? (unsigned long long)(signed char)v : (unsigned char)v;
    case L_H: return is_signed ? (unsigned long long)(short)v : (unsigned short)v;
    case L_NONE: return is_signed ? (unsigned long long)(int)v : (unsigned)v;
    case L_L: case L_Z: case L_T: return is_signed ? (unsigned long long)(long)v : (unsigned long)v;
    default: return v;
  }
}

static void out_integer(struct out *o, struct spec s, unsigned long long raw) {
  int c = s.conversion, is_signed = c == 'd' || c == 'i';
  unsigned long long v = cut(s.length, raw, is_signed);
  const char *prefix = "";
  if (is_signed) {
    if ((long long)v < 0) prefix = "-", v = -v;
    else prefix = s.flags & F_PLUS ? "+" : s.flags & F_SPACE ? " " : "";
  }
  char buffer[24], *end = buffer + sizeof buffer, *at = end;
  if (c == 'x' || c == 'X') {
    const char *digit = c == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
    if (v && s.flags & F_ALT) prefix = c == 'x' ? "0x" : "0X";
    for (; v; v >>= 4) *--at = digit[v & 15];
  } else if (c == 'o') {
    for (; v; v >>= 3) *--at = (char)('0' + (v & 7));
    if (s.flags & F_ALT && at < end && s.precision <= end - at) *--at = '0';
  } else {
    for (; v > UINT32_MAX; v /= 10) *--at = (char)('0' + v % 10);
    for (uint32_t w = (uint32_t)v; w; w /= 10) *--at = (char)('0' + w % 10);
  }
  int n = (int)(end - at), zeros = 0;
  if (s.precision >= 0) {
    s.flags &= ~F_ZERO;
    if (c == 'o' && s.flags & F_ALT && n == 0 && s.precision < 1) s.precision = 1;
    zeros = s.precision > n ? s.precision - n : 0;
  } else if (n == 0) {
    *--at = '0';
    n = 1;
  }
  out_number(o, &s, prefix, at, n, zeros);
}

static void out_padded(struct out *o, const struct spec *s, const char *text, size_t n) {
  long fill = s->width > 0 && (size_t)s->width > n ? s->width - (long)n : 0;
  if (!(s->flags & F_LEFT)) out_pad(o, ' ', fill);
  out_text(o, text, n);
  if (s->flags & F_LEFT) out_pad(o, ' ', fill);
}

/* Wide text, converted a character at a time; precision limits bytes, and no character is cut. */
static void out_wide(struct out *o, const struct spec *s, const wchar_t *text, size_t max_chars) {
  mbstate_t state = { 0 };
  char one[16];
  size_t bytes = 0, chars = 0;
  for (; chars < max_chars && (max_chars == 1 || text[chars]); chars++) {
    if (s->precision >= 0 && max_chars != 1 && bytes >= (size_t)s->precision) break;
    size_t n = wcrtomb(one, text[chars], &state);
    if (n == (size_t)-1) {
      o->failed = 1;
      return;
    }
    if (s->precision >= 0 && max_chars != 1 && bytes + n > (size_t)s->precision) break;
    bytes += n;
  }
  long fill = s->width > 0 && (size_t)s->width > bytes ? s->width - (long)bytes : 0;
  if (!(s->flags & F_LEFT)) out_pad(o, ' ', fill);
  for (size_t i = 0; i < chars; i++) out_text(o, one, wcrtomb(one, text[i], &state));
  if (s->flags & F_LEFT) out_pad(o, ' ', fill);
}

static void out_string(struct out *o, const struct spec *s, const char *text) {
  if (!text) {
    text = s->precision < 0 || s->precision >= 6 ? "(null)" : "";
  } else if (s->conversion == 'S' || s->length == L_L || s->length == L_LL) {
    out_wide(o, s, (const wchar_t *)text, SIZE_MAX);
    return;
  }
  out_padded(o, s, text, s->precision < 0 ? strlen(text) : strnlen(text, (size_t)s->precision));
}

static void store_count(const struct spec *s, void *to, int count) {
  switch (s->length) {
    case L_HH: *(signed char *)to = (signed char)count; break;
    case L_H: *(short *)to = (short)count; break;
    case L_NONE: *(int *)to = count; break;
    case L_L: case L_Z: case L_T: *(long *)to = count; break;
    default: *(long long *)to = count; break;
  }
}

/* A conversion there is none of is printed as it was understood. */
static void out_unknown(struct out *o, const struct spec *s) {
  char text[40], *at = text;
  *at++ = '%';
  if (s->flags & F_ALT) *at++ = '#';
  if (s->flags & F_GROUP) *at++ = '\'';
  if (s->flags & (F_PLUS | F_SPACE)) *at++ = s->flags & F_PLUS ? '+' : ' ';
  if (s->flags & F_LEFT) *at++ = '-';
  if (s->flags & F_ZERO) *at++ = '0';
  if (s->flags & F_I) *at++ = 'I';
  out_text(o, text, (size_t)(at - text));
  const struct spec plain = { .precision = -1, .conversion = 'd', .length = L_LL };
  if (s->width != 0) out_integer(o, plain, (unsigned long long)s->width);
  if (s->precision != -1) {
    out_text(o, ".", 1);
    out_integer(o, plain, (unsigned long long)s->precision);
  }
  out_text(o, &s->conversion, 1);
}

static void convert(struct out *o, struct spec *s, union value v, int saved_errno) {
  switch (s->conversion) {
    case 'd': case 'i': case 'u': case 'o': case 'x': case 'X': out_integer(o, *s, (unsigned long long)v.i); break;
    case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': out_float(o, s, v.f); break;
    case 'a': case 'A': out_hex_float(o, s, v.f, type_of(s) == T_LDOUBLE); break;
    case 's': case 'S': out_string(o, s, v.p); break;
    case 'm': {
      char unknown[32];
      s->length = L_NONE;
      out_string(o, s, __strerror_r(saved_errno, unknown, sizeof unknown));
      break;
    }
    case 'c': case 'C': {
      if (s->conversion == 'C' || s->length == L_L) {
        wchar_t wide = (wchar_t)v.i;
        out_wide(o, s, &wide, 1);
      } else {
        char c = (char)v.i;
        out_padded(o, s, &c, 1);
      }
      break;
    }
    case 'p':
      if (v.p) {
        struct spec hex = *s;
        hex.conversion = 'x';
        hex.length = L_L;
        hex.flags |= F_ALT;
        if (s->flags & (F_PLUS | F_SPACE)) { /* glibc puts the sign of a number before 0x */
          char prefix[4] = { s->flags & F_PLUS ? '+' : ' ', '0', 'x', 0 };
          char digits[17], *at = digits + 17;
          for (unsigned long w = (unsigned long)v.p; w; w >>= 4) *--at = "0123456789abcdef"[w & 15];
          int n = (int)(digits + 17 - at), zeros = 0;
          if (s->precision >= 0) hex.flags &= ~F_ZERO, zeros = s->precision > n ? s->precision - n : 0;
          out_number(o, &hex, prefix, at, n, zeros);
        } else {
          out_integer(o, hex, (unsigned long)v.p);
        }
      } else {
        out_padded(o, s, "(nil)", 5);
      }
      break;
    case 'n': store_count(s, v.p, o->count); break;
    case '%': out_text(o, "%", 1); break;
    default: out_unknown(o, s); break;
  }
}

static void use_width(struct spec *s, int width) {
  if (width < 0) {
    s->flags |= F_LEFT;
    width = width == INT_MIN ? -1 : -width;
  }
  s->width = width;
}

/* Arguments by position: their types first, then all of them at once. */
enum { MAX_POSITIONAL = 64 };
static int read_positional(const char *fmt, va_list *ap, union value *values) {
  unsigned char types[MAX_POSITIONAL] = { 0 };
  int count = 0;
  struct spec s;
  for (const char *p = strchrnul(fmt, '%'); *p; p = strchrnul(p, '%')) {
    p = parse_spec(p + 1, &s);
    int used[3] = { s.arg, s.width_arg, s.precision_arg };
    for (int i = 0; i < 3; i++) {
      if (used[i] >= MAX_POSITIONAL) return errno = EINVAL, -1;
      if (used[i] < 0 || (i == 0 && type_of(&s) == T_NONE)) continue;
      types[used[i]] = (unsigned char)(i == 0 ? type_of(&s) : T_INT);
      if (used[i] >= count) count = used[i] + 1;
    }
  }
  for (int i = 0; i < count; i++) values[i] = fetch(types[i] ? types[i] : T_INT, ap);
  return 0;
}

static int format_to(FILE *f, const char *fmt, va_list arguments) {
  struct out o = { f, 0, 0 };
  int saved_errno = errno;
  union value values[MAX_POSITIONAL];
  const char *dollar = strchr(fmt, '$');
  va_list ap;
  va_copy(ap, arguments);
  int positional = 0;
  if (dollar) { /* only if it is part of a specification */
    struct spec s;
    for (const char *p = strchrnul(fmt, '%'); *p && !positional; p = strchrnul(p, '%')) {
      p = parse_spec(p + 1, &s);
      positional = s.arg >= 0 || s.width_arg >= 0 || s.precision_arg >= 0;
    }
    if (positional && read_positional(fmt, &ap, values) < 0) o.failed = 1;
  }
  while (!o.failed) {
    const char *percent = strchrnul(fmt, '%');
    out_text(&o, fmt, (size_t)(percent - fmt));
    if (!*percent) break;
    struct spec s;
    fmt = parse_spec(percent + 1, &s);
    if (s.conversion == 0) {
      errno = EINVAL;
      o.failed = 1;
      break;
    }
    if (s.width_arg != ARG_NONE) use_width(&s, s.width_arg >= 0 ? (int)values[s.width_arg].i : va_arg(ap, int));
    if (s.precision_arg != ARG_NONE) {
      s.precision = s.precision_arg >= 0 ? (int)values[s.precision_arg].i : va_arg(ap, int);
      if (s.precision < 0) s.precision = -1;
    }
    if (s.width < 0 || s.width == INT_MAX || s.precision == INT_MAX) {
      errno = EOVERFLOW;
      o.failed = 1;
      break;
    }
    enum type type = type_of(&s);
    convert(&o, &s, type == T_NONE ? (union value){ .i = 0 } : s.arg >= 0 ? values[s.arg] : fetch(type, &ap), saved_errno);
  }
  va_end(ap);
  return o.failed ? -1 : o.count;
}

/* What an unbuffered stream is given at once is written at once: through a buffer of the call's own. */
static ssize_t helper_write(FILE *f, const char *from, size_t n) { return (ssize_t)stream_put(f->_cookie, from, n); }
static const struct file_ops helper_ops = { NULL, helper_write, NULL, NULL, NULL };

static __attribute__((noinline)) int format_unbuffered(FILE *f, const char *fmt, va_list ap) {
  char buffer[8192];
  FILE helper;
  stream_init(&helper, NO_READS | PUTTING | USER_BUF, &helper_ops);
  helper._mode = -1;
  helper._cookie = f;
  helper._IO_buf_base = helper._IO_write_base = helper._IO_write_ptr = helper._IO_read_base = helper._IO_read_ptr =
      helper._IO_read_end = buffer;
  helper._IO_buf_end = helper._IO_write_end = buffer + sizeof buffer;
  int result = format_to(&helper, fmt, ap);
  size_t pending = (size_t)(helper._IO_write_ptr - helper._IO_write_base);
  if (pending > 0 && stream_put(f, buffer, pending) != pending) result = -1;
  return result;
}

HIDDEN int format(FILE *f, const char *fmt, va_list ap, int fortify) {
  (void)fortify;
  orient(f);
  if (f->_mode > 0) return -1;
  if (f->_flags & NO_WRITES) {
    f->_flags |= ERR_SEEN;
    errno = EBADF;
    return -1;
  }
  if (!fmt) {
    errno = EINVAL;
    return -1;
  }
  return f->_flags & UNBUFFERED && f->_ops && !f->_ops->grow ? format_unbuffered(f, fmt, ap) : format_to(f, fmt, ap);
}
