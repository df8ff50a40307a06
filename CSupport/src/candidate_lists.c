// SPDX-License-Identifier: Apache-2.0
//
// Lists of candidates for static queries: the readable definition of what decides how far rows have
// moved, and the merging of lists, which does not depend on the instruction set.
#include "kernels.h"

#pragma STDC FP_CONTRACT OFF

ptrdiff_t hs_moved_beyond_f32_ref(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride,
                                  const float *w, const float *reference, const float *limits,
                                  int32_t *moved) {
  ptrdiff_t found = 0;
  for (ptrdiff_t k = 0; k < n; k++) {
    const ptrdiff_t at = ids[k] * stride;
    float acc[4][HS_LANES] = {{0}};
    for (ptrdiff_t l = 0; l < stride; l++) {
      const float e = w[at + l] - reference[at + l];
      float *sum = &acc[l / HS_LANES % 4][l % HS_LANES];
      *sum = __builtin_fmaf(e, e, *sum);
    }
    const ptrdiff_t accumulators = stride / HS_LANES < 4 ? stride / HS_LANES : 4;
    float *t = acc[0];
    for (int l = 0; l < HS_LANES; l++) {
      if (accumulators > 1) acc[0][l] = acc[0][l] + acc[1][l];
      if (accumulators > 3) acc[2][l] = acc[2][l] + acc[3][l];
      if (accumulators > 2) acc[0][l] = acc[0][l] + acc[2][l];
    }
    for (int half = HS_LANES / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; l++) t[l] = t[l] + t[l + half];
    }
    if (!(t[0] <= limits[ids[k]])) moved[found++] = ids[k];
  }
  return found;
}

ptrdiff_t hs_merge_lists(ptrdiff_t n, const ptrdiff_t *offsets, const int32_t *ids,
                         const uint8_t *dropped, ptrdiff_t active, const int32_t *active_lists,
                         const int32_t *starts, const int32_t *added, const int32_t *names,
                         ptrdiff_t *new_offsets, int32_t *new_ids) {
  ptrdiff_t written = 0, next = 0;
  new_offsets[0] = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    ptrdiff_t e = offsets[i];
    const ptrdiff_t end = offsets[i + 1];
    if (next < active && active_lists[next] == i) {
      for (ptrdiff_t a = starts[next]; a < starts[next + 1]; a++) {
        const int32_t name = names[added[a]];
        for (; e < end && ids[e] < name; e++) {
          new_ids[written] = ids[e];
          written += !dropped[ids[e]];
        }
        new_ids[written++] = name;
      }
      next++;
    }
    for (; e < end; e++) {
      new_ids[written] = ids[e];
      written += !dropped[ids[e]];
    }
    new_offsets[i + 1] = written;
  }
  return written;
}

ptrdiff_t hs_merge_pairs_f32(ptrdiff_t n1, const int32_t *ids1, const float *values1,
                             ptrdiff_t n2, const int32_t *ids2, const float *values2,
                             int32_t *ids, float *values) {
  ptrdiff_t i = 0, j = 0, written = 0;
  while (i < n1 && j < n2) {
    const int32_t a = ids1[i], b = ids2[j];
    ids[written] = a <= b ? a : b;
    values[written++] = a <= b ? values1[i] : values2[j];
    i += a <= b;
    j += b <= a;
  }
  for (; i < n1; i++) {
    ids[written] = ids1[i];
    values[written++] = values1[i];
  }
  for (; j < n2; j++) {
    ids[written] = ids2[j];
    values[written++] = values2[j];
  }
  return written;
}
