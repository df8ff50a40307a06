// SPDX-License-Identifier: Apache-2.0
//
// Reports row by row: the readable definitions.
#include <math.h>

#include "kernels.h"

#pragma STDC FP_CONTRACT OFF

/// Whether the sum of codes of row r of consecutive tiles and query j of n exceeds its threshold.
static int exceeds(ptrdiff_t r, ptrdiff_t groups, const uint8_t *codes, ptrdiff_t n, ptrdiff_t j,
                   const int8_t *q, const int32_t *thresholds) {
  const ptrdiff_t tile = r / HS_TILE_ROWS;
  const uint8_t *codes_of_tile = codes + tile * HS_TILE_ROWS * 4 * groups;
  int32_t sum = 0;
  for (ptrdiff_t l = 0; l < 4 * groups; l++) {
    const ptrdiff_t at = (l / 4 * HS_TILE_ROWS + r % HS_TILE_ROWS) * 4 + l % 4;
    sum += codes_of_tile[at] * q[j * 4 * groups + l];
  }
  return sum > thresholds[tile * n + j];
}

int hs_query_lanes_ref(ptrdiff_t n, ptrdiff_t groups, const int8_t *q, int8_t *lanes) {
  (void)n, (void)groups, (void)q, (void)lanes;
  return 0;
}

ptrdiff_t hs_tile_filter_pairs_ref(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                                   const int32_t *spans, ptrdiff_t n, const int8_t *q,
                                   const int8_t *lanes, const int32_t *starts, int32_t span,
                                   const int32_t *thresholds, int32_t first, ptrdiff_t stride,
                                   const float *w, int32_t *ids, int32_t *queries) {
  (void)lanes, (void)spans, (void)starts, (void)span;  // 32 bits hold every sum
  (void)stride, (void)w;                  // only read ahead elsewhere
  ptrdiff_t kept = 0;
  for (ptrdiff_t r = 0; r < m; r++) {
    for (ptrdiff_t j = 0; j < n; j++) {
      if (!exceeds(r, groups, codes, n, j, q, thresholds)) continue;
      ids[kept] = first + (int32_t)r;
      queries[kept++] = (int32_t)j;
    }
  }
  return kept;
}

ptrdiff_t hs_tile_pair_masks_ref(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                                 const int32_t *spans, ptrdiff_t n, const int8_t *q,
                                 const int8_t *lanes, const int32_t *starts, int32_t span,
                                 const int32_t *thresholds, ptrdiff_t words, uint64_t *masks) {
  (void)spans, (void)lanes, (void)starts, (void)span;  // 32 bits hold every sum
  ptrdiff_t found = 0;
  for (ptrdiff_t r = 0; r < (m + 63) / 64 * 64; r++) {
    for (ptrdiff_t k = 0; k < (n + 63) / 64; k++) {
      uint64_t mask = 0;
      for (ptrdiff_t j = 64 * k; r < m && j < n && j < 64 * (k + 1); j++) {
        const int is_kept = exceeds(r, groups, codes, n, j, q, thresholds);
        mask |= (uint64_t)is_kept << j % 64;
        found += is_kept;
      }
      masks[(r / 64 * words + k) * 64 + r % 64] = mask;
    }
  }
  return found;
}

ptrdiff_t hs_list_candidates_ref(ptrdiff_t n, ptrdiff_t *begins, const ptrdiff_t *ends,
                                 const int32_t *ids, int32_t first, ptrdiff_t count,
                                 ptrdiff_t whole_count, const int32_t *whole,
                                 ptrdiff_t coded_first, ptrdiff_t coded_end, const int32_t *coded,
                                 const uint64_t *coded_masks, uint64_t *masks, int32_t *owners,
                                 int32_t *rows) {
  (void)masks;
  const ptrdiff_t words = (n + 63) / 64;
  ptrdiff_t found = 0, w = 0, c = coded_first;
  for (ptrdiff_t r = 0; r < count; r++) {
    const int32_t own = first + (int32_t)r;
    const int in_all = w < whole_count && whole[w] == own;
    const int is_coded = c < coded_end && coded[c] == own;
    for (ptrdiff_t k = 0; k < n; k++) {
      const int is_listed = begins[k] < ends[k] && ids[begins[k]] == own;
      begins[k] += is_listed;
      int is_candidate = is_listed || in_all;
      if (is_coded) {
        is_candidate = coded_masks[(c / 64 * words + k / 64) * 64 + c % 64] >> k % 64 & 1;
      }
      if (!is_candidate) continue;
      owners[found] = own;
      rows[found++] = (int32_t)k;
    }
    w += in_all;
    c += is_coded;
  }
  return found;
}

ptrdiff_t hs_recheck_pairs_f32_ref(ptrdiff_t count, const int32_t *ids, const int32_t *queries,
                                   ptrdiff_t stride, const float *w, const float *x, float b,
                                   int32_t *fired_ids, int32_t *fired_queries, float *values) {
  ptrdiff_t fired = 0;
  for (ptrdiff_t c = 0; c < count; c++) {
    const float z = hs_dot_f32_ref(stride, w + ids[c] * stride, x + queries[c] * stride);
    if (!(z > b)) continue;
    fired_ids[fired] = ids[c];
    fired_queries[fired] = queries[c];
    values[fired++] = z - b;
  }
  return fired;
}

ptrdiff_t hs_tile_filter_word_ref(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                                  const int32_t *spans, ptrdiff_t n, const int8_t *q,
                                  const int8_t *lanes, const int32_t *starts, int32_t span,
                                  const int32_t *thresholds, ptrdiff_t stride, const float *w,
                                  uint16_t *rows, uint8_t *queries) {
  (void)lanes, (void)spans, (void)starts, (void)span;  // 32 bits hold every sum
  (void)stride, (void)w;                  // only read ahead elsewhere
  ptrdiff_t kept = 0;
  for (ptrdiff_t r = 0; r < m; r++) {
    for (ptrdiff_t j = 0; j < n; j++) {
      if (!exceeds(r, groups, codes, n, j, q, thresholds)) continue;
      rows[kept] = (uint16_t)r;
      queries[kept++] = (uint8_t)j;
    }
  }
  return kept;
}

ptrdiff_t hs_recheck_word_f32_ref(ptrdiff_t count, const uint16_t *rows, const uint8_t *queries,
                                  int32_t first, ptrdiff_t stride, const float *w, const float *x,
                                  float b, int32_t *fired_ids, int32_t *fired_queries,
                                  float *values) {
  ptrdiff_t fired = 0;
  for (ptrdiff_t c = 0; c < count; c++) {
    const float z = hs_dot_f32_ref(stride, w + rows[c] * stride, x + queries[c] * stride);
    if (!(z > b)) continue;
    fired_ids[fired] = first + rows[c];
    fired_queries[fired] = queries[c];
    values[fired++] = z - b;
  }
  return fired;
}

ptrdiff_t hs_group_pairs_ref(ptrdiff_t pairs, const int32_t *ids, int32_t *active,
                             int32_t *starts) {
  ptrdiff_t n = 0;
  for (ptrdiff_t e = 0; e < pairs; e++) {
    if (e > 0 && ids[e] == ids[e - 1]) continue;
    active[n] = ids[e];
    starts[n++] = (int32_t)e;
  }
  starts[n] = (int32_t)pairs;
  return n;
}

void hs_list_owners_ref(ptrdiff_t n, const int32_t *active, const int32_t *starts,
                        int32_t *owners) {
  for (ptrdiff_t k = 0; k < n; k++) {
    for (int32_t e = starts[k]; e < starts[k + 1]; e++) owners[e] = active[k];
  }
}

void hs_pair_dots_f32_ref(ptrdiff_t first, ptrdiff_t last, const int32_t *ids,
                          const int32_t *rows, ptrdiff_t stride, const float *w, const float *x,
                          float b, float *h) {
  for (ptrdiff_t e = first; e < last; e++) {
    h[e] = hs_dot_f32_ref(stride, w + ids[e] * stride, x + rows[e] * stride) - b;
  }
}

int hs_forward_pairs_f32_ref(ptrdiff_t shards, const ptrdiff_t *first, const int32_t *ids,
                             const int32_t *queries, const float *values, ptrdiff_t stride,
                             const float *a, ptrdiff_t plane, float *sums, int32_t *told,
                             const int32_t *awaited) {
  int result = 0;
  for (ptrdiff_t i = 0; i < shards; i++) {
    // The last one first, where it is to be told.
    const ptrdiff_t k = told ? (i + shards - 1) % shards : i;
    if (k == 0 && awaited && __atomic_load_n(awaited, __ATOMIC_ACQUIRE) != HS_SHARD_DONE) {
      result |= HS_SHARDS_FIRST_LEFT;
      continue;
    }
    if (k > 0 || !awaited) {
      for (ptrdiff_t c = 0; c < plane; c++) sums[k * plane + c] = 0;
    }
    for (ptrdiff_t e = first[k]; e < first[k + 1]; e++) {
      const float *row = a + ids[e] * stride;
      float *sum = sums + k * plane + queries[e] * stride;
      for (ptrdiff_t c = 0; c < stride; c++) sum[c] = fmaf(values[e], row[c], sum[c]);
    }
    if (told && i == 0 &&
        __atomic_exchange_n(told, HS_SHARD_DONE, __ATOMIC_ACQ_REL) == HS_SHARD_AWAITED) {
      result |= HS_SHARDS_LAST_AWAITED;
    }
  }
  return result;
}
