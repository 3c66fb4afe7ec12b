/* Results next to the smallest normal numbers: result and MXCSR of products, quotients and conversions, with PE clear and set. */
#include <emmintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static float f32(uint32_t bits) {
  float f;
  memcpy(&f, &bits, 4);
  return f;
}
static double f64(uint64_t bits) {
  double d;
  memcpy(&d, &bits, 8);
  return d;
}
static uint64_t hash = 1;
static void add(const void *p, int n) {
  for (int i = 0; i < n; i++) hash = hash * 0x100000001b3u ^ ((const uint8_t *)p)[i];
}

#define ONE(operation) do { \
    _mm_setcsr(mode); \
    operation; \
    unsigned csr = _mm_getcsr(); \
    _mm_setcsr(0x1f80); \
    add((const void *)&r, sizeof r); \
    add(&csr, 4); \
    if (pass == 0) printf("%s %x %x\n", #operation, mode, csr); \
  } while (0)

static void singles(unsigned mode, uint32_t near_one, int pass) {
  volatile float a = f32(near_one), b = f32(0x7e800000), c = f32(0x00800000);
  volatile __m128 va = _mm_set1_ps(a), vb = _mm_set1_ps(b), vc = _mm_set1_ps(c), r;
  ONE(r = _mm_div_ss(va, vb));
  ONE(r = _mm_mul_ss(va, vc));
  ONE(r = _mm_div_ps(va, vb));
  ONE(r = _mm_mul_ps(va, vc));
}
static void doubles(unsigned mode, uint64_t near_one, int pass) {
  volatile __m128d va = _mm_set1_pd(f64(near_one)), vb = _mm_set1_pd(f64(0x7fd0000000000000)), r;
  volatile __m128d vc = _mm_set1_pd(f64(0x0010000000000000)), small = _mm_set1_pd(f64(near_one - (126ull << 52)));
  ONE(r = _mm_div_sd(va, vb));
  ONE(r = _mm_mul_sd(va, vc));
  ONE(r = _mm_div_pd(va, vb));
  ONE(r = _mm_mul_pd(va, vc));
  ONE(r = _mm_castps_pd(_mm_cvtsd_ss(_mm_setzero_ps(), small)));
  ONE(r = _mm_castps_pd(_mm_cvtpd_ps(small)));
}

int main(void) {
  static const unsigned modes[] = {0x1f80, 0x1fa0, 0x9fa0, 0x3fa0};
  for (int pass = 0; pass < 100; pass++)
    for (int m = 0; m < 4; m++)
      for (int d = -3; d <= 3; d++) {
        singles(modes[m], 0x3f800000 + d, pass);
        doubles(modes[m], 0x3ff0000000000000 + (uint64_t)d, pass);
        doubles(modes[m], 0x3ff0000000000000 + ((uint64_t)d << 28), pass);
      }
  printf("%lx\n", (unsigned long)hash);
}
