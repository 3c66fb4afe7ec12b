/*
 * qsort(3) as glibc had it up to 2.36: a merge sort, stable, with a scratch array of the same size: on the stack below
 * 1024 bytes, else from malloc. Elements above 32 bytes are sorted through pointers. Where memory is short (more than a
 * quarter of the machine's, or malloc fails) a sort in place takes over.
 */
#include "../libc.h"

typedef int comparison(const void *, const void *, void *);

struct sorter { size_t size; comparison *compare; void *argument; int pointers; };

static void copy_one(const struct sorter *s, char *to, const char *from) {
  if (s->size == 4) *(uint32_t *)to = *(const uint32_t *)from;
  else if (s->size == 8) *(uint64_t *)to = *(const uint64_t *)from;
  else memcpy(to, from, s->size);
}

static void merge_sort(const struct sorter *s, char *base, size_t n, char *scratch) {
  if (n <= 1) return;
  size_t left = n / 2, right = n - left;
  char *a = base, *b = base + left * s->size, *to = scratch;
  merge_sort(s, a, left, scratch);
  merge_sort(s, b, right, scratch);
  while (left > 0 && right > 0) {
    int order = s->pointers ? s->compare(*(const void **)a, *(const void **)b, s->argument) : s->compare(a, b, s->argument);
    if (order <= 0) {
      copy_one(s, to, a);
      a += s->size;
      left--;
    } else {
      copy_one(s, to, b);
      b += s->size;
      right--;
    }
    to += s->size;
  }
  if (left > 0) memcpy(to, a, left * s->size);
  memcpy(base, scratch, (n - right) * s->size);
}

static void exchange(char *a, char *b, size_t size) {
  for (; size > 0; size--, a++, b++) {
    char c = *a;
    *a = *b;
    *b = c;
  }
}

/* Heap sort: no scratch memory, n log n at worst. */
static void sort_in_place(char *base, size_t n, size_t size, comparison *compare, void *argument) {
  for (size_t start = n / 2, end = n; end > 1;) {
    if (start > 0) start--;
    else exchange(base, base + --end * size, size);
    for (size_t root = start, child; (child = 2 * root + 1) < end; root = child) {
      if (child + 1 < end && compare(base + child * size, base + (child + 1) * size, argument) < 0) child++;
      if (compare(base + root * size, base + child * size, argument) >= 0) break;
      exchange(base + root * size, base + child * size, size);
    }
  }
}

static void sort_through_pointers(char *base, size_t n, size_t size, char *scratch, comparison *compare, void *argument) {
  char **pointers = (char **)scratch + n, *spare = (char *)(pointers + n);
  const struct sorter s = { sizeof(char *), compare, argument, 1 };
  for (size_t i = 0; i < n; i++) pointers[i] = base + i * size;
  merge_sort(&s, (char *)pointers, n, scratch);
  for (size_t i = 0; i < n; i++) { /* follow each cycle of the permutation */
    char *home = base + i * size;
    if (pointers[i] == home) continue;
    memcpy(spare, home, size);
    size_t at = i;
    for (char *from = pointers[i]; from != home; from = pointers[at]) {
      memcpy(base + at * size, from, size);
      pointers[at] = base + at * size;
      at = (size_t)(from - base) / size;
    }
    memcpy(base + at * size, spare, size);
    pointers[at] = base + at * size;
  }
}

static void sort_with(char *base, size_t n, size_t size, char *scratch, comparison *compare, void *argument) {
  const struct sorter s = { size, compare, argument, 0 };
  if (size > 32) sort_through_pointers(base, n, size, scratch, compare, argument);
  else merge_sort(&s, base, n, scratch);
}

static __attribute__((noinline)) void sort_on_stack(char *base, size_t n, size_t size, size_t need, comparison *compare, void *argument) {
  char scratch[need] __attribute__((aligned(16)));
  sort_with(base, n, size, scratch, compare, argument);
}

void qsort_r(void *base, size_t n, size_t size, comparison *compare, void *argument) {
  size_t need = size > 32 ? 2 * n * sizeof(void *) + size : n * size;
  if (need < 1024) {
    if (n > 1) sort_on_stack(base, n, size, need, compare, argument);
    return;
  }
  static long quarter;
  if (quarter == 0) quarter = sysconf(85) / 4; /* _SC_PHYS_PAGES */
  int saved = errno;
  char *scratch = (long)(need / 4096) > quarter && quarter > 0 ? NULL : malloc(need);
  errno = saved;
  if (!scratch) {
    sort_in_place(base, n, size, compare, argument);
    return;
  }
  sort_with(base, n, size, scratch, compare, argument);
  free(scratch);
}

void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *)) {
  qsort_r(base, n, size, (comparison *)(void *)compare, NULL); /* a third argument does no harm in either ABI */
}

void *bsearch(const void *key, const void *base, size_t n, size_t size, int (*compare)(const void *, const void *)) {
  size_t low = 0, high = n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    const char *at = (const char *)base + middle * size;
    int order = compare(key, at);
    if (order == 0) return (void *)at;
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return NULL;
}

void *lfind(const void *key, const void *base, size_t *n, size_t size, int (*compare)(const void *, const void *)) {
  const char *at = base;
  for (size_t i = 0; i < *n; i++, at += size)
    if (compare(key, at) == 0) return (void *)at;
  return NULL;
}
void *lsearch(const void *key, void *base, size_t *n, size_t size, int (*compare)(const void *, const void *)) {
  void *at = lfind(key, base, n, size, compare);
  return at ? at : memcpy((char *)base + (*n)++ * size, key, size);
}

struct queue { struct queue *next, *previous; };
void insque(void *element, void *previous) {
  struct queue *e = element, *p = previous;
  if (!p) {
    e->next = e->previous = NULL;
    return;
  }
  e->next = p->next;
  e->previous = p;
  if (p->next) p->next->previous = e;
  p->next = e;
}
void remque(void *element) {
  struct queue *e = element;
  if (e->next) e->next->previous = e->previous;
  if (e->previous) e->previous->next = e->next;
}
