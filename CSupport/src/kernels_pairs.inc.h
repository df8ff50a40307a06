// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels of reports row by row: flat lists of pairs of a row and a query, all pairs of a row one
// after another. Where many queries are asked together they stay in the first-level cache while rows
// pass by, and what a training step wants is in its order. Comes after kernels_tile_filters.inc.h.
#include "simd.inc.h"

// ---------------------------------------------------------------------------------------
// Candidates
// ---------------------------------------------------------------------------------------

#define HS_WORD 64  // queries of a word of bits

typedef uint64_t u64x8 __attribute__((ext_vector_type(8)));
typedef int32_t i32x8_pairs __attribute__((ext_vector_type(8)));

/// Bit i of word k becomes bit k of word i, among 2 s words and bits that differ in bit s of their
/// number, in vectors of eight words: s >= 8 pairs vectors.
HS_INLINE void swap_far(int s, uint64_t low, u64x8 v[8]) {
#pragma clang loop unroll(full)
  for (int k = 0; k < 8; k++) {
    if (k & (s / 8)) continue;
    const u64x8 t = ((v[k] >> (u64x8)(uint64_t)s) ^ v[k + s / 8]) & (u64x8)low;
    v[k] ^= t << (u64x8)(uint64_t)s;
    v[k + s / 8] ^= t;
  }
}

/// The same for s < 8, within vectors; `other` has lane l ^ s in lane l.
HS_INLINE u64x8 swap_near(int s, uint64_t low, u64x8 v, u64x8 other) {
  u64x8 mask, left, right;
#pragma clang loop unroll(full)
  for (int l = 0; l < 8; l++) {
    mask[l] = l & s ? ~low : low;
    left[l] = l & s ? 0 : (uint64_t)s;
    right[l] = l & s ? (uint64_t)s : 0;
  }
  return (v & mask) | (((other << left) >> right) & ~mask);
}

/// Transposes 64 words of 64 bits.
HS_INLINE void transpose_bits(uint64_t words[HS_WORD]) {
  u64x8 v[8];
  memcpy(v, words, sizeof v);
  swap_far(32, 0x00000000FFFFFFFF, v);
  swap_far(16, 0x0000FFFF0000FFFF, v);
  swap_far(8, 0x00FF00FF00FF00FF, v);
#pragma clang loop unroll(full)
  for (int k = 0; k < 8; k++) {
    u64x8 a = v[k];
    a = swap_near(4, 0x0F0F0F0F0F0F0F0F, a, __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3));
    a = swap_near(2, 0x3333333333333333, a, __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5));
    a = swap_near(1, 0x5555555555555555, a, __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6));
    v[k] = a;
  }
  memcpy(words, v, sizeof v);
}

/// The queries that rows are asked for together: numbers [n, 4 * groups], and lanes of them or NULL.
typedef struct {
  ptrdiff_t n, words;
  const int8_t *q;
  const int32_t *starts;
  const int8_t *lanes;
} pair_queries;

/// The rows that have a bit in any of their words masks[l], masks[HS_WORD + l], ...
HS_INLINE uint64_t rows_with_pairs(ptrdiff_t words, const uint64_t *masks) {
  uint64_t rows = 0;
  for (int l = 0; l < HS_WORD; l += HS_LANES) {
    i32x16 any = 0;
    for (ptrdiff_t k = 0; k < words; k++) {
      u64x8 low, high;
      memcpy(&low, masks + k * HS_WORD + l, sizeof low);
      memcpy(&high, masks + k * HS_WORD + l + 8, sizeof high);
      any |= __builtin_shufflevector(__builtin_convertvector(low != 0, i32x8_pairs),
                                     __builtin_convertvector(high != 0, i32x8_pairs), 0, 1, 2, 3, 4,
                                     5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
    rows |= (uint64_t)mask_of(any) << l;
  }
  return rows;
}

/// Lists the pairs of these rows of a tile, whose queries are the bits of masks[l], masks[HS_WORD + l], ...
/// as rows first + l. Returns how many; writes up to 16 more. Always takes as many steps for a row, unless
/// it has more than a few pairs: how many it has cannot be foreseen.
static __attribute__((noinline)) ptrdiff_t list_pairs(uint64_t rows, ptrdiff_t words,
                                                      const uint64_t *masks, int32_t first,
                                                      int32_t *ids, int32_t *queries) {
  enum { few = 8 };
  ptrdiff_t kept = 0;
  for (; rows; rows &= rows - 1) {
    const int l = __builtin_ctzll(rows);
    const i32x16 row = (i32x16)(first + l);
    for (ptrdiff_t k = 0; k < words; k++) {
      uint64_t mask = masks[k * HS_WORD + l];
      const int count = __builtin_popcountll(mask);
      const int32_t query = (int32_t)(k * HS_WORD);
      int32_t *to = queries + kept;
      store_i32(ids + kept, row);
#pragma clang loop unroll(full)
      for (int i = 0; i < few; i++, mask &= mask - 1) {
        to[i] = query + __builtin_ctzll(mask | (uint64_t)1 << 63);
      }
      for (int i = few; i < count; i++, mask &= mask - 1) to[i] = query + __builtin_ctzll(mask);
      for (int i = HS_LANES; i < count; i += HS_LANES) store_i32(ids + kept + i, row);
      kept += count;
    }
  }
  return kept;
}

#ifndef HS_QUERY_LANES
#define list_pairs_fastest list_pairs
#endif

HS_INLINE void prefetch_rows(uint64_t rows, ptrdiff_t stride, const float *w) {
  for (; rows; rows &= rows - 1) {
    const float *row = w + __builtin_ctzll(rows) * stride;
    for (ptrdiff_t l = 0; l < stride; l += HS_LANES) __builtin_prefetch(row + l, 0, 2);
  }
}

/// The queries of each row of a tile: masks[k * HS_WORD + l] has bit j where the pair of row l and
/// query k * HS_WORD + j is kept. Bits of rows behind the last may be anything.
HS_INLINE void tile_pair_masks(ptrdiff_t rows, ptrdiff_t groups, const uint8_t *codes,
                               const pair_queries *queries, int fits, const int32_t *thresholds,
                               uint64_t *masks) {
  const ptrdiff_t n = queries->n, words = queries->words;
  (void)rows;
#ifdef HS_QUERY_LANES
  if (queries->lanes) {
    for (ptrdiff_t k = 0; k < words; k++) {
      lane_masks(groups, rows, codes, queries->lanes + k * HS_LANE_BYTES(groups), n - k * HS_WORD,
                 thresholds + k * HS_WORD, masks + k * HS_WORD);
      for (ptrdiff_t l = rows; l < HS_WORD; l++) masks[k * HS_WORD + l] = 0;
    }
    return;
  }
#endif
  const ptrdiff_t per_query = 1 + (groups + HS_TILE_PART - 1) / HS_TILE_PART;
  const float *ahead = NULL;
  for (ptrdiff_t j = 0; j < n; j += HS_CODED_QUERIES) {
    const ptrdiff_t block = n - j < HS_CODED_QUERIES ? n - j : HS_CODED_QUERIES;
    tile_masks(block, groups, codes, queries->q + j * 4 * groups,
               fits ? queries->starts + j * per_query : NULL, thresholds + j, &ahead, NULL,
               masks + j);
  }
  for (ptrdiff_t j = n; j < words * HS_WORD; j++) masks[j] = 0;
  for (ptrdiff_t k = 0; k < words; k++) transpose_bits(masks + k * HS_WORD);
}

int HS_SUFFIX(hs_query_lanes)(ptrdiff_t n, ptrdiff_t groups, const int8_t *q, int8_t *lanes) {
#ifdef HS_QUERY_LANES
  if (groups < 1 || groups > HS_HELD_GROUPS || n <= HS_FEWEST_LANES) return 0;
  for (ptrdiff_t first = 0; first < n; first += HS_WORD) {
    lanes_of_queries(n, first, groups, q, lanes + first / HS_WORD * HS_LANE_BYTES(groups));
  }
  return 1;
#else
  (void)n, (void)groups, (void)q, (void)lanes;
  return 0;
#endif
}

ptrdiff_t HS_SUFFIX(hs_tile_filter_pairs)(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                                          const int32_t *spans, ptrdiff_t n, const int8_t *q,
                                          const int8_t *lanes, const int32_t *starts, int32_t span,
                                          const int32_t *thresholds, int32_t first,
                                          ptrdiff_t stride, const float *w, int32_t *ids,
                                          int32_t *queries) {
  const ptrdiff_t words = (n + HS_WORD - 1) / HS_WORD;
  const pair_queries asked = {n, words, q, starts, lanes};
  uint64_t masks[HS_PAIR_QUERIES + HS_CODED_QUERIES];
  ptrdiff_t kept = 0;
  for (ptrdiff_t r = 0; r < m; r += HS_TILE_ROWS) {
    const ptrdiff_t rows = m - r < HS_TILE_ROWS ? m - r : HS_TILE_ROWS;
    const int fits = (int64_t)spans[r / HS_TILE_ROWS] * span <= (int64_t)INT16_MAX * INT16_MAX;
    tile_pair_masks(rows, groups, codes + r * 4 * groups, &asked, fits,
                    thresholds + r / HS_TILE_ROWS * n, masks);
    const uint64_t found = rows_with_pairs(words, masks) & rows_of_tile(m - r);
    if (w) prefetch_rows(found, stride, w + r * stride);
    kept += list_pairs_fastest(found, words, masks, first + (int32_t)r, ids + kept, queries + kept);
  }
  return kept;
}

ptrdiff_t HS_SUFFIX(hs_tile_pair_masks)(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                                        const int32_t *spans, ptrdiff_t n, const int8_t *q,
                                        const int8_t *lanes, const int32_t *starts, int32_t span,
                                        const int32_t *thresholds, ptrdiff_t words,
                                        uint64_t *masks) {
  const ptrdiff_t own_words = (n + HS_WORD - 1) / HS_WORD;
  const pair_queries asked = {n, own_words, q, starts, lanes};
  ptrdiff_t found = 0;
  for (ptrdiff_t r = 0; r < m; r += HS_TILE_ROWS) {
    const ptrdiff_t rows = m - r < HS_TILE_ROWS ? m - r : HS_TILE_ROWS;
    const int fits = (int64_t)spans[r / HS_TILE_ROWS] * span <= (int64_t)INT16_MAX * INT16_MAX;
    uint64_t *own = masks + r * words;
    tile_pair_masks(rows, groups, codes + r * 4 * groups, &asked, fits,
                    thresholds + r / HS_TILE_ROWS * n, own);
    for (ptrdiff_t k = 0; k < own_words; k++) {
      for (ptrdiff_t l = rows; l < HS_WORD; l++) own[k * HS_WORD + l] = 0;
    }
    for (ptrdiff_t i = 0; i < own_words * HS_WORD; i++) found += __builtin_popcountll(own[i]);
  }
  return found;
}

// ---------------------------------------------------------------------------------------
// Decisions
// ---------------------------------------------------------------------------------------

HS_INLINE ptrdiff_t recheck_pairs(ptrdiff_t blocks, ptrdiff_t count, const int32_t *ids,
                                  const int32_t *queries, const float *w, const float *x, float b,
                                  int32_t *fired_ids, int32_t *fired_queries, float *values) {
  ptrdiff_t fired = 0, c = 0;
  const ptrdiff_t ahead = pairs_ahead(blocks, count, ids);
  for (; c + HS_LANES <= count; c += HS_LANES) {
    prefetch_ahead(blocks, ahead, count - c, ids + c, w);
    const f32x16 z = dots_of_pairs(blocks, w, ids + c, x, queries + c);
    const uint32_t mask = mask_of(z > splat(b));
    const i32x16 query = load_i32(queries + c);
    store_kept(mask, load_i32(ids + c), fired_ids + fired);
    store_kept(mask, query, fired_queries + fired);
    store_kept(mask, (i32x16)(z - splat(b)), (int32_t *)values + fired);
    fired += __builtin_popcount(mask);
  }
  if (c < count) {
    int32_t last_ids[HS_LANES], last_queries[HS_LANES];
    store_i32(last_ids, load_first_i32(count - c, ids + c));
    store_i32(last_queries, load_first_i32(count - c, queries + c));
    for (ptrdiff_t i = count - c; i < HS_LANES; i++) last_ids[i] = last_ids[0];
    const f32x16 z = dots_of_pairs(blocks, w, last_ids, x, last_queries);
    const uint32_t mask = mask_of(z > splat(b)) & first_bits(count - c);
    store_kept_exactly(mask, load_i32(last_ids), fired_ids + fired);
    store_kept_exactly(mask, load_i32(last_queries), fired_queries + fired);
    fired += store_kept_exactly(mask, (i32x16)(z - splat(b)), (int32_t *)values + fired);
  }
  return fired;
}

ptrdiff_t HS_SUFFIX(hs_recheck_pairs_f32)(ptrdiff_t count, const int32_t *ids,
                                          const int32_t *queries, ptrdiff_t stride,
                                          const float *w, const float *x, float b,
                                          int32_t *fired_ids, int32_t *fired_queries,
                                          float *values) {
  HS_WITH_BLOCKS(stride / HS_LANES, recheck_pairs, count, ids, queries, w, x, b, fired_ids,
                 fired_queries, values);
}

ptrdiff_t HS_SUFFIX(hs_group_pairs)(ptrdiff_t pairs, const int32_t *ids, int32_t *active,
                                    int32_t *starts) {
  ptrdiff_t n = 0;
  int32_t before = -1;
  for (ptrdiff_t e = 0; e < pairs; e += HS_LANES) {
    const ptrdiff_t left = pairs - e;
    const i32x16 own = left < HS_LANES ? load_first_i32(left, ids + e) : load_i32(ids + e);
    i32x16 previous = __builtin_shufflevector(own, own, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                              13, 14);
    previous[0] = before;
    uint32_t mask = mask_of(own != previous);
    if (left < HS_LANES) mask &= first_bits(left);
    store_kept(mask, own, active + n);
    store_kept(mask, lane_numbers() + (int32_t)e, starts + n);
    n += __builtin_popcount(mask);
    before = own[HS_LANES - 1];
  }
  starts[n] = (int32_t)pairs;
  return n;
}

void HS_SUFFIX(hs_list_owners)(ptrdiff_t n, const int32_t *active, const int32_t *starts,
                               int32_t *owners) {
  for (ptrdiff_t k = 0; k < n; k++) fill_lanes(owners, starts[k], starts[k + 1], active[k]);
}
