/* One conversion specification of printf(3), parsed, and where its output goes. */
#ifndef FOLIO_FORMAT_H
#define FOLIO_FORMAT_H
#include "stdio.h"

enum { F_LEFT = 1, F_PLUS = 2, F_SPACE = 4, F_ALT = 8, F_ZERO = 16, F_GROUP = 32, F_I = 64 };
enum length { L_NONE, L_HH, L_H, L_L, L_LL, L_LD, L_J, L_Z, L_T };
enum { ARG_NONE = -1, ARG_NEXT = -2 };

struct spec {
  int flags, width, precision; /* precision -1: none given */
  enum length length;
  char conversion;
  int arg, width_arg, precision_arg; /* ARG_NONE, ARG_NEXT, or the number before $, from 0 */
};

struct out {
  FILE *file;
  int count;
  int failed; /* errno is set */
};
HIDDEN void out_text(struct out *, const char *, size_t);
HIDDEN void out_pad(struct out *, int c, long);
HIDDEN void out_float(struct out *, const struct spec *, long double);
HIDDEN void out_hex_float(struct out *, const struct spec *, long double, int is_long_double);
HIDDEN const char *parse_spec(const char *after_percent, struct spec *);

/* Rounding as the floating point environment says (fegetround(3)). */
enum { ROUND_NEAREST = 0, ROUND_DOWN = 0x400, ROUND_UP = 0x800, ROUND_ZERO = 0xc00 };
static inline int rounding_mode(void) {
  unsigned short control;
  __asm__ volatile("fnstcw %0" : "=m"(control));
  return control & 0xc00;
}
/* Whether to go away from zero: odd, the digit kept; half 0..3: nothing, below, exactly, above one half is dropped. */
static inline int rounds_up(int mode, int negative, int odd, int half) {
  if (half == 0) return 0;
  if (mode == ROUND_NEAREST) return half == 3 || (half == 2 && odd);
  return mode == (negative ? ROUND_DOWN : ROUND_UP);
}

/* The parts of an 80-bit number (x87 double extended): value = mantissa * 2^exponent. */
struct parts { uint64_t mantissa; int exponent, negative; enum { FINITE, INFINITE, NAN_ } kind; };
static inline struct parts parts_of(long double value) {
  union { long double f; struct { uint64_t mantissa; uint16_t head; } bits; } u = { value };
  struct parts p = { u.bits.mantissa, (u.bits.head & 0x7fff) - 16383 - 63, u.bits.head >> 15, FINITE };
  if ((u.bits.head & 0x7fff) == 0x7fff) p.kind = u.bits.mantissa << 1 ? NAN_ : INFINITE;
  if ((u.bits.head & 0x7fff) == 0) p.exponent = -16382 - 63;
  return p;
}
#endif
