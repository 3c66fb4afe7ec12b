/* System calls of both ABIs (syscall(2)). raw_* give -errno, sys() sets errno. */
#ifndef FOLIO_SYSCALL_H
#define FOLIO_SYSCALL_H
#include "libc.h"

#ifdef __x86_64__
static inline long raw6(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}
static inline long raw4(long number, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}
static inline long raw3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
#else
HIDDEN long raw6(long number, long a, long b, long c, long d, long e, long f);
static inline long raw4(long number, long a, long b, long c, long d) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
  return result;
}
static inline long raw3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}
#endif

static inline long sys_result(long result) {
  if ((unsigned long)result > -4096UL) {
    errno = -(int)result;
    return -1;
  }
  return result;
}

#define SYS_NARGS(_0, _1, _2, _3, _4, _5, _6, n, ...) n
#define RAW0(n) raw3(n, 0, 0, 0)
#define RAW1(n, a) raw3(n, (long)(a), 0, 0)
#define RAW2(n, a, b) raw3(n, (long)(a), (long)(b), 0)
#define RAW3(n, a, b, c) raw3(n, (long)(a), (long)(b), (long)(c))
#define RAW4(n, a, b, c, d) raw4(n, (long)(a), (long)(b), (long)(c), (long)(d))
#define RAW5(n, a, b, c, d, e) raw6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define RAW6(n, a, b, c, d, e, f) raw6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define RAW(...) SYS_NARGS(__VA_ARGS__, RAW6, RAW5, RAW4, RAW3, RAW2, RAW1, RAW0)(__VA_ARGS__)
#define SYS(...) sys_result(RAW(__VA_ARGS__))

#include "syscall-numbers.h"
#endif
