/* exit(3), atexit(3), on_exit(3), __cxa_atexit (Itanium C++ ABI 3.3.5), abort(3), _exit(2). */
#include "../syscall.h"

enum kind { FREE, ON_EXIT, AT_EXIT, CXA };
struct entry {
  unsigned long kind;
  union { void (*on_exit)(int, void *); void (*at_exit)(void); void (*cxa)(void *, int); void *any; };
  void *argument, *dso;
};
struct block {
  struct block *next;
  unsigned long used;
  struct entry entry[32]; /* the ISO C minimum; further blocks come from calloc */
};
static struct block first, *last = &first;
static struct block quick_first, *quick_last = &quick_first;

static struct entry *new_entry(struct block **list) {
  struct block *b = *list;
  while (b->used > 0 && b->entry[b->used - 1].kind == FREE) b->used--;
  if (b->used == 32) {
    b = calloc(1, sizeof *b);
    if (!b) return NULL;
    b->next = *list;
    *list = b;
  }
  return &b->entry[b->used++];
}

static int add(struct block **list, enum kind kind, void *function, void *argument, void *dso) {
  struct entry *e = new_entry(list);
  if (!e) return -1;
  e->any = function;
  e->argument = argument;
  e->dso = dso;
  e->kind = kind;
  return 0;
}

int __cxa_atexit(void (*function)(void *), void *argument, void *dso) { return add(&last, CXA, (void *)function, argument, dso); }
int on_exit(void (*function)(int, void *), void *argument) { return add(&last, ON_EXIT, (void *)function, argument, NULL); }
int atexit(void (*function)(void)) { return add(&last, AT_EXIT, (void *)function, NULL, NULL); }
int __cxa_at_quick_exit(void (*function)(void *), void *dso) { return add(&quick_last, CXA, (void *)function, NULL, dso); }

static void run(struct entry *e, int status) {
  unsigned long kind = e->kind;
  e->kind = FREE;
  if (kind == ON_EXIT) e->on_exit(status, e->argument);
  else if (kind == AT_EXIT) e->at_exit();
  else if (kind == CXA) e->cxa(e->argument, status);
}

/* Newest first; a function may register further ones, which run next. */
static void run_all(struct block **list, struct block *base, int status) {
  for (;;) {
    struct block *b = *list;
    while (b->used > 0) {
      run(&b->entry[--b->used], status);
      if (*list != b) b = *list;
    }
    if (b == base) return;
    *list = b->next;
    free(b);
  }
}

void __cxa_finalize(void *dso) {
  for (struct block *b = last; b; b = b->next)
    for (unsigned long i = b->used; i-- > 0;)
      if (b->entry[i].kind == CXA && (!dso || b->entry[i].dso == dso)) run(&b->entry[i], 0);
}

NORETURN void exit(int status) {
  run_all(&last, &first, status);
  stdio_exit();
  _exit(status);
}

NORETURN void quick_exit(int status) {
  run_all(&quick_last, &quick_first, status);
  _exit(status);
}

NORETURN void _exit(int status) {
  for (;;) {
    RAW(SYS_exit_group, status);
    RAW(SYS_exit, status);
  }
}
ALIAS(_Exit, _exit);

/* Before glibc 2.27 abort(3) flushes streams. */
NORETURN void abort(void) {
  static int stage;
  sigset_t set = { { 1UL << (SIGABRT - 1) } };
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  if (stage == 0) {
    stage = 1;
    if (libc_glibc_minor < 27) fflush(NULL);
  }
  if (stage == 1) {
    stage = 2;
    raise(SIGABRT);
  }
  struct sigaction act = { 0 };
  sigaction(SIGABRT, &act, NULL);
  raise(SIGABRT);
  for (;;) __asm__ volatile("hlt");
}
