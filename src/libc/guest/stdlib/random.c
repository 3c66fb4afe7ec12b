/*
 * random(3): additive feedback, r[i] = r[i-3] + r[i-31] (or with the smaller states 1/7, 1/15, 1/63), seeded by the
 * minimal standard generator 16807 modulo 2^31 - 1. drand48(3): 48-bit linear congruential. rand(3) is random(3).
 */
#include "../libc.h"

struct random_data { int32_t *fptr, *rptr, *state; int rand_type, rand_deg, rand_sep; int32_t *end_ptr; };
enum { TYPES = 5, BREAK_1 = 32, BREAK_2 = 64, BREAK_3 = 128, BREAK_4 = 256 };
static const unsigned char degree[TYPES] = { 0, 7, 15, 31, 63 }, separation[TYPES] = { 0, 3, 1, 3, 1 };

static int32_t first_state[32];
static struct random_data common;

int srandom_r(unsigned seed, struct random_data *d) {
  if (!d || d->rand_type < 0 || d->rand_type >= TYPES) return -1;
  int32_t *state = d->state, word = (int32_t)(seed ? seed : 1);
  state[0] = word;
  if (d->rand_type == 0) return 0;
  for (int i = 1; i < d->rand_deg; i++) { /* 16807 * word mod 2^31 - 1 without overflow (Schrage) */
    int32_t high = word / 127773, low = word % 127773;
    word = 16807 * low - 2836 * high;
    if (word < 0) word += 2147483647;
    state[i] = word;
  }
  d->fptr = &state[d->rand_sep];
  d->rptr = &state[0];
  int random_r(struct random_data *, int32_t *);
  int32_t ignored;
  for (int i = d->rand_deg * 10; i > 0; i--) random_r(d, &ignored);
  return 0;
}

int random_r(struct random_data *d, int32_t *result) {
  if (!d || !result) {
    errno = EINVAL;
    return -1;
  }
  if (d->rand_type == 0) {
    *result = d->state[0] = (int32_t)(((uint32_t)d->state[0] * 1103515245u + 12345) & 0x7fffffff);
    return 0;
  }
  uint32_t sum = (uint32_t)*d->fptr + (uint32_t)*d->rptr;
  *d->fptr = (int32_t)sum;
  *result = (int32_t)(sum >> 1);
  if (++d->fptr >= d->end_ptr) d->fptr = d->state;
  if (++d->rptr >= d->end_ptr) d->rptr = d->state;
  return 0;
}

/* The word before a state says its type and where the rear pointer stands. */
static void remember(struct random_data *d) {
  if (d->state) d->state[-1] = d->rand_type == 0 ? 0 : (int32_t)(d->rptr - d->state) * TYPES + d->rand_type;
}
static void use(struct random_data *d, int32_t *words, int type) {
  d->state = words + 1;
  d->rand_type = type;
  d->rand_deg = degree[type];
  d->rand_sep = separation[type];
  d->end_ptr = d->state + d->rand_deg;
}

int initstate_r(unsigned seed, char *state, size_t n, struct random_data *d) {
  if (n < 8 || !d) {
    errno = EINVAL;
    return -1;
  }
  remember(d);
  use(d, (int32_t *)state, n < BREAK_1 ? 0 : n < BREAK_2 ? 1 : n < BREAK_3 ? 2 : n < BREAK_4 ? 3 : 4);
  srandom_r(seed, d);
  remember(d);
  return 0;
}
int setstate_r(char *state, struct random_data *d) {
  int32_t *words = (int32_t *)state;
  int type = (int)(words[0] % TYPES);
  if (type < 0) {
    errno = EINVAL;
    return -1;
  }
  remember(d); /* perhaps in the very state that is set */
  int rear = (int)(words[0] / TYPES);
  use(d, words, type);
  if (type != 0) {
    d->rptr = &d->state[rear];
    d->fptr = &d->state[(rear + d->rand_sep) % d->rand_deg];
  }
  remember(d);
  return 0;
}

static struct random_data *shared(void) {
  if (!common.state) {
    use(&common, first_state, 3);
    srandom_r(1, &common);
  }
  return &common;
}
void srandom(unsigned seed) { srandom_r(seed, shared()); }
ALIAS(srand, srandom);
long random(void) {
  int32_t result;
  random_r(shared(), &result);
  return result;
}
int rand(void) { return (int)random(); }
char *initstate(unsigned seed, char *state, size_t n) {
  char *old = (char *)(shared()->state - 1);
  return initstate_r(seed, state, n, &common) < 0 ? NULL : old;
}
char *setstate(char *state) {
  char *old = (char *)(shared()->state - 1);
  return setstate_r(state, &common) < 0 ? NULL : old;
}
int rand_r(unsigned *seed) {
  unsigned next = *seed, result = 0;
  for (int i = 0; i < 3; i++) {
    next = next * 1103515245u + 12345;
    unsigned bits = next / 65536;
    result = i == 0 ? bits % 2048 : result << 10 ^ bits % 1024;
  }
  *seed = next;
  return (int)result;
}

struct drand48_data { unsigned short x[3], old_x[3], c, init; unsigned long long a; };
static struct drand48_data common48;

static uint64_t step48(unsigned short x[3], struct drand48_data *d) {
  if (!d->init) {
    d->a = 0x5deece66dULL;
    d->c = 0xb;
    d->init = 1;
  }
  uint64_t v = ((uint64_t)x[2] << 32 | (uint64_t)x[1] << 16 | x[0]) * d->a + d->c;
  x[0] = (unsigned short)v;
  x[1] = (unsigned short)(v >> 16);
  x[2] = (unsigned short)(v >> 32);
  return v & 0xffffffffffffULL;
}
double erand48(unsigned short x[3]) {
  union { uint64_t u; double f; } b = { 0x3ffULL << 52 };
  b.u |= step48(x, &common48) << 4;
  return b.f - 1.0;
}
double drand48(void) { return erand48(common48.x); }
long nrand48(unsigned short x[3]) { return (long)(step48(x, &common48) >> 17); }
long lrand48(void) { return nrand48(common48.x); }
long jrand48(unsigned short x[3]) { return (int32_t)(step48(x, &common48) >> 16); }
long mrand48(void) { return jrand48(common48.x); }
void srand48(long seed) {
  common48 = (struct drand48_data){ { 0x330e, (unsigned short)seed, (unsigned short)(seed >> 16) }, { 0 }, 0xb, 1, 0x5deece66dULL };
}
unsigned short *seed48(unsigned short seed[3]) {
  memcpy(common48.old_x, common48.x, sizeof common48.x);
  memcpy(common48.x, seed, sizeof common48.x);
  common48.a = 0x5deece66dULL;
  common48.c = 0xb;
  common48.init = 1;
  return common48.old_x;
}
void lcong48(unsigned short p[7]) {
  memcpy(common48.x, p, sizeof common48.x);
  common48.a = (uint64_t)p[5] << 32 | (uint64_t)p[4] << 16 | p[3];
  common48.c = p[6];
  common48.init = 1;
}
