// SPDX-License-Identifier: Apache-2.0
//
// SIMD steps of a forward pass that several processes share: the sums of single shards, and their
// combination. Comes after kernels_forward.inc.h, whose order of sums it keeps.
#include "simd.inc.h"

/// `blocks` blocks (a constant of at most 4) of the sums of all shards for all queries.
HS_INLINE void shard_blocks(ptrdiff_t blocks, ptrdiff_t queries, const firing_list *firing,
                            ptrdiff_t pieces, const ptrdiff_t *shards, ptrdiff_t stride,
                            ptrdiff_t at, ptrdiff_t plane, float *out) {
  for (ptrdiff_t q = 0; q < queries; q++) {
    ptrdiff_t e = firing->offsets[q];
    const ptrdiff_t last = firing->offsets[q + 1];
    for (ptrdiff_t piece = 0; piece < pieces; piece++) {
      held_row sum = {.row = NULL};
      for (ptrdiff_t j = 0; j < 4; j++) sum.block[j] = splat(0);
      e = add_firing(blocks, e, last, shards[piece + 1], firing->ids, firing->values, stride,
                     firing->a + at, &sum);
      float *to = out + piece * plane + q * stride + at;
      for (ptrdiff_t j = 0; j < blocks; j++) store(to + j * HS_LANES, sum.block[j]);
    }
  }
}

/// As shard_blocks for a single output.
static void shard_scalars(ptrdiff_t queries, const firing_list *firing, ptrdiff_t pieces,
                          const ptrdiff_t *shards, ptrdiff_t plane, float *out) {
  for (ptrdiff_t q = 0; q < queries; q++) {
    ptrdiff_t e = firing->offsets[q];
    for (ptrdiff_t piece = 0; piece < pieces; piece++) {
      float sum = 0;
      for (; e < firing->offsets[q + 1] && firing->ids[e] < shards[piece + 1]; e++) {
        sum = fmaf(firing->values[e], firing->a[firing->ids[e]], sum);
      }
      out[piece * plane + q] = sum;
    }
  }
}

void HS_SUFFIX(hs_forward_shards_f32)(ptrdiff_t queries, const ptrdiff_t *offsets,
                                      const int32_t *ids, const float *values, const float *a,
                                      ptrdiff_t pieces, const ptrdiff_t *shards, ptrdiff_t stride,
                                      ptrdiff_t plane, float *out) {
  const firing_list firing = {offsets, ids, values, a};
  if (stride == 1) {
    shard_scalars(queries, &firing, pieces, shards, plane, out);
    return;
  }
  for (ptrdiff_t at = 0; at < stride; at += 4 * HS_LANES) {
    switch ((stride - at) / HS_LANES) {
#define HS_CASE(label, blocks)                                                          \
  label:                                                                                \
    shard_blocks(blocks, queries, &firing, pieces, shards, stride, at, plane, out);     \
    break;
      HS_CASE(case 1, 1)
      HS_CASE(case 2, 2)
      HS_CASE(case 3, 3)
      HS_CASE(default, 4)
#undef HS_CASE
    }
  }
}

void HS_SUFFIX(hs_add_planes_f32)(ptrdiff_t pieces, ptrdiff_t plane, ptrdiff_t count,
                                  const float *parts, float factor, float *out) {
  ptrdiff_t i = 0;
  for (; i + HS_LANES <= count; i += HS_LANES) {
    f32x16 total = load(parts + i);
    for (ptrdiff_t p = 1; p < pieces; p++) total = total + load(parts + p * plane + i);
    store(out + i, total * splat(factor));
  }
  if (i < count) {
    f32x16 total = load_first(count - i, parts + i);
    for (ptrdiff_t p = 1; p < pieces; p++) {
      total = total + load_first(count - i, parts + p * plane + i);
    }
    store_first(count - i, out + i, total * splat(factor));
  }
}
