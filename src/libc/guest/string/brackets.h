/* Bracket expressions as fnmatch(3), glob(3) and regcomp(3) share them (POSIX, XBD 9.3.5), in the C locale: 256 bytes. */
#ifndef FOLIO_BRACKETS_H
#define FOLIO_BRACKETS_H
#include "../libc.h"

enum bracket_error { BRACKET_OK, BRACKET_OPEN, BRACKET_CLASS, BRACKET_COLLATE, BRACKET_RANGE };
struct byte_set { unsigned char bits[32]; };
static inline int in_set(const struct byte_set *s, unsigned char c) { return s->bits[c >> 3] >> (c & 7) & 1; }
static inline void add_to_set(struct byte_set *s, unsigned char c) { s->bits[c >> 3] |= (unsigned char)(1 << (c & 7)); }

/* Whether c is in [:NAME:]; -1 if there is no such class. */
HIDDEN int in_class(const char *name, size_t length, int c);
#endif
