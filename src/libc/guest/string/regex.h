/* A compiled regular expression: instructions of a machine that reads the text once, with all threads side by side. */
#ifndef FOLIO_REGEX_H
#define FOLIO_REGEX_H
#include "brackets.h"

enum { REG_EXTENDED = 1, REG_ICASE = 2, REG_NEWLINE = 4, REG_NOSUB = 8, REG_NOTBOL = 1, REG_NOTEOL = 2, REG_STARTEND = 4 };
enum {
  REG_NOERROR, REG_NOMATCH, REG_BADPAT, REG_ECOLLATE, REG_ECTYPE, REG_EESCAPE, REG_ESUBREG, REG_EBRACK, REG_EPAREN,
  REG_EBRACE, REG_BADBR, REG_ERANGE, REG_ESPACE, REG_BADRPT, REG_EEND, REG_ESIZE, REG_ERPAREN,
};
enum op {
  OP_BYTE, OP_SET, OP_SAVE, OP_SPLIT, OP_REPEAT, OP_JUMP, OP_BACK, OP_MATCH,
  OP_LINE_START, OP_LINE_END, OP_WORD_EDGE, OP_NO_WORD_EDGE, OP_WORD_START, OP_WORD_END, OP_TEXT_START, OP_TEXT_END,
};
/* SPLIT and REPEAT go to pc + x, or pc + y if that fails; JUMP to pc + x. SAVE, BACK, BYTE and SET have their number in x. */
struct inst { enum op op; int x, y; };
struct program {
  struct inst *code;
  int count, room;
  struct byte_set *sets;
  int set_count;
  int groups, flags, has_back;
};

typedef struct { int rm_so, rm_eo; } regmatch_t;
/* glibc's re_pattern_buffer. */
typedef struct {
  struct program *buffer;
  unsigned long allocated, used, syntax;
  char *fastmap;
  unsigned char *translate;
  size_t re_nsub;
  unsigned bits;
} regex_t;
enum { BIT_NO_SUB = 1 << 4, BIT_NEWLINE = 1 << 7 };

static inline int is_word(int c) { return is_alpha(c) || is_digit(c) || c == '_'; }
#endif
