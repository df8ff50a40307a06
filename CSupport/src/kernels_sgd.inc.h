// SPDX-License-Identifier: Apache-2.0
//
// Passes of the backward pass of plain SGD with its update, which needs no gradient in memory, that keep
// rows in registers. Comes after kernels_sparse.inc.h and kernels_forward.inc.h.
#include "simd.inc.h"

#define HS_SGD_TILE 256    // neurons whose output rows stay in the cache from pass to pass

// ---------------------------------------------------------------------------------------
// One query: its row stays in registers
// ---------------------------------------------------------------------------------------

/// 1 when all pairs belong to one query, as with a batch of one.
HS_INLINE int is_one_query(ptrdiff_t count, const int32_t *rows) {
  int32_t differences = 0;
  for (ptrdiff_t i = 0; i < count; i++) differences |= rows[i] ^ rows[0];
  return differences == 0;
}

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

/// What rows of a table are moved by where there is one query: row active[k] += alpha * (factor[k] * x).
typedef struct {
  const float *factor, *x;
  float alpha;
  float *table;
} query_update;

/// As update_one for two tables at once, whose rows have `blocks` and `more_blocks` blocks (constants of 1 or 2).
/// Rows of the second are in the cache, from their slopes.
HS_INLINE void update_two_one(ptrdiff_t blocks, ptrdiff_t more_blocks, ptrdiff_t begin,
                              ptrdiff_t end, const int32_t *active, const query_update *update,
                              const query_update *more_update) {
  const query_update u = *update, v = *more_update;
  const held_row x = hold(blocks, u.x), y = hold(more_blocks, v.x);
  const ptrdiff_t stride = blocks * HS_LANES, more_stride = more_blocks * HS_LANES;
  for (ptrdiff_t k = begin; k < end; k++) {
    float *row = u.table + active[k] * stride, *more_row = v.table + active[k] * more_stride;
    if (k + HS_SGD_AHEAD < end) prefetch_row(blocks, u.table + active[k + HS_SGD_AHEAD] * stride);
    const f32x16 f = splat(u.factor[k]), g = splat(v.factor[k]);
    for (ptrdiff_t j = 0; j < blocks; j++) {
      const f32x16 gradient = fmadd(f, x.block[j], splat(0));
      store(row + j * HS_LANES, fmadd(splat(u.alpha), gradient, load(row + j * HS_LANES)));
    }
    for (ptrdiff_t j = 0; j < more_blocks; j++) {
      const f32x16 gradient = fmadd(g, y.block[j], splat(0));
      store(more_row + j * HS_LANES,
            fmadd(splat(v.alpha), gradient, load(more_row + j * HS_LANES)));
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

/// Whether rows of so many floats in two tables are moved together.
HS_INLINE int has_update_of_two(ptrdiff_t stride, ptrdiff_t more_stride) {
  return stride >= HS_LANES && stride <= 2 * HS_LANES && more_stride >= HS_LANES &&
         more_stride <= 2 * HS_LANES;
}

static __attribute__((noinline)) void update_two_by_query(ptrdiff_t stride, ptrdiff_t more_stride,
                                                          ptrdiff_t begin, ptrdiff_t end,
                                                          const int32_t *active,
                                                          const query_update *u,
                                                          const query_update *v) {
  if (stride == HS_LANES && more_stride == HS_LANES) {
    update_two_one(1, 1, begin, end, active, u, v);
  } else if (stride == HS_LANES) {
    update_two_one(1, 2, begin, end, active, u, v);
  } else if (more_stride == HS_LANES) {
    update_two_one(2, 1, begin, end, active, u, v);
  } else {
    update_two_one(2, 2, begin, end, active, u, v);
  }
}

// ---------------------------------------------------------------------------------------
// Several queries
// ---------------------------------------------------------------------------------------

#define HS_SGD_GROUPS 5  // neurons with 1, 2, 3, 4 and more pairs

/// The neurons of a tile, grouped by their number of pairs: loops over the pairs of a neuron then
/// turn equally often, and are predicted. The order of neurons changes no bit, as rows do not
/// depend on each other.
typedef struct {
  int32_t neuron[HS_SGD_GROUPS][HS_SGD_TILE + HS_LANES];
  ptrdiff_t count[HS_SGD_GROUPS];
} tile_order;

static void order_tile(ptrdiff_t begin, ptrdiff_t end, const int32_t *starts, tile_order *to) {
  ptrdiff_t count[HS_SGD_GROUPS] = {0};
  ptrdiff_t n = begin;
  for (; n + HS_LANES <= end; n += HS_LANES) {
    const i32x16 pairs = load_i32(starts + n + 1) - load_i32(starts + n);
    const i32x16 numbers = lane_numbers() + (int32_t)n;
    for (int k = 0; k < HS_SGD_GROUPS; k++) {
      const uint32_t mask =
          mask_of(k + 1 < HS_SGD_GROUPS ? pairs == k + 1 : pairs >= HS_SGD_GROUPS);
      store_kept(mask, numbers, to->neuron[k] + count[k]);
      count[k] += __builtin_popcount(mask);
    }
  }
  for (; n < end; n++) {
    const int32_t pairs = starts[n + 1] - starts[n];
    if (pairs == 0) continue;
    const int k = pairs < HS_SGD_GROUPS ? pairs - 1 : HS_SGD_GROUPS - 1;
    to->neuron[k][count[k]++] = (int32_t)n;
  }
  memcpy(to->count, count, sizeof count);
}

/// What rows of a table are moved by: alpha * (sum over a row's pairs of factor * row of x).
typedef struct {
  const int32_t *active, *starts, *rows;
  const float *factor, *x;
  float alpha;
  float *table;
} row_update;

/// Moves the rows of `count` neurons, which have `pairs` pairs each (a constant), or with 0 any
/// number. Rows have `blocks` blocks (a constant), or with 0 one float.
HS_INLINE void update_group(ptrdiff_t blocks, int32_t pairs, const row_update *update,
                            const int32_t *neuron, ptrdiff_t count) {
  const ptrdiff_t stride = blocks > 0 ? blocks * HS_LANES : 1;
  const row_update u = *update;  // stores to the table cannot change a copy
  for (ptrdiff_t i = 0; i < count; i++) {
    const int32_t n = neuron[i], e = u.starts[n];
    const int32_t last = pairs > 0 ? e + pairs : u.starts[n + 1];
    float *row = u.table + u.active[n] * stride;
    if (blocks == 0) {
      float sum = 0;
      for (int32_t k = e; k < last; k++) sum = fmaf(u.factor[k], u.x[u.rows[k]], sum);
      *row = fmaf(u.alpha, sum, *row);
      continue;
    }
    f32x16 sum[4] = {splat(0), splat(0), splat(0), splat(0)};
    for (int32_t k = e; k < last; k++) {
      const float *x = u.x + u.rows[k] * stride;
      const f32x16 f = splat(u.factor[k]);
      for (ptrdiff_t j = 0; j < blocks; j++) sum[j] = fmadd(f, load(x + j * HS_LANES), sum[j]);
    }
    for (ptrdiff_t j = 0; j < blocks; j++) {
      store(row + j * HS_LANES, fmadd(splat(u.alpha), sum[j], load(row + j * HS_LANES)));
    }
  }
}

HS_INLINE void update_groups(ptrdiff_t blocks, const row_update *u, const tile_order *order) {
  update_group(blocks, 1, u, order->neuron[0], order->count[0]);
  update_group(blocks, 2, u, order->neuron[1], order->count[1]);
  update_group(blocks, 3, u, order->neuron[2], order->count[2]);
  update_group(blocks, 4, u, order->neuron[3], order->count[3]);
  update_group(blocks, 0, u, order->neuron[4], order->count[4]);
}

/// As update_group for two tables at once, whose rows have `blocks` and `more_blocks` blocks (constants
/// of 1 or 2): one loop over the pairs of a neuron, whose end is foreseen or not once. With `bounds_moves`
/// (a constant), moves of the first are bounded, whose factors are the slopes.
HS_INLINE void update_two_groups(ptrdiff_t blocks, ptrdiff_t more_blocks, int32_t pairs,
                                 int bounds_moves, const row_update *update,
                                 const row_update *more_update, const hs_move_bounds *bounds,
                                 const int32_t *neuron, ptrdiff_t count) {
  const row_update u = *update, v = *more_update;
  const hs_move_bounds none = {0}, moves = bounds_moves ? *bounds : none;
  for (ptrdiff_t i = 0; i < count; i++) {
    const int32_t n = neuron[i], e = u.starts[n];
    const int32_t last = pairs > 0 ? e + pairs : u.starts[n + 1];
    f32x16 sum[2] = {splat(0), splat(0)}, more_sum[2] = {splat(0), splat(0)};
    float distance = 0;
    for (int32_t k = e; k < last; k++) {
      const int32_t query = u.rows[k];
      const float *x = u.x + query * (blocks * HS_LANES);
      const float *y = v.x + query * (more_blocks * HS_LANES);
      const f32x16 f = splat(u.factor[k]), g = splat(v.factor[k]);
      for (ptrdiff_t j = 0; j < blocks; j++) sum[j] = fmadd(f, load(x + j * HS_LANES), sum[j]);
      for (ptrdiff_t j = 0; j < more_blocks; j++) {
        more_sum[j] = fmadd(g, load(y + j * HS_LANES), more_sum[j]);
      }
      if (bounds_moves) distance += fabsf(u.factor[k]) * moves.norms[query];
    }
    float *row = u.table + u.active[n] * (blocks * HS_LANES);
    float *more_row = v.table + u.active[n] * (more_blocks * HS_LANES);
    for (ptrdiff_t j = 0; j < blocks; j++) {
      store(row + j * HS_LANES, fmadd(splat(u.alpha), sum[j], load(row + j * HS_LANES)));
    }
    for (ptrdiff_t j = 0; j < more_blocks; j++) {
      store(more_row + j * HS_LANES,
            fmadd(splat(v.alpha), more_sum[j], load(more_row + j * HS_LANES)));
    }
    if (bounds_moves) moves.bounds[n] = distance * moves.factor + moves.floor;
  }
}

HS_INLINE void update_two_tables(ptrdiff_t blocks, ptrdiff_t more_blocks, int bounds_moves,
                                 const row_update *u, const row_update *v,
                                 const hs_move_bounds *moves, const tile_order *order) {
#define HS_UPDATE(pairs, k) \
  update_two_groups(blocks, more_blocks, pairs, bounds_moves, u, v, moves, order->neuron[k], \
                    order->count[k])
  HS_UPDATE(1, 0);
  HS_UPDATE(2, 1);
  HS_UPDATE(3, 2);
  HS_UPDATE(4, 3);
  HS_UPDATE(0, 4);
#undef HS_UPDATE
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
static void update_long_rows(ptrdiff_t blocks, const row_update *u, ptrdiff_t begin,
                             ptrdiff_t end) {
  const ptrdiff_t stride = blocks * HS_LANES;
  const int32_t *rows = u->rows;
  const float *factor = u->factor, *x = u->x;
  const float alpha = u->alpha;
  for (ptrdiff_t n = begin; n < end; n++) {
    const int32_t first = u->starts[n], last = u->starts[n + 1];
    if (first == last) continue;
    float *row = u->table + u->active[n] * stride;
    if (n + 1 < end) prefetch_row(blocks, u->table + u->active[n + 1] * stride);
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

/// Moves the rows of a tile.
static __attribute__((noinline)) void update_rows(ptrdiff_t stride, ptrdiff_t begin,
                                                  ptrdiff_t end, const row_update *u,
                                                  const tile_order *order) {
  switch (stride) {
    case 1: return update_groups(0, u, order);
    case HS_LANES: return update_groups(1, u, order);
    case 2 * HS_LANES: return update_groups(2, u, order);
    case 3 * HS_LANES: return update_groups(3, u, order);
    case 4 * HS_LANES: return update_groups(4, u, order);
    default: return update_long_rows(stride / HS_LANES, u, begin, end);
  }
}

HS_INLINE void update_two_of(int bounds_moves, ptrdiff_t stride, ptrdiff_t more_stride,
                             const row_update *u, const row_update *v, const hs_move_bounds *moves,
                             const tile_order *order) {
  if (stride == HS_LANES && more_stride == HS_LANES) {
    update_two_tables(1, 1, bounds_moves, u, v, moves, order);
  } else if (stride == HS_LANES) {
    update_two_tables(1, 2, bounds_moves, u, v, moves, order);
  } else if (more_stride == HS_LANES) {
    update_two_tables(2, 1, bounds_moves, u, v, moves, order);
  } else {
    update_two_tables(2, 2, bounds_moves, u, v, moves, order);
  }
}

/// Moves the rows of a tile in two tables, and bounds the moves of the first where `moves` is given.
static __attribute__((noinline)) void update_rows_of_two(ptrdiff_t stride, ptrdiff_t more_stride,
                                                         const row_update *u, const row_update *v,
                                                         const hs_move_bounds *moves,
                                                         const tile_order *order) {
  if (moves) {
    update_two_of(1, stride, more_stride, u, v, moves, order);
  } else {
    update_two_of(0, stride, more_stride, u, v, moves, order);
  }
}

HS_INLINE void slopes_of_group(int32_t pairs, const tile_order *order, int k,
                               const int32_t *active, const int32_t *starts, const int32_t *rows,
                               const float *a, const float *g, float *slopes) {
  for (ptrdiff_t i = 0; i < order->count[k]; i++) {
    const int32_t n = order->neuron[k][i], first = starts[n];
    const int32_t last = pairs > 0 ? first + pairs : starts[n + 1];
    const float an = a[active[n]];
    for (int32_t e = first; e < last; e++) slopes[e] = an * g[rows[e]];
  }
}

/// slopes[e] = canonical <a of the pair's neuron, g of its row>.
static void slopes_of_pairs(const tile_order *order, ptrdiff_t stride, ptrdiff_t begin, ptrdiff_t end,
                            const int32_t *active, const int32_t *starts, const int32_t *rows,
                            const float *a, const float *g, float *slopes) {
  if (stride != 1) {
    HS_SUFFIX(hs_sddmm_f32)(begin, end, active, starts, rows, stride, a, g, 0, slopes);
    return;
  }
  slopes_of_group(1, order, 0, active, starts, rows, a, g, slopes);
  slopes_of_group(2, order, 1, active, starts, rows, a, g, slopes);
  slopes_of_group(3, order, 2, active, starts, rows, a, g, slopes);
  slopes_of_group(4, order, 3, active, starts, rows, a, g, slopes);
  slopes_of_group(0, order, 4, active, starts, rows, a, g, slopes);
}
