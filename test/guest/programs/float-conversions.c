/* Conversions, roundings, minima, comparisons and horizontal sums of edge values under several MXCSRs: results and MXCSR. */
#pragma GCC target("sse4.1")
#include <smmintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const uint32_t singles[] = {0,          0x80000000, 1,          0x807fffff, 0x00800000, 0x3f000000, 0xbf000000,
                                   0x3f800000, 0x3fc00000, 0xc0200000, 0x4b000001, 0x4effffff, 0x4f000000, 0xcf000000,
                                   0xcf000001, 0x5f000000, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00123, 0x7f800001};
static const uint64_t doubles[] = {0,
                                   0x8000000000000000,
                                   1,
                                   0x800fffffffffffff,
                                   0x0010000000000000,
                                   0x3fe0000000000000,
                                   0xbfe0000000000000,
                                   0x3ff0000000000001,
                                   0xc004000000000000,
                                   0x4330000000000001,
                                   0x41dfffffffc00000,
                                   0x41dfffffffe00000,
                                   0x41e0000000000000,
                                   0xc1e0000000000000,
                                   0xc1e0000000200000,
                                   0x380fffffffffffff,
                                   0x3810000000000000,
                                   0x47efffffffffffff,
                                   0x7ff0000000000000,
                                   0x7ff8000000000123,
                                   0x7ff0000000000001};
enum { SINGLES = sizeof singles / sizeof *singles, DOUBLES = sizeof doubles / sizeof *doubles };

static uint64_t hash;
static void add(const void *p, int n) {
  for (int i = 0; i < n; i++) hash = hash * 0x100000001b3u ^ ((const uint8_t *)p)[i];
}
static unsigned mode;

#define ONE(type, operation) do { \
    _mm_setcsr(mode); \
    volatile type r = operation; \
    unsigned csr = _mm_getcsr(); \
    _mm_setcsr(0x1f80); \
    add((const void *)&r, sizeof r); \
    add(&csr, 4); \
  } while (0)

#define ROUND(immediate) \
  ONE(__m128, _mm_round_ps(a, immediate)); \
  ONE(__m128d, _mm_round_pd(c, immediate)); \
  ONE(__m128, _mm_round_ss(b, a, immediate)); \
  ONE(__m128d, _mm_round_sd(d, c, immediate))

static void both(volatile __m128 *va, volatile __m128 *vb, volatile __m128d *vc, volatile __m128d *vd) {
  __m128 a = *va, b = *vb;
  __m128d c = *vc, d = *vd;
  ONE(__m128i, _mm_cvtps_epi32(a));
  ONE(__m128i, _mm_cvttps_epi32(a));
  ONE(__m128i, _mm_cvtpd_epi32(c));
  ONE(__m128i, _mm_cvttpd_epi32(c));
  ONE(__m128, _mm_cvtpd_ps(c));
  ROUND(0);
  ROUND(1);
  ROUND(2);
  ROUND(3);
  ROUND(4);
  ROUND(9);
  ROUND(10);
  ROUND(12);
  ONE(__m128, _mm_hadd_ps(a, b));
  ONE(__m128, _mm_hsub_ps(a, b));
  ONE(__m128d, _mm_hadd_pd(c, d));
  ONE(__m128d, _mm_hsub_pd(c, d));
  /* what these give is compared and used again: the facts of one operation serve the next */
  ONE(__m128, _mm_add_ps(_mm_min_ps(_mm_add_ps(a, b), b), _mm_max_ps(a, b)));
  ONE(__m128d, _mm_mul_pd(_mm_min_pd(_mm_add_pd(c, d), d), _mm_max_pd(c, d)));
  ONE(__m128, _mm_cmplt_ps(_mm_mul_ps(a, b), _mm_max_ss(b, a)));
  ONE(__m128d, _mm_cmpunord_pd(_mm_add_pd(c, d), _mm_min_sd(d, c)));
  ONE(__m128d, _mm_cmple_sd(_mm_add_sd(c, d), _mm_sub_sd(c, d)));
}

int main(void) {
  static const unsigned modes[] = {0x1f80, 0x1fa0, 0x9fe0, 0x1fe0, 0x9fa0, 0x3fa0, 0x5f80, 0x7fa0};
  for (int m = 0; m < 8; m++) {
    hash = 1;
    mode = modes[m];
    for (int i = 0; i < SINGLES * DOUBLES; i++) {
      uint32_t single[8];
      uint64_t twice[4];
      for (int k = 0; k < 8; k++) single[k] = singles[k & 3 ? (i / SINGLES + k) % SINGLES : i % SINGLES];
      for (int k = 0; k < 4; k++) twice[k] = doubles[k & 1 ? (i / DOUBLES + k) % DOUBLES : i % DOUBLES];
      volatile __m128 ab[2];
      volatile __m128d cd[2];
      memcpy((void *)ab, single, 32);
      memcpy((void *)cd, twice, 32);
      both(&ab[0], &ab[1], &cd[0], &cd[1]);
    }
    printf("%x %lx\n", mode, (unsigned long)hash);
  }
}
