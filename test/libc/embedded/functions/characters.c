/* ctype with a locale, narrow and wide, under both names. */
#define _GNU_SOURCE
#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <wchar.h>
#include <wctype.h>
#define CLASSES(X) X(alnum) X(alpha) X(blank) X(cntrl) X(digit) X(graph) X(lower) X(print) X(punct) X(space) X(upper) X(xdigit)
/* The headers make macros of these. */
#undef isalnum_l
#undef __isalnum_l
#undef isalpha_l
#undef __isalpha_l
#undef isblank_l
#undef __isblank_l
#undef iscntrl_l
#undef __iscntrl_l
#undef isdigit_l
#undef __isdigit_l
#undef isgraph_l
#undef __isgraph_l
#undef islower_l
#undef __islower_l
#undef isprint_l
#undef __isprint_l
#undef ispunct_l
#undef __ispunct_l
#undef isspace_l
#undef __isspace_l
#undef isupper_l
#undef __isupper_l
#undef isxdigit_l
#undef __isxdigit_l
#define DECLARE(name) int is##name##_l(int, locale_t), __is##name##_l(int, locale_t), isw##name##_l(wint_t, locale_t), __isw##name##_l(wint_t, locale_t);
CLASSES(DECLARE)
#undef tolower_l
#undef toupper_l
#undef __tolower_l
#undef __toupper_l
int tolower_l(int, locale_t), toupper_l(int, locale_t), __tolower_l(int, locale_t), __toupper_l(int, locale_t);
#define SHOW(name) \
  for (int c = 0; c < 256; c++) \
    putchar('0' + ((is##name##_l)(c, loc) != 0) + 2 * ((__is##name##_l)(c, loc) != 0) + (c < 128 ? 4 * ((isw##name##_l)((wint_t)c, loc) != 0) + 8 * ((__isw##name##_l)((wint_t)c, loc) != 0) : 0)); \
  puts(" " #name);
int main(void) {
  locale_t loc = newlocale(LC_ALL_MASK, "C", NULL);
  CLASSES(SHOW)
  for (int c = 0; c < 128; c++) putchar('0' + ((isdigit)(c) != 0) + 2 * ((isascii)(c) != 0));
  for (int c = 33; c < 127; c++) putchar((tolower_l)(c, loc)), putchar((toupper_l)(c, loc)), putchar((__tolower_l)(c, loc)), putchar((__toupper_l)(c, loc));
  for (int c = 'A'; c <= 'Z'; c++) putchar((_tolower)(c)), putchar((_toupper)(c + 32)), putchar((tolower)(c)), putchar((toupper)(c));
  wchar_t text[] = L"abcdef";
  printf("\n%ls %d %zu\n", wcswcs(text, L"cd"), wctob(L'x'), wcrtomb((char[9]){ 0 }, L'y', NULL));
  printf("%zu %zu\n", mbrtowc(text, "z", 1, NULL), mbrlen("z", 1, NULL));
  return 0;
}
