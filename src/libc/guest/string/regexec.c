/*
 * regexec(3): the leftmost match, and of those the longest. The threads of a program advance together, a byte at a time;
 * of two that meet at an instruction the one survives that chose the earlier alternative, or to repeat, as in glibc.
 * Expressions with back references are tried out one way after the other, as what is behind depends on the way.
 */
#include "regex.h"

struct text { const char *bytes; int length, flags; };
struct machine {
  const struct program *program;
  struct text text;
  int slots, found;
  int *best;
  /* A set of threads, twice: those at this position and at the next. */
  struct threads { int *pcs, *saved, *seen, count, generation; } now, next;
};

static int at_edge(const struct machine *m, enum op op, int at) {
  const struct text *t = &m->text;
  int newlines = m->program->flags & REG_NEWLINE;
  int before = at > 0 && is_word((unsigned char)t->bytes[at - 1]), after = at < t->length && is_word((unsigned char)t->bytes[at]);
  switch (op) {
    case OP_LINE_START: return at == 0 ? !(t->flags & REG_NOTBOL) : newlines && t->bytes[at - 1] == '\n';
    case OP_LINE_END: return at == t->length ? !(t->flags & REG_NOTEOL) : newlines && t->bytes[at] == '\n';
    case OP_WORD_EDGE: return before != after;
    case OP_NO_WORD_EDGE: return before == after;
    case OP_WORD_START: return !before && after;
    case OP_WORD_END: return before && !after;
    case OP_TEXT_START: return at == 0;
    default: return at == t->length;
  }
}

static void note_match(struct machine *m, int *saved, int at) {
  saved[1] = at;
  if (m->found && at <= m->best[1]) return;
  m->found = 1;
  memcpy(m->best, saved, (size_t)m->slots * sizeof *saved);
}

/* A thread comes to pc, and goes on to where a byte is read. `saved` is given back as it was. */
static void add_thread(struct machine *m, struct threads *list, int pc, int *saved, int at) {
  const struct inst *i = m->program->code + pc;
  int *own = list->saved + (size_t)pc * (size_t)m->slots;
  if (list->seen[pc] == list->generation) return;
  list->seen[pc] = list->generation;
  if (i->op == OP_BYTE || i->op == OP_SET) list->pcs[list->count++] = pc;
  memcpy(own, saved, (size_t)m->slots * sizeof *saved);
  int old;
  switch (i->op) {
    case OP_BYTE: case OP_SET: case OP_BACK: return;
    case OP_MATCH: note_match(m, saved, at); return;
    case OP_JUMP: add_thread(m, list, pc + i->x, saved, at); return;
    case OP_SPLIT: case OP_REPEAT:
      add_thread(m, list, pc + i->x, saved, at);
      add_thread(m, list, pc + i->y, saved, at);
      return;
    case OP_SAVE:
      old = saved[i->x];
      saved[i->x] = at;
      add_thread(m, list, pc + 1, saved, at);
      saved[i->x] = old;
      return;
    default:
      if (at_edge(m, i->op, at)) add_thread(m, list, pc + 1, saved, at);
  }
}

static int takes(const struct program *g, const struct inst *i, unsigned char c) {
  return i->op == OP_BYTE ? i->x == c : in_set(&g->sets[i->x], c);
}

static void run_threads(struct machine *m, int start, int *saved, int first_only) {
  m->now.count = 0;
  m->now.generation++;
  add_thread(m, &m->now, 0, saved, start);
  for (int at = start; at < m->text.length && m->now.count > 0 && !(first_only && m->found); at++) {
    m->next.count = 0;
    m->next.generation++;
    for (int k = 0; k < m->now.count; k++) {
      int pc = m->now.pcs[k];
      if (!takes(m->program, m->program->code + pc, (unsigned char)m->text.bytes[at])) continue;
      memcpy(saved, m->now.saved + (size_t)pc * (size_t)m->slots, (size_t)m->slots * sizeof *saved);
      add_thread(m, &m->next, pc + 1, saved, at + 1);
    }
    struct threads swap = m->now;
    m->now = m->next;
    m->next = swap;
  }
}

/* Every way from pc on. An iteration that took nothing is not followed by another: `seen` has where each began. */
static void try_ways(struct machine *m, int pc, int *saved, int at) {
  const struct program *g = m->program;
  for (;;) {
    const struct inst *i = g->code + pc;
    int old, length, *began;
    switch (i->op) {
      case OP_BYTE: case OP_SET:
        if (at >= m->text.length || !takes(g, i, (unsigned char)m->text.bytes[at])) return;
        at++, pc++;
        continue;
      case OP_MATCH: note_match(m, saved, at); return;
      case OP_JUMP: pc += i->x; continue;
      case OP_SPLIT:
        try_ways(m, pc + i->x, saved, at);
        pc += i->y;
        continue;
      case OP_REPEAT:
        began = &m->now.seen[pc];
        old = *began;
        if (old != at + 1) {
          *began = at + 1;
          try_ways(m, pc + i->x, saved, at);
          *began = old;
        }
        pc += i->y;
        continue;
      case OP_SAVE:
        old = saved[i->x];
        saved[i->x] = at;
        try_ways(m, pc + 1, saved, at);
        saved[i->x] = old;
        return;
      case OP_BACK:
        if (saved[2 * i->x] < 0 || saved[2 * i->x + 1] < 0) return;
        length = saved[2 * i->x + 1] - saved[2 * i->x];
        if (length > m->text.length - at) return;
        const char *a = m->text.bytes + saved[2 * i->x], *b = m->text.bytes + at;
        for (int k = 0; k < length; k++)
          if (g->flags & REG_ICASE ? to_lower((unsigned char)a[k]) != to_lower((unsigned char)b[k]) : a[k] != b[k]) return;
        at += length, pc++;
        continue;
      default:
        if (!at_edge(m, i->op, at)) return;
        pc++;
    }
  }
}

static int search(struct machine *m, int *saved, int first_only) {
  for (int start = 0; start <= m->text.length && !m->found; start++) {
    for (int i = 0; i < m->slots; i++) saved[i] = -1;
    saved[0] = start;
    if (m->program->has_back) try_ways(m, 0, saved, start);
    else run_threads(m, start, saved, first_only);
  }
  return m->found ? 0 : REG_NOMATCH;
}

int regexec(const regex_t *r, const char *text, size_t count, regmatch_t *matches, int flags) {
  const struct program *g = r->buffer;
  if (flags & ~(REG_NOTBOL | REG_NOTEOL | REG_STARTEND)) return REG_BADPAT;
  int from = flags & REG_STARTEND ? matches[0].rm_so : 0;
  int length = flags & REG_STARTEND ? matches[0].rm_eo : (int)strlen(text);
  int no_groups = g->flags & REG_NOSUB || count == 0;
  int slots = 2 * (g->groups + 1);
  size_t n = (size_t)g->count, row = (size_t)slots;
  int *memory = calloc(2 * row + 2 * n * (row + 2), sizeof *memory);
  if (!memory) return REG_ESPACE;
  struct machine m = { .program = g, .text = { text + from, length - from, flags }, .slots = slots };
  int *saved = memory, *at = memory + 2 * row;
  m.best = memory + row;
  m.now = (struct threads){ at, at + n, at + n + n * row, 0, 0 };
  at += n * (row + 2);
  m.next = (struct threads){ at, at + n, at + n + n * row, 0, 0 };
  int result = search(&m, saved, no_groups);
  if (result == 0 && !(g->flags & REG_NOSUB)) {
    for (size_t i = 0; i < count; i++) {
      int known = i <= (size_t)g->groups && m.best[2 * i] >= 0 && m.best[2 * i + 1] >= 0;
      matches[i] = known ? (regmatch_t){ m.best[2 * i] + from, m.best[2 * i + 1] + from } : (regmatch_t){ -1, -1 };
    }
  }
  free(memory);
  return result;
}
