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

/// A shard whose sum grows: pairs at..<last are left.
typedef struct {
  ptrdiff_t at, last;
  float *sums;
  int is_told;
} shard_lane;

#define HS_TURNS_AT_LEAST 64  // turns after which a shard that is waited for is looked for again

/// Adds the next `turns` pairs of each of `count` lanes (a constant). Neighbors often fire on the same queries, whose
/// sums then wait for each other: shards take turns.
HS_INLINE void take_turns(ptrdiff_t blocks, ptrdiff_t stride, int is_far, int count,
                          ptrdiff_t turns, const weighted_pairs *pairs, shard_lane *lanes) {
  const weighted_pairs p = *pairs;
  const ptrdiff_t rows = blocks > 0 ? blocks : 1;
  ptrdiff_t at[HS_SHARDS_TOGETHER];
  float *sums[HS_SHARDS_TOGETHER];
  for (int k = 0; k < count; k++) {
    at[k] = lanes[k].at;
    sums[k] = lanes[k].sums;
    lanes[k].at += turns;
  }
  for (ptrdiff_t i = 0; i < turns; i++) {
    const ptrdiff_t ahead = i + HS_PAIRS_AHEAD / count < turns ? HS_PAIRS_AHEAD / count : 0;
#pragma clang loop unroll(full)
    for (int k = 0; k < count; k++) {
      if (is_far) prefetch_row(rows, p.a + p.ids[at[k] + i + ahead] * stride);
      add_weighted(blocks, stride, &p, at[k] + i, sums[k]);
    }
  }
}

/// Shards of which some are begun, or gone on with, elsewhere: see hs_forward_pairs_f32.
typedef struct {
  ptrdiff_t shards;
  const ptrdiff_t *first;
  ptrdiff_t plane;
  float *sums;
  int32_t *told;
  const int32_t *awaited;
} shard_list;

/// Sums all shards; as many as can take turns, as long as there are so many. Returns HS_SHARDS_...
HS_INLINE int add_in_turns(ptrdiff_t blocks, ptrdiff_t stride, int is_far, const shard_list *list,
                           const weighted_pairs *pairs) {
  shard_lane lanes[HS_SHARDS_TOGETHER];
  const ptrdiff_t shards = list->shards, *first = list->first;
  ptrdiff_t next = list->awaited ? 1 : 0;
  const ptrdiff_t end = list->told ? shards - 1 : shards;
  int is_last_left = list->told != NULL, is_first_left = list->awaited != NULL;
  int count = 0, result = 0;
  for (;;) {
    while (count < HS_SHARDS_TOGETHER) {
      ptrdiff_t k = shards - 1;
      int is_told = 0;
      if (is_last_left) {
        is_last_left = 0;
        is_told = 1;
      } else if (is_first_left && __atomic_load_n(list->awaited, __ATOMIC_ACQUIRE) == HS_SHARD_DONE) {
        is_first_left = 0;
        k = 0;
      } else if (next < end) {
        k = next++;
      } else {
        break;
      }
      lanes[count++] = (shard_lane){first[k], first[k + 1], list->sums + k * list->plane, is_told};
    }
    if (count == 0) return is_first_left ? result | HS_SHARDS_FIRST_LEFT : result;
    ptrdiff_t turns = lanes[0].last - lanes[0].at;
    for (int k = 1; k < count; k++) {
      const ptrdiff_t left = lanes[k].last - lanes[k].at;
      turns = left < turns ? left : turns;
    }
    if (is_first_left && turns > HS_TURNS_AT_LEAST) turns = HS_TURNS_AT_LEAST;
    if (count == HS_SHARDS_TOGETHER) {
      take_turns(blocks, stride, is_far, HS_SHARDS_TOGETHER, turns, pairs, lanes);
    } else {
      take_turns(blocks, stride, is_far, 1, turns, pairs, lanes);
    }
    for (int k = count - 1; k >= 0; k--) {
      if (lanes[k].at < lanes[k].last) continue;
      if (lanes[k].is_told &&
          __atomic_exchange_n(list->told, HS_SHARD_DONE, __ATOMIC_ACQ_REL) == HS_SHARD_AWAITED) {
        result |= HS_SHARDS_LAST_AWAITED;
      }
      lanes[k] = lanes[--count];
    }
  }
}

HS_INLINE int add_all_shards(ptrdiff_t blocks, ptrdiff_t stride, const shard_list *list,
                             const weighted_pairs *pairs) {
  const ptrdiff_t first = list->first[0], count = list->first[list->shards] - first;
  // Fetching rows that are in the second cache takes longer than it saves.
  if (are_far(blocks > 0 ? blocks : 1, count, pairs->ids + first, HS_SECOND_CACHE_BYTES)) {
    return add_in_turns(blocks, stride, 1, list, pairs);
  }
  return add_in_turns(blocks, stride, 0, list, pairs);
}

int HS_SUFFIX(hs_forward_pairs_f32)(ptrdiff_t shards, const ptrdiff_t *first, const int32_t *ids,
                                    const int32_t *queries, const float *values, ptrdiff_t stride,
                                    const float *a, ptrdiff_t plane, float *sums, int32_t *told,
                                    const int32_t *awaited) {
  const weighted_pairs pairs = {ids, queries, values, a};
  const shard_list list = {shards, first, plane, sums, told, awaited};
  for (ptrdiff_t k = awaited ? 1 : 0; k < shards; k++) {
    memset(sums + k * plane, 0, (size_t)plane * sizeof *sums);
  }
  switch (stride) {
    case 1: return add_all_shards(0, 1, &list, &pairs);
    case 1 * HS_LANES: return add_all_shards(1, 1 * HS_LANES, &list, &pairs);
    case 2 * HS_LANES: return add_all_shards(2, 2 * HS_LANES, &list, &pairs);
    case 3 * HS_LANES: return add_all_shards(3, 3 * HS_LANES, &list, &pairs);
    case 4 * HS_LANES: return add_all_shards(4, 4 * HS_LANES, &list, &pairs);
  }
  // Block of columns by block of columns: what is true of the first is true of all.
  const int32_t ready = awaited ? __atomic_load_n(awaited, __ATOMIC_ACQUIRE) : 0;
  int result = 0;
  for (ptrdiff_t at = 0; at < stride; at += HS_LANES) {
    const weighted_pairs part = {ids, queries, values, a + at};
    const int32_t *seen = awaited ? &ready : NULL;
    const shard_list columns = {shards, first, plane, sums + at,
                                at + HS_LANES < stride ? NULL : told, seen};
    result |= add_all_shards(1, stride, &columns, &part);
  }
  return result;
}
