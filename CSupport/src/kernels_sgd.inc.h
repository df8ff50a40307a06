// SPDX-License-Identifier: Apache-2.0
//
// SIMD steps that keep rows in registers: outputs of one query, and the backward pass of plain
// SGD with its update, which needs no gradient in memory. Comes after kernels_sparse.inc.h.
#include "simd.inc.h"

#define HS_SGD_TILE 256    // neurons whose output rows stay in the cache from pass to pass
#define HS_SGD_AHEAD 12    // rows between the one worked on and the one prefetched

// ---------------------------------------------------------------------------------------
// Forward of one query
// ---------------------------------------------------------------------------------------

/// Blocks at..<at + blocks (a constant of at most 4) of the outputs.
HS_INLINE void forward_one_blocks(ptrdiff_t blocks, ptrdiff_t n, const int32_t *active,
                                  const float *h, ptrdiff_t pieces, const ptrdiff_t *shards,
                                  ptrdiff_t stride, const float *a, float factor, float *out) {
  held_row total = {.row = NULL};
  ptrdiff_t k = 0;
  for (ptrdiff_t piece = 0; piece < pieces; piece++) {
    held_row sum = {.row = NULL};
    for (ptrdiff_t j = 0; j < 4; j++) sum.block[j] = splat(0);
    for (; k < n && active[k] < shards[piece + 1]; k++) {
      const float *row = a + active[k] * stride;
      if (k + HS_SGD_AHEAD < n) prefetch_row(blocks, a + active[k + HS_SGD_AHEAD] * stride);
      const f32x16 hk = splat(h[k]);
      for (ptrdiff_t j = 0; j < blocks; j++) {
        sum.block[j] = fmadd(hk, load(row + j * HS_LANES), sum.block[j]);
      }
    }
    for (ptrdiff_t j = 0; j < blocks; j++) {
      total.block[j] = piece == 0 ? sum.block[j] : total.block[j] + sum.block[j];
    }
  }
  for (ptrdiff_t j = 0; j < blocks; j++) {
    store(out + j * HS_LANES, total.block[j] * splat(factor));
  }
}

HS_INLINE void forward_one_some(ptrdiff_t blocks, ptrdiff_t n, const int32_t *active,
                                const float *h, ptrdiff_t pieces, const ptrdiff_t *shards,
                                ptrdiff_t stride, const float *a, float factor, float *out) {
  switch (blocks) {
#define HS_CASE(blocks) \
  case blocks:          \
    return forward_one_blocks(blocks, n, active, h, pieces, shards, stride, a, factor, out);
    HS_CASE(1)
    HS_CASE(2)
    HS_CASE(3)
    HS_CASE(4)
#undef HS_CASE
  }
}

void HS_SUFFIX(hs_forward_one_f32)(ptrdiff_t n, const int32_t *active, const float *h,
                                   ptrdiff_t pieces, const ptrdiff_t *shards, ptrdiff_t stride,
                                   const float *a, float factor, float *out) {
  if (stride == 1) {
    float total = 0;
    ptrdiff_t k = 0;
    for (ptrdiff_t piece = 0; piece < pieces; piece++) {
      float sum = 0;
      for (; k < n && active[k] < shards[piece + 1]; k++) sum = fmaf(h[k], a[active[k]], sum);
      total = piece == 0 ? sum : total + sum;
    }
    out[0] = total * factor;
    return;
  }
  for (ptrdiff_t at = 0; at < stride; at += 4 * HS_LANES) {
    const ptrdiff_t left = (stride - at) / HS_LANES;
    forward_one_some(left < 4 ? left : 4, n, active, h, pieces, shards, stride, a + at, factor,
                     out + at);
  }
}

// ---------------------------------------------------------------------------------------
// One query: its row stays in registers
// ---------------------------------------------------------------------------------------

/// slopes[k] = canonical <row active[k] of a, g> for begin..<end.
HS_INLINE void slopes_one(ptrdiff_t blocks, ptrdiff_t begin, ptrdiff_t end,
                          const int32_t *active, const float *a, const float *g, float *slopes) {
  const held_row held = hold(blocks, g);
  ptrdiff_t k = begin;
  for (; k + HS_LANES <= end; k += HS_LANES) {
    store(slopes + k, dots_of_listed(blocks, a, active + k, NULL, NULL, &held));
  }
  if (k < end) {
    int32_t numbers[HS_LANES];
    for (ptrdiff_t i = 0; i < HS_LANES; i++) numbers[i] = active[k + i < end ? k + i : k];
    store_first(end - k, slopes + k, dots_of_listed(blocks, a, numbers, NULL, NULL, &held));
  }
}

/// Row active[k] of the table += alpha * (factor[k] * x), for begin..<end.
HS_INLINE void update_one(ptrdiff_t blocks, ptrdiff_t begin, ptrdiff_t end,
                          const int32_t *active, const float *factor, const float *x, float alpha,
                          float *table) {
  const held_row held = hold(blocks, x);
  const ptrdiff_t stride = blocks * HS_LANES;
  for (ptrdiff_t k = begin; k < end; k++) {
    float *row = table + active[k] * stride;
    if (k + HS_SGD_AHEAD < end) prefetch_row(blocks, table + active[k + HS_SGD_AHEAD] * stride);
    const f32x16 f = splat(factor[k]);
    for (ptrdiff_t j = 0; j < blocks; j++) {
      const f32x16 xj = j < 4 ? held.block[j] : load(x + j * HS_LANES);
      const f32x16 gradient = fmadd(f, xj, splat(0));
      store(row + j * HS_LANES, fmadd(splat(alpha), gradient, load(row + j * HS_LANES)));
    }
  }
}

static __attribute__((noinline)) void slopes_of_query(ptrdiff_t stride, ptrdiff_t begin,
                                                      ptrdiff_t end, const int32_t *active,
                                                      const float *a, const float *g,
                                                      float *slopes) {
  if (stride == 1) {
    for (ptrdiff_t k = begin; k < end; k++) slopes[k] = a[active[k]] * g[0];
    return;
  }
  HS_WITH_BLOCKS(stride / HS_LANES, slopes_one, begin, end, active, a, g, slopes);
}

static __attribute__((noinline)) void update_by_query(ptrdiff_t stride, ptrdiff_t begin,
                                                      ptrdiff_t end, const int32_t *active,
                                                      const float *factor, const float *x,
                                                      float alpha, float *table) {
  if (stride == 1) {
    for (ptrdiff_t k = begin; k < end; k++) {
      float *p = table + active[k];
      *p = fmaf(alpha, fmaf(factor[k], x[0], 0), *p);
    }
    return;
  }
  HS_WITH_BLOCKS(stride / HS_LANES, update_one, begin, end, active, factor, x, alpha, table);
}

// ---------------------------------------------------------------------------------------
// Several queries
// ---------------------------------------------------------------------------------------

/// Short rows: along the flat list of pairs. The row before the step stays in `base`, its gradient
/// so far in `sum`; the row is stored after every pair, the last time complete.
HS_INLINE void update_chunk(ptrdiff_t blocks, const pair_walk *walk, const int32_t *rows,
                            const float *factor, const float *x, float alpha, float *table,
                            held_row *base, held_row *sum) {
  const ptrdiff_t stride = blocks * HS_LANES;
  const int32_t *owner = walk->current->row, *next = walk->next->row;
  for (ptrdiff_t i = 0; i < walk->count; i++) {
    const float *xi = x + rows[i] * stride;
    float *row = table + owner[i] * stride;
    prefetch_row(blocks, table + next[i] * stride);
    const f32x16 f = splat(factor[i]);
    const i32x16 same = (i32x16)(-(int32_t)(owner[i] == owner[i - 1]));
    for (ptrdiff_t j = 0; j < blocks; j++) {
      base->block[j] = same ? base->block[j] : load(row + j * HS_LANES);
      sum->block[j] = fmadd(f, load(xi + j * HS_LANES), (f32x16)((i32x16)sum->block[j] & same));
      store(row + j * HS_LANES, fmadd(splat(alpha), sum->block[j], base->block[j]));
    }
  }
}

HS_INLINE void update_pairs(ptrdiff_t blocks, ptrdiff_t begin, ptrdiff_t end,
                            const int32_t *active, const int32_t *starts, const int32_t *rows,
                            const float *factor, const float *x, float alpha, float *table) {
  const neuron_list list = {begin, end, active, starts, table};
  held_row base = {.row = NULL}, sum = {.row = NULL};
  owners buffer[2];
  pair_walk walk = start_walk(blocks, list, 0, buffer);
  for (; walk.count > 0; advance(blocks, &walk, 0)) {
    update_chunk(blocks, &walk, rows + walk.e, factor + walk.e, x, alpha, table, &base, &sum);
  }
}

/// Blocks at..<at + blocks (a constant) of one row: the gradient stays in registers over all pairs.
HS_INLINE void update_blocks(ptrdiff_t blocks, int32_t first, int32_t last, const int32_t *rows,
                             const float *factor, ptrdiff_t stride, const float *x, float alpha,
                             float *row) {
  f32x16 sum[HS_SGD_GROUP];
  for (ptrdiff_t j = 0; j < blocks; j++) sum[j] = splat(0);
  for (int32_t e = first; e < last; e++) {
    const float *xe = x + rows[e] * stride;
    const f32x16 f = splat(factor[e]);
    for (ptrdiff_t j = 0; j < blocks; j++) sum[j] = fmadd(f, load(xe + j * HS_LANES), sum[j]);
  }
  for (ptrdiff_t j = 0; j < blocks; j++) {
    store(row + j * HS_LANES, fmadd(splat(alpha), sum[j], load(row + j * HS_LANES)));
  }
}

/// Long rows: neuron by neuron, HS_SGD_GROUP blocks at a time.
static void update_long_rows(ptrdiff_t blocks, ptrdiff_t begin, ptrdiff_t end,
                             const int32_t *active, const int32_t *starts, const int32_t *rows,
                             const float *factor, const float *x, float alpha, float *table) {
  const ptrdiff_t stride = blocks * HS_LANES;
  for (ptrdiff_t n = begin; n < end; n++) {
    const int32_t first = starts[n], last = starts[n + 1];
    if (first == last) continue;
    float *row = table + active[n] * stride;
    if (n + 1 < end) prefetch_row(blocks, table + active[n + 1] * stride);
    ptrdiff_t at = 0;
    for (; at + HS_SGD_GROUP <= blocks; at += HS_SGD_GROUP) {
      update_blocks(HS_SGD_GROUP, first, last, rows, factor, stride, x + at * HS_LANES, alpha,
                    row + at * HS_LANES);
    }
    for (; at + 2 <= blocks; at += 2) {
      update_blocks(2, first, last, rows, factor, stride, x + at * HS_LANES, alpha,
                    row + at * HS_LANES);
    }
    if (at < blocks) {
      update_blocks(1, first, last, rows, factor, stride, x + at * HS_LANES, alpha,
                    row + at * HS_LANES);
    }
  }
}

/// Rows of one float.
static void update_scalars(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                           const int32_t *starts, const int32_t *rows, const float *factor,
                           const float *x, float alpha, float *table) {
  for (ptrdiff_t n = begin; n < end; n++) {
    if (starts[n] == starts[n + 1]) continue;
    float sum = 0;
    for (int32_t e = starts[n]; e < starts[n + 1]; e++) sum = fmaf(factor[e], x[rows[e]], sum);
    table[active[n]] = fmaf(alpha, sum, table[active[n]]);
  }
}

/// Rows of the table += alpha * (sum over a row's pairs of factor * x).
static __attribute__((noinline)) void update_rows(ptrdiff_t stride, ptrdiff_t begin,
                                                  ptrdiff_t end, const int32_t *active,
                                                  const int32_t *starts, const int32_t *rows,
                                                  const float *factor, const float *x,
                                                  float alpha, float *table) {
  switch (stride) {
    case 1: return update_scalars(begin, end, active, starts, rows, factor, x, alpha, table);
#define HS_CASE(blocks)                                                                          \
  case (blocks) * HS_LANES:                                                                      \
    return update_pairs(blocks, begin, end, active, starts, rows, factor, x, alpha, table);
    HS_CASE(1)
    HS_CASE(2)
    HS_CASE(3)
    HS_CASE(4)
#undef HS_CASE
    default:
      return update_long_rows(stride / HS_LANES, begin, end, active, starts, rows, factor, x,
                              alpha, table);
  }
}

/// slopes[e] = canonical <a of the pair's neuron, g of its row>.
static void slopes_of_pairs(ptrdiff_t stride, ptrdiff_t begin, ptrdiff_t end,
                            const int32_t *active, const int32_t *starts, const int32_t *rows,
                            const float *a, const float *g, float *slopes) {
  if (stride != 1) {
    HS_SUFFIX(hs_sddmm_f32)(begin, end, active, starts, rows, stride, a, g, 0, slopes);
    return;
  }
  for (ptrdiff_t n = begin; n < end; n++) {
    for (int32_t e = starts[n]; e < starts[n + 1]; e++) slopes[e] = a[active[n]] * g[rows[e]];
  }
}

void HS_SUFFIX(hs_backward_sgd_f32)(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                                    const int32_t *starts, const int32_t *rows, const float *h,
                                    ptrdiff_t in_stride, const float *x, ptrdiff_t out_stride,
                                    const float *g, float alpha_w, float *w, float alpha_a,
                                    int trains_a, float *a, float *slopes) {
  if (begin >= end || starts[begin] == starts[end]) return;
  // A batch of one, whose neurons have one pair each.
  const int32_t first = starts[begin];
  if (starts[end] - first == end - begin && !has_empty(begin, end, starts) &&
      is_one_query(end - begin, rows + first)) {
    const float *xq = x + rows[first] * in_stride, *gq = g + rows[first] * out_stride;
    const int32_t *ids = active + begin;
    const ptrdiff_t n = end - begin;
    for (ptrdiff_t tile = 0; tile < n; tile += HS_SGD_TILE) {
      const ptrdiff_t stop = tile + HS_SGD_TILE < n ? tile + HS_SGD_TILE : n;
      slopes_of_query(out_stride, tile, stop, ids, a, gq, slopes + first);
      update_by_query(in_stride, tile, stop, ids, slopes + first, xq, alpha_w, w);
      if (trains_a) update_by_query(out_stride, tile, stop, ids, h + first, gq, alpha_a, a);
    }
    return;
  }
  for (ptrdiff_t tile = begin; tile < end; tile += HS_SGD_TILE) {
    const ptrdiff_t stop = tile + HS_SGD_TILE < end ? tile + HS_SGD_TILE : end;
    slopes_of_pairs(out_stride, tile, stop, active, starts, rows, a, g, slopes);
    update_rows(in_stride, tile, stop, active, starts, rows, slopes, x, alpha_w, w);
    if (trains_a) update_rows(out_stride, tile, stop, active, starts, rows, h, g, alpha_a, a);
  }
}
