// SPDX-License-Identifier: Apache-2.0
//
// The definition of every kernel, written to be read: hs_<name>_ref is what hs_<name> computes,
// bit for bit, on every instruction set. It is also the portable level, so inner loops run over
// 16 lanes, which compilers turn into vectors where the processor has a fused multiply-add.
#include <math.h>
#include <string.h>

#include "exponential.h"
#include "kernels.h"

// Every rounding is written out: a product and a sum fuse only where fmaf says so.
#pragma STDC FP_CONTRACT OFF

// ---------------------------------------------------------------------------------------
// Canonical inner product
// ---------------------------------------------------------------------------------------

/// Adds 16 lanes: t[l] + t[l + 8], then + 4, + 2, + 1.
static float fold_sum(float t[HS_LANES]) {
  for (int half = HS_LANES / 2; half > 0; half /= 2) {
    for (int l = 0; l < half; l++) t[l] = t[l] + t[l + half];
  }
  return t[0];
}

float hs_dot_f32_ref(ptrdiff_t stride, const float *w, const float *x) {
  const ptrdiff_t blocks = stride / HS_LANES;
  const ptrdiff_t accumulators = blocks < 4 ? blocks : 4;
  float acc[4][HS_LANES] = {{0}};
  for (ptrdiff_t k = 0; k < blocks; k++) {
    float *t = acc[k % 4];
    for (int l = 0; l < HS_LANES; l++) {
      t[l] = fmaf(w[k * HS_LANES + l], x[k * HS_LANES + l], t[l]);
    }
  }
  for (int l = 0; l < HS_LANES; l++) {
    if (accumulators > 1) acc[0][l] = acc[0][l] + acc[1][l];
    if (accumulators > 3) acc[2][l] = acc[2][l] + acc[3][l];
    if (accumulators > 2) acc[0][l] = acc[0][l] + acc[2][l];
  }
  return fold_sum(acc[0]);
}

void hs_preactivations_f32_ref(ptrdiff_t m, ptrdiff_t n, ptrdiff_t stride, const float *w,
                               const float *x, float *z, ptrdiff_t ldz) {
  for (ptrdiff_t r = 0; r < m; r++) {
    for (ptrdiff_t q = 0; q < n; q++) {
      z[r * ldz + q] = hs_dot_f32_ref(stride, w + r * stride, x + q * stride);
    }
  }
}

// ---------------------------------------------------------------------------------------
// Half-space reports
// ---------------------------------------------------------------------------------------

ptrdiff_t hs_scan_report_f32_ref(ptrdiff_t m, ptrdiff_t stride, const float *w, const float *x,
                                 float b, int32_t first, int32_t *ids, float *values) {
  ptrdiff_t reported = 0;
  for (ptrdiff_t r = 0; r < m; r++) {
    const float z = hs_dot_f32_ref(stride, w + r * stride, x);
    if (z > b) {
      ids[reported] = first + (int32_t)r;
      values[reported++] = z - b;
    }
  }
  return reported;
}

ptrdiff_t hs_filter_f32_ref(ptrdiff_t n, const float *z, float cutoff, int32_t first,
                            int32_t *candidates) {
  ptrdiff_t kept = 0;
  for (ptrdiff_t r = 0; r < n; r++) {
    if (!(z[r] <= cutoff)) candidates[kept++] = first + (int32_t)r;
  }
  return kept;
}

ptrdiff_t hs_recheck_f32_ref(ptrdiff_t count, const int32_t *candidates, ptrdiff_t stride,
                             const float *w, const float *x, float b, int32_t *ids,
                             float *values) {
  ptrdiff_t reported = 0;
  for (ptrdiff_t c = 0; c < count; c++) {
    const int32_t id = candidates[c];
    const float z = hs_dot_f32_ref(stride, w + id * stride, x);
    if (z > b) {
      ids[reported] = id;
      values[reported++] = z - b;
    }
  }
  return reported;
}

void hs_grid_products_f32_ref(ptrdiff_t h, ptrdiff_t stride, const float *table, const float *x,
                              float *products) {
  const ptrdiff_t ways = stride <= HS_NARROW_TABLE ? 4 : 2;
  for (ptrdiff_t i = 0; i < stride; i++) {
    float sums[4] = {0};
    for (ptrdiff_t k = 0; k < h; k++) {
      sums[k % ways] = fmaf(table[k * stride + i], x[k], sums[k % ways]);
    }
    products[i] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }
}

ptrdiff_t hs_grid_filter_f32_ref(ptrdiff_t s1, ptrdiff_t s2, const float *alpha,
                                 const float *beta, float beta_max, float cutoff, int64_t limit,
                                 ptrdiff_t *row, ptrdiff_t capacity, int32_t *locals) {
  ptrdiff_t written = 0;
  for (ptrdiff_t i = *row; i < s1 && i * s2 < limit; i++) {
    const float rest = cutoff - alpha[i];
    if (beta_max <= rest) continue;
    if (capacity - written < s2) {
      *row = i;
      return written;
    }
    const int64_t start = i * s2;
    const ptrdiff_t end = limit - start < s2 ? limit - start : s2;
    for (ptrdiff_t j = 0; j < end; j++) {
      if (!(beta[j] <= rest)) locals[written++] = (int32_t)(start + j);
    }
  }
  *row = s1;
  return written;
}

ptrdiff_t hs_grid_recheck_f32_ref(ptrdiff_t count, const int32_t *locals, ptrdiff_t s2,
                                  ptrdiff_t stride, const float *u, const float *v,
                                  const float *x, float b, int64_t first, int64_t *ids,
                                  float *values) {
  ptrdiff_t reported = 0;
  for (ptrdiff_t c = 0; c < count; c++) {
    const float *ui = u + locals[c] / s2 * stride;
    const float *vj = v + locals[c] % s2 * stride;
    // The canonical inner product of ui + vj and x, without storing the sum.
    const ptrdiff_t blocks = stride / HS_LANES;
    float acc[4][HS_LANES] = {{0}};
    for (ptrdiff_t k = 0; k < blocks; k++) {
      float *t = acc[k % 4];
      for (int l = 0; l < HS_LANES; l++) {
        const ptrdiff_t at = k * HS_LANES + l;
        t[l] = fmaf(ui[at] + vj[at], x[at], t[l]);
      }
    }
    for (int l = 0; l < HS_LANES; l++) {
      if (blocks > 1) acc[0][l] = acc[0][l] + acc[1][l];
      if (blocks > 3) acc[2][l] = acc[2][l] + acc[3][l];
      if (blocks > 2) acc[0][l] = acc[0][l] + acc[2][l];
    }
    const float z = fold_sum(acc[0]);
    if (z > b) {
      ids[reported] = first + locals[c];
      values[reported++] = z - b;
    }
  }
  return reported;
}

// ---------------------------------------------------------------------------------------
// Sparse step
// ---------------------------------------------------------------------------------------

ptrdiff_t hs_transpose_report_ref(ptrdiff_t queries, ptrdiff_t m, const ptrdiff_t *offsets,
                                  const int32_t *ids, const float *values, int32_t *counts,
                                  int32_t *active, int32_t *starts, int32_t *rows, float *h) {
  const ptrdiff_t pairs = queries > 0 ? offsets[queries] : 0;
  for (ptrdiff_t e = 0; e < pairs; e++) counts[ids[e]]++;
  ptrdiff_t n = 0;
  int32_t start = 0;
  for (ptrdiff_t r = 0; r < m; r++) {
    if (counts[r] == 0) continue;
    active[n] = (int32_t)r;
    starts[n++] = start;
    start += counts[r];
    counts[r] = starts[n - 1];  // from here on: where the neuron's next entry goes
  }
  starts[n] = start;
  for (ptrdiff_t q = 0; q < queries; q++) {
    for (ptrdiff_t e = offsets[q]; e < offsets[q + 1]; e++) {
      const int32_t at = counts[ids[e]]++;
      rows[at] = (int32_t)q;
      h[at] = values[e];
    }
  }
  for (ptrdiff_t k = 0; k < n; k++) counts[active[k]] = 0;
  return n;
}

void hs_sddmm_f32_ref(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                      const int32_t *starts, const int32_t *rows, ptrdiff_t stride,
                      const float *w, const float *x, float b, float *h) {
  for (ptrdiff_t n = begin; n < end; n++) {
    for (int32_t e = starts[n]; e < starts[n + 1]; e++) {
      h[e] = hs_dot_f32_ref(stride, w + active[n] * stride, x + rows[e] * stride) - b;
    }
  }
}

void hs_backward_f32_ref(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                         const int32_t *starts, const int32_t *rows, const float *h,
                         ptrdiff_t in_stride, const float *x, ptrdiff_t out_stride,
                         const float *a, const float *g, float *grad_w, float *grad_a) {
  for (ptrdiff_t n = begin; n < end; n++) {
    const float *an = a + active[n] * out_stride;
    if (grad_w) {
      float *gw = grad_w + (n - begin) * in_stride;
      for (ptrdiff_t l = 0; l < in_stride; l++) gw[l] = 0;
      for (int32_t e = starts[n]; e < starts[n + 1]; e++) {
        const float *ge = g + rows[e] * out_stride;
        const float *xe = x + rows[e] * in_stride;
        const float s = out_stride == 1 ? an[0] * ge[0] : hs_dot_f32_ref(out_stride, an, ge);
        for (ptrdiff_t l = 0; l < in_stride; l++) gw[l] = fmaf(s, xe[l], gw[l]);
      }
    }
    if (grad_a) {
      float *ga = grad_a + (n - begin) * out_stride;
      for (ptrdiff_t c = 0; c < out_stride; c++) ga[c] = 0;
      for (int32_t e = starts[n]; e < starts[n + 1]; e++) {
        const float *ge = g + rows[e] * out_stride;
        for (ptrdiff_t c = 0; c < out_stride; c++) ga[c] = fmaf(h[e], ge[c], ga[c]);
      }
    }
  }
}

void hs_forward_queries_f32_ref(ptrdiff_t queries, const ptrdiff_t *offsets, const int32_t *ids,
                                const float *values, const float *a,
                                const ptrdiff_t *more_offsets, const int32_t *more_ids,
                                const float *more_values, const float *more_a, ptrdiff_t pieces,
                                const ptrdiff_t *shards, ptrdiff_t stride, float factor,
                                float *out) {
  for (ptrdiff_t q = 0; q < queries; q++) {
    for (ptrdiff_t c = 0; c < stride; c++) {
      float total = 0;
      ptrdiff_t e = offsets[q];
      for (ptrdiff_t p = 0; p < pieces; p++) {
        float sum = 0;
        for (; e < offsets[q + 1] && ids[e] < shards[p + 1]; e++) {
          sum = fmaf(values[e], a[ids[e] * stride + c], sum);
        }
        if (p + 1 == pieces && more_offsets) {
          for (ptrdiff_t k = more_offsets[q]; k < more_offsets[q + 1]; k++) {
            sum = fmaf(more_values[k], more_a[more_ids[k] * stride + c], sum);
          }
        }
        total = p == 0 ? sum : total + sum;
      }
      out[q * stride + c] = total * factor;
    }
  }
}

float hs_backward_sgd_f32_ref(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                             const int32_t *starts, const int32_t *rows,
                             const int32_t *owners, const float *h, ptrdiff_t in_stride,
                             const float *x, ptrdiff_t out_stride, const float *g, float alpha_w,
                             float *w, float alpha_a, int trains_a, float *a, float *slopes,
                              const hs_move_bounds *moves) {
  (void)owners;  // nothing that starts do not tell
  float largest = 0;
  for (ptrdiff_t n = begin; n < end; n++) {
    float *an = a + active[n] * out_stride, *wn = w + active[n] * in_stride;
    const int32_t first = starts[n], last = starts[n + 1];
    if (first == last) continue;
    for (int32_t e = first; e < last; e++) {
      const float *ge = g + rows[e] * out_stride;
      slopes[e] = out_stride == 1 ? an[0] * ge[0] : hs_dot_f32_ref(out_stride, an, ge);
    }
    for (ptrdiff_t l = 0; l < in_stride; l++) {
      float sum = 0;
      for (int32_t e = first; e < last; e++) sum = fmaf(slopes[e], x[rows[e] * in_stride + l], sum);
      wn[l] = fmaf(alpha_w, sum, wn[l]);
    }
    for (ptrdiff_t c = 0; trains_a && c < out_stride; c++) {
      float sum = 0;
      for (int32_t e = first; e < last; e++) sum = fmaf(h[e], g[rows[e] * out_stride + c], sum);
      an[c] = fmaf(alpha_a, sum, an[c]);
    }
    if (!moves) continue;
    float distance = 0;
    for (int32_t e = first; e < last; e++) distance += fabsf(slopes[e]) * moves->norms[rows[e]];
    moves->bounds[n] = distance * moves->factor + moves->floor;
    largest = moves->bounds[n] > largest ? moves->bounds[n] : largest;
  }
  return largest;
}

// ---------------------------------------------------------------------------------------
// Optimizers
// ---------------------------------------------------------------------------------------

void hs_add_rows_f32_ref(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float alpha,
                         const float *step, float *p) {
  for (ptrdiff_t k = 0; k < n; k++) {
    const float *sk = step + k * stride;
    float *pk = p + ids[k] * stride;
    for (ptrdiff_t l = 0; l < stride; l++) pk[l] = fmaf(alpha, sk[l], pk[l]);
  }
}

void hs_adagrad_rows_f32_ref(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float epsilon,
                             float *g, float *s) {
  for (ptrdiff_t k = 0; k < n; k++) {
    float *gk = g + k * stride;
    float *sk = s + ids[k] * stride;
    for (ptrdiff_t l = 0; l < stride; l++) {
      sk[l] = fmaf(gk[l], gk[l], sk[l]);
      gk[l] = gk[l] / (__builtin_elementwise_sqrt(sk[l]) + epsilon);
    }
  }
}

void hs_momentum_rows_f32_ref(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float mu,
                              float *g, float *v) {
  for (ptrdiff_t k = 0; k < n; k++) {
    float *gk = g + k * stride;
    float *vk = v + ids[k] * stride;
    for (ptrdiff_t l = 0; l < stride; l++) gk[l] = vk[l] = fmaf(mu, vk[l], gk[l]);
  }
}

void hs_adam_rows_f32_ref(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float beta1,
                          float beta2, float scale1, float scale2, float epsilon, float *g,
                          float *u, float *v) {
  const float rest1 = 1 - beta1;
  const float rest2 = 1 - beta2;
  for (ptrdiff_t k = 0; k < n; k++) {
    float *gk = g + k * stride;
    float *uk = u + ids[k] * stride;
    float *vk = v + ids[k] * stride;
    for (ptrdiff_t l = 0; l < stride; l++) {
      uk[l] = fmaf(beta1, uk[l], rest1 * gk[l]);
      vk[l] = fmaf(beta2, vk[l], (rest2 * gk[l]) * gk[l]);
      gk[l] = (uk[l] * scale1) / (__builtin_elementwise_sqrt(vk[l] * scale2) + epsilon);
    }
  }
}

// ---------------------------------------------------------------------------------------
// Elementwise functions
// ---------------------------------------------------------------------------------------

/// 2^n for n in -126...127.
static float power_of_two(int32_t n) {
  const uint32_t bits = (uint32_t)(n + 127) << 23;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float exponential(float x) {
  if (x != x) return x;
  x = x < HS_EXP_LOWEST ? HS_EXP_LOWEST : x;
  x = x > HS_EXP_HIGHEST ? HS_EXP_HIGHEST : x;
  const float n = fmaf(x, HS_LOG2_E, HS_ROUNDER) - HS_ROUNDER;
  float r = fmaf(n, -HS_LN2_HIGH, x);
  r = fmaf(n, -HS_LN2_LOW, r);
  float p = fmaf(HS_EXP_P4, r, HS_EXP_P3);
  p = fmaf(p, r, HS_EXP_P2);
  p = fmaf(p, r, HS_EXP_P1);
  p = fmaf(p, r, HS_EXP_P0);
  const float y = fmaf(r * r, p, r) + 1;
  const int32_t half = (int32_t)n >> 1;
  return (y * power_of_two(half)) * power_of_two((int32_t)n - half);
}

void hs_exp_f32_ref(ptrdiff_t n, const float *x, float *y) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = exponential(x[i]);
}

void hs_softmax_f32_ref(ptrdiff_t rows, ptrdiff_t classes, ptrdiff_t stride, const float *z,
                        float *p, float *maximum, float *sum) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *zr = z + r * stride;
    float *pr = p + r * stride;
    float largest[HS_LANES], partial[HS_LANES] = {0};
    for (int l = 0; l < HS_LANES; l++) largest[l] = -INFINITY;
    for (ptrdiff_t c = 0; c < classes; c++) {
      float *t = &largest[c % HS_LANES];
      *t = zr[c] > *t ? zr[c] : *t;
    }
    for (int half = HS_LANES / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; l++) {
        largest[l] = largest[l + half] > largest[l] ? largest[l + half] : largest[l];
      }
    }
    maximum[r] = largest[0];
    for (ptrdiff_t c = 0; c < classes; c++) {
      pr[c] = exponential(zr[c] - maximum[r]);
      partial[c % HS_LANES] = partial[c % HS_LANES] + pr[c];
    }
    sum[r] = fold_sum(partial);
    for (ptrdiff_t c = 0; c < classes; c++) pr[c] = pr[c] / sum[r];
    for (ptrdiff_t c = classes; c < stride; c++) pr[c] = 0;
  }
}
