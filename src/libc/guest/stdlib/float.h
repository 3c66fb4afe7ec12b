/* Text to floating point number, for strtod(3) and scanf(3). */
#ifndef FOLIO_FLOAT_H
#define FOLIO_FLOAT_H
#include "../libc.h"

struct float_format { int precision, min, max; }; /* bits of the mantissa, exponents of normal numbers */
HIDDEN extern const struct float_format float_formats[3]; /* float, double, long double */
struct number { int kind, negative; uint64_t mantissa; int exponent; };
HIDDEN struct number parse_float(const struct float_format *, const char *, char **);
HIDDEN struct number round_number(const struct float_format *, int negative, uint64_t, int low, int exponent);
HIDDEN long double make_long_double(struct number);
HIDDEN double make_double(struct number);
HIDDEN float make_float(struct number);
#endif
