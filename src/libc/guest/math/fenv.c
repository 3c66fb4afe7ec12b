/* <fenv.h> (fenv(3)): the x87 control and status words, and MXCSR where there is SSE. */
#include "../libc.h"

typedef struct { uint32_t control, status, tag, ip, selector, data, data_selector;
#ifdef __x86_64__
  uint32_t mxcsr;
#endif
} fenv_t;
typedef uint16_t fexcept_t;
enum { ALL = 0x3d }; /* FE_ALL_EXCEPT: invalid, divide by zero, overflow, underflow, inexact */

static int has_sse(void) {
#ifdef __x86_64__
  return 1;
#else
  unsigned a = 1, b, c, d;
  __asm__("xchgl %%ebx, %1; cpuid; xchgl %%ebx, %1" : "+a"(a), "=&r"(b), "=c"(c), "=d"(d));
  return d >> 25 & 1;
#endif
}
static uint32_t get_mxcsr(void) {
  uint32_t v;
  __asm__ volatile(".byte 0x0f, 0xae, 0x18" : : "a"(&v) : "memory"); /* stmxcsr (%eax), which i686's assembler would refuse */
  return v;
}
static void set_mxcsr(uint32_t v) { __asm__ volatile(".byte 0x0f, 0xae, 0x10" : : "a"(&v) : "memory"); }
static uint16_t get_control(void) {
  uint16_t v;
  __asm__ volatile("fnstcw %0" : "=m"(v));
  return v;
}
static void set_control(uint16_t v) { __asm__ volatile("fldcw %0" : : "m"(v)); }
static uint16_t get_status(void) {
  uint16_t v;
  __asm__ volatile("fnstsw %0" : "=m"(v));
  return v;
}
static void load(const fenv_t *env) { __asm__ volatile("fldenv %0" : : "m"(*(const char(*)[28])env) : "memory"); }
static void store(fenv_t *env) { __asm__ volatile("fnstenv %0; fldenv %0" : "=m"(*(char(*)[28])env) : : "memory"); }

int fegetround(void) { return get_control() & 0xc00; }
int fesetround(int mode) {
  if (mode & ~0xc00) return 1;
  set_control((uint16_t)((get_control() & ~0xc00) | mode));
  if (has_sse()) set_mxcsr((get_mxcsr() & ~0x6000u) | (uint32_t)mode << 3);
  return 0;
}

int feclearexcept(int which) {
  fenv_t env;
  store(&env);
  env.status &= ~(uint32_t)(which & ALL);
  load(&env);
  if (has_sse()) set_mxcsr(get_mxcsr() & ~(uint32_t)(which & ALL));
  return 0;
}
int fetestexcept(int which) { return (get_status() | (has_sse() ? get_mxcsr() : 0)) & (uint32_t)which & ALL; }
int feraiseexcept(int which) {
  fenv_t env;
  store(&env);
  env.status |= (uint32_t)(which & ALL);
  load(&env);
  __asm__ volatile("fwait");
  return 0;
}
int fegetexceptflag(fexcept_t *flags, int which) {
  *flags = (fexcept_t)fetestexcept(which);
  return 0;
}
int fesetexceptflag(const fexcept_t *flags, int which) {
  feclearexcept(which);
  fenv_t env;
  store(&env);
  env.status |= (uint32_t)(*flags & which & ALL);
  load(&env);
  return 0;
}
int fegetexcept(void) { return ~get_control() & ALL; }
int feenableexcept(int which) {
  int old = fegetexcept();
  set_control((uint16_t)(get_control() & ~(which & ALL)));
  if (has_sse()) set_mxcsr(get_mxcsr() & ~((uint32_t)(which & ALL) << 7));
  return old;
}
int fedisableexcept(int which) {
  int old = fegetexcept();
  set_control((uint16_t)(get_control() | (which & ALL)));
  if (has_sse()) set_mxcsr(get_mxcsr() | (uint32_t)(which & ALL) << 7);
  return old;
}

int fegetenv(fenv_t *env) {
  store(env);
#ifdef __x86_64__
  env->mxcsr = get_mxcsr();
#endif
  return 0;
}
int fesetenv(const fenv_t *env) {
  fenv_t e;
  store(&e);
  uint32_t mxcsr __attribute__((unused)) = 0x1f80;
  if (env == (const fenv_t *)-1 || env == (const fenv_t *)-2) {
    e.control |= ALL;
    if (env == (const fenv_t *)-2) e.control &= ~(uint32_t)ALL, mxcsr = 0x0480;
    e.control &= ~0xc00u;
    e.status &= ~(uint32_t)ALL;
  } else {
    e.control = (e.control & ~(ALL | 0xc00u)) | (env->control & (ALL | 0xc00));
    e.status = (e.status & ~(uint32_t)ALL) | (env->status & ALL);
#ifdef __x86_64__
    mxcsr = env->mxcsr;
#endif
  }
  load(&e);
#ifdef __x86_64__
  set_mxcsr(mxcsr);
#endif
  return 0;
}
int feholdexcept(fenv_t *env) {
  fegetenv(env);
  fenv_t e = *env;
  e.control |= ALL;
  e.status &= ~(uint32_t)ALL;
  load(&e);
  if (has_sse()) set_mxcsr((get_mxcsr() | 0x1f80) & ~(uint32_t)ALL);
  return 0;
}
int feupdateenv(const fenv_t *env) {
  int raised = fetestexcept(ALL);
  fesetenv(env);
  return feraiseexcept(raised);
}
