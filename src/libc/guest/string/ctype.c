/* <ctype.h> (isalpha(3)): the tables behind the macros, and the functions. */
#include "../libc.h"
#include "ctype-tables.h"

static const uint16_t *class_pointer;
static const int32_t *lower_pointer, *upper_pointer;

const uint16_t **__ctype_b_loc(void) { return class_pointer = class_table + 128, &class_pointer; }
const int32_t **__ctype_tolower_loc(void) { return lower_pointer = lower_table + 128, &lower_pointer; }
const int32_t **__ctype_toupper_loc(void) { return upper_pointer = upper_table + 128, &upper_pointer; }
size_t __ctype_get_mb_cur_max(void) { return 1; }

/* The answer is the class bit itself, as glibc gives it. */
#define CLASS(name, bit) \
  int name(int c) { return class_table[c + 128] & ((bit) < 8 ? (1 << (bit)) << 8 : (1 << (bit)) >> 8); } \
  int name##_l(int c, void *locale) { return (void)locale, name(c); } \
  ALIAS(__##name##_l, name##_l)

CLASS(isupper, 0);
CLASS(islower, 1);
CLASS(isalpha, 2);
CLASS(isdigit, 3);
CLASS(isxdigit, 4);
CLASS(isspace, 5);
CLASS(isprint, 6);
CLASS(isgraph, 7);
CLASS(isblank, 8);
CLASS(iscntrl, 9);
CLASS(ispunct, 10);
CLASS(isalnum, 11);

int isascii(int c) { return (c & ~0x7f) == 0; }
int toascii(int c) { return c & 0x7f; }
int tolower(int c) { return c >= -128 && c < 256 ? lower_table[c + 128] : c; }
int toupper(int c) { return c >= -128 && c < 256 ? upper_table[c + 128] : c; }
int _tolower(int c) { return lower_table[c + 128]; }
int _toupper(int c) { return upper_table[c + 128]; }
int tolower_l(int c, void *locale) { return (void)locale, tolower(c); }
int toupper_l(int c, void *locale) { return (void)locale, toupper(c); }
ALIAS(__tolower_l, tolower_l);
ALIAS(__toupper_l, toupper_l);
