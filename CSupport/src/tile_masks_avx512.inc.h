// SPDX-License-Identifier: Apache-2.0
//
// Sums of codes of one tile against queries, AVX-512: vpdpbusd adds four products of a code
// (unsigned) and a query's number (signed) to each of 16 rows. Sums may wrap on the way; what they
// end as fits.
#include "simd.inc.h"

/// Queries whose sums over a whole tile stay in registers: 24 of them, four of codes.
#define HS_CODED_QUERIES 6

HS_INLINE __m512i four_numbers(const int8_t *q) {
  int32_t bits;
  memcpy(&bits, q, sizeof bits);
  return _mm512_set1_epi32(bits);
}

HS_INLINE uint64_t tile_mask(const __m512i sums[4], int32_t threshold) {
  const __m512i t = _mm512_set1_epi32(threshold);
  __mmask16 rows[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) rows[i] = _mm512_cmpgt_epi32_mask(sums[i], t);
  // Put together as masks: one of them leaves for a general register.
  return _mm512_kunpackd(_mm512_kunpackw(rows[3], rows[2]), _mm512_kunpackw(rows[1], rows[0]));
}

/// The rows of a tile whose sums exceed the threshold, for a query in two planes.
HS_INLINE uint64_t tile_mask_one(ptrdiff_t groups, const uint8_t *codes, const int8_t *high,
                                 const int8_t *low, int32_t threshold) {
  __m512i sums[4] = {0}, low_sums[4] = {0};
  for (ptrdiff_t g = 0; g < groups; g++) {
    const __m512i h = four_numbers(high + 4 * g);
    const __m512i l = four_numbers(low + 4 * g);
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      const __m512i c = _mm512_loadu_si512(codes + 256 * g + 64 * i);
      sums[i] = _mm512_dpbusd_epi32(sums[i], c, h);
      low_sums[i] = _mm512_dpbusd_epi32(low_sums[i], c, l);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    sums[i] = _mm512_add_epi32(_mm512_slli_epi32(sums[i], 8), low_sums[i]);
  }
  return tile_mask(sums, threshold);
}

/// The same for n <= HS_CODED_QUERIES queries in one plane, n a constant. Reads ahead, line by
/// line, from *ahead to end.
HS_INLINE void tile_masks_of(int n, ptrdiff_t groups, const uint8_t *codes, const int8_t *q,
                             const int32_t *starts, const int32_t *thresholds,
                             const float **ahead, const float *end, uint64_t *masks) {
  (void)starts;  // vpdpbusd adds in 32 bits
  __m512i sums[HS_CODED_QUERIES][4] = {0};
  const float *line = *ahead;
  for (ptrdiff_t g = 0; g < groups; g++) {
    __m512i c[4];
    if (line < end) {
      __builtin_prefetch(line, 0, 2);
      line += HS_LANES;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) c[i] = _mm512_loadu_si512(codes + 256 * g + 64 * i);
#pragma clang loop unroll(full)
    for (int k = 0; k < n; k++) {
      const __m512i numbers = four_numbers(q + (k * groups + g) * 4);
#pragma clang loop unroll(full)
      for (int i = 0; i < 4; i++) sums[k][i] = _mm512_dpbusd_epi32(sums[k][i], c[i], numbers);
    }
  }
  *ahead = line;
#pragma clang loop unroll(full)
  for (int k = 0; k < n; k++) masks[k] = tile_mask(sums[k], thresholds[k]);
}
