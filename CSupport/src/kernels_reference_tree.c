// SPDX-License-Identifier: Apache-2.0
//
// The definitions of the partition tree's kernels, see kernels_reference.c.
#include <math.h>

#include "kernels.h"
#include "reference_codes.h"

#pragma STDC FP_CONTRACT OFF

ptrdiff_t hs_node_filter_f32_ref(ptrdiff_t d, ptrdiff_t count, const int32_t *groups,
                                 const float *bounds, ptrdiff_t nodes, const float *x, float norm,
                                 float cutoff, float inside, int32_t *kept, int32_t *whole,
                                 ptrdiff_t *whole_count) {
  ptrdiff_t number_kept = 0, number_whole = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    const float *center = bounds + groups[i] * (2 * d + 1) * HS_LANES;
    const float *half = center + d * HS_LANES;
    const float *radius = half + d * HS_LANES;
    float s[HS_LANES] = {0}, box[HS_LANES] = {0};
    for (ptrdiff_t j = 0; j < d; j++) {
      for (int l = 0; l < HS_LANES; l++) {
        s[l] = fmaf(center[j * HS_LANES + l], x[j], s[l]);
        box[l] = fmaf(half[j * HS_LANES + l], fabsf(x[j]), box[l]);
      }
    }
    for (int l = 0; l < HS_LANES; l++) {
      const int32_t node = groups[i] * HS_LANES + l;
      const float ball = radius[l] * norm;
      const float width = box[l] < ball ? box[l] : ball;
      if (node >= nodes || s[l] + width <= cutoff) continue;
      if (s[l] - width > inside) {
        whole[number_whole++] = node;
      } else {
        kept[number_kept++] = node;
      }
    }
  }
  *whole_count = number_whole;
  return number_kept;
}

ptrdiff_t hs_tile_report_f32_ref(ptrdiff_t d, ptrdiff_t count, const int32_t *tiles,
                                 const float *rows, const int32_t *numbers, const float *x,
                                 float b, int32_t *ids, float *values) {
  const ptrdiff_t blocks = (d + HS_LANES - 1) / HS_LANES;
  ptrdiff_t reported = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    const float *tile = rows + tiles[i] * d * HS_LANES;
    for (int r = 0; r < HS_LANES; r++) {
      // hs_dot_f32 of row r, column r of the tile.
      float acc[4][HS_LANES] = {{0}};
      for (ptrdiff_t j = 0; j < d; j++) {
        float *t = &acc[j / HS_LANES % 4][j % HS_LANES];
        *t = fmaf(tile[j * HS_LANES + r], x[j], *t);
      }
      const float z = folded_chains(blocks, acc);
      if (z > b) {
        ids[reported] = numbers[tiles[i] * HS_LANES + r];
        values[reported++] = z - b;
      }
    }
  }
  return reported;
}
