// SPDX-License-Identifier: Apache-2.0
//
// Sparse input rows: gathering them, which does not depend on the instruction set, and the readable
// definitions of their kernels.
#include <math.h>
#include <string.h>

#include "kernels.h"

#pragma STDC FP_CONTRACT OFF

// ---------------------------------------------------------------------------------------
// Gathering
// ---------------------------------------------------------------------------------------

#define LEAVES 64  // lanes of all accumulators

/// The place of a column's lane among the leaves of the tree that adds the lanes up: neighbors are
/// added first. The accumulators of a lane come first, then lanes 8, 4, 2 and 1 apart.
static int leaf_of(int32_t column) {
  const int lane = column & 15, accumulator = column >> 4 & 3;
  return (lane & 1) << 5 | (lane & 2) << 3 | (lane & 4) << 1 | (lane & 8) >> 1 | accumulator;
}

/// The level of the tree on which two leaves meet.
static int meeting_level(int leaf, int other) { return 31 - __builtin_clz((unsigned)(leaf ^ other)); }

/// Lists the additions of a row whose nonempty leaves are given, in the order of the tree.
static void list_additions(int count, const uint8_t *leaves, uint8_t *into, uint8_t *from) {
  // Sums that wait for their right neighbor, and the level on which they meet it.
  uint8_t slot[LEAVES];
  int level[LEAVES], depth = 0, added = 0;
  for (int k = 0; k < count; k++) {
    const int next = k + 1 < count ? meeting_level(leaves[k], leaves[k + 1]) : 32;
    uint8_t current = (uint8_t)k;
    while (depth > 0 && level[depth - 1] < next) {
      depth--;
      into[added] = slot[depth];
      from[added++] = current;
      current = slot[depth];
    }
    slot[depth] = current;
    level[depth++] = next;
  }
}

void hs_gather_rows_f32(ptrdiff_t count, const ptrdiff_t *numbers, const ptrdiff_t *offsets,
                        const int32_t *columns, const float *values, ptrdiff_t stride,
                        uint8_t *marks, hs_sparse_rows_t *to) {
  ptrdiff_t end = 0;
  to->count = count;
  to->offsets[0] = 0;
  for (ptrdiff_t q = 0; q < count; q++) {
    const ptrdiff_t first = offsets[numbers[q]], last = offsets[numbers[q] + 1], start = end;
    // Counting sort by leaf, which keeps the order of the columns of a leaf.
    int32_t places[LEAVES + 1] = {0};
    for (ptrdiff_t e = first; e < last; e++) places[leaf_of(columns[e]) + 1]++;
    uint8_t leaves[LEAVES], slot[LEAVES];
    int found = 0;
    for (int leaf = 0; leaf < LEAVES; leaf++) {
      if (places[leaf + 1] > 0) {
        slot[leaf] = (uint8_t)found;
        leaves[found++] = (uint8_t)leaf;
      }
      places[leaf + 1] += places[leaf];
    }
    for (ptrdiff_t e = first; e < last; e++) {
      const int leaf = leaf_of(columns[e]);
      const ptrdiff_t at = start + places[leaf]++;
      to->columns[at] = columns[e];
      to->values[at] = values[e];
      to->slots[at] = slot[leaf];
      marks[columns[e] / HS_LANES] = 1;
    }
    list_additions(found, leaves, to->into + start, to->from + start);
    to->lanes[q] = found;
    end = start + (last - first);
    to->offsets[q + 1] = end;
  }
  to->block_count = 0;
  for (ptrdiff_t block = 0; block < stride / HS_LANES; block++) {
    if (marks[block]) to->blocks[to->block_count++] = (int32_t)block;
    marks[block] = 0;
  }
}

// ---------------------------------------------------------------------------------------
// Definitions
// ---------------------------------------------------------------------------------------

void hs_sparse_preactivations_f32_ref(ptrdiff_t m, ptrdiff_t stride, const float *w,
                                      const hs_sparse_rows_t *x, float *tile, float *z,
                                      ptrdiff_t ldz) {
  (void)tile;
  for (ptrdiff_t q = 0; q < x->count; q++) {
    const ptrdiff_t first = x->offsets[q], last = x->offsets[q + 1];
    for (ptrdiff_t r = 0; r < m; r++) {
      const float *wr = w + r * stride;
      float sums[LEAVES] = {0};
      for (ptrdiff_t e = first; e < last; e++) {
        float *sum = &sums[x->slots[e]];
        *sum = fmaf(wr[x->columns[e]], x->values[e], *sum);
      }
      for (ptrdiff_t k = first; k + 1 < first + x->lanes[q]; k++) {
        sums[x->into[k]] = sums[x->into[k]] + sums[x->from[k]];
      }
      z[q * ldz + r] = sums[0];
    }
  }
}

void hs_sparse_backward_f32_ref(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                                const int32_t *starts, const int32_t *rows,
                                const hs_sparse_rows_t *x, ptrdiff_t in_stride,
                                ptrdiff_t out_stride, const float *a, const float *g,
                                float epsilon, float *state, float alpha, float *w,
                                float average_alpha, float *average, float *gradient) {
  for (ptrdiff_t n = begin; n < end; n++) {
    const float *an = a + active[n] * out_stride;
    const ptrdiff_t row = active[n] * in_stride;
    for (int32_t e = starts[n]; e < starts[n + 1]; e++) {
      const float *ge = g + rows[e] * out_stride;
      const float s = out_stride == 1 ? an[0] * ge[0] : hs_dot_f32_ref(out_stride, an, ge);
      for (ptrdiff_t k = x->offsets[rows[e]]; k < x->offsets[rows[e] + 1]; k++) {
        float *sum = &gradient[x->columns[k]];
        *sum = fmaf(s, x->values[k], *sum);
      }
    }
    for (int32_t e = starts[n]; e < starts[n + 1]; e++) {
      for (ptrdiff_t k = x->offsets[rows[e]]; k < x->offsets[rows[e] + 1]; k++) {
        const ptrdiff_t l = x->columns[k];
        // A column that a second row has comes again with gradient zero, which moves nothing.
        float d = gradient[l];
        gradient[l] = 0;
        if (state) {
          state[row + l] = fmaf(d, d, state[row + l]);
          d = d / (__builtin_elementwise_sqrt(state[row + l]) + epsilon);
        }
        w[row + l] = fmaf(alpha, d, w[row + l]);
        if (average) average[row + l] = fmaf(average_alpha, d, average[row + l]);
      }
    }
  }
}
