/*
 * strtod(3), strtof, strtold: the decimal number as a fraction of big integers, divided bit by bit, rounded once in the
 * rounding mode in force. ERANGE as on x86: tininess is detected after rounding.
 */
#include "../stdio/format.h"
#include "float.h"

/* Big integers: 32-bit words, lowest first. The longest: 11,600 digits, or 10^16500 shifted to meet them. */
struct big { int n; uint32_t *word; };

static void times_plus(struct big *b, uint32_t factor, uint32_t add) {
  uint64_t carry = add;
  for (int i = 0; i < b->n; i++) {
    carry += (uint64_t)b->word[i] * factor;
    b->word[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry) b->word[b->n++] = (uint32_t)carry;
}
static void times_power_of_5(struct big *b, int k) {
  for (; k >= 13; k -= 13) times_plus(b, 1220703125u, 0);
  uint32_t last = 1;
  while (k-- > 0) last *= 5;
  if (last > 1) times_plus(b, last, 0);
}
static int bit_length(const struct big *b) { return b->n == 0 ? 0 : 32 * b->n - __builtin_clz(b->word[b->n - 1]); }
static void shift_left(struct big *b, int by) {
  int words = by / 32, bits = by % 32;
  if (b->n == 0 || by == 0) return;
  b->word[b->n] = 0;
  for (int i = b->n; i >= 0; i--)
    b->word[i + words] = bits ? b->word[i] << bits | (i > 0 ? b->word[i - 1] >> (32 - bits) : 0) : i < b->n ? b->word[i] : 0;
  for (int i = 0; i < words; i++) b->word[i] = 0;
  b->n += words + 1;
  while (b->n > 0 && b->word[b->n - 1] == 0) b->n--;
}
static int compare(const struct big *a, const struct big *b) {
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  for (int i = a->n; i-- > 0;)
    if (a->word[i] != b->word[i]) return a->word[i] < b->word[i] ? -1 : 1;
  return 0;
}
static void subtract(struct big *a, const struct big *b) {
  int64_t borrow = 0;
  for (int i = 0; i < a->n; i++) {
    borrow += (int64_t)a->word[i] - (i < b->n ? b->word[i] : 0);
    a->word[i] = (uint32_t)borrow;
    borrow >>= 32;
  }
  while (a->n > 0 && a->word[a->n - 1] == 0) a->n--;
}

HIDDEN const struct float_format float_formats[] = { { 24, -126, 127 }, { 53, -1022, 1023 }, { 64, -16382, 16383 } };

/* mantissa (top bit set, or 0) and two bits below it: next and sticky; value = mantissa * 2^(exponent - 63). */
HIDDEN struct number round_number(const struct float_format *f, int negative, uint64_t m, int low, int exponent) {
  struct number r = { FINITE, negative, 0, f->min };
  if (m == 0) return r;
  int mode = rounding_mode(), drop = 64 - f->precision, inexact = 0, tiny = exponent < f->min;
  if (tiny) {
    int carry = 0;
    if (exponent == f->min - 1) { /* would it become normal if the exponent had no limit? */
      uint64_t tail = drop ? m & ((1ULL << drop) - 1) : 0, middle = drop ? 1ULL << (drop - 1) : 0, kept = m >> drop;
      int half = drop == 0 ? low : tail == 0 && low == 0 ? 0 : tail < middle ? 1 : tail == middle && low == 0 ? 2 : 3;
      carry = kept == (~0ULL >> drop) && rounds_up(mode, negative, 1, half);
    }
    tiny = !carry;
    drop += f->min - exponent;
    exponent = f->min;
  }
  uint64_t kept;
  int half;
  if (drop == 0) {
    kept = m;
    half = low;
  } else if (drop <= 64) {
    uint64_t tail = drop == 64 ? m : m & ((1ULL << drop) - 1), middle = 1ULL << (drop - 1);
    kept = drop == 64 ? 0 : m >> drop;
    half = tail == 0 && low == 0 ? 0 : tail < middle ? 1 : tail == middle && low == 0 ? 2 : 3;
  } else {
    kept = 0;
    half = 1;
  }
  inexact = half != 0;
  if (rounds_up(mode, negative, kept & 1, half)) {
    kept++;
    if (f->precision == 64 ? kept == 0 : kept >> f->precision) {
      kept = 1ULL << (f->precision - 1);
      exponent++;
    }
  }
  if (exponent > f->max) {
    errno = ERANGE;
    int to_max = mode == ROUND_ZERO || mode == (negative ? ROUND_UP : ROUND_DOWN);
    r.kind = to_max ? FINITE : INFINITE;
    r.mantissa = ~0ULL >> (64 - f->precision);
    r.exponent = f->max;
    return r;
  }
  if (tiny && inexact) errno = ERANGE;
  r.mantissa = kept;
  r.exponent = exponent;
  return r;
}

enum { MAX_DIGITS = 11700 };

/* count digits from s (a point among them counts not), value = DIGITS * 10^exponent */
static struct number decimal(const struct float_format *f, int negative, const char *s, int count, long exponent) {
  long top = count + exponent; /* value < 10^top */
  int sticky = 0, used = count;
  if (used > MAX_DIGITS) {
    used = MAX_DIGITS;
    exponent += count - used;
    sticky = 1; /* the last digit is not zero: trailing zeros were left out */
  }
  if (top > 5000) return round_number(f, negative, 1ULL << 63, 0, 20000);
  if (top < -5100) return round_number(f, negative, 1ULL << 63, 0, -20000);
  /* Room for the case at hand: short numbers are the rule. */
  int words = (int)((used + (exponent > 0 ? exponent : -exponent)) * 10 / 93) + 10;
  uint32_t numerator[2 * words], denominator[2 * words];
  struct big n = { 0, numerator }, d = { 1, denominator };
  denominator[0] = 1;
  uint32_t group = 0, factor = 1;
  for (int i = 0; i < used; s++) {
    if (!is_digit(*s)) continue;
    group = group * 10 + (uint32_t)(*s - '0');
    factor *= 10;
    i++;
    if (factor == 1000000000u || i == used) {
      times_plus(&n, factor, group);
      group = 0;
      factor = 1;
    }
  }
  if (sticky) { /* a digit 1 more stands for all that follow */
    times_plus(&n, 10, 1);
    exponent--;
  }
  int scale = (int)exponent; /* powers of two are only counted */
  if (exponent > 0) times_power_of_5(&n, (int)exponent);
  else times_power_of_5(&d, (int)-exponent);
  int e = bit_length(&n) - bit_length(&d);
  if (e < 0) shift_left(&n, -e);
  else shift_left(&d, e);
  if (compare(&n, &d) < 0) {
    shift_left(&n, 1);
    e--;
  }
  uint64_t m = 0;
  int next = 0;
  for (int i = 0; i < 65; i++) {
    int bit = compare(&n, &d) >= 0;
    if (bit) subtract(&n, &d);
    if (i < 64) m = m << 1 | (unsigned)bit;
    else next = bit;
    if (n.n > 0) shift_left(&n, 1);
  }
  return round_number(f, negative, m, next << 1 | (n.n > 0), e + scale);
}

static struct number hexadecimal(const struct float_format *f, int negative, const char *s, int count, long exponent) {
  uint64_t m = 0;
  int sticky = 0, next = 0, done = 0;
  for (int i = 0; i < count; s++) {
    int c = *s, v = is_digit(c) ? c - '0' : is_alpha(c) ? (c | 32) - 'a' + 10 : -1;
    if (v < 0) continue;
    i++;
    if (m >> 60 == 0 && !done) {
      m = m << 4 | (unsigned)v;
    } else if (!done) { /* the digit that no longer fits whole */
      int room = __builtin_clzll(m);
      m = room ? m << room | (unsigned)v >> (4 - room) : m;
      next = v >> (3 - room) & 1;
      sticky = (v & ((1 << (3 - room)) - 1)) != 0;
      exponent += 4 - room;
      done = 1;
    } else {
      sticky |= v != 0;
      exponent += 4;
    }
  }
  if (m == 0) return round_number(f, negative, 0, 0, 0);
  int shift = done ? 0 : __builtin_clzll(m);
  exponent += 63 - shift;
  if (exponent > 20000) exponent = 20000;
  if (exponent < -20000) exponent = -20000;
  return round_number(f, negative, m << shift, next << 1 | sticky, (int)exponent);
}

static int same_word(const char *s, const char *lower) {
  int n = 0;
  while (lower[n] && to_lower((unsigned char)s[n]) == lower[n]) n++;
  return lower[n] ? 0 : n;
}

HIDDEN struct number parse_float(const struct float_format *f, const char *start, char **end) {
  const char *s = start;
  char *ignored;
  if (!end) end = &ignored;
  *end = (char *)start;
  while (is_space((unsigned char)*s)) s++;
  int negative = *s == '-';
  if (*s == '-' || *s == '+') s++;
  struct number r = { FINITE, negative, 0, f->min };
  int word;
  if ((word = same_word(s, "inf"))) {
    int more = same_word(s + 3, "inity");
    *end = (char *)s + word + more;
    r.kind = INFINITE;
    return r;
  }
  if ((word = same_word(s, "nan"))) {
    r.kind = NAN_;
    s += word;
    *end = (char *)s;
    if (*s == '(') { /* nan(n-char-sequence): a number there is the payload */
      const char *p = s + 1;
      while (is_digit(*p) || is_alpha((unsigned char)*p) || *p == '_') p++;
      if (*p == ')') {
        char *number_end;
        unsigned long long payload = strtoull(s + 1, &number_end, 0);
        if (number_end == p) r.mantissa = payload;
        *end = (char *)p + 1;
      }
    }
    return r;
  }
  int hex = *s == '0' && (s[1] | 32) == 'x';
  if (hex) {
    const char *p = s + 2 + (s[2] == '.');
    hex = is_digit(*p) || (unsigned)(*p | 32) - 'a' < 6;
    if (hex) s += 2;
  }
  const char *first = NULL, *p = s;
  long point = 0; /* places after the point */
  int count = 0, zeros = 0, any = 0, after_point = 0;
  for (;; p++) {
    int c = *p, digit = is_digit(c) || (hex && (unsigned)(c | 32) - 'a' < 6);
    if (c == '.' && !after_point) {
      after_point = 1;
      continue;
    }
    if (!digit) break;
    any = 1;
    point += after_point;
    if (c != '0') {
      if (!first) first = p, count = 0, zeros = 0;
      count += zeros + 1;
      zeros = 0;
    } else if (first) {
      zeros++;
    }
  }
  if (!any) return r.negative = 0, r;
  *end = (char *)p;
  long exponent = 0;
  if ((*p | 32) == (hex ? 'p' : 'e')) {
    const char *q = p + 1;
    int minus = *q == '-';
    if (*q == '-' || *q == '+') q++;
    if (is_digit(*q)) {
      for (; is_digit(*q); q++)
        if (exponent < 100000000) exponent = exponent * 10 + (*q - '0');
      if (minus) exponent = -exponent;
      *end = (char *)q;
    }
  }
  if (!first) return r;
  if (hex) return hexadecimal(f, negative, first, count, exponent + 4 * (zeros - point));
  return decimal(f, negative, first, count, exponent + zeros - point);
}

HIDDEN long double make_long_double(struct number r) {
  union { struct { uint64_t mantissa; uint16_t head; } bits; long double f; } u = { { 0, 0 } };
  u.bits.head = (uint16_t)(r.negative << 15);
  if (r.kind != FINITE) {
    u.bits.head |= 0x7fff;
    u.bits.mantissa = 1ULL << 63 | (r.kind == NAN_ ? 1ULL << 62 | (r.mantissa & ((1ULL << 62) - 1)) : 0);
  } else {
    u.bits.mantissa = r.mantissa;
    if (r.mantissa >> 63) u.bits.head |= (uint16_t)(r.exponent + 16383);
  }
  return u.f;
}
HIDDEN double make_double(struct number r) {
  union { uint64_t u; double f; } b = { (uint64_t)r.negative << 63 };
  if (r.kind != FINITE) b.u |= 0x7ffULL << 52 | (r.kind == NAN_ ? 1ULL << 51 | (r.mantissa & ((1ULL << 51) - 1)) : 0);
  else if (r.mantissa >> 52) b.u |= (uint64_t)(r.exponent + 1023) << 52 | (r.mantissa & ~(1ULL << 52));
  else b.u |= r.mantissa;
  return b.f;
}
HIDDEN float make_float(struct number r) {
  union { uint32_t u; float f; } b = { (uint32_t)r.negative << 31 };
  if (r.kind != FINITE) b.u |= 0xffu << 23 | (r.kind == NAN_ ? 1u << 22 | ((uint32_t)r.mantissa & ((1u << 22) - 1)) : 0);
  else if (r.mantissa >> 23) b.u |= (uint32_t)(r.exponent + 127) << 23 | ((uint32_t)r.mantissa & ~(1u << 23));
  else b.u |= (uint32_t)r.mantissa;
  return b.f;
}

float strtof(const char *s, char **end) { return make_float(parse_float(&float_formats[0], s, end)); }
double strtod(const char *s, char **end) { return make_double(parse_float(&float_formats[1], s, end)); }
long double strtold(const char *s, char **end) { return make_long_double(parse_float(&float_formats[2], s, end)); }
float __strtof_internal(const char *s, char **end, int group) { return (void)group, strtof(s, end); }
double __strtod_internal(const char *s, char **end, int group) { return (void)group, strtod(s, end); }
long double __strtold_internal(const char *s, char **end, int group) { return (void)group, strtold(s, end); }
double strtod_l(const char *s, char **end, void *locale) { return (void)locale, strtod(s, end); }
ALIAS(__strtod_l, strtod_l);
double atof(const char *s) { return strtod(s, NULL); }
