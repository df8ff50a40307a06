// SPDX-License-Identifier: Apache-2.0
//
// Sums of codes of one tile against queries, AVX2.
//
// Narrow: vpmaddubsw adds two products in 16 bits, exactly where |q| <= HS_QUERY_LARGEST_7, and a
// part of a row is summed in 16 bits modulo 2^16. The sums begin at -128 sum q, so that what they
// end as is <k, q> over half a part, which is known to fit; vpmaddwd by ones widens it. Two
// instructions for 32 products.
//
// Wide, where that is not known: codes are widened to 16 bits in place: coordinates 0 and 2 of each
// group of four are one half of its 32 bits, 1 and 3 the other, and vpmaddwd adds two exact
// products to each of 8 rows. Five instructions for 32 products.
#include "simd.inc.h"

/// Queries that share the widened codes: 8 registers of sums for half a tile.
#define HS_CODED_QUERIES 2

/// Numbers of a query for one group, widened as codes are.
typedef struct {
  __m256i even, odd;
} wide_numbers;

HS_INLINE __m256i four_numbers(const int8_t *q) {
  int32_t bits;
  memcpy(&bits, q, sizeof bits);
  return _mm256_set1_epi32(bits);
}

HS_INLINE wide_numbers widened(const int8_t *q) {
  const __m256i v = four_numbers(q);
  return (wide_numbers){_mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8), _mm256_srai_epi16(v, 8)};
}

/// 256 * high + low.
HS_INLINE wide_numbers widened_planes(const int8_t *high, const int8_t *low) {
  const __m256i h = four_numbers(high);
  const wide_numbers l = widened(low);
  return (wide_numbers){
      _mm256_add_epi16(_mm256_slli_epi16(h, 8), l.even),
      _mm256_add_epi16(_mm256_and_si256(h, _mm256_set1_epi16((int16_t)0xFF00)), l.odd)};
}

HS_INLINE wide_numbers widened_codes(const uint8_t *codes) {
  const __m256i c = _mm256_loadu_si256((const __m256i *)codes);
  return (wide_numbers){_mm256_and_si256(c, _mm256_set1_epi16(0xFF)), _mm256_srli_epi16(c, 8)};
}

HS_INLINE __m256i add_coded(__m256i sums, wide_numbers c, wide_numbers q) {
  sums = _mm256_add_epi32(sums, _mm256_madd_epi16(c.even, q.even));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(c.odd, q.odd));
}

/// The bits of 32 rows.
HS_INLINE uint64_t half_mask(const __m256i sums[4], int32_t threshold) {
  const __m256i t = _mm256_set1_epi32(threshold);
  uint64_t mask = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    const __m256 above = _mm256_castsi256_ps(_mm256_cmpgt_epi32(sums[i], t));
    mask |= (uint64_t)(uint32_t)_mm256_movemask_ps(above) << 8 * i;
  }
  return mask;
}

/// The rows of a tile whose sums exceed the threshold, for a query in two planes.
HS_INLINE uint64_t tile_mask_one(ptrdiff_t groups, const uint8_t *codes, const int8_t *high,
                                 const int8_t *low, int32_t threshold) {
  // The processor foresees the stream of codes, but not far enough to keep up with it.
  enum { ahead = 2048 };
  __m256i sums[8] = {0};
  for (ptrdiff_t g = 0; g < groups; g++) {
    const wide_numbers q = widened_planes(high + 4 * g, low + 4 * g);
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) __builtin_prefetch(codes + 256 * g + 64 * i + ahead);
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
      sums[i] = add_coded(sums[i], widened_codes(codes + 256 * g + 32 * i), q);
    }
  }
  return half_mask(sums, threshold) | half_mask(sums + 4, threshold) << 32;
}

/// The same for n <= HS_CODED_QUERIES queries in one plane, n a constant. Reads ahead, line by
/// line, from *ahead to end.
HS_INLINE void tile_masks_wide(int n, ptrdiff_t groups, const uint8_t *codes, const int8_t *q,
                               const int32_t *thresholds, const float **ahead, const float *end,
                               uint64_t *masks) {
  const float *line = *ahead;
  for (int k = 0; k < n; k++) masks[k] = 0;
  for (int half = 0; half < 2; half++) {
    __m256i sums[HS_CODED_QUERIES][4] = {0};
    for (ptrdiff_t g = 0; g < groups; g++) {
      wide_numbers numbers[HS_CODED_QUERIES];
      if (line < end) {
        __builtin_prefetch(line, 0, 2);
        line += HS_LANES;
      }
#pragma clang loop unroll(full)
      for (int k = 0; k < n; k++) numbers[k] = widened(q + (k * groups + g) * 4);
#pragma clang loop unroll(full)
      for (int i = 0; i < 4; i++) {
        const wide_numbers c = widened_codes(codes + 256 * g + 128 * half + 32 * i);
#pragma clang loop unroll(full)
        for (int k = 0; k < n; k++) sums[k][i] = add_coded(sums[k][i], c, numbers[k]);
      }
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < n; k++) masks[k] |= half_mask(sums[k], thresholds[k]) << 32 * half;
  }
  *ahead = line;
}

/// The same where the sums of each part fit 16 bits.
HS_INLINE void tile_masks_narrow(int n, ptrdiff_t groups, const uint8_t *codes, const int8_t *q,
                                 const int32_t *starts, const int32_t *thresholds,
                                 const float **ahead, const float *end, uint64_t *masks) {
  const ptrdiff_t per_query = 1 + (groups + HS_TILE_PART - 1) / HS_TILE_PART;
  const float *line = *ahead;
  for (int k = 0; k < n; k++) masks[k] = 0;
  for (int half = 0; half < 2; half++) {
    __m256i sums[HS_CODED_QUERIES][4];
#pragma clang loop unroll(full)
    for (int k = 0; k < n; k++) {
#pragma clang loop unroll(full)
      for (int i = 0; i < 4; i++) sums[k][i] = _mm256_set1_epi32(starts[k * per_query]);
    }
    for (ptrdiff_t g = 0, part = 1; g < groups; part++) {
      const ptrdiff_t part_end = groups - g < HS_TILE_PART ? groups : g + HS_TILE_PART;
      __m256i narrow[HS_CODED_QUERIES][4];
#pragma clang loop unroll(full)
      for (int k = 0; k < n; k++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) narrow[k][i] = _mm256_set1_epi32(starts[k * per_query + part]);
      }
      for (; g < part_end; g++) {
        if (line < end) {
          __builtin_prefetch(line, 0, 2);
          line += HS_LANES;
        }
        __m256i numbers[HS_CODED_QUERIES];
#pragma clang loop unroll(full)
        for (int k = 0; k < n; k++) numbers[k] = four_numbers(q + (k * groups + g) * 4);
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) {
          const __m256i c =
              _mm256_loadu_si256((const __m256i *)(codes + 256 * g + 128 * half + 32 * i));
#pragma clang loop unroll(full)
          for (int k = 0; k < n; k++) {
            narrow[k][i] = _mm256_add_epi16(narrow[k][i], _mm256_maddubs_epi16(c, numbers[k]));
          }
        }
      }
#pragma clang loop unroll(full)
      for (int k = 0; k < n; k++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) {
          sums[k][i] = _mm256_add_epi32(
              sums[k][i], _mm256_madd_epi16(narrow[k][i], _mm256_set1_epi16(1)));
        }
      }
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < n; k++) masks[k] |= half_mask(sums[k], thresholds[k]) << 32 * half;
  }
  *ahead = line;
}

HS_INLINE void tile_masks_of(int n, ptrdiff_t groups, const uint8_t *codes, const int8_t *q,
                             const int32_t *starts, const int32_t *thresholds,
                             const float **ahead, const float *end, uint64_t *masks) {
  if (starts) {
    tile_masks_narrow(n, groups, codes, q, starts, thresholds, ahead, end, masks);
  } else {
    tile_masks_wide(n, groups, codes, q, thresholds, ahead, end, masks);
  }
}
