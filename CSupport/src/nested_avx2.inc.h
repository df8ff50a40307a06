// SPDX-License-Identifier: Apache-2.0
//
// Sums of the codes of nested tiles, AVX2: as in nested_avx512.inc.h, with bytes for masks; levels
// are widened and multiplied as in tile_masks_avx2.inc.h.
#include "simd.inc.h"

/// The levels of codes whose upper 4 bits are 0, 1, ..., 15, plus 127.5, and their steps.
typedef struct {
  __m256i first, step;
} nested_tables;

HS_INLINE nested_tables nested_tables_of(int bits) {
  uint8_t first[16], step[16];
  nested_table(bits, first, step);
  return (nested_tables){_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)first)),
                         _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)step))};
}

/// Bytes of all ones where the bits of 32 codes are set.
HS_INLINE __m256i nested_mask(const uint8_t *bytes) {
  int32_t bits;
  memcpy(&bits, bytes, sizeof bits);
  const __m256i places = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202,
                                            0x0303030303030303);
  const __m256i own = _mm256_set1_epi64x((int64_t)0x8040201008040201);
  const __m256i spread = _mm256_shuffle_epi8(_mm256_set1_epi32(bits), places);
  return _mm256_cmpeq_epi8(_mm256_and_si256(spread, own), own);
}

/// The levels of 32 codes from the upper 4 bits of each.
HS_INLINE __m256i nested_levels_of(int bits, const nested_tables *tables, __m256i upper,
                                   const uint8_t *bytes) {
  __m256i v = _mm256_shuffle_epi8(tables->first, upper);
  if (bits == 6) {
    const __m256i step = _mm256_shuffle_epi8(tables->step, upper);
    v = _mm256_add_epi8(v, _mm256_and_si256(nested_mask(bytes), step));
    v = _mm256_add_epi8(
        v, _mm256_and_si256(nested_mask(bytes + 32), _mm256_add_epi8(step, step)));
  }
  return v;
}

HS_INLINE wide_numbers widened_bytes(__m256i c) {
  return (wide_numbers){_mm256_and_si256(c, _mm256_set1_epi16(0xFF)), _mm256_srli_epi16(c, 8)};
}

/// Sums of the coarse codes of a tile.
HS_INLINE void nested_sums(int bits, ptrdiff_t groups, const nested_tables *tables,
                           const uint8_t *coarse, const int8_t *high, const int8_t *low,
                           i32x16 to[4]) {
  enum { ahead = 2048 };
  const ptrdiff_t size = bits == 6 ? 192 : 128;
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i sums[8] = {0};
  for (ptrdiff_t g = 0; g < groups; g++) {
    const wide_numbers q = widened_planes(high + 4 * g, low + 4 * g);
    const uint8_t *group = coarse + size * g;
    for (ptrdiff_t i = 0; i < size; i += 64) __builtin_prefetch(group + ahead + i);
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++) {
      const __m256i c = _mm256_loadu_si256((const __m256i *)(group + 64 * (i / 4) + 32 * (i % 2)));
      const __m256i upper = _mm256_and_si256(i / 2 % 2 ? _mm256_srli_epi16(c, 4) : c, nibble);
      const __m256i v = nested_levels_of(bits, tables, upper, group + 128 + 4 * i);
      sums[i] = add_coded(sums[i], widened_bytes(v), q);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    memcpy((char *)(to + i), &sums[2 * i], 32);
    memcpy((char *)(to + i) + 32, &sums[2 * i + 1], 32);
  }
}

/// Numbers of a query in two planes, side by side, widened as codes are.
HS_INLINE wide_numbers wide_query(const int8_t *high, const int8_t *low) {
  const __m256i h = _mm256_loadu_si256((const __m256i *)high);
  const __m256i l = _mm256_loadu_si256((const __m256i *)low);
  return (wide_numbers){
      _mm256_add_epi16(_mm256_slli_epi16(h, 8), _mm256_srai_epi16(_mm256_slli_epi16(l, 8), 8)),
      _mm256_add_epi16(_mm256_and_si256(h, _mm256_set1_epi16((int16_t)0xFF00)),
                       _mm256_srai_epi16(l, 8))};
}

HS_INLINE int32_t nested_folded(__m256i sums) {
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
  return _mm_cvtsi128_si32(four);
}

/// The sum of the fine codes of a row, of 8 bits.
HS_INLINE int32_t nested_fine_sum_8(ptrdiff_t length, const uint8_t *codes, const int8_t *high,
                                    const int8_t *low) {
  __m256i sums = _mm256_setzero_si256();
  for (ptrdiff_t at = 0; at < length; at += 32) {
    sums = add_coded(sums, widened_codes(codes + at), wide_query(high + at, low + at));
  }
  return nested_folded(sums);
}

/// The same for 4 bits. Fetches those of another row, line by line.
HS_INLINE int32_t nested_fine_sum_4(ptrdiff_t length, const uint8_t *codes, const uint8_t *next,
                                    const int8_t *high, const int8_t *low) {
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i sums = _mm256_setzero_si256();
  for (ptrdiff_t at = 0; at < length; at += 128) {
    __builtin_prefetch(next + at / 2);
    for (ptrdiff_t half = 0; half < 64; half += 32) {
      const __m256i bytes = _mm256_loadu_si256((const __m256i *)(codes + at / 2 + half));
      const __m256i first = _mm256_and_si256(bytes, nibble);
      const __m256i second = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
      const ptrdiff_t from = at + half;
      sums = add_coded(sums, widened_bytes(first), wide_query(high + from, low + from));
      sums = add_coded(sums, widened_bytes(second), wide_query(high + from + 64, low + from + 64));
    }
  }
  return nested_folded(sums);
}
