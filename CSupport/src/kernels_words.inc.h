// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels of reports row by row, for as many queries as a word has bits: lists of pairs take three
// bytes a pair then, which are written as they come out of the comparisons. Comes after kernels_pairs.inc.h.
#include "simd.inc.h"

// ---------------------------------------------------------------------------------------
// Candidates
// ---------------------------------------------------------------------------------------

/// Lists the bits of the masks of these rows of a tile, the first of which is `first`. Returns how many; writes
/// up to 16 more. Always takes as many steps for a row, unless it has more than a few bits: how many it has
/// cannot be foreseen.
static ptrdiff_t list_words(uint64_t listed, const uint64_t *masks, uint16_t first, uint16_t *rows,
                            uint8_t *queries) {
  enum { few = 8 };
  ptrdiff_t kept = 0;
  for (; listed; listed &= listed - 1) {
    const int l = __builtin_ctzll(listed);
    uint64_t mask = masks[l];
    const int count = __builtin_popcountll(mask);
    uint16_t *to_rows = rows + kept;
    uint8_t *to = queries + kept;
#pragma clang loop unroll(full)
    for (int i = 0; i < few; i++, mask &= mask - 1) {
      to_rows[i] = (uint16_t)(first + l);
      to[i] = (uint8_t)__builtin_ctzll(mask | (uint64_t)1 << 63);
    }
    for (int i = few; i < count; i++, mask &= mask - 1) {
      to_rows[i] = (uint16_t)(first + l);
      to[i] = (uint8_t)__builtin_ctzll(mask);
    }
    kept += count;
  }
  return kept;
}

#ifndef HS_QUERY_LANES
#define list_words_fastest list_words
#endif

ptrdiff_t HS_SUFFIX(hs_tile_filter_word)(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                                         const int32_t *spans, ptrdiff_t n, const int8_t *q,
                                         const int8_t *lanes, const int32_t *starts, int32_t span,
                                         const int32_t *thresholds, ptrdiff_t stride,
                                         const float *w, uint16_t *rows, uint8_t *queries) {
  const pair_queries asked = {n, 1, q, starts, lanes};
#ifdef HS_QUERY_LANES
  const int lists_lanes = lanes && packs_bytes() && (!w || stride <= HS_LANE_STRIDE);
#endif
  uint64_t masks[HS_WORD + HS_CODED_QUERIES];
  ptrdiff_t kept = 0;
  for (ptrdiff_t r = 0; r < m; r += HS_TILE_ROWS) {
    const ptrdiff_t tile = r / HS_TILE_ROWS, count = m - r < HS_TILE_ROWS ? m - r : HS_TILE_ROWS;
    const uint8_t *own = codes + r * 4 * groups;
#ifdef HS_QUERY_LANES
    if (lists_lanes) {
      kept += lane_pairs(groups, count, own, lanes, n, thresholds + tile * n, (uint16_t)r, stride,
                         w ? w + r * stride : NULL, rows + kept, queries + kept);
      continue;
    }
#endif
    const int fits = (int64_t)spans[tile] * span <= (int64_t)INT16_MAX * INT16_MAX;
    tile_pair_masks(count, groups, own, &asked, fits, thresholds + tile * n, masks);
    const uint64_t found = rows_with_pairs(1, masks) & rows_of_tile(m - r);
    if (w) prefetch_rows(found, stride, w + r * stride);
    kept += list_words_fastest(found, masks, (uint16_t)r, rows + kept, queries + kept);
  }
  return kept;
}

// ---------------------------------------------------------------------------------------
// Decisions
// ---------------------------------------------------------------------------------------

typedef uint16_t u16x16_word __attribute__((ext_vector_type(16)));

/// Sixteen pairs: lane i is the canonical <row rows[i] of w, row queries[i] of x>.
HS_INLINE f32x16 dots_of_word(ptrdiff_t blocks, const float *w, const uint16_t *rows,
                              const float *x, const uint8_t *queries) {
  const ptrdiff_t stride = blocks * HS_LANES;
#define HS_SUMS(i) pair_sums(blocks, w + rows[i] * stride, x + queries[i] * stride)
  HS_RETURN_FOLDS(blocks, HS_SUMS);
#undef HS_SUMS
}

HS_INLINE ptrdiff_t recheck_word(ptrdiff_t blocks, ptrdiff_t count, const uint16_t *rows,
                                 const uint8_t *queries, int32_t first, const float *w,
                                 const float *x, float b, int32_t *fired_ids,
                                 int32_t *fired_queries, float *values) {
  ptrdiff_t fired = 0;
  uint16_t last_rows[HS_LANES];
  uint8_t last_queries[HS_LANES];
  for (ptrdiff_t c = 0; c < count; c += HS_LANES) {
    const uint16_t *own_rows = rows + c;
    const uint8_t *own_queries = queries + c;
    uint32_t present = 0xFFFF;
    if (count - c < HS_LANES) {
      // Of the last list, pairs are looked at again where there are none.
      for (ptrdiff_t i = 0; i < HS_LANES; i++) {
        const ptrdiff_t at = c + i < count ? i : 0;
        last_rows[i] = own_rows[at];
        last_queries[i] = own_queries[at];
      }
      own_rows = last_rows;
      own_queries = last_queries;
      present = first_bits(count - c);
    }
    const f32x16 z = dots_of_word(blocks, w, own_rows, x, own_queries);
    const uint32_t mask = mask_of(z > splat(b)) & present;
    u16x16_word row;
    u8x16 query;
    memcpy(&row, own_rows, sizeof row);
    memcpy(&query, own_queries, sizeof query);
    store_kept(mask, __builtin_convertvector(row, i32x16) + first, fired_ids + fired);
    store_kept(mask, __builtin_convertvector(query, i32x16), fired_queries + fired);
    store_kept(mask, (i32x16)(z - splat(b)), (int32_t *)values + fired);
    fired += __builtin_popcount(mask);
  }
  return fired;
}

ptrdiff_t HS_SUFFIX(hs_recheck_word_f32)(ptrdiff_t count, const uint16_t *rows,
                                         const uint8_t *queries, int32_t first, ptrdiff_t stride,
                                         const float *w, const float *x, float b,
                                         int32_t *fired_ids, int32_t *fired_queries,
                                         float *values) {
  HS_WITH_BLOCKS(stride / HS_LANES, recheck_word, count, rows, queries, first, w, x, b, fired_ids,
                 fired_queries, values);
}
