/* exp, log, pow, sin, cos and tan in extended precision. */
#include "elementary.h"
#include "tables.h"

/* 2^(n + f), n whole, |f| at most 1/2 and a bit */
static ld power_of_2(ld n, ld f) {
  if (n > 17000) n = 17000;
  if (n < -16400) n = -16400;
  return scale_ld(exp2m1(f) + 1, n);
}

HIDDEN ld exp_ld(ld x) {
  if (IS_NAN(x)) return x + x;
  if (x > 12000) return __builtin_huge_vall() * (x > 0);
  if (x < -12000) return IS_INF(x) ? 0 : scale_ld(1, -16400);
  ld n = rint_ld(x * LOG2E);
  ld r = (x - n * LN2_A) - n * LN2_B;
  return power_of_2(n, r * LOG2E);
}
HIDDEN ld exp2_ld(ld x) {
  if (IS_NAN(x)) return x + x;
  if (x > 20000) return __builtin_huge_vall();
  if (x < -20000) return IS_INF(x) ? 0 : scale_ld(1, -16400);
  ld n = rint_ld(x);
  return power_of_2(n, x - n);
}
HIDDEN ld exp10_ld(ld x) {
  if (IS_NAN(x)) return x + x;
  if (x > 6000) return __builtin_huge_vall();
  if (x < -6000) return IS_INF(x) ? 0 : scale_ld(1, -16400);
  union { ld f; struct { uint64_t m; uint16_t e; } p; } high = { x };
  high.p.m &= ~0xffffffffULL;
  ld low = x - high.f, a = high.f * LOG2_10_HI, n = rint_ld(a); /* a is exact */
  return power_of_2(n, (a - n) + (low * LOG2_10_HI + x * LOG2_10_LO));
}
HIDDEN ld expm1_ld(ld x) {
  if (x > -0.34L && x < 0.34L) return x == 0 ? x : exp2m1(x * LOG2E);
  return exp_ld(x) - 1;
}

static inline ld ln2_ld(void) {
  ld v;
  __asm__("fldln2" : "=t"(v));
  return v;
}
static ld near_one(ld factor, ld x) { return ylog2_1p(factor, x - 1); }
static int is_near_one(ld x) { return x > 0.75L && x < 1.25L; }
#define LOG(name, factor) \
  HIDDEN ld name(ld x) { \
    if (IS_NAN(x)) return x + x; \
    if (x == 0) return -__builtin_huge_vall(); \
    if (x < 0) return (x - x) / 0.0L; \
    if (IS_INF(x)) return x; \
    ld f = factor; \
    return is_near_one(x) ? near_one(f, x) : ylog2x(f, x); \
  }
LOG(log_ld, ln2_ld())
LOG(log2_ld, 1)
static inline ld lg2_ld(void) {
  ld v;
  __asm__("fldlg2" : "=t"(v));
  return v;
}
LOG(log10_ld, lg2_ld())
HIDDEN ld log1p_ld(ld x) {
  if (x > -0.29L && x < 0.29L) return x == 0 ? x : ylog2_1p(ln2_ld(), x);
  return log_ld(1 + x);
}

/* An exact product of extended numbers, as a sum of two. */
struct pair { ld head, rest; };
static struct pair split(ld x) {
  union { ld f; struct { uint64_t m; uint16_t e; } p; } u = { x };
  u.p.m &= ~0xffffffffULL;
  return (struct pair){ u.f, x - u.f };
}
static struct pair product(ld x, ld y) {
  struct pair a = split(x), b = split(y);
  ld head = x * y;
  return (struct pair){ head, ((a.head * b.head - head) + a.head * b.rest + a.rest * b.head) + a.rest * b.rest };
}
static struct pair sum(ld a, ld b) {
  ld s = a + b, t = s - a;
  return (struct pair){ s, (a - (s - t)) + (b - t) };
}

/* log2 of a finite x > 0 to some 80 bits: exponent, a table for the first five bits, and a series. */
static struct pair log2_wide(ld x) {
  union { ld f; struct { uint64_t m; uint16_t e; } p; } u = { x };
  int e = 0;
  if (!(u.p.m >> 63)) {
    u.f = x * 0x1p64L;
    e = -64;
  }
  e += u.p.e - 16383;
  u.p.e = 16383;
  int i = (int)(u.p.m >> 58 & 31);
  if (u.p.m > 0xb504f333f9de6484ULL) { /* above the square root of 2: from below one, so that logs near 1 keep their bits */
    e++;
    u.f /= 2;
  }
  struct pair r;
  ld c = u.p.e == 16383 ? log2_table[i].c : log2_table[i].c / 2, head, rest;
  if (x > 0.984375L && x < 1.015625L) {
    c = 1;
    head = rest = 0;
    e = 0;
    u.f = x;
  } else {
    head = log2_table[i].head - (u.p.e == 16382);
    rest = log2_table[i].rest;
  }
  ld d = u.f - c, q = d / c; /* d is exact */
  struct pair back = product(q, c);
  ld q_rest = ((d - back.head) - back.rest) / c;
  r = (struct pair){ q, q_rest };
  struct pair square = product(r.head, r.head);
  ld z = r.head, series = z * z * z * (1 / 3.0L - z * (1 / 4.0L - z * (1 / 5.0L - z * (1 / 6.0L - z * (1 / 7.0L - z * (1 / 8.0L - z * (1 / 9.0L - z * (1 / 10.0L - z * (1 / 11.0L - z * (1 / 12.0L - z / 13.0L))))))))));
  struct pair ln = sum(r.head, -square.head / 2);
  ld ln_rest = ln.rest + r.rest - r.head * r.rest - square.rest / 2 + series;
  struct pair whole = sum(ln.head, ln_rest);
  struct pair scaled = product(whole.head, LOG2E_HI);
  ld low = scaled.rest + whole.head * LOG2E_LO + whole.rest * LOG2E;
  struct pair total = sum((ld)e + head, scaled.head);
  return (struct pair){ total.head, total.rest + (low + rest) };
}

HIDDEN ld pow_ld(ld x, ld y) {
  if (y == 0 || x == 1) return 1;
  if (IS_NAN(x) || IS_NAN(y)) return x + y;
  ld ax = fabs_ld(x);
  int whole = IS_INF(y) || rint_ld(y) == y, odd = whole && fabs_ld(y) < 0x1p64L && rem_ld(fabs_ld(y), 2) == 1;
  int negative = __builtin_signbit(x) && odd;
  ld result;
  if (IS_INF(y)) return ax == 1 ? 1 : (ax > 1) == (y > 0) ? __builtin_huge_vall() : 0;
  if (ax == 0 || IS_INF(ax)) {
    result = (ax == 0) == (y < 0) ? __builtin_huge_vall() : 0;
    return negative ? -result : result;
  }
  if (x < 0 && !whole) return (x - x) / (x - x);
  if (ax == 1) return negative ? -1 : 1;
  struct pair l = log2_wide(ax);
  if (fabs_ld(y) > 0x1p80L || fabs_ld(l.head * y) > 40000) {
    result = (l.head > 0) == (y > 0) ? __builtin_huge_vall() : 0;
    if (result == 0) result = scale_ld(1, -16400); /* an underflow */
  } else {
    struct pair p = product(l.head, y);
    ld rest = p.rest + l.rest * y, n = rint_ld(p.head);
    result = power_of_2(n, (p.head - n) + rest);
  }
  return negative ? -result : result;
}

/* x to a remainder of at most pi/4 and the quadrant. */
static ld reduce(ld x, int *quadrant) {
  ld ax = fabs_ld(x);
  if (ax < 0.785398L) {
    *quadrant = 0;
    return x;
  }
  if (ax < 0x1p20L) {
    ld n = rint_ld(x * 0x1.45f306dc9c882a54p-1L);
    *quadrant = (int)n & 3;
    ld a = (x - n * PIO2_A) - n * PIO2_B;
    struct pair s = sum(a, -n * PIO2_C);
    return s.head + s.rest;
  }
  /* x = m * 2^e: of m * 2/pi only the bits around the point matter. */
  union { ld f; struct { uint64_t m; uint16_t e; } p; } u = { ax };
  int e = u.p.e - 16383 - 63; /* times 2/pi: word w of it weighs 2^(e - 32 (w + 1)) */
  int first = e > 2 ? (e - 2) / 32 : 0; /* earlier words give multiples of 4 */
  int bits = e - 32 * first;           /* 2^bits is the weight of the window's point */
  uint32_t window[8] = { 0 };
  uint64_t m = u.p.m;
  uint32_t mw[2] = { (uint32_t)(m >> 32), (uint32_t)m };
  /* The window as a fraction: product of 64 bits of m by 7 words, kept modulo 2^64 above the point. */
  uint32_t acc[10] = { 0 }; /* acc[0], acc[1]: the two words before the point of (m * window) */
  for (int w = 6; w >= 0; w--) {
    uint32_t t = first + w < 520 ? two_over_pi[first + w] : 0;
    window[w] = t;
    for (int k = 1; k >= 0; k--) { /* m's word k weighs 2^(32 (1 - k)); product lands at acc[w + k + 1], carry above */
      uint64_t carry = 0, p = (uint64_t)t * mw[k];
      int at = w + k + 1;
      p += acc[at];
      acc[at] = (uint32_t)p;
      carry = p >> 32;
      for (at--; carry && at >= 0; at--) {
        carry += acc[at];
        acc[at] = (uint32_t)carry;
        carry >>= 32;
      }
    }
  }
  (void)window;
  /* acc word i weighs 2^(32 (1 - i)) times 2^bits; take two bits before the true point and the fraction after it. */
  int shift = bits + 64; /* bits before the point in acc */
  int skip = shift - 2;  /* drop these: multiples of 4 */
  int word = skip / 32, off = skip % 32;
  uint32_t out[5];
  for (int i = 0; i < 5; i++) {
    uint64_t two = (uint64_t)(word + i < 10 ? acc[word + i] : 0) << 32 | (word + i + 1 < 10 ? acc[word + i + 1] : 0);
    out[i] = (uint32_t)(two << off >> 32);
  }
  int q = (int)(out[0] >> 30);
  uint64_t high = (uint64_t)(out[0] << 2 | out[1] >> 30) << 32 | (out[1] << 2 | out[2] >> 30);
  uint64_t low = (uint64_t)(out[2] << 2 | out[3] >> 30) << 32 | (out[3] << 2 | out[4] >> 30);
  int negative = (int)(high >> 63);
  if (negative) { /* nearer to the next quadrant */
    q++;
    low = -low;
    high = ~high + (low == 0);
  }
  ld f_head = scale_ld((ld)high, -64), f_rest = scale_ld((ld)low, -128);
  if (high >> 32 == 0) {
    f_head = scale_ld((ld)(high << 32 | low >> 32), -96);
    f_rest = scale_ld((ld)(uint32_t)low, -128);
  }
  struct pair p = product(f_head, PIO2_HI);
  ld r = p.head + (p.rest + f_head * PIO2_LO + f_rest * PIO2_HI);
  if (negative) r = -r;
  if (x < 0) {
    r = -r;
    q = -q;
  }
  *quadrant = q & 3;
  return r;
}

HIDDEN void sincos_ld(ld x, ld *sine, ld *cosine) {
  if (!IS_FINITE(x)) {
    *sine = *cosine = x - x;
    return;
  }
  int q;
  ld r = reduce(x, &q), s, c;
  __asm__("fsincos" : "=t"(c), "=u"(s) : "0"(r));
  *sine = q == 0 ? s : q == 1 ? c : q == 2 ? -s : -c;
  *cosine = q == 0 ? c : q == 1 ? -s : q == 2 ? -c : s;
}
HIDDEN ld sin_ld(ld x) {
  ld s, c;
  sincos_ld(x, &s, &c);
  return s;
}
HIDDEN ld cos_ld(ld x) {
  ld s, c;
  sincos_ld(x, &s, &c);
  return c;
}
HIDDEN ld tan_ld(ld x) {
  ld s, c;
  if (x == 0) return x;
  sincos_ld(x, &s, &c);
  return s / c;
}

HIDDEN ld round_mode_ld(ld x, int bits) {
  uint16_t old, new;
  __asm__ volatile("fnstcw %0" : "=m"(old));
  new = (uint16_t)((old & ~0xc00) | bits);
  __asm__ volatile("fldcw %2; frndint; fldcw %1" : "+t"(x) : "m"(old), "m"(new));
  return x;
}
