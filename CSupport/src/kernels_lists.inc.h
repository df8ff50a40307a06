// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels of candidate lists: which rows have moved too far, sixteen rows at a time, and the merging
// of pairs, sixteen numbers at a time.
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

HS_INLINE void copy_numbers(ptrdiff_t n, const int32_t *from, int32_t *to) {
  for (ptrdiff_t i = 0; i < n; i += HS_LANES) store_i32(to + i, load_i32(from + i));
}

/// How many of the ascending numbers at `ids`, n of them, are less than `name`; reads 16 more.
HS_INLINE ptrdiff_t count_below(ptrdiff_t n, const int32_t *ids, int32_t name) {
  ptrdiff_t count = 0;
  while (count < n) {
    const uint32_t others = mask_of(load_i32(ids + count) >= (i32x16)name);
    count += others ? __builtin_ctz(others) : HS_LANES;
    if (others) break;
  }
  return count < n ? count : n;
}

ptrdiff_t HS_SUFFIX(hs_merge_groups_f32)(ptrdiff_t n, const int32_t *ids, const int32_t *queries,
                                         const float *values, ptrdiff_t groups,
                                         const int32_t *active, const int32_t *names,
                                         const int32_t *starts, const int32_t *group_queries,
                                         const float *group_values, int32_t *new_ids,
                                         int32_t *new_queries, float *new_values) {
  ptrdiff_t written = 0, e = 0;
  for (ptrdiff_t k = 0; k <= groups; k++) {
    const int32_t name = k < groups ? names[active[k]] : 0;
    const ptrdiff_t before = k < groups ? count_below(n - e, ids + e, name) : n - e;
    copy_numbers(before, ids + e, new_ids + written);
    copy_numbers(before, queries + e, new_queries + written);
    copy_numbers(before, (const int32_t *)values + e, (int32_t *)new_values + written);
    written += before;
    e += before;
    if (k == groups) break;
    const ptrdiff_t own = starts[k + 1] - starts[k];
    for (ptrdiff_t i = 0; i < own; i += HS_LANES) store_i32(new_ids + written + i, (i32x16)name);
    copy_numbers(own, group_queries + starts[k], new_queries + written);
    copy_numbers(own, (const int32_t *)group_values + starts[k], (int32_t *)new_values + written);
    written += own;
  }
  return written;
}
