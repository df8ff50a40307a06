// SPDX-License-Identifier: Apache-2.0
//
// Sums of the codes of nested tiles, AVX-512: a shuffle turns 4 bits of 64 codes into levels, a
// mask adds the steps of each of two more bits; then as in tile_masks_avx512.inc.h.
#include "simd.inc.h"

/// The levels of codes whose upper 4 bits are 0, 1, ..., 15, plus 127.5, and their steps.
typedef struct {
  __m512i first, step;
} nested_tables;

HS_INLINE nested_tables nested_tables_of(int bits) {
  uint8_t first[16], step[16];
  nested_table(bits, first, step);
  return (nested_tables){_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)first)),
                         _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)step))};
}

/// The levels of 64 codes from the upper 4 bits of each.
HS_INLINE __m512i nested_levels_of(int bits, const nested_tables *tables, __m512i upper,
                                   const uint8_t *bytes) {
  __m512i v = _mm512_shuffle_epi8(tables->first, upper);
  if (bits == 6) {
    uint64_t one, two;
    memcpy(&one, bytes, sizeof one);
    memcpy(&two, bytes + 32, sizeof two);
    const __m512i step = _mm512_shuffle_epi8(tables->step, upper);
    v = _mm512_mask_add_epi8(v, one, v, step);
    v = _mm512_mask_add_epi8(v, two, v, _mm512_add_epi8(step, step));
  }
  return v;
}

/// Sums of the coarse codes of a tile.
HS_INLINE void nested_sums(int bits, ptrdiff_t groups, const nested_tables *tables,
                           const uint8_t *coarse, const int8_t *high, const int8_t *low,
                           i32x16 to[4]) {
  enum { ahead = 4096 };
  const ptrdiff_t size = bits == 6 ? 192 : 128;
  const __m512i nibble = _mm512_set1_epi8(15);
  __m512i sums[4] = {0}, low_sums[4] = {0};
  for (ptrdiff_t g = 0; g < groups; g++) {
    const __m512i h = four_numbers(high + 4 * g);
    const __m512i l = four_numbers(low + 4 * g);
    const uint8_t *group = coarse + size * g;
    __m512i upper[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 2; i++) {
      const __m512i c = _mm512_loadu_si512(group + 64 * i);
      upper[2 * i] = _mm512_and_si512(c, nibble);
      upper[2 * i + 1] = _mm512_and_si512(_mm512_srli_epi16(c, 4), nibble);
    }
    if (groups > 4) {
#pragma clang loop unroll(full)
      for (ptrdiff_t i = 0; i < size; i += 64) __builtin_prefetch(group + ahead + i, 0, 2);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      const __m512i v = nested_levels_of(bits, tables, upper[i], group + 128 + 8 * i);
      sums[i] = _mm512_dpbusd_epi32(sums[i], v, h);
      low_sums[i] = _mm512_dpbusd_epi32(low_sums[i], v, l);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    to[i] = (i32x16)_mm512_add_epi32(_mm512_slli_epi32(sums[i], 8), low_sums[i]);
  }
}

HS_INLINE int32_t nested_folded(__m512i sums, __m512i low_sums) {
  return _mm512_reduce_add_epi32(_mm512_add_epi32(_mm512_slli_epi32(sums, 8), low_sums));
}

/// The first bytes of a row, up to 64: short rows end in the same line.
HS_INLINE __m512i nested_fine_codes(ptrdiff_t length, const uint8_t *codes) {
  if (length <= 16) return _mm512_zextsi128_si512(_mm_loadu_si128((const __m128i *)codes));
  if (length <= 32) return _mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i *)codes));
  return _mm512_loadu_si512(codes);
}

/// The sum of the fine codes of a row, of 8 bits.
HS_INLINE int32_t nested_fine_sum_8(ptrdiff_t length, const uint8_t *codes, const int8_t *high,
                                    const int8_t *low) {
  __m512i sums = _mm512_setzero_si512(), low_sums = sums;
  for (ptrdiff_t at = 0; at < length; at += 64) {
    const __m512i c = nested_fine_codes(length, codes + at);
    sums = _mm512_dpbusd_epi32(sums, c, _mm512_loadu_si512(high + at));
    low_sums = _mm512_dpbusd_epi32(low_sums, c, _mm512_loadu_si512(low + at));
  }
  return nested_folded(sums, low_sums);
}

/// The same for 4 bits. Fetches those of another row, line by line.
HS_INLINE int32_t nested_fine_sum_4(ptrdiff_t length, const uint8_t *codes, const uint8_t *next,
                                    const int8_t *high, const int8_t *low) {
  const __m512i nibble = _mm512_set1_epi8(15);
  __m512i sums = _mm512_setzero_si512(), low_sums = sums;
  for (ptrdiff_t at = 0; at < length; at += 128) {
    __builtin_prefetch(next + at / 2);
    const __m512i bytes = _mm512_loadu_si512(codes + at / 2);
    const __m512i first = _mm512_and_si512(bytes, nibble);
    const __m512i second = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble);
    sums = _mm512_dpbusd_epi32(sums, first, _mm512_loadu_si512(high + at));
    low_sums = _mm512_dpbusd_epi32(low_sums, first, _mm512_loadu_si512(low + at));
    sums = _mm512_dpbusd_epi32(sums, second, _mm512_loadu_si512(high + at + 64));
    low_sums = _mm512_dpbusd_epi32(low_sums, second, _mm512_loadu_si512(low + at + 64));
  }
  return nested_folded(sums, low_sums);
}
