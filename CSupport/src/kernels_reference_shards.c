// SPDX-License-Identifier: Apache-2.0
//
// Readable definitions of the kernels for sums that several processes share.
#include <math.h>

#include "kernels.h"

void hs_forward_shards_f32_ref(ptrdiff_t queries, const ptrdiff_t *offsets, const int32_t *ids,
                               const float *values, const float *a, ptrdiff_t pieces,
                               const ptrdiff_t *shards, ptrdiff_t stride, ptrdiff_t plane,
                               float *out) {
  for (ptrdiff_t q = 0; q < queries; q++) {
    for (ptrdiff_t c = 0; c < stride; c++) {
      ptrdiff_t e = offsets[q];
      for (ptrdiff_t p = 0; p < pieces; p++) {
        float sum = 0;
        for (; e < offsets[q + 1] && ids[e] < shards[p + 1]; e++) {
          sum = fmaf(values[e], a[ids[e] * stride + c], sum);
        }
        out[p * plane + q * stride + c] = sum;
      }
    }
  }
}

void hs_add_planes_f32_ref(ptrdiff_t pieces, ptrdiff_t plane, ptrdiff_t count, const float *parts,
                           float factor, float *out) {
  for (ptrdiff_t i = 0; i < count; i++) {
    float total = parts[i];
    for (ptrdiff_t p = 1; p < pieces; p++) total = total + parts[p * plane + i];
    out[i] = total * factor;
  }
}
