/*
 * %e %f %g and %a. A binary number has a finite decimal expansion, mantissa * 2^e or mantissa * 5^k / 10^k; it is
 * computed in full, and then rounded once, in the rounding mode of the floating point environment.
 */
#include "format.h"

#define BASE 1000000000u

static inline uint32_t divide_base(uint64_t v, uint32_t *rest) {
#ifdef __i386__
  uint32_t quotient;
  __asm__("divl %4" : "=a"(quotient), "=d"(*rest) : "0"((uint32_t)v), "1"((uint32_t)(v >> 32)), "rm"(BASE));
  return quotient;
#else
  *rest = (uint32_t)(v % BASE);
  return (uint32_t)(v / BASE);
#endif
}

/* limb[0] is the lowest; returns the new count. factor <= 2^29, so that a carry is one limb. */
static int multiply(uint32_t *limb, int n, uint32_t factor) {
  uint32_t carry = 0;
  for (int i = 0; i < n; i++) carry = divide_base((uint64_t)limb[i] * factor + carry, &limb[i]);
  if (carry) limb[n++] = carry;
  return n;
}

struct decimal {
  char *digit; /* '0' to '9', the first not zero; none for zero */
  int count;
  int point; /* value = 0.DIGITS * 10^point */
};

static int limbs_for(int exponent) {
  int bits = exponent >= 0 ? 64 + exponent : 64 + (-exponent) * 7 / 3 + 3;
  return bits / 29 + 4;
}

static void expand(uint64_t m, int e, uint32_t *limb, struct decimal *d) {
  while (e < 0 && !(m & 1)) m >>= 1, e++;
  int n = 0, scale = e < 0 ? -e : 0;
  for (uint64_t rest = m; rest; rest /= BASE) limb[n++] = (uint32_t)(rest % BASE);
  for (; e > 0; e -= min_int(e, 29)) n = multiply(limb, n, 1u << min_int(e, 29));
  int k = scale;
  for (; k >= 12; k -= 12) n = multiply(limb, n, 244140625u);
  uint32_t last = 1;
  while (k-- > 0) last *= 5;
  if (last > 1) n = multiply(limb, n, last);
  char *at = d->digit;
  for (int i = n; i-- > 0;) {
    uint32_t v = limb[i];
    for (int j = 8; j >= 0; j--, v /= 10) at[j] = (char)('0' + v % 10);
    if (i == n - 1) {
      int zeros = 0;
      while (at[zeros] == '0') zeros++;
      for (int j = zeros; j < 9; j++) at[j - zeros] = at[j];
      at += 9 - zeros;
    } else {
      at += 9;
    }
  }
  d->count = (int)(at - d->digit);
  d->point = d->count - scale;
}

/* Keeps the first `keep` digits (perhaps none, or a negative number: places before the first digit). */
static void round_to(struct decimal *d, long keep, int negative) {
  if (keep >= d->count || d->count == 0) return;
  int half = 1, odd = 0;
  if (keep >= 0) {
    int tail = 0;
    for (long i = keep + 1; i < d->count && !tail; i++) tail = d->digit[i] != '0';
    char next = d->digit[keep];
    half = next > '5' || (next == '5' && tail) ? 3 : next == '5' ? 2 : next > '0' || tail ? 1 : 0;
    odd = keep > 0 && (d->digit[keep - 1] & 1);
  }
  int up = rounds_up(half ? rounding_mode() : 0, negative, odd, half);
  if (keep <= 0) {
    d->count = up;
    d->digit[0] = '1';
    d->point = up ? d->point - (int)keep + 1 : d->point;
    return;
  }
  d->count = (int)keep;
  if (!up) return;
  int i = (int)keep - 1;
  while (i >= 0 && d->digit[i] == '9') d->digit[i--] = '0';
  if (i >= 0) {
    d->digit[i]++;
  } else {
    d->digit[0] = '1';
    d->point++;
  }
}

static const char *sign_of(const struct spec *s, int negative) {
  return negative ? "-" : s->flags & F_PLUS ? "+" : s->flags & F_SPACE ? " " : "";
}

static int out_special(struct out *o, const struct spec *s, const struct parts *p) {
  if (p->kind == FINITE) return 0;
  int upper = s->conversion < 'a';
  const char *name = p->kind == INFINITE ? (upper ? "INF" : "inf") : upper ? "NAN" : "nan", *sign = sign_of(s, p->negative);
  long fill = (long)s->width - 3 - (long)strlen(sign);
  if (!(s->flags & F_LEFT)) out_pad(o, ' ', fill);
  out_text(o, sign, strlen(sign));
  out_text(o, name, 3);
  if (s->flags & F_LEFT) out_pad(o, ' ', fill);
  return 1;
}

static void begin(struct out *o, const struct spec *s, const char *sign, const char *prefix, long length) {
  long fill = s->width - length;
  if (!(s->flags & (F_LEFT | F_ZERO))) out_pad(o, ' ', fill);
  out_text(o, sign, strlen(sign));
  out_text(o, prefix, strlen(prefix));
  if (s->flags & F_ZERO && !(s->flags & F_LEFT)) out_pad(o, '0', fill);
}
static void end(struct out *o, const struct spec *s, long length) {
  if (s->flags & F_LEFT) out_pad(o, ' ', s->width - length);
}

/* e or p, sign, at least min_digits digits */
static int exponent_text(char *to, char letter, int e, int min_digits) {
  char *at = to;
  *at++ = letter;
  *at++ = e < 0 ? '-' : '+';
  unsigned v = (unsigned)(e < 0 ? -e : e);
  char digits[8];
  int n = 0;
  do digits[n++] = (char)('0' + v % 10), v /= 10;
  while (v || n < min_digits);
  while (n > 0) *at++ = digits[--n];
  return (int)(at - to);
}

/* Digits [from, to) of the number, counted from its first; beyond its ends there are zeros. */
static void out_digits(struct out *o, const struct decimal *d, long from, long to) {
  if (from < 0) {
    long zeros = (to < 0 ? to : 0) - from;
    out_pad(o, '0', zeros);
    from += zeros;
  }
  if (from < to && from < d->count) {
    long n = (to < d->count ? to : d->count) - from;
    out_text(o, d->digit + from, (size_t)n);
    from += n;
  }
  out_pad(o, '0', to - from);
}

static void out_fixed(struct out *o, const struct spec *s, const struct decimal *d, long precision, int negative) {
  long whole = d->count > 0 && d->point > 0 ? d->point : 0, start = d->count > 0 ? d->point : 0;
  const char *sign = sign_of(s, negative);
  int point = precision > 0 || s->flags & F_ALT;
  long length = (long)strlen(sign) + (whole ? whole : 1) + point + precision;
  begin(o, s, sign, "", length);
  if (whole) out_digits(o, d, 0, whole);
  else out_text(o, "0", 1);
  if (point) out_text(o, ".", 1);
  if (d->count > 0) out_digits(o, d, start, start + precision);
  else out_pad(o, '0', precision);
  end(o, s, length);
}

static void out_scientific(struct out *o, const struct spec *s, const struct decimal *d, long precision, int negative, char letter) {
  char exponent[8];
  int n = exponent_text(exponent, letter, d->count > 0 ? d->point - 1 : 0, 2);
  const char *sign = sign_of(s, negative);
  int point = precision > 0 || s->flags & F_ALT;
  long length = (long)strlen(sign) + 1 + point + precision + n;
  begin(o, s, sign, "", length);
  out_digits(o, d, 0, 1);
  if (point) out_text(o, ".", 1);
  out_digits(o, d, 1, 1 + precision);
  out_text(o, exponent, (size_t)n);
  end(o, s, length);
}

HIDDEN void out_float(struct out *o, const struct spec *s, long double value) {
  struct parts p = parts_of(value);
  if (out_special(o, s, &p)) return;
  if (p.mantissa == 0) p.exponent = 0;
  while (p.mantissa && !(p.mantissa & 1)) p.mantissa >>= 1, p.exponent++;
  int limbs = limbs_for(p.exponent);
  uint32_t limb[limbs];
  char digits[limbs * 9 + 9];
  struct decimal d = { digits, 0, 0 };
  if (p.mantissa) expand(p.mantissa, p.exponent, limb, &d);
  long precision = s->precision < 0 ? 6 : s->precision;
  int upper = s->conversion < 'a', kind = s->conversion | 32;
  if (kind == 'f') {
    round_to(&d, d.point + precision, p.negative);
    out_fixed(o, s, &d, precision, p.negative);
    return;
  }
  if (kind == 'e') {
    round_to(&d, precision + 1, p.negative);
    out_scientific(o, s, &d, precision, p.negative, upper ? 'E' : 'e');
    return;
  }
  if (precision == 0) precision = 1;
  int before = d.point;
  round_to(&d, precision, p.negative);
  int x = d.count > 0 ? d.point - 1 : 0;
  /* glibc shows no places, even with #, where only the rounding carry made the number too long for %f. */
  long significant = d.count > 0 && before == precision && d.point > before ? 1 : precision;
  if (!(s->flags & F_ALT)) { /* trailing zeros go */
    while (d.count > 0 && d.digit[d.count - 1] == '0') d.count--;
    if (significant > d.count) significant = d.count > 0 ? d.count : 1;
  }
  if (x >= -4 && x < precision) {
    long places = significant - 1 - x;
    out_fixed(o, s, &d, places > 0 ? places : 0, p.negative);
  } else {
    out_scientific(o, s, &d, significant - 1, p.negative, upper ? 'E' : 'e');
  }
}

/* %a: a double has one hexadecimal digit 1 (or 0) before the point, an 80-bit number the top four bits. */
HIDDEN void out_hex_float(struct out *o, const struct spec *s, long double value, int is_long_double) {
  struct parts p = parts_of(value);
  if (out_special(o, s, &p)) return;
  int upper = s->conversion == 'A', places = is_long_double ? 15 : 13, e = 0;
  uint64_t m = p.mantissa;
  if (is_long_double) {
    e = m ? p.exponent + 60 : 0;
  } else if (m) { /* back to 53 bits; a subnormal double keeps 0 before the point */
    e = p.exponent + 63;
    m >>= 11;
    if (e < -1022) {
      m >>= -1022 - e;
      e = -1022;
    }
  }
  unsigned lead = (unsigned)(m >> (4 * places));
  uint64_t fraction = m & ((1ULL << (4 * places)) - 1);
  long precision = s->precision;
  if (precision < 0) {
    precision = places;
    while (precision > 0 && !(fraction >> (4 * (places - precision)) & 15)) precision--;
  } else if (precision < places) {
    int drop = 4 * (places - (int)precision);
    uint64_t tail = m & ((1ULL << drop) - 1), middle = 1ULL << (drop - 1);
    m >>= drop;
    m += (uint64_t)rounds_up(rounding_mode(), p.negative, m & 1, tail == 0 ? 0 : tail < middle ? 1 : tail == middle ? 2 : 3);
    lead = (unsigned)(m >> (4 * precision));
    fraction = (m & ((1ULL << (4 * precision)) - 1)) << drop;
    if (lead > 15) {
      lead = 1;
      e += 4;
    }
  }
  const char *digit = upper ? "0123456789ABCDEF" : "0123456789abcdef", *sign = sign_of(s, p.negative);
  char exponent[8], body[20];
  int n = exponent_text(exponent, upper ? 'P' : 'p', e, 1), point = precision > 0 || s->flags & F_ALT, shown = 0;
  for (; shown < precision && shown < places; shown++) body[shown] = digit[fraction >> (4 * (places - 1 - shown)) & 15];
  long length = (long)strlen(sign) + 3 + point + precision + n;
  begin(o, s, sign, upper ? "0X" : "0x", length);
  out_text(o, &digit[lead], 1);
  if (point) out_text(o, ".", 1);
  out_text(o, body, (size_t)shown);
  out_pad(o, '0', precision - shown);
  out_text(o, exponent, (size_t)n);
  end(o, s, length);
}
