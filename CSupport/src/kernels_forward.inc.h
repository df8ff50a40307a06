// SPDX-License-Identifier: Apache-2.0
//
// SIMD forward pass, query by query: the outputs of a query stay in registers.
#include "simd.inc.h"

#define HS_PAIRS_AHEAD 32  // pairs between the one worked on and the one prefetched
#define HS_SGD_AHEAD 12    // rows between the one worked on and the one prefetched

/// The neurons that fire on each query, as a report lists them, and their output weights.
typedef struct {
  const ptrdiff_t *offsets;
  const int32_t *ids;
  const float *values;
  const float *a;
} firing_list;

/// Adds neurons first..<last of a report to `sum`, as far as they are below `bound`. Returns the
/// first that is not.
HS_INLINE ptrdiff_t add_firing(ptrdiff_t blocks, ptrdiff_t first, ptrdiff_t last, ptrdiff_t bound,
                               const int32_t *ids, const float *values, ptrdiff_t stride,
                               const float *a, held_row *sum) {
  ptrdiff_t e = first;
  for (; e < last && ids[e] < bound; e++) {
    const float *row = a + ids[e] * stride;
    // Past the end of the query begins the next one.
    prefetch_row(blocks, a + ids[e + HS_SGD_AHEAD < last ? e + HS_SGD_AHEAD : e] * stride);
    const f32x16 h = splat(values[e]);
    for (ptrdiff_t j = 0; j < blocks; j++) {
      sum->block[j] = fmadd(h, load(row + j * HS_LANES), sum->block[j]);
    }
  }
  return e;
}

/// `blocks` blocks (a constant of at most 4) of the outputs of all queries.
HS_INLINE void forward_blocks(ptrdiff_t blocks, ptrdiff_t queries, const firing_list *firing,
                              const firing_list *more, ptrdiff_t pieces, const ptrdiff_t *shards,
                              ptrdiff_t stride, ptrdiff_t at, float factor, float *out) {
  for (ptrdiff_t q = 0; q < queries; q++) {
    held_row total = {.row = NULL};
    ptrdiff_t e = firing->offsets[q];
    const ptrdiff_t last = firing->offsets[q + 1];
    for (ptrdiff_t piece = 0; piece < pieces; piece++) {
      held_row sum = {.row = NULL};
      for (ptrdiff_t j = 0; j < 4; j++) sum.block[j] = splat(0);
      e = add_firing(blocks, e, last, shards[piece + 1], firing->ids, firing->values, stride,
                     firing->a + at, &sum);
      if (piece + 1 == pieces && more->offsets) {
        add_firing(blocks, more->offsets[q], more->offsets[q + 1], PTRDIFF_MAX, more->ids,
                   more->values, stride, more->a + at, &sum);
      }
      for (ptrdiff_t j = 0; j < blocks; j++) {
        total.block[j] = piece == 0 ? sum.block[j] : total.block[j] + sum.block[j];
      }
    }
    for (ptrdiff_t j = 0; j < blocks; j++) {
      store(out + q * stride + at + j * HS_LANES, total.block[j] * splat(factor));
    }
  }
}

#define HS_FORWARD_QUERIES 64  // queries whose single outputs are summed shard by shard

/// As forward_blocks for a single output. Queries take turns within a shard, whose output weights
/// then stay in the cache, and whose sums do not wait for each other.
static void forward_scalars(ptrdiff_t queries, const firing_list *firing, const firing_list *more,
                            ptrdiff_t pieces, const ptrdiff_t *shards, float factor, float *out) {
  for (ptrdiff_t begin = 0; begin < queries; begin += HS_FORWARD_QUERIES) {
    const ptrdiff_t rest = queries - begin;
    const ptrdiff_t count = rest < HS_FORWARD_QUERIES ? rest : HS_FORWARD_QUERIES;
    ptrdiff_t next[HS_FORWARD_QUERIES];
    float total[HS_FORWARD_QUERIES] = {0};
    for (ptrdiff_t k = 0; k < count; k++) next[k] = firing->offsets[begin + k];
    for (ptrdiff_t piece = 0; piece < pieces; piece++) {
      for (ptrdiff_t k = 0; k < count; k++) {
        const ptrdiff_t q = begin + k, last = firing->offsets[q + 1];
        ptrdiff_t e = next[k];
        float sum = 0;
        for (; e < last && firing->ids[e] < shards[piece + 1]; e++) {
          sum = fmaf(firing->values[e], firing->a[firing->ids[e]], sum);
        }
        next[k] = e;
        if (piece + 1 == pieces && more->offsets) {
          for (ptrdiff_t i = more->offsets[q]; i < more->offsets[q + 1]; i++) {
            sum = fmaf(more->values[i], more->a[more->ids[i]], sum);
          }
        }
        total[k] = piece == 0 ? sum : total[k] + sum;
      }
    }
    for (ptrdiff_t k = 0; k < count; k++) out[begin + k] = total[k] * factor;
  }
}

void HS_SUFFIX(hs_forward_queries_f32)(ptrdiff_t queries, const ptrdiff_t *offsets,
                                       const int32_t *ids, const float *values, const float *a,
                                       const ptrdiff_t *more_offsets, const int32_t *more_ids,
                                       const float *more_values, const float *more_a,
                                       ptrdiff_t pieces, const ptrdiff_t *shards,
                                       ptrdiff_t stride, float factor, float *out) {
  const firing_list firing = {offsets, ids, values, a};
  const firing_list more = {more_offsets, more_ids, more_values, more_a};
  if (stride == 1) {
    forward_scalars(queries, &firing, &more, pieces, shards, factor, out);
    return;
  }
  for (ptrdiff_t at = 0; at < stride; at += 4 * HS_LANES) {
    switch ((stride - at) / HS_LANES) {
#define HS_CASE(label, blocks)                                                                 \
  label:                                                                                       \
    forward_blocks(blocks, queries, &firing, &more, pieces, shards, stride, at, factor, out);  \
    break;
      HS_CASE(case 1, 1)
      HS_CASE(case 2, 2)
      HS_CASE(case 3, 3)
      HS_CASE(default, 4)
#undef HS_CASE
    }
  }
}
