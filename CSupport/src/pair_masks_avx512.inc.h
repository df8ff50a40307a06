// SPDX-License-Identifier: Apache-2.0
//
// Sums of codes of single short rows against 64 queries, AVX-512: numbers of queries stay in registers,
// and codes of one row at a time are spread over all lanes. Comparisons then give
// the queries of a row, which nothing has to transpose.
#include "simd.inc.h"

#define HS_QUERY_LANES

/// Queries of a word of bits, and registers of their sums.
#define HS_LANE_QUERIES 64
#define HS_LANE_SUMS (HS_LANE_QUERIES / HS_LANES)

/// Most groups whose numbers stay in registers: 20 of them, four of thresholds, four sums. With more of
/// them, tiles against queries in turn are faster.
#define HS_HELD_GROUPS 5

/// Bytes of codes that are fetched ahead of a row, where rows come from far away.
#define HS_CODES_AHEAD 4096

/// Up to so many queries, a word of them being mostly empty, rows are put in lanes.
#define HS_FEWEST_LANES 32

/// Bytes of the numbers of a word of queries.
#define HS_LANE_BYTES(groups) ((groups) * HS_LANE_QUERIES * 4)

// Where a query is: register `(k / 4) % 4` of the sums, lane `k / 16 * 4 + k % 4`. Packing four registers of
// sums into bytes, 128 bits at a time, then puts the queries in order.
#define HS_REGISTER_OF(k) ((k) / 4 % HS_LANE_SUMS)
#define HS_LANE_OF(k) ((k) / HS_LANES * 4 + (k) % 4)

/// Numbers q [n, 4 * groups] of queries first..<first + 64, group by group, and zeros behind the last.
static void lanes_of_queries(ptrdiff_t n, ptrdiff_t first, ptrdiff_t groups, const int8_t *q,
                             int8_t *lanes) {
  const ptrdiff_t count = n - first < HS_LANE_QUERIES ? n - first : HS_LANE_QUERIES;
  for (ptrdiff_t k = 0; k < HS_LANE_QUERIES; k++) {
    const int8_t *own = q + (first + k) * 4 * groups;
    const ptrdiff_t place = HS_REGISTER_OF(k) * HS_LANES + HS_LANE_OF(k);
    for (ptrdiff_t g = 0; g < groups; g++) {
      int32_t numbers = 0;
      if (k < count) memcpy(&numbers, own + 4 * g, sizeof numbers);
      memcpy(lanes + (g * HS_LANE_QUERIES + place) * 4, &numbers, sizeof numbers);
    }
  }
}

/// Numbers of a word of queries, and what their sums begin at, in registers: `groups` is a constant.
typedef struct {
  __m512i starts[HS_LANE_SUMS], numbers[HS_HELD_GROUPS][HS_LANE_SUMS];
} held_lanes;

/// -1 - threshold of each query: a sum that begins there is negative unless it exceeds the threshold.
HS_INLINE void hold_starts(ptrdiff_t n, const int32_t *thresholds, __m512i *starts) {
  const uint64_t present = n < HS_LANE_QUERIES ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
  // Far above any sum of HS_HELD_GROUPS, and still far from the ends of what 32 bits hold.
  const __m512i most = _mm512_set1_epi32(1 << 30), least = _mm512_set1_epi32(-(1 << 30));
  __m512i t[HS_LANE_SUMS];
#pragma clang loop unroll(full)
  for (int i = 0; i < HS_LANE_SUMS; i++) {
    // Nothing exceeds the largest number: queries behind the last have no pairs.
    const __m512i own = _mm512_mask_loadu_epi32(most, (__mmask16)(present >> 16 * i),
                                                thresholds + 16 * i);
    t[i] = _mm512_sub_epi32(_mm512_set1_epi32(-1),
                            _mm512_max_epi32(_mm512_min_epi32(own, most), least));
  }
  // From queries in order to their places: 4 x 4 blocks of 128 bits, transposed.
  const __m512i low01 = _mm512_shuffle_i32x4(t[0], t[1], 0x44);
  const __m512i low23 = _mm512_shuffle_i32x4(t[2], t[3], 0x44);
  const __m512i high01 = _mm512_shuffle_i32x4(t[0], t[1], 0xEE);
  const __m512i high23 = _mm512_shuffle_i32x4(t[2], t[3], 0xEE);
  starts[0] = _mm512_shuffle_i32x4(low01, low23, 0x88);
  starts[1] = _mm512_shuffle_i32x4(low01, low23, 0xDD);
  starts[2] = _mm512_shuffle_i32x4(high01, high23, 0x88);
  starts[3] = _mm512_shuffle_i32x4(high01, high23, 0xDD);
}

HS_INLINE held_lanes hold_lanes(ptrdiff_t groups, const int8_t *lanes, ptrdiff_t n,
                                const int32_t *thresholds) {
  held_lanes held;
  hold_starts(n, thresholds, held.starts);
#pragma clang loop unroll(full)
  for (int i = 0; i < HS_LANE_SUMS; i++) {
#pragma clang loop unroll(full)
    for (int g = 0; g < HS_HELD_GROUPS; g++) {
      if (g < groups) {
        held.numbers[g][i] = _mm512_loadu_si512(lanes + (g * HS_LANE_SUMS + i) * 64);
      }
    }
  }
  return held;
}

/// The queries of a word, at most 64, on which row l of a tile exceeds their thresholds.
HS_INLINE uint64_t lane_mask(ptrdiff_t groups, const uint8_t *codes, ptrdiff_t l,
                             const held_lanes *held) {
  __m512i sums[HS_LANE_SUMS];
#pragma clang loop unroll(full)
  for (int i = 0; i < HS_LANE_SUMS; i++) sums[i] = held->starts[i];
#pragma clang loop unroll(full)
  for (int g = 0; g < HS_HELD_GROUPS; g++) {
    if (g >= groups) break;
    const __m512i c = four_numbers((const int8_t *)codes + (g * HS_TILE_ROWS + l) * 4);
#pragma clang loop unroll(full)
    for (int i = 0; i < HS_LANE_SUMS; i++) {
      sums[i] = _mm512_dpbusd_epi32(sums[i], c, held->numbers[g][i]);
    }
  }
  // Signs, which packing keeps, are all that matters: comparing registers one by one takes the units that
  // multiply.
  const __m512i packed = _mm512_packs_epi16(_mm512_packs_epi32(sums[0], sums[1]),
                                            _mm512_packs_epi32(sums[2], sums[3]));
  return ~_cvtmask64_u64(_mm512_movepi8_mask(packed));
}

HS_INLINE void lane_masks_of(ptrdiff_t groups, ptrdiff_t rows, const uint8_t *codes,
                             const int8_t *lanes, ptrdiff_t n, const int32_t *thresholds,
                             uint64_t *masks) {
  const held_lanes held = hold_lanes(groups, lanes, n, thresholds);
  for (ptrdiff_t l = 0; l < rows; l++) masks[l] = lane_mask(groups, codes, l, &held);
}

// Calls f(groups, ...) with a constant number of groups, 1...HS_HELD_GROUPS.
#define HS_WITH_GROUPS(groups, f, ...) \
  switch (groups) {                    \
    case 1: return f(1, __VA_ARGS__);  \
    case 2: return f(2, __VA_ARGS__);  \
    case 3: return f(3, __VA_ARGS__);  \
    case 4: return f(4, __VA_ARGS__);  \
    default: return f(5, __VA_ARGS__); \
  }

/// masks[l] = the queries of a word, at most 64, on which row l < rows of a tile exceeds their thresholds.
static __attribute__((noinline)) void lane_masks(ptrdiff_t groups, ptrdiff_t rows,
                                                 const uint8_t *codes, const int8_t *lanes,
                                                 ptrdiff_t n, const int32_t *thresholds,
                                                 uint64_t *masks) {
  HS_WITH_GROUPS(groups, lane_masks_of, rows, codes, lanes, n, thresholds, masks);
}

// ---------------------------------------------------------------------------------------
// Bits of masks, by packing numbers of 8 bits: where the processor can
// ---------------------------------------------------------------------------------------

#define HS_PACKS_BYTES \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi2,bmi,bmi2,popcnt")))

static int packs_bytes(void) { return __builtin_cpu_supports("avx512vbmi2"); }

/// 0, 1, ..., 63.
HS_INLINE __m512i byte_numbers(void) {
  uint8_t numbers[64];
  for (int i = 0; i < 64; i++) numbers[i] = (uint8_t)i;
  return _mm512_loadu_si512(numbers);
}

/// Lists `first` plus each bit of a mask, and as often the row. Returns how many; writes up to 16 more.
HS_INLINE HS_PACKS_BYTES ptrdiff_t list_packed(uint64_t mask, __m512i numbers, int32_t first,
                                               int32_t row, int32_t *ids, int32_t *queries) {
  const __m512i rows = _mm512_set1_epi32(row), query = _mm512_set1_epi32(first);
  const __m512i packed = _mm512_maskz_compress_epi8(mask, numbers);
  const int count = __builtin_popcountll(mask);
  _mm512_storeu_si512(ids, rows);
  _mm512_storeu_si512(
      queries, _mm512_add_epi32(query, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
  if (__builtin_expect(count > 16, 0)) {
    uint8_t all[64];
    _mm512_storeu_si512(all, packed);
    for (int i = 16; i < count; i += 16) {
      const __m128i part = _mm_loadu_si128((const __m128i *)(all + i));
      _mm512_storeu_si512(ids + i, rows);
      _mm512_storeu_si512(queries + i, _mm512_add_epi32(query, _mm512_cvtepu8_epi32(part)));
    }
  }
  return count;
}

/// What list_pairs of kernels_pairs.inc.h does.
static __attribute__((noinline)) HS_PACKS_BYTES ptrdiff_t
list_pairs_packed(uint64_t rows, ptrdiff_t words, const uint64_t *masks, int32_t first, int32_t *ids,
                  int32_t *queries) {
  const __m512i numbers = byte_numbers();
  ptrdiff_t kept = 0;
  for (; rows; rows &= rows - 1) {
    const int l = (int)__builtin_ctzll(rows);
    for (ptrdiff_t k = 0; k < words; k++) {
      kept += list_packed(masks[64 * k + l], numbers, (int32_t)(64 * k), first + l, ids + kept,
                          queries + kept);
    }
  }
  return kept;
}

/// Lists each bit of a mask, and as often the row, in lanes of 16 bits. Returns how many; writes up to 64 more.
HS_INLINE HS_PACKS_BYTES ptrdiff_t list_short(uint64_t mask, __m512i numbers, __m512i row,
                                              uint16_t *rows, uint8_t *queries) {
  enum { few = 32 };
  const int count = __builtin_popcountll(mask);
  const __m512i packed = _mm512_maskz_compress_epi8(mask, numbers);
  _mm256_storeu_si256((__m256i *)queries, _mm512_castsi512_si256(packed));
  _mm512_storeu_si512(rows, row);
  if (__builtin_expect(count > few, 0)) {
    _mm512_storeu_si512(queries, packed);
    _mm512_storeu_si512(rows + 32, row);
  }
  return count;
}

/// What list_words of kernels_words.inc.h does, but writes up to 64 more.
static __attribute__((noinline)) HS_PACKS_BYTES ptrdiff_t
list_words_packed(uint64_t listed, const uint64_t *masks, uint16_t first, uint16_t *rows,
                  uint8_t *queries) {
  const __m512i numbers = byte_numbers();
  ptrdiff_t kept = 0;
  for (; listed; listed &= listed - 1) {
    const int l = (int)__builtin_ctzll(listed);
    kept += list_short(masks[l], numbers, _mm512_set1_epi16((short)(first + l)), rows + kept,
                       queries + kept);
  }
  return kept;
}

HS_INLINE HS_PACKS_BYTES ptrdiff_t lane_pairs_of(ptrdiff_t groups, ptrdiff_t m,
                                                 const uint8_t *codes, const int8_t *lanes,
                                                 ptrdiff_t n, const int32_t *thresholds,
                                                 uint16_t first, ptrdiff_t stride, const float *w,
                                                 uint16_t *rows, uint8_t *queries) {
  const held_lanes held = hold_lanes(groups, lanes, n, thresholds);
  const __m512i numbers = byte_numbers(), one = _mm512_set1_epi16(1);
  __m512i row = _mm512_set1_epi16((short)first);
  ptrdiff_t kept = 0;
  for (ptrdiff_t l = 0; l < m; l++) {
    if (w) __builtin_prefetch(codes + HS_CODES_AHEAD + 4 * groups * l, 0, 3);
    const uint64_t mask = lane_mask(groups, codes, l, &held);
    if (w) {
      // Which rows have pairs cannot be foreseen: for the others, something is fetched that is there.
      const float *from = mask ? w + l * stride : (const float *)codes;
      for (ptrdiff_t k = 0; k < stride; k += HS_LANES) __builtin_prefetch(from + k, 0, 3);
    }
    kept += list_short(mask, numbers, row, rows + kept, queries + kept);
    row = _mm512_add_epi16(row, one);
  }
  return kept;
}

/// Lists the pairs of m rows of a tile and a word of queries, at most 64, whose sums exceed their
/// thresholds: comparing and listing take hardly longer than the sums. Returns how many; writes up to 64
/// more. Prefetches rows of w, at most HS_LANE_STRIDE floats long, where it is not NULL.
static __attribute__((noinline)) HS_PACKS_BYTES ptrdiff_t
lane_pairs(ptrdiff_t groups, ptrdiff_t m, const uint8_t *codes, const int8_t *lanes, ptrdiff_t n,
           const int32_t *thresholds, uint16_t first, ptrdiff_t stride, const float *w,
           uint16_t *rows, uint8_t *queries) {
  if (w && stride == HS_LANES) {
    HS_WITH_GROUPS(groups, lane_pairs_of, m, codes, lanes, n, thresholds, first, HS_LANES, w, rows,
                   queries);
  }
  if (w && stride == 2 * HS_LANES) {
    HS_WITH_GROUPS(groups, lane_pairs_of, m, codes, lanes, n, thresholds, first, 2 * HS_LANES, w,
                   rows, queries);
  }
  if (w) {
    HS_WITH_GROUPS(groups, lane_pairs_of, m, codes, lanes, n, thresholds, first, stride, w, rows,
                   queries);
  }
  HS_WITH_GROUPS(groups, lane_pairs_of, m, codes, lanes, n, thresholds, first, stride, NULL, rows,
                 queries);
}

#define HS_LANE_STRIDE 64
#define list_words_fastest(...) \
  (packs_bytes() ? list_words_packed(__VA_ARGS__) : list_words(__VA_ARGS__))
#define list_pairs_fastest(...) \
  (packs_bytes() ? list_pairs_packed(__VA_ARGS__) : list_pairs(__VA_ARGS__))
