// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernel of candidate lists: which rows have moved too far. Sixteen rows are decided at a time.
#include "simd.inc.h"

/// The 16 lanes of <e, e> before they are folded, e = w - v, in the order of hs_dot_f32.
HS_INLINE f32x16 difference_sums(ptrdiff_t blocks, const float *w, const float *v) {
  f32x16 sum[4];
  for (ptrdiff_t p = 0; p < 4; p++) sum[p] = splat(0);
  for (ptrdiff_t k = 0; k < blocks; k++) {
    const f32x16 e = load(w + k * HS_LANES) - load(v + k * HS_LANES);
    sum[k & 3] = fmadd(e, e, sum[k & 3]);
  }
  if (blocks <= 1) return sum[0];
  if (blocks == 2) return sum[0] + sum[1];
  if (blocks == 3) return (sum[0] + sum[1]) + sum[2];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

HS_INLINE ptrdiff_t moved_beyond(ptrdiff_t blocks, ptrdiff_t n, const int32_t *ids, const float *w,
                                 const float *reference, const float *limits, int32_t *moved) {
  const ptrdiff_t stride = blocks * HS_LANES;
  ptrdiff_t found = 0;
  for (ptrdiff_t k = 0; k < n; k += HS_LANES) {
    const int count = n - k < HS_LANES ? (int)(n - k) : HS_LANES;
    f32x16 sums[HS_LANES];
    float most[HS_LANES] = {0};
    int32_t numbers[HS_LANES] = {0};
    for (int i = 0; i < HS_LANES; i++) {
      const int32_t r = ids[k + (i < count ? i : 0)];
      numbers[i] = r;
      most[i] = limits[r];
      sums[i] = difference_sums(blocks, w + r * stride, reference + r * stride);
    }
#define HS_LISTED_SUMS(i) sums[i]
    const f32x16 squares = HS_FOLD_16(HS_LISTED_SUMS);
#undef HS_LISTED_SUMS
    const uint32_t present = count < HS_LANES ? ((uint32_t)1 << count) - 1 : 0xFFFF;
    const uint32_t beyond = ~mask_of(squares <= load(most)) & present;
    if (beyond) found += store_kept_exactly(beyond, load_i32(numbers), moved + found);
  }
  return found;
}

ptrdiff_t HS_SUFFIX(hs_moved_beyond_f32)(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride,
                                         const float *w, const float *reference,
                                         const float *limits, int32_t *moved) {
  HS_WITH_BLOCKS(stride / HS_LANES, moved_beyond, n, ids, w, reference, limits, moved);
}
