// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels over sparse input rows. Comes after kernels_sparse.inc.h.
#include "simd.inc.h"

// ---------------------------------------------------------------------------------------
// Inner products
//
// Sixteen rows of W are the lanes: their blocks that any query has entries in are transposed, so
// that an entry is one fused multiply-add for sixteen pairs. What is to be added to what is the
// same for all rows and was listed when the queries were gathered: no branch depends on an entry.
// ---------------------------------------------------------------------------------------

/// Rows 0..<8 of an 8 x 8 block become its columns.
HS_INLINE void transpose_8x8(f32x8 v[8]) {
  f32x8 t[8], u[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    t[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4) {
    u[i] = __builtin_shufflevector(t[i], t[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    u[i + 1] = __builtin_shufflevector(t[i], t[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    u[i + 2] = __builtin_shufflevector(t[i + 1], t[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
    u[i + 3] = __builtin_shufflevector(t[i + 1], t[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int i = 0; i < 4; i++) {
    v[i] = __builtin_shufflevector(u[i], u[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    v[i + 4] = __builtin_shufflevector(u[i], u[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

/// tile[l * 16 + i] = lane l of a block of row i.
HS_INLINE void transpose_block(const float *const rows[HS_LANES], ptrdiff_t at, float *tile) {
  typedef f32x8 f32x8_any __attribute__((aligned(4)));
  for (int half = 0; half < 2; half++) {
    for (int part = 0; part < 2; part++) {
      f32x8 v[8];
      for (int i = 0; i < 8; i++) v[i] = *(const f32x8_any *)(rows[8 * part + i] + at + 8 * half);
      transpose_8x8(v);
      for (int l = 0; l < 8; l++) {
        *(f32x8_any *)(tile + (8 * half + l) * HS_LANES + 8 * part) = v[l];
      }
    }
  }
}

/// The canonical inner products of gathered row q with the sixteen rows of a tile.
HS_INLINE f32x16 sparse_dots(const hs_sparse_rows_t *x, ptrdiff_t q, const float *tile) {
  const ptrdiff_t first = x->offsets[q], last = x->offsets[q + 1];
  if (first == last) return splat(0);
  const int32_t *columns = x->columns, lanes = x->lanes[q];
  const float *values = x->values;
  const uint8_t *slots = x->slots, *into = x->into + first, *from = x->from + first;
  f32x16 sums[64];
  for (int32_t lane = 0; lane < lanes; lane++) sums[lane] = splat(0);
  for (ptrdiff_t e = first; e < last; e++) {
    sums[slots[e]] =
        fmadd(load(tile + columns[e] * (ptrdiff_t)HS_LANES), splat(values[e]), sums[slots[e]]);
  }
  for (int32_t k = 0; k + 1 < lanes; k++) sums[into[k]] = sums[into[k]] + sums[from[k]];
  return sums[0];
}

void HS_SUFFIX(hs_sparse_preactivations_f32)(ptrdiff_t m, ptrdiff_t stride, const float *w,
                                             const hs_sparse_rows_t *x, float *tile, float *z,
                                             ptrdiff_t ldz) {
  for (ptrdiff_t r = 0; r < m; r += HS_LANES) {
    const ptrdiff_t count = m - r < HS_LANES ? m - r : HS_LANES;
    const float *rows[HS_LANES];
    for (ptrdiff_t i = 0; i < HS_LANES; i++) rows[i] = w + (i < count ? r + i : r) * stride;
    for (ptrdiff_t k = 0; k < x->block_count; k++) {
      const ptrdiff_t at = x->blocks[k] * (ptrdiff_t)HS_LANES;
      transpose_block(rows, at, tile + at * HS_LANES);
    }
    for (ptrdiff_t q = 0; q < x->count; q++) {
      const f32x16 sums = sparse_dots(x, q, tile);
      if (count == HS_LANES) {
        store(z + q * ldz + r, sums);
      } else {
        store_first(count, z + q * ldz + r, sums);
      }
    }
  }
}

// ---------------------------------------------------------------------------------------
// Backward
// ---------------------------------------------------------------------------------------

HS_INLINE float sparse_slope(ptrdiff_t stride, const float *a, const float *g) {
  return stride == 1 ? a[0] * g[0] : HS_SUFFIX(hs_dot_f32)(stride, a, g);
}

/// Steps element `at` of the first layer by the gradient d.
HS_INLINE void step_element(float d, ptrdiff_t at, float epsilon, float *state, float alpha,
                            float *w, float average_alpha, float *average) {
  if (state) {
    state[at] = fmaf(d, d, state[at]);
    d = d / (__builtin_elementwise_sqrt(state[at]) + epsilon);
  }
  w[at] = fmaf(alpha, d, w[at]);
  if (average) average[at] = fmaf(average_alpha, d, average[at]);
}

void HS_SUFFIX(hs_sparse_backward_f32)(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                                       const int32_t *starts, const int32_t *rows,
                                       const hs_sparse_rows_t *x, ptrdiff_t in_stride,
                                       ptrdiff_t out_stride, const float *a, const float *g,
                                       float epsilon, float *state, float alpha, float *w,
                                       float average_alpha, float *average, float *gradient) {
  const int32_t *columns = x->columns;
  const float *values = x->values;
  for (ptrdiff_t n = begin; n < end; n++) {
    const float *an = a + active[n] * out_stride;
    const ptrdiff_t row = active[n] * in_stride;
    const int32_t first = starts[n], last = starts[n + 1];
    for (int32_t e = first; e < last; e++) {
      const ptrdiff_t to = x->offsets[rows[e] + 1];
      const float s = sparse_slope(out_stride, an, g + rows[e] * out_stride);
      if (last - first == 1) {  // most neurons: no gradient in memory
        for (ptrdiff_t k = x->offsets[rows[e]]; k < to; k++) {
          step_element(fmaf(s, values[k], 0), row + columns[k], epsilon, state, alpha, w,
                       average_alpha, average);
        }
      } else {
        for (ptrdiff_t k = x->offsets[rows[e]]; k < to; k++) {
          gradient[columns[k]] = fmaf(s, values[k], gradient[columns[k]]);
        }
      }
    }
    for (int32_t e = first; last - first > 1 && e < last; e++) {
      const ptrdiff_t to = x->offsets[rows[e] + 1];
      for (ptrdiff_t k = x->offsets[rows[e]]; k < to; k++) {
        // A column that a second row has comes again with gradient zero, which moves nothing.
        const float d = gradient[columns[k]];
        gradient[columns[k]] = 0;
        step_element(d, row + columns[k], epsilon, state, alpha, w, average_alpha, average);
      }
    }
  }
}
