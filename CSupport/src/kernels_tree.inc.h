// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels of the partition tree: sixteen nodes are tested at a time, then sixteen rows.
// Packed stores write 16 lanes behind what was kept, see kernels_report.inc.h.
#include "simd.inc.h"

// Calls f(d, ...) with a constant number of coordinates where there are few, so that loops over
// coordinates vanish and the query stays in registers.
#define HS_FEW_COORDINATES 8
#define HS_WITH_COORDINATES(d, f, ...)       \
  switch (d) {                               \
    case 1: return f(1, __VA_ARGS__);        \
    case 2: return f(2, __VA_ARGS__);        \
    case 3: return f(3, __VA_ARGS__);        \
    case 4: return f(4, __VA_ARGS__);        \
    case 5: return f(5, __VA_ARGS__);        \
    case 6: return f(6, __VA_ARGS__);        \
    case 7: return f(7, __VA_ARGS__);        \
    case 8: return f(8, __VA_ARGS__);        \
    default: return f(d, __VA_ARGS__);       \
  }

HS_INLINE ptrdiff_t node_filter(ptrdiff_t d, ptrdiff_t count, const int32_t *groups,
                                const float *bounds, ptrdiff_t nodes, const float *x, float norm,
                                float cutoff, float inside, int32_t *kept, int32_t *whole,
                                ptrdiff_t *whole_count) {
  const ptrdiff_t size = (2 * d + 1) * HS_LANES;
  ptrdiff_t number_kept = 0, number_whole = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    const float *center = bounds + groups[i] * size;
    const float *half = center + d * HS_LANES;
    f32x16 s = splat(0), box = splat(0);
    if (i + 4 < count) {
      const float *next = bounds + groups[i + 4] * size;
      prefetch_row(d <= HS_FEW_COORDINATES ? 2 * d + 1 : d, next);
      if (d > HS_FEW_COORDINATES) __builtin_prefetch(next + 2 * d * HS_LANES);
    }
    for (ptrdiff_t j = 0; j < d; j++) {
      s = fmadd(load(center + j * HS_LANES), splat(x[j]), s);
      if (d <= HS_FEW_COORDINATES) {
        box = fmadd(load(half + j * HS_LANES), splat(fabsf(x[j])), box);
      }
    }
    const f32x16 ball = load(half + d * HS_LANES) * splat(norm);
    const int32_t first = groups[i] * HS_LANES;
    const uint32_t present = nodes - first < HS_LANES ? first_bits(nodes - first) : 0xFFFF;
    if (d > HS_FEW_COORDINATES) {
      // Of many coordinates the boxes are half of what is read; the balls decide about most nodes.
      box = ball;
      if (above(s + ball, splat(cutoff)) & present & ~mask_of(s - ball > splat(inside))) {
        box = splat(0);
        for (ptrdiff_t j = 0; j < d; j++) {
          box = fmadd(load(half + j * HS_LANES), splat(fabsf(x[j])), box);
        }
      }
    }
    const f32x16 width = box < ball ? box : ball;
    const uint32_t reached = above(s + width, splat(cutoff)) & present;
    if (!reached) continue;
    const uint32_t covered = mask_of(s - width > splat(inside)) & reached;
    const i32x16 numbers = lane_numbers() + first;
    store_kept(reached & ~covered, numbers, kept + number_kept);
    number_kept += __builtin_popcount(reached & ~covered);
    if (covered) {
      store_kept(covered, numbers, whole + number_whole);
      number_whole += __builtin_popcount(covered);
    }
  }
  *whole_count = number_whole;
  return number_kept;
}

ptrdiff_t HS_SUFFIX(hs_node_filter_f32)(ptrdiff_t d, ptrdiff_t count, const int32_t *groups,
                                        const float *bounds, ptrdiff_t nodes, const float *x,
                                        float norm, float cutoff, float inside, int32_t *kept,
                                        int32_t *whole, ptrdiff_t *whole_count) {
  HS_WITH_COORDINATES(d, node_filter, count, groups, bounds, nodes, x, norm, cutoff, inside, kept,
                      whole, whole_count);
}

/// What coordinate l and those 16, 32, ... behind it contribute to the canonical inner products
/// of sixteen rows: lane l of the sum of accumulators, for each of them.
HS_INLINE f32x16 tile_lane(ptrdiff_t d, ptrdiff_t l, const float *rows, const float *x) {
  if (d <= HS_LANES) return fmadd(load(rows + l * HS_LANES), splat(x[l]), splat(0));
  const ptrdiff_t blocks = (d + HS_LANES - 1) / HS_LANES;
  f32x16 acc[4] = {0, 0, 0, 0};
  for (ptrdiff_t k = 0; k * HS_LANES + l < d; k++) {
    const ptrdiff_t at = k * HS_LANES + l;
    acc[k % 4] = fmadd(load(rows + at * HS_LANES), splat(x[at]), acc[k % 4]);
  }
  if (blocks == 2) return acc[0] + acc[1];
  if (blocks == 3) return (acc[0] + acc[1]) + acc[2];
  return (acc[0] + acc[1]) + (acc[2] + acc[3]);
}

/// Canonical inner products of the sixteen rows of a tile; +0 and -0 are not told apart.
HS_INLINE f32x16 dots_of_tile(ptrdiff_t d, const float *rows, const float *x) {
  f32x16 t[HS_LANES];
  ptrdiff_t lanes = d < HS_LANES ? d : HS_LANES;
  for (ptrdiff_t l = 0; l < lanes; l++) t[l] = tile_lane(d, l, rows, x);
  // The fold; lanes of the padding are zero and change nothing.
  for (ptrdiff_t half = HS_LANES / 2; half > 0; half /= 2) {
    for (ptrdiff_t l = 0; l + half < lanes; l++) t[l] = t[l] + t[l + half];
    lanes = lanes < half ? lanes : half;
  }
  return t[0];
}

HS_INLINE ptrdiff_t tile_report(ptrdiff_t d, ptrdiff_t count, const int32_t *tiles,
                                const float *rows, const int32_t *numbers, const float *x,
                                float b, int32_t *ids, float *values) {
  const ptrdiff_t ahead = 8;
  ptrdiff_t reported = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    if (i + ahead < count) {
      const ptrdiff_t next = tiles[i + ahead];
      prefetch_row(d, rows + next * d * HS_LANES);
      __builtin_prefetch(numbers + next * HS_LANES);
    }
    const ptrdiff_t tile = tiles[i];
    const f32x16 z = dots_of_tile(d, rows + tile * d * HS_LANES, x);
    const uint32_t fired = mask_of(z > splat(b));
    if (fired) {
      reported += append_fired(fired, load_i32(numbers + tile * HS_LANES), z, b, ids + reported,
                               values + reported);
    }
  }
  return reported;
}

ptrdiff_t HS_SUFFIX(hs_tile_report_f32)(ptrdiff_t d, ptrdiff_t count, const int32_t *tiles,
                                        const float *rows, const int32_t *numbers,
                                        const float *x, float b, int32_t *ids, float *values) {
  HS_WITH_COORDINATES(d, tile_report, count, tiles, rows, numbers, x, b, ids, values);
}
