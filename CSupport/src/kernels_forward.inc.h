// SPDX-License-Identifier: Apache-2.0
//
// SIMD forward pass: query by query, where the outputs of a query stay in registers; and neuron by neuron, where
// output weights are read once.
#include "simd.inc.h"

#define HS_PAIRS_AHEAD 32  // pairs between the one worked on and the one prefetched
#define HS_SECOND_CACHE_BYTES (3 * 256 * 1024)  // of rows that stay in the second cache
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

// ---------------------------------------------------------------------------------------
// Neuron by neuron
// ---------------------------------------------------------------------------------------

#define HS_TOGETHER 2  // shards whose sums grow in turns

/// The pairs of a report and what is summed.
typedef struct {
  const int32_t *ids, *queries;
  const float *values, *a;
} weighted_pairs;

/// The sum of pair e's query += value * row of a, `blocks` blocks (a constant of at most 4) of rows of
/// `stride` floats, or with 0 one float.
HS_INLINE void add_weighted(ptrdiff_t blocks, ptrdiff_t stride, const weighted_pairs *p, ptrdiff_t e,
                            float *sums) {
  const float *row = p->a + p->ids[e] * stride;
  float *sum = sums + p->queries[e] * stride;
  if (blocks == 0) {
    *sum = fmaf(p->values[e], *row, *sum);
    return;
  }
  const f32x16 h = splat(p->values[e]);
  for (ptrdiff_t j = 0; j < blocks; j++) {
    store(sum + j * HS_LANES, fmadd(h, load(row + j * HS_LANES), load(sum + j * HS_LANES)));
  }
}

/// Adds the pairs first[k]..<first[k + 1] to sums + k * plane, k < shards. Neighbors often fire on the
/// same queries, whose sums then wait for each other: shards take turns.
HS_INLINE void add_shards(ptrdiff_t blocks, ptrdiff_t stride, int shards, int is_far,
                          const ptrdiff_t *first, const weighted_pairs *pairs, ptrdiff_t plane,
                          float *sums) {
  const weighted_pairs p = *pairs;
  const ptrdiff_t rows = blocks > 0 ? blocks : 1;
  ptrdiff_t turns = first[1] - first[0];
  for (int k = 1; k < shards; k++) {
    const ptrdiff_t count = first[k + 1] - first[k];
    turns = count < turns ? count : turns;
  }
  for (ptrdiff_t i = 0; i < turns; i++) {
    const ptrdiff_t ahead = i + HS_PAIRS_AHEAD / HS_TOGETHER < turns ? HS_PAIRS_AHEAD / HS_TOGETHER : 0;
#pragma clang loop unroll(full)
    for (int k = 0; k < shards; k++) {
      if (is_far) prefetch_row(rows, p.a + p.ids[first[k] + i + ahead] * stride);
      add_weighted(blocks, stride, &p, first[k] + i, sums + k * plane);
    }
  }
  for (int k = 0; k < shards; k++) {
    for (ptrdiff_t e = first[k] + turns; e < first[k + 1]; e++) {
      add_weighted(blocks, stride, &p, e, sums + k * plane);
    }
  }
}

HS_INLINE void add_in_turns(ptrdiff_t blocks, ptrdiff_t stride, ptrdiff_t shards, int is_far,
                            const ptrdiff_t *first, const weighted_pairs *pairs, ptrdiff_t plane,
                            float *sums) {
  ptrdiff_t k = 0;
  for (; k + HS_TOGETHER <= shards; k += HS_TOGETHER) {
    add_shards(blocks, stride, HS_TOGETHER, is_far, first + k, pairs, plane, sums + k * plane);
  }
  for (; k < shards; k++) {
    add_shards(blocks, stride, 1, is_far, first + k, pairs, plane, sums + k * plane);
  }
}

HS_INLINE void add_all_shards(ptrdiff_t blocks, ptrdiff_t stride, ptrdiff_t shards,
                              const ptrdiff_t *first, const weighted_pairs *pairs, ptrdiff_t plane,
                              float *sums) {
  const ptrdiff_t count = first[shards] - first[0], most = blocks > 0 ? blocks : 1;
  // Fetching rows that are in the second cache takes longer than it saves.
  if (are_far(most, count, pairs->ids + first[0], HS_SECOND_CACHE_BYTES)) {
    add_in_turns(blocks, stride, shards, 1, first, pairs, plane, sums);
  } else {
    add_in_turns(blocks, stride, shards, 0, first, pairs, plane, sums);
  }
}

void HS_SUFFIX(hs_forward_pairs_f32)(ptrdiff_t shards, const ptrdiff_t *first, const int32_t *ids,
                                     const int32_t *queries, const float *values,
                                     ptrdiff_t stride, const float *a, ptrdiff_t plane,
                                     float *sums) {
  const weighted_pairs pairs = {ids, queries, values, a};
  for (ptrdiff_t k = 0; k < shards; k++) memset(sums + k * plane, 0, (size_t)plane * sizeof *sums);
#define HS_ADD(blocks)                                                                       \
  add_all_shards(blocks, (blocks) > 0 ? HS_LANES * (blocks) : 1, shards, first, &pairs, plane, \
                 sums)
  switch (stride) {
    case 1: HS_ADD(0); return;
    case 1 * HS_LANES: HS_ADD(1); return;
    case 2 * HS_LANES: HS_ADD(2); return;
    case 3 * HS_LANES: HS_ADD(3); return;
    case 4 * HS_LANES: HS_ADD(4); return;
  }
#undef HS_ADD
  for (ptrdiff_t at = 0; at < stride; at += HS_LANES) {
    const weighted_pairs part = {ids, queries, values, a + at};
    add_all_shards(1, stride, shards, first, &part, plane, sums + at);
  }
}
