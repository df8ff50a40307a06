// SPDX-License-Identifier: Apache-2.0
//
// The backward pass of plain SGD with its update, as a whole: with one output in one loop over the pairs
// of a neuron, else by the passes of kernels_sgd.inc.h, after which this comes; and bounds of moves.
#include "simd.inc.h"

// ---------------------------------------------------------------------------------------
// One output: slopes, both updates and bounds of moves in one loop over the pairs of a neuron
// ---------------------------------------------------------------------------------------

typedef struct {
  row_update w, a;  // of w, the factors are the slopes
  int trains_a;
  float *slopes;
  const hs_move_bounds *moves;  // or NULL
  const int32_t *ahead;         // as many neurons as are moved, whose rows are fetched meanwhile
} one_output_step;

/// Moves `count` neurons, which have `pairs` pairs each (a constant), or with 0 any number. Rows of w
/// have `blocks` blocks (a constant). With `bounds_moves` (a constant), moves are bounded. Returns the
/// neurons to be fetched that are left.
HS_INLINE const int32_t *step_group(ptrdiff_t blocks, int32_t pairs, int bounds_moves,
                                    const one_output_step *step, const int32_t *ahead,
                                    const int32_t *neuron, ptrdiff_t count) {
  const row_update u = step->w, v = step->a;
  const int trains_a = step->trains_a;
  float *slopes = step->slopes;
  const hs_move_bounds none = {0}, moves = bounds_moves ? *step->moves : none;
  for (ptrdiff_t i = 0; i < count; i++) {
    const int32_t n = neuron[i], e = u.starts[n];
    const int32_t last = pairs > 0 ? e + pairs : u.starts[n + 1];
    prefetch_row(blocks, u.table + ahead[i] * (blocks * HS_LANES));
    float *row = u.table + u.active[n] * (blocks * HS_LANES), *output = v.table + u.active[n];
    const float a = *output;
    f32x16 sum[4] = {splat(0), splat(0), splat(0), splat(0)};
    float output_sum = 0, distance = 0;
    for (int32_t k = e; k < last; k++) {
      const int32_t query = u.rows[k];
      const float *x = u.x + query * (blocks * HS_LANES);
      const float g = v.x[query], slope = a * g;
      slopes[k] = slope;
      for (ptrdiff_t j = 0; j < blocks; j++) {
        sum[j] = fmadd(splat(slope), load(x + j * HS_LANES), sum[j]);
      }
      output_sum = fmaf(v.factor[k], g, output_sum);
      if (bounds_moves) distance += fabsf(slope) * moves.norms[query];
    }
    for (ptrdiff_t j = 0; j < blocks; j++) {
      store(row + j * HS_LANES, fmadd(splat(u.alpha), sum[j], load(row + j * HS_LANES)));
    }
    if (trains_a) *output = fmaf(v.alpha, output_sum, a);
    if (bounds_moves) moves.bounds[n] = distance * moves.factor + moves.floor;
  }
  return ahead + count;
}

HS_INLINE void step_groups(ptrdiff_t blocks, int bounds_moves, const one_output_step *step,
                           const tile_order *order) {
  const int32_t *ahead = step->ahead;
  ahead = step_group(blocks, 1, bounds_moves, step, ahead, order->neuron[0], order->count[0]);
  ahead = step_group(blocks, 2, bounds_moves, step, ahead, order->neuron[1], order->count[1]);
  ahead = step_group(blocks, 3, bounds_moves, step, ahead, order->neuron[2], order->count[2]);
  ahead = step_group(blocks, 4, bounds_moves, step, ahead, order->neuron[3], order->count[3]);
  step_group(blocks, 0, bounds_moves, step, ahead, order->neuron[4], order->count[4]);
}

HS_INLINE void step_tile_of(ptrdiff_t blocks, const one_output_step *step, const tile_order *order) {
  if (step->moves) {
    step_groups(blocks, 1, step, order);
  } else {
    step_groups(blocks, 0, step, order);
  }
}

/// Whether step_tile moves rows of so many floats.
HS_INLINE int has_step_of_tile(ptrdiff_t stride, ptrdiff_t out_stride) {
  return out_stride == 1 && stride >= HS_LANES && stride <= 4 * HS_LANES;
}

static __attribute__((noinline)) void step_tile(ptrdiff_t stride, const one_output_step *step,
                                                const tile_order *order) {
  switch (stride) {
    case HS_LANES: return step_tile_of(1, step, order);
    case 2 * HS_LANES: return step_tile_of(2, step, order);
    case 3 * HS_LANES: return step_tile_of(3, step, order);
    case 4 * HS_LANES: return step_tile_of(4, step, order);
  }
}

// ---------------------------------------------------------------------------------------
// Bounds of moves, where slopes are known
// ---------------------------------------------------------------------------------------

HS_INLINE void bound_group(int32_t pairs, const hs_move_bounds *moves, const int32_t *starts,
                           const int32_t *rows, const float *slopes, const int32_t *neuron,
                           ptrdiff_t count) {
  const hs_move_bounds m = *moves;
  for (ptrdiff_t i = 0; i < count; i++) {
    const int32_t n = neuron[i], e = starts[n];
    const int32_t last = pairs > 0 ? e + pairs : starts[n + 1];
    float distance = 0;
    for (int32_t k = e; k < last; k++) distance += fabsf(slopes[k]) * m.norms[rows[k]];
    m.bounds[n] = distance * m.factor + m.floor;
  }
}

static __attribute__((noinline)) void bound_moves(const hs_move_bounds *moves,
                                                  const tile_order *order, const int32_t *starts,
                                                  const int32_t *rows, const float *slopes) {
  bound_group(1, moves, starts, rows, slopes, order->neuron[0], order->count[0]);
  bound_group(2, moves, starts, rows, slopes, order->neuron[1], order->count[1]);
  bound_group(3, moves, starts, rows, slopes, order->neuron[2], order->count[2]);
  bound_group(4, moves, starts, rows, slopes, order->neuron[3], order->count[3]);
  bound_group(0, moves, starts, rows, slopes, order->neuron[4], order->count[4]);
}

/// The largest of the numbers bounds[begin]..<bounds[end] of neurons that have pairs, 0 where there are none.
static float largest_bound(ptrdiff_t begin, ptrdiff_t end, const int32_t *starts,
                           const float *bounds) {
  f32x16 largest = splat(0);
  ptrdiff_t n = begin;
  for (; n + HS_LANES <= end; n += HS_LANES) {
    const i32x16 has_pairs = load_i32(starts + n) != load_i32(starts + n + 1);
    const f32x16 bound = (f32x16)((i32x16)load(bounds + n) & has_pairs);
    largest = chosen(bound > largest, bound, largest);
  }
  float result = 0;
  for (int l = 0; l < HS_LANES; l++) result = largest[l] > result ? largest[l] : result;
  for (; n < end; n++) {
    if (starts[n] != starts[n + 1] && bounds[n] > result) result = bounds[n];
  }
  return result;
}

/// Bounds the moves of n neurons of one pair each, all with a query of this norm. Returns the largest bound.
static float bound_of_query(ptrdiff_t n, const hs_move_bounds *moves, float norm,
                            const float *slopes, float *bounds) {
  const hs_move_bounds m = *moves;
  float largest[HS_LANES] = {0};
  ptrdiff_t k = 0;
  for (; k + HS_LANES <= n; k += HS_LANES) {
    for (ptrdiff_t l = 0; l < HS_LANES; l++) {
      const float bound = fabsf(slopes[k + l]) * norm * m.factor + m.floor;
      bounds[k + l] = bound;
      largest[l] = bound > largest[l] ? bound : largest[l];
    }
  }
  for (; k < n; k++) {
    bounds[k] = fabsf(slopes[k]) * norm * m.factor + m.floor;
    largest[0] = bounds[k] > largest[0] ? bounds[k] : largest[0];
  }
  for (ptrdiff_t l = 1; l < HS_LANES; l++) {
    largest[0] = largest[l] > largest[0] ? largest[l] : largest[0];
  }
  return largest[0];
}

// ---------------------------------------------------------------------------------------
// The step
// ---------------------------------------------------------------------------------------

float HS_SUFFIX(hs_backward_sgd_f32)(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                                     const int32_t *starts, const int32_t *rows,
                                     const int32_t *owners, const float *h, ptrdiff_t in_stride,
                                     const float *x, ptrdiff_t out_stride, const float *g,
                                     float alpha_w, float *w, float alpha_a, int trains_a,
                                     float *a, float *slopes, const hs_move_bounds *moves) {
  if (begin >= end || starts[begin] == starts[end]) return 0;
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
      if (trains_a && has_update_of_two(in_stride, out_stride)) {
        const query_update of_w = {slopes + first, xq, alpha_w, w};
        const query_update of_a = {h + first, gq, alpha_a, a};
        update_two_by_query(in_stride, out_stride, tile, stop, ids, &of_w, &of_a);
        continue;
      }
      update_by_query(in_stride, tile, stop, ids, slopes + first, xq, alpha_w, w);
      if (trains_a) update_by_query(out_stride, tile, stop, ids, h + first, gq, alpha_a, a);
    }
    return moves ? bound_of_query(n, moves, moves->norms[rows[first]], slopes + first,
                                  moves->bounds + begin)
                 : 0;
  }
  const row_update of_w = {active, starts, rows, slopes, x, alpha_w, w};
  const row_update of_a = {active, starts, rows, h, g, alpha_a, a};
  one_output_step step = {of_w, of_a, trains_a, slopes, moves, NULL};
  const int is_one_output = has_step_of_tile(in_stride, out_stride);
  for (ptrdiff_t tile = begin; tile < end; tile += HS_SGD_TILE) {
    const ptrdiff_t stop = tile + HS_SGD_TILE < end ? tile + HS_SGD_TILE : end;
    if (in_stride <= 4 * HS_LANES && (!is_one_output || tile == begin)) {
      for (ptrdiff_t n = tile; n < stop; n++) {
        prefetch_row(in_stride < HS_LANES ? 1 : in_stride / HS_LANES, w + active[n] * in_stride);
      }
    }
    tile_order order;
    order_tile(tile, stop, starts, &order);
    if (is_one_output) {
      // Rows arrive while others are moved: asked for all at once, they would be waited for.
      step.ahead = active + (stop + (stop - tile) <= end ? stop : end - (stop - tile));
      step_tile(in_stride, &step, &order);
      continue;
    }
    if (owners && out_stride != 1) {
      HS_SUFFIX(hs_pair_dots_f32)(starts[tile], starts[stop], owners, rows, out_stride, a, g, 0, slopes);
    } else {
      slopes_of_pairs(&order, out_stride, tile, stop, active, starts, rows, a, g, slopes);
    }
    if (trains_a && has_update_of_two(in_stride, out_stride)) {
      update_rows_of_two(in_stride, out_stride, &of_w, &of_a, moves, &order);
      continue;
    }
    update_rows(in_stride, tile, stop, &of_w, &order);
    if (trains_a) update_rows(out_stride, tile, stop, &of_a, &order);
    if (moves) bound_moves(moves, &order, starts, rows, slopes);
  }
  return moves ? largest_bound(begin, end, starts, moves->bounds) : 0;
}
