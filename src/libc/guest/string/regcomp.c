/* regcomp(3), regfree(3), regerror(3): basic and extended expressions with GNU's operators (\w, \<, \|, ...), in the C locale. */
#include "regex.h"

enum { MAX_REPEAT = 0x7fff, MAX_CODE = 1 << 20 };
enum token { T_END, T_BYTE, T_ANY, T_BRACKET, T_OPEN, T_CLOSE, T_OR, T_STAR, T_PLUS, T_QUESTION, T_BRACE, T_BACK, T_CLASS, T_ANCHOR };

struct parser {
  struct program *program;
  const char *begin, *p, *next; /* the token at hand, and what is behind it */
  enum token token;
  int value;
  int extended, depth, error, closed; /* closed: a bit a group that is complete, for back references */
};

static struct inst *emit(struct parser *s, enum op op, int x, int y) {
  struct program *g = s->program;
  if (g->count == g->room) {
    int room = g->room ? 2 * g->room : 64;
    struct inst *code = room > MAX_CODE ? NULL : realloc(g->code, (size_t)room * sizeof *code);
    if (!code) {
      if (!s->error) s->error = room > MAX_CODE ? REG_ESIZE : REG_ESPACE;
      g->count = 0;
      if (!g->code) return NULL;
    } else g->code = code, g->room = room;
  }
  g->code[g->count] = (struct inst){ op, x, y };
  return &g->code[g->count++];
}
/* Makes room for one instruction at `at`; jumps are relative, and none crosses the start of an atom. */
static void insert(struct parser *s, int at, enum op op, int x, int y) {
  struct program *g = s->program;
  emit(s, op, x, y);
  if (s->error) return;
  memmove(g->code + at + 1, g->code + at, (size_t)(g->count - 1 - at) * sizeof *g->code);
  g->code[at] = (struct inst){ op, x, y };
}
static int new_set(struct parser *s, const struct byte_set *set) {
  struct program *g = s->program;
  struct byte_set *sets = realloc(g->sets, (size_t)(g->set_count + 1) * sizeof *sets);
  if (!sets) return s->error = REG_ESPACE, 0;
  g->sets = sets;
  sets[g->set_count] = *set;
  return g->set_count++;
}

/* Whether ^ or $ of a basic expression is an anchor here. */
static int starts_branch(const struct parser *s) {
  const char *p = s->p;
  if (p == s->begin || (s->program->flags & REG_NEWLINE && p[-1] == '\n')) return 1;
  return p - s->begin >= 2 && p[-2] == '\\' && (p[-1] == '(' || p[-1] == '|') && !(p - s->begin >= 3 && p[-3] == '\\');
}
static int ends_branch(const struct parser *s) {
  const char *p = s->p + 1;
  return !*p || (p[0] == '\\' && (p[1] == ')' || p[1] == '|')) || (s->program->flags & REG_NEWLINE && *p == '\n');
}

static void set_token(struct parser *s, enum token token, int value, int length) {
  s->token = token, s->value = value, s->next = s->p + length;
}

static void escaped(struct parser *s, int c) {
  static const struct { char c; enum op op; } anchors[] = {
    { 'b', OP_WORD_EDGE }, { 'B', OP_NO_WORD_EDGE }, { '<', OP_WORD_START }, { '>', OP_WORD_END }, { '`', OP_TEXT_START }, { '\'', OP_TEXT_END },
  };
  for (unsigned i = 0; i < sizeof anchors / sizeof *anchors; i++)
    if (c == anchors[i].c) return set_token(s, T_ANCHOR, (int)anchors[i].op, 2);
  if (c == 'w' || c == 'W' || c == 's' || c == 'S') return set_token(s, T_CLASS, c, 2);
  if (c >= '1' && c <= '9') return set_token(s, T_BACK, c - '0', 2);
  if (!s->extended) {
    const char *found = strchr("(){|+?", c);
    static const enum token tokens[] = { T_OPEN, T_CLOSE, T_BRACE, T_OR, T_PLUS, T_QUESTION };
    if (found) return set_token(s, tokens[found - "(){|+?"], c, 2);
  }
  set_token(s, T_BYTE, c, 2);
}

static void read_token(struct parser *s) {
  unsigned char c = (unsigned char)*s->p;
  if (c == 0) return set_token(s, T_END, 0, 0);
  if (c == '\\') {
    if (!s->p[1]) {
      if (!s->error) s->error = REG_EESCAPE;
      return set_token(s, T_END, 0, 1);
    }
    return escaped(s, (unsigned char)s->p[1]);
  }
  if (c == '.') return set_token(s, T_ANY, c, 1);
  if (c == '[') return set_token(s, T_BRACKET, c, 1);
  if (c == '*') return set_token(s, T_STAR, c, 1);
  if (c == '^' && (s->extended || starts_branch(s))) return set_token(s, T_ANCHOR, OP_LINE_START, 1);
  if (c == '$' && (s->extended || ends_branch(s))) return set_token(s, T_ANCHOR, OP_LINE_END, 1);
  if (s->extended) {
    const char *found = strchr("(){|+?", c);
    static const enum token tokens[] = { T_OPEN, T_CLOSE, T_BRACE, T_OR, T_PLUS, T_QUESTION };
    if (found) return set_token(s, tokens[found - "(){|+?"], c, 1);
  }
  set_token(s, T_BYTE, c, 1);
}
static void advance(struct parser *s) {
  s->p = s->next;
  read_token(s);
}

static void fold_set(struct byte_set *set) {
  for (int c = 'a'; c <= 'z'; c++)
    if (in_set(set, (unsigned char)c) || in_set(set, (unsigned char)(c - 32))) add_to_set(set, (unsigned char)c), add_to_set(set, (unsigned char)(c - 32));
}

/* One end of a range, or a single element, at *p; -1 and an error if it is none. */
static int element(struct parser *s, const char **p) {
  const char *q = *p;
  if (*q == '[' && (q[1] == '.' || q[1] == '=')) {
    const char *end = q + 2;
    while (*end && !(*end == q[1] && end[1] == ']')) end++;
    if (!*end) return s->error = REG_EBRACK, -1;
    if (end - q != 3) return s->error = REG_ECOLLATE, -1;
    *p = end + 2;
    return (unsigned char)q[2];
  }
  if (!*q) return s->error = REG_EBRACK, -1;
  *p = q + 1;
  return (unsigned char)*q;
}

/* Behind "[". */
static void bracket(struct parser *s) {
  const char *p = s->next;
  struct byte_set set = { { 0 } };
  int negated = *p == '^';
  if (negated) p++;
  for (int first = 1; *p != ']' || first; first = 0) {
    if (*p == '[' && p[1] == ':') {
      const char *name = p + 2, *end = name;
      while (*end && !(*end == ':' && end[1] == ']')) end++;
      if (!*end) { s->error = REG_EBRACK; return; }
      size_t n = (size_t)(end - name);
      if (s->program->flags & REG_ICASE && n == 5 && (memcmp(name, "upper", 5) == 0 || memcmp(name, "lower", 5) == 0)) name = "alpha";
      for (int c = 0; c < 256; c++) {
        int in = in_class(name, n, c);
        if (in < 0) { s->error = REG_ECTYPE; return; }
        if (in) add_to_set(&set, (unsigned char)c);
      }
      p = end + 2;
      continue;
    }
    int low = element(s, &p), high = low;
    if (low < 0) return;
    if (p[0] == '-' && p[1] != ']') {
      p++;
      if (p[0] == '[' && p[1] == ':') { s->error = REG_ERANGE; return; }
      if ((high = element(s, &p)) < 0) return;
      if (high < low) { s->error = REG_ERANGE; return; }
    }
    for (int c = low; c <= high; c++) add_to_set(&set, (unsigned char)c);
  }
  if (s->program->flags & REG_ICASE) fold_set(&set);
  if (negated) {
    for (int i = 0; i < 32; i++) set.bits[i] = (unsigned char)~set.bits[i];
    if (s->program->flags & REG_NEWLINE) set.bits[1] &= (unsigned char)~(1 << ('\n' & 7));
  }
  emit(s, OP_SET, new_set(s, &set), 0);
  s->next = p + 1;
}

static void class_set(struct parser *s, int kind) {
  struct byte_set set = { { 0 } };
  for (int c = 0; c < 256; c++) {
    int in = kind == 'w' || kind == 'W' ? is_word(c) : is_space(c);
    if (in == (kind >= 'a')) add_to_set(&set, (unsigned char)c);
  }
  emit(s, OP_SET, new_set(s, &set), 0);
}
static void any_set(struct parser *s) {
  struct byte_set set;
  memset(&set, 0xff, sizeof set);
  set.bits[0] &= 0xfe;
  if (s->program->flags & REG_NEWLINE) set.bits[1] &= (unsigned char)~(1 << ('\n' & 7));
  emit(s, OP_SET, new_set(s, &set), 0);
}
static void byte(struct parser *s, int c) {
  if (s->program->flags & REG_ICASE && is_alpha(c)) {
    struct byte_set set = { { 0 } };
    add_to_set(&set, (unsigned char)c);
    fold_set(&set);
    emit(s, OP_SET, new_set(s, &set), 0);
  } else emit(s, OP_BYTE, c, 0);
}

/* A number of {m,n}: -1 if there is none, -2 if it is wrong. */
static int number(const char **p) {
  long n = -1;
  for (;; (*p)++) {
    if (is_digit(**p)) n = n == -2 ? -2 : min_int(n < 0 ? **p - '0' : (int)n * 10 + **p - '0', MAX_REPEAT + 1);
    else if (!**p || **p == ',' || **p == '}' || (**p == '\\' && (*p)[1] == '}')) return !**p ? -2 : (int)n;
    else n = -2;
  }
}

/* {m,n} behind its brace; least and most (-1: any number). */
static int interval(struct parser *s, int *least, int *most) {
  const char *p = s->next;
  *least = number(&p);
  if (*least == -1) {
    if (*p != ',') return s->error = REG_BADBR, 0;
    *least = 0;
  }
  *most = *least;
  if (*p == ',') p++, *most = number(&p);
  int closes = s->extended ? *p == '}' : *p == '\\' && p[1] == '}';
  if (*least == -2 || *most == -2 || !closes) return s->error = *p ? REG_BADBR : REG_EBRACE, 0;
  if (*most >= 0 && *most < *least) return s->error = REG_BADBR, 0;
  if (*least > MAX_REPEAT || *most > MAX_REPEAT) return s->error = REG_ESIZE, 0;
  s->next = p + (s->extended ? 1 : 2);
  return 1;
}

static void optional(struct parser *s, int at) { insert(s, at, OP_SPLIT, 1, s->program->count - at + 1); }

/* The atom in [at, end) as often as that. */
static void repeat(struct parser *s, int at, int least, int most) {
  struct program *g = s->program;
  int length = g->count - at;
  if (most == 0) {
    g->count = at;
    return;
  }
  struct inst *atom = malloc((size_t)(length ? length : 1) * sizeof *atom);
  if (!atom) { s->error = REG_ESPACE; return; }
  memcpy(atom, g->code + at, (size_t)length * sizeof *atom);
  if (least == 0 && most < 0) {
    emit(s, OP_REPEAT, -length, 1);
    if (!s->error) optional(s, at);
  } else {
    if (least == 0) optional(s, at);
    int copies = most < 0 ? least : most;
    for (int i = 1; i < copies && !s->error; i++) {
      int start = g->count;
      for (int k = 0; k < length && !s->error; k++) emit(s, atom[k].op, atom[k].x, atom[k].y);
      if (i >= least && !s->error) optional(s, start);
    }
    if (most < 0 && !s->error) emit(s, OP_REPEAT, -length, 1);
  }
  free(atom);
}

static void alternatives(struct parser *s);

static void group(struct parser *s) {
  int number = ++s->program->groups;
  s->depth++;
  emit(s, OP_SAVE, 2 * number, 0);
  advance(s);
  if (!s->error) alternatives(s);
  if (s->error) return;
  if (s->token != T_CLOSE) { s->error = REG_EPAREN; return; }
  s->depth--;
  emit(s, OP_SAVE, 2 * number + 1, 0);
  if (number < 10) s->closed |= 1 << number;
}

/* An expression and what repeats it. 0 if the branch ends here. */
static int expression(struct parser *s) {
  int at = s->program->count;
  switch (s->token) {
    case T_END: case T_OR: return 0;
    case T_CLOSE:
      if (s->depth > 0) return 0;
      if (!s->extended) return s->error = REG_EPAREN, 0;
      byte(s, s->value);
      break;
    case T_STAR: case T_PLUS: case T_QUESTION: case T_BRACE:
      if (s->extended || s->token == T_BRACE) return s->error = REG_BADRPT, 0;
      byte(s, s->value);
      break;
    case T_ANCHOR:
      emit(s, (enum op)s->value, 0, 0);
      advance(s);
      return 1;
    case T_BYTE: byte(s, s->value); break;
    case T_ANY: any_set(s); break;
    case T_CLASS: class_set(s, s->value); break;
    case T_BRACKET: bracket(s); break;
    case T_OPEN: group(s); break;
    case T_BACK:
      if (!(s->closed >> s->value & 1)) return s->error = REG_ESUBREG, 0;
      emit(s, OP_BACK, s->value, 0);
      s->program->has_back = 1;
      break;
  }
  for (int repeated = 0; !s->error; repeated = 1) {
    advance(s);
    /* as glibc has it */
    if (repeated && !s->extended && (s->token == T_STAR || s->token == T_BRACE)) return s->error = REG_BADRPT, 0;
    int least = s->token == T_PLUS, most = s->token == T_QUESTION ? 1 : -1;
    if (s->token == T_BRACE) {
      if (!interval(s, &least, &most)) return 0;
    } else if (s->token != T_STAR && s->token != T_PLUS && s->token != T_QUESTION) break;
    repeat(s, at, least, most);
  }
  return !s->error;
}

static void alternatives(struct parser *s) {
  int at = s->program->count, before = s->closed, closed;
  while (expression(s)) {}
  closed = s->closed;
  while (!s->error && s->token == T_OR) {
    /* at: SPLIT first, rest; first; JUMP end; rest */
    insert(s, at, OP_SPLIT, 1, s->program->count - at + 2);
    int jump = s->program->count;
    emit(s, OP_JUMP, 0, 0);
    advance(s);
    if (s->error) return;
    /* an alternative does not see the groups of the others */
    s->closed = before;
    while (expression(s)) {}
    if (s->error) return;
    closed |= s->closed;
    s->program->code[jump].x = s->program->count - jump;
  }
  s->closed = closed;
}

static void free_program(struct program *g) {
  if (!g) return;
  free(g->code);
  free(g->sets);
  free(g);
}

int regcomp(regex_t *to, const char *pattern, int flags) {
  struct program *g = calloc(1, sizeof *g);
  if (!g) return REG_ESPACE;
  g->flags = flags;
  struct parser s = { .program = g, .begin = pattern, .p = pattern, .extended = flags & REG_EXTENDED };
  memset(to, 0, sizeof *to);
  read_token(&s);
  if (!s.error) alternatives(&s);
  if (!s.error) emit(&s, OP_MATCH, 0, 0);
  if (s.error) {
    free_program(g);
    return s.error;
  }
  to->buffer = g;
  to->allocated = to->used = sizeof *g;
  to->re_nsub = (size_t)g->groups;
  to->bits = (flags & REG_NOSUB ? BIT_NO_SUB : 0) | (flags & REG_NEWLINE ? BIT_NEWLINE : 0);
  return 0;
}

void regfree(regex_t *r) {
  free_program(r->buffer);
  r->buffer = NULL;
  r->allocated = 0;
}

size_t regerror(int code, const regex_t *r, char *to, size_t size) {
  static const char *const texts[] = {
    "Success", "No match", "Invalid regular expression", "Invalid collation character", "Invalid character class name",
    "Trailing backslash", "Invalid back reference", "Unmatched [, [^, [:, [., or [=", "Unmatched ( or \\(", "Unmatched \\{",
    "Invalid content of \\{\\}", "Invalid range end", "Memory exhausted", "Invalid preceding regular expression",
    "Premature end of regular expression", "Regular expression too big", "Unmatched ) or \\)",
  };
  (void)r;
  if ((unsigned)code >= sizeof texts / sizeof *texts) abort();
  const char *text = code == REG_EBRACK && libc_glibc_minor < 28 ? "Unmatched [ or [^" : texts[code];
  size_t n = strlen(text) + 1;
  if (size > 0) {
    size_t copied = min_size(n, size);
    memcpy(to, text, copied);
    to[copied - 1] = 0;
  }
  return n;
}
