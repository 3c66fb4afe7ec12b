/* The same numbers on every libc: xorshift, with helpers that like edge values. */
#include <stdint.h>
static uint64_t random_state = 88172645463325252ULL;
static uint64_t next64(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}
static unsigned below(unsigned n) { return (unsigned)((next64() >> 20) % n); }
static uint64_t some_integer(void) {
  static const uint64_t edges[] = { 0, 1, 9, 10, 99, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000 };
  uint64_t v = below(4) ? next64() >> below(64) : edges[below(18)] + below(3) - 1;
  return below(3) ? v : -v;
}
static double some_double(void) {
  union { uint64_t u; double d; } bits;
  static const double scales[] = { 1, 2, 4, 8, 16, 10, 100, 1000, 1e5, 1e10, 1e-3, 1e22, 3 };
  switch (below(8)) {
    case 0: bits.u = next64(); return bits.d;
    case 1: bits.u = (next64() & 0x800fffffffffffffULL) | (uint64_t)(1023 - 40 + below(100)) << 52; return bits.d;
    case 2: return (double)(int64_t)some_integer() / scales[below(13)];
    case 3: return (double)(int)(below(2000001) - 1000000) / scales[below(13)];
    case 4: return (below(200) + 0.5) / scales[below(13)];
    case 5: bits.u = next64() >> (12 + below(52)); return bits.d;
    case 6: { static const double odd[] = { 0.0, -0.0, 1.0, 9.5, 99.5, 999999.5, 0.5, 1.5, 2.5, 1e15, 1e16, 1e17, 1e100, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, __builtin_inf(), -__builtin_inf(), 9.9999995, 0.00099999995 }; return odd[below(20)]; }
    default: return (double)below(1000) * scales[below(13)];
  }
}
static long double some_long_double(void) {
  union { struct { uint64_t m; uint16_t e; } p; long double f; } u = { { 0, 0 } };
  switch (below(4)) {
    case 0: u.p.m = next64() | 1ULL << 63; u.p.e = (uint16_t)(below(32767) | below(2) << 15); return u.f;
    case 1: u.p.m = next64() >> (1 + below(60)); u.p.e = (uint16_t)(below(2) << 15); return u.f;
    case 2: u.p.m = next64() << below(64) | 1ULL << 63; u.p.e = (uint16_t)(16383 - 70 + below(140)); return u.f;
    default: return some_double();
  }
}
